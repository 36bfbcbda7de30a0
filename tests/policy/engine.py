"""`pulumi policy analyze` on a stack, with the engine named by `PULUMI_BIN`: a pack as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.policy.stacks import Resources, state

POLICY = Path(__file__).parents[2] / "policy"


def analyze(folder: Path, resources: Resources, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Runs the pack over the stack, as `analyze_state` does."""
    return analyze_state(folder, state(resources), *arguments, **settings)


def analyze_state(
    folder: Path,
    exported_state: dict[str, Any],
    *arguments: str,
    pack: Path = POLICY,
    python: Path = POLICY / ".venv/bin/python",
    timeout_seconds: int = 60,
) -> subprocess.CompletedProcess[str]:
    """Runs the pack with this Python over a state. `folder/pid` then holds the id that the pack's process had."""
    # A part of every Pulumi release, next to `pulumi`; this one names the virtual environment and leaves its id.
    shim = folder / "bin" / "pulumi-analyzer-policy-python"
    shim.parent.mkdir(parents=True, exist_ok=True)
    shim.write_text(f'#!/bin/sh\necho $$ > "{folder}/pid"\nexec "{python}" -u -m pulumi.policy "$1" "$2"\n')
    shim.chmod(0o755)
    exported = folder / "state.json"
    with exported.open("w", encoding="utf-8") as file:
        json.dump(exported_state, file)
    return subprocess.run(
        [
            os.environ.get("PULUMI_BIN", "pulumi"),
            *("policy", "analyze", "--file", str(exported), "--policy-pack", str(pack)),
            *arguments,
        ],
        env={
            **os.environ,
            "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
