"""The workflows: linted, pinned, and made of steps that a laptop can run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"

each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)


def _jobs(workflow: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from yaml.safe_load(workflow.read_text())["jobs"].items()


def _steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for _, job in _jobs(workflow):
        yield from job["steps"]


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    linted = subprocess.run([zizmor, "--offline", "--no-progress", ROOT / ".github"], capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The linter is a Go program that no package index has: without Go or network it runs in pull requests only."""
    folder = tmp_path_factory.mktemp("actionlint")
    go = shutil.which("go")
    reason = "Go is not installed"
    if go:
        environment = {**os.environ, "GOBIN": str(folder), "GOFLAGS": "-mod=mod"}
        built = subprocess.run([go, "install", ACTIONLINT], env=environment, capture_output=True, text=True)
        if built.returncode == 0:
            return folder / "actionlint"
        reason = built.stderr
    assert os.environ.get("CI") != "true", reason
    pytest.skip(f"actionlint cannot be built here, pull requests run it: {reason}")


def test_actionlint_finds_nothing(actionlint: Path) -> None:
    linted = subprocess.run([actionlint, *WORKFLOWS], cwd=ROOT, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@each_workflow
def test_every_action_is_pinned_by_commit_and_says_its_version(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", workflow.read_text())
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.match(r" # v\d+\.\d+\.\d+", comment), f"{action} does not say its version"


@each_workflow
def test_every_step_that_works_is_a_make_target(workflow: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for step in _steps(workflow):
        if "name" in step or "run" not in step:
            continue  # what has a name only carries a report to where it is read
        words = step["run"].split()
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word and "#" not in word} <= targets
        else:
            assert words[0] == ".ci/run"


@each_workflow
def test_no_job_may_more_than_it_says(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text())["permissions"] == {}
    for name, job in _jobs(workflow):
        writes = {scope for scope, access in job["permissions"].items() if access == "write"}
        assert writes <= ({"pull-requests"} if name == "comment" else {"id-token"})


def test_a_fork_gets_tests_and_an_offline_preview_but_no_credentials() -> None:
    jobs = dict(_jobs(ROOT / ".github" / "workflows" / "pull-request.yml"))
    same_repository = "github.event.pull_request.head.repo.full_name == github.repository"
    for name, job in jobs.items():
        if "id-token" in job["permissions"]:
            assert same_repository in job["if"], name
    assert "if" not in jobs["test"] and "if" not in jobs["offline"]


def test_every_environment_is_previewed_offline_and_the_deployed_ones_on_aws_too() -> None:
    requested = dict(_jobs(ROOT / ".github" / "workflows" / "pull-request.yml"))
    checked = dict(_jobs(ROOT / ".github" / "workflows" / "drift.yml"))
    deployed = [
        environment
        for _, job in _jobs(ROOT / ".github" / "workflows" / "deploy.yml")
        if (environment := job.get("environment"))
    ]
    files = {file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml")} - {"local"}
    assert set(requested["offline"]["strategy"]["matrix"]["stack"]) == files
    assert requested["preview"]["strategy"]["matrix"]["stack"] == deployed
    assert checked["drift"]["strategy"]["matrix"]["stack"] == deployed


def test_the_job_that_may_comment_runs_nothing_of_the_pull_request() -> None:
    comment = dict(_jobs(ROOT / ".github" / "workflows" / "pull-request.yml"))["comment"]
    assert not any("checkout" in step.get("uses", "") for step in comment["steps"])


def test_prod_is_deployed_after_approval_by_the_plan_that_was_read() -> None:
    jobs = dict(_jobs(ROOT / ".github" / "workflows" / "deploy.yml"))
    assert jobs["prod"]["environment"] == "prod"
    assert jobs["prod"]["needs"] == "plan-prod"
    assert any("download-artifact" in step.get("uses", "") for step in jobs["prod"]["steps"])
    assert [step["run"] for step in jobs["prod"]["steps"] if "run" in step] == ["make deploy STACK=prod"]
