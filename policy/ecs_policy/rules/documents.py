"""Whether what a component says of its children's JSON texts (`stack.DOCUMENTS`) is what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ecs_policy import model  # noqa: F401 it fills KINDS
from ecs_policy.rule import Enforcement, Level, Problem, Severity, stack_rule
from ecs_policy.stack import DOCUMENTS, KINDS, Resource
from ecs_policy.values import Value


@stack_rule(
    "CM-01 component-documents",
    on=tuple(sorted(set(KINDS.values()), key=lambda kind: kind.__name__)),
    title="What a component says of its children's JSON texts is what they are",
    why="In a preview the rules read what it says: if that is something else, they look at the wrong thing.",
    beyond="In a preview, where the text is not known.",
    level=Level.FAILS,
    enforcement=Enforcement.ADVISORY,
    severity=Severity.MEDIUM,
    source="https://www.pulumi.com/docs/iac/concepts/components/#registering-component-outputs",
    ours=True,
)
def documents_agree(resource: Resource) -> Iterator[Problem]:
    documents = resource.stack.documents_for(resource)
    for key in [] if documents is None else documents.keys():
        text = resource.own(key)
        stated = resource.stated(key)
        if text.unknown or stated is None:
            continue
        place = _difference(text.parsed().raw, stated)
        if place is not None:
            yield Problem(
                resource.urn,
                place,
                f"{resource.label} {place}: got something else than in the output {json.dumps(DOCUMENTS)} of its "
                "component, expected the same; make both of one structure",
                ours=True,
            )


def _difference(text: Any, stated: Value) -> str | None:
    """The first place where the document is not what the component says; None where there is none."""
    if stated.unknown:
        return None
    said = stated.raw
    if isinstance(said, dict) and isinstance(text, dict):
        if said.keys() != text.keys():
            return stated.location
        inside = [(text[key], stated[key]) for key in said]
    elif isinstance(said, list) and isinstance(text, list) and len(said) == len(text):
        inside = list(zip(text, stated.items(), strict=True))
    else:
        return None if said == text else stated.location
    return next((place for each, value in inside if (place := _difference(each, value)) is not None), None)
