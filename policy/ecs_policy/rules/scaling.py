"""Application Auto Scaling of services: targets, policies and scheduled actions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecs_policy.load_balancing import balancers_of, target_groups
from ecs_policy.model import AutoscalingTarget, LoadBalancer, ScalingPolicy, ScheduledAction, Service, TargetGroup
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.schedules import is_schedule, time_zones
from ecs_policy.values import independently, quoted

_API = "https://docs.aws.amazon.com/autoscaling/application/APIReference"
_TARGET_TRACKING = f"{_API}/API_TargetTrackingScalingPolicyConfiguration.html"
_REQUESTS = "ALBRequestCountPerTarget"
_OF_ECS = (
    _REQUESTS,
    "ECSServiceAverageCPUUtilization",
    "ECSServiceAverageMemoryUtilization",
    "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilizationHighResolution",
)
_SAID_NEITHER = Quote(
    "At least one of minimum capacity and maximum capacity should be provided",
    "https://github.com/aws-cloudformation/community-registry-extensions/issues/255",
)
_SCHEDULES = "cron(0 8 ? * MON-FRI *), rate(5 minutes) or at(2030-01-31T08:00:00)"
_LABEL = re.compile(r"app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+")


@resource_rule(
    "AS-01 least-and-most",
    on=(AutoscalingTarget, ScheduledAction),
    title="A scalable target's least number of tasks is not above its most",
    why="Application Auto Scaling refuses such a target; the service is there by then, and the update fails.",
    level=Level.REJECTED,
    source=f"{_API}/API_RegisterScalableTarget.html",
)
def least_and_most(owner: AutoscalingTarget | ScheduledAction) -> Iterator[Problem]:
    if isinstance(owner, ScheduledAction):
        action = owner["scalableTargetAction"]
        least, most = action["minCapacity"], action["maxCapacity"]
        if action.given and not least.given and not most.given:
            yield action.problem("minCapacity, maxCapacity or both", "set one of them", quote=_SAID_NEITHER)
    else:
        least, most = owner["minCapacity"], owner["maxCapacity"]
    for place in (least, most):
        if (place.number() or 0) < 0:
            yield place.problem("0 or more", f"raise {place.path[-1]}")
            return
    low, high = least.number(), most.number()
    if low is not None and high is not None and low > high:
        yield least.problem(f"at most maxCapacity, which is {high}", "lower minCapacity, or raise maxCapacity")


@resource_rule(
    "AS-04 schedule",
    on=ScheduledAction,
    title="A scheduled action is due at a time that Application Auto Scaling can read",
    why="cron has six fields, with ? for one of the two days, and rate the unit that fits its number.",
    level=Level.REJECTED,
    source=f"{_API}/API_PutScheduledAction.html",
)
def schedule(action: ScheduledAction) -> Iterator[Problem]:
    yield from independently((_due(action["schedule"]), _somewhere(action["timezone"])))


def _due(place: Value) -> Iterator[Problem]:
    if place.given and not is_schedule(place.text() or ""):
        yield place.problem(f"a schedule, as {_SCHEDULES}", "correct it")


def _somewhere(place: Value) -> Iterator[Problem]:
    if not place.given:
        return
    if not time_zones():
        raise place.not_evaluated("cannot be looked up, as this machine knows no time zones")
    if place.text() not in time_zones():
        yield place.problem("a time zone of IANA", "name one, for instance Asia/Tokyo")


@resource_rule(
    "AS-02 metric",
    on=ScalingPolicy,
    title="A scaling policy has steps, or one metric of ECS to track, and requests name their target group",
    why="The metric of requests is that of one target group behind one load balancer; no other metric has a label.",
    level=Level.REJECTED,
    source=f"{_API}/API_PredefinedMetricSpecification.html",
)
def metric(policy: ScalingPolicy) -> Iterator[Problem]:
    if policy["serviceNamespace"].text() != "ecs":
        return
    tracking = policy["targetTrackingScalingPolicyConfiguration"]
    yield from independently((_one_configuration(policy, tracking), _one_metric(tracking), _label(tracking)))


def _one_configuration(policy: ScalingPolicy, tracking: Value) -> Iterator[Problem]:
    kind = policy["policyType"].text() or "StepScaling"
    if kind == "TargetTrackingScaling" and not tracking.given:
        yield tracking.problem("a metric and a target value with TargetTrackingScaling", "set it")
    steps = policy["stepScalingPolicyConfiguration"]
    if kind == "StepScaling" and not tracking.given and not (steps["adjustmentType"].given and _any(steps)):
        yield steps.problem("adjustmentType and stepAdjustments with StepScaling", "set them")
    if kind == "StepScaling" and tracking.given:
        yield policy["policyType"].problem(
            '"TargetTrackingScaling" with targetTrackingScalingPolicyConfiguration', "set policyType"
        )


def _any(steps: Value) -> bool:
    return steps["stepAdjustments"].filled


def _one_metric(tracking: Value) -> Iterator[Problem]:
    own, predefined = tracking["customizedMetricSpecification"], tracking["predefinedMetricSpecification"]
    if own.given and predefined.given:
        yield own.problem("nothing beside predefinedMetricSpecification", "keep one of the two")
    elif tracking.given and not tracking.unknown and not own.given and not predefined.given:
        yield predefined.problem("a metric", "set predefinedMetricSpecification or customizedMetricSpecification")


def _label(tracking: Value) -> Iterator[Problem]:
    specification = tracking["predefinedMetricSpecification"]
    if not specification.given:
        return
    kind, label = specification["predefinedMetricType"], specification["resourceLabel"]
    text = kind.text() or ""
    if text != _REQUESTS:
        if text not in _OF_ECS:
            yield kind.problem(f"one of {quoted(_OF_ECS)}", "change predefinedMetricType")
        elif label.given:
            yield label.problem(f"nothing with {text}", "remove resourceLabel")
    elif not label.given:
        yield label.problem(
            f"app/<load balancer>/<id>/targetgroup/<target group>/<id> with {text}",
            "join arnSuffix of the load balancer and that of the target group by /",
        )
    elif not _LABEL.fullmatch(label.text() or ""):
        yield label.problem(
            "app/<load balancer>/<id>/targetgroup/<target group>/<id>",
            "join arnSuffix of the load balancer and that of the target group by /",
        )


@stack_rule(
    "AS-03 requests-of-the-service",
    on=ScalingPolicy,
    title="Scaling by requests counts those of the service's own target group, behind its load balancer",
    why="Requests of another target group scale the service by somebody else's load, or never.",
    level=Level.FAILS,
    severity=Severity.MEDIUM,
    source=_TARGET_TRACKING,
)
def requests_of_the_service(policy: ScalingPolicy) -> Iterator[Problem]:
    specification = policy["targetTrackingScalingPolicyConfiguration"]["predefinedMetricSpecification"]
    label = specification["resourceLabel"]
    if not label.given or specification["predefinedMetricType"].text() != _REQUESTS:
        return
    service = _service(policy)
    if service is None:
        return
    text = label.text() or ""
    if not _LABEL.fullmatch(text):
        return  # AS-02
    balancer_part, _, group_part = text.partition("/targetgroup/")
    groups: list[TargetGroup] = []
    for link in service["loadBalancers"].items():
        of_link, doubt = target_groups(link)
        if doubt is not None:
            raise doubt
        groups += of_link
    suffixes = {_suffix(each): each for each in groups}
    if f"targetgroup/{group_part}" not in suffixes:
        yield label.problem(
            f"the target group of {service.label}, which is {quoted(suffixes) if suffixes else 'none'}",
            "use the arnSuffix of that target group",
        )
        return
    balancers = {_suffix(each) for each in balancers_of(suffixes[f"targetgroup/{group_part}"])}
    if balancers and balancer_part not in balancers:
        yield label.problem(
            f"the load balancer in front of {service.label}, which is {quoted(sorted(balancers))}",
            "use the arnSuffix of that load balancer",
        )


def _service(policy: ScalingPolicy) -> Service | None:
    place = policy["resourceId"]
    if place.unknown:
        return place.one(Service)
    found = policy.stack.known_as(place.text() or "", Service)
    if not found:
        policy.stack.require_named(Service)
    return found[0] if len(found) == 1 else None


def _suffix(resource: LoadBalancer | TargetGroup) -> str:
    arn = resource.computed("arn")
    text = (arn.text() or "").partition(":loadbalancer/")[2] or (arn.text() or "").rpartition(":")[2]
    if not text:
        raise arn.not_evaluated("is not known yet")
    return text
