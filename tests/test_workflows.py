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

from local import engine

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
    used = re.findall(r"- uses: (\S+)(.*)", workflow.read_text())
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.match(r" # v\d+\.\d+\.\d+", comment), f"{action} does not say its version"


RUNS: dict[str, dict[str, list[str]]] = {
    "base-image": {"base-image": ["make newest-base", "git diff --exit-code -- 'Pulumi*.yaml'"]},
    "chaos": {"chaos": ["make chaos"]},
    "deploy": {
        "dev": ["make plan deploy STACK=dev"],
        "plan-prod": [
            "make plan STACK=prod",
            'cat .plan/prod/report.md >> "$GITHUB_STEP_SUMMARY"\n'
            'echo "sha256=$(sha256sum < .plan/prod/plan.json | cut -d\' \' -f1)" >> "$GITHUB_OUTPUT"\n',
            "make seal STACK=prod",
        ],
        "prod": ["make guarded ENVIRONMENT=prod", "make unseal deploy STACK=prod"],
    },
    "deploy-risk": {
        "judge": [
            "(Find the pull request, and whether a label of it accepts what else would stop it)",
            "make risk PREVIEWS=.previews/aws MARKDOWN=report.md",
            "make risk PREVIEWS=.previews/offline MARKDOWN=report.md",
            'cat report.md >> "$GITHUB_STEP_SUMMARY" || true',
        ],
        "tell": [
            "(Set the verdict on the commit, for the branch's rules to require)",
            "(Write the one comment, or write it anew)",
        ],
    },
    "drift": {"drift": ["make drift"]},
    "pull-request": {
        "test": [".ci/run"],
        "image": ["make image CACHE=.local/image"],
        "offline": ['make preview RECORD=".previews/$STACK"'],
        "preview": ["make plan STACK=dev"],
    },
}
"""What each job runs, in order; the scripts that ask GitHub, which are tested below, by their name."""


@each_workflow
def test_each_job_runs_what_a_laptop_can_run_and_nothing_else(workflow: Path) -> None:
    found = {
        name: [
            f"({step['name']})" if "gh api" in step["run"] else step["run"] for step in job["steps"] if "run" in step
        ]
        for name, job in _jobs(workflow)
    }
    assert found == RUNS[workflow.stem]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in (command for commands in found.values() for command in commands if command.startswith("make ")):
        assert {word for word in command.split()[1:] if "=" not in word} <= targets


@each_workflow
def test_no_job_may_more_than_it_says(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text())["permissions"] == {}
    for name, job in _jobs(workflow):
        writes = {scope for scope, access in job["permissions"].items() if access == "write"}
        assert writes <= ({"pull-requests", "statuses"} if name == "tell" else {"id-token"})


def _events(workflow: Path) -> set[str]:
    return set(yaml.safe_load(workflow.read_text())[True])  # as YAML 1.1 reads `on`


@each_workflow
def test_what_a_pull_request_brings_runs_only_where_nothing_can_be_written_and_no_verdict_counts(
    workflow: Path,
) -> None:
    assert "pull_request_target" not in _events(workflow)
    for name, job in _jobs(workflow):
        if "pull_request" in _events(workflow):
            # Of all roles the one that reads dev: its words are judged elsewhere.
            role = {"id-token": "write"} if name == "preview" else {}
            assert job["permissions"] == {"contents": "read", **role}
            assert "environment" not in job or name == "preview"
        for step in job["steps"]:
            used = step.get("uses", "")
            if used.startswith("actions/checkout@"):
                # Without `ref` and `repository` a run for a pull request gets its code, every other one that of main.
                assert step["with"] == {"persist-credentials": False}
            if "pull_request" not in _events(workflow):
                assert not used.startswith("actions/cache@")
            assert "${{" not in step.get("run", "")


def test_the_job_that_writes_runs_no_code_of_anybody() -> None:
    tell = dict(_jobs(ROOT / ".github" / "workflows" / "deploy-risk.yml"))["tell"]
    assert {step["uses"].partition("@")[0] for step in tell["steps"] if "uses" in step} == {"actions/download-artifact"}


def test_data_of_a_pull_request_lies_where_nothing_of_the_checkout_is() -> None:
    judge = dict(_jobs(ROOT / ".github" / "workflows" / "deploy-risk.yml"))["judge"]
    given = [step["with"] for step in judge["steps"] if "download-artifact" in step.get("uses", "")]
    assert [(each["pattern"], each["path"]) for each in given] == [
        ("aws-*", ".previews/aws"),
        ("offline-*", ".previews/offline"),
    ]


def test_a_verdict_follows_every_run_for_a_pull_request() -> None:
    workflows = ROOT / ".github" / "workflows"
    judged = yaml.safe_load((workflows / "deploy-risk.yml").read_text())[True]["workflow_run"]
    assert judged == {
        "workflows": [yaml.safe_load((workflows / "pull-request.yml").read_text())["name"]],
        "types": ["completed"],
    }


def test_a_fork_gets_tests_and_an_offline_preview_but_no_credentials() -> None:
    jobs = dict(_jobs(ROOT / ".github" / "workflows" / "pull-request.yml"))
    same_repository = "github.event.pull_request.head.repo.full_name == github.repository"
    for name, job in jobs.items():
        if "id-token" in job["permissions"]:
            assert same_repository in job["if"], name
    assert "if" not in jobs["test"] and "if" not in jobs["offline"]


def test_every_environment_is_previewed_offline_and_dev_on_aws_too() -> None:
    requested = dict(_jobs(ROOT / ".github" / "workflows" / "pull-request.yml"))
    checked = dict(_jobs(ROOT / ".github" / "workflows" / "drift.yml"))
    deployed = [name for name, _ in _jobs(ROOT / ".github" / "workflows" / "deploy.yml") if name != "plan-prod"]
    files = {file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml")} - {"local"}
    assert set(requested["offline"]["strategy"]["matrix"]["stack"]) == files
    assert checked["drift"]["strategy"]["matrix"]["stack"] == deployed


GH = """
import jq, sys
match sys.argv[1:]:
    case ["api", _, "--paginate", "--jq", wanted] if answers:
        print(*jq.compile(wanted).input_text(open("comments.json").read()), sep="\\n")
    case ["api", path, "--jq", wanted] if answers:
        print(*jq.compile(wanted).input_text(open("pulls.json").read()), sep="\\n")
    case ["api", path, "--method", method, *fields, "--silent"]:
        open("written", "a").write(" ".join([method, path, *(each for each in fields if each != "--field")]))
    case _:
        sys.exit(1)
"""


@dataclass
class PullRequest:
    """A pull request at GitHub, and what its workflow has to tell; `gh` is a stand-in that notes what it is asked."""

    folder: Path

    def comment(self, *there: tuple[str, str], report: str | None, answers: bool = True) -> tuple[str, str]:
        """Runs the step where (author, text) are the comments there, numbered from 1: the call that wrote, and what."""
        comments = [{"id": at, "user": {"login": author}, "body": body} for at, (author, body) in enumerate(there, 1)]
        (self.folder / "comments.json").write_text(json.dumps(comments))
        if report is not None:
            (self.folder / "report").mkdir()
            (self.folder / "report" / "report.md").write_text(report)
        return self.run("Write the one comment", answers=answers), (self.folder / "comment.md").read_text()

    def run(self, name: str, *, answers: bool = True, **environment: str) -> str:
        """Runs the script whose name begins so: the call that wrote."""
        (self.folder / "gh").write_text(f"#!{sys.executable}\nanswers = {answers}\n{GH}")
        (self.folder / "gh").chmod(0o755)
        steps = _steps(ROOT / ".github" / "workflows" / "deploy-risk.yml")
        (script,) = [step["run"] for step in steps if step.get("name", "").startswith(name)]
        (self.folder / "step.sh").write_text(script)
        given = {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "octo-org/app",
            "GITHUB_RUN_ID": "42",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "NUMBER": "7",
            "HEAD": "abc",
        }
        subprocess.run(["bash", "-e", "step.sh"], cwd=self.folder, env=given | environment, check=answers)
        written = self.folder / "written"
        return written.read_text().strip() if written.exists() else ""


@pytest.fixture
def pull_request(tmp_path: Path) -> PullRequest:
    return PullRequest(tmp_path)


BOT, MARK = "github-actions[bot]", "<!-- deploy-risk -->\n"


def test_the_first_report_becomes_a_comment_whatever_others_wrote(pull_request: PullRequest) -> None:
    others = (BOT, "coverage 80 %"), ("mallory", f"{MARK}May be deployed"), (BOT, f"answer to {MARK}")
    call, written = pull_request.comment(*others, report="## dev\n## prod\n")
    assert call == "POST repos/octo-org/app/issues/7/comments body=@comment.md"
    assert written == f"{MARK}## dev\n## prod\n"


def test_a_later_report_takes_the_place_of_the_earlier_one(pull_request: PullRequest) -> None:
    there = ("mallory", f"{MARK}mine"), (BOT, f"{MARK}old"), (BOT, "coverage 80 %"), (BOT, f"{MARK}a second one")
    call, written = pull_request.comment(*there, report="new")
    assert call == "PATCH repos/octo-org/app/issues/comments/2 body=@comment.md"
    assert written == f"{MARK}new"


def test_a_report_that_a_comment_has_no_room_for_is_cut_and_says_where_the_whole_is(pull_request: PullRequest) -> None:
    _, written = pull_request.comment(report="x" * 70_000)
    assert 65_000 < len(written) <= 65_536
    where = "https://github.com/octo-org/app/actions/runs/42#artifacts"
    assert written.startswith(f"{MARK}The end is cut: a comment has no room for it. [The whole]({where}).\n\nxxx")


def test_previews_without_a_report_are_told_too(pull_request: PullRequest) -> None:
    assert pull_request.comment(report=None)[1] == f"{MARK}No preview came to a report: see the checks.\n"


def test_nothing_is_written_where_the_comments_cannot_be_read(pull_request: PullRequest) -> None:
    assert pull_request.comment((BOT, f"{MARK}old"), report="new", answers=False)[0] == ""


@pytest.mark.parametrize(
    ("result", "state"), [("success", "success"), ("failure", "failure"), ("cancelled", "failure")]
)
def test_the_verdict_is_set_on_the_commit(pull_request: PullRequest, result: str, state: str) -> None:
    assert pull_request.run("Set the verdict", RESULT=result) == (
        f"POST repos/octo-org/app/statuses/abc context=deploy risk state={state} "
        "target_url=https://github.com/octo-org/app/actions/runs/42"
    )


@pytest.mark.parametrize(
    ("pulls", "output"),
    [
        ([], "number=\naccepted=false\n"),
        ([{"number": 7, "labels": [{"name": "bug"}]}], "number=7\naccepted=false\n"),
        ([{"number": 7, "labels": [{"name": "accept-risk"}]}], "number=7\naccepted=true\n"),
        ([{"number": 6, "labels": [{"name": "accept-risk"}], "state": "closed"}], "number=\naccepted=false\n"),
        ([{"number": 6, "labels": [{"name": "accept-risk"}], "head": {"sha": "old"}}], "number=\naccepted=false\n"),
    ],
)
def test_the_pull_request_is_the_open_one_whose_last_commit_was_judged(
    pull_request: PullRequest, pulls: list[dict[str, Any]], output: str
) -> None:
    found = [{"state": "open", "head": {"sha": "abc"}} | each for each in pulls]
    (pull_request.folder / "pulls.json").write_text(json.dumps(found))
    pull_request.run("Find the pull request")
    assert (pull_request.folder / "output").read_text() == output


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
    # Its digest is an output of the job, which no later step or job can write; the plan is an artifact, which one can.
    assert jobs["plan-prod"]["outputs"] == {"sha256": "${{ steps.plan.outputs.sha256 }}"}
    step = jobs["prod"]["steps"][-1]
    assert step["env"]["PLAN_SHA256"] == "${{ needs.plan-prod.outputs.sha256 }}"


def test_prod_asks_whether_somebody_must_approve_before_it_takes_its_role() -> None:
    steps = dict(_jobs(ROOT / ".github" / "workflows" / "deploy.yml"))["prod"]["steps"]
    asked = next(index for index, step in enumerate(steps) if "guarded" in step.get("run", ""))
    taken = next(index for index, step in enumerate(steps) if "configure-aws-credentials" in step.get("uses", ""))
    assert asked < taken


@each_workflow
def test_a_job_takes_the_role_of_the_environment_that_it_is_bound_to(workflow: Path) -> None:
    """The role for pull requests is told to the repository, every other one to the environment that it trusts."""
    for name, job in _jobs(workflow):
        roles = {step["with"]["role-to-assume"] for step in job["steps"] if "role-to-assume" in step.get("with", {})}
        if not roles:
            continue
        deploys = workflow.stem == "deploy" and name != "plan-prod"
        assert roles == {f"${{{{ vars.{'DEPLOY' if deploys else 'PREVIEW'}_ROLE_ARN }}}}"}
        expected = {"dev": "dev", "prod": "prod", "plan-prod": "prod-plan", "drift": "${{ matrix.stack }}-plan"}
        assert job.get("environment") == expected.get(name), name


def test_no_plan_is_an_artifact_as_it_is() -> None:
    for workflow in WORKFLOWS:
        for name, job in _jobs(workflow):
            for step in job["steps"]:
                if "upload-artifact" in step.get("uses", "") and workflow.stem != "pull-request":
                    assert step["with"]["path"].split("/")[-1].split()[0] in ("sealed.yaml", "report.md"), name


@pytest.mark.parametrize("target", ["plan", "deploy", "drift"])
def test_what_aws_says_in_a_job_is_no_command_to_the_runner(target: str) -> None:
    recipe = re.search(rf"^{target}: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe and recipe[1].index("@$(NO_COMMANDS)\n") < recipe[1].index("pulumi ")
    make = ["make", "--assume-old", ".venv/.ready", "--eval", "it: ; @$(NO_COMMANDS)", "it"]
    kept = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
    at_home, on_github = (
        subprocess.run(make, cwd=ROOT, env=kept | more, capture_output=True, text=True, check=True).stdout
        for more in ({}, {"GITHUB_ACTIONS": "true"})
    )
    assert at_home == ""
    assert re.fullmatch(r"::stop-commands::[0-9a-f]{32}\n", on_github)


def test_every_job_has_the_engine_that_runs_here() -> None:
    wanted = {
        str(step["with"]["pulumi-version"])
        for workflow in WORKFLOWS
        for step in _steps(workflow)
        if "pulumi-version" in step.get("with", {})
    }
    assert wanted == {engine.VERSION}
    built = (ROOT / "local" / "engine_build" / "go.mod").read_text()
    assert f"require github.com/pulumi/pulumi/pkg/v3 v{engine.VERSION}\n" in built
    assert f" {engine.VERSION.rpartition('.')[0]} or newer" in (ROOT / "README.md").read_text()
