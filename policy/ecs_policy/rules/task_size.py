"""CPU, memory and storage of tasks."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.fargate import EPHEMERAL_STORAGE_GIB, parse_cpu, parse_memory, task_size_problem
from ecs_policy.model import Container, TaskDefinition
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, resource_rule
from ecs_policy.values import independently, quoted, readable

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_REGISTER = f"{_API}/API_RegisterTaskDefinition.html"
_CONTAINER = f"{_API}/API_ContainerDefinition.html"
_EC2_CPU_UNITS = (128, 196_608)
_LEAST_MEMORY_MIB = 6


_SAID_FARGATE_CPU_MEM = Quote(
    "No Fargate configuration exists for given values.",
    "https://github.com/aws/amazon-ecs-cli/issues/463",
)


@resource_rule(
    "TD-01 fargate-cpu-mem",
    on=TaskDefinition,
    title="A task definition for Fargate has a size that Fargate offers",
    why="Fargate offers certain pairs of CPU and memory only, also when EC2 is declared beside it.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html",
)
def fargate_cpu_mem(task_definition: TaskDefinition) -> Iterator[Problem]:
    if not task_definition.for_fargate:
        return
    cpu, memory = task_definition["cpu"], task_definition["memory"]
    sizes = (None if each.unknown else each.text() for each in (cpu, memory))
    for line in (task_size_problem(*sizes, windows=task_definition.for_windows) or "").splitlines():
        place = cpu if line.startswith("cpu") else memory
        if not place.unknown:
            # AWS looks for the pair: it says so only where both are there.
            quote = _SAID_FARGATE_CPU_MEM if place is memory and memory.given else None
            yield Problem(task_definition.urn, place.location, f"{task_definition.label} {line}", quote)
    cpu.require_known()
    memory.require_known()


_SAID_EC2_TASK_CPU_RANGE = Quote(
    "Invalid 'cpu' setting for task.",
    "https://github.com/hashicorp/waypoint/issues/574",
)


@resource_rule(
    "TD-02 ec2-task-cpu-range",
    on=TaskDefinition,
    title="CPU and memory of a task on EC2 are amounts that ECS can read, and the CPU is in range",
    why="Outside of Fargate any amount will do, from an eighth of a CPU to 192.",
    level=Level.REJECTED,
    source=_REGISTER,
)
def ec2_task_cpu_range(task_definition: TaskDefinition) -> Iterator[Problem]:
    if not task_definition.for_fargate:
        yield from independently([_cpu(task_definition["cpu"]), _memory(task_definition["memory"])])


def _memory(memory: Value) -> Iterator[Problem]:
    if memory.filled and parse_memory(memory.text()) is None:
        yield memory.problem('MiB as a number, or GB as "2 GB"', "change or remove memory")


def _cpu(cpu: Value) -> Iterator[Problem]:
    if not cpu.filled:
        return
    units = parse_cpu(cpu.text())
    least, greatest = _EC2_CPU_UNITS
    if units is None or not least <= units <= greatest:
        yield cpu.problem(
            f"{least} to {greatest} CPU units, as a number or in vCPU",
            "change or remove cpu",
            quote=_SAID_EC2_TASK_CPU_RANGE,
        )


@resource_rule(
    "TD-14 ephemeral-storage",
    on=TaskDefinition,
    title="Ephemeral storage is 21 to 200 GiB, and for Fargate",
    why="20 GiB are there without asking. On EC2 the instance's own volume is what there is.",
    level=Level.REJECTED,
    source=f"{_API}/API_EphemeralStorage.html",
)
def ephemeral_storage(task_definition: TaskDefinition) -> Iterator[Problem]:
    if task_definition["ephemeralStorage"].given:
        yield from independently([_storage_size(task_definition), _storage_elsewhere(task_definition)])


def _storage_size(task_definition: TaskDefinition) -> Iterator[Problem]:
    size = task_definition["ephemeralStorage"]["sizeInGib"]
    least, greatest = EPHEMERAL_STORAGE_GIB
    gib = size.number()
    if gib is None or not least <= gib <= greatest:
        yield size.problem(f"{least} to {greatest} GiB", "change sizeInGib, or remove ephemeralStorage for 20 GiB")


def _storage_elsewhere(task_definition: TaskDefinition) -> Iterator[Problem]:
    compatibilities = task_definition["requiresCompatibilities"]
    if compatibilities.items() and not task_definition.for_fargate:
        yield task_definition["ephemeralStorage"].problem(
            f"nothing with {quoted(compatibilities.texts())} in requiresCompatibilities", "remove ephemeralStorage"
        )


_SAID_EC2_MEMORY = Quote(
    "At least one of 'memory' or 'memoryReservation' must be specified.",
    "https://github.com/aws/aws-cli/issues/4453",
)


@resource_rule(
    "TD-20 ec2-memory",
    on=Container,
    title="On EC2 a task or each of its containers says how much memory it needs",
    why="ECS places a task by its memory. (On Fargate the task always has a size.)",
    level=Level.REJECTED,
    source=_CONTAINER,
)
def ec2_memory(container: Container) -> Iterator[Problem]:
    task_definition = container.task_definition
    if task_definition["memory"].given or task_definition.for_fargate:
        return
    if not container["memory"].number() and not container["memoryReservation"].number():
        yield container["memory"].problem(
            "a size in MiB here, as memoryReservation or as the task's memory",
            "set one of them",
            quote=_SAID_EC2_MEMORY,
        )


@resource_rule(
    "TD-21 memory-gt-reservation",
    on=Container,
    title="A container's memory limit is not below its reservation, nor below what Docker needs",
    why=f"A container cannot reserve more than it may use, and Docker needs {_LEAST_MEMORY_MIB} MiB for any container.",
    level=Level.REJECTED,
    source=_CONTAINER,
)
def memory_gt_reservation(container: Container) -> Iterator[Problem]:
    # The API reference says "greater than". Equal values pass: nobody has shown AWS refusing them.
    limit, reservation = container["memory"], container["memoryReservation"]
    yield from independently([_least_memory(limit), _least_memory(reservation), _limit(limit, reservation)])


def _least_memory(amount: Value) -> Iterator[Problem]:
    mib = amount.number()
    if mib and mib < _LEAST_MEMORY_MIB:
        yield amount.problem(f"{_LEAST_MEMORY_MIB} MiB or more", "raise it")


def _limit(limit: Value, reservation: Value) -> Iterator[Problem]:
    if (limit.number() or 0) < (reservation.number() or 0) and limit.number():
        yield limit.problem(f"at least the memoryReservation, {reservation.shown()}", "raise memory, or reserve less")


_SAID_SUM_CPU = Quote(
    "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    "https://github.com/klothoplatform/klotho/issues/892",
)


@resource_rule(
    "TD-22 sum-cpu",
    on=TaskDefinition,
    title="The containers of a task share its CPU and need no more",
    why="What containers reserve comes out of what the task has.",
    level=Level.REJECTED,
    source=_CONTAINER,
)
def sum_cpu(task_definition: TaskDefinition) -> Iterator[Problem]:
    cpu = task_definition["cpu"]
    units = parse_cpu(cpu.text())
    if units is None:
        return
    amounts, doubt = readable(task_definition.containers, lambda each: each["cpu"].number() or 0)
    if sum(amounts) > units:
        yield cpu.problem(
            f"at least {sum(amounts)}, the sum of its containers' cpu",
            "raise the task's cpu, or lower the containers'",
            quote=_SAID_SUM_CPU,
        )
    elif doubt is not None:
        raise doubt


_SAID_SUM_MEM = Quote(
    "is greater than for the task.",
    "https://github.com/pulumi/pulumi-awsx/issues/1220",
)


@resource_rule(
    "TD-23 sum-mem",
    on=TaskDefinition,
    title="The containers of a task share its memory and need no more",
    why="No container can have more memory than its task, and all reservations together must fit.",
    level=Level.REJECTED,
    source=_CONTAINER,
)
def sum_mem(task_definition: TaskDefinition) -> Iterator[Problem]:
    memory = task_definition["memory"]
    mib = parse_memory(memory.text())
    if mib is None:
        return
    limits, no_limits = readable(task_definition.containers, lambda each: (each["memory"], each["memory"].number()))
    too_large = [place for place, limit in limits if limit is not None and limit > mib]
    for place in too_large:
        yield place.problem(
            f"at most {mib}, the task's memory", "lower it, or raise the task's memory", quote=_SAID_SUM_MEM
        )
    reserved, no_reserved = readable(task_definition.containers, _reserved)
    if sum(reserved) > mib and not too_large:
        yield memory.problem(
            f"at least {sum(reserved)}, the sum of what its containers reserve (memoryReservation, else memory)",
            "raise the task's memory, or lower the containers'",
        )
    doubt = no_limits or no_reserved
    if doubt is not None:
        raise doubt


def _reserved(container: Container) -> float:
    reservation = container["memoryReservation"].number()
    return (reservation if reservation is not None else container["memory"].number()) or 0


@resource_rule(
    "TD-42 memory-limit",
    on=TaskDefinition,
    title="No container can take the memory of the others",
    why="A container without a limit can use up its instance's memory, or in a task that has a size the memory of its "
    "neighbours. The kernel then kills any of them.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_CONTAINER,
    frameworks=("Control Tower CT.ECS.PR.7",),
)
def memory_limit(task_definition: TaskDefinition) -> Iterator[Problem]:
    containers = task_definition.containers
    if len(containers) == 1 and task_definition["memory"].given:
        return  # the task's limit is the container's
    yield from independently(_has_limit(container) for container in containers)


def _has_limit(container: Container) -> Iterator[Problem]:
    if not container["memory"].given:
        yield container["memory"].problem("a limit in MiB", "set the container's memory")
