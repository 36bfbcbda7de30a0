"""The pack as Pulumi sees it: a policy for each rule, and one reading and one join of the stack for all of them.

The SDK deserialises the whole stack again for every stack policy, and a resource for every resource policy.
`Analyzer` replaces just that loop of its servicer; configuration, metadata and the server stay the SDK's.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timezone
from typing import Any

import grpc
import pulumi_policy.policy as sdk
from pulumi.runtime import proto
from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ResourceValidationPolicy,
    StackValidationPolicy,
)
from pulumi_policy import Severity as SdkSeverity

from ecs_policy.acknowledgements import SCHEMA, Acknowledgement, ConfigurationError, read
from ecs_policy.configuration import ACKNOWLEDGED, SETTINGS, unused
from ecs_policy.model import canonical_type, resource
from ecs_policy.remedies import REMEDIES, Remedy
from ecs_policy.rule import Enforcement, Level, Outcome, Rule, all_rules
from ecs_policy.stack import Resource, Stack
from ecs_policy.unevaluated import unevaluated_text
from ecs_policy.values import Problem, Unevaluated

NAME = "ecs"
PROFILES = ("default", "strict", "development")

_LONGEST_MESSAGE = 8000
_NOT_SENDABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""What the protocol refuses (half a surrogate pair) or a terminal obeys (controls other than tab and line feed)."""


def policies() -> list[sdk.Policy]:
    """Every rule as a policy of the SDK, and the settings."""
    return [_settings_policy(), _acknowledged_policy(), *(_policy(rule) for rule in all_rules())]


def options(served: Iterable[sdk.Policy]) -> dict[str, Mapping[str, Any]]:
    """The schemas of the options that there are, by policy."""
    return {each.name: each.config_schema.properties if each.config_schema else {} for each in served}


def serve() -> None:
    """Answers the engine until it stops the process."""
    tune_collector()
    sdk._PolicyAnalyzerServicer = Analyzer  # type: ignore[assignment,misc]
    sdk.PolicyPack(NAME, policies(), EnforcementLevel.MANDATORY)


def tune_collector() -> None:
    """Spares what the SDK imported, and a stack that grows anyway, from being searched for garbage again and again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _policy(rule: Rule) -> sdk.Policy:
    schema = {name: {**option.schema, "description": option.about} for name, option in rule.options.items()}
    facts: dict[str, Any] = {
        "name": rule.policy_name,
        "description": rule.title,
        "validate": _not_by_the_sdk,
        "enforcement_level": EnforcementLevel(rule.enforcement.value),
        "severity": SdkSeverity(rule.severity.value),
        "framework": _framework(rule),
        "config_schema": PolicyConfigSchema(schema) if schema else None,
        "tags": [rule.group],
        "url": rule.source,
    }
    if rule.joins:
        return StackValidationPolicy(**facts)
    return ResourceValidationPolicy(**facts, remediate=_not_by_the_sdk if rule.id in REMEDIES else None)


def _framework(rule: Rule) -> PolicyComplianceFramework | None:
    if not rule.frameworks:
        return None
    name, _, reference = rule.frameworks[0].rpartition(" ")
    return PolicyComplianceFramework(name=name, reference=reference)


def _settings_policy() -> sdk.Policy:
    levels = [each.value for each in Enforcement]
    return StackValidationPolicy(
        name=SETTINGS,
        description="What could not be evaluated",
        validate=_not_by_the_sdk,
        enforcement_level=EnforcementLevel.ADVISORY,
        config_schema=PolicyConfigSchema(
            {
                "profile": {
                    "type": "string",
                    "enum": list(PROFILES),
                    "default": PROFILES[0],
                    "description": "default: what each rule says. strict: every rule mandatory. "
                    "development: practice rules off.",
                },
                "levels": {
                    "type": "object",
                    "additionalProperties": {"type": "string", "enum": levels},
                    "default": {},
                    "description": "Level by rule id (LT-01) or by group (placement). The id wins.",
                },
                "strictUnknown": {
                    "type": "boolean",
                    "default": False,
                    "description": "Whether what could not be evaluated counts at the rule's own level.",
                },
                "acknowledged": dict(SCHEMA),
            }
        ),
    )


def _acknowledged_policy() -> sdk.Policy:
    return StackValidationPolicy(
        name=ACKNOWLEDGED,
        description="Acknowledgements are of findings of this stack, and not over",
        validate=_not_by_the_sdk,
        enforcement_level=EnforcementLevel.ADVISORY,
    )


def _not_by_the_sdk(*_: object) -> None:
    raise RuntimeError(
        "the rules of this pack run in ecs_policy.pack.Analyzer only: start it with ecs_policy.pack.serve()"
    )


class Settings:
    """The levels in force: `levels` by id, else the rule's own configuration, `levels` by group, the profile.

    And what is acknowledged: raises ConfigurationError where that is wrong.
    """

    def __init__(self, properties: Mapping[str, Any], configured: Mapping[str, str]) -> None:
        profile = properties.get("profile")
        levels = properties.get("levels")
        levels = levels if isinstance(levels, Mapping) else {}
        self.strict_unknown = properties.get("strictUnknown") is True
        self.acknowledged = read(properties.get("acknowledged"))
        self._in_force: dict[str, list[Acknowledgement]] = {}
        for each in self.acknowledged:
            if not each.over(today()):
                self._in_force.setdefault(each.rule.id, []).append(each)
        self._levels: dict[str, Enforcement] = {}
        for rule in all_rules():
            level = rule.enforcement
            if profile == "strict":
                level = Enforcement.MANDATORY
            elif profile == "development" and rule.level is Level.PRACTICE:
                level = Enforcement.DISABLED
            level = _level(levels.get(rule.group)) or level
            own = _level(configured.get(rule.policy_name))
            if own is not None and own is not rule.enforcement:
                level = own
            self._levels[rule.id] = _level(levels.get(rule.id)) or level

    def level(self, rule: Rule) -> Enforcement:
        return self._levels[rule.id]

    def acknowledging(self, rule: Rule, urn: str) -> list[Acknowledgement]:
        """The acknowledgements of what the rule says of this resource."""
        return [each for each in self._in_force.get(rule.id, ()) if each.names(urn)]

    def over_or_of_nothing(
        self, stack: str, of_something: Container[Acknowledgement], unseen: Callable[[Acknowledgement], bool]
    ) -> Iterator[str]:
        """What is wrong with entries for this stack; `unseen` are those whose resource the run has not looked at."""
        for each in self.acknowledged:
            if not each.is_for(stack) or self.level(each.rule) is Enforcement.DISABLED:
                continue
            if each.over(today()):
                what = f"is over since {each.until}: its finding counts again; repair it, or decide anew and set until"
            elif each not in of_something and not unseen(each):
                what = "is of no finding of this stack; remove it, or correct rule, resource or stacks"
            else:
                continue
            yield each.problem(what)


def today() -> date:
    """Everywhere the same: the day in UTC."""
    return datetime.now(timezone.utc).date()


def _level(word: object) -> Enforcement | None:
    return Enforcement(word) if word in [each.value for each in Enforcement] else None


class Analyzer(sdk._PolicyAnalyzerServicer):
    """The SDK's servicer with one reading and one join for all rules."""

    def __init__(self, name: str, version: str, served: list[sdk.Policy], *rest: Any, **more: Any) -> None:
        super().__init__(name, version, served, *rest, **more)
        self._name, self._version = name, version
        self._policies = {policy.name: policy for policy in served}
        self._options = options(served)
        self._recorded: dict[str, Resource] = {}
        self._waiting: dict[str, list[tuple[Rule, Outcome]]] = {}
        self._rules = all_rules()
        self._plans: dict[tuple[type[Resource], bool], list[tuple[Rule, dict[str, Any]]]] = {}
        self._settings_in_force: Settings | None = None
        self._remedied: list[tuple[Rule, Remedy]] | None = None
        self._of_something: set[Acknowledgement] = set()

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 the protocol's name
        self._settings_in_force = None
        self._remedied = None
        self._plans = {}
        configured = super().Configure(request, context)  # type: ignore[no-untyped-call]
        given = {name: Properties(each.properties) for name, each in request.policyConfig.items()}
        problems = list(unused(given, self._options))
        try:
            self._settings()
        except ConfigurationError as error:
            problems.append(str(error))
        if problems and context is None:  # in process, without a server
            raise ConfigurationError("\n".join(problems))
        if problems:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, sendable("\n".join(problems)))
        return configured

    def Analyze(self, request: Any, _context: Any) -> Any:  # noqa: N802
        seen = _with_inputs(request)
        response = proto.AnalyzeResponse()
        if type(seen) is not Resource:
            self._recorded[request.urn] = seen
            outcomes = list(self._run([seen], joins=False))
            if any(isinstance(outcome, Unevaluated) for _, outcome in outcomes):
                self._waiting[request.urn] = outcomes
                outcomes = [each for each in outcomes if isinstance(each[1], Problem)]
            self._report(response, outcomes)
        elif seen.provider is None and seen.inputs:  # a component: what it is made with is said here only
            self._recorded[request.urn] = seen
        return response

    def AnalyzeStack(self, request: Any, _context: Any) -> Any:  # noqa: N802
        recorded, self._recorded = self._recorded, {}
        stack = Stack(_with_outputs(each, recorded.get(each.urn)) for each in request.resources)
        response = proto.AnalyzeResponse()
        self._report(response, [*self._decided(stack), *self._run(stack.resources.values(), joins=True)])
        self._report_acknowledgements(response, stack.resources, recorded)
        return response

    def _decided(self, stack: Stack) -> Iterator[tuple[Rule, Outcome]]:
        """What was left open until it is told what a value comes from, and what components know (`stack.DOCUMENTS`)."""
        waiting, self._waiting = self._waiting, {}
        for urn, outcomes in waiting.items():
            found = stack.resources.get(urn)
            if found is None:
                yield from (each for each in outcomes if isinstance(each[1], Unevaluated))
                continue
            told = [each for each in outcomes if isinstance(each[1], Problem)]
            yield from (each for each in self._run([found], joins=False) if each not in told)

    def Remediate(self, request: Any, _context: Any) -> Any:  # noqa: N802
        response = proto.RemediateResponse()
        if self._remedied is None:
            self._remedied = [
                (rule, remedy)
                for number, remedy in REMEDIES.items()
                for rule in self._rules
                if rule.id == number and self._settings().level(rule) is Enforcement.REMEDIATE
            ]
        for rule, remedy in self._remedied:
            seen = _with_inputs(request)
            if not isinstance(seen, remedy.on) or self._settings().acknowledging(rule, request.urn):
                continue
            try:
                changes = remedy.changes(seen, rule.configured(self._get_policy_config(rule.policy_name)))
            except Exception:  # noqa: BLE001, S112 - the rule itself reports it, as not evaluated
                continue
            if changes:
                request.properties.update(changes)  # what the next remedy starts from
                response.remediations.add(
                    policyName=rule.policy_name,
                    policyPackName=self._name,
                    policyPackVersion=self._version,
                    description=rule.title,
                    properties=request.properties,
                )
        return response

    def _run(self, resources: Iterable[Resource], *, joins: bool) -> Iterator[tuple[Rule, Outcome]]:
        for each in resources:
            kind = type(each)
            plan = self._plans.get((kind, joins))
            if plan is None:
                plan = self._plans[kind, joins] = [
                    (rule, rule.configured(self._get_policy_config(rule.policy_name)))
                    for rule in self._rules
                    if rule.joins is joins
                    and issubclass(kind, rule.resource_kinds)
                    and self._settings().level(rule) is not Enforcement.DISABLED
                ]
            for rule, options in plan:
                for outcome in rule.run(each, options):
                    yield rule, outcome
            each.forget()

    def _settings(self) -> Settings:
        if self._settings_in_force is None:
            configured = {name: self._get_enforcement_level(policy).value for name, policy in self._policies.items()}
            self._settings_in_force = Settings(self._get_policy_config(SETTINGS) or {}, configured)
        return self._settings_in_force

    def _report(self, response: Any, outcomes: Iterable[tuple[Rule, Outcome]]) -> None:
        doubts: list[Doubt] = []
        for rule, outcome in outcomes:
            acknowledged = self._acknowledging(rule, outcome.urn)
            if isinstance(outcome, Problem):
                self._diagnose(response, rule, outcome.urn, violation_text(rule, outcome), acknowledged)
            elif self._settings().strict_unknown:
                message = f"Not evaluated: {outcome.location} {outcome.reason}"
                self._diagnose(response, rule, outcome.urn, message, acknowledged)
            else:
                doubts.append((rule, outcome, acknowledged))
        policy = self._policies[SETTINGS]
        level = self._get_enforcement_level(policy)
        if level is not EnforcementLevel.DISABLED:
            for urn, message, acknowledged in together(doubts):
                self._say(response, policy, level, urn, message, acknowledged)

    def _acknowledging(self, rule: Rule, urn: str) -> Acknowledgement | None:
        found = self._settings().acknowledging(rule, urn)
        self._of_something.update(found)
        return found[0] if found else None

    def _report_acknowledgements(
        self, response: Any, resources: Mapping[str, Resource], recorded: Mapping[str, Resource]
    ) -> None:
        """Those that are over or of nothing; not where the rule is off, or has not seen the resource in this run."""
        of_something, self._of_something = self._of_something, set()
        policy = self._policies[ACKNOWLEDGED]
        level = self._get_enforcement_level(policy)
        if level is EnforcementLevel.DISABLED or not resources:
            return
        stack = stack_urn(next(iter(resources)))

        def unseen(each: Acknowledgement) -> bool:
            return not each.rule.joins and _unseen(each, resources, recorded)

        for message in self._settings().over_or_of_nothing(stack, of_something, unseen):
            self._say(response, policy, level, stack, message)

    def _diagnose(
        self, response: Any, rule: Rule, urn: str, message: str, acknowledged: Acknowledgement | None
    ) -> None:
        level = EnforcementLevel.MANDATORY  # also of what `remediate` could not repair
        if self._settings().level(rule) is Enforcement.ADVISORY:
            level = EnforcementLevel.ADVISORY
        self._say(response, self._policies[rule.policy_name], level, urn, message, acknowledged)

    def _say(
        self,
        response: Any,
        policy: sdk.Policy,
        level: EnforcementLevel,
        urn: str,
        message: str,
        acknowledged: Acknowledgement | None = None,
    ) -> None:
        """Adds a diagnostic: everything that leaves the pack as text does so here."""
        if acknowledged is not None:
            level, message = EnforcementLevel.ADVISORY, f"{acknowledged.told}\n{message}"
        report = self._create_report_violation(response, policy.name, policy.description, level, policy.severity)
        where = sendable(urn)
        try:
            report(sendable(message), where)
        except Exception as error:  # noqa: BLE001 - one finding that cannot be told must not hide the others
            report(f"found something that could not be told: {type(error).__name__}", where)


Doubt = tuple[Rule, Unevaluated, Acknowledgement | None]


def together(doubts: Iterable[Doubt]) -> Iterator[tuple[str, str, Acknowledgement | None]]:
    """URN, text and acknowledgement of what could not be evaluated: once for each resource."""
    found: dict[tuple[str, Acknowledgement | None], dict[Unevaluated, set[str]]] = {}
    for rule, doubt, acknowledged in doubts:
        found.setdefault((doubt.urn, acknowledged), {}).setdefault(doubt, set()).add(rule.id)
    for (urn, acknowledged), of_resource in found.items():
        yield urn, unevaluated_text(of_resource), acknowledged


def stack_urn(urn: str) -> str:
    """Of the stack that a resource is in: what is about all of it is said of this. Without a URN the engine panics."""
    stack, project, *_ = urn.split("::", 2)
    return f"{stack}::{project}::pulumi:pulumi:Stack::{project}-{stack.rpartition(':')[2]}"


def _unseen(
    acknowledgement: Acknowledgement, resources: Mapping[str, Resource], recorded: Mapping[str, Resource]
) -> bool:
    """Whether the run left out, as `--target` does, a resource that is acknowledged."""
    kinds = acknowledgement.rule.resource_kinds
    return any(
        isinstance(each, kinds) and urn not in recorded and acknowledgement.names(urn)
        for urn, each in resources.items()
    )


def sendable(text: str) -> str:
    """The text as protocol and terminal bear it: other characters as JSON writes them, and not without end."""
    cut = text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}... ({len(text)} characters)"
    return _NOT_SENDABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", cut)


def violation_text(rule: Rule, problem: Problem) -> str:
    """The whole message of a violation, as the user reads it below the rule's title."""
    lines = [problem.message]
    if (rule.ours or problem.ours) and problem.quote is None:
        lines.append("(This pack asks for it; AWS may accept it.)")
    if problem.quote is not None:
        lines.append(f'AWS says: "{problem.quote.words}"')
    return "\n".join([*lines, problem.source or rule.source])


def _with_inputs(message: Any) -> Resource:
    return resource(
        type=message.type,
        urn=message.urn,
        name=message.name,
        inputs=Properties(message.properties),
        ignore_changes=tuple(message.options.ignoreChanges),
        timeouts=_timeouts(message),
        provider=Properties(message.provider.properties) if message.HasField("provider") else None,
    )


def _with_outputs(message: Any, recorded: Resource | None) -> Resource:
    seen = recorded or resource(
        type=message.type,
        urn=message.urn,
        name=message.name,
        ignore_changes=tuple(message.options.ignoreChanges),
        timeouts=_timeouts(message),
        provider=Properties(message.provider.properties) if message.HasField("provider") else None,
    )
    seen.outputs = Properties(message.properties)
    seen.parent = message.parent
    seen.dependencies = message.dependencies
    seen.property_dependencies = _Sources(message.propertyDependencies)
    return seen


def _timeouts(message: Any) -> dict[str, float]:
    """Seconds by operation, of those that the program set."""
    given = message.options.customTimeouts
    return {name: getattr(given, name) for name in ("create", "update", "delete") if getattr(given, name)}


class Properties(Mapping[str, Any]):
    """A protobuf struct read on demand: most properties of most resources are never looked at."""

    __slots__ = ("_fields",)

    def __init__(self, struct: Any) -> None:
        self._fields = struct.fields

    def __getitem__(self, key: str) -> Any:
        if key not in self._fields:
            raise KeyError(key)
        return _plain(self._fields[key])

    def get(self, key: str, default: Any = None) -> Any:
        fields = self._fields
        return _plain(fields[key]) if key in fields else default

    def __contains__(self, key: object) -> bool:
        return key in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class _Sources(Mapping[str, Sequence[str]]):
    """What each property depends on, read on demand."""

    __slots__ = ("_message",)

    def __init__(self, message: Any) -> None:
        self._message = message

    def __getitem__(self, key: str) -> Sequence[str]:
        if key not in self._message:
            raise KeyError(key)
        return list(self._message[key].urns)

    def get(self, key: str, default: Any = None) -> Any:
        return list(self._message[key].urns) if key in self._message else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._message)

    def __len__(self) -> int:
        return len(self._message)


def _plain(value: Any) -> Any:
    text = value.string_value  # empty for whatever else it holds
    if text:
        return text
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return text
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        return value.number_value
    if kind == "struct_value":
        return {key: _plain(each) for key, each in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_plain(each) for each in value.list_value.values]
    return None


__all__ = [
    "ACKNOWLEDGED",
    "SETTINGS",
    "Analyzer",
    "Properties",
    "Settings",
    "canonical_type",
    "options",
    "policies",
    "sendable",
    "serve",
    "violation_text",
]
