from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, service, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import unknown as not_known

AWSVPC = task_definition(networkMode="awsvpc")
BRIDGE = task_definition(networkMode="bridge")
NETWORK = {"subnets": ["subnet-1"]}

EXAMPLES = {
    "SV-01": [
        violates(
            "awsvpc without a network configuration",
            {"app": AWSVPC, "web": service(taskDefinition="${app.arn}")},
            at={"web.networkConfiguration"},
            says=(
                "Service 'web' networkConfiguration: got nothing, expected subnets and security groups, since "
                "TaskDefinition 'app' uses awsvpc; set networkConfiguration"
            ),
        ),
        violates(
            "bridge with one",
            {"app": BRIDGE, "web": service(taskDefinition="${app.arn}", networkConfiguration=NETWORK)},
            at={"web.networkConfiguration"},
        ),
        passes(
            "awsvpc with one",
            {"app": AWSVPC, "web": service(taskDefinition="${app.arn}", networkConfiguration=NETWORK)},
        ),
        passes("bridge without", {"app": BRIDGE, "web": service(taskDefinition="${app.arn}")}),
        missing(
            "no network mode: bridge",
            {"app": task_definition(), "web": service(taskDefinition="${app.arn}", networkConfiguration=NETWORK)},
            at={"web.networkConfiguration"},
        ),
        unknown(
            "unknown network mode",
            {"app": task_definition(networkMode=not_known()), "web": service(taskDefinition="${app.arn}")},
            not_evaluated={"app.networkMode"},
        ),
        not_applicable("no task definition", {"web": service(networkConfiguration=NETWORK)}),
    ],
}

MUTANTS = {
    "SV-01": [
        mutant("none under awsvpc", good_stacks.FARGATE, "web", networkConfiguration=None),
        mutant("one under bridge", good_stacks.EC2, "web", networkConfiguration={"subnets": ["${privateA.id}"]}),
    ]
}
