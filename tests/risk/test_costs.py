"""What a change costs every month, where the user has given prices. The previews were made by the real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation.events import EngineEvent

from risk.__main__ import main
from risk.costs import PRICES, Prices, PricesError, read_prices
from risk.effects import Effect
from risk.report import assess
from tests.risk.changes import CHANGES
from tests.risk.record import RECORDINGS

ROUND = Prices("EUR", dict.fromkeys(PRICES, 1.0))
"""A price of 1 for everything, so that a cost shows its quantities."""


def _events(name: str) -> list[EngineEvent]:
    lines = (RECORDINGS / CHANGES[name].file).read_text().splitlines()
    return [EngineEvent.from_json(json.loads(line)) for line in lines]


def _said(name: str, prices: Prices = ROUND) -> list[tuple[Effect, str]]:
    """What the report says of costs."""
    free = set(assess(_events(name)).findings)
    more = [found for found in assess(_events(name), prices).findings if found not in free]
    return [(found.effect, ": ".join(filter(None, (found.resource, found.text)))) for found in more]


def _of(kind: str, inputs: dict[str, Any], action: str = "create", before: dict[str, Any] | None = None) -> list[str]:
    """What the report says of the costs of one change."""
    state = {"custom": True, "inputs": inputs}
    old = {"custom": True, "id": "some-id", "inputs": before if before is not None else inputs}
    step = {
        "op": action,
        "urn": f"urn:pulumi:dev::shop::{kind}::thing",
        "type": kind,
        "old": old if action != "create" else None,
        "new": state if action != "delete" else None,
    }
    events = [
        EngineEvent.from_json({"resourcePreEvent": {"metadata": step}}),
        EngineEvent.from_json({"summaryEvent": {"resourceChanges": {action: 1}}}),
    ]
    found = assess(events, ROUND).findings
    return [each.text for each in found if each.resource and ("month" in each.text)]


@pytest.mark.parametrize("name", CHANGES)
def test_without_prices_nothing_is_said_of_costs(name: str) -> None:
    assert not any("month" in found.text for found in assess(_events(name)).findings)


def test_a_nat_gateway_costs_itself_and_its_address() -> None:
    assert _said("nat gateway") == [
        (Effect.COSTS, "monthly fixed cost in sum: +1460.00 EUR a month"),
        (Effect.COSTS, "Eip h4b-helloworld-2: +730.00 EUR a month: 730 * IPv4 hour"),
        (Effect.COSTS, "NatGateway h4b-helloworld-2: +730.00 EUR a month: 730 * NAT hour"),
    ]


def test_bigger_tasks_cost_what_they_have_more() -> None:
    formula = "2 * 730 * (0.5 * Fargate vCPU hour + 1 * Fargate GB hour)"
    assert (Effect.COSTS, f"Service h4b-helloworld: +1095.00 EUR a month: {formula}") in _said("bigger tasks")


def test_what_is_saved_is_told_and_is_no_risk() -> None:
    assert [effect for effect, _ in _said("fewer tasks")] == [Effect.CHANGES, Effect.CHANGES]
    assert _said("fewer tasks")[0][1] == "monthly fixed cost in sum: -547.50 EUR a month"


def test_what_changes_no_fixed_cost_says_nothing() -> None:
    assert _said("new page") == _said("longer log") == _said("other health check") == []


def test_what_is_not_known_yet_is_told_and_is_not_in_the_sum() -> None:
    said = _said("first deployment")
    assert (
        Effect.NOT_EVALUATED,
        "LoadBalancer h4b-helloworld: monthly fixed cost: subnets is not known yet",
    ) in said
    assert "without 1 that could not be told" in next(text for _, text in said if "in sum" in text)


def test_a_missing_price_is_told() -> None:
    assert _said("nat gateway", Prices("USD", {"NAT hour": 0.05})) == [
        (Effect.NOT_EVALUATED, "Eip h4b-helloworld-2: monthly fixed cost: there is no price 'IPv4 hour'"),
        (Effect.COSTS, "monthly fixed cost in sum: +36.50 USD a month, without 1 that could not be told"),
        (Effect.COSTS, "NatGateway h4b-helloworld-2: +36.50 USD a month: 730 * NAT hour"),
    ]


@pytest.mark.parametrize(
    ("kind", "inputs", "said"),
    [
        (
            "aws:lb/loadBalancer:LoadBalancer",
            {"subnets": ["a", "b"]},
            "+2190.00 EUR a month: 730 * (ALB hour + 2 * IPv4 hour)",
        ),
        (
            "aws:lb/loadBalancer:LoadBalancer",
            {"subnets": ["a", "b"], "internal": True},
            "+730.00 EUR a month: 730 * ALB hour",
        ),
        (
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            {"vpcEndpointType": "Interface", "subnetIds": ["a", "b", "c"]},
            "+2190.00 EUR a month: 3 * 730 * endpoint hour",
        ),
        ("aws:wafv2/webAcl:WebAcl", {"rules": [{}, {}]}, "+3.00 EUR a month: web ACL month + 2 * rule month"),
        ("aws:kms/key:Key", {}, "+1.00 EUR a month: KMS key month"),
        ("aws:cloudwatch/dashboard:Dashboard", {}, "+1.00 EUR a month: dashboard month"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"metricName": "CPU"}, "+1.00 EUR a month: 1 * alarm month"),
        (
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {"metricQueries": [{"expression": "a+b"}, {"metric": {}}, {"metric": {}}]},
            "+2.00 EUR a month: 2 * alarm month",
        ),
    ],
)
def test_the_formula_of_a_kind(kind: str, inputs: dict[str, Any], said: str) -> None:
    assert _of(kind, inputs) == [said]
    assert _of(kind, inputs, "delete") == [said.replace("+", "-", 1)]


def test_what_costs_by_use_only_says_nothing() -> None:
    assert _of("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Gateway"}) == []
    assert _of("aws:s3/bucket:Bucket", {}) == []
    assert _of("aws:autoscaling/group:Group", {"minSize": 0}) == []


def test_a_kind_without_a_formula_is_told() -> None:
    assert _of("aws:rds/instance:Instance", {}) == [
        "monthly fixed cost: there is no formula for a aws:rds/instance:Instance"
    ]


def test_more_cost_can_be_a_reason_not_to_deploy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("currency: EUR\nNAT hour: 0.05\nIPv4 hour: 0.005\n")
    recorded = str(RECORDINGS / CHANGES["nat gateway"].file)
    assert main([recorded, "--fail-on", "costs"]) == 0
    assert main([recorded, "--fail-on", "costs", "--prices", str(prices)]) == 1
    assert "\ncosts       monthly fixed cost in sum: +40.15 EUR a month\n" in capsys.readouterr().out


def test_prices_that_cannot_be_used_are_told_all_at_once(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("NAT hours: 1\nIPv4 hour: -1\nALB hour: cheap\n")
    with pytest.raises(PricesError) as refused:
        read_prices(prices)
    first, *others = str(refused.value).splitlines()
    assert first.startswith("PRICES: got 'NAT hours', expected currency or one of NAT hour, IPv4 hour, ")
    assert others == [
        "PRICES: IPv4 hour: got -1, expected a number that is not negative; correct it",
        "PRICES: ALB hour: got 'cheap', expected a number that is not negative; correct it",
    ]
    with pytest.raises(PricesError, match="expected a YAML file"):
        read_prices(tmp_path / "absent.yaml")
