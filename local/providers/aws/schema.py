"""What a resource type's properties are, and what follows from that alone: checking, defaults, naming and differences.

The rules are those of pulumi-aws: defaults and generated names are written into the inputs and listed in `__defaults`;
differences are taken between the state and the new inputs; an optional property that AWS also computes is left alone
when it is not given.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from local.providers.values import UNKNOWN, Secret, has_unknown, reveal

Kind = Literal["string", "integer", "number", "boolean", "list", "set", "map", "object"]
Same = Callable[[Any, Any], bool]
Form = Callable[[Any], str | None]

DEFAULTS_KEY: Final = "__defaults"
NAME_SUFFIX_LENGTH: Final = 7
EXPECTED: Final = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "set": "a list",
    "map": "a map",
    "object": "an object",
}


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of a type, or one element of a list."""

    kind: Kind = "string"
    required: bool = False
    computed: bool = False
    """AWS gives it a value when it is not set."""
    output: bool = False
    """Only AWS sets it."""
    replaces: bool = False
    """A change needs a new resource."""
    kept: bool = False
    """AWS does not return it; the state remembers what was given."""
    stays: bool = False
    """Left out of the inputs, it stays as AWS has it."""
    forgotten: bool = False
    """The emulator may not return it, though AWS does; the state then remembers what was given."""
    sensitive: bool = False
    default: Any = None
    allowed: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    form: Form | None = None
    """What was expected of a value that is wrong; None when it is right."""
    same: Same | None = None
    """Whether an old and a new value mean the same to AWS."""
    element: Property | None = None
    fields: Mapping[str, Property] = field(default_factory=dict)

    @property
    def is_input(self) -> bool:
        return not self.output


def string(**more: Any) -> Property:
    return Property(kind="string", **more)


def integer(**more: Any) -> Property:
    return Property(kind="integer", **more)


def number(**more: Any) -> Property:
    return Property(kind="number", **more)


def boolean(**more: Any) -> Property:
    return Property(kind="boolean", **more)


def strings(*, ordered: bool = False, **more: Any) -> Property:
    """Several strings; their order means something only if `ordered`."""
    return Property(kind="list" if ordered else "set", element=string(), **more)


def mapping(**more: Any) -> Property:
    return Property(kind="map", element=string(), **more)


def block(fields: Mapping[str, Property], **more: Any) -> Property:
    """One nested object."""
    return Property(kind="object", fields=fields, **more)


def blocks(fields: Mapping[str, Property], *, ordered: bool = False, **more: Any) -> Property:
    """Several nested objects."""
    return Property(kind="list" if ordered else "set", element=block(fields), **more)


def output(kind: Kind = "string", **more: Any) -> Property:
    """What only AWS sets."""
    if kind in ("list", "set", "map"):
        more.setdefault("element", string())
    return Property(kind=kind, output=True, **more)


def replacing(properties: Mapping[str, Property]) -> dict[str, Property]:
    """The same properties, each needing a new resource when it changes."""
    return {name: replace(prop, replaces=True) if prop.is_input else prop for name, prop in properties.items()}


def same_json(old: Any, new: Any) -> bool:
    """Whether two texts hold the same JSON."""
    try:
        return bool(json.loads(old) == json.loads(new))
    except (TypeError, ValueError):
        return bool(old == new)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _normal_policy(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _normal_policy(item, name) for name, item in value.items()}
    if isinstance(value, list):
        items = [_normal_policy(item) for item in value]
        if len(items) == 1 and key != "Statement":
            return items[0]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if key != "Statement" else items
    if isinstance(value, bool):
        return str(value).lower()
    return value


def same_policy(old: Any, new: Any) -> bool:
    """Whether two IAM policy documents say the same: lists are sets, and a list of one is that one."""
    try:
        olds, news = json.loads(old), json.loads(new)
    except (TypeError, ValueError):
        return bool(old == new)
    if isinstance(olds, dict) and isinstance(news, dict):
        olds, news = ({**doc, "Statement": _listed(doc.get("Statement", []))} for doc in (olds, news))
    return bool(_normal_policy(olds) == _normal_policy(news))


def policy(**more: Any) -> Property:
    """An IAM policy document as JSON text."""
    return string(same=same_policy, form=json_object, **more)


def json_object(text: str) -> str | None:
    try:
        right = isinstance(json.loads(text), dict)
    except ValueError:
        right = False
    return None if right else "the JSON text of an object"


def ipv4_network(shortest: int = 0, longest: int = 32) -> Form:
    """The form of an IPv4 range whose prefix has a length in these bounds."""

    def form(text: str) -> str | None:
        try:
            length = ipaddress.IPv4Network(text).prefixlen if "/" in text else -1
        except ValueError:
            length = -1
        right = shortest <= length <= longest
        return None if right else f"the first address of an IPv4 range and its prefix, /{shortest} to /{longest}"

    return form


def is_empty(value: Any) -> bool:
    """Whether a value is what AWS returns for nothing; false and zero are values of their own."""
    return value is None or (not isinstance(value, (bool, int, float)) and value in ("", [], {}))


def says_nothing(value: Any) -> bool:
    """Whether a value means the same as leaving it out: nothing, zero, false, or an object of such."""
    if isinstance(value, dict):
        return all(says_nothing(item) for item in value.values())
    return is_empty(value) or value is False or (isinstance(value, (int, float)) and value == 0)


# --- checking ---------------------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """A value as an error shows it; secrets never."""
    if isinstance(value, Secret):
        return "a secret"
    text = json.dumps(reveal(value), default=repr)
    return text if len(text) <= 120 else f"{text[:117]}..."


def coerce(prop: Property, value: Any, path: str, problems: list[str]) -> Any:
    """The value in the property's type, with defaults in nested objects; problems are added to the list."""
    if value is UNKNOWN:
        return value
    if isinstance(value, Secret):
        hidden: list[str] = []
        coerced_secret = Secret(coerce(prop, value.value, path, hidden))
        if hidden:  # their texts would show the value
            problems.append(f"{path}: got a secret that does not fit, expected {EXPECTED[prop.kind]}; change it")
        return coerced_secret
    got = f"{path}: got {shown(value)}, expected {EXPECTED[prop.kind]}"
    if prop.kind == "object":
        if not isinstance(value, dict):
            problems.append(f"{got}; give its fields: {', '.join(sorted(prop.fields))}")
            return value
        return check_fields(prop.fields, value, path, problems)
    if prop.kind in ("list", "set"):
        assert prop.element is not None
        if not isinstance(value, list):
            problems.append(f"{got}; put it in [ ]")
            return value
        return [
            coerce(prop.element, item, f"{path}[{index}]", problems)
            for index, item in enumerate(value)
            if item is not None
        ]
    if prop.kind == "map":
        assert prop.element is not None
        if not isinstance(value, dict):
            problems.append(f"{got}; give keys and values")
            return value
        return {
            key: coerce(prop.element, item, f"{path}.{key}", problems)
            for key, item in value.items()
            if item is not None and key != DEFAULTS_KEY
        }
    coerced = scalar(prop.kind, value)
    if coerced is None:
        problems.append(f"{got}; change it")
        return value
    _check_scalar(prop, coerced, path, problems)
    return coerced


def scalar(kind: str, value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return None
    if kind == "string":
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "boolean":
        return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
    if isinstance(value, bool):
        return None
    try:
        numeric = float(value)
    except ValueError:
        return None
    if numeric.is_integer():
        return int(numeric)
    return None if kind == "integer" else numeric


def _check_scalar(prop: Property, value: Any, path: str, problems: list[str]) -> None:
    if prop.allowed and value not in prop.allowed:
        expected = ", ".join(str(choice) for choice in prop.allowed)
        problems.append(f"{path}: got {shown(value)}, expected one of {expected}; choose one of them")
    below = prop.minimum is not None and value < prop.minimum
    above = prop.maximum is not None and value > prop.maximum
    if below or above:
        low = "" if prop.minimum is None else f"at least {prop.minimum:g}"
        high = "" if prop.maximum is None else f"at most {prop.maximum:g}"
        expected = " and ".join(part for part in (low, high) if part)
        problems.append(f"{path}: got {shown(value)}, expected {expected}; change it")
    if prop.form and (wanted := prop.form(value)):
        problems.append(f"{path}: got {shown(value)}, expected {wanted}; correct it")
    if prop.pattern and not re.fullmatch(prop.pattern, value):
        problems.append(f"{path}: got {shown(value)}, expected text of the form {prop.pattern}; change it")


def check_fields(
    fields: Mapping[str, Property], news: Mapping[str, Any], path: str, problems: list[str]
) -> dict[str, Any]:
    """Inputs of the right types with the defaults filled in and listed in `__defaults`."""
    checked: dict[str, Any] = {}
    prefix = f"{path}." if path else ""
    for key, value in sorted(news.items()):  # a message of several lines reads the same every time
        if key == DEFAULTS_KEY or value is None:
            continue
        prop = fields.get(key)
        if prop is None:
            known = ", ".join(sorted(name for name, known_prop in fields.items() if known_prop.is_input))
            problems.append(
                f"{prefix}{key}: got {shown(value)}, expected one of {known}; "
                "remove it, or teach it to the local provider (local/providers)"
            )
        elif prop.output:
            problems.append(f"{prefix}{key}: got {shown(value)}, expected nothing (only AWS sets it); remove it")
        else:
            checked[key] = coerce(prop, value, f"{prefix}{key}", problems)
    for key, prop in fields.items():
        if prop.required and key not in checked:
            problems.append(f"{prefix}{key}: got nothing, expected {EXPECTED[prop.kind]}; add it")
    defaulted = sorted(key for key, prop in fields.items() if prop.default is not None and key not in checked)
    for key in defaulted:
        checked[key] = fields[key].default
        # AWS's default may be one of the values that only AWS supports.
        if fields[key].kind not in ("list", "set", "map", "object"):
            _check_scalar(fields[key], checked[key], f"{prefix}{key}", problems)
    checked[DEFAULTS_KEY] = defaulted
    return checked


def generated_name(logical_name: str, limit: int, seed: bytes) -> str | None:
    """`<logical name>-<7 hex digits>`, the same for the same seed; None if that is longer than AWS allows."""
    prefix = f"{logical_name}-"
    if len(prefix) + NAME_SUFFIX_LENGTH > limit:
        return None
    digits = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(NAME_SUFFIX_LENGTH)
    return prefix + digits[:NAME_SUFFIX_LENGTH]


# --- differences ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """What happens to one property path: added, updated or deleted, and whether that needs a new resource."""

    action: Literal["add", "update", "delete"]
    replaces: bool


def differences(fields: Mapping[str, Property], olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Change]:
    """The changes from the state to the inputs by property path (`a.b[0].c`)."""
    found: dict[str, Change] = {}
    for key, prop in fields.items():
        if prop.is_input:
            old, new = (without_defaults(reveal(values.get(key))) for values in (olds, news))
            _compare(prop, old, new, key, prop.replaces, found)
    return found


def without_defaults(value: Any) -> Any:
    """The value without the lists of what was filled in."""
    if isinstance(value, Secret):
        return Secret(without_defaults(value.value))
    if isinstance(value, dict):
        return {key: without_defaults(item) for key, item in value.items() if key != DEFAULTS_KEY}
    if isinstance(value, list):
        return [without_defaults(item) for item in value]
    return value


def _compare(prop: Property, old: Any, new: Any, path: str, replaces: bool, found: dict[str, Change]) -> None:
    if prop.kind == "object" and new == {}:  # given, and everything in it left out
        _compare_fields(prop.fields, old, new, path, replaces, found)
        return
    if is_empty(new):
        emptied = new == [] and prop.kind in ("list", "set")
        if (emptied or not (prop.computed or prop.stays)) and not says_nothing(old):
            found[path] = Change("delete", replaces)
        return
    if is_empty(old) and not _zero(new):
        found[path] = Change("add", replaces or _replaces_inside(prop))
        return
    if prop.same is not None and not has_unknown(new):
        if not prop.same(old, new):
            found[path] = Change("update", replaces)
        return
    if new is UNKNOWN:
        found[path] = Change("update", replaces or _replaces_inside(prop))
    elif prop.kind == "object":
        _compare_fields(prop.fields, old, new, path, replaces, found)
    elif prop.kind == "map":
        _compare_maps(old, new, path, replaces, found)
    elif prop.kind == "set":
        if not _same_sets(prop, old or [], new):
            found[path] = Change("update", replaces or _replaces_inside(prop))
    elif prop.kind == "list":
        _compare_lists(prop, old or [], new, path, replaces, found)
    elif old != new and not (old is None and _zero(new)):
        found[path] = Change("update", replaces)


def _zero(value: Any) -> bool:
    return value is not UNKNOWN and value in (False, 0) and not isinstance(value, str)


def _replaces_inside(prop: Property) -> bool:
    if prop.element is not None and _replaces_inside(prop.element):
        return True
    return any(inner.replaces or _replaces_inside(inner) for inner in prop.fields.values())


def _compare_fields(
    fields: Mapping[str, Property], old: Any, new: Any, path: str, replaces: bool, found: dict[str, Change]
) -> None:
    olds = old if isinstance(old, dict) else {}
    for key, prop in fields.items():
        if prop.is_input:
            _compare(prop, olds.get(key), new.get(key), f"{path}.{key}", replaces or prop.replaces, found)


def _compare_maps(old: Any, new: Any, path: str, replaces: bool, found: dict[str, Change]) -> None:
    olds = old if isinstance(old, dict) else {}
    for key in sorted({*olds, *new}):
        place = f"{path}.{key}" if re.fullmatch(r"\w+", key) else f'{path}["{key}"]'
        if key not in olds:
            found[place] = Change("add", replaces)
        elif key not in new:
            found[place] = Change("delete", replaces)
        elif olds[key] != new[key]:
            found[place] = Change("update", replaces)


def _compare_lists(
    prop: Property, old: list[Any], new: list[Any], path: str, replaces: bool, found: dict[str, Change]
) -> None:
    assert prop.element is not None
    for index in range(max(len(old), len(new))):
        place = f"{path}[{index}]"
        if index >= len(old):
            found[place] = Change("add", replaces or _replaces_inside(prop))
        elif index >= len(new):
            found[place] = Change("delete", replaces or _replaces_inside(prop))
        else:
            _compare(prop.element, old[index], new[index], place, replaces, found)


def _same_sets(prop: Property, old: list[Any], new: list[Any]) -> bool:
    assert prop.element is not None
    if has_unknown(new) or len(old) != len(new):
        return False
    left = list(old)
    for wanted in new:
        for candidate in left:
            unlike: dict[str, Change] = {}
            _compare(prop.element, candidate, wanted, "", False, unlike)
            if not unlike:
                left.remove(candidate)
                break
        else:
            return False
    return True


def top_level(paths: Iterable[str]) -> set[str]:
    """The properties that the paths belong to."""
    return {re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths}


def without_ignored(changes: Mapping[str, Change], ignored: Iterable[str]) -> dict[str, Change]:
    """The changes outside the paths of `ignoreChanges`."""
    roots = tuple(ignored)
    if "*" in roots:
        return {}

    def is_ignored(path: str) -> bool:
        return any(path == root or path.startswith((f"{root}.", f"{root}[")) for root in roots)

    return {path: change for path, change in changes.items() if not is_ignored(path)}


def without_empty(value: Any) -> Any:
    """An API answer as a property value: absent members dropped, all the way down."""
    if isinstance(value, dict):
        cleaned = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item is not None}
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    return value
