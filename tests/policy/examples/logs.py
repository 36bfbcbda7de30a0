from tests.policy import good_stacks
from tests.policy.example import (
    container,
    missing,
    not_applicable,
    passes,
    resource,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

GROUP = "aws:cloudwatch/logGroup:LogGroup"
LOGS = resource(GROUP, name="/ecs/app")


def writing(
    name: object = "/ecs/app", region: object = "ap-northeast-1", driver: str = "awslogs", **options: object
) -> Resources:
    log = {"awslogs-group": name, "awslogs-region": region, **options}
    return {
        "logs": LOGS,
        "app": task_definition(container(logConfiguration={"logDriver": driver, "options": log})),
    }


EXAMPLES = {
    "LG-01": [
        violates(
            "for ever",
            {"logs": resource(GROUP, retentionInDays=0)},
            at={"logs.retentionInDays"},
            says="LogGroup 'logs' retentionInDays: got 0, expected 1 days or more; set retentionInDays",
        ),
        violates(
            "shorter than the organisation asks",
            {"logs": resource(GROUP, retentionInDays=30)},
            at={"logs.retentionInDays"},
            options={"leastDays": 365},
        ),
        passes("stated", {"logs": resource(GROUP, retentionInDays=30)}),
        missing("nothing: for ever", {"logs": LOGS}, at={"logs.retentionInDays"}),
        unknown(
            "unknown",
            {"logs": resource(GROUP, retentionInDays=not_known())},
            not_evaluated={"logs.retentionInDays"},
        ),
        not_applicable("logs that are only handed on", {"logs": resource(GROUP, logGroupClass="DELIVERY")}),
    ],
    "LG-01b": [
        violates(
            "two days",
            {"logs": resource(GROUP, retentionInDays=2)},
            at={"logs.retentionInDays"},
            says=(
                "LogGroup 'logs' retentionInDays: got 2, expected one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, "
                "365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, or 0 for ever; choose the next one that "
                "is enough"
            ),
        ),
        passes("a year", {"logs": resource(GROUP, retentionInDays="365")}),
        missing("nothing", {"logs": LOGS}),
        unknown(
            "unknown",
            {"logs": resource(GROUP, retentionInDays=not_known())},
            not_evaluated={"logs.retentionInDays"},
        ),
        not_applicable(
            "logs that are only handed on", {"logs": resource(GROUP, logGroupClass="DELIVERY", retentionInDays=2)}
        ),
    ],
    "LG-02": [
        violates(
            "AWS's own key",
            {"logs": LOGS},
            at={"logs.kmsKeyId"},
            says="LogGroup 'logs' kmsKeyId: got nothing, expected the ARN of a KMS key; set kmsKeyId",
        ),
        passes("a key", {"logs": resource(GROUP, kmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/1")}),
        missing("null", {"logs": resource(GROUP, kmsKeyId=None)}, at={"logs.kmsKeyId"}),
        unknown(
            "the log group's inputs are not all known: it is given a key all the same",
            {"logs": resource(GROUP, kmsKeyId=not_known())},
            not_evaluated=set(),
        ),
        not_applicable("no log group", {"app": task_definition()}),
    ],
    "LG-03": [
        violates(
            "no such group",
            writing("/ecs/web"),
            at={"app.containerDefinitions[app].logConfiguration.options.awslogs-group"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].logConfiguration.options.awslogs-group: got "
                '"/ecs/web", expected a log group of this stack, which has "/ecs/app"; create it, set '
                "awslogs-create-group to true, or add it to existing of this rule"
            ),
        ),
        violates(
            "another region",
            writing(region="eu-west-1"),
            at={"app.containerDefinitions[app].logConfiguration.options.awslogs-region"},
        ),
        passes("of this stack", writing("${logs.name}")),
        passes("made by the driver", writing("/ecs/web", **{"awslogs-create-group": "true"})),
        passes("known to exist", writing("/shared/web"), options={"existing": ["/shared/*"]}),
        missing("no group named: TD-29 says so", writing(None)),
        unknown(
            "an unknown group",
            {**writing("${logs.arn}")},
            not_evaluated={"app.containerDefinitions"},
        ),
        unknown(
            "a log group whose name is not known may be it",
            {**writing("/ecs/web"), "logs": resource(GROUP, name=not_known())},
            not_evaluated={"logs.name"},
        ),
        not_applicable("another driver", writing("/ecs/web", driver="splunk")),
    ],
}

MUTANTS = {
    "LG-01b": [mutant("two days", good_stacks.FARGATE, "logs", retentionInDays=2)],
    "LG-03": [
        mutant(
            "a typing error",
            good_stacks.FARGATE,
            "app",
            container={
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": "/ecs/ap",
                        "awslogs-region": good_stacks.REGION,
                        "awslogs-stream-prefix": "app",
                    },
                }
            },
        )
    ],
}
