"""A rule that finds a fault does not fall silent when one value is not known any more: it may be the fault still."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from ecs_policy.rule import rule_named
from tests.policy.example import Example, all_examples
from tests.policy.stacks import UNKNOWN, evaluate

STILL_SILENT = frozenset(
    {
        *("AS-02", "AS-03", "CI-03", "CL-02b", "CP-03", "CP-04", "ER-11", "IM-01", "IM-03", "LB-13", "LS-07", "LT-07"),
        *("NW-01", "NW-03", "NW-04", "NW-07", "NW-10", "OR-03", "OR-03b", "OR-04", "OR-05", "OR-06", "PL-12"),
        *("SH-01", "SV-06", "SV-09", "SV-10", "SV-19", "TD-16"),
    }
)
"""Rules that an unknown value, of which nobody tells what it comes from, still silences. The list only gets shorter."""

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
    assert (_silenced(number) != []) == (number in STILL_SILENT), _silenced(number)[:5]
