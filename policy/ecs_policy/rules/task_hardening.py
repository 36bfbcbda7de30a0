"""What a container may do to its host, and to itself."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import Container, TaskDefinition
from ecs_policy.rule import Level, Problem, Severity, resource_rule
from ecs_policy.values import independently

_CONTAINER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
_NAMESPACES = ("networkMode", "pidMode", "ipcMode")
_ADMINISTRATOR = "containeradministrator"


@resource_rule(
    "TD-35 privileged",
    on=Container,
    title="No container is privileged",
    why="A privileged container is root on its instance, and so on every other task there.",
    level=Level.PRACTICE,
    severity=Severity.HIGH,
    source=_CONTAINER,
    frameworks=("Security Hub ECS.4", "Control Tower CT.ECS.PR.11", "Checkov CKV_AWS_334"),
)
def privileged(container: Container) -> Iterator[Problem]:
    place = container["privileged"]
    if place.filled and not container.task_definition.for_fargate:  # Fargate: TD-10
        yield place.problem("false", "remove privileged, and add the single capability that is needed")


@resource_rule(
    "TD-36 readonly-rootfs",
    on=Container,
    title="A container's root file system is read-only",
    why="What breaks in can then change no program, and nothing is lost when the task is replaced.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_CONTAINER,
    frameworks=("Security Hub ECS.5", "Control Tower CT.ECS.PR.6", "Checkov CKV_AWS_336"),
)
def readonly_rootfs(container: Container) -> Iterator[Problem]:
    place = container["readonlyRootFilesystem"]
    if place.flag() is not True and not container.task_definition.for_windows:
        yield place.problem("true", "set readonlyRootFilesystem, and mount a volume where the application writes")


@resource_rule(
    "TD-37 non-root",
    on=Container,
    title="A container says that it does not run as root",
    why="Root in the container is root in the kernel. What the image says can change with the image.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_CONTAINER,
    frameworks=("Security Hub ECS.20", "Security Hub ECS.21", "Control Tower CT.ECS.PR.3"),
)
def non_root(container: Container) -> Iterator[Problem]:
    place = container["user"]
    user = (place.text() or "").partition(":")[0].lower()
    if container.task_definition.for_windows:
        if user in ("", _ADMINISTRATOR):
            yield place.problem("a user other than ContainerAdministrator", 'set user to "ContainerUser", for instance')
    elif user in ("", "root") or not user.strip("0"):
        yield place.problem("a user other than root", 'set user to the image\'s own, as "1000:1000"')


@resource_rule(
    "TD-38 no-host-namespaces",
    on=TaskDefinition,
    title="A task shares neither network nor processes nor memory with its host",
    why="In the host's namespaces a container reaches what listens on localhost, and sees every other process.",
    level=Level.PRACTICE,
    severity=Severity.HIGH,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    frameworks=("Security Hub ECS.17", "Security Hub ECS.3", "Control Tower CT.ECS.PR.10", "Checkov CKV_AWS_335"),
)
def no_host_namespaces(task_definition: TaskDefinition) -> Iterator[Problem]:
    yield from independently(_own(task_definition, name) for name in _NAMESPACES)


def _own(task_definition: TaskDefinition, name: str) -> Iterator[Problem]:
    mode = task_definition[name]
    if mode.text() == "host" and not task_definition.for_fargate:  # Fargate has no host: TD-03, TD-10, TD-13
        yield mode.problem("a namespace of the task's own", f"change or remove {name}")
