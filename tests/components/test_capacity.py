"""Instances that come and go with the tasks, and that nobody can enter."""

import base64
import json
from typing import Any

import pulumi
import pytest

from components.capacity import Ec2Capacity, Ec2CapacityArgs, InstancesArgs, instance_type_problem, user_data
from components.checks import ArgumentError
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run, unknown

CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop-1"
GROUP, TEMPLATE = "aws:autoscaling/group:Group", "aws:ec2/launchTemplate:LaunchTemplate"


def instances(**changes: Any) -> InstancesArgs:
    values: dict[str, Any] = {
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "instance_type": "t3.small",
        "cpu_architecture": "X86_64",
        "max_size": 4,
    }
    return InstancesArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        upstream = {"vpc_id": unknown(), "subnet_ids": unknown()} if preview else {}
        name, arn = (unknown(), unknown()) if preview else ("shop-1", CLUSTER)
        args = Ec2CapacityArgs(cluster_arn=arn, cluster_name=name, instances=instances(**upstream | changes))
        pulumi.export("name", Ec2Capacity("shop", args).capacity_provider_name)

    return run(program, preview=preview)


def test_it_makes_a_group_of_instances_with_a_role_and_a_capacity_provider() -> None:
    made = build()
    assert made.names == {
        ("h4b:capacity:Ec2Capacity", "shop"),
        ("aws:iam/role:Role", "shop-instance"),
        ("aws:iam/rolePolicy:RolePolicy", "shop-instance"),
        ("aws:iam/instanceProfile:InstanceProfile", "shop-instance"),
        ("aws:ec2/securityGroup:SecurityGroup", "shop-instances"),
        ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "shop-instances-to-https"),
        (TEMPLATE, "shop-instance"),
        (GROUP, "shop"),
        ("aws:ecs/capacityProvider:CapacityProvider", "shop"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:capacity:Ec2Capacity shop"}


def test_instances_reach_the_endpoints_of_their_vpc() -> None:
    made = build(endpoint_security_group_id="sg-endpoints")
    egress = made.get("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "shop-instances-to-endpoints").inputs
    ingress = made.get("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs
    assert (egress["securityGroupId"], egress["referencedSecurityGroupId"]) == ("shop-instances-id", "sg-endpoints")
    assert (ingress["securityGroupId"], ingress["referencedSecurityGroupId"]) == ("sg-endpoints", "shop-instances-id")
    assert {rule[port] for rule in (egress, ingress) for port in ("fromPort", "toPort")} == {443}


def test_ecs_scales_drains_and_protects_the_instances() -> None:
    assert build().get("aws:ecs/capacityProvider:CapacityProvider").inputs == {
        "autoScalingGroupProvider": {
            "autoScalingGroupArn": f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:1:shop",
            "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
            "managedDraining": "ENABLED",
            "managedTerminationProtection": "ENABLED",
        }
    }


def test_the_group_protects_from_scale_in_and_replaces_instances_when_the_template_changes() -> None:
    assert build(min_size=1).get(GROUP).inputs == {
        "vpcZoneIdentifiers": ["subnet-1", "subnet-2"],
        "minSize": 1,
        "maxSize": 4,
        "launchTemplate": {"id": "shop-instance-id", "version": "3"},
        "protectFromScaleIn": True,
        "instanceRefresh": {
            "strategy": "Rolling",
            "preferences": {
                "minHealthyPercentage": 100,
                "maxHealthyPercentage": 200,
                "scaleInProtectedInstances": "Refresh",
            },
        },
        "tags": [
            {"key": "AmazonECSManaged", "value": "true", "propagateAtLaunch": True},
            {"key": "Name", "value": "shop", "propagateAtLaunch": False},
        ],
    }


def test_without_tasks_there_is_no_instance() -> None:
    assert build().get(GROUP).inputs["minSize"] == 0


def test_how_many_run_is_decided_by_ecs() -> None:
    assert "desiredCapacity" not in build().get(GROUP).inputs


def test_an_instance_is_encrypted_and_keeps_its_credentials_from_containers() -> None:
    template = dict(build().get(TEMPLATE).inputs)
    del template["userData"]
    assert template == {
        "description": "An instance of the cluster",
        "imageId": "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id",
        "instanceType": "t3.small",
        "updateDefaultVersion": True,
        "iamInstanceProfile": {"arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/shop-instance-1a2b3c4"},
        "vpcSecurityGroupIds": ["shop-instances-id"],
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {"encrypted": "true", "volumeType": "gp3", "volumeSize": 30, "deleteOnTermination": "true"},
            }
        ],
        "tagSpecifications": [{"resourceType": kind, "tags": {"Name": "shop"}} for kind in ("instance", "volume")],
    }


def test_instances_and_volumes_carry_the_tags() -> None:
    specifications = build(tags={"stack": "dev"}).get(TEMPLATE).inputs["tagSpecifications"]
    assert [each["tags"] for each in specifications] == [{"Name": "shop", "stack": "dev"}] * 2


def test_an_instance_joins_this_cluster() -> None:
    encoded = build().get(TEMPLATE).inputs["userData"]
    assert encoded == user_data("shop-1")
    assert base64.b64decode(encoded).decode() == (
        "#!/bin/bash\n"
        "cat >> /etc/ecs/ecs.config <<'END'\n"
        "ECS_CLUSTER=shop-1\n"
        "ECS_AWSVPC_BLOCK_IMDS=true\n"
        "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true\n"
        "END\n"
    )


def test_the_image_is_for_the_processor() -> None:
    template = build(instance_type="t4g.small", cpu_architecture="ARM64").get(TEMPLATE).inputs
    assert (
        template["imageId"] == "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"
    )


def test_the_agent_may_speak_for_instances_of_this_cluster_only() -> None:
    made = build()
    trust = json.loads(made.get("aws:iam/role:Role").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    statements = json.loads(made.get("aws:iam/rolePolicy:RolePolicy").inputs["policy"])["Statement"]
    assert {each["Resource"]: each["Action"] for each in statements} == {
        "*": "ecs:DiscoverPollEndpoint",
        CLUSTER: [
            "ecs:DeregisterContainerInstance",
            "ecs:RegisterContainerInstance",
            "ecs:SubmitAttachmentStateChanges",
            "ecs:SubmitContainerStateChange",
            "ecs:SubmitTaskStateChange",
        ],
        f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/shop-1/*": [
            "ecs:Poll",
            "ecs:StartTelemetrySession",
            "ecs:UpdateContainerInstancesState",
        ],
    }


def test_no_instance_starts_before_its_role_may_register_it() -> None:
    made = build()
    assert (
        "aws:iam/rolePolicy:RolePolicy shop-instance" in made.get("aws:iam/instanceProfile:InstanceProfile").depends_on
    )


def test_nothing_reaches_the_instances_and_they_reach_https() -> None:
    made = build()
    assert made.get("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule").inputs["toPort"] == 443
    assert not [each for each in made.resources if "Ingress" in each.type]


def test_in_network_mode_bridge_the_load_balancer_reaches_the_ports_that_docker_gives() -> None:
    made = build(load_balancer_security_group_id="sg-lb")
    ingress = made.get("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs
    egress = made.get(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "shop-load-balancer-to-instances"
    ).inputs
    assert (ingress["securityGroupId"], ingress["referencedSecurityGroupId"]) == ("shop-instances-id", "sg-lb")
    assert (egress["securityGroupId"], egress["referencedSecurityGroupId"]) == ("sg-lb", "shop-instances-id")
    for rule in (ingress, egress):
        assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 32768, 60999)


def test_outputs() -> None:
    made = build()
    assert made.outputs == {"name": "shop-1a2b3c4"}
    assert made.component_outputs == {"h4b:capacity:Ec2Capacity shop": {"capacityProviderName", "documents"}}


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.outputs == {"name": UNKNOWN}
    assert made.get(TEMPLATE).inputs["userData"] == UNKNOWN
    assert made.get(GROUP).inputs["maxSize"] == 4


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        instances(instance_type="small", max_size=-1, cpu_architecture="arm64")
    assert str(refused.value) == (
        "InstancesArgs cannot be used:\n"
        "  - instance_type: got 'small', expected an EC2 instance type; "
        "choose one that the region offers, for instance t3.medium or t4g.medium\n"
        "  - max_size: got -1, expected a whole number from 0 to 5000; choose how many instances there may be\n"
        "  - cpu_architecture: got 'arm64', expected one of X86_64, ARM64; "
        "choose the processor that the image is built for"
    )


def test_contradictions_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        instances(instance_type="t4g.small", min_size=5)
    assert str(refused.value) == (
        "InstancesArgs cannot be used:\n"
        "  - instance_type: got 't4g.small', which is ARM64, expected a type with the X86_64 of cpu_architecture; "
        "change one of the two\n"
        "  - max_size: got 4 with min_size 5, expected at least 5; change one of the two"
    )


@pytest.mark.parametrize(
    ("instance_type", "processor"),
    [
        ("t3.medium", "X86_64"),
        ("m7i-flex.large", "X86_64"),
        ("g4dn.xlarge", "X86_64"),
        ("g6.xlarge", "X86_64"),
        ("u-6tb1.metal", "X86_64"),
        ("t4g.medium", "ARM64"),
        ("a1.large", "ARM64"),
        ("c7gn.large", "ARM64"),
        ("g5g.xlarge", "ARM64"),
        ("im4gn.large", "ARM64"),
        ("is4gen.large", "ARM64"),
        ("r8gd.metal-24xl", "ARM64"),
    ],
)
def test_which_processor_an_instance_type_has(instance_type: str, processor: str) -> None:
    other = {"X86_64": "ARM64", "ARM64": "X86_64"}[processor]
    assert instance_type_problem(instance_type, processor) is None
    assert instance_type_problem(instance_type, other) is not None
