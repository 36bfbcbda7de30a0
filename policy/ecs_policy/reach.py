"""Who talks to whom: a service's tasks or their instances, and whether security groups let a connection through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ecs_policy.capacity import host_groups, launch_of, security_groups_of
from ecs_policy.model import SecurityGroup, Service, Subnet, TaskDefinition
from ecs_policy.network import permits
from ecs_policy.values import NotEvaluated, Problem, Value


class Side(NamedTuple):
    """One end of a connection: where the tasks of a service are on the network."""

    groups: Value
    subnets: Value
    who: str


def sides(service: Service, task_definition: TaskDefinition) -> list[Side]:
    """The tasks, or the instances in whose network they are."""
    if task_definition.network_mode == "awsvpc":
        network = service["networkConfiguration"]
        return [Side(network["securityGroups"], network["subnets"], f"the tasks of {service.label}")]
    return hosts_of(service)


def hosts_of(service: Service) -> list[Side]:
    """The instances that the tasks are on. Raises when they are not in the stack."""
    hosts = host_groups(service)
    if not hosts:
        raise service["launchType"].not_evaluated("runs on instances that are not in this stack")
    return [
        Side(security_groups_of(launch_of(each)), each["vpcZoneIdentifiers"], f"the instances of {each.label}")
        for each in hosts
    ]


def opens(
    place: Value,
    groups: list[SecurityGroup],
    direction: str,
    ports: tuple[int, int],
    peers: list[SecurityGroup],
    addresses: list[Value],
    who: str,
) -> Iterator[Problem]:
    """A problem at `place` unless one of the groups lets TCP on both ports in from, or out to, the peers."""
    if all(permits(groups, direction, port, peers, addresses) for port in dict.fromkeys(ports)):
        return
    first, last = ports
    which = f"port {first}" if first == last else f"every dynamic host port ({first} to {last} at least)"
    way = f"in on {which} from {who}" if direction == "ingress" else f"out on {which} to {who}"
    yield place.problem(
        f"a group that lets TCP {way}{f' ({labels(peers)})' if peers else ''}, which {labels(groups)} does not",
        f"add an {direction} rule for {'that port' if first == last else 'those ports'} and group",
    )


def groups_of(value: Value) -> list[SecurityGroup]:
    """The security groups that a list names. Raises where it names none: those of the VPC's default group apply."""
    if not value.unknown and not value.filled:
        raise value.not_evaluated("is absent: the VPC's default security group applies")
    return value.many(SecurityGroup)


def labels(groups: list[SecurityGroup]) -> str:
    return ", ".join(each.label for each in groups)


def addresses_of(subnets: Value) -> list[Value]:
    """Where the members are; empty when that cannot be told."""
    try:
        return [each["cidrBlock"] for each in subnets.many(Subnet)]
    except NotEvaluated:
        return []


def cidrs_of(references: list[Value]) -> list[Value]:
    """The address ranges of subnets, each referred to by itself; empty when that cannot be told."""
    try:
        return [subnet["cidrBlock"] for each in references if (subnet := each.one(Subnet)) is not None]
    except NotEvaluated:
        return []
