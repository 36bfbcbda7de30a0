"""Scaling by load and by the clock."""

from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.autoscaling import Autoscaling, AutoscalingArgs, count_problem
from components.checks import ArgumentError
from tests.mocks import UNKNOWN, Run, run, unknown

TARGET = "aws:appautoscaling/target:Target"
POLICY = "aws:appautoscaling/policy:Policy"
ACTION = "aws:appautoscaling/scheduledAction:ScheduledAction"
RESOURCE = "service/cluster-1/service-1"


def args(**changes: Any) -> AutoscalingArgs:
    values: dict[str, Any] = {
        "cluster_name": "cluster-1",
        "service_name": "service-1",
        "min_count": 2,
        "max_count": 10,
    }
    return AutoscalingArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        upstream = {"cluster_name": unknown(), "service_name": unknown()} if preview else {}
        Autoscaling("shop", args(**upstream | changes))
        pulumi.export("done", True)

    return run(program, preview=preview)


def test_it_scales_by_cpu_and_memory() -> None:
    made = build()
    assert made.names == {
        ("h4b:autoscaling:Autoscaling", "shop"),
        (TARGET, "shop"),
        (POLICY, "shop-cpu"),
        (POLICY, "shop-memory"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:autoscaling:Autoscaling shop"}


def test_what_is_scaled_is_the_count_of_the_service_within_its_limits() -> None:
    target = build().get(TARGET)
    assert target.inputs == {
        "serviceNamespace": "ecs",
        "scalableDimension": "ecs:service:DesiredCount",
        "resourceId": RESOURCE,
        "minCapacity": 2,
        "maxCapacity": 10,
    }
    assert target.ignore_changes == ()


@pytest.mark.parametrize(
    ("role", "value", "metric"),
    [
        ("cpu", 60, {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}),
        ("memory", 75, {"predefinedMetricType": "ECSServiceAverageMemoryUtilization"}),
        (
            "requests",
            1000,
            {"predefinedMetricType": "ALBRequestCountPerTarget", "resourceLabel": "app/shop/1/targetgroup/shop/1"},
        ),
    ],
)
def test_each_target_is_tracked_out_fast_and_in_slowly(role: str, value: int, metric: dict[str, str]) -> None:
    made = build(requests_per_target=1000, target_group_label="app/shop/1/targetgroup/shop/1")
    assert made.get(POLICY, f"shop-{role}").inputs == {
        "policyType": "TargetTrackingScaling",
        "serviceNamespace": "ecs",
        "scalableDimension": "ecs:service:DesiredCount",
        "resourceId": RESOURCE,
        "targetTrackingScalingPolicyConfiguration": {
            "targetValue": value,
            "scaleOutCooldown": 60,
            "scaleInCooldown": 300,
            "predefinedMetricSpecification": metric,
        },
    }


def test_a_metric_that_is_not_looked_at_has_no_policy() -> None:
    assert (POLICY, "shop-cpu") not in build(cpu_percent=None).names
    assert (POLICY, "shop-memory") not in build(memory_percent=None).names


def test_the_clock_can_send_everybody_home() -> None:
    made = build(schedule=["cron(0 21 * * ? *) 0-0", "cron(0 8 ? * MON-FRI *) 2-4"], timezone="Asia/Tokyo")
    common = {
        "serviceNamespace": "ecs",
        "scalableDimension": "ecs:service:DesiredCount",
        "resourceId": RESOURCE,
        "timezone": "Asia/Tokyo",
    }
    assert made.get(ACTION, "shop-0").inputs == {
        **common,
        "schedule": "cron(0 21 * * ? *)",
        "scalableTargetAction": {"minCapacity": 0, "maxCapacity": 0},
    }
    assert made.get(ACTION, "shop-1").inputs == {
        **common,
        "schedule": "cron(0 8 ? * MON-FRI *)",
        "scalableTargetAction": {"minCapacity": 2, "maxCapacity": 4},
    }


def test_a_deployment_at_night_wakes_nobody() -> None:
    target = build(schedule=["cron(0 21 * * ? *) 0-0"]).get(TARGET)
    assert target.ignore_changes == ("minCapacity", "maxCapacity")


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.get(TARGET).inputs["resourceId"] == UNKNOWN


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(
            max_count=0,
            cpu_percent=95,
            requests_per_target=0,
            schedule=["every evening"],
            timezone="Tokyo!",
        )
    assert str(refused.value) == (
        "AutoscalingArgs cannot be used:\n"
        "  - max_count: got 0, expected a whole number from 1 to 5000; choose how many tasks the load may need\n"
        "  - cpu_percent: got 95, expected a whole number from 10 to 90; "
        "choose a load that leaves room until new tasks have started\n"
        "  - requests_per_target: got 0, expected a whole number from 1 to 1000000; "
        "choose the requests that a task answers in a minute at its best load\n"
        "  - schedule: got ['every evening'], expected a list, without repetition, of at most 200: "
        "<when> <least>-<most tasks>, up to 5000; write for instance cron(0 20 * * ? *) 0-0, six fields with ? for "
        "one of the two days\n"
        "  - timezone: got 'Tokyo!', expected an IANA time zone; name one, for instance Asia/Tokyo"
    )


def test_contradictions_are_told_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(min_count=11, requests_per_target=5)
    assert str(refused.value) == (
        "AutoscalingArgs cannot be used:\n"
        "  - max_count: got 10 with min_count 11, expected at least 11; raise max_count or lower min_count\n"
        "  - target_group_label: got nothing with requests_per_target, expected <load balancer's ARN suffix>/"
        "<target group's ARN suffix>; say where requests are counted"
    )


def test_scaling_by_nothing_is_refused() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(cpu_percent=None, memory_percent=None)
    assert str(refused.value) == (
        "AutoscalingArgs cannot be used:\n"
        "  - cpu_percent: got nothing, as have memory_percent, requests_per_target and schedule, "
        "expected at least one of them; say what to scale by"
    )


@pytest.mark.parametrize("action", ["cron(0 8 ? * * *) 4-2", "cron(0 8 ? * * *) 2", "cron() 1-1", "rate(1 day) 1-5001"])
def test_a_schedule_says_when_and_how_many(action: str) -> None:
    with pytest.raises(ArgumentError):
        args(schedule=[action])


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_limits_are_refused_if_and_only_if_the_least_is_more_than_the_most(least: int, most: int) -> None:
    assert (count_problem(least, most) is None) == (least <= most)
    action = f"at(2027-01-01T00:00:00) {least}-{most}"
    if least <= most:
        assert args(schedule=[action]).schedule == [action]
    else:
        with pytest.raises(ArgumentError):
            args(schedule=[action])


def test_a_maximum_is_needed() -> None:
    with pytest.raises(ArgumentError, match="max_count: got nothing, expected a number of tasks; set it"):
        args(max_count=None)
