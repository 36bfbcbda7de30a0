"""A network in which traffic goes one way: clients, load balancer, tasks, HTTPS outside."""

import contextlib
import json
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.checks import ArgumentError
from components.network import (
    TASK_ENDPOINT_SERVICES,
    Network,
    NetworkArgs,
    NetworkChoices,
    without_public_addresses,
)
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run

OUTPUTS = ("vpc_id", "public_subnet_ids", "private_subnet_ids", "load_balancer_security_group_id")
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def args(**changes: Any) -> NetworkArgs:
    values: dict[str, Any] = {"listener_ports": [80], "container_port": 8080, "allowed_ingress_cidrs": ["0.0.0.0/0"]}
    return NetworkArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        network = Network("shop", args(**changes))
        outputs = OUTPUTS if args(**changes).listener_ports else OUTPUTS[:-1]
        for name in (*outputs, "task_security_group_id", "endpoint_security_group_id"):
            pulumi.export(name, getattr(network, name))

    return run(program, preview=preview)


def test_it_makes_a_vpc_two_security_groups_and_their_rules() -> None:
    made = build(flow_log_retention_days=None)
    assert made.names == {
        ("h4b:network:Network", "shop"),
        ("awsx:ec2:Vpc", "shop"),
        ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "shop"),
        (ENDPOINT, "shop-s3"),
        ("aws:ec2/securityGroup:SecurityGroup", "shop-load-balancer"),
        ("aws:ec2/securityGroup:SecurityGroup", "shop-tasks"),
        (INGRESS, "shop-load-balancer-80-from-0.0.0.0-0"),
        (EGRESS, "shop-load-balancer-to-tasks"),
        (INGRESS, "shop-tasks-from-load-balancer"),
        (EGRESS, "shop-tasks-to-https"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:network:Network shop"}


def test_nothing_in_a_public_subnet_gets_a_public_address_by_itself() -> None:
    def transformed(type_: str) -> pulumi.ResourceTransformResult | None:
        given = {"cidrBlock": "10.0.0.0/24", "mapPublicIpOnLaunch": True}
        resource = pulumi.ResourceTransformArgs(True, type_, "public", given, pulumi.ResourceOptions())
        return without_public_addresses(resource)

    subnet = transformed("aws:ec2/subnet:Subnet")
    assert subnet is not None
    assert subnet.props == {"cidrBlock": "10.0.0.0/24", "mapPublicIpOnLaunch": False}
    assert transformed("aws:ec2/vpc:Vpc") is None


def test_without_a_load_balancer_there_is_no_security_group_for_one() -> None:
    made = build(listener_ports=(), allowed_ingress_cidrs=None, container_port=None)
    assert groups_and_rules(made) == {"shop-tasks", "shop-tasks-to-https"}
    assert "load_balancer_security_group_id" not in made.outputs


def test_without_addresses_of_their_own_tasks_have_no_security_group() -> None:
    made = build(own_addresses=False, endpoint_services=["logs"])
    assert groups_and_rules(made) == {
        "shop-load-balancer",
        "shop-load-balancer-80-from-0.0.0.0-0",
        "shop-endpoints",
    }
    assert made.outputs["task_security_group_id"] is None


def groups_and_rules(made: Run) -> set[str]:
    return {each.name for each in made.resources if each.type in (INGRESS, EGRESS) or ":SecurityGroup" in each.type}


def test_the_security_group_of_no_load_balancer_cannot_be_had() -> None:
    def program() -> None:
        network = Network("shop", NetworkArgs())
        with pytest.raises(ArgumentError) as refused:
            _ = network.load_balancer_security_group_id
        pulumi.export("told", str(refused.value))

    assert run(program).outputs["told"] == (
        "listener_ports: got none, expected the load balancer's; name them, it needs a way in"
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"container_port": None},
            "container_port: got nothing with listener_ports and allowed_ingress_cidrs, expected all three where "
            "there is a load balancer and none where there is none; complete or remove them",
        ),
        (
            {"listener_ports": [], "allowed_ingress_cidrs": None},
            "listener_ports: got nothing with container_port, expected all three where there is a load balancer and "
            "none where there is none; complete or remove them",
        ),
    ],
)
def test_half_a_way_to_the_tasks_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        args(**changes)
    assert str(refused.value) == f"NetworkArgs cannot be used:\n  - {problem}"


def test_the_vpc_has_a_public_and_a_private_subnet_in_each_of_two_zones() -> None:
    assert build().get("awsx:ec2:Vpc").inputs == {
        "cidrBlock": "10.0.0.0/16",
        "numberOfAvailabilityZones": 2,
        "enableDnsHostnames": True,
        "natGateways": {"strategy": "OnePerAz"},
        "subnetStrategy": "Auto",
        "subnetSpecs": [{"type": "Public"}, {"type": "Private"}],
    }


@pytest.mark.parametrize(
    ("nat_gateways", "strategy"), [("none", "None"), ("single", "Single"), ("one-per-zone", "OnePerAz")]
)
def test_the_way_out_is_chosen_by_name(nat_gateways: str, strategy: str) -> None:
    vpc = build(nat_gateways=nat_gateways, availability_zone_count=3, vpc_cidr="10.9.0.0/20").get("awsx:ec2:Vpc")
    assert vpc.inputs["natGateways"] == {"strategy": strategy}
    assert vpc.inputs["numberOfAvailabilityZones"] == 3
    assert vpc.inputs["cidrBlock"] == "10.9.0.0/20"


def test_the_default_security_group_is_emptied() -> None:
    assert build().get("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup").inputs == {"vpcId": "vpc-1"}


def test_security_groups_have_no_rules_but_the_separate_ones() -> None:
    for name in ("shop-load-balancer", "shop-tasks"):
        group = build().get("aws:ec2/securityGroup:SecurityGroup", name)
        assert group.inputs.keys() == {"vpcId", "description"}


@pytest.mark.parametrize(
    ("type_", "name", "group", "port", "peer"),
    [
        (INGRESS, "shop-load-balancer-80-from-0.0.0.0-0", "shop-load-balancer-id", 80, {"cidrIpv4": "0.0.0.0/0"}),
        (
            EGRESS,
            "shop-load-balancer-to-tasks",
            "shop-load-balancer-id",
            8080,
            {"referencedSecurityGroupId": "shop-tasks-id"},
        ),
        (
            INGRESS,
            "shop-tasks-from-load-balancer",
            "shop-tasks-id",
            8080,
            {"referencedSecurityGroupId": "shop-load-balancer-id"},
        ),
        (EGRESS, "shop-tasks-to-https", "shop-tasks-id", 443, {"cidrIpv4": "0.0.0.0/0"}),
    ],
)
def test_each_rule_opens_one_port_to_one_peer(
    type_: str, name: str, group: str, port: int, peer: dict[str, str]
) -> None:
    inputs = dict(build().get(type_, name).inputs)
    assert inputs.pop("description")
    assert inputs == {"securityGroupId": group, "ipProtocol": "tcp", "fromPort": port, "toPort": port, **peer}


def test_only_listed_clients_reach_the_load_balancer() -> None:
    made = build(allowed_ingress_cidrs=["192.0.2.0/24", "198.51.100.7/32"])
    from_clients = {each.name: each.inputs["cidrIpv4"] for each in made.resources if "cidrIpv4" in each.inputs}
    assert from_clients == {
        "shop-load-balancer-80-from-192.0.2.0-24": "192.0.2.0/24",
        "shop-load-balancer-80-from-198.51.100.7-32": "198.51.100.7/32",
        "shop-tasks-to-https": "0.0.0.0/0",
    }


def test_each_port_of_the_load_balancer_is_open_to_each_client() -> None:
    made = build(listener_ports=[80, 443], allowed_ingress_cidrs=["192.0.2.0/24", "198.51.100.7/32"])
    rules = [each.inputs for each in made.resources if "load-balancer-" in each.name and each.type == INGRESS]
    assert {(rule["fromPort"], rule["toPort"], rule["cidrIpv4"]) for rule in rules} == {
        (80, 80, "192.0.2.0/24"),
        (443, 443, "192.0.2.0/24"),
        (80, 80, "198.51.100.7/32"),
        (443, 443, "198.51.100.7/32"),
    }


def test_image_layers_come_from_s3_without_a_nat_gateway() -> None:
    assert build().get(ENDPOINT, "shop-s3").inputs == {
        "vpcId": "vpc-1",
        "vpcEndpointType": "Gateway",
        "serviceName": f"com.amazonaws.{REGION}.s3",
        "routeTableIds": ["rtb-0", "rtb-1"],
    }


def test_each_aws_service_that_is_named_gets_an_endpoint_in_every_zone() -> None:
    made = build(endpoint_services=TASK_ENDPOINT_SERVICES)
    assert {name for type_, name in made.names if type_ == ENDPOINT} == {
        "shop-s3",
        "shop-ecr-api",
        "shop-ecr-dkr",
        "shop-logs",
    }
    assert made.get(ENDPOINT, "shop-ecr-dkr").inputs == {
        "vpcId": "vpc-1",
        "vpcEndpointType": "Interface",
        "serviceName": f"com.amazonaws.{REGION}.ecr.dkr",
        "subnetIds": ["subnet-private-0", "subnet-private-1"],
        "securityGroupIds": ["shop-endpoints-id"],
        "privateDnsEnabled": True,
    }


def test_only_tasks_reach_the_endpoints() -> None:
    made = build(endpoint_services=["logs"])
    to_endpoints = made.get(EGRESS, "shop-tasks-to-endpoints").inputs
    from_tasks = made.get(INGRESS, "shop-endpoints-from-tasks").inputs
    assert (to_endpoints["securityGroupId"], to_endpoints["referencedSecurityGroupId"]) == (
        "shop-tasks-id",
        "shop-endpoints-id",
    )
    assert (from_tasks["securityGroupId"], from_tasks["referencedSecurityGroupId"]) == (
        "shop-endpoints-id",
        "shop-tasks-id",
    )
    assert {rule[port] for rule in (to_endpoints, from_tasks) for port in ("fromPort", "toPort")} == {443}


def test_with_endpoints_and_no_nat_gateway_tasks_reach_nothing_but_aws() -> None:
    made = build(endpoint_services=["logs"], nat_gateways="none")
    assert {name for type_, name in made.names if type_ == EGRESS and name.startswith("shop-tasks")} == {
        "shop-tasks-to-endpoints",
        "shop-tasks-to-s3",
    }
    to_s3 = dict(made.get(EGRESS, "shop-tasks-to-s3").inputs)
    assert to_s3.pop("description")
    assert to_s3 == {
        "securityGroupId": "shop-tasks-id",
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "prefixListId": "pl-shop-s3",
    }


@pytest.mark.parametrize("nat_gateways", ["single", "one-per-zone"])
def test_with_endpoints_and_a_nat_gateway_the_rest_of_the_world_stays_open(nat_gateways: str) -> None:
    made = build(endpoint_services=["logs"], nat_gateways=nat_gateways)
    assert (EGRESS, "shop-tasks-to-https") in made.names
    assert (EGRESS, "shop-tasks-to-s3") not in made.names


def test_every_connection_is_recorded() -> None:
    made = build(flow_log_retention_days=30)
    assert made.names - build(flow_log_retention_days=None).names == {
        ("aws:ec2/flowLog:FlowLog", "shop"),
        ("aws:cloudwatch/logGroup:LogGroup", "shop-flow"),
        ("aws:iam/role:Role", "shop-flow"),
        ("aws:iam/rolePolicy:RolePolicy", "shop-flow"),
    }
    flow_log = made.get("aws:ec2/flowLog:FlowLog")
    assert flow_log.inputs == {
        "vpcId": "vpc-1",
        "trafficType": "ALL",
        "logDestinationType": "cloud-watch-logs",
        "logDestination": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:shop-flow-1a2b3c4",
        "iamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/shop-flow-1a2b3c4",
        "maxAggregationInterval": 600,
    }
    assert "aws:iam/rolePolicy:RolePolicy shop-flow" in flow_log.depends_on
    assert made.get("aws:cloudwatch/logGroup:LogGroup").inputs == {"retentionInDays": 30}


def test_flow_logs_write_their_own_log_group_alone() -> None:
    made = build()
    assert json.loads(made.get("aws:iam/rolePolicy:RolePolicy").inputs["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:shop-flow-1a2b3c4:*",
        }
    ]


def test_outputs() -> None:
    made = build(endpoint_services=["logs"])
    assert made.outputs == {
        "vpc_id": "vpc-1",
        "public_subnet_ids": ["subnet-public-0", "subnet-public-1"],
        "private_subnet_ids": ["subnet-private-0", "subnet-private-1"],
        "load_balancer_security_group_id": "shop-load-balancer-id",
        "task_security_group_id": "shop-tasks-id",
        "endpoint_security_group_id": "shop-endpoints-id",
    }
    assert made.component_outputs["h4b:network:Network shop"] == {
        "vpcId",
        "publicSubnetIds",
        "privateSubnetIds",
        "loadBalancerSecurityGroupId",
        "taskSecurityGroupId",
        "endpointSecurityGroupId",
        "documents",
    }
    assert build().outputs["endpoint_security_group_id"] is None


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True, endpoint_services=TASK_ENDPOINT_SERVICES, nat_gateways="none")
    assert made.names == build(endpoint_services=TASK_ENDPOINT_SERVICES, nat_gateways="none").names
    assert set(made.outputs.values()) == {UNKNOWN}
    assert made.get(EGRESS, "shop-load-balancer-to-tasks").inputs["referencedSecurityGroupId"] == UNKNOWN


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(
            listener_ports=[0],
            allowed_ingress_cidrs=[],
            vpc_cidr="10.0.0.0/8",
            availability_zone_count=1,
            nat_gateways="one",
            endpoint_services=["com.amazonaws.eu-west-1:s3"],
            flow_log_retention_days=2,
        )
    assert str(refused.value) == (
        "NetworkArgs cannot be used:\n"
        "  - vpc_cidr: got '10.0.0.0/8', expected an IPv4 network with a prefix from /16 to /28 and no host bits, of "
        "addresses that hosts can have; "
        "choose a private range that overlaps with no network you want to reach from here\n"
        "  - availability_zone_count: got 1, expected a whole number from 2 to 6; "
        "choose at least two zones, and no more than the region offers (most offer three)\n"
        "  - nat_gateways: got 'one', expected one of none, single, one-per-zone; "
        "choose how tasks reach ECR and CloudWatch Logs\n"
        "  - flow_log_retention_days: got 2, expected one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, "
        "731, 1096, 1827, 2192, 2557, 2922, 3288, 3653; choose a number of days that CloudWatch Logs knows\n"
        "  - listener_ports: got [0], expected a list, without repetition, of: "
        "a whole number from 1 to 65535; choose TCP ports\n"
        "  - allowed_ingress_cidrs: got [], expected a list, not empty and without repetition, of: "
        "an IPv4 network with a prefix from /0 to /32 and no host bits, of addresses that hosts can "
        "have; "
        'list the networks of your clients, or ["0.0.0.0/0"] for everybody\n'
        "  - endpoint_services: got ['com.amazonaws.eu-west-1:s3'], expected a list, without repetition, of: "
        "the end of an AWS service's endpoint name; "
        "write what follows com.amazonaws.<region>. in the service's endpoint name, for instance ecr.api"
    )


def test_a_vpc_too_small_for_its_subnets_is_refused() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(vpc_cidr="10.0.0.0/25", availability_zone_count=3)
    assert str(refused.value) == (
        "NetworkArgs cannot be used:\n"
        "  - vpc_cidr: got '10.0.0.0/25' with availability_zone_count 3, expected a prefix from /16 to /24; "
        "choose a larger range or fewer zones, each zone needs two subnets of at least /27"
    )


@given(st.integers(16, 28), st.integers(2, 6))
def test_a_vpc_is_large_enough_if_each_zone_gets_two_subnets_of_32_addresses(prefix: int, zones: int) -> None:
    # Subnets are powers of two, so the zones share the VPC as the next power of two would.
    shares = next(power for power in (2, 4, 8) if power >= zones) * 2
    fits = 2 ** (32 - prefix) // shares >= 32
    with contextlib.nullcontext() if fits else pytest.raises(ArgumentError, match="vpc_cidr: got"):
        NetworkChoices(vpc_cidr=f"10.0.0.0/{prefix}", availability_zone_count=zones)
