"""The network: a VPC over several availability zones, and who may talk to whom."""

import ipaddress
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from components.checks import ArgumentError, Arguments, Contradiction, Names, as_is, cidr, each, one_of, text, whole
from components.documents import Documents
from components.log_retention import LogRetentionDays
from components.roles import role
from components.security_groups import HTTPS, Group, connect, let_in, let_out

_LOOPBACK = "127.0.0.0/8"
_NO_HOSTS = ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
"""Ranges in which no host of a network has its address: this network, the link, multicast, reserved.
https://www.iana.org/assignments/iana-ipv4-special-registry"""
_MOST_RULES = 60
"""Rules for incoming traffic in a security group, by default.
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups"""

VpcCidr = Annotated[
    str,
    cidr(
        16,
        28,
        fix="choose a private range that overlaps with no network you want to reach from here",
        not_in=(*_NO_HOSTS, _LOOPBACK),
    ),
]
AvailabilityZoneCount = Annotated[
    int, whole(2, 6, fix="choose at least two zones, and no more than the region offers (most offer three)")
]
NatGateways = Annotated[
    Literal["none", "single", "one-per-zone"],
    one_of("none", "single", "one-per-zone", fix="choose how tasks reach ECR and CloudWatch Logs"),
]
Port = Annotated[int, whole(1, 65535, fix="choose a TCP port")]
Ports = Annotated[Sequence[int], each(whole(1, 65535, fix="choose TCP ports"), at_least=0)]
EndpointServices = Annotated[
    Sequence[str],
    each(
        text(
            r"[a-z0-9-]+(\.[a-z0-9-]+)*",
            "the end of an AWS service's endpoint name",
            fix="write what follows com.amazonaws.<region>. in the service's endpoint name, for instance ecr.api",
        ),
        at_least=0,
    ),
]

TASK_ENDPOINT_SERVICES = ("ecr.api", "ecr.dkr", "logs")
"""What a task needs to start and to log, beside S3.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html"""

INSTANCE_ENDPOINT_SERVICES = ("ecs", "ecs-agent", "ecs-telemetry")
"""What the ECS agent on an instance needs.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html"""

SESSION_ENDPOINT_SERVICES = ("ssmmessages",)
"""What ECS Exec needs. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"""

IngressCidrs = Annotated[
    Sequence[str],
    each(
        cidr(
            0,
            32,
            fix='list the networks of your clients, or ["0.0.0.0/0"] for everybody',
            # Loopback lets nobody in but the load balancer itself: a way to say nobody.
            not_in=_NO_HOSTS,
        )
    ),
]

_NAT_STRATEGIES = {
    "none": awsx.ec2.NatGatewayStrategy.NONE,
    "single": awsx.ec2.NatGatewayStrategy.SINGLE,
    "one-per-zone": awsx.ec2.NatGatewayStrategy.ONE_PER_AZ,
}

_FLOW_LOG_INTERVAL_SECONDS = 600
_SMALLEST_SUBNET_PREFIX = 27
"""A load balancer's subnet must be at least a /27.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#availability-zones"""


@dataclass(frozen=True, kw_only=True)
class NetworkChoices(Arguments):
    """The VPC: its addresses, its zones, and the way out."""

    vpc_cidr: VpcCidr = "10.0.0.0/16"
    """IPv4 range of the VPC, divided evenly among zones and then between public and private subnets.
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""

    availability_zone_count: AvailabilityZoneCount = 2
    """Number of availability zones, at least two, as a load balancer needs. Each gets a public and a private subnet."""

    nat_gateways: NatGateways = "one-per-zone"
    """How private subnets reach the internet, and so ECR and CloudWatch Logs. `one-per-zone` survives the loss of a
    zone; `single` is cheaper and does not; `none` leaves no way but VPC endpoints.
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html"""

    flow_log_retention_days: LogRetentionDays | None = 365
    """Days that the record of all connections in the VPC is kept; 0 keeps no record.
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html"""

    def contradictions(self) -> list[Contradiction]:
        return [Contradiction(("vpc_cidr", "availability_zone_count"), self._size_problem)]

    def _size_problem(self) -> str | None:
        """Why the VPC is too small for its subnets; None when it is not."""
        zone_bits = (self.availability_zone_count - 1).bit_length()
        longest = _SMALLEST_SUBNET_PREFIX - zone_bits - 1
        if ipaddress.IPv4Network(self.vpc_cidr).prefixlen <= longest:
            return None
        return (
            f"{self.called('vpc_cidr')}: got {self.vpc_cidr!r} with {self.called('availability_zone_count')} "
            f"{self.availability_zone_count}, expected a prefix from /16 to /{longest}; choose a larger range or fewer "
            f"zones, each zone needs two subnets of at least /{_SMALLEST_SUBNET_PREFIX}"
        )


@dataclass(frozen=True, kw_only=True)
class NetworkArgs(NetworkChoices):
    """Arguments of `Network`."""

    listener_ports: Ports = ()
    """TCP ports on which the load balancer is open to `allowed_ingress_cidrs`. Default: none, there is no load
    balancer."""

    allowed_ingress_cidrs: IngressCidrs | None = None
    """IPv4 networks that may reach the load balancer; `["0.0.0.0/0"]` is the whole internet. Nobody unless listed."""

    container_port: Port | None = None
    """TCP port on which the tasks are open to the load balancer. Default: none, nobody connects to them."""

    own_addresses: bool = True
    """Whether each task has an address, and so a security group, of its own: network mode `awsvpc`. False with
    `bridge`, where the instance's stand for it.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking.html"""

    endpoint_services: EndpointServices = ()
    """AWS services that private subnets reach without leaving the VPC, by the end of their endpoint name, each in every
    zone: instead of NAT gateways `TASK_ENDPOINT_SERVICES` and what the application itself calls. S3 is always there,
    its endpoint is free. Costs by zone and hour.
    https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html"""

    empties_default_group: bool = True
    """Whether the VPC's default security group, which nothing uses, loses its rules: whatever had no group of its own
    would reach its like. AWS makes the group without tags, so that this needs permission to change any group.
    https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html"""

    def contradictions(self) -> list[Contradiction]:
        return [
            *super().contradictions(),
            Contradiction(
                ("listener_ports", "allowed_ingress_cidrs", "container_port"),
                lambda: _door_problem(self.listener_ports, self.allowed_ingress_cidrs, self.container_port),
            ),
            Contradiction(
                ("listener_ports", "allowed_ingress_cidrs"),
                lambda: rules_problem(self.allowed_ingress_cidrs or (), self.listener_ports),
            ),
        ]


class Network(pulumi.ComponentResource):
    """A VPC with public subnets for the load balancer, private subnets for tasks, and a security group for each that
    there is.

    Traffic goes one way: clients -> load balancer -> tasks -> HTTPS outside (ECR, S3 and CloudWatch Logs; the tasks'
    DNS questions go to the VPC's own resolver, which security groups do not filter). Where there are endpoints and no
    NAT gateway, the tasks may reach these endpoints alone. The VPC's default security group is emptied, so that a
    resource without a group of its own reaches nothing. Image layers come from S3 through its own endpoint, so they
    never pay for a NAT gateway.

    Not done here: IPv6, network ACLs other than AWS's open default.
    """

    TYPE = "h4b:network:Network"

    vpc_id: pulumi.Output[str]
    public_subnet_ids: Sequence[pulumi.Output[str]]
    """One subnet a zone, with a route to the internet: for the load balancer only."""

    private_subnet_ids: Sequence[pulumi.Output[str]]
    """One subnet a zone, not reachable from the internet: for tasks."""

    task_security_group_id: pulumi.Output[str] | None
    """None where tasks have no addresses of their own."""

    endpoint_security_group_id: pulumi.Output[str] | None
    """Of the endpoints of AWS services, which lets tasks in; None without `endpoint_services`."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        self._documents = Documents()
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
            opts=pulumi.ResourceOptions(parent=self, transforms=[without_public_addresses]),
        )
        # One by one: how many there are is known before awsx tells which.
        zones = range(args.availability_zone_count)
        self.public_subnet_ids = [vpc.public_subnet_ids[zone] for zone in zones]
        self.private_subnet_ids = [vpc.private_subnet_ids[zone] for zone in zones]
        if args.empties_default_group:
            aws.ec2.DefaultSecurityGroup(name, vpc_id=vpc.vpc_id, opts=child)
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        s3 = aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.vpc_id,
            vpc_endpoint_type="Gateway",
            service_name=pulumi.Output.concat("com.amazonaws.", region, ".s3"),
            route_table_ids=vpc.route_tables.apply(lambda tables: pulumi.Output.all(*[table.id for table in tables])),
            opts=child,
        )
        if args.flow_log_retention_days is not None:
            self._flow_log(name, vpc.vpc_id, args.flow_log_retention_days)

        door = (
            self._group(name, "load-balancer", "Load balancer: clients in, tasks out", vpc)
            if args.listener_ports
            else None
        )
        inside = self._group(name, "tasks", "Tasks: load balancer in, HTTPS out", vpc) if args.own_addresses else None
        if door is not None:
            for port, client in itertools.product(args.listener_ports, args.allowed_ingress_cidrs or ()):
                let_in(name, door, port, client, "Clients to the listener", self)
        if door is not None and inside is not None and args.container_port is not None:
            ports = (args.container_port, args.container_port)
            connect(name, door, inside, ports, "Requests and health checks", self)
        endpoints = self._interface_endpoints(name, args.endpoint_services, vpc, region)
        if inside is not None:
            if endpoints is not None:
                connect(name, inside, endpoints, HTTPS, "HTTPS to AWS services in the VPC", self)
            if endpoints is not None and args.nat_gateways == "none":
                let_out(name, inside, "s3", "HTTPS to S3: image layers", self, prefix_list_id=s3.prefix_list_id)
            else:
                let_out(name, inside, "https", "HTTPS to ECR, S3 and CloudWatch Logs", self)

        self.vpc_id = vpc.vpc_id
        self._load_balancer_security_group_id = None if door is None else pulumi.Output.from_input(door.id)
        self.task_security_group_id = None if inside is None else pulumi.Output.from_input(inside.id)
        self.endpoint_security_group_id = None if endpoints is None else pulumi.Output.from_input(endpoints.id)
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "publicSubnetIds": self.public_subnet_ids,
                "privateSubnetIds": self.private_subnet_ids,
                "loadBalancerSecurityGroupId": self._load_balancer_security_group_id,
                "taskSecurityGroupId": self.task_security_group_id,
                "endpointSecurityGroupId": self.endpoint_security_group_id,
                **self._documents.outputs,
            }
        )

    @property
    def load_balancer_security_group_id(self) -> pulumi.Output[str]:
        """Raises `ArgumentError` without `listener_ports`."""
        if self._load_balancer_security_group_id is None:
            raise ArgumentError("listener_ports: got none, expected the load balancer's; name them, it needs a way in")
        return self._load_balancer_security_group_id

    def _group(self, name: str, label: str, description: str, vpc: awsx.ec2.Vpc) -> Group:
        group = aws.ec2.SecurityGroup(
            f"{name}-{label}", description=description, vpc_id=vpc.vpc_id, opts=pulumi.ResourceOptions(parent=self)
        )
        return Group(label, group.id)

    def _interface_endpoints(
        self, name: str, services: Sequence[str], vpc: awsx.ec2.Vpc, region: pulumi.Output[str]
    ) -> Group | None:
        """Their security group; None where there are none."""
        if not services:
            return None
        endpoints = self._group(name, "endpoints", "AWS services: tasks in", vpc)
        for service in services:
            aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}",
                vpc_id=vpc.vpc_id,
                vpc_endpoint_type="Interface",
                service_name=pulumi.Output.concat("com.amazonaws.", region, ".", service),
                subnet_ids=self.private_subnet_ids,
                security_group_ids=[endpoints.id],
                # The service's usual name leads to the endpoint: no client needs to know.
                private_dns_enabled=True,
                opts=pulumi.ResourceOptions(parent=self),
            )
        return endpoints

    def _flow_log(self, name: str, vpc_id: pulumi.Output[str], retention_days: int) -> None:
        child = pulumi.ResourceOptions(parent=self)
        log_group = aws.cloudwatch.LogGroup(f"{name}-flow", retention_in_days=retention_days, opts=child)
        writer = role(name, "flow", self)
        policy = aws.iam.RolePolicy(
            f"{name}-flow",
            role=writer.name,
            policy=self._documents.role_policy(
                f"{name}-flow",
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                            "Resource": pulumi.Output.concat(log_group.arn, ":*"),
                        }
                    ],
                },
            ),
            opts=child,
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=log_group.arn,
            iam_role_arn=writer.arn,
            max_aggregation_interval=_FLOW_LOG_INTERVAL_SECONDS,
            # Records that come before the permission are lost.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )


def without_public_addresses(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Takes back that awsx gives everything in a public subnet a public address: load balancer and NAT gateway, which
    alone are there, get theirs otherwise."""
    if args.type_ != "aws:ec2/subnet:Subnet":
        return None
    return pulumi.ResourceTransformResult({**args.props, "mapPublicIpOnLaunch": False}, args.opts)


def _door_problem(ports: Sequence[int], clients: Sequence[str] | None, container_port: int | None) -> str | None:
    given = {"listener_ports": ports, "allowed_ingress_cidrs": clients, "container_port": container_port}
    missing = [argument for argument, value in given.items() if not value]
    if len(missing) in (0, len(given)):
        return None
    return (
        f"{missing[0]}: got nothing with {' and '.join(argument for argument in given if argument not in missing)}, "
        "expected all three where there is a load balancer and none where there is none; complete or remove them"
    )


def rules_problem(
    allowed_ingress_cidrs: Sequence[str], listener_ports: Sequence[int], called: Names = as_is
) -> str | None:
    """Why the load balancer's security group cannot hold so many rules, in the caller's name of the argument."""
    ports = len(listener_ports)
    if len(allowed_ingress_cidrs) * ports <= _MOST_RULES:
        return None
    return (
        f"{called('allowed_ingress_cidrs')}: got {len(allowed_ingress_cidrs)} networks, expected at most "
        f"{_MOST_RULES // ports}, since a security group takes {_MOST_RULES} rules, one for each network and port; "
        "put neighbours together, or filter by a web ACL"
    )
