"""CPU and memory of tasks."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.fargate import task_size_problem
from ecs_policy.model import TaskDefinition
from ecs_policy.rule import Level, Problem, Severity, resource_rule


@resource_rule(
    "TD-01 fargate-cpu-mem",
    on=TaskDefinition,
    title="A task definition for Fargate has a size that Fargate offers",
    why="Fargate offers certain pairs of CPU and memory only, also when EC2 is declared beside it.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html",
    aws_error="No Fargate configuration exists for given values.",
)
def fargate_cpu_mem(task_definition: TaskDefinition) -> Iterator[Problem]:
    if not task_definition.for_fargate:
        return
    family = task_definition["runtimePlatform"]["operatingSystemFamily"].text() or "LINUX"
    cpu, memory = task_definition["cpu"], task_definition["memory"]
    sizes = (None if each.unknown else each.text() for each in (cpu, memory))
    for line in (task_size_problem(*sizes, windows=family.startswith("WINDOWS")) or "").splitlines():
        place = cpu if line.startswith("cpu") else memory
        if not place.unknown:
            yield Problem(task_definition.urn, place.location, f"{task_definition.label} {line}")
    cpu.require_known()
    memory.require_known()
