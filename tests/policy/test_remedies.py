"""What the pack repairs when a rule's level is `remediate`, before the resource is created."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import json_format
from pulumi.runtime import proto

from ecs_policy.pack import SETTINGS, Analyzer
from ecs_policy.remedies import REMEDIES
from ecs_policy.rule import rule_named
from tests.policy.example import resource
from tests.policy.stacks import UNKNOWN, requests, secret
from tests.policy.test_pack import configured, run

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
REPOSITORY = "aws:ecr/repository:Repository"


def remediating(*numbers: str, **options: Any) -> Analyzer:
    return configured({rule_named(each).policy_name: {"enforcementLevel": "remediate", **options} for each in numbers})


def remedied(analyzer: Analyzer, kind: str, **properties: Any) -> Any:
    """The inputs after all remedies; None when there were none."""
    (message,), _ = requests({"it": resource(kind, **properties)})
    found = analyzer.Remediate(message, None).remediations
    return json_format.MessageToDict(found[-1].properties) if found else None


@pytest.mark.parametrize(
    ("number", "kind", "given", "repaired"),
    [
        ("LG-01", LOG_GROUP, {"name": "/app"}, {"name": "/app", "retentionInDays": 365}),
        ("LG-01", LOG_GROUP, {"retentionInDays": 0}, {"retentionInDays": 365}),
        ("LG-01", LOG_GROUP, {"retentionInDays": 7}, None),
        ("LG-01", LOG_GROUP, {"retentionInDays": UNKNOWN}, None),
        ("LG-01", LOG_GROUP, {"retentionInDays": {}}, None),
        ("LG-01", LOG_GROUP, {"logGroupClass": "DELIVERY"}, None),
        ("LB-08", LOAD_BALANCER, {"name": "web"}, {"name": "web", "dropInvalidHeaderFields": True}),
        ("LB-08", "aws:alb/loadBalancer:LoadBalancer", {}, {"dropInvalidHeaderFields": True}),
        ("LB-08", LOAD_BALANCER, {"dropInvalidHeaderFields": False}, {"dropInvalidHeaderFields": True}),
        ("LB-08", LOAD_BALANCER, {"dropInvalidHeaderFields": True}, None),
        ("LB-08", LOAD_BALANCER, {"dropInvalidHeaderFields": UNKNOWN}, None),
        ("LB-08", LOAD_BALANCER, {"loadBalancerType": "network"}, None),
        ("ER-02", REPOSITORY, {}, {"imageScanningConfiguration": {"scanOnPush": True}}),
        (
            "ER-02",
            REPOSITORY,
            {"imageScanningConfiguration": {"scanOnPush": False}},
            {"imageScanningConfiguration": {"scanOnPush": True}},
        ),
        ("ER-02", REPOSITORY, {"imageScanningConfiguration": {"scanOnPush": True}}, None),
        ("ER-02", REPOSITORY, {"imageScanningConfiguration": UNKNOWN}, None),
    ],
)
def test_a_remedy(number: str, kind: str, given: Mapping[str, Any], repaired: Mapping[str, Any] | None) -> None:
    assert remedied(remediating(number), kind, **given) == repaired


def test_what_is_repaired_passes_its_rule() -> None:
    analyzer, bad = remediating(*REMEDIES), {"it": LOG_GROUP, "alb": LOAD_BALANCER, "images": REPOSITORY}
    names = {rule_named(each).policy_name for each in REMEDIES}
    repaired = {name: resource(kind, **remedied(analyzer, kind)) for name, kind in bad.items()}
    assert names <= {each for each, _, _ in run(analyzer, {name: resource(kind) for name, kind in bad.items()})}
    assert not names & {each for each, _, _ in run(analyzer, repaired)}


def test_nothing_is_repaired_by_default_nor_by_a_profile() -> None:
    for settings in ({}, {SETTINGS: {"profile": "strict"}}):
        assert remedied(configured(settings), LOG_GROUP) is None


def test_levels_of_the_settings_may_say_remediate() -> None:
    assert remedied(configured({SETTINGS: {"levels": {"LG-01": "remediate"}}}), LOG_GROUP) is not None
    assert remedied(configured({SETTINGS: {"levels": {rule_named("LG-01").group: "remediate"}}}), LOG_GROUP) is not None


def test_retention_follows_the_rules_option() -> None:
    assert remedied(remediating("LG-01", leastDays=400), LOG_GROUP) == {"retentionInDays": 400}
    assert remedied(remediating("LG-01", leastDays=401), LOG_GROUP) == {"retentionInDays": 545}
    assert remedied(remediating("LG-01", leastDays=10_000), LOG_GROUP) is None


def test_secrets_and_unknown_values_pass_through() -> None:
    given = {"name": secret("/app"), "kmsKeyId": UNKNOWN, "tags": {"a": secret(UNKNOWN)}}
    assert remedied(remediating("LG-01"), LOG_GROUP, **given) == {**given, "retentionInDays": 365}


def test_what_cannot_be_repaired_is_mandatory() -> None:
    (message,), _ = requests({"it": resource(LOG_GROUP, retentionInDays=7)})
    found = remediating("LG-01", leastDays=30).Analyze(message, None).diagnostics
    assert (rule_named("LG-01").policy_name, proto.MANDATORY) in [
        (each.policyName, each.enforcementLevel) for each in found
    ]
