"""What a preview says, as plain data: one change for each resource, read from the events of the Pulumi engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from pulumi.automation.events import EngineEvent, PolicyEvent, StepEventMetadata

Action: TypeAlias = Literal["same", "create", "update", "replace", "delete"]

_ACTIONS: Mapping[str, Action] = {
    "same": "same",
    "read": "same",
    "create": "create",
    "import": "create",
    "update": "update",
    "delete": "delete",
    "discard": "delete",
    "delete-replaced": "delete",
}

_DECISIVE = {"replace": 0, "delete-replaced": 2}
"""Which of a resource's steps says what becomes of it: the lowest; any other is 1."""


def section(inputs: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object in `key`; empty where there is none or it is not known yet."""
    found = inputs.get(key)
    return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True)
class Change:
    """What happens to one resource."""

    urn: str
    type: str
    action: Action
    id: str = ""
    """Id before the change; empty where there is none."""
    paths: tuple[str, ...] = ()
    """Properties that change: `healthCheck.path`."""
    causes: tuple[str, ...] = ()
    """Properties for which it is replaced."""
    gap: bool = False
    """Whether a replaced resource is gone before the new one is there."""
    leftover: bool = False
    """Whether what an earlier update replaced, and failed before it deleted it, is deleted."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """Inputs before; empty where nothing changes."""
    after: Mapping[str, Any] = field(default_factory=dict)
    """Inputs after; empty where it is deleted."""

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def properties(self) -> tuple[str, ...]:
        """The top-level properties that change."""
        return tuple(dict.fromkeys(path.partition(".")[0].partition("[")[0] for path in self.paths))


@dataclass(frozen=True)
class Remark:
    """What a policy said of a resource."""

    level: str
    policy: str
    urn: str
    message: str


@dataclass(frozen=True)
class Preview:
    changes: tuple[Change, ...]
    """Of every resource, those that stay the same among them; components and providers are left out."""
    components: Mapping[str, Mapping[str, Any]]
    """URN to inputs after the change, of each component that has any."""
    remarks: tuple[Remark, ...]
    errors: tuple[str, ...]
    complete: bool
    """Whether the engine came to the end."""

    def of_type(self, token: str) -> list[Change]:
        return [change for change in self.changes if change.type == token]


def read(events: Iterable[EngineEvent]) -> Preview:
    """The preview that the engine's events tell of."""
    steps: dict[str, list[StepEventMetadata]] = {}
    remarks: dict[Remark, None] = {}
    errors: list[str] = []
    complete = False
    for event in events:
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            if step.op.value != "refresh":  # reading AWS comes first, what is to be done about it after that
                steps.setdefault(step.urn, []).append(step)
        elif event.policy_event:
            remarks[_remark(event.policy_event)] = None
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            errors.append(without_colours(event.diagnostic_event.message))
        elif event.summary_event:
            complete = True
    changes = tuple(_change(found) for found in steps.values() if _is_resource(found))
    return Preview(changes, _components(steps), tuple(remarks), tuple(errors), complete)


def _components(steps: Mapping[str, list[StepEventMetadata]]) -> Mapping[str, Mapping[str, Any]]:
    states = {urn: found[-1].new for urn, found in steps.items()}
    return {urn: state.inputs for urn, state in states.items() if state and state.inputs and not state.custom}


def _is_resource(steps: list[StepEventMetadata]) -> bool:
    """Whether a provider makes it: a component is only its children, and a provider is no resource of the cloud."""
    states = [state for step in steps for state in (step.new, step.old) if state]
    return not steps[0].type.startswith("pulumi:") and any(state.custom for state in states)


def _change(steps: list[StepEventMetadata]) -> Change:
    operations = [step.op.value for step in steps]
    replaced = any("replace" in operation for operation in operations if operation != "delete-replaced")
    decisive = min(steps, key=lambda step: _DECISIVE.get(step.op.value, 1))
    old, new = decisive.old, decisive.new
    action: Action = "replace" if replaced else _ACTIONS.get(decisive.op.value, "update")
    differing = action in ("update", "replace")
    return Change(
        urn=decisive.urn,
        type=decisive.type,
        action=action,
        id=old.id if old else "",
        paths=tuple(decisive.detailed_diff or decisive.diffs or ()) if differing else (),
        causes=tuple(decisive.keys or ()) if replaced else (),
        gap=replaced and _gone_first(operations),
        leftover=not replaced and "delete-replaced" in operations,
        before=(old.inputs if old else None) or {},
        after=(new.inputs if new and action != "delete" else None) or {},
    )


def _gone_first(operations: list[str]) -> bool:
    if "delete-replaced" not in operations or "create-replacement" not in operations:
        return False
    return operations.index("delete-replaced") < operations.index("create-replacement")


def _remark(event: PolicyEvent) -> Remark:
    return Remark(event.enforcement_level, event.policy_name, event.resource_urn or "", without_colours(event.message))


def without_colours(message: str) -> str:
    """Without the colour directives of the engine, such as `<{%reset%}>`."""
    while "<{%" in message:
        before, _, rest = message.partition("<{%")
        message = before + rest.partition("%}>")[2]
    return message.strip()
