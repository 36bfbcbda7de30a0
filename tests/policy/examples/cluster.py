import json
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    cluster,
    container,
    missing,
    not_applicable,
    passes,
    resource,
    service,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import Mutant, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

INSIGHTS = "containerInsights"


def setting(value: object, name: str = INSIGHTS) -> Resources:
    return {"main": cluster(settings=[{"name": name, "value": value}])}


def shells(**configuration: Any) -> Resources:
    return {"main": cluster(configuration={"executeCommandConfiguration": configuration})}


GROUP = {"cloudWatchLogGroupName": "shells", "cloudWatchEncryptionEnabled": True}
RECORDED = {"logging": "OVERRIDE", "kmsKeyId": "arn:aws:kms:x", "logConfiguration": GROUP}
NO_CLUSTER: Resources = {"app": task_definition()}


def executing(app: dict[str, Any], *actions: str) -> Resources:
    document = json.dumps({"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})
    return {
        "role": resource("aws:iam/role:Role", inlinePolicies=[{"name": "exec", "policy": document}]),
        "app": app,
        "web": service(taskDefinition="${app.arn}", enableExecuteCommand=True),
    }


APP = task_definition(taskRoleArn="${role.arn}")


def writing(*folders: str) -> dict[str, Any]:
    """A task with a read-only root and volumes on these folders."""
    return task_definition(
        container(
            readonlyRootFilesystem=True,
            mountPoints=[{"sourceVolume": "agent", "containerPath": each} for each in folders],
        ),
        volumes=[{"name": "agent"}],
    )


EXAMPLES = {
    "CL-01": [
        violates(
            "disabled",
            setting("disabled"),
            at={"main.settings[0].value"},
            says=(
                'Cluster \'main\' settings[0].value: got "disabled", expected "enhanced" or "enabled"; change the '
                "setting containerInsights"
            ),
        ),
        passes("enhanced", setting("enhanced")),
        missing("not set", {"main": cluster()}, at={"main.settings"}),
        unknown("unknown", setting(not_known()), not_evaluated={"main.settings[0].value"}),
        not_applicable("no cluster", NO_CLUSTER),
    ],
    "CL-02": [
        violates(
            "not recorded",
            shells(logging="NONE", kmsKeyId="arn:aws:kms:x"),
            at={"main.configuration.executeCommandConfiguration.logging"},
            says=(
                'Cluster \'main\' configuration.executeCommandConfiguration.logging: got "NONE", expected "OVERRIDE"; '
                "set logging and logConfiguration, with a log group or bucket for sessions"
            ),
        ),
        violates(
            "not encrypted",
            shells(logging="OVERRIDE", logConfiguration={"s3BucketName": "shells"}),
            at={
                "main.configuration.executeCommandConfiguration.kmsKeyId",
                "main.configuration.executeCommandConfiguration.logConfiguration.s3BucketEncryptionEnabled",
            },
        ),
        passes("recorded and encrypted", shells(**RECORDED)),
        missing(
            "nothing said, and a service with ECS Exec",
            {"main": cluster(), "web": service(cluster="${main.arn}", enableExecuteCommand=True)},
            at={
                "main.configuration.executeCommandConfiguration.logging",
                "main.configuration.executeCommandConfiguration.kmsKeyId",
            },
        ),
        unknown(
            "unknown",
            shells(**{**RECORDED, "logging": not_known()}),
            not_evaluated={"main.configuration.executeCommandConfiguration.logging"},
        ),
        not_applicable("nobody has a shell", {"main": cluster(), "web": service(cluster="${main.arn}")}),
    ],
    "CL-02b": [
        violates(
            "names that are empty",
            shells(logging="OVERRIDE", logConfiguration={"cloudWatchLogGroupName": "", "s3BucketName": ""}),
            at={"main.configuration.executeCommandConfiguration.logConfiguration"},
        ),
        violates(
            "nowhere",
            shells(logging="OVERRIDE"),
            at={"main.configuration.executeCommandConfiguration.logConfiguration"},
            says=(
                "Cluster 'main' configuration.executeCommandConfiguration.logConfiguration: got nothing, expected a "
                "log group or bucket with OVERRIDE; set logConfiguration, or change logging"
            ),
        ),
        violates(
            "nowhere, in an object",
            shells(logging="OVERRIDE", logConfiguration={"s3KeyPrefix": "exec"}),
            at={"main.configuration.executeCommandConfiguration.logConfiguration"},
        ),
        violates(
            "somewhere, without OVERRIDE",
            shells(logging="DEFAULT", logConfiguration=GROUP),
            at={"main.configuration.executeCommandConfiguration.logging"},
        ),
        passes("both", shells(**RECORDED)),
        missing("neither", {"main": cluster()}),
        unknown(
            "unknown",
            shells(logging=not_known()),
            not_evaluated={"main.configuration.executeCommandConfiguration.logging"},
        ),
        not_applicable("no cluster", NO_CLUSTER),
    ],
    "SV-21": [
        violates(
            "the role may not",
            executing(APP, "ssmmessages:Create*"),
            at={"app.taskRoleArn"},
            says=(
                "TaskDefinition 'app' taskRoleArn: got Role 'role', expected a role that may "
                "ssmmessages:OpenControlChannel, ssmmessages:OpenDataChannel, since Service 'web' has ECS Exec; allow "
                "it in a policy of the role"
            ),
        ),
        passes("it may", executing(APP, "ssmmessages:*")),
        missing("no task role", executing(task_definition(), "ssmmessages:*"), at={"app.taskRoleArn"}),
        unknown(
            "a role of another stack",
            executing(task_definition(taskRoleArn=not_known())),
            not_evaluated={"app.taskRoleArn"},
        ),
        not_applicable("off", {"app": task_definition(), "web": service(taskDefinition="${app.arn}")}),
    ],
    "SV-21b": [
        violates(
            "a read-only root file system",
            executing(task_definition(container(readonlyRootFilesystem=True)), "ssmmessages:*"),
            at={"app.containerDefinitions[app].readonlyRootFilesystem"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].readonlyRootFilesystem: got true, "
                "expected false, since Service 'web' has ECS Exec; set it to false, mount volumes on "
                "/managed-agents, /var/lib/amazon/ssm, /var/log/amazon/ssm, or set enableExecuteCommand "
                "to false"
            ),
        ),
        violates(
            "volumes on some of the folders",
            executing(writing("/managed-agents", "/var/lib/amazon/ssm"), "ssmmessages:*"),
            at={"app.containerDefinitions[app].readonlyRootFilesystem"},
        ),
        passes("a writable one", executing(task_definition(container(readonlyRootFilesystem=False)), "ssmmessages:*")),
        passes(
            "volumes where the agent writes",
            executing(writing("/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm"), "ssmmessages:*"),
        ),
        missing("the root file system is writable by default", executing(task_definition(), "ssmmessages:*")),
        unknown(
            "unknown containers",
            executing(task_definition(taskRoleArn="${role.arn}", containerDefinitions=not_known()), "ssmmessages:*"),
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("off", {"app": task_definition(), "web": service(taskDefinition="${app.arn}")}),
    ],
}

MUTANTS = {
    "CL-02b": [
        mutant(
            "without OVERRIDE",
            good_stacks.FARGATE,
            "main",
            configuration={"executeCommandConfiguration": {"logging": "OVERRIDE", "kmsKeyId": "arn:aws:kms:x"}},
        )
    ],
    "SV-21": [
        Mutant(
            "a role that may not",
            {
                **mutant("", good_stacks.FARGATE, "web", enableExecuteCommand=True).resources,
                "app": mutant(
                    "",
                    good_stacks.FARGATE,
                    "app",
                    volumes=[{"name": "agent"}],
                    container={
                        "mountPoints": [
                            {"sourceVolume": "agent", "containerPath": each}
                            for each in ("/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm")
                        ]
                    },
                ).resources["app"],
                "main": mutant(
                    "", good_stacks.FARGATE, "main", configuration={"executeCommandConfiguration": RECORDED}
                ).resources["main"],
            },
        )
    ],
}
