"""Services whose deployments ECS does not do itself: CodeDeploy, and external controllers with task sets."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import Service
from ecs_policy.rule import Enforcement, Level, Problem, Quote, Value, resource_rule
from ecs_policy.values import independently

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_OF_TASK_SETS = (
    "capacityProviderStrategies",
    "iamRole",
    "launchType",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceRegistries",
    "taskDefinition",
)
_MAY_BE_EMPTY = ("capacityProviderStrategies", "loadBalancers")
_SAID = {
    "networkConfiguration": Quote("NetworkConfiguration must be null.", "https://github.com/aws/aws-cdk/issues/26335"),
    "taskDefinition": Quote("TaskDefinition must be blank", "https://github.com/aws/aws-cdk/issues/6245"),
    "loadBalancers": Quote(
        "LoadBalancers must be empty or null.", "https://github.com/hashicorp/terraform-provider-aws/issues/27291"
    ),
}
_SAID_BY_CODEDEPLOY = {
    "taskDefinition": Quote(
        "Unable to update task definition on services with a CODE_DEPLOY deployment controller.",
        "https://github.com/aws/aws-cdk/issues/7040",
    )
}
_OF_CODEDEPLOY = ("taskDefinition", "loadBalancers")


@resource_rule(
    "DC-01 external-controller",
    on=Service,
    title="A service with an external deployment controller leaves to its task sets what is theirs",
    why="Task definition, launch type, network and load balancers are given to CreateTaskSet. With this controller "
    "CreateService takes none of them.",
    level=Level.REJECTED,
    source=f"{_API}/API_CreateService.html",
)
def external_controller(service: Service) -> Iterator[Problem]:
    if not service.has_external_controller:
        return
    yield from independently(_left_out(service[key], key) for key in _OF_TASK_SETS)


def _left_out(place: Value, key: str) -> Iterator[Problem]:
    if (place.unknown and key not in _MAY_BE_EMPTY) or place.filled:
        yield place.problem(
            "nothing with an external deployment controller", f"move {key} to the TaskSet", quote=_SAID.get(key)
        )


@resource_rule(
    "DC-02 left-to-codedeploy",
    on=Service,
    title="Pulumi leaves to CodeDeploy what only CodeDeploy may change",
    why="With this controller UpdateService takes no other task definition and no other load balancers: the first "
    "deployment succeeds, and each later one that changes them is refused.",
    level=Level.FAILS,
    enforcement=Enforcement.ADVISORY,
    source=f"{_API}/API_UpdateService.html",
)
def left_to_codedeploy(service: Service) -> Iterator[Problem]:
    if service.controller != "CODE_DEPLOY":
        return
    for key in _OF_CODEDEPLOY:
        if service[key].given and not {key, "*"}.intersection(service.ignore_changes):
            yield service[key].problem(
                f"ignoreChanges to hold {key}, since by CODE_DEPLOY it is CodeDeploy that changes it",
                f'add the resource option ignoreChanges: ["{key}"], or let ECS deploy with strategy BLUE_GREEN',
                quote=_SAID_BY_CODEDEPLOY.get(key),
            )


@resource_rule(
    "DC-03 codedeploy-balancer",
    on=Service,
    title="A service that CodeDeploy deploys is behind one target group",
    why="CodeDeploy turns a listener from it to a second one, which the deployment group names. Several are for "
    "deployments by ECS.",
    level=Level.REJECTED,
    source=f"{_API}/API_CreateService.html",
)
def codedeploy_balancer(service: Service) -> Iterator[Problem]:
    place = service["loadBalancers"]
    if service.controller == "CODE_DEPLOY" and len(place.items()) != 1:
        yield place.problem("one load balancer with CODE_DEPLOY", "keep the target group that CodeDeploy begins with")
