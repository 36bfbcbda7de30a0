"""The good stacks are good, and one fault trips exactly one rule."""

from __future__ import annotations

import pytest

from ecs_policy.rule import Enforcement, all_rules
from tests.policy import good_stacks
from tests.policy.example import modules
from tests.policy.good_stacks import Mutant
from tests.policy.stacks import Resources, joined, outcomes


def _violated(resources: Resources, *, preview: bool = False) -> set[str]:
    stack = joined(resources, preview=preview)
    return {rule.id for rule in all_rules() if outcomes(rule, stack)[0]}


@pytest.mark.parametrize("preview", [False, True], ids=["deployed", "first_preview"])
@pytest.mark.parametrize("name", ["FARGATE", "EC2"])
def test_nothing_is_wrong_with_a_good_stack(name: str, preview: bool) -> None:
    assert _violated(getattr(good_stacks, name), preview=preview) == set()


@pytest.mark.parametrize("name", ["FARGATE", "EC2"])
def test_everything_about_a_deployed_good_stack_can_be_evaluated(name: str) -> None:
    stack = joined(getattr(good_stacks, name))
    assert [each for rule in all_rules() for each in outcomes(rule, stack)[1]] == []


MUTANTS = {number: mutants for module in modules() for number, mutants in module.MUTANTS.items()}


@pytest.mark.parametrize(
    ("number", "mutant"),
    [
        pytest.param(number, mutant, id=f"{number}-{mutant.title}".replace(" ", "_"))
        for number, mutants in MUTANTS.items()
        for mutant in mutants
    ],
)
def test_one_fault_trips_exactly_its_rule(number: str, mutant: Mutant) -> None:
    assert _violated(mutant.resources) == {number}


def test_every_mandatory_rule_has_a_mutant() -> None:
    assert {rule.id for rule in all_rules() if rule.enforcement is Enforcement.MANDATORY} <= set(MUTANTS)
