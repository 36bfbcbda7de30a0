"""The instances that a service can be placed on: from cluster to capacity provider, Auto Scaling group and template."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TypeAlias

from ecs_policy.model import (
    AutoScalingGroup,
    CapacityProvider,
    Cluster,
    ClusterCapacityProviders,
    Instance,
    LaunchConfiguration,
    LaunchTemplate,
    Service,
)
from ecs_policy.values import NotEvaluated, Value, readable

DEFAULT_CLUSTER = "default"
_FARGATE = ("FARGATE", "FARGATE_SPOT")

# How user data names the cluster: the agent's configuration, PowerShell on Windows, Bottlerocket's TOML.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bootstrap_container_instance.html
_NAMES_CLUSTER = re.compile(
    r"""ECS_CLUSTER["']?\s*[=:,]\s*["']?(?P<agent>[^\s"'\\]+)"""
    r"""|-Cluster\s+["']?(?P<windows>[^\s"']+)"""
    r"""|^\s*cluster\s*=\s*["'](?P<bottlerocket>[^"']+)["']""",
    re.MULTILINE,
)

Launch: TypeAlias = LaunchTemplate | LaunchConfiguration | Instance


def auto_scaling_group(provider: CapacityProvider) -> AutoScalingGroup | None:
    """The group behind a capacity provider; None for one of ECS Managed Instances."""
    return provider["autoScalingGroupProvider"]["autoScalingGroupArn"].one(AutoScalingGroup)


def groups_of(association: ClusterCapacityProviders) -> list[AutoScalingGroup]:
    """The groups behind a cluster's capacity providers."""
    return _groups(association["capacityProviders"].items())


def _groups(providers: list[Value]) -> list[AutoScalingGroup]:
    found: dict[str, AutoScalingGroup] = {}
    for each in providers:
        if not each.unknown and each.text() in _FARGATE:
            continue
        provider = each.one(CapacityProvider)
        group = auto_scaling_group(provider) if provider is not None else None
        if group is not None:
            found[group.urn] = group
    return list(found.values())


def host_groups(service: Service) -> list[AutoScalingGroup]:
    """The Auto Scaling groups whose instances the service's tasks are placed on. Raises when they cannot be told."""
    strategy = service["capacityProviderStrategies"].items()
    if not service["launchType"].given and strategy:
        return _groups([each["capacityProvider"] for each in strategy])
    cluster = service.cluster
    if cluster is None:
        raise service["cluster"].not_evaluated("is absent: the account's default cluster is outside this stack")
    return cluster.stack.derived(groups_of_cluster, cluster)


def groups_of_cluster(cluster: Cluster) -> list[AutoScalingGroup]:
    """Those behind its capacity providers, and those whose instances join it by their user data."""
    association = cluster.capacity_providers
    found = {each.urn: each for each in groups_of(association)} if association is not None else {}
    for group in cluster.stack.all(AutoScalingGroup):
        if group.urn not in found and _joins(group, cluster):
            found[group.urn] = group
    return list(found.values())


def _joins(group: AutoScalingGroup, cluster: Cluster) -> bool:
    try:
        return joins(launch_of(group), cluster)
    except NotEvaluated:
        providers = group.stack.relation(CapacityProvider, _provided, AutoScalingGroup).sure(group)
        associations = group.stack.relation(ClusterCapacityProviders, "capacityProviders", CapacityProvider)
        if any(associations.sure(each) for each in providers):
            return False  # capacity of another cluster
        raise


def _provided(provider: CapacityProvider) -> list[Value]:
    return [provider["autoScalingGroupProvider"]["autoScalingGroupArn"]]


def launch_of(group: AutoScalingGroup) -> Launch:
    """What a group's instances are launched from."""
    template, mixed = group["launchTemplate"], group["mixedInstancesPolicy"]["launchTemplate"]
    specification = mixed["launchTemplateSpecification"]
    for reference in (
        template["id"],
        template["name"],
        specification["launchTemplateId"],
        specification["launchTemplateName"],
    ):
        if reference.given:
            found = reference.one(LaunchTemplate)
            if found is not None:
                return found
    configuration = group["launchConfiguration"].one(LaunchConfiguration)
    if configuration is None:
        raise template.not_evaluated("is absent: what the instances start with is not in this stack")
    return configuration


def security_groups_of(launch: Launch) -> Value:
    """The security groups of the instances."""
    if isinstance(launch, LaunchConfiguration):
        return launch["securityGroups"]
    interfaces = launch["networkInterfaces"].items()
    if isinstance(launch, LaunchTemplate) and interfaces:
        return interfaces[0]["securityGroups"]
    return launch["vpcSecurityGroupIds"]


def user_data(launch: Launch) -> tuple[Value, str]:
    """The script that instances start with, decoded, and where it is written."""
    encoded = launch["userData" if isinstance(launch, LaunchTemplate) else "userDataBase64"]
    if not encoded.given and not isinstance(launch, LaunchTemplate):
        plain = launch["userData"]
        return plain, plain.text() or ""
    try:
        return encoded, base64.b64decode(encoded.text() or "", validate=True).decode()
    except (binascii.Error, ValueError):
        raise encoded.not_evaluated("is not text in base64") from None


def joined_clusters(launch: Launch) -> tuple[Value, set[str]]:
    """The names of the clusters that instances register with, and the place that says so."""
    place, script = user_data(launch)
    names = {match["agent"] or match["windows"] or match["bottlerocket"] for match in _NAMES_CLUSTER.finditer(script)}
    if any(name.startswith(("$", "{", "%")) for name in names):
        raise place.not_evaluated("names the cluster by a variable")
    return place, names or {DEFAULT_CLUSTER}


def name_of(cluster: Cluster) -> str:
    """Its name. Raises while AWS or Pulumi has yet to give it one."""
    name = cluster["name"] if cluster["name"].given else cluster.computed("name")
    text = name.text()
    if not text:
        raise name.not_evaluated("is not known yet")
    return text


def joins(launch: Launch, cluster: Cluster) -> bool:
    """Whether the instances register with this cluster."""
    return name_of(cluster) in joined_clusters(launch)[1]


def most_instances(service: Service) -> int:
    """How many instances there can be at most for the service's tasks."""
    sizes, doubt = readable(host_groups(service), _most)
    if doubt is not None:
        raise doubt
    if not sizes:
        raise service["launchType"].not_evaluated("runs on instances that are not in this stack")
    return sum(sizes)


def _most(group: AutoScalingGroup) -> int:
    number = group["maxSize"].number()
    if number is None:
        raise group["maxSize"].not_evaluated("is absent")
    return int(number)
