"""The pack's configuration: what of it would do nothing, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ecs_policy.acknowledgements import nearest
from ecs_policy.rule import Rule, all_rules

SETTINGS = "ecs-settings"
"""The policy that carries the settings of the whole pack, and under which what could not be evaluated is reported."""

ACKNOWLEDGED = "ecs-acknowledged"
"""The policy under which an acknowledgement that is over, or of nothing, is reported."""

_ALL = "all"
"""Pulumi's word for the level of every policy."""
_LEVEL = "enforcementLevel"
"""Pulumi's word for a level beside options."""


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
