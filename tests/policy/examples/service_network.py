from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    missing,
    not_applicable,
    passes,
    resource,
    service,
    target_group,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import Mutant, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

AWSVPC = task_definition(networkMode="awsvpc")
BRIDGE = task_definition(networkMode="bridge")
NETWORK = {"subnets": ["subnet-1"]}


def placed(**configuration: Any) -> Resources:
    return {
        "vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16"),
        "second": resource("aws:ec2/vpc:Vpc", cidrBlock="10.1.0.0/16"),
        "a": resource("aws:ec2/subnet:Subnet", vpcId="${vpc.id}"),
        "b": resource("aws:ec2/subnet:Subnet", vpcId="${vpc.id}"),
        "other": resource("aws:ec2/subnet:Subnet", vpcId="${second.id}"),
        "sg": resource("aws:ec2/securityGroup:SecurityGroup", vpcId="${second.id}"),
        "own": resource("aws:ec2/securityGroup:SecurityGroup", vpcId="${vpc.id}"),
        "web": service(networkConfiguration=configuration),
    }


def used(kind: str, group: str, groups: str = "securityGroups", **properties: Any) -> Resources:
    """Something in subnet `a` with a security group: of its VPC, of another one, or of the default VPC."""
    properties = properties if {"subnetId", "subnetIds"} & properties.keys() else {"subnets": ["${a.id}"], **properties}
    return {
        **placed(),
        "nowhere": resource("aws:ec2/securityGroup:SecurityGroup"),
        "it": resource(kind, **{**properties, groups: [f"${{{group}.id}}"]}),
    }


def crowded() -> dict[str, Any]:
    configuration: dict[str, Any] = good_stacks.FARGATE["web"]["properties"]["networkConfiguration"]
    return {**configuration, "securityGroups": ["${taskSg.id}"] * 6}


EXAMPLES = {
    "SV-01": [
        violates(
            "awsvpc without a network configuration",
            {"app": AWSVPC, "web": service(taskDefinition="${app.arn}")},
            at={"web.networkConfiguration"},
            says=(
                "Service 'web' networkConfiguration: got nothing, expected subnets and security groups, since "
                "TaskDefinition 'app' uses awsvpc; set networkConfiguration"
            ),
        ),
        violates(
            "bridge with one",
            {"app": BRIDGE, "web": service(taskDefinition="${app.arn}", networkConfiguration=NETWORK)},
            at={"web.networkConfiguration"},
        ),
        passes(
            "awsvpc with one",
            {"app": AWSVPC, "web": service(taskDefinition="${app.arn}", networkConfiguration=NETWORK)},
        ),
        passes("bridge without", {"app": BRIDGE, "web": service(taskDefinition="${app.arn}")}),
        missing(
            "no network mode: bridge",
            {"app": task_definition(), "web": service(taskDefinition="${app.arn}", networkConfiguration=NETWORK)},
            at={"web.networkConfiguration"},
        ),
        unknown(
            "unknown network mode",
            {"app": task_definition(networkMode=not_known()), "web": service(taskDefinition="${app.arn}")},
            not_evaluated={"app.networkMode"},
        ),
        not_applicable("no task definition", {"web": service(networkConfiguration=NETWORK)}),
    ],
    "SV-02": [
        violates(
            "six security groups",
            placed(subnets=["${a.id}"], securityGroups=["${own.id}"] * 6),
            at={"web.networkConfiguration.securityGroups"},
            says=(
                "Service 'web' networkConfiguration.securityGroups: got ["
                + ", ".join(['"securitygroup-own"'] * 6)
                + "], expected 0 to 5 of them, not 6; remove some"
            ),
        ),
        violates(
            "subnets of two VPCs",
            placed(subnets=["${a.id}", "${other.id}"]),
            at={"web.networkConfiguration.subnets"},
        ),
        violates(
            "a security group of another VPC, in a first preview",
            placed(subnets=["${a.id}"], securityGroups=["${sg.id}"]),
            at={"web.networkConfiguration.securityGroups"},
            preview=True,
        ),
        violates(
            "a target group of another VPC",
            {
                **placed(subnets=["${a.id}"]),
                "group": target_group(vpcId="${second.id}"),
                "web": service(
                    networkConfiguration={"subnets": ["${a.id}"]}, loadBalancers=[{"targetGroupArn": "${group.arn}"}]
                ),
            },
            at={"web.loadBalancers"},
        ),
        violates(
            "a group of the default VPC",
            {
                **placed(subnets=["${a.id}"], securityGroups=["${nowhere.id}"]),
                "nowhere": resource("aws:ec2/securityGroup:SecurityGroup"),
            },
            at={"web.networkConfiguration.securityGroups"},
        ),
        passes("one VPC", placed(subnets=["${a.id}", "${b.id}"])),
        passes(
            "the VPC of another stack, by its id",
            {
                "a": resource("aws:ec2/subnet:Subnet", vpcId="vpc-1"),
                "sg": resource("aws:ec2/securityGroup:SecurityGroup", vpcId="vpc-1"),
                "web": service(networkConfiguration={"subnets": ["${a.id}"], "securityGroups": ["${sg.id}"]}),
            },
        ),
        missing("no subnets", placed(subnets=[]), at={"web.networkConfiguration.subnets"}),
        unknown(
            "subnets of another stack",
            placed(subnets=[not_known()]),
            not_evaluated={"web.networkConfiguration.subnets[0]"},
        ),
        not_applicable("no network configuration", {"web": service()}),
    ],
    "SV-03": [
        violates(
            "a public address",
            {"web": service(launchType="FARGATE", networkConfiguration={**NETWORK, "assignPublicIp": True})},
            at={"web.networkConfiguration.assignPublicIp"},
            says=(
                "Service 'web' networkConfiguration.assignPublicIp: got true, expected false; set assignPublicIp to "
                "false, and give private subnets a NAT gateway or endpoints"
            ),
        ),
        passes(
            "none", {"web": service(launchType="FARGATE", networkConfiguration={**NETWORK, "assignPublicIp": False})}
        ),
        violates(
            "a public address, wherever it runs",
            {
                "web": service(
                    cluster="arn:aws:ecs:ap-northeast-1:123456789012:cluster/other",
                    networkConfiguration={**NETWORK, "assignPublicIp": True},
                )
            },
            at={"web.networkConfiguration.assignPublicIp"},
        ),
        missing("not said: none", {"web": service(launchType="FARGATE", networkConfiguration=NETWORK)}),
        unknown(
            "unknown",
            {"web": service(launchType="FARGATE", networkConfiguration={**NETWORK, "assignPublicIp": not_known()})},
            not_evaluated={"web.networkConfiguration.assignPublicIp"},
        ),
        not_applicable(
            "EC2", {"web": service(launchType="EC2", networkConfiguration={**NETWORK, "assignPublicIp": True})}
        ),
    ],
    "SV-03b": [
        violates(
            "a public address",
            {"web": service(launchType="EC2", networkConfiguration={**NETWORK, "assignPublicIp": True})},
            at={"web.networkConfiguration.assignPublicIp"},
            says=(
                "Service 'web' networkConfiguration.assignPublicIp: got true, expected false on EC2; remove "
                "assignPublicIp"
            ),
        ),
        passes("none", {"web": service(launchType="EC2", networkConfiguration={**NETWORK, "assignPublicIp": False})}),
        missing("not said: none", {"web": service(launchType="EC2", networkConfiguration=NETWORK)}),
        unknown(
            "an unknown launch type",
            {"web": service(launchType=not_known(), networkConfiguration={**NETWORK, "assignPublicIp": True})},
            not_evaluated={"web.launchType"},
        ),
        not_applicable(
            "Fargate", {"web": service(launchType="FARGATE", networkConfiguration={**NETWORK, "assignPublicIp": True})}
        ),
    ],
    "VP-01": [
        violates(
            "a load balancer with a group of the default VPC",
            used("aws:lb/loadBalancer:LoadBalancer", "nowhere"),
            at={"it.securityGroups"},
            says=(
                "LoadBalancer 'it' securityGroups: got [\"securitygroup-nowhere\"], expected all in the "
                "VPC of Subnet 'a', unlike SecurityGroup 'nowhere'; choose one of the same VPC"
            ),
        ),
        violates(
            "with one of another VPC",
            used("aws:lb/loadBalancer:LoadBalancer", "sg"),
            at={"it.securityGroups"},
            preview=True,
        ),
        violates(
            "a mount target",
            used("aws:efs/mountTarget:MountTarget", "sg", subnetId="${a.id}"),
            at={"it.securityGroups"},
        ),
        violates(
            "an endpoint of the VPC",
            used("aws:ec2/vpcEndpoint:VpcEndpoint", "nowhere", groups="securityGroupIds", subnetIds=["${a.id}"]),
            at={"it.securityGroupIds"},
        ),
        violates(
            "instances",
            {
                **placed(),
                "template": resource("aws:ec2/launchTemplate:LaunchTemplate", vpcSecurityGroupIds=["${sg.id}"]),
                "it": resource(
                    "aws:autoscaling/group:Group",
                    launchTemplate={"id": "${template.id}"},
                    vpcZoneIdentifiers=["${a.id}"],
                ),
            },
            at={"template.vpcSecurityGroupIds"},
        ),
        passes("of the same VPC", used("aws:lb/loadBalancer:LoadBalancer", "own")),
        passes(
            "both in the default VPC",
            {
                "a": resource("aws:ec2/defaultSubnet:DefaultSubnet", availabilityZone="eu-west-1a"),
                "nowhere": resource("aws:ec2/securityGroup:SecurityGroup"),
                "it": resource(
                    "aws:lb/loadBalancer:LoadBalancer", subnets=["${a.id}"], securityGroups=["${nowhere.id}"]
                ),
            },
        ),
        passes("an internal one of the same VPC", used("aws:lb/loadBalancer:LoadBalancer", "own", internal=True)),
        missing("no groups", {**placed(), "it": resource("aws:lb/loadBalancer:LoadBalancer", subnets=["${a.id}"])}),
        unknown(
            "a group of another stack",
            {
                **placed(),
                "it": resource("aws:lb/loadBalancer:LoadBalancer", subnets=["${a.id}"], securityGroups=[not_known()]),
            },
            not_evaluated={"it.securityGroups[0]"},
        ),
        unknown(
            "a VPC that may be the default one",
            {
                "a": resource("aws:ec2/subnet:Subnet", vpcId="vpc-9"),
                "nowhere": resource("aws:ec2/securityGroup:SecurityGroup"),
                "it": resource(
                    "aws:lb/loadBalancer:LoadBalancer", subnets=["${a.id}"], securityGroups=["${nowhere.id}"]
                ),
            },
            not_evaluated={"nowhere.vpcId"},
        ),
        not_applicable("no subnets", {"it": resource("aws:lb/loadBalancer:LoadBalancer", securityGroups=[])}),
    ],
}

MUTANTS = {
    "VP-01": [
        mutant(
            "a second group, of the default VPC",
            {
                **good_stacks.FARGATE,
                "stray": resource("aws:ec2/securityGroup:SecurityGroup", description="stray"),
            },
            "alb",
            securityGroups=["${albSg.id}", "${stray.id}"],
        )
    ],
    "SV-01": [
        mutant("none under awsvpc", good_stacks.FARGATE, "web", networkConfiguration=None),
        mutant("one under bridge", good_stacks.EC2, "web", networkConfiguration={"subnets": ["${privateA.id}"]}),
    ],
    "SV-02": [
        mutant("six groups", good_stacks.FARGATE, "web", networkConfiguration=crowded()),
    ],
    "SV-03b": [
        Mutant(
            "on EC2",
            {
                **mutant("", good_stacks.EC2, "app", networkMode="awsvpc").resources,
                "group": mutant("", good_stacks.EC2, "group", targetType="ip").resources["group"],
                "web": mutant(
                    "",
                    good_stacks.EC2,
                    "web",
                    networkConfiguration={
                        **good_stacks.FARGATE["web"]["properties"]["networkConfiguration"],
                        "assignPublicIp": True,
                    },
                ).resources["web"],
            },
        )
    ],
}
