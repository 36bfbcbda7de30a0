"""Following one deployment of an ECS service until it is steady or has failed.

The emulator lists no service deployments, so this reads those inside the service. Three habits of the emulator matter:
the first deployment is born COMPLETED, a failed one stays listed, and a rollback is an earlier deployment made primary.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local.providers.aws.resource import Call, Values
from local.providers.server import ProviderError

STEADY_SECONDS = 20 * 60
ROLLBACK_SECONDS = 5 * 60
HELD_SECONDS = 2.0
"""How long a deployment that was born complete must keep its tasks: a container may end right after its start."""
FAILURES = ("EssentialContainerExited", "TaskFailedToStart")


def arn_tail(reference: Any) -> str:
    """The part of an ARN behind the last slash, which is also how ECS takes a short name."""
    return str(reference or "").rsplit("/", 1)[-1]


def breaker_threshold(desired: int) -> int:
    """Task failures after which the circuit breaker gives up.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"""
    return min(200, max(3, -(-desired // 2)))


@dataclass
class Deployment:
    """The deployment of a service that a creation or an update started."""

    call: Call
    service: str
    cluster: Any
    id: str
    _held_since: float | None = field(default=None, init=False)
    _born_complete: bool | None = field(default=None, init=False)
    _seen: str = field(default="", init=False)

    def __str__(self) -> str:
        return f"service {arn_tail(self.service)}{self._seen}"

    @classmethod
    def started_by(cls, call: Call, service: Values, before: Sequence[str] = ()) -> Deployment:
        """The deployment of a service that was not there before, else the primary one."""
        deployments = service.get("deployments") or []
        started = [item for item in deployments if item["id"] not in before] or _primaries(deployments)
        return cls(call, service["serviceArn"], service["clusterArn"], started[0]["id"] if started else "")

    def wait(self) -> None:
        """Until the deployment runs all its tasks alone; a failure tells why, and what the service runs now."""
        self.call.wait(self, self._is_steady, default_seconds=STEADY_SECONDS)

    def _look(self) -> Values:
        found = self.call.client("ecs").describe_services(cluster=self.cluster, services=[self.service])["services"]
        if not found or found[0]["status"] == "INACTIVE":
            raise ProviderError(f"service {arn_tail(self.service)} was deleted while it was being deployed")
        return dict(found[0])

    def _is_steady(self) -> bool:
        service = self._look()
        deployments = service.get("deployments") or []
        current = next((item for item in deployments if item["id"] == self.id), None)
        primary: Values = next(iter(_primaries(deployments)), {})
        if current is not None and current.get("rolloutState") == "FAILED":
            raise ProviderError(self._post_mortem(current))
        if current is None or current is not primary:
            raise ProviderError(
                f"service {arn_tail(self.service)}: another deployment took over "
                f"({arn_tail(primary.get('taskDefinition'))}); look at it, and run the command again"
            )
        if self._born_complete is None:
            self._born_complete = current.get("rolloutState") == "COMPLETED"
        others = sum(item["runningCount"] for item in deployments if item is not current)
        self._seen = (
            f" ({arn_tail(current['taskDefinition'])}: "
            f"{current['runningCount']} of {service['desiredCount']} tasks running, {others} of older deployments left)"
        )
        complete = current.get("rolloutState") in (None, "COMPLETED")
        if not complete or current["runningCount"] != service["desiredCount"] or others:
            self._held_since = None
            self._count_failures(service, current)
            return False
        if not self._born_complete or not service["desiredCount"]:
            return True
        self._held_since = self._held_since or time.monotonic()
        return time.monotonic() - self._held_since >= HELD_SECONDS

    def _count_failures(self, service: Values, current: Values) -> None:
        """The circuit breaker for a first deployment, of which the emulator counts no failures."""
        breaker = (service.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
        if not self._born_complete or not breaker.get("enable"):
            return
        failed = self._failed_tasks(current)
        if len(failed) >= breaker_threshold(service["desiredCount"]):
            what = f"service {arn_tail(self.service)}: {arn_tail(current['taskDefinition'])} failed"
            raise ProviderError(f"{what}, there is no earlier revision: {len(failed)} tasks failed: {_why(failed[0])}")

    def _failed_tasks(self, deployment: Values) -> list[Values]:
        ecs = self.call.client("ecs")
        stopped = ecs.list_tasks(cluster=self.cluster, serviceName=arn_tail(self.service), desiredStatus="STOPPED")[
            "taskArns"
        ]
        if not stopped:
            return []
        tasks = ecs.describe_tasks(cluster=self.cluster, tasks=stopped[:100])["tasks"]
        return [
            task
            for task in tasks
            if task.get("taskDefinitionArn") == deployment["taskDefinition"] and task.get("stopCode") in FAILURES
        ]

    def _post_mortem(self, current: Values) -> str:
        failed = self._failed_tasks(current)
        reasons = [current.get("rolloutStateReason") or "ECS gave the deployment up"]
        reasons += [_why(task) for task in failed[:1]]
        what = f"service {arn_tail(self.service)}: {arn_tail(current['taskDefinition'])} failed"
        return f"{what}, {self._wait_for_rollback()}: {': '.join(reasons)}"

    def _wait_for_rollback(self) -> str:
        """What the service runs after the failure, once that is settled."""

        def primary() -> Values:
            return next(iter(_primaries(self._look().get("deployments") or [])), {})

        def is_settled() -> bool:
            now = primary()
            return now.get("rolloutState") != "IN_PROGRESS" and now.get("runningCount") == now.get("desiredCount")

        now = primary()
        if now.get("id") == self.id:
            return "it was not rolled back"
        revision = arn_tail(now.get("taskDefinition"))
        try:
            self.call.wait(f"the rollback to {revision}", is_settled, default_seconds=ROLLBACK_SECONDS)
        except ProviderError as problem:
            return f"its rollback to {revision} is not done ({problem})"
        return f"rolled back to {revision}"


def _primaries(deployments: Sequence[Values]) -> list[Values]:
    return [item for item in deployments if item["status"] == "PRIMARY"]


def _why(task: Values) -> str:
    """Why a task stopped, in the words of ECS."""
    containers = [
        f"{item['name']}: {item.get('reason') or 'exit code ' + str(item.get('exitCode'))}"
        for item in task.get("containers") or ()
        if item.get("reason") or item.get("exitCode") is not None
    ]
    return "; ".join([task.get("stoppedReason") or "no reason given", *containers])
