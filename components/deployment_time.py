"""How long a deployment may take, by the policy pack's calculator and what AWS says of the service."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.ecs_api import Shape
from ecs_policy.deployment_bounds import (
    ContainerHealthCheck,
    Deployment,
    TargetHealthCheck,
    bounds,
)

_WITHOUT_BOUND_SECONDS = 20 * 60
"""What the AWS provider itself waits for a service; for settings with which a deployment may never end.
https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecs_service#timeouts"""


def patience_seconds(
    service: Shape,
    containers: Sequence[Shape],
    target_groups: Sequence[tuple[Shape, Mapping[str, str]]],
    task_start_seconds: int,
) -> int:
    """Seconds after which a deployment that is neither done nor rolled back will not be: its bound, and a quarter.

    The arguments are structures of DescribeServices, DescribeTaskDefinition, DescribeTargetGroups and
    DescribeTargetGroupAttributes.
    """
    deployment = _deployment(service, containers, target_groups, task_start_seconds)
    return bounds(deployment).recommended_update_timeout_seconds or _WITHOUT_BOUND_SECONDS


def _deployment(
    service: Shape,
    containers: Sequence[Shape],
    target_groups: Sequence[tuple[Shape, Mapping[str, str]]],
    task_start_seconds: int,
) -> Deployment:
    settings: Shape = service.get("deploymentConfiguration") or {}
    linear: Shape = settings.get("linearConfiguration") or {}
    canary: Shape = settings.get("canaryConfiguration") or {}
    return Deployment(
        desired_count=max(1, service["desiredCount"]),
        minimum_healthy_percent=settings.get("minimumHealthyPercent", 100),
        maximum_percent=settings.get("maximumPercent", 200),
        strategy=settings.get("strategy", "ROLLING"),
        target_health_check=max(map(_target_check, target_groups), key=_wait, default=None),
        container_health_check=max(map(_container_check, _checked(containers)), key=_wait, default=None),
        health_check_grace_seconds=service.get("healthCheckGracePeriodSeconds") or 0,
        task_start_seconds=task_start_seconds,
        deregistration_delay_seconds=max(map(_delay, target_groups), default=0),
        stop_timeout_seconds=max((each.get("stopTimeout", 30) for each in containers), default=30),
        bake_minutes=settings.get("bakeTimeInMinutes") or 0,
        canary_bake_minutes=canary.get("canaryBakeTimeInMinutes", 10),
        linear_step_percent=linear.get("stepPercent", 10.0),
        linear_step_bake_minutes=linear.get("stepBakeTimeInMinutes", 6),
        hook_minutes=sum(map(_hook_minutes, settings.get("lifecycleHooks") or ())),
        circuit_breaker=bool((settings.get("deploymentCircuitBreaker") or {}).get("enable")),
    )


def _target_check(group: tuple[Shape, Mapping[str, str]]) -> TargetHealthCheck:
    described, _ = group
    return TargetHealthCheck(
        interval_seconds=described.get("HealthCheckIntervalSeconds", 30),
        timeout_seconds=described.get("HealthCheckTimeoutSeconds", 5),
        healthy_threshold=described.get("HealthyThresholdCount", 5),
        unhealthy_threshold=described.get("UnhealthyThresholdCount", 2),
    )


def _delay(group: tuple[Shape, Mapping[str, str]]) -> int:
    _, attributes = group
    return int(attributes.get("deregistration_delay.timeout_seconds", 300))


def _checked(containers: Sequence[Shape]) -> list[Shape]:
    return [each["healthCheck"] for each in containers if each.get("healthCheck") and each.get("essential", True)]


def _container_check(check: Shape) -> ContainerHealthCheck:
    return ContainerHealthCheck(
        interval_seconds=check.get("interval", 30),
        timeout_seconds=check.get("timeout", 5),
        retries=check.get("retries", 3),
        start_period_seconds=check.get("startPeriod", 0),
    )


def _wait(check: Any) -> int:
    """Seconds until it decides at the latest."""
    if isinstance(check, ContainerHealthCheck):
        return check.start_period_seconds + check.retries * check.interval_seconds + check.timeout_seconds
    return int(max(check.healthy_threshold, check.unhealthy_threshold) * check.interval_seconds + check.timeout_seconds)


def _hook_minutes(hook: Shape) -> int:
    return int((hook.get("timeoutConfiguration") or {}).get("timeoutInMinutes") or 0)
