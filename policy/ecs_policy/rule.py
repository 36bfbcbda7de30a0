"""What a rule is, and how one is run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypedDict

from ecs_policy.model import Container, TaskDefinition
from ecs_policy.stack import Resource
from ecs_policy.values import NotEvaluated, Problem, Quote, Unevaluated, Value

if TYPE_CHECKING:
    from typing_extensions import NotRequired, Unpack

Outcome = Problem | Unevaluated
Check = Callable[..., Iterator[Problem]]


class Level(Enum):
    """What happens when nobody enforces the rule."""

    REJECTED = "AWS rejects it when deploying"
    UNSUPPORTED = "AWS documents it as unsupported"
    FAILS = "AWS accepts it; it fails or misbehaves at run time"
    PRACTICE = "It works; it is not how it should be done"


class Severity(Enum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Enforcement(Enum):
    """What a violation does: is repaired, stops the run, warns, or nothing. The values are Pulumi's words."""

    REMEDIATE = "remediate"
    """As mandatory for what `remedies` has no repair for."""
    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


@dataclass(frozen=True, kw_only=True)
class Option:
    """A setting of one rule."""

    schema: Mapping[str, Any]
    """JSON schema of the value; its `default` applies when the configuration says nothing."""
    about: str


_Subject = type[Resource] | type[Container]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One decision about one kind of subject."""

    id: str
    """The family and a number: `LT-01`."""
    name: str
    """The id in words: `service-launch-type-in-td`."""
    title: str
    """The rule as one sentence that is true of a good stack."""
    why: str
    beyond: str = ""
    """What of it no resource tells, so that it is left to AWS; empty when nothing is."""
    level: Level
    severity: Severity = Severity.HIGH
    enforcement: Enforcement
    source: str
    """The page that decides."""
    on: tuple[_Subject, ...]
    each: str = ""
    """When not empty, the list property of which each element is a subject of its own."""
    joins: bool
    """Whether it needs other resources. A rule that does not is checked before its resource is created or changed."""
    frameworks: tuple[str, ...] = ()
    """Controls of public frameworks that ask the same: `Security Hub ECS.2`."""
    ours: bool = False
    """Whether it asks more than AWS does."""
    options: Mapping[str, Option] = field(default_factory=dict)
    module: str
    check: Check = field(repr=False)

    @property
    def policy_name(self) -> str:
        """The name in policy configuration and in messages of the engine."""
        return f"{self.id}-{self.name}"

    @property
    def group(self) -> str:
        """The module that holds it, by which configuration addresses whole families."""
        return self.module.rpartition(".")[2]

    def configured(self, options: Mapping[str, Any] | None) -> dict[str, Any]:
        """All options: those given, else their defaults."""
        return {**{name: option.schema.get("default") for name, option in self.options.items()}, **(options or {})}

    def run(self, resource: Resource, options: Mapping[str, Any] | None = None) -> list[Outcome]:
        """Checks every subject in the resource, with `configured` options. Whatever stops one check stops no other."""
        check, with_options = self.check, bool(self.options)
        if with_options and options is None:
            options = self.configured(None)
        found: list[Outcome] = []
        subjects: Sequence[Any] = (resource,)
        if self._has_parts:
            try:
                subjects = self._subjects(resource)
            except NotEvaluated as outcome:
                return [outcome.at]
            except Exception as error:  # noqa: BLE001 - told as not evaluated
                return [self._crashed(resource, error)]
        for subject in subjects:
            try:
                # what came before it was stopped stays
                found.extend(check(subject, options) if with_options else check(subject))
            except NotEvaluated as outcome:
                found.append(outcome.at)
            except Exception as error:  # noqa: BLE001 - told as not evaluated
                found.append(self._crashed(resource, error))
        return found

    def _crashed(self, resource: Resource, error: Exception) -> Unevaluated:
        """A policy that crashes takes the whole preview with it: it says so instead."""
        return Unevaluated(resource.urn, "", f"could not be checked: {self.id} failed with {type(error).__name__}")

    def _subjects(self, resource: Resource) -> Sequence[Any]:
        if self.each:
            return resource[self.each].items()
        if isinstance(resource, TaskDefinition):
            return resource.containers
        return (resource,)

    @cached_property
    def _has_parts(self) -> bool:
        """Whether it looks at parts of a resource, each by itself."""
        return bool(self.each) or Container in self.on

    @cached_property
    def resource_kinds(self) -> tuple[type[Resource], ...]:
        return tuple(kind if issubclass(kind, Resource) else TaskDefinition for kind in self.on)


class Facts(TypedDict):
    """What a rule declares of itself: the fields of `Rule`. A type checker refuses a misspelt one."""

    on: _Subject | tuple[_Subject, ...]
    title: str
    why: str
    beyond: NotRequired[str]
    level: Level
    source: str
    severity: NotRequired[Severity]
    enforcement: NotRequired[Enforcement]
    """Without it a rule of level `PRACTICE` advises, and every other is mandatory."""
    each: NotRequired[str]
    frameworks: NotRequired[tuple[str, ...]]
    ours: NotRequired[bool]
    options: NotRequired[Mapping[str, Option]]


def resource_rule(id_and_name: str, **facts: Unpack[Facts]) -> Callable[[Check], Rule]:
    """A rule about one resource alone, checked before that resource is created."""
    return _rule(id_and_name, joins=False, facts=facts)


def stack_rule(id_and_name: str, **facts: Unpack[Facts]) -> Callable[[Check], Rule]:
    """A rule that follows references, checked at the end of the preview."""
    return _rule(id_and_name, joins=True, facts=facts)


def _rule(id_and_name: str, *, joins: bool, facts: Facts) -> Callable[[Check], Rule]:
    number, _, name = id_and_name.partition(" ")
    on = facts["on"]
    advises = facts["level"] is Level.PRACTICE

    def register(check: Check) -> Rule:
        declared: Any = {
            "enforcement": Enforcement.ADVISORY if advises else Enforcement.MANDATORY,
            **facts,
            "on": on if isinstance(on, tuple) else (on,),
        }
        return Rule(id=number, name=name, joins=joins, module=check.__module__, check=check, **declared)

    return register


def _modules() -> list[ModuleType]:
    package = importlib.import_module("ecs_policy.rules")
    names = [each.name for each in pkgutil.iter_modules(package.__path__)]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of every module in `ecs_policy.rules`, by id."""
    found: dict[str, Rule] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, Rule) and found.setdefault(value.id, value) is not value:
                raise ValueError(f"two rules are called {value.id}: {found[value.id].name} and {value.name}")
    return tuple(found[each] for each in sorted(found))


def rule_named(number: str) -> Rule:
    """The rule with this id."""
    return next(each for each in all_rules() if each.id == number)


__all__ = [
    "Check",
    "Enforcement",
    "Level",
    "Option",
    "Outcome",
    "Problem",
    "Quote",
    "Rule",
    "Severity",
    "Unevaluated",
    "Value",
    "all_rules",
    "resource_rule",
    "rule_named",
    "stack_rule",
]
