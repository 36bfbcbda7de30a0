"""The policy pack of this checkout over a preview that was made elsewhere, with another checkout's pack or none.

What a preview of the engine gives the pack is in its events, but for what comes from what: that is in its plan. The
levels are those of the rules, without configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ecs_policy.model import resource
from ecs_policy.rule import all_rules
from ecs_policy.stack import Resource, Stack
from ecs_policy.values import Problem
from risk.preview import UNKNOWN, Remark, section

if TYPE_CHECKING:
    from pulumi.automation.events import EngineEvent, StepEventStateMetadata

UNEVALUATED = "ecs-settings"
"""The policy under which the pack reports what it could not evaluate."""


def remarks(events: Iterable[EngineEvent], plan: Mapping[str, Any]) -> Iterator[Remark]:
    """Every violation, and what could not be evaluated, as the pack tells them. `plan` is the saved plan, decoded."""
    states: dict[str, StepEventStateMetadata] = {}
    for event in events:
        step = event.resource_pre_event or event.res_outputs_event
        if step and step.metadata.op.value != "refresh" and step.metadata.new:
            states[step.metadata.urn] = step.metadata.new
    stack = Stack(_resource(state, plan, states) for state in states.values())
    doubts: dict[tuple[str, str, str, bool], set[str]] = {}
    for seen in stack.resources.values():
        for rule in (rule for rule in all_rules() if isinstance(seen, rule.resource_kinds)):
            for outcome in rule.run(seen):
                if isinstance(outcome, Problem):
                    level = "advisory" if rule.enforcement.value == "advisory" else "mandatory"
                    yield Remark(level, rule.policy_name, outcome.urn, f"{rule.title}\n{outcome.message}")
                else:
                    doubts.setdefault((outcome.urn, outcome.location, outcome.reason, rule.joins), set()).add(rule.id)
    for (urn, location, reason, _), rules in doubts.items():
        text = f"What could not be evaluated\n{location} {reason}. Not evaluated: {', '.join(sorted(rules))}"
        yield Remark("advisory", UNEVALUATED, urn, text)


def _resource(
    state: StepEventStateMetadata, plan: Mapping[str, Any], states: Mapping[str, StepEventStateMetadata]
) -> Resource:
    goal = section(section(section(plan, "resourcePlans"), state.urn), "goal")
    timeouts = section(goal, "customTimeouts")
    provider = states.get(state.provider.rpartition("::")[0])
    return resource(
        type=state.type,
        urn=state.urn,
        name=state.urn.rpartition("::")[2],
        inputs=_told(state.inputs),
        outputs=_told({**(state.inputs or {}), **(state.outputs or {})}),
        parent=state.parent,
        dependencies=goal.get("dependencies") or (),
        property_dependencies={key: urns or () for key, urns in section(goal, "propertyDependencies").items()},
        ignore_changes=goal.get("ignoreChanges") or (),
        timeouts={key: value for key, value in timeouts.items() if value},
        provider=_told(provider.inputs) if provider else None,
    )


def _told(value: Any) -> Any:
    """The value as far as events tell it: in every text that holds what some secret is, the engine hides that."""
    if isinstance(value, Mapping):
        return {key: _told(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_told(each) for each in value]
    return UNKNOWN if isinstance(value, str) and "[secret]" in value else value
