"""Network mode, ports and names of tasks."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import TaskDefinition
from ecs_policy.rule import Level, Problem, Severity, resource_rule


@resource_rule(
    "TD-03 fargate-awsvpc",
    on=TaskDefinition,
    title="A task definition for Fargate uses the network mode awsvpc",
    why="A Fargate task always has a network interface of its own. The default, bridge, is for EC2.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    frameworks=("Control Tower CT.ECS.PR.4",),
)
def fargate_awsvpc(task_definition: TaskDefinition) -> Iterator[Problem]:
    if task_definition.for_fargate and task_definition["networkMode"].text() != "awsvpc":
        yield task_definition["networkMode"].problem(
            '"awsvpc" with FARGATE in requiresCompatibilities', 'set networkMode to "awsvpc"'
        )
