"""Instances of EC2 that are to join a cluster, and whether they can hold its tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from ecs_policy.capacity import Launch, host_groups, is_for_ecs, launch_of, says, security_groups_of, user_data
from ecs_policy.iam import Grant, grants
from ecs_policy.model import (
    AutoScalingGroup,
    CapacityProvider,
    Instance,
    InstanceProfile,
    LaunchConfiguration,
    LaunchTemplate,
    Role,
    SecurityGroup,
    Service,
    SpotFleet,
    SpotInstance,
    Subnet,
    TaskDefinition,
    default_strategy,
)
from ecs_policy.network import WayOut, endpoints, lets_out, way_out
from ecs_policy.room import hosts, lacks, lacks_managed, need_of
from ecs_policy.rule import Level, Problem, Severity, Value, stack_rule
from ecs_policy.values import NotEvaluated, independently, quoted

_C = TypeVar("_C")
_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_HTTPS = 443
_ENDPOINTS = frozenset({"ecs", "ecs-agent", "ecs-telemetry"})
_OF_THE_AGENT = (
    "DiscoverPollEndpoint",
    "Poll",
    "RegisterContainerInstance",
    "SubmitContainerStateChange",
    "SubmitTaskStateChange",
)


@stack_rule(
    "CI-01 instance-may-register",
    on=(AutoScalingGroup, Instance, SpotInstance, SpotFleet, CapacityProvider),
    title="Instances of a cluster have an instance profile whose role may register with ECS",
    why="The agent on the instance registers with that role. Without it there are instances, and none in the cluster.",
    beyond="Whether the image of the instance has the agent of ECS.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=f"{_GUIDE}/instance_IAM_role.html",
)
def instance_may_register(
    owner: AutoScalingGroup | Instance | SpotInstance | SpotFleet | CapacityProvider,
) -> Iterator[Problem]:
    if isinstance(owner, CapacityProvider):
        place = owner["managedInstancesProvider"]["instanceLaunchTemplate"]["ec2InstanceProfileArn"]
        if place.given:
            yield from _role(place, _OF_THE_AGENT[2:3], "AmazonECSInstanceRolePolicyForManagedInstances")
        return
    if isinstance(owner, SpotFleet):
        yield from independently(_profile(each) for each in owner["launchSpecifications"].items() if is_for_ecs(each))
        return
    launch = _joining(owner)
    if launch is not None:
        yield from _profile(launch)


def _joining(owner: AutoScalingGroup | Instance | SpotInstance) -> Launch | None:
    """What the instances are launched from, if they are to join a cluster: by a capacity provider or their script."""
    if not isinstance(owner, AutoScalingGroup):
        return owner if is_for_ecs(owner) else None
    launch = launch_of(owner)
    provided = owner.stack.relation(CapacityProvider, _group_arn, AutoScalingGroup).sure(owner)
    return launch if provided or is_for_ecs(launch) else None


def _group_arn(provider: CapacityProvider) -> list[Value]:
    place = provider["autoScalingGroupProvider"]["autoScalingGroupArn"]
    return [place] if place.given else []


def _profile(launch: Launch | Value) -> Iterator[Problem]:
    if not isinstance(launch, Value):
        launch = says(launch, "iamInstanceProfile")
    place = launch["iamInstanceProfile"]
    if isinstance(launch, Value) and not place.given:
        place = launch["iamInstanceProfileArn"]
    names = [place]
    if isinstance(launch, LaunchTemplate):
        names = [each for each in (place["arn"], place["name"]) if each.given]
    if not place.given or not names:
        yield place.problem("an instance profile, with which the agent registers", "set iamInstanceProfile")
        return
    yield from _role(names[0], _OF_THE_AGENT, "AmazonEC2ContainerServiceforEC2Role")


def _role(place: Value, needed: Sequence[str], policy: str) -> Iterator[Problem]:
    profile = place.one(InstanceProfile)
    if profile is None:
        return
    if not profile["role"].given:
        yield profile["role"].problem("a role", "set role")
        return
    role = profile["role"].one(Role)
    missing = [each for each in needed if role is not None and not grants(role, _grant(each))]
    if missing and role is not None:
        yield profile["role"].problem(
            f"a role that may {', '.join(f'ecs:{each}' for each in missing)}, which {role.label} may not",
            f"attach {policy} to it",
        )


def _grant(action: str) -> Grant:
    return Grant(f"ecs:{action}", "arn:*:ecs:*:*:*", "the agent")


@stack_rule(
    "CI-02 instance-reaches-ecs",
    on=(AutoScalingGroup, Instance, CapacityProvider),
    title="Instances of a cluster have a way to ECS",
    why="The agent talks to ECS over HTTPS: through a NAT gateway, with a public address, or by endpoints of the VPC. "
    "Without a way the instances run, and the cluster has none.",
    beyond="Network ACLs, firewalls and proxies on the way are not followed.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=f"{_GUIDE}/vpc-endpoints.html",
)
def instance_reaches_ecs(owner: AutoScalingGroup | Instance | CapacityProvider) -> Iterator[Problem]:
    if isinstance(owner, CapacityProvider):
        network = owner["managedInstancesProvider"]["instanceLaunchTemplate"]["networkConfiguration"]
        if network.given:
            yield from independently((_ways(network["subnets"], None), _lets_out(network["securityGroups"])))
        return
    launch = _joining(owner)
    if launch is None:
        return
    subnets = owner["vpcZoneIdentifiers" if isinstance(owner, AutoScalingGroup) else "subnetId"]
    checks = [_lets_out(security_groups_of(launch))]
    if subnets.given:
        checks.append(_ways(subnets, launch))
    yield from independently(checks)


def _lets_out(place: Value) -> Iterator[Problem]:
    if not place.given or place.raw == []:
        return  # the VPC's default group, which lets everything out unless somebody closed it
    groups = place.many(SecurityGroup)
    if groups and not lets_out(groups, _HTTPS):
        yield place.problem(
            f"a group that lets TCP out on port {_HTTPS}, by which the agent talks to ECS; none of "
            f"{', '.join(each.label for each in groups)} does",
            f"add an egress rule for port {_HTTPS}",
        )


def _ways(place: Value, launch: Launch | None) -> Iterator[Problem]:
    stack = place.resource.stack
    if isinstance(place.raw, list) or place.unknown:
        subnets, sure = stack.possibly(place, Subnet)
    else:
        one = place.one(Subnet)
        subnets, sure = [one] if one is not None else [], True
    without: list[Subnet] = []
    missing: set[str] = set()
    doubt = None
    for subnet in subnets:
        try:
            lacking = _lacking(subnet, launch)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
            continue
        if lacking:
            without.append(subnet)
            missing |= lacking
    if without:
        if not sure:
            place.require_known()
        if launch is not None and _by_proxy(launch):
            raise place.not_evaluated("has no way to ECS but by the proxy that the instances are told of")
        yield place.problem(
            f"subnets with a way to ECS, unlike {quoted(each.name for each in without)}: no NAT gateway, no public "
            f"address with an internet gateway, and no endpoints for {quoted(sorted(missing))}",
            "choose subnets behind a NAT gateway, or add the endpoints",
        )
    elif doubt is not None:
        raise doubt


def _by_proxy(launch: Launch) -> bool:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/http_proxy_config.html"""
    return "http_proxy" in user_data(launch)[1].lower()


def _lacking(subnet: Subnet, launch: Launch | None) -> set[str]:
    outside = None
    try:
        way = way_out(subnet)
    except NotEvaluated as outcome:
        outside, way = outcome, WayOut.NONE
    if way is WayOut.NAT or (way is WayOut.INTERNET and _is_public(subnet, launch)):
        return set()
    reached = endpoints(subnet)
    missing = set(_ENDPOINTS - reached.sure)
    unclear = outside or reached.doubt
    if missing and unclear is not None:
        raise unclear
    if missing and missing <= reached.possible:
        raise subnet["vpcId"].not_evaluated(f"has endpoints for {quoted(sorted(missing))}, maybe not for this subnet")
    return missing - reached.possible


def _is_public(subnet: Subnet, launch: Launch | None) -> bool:
    place = None
    if isinstance(launch, LaunchTemplate):
        interfaces = launch["networkInterfaces"].items()
        place = interfaces[0]["associatePublicIpAddress"] if interfaces else None
    elif isinstance(launch, (LaunchConfiguration, Instance, SpotInstance)):
        place = launch["associatePublicIpAddress"]
    if place is not None and place.given:
        return place.flag() is True
    return subnet["mapPublicIpOnLaunch"].flag() is True or subnet.type.startswith("aws:ec2/defaultSubnet")


@stack_rule(
    "CI-03 task-fits-instance",
    on=Service,
    title="An instance of the service's cluster can hold one of its tasks",
    why="A task that is larger than every instance is never placed: CPU, memory, GPUs, the processor and what memberOf "
    "asks for must be those of one type of instance. The service waits for ever.",
    beyond="What other tasks and daemons leave free, and attributes that instances give themselves.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=f"{_GUIDE}/service-event-messages-list.html",
)
def task_fits_instance(service: Service) -> Iterator[Problem]:
    kinds = service.launch_types
    if not {"EC2", "MANAGED_INSTANCES"}.intersection(kinds):
        return
    task_definition = service.task_definition
    if task_definition is None:
        return
    if "EC2" in kinds:
        yield from independently((_some(service), _fits(service)))
    else:
        yield from _fits_managed(service, task_definition)


def _some(service: Service) -> Iterator[Problem]:
    """At least one instance may run."""
    if service["schedulingStrategy"].text() != "DAEMON" and not service["desiredCount"].number():
        return
    groups = host_groups(service)
    if groups and all(group["maxSize"].number() == 0 for group in groups):
        yield groups[0]["maxSize"].problem(f"1 or more, since {service.label} runs on it", "raise maxSize")


def _all_lack(candidates: Iterable[_C], lack: Callable[[_C], tuple[str, str]]) -> dict[str, str] | None:
    """What each candidate lacks, by the names that `lack` gives them; None where one lacks nothing.

    Raises where one of which it is not known may lack nothing.
    """
    found: dict[str, str] = {}
    doubt = None
    for candidate in candidates:
        try:
            name, what = lack(candidate)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
            continue
        if not what:
            return None
        found[name] = what
    if doubt is not None:
        raise doubt
    return found


def _fits(service: Service) -> Iterator[Problem]:
    task_definition = service.task_definition
    if task_definition is None:
        return
    candidates = hosts(service)
    need = need_of(service, task_definition)
    found = _all_lack(candidates, lambda host: (host.name, lacks(host, need)))
    if found is None:
        return
    told = "; ".join(f"{name} has {what}" for name, what in list(found.items())[:3])
    yield service["taskDefinition"].problem(
        f"a task that an instance of the cluster can hold: {told}",
        f"choose a larger type, or change {task_definition.label}",
    )


def _fits_managed(service: Service, task_definition: TaskDefinition) -> Iterator[Problem]:
    strategy = service["capacityProviderStrategies"].items() or default_strategy(service)
    providers = (item["capacityProvider"].one(CapacityProvider) for item in strategy)

    def lack(provider: CapacityProvider | None) -> tuple[str, str]:
        if provider is None:  # of another stack: it may hold the task
            return "", ""
        return provider.label, lacks_managed(provider, need_of(service, task_definition))

    told = "; ".join(f"{name} allows {what}" for name, what in (_all_lack(providers, lack) or {}).items())
    if told:
        yield service["taskDefinition"].problem(
            f"a task that one of the managed instances can hold: {told}",
            f"allow more in instanceRequirements, or change {task_definition.label}",
        )
