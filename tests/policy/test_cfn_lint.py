"""The oracle: on generated stacks the pack and cfn-lint agree, but for the differences that AWS's pages explain."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.core import get_rules
from cfnlint.rules import RulesCollection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_policy.rule import rule_named
from tests.policy.cfn_lint import ASPECTS, DIFFERENCES, Case, Difference, container
from tests.policy.stacks import evaluate

_WALKERS = {
    "E1001",
    "E1101",
    "E3001",
    "E3002",
    "E3011",
}  # go through the template and call the rules that we compare with


_COMPARED = {number for _, *numbers in ASPECTS.values() for number in numbers}


@cache
def _their_rules() -> Any:
    rules = RulesCollection()
    for rule in get_rules([], [], []).rules.values():
        if rule.id in _WALKERS | _COMPARED:
            rules.register(rule)
    return rules


def theirs(case: Case) -> set[str]:
    """The aspects that cfn-lint finds wrong."""
    matches = lint(json.dumps(case.template()), _their_rules(), ["us-east-1"])
    return {_aspect(match) for match in matches if match.rule.id in _COMPARED}


def _aspect(match: Any) -> str:
    if match.rule.id == "E3048":  # one rule for all that Fargate asks of a task definition
        place = " ".join(map(str, match.path)) + match.message
        for word, aspect in (
            ("NetworkMode", "network mode"),
            ("LogDriver", "log driver"),
            ("PlacementConstraints", "placement constraints"),
        ):
            if word in place:
                return aspect
        return "task size"
    (aspect,) = [aspect for aspect, numbers in ASPECTS.items() if match.rule.id in numbers]
    return aspect


def ours(case: Case) -> set[str]:
    """The aspects that this pack finds wrong."""
    resources = case.resources()
    return {aspect for aspect, (number, *_) in ASPECTS.items() if evaluate(rule_named(number), resources)[0]}


def unexplained(case: Case) -> list[str]:
    """Disagreements that no known difference covers."""
    mine, other = ours(case), theirs(case)
    found = [("ours", aspect) for aspect in mine - other] + [("cfn-lint", aspect) for aspect in other - mine]
    return [
        f"only {stricter} reports {aspect}"
        for stricter, aspect in sorted(found)
        if not any(each.aspect == aspect and each.stricter == stricter and each.when(case) for each in DIFFERENCES)
    ]


CPUS = ["256", "512", 1024, "4096", "8192", "32768", ".25 vCPU", "0.25 vCPU", "1 vcpu", "2vCPU", "300", ""]
MEMORIES = ["512", "1024", 2048, "4096", "16384", "61440", "0.5 GB", "1GB", "2 gb", "30 GB", "3000", ""]
SCHEDULING = ["REPLICA", "DAEMON"]
MODES = ["awsvpc", "bridge", "host", "none"]
PORTS = st.fixed_dictionaries(
    {"containerPort": st.sampled_from([80, 8080])}, optional={"hostPort": st.sampled_from([0, 80, 8080])}
)
LOGGING = st.fixed_dictionaries(
    {"logDriver": st.sampled_from(["awslogs", "awslogs", "splunk", "awsfirelens", "json-file", "syslog"])},
    optional={
        "options": st.fixed_dictionaries(
            {},
            optional={
                "awslogs-group": st.just("/ecs/app"),
                "awslogs-region": st.just("us-east-1"),
                "awslogs-stream-prefix": st.just("app"),
                "awslogs-retention": st.just("7"),
            },
        )
    },
)
CONTAINERS = st.builds(
    lambda fields: container(**fields),
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["app", "sidecar"]),
            "essential": st.booleans(),
            "portMappings": st.lists(PORTS, max_size=2),
            "logConfiguration": LOGGING,
        },
    ),
)
CASES = st.builds(
    Case,
    task=st.fixed_dictionaries(
        {"family": st.just("app"), "containerDefinitions": st.lists(CONTAINERS, min_size=1, max_size=2)},
        optional={
            "cpu": st.sampled_from(CPUS),
            "memory": st.sampled_from(MEMORIES),
            "networkMode": st.sampled_from(MODES),
            "requiresCompatibilities": st.sampled_from(
                [["FARGATE"], ["FARGATE"], ["EC2"], ["EC2", "FARGATE"], ["EXTERNAL"]]
            ),
            "placementConstraints": st.just([{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}]),
            "runtimePlatform": st.sampled_from(
                [{"operatingSystemFamily": "LINUX"}, {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}]
            ),
        },
    ),
    service=st.fixed_dictionaries(
        {"behindLoadBalancer": st.booleans()},
        optional={
            "launchType": st.sampled_from(["FARGATE", "FARGATE", "EC2", "EXTERNAL"]),
            "schedulingStrategy": st.sampled_from(SCHEDULING),
            "deploymentController": st.sampled_from([{"type": "ECS"}, {"type": "CODE_DEPLOY"}]),
            "networkConfiguration": st.just({"subnets": ["subnet-1"]}),
        },
    ),
    group=st.fixed_dictionaries(
        {"targetType": st.sampled_from(["ip", "instance"])},
        optional={
            "healthCheck": st.sampled_from([{"port": "traffic-port"}, {"port": "8080"}, {"path": "/"}]),
        },
    ),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(CASES)
def test_disagreements_are_known(case: Case) -> None:
    assert unexplained(case) == []


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda each: each.what.replace(" ", "_"))
def test_a_known_difference_is_still_one(difference: Difference) -> None:
    mine, other = difference.aspect in ours(difference.example), difference.aspect in theirs(difference.example)
    assert (mine, other) == ((True, False) if difference.stricter == "ours" else (False, True))
    assert difference.when(difference.example)
    assert difference.source.startswith("https://docs.aws.amazon.com/")
