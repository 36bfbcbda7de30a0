"""Every rule says about its examples exactly what they state."""

from __future__ import annotations

import pytest

from ecs_policy.rule import Rule, all_rules, rule_named
from tests.policy.example import KINDS, Example, all_examples
from tests.policy.stacks import evaluate, places

EXAMPLES = all_examples()


@pytest.mark.parametrize(
    ("number", "example"),
    [
        pytest.param(number, example, id=f"{number}-{example.kind}-{example.title}".replace(" ", "_"))
        for number, examples in EXAMPLES.items()
        for example in examples
    ],
)
def test_example(number: str, example: Example) -> None:
    problems, unevaluated = evaluate(
        rule_named(number), example.resources, preview=example.preview, options=example.options
    )
    assert (places(problems), places(unevaluated)) == (set(example.at), set(example.not_evaluated))
    if example.says:
        assert [problem.message for problem in problems] == [example.says]
    assert not [each for each in unevaluated if "could not be checked" in each.reason]


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_every_rule_has_an_example_of_each_kind(rule: Rule) -> None:
    examples = EXAMPLES.get(rule.id, [])
    assert {example.kind for example in examples} == set(KINDS)
    assert any(example.says for example in examples), "one violation must be quoted word for word"
    assert not [example.title for example in examples if example.kind == "violates" and not example.at]


def test_every_example_belongs_to_a_rule() -> None:
    assert set(EXAMPLES) == {rule.id for rule in all_rules()}
