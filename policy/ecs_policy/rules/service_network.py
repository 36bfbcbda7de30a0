"""Where a service's tasks are on the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ecs_policy.capacity import launch_of, security_groups_of
from ecs_policy.load_balancing import balancers_of, target_groups
from ecs_policy.model import (
    AutoScalingGroup,
    LoadBalancer,
    MountTarget,
    SecurityGroup,
    Service,
    Subnet,
    TargetGroup,
    VpcEndpoint,
)
from ecs_policy.network import apart
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, stack_rule
from ecs_policy.stack import Resource
from ecs_policy.values import NotEvaluated, independently

_SAID_NETCONF_IFF_AWSVPC = Quote(
    "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    "https://github.com/fabfuel/ecs-deploy/issues/133",
)


@stack_rule(
    "SV-01 netconf-iff-awsvpc",
    on=Service,
    title="A service has a network configuration if, and only if, its tasks use awsvpc",
    why="awsvpc tasks need subnets and security groups; in the other modes tasks use the instance's network.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html",
)
def netconf_iff_awsvpc(service: Service) -> Iterator[Problem]:
    task_definition = service.task_definition
    if task_definition is None:
        return
    configuration, mode = service["networkConfiguration"], task_definition.network_mode
    if mode == "awsvpc" and not configuration.given:
        yield configuration.problem(
            f"subnets and security groups, since {task_definition.label} uses awsvpc",
            "set networkConfiguration",
            quote=_SAID_NETCONF_IFF_AWSVPC,
        )
    if mode != "awsvpc" and configuration.given:
        yield configuration.problem(
            f"nothing, since {task_definition.label} has the network mode {mode}",
            "remove networkConfiguration, or set the task definition's networkMode to awsvpc",
        )


_AWSVPC_CONFIGURATION = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html"
_MOST_SUBNETS = 16
_MOST_GROUPS = 5


@stack_rule(
    "SV-02 subnets-sgs",
    on=Service,
    title="A service's subnets, security groups and target groups are in one VPC, and not too many",
    why="A task has one network interface, with at most five security groups; its load balancer must reach it there.",
    level=Level.REJECTED,
    source=_AWSVPC_CONFIGURATION,
)
def subnets_sgs(service: Service) -> Iterator[Problem]:
    configuration = service["networkConfiguration"]
    if configuration.given:
        yield from independently(
            (
                _count(configuration["subnets"], 1, _MOST_SUBNETS),
                _count(configuration["securityGroups"], 0, _MOST_GROUPS),
                _one_vpc(service, configuration),
            )
        )


def _count(value: Value, least: int, most: int) -> Iterator[Problem]:
    count = len(value.items())
    if not least <= count <= most:
        yield value.problem(f"{least} to {most} of them, not {count}", "add one" if count < least else "remove some")


def _one_vpc(service: Service, configuration: Value) -> Iterator[Problem]:
    subnets, sure = service.stack.possibly(configuration["subnets"], Subnet)
    if not subnets:
        return
    home = subnets[0]
    others = [each for each in subnets[1:] if apart(home, each)]
    if others:
        if not sure:
            configuration["subnets"].require_known()
        yield configuration["subnets"].problem(
            f"subnets of one VPC; {home.label} and {others[0].label} are in different ones", "choose subnets of one VPC"
        )
        return
    groups = configuration["securityGroups"]
    yield from independently(
        (
            same_vpc(home, groups, lambda: groups.many(SecurityGroup)),
            same_vpc(home, service["loadBalancers"], lambda: _in_front(service)),
        )
    )


def same_vpc(home: Subnet, place: Value, read: Callable[[], Sequence[Resource]]) -> Iterator[Problem]:
    """A problem for each of the resources that is not in the VPC of a subnet."""
    for each in read():
        if isinstance(each, TargetGroup) and not each["vpcId"].given:
            continue  # LB-03
        if apart(each, home):
            yield place.problem(f"all in the VPC of {home.label}, unlike {each.label}", "choose one of the same VPC")


def _in_front(service: Service) -> list[Resource]:
    """Target groups, and the subnets of the load balancers that use them."""
    found: list[Resource] = []
    for link in service["loadBalancers"].items():
        groups, doubt = target_groups(link)
        if doubt is not None:
            raise doubt
        found += groups
        for group in groups:
            for balancer in balancers_of(group):
                found += service.stack.possibly(balancer["subnets"], Subnet)[0]
    return found


@stack_rule(
    "VP-01 groups-of-their-vpc",
    on=(LoadBalancer, MountTarget, VpcEndpoint, AutoScalingGroup),
    title="Security groups are of the VPC of the subnets that they are used in",
    why="AWS refuses a security group of another VPC; one without vpcId is of the account's default VPC. Instances "
    "with such a group are not started.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html",
)
def groups_of_their_vpc(owner: LoadBalancer | MountTarget | VpcEndpoint | AutoScalingGroup) -> Iterator[Problem]:
    place = _groups_place(owner)
    if not place.given:
        return
    subnet = next(iter(_subnets_of(owner)), None)
    if subnet is not None:
        yield from same_vpc(subnet, place, lambda: place.many(SecurityGroup))


def _groups_place(owner: LoadBalancer | MountTarget | VpcEndpoint | AutoScalingGroup) -> Value:
    if isinstance(owner, AutoScalingGroup):
        return security_groups_of(launch_of(owner))
    return owner["securityGroupIds" if isinstance(owner, VpcEndpoint) else "securityGroups"]


def _subnets_of(owner: LoadBalancer | MountTarget | VpcEndpoint | AutoScalingGroup) -> list[Subnet]:
    if isinstance(owner, MountTarget):
        one = owner["subnetId"].one(Subnet)
        return [] if one is None else [one]
    key = {LoadBalancer: "subnets", VpcEndpoint: "subnetIds", AutoScalingGroup: "vpcZoneIdentifiers"}[type(owner)]
    if isinstance(owner, LoadBalancer) and owner["subnetMappings"].given:
        found = [each["subnetId"].one(Subnet) for each in owner["subnetMappings"].items()]
        return [each for each in found if each is not None]
    return owner.stack.possibly(owner[key], Subnet)[0] if owner[key].given else []


@stack_rule(
    "SV-03 assign-public-ip",
    on=Service,
    title="Tasks on Fargate have no public address",
    why="With a public address a task is one mistake in a security group away from the internet.",
    level=Level.PRACTICE,
    source=_AWSVPC_CONFIGURATION,
    frameworks=("Security Hub ECS.2",),
)
def assign_public_ip(service: Service) -> Iterator[Problem]:
    value = service["networkConfiguration"]["assignPublicIp"]
    if not value.flag():
        return
    try:
        wrong = "FARGATE" in service.launch_types
    except NotEvaluated:
        wrong = True  # elsewhere than on Fargate it is refused: SV-03b
    if wrong:
        yield value.problem("false", "set assignPublicIp to false, and give private subnets a NAT gateway or endpoints")


_SAID_NO_PUBLIC_IP_ON_EC2 = Quote(
    "Assign public IP is not supported for this launch type.",
    "https://github.com/aws/aws-cdk/issues/13348",
)


@stack_rule(
    "SV-03b no-public-ip-on-ec2",
    on=Service,
    title="Tasks on EC2 instances ask for no public address",
    why="Only Fargate gives tasks public addresses.",
    level=Level.REJECTED,
    source=_AWSVPC_CONFIGURATION,
)
def no_public_ip_on_ec2(service: Service) -> Iterator[Problem]:
    value = service["networkConfiguration"]["assignPublicIp"]
    if value.flag() and "EC2" in service.launch_types:
        yield value.problem("false on EC2", "remove assignPublicIp", quote=_SAID_NO_PUBLIC_IP_ON_EC2)
