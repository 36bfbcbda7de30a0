"""The instances that a service can be placed on: from cluster to capacity provider, Auto Scaling group and template."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import TypeAlias

from ecs_policy.model import (
    AutoScalingGroup,
    CapacityProvider,
    Cluster,
    ClusterCapacityProviders,
    Fleet,
    Instance,
    LaunchConfiguration,
    LaunchTemplate,
    Service,
    SpotFleet,
    SpotInstance,
)
from ecs_policy.stack import Stack
from ecs_policy.values import NotEvaluated, Value, readable

DEFAULT_CLUSTER = "default"
_OTHER_STARTERS = (
    "aws-native:autoscaling:",
    "aws-native:ec2:",
    "aws:batch/computeEnvironment:",
    "aws:cloudformation/",
    "aws:elasticbeanstalk/",
    "aws:opsworks/",
    "spotinst:",
)
"""Types that start instances, too, in ways that this pack does not read."""
_FARGATE = ("FARGATE", "FARGATE_SPOT")

# How user data names the cluster: the agent's configuration, PowerShell on Windows, Bottlerocket's TOML.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bootstrap_container_instance.html
_NAMES_CLUSTER = re.compile(
    r"""ECS_CLUSTER["']?\s*[=:,]\s*["']?(?P<agent>[^\s"'\\]+)"""
    r"""|-Cluster\s+["']?(?P<windows>[^\s"']+)"""
    r"""|^\s*cluster\s*=\s*["'](?P<bottlerocket>[^"']+)["']""",
    re.MULTILINE,
)

Launch: TypeAlias = LaunchTemplate | LaunchConfiguration | Instance | SpotInstance


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


def template_of(instance: Instance | SpotInstance) -> LaunchTemplate | None:
    """The launch template of a single instance, which gives what the instance itself does not."""
    template = instance["launchTemplate"]
    for reference in (template["id"], template["name"]):
        if reference.given:
            return reference.one(LaunchTemplate)
    return None


def says(launch: Launch, *keys: str) -> Launch:
    """The instance, or its launch template, if it says none of these itself."""
    if not isinstance(launch, (Instance, SpotInstance)) or any(launch[key].given for key in keys):
        return launch
    return template_of(launch) or launch


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
    launch = says(launch, "vpcSecurityGroupIds", "networkInterfaces")
    if isinstance(launch, LaunchConfiguration):
        return launch["securityGroups"]
    if launch["networkInterfaces"].given and isinstance(launch, (Instance, SpotInstance)):
        raise launch["networkInterfaces"].not_evaluated("brings network interfaces, whose groups are not looked into")
    interfaces = launch["networkInterfaces"].items() if not launch["networkInterfaces"].unknown else []
    if isinstance(launch, LaunchTemplate) and interfaces:
        return interfaces[0]["securityGroups"]
    return launch["vpcSecurityGroupIds"]


def user_data(launch: Launch | Value) -> tuple[Value, str]:
    """The script that instances start with, decoded, and where it is written."""
    if isinstance(launch, Value):  # of a Spot fleet: the provider encodes what is not encoded
        written = launch["userData"]
        return written, _decoded(written.text() or "") or written.text() or ""
    launch = says(launch, "userData", "userDataBase64")
    encoded = launch["userData" if isinstance(launch, LaunchTemplate) else "userDataBase64"]
    if not encoded.given and not isinstance(launch, LaunchTemplate):
        plain = launch["userData"]
        return plain, plain.text() or ""
    script = _decoded(encoded.text() or "")
    if script is None:
        raise encoded.not_evaluated("is not text in base64")
    return encoded, script


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def is_for_ecs(launch: Launch | Value) -> bool:
    """Whether the script names a cluster of ECS at all."""
    return _NAMES_CLUSTER.search(user_data(launch)[1]) is not None


def joined_clusters(launch: Launch | Value) -> tuple[Value, set[str]]:
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


def joins(launch: Launch | Value, cluster: Cluster) -> bool:
    """Whether the instances register with this cluster."""
    return name_of(cluster) in joined_clusters(launch)[1]


def launches(stack: Stack) -> Iterator[Launch | Value]:
    """All that instances of the stack are launched from, whatever starts them. Raises for what cannot be read."""
    doubt = None
    yield from stack.all(Instance)
    yield from stack.all(SpotInstance)
    for group in stack.all(AutoScalingGroup):
        try:
            yield launch_of(group)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    fleets: list[SpotFleet | Fleet] = [*stack.all(SpotFleet), *stack.all(Fleet)]
    for fleet in fleets:
        try:
            yield from _of_fleet(fleet)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    for each in stack.resources.values():
        if each.type.startswith(_OTHER_STARTERS):
            doubt = doubt or Value(each, (), None).not_evaluated("may start instances that join the cluster")
    if doubt is not None:
        raise doubt


def _of_fleet(fleet: SpotFleet | Fleet) -> Iterator[Launch | Value]:
    yield from fleet["launchSpecifications"].items()
    configurations = fleet["launchTemplateConfigs"].items()
    if fleet["launchTemplateConfig"].given:
        configurations.append(fleet["launchTemplateConfig"])
    for each in configurations:
        specification = each["launchTemplateSpecification"]
        for key in ("id", "name", "launchTemplateId", "launchTemplateName"):
            template = specification[key].one(LaunchTemplate) if specification[key].given else None
            if template is not None:
                yield template
                break


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
