"""What a stack's configuration may say, and what a user reads who says something else."""

import json
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components.checks import ArgumentError
from docs.generate_configuration import DOCUMENT, document
from settings import Settings
from tests.mocks import PROJECT, REGION, ROOT, run, stack_config

DECLARED: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
KEYS = {key: schema for key, schema in DECLARED.items() if ":" not in key}


def load(secret: Collection[str] = (), /, **changes: str | None) -> Settings:
    """The settings of stack dev with some keys changed, some of them secret; None removes a key."""
    changed = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in changes.items()}
    config = {key: value for key, value in (stack_config("dev") | changed).items() if value is not None}
    keys = [key if ":" in key else f"{PROJECT}:{key}" for key in secret]
    loaded: list[Settings] = []
    run(lambda: loaded.append(Settings.load()), stack="dev", config=config, secret=keys)
    return loaded[0]


def refusal(secret: Collection[str] = (), /, **changes: str | None) -> str:
    with pytest.raises(ArgumentError) as refused:
        load(secret, **changes)
    return str(refused.value)


def test_the_values_of_a_stack() -> None:
    dev = load()
    assert (dev.region, dev.desired_count, dev.task_cpu_units, dev.task_memory_mib) == (REGION, 2, 256, 512)
    assert dev.allowed_ingress_cidrs == ("0.0.0.0/0",)
    assert dev.deletion_protection is False


def test_what_follows_from_project_and_stack() -> None:
    seen: list[Any] = []

    def program() -> None:
        dev = Settings.load()
        seen.extend([dev.name, dev.family, dev.tags, dev.image_context, dev.build_args])

    run(program, stack="dev", config=stack_config("dev"))
    assert seen == [
        "h4b-helloworld",
        "h4b-helloworld-dev",
        {"project": "h4b-helloworld", "stack": "dev", "managed-by": "pulumi"},
        Path("app_image"),
        {"BASE_IMAGE": stack_config("dev")["h4b-helloworld:imageBase"]},
    ]


def test_every_key_is_declared_with_type_and_description_and_every_declared_key_is_read() -> None:
    read = {
        "".join([first, *map(str.capitalize, rest)]) for first, *rest in (f.name.split("_") for f in fields(Settings))
    }
    assert read - {"region"} == set(KEYS)
    assert all({"type", "description"} <= schema.keys() for schema in KEYS.values())


def test_who_may_connect_is_the_one_decision_without_default() -> None:
    assert {key for key, schema in KEYS.items() if "default" not in schema} == {"allowedIngressCidrs"}


def test_the_declared_defaults_are_allowed_values() -> None:
    defaults = {f"{PROJECT}:{key}": None for key in KEYS} | {f"{PROJECT}:allowedIngressCidrs": '["192.0.2.0/24"]'}
    assert load(**{key: value or _default(key) for key, value in defaults.items()}).deletion_protection is True


def _default(key: str) -> str:
    value = KEYS[key.split(":")[1]]["default"]
    return value if isinstance(value, str) else json.dumps(value)


def test_the_page_about_configuration_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document(), "run `make docs`"


def test_one_message_lists_every_problem() -> None:
    assert refusal(
        desiredCount="two", natGateways="one", deletionProtection="no", allowedIngressCidrs='["0.0.0.0"]'
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - natGateways: got 'one', expected one of none, single, one-per-zone; choose how tasks reach ECR and "
        "CloudWatch Logs\n"
        "  - allowedIngressCidrs: got ['0.0.0.0'], expected a list, not empty and without repetition, of: "
        "an IPv4 network with a prefix from /0 to /32 and no host bits, of addresses that hosts can "
        "have; "
        'list the networks of your clients, or ["0.0.0.0/0"] for everybody\n'
        "  - desiredCount: got 'two', expected a whole number from 0 to 5000; choose how many tasks are to run; "
        "two or more survive the loss of one\n"
        "  - deletionProtection: got 'no', expected true or false; choose one of the two"
    )


def test_contradictions_are_told_with_all_the_rest() -> None:
    assert refusal(taskMemoryMib="4096", vpcCidr="10.0.0.0/28", desiredcount="3") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - desiredcount: got an unknown key, expected one of those in Pulumi.yaml; did you mean desiredCount?\n"
        "  - vpcCidr: got '10.0.0.0/28' with availabilityZoneCount 2, expected a prefix from /16 to /25; "
        "choose a larger range or fewer zones, each zone needs two subnets of at least /27\n"
        "  - taskMemoryMib: got 4096, expected 512, 1024 or 2048 MiB with taskCpuUnits 256; "
        "change taskMemoryMib, or use taskCpuUnits 512 or 1024 or 2048"
    )


OPTIONAL = {
    key: schema["default"]
    for key, schema in KEYS.items()
    if key not in ("fargateSpotWeight", "minInstances")  # where 0 is a number
    and schema.get("default") in ("", 0)
    and not isinstance(schema["default"], bool)
}


def test_the_empty_value_of_an_optional_key_is_none() -> None:
    assert set(OPTIONAL) == {
        *("certificateArn", "domainName", "hostedZoneId", "maxCount", "permissionsBoundaryArn"),
        *("scalingRequestsPerTarget", "alarmEmail", "healthCheckCommand", "ephemeralStorageGib", "approvalStage"),
        "forceNewDeployment",
        "healthCheckGracePeriodSeconds",
    }
    none = load(maxCount="0", scalingSchedule="[]", flowLogRetentionDays="0", accessLogRetentionDays="0", alarmEmail="")
    assert (none.max_count, none.alarm_email) == (None, None)
    assert (none.flow_log_retention_days, none.access_log_retention_days) == (None, None)


def test_settings_that_contradict_each_other_are_told_all_at_once() -> None:
    region = "arn:aws:%s:us-east-1:123456789012:%s/01234567-89ab-cdef-0123-456789abcdef"
    assert refusal(
        certificateArn=region % ("acm", "certificate"),
        hostedZoneId="Z1",
        listenerPort="443",
        firewall=region % ("wafv2", "regional/webacl/company"),
        maxCount="1",
        scalingCpuPercent="0",
        scalingMemoryPercent="0",
        scalingSchedule="[]",
        containerInsights="disabled",
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - listenerPort: got 443 with a certificate, expected a port other than 443, where HTTPS is; "
        "change it to 80, from where clients are redirected to HTTPS\n"
        "  - domainName: got nothing with hostedZoneId, expected a name in that zone; "
        "set domainName or remove hostedZoneId\n"
        "  - certificateArn: got one of region us-east-1 with aws:region ap-northeast-1, expected one of "
        "ap-northeast-1; a load balancer takes none from elsewhere\n"
        "  - firewall: got one of region us-east-1 with aws:region ap-northeast-1, expected one of "
        "ap-northeast-1; a load balancer takes none from elsewhere\n"
        "  - maxCount: got 1 with desiredCount 2, expected at least 2; raise maxCount or lower desiredCount\n"
        "  - scalingCpuPercent: got nothing, as have scalingMemoryPercent, scalingRequestsPerTarget and "
        "scalingSchedule, expected at least one of them; say what to scale by\n"
        "  - containerInsights: got 'disabled' with alarms true, expected enhanced or enabled, which count running "
        "tasks; change containerInsights or set alarms to false"
    )


def test_a_domain_name_needs_a_certificate_or_a_zone_to_have_one_issued() -> None:
    assert refusal(domainName="shop.example.com") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - domainName: got 'shop.example.com' without certificateArn and hostedZoneId, expected one of the two; "
        "set hostedZoneId to have a certificate issued, or certificateArn"
    )
    assert load(domainName="shop.example.com", hostedZoneId="Z1").listener_ports == (80, 443)


def test_the_firewall_is_made_or_brought_along_or_left_out() -> None:
    arn = f"arn:aws:wafv2:{REGION}:123456789012:regional/webacl/company/01234567-89ab-cdef-0123-456789abcdef"
    chosen = [load(firewall=choice) for choice in ("none", "managed", arn)]
    assert [each.has_firewall for each in chosen] == [False, True, True]
    assert [each.web_acl_arn for each in chosen] == [None, None, arn]


def test_requests_are_not_counted_while_traffic_shifts() -> None:
    assert refusal(deploymentStrategy="CANARY", scalingRequestsPerTarget="1000") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - scalingRequestsPerTarget: got 1000 with deploymentStrategy CANARY, expected 0, since requests are counted "
        "by target group and the tasks change theirs; scale by something else, or set deploymentStrategy to ROLLING"
    )


def test_a_schedule_needs_something_that_scales() -> None:
    assert refusal(maxCount="0") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - scalingSchedule: got a schedule without maxCount, expected none while nothing scales; "
        "set maxCount or remove scalingSchedule"
    )


SECRETS = {
    "PASSWORD": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:db-AbCdEf",
    "LEVEL": "arn:aws:ssm:ap-northeast-1:123456789012:parameter/level",
}


def test_endpoints_are_for_what_the_stack_uses() -> None:
    assert load().endpoint_services == ()
    closed = {"natGateways": "none", "vpcEndpoints": "true"}
    assert load(**closed).endpoint_services == ("ecr.api", "ecr.dkr", "logs")
    assert load(**closed, secrets=json.dumps(SECRETS)).endpoint_services[3:] == ("secretsmanager", "ssm")
    assert load(**closed, executeCommand="true").endpoint_services[3:] == ("ssmmessages",)
    on_instances = load(**closed, launchType="EC2", fargateSpotWeight="0")
    assert on_instances.endpoint_services[3:] == ("ecs", "ecs-agent", "ecs-telemetry")


def test_tasks_need_a_way_to_their_image_and_their_secrets() -> None:
    assert refusal(natGateways="none") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - natGateways: got 'none' with vpcEndpoints false, expected a way to ECR and CloudWatch Logs, without which "
        "no task starts; set vpcEndpoints to true, or natGateways to single"
    )
    abroad = {"KEY": "arn:aws:ssm:us-east-1:123456789012:parameter/key"}
    assert refusal(natGateways="none", vpcEndpoints="true", secrets=json.dumps(SECRETS | abroad)) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - secrets: got KEY of another region with natGateways none, expected secrets of ap-northeast-1, since VPC "
        "endpoints lead nowhere else; replicate them to ap-northeast-1, or give the VPC a NAT gateway"
    )
    assert load(secrets=json.dumps(abroad)).container_secrets.keys() == {"KEY"}


def test_a_service_that_sleeps_needs_somebody_to_wake_it() -> None:
    assert refusal(desiredCount="0", scalingSchedule='["cron(0 21 * * ? *) 0-0"]') == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - desiredCount: got 0 without anything in scalingSchedule that raises it, expected at least 1, since no "
        "metric starts a task where none runs; raise desiredCount, or wake the service by scalingSchedule"
    )
    assert load(desiredCount="0").desired_count == 0
    assert load(desiredCount="0", maxCount="0", scalingSchedule="[]").desired_count == 0


def test_nobody_is_told_of_alarms_that_are_not_there() -> None:
    assert refusal(alarms="false", alarmEmail="team@example.com") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - alarmEmail: got 'team@example.com' with alarms false, expected nobody while there is nothing to tell; "
        "remove alarmEmail, or set alarms to true"
    )


ON_INSTANCES = {"launchType": "EC2", "fargateSpotWeight": "0"}


def test_tasks_that_share_no_instance_need_more_for_a_deployment() -> None:
    apart = ON_INSTANCES | {"placementConstraints": '["distinctInstance"]', "networkMode": "bridge"}
    assert refusal(**apart, maxInstances="4") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - maxInstances: got 4 with instanceType t3.medium, expected at least 5, since distinctInstance allows 1 on "
        "each, of 4 tasks and 1 that a deployment starts beside them; raise maxInstances, or choose a larger type"
    )
    assert load(**apart, maxInstances="5").max_instances == 5
    assert "expected at least 8, since distinctInstance allows 1 on each, of 4 tasks and 4 that a" in refusal(
        **apart, maxInstances="7", deploymentStrategy="CANARY"
    )
    assert "expected at least 5" in refusal(**apart, instanceType="t9.medium"), "even on a type of unknown size"


def test_a_task_fits_on_an_instance_beside_the_system() -> None:
    assert refusal(**ON_INSTANCES, taskCpuUnits="1024", taskMemoryMib="4096").endswith(
        "  - taskMemoryMib: got 4096 with instanceType t3.medium, expected at most 3584 of its 4096 MiB, the system "
        "takes the rest; choose a larger type or a smaller task"
    )
    assert refusal(**ON_INSTANCES, taskCpuUnits="4096", taskMemoryMib="512").endswith(
        "  - taskCpuUnits: got 4096 with instanceType t3.medium, expected at most 2048, which the type has; choose a "
        "larger type or a smaller task"
    )
    assert load(**ON_INSTANCES, taskMemoryMib="3584", maxInstances="5").task_memory_mib == 3584, "no size of Fargate"


def test_all_tasks_and_those_of_a_deployment_fit_on_all_instances() -> None:
    assert refusal(**ON_INSTANCES, desiredCount="9", maxCount="9").endswith(
        "  - maxInstances: got 4 with instanceType t3.medium, expected at least 5, since network interfaces allow 2 on "
        "each, of 9 tasks and 1 that a deployment starts beside them; raise maxInstances, or choose a larger type"
    )
    assert load(**ON_INSTANCES, desiredCount="9", maxCount="9", networkMode="bridge").desired_count == 9
    by_the_clock = '["cron(0 8 * * ? *) 2-30"]'
    assert "since memory allows 7 on each, of 30 tasks" in refusal(
        **ON_INSTANCES, networkMode="bridge", scalingSchedule=by_the_clock
    )
    assert load(**ON_INSTANCES, instanceType="t9.medium", desiredCount="3000", maxCount="3000").desired_count == 3000


def test_nobody_comes_from_a_private_address_over_the_internet() -> None:
    private = '["10.0.0.0/8", "192.168.7.0/24"]'
    assert refusal(allowedIngressCidrs=private) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - allowedIngressCidrs: got 10.0.0.0/8, 192.168.7.0/24 with loadBalancerScheme internet-facing, expected "
        "public addresses, since nobody comes from a private one over the internet; set loadBalancerScheme to "
        "internal, or name the clients' public networks"
    )
    assert load(allowedIngressCidrs=private, loadBalancerScheme="internal").is_internal
    assert load(allowedIngressCidrs='["10.0.0.0/8", "192.0.2.0/24"]').is_internal is False


def test_contradictions_of_launch_types_are_told_in_the_words_of_the_pack() -> None:
    assert refusal(networkMode="bridge", placementConstraints='["distinctInstance"]') == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        '  - networkMode: got "bridge", expected "awsvpc" with FARGATE in launchType; set networkMode to "awsvpc"\n'
        '  - placementConstraints: got [an object with "type", "expression"], expected none on Fargate; '
        "remove placementConstraints, or run the service on EC2"
    )


def test_what_instances_cannot_be_is_told() -> None:
    assert refusal(
        launchType="EC2",
        instanceType="t4g.small",
        minInstances="5",
        fargateSpotWeight="1",
        ephemeralStorageGib="30",
        placementStrategies='["binpack disk"]',
        placementConstraints='["memberOf zone == a"]',
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        '  - placementStrategies[0].field: got "disk", expected one of "cpu", "memory" with binpack; change field\n'
        '  - placementConstraints[0].expression: got "zone == a", expected the cluster query language; correct the '
        "expression: at character 1: got `zone`, expected `attribute:<name>` or one of `agentConnected`, "
        "`agentVersion`, `ec2InstanceId`, `registeredAt`, `runningTasksCount`, `task:group`\n"
        "  - instanceType: got 't4g.small', which is ARM64, expected a type with the X86_64 of cpuArchitecture; "
        "change one of the two\n"
        "  - maxInstances: got 4 with minInstances 5, expected at least 5; change one of the two\n"
        "  - fargateSpotWeight: got 1 with launchType EC2, expected 0; remove it, or run the service on FARGATE\n"
        "  - ephemeralStorageGib: got 30 with launchType EC2, expected 0; remove it, on EC2 the disk is the instance's"
    )


def test_contradictions_of_deployments_and_containers_are_told() -> None:
    assert refusal(
        approvalStage="POST_TEST_TRAFFIC_SHIFT",
        fargateSpotWeight="0",
        environment='{"KEY": "x"}',
        secrets='{"KEY": "arn:aws:ssm:ap-northeast-1:123456789012:parameter/key"}',
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - fargateOnDemandWeight: got 0 with fargateSpotWeight 0, expected one above 0; "
        "choose where the tasks are to run\n"
        "  - approvalStage: got 'POST_TEST_TRAFFIC_SHIFT' with deploymentStrategy ROLLING, expected one of "
        "PRE_SCALE_UP, POST_SCALE_UP; choose one of them, or a strategy that shifts traffic\n"
        "  - secrets: got KEY, expected names that environment does not have; keep each in one"
    )
    assert refusal(deploymentStrategy="LINEAR", deploymentStepPercent="2") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - deploymentStepPercent: got 2 with deploymentStrategy LINEAR, expected a whole number from 3 to 100; "
        "choose larger steps"
    )


def test_a_missing_region_is_told() -> None:
    assert refusal(**{"aws:region": None}) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - aws:region: got nothing, expected the name of an AWS region; "
        "set it in the stack file, for instance aws:region: ap-northeast-1"
    )


def test_a_stack_must_say_who_may_connect() -> None:
    assert refusal(allowedIngressCidrs=None).startswith(
        "The configuration in Pulumi.dev.yaml cannot be used:\n  - allowedIngressCidrs: got nothing, expected a list"
    )


@pytest.mark.parametrize(
    ("key", "fix"), [("desiredcount", "did you mean desiredCount?"), ("taskCpu", "did you mean taskCpuUnits?")]
)
def test_a_mistyped_key_is_told_with_the_likely_one(key: str, fix: str) -> None:
    assert refusal(**{key: "3"}) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        f"  - {key}: got an unknown key, expected one of those in Pulumi.yaml; {fix}"
    )


def test_an_unlike_key_is_to_be_removed() -> None:
    assert refusal(xyz="1").endswith("  - xyz: got an unknown key, expected one of those in Pulumi.yaml; remove it")


def test_a_setting_of_the_default_provider_is_refused_as_the_program_makes_its_own() -> None:
    assert refusal(**{"aws:profile": "shop"}).endswith(
        "  - aws:profile: got a setting of Pulumi's default provider, expected aws:region alone: the program "
        "makes its own; remove it, credentials come from the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID)"
    )


def test_keys_of_other_providers_and_of_pulumi_are_left_alone() -> None:
    assert load(**{"pulumi:tags": "{}", "docker:host": "unix:///x"}).desired_count == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:region", "tokyo"),
        ("imageVersion", "-1"),
        ("imageBase", "Ubuntu 24"),
        ("imageBase", "ubuntu:24.04@sha256:abc"),
        ("imageBase", "ubuntu:24.04 @sha256:" + "a" * 64),
        ("repositoryName", "ECR"),
        ("keepImages", "30"),
        ("cpuArchitecture", "amd64"),
        ("vpcCidr", "10.0.0.0"),
        ("availabilityZoneCount", "1"),
        ("natGateways", "None"),
        ("vpcEndpoints", "yes"),
        ("flowLogRetentionDays", "2"),
        ("allowedIngressCidrs", "0.0.0.0/0"),
        ("allowedIngressCidrs", "[]"),
        ("allowedIngressCidrs", '{"a": 1}'),
        ("containerInsights", "true"),
        ("loadBalancerScheme", "public"),
        ("listenerPort", "0"),
        ("certificateArn", "arn:aws:iam::123456789012:server-certificate/shop"),
        ("domainName", "https://example.com"),
        ("hostedZoneId", "example.com"),
        ("firewall", "1"),
        ("firewall", "true"),
        ("firewall", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/company/01234567-89ab-cdef-0123-456789abcdef"),
        ("accessLogRetentionDays", "-1"),
        ("healthCheckPath", "health"),
        ("deregistrationDelaySeconds", "3601"),
        ("taskCpuUnits", "0.25"),
        ("taskMemoryMib", "1GB"),
        ("containerPort", "65536"),
        ("containerUser", "0"),
        ("containerUser", "www-data"),
        ("launchType", "fargate"),
        ("networkMode", "host"),
        ("fargateSpotWeight", "1001"),
        ("fargateOnDemandWeight", "-1"),
        ("fargateOnDemandBase", "100001"),
        ("instanceType", "small"),
        ("minInstances", "-1"),
        ("maxInstances", "5001"),
        ("environment", '["LEVEL"]'),
        ("environment", '{"LEVEL": 1}'),
        ("environment", '{"1": "x"}'),
        ("secrets", '{"KEY": "hunter2"}'),
        ("healthCheckCommand", "\0"),
        ("stopTimeoutSeconds", "1"),
        ("ephemeralStorageGib", "20"),
        ("executeCommand", "yes"),
        ("placementStrategies", '["binpack"]'),
        ("placementConstraints", '["memberOf"]'),
        ("deploymentStrategy", "blue-green"),
        ("deploymentStepPercent", "0"),
        ("deploymentStepMinutes", "1441"),
        ("deploymentBakeMinutes", "-1"),
        ("approvalStage", "none"),
        ("approvalTimeoutMinutes", "0"),
        ("logRetentionDays", "2"),
        ("desiredCount", ""),
        ("maxCount", "many"),
        ("scalingCpuPercent", "100"),
        ("scalingMemoryPercent", "9"),
        ("scalingRequestsPerTarget", "-1"),
        ("scalingSchedule", '["at night"]'),
        ("scalingTimezone", ""),
        ("alarms", ""),
        ("alarmErrorPercent", "0"),
        ("alarmLatencyMilliseconds", "0.5"),
        ("alarmEmail", "me"),
        ("dashboard", "on"),
        ("deletionProtection", "1"),
    ],
)
def test_each_key_is_checked(key: str, value: str) -> None:
    (_, problem) = refusal(**{key: value}).split("\n")
    assert problem.startswith(f"  - {key}: got ")


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.text(), min_size=1))
@settings(max_examples=40)
def test_any_text_is_taken_or_refused_by_key(changes: dict[str, str]) -> None:
    try:
        load(**changes)
    except ArgumentError as refused:
        _, *problems = str(refused).split("\n  - ")
        assert problems
        assert {problem.split(":")[0] for problem in problems} <= set(KEYS)


MAY_BE_SECRET = {
    "environment": '{"LEVEL": "hunter2"}',
    "healthCheckCommand": "curl hunter2",
    "migrationCommand": '["migrate", "hunter2"]',
    "alarmEmail": "hunter2@example.com",
}


def test_a_secret_is_taken_where_resources_can_keep_it_and_refused_everywhere_else() -> None:
    taken = load(MAY_BE_SECRET, **MAY_BE_SECRET)
    kept = taken.environment["LEVEL"], taken.health_check_command, taken.migration_command, taken.alarm_email
    assert all(isinstance(each, pulumi.Output) for each in kept)
    others = {*KEYS, "aws:region"} - MAY_BE_SECRET.keys()
    told = refusal(others, **dict.fromkeys(others, "hunter2"))
    assert {
        problem.partition(": got a secret, expected a value that may be seen, as names, plans")[0]
        for problem in told.split("  - ")[1:]
    } == others
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("environment", '{"A": "hunter2", "B": 5}', "B"),
        ("environment", "hunter2", "A"),
        ("healthCheckCommand", "hunter2\0", "A"),
        ("migrationCommand", '["hunter2", 5]', "A"),
        ("alarmEmail", "hunter2", "A"),
        ("desiredCount", "hunter2", "A"),
        ("unknown", "hunter2", "A"),
    ],
)
def test_nothing_of_a_secret_is_told_of_what_is_wrong_with_it(key: str, value: str, said: str) -> None:
    told = refusal([key], **{key: value})
    assert f"  - {key}: got " in told
    assert "hunter2" not in told and f" {said} " not in told


def test_a_contradiction_tells_nothing_of_a_secret() -> None:
    told = refusal(["alarmEmail"], alarmEmail="team@example.com", alarms="false")
    assert "  - alarmEmail: got [secret] with alarms false, expected nobody" in told
    secrets = {"LEVEL": "arn:aws:ssm:ap-northeast-1:123456789012:parameter/level"}
    told = refusal(["environment"], environment='{"LEVEL": "hunter2"}', secrets=json.dumps(secrets))
    assert told.endswith("  - secrets: got LEVEL, expected names that environment does not have; keep each in one")


def test_variables_are_told_by_name_and_never_by_value() -> None:
    assert refusal(environment='{"A": "hunter2", "B": 5, "C": null, "D": ["hunter2"], "E F": "hunter2"}') == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - environment: got a number for B, nothing for C, a list for D, the name 'E F', expected names of letters, "
        "digits and _, each with a string; quote values that are no strings; none holds a zero byte"
    )
    assert "  - secrets: got another string for KEY, expected names" in refusal(secrets='{"KEY": "hunter2"}')
    assert "  - environment: got no names, expected names" in refusal(environment="hunter2")


@given(st.dictionaries(st.sampled_from(["A", "b-c"]), st.recursive(st.just("hunter2") | st.none(), st.lists)))
@settings(max_examples=8)
def test_no_object_shows_its_values_wherever_it_is_given(given: dict[str, Any]) -> None:
    for wrong in (given, [given]):
        told = refusal(**dict.fromkeys(KEYS, json.dumps(wrong)))
        assert told.count(": got ") > len(KEYS) / 2
        assert "hunter2" not in told
