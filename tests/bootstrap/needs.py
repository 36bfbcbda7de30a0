"""What deploying a stack asks of IAM: every call for every resource, as requests with the tags that each would carry.

The calls are those that were recorded of the provider (`provider_calls.json`), and those below, by hand: what newer
versions call, what moto does not have, what AWS asks for beside the call, and what Pulumi, Docker and the components
call themselves.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap import environments
from bootstrap.permissions import Environment, State
from components import roles
from components.capacity import AMI_PARAMETERS
from tests.bootstrap import evaluator
from tests.bootstrap.evaluator import Request
from tests.mocks import ACCOUNT, PROJECT, REGION, run_main

RECORDING = Path(__file__).parent / "provider_calls.json"
OPERATIONS = ("create", "read", "update", "delete")
STATE = State(f"arn:aws:s3:::{PROJECT}-state-{ACCOUNT}", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/state-of-")
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "dev": {},
    "prod": {"migration.command": ["migrate"]},
    "dev-ec2": {},
    "internal": {},
}
"""Every stack file but the local one, deployed by GitHub, and what is set beside so that every call is made."""


@functools.cache
def environment(stack: str) -> Environment:
    """The environment of a stack, as bootstrap knows it."""
    described = environments.describe(stack, account=ACCOUNT, region=REGION)
    assert isinstance(described, Environment)
    return described


def state(stack: str) -> State:
    return State(STATE.bucket_arn, STATE.key_arn + stack)


BY_HAND: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # Version 6.23 and newer tag buckets by the API of S3 Control, and while they make them.
    # https://github.com/hashicorp/terraform-provider-aws/pull/45251
    "aws:s3/bucket:Bucket": {
        "create": ("s3:TagResource with tags",),
        "read": ("s3:ListTagsForResource",),
        "update": ("s3:TagResource with tags", "s3:UntagResource", "s3:PutBucketTagging with tags"),
        # With deletionProtection false the bucket goes with what it holds.
        "delete": ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions", "s3:ListBucket"),
    },
    # moto fails on tags of scalable targets, so that nothing is made on top of one. AWS asks for what scaling needs.
    # https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html
    "aws:appautoscaling/target:Target": {
        "create": ("ecs:DescribeServices", "iam:CreateServiceLinkedRole"),
        "read": ("application-autoscaling:DescribeScalableTargets", "application-autoscaling:ListTagsForResource"),
        "update": (
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:TagResource with tags",
            "application-autoscaling:UntagResource",
        ),
        "delete": ("application-autoscaling:DeregisterScalableTarget",),
    },
    "aws:appautoscaling/policy:Policy": {
        "create": (
            "application-autoscaling:PutScalingPolicy",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:PutMetricAlarm",
        ),
        "read": ("application-autoscaling:DescribeScalingPolicies",),
        "update": ("application-autoscaling:PutScalingPolicy", "cloudwatch:PutMetricAlarm"),
        "delete": ("application-autoscaling:DeleteScalingPolicy", "cloudwatch:DeleteAlarms"),
    },
    "aws:appautoscaling/scheduledAction:ScheduledAction": {
        "create": ("application-autoscaling:PutScheduledAction",),
        "read": ("application-autoscaling:DescribeScheduledActions",),
        "update": ("application-autoscaling:PutScheduledAction",),
        "delete": ("application-autoscaling:DeleteScheduledAction",),
    },
    # A launch template's image is a public parameter; ECS marks the group.
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html
    "aws:autoscaling/group:Group": {
        "create": ("ec2:RunInstances", "ssm:GetParameters", "iam:PassRole", "iam:CreateServiceLinkedRole"),
        "update": ("ec2:RunInstances", "ssm:GetParameters", "iam:PassRole", "autoscaling:SetInstanceProtection"),
    },
    "aws:ecs/capacityProvider:CapacityProvider": {"create": ("autoscaling:CreateOrUpdateTags",)},
    "aws:ecs/cluster:Cluster": {"create": ("iam:CreateServiceLinkedRole",)},
    "aws:ecs/service:Service": {"create": ("iam:PassRole",), "update": ("iam:PassRole",)},
    "aws:ecs/taskDefinition:TaskDefinition": {"create": ("iam:PassRole",)},
    "aws:ec2/flowLog:FlowLog": {"create": ("iam:PassRole",)},
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"create": ("route53:AssociateVPCWithHostedZone",)},
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    "aws:ecr/repository:Repository": {
        "update": ("ecr:PutImageScanningConfiguration", "ecr:PutImageTagMutability"),
        "delete": ("kms:RetireGrant", "ecr:BatchDeleteImage", "ecr:ListImages"),
    },
    "aws:lb/loadBalancer:LoadBalancer": {
        "create": ("iam:CreateServiceLinkedRole",),
        "update": ("elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetSubnets"),
    },
    "aws:lb/targetGroup:TargetGroup": {"update": ("elasticloadbalancing:ModifyTargetGroup",)},
    # https://docs.aws.amazon.com/waf/latest/developerguide/security_iam_service-with-iam.html
    "aws:wafv2/webAclAssociation:WebAclAssociation": {
        "create": ("elasticloadbalancing:SetWebAcl", "elasticloadbalancing:CreateWebACLAssociation"),
        "read": ("elasticloadbalancing:GetLoadBalancerWebACL", "wafv2:GetWebACL"),
        "delete": ("elasticloadbalancing:SetWebAcl", "elasticloadbalancing:DeleteWebACLAssociation"),
    },
    # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": {
        "create": ("logs:CreateLogDelivery", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
        "delete": ("logs:DeleteLogDelivery",),
    },
    # https://docs.aws.amazon.com/acm/latest/userguide/tags-restrictions.html
    "aws:acm/certificate:Certificate": {
        "update": ("acm:AddTagsToCertificate with tags", "acm:RemoveTagsFromCertificate")
    },
}
"""Calls by type and operation that the recording lacks."""

TAGGED_BESIDE = {
    "acm:RequestCertificate": "acm:AddTagsToCertificate",
    "application-autoscaling:RegisterScalableTarget": "application-autoscaling:TagResource",
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
    "ecr:CreateRepository": "ecr:TagResource",
    "events:PutRule": "events:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
    "sns:CreateTopic": "sns:TagResource",
    "wafv2:CreateWebACL": "wafv2:TagResource",
}
"""Making with tags asks for tagging, too; ec2, ecs and elasticloadbalancing say then that it is for the making."""

CREATE_ACTION = {
    "ec2": ("ec2:CreateTags", "ec2:CreateAction"),
    "ecs": ("ecs:TagResource", "ecs:CreateAction"),
    "elasticloadbalancing": ("elasticloadbalancing:AddTags", "elasticloadbalancing:CreateAction"),
}

TYPES = {
    "aws:acm/certificate:Certificate": "certificate",
    "aws:appautoscaling/target:Target": "ScalableTarget",
    "aws:appautoscaling/policy:Policy": "ScalableTarget",
    "aws:appautoscaling/scheduledAction:ScheduledAction": "ScalableTarget",
    "aws:autoscaling/group:Group": "autoScalingGroup",
    "aws:cloudwatch/dashboard:Dashboard": "dashboard",
    "aws:cloudwatch/eventRule:EventRule": "rule-on-default-event-bus",
    "aws:cloudwatch/eventTarget:EventTarget": "rule-on-default-event-bus",
    "aws:cloudwatch/logGroup:LogGroup": "log-group",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "alarm",
    "aws:ec2/eip:Eip": "elastic-ip",
    "aws:ec2/flowLog:FlowLog": "vpc-flow-log",
    "aws:ec2/internetGateway:InternetGateway": "internet-gateway",
    "aws:ec2/launchTemplate:LaunchTemplate": "launch-template",
    "aws:ec2/natGateway:NatGateway": "natgateway",
    "aws:ec2/route:Route": "route-table",
    "aws:ec2/routeTable:RouteTable": "route-table",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "route-table",
    "aws:ec2/securityGroup:SecurityGroup": "security-group",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpc-endpoint",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "repository",
    "aws:ecr/repository:Repository": "repository",
    "aws:ecs/capacityProvider:CapacityProvider": "capacity-provider",
    "aws:ecs/cluster:Cluster": "cluster",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "cluster",
    "aws:ecs/service:Service": "service",
    "aws:ecs/taskDefinition:TaskDefinition": "task-definition",
    "aws:iam/rolePolicy:RolePolicy": "role",
    "aws:lb/listener:Listener": "listener/app",
    "aws:lb/listenerRule:ListenerRule": "listener-rule/app",
    "aws:lb/loadBalancer:LoadBalancer": "loadbalancer/app/",
    "aws:lb/targetGroup:TargetGroup": "targetgroup",
    "aws:route53/record:Record": "hostedzone",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "bucket",
    "aws:sns/topic:Topic": "topic",
    "aws:sns/topicPolicy:TopicPolicy": "topic",
    "aws:sns/topicSubscription:TopicSubscription": "topic",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "security-group-rule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "security-group-rule",
    "aws:wafv2/webAcl:WebAcl": "webacl",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "webacl",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "webacl",
}
"""What AWS's reference calls the resource that is managed by each type."""

BESIDE = {
    "ec2:AssociateRouteTable": ("subnet",),
    "ec2:CreateFlowLogs": ("vpc",),
    "ec2:CreateNatGateway": ("elastic-ip", "subnet"),
    "ec2:CreateSecurityGroup": ("vpc",),
    "ec2:CreateVpcEndpoint": ("route-table", "security-group", "subnet"),
    "ec2:DisassociateRouteTable": ("subnet",),
    "ec2:ModifyVpcEndpoint": ("route-table", "security-group", "subnet"),
    "ec2:RunInstances": ("launch-template", "volume", "snapshot"),
    "elasticloadbalancing:CreateListener": ("loadbalancer/app/",),
    "s3:DeleteObject": ("object",),
    "s3:DeleteObjectVersion": ("object",),
    "wafv2:CreateWebACL": ("managedruleset",),
    "wafv2:UpdateWebACL": ("managedruleset",),
    "wafv2:AssociateWebACL": ("loadbalancer/app/",),
    "wafv2:DisassociateWebACL": ("loadbalancer/app/",),
    "wafv2:GetWebACLForResource": ("loadbalancer/app/",),
}
"""Resources that a call names beside those that it needs and the managed one."""

MADE = {
    **{f"ec2:{call}": kind for call, kind in {
        "AllocateAddress": "elastic-ip", "AuthorizeSecurityGroupEgress": "security-group-rule",
        "AuthorizeSecurityGroupIngress": "security-group-rule", "CreateFlowLogs": "vpc-flow-log",
        "CreateInternetGateway": "internet-gateway", "CreateLaunchTemplate": "launch-template",
        "CreateNatGateway": "natgateway", "CreateRouteTable": "route-table", "CreateSecurityGroup": "security-group",
        "CreateSubnet": "subnet", "CreateVpc": "vpc", "CreateVpcEndpoint": "vpc-endpoint",
    }.items()},
    "acm:RequestCertificate": "certificate",
    "application-autoscaling:RegisterScalableTarget": "ScalableTarget",
    "autoscaling:CreateAutoScalingGroup": "autoScalingGroup",
    "cloudwatch:PutDashboard": "dashboard",
    "cloudwatch:PutMetricAlarm": "alarm",
    "ecr:CreateRepository": "repository",
    "ecs:CreateCapacityProvider": "capacity-provider",
    "ecs:CreateCluster": "cluster",
    "ecs:CreateService": "service",
    "ecs:RegisterTaskDefinition": "task-definition",
    "elasticloadbalancing:CreateListener": "listener/app",
    "elasticloadbalancing:CreateLoadBalancer": "loadbalancer/app/",
    "elasticloadbalancing:CreateRule": "listener-rule/app",
    "elasticloadbalancing:CreateTargetGroup": "targetgroup",
    "events:PutRule": "rule-on-default-event-bus",
    "logs:CreateLogGroup": "log-group",
    "s3:CreateBucket": "bucket",
    "sns:CreateTopic": "topic",
    "wafv2:CreateWebACL": "webacl",
}  # fmt: skip
"""What a call makes: it has no tags yet, those of the request become its own."""

NEVER_TAGGED = {"hostedzone", "dashboard", "image", "snapshot", "network-interface", "managedruleset", "bucket", "role"}


@dataclass(frozen=True)
class Stack:
    """A stack, and the requests of its resources."""

    name: str

    @property
    def environment(self) -> Environment:
        return environment(self.name)

    @property
    def own(self) -> dict[str, str]:
        return {f"aws:ResourceTag/{key}": value for key, value in self.environment.tags.items()}

    @property
    def requested(self) -> dict[str, str]:
        return {f"aws:RequestTag/{key}": value for key, value in self.environment.tags.items()}

    @functools.cached_property
    def resources(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        """Type, name and inputs of every resource, with those that awsx makes of the VPC."""
        made = run_main(self.name, preview=False, deployedBy="github", **SETTINGS[self.name]).resources
        network = [
            *("aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/routeTable:RouteTable", "aws:ec2/route:Route"),
            *("aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/internetGateway:InternetGateway"),
            *("aws:ec2/eip:Eip", "aws:ec2/natGateway:NatGateway"),
        ]
        return [
            *((each.type, each.name, each.inputs) for each in made if each.type.startswith("aws:")),
            *((token, PROJECT, {}) for token in network),
        ]

    def arn(self, service: str, kind: str, name: str, inputs: Mapping[str, Any]) -> str:
        """The ARN of a resource of the stack by AWS's name of its type."""
        stack, some = self.environment, f"{name}-1a2b3c4"
        named = str(inputs.get("name") or some)
        special = {
            "hostedzone": f"arn:aws:route53:::hostedzone/{stack.hosted_zone_id}",
            "dashboard": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{inputs.get('dashboardName')}",
            "bucket": f"arn:aws:s3:::{stack.family}-access-logs-1a2b3c4",
            "object": f"arn:aws:s3:::{stack.family}-access-logs-1a2b3c4/AWSLogs/1",
            "role": stack.iam(f"role/{PROJECT}/{self.name}/{stack.family}-task"),
            "image": f"arn:aws:ec2:{REGION}::image/ami-1",
            "snapshot": f"arn:aws:ec2:{REGION}::snapshot/snap-1",
            "autoScalingGroup": stack.arn("autoscaling", f"autoScalingGroup:1:autoScalingGroupName/{named}"),
            "alarm": stack.arn("cloudwatch", f"alarm:{named}"),
            "rule-on-default-event-bus": stack.arn("events", f"rule/{named}"),
            "repository": stack.arn("ecr", f"repository/{stack.repository_name}"),
            "cluster": stack.arn("ecs", f"cluster/{stack.family}"),
            "container-instance": stack.arn("ecs", f"container-instance/{stack.family}/1"),
            "service": stack.arn("ecs", f"service/{stack.family}/{named}"),
            "service-deployment": stack.arn("ecs", f"service-deployment/{stack.family}/{named}/1"),
            "task": stack.arn("ecs", f"task/{stack.family}/1"),
            "task-definition": stack.arn("ecs", f"task-definition/{stack.family}:7"),
            "loadbalancer/app/": stack.arn("elasticloadbalancing", f"loadbalancer/app/{PROJECT}-1a2b3c4/1"),
            "listener/app": stack.arn("elasticloadbalancing", f"listener/app/{PROJECT}-1a2b3c4/1/2"),
            "listener-rule/app": stack.arn("elasticloadbalancing", f"listener-rule/app/{PROJECT}-1a2b3c4/1/2/3"),
            "targetgroup": stack.arn("elasticloadbalancing", f"targetgroup/{some}/1"),
            "log-group": stack.arn("logs", f"log-group:{named}"),
            "log-stream": stack.arn("logs", f"log-group:{named}:log-stream:1"),
            "topic": stack.arn("sns", some),
            "webacl": stack.web_acl_arn or stack.arn("wafv2", f"regional/webacl/{some}/1"),
            "managedruleset": stack.arn("wafv2", "regional/managedruleset/AWS/1"),
            "ScalableTarget": stack.arn("application-autoscaling", "scalable-target/1"),
            "certificate": stack.arn("acm", "certificate/1"),
            "change": "arn:aws:route53:::change/1",
            "key": f"{STATE.key_arn}{self.name}",
        }
        return special.get(kind) or stack.arn(service, f"{kind}/{kind}-1")

    def of_call(self, call: str, token: str, name: str, inputs: Mapping[str, Any]) -> Iterator[Request]:
        """The requests of one call for one resource."""
        action, _, tagged = call.partition(" with ")
        service = action.partition(":")[0]
        if action.startswith("iam:"):
            yield from self._of_iam(action, token)
            return
        context = {"aws:RequestedRegion": REGION, **self._context(action, token, inputs)}
        made, managed = MADE.get(action), TYPES.get(token, "")
        if (
            token == "aws:appautoscaling/policy:Policy"
            and service == "cloudwatch"
            and action != "cloudwatch:DescribeAlarms"
        ):
            alarm = f"alarm:TargetTracking-service/{self.environment.family}/{PROJECT}-1a2b3c4-AlarmHigh-1"
            yield Request(action, self.environment.arn("cloudwatch", alarm), context)
            return
        if action == "route53:AssociateVPCWithHostedZone":
            if inputs.get("vpcEndpointType") == "Interface":
                yield Request(action, "arn:aws:route53:::hostedzone/ZAWS", {"aws:RequestedRegion": "us-east-1"})
            return
        if action == "ssm:GetParameters":
            yield Request(action, f"arn:aws:ssm:{REGION}::parameter{AMI_PARAMETERS['X86_64']}", context)
            return
        if action == "kms:RetireGrant":
            aws_key = {"kms:ResourceAliases": ["alias/aws/ecr"]}
            yield Request(action, self.environment.arn("kms", "key/aws"), {**context, **aws_key})
            return
        kinds = {
            kind
            for kind, is_needed in evaluator.resource_types(action).items()
            if is_needed or kind in (managed, *BESIDE.get(action, ()))
        }
        if service == "s3" and kinds & {"object", "accesspointobject"}:
            kinds = {"object"}
        if action == "s3:ListBucket":
            kinds = {"bucket"}
        if not kinds and service == "ec2" and tagged:
            kinds = {managed}
        if not kinds:
            yield Request(action, "*", {**context, **(self.requested if tagged else {})})
        for kind in sorted(kinds):
            is_made = kind == made and bool(tagged)
            if action == "ec2:RunInstances":
                is_made = kind in ("instance", "volume")
            has_tags = (
                kind not in NEVER_TAGGED and not is_made and not (kind == "webacl" and self.environment.web_acl_arn)
            )
            arn = self.arn(service, kind, name, inputs)
            with_tags = bool(tagged) or is_made
            yield Request(
                action,
                arn,
                {**context, **(self.own if has_tags else {}), **(self.requested if with_tags else {})},
            )
            if not is_made:
                continue
            if service in CREATE_ACTION:
                tagging, key = CREATE_ACTION[service]
                yield Request(tagging, arn, {**context, **self.requested, key: action.partition(":")[2]})
        if tagged and made is not None and made != managed:
            raise NotImplementedError(f"{action} makes {made}, but {token} is {managed}")
        if tagged and service == "elasticloadbalancing" and action in MADE:
            tagging, key = CREATE_ACTION[service]
            made_arn = self.arn(service, MADE[action], name, inputs)
            yield Request(tagging, made_arn, {**context, **self.requested, key: action.partition(":")[2]})
        if tagged and action in TAGGED_BESIDE:
            yield Request(
                TAGGED_BESIDE[action], self.arn(service, MADE[action], name, inputs), {**context, **self.requested}
            )

    def _context(self, action: str, token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        stack = self.environment
        context: dict[str, Any] = {}
        if token == "aws:route53/record:Record":
            context["route53:ChangeResourceRecordSetsNormalizedRecordNames"] = [str(inputs["name"]).rstrip(".").lower()]
        if token == "aws:acm/certificate:Certificate":
            context["acm:DomainNames"] = [str(inputs["domainName"])]
        if action == "events:PutTargets":
            context["events:TargetArn"] = [stack.arn("sns", f"{PROJECT}-alarms-1a2b3c4")]
        if action in ("ecs:CreateService", "ecs:UpdateService"):
            context["ecs:task-definition"] = stack.arn("ecs", f"task-definition/{stack.family}:7")
            context["ecs:cluster"] = stack.arn("ecs", f"cluster/{stack.family}")
        return context

    def _of_iam(self, action: str, token: str) -> Iterator[Request]:
        stack = self.environment
        purposes = {
            "aws:ecs/taskDefinition:TaskDefinition": ("execution", "task"),
            "aws:ecs/service:Service": ("shift",),
            "aws:ec2/flowLog:FlowLog": ("flow",),
            "aws:autoscaling/group:Group": ("instance",),
        }
        services = {
            "aws:appautoscaling/target:Target": "ecs.application-autoscaling.amazonaws.com",
            "aws:autoscaling/group:Group": "autoscaling.amazonaws.com",
            "aws:ecs/cluster:Cluster": "ecs.amazonaws.com",
            "aws:lb/loadBalancer:LoadBalancer": "elasticloadbalancing.amazonaws.com",
        }
        region = {"aws:RequestedRegion": "us-east-1"}
        if action == "iam:CreateServiceLinkedRole":
            arn = stack.iam(f"role/aws-service-role/{services[token]}/AWSServiceRole")
            yield Request(action, arn, {**region, "iam:AWSServiceName": services[token]})
            return
        if action == "iam:GetInstanceProfile":
            profile = roles.physical_name(PROJECT, self.name, "instance")
            yield Request(action, stack.iam(f"instance-profile/{PROJECT}/{self.name}/{profile}"), region)
            return
        for purpose in purposes.get(token, tuple(roles.PURPOSES)):
            arn = stack.iam(f"role/{PROJECT}/{self.name}/{roles.physical_name(PROJECT, self.name, purpose)}")
            context: dict[str, str] = {**region, "iam:PermissionsBoundary": stack.boundary_arn}
            if action == "iam:PassRole":
                context = {**region, "iam:PassedToService": roles.PURPOSES[purpose].service}
            yield Request(action, arn, context)


def calls(token: str, operation: str) -> list[str]:
    """What is called for a resource of the type."""
    recorded = json.loads(RECORDING.read_text())["calls"].get(token, {}).get(operation, [])
    return sorted({*recorded, *BY_HAND.get(token, {}).get(operation, ())})


@functools.cache
def of_resources(stack: str, *operations: str) -> list[Request]:
    """The requests for all resources of a stack."""
    asked = Stack(stack)
    found = [
        request
        for token, name, inputs in asked.resources
        for operation in operations
        for call in calls(token, operation)
        for request in asked.of_call(call, token, name, inputs)
    ]
    # What is there, and only read.
    for call in ("iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:GetInstanceProfile"):
        found += asked.of_call(call, "aws:iam/role:Role", "", {})
    found.append(Request("logs:DescribeResourcePolicies", "*", {"aws:RequestedRegion": REGION}))
    return list({str(each): each for each in found}.values())


def of_pulumi(stack: str, *, writes: bool) -> list[Request]:
    """What Pulumi asks of its backend and its secrets provider; of the functions that the program calls.

    https://www.pulumi.com/docs/iac/concepts/state-and-backends/ and pkg/backend/diy of the engine: it lists, reads,
    writes, copies and deletes objects below the prefix of the backend's URL. Plans encrypt secrets, too.
    """
    environment_, asked = environment(stack), Stack(stack)
    region = {"aws:RequestedRegion": REGION}
    object_arn = f"{STATE.bucket_arn}/{stack}/.pulumi/stacks/{PROJECT}/{stack}.json"
    key = state(stack).key_arn
    encrypted = {"s3:x-amz-server-side-encryption-aws-kms-key-id": key, "s3:x-amz-server-side-encryption": "aws:kms"}
    secret = environment_.arn("secretsmanager", "secret:token-AbCdEf")
    parameter = environment_.arn("ssm", "parameter/level")
    found = [
        Request("s3:ListBucket", STATE.bucket_arn, {**region, "s3:prefix": f"{stack}/.pulumi/stacks/"}),
        Request("s3:GetObject", object_arn, region),
        Request("kms:Decrypt", key, {**region, "kms:ViaService": f"s3.{REGION}.amazonaws.com"}),
        Request("kms:Decrypt", key, region),
        Request("kms:Encrypt", key, region),
        Request("ec2:DescribeAvailabilityZones", "*", region),
        Request("ecr:GetAuthorizationToken", "*", region),
        Request("secretsmanager:ListSecretVersionIds", secret, {**region, **asked.own}),
        Request("ssm:GetParameter", parameter, {**region, **asked.own}),
    ]  # fmt: skip
    if writes:
        found += [
            Request("s3:PutObject", object_arn, {**region, **encrypted}),
            Request("s3:DeleteObject", object_arn, region),
            Request("kms:GenerateDataKey", key, {**region, "kms:ViaService": f"s3.{REGION}.amazonaws.com"}),
        ]
    return found


def of_deployment(stack: str) -> list[Request]:
    """What Docker pushes with, and what the verdict and the migration ask (components/ecs_api.py, migration.py).

    Not here is ecs:ContinueServiceDeployment, which the evaluator's table does not know yet.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
    """
    asked, region = Stack(stack), {"aws:RequestedRegion": REGION}
    of, own = asked.environment, {**region, **asked.own}
    cluster = of.arn("ecs", f"cluster/{of.family}")
    calls_ = {
        "repository": [
            *("ecr:BatchCheckLayerAvailability", "ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage"),
            *("ecr:UploadLayerPart", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        ],
        "service": ["ecs:DescribeServices", "ecs:ListServiceDeployments", "ecs:StopServiceDeployment"],
        "service-deployment": ["ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment"],
        "task": ["ecs:DescribeTasks"],
        "container-instance": ["ecs:ListTasks"],
        "log-stream": ["logs:GetLogEvents"],
    }
    found = [
        Request(action, asked.arn(action.partition(":")[0], kind, PROJECT, {}), own)
        for kind, actions in calls_.items()
        for action in actions
    ]
    found += [
        Request(f"elasticloadbalancing:Describe{what}", "*", region)
        for what in ("TargetHealth", "TargetGroups", "TargetGroupAttributes")
    ]
    found.append(Request("ecs:DescribeTaskDefinition", "*", region))
    revision = asked.arn("ecs", "task-definition", "", {})
    found.append(Request("ecs:RunTask", revision, {**own, "ecs:cluster": cluster}))
    found += asked.of_call("iam:PassRole", "aws:ecs/taskDefinition:TaskDefinition", "", {})
    return found
