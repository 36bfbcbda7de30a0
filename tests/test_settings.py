"""What a stack's configuration may say, and what a user reads who says something else."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components.checks import ArgumentError
from docs.generate_configuration import DOCUMENT, README, document, readme
from settings import Settings
from tests.mocks import PROJECT, REGION, ROOT, run, stack_config

DECLARED: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
KEYS = {key: schema for key, schema in DECLARED.items() if ":" not in key}


def load(**changes: str | None) -> Settings:
    """The settings of stack dev with some keys changed; None removes a key."""
    changed = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in changes.items()}
    config = {key: value for key, value in (stack_config("dev") | changed).items() if value is not None}
    loaded: list[Settings] = []
    run(lambda: loaded.append(Settings.load()), stack="dev", config=config)
    return loaded[0]


def refusal(**changes: str | None) -> str:
    with pytest.raises(ArgumentError) as refused:
        load(**changes)
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
        {"BASE_IMAGE": "ubuntu:24.04"},
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
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_page_about_configuration_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document(), "run `make docs`"
    assert README.read_text() == readme(), "run `make docs`"


def test_one_message_lists_every_problem() -> None:
    assert refusal(
        desiredCount="two", natGateways="one", deletionProtection="no", allowedIngressCidrs='["0.0.0.0"]'
    ) == (
        "The configuration in Pulumi.dev.yaml cannot be used:\n"
        "  - natGateways: got 'one', expected one of none, single, one-per-zone; choose how tasks reach ECR and "
        "CloudWatch Logs\n"
        "  - allowedIngressCidrs: got ('0.0.0.0',), expected a list, not empty and without repetition, of: "
        "an IPv4 network with a prefix from /0 to /32 and no host bits; "
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
        "change taskMemoryMib, or taskCpuUnits to 512 or 1024 or 2048"
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


def test_keys_of_providers_and_of_pulumi_are_left_alone() -> None:
    assert load(**{"aws:profile": "me", "pulumi:tags": "{}", "docker:host": "unix:///x"}).desired_count == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:region", "tokyo"),
        ("imageVersion", "-1"),
        ("imageBase", "Ubuntu 24"),
        ("repositoryName", "ECR"),
        ("keepImages", "9"),
        ("cpuArchitecture", "amd64"),
        ("vpcCidr", "10.0.0.0"),
        ("availabilityZoneCount", "1"),
        ("natGateways", "None"),
        ("allowedIngressCidrs", "0.0.0.0/0"),
        ("allowedIngressCidrs", "[]"),
        ("allowedIngressCidrs", '{"a": 1}'),
        ("containerInsights", "true"),
        ("listenerPort", "0"),
        ("healthCheckPath", "health"),
        ("deregistrationDelaySeconds", "3601"),
        ("taskCpuUnits", "0.25"),
        ("taskMemoryMib", "1GB"),
        ("containerPort", "65536"),
        ("containerUser", "0"),
        ("containerUser", "www-data"),
        ("logRetentionDays", "2"),
        ("desiredCount", ""),
        ("deletionProtection", "1"),
    ],
)
def test_each_key_is_checked(key: str, value: str) -> None:
    (_, problem) = refusal(**{key: value}).split("\n")
    assert problem.startswith(f"  - {key}: got ")


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.text(), min_size=1))
@settings(max_examples=40, deadline=None)
def test_any_text_is_taken_or_refused_by_key(changes: dict[str, str]) -> None:
    try:
        load(**changes)
    except ArgumentError as refused:
        _, *problems = str(refused).split("\n  - ")
        assert problems
        assert {problem.split(":")[0] for problem in problems} <= set(KEYS)
