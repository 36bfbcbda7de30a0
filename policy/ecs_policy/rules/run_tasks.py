"""Tasks that no service starts: targets of EventBridge rules, schedules, and states of Step Functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ecs_policy.iam import Grant, grants, trusted_services
from ecs_policy.model import Cluster, EventTarget, Role, Schedule, StateMachine, TaskDefinition, launch_type_of
from ecs_policy.rule import Level, Problem, Severity, Value, stack_rule
from ecs_policy.rules.network_paths import is_on, ways_out
from ecs_policy.values import NotEvaluated, independently, quoted

_RUN_TASK = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html"
_TASK = re.compile(r"arn:aws[a-z-]*:states:::(?:aws-sdk:)?ecs:runTask")
_MOST_STATES = 1000


class Run(NamedTuple):
    """One place that starts tasks."""

    task_definition: Value
    launch_type: Value
    strategy: Value
    network: Value
    cluster: Value
    subnets: Value
    assign_public_ip: Value


def _runs(owner: EventTarget | Schedule | StateMachine) -> list[Run]:
    if isinstance(owner, StateMachine):
        return [_of_state(each) for each in _states(owner["definition"].parsed())]
    settings, cluster = (
        (owner["ecsTarget"], owner["arn"])
        if isinstance(owner, EventTarget)
        else (owner["target"]["ecsParameters"], owner["target"]["arn"])
    )
    if not settings.given:
        return []
    network = settings["networkConfiguration"]
    return [
        Run(
            settings["taskDefinitionArn"],
            settings["launchType"],
            settings["capacityProviderStrategies"],
            network,
            cluster,
            network["subnets"],
            network["assignPublicIp"],
        )
    ]


def _states(document: Value) -> list[Value]:
    """The states that run a task, also those inside of Parallel and Map."""
    found: list[Value] = []
    pending = [document]
    for each in pending:  # grows meanwhile
        states = each["States"]
        for name in states.keys():  # noqa: SIM118 a cursor, not a dict
            state = states[name]
            if _TASK.match(state["Resource"].text() or ""):
                found.append(state)
            for inner in (*state["Branches"].items(), state["Iterator"], state["ItemProcessor"]):
                if inner.given and len(pending) < _MOST_STATES:
                    pending.append(inner)
    return found


def _of_state(state: Value) -> Run:
    settings = state["Arguments"] if state["Arguments"].given else state["Parameters"]
    network = settings["NetworkConfiguration"]
    inner = network["AwsvpcConfiguration"]
    return Run(
        settings["TaskDefinition"],
        settings["LaunchType"],
        settings["CapacityProviderStrategy"],
        network,
        settings["Cluster"],
        inner["Subnets"],
        inner["AssignPublicIp"],
    )


def _task_definition(run: Run) -> TaskDefinition | None:
    if not run.task_definition.given:
        raise run.task_definition.not_evaluated("is absent, or comes from the state's input")
    return run.task_definition.one(TaskDefinition)


def _launch_types(run: Run) -> list[str]:
    if run.launch_type.given:
        return [run.launch_type.text() or ""]
    strategy = run.strategy.items()
    if not strategy:
        cluster = run.cluster.one(Cluster)
        association = cluster.capacity_providers if cluster is not None else None
        strategy = association["defaultCapacityProviderStrategies"].items() if association is not None else []
    keys = ("capacityProvider", "CapacityProvider")
    return [launch_type_of(next(each[key] for key in keys if each[key].given)) for each in strategy] or ["EC2"]


@stack_rule(
    "RT-01 run-fits",
    on=(EventTarget, Schedule, StateMachine),
    title="A task that no service starts runs on a launch type that its definition declares, in a network of its mode",
    why="The rule, schedule or state machine is made all the same. Each RunTask is then refused, and nobody sees it.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=_RUN_TASK,
)
def run_fits(owner: EventTarget | Schedule | StateMachine) -> Iterator[Problem]:
    yield from independently(check for run in _runs(owner) for check in (_declared(run), _networked(run)))


def _declared(run: Run) -> Iterator[Problem]:
    task_definition = _task_definition(run)
    if task_definition is None:
        return
    declared = task_definition["requiresCompatibilities"].texts() or ["EC2"]
    for launch_type in _launch_types(run):
        if launch_type not in declared:
            yield run.launch_type.problem(
                f"one of {quoted(declared)} as {task_definition.label} has in requiresCompatibilities, not "
                f"{launch_type}",
                "change the launch type, or requiresCompatibilities",
                ours=launch_type != "FARGATE" or task_definition.network_mode == "awsvpc",  # as in LT-01
            )


def _networked(run: Run) -> Iterator[Problem]:
    task_definition = _task_definition(run)
    if task_definition is None:
        return
    mode = task_definition.network_mode
    if mode == "awsvpc" and not run.network.given:
        yield run.network.problem(
            f"subnets, since {task_definition.label} uses awsvpc", "set the network configuration"
        )
    if mode != "awsvpc" and run.network.given:
        yield run.network.problem(
            f"nothing, since {task_definition.label} has the network mode {mode}", "remove networkConfiguration"
        )
    if mode == "awsvpc" and is_on(run.assign_public_ip) and "EC2" in _launch_types(run):
        yield run.assign_public_ip.problem("false on EC2", "remove it")


@stack_rule(
    "RT-02 run-has-way",
    on=(EventTarget, Schedule, StateMachine),
    title="A Fargate task that no service starts has a way to its image and its log",
    why="It pulls its image over its own network interface, as tasks of services do. Without a way it stops at once.",
    beyond="Network ACLs, firewalls and peers on the way are not followed.",
    level=Level.FAILS,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
)
def run_has_way(owner: EventTarget | Schedule | StateMachine) -> Iterator[Problem]:
    for run in _runs(owner):
        if run.network.given and "FARGATE" in _launch_types(run):
            yield from ways_out(run.subnets, run.assign_public_ip, _task_definition(run))


@stack_rule(
    "RT-03 run-allowed",
    on=(EventTarget, Schedule, StateMachine),
    title="Who starts a task may: the role is for that service, may run the task and hand on its roles",
    why="EventBridge, its Scheduler and Step Functions call RunTask with a role. What it may not do fails each time.",
    level=Level.FAILS,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html",
)
def run_allowed(owner: EventTarget | Schedule | StateMachine) -> Iterator[Problem]:
    place = owner["target"]["roleArn"] if isinstance(owner, Schedule) else owner["roleArn"]
    service = {EventTarget: "events", Schedule: "scheduler", StateMachine: "states"}[type(owner)] + ".amazonaws.com"
    runs = _runs(owner)
    role = place.one(Role) if runs and place.given else None
    if role is None:
        return
    if not any(each.startswith(service) or each.endswith(service) for each in trusted_services(role)[0]):
        yield place.problem(f"a role that {service} may assume, which {role.label} does not let it", "allow it")
        return
    missing: dict[str, None] = {}
    doubt = None
    for run in runs:
        task_definition = _task_definition(run)
        for grant, place_of_arn in _needed(task_definition) if task_definition is not None else ():
            try:
                if not grants(role, grant):
                    if place_of_arn.unknown and grants(role, grant._replace(arn=_ANY)):
                        raise place_of_arn.not_evaluated("is not known yet, and the role may do it for some")
                    missing[grant.action] = None
            except NotEvaluated as outcome:
                doubt = doubt or outcome
    if missing:
        yield place.problem(f"a role that may {', '.join(missing)}, which {role.label} may not", "allow it in a policy")
    elif doubt is not None:
        raise doubt


_ANY = "arn:*:*:*:*:*"


def _needed(task_definition: TaskDefinition) -> Iterator[tuple[Grant, Value]]:
    """What is needed, and where the ARN is that it is needed for."""
    wanted = [("ecs:RunTask", task_definition.computed("arn"), "the task")]
    for key in ("executionRoleArn", "taskRoleArn"):
        if task_definition[key].given:
            wanted.append(("iam:PassRole", task_definition[key], "the roles of the task"))
    for action, place, why in wanted:
        yield Grant(action, "arn:aws:not:known:yet:it" if place.unknown else place.text() or "", why), place
