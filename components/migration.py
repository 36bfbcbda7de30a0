"""A task of the new revision that runs once before the service takes it; its exit code decides whether it does."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pulumi

from components import interrupt
from components.checks import Arguments, Check, is_plain, whole
from components.ecs_api import FAILURES, Api, Shape, lasting_trouble, revision
from components.post_mortem import Cause, first_cause, log_lines, told
from ecs_policy.deployment_bounds import format_seconds

POLL_SECONDS = 2.0
PROGRESS_SECONDS = 10.0

_LONGEST_OVERRIDES = 8192
"""Characters of all overrides, JSON included.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html"""


def _is_command(value: object) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) > 0
        and all(isinstance(each, str) and each and is_plain(each) for each in value)
    )


def overrides(container: str, command: Sequence[str]) -> dict[str, Any]:
    """What makes a task of the service run the command."""
    return {"containerOverrides": [{"name": container, "command": list(command)}]}


Command = Annotated[
    pulumi.Input[Sequence[str]],
    Check(
        "a list of words, not empty, none of them empty",
        "name a program of the image and its arguments",
        _is_command,
    ),
]
TimeoutMinutes = Annotated[
    int, whole(1, 10_080, fix="choose more minutes than the migration takes on as much data as production has")
]


@dataclass(frozen=True, kw_only=True)
class MigrationChoices(Arguments):
    """A command that one task of a new revision runs before the service takes the revision."""

    command: Command | None = None
    """Program and arguments that one task of a new revision runs, and ends with 0, before the service takes the
    revision: a database migration. No rollback undoes what it did. Empty: none."""

    timeout_minutes: TimeoutMinutes = 60
    """Minutes after which a migration that has not ended fails the update. It is not stopped; the next update of the
    same revision waits for it."""


def overrides_problem(container: str, command: Sequence[str], called: str = "migration_command") -> str | None:
    """Why RunTask does not take the command, in the caller's name of the argument; None when it does."""
    length = len(json.dumps(overrides(container, command)))
    if length <= _LONGEST_OVERRIDES:
        return None
    return (
        f"{called}: got {length} characters with the JSON around them, expected at most "
        f"{_LONGEST_OVERRIDES}, all that RunTask takes; put the command into the image"
    )


class MigrationFailedError(Exception):
    """The service must not be touched."""


def request(service: Mapping[str, Any], container: str, command: Sequence[str]) -> dict[str, Any]:
    """What RunTask is asked, where `service` are the inputs of an `aws.ecs.Service`: its task, where it would run.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html"""
    family, _, _ = revision(service["taskDefinition"]).rpartition(":")
    asked: dict[str, Any] = {
        "cluster": service["cluster"],
        "taskDefinition": service["taskDefinition"],
        "count": 1,
        # Letters, digits, - / and _ are all that ECS takes, 128 of them.
        "startedBy": f"migration-{family}"[:128],
        "overrides": overrides(container, command),
        "enableECSManagedTags": True,
    }
    if strategies := service.get("capacityProviderStrategies"):
        asked["capacityProviderStrategy"] = [
            {
                "capacityProvider": each["capacityProvider"],
                "base": int(each.get("base") or 0),
                "weight": int(each.get("weight") or 0),
            }
            for each in strategies
        ]
    elif service.get("launchType"):
        asked["launchType"] = service["launchType"]
    if network := service.get("networkConfiguration"):
        asked["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": list(network["subnets"]),
                "securityGroups": list(network.get("securityGroups") or ()),
                "assignPublicIp": "ENABLED" if network.get("assignPublicIp") else "DISABLED",
            }
        }
    if constraints := service.get("placementConstraints"):
        asked["placementConstraints"] = [
            {key: each[key] for key in ("type", "expression") if each.get(key)} for each in constraints
        ]
    return asked


async def migrate(
    api: Api,
    asked: Mapping[str, Any],
    timeout_minutes: int,
    progress: Callable[[str], None],
    interrupted: threading.Event,
    *,
    poll_seconds: float = POLL_SECONDS,
) -> str:
    """Runs the task and waits for its end. Raises `MigrationFailedError` unless it ended with 0 in time.

    A task that an interrupted update of the same revision left running is waited for instead of starting another, and
    none is started beside that of another revision. One that takes too long is not stopped: half a migration may be
    worse than a late one.
    """
    name = f"migration of {revision(asked['taskDefinition'])}"
    container = asked["overrides"]["containerOverrides"][0]["name"]
    began = told_at = time.monotonic()
    try:
        task: Shape = await asyncio.to_thread(lambda: _running(api, asked, name) or _started(api, asked, name))
    except FAILURES as failure:
        raise MigrationFailedError(f"{name} was not started: {lasting_trouble(failure) or failure}") from failure
    while task["lastStatus"] != "STOPPED":
        if await asyncio.to_thread(interrupted.wait, poll_seconds):
            raise MigrationFailedError(
                f"interrupted, but {name} goes on, and the next `pulumi up` waits for it\n"
                f"  change: end it, if it must not: {_stop_command(asked, task)}"
            )
        try:
            task = await asyncio.to_thread(_look, api, asked["cluster"], task)
        except FAILURES as failure:
            if trouble := lasting_trouble(failure):
                raise MigrationFailedError(f"{name}: {trouble}; it goes on, and `pulumi up` waits for it") from failure
        if task["lastStatus"] != "STOPPED" and time.monotonic() - began >= timeout_minutes * 60:
            raise MigrationFailedError(
                f"{name} has not ended in {format_seconds(timeout_minutes * 60)}; the service was left as it is\n"
                "  it goes on, and the next `pulumi up` waits for it as long again\n"
                f"  change: a longer migration_timeout_minutes; or end it: {_stop_command(asked, task)}"
            )
        if time.monotonic() - told_at >= PROGRESS_SECONDS:
            told_at = time.monotonic()
            last = (await asyncio.to_thread(_log_lines, api, task))[-1:]
            progress(": ".join([f"{name}: {task['lastStatus']} ({format_seconds(int(told_at - began))})", *last]))
    code = next((each.get("exitCode") for each in task.get("containers", ()) if each["name"] == container), None)
    if code == 0:
        return f"{name} is done ({format_seconds(int(time.monotonic() - began))})"
    cause = await asyncio.to_thread(told, first_cause([task], [], []), api, task)
    what = "could not run" if code is None else f"ended with {code}"
    raise MigrationFailedError("\n  ".join([f"{name} {what}; the service was left as it is", *cause]))


def _running(api: Api, asked: Mapping[str, Any], name: str) -> Shape | None:
    arns = api.ecs.list_tasks(cluster=asked["cluster"], startedBy=asked["startedBy"])["taskArns"]
    found = api.ecs.describe_tasks(cluster=asked["cluster"], tasks=arns)["tasks"] if arns else []
    for task in found:
        if task["taskDefinitionArn"] != asked["taskDefinition"]:
            raise MigrationFailedError(
                f"{name} was not started: that of {revision(task['taskDefinitionArn'])} still runs; "
                f"the service was left as it is\n  change: wait for its end; or end it: {_stop_command(asked, task)}"
            )
    return found[0] if found else None


def _stop_command(asked: Mapping[str, Any], task: Shape) -> str:
    return f"aws ecs stop-task --cluster {asked['cluster']} --task {task['taskArn']}"


def _started(api: Api, asked: Mapping[str, Any], name: str) -> Shape:
    answer = api.ecs.run_task(**asked)
    if answer["tasks"]:
        task: Shape = answer["tasks"][0]
        return task
    reasons = "; ".join(str(each.get("reason")) for each in answer.get("failures", ())) or "ECS gives no reason"
    cause = first_cause([], [], [{"message": reasons}]) or Cause("ECS started no task", "read ECS's words", reasons)
    raise MigrationFailedError("\n  ".join([f"{name} was not started", *told(cause, api, None)]))


def _look(api: Api, cluster: str, task: Shape) -> Shape:
    found = api.ecs.describe_tasks(cluster=cluster, tasks=[task["taskArn"]])["tasks"]
    if found or task["lastStatus"] in ("PROVISIONING", "PENDING"):
        return found[0] if found else task
    # ECS forgets a task an hour after its end.
    return {**task, "lastStatus": "STOPPED", "stoppedReason": "ECS does not know the task any more"}


def _log_lines(api: Api, task: Shape) -> list[str]:
    try:
        return log_lines(api, task)
    except FAILURES:
        return []


def migration_hook(
    name: str, container: str, command: pulumi.Input[Sequence[str]], timeout_minutes: int
) -> pulumi.ResourceHook:
    """The hook for `before_create` and `before_update` of an `aws.ecs.Service`: only a new revision migrates."""

    async def run(args: pulumi.ResourceHookArgs) -> None:
        service, before = args.new_inputs or {}, args.old_inputs or {}
        if service["taskDefinition"] == before.get("taskDefinition"):
            return
        api = Api(str(service["cluster"]), str(service["cluster"]))
        known: Any = await pulumi.Output.from_input(command).future()
        asked = request(service, container, known)
        with interrupt.awaited() as interrupted:
            done = await migrate(
                api, asked, timeout_minutes, lambda text: pulumi.log.info(text, ephemeral=True), interrupted
            )
        pulumi.log.info(done)

    return pulumi.ResourceHook(f"{name}-migration", run)
