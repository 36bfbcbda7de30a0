"""Each check that is taken out lets something through that the properties find: they have teeth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest

from components.checks import Check
from settings import keys
from tests.configurations.generator import ACCOUNT, UUID, Configuration
from tests.configurations.properties import faults, is_accepted

REGION = "ap-northeast-1"
EC2 = {"service.launchType": "EC2", "task.cpuUnits": 256, "task.memoryMib": 512}
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/"
SCALED = {"scaling.maxCount": 5, "service.desiredCount": 1}


def configuration(values: Mapping[str, object], stack: str = "dev") -> Configuration:
    base = {"aws:region": REGION, "loadBalancer.allowedIngressCidrs": ["0.0.0.0/0"]}
    return Configuration("hostile", stack, {**base, **values}, frozenset(values))


@contextmanager
def without(key: str) -> Iterator[None]:
    """The check of a key takes whatever is of the key's type."""
    check = keys()[key].check
    assert isinstance(check, Check)
    kept, kind = check.accepts, type(None)
    object.__setattr__(check, "accepts", lambda value: not isinstance(value, kind))
    try:
        yield
    finally:
        object.__setattr__(check, "accepts", kept)


KEYS: list[tuple[str, dict[str, object]]] = [
    ("aws:region", {"aws:region": "zz-foo-1"}),
    ("image.base", {"image.base": "a::::"}),
    ("image.base", {"image.base": "ubuntu@sha256:zz"}),
    ("image.repositoryName", {"image.repositoryName": "a//b"}),
    ("network.vpcCidr", {"network.vpcCidr": "10.0.0.0/255.255.0.0"}),
    ("network.vpcCidr", {"network.vpcCidr": "127.0.0.0/16"}),
    ("network.vpcCidr", {"network.vpcCidr": "224.0.0.0/16"}),
    (
        "loadBalancer.allowedIngressCidrs",
        {"loadBalancer.allowedIngressCidrs": ["203.0.113.0/24", "203.0.113.0/255.255.255.0"]},
    ),
    ("loadBalancer.allowedIngressCidrs", {"loadBalancer.allowedIngressCidrs": ["224.0.0.0/8", "203.0.113.0/24"]}),
    ("firewall", {"firewall": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/日本/{UUID}"}),
    ("domain.certificateArn", {"domain.certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{'-' * 36}"}),
    ("domain.name", {"domain.name": "example.c", "domain.hostedZoneId": "Z1"}),
    ("domain.hostedZoneId", {"domain.name": "example.com", "domain.hostedZoneId": "Z" + "1" * 40}),
    ("targetGroup.healthCheckPath", {"targetGroup.healthCheckPath": "/" + "x" * 1100}),
    ("container.user", {"container.user": "4294967295"}),
    ("environment", {"environment": {"A": "a\0b"}}),
    ("environment", {"environment": {"A": "\ud800"}}),
    ("secrets", {"secrets": {"A": f"{PARAMETER}*"}}),
    ("permissionsBoundaryArn", {"permissionsBoundaryArn": "arn:aws:iam::\u0661\u06623456789012:policy/x"}),
    ("instances.instanceType", {**EC2, "instances.instanceType": "foo.bar"}),
    ("migration.command", {"migration.command": [""]}),
    ("migration.command", {"migration.command": ["\0"]}),
    ("alarms.email", {"alarms.email": "a@b..com"}),
    ("alarms.email", {"alarms.email": "a" * 70 + "@b.com"}),
    ("scaling.schedule", {**SCALED, "scaling.schedule": ["cron(0 8 * * MON *) 1-2"]}),
    ("scaling.schedule", {**SCALED, "scaling.schedule": ["rate(0 minutes) 1-2"]}),
    ("scaling.schedule", {**SCALED, "scaling.schedule": ["at(2030-13-01T00:00:00) 1-2"]}),
    ("scaling.schedule", {**SCALED, "scaling.schedule": [f"cron({n % 60} {n // 60} * * ? *) 1-2" for n in range(208)]}),
    ("scaling.timezone", {**SCALED, "scaling.schedule": ["rate(1 day) 1-2"], "scaling.timezone": "Mars/Olympus"}),
    ("task.logRetentionDays", {"task.logRetentionDays": 2}),
    ("image.version", {"image.version": "a/b:c"}),
]


@pytest.mark.parametrize(("key", "values"), KEYS, ids=[f"{key}-{index}" for index, (key, _) in enumerate(KEYS)])
def test_without_the_check_of_a_key_a_property_fails(key: str, values: dict[str, object]) -> None:
    whole = configuration(values)
    assert not is_accepted(whole)
    assert faults(whole) == []
    with without(key):
        assert faults(whole) != []


FUNCTIONS: list[tuple[str, dict[str, object]]] = [
    ("settings.rules_problem", {"loadBalancer.allowedIngressCidrs": [f"203.0.{part}.0/24" for part in range(61)]}),
    ("components.certificate.name_length_problem", {"domain.name": "a" * 62 + ".com", "domain.hostedZoneId": "Z1"}),
    ("settings.place_problem", {"domain.certificateArn": f"arn:aws-cn:acm:cn-north-1:{ACCOUNT}:certificate/{UUID}"}),
    ("settings.place_problem", {"permissionsBoundaryArn": f"arn:aws-cn:iam::{ACCOUNT}:policy/x"}),
    ("settings._secret_partition_problem", {"secrets": {"A": f"arn:aws-cn:ssm:cn-north-1:{ACCOUNT}:parameter/a"}}),
    ("settings.size_problem", {"environment": {"A": "x" * 70_000}}),
    ("settings.secrets_problem", {"secrets": {f"S{n}": f"{SECRET}shop/production/{n:03}-AbCdEf" for n in range(130)}}),
    ("settings.overrides_problem", {"migration.command": ["x" * 9000]}),
    ("settings.room_problem", {**EC2, "task.cpuUnits": 1024, "task.memoryMib": 4096}),
    ("settings.room_problem", {**EC2, "service.desiredCount": 2640}),
    ("settings.room_problem", {**EC2, "task.networkMode": "awsvpc", "service.desiredCount": 12}),
    ("settings.room_problem", {**EC2, "placement.constraints": ["distinctInstance"], "service.desiredCount": 4}),
    ("settings.instance_type_problem", {**EC2, "instances.instanceType": "mac2.metal"}),
    ("settings.instance_type_problem", {**EC2, "instances.instanceType": "p6e-gb200.36xlarge"}),
    ("settings.fargate_size_problem", {"task.cpuUnits": 300, "task.memoryMib": 700}),
    ("settings._environment_problem", {"environment": {"A": "x"}, "secrets": {"A": f"{PARAMETER}a"}}),
    ("settings.grace_problem", {"service.healthCheckGracePeriodSeconds": 1, "container.healthCheckCommand": "true"}),
    ("settings.type_problem", {**EC2, "placement.constraints": ["memberOf attribute:ecs.instance-type =~ m5.*"]}),
    ("settings.network_mode_problem", {"task.networkMode": "bridge"}),
]
IN_COMPONENTS = {
    "settings.rules_problem": "components.network.rules_problem",
    "settings.size_problem": "components.task_definition.size_problem",
    "settings.secrets_problem": "components.task_definition.secrets_problem",
    "settings.overrides_problem": "components.service.overrides_problem",
    "settings.instance_type_problem": "components.capacity.instance_type_problem",
}


@pytest.mark.parametrize(
    ("function", "values"),
    FUNCTIONS,
    ids=[f"{name.split('.')[1]}-{index}" for index, (name, _) in enumerate(FUNCTIONS)],
)
def test_without_a_check_of_several_a_property_fails(function: str, values: dict[str, object]) -> None:
    whole = configuration(values)
    assert not is_accepted(whole)
    assert faults(whole) == []
    nothing: Callable[..., Any] = lambda *_, **__: None  # noqa: E731
    with mock.patch(function, nothing), mock.patch(IN_COMPONENTS.get(function, function), nothing):
        assert faults(whole) != []


def test_without_the_check_of_the_stacks_name_a_component_refuses_half_way() -> None:
    dotted = configuration({}, stack="v1.0")
    assert not is_accepted(dotted)
    assert faults(dotted) == []
    with mock.patch("settings._names", lambda *_: {}):
        found = faults(dotted)
    assert any("then refused" in each for each in found), found


def test_deep_lists_and_long_lists_are_refused_in_the_houses_form() -> None:
    for deep in ("[" * 20_000, '{"a":' * 9_000, "[" * 900 + "]" * 900):
        assert faults(configuration({"environment": deep, "migration.command": deep})) == []
    many = configuration({"loadBalancer.allowedIngressCidrs": [f"10.{part}.0.0/16" for part in range(60)]})
    assert not is_accepted(many)
    assert faults(many) == []
    with mock.patch("components.load_balancer.listed", ", ".join):
        assert faults(many) != []
