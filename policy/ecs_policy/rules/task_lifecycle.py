"""In which order containers start, when they count as healthy, and how long they may take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ecs_policy.fargate import CONTAINER_TIMEOUT_SECONDS
from ecs_policy.model import Container, TaskDefinition
from ecs_policy.rule import Enforcement, Level, Problem, Quote, Severity, Value, resource_rule
from ecs_policy.values import independently, plain, quoted, readable

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_DEPENDENCY = f"{_API}/API_ContainerDependency.html"
_CONDITIONS = ("COMPLETE", "HEALTHY", "START", "SUCCESS")
_SHELLS = (
    "ash",
    "bash",
    "busybox",
    "cmd",
    "cmd.exe",
    "dash",
    "ksh",
    "powershell",
    "powershell.exe",
    "pwsh",
    "sh",
    "zsh",
)
_BUILTINS = (".", "[[", "cd", "eval", "exec", "exit", "export", "if", "set", "source")
_FOR_A_SHELL = re.compile(r"\|\|?|&&?|;|\d?>{1,2}(?:&\d|\S*)|<\S*|&>\S*")
_VARIABLE = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}|\$[A-Z][A-Z0-9_]*\b|\$\(")
_WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/]")
_SAID_DEPENDSON_EXISTS = Quote(
    "because it does not exist",
    "https://github.com/eagletmt/hako/pull/99",
)


@resource_rule(
    "TD-24 dependson-exists",
    on=TaskDefinition,
    title="Containers depend on other containers of the task, and not in a circle",
    why="A container that waits for nobody, or for itself, never starts.",
    level=Level.REJECTED,
    source=_DEPENDENCY,
)
def dependson_exists(task_definition: TaskDefinition) -> Iterator[Problem]:
    dependencies, doubt = readable(
        task_definition.containers,
        lambda container: (container, [each["containerName"] for each in _dependencies(container)]),
    )
    checks = [_exists(container, name) for container, names in dependencies for name in names]
    yield from independently([*checks, *([_no_circle(dependencies)] if checks else ())])
    if doubt is not None:
        raise doubt


def _dependencies(container: Container) -> list[Value]:
    return container["dependsOn"].items()


def _exists(container: Container, name: Value) -> Iterator[Problem]:
    if container.sibling(name) is None:
        yield name.problem(
            f"another container of the task ({quoted(container.sibling_names)})",
            "change containerName, or remove the dependency",
            quote=_SAID_DEPENDSON_EXISTS,
        )


def _no_circle(dependencies: Sequence[tuple[Container, Sequence[Value]]]) -> Iterator[Problem]:
    edges: dict[str, list[str]] = {}
    for container, names in dependencies:
        targets, _ = readable(names, lambda each: each.text() or "")
        own = container["name"].raw
        if isinstance(own, str):
            edges.setdefault(own, []).extend(target for target in targets if target != own)
    circle = _circle(edges)
    if circle:
        place = next(each for each, _ in dependencies if each["name"].raw == circle[0])["dependsOn"]
        yield Problem(
            place.resource.urn,
            place.location,
            f"{place.resource.label} {place.location}: got the circle {' -> '.join([*circle, circle[0]])}, "
            "expected an order in which containers can start; remove one of these dependencies",
        )


def _circle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """The nodes of one circle in their order; none when there is no circle."""
    done: set[str] = set()
    for start in edges:
        path = dict.fromkeys([start])  # a dict for its quick search
        pending = [iter(edges[start])]
        while pending and start not in done:
            follower = next(pending[-1], None)
            if follower is None:
                pending.pop()
                done.add(path.popitem()[0])
            elif follower in path:
                return [*path][[*path].index(follower) :]
            elif follower not in done:
                path[follower] = None
                pending.append(iter(edges.get(follower, ())))
    return []


_SAID_DEPENDSON_CONDITION = Quote(
    "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
    "https://github.com/boto/boto3/issues/2436",
)


@resource_rule(
    "TD-25 dependson-condition",
    on=TaskDefinition,
    title="What a container waits for can happen",
    why="Only a container with a health check becomes HEALTHY. When an essential container is COMPLETE the task ends.",
    level=Level.REJECTED,
    source=_DEPENDENCY,
)
def dependson_condition(task_definition: TaskDefinition) -> Iterator[Problem]:
    dependencies, doubt = readable(task_definition.containers, _dependencies)
    yield from independently(_can_happen(task_definition, each) for of_one in dependencies for each in of_one)
    if doubt is not None:
        raise doubt


def _can_happen(task_definition: TaskDefinition, dependency: Value) -> Iterator[Problem]:
    condition = dependency["condition"]
    if condition.text() not in _CONDITIONS:
        yield condition.problem(f"one of {quoted(_CONDITIONS)}", "change condition")
        return
    target = task_definition.container_named(dependency["containerName"]) if condition.text() != "START" else None
    if target is None:
        return  # TD-24
    if condition.text() == "HEALTHY":
        if not target["healthCheck"].given:
            yield condition.problem(
                f"another condition, since container '{target.name}' has no healthCheck",
                "give it a healthCheck, or wait for START",
            )
    elif target.essential:
        yield condition.problem(
            f"START or HEALTHY, since container '{target.name}' is essential",
            'set its "essential" to false',
            quote=_SAID_DEPENDSON_CONDITION,
        )


@resource_rule(
    "TD-26 healthcheck-command",
    on=Container,
    title="A container's health check has a command",
    why="RegisterTaskDefinition takes none that is empty.",
    level=Level.REJECTED,
    source=f"{_API}/API_HealthCheck.html",
)
def healthcheck_command(container: Container) -> Iterator[Problem]:
    check = container["healthCheck"]
    if check.given:
        yield from _command(check)


def _command(check: Value) -> Iterator[Problem]:
    command = check["command"]
    words = command.items()
    if not words:
        yield command.problem(
            'a list that starts with "CMD" or "CMD-SHELL"', 'write it as ["CMD-SHELL", "<command>"], for instance'
        )


def _within(place: Value, least: int, greatest: int, unit: str) -> Iterator[Problem]:
    number = place.number()
    if number is not None and (not least <= number <= greatest or number != int(number)):
        yield place.problem(f"{least} to {greatest} {unit}", f"change {place.path[-1]}")


@resource_rule(
    "HC-01 health-check-runs",
    on=Container,
    title="A container's health check says how to be run, and can be run so",
    why="After CMD come a program and its arguments, which no shell reads: it is started as it is written. After "
    "CMD-SHELL comes one line for the shell. Otherwise each check fails, and ECS replaces good tasks for ever.",
    beyond="Whether the program, or a shell, is in the image.",
    level=Level.FAILS,
    enforcement=Enforcement.ADVISORY,
    severity=Severity.HIGH,
    source=f"{_API}/API_HealthCheck.html",
)
def health_check_runs(container: Container) -> Iterator[Problem]:
    command = container["healthCheck"]["command"]
    words = command.items()
    if not words:
        return  # TD-26
    first, *rest = words
    if first.text() == "CMD-SHELL":
        yield from _of_a_shell(command, rest)
    elif first.text() == "CMD":
        yield from _without_shell(command, rest)
    elif first.text() != "NONE" or rest:
        yield command.problem(
            'a list that starts with "CMD" or "CMD-SHELL"', 'write it as ["CMD-SHELL", "<command>"], for instance'
        )


def _of_a_shell(command: Value, words: list[Value]) -> Iterator[Problem]:
    if not words or not (words[0].text() or "").strip():
        yield command.problem("a command after CMD-SHELL", 'write it as ["CMD-SHELL", "<command>"]')
    elif len(words) > 1:
        yield command.problem(
            "one string after CMD-SHELL: the shell reads the first as the whole command", "join the words to one string"
        )


def _without_shell(command: Value, words: list[Value]) -> Iterator[Problem]:
    program = plain(words[0].text() or "") if words else ""
    if not program.strip():
        yield command.problem("a program after CMD", 'write it as ["CMD", "<program>", "<argument>"]')
        return
    if program.rpartition("/")[2] in _SHELLS:
        return
    if re.search(r"\s", program) and not _WINDOWS_PATH.match(program):
        yield command.problem(
            "a program and its arguments, each a string, after CMD",
            "divide the string, or use CMD-SHELL",
        )
        return
    texts, doubt = readable(words[1:], lambda each: plain(each.text() or ""))
    if program in _BUILTINS or any(_FOR_A_SHELL.fullmatch(each) or _VARIABLE.search(each) for each in texts):
        yield command.problem(
            "words that need no shell after CMD: no operators, no variables, nothing built into a shell",
            "use CMD-SHELL and one string",
        )
    elif doubt is not None:
        raise doubt


@resource_rule(
    "TD-27 stop-timeout",
    on=Container,
    title="A container on Fargate starts and stops within two minutes",
    why="Fargate gives a container 2 to 120 seconds, by default 30 to stop. On EC2 the agent's settings decide.",
    level=Level.REJECTED,
    source=f"{_API}/API_ContainerDefinition.html",
)
def stop_timeout(container: Container) -> Iterator[Problem]:
    given = [name for name in ("startTimeout", "stopTimeout") if container[name].given]
    if given and container.task_definition.for_fargate:
        yield from independently(_within(container[name], *CONTAINER_TIMEOUT_SECONDS, "seconds") for name in given)
