from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    container,
    missing,
    not_applicable,
    passes,
    target_group,
    task_definition,
    unknown,
    violates,
)
from tests.policy.example import service as plain_service
from tests.policy.good_stacks import Mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known


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


HASTY = "web.customTimeouts.update"

EXAMPLES = {
    "SV-23": [
        violates(
            "a minute for what may take almost five",
            deploying("60s"),
            at={HASTY},
            says="Service 'web' customTimeouts.update: got 1 min, expected at least 4 min 50 s, the worst case of its "
            "settings; raise it, or shorten deregistration delay, stop timeout or health check",
        ),
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
        missing("no timeout: the provider waits 20 minutes", deploying()),
        unknown(
            "how long targets drain",
            deploying("60s", delay=not_known()),
            not_evaluated={"group.deregistrationDelay"},
        ),
        not_applicable("no service", {"app": task_definition()}),
    ],
}

MUTANTS = {
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
    ]
}
