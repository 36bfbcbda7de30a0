"""A stack read from a file: an exported state, a preview's JSON, or a saved plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_policy.model import resource
from ecs_policy.sentinels import SIGNATURE, UNKNOWN
from ecs_policy.stack import Resource, Stack

_REDACTED = "[secret]"
"""What the engine writes in place of a secret that is not to be read."""

_ACCEPTED = (
    "a state of `pulumi stack export`, `pulumi preview --json --show-sames` or a plan of `pulumi preview --save-plan`"
)
_GONE = frozenset(
    {"delete", "delete-replaced", "discard", "discard-replaced", "read-discard", "remove-pending-replace"}
)
"""Steps of a preview after which the resource, or its old self, is no longer there."""
_NEW = frozenset({"create", "create-replacement", "import", "import-replacement"})


class FileError(ValueError):
    """What is wrong with a file, in one line."""


@dataclass(frozen=True)
class Read:
    """What a file holds."""

    stack: Stack
    notes: tuple[str, ...]
    """What of the stack the file does not hold."""


class _UnknownElse(dict[str, Any]):
    """Outputs of what does not exist yet: what is not written is not known, rather than absent."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002 dict's signature
        return super().get(key, UNKNOWN)


def read(text: str, name: str) -> Read:
    """The stack in a file's text. Raises FileError."""
    try:
        content = json.loads(text)
    except RecursionError:
        raise FileError(f"{name}: got JSON that is nested too deep, expected {_ACCEPTED}") from None
    except ValueError as error:
        if _is_event_log(text):
            raise FileError(
                f"{name}: got an event log, which does not say what depends on what, expected {_ACCEPTED}"
            ) from None
        raise FileError(f"{name}: got no JSON ({error}), expected {_ACCEPTED}") from None
    for key, reader in _READERS.items():
        if isinstance(content, dict) and isinstance(content.get(key), (dict, list)):
            try:
                return reader(content)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                reason = f"{type(error).__name__}: {error}"
                raise FileError(f"{name}: got {key} of another shape ({reason}), expected {_ACCEPTED}") from None
    raise FileError(f"{name}: got JSON without {', '.join(_READERS)}, expected {_ACCEPTED}")


def _is_event_log(text: str) -> bool:
    try:
        first = json.loads(text.lstrip().partition("\n")[0])
    except ValueError:
        return False
    return isinstance(first, dict) and "sequence" in first


def _state(content: Mapping[str, Any]) -> Read:
    return Read(_stack(each for each in content["deployment"].get("resources") or () if not each.get("delete")), ())


def _preview(content: Mapping[str, Any]) -> Read:
    """Each resource as it will be. Outputs are not in it: of what is there already they are the old ones."""
    found: dict[str, dict[str, Any]] = {}
    same = 0
    for step in content["steps"]:
        new, old = step.get("newState"), step.get("oldState") or {}
        same += step["op"] == "same"
        if new is None or step["op"] in _GONE:
            continue
        kept = {} if step["op"] in _NEW or step["op"] == "replace" else old.get("outputs") or {}
        outputs = {**kept, **(new.get("inputs") or {}), **(new.get("outputs") or {})}
        found[step["urn"]] = {**new, "outputs": outputs if kept else _UnknownElse(outputs)}
    left_out = (content.get("changeSummary") or {}).get("same", 0) - same
    notes = [f"{left_out} unchanged resources are not in the file; write it with --show-sames"] if left_out > 0 else []
    return Read(_stack(found.values()), tuple(notes))


def _plan(content: Mapping[str, Any]) -> Read:
    """Of a resource that is there already a plan holds what changes only: its inputs count as not recorded."""
    entries = []
    partly = 0
    for urn, planned in content["resourcePlans"].items():
        goal, steps = planned.get("goal"), set(planned.get("steps") or ())
        if not goal or (steps and steps <= _GONE):
            continue
        new = bool(_NEW & steps)
        partly += not new and bool(goal.get("custom")) and not goal["type"].startswith("pulumi:")
        inputs = _added(goal.get("inputDiff"))
        outputs = {**(planned.get("state") or {}), **_added(goal.get("outputDiff"))}
        entries.append({**goal, "urn": urn, "inputs": inputs if new else None, "outputs": outputs})
    note = (
        f"of {partly} existing resources the plan holds what changes only; check `pulumi preview --json --show-sames`"
    )
    return Read(_stack(entries), (note,) if partly else ())


def _added(difference: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**((difference or {}).get("adds") or {}), **((difference or {}).get("updates") or {})}


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Read]] = {
    "deployment": _state,
    "steps": _preview,
    "resourcePlans": _plan,
}


def _stack(entries: Iterable[Mapping[str, Any]]) -> Stack:
    listed = list(entries)
    by_urn = {each["urn"]: each for each in listed}
    return Stack(_resources(listed, by_urn))


def _resources(entries: Iterable[Mapping[str, Any]], by_urn: Mapping[str, Mapping[str, Any]]) -> Iterator[Resource]:
    for each in entries:
        urn: str = each["urn"]
        inputs, outputs = each.get("inputs", {}), each.get("outputs") or {}
        if not isinstance(inputs, (dict, type(None))) or not isinstance(outputs, dict):
            raise TypeError(f"properties of {urn} are no object")
        provider = by_urn.get(str(each.get("provider") or "").rpartition("::")[0], {})
        timeouts = each.get("customTimeouts") or {}
        yield resource(
            type=each["type"],
            urn=urn,
            name=urn.split("::", 3)[3],
            inputs=None if inputs is None else _opened(inputs),
            outputs=_opened(outputs),
            parent=each.get("parent") or "",
            dependencies=each.get("dependencies") or (),
            property_dependencies={key: urns or () for key, urns in (each.get("propertyDependencies") or {}).items()},
            ignore_changes=tuple(each.get("ignoreChanges") or ()),
            timeouts={key: seconds for key, seconds in timeouts.items() if seconds},
            provider=_opened(provider.get("inputs") or {}) if each.get("custom") else None,
        )


def _opened(value: Any) -> Any:
    """The value with its secrets readable where the file has them in plain, else unknown."""
    if isinstance(value, dict):
        if SIGNATURE in value and "plaintext" in value:
            return {SIGNATURE: value[SIGNATURE], "value": json.loads(value["plaintext"])}
        opened = {key: _opened(each) for key, each in value.items()}
        return _UnknownElse(opened) if isinstance(value, _UnknownElse) else opened
    if isinstance(value, list):
        return [_opened(each) for each in value]
    return UNKNOWN if value == _REDACTED else value
