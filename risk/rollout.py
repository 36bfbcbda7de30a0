"""How long a deployment of a previewed service may take, by the deployment calculator of the policy pack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ecs_policy.deployment_bounds import (
    ContainerHealthCheck,
    Deployment,
    DeploymentError,
    TargetHealthCheck,
    bounds,
    format_seconds,
)
from risk.preview import UNKNOWN, Change, Preview, section

_STOP_TIMEOUT_SECONDS = Deployment(desired_count=1).stop_timeout_seconds


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


def rollout(service: Change, preview: Preview) -> Rollout:
    """The deployment that the settings after the change allow."""
    inputs = service.after
    count = inputs.get("desiredCount")
    if not isinstance(count, int | float) or count < 1:
        return Rollout("no task is wanted" if count == 0 else "how long cannot be told: desiredCount is not known")
    assumed: list[str] = []
    shift = section(inputs, "deploymentConfiguration")
    linear, canary = section(shift, "linearConfiguration"), section(shift, "canaryConfiguration")
    hooks = [section(each, "timeoutConfiguration") for each in shift.get("lifecycleHooks") or () if each != UNKNOWN]
    try:
        deployment = Deployment(
            desired_count=int(count),
            minimum_healthy_percent=_whole(inputs, "deploymentMinimumHealthyPercent", 100),
            maximum_percent=_whole(inputs, "deploymentMaximumPercent", 200),
            health_check_grace_seconds=_whole(inputs, "healthCheckGracePeriodSeconds", 0),
            circuit_breaker=bool(section(inputs, "deploymentCircuitBreaker").get("enable")),
            strategy=shift.get("strategy", "ROLLING"),
            bake_minutes=_whole(shift, "bakeTimeInMinutes", 0),
            canary_bake_minutes=_whole(canary, "canaryBakeTimeInMinutes", 10),
            linear_step_percent=linear.get("stepPercent", 10.0),
            linear_step_bake_minutes=_whole(linear, "stepBakeTimeInMinutes", 6),
            hook_minutes=sum(_whole(each, "timeoutInMinutes", 0) for each in hooks),
        )
        deployment = _with_targets(deployment, inputs, preview, assumed)
        deployment = _with_containers(deployment, preview, assumed)
        result = bounds(deployment)
    except DeploymentError as error:
        return Rollout(f"how long cannot be told: {error}")
    if result.good is None:
        reason = result.deadlock or result.kill_loop or ""
        return Rollout("without end", reason, deployment.fewest_tasks, tuple(assumed))
    if _starts_instances(inputs):
        assumed.append("an instance that has to start first is not counted in how long it takes")
    time = f"at most {format_seconds(result.good.seconds)}"
    if result.minimum_update_timeout_seconds and result.minimum_update_timeout_seconds > result.good.seconds:
        time += f", {format_seconds(result.minimum_update_timeout_seconds)} when it fails and is rolled back"
    return Rollout(time, "", deployment.fewest_tasks, tuple(assumed))


def _starts_instances(service: Mapping[str, Any]) -> bool:
    providers = [each.get("capacityProvider") for each in service.get("capacityProviderStrategies") or ()]
    return any(provider not in ("FARGATE", "FARGATE_SPOT") for provider in providers)


def _with_targets(
    deployment: Deployment, service: Mapping[str, Any], preview: Preview, assumed: list[str]
) -> Deployment:
    balancers = service.get("loadBalancers") or []
    if not balancers:
        return replace(deployment, target_health_check=None)
    groups = [group for group in preview.of_type("aws:lb/targetGroup:TargetGroup") if group.after]
    arn = balancers[0].get("targetGroupArn") if isinstance(balancers, list) and isinstance(balancers[0], dict) else None
    known = [group for group in groups if group.id and group.id == arn] or groups
    if len(known) != 1:
        assumed.append("which target group the service uses is not known: AWS's default health check is assumed")
        return deployment
    inputs = known[0].after
    check = section(inputs, "healthCheck")
    return replace(
        deployment,
        deregistration_delay_seconds=_whole(inputs, "deregistrationDelay", 300),
        target_health_check=TargetHealthCheck(
            interval_seconds=_whole(check, "interval", 30),
            timeout_seconds=_whole(check, "timeout", 5),
            healthy_threshold=_whole(check, "healthyThreshold", 5),
            unhealthy_threshold=_whole(check, "unhealthyThreshold", 2),
        ),
    )


def _with_containers(deployment: Deployment, preview: Preview, assumed: list[str]) -> Deployment:
    definitions = [found for found in preview.of_type("aws:ecs/taskDefinition:TaskDefinition") if found.after]
    if len(definitions) != 1:
        assumed.append("which task definition the service runs is not known: AWS's default stop timeout is assumed")
        return deployment
    containers = _containers(definitions[0].after) or _containers(definitions[0].before)
    if containers is None:
        assumed.append("containers are known when the image is pushed: AWS's default stop timeout is assumed")
        return deployment
    checks = [_container_check(section(each, "healthCheck")) for each in containers if each.get("healthCheck")]
    slowest = max(checks, key=lambda check: check.interval_seconds * check.retries, default=None)
    stop = max((each.get("stopTimeout") or _STOP_TIMEOUT_SECONDS for each in containers), default=_STOP_TIMEOUT_SECONDS)
    return replace(deployment, stop_timeout_seconds=int(stop), container_health_check=slowest)


def _containers(inputs: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    text = inputs.get("containerDefinitions")
    if not isinstance(text, str) or text == UNKNOWN:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else None


def _container_check(check: Mapping[str, Any]) -> ContainerHealthCheck:
    return ContainerHealthCheck(
        interval_seconds=_whole(check, "interval", 30),
        timeout_seconds=_whole(check, "timeout", 5),
        retries=_whole(check, "retries", 3),
        start_period_seconds=_whole(check, "startPeriod", 0),
    )


def _whole(values: Mapping[str, Any], key: str, default: int) -> int:
    """The number, or AWS's default where none is set or it is not known yet."""
    value = values.get(key)
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return int(value) if isinstance(value, int | float) else default
