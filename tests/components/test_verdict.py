"""What ECS answers, recorded, and what the verdict makes of it: also what only AWS can answer."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pulumi
import pytest
from botocore.stub import Stubber

from components import verdict as module
from components.verdict import Api, Outcome, confirm, decide, first_cause, judge, post_mortem

ARN = "arn:aws:ecs:ap-northeast-1:123456789012:service/shop/web"
OLD, NEW = (f"arn:aws:ecs:ap-northeast-1:123456789012:task-definition/web:{number}" for number in (6, 7))
NOW = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


def deployment(definition: str = NEW, status: str = "PRIMARY", running: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "id": f"ecs-svc/{definition[-1]}",
        "status": status,
        "taskDefinition": definition,
        "runningCount": running,
        "pendingCount": 0,
        "desiredCount": 2,
        "failedTasks": 0,
        "rolloutState": "COMPLETED",
        "createdAt": NOW,
        **more,
    }


def service(*deployments: dict[str, Any], status: str = "ACTIVE", desired: int = 2, **more: Any) -> dict[str, Any]:
    return {"status": status, "desiredCount": desired, "deployments": list(deployments), **more}


BREAKER = "ECS deployment circuit breaker: tasks failed to start."
FAILED: dict[str, Any] = {
    "rolloutState": "FAILED",
    "rolloutStateReason": BREAKER,
    "failedTasks": 3,
    "running": 0,
    "status": "ACTIVE",
}


class TestDecision:
    def test_the_new_revision_serves_when_it_runs_alone(self) -> None:
        verdict = decide(service(deployment()), NEW, None)
        assert (verdict.outcome, verdict.text) == (Outcome.SERVING, "serving web:7: 2 tasks")

    def test_nothing_changed_is_serving_too(self) -> None:
        assert decide(service(deployment(OLD)), OLD, "ecs-svc/6").outcome is Outcome.SERVING

    def test_no_tasks_wanted_are_no_tasks_missing(self) -> None:
        assert decide(service(deployment(running=0), desired=0), NEW, None).outcome is Outcome.SERVING

    @pytest.mark.parametrize(
        "found",
        [
            service(deployment(running=1)),
            service(deployment(rolloutState="IN_PROGRESS")),
            service(deployment(pendingCount=1)),
            service(deployment(), deployment(OLD, "ACTIVE", running=1)),
            service(),
        ],
        ids=["a task is missing", "ECS is not done", "a task is pending", "an old task runs on", "no deployment yet"],
    )
    def test_it_waits_while(self, found: dict[str, Any]) -> None:
        assert decide(found, NEW, None).outcome is Outcome.WAITING

    def test_waiting_shows_how_far_it_is(self) -> None:
        found = service(
            deployment(running=1, pendingCount=1, failedTasks=2, rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE")
        )
        assert decide(found, NEW, None).text == (
            "web:7: 1 of 2 tasks running, 1 pending, 2 failed, 2 of other revisions left"
        )

    def test_a_rollback_is_a_failure_that_names_both_revisions(self) -> None:
        verdict = decide(service(deployment(OLD), deployment(**FAILED)), NEW, "ecs-svc/7")
        assert verdict.outcome is Outcome.ROLLED_BACK
        assert verdict.text == f"web:7 failed, rolled back to web:6: {BREAKER}"

    def test_a_rollback_faster_than_the_first_look_is_seen_all_the_same(self) -> None:
        assert decide(service(deployment(OLD), deployment(**FAILED)), NEW, None).outcome is Outcome.ROLLED_BACK

    def test_a_second_try_at_the_same_revision_is_not_taken_for_the_first(self) -> None:
        again = deployment(rolloutState="IN_PROGRESS", id="ecs-svc/again")
        assert decide(service(deployment(**FAILED), again), NEW, None).outcome is Outcome.WAITING

    def test_a_rollback_under_way_is_waited_for(self) -> None:
        rolling = service(deployment(OLD, running=1, rolloutState="IN_PROGRESS"), deployment(**FAILED))
        assert decide(rolling, NEW, "ecs-svc/7").outcome is Outcome.WAITING

    def test_without_an_earlier_revision_it_failed(self) -> None:
        verdict = decide(service(deployment(**{**FAILED, "status": "PRIMARY"})), NEW, None)
        assert verdict.outcome is Outcome.FAILED
        assert verdict.text == f"web:7 failed and nothing was rolled back: {BREAKER}"

    def test_another_deployment_that_takes_over_is_named(self) -> None:
        other = deployment(NEW.replace(":7", ":8"), rolloutState="IN_PROGRESS")
        verdict = decide(service(other, deployment(status="ACTIVE")), NEW, "ecs-svc/7")
        assert verdict.outcome is Outcome.SUPERSEDED
        assert "web:8" in verdict.text

    def test_a_deleted_service_failed(self) -> None:
        assert decide(service(status="INACTIVE"), NEW, "ecs-svc/7").outcome is Outcome.FAILED

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            ("STOPPED", Outcome.STOPPED),
            ("ROLLBACK_SUCCESSFUL", Outcome.ROLLED_BACK),
            ("ROLLBACK_FAILED", Outcome.FAILED),
            ("STOP_REQUESTED", Outcome.WAITING),
            ("ROLLBACK_IN_PROGRESS", Outcome.WAITING),
            ("SUCCESSFUL", Outcome.SUPERSEDED),
        ],
    )
    def test_the_record_of_the_deployment_tells_what_became_of_one_that_is_gone(
        self, status: str, outcome: Outcome
    ) -> None:
        record = {"status": status, "statusReason": "Service deployment rolled back."}
        assert decide(service(deployment(OLD)), NEW, "ecs-svc/7", record).outcome is outcome


def task(
    reason: str, *, code: str = "TaskFailedToStart", container: str = "", exit_code: int | None = None
) -> dict[str, Any]:
    of_container: dict[str, Any] = {"name": "web"}
    if container:
        of_container["reason"] = container
    if exit_code is not None:
        of_container["exitCode"] = exit_code
    return {
        "taskArn": "arn:aws:ecs:ap-northeast-1:123456789012:task/shop/0123",
        "taskDefinitionArn": NEW,
        "stoppedReason": reason,
        "stopCode": code,
        "stoppedAt": NOW,
        "containers": [of_container],
    }


EXITED = "Essential container in task exited"


class TestCause:
    @pytest.mark.parametrize(
        ("stopped", "what"),
        [
            (
                task("CannotPullContainerError: The task can't pull the image. pull image manifest has been retried 7 "
                "time(s): failed to resolve ref shop/web@sha256:0: shop/web@sha256:0: not found"),
                "the image is not in the registry",
            ),
            (
                task("CannotPullContainerError: image Manifest does not contain descriptor matching platform "
                "'linux/amd64'"),
                "the image is for another processor",
            ),
            (
                task(EXITED, code="EssentialContainerExited", exit_code=255, container="exec /x: exec format error"),
                "the image is for another processor",
            ),
            (
                task("ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr "
                "registry auth: Post \"https://api.ecr.ap-northeast-1.amazonaws.com/\": dial tcp: i/o timeout"),
                "there is no route to ECR",
            ),
            (
                task("ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret "
                "from asm: AccessDeniedException: not authorized to perform secretsmanager:GetSecretValue"),
                "a secret cannot be read",
            ),
            (
                task(EXITED, code="EssentialContainerExited", exit_code=137, container="OutOfMemoryError: container "
                "killed due to memory usage"),
                "a container ran out of memory",
            ),
            (
                task("Task failed ELB health checks in (target-group arn:tg) (reason Health checks failed with these "
                "codes: [500])", code="ServiceSchedulerInitiated"),
                "the health check is answered, but with an error",
            ),
            (
                task("Task failed ELB health checks in (target-group arn:tg) (reason Request timed out)",
                code="ServiceSchedulerInitiated"),
                "the port is not answered",
            ),
            (
                task("Task failed container health checks", code="ServiceSchedulerInitiated"),
                "the container's own health check fails",
            ),
            (task(EXITED, code="EssentialContainerExited", exit_code=3), "container web exited with code 3"),
            (
                task(EXITED, code="EssentialContainerExited", exit_code=127),
                "container web exited with code 127 (its command is not in the image)",
            ),
        ],
    )  # fmt: skip
    def test_a_stopped_task_tells(self, stopped: dict[str, Any], what: str) -> None:
        cause = first_cause([stopped], [], [])
        assert cause is not None
        assert cause.what == what
        assert cause.change
        assert cause.evidence.startswith(stopped["stoppedReason"])

    def test_a_sick_target_tells_while_no_task_has_stopped(self) -> None:
        target = {
            "TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"}
        }
        cause = first_cause([], [target], [])
        assert cause and cause.what == "the port is not answered"

    def test_no_capacity_is_only_in_the_events(self) -> None:
        message = "(service web) was unable to place a task. Reason: Capacity is unavailable at this time."
        steady = {"message": "(service web) has reached a steady state."}
        cause = first_cause([], [], [steady, {"message": message}])
        assert cause and (cause.what, cause.evidence) == ("there is no capacity for another task", message)

    def test_tasks_that_scaling_stopped_are_no_cause(self) -> None:
        scaled = task(
            "Scaling activity initiated by (deployment ecs-svc/7)", code="ServiceSchedulerInitiated", exit_code=0
        )
        crashed = task(EXITED, code="EssentialContainerExited", exit_code=1)
        cause = first_cause([scaled, crashed], [], [])
        assert cause and cause.what == "container web exited with code 1"

    def test_nothing_known_is_no_cause(self) -> None:
        assert first_cause([], [], []) is None


class Recorded:
    """AWS as botocore knows it: requests and answers are checked against its own models."""

    def __init__(self) -> None:
        self.stubs: dict[str, Stubber] = {}

    def __call__(self, name: str, region_name: str) -> Any:
        assert region_name == "ap-northeast-1"
        made = boto3.client(
            name,  # type: ignore[call-overload]
            region_name=region_name,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.stubs[name] = Stubber(made)
        self.stubs[name].activate()
        return made

    def api(self) -> Api:
        return Api(ARN, "shop", client=self)

    def look(self, found: dict[str, Any], *records: dict[str, Any]) -> None:
        self.stubs["ecs"].add_response("describe_services", {"services": [found]})
        self.stubs["ecs"].add_response("list_service_deployments", {"serviceDeployments": list(records)})


def told(api: Api, bound_seconds: float = 30) -> Any:
    return asyncio.run(judge(api, NEW, bound_seconds, lambda _: None, poll_seconds=0))


class TestFollowing:
    def test_it_looks_until_there_is_a_verdict(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.look(service(deployment(running=0, rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE")))
        recorded.look(service(deployment()))
        assert told(api).outcome is Outcome.SERVING
        recorded.stubs["ecs"].assert_no_pending_responses()

    def test_a_deployment_stopped_by_hand_is_not_called_superseded(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.look(service(deployment(rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE")))
        stopped = {"status": "STOPPED", "statusReason": "stopped by a user", "createdAt": NOW + timedelta(seconds=1)}
        earlier = {"status": "SUCCESSFUL", "createdAt": NOW - timedelta(hours=1)}
        recorded.look(service(deployment(OLD)), stopped, earlier)
        verdict = told(api)
        assert (verdict.outcome, verdict.text) == (
            Outcome.STOPPED,
            "the deployment was stopped by hand, web:6 is what ECS keeps: stopped by a user",
        )

    @pytest.mark.parametrize("code", ["ExpiredTokenException", "ExpiredToken"])
    def test_credentials_that_expire_half_way_are_no_verdict_on_the_deployment(self, code: str) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.look(service(deployment(rolloutState="IN_PROGRESS")))
        recorded.stubs["ecs"].add_client_error("describe_services", code)
        verdict = told(api)
        assert verdict.outcome is Outcome.UNKNOWN
        assert "the credentials expired" in verdict.text

    def test_records_that_may_not_be_read_are_done_without(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.stubs["ecs"].add_response("describe_services", {"services": [service(deployment())]})
        recorded.stubs["ecs"].add_client_error("list_service_deployments", "AccessDeniedException")
        assert told(api).outcome is Outcome.SERVING

    def test_longer_than_the_bound_is_not_success(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.look(service(deployment(running=0, rolloutState="IN_PROGRESS")))
        verdict = told(api, bound_seconds=-1)
        assert verdict.outcome is Outcome.UNKNOWN
        assert "web:7: 0 of 2 tasks running" in verdict.text

    def test_the_post_mortem_has_cause_change_log_and_events(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        event = {"id": "1", "createdAt": NOW, "message": "(service web) (deployment ecs-svc/7) deployment failed"}
        failed = task(EXITED, code="EssentialContainerExited", exit_code=3)
        ecs, logs = recorded.stubs["ecs"], recorded.stubs["logs"]
        found = service(deployment(OLD), deployment(**FAILED), events=[event])
        ecs.add_response("describe_services", {"services": [found]})
        ecs.add_response("list_tasks", {"taskArns": [failed["taskArn"]]})
        ecs.add_response("describe_tasks", {"tasks": [failed]})
        options = {"awslogs-group": "shop", "awslogs-stream-prefix": "app"}
        container = {"name": "web", "logConfiguration": {"logDriver": "awslogs", "options": options}}
        ecs.add_response("describe_task_definition", {"taskDefinition": {"containerDefinitions": [container]}})
        logs.add_response(
            "get_log_events",
            {"events": [{"message": "no configuration\n"}]},
            {"logGroupName": "shop", "logStreamName": "app/web/0123", "limit": 5},
        )
        shown = post_mortem(api, NEW, decide(found, NEW, "ecs-svc/7"))
        assert shown.splitlines() == [
            f"web:7 failed, rolled back to web:6: {BREAKER}",
            "  cause: container web exited with code 3",
            "  change: read its log; start the image with docker run",
            "  AWS says: Essential container in task exited",
            "  log: no configuration",
            "  event: (service web) (deployment ecs-svc/7) deployment failed",
        ]


class TestConfirming:
    """When nothing changed, no hook runs: the state alone must not be believed."""

    def confirm(self, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.stubs["ecs"].add_response("describe_services", {"services": [found]})
        monkeypatch.setattr(module, "Api", lambda *_: api)
        asyncio.run(confirm(ARN, "shop", NEW))

    def test_a_service_that_runs_what_the_state_tells_is_fine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.confirm(monkeypatch, service(deployment()))

    def test_one_that_just_replaces_a_task_is_fine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.confirm(monkeypatch, service(deployment(running=1)))

    def test_one_that_was_rolled_back_is_refused_with_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(pulumi.RunError) as refused:
            self.confirm(monkeypatch, service(deployment(OLD), deployment(**FAILED)))
        assert str(refused.value) == (
            f"web:7 failed, rolled back to web:6: {BREAKER}; "
            "repair it, or run `pulumi refresh` and `pulumi up` to try it again"
        )

    def test_one_that_was_rolled_back_long_ago_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(pulumi.RunError, match="web:6 is the one that ECS works on now"):
            self.confirm(monkeypatch, service(deployment(OLD)))
