"""Findings that may stay: one rule on one resource, with the reason, as the pack's configuration names them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ecs_policy.rule import Rule, all_rules

SETTING = "ecs-settings acknowledged"

SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "items": {"type": "object"},
    "default": [],
    "description": "Findings that may stay: rule, resource and reason; stacks, by and until where they say more.",
}
"""What the engine checks. `read` checks the rest, and says what to write instead."""

_NEEDED = {
    "rule": "the id of a rule of this pack, such as LB-06",
    "resource": 'a type and a name, such as "LoadBalancer web", or the end of a URN, with * in the name only',
    "reason": "in words why the finding may stay",
}
_OPTIONAL = {
    "stacks": 'a list, not empty, of <project>/<stack>, such as "shop/dev", with * for any characters',
    "by": "who decided it",
    "until": "the last day on which it holds, such as 2027-03-31",
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_STACK = re.compile(r"[^/\s]+/[^/\s]+")


class ConfigurationError(ValueError):
    """Everything that is wrong with the configuration, one line each."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Acknowledgement:
    """One entry. What the rule says of the resource, also that it could not be evaluated, is told and stops nothing."""

    at: str
    """Which entry: `ecs-settings acknowledged[0]`."""
    rule: Rule
    resource: str
    reason: str
    by: str
    until: date | None
    """The last day on which it holds."""
    urns: re.Pattern[str]
    stacks: tuple[re.Pattern[str], ...]
    """Of `<project>/<stack>`; none is every stack."""

    @property
    def told(self) -> str:
        """The line by which a finding is known to be acknowledged."""
        until = f"until {self.until}" if self.until else ""
        return "; ".join(filter(None, (f"acknowledged: {self.reason}", self.by and f"by {self.by}", until)))

    def over(self, today: date) -> bool:
        """Whether its last day is past."""
        return self.until is not None and self.until < today

    def is_for(self, urn: str) -> bool:
        """Whether it is about the stack that the resource is in."""
        stack, project, *_ = [*urn.split("::", 2), ""]
        named = f"{project}/{stack.rpartition(':')[2]}"
        return not self.stacks or any(each.fullmatch(named) for each in self.stacks)

    def names(self, urn: str) -> bool:
        """Whether it is about this resource."""
        return self.urns.search(urn) is not None and self.is_for(urn)

    def problem(self, what: str) -> str:
        return f"{self.at}: {self.rule.id} on {self.resource} {what}"


def read(given: Any) -> tuple[Acknowledgement, ...]:
    """The entries. Raises ConfigurationError with everything that is wrong with them."""
    entries = given if isinstance(given, list) else []
    problems = [problem for index, entry in enumerate(entries) for problem in _problems(f"{SETTING}[{index}]", entry)]
    if problems:
        raise ConfigurationError("\n".join(problems))
    return tuple(_entry(f"{SETTING}[{index}]", entry) for index, entry in enumerate(entries))


def _entry(at: str, entry: Mapping[str, Any]) -> Acknowledgement:
    until = entry.get("until")
    return Acknowledgement(
        at=at,
        rule=_rules()[entry["rule"].strip()],
        resource=_line(entry["resource"]),
        reason=_line(entry["reason"]),
        by=_line(entry.get("by", "")),
        until=date.fromisoformat(until) if until else None,
        urns=_urns(entry["resource"]),
        stacks=tuple(re.compile(_globbed(each)) for each in entry.get("stacks", ())),
    )


def _rules() -> dict[str, Rule]:
    """By id and by the name that messages show."""
    return {word: rule for rule in all_rules() for word in (rule.id, rule.policy_name)}


def _line(text: str) -> str:
    return " ".join(text.split())


def _globbed(text: str) -> str:
    return ".*".join(map(re.escape, text.split("*")))


def _urns(resource: str) -> re.Pattern[str]:
    kind, name = _kind_and_name(resource)
    return re.compile(rf"(?:\A|[:/$]){re.escape(kind)}::{_globbed(name)}\Z", re.DOTALL)


def _kind_and_name(resource: str) -> tuple[str, str]:
    """Of `LoadBalancer web`, as messages quote it `LoadBalancer 'web'`, and of the end of a URN."""
    first, _, rest = resource.strip().partition(" ")
    if "::" in first:
        kind, _, name = resource.strip().rpartition("::")
        return kind, name
    name = rest.strip()
    return first, name[1:-1] if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"" else name


def _problems(at: str, entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"{at}: got {shown(entry)}, expected an object; write {{ rule, resource, reason }}"
        return
    known = {**_NEEDED, **_OPTIONAL}
    for key in sorted(entry.keys() - known.keys()):
        yield f"{at}: got the field {shown(key)}, expected one of {', '.join(known)}; {nearest(key, known)}"
    for key, expected in known.items():
        if key in entry or key in _NEEDED:
            wrong = _wrong(key, entry.get(key))
            if wrong:
                yield f"{at}.{key}: got {shown(entry.get(key))}, expected {expected}; {wrong}"


def _wrong(key: str, value: Any) -> str:
    """What to change about a field; empty where it is right."""
    if key == "stacks":
        good = (
            isinstance(value, list)
            and value
            and all(isinstance(each, str) and _STACK.fullmatch(each) for each in value)
        )
        return "" if good else "name them, or leave the field out for every stack"
    if not isinstance(value, str) or not value.strip():
        return f"write it{'' if key in _NEEDED else ', or leave the field out'}"
    if key == "rule" and value.strip() not in _rules():
        return nearest(value, _rules())
    if key == "resource":
        kind, name = _kind_and_name(value)
        if not name:
            return "name the resource as the message of its finding does"
        if "*" in kind:
            return "write the type in full"
    if key == "until" and not _is_date(value):
        return "write year, month and day"
    return ""


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def nearest(word: str, known: Iterable[str]) -> str:
    """What to write instead of a word that is none of those that there are."""
    known = list(known)
    begun = re.match(r"[A-Z]+-\d+[a-z]?(?=-)", word)  # a rule's id, with another name behind it
    if begun and begun[0] in known:
        return f"write {begun[0]}"
    near = difflib.get_close_matches(word.strip(), known, n=1, cutoff=0.5)
    return f"write {near[0]}" if near else "correct it, or remove it"


def shown(value: Any) -> str:
    """What the configuration has at some place, for a message."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}..."
