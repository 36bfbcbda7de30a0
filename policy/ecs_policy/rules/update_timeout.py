"""Whether whoever waits for a deployment, or for a task, waits long enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecs_policy.deployment_bounds import DeploymentError, bounds, format_seconds, least_grace_seconds
from ecs_policy.model import Service, TargetGroup
from ecs_policy.rule import Level, Option, Problem, Severity, stack_rule
from ecs_policy.service_rollout import (
    TASK_START_SECONDS,
    containers_of,
    deployment_of,
    deployment_of_resource,
    service_counts,
    target_group,
    target_groups_place,
)
from ecs_policy.values import NotEvaluated

DEFAULT_SECONDS = 20 * 60
"""How long the AWS provider waits for a service when the program says nothing.
https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecs_service#timeouts"""

_TASK_START = Option(
    schema={"type": "integer", "minimum": 0, "default": TASK_START_SECONDS},
    about="Estimate: seconds until a new task is RUNNING (placement, network interface, image pull), where the "
    "component that made the service has no input `taskStartSeconds` that says so.",
)


@stack_rule(
    "SV-23 update-timeout",
    on=Service,
    title="An update waits as long as ECS may need to finish or to roll back",
    why="If Pulumi stops waiting before ECS finishes, the update fails while the deployment continues, "
    "and the state no longer says what runs.",
    level=Level.FAILS,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html",
    ours=True,
    options={"taskStartSeconds": _TASK_START},
)
def update_timeout(service: Service, options: Mapping[str, Any]) -> Iterator[Problem]:
    if not service["waitForSteadyState"].flag() or not service_counts(service)["desiredCount"]:
        return
    if (service["deploymentController"]["type"].text() or "ECS") != "ECS":
        return
    if service["schedulingStrategy"].text() == "DAEMON":
        return
    given = service.timeouts.get("update")
    waited = DEFAULT_SECONDS if given is None else given
    try:
        deployment = deployment_of_resource(service, task_start_seconds=int(options["taskStartSeconds"]))
        needed = bounds(deployment).minimum_update_timeout_seconds
    except DeploymentError:
        return  # settings that no service can have: other rules' matter
    if needed is None or waited >= needed:
        return
    got = format_seconds(int(waited)) if given is not None else f"nothing, which is {format_seconds(DEFAULT_SECONDS)}"
    message = (
        f"{service.label} customTimeouts.update: got {got}, expected at least {format_seconds(needed)}, the worst case "
        "of its settings; raise it, or shorten deregistration delay, stop timeout, health check or alarms"
    )
    yield Problem(service.urn, "customTimeouts.update", message)


_APPLICATION_START = Option(
    schema={"type": "integer", "minimum": 0, "default": 10},
    about="Estimate: seconds from RUNNING until an application answers its health checks. A longer `startPeriod` of an "
    "essential container counts instead.",
)


@stack_rule(
    "SV-24 grace-period",
    on=Service,
    title="Health checks leave a task the time to become healthy",
    why="A target that fails its checks while the application is still starting is unhealthy. When the grace period is "
    "over before it has recovered, ECS replaces the task, and the next one in the same way: no deployment ends, though "
    "nothing is wrong with the image.",
    level=Level.FAILS,
    severity=Severity.HIGH,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html",
    ours=True,
    options={"applicationStartSeconds": _APPLICATION_START},
)
def grace_period(service: Service, options: Mapping[str, Any]) -> Iterator[Problem]:
    if not service["loadBalancers"].items():
        return
    starts, doubt = int(options["applicationStartSeconds"]), None
    containers: list[dict[str, Any]] = []
    try:
        containers = containers_of(service.task_definition)
    except NotEvaluated as outcome:
        doubt = outcome
    checks = [each["healthCheck"] for each in containers if "healthCheck" in each and each.get("essential", True)]
    starts = max([starts, *(each.get("startPeriod", 0) for each in checks)])
    grace = service["healthCheckGracePeriodSeconds"]
    try:
        deployment = deployment_of(
            {"healthCheckGracePeriodSeconds": grace.number()},
            containers=containers,
            target_groups=[target_group(each) for each in target_groups_place(service).many(TargetGroup)],
            application_start_seconds=starts,
        )
    except DeploymentError:
        return  # settings that no service can have: other rules' matter
    least = least_grace_seconds(deployment)
    if deployment.health_check_grace_seconds < least:
        yield grace.problem(
            f"at least {least}: an application that takes {starts} s to start fails its health checks until then, and "
            "ECS replaces the task",
            f"raise it to {least} or more, or check more patiently",
        )
    elif doubt is not None:
        raise doubt
