"""The pack as a user runs it: `pulumi policy analyze` on a state file, with the pack's own requirements only."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.policy import good_stacks
from tests.policy.good_stacks import MISMATCH
from tests.policy.stacks import Resources, state

POLICY = Path(__file__).parents[2] / "policy"

pytestmark = pytest.mark.engine


def analyze(tmp_path: Path, resources: Resources, *arguments: str) -> subprocess.CompletedProcess[str]:
    shim = tmp_path / "bin" / "pulumi-analyzer-policy-python"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{POLICY}/.venv/bin/python" -u -m pulumi.policy "$1" "$2"\n')
    shim.chmod(0o755)
    exported = tmp_path / "state.json"
    exported.write_text(json.dumps(state(resources)))
    engine = os.environ.get("PULUMI_BIN", "pulumi")
    return subprocess.run(
        [engine, "policy", "analyze", "--file", str(exported), "--policy-pack", str(POLICY), *arguments],
        env={
            **os.environ,
            "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_violation_fails_the_command_and_names_both_sides(tmp_path: Path) -> None:
    result = analyze(tmp_path, MISMATCH)
    assert result.returncode != 0
    assert "[mandatory]" in result.stdout
    assert "Service 'web' launchType: got \"FARGATE\"" in result.stdout
    assert "TaskDefinition 'app'" in result.stdout


@pytest.mark.parametrize("name", ["FARGATE", "EC2"])
def test_a_good_stack_passes(tmp_path: Path, name: str) -> None:
    result = analyze(tmp_path, getattr(good_stacks, name))
    assert (result.returncode, "ecs-settings" in result.stdout) == (0, False), result.stdout + result.stderr


def test_configuration_reaches_the_rules(tmp_path: Path) -> None:
    configuration = tmp_path / "config.json"
    configuration.write_text(json.dumps({"ecs-settings": {"levels": {"LT-01": "advisory", "images": "disabled"}}}))
    result = analyze(tmp_path, MISMATCH, "--policy-pack-config", str(configuration))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "[advisory]" in result.stdout
