"""Every type of the local AWS provider through its life: made, unchanged, updated in place, replaced, drifted, gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.emulator import Emulator
from local.providers.aws.clients import Clients
from local.providers.aws.registry import resources
from tests.local.emulator import REGION
from tests.local.providers.aws_engine import Deployed, Engine, RefusedError


@pytest.fixture(scope="module")
def api(emulated: Emulator) -> Clients:
    """The emulator's API, to change things behind the provider's back."""
    return Clients(emulated.client_environment())


@dataclass
class World:
    """The resources that others need, made when first asked for."""

    engine: Engine
    api: Clients
    made: dict[str, Deployed] = field(default_factory=dict)
    zone_id: str = ""

    def have(self, key: str, type_name: str, **inputs: Any) -> Deployed:
        if key not in self.made:
            self.made[key] = self.engine.make(type_name, key, **inputs)
        return self.made[key]

    @property
    def vpc(self) -> str:
        return str(self.have("vpc", "aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16").id)

    def subnet(self, number: int = 1) -> str:
        zone = f"{REGION}{'ac'[number % 2]}"
        return str(
            self.have(
                f"subnet-{number}",
                "aws:ec2/subnet:Subnet",
                vpcId=self.vpc,
                cidrBlock=f"10.0.{number}.0/24",
                availabilityZone=zone,
            ).id
        )

    @property
    def gateway(self) -> str:
        return str(self.have("gateway", "aws:ec2/internetGateway:InternetGateway", vpcId=self.vpc).id)

    def route_table(self, key: str = "routes") -> str:
        return str(self.have(key, "aws:ec2/routeTable:RouteTable", vpcId=self.vpc).id)

    def address(self, key: str = "address") -> str:
        return str(self.have(key, "aws:ec2/eip:Eip").id)

    def security_group(self, key: str = "group") -> str:
        return str(self.have(key, "aws:ec2/securityGroup:SecurityGroup", vpcId=self.vpc).id)

    @property
    def repository(self) -> str:
        return str(self.have("repository", "aws:ecr/repository:Repository").id)

    @property
    def role(self) -> Deployed:
        return self.have("role", "aws:iam/role:Role", assumeRolePolicy=TRUST)

    @property
    def load_balancer(self) -> str:
        subnets = [self.subnet(1), self.subnet(2)]
        return str(self.have("balancer", "aws:lb/loadBalancer:LoadBalancer", subnets=subnets).id)

    def target_group(self, key: str = "targets") -> str:
        inputs = {"port": 80, "protocol": "HTTP", "targetType": "ip", "vpcId": self.vpc}
        return str(self.have(key, "aws:lb/targetGroup:TargetGroup", **inputs).id)

    @property
    def listener(self) -> str:
        inputs = {"loadBalancerArn": self.load_balancer, "port": 80, "defaultActions": answer("404")}
        return str(self.have("listener", "aws:lb/listener:Listener", **inputs).id)

    @property
    def log_group(self) -> Deployed:
        return self.have("log", "aws:cloudwatch/logGroup:LogGroup")

    @property
    def bucket(self) -> str:
        return str(self.have("bucket", "aws:s3/bucket:Bucket").id)

    def key(self, key: str = "key") -> str:
        return str(self.have(key, "aws:kms/key:Key", deletionWindowInDays=7).id)

    @property
    def topic(self) -> str:
        return str(self.have("topic", "aws:sns/topic:Topic").id)

    @property
    def certificate(self) -> Deployed:
        inputs = {"domainName": "shop.example.com", "validationMethod": "DNS"}
        return self.have("certificate", "aws:acm/certificate:Certificate", **inputs)

    @property
    def zone(self) -> str:
        if not self.zone_id:
            route53 = self.api.client("route53", REGION)
            made = route53.create_hosted_zone(Name="example.com", CallerReference="world")
            self.zone_id = made["HostedZone"]["Id"].removeprefix("/hostedzone/")
        return self.zone_id

    @property
    def web_acl(self) -> str:
        return str(self.have("acl", "aws:wafv2/webAcl:WebAcl", **web_acl())["arn"])

    @property
    def launch_template(self) -> str:
        return str(self.have("template", "aws:ec2/launchTemplate:LaunchTemplate", instanceType="t3.medium").id)

    @property
    def instances(self) -> str:
        group = self.have("instances", "aws:autoscaling/group:Group", **no_instances(self))
        return str(group["arn"])

    def cluster(self, key: str = "cluster") -> Deployed:
        return self.have(key, "aws:ecs/cluster:Cluster")

    def task_definition(self, key: str = "task") -> str:
        inputs = {"family": key, "containerDefinitions": json.dumps([{"name": "web", "image": "web:1", "memory": 64}])}
        return str(self.have(key, "aws:ecs/taskDefinition:TaskDefinition", **inputs)["arn"])


@pytest.fixture(scope="module")
def world(aws: Engine, api: Clients) -> World:
    return World(aws, api)


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
RESPELLED_TRUST = json.dumps(
    {
        "Statement": {
            "Action": ["sts:AssumeRole"],
            "Principal": {"Service": ["ecs-tasks.amazonaws.com"]},
            "Effect": "Allow",
        },
        "Version": "2012-10-17",
    }
)
OTHER_TRUST = TRUST.replace("ecs-tasks", "ec2")
READ_LOGS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["logs:Get*"], "Resource": "*"}]}
)
WRITE_LOGS = READ_LOGS.replace("logs:Get*", "logs:PutLogEvents")
HEADER = {"httpHeaderName": "x-test", "values": ["1"]}
MANAGED_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def lifecycle(count: int) -> str:
    rules = [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": count},
            "action": {"type": "expire"},
        }
    ]
    return json.dumps({"rules": rules})


def containers(*extra: Mapping[str, Any], image: str = "web:1", **more: Any) -> str:
    return json.dumps([{"name": "web", "image": image, "memory": 128, **more}, *extra])


Inputs = dict[str, Any]


@dataclass(frozen=True)
class Life:
    """One type: how it is made, and what happens to a change of each kind."""

    type_name: str
    inputs: Callable[[World], Inputs]
    same: Callable[[World], Inputs] | None = None
    """Another spelling of the inputs, which is no change."""
    in_place: Callable[[World], Inputs] | None = None
    in_place_paths: set[str] = field(default_factory=set)
    replacing: Callable[[World], Inputs] | None = None
    replacing_paths: set[str] = field(default_factory=set)
    expected: Inputs = field(default_factory=dict)
    """Outputs, among others, after creation."""


def owner(name: str) -> Inputs:
    return {"key": "owner", "propagateAtLaunch": True, "value": name}


def no_instances(world: World, **more: Any) -> Inputs:
    return {
        "minSize": 0,
        "maxSize": 1,
        "launchTemplate": {"id": world.launch_template, "version": "1"},
        "vpcZoneIdentifiers": [world.subnet(1)],
        "tags": [owner("us")],
        **more,
    }


def scaled_by_ecs(world: World, **scaling: int) -> Inputs:
    return {"autoScalingGroupArn": world.instances, "managedScaling": {"status": "ENABLED", **scaling}}


def answer(status: str) -> list[Inputs]:
    return [{"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": status}}]


def forward(world: World, *weights: int) -> list[Inputs]:
    groups = [{"arn": world.target_group(f"targets-{n}"), "weight": weight} for n, weight in enumerate(weights)]
    return [{"type": "forward", "forward": {"targetGroups": groups}}]


LIVES = [
    Life(
        "aws:ecr/repository:Repository",
        lambda w: {"imageScanningConfiguration": {"scanOnPush": False}, "forceDelete": True},
        same=lambda w: {
            "imageScanningConfiguration": {"scanOnPush": False},
            "encryptionConfigurations": [{"encryptionType": "AES256"}],
            "forceDelete": True,
        },
        in_place=lambda w: {
            "imageScanningConfiguration": {"scanOnPush": True},
            "imageTagMutability": "IMMUTABLE",
            "forceDelete": True,
        },
        in_place_paths={"imageScanningConfiguration.scanOnPush", "imageTagMutability"},
        replacing=lambda w: {"name": "other"},
        replacing_paths={"name", "imageScanningConfiguration", "imageTagMutability", "forceDelete"},
        expected={"imageTagMutability": "MUTABLE"},
    ),
    Life(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        lambda w: {"repository": w.repository, "policy": lifecycle(3)},
        same=lambda w: {"repository": w.repository, "policy": json.dumps(json.loads(lifecycle(3)), indent=2)},
        replacing=lambda w: {"repository": w.repository, "policy": lifecycle(5)},
        replacing_paths={"policy"},
    ),
    Life(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda w: {"retentionInDays": 7, "tags": {"a": "1"}},
        in_place=lambda w: {"retentionInDays": 0, "tags": {"a": "2", "b.c": "3"}},
        in_place_paths={"retentionInDays", "tags.a", 'tags["b.c"]', "tagsAll.a", 'tagsAll["b.c"]'},
        replacing=lambda w: {"name": "/ecs/other"},
        replacing_paths={"name", "tags", "tagsAll"},
    ),
    Life(
        "aws:iam/role:Role",
        lambda w: {"assumeRolePolicy": TRUST, "description": "one"},
        same=lambda w: {"assumeRolePolicy": RESPELLED_TRUST, "description": "one"},
        in_place=lambda w: {"assumeRolePolicy": OTHER_TRUST, "maxSessionDuration": 7200, "description": "two"},
        in_place_paths={"assumeRolePolicy", "description", "maxSessionDuration"},
        replacing=lambda w: {"assumeRolePolicy": TRUST, "path": "/apps/"},
        replacing_paths={"path", "assumeRolePolicy", "maxSessionDuration", "description"},
        expected={"path": "/", "maxSessionDuration": 3600},
    ),
    Life(
        "aws:iam/policy:Policy",
        lambda w: {"policy": READ_LOGS, "description": "one"},
        same=lambda w: {"policy": json.dumps(json.loads(READ_LOGS), indent=1), "description": "one"},
        in_place=lambda w: {"policy": WRITE_LOGS, "description": "one"},
        in_place_paths={"policy"},
        replacing=lambda w: {"policy": WRITE_LOGS, "description": "two"},
        replacing_paths={"description"},
        expected={"path": "/"},
    ),
    Life(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        lambda w: {"url": "https://token.example.com", "clientIdLists": ["sts.amazonaws.com"]},
        replacing=lambda w: {"url": "https://other.example.com", "clientIdLists": ["sts.amazonaws.com"]},
        replacing_paths={"url"},
    ),
    Life(
        "aws:iam/rolePolicy:RolePolicy",
        lambda w: {"role": w.role["name"], "policy": READ_LOGS},
        in_place=lambda w: {"role": w.role["name"], "policy": WRITE_LOGS},
        in_place_paths={"policy"},
    ),
    Life(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda w: {"role": w.role["name"], "policyArn": MANAGED_POLICY},
        replacing=lambda w: {"role": w.role["name"], "policyArn": f"{MANAGED_POLICY}2"},
        replacing_paths={"policyArn"},
    ),
    Life(
        "aws:iam/instanceProfile:InstanceProfile",
        lambda w: {},
        in_place=lambda w: {"role": w.role["name"]},
        in_place_paths={"role"},
        replacing=lambda w: {"path": "/apps/"},
        replacing_paths={"path", "role"},
    ),
    Life(
        "aws:ec2/vpc:Vpc",
        lambda w: {"cidrBlock": "10.1.0.0/16"},
        in_place=lambda w: {"cidrBlock": "10.1.0.0/16", "enableDnsHostnames": True},
        in_place_paths={"enableDnsHostnames"},
        replacing=lambda w: {"cidrBlock": "10.2.0.0/16"},
        replacing_paths={"cidrBlock"},
        expected={"enableDnsHostnames": False},
    ),
    Life(
        "aws:ec2/subnet:Subnet",
        lambda w: {"vpcId": w.vpc, "cidrBlock": "10.0.50.0/24", "availabilityZone": f"{REGION}a"},
        in_place=lambda w: {
            "vpcId": w.vpc,
            "cidrBlock": "10.0.50.0/24",
            "availabilityZone": f"{REGION}a",
            "mapPublicIpOnLaunch": True,
        },
        in_place_paths={"mapPublicIpOnLaunch"},
        replacing=lambda w: {"vpcId": w.vpc, "cidrBlock": "10.0.51.0/24", "availabilityZone": f"{REGION}c"},
        replacing_paths={"cidrBlock", "availabilityZone", "mapPublicIpOnLaunch"},
    ),
    Life(
        "aws:ec2/internetGateway:InternetGateway",
        lambda w: {},
        in_place=lambda w: {"vpcId": w.have("vpc-of-gateway", "aws:ec2/vpc:Vpc", cidrBlock="10.9.0.0/16").id},
        in_place_paths={"vpcId"},
    ),
    Life(
        "aws:ec2/routeTable:RouteTable",
        lambda w: {"vpcId": w.vpc},
        in_place=lambda w: {"vpcId": w.vpc, "tags": {"Name": "web"}},
        in_place_paths={"tags", "tagsAll"},
    ),
    Life(
        "aws:ec2/route:Route",
        lambda w: {
            "routeTableId": w.route_table(),
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": w.gateway,
        },
        replacing=lambda w: {
            "routeTableId": w.route_table(),
            "destinationCidrBlock": "8.8.0.0/16",
            "gatewayId": w.gateway,
        },
        replacing_paths={"destinationCidrBlock"},
        expected={"origin": "CreateRoute", "state": "active"},
    ),
    Life(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        lambda w: {"routeTableId": w.route_table("one"), "subnetId": w.subnet(3)},
        in_place=lambda w: {"routeTableId": w.route_table("two"), "subnetId": w.subnet(3)},
        in_place_paths={"routeTableId"},
        replacing=lambda w: {"routeTableId": w.route_table("two"), "subnetId": w.subnet(4)},
        replacing_paths={"subnetId"},
    ),
    Life(
        "aws:ec2/eip:Eip",
        lambda w: {},
        in_place=lambda w: {"tags": {"Name": "nat"}},
        in_place_paths={"tags", "tagsAll"},
    ),
    Life(
        "aws:ec2/natGateway:NatGateway",
        lambda w: {"allocationId": w.address(), "subnetId": w.subnet(1)},
        in_place=lambda w: {"allocationId": w.address(), "subnetId": w.subnet(1), "tags": {"Name": "nat"}},
        in_place_paths={"tags", "tagsAll"},
        replacing=lambda w: {"allocationId": w.address(), "subnetId": w.subnet(2)},
        replacing_paths={"subnetId", "tags", "tagsAll"},
    ),
    Life(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda w: {"vpcId": w.vpc},
        in_place=lambda w: {"vpcId": w.vpc, "tags": {"Name": "web"}},
        in_place_paths={"tags", "tagsAll"},
        replacing=lambda w: {"vpcId": w.vpc, "description": "another"},
        replacing_paths={"description", "tags", "tagsAll"},
        expected={"description": "Managed by Pulumi"},
    ),
    Life(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        lambda w: {"vpcId": w.vpc},
        in_place=lambda w: {"vpcId": w.vpc, "tags": {"Name": "nobody"}},
        in_place_paths={"tags", "tagsAll"},
        expected={"name": "default"},
    ),
    Life(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        lambda w: {
            "securityGroupId": w.security_group(),
            "cidrIpv4": "10.0.0.0/8",
            "ipProtocol": "tcp",
            "fromPort": 80,
            "toPort": 80,
        },
        in_place=lambda w: {
            "securityGroupId": w.security_group(),
            "cidrIpv4": "10.0.0.0/16",
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
        },
        in_place_paths={"cidrIpv4", "fromPort", "toPort"},
        replacing=lambda w: {
            "securityGroupId": w.security_group("another"),
            "cidrIpv4": "10.0.0.0/16",
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
        },
        replacing_paths={"securityGroupId"},
    ),
    Life(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        lambda w: {
            "securityGroupId": w.security_group(),
            "referencedSecurityGroupId": w.security_group("another"),
            "ipProtocol": "tcp",
            "fromPort": 80,
            "toPort": 80,
        },
        in_place=lambda w: {
            "securityGroupId": w.security_group(),
            "referencedSecurityGroupId": w.security_group("another"),
            "ipProtocol": "-1",
        },
        in_place_paths={"ipProtocol", "fromPort", "toPort"},
        replacing=lambda w: {"securityGroupId": w.security_group(), "cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1"},
        replacing_paths={"referencedSecurityGroupId", "cidrIpv4"},
    ),
    Life(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda w: {"vpcId": w.vpc, "serviceName": f"com.amazonaws.{REGION}.s3", "routeTableIds": [w.route_table()]},
        in_place=lambda w: {
            "vpcId": w.vpc,
            "serviceName": f"com.amazonaws.{REGION}.s3",
            "routeTableIds": [w.route_table("one"), w.route_table("two")],
        },
        in_place_paths={"routeTableIds"},
        replacing=lambda w: {"vpcId": w.vpc, "serviceName": f"com.amazonaws.{REGION}.dynamodb"},
        replacing_paths={"serviceName"},
        expected={"vpcEndpointType": "Gateway", "state": "available"},
    ),
    Life(
        "aws:lb/loadBalancer:LoadBalancer",
        lambda w: {"subnets": [w.subnet(1), w.subnet(2)], "securityGroups": [w.security_group()]},
        same=lambda w: {
            "subnets": [w.subnet(2), w.subnet(1)],
            "securityGroups": [w.security_group()],
            "desyncMitigationMode": "defensive",
        },
        in_place=lambda w: {
            "subnets": [w.subnet(1), w.subnet(2)],
            "securityGroups": [w.security_group("another")],
            "dropInvalidHeaderFields": True,
        },
        in_place_paths={"securityGroups", "dropInvalidHeaderFields"},
        replacing=lambda w: {"subnets": [w.subnet(1), w.subnet(2)], "internal": True},
        replacing_paths={"internal", "dropInvalidHeaderFields"},
        expected={"desyncMitigationMode": "defensive", "loadBalancerType": "application", "internal": False},
    ),
    Life(
        "aws:lb/targetGroup:TargetGroup",
        lambda w: {"port": 80, "protocol": "HTTP", "targetType": "ip", "vpcId": w.vpc},
        in_place=lambda w: {
            "port": 80,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": w.vpc,
            "deregistrationDelay": 10,
            "healthCheck": {"path": "/health", "interval": 10, "timeout": 5},
        },
        in_place_paths={
            "deregistrationDelay",
            "healthCheck.path",
            "healthCheck.interval",
            "healthCheck.healthyThreshold",  # AWS's own defaults are 5 and 2, the provider's 3 and 3
            "healthCheck.unhealthyThreshold",
        },
        replacing=lambda w: {"port": 8080, "protocol": "HTTP", "targetType": "ip", "vpcId": w.vpc},
        replacing_paths={"port", "deregistrationDelay"},
        expected={"deregistrationDelay": 300},
    ),
    Life(
        "aws:lb/listener:Listener",
        lambda w: {
            "loadBalancerArn": w.load_balancer,
            "port": 8080,
            "defaultActions": answer("404"),
        },
        same=lambda w: {"loadBalancerArn": w.load_balancer, "port": "8080", "defaultActions": answer("404")},
        in_place=lambda w: {
            "loadBalancerArn": w.load_balancer,
            "port": 8081,
            "defaultActions": [
                {"type": "redirect", "redirect": {"port": 443, "protocol": "HTTPS", "statusCode": "HTTP_301"}}
            ],
        },
        in_place_paths={"port", "defaultActions"},
        expected={"protocol": "HTTP"},
    ),
    Life(
        "aws:lb/listenerRule:ListenerRule",
        lambda w: {
            "listenerArn": w.listener,
            "conditions": [{"pathPattern": {"values": ["/a", "/b"]}}, {"httpHeader": HEADER}],
            "actions": forward(w, 90, 10),
        },
        same=lambda w: {
            "listenerArn": w.listener,
            "conditions": [{"httpHeader": HEADER}, {"pathPattern": {"values": ["/b", "/a"]}}],
            "actions": forward(w, 90, 10),
        },
        in_place=lambda w: {
            "listenerArn": w.listener,
            "conditions": [{"pathPattern": {"values": ["/c"]}}],
            "actions": forward(w, 0, 100),
            "priority": 77,
        },
        in_place_paths={"conditions", "actions", "priority"},
        expected={"priority": 1},
    ),
    Life(
        "aws:ecs/cluster:Cluster",
        lambda w: {"settings": [{"name": "containerInsights", "value": "disabled"}]},
        in_place=lambda w: {"settings": [{"name": "containerInsights", "value": "enabled"}]},
        in_place_paths={"settings"},
        replacing=lambda w: {"name": "other"},
        replacing_paths={"name"},
    ),
    Life(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        lambda w: {"clusterName": w.cluster("spot")["name"], "capacityProviders": ["FARGATE", "FARGATE_SPOT"]},
        in_place=lambda w: {
            "clusterName": w.cluster("spot")["name"],
            "capacityProviders": ["FARGATE"],
            "defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}],
        },
        in_place_paths={"capacityProviders", "defaultCapacityProviderStrategies"},
        replacing=lambda w: {"clusterName": w.cluster("other")["name"], "capacityProviders": ["FARGATE"]},
        replacing_paths={"clusterName", "defaultCapacityProviderStrategies"},
    ),
    Life(
        "aws:ecs/taskDefinition:TaskDefinition",
        lambda w: {
            "family": "lives",
            "containerDefinitions": containers(
                {"name": "sidecar", "image": "sidecar:1", "memory": 64},
                environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                portMappings=[{"containerPort": 80, "hostPort": 80}],
            ),
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": 512,
        },
        same=lambda w: {
            "family": "lives",
            "containerDefinitions": json.dumps(
                [
                    {"name": "sidecar", "image": "sidecar:1", "memory": 64, "essential": True, "cpu": 0, "command": []},
                    {
                        "name": "web",
                        "image": "web:1",
                        "memory": 128,
                        "environment": [{"value": "2", "name": "B"}, {"value": "1", "name": "A"}],
                        "portMappings": [{"containerPort": 80, "protocol": "tcp"}],
                        "mountPoints": [],
                    },
                ]
            ),
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": 256,
            "memory": "512",
        },
        in_place=lambda w: {
            "family": "lives",
            "containerDefinitions": containers(
                {"name": "sidecar", "image": "sidecar:1", "memory": 64},
                environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                portMappings=[{"containerPort": 80}],
            ),
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "skipDestroy": True,
            "tags": {"a": "1"},
        },
        in_place_paths={"skipDestroy", "tags", "tagsAll"},
        replacing=lambda w: {
            "family": "lives",
            "containerDefinitions": containers(image="web:2"),
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "512",
            "memory": "1024",
            "skipDestroy": True,
        },
        replacing_paths={"containerDefinitions", "cpu", "memory", "tags", "tagsAll"},
    ),
    Life(
        "aws:ecs/service:Service",
        lambda w: {
            "cluster": w.cluster()["arn"],
            "taskDefinition": w.task_definition(),
            "launchType": "FARGATE",
            "orderedPlacementStrategies": [{"type": "spread", "field": "instanceId"}],
        },
        same=lambda w: {
            "cluster": w.cluster()["name"],
            "taskDefinition": "task",
            "launchType": "FARGATE",
            "desiredCount": 0,
            "propagateTags": "NONE",
            "orderedPlacementStrategies": [{"type": "spread", "field": "host"}],
        },
        in_place=lambda w: {
            "cluster": w.cluster()["arn"],
            "taskDefinition": w.task_definition("task-2"),
            "launchType": "FARGATE",
            "orderedPlacementStrategies": [{"type": "spread", "field": "instanceId"}],
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "deploymentMinimumHealthyPercent": 50,
        },
        in_place_paths={"taskDefinition", "deploymentCircuitBreaker", "deploymentMinimumHealthyPercent"},
        replacing=lambda w: {
            "cluster": w.cluster()["arn"],
            "taskDefinition": w.task_definition("task-2"),
            "launchType": "EC2",
        },
        replacing_paths={
            "launchType",
            "orderedPlacementStrategies",
            "deploymentCircuitBreaker",
            "deploymentMinimumHealthyPercent",
        },
        expected={"deploymentMaximumPercent": 200},
    ),
    Life(
        "aws:ec2/flowLog:FlowLog",
        lambda w: {"vpcId": w.vpc, "trafficType": "ALL", "logDestination": w.log_group["arn"]},
        same=lambda w: {
            "vpcId": w.vpc,
            "trafficType": "ALL",
            "logDestination": w.log_group["arn"],
            "logDestinationType": "cloud-watch-logs",
            "maxAggregationInterval": 600,
        },
        in_place=lambda w: {
            "vpcId": w.vpc,
            "trafficType": "ALL",
            "logDestination": w.log_group["arn"],
            "tags": {"a": "1"},
        },
        in_place_paths={"tags", "tagsAll"},
        replacing=lambda w: {"vpcId": w.vpc, "trafficType": "REJECT", "logDestination": w.log_group["arn"]},
        replacing_paths={"trafficType", "tags", "tagsAll"},
    ),
    Life(
        "aws:acm/certificate:Certificate",
        lambda w: {"domainName": "shop.example.com", "validationMethod": "DNS"},
        in_place=lambda w: {"domainName": "shop.example.com", "validationMethod": "DNS", "tags": {"a": "1"}},
        in_place_paths={"tags", "tagsAll"},
        replacing=lambda w: {"domainName": "other.example.com", "validationMethod": "DNS"},
        replacing_paths={"domainName", "tags", "tagsAll"},
        expected={"type": "AMAZON_ISSUED"},
    ),
    Life(
        "aws:acm/certificateValidation:CertificateValidation",
        lambda w: {"certificateArn": w.certificate["arn"], "validationRecordFqdns": ["_a.shop.example.com"]},
        replacing=lambda w: {"certificateArn": w.certificate["arn"], "validationRecordFqdns": ["_b.shop.example.com"]},
        replacing_paths={"validationRecordFqdns"},
    ),
    Life(
        "aws:route53/record:Record",
        lambda w: {"zoneId": w.zone, "name": "a.example.com", "type": "CNAME", "records": ["b.c."], "ttl": 300},
        same=lambda w: {"zoneId": w.zone, "name": "A.example.com.", "type": "CNAME", "records": ["b.c."], "ttl": 300},
        in_place=lambda w: {
            "zoneId": w.zone,
            "name": "a.example.com",
            "type": "A",
            "aliases": [{"name": "LB.elb.example.com", "zoneId": "Z14GRHDCWA56QT", "evaluateTargetHealth": False}],
        },
        in_place_paths={"type", "records", "ttl", "aliases"},
        replacing=lambda w: {"zoneId": w.zone, "name": "d.example.com", "type": "TXT", "records": ["x"], "ttl": 60},
        replacing_paths={"name", "type", "records", "ttl", "aliases"},
        expected={"fqdn": "a.example.com"},
    ),
    Life(
        "aws:s3/bucket:Bucket",
        lambda w: {"forceDestroy": True},
        in_place=lambda w: {"forceDestroy": True, "tags": {"a": "1"}},
        in_place_paths={"tags", "tagsAll"},
        replacing=lambda w: {"bucket": "life-other"},
        replacing_paths={"bucket", "forceDestroy", "tags", "tagsAll"},
    ),
    Life(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        lambda w: {"bucket": w.bucket, "blockPublicAcls": True},
        same=lambda w: {"bucket": w.bucket, "blockPublicAcls": True, "ignorePublicAcls": False},
        in_place=lambda w: {"bucket": w.bucket, "blockPublicAcls": True, "restrictPublicBuckets": True},
        in_place_paths={"restrictPublicBuckets"},
    ),
    Life(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        lambda w: {"bucket": w.bucket, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        in_place=lambda w: {"bucket": w.bucket, "rule": {"objectOwnership": "BucketOwnerPreferred"}},
        in_place_paths={"rule.objectOwnership"},
    ),
    Life(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        lambda w: {
            "bucket": w.bucket,
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
        in_place=lambda w: {
            "bucket": w.bucket,
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}],
        },
        in_place_paths={"rules"},
    ),
    Life(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        lambda w: {"bucket": w.bucket, "rules": [expiry(30)]},
        in_place=lambda w: {"bucket": w.bucket, "rules": [expiry(60)]},
        in_place_paths={"rules[0].expiration.days"},
    ),
    Life(
        "aws:s3/bucketVersioning:BucketVersioning",
        lambda w: {"bucket": w.bucket, "versioningConfiguration": {"status": "Enabled"}},
        in_place=lambda w: {"bucket": w.bucket, "versioningConfiguration": {"status": "Suspended"}},
        in_place_paths={"versioningConfiguration.status"},
    ),
    Life(
        "aws:s3/bucketPolicy:BucketPolicy",
        lambda w: {"bucket": w.bucket, "policy": bucket_policy(w.bucket)},
        same=lambda w: {"bucket": w.bucket, "policy": json.dumps(json.loads(bucket_policy(w.bucket)), indent=1)},
        in_place=lambda w: {"bucket": w.bucket, "policy": bucket_policy(w.bucket, "s3:GetObject")},
        in_place_paths={"policy"},
    ),
    Life(
        "aws:kms/key:Key",
        lambda w: {"description": "state", "deletionWindowInDays": 7},
        in_place=lambda w: {"description": "secrets", "deletionWindowInDays": 7, "enableKeyRotation": True},
        in_place_paths={"description", "enableKeyRotation"},
    ),
    Life(
        "aws:kms/alias:Alias",
        lambda w: {"name": "alias/life", "targetKeyId": w.key()},
        in_place=lambda w: {"name": "alias/life", "targetKeyId": w.key("other-key")},
        in_place_paths={"targetKeyId"},
        replacing=lambda w: {"name": "alias/other-life", "targetKeyId": w.key("other-key")},
        replacing_paths={"name"},
    ),
    Life(
        "aws:sns/topic:Topic",
        lambda w: {},
        in_place=lambda w: {"tags": {"a": "1"}},
        in_place_paths={"tags", "tagsAll"},
        replacing=lambda w: {"name": "life-other"},
        replacing_paths={"name", "tags", "tagsAll"},
    ),
    Life(
        "aws:sns/topicPolicy:TopicPolicy",
        lambda w: {"arn": w.topic, "policy": topic_policy(w.topic, "cloudwatch.amazonaws.com")},
        in_place=lambda w: {"arn": w.topic, "policy": topic_policy(w.topic, "events.amazonaws.com")},
        in_place_paths={"policy"},
    ),
    Life(
        "aws:sns/topicSubscription:TopicSubscription",
        lambda w: {"topic": w.topic, "protocol": "email", "endpoint": "team@example.com"},
        replacing=lambda w: {"topic": w.topic, "protocol": "email", "endpoint": "other@example.com"},
        replacing_paths={"endpoint"},
    ),
    Life(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda w: {
            "comparisonOperator": "GreaterThanThreshold",
            "threshold": 0.5,
            "evaluationPeriods": 3,
            "namespace": "AWS/ApplicationELB",
            "metricName": "TargetResponseTime",
            "extendedStatistic": "p99",
            "evaluateLowSampleCountPercentiles": "ignore",
            "period": 60,
            "dimensions": {"LoadBalancer": "app/shop/1"},
            "alarmActions": [w.topic],
        },
        in_place=lambda w: {
            "comparisonOperator": "GreaterThanThreshold",
            "threshold": 0,
            "evaluationPeriods": 5,
            "datapointsToAlarm": 2,
            "treatMissingData": "notBreaching",
            "metricQueries": [
                {"id": "missing", "expression": "desired - 1", "label": "Missing", "returnData": True},
                {
                    "id": "desired",
                    "metric": {
                        "namespace": "ECS/ContainerInsights",
                        "metricName": "DesiredTaskCount",
                        "stat": "Average",
                        "period": 60,
                        "dimensions": {"ClusterName": "c", "ServiceName": "s"},
                    },
                },
            ],
        },
        in_place_paths={
            *("threshold", "evaluationPeriods", "datapointsToAlarm", "treatMissingData", "metricQueries"),
            *("namespace", "metricName", "extendedStatistic", "period", "dimensions", "alarmActions"),
        },
        replacing=lambda w: {
            "name": "life-other",
            "comparisonOperator": "GreaterThanThreshold",
            "threshold": 1,
            "evaluationPeriods": 1,
            "namespace": "AWS/ECS",
            "metricName": "CPUUtilization",
            "statistic": "Average",
            "period": 60,
        },
        replacing_paths={
            *("name", "threshold", "evaluationPeriods", "datapointsToAlarm", "treatMissingData", "metricQueries"),
            *("namespace", "metricName", "statistic", "period"),
        },
        expected={"treatMissingData": "missing"},
    ),
    Life(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda w: {"dashboardName": "life", "dashboardBody": dashboard("one")},
        same=lambda w: {"dashboardName": "life", "dashboardBody": json.dumps(json.loads(dashboard("one")), indent=1)},
        in_place=lambda w: {"dashboardName": "life", "dashboardBody": dashboard("two")},
        in_place_paths={"dashboardBody"},
        replacing=lambda w: {"dashboardName": "life-other", "dashboardBody": dashboard("two")},
        replacing_paths={"dashboardName"},
    ),
    Life(
        "aws:wafv2/webAcl:WebAcl",
        lambda w: web_acl(dataProtectionConfig=untold("cookie")),
        in_place=lambda w: web_acl(limit=500, description="stricter", dataProtectionConfig=untold("cookie")),
        in_place_paths={"rules", "description"},
        replacing=lambda w: web_acl(name="life-other", dataProtectionConfig=untold("cookie")),
        replacing_paths={"name", "rules", "description"},
    ),
    Life(
        "aws:ec2/launchTemplate:LaunchTemplate",
        lambda w: {"imageId": "ami-12345678", "instanceType": "t3.medium"},
        in_place=lambda w: {"imageId": "ami-12345678", "instanceType": "t3.large"},
        in_place_paths={"instanceType"},
        replacing=lambda w: {"imageId": "ami-12345678", "instanceType": "t3.large", "name": "other"},
        replacing_paths={"name"},
        expected={"latestVersion": 1},
    ),
    Life(
        "aws:autoscaling/group:Group",
        lambda w: no_instances(w),
        in_place=lambda w: no_instances(w, maxSize=2, tags=[owner("them")]),
        in_place_paths={"maxSize", "tags"},
        replacing=lambda w: no_instances(w, maxSize=2, tags=[owner("them")], name="other"),
        replacing_paths={"name"},
    ),
    Life(
        "aws:ecs/capacityProvider:CapacityProvider",
        lambda w: {"autoScalingGroupProvider": scaled_by_ecs(w, targetCapacity=100)},
        in_place=lambda w: {"autoScalingGroupProvider": scaled_by_ecs(w, targetCapacity=80)},
        in_place_paths={"autoScalingGroupProvider.managedScaling.targetCapacity"},
        replacing=lambda w: {"autoScalingGroupProvider": scaled_by_ecs(w, targetCapacity=80), "name": "other"},
        replacing_paths={"name"},
    ),
    Life(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        lambda w: logged(w, "BLOCK"),
        in_place=lambda w: logged(w, "COUNT"),
        in_place_paths={"loggingFilter.filters"},
    ),
    Life(
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        lambda w: {"policyName": "life", "policyDocument": delivered("logs:PutLogEvents")},
        same=lambda w: {
            "policyName": "life",
            "policyDocument": json.dumps(json.loads(delivered("logs:PutLogEvents")), indent=1),
        },
        in_place=lambda w: {"policyName": "life", "policyDocument": delivered("logs:CreateLogStream")},
        in_place_paths={"policyDocument"},
        replacing=lambda w: {"policyName": "other", "policyDocument": delivered("logs:CreateLogStream")},
        replacing_paths={"policyName"},
    ),
    Life(
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        lambda w: {"webAclArn": w.web_acl, "resourceArn": w.load_balancer},
    ),
]


def expiry(days: int) -> Inputs:
    return {
        "id": "expire",
        "status": "Enabled",
        "filter": {"prefix": "AWSLogs/"},
        "expiration": {"days": days},
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
    }


def bucket_policy(bucket: str, action: str = "s3:PutObject") -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": action,
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def topic_policy(topic: str, service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sns:Publish", "Resource": topic}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def dashboard(text: str) -> str:
    widget = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {"markdown": text}}
    return json.dumps({"widgets": [widget]})


def untold(header: str) -> Inputs:
    field = {"fieldType": "SINGLE_HEADER", "fieldKeys": [header]}
    return {"dataProtections": [{"action": "SUBSTITUTION", "field": field}]}


def logged(world: World, action: str) -> Inputs:
    kept = {"behavior": "KEEP", "requirement": "MEETS_ANY", "conditions": [{"actionCondition": {"action": action}}]}
    log_group = world.have("waf-log", "aws:cloudwatch/logGroup:LogGroup", name="aws-waf-logs-life")
    return {
        "resourceArn": world.web_acl,
        "logDestinationConfigs": [log_group["arn"]],
        "loggingFilter": {"defaultBehavior": "DROP", "filters": [kept]},
    }


def delivered(action: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": action,
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def web_acl(*, limit: int = 1000, **more: Any) -> Inputs:
    def visible(name: str) -> Inputs:
        return {"cloudwatchMetricsEnabled": True, "metricName": name, "sampledRequestsEnabled": True}

    return {
        "scope": "REGIONAL",
        "defaultAction": {"allow": {}},
        "visibilityConfig": visible("life"),
        "rules": [
            {
                "name": "rate",
                "priority": 0,
                "action": {"block": {}},
                "statement": {"rateBasedStatement": {"limit": limit, "aggregateKeyType": "IP"}},
                "visibilityConfig": visible("rate"),
            },
            {
                "name": "common",
                "priority": 1,
                "overrideAction": {"none": {}},
                "statement": {
                    "managedRuleGroupStatement": {"vendorName": "AWS", "name": "AWSManagedRulesCommonRuleSet"}
                },
                "visibilityConfig": visible("common"),
            },
        ],
        **more,
    }


NOT_EMULATED = {
    "aws:appautoscaling/policy:Policy",
    "aws:appautoscaling/scheduledAction:ScheduledAction",
    "aws:appautoscaling/target:Target",
    "aws:cloudwatch/eventRule:EventRule",
    "aws:cloudwatch/eventTarget:EventTarget",
}


def test_every_type_has_a_life_here() -> None:
    assert {life.type_name for life in LIVES} == set(resources()) - NOT_EMULATED


SCALED = {
    "serviceNamespace": "ecs",
    "scalableDimension": "ecs:service:DesiredCount",
    "resourceId": "service/cluster/service",
}
PREVIEWED: dict[str, Inputs] = {
    "aws:appautoscaling/target:Target": {**SCALED, "minCapacity": 1, "maxCapacity": 2},
    "aws:appautoscaling/policy:Policy": {
        **SCALED,
        "policyType": "TargetTrackingScaling",
        "targetTrackingScalingPolicyConfiguration": {
            "targetValue": 60,
            "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    },
    "aws:appautoscaling/scheduledAction:ScheduledAction": {
        **SCALED,
        "schedule": "cron(0 21 * * ? *)",
        "scalableTargetAction": {"minCapacity": 0, "maxCapacity": 0},
    },
    "aws:cloudwatch/eventRule:EventRule": {"eventPattern": '{"source": ["aws.ecs"]}'},
    "aws:cloudwatch/eventTarget:EventTarget": {"rule": "a", "arn": "arn:aws:sns:eu-central-1:123456789012:alarms"},
}


@pytest.mark.parametrize("type_name", sorted(NOT_EMULATED))
def test_what_the_emulator_lacks_can_be_previewed_and_is_refused(aws: Engine, type_name: str) -> None:
    previewed = aws.preview(type_name, "life", PREVIEWED[type_name])
    texts = {key: value for key, value in PREVIEWED[type_name].items() if isinstance(value, str)}
    assert {key: previewed[key] for key in texts} == texts
    with pytest.raises(RefusedError, match="the emulator does not have it"):
        aws.make(type_name, "life", **PREVIEWED[type_name])


@pytest.fixture(params=LIVES, ids=lambda life: life.type_name.rsplit(":", 1)[-1])
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    yield request.param


def test_life(aws: Engine, world: World, life: Life) -> None:
    inputs = life.inputs(world)
    previewed = aws.preview(life.type_name, "life", inputs)

    made = aws.make(life.type_name, "life", **inputs)
    assert made.id
    assert {key: made.outputs.get(key) for key in life.expected} == life.expected
    staying = {key for key, prop in resources()[life.type_name].all_properties.items() if prop.stays}
    assert set(made.outputs) <= set(previewed) | staying, "an output that the preview did not announce"
    assert aws.up(made, **inputs).paths == {}
    assert aws.refresh(made)
    assert aws.up(made, **inputs).paths == {}, "a refresh must not make a difference"

    if life.same:
        assert aws.up(made, **life.same(world)).paths == {}
    if life.in_place:
        before = made.id
        done = aws.up(made, **life.in_place(world))
        assert set(done.paths) == life.in_place_paths
        assert done.operation == "update", done.paths
        assert made.id == before
        assert aws.refresh(made)
        assert aws.up(made, **life.in_place(world)).paths == {}
    if life.replacing:
        done = aws.up(made, **life.replacing(world))
        assert "replace" in done.operation
        assert set(done.paths) == life.replacing_paths
        assert aws.up(made, **life.replacing(world)).paths == {}

    aws.delete(made)
    aws.delete(made)  # a deletion that was interrupted is repeated
    if life.type_name not in OUTLIVES_DELETION:
        assert not aws.refresh(made)


OUTLIVES_DELETION = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",  # goes with its VPC
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",  # is a property of its cluster
    "aws:ecs/taskDefinition:TaskDefinition",  # was told to skip it
    "aws:acm/certificateValidation:CertificateValidation",  # the certificate stays issued
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",  # S3 always encrypts
    "aws:s3/bucketVersioning:BucketVersioning",  # a bucket that had versions keeps them, suspended
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",  # the emulator knows none: it is remembered
    "aws:sns/topicPolicy:TopicPolicy",  # a topic always has one
}


def test_names_are_generated_once_and_kept(aws: Engine) -> None:
    group = aws.make("aws:cloudwatch/logGroup:LogGroup", "app", tags={"a": "1"})
    name = group["name"]
    assert name.startswith("app-")
    assert len(name) == len("app-") + 7
    assert aws.up(group, tags={"a": "2"}).operation == "update"
    assert group["name"] == name
    aws.delete(group)


def test_a_name_given_by_the_program_is_deleted_before_it_is_replaced(aws: Engine) -> None:
    role = aws.make("aws:iam/role:Role", "named", name="named-role", assumeRolePolicy=TRUST)
    done = aws.up(role, name="named-role", assumeRolePolicy=TRUST, path="/apps/")
    assert done.operation == "delete-before-replace"
    assert aws.up(role, name="other-role", assumeRolePolicy=TRUST, path="/apps/").operation == "replace"
    aws.delete(role)


def test_default_security_group_is_closed_even_if_no_rules_are_given(aws: Engine, api: Clients) -> None:
    vpc = aws.make("aws:ec2/vpc:Vpc", "closed", cidrBlock="10.3.0.0/16")
    closed = aws.make("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "closed", vpcId=vpc.id)
    found = api.client("ec2", REGION).describe_security_groups(GroupIds=[closed.id])["SecurityGroups"][0]
    assert (found["IpPermissions"], found["IpPermissionsEgress"]) == ([], [])
    aws.delete(vpc)


def test_a_new_security_group_lets_nothing_out(aws: Engine, world: World, api: Clients) -> None:
    group = world.security_group("silent")
    found = api.client("ec2", REGION).describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert found["IpPermissionsEgress"] == []


def test_refresh_sees_a_removed_tag_and_up_puts_it_back(aws: Engine, api: Clients) -> None:
    inputs = {"cidrBlock": "10.4.0.0/16", "tags": {"team": "web", "keep": "yes"}}
    vpc = aws.make("aws:ec2/vpc:Vpc", "tagged", **inputs)
    api.client("ec2", REGION).delete_tags(Resources=[vpc.id], Tags=[{"Key": "team"}])
    assert aws.refresh(vpc)
    assert vpc["tags"] == {"keep": "yes"}
    assert aws.up(vpc, **inputs).paths == {"tags.team": "add", "tagsAll.team": "add"}
    assert aws.refresh(vpc)
    assert vpc["tags"] == {"team": "web", "keep": "yes"}
    aws.delete(vpc)


def test_refresh_sees_a_service_scaled_by_hand(aws: Engine, world: World, api: Clients) -> None:
    inputs = {
        "cluster": world.cluster()["arn"],
        "taskDefinition": world.task_definition(),
        "launchType": "FARGATE",
        "desiredCount": 0,
    }
    service = aws.make("aws:ecs/service:Service", "scaled", **inputs)
    api.client("ecs", REGION).update_service(
        cluster=world.cluster()["arn"], service=service.id, desiredCount=3, taskDefinition=world.task_definition()
    )
    assert aws.refresh(service)
    assert service["desiredCount"] == 3
    assert aws.up(service, **inputs).paths == {"desiredCount": "update"}
    assert aws.refresh(service)
    assert service["desiredCount"] == 0
    aws.delete(service)


def test_ignored_changes_are_left_alone(aws: Engine, world: World) -> None:
    inputs = {"cluster": world.cluster()["arn"], "taskDefinition": world.task_definition(), "launchType": "FARGATE"}
    service = aws.make("aws:ecs/service:Service", "ignoring", **inputs)
    checked = aws.check(service, {**inputs, "desiredCount": 4, "deploymentMaximumPercent": 150})
    answer = aws.diff(service, checked, ignored=("desiredCount",))
    assert set(answer.detailedDiff) == {"deploymentMaximumPercent"}
    aws.delete(service)


def test_a_resource_deleted_by_hand_is_gone_after_refresh(aws: Engine, api: Clients) -> None:
    group = aws.make("aws:cloudwatch/logGroup:LogGroup", "fleeting")
    api.client("logs", REGION).delete_log_group(logGroupName=group.id)
    assert not aws.refresh(group)


def test_capacity_providers_change_in_place_and_only_with_a_forced_deployment(aws: Engine, world: World) -> None:
    common = {"cluster": world.cluster()["arn"], "taskDefinition": world.task_definition()}
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    of_a_launch_type = aws.make("aws:ecs/service:Service", "launched", **common, launchType="FARGATE")
    mixed = aws.make(
        "aws:ecs/service:Service",
        "mixed",
        **common,
        capacityProviderStrategies=[{"capacityProvider": "FARGATE", "weight": 1}],
    )
    for service in (of_a_launch_type, mixed):
        with pytest.raises(Exception, match="force_new_deployment should be true when capacity_provider_strategy is"):
            aws.diff(service, aws.check(service, {**common, "capacityProviderStrategies": spot}))
        forced = {**common, "capacityProviderStrategies": spot, "forceNewDeployment": True}
        answer = aws.diff(service, aws.check(service, forced))
        assert "capacityProviderStrategies" in answer.diffs
        assert list(answer.replaces) == []
    aws.delete(of_a_launch_type)
    aws.delete(mixed)


def test_triggers_count_while_a_deployment_is_forced_and_their_end_changes_nothing(aws: Engine, world: World) -> None:
    """As in the provider's `triggersCustomizeDiff`."""
    common = {"cluster": world.cluster()["arn"], "taskDefinition": world.task_definition()}
    forced = {**common, "forceNewDeployment": True}

    def differences(old: Any, **inputs: Any) -> set[str]:
        return {path.partition(".")[0] for path in aws.diff(old, aws.check(old, inputs)).diffs}

    service = aws.make("aws:ecs/service:Service", "plain", **common)
    assert differences(service, **common, triggers={"restart": "1"}) == set()
    assert differences(service, **forced, triggers={"restart": "1"}) == {"forceNewDeployment", "triggers"}
    restarted = aws.make("aws:ecs/service:Service", "restarted", **forced, triggers={"restart": "1"})
    assert differences(restarted, **forced, triggers={"restart": "2"}) == {"triggers"}
    assert differences(restarted, **forced) == set()
    assert differences(restarted, **common) == {"forceNewDeployment"}
    aws.delete(service)
    aws.delete(restarted)


def test_back_to_a_launch_type_is_a_new_service(aws: Engine, world: World) -> None:
    common = {"cluster": world.cluster()["arn"], "taskDefinition": world.task_definition()}
    one = [{"capacityProvider": "FARGATE", "weight": 1}]
    service = aws.make("aws:ecs/service:Service", "going-back", **common, capacityProviderStrategies=one)
    with pytest.raises(Exception, match="force_new_deployment should be true"):
        aws.diff(service, aws.check(service, {**common, "launchType": "FARGATE"}))
    back = {**common, "launchType": "FARGATE", "forceNewDeployment": True}
    assert list(aws.diff(service, aws.check(service, back)).replaces) == ["launchType"]
    aws.delete(service)


def test_each_change_of_a_task_definition_is_a_new_revision_and_the_old_one_is_deregistered(
    aws: Engine, api: Clients
) -> None:
    task = aws.make("aws:ecs/taskDefinition:TaskDefinition", "td", family="revised", containerDefinitions=containers())
    first = task["arn"]
    assert first.endswith("task-definition/revised:1")
    assert task["arnWithoutRevision"] == first.removesuffix(":1")
    assert task.id == "revised"
    done = aws.up(task, family="revised", containerDefinitions=containers(image="web:2"))
    assert done.operation == "replace"
    assert (task["revision"], task["arn"]) == (2, f"{first.removesuffix('1')}2")
    old = api.client("ecs", REGION).describe_task_definition(taskDefinition=first)["taskDefinition"]
    assert old["status"] == "INACTIVE"
    aws.delete(task)


def test_a_revision_that_shall_be_kept_stays_active(aws: Engine, api: Clients) -> None:
    inputs = {"family": "kept", "skipDestroy": True}
    task = aws.make("aws:ecs/taskDefinition:TaskDefinition", "td", **inputs, containerDefinitions=containers())
    first = task["arn"]
    aws.up(task, **inputs, containerDefinitions=containers(image="web:2"))
    old = api.client("ecs", REGION).describe_task_definition(taskDefinition=first)["taskDefinition"]
    assert old["status"] == "ACTIVE"


def test_a_repository_with_images_is_only_deleted_by_force(
    aws: Engine, api: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = aws.make("aws:ecr/repository:Repository", "full", name="full")
    manifest = json.dumps({"schemaVersion": 2, "config": {}, "layers": []})
    api.client("ecr", REGION).put_image(repositoryName="full", imageManifest=manifest, imageTag="1")
    with pytest.raises(RefusedError, match=r"ECR repository full is not empty; set forceDelete"):
        aws.delete(repository)
    assert aws.up(repository, name="full", forceDelete=True).operation == "update"
    aws.delete(repository)


def test_a_protected_load_balancer_is_not_deleted(aws: Engine, world: World) -> None:
    inputs = {"subnets": [world.subnet(1), world.subnet(2)]}
    balancer = aws.make("aws:lb/loadBalancer:LoadBalancer", "safe", **inputs, enableDeletionProtection=True)
    with pytest.raises(RefusedError, match="deletion protection is on; set enableDeletionProtection to false"):
        aws.delete(balancer)
    aws.up(balancer, **inputs)
    aws.delete(balancer)


def test_a_resource_that_fails_after_creation_stays_in_the_state(aws: Engine) -> None:
    profile = Deployed("aws:iam/instanceProfile:InstanceProfile", "half")
    with pytest.raises(RefusedError, match="creating aws:iam/instanceProfile:InstanceProfile half: NoSuchEntity"):
        aws.create(profile, aws.check(profile, {"role": "missing"}))
    assert profile.id.startswith("half-")
    aws.delete(profile)


@pytest.mark.parametrize(
    ("type_name", "inputs", "import_id"),
    [
        ("aws:ec2/vpc:Vpc", lambda w: {"cidrBlock": "10.5.0.0/16", "enableDnsHostnames": True}, None),
        ("aws:iam/role:Role", lambda w: {"assumeRolePolicy": TRUST, "description": "known"}, None),
        (
            "aws:ecs/service:Service",
            lambda w: {
                "cluster": w.cluster()["arn"],
                "taskDefinition": w.task_definition(),
                "launchType": "FARGATE",
                "name": "imported",
            },
            lambda w: f"{w.cluster()['name']}/imported",
        ),
        (
            "aws:ec2/route:Route",
            lambda w: {
                "routeTableId": w.route_table("imports"),
                "destinationCidrBlock": "0.0.0.0/0",
                "gatewayId": w.gateway,
            },
            lambda w: f"{w.route_table('imports')}_0.0.0.0/0",
        ),
    ],
    ids=lambda value: value.rsplit(":", 1)[-1] if isinstance(value, str) else "",
)
def test_what_exists_can_be_imported(
    aws: Engine,
    world: World,
    type_name: str,
    inputs: Callable[[World], Inputs],
    import_id: Callable[[World], str] | None,
) -> None:
    made = aws.make(type_name, "imported", **inputs(world))
    brought = aws.bring_in(type_name, "imported", import_id(world) if import_id else made.id)
    assert brought.id == made.id
    assert inputs(world).items() <= brought.inputs.items()
    aws.delete(made)
