"""Where a service's tasks are on the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ecs_policy.load_balancing import balancers_of, target_groups
from ecs_policy.model import SecurityGroup, Service, Subnet
from ecs_policy.network import vpc_of
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, stack_rule
from ecs_policy.stack import Resource
from ecs_policy.values import independently

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
    home = {vpc_of(each): each for each in subnets}
    if len(home) > 1:
        if not sure:
            configuration["subnets"].require_known()
        yield configuration["subnets"].problem(
            f"subnets of one VPC; {_and(home.values())} are in different ones", "choose subnets of one VPC"
        )
    if len(home) != 1:
        return
    yield from independently(
        (
            _same_vpc(
                home, configuration["securityGroups"], lambda: configuration["securityGroups"].many(SecurityGroup)
            ),
            _same_vpc(home, service["loadBalancers"], lambda: _in_front(service)),
        )
    )


def _same_vpc(home: Mapping[str, Resource], place: Value, read: Callable[[], Sequence[Resource]]) -> Iterator[Problem]:
    ((vpc, subnet),) = home.items()
    for each in read():
        if each["vpcId"].given and vpc_of(each) != vpc:
            yield place.problem(f"all in the VPC of {subnet.label}, unlike {each.label}", "choose one of the same VPC")


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


def _and(resources: Iterable[Resource]) -> str:
    return " and ".join(each.label for each in resources)


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
    if value.flag() and "FARGATE" in service.launch_types:
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
