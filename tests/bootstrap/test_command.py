"""`make bootstrap`, with stand-ins for pulumi, gh and AWS that note what they are asked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bootstrap import command, github
from bootstrap.permissions import ISSUER

STACK = {
    "AWS_REGION": "eu-west-1",
    "PULUMI_BACKEND_URL": "s3://state/dev?region=eu-west-1",
    "DEPLOY_ROLE_ARN": "arn:deploy-dev",
    "PREVIEW_ROLE_ARN": "arn:preview-dev",
    "secretsProvider": "awskms://alias/dev",
}
OUTPUTS = {
    "dev": STACK,
    "prod": {key: value.replace("dev", "prod") for key, value in STACK.items()},
    "pullRequestEnvironment": "dev",
}
STAND_IN = """#!{python}
import json, sys
name = sys.argv[0].rpartition("/")[2]
given = "" if sys.stdin.isatty() else sys.stdin.read() if "--input" in sys.argv else ""
open({log!r}, "a").write(json.dumps([name, *sys.argv[1:], *([json.loads(given)] if given else [])]) + "\\n")
answers = json.load(open({answers!r}))
said = " ".join(sys.argv[1:])
for asked, answer in answers.get(name, {{}}).items():
    if said.startswith(asked):
        if answer is None:
            sys.exit("HTTP 404")
        print(answer if isinstance(answer, str) else json.dumps(answer))
        break
"""
Call = list[Any]


@dataclass
class Machine:
    """A folder on PATH with the stand-ins, and what they were asked."""

    folder: Path

    def answer(self, name: str, answers: Mapping[str, Any]) -> None:
        program = self.folder / name
        known = self.folder / "answers.json"
        before = json.loads(known.read_text()) if known.exists() else {}
        known.write_text(json.dumps({**before, name: answers}))
        program.write_text(STAND_IN.format(python=sys.executable, log=str(self.folder / "log"), answers=str(known)))
        program.chmod(0o755)

    @property
    def calls(self) -> list[Call]:
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def asked(self, *words: str) -> list[Call]:
        return [each for each in self.calls if each[: len(words)] == list(words)]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    made.answer(
        "pulumi",
        {"stack export": {"deployment": None}, "stack output": OUTPUTS},
    )
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    aws = mock.Mock()
    aws.list_open_id_connect_providers.return_value = {"OpenIDConnectProviderList": []}
    monkeypatch.setattr("boto3.client", lambda *_, **__: aws)
    made.aws = aws  # type: ignore[attr-defined]
    return made


GH = {
    "auth status": "",
    "api repos/octo-org/app/environments/prod/deployment-branch-policies": {"branch_policies": [{"name": "main"}]},
    "api repos/octo-org/app/environments/dev/deployment-branch-policies": {"branch_policies": []},
    "api repos/octo-org/app/environments/dev-plan/deployment-branch-policies": {"branch_policies": []},
    "api repos/octo-org/app/environments/prod-plan/deployment-branch-policies": {"branch_policies": []},
    "api repos/octo-org/app/environments/prod": {
        "protection_rules": [
            {"type": "wait_timer"},
            {"type": "required_reviewers", "reviewers": [{"type": "User", "reviewer": {"id": 7, "login": "alice"}}]},
        ],
        "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
    },
    "api repos/octo-org/app/environments/": {"protection_rules": []},
    "api repos/octo-org/app": {"id": 456},
    "api users/alice": {"id": 7},
    "api orgs/octo-org/teams/ops": {"id": 9},
}


def config(machine: Machine) -> dict[str, str]:
    calls = machine.asked("pulumi", "config", "set")
    return {next(word for word in each[3:] if word != "--path"): each[-1] for each in calls}


def test_without_gh_the_steps_are_told_in_the_words_of_the_settings(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    command.run({"REPOSITORY": "octo-org/app", "REPOSITORY_ID": "456", "REVIEWERS": "alice octo-org/ops"})
    told = capsys.readouterr().out
    assert "4. gh is not here or not signed in. In the settings of https://github.com/octo-org/app:" in told
    assert (
        "  Environments > prod\n"
        "    Deployment branches and tags: Selected branches, main\n"
        "    Required reviewers: alice, octo-org/ops\n"
        "    AWS_REGION          eu-west-1\n"
        "    PULUMI_BACKEND_URL  s3://state/prod?region=eu-west-1\n"
        "    DEPLOY_ROLE_ARN     arn:deploy-prod\n"
    ) in told
    assert "  Secrets and variables > Actions > Variables\n    AWS_REGION          eu-west-1\n" in told
    assert "  pulumi stack init prod --secrets-provider='awskms://alias/prod'\n" in told
    assert config(machine) == {"repository": "octo-org/app", "repositoryId": "456", "identityProviderArn": ""}


def test_gh_sets_environments_variables_branch_and_reviewers(machine: Machine) -> None:
    machine.answer("gh", GH)
    command.run({"REPOSITORY": "octo-org/app", "REVIEWERS": "alice octo-org/ops"})
    assert config(machine)["repositoryId"] == "456"
    environments = {each[4].rpartition("/")[2]: each[-1] for each in machine.asked("gh", "api", "--method", "PUT")}
    assert set(environments) == {"dev", "dev-plan", "prod", "prod-plan"}
    assert environments["prod"]["reviewers"] == [{"type": "User", "id": 7}, {"type": "Team", "id": 9}]
    assert environments["dev"]["reviewers"] is None
    branches = [each[4] for each in machine.asked("gh", "api", "--method", "POST")]
    assert sorted(branches) == [
        f"repos/octo-org/app/environments/{name}/deployment-branch-policies"
        for name in ("dev-plan", "dev", "prod-plan")
    ]
    variables = {
        (each[each.index("--env") + 1] if "--env" in each else "", each[3]): each[-1]
        for each in machine.asked("gh", "variable", "set")
    }
    assert variables["prod", "DEPLOY_ROLE_ARN"] == "arn:deploy-prod"
    assert variables["prod-plan", "PREVIEW_ROLE_ARN"] == "arn:preview-prod"
    assert variables["", "PREVIEW_ROLE_ARN"] == "arn:preview-dev"
    assert not any(key == "DEPLOY_ROLE_ARN" for name, key in variables if name in ("", "dev-plan", "prod-plan"))


def test_reviewers_that_an_environment_has_stay(machine: Machine) -> None:
    machine.answer("gh", GH)
    command.run({"REPOSITORY": "octo-org/app"})
    (prod,) = [each for each in machine.asked("gh", "api", "--method", "PUT") if each[4].endswith("/prod")]
    assert prod[-1]["reviewers"] == [{"type": "User", "id": 7}]


def test_the_id_of_an_immutable_name_is_its_own_and_environments_are_chosen(machine: Machine) -> None:
    command.run({"REPOSITORY": "octo-org@1/app@456", "ENVIRONMENTS": "prod staging"})
    assert config(machine)["repositoryId"] == "456"
    assert (config(machine)["environments[0]"], config(machine)["environments[1]"]) == ("prod", "staging")


@pytest.mark.parametrize(
    ("provider", "state", "used"),
    [
        (f"arn:aws:iam::1:oidc-provider/{ISSUER}", [], f"arn:aws:iam::1:oidc-provider/{ISSUER}"),
        (f"arn:aws:iam::1:oidc-provider/{ISSUER}", [{"type": command._PROVIDER}], ""),
        ("arn:aws:iam::1:oidc-provider/gitlab.com", [], ""),
    ],
)
def test_a_provider_that_the_account_had_before_is_used(
    machine: Machine, provider: str, state: list[Any], used: str
) -> None:
    machine.aws.list_open_id_connect_providers.return_value = {  # type: ignore[attr-defined]
        "OpenIDConnectProviderList": [{"Arn": provider}]
    }
    machine.answer("pulumi", {"stack export": {"deployment": {"resources": state}}, "stack output": OUTPUTS})
    command.run({"REPOSITORY": "octo-org/app", "REPOSITORY_ID": "456"})
    assert config(machine)["identityProviderArn"] == used


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "error: REPOSITORY: got nothing, expected owner/name; name the GitHub repository\n"),
        ({"REPOSITORY": "app"}, "error: REPOSITORY: got app, expected owner/name; name the GitHub repository\n"),
        (
            {"REPOSITORY": "octo-org/app"},
            "error: REPOSITORY_ID: got nothing, expected digits; copy the `id` of "
            "https://api.github.com/repos/octo-org/app, or sign in with gh auth login\n",
        ),
    ],
)
def test_what_is_missing_is_told_before_anything_is_made(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: dict[str, str],
    told: str,
) -> None:
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert command.main() == 1
    assert capsys.readouterr().err == told
    assert not (machine.folder / "log").exists()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (GH["api repos/octo-org/app/environments/prod"], None),
        (None, "prod: GitHub knows no such environment, or does not tell; run make bootstrap"),
        (
            {"protection_rules": [], "deployment_branch_policy": {}},
            "prod: got an environment without required reviewers, expected one at least; "
            "set them in the repository's settings, or run make bootstrap REVIEWERS=name",
        ),
        (
            {**GH["api repos/octo-org/app/environments/prod"], "deployment_branch_policy": None},  # type: ignore[dict-item]
            "prod: got an environment for every branch, expected main alone; run make bootstrap",
        ),
    ],
)
def test_a_deployment_stops_where_nobody_must_approve(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: Any,
    expected: str | None,
) -> None:
    machine.answer("gh", {"api repos/octo-org/app/environments/prod": environment})
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo-org/app")
    assert github.main(["guarded", "prod"]) == (0 if expected is None else 1)
    assert capsys.readouterr().err == ("" if expected is None else f"error: {expected}\n")


def test_an_engine_that_fails_ends_it(machine: Machine) -> None:
    machine.answer("pulumi", {"up": None, "stack export": {"deployment": None}})
    with mock.patch.dict(os.environ, {"REPOSITORY": "octo-org/app", "REPOSITORY_ID": "456"}):
        assert command.main() == 1
    assert not machine.asked("pulumi", "stack", "output")
