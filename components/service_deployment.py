"""What the record of a service deployment tells that the service itself does not: why it failed, what it waits for.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from components.ecs_api import Shape
from components.post_mortem import Cause

_PAUSE_MINUTES = 24 * 60
"""How long a pause without a timeout of its own waits."""


def is_going_on(record: Shape | None) -> bool:
    """Whether ECS works on the deployment, or on its rollback."""
    return (record or {}).get("status") in ("PENDING", "IN_PROGRESS") or is_rolled_back(record)


def stage(record: Shape | None) -> str | None:
    """The lifecycle stage; None where there is none, as in most of a rolling deployment."""
    return (record or {}).get("lifecycleStage")


def triggered_alarms(record: Shape | None) -> Sequence[str]:
    """The alarms that ended it."""
    found: Sequence[str] = _part(record, "alarms").get("triggeredAlarmNames") or ()
    return found


def failed_tasks(record: Shape | None) -> tuple[int, int] | None:
    """Tasks that failed, and with how many of them the circuit breaker ends the deployment; None where it is off."""
    breaker = _part(record, "deploymentCircuitBreaker")
    if not breaker or breaker.get("status") == "DISABLED":
        return None
    return int(breaker.get("failureCount") or 0), int(breaker.get("threshold") or 0)


def circuit_breaker_ended(record: Shape | None) -> bool:
    """Whether it was the circuit breaker that ended the deployment."""
    return _part(record, "deploymentCircuitBreaker").get("status") == "TRIGGERED"


def reason(record: Shape | None) -> str:
    """Why it ended as it did, in the words of the record, with whatever else it says about that."""
    found = record or {}
    parts = [str(found.get("statusReason") or _part(found, "rollback").get("reason") or "ECS gives no reason")]
    parts += [f"alarm {name} went off" for name in triggered_alarms(record)]
    if circuit_breaker_ended(record) and (failed := failed_tasks(record)):
        parts.append(f"{failed[0]} failed tasks, {failed[1]} are its limit")
    parts += [f"nobody agreed in time at {stage(record) or 'the pause'}" for _ in _hooks(record, "TIMED_OUT")][:1]
    parts += [f"a hook refused it at {stage(record) or 'its stage'}" for _ in _hooks(record, "FAILED")][:1]
    return "; ".join(parts)


def is_rolled_back(record: Shape | None) -> bool:
    """Whether it is on its way back already."""
    return (record or {}).get("status") in ("STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


def pauses(record: Shape | None) -> list[Shape]:
    """Its pause hooks that wait for an answer, each with `hookId` and, where it ends by itself, `expiresAt`."""
    return [each for each in _hooks(record, "AWAITING_ACTION") if each.get("targetType") == "PAUSE"]


def roll_back(ecs: Any, record: Shape) -> None:
    """Sends it back to the revision before. Where it waits for an answer, that is the answer.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html"""
    arn = record["serviceDeploymentArn"]
    if waiting := pauses(record):
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=waiting[0]["hookId"], action="ROLLBACK")
    else:
        ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")


def pause(record: Shape | None) -> tuple[str, datetime | None, datetime | None, str] | None:
    """Stage, beginning and end of the pause that waits for somebody, and what ECS does at its end; None without one."""
    waiting = pauses(record)
    if not waiting:
        return None
    where, until = stage(record) or "", waiting[0].get("expiresAt")
    hooks = _part(record, "deploymentConfiguration").get("lifecycleHooks") or ()
    minutes = [
        int(_part(each, "timeoutConfiguration").get("timeoutInMinutes") or _PAUSE_MINUTES)
        for each in hooks
        if each.get("targetType") == "PAUSE" and where in (each.get("lifecycleStages") or ())
    ]
    since = until - timedelta(minutes=minutes[0]) if until and minutes else None
    return where, since, until, str(waiting[0].get("timeoutAction") or "ROLLBACK")


def cause(record: Shape | None, alarms: Callable[[Sequence[str]], Sequence[Shape]]) -> Cause | None:
    """Why the deployment failed, where that is no matter of tasks: an alarm, or somebody's answer to a pause.

    `alarms` gives structures of DescribeAlarms by name.
    """
    if names := triggered_alarms(record):
        told = [f"{each['AlarmName']}: {each.get('StateReason') or 'no reason'}" for each in alarms(names)]
        return Cause(
            f"alarm {', '.join(names)} went off",
            "look at its metric and at the log of that time; or correct the alarm, if nobody suffered",
            "; ".join(told),
        )
    if _hooks(record, "TIMED_OUT"):
        return Cause(
            "nobody agreed in time", "agree within deployment.approval.timeoutMinutes, or raise it", reason(record)
        )
    if _hooks(record, "FAILED"):
        return Cause("somebody, or a function, refused it", "ask who did and why", reason(record))
    return None


def _hooks(record: Shape | None, status: str) -> list[Shape]:
    details: Sequence[Shape] = (record or {}).get("lifecycleHookDetails") or ()
    return [each for each in details if each.get("status") == status]


def _part(shape: Shape | None, key: str) -> Shape:
    found: Shape = (shape or {}).get(key) or {}
    return found
