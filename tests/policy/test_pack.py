"""The pack as the engine drives it, in process: the SDK's messages, unknown values, levels, configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pulumi_policy.proxy as sdk_proxy
import pytest
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel

from ecs_policy import pack
from ecs_policy.pack import ACKNOWLEDGED, SETTINGS, Analyzer, policies, sendable, violation_text
from ecs_policy.rule import Enforcement, Level, all_rules
from ecs_policy.sentinels import SENTINELS
from ecs_policy.values import Problem, Quote
from tests.policy import good_stacks
from tests.policy.example import container, service, target_group, task_definition
from tests.policy.examples.update_timeout import made_by
from tests.policy.good_stacks import MISMATCH
from tests.policy.stacks import UNKNOWN, Resources, requests, secret

LT_01 = "LT-01-service-launch-type-in-td"
STRICT = {"profile": "strict", "strictUnknown": True}


def configured(configuration: Mapping[str, Mapping[str, Any]]) -> Analyzer:
    """An analyzer with this policy configuration, as the engine fills it up with the defaults and sends it."""
    analyzer = Analyzer("ecs", "0.1.0", policies(), EnforcementLevel.MANDATORY)
    request = proto.ConfigureAnalyzerRequest()
    for policy in info(analyzer).policies:
        own = dict(configuration.get(policy.name, {}))
        level = own.pop("enforcementLevel", None)
        request.policyConfig[policy.name].enforcementLevel = (
            policy.enforcementLevel if level is None else proto.EnforcementLevel.Value(level.upper())
        )
        request.policyConfig[policy.name].properties.update(own)
    analyzer.Configure(request, None)
    return analyzer


def info(analyzer: Analyzer) -> Any:
    return analyzer.GetAnalyzerInfo(None, None)  # type: ignore[no-untyped-call]


def run(analyzer: Analyzer, resources: Resources, *, preview: bool = False) -> list[tuple[str, str, str]]:
    """What the engine is told: policy, level, resource."""
    return [
        (each.policyName, proto.EnforcementLevel.Name(each.enforcementLevel).lower(), each.urn.rpartition("::")[2])
        for each in diagnostics(analyzer, resources, preview=preview)
    ]


def diagnostics(analyzer: Analyzer, resources: Resources, *, preview: bool = False) -> list[Any]:
    analyze, stack = requests(resources, preview=preview)
    found = [each for message in analyze for each in analyzer.Analyze(message, None).diagnostics]
    return [*found, *analyzer.AnalyzeStack(stack, None).diagnostics]


def test_a_mismatch_is_mandatory_and_says_what_to_change() -> None:
    found = diagnostics(configured({}), MISMATCH)
    assert [each.message for each in found if each.policyName == LT_01] == [
        "A service runs on a launch type that its task definition declares\n"
        "Service 'web' launchType: got \"FARGATE\", expected one of \"EC2\" as TaskDefinition 'app' has in "
        'requiresCompatibilities; change the service\'s launch type, or add "FARGATE" to requiresCompatibilities\n'
        'AWS says: "Task definition does not support launch_type FARGATE."\n'
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html"
    ]
    assert (LT_01, "mandatory", "web") in run(configured({}), MISMATCH)


@pytest.mark.parametrize(
    "resources",
    [
        {"app": task_definition(container(privileged=True), requiresCompatibilities=["FARGATE"])},
        {"app": task_definition(container(links=["a"], hostname="a"), networkMode="host")},
        {"group": target_group(protocol="HTTP", healthCheck={"unhealthyThreshold": 11, "matcher": "9"})},
        {"web": service(launchType="FARGATE", platformVersion="latest", taskDefinition="app:1", cluster="main")},
        {
            "app": task_definition(networkMode="awsvpc"),
            "web": service(launchType="FARGATE", taskDefinition="${app.arn}"),
        },
    ],
    ids=["privileged_is_not_ipcMode", "host_is_not_awsvpc", "thresholds", "misspelt_version", "aws_may_take_it"],
)
def test_aws_is_not_quoted_with_words_about_another_fault(resources: Resources) -> None:
    mandatory = [
        each.message for each in diagnostics(configured({}), resources) if each.enforcementLevel == proto.MANDATORY
    ]
    quoting = [each for each in mandatory if "AWS says" in each]
    assert len(mandatory) > len(quoting)
    assert not re.search(
        "ipcMode|networkMode=awsvpc|Health check interval|EC2 launch type|does not support", str(quoting)
    )


SURROGATE = r"a\ud83d"
"""Half an emoji, as JSON.stringify writes a string cut in two."""


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        (r'"name": "%s"', "TD-19-unique-names"),
        (r'"name": "app", "logConfiguration": {"logDriver": "%s"}', "TD-28-fargate-log-driver"),
        (r'"name": "app", "dependsOn": [{"containerName": "app", "condition": "%s"}]', "TD-25-dependson-condition"),
        (
            r'"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": {"%s": ""}}',
            "TD-29-awslogs-options",
        ),
    ],
)
def test_a_text_that_cannot_be_sent_is_shown_escaped(fields: str, rule: str) -> None:
    definitions = "[{" + fields % SURROGATE + "}]"
    found = diagnostics(configured({}), {"app": task_definition(containerDefinitions=definitions)})
    (problem,) = {each.message for each in found if each.policyName == rule and SURROGATE in each.message}
    assert problem.encode()


def test_what_a_terminal_would_obey_is_shown_escaped_and_what_has_no_end_is_cut() -> None:
    assert sendable("\x1b[2J\0\x9b\ta\n漢") == "\\u001b[2J\\u0000\\u009b\ta\n漢"
    assert len(sendable("a" * 10**6)) < 10_000


def test_one_finding_that_cannot_be_told_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(text: str) -> str:
        if "launchType" in text:
            raise ValueError(text)
        return text

    monkeypatch.setattr(pack, "sendable", fails)
    resources = {**MISMATCH, "other": service(schedulingStrategy="DAEMON", desiredCount=1)}
    found = diagnostics(configured({}), resources)
    assert [each.message.splitlines()[1] for each in found if each.policyName == LT_01] == [
        "found something that could not be told: ValueError"
    ]
    assert "PL-12-daemon-no-strategy" in [each.policyName for each in found]


def test_a_component_is_known_by_what_it_is_made_with() -> None:
    """SV-23 takes the start of tasks from the component that made the service."""
    slow = made_by({"taskStartSeconds": 900})
    assert ("SV-23-update-timeout", "mandatory", "web") in run(configured({}), slow)
    assert ("SV-23-update-timeout", "mandatory", "web") not in run(configured({}), made_by({}))


def test_a_first_preview_finds_the_mismatch_through_dependencies() -> None:
    assert (LT_01, "mandatory", "web") in run(configured({}), MISMATCH, preview=True)


def test_rules_about_one_resource_stop_the_run_before_it_is_created() -> None:
    analyze, _ = requests({"app": task_definition(requiresCompatibilities=["FARGATE"], cpu="300", memory="512")})
    assert "TD-01-fargate-cpu-mem" in [each.policyName for each in configured({}).Analyze(analyze[0], None).diagnostics]


def test_what_could_not_be_evaluated_is_named_once_with_all_its_rules() -> None:
    unknown = {"web": service(launchType=UNKNOWN, taskDefinition="app:1", cluster="main", desiredCount=UNKNOWN)}
    (found,) = [each for each in diagnostics(configured({}), unknown) if each.policyName == SETTINGS]
    assert found.enforcementLevel == proto.ADVISORY
    title, line = found.message.split("\n")
    assert title == "What could not be evaluated"
    told = dict(each.split(". Not evaluated: ") for each in line.split("; "))
    assert {"LT-02", "SV-04"} <= set(told["launchType is not known yet"].split(", "))
    assert told["desiredCount is not known yet"]


def test_a_json_text_that_is_unknown_is_one_line_that_says_what_waits_and_what_helps() -> None:
    app = task_definition(requiresCompatibilities=["FARGATE"], containerDefinitions=UNKNOWN)
    role = {"type": "aws:iam/rolePolicy:RolePolicy", "properties": {"role": "app", "policy": UNKNOWN}}
    told = {
        each.urn.rpartition("::")[2]: each.message
        for each in diagnostics(configured({}), {"app": app, "role": role})
        if each.policyName == SETTINGS
    }
    (line,) = re.findall(r"^containerDefinitions is not known yet\. Not evaluated: .*$", told["app"], re.MULTILINE)
    assert re.search(r"Not evaluated: \d+ rules \(TD \d+, SH \d, .*ER \d.*\)\. ", line)
    assert line.endswith(
        "To let them see, name the image by a tag or digest that is known before the update, or let the component "
        'around it say what is in it, as its output "documents" (README.md of this pack)'
    )
    assert len(line) < 400
    assert "policy is not known yet. Not evaluated: IM-01. To let them see, let the component" in told["role"]


def test_strict_unknown_raises_it_to_the_level_of_the_rule() -> None:
    resources = {"web": service(launchType=UNKNOWN, taskDefinition="app:1", cluster=UNKNOWN)}
    strict = configured({SETTINGS: {"strictUnknown": True}, LT_01: {"enforcementLevel": "advisory"}})
    found = run(strict, resources)
    assert ("LT-02-launch-type-enum", "mandatory", "web") in found
    assert (LT_01, "advisory", "web") in found
    assert SETTINGS not in [name for name, _, _ in found]


@pytest.mark.parametrize(
    ("configuration", "level"),
    [
        ({}, "mandatory"),
        ({LT_01: {"enforcementLevel": "advisory"}}, "advisory"),
        ({LT_01: {"enforcementLevel": "disabled"}}, None),
        ({SETTINGS: {"levels": {"launch_type": "advisory"}}}, "advisory"),
        ({SETTINGS: {"levels": {"launch_type": "disabled", "LT-01": "mandatory"}}}, "mandatory"),
        ({SETTINGS: {"levels": {"LT-01": "advisory"}}, LT_01: {"enforcementLevel": "disabled"}}, "advisory"),
        ({SETTINGS: {"levels": {"launch_type": "disabled"}}, LT_01: {"enforcementLevel": "advisory"}}, "advisory"),
        ({SETTINGS: {"profile": "strict"}}, "mandatory"),
    ],
)
def test_levels(configuration: Mapping[str, Mapping[str, Any]], level: str | None) -> None:
    found = run(configured(configuration), MISMATCH)
    assert [each for each in found if each[0] == LT_01] == ([] if level is None else [(LT_01, level, "web")])


def test_the_development_profile_drops_practice_rules() -> None:
    resources = {"app": task_definition(container(image="httpd:latest"), memory="512")}
    assert {"ER-06-image-source", "ER-07-no-latest"} <= {name for name, _, _ in run(configured({}), resources)}
    assert run(configured({SETTINGS: {"profile": "development"}}), resources) == []


def test_practice_stops_nobody_by_default() -> None:
    assert [
        rule.id for rule in all_rules() if rule.level is Level.PRACTICE and rule.enforcement is not Enforcement.ADVISORY
    ] == []


def test_options_of_a_rule_come_from_its_configuration() -> None:
    image_source = "ER-06-image-source"
    resources = {"app": task_definition(container(image="public.ecr.aws/nginx/nginx:1.27@sha256:" + "0" * 64))}
    assert image_source in [name for name, _, _ in run(configured({}), resources)]
    allowing = configured({image_source: {"allowedRegistries": ["public.ecr.aws/*"]}})
    assert image_source not in [name for name, _, _ in run(allowing, resources)]


def test_a_good_stack_is_silent_once_deployed() -> None:
    assert run(configured({SETTINGS: STRICT}), good_stacks.FARGATE) == []
    assert run(configured({SETTINGS: STRICT}), good_stacks.EC2) == []


def test_a_launch_type_that_only_the_provider_computed_is_not_the_programs() -> None:
    resources = {"web": {**service(taskDefinition="app:1"), "outputs": {"launchType": UNKNOWN}}}
    assert "LT-02-launch-type-enum" not in str(diagnostics(configured({}), resources))


def test_secrets_are_never_printed() -> None:
    containers = json.dumps([container(image="httpd", environment=[{"name": "PASSWORD", "value": "hunter2"}])])
    bad_expression = secret([{"type": "memberOf", "expression": "hunter2"}])
    resources = {
        "app": task_definition(containerDefinitions=secret(containers), requiresCompatibilities=["FARGATE"]),
        "web": service(
            launchType=secret("hunter2"), taskDefinition=secret("hunter2"), placementConstraints=bad_expression
        ),
    }
    found = diagnostics(configured({}), resources)
    assert "LT-02-launch-type-enum" in [each.policyName for each in found]
    assert "PL-11-distinct-no-expression" in [each.policyName for each in found]
    assert "hunter2" not in str(found)


def test_what_aws_refuses_is_not_said_to_be_accepted() -> None:
    (rule,) = [rule for rule in all_rules() if rule.id == "ER-06"]
    problem = Problem("urn", "image", "got this", ours=True)
    assert rule.ours
    assert "AWS may accept it" in violation_text(rule, problem)
    refused = violation_text(rule, problem._replace(quote=Quote("No.", "https://docs.aws.amazon.com")))
    assert 'AWS says: "No."' in refused
    assert "AWS may accept it" not in refused


def test_the_sdks_sentinels_are_ours() -> None:
    theirs = {value for name, value in vars(sdk_proxy).items() if name.startswith("UNKNOWN_")}
    assert theirs == SENTINELS


def test_every_rule_is_a_policy_of_its_own_with_a_schema_for_its_options() -> None:
    described = info(configured({}))
    assert [each.name for each in described.policies] == [
        SETTINGS,
        ACKNOWLEDGED,
        *(rule.policy_name for rule in all_rules()),
    ]
    (image_source,) = [each for each in described.policies if each.name == "ER-06-image-source"]
    assert image_source.configSchema.properties["allowedRegistries"]["type"] == "array"
