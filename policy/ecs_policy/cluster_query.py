"""The cluster query language: what a `memberOf` placement constraint may say about container instances.

    attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d

`parse` gives a tree, `mentions` lists its subjects, `evaluate` asks it of an instance.

Where AWS's page is silent this module is lenient: a mixture of `and` and `or` without brackets is read `and` first.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-query-language.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TypeAlias

MAX_LENGTH = 2000
"""Most characters in an expression.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PlacementConstraint.html"""

MAX_DEPTH = 50
"""Most brackets and negations inside each other. AWS states no limit; this one keeps hostile input from the stack."""

AVAILABILITY_ZONE = "attribute:ecs.availability-zone"
"""The attribute that Availability Zone rebalancing must have for itself."""

_ANY = ("==", "!=", ">", ">=", "<", "<=", "exists", "!exists", "in", "!in", "=~", "!~")
_TEXT = ("==", "!=", "in", "!in", "=~", "!~")
_ORDERED = ("==", "!=", ">", ">=", "<", "<=")

SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "agentConnected": _TEXT,
    "agentVersion": _ORDERED,
    "ec2InstanceId": _TEXT,
    "registeredAt": _ORDERED,
    "runningTasksCount": _ORDERED,
    "task:group": _ANY,
}
"""Subject to the operators AWS lists for it. `attribute:<name>` is a subject too, with every operator."""

OPERATOR_WORDS: Mapping[str, str] = {
    "equals": "==",
    "not_equals": "!=",
    "greater_than": ">",
    "greater_than_equal": ">=",
    "less_than": "<",
    "less_than_equal": "<=",
    "exists": "exists",
    "not_exists": "!exists",
    "in": "in",
    "not_in": "!in",
    "matches": "=~",
    "not_matches": "!~",
}
"""Operator in words to the same operator in signs. The tree always holds the signs."""

_SIGNS = ("!exists", "!in", "==", "!=", ">=", "<=", "=~", "!~", ">", "<")

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Attribute.html
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_./\\-]{1,128}")
_SUBJECT = re.compile(r"[^\s()\[\],'\"=!<>~&|]+")
_WORD = re.compile(r"[A-Za-z_]+")
_BARE = re.compile(r"(?:(?!&&|\|\|)[^\s()'\"])+")
_BARE_IN_LIST = re.compile(r"(?:(?!&&|\|\|)[^\s()\[\],'\"])+")
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})?)?")


class QueryError(ValueError):
    """The expression is not in the cluster query language. `position` counts characters from 0."""

    def __init__(self, position: int, found: str, expected: str) -> None:
        self.position = position
        self.found = found
        self.expected = expected
        super().__init__(f"at character {position + 1}: got {found}, expected {expected}")


@dataclass(frozen=True)
class Comparison:
    """`subject operator arguments`: no argument for `exists` and `!exists`, a list for `in` and `!in`, else one."""

    subject: str
    operator: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Not:
    operand: Query


@dataclass(frozen=True)
class And:
    """All of two or more; an `And` directly inside an `And` is merged into it by the parser."""

    operands: tuple[Query, ...]


@dataclass(frozen=True)
class Or:
    """Any of two or more; an `Or` directly inside an `Or` is merged into it by the parser."""

    operands: tuple[Query, ...]


Query: TypeAlias = Comparison | Not | And | Or


def parse(text: str) -> Query:
    """The tree of an expression. Raises QueryError, and nothing else, for whatever is not one."""
    if not isinstance(text, str):
        raise QueryError(0, f"a value of type {type(text).__name__}", "a string with an expression")
    if len(text) > MAX_LENGTH:
        raise QueryError(MAX_LENGTH, f"an expression of {len(text)} characters", f"at most {MAX_LENGTH} characters")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def whole(self) -> Query:
        query = self.either(0)
        self.blanks()
        if self.at < len(self.text):
            raise self.error("`and`, `or` or the end of the expression")
        return query

    def either(self, depth: int) -> Query:
        return self.chain(("||", "or"), lambda: self.both(depth), Or)

    def both(self, depth: int) -> Query:
        return self.chain(("&&", "and"), lambda: self.one(depth), And)

    def chain(self, joints: tuple[str, str], operand: Callable[[], Query], kind: type[And] | type[Or]) -> Query:
        parts: list[Query] = []
        while True:
            part = operand()
            parts.extend(part.operands if isinstance(part, kind) else (part,))
            if not any(self.accept(joint) for joint in joints):
                return parts[0] if len(parts) == 1 else kind(tuple(parts))

    def one(self, depth: int) -> Query:
        self.blanks()
        start = self.at
        negated = self.accept("not") or self.accept("!")
        if not negated and not self.accept("("):
            return self.comparison()
        if depth >= MAX_DEPTH:
            self.at = start
            raise self.error(f"at most {MAX_DEPTH} brackets and negations inside each other")
        if negated:
            return Not(self.one(depth + 1))
        query = self.either(depth + 1)
        if not self.accept(")"):
            raise self.error("`and`, `or` or `)`")
        return query

    def comparison(self) -> Comparison:
        subject = self.subject()
        operator = self.operator(subject)
        if operator in ("exists", "!exists"):
            return Comparison(subject, operator)
        if operator in ("in", "!in"):
            return Comparison(subject, operator, self.argument_list(subject))
        return Comparison(subject, operator, (self.argument(subject, operator, _BARE),))

    def subject(self) -> str:
        self.blanks()
        match = _SUBJECT.match(self.text, self.at)
        subject = match.group() if match else ""
        name = subject.removeprefix("attribute:")
        if subject not in SUBJECTS and (name == subject or not _ATTRIBUTE_NAME.fullmatch(name)):
            raise self.error(f"`attribute:<name>` or one of {', '.join(f'`{known}`' for known in SUBJECTS)}")
        self.at += len(subject)
        return subject

    def operator(self, subject: str) -> str:
        allowed = SUBJECTS.get(subject, _ANY)
        self.blanks()
        start = self.at
        word = _WORD.match(self.text, self.at)
        if word:
            operator = OPERATOR_WORDS.get(word.group(), "")
            self.at = word.end() if operator else start
        else:
            operator = next((sign for sign in _SIGNS if self.accept(sign)), "")
        if operator not in allowed:
            self.at = start
            raise self.error(f"an operator that `{subject}` has: {' '.join(allowed)}")
        return operator

    def argument_list(self, subject: str) -> tuple[str, ...]:
        if not self.accept("["):
            raise self.error("a list `[value, value]`")
        values = [self.argument(subject, "in", _BARE_IN_LIST)]
        while self.accept(","):
            values.append(self.argument(subject, "in", _BARE_IN_LIST))
        if not self.accept("]"):
            raise self.error("`,` or `]`")
        return tuple(values)

    def argument(self, subject: str, operator: str, bare: re.Pattern[str]) -> str:
        self.blanks()
        start = self.at
        quote = self.text[self.at : self.at + 1]
        if quote and quote in "'\"":
            end = self.text.find(quote, self.at + 1)
            if end < 0:
                raise QueryError(len(self.text), "the end of the expression", f"the closing {quote}")
            value = self.text[self.at + 1 : end]
            self.at = end + 1
        else:
            match = bare.match(self.text, self.at)
            if match is None:
                raise self.error("a value")
            value = match.group()
            self.at = match.end()
        expected = _argument_problem(subject, operator, value)
        if expected:
            self.at = start
            raise self.error(expected)
        return value

    def blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def accept(self, token: str) -> bool:
        self.blanks()
        end = self.at + len(token)
        if not self.text.startswith(token, self.at):
            return False
        if token[-1].isalpha() and _SUBJECT.match(self.text, end):
            return False  # the beginning of a longer word
        self.at = end
        return True

    def error(self, expected: str) -> QueryError:
        rest = self.text[self.at :].split(maxsplit=1)
        found = f"`{rest[0][:40]}`" if rest else "the end of the expression"
        return QueryError(self.at, found, expected)


def _argument_problem(subject: str, operator: str, value: str) -> str | None:
    """What the argument should have been, or None. A pattern is Java's to judge: it is only asked not to be empty."""
    if not value:
        return "a value that is not empty"
    if operator in ("=~", "!~"):
        return None
    if subject == "agentConnected" and value not in ("true", "false"):
        return "`true` or `false`"
    if subject == "agentVersion" and not _VERSION.fullmatch(value):
        return "a version such as `1.14.5`"
    if subject == "runningTasksCount" and not re.fullmatch(r"[0-9]{1,9}", value):
        return "a whole number"
    if subject == "registeredAt" and _instant(value) is None:
        return (
            "a date such as `2018-06-18`, `2018-06-18T22:28:28`, `2018-06-18T22:28:28Z` or `2018-06-18T22:28:28+00:00`"
        )
    return None


def mentions(query: Query) -> frozenset[str]:
    """Every subject in the expression, for example `attribute:ecs.availability-zone`."""
    if isinstance(query, Comparison):
        return frozenset({query.subject})
    operands = (query.operand,) if isinstance(query, Not) else query.operands
    return frozenset().union(*(mentions(part) for part in operands))


Value: TypeAlias = str | Sequence[str] | None
"""What an instance has for a subject: a value; for `task:group` the groups of all its tasks; None where it has none."""


def evaluate(query: Query, instance: Mapping[str, Value]) -> bool | None:
    """Whether the instance is in the group that the expression describes; None where that cannot be told.

    A subject that is not in `instance` is unknown, one that is there with None is absent. Also None: an ordering or an
    inequality of something absent, and a pattern beyond the part of Java's syntax that Python reads alike.
    """
    if isinstance(query, Comparison):
        return _compare(query, instance)
    if isinstance(query, Not):
        return _negated(evaluate(query.operand, instance))
    verdicts = {evaluate(part, instance) for part in query.operands}
    decisive = isinstance(query, Or)
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive


_NEGATIONS = {"!=": "==", "!in": "in", "!~": "=~", "!exists": "exists"}


def _compare(query: Comparison, instance: Mapping[str, Value]) -> bool | None:
    if query.subject not in instance:
        return None
    value = instance[query.subject]
    values = (value,) if isinstance(value, str) else tuple(value or ())
    negation = query.operator in _NEGATIONS
    operator = _NEGATIONS.get(query.operator, query.operator)
    if operator == "exists":
        return bool(values) != negation
    if not values:
        return None if negation else False
    verdicts = {_test(query.subject, operator, one, query.arguments) for one in values}
    if negation:
        # With tasks of several groups, "one is different" and "none is equal" differ; AWS does not say which it means.
        return _negated(verdicts.pop()) if len(verdicts) == 1 else None
    return True if True in verdicts else (None if None in verdicts else False)


def _test(subject: str, operator: str, value: str, arguments: tuple[str, ...]) -> bool | None:
    if operator == "=~":
        return _matches(arguments[0], value)
    read = _READERS.get(subject, str)
    if operator in ("==", "in"):
        known = read(value)
        return None if known is None else known in [read(argument) for argument in arguments]
    left, right = _READERS.get(subject, _whole_number)(value), _READERS.get(subject, _whole_number)(arguments[0])
    if left is None or right is None:
        return None
    return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator]


def _negated(verdict: bool | None) -> bool | None:
    return None if verdict is None else not verdict


def _whole_number(value: str) -> tuple[float, ...] | None:
    return (float(value),) if re.fullmatch(r"[0-9]{1,9}", value) else None


def _version(value: str) -> tuple[float, ...] | None:
    if not _VERSION.fullmatch(value):
        return None
    parts = [float(part) for part in value.split(".")]
    return tuple(parts + [0.0] * (6 - len(parts)))


def _instant(value: str) -> tuple[float, ...] | None:
    """Seconds since 1970; a date without a zone is UTC."""
    if not _DATE.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return ((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp(),)
    except (ValueError, OverflowError):
        return None


_READERS: Mapping[str, Callable[[str], tuple[float, ...] | None]] = {
    "agentVersion": _version,
    "registeredAt": _instant,
    "runningTasksCount": _whole_number,
}

# Literals, `.`, classes and simple repetition mean the same in Java and Python. Few repetitions keep matching fast.
_PORTABLE = re.compile(r"(?:[\w:/@ -]|\\[.\\/-]|\.|\[\^?[\w.:/@-]+\])(?:[*+?](?![*+?]))?|\|")


def _matches(pattern: str, value: str) -> bool | None:
    tokens = _PORTABLE.findall(pattern)
    if "".join(tokens) != pattern or sum(token[-1] in "*+" for token in tokens) > 4 or len(value) > 128:
        return None
    try:
        return re.fullmatch(pattern, value, re.ASCII) is not None
    except re.error:
        return None
