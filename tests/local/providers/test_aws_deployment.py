"""What a wait for a service's steady state says, on recorded courses of deployments: no emulator, no containers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any, cast

import pytest

from local.providers.aws import ecs_deployment, resource
from local.providers.aws.clients import Clients
from local.providers.aws.ecs_deployment import Deployment, breaker_threshold
from local.providers.aws.resource import Call
from local.providers.server import ProviderError

SERVICE = "arn:aws:ecs:ap-northeast-1:000000000000:service/web/app"
CLUSTER = "arn:aws:ecs:ap-northeast-1:000000000000:cluster/web"
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def revision(number: int) -> str:
    return f"arn:aws:ecs:ap-northeast-1:000000000000:task-definition/app:{number}"


def deployment(number: int, *, running: int, state: str, primary: bool = True, desired: int = 2) -> dict[str, Any]:
    return {
        "id": f"ecs-svc/{number}",
        "status": "PRIMARY" if primary else "ACTIVE",
        "taskDefinition": revision(number),
        "desiredCount": desired,
        "runningCount": running,
        "rolloutState": state,
        "rolloutStateReason": "the circuit breaker was triggered" if state == "FAILED" else "",
    }


def stopped(number: int, code: str = "EssentialContainerExited") -> dict[str, Any]:
    return {
        "taskDefinitionArn": revision(number),
        "stopCode": code,
        "stoppedReason": "Essential container exited",
        "containers": [{"name": "web", "exitCode": 3}, {"name": "side"}],
    }


class Ecs:
    """Answers with one frame after the other, then with the last one for ever."""

    def __init__(self, *frames: list[dict[str, Any]], tasks: Iterable[dict[str, Any]] = (), desired: int = 2) -> None:
        self.frames = list(frames)
        self.tasks = list(tasks)
        self.desired = desired

    def describe_services(self, **_: Any) -> dict[str, Any]:
        frame = self.frames.pop(0) if len(self.frames) > 1 else self.frames[0]
        service = {
            "serviceArn": SERVICE,
            "clusterArn": CLUSTER,
            "status": "ACTIVE" if frame else "INACTIVE",
            "desiredCount": self.desired,
            "deploymentConfiguration": BREAKER,
            "deployments": frame,
        }
        return {"services": [service]}

    def list_tasks(self, **_: Any) -> dict[str, Any]:
        return {"taskArns": [str(number) for number, _ in enumerate(self.tasks)]}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        return {"tasks": self.tasks}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs_deployment, "HELD_SECONDS", 0.0)
    monkeypatch.setattr(resource, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(time, "sleep", lambda _: None)


class Fake:
    def __init__(self, ecs: Ecs) -> None:
        self.ecs = ecs

    def client(self, service: str, region: str) -> Ecs:
        return self.ecs


def follow(ecs: Ecs, number: int = 2, *, timeout_seconds: float = 5, said: list[str] | None = None) -> None:
    lines: list[str] = [] if said is None else said
    call = Call("urn", cast(Clients, Fake(ecs)), "ap-northeast-1", timeout_seconds, threading.Event(), lines.append)
    Deployment(call, SERVICE, CLUSTER, f"ecs-svc/{number}").wait()


OLD = deployment(1, running=2, state="COMPLETED", primary=False)


def test_a_rolling_update_is_over_when_the_new_tasks_run_alone() -> None:
    said: list[str] = []
    follow(
        Ecs(
            [deployment(2, running=0, state="IN_PROGRESS"), OLD],
            [deployment(2, running=2, state="IN_PROGRESS"), OLD],
            [deployment(2, running=2, state="COMPLETED"), OLD],
            [deployment(2, running=2, state="COMPLETED")],
        ),
        said=said,
    )
    assert said[0].startswith("waiting for service app (app:2: 0 of 2 tasks running, 2 of older deployments left)")
    assert "app:2: 2 of 2 tasks running, 2 of older deployments left" in said[-1]


def test_a_failed_deployment_tells_its_reason_and_what_runs_now_once_the_rollback_is_done() -> None:
    back = deployment(1, running=1, state="IN_PROGRESS")
    settled = deployment(1, running=2, state="COMPLETED")
    failed = deployment(2, running=0, state="FAILED", primary=False)
    frames = [[deployment(2, running=0, state="IN_PROGRESS"), OLD], [failed, back], [failed, back], [failed, settled]]
    with pytest.raises(ProviderError) as told:
        follow(Ecs(*frames, tasks=[stopped(1), stopped(2)]))
    assert str(told.value) == (
        "service app: app:2 failed, rolled back to app:1: the circuit breaker was triggered: "
        "Essential container exited; web: exit code 3"
    )


def test_a_failed_deployment_without_rollback_says_so() -> None:
    with pytest.raises(ProviderError, match="app:2 failed, it was not rolled back: the circuit breaker was triggered"):
        follow(Ecs([deployment(2, running=0, state="FAILED")]))


def test_a_failed_deployment_that_stays_listed_does_not_spoil_the_next_one() -> None:
    failed = deployment(1, running=0, state="FAILED", primary=False)
    follow(Ecs([deployment(2, running=2, state="COMPLETED"), failed]))


def test_a_first_deployment_that_keeps_failing_is_given_up_as_the_circuit_breaker_would() -> None:
    first = deployment(2, running=1, state="COMPLETED")
    follow_up = [stopped(2, "ServiceSchedulerInitiated"), stopped(1), stopped(2), stopped(2)]
    with pytest.raises(ProviderError, match="not done after 0 s"):
        follow(Ecs([first], tasks=follow_up), timeout_seconds=0.05)
    with pytest.raises(ProviderError, match="app:2 failed, there is no earlier revision: 3 tasks failed: Essential"):
        follow(Ecs([first], tasks=[*follow_up, stopped(2)]))


def test_another_deployment_that_takes_over_ends_the_wait() -> None:
    frames = [
        [deployment(3, running=0, state="IN_PROGRESS"), deployment(2, running=1, state="IN_PROGRESS", primary=False)]
    ]
    with pytest.raises(ProviderError, match=r"another deployment took over \(app:3\); look at it"):
        follow(Ecs(*frames))


def test_a_deleted_service_ends_the_wait() -> None:
    with pytest.raises(ProviderError, match="service app was deleted while it was being deployed"):
        follow(Ecs([]))


def test_the_wait_ends_with_the_timeout_of_the_resource() -> None:
    with pytest.raises(ProviderError, match=r"service app \(app:2: 1 of 2 tasks running.*raise customTimeouts"):
        follow(Ecs([deployment(2, running=1, state="IN_PROGRESS")]), timeout_seconds=0.05)


def test_a_service_without_tasks_is_steady_at_once() -> None:
    follow(Ecs([deployment(2, running=0, state="COMPLETED", desired=0)], desired=0))


def test_the_deployment_that_an_update_started_is_the_one_followed() -> None:
    call = cast(Call, None)
    service = {"serviceArn": SERVICE, "clusterArn": CLUSTER}
    rolled_back_at_once = [
        deployment(2, running=0, state="FAILED", primary=False),
        deployment(1, running=2, state="COMPLETED"),
    ]
    started = Deployment.started_by(call, {**service, "deployments": rolled_back_at_once}, before=["ecs-svc/1"])
    assert started.id == "ecs-svc/2"
    same = Deployment.started_by(call, {**service, "deployments": rolled_back_at_once[1:]}, before=["ecs-svc/1"])
    assert same.id == "ecs-svc/1"


@pytest.mark.parametrize(("desired", "failures"), [(0, 3), (1, 3), (6, 3), (7, 4), (100, 50), (1000, 200)])
def test_the_circuit_breaker_gives_up_after_half_the_desired_count_within_3_and_200(
    desired: int, failures: int
) -> None:
    assert breaker_threshold(desired) == failures
