"""The policy pack of this checkout over a preview that was made elsewhere, with another checkout's pack or none.

What a preview of the engine gives the pack is in its events, but for what comes from what: that is in its plan. Levels
and what is acknowledged are those of this checkout's `policy-config.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecs_policy.acknowledgements import Acknowledgement
from ecs_policy.configuration import SETTINGS
from ecs_policy.model import resource
from ecs_policy.pack import Doubt, Settings, together
from ecs_policy.rule import Enforcement, all_rules
from ecs_policy.sentinels import UNKNOWN
from ecs_policy.stack import Resource, Stack
from ecs_policy.values import Problem
from risk.preview import Remark, section

if TYPE_CHECKING:
    from pulumi.automation.events import EngineEvent, StepEventStateMetadata


_NOT_GIVEN = ("refresh", "read", "read-replacement")
"""Steps whose resources the engine gives no policy pack: what a stack only reads is another's."""

CONFIGURATION = Path(__file__).parent.parent / "policy-config.json"


def remarks(events: Iterable[EngineEvent], plan: Mapping[str, Any]) -> Iterator[Remark]:
    """Every violation, and what could not be evaluated, as the pack tells them. `plan` is the saved plan, decoded."""
    settings = Settings(json.loads(CONFIGURATION.read_text())[SETTINGS], {})
    rules = [rule for rule in all_rules() if settings.level(rule) is not Enforcement.DISABLED]
    states: dict[str, StepEventStateMetadata] = {}
    for event in events:
        step = event.resource_pre_event or event.res_outputs_event
        if step and step.metadata.op.value not in _NOT_GIVEN and step.metadata.new:
            states[step.metadata.urn] = step.metadata.new
    stack = Stack(_resource(state, plan, states) for state in states.values())
    doubts: list[Doubt] = []
    for seen in stack.resources.values():
        for rule in rules:
            if not isinstance(seen, rule.resource_kinds):
                continue
            for outcome in rule.run(seen):
                acknowledged = next(iter(settings.acknowledging(rule, outcome.urn)), None)
                if isinstance(outcome, Problem):
                    advisory = acknowledged or settings.level(rule) is Enforcement.ADVISORY
                    text = _text(rule.title, acknowledged, outcome.message)
                    yield Remark("advisory" if advisory else "mandatory", rule.policy_name, outcome.urn, text)
                else:
                    doubts.append((rule, outcome, acknowledged))
    for urn, message, acknowledged in together(doubts):
        yield Remark("advisory", SETTINGS, urn, _text("What could not be evaluated", acknowledged, message))


def _text(title: str, acknowledged: Acknowledgement | None, message: str) -> str:
    return "\n".join([title, *([acknowledged.told] if acknowledged else []), message])


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
