"""What ECS answers, recorded, and what the verdict makes of it: also what only AWS can answer."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import pulumi
import pytest
from botocore.exceptions import ProfileNotFound
from botocore.stub import Stubber

from components import interrupt
from components import verdict as module
from components.deployment_time import Expectation
from components.ecs_api import Api
from components.verdict import (
    Before,
    DeploymentFailedError,
    Follower,
    Outcome,
    Verdict,
    Watch,
    decide,
    judge,
    post_mortem,
)
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


SIX, SEVEN = (Before(f"ecs-svc/{number}", was_going_on=True) for number in (6, 7))
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
        verdict = decide(service(deployment()), NEW)
        assert (verdict.outcome, verdict.text) == (Outcome.SERVING, "serving web:7: 2 tasks")

    def test_nothing_changed_is_serving_too(self) -> None:
        assert decide(service(deployment(OLD)), OLD, SIX).outcome is Outcome.SERVING

    def test_no_tasks_wanted_are_no_tasks_missing(self) -> None:
        assert decide(service(deployment(running=0), desired=0), NEW).outcome is Outcome.SERVING

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
        assert decide(found, NEW).outcome is Outcome.WAITING

    def test_waiting_shows_how_far_it_is(self) -> None:
        found = service(
            deployment(running=1, pendingCount=1, failedTasks=2, rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE")
        )
        assert decide(found, NEW).text == (
            "web:7: 1 of 2 tasks running, 1 pending, 2 failed, 2 of other revisions left"
        )

    def test_a_rollback_is_a_failure_that_names_both_revisions(self) -> None:
        verdict = decide(service(deployment(OLD), deployment(**FAILED)), NEW, SEVEN)
        assert verdict.outcome is Outcome.ROLLED_BACK
        assert verdict.text == f"web:7 failed, rolled back to web:6: {BREAKER}"

    def test_a_rollback_faster_than_the_first_look_is_seen_all_the_same(self) -> None:
        assert decide(service(deployment(OLD), deployment(**FAILED)), NEW).outcome is Outcome.ROLLED_BACK

    def test_a_second_try_at_the_same_revision_is_not_taken_for_the_first(self) -> None:
        again = deployment(rolloutState="IN_PROGRESS", id="ecs-svc/again")
        assert decide(service(deployment(**FAILED), again), NEW).outcome is Outcome.WAITING

    def test_a_rollback_under_way_is_waited_for(self) -> None:
        rolling = service(deployment(OLD, running=1, rolloutState="IN_PROGRESS"), deployment(**FAILED))
        assert decide(rolling, NEW, SEVEN).outcome is Outcome.WAITING

    def test_without_an_earlier_revision_it_failed(self) -> None:
        verdict = decide(service(deployment(**{**FAILED, "status": "PRIMARY"})), NEW)
        assert verdict.outcome is Outcome.FAILED
        assert verdict.text == f"web:7 failed and nothing was rolled back: {BREAKER}"

    def test_another_deployment_that_takes_over_is_named(self) -> None:
        other = deployment(NEW.replace(":7", ":8"), rolloutState="IN_PROGRESS")
        verdict = decide(service(other, deployment(status="ACTIVE")), NEW, SEVEN)
        assert verdict.outcome is Outcome.SUPERSEDED
        assert "web:8" in verdict.text

    def test_a_deleted_service_failed(self) -> None:
        assert decide(service(status="INACTIVE"), NEW, SEVEN).outcome is Outcome.FAILED

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            ("STOPPED", Outcome.STOPPED),
            ("ROLLBACK_SUCCESSFUL", Outcome.ROLLED_BACK),
            ("ROLLBACK_FAILED", Outcome.FAILED),
            ("STOP_REQUESTED", Outcome.WAITING),
            ("ROLLBACK_REQUESTED", Outcome.WAITING),
            ("ROLLBACK_IN_PROGRESS", Outcome.WAITING),
            ("SUCCESSFUL", Outcome.SUPERSEDED),
        ],
    )
    def test_the_record_of_the_deployment_tells_what_became_of_one_that_is_gone(
        self, status: str, outcome: Outcome
    ) -> None:
        record = {"status": status, "statusReason": "Service deployment rolled back.", "createdAt": NOW}
        assert decide(service(deployment(OLD)), NEW, SEVEN, record).outcome is outcome

    def test_one_that_was_stopped_for_a_newer_one_is_superseded(self) -> None:
        newer = deployment(NEW.replace(":7", ":8"), rolloutState="IN_PROGRESS", createdAt=NOW + timedelta(minutes=1))
        record = {"status": "STOPPED", "createdAt": NOW}
        assert decide(service(newer), NEW, SEVEN, record).outcome is Outcome.SUPERSEDED

    def test_one_that_failed_where_nothing_rolls_back_is_not_called_stopped_by_hand(self) -> None:
        record = {
            "status": "STOPPED",
            "statusReason": "tasks failed to start.",
            "deploymentCircuitBreaker": {"status": "TRIGGERED", "failureCount": 3, "threshold": 3},
        }
        verdict = decide(service(deployment(rolloutState="IN_PROGRESS")), NEW, SEVEN, record)
        assert (verdict.outcome, verdict.text) == (
            Outcome.FAILED,
            "web:7 failed and nothing was rolled back: tasks failed to start.; 3 failed tasks, 3 are its limit",
        )

    def test_steady_tasks_are_no_success_while_ecs_watches_the_alarms(self) -> None:
        baking = service(deployment(rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE", running=0))
        assert decide(baking, NEW, SEVEN, {"status": "IN_PROGRESS"}).outcome is Outcome.WAITING

    def test_what_scaling_does_after_success_is_none_of_its_matter(self) -> None:
        scaled = service(deployment(running=2), desired=5)
        assert decide(scaled, NEW, SEVEN, {"status": "SUCCESSFUL"}).outcome is Outcome.SERVING
        nothing_new = Before("ecs-svc/7")  # an update that only asks for more tasks waits for them
        assert decide(scaled, NEW, nothing_new, {"status": "SUCCESSFUL"}).outcome is Outcome.WAITING

    def test_early_success_leaves_the_rest_to_ecs_and_says_so(self) -> None:
        """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/early-success-criteria.html"""
        criteria = {"enable": True, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED"}
        early = service(
            deployment(running=1, pendingCount=1),
            deployment(OLD, "ACTIVE", running=2),
            deploymentConfiguration={"earlySuccessCriteria": criteria},
        )
        verdict = decide(early, NEW, SEVEN)
        assert (verdict.outcome, verdict.text) == (
            Outcome.SERVING,
            "serving web:7: 1 of 2 tasks running, 1 pending, 2 of other revisions left; ECS goes on with these",
        )


class Recorded:
    """AWS as botocore knows it: requests and answers are checked against its own models."""

    def __init__(self) -> None:
        self._clients = {name: self._client(name) for name in ("ecs", "elbv2", "cloudwatch", "logs")}
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

    def look(self, found: dict[str, Any], record: dict[str, Any] | None = None, *, first: bool = True) -> None:
        """One look at the service, and at the record of its deployment where there is one."""
        self.stubs["ecs"].add_response("describe_services", {"services": [found]})
        if record is None or first:
            briefs = [] if record is None else [BRIEF]
            self.stubs["ecs"].add_response("list_service_deployments", {"serviceDeployments": briefs})
        if record is not None:
            self.stubs["ecs"].add_response(
                "describe_service_deployments",
                {"serviceDeployments": [{"createdAt": NOW, **record}]},
                {"serviceDeploymentArns": [BRIEF["serviceDeploymentArn"]]},
            )


BRIEF = {
    "serviceDeploymentArn": f"{ARN.replace('service/', 'service-deployment/')}/EZe5RNVLH6PPzHXINuP28",
    "targetServiceRevisionArn": f"{ARN.replace('service/', 'service-revision/')}/7",
    "createdAt": NOW + timedelta(seconds=1),
}
"""As ListServiceDeployments tells of deployment `ecs-svc/7`: its revision has the same number."""
LATER = datetime(2026, 5, 4, 12, 10, tzinfo=timezone.utc)


def watch(api: Api, limit_seconds: int = 30, *, bake_seconds: int = 0, alarms: Any = (), **more: Any) -> Watch:
    return Watch(api, NEW, lambda _: Expectation(limit_seconds, bake_seconds, alarms), stack="dev", **more)


def judged(api: Api, limit_seconds: int = 30) -> Any:
    return asyncio.run(judge(watch(api, limit_seconds), lambda _: None, threading.Event(), poll_seconds=0))


def looked(found: dict[str, Any], record: dict[str, Any] | None = None, **more: Any) -> Verdict:
    recorded = Recorded()
    recorded.look(found, record)
    return watch(recorded.api(), now=lambda: LATER, **more).look()


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
        recorded.look(service(deployment(OLD)), {"status": "STOPPED", "statusReason": "stopped by a user"})
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
            "AWS does not answer (An error occurred (AccessDeniedException) when calling the DescribeServices "
            "operation: not authorized); these calls use the environment's credentials, not an explicit provider's; "
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

    def test_a_record_is_found_by_its_number_else_by_its_time_and_then_asked_for_alone(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        working = {"status": "IN_PROGRESS"}
        recorded.look(service(deployment(rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE")), working)
        recorded.look(service(deployment(running=1)), {"status": "SUCCESSFUL"}, first=False)
        assert judged(api).outcome is Outcome.SERVING
        recorded.stubs["ecs"].assert_no_pending_responses()

        unnumbered = {**BRIEF, "targetServiceRevisionArn": f"{ARN.replace('service/', 'service-revision/')}/1"}
        near, far = (
            {**unnumbered, "serviceDeploymentArn": name, "createdAt": NOW + timedelta(seconds=seconds)}
            for name, seconds in (("arn:near", 2), ("arn:far", 600))
        )
        for briefs, asked in (([far, near], "arn:near"), ([far], None)):
            other = Recorded()
            ecs = other.stubs["ecs"]
            ecs.add_response("list_service_deployments", {"serviceDeployments": briefs})
            if asked:
                answer = {"serviceDeployments": [{"status": "PENDING"}]}
                ecs.add_response("describe_service_deployments", answer, {"serviceDeploymentArns": [asked]})
            assert (other.api().record(deployment()) or {}).get("status") == ("PENDING" if asked else None)

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
        asyncio.run(judge(watch(api, 360), lines.append, threading.Event(), poll_seconds=0))
        assert lines == [
            "web:7: 1 of 2 tasks running, 1 pending, 2 of other revisions left; "
            "targets: 1 draining, 2 healthy, 1 initial (0 s of at most 6 min)"
        ]

    def test_longer_than_the_bound_is_not_success(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.look(service(deployment(running=0, rolloutState="IN_PROGRESS")))
        verdict = judged(api, limit_seconds=-1)
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
        shown = post_mortem(api, NEW, decide(found, NEW, SEVEN))
        assert shown.splitlines() == [
            f"web:7 failed, rolled back to web:6: {BREAKER}",
            "  cause: container web exited with code 3",
            "  change: read its log; start the image with docker run",
            "  AWS says: Essential container in task exited",
            "  log: no configuration",
            "  event: (service web) (deployment ecs-svc/7) deployment failed",
        ]


PAUSED: dict[str, Any] = {
    "status": "IN_PROGRESS",
    "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
    "lifecycleHookDetails": [
        {
            "hookId": "ecs-pause-1",
            "targetType": "PAUSE",
            "status": "AWAITING_ACTION",
            "expiresAt": NOW + timedelta(minutes=60),
            "timeoutAction": "ROLLBACK",
        }
    ],
    "deploymentConfiguration": {
        "strategy": "CANARY",
        "lifecycleHooks": [
            {
                "targetType": "PAUSE",
                "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
                "timeoutConfiguration": {"timeoutInMinutes": 90, "action": "ROLLBACK"},
            }
        ],
    },
}


def clock_time(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"


class TestWhatItWaitsFor:
    """The words of a wait: what for, since when, until when, and what somebody can do."""

    ROLLING = service(deployment(running=1, rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE", running=1))

    def test_a_pause_says_since_when_until_when_and_what_to_call(self) -> None:
        assert looked(self.ROLLING, PAUSED).text == (
            "web:7: 1 of 2 tasks running, 0 pending, 1 of other revisions left; waits for approval at "
            f"POST_TEST_TRAFFIC_SHIFT since {clock_time(NOW - timedelta(minutes=30))}, until "
            f"{clock_time(NOW + timedelta(minutes=60))}, when ECS would roll back: "
            "`make approve STACK=dev` or `make abort STACK=dev`"
        )

    def test_failed_tasks_are_told_with_the_limit_of_the_circuit_breaker(self) -> None:
        breaker = {"status": "MONITORING", "failureCount": 2, "threshold": 3}
        record = {"status": "IN_PROGRESS", "deploymentCircuitBreaker": breaker}
        assert looked(self.ROLLING, record).text == (
            "web:7: 1 of 2 tasks running, 0 pending, 2 failed of 3 that end it, 1 of other revisions left"
        )

    def test_steady_tasks_under_alarms_say_until_about_when_ecs_watches_them(self) -> None:
        alarms = {"alarmNames": ["errors"], "enable": True, "rollback": True}
        baking = service(
            deployment(rolloutState="IN_PROGRESS"),
            deployment(OLD, "ACTIVE", running=0),
            deploymentConfiguration={"alarms": alarms},
        )
        known = [{"AlarmName": "errors", "StateValue": "OK"}]
        assert looked(baking, {"status": "IN_PROGRESS"}, bake_seconds=300, alarms=known).text == (
            "web:7: 2 of 2 tasks running, 0 pending, 0 of other revisions left; "
            f"ECS watches the alarms until about {clock_time(LATER + timedelta(minutes=5))}"
        )

    def test_the_stage_of_a_shift_and_the_end_of_its_bake_time_are_told(self) -> None:
        shifting = {"status": "IN_PROGRESS", "lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT"}
        assert looked(self.ROLLING, shifting, bake_seconds=600).text.endswith("; stage PRODUCTION_TRAFFIC_SHIFT")
        baking = {"status": "IN_PROGRESS", "lifecycleStage": "BAKE_TIME"}
        assert looked(self.ROLLING, baking, bake_seconds=600).text.endswith(
            f"; stage BAKE_TIME; ECS keeps the old tasks until about {clock_time(LATER + timedelta(minutes=10))}"
        )

    def test_the_bake_time_runs_from_when_it_was_first_seen(self) -> None:
        recorded = Recorded()
        baking = {"status": "IN_PROGRESS", "lifecycleStage": "BAKE_TIME"}
        recorded.look(self.ROLLING, baking)
        recorded.look(self.ROLLING, baking, first=False)
        moments = iter([LATER, LATER + timedelta(minutes=3)])
        following = watch(recorded.api(), bake_seconds=600, now=lambda: next(moments))
        assert following.look().text == following.look().text

    def test_alarms_on_which_nobody_can_count_are_told_also_of_a_success(self) -> None:
        """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html"""
        names = {"alarmNames": ["errors", "gone"], "enable": True, "rollback": True}
        done = service(deployment(), deploymentConfiguration={"alarms": names})
        known = [{"AlarmName": "errors", "StateValue": "ALARM"}, {"AlarmName": "gone"}]
        assert looked(done, alarms=known).text == (
            "serving web:7: 2 tasks; ECS ignores the alarms this time, as errors was on when the deployment began; "
            "nothing rolls back for gone, which does not exist"
        )

    def test_more_tasks_wanted_meanwhile_are_given_their_time(self) -> None:
        recorded = Recorded()
        api = recorded.api()
        for desired in (2, 5, 5):
            recorded.look(service(deployment(running=1, rolloutState="IN_PROGRESS"), desired=desired))
        time = [0.0]
        following = watch(api, 30, clock=lambda: time[0])
        for moment in (0.0, 25.0, 50.0):
            time[0] = moment
            assert following.look().outcome is Outcome.WAITING
        assert following.limit_seconds == 25 + 30


def without_environment(monkeypatch: pytest.MonkeyPatch, api: Api) -> None:
    """`api` answers, and what decides how long a deployment may take is not asked for."""
    monkeypatch.setattr(module, "Api", lambda *_: api)
    monkeypatch.setattr(module, "expectation", lambda *_: Expectation(600))
    for question in ("containers", "target_groups", "alarms"):
        monkeypatch.setattr(api, question, lambda _: [])


class TestFailing:
    """The hook of the resource: what it raises fails the update, what it does not is a success to Pulumi."""

    def follow(self, monkeypatch: pytest.MonkeyPatch, answers: Callable[[Recorded], None]) -> None:
        recorded = Recorded()
        api = recorded.api()
        answers(recorded)
        without_environment(monkeypatch, api)
        outputs = {"cluster": "shop", "taskDefinition": NEW}
        arguments = pulumi.ResourceHookArgs(urn="urn", id=ARN, name="shop", type="t", new_outputs=outputs)

        def unregistered(_: str, callback: Any) -> SimpleNamespace:
            return SimpleNamespace(callback=callback)  # there is no engine to register it with

        async def run() -> None:
            with mock.patch.object(pulumi, "ResourceHook", unregistered):
                done = Follower("shop", 60).hook.callback(arguments)
            assert done is not None
            await done

        asyncio.run(run())

    def test_a_deployment_that_serves_raises_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.follow(monkeypatch, lambda recorded: recorded.look(service(deployment())))

    def test_a_deployment_that_was_rolled_back_fails_the_update(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def rolled_back(recorded: Recorded) -> None:
            found = service(deployment(OLD), deployment(**FAILED))
            recorded.look(found)
            recorded.stubs["ecs"].add_response("describe_services", {"services": [found]})
            recorded.stubs["ecs"].add_response("list_tasks", {"taskArns": []})

        with pytest.raises(DeploymentFailedError, match="web:7 failed, rolled back to web:6"):
            self.follow(monkeypatch, rolled_back)

    def test_a_deployment_of_which_nothing_is_known_fails_the_update(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def expired(recorded: Recorded) -> None:
            recorded.stubs["ecs"].add_client_error("describe_services", "ExpiredTokenException")

        with pytest.raises(DeploymentFailedError, match="the credentials expired"):
            self.follow(monkeypatch, expired)


RECORD: dict[str, Any] = {"serviceDeploymentArn": BRIEF["serviceDeploymentArn"], "status": "IN_PROGRESS"}
GOING_ON = service(deployment(running=1, rolloutState="IN_PROGRESS"))


class TestInterrupting:
    """Ctrl-C during the wait: what goes on, and how to stop it."""

    SEEN = "web:7: 1 of 2 tasks running, 0 pending, 0 of other revisions left"

    def left(self, record: dict[str, Any] | None, recorded: Recorded, *, rolls_back: bool) -> str:
        recorded.look(GOING_ON, record)
        interrupted = threading.Event()
        interrupted.set()
        following = watch(recorded.api(), rolls_back=rolls_back)
        verdict = asyncio.run(judge(following, lambda _: None, interrupted, poll_seconds=60))
        assert verdict.outcome is Outcome.INTERRUPTED
        told = following.leave(verdict)
        recorded.stubs["ecs"].assert_no_pending_responses()
        return told

    def test_it_says_what_goes_on_and_how_to_stop_it(self) -> None:
        assert self.left(RECORD, Recorded(), rolls_back=False) == (
            f"interrupted, but ECS goes on: {self.SEEN}; `make abort STACK=dev` rolls back deployment "
            "EZe5RNVLH6PPzHXINuP28, `pulumi up` waits for it again"
        )

    def test_what_cannot_be_rolled_back_yet_is_not_offered(self) -> None:
        for rolls_back in (False, True):
            assert self.left(None, Recorded(), rolls_back=rolls_back) == (
                f"interrupted, but ECS goes on: {self.SEEN}; `pulumi up` waits for it again"
            )

    @pytest.mark.parametrize("status", ["STOP_REQUESTED", "ROLLBACK_IN_PROGRESS"])
    def test_what_is_rolled_back_already_is_left_alone(self, status: str) -> None:
        told = self.left({**RECORD, "status": status}, Recorded(), rolls_back=True)
        assert told.startswith("interrupted, and ECS stops or rolls back deployment EZe5RNVLH6PPzHXINuP28 already: ")

    def test_with_the_setting_it_is_stopped_and_rolled_back(self) -> None:
        recorded = Recorded()
        answer = {"serviceDeploymentArn": RECORD["serviceDeploymentArn"]}
        recorded.look(GOING_ON, RECORD)
        recorded.stubs["ecs"].add_response("stop_service_deployment", answer, {**answer, "stopType": "ROLLBACK"})
        following = watch(recorded.api(), rolls_back=True)
        assert following.leave(following.look()) == (
            f"interrupted, and so ECS rolls back deployment EZe5RNVLH6PPzHXINuP28: {self.SEEN}"
        )
        recorded.stubs["ecs"].assert_no_pending_responses()

    def test_a_pause_is_answered_with_a_rollback(self) -> None:
        recorded = Recorded()
        pause = {"hookId": "ecs-pause-1", "targetType": "PAUSE", "status": "AWAITING_ACTION"}
        arn = RECORD["serviceDeploymentArn"]
        recorded.look(GOING_ON, {**RECORD, "lifecycleHookDetails": [pause]})
        asked = {"serviceDeploymentArn": arn, "hookId": "ecs-pause-1", "action": "ROLLBACK"}
        recorded.stubs["ecs"].add_response("continue_service_deployment", {"serviceDeploymentArn": arn}, asked)
        following = watch(recorded.api(), rolls_back=True)
        assert following.leave(following.look()).startswith("interrupted, and so ECS rolls back deployment ")

    def test_where_ecs_refuses_to_stop_it_says_so_and_how_to_do_it_by_hand(self) -> None:
        recorded = Recorded()
        recorded.look(GOING_ON, RECORD)
        recorded.stubs["ecs"].add_client_error("stop_service_deployment", "AccessDeniedException", "not authorized")
        following = watch(recorded.api(), rolls_back=True)
        told = following.leave(following.look())
        assert told.startswith(f"interrupted, but ECS goes on: {self.SEEN}; it could not be stopped (")
        assert "not authorized" in told
        assert "`make abort STACK=dev` rolls back" in told

    def test_what_ctrl_c_does_is_said_once_before_anybody_presses_it(self) -> None:
        recorded = Recorded()
        recorded.look(GOING_ON)
        recorded.look(GOING_ON, RECORD)
        recorded.look(GOING_ON, RECORD, first=False)
        recorded.look(service(deployment()), {**RECORD, "status": "SUCCESSFUL"}, first=False)
        notices: list[str] = []
        following = watch(recorded.api())
        asyncio.run(judge(following, lambda _: None, threading.Event(), notice=notices.append, poll_seconds=0))
        assert notices == ["Ctrl-C ends the wait only: ECS goes on, and `make abort STACK=dev` rolls back"]

    def test_a_signal_ends_every_wait_and_only_waits_listen_to_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = threading.Event()
        monkeypatch.setattr(interrupt, "_told", told)
        before = signal.getsignal(signal.SIGINT)
        with interrupt.awaited() as first:
            with interrupt.awaited():
                pass
            assert signal.getsignal(signal.SIGINT) is not before
            assert not first.is_set()
        assert signal.getsignal(signal.SIGINT) is before
        try:
            with interrupt.awaited() as first, interrupt.awaited() as second:
                os.kill(os.getpid(), signal.SIGINT)
                assert first.wait(5) and second.wait(5)
            os.kill(os.getpid(), signal.SIGINT)  # which the engine sends as it closes
        finally:
            signal.signal(signal.SIGINT, before)


class TestCause:
    """Why it failed, where that is no matter of tasks."""

    def shown(self, record: dict[str, Any], alarms: list[dict[str, Any]]) -> list[str]:
        recorded = Recorded()
        ecs = recorded.stubs["ecs"]
        ecs.add_response("describe_services", {"services": [service(deployment(OLD))]})
        ecs.add_response("list_tasks", {"taskArns": []})
        if alarms:
            recorded.stubs["cloudwatch"].add_response(
                "describe_alarms", {"MetricAlarms": alarms, "CompositeAlarms": []}
            )
        return post_mortem(recorded.api(), NEW, Verdict(Outcome.ROLLED_BACK, "rolled back"), record).splitlines()

    def test_the_alarm_that_went_off_is_named_with_its_own_reason(self) -> None:
        why = "Threshold Crossed: 2 datapoints [12.0, 9.0] were greater than or equal to the threshold (5.0)."
        record = {"status": "ROLLBACK_SUCCESSFUL", "alarms": {"status": "TRIGGERED", "triggeredAlarmNames": ["errors"]}}
        assert self.shown(record, [{"AlarmName": "errors", "StateReason": why}]) == [
            "rolled back",
            "  cause: alarm errors went off",
            "  change: look at its metric and at the log of that time; or correct the alarm, if nobody suffered",
            f"  AWS says: errors: {why}",
        ]

    def test_a_pause_without_an_answer_and_one_that_was_refused_are_told_apart(self) -> None:
        for status, cause in (
            ("TIMED_OUT", "nobody agreed in time"),
            ("FAILED", "somebody, or a function, refused it"),
        ):
            record = {"status": "ROLLBACK_SUCCESSFUL", "lifecycleHookDetails": [{"status": status}]}
            assert f"  cause: {cause}" in self.shown(record, [])

    def test_the_health_of_the_alternate_target_group_is_asked_too(self) -> None:
        """A traffic shift has the new tasks in it every second time."""
        recorded = Recorded()
        ecs, elbv2 = recorded.stubs["ecs"], recorded.stubs["elbv2"]
        shifted = {"targetGroupArn": "arn:blue", "advancedConfiguration": {"alternateTargetGroupArn": "arn:green"}}
        ecs.add_response("describe_services", {"services": [service(deployment(OLD), loadBalancers=[shifted])]})
        ecs.add_response("list_tasks", {"taskArns": []})
        sick = {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"}
        for arn, health in (("arn:blue", {"State": "healthy"}), ("arn:green", sick)):
            elbv2.add_response(
                "describe_target_health",
                {"TargetHealthDescriptions": [{"TargetHealth": health}]},
                {"TargetGroupArn": arn},
            )
        shown = post_mortem(recorded.api(), NEW, Verdict(Outcome.FAILED, "failed"))
        assert "cause: the port is not answered" in shown


class TestAlarms:
    """What is asked about alarms."""

    def asked(self, names: list[str], *answers: dict[str, Any]) -> list[Any]:
        recorded = Recorded()
        for answer in answers:
            full = {"MetricAlarms": [], "CompositeAlarms": [], **answer}
            recorded.stubs["cloudwatch"].add_response("describe_alarms", full)
        found = recorded.api().alarms_named(names)
        recorded.stubs["cloudwatch"].assert_no_pending_responses()
        return [(each["AlarmName"], each.get("Period")) for each in found]

    def test_one_that_does_not_exist_has_only_its_name(self) -> None:
        answer = {"MetricAlarms": [{"AlarmName": "errors", "Period": 60}]}
        assert self.asked(["errors", "gone"], answer) == [("errors", 60), ("gone", None)]

    def test_a_composite_one_is_asked_for_its_parts(self) -> None:
        assert self.asked(
            ["any"],
            {"CompositeAlarms": [{"AlarmName": "any"}]},
            {"MetricAlarms": [{"AlarmName": "errors"}], "CompositeAlarms": [{"AlarmName": "any"}]},  # its children
            {"MetricAlarms": [{"AlarmName": "errors", "Period": 300}]},
        ) == [("any", None), ("errors", 300)]

    def test_a_service_without_alarms_asks_nothing(self) -> None:
        assert Recorded().api().alarms(service(deployment())) == []


async def confirmed() -> bool:
    with mock.patch.object(pulumi, "ResourceHook"):  # there is no engine to register it with
        return await Follower("shop", 60).confirm(ARN, "shop", NEW)


class TestConfirming:
    """When nothing changed, no hook runs: the state alone must not be believed."""

    def confirm(self, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]) -> None:
        recorded = Recorded()
        api = recorded.api()
        recorded.stubs["ecs"].add_response("describe_services", {"services": [found]})
        monkeypatch.setattr(module, "Api", lambda *_: api)
        asyncio.run(confirmed())

    def test_a_service_that_runs_what_the_state_tells_is_fine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.confirm(monkeypatch, service(deployment()))

    def test_one_that_just_replaces_a_task_is_fine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.confirm(monkeypatch, service(deployment(running=1)))

    def test_one_whose_deployment_goes_on_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As after a wait that was interrupted: neither success nor failure before ECS says so."""
        recorded = Recorded()
        going_on = service(deployment(running=1, rolloutState="IN_PROGRESS"))
        recorded.stubs["ecs"].add_response("describe_services", {"services": [going_on]})
        recorded.look(going_on)
        recorded.look(service(deployment()))
        without_environment(monkeypatch, recorded.api())
        assert asyncio.run(confirmed())
        recorded.stubs["ecs"].assert_no_pending_responses()

    @pytest.mark.parametrize(("status", "looks"), [("IN_PROGRESS", 1), ("SUCCESSFUL", 0)])
    def test_a_shift_of_traffic_is_waited_for_by_its_record(
        self, monkeypatch: pytest.MonkeyPatch, status: str, looks: int
    ) -> None:
        """Deployments that shift traffic have no rollout state."""
        recorded = Recorded()
        shifting = deployment(running=1)
        del shifting["rolloutState"]
        waiting = service(shifting)
        recorded.look(waiting, {**RECORD, "status": status})
        if looks:
            recorded.look(service(deployment()), {**RECORD, "status": "SUCCESSFUL"}, first=False)
        without_environment(monkeypatch, recorded.api())
        assert asyncio.run(confirmed())
        recorded.stubs["ecs"].assert_no_pending_responses()

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
