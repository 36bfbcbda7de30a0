# mypy: disable-error-code="import-untyped"
"""Pulumi property values as plain Python: dict, list, str, bool, int, float, None, plus `UNKNOWN` and `Secret`.

The wire form is a protobuf Struct in which unknowns are fixed strings and secrets, assets, archives and references are
objects with a signature key (pulumi: sdk/go/common/resource/properties.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

from ecs_policy.sentinels import OUTPUT, REFERENCE, SECRET, SENTINELS, SIGNATURE
from ecs_policy.sentinels import UNKNOWN as UNKNOWN_TEXT


class Unknown:
    """A value that only `up` will know: true, as something will be there, and equal to nothing but itself."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, _memo: object) -> Unknown:
        return self


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value the engine encrypts in the state and hides in its display."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties as plain Python; secrets stay wrapped."""
    return {key: from_value(value) for key, value in struct.fields.items()}


def from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in SENTINELS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [from_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        signature = fields[SIGNATURE].string_value if SIGNATURE in fields else None
        if signature == SECRET:
            return Secret(from_value(fields["value"]))
        if signature == OUTPUT:
            inner = from_value(fields["value"]) if "value" in fields else UNKNOWN
            return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
        if signature == REFERENCE:
            return from_value(fields["id"]) if "id" in fields else from_value(fields["urn"])
        return from_struct(value.struct_value)
    return None


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    return struct_pb2.Struct(fields={key: to_value(value) for key, value in properties.items()})


def to_value(value: Any) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=UNKNOWN_TEXT)
    if isinstance(value, Secret):
        wrapped = {SIGNATURE: to_value(SECRET), "value": to_value(value.value)}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=wrapped))
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, (list, tuple)):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[to_value(item) for item in value]))
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=to_struct(value))
    raise TypeError(f"{type(value).__name__} is no property value")


def reveal(value: Any) -> Any:
    """The same value without its secret wrappers."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, list):
        return [reveal(item) for item in value]
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    return value


def has_unknown(value: Any) -> bool:
    """Whether the value is unknown or holds something unknown."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    return False


def has_secret(value: Any) -> bool:
    """Whether the value is secret or holds something secret."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    return False
