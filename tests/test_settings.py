"""What a stack's configuration may say, and what a user reads who says something else."""

import json
from collections.abc import Collection
from dataclasses import MISSING
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from components.checks import ArgumentError
from docs.generate_configuration import DOCUMENT, SCHEMA, document, schema, schema_text
from flat_form import MOVED
from settings import Settings, keys, problems
from tests.mocks import PROJECT, REGION, ROOT, changed, run, stack_config

KEYS = {path: key for path, key in keys().items() if ":" not in path}


def load(secret: Collection[str] = (), /, **changes: Any) -> Settings:
    """The settings of stack dev with some changed, by `scaling__maxCount` or `scaling.maxCount`, and some of them
    secret; None removes one. What a group holds is given as YAML writes it."""
    paths = {path.replace("__", "."): value for path, value in changes.items()}
    typed = {path: _typed(value) if "." in path else value for path, value in paths.items()}
    config = changed(stack_config("dev"), typed)
    tops = {path.replace("__", ".").partition(".")[0] for path in secret}
    loaded: list[Settings] = []
    secret_keys = [top if ":" in top else f"{PROJECT}:{top}" for top in tops]
    run(lambda: loaded.append(Settings.load()), stack="dev", config=config, secret=secret_keys)
    return loaded[0]


def _typed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def refusal(secret: Collection[str] = (), /, **changes: Any) -> str:
    with pytest.raises(ArgumentError) as refused:
        load(secret, **changes)
    return str(refused.value)


def test_the_values_of_a_stack() -> None:
    dev = load()
    assert (dev.region, dev.service.desired_count, dev.task.cpu_units, dev.task.memory_mib) == (REGION, 2, 256, 512)
    assert dev.load_balancer.allowed_ingress_cidrs == ("0.0.0.0/0",)
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
        {"BASE_IMAGE": "ubuntu:24.04"},
    ]


def test_every_setting_has_a_check_and_a_description() -> None:
    assert all(key.check.expected and key.check.fix for key in KEYS.values())
    assert [path for path, key in KEYS.items() if not key.description] == []


def test_who_may_connect_is_the_one_decision_without_default() -> None:
    assert {path for path, key in KEYS.items() if key.default is MISSING} == {
        "loadBalancer.allowedIngressCidrs",
        "deployment.approval.stage",  # there is an approval, or there is none
    }


def test_the_defaults_are_allowed_values() -> None:
    everything = {f"{PROJECT}:{key.split('.')[0]}": None for key in KEYS}
    bare = changed(stack_config("dev"), {**everything, "loadBalancer.allowedIngressCidrs": ["192.0.2.0/24"]})
    loaded: list[Settings] = []
    run(lambda: loaded.append(Settings.load()), stack="dev", config=bare)
    assert loaded[0].deletion_protection is True
    for path, key in KEYS.items():
        if key.default not in (MISSING, "", 0, False, []):
            assert key.check.accepts(tuple(key.default) if isinstance(key.default, list) else key.default), path


def test_the_page_about_configuration_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document(), "run `make docs`"
    assert SCHEMA.read_text() == schema_text(), "run `make docs`"


def test_one_message_lists_every_problem() -> None:
    assert refusal(
        service__desiredCount="two",
        network__natGateways="one",
        deletionProtection="no",
        loadBalancer__allowedIngressCidrs='["0.0.0.0"]',
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - network.natGateways: got 'one', expected one of none, single, one-per-zone; choose how tasks reach ECR "
        "and "
        "CloudWatch Logs\n"
        "  - loadBalancer.allowedIngressCidrs: got ['0.0.0.0'], expected a list, not empty and without repetition, of: "
        "an IPv4 network with a prefix from /0 to /32 and no host bits, of addresses that hosts can "
        "have; "
        'list the networks of your clients, or ["0.0.0.0/0"] for everybody\n'
        "  - service.desiredCount: got 'two', expected a whole number from 0 to 5000; choose how many tasks are to "
        "run; "
        "two or more survive the loss of one\n"
        "  - deletionProtection: got 'no', expected true or false; choose one of the two"
    )


def test_contradictions_are_told_with_all_the_rest() -> None:
    assert refusal(task__memoryMib="4096", network__vpcCidr="10.0.0.0/28", desiredcount="3") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - desiredcount: got an unknown key, expected one of those in docs/configuration.md; did you mean "
        "service.desiredCount?\n"
        "  - network.vpcCidr: got '10.0.0.0/28' with network.availabilityZoneCount 2, expected a prefix from /16 to "
        "/25; "
        "choose a larger range or fewer zones, each zone needs two subnets of at least /27\n"
        "  - task.memoryMib: got 4096, expected 512, 1024 or 2048 MiB with task.cpuUnits 256; "
        "change task.memoryMib, or use task.cpuUnits 512 or 1024 or 2048"
    )


def test_the_empty_value_of_an_optional_setting_is_none() -> None:
    none = load(
        scaling__maxCount=0,
        scaling__schedule=[],
        scaling__cpuPercent=0,
        network__flowLogRetentionDays=0,
        loadBalancer__accessLogRetentionDays=0,
        alarms__email="",
        domain__name="",
        migration__command=[],
        service__healthCheckGracePeriodSeconds=0,
    )
    assert (none.scaling.max_count, none.scaling.cpu_percent, none.alarms.email) == (None, None, None)
    assert (none.network.flow_log_retention_days, none.load_balancer.access_log_retention_days) == (None, None)
    assert (none.domain.name, none.migration.command, none.deployment.approval) == (None, None, None)
    assert none.service.health_check_grace_period_seconds is None
    assert none.fargate.spot_percent == 100 and load(fargate__spotPercent=0).fargate.spot_percent == 0, "0 is a number"


def test_settings_that_contradict_each_other_are_told_all_at_once() -> None:
    region = "arn:aws:%s:us-east-1:123456789012:%s/01234567-89ab-cdef-0123-456789abcdef"
    assert refusal(
        domain__certificateArn=region % ("acm", "certificate"),
        domain__hostedZoneId="Z1",
        firewall=region % ("wafv2", "regional/webacl/company"),
        scaling__maxCount="1",
        scaling__cpuPercent="0",
        scaling__memoryPercent="0",
        scaling__schedule="[]",
        containerInsights="disabled",
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - domain.name: got nothing with domain.hostedZoneId, expected a name in that zone; "
        "set domain.name or remove domain.hostedZoneId\n"
        "  - scaling.cpuPercent: got nothing, as have scaling.memoryPercent, scaling.requestsPerTarget and "
        "scaling.schedule, expected at least one of them; say what to scale by\n"
        "  - domain.certificateArn: got one of region us-east-1 with aws:region ap-northeast-1, expected one of "
        "ap-northeast-1; a load balancer takes none from elsewhere\n"
        "  - firewall: got one of region us-east-1 with aws:region ap-northeast-1, expected one of "
        "ap-northeast-1; a load balancer takes none from elsewhere\n"
        "  - scaling.maxCount: got 1 with service.desiredCount 2, expected at least 2; raise scaling.maxCount or "
        "lower service.desiredCount\n"
        "  - containerInsights: got 'disabled' with alarms.enabled true, expected enhanced or enabled, which count "
        "running "
        "tasks; change containerInsights or set alarms.enabled to false"
    )


def test_a_domain_name_needs_a_certificate_or_a_zone_to_have_one_issued() -> None:
    assert refusal(domain__name="shop.example.com") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - domain.name: got 'shop.example.com' without domain.certificateArn and domain.hostedZoneId, expected one "
        "of the two; "
        "set domain.hostedZoneId to have a certificate issued, or domain.certificateArn"
    )
    assert load(domain__name="shop.example.com", domain__hostedZoneId="Z1").listener_ports == (80, 443)


def test_the_firewall_is_made_or_brought_along_or_left_out() -> None:
    arn = f"arn:aws:wafv2:{REGION}:123456789012:regional/webacl/company/01234567-89ab-cdef-0123-456789abcdef"
    chosen = [load(firewall=choice) for choice in ("none", "managed", arn)]
    assert [each.has_firewall for each in chosen] == [False, True, True]
    assert [each.web_acl_arn for each in chosen] == [None, None, arn]


def test_requests_are_not_counted_while_traffic_shifts() -> None:
    assert refusal(deployment__strategy="CANARY", scaling__requestsPerTarget="1000") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - scaling.requestsPerTarget: got 1000 with deployment.strategy CANARY, expected 0, since requests are "
        "counted "
        "by target group and the tasks change theirs; scale by something else, or set deployment.strategy to ROLLING"
    )


def test_a_schedule_needs_something_that_scales() -> None:
    assert refusal(scaling__maxCount="0") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - scaling.schedule: got a schedule without scaling.maxCount, expected none while nothing scales; "
        "set scaling.maxCount or remove scaling.schedule"
    )


SECRETS = {
    "PASSWORD": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:db-AbCdEf",
    "LEVEL": "arn:aws:ssm:ap-northeast-1:123456789012:parameter/level",
}


def test_endpoints_are_for_what_the_stack_uses() -> None:
    assert load().endpoint_services == ()
    closed = {"network.natGateways": "none", "network.vpcEndpoints": "true"}
    assert load(**closed).endpoint_services == ("ecr.api", "ecr.dkr", "logs")
    assert load(**closed, secrets=json.dumps(SECRETS)).endpoint_services[3:] == ("secretsmanager", "ssm")
    assert load(**closed, service__executeCommand="true").endpoint_services[3:] == ("ssmmessages",)
    on_instances = load(**closed, service__launchType="EC2", fargate__spotPercent="0")
    assert on_instances.endpoint_services[3:] == ("ecs", "ecs-agent", "ecs-telemetry")


def test_tasks_need_a_way_to_their_image_and_their_secrets() -> None:
    assert refusal(network__natGateways="none") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - network.natGateways: got 'none' with network.vpcEndpoints false, expected a way to ECR and CloudWatch "
        "Logs, without which "
        "no task starts; set network.vpcEndpoints to true, or network.natGateways to single"
    )
    abroad = {"KEY": "arn:aws:ssm:us-east-1:123456789012:parameter/key"}
    assert refusal(network__natGateways="none", network__vpcEndpoints="true", secrets=json.dumps(SECRETS | abroad)) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - secrets: got KEY of another region with network.natGateways none, expected secrets of ap-northeast-1, "
        "since VPC "
        "endpoints lead nowhere else; replicate them to ap-northeast-1, or give the VPC a NAT gateway"
    )
    assert load(secrets=json.dumps(abroad)).container_secrets.keys() == {"KEY"}


def test_a_service_that_sleeps_needs_somebody_to_wake_it() -> None:
    assert refusal(service__desiredCount="0", scaling__schedule='["cron(0 21 * * ? *) 0-0"]') == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - service.desiredCount: got 0 without anything in scaling.schedule that raises it, expected at least 1, "
        "since no "
        "metric starts a task where none runs; raise service.desiredCount, or wake the service by scaling.schedule"
    )
    assert load(service__desiredCount="0").service.desired_count == 0
    assert load(service__desiredCount="0", scaling__maxCount="0", scaling__schedule="[]").service.desired_count == 0


def test_nobody_is_told_of_alarms_that_are_not_there() -> None:
    assert refusal(alarms__enabled="false", alarms__email="team@example.com") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - alarms.email: got 'team@example.com' with alarms.enabled false, expected nobody while alarms are "
        "disabled; "
        "remove alarms.email, or set alarms.enabled to true"
    )


ON_INSTANCES = {"service.launchType": "EC2", "fargate.spotPercent": "0"}


def test_tasks_that_share_no_instance_need_more_for_a_deployment() -> None:
    apart = ON_INSTANCES | {"placement.constraints": '["distinctInstance"]', "task.networkMode": "bridge"}
    assert refusal(**apart, instances__maxSize="4") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - instances.maxSize: got 4 with instances.instanceType t3.medium, expected at least 5, since "
        "distinctInstance allows 1 on "
        "each, of 4 tasks and 1 that a deployment starts beside them; raise instances.maxSize, or choose a larger type"
    )
    assert load(**apart, instances__maxSize="5").instances.max_size == 5
    assert "expected at least 8, since distinctInstance allows 1 on each, of 4 tasks and 4 that a" in refusal(
        **apart, instances__maxSize="7", deployment__strategy="CANARY"
    )
    assert "expected at least 5" in refusal(**apart, instances__instanceType="t9.medium"), (
        "even on a type of unknown size"
    )


def test_a_task_fits_on_an_instance_beside_the_system() -> None:
    assert refusal(**ON_INSTANCES, task__cpuUnits="1024", task__memoryMib="4096").endswith(
        "  - task.memoryMib: got 4096 with instances.instanceType t3.medium, expected at most 3584 of its 4096 MiB, "
        "the system "
        "takes the rest; choose a larger type or a smaller task"
    )
    assert refusal(**ON_INSTANCES, task__cpuUnits="4096", task__memoryMib="512").endswith(
        "  - task.cpuUnits: got 4096 with instances.instanceType t3.medium, expected at most 2048, which the type "
        "has; choose a "
        "larger type or a smaller task"
    )
    assert load(**ON_INSTANCES, task__memoryMib="3584", instances__maxSize="5").task.memory_mib == 3584, (
        "no size of Fargate"
    )


def test_all_tasks_and_those_of_a_deployment_fit_on_all_instances() -> None:
    assert refusal(**ON_INSTANCES, service__desiredCount="9", scaling__maxCount="9").endswith(
        "  - instances.maxSize: got 4 with instances.instanceType t3.medium, expected at least 5, since network "
        "interfaces allow 2 on "
        "each, of 9 tasks and 1 that a deployment starts beside them; raise instances.maxSize, or choose a larger type"
    )
    assert (
        load(
            **ON_INSTANCES, service__desiredCount="9", scaling__maxCount="9", task__networkMode="bridge"
        ).service.desired_count
        == 9
    )
    by_the_clock = '["cron(0 8 * * ? *) 2-30"]'
    assert "since memory allows 7 on each, of 30 tasks" in refusal(
        **ON_INSTANCES, task__networkMode="bridge", scaling__schedule=by_the_clock
    )
    assert (
        load(
            **ON_INSTANCES, instances__instanceType="t9.medium", service__desiredCount="3000", scaling__maxCount="3000"
        ).service.desired_count
        == 3000
    )


def test_nobody_comes_from_a_private_address_over_the_internet() -> None:
    private = '["10.0.0.0/8", "192.168.7.0/24"]'
    assert refusal(loadBalancer__allowedIngressCidrs=private) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - loadBalancer.allowedIngressCidrs: got 10.0.0.0/8, 192.168.7.0/24 with loadBalancer.scheme "
        "internet-facing, expected "
        "public addresses, since an internet-facing load balancer never sees private source addresses; set "
        "loadBalancer.scheme to "
        "internal, or name the clients' public networks"
    )
    assert load(loadBalancer__allowedIngressCidrs=private, loadBalancer__scheme="internal").load_balancer.is_internal
    assert load(loadBalancer__allowedIngressCidrs='["10.0.0.0/8", "192.0.2.0/24"]').load_balancer.is_internal is False


def test_contradictions_of_launch_types_are_told_in_the_words_of_the_pack() -> None:
    assert refusal(task__networkMode="bridge", placement__constraints='["distinctInstance"]') == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        '  - task.networkMode: got "bridge", expected "awsvpc" with FARGATE in service.launchType; '
        'set task.networkMode to "awsvpc"\n'
        '  - placement.constraints: got [an object with "type", "expression"], expected none on Fargate; '
        "remove placement.constraints, or run the service on EC2"
    )


def test_what_instances_cannot_be_is_told() -> None:
    assert refusal(
        service__launchType="EC2",
        instances__instanceType="t4g.small",
        instances__minSize="5",
        fargate__spotPercent="1",
        task__ephemeralStorageGib="30",
        placement__strategies='["binpack disk"]',
        placement__constraints='["memberOf zone == a"]',
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - instances.maxSize: got 4 with instances.minSize 5, expected at least 5; change one of the two\n"
        '  - placement.strategies[0].field: got "disk", expected one of "cpu", "memory" with binpack; change field\n'
        '  - placement.constraints[0].expression: got "zone == a", expected the cluster query language; correct the '
        "expression: at character 1: got `zone`, expected `attribute:<name>` or one of `agentConnected`, "
        "`agentVersion`, `ec2InstanceId`, `registeredAt`, `runningTasksCount`, `task:group`\n"
        "  - instances.instanceType: got 't4g.small', which is ARM64, expected a type with the X86_64 of "
        "task.cpuArchitecture; "
        "change one of the two\n"
        "  - fargate.spotPercent: got 1 with service.launchType EC2, expected 0; remove it, or run the service on "
        "FARGATE\n"
        "  - task.ephemeralStorageGib: got 30 with service.launchType EC2, expected 0; remove it, on EC2 the disk is "
        "the instance's"
    )


def test_contradictions_of_deployments_and_containers_are_told() -> None:
    assert refusal(
        deployment__approval__stage="POST_TEST_TRAFFIC_SHIFT",
        environment='{"KEY": "x"}',
        secrets='{"KEY": "arn:aws:ssm:ap-northeast-1:123456789012:parameter/key"}',
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - deployment.approval.stage: got 'POST_TEST_TRAFFIC_SHIFT' with deployment.strategy ROLLING, expected one "
        "of "
        "PRE_SCALE_UP, POST_SCALE_UP; choose one of them, or a strategy that shifts traffic\n"
        "  - secrets: got KEY, expected names that environment does not have; keep each in one"
    )
    assert refusal(deployment__strategy="LINEAR", deployment__stepPercent="2") == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - deployment.stepPercent: got 2 with deployment.strategy LINEAR, expected a whole number from 3 to 100; "
        "choose larger steps"
    )


def test_a_missing_region_is_told() -> None:
    assert refusal(**{"aws:region": None}) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - aws:region: got nothing, expected the name of an AWS region; "
        "set it in the stack file, for instance aws:region: ap-northeast-1"
    )


def test_a_stack_must_say_who_may_connect() -> None:
    assert refusal(loadBalancer__allowedIngressCidrs=None).startswith(
        "The configuration in Pulumi.dev.yaml cannot be used:\n  - loadBalancer.allowedIngressCidrs: got nothing, "
        "expected a list"
    )


@pytest.mark.parametrize(
    ("key", "fix"), [("desiredcount", "did you mean service.desiredCount?"), ("taskCpu", "did you mean task.cpuUnits?")]
)
def test_a_mistyped_key_is_told_with_the_likely_one(key: str, fix: str) -> None:
    assert refusal(**{key: "3"}) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        f"  - {key}: got an unknown key, expected one of those in docs/configuration.md; {fix}"
    )


def test_an_unlike_key_is_to_be_removed() -> None:
    assert refusal(xyz="1").endswith(
        "  - xyz: got an unknown key, expected one of those in docs/configuration.md; remove it"
    )


def test_a_setting_of_the_default_provider_is_refused_as_the_program_makes_its_own() -> None:
    assert refusal(**{"aws:profile": "shop"}).endswith(
        "  - aws:profile: got a setting of Pulumi's default provider, expected aws:region alone: the program "
        "makes its own; remove it, credentials come from the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID)"
    )


def test_keys_of_other_providers_and_of_pulumi_are_left_alone() -> None:
    assert load(**{"pulumi:tags": "{}", "docker:host": "unix:///x"}).service.desired_count == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:region", "tokyo"),
        ("image.version", "-1"),
        ("image.base", "Ubuntu 24"),
        ("image.base", "ubuntu:24.04@sha256:abc"),
        ("image.base", "ubuntu:24.04 @sha256:" + "a" * 64),
        ("image.repositoryName", "ECR"),
        ("task.cpuArchitecture", "amd64"),
        ("network.vpcCidr", "10.0.0.0"),
        ("network.availabilityZoneCount", "1"),
        ("network.natGateways", "None"),
        ("network.vpcEndpoints", "yes"),
        ("network.flowLogRetentionDays", "2"),
        ("loadBalancer.allowedIngressCidrs", "0.0.0.0/0"),
        ("loadBalancer.allowedIngressCidrs", "[]"),
        ("loadBalancer.allowedIngressCidrs", '{"a": 1}'),
        ("containerInsights", "true"),
        ("loadBalancer.scheme", "public"),
        ("domain.certificateArn", "arn:aws:iam::123456789012:server-certificate/shop"),
        ("domain.name", "https://example.com"),
        ("domain.hostedZoneId", "example.com"),
        ("firewall", "1"),
        ("firewall", "true"),
        ("firewall", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/company/01234567-89ab-cdef-0123-456789abcdef"),
        ("loadBalancer.accessLogRetentionDays", "-1"),
        ("targetGroup.healthCheckPath", "health"),
        ("targetGroup.deregistrationDelaySeconds", "3601"),
        ("task.cpuUnits", "0.25"),
        ("task.memoryMib", "1GB"),
        ("container.port", "65536"),
        ("container.user", "0"),
        ("container.user", "www-data"),
        ("service.launchType", "fargate"),
        ("task.networkMode", "host"),
        ("fargate.spotPercent", "1001"),
        ("fargate.onDemandBase", "100001"),
        ("instances.instanceType", "small"),
        ("instances.minSize", "-1"),
        ("instances.maxSize", "5001"),
        ("environment", '["LEVEL"]'),
        ("environment", '{"LEVEL": 1}'),
        ("environment", '{"1": "x"}'),
        ("secrets", '{"KEY": "hunter2"}'),
        ("container.healthCheckCommand", "\0"),
        ("container.stopTimeoutSeconds", "1"),
        ("task.ephemeralStorageGib", "20"),
        ("service.executeCommand", "yes"),
        ("placement.strategies", '["binpack"]'),
        ("placement.constraints", '["memberOf"]'),
        ("deployment.strategy", "blue-green"),
        ("deployment.stepPercent", "0"),
        ("deployment.stepMinutes", "1441"),
        ("deployment.bakeMinutes", "-1"),
        ("deployment.approval.stage", "none"),
        ("task.logRetentionDays", "2"),
        ("service.desiredCount", ""),
        ("scaling.maxCount", "many"),
        ("scaling.cpuPercent", "100"),
        ("scaling.memoryPercent", "9"),
        ("scaling.requestsPerTarget", "-1"),
        ("scaling.schedule", '["at night"]'),
        ("scaling.timezone", ""),
        ("alarms", ""),
        ("alarms.errorPercent", "0"),
        ("alarms.latencyMilliseconds", "0.5"),
        ("alarms.email", "me"),
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
    "container.healthCheckCommand": "curl hunter2",
    "migration.command": '["migrate", "hunter2"]',
    "alarms.email": "hunter2@example.com",
}


def test_a_secret_is_taken_where_resources_can_keep_it_and_refused_everywhere_else() -> None:
    taken = load(MAY_BE_SECRET, **MAY_BE_SECRET)
    kept = (
        taken.environment["LEVEL"],
        taken.container.health_check_command,
        taken.migration.command,
        taken.alarms.email,
    )
    assert all(isinstance(each, pulumi.Output) for each in kept)
    for path in {*KEYS, "aws:region"} - MAY_BE_SECRET.keys():
        told = refusal([path], **{path: "hunter2"})
        assert f"  - {path.partition('.')[0]}" in told
        assert ": got a secret, expected a value that may be seen, as names, plans and logs show it; set it" in told
        assert "hunter2" not in told


def test_the_stack_file_tells_which_value_of_a_group_is_secret() -> None:
    ciphertext = {"secure": "v1:abc"}
    for path, key in KEYS.items():
        config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
        texts = changed({name: json.dumps(value) for name, value in config.items()}, {path: ciphertext})
        found = problems(PROJECT, "dev", {name: _typed(text) for name, text in texts.items()})
        refused = [f"{path}: got a secret, expected a value that may be seen, as names, plans and logs show it"]
        assert [each.partition(";")[0] for each in found if ": got a secret" in each] == (
            [] if key.may_be_secret else refused
        )
        assert found == [] or not key.may_be_secret


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("environment", '{"A": "hunter2", "B": 5}', "B"),
        ("environment", "hunter2", "A"),
        ("container.healthCheckCommand", "hunter2\0", "A"),
        ("migration.command", '["hunter2", 5]', "A"),
        ("alarms.email", "hunter2", "A"),
        ("service.desiredCount", "hunter2", "A"),
        ("unknown", "hunter2", "A"),
    ],
)
def test_nothing_of_a_secret_is_told_of_what_is_wrong_with_it(key: str, value: str, said: str) -> None:
    told = refusal([key], **{key: value})
    assert f"  - {key}: got " in told
    assert "hunter2" not in told and f" {said} " not in told


def test_a_contradiction_tells_nothing_of_a_secret() -> None:
    told = refusal(["alarms.email"], alarms__email="team@example.com", alarms__enabled="false")
    assert "  - alarms.email: got [secret] with alarms.enabled false, expected nobody" in told
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


def test_misspelt_and_misplaced_keys_of_groups_are_told_with_the_likely_path() -> None:
    assert refusal(
        **{"scaling.maxCuont": 4, "scaling.desiredCount": 2, "task.xyz": 1, "alarms": "on", "image": "[1]"}
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - image: got [1], expected an object with version, base, repositoryName; write its settings below it\n"
        "  - task.xyz: got an unknown key, expected one of cpuUnits, memoryMib, cpuArchitecture, networkMode, "
        "ephemeralStorageGib, logRetentionDays; remove it\n"
        "  - scaling.desiredCount: got an unknown key, expected one of maxCount, cpuPercent, memoryPercent, "
        "requestsPerTarget, schedule, timezone; did you mean service.desiredCount?\n"
        "  - scaling.maxCuont: got an unknown key, expected one of maxCount, cpuPercent, memoryPercent, "
        "requestsPerTarget, schedule, timezone; did you mean scaling.maxCount?\n"
        "  - alarms: got another string, expected an object with errorPercent, latencyMilliseconds, email, enabled; "
        "write its settings below it"
    )


def test_a_number_for_a_text_is_to_be_quoted() -> None:
    assert refusal(image__version=1.5).endswith("can be part of an image tag; put it in quotes")
    assert "expected a whole number from 1 to 5000" in refusal(scaling__maxCount="four")


FLAT = {
    "aws:region": "ap-northeast-1",
    "desiredCount": 3,
    "maxCount": 12,
    "allowedIngressCidrs": ["0.0.0.0/0"],
    "fargateSpotWeight": 3,
    "fargateOnDemandWeight": 1,
    "approvalStage": "PRE_SCALE_UP",
    "alarms": False,
    "keepImages": 50,
    "listenerPort": 8080,
    "firewall": "none",
    "environment": {"LEVEL": "info"},
}


def test_the_flat_form_is_refused_with_the_same_in_groups() -> None:
    named = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in FLAT.items()}
    (told,) = problems(PROJECT, "dev", named)
    first, _, pasted = told.partition("\n\n")
    assert first == (
        "desiredCount, maxCount, allowedIngressCidrs, fargateSpotWeight, fargateOnDemandWeight and 4 more: got the "
        "flat "
        "form of the keys, expected groups; write these blocks instead, the other keys stay:"
    )
    config = yaml.safe_load(f"config:\n  aws:region: ap-northeast-1\n{pasted}")["config"]
    assert problems(PROJECT, "dev", config) == []
    assert {key.partition(":")[2]: value for key, value in config.items()} == {
        "region": "ap-northeast-1",
        "service": {"desiredCount": 3},
        "scaling": {"maxCount": 12},
        "loadBalancer": {"allowedIngressCidrs": ["0.0.0.0/0"]},
        "deployment": {"approval": {"stage": "PRE_SCALE_UP"}},
        "alarms": {"enabled": False},
        "fargate": {"spotPercent": 75},
    }
    assert "  # keepImages is no key any more: 100 images are kept" in pasted
    assert (
        "  # listenerPort is no key any more: the load balancer listens on 80, and with a certificate on 443" in pasted
    )


def test_the_flat_form_in_a_program_is_told_without_its_secrets() -> None:
    told = refusal(["alarmEmail"], alarmEmail="hunter2@example.com", maxCount="4")
    assert "hunter2" not in told
    assert "\n  h4b-helloworld:alarms:\n    email: <secret>\n" in told
    assert "\n  # pulumi config set --secret --path 'h4b-helloworld:alarms.email'" in told


def test_every_flat_key_has_a_place() -> None:
    assert set(MOVED.values()) <= set(KEYS)


def test_the_schema_takes_the_stack_files_and_refuses_what_the_settings_refuse() -> None:
    validator = Draft7Validator(schema())
    for file in sorted(ROOT.glob("Pulumi.*.yaml")):
        assert file.read_text().startswith("# yaml-language-server: $schema=docs/stack-file.schema.json\n")
        assert list(validator.iter_errors(yaml.safe_load(file.read_text()))) == []
    mistakes: tuple[dict[str, Any], ...] = (
        {"scaling": {"maxCount": "four"}},
        {"scaling": {"maxCuont": 4}},
        {"scalling": {}},
        {"task": {"networkMode": "host"}},
        {"deployment": {"approval": {}}},
        {"alarms": {"email": "me"}},
        {"image": {"version": 1.5}},
        {"environment": {"LEVEL": 1}},
        {"deletionProtection": "yes"},
    )
    for wrong in mistakes:
        config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
        config |= {f"{PROJECT}:{key}": value for key, value in wrong.items()}
        assert list(validator.iter_errors({"config": config})), wrong
        assert problems(PROJECT, "dev", config), wrong
    kept = {"alarms": {"email": {"secure": "v1:a"}}, "environment": {"A": {"secure": "v1:a"}}}
    config |= {f"{PROJECT}:{key}": value for key, value in {**wrong, **kept}.items()} | {
        f"{PROJECT}:deletionProtection": True
    }
    assert list(validator.iter_errors({"config": config})) == []


@pytest.mark.parametrize("stack", sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml")))
def test_a_stack_file_has_no_problem_before_the_engine_starts(stack: str) -> None:
    assert problems(PROJECT, stack, yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]) == []
