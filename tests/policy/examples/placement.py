from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    cluster,
    missing,
    not_applicable,
    passes,
    resource,
    service,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

DISTINCT = {"type": "distinctInstance"}
MEMBER = {"type": "memberOf", "expression": "attribute:ecs.instance-type =~ m7.*"}
BINPACK = {"type": "binpack", "field": "memory"}
SPREAD = {"type": "spread", "field": "attribute:ecs.availability-zone"}
RANDOM = {"type": "random"}
FARGATE = {"requiresCompatibilities": ["FARGATE"]}


def strategies(*items: object, **properties: object) -> dict[str, dict[str, object]]:
    return {"web": service(orderedPlacementStrategies=list(items), **properties)}


def constraints(*items: object, **properties: object) -> dict[str, dict[str, object]]:
    return {"web": service(placementConstraints=list(items), **properties)}


def balanced(**properties: Any) -> Resources:
    return {"web": service(availabilityZoneRebalancing="ENABLED", **properties)}


EXAMPLES = {
    "PL-01": [
        violates(
            "distinctInstance on Fargate",
            constraints(DISTINCT, launchType="FARGATE"),
            at={"web.placementConstraints"},
            says=(
                "Service 'web' placementConstraints: got [an object with \"type\"], expected none on Fargate; "
                "remove placementConstraints, or run the service on EC2"
            ),
        ),
        violates(
            "by capacity provider",
            constraints(MEMBER, capacityProviderStrategies=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}]),
            at={"web.placementConstraints"},
        ),
        passes("constraints on EC2", constraints(DISTINCT, MEMBER, launchType="EC2")),
        passes("none on Fargate", constraints(launchType="FARGATE")),
        missing("none", {"web": service(launchType="FARGATE")}),
        unknown(
            "the launch type is unknown",
            constraints(DISTINCT, launchType=not_known()),
            not_evaluated={"web.launchType"},
        ),
        unknown(
            "the constraints are unknown",
            {"web": service(launchType="FARGATE", placementConstraints=not_known())},
            not_evaluated={"web.placementConstraints"},
        ),
        not_applicable("no service", {"main": cluster()}),
    ],
    "PL-02": [
        violates(
            "a constraint in a task definition for EC2 and Fargate",
            {"app": task_definition(requiresCompatibilities=["EC2", "FARGATE"], placementConstraints=[MEMBER])},
            at={"app.placementConstraints"},
            says=(
                'TaskDefinition \'app\' placementConstraints: got [an object with "type", "expression"], expected none '
                "with FARGATE in requiresCompatibilities; remove placementConstraints, or FARGATE"
            ),
        ),
        passes("on EC2", {"app": task_definition(requiresCompatibilities=["EC2"], placementConstraints=[MEMBER])}),
        missing("none", {"app": task_definition(**FARGATE)}),
        unknown(
            "the compatibilities are unknown",
            {"app": task_definition(requiresCompatibilities=not_known(), placementConstraints=[MEMBER])},
            not_evaluated={"app.requiresCompatibilities"},
        ),
        not_applicable("no task definition", {"main": cluster()}),
    ],
    "PL-03": [
        violates(
            "binpack on Fargate",
            strategies(BINPACK, launchType="FARGATE"),
            at={"web.orderedPlacementStrategies"},
            says=(
                'Service \'web\' orderedPlacementStrategies: got [an object with "type", "field"], expected none on '
                "Fargate; remove orderedPlacementStrategies, or run the service on EC2"
            ),
        ),
        passes("spread and binpack on EC2", strategies(SPREAD, BINPACK, launchType="EC2")),
        missing("none", {"web": service(launchType="FARGATE")}),
        unknown(
            "a provider of another stack",
            strategies(BINPACK, capacityProviderStrategies=[{"capacityProvider": not_known(), "weight": 1}]),
            not_evaluated={"web.capacityProviderStrategies[0].capacityProvider"},
        ),
        not_applicable("no service", {"main": cluster()}),
    ],
    "PL-05": [
        violates(
            "disk",
            strategies({"type": "binpack", "field": "disk"}),
            at={"web.orderedPlacementStrategies[0].field"},
            says=(
                "Service 'web' orderedPlacementStrategies[0].field: got \"disk\", expected one of "
                '"cpu", "memory" with binpack; change field'
            ),
        ),
        passes("cpu and memory", strategies(BINPACK, {"type": "binpack", "field": "cpu"})),
        missing("no field", strategies({"type": "binpack"}), at={"web.orderedPlacementStrategies[0].field"}),
        unknown(
            "unknown field",
            strategies({"type": "binpack", "field": not_known()}),
            not_evaluated={"web.orderedPlacementStrategies[0].field"},
        ),
        passes("in capital letters, which PL-05b reports", strategies({"type": "binpack", "field": "MEMORY"})),
        not_applicable("spread", strategies(SPREAD)),
    ],
    "PL-05b": [
        violates(
            "capital letters",
            strategies({"type": "binpack", "field": "MEMORY"}),
            at={"web.orderedPlacementStrategies[0].field"},
            says=(
                "Service 'web' orderedPlacementStrategies[0].field: got \"MEMORY\", expected one of "
                '"cpu", "memory", in lower case; write "memory"'
            ),
        ),
        passes("lower case", strategies(BINPACK)),
        missing("no field", strategies({"type": "binpack"})),
        unknown(
            "unknown field",
            strategies({"type": "binpack", "field": not_known()}),
            not_evaluated={"web.orderedPlacementStrategies[0].field"},
        ),
        not_applicable("spread", strategies(SPREAD)),
    ],
    "PL-06": [
        violates(
            "a bare attribute name",
            strategies({"type": "spread", "field": "ecs.availability-zone"}),
            at={"web.orderedPlacementStrategies[0].field"},
            says=(
                "Service 'web' orderedPlacementStrategies[0].field: got \"ecs.availability-zone\", expected "
                '"instanceId", "host" or "attribute:<name>" with spread; '
                'change field, for instance to "attribute:ecs.availability-zone"'
            ),
        ),
        passes("host, instanceId, attribute", strategies(SPREAD, {"type": "spread", "field": "host"})),
        missing("no field", strategies({"type": "spread"}), at={"web.orderedPlacementStrategies[0].field"}),
        unknown(
            "unknown field",
            strategies({"type": "spread", "field": not_known()}),
            not_evaluated={"web.orderedPlacementStrategies[0].field"},
        ),
        not_applicable("binpack", strategies(BINPACK)),
    ],
    "PL-07": [
        violates(
            "random by zone",
            strategies({"type": "random", "field": "attribute:ecs.availability-zone"}),
            at={"web.orderedPlacementStrategies[0].field"},
            says=(
                "Service 'web' orderedPlacementStrategies[0].field: got \"attribute:ecs.availability-zone\", "
                "expected none with random; remove field, or use spread or binpack"
            ),
        ),
        passes("random", strategies(RANDOM)),
        missing("no type", strategies({"field": "cpu"})),
        unknown(
            "unknown field",
            strategies({"type": "random", "field": not_known()}),
            not_evaluated={"web.orderedPlacementStrategies[0].field"},
        ),
        not_applicable("spread", strategies(SPREAD)),
    ],
    "PL-08": [
        violates(
            "six strategies",
            strategies(*[RANDOM] * 6),
            at={"web.orderedPlacementStrategies"},
            says=(
                "Service 'web' orderedPlacementStrategies: got ["
                + ", ".join(['an object with "type"'] * 6)
                + "], expected at most 5 strategies, not 6; remove some"
            ),
        ),
        passes("five strategies", strategies(*[RANDOM] * 5)),
        missing("none", {"web": service()}),
        unknown(
            "unknown list",
            {"web": service(orderedPlacementStrategies=not_known())},
            not_evaluated={"web.orderedPlacementStrategies"},
        ),
        not_applicable("no service", {"main": cluster()}),
    ],
    "PL-09": [
        violates(
            "six of the service and five of the task definition",
            {
                "app": task_definition(placementConstraints=[MEMBER] * 5),
                **constraints(*[DISTINCT] * 6, taskDefinition="${app.arn}"),
            },
            at={"web.placementConstraints"},
            says=(
                "Service 'web' placementConstraints: got ["
                + ", ".join(['an object with "type"'] * 6)
                + "], expected at most 10 together with the 5 of TaskDefinition 'app', not 11; remove some from either"
            ),
        ),
        violates("eleven of the service", constraints(*[DISTINCT] * 11), at={"web.placementConstraints"}),
        passes(
            "ten together",
            {
                "app": task_definition(placementConstraints=[MEMBER] * 5),
                **constraints(*[DISTINCT] * 5, taskDefinition="${app.arn}"),
            },
        ),
        missing("no task definition", constraints(DISTINCT)),
        unknown(
            "the task definition is elsewhere",
            constraints(DISTINCT, taskDefinition=not_known()),
            not_evaluated={"web.taskDefinition"},
        ),
        not_applicable("no constraints", {"web": service(taskDefinition=not_known())}),
    ],
    "PL-10": [
        violates(
            "distinctInstance in a task definition",
            {"app": task_definition(placementConstraints=[DISTINCT])},
            at={"app.placementConstraints[0].type"},
            says=(
                "TaskDefinition 'app' placementConstraints[0].type: got \"distinctInstance\", expected one of "
                '"memberOf"; move the constraint to the service'
            ),
        ),
        violates(
            "a type that does not exist",
            constraints({"type": "notMemberOf"}),
            at={"web.placementConstraints[0].type"},
        ),
        passes(
            "each where it belongs",
            {"app": task_definition(placementConstraints=[MEMBER]), **constraints(DISTINCT, MEMBER)},
        ),
        missing("no type", constraints({"expression": "x"}), at={"web.placementConstraints[0].type"}),
        unknown(
            "unknown type",
            constraints({"type": not_known()}),
            not_evaluated={"web.placementConstraints[0].type"},
        ),
        not_applicable("no constraints", {"app": task_definition(), "web": service()}),
    ],
    "PL-11": [
        violates(
            "distinctInstance with an expression",
            constraints({"type": "distinctInstance", "expression": "attribute:zone == a"}),
            at={"web.placementConstraints[0].expression"},
            says=(
                "Service 'web' placementConstraints[0].expression: got \"attribute:zone == a\", expected none with "
                "distinctInstance; remove expression, or change type to memberOf"
            ),
        ),
        violates(
            "an expression that is no cluster query",
            constraints({"type": "memberOf", "expression": "attribute:zone = a"}),
            at={"web.placementConstraints[0].expression"},
        ),
        violates(
            "an expression that is too long",
            constraints({"type": "memberOf", "expression": "attribute:zone == " + "a" * 2000}),
            at={"web.placementConstraints[0].expression"},
        ),
        passes("memberOf with, distinctInstance without", constraints(MEMBER, DISTINCT)),
        missing("memberOf without", constraints({"type": "memberOf"}), at={"web.placementConstraints[0].expression"}),
        unknown(
            "unknown expression",
            constraints({"type": "memberOf", "expression": not_known()}),
            not_evaluated={"web.placementConstraints[0].expression"},
        ),
        not_applicable("no constraints", {"app": task_definition(), "web": service()}),
    ],
    "PL-12": [
        violates(
            "a desired count",
            {"web": service(schedulingStrategy="DAEMON", desiredCount=2)},
            at={"web.desiredCount"},
            says="Service 'web' desiredCount: got 2, expected none with DAEMON; remove desiredCount, or use REPLICA",
        ),
        violates("a strategy", strategies(RANDOM, schedulingStrategy="DAEMON"), at={"web.orderedPlacementStrategies"}),
        violates(
            "an autoscaling target",
            {
                "main": cluster(),
                "web": service(name="web", cluster="${main.arn}", schedulingStrategy="DAEMON"),
                "scale": resource("aws:appautoscaling/target:Target", resourceId="service/${main.name}/${web.name}"),
                "table": resource("aws:appautoscaling/target:Target", resourceId="table/orders"),
            },
            at={"scale.resourceId"},
        ),
        violates(
            "an autoscaling target, in a first preview",
            {
                "main": cluster(),
                "web": service(cluster="${main.arn}", schedulingStrategy="DAEMON"),
                "scale": resource("aws:appautoscaling/target:Target", resourceId="service/${main.name}/${web.name}"),
            },
            at={"scale.resourceId"},
            preview=True,
        ),
        passes("a daemon", {"web": service(schedulingStrategy="DAEMON")}),
        missing("no scheduling strategy: REPLICA", {"web": service(desiredCount=2)}),
        unknown(
            "unknown strategies hide no desired count",
            {"web": service(schedulingStrategy="DAEMON", desiredCount=1, orderedPlacementStrategies=not_known())},
            at={"web.desiredCount"},
            not_evaluated={"web.orderedPlacementStrategies"},
        ),
        not_applicable("a replica service", strategies(RANDOM, schedulingStrategy="REPLICA", desiredCount=2)),
    ],
    "PL-13": [
        violates(
            "on Fargate",
            {"web": service(schedulingStrategy="DAEMON", launchType="FARGATE")},
            at={"web.schedulingStrategy"},
            says=(
                'Service \'web\' schedulingStrategy: got "DAEMON", expected "REPLICA" on Fargate; use REPLICA, or '
                "run the service on EC2"
            ),
        ),
        violates(
            "with CodeDeploy",
            {
                "web": service(
                    schedulingStrategy="DAEMON", launchType="EC2", deploymentController={"type": "CODE_DEPLOY"}
                )
            },
            at={"web.deploymentController.type"},
        ),
        passes("on EC2", {"web": service(schedulingStrategy="DAEMON", launchType="EC2")}),
        passes("on one's own machines", {"web": service(schedulingStrategy="DAEMON", launchType="EXTERNAL")}),
        missing("no strategy: REPLICA", {"web": service(launchType="FARGATE")}),
        unknown(
            "an unknown launch type silences nothing else",
            {
                "web": service(
                    schedulingStrategy="DAEMON", launchType=not_known(), deploymentController={"type": "EXTERNAL"}
                )
            },
            at={"web.deploymentController.type"},
            not_evaluated={"web.launchType"},
        ),
        not_applicable("REPLICA", {"web": service(schedulingStrategy="REPLICA", launchType="FARGATE")}),
    ],
    "PL-15": [
        violates(
            "packed first",
            balanced(orderedPlacementStrategies=[{"type": "binpack", "field": "memory"}]),
            at={"web.orderedPlacementStrategies[0]"},
            says=(
                'Service \'web\' orderedPlacementStrategies[0]: got an object with "type", "field", expected spread '
                "on attribute:ecs.availability-zone as the first strategy with zone rebalancing; change it, or set "
                'availabilityZoneRebalancing to "DISABLED"'
            ),
        ),
        violates("no room", balanced(deploymentMaximumPercent=100), at={"web.deploymentMaximumPercent"}),
        violates("a daemon", balanced(schedulingStrategy="DAEMON"), at={"web.schedulingStrategy"}),
        violates("one's own machines", balanced(launchType="EXTERNAL"), at={"web.launchType"}),
        violates(
            "a Classic Load Balancer", balanced(loadBalancers=[{"elbName": "old"}]), at={"web.loadBalancers[0].elbName"}
        ),
        violates(
            "pinned to a zone",
            balanced(
                placementConstraints=[
                    {"type": "memberOf", "expression": "attribute:ecs.availability-zone in [eu-west-1a, eu-west-1b]"}
                ]
            ),
            at={"web.placementConstraints[0].expression"},
        ),
        passes("spread first", balanced(orderedPlacementStrategies=[SPREAD, {"type": "binpack", "field": "cpu"}])),
        passes(
            "other constraints",
            balanced(placementConstraints=[DISTINCT, {"type": "memberOf", "expression": "attribute:gpu exists"}]),
        ),
        missing("not asked for", {"web": service(deploymentMaximumPercent=100)}),
        unknown(
            "unknown strategies silence nothing else",
            balanced(orderedPlacementStrategies=not_known(), deploymentMaximumPercent=100),
            at={"web.deploymentMaximumPercent"},
            not_evaluated={"web.orderedPlacementStrategies"},
        ),
        not_applicable(
            "disabled", {"web": service(availabilityZoneRebalancing="DISABLED", deploymentMaximumPercent=100)}
        ),
    ],
}

MUTANTS = {
    "PL-01": [mutant("on Fargate", good_stacks.FARGATE, "web", placementConstraints=[DISTINCT])],
    "PL-02": [mutant("on Fargate", good_stacks.FARGATE, "app", placementConstraints=[MEMBER])],
    "PL-03": [mutant("on Fargate", good_stacks.FARGATE, "web", orderedPlacementStrategies=[SPREAD])],
    "PL-05": [
        mutant(
            "disk", good_stacks.EC2, "web", orderedPlacementStrategies=[SPREAD, {"type": "binpack", "field": "disk"}]
        )
    ],
    "PL-06": [mutant("zone", good_stacks.EC2, "web", orderedPlacementStrategies=[{"type": "spread", "field": "zone"}])],
    "PL-07": [
        mutant("field", good_stacks.EC2, "web", orderedPlacementStrategies=[SPREAD, {"type": "random", "field": "cpu"}])
    ],
    "PL-08": [mutant("six", good_stacks.EC2, "web", orderedPlacementStrategies=[SPREAD] + [RANDOM] * 5)],
    "PL-09": [mutant("ten and one", good_stacks.EC2, "web", placementConstraints=[DISTINCT] * 10)],
    "PL-10": [mutant("distinctInstance in task definition", good_stacks.EC2, "app", placementConstraints=[DISTINCT])],
    "PL-11": [
        mutant("no expression", good_stacks.EC2, "web", placementConstraints=[{"type": "memberOf"}]),
    ],
    "PL-12": [
        mutant(
            "daemon with a count",
            good_stacks.EC2,
            "web",
            schedulingStrategy="DAEMON",
            orderedPlacementStrategies=None,
            deploymentMaximumPercent=100,
            deploymentMinimumHealthyPercent=50,
        )
    ],
    "PL-13": [
        mutant(
            "on Fargate",
            good_stacks.FARGATE,
            "web",
            schedulingStrategy="DAEMON",
            desiredCount=None,
            deploymentMaximumPercent=100,
            deploymentMinimumHealthyPercent=50,
            availabilityZoneRebalancing="DISABLED",
        )
    ],
    "PL-15": [
        mutant(
            "packed first",
            good_stacks.EC2,
            "web",
            availabilityZoneRebalancing="ENABLED",
            orderedPlacementStrategies=[{"type": "binpack", "field": "memory"}],
        )
    ],
}
