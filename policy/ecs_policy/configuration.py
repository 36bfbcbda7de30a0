"""The pack's configuration: what of it would do nothing, and what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecs_policy.acknowledgements import ConfigurationError, nearest, shown
from ecs_policy.rule import Enforcement, Rule, all_rules

SETTINGS = "ecs-settings"
"""The policy that carries the settings of the whole pack, and under which what could not be evaluated is reported."""

ACKNOWLEDGED = "ecs-acknowledged"
"""The policy under which an acknowledgement that is over, or of nothing, is reported."""

_ALL = "all"
"""Pulumi's word for the level of every policy."""
_LEVEL = "enforcementLevel"
"""Pulumi's word for a level beside options."""


@dataclass(frozen=True)
class Configuration:
    """A configuration file, as the engine reads it."""

    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Those given, by policy."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """By policy that is given one."""


def read_file(text: str, schemas: Mapping[str, Mapping[str, Any]]) -> Configuration:
    """Raises ConfigurationError with everything that is wrong, but for acknowledgements."""
    try:
        given = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise ConfigurationError(
            f"got no JSON ({error}), expected an object; write one, or `ecs-policy init`"
        ) from None
    if not isinstance(given, dict):
        raise ConfigurationError(f"got {shown(given)}, expected an object; write levels and options by policy")
    given.pop("environments", None)  # Pulumi's own
    options: dict[str, dict[str, Any]] = {}
    levels: dict[str, str] = {}
    problems = []
    for name, value in given.items():
        rest = dict(value) if isinstance(value, dict) else {}
        level = rest.pop(_LEVEL, None) if isinstance(value, dict) else value
        options[name] = rest
        if level in [each.value for each in Enforcement]:
            levels[name] = level
        elif level is not None or not isinstance(value, dict):
            expected = f"one of {', '.join(each.value for each in Enforcement)}"
            problems.append(f"{name}: got {shown(level)}, expected {expected}, or an object of options; correct it")
    problems += unused(options, schemas)
    problems += _misfits(options, schemas)
    if problems:
        raise ConfigurationError("\n".join(problems))
    return Configuration(options, levels)


def _misfits(options: Mapping[str, Mapping[str, Any]], schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, given in options.items():
        for key, value in given.items():
            schema = schemas.get(name, {}).get(key)
            if schema is not None:
                yield from _misfit(f"{name} {key}", value, schema)


_TYPES: Mapping[str, tuple[type[Any], str]] = {
    "string": (str, "a text"),
    "boolean": (bool, "true or false"),
    "integer": (int, "a whole number"),
    "array": (list, "a list"),
    "object": (dict, "an object"),
}


def _misfit(at: str, value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Of the words of JSON schema those that the options use."""
    kind, expected = _TYPES[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        yield f"{at}: got {shown(value)}, expected {expected}; correct it"
    elif "enum" in schema and value not in schema["enum"]:
        allowed = schema["enum"]
        yield f"{at}: got {shown(value)}, expected one of {', '.join(allowed)}; {nearest(value, allowed)}"
    elif "minimum" in schema and value < schema["minimum"]:
        yield f"{at}: got {value}, expected {schema['minimum']} or more; correct it"
    elif kind is list:
        for index, each in enumerate(value):
            yield from _misfit(f"{at}[{index}]", each, schema["items"])
    elif kind is dict and "additionalProperties" in schema:
        for key, each in value.items():
            yield from _misfit(f"{at} {key}", each, schema["additionalProperties"])


def levelled() -> dict[str, Rule | None]:
    """What `levels` may name: every rule by its id, every group."""
    rules = all_rules()
    return {**dict.fromkeys(rule.group for rule in rules), **{rule.id: rule for rule in rules}}


def unused(given: Mapping[str, Mapping[str, Any]], options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What of the configuration, options by policy, no policy reads; `options` are those there are."""
    for name, properties in sorted(given.items()):
        if name not in options:
            if name != _ALL:
                yield _unknown_policy(name, options)
            continue
        for key in properties:
            if key not in options[name]:
                yield _unknown_option(name, key, options)
    levels = given.get(SETTINGS, {}).get("levels")
    for word in sorted(levels) if isinstance(levels, Mapping) else ():
        if word not in levelled():
            yield (
                f"{SETTINGS} levels: got {word}, expected the id of a rule, such as LB-13, or a group; "
                f"{nearest(word, levelled())}"
            )


def _unknown_policy(name: str, options: Mapping[str, Mapping[str, Any]]) -> str:
    rule = levelled().get(name)
    if rule is not None:
        what, change = "the id alone", f"write {rule.policy_name}, or {name} in the levels of {SETTINGS}"
    elif name in levelled():
        what, change = "a group", f"write it in the levels of {SETTINGS}"
    elif name in options[SETTINGS]:
        what, change = "a setting", f"write it in {SETTINGS}"
    else:
        what, change = "no policy of this pack", _nearest_policy(name, options)
    return f"{name}: got {what}, expected the whole name of a rule, {SETTINGS} or {ACKNOWLEDGED}; {change}"


def _nearest_policy(name: str, options: Mapping[str, Any]) -> str:
    begun = re.match(r"[A-Z]+-\d+[a-z]?(?![a-z\d])", name.upper().replace("_", "-"))
    rule = levelled().get(begun[0]) if begun else None
    return f"write {rule.policy_name}" if rule is not None else nearest(name, options)


def _unknown_option(policy: str, key: str, options: Mapping[str, Mapping[str, Any]]) -> str:
    known = options[policy]
    expected = f"one of {', '.join(known)}" if known else f"none but {_LEVEL}"
    elsewhere = sorted(name for name, each in options.items() if key in each)
    if policy == SETTINGS and key in levelled():
        change = f"write it in the levels of {SETTINGS}"
    elif key.lower() == "level":
        change = f"write {_LEVEL}"
    elif elsewhere:
        change = f"write it in {' or '.join(elsewhere)}"
    else:
        change = nearest(key, [*known, _LEVEL])
    return f"{policy}: got the option {key}, expected {expected}; {change}"
