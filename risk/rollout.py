"""How long a deployment of a previewed service may take, by the deployment calculator of the policy pack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ecs_policy.deployment_bounds import Deployment, DeploymentError, bounds, format_seconds
from ecs_policy.model import MetricAlarm, Service, TargetGroup, TaskDefinition, resource
from ecs_policy.sentinels import UNKNOWN
from ecs_policy.service_rollout import (
    TASK_START_SECONDS,
    alarms_place,
    containers_of,
    deployment_of,
    metric_alarm,
    service_settings,
    target_group,
    target_groups_place,
    task_start_seconds_of,
)
from ecs_policy.stack import Resource, Stack
from ecs_policy.values import NotEvaluated, Value
from risk.preview import Change, Preview

R = TypeVar("R", bound=Resource)
A = TypeVar("A")


@dataclass(frozen=True)
class Rollout:
    time: str
    """How long it may take, in words."""
    never_ends: str = ""
    """Why it cannot end; empty if it can."""
    fewest_tasks: int | None = None
    """Healthy tasks that it leaves at any time; None where that cannot be told."""
    assumed: tuple[str, ...] = ()
    """What could not be read, and what was taken instead."""


def rollout(change: Change, preview: Preview) -> Rollout:
    """The deployment that the settings after the change allow."""
    try:
        deployment, assumed = previewed_deployment(change, preview)
    except NotEvaluated as doubt:
        return Rollout(f"how long cannot be told: {doubt.at.location} {doubt.at.reason}")
    except DeploymentError as error:
        return Rollout(f"how long cannot be told: {error}")
    if deployment is None:
        return Rollout("no task is wanted")
    result = bounds(deployment)
    if result.good is None:
        reason = result.deadlock or result.kill_loop or ""
        return Rollout("without end", reason, deployment.fewest_tasks, assumed)
    time = f"at most {format_seconds(result.good.seconds)}"
    if result.minimum_update_timeout_seconds and result.minimum_update_timeout_seconds > result.good.seconds:
        time += f", {format_seconds(result.minimum_update_timeout_seconds)} when it fails and is rolled back"
    return Rollout(time, "", deployment.fewest_tasks, assumed)


def previewed_deployment(change: Change, preview: Preview) -> tuple[Deployment | None, tuple[str, ...]]:
    """The deployment of a service after the change, and what was assumed for it; None when no task is wanted. Raises
    `NotEvaluated` where its own settings are not known."""
    service = _stack_after(preview).resources[change.urn]
    assert isinstance(service, Service)
    settings, stated = service_settings(service), task_start_seconds_of(service)
    if settings["desiredCount"] is None:
        raise service["desiredCount"].not_evaluated("is absent")
    if settings["desiredCount"] == 0:
        return None, ()
    reader = _Reader(service)
    deployment = deployment_of(
        settings,
        containers=reader.containers(),
        target_groups=reader.target_groups(),
        alarms=reader.alarms(),
        task_start_seconds=TASK_START_SECONDS if stated is None else stated,
    )
    if _starts_instances(settings):
        reader.assumed.append("an instance that has to start first is not counted in how long it takes")
    return deployment, tuple(reader.assumed)


def _starts_instances(settings: dict[str, Any]) -> bool:
    return any(
        each["capacityProvider"] not in ("FARGATE", "FARGATE_SPOT") for each in settings["capacityProviderStrategy"]
    )


def _stack_after(preview: Preview) -> Stack:
    """The stack as it will be, to be read by the policy pack's own means."""
    components = [
        resource(type=_type(urn), urn=urn, name=urn.rpartition("::")[2], inputs=inputs)
        for urn, inputs in preview.components.items()
    ]
    made = [
        resource(
            type=change.type,
            urn=change.urn,
            name=change.name,
            inputs=_inputs(change),
            outputs={**change.after, "id": change.id, "arn": change.id} if change.id else None,
            parent=_parent(change.urn, preview),
        )
        for change in preview.changes
        if change.action != "delete"
    ]
    return Stack([*components, *made])


def _inputs(change: Change) -> Mapping[str, Any]:
    """What containers are is unknown until the image is pushed; but for the image, those of the revision before."""
    key = "containerDefinitions"
    if change.after.get(key) == UNKNOWN and change.before.get(key, UNKNOWN) != UNKNOWN:
        return {**change.after, key: change.before[key]}
    return change.after


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _parent(urn: str, preview: Preview) -> str:
    """The component of the same name that a resource is the main one of."""
    head, types, name = urn.rsplit("::", 2)
    parent = f"{head}::{types.rpartition('$')[0]}::{name}"
    return parent if parent in preview.components else ""


@dataclass
class _Reader:
    """Reads what a service refers to. References are known by id only; one that is not yet may be any of its kind."""

    service: Service
    assumed: list[str] = field(default_factory=list)

    def containers(self) -> Sequence[dict[str, Any]]:
        definitions = self._task_definitions()
        if len(definitions) != 1:
            self.assumed.append(
                "which task definition the service runs is not known: AWS's default stop timeout is assumed"
            )
            return []
        try:
            return containers_of(definitions[0])
        except NotEvaluated:
            self.assumed.append("containers are known when the image is pushed: AWS's default stop timeout is assumed")
            return []

    def _task_definitions(self) -> list[TaskDefinition]:
        """Events tell of no outputs, and so of no ARN: a known one is told by its family."""
        place, all_of_them = self.service["taskDefinition"], self.service.stack.all(TaskDefinition)
        if place.unknown or not place.given:
            return all_of_them
        family = (place.text() or "").rpartition("/")[2].partition(":")[0]
        return [each for each in all_of_them if each["family"].raw == family]

    def target_groups(self) -> Sequence[dict[str, Any]]:
        if not self.service["loadBalancers"].given:
            return []
        what = "the service's target group"
        return self._each(target_groups_place(self.service), TargetGroup, target_group, what, "health check and delay")

    def alarms(self) -> Sequence[dict[str, Any]]:
        place = alarms_place(self.service)
        if place is None:
            return []
        return self._each(place, MetricAlarm, metric_alarm, "an alarm of the service", "shortest evaluation")

    def _each(
        self, place: Value, kind: type[R], read: Callable[[R], dict[str, Any]], what: str, default: str
    ) -> list[dict[str, Any]]:
        found = self._referred(place, kind)
        try:
            shapes = [read(each) for each in found]
        except NotEvaluated:
            shapes = []
        if not shapes:
            self.assumed.append(f"{what} is not known: AWS's {default} is assumed")
        return shapes or [{}]

    def _referred(self, place: Value, kind: type[R]) -> list[R]:
        """Those that the place refers to, else every one that it may refer to: no bound is shorter for it."""
        stack = self.service.stack
        sure, doubtful = stack.found_among(place, kind)
        return (sure + doubtful) or (stack.all(kind) if _may_be_any(place) else [])


def _may_be_any(place: Value) -> bool:
    items = place.items() if isinstance(place.raw, list) else [place]
    return any(item.unknown for item in items)
