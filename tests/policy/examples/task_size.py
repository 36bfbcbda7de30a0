from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
BOTH = {"requiresCompatibilities": ["EC2", "FARGATE"]}
WINDOWS = {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}

EXAMPLES = {
    "TD-01": [
        violates(
            "too much memory for the CPU",
            {"app": task_definition(cpu="256", memory="4096", **FARGATE)},
            at={"app.memory"},
            says=(
                "TaskDefinition 'app' memory: got '4096', expected 512, 1024 or 2048 MiB with cpu 256; "
                "change memory, or cpu to 512 or 1024 or 2048"
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
        not_applicable(
            "EC2 takes any size", {"app": task_definition(cpu="300", memory="700", requiresCompatibilities=["EC2"])}
        ),
    ],
}

MUTANTS = {"TD-01": [mutant("too much memory", good_stacks.FARGATE, "app", memory="4096")]}
