"""A rule that finds a fault does not fall silent when one value is not known any more: it may be the fault still."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from ecs_policy.rule import rule_named
from tests.policy.example import Example, all_examples
from tests.policy.stacks import UNKNOWN, evaluate

RIGHTLY_SILENT = {
    (
        "SH-01",
        "nothing for a task definition: web taskDefinition",
    ): "What a resource or a program yields for a required "
    "text is not empty: an unknown text counts as set, for this rule and every property.",
}
"""Where an unknown value silences a rule, and why it may."""

_ONLY_KNOWN = frozenset({"CM-01"})
"""It compares what is known with what was said."""


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(each, (dict, list)):
            yield from _places(each)


def _with_one_unknown(example: Example) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, written in example.resources.items():
        for index, (holder, key) in enumerate(_places(written.get("properties", {}))):
            if holder[key] in (UNKNOWN, None):
                continue
            changed = copy.deepcopy(dict(example.resources))
            for at, (inside, step) in enumerate(_places(changed[name]["properties"])):
                if at == index:
                    inside[step] = UNKNOWN
                    break
            yield f"{name} {key}", changed


def _silenced(number: str) -> list[str]:
    rule = rule_named(number)
    return [
        f"{example.title}: {place}"
        for example in all_examples()[number]
        if example.kind == "violates"
        for place, changed in _with_one_unknown(example)
        if evaluate(rule, changed, preview=example.preview, options=example.options) == ([], [])
    ]


@pytest.mark.parametrize("number", sorted(set(all_examples()) - _ONLY_KNOWN))
def test_one_unknown_value_silences_no_rule(number: str) -> None:
    assert set(_silenced(number)) == {place for rule, place in RIGHTLY_SILENT if rule == number}
