"""The network: a VPC over several availability zones, and who may talk to whom."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from components.checks import Arguments, Contradiction, cidr, each, one_of, whole

VpcCidr = Annotated[
    str, cidr(16, 28, fix="choose a private range that overlaps with no network you want to reach from here")
]
AvailabilityZoneCount = Annotated[
    int, whole(2, 6, fix="choose at least two zones, and no more than the region offers (most offer three)")
]
NatGateways = Annotated[
    Literal["none", "single", "one-per-zone"],
    one_of("none", "single", "one-per-zone", fix="choose how tasks reach ECR and CloudWatch Logs"),
]
Port = Annotated[int, whole(1, 65535, fix="choose a TCP port")]
IngressCidrs = Annotated[
    Sequence[str], each(cidr(0, 32, fix='list the networks of your clients, or ["0.0.0.0/0"] for everybody'))
]

_NAT_STRATEGIES = {
    "none": awsx.ec2.NatGatewayStrategy.NONE,
    "single": awsx.ec2.NatGatewayStrategy.SINGLE,
    "one-per-zone": awsx.ec2.NatGatewayStrategy.ONE_PER_AZ,
}

_SMALLEST_SUBNET_PREFIX = 27
"""A load balancer's subnet must be at least a /27.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#availability-zones"""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs(Arguments):
    """Arguments of `Network`."""

    listener_port: Port
    """TCP port on which the load balancer is open to `allowed_ingress_cidrs`."""

    container_port: Port
    """TCP port on which the tasks are open to the load balancer."""

    allowed_ingress_cidrs: IngressCidrs
    """IPv4 networks that may reach the load balancer; `["0.0.0.0/0"]` is the whole internet. Nobody unless listed."""

    vpc_cidr: VpcCidr = "10.0.0.0/16"
    """The VPC's IPv4 range, /16 to /28, divided evenly among zones and then between public and private subnets.
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""

    availability_zone_count: AvailabilityZoneCount = 2
    """Number of availability zones, at least two, as a load balancer needs."""

    nat_gateways: NatGateways = "one-per-zone"
    """How private subnets reach the internet, and so ECR and CloudWatch Logs: `one-per-zone` survives the loss of a
    zone, `single` is cheaper and does not, `none` gives no path at all: Fargate tasks then cannot pull their image.
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html"""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(
                ("vpc_cidr", "availability_zone_count"),
                lambda: vpc_size_problem(self.vpc_cidr, self.availability_zone_count),
            )
        ]


class Network(pulumi.ComponentResource):
    """A VPC with public subnets for the load balancer, private subnets for tasks, and one security group for each.

    Traffic goes one way: clients -> load balancer -> tasks -> HTTPS outside (ECR, S3 and CloudWatch Logs; the tasks'
    DNS questions go to the VPC's own resolver, which security groups do not filter). The VPC's default security group
    is emptied, so that a resource without a group of its own reaches nothing.

    Not done here: IPv6, VPC endpoints, flow logs, network ACLs other than AWS's open default.
    """

    TYPE = "h4b:network:Network"

    vpc_id: pulumi.Output[str]
    public_subnet_ids: pulumi.Output[Sequence[str]]
    """One subnet a zone, with a route to the internet: for the load balancer only."""

    private_subnet_ids: pulumi.Output[Sequence[str]]
    """One subnet a zone, not reachable from the internet: for tasks."""

    load_balancer_security_group_id: pulumi.Output[str]
    task_security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        vpc = awsx.ec2.Vpc(
            name,
            cidr_block=args.vpc_cidr,
            number_of_availability_zones=args.availability_zone_count,
            enable_dns_hostnames=True,
            nat_gateways=awsx.ec2.NatGatewayConfigurationArgs(strategy=_NAT_STRATEGIES[args.nat_gateways]),
            subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
            subnet_specs=[
                awsx.ec2.SubnetSpecArgs(type=awsx.ec2.SubnetType.PUBLIC),
                awsx.ec2.SubnetSpecArgs(type=awsx.ec2.SubnetType.PRIVATE),
            ],
            opts=child,
        )
        aws.ec2.DefaultSecurityGroup(name, vpc_id=vpc.vpc_id, opts=child)

        load_balancer = aws.ec2.SecurityGroup(
            f"{name}-load-balancer",
            description="Load balancer: clients in, tasks out",
            vpc_id=vpc.vpc_id,
            opts=child,
        )
        tasks = aws.ec2.SecurityGroup(
            f"{name}-tasks",
            description="Tasks: load balancer in, HTTPS out",
            vpc_id=vpc.vpc_id,
            opts=child,
        )
        for client in args.allowed_ingress_cidrs:
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-load-balancer-from-{client.replace('/', '-')}",
                security_group_id=load_balancer.id,
                description="Clients to the listener",
                ip_protocol="tcp",
                from_port=args.listener_port,
                to_port=args.listener_port,
                cidr_ipv4=client,
                opts=child,
            )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-load-balancer-to-tasks",
            security_group_id=load_balancer.id,
            description="Requests and health checks to the tasks",
            ip_protocol="tcp",
            from_port=args.container_port,
            to_port=args.container_port,
            referenced_security_group_id=tasks.id,
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-tasks-from-load-balancer",
            security_group_id=tasks.id,
            description="Requests and health checks from the load balancer",
            ip_protocol="tcp",
            from_port=args.container_port,
            to_port=args.container_port,
            referenced_security_group_id=load_balancer.id,
            opts=child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-tasks-to-https",
            security_group_id=tasks.id,
            description="HTTPS to ECR, S3 and CloudWatch Logs",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4="0.0.0.0/0",
            opts=child,
        )

        self.vpc_id = vpc.vpc_id
        self.public_subnet_ids = vpc.public_subnet_ids
        self.private_subnet_ids = vpc.private_subnet_ids
        self.load_balancer_security_group_id = load_balancer.id
        self.task_security_group_id = tasks.id
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "publicSubnetIds": self.public_subnet_ids,
                "privateSubnetIds": self.private_subnet_ids,
                "loadBalancerSecurityGroupId": self.load_balancer_security_group_id,
                "taskSecurityGroupId": self.task_security_group_id,
            }
        )


def vpc_size_problem(
    vpc_cidr: str,
    availability_zone_count: int,
    vpc_cidr_argument: str = "vpc_cidr",
    availability_zone_count_argument: str = "availability_zone_count",
) -> str | None:
    """Why the VPC is too small for its subnets, in the caller's names of the two arguments; None when it is not."""
    zone_bits = (availability_zone_count - 1).bit_length()
    longest = _SMALLEST_SUBNET_PREFIX - zone_bits - 1
    if ipaddress.IPv4Network(vpc_cidr).prefixlen <= longest:
        return None
    return (
        f"{vpc_cidr_argument}: got {vpc_cidr!r} with {availability_zone_count_argument} {availability_zone_count}, "
        f"expected a prefix from /16 to /{longest}; choose a larger range or fewer zones, "
        f"each zone needs two subnets of at least /{_SMALLEST_SUBNET_PREFIX}"
    )
