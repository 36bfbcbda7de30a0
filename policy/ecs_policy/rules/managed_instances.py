"""ECS Managed Instances: capacity providers that start instances themselves, and what runs on them."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.iam import Grant, grants, trusted_services
from ecs_policy.model import (
    CapacityProvider,
    ClusterCapacityProviders,
    InstanceProfile,
    Role,
    Service,
    TaskDefinition,
)
from ecs_policy.rule import Enforcement, Level, Problem, Value, resource_rule, stack_rule
from ecs_policy.values import independently, quoted

_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_DIFFERENCES = f"{_GUIDE}/managed-instances-tasks-services.html"
_FARGATE = ("FARGATE", "FARGATE_SPOT")
_STARTS = tuple(Grant(f"ec2:{each}", "arn:*:ec2:*:*:*", "instances") for each in ("CreateFleet", "RunInstances"))
_HANDED_ON = "ecsInstanceRole"
_MODES = ("awsvpc", "host", "none")
"""`none` by https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ManagedInstancesNetworkConfiguration.html"""
_NOT_IN_TASKS = ("ephemeralStorage", "inferenceAccelerators", "ipcMode", "proxyConfiguration")
_NOT_IN_CONTAINERS = (
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerSecurityOptions",
    "extraHosts",
    "hostname",
    "links",
)
_NOT_IN_LINUX = ("maxSwap", "sharedMemorySize", "swappiness")
"""Not tmpfs, which they have since January 2026, whatever the page of differences says.
https://github.com/aws/containers-roadmap/issues/736"""
_NOT_IN_VOLUMES = ("dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration")


@resource_rule(
    "MI-01 provider-of-one-kind",
    on=CapacityProvider,
    title="A capacity provider has one kind of capacity, and names a cluster exactly if ECS manages its instances",
    why="A managed instances provider belongs to the cluster that it names, from its creation on. One with an Auto "
    "Scaling group belongs to none: clusters are associated with it.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCapacityProvider.html",
)
def provider_of_one_kind(provider: CapacityProvider) -> Iterator[Problem]:
    group, managed, cluster = (
        provider[key] for key in ("autoScalingGroupProvider", "managedInstancesProvider", "cluster")
    )
    if group.given and managed.given:
        yield managed.problem("nothing beside autoScalingGroupProvider", "keep one of the two")
    elif managed.given and not cluster.given:
        yield cluster.problem("the name of the cluster with managedInstancesProvider", "set cluster")
    elif group.given and cluster.given:
        yield cluster.problem(
            "nothing with autoScalingGroupProvider", "remove it, and add the provider to ClusterCapacityProviders"
        )


@stack_rule(
    "MI-02 not-associated",
    on=ClusterCapacityProviders,
    each="capacityProviders",
    title="No managed instances provider is associated with a cluster: it is of one already",
    why="PutClusterCapacityProviders takes Fargate's providers and those with an Auto Scaling group only.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html",
)
def not_associated(item: Value) -> Iterator[Problem]:
    if not item.unknown and item.text() in _FARGATE:
        return
    provider = item.one(CapacityProvider)
    if provider is not None and provider.managed:
        yield item.problem(
            f"no managed instances provider, which {provider.label} is",
            "remove it here: services of its cluster may use it without",
        )


@stack_rule(
    "MI-03 managed-task",
    on=(TaskDefinition, Service),
    title="What runs on managed instances asks for nothing that they do not have",
    why="They run Linux, in network modes awsvpc, host and none, without Docker's own networks, volumes and swap. A "
    "service cannot have one task on each of them: that is what ECS managed daemons are for.",
    level=Level.REJECTED,
    source=_DIFFERENCES,
)
def managed_task(owner: TaskDefinition | Service) -> Iterator[Problem]:
    if isinstance(owner, Service):
        strategy = owner["schedulingStrategy"]
        if strategy.text() == "DAEMON" and "MANAGED_INSTANCES" in owner.launch_types:
            yield strategy.problem(
                '"REPLICA" on managed instances', "remove schedulingStrategy, or make an ECS managed daemon"
            )
        return
    if "MANAGED_INSTANCES" not in owner["requiresCompatibilities"].texts():
        return
    mode, system = owner["networkMode"], owner["runtimePlatform"]["operatingSystemFamily"]
    yield from independently(
        (
            _one_of(mode, _MODES),
            _one_of(system, ("LINUX",)),
            _none_of([owner[key] for key in _NOT_IN_TASKS]),
            _in_volumes(owner),
            _in_containers(owner),
        )
    )


def _one_of(place: Value, allowed: tuple[str, ...]) -> Iterator[Problem]:
    if place.filled and place.text() not in allowed:
        yield place.problem(f"one of {quoted(allowed)} on managed instances", f"change {place.location}")


def _none_of(places: list[Value]) -> Iterator[Problem]:
    for place in places:
        if place.filled:
            yield place.problem("nothing on managed instances", f"remove {place.location}")


def _in_volumes(task_definition: TaskDefinition) -> Iterator[Problem]:
    for volume in task_definition["volumes"].items():
        yield from _none_of(volume.fields(_NOT_IN_VOLUMES))


def _in_containers(task_definition: TaskDefinition) -> Iterator[Problem]:
    for container in task_definition.containers:
        yield from _none_of(container.fields(_NOT_IN_CONTAINERS))
        yield from _none_of(container["linuxParameters"].fields(_NOT_IN_LINUX))


@stack_rule(
    "MI-04 infrastructure-role",
    on=CapacityProvider,
    title="ECS may take on the infrastructure role of a managed instances provider, and start instances with it",
    why="With a role that it may not assume, or that may start none, there are no instances.",
    level=Level.FAILS,
    source=f"{_GUIDE}/infrastructure_IAM_role.html",
)
def infrastructure_role(provider: CapacityProvider) -> Iterator[Problem]:
    place = provider["managedInstancesProvider"]["infrastructureRoleArn"]
    role = place.one(Role) if place.given else None
    if role is not None and "ecs.amazonaws.com" not in trusted_services(role)[0]:
        yield place.problem(
            f"a role that ecs.amazonaws.com may assume, which {role.label} does not let it",
            "allow that service sts:AssumeRole in the role's assumeRolePolicy",
        )
    elif role is not None and not any(grants(role, each) for each in _STARTS):
        yield place.problem(
            f"a role that may start instances, by ec2:CreateFleet, which {role.label} may not",
            "attach AmazonECSInfrastructureRolePolicyForManagedInstances to it",
        )


@stack_rule(
    "MI-05 instance-role-handed-on",
    on=CapacityProvider,
    title="The infrastructure role of a managed instances provider may hand the instance role on",
    why="AWS's policy for it does so for roles only whose names begin with ecsInstanceRole. With another name no "
    "instance starts.",
    level=Level.FAILS,
    enforcement=Enforcement.ADVISORY,
    source=f"{_GUIDE}/managed-instances-instance-profile.html",
)
def instance_role_handed_on(provider: CapacityProvider) -> Iterator[Problem]:
    managed = provider["managedInstancesProvider"]
    place, arn = managed["instanceLaunchTemplate"]["ec2InstanceProfileArn"], managed["infrastructureRoleArn"]
    profile = place.one(InstanceProfile) if place.given and arn.given else None
    role = profile["role"].one(Role) if profile is not None and profile["role"].given else None
    infrastructure = arn.one(Role) if role is not None else None
    if role is None or infrastructure is None:
        return
    name = role["name"] if role["name"].given else role["namePrefix"]
    if name.given and (name.text() or "").startswith(_HANDED_ON):
        return
    if not grants(infrastructure, Grant("iam:PassRole", f"arn:*:iam:*:*:role/{name.text() or 'not-known-yet'}", "")):
        yield place.problem(
            f"the profile of a role that {infrastructure.label} may hand on, unlike {role.label}",
            f"begin its name with {_HANDED_ON}, or allow iam:PassRole on it",
        )
