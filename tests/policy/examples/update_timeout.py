from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    container,
    missing,
    not_applicable,
    passes,
    resource,
    target_group,
    task_definition,
    unknown,
    violates,
)
from tests.policy.example import service as plain_service
from tests.policy.good_stacks import Mutant, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known


def alarm(period: object = 60, periods: object = 3) -> dict[str, Any]:
    return resource("aws:cloudwatch/metricAlarm:MetricAlarm", name="errors", period=period, evaluationPeriods=periods)


def rate(period: object) -> dict[str, Any]:
    """An alarm on metric math, evaluated as often as its metrics come."""
    return resource(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        name="errors",
        evaluationPeriods=3,
        metricQueries=[
            {"id": "rate", "expression": "errors / requests", "returnData": True},
            {"id": "errors", "metric": {"metricName": "Errors", "period": period, "stat": "Sum"}},
            {"id": "requests", "metric": {"metricName": "Requests", "period": 60, "stat": "Sum"}},
        ],
    )


def deploying(update: str | None = None, *, delay: object = 30, **properties: Any) -> Resources:
    """A service of two tasks whose update the engine gives so much time."""
    service = plain_service(
        **{
            "taskDefinition": "${app.arn}",
            "desiredCount": 2,
            "waitForSteadyState": True,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "loadBalancers": [{"targetGroupArn": "${group.arn}", "containerName": "app", "containerPort": 80}],
            **properties,
        }
    )
    if update:
        service["options"] = {"customTimeouts": {"update": update}}
    return {
        "app": task_definition(container(stopTimeout=30)),
        "group": target_group(deregistrationDelay=delay, healthCheck={"interval": 10, "timeout": 5}),
        "web": service,
    }


def watched(by: dict[str, Any], update: str, names: object = ("${errors.name}",), *, enable: bool = True) -> Resources:
    """The same with an alarm that rolls back."""
    alarms = {"alarmNames": list(names) if isinstance(names, tuple) else names, "enable": enable, "rollback": True}
    return {"errors": by, **deploying(update, alarms=alarms)}


def made_by(component_inputs: dict[str, Any]) -> Resources:
    """The same as the child of a component that states how long its tasks take to start."""
    resources = deploying("600s")
    resources["web"]["options"]["parent"] = "${shop}"
    return {"shop": resource("example:index:Shop", **component_inputs), **resources}


def shifting(update: str, **hook: Any) -> Resources:
    """The same with traffic that shifts, after a pause."""
    pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], **hook}
    return deploying(
        update, deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "5", "lifecycleHooks": [pause]}
    )


def starting(
    start_period: int | None, check: dict[str, Any] | None = None, grace: object = None, *, essential: bool = True
) -> Resources:
    """A service whose container says how long it takes to start, behind a check every five seconds."""
    own = None if start_period is None else {"command": ["CMD", "true"], "startPeriod": start_period}
    health = {"interval": 5, "timeout": 4, "healthyThreshold": 2, "unhealthyThreshold": 3} if check is None else check
    checked = container(name="app", healthCheck=own, essential=essential)
    return {
        **deploying(healthCheckGracePeriodSeconds=grace),
        "app": task_definition(checked) if essential else task_definition(container(name="main"), checked),
        "group": target_group(healthCheck=health),
    }


HASTY = "web.customTimeouts.update"

EXAMPLES = {
    "SV-23": [
        violates(
            "a minute for what may take almost five",
            deploying("60s"),
            at={HASTY},
            says="Service 'web' customTimeouts.update: got 1 min, expected at least 4 min 50 s, the worst case of its "
            "settings; raise it, or shorten deregistration delay, stop timeout, health check or alarms",
        ),
        violates(
            "ten minutes, where ECS watches alarms for five and again for those of a rollback",
            watched(alarm(), "600s"),
            at={HASTY},
            says="Service 'web' customTimeouts.update: got 10 min, expected at least 14 min 50 s, the worst case of "
            "its settings; raise it, or shorten deregistration delay, stop timeout, health check or alarms",
        ),
        violates("an alarm that takes long to judge", watched(alarm(300, 3), "1200s"), at={HASTY}),
        violates("metric math, by its slowest metric", watched(rate(300), "1200s"), at={HASTY}),
        violates("an estimate of the component", made_by({"taskStartSeconds": 900}), at={HASTY}),
        violates("less than somebody may take to agree", shifting("1800s"), at={HASTY}),
        violates("the provider's 20 minutes, where targets drain for an hour", deploying(delay=3600), at={HASTY}),
        violates(
            "an image that takes long to pull and starts one task at a time",
            deploying("600s", desiredCount=20, deploymentMaximumPercent=105),
            at={HASTY},
        ),
        passes("ten minutes", deploying("600s")),
        passes("nobody waits", deploying("60s", waitForSteadyState=False)),
        passes("no tasks", deploying("60s", desiredCount=0)),
        passes("a faster cluster, as the configuration says", deploying("200s"), options={"taskStartSeconds": 5}),
        passes("time to watch the alarms", watched(alarm(), "900s")),
        passes("alarms that are off", watched(alarm(300, 3), "600s", enable=False)),
        passes("a component that says nothing", made_by({})),
        passes("a pause of ten minutes", shifting("1800s", timeoutConfiguration={"timeoutInMinutes": "10"})),
        missing("no timeout: the provider waits 20 minutes", deploying()),
        unknown(
            "how long targets drain",
            deploying("60s", delay=not_known()),
            not_evaluated={"group.deregistrationDelay"},
        ),
        unknown(
            "how long an alarm takes to judge",
            watched(alarm(60, not_known()), "600s"),
            not_evaluated={"errors.evaluationPeriods"},
        ),
        unknown(
            "an alarm of another stack",
            watched(alarm(), "600s", ("errors-of-others",)),
            not_evaluated={"web.alarms.alarmNames[0]"},
        ),
        not_applicable("no service", {"app": task_definition()}),
        not_applicable("another controller", deploying("60s", deploymentController={"type": "CODE_DEPLOY"})),
    ],
    "SV-24": [
        violates(
            "a container that says that it takes a minute, behind a check that gives up after fifteen seconds",
            starting(60, grace=30),
            at={"web.healthCheckGracePeriodSeconds"},
            says="Service 'web' healthCheckGracePeriodSeconds: got 30, expected at least 74: an application that takes "
            "60 s to start fails its health checks until then, and ECS replaces the task; raise it to 74 or more, or "
            "check more patiently",
        ),
        violates(
            "a check every five seconds, twice, and no grace",
            starting(None, {"interval": 5, "timeout": 2}),
            at={"web.healthCheckGracePeriodSeconds"},
        ),
        violates(
            "what the configuration says of the application",
            starting(None, grace=60),
            at={"web.healthCheckGracePeriodSeconds"},
            options={"applicationStartSeconds": 90},
        ),
        passes("the time that it takes", starting(60, grace=74)),
        passes("checks that are more patient", starting(60, {"interval": 30, "unhealthyThreshold": 3})),
        passes("a slow container that is not essential", starting(60, grace=30, essential=False)),
        passes("the grace of a container's own check", starting(None, grace=30)),
        missing("nothing said: AWS's own health check forgives ten seconds", starting(None, {})),
        unknown(
            "containers that are not known yet",
            {**starting(60, grace=30), "app": task_definition(containerDefinitions=not_known())},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("no load balancer", {**starting(60), "web": plain_service(taskDefinition="${app.arn}")}),
    ],
}

MUTANTS = {
    "SV-24": [
        mutant(
            "a container that takes two minutes, and half a minute of grace",
            good_stacks.FARGATE,
            "app",
            container={"healthCheck": {"command": ["CMD", "true"], "startPeriod": 120}},
        ),
    ],
    "SV-23": [
        Mutant(
            "a minute",
            {
                **good_stacks.FARGATE,
                "web": {
                    **good_stacks.FARGATE["web"],
                    "properties": {**good_stacks.FARGATE["web"]["properties"], "waitForSteadyState": True},
                    "options": {**good_stacks.FARGATE["web"]["options"], "customTimeouts": {"update": "60s"}},
                },
            },
        )
    ],
}
