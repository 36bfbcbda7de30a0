"""Whether there are instances to run on: from service to cluster, capacity provider and Auto Scaling group."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecs_policy.capacity import (
    Launch,
    auto_scaling_group,
    groups_of,
    joined_clusters,
    joins,
    launch_of,
    launches,
    name_of,
)
from ecs_policy.model import (
    AutoScalingGroup,
    CapacityProvider,
    Cluster,
    ClusterCapacityProviders,
    Service,
)
from ecs_policy.rule import Level, Problem, Quote, Severity, resource_rule, stack_rule
from ecs_policy.stack import Stack
from ecs_policy.values import NotEvaluated, Value, independently, quoted

_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_PROVIDER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AutoScalingGroupProvider.html"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_RESERVED = ("aws", "ecs", "fargate")


_SAID_EC2_SERVICE_HAS_CAPACITY = Quote(
    "was unable to place a task because no container instance met all of its requirements.",
    "https://github.com/aws-samples/amazon-scalable-infra-discord-diffusion/issues/3",
)


@stack_rule(
    "LT-08 ec2-service-has-capacity",
    on=(Service, ClusterCapacityProviders),
    title="The cluster of an EC2 service has instances, and they register with that cluster",
    why="CreateService does not look for instances, and an instance joins the cluster that its user data names, else "
    "`default`. Tasks stay in PROVISIONING, and nothing says why.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=f"{_GUIDE}/launch_container_instance.html",
)
def ec2_service_has_capacity(owner: Service | ClusterCapacityProviders) -> Iterator[Problem]:
    if isinstance(owner, Service):
        yield from _has_instances(owner)
        return
    cluster = owner["clusterName"].one(Cluster)
    if cluster is not None:
        yield from independently(_registers(group, cluster) for group in groups_of(owner))


def _registers(group: AutoScalingGroup, cluster: Cluster) -> Iterator[Problem]:
    launch = launch_of(group)
    place, names = joined_clusters(launch)
    wanted = name_of(cluster)
    if wanted not in names:
        yield Problem(
            launch.urn,
            place.location,
            f"{launch.label} {place.location}: got a script whose instances join {quoted(sorted(names))}, expected "
            f"{quoted([wanted])}, since {group.label} is capacity of {cluster.label}; write ECS_CLUSTER={wanted} to "
            "/etc/ecs/ecs.config",
            _SAID_EC2_SERVICE_HAS_CAPACITY,
        )


def _has_instances(service: Service) -> Iterator[Problem]:
    place = service.launch_types.get("EC2")
    if place is None or (not service["launchType"].given and service["capacityProviderStrategies"].given):
        return  # not on EC2, or through a capacity provider, which brings its own
    cluster = service.cluster
    if cluster is None:
        raise service["cluster"].not_evaluated("is absent: the account's default cluster is outside this stack")
    association = cluster.capacity_providers
    if association is not None and _provides_instances(association):
        return
    if any(joins(launch, cluster) for launch in _readable(service.stack)):
        return
    for launch in launches(service.stack):  # again, as now whatever cannot be read counts
        joins(launch, cluster)
    told = place.shown() if place.given else "nothing, which means EC2"
    yield Problem(
        service.urn,
        place.location,
        f"{service.label} {place.location}: got {told}, expected {cluster.label} to have instances: this stack gives "
        "it no capacity provider with an Auto Scaling group and no instance that joins it; add them, or run on Fargate",
        _SAID_EC2_SERVICE_HAS_CAPACITY,
    )


def _readable(stack: Stack) -> Iterator[Launch | Value]:
    """Those launches whose script can be read."""
    try:
        for launch in launches(stack):
            try:
                joined_clusters(launch)
            except NotEvaluated:
                continue
            yield launch
    except NotEvaluated:
        return


def _provides_instances(association: ClusterCapacityProviders) -> bool:
    return any(
        each.unknown or each.text() not in ("FARGATE", "FARGATE_SPOT")
        for each in association["capacityProviders"].items()
    )


_SAID_CP_NAME = Quote(
    "The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters "
    "(upper and lowercase), numbers, underscores, and hyphens. The name cannot be prefixed with "
    '"aws", "ecs", or "fargate". Specify a valid name and try again.',
    "https://github.com/aws-samples/aws-cdk-examples/issues/626",
)


@resource_rule(
    "LT-10 cp-name",
    on=CapacityProvider,
    title="A capacity provider's name is one that ECS takes",
    why="Names that start like ECS's own are reserved.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCapacityProvider.html",
)
def cp_name(provider: CapacityProvider) -> Iterator[Problem]:
    name = provider["name"]
    text = name.text()
    if text is not None and (not _NAME.fullmatch(text) or text.lower().startswith(_RESERVED)):
        yield name.problem(
            f"1 to 255 letters, digits, _ or -, not starting with {', '.join(_RESERVED)}",
            "choose another name",
            quote=_SAID_CP_NAME,
        )


_SAID_MANAGED_TERMINATION = Quote(
    "The managed termination protection setting for the capacity provider is invalid. To enable managed "
    "termination protection for a capacity provider, the Auto Scaling group must have instance protection from scale "
    "in enabled.",
    "https://github.com/ansible/ansible/issues/68625",
)


@stack_rule(
    "LT-11 managed-termination",
    on=CapacityProvider,
    title="Managed termination protection comes with managed scaling, and with protection in the Auto Scaling group",
    why="ECS protects instances with tasks only where it scales the group. It turns the group's own protection on by "
    "itself, and the next deployment that does not state it turns it off again.",
    level=Level.REJECTED,
    source=_PROVIDER,
)
def managed_termination(provider: CapacityProvider) -> Iterator[Problem]:
    settings = provider["autoScalingGroupProvider"]
    if settings["managedTerminationProtection"].text() != "ENABLED":
        return
    yield from independently((_scales(settings), _protects(provider)))


@resource_rule(
    "LT-11b managed-termination-on",
    on=CapacityProvider,
    title="ECS ends no instance of a capacity provider that still has tasks",
    why="Without managed termination protection, scaling in takes any instance, with the tasks that run on it.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/update-managed-termination-protection.html",
    frameworks=("Security Hub ECS.19",),
)
def managed_termination_on(provider: CapacityProvider) -> Iterator[Problem]:
    settings = provider["autoScalingGroupProvider"]
    if settings.given and settings["managedTerminationProtection"].text() != "ENABLED":
        yield settings["managedTerminationProtection"].problem(
            '"ENABLED"', 'set it, with managedScaling.status "ENABLED" and protectFromScaleIn of the group'
        )


def _scales(settings: Value) -> Iterator[Problem]:
    status = settings["managedScaling"]["status"]
    if status.text() != "ENABLED":
        yield status.problem(
            '"ENABLED" with managed termination protection',
            'set managedScaling.status to "ENABLED", or managedTerminationProtection to "DISABLED"',
        )


def _protects(provider: CapacityProvider) -> Iterator[Problem]:
    group = auto_scaling_group(provider)
    if group is not None and group["protectFromScaleIn"].flag() is not True:
        yield group["protectFromScaleIn"].problem(
            f"true, since {provider.label} has managed termination protection",
            "set protectFromScaleIn to true",
            quote=_SAID_MANAGED_TERMINATION,
        )
