"""Property values with three states: known, unknown (a preview cannot know it yet) and absent.

`Value` is a cursor: a place in a resource's properties together with what is there. Rules read properties through it
only. Reading what is unknown or malformed raises `NotEvaluated`, which ends the check at hand and no other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ecs_policy.sentinels import OUTPUT, SECRET, SENTINELS, SIGNATURE

if TYPE_CHECKING:
    from ecs_policy.stack import Resource

R = TypeVar("R", bound="Resource")
A = TypeVar("A")
B = TypeVar("B")

_SENTINEL_LENGTH = 36
_IN_EACH_SENTINEL = "-4"
"""They are UUIDs of version 4: most long texts are told from them by one look."""

_OF_THE_BRIDGE = "__defaults"
"""A key that Pulumi's bridge to Terraform keeps in objects of a state, for itself."""

# One secret environment variable makes all of `containerDefinitions` secret: these fields may be shown all the same.
_NEVER_SECRET = frozenset(
    {"name", "image", "logDriver", "containerName", "sourceContainer", "sourceVolume", "condition", "protocol"}
)


NOT_KNOWN = "is not known yet"
"""Why a value that a preview leaves unknown is not evaluated."""


class _State:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


UNKNOWN = _State("UNKNOWN")
ABSENT = _State("ABSENT")

Step = str | int


class Quote(NamedTuple):
    """AWS's own words about one fault, so that a search for them finds it."""

    words: str
    """Literal, as AWS answered."""
    source: str
    """Where they can be read: a page of AWS, or an issue to which somebody pasted them."""


class Problem(NamedTuple):
    """One violation: where it is and the whole message."""

    urn: str
    location: str
    message: str
    quote: Quote | None = None
    """What AWS answers to exactly this."""
    ours: bool = False
    """Whether this pack asks for more here than AWS does."""
    source: str = ""
    """The page that decides this; empty when it is the rule's."""


class Unevaluated(NamedTuple):
    """One thing that could not be decided: the property that stood in the way, and why."""

    urn: str
    location: str
    reason: str


class NotEvaluated(Exception):  # noqa: N818 it is an outcome, not an error
    """Ends one check of one subject without a verdict."""

    def __init__(self, at: Unevaluated) -> None:
        super().__init__(at.reason)
        self.at = at


def independently(checks: Iterable[Iterable[Problem]]) -> Iterator[Problem]:
    """The problems of all checks. What stops one stops no other; the first that was stopped is raised at the end."""
    doubt = None
    for check in checks:
        try:
            yield from check
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if doubt is not None:
        raise doubt


def readable(items: Iterable[A], read: Callable[[A], B]) -> tuple[list[B], NotEvaluated | None]:
    """What `read` makes of each item that it can read, and why it cannot read the first of the others."""
    found, doubt = [], None
    for item in items:
        try:
            found.append(read(item))
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    return found, doubt


class Hidden(str):
    """Text from a secret: compares and matches as usual, prints as `[secret]`."""

    __slots__ = ()

    def __str__(self) -> str:
        return "[secret]"

    def __repr__(self) -> str:
        return "[secret]"

    def __format__(self, spec: str) -> str:
        return "[secret]"


def is_unknown(raw: Any) -> bool:
    """Whether plain data is what the engine sends in place of a value, or a text with that inside."""
    if type(raw) is not str or len(raw) < _SENTINEL_LENGTH:
        return raw is UNKNOWN
    return _IN_EACH_SENTINEL in raw and any(sentinel in raw for sentinel in SENTINELS)


def unwrapped(raw: Any) -> Any:
    """Plain data without the engine's wrapping of secrets and outputs."""
    while type(raw) is dict and SIGNATURE in raw and raw[SIGNATURE] in (SECRET, OUTPUT):
        raw = raw.get("value", UNKNOWN)
    return raw


def plain(text: str) -> str:
    """The text itself, secret or not: to compute with, never for a message."""
    return "".join((text,))


class Value:
    """A place in a resource's properties and what is there."""

    __slots__ = ("_inside", "_parsed", "_part", "path", "raw", "resource", "secret")

    def __init__(self, resource: Resource, path: tuple[Step, ...], raw: Any, secret: bool = False) -> None:
        if raw is None:
            raw = ABSENT
        else:
            while type(raw) is dict and SIGNATURE in raw:
                signature = raw[SIGNATURE]
                if signature == SECRET or (signature == OUTPUT and raw.get("secret")):
                    secret = True
                elif signature != OUTPUT:
                    break  # an asset, an archive or a reference to a resource: left as it is
                raw = raw.get("value", UNKNOWN)
                raw = ABSENT if raw is None else raw
            if type(raw) is str and len(raw) == _SENTINEL_LENGTH and raw in SENTINELS:
                raw = UNKNOWN
        self.resource = resource
        self.path = path
        self.raw = raw
        self.secret = secret
        self._parsed: Value | None = None
        self._inside: dict[str, Value] | None = None
        self._part = False

    # Where

    @property
    def location(self) -> str:
        """The path as the user writes it: `loadBalancers[0].containerName`."""
        text = ""
        for step in self.path:
            if isinstance(step, int):
                text += f"[{step}]"
            else:
                text += step if not text or step.startswith("[") else f".{step}"
        return text

    # Which state

    @property
    def given(self) -> bool:
        """Whether the program set it. An unknown value is given: something that the program wired in yields it.

        Raises for a part of what is unknown: that may be there or not.
        """
        if self._part:
            self.require_known()
        return self.raw is not ABSENT

    @property
    def unknown(self) -> bool:
        return self.raw is UNKNOWN

    @property
    def filled(self) -> bool:
        """Whether it is there and says something: not false, not empty."""
        self.require_known()
        raw = self.raw
        if raw is ABSENT or raw is False or raw == "false":
            return False
        return len(raw) > 0 if isinstance(raw, (str, dict, list)) else True

    def require_known(self) -> None:
        """Raises `NotEvaluated` when the value is unknown."""
        if self.raw is UNKNOWN:
            raise self.not_evaluated(NOT_KNOWN)

    # What

    def text(self) -> str | None:
        """The string, or None when absent. Numbers count as the text that AWS would get."""
        raw = self.raw
        if raw is ABSENT:
            return None
        if isinstance(raw, str):
            if len(raw) >= _SENTINEL_LENGTH and is_unknown(raw):
                raise self.not_evaluated(NOT_KNOWN)
            return Hidden(raw) if self.secret else raw
        self.require_known()
        number = _as_number(raw)
        if number is not None:
            return Hidden(number) if self.secret else str(number)
        raise self._malformed("a string")

    def number(self) -> int | float | None:
        """The finite number, an `int` where it is whole, or None when absent. Numeric strings count."""
        self.require_known()
        if self.raw is ABSENT:
            return None
        number = _as_number(self.raw)
        if number is None:
            raise self._malformed("a number")
        return number

    def flag(self) -> bool | None:
        """The boolean, or None when absent. `"true"` and `"false"` count."""
        self.require_known()
        if self.raw is ABSENT:
            return None
        if isinstance(self.raw, bool):
            return self.raw
        if self.raw in ("true", "false"):
            return bool(self.raw == "true")
        raise self._malformed("true or false")

    def items(self) -> list[Value]:
        """The elements, of which each may be unknown; none when absent."""
        if self.raw is ABSENT:
            return []
        if isinstance(self.raw, list):
            return [Value(self.resource, (*self.path, index), item, self.secret) for index, item in enumerate(self.raw)]
        self.require_known()
        raise self._malformed("a list")

    def texts(self) -> list[str]:
        """The elements of a list of strings, all known; none when absent."""
        raw = self.raw
        if type(raw) is list and not self.secret:
            for each in raw:
                if type(each) is not str or len(each) >= _SENTINEL_LENGTH:
                    break
            else:
                return raw.copy()
        return [text for item in self.items() if (text := item.text()) is not None]

    def keys(self) -> list[str]:
        """The names of an object's fields; none when absent."""
        return [name for name in self._fields() if name != _OF_THE_BRIDGE]

    def fields(self, names: Iterable[str]) -> list[Value]:
        """Those of the named fields that the object has."""
        fields = self._fields()
        return [self[name] for name in names if name in fields]

    def __getitem__(self, key: str) -> Value:
        """A field of an object. A field of an absent object is absent, of an unknown one unknown."""
        inside = self._inside
        if inside is None:
            inside = self._inside = {}
        found = inside.get(key)
        if found is None:
            raw, secret = self.raw, False
            if raw is ABSENT:
                raw = None
            elif raw is not UNKNOWN:
                secret = self.secret and key not in _NEVER_SECRET
                if key == "value" and "environment" in self.path:
                    secret = True
                raw = (raw if type(raw) is dict else self._fields()).get(key)
            found = inside[key] = Value(self.resource, (*self.path, key), raw, secret)
            found._part = self.raw is UNKNOWN
        return found

    def parsed(self) -> Value:
        """The document in a JSON string (a policy, container definitions), at the same place; a list stays as it is."""
        if self._parsed is None:
            self._parsed = self._parse()
        return self._parsed

    def document(self) -> str | None:
        """The text of a JSON document, which the provider takes as an object, too; None when absent."""
        if not isinstance(self.raw, dict):
            return self.text()
        text = json.dumps(_without_defaults(self.raw))
        if is_unknown(text) or SIGNATURE in text:
            raise self.not_evaluated("is not known yet")
        return Hidden(text) if self.secret else text

    def _parse(self) -> Value:
        self.require_known()
        if not isinstance(self.raw, str):
            return self
        try:
            document = _JSON.decode(self.raw)
        except (ValueError, RecursionError):
            raise self.not_evaluated("is not valid JSON") from None
        return Value(self.resource, self.path, document, self.secret)

    def _fields(self) -> Mapping[str, Any]:
        self.require_known()
        if self.raw is ABSENT:
            return {}
        if isinstance(self.raw, dict):
            return self.raw
        raise self._malformed("an object")

    # What to say about it

    def shown(self) -> str:
        """The value for a message: short, and never a secret."""
        if self.raw is ABSENT:
            return "nothing"
        if self.raw is UNKNOWN:
            return self._unknown([self])[0]
        if self.secret:
            return "[secret]"
        raw = _as_number(self.raw) if isinstance(self.raw, float) else self.raw
        if isinstance(raw, dict):
            names = [name for name in raw if name != _OF_THE_BRIDGE]
            return f"an object with {quoted(names)}" if names else "an empty object"
        if isinstance(raw, list):
            items = self.items()
            unknown = iter(self._unknown([each for each in items if each.raw is UNKNOWN]))
            shown = [
                "[...]" if isinstance(each.raw, list) else next(unknown) if each.raw is UNKNOWN else each.shown()
                for each in items[:10]
            ]
            return f"[{', '.join(shown)}{', ...' if len(raw) > 10 else ''}]"
        return _shorten(json.dumps(raw, ensure_ascii=False))

    def _unknown(self, values: list[Value]) -> list[str]:
        """Unknown values at this place, each by the resource that it comes from where there are as many that fit."""
        origins = self._origins()
        if len(origins) != len(values):
            return ["a value not known yet"] * len(values)
        return [f"a value of {each.label} not known yet" for each in origins]

    def _origins(self) -> list[Resource]:
        """What the property depends on: of the type that the place is called after, if there is such, else all."""
        if not self.path or self._among_others():
            return []
        urns = self.resource.property_dependencies.get(str(self.path[0]), ())
        found = [each for urn in urns if (each := self.resource.stack.resources.get(urn)) and each.provider is not None]
        place = next((step for step in reversed(self.path) if isinstance(step, str)), "").lower()
        kinds = {each.type.rpartition(":")[2].lower() for each in found}
        named = max((kind for kind in kinds if kind in place), key=len, default="")
        if not named and len(self.path) > 1:
            return []
        return [each for each in found if each.type.lower().endswith(f":{named}" if named else "")]

    def _among_others(self) -> bool:
        """Whether it is in one of several entries, so that the property's dependencies may be those of another."""
        raw = self.resource[str(self.path[0])].raw
        for step in self.path[1:]:
            if isinstance(raw, list) and len(raw) > 1:
                return True
            try:
                raw = raw[step]
            except (LookupError, TypeError):
                return True
        return False

    def problem(
        self, expected: str, change: str, *, quote: Quote | None = None, ours: bool = False, source: str = ""
    ) -> Problem:
        """A violation at this place: `<resource> <property>: got <value>, expected <expected>; <change>`."""
        message = f"{self.resource.label} {self.location}: got {self.shown()}, expected {expected}; {change}"
        return Problem(self.resource.urn, self.location, message, quote, ours, source)

    def not_evaluated(self, reason: str) -> NotEvaluated:
        """To be raised when no verdict is possible because of what is at this place."""
        return NotEvaluated(Unevaluated(self.resource.urn, self.location, reason))

    def _malformed(self, expected: str) -> NotEvaluated:
        return self.not_evaluated(f"is {_kind(self.raw)}, expected {expected}")

    # References to other resources

    def one(self, kind: type[R]) -> R | None:
        """The resource of the stack that this property refers to; None when absent. Any doubt raises `NotEvaluated`."""
        return self.resource.stack.referred(self, kind)

    def many(self, kind: type[R]) -> list[R]:
        """The resources of the stack that this list refers to, complete, in no particular order."""
        return self.resource.stack.all_referred(self, kind)


def _without_defaults(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {key: _without_defaults(each) for key, each in raw.items() if key != _OF_THE_BRIDGE}
    return [_without_defaults(each) for each in raw] if isinstance(raw, list) else raw


def _no_constant(name: str) -> None:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_constant=_no_constant)


def quoted(texts: Iterable[object]) -> str:
    """At most ten names, quoted, for a message."""
    names = [_shorten(json.dumps(str(text), ensure_ascii=False)) for text in texts]
    if not names:
        return "none"
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def _shorten(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."


def _as_number(raw: Any) -> int | float | None:
    if type(raw) is float and raw.is_integer():
        return int(raw)
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str):
        if len(raw) > 30 or not raw.isascii():
            return None
        try:
            raw = float(raw) if not raw.lstrip("-").isdigit() else int(raw)
        except ValueError:
            return None
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float) and math.isfinite(raw):
        return int(raw) if raw.is_integer() else raw
    return None


def _kind(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true or false"
    if isinstance(raw, (int, float)):
        return "a number"
    if isinstance(raw, str):
        return "a string"
    if isinstance(raw, dict):
        return "an object"
    return "a list" if isinstance(raw, list) else "something else"
