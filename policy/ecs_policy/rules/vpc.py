"""VPCs and subnets."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import FlowLog, Service, Subnet, Vpc, VpcCidrAssociation, VpcEndpoint
from ecs_policy.network import Network, network, service_of
from ecs_policy.rule import Level, Problem, Quote, Severity, resource_rule, stack_rule
from ecs_policy.values import NotEvaluated, quoted, readable

_USER_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide"
_FOR_IMAGES = ("ecr.api", "ecr.dkr")


@stack_rule(
    "NW-05 flow-logs",
    on=Vpc,
    title="A VPC records its traffic",
    why="After an incident flow logs are the only witness of who talked to whom.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=f"{_USER_GUIDE}/flow-logs.html",
    frameworks=("Security Hub EC2.6", "CIS AWS Foundations v5.0.0 3.7"),
)
def flow_logs(vpc: Vpc) -> Iterator[Problem]:
    if not vpc.stack.relation(FlowLog, "vpcId", Vpc).of(vpc):
        yield Problem(vpc.urn, "", f"{vpc.label}: got no FlowLog, expected one; add a FlowLog with the VPC's id")


@resource_rule(
    "NW-06 no-auto-public-subnet",
    on=Subnet,
    title="A subnet gives no public addresses by itself",
    why="What is put into it by mistake is then on the internet. A load balancer gets its addresses without.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=f"{_USER_GUIDE}/subnet-public-ip.html",
    frameworks=("Security Hub EC2.15",),
)
def no_auto_public_subnet(subnet: Subnet) -> Iterator[Problem]:
    value = subnet["mapPublicIpOnLaunch"]
    if value.flag():
        yield value.problem("false", "set mapPublicIpOnLaunch to false")


_SAID_SUBNET_CIDR = Quote(
    "conflicts with another subnet",
    "https://github.com/hashicorp/terraform/issues/33470",
)


@stack_rule(
    "NW-07 subnet-cidr",
    on=Vpc,
    title="Subnets lie within their VPC, and apart from each other",
    why="CreateSubnet refuses others.",
    level=Level.REJECTED,
    source=f"{_USER_GUIDE}/subnet-sizing.html",
)
def subnet_cidr(vpc: Vpc) -> Iterator[Problem]:
    relation = vpc.stack.relation(Subnet, "vpcId", Vpc)
    subnets, doubt = readable(relation.sure(vpc), _range_of)
    placed = sorted(
        ((found, subnet) for found, subnet in subnets if found is not None),
        key=lambda each: (each[0].version, int(each[0].network_address), each[0].prefixlen),
    )
    ranges, unclear = _ranges(vpc)
    for found, subnet in placed:
        if unclear is None and not any(_holds(outer, found) for outer in ranges):
            yield subnet["cidrBlock"].problem(
                f"a range within {vpc.label}, which has {quoted(ranges)}", "choose a range of the VPC"
            )
    for (_, earlier), (later, subnet) in _overlapping(placed):
        yield subnet["cidrBlock"].problem(
            f"a range apart from that of {earlier.label}, {earlier['cidrBlock'].shown()}",
            f"move one; {later} is taken",
            quote=_SAID_SUBNET_CIDR,
        )
    doubt = doubt or unclear or relation.doubt_about(vpc)
    if doubt is not None:
        raise doubt


def _range_of(subnet: Subnet) -> tuple[Network | None, Subnet]:
    return network(subnet["cidrBlock"]), subnet


def _ranges(vpc: Vpc) -> tuple[list[Network], NotEvaluated | None]:
    relation = vpc.stack.relation(VpcCidrAssociation, "vpcId", Vpc)
    values = [vpc["cidrBlock"], *(each["cidrBlock"] for each in relation.sure(vpc))]
    found, doubt = readable(values, network)
    ranges = [each for each in found if each is not None]
    if len(ranges) < len(values) and doubt is None:
        doubt = vpc["cidrBlock"].not_evaluated("is absent: AWS chooses the range")
    return ranges, doubt or relation.doubt_about(vpc)


def _holds(outer: Network, inner: Network) -> bool:
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _overlapping(
    placed: list[tuple[Network, Subnet]],
) -> Iterator[tuple[tuple[Network, Subnet], tuple[Network, Subnet]]]:
    """Each range that overlaps with one before it, in order of addresses."""
    widest: tuple[Network, Subnet] | None = None
    for each in placed:
        if widest is not None and widest[0].version == each[0].version and widest[0].overlaps(each[0]):
            yield widest, each
        if widest is None or int(each[0].broadcast_address) > int(widest[0].broadcast_address):
            widest = each


@stack_rule(
    "NW-09 ecr-endpoints",
    on=Vpc,
    title="A VPC with ECS services has endpoints for ECR",
    why="Images then do not travel over the internet, nor over a NAT gateway that bills by the gigabyte.",
    level=Level.PRACTICE,
    severity=Severity.LOW,
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
    frameworks=("Security Hub EC2.55", "Security Hub EC2.56"),
)
def ecr_endpoints(vpc: Vpc) -> Iterator[Problem]:
    if not vpc.stack.all(Service):
        return
    relation = vpc.stack.relation(VpcEndpoint, "vpcId", Vpc)
    there, doubt = readable(relation.sure(vpc), service_of)
    missing = [name for name in _FOR_IMAGES if name not in there]
    doubt = doubt or relation.doubt_about(vpc)
    if missing and doubt is not None:
        raise doubt
    if missing:
        yield Problem(
            vpc.urn,
            "",
            f"{vpc.label}: got no VpcEndpoint for {quoted(missing)}, expected both; add interface endpoints",
        )
