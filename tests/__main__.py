"""`make test`: everything that this machine can be made to run, and a plain list of what it could not and why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from local import base_image, docker_engine, engine, paths  # noqa: E402
from local.console import UserError, say, step  # noqa: E402
from local.stack import effective_configuration  # noqa: E402

BIN = Path(sys.executable).parent
STATIC_CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy", "--no-error-summary", "--cache-dir", str(paths.cache() / "mypy")],
    "arguments of AWS": ["pyright", "--pythonpath", sys.executable],
}


def main() -> int:
    os.chdir(ROOT)
    not_run: dict[str, str] = {}
    environment = {"SIMULATED_DEPLOYMENTS": "5000", **os.environ}
    preparing_engine = engine.Preparation()
    failed = [name for name, (tool, *arguments) in STATIC_CHECKS.items() if not _passes(name, tool, arguments)]
    try:
        docker_engine.ensure()
        environment["TEST_BASE_IMAGE"] = base_image.ensure(effective_configuration("local")["image.base"])
    except UserError as problem:
        not_run["docker"] = str(problem)
    try:
        environment["PULUMI_BIN"] = str(preparing_engine.result().executable)
    except UserError as problem:
        not_run["engine"] = str(problem)
    try:
        with docker_engine.kept_running():
            if _run_pytest(not_run, environment) != 0:
                failed.append("pytest")
    finally:
        docker_engine.stop_if_ours()
    for kind, reason in not_run.items():
        say(f"not run: tests that need {kind}, because {reason}")
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed or (not_run and os.environ.get("CI") == "true") else 0


def _passes(name: str, tool: str, arguments: list[str]) -> bool:
    with step(name) as shown:
        answer = subprocess.run([BIN / tool, *arguments], capture_output=True, text=True)
        if answer.returncode:
            shown.note("failed")
            say(answer.stdout + answer.stderr)
        return answer.returncode == 0


def _run_pytest(not_run: dict[str, str], environment: dict[str, str]) -> int:
    markers = " and ".join(f"not {kind}" for kind in not_run)
    # Two more than processors: a test with engine and containers waits for much of its time.
    workers = str((os.cpu_count() or 1) + 2)
    parallel = ["--numprocesses", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", "-m", markers, *parallel, "--durations=10", "-rs", *sys.argv[1:]]
    return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    raise SystemExit(main())
