"""What holds for every stack: nothing crashes the pack, and a verdict depends only on what is related."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_policy.pack import SETTINGS, Analyzer
from ecs_policy.remedies import REMEDIES
from ecs_policy.rule import all_rules, rule_named
from ecs_policy.sentinels import SENTINELS
from ecs_policy.stack import KINDS
from tests.policy import good_stacks
from tests.policy.example import Example, all_examples
from tests.policy.stacks import UNKNOWN, Resources, evaluate, joined, outcomes, requests, secret
from tests.policy.test_pack import configured

GOOD = {"FARGATE": good_stacks.FARGATE, "EC2": good_stacks.EC2}
EXAMPLES = [
    (number, example) for number, examples in all_examples().items() for example in examples if example.resources
]


# Never crashes

WORDS = [
    "FARGATE",
    "EC2",
    "awsvpc",
    "256",
    "[{}]",
    "{",
    "[" * 5000,
    "9" * 5000,
    "a" * 100_000,
    "\x00",
    "app:1",
    "ip",
    "",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-(10**18), 10**18)
    | st.sampled_from([*WORDS, *sorted(SENTINELS)])
    | st.text(max_size=9)
)
KEYS = ["type", "field", "expression", "name", "image", "options", "containerPort", "Statement", "rules", "value"]
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4)
        | inner.map(secret)
        | inner.map(lambda value: json.dumps(value)[:20_000])
    ),
    max_leaves=8,
)


def _properties_by_type() -> dict[str, set[str]]:
    found = {token: {"name", "arn"} for token in sorted(KINDS)}
    for stack in [*GOOD.values(), *(example.resources for _, example in EXAMPLES)]:
        for written in stack.values():
            found.setdefault(written["type"], {"name"}).update(written.get("properties", {}))
    return found


PROPERTIES = {token: sorted(names) for token, names in _properties_by_type().items()}


@st.composite
def broken_stacks(draw: st.DrawFn) -> Resources:
    """An example or a good stack in which any places hold anything, beside resources that hold nothing but that."""
    base = draw(st.sampled_from([*GOOD.values(), *(example.resources for _, example in EXAMPLES)]))
    broken: dict[str, Any] = copy.deepcopy(dict(base))
    for _ in range(draw(st.integers(1, 4))):
        properties = broken[draw(st.sampled_from(sorted(broken)))].setdefault("properties", {})
        places = list(_places(properties))
        if places:
            holder, key = draw(st.sampled_from(places))
            holder[key] = draw(ANY_JSON)
    for index in range(draw(st.integers(0, 3))):
        token = draw(st.sampled_from(sorted(PROPERTIES)))
        names = draw(st.lists(st.sampled_from(PROPERTIES[token]), max_size=6, unique=True))
        broken[f"junk-{index}"] = {"type": token, "properties": {name: draw(ANY_JSON) for name in names}}
    return broken


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(each, (dict, list)):
            yield from _places(each)


@cache
def _analyzer() -> Analyzer:
    remedied = {rule.policy_name: {"enforcementLevel": "remediate"} for rule in all_rules() if rule.id in REMEDIES}
    return configured({SETTINGS: {"profile": "strict", "strictUnknown": True}, **remedied})


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(broken_stacks(), st.booleans(), st.data())
def test_no_json_makes_it_crash(resources: Resources, preview: bool, data: st.DataObject) -> None:
    analyze, stack = requests(resources, preview=preview)
    urns = [message.urn for message in analyze]
    for each in stack.resources:  # references that lead anywhere: in circles, out of the stack
        if data.draw(st.integers(0, 9)) == 0:
            each.parent = data.draw(st.sampled_from([*urns, "urn:pulumi:gone"]))
            key = data.draw(st.sampled_from([*PROPERTIES[each.type], "other"]))
            each.propertyDependencies[key].urns.append(data.draw(st.sampled_from([*urns, "urn:pulumi:gone"])))
    analyzer = _analyzer()
    found = []
    for message in analyze:
        analyzer.Remediate(message, None)
        found += analyzer.Analyze(message, None).diagnostics
    found += analyzer.AnalyzeStack(stack, None).diagnostics
    assert "could not be checked" not in str(found)


# Only what is related counts

_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_-]+)")


def _needed(stack: Resources, name: str) -> set[str]:
    found, pending = set(), [name]
    while pending:
        each = pending.pop()
        if each not in found:
            found.add(each)
            pending += _REFERENCE.findall(json.dumps(stack[each]))
    return found


def _foreign(stack: Resources, name: str) -> Resources:
    """A resource of a good stack and all it refers to, under names that occur nowhere else."""
    made = {}
    for each in _needed(stack, name):
        text = _REFERENCE.sub(r"${foreign-\1", json.dumps(stack[each]))
        written = json.loads(text)
        for key, value in written.get("properties", {}).items():
            if key in ("name", "family") and not value.startswith("${"):
                written["properties"][key] = f"foreign-{value}"
            if key == "userData":
                decoded = base64.b64decode(value).decode().replace("=main", "=foreign-main")
                written["properties"][key] = base64.b64encode(decoded.encode()).decode()
        for key, value in written.get("outputs", {}).items():
            written["outputs"][key] = value.replace("shop/app", "foreign-shop/app")
        made[f"foreign-{each}"] = written
    return made


FOREIGN = {f"{base}-{name}": _foreign(stack, name) for base, stack in GOOD.items() for name in stack}


@pytest.mark.parametrize("base", GOOD)
@settings(max_examples=400)
@given(data=st.data())
def test_an_unrelated_resource_changes_no_verdict(base: str, data: st.DataObject) -> None:
    number, example = data.draw(st.sampled_from(EXAMPLES), label="example")
    added = FOREIGN[data.draw(st.sampled_from([each for each in FOREIGN if each.startswith(base)]), label="added")]
    rule = rule_named(number)

    def verdict(resources: Resources) -> list[set[tuple[str, str]]]:
        outcomes = evaluate(rule, resources, preview=example.preview, options=example.options)
        return [{(each.urn, each.location) for each in kind if "::foreign-" not in each.urn} for kind in outcomes]

    assert verdict({**example.resources, **added}) == verdict(example.resources)


@settings(max_examples=25)
@given(st.permutations(sorted(good_stacks.FARGATE)))
def test_the_order_of_resources_changes_no_verdict(order: list[str]) -> None:
    analyze, stack = requests({name: good_stacks.FARGATE[name] for name in order})
    analyzer = _analyzer()
    assert [each for message in analyze for each in analyzer.Analyze(message, None).diagnostics] == []
    assert list(analyzer.AnalyzeStack(stack, None).diagnostics) == []


# Order is no fact

LEGAL = [
    (number, example)
    for number, example in EXAMPLES
    if example.kind == "passes"
    and any("containerDefinitions" in each.get("properties", {}) for each in example.resources.values())
]
IN_ORDER = {"command", "entryPoint"}


def _shuffled(value: Any, chance: Random) -> Any:
    if isinstance(value, dict):
        keys = chance.sample(sorted(value), len(value))
        return {key: value[key] if key in IN_ORDER else _shuffled(value[key], chance) for key in keys}
    if isinstance(value, list):
        return [_shuffled(each, chance) for each in chance.sample(value, len(value))]
    return value


@settings(max_examples=150)
@given(st.sampled_from(LEGAL), st.integers())
def test_a_legal_task_definition_stays_legal_in_any_order(legal: tuple[str, Example], seed: int) -> None:
    number, example = legal
    chance = Random(seed)
    shuffled = {
        name: {**written, "properties": _shuffled(written["properties"], chance)}
        if "containerDefinitions" in written.get("properties", {})
        else written
        for name, written in example.resources.items()
    }
    assert evaluate(rule_named(number), shuffled, preview=example.preview, options=example.options) == ([], [])


# A secret is a value like any other, but for being shown


def _secret(stack: Resources) -> Resources:
    """Every property is a secret, but those that others are made of."""
    used = set(re.findall(r"\$\{([\w-]+)\.(\w+)\}", json.dumps(stack)))
    used |= {(name, "name") for name in stack}

    def hidden(key: str, value: Any) -> Any:
        text = json.dumps(value)
        if key == "containerDefinitions" and isinstance(value, list):
            return secret(UNKNOWN if UNKNOWN in text else text)
        return secret(value)

    return {
        name: {
            **written,
            "properties": {
                key: value if (name, key) in used else hidden(key, value)
                for key, value in written.get("properties", {}).items()
            },
        }
        for name, written in stack.items()
    }


@pytest.mark.parametrize(
    ("number", "example"), [pytest.param(number, each, id=f"{number}-{each.title}") for number, each in EXAMPLES]
)
def test_a_secret_changes_no_verdict(number: str, example: Example) -> None:
    def verdict(resources: Resources) -> list[set[tuple[str, str]]]:
        outcomes = evaluate(rule_named(number), resources, preview=example.preview, options=example.options)
        return [{(each.urn, each.location) for each in kind} for kind in outcomes]

    assert verdict(_secret(example.resources)) == verdict(example.resources)


@pytest.mark.parametrize("base", GOOD)
def test_a_good_stack_of_secrets_is_good(base: str) -> None:
    stack = joined(_secret(GOOD[base]))
    assert {rule.id: outcomes(rule, stack) for rule in all_rules() if outcomes(rule, stack) != ([], [])} == {}
