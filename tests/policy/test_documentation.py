"""The catalogue says what the rules say."""

from __future__ import annotations

from docs.generate_policies import CATALOGUE, TARGET, render
from ecs_policy.rule import all_rules, not_here


def test_the_catalogue_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run: python -m docs.generate_policies"


def test_every_id_is_there_as_a_rule_or_with_a_reason() -> None:
    numbers = {rule.id for rule in all_rules()}
    rows = {number.rstrip("b") for number in numbers}  # SV-16b: the practice half of row SV-16
    assert rows <= set(CATALOGUE)
    assert not numbers & set(not_here())
    assert all(number in TARGET.read_text(encoding="utf-8") for number in CATALOGUE)
