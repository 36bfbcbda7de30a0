from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}

EXAMPLES = {
    "TD-03": [
        violates(
            "bridge on Fargate",
            {"app": task_definition(networkMode="bridge", **FARGATE)},
            at={"app.networkMode"},
            says=(
                'TaskDefinition \'app\' networkMode: got "bridge", expected "awsvpc" with FARGATE in '
                'requiresCompatibilities; set networkMode to "awsvpc"'
            ),
        ),
        passes("awsvpc", {"app": task_definition(networkMode="awsvpc", **FARGATE)}),
        missing("no network mode: bridge", {"app": task_definition(**FARGATE)}, at={"app.networkMode"}),
        unknown(
            "unknown network mode",
            {"app": task_definition(networkMode=not_known(), **FARGATE)},
            not_evaluated={"app.networkMode"},
        ),
        not_applicable("EC2", {"app": task_definition(networkMode="bridge", requiresCompatibilities=["EC2"])}),
    ],
}

MUTANTS = {"TD-03": [mutant("host", good_stacks.FARGATE, "app", networkMode="host")]}
