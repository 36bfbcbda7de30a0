"""The link between a service and its load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import Container, Service, TargetGroup, TaskDefinition
from ecs_policy.rule import Level, Problem, Severity, Value, stack_rule
from ecs_policy.values import quoted

_LOAD_BALANCER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html"


@stack_rule(
    "SV-05 lb-container",
    on=Service,
    each="loadBalancers",
    title="The load balancer's container and port exist in the task definition",
    why="The service registers this container's port as a target; without it there is nothing to register.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=_LOAD_BALANCER,
    aws_error="The container app did not have a container port 80 defined.",
)
def lb_container(link: Value) -> Iterator[Problem]:
    task_definition = _task_definition(link)
    if task_definition is None:
        return
    name, port = link["containerName"], link["containerPort"]
    containers = {container.name: container for container in task_definition.containers}
    container = containers.get(name.text() or "")
    if container is None:
        yield name.problem(
            f"a container of {task_definition.label}, which has {quoted(containers)}",
            "change containerName, or name the container so",
        )
        return
    wanted = port.number()
    ranges = _ports(container)
    if wanted is None or not any(first <= wanted <= last for first, last in ranges):
        published = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges) or "none"
        yield port.problem(
            f"a port of container '{container.name}' in {task_definition.label}, which publishes {published}",
            "change containerPort, or add the port to the container's portMappings",
        )


def _ports(container: Container) -> list[tuple[float, float]]:
    ranges: list[tuple[float, float]] = []
    for mapping in container["portMappings"].items():
        single = mapping["containerPort"].number()
        if single is not None:
            ranges.append((single, single))
        span = mapping["containerPortRange"].text()
        if span is not None:
            first, _, last = span.partition("-")
            if not (first.isdecimal() and last.isdecimal() and len(span) < 20):
                raise mapping["containerPortRange"].not_evaluated("is not a range of ports")
            ranges.append((int(first), int(last)))
    return ranges


@stack_rule(
    "SV-06 tg-type",
    on=Service,
    each="loadBalancers",
    title="The target group's target type fits the network mode of the tasks",
    why="awsvpc tasks are registered by address (ip), tasks on the instance's network by instance.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=_LOAD_BALANCER,
    aws_error="The provided target group has target type instance, which is incompatible with the awsvpc network mode "
    "specified in the task definition.",
)
def tg_type(link: Value) -> Iterator[Problem]:
    task_definition = _task_definition(link)
    if task_definition is None:
        return
    target_group = link["targetGroupArn"].one(TargetGroup)
    if target_group is None:
        return
    mode = task_definition.network_mode
    expected = "ip" if mode == "awsvpc" else "instance"
    found = target_group["targetType"].text() or "instance"
    if found != expected:
        yield target_group["targetType"].problem(
            f'"{expected}", since {link.resource.label} registers tasks of {task_definition.label}, '
            f"whose network mode is {mode}",
            f'set targetType to "{expected}", or change networkMode',
        )


def _task_definition(link: Value) -> TaskDefinition | None:
    assert isinstance(link.resource, Service)
    return link.resource.task_definition
