from typing import Any

from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, resource, service, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import unknown as not_known

LINKS = [{"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/1", "containerName": "app"}]


def external(**properties: Any) -> dict[str, Any]:
    return service(deploymentController={"type": "EXTERNAL"}, **properties)


def codedeploy(*ignored: str, **properties: Any) -> dict[str, Any]:
    written = {"deploymentController": {"type": "CODE_DEPLOY"}, "taskDefinition": "app:1", **properties}
    return resource("aws:ecs/service:Service", options={"ignoreChanges": list(ignored)}, **written)


EXAMPLES = {
    "DC-01": [
        violates(
            "a load balancer",
            {"web": external(loadBalancers=LINKS)},
            at={"web.loadBalancers"},
            says=(
                'Service \'web\' loadBalancers: got [an object with "targetGroupArn", "containerName"], '
                "expected nothing with an external deployment controller; move loadBalancers to the "
                "TaskSet"
            ),
        ),
        violates("a launch type", {"web": external(launchType="FARGATE")}, at={"web.launchType"}),
        violates(
            "subnets and a platform version",
            {"web": external(networkConfiguration={"subnets": ["subnet-1"]}, platformVersion="LATEST")},
            at={"web.networkConfiguration", "web.platformVersion"},
        ),
        violates("a task definition", {"web": external(taskDefinition="app:1")}, at={"web.taskDefinition"}),
        passes("a count and tags", {"web": external(desiredCount=3, propagateTags="SERVICE")}),
        passes("an empty list", {"web": external(loadBalancers=[])}),
        passes("a load balancer with ECS as controller", {"web": service(loadBalancers=LINKS)}),
        missing("no controller: ECS", {"web": service(launchType="FARGATE")}),
        unknown(
            "an unknown controller",
            {"web": service(deploymentController={"type": not_known()}, launchType="FARGATE")},
            not_evaluated={"web.deploymentController.type"},
        ),
        not_applicable("CodeDeploy", {"web": codedeploy(launchType="FARGATE")}),
    ],
    "DC-03": [
        violates(
            "no load balancer",
            {"web": codedeploy("*")},
            at={"web.loadBalancers"},
            says=(
                "Service 'web' loadBalancers: got nothing, expected one load balancer with CODE_DEPLOY; keep the "
                "target group that CodeDeploy begins with"
            ),
        ),
        violates("an empty list", {"web": codedeploy("*", loadBalancers=[])}, at={"web.loadBalancers"}),
        violates("two", {"web": codedeploy("*", loadBalancers=[*LINKS, *LINKS])}, at={"web.loadBalancers"}),
        passes("one", {"web": codedeploy("*", loadBalancers=LINKS)}),
        missing("no controller: ECS", {"web": service(taskDefinition="app:1")}),
        unknown(
            "load balancers that are not known yet",
            {"web": codedeploy("*", loadBalancers=not_known())},
            not_evaluated={"web.loadBalancers"},
        ),
        not_applicable("ECS", {"web": service(deploymentController={"type": "ECS"}, taskDefinition="app:1")}),
    ],
    "DC-02": [
        violates(
            "Pulumi hands on the task definition",
            {"web": codedeploy()},
            at={"web.taskDefinition"},
            says=(
                "Service 'web' taskDefinition: got \"app:1\", expected ignoreChanges to hold "
                "taskDefinition, since by CODE_DEPLOY it is CodeDeploy that changes it; add the resource "
                'option ignoreChanges: ["taskDefinition"], or let ECS deploy with strategy BLUE_GREEN'
            ),
        ),
        violates(
            "and the load balancers",
            {"web": codedeploy(loadBalancers=LINKS)},
            at={"web.taskDefinition", "web.loadBalancers"},
        ),
        violates(
            "only one of both is ignored",
            {"web": codedeploy("taskDefinition", loadBalancers=LINKS)},
            at={"web.loadBalancers"},
        ),
        passes("both are ignored", {"web": codedeploy("taskDefinition", "loadBalancers", loadBalancers=LINKS)}),
        passes("everything is ignored", {"web": codedeploy("*", loadBalancers=LINKS)}),
        passes("a service without load balancer", {"web": codedeploy("taskDefinition")}),
        missing("no controller: ECS", {"web": service(taskDefinition="app:1")}),
        unknown(
            "an unknown controller",
            {"web": service(deploymentController={"type": not_known()}, taskDefinition="app:1")},
            not_evaluated={"web.deploymentController.type"},
        ),
        not_applicable("ECS", {"web": service(deploymentController={"type": "ECS"}, taskDefinition="app:1")}),
    ],
}

EXTERNAL = mutant(
    "",
    good_stacks.FARGATE,
    "web",
    deploymentController={"type": "EXTERNAL"},
    taskDefinition=None,
    launchType=None,
    platformVersion=None,
    networkConfiguration=None,
    loadBalancers=None,
    healthCheckGracePeriodSeconds=None,
    deploymentCircuitBreaker=None,
    availabilityZoneRebalancing=None,
).resources
"""The good stack for Fargate with its service's tasks in task sets: good, too."""

BY_CODEDEPLOY = mutant(
    "by CodeDeploy",
    good_stacks.ignoring(good_stacks.FARGATE, "web", "*"),
    "web",
    deploymentController={"type": "CODE_DEPLOY"},
    deploymentCircuitBreaker=None,
).resources

MUTANTS = {
    "DC-01": [mutant("a launch type", EXTERNAL, "web", launchType="FARGATE")],
    "DC-03": [mutant("no load balancer", BY_CODEDEPLOY, "web", loadBalancers=None, healthCheckGracePeriodSeconds=None)],
}
