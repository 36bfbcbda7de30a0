"""Previews as users run them, offline: no account, no emulator, no Docker. What they find: test_strict.py."""

from __future__ import annotations

import json
import subprocess

import pytest

from ecs_policy.command import main as check
from ecs_policy.configuration import SETTINGS
from local import engine
from risk.__main__ import main as judge
from tests.local.checkout import LAUNCH_TYPE_MISMATCH, Checkout

pytestmark = pytest.mark.engine


def test_a_mandatory_violation_makes_the_preview_fail(checkout: Checkout) -> None:
    checkout.replace("__main__.py", *LAUNCH_TYPE_MISMATCH)
    try:
        refused = checkout.local("preview", "--stack", "dev").failed()
    finally:
        checkout.replace("__main__.py", *reversed(LAUNCH_TYPE_MISMATCH))
    assert refused.output.count("LT-01") == 1
    assert "\nrefused        Service h4b-helloworld: LT-01" in refused.output


def test_a_preview_ends_with_its_risks_and_fails_on_the_configured_ones(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = checkout.path / ".previews" / "offline-dev"
    keep = ["--markdown", "risk.md", "--record", str(recorded)]
    shown = checkout.local("preview", "--stack", "dev", *keep).succeeded().output
    assert "first deployment: there is no revision that ECS could roll back to" in shown
    assert shown.splitlines()[-1].startswith("May be deployed: ")
    assert (checkout.path / "risk.md").read_text().startswith("## Deploy risk of dev\n\nMay be deployed: ")
    assert judge([str(recorded / "events.jsonl"), "--plan", str(recorded / "plan.json")]) == 0
    assert shown.endswith(capsys.readouterr().out), "what was recorded is judged elsewhere as it was here"
    told = [json.loads(line).get("policyEvent") for line in (recorded / "events.jsonl").read_text().splitlines()]
    said = {(each["policyName"], each["resourceUrn"]) for each in told if each and each["policyName"] != SETTINGS}
    configuration = str(checkout.path / "policy-config.json")
    assert check(["check", str(recorded / "plan.json"), "--config", configuration, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {(each["name"], each["urn"]) for each in found["violations"]} == said, "as in the engine"
    assert said
    refused = checkout.local("preview", "--stack", "dev", "--fail-on", "not-undone").failed().output
    assert refused.splitlines()[-1].startswith("Do not deploy: ")


def test_a_secret_that_only_others_can_read_is_previewed_with_a_stand_in(checkout: Checkout) -> None:
    ciphertext = "{ secure: v1:5IIQXOGnqE7pa/k4:YzbKVOZRxtwtsl3OEW }"
    more = (
        f"  h4b-helloworld:environment: {{ LEVEL: info, TOKEN: {ciphertext} }}\n"
        f"  h4b-helloworld:migration: {{ command: [migrate, {ciphertext}] }}\n"
        f"  h4b-helloworld:alarms: {{ email: {ciphertext} }}\n"
    )
    edit = ("Pulumi.dev.yaml", "config:\n", f"encryptionsalt: v1:other\nconfig:\n{more}")
    checkout.replace(*edit)
    try:
        shown = checkout.local("preview", "--stack", "dev").succeeded().output
    finally:
        checkout.replace(edit[0], edit[2], edit[1])
    told = "its secret is encrypted for somebody else"
    assert f'! h4b-helloworld:environment["TOKEN"]: {told}, something stands in for it' in shown
    assert f'! h4b-helloworld:alarms["email"]: {told}, nothing stands in for it' in shown
    assert "a task of the new revision runs a command first that is not known or secret" in shown


def test_mistakes_of_a_stack_file_are_told_once_and_before_the_engine_starts(checkout: Checkout) -> None:
    checkout.replace("Pulumi.dev.yaml", "    maxCount: 4\n", "    maxCount: many\n    cpuPercnt: 5\n")
    try:
        told = checkout.local("preview", "--stack", "dev").failed().output
    finally:
        checkout.replace("Pulumi.dev.yaml", "    maxCount: many\n    cpuPercnt: 5\n", "    maxCount: 4\n")
    assert told == (
        "error: Pulumi.dev.yaml cannot be used:\n"
        "  - scaling.cpuPercnt: got an unknown key, expected one of maxCount, cpuPercent, memoryPercent, "
        "requestsPerTarget, schedule, timezone; did you mean scaling.cpuPercent?\n"
        "  - scaling.maxCount: got 'many', expected a whole number from 1 to 5000; choose how many tasks the load may "
        "need\n"
    )


def test_scripts_read_the_report_on_standard_output(checkout: Checkout) -> None:
    command = checkout.command("preview", "--program", "examples/worker", "--json")
    done = subprocess.run(command, cwd=checkout.path, env=checkout.environment, capture_output=True, text=True)
    assert json.loads(done.stdout)["mayBeDeployed"] is True
    assert "Preview of examples/worker" in done.stderr


def test_what_deploying_stands_on_is_previewed_and_no_policy_objects(checkout: Checkout) -> None:
    shown = checkout.local("preview", "--program", "bootstrap", "--all").succeeded().output
    assert "Role dev-deploy: created" in shown
    assert shown.splitlines()[-1] == "May be deployed: 4 not-evaluated, 44 changes; 0 resources stay."
    refused = checkout.local("preview", "--program", "docs").failed().output
    assert refused == (
        "error: PROGRAM: got docs, expected a folder with a Pulumi.yaml; name one, such as examples/worker\n"
    )


def test_secrets_of_the_state_open_with_the_passphrase_of_the_checkout_alone(checkout: Checkout) -> None:
    checkout.local("preview", "--stack", "internal").succeeded()
    file = checkout.path / ".local" / "state-passphrase"
    assert file.stat().st_mode & 0o777 == 0o600
    state = checkout.path / ".local" / "preview" / "h4b-helloworld"
    command = [str(engine.ensure().executable), "config", "set", "--secret", "--stack", "internal", "probe", "value"]
    for passphrase, problem in (("", "incorrect passphrase"), (file.read_text(), "")):
        environment = checkout.environment | {
            "PULUMI_BACKEND_URL": f"file://{state}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": passphrase,
            "PULUMI_HOME": str(checkout.path / ".local" / "pulumi"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        done = subprocess.run(command, cwd=state / "work", env=environment, capture_output=True, text=True)
        assert problem in done.stderr
        assert (done.returncode == 0) == (not problem), done.stderr


def test_an_unknown_stack_is_named_with_the_known_ones(checkout: Checkout) -> None:
    refused = checkout.local("preview", "--stack", "nowhere").failed()
    known = ", ".join(sorted(file.name.split(".")[1] for file in checkout.path.glob("Pulumi.*.yaml")))
    assert refused.output == (
        f"error: STACK: got nowhere, expected one of {known}; name one of them, or write Pulumi.nowhere.yaml\n"
    )
