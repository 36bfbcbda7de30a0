"""What EC2 has and Fargate has not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecs_policy.fargate import ADDABLE_CAPABILITIES
from ecs_policy.model import Container, TaskDefinition
from ecs_policy.rule import Level, Problem, Quote, Value, resource_rule
from ecs_policy.values import independently, quoted

_DIFFERENCES = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"
_FORBIDDEN = ("dockerSecurityOptions", "privileged")
_FORBIDDEN_ON_LINUX = ("maxSwap", "swappiness")


_SAID_FARGATE_FORBIDDEN_PARAMS = Quote(
    "Tasks using the Fargate launch type do not support ipcMode.",
    "https://github.com/cn-terraform/terraform-aws-ecs-fargate/issues/2",
)


@resource_rule(
    "TD-10 fargate-forbidden-params",
    on=TaskDefinition,
    title="A task definition for Fargate asks for nothing of the host",
    why="There is no host to share or to rule over. (Names and links: TD-08, TD-09; placement: PL-02.)",
    level=Level.REJECTED,
    source=_DIFFERENCES,
)
def fargate_forbidden_params(task_definition: TaskDefinition) -> Iterator[Problem]:
    if task_definition.for_fargate:
        yield from independently([_no_ipc(task_definition["ipcMode"]), _forbidden_in_containers(task_definition)])


def _no_ipc(mode: Value) -> Iterator[Problem]:
    if mode.filled:
        yield mode.problem(
            "nothing on Fargate", "remove ipcMode, or run the task on EC2", quote=_SAID_FARGATE_FORBIDDEN_PARAMS
        )


def _forbidden_in_containers(task_definition: TaskDefinition) -> Iterator[Problem]:
    yield from independently(_forbidden(container) for container in task_definition.containers)


def _forbidden(container: Container) -> Iterator[Problem]:
    yield from independently(
        [
            *map(_none, container.fields(_FORBIDDEN)),
            _none_of(container["linuxParameters"], _FORBIDDEN_ON_LINUX),
            _no_gpu(container["resourceRequirements"]),
        ]
    )


def _no_gpu(requirements: Value) -> Iterator[Problem]:
    for each in requirements.items():
        if each["type"].text() == "GPU":
            yield each["type"].problem("no GPU on Fargate", "remove it, or run the task on EC2")


@resource_rule(
    "TD-11 fargate-linuxparams",
    on=Container,
    title="A container on Fargate has no devices, no shared memory of its own and no capability but SYS_PTRACE",
    why="Of the Linux parameters Fargate supports these not.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinuxParameters.html",
)
def fargate_linuxparams(container: Container) -> Iterator[Problem]:
    linux = container["linuxParameters"]
    if linux.given and container.task_definition.for_fargate:
        yield from independently([_none_of(linux, ("devices", "sharedMemorySize")), _added(linux)])


def _added(linux: Value) -> Iterator[Problem]:
    for each in linux["capabilities"]["add"].items():
        if each.text() not in ADDABLE_CAPABILITIES:
            yield each.problem(f"nothing but {quoted(ADDABLE_CAPABILITIES)} on Fargate", "remove the capability")


_SAID_FARGATE_PID = Quote(
    "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.",
    "https://github.com/aws/aws-cdk/issues/29619",
)


@resource_rule(
    "TD-13 fargate-pid",
    on=TaskDefinition,
    title="A task on Fargate sees its own processes at most",
    why="pidMode task lets its containers see each other's; a host's processes are not there to be seen.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    frameworks=("Security Hub ECS.3", "Control Tower CT.ECS.PR.10"),
)
def fargate_pid(task_definition: TaskDefinition) -> Iterator[Problem]:
    mode = task_definition["pidMode"]
    if mode.filled and task_definition.for_fargate and mode.text() != "task":
        quote = _SAID_FARGATE_PID if mode.text() == "host" else None
        yield mode.problem('"task", or nothing, on Fargate', "change or remove pidMode", quote=quote)


def _none(place: Value) -> Iterator[Problem]:
    if place.filled:
        yield place.problem("nothing on Fargate", f"remove {place.path[-1]}, or run the task on EC2")


def _none_of(owner: Value, names: Iterable[str]) -> Iterator[Problem]:
    yield from independently(map(_none, owner.fields(names)))
