"""What ECS refuses, asked of the rules of the policy pack, so that program and policy say it in the same words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecs_policy.model import resource
from ecs_policy.rule import Rule
from ecs_policy.values import Problem

SERVICE = "aws:ecs/service:Service"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"


def problem(kind: str, inputs: Mapping[str, Any], rules: Iterable[Rule], names: Mapping[str, str]) -> str | None:
    """Everything that the rules say against a resource with these inputs; None when they say nothing.

    `names` gives the caller's word for an input: `{"placementConstraints": "placement_constraints"}`.
    """
    subject = resource(type=kind, urn="", name="", inputs=inputs)
    found: Sequence[str] = [
        _in_the_callers_words(outcome.message.removeprefix(f"{subject.label} "), names)
        for rule in rules
        for outcome in rule.run(subject)
        if isinstance(outcome, Problem)
    ]
    return "\n  - ".join(found) or None


def _in_the_callers_words(message: str, names: Mapping[str, str]) -> str:
    for theirs, ours in names.items():
        message = message.replace(theirs, ours)
    return message
