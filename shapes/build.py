"""Joins the provider's types with AWS's models."""

from __future__ import annotations

import collections.abc
import importlib
import typing
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import botocore
import botocore.session
from pulumi._types import input_type_types, is_input_type

from shapes.held import HELD
from shapes.names import (
    ANY_CASE,
    FILLED_IN,
    GROUPS,
    NOT_OFFERED,
    OF_THE_PROVIDER,
    OPERATIONS,
    PAGES,
    REFERENCES,
    RENAMED,
)
from shapes.reference import ATTRIBUTES, CLOSED, FORMS, LIMITS, PATTERNS, TAGS

_EVERYWHERE = ("region",)
_KINDS = {"string": "s", "integer": "i", "long": "i", "double": "n", "float": "n", "boolean": "b", "timestamp": "s"}
_FREE = {
    "b": "either is right",
    "i": "any whole number",
    "m": "any texts",
    "n": "any number",
    "s": "any text",
}
CONSTRAINTS = ("enum", "max", "min", "pattern", "required")


class Parameter(NamedTuple):
    """One parameter of an operation, as the coverage page lists it."""

    operation: str
    member: str
    """The path in the API."""
    property: str
    """The path in the provider; empty where it has none."""
    constraints: tuple[str, ...]
    """What of it the `SH` rules check."""
    note: str
    """Why there is no property, or why nothing need be asked of a value by itself."""


class Builder:
    """The table of one operation and what is to be said of each of its parameters."""

    def __init__(self, token: str) -> None:
        service, self.operation = OPERATIONS[token]
        self.page = PAGES[service]
        model = botocore.session.get_session().get_service_model(service).operation_model(self.operation)
        self.parameters: list[Parameter] = []
        self.table = self._structure(_arguments(token), model.input_shape, "", "")
        self.table["page"] = f"{self.page}{self.operation}.html"
        self._left(model.input_shape, "", {each.member for each in self.parameters})

    def _structure(self, kind: type, shape: Any, at: str, member_at: str) -> dict[str, Any]:
        """`kind` is the provider's, `shape` the API's; `at` and `member_at` are the paths to them, with a dot."""
        fields: dict[str, Any] = {}
        required: list[str] = []
        for name, given in input_type_types(kind).items():
            path = at + name
            if (name in _EVERYWHERE and not at) or _listed(path, OF_THE_PROVIDER.get(self.operation, ())):
                attribute = ATTRIBUTES.get(self.operation, {}).get(path)
                if attribute is not None:
                    fields[name] = self._without_held(path, attribute)
                continue
            inner, is_list = _inner(given)
            if (self.operation, path) in GROUPS:
                fields[name] = self._structure(inner, shape, path + ".", member_at)
                continue
            way = RENAMED[self.operation].get(path) or _same(name, shape.members)
            if way is None:
                raise ValueError(f"{self.operation}: {path} is no parameter; say in shapes/names.py what it is")
            owner, member = shape, shape
            for step in way.split("."):
                owner = _element(member)
                member = owner.members[step]
            key = f"{owner.name}.{way.rpartition('.')[2]}"
            node = self._node(inner, is_list, member, key, path, f"{member_at}{way}")
            if _required(owner, key, way) and path not in FILLED_IN.get(self.operation, ()):
                required.append(name)
            if node:
                fields[name] = node
        made: dict[str, Any] = {
            "k": "o",
            "f": fields,
            "page": f"{self.page}{_page_name(shape.name, self.operation)}.html",
        }
        held = HELD.get(self.operation, {})
        required = [name for name in required if "required" not in held.get(at + name, ("", ""))[1]]
        return {**made, "required": required} if required else made

    def _left(self, shape: Any, at: str, told: set[str]) -> None:
        """Tells of the members that no property stands for."""
        for name, member in shape.members.items():
            path = f"{at}{name}"
            inner = _element(member)
            if any(each.startswith(f"{path}.") for each in told):
                self._left(inner, f"{path}.", told)
            elif path not in told:
                reasons = {each.lower(): text for each, text in NOT_OFFERED.get(self.operation, {}).items()}
                if path.lower() not in reasons:
                    raise ValueError(f"{self.operation}: no property stands for {path}; say why in shapes/names.py")
                reason = reasons[path.lower()]
                note = f"pulumi-aws does not offer it{': ' if reason else ''}{reason}"
                self.parameters.append(Parameter(self.operation, path, "", (), note))

    def _node(self, inner: Any, is_list: bool, shape: Any, key: str, path: str, member: str) -> dict[str, Any]:
        if path == "tags" or path.endswith(".tags"):
            self._tell(member, path, TAGS)
            return dict(TAGS)
        if path == "containerDefinitions":
            node = {"k": "l", "e": self._whole(shape.member, path, member), **self._limits(shape, key, path)}
            self._tell(member, path, node)
            return node
        if is_input_type(inner):
            node = self._structure(inner, _element(shape), path + ".", member + ".")
            if is_list:
                node = {"k": "l", "e": node}
            node |= self._limits(shape, key, path) if is_list else {}
            self._tell(member, path, {each: node[each] for each in CONSTRAINTS if each in node and each != "required"})
            return node if _says_something(node) else {}
        kind = "m" if shape.type_name == "map" or _is_map(inner) else _KINDS.get(_element(shape).type_name, "s")
        if inner is bool and kind == "s":
            kind = "b"  # the provider's word for two of AWS's
        node = {"k": kind}
        if kind in ("s", "i", "n") and not (inner is str and shape.type_name == "structure"):
            node |= self._limits(_element(shape), key if not is_list else "", path)
        if is_list:
            node = {"k": "l", "e": node, **self._limits(shape, key, path)}
        self._tell(member, path, node)
        return node if _says_something(node) else {}

    def _whole(self, shape: Any, path: str, member: str) -> dict[str, Any]:
        """A structure that is JSON text, so that its names are the API's: all of it, for its types and its keys."""
        fields, required = {}, []
        for name, each in shape.members.items():
            key, here = f"{shape.name}.{name}", f"{path}.{name}"
            node = self._part(each, key, here, f"{member}.{name}")
            fields[name] = node
            if _required(shape, key, name) and "required" not in HELD[self.operation].get(here, ("", ""))[1]:
                required.append(name)
        made: dict[str, Any] = {
            "k": "o",
            "f": fields,
            "page": f"{self.page}{_page_name(shape.name, self.operation)}.html",
        }
        return {**made, "required": required} if required else made

    def _part(self, shape: Any, key: str, path: str, member: str) -> dict[str, Any]:
        if shape.type_name == "structure":
            node = self._whole(shape, path, member)
        elif shape.type_name == "list":
            inner = shape.member.type_name == "structure"
            element = self._whole(shape.member, path, member) if inner else self._part(shape.member, "", path, "")
            node = {"k": "l", "e": element, **self._limits(shape, key, path)}
        elif shape.type_name == "map":
            node = {"k": "m", "e": {"k": "s"}}
        else:
            node = {"k": _KINDS[shape.type_name], **self._limits(shape, key, path)}
        if member:
            self._tell(member, path, node if shape.type_name != "structure" else {})
        return node

    def _limits(self, shape: Any, key: str, path: str) -> dict[str, Any]:
        found = {each: shape.metadata[each] for each in ("enum", "max", "min", "pattern") if each in shape.metadata}
        if "pattern" in found:
            found["pattern"] = PATTERNS[found["pattern"]]
        if shape.type_name in ("integer", "long", "double", "float", "boolean"):
            found.pop("pattern", None)
        if _is_reference(key):
            found = {}
        found |= {name: each for name, each in LIMITS.get(key, {}).items() if name != "required"}
        if found.get("min") == 0 and shape.type_name in ("string", "list"):
            del found["min"]
        if not found.get("pattern", "x"):
            del found["pattern"]
        assert found.get("pattern") is None or found["pattern"] in FORMS, found["pattern"]
        if found.get("enum") and path in ANY_CASE.get(self.operation, ()):
            found["fold"] = True
        if found.get("enum") and shape.name in CLOSED:
            found["closed"] = True
        return self._without_held(path, found)

    def _without_held(self, path: str, node: Mapping[str, Any]) -> dict[str, Any]:
        held = HELD.get(self.operation, {}).get(path, ("", ""))[1].split()
        return {name: each for name, each in node.items() if name not in held}

    def _tell(self, member: str, path: str, node: Mapping[str, Any]) -> None:
        constraints = tuple(each for each in CONSTRAINTS if each in node)
        element = node.get("e", {}) if node.get("k") in ("l", "m") else {}
        if element.get("k") != "o":
            constraints += tuple(f"{each} of each" for each in CONSTRAINTS if each in element)
        kind = element.get("k") if node.get("k") == "l" else node.get("k")
        note = ""
        if not constraints and kind in _FREE:
            note = "a reference" if _is_reference(member) else _FREE[kind]
        self.parameters.append(Parameter(self.operation, member, path, constraints, note))


def table() -> dict[str, Any]:
    """What `policy/ecs_policy/shapes.json` holds."""
    used = {token: Builder(token).table for token in OPERATIONS}
    return {
        "botocore": botocore.__version__,
        "forms": FORMS,
        "types": used,
    }


def parameters() -> Iterator[Parameter]:
    """Every parameter of every operation."""
    for token in OPERATIONS:
        yield from Builder(token).parameters


def _arguments(token: str) -> type:
    package, _, member = token.removeprefix("aws:").partition("/")
    module = importlib.import_module(f"pulumi_aws.{package}")
    return typing.cast(type, getattr(module, f"{member.partition(':')[2]}Args"))


def _inner(given: Any) -> tuple[Any, bool]:
    """The type of a property or of its elements, and whether it is a list."""
    if typing.get_origin(given) in (collections.abc.Sequence, list):
        element = typing.get_args(given)[0]
        return (typing.get_args(element)[0] if typing.get_origin(element) is typing.Union else element), True
    return given, False


def _is_map(given: Any) -> bool:
    return typing.get_origin(given) in (collections.abc.Mapping, dict)


def _element(shape: Any) -> Any:
    return shape.member if shape.type_name == "list" else shape


def _same(name: str, members: Mapping[str, Any]) -> str | None:
    """The member that differs from a property in case and in number only."""
    found = {each.lower(): each for each in members}
    text = name.lower()
    forms = (
        text,
        text + "s",
        text + "es",
        text.removesuffix("s"),
        text.removesuffix("es"),
        text.removesuffix("ies") + "y",
    )
    return next((found[each] for each in forms if each in found), None)


def _listed(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, each) for each in patterns)


def _required(owner: Any, key: str, way: str) -> bool:
    return way.rpartition(".")[2] in owner.required_members or bool(LIMITS.get(key, {}).get("required"))


def _is_reference(member: str) -> bool:
    last = member.rpartition(".")[2]
    return any(fnmatchcase(member, each) or fnmatchcase(last, each) for each in REFERENCES)


def _page_name(shape: str, operation: str) -> str:
    return operation if shape in (f"{operation}Request", f"{operation}Input") else shape


def _says_something(node: Mapping[str, Any]) -> bool:
    if node["k"] == "o":
        return bool(node["f"]) or "required" in node
    if node["k"] == "l":
        return any(each in node for each in CONSTRAINTS) or _says_something(node["e"])
    return any(each in node for each in CONSTRAINTS) or (node["k"] == "m" and "key" in node)
