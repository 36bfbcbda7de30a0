"""Ten thousand random states, wrong outside and inside of JSON texts, end with diagnostics, never with a crash."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

import pytest

from tests.policy.example import all_examples
from tests.policy.stacks import UNKNOWN, Resources, requests, secret
from tests.policy.test_pack import configured

_SMALL = 5
STACKS: list[Resources] = [
    each.resources
    for examples in all_examples().values()
    for each in examples
    if 0 < len(each.resources) <= _SMALL and not each.preview
]
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 0.5, 10**400, 1e308, "", "\x00", "\x1b[2J", "\ud83d", "漢", "a" * 20_000, "[" * 400, UNKNOWN,
    f"{UNKNOWN}:x", [], {}, [[]], [None], {"": None}, {"value": UNKNOWN}, "null", "NaN", "-7", "1e5", "arn:a:b::1:x",
)  # fmt: skip
TEXTS = ("containerDefinitions", "policy", "assumeRolePolicy")


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    found = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], (dict, list)):
            found += _places(value[key])
    return found


def _broken(value: Any, chance: Random) -> None:
    """Puts something else, in a place or in its name."""
    for _ in range(chance.randint(1, 3)):
        places = _places(value)
        if not places:
            return
        holder, key = chance.choice(places)
        how = chance.random()
        if how < 0.15 and isinstance(holder, dict):
            holder[chance.choice([key.upper(), key + "\ud800", "x" * 300, ""])] = holder.pop(key)
        elif how < 0.25:
            holder[key] = secret(holder[key])
        else:
            holder[key] = copy.deepcopy(chance.choice(JUNK))


def _state(chance: Random) -> Resources:
    stack: dict[str, Any] = copy.deepcopy(dict(chance.choice(STACKS)))
    for written in stack.values():
        properties = written.setdefault("properties", {})
        for name in TEXTS:
            text = properties.get(name)
            try:
                document = json.loads(text) if isinstance(text, str) else copy.deepcopy(text)
            except ValueError:
                continue
            if isinstance(document, (dict, list)) and chance.random() < 0.8:
                _broken(document, chance)
                properties[name] = json.dumps(document, ensure_ascii=True)
        if chance.random() < 0.3:
            outside = copy.deepcopy({key: each for key, each in properties.items() if key not in TEXTS})
            _broken(outside, chance)
            written["properties"] = {**properties, **_sendable(outside)}
    return stack


def _sendable(value: Any) -> Any:
    """As the engine can send it: its messages are UTF-8, and numbers doubles."""
    if isinstance(value, dict):
        return {_sendable(key): _sendable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_sendable(each) for each in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return 1e300 if isinstance(value, int) and abs(value) > 2**53 else value


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(each, marks=pytest.mark.engine) for each in range(2000, 10_000, 2000))]
)
def test_no_random_state_crashes_the_pack(first: int) -> None:
    analyzer = configured({})
    told = 0
    for seed in range(first, first + 2000):
        analyze, stack = requests(_state(Random(seed)))
        found = [each for message in analyze for each in analyzer.Analyze(message, None).diagnostics]
        found += analyzer.AnalyzeStack(stack, None).diagnostics
        wrong = [each.message for each in found if "could not be" in each.message]
        assert [each for each in wrong if "failed with" in each or "could not be told" in each] == [], seed
        told += len(found)
    assert told > 2000
