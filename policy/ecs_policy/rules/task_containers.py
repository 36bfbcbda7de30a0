"""Which containers a task has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecs_policy.model import Container, TaskDefinition
from ecs_policy.rule import Level, Problem, resource_rule
from ecs_policy.values import independently, quoted, readable

_CONTAINER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


@resource_rule(
    "TD-18 essential",
    on=TaskDefinition,
    title="A task has an essential container",
    why="A task runs as long as its essential containers do. Without one ECS could not tell when it is over.",
    level=Level.REJECTED,
    source=_CONTAINER,
)
def essential(task_definition: TaskDefinition) -> Iterator[Problem]:
    containers = task_definition.containers
    found, doubt = readable(containers, lambda each: each.essential)
    if any(found):
        return
    if doubt is not None:
        raise doubt
    place = task_definition["containerDefinitions"].location
    names = quoted(each["name"].raw for each in containers)
    yield Problem(
        task_definition.urn,
        place,
        f"{task_definition.label} {place}: got no essential container (containers: {names}), expected one or more; "
        'remove "essential": false from the container that does the work',
    )


@resource_rule(
    "TD-19 unique-names",
    on=TaskDefinition,
    title="Every container has a name of its own",
    why="Load balancers, dependencies and volumes refer to containers by name.",
    level=Level.REJECTED,
    source=_CONTAINER,
)
def unique_names(task_definition: TaskDefinition) -> Iterator[Problem]:
    seen: set[str] = set()
    yield from independently(_name(container, seen) for container in task_definition.containers)


def _name(container: Container, seen: set[str]) -> Iterator[Problem]:
    name = container.name
    if not _NAME.fullmatch(name):
        yield container["name"].problem("1 to 255 letters, digits, _ or -", "change the container's name")
    elif name in seen:
        yield container["name"].problem("a name that no other container of the task has", "rename one of the two")
    seen.add(name)
