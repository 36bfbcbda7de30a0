"""Every key of the configuration does something: given another value, the named property becomes what the row says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.mocks import PROJECT, ROOT, Run, run_main

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
LISTENER = ("aws:lb/listener:Listener", PROJECT)
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


ZONED = {"domainName": "shop.example.com", "hostedZoneId": "ZSHOP"}
SCALED = {"maxCount": 7, "scalingSchedule": []}

ROWS = [
    Row("imageVersion", "9.8.7", (*IMAGE, "imageName"), "9.8.7"),
    Row("imageBase", "debian:bookworm", (*IMAGE, "build", "args", "BASE_IMAGE"), "debian:bookworm"),
    Row("repositoryName", "own/name", (*REPOSITORY, "name"), "own/name"),
    Row(
        "keepImages",
        44,
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", PROJECT, "policy", "rules", 1, "selection", "countNumber"),
        44,
    ),
    Row(
        "cpuArchitecture",
        "ARM64",
        (*TASK_DEFINITION, "runtimePlatform", "cpuArchitecture"),
        "ARM64",
        beside={"instanceType": "t4g.medium"},
    ),
    Row("vpcCidr", "10.9.0.0/16", (*VPC, "cidrBlock"), "10.9.0.0/16"),
    Row("availabilityZoneCount", 3, (*VPC, "numberOfAvailabilityZones"), 3),
    Row("natGateways", "one-per-zone", (*VPC, "natGateways", "strategy"), "OnePerAz"),
    Row("vpcEndpoints", True, ("aws:ec2/vpcEndpoint:VpcEndpoint", f"{PROJECT}-logs", "vpcEndpointType"), "Interface"),
    Row("flowLogRetentionDays", 7, ("aws:cloudwatch/logGroup:LogGroup", f"{PROJECT}-flow", "retentionInDays"), 7),
    Row(
        "allowedIngressCidrs",
        ["198.51.100.0/24"],
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            f"{PROJECT}-load-balancer-80-from-198.51.100.0-24",
            "cidrIpv4",
        ),
        "198.51.100.0/24",
    ),
    Row("containerInsights", "enhanced", ("aws:ecs/cluster:Cluster", PROJECT, "settings", 0, "value"), "enhanced"),
    Row("launchType", "EC2", (*TASK_DEFINITION, "requiresCompatibilities"), ["EC2"], stack="local"),
    Row("fargateSpotWeight", 5, service("capacityProviderStrategies", 1, "weight"), 5),
    Row("fargateOnDemandWeight", 3, service("capacityProviderStrategies", 0, "weight"), 3),
    Row("fargateOnDemandBase", 2, service("capacityProviderStrategies", 0, "base"), 2),
    Row(
        "instanceType",
        "t3.xlarge",
        ("aws:ec2/launchTemplate:LaunchTemplate", f"{PROJECT}-instance", "instanceType"),
        "t3.xlarge",
        stack="dev-ec2",
    ),
    Row("minInstances", 2, (*INSTANCES, "minSize"), 2, stack="dev-ec2"),
    Row("maxInstances", 9, (*INSTANCES, "maxSize"), 9, stack="dev-ec2"),
    Row(
        "loadBalancerScheme",
        "internet-facing",
        (*LOAD_BALANCER, "internal"),
        False,
        stack="internal",
        beside={"allowedIngressCidrs": ["198.51.100.0/24"]},
    ),
    Row("listenerPort", 8080, (*LISTENER, "port"), 8080),
    Row("certificateArn", CERTIFICATE, (*HTTPS, "certificateArn"), CERTIFICATE),
    Row(
        "domainName",
        "shop.example.com",
        ("aws:acm/certificate:Certificate", PROJECT, "domainName"),
        "shop.example.com",
        stack="prod",
    ),
    Row("hostedZoneId", "ZOTHER", ("aws:route53/record:Record", PROJECT, "zoneId"), "ZOTHER", beside=ZONED),
    Row("firewall", WEB_ACL, ("aws:wafv2/webAclAssociation:WebAclAssociation", PROJECT, "webAclArn"), WEB_ACL),
    Row(
        "accessLogRetentionDays",
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
    Row("healthCheckPath", "/ready", (*TARGET_GROUP, "healthCheck", "path"), "/ready"),
    Row("taskStartSeconds", 900, (*SERVICE_COMPONENT, "taskStartSeconds"), 900),
    Row("healthCheckGracePeriodSeconds", 300, service("healthCheckGracePeriodSeconds"), 300),
    Row("deregistrationDelaySeconds", 17, (*TARGET_GROUP, "deregistrationDelay"), 17),
    Row("taskCpuUnits", 512, (*TASK_DEFINITION, "cpu"), "512", beside={"taskMemoryMib": 1024}),
    Row("taskMemoryMib", 2048, (*TASK_DEFINITION, "memory"), "2048"),
    Row("containerPort", 8080, (*CONTAINER, "portMappings", 0, "containerPort"), 8080),
    Row("containerUser", "1000:1001", (*CONTAINER, "user"), "1000:1001"),
    Row("networkMode", "awsvpc", (*TASK_DEFINITION, "networkMode"), "awsvpc", stack="dev-ec2"),
    Row("environment", {"A": "b"}, (*CONTAINER, "environment"), [{"name": "A", "value": "b"}]),
    Row("secrets", {"A": SECRET}, (*CONTAINER, "secrets"), [{"name": "A", "valueFrom": SECRET}]),
    Row("healthCheckCommand", "true", (*CONTAINER, "healthCheck", "command"), ["CMD-SHELL", "true"]),
    Row("stopTimeoutSeconds", 77, (*CONTAINER, "stopTimeout"), 77),
    Row("ephemeralStorageGib", 33, (*TASK_DEFINITION, "ephemeralStorage", "sizeInGib"), 33),
    Row("executeCommand", True, service("enableExecuteCommand"), True),
    Row("logRetentionDays", 3, ("aws:cloudwatch/logGroup:LogGroup", PROJECT, "retentionInDays"), 3),
    Row("desiredCount", 3, service("desiredCount"), 3, beside={"scalingSchedule": []}),
    Row("placementStrategies", ["random"], service("orderedPlacementStrategies"), [{"type": "random"}], "dev-ec2"),
    Row(
        "placementConstraints",
        ["distinctInstance"],
        service("placementConstraints", 0, "type"),
        "distinctInstance",
        "dev-ec2",
        {"maxInstances": 20},
    ),
    Row("rollbackOnInterrupt", True, (*SERVICE_COMPONENT, "rollbackOnInterrupt"), True),
    Row("forceNewDeployment", "2026-11-28", service("triggers"), {"forceNewDeployment": "2026-11-28"}, stack="local"),
    Row("migrationCommand", ["migrate", "up"], (*SERVICE_COMPONENT, "migrationCommand"), ["migrate", "up"]),
    Row(
        "migrationTimeoutMinutes",
        90,
        (*SERVICE_COMPONENT, "migrationTimeoutMinutes"),
        90,
        beside={"migrationCommand": ["migrate"]},
    ),
    Row("deploymentStrategy", "BLUE_GREEN", deployment("strategy"), "BLUE_GREEN"),
    Row(
        "deploymentStepPercent",
        25,
        deployment("canaryConfiguration", "canaryPercent"),
        25,
        beside={"deploymentStrategy": "CANARY"},
    ),
    Row(
        "deploymentStepMinutes",
        6,
        deployment("canaryConfiguration", "canaryBakeTimeInMinutes"),
        "6",
        beside={"deploymentStrategy": "CANARY"},
    ),
    Row("deploymentBakeMinutes", 8, deployment("bakeTimeInMinutes"), "8", beside={"deploymentStrategy": "BLUE_GREEN"}),
    Row("approvalStage", "POST_SCALE_UP", deployment("lifecycleHooks", 0, "lifecycleStages"), ["POST_SCALE_UP"]),
    Row(
        "approvalTimeoutMinutes",
        90,
        deployment("lifecycleHooks", 0, "timeoutConfiguration", "timeoutInMinutes"),
        "90",
        beside={"approvalStage": "POST_SCALE_UP"},
    ),
    Row("maxCount", 9, (*SCALABLE_TARGET, "maxCapacity"), 9),
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
            ("scalingCpuPercent", "cpu", 42),
            ("scalingMemoryPercent", "memory", 43),
            ("scalingRequestsPerTarget", "requests", 44),
        )
    ],
    Row(
        "scalingSchedule",
        ["cron(0 9 * * ? *) 1-4"],
        ("aws:appautoscaling/scheduledAction:ScheduledAction", f"{PROJECT}-0", "schedule"),
        "cron(0 9 * * ? *)",
    ),
    Row(
        "scalingTimezone",
        "Europe/Berlin",
        ("aws:appautoscaling/scheduledAction:ScheduledAction", f"{PROJECT}-0", "timezone"),
        "Europe/Berlin",
    ),
    Row("alarms", False, service("alarms"), ABSENT),
    Row("alarmErrorPercent", 9, ("aws:cloudwatch/metricAlarm:MetricAlarm", f"{PROJECT}-errors", "threshold"), 9),
    Row(
        "alarmLatencyMilliseconds",
        2500,
        ("aws:cloudwatch/metricAlarm:MetricAlarm", f"{PROJECT}-latency", "threshold"),
        2.5,
    ),
    Row(
        "alarmEmail", "a@b.example", ("aws:sns/topicSubscription:TopicSubscription", PROJECT, "endpoint"), "a@b.example"
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
    declared: Sequence[str] = list(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"])
    assert {row.key for row in ROWS} == {key for key in declared if ":" not in key}
    assert len(ROWS) == len({row.key for row in ROWS})
