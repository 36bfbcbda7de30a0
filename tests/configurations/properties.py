"""What must hold for every configuration, whatever it says."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from components.checks import ArgumentError
from tests.configurations import judge, program
from tests.configurations.generator import SCHEMA, Configuration, configurations
from tests.mocks import Run

_LONGEST_MESSAGE = 1000
_MESSAGE = re.compile(r"(?P<key>[^\n:]+(:[a-zA-Z-]+)?): got .+, expected .+; .+", re.DOTALL)
_NOT_OF_THE_SCHEMA = {"aws:region", "stack", "name"}


def faults(configuration: Configuration, *, same: bool = False) -> list[str]:
    """What does not hold; `accepted` and `refused` stand for good ends. With `same`, another spelling is tried, too."""
    texts, made = configuration.texts, Run()
    try:
        program.run(configuration.stack, texts, made)
    except ArgumentError as refused:
        told = str(refused)
        found = _told(configuration, told)
        if made.resources:
            found.append(f"registered {len(made.resources)} resources, then refused: {told[:300]}")
        return found
    except Exception as error:
        return [f"{type(error).__name__} after {len(made.resources)} resources: {str(error)[:300]}"]
    found = [*program.violations(made), *judge.refusals(made, texts)]
    if same:
        found += _another_spelling(configuration, made)
    return found


def hold(count: int, start: int) -> None:
    """What must hold, does for so many; a configuration for which it does not is made small and shown."""

    @seed(start)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(configurations())
    def holds(drawn: Configuration) -> None:
        assert faults(drawn, same=len(drawn.values) % 8 == 0) == []

    holds()


def is_accepted(configuration: Configuration) -> bool:
    """Whether the settings take it."""
    try:
        program.load(configuration.stack, configuration.texts)
    except ArgumentError:
        return False
    return True


def _told(configuration: Configuration, told: str) -> list[str]:
    first, *messages = told.split("\n  - ")
    found = [] if first.endswith(".yaml cannot be used:") and messages else [f"no refusal of the house: {told[:200]}"]
    groups = {path.partition(".")[0] for path in SCHEMA}
    keys = SCHEMA.keys() | groups | _NOT_OF_THE_SCHEMA | set(configuration.values)
    counted: dict[str, int] = {}
    for message in messages:
        match = _MESSAGE.fullmatch(message)
        if match is None:
            found.append(f"no form: {message[:200]}")
            continue
        key = match["key"]
        counted[key] = counted.get(key, 0) + 1
        if not any(key == each or key.startswith((f"{each}.", f"{each}[")) for each in keys) and key[-3:] != "...":
            found.append(f"names no key: {message[:200]}")
        if len(message) > _LONGEST_MESSAGE:
            found.append(f"a message of {len(message)} characters: {message[:100]}")
    found += _values_shown(configuration, told)
    return found


def _values_shown(configuration: Configuration, told: str) -> list[str]:
    environment: Any = configuration.values.get("environment")
    if not isinstance(environment, dict):
        return []
    values = [each for each in environment.values() if isinstance(each, str) and len(each) > 11]
    return [f"shows a value of environment: {each[:40]}" for each in values if each in told]


def _another_spelling(configuration: Configuration, made: Run) -> list[str]:
    """Groups and keys in another order, more space in JSON: the same resources."""
    texts = {
        key: json.dumps(dict(reversed(json.loads(value).items())), indent=1) if value[:1] == "{" else value
        for key, value in reversed(configuration.texts.items())
    }
    again = program.run(configuration.stack, texts)
    if _resources(again) == _resources(made):
        return []
    return ["the same configuration, written otherwise, makes other resources"]


def _resources(made: Run) -> dict[tuple[str, str], Any]:
    return {(each.type, each.name): each.inputs for each in made.resources}
