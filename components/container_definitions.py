"""Container definitions as the one JSON text that ECS answers with, so that a second `up` finds nothing to change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Definition = Mapping[str, Any]
"""One container in the API's own camelCase.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"""

_DEFAULTS: Mapping[str, Any] = {
    "cpu": 0,
    "environment": [],
    "essential": True,
    "mountPoints": [],
    "portMappings": [],
    "systemControls": [],
    "volumesFrom": [],
}
"""What ECS fills in where a definition says nothing."""

_SORTED_BY: Mapping[str, tuple[str, ...]] = {
    "environment": ("name",),
    "mountPoints": ("containerPath",),
    "portMappings": ("containerPort", "protocol"),
    "secrets": ("name",),
    "systemControls": ("namespace",),
}
"""Lists whose order means nothing to ECS. (The order of `dependsOn`, `command` and the like is kept.)"""


_ESCAPED_BY_GO = "<>&\u2028\u2029"
"""What Go's JSON escapes beside what all do. The engine, written in Go, hides a secret of the configuration in what it
prints, as it is and as its JSON would write it: so it finds those that stand in here, too.
https://pkg.go.dev/encoding/json#HTMLEscape"""


def canonical(definitions: Sequence[Definition]) -> list[dict[str, Any]]:
    """A task's containers: defaults spelled out, meaningless order sorted, nulls left out. Values may be outputs."""
    return sorted(map(_canonical, definitions), key=lambda definition: str(definition["name"]))


def container_definitions(definitions: Sequence[Definition]) -> str:
    """The canonical JSON of a task's containers."""
    text = json.dumps(canonical(definitions), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for sign in _ESCAPED_BY_GO:
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _canonical(definition: Definition) -> dict[str, Any]:
    filled: dict[str, Any] = {**_DEFAULTS, **_without_nulls(definition)}
    filled["portMappings"] = [_canonical_port(mapping) for mapping in filled["portMappings"]]
    for name, keys in _SORTED_BY.items():
        if name in filled:
            filled[name] = _sorted(filled[name], keys)
    return filled


def _sorted(items: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[Mapping[str, Any]]:
    return sorted(items, key=lambda item: [item.get(key) for key in keys])


def _canonical_port(mapping: Mapping[str, Any]) -> dict[str, Any]:
    # awsvpc: the task has an address of its own, so the host port is the container port.
    return {"hostPort": mapping["containerPort"], "protocol": "tcp", **mapping}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(item) for item in value if item is not None]
    return value
