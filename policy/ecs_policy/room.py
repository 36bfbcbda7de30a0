"""What a task needs of an instance, and what instances have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ecs_policy.capacity import Launch, host_groups, launch_of, user_data
from ecs_policy.cluster_query import Query, QueryError, evaluate, parse
from ecs_policy.fargate import parse_cpu, parse_memory
from ecs_policy.instance_types import InstanceType, instance_type
from ecs_policy.model import AutoScalingGroup, CapacityProvider, Container, Service, TaskDefinition
from ecs_policy.values import NotEvaluated, Value

_RESERVED = re.compile(r"ECS_RESERVED_MEMORY[\"']?\s*[=:]\s*[\"']?([0-9]{1,7})")


class Need(NamedTuple):
    """What a task asks of its instance."""

    cpu_units: float
    memory_mib: float
    gpus: int
    cpu_architecture: str
    """Empty when the task definition does not say."""
    constraints: list[Query]


def need_of(service: Service, task_definition: TaskDefinition) -> Need:
    """Raises where it cannot be told."""
    containers = task_definition.containers
    cpu, memory = parse_cpu(task_definition["cpu"].text()), parse_memory(task_definition["memory"].text())
    return Need(
        cpu_units=cpu if cpu is not None else sum(each["cpu"].number() or 0 for each in containers),
        memory_mib=memory if memory is not None else sum(_memory(each) for each in containers),
        gpus=sum(_gpus(each) for each in containers),
        cpu_architecture=task_definition["runtimePlatform"]["cpuArchitecture"].text() or "",
        constraints=[
            query
            for owner in (service, task_definition)
            for each in owner["placementConstraints"].items()
            if (query := _query(each)) is not None
        ],
    )


def _memory(container: Container) -> float:
    reservation = container["memoryReservation"].number()
    return (reservation if reservation is not None else container["memory"].number()) or 0


def _gpus(container: Container) -> int:
    total = 0
    for each in container["resourceRequirements"].items():
        if each["type"].text() == "GPU":
            number = each["value"].text() or "0"
            total += int(number) if number.isdecimal() else 1  # ALL
    return total


def _query(constraint: Value) -> Query | None:
    if constraint["type"].text() != "memberOf":
        return None
    try:
        return parse(constraint["expression"].text() or "")
    except QueryError:
        return None  # PL-11 and others


class Host(NamedTuple):
    """One kind of instance that a task may be placed on."""

    place: Value
    """What says so."""
    name: str
    kind: InstanceType | None
    """None when the table does not have it."""
    reserved_memory_mib: int
    doubt: NotEvaluated | None = None
    """Why the agent may reserve more."""


def hosts(service: Service) -> list[Host]:
    """All kinds of instances of the service. Raises where they are not in the stack."""
    groups = host_groups(service)
    if not groups:
        raise service["launchType"].not_evaluated("runs on instances that are not in this stack")
    return [host for group in groups for host in _of_group(group)]


def _of_group(group: AutoScalingGroup) -> Iterator[Host]:
    launch = launch_of(group)
    reserved, doubt = _reserved(launch)
    overrides = group["mixedInstancesPolicy"]["launchTemplate"]["overrides"].items()
    named = [each["instanceType"] for each in overrides if each["instanceType"].given]
    for each in (*overrides, launch):
        if each["instanceRequirements"].given:
            raise each["instanceRequirements"].not_evaluated("lets EC2 choose among types")
    for place in named or [launch["instanceType"]]:
        name = place.text()
        if name is None:
            raise place.not_evaluated("is absent: what type the instances are cannot be told")
        yield Host(place, name, instance_type(name), reserved, doubt)


def _reserved(launch: Launch) -> tuple[int, NotEvaluated | None]:
    try:
        found = _RESERVED.search(user_data(launch)[1])
    except NotEvaluated as outcome:
        return 0, outcome
    return int(found[1]) if found else 0, None


def lacks(host: Host, need: Need) -> str:
    """What an instance has too little of, in words; empty when it can hold the task. Raises where that is not known."""
    kind = host.kind
    if kind is None:
        raise host.place.not_evaluated("is a type that this pack's table does not have")
    if need.cpu_units > kind.cpu_units:
        return f"{kind.cpu_units} CPU units, the task needs {need.cpu_units}"
    if need.memory_mib >= kind.installed_memory_mib - host.reserved_memory_mib:
        less = f" less {host.reserved_memory_mib} that the agent reserves" if host.reserved_memory_mib else ""
        return (
            f"{kind.installed_memory_mib} MiB{less}, of which the kernel keeps a part; the task needs {need.memory_mib}"
        )
    if need.gpus > kind.gpus:
        return f"{kind.gpus or 'no'} GPUs, the task needs {need.gpus}"
    if need.cpu_architecture and need.cpu_architecture != kind.cpu_architecture:
        return f"processors of {kind.cpu_architecture}, the task needs {need.cpu_architecture}"
    attributes = {
        "attribute:ecs.instance-type": host.name,
        "attribute:ecs.cpu-architecture": "arm64" if kind.cpu_architecture == "ARM64" else "x86_64",
    }
    for query in need.constraints:
        if evaluate(query, attributes) is False:
            return "a type that a memberOf constraint of the task excludes"
    if need.memory_mib > kind.surely_free_memory_mib - host.reserved_memory_mib:
        raise host.place.not_evaluated(
            f"has {kind.installed_memory_mib} MiB: whether the kernel leaves {need.memory_mib} depends on the AMI"
        )
    if host.doubt is not None:
        raise host.doubt
    return ""


def lacks_managed(provider: CapacityProvider, need: Need) -> str:
    """What the instances that a provider of ECS may start have too little of; empty where one may hold the task."""
    wanted = provider["managedInstancesProvider"]["instanceLaunchTemplate"]["instanceRequirements"]
    cores, memory = wanted["vcpuCount"]["max"].number(), wanted["memoryMib"]["max"].number()
    if cores is not None and need.cpu_units > cores * 1024:
        return f"{cores} vCPUs at most, the task needs {need.cpu_units} CPU units"
    if memory is not None and need.memory_mib >= memory:
        return f"{memory} MiB at most, of which the system keeps a part; the task needs {need.memory_mib}"
    gpus = wanted["acceleratorCount"]["max"].number()
    if gpus is not None and need.gpus > gpus:
        return f"{gpus} accelerators at most, the task needs {need.gpus} GPUs"
    told = ""
    for place in wanted["allowedInstanceTypes"].items():
        name = place.text() or ""
        if "*" in name:
            return ""
        told = lacks(Host(place, name, instance_type(name), 0), need)
        if not told:
            return ""
        told = f"{name}, which has {told}"
    return told
