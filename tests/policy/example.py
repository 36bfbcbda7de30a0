"""How the examples of a rule are written. They are its tests and, in `docs/policies.md`, its documentation."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.policy.stacks import Resources

Kind = Literal["passes", "violates", "missing", "unknown", "not applicable"]
KINDS: tuple[Kind, ...] = ("passes", "violates", "missing", "unknown", "not applicable")


@dataclass(frozen=True, kw_only=True)
class Example:
    """A stack, and exactly what one rule says about it."""

    kind: Kind
    title: str
    resources: Resources
    at: frozenset[str] = frozenset()
    """Places of violations: `web.launchType`."""
    not_evaluated: frozenset[str] = frozenset()
    """Places that stood in the way of a verdict."""
    says: str = ""
    """The message of the only violation, word for word; empty leaves it open."""
    preview: bool = False
    """Whether the outputs of resources are unknown, as in the first preview."""
    options: Mapping[str, Any] = field(default_factory=dict)


def passes(
    title: str, resources: Resources, *, preview: bool = False, options: Mapping[str, Any] | None = None
) -> Example:
    """No violation, nothing left open."""
    return Example(kind="passes", title=title, resources=resources, preview=preview, options=options or {})


def violates(
    title: str,
    resources: Resources,
    *,
    at: Collection[str],
    says: str = "",
    preview: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Example:
    """Violations at exactly these places."""
    return Example(
        kind="violates",
        title=title,
        resources=resources,
        at=frozenset(at),
        says=says,
        preview=preview,
        options=options or {},
    )


def missing(
    title: str,
    resources: Resources,
    *,
    at: Collection[str] = (),
    not_evaluated: Collection[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Example:
    """The property that the rule looks at is not there."""
    return Example(
        kind="missing",
        title=title,
        resources=resources,
        at=frozenset(at),
        not_evaluated=frozenset(not_evaluated),
        options=options or {},
    )


def unknown(
    title: str,
    resources: Resources,
    *,
    not_evaluated: Collection[str],
    at: Collection[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Example:
    """A first preview: outputs of resources are unknown. Violations that do not depend on them are still found."""
    return Example(
        kind="unknown",
        title=title,
        resources=resources,
        at=frozenset(at),
        not_evaluated=frozenset(not_evaluated),
        preview=True,
        options=options or {},
    )


def not_applicable(title: str, resources: Resources) -> Example:
    """A stack that the rule is not about."""
    return Example(kind="not applicable", title=title, resources=resources)


def modules() -> list[Any]:
    """The modules of examples. One is found by itself, as a module of rules is."""
    package = importlib.import_module("tests.policy.examples")
    return [
        importlib.import_module(f"{package.__name__}.{each.name}") for each in pkgutil.iter_modules(package.__path__)
    ]


def all_examples() -> dict[str, list[Example]]:
    """Examples by the id of their rule."""
    found: dict[str, list[Example]] = {}
    for module in modules():
        for number, examples in module.EXAMPLES.items():
            assert number not in found, f"the examples of {number} are in two modules"
            found[number] = examples
    return found


def resource(kind: str, *, options: Mapping[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """A resource of any type."""
    written: dict[str, Any] = {"type": kind, "properties": properties}
    if options:
        written["options"] = options
    return written


def service(**properties: Any) -> dict[str, Any]:
    return resource("aws:ecs/service:Service", **properties)


def task_definition(*containers: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    """With the given containers, else one called `app` that publishes port 80."""
    if "containerDefinitions" not in properties:
        properties["containerDefinitions"] = list(containers) or [container()]
    return resource("aws:ecs/taskDefinition:TaskDefinition", **{"family": "app", **properties})


def container(**fields: Any) -> dict[str, Any]:
    return {"name": "app", "portMappings": [{"containerPort": 80}], **fields}


def cluster(**properties: Any) -> dict[str, Any]:
    return resource("aws:ecs/cluster:Cluster", **{"name": "main", **properties})


def capacity_providers(**properties: Any) -> dict[str, Any]:
    return resource("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", **properties)


def target_group(**properties: Any) -> dict[str, Any]:
    return resource("aws:lb/targetGroup:TargetGroup", **properties)
