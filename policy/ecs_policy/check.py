"""What the rules say of a stack that a file holds: in process, without the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ecs_policy.acknowledgements import Acknowledgement
from ecs_policy.configuration import ACKNOWLEDGED, SETTINGS, Configuration
from ecs_policy.files import Read
from ecs_policy.pack import Settings, stack_urn
from ecs_policy.rule import Enforcement, Rule, Severity, all_rules
from ecs_policy.stack import Resource, Stack
from ecs_policy.values import Problem, Unevaluated

_GRAVEST_FIRST = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One violation."""

    rule: Rule
    problem: Problem
    mandatory: bool
    acknowledged: str
    """Why it may stay; empty where nothing says so."""


@dataclass(frozen=True, kw_only=True)
class Open:
    """One place where something stood in the way of verdicts."""

    at: Unevaluated
    rules: tuple[Rule, ...]
    mandatory: bool
    acknowledged: str


@dataclass(frozen=True, kw_only=True)
class Report:
    resources: int
    findings: list[Finding]
    not_evaluated: list[Open]
    notes: list[tuple[str, bool]] = field(default_factory=list)
    """What is about the whole, and whether it is mandatory."""
    passed: list[Rule]
    """Rules that looked at something, and were content with all of it."""

    @property
    def failed(self) -> bool:
        """Whether anything mandatory is there."""
        return (
            any(each.mandatory for each in self.findings)
            or any(each.mandatory for each in self.not_evaluated)
            or any(mandatory for _, mandatory in self.notes)
        )


def check(read: Read, configuration: Configuration) -> Report:
    """Every rule that is on, on every resource. Raises ConfigurationError where acknowledgements are wrong."""
    return _Check(configuration).run(read)


class _Check:
    def __init__(self, configuration: Configuration) -> None:
        all_policies = configuration.levels.get("all")
        levels = {} if all_policies is None else {rule.policy_name: all_policies for rule in all_rules()}
        self.configuration = configuration
        self.settings = Settings(configuration.options.get(SETTINGS, {}), {**levels, **configuration.levels})
        self.of_something: set[Acknowledgement] = set()

    def run(self, read: Read) -> Report:
        findings: list[Finding] = []
        unevaluated: dict[tuple[Unevaluated, Acknowledgement | None], list[Rule]] = {}
        looked: dict[str, Rule] = {}
        rules = [
            (rule, rule.configured(self.configuration.options.get(rule.policy_name)))
            for rule in all_rules()
            if self.settings.level(rule) is not Enforcement.DISABLED
        ]
        for each in read.stack.resources.values():
            for rule, options in rules:
                if not isinstance(each, rule.resource_kinds) or not _seen(rule, each):
                    continue
                looked[rule.id] = rule
                for outcome in rule.run(each, options):
                    acknowledged = self._acknowledging(rule, outcome.urn)
                    if isinstance(outcome, Problem):
                        findings.append(self._finding(rule, outcome, acknowledged))
                    else:
                        unevaluated.setdefault((outcome, acknowledged), []).append(rule)
            each.forget()
        opened = [self._open(*at, found) for at, found in unevaluated.items()]
        spoken = {each.rule.id for each in findings} | {rule.id for each in opened for rule in each.rules}
        return Report(
            resources=len(read.stack.resources),
            findings=sorted(findings, key=_gravest_first),
            not_evaluated=sorted(opened, key=lambda each: (not each.mandatory, each.at))
            if self._told(SETTINGS)
            else [],
            notes=[*((note, False) for note in read.notes), *self._about_entries(read.stack)],
            passed=[rule for number, rule in looked.items() if number not in spoken],
        )

    def _acknowledging(self, rule: Rule, urn: str) -> Acknowledgement | None:
        found = self.settings.acknowledging(rule, urn)
        self.of_something.update(found)
        return found[0] if found else None

    def _finding(self, rule: Rule, problem: Problem, acknowledged: Acknowledgement | None) -> Finding:
        return Finding(
            rule=rule,
            problem=problem,
            mandatory=acknowledged is None and self.settings.level(rule) is not Enforcement.ADVISORY,
            acknowledged=acknowledged.told if acknowledged else "",
        )

    def _open(self, at: Unevaluated, acknowledged: Acknowledgement | None, rules: Iterable[Rule]) -> Open:
        distinct = tuple({rule.id: rule for rule in rules}.values())
        strict = self.settings.strict_unknown and any(
            self.settings.level(rule) is not Enforcement.ADVISORY for rule in distinct
        )
        return Open(
            at=at,
            rules=distinct,
            mandatory=acknowledged is None and (strict or self._raised(SETTINGS)),
            acknowledged=acknowledged.told if acknowledged else "",
        )

    def _about_entries(self, stack: Stack) -> list[tuple[str, bool]]:
        if not stack.resources or not self._told(ACKNOWLEDGED):
            return []
        unlooked = [each for each in stack.resources.values() if each.inputs is None]

        def unseen(entry: Acknowledgement) -> bool:
            return not entry.rule.joins and any(
                isinstance(each, entry.rule.resource_kinds) and entry.names(each.urn) for each in unlooked
            )

        urn = stack_urn(next(iter(stack.resources)))
        found = self.settings.over_or_of_nothing(urn, self.of_something, unseen)
        return [(message, self._raised(ACKNOWLEDGED)) for message in found]

    def _level(self, policy: str) -> str:
        levels: Mapping[str, str] = self.configuration.levels
        return levels.get(policy, levels.get("all", "advisory"))

    def _told(self, policy: str) -> bool:
        return self._level(policy) != "disabled"

    def _raised(self, policy: str) -> bool:
        return self._level(policy) in ("mandatory", "remediate")


def _seen(rule: Rule, each: Resource) -> bool:
    """Without recorded inputs a rule about one resource alone has nothing to read, as with `--target`."""
    return rule.joins or each.inputs is not None


def _gravest_first(finding: Finding) -> tuple[bool, bool, int, str, Problem]:
    severity = _GRAVEST_FIRST.index(finding.rule.severity)
    problem = finding.problem._replace(quote=None)
    return (not finding.mandatory, bool(finding.acknowledged), severity, finding.rule.id, problem)
