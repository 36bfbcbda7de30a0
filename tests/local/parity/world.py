"""The network and load balancers the scenarios stand on, made with boto3: Terraform would wait a minute for each."""

from __future__ import annotations

from typing import Any

from local.emulator import Emulator
from tests.local.emulator import REGION
from tests.local.parity.scenarios import LOAD_BALANCER

World = dict[str, dict[str, Any]]
"""Attributes by Terraform's address, as `Ref` names them."""


def make(emulated: Emulator) -> World:
    ec2, elb = emulated.client("ec2"), emulated.client("elbv2")
    world: World = {}
    for name, cidr in (("net", "10.80.0.0/16"), ("other", "10.81.0.0/16")):
        world[f"aws_vpc.{name}"] = {"id": ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]}
    vpc = world["aws_vpc.net"]["id"]
    for number, name in enumerate("acd"):
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.80.{number}.0/24", AvailabilityZone=REGION + name)
        world[f"aws_subnet.{name}"] = {"id": subnet["Subnet"]["SubnetId"]}
    for name in ("one", "two"):
        group = ec2.create_security_group(GroupName=f"parity-{name}", Description="parity", VpcId=vpc)
        world[f"aws_security_group.{name}"] = {"id": group["GroupId"]}
    subnets = [world["aws_subnet.a"]["id"], world["aws_subnet.c"]["id"]]
    for name in ("one", "two", "base"):
        made = elb.create_load_balancer(
            Name="parity-tf" if name == "base" else f"parity-{name}",
            Subnets=subnets,
            SecurityGroups=[world["aws_security_group.one"]["id"]],
            **({"Tags": [{"Key": k, "Value": v} for k, v in LOAD_BALANCER["tags"].items()]} if name == "base" else {}),
        )
        world[f"aws_lb.{name}"] = {"arn": made["LoadBalancers"][0]["LoadBalancerArn"]}
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=world["aws_lb.base"]["arn"],
        Attributes=[{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}],
    )
    return world
