"""Whether whoever waits for a deployment waits long enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecs_policy.deployment_bounds import (
    ContainerHealthCheck,
    Deployment,
    DeploymentError,
    TargetHealthCheck,
    bounds,
    format_seconds,
)
from ecs_policy.model import Container, Service, TargetGroup
from ecs_policy.rule import Level, Option, Problem, stack_rule
from ecs_policy.values import Value

DEFAULT_SECONDS = 20 * 60
"""How long the AWS provider waits for a service when the program says nothing.
https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecs_service#timeouts"""

_TASK_START = Option(
    schema={"type": "integer", "minimum": 0, "default": 60},
    about="Estimate: seconds until a new task is RUNNING (placement, network interface, image pull).",
)
_APPLICATION_START = Option(
    schema={"type": "integer", "minimum": 0, "default": 10},
    about="Estimate: seconds from RUNNING until the application answers its health check.",
)


@stack_rule(
    "SV-23 update-timeout",
    on=Service,
    title="An update waits as long as ECS may need to finish or to roll back",
    why="Who stops waiting first reports a failure while ECS goes on, and the state no longer says what runs.",
    level=Level.FAILS,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html",
    ours=True,
    options={"taskStartSeconds": _TASK_START, "applicationStartSeconds": _APPLICATION_START},
)
def update_timeout(service: Service, options: Mapping[str, Any]) -> Iterator[Problem]:
    if not service["waitForSteadyState"].flag() or not service.rolls or not _whole(service["desiredCount"], 0):
        return
    if service["schedulingStrategy"].text() == "DAEMON":
        return
    given = service.timeouts.get("update")
    waited = DEFAULT_SECONDS if given is None else given
    try:
        needed = bounds(_deployment(service, options)).minimum_update_timeout_seconds
    except DeploymentError:
        return  # settings that no service can have: other rules' matter
    if needed is None or waited >= needed:
        return
    got = format_seconds(int(waited)) if given is not None else f"nothing, which is {format_seconds(DEFAULT_SECONDS)}"
    message = (
        f"{service.label} customTimeouts.update: got {got}, expected at least {format_seconds(needed)}, the worst case "
        "of its settings; raise it, or shorten deregistration delay, stop timeout or health check"
    )
    yield Problem(service.urn, "customTimeouts.update", message)


def _deployment(service: Service, options: Mapping[str, Any]) -> Deployment:
    task_definition = service.task_definition
    containers = [] if task_definition is None else task_definition.containers
    groups = [found for each in service["loadBalancers"].items() if (found := each["targetGroupArn"].one(TargetGroup))]
    return Deployment(
        desired_count=_whole(service["desiredCount"], 0),
        minimum_healthy_percent=_whole(service["deploymentMinimumHealthyPercent"], 100),
        maximum_percent=_whole(service["deploymentMaximumPercent"], 200),
        target_health_check=max(map(_target_check, groups), key=_patience, default=None),
        container_health_check=_container_check(containers),
        health_check_grace_seconds=_whole(service["healthCheckGracePeriodSeconds"], 0),
        task_start_seconds=int(options["taskStartSeconds"]),
        application_start_seconds=int(options["applicationStartSeconds"]),
        deregistration_delay_seconds=max((_whole(each["deregistrationDelay"], 300) for each in groups), default=0),
        stop_timeout_seconds=max((_whole(each["stopTimeout"], 30) for each in containers), default=30),
        circuit_breaker=bool(service["deploymentCircuitBreaker"]["enable"].flag()),
    )


def _target_check(group: TargetGroup) -> TargetHealthCheck:
    check = group["healthCheck"]
    return TargetHealthCheck(
        interval_seconds=_whole(check["interval"], 30),
        timeout_seconds=_whole(check["timeout"], 5),
        healthy_threshold=_whole(check["healthyThreshold"], 5),
        unhealthy_threshold=_whole(check["unhealthyThreshold"], 2),
    )


def _patience(check: TargetHealthCheck) -> int:
    return max(check.healthy_threshold, check.unhealthy_threshold) * check.interval_seconds + check.timeout_seconds


def _container_check(containers: list[Container]) -> ContainerHealthCheck | None:
    """The slowest of the essential containers'."""
    checks = [
        ContainerHealthCheck(
            interval_seconds=_whole(check["interval"], 30),
            timeout_seconds=_whole(check["timeout"], 5),
            retries=_whole(check["retries"], 3),
            start_period_seconds=_whole(check["startPeriod"], 0),
        )
        for each in containers
        if each.essential and (check := each["healthCheck"]).given
    ]
    return max(checks, key=lambda each: each.start_period_seconds + each.retries * each.interval_seconds, default=None)


def _whole(value: Value, default: int) -> int:
    number = value.number()
    if number is None:
        return default
    if not isinstance(number, int):
        raise value.not_evaluated("is not a whole number")
    return number
