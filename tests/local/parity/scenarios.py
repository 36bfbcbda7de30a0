"""What is compared: for each type a resource, and one change at a time, in Pulumi's names.

`{side}` in a text becomes `tf` or `local`, so that both make a resource of their own in the same emulator.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.local.emulator import REGION


@dataclass(frozen=True)
class Ref:
    """An attribute of what scenarios stand on (`PREREQUISITES`, `world.py`), in Terraform's words: `aws_vpc.net.id`."""

    address: str


@dataclass(frozen=True)
class Sided:
    """A value of each side's own."""

    tf: Any
    local: Any


@dataclass(frozen=True)
class Scenario:
    token: str
    """Pulumi's type."""
    terraform: str
    """Terraform's."""
    inputs: Mapping[str, Any]
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name -> the properties that get another value; None takes one away."""
    refused: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name -> properties that neither side may accept."""


def _trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _allow(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _answer(status: str) -> dict[str, Any]:
    response = {"contentType": "text/plain", "messageBody": "no", "statusCode": status}
    return {"type": "fixed-response", "fixedResponse": response}


def _expire(days: int) -> str:
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def _containers(image: str, **more: Any) -> str:
    ports = [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]
    container = {"name": "web", "image": image, "essential": True, "portMappings": ports, **more}
    return json.dumps([container])


PREREQUISITES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "aws_internet_gateway": {"net": {"vpc_id": Ref("aws_vpc.net.id")}},
    "aws_route_table": {"one": {"vpc_id": Ref("aws_vpc.net.id")}, "two": {"vpc_id": Ref("aws_vpc.net.id")}},
    "aws_eip": {"nat": {"domain": "vpc"}, "spare": {"domain": "vpc"}, "other": {"domain": "vpc"}},
    "aws_ecr_repository": {
        "one": {"name": "parity-one"},
        "two": {"name": "parity-two"},
        "policy": {"name": "parity-p"},
    },
    "aws_ecs_cluster": {"one": {"name": "parity-one"}, "two": {"name": "parity-two"}},
    "aws_ecs_task_definition": {
        "one": {
            "family": "parity-one",
            "container_definitions": _containers("nginx:1"),
            "requires_compatibilities": ["FARGATE", "EC2"],
            "network_mode": "awsvpc",
            "cpu": "256",
            "memory": "512",
        },
    },
    "aws_iam_role": {
        "one": {"name": "parity-one", "assume_role_policy": _trust("ecs-tasks.amazonaws.com")},
        "two": {"name": "parity-two", "assume_role_policy": _trust("ecs-tasks.amazonaws.com")},
    },
    "aws_lb_target_group": {
        name: {
            "name": f"parity-{name}",
            "port": 80,
            "protocol": "HTTP",
            "target_type": "ip",
            "vpc_id": Ref("aws_vpc.net.id"),
        }
        for name in ("one", "two")
    },
    "aws_lb_listener": {
        name: {
            "load_balancer_arn": Ref(f"aws_lb.{name}.arn"),
            "port": 80,
            "protocol": "HTTP",
            "default_action": [{"type": "forward", "target_group_arn": Ref("aws_lb_target_group.one.arn")}],
        }
        for name in ("one", "two")
    },
}

_NETWORKED = {
    "subnets": [Ref("aws_subnet.a.id"), Ref("aws_subnet.c.id")],
    "securityGroups": [Ref("aws_security_group.one.id")],
}
_FORWARD = {"type": "forward", "targetGroupArn": Ref("aws_lb_target_group.one.arn")}
_TAGS = {"tags": {"team": "web", "stage": "x"}}
_RETAGGED = {"tags": {"team": "api"}}

LOAD_BALANCER: Mapping[str, Any] = {
    "name": "parity-{side}",
    "subnets": [Ref("aws_subnet.a.id"), Ref("aws_subnet.c.id")],
    "securityGroups": [Ref("aws_security_group.one.id")],
    "dropInvalidHeaderFields": True,
    **_TAGS,
}
SCENARIOS = [
    Scenario(
        "aws:ecr/repository:Repository",
        "aws_ecr_repository",
        {
            "name": "parity-{side}",
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "AES256"}],
            "forceDelete": True,
            **_TAGS,
        },
        {
            "name": {"name": "parity-{side}-2"},
            "imageTagMutability": {"imageTagMutability": "MUTABLE"},
            "imageTagMutability removed": {"imageTagMutability": None},
            "scanOnPush": {"imageScanningConfiguration": {"scanOnPush": False}},
            "scanning removed": {"imageScanningConfiguration": None},
            "encryptionType": {"encryptionConfigurations": [{"encryptionType": "KMS"}]},
            "encryption removed": {"encryptionConfigurations": None},
            "forceDelete": {"forceDelete": False},
            "tags": _RETAGGED,
            "tags removed": {"tags": None},
        },
        {
            "imageTagMutability": {"imageTagMutability": "SOMETIMES"},
            "encryptionType": {"encryptionConfigurations": [{"encryptionType": "ROT13"}]},
        },
    ),
    Scenario(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws_ecr_lifecycle_policy",
        {
            "repository": Sided(Ref("aws_ecr_repository.one.name"), Ref("aws_ecr_repository.two.name")),
            "policy": _expire(7),
        },
        {
            "policy": {"policy": _expire(8)},
            "policy spelled differently": {"policy": json.dumps(json.loads(_expire(7)), indent=2)},
            "repository": {"repository": Ref("aws_ecr_repository.policy.name")},
        },
        {"policy": {"policy": "not json"}},
    ),
    Scenario(
        "aws:ecs/cluster:Cluster",
        "aws_ecs_cluster",
        {"name": "parity-{side}", "settings": [{"name": "containerInsights", "value": "enabled"}], **_TAGS},
        {
            "name": {"name": "parity-{side}-2"},
            "settings": {"settings": [{"name": "containerInsights", "value": "disabled"}]},
            "settings removed": {"settings": None},
            "configuration": {"configuration": {"executeCommandConfiguration": {"logging": "DEFAULT"}}},
            "tags": _RETAGGED,
        },
        {
            "setting name": {"settings": [{"name": "insights", "value": "enabled"}]},
            "name": {"name": "with space"},
        },
    ),
    Scenario(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "aws_ecs_cluster_capacity_providers",
        {
            "clusterName": Sided(Ref("aws_ecs_cluster.one.name"), Ref("aws_ecs_cluster.two.name")),
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1, "base": 1}],
        },
        {
            "clusterName": {"clusterName": Sided(Ref("aws_ecs_cluster.two.name"), Ref("aws_ecs_cluster.one.name"))},
            "capacityProviders": {"capacityProviders": ["FARGATE"]},
            "capacityProviders reordered": {"capacityProviders": ["FARGATE_SPOT", "FARGATE"]},
            "strategy": {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]},
            "strategy removed": {"defaultCapacityProviderStrategies": None},
        },
        {"weight": {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1001}]}},
    ),
    Scenario(
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws_ecs_task_definition",
        {
            "family": "parity-{side}",
            "containerDefinitions": _containers(
                "nginx:1", environment=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]
            ),
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": Ref("aws_iam_role.one.arn"),
            "taskRoleArn": Ref("aws_iam_role.one.arn"),
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            **_TAGS,
        },
        {
            "family": {"family": "parity-{side}-2"},
            "image": {
                "containerDefinitions": _containers(
                    "nginx:2", environment=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]
                )
            },
            "environment reordered": {
                "containerDefinitions": _containers(
                    "nginx:1", environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
                )
            },
            "defaults spelled out": {
                "containerDefinitions": _containers(
                    "nginx:1",
                    environment=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                    cpu=0,
                    mountPoints=[],
                    volumesFrom=[],
                    systemControls=[],
                )
            },
            "essential left out": {
                "containerDefinitions": json.dumps(
                    [
                        {
                            "name": "web",
                            "image": "nginx:1",
                            "portMappings": [{"containerPort": 80}],
                            "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                        }
                    ]
                )
            },
            "readonlyRootFilesystem": {
                "containerDefinitions": _containers(
                    "nginx:1",
                    environment=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                    readonlyRootFilesystem=True,
                )
            },
            "cpu": {"cpu": "512", "memory": "1024"},
            "requiresCompatibilities": {"requiresCompatibilities": ["FARGATE", "EC2"]},
            "executionRoleArn": {"executionRoleArn": Ref("aws_iam_role.two.arn")},
            "taskRoleArn": {"taskRoleArn": Ref("aws_iam_role.two.arn")},
            "runtimePlatform": {"runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}},
            "ephemeralStorage": {"ephemeralStorage": {"sizeInGib": 30}},
            "tags": _RETAGGED,
        },
        {
            "containerDefinitions": {"containerDefinitions": "not json"},
            "networkMode": {"networkMode": "nat"},
            "ephemeralStorage": {"ephemeralStorage": {"sizeInGib": 20}},
        },
    ),
    Scenario(
        "aws:ecs/service:Service",
        "aws_ecs_service",
        {
            "name": "parity-{side}",
            "cluster": Ref("aws_ecs_cluster.one.arn"),
            "taskDefinition": Ref("aws_ecs_task_definition.one.arn"),
            "launchType": "FARGATE",
            "desiredCount": 0,
            "networkConfiguration": _NETWORKED,
            "loadBalancers": [
                {"targetGroupArn": Ref("aws_lb_target_group.one.arn"), "containerName": "web", "containerPort": 80}
            ],
            "healthCheckGracePeriodSeconds": 30,
            "deploymentMaximumPercent": 200,
            "deploymentMinimumHealthyPercent": 100,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "deploymentController": {"type": "ECS"},
            "availabilityZoneRebalancing": "ENABLED",
            "propagateTags": "SERVICE",
            "enableEcsManagedTags": True,
            **_TAGS,
        },
        {
            "name": {"name": "parity-{side}-2"},
            "cluster": {"cluster": Ref("aws_ecs_cluster.two.arn")},
            "taskDefinition": {"taskDefinition": "parity-one:7"},
            "launchType": {"launchType": "EC2"},
            "capacityProviderStrategies": {
                "launchType": None,
                "forceNewDeployment": True,
                "capacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
            },
            "desiredCount": {"desiredCount": 3},
            "subnets": {"networkConfiguration": {**_NETWORKED, "subnets": [Ref("aws_subnet.d.id")]}},
            "assignPublicIp": {"networkConfiguration": {**_NETWORKED, "assignPublicIp": True}},
            "targetGroup": {
                "loadBalancers": [
                    {"targetGroupArn": Ref("aws_lb_target_group.two.arn"), "containerName": "web", "containerPort": 80}
                ]
            },
            "loadBalancers removed": {"loadBalancers": None, "healthCheckGracePeriodSeconds": None},
            "healthCheckGracePeriodSeconds": {"healthCheckGracePeriodSeconds": 60},
            "deployment percents": {"deploymentMaximumPercent": 150, "deploymentMinimumHealthyPercent": 50},
            "circuit breaker": {"deploymentCircuitBreaker": {"enable": True, "rollback": False}},
            "circuit breaker removed": {"deploymentCircuitBreaker": None},
            "controller": {"deploymentController": {"type": "EXTERNAL"}},
            "rebalancing": {"availabilityZoneRebalancing": "DISABLED"},
            "propagateTags": {"propagateTags": "TASK_DEFINITION"},
            "enableEcsManagedTags": {"enableEcsManagedTags": False},
            "enableExecuteCommand": {"enableExecuteCommand": True},
            "platformVersion": {"platformVersion": "1.4.0"},
            "placementConstraints": {"placementConstraints": [{"type": "distinctInstance"}]},
            "orderedPlacementStrategies": {"orderedPlacementStrategies": [{"type": "spread", "field": "instanceId"}]},
            "forceNewDeployment": {"forceNewDeployment": True},
            "triggers": {"triggers": {"redeploy": "1"}},
            "triggers, forced": {"triggers": {"redeploy": "1"}, "forceNewDeployment": True},
            "tags": _RETAGGED,
        },
        {
            "launchType": {"launchType": "LAMBDA"},
            "controller": {"deploymentController": {"type": "SSH"}},
            "placement type": {"orderedPlacementStrategies": [{"type": "tight", "field": "cpu"}]},
            "rebalancing": {"availabilityZoneRebalancing": "MAYBE"},
            "propagateTags": {"propagateTags": "CLUSTER"},
            "grace period": {"healthCheckGracePeriodSeconds": -1},
        },
    ),
    Scenario(
        "aws:lb/loadBalancer:LoadBalancer",
        "aws_lb",
        LOAD_BALANCER,
        {
            "name": {"name": "parity-{side}-2"},
            "internal": {"internal": True},
            "subnets": {"subnets": [Ref("aws_subnet.c.id"), Ref("aws_subnet.d.id")]},
            "securityGroups": {"securityGroups": [Ref("aws_security_group.two.id")]},
            "dropInvalidHeaderFields": {"dropInvalidHeaderFields": False},
            "enableDeletionProtection": {"enableDeletionProtection": True},
            "desyncMitigationMode": {"desyncMitigationMode": "strictest"},
            "tags": _RETAGGED,
        },
        {
            "name": {"name": "under_score"},
            "long name": {"name": "x" * 33},
            "desyncMitigationMode": {"desyncMitigationMode": "lax"},
            "loadBalancerType": {"loadBalancerType": "classic"},
        },
    ),
    Scenario(
        "aws:lb/targetGroup:TargetGroup",
        "aws_lb_target_group",
        {
            "name": "parity-{side}",
            "port": 80,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": Ref("aws_vpc.net.id"),
            "deregistrationDelay": 30,
            "healthCheck": {
                "path": "/",
                "interval": 10,
                "timeout": 5,
                "healthyThreshold": 2,
                "unhealthyThreshold": 2,
                "matcher": "200",
            },
            **_TAGS,
        },
        {
            "name": {"name": "parity-{side}-2"},
            "port": {"port": 8080},
            "protocol": {"protocol": "HTTPS"},
            "targetType": {"targetType": "instance"},
            "vpcId": {"vpcId": Ref("aws_vpc.other.id")},
            "deregistrationDelay": {"deregistrationDelay": 60},
            "deregistrationDelay removed": {"deregistrationDelay": None},
            "health path": {
                "healthCheck": {
                    "path": "/healthz",
                    "interval": 10,
                    "timeout": 5,
                    "healthyThreshold": 2,
                    "unhealthyThreshold": 2,
                    "matcher": "200",
                }
            },
            "tags": _RETAGGED,
        },
        {
            "protocol": {"protocol": "SMTP"},
            "targetType": {"targetType": "pod"},
            "port": {"port": 70000},
            "interval": {"healthCheck": {"interval": 1}},
            "long name": {"name": "x" * 33},
        },
    ),
    Scenario(
        "aws:lb/listener:Listener",
        "aws_lb_listener",
        {
            "loadBalancerArn": Ref("aws_lb.one.arn"),
            "port": Sided(8081, 8082),
            "protocol": "HTTP",
            "defaultActions": [_answer("404")],
            **_TAGS,
        },
        {
            "loadBalancerArn": {"loadBalancerArn": Ref("aws_lb.two.arn")},
            "port": {"port": 8090},
            "fixed response": {"defaultActions": [_answer("403")]},
            "redirect": {
                "defaultActions": [
                    {
                        "type": "redirect",
                        "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"},
                    }
                ]
            },
            "tags": _RETAGGED,
        },
        {
            "port": {"port": 70000},
            "protocol": {"protocol": "GOPHER"},
            "action type": {"defaultActions": [{"type": "drop"}]},
        },
    ),
    Scenario(
        "aws:lb/listenerRule:ListenerRule",
        "aws_lb_listener_rule",
        {
            "listenerArn": Ref("aws_lb_listener.one.arn"),
            "priority": Sided(10, 11),
            "actions": [_FORWARD],
            "conditions": [{"pathPattern": {"values": ["/api/*"]}}],
            **_TAGS,
        },
        {
            "listenerArn": {"listenerArn": Ref("aws_lb_listener.two.arn")},
            "priority": {"priority": 20},
            "conditions": {"conditions": [{"pathPattern": {"values": ["/other/*"]}}]},
            "actions": {"actions": [{"type": "forward", "targetGroupArn": Ref("aws_lb_target_group.two.arn")}]},
            "tags": _RETAGGED,
        },
        {"priority": {"priority": 60000}},
    ),
    Scenario(
        "aws:iam/role:Role",
        "aws_iam_role",
        {
            "name": "parity-{side}",
            "assumeRolePolicy": _trust("ecs-tasks.amazonaws.com"),
            "description": "runs tasks",
            **_TAGS,
        },
        {
            "name": {"name": "parity-{side}-2"},
            "path": {"path": "/ecs/"},
            "assumeRolePolicy": {"assumeRolePolicy": _trust("ec2.amazonaws.com")},
            "assumeRolePolicy spelled differently": {
                "assumeRolePolicy": json.dumps(json.loads(_trust("ecs-tasks.amazonaws.com")), indent=1)
            },
            "description": {"description": "runs"},
            "description removed": {"description": None},
            "maxSessionDuration": {"maxSessionDuration": 7200},
            "permissionsBoundary": {"permissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
            "tags": _RETAGGED,
        },
        {
            "assumeRolePolicy": {"assumeRolePolicy": "{"},
            "maxSessionDuration": {"maxSessionDuration": 60},
            "long name": {"name": "x" * 65},
            "name": {"name": "with space"},
        },
    ),
    Scenario(
        "aws:iam/rolePolicy:RolePolicy",
        "aws_iam_role_policy",
        {"name": "parity-{side}", "role": Ref("aws_iam_role.one.id"), "policy": _allow("logs:PutLogEvents")},
        {
            "name": {"name": "parity-{side}-2"},
            "role": {"role": Ref("aws_iam_role.two.id")},
            "policy": {"policy": _allow("logs:CreateLogStream")},
            "policy spelled differently": {"policy": json.dumps(json.loads(_allow("logs:PutLogEvents")), indent=1)},
        },
        {"policy": {"policy": "no"}},
    ),
    Scenario(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws_iam_role_policy_attachment",
        {
            "role": Sided(Ref("aws_iam_role.one.name"), Ref("aws_iam_role.two.name")),
            "policyArn": "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
        },
        {
            "role": {"role": Sided(Ref("aws_iam_role.two.name"), Ref("aws_iam_role.one.name"))},
            "policyArn": {"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        },
    ),
    Scenario(
        "aws:iam/instanceProfile:InstanceProfile",
        "aws_iam_instance_profile",
        {"name": "parity-{side}", "role": Ref("aws_iam_role.one.name"), **_TAGS},
        {
            "name": {"name": "parity-{side}-2"},
            "role": {"role": Ref("aws_iam_role.two.name")},
            "path": {"path": "/ecs/"},
            "tags": _RETAGGED,
        },
    ),
    Scenario(
        "aws:cloudwatch/logGroup:LogGroup",
        "aws_cloudwatch_log_group",
        {"name": "/parity/{side}", "retentionInDays": 14, **_TAGS},
        {
            "name": {"name": "/parity/{side}-2"},
            "retentionInDays": {"retentionInDays": 30},
            "retention removed": {"retentionInDays": None},
            "tags": _RETAGGED,
        },
        {
            "retentionInDays": {"retentionInDays": 15},
            "name": {"name": "with space"},
        },
    ),
    Scenario(
        "aws:ec2/vpc:Vpc",
        "aws_vpc",
        {"cidrBlock": Sided("10.90.0.0/16", "10.91.0.0/16"), "enableDnsHostnames": True, **_TAGS},
        {
            "cidrBlock": {"cidrBlock": "10.99.0.0/16"},
            "enableDnsHostnames": {"enableDnsHostnames": False},
            "tags": _RETAGGED,
        },
        {"cidrBlock": {"cidrBlock": "10.0.0.0/8"}},
    ),
    Scenario(
        "aws:ec2/subnet:Subnet",
        "aws_subnet",
        {
            "vpcId": Ref("aws_vpc.net.id"),
            "cidrBlock": Sided("10.80.20.0/24", "10.80.21.0/24"),
            "availabilityZone": f"{REGION}a",
            "mapPublicIpOnLaunch": True,
            **_TAGS,
        },
        {
            "vpcId": {"vpcId": Ref("aws_vpc.other.id")},
            "cidrBlock": {"cidrBlock": "10.80.99.0/24"},
            "availabilityZone": {"availabilityZone": f"{REGION}c"},
            "mapPublicIpOnLaunch": {"mapPublicIpOnLaunch": False},
            "tags": _RETAGGED,
        },
        {"cidrBlock": {"cidrBlock": "10.80.20.0/40"}},
    ),
    Scenario(
        "aws:ec2/internetGateway:InternetGateway",
        "aws_internet_gateway",
        {**_TAGS},
        {"vpcId": {"vpcId": Ref("aws_vpc.other.id")}, "tags": _RETAGGED},
    ),
    Scenario(
        "aws:ec2/routeTable:RouteTable",
        "aws_route_table",
        {"vpcId": Ref("aws_vpc.net.id"), **_TAGS},
        {"vpcId": {"vpcId": Ref("aws_vpc.other.id")}, "tags": _RETAGGED},
    ),
    Scenario(
        "aws:ec2/route:Route",
        "aws_route",
        {
            "routeTableId": Sided(Ref("aws_route_table.one.id"), Ref("aws_route_table.two.id")),
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": Ref("aws_internet_gateway.net.id"),
        },
        {
            "routeTableId": {
                "routeTableId": Sided(Ref("aws_route_table.two.id"), Ref("aws_route_table.one.id")),
            },
            "destinationCidrBlock": {"destinationCidrBlock": "1.0.0.0/8"},
            "target": {"gatewayId": None, "natGatewayId": "nat-0123456789abcdef0"},
        },
        {
            "destinationCidrBlock": {"destinationCidrBlock": "1.2.3.4/8"},
            "two targets": {"natGatewayId": "nat-0123456789abcdef0"},
        },
    ),
    Scenario(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws_route_table_association",
        {
            "routeTableId": Ref("aws_route_table.one.id"),
            "subnetId": Sided(Ref("aws_subnet.a.id"), Ref("aws_subnet.c.id")),
        },
        {
            "routeTableId": {"routeTableId": Ref("aws_route_table.two.id")},
            "subnetId": {"subnetId": Ref("aws_subnet.d.id")},
        },
    ),
    Scenario(
        "aws:ec2/eip:Eip",
        "aws_eip",
        {**_TAGS},
        {"tags": _RETAGGED},
    ),
    Scenario(
        "aws:ec2/natGateway:NatGateway",
        "aws_nat_gateway",
        {
            "subnetId": Sided(Ref("aws_subnet.a.id"), Ref("aws_subnet.c.id")),
            "allocationId": Sided(Ref("aws_eip.nat.id"), Ref("aws_eip.spare.id")),
            **_TAGS,
        },
        {
            "subnetId": {"subnetId": Ref("aws_subnet.d.id")},
            "allocationId": {"allocationId": Ref("aws_eip.other.id")},
            "tags": _RETAGGED,
        },
    ),
    Scenario(
        "aws:ec2/securityGroup:SecurityGroup",
        "aws_security_group",
        {"name": "parity-{side}", "description": "tasks", "vpcId": Ref("aws_vpc.net.id"), **_TAGS},
        {
            "name": {"name": "parity-{side}-2"},
            "description": {"description": "other"},
            "vpcId": {"vpcId": Ref("aws_vpc.other.id")},
            "tags": _RETAGGED,
        },
        {"description": {"description": "x" * 256}},
    ),
    Scenario(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws_vpc_security_group_ingress_rule",
        {
            "securityGroupId": Sided(Ref("aws_security_group.one.id"), Ref("aws_security_group.two.id")),
            "ipProtocol": "tcp",
            "fromPort": 80,
            "toPort": 80,
            "cidrIpv4": "10.0.0.0/8",
            "description": "web",
            **_TAGS,
        },
        {
            "securityGroupId": {
                "securityGroupId": Sided(Ref("aws_security_group.two.id"), Ref("aws_security_group.one.id"))
            },
            "ipProtocol": {"ipProtocol": "udp"},
            "ports": {"fromPort": 81, "toPort": 82},
            "cidrIpv4": {"cidrIpv4": "10.1.0.0/16"},
            "to a group": {"cidrIpv4": None, "referencedSecurityGroupId": Ref("aws_security_group.two.id")},
            "description": {"description": "other"},
            "description removed": {"description": None},
            "tags": _RETAGGED,
        },
        {
            "no source": {"cidrIpv4": None},
            "two sources": {"prefixListId": "pl-0123456789abcdef0"},
            "port": {"fromPort": 70000},
            "cidrIpv4": {"cidrIpv4": "10.0.0.0"},
        },
    ),
    Scenario(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws_vpc_security_group_egress_rule",
        {
            "securityGroupId": Sided(Ref("aws_security_group.one.id"), Ref("aws_security_group.two.id")),
            "ipProtocol": "-1",
            "cidrIpv4": "0.0.0.0/0",
        },
        {
            "securityGroupId": {
                "securityGroupId": Sided(Ref("aws_security_group.two.id"), Ref("aws_security_group.one.id"))
            },
            "ipProtocol": {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443},
            "cidrIpv4": {"cidrIpv4": "10.1.0.0/16"},
            "tags": _RETAGGED,
        },
    ),
]
