"""The local AWS provider beside Terraform's, the code pulumi-aws bridges: same plans, same refusals, same answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.providers.aws.registry import resources
from local.providers.aws.schema import Property
from tests.local.parity.conftest import Oracle
from tests.local.parity.local_side import LocalSide, revealed
from tests.local.parity.scenarios import SCENARIOS, Scenario, Sided
from tests.local.parity.terraform import camel, plural, to_pulumi

CHANGES = [(scenario, name) for scenario in SCENARIOS for name in scenario.changes]
REFUSALS = [(scenario, name) for scenario in SCENARIOS for name in scenario.refused]

OF_THE_MOMENT = {"createDate", "uniqueId", "publicIp", "publicDns", "privateIp", "dnsName"}

KNOWN = {
    ("aws:ec2/eip:Eip", "vpc"): "gone from 6.x, which pulumi-aws 7 bridges",
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "id"): "6.x names it after role and policy, 5.x at random",
}
"""Attributes on which the two may differ, and why."""

KNOWN_PLANS = {
    ("aws:ecs/service:Service", "controller"): "update",  # UpdateService takes a controller now; 5.x is older than that
    # https://github.com/hashicorp/terraform-provider-aws/pull/43533, in 6.x: from a launch type to capacity providers
    ("aws:ecs/service:Service", "capacityProviderStrategies"): "update",
    # The provider drops triggers where no deployment is forced (`triggersCustomizeDiff`); Terraform plans them all.
    ("aws:ecs/service:Service", "triggers"): "same",
}

RANDOM = re.compile(
    r"(?<![a-z])(?:vpc|subnet|igw|rtb|rtbassoc|eipalloc|eipassoc|nat|eni|sg|sgr|acl|dopt|r-rtb)-[0-9a-f]{8,}[0-9]*"
    r"|(?<=/)[0-9a-z]{16}\b"
)


def _title(pair: tuple[Scenario, str]) -> str:
    return f"{pair[0].terraform.removeprefix('aws_')}, {pair[1]}"


@pytest.mark.parametrize(("scenario", "name"), CHANGES, ids=map(_title, CHANGES))
def test_a_change_does_what_it_does_in_terraform(
    oracle: Oracle, local_side: LocalSide, scenario: Scenario, name: str
) -> None:
    theirs = oracle.planned[(scenario.token, name)]
    ours = local_side.plan(scenario, scenario.changes[name])
    assert ours.kind == KNOWN_PLANS.get((scenario.token, name), theirs.kind)
    many = {camel(plural(word)) for word in theirs.because} | set(theirs.because)
    assert set(ours.because) <= many


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.terraform.removeprefix("aws_"))
def test_the_same_inputs_again_change_nothing(local_side: LocalSide, scenario: Scenario) -> None:
    assert local_side.plan(scenario, {}).kind == "same"


@pytest.mark.parametrize(("scenario", "name"), REFUSALS, ids=map(_title, REFUSALS))
def test_what_terraform_refuses_is_refused_before_anything_is_made(
    oracle: Oracle, local_side: LocalSide, scenario: Scenario, name: str
) -> None:
    assert oracle.refused.get((scenario.token, name)), "Terraform accepts it: no case for this test"
    assert local_side.refusals(scenario, scenario.refused[name])


def _comparable(value: Any, key: str = "") -> Any:
    """`value` without what differs between two resources of the same kind."""
    value = revealed(value)
    if isinstance(value, str):
        if value.startswith(("{", "[")):
            return _comparable(json.loads(value))
        if value.isdecimal():
            return int(value)  # numbers that Terraform keeps as texts
        return RANDOM.sub("<id>", re.sub(r"parity([-/])(tf|local|one|two)\b", r"parity\1<side>", value))
    if isinstance(value, Mapping):
        kept = {camel(inner_key): _comparable(inner, inner_key) for inner_key, inner in value.items()}
        # Absent and empty, absent and zero, absent and false are the same to whoever reads a state.
        return {inner_key: inner for inner_key, inner in kept.items() if inner}
    if isinstance(value, list):
        items = (_comparable(item) for item in value)
        return sorted(filter(None, items), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any], own: set[str]) -> Iterator[str]:
    for key in sorted({*theirs} - own):
        if theirs[key] != ours.get(key):
            yield f"{key}: Terraform has {theirs[key]!r}, the local provider {ours.get(key)!r}"


def _declared(values: Mapping[str, Any], fields: Mapping[str, Property]) -> dict[str, Any]:
    """Terraform's answer without what the local provider leaves out, as no program sets it."""

    def inner(value: Any, prop: Property) -> Any:
        nested = prop.fields or (prop.element.fields if prop.element else {})
        if nested and isinstance(value, list):
            return [_declared(item, nested) for item in value]
        return _declared(value, nested) if nested and isinstance(value, Mapping) else value

    return {key: inner(value, fields[key]) for key, value in values.items() if key in fields}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.terraform.removeprefix("aws_"))
def test_both_know_the_same_of_a_resource(oracle: Oracle, local_side: LocalSide, scenario: Scenario) -> None:
    block = oracle.schemas[scenario.terraform]["block"]
    answered = to_pulumi(oracle.attributes[f"{scenario.terraform}.base"], block)
    theirs = _comparable({"id": answered["id"], **_declared(answered, resources()[scenario.token].all_properties)})
    ours = _comparable(local_side.make(scenario).outputs) | {"id": _comparable(local_side.make(scenario).id)}
    own = OF_THE_MOMENT | {key for key, value in scenario.inputs.items() if isinstance(value, Sided)}
    own |= {attribute for token, attribute in KNOWN if token == scenario.token}
    assert list(_differences(theirs, ours, own)) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.terraform.removeprefix("aws_"))
def test_reading_what_was_just_made_tells_nothing_new(local_side: LocalSide, scenario: Scenario) -> None:
    made = _comparable(local_side.make(scenario).outputs)
    read = _comparable(local_side.read(scenario))
    assert list(_differences(made, read, set())) == []
