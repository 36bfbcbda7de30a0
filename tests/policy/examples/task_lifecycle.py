import json
from collections.abc import Mapping

from tests.policy import good_stacks
from tests.policy.example import container, missing, not_applicable, passes, task_definition, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import UNKNOWN, Resources
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
HERE = "app.containerDefinitions[app]"
PROXY = "app.containerDefinitions[proxy]"
HEALTHY = {"healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost/"]}}
UNKNOWN_CONTAINERS: Resources = {"app": task_definition(containerDefinitions=not_known())}
APP = good_stacks.FARGATE["app"]["properties"]["containerDefinitions"][0]


def on(name: object, condition: object = "START") -> Mapping[str, object]:
    return {"dependsOn": [{"containerName": name, "condition": condition}]}


def after(condition: object, **proxy: object) -> Resources:
    """`app` waits for `proxy`."""
    return {"app": task_definition(container(**on("proxy", condition)), container(name="proxy", **proxy))}


def checked(**check: object) -> Resources:
    return {"app": task_definition(container(healthCheck={"command": ["CMD", "/check"], **check}))}


def partly_known(*containers: Mapping[str, object]) -> Resources:
    return {"app": task_definition(containerDefinitions=json.dumps(containers))}


CHECK = f"{HERE}.healthCheck.command"


def by(*words: str) -> Resources:
    """A health check in these words, of which some may be unknown."""
    return {"app": task_definition(containerDefinitions=json.dumps([container(healthCheck={"command": words})]))}


EXAMPLES = {
    "TD-24": [
        violates(
            "a container that is not there",
            {"app": task_definition(container(**on("db")), container(name="proxy"))},
            at={f"{HERE}.dependsOn[0].containerName"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].dependsOn[0].containerName: got \"db\", expected "
                'another container of the task ("proxy"); change containerName, or remove the dependency'
            ),
        ),
        violates("itself", {"app": task_definition(container(**on("app")))}, at={f"{HERE}.dependsOn[0].containerName"}),
        violates(
            "each other",
            {"app": task_definition(container(**on("proxy")), container(name="proxy", **on("app")))},
            at={f"{HERE}.dependsOn"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].dependsOn: got the circle app -> proxy -> app, "
                "expected an order in which containers can start; remove one of these dependencies"
            ),
        ),
        violates(
            "a circle that another container waits for",
            {
                "app": task_definition(
                    container(**on("a")),
                    container(name="a", **on("b")),
                    container(name="b", **on("c")),
                    container(name="c", **on("a")),
                )
            },
            at={"app.containerDefinitions[a].dependsOn"},
        ),
        passes("one after the other", after("START")),
        passes(
            "two ways to the same container",
            {
                "app": task_definition(
                    container(dependsOn=[{"containerName": each, "condition": "START"} for each in ("a", "b")]),
                    container(name="a", **on("c")),
                    container(name="b", **on("c")),
                    container(name="c"),
                )
            },
        ),
        missing(
            "no name", {"app": task_definition(container(dependsOn=[{}]))}, at={f"{HERE}.dependsOn[0].containerName"}
        ),
        missing("no dependencies", {"app": task_definition()}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "a container of unknown name may be the one; the circle is there all the same",
            partly_known(
                container(**on("proxy")), container(name="proxy", **on("app")), container(name=UNKNOWN, **on("db"))
            ),
            at={f"{HERE}.dependsOn"},
            not_evaluated={"app.containerDefinitions[2].name"},
        ),
        not_applicable("no task definition", {}),
    ],
    "TD-25": [
        violates(
            "an essential container that is to be complete",
            after("SUCCESS"),
            at={f"{HERE}.dependsOn[0].condition"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].dependsOn[0].condition: got \"SUCCESS\", expected "
                "START or HEALTHY, since container 'proxy' is essential; set its \"essential\" to false"
            ),
        ),
        violates("health that nobody checks", after("HEALTHY"), at={f"{HERE}.dependsOn[0].condition"}),
        violates("a condition that does not exist", after("READY"), at={f"{HERE}.dependsOn[0].condition"}),
        passes("started", after("START")),
        passes("healthy", after("HEALTHY", **HEALTHY)),
        passes("complete, and not essential", after("COMPLETE", essential=False)),
        missing("no condition", after(None), at={f"{HERE}.dependsOn[0].condition"}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "one unknown condition hides no other",
            partly_known(
                container(**on("proxy", UNKNOWN)), container(name="proxy", **on("db", "SUCCESS")), container(name="db")
            ),
            at={f"{PROXY}.dependsOn[0].condition"},
            not_evaluated={f"{HERE}.dependsOn[0].condition"},
        ),
        not_applicable(
            "what is not there has a rule of its own", {"app": task_definition(container(**on("db", "SUCCESS")))}
        ),
    ],
    "TD-26": [
        violates(
            "an empty command",
            checked(command=[]),
            at={f"{HERE}.healthCheck.command"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].healthCheck.command: got [], expected a list that "
                'starts with "CMD" or "CMD-SHELL"; write it as ["CMD-SHELL", "<command>"], for instance'
            ),
        ),
        violates(
            "times alone",
            {"app": task_definition(container(healthCheck={"interval": 5}))},
            at={f"{HERE}.healthCheck.command"},
        ),
        violates("nothing for a command", checked(command=None), at={f"{HERE}.healthCheck.command"}),
        passes("by a shell", {"app": task_definition(container(**HEALTHY))}),
        passes("at the limits", checked(interval=300, timeout=60, retries=10, startPeriod=0)),
        missing("no command", {"app": task_definition(container(healthCheck={}))}, at={f"{HERE}.healthCheck.command"}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "an unknown command",
            partly_known(container(healthCheck={"command": UNKNOWN})),
            not_evaluated={f"{HERE}.healthCheck.command"},
        ),
        not_applicable("no health check", {"app": task_definition()}),
    ],
    "HC-01": [
        violates(
            "a whole line as the program",
            by("CMD", "curl -fsS http://localhost/alive || exit 1"),
            at={CHECK},
            says=(
                'TaskDefinition \'app\' containerDefinitions[app].healthCheck.command: got ["CMD", "curl '
                '-fsS http://localhost/alive || exit 1"], expected a program and its arguments, each a '
                "string, after CMD; divide the string, or use CMD-SHELL"
            ),
        ),
        violates(
            "an operator of the shell", by("CMD", "curl", "-f", "http://localhost/", "||", "exit", "1"), at={CHECK}
        ),
        violates("output sent away", by("CMD", "wget", "-q", "http://localhost/", ">/dev/null"), at={CHECK}),
        violates("a variable", by("CMD", "curl", "-f", "http://localhost:${PORT}/"), at={CHECK}),
        violates("what is built into a shell", by("CMD", "exit", "0"), at={CHECK}),
        violates("words after CMD-SHELL", by("CMD-SHELL", "curl", "-f", "http://localhost/"), at={CHECK}),
        violates("nothing after CMD", by("CMD"), at={CHECK}),
        violates("nothing after CMD-SHELL", by("CMD-SHELL", " "), at={CHECK}),
        violates("a command that says not how to be run", by("curl", "http://localhost"), at={CHECK}),
        passes("a program and its arguments", by("CMD", "curl", "-f", "http://localhost/")),
        passes("a program without arguments", by("CMD", "/app/check")),
        passes("a line for the shell", by("CMD-SHELL", "curl -f http://localhost:$PORT/ || exit 1")),
        passes("a shell that is started as a program", by("CMD", "/bin/sh", "-c", "curl -f $URL || exit 1")),
        passes("signs inside of arguments", by("CMD", "grep", "-qE", "up|ready", "/tmp/state; 1")),
        passes("a price of another program", by("CMD", "mongosh", "--eval", "db.$cmd.sys")),
        passes("a path of Windows", by("CMD", "C:\\Program Files\\app.exe", "-check")),
        missing("no health check", {"app": task_definition()}),
        unknown("an unknown word", by("CMD", "curl", UNKNOWN), not_evaluated={f"{CHECK}[2]"}),
        not_applicable("no containers", {"app": task_definition(containerDefinitions="[]")}),
    ],
    "TD-27": [
        violates(
            "ten minutes to stop",
            {"app": task_definition(container(stopTimeout=600), **FARGATE)},
            at={f"{HERE}.stopTimeout"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].stopTimeout: got 600, expected 2 to 120 seconds; "
                "change stopTimeout"
            ),
        ),
        violates(
            "no time to start",
            {"app": task_definition(container(startTimeout=1, stopTimeout=121), **FARGATE)},
            at={f"{HERE}.startTimeout", f"{HERE}.stopTimeout"},
        ),
        passes("two minutes", {"app": task_definition(container(startTimeout=2, stopTimeout=120), **FARGATE)}),
        missing("neither", {"app": task_definition(**FARGATE)}),
        unknown(
            "unknown containers",
            {"app": task_definition(containerDefinitions=not_known(), **FARGATE)},
            not_evaluated={"app.containerDefinitions"},
        ),
        unknown(
            "unknown compatibilities",
            {"app": task_definition(container(stopTimeout=600), requiresCompatibilities=not_known())},
            not_evaluated={"app.requiresCompatibilities"},
        ),
        not_applicable("EC2", {"app": task_definition(container(stopTimeout=600), requiresCompatibilities=["EC2"])}),
    ],
}

SIDECAR = {**APP, "name": "proxy", "portMappings": [], "cpu": 0, "memory": 64, "memoryReservation": 0}

MUTANTS = {
    "TD-24": [mutant("a container that is not there", good_stacks.FARGATE, "app", container=on("db"))],
    "TD-25": [
        mutant(
            "health that nobody checks",
            good_stacks.FARGATE,
            "app",
            containerDefinitions=[{**APP, **on("proxy", "HEALTHY")}, SIDECAR],
        )
    ],
    "TD-26": [mutant("no command", good_stacks.FARGATE, "app", container={"healthCheck": {}})],
    "TD-27": [mutant("ten minutes", good_stacks.FARGATE, "app", container={"stopTimeout": 600})],
}
