"""How long a deployment is waited for, by what AWS says of the service."""

from __future__ import annotations

from typing import Any

from components.deployment_time import expectation

GROUP = {
    "HealthCheckIntervalSeconds": 5,
    "HealthCheckTimeoutSeconds": 4,
    "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 3,
    "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
}
ROLLING: dict[str, Any] = {
    "minimumHealthyPercent": 100,
    "maximumPercent": 200,
    "deploymentCircuitBreaker": {"enable": True, "rollback": True},
}


def patience(
    *, task_start: int = 60, containers: Any = ({},), groups: Any = (GROUP,), alarms: Any = (), **more: Any
) -> int:
    service = {"desiredCount": 2, "healthCheckGracePeriodSeconds": 74, "deploymentConfiguration": ROLLING, **more}
    return expectation(service, containers, groups, alarms, task_start).limit_seconds


def test_it_is_the_bound_of_the_documented_settings_with_a_margin() -> None:
    alarms = [{"Period": 60, "EvaluationPeriods": 3}]
    assert patience(alarms=alarms) == 21 * 60  # docs/deployment-speed.md: this repository


def test_a_deployment_is_waited_for_while_ecs_watches_its_alarms() -> None:
    slow = {"Metrics": [{"Id": "rate", "Expression": "a/b"}, {"Id": "a", "MetricStat": {"Period": 300}}]}
    judged = expectation(
        {"desiredCount": 2, "deploymentConfiguration": ROLLING}, (), (), [{**slow, "EvaluationPeriods": 3}], 60
    )
    assert judged.bake_seconds == (3 + 1) * 300
    assert judged.limit_seconds > 2 * judged.bake_seconds


def test_more_tasks_than_fail_at_once_take_longer_to_give_up() -> None:
    few_at_once = {**ROLLING, "maximumPercent": 110}
    assert patience(desiredCount=20, deploymentConfiguration=few_at_once) > patience(desiredCount=20)


def test_a_slow_start_drain_stop_or_check_is_waited_for() -> None:
    slow_check = {"command": ["CMD", "true"], "interval": 60, "timeout": 10, "retries": 5, "startPeriod": 100}
    drained = {**GROUP, "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "300"}]}
    assert patience(task_start=600) > 2 * 600
    assert patience(groups=[drained]) > 300 + 30
    assert patience(containers=[{"stopTimeout": 120}]) > patience()
    assert patience(containers=[{"healthCheck": slow_check}]) > 100 + 5 * 60


def test_a_slow_check_of_a_container_that_is_not_essential_keeps_nobody_waiting() -> None:
    slow_check = {"command": ["CMD", "true"], "interval": 300, "retries": 10}
    assert patience(containers=[{"essential": False, "healthCheck": slow_check}]) == patience()


def test_a_shift_of_traffic_is_waited_for_with_its_pauses() -> None:
    canary = {
        "strategy": "CANARY",
        "bakeTimeInMinutes": 7,
        "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10},
        "lifecycleHooks": [
            {
                "targetType": "PAUSE",
                "lifecycleStages": ["POST_SCALE_UP"],
                "timeoutConfiguration": {"timeoutInMinutes": 100, "action": "ROLLBACK"},
            }
        ],
    }
    linear = {
        "strategy": "LINEAR",
        "bakeTimeInMinutes": 0,
        "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 10},
    }
    assert patience(deploymentConfiguration=canary) > (7 + 10 + 100) * 60
    assert 3 * 10 * 60 < patience(deploymentConfiguration=linear) < 4 * 10 * 60 * 1.25


def test_without_load_balancer_or_tasks_there_is_a_bound_too() -> None:
    assert 60 < patience(groups=()) < patience()
    assert patience(desiredCount=0) == patience(desiredCount=1)


def test_settings_with_which_a_deployment_may_never_end_get_what_the_provider_waits() -> None:
    stuck = {"minimumHealthyPercent": 100, "maximumPercent": 100}
    assert patience(desiredCount=1, deploymentConfiguration=stuck) == 20 * 60
