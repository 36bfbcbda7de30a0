"""One value that is not known any more silences no rule that finds a fault, and makes no fault where there is none."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ecs_policy.rule import Problem, Rule, Unevaluated, all_rules, rule_named
from tests.policy.example import Example, all_examples
from tests.policy.good_stacks import EC2, FARGATE
from tests.policy.stacks import UNKNOWN, Resources, evaluate, joined, outcomes

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
            changed: dict[str, Any] = copy.deepcopy(dict(example.resources))
            for at, (inside, step) in enumerate(_places(changed[name]["properties"])):
                if at == index:
                    inside[step] = UNKNOWN
                    break
            changed[name]["options"] = _waiting_as_before(written)
            yield f"{name} {key}", changed


def _waiting_as_before(written: Mapping[str, Any]) -> dict[str, Any]:
    """Its options, with what the known value made it wait for."""
    options = written.get("options", {})
    referred = re.findall(r"\$\{([A-Za-z0-9_-]+)\.", json.dumps(written["properties"]))
    return {**options, "dependsOn": [*options.get("dependsOn", ()), *(f"${{{each}}}" for each in referred)]}


def _said(rule: Rule, example: Example, resources: dict[str, Any]) -> tuple[list[Problem], list[Unevaluated]]:
    return evaluate(rule, resources, preview=example.preview, options=example.options)


def _silenced(number: str) -> list[str]:
    rule = rule_named(number)
    return [
        f"{example.title}: {place}"
        for example in all_examples()[number]
        if example.kind == "violates"
        for place, changed in _with_one_unknown(example)
        if _said(rule, example, changed) == ([], [])
    ]


@pytest.mark.parametrize("number", sorted(set(all_examples()) - _ONLY_KNOWN))
def test_one_unknown_value_silences_no_rule(number: str) -> None:
    assert set(_silenced(number)) == {place for rule, place in RIGHTLY_SILENT if rule == number}


@pytest.mark.parametrize("number", sorted(all_examples()))
def test_one_unknown_value_makes_no_violation(number: str) -> None:
    rule = rule_named(number)
    assert [
        (f"{example.title}: {place}", found[0].message)
        for example in all_examples()[number]
        if example.kind in ("passes", "missing") and not example.at
        for place, changed in _with_one_unknown(example)
        if (found := _said(rule, example, changed)[0])
    ] == []


@pytest.mark.parametrize("preview", [False, True], ids=["deployed", "first preview"])
@pytest.mark.parametrize("good", [FARGATE, EC2], ids=["FARGATE", "EC2"])
def test_one_unknown_value_makes_no_good_stack_bad(good: Resources, preview: bool) -> None:
    example = Example(kind="passes", title="", resources=good)
    assert [
        (place, rule.id, found[0].message)
        for place, changed in _with_one_unknown(example)
        for stack in [joined(changed, preview=preview)]
        for rule in all_rules()
        if (found := outcomes(rule, stack)[0])
    ] == []
