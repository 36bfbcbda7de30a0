"""Stacks written as Pulumi YAML in plain data, turned into what the engine sends to a policy pack.

`${app.arn}` refers to another resource. It carries the dependency, and the value: the target's input of that name,
else a made-up output, or unknown when `preview` is set. `options.dependsOn` and `options.parent` take `${app}`;
`provider` holds settings of the resource's provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime import proto

from ecs_policy.model import resource
from ecs_policy.rule import Problem, Rule, Unevaluated
from ecs_policy.stack import Stack

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_-]+)\.([A-Za-z0-9_]+)\}")
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
_PROVIDER_URN = "urn:pulumi:test::ecs::pulumi:providers:aws::default"

Resources = Mapping[str, Mapping[str, Any]]


def secret(value: Any) -> dict[str, Any]:
    """A value as the engine sends a secret."""
    return {_SIGNATURE: _SECRET_SIGNATURE, "value": value}


def unknown() -> str:
    """A value that a preview cannot know, with no dependency: an invoke, another stack."""
    return UNKNOWN


@dataclass(frozen=True)
class Part:
    """One resource as the engine knows it."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    parent: str
    dependencies: list[str]
    property_dependencies: dict[str, list[str]]
    ignore_changes: list[str]
    timeouts: dict[str, float]
    component: bool
    provider: dict[str, Any]


def parts(resources: Resources, *, preview: bool = False, region: str = "ap-northeast-1") -> list[Part]:
    """The resources with references resolved."""
    resolver = _Resolver(resources, preview)
    return [resolver.part(name, region) for name in resources]


class _Resolver:
    def __init__(self, resources: Resources, preview: bool) -> None:
        self.resources = resources
        self.preview = preview

    def part(self, name: str, region: str) -> Part:
        written = self.resources[name]
        inputs, property_dependencies = {}, {}
        for key, value in written.get("properties", {}).items():
            seen: set[str] = set()
            inputs[key] = self._resolve(value, seen)
            if key == "containerDefinitions" and isinstance(inputs[key], list):
                text = json.dumps(inputs[key])
                inputs[key] = UNKNOWN if UNKNOWN in text else text
            if seen:
                property_dependencies[key] = [self.urn(each) for each in sorted(seen)]
        options = written.get("options", {})
        dependencies = {urn for urns in property_dependencies.values() for urn in urns}
        dependencies |= {self.urn(each.strip("${}")) for each in options.get("dependsOn", ())}
        parent = options.get("parent", "").strip("${}")
        return Part(
            urn=self.urn(name),
            type=written["type"],
            name=name,
            inputs=inputs,
            outputs={**self._computed(name), **inputs, **written.get("outputs", {})},
            parent=self.urn(parent) if parent else "",
            dependencies=sorted(dependencies),
            property_dependencies=property_dependencies,
            ignore_changes=list(options.get("ignoreChanges", ())),
            timeouts={name: float(text.rstrip("s")) for name, text in options.get("customTimeouts", {}).items()},
            component=not written["type"].startswith(("aws:", "docker:", "docker-build:")),
            provider={"region": region, **written.get("provider", {})},
        )

    def urn(self, name: str) -> str:
        return f"urn:pulumi:test::ecs::{self.resources[name]['type'] if name in self.resources else 'x'}::{name}"

    def _computed(self, name: str) -> dict[str, Any]:
        kind = self.resources[name]["type"].rpartition(":")[2]
        made_up: dict[str, Any] = {
            "arn": f"arn:aws:test:ap-northeast-1:123456789012:{kind}/{name}",
            "id": f"{kind.lower()}-{name}",
        }
        if kind == "TaskDefinition":
            made_up |= {
                "arn": f"arn:aws:ecs:ap-northeast-1:123456789012:task-definition/{name}:1",
                "arnWithoutRevision": f"arn:aws:ecs:ap-northeast-1:123456789012:task-definition/{name}",
                "revision": 1,
                "id": name,
                "family": name,
            }
        if kind == "Repository":
            named = self.resources[name].get("properties", {}).get("name", name)
            made_up["repositoryUrl"] = f"123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/{named}"
        if kind == "Image":
            made_up["repoDigest"] = f"123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/{name}@sha256:{'0' * 64}"
        return dict.fromkeys(made_up, UNKNOWN) if self.preview else made_up

    def _resolve(self, value: Any, seen: set[str]) -> Any:
        if isinstance(value, Mapping):
            return {key: self._resolve(each, seen) for key, each in value.items()}
        if isinstance(value, list):
            return [self._resolve(each, seen) for each in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        if whole := _REFERENCE.fullmatch(value):
            return self._value(whole, seen)
        text = _REFERENCE.sub(lambda match: str(self._value(match, seen)), value)
        return UNKNOWN if UNKNOWN in text else text

    def _value(self, match: re.Match[str], seen: set[str]) -> Any:
        name, key = match[1], match[2]
        seen.add(name)
        written = self.resources[name]
        given = {**written.get("properties", {}), **written.get("outputs", {})}
        if key in given:
            return self._resolve(given[key], set())
        return self._computed(name).get(key, UNKNOWN)


def evaluate(
    rule: Rule, resources: Resources, *, preview: bool = False, options: Mapping[str, Any] | None = None
) -> tuple[list[Problem], list[Unevaluated]]:
    """What one rule says about a stack, without the SDK."""
    return outcomes(rule, joined(resources, preview=preview), options)


def outcomes(
    rule: Rule, stack: Stack, options: Mapping[str, Any] | None = None
) -> tuple[list[Problem], list[Unevaluated]]:
    """What one rule says about a joined stack, which may be shared by rules."""
    problems, unevaluated = [], []
    for each in stack.resources.values():
        if isinstance(each, rule.resource_kinds):
            for outcome in rule.run(each, rule.configured(options)):
                if isinstance(outcome, Problem):
                    problems.append(outcome)
                else:
                    unevaluated.append(outcome)
    return problems, unevaluated


def joined(resources: Resources, *, preview: bool = False) -> Stack:
    """The stack as rules see it."""
    return Stack(
        resource(
            urn=part.urn,
            type=part.type,
            name=part.name,
            inputs=part.inputs,
            outputs=part.outputs,
            parent=part.parent,
            dependencies=part.dependencies,
            property_dependencies=part.property_dependencies,
            ignore_changes=part.ignore_changes,
            timeouts=part.timeouts,
            provider=None if part.component else part.provider,
        )
        for part in parts(resources, preview=preview)
    )


def places(outcomes: list[Problem] | list[Unevaluated]) -> set[str]:
    """Where outcomes are, as the examples write it: `web.launchType`."""
    return {f"{each.urn.rpartition('::')[2]}.{each.location}" for each in outcomes}


def requests(resources: Resources, *, preview: bool = False) -> tuple[list[Any], Any]:
    """The messages that the engine sends: one Analyze for each resource, then AnalyzeStack."""
    analyze, stack = [], proto.AnalyzeStackRequest()
    for part in parts(resources, preview=preview):
        message = proto.AnalyzeRequest(type=part.type, urn=part.urn, name=part.name)
        message.properties.update(part.inputs)
        whole = stack.resources.add(type=part.type, urn=part.urn, name=part.name, parent=part.parent)
        told = part.outputs.items()  # the engine tells of a component its outputs only
        whole.properties.update({key: value for key, value in told if not part.component or key not in part.inputs})
        whole.dependencies.extend(part.dependencies)
        for key, urns in part.property_dependencies.items():
            whole.propertyDependencies[key].urns.extend(urns)
        for each in (message, whole):
            each.options.parent = part.parent
            each.options.ignoreChanges.extend(part.ignore_changes)
            for operation, seconds in part.timeouts.items():
                setattr(each.options.customTimeouts, operation, seconds)
            if not part.component:
                each.provider.type, each.provider.urn, each.provider.name = (
                    "pulumi:providers:aws",
                    _PROVIDER_URN,
                    "default",
                )
                each.provider.properties.update(part.provider)
        analyze.append(message)
    return analyze, stack


def state(resources: Resources) -> dict[str, Any]:
    """The stack as `pulumi stack export` writes it."""
    listed: list[dict[str, Any]] = [
        {
            "urn": _PROVIDER_URN,
            "custom": True,
            "id": "00000000-0000-0000-0000-000000000000",
            "type": "pulumi:providers:aws",
            "inputs": {"region": "ap-northeast-1", "version": "7.51.1"},
            "outputs": {"region": "ap-northeast-1", "version": "7.51.1"},
        }
    ]
    for part in _in_order(parts(resources)):
        entry: dict[str, Any] = {
            "urn": part.urn,
            "custom": not part.component,
            "type": part.type,
            "inputs": part.inputs,
            "outputs": part.outputs,
            "dependencies": part.dependencies,
            "propertyDependencies": part.property_dependencies,
            "ignoreChanges": part.ignore_changes,
            "customTimeouts": part.timeouts,
        }
        if not part.component:
            entry |= {"id": part.name, "provider": f"{_PROVIDER_URN}::00000000-0000-0000-0000-000000000000"}
        if part.parent:
            entry["parent"] = part.parent
        listed.append(entry)
    return {
        "version": 3,
        "deployment": {
            "manifest": {"time": "2026-01-01T00:00:00Z", "magic": "", "version": "v3.250.0"},
            "resources": listed,
        },
    }


def _in_order(listed: list[Part]) -> Iterator[Part]:
    by_urn, done = {part.urn: part for part in listed}, set()

    def visit(part: Part) -> Iterator[Part]:
        if part.urn in done:
            return
        done.add(part.urn)
        for urn in [*part.dependencies, part.parent]:
            if urn in by_urn:
                yield from visit(by_urn[urn])
        yield part

    for part in listed:
        yield from visit(part)
