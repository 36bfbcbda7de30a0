"""Volumes of tasks and where containers mount them."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.iam import trusted_services
from ecs_policy.model import Container, Role, Service, TaskDefinition
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import independently, quoted, readable

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_SOURCES = (
    "configureAtLaunch",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "hostPath",
    "s3filesVolumeConfiguration",
)
_GIB = {"io1": (4, 16_384), "io2": (4, 16_384), "sc1": (125, 16_384), "standard": (1, 1024), "st1": (125, 16_384)}
_OF_NO_THROUGHPUT = ("gp2", "io1", "io2", "sc1", "st1", "standard")
_NOT_ON_FARGATE = ("dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration", "hostPath")


_SAID_FARGATE_VOLUMES = Quote(
    "Fargate compatible task definitions do not support sourcePath",
    "https://github.com/cloudposse/terraform-aws-ecs-alb-service-task/issues/174",
)


@resource_rule(
    "TD-12 fargate-volumes",
    on=TaskDefinition,
    title="A volume comes from one source, and from one that its launch type has",
    why="Fargate has no host's disk, no Docker volumes and no FSx for Windows. Of a task's volumes one at most can be "
    "configured at launch.",
    level=Level.REJECTED,
    source=f"{_API}/API_Volume.html",
)
def fargate_volumes(task_definition: TaskDefinition) -> Iterator[Problem]:
    volumes = task_definition["volumes"].items()
    sources = [_one_source(volume) for volume in volumes]
    on_fargate = [_not_on_fargate(task_definition, volume, name) for volume in volumes for name in _NOT_ON_FARGATE]
    yield from independently([*sources, *on_fargate, _one_at_launch(volumes)])


def _one_source(volume: Value) -> Iterator[Problem]:
    found, doubt = readable(_SOURCES, lambda name: name if volume[name].filled else "")
    names = [name for name in found if name]
    if len(names) > 1:
        yield Problem(
            volume.resource.urn,
            volume.location,
            f"{volume.resource.label} {volume.location}: got {' and '.join(names)}, expected one of them; "
            "keep one, and make a volume of its own of each other",
        )
    elif doubt is not None:
        raise doubt


def _not_on_fargate(task_definition: TaskDefinition, volume: Value, name: str) -> Iterator[Problem]:
    if volume[name].filled and task_definition.for_fargate:
        yield volume[name].problem(
            "nothing on Fargate",
            "use the task's ephemeral storage, EFS or a volume at launch",
            quote=_SAID_FARGATE_VOLUMES if name == "hostPath" else None,
        )


def _one_at_launch(volumes: list[Value]) -> Iterator[Problem]:
    flags, doubt = readable(volumes, lambda each: each["configureAtLaunch"] if _at_launch(each) else None)
    for place in [each for each in flags if each is not None][1:]:
        yield place.problem("one volume of the task at most", "configure the others here, or remove them")
    if doubt is not None:
        raise doubt


def _at_launch(volume: Value) -> bool:
    return volume["configureAtLaunch"].flag() is True


_SAID_MOUNT_VOLUME_EXISTS = Quote(
    "Unknown volume",
    "https://github.com/ansible/ansible/issues/35751",
)


@resource_rule(
    "TD-31 mount-volume-exists",
    on=Container,
    title="What a container mounts is there",
    why="A mount point names a volume of the task, volumesFrom another container of it.",
    level=Level.REJECTED,
    source=f"{_API}/API_MountPoint.html",
)
def mount_volume_exists(container: Container) -> Iterator[Problem]:
    yield from independently([_mounted(container), _mounted_from(container)])


def _mounted(container: Container) -> Iterator[Problem]:
    yield from independently(
        _volume_exists(container, each["sourceVolume"]) for each in container["mountPoints"].items()
    )


def _volume_exists(container: Container, name: Value) -> Iterator[Problem]:
    names, doubt = readable(container.task_definition["volumes"].items(), lambda each: each["name"].text() or "")
    if name.text() in names:
        return
    if doubt is not None:
        raise doubt
    yield name.problem(
        f"a volume of the task, which has {quoted(names)}",
        "change sourceVolume, or add the volume",
        quote=_SAID_MOUNT_VOLUME_EXISTS,
    )


def _mounted_from(container: Container) -> Iterator[Problem]:
    yield from independently(
        _container_exists(container, each["sourceContainer"]) for each in container["volumesFrom"].items()
    )


def _container_exists(container: Container, name: Value) -> Iterator[Problem]:
    if container.sibling(name) is None:
        yield name.problem(
            f"another container of the task ({quoted(container.sibling_names)})", "change sourceContainer"
        )


@resource_rule(
    "TD-41 efs-transit",
    on=TaskDefinition,
    each="volumes",
    title="EFS volumes are encrypted in transit",
    why="Without it files cross the network as plain text.",
    level=Level.PRACTICE,
    severity=Severity.HIGH,
    source=f"{_API}/API_EFSVolumeConfiguration.html",
    frameworks=("Security Hub ECS.18", "Checkov CKV_AWS_97"),
)
def efs_transit(volume: Value) -> Iterator[Problem]:
    efs = volume["efsVolumeConfiguration"]
    encryption = efs["transitEncryption"]
    if efs.given and encryption.text() != "ENABLED" and not any(_encrypted(efs, efs["authorizationConfig"])):
        yield encryption.problem('"ENABLED"', "set transitEncryption")


@resource_rule(
    "VO-01 efs-access-point",
    on=TaskDefinition,
    each="volumes",
    title="An EFS volume with an access point leaves the root directory to it, and is encrypted in transit",
    why="The access point has a root directory of its own. It and IAM authorization need encryption in transit.",
    level=Level.REJECTED,
    source=f"{_API}/API_EFSVolumeConfiguration.html",
)
def efs_access_point(volume: Value) -> Iterator[Problem]:
    efs = volume["efsVolumeConfiguration"]
    if efs.given:
        authorization = efs["authorizationConfig"]
        yield from independently((_no_other_root(efs, authorization), _encrypted(efs, authorization)))


def _no_other_root(efs: Value, authorization: Value) -> Iterator[Problem]:
    root = efs["rootDirectory"]
    if authorization["accessPointId"].given and root.text() not in (None, "", "/"):
        yield root.problem('nothing, or "/", with an access point', "remove it, or set it on the access point")


def _encrypted(efs: Value, authorization: Value) -> Iterator[Problem]:
    encryption = efs["transitEncryption"]
    if encryption.text() != "ENABLED":
        if authorization["accessPointId"].given:
            yield encryption.problem('"ENABLED" with an access point', "set transitEncryption")
        elif authorization["iam"].text() == "ENABLED":
            yield encryption.problem('"ENABLED" with IAM authorization', "set transitEncryption")


@stack_rule(
    "VO-02 volume-at-launch",
    on=Service,
    title="A service configures exactly the volume that its task definition leaves to the launch",
    why="A volume without configuration does not exist, and one that the task definition configures cannot be again.",
    level=Level.REJECTED,
    source=f"{_API}/API_ServiceVolumeConfiguration.html",
)
def volume_at_launch(service: Service) -> Iterator[Problem]:
    configured = service["volumeConfiguration"]
    if not configured.given and not service["taskDefinition"].given:
        return
    task_definition = service.task_definition
    if task_definition is None:
        return
    name = configured["name"]
    volumes = task_definition["volumes"].items()
    left = [each for each in volumes if _at_launch(each)]
    for volume in left:
        if not configured.given:
            yield configured.problem(
                f"one for volume {volume['name'].shown()}, which {task_definition.label} leaves to the launch",
                "set volumeConfiguration with this name",
            )
    if configured.given and name.text() not in [each["name"].text() for each in left]:
        known = name.text() in [each["name"].text() for each in volumes]
        yield name.problem(
            f"a volume that {task_definition.label} leaves to the launch, which are "
            f"{quoted(each['name'].text() for each in left)}",
            "set configureAtLaunch of this volume to true" if known else "change the name, or add the volume there",
        )


@stack_rule(
    "VO-03 volume-role",
    on=Service,
    title="ECS may take on the role with which it makes a service's volumes, and size and speed are of their type",
    why="The role makes and attaches a volume for each task; without one no task starts. A volume has a size of its "
    "own, or that of its snapshot, and EC2 makes none whose size or speed its type does not have.",
    level=Level.FAILS,
    source=f"{_API}/API_ServiceManagedEBSVolumeConfiguration.html",
)
def volume_role(service: Service) -> Iterator[Problem]:
    disk = service["volumeConfiguration"]["managedEbsVolume"]
    if not disk.given:
        return
    yield from independently((_has_size(disk), _of_its_type(disk), _for_ecs(disk["roleArn"])))


def _has_size(disk: Value) -> Iterator[Problem]:
    if not disk["sizeInGb"].given and not disk["snapshotId"].given:
        yield disk["sizeInGb"].problem("a size without snapshotId", "set sizeInGb or snapshotId")


def _of_its_type(disk: Value) -> Iterator[Problem]:
    kind, iops, throughput = disk["volumeType"].text(), disk["iops"], disk["throughput"]
    if kind in ("io1", "io2") and not iops.given:
        yield iops.problem(f"a number with volumeType {kind}", "set iops")
    if kind in ("sc1", "st1", "standard") and iops.given:
        yield iops.problem(f"nothing with volumeType {kind}", "remove iops")
    if kind in _OF_NO_THROUGHPUT and throughput.given:
        yield throughput.problem(f"nothing with volumeType {kind}, only gp3 has it", "remove throughput")
    least, most = _GIB.get(kind or "", (1, 16_384))
    size = disk["sizeInGb"].number()
    if size is not None and size > 0 and not least <= size <= most:
        yield disk["sizeInGb"].problem(f"{least} to {most} with volumeType {kind or 'gp2'}", "change sizeInGb")


def _for_ecs(place: Value) -> Iterator[Problem]:
    role = place.one(Role) if place.given else None
    if role is not None and "ecs.amazonaws.com" not in trusted_services(role)[0]:
        yield place.problem(
            f"a role that ecs.amazonaws.com may assume, which {role.label} does not let it",
            "allow that service sts:AssumeRole",
        )
