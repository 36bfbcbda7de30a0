"""What AWS takes of each parameter by itself: the table in `shapes.json`, and one walk through a resource by it.

The table is generated from botocore's service models and AWS's API reference, in the provider's names. A walk is done
once for all rules that ask, on plain data; values with a place are made of what is found only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from ecs_policy.sentinels import SENTINELS
from ecs_policy.values import Step, is_unknown, unwrapped

REQUIRED, LIMIT, FORM, WORD, KEY = "required", "limit", "form", "word", "key"

_KINDS_OF = {"required": REQUIRED, "enum": WORD, "pattern": FORM}
_TYPES = {"s": "a string", "i": "a whole number", "n": "a number", "b": "true or false", "l": "a list"}


class Finding(NamedTuple):
    """Something that AWS does not take, or that cannot be told."""

    kind: str
    path: tuple[Step, ...]
    """From where the walk began; to what is missing, where something is."""
    expected: str
    """Empty where it cannot be told: the value is not known."""
    page: str
    near: bool = True
    """Of a word: whether it is surely none: one that AWS knows, misspelt, or beside those that it will ever know."""


class Shape:
    """What AWS takes at one place."""

    __slots__ = (
        "anything",
        "closed",
        "element",
        "fields",
        "fold",
        "folded",
        "key",
        "kind",
        "kinds",
        "least",
        "most",
        "page",
        "pattern",
        "required",
        "words",
    )

    def __init__(self, node: Mapping[str, Any], page: str = "") -> None:
        self.kind: str = node["k"]
        self.page: str = node.get("page", page)
        self.fields = {name: Shape(each, self.page) for name, each in node.get("f", {}).items()}
        self.folded = {name.lower(): name for name in self.fields}
        self.element = Shape(node["e"], self.page) if "e" in node else None
        self.key = Shape(node["key"], self.page) if "key" in node else None
        self.required: tuple[str, ...] = tuple(node.get("required", ()))
        self.words: tuple[str, ...] = tuple(node.get("enum", ()))
        self.fold: bool = node.get("fold", False)
        self.closed: bool = node.get("closed", False)
        """Whether AWS adds no words."""
        self.least: float | None = node.get("min")
        self.most: float | None = node.get("max")
        self.pattern: str = node.get("pattern", "")
        own = {kind for name, kind in _KINDS_OF.items() if name in node}
        own |= {LIMIT} if self.least is not None or self.most is not None else set()
        below = [*self.fields.values(), *(each for each in (self.element, self.key) if each is not None)]
        self.kinds: frozenset[str] = frozenset(own.union(*(each.kinds for each in below)))
        """The kinds of constraint here and below."""
        free = not self.kinds and self.kind in ("s", "b")
        self.anything: type | None = {"s": str, "b": bool}[self.kind] if free else None
        """The type of which any value will do, so that nobody need look at it; None where there is none."""


@cache
def table() -> dict[str, Any]:
    """The generated table."""
    found: dict[str, Any] = json.loads(files("ecs_policy").joinpath("shapes.json").read_text(encoding="utf-8"))
    return found


@cache
def shape_of(token: str) -> Shape | None:
    """The shape of a resource's inputs; None for types that the table does not have."""
    node = table()["types"].get(token)
    return None if node is None else Shape(node)


def canonical(shape: Shape, raw: Any) -> Any:
    """The data with its keys as AWS writes them: the provider reads JSON in any case, and of two spellings the last."""
    if shape.kind == "l" and type(raw) is list and shape.element is not None:
        return [canonical(shape.element, each) for each in raw]
    if shape.kind != "o" or type(raw) is not dict:
        return raw
    made = {}
    for name, each in raw.items():
        known = name if name in shape.fields else shape.folded.get(name.lower(), name)
        made[known] = canonical(shape.fields[known], each) if known in shape.fields else each
    return made


def walk(shape: Shape, raw: Any, *, strict: bool = False) -> list[Finding]:
    """What is wrong with data by its shape. Strict: as the provider reads JSON, without conversions between types."""
    found: list[Finding] = []
    _walk(shape, raw, (), strict, found)
    return found


def _walk(shape: Shape, raw: Any, path: tuple[Step, ...], strict: bool, found: list[Finding]) -> None:
    if type(raw) is dict:
        raw = unwrapped(raw)
    if raw is None:
        return
    if is_unknown(raw):
        found += [Finding(each, path, "", shape.page) for each in shape.kinds]
    elif shape.kind == "o":
        _object(shape, raw, path, strict, found)
    elif shape.kind == "l":
        _list(shape, raw, path, strict, found)
    elif shape.kind == "m":
        _map(shape, raw, path, strict, found)
    elif shape.kind == "s":
        _text(shape, raw, path, strict, found)
    elif shape.kind == "b":
        if type(raw) is not bool and (strict or raw not in ("true", "false")):
            found.append(Finding(FORM, path, _TYPES["b"], shape.page))
    else:
        _number(shape, raw, path, strict, found)


def _object(shape: Shape, raw: Any, path: tuple[Step, ...], strict: bool, found: list[Finding]) -> None:
    if type(raw) is not dict:
        found.append(Finding(FORM, path, "an object", shape.page))
        return
    fields = shape.fields
    for name, each in raw.items():
        field = fields.get(name)
        if field is not None:
            if type(each) is not field.anything:
                _walk(field, each, (*path, name), strict, found)
        elif strict and each is not None and name != "__defaults":
            found.append(Finding(KEY, (*path, name), "a key that AWS knows", shape.page))
    for name in shape.required:
        each = raw.get(name)
        if each is None or each == "":
            found[:] = [old for old in found if old.path != (*path, name)]
            found.append(Finding(REQUIRED, (*path, name), "a value", shape.page))


def _list(shape: Shape, raw: Any, path: tuple[Step, ...], strict: bool, found: list[Finding]) -> None:
    if type(raw) is not list:
        found.append(Finding(FORM, path, _TYPES["l"], shape.page))
        return
    _within(shape, len(raw), path, " entries", found)
    element = shape.element
    if element is not None:
        for index, each in enumerate(raw):
            if type(each) is not element.anything:
                _walk(element, each, (*path, index), strict, found)


def _map(shape: Shape, raw: Any, path: tuple[Step, ...], strict: bool, found: list[Finding]) -> None:
    if type(raw) is not dict:
        found.append(Finding(FORM, path, "an object", shape.page))
        return
    _within(shape, len(raw), path, " entries", found)
    for name, each in raw.items():
        if name == "__defaults":
            continue
        if shape.key is not None:
            _text(shape.key, name, path, strict, found)
        if shape.element is not None:
            _walk(shape.element, each, (*path, name), strict, found)


def _text(shape: Shape, raw: Any, path: tuple[Step, ...], strict: bool, found: list[Finding]) -> None:
    if not isinstance(raw, str):
        if strict or isinstance(raw, (dict, list)):
            found.append(Finding(FORM, path, _TYPES["s"], shape.page))
        return
    if not raw and not strict:
        return  # the provider takes an empty text for none; what is required is asked for elsewhere
    _within(shape, len(raw), path, " characters", found)
    if shape.pattern and not _compiled(shape.pattern).fullmatch(raw):
        found.append(Finding(FORM, path, table()["forms"][shape.pattern], shape.page))
    if shape.words and raw not in shape.words:
        if shape.fold and raw.upper() in {each.upper() for each in shape.words}:
            return
        known = ", ".join(f'"{each}"' for each in shape.words)
        found.append(Finding(WORD, path, known, shape.page, shape.closed or near(raw, shape.words)))


def _number(shape: Shape, raw: Any, path: tuple[Step, ...], strict: bool, found: list[Finding]) -> None:
    number = raw
    if isinstance(raw, str) and not strict:
        try:
            number = float(raw) if len(raw) < 30 else None
        except ValueError:
            number = None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        found.append(Finding(FORM, path, _TYPES[shape.kind], shape.page))
    elif shape.kind == "i" and isinstance(number, float) and not number.is_integer():
        found.append(Finding(FORM, path, _TYPES["i"], shape.page))
    else:
        _within(shape, number, path, "", found)


def _within(shape: Shape, number: float, path: tuple[Step, ...], unit: str, found: list[Finding]) -> None:
    least, most = shape.least, shape.most
    if (least is None or number >= least) and (most is None or number <= most):
        return
    if most is None:
        expected = f"at least {least}{unit}"
    elif least is None:
        expected = f"at most {most}{unit}"
    else:
        expected = f"{least} to {most}{unit}"
    counted = f", not {number}" if unit else ""
    found.append(Finding(LIMIT, path, f"{expected}{counted}", shape.page))


_compiled = lru_cache(re.compile)


def near(word: str, known: tuple[str, ...]) -> bool:
    """Whether a word is surely meant for one that is known: it differs in case and signs, or in one letter of six."""
    text = _folded(word)
    return any(text == _folded(each) or _one_letter_off(text, _folded(each)) for each in known)


def _folded(word: str) -> str:
    return "".join(each for each in word.lower() if each.isalnum())


def _one_letter_off(one: str, other: str) -> bool:
    if min(len(one), len(other)) < 6 or abs(len(one) - len(other)) > 1 or re.sub(r"\D", "", one + other):
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


__all__ = ["FORM", "KEY", "LIMIT", "REQUIRED", "SENTINELS", "WORD", "Finding", "Shape", "canonical", "shape_of", "walk"]
