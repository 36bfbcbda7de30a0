"""Where a service's tasks are on the network."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import Service
from ecs_policy.rule import Level, Problem, Severity, stack_rule


@stack_rule(
    "SV-01 netconf-iff-awsvpc",
    on=Service,
    title="A service has a network configuration if, and only if, its tasks use awsvpc",
    why="awsvpc tasks need subnets and security groups; in the other modes tasks use the instance's network.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html",
    aws_error="Network Configuration must be provided when networkMode 'awsvpc' is specified.",
)
def netconf_iff_awsvpc(service: Service) -> Iterator[Problem]:
    task_definition = service.task_definition
    if task_definition is None:
        return
    configuration, mode = service["networkConfiguration"], task_definition.network_mode
    if mode == "awsvpc" and not configuration.given:
        yield configuration.problem(
            f"subnets and security groups, since {task_definition.label} uses awsvpc", "set networkConfiguration"
        )
    if mode != "awsvpc" and configuration.given:
        yield configuration.problem(
            f"nothing, since {task_definition.label} has the network mode {mode}",
            "remove networkConfiguration, or set the task definition's networkMode to awsvpc",
        )
