"""The resources of a stack and which uses which, read from a saved plan (`pulumi preview --save-plan`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_policy.sentinels import UNKNOWN


@dataclass(frozen=True)
class Resource:
    urn: str
    type: str
    inputs: Mapping[str, Any]
    uses: Mapping[str, tuple[str, ...]]
    """Property to the URNs that its value comes from."""

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    def given(self, key: str) -> str:
        """The physical name in `key` that somebody chose; the logical name where it is generated."""
        chosen = self.inputs.get(key)
        generated = key in self.inputs.get("__defaults", ())
        return self.name if generated or not isinstance(chosen, str) or chosen == UNKNOWN else chosen


class Graph:
    def __init__(self, plan: Mapping[str, Any]) -> None:
        """`plan` is the content of the plan file: its JSON, decoded."""
        self._resources = {
            urn: _resource(urn, found)
            for urn, found in sorted(plan["resourcePlans"].items())
            if found["goal"]["custom"] and not found["goal"]["type"].startswith("pulumi:")
        }
        stack = next(urn for urn in plan["resourcePlans"] if "::pulumi:pulumi:Stack::" in urn)
        _, _, qualified = stack.partition("urn:pulumi:")
        self.stack, self.project = qualified.split("::")[:2]
        self.region = str(plan.get("config", {}).get("aws:region", ""))

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources.values())

    def of(self, *types: str) -> list[Resource]:
        return [resource for resource in self if resource.type in types]

    def used(self, resource: Resource, prop: str, kind: str) -> list[Resource]:
        """The resources of a type that a property's value comes from."""
        found = (self._resources.get(urn) for urn in sorted(set(resource.uses.get(prop, ()))))
        return [each for each in found if each and each.type == kind]

    def reached(self, resource: Resource, kind: str) -> list[Resource]:
        """The resources of a type that it comes to, over whatever lies between."""
        seen, waiting = {resource.urn}, [resource]
        while waiting:
            for urn in (urn for urns in waiting.pop().uses.values() for urn in urns):
                if urn in self._resources and urn not in seen:
                    seen.add(urn)
                    waiting.append(self._resources[urn])
        return [self._resources[urn] for urn in sorted(seen) if self._resources[urn].type == kind]


def _resource(urn: str, found: Mapping[str, Any]) -> Resource:
    goal = found["goal"]
    difference = goal.get("inputDiff") or {}
    # Of what is there already the plan holds the outputs, which repeat the inputs, and what changes.
    outputs = {key: value for key, value in (found.get("state") or {}).items() if value != UNKNOWN}
    inputs = {**outputs, **(difference.get("adds") or {}), **(difference.get("updates") or {})}
    uses = {key: tuple(urns or ()) for key, urns in (goal.get("propertyDependencies") or {}).items()}
    return Resource(urn, goal["type"], inputs, uses)
