"""The program as a whole, with the configuration of each stack."""

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.checks import ArgumentError
from settings import keys
from tests.mocks import DIGEST, PROJECT, REGION, ROOT, SECRET, UNKNOWN, Run, run_main, stack_config

STACKS = ["local", "dev", "dev-ec2", "prod", "internal"]
"""Those of this repository; an environment that is made from one needs no test of its own."""
NAME = PROJECT


@pytest.mark.engine
def test_the_engine_takes_the_configuration_and_gives_the_program_the_same_as_these_tests(
    stack: str, tmp_path: Path
) -> None:
    for file in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path)

    def pulumi(*arguments: str) -> str:
        environment = os.environ | {
            "PULUMI_BACKEND_URL": tmp_path.as_uri(),
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        command = [os.environ.get("PULUMI_BIN", "pulumi"), *arguments, "--stack", stack, "--non-interactive"]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    pulumi("stack", "init")
    given = {key: entry["value"] for key, entry in json.loads(pulumi("config", "--json")).items()}
    assert given == stack_config(stack)


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


CLIENTS = {"local": "127.0.0.1-32", "internal": "10.0.0.0-8"}


def from_clients(stack: str, port: int) -> tuple[str, str]:
    client = CLIENTS.get(stack, "0.0.0.0-0")
    return (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        f"{NAME}-load-balancer-{port}-from-{client}",
    )


def core(stack: str) -> set[tuple[str, str]]:
    """What every stack makes."""
    return {
        ("pulumi:providers:aws", NAME),
        ("h4b:image:AppImage", NAME),
        ("aws:ecr/repository:Repository", NAME),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", NAME),
        ("docker:index/image:Image", NAME),
        ("h4b:network:Network", NAME),
        ("awsx:ec2:Vpc", NAME),
        ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", NAME),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", f"{NAME}-s3"),
        ("aws:ec2/securityGroup:SecurityGroup", f"{NAME}-load-balancer"),
        from_clients(stack, 80),
        ("h4b:cluster:Cluster", NAME),
        ("aws:ecs/cluster:Cluster", NAME),
        ("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", NAME),
        ("h4b:load_balancer:LoadBalancer", NAME),
        ("aws:lb/loadBalancer:LoadBalancer", NAME),
        ("h4b:route:Route", NAME),
        ("aws:lb/targetGroup:TargetGroup", NAME),
        ("aws:lb/listenerRule:ListenerRule", NAME),
        ("aws:lb/listener:Listener", NAME),
        ("h4b:task_definition:TaskDefinition", NAME),
        ("aws:cloudwatch/logGroup:LogGroup", NAME),
        ("aws:iam/role:Role", f"{NAME}-execution"),
        ("aws:iam/rolePolicy:RolePolicy", f"{NAME}-execution"),
        ("aws:iam/role:Role", f"{NAME}-task"),
        ("aws:ecs/taskDefinition:TaskDefinition", NAME),
        ("h4b:service:Service", NAME),
        ("aws:ecs/service:Service", NAME),
    }


OWN_ADDRESSES = {
    ("aws:ec2/securityGroup:SecurityGroup", f"{NAME}-tasks"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", f"{NAME}-load-balancer-to-tasks"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", f"{NAME}-tasks-from-load-balancer"),
}
TO_HTTPS = OWN_ADDRESSES | {("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", f"{NAME}-tasks-to-https")}
WATCHED = {
    ("h4b:alarms:Alarms", NAME),
    ("aws:sns/topic:Topic", f"{NAME}-alarms"),
    ("aws:sns/topicPolicy:TopicPolicy", NAME),
    ("h4b:deployment_notices:DeploymentNotices", NAME),
    *(
        (f"aws:cloudwatch/{kind}", f"{NAME}-{event}")
        for event in ("paused", "timed-out", "failed", "rolled-back")
        for kind in ("eventRule:EventRule", "eventTarget:EventTarget")
    ),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", f"{NAME}-errors"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", f"{NAME}-latency"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", f"{NAME}-unhealthy-targets"),
    ("h4b:running_tasks_alarm:RunningTasksAlarm", NAME),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", f"{NAME}-running-tasks"),
    ("h4b:dashboard:Dashboard", NAME),
    ("aws:cloudwatch/dashboard:Dashboard", NAME),
}
SCALED = {
    ("h4b:autoscaling:Autoscaling", NAME),
    ("aws:appautoscaling/target:Target", NAME),
    ("aws:appautoscaling/policy:Policy", f"{NAME}-cpu"),
    ("aws:appautoscaling/policy:Policy", f"{NAME}-memory"),
}
RECORDED = {
    ("aws:ec2/flowLog:FlowLog", NAME),
    ("aws:cloudwatch/logGroup:LogGroup", f"{NAME}-flow"),
    ("aws:iam/role:Role", f"{NAME}-flow"),
    ("aws:iam/rolePolicy:RolePolicy", f"{NAME}-flow"),
}


def kept_in_a_bucket(stack: str) -> set[tuple[str, str]]:
    """What keeps the access logs. A bucket's name says whose it is, as it has no tags that permissions know."""
    name = f"{NAME}-{stack}"
    return {
        ("h4b:access_logs:AccessLogs", name),
        ("aws:s3/bucket:Bucket", f"{name}-access-logs"),
        ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name),
        ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", name),
        ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", name),
        ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", name),
        ("aws:s3/bucketPolicy:BucketPolicy", name),
    }


HTTPS = {("aws:lb/listener:Listener", f"{NAME}-https")}
INSTANCES = {
    ("h4b:capacity:Ec2Capacity", NAME),
    ("aws:iam/role:Role", f"{NAME}-instance"),
    ("aws:iam/rolePolicy:RolePolicy", f"{NAME}-instance"),
    ("aws:iam/instanceProfile:InstanceProfile", f"{NAME}-instance"),
    ("aws:ec2/securityGroup:SecurityGroup", f"{NAME}-instances"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", f"{NAME}-instances-to-https"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", f"{NAME}-load-balancer-to-instances"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", f"{NAME}-instances-from-load-balancer"),
    ("aws:ec2/launchTemplate:LaunchTemplate", f"{NAME}-instance"),
    ("aws:autoscaling/group:Group", NAME),
    ("aws:ecs/capacityProvider:CapacityProvider", NAME),
}
SESSIONS = {
    ("aws:cloudwatch/logGroup:LogGroup", f"{NAME}-sessions"),
    ("aws:iam/rolePolicy:RolePolicy", f"{NAME}-task"),
}
SHIFT = {
    ("random:index/randomPassword:RandomPassword", f"{NAME}-test"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", f"{NAME}-unhealthy-targets-alternate"),
    ("aws:lb/targetGroup:TargetGroup", f"{NAME}-alternate"),
    ("aws:lb/listenerRule:ListenerRule", f"{NAME}-test"),
    ("aws:iam/role:Role", f"{NAME}-shift"),
    ("aws:iam/rolePolicy:RolePolicy", f"{NAME}-shift"),
}
MORE = {
    "local": TO_HTTPS,
    "dev-ec2": WATCHED | INSTANCES | SESSIONS,
    "dev": TO_HTTPS
    | WATCHED
    | SCALED
    | {("aws:appautoscaling/scheduledAction:ScheduledAction", f"{NAME}-{index}") for index in range(2)},
    "prod": TO_HTTPS
    | WATCHED
    | SCALED
    | RECORDED
    | kept_in_a_bucket("prod")
    | HTTPS
    | {
        from_clients("prod", 443),
        ("h4b:certificate:Certificate", NAME),
        ("aws:acm/certificate:Certificate", NAME),
        ("aws:acm/certificateValidation:CertificateValidation", NAME),
        ("aws:route53/record:Record", f"{NAME}-validation"),
        ("aws:route53/record:Record", NAME),
        ("aws:appautoscaling/policy:Policy", f"{NAME}-requests"),
        ("h4b:firewall:Firewall", NAME),
        ("aws:wafv2/webAcl:WebAcl", NAME),
        ("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", NAME),
        ("aws:cloudwatch/logGroup:LogGroup", f"aws-waf-logs-{NAME}"),
        ("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", NAME),
        ("aws:wafv2/webAclAssociation:WebAclAssociation", NAME),
        ("aws:sns/topicSubscription:TopicSubscription", NAME),
    },
    "internal": OWN_ADDRESSES
    | WATCHED
    | RECORDED
    | kept_in_a_bucket("internal")
    | HTTPS
    | SHIFT
    | {
        ("h4b:firewall:Firewall", NAME),
        ("aws:wafv2/webAclAssociation:WebAclAssociation", NAME),
        from_clients("internal", 443),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", f"{NAME}-ecr-api"),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", f"{NAME}-ecr-dkr"),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", f"{NAME}-logs"),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", f"{NAME}-secretsmanager"),
        ("aws:ec2/securityGroup:SecurityGroup", f"{NAME}-endpoints"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", f"{NAME}-endpoints-from-tasks"),
        ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", f"{NAME}-tasks-to-endpoints"),
        ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", f"{NAME}-tasks-to-s3"),
    },
}
DEPLOYED_BY_GITHUB = ("dev", "prod")
READ = {
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "firewall",
    "aws:iam/instanceProfile:InstanceProfile": "",
    "aws:iam/role:Role": "",
}
"""What is there before a stack that GitHub deploys, and the end of its name where that is another than here."""
NOT_BY_GITHUB = ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", NAME)

URLS = {"prod": "https://www.example.com", "internal": "https://hello.corp.example.com"}


def test_every_stack_makes_the_architecture_and_what_its_environment_needs(stack: str) -> None:
    everything = core(stack) | MORE[stack]
    made = run_main(stack)
    before = {each for each in everything if each[0] in READ} if stack in DEPLOYED_BY_GITHUB else set()
    assert made.names == everything - before - ({NOT_BY_GITHUB} if stack in DEPLOYED_BY_GITHUB else set())
    assert made.reads == {(kind, f"{NAME}-{stack}-{READ[kind] or name.rpartition('-')[2]}") for kind, name in before}


def test_a_preview_of_an_empty_account_shows_the_same(stack: str) -> None:
    preview = run_main(stack, preview=True)
    assert preview.names == run_main(stack).names
    known = {name for name, value in preview.outputs.items() if value != UNKNOWN}
    assert known == {"clusterName"} | ({"url"} if stack in URLS else set()) | (
        {"dashboardUrl"} if stack != "local" else set()
    )


def test_the_outputs(stack: str) -> None:
    repository = {
        "dev-ec2": "ecr-h4b-helloworld-ec2",
        "internal": "ecr-h4b-helloworld-internal",
        "prod": "ecr-h4b-helloworld-prod",
    }.get(stack, "ecr-h4b-helloworld")
    registry = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
    watched = {
        "alarmTopicArn": f"arn:aws:sns:{REGION}:123456789012:{NAME}-alarms-1a2b3c4",
        "dashboardUrl": f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}"
        f"#dashboards/dashboard/{NAME}-{stack}",
    }
    assert run_main(stack).outputs == {
        "url": URLS.get(stack, f"http://{NAME}-1.{REGION}.elb.amazonaws.com"),
        "albDnsName": f"{NAME}-1.{REGION}.elb.amazonaws.com",
        "ecrRepositoryUrl": f"{registry}/{repository}",
        "imageUri": f"{registry}/{repository}@{DIGEST}",
        "clusterName": f"{NAME}-{stack}",
        "serviceName": f"{NAME}-1a2b3c4",
        "taskDefinitionArn": f"arn:aws:ecs:{REGION}:123456789012:task-definition/{NAME}-{stack}:7",
        "logGroupName": f"{NAME}-1a2b3c4",
        **({} if stack == "local" else watched),
        **({"testHeader": SECRET} if stack == "internal" else {}),
    }


def test_everything_on_aws_goes_through_the_one_provider_with_region_and_tags(stack: str) -> None:
    made = run_main(stack)
    provider = made.get("pulumi:providers:aws")
    assert provider.inputs["region"] == REGION
    assert json.loads(provider.inputs["defaultTags"]) == {
        "tags": {"project": NAME, "stack": stack, "managed-by": "pulumi"}
    }
    reference = f"{provider.urn}::{NAME}-id"
    on_aws = [each for each in made.resources if each.type.startswith(("aws:", "awsx:"))]
    assert {each.name for each in on_aws if each.provider != reference} == set()
    assert {used for _, _, used in made.calls} == {reference}


def test_the_task_definition_runs_the_image_that_was_pushed_by_digest(stack: str) -> None:
    made = run_main(stack)
    task_definition = made.get("aws:ecs/taskDefinition:TaskDefinition")
    (container,) = json.loads(task_definition.inputs["containerDefinitions"])
    assert container["image"] == made.outputs["imageUri"]
    assert "docker:index/image:Image h4b-helloworld" in task_definition.depends_on


def test_image_and_tasks_are_of_one_architecture(stack: str) -> None:
    for architecture, platform, instances in (
        ("X86_64", "linux/amd64", "t3.small"),
        ("ARM64", "linux/arm64", "t4g.small"),
    ):
        made = run_main(
            stack, task__cpuArchitecture=architecture, instances__instanceType=instances, placement__constraints=[]
        )
        task_definition = made.get("aws:ecs/taskDefinition:TaskDefinition").inputs
        assert task_definition["runtimePlatform"]["cpuArchitecture"] == architecture
        assert made.get("docker:index/image:Image").inputs["build"]["platform"] == platform


def test_the_service_is_what_the_task_definition_is_made_for(stack: str) -> None:
    made = run_main(stack)
    service = made.get("aws:ecs/service:Service")
    task_definition = made.get("aws:ecs/taskDefinition:TaskDefinition")
    (container,) = json.loads(task_definition.inputs["containerDefinitions"])
    (balanced,) = service.inputs["loadBalancers"]
    assert [launch_type(service.inputs)] == task_definition.inputs["requiresCompatibilities"]
    assert re.fullmatch(r"arn:.*:\d+", service.inputs["taskDefinition"])
    assert balanced["containerName"] == container["name"]
    assert balanced["containerPort"] in [mapping["containerPort"] for mapping in container["portMappings"]]
    assert "aws:lb/listenerRule:ListenerRule h4b-helloworld" in service.depends_on


def launch_type(service: Mapping[str, Any]) -> str:
    """FARGATE or EC2, whichever way the service says it."""
    if "launchType" in service:
        return str(service["launchType"])
    providers = {each["capacityProvider"] for each in service["capacityProviderStrategies"]}
    return "FARGATE" if providers <= {"FARGATE", "FARGATE_SPOT"} else "EC2"


def test_dev_saves_with_spot_and_keeps_one_task_on_ordinary_capacity() -> None:
    assert run_main("dev").get("aws:ecs/service:Service").inputs["capacityProviderStrategies"] == [
        {"capacityProvider": "FARGATE", "base": 1, "weight": 0},
        {"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 1},
    ]


def test_dev_ec2_packs_tasks_on_its_own_instances() -> None:
    made = run_main("dev-ec2")
    service = made.get("aws:ecs/service:Service").inputs
    assert service["orderedPlacementStrategies"] == [
        {"type": "spread", "field": "attribute:ecs.availability-zone"},
        {"type": "binpack", "field": "memory"},
    ]
    assert service["placementConstraints"] == [
        {"type": "memberOf", "expression": "attribute:ecs.instance-type =~ t3.*"}
    ]
    assert service["enableExecuteCommand"] is True
    assert made.get("aws:ecs/taskDefinition:TaskDefinition").inputs["networkMode"] == "bridge"
    assert made.get("aws:lb/targetGroup:TargetGroup").inputs["targetType"] == "instance"


def test_dev_ec2_can_give_each_task_an_address() -> None:
    made = run_main("dev-ec2", task__networkMode="awsvpc")
    assert made.get("aws:ecs/taskDefinition:TaskDefinition").inputs["networkMode"] == "awsvpc"
    assert made.get("aws:lb/targetGroup:TargetGroup").inputs["targetType"] == "ip"
    assert "networkConfiguration" in made.get("aws:ecs/service:Service").inputs
    assert not [each for each in made.resources if each.name.endswith(("to-instances", "instances-from-load-balancer"))]


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
def test_traffic_shifts_between_two_target_groups(strategy: str) -> None:
    made = run_main(
        "dev",
        deployment__strategy=strategy,
        deployment__approval__stage="POST_TEST_TRAFFIC_SHIFT",
        deployedBy="administrator",
    )
    service = made.get("aws:ecs/service:Service")
    assert service.inputs["deploymentConfiguration"]["strategy"] == strategy
    assert service.inputs["deploymentConfiguration"]["lifecycleHooks"][0]["targetType"] == "PAUSE"
    assert "advancedConfiguration" in service.inputs["loadBalancers"][0]
    assert made.names - run_main("dev", deployedBy="administrator").names == SHIFT
    assert {f"aws:lb/listenerRule:ListenerRule {NAME}", f"aws:lb/listenerRule:ListenerRule {NAME}-test"} <= (
        service.depends_on
    )


def test_internal_shifts_a_first_share_of_the_traffic_past_the_companys_own_firewall() -> None:
    made = run_main("internal")
    service = made.get("aws:ecs/service:Service").inputs
    assert service["deploymentConfiguration"] == {
        "strategy": "CANARY",
        "bakeTimeInMinutes": "30",
        "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": "10"},
        "lifecycleHooks": [
            {
                "targetType": "PAUSE",
                "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
                "timeoutConfiguration": {"timeoutInMinutes": "240", "action": "ROLLBACK"},
            }
        ],
    }
    association = made.get("aws:wafv2/webAclAssociation:WebAclAssociation").inputs
    assert association["webAclArn"] == stack_config("internal")[f"{PROJECT}:firewall"]


def test_somebody_is_told_when_prod_is_not_well() -> None:
    subscription = run_main("prod").get("aws:sns/topicSubscription:TopicSubscription").inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "on-call@example.com")


def test_what_the_application_is_told() -> None:
    secret = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:db-AbCdEf"
    made = run_main(
        "dev",
        environment={"LEVEL": "info"},
        secrets={"DB_PASSWORD": f"{secret}:password::"},
        container__healthCheckCommand="test -e /dev/shm",
        container__stopTimeoutSeconds=60,
        task__ephemeralStorageGib=50,
    )
    task_definition = made.get("aws:ecs/taskDefinition:TaskDefinition").inputs
    (container,) = json.loads(task_definition["containerDefinitions"])
    assert container["environment"] == [{"name": "LEVEL", "value": "info"}]
    assert container["secrets"] == [{"name": "DB_PASSWORD", "valueFrom": f"{secret}:password::"}]
    assert container["healthCheck"]["command"] == ["CMD-SHELL", "test -e /dev/shm"]
    assert container["stopTimeout"] == 60
    assert task_definition["ephemeralStorage"] == {"sizeInGib": 50}
    assert secret in made.get("aws:iam/rolePolicy:RolePolicy", f"{NAME}-execution").inputs["policy"]


def test_what_is_set_as_a_secret_stays_one_in_every_resource() -> None:
    made = run_main(
        "dev",
        secret=["environment", "container", "migration", "alarms"],
        environment={"LEVEL": "hunter2"},
        container__healthCheckCommand="curl hunter2",
        migration__command=["migrate", "hunter2"],
        alarms__email="hunter2@example.com",
    )
    assert made.get("aws:ecs/taskDefinition:TaskDefinition").inputs["containerDefinitions"] == SECRET
    assert made.get("aws:sns/topicSubscription:TopicSubscription").inputs["endpoint"] == SECRET
    assert made.get("h4b:service:Service").inputs["migrationCommand"] == SECRET
    assert "hunter2" not in repr(made)


def test_tasks_are_private_and_the_load_balancer_is_where_its_clients_are(stack: str) -> None:
    made = run_main(stack)
    if stack == "dev-ec2":
        subnets = made.get("aws:autoscaling/group:Group").inputs["vpcZoneIdentifiers"]
    else:
        service = made.get("aws:ecs/service:Service").inputs["networkConfiguration"]
        assert service["assignPublicIp"] is False
        subnets = service["subnets"]
    assert all(subnet.startswith("subnet-private-") for subnet in subnets)
    load_balancer = made.get("aws:lb/loadBalancer:LoadBalancer").inputs
    side = "private" if stack == "internal" else "public"
    assert load_balancer["internal"] is (stack == "internal")
    assert all(subnet.startswith(f"subnet-{side}-") for subnet in load_balancer["subnets"])


def test_a_deployment_is_rolled_back_by_the_alarms_and_leaves_the_scaled_count(stack: str) -> None:
    made = run_main(stack)
    service = made.get("aws:ecs/service:Service")
    alarms = {each.inputs.get("name", f"{each.name}-1a2b3c4") for each in made.resources if "metricAlarm" in each.type}
    watched = service.inputs.get("alarms", {"alarmNames": []})
    calling_only = {f"{NAME}-running-tasks-1a2b3c4"}
    assert set(watched["alarmNames"]) == alarms - calling_only
    assert len(alarms) == {"local": 0, "internal": 5}.get(stack, 4)
    assert service.ignore_changes == (("desiredCount",) if stack in ("dev", "prod") else ())


def test_a_certificate_of_ones_own_is_used_as_it_is() -> None:
    listener = run_main("internal").get("aws:lb/listener:Listener", f"{NAME}-https").inputs
    assert listener["certificateArn"] == json.loads(stack_config("internal")[f"{PROJECT}:domain"])["certificateArn"]
    issued = run_main("prod").get("aws:lb/listener:Listener", f"{NAME}-https").inputs
    assert issued["certificateArn"] == f"arn:aws:acm:{REGION}:123456789012:certificate/{NAME}"


def test_scaling_stays_within_what_the_stack_allows() -> None:
    assert limits(run_main("dev")) == (2, 4)
    assert limits(run_main("prod")) == (3, 12)


def limits(made: Run) -> tuple[int, int]:
    target = made.get("aws:appautoscaling/target:Target").inputs
    return target["minCapacity"], target["maxCapacity"]


def test_dev_sleeps_at_night_and_at_weekends() -> None:
    actions = {
        each.inputs["schedule"]: each.inputs["scalableTargetAction"]
        for each in run_main("dev").resources
        if each.type == "aws:appautoscaling/scheduledAction:ScheduledAction"
    }
    assert actions == {
        "cron(0 21 * * ? *)": {"minCapacity": 0, "maxCapacity": 0},
        "cron(0 8 ? * MON-FRI *)": {"minCapacity": 2, "maxCapacity": 4},
    }


def sizes(made: Run) -> tuple[object, ...]:
    task_definition = made.get("aws:ecs/taskDefinition:TaskDefinition").inputs
    vpc = made.get("awsx:ec2:Vpc").inputs
    return (
        task_definition["cpu"],
        task_definition["memory"],
        made.get("aws:ecs/service:Service").inputs["desiredCount"],
        vpc["numberOfAvailabilityZones"],
        vpc["natGateways"]["strategy"],
        made.get("aws:cloudwatch/logGroup:LogGroup", NAME).inputs["retentionInDays"],
        made.get("aws:lb/loadBalancer:LoadBalancer").protect,
    )


def test_dev_is_small_and_easy_to_tear_down() -> None:
    assert sizes(run_main("dev")) == ("256", "512", 2, 2, "Single", 14, False)


def test_prod_survives_a_zone_and_is_protected() -> None:
    assert sizes(run_main("prod")) == ("512", "1024", 3, 3, "OnePerAz", 365, True)


def test_local_needs_nothing_that_costs_and_nothing_that_an_emulator_lacks() -> None:
    assert sizes(run_main("local")) == ("256", "512", 2, 2, "Single", 1, False)


def test_a_wrong_configuration_stops_the_program_before_anything_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Run()
    monkeypatch.setattr("tests.mocks.Run", lambda: record)
    with pytest.raises(ArgumentError):
        run_main("dev", service__desiredCount=-1)
    assert record.resources == []


def test_the_default_base_image_is_the_dockerfiles() -> None:
    dockerfile = (ROOT / "app_image" / "Dockerfile").read_text()
    build = run_main("dev").get("docker:index/image:Image").inputs["build"]
    configured = keys()["image.base"].default
    assert build["args"] == {"BASE_IMAGE": configured}
    assert f"ARG BASE_IMAGE={configured.partition('@')[0]}\n" in dockerfile


def test_a_new_base_image_makes_a_new_image() -> None:
    def image(digit: str) -> str:
        made = run_main("dev", image__base=f"ubuntu:24.04@sha256:{digit * 64}")
        return str(made.get("docker:index/image:Image").inputs["imageName"])

    assert image("a") != image("b")


def test_the_container_port_is_the_images() -> None:
    dockerfile = (ROOT / "app_image" / "Dockerfile").read_text()
    (container,) = json.loads(
        run_main("dev").get("aws:ecs/taskDefinition:TaskDefinition").inputs["containerDefinitions"]
    )
    assert f"EXPOSE {container['portMappings'][0]['containerPort']}\n" in dockerfile
    assert f"USER {container['user']}\n" in dockerfile


def test_the_program_reads_as_the_architecture() -> None:
    nodes = list(ast.walk(ast.parse((ROOT / "__main__.py").read_text())))
    logic = (
        ast.FunctionDef,
        ast.ClassDef,
        ast.Lambda,
        ast.For,
        ast.While,
        ast.With,
        ast.Try,
        ast.comprehension,
        ast.Compare,
    )
    assert [ast.unparse(node) for node in nodes if isinstance(node, logic)] == []
    numbers = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, (int, float))]
    assert numbers == [0], "one index, that of the first target group"


def test_the_program_knows_nothing_of_the_local_stack() -> None:
    program = [ROOT / "__main__.py", ROOT / "settings.py", *(ROOT / "components").glob("*.py")]
    telling = re.compile(r"\blocal\b|localhost|emulator|ministack|4566", re.IGNORECASE)
    assert {file.name for file in program if telling.search(file.read_text())} == set()
