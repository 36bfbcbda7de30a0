"""Scaling: how many tasks a service runs, by load and by the clock."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, Check, Contradiction, Names, as_is, each, whole
from ecs_policy.schedules import is_schedule, time_zones

TaskCount = Annotated[int, whole(0, 5000, fix="choose how many tasks there are to be")]
MaxTaskCount = Annotated[int, whole(1, 5000, fix="choose how many tasks the load may need")]
TargetPercent = Annotated[int, whole(10, 90, fix="choose a load that leaves room until new tasks have started")]
RequestsPerTarget = Annotated[
    int, whole(1, 1_000_000, fix="choose the requests that a task answers in a minute at its best load")
]
Timezone = Annotated[
    str,
    Check(
        "an IANA time zone",
        "name one, for instance Asia/Tokyo",
        lambda value: isinstance(value, str) and value in time_zones(),
    ),
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

_SCALE_OUT_SECONDS = 60
_SCALE_IN_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class ScalingChoices(Arguments):
    """Autoscaling: how many tasks run, by load and by the clock."""

    max_count: MaxTaskCount | None = None
    """Maximum number of tasks when autoscaling; 0 disables autoscaling."""

    cpu_percent: TargetPercent | None = 60
    """Target CPU utilization in percent of the tasks' CPU; 0 does not scale by it."""

    memory_percent: TargetPercent | None = 75
    """Target memory utilization in percent of the tasks' memory; 0 does not scale by it."""

    requests_per_target: RequestsPerTarget | None = None
    """Target requests in a minute for each task; 0 does not scale by them.
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html"""

    schedule: Schedule = ()
    """Minimum and maximum number of tasks by the clock, as `cron(0 20 * * ? *) 0-0`. The schedule then owns the limits:
    changes of the number of tasks and of the maximum no longer reach a running service.
    https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html"""

    timezone: Timezone = "UTC"
    """IANA time zone of the schedule."""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(("schedule", "max_count"), self._schedule_problem),
            Contradiction(
                ("cpu_percent", "memory_percent", "requests_per_target", "schedule", "max_count"), self._cause_problem
            ),
        ]

    def _schedule_problem(self) -> str | None:
        if not self.schedule or self.max_count is not None:
            return None
        schedule, max_count = self.called("schedule"), self.called("max_count")
        return (
            f"{schedule}: got a schedule without {max_count}, expected none while nothing scales; "
            f"set {max_count} or remove {schedule}"
        )

    def _cause_problem(self) -> str | None:
        """Why nothing would ever scale; None when something does."""
        causes = ("cpu_percent", "memory_percent", "requests_per_target", "schedule")
        if self.max_count is None or any(getattr(self, each) for each in causes):
            return None
        first, *others = map(self.called, causes)
        return (
            f"{first}: got nothing, as have {', '.join(others[:-1])} and {others[-1]}, expected at least one of them; "
            "say what to scale by"
        )


@dataclass(frozen=True, kw_only=True)
class AutoscalingArgs(ScalingChoices):
    """Arguments of `Autoscaling`."""

    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]

    min_count: TaskCount
    """Tasks that run when nothing is to be done, 0 to 5000. No metric starts a task where none runs: 0 needs a
    `schedule` that ends it. With a schedule, `min_count` and `max_count` hold from the start to its first action.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html"""

    target_group_label: pulumi.Input[str] | None = None
    """Where requests are counted: `<load balancer's ARN suffix>/<target group's ARN suffix>`. Needed with
    `requests_per_target`."""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(("max_count",), self._missing_problem),
            Contradiction(("min_count", "max_count"), lambda: count_problem(self.min_count, self.max_count)),
            Contradiction(("min_count", "schedule"), lambda: sleep_problem(self.min_count, self.schedule)),
            *super().contradictions(),
            Contradiction(("requests_per_target",), self._label_problem),
        ]

    def _missing_problem(self) -> str | None:
        return None if self.max_count is not None else "max_count: got nothing, expected a number of tasks; set it"

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

        assert args.max_count is not None  # else they are refused
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


def count_problem(min_count: int, max_count: int | None, called: Names = as_is) -> str | None:
    """Why these limits cannot be, in the caller's names of the two arguments; None when they can."""
    if max_count is None or min_count <= max_count:
        return None
    least, most = called("min_count"), called("max_count")
    return (
        f"{most}: got {max_count} with {least} {min_count}, expected at least {min_count}; "
        f"raise {most} or lower {least}"
    )


def most_tasks(max_count: int, schedule: Sequence[str]) -> int:
    """Tasks that there can be at most, by load or by the clock."""
    return max([max_count, *(int(parts["high"]) for parts in map(_ACTION.fullmatch, schedule) if parts)])


def sleep_problem(min_count: int, schedule: Sequence[str], called: Names = as_is) -> str | None:
    """Why no task would ever start, in the caller's names of the two arguments; None when one does."""
    wakes = any(parts and int(parts["low"]) for parts in map(_ACTION.fullmatch, schedule))
    if min_count or wakes:
        return None
    return (
        f"{called('min_count')}: got 0 without anything in {called('schedule')} that raises it, expected at least 1, "
        f"since no metric starts a task where none runs; raise {called('min_count')}, or wake the service by "
        f"{called('schedule')}"
    )
