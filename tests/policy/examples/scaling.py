from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    cluster,
    missing,
    not_applicable,
    passes,
    resource,
    service,
    target_group,
    unknown,
    violates,
)
from tests.policy.good_stacks import ignoring, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

REQUESTS = "ALBRequestCountPerTarget"
CPU = "ECSServiceAverageCPUUtilization"
ELB = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
LABEL = "app/alb/1/targetgroup/web/2"


def target(least: Any, most: Any) -> dict[str, Any]:
    return resource("aws:appautoscaling/target:Target", minCapacity=least, maxCapacity=most)


def action(**limits: Any) -> dict[str, Any]:
    return resource("aws:appautoscaling/scheduledAction:ScheduledAction", scalableTargetAction=limits)


def policy(kind: str = "TargetTrackingScaling", resource_id: Any = None, **tracking: Any) -> dict[str, Any]:
    return resource(
        "aws:appautoscaling/policy:Policy",
        policyType=kind,
        serviceNamespace="ecs",
        scalableDimension="ecs:service:DesiredCount",
        resourceId="service/main/web" if resource_id is None else resource_id,
        targetTrackingScalingPolicyConfiguration={"targetValue": 60, **tracking},
    )


def predefined(kind: Any, **more: Any) -> dict[str, Any]:
    return {"predefinedMetricSpecification": {"predefinedMetricType": kind, **more}}


METRIC = "policy.targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification"


def timed(schedule: Any = "cron(0 8 ? * MON-FRI *)", **more: Any) -> dict[str, Any]:
    return resource("aws:appautoscaling/scheduledAction:ScheduledAction", schedule=schedule, **more)


STEPS = resource(
    "aws:appautoscaling/policy:Policy",
    policyType="StepScaling",
    serviceNamespace="ecs",
    stepScalingPolicyConfiguration={
        "adjustmentType": "ChangeInCapacity",
        "stepAdjustments": [{"metricIntervalLowerBound": "0", "scalingAdjustment": 1}],
    },
)
STEPLESS = {
    **STEPS,
    "properties": {**STEPS["properties"], "stepScalingPolicyConfiguration": {"adjustmentType": "ChangeInCapacity"}},
}


def behind(label: Any, **of_service: Any) -> Resources:
    return {
        "main": cluster(),
        "alb": {
            **resource("aws:lb/loadBalancer:LoadBalancer"),
            "outputs": {"arn": f"{ELB}:loadbalancer/app/alb/1"},
        },
        "group": {**target_group(), "outputs": {"arn": f"{ELB}:targetgroup/web/2"}},
        "listener": resource(
            "aws:lb/listener:Listener",
            loadBalancerArn="${alb.arn}",
            defaultActions=[{"type": "forward", "targetGroupArn": "${group.arn}"}],
        ),
        "web": service(
            name="web",
            cluster="${main.arn}",
            **{"loadBalancers": [{"targetGroupArn": "${group.arn}", "containerName": "app"}], **of_service},
        ),
        "policy": policy(resource_id="service/${main.name}/${web.name}", **predefined(REQUESTS, resourceLabel=label)),
    }


EXAMPLES = {
    "AS-01": [
        violates(
            "the least above the most",
            {"target": target(6, 4)},
            at={"target.minCapacity"},
            says=(
                "Target 'target' minCapacity: got 6, expected at most maxCapacity, which is 4; lower "
                "minCapacity, or raise maxCapacity"
            ),
        ),
        violates(
            "by the clock",
            {"night": action(minCapacity=3, maxCapacity=1)},
            at={"night.scalableTargetAction.minCapacity"},
        ),
        violates("less than nothing", {"target": target(-1, 4)}, at={"target.minCapacity"}),
        violates("no limit by the clock", {"night": action()}, at={"night.scalableTargetAction"}),
        passes("as many at most as at least", {"target": target(4, 4)}),
        passes("none at night", {"night": action(minCapacity=0, maxCapacity=0)}),
        passes("only one of both by the clock", {"night": action(maxCapacity=2)}),
        missing("no limits", {"target": resource("aws:appautoscaling/target:Target")}),
        unknown("an unknown least", {"target": target(not_known(), 4)}, not_evaluated={"target.minCapacity"}),
        not_applicable("a policy", {"policy": policy(**predefined(CPU))}),
    ],
    "AS-04": [
        violates(
            "a day of the month and of the week",
            {"night": timed("cron(0 16 * * MON-FRI *)")},
            at={"night.schedule"},
            says=(
                "ScheduledAction 'night' schedule: got \"cron(0 16 * * MON-FRI *)\", expected a schedule, as "
                "cron(0 8 ? * MON-FRI *), rate(5 minutes) or at(2030-01-31T08:00:00); correct it"
            ),
        ),
        violates("the five fields of Unix", {"night": timed("cron(0 16 * * *)")}, at={"night.schedule"}),
        violates("no form at all", {"night": timed("0 16 * * ? *")}, at={"night.schedule"}),
        violates("one hours", {"night": timed("rate(1 hours)")}, at={"night.schedule"}),
        violates("a day without time", {"night": timed("at(2030-01-31)")}, at={"night.schedule"}),
        violates("a time zone that is none", {"night": timed(timezone="Asia/Tokio")}, at={"night.timezone"}),
        passes("the third Friday", {"night": timed("cron(0 8 ? * FRI#3 *)", timezone="Europe/Zurich")}),
        passes("every hour", {"night": timed("rate(1 hour)")}),
        passes("once", {"night": timed("at(2030-01-31T08:00:00)", timezone="UTC")}),
        missing("nothing is said", {"night": timed(None)}),
        unknown(
            "an unknown schedule hides no wrong zone",
            {"night": timed(not_known(), timezone="Mars/Olympus")},
            at={"night.timezone"},
            not_evaluated={"night.schedule"},
        ),
        not_applicable("a target", {"target": target(1, 2)}),
    ],
    "AS-02": [
        violates("no steps", {"policy": STEPLESS}, at={"policy.stepScalingPolicyConfiguration"}),
        violates(
            "requests of what",
            {"policy": policy(**predefined(REQUESTS))},
            at={f"{METRIC}.resourceLabel"},
            says=(
                "Policy 'policy' "
                "targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification.resourceLabel: "
                "got nothing, expected app/<load balancer>/<id>/targetgroup/<target group>/<id> with "
                "ALBRequestCountPerTarget; join arnSuffix of the load balancer and that of the target "
                "group by /"
            ),
        ),
        violates(
            "the ARN of the target group as label",
            {"policy": policy(**predefined(REQUESTS, resourceLabel=f"{ELB}:targetgroup/web/2"))},
            at={f"{METRIC}.resourceLabel"},
        ),
        violates(
            "CPU with a label",
            {"policy": policy(**predefined(CPU, resourceLabel=LABEL))},
            at={f"{METRIC}.resourceLabel"},
        ),
        violates(
            "a metric of EC2",
            {"policy": policy(**predefined("EC2SpotFleetRequestAverageCPUUtilization"))},
            at={f"{METRIC}.predefinedMetricType"},
        ),
        violates(
            "two metrics",
            {"policy": policy(**predefined(CPU), customizedMetricSpecification={"metricName": "a"})},
            at={"policy.targetTrackingScalingPolicyConfiguration.customizedMetricSpecification"},
        ),
        violates("no metric", {"policy": policy()}, at={METRIC}),
        violates(
            "target tracking in steps",
            {"policy": policy("StepScaling", **predefined(CPU))},
            at={"policy.policyType"},
        ),
        passes("requests of a target group", {"policy": policy(**predefined(REQUESTS, resourceLabel=LABEL))}),
        passes("CPU", {"policy": policy(**predefined(CPU))}),
        passes("a metric of one's own", {"policy": policy(customizedMetricSpecification={"metricName": "queue"})}),
        passes("steps", {"policy": STEPS}),
        missing(
            "no configuration",
            {"policy": resource("aws:appautoscaling/policy:Policy", serviceNamespace="ecs")},
            at={"policy.stepScalingPolicyConfiguration"},
        ),
        unknown(
            "an unknown metric",
            {"policy": policy(**predefined(not_known()))},
            not_evaluated={f"{METRIC}.predefinedMetricType"},
        ),
        not_applicable(
            "of a table",
            {"policy": resource("aws:appautoscaling/policy:Policy", serviceNamespace="dynamodb")},
        ),
    ],
    "AS-03": [
        violates(
            "requests of another target group",
            behind("app/alb/1/targetgroup/other/9"),
            at={f"{METRIC}.resourceLabel"},
            says=(
                "Policy 'policy' "
                "targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification.resourceLabel: "
                "got \"app/alb/1/targetgroup/other/9\", expected the target group of Service 'web', which "
                'is "targetgroup/web/2"; use the arnSuffix of that target group'
            ),
        ),
        violates("of another load balancer", behind("app/other/9/targetgroup/web/2"), at={f"{METRIC}.resourceLabel"}),
        violates("of a service without load balancer", behind(LABEL, loadBalancers=[]), at={f"{METRIC}.resourceLabel"}),
        passes("its own", behind(LABEL)),
        passes("a service of another stack", {"policy": policy(**predefined(REQUESTS, resourceLabel=LABEL))}),
        passes(
            "the group that takes turns with its own",
            {
                **behind("app/alb/1/targetgroup/green/3"),
                "green": {**target_group(), "outputs": {"arn": f"{ELB}:targetgroup/green/3"}},
                **behind(
                    "app/alb/1/targetgroup/green/3",
                    loadBalancers=[
                        {
                            "targetGroupArn": "${group.arn}",
                            "containerName": "app",
                            "advancedConfiguration": {"alternateTargetGroupArn": "${green.arn}"},
                        }
                    ],
                ),
                "rule": resource(
                    "aws:lb/listenerRule:ListenerRule",
                    listenerArn="${listener.arn}",
                    actions=[{"type": "forward", "targetGroupArn": "${green.arn}"}],
                ),
            },
        ),
        passes(
            "one of two target groups",
            {
                **behind(
                    LABEL,
                    loadBalancers=[
                        {"targetGroupArn": "${other.arn}", "containerName": "app"},
                        {"targetGroupArn": "${group.arn}", "containerName": "app"},
                    ],
                ),
                "other": {**target_group(), "outputs": {"arn": f"{ELB}:targetgroup/other/4"}},
            },
        ),
        passes("CPU", {"policy": policy(**predefined(CPU))}),
        missing("no label", {"policy": policy(**predefined(REQUESTS))}),
        unknown("an unknown label", behind(not_known()), not_evaluated={f"{METRIC}.resourceLabel"}),
        not_applicable("steps", {"policy": STEPS}),
    ],
}

SCALED = {
    **ignoring(good_stacks.FARGATE, "web", "desiredCount"),
    "target": resource(
        "aws:appautoscaling/target:Target",
        serviceNamespace="ecs",
        scalableDimension="ecs:service:DesiredCount",
        resourceId="service/${main.name}/${web.name}",
        minCapacity=2,
        maxCapacity=4,
    ),
    "policy": policy(resource_id="${target.resourceId}", **predefined(CPU)),
    "alb": {**good_stacks.FARGATE["alb"], "outputs": {"arn": f"{ELB}:loadbalancer/app/alb/1"}},
    "group": {**good_stacks.FARGATE["group"], "outputs": {"arn": f"{ELB}:targetgroup/web/2"}},
}
"""The good stack for Fargate with a service that scales: good, too."""

MUTANTS = {
    "AS-04": [
        mutant(
            "the zone of no town",
            {
                **SCALED,
                "night": resource(
                    "aws:appautoscaling/scheduledAction:ScheduledAction",
                    options={"dependsOn": ["${target}"]},
                    name="night",
                    resourceId="service/main/web",
                    scalableDimension="ecs:service:DesiredCount",
                    serviceNamespace="ecs",
                    schedule="cron(0 20 * * ? *)",
                    scalableTargetAction={"minCapacity": 2, "maxCapacity": 2},
                ),
            },
            "night",
            timezone="Asia/Tokio",
        )
    ],
    "AS-01": [mutant("the least above the most", SCALED, "target", minCapacity=5)],
    "AS-02": [
        mutant(
            "no label",
            SCALED,
            "policy",
            targetTrackingScalingPolicyConfiguration={"targetValue": 9, **predefined(REQUESTS)},
        )
    ],
    "AS-03": [
        mutant(
            "another target group",
            SCALED,
            "policy",
            targetTrackingScalingPolicyConfiguration={
                "targetValue": 9,
                **predefined(REQUESTS, resourceLabel="app/alb/1/targetgroup/other/9"),
            },
        )
    ],
}
