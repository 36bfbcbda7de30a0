"""One good stack for Fargate and one for EC2: no rule has anything to say about them. Mutants start here."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.policy.example import container, resource, service, task_definition
from tests.policy.stacks import Resources

REGION = "ap-northeast-1"
_ZONES = {"a": f"{REGION}a", "c": f"{REGION}c"}


def trust(principal: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": principal}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _network() -> dict[str, Any]:
    made: dict[str, Any] = {
        "vpc": resource("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16", enableDnsHostnames=True, enableDnsSupport=True),
        "defaultSg": resource("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", vpcId="${vpc.id}"),
        "flowRole": resource("aws:iam/role:Role", assumeRolePolicy=trust("vpc-flow-logs.amazonaws.com")),
        "logKey": _log_key(),
        "flowLogs": _log_group("/vpc/flow"),
        "flow": resource(
            "aws:ec2/flowLog:FlowLog",
            vpcId="${vpc.id}",
            trafficType="ALL",
            logDestination="${flowLogs.arn}",
            iamRoleArn="${flowRole.arn}",
        ),
        "gateway": resource("aws:ec2/internetGateway:InternetGateway", vpcId="${vpc.id}"),
        "publicTable": resource("aws:ec2/routeTable:RouteTable", vpcId="${vpc.id}"),
        "publicRoute": resource(
            "aws:ec2/route:Route",
            routeTableId="${publicTable.id}",
            destinationCidrBlock="0.0.0.0/0",
            gatewayId="${gateway.id}",
        ),
        "address": resource("aws:ec2/eip:Eip", domain="vpc"),
        "nat": resource(
            "aws:ec2/natGateway:NatGateway",
            options={"dependsOn": ["${gateway}"]},
            subnetId="${publicA.id}",
            allocationId="${address.id}",
        ),
        "privateTable": resource("aws:ec2/routeTable:RouteTable", vpcId="${vpc.id}"),
        "privateRoute": resource(
            "aws:ec2/route:Route",
            routeTableId="${privateTable.id}",
            destinationCidrBlock="0.0.0.0/0",
            natGatewayId="${nat.id}",
        ),
    }
    for registry in ("api", "dkr"):
        made[f"ecr{registry.capitalize()}"] = resource(
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            vpcId="${vpc.id}",
            serviceName=f"com.amazonaws.{REGION}.ecr.{registry}",
            vpcEndpointType="Interface",
            privateDnsEnabled=True,
            subnetIds=["${privateA.id}", "${privateC.id}"],
            securityGroupIds=["${endpointSg.id}"],
        )
    for index, (letter, zone) in enumerate(_ZONES.items()):
        for offset, role in ((0, "public"), (100, "private")):
            name = f"{role}{letter.upper()}"
            made[name] = resource(
                "aws:ec2/subnet:Subnet",
                vpcId="${vpc.id}",
                cidrBlock=f"10.0.{offset + index}.0/24",
                availabilityZone=zone,
                mapPublicIpOnLaunch=False,
            )
            made[f"{name}Table"] = resource(
                "aws:ec2/routeTableAssociation:RouteTableAssociation",
                subnetId=f"${{{name}.id}}",
                routeTableId=f"${{{role}Table.id}}",
            )
    return made


def _log_group(name: str) -> dict[str, Any]:
    return resource(
        "aws:cloudwatch/logGroup:LogGroup",
        name=name,
        retentionInDays=365,
        kmsKeyId="${logKey.arn}",
    )


def _log_key() -> dict[str, Any]:
    def may_use(principal: dict[str, str]) -> dict[str, Any]:
        return {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}

    allowed = [may_use({"AWS": "arn:aws:iam::123456789012:root"}), may_use({"Service": f"logs.{REGION}.amazonaws.com"})]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    return resource("aws:kms/key:Key", enableKeyRotation=True, policy=policy)


def _firewall(container_port: int) -> dict[str, Any]:
    def rule(kind: str, group: str, **properties: Any) -> dict[str, Any]:
        return resource(
            f"aws:vpc/securityGroup{kind}Rule:SecurityGroup{kind}Rule",
            securityGroupId=f"${{{group}.id}}",
            ipProtocol="tcp",
            description="see the name",
            **properties,
        )

    made = {
        name: resource("aws:ec2/securityGroup:SecurityGroup", vpcId="${vpc.id}", description=text)
        for name, text in (("albSg", "load balancer"), ("taskSg", "tasks"), ("endpointSg", "endpoints"))
    }
    return made | {
        "endpointFromTask": rule(
            "Ingress", "endpointSg", referencedSecurityGroupId="${taskSg.id}", fromPort=443, toPort=443
        ),
        "internetToAlb": rule("Ingress", "albSg", cidrIpv4="0.0.0.0/0", fromPort=443, toPort=443),
        "albToTask": rule(
            "Egress",
            "albSg",
            referencedSecurityGroupId="${taskSg.id}",
            fromPort=container_port,
            toPort=container_port,
        ),
        "taskFromAlb": rule(
            "Ingress",
            "taskSg",
            referencedSecurityGroupId="${albSg.id}",
            fromPort=container_port,
            toPort=container_port,
        ),
        "taskToAws": rule("Egress", "taskSg", cidrIpv4="0.0.0.0/0", fromPort=443, toPort=443),
    }


def _load_balancer(**target_group: Any) -> dict[str, Any]:
    return {
        "alb": resource(
            "aws:lb/loadBalancer:LoadBalancer",
            options={"dependsOn": ["${gateway}"]},
            name="web",
            loadBalancerType="application",
            internal=False,
            subnets=["${publicA.id}", "${publicC.id}"],
            securityGroups=["${albSg.id}"],
            dropInvalidHeaderFields=True,
            enableDeletionProtection=True,
            desyncMitigationMode="defensive",
            accessLogs={"enabled": True, "bucket": "logs-of-load-balancers"},
        ),
        "firewall": resource(
            "aws:wafv2/webAclAssociation:WebAclAssociation",
            resourceArn="${alb.arn}",
            webAclArn="arn:aws:wafv2:ap-northeast-1:123456789012:regional/webacl/web/1",
        ),
        "group": resource(
            "aws:lb/targetGroup:TargetGroup",
            name="web",
            protocol="HTTP",
            vpcId="${vpc.id}",
            healthCheck={
                "path": "/",
                "interval": 10,
                "timeout": 5,
                "healthyThreshold": 2,
                "unhealthyThreshold": 3,
                "matcher": "200",
            },
            **target_group,
        ),
        "listener": resource(
            "aws:lb/listener:Listener",
            loadBalancerArn="${alb.arn}",
            port=443,
            protocol="HTTPS",
            sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
            certificateArn="arn:aws:acm:ap-northeast-1:123456789012:certificate/1",
            defaultActions=[{"type": "forward", "targetGroupArn": "${group.arn}"}],
        ),
    }


def _image() -> dict[str, Any]:
    return {
        "repository": resource(
            "aws:ecr/repository:Repository",
            name="shop/app",
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfigurations=[{"encryptionType": "KMS"}],
        ),
        "lifecycle": resource(
            "aws:ecr/lifecyclePolicy:LifecyclePolicy",
            repository="${repository.name}",
            policy=json.dumps(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "selection": {
                                "tagStatus": "untagged",
                                "countType": "sinceImagePushed",
                                "countUnit": "days",
                                "countNumber": 14,
                            },
                            "action": {"type": "expire"},
                        }
                    ]
                }
            ),
        ),
        "image": {
            **resource(
                "docker:index/image:Image",
                imageName="${repository.repositoryUrl}:1.0-abc",
                build={"context": "app_image", "platform": "linux/amd64"},
            ),
            "outputs": {"repoDigest": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/shop/app@sha256:{'a' * 64}"},
        },
    }


def _task(**properties: Any) -> dict[str, Any]:
    app = container(
        image="${image.repoDigest}",
        essential=True,
        readonlyRootFilesystem=True,
        user="1000",
        cpu=256,
        memory=512,
        logConfiguration={
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "${logs.name}",
                "awslogs-region": REGION,
                "awslogs-stream-prefix": "app",
            },
        },
    )
    app["portMappings"] = properties.pop("portMappings", [{"containerPort": 8080, "protocol": "tcp"}])
    return {
        "logs": _log_group("/ecs/app"),
        "executionRole": resource("aws:iam/role:Role", assumeRolePolicy=trust("ecs-tasks.amazonaws.com")),
        "executionRolePolicy": resource(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            role="${executionRole.name}",
            policyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
        ),
        "taskRole": resource("aws:iam/role:Role", assumeRolePolicy=trust("ecs-tasks.amazonaws.com")),
        "app": resource(
            "aws:ecs/taskDefinition:TaskDefinition",
            options={"dependsOn": ["${executionRolePolicy}"]},
            family="app",
            cpu="256",
            memory="512",
            runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            executionRoleArn="${executionRole.arn}",
            taskRoleArn="${taskRole.arn}",
            containerDefinitions=[app],
            **properties,
        ),
    }


def _cluster(**association: Any) -> dict[str, Any]:
    return {
        "main": resource(
            "aws:ecs/cluster:Cluster", name="main", settings=[{"name": "containerInsights", "value": "enhanced"}]
        ),
        "providers": resource(
            "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", clusterName="${main.name}", **association
        ),
    }


def _service(**properties: Any) -> dict[str, Any]:
    return {
        "web": resource(
            "aws:ecs/service:Service",
            options={
                "dependsOn": [
                    "${listener}",
                    "${providers}",
                    "${privateRoute}",
                    "${privateATable}",
                    "${privateCTable}",
                ]
            },
            name="web",
            cluster="${main.arn}",
            taskDefinition="${app.arn}",
            desiredCount=2,
            deploymentMinimumHealthyPercent=100,
            deploymentMaximumPercent=200,
            deploymentCircuitBreaker={"enable": True, "rollback": True},
            healthCheckGracePeriodSeconds=30,
            enableEcsManagedTags=True,
            propagateTags="SERVICE",
            loadBalancers=[{"targetGroupArn": "${group.arn}", "containerName": "app", "containerPort": 8080}],
            **properties,
        )
    }


FARGATE: Resources = {
    **_network(),
    **_firewall(8080),
    **_load_balancer(targetType="ip", port=8080),
    **_image(),
    **_task(requiresCompatibilities=["FARGATE"], networkMode="awsvpc"),
    **_cluster(capacityProviders=["FARGATE", "FARGATE_SPOT"]),
    **_service(
        launchType="FARGATE",
        platformVersion="LATEST",
        availabilityZoneRebalancing="ENABLED",
        networkConfiguration={
            "subnets": ["${privateA.id}", "${privateC.id}"],
            "securityGroups": ["${taskSg.id}"],
            "assignPublicIp": False,
        },
    ),
}

EC2: Resources = {
    **_network(),
    **_firewall(8080),
    **_load_balancer(targetType="instance", port=8080),
    **_image(),
    **_task(
        requiresCompatibilities=["EC2"],
        networkMode="bridge",
        portMappings=[{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
        placementConstraints=[{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}],
    ),
    "instanceRole": resource("aws:iam/role:Role", assumeRolePolicy=trust("ec2.amazonaws.com")),
    "instanceRolePolicy": resource(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        role="${instanceRole.name}",
        policyArn="arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
    ),
    "profile": resource("aws:iam/instanceProfile:InstanceProfile", role="${instanceRole.name}"),
    "template": resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        instanceType="m7i.large",
        imageId="ami-0123456789abcdef0",
        iamInstanceProfile={"arn": "${profile.arn}"},
        vpcSecurityGroupIds=["${taskSg.id}"],
        metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2},
        userData="IyEvYmluL2Jhc2gKZWNobyBFQ1NfQ0xVU1RFUj1tYWluID4+IC9ldGMvZWNzL2Vjcy5jb25maWcK",
    ),
    "hosts": resource(
        "aws:autoscaling/group:Group",
        minSize=4,
        maxSize=8,
        protectFromScaleIn=True,
        vpcZoneIdentifiers=["${privateA.id}", "${privateC.id}"],
        launchTemplate={"id": "${template.id}", "version": "$Latest"},
    ),
    "capacity": resource(
        "aws:ecs/capacityProvider:CapacityProvider",
        name="hosts",
        autoScalingGroupProvider={
            "autoScalingGroupArn": "${hosts.arn}",
            "managedTerminationProtection": "ENABLED",
            "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
        },
    ),
    **_cluster(capacityProviders=["${capacity.name}"]),
    **_service(
        launchType="EC2",
        orderedPlacementStrategies=[
            {"type": "spread", "field": "attribute:ecs.availability-zone"},
            {"type": "binpack", "field": "memory"},
        ],
        placementConstraints=[{"type": "distinctInstance"}],
    ),
}

MISMATCH: Resources = {
    "app": task_definition(container(image="nginx"), requiresCompatibilities=["EC2"], memory="512"),
    "web": service(launchType="FARGATE", taskDefinition="${app.arn}"),
}
"""A Fargate service on an EC2 task definition: what alone is mandatory."""


@dataclass(frozen=True)
class Mutant:
    """A good stack with one fault."""

    title: str
    resources: Resources


def waiting(base: Resources, name: str, *others: str) -> Resources:
    """The base with one resource that waits for others, too."""
    changed = copy.deepcopy(dict(base[name]))
    changed.setdefault("options", {}).setdefault("dependsOn", []).extend(f"${{{other}}}" for other in others)
    return {**base, name: changed}


def ignoring(base: Resources, name: str, *keys: str) -> Resources:
    """The base with one resource of which Pulumi ignores changes."""
    changed = copy.deepcopy(dict(base[name]))
    changed.setdefault("options", {})["ignoreChanges"] = list(keys)
    return {**base, name: changed}


def mutant(title: str, base: Resources, name: str, /, **properties: Any) -> Mutant:
    """The base with properties of one resource changed; None removes. `container` changes its only container."""
    changed = copy.deepcopy(dict(base[name]))
    written = changed["properties"]
    for key, value in properties.items():
        if key == "container":
            _change(written["containerDefinitions"][0], value)
        else:
            _change(written, {key: value})
    return Mutant(title, {**base, name: changed})


def _change(target: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
