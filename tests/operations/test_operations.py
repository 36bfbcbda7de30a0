"""`make approve` and `make abort`, against answers in the shapes of botocore's model of ECS."""

import json
import subprocess
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from operations.__main__ import main

CLUSTER, SERVICE = "shop-1a2b3c4", "web-5d6e7f8"
ARN = f"arn:aws:ecs:eu-central-1:123456789012:service-deployment/{CLUSTER}/{SERVICE}/ajdLIkkwsNCI1vuVsPvU8"
REVISION = f"arn:aws:ecs:eu-central-1:123456789012:service-revision/{CLUSTER}/{SERVICE}/4980306466373577095"
TASK_DEFINITION = "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop-prod:8"
OUTPUTS = {"clusterName": CLUSTER, "serviceName": SERVICE, "taskDefinitionArn": TASK_DEFINITION}
PAUSE = {
    "hookId": "ecs-pause-1",
    "targetType": "PAUSE",
    "status": "AWAITING_ACTION",
    "expiresAt": datetime(2026, 11, 28, 18, 1, tzinfo=timezone.utc),
    "timeoutAction": "ROLLBACK",
}
DONE = {"hookId": "ecs-pause-0", "targetType": "PAUSE", "status": "SUCCEEDED"}
LAMBDA = {"hookId": "own", "targetType": "AWS_LAMBDA", "status": "IN_PROGRESS"}


class Ecs:
    """A client whose answers and requests botocore checks; every expected call must be made."""

    def __init__(self, *, status: str | None = "IN_PROGRESS", hooks: list[dict[str, Any]] | None = None) -> None:
        self.client = boto3.client("ecs", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
        self.stub = Stubber(self.client)
        now = datetime.now(timezone.utc)
        listed = [{"serviceDeploymentArn": ARN, "createdAt": now, "status": status}] if status else []
        self.stub.add_response("list_service_deployments", {"serviceDeployments": listed})
        if status:
            record = {
                "serviceDeploymentArn": ARN,
                "createdAt": now - timedelta(minutes=12, seconds=20),
                "status": status,
                "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
                "lifecycleHookDetails": hooks or [],
                "targetServiceRevision": {"arn": REVISION},
                "deploymentConfiguration": {"strategy": "CANARY"},
            }
            self.stub.add_response("describe_service_deployments", {"serviceDeployments": [record]})
            revisions = {"serviceRevisions": [{"taskDefinition": TASK_DEFINITION}]}
            self.stub.add_response("describe_service_revisions", revisions, {"serviceRevisionArns": [REVISION]})

    def expect(self, call: str, **parameters: str) -> "Ecs":
        self.stub.add_response(call, {"serviceDeploymentArn": ARN}, {"serviceDeploymentArn": ARN, **parameters})
        return self

    def __call__(self, service: str, region_name: str) -> Any:
        assert (service, region_name) == ("ecs", "eu-central-1")
        self.stub.activate()
        return self.client


@pytest.fixture(autouse=True)
def outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    def pulumi(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[:4] == ["pulumi", "stack", "output", "--json"]
        stack = command[command.index("--stack") + 1]
        if stack == "prod":
            return subprocess.CompletedProcess(command, 0, json.dumps(OUTPUTS), "")
        if stack == "new":
            return subprocess.CompletedProcess(command, 0, "{}", "")
        return subprocess.CompletedProcess(command, 255, "", f"error: no stack named '{stack}' found\n")

    monkeypatch.setattr(subprocess, "run", pulumi)


def run(ecs: Ecs, *arguments: str) -> int:
    code = main([*arguments, "--stack", "prod"], client=ecs)
    ecs.stub.assert_no_pending_responses()
    return code


def test_approve_answers_each_pause_that_waits_and_no_other_hook(capsys: pytest.CaptureFixture[str]) -> None:
    second = {**PAUSE, "hookId": "ecs-pause-2"}
    ecs = Ecs(hooks=[DONE, PAUSE, LAMBDA, second])
    ecs.expect("continue_service_deployment", hookId="ecs-pause-1", action="CONTINUE")
    ecs.expect("continue_service_deployment", hookId="ecs-pause-2", action="CONTINUE")
    assert run(ecs, "approve", "--yes") == 0
    printed = capsys.readouterr().out
    assert "deployment  shop-prod:8 by CANARY, in progress, for 12 min since " in printed
    assert "stage       POST_TEST_TRAFFIC_SHIFT\n" in printed
    assert "waits       until 2026-11-28 18:01 UTC, then rollback\n" in printed
    assert "✓ approved" in printed


def test_abort_answers_a_pause_with_a_rollback() -> None:
    ecs = Ecs(hooks=[PAUSE]).expect("continue_service_deployment", hookId="ecs-pause-1", action="ROLLBACK")
    assert run(ecs, "abort", "--yes") == 0


def test_abort_stops_a_deployment_that_does_not_wait() -> None:
    assert run(Ecs(hooks=[DONE]).expect("stop_service_deployment", stopType="ROLLBACK"), "abort", "--yes") == 0


@pytest.mark.parametrize("status", ["STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"])
def test_what_is_rolled_back_already_cannot_be_approved_and_need_not_be_aborted(
    status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Ecs(status=status), "approve", "--yes") == 1
    assert "approve: the deployment is rolled back already; deploy again" in capsys.readouterr().err
    assert run(Ecs(status=status), "abort", "--yes") == 0


def test_nothing_to_answer_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Ecs(hooks=[LAMBDA]), "approve", "--yes") == 1
    assert "does not wait for approval" in capsys.readouterr().err
    for operation in ("approve", "abort"):
        assert run(Ecs(status=None), operation, "--yes") == 1
        assert capsys.readouterr().err == (
            f"error: {operation}: stack prod has no deployment under way; nothing to {operation}\n"
        )


def test_it_asks_first_and_changes_nothing_without_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert run(Ecs(hooks=[PAUSE]), "approve") == 1
    assert "there is no terminal to ask on; run it with YES=1" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "")
    assert run(Ecs(hooks=[PAUSE]), "abort") == 1
    assert "Nothing was changed." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        ("nowhere", "STACK: got nowhere, of which Pulumi has no outputs (no stack named 'nowhere' found); name a"),
        ("new", "STACK: got new, which has no output clusterName, serviceName, taskDefinitionArn; deploy it first"),
    ],
)
def test_a_stack_that_is_not_deployed_is_named(stack: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["approve", "--stack", stack]) == 1
    assert said in capsys.readouterr().err


def test_what_aws_refuses_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    ecs = Ecs(hooks=[PAUSE])
    ecs.stub.add_client_error("continue_service_deployment", "AccessDeniedException", "not authorized", 400)
    assert run(ecs, "approve", "--yes") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: AWS refuses: ")
    assert error.count("\n") == 1
