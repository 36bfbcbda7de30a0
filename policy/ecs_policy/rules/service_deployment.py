"""What a service deploys, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecs_policy.model import Service
from ecs_policy.rule import Enforcement, Level, Problem, resource_rule

_PINNED = re.compile(r".+:[0-9]+", re.DOTALL)


@resource_rule(
    "SV-17 pin-revision",
    on=Service,
    title="A service pins a revision of its task definition",
    why="A bare family means the latest active revision: what runs then depends on who registered last.",
    level=Level.PRACTICE,
    enforcement=Enforcement.MANDATORY,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html",
    ours=True,
)
def pin_revision(service: Service) -> Iterator[Problem]:
    value = service["taskDefinition"]
    text = value.text()
    if text is not None and not _PINNED.fullmatch(text):
        yield value.problem(
            "a full ARN or family:revision", "use the task definition's arn, not arnWithoutRevision or family"
        )
