"""Every key of the configuration does something: given another value, the named property becomes what the row says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from settings import keys
from tests.mocks import PROJECT, Run, run_main

CERTIFICATE = "arn:aws:acm:ap-northeast-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
WEB_ACL = "arn:aws:wafv2:ap-northeast-1:123456789012:regional/webacl/own/11111111-2222-3333-4444-555555555555"
SECRET = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/own"
BOUNDARY = "arn:aws:iam::123456789012:policy/own"

CONTAINER = ("aws:ecs/taskDefinition:TaskDefinition", PROJECT, "containerDefinitions", 0)
TASK_DEFINITION = ("aws:ecs/taskDefinition:TaskDefinition", PROJECT)
SERVICE = ("aws:ecs/service:Service", PROJECT)
SERVICE_COMPONENT = ("h4b:service:Service", PROJECT)
IMAGE = ("docker:index/image:Image", PROJECT)
REPOSITORY = ("aws:ecr/repository:Repository", PROJECT)
VPC = ("awsx:ec2:Vpc", PROJECT)
LOAD_BALANCER = ("aws:lb/loadBalancer:LoadBalancer", PROJECT)
HTTPS = ("aws:lb/listener:Listener", f"{PROJECT}-https")
TARGET_GROUP = ("aws:lb/targetGroup:TargetGroup", PROJECT)
INSTANCES = ("aws:autoscaling/group:Group", PROJECT)
SCALABLE_TARGET = ("aws:appautoscaling/target:Target", PROJECT)
ABSENT = "<no such resource or property>"

Place = tuple[str | int, ...]
"""Type and name of a resource, then the path of a property; a text of JSON on the way is read."""


@dataclass(frozen=True)
class Row:
    """A key with another value, and what a resource says then."""

    key: str
    value: object
    place: Place
    expected: object
    stack: str = "dev"
    beside: Mapping[str, Any] = field(default_factory=dict)
    """Other keys, without which the value would be refused or do nothing."""


def service(*path: str | int) -> Place:
    return (*SERVICE, *path)


def deployment(*path: str | int) -> Place:
    return service("deploymentConfiguration", *path)


ZONED = {"domain.name": "shop.example.com", "domain.hostedZoneId": "ZSHOP"}
SCALED = {"scaling.maxCount": 7, "scaling.schedule": []}

ROWS = [
    Row("image.version", "9.8.7", (*IMAGE, "imageName"), "9.8.7"),
    Row("image.base", "debian:bookworm", (*IMAGE, "build", "args", "BASE_IMAGE"), "debian:bookworm"),
    Row("image.repositoryName", "own/name", (*REPOSITORY, "name"), "own/name"),
    Row(
        "task.cpuArchitecture",
        "ARM64",
        (*TASK_DEFINITION, "runtimePlatform", "cpuArchitecture"),
        "ARM64",
        beside={"instances.instanceType": "t4g.medium"},
    ),
    Row("network.vpcCidr", "10.9.0.0/16", (*VPC, "cidrBlock"), "10.9.0.0/16"),
    Row("network.availabilityZoneCount", 3, (*VPC, "numberOfAvailabilityZones"), 3),
    Row("network.natGateways", "one-per-zone", (*VPC, "natGateways", "strategy"), "OnePerAz"),
    Row(
        "network.vpcEndpoints",
        True,
        ("aws:ec2/vpcEndpoint:VpcEndpoint", f"{PROJECT}-logs", "vpcEndpointType"),
        "Interface",
    ),
    Row(
        "network.flowLogRetentionDays", 7, ("aws:cloudwatch/logGroup:LogGroup", f"{PROJECT}-flow", "retentionInDays"), 7
    ),
    Row(
        "loadBalancer.allowedIngressCidrs",
        ["198.51.100.0/24"],
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            f"{PROJECT}-load-balancer-80-from-198.51.100.0-24",
            "cidrIpv4",
        ),
        "198.51.100.0/24",
    ),
    Row("containerInsights", "enhanced", ("aws:ecs/cluster:Cluster", PROJECT, "settings", 0, "value"), "enhanced"),
    Row("service.launchType", "EC2", (*TASK_DEFINITION, "requiresCompatibilities"), ["EC2"], stack="local"),
    Row("fargate.spotPercent", 75, service("capacityProviderStrategies", 1, "weight"), 3),
    Row("fargate.onDemandBase", 2, service("capacityProviderStrategies", 0, "base"), 2),
    Row(
        "instances.instanceType",
        "t3.xlarge",
        ("aws:ec2/launchTemplate:LaunchTemplate", f"{PROJECT}-instance", "instanceType"),
        "t3.xlarge",
        stack="dev-ec2",
    ),
    Row("instances.minSize", 2, (*INSTANCES, "minSize"), 2, stack="dev-ec2"),
    Row("instances.maxSize", 9, (*INSTANCES, "maxSize"), 9, stack="dev-ec2"),
    Row(
        "loadBalancer.scheme",
        "internet-facing",
        (*LOAD_BALANCER, "internal"),
        False,
        stack="internal",
        beside={"loadBalancer.allowedIngressCidrs": ["198.51.100.0/24"]},
    ),
    Row("domain.certificateArn", CERTIFICATE, (*HTTPS, "certificateArn"), CERTIFICATE),
    Row(
        "domain.name",
        "shop.example.com",
        ("aws:acm/certificate:Certificate", PROJECT, "domainName"),
        "shop.example.com",
        stack="prod",
    ),
    Row("domain.hostedZoneId", "ZOTHER", ("aws:route53/record:Record", PROJECT, "zoneId"), "ZOTHER", beside=ZONED),
    Row("firewall", WEB_ACL, ("aws:wafv2/webAclAssociation:WebAclAssociation", PROJECT, "webAclArn"), WEB_ACL),
    Row(
        "loadBalancer.accessLogRetentionDays",
        8,
        (
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            f"{PROJECT}-dev",
            "rules",
            0,
            "expiration",
            "days",
        ),
        8,
    ),
    Row("targetGroup.healthCheckPath", "/ready", (*TARGET_GROUP, "healthCheck", "path"), "/ready"),
    Row("service.taskStartSeconds", 900, (*SERVICE_COMPONENT, "taskStartSeconds"), 900),
    Row("service.healthCheckGracePeriodSeconds", 300, service("healthCheckGracePeriodSeconds"), 300),
    Row("targetGroup.deregistrationDelaySeconds", 17, (*TARGET_GROUP, "deregistrationDelay"), 17),
    Row("task.cpuUnits", 512, (*TASK_DEFINITION, "cpu"), "512", beside={"task.memoryMib": 1024}),
    Row("task.memoryMib", 2048, (*TASK_DEFINITION, "memory"), "2048"),
    Row("container.port", 8080, (*CONTAINER, "portMappings", 0, "containerPort"), 8080),
    Row("container.user", "1000:1001", (*CONTAINER, "user"), "1000:1001"),
    Row("task.networkMode", "awsvpc", (*TASK_DEFINITION, "networkMode"), "awsvpc", stack="dev-ec2"),
    Row("environment", {"A": "b"}, (*CONTAINER, "environment"), [{"name": "A", "value": "b"}]),
    Row("secrets", {"A": SECRET}, (*CONTAINER, "secrets"), [{"name": "A", "valueFrom": SECRET}]),
    Row("container.healthCheckCommand", "true", (*CONTAINER, "healthCheck", "command"), ["CMD-SHELL", "true"]),
    Row("container.stopTimeoutSeconds", 77, (*CONTAINER, "stopTimeout"), 77),
    Row("task.ephemeralStorageGib", 33, (*TASK_DEFINITION, "ephemeralStorage", "sizeInGib"), 33),
    Row("service.executeCommand", True, service("enableExecuteCommand"), True),
    Row("task.logRetentionDays", 3, ("aws:cloudwatch/logGroup:LogGroup", PROJECT, "retentionInDays"), 3),
    Row("service.desiredCount", 3, service("desiredCount"), 3, beside={"scaling.schedule": []}),
    Row("placement.strategies", ["random"], service("orderedPlacementStrategies"), [{"type": "random"}], "dev-ec2"),
    Row(
        "placement.constraints",
        ["distinctInstance"],
        service("placementConstraints", 0, "type"),
        "distinctInstance",
        "dev-ec2",
        {"instances.maxSize": 20},
    ),
    Row(
        "service.forceNewDeployment",
        "2026-11-28",
        service("triggers"),
        {"forceNewDeployment": "2026-11-28"},
        stack="local",
    ),
    Row("service.rollbackOnInterrupt", True, (*SERVICE_COMPONENT, "rollbackOnInterrupt"), True),
    Row("migration.command", ["migrate", "up"], (*SERVICE_COMPONENT, "migrationCommand"), ["migrate", "up"]),
    Row(
        "migration.timeoutMinutes",
        90,
        (*SERVICE_COMPONENT, "migrationTimeoutMinutes"),
        90,
        beside={"migration.command": ["migrate"]},
    ),
    Row("deployment.strategy", "BLUE_GREEN", deployment("strategy"), "BLUE_GREEN"),
    Row(
        "deployment.stepPercent",
        25,
        deployment("canaryConfiguration", "canaryPercent"),
        25,
        beside={"deployment.strategy": "CANARY"},
    ),
    Row(
        "deployment.stepMinutes",
        6,
        deployment("canaryConfiguration", "canaryBakeTimeInMinutes"),
        "6",
        beside={"deployment.strategy": "CANARY"},
    ),
    Row(
        "deployment.bakeMinutes", 8, deployment("bakeTimeInMinutes"), "8", beside={"deployment.strategy": "BLUE_GREEN"}
    ),
    Row(
        "deployment.approval.stage",
        "POST_SCALE_UP",
        deployment("lifecycleHooks", 0, "lifecycleStages"),
        ["POST_SCALE_UP"],
    ),
    Row(
        "deployment.approval.timeoutMinutes",
        90,
        deployment("lifecycleHooks", 0, "timeoutConfiguration", "timeoutInMinutes"),
        "90",
        beside={"deployment.approval.stage": "POST_SCALE_UP"},
    ),
    Row("scaling.maxCount", 9, (*SCALABLE_TARGET, "maxCapacity"), 9),
    *[
        Row(
            key,
            value,
            (
                "aws:appautoscaling/policy:Policy",
                f"{PROJECT}-{name}",
                "targetTrackingScalingPolicyConfiguration",
                "targetValue",
            ),
            value,
            beside=SCALED,
        )
        for key, name, value in (
            ("scaling.cpuPercent", "cpu", 42),
            ("scaling.memoryPercent", "memory", 43),
            ("scaling.requestsPerTarget", "requests", 44),
        )
    ],
    Row(
        "scaling.schedule",
        ["cron(0 9 * * ? *) 1-4"],
        ("aws:appautoscaling/scheduledAction:ScheduledAction", f"{PROJECT}-0", "schedule"),
        "cron(0 9 * * ? *)",
    ),
    Row(
        "scaling.timezone",
        "Europe/Berlin",
        ("aws:appautoscaling/scheduledAction:ScheduledAction", f"{PROJECT}-0", "timezone"),
        "Europe/Berlin",
    ),
    Row("alarms.enabled", False, service("alarms"), ABSENT),
    Row("alarms.errorPercent", 9, ("aws:cloudwatch/metricAlarm:MetricAlarm", f"{PROJECT}-errors", "threshold"), 9),
    Row(
        "alarms.latencyMilliseconds",
        2500,
        ("aws:cloudwatch/metricAlarm:MetricAlarm", f"{PROJECT}-latency", "threshold"),
        2.5,
    ),
    Row(
        "alarms.email",
        "a@b.example",
        ("aws:sns/topicSubscription:TopicSubscription", PROJECT, "endpoint"),
        "a@b.example",
    ),
    Row("dashboard", False, ("aws:cloudwatch/dashboard:Dashboard", PROJECT), ABSENT),
    Row(
        "permissionsBoundaryArn",
        BOUNDARY,
        ("aws:iam/role:Role", f"{PROJECT}-task", "permissionsBoundary"),
        BOUNDARY,
        beside={"deployedBy": "administrator"},
    ),
    Row("deployedBy", "administrator", ("aws:iam/role:Role", f"{PROJECT}-task", "description"), "The application"),
    Row("deletionProtection", True, (*LOAD_BALANCER, "enableDeletionProtection"), True),
]


def found(made: Run, place: Place) -> object:
    type_, name, *path = place
    resources = [each for each in made.resources if (each.type, each.name) == (type_, name)]
    if not resources:
        return ABSENT
    value: Any = resources[0].inputs
    for step in path:
        if isinstance(value, str):
            value = json.loads(value)
        try:
            value = value[step]
        except (KeyError, IndexError):
            return ABSENT
    return value


def fits(got: object, expected: object) -> bool:
    """The image's tag begins with the version and ends with a hash; everything else is exactly as expected."""
    return got == expected or (isinstance(got, str) and f":{expected}-" in got)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_a_key_changes_what_it_is_for(row: Row) -> None:
    without = run_main(row.stack, **row.beside)
    with_it = run_main(row.stack, **{**row.beside, row.key: row.value})
    assert fits(found(with_it, row.place), row.expected)
    assert not fits(found(without, row.place), row.expected), "the row shows nothing: it was so before"


def test_every_key_has_a_row() -> None:
    assert {row.key for row in ROWS} == {key for key in keys() if ":" not in key}
    assert len(ROWS) == len({row.key for row in ROWS})
