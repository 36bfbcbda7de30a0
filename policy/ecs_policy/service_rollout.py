"""A service as the deployment calculator sees it: which of its settings count, and which of several, is decided here.

`deployment_of` takes plain data in the shape of the AWS API. Who asks AWS passes its answers; who has resources of
Pulumi (a policy, a preview) turns them into that shape with the functions below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from ecs_policy.deployment_bounds import (
    ContainerHealthCheck,
    Deployment,
    DeploymentAlarm,
    Strategy,
    TargetHealthCheck,
)
from ecs_policy.model import MetricAlarm, Service, TargetGroup, TaskDefinition
from ecs_policy.stack import Resource
from ecs_policy.values import Value

Shape: TypeAlias = Mapping[str, Any]
"""A structure as boto3 returns it."""

TASK_START_SECONDS = 60
"""What a task may take until it is RUNNING, where nobody has an estimate."""

_STAGE_MINUTES = 24 * 60
"""A hook without a timeout of its own: AWS's default for pauses, and the limit of a stage for Lambda functions."""

_EACH_SHIFT = ("PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
"""Stages that come again with every step of the traffic."""

_CONNECTIONS = ("TCP", "UDP", "TCP_UDP", "TLS", "QUIC", "TCP_QUIC")
"""Protocols of target groups of a Network Load Balancer."""


def deployment_of(
    service: Shape,
    *,
    containers: Sequence[Shape] = (),
    target_groups: Sequence[Shape] = (),
    alarms: Sequence[Shape] = (),
    task_start_seconds: int = TASK_START_SECONDS,
    application_start_seconds: int | None = None,
    task_capacity: int | None = None,
) -> Deployment:
    """The deployment that the settings allow. Raises `DeploymentError` for settings that no service can have.

    `service` is one of DescribeServices, `containers` are its containerDefinitions of DescribeTaskDefinition,
    `target_groups` those of DescribeTargetGroups that `target_group_arns` names, each with the `Attributes` of
    DescribeTargetGroupAttributes, `alarms` the MetricAlarms of DescribeAlarms that `alarm_names` names; one that is not
    there is an empty structure. What is absent has AWS's default. A service without tasks counts as one with one.
    """
    settings = _part(service, "deploymentConfiguration")
    breaker = _part(settings, "deploymentCircuitBreaker")
    threshold = _part(breaker, "thresholdConfiguration")
    linear, canary = _part(settings, "linearConfiguration"), _part(settings, "canaryConfiguration")
    strategy: Strategy = settings.get("strategy") or "ROLLING"
    deployment = Deployment(
        desired_count=max(1, service.get("desiredCount") or 0),
        minimum_healthy_percent=_given(settings, "minimumHealthyPercent", 100),
        maximum_percent=_given(settings, "maximumPercent", 200),
        task_capacity=task_capacity,
        strategy=strategy,
        target_health_checks=tuple(_target_check(each) for each in target_groups),
        container_health_checks=tuple(
            _container_check(each["healthCheck"])
            for each in containers
            if each.get("healthCheck") and _given(each, "essential", True)
        ),
        health_check_grace_seconds=_given(service, "healthCheckGracePeriodSeconds", 0),
        task_start_seconds=task_start_seconds,
        application_start_seconds=application_start_seconds,
        deregistration_delay_seconds=max((_deregistration_delay(each) for each in target_groups), default=0),
        stop_timeout_seconds=max((_given(each, "stopTimeout", 30) for each in containers), default=30),
        bake_minutes=_given(settings, "bakeTimeInMinutes", 0),
        alarms=tuple(_alarm(each) for each in alarms),
        canary_bake_minutes=_given(canary, "canaryBakeTimeInMinutes", 10),
        linear_step_percent=_given(linear, "stepPercent", 10.0),
        linear_step_bake_minutes=_given(linear, "stepBakeTimeInMinutes", 6),
        network_load_balancer=any(each.get("Protocol") in _CONNECTIONS for each in target_groups),
        interruptible=any(
            each.get("capacityProvider") == "FARGATE_SPOT" and (each.get("weight") or each.get("base"))
            for each in service.get("capacityProviderStrategy") or ()
        ),
        circuit_breaker=bool(breaker.get("enable")),
        threshold_type=threshold.get("type") or "BOUNDED_PERCENT",
        threshold_value=_given(threshold, "value", 50),
    )
    minutes = _hook_minutes(settings, deployment.traffic_shifts)
    return replace(deployment, hook_minutes=minutes) if minutes else deployment


def target_group_arns(service: Shape) -> list[str]:
    """The target groups in which tasks of the service may be: also the alternate ones, between which and the others
    deployments that shift traffic alternate."""
    found: list[str] = []
    for balancer in service.get("loadBalancers") or ():
        advanced = _part(balancer, "advancedConfiguration")
        found += [arn for arn in (balancer.get("targetGroupArn"), advanced.get("alternateTargetGroupArn")) if arn]
    return list(dict.fromkeys(found))


def alarm_names(service: Shape) -> list[str]:
    """The alarms that end its deployments."""
    alarms = _part(_part(service, "deploymentConfiguration"), "alarms")
    return list(dict.fromkeys(alarms.get("alarmNames") or ())) if alarms.get("enable") else []


def _hook_minutes(settings: Shape, traffic_shifts: int) -> int:
    """Those of one stage run side by side; some stages come again with every shift.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html"""
    longest: dict[str, int] = {}
    for hook in settings.get("lifecycleHooks") or ():
        minutes = _given(_part(hook, "timeoutConfiguration"), "timeoutInMinutes", _STAGE_MINUTES)
        for stage in hook.get("lifecycleStages") or ("",):
            longest[stage] = max(minutes, longest.get(stage, 0))
    return sum(minutes * (max(1, traffic_shifts) if stage in _EACH_SHIFT else 1) for stage, minutes in longest.items())


def _target_check(group: Shape) -> TargetHealthCheck:
    return TargetHealthCheck(
        interval_seconds=_given(group, "HealthCheckIntervalSeconds", 30),
        timeout_seconds=_given(group, "HealthCheckTimeoutSeconds", 5),
        healthy_threshold=_given(group, "HealthyThresholdCount", 5),
        unhealthy_threshold=_given(group, "UnhealthyThresholdCount", 2),
    )


def _deregistration_delay(group: Shape) -> int:
    attributes = {each["Key"]: each["Value"] for each in group.get("Attributes") or ()}
    return int(attributes.get("deregistration_delay.timeout_seconds", 300))


def _container_check(check: Shape) -> ContainerHealthCheck:
    return ContainerHealthCheck(
        interval_seconds=_given(check, "interval", 30),
        timeout_seconds=_given(check, "timeout", 5),
        retries=_given(check, "retries", 3),
        start_period_seconds=_given(check, "startPeriod", 0),
    )


def _alarm(alarm: Shape) -> DeploymentAlarm:
    """Metric math is evaluated as often as the metric with the longest period."""
    periods = [alarm.get("Period")]
    for query in alarm.get("Metrics") or ():
        periods += [query.get("Period"), _part(query, "MetricStat").get("Period")]
    return DeploymentAlarm(
        period_seconds=max((each for each in periods if each), default=60),
        evaluation_periods=alarm.get("EvaluationPeriods") or 1,
    )


def _part(shape: Shape, key: str) -> Shape:
    found: Shape = shape.get(key) or {}
    return found


def _given(shape: Shape, key: str, default: Any) -> Any:
    value = shape.get(key)
    return default if value is None else value


# From resources of Pulumi. Each raises `NotEvaluated` where a value that counts is not known.


def service_counts(service: Service, count: Value | None = None) -> dict[str, Any]:
    """How many tasks the service has (`count`, else its desiredCount), and how many it may have during a deployment:
    enough for `most_tasks` and `fewest_tasks`."""
    return {
        "desiredCount": _whole(service["desiredCount"] if count is None else count),
        "deploymentConfiguration": _without_absent(
            minimumHealthyPercent=_whole(service["deploymentMinimumHealthyPercent"]),
            maximumPercent=_whole(service["deploymentMaximumPercent"]),
        ),
    }


def service_settings(service: Service) -> dict[str, Any]:
    """The service as DescribeServices would answer, as far as it decides how long deployments take."""
    settings, breaker = service["deploymentConfiguration"], service["deploymentCircuitBreaker"]
    linear, canary = settings["linearConfiguration"], settings["canaryConfiguration"]
    counts = service_counts(service)
    counts["deploymentConfiguration"] |= _without_absent(
        strategy=settings["strategy"].text(),
        bakeTimeInMinutes=_whole(settings["bakeTimeInMinutes"]),
        deploymentCircuitBreaker={"enable": breaker["enable"].flag()},
        linearConfiguration=_without_absent(
            stepPercent=linear["stepPercent"].number(), stepBakeTimeInMinutes=_whole(linear["stepBakeTimeInMinutes"])
        ),
        canaryConfiguration=_without_absent(canaryBakeTimeInMinutes=_whole(canary["canaryBakeTimeInMinutes"])),
        lifecycleHooks=[
            {
                "lifecycleStages": hook["lifecycleStages"].texts(),
                "timeoutConfiguration": _without_absent(
                    timeoutInMinutes=_whole(hook["timeoutConfiguration"]["timeoutInMinutes"])
                ),
            }
            for hook in settings["lifecycleHooks"].items()
        ],
    )
    return counts | _without_absent(
        healthCheckGracePeriodSeconds=_whole(service["healthCheckGracePeriodSeconds"]),
        capacityProviderStrategy=[
            {
                "capacityProvider": "" if each["capacityProvider"].unknown else each["capacityProvider"].text(),
                "weight": _whole(each["weight"]),
                "base": _whole(each["base"]),
            }
            for each in service["capacityProviderStrategies"].items()
        ],
    )


def containers_of(task_definition: TaskDefinition | None) -> list[dict[str, Any]]:
    """The containers of a task definition, as far as they decide how long deployments take."""
    return [] if task_definition is None else [_container(each) for each in task_definition.containers]


def _container(container: Value) -> dict[str, Any]:
    check = container["healthCheck"]
    fields = ("interval", "timeout", "retries", "startPeriod")
    return _without_absent(
        essential=container["essential"].flag(),
        stopTimeout=_whole(container["stopTimeout"]),
        healthCheck={"command": [], **_without_absent(**{name: _whole(check[name]) for name in fields})}
        if check.given
        else None,
    )


def target_groups_place(service: Service) -> Value:
    """Where the service names its target groups, as one list; `target_group_arns` of a resource."""
    places = [
        place
        for each in service["loadBalancers"].items()
        for place in (each["targetGroupArn"], each["advancedConfiguration"]["alternateTargetGroupArn"])
        if place.given
    ]
    return Value(service, ("loadBalancers",), [place.raw for place in places])


def target_group(group: TargetGroup) -> dict[str, Any]:
    """A target group with its attributes, as far as they decide how long deployments take."""
    check, delay = group["healthCheck"], _whole(group["deregistrationDelay"])
    return _without_absent(
        Protocol=group["protocol"].text(),
        HealthCheckIntervalSeconds=_whole(check["interval"]),
        HealthCheckTimeoutSeconds=_whole(check["timeout"]),
        HealthyThresholdCount=_whole(check["healthyThreshold"]),
        UnhealthyThresholdCount=_whole(check["unhealthyThreshold"]),
        Attributes=None if delay is None else [{"Key": "deregistration_delay.timeout_seconds", "Value": str(delay)}],
    )


def alarms_place(service: Service) -> Value | None:
    """Where the service names its alarms; None where they are off. `alarm_names` of a resource."""
    alarms = service["alarms"]
    return alarms["alarmNames"] if alarms.given and alarms["enable"].flag() else None


def metric_alarm(alarm: MetricAlarm) -> dict[str, Any]:
    """An alarm, as far as it decides how long ECS watches it."""
    if not alarm["evaluationPeriods"].given:
        raise alarm["evaluationPeriods"].not_evaluated("is absent: how long the alarm takes to judge is not known")
    return _without_absent(
        Period=_whole(alarm["period"]),
        EvaluationPeriods=_whole(alarm["evaluationPeriods"]),
        Metrics=[
            _without_absent(
                Period=_whole(query["period"]),
                MetricStat={"Period": _whole(query["metric"]["period"])} if query["metric"].given else None,
            )
            for query in alarm["metricQueries"].items()
        ],
    )


def task_start_seconds_of(service: Resource) -> int | None:
    """The estimate that the component which made the service states as an input of its own, `taskStartSeconds`."""
    component = service.stack.resources.get(service.parent)
    return None if component is None else _whole(component["taskStartSeconds"])


def deployment_of_resource(
    service: Service, *, task_start_seconds: int = TASK_START_SECONDS, application_start_seconds: int | None = None
) -> Deployment:
    """`deployment_of` a service and all that it refers to in its stack; what its component states of the start of
    tasks counts more than `task_start_seconds`."""
    stated, place = task_start_seconds_of(service), alarms_place(service)
    return deployment_of(
        service_settings(service),
        containers=containers_of(service.task_definition),
        target_groups=[target_group(each) for each in target_groups_place(service).many(TargetGroup)],
        alarms=[] if place is None else [metric_alarm(each) for each in place.many(MetricAlarm)],
        task_start_seconds=task_start_seconds if stated is None else stated,
        application_start_seconds=application_start_seconds,
    )


def _whole(value: Value) -> int | None:
    number = value.number()
    if isinstance(number, float):
        raise value.not_evaluated("is not a whole number")
    return number


def _without_absent(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
