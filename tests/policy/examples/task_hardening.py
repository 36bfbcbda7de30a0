import json

from tests.policy import good_stacks
from tests.policy.example import container, missing, not_applicable, passes, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import UNKNOWN, Resources
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
ON_EC2 = {"requiresCompatibilities": ["EC2"]}
WINDOWS = {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}
HERE = "app.containerDefinitions[app]"
PROXY = "app.containerDefinitions[proxy]"
UNKNOWN_CONTAINERS: Resources = {"app": task_definition(containerDefinitions=not_known())}


def one_unknown(field: str, other: object) -> Resources:
    """Two containers, of which the first has an unknown value for a field."""
    containers = [container(**{field: UNKNOWN}), container(name="proxy", **{field: other})]
    return {"app": task_definition(containerDefinitions=json.dumps(containers))}


def user(name: object, **properties: object) -> Resources:
    return {"app": task_definition(container(user=name), **properties)}


EXAMPLES = {
    "TD-35": [
        violates(
            "a privileged container",
            {"app": task_definition(container(privileged=True), **ON_EC2)},
            at={f"{HERE}.privileged"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].privileged: got true, expected false; remove "
                "privileged, and add the single capability that is needed"
            ),
        ),
        passes("privileged is false", {"app": task_definition(container(privileged=False), **ON_EC2)}),
        missing("nothing is said: it is not", {"app": task_definition(**ON_EC2)}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "one unknown container hides no other",
            one_unknown("privileged", True),
            at={f"{PROXY}.privileged"},
            not_evaluated={f"{HERE}.privileged"},
        ),
        not_applicable("Fargate refuses it", {"app": task_definition(container(privileged=True), **FARGATE)}),
    ],
    "TD-36": [
        violates(
            "writable",
            {"app": task_definition(container(readonlyRootFilesystem=False))},
            at={f"{HERE}.readonlyRootFilesystem"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].readonlyRootFilesystem: got false, expected true; "
                "set readonlyRootFilesystem, and mount a volume where the application writes"
            ),
        ),
        passes("read-only", {"app": task_definition(container(readonlyRootFilesystem=True))}),
        missing("nothing is said: writable", {"app": task_definition()}, at={f"{HERE}.readonlyRootFilesystem"}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "one unknown container hides no other",
            one_unknown("readonlyRootFilesystem", False),
            at={f"{PROXY}.readonlyRootFilesystem"},
            not_evaluated={f"{HERE}.readonlyRootFilesystem"},
        ),
        not_applicable("Windows has none", {"app": task_definition(**WINDOWS)}),
    ],
    "TD-37": [
        violates(
            "root",
            user("root"),
            at={f"{HERE}.user"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].user: got \"root\", expected a user other than root; "
                'set user to the image\'s own, as "1000:1000"'
            ),
        ),
        violates("root by number, in another group", user("0:1000"), at={f"{HERE}.user"}),
        violates("the administrator of Windows", user("ContainerAdministrator", **WINDOWS), at={f"{HERE}.user"}),
        passes("a user by number", user("1000:0")),
        passes("a user by name", user("www-data")),
        passes("a user of Windows", user("ContainerUser", **WINDOWS)),
        missing("nobody: what the image says", {"app": task_definition()}, at={f"{HERE}.user"}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "one unknown container hides no other",
            one_unknown("user", "0"),
            at={f"{PROXY}.user"},
            not_evaluated={f"{HERE}.user"},
        ),
        not_applicable("no task definition", {}),
    ],
    "TD-38": [
        violates(
            "the host's network",
            {"app": task_definition(networkMode="host", **ON_EC2)},
            at={"app.networkMode"},
            says=(
                "TaskDefinition 'app' networkMode: got \"host\", expected a namespace of the task's own; "
                "change or remove networkMode"
            ),
        ),
        violates(
            "the host's processes and memory",
            {"app": task_definition(pidMode="host", ipcMode="host", **ON_EC2)},
            at={"app.pidMode", "app.ipcMode"},
        ),
        passes("namespaces of its own", {"app": task_definition(networkMode="bridge", pidMode="task", ipcMode="none")}),
        missing("nothing is said", {"app": task_definition(**ON_EC2)}),
        unknown(
            "an unknown network hides no processes",
            {"app": task_definition(networkMode=not_known(), pidMode="host", **ON_EC2)},
            at={"app.pidMode"},
            not_evaluated={"app.networkMode"},
        ),
        not_applicable("Fargate has no host", {"app": task_definition(pidMode="host", **FARGATE)}),
    ],
}

MUTANTS = {
    "TD-35": [mutant("privileged", good_stacks.EC2, "app", container={"privileged": True})],
    "TD-36": [mutant("writable", good_stacks.FARGATE, "app", container={"readonlyRootFilesystem": None})],
    "TD-37": [mutant("root", good_stacks.FARGATE, "app", container={"user": "0"})],
    "TD-38": [
        mutant("the host's network", good_stacks.EC2, "app", networkMode="host"),
        mutant("the host's processes", good_stacks.EC2, "app", pidMode="host"),
    ],
}
