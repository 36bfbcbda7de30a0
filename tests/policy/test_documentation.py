"""The catalogue says what the rules say."""

from __future__ import annotations

from docs.generate_policies import CATALOGUE, TARGET, render
from ecs_policy.rule import Level, all_rules


def test_the_catalogue_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run: python -m docs.generate_policies"


def test_every_row_of_the_catalogue_is_a_rule() -> None:
    assert {rule.id.rstrip("b") for rule in all_rules()} == set(CATALOGUE)  # SV-16b: the practice half of row SV-16


def test_what_aws_says_is_quoted_with_the_place_where_it_was_seen() -> None:
    assert {
        rule.id for rule in all_rules() if bool(rule.aws_error) is not rule.aws_error_source.startswith("https://")
    } == set()


def test_a_practice_is_that_of_a_public_framework_or_says_that_it_is_ours() -> None:
    assert {
        rule.id for rule in all_rules() if rule.level is Level.PRACTICE and not (rule.frameworks or rule.ours)
    } == set()
