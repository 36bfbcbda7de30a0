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
from tests.policy.good_stacks import ignoring, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

APP = task_definition()

BREAKER = {"enable": True, "rollback": True}
SECRET = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:db-a1b2c3"


def scaled(**properties: Any) -> dict[str, Any]:
    return resource(
        "aws:appautoscaling/target:Target",
        **{
            "serviceNamespace": "ecs",
            "scalableDimension": "ecs:service:DesiredCount",
            "resourceId": "${web.id}",
            **properties,
        },
    )


def versioned(version: object, app: dict[str, Any]) -> Resources:
    return {
        "app": app,
        "web": service(launchType="FARGATE", taskDefinition="${app.arn}", platformVersion=version),
    }


EXAMPLES = {
    "SV-17": [
        violates(
            "the family alone",
            {"app": APP, "web": service(taskDefinition="${app.family}")},
            at={"web.taskDefinition"},
            says=(
                "Service 'web' taskDefinition: got \"app\", expected a full ARN or family:revision; "
                "use the task definition's arn, not arnWithoutRevision or family"
            ),
        ),
        violates(
            "the ARN without revision",
            {"app": APP, "web": service(taskDefinition="${app.arnWithoutRevision}")},
            at={"web.taskDefinition"},
        ),
        passes("the ARN", {"app": APP, "web": service(taskDefinition="${app.arn}")}),
        passes("family and revision", {"web": service(taskDefinition="app:3")}),
        missing("no task definition: task sets bring their own", {"web": service()}),
        unknown(
            "the ARN, before the task definition is registered",
            {"app": APP, "web": service(taskDefinition="${app.arn}")},
            not_evaluated={"web.taskDefinition"},
        ),
        not_applicable("no service", {"app": APP}),
    ],
    "SV-14": [
        violates(
            "without rollback",
            {"web": service(deploymentCircuitBreaker={"enable": True})},
            at={"web.deploymentCircuitBreaker.rollback"},
            says=("Service 'web' deploymentCircuitBreaker.rollback: got nothing, expected true or false; set rollback"),
        ),
        violates(
            "with CodeDeploy",
            {"web": service(deploymentCircuitBreaker=BREAKER, deploymentController={"type": "CODE_DEPLOY"})},
            at={"web.deploymentController.type"},
        ),
        passes("complete", {"web": service(deploymentCircuitBreaker=BREAKER)}),
        missing("none", {"web": service()}),
        unknown(
            "an unknown controller silences nothing else",
            {"web": service(deploymentCircuitBreaker={"enable": True}, deploymentController={"type": not_known()})},
            at={"web.deploymentCircuitBreaker.rollback"},
            not_evaluated={"web.deploymentController.type"},
        ),
        not_applicable("no service", {"app": APP}),
    ],
    "SV-14b": [
        violates(
            "off",
            {"web": service(deploymentCircuitBreaker={"enable": False, "rollback": False})},
            at={"web.deploymentCircuitBreaker.enable"},
            says=(
                "Service 'web' deploymentCircuitBreaker.enable: got false, expected true; set "
                "deploymentCircuitBreaker.enable to true"
            ),
        ),
        violates(
            "without rollback",
            {"web": service(deploymentCircuitBreaker={"enable": True, "rollback": False})},
            at={"web.deploymentCircuitBreaker.rollback"},
        ),
        passes("on", {"web": service(deploymentCircuitBreaker=BREAKER)}),
        missing("none", {"web": service()}, at={"web.deploymentCircuitBreaker.enable"}),
        unknown(
            "unknown",
            {"web": service(deploymentCircuitBreaker=not_known())},
            not_evaluated={"web.deploymentCircuitBreaker.enable"},
        ),
        not_applicable("blue and green", {"web": service(deploymentConfiguration={"strategy": "BLUE_GREEN"})}),
    ],
    "SV-15": [
        violates(
            "one",
            {"web": service(desiredCount=1)},
            at={"web.desiredCount"},
            says="Service 'web' desiredCount: got 1, expected 2 or more; set desiredCount to 2 or more",
        ),
        violates(
            "autoscaling down to one, in a first preview",
            {"web": service(name="web", desiredCount=3), "scaling": scaled(minCapacity=1)},
            at={"scaling.minCapacity"},
            preview=True,
        ),
        passes("two", {"web": service(desiredCount=2)}),
        passes("autoscaling from two", {"web": service(desiredCount=1), "scaling": scaled(minCapacity=2)}),
        passes("what the organisation asks", {"web": service(desiredCount=1)}, options={"leastTasks": 1}),
        missing("none: no task at all", {"web": service()}, at={"web.desiredCount"}),
        unknown("unknown", {"web": service(desiredCount=not_known())}, not_evaluated={"web.desiredCount"}),
        not_applicable("a daemon", {"web": service(schedulingStrategy="DAEMON")}),
    ],
    "SV-16": [
        violates(
            "on EC2",
            {"web": service(launchType="EC2", platformVersion="LATEST")},
            at={"web.platformVersion"},
            says=(
                "Service 'web' platformVersion: got \"LATEST\", expected nothing, since the service is not on Fargate; "
                "remove platformVersion"
            ),
        ),
        violates(
            "no version", {"web": service(launchType="FARGATE", platformVersion="newest")}, at={"web.platformVersion"}
        ),
        violates(
            "ephemeral storage before 1.4.0",
            versioned("1.3.0", task_definition(ephemeralStorage={"sizeInGib": 30})),
            at={"web.platformVersion"},
        ),
        violates(
            "a key of a secret before 1.4.0",
            versioned("1.3.0", task_definition(container(secrets=[{"name": "A", "valueFrom": f"{SECRET}:key::"}]))),
            at={"web.platformVersion"},
        ),
        passes("current", versioned("1.4.0", task_definition(ephemeralStorage={"sizeInGib": 30}))),
        passes("old, and enough", versioned("1.3.0", task_definition(container(secrets=[{"valueFrom": SECRET}])))),
        missing("none", {"web": service(launchType="EC2")}),
        unknown(
            "unknown containers",
            versioned("1.3.0", task_definition(containerDefinitions=not_known())),
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("no service", {"app": APP}),
    ],
    "SV-16b": [
        violates(
            "an old one",
            versioned("1.3.0", APP),
            at={"web.platformVersion"},
            says=(
                'Service \'web\' platformVersion: got "1.3.0", expected "LATEST" or "1.4.0"; leave platformVersion out'
            ),
        ),
        passes("the latest", versioned("LATEST", APP)),
        passes(
            "that of Windows",
            versioned("1.0.0", task_definition(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"})),
        ),
        missing("none: the latest", versioned(None, APP)),
        unknown("unknown", versioned(not_known(), APP), not_evaluated={"web.platformVersion"}),
        not_applicable("no service", {"app": APP}),
    ],
    "SV-18": [
        violates(
            "nobody's tags",
            {"web": service(enableEcsManagedTags=True)},
            at={"web.propagateTags"},
            says=(
                'Service \'web\' propagateTags: got nothing, expected one of "SERVICE", "TASK_DEFINITION", "NONE" '
                "with enableEcsManagedTags; set propagateTags"
            ),
        ),
        passes("the service's", {"web": service(enableEcsManagedTags=True, propagateTags="SERVICE")}),
        missing("no managed tags", {"web": service()}),
        unknown(
            "unknown", {"web": service(enableEcsManagedTags=not_known())}, not_evaluated={"web.enableEcsManagedTags"}
        ),
        not_applicable("off", {"web": service(enableEcsManagedTags=False)}),
    ],
    "SV-22": [
        violates(
            "set again by every deployment",
            {"web": service(desiredCount=2), "scaling": scaled()},
            at={"web.desiredCount"},
            says=(
                "Service 'web' desiredCount: got 2, expected ignoreChanges to hold desiredCount, since Target "
                "'scaling' "
                'scales the service; add the resource option ignoreChanges: ["desiredCount"]'
            ),
        ),
        violates(
            "by its full name, in a first preview",
            {
                "main": cluster(),
                "web": service(name="web", cluster="${main.arn}", desiredCount=2),
                "scaling": scaled(resourceId="service/${main.name}/${web.name}"),
            },
            at={"web.desiredCount"},
            preview=True,
        ),
        passes(
            "left alone",
            {
                "web": {**service(desiredCount=2), "options": {"ignoreChanges": ["desiredCount"]}},
                "scaling": scaled(),
            },
        ),
        missing("no count", {"web": service(), "scaling": scaled()}, at={"web.desiredCount"}),
        unknown(
            "a service of another stack",
            {"scaling": scaled(resourceId=not_known())},
            not_evaluated={"scaling.resourceId"},
        ),
        not_applicable("no autoscaling", {"web": service(desiredCount=2)}),
        not_applicable("of a table", {"scaling": scaled(serviceNamespace="dynamodb", resourceId="table/orders")}),
    ],
}

MUTANTS = {
    "SV-17": [mutant("family", good_stacks.FARGATE, "web", taskDefinition="${app.family}")],
    "SV-14": [
        mutant(
            "with CodeDeploy",
            ignoring(good_stacks.FARGATE, "web", "taskDefinition", "loadBalancers"),
            "web",
            deploymentController={"type": "CODE_DEPLOY"},
        ),
    ],
    "SV-16": [mutant("on EC2", good_stacks.EC2, "web", platformVersion="LATEST")],
}
