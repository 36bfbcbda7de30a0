import json

from tests.policy import good_stacks
from tests.policy.example import container, missing, not_applicable, passes, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import UNKNOWN, Resources
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
BOTH = {"requiresCompatibilities": ["EC2", "FARGATE"]}
ON_EC2 = {"requiresCompatibilities": ["EC2"]}
WINDOWS = {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}
HERE = "app.containerDefinitions[app]"
PROXY = "app.containerDefinitions[proxy]"


def stored(gib: object, **properties: object) -> Resources:
    return {"app": task_definition(ephemeralStorage={"sizeInGib": gib}, **properties)}


def two(app: dict[str, object], proxy: dict[str, object], **properties: object) -> Resources:
    return {"app": task_definition(container(**app), container(name="proxy", **proxy), **properties)}


def partly_known(app: dict[str, object], proxy: dict[str, object], **properties: object) -> Resources:
    """As `two`, of which single values are unknown and not the JSON as a whole."""
    containers = [container(**app), container(name="proxy", **proxy)]
    return {"app": task_definition(containerDefinitions=json.dumps(containers), **properties)}


EXAMPLES = {
    "TD-01": [
        violates(
            "too much memory for the CPU",
            {"app": task_definition(cpu="256", memory="4096", **FARGATE)},
            at={"app.memory"},
            says=(
                "TaskDefinition 'app' memory: got '4096', expected 512, 1024 or 2048 MiB with cpu 256; "
                "change memory, or use cpu 512 or 1024 or 2048"
            ),
        ),
        violates(
            "also when EC2 is declared beside it",
            {"app": task_definition(cpu="300", memory="1024", **BOTH)},
            at={"app.cpu"},
        ),
        violates(
            "both", {"app": task_definition(cpu="3 vCPU", memory="1 TB", **FARGATE)}, at={"app.cpu", "app.memory"}
        ),
        violates(
            "Windows needs a whole vCPU",
            {"app": task_definition(cpu="512", memory="2048", **FARGATE, **WINDOWS)},
            at={"app.cpu"},
        ),
        passes("units", {"app": task_definition(cpu="256", memory="512", **FARGATE)}),
        passes("numbers as the engine sends them", {"app": task_definition(cpu=1024.0, memory=2048.0, **FARGATE)}),
        passes("vCPU and GB", {"app": task_definition(cpu=".5 vcpu", memory="1 GB", **FARGATE)}),
        passes("Windows", {"app": task_definition(cpu="1 vCPU", memory="2GB", **FARGATE, **WINDOWS)}),
        missing("no size", {"app": task_definition(**FARGATE)}, at={"app.cpu", "app.memory"}),
        missing("no memory", {"app": task_definition(cpu="256", **FARGATE)}, at={"app.memory"}),
        unknown(
            "unknown CPU",
            {"app": task_definition(cpu=not_known(), memory="512", **FARGATE)},
            not_evaluated={"app.cpu"},
        ),
        unknown(
            "a size no CPU goes with, whatever the unknown CPU is",
            {"app": task_definition(cpu=not_known(), memory="100", **FARGATE)},
            at={"app.memory"},
            not_evaluated={"app.cpu"},
        ),
        unknown(
            "a CPU that does not exist, whatever the unknown memory is",
            {"app": task_definition(cpu="100", memory=not_known(), **FARGATE)},
            at={"app.cpu"},
            not_evaluated={"app.memory"},
        ),
        not_applicable("EC2 takes any size", {"app": task_definition(cpu="300", memory="700", **ON_EC2)}),
    ],
    "TD-02": [
        violates(
            "less than an eighth of a CPU",
            {"app": task_definition(cpu="64", **ON_EC2)},
            at={"app.cpu"},
            says=(
                "TaskDefinition 'app' cpu: got \"64\", expected 128 to 196608 CPU units, as a number or in vCPU; "
                "change or remove cpu"
            ),
        ),
        violates("more than 192", {"app": task_definition(cpu="200 vCPU")}, at={"app.cpu"}),
        violates("no number", {"app": task_definition(cpu="much", **ON_EC2)}, at={"app.cpu"}),
        violates("no amount of memory", {"app": task_definition(memory="lots", **ON_EC2)}, at={"app.memory"}),
        violates(
            "less than no memory",
            {"app": task_definition(memory="-7", cpu="64", **ON_EC2)},
            at={"app.memory", "app.cpu"},
        ),
        passes("memory in GB", {"app": task_definition(memory="0.5 GB", **ON_EC2)}),
        passes("the least", {"app": task_definition(cpu="128", **ON_EC2)}),
        passes("the most", {"app": task_definition(cpu="192 vCPU", **ON_EC2)}),
        missing("no CPU", {"app": task_definition(**ON_EC2)}),
        unknown("unknown CPU", {"app": task_definition(cpu=not_known(), **ON_EC2)}, not_evaluated={"app.cpu"}),
        not_applicable("Fargate has a rule of its own", {"app": task_definition(cpu="64", **FARGATE)}),
    ],
    "TD-14": [
        violates(
            "what is there anyway",
            stored(20, **FARGATE),
            at={"app.ephemeralStorage.sizeInGib"},
            says=(
                "TaskDefinition 'app' ephemeralStorage.sizeInGib: got 20, expected 21 to 200 GiB; change sizeInGib, or "
                "remove ephemeralStorage for 20 GiB"
            ),
        ),
        violates("too much", stored(201, **BOTH), at={"app.ephemeralStorage.sizeInGib"}),
        violates("on EC2", stored(50, **ON_EC2), at={"app.ephemeralStorage"}),
        passes("within limits", stored(200.0, **FARGATE)),
        passes("Windows on Fargate has it, too", stored(50, **FARGATE, **WINDOWS)),
        missing("no size", {"app": task_definition(ephemeralStorage={})}, at={"app.ephemeralStorage.sizeInGib"}),
        unknown(
            "an unknown size on EC2",
            stored(not_known(), **ON_EC2),
            at={"app.ephemeralStorage"},
            not_evaluated={"app.ephemeralStorage.sizeInGib"},
        ),
        not_applicable("no ephemeral storage", {"app": task_definition(**FARGATE)}),
    ],
    "TD-20": [
        violates(
            "neither the task nor a container says it",
            {"app": task_definition(**ON_EC2)},
            at={f"{HERE}.memory"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].memory: got nothing, expected a size in MiB here, as "
                "memoryReservation or as the task's memory; set one of them"
            ),
        ),
        violates("one of two containers", two({"memory": 64}, {"memory": 0}, **ON_EC2), at={f"{PROXY}.memory"}),
        passes("the task says it", {"app": task_definition(memory="512", **ON_EC2)}),
        passes("a limit and a reservation", two({"memory": 64}, {"memoryReservation": 64})),
        missing("no compatibilities either: EC2", {"app": task_definition()}, at={f"{HERE}.memory"}),
        unknown(
            "unknown containers",
            {"app": task_definition(containerDefinitions=not_known())},
            not_evaluated={"app.containerDefinitions"},
        ),
        unknown(
            "one unknown limit hides no other container",
            partly_known({"memory": UNKNOWN}, {}, **ON_EC2),
            at={f"{PROXY}.memory"},
            not_evaluated={f"{HERE}.memory"},
        ),
        not_applicable("Fargate", {"app": task_definition(**FARGATE)}),
    ],
    "TD-21": [
        violates(
            "a limit below the reservation",
            {"app": task_definition(container(memory=128, memoryReservation=256))},
            at={f"{HERE}.memory"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].memory: got 128, expected at least the "
                "memoryReservation, 256; raise memory, or reserve less"
            ),
        ),
        violates(
            "less than Docker needs",
            {"app": task_definition(container(memory=4, memoryReservation=4))},
            at={f"{HERE}.memory", f"{HERE}.memoryReservation"},
        ),
        passes("a limit above the reservation", {"app": task_definition(container(memory=256, memoryReservation=128))}),
        passes("both the same", {"app": task_definition(container(memory=128, memoryReservation=128))}),
        passes("a reservation alone", {"app": task_definition(container(memoryReservation=128))}),
        missing("neither", {"app": task_definition()}),
        unknown(
            "an unknown limit hides no too small reservation",
            partly_known({"memory": UNKNOWN, "memoryReservation": 1}, {}),
            at={f"{HERE}.memoryReservation"},
            not_evaluated={f"{HERE}.memory"},
        ),
        not_applicable("no task definition", {}),
    ],
    "TD-22": [
        violates(
            "the sum is too much",
            two({"cpu": 200}, {"cpu": 100}, cpu=".25 vCPU"),
            at={"app.cpu"},
            says=(
                "TaskDefinition 'app' cpu: got \".25 vCPU\", expected at least 300, the sum of its containers' cpu; "
                "raise the task's cpu, or lower the containers'"
            ),
        ),
        passes("all of it", two({"cpu": 200}, {"cpu": 56.0}, cpu="256")),
        passes("a container that says nothing", two({"cpu": 256}, {}, cpu="256")),
        missing("the task has no size", two({"cpu": 200}, {"cpu": 100})),
        unknown("an unknown size", two({"cpu": 9}, {}, cpu=not_known()), not_evaluated={"app.cpu"}),
        unknown(
            "one container alone is too much",
            partly_known({"cpu": UNKNOWN}, {"cpu": 300}, cpu="256"),
            at={"app.cpu"},
            not_evaluated=set(),
        ),
        unknown(
            "the sum is not known",
            partly_known({"cpu": UNKNOWN}, {"cpu": 100}, cpu="256"),
            not_evaluated={f"{HERE}.cpu"},
        ),
        not_applicable("no task definition", {}),
    ],
    "TD-23": [
        violates(
            "a container larger than its task",
            two({"memory": 2048}, {}, memory="1 GB"),
            at={f"{HERE}.memory"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].memory: got 2048, expected at most 1024, the task's "
                "memory; lower it, or raise the task's memory"
            ),
        ),
        violates(
            "reservations larger than the task",
            two({"memoryReservation": 300}, {"memoryReservation": 300, "memory": 512}, memory="512"),
            at={"app.memory"},
        ),
        violates(
            "limits count where nothing is reserved",
            two({"memory": 300}, {"memory": 300}, memory="512"),
            at={"app.memory"},
        ),
        passes(
            "limits may overlap where less is reserved",
            two({"memory": 512, "memoryReservation": 256}, {"memory": 512, "memoryReservation": 256}, memory="512"),
        ),
        missing("the task has no size", two({"memory": 2048}, {"memory": 2048})),
        unknown(
            "an unknown limit hides no other",
            partly_known({"memory": UNKNOWN}, {"memory": 2048}, memory="512"),
            at={f"{PROXY}.memory"},
            not_evaluated={f"{HERE}.memory"},
        ),
        not_applicable("no task definition", {}),
    ],
    "TD-42": [
        violates(
            "one of two without a limit",
            two({"memory": 256}, {"memoryReservation": 128}, memory="512"),
            at={f"{PROXY}.memory"},
            says=(
                "TaskDefinition 'app' containerDefinitions[proxy].memory: got nothing, expected a limit in MiB; "
                "set the container's memory"
            ),
        ),
        passes("all have one", two({"memory": 256}, {"memory": 128}, **ON_EC2)),
        passes("the only container of a task that has one", {"app": task_definition(memory="512", **FARGATE)}),
        missing("no limit anywhere", {"app": task_definition()}, at={f"{HERE}.memory"}),
        unknown(
            "unknown containers",
            {"app": task_definition(containerDefinitions=not_known())},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("no task definition", {}),
    ],
}

MUTANTS = {
    "TD-01": [mutant("too much memory", good_stacks.FARGATE, "app", memory="4096")],
    "TD-02": [mutant("too little CPU", good_stacks.EC2, "app", cpu="64", container={"cpu": 32})],
    "TD-14": [mutant("what is there anyway", good_stacks.FARGATE, "app", ephemeralStorage={"sizeInGib": 20})],
    "TD-20": [mutant("no memory", good_stacks.EC2, "app", memory=None, container={"memory": 0})],
    "TD-21": [
        mutant(
            "a reservation above the limit", good_stacks.EC2, "app", memory="1024", container={"memoryReservation": 600}
        )
    ],
    "TD-22": [mutant("a container too large", good_stacks.EC2, "app", container={"cpu": 512})],
    "TD-23": [mutant("a container too large", good_stacks.FARGATE, "app", container={"memory": 1024})],
    "TD-42": [
        mutant("no limit", good_stacks.EC2, "app", memory=None, container={"memory": None, "memoryReservation": 256})
    ],
}
