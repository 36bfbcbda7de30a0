"""No rule compares everything with everything: four times the services are about four times the work."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ecs_policy.rule import Rule, all_rules
from ecs_policy.stack import Resource, Stack
from tests.policy.benchmark import generated
from tests.policy.stacks import joined, outcomes

FEW, MANY = 8, 32
STACKS = {services: list(joined(generated(services)).resources.values()) for services in (FEW, MANY)}


def calls(rule: Rule, resources: list[Resource]) -> int:
    """How many Python functions one rule calls for a stack: unlike seconds, the same on every machine."""
    stack, options, count = Stack(resources), rule.configured(None), 0  # what other rules have joined does not count
    for each in resources:
        each.forget()

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        for each in stack.resources.values():
            if isinstance(each, rule.resource_kinds):
                list(rule.run(each, options))
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_work_grows_with_the_stack_and_no_faster(rule: Rule) -> None:
    few, many = calls(rule, STACKS[FEW]), calls(rule, STACKS[MANY])
    assert many <= few * 1.25 * MANY / FEW, f"{few} calls for {FEW} services, {many} for {MANY}"


def test_a_generated_stack_is_good() -> None:
    stack = joined(generated(3))
    assert [each for rule in all_rules() for found in outcomes(rule, stack) for each in found] == []
