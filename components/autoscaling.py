"""Scaling: how many tasks a service runs, by load and by the clock."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, Check, Contradiction, each, whole
from ecs_policy.schedules import is_schedule, time_zones

TaskCount = Annotated[int, whole(0, 5000, fix="choose how many tasks there are to be")]
MaxTaskCount = Annotated[int, whole(1, 5000, fix="choose how many tasks the load may need")]
TargetPercent = Annotated[int, whole(10, 90, fix="choose a load that leaves room until new tasks have started")]
RequestsPerTarget = Annotated[
    int, whole(1, 1_000_000, fix="choose the requests that a task answers in a minute at its best load")
]
Timezone = Annotated[
    str, Check("an IANA time zone", "name one, for instance Asia/Tokyo", lambda value: value in time_zones())
]
"""https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html"""


_ACTION = re.compile(r"(?P<when>(cron|rate|at)\([^()]+\)) (?P<low>[0-9]{1,4})-(?P<high>[0-9]{1,4})")
_MOST_ACTIONS = 200
"""Scheduled actions of one scalable target.
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-quotas.html"""


def _is_action(value: object) -> bool:
    parts = _ACTION.fullmatch(value) if isinstance(value, str) else None
    return parts is not None and int(parts["low"]) <= int(parts["high"]) <= 5000 and is_schedule(parts["when"])


Schedule = Annotated[
    Sequence[str],
    each(
        Check(
            "<when> <least>-<most tasks>, up to 5000",
            "write for instance cron(0 20 * * ? *) 0-0, six fields with ? for one of the two days",
            _is_action,
        ),
        at_least=0,
        at_most=_MOST_ACTIONS,
    ),
]

_CAUSES = ("cpu_percent", "memory_percent", "requests_per_target", "schedule")
_SCALE_OUT_SECONDS = 60
_SCALE_IN_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class AutoscalingArgs(Arguments):
    """Arguments of `Autoscaling`."""

    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]

    min_count: TaskCount
    """Tasks that run when nothing is to be done, 0 to 5000. No metric starts a task where none runs: 0 needs a
    `schedule` that ends it.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html"""

    max_count: MaxTaskCount
    """Tasks that run at most, 1 to 5000."""

    cpu_percent: TargetPercent | None = 60
    """CPU load of the service to hold, in percent of what its tasks have, 10 to 90; None: not looked at."""

    memory_percent: TargetPercent | None = 75
    """Memory use of the service to hold, in percent of what its tasks have, 10 to 90; None: not looked at."""

    requests_per_target: RequestsPerTarget | None = None
    """Requests in a minute that each task is to get; None: not looked at. Needs `target_group_label`.
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html"""

    target_group_label: pulumi.Input[str] | None = None
    """Where requests are counted: `<load balancer's ARN suffix>/<target group's ARN suffix>`."""

    schedule: Schedule = ()
    """What changes `min_count` and `max_count` by the clock, each `<when> <least>-<most>`; when is `cron(...)`,
    `rate(...)` or `at(...)`. `cron(0 20 * * ? *) 0-0` stops everything at eight in the evening. The limits then belong
    to the schedule: `min_count` and `max_count` hold from the start to its first action, deployments leave them.
    https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html"""

    timezone: Timezone = "UTC"
    """IANA time zone of the schedule."""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(("min_count", "max_count"), lambda: count_problem(self.min_count, self.max_count)),
            Contradiction(("min_count", "schedule"), lambda: sleep_problem(self.min_count, self.schedule)),
            Contradiction(
                _CAUSES,
                lambda: cause_problem(
                    self.cpu_percent, self.memory_percent, self.requests_per_target, self.schedule, *_CAUSES
                ),
            ),
            Contradiction(("requests_per_target",), self._label_problem),
        ]

    def _label_problem(self) -> str | None:
        if self.requests_per_target is None or self.target_group_label is not None:
            return None
        return (
            "target_group_label: got nothing with requests_per_target, expected "
            "<load balancer's ARN suffix>/<target group's ARN suffix>; say where requests are counted"
        )


class Autoscaling(pulumi.ComponentResource):
    """Target tracking and scheduled scaling of one ECS service.

    Each target asks for the tasks it needs and the largest number wins: one busy metric is enough to scale out, all
    must be quiet to scale in. New tasks come after a minute's pause, tasks leave after five: too many cost little, too
    few cost answers. ECS does not scale in while it deploys.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html

    The service must leave its count alone (`is_scaled`). Not done here: step and predictive scaling.
    """

    TYPE = "h4b:autoscaling:Autoscaling"

    def __init__(self, name: str, args: AutoscalingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)

        target = aws.appautoscaling.Target(
            name,
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=pulumi.Output.concat("service/", args.cluster_name, "/", args.service_name),
            min_capacity=args.min_count,
            max_capacity=args.max_count,
            opts=pulumi.ResourceOptions(
                parent=self, ignore_changes=["minCapacity", "maxCapacity"] if args.schedule else None
            ),
        )
        self._track(target, name, "cpu", "ECSServiceAverageCPUUtilization", args.cpu_percent)
        self._track(target, name, "memory", "ECSServiceAverageMemoryUtilization", args.memory_percent)
        self._track(
            target, name, "requests", "ALBRequestCountPerTarget", args.requests_per_target, args.target_group_label
        )
        for index, action in enumerate(args.schedule):
            parts = _ACTION.fullmatch(action)
            assert parts is not None
            aws.appautoscaling.ScheduledAction(
                f"{name}-{index}",
                service_namespace=target.service_namespace,
                scalable_dimension=target.scalable_dimension,
                resource_id=target.resource_id,
                schedule=parts["when"],
                timezone=args.timezone,
                scalable_target_action=aws.appautoscaling.ScheduledActionScalableTargetActionArgs(
                    min_capacity=int(parts["low"]), max_capacity=int(parts["high"])
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )

        self.register_outputs({})

    def _track(
        self,
        target: aws.appautoscaling.Target,
        name: str,
        role: str,
        metric: str,
        value: int | None,
        resource_label: pulumi.Input[str] | None = None,
    ) -> None:
        if value is None:
            return
        aws.appautoscaling.Policy(
            f"{name}-{role}",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=value,
                scale_out_cooldown=_SCALE_OUT_SECONDS,
                scale_in_cooldown=_SCALE_IN_SECONDS,
                predefined_metric_specification=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type=metric, resource_label=resource_label
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def count_problem(
    min_count: int, max_count: int, min_count_argument: str = "min_count", max_count_argument: str = "max_count"
) -> str | None:
    """Why these limits cannot be, in the caller's names of the two arguments; None when they can."""
    if min_count <= max_count:
        return None
    return (
        f"{max_count_argument}: got {max_count} with {min_count_argument} {min_count}, "
        f"expected at least {min_count}; raise {max_count_argument} or lower {min_count_argument}"
    )


def most_tasks(max_count: int, schedule: Sequence[str]) -> int:
    """Tasks that there can be at most, by load or by the clock."""
    return max([max_count, *(int(parts["high"]) for parts in map(_ACTION.fullmatch, schedule) if parts)])


def sleep_problem(
    min_count: int, schedule: Sequence[str], min_count_argument: str = "min_count", schedule_argument: str = "schedule"
) -> str | None:
    """Why no task would ever start, in the caller's names of the two arguments; None when one does."""
    wakes = any(parts and int(parts["low"]) for parts in map(_ACTION.fullmatch, schedule))
    if min_count or wakes:
        return None
    return (
        f"{min_count_argument}: got 0 without anything in {schedule_argument} that raises it, expected at least 1, "
        f"since no metric starts a task where none runs; raise {min_count_argument}, or wake the service by "
        f"{schedule_argument}"
    )


def cause_problem(
    cpu_percent: int | None,
    memory_percent: int | None,
    requests_per_target: int | None,
    schedule: Sequence[str],
    cpu_percent_argument: str,
    *other_arguments: str,
) -> str | None:
    """Why nothing would ever scale, in the caller's names of the arguments; None when something does."""
    if cpu_percent or memory_percent or requests_per_target or schedule:
        return None
    others = f"{', '.join(other_arguments[:-1])} and {other_arguments[-1]}"
    return f"{cpu_percent_argument}: got nothing, as have {others}, expected at least one of them; say what to scale by"
