import json

from tests.policy import good_stacks
from tests.policy.example import container, missing, not_applicable, passes, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import UNKNOWN
from tests.policy.stacks import unknown as not_known

DEFINITIONS = "app.containerDefinitions"
APP = good_stacks.FARGATE["app"]["properties"]["containerDefinitions"][0]
UNKNOWN_CONTAINERS = {"app": task_definition(containerDefinitions=not_known())}

EXAMPLES = {
    "TD-18": [
        violates(
            "no container is essential",
            {"app": task_definition(container(essential=False), container(name="proxy", essential=False))},
            at={DEFINITIONS},
            says=(
                "TaskDefinition 'app' containerDefinitions: got no essential container (containers: \"app\", "
                '"proxy"), expected one or more; remove "essential": false from the container that does the work'
            ),
        ),
        violates("no container at all", {"app": task_definition(containerDefinitions=[])}, at={DEFINITIONS}),
        passes(
            "one of two",
            {"app": task_definition(container(essential=False), container(name="proxy", essential=True))},
        ),
        missing("nothing is said: essential", {"app": task_definition()}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={DEFINITIONS}),
        unknown(
            "the only one that may be essential",
            {
                "app": task_definition(
                    containerDefinitions=json.dumps(
                        [container(essential=False), container(name="proxy", essential=UNKNOWN)]
                    )
                )
            },
            not_evaluated={f"{DEFINITIONS}[proxy].essential"},
        ),
        not_applicable("no task definition", {}),
    ],
    "TD-19": [
        violates(
            "two of the same name",
            {"app": task_definition(container(), container())},
            at={f"{DEFINITIONS}[app].name"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].name: got \"app\", expected a name that no other "
                "container of the task has; rename one of the two"
            ),
        ),
        violates(
            "a space, and too many letters",
            {"app": task_definition(container(name="my app"), container(name="a" * 256))},
            at={f"{DEFINITIONS}[my app].name", f"{DEFINITIONS}[1].name"},
        ),
        passes("two names", {"app": task_definition(container(), container(name="log_router-2"))}),
        missing("no name", {"app": task_definition({})}, at={f"{DEFINITIONS}[0].name"}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={DEFINITIONS}),
        unknown(
            "an unknown name hides no other",
            {"app": task_definition(containerDefinitions=json.dumps([container(name=UNKNOWN), container(name="a b")]))},
            at={f"{DEFINITIONS}[a b].name"},
            not_evaluated={f"{DEFINITIONS}[0].name"},
        ),
        not_applicable("no task definition", {}),
    ],
}

MUTANTS = {
    "TD-18": [mutant("not essential", good_stacks.FARGATE, "app", container={"essential": False})],
    "TD-19": [
        mutant(
            "a second container of the same name",
            good_stacks.FARGATE,
            "app",
            containerDefinitions=[{**APP, "portMappings": [], "cpu": 0, "memory": 128, "memoryReservation": 0}, APP],
        )
    ],
}
