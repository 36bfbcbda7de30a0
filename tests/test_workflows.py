"""The workflows: linted, pinned, and made of steps that a laptop can run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
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
    shellcheck = f"-shellcheck={Path(sys.executable).parent / 'shellcheck'}"
    linted = subprocess.run([actionlint, shellcheck, *WORKFLOWS], cwd=ROOT, capture_output=True, text=True)
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


GH = """
import jq, sys
match sys.argv[1:]:
    case ["api", _, "--paginate", "--jq", wanted] if answers:
        print(*jq.compile(wanted).input_text(open("comments.json").read()), sep="\\n")
    case ["api", path, "--method", method, "--field", "body=@comment.md", "--silent"]:
        open("written", "a").write(f"{method} {path}")
    case _:
        sys.exit(1)
"""


@dataclass
class PullRequest:
    """A pull request at GitHub, and what its workflow has to tell; `gh` is a stand-in that notes what it is asked."""

    folder: Path

    def comment(self, *there: tuple[str, str], reports: tuple[str, ...], answers: bool = True) -> tuple[str, str]:
        """Runs the step where (author, text) are the comments there, numbered from 1: the call that wrote, and what."""
        comments = [{"id": at, "user": {"login": author}, "body": body} for at, (author, body) in enumerate(there, 1)]
        (self.folder / "comments.json").write_text(json.dumps(comments))
        for at, report in enumerate(reports):
            (self.folder / f"report-{at}").mkdir()
            (self.folder / f"report-{at}" / "report.md").write_text(report)
        (self.folder / "gh").write_text(f"#!{sys.executable}\nanswers = {answers}\n{GH}")
        (self.folder / "gh").chmod(0o755)
        (step,) = [
            step
            for step in _steps(ROOT / ".github" / "workflows" / "pull-request.yml")
            if "gh api" in step.get("run", "")
        ]
        (self.folder / "step.sh").write_text(step["run"])
        environment = {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "octo-org/app",
            "GITHUB_RUN_ID": "42",
            "NUMBER": "7",
        }
        subprocess.run(["bash", "-e", "step.sh"], cwd=self.folder, env=environment, check=answers)
        written = self.folder / "written"
        return written.read_text().strip() if written.exists() else "", (self.folder / "comment.md").read_text()


@pytest.fixture
def pull_request(tmp_path: Path) -> PullRequest:
    return PullRequest(tmp_path)


BOT, MARK = "github-actions[bot]", "<!-- deploy-risk -->\n"


def test_the_first_report_becomes_a_comment_whatever_others_wrote(pull_request: PullRequest) -> None:
    others = (BOT, "coverage 80 %"), ("mallory", f"{MARK}May be deployed"), (BOT, f"answer to {MARK}")
    call, written = pull_request.comment(*others, reports=("## dev\n", "## prod\n"))
    assert call == "POST repos/octo-org/app/issues/7/comments"
    assert written == f"{MARK}## dev\n## prod\n"


def test_a_later_report_takes_the_place_of_the_earlier_one(pull_request: PullRequest) -> None:
    there = ("mallory", f"{MARK}mine"), (BOT, f"{MARK}old"), (BOT, "coverage 80 %"), (BOT, f"{MARK}a second one")
    call, written = pull_request.comment(*there, reports=("new",))
    assert call == "PATCH repos/octo-org/app/issues/comments/2"
    assert written == f"{MARK}new"


def test_a_report_that_a_comment_has_no_room_for_is_cut_and_says_where_the_whole_is(pull_request: PullRequest) -> None:
    _, written = pull_request.comment(reports=("x" * 70_000,))
    assert 65_000 < len(written) <= 65_536
    where = "https://github.com/octo-org/app/actions/runs/42#artifacts"
    assert written.startswith(f"{MARK}The end is cut: a comment has no room for it. [The whole]({where}).\n\nxxx")


def test_previews_without_a_report_are_told_too(pull_request: PullRequest) -> None:
    assert pull_request.comment(reports=())[1] == f"{MARK}No preview came to a report: see the checks.\n"


def test_nothing_is_written_where_the_comments_cannot_be_read(pull_request: PullRequest) -> None:
    assert pull_request.comment((BOT, f"{MARK}old"), reports=("new",), answers=False)[0] == ""


def test_a_label_that_accepts_a_risk_counts_when_it_is_set_and_when_it_is_taken_away() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "pull-request.yml").read_text())
    on = workflow[True]  # as YAML 1.1 reads the word
    assert set(on["pull_request"]["types"]) == {"opened", "synchronize", "reopened", "labeled", "unlabeled"}


@each_workflow
def test_no_job_with_credentials_takes_anything_from_a_cache(workflow: Path) -> None:
    for name, job in _jobs(workflow):
        if any("cache" in step.get("uses", "") for step in job["steps"]):
            assert job["permissions"] == {"contents": "read"}, name


@each_workflow
def test_credentials_last_as_long_as_their_job(workflow: Path) -> None:
    for name, job in _jobs(workflow):
        for step in job["steps"]:
            if "configure-aws-credentials" in step.get("uses", ""):
                assert step["with"].get("role-duration-seconds", 3600) >= job["timeout-minutes"] * 60, name


def test_prod_is_deployed_after_approval_by_the_plan_that_was_read() -> None:
    jobs = dict(_jobs(ROOT / ".github" / "workflows" / "deploy.yml"))
    assert jobs["prod"]["environment"] == "prod"
    assert jobs["prod"]["needs"] == "plan-prod"
    assert any("download-artifact" in step.get("uses", "") for step in jobs["prod"]["steps"])
    assert [step["run"] for step in jobs["prod"]["steps"] if "run" in step] == ["make deploy STACK=prod"]
