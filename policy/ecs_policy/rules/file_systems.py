"""The way from tasks to the EFS file systems that they mount."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import AccessPoint, FileSystem, MountTarget, Service, Subnet, Vpc
from ecs_policy.network import apart
from ecs_policy.reach import Side, addresses_of, cidrs_of, groups_of, hosts_of, opens, sides
from ecs_policy.rule import Level, Problem, Severity, Value, stack_rule
from ecs_policy.values import NotEvaluated, independently, quoted

_NFS = (2049, 2049)


@stack_rule(
    "FS-01 reaches-files",
    on=Service,
    title="Tasks reach the file systems that they mount: a mount target in their zone, by NFS, under its DNS name",
    why="A task mounts before it starts, and stops when that fails. It finds the mount target of its own zone by the "
    "VPC's DNS, and talks to it on TCP port 2049, which both security groups must let through. An access "
    "point is of one file system.",
    beyond="File system policies, and network ACLs of the mount targets.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/efs/latest/ug/troubleshooting-efs-mounting.html",
)
def reaches_files(service: Service) -> Iterator[Problem]:
    task_definition = service.task_definition
    if task_definition is None:
        return
    checks = []
    for volume in task_definition["volumes"].items():
        efs = volume["efsVolumeConfiguration"]
        place, point = efs["fileSystemId"], efs["authorizationConfig"]["accessPointId"]
        if place.given:
            checks.append(_reaches(service, place))
        if place.given and point.given:
            checks.append(_point_of(place, point))
    yield from independently(checks)


def _reaches(service: Service, place: Value) -> Iterator[Problem]:
    task_definition = service.task_definition
    system = place.one(FileSystem)
    if system is None or task_definition is None:
        return
    relation = service.stack.relation(MountTarget, "fileSystemId", FileSystem)
    targets, doubt = relation.of(system), relation.doubt_about(system)
    if not targets:
        yield place.problem(
            f"a file system with mount targets, of which this stack gives {system.label} none",
            "add a MountTarget in each zone of the tasks",
        )
        return
    of_tasks = sides(service, task_definition)
    if task_definition.network_mode == "awsvpc" and "EC2" in service.launch_types:
        of_tasks = _those_that_can(of_tasks, service, targets)
    yield from independently(
        check
        for side in of_tasks
        for check in (_zones(side, place, targets, doubt), _named(side), *(_open(side, target) for target in targets))
    )


def _point_of(place: Value, point: Value) -> Iterator[Problem]:
    """The access point is one of the file system; of one of another stack nobody knows."""
    if not point.unknown and not point.resource.stack.known_as(point.text() or "", AccessPoint):
        return
    found = point.one(AccessPoint)
    home = found["fileSystemId"].one(FileSystem) if found is not None else None
    if home is not None and home is not place.one(FileSystem):
        yield point.problem(f"an access point of {place.shown()}, not of {home.label}", "change one of the two")


def _those_that_can(of_tasks: list[Side], service: Service, targets: list[MountTarget]) -> list[Side]:
    """On instances the mount may go out from the task's network interface or from the instance's."""
    hosts = hosts_of(service)
    if not any(list(independently(_open(side, target) for target in targets)) for side in hosts):
        return []
    return of_tasks


def _open(side: Side, target: MountTarget) -> Iterator[Problem]:
    theirs = target["securityGroups"]
    tasks, shares = groups_of(side.groups), groups_of(theirs)
    who = f"{target.label} (NFS)"
    yield from independently(
        (
            opens(theirs, shares, "ingress", _NFS, tasks, addresses_of(side.subnets), side.who),
            opens(side.groups, tasks, "egress", _NFS, shares, cidrs_of([target["subnetId"]]), who),
        )
    )


def _zones(side: Side, place: Value, targets: list[MountTarget], doubt: NotEvaluated | None) -> Iterator[Problem]:
    """In each subnet of the tasks there is a mount target of the same VPC and zone."""
    subnets, sure = side.subnets.resource.stack.possibly(side.subnets, Subnet)
    homes = [home for each in targets if (home := each["subnetId"].one(Subnet)) is not None]
    without = [each for each in subnets if each not in homes and not _same_place(each, homes)]
    if without:
        if not sure:
            side.subnets.require_known()
        if doubt is not None:
            raise doubt
        yield place.problem(
            f"a file system with a mount target in the zone of each subnet of the tasks, unlike "
            f"{quoted(each.name for each in without)}",
            "add a MountTarget in that zone, or choose other subnets",
        )


def _same_place(subnet: Subnet, homes: list[Subnet]) -> bool:
    doubt = None
    for home in homes:
        try:
            if not apart(home, subnet) and _zone(home) == _zone(subnet):
                return True
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if doubt is not None:
        raise doubt
    return False


def _zone(subnet: Subnet) -> str:
    for key in ("availabilityZone", "availabilityZoneId"):
        for place in (subnet[key], subnet.computed(key)):
            if place.given:
                return place.text() or ""
    raise subnet["availabilityZone"].not_evaluated("is absent: AWS chooses a zone")


def _named(side: Side) -> Iterator[Problem]:
    """The VPC resolves the DNS name of the file system."""
    vpcs: dict[str, Vpc] = {}
    for subnet in side.subnets.resource.stack.possibly(side.subnets, Subnet)[0]:
        vpc = subnet["vpcId"].one(Vpc)
        if vpc is not None and not vpc.type.startswith("aws:ec2/defaultVpc"):
            vpcs[vpc.urn] = vpc
    for vpc in vpcs.values():
        for key, default in (("enableDnsSupport", True), ("enableDnsHostnames", False)):
            flag = vpc[key].flag()
            if not (default if flag is None else flag):
                yield vpc[key].problem(f"true, since {side.who} mount a file system by its DNS name", f"set {key}")
