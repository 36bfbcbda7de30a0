"""What ECS answers, recorded, and what the verdict makes of it: also what only AWS can answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import boto3
import pulumi
import pytest
from botocore.exceptions import ProfileNotFound
from botocore.stub import Stubber

from components import verdict as module
from components.ecs_api import Api
from components.verdict import Outcome, confirm, decide, judge, post_mortem
from tests.components.test_post_mortem import EXITED, NEW, NOW, OLD, task

ARN = "arn:aws:ecs:ap-northeast-1:123456789012:service/shop/web"


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


class Recorded:
    """AWS as botocore knows it: requests and answers are checked against its own models."""

    def __init__(self) -> None:
        self._clients = {name: self._client(name) for name in ("ecs", "elbv2", "logs")}
        self.stubs = {name: Stubber(client) for name, client in self._clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    @staticmethod
    def _client(name: str) -> Any:
        return boto3.client(
            name,  # type: ignore[call-overload]
            region_name="ap-northeast-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def __call__(self, name: str, region_name: str) -> Any:
        assert region_name == "ap-northeast-1"
        return self._clients[name]

    def api(self) -> Api:
        return Api(ARN, "shop", client=self)

    def look(self, found: dict[str, Any], *records: dict[str, Any]) -> None:
        self.stubs["ecs"].add_response("describe_services", {"services": [found]})
        self.stubs["ecs"].add_response("list_service_deployments", {"serviceDeployments": list(records)})


def judged(api: Api, patience_seconds: int = 30) -> Any:
    return asyncio.run(judge(api, NEW, lambda _: patience_seconds, lambda _: None, poll_seconds=0))


class TestFollowing:
    def test_it_looks_until_there_is_a_verdict(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.look(service(deployment(running=0, rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE")))
        recorded.look(service(deployment()))
        assert judged(api).outcome is Outcome.SERVING
        recorded.stubs["ecs"].assert_no_pending_responses()

    def test_a_deployment_stopped_by_hand_is_not_called_superseded(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.look(service(deployment(rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE")))
        stopped = {"status": "STOPPED", "statusReason": "stopped by a user", "createdAt": NOW + timedelta(seconds=1)}
        earlier = {"status": "SUCCESSFUL", "createdAt": NOW - timedelta(hours=1)}
        recorded.look(service(deployment(OLD)), stopped, earlier)
        verdict = judged(api)
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
        verdict = judged(api)
        assert verdict.outcome is Outcome.UNKNOWN
        assert verdict.text == "the credentials expired; ECS goes on: `pulumi up` tells later what became of it"

    def test_credentials_of_another_account_say_whose_they_must_be(self) -> None:
        recorded = Recorded()
        recorded.stubs["ecs"].add_client_error("describe_services", "AccessDeniedException", "not authorized")
        verdict = judged(recorded.api())
        assert verdict.outcome is Outcome.UNKNOWN
        assert verdict.text == (
            "AWS refuses to tell (An error occurred (AccessDeniedException) when calling the DescribeServices "
            "operation: not authorized); it is asked with the credentials of the environment, not with a provider's; "
            "ECS goes on: `pulumi up` tells later what became of it"
        )

    def test_a_profile_that_does_not_exist_is_told_as_that(self) -> None:
        def client(*_: Any, **__: Any) -> Any:
            raise ProfileNotFound(profile="shop")

        verdict = judged(Api(ARN, "shop", client=client))
        assert verdict.outcome is Outcome.UNKNOWN
        assert verdict.text.startswith(
            "there are no AWS credentials to ask with (The config profile (shop) could not be found); ECS goes on"
        )

    def test_a_moment_without_answer_is_waited_out(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.stubs["ecs"].add_client_error("describe_services", "ThrottlingException")
        recorded.stubs["ecs"].add_client_error("describe_services", "ServerException", http_status_code=500)
        recorded.look(service(deployment()))
        assert judged(api).outcome is Outcome.SERVING

    def test_records_that_may_not_be_read_are_done_without(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.stubs["ecs"].add_response("describe_services", {"services": [service(deployment())]})
        recorded.stubs["ecs"].add_client_error("list_service_deployments", "AccessDeniedException")
        assert judged(api).outcome is Outcome.SERVING

    def test_progress_tells_tasks_targets_time_and_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "PROGRESS_SECONDS", 0)
        recorded = Recorded()
        api = recorded.api()
        group = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/web/1"
        rolling = service(
            deployment(running=1, pendingCount=1, rolloutState="IN_PROGRESS"),
            deployment(OLD, "ACTIVE"),
            loadBalancers=[{"targetGroupArn": group}],
        )
        recorded.look(rolling)
        recorded.stubs["elbv2"].add_response(
            "describe_target_health",
            {
                "TargetHealthDescriptions": [
                    {"TargetHealth": {"State": state}} for state in ("healthy", "initial", "healthy", "draining")
                ]
            },
            {"TargetGroupArn": group},
        )
        recorded.look(service(deployment()))
        lines: list[str] = []
        asyncio.run(judge(api, NEW, lambda _: 360, lines.append, poll_seconds=0))
        assert lines == [
            "web:7: 1 of 2 tasks running, 1 pending, 2 of other revisions left; "
            "targets: 1 draining, 2 healthy, 1 initial (0 s of at most 6 min)"
        ]

    def test_longer_than_the_bound_is_not_success(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.look(service(deployment(running=0, rolloutState="IN_PROGRESS")))
        verdict = judged(api, patience_seconds=-1)
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
