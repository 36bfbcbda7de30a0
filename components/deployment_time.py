"""How long a deployment may take, by the policy pack's calculator and what AWS says of the service."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.ecs_api import Shape
from ecs_policy.deployment_bounds import bounds
from ecs_policy.service_rollout import deployment_of

_WITHOUT_BOUND_SECONDS = 20 * 60
"""What the AWS provider itself waits for a service; for settings with which a deployment may never end.
https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecs_service#timeouts"""


@dataclass(frozen=True)
class Expectation:
    """What a deployment may take."""

    limit_seconds: int
    """After which one that is neither done nor rolled back will not be: its bound, with the margin for ECS."""

    bake_seconds: int = 0
    """Part of it, when all tasks are steady: until ECS stops watching alarms, or removes the old tasks."""

    alarms: Sequence[Shape] = ()
    """The alarms that it is watched by, as DescribeAlarms told at its start."""


def expectation(
    service: Shape,
    containers: Sequence[Shape],
    target_groups: Sequence[Shape],
    alarms: Sequence[Shape],
    task_start_seconds: int,
) -> Expectation:
    """What the deployment of a service may take. The arguments are those of `deployment_of`."""
    deployment = deployment_of(
        service,
        containers=containers,
        target_groups=target_groups,
        alarms=alarms,
        task_start_seconds=task_start_seconds,
    )
    limit = bounds(deployment).recommended_update_timeout_seconds or _WITHOUT_BOUND_SECONDS
    watched = deployment.alarm_bake_seconds if deployment.strategy == "ROLLING" else 0
    return Expectation(limit, max(60 * deployment.bake_minutes, watched), alarms)
