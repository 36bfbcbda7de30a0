"""The instances that containers run on."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import LaunchConfiguration, LaunchTemplate
from ecs_policy.rule import Level, Problem, Value, resource_rule
from ecs_policy.values import independently

_MOST_HOPS = 2


@resource_rule(
    "NW-08 imdsv2",
    on=(LaunchTemplate, LaunchConfiguration),
    title="Instances require IMDSv2",
    why="By the older way a container, or a request that it is tricked into, gets the instance's credentials. One hop "
    "reaches the instance, a second containers with a bridge network.",
    level=Level.PRACTICE,
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html",
    frameworks=("Security Hub EC2.170", "Security Hub AutoScaling.3", "Security Hub AutoScaling.4"),
)
def imdsv2(launch: LaunchTemplate | LaunchConfiguration) -> Iterator[Problem]:
    options = launch["metadataOptions"]
    if options["httpEndpoint"].text() != "disabled":
        yield from independently((_with_token(options), _near(options)))


def _with_token(options: Value) -> Iterator[Problem]:
    if options["httpTokens"].text() != "required":
        yield options["httpTokens"].problem('"required"', 'set metadataOptions.httpTokens to "required"')


def _near(options: Value) -> Iterator[Problem]:
    hops = options["httpPutResponseHopLimit"]
    if (hops.number() or 1) > _MOST_HOPS:
        yield hops.problem(f"1, or {_MOST_HOPS} for containers with a bridge network", "lower httpPutResponseHopLimit")
