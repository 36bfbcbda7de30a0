import json
from collections.abc import Mapping

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
from tests.policy.stacks import UNKNOWN
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
AWSLOGS = {"awslogs-group": "app", "awslogs-region": "ap-northeast-1", "awslogs-stream-prefix": "app"}
HERE = "app.containerDefinitions[app].logConfiguration"
LOG_GROUP = resource("aws:cloudwatch/logGroup:LogGroup")


def logging(driver: object, options: object = None, **properties: object) -> dict[str, dict[str, object]]:
    log = {"logDriver": driver} | ({"options": options} if options is not None else {})
    return {"app": task_definition(container(logConfiguration=log), **properties)}


SENDER = container(name="sender", logConfiguration={"logDriver": "awsfirelens"})
ROUTER = "app.containerDefinitions[router]"


def router(name: str = "router", **configuration: object) -> dict[str, object]:
    return {"name": name, "firelensConfiguration": {"type": "fluentbit", **configuration}}


def routing(*containers: Mapping[str, object], **properties: object) -> dict[str, dict[str, object]]:
    return {"app": task_definition(*containers, **properties)}


EXAMPLES = {
    "TD-28": [
        violates(
            "json-file on Fargate",
            logging("json-file", **FARGATE),
            at={f"{HERE}.logDriver"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].logConfiguration.logDriver: got \"json-file\", "
                "expected "
                'one of "awsfirelens", "awslogs", "splunk" on Fargate; change logDriver'
            ),
        ),
        violates("a driver that does not exist", logging("stdout"), at={f"{HERE}.logDriver"}),
        passes("awslogs on Fargate", logging("awslogs", AWSLOGS, **FARGATE)),
        passes("json-file on EC2", logging("json-file", requiresCompatibilities=["EC2"])),
        missing("no driver", {"app": task_definition(container(logConfiguration={}))}, at={f"{HERE}.logDriver"}),
        unknown("unknown containers", logging(not_known(), **FARGATE), not_evaluated={"app.containerDefinitions"}),
        not_applicable("no logging", {"app": task_definition(**FARGATE)}),
    ],
    "TD-29": [
        violates(
            "no stream prefix on Fargate",
            logging("awslogs", {k: v for k, v in AWSLOGS.items() if k != "awslogs-stream-prefix"}, **FARGATE),
            at={f"{HERE}.options.awslogs-stream-prefix"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].logConfiguration.options.awslogs-stream-prefix: got "
                "nothing, expected a value with the awslogs driver on Fargate; set awslogs-stream-prefix"
            ),
        ),
        violates(
            "neither group nor region",
            logging("awslogs", {"awslogs-stream-prefix": "app"}),
            at={f"{HERE}.options.awslogs-group", f"{HERE}.options.awslogs-region"},
        ),
        violates(
            "a misspelt option",
            logging("awslogs", {**AWSLOGS, "awslogs-prefix": "app"}),
            at={f"{HERE}.options.awslogs-prefix"},
        ),
        passes("all options", logging("awslogs", AWSLOGS, **FARGATE)),
        passes(
            "no prefix on EC2", logging("awslogs", {k: v for k, v in AWSLOGS.items() if k != "awslogs-stream-prefix"})
        ),
        missing(
            "no options at all",
            logging("awslogs"),
            at={f"{HERE}.options.awslogs-group", f"{HERE}.options.awslogs-region"},
        ),
        unknown(
            "the log group's name makes the whole JSON unknown",
            {"logs": LOG_GROUP, **logging("awslogs", {**AWSLOGS, "awslogs-group": "${logs.name}"}, **FARGATE)},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("another driver", logging("json-file")),
    ],
    "LO-01": [
        violates(
            "no group of its own, said so",
            logging("awslogs", {**AWSLOGS, "awslogs-create-group": "false"}),
            at={f"{HERE}.options.awslogs-create-group"},
            says=(
                "TaskDefinition 'app' "
                'containerDefinitions[app].logConfiguration.options.awslogs-create-group: got "false", '
                'expected "true" or nothing; remove awslogs-create-group, or set it to true'
            ),
        ),
        violates(
            "a misspelt mode", logging("awslogs", {**AWSLOGS, "mode": "nonblocking"}), at={f"{HERE}.options.mode"}
        ),
        violates("of another driver", logging("fluentd", {"mode": "async"}), at={f"{HERE}.options.mode"}),
        violates(
            "a size in words",
            logging("awslogs", {**AWSLOGS, "mode": "non-blocking", "max-buffer-size": "plenty"}),
            at={f"{HERE}.options.max-buffer-size"},
        ),
        violates(
            "a buffer without use",
            logging("awslogs", {**AWSLOGS, "mode": "blocking", "max-buffer-size": "25m"}),
            at={f"{HERE}.options.max-buffer-size"},
        ),
        violates(
            "two ways to divide messages",
            logging("awslogs", {**AWSLOGS, "awslogs-datetime-format": "%Y", "awslogs-multiline-pattern": "^a"}),
            at={f"{HERE}.options.awslogs-multiline-pattern"},
        ),
        violates(
            "splunk without token",
            logging("splunk", {"splunk-url": "https://splunk.example:8088"}),
            at={f"{HERE}.options.splunk-token"},
        ),
        violates("gelf without address", logging("gelf", {}), at={f"{HERE}.options.gelf-address"}),
        passes("a group that the driver makes", logging("awslogs", {**AWSLOGS, "awslogs-create-group": "true"})),
        passes("a buffer", logging("awslogs", {**AWSLOGS, "mode": "non-blocking", "max-buffer-size": "25m"})),
        passes(
            "splunk with a token from a secret",
            {
                "app": task_definition(
                    container(
                        logConfiguration={
                            "logDriver": "splunk",
                            "options": {"splunk-url": "https://splunk.example:8088"},
                            "secretOptions": [{"name": "splunk-token", "valueFrom": "/splunk"}],
                        }
                    )
                )
            },
        ),
        passes("a router's own options", logging("awsfirelens", {"Name": "http", "mode": "anything"})),
        missing("no log configuration", {"app": task_definition()}),
        unknown(
            "unknown containers",
            {"app": task_definition(containerDefinitions=not_known())},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("no container", {"app": task_definition(containerDefinitions="[]")}),
    ],
    "TD-30": [
        violates(
            "no router",
            logging("awsfirelens"),
            at={f"{HERE}.logDriver"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].logConfiguration.logDriver: got \"awsfirelens\", "
                "expected a container with firelensConfiguration in the task; add the log router, or change logDriver"
            ),
        ),
        violates("nothing to route", routing(container(), router()), at={f"{ROUTER}.firelensConfiguration"}),
        violates(
            "two routers, one of an unknown kind",
            routing(SENDER, router(), router(name="other", type="logstash")),
            at={
                "app.containerDefinitions[other].firelensConfiguration",
                "app.containerDefinitions[other].firelensConfiguration.type",
            },
        ),
        violates(
            "a configuration in S3 on Fargate",
            routing(SENDER, router(options={"config-file-type": "s3"}), **FARGATE),
            at={f"{ROUTER}.firelensConfiguration.options.config-file-type"},
        ),
        passes("a sender and a router", routing(SENDER, router(options={"config-file-type": "file"}), **FARGATE)),
        passes("a configuration in S3 on EC2", routing(SENDER, router(options={"config-file-type": "s3"}))),
        missing("a router of no type", routing(SENDER, router(type=None)), at={f"{ROUTER}.firelensConfiguration.type"}),
        unknown("unknown containers", logging(not_known()), not_evaluated={"app.containerDefinitions"}),
        unknown(
            "an unknown driver may be the one that the router waits for",
            {
                "app": task_definition(
                    containerDefinitions=json.dumps([container(logConfiguration={"logDriver": UNKNOWN}), router()])
                )
            },
            not_evaluated={f"{HERE}.logDriver"},
        ),
        not_applicable("other drivers", logging("awslogs", AWSLOGS)),
    ],
    "TD-40": [
        violates(
            "one of two",
            routing(container(), SENDER),
            at={HERE},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].logConfiguration: got nothing, expected a log driver; "
                'set logConfiguration, to "awslogs" for instance'
            ),
        ),
        passes("all of them", logging("awslogs", AWSLOGS)),
        missing("no logging at all", {"app": task_definition()}, at={HERE}),
        unknown("unknown containers", logging(not_known()), not_evaluated={"app.containerDefinitions"}),
        not_applicable("no task definition", {"logs": LOG_GROUP}),
    ],
}

MUTANTS = {
    "LO-01": [
        mutant(
            "a misspelt mode",
            good_stacks.FARGATE,
            "app",
            container={
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {**AWSLOGS, "awslogs-group": "${logs.name}", "mode": "nonblocking"},
                }
            },
        )
    ],
    "TD-30": [
        mutant("no router", good_stacks.FARGATE, "app", container={"logConfiguration": {"logDriver": "awsfirelens"}})
    ],
    "TD-40": [mutant("no logging", good_stacks.FARGATE, "app", container={"logConfiguration": None})],
    "TD-28": [
        mutant("json-file", good_stacks.FARGATE, "app", container={"logConfiguration": {"logDriver": "json-file"}})
    ],
    "TD-29": [
        mutant(
            "no prefix",
            good_stacks.FARGATE,
            "app",
            container={
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "${logs.name}", "awslogs-region": "ap-northeast-1"},
                }
            },
        )
    ],
}
