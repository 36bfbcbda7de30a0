from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    capacity_providers,
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

DISTINCT = [{"type": "distinctInstance"}]


def deploying(count: object = 1, least: object = None, most: object = None, **properties: Any) -> Resources:
    return {
        "web": service(
            desiredCount=count, deploymentMinimumHealthyPercent=least, deploymentMaximumPercent=most, **properties
        )
    }


def scaled(least: object, most: object, *, count: object = 10) -> Resources:
    """A service that scaling may leave with `least` tasks."""
    target = resource(
        "aws:appautoscaling/target:Target",
        resourceId="service/main/web",
        scalableDimension="ecs:service:DesiredCount",
        minCapacity=least,
        maxCapacity=20,
    )
    web = service(name="web", cluster="${main.arn}", desiredCount=count, deploymentMaximumPercent=most)
    return {"main": cluster(), "web": web, "target": target}


def placed(
    count: object, instances: object, ports: list[dict[str, int]], mode: str = "bridge", **properties: Any
) -> Resources:
    return {
        "main": cluster(),
        "hosts": resource("aws:autoscaling/group:Group", maxSize=instances),
        "capacity": resource(
            "aws:ecs/capacityProvider:CapacityProvider",
            autoScalingGroupProvider={"autoScalingGroupArn": "${hosts.arn}"},
        ),
        "providers": capacity_providers(clusterName="${main.name}", capacityProviders=["${capacity.name}"]),
        "app": task_definition(container(portMappings=ports), networkMode=mode),
        "web": service(
            cluster="${main.arn}", taskDefinition="${app.arn}", launchType="EC2", desiredCount=count, **properties
        ),
    }


ANOTHER_CLUSTER: Resources = {
    "second": cluster(name="second"),
    "secondHosts": resource("aws:autoscaling/group:Group", maxSize=9),
    "secondCapacity": resource(
        "aws:ecs/capacityProvider:CapacityProvider",
        autoScalingGroupProvider={"autoScalingGroupArn": "${secondHosts.arn}"},
    ),
    "secondProviders": capacity_providers(clusterName="${second.name}", capacityProviders=["${secondCapacity.name}"]),
}

FIXED = [{"containerPort": 80, "hostPort": 80}]
DYNAMIC = [{"containerPort": 80}]

EXAMPLES = {
    "SV-13": [
        violates(
            "both 100",
            deploying(2, 100, 100),
            at={"web.deploymentMaximumPercent"},
            says=(
                "Service 'web' deploymentMaximumPercent: got 100, expected more than deploymentMinimumHealthyPercent, "
                "which is 100; raise deploymentMaximumPercent, or lower deploymentMinimumHealthyPercent"
            ),
        ),
        violates(
            "one task, and half a task more",
            deploying(1, 100, 150),
            at={"web.deploymentMaximumPercent"},
            says=(
                "Service 'web' deploymentMaximumPercent: got 150, expected room for one task more or less than "
                "desiredCount, which is 1: 150 percent are 1 at most, 100 percent 1 at least; raise "
                "deploymentMaximumPercent to 200 or more"
            ),
        ),
        violates("three tasks, 70 to 130", deploying(3, 70, 130), at={"web.deploymentMaximumPercent"}),
        violates("less than 100", deploying(2, 0, 50), at={"web.deploymentMaximumPercent"}),
        violates(
            "more than one daemon task an instance",
            deploying(None, 0, 200, schedulingStrategy="DAEMON"),
            at={"web.deploymentMaximumPercent"},
        ),
        violates(
            "a daemon of which none may stop",
            deploying(None, 100, 100, schedulingStrategy="DAEMON"),
            at={"web.deploymentMinimumHealthyPercent"},
        ),
        passes("one more", deploying(1, 100, 200)),
        passes("one less", deploying(2, 50, 100)),
        passes("four tasks, 75 to 100", deploying(4, 75, 100)),
        passes("no tasks yet", deploying(0, 100, 150)),
        missing("nothing said: 100 and 200", deploying(1)),
        unknown("an unknown count", deploying(not_known(), 100, 150), not_evaluated={"web.desiredCount"}),
        unknown("an unknown maximum", deploying(2, 100, not_known()), not_evaluated={"web.deploymentMaximumPercent"}),
        not_applicable("another controller", deploying(1, 100, 100, deploymentController={"type": "CODE_DEPLOY"})),
    ],
    "SV-13b": [
        violates(
            "two tasks, and room for 120 percent",
            scaled(2, 120),
            at={"web.deploymentMaximumPercent"},
            says=(
                "Service 'web' deploymentMaximumPercent: got 120, expected room for one task more or "
                "less than minCapacity, which is 2: 120 percent are 2 at most, 100 percent 2 at least; "
                "raise deploymentMaximumPercent to 150 or more"
            ),
        ),
        violates("one task, and room for 150 percent", scaled(1, 150, count=4), at={"web.deploymentMaximumPercent"}),
        violates("three tasks, and room for 133 percent", scaled(3, 133), at={"web.deploymentMaximumPercent"}),
        passes("three tasks, and room for 134 percent", scaled(3, 134)),
        passes("room for one more", scaled(2, 150)),
        passes("many tasks at least", scaled(10, 120)),
        passes("none at least", scaled(0, 120)),
        missing("no percentages: 100 and 200", scaled(2, None)),
        unknown("an unknown least", scaled(not_known(), 120), not_evaluated={"target.minCapacity"}),
        not_applicable("no scaling", deploying(2, most=150)),
    ],
    "PL-14": [
        violates(
            "as many tasks as instances, and none may stop",
            placed(3, 3, DYNAMIC, placementConstraints=DISTINCT),
            at={"web.desiredCount"},
            says=(
                "Service 'web' desiredCount: got 3, expected room to deploy: with distinctInstance each task needs an "
                "instance, a deployment 4, and the Auto Scaling groups have 3 at most; raise maxSize to 4 or more, or "
                "lower desiredCount or deploymentMinimumHealthyPercent"
            ),
        ),
        violates(
            "more tasks than instances",
            placed(4, 3, DYNAMIC, placementConstraints=DISTINCT, deploymentMinimumHealthyPercent=0),
            at={"web.desiredCount"},
            preview=True,
        ),
        violates(
            "instances enough, but for another cluster",
            {**placed(3, 3, DYNAMIC, placementConstraints=DISTINCT), **ANOTHER_CLUSTER},
            at={"web.desiredCount"},
        ),
        passes("one instance more", placed(3, 4, DYNAMIC, placementConstraints=DISTINCT)),
        passes(
            "one task may stop",
            placed(3, 3, DYNAMIC, placementConstraints=DISTINCT, deploymentMinimumHealthyPercent=60),
        ),
        missing("no constraint", placed(3, 3, DYNAMIC)),
        unknown(
            "an unknown number of instances",
            placed(3, not_known(), DYNAMIC, placementConstraints=DISTINCT),
            not_evaluated={"hosts.maxSize"},
        ),
        not_applicable(
            "another constraint",
            placed(3, 3, DYNAMIC, placementConstraints=[{"type": "memberOf", "expression": "attribute:a == b"}]),
        ),
    ],
    "PL-16": [
        violates(
            "as many tasks as instances, and none may stop",
            placed(3, 3, FIXED),
            at={"web.desiredCount"},
            says=(
                "Service 'web' desiredCount: got 3, expected room to deploy: with a fixed host port in TaskDefinition "
                "'app' each task needs an instance, a deployment 4, and the Auto Scaling groups have 3 at most; raise "
                "maxSize to 4 or more, or lower desiredCount or deploymentMinimumHealthyPercent"
            ),
        ),
        violates("the instance's own network", placed(3, 3, DYNAMIC, "host"), at={"web.desiredCount"}),
        violates(
            "a port of the ephemeral range",
            placed(1, 3, [{"containerPort": 80, "hostPort": 40000}]),
            at={"app.containerDefinitions[app].portMappings[0].hostPort"},
        ),
        violates(
            "a port of the ECS agent",
            placed(1, 3, [{"containerPort": 80, "hostPort": 51678}]),
            at={"app.containerDefinitions[app].portMappings[0].hostPort"},
        ),
        passes("one instance more", placed(3, 4, FIXED)),
        passes("dynamic ports", placed(3, 3, DYNAMIC)),
        missing("no ports", placed(3, 3, [])),
        unknown("an unknown number of instances", placed(3, not_known(), FIXED), not_evaluated={"hosts.maxSize"}),
        not_applicable("awsvpc", placed(3, 3, FIXED, "awsvpc")),
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
        maxCapacity=9,
    ),
}
MUTANTS = {
    "SV-13b": [mutant("120 percent", SCALED, "web", desiredCount=5, deploymentMaximumPercent=120)],
    "SV-13": [
        mutant(
            "both 100", good_stacks.FARGATE, "web", deploymentMaximumPercent=100, availabilityZoneRebalancing="DISABLED"
        ),
        mutant("one and a quarter", good_stacks.EC2, "web", deploymentMaximumPercent=125),
    ],
    "PL-14": [mutant("too few instances", good_stacks.EC2, "hosts", minSize=1, maxSize=2)],
    "PL-16": [mutant("too few instances", good_stacks.EC2, "web", placementConstraints=None, desiredCount=8)],
}
