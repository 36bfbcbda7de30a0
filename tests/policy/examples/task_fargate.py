import json

from tests.policy import good_stacks
from tests.policy.example import container, missing, not_applicable, passes, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import UNKNOWN
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
BOTH = {"requiresCompatibilities": ["EC2", "FARGATE"]}
ON_EC2 = {"requiresCompatibilities": ["EC2"]}
HERE = "app.containerDefinitions[app]"
GPU = {"resourceRequirements": [{"type": "GPU", "value": "1"}]}

EXAMPLES = {
    "TD-10": [
        violates(
            "a privileged container",
            {"app": task_definition(container(privileged=True), **FARGATE)},
            at={f"{HERE}.privileged"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].privileged: got true, expected nothing on Fargate; "
                "remove privileged, or run the task on EC2"
            ),
        ),
        violates(
            "everything else, also when EC2 is declared beside it",
            {
                "app": task_definition(
                    container(
                        dockerSecurityOptions=["no-new-privileges"],
                        linuxParameters={"maxSwap": 0, "swappiness": 60},
                        **GPU,
                    ),
                    ipcMode="task",
                    **BOTH,
                )
            },
            at={
                "app.ipcMode",
                f"{HERE}.dockerSecurityOptions",
                f"{HERE}.linuxParameters.maxSwap",
                f"{HERE}.linuxParameters.swappiness",
                f"{HERE}.resourceRequirements[0].type",
            },
        ),
        passes("privileged is false", {"app": task_definition(container(privileged=False), **FARGATE)}),
        missing("none of them", {"app": task_definition(**FARGATE)}),
        unknown(
            "unknown containers hide no ipcMode",
            {"app": task_definition(containerDefinitions=not_known(), ipcMode="host", **FARGATE)},
            at={"app.ipcMode"},
            not_evaluated={"app.containerDefinitions"},
        ),
        unknown(
            "one unknown parameter hides no other",
            {
                "app": task_definition(
                    containerDefinitions=json.dumps([container(privileged=UNKNOWN, **GPU)]), **FARGATE
                )
            },
            at={f"{HERE}.resourceRequirements[0].type"},
            not_evaluated={f"{HERE}.privileged"},
        ),
        not_applicable("EC2", {"app": task_definition(container(privileged=True, **GPU), ipcMode="host", **ON_EC2)}),
    ],
    "TD-11": [
        violates(
            "shared memory",
            {"app": task_definition(container(linuxParameters={"sharedMemorySize": 256}), **FARGATE)},
            at={f"{HERE}.linuxParameters.sharedMemorySize"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].linuxParameters.sharedMemorySize: got 256, expected "
                "nothing on Fargate; remove sharedMemorySize, or run the task on EC2"
            ),
        ),
        violates(
            "a device and a capability",
            {
                "app": task_definition(
                    container(
                        linuxParameters={
                            "devices": [{"hostPath": "/dev/fuse"}],
                            "capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]},
                        }
                    ),
                    **FARGATE,
                )
            },
            at={f"{HERE}.linuxParameters.devices", f"{HERE}.linuxParameters.capabilities.add[1]"},
        ),
        passes(
            "what Fargate has",
            {
                "app": task_definition(
                    container(
                        linuxParameters={
                            "initProcessEnabled": True,
                            "capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]},
                            "tmpfs": [{"containerPath": "/tmp", "size": 64}],
                        }
                    ),
                    **FARGATE,
                )
            },
        ),
        missing("an empty object", {"app": task_definition(container(linuxParameters={}), **FARGATE)}),
        unknown(
            "unknown containers",
            {"app": task_definition(containerDefinitions=not_known(), **FARGATE)},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("EC2", {"app": task_definition(container(linuxParameters={"sharedMemorySize": 256}), **ON_EC2)}),
    ],
    "TD-13": [
        violates(
            "the host's processes",
            {"app": task_definition(pidMode="host", **FARGATE)},
            at={"app.pidMode"},
            says=(
                'TaskDefinition \'app\' pidMode: got "host", expected "task", or nothing, on Fargate; '
                "change or remove pidMode"
            ),
        ),
        passes("the task's processes", {"app": task_definition(pidMode="task", **FARGATE)}),
        missing("each container for itself", {"app": task_definition(**FARGATE)}),
        unknown(
            "an unknown mode", {"app": task_definition(pidMode=not_known(), **FARGATE)}, not_evaluated={"app.pidMode"}
        ),
        not_applicable("EC2", {"app": task_definition(pidMode="host", **ON_EC2)}),
    ],
}

MUTANTS = {
    "TD-10": [
        mutant("privileged", good_stacks.FARGATE, "app", container={"privileged": True}),
        mutant("ipcMode", good_stacks.FARGATE, "app", ipcMode="task"),
    ],
    "TD-11": [
        mutant("shared memory", good_stacks.FARGATE, "app", container={"linuxParameters": {"sharedMemorySize": 64}})
    ],
    "TD-13": [mutant("the host's processes", good_stacks.FARGATE, "app", pidMode="host")],
}
