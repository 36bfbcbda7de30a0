"""What a value may be, said once: `Annotated[int, whole(1, 10, fix="...")]` is type, check and documentation."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Any, ClassVar, get_args, get_origin

import pulumi

_MOST_LISTED = 5


@dataclass(frozen=True)
class Check:
    """The allowed values of one argument."""

    expected: str
    """The allowed values in words, as in `got <value>, expected <this>`."""

    fix: str
    """What to change when the value is not allowed."""

    accepts: Callable[[object], bool]
    """Whether a value is allowed; answers for a value of any type."""

    shown: Callable[[object], str] = dataclasses.field(default=lambda value: shown(value))
    """How a message quotes a value that is not allowed."""

    schema: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)
    """The same as far as JSON Schema can say it, for editors."""

    def problem(self, argument: str, value: object) -> str | None:
        """The message about a value that is not allowed, or None."""
        return None if self.accepts(value) else self.refusal(argument, self.shown(value))

    def refusal(self, argument: str, got: str) -> str:
        """The message about what was got."""
        return f"{argument}: got {got}, expected {self.expected}; {self.fix}"


def whole(low: int, high: int, *, fix: str) -> Check:
    """A whole number from `low` to `high`, both included."""
    return Check(
        f"a whole number from {low} to {high}",
        fix,
        lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
        schema={"type": "integer", "minimum": low, "maximum": high},
    )


def one_of(*allowed: int | str, fix: str) -> Check:
    """One of the values listed."""
    return Check(
        f"one of {', '.join(map(str, allowed))}",
        fix,
        lambda value: not isinstance(value, bool) and isinstance(value, (int, str)) and value in allowed,
        schema={"enum": list(allowed)},
    )


def text(pattern: str, expected: str, *, fix: str) -> Check:
    """A string that matches `pattern` as a whole."""
    compiled = re.compile(pattern)
    # Editors read ECMAScript's patterns, which have no \\Z.
    schema = {"type": "string", "pattern": f"^(?:{pattern.replace(chr(92) + 'Z', '$')})$"}
    return Check(
        expected, fix, lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None, schema=schema
    )


def cidr(shortest: int, longest: int, *, fix: str, not_in: Iterable[str] = ()) -> Check:
    """An IPv4 network with a prefix length from `shortest` to `longest` and no host bits, within none of `not_in`."""
    excluded = [ipaddress.IPv4Network(each) for each in not_in]

    def accepts(value: object) -> bool:
        try:
            network = ipaddress.IPv4Network(value) if isinstance(value, str) else None
        except ValueError:
            return False
        # One notation: a mask, or a number with a leading zero, is another network to the next reader.
        return (
            network is not None
            and str(network) == value
            and shortest <= network.prefixlen <= longest
            and not any(network.subnet_of(each) for each in excluded)
        )

    hosts = ", of addresses that hosts can have" if excluded else ""
    expected = f"an IPv4 network with a prefix from /{shortest} to /{longest} and no host bits{hosts}"
    return Check(expected, fix, accepts)


def each(check: Check, *, at_least: int = 1, at_most: int = 5000) -> Check:
    """A list of so many values, none twice, each allowed by `check`."""

    def accepts(value: object) -> bool:
        if not isinstance(value, (list, tuple)) or not at_least <= len(value) <= at_most:
            return False
        return all(map(check.accepts, value)) and len(set(value)) == len(value)

    size = "not empty and without repetition" if at_least else "without repetition"
    limit = f", of at most {at_most}" if at_most < 5000 else ", of"
    items: dict[str, Any] = {"items": dict(check.schema)} if check.schema else {}
    schema = {"type": "array", "uniqueItems": True, "minItems": at_least, "maxItems": at_most, **items}
    return Check(f"a list, {size}{limit}: {check.expected}", check.fix, accepts, schema=schema)


def is_plain(value: str) -> bool:
    """Whether every system on the way can carry the text: no zero byte, no half of a character."""
    return "\0" not in value and not any("\ud800" <= each <= "\udfff" for each in value)


def shown(value: object) -> str:
    """A value as messages quote it: long ones are cut, of an object only the names are told, of an Output nothing."""
    try:
        printed = _printed(value)
    except RecursionError:
        return "lists within lists"
    return printed if len(printed) <= 60 else printed[:57] + "..."


def _printed(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, pulumi.Output):
        return "an Output"
    if isinstance(value, Mapping):
        return f"an object with {', '.join(map(str, value))}" if value else "an empty object"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_printed, value))}]"
    return repr(str(value) if isinstance(value, PurePath) else value)


def kind(value: object) -> str:
    """What sort of thing a value is, for messages that must not show it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "another string" if value else "an empty string"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else "a number"


def takes_outputs(annotation: object) -> bool:
    """Whether there is a `pulumi.Input` in a type: only that can hold a secret, or what is known later."""
    # `pulumi.Input[T]` is T, an Awaitable or an Output, of which Pulumi writes the last as a text.
    return get_origin(annotation) is Awaitable or any(map(takes_outputs, get_args(annotation)))


def listed(names: Sequence[str]) -> str:
    """Names as messages list them; of many the first, long ones cut."""
    first = [name if len(name) <= 60 else name[:57] + "..." for name in names[:_MOST_LISTED]]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def check_of(annotation: object) -> Check | None:
    """The check in an `Annotated` type, or in `Annotated[...] | None`."""
    metadata = getattr(required(annotation), "__metadata__", ())
    return next((item for item in metadata if isinstance(item, Check)), None)


def is_optional(annotation: object) -> bool:
    """Whether a type allows None."""
    return type(None) in get_args(annotation)


def required(annotation: object) -> object:
    """A type without `| None`."""
    members = [member for member in get_args(annotation) if member is not type(None)]
    return members[0] if is_optional(annotation) and len(members) == 1 else annotation


Names = Callable[[str], str]
"""An argument's own name to the one by which the caller knows it."""


def key_of(path: str) -> str:
    """Where a field stands in a stack file: `scaling.maxCount` for `scaling.max_count`."""
    words = (name.split("_") for name in path.split("."))
    return ".".join(first + "".join(map(str.capitalize, rest)) for first, *rest in words)


def as_is(name: str) -> str:
    """The name of an argument for who gives it in Python."""
    return name


class ArgumentError(pulumi.RunError):
    """Arguments that cannot be used: the caller's mistake, so Pulumi prints the text alone, without stack trace."""


@dataclass(frozen=True)
class Contradiction:
    """What may be wrong between values that are right by themselves."""

    between: tuple[str, ...]
    """The arguments concerned."""

    problem: Callable[[], str | None]
    """The message, or None. Asked only if each of the values is right."""


def refuse(subject: str, problems: Mapping[str, str | None], contradictions: Iterable[Contradiction]) -> None:
    """Raise one error that lists the `problems` of each argument (None: it is right) and then the contradictions."""
    found = [problem for problem in problems.values() if problem]
    for contradiction in contradictions:
        if not any(problems.get(argument) for argument in contradiction.between):
            found += filter(None, [contradiction.problem()])
    if found:
        raise ArgumentError("\n  - ".join([f"{subject} cannot be used:", *found]))


class Arguments:
    """Base of the components' argument classes: checks every field whose type carries a `Check`.

    Their modules do without `from __future__ import annotations`, which would make the types plain strings.
    """

    stands_at: ClassVar[str | None] = None
    """The path in a stack file, where that said it."""

    def called(self, name: str) -> str:
        """How messages name a field: `cpu_percent`, or `scaling.cpuPercent` where a stack file said it."""
        return name if self.stands_at is None else f"{self.stands_at}.{key_of(name)}"

    def chosen(self, of: type) -> dict[str, Any]:
        """The values of the fields that `of` has, for arguments that take them all."""
        return {field.name: getattr(self, field.name) for field in fields(of)}

    def __post_init__(self) -> None:
        own: Any = self
        problems = {}
        for field in fields(own):
            check, value = check_of(field.type), getattr(self, field.name)
            later = isinstance(value, pulumi.Output) and takes_outputs(field.type)
            if check and not later and not (value is None and is_optional(field.type)):
                problems[field.name] = check.problem(field.name, value)
        refuse(type(self).__name__, problems, self.contradictions())

    def contradictions(self) -> Iterable[Contradiction]:
        """What may be wrong between several arguments."""
        return ()
