from collections.abc import Mapping
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    container,
    missing,
    not_applicable,
    passes,
    service,
    target_group,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

APP = task_definition(networkMode="awsvpc")
BRIDGE = task_definition(networkMode="bridge")
RANGE = task_definition(container(portMappings=[{"containerPortRange": "8000-8010"}]))


def linked(app: Mapping[str, Any], group: Mapping[str, Any] | None = None, **link: object) -> Resources:
    link = {"containerName": "app", "containerPort": 80, "targetGroupArn": "${group.arn}", **link}
    return {
        "app": app,
        "group": group or target_group(targetType="ip"),
        "web": service(taskDefinition="${app.arn}", loadBalancers=[link]),
    }


EXAMPLES = {
    "SV-05": [
        violates(
            "a container that does not exist",
            linked(APP, containerName="web"),
            at={"web.loadBalancers[0].containerName"},
            says=(
                "Service 'web' loadBalancers[0].containerName: got \"web\", expected a container of "
                "TaskDefinition 'app', "
                'which has "app"; change containerName, or name the container so'
            ),
        ),
        violates(
            "a port that the container does not publish",
            linked(APP, containerPort=8080),
            at={"web.loadBalancers[0].containerPort"},
            says=(
                "Service 'web' loadBalancers[0].containerPort: got 8080, expected a port of container 'app' in "
                "TaskDefinition 'app', which publishes 80; change containerPort, or add the port to the container's "
                "portMappings"
            ),
        ),
        violates("outside the range", linked(RANGE, containerPort=80), at={"web.loadBalancers[0].containerPort"}),
        passes("both exist", linked(APP, containerPort=80.0)),
        passes("within the range", linked(RANGE, containerPort=8005)),
        missing(
            "no port mappings",
            linked(task_definition({"name": "app"})),
            at={"web.loadBalancers[0].containerPort"},
        ),
        unknown(
            "unknown containers",
            linked(task_definition(containerDefinitions=not_known())),
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("no load balancer", {"app": APP, "web": service(taskDefinition="${app.arn}")}),
    ],
    "SV-06": [
        violates(
            "instance under awsvpc",
            linked(APP, target_group(targetType="instance")),
            at={"group.targetType"},
            says=(
                "TargetGroup 'group' targetType: got \"instance\", expected \"ip\", since Service 'web' "
                "registers tasks of "
                "TaskDefinition 'app', whose network mode is awsvpc; set targetType to \"ip\", or change networkMode"
            ),
        ),
        violates("ip under bridge", linked(BRIDGE), at={"group.targetType"}),
        violates(
            "by an old name of the type, in a first preview",
            linked(APP, {**target_group(targetType="instance"), "type": "aws:alb/targetGroup:TargetGroup"}),
            at={"group.targetType"},
            preview=True,
        ),
        passes("ip under awsvpc", linked(APP)),
        passes("instance under bridge", linked(BRIDGE, target_group(targetType="instance"))),
        missing("no target type: instance", linked(APP, target_group()), at={"group.targetType"}),
        unknown(
            "a target group of another stack",
            linked(APP, targetGroupArn=not_known()),
            not_evaluated={"web.loadBalancers[0].targetGroupArn"},
        ),
        unknown(
            "two target groups whose ARNs are unknown",
            {
                **linked(APP),
                "second": target_group(targetType="instance"),
                "web": service(
                    taskDefinition="${app.arn}",
                    loadBalancers=[{"targetGroupArn": "${group.arn}"}, {"targetGroupArn": "${second.arn}"}],
                ),
            },
            not_evaluated={"web.loadBalancers[0].targetGroupArn", "web.loadBalancers[1].targetGroupArn"},
        ),
        not_applicable("a Classic Load Balancer", linked(BRIDGE, targetGroupArn=None, elbName="classic")),
    ],
}

LINK = {"targetGroupArn": "${group.arn}", "containerName": "app", "containerPort": 8080}
MUTANTS = {
    "SV-05": [
        mutant("container", good_stacks.FARGATE, "web", loadBalancers=[{**LINK, "containerName": "web"}]),
        mutant("port", good_stacks.EC2, "web", loadBalancers=[{**LINK, "containerPort": 80}]),
    ],
    "SV-06": [
        mutant("instance", good_stacks.FARGATE, "group", targetType="instance"),
        mutant("ip", good_stacks.EC2, "group", targetType="ip"),
    ],
}
