"""ECS Anywhere: instances of one's own, registered as external ones."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import Service, TaskDefinition
from ecs_policy.rule import Level, Problem, resource_rule, stack_rule
from ecs_policy.values import Value, independently

_ANYWHERE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere.html"
_OF_A_SERVICE = ("loadBalancers", "serviceRegistries", "serviceConnectConfiguration")


@resource_rule(
    "EA-01 external-task",
    on=TaskDefinition,
    title="A task for external instances uses none of awsvpc, EFS, EBS volumes and App Mesh",
    why="External instances are outside of any VPC: tasks have no network interface there, no way to EFS and no EBS.",
    level=Level.REJECTED,
    source=_ANYWHERE,
)
def external_task(task_definition: TaskDefinition) -> Iterator[Problem]:
    if "EXTERNAL" in task_definition["requiresCompatibilities"].texts():
        yield from _nothing_of_a_vpc(task_definition)


def _nothing_of_a_vpc(task_definition: TaskDefinition) -> Iterator[Problem]:
    yield from independently(
        (
            _no_awsvpc(task_definition["networkMode"]),
            _no_mesh(task_definition["proxyConfiguration"]),
            *(_none_of_aws(each) for each in task_definition["volumes"].items()),
        )
    )


def _no_awsvpc(mode: Value) -> Iterator[Problem]:
    if mode.text() == "awsvpc":
        yield mode.problem('"bridge", "host" or "none" on external instances', "change networkMode")


def _no_mesh(proxy: Value) -> Iterator[Problem]:
    if proxy.filled:
        yield proxy.problem("nothing on external instances", "remove proxyConfiguration")


def _none_of_aws(volume: Value) -> Iterator[Problem]:
    efs, at_launch = volume["efsVolumeConfiguration"], volume["configureAtLaunch"]
    if efs.given:
        yield efs.problem("nothing on external instances", "use another kind of volume, as hostPath")
    if at_launch.flag():
        yield at_launch.problem(
            "nothing on external instances, to which EC2 attaches no volumes",
            "use another kind, as hostPath",
            ours=True,
        )


@stack_rule(
    "EA-02 external-service",
    on=Service,
    title="A service on external instances has no load balancer, no discovery, and a task that can run there",
    why="ECS Anywhere has neither; a task definition that does not declare EXTERNAL is not checked for it.",
    level=Level.REJECTED,
    source=_ANYWHERE,
)
def external_service(service: Service) -> Iterator[Problem]:
    if service["launchType"].text() != "EXTERNAL":
        return
    checks = [_nothing(service[key]) for key in _OF_A_SERVICE]
    yield from independently([*checks, _task(service)])


def _nothing(place: Value) -> Iterator[Problem]:
    if place.filled and not (place.path[0] == "serviceConnectConfiguration" and _off(place)):
        yield place.problem("nothing on external instances", f"remove {place.location}")


def _off(configuration: Value) -> bool:
    return configuration["enabled"].flag() is False


def _task(service: Service) -> Iterator[Problem]:
    task_definition = service.task_definition
    if task_definition is not None and "EXTERNAL" not in task_definition["requiresCompatibilities"].texts():
        yield from _nothing_of_a_vpc(task_definition)  # else: EA-01
