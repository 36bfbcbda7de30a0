"""Placement as people write it, and the policy pack's words about what ECS refuses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.placement import (
    Binpack,
    DistinctInstance,
    MemberOf,
    Random,
    Spread,
    parse_constraint,
    parse_strategy,
    placement_problem,
)
from ecs_policy.model import resource
from ecs_policy.rule import Problem, all_rules
from ecs_policy.stack import Stack


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("binpack cpu", Binpack("cpu")),
        ("spread attribute:ecs.availability-zone", Spread("attribute:ecs.availability-zone")),
        ("random", Random()),
    ],
)
def test_strategies_in_words(text: str, strategy: object) -> None:
    assert parse_strategy(text) == strategy


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("distinctInstance", DistinctInstance()),
        ("memberOf attribute:a == b and attribute:c exists", MemberOf("attribute:a == b and attribute:c exists")),
    ],
)
def test_constraints_in_words(text: str, constraint: object) -> None:
    assert parse_constraint(text) == constraint


@pytest.mark.parametrize("text", ["", "binpack", "spread", "random cpu", "pack cpu", "Binpack cpu"])
def test_no_strategy(text: str) -> None:
    with pytest.raises(ValueError, match="^" + text):
        parse_strategy(text)


@pytest.mark.parametrize("text", ["", "memberOf", "distinctInstance x", "memberof a"])
def test_no_constraint(text: str) -> None:
    with pytest.raises(ValueError, match="^" + text):
        parse_constraint(text)


FIELDS = st.sampled_from(["cpu", "memory", "disk", "host", "instanceId", "attribute:zone", "attribute:"])
STRATEGIES = st.one_of(st.builds(Binpack, FIELDS), st.builds(Spread, FIELDS), st.just(Random()))
EXPRESSIONS = st.sampled_from(["attribute:a == b", "a == b", "", "attribute:a in [b", "x" * 2001])
CONSTRAINTS = st.one_of(st.just(DistinctInstance()), st.builds(MemberOf, EXPRESSIONS))


@given(
    st.sampled_from(["EC2", "FARGATE"]),
    st.lists(STRATEGIES, max_size=6),
    st.lists(CONSTRAINTS, max_size=11),
)
def test_a_component_refuses_just_what_the_pack_does_in_the_same_words(
    launch_type: str, strategies: list[Any], constraints: list[Any]
) -> None:
    inputs = {
        "launchType": launch_type,
        "orderedPlacementStrategies": [{"type": each.TYPE, "field": each.field} for each in strategies],
        "placementConstraints": [{"type": each.TYPE, "expression": each.expression} for each in constraints],
    }
    service = resource(type="aws:ecs/service:Service", urn="urn", name="web", inputs=inputs)
    Stack([service])
    told = {
        outcome.message
        for rule in all_rules()
        if rule.group == "placement" and isinstance(service, rule.resource_kinds)
        for outcome in rule.run(service)
        if isinstance(outcome, Problem)
    }
    names = {"placement_strategies": "orderedPlacementStrategies", "placement_constraints": "placementConstraints"}
    refused = placement_problem(launch_type, strategies, constraints, names.__getitem__)
    assert {f"Service 'web' {problem}" for problem in (refused or "").split("\n  - ") if problem} == told
