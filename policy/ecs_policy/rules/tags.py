"""Tags that an organisation asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecs_policy.model import (
    CapacityProvider,
    Cluster,
    LoadBalancer,
    LogGroup,
    Repository,
    Service,
    TargetGroup,
    TaskDefinition,
)
from ecs_policy.rule import Level, Option, Problem, Severity, resource_rule
from ecs_policy.stack import Resource
from ecs_policy.values import quoted


@resource_rule(
    "TG-01 tag-keys",
    on=(CapacityProvider, Cluster, LoadBalancer, LogGroup, Repository, Service, TargetGroup, TaskDefinition),
    title="Resources carry the tags that the organisation asks for",
    why="Costs, owners and access are told apart by tags. Default tags of the provider count.",
    level=Level.PRACTICE,
    severity=Severity.LOW,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html",
    frameworks=("Security Hub ECS.13", "Security Hub ECS.14", "Security Hub ECS.15"),
    options={
        "keys": Option(
            schema={"type": "array", "items": {"type": "string"}, "default": []},
            about="Keys that must be there with a value. Without any this rule asks for nothing.",
        )
    },
)
def tag_keys(resource: Resource, options: Mapping[str, Any]) -> Iterator[Problem]:
    if not options["keys"]:
        return
    tags, default = resource["tags"], resource.of_provider("defaultTags").parsed()["tags"]
    missing = [key for key in options["keys"] if not tags[key].filled and not default[key].filled]
    if missing:
        yield tags.problem(f"tags {quoted(options['keys'])}; {quoted(missing)} are missing", "add them")
