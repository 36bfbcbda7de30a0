"""Why tasks did not come to serve: the first cause in plain words, what to change, and what AWS and the log say."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from components.ecs_api import FAILURES, Api, Shape
from components.printable import printable

SHOW_LOG = "SHOW_APPLICATION_LOG"
"""The variable that asks for the application's log where the update's own log may be public: `true`."""


@dataclass(frozen=True)
class Cause:
    """Why tasks did not come to serve."""

    what: str
    change: str
    evidence: str
    """AWS's own words."""


_CAUSES: Sequence[tuple[str, str, str]] = (
    (
        r"exec format error|does not contain descriptor matching platform|image Manifest does not contain",
        "the image is for another processor",
        "build it for the task definition's cpuArchitecture",
    ),
    (
        r"CannotPullContainer.*(not found|manifest unknown|does not exist)|No such image|manifest for .* not found",
        "the image is not in the registry",
        "push it, or name one that is there; a lifecycle rule may have taken it",
    ),
    (
        r"CannotPullContainer.*(403|denied|AccessDenied|not authorized)|GetAuthorizationToken.*not authorized",
        "the execution role may not pull the image",
        "let it, and the repository's policy, allow ecr:GetAuthorizationToken, BatchGetImage, GetDownloadUrlForLayer",
    ),
    (
        r"(CannotPullContainer|ResourceInitializationError).*(i/o timeout|dial tcp|context deadline|Client.Timeout|"
        r"unable to pull registry auth|connection issue)",
        "there is no route to ECR",
        "give the tasks' subnets a NAT gateway, or endpoints for ecr.api, ecr.dkr, s3 and logs that let the tasks in",
    ),
    (
        r"ResourceInitializationError.*(secret|ssm|parameter)",
        "a secret cannot be read",
        "check its ARN, and that the execution role may read it and use its key",
    ),
    (r"CannotPullContainer|CannotPull", "the image cannot be pulled", "read ECS's words, and pull it yourself"),
    (r"OutOfMemory|OOMKilled", "a container ran out of memory", "raise the task's memory or use less"),
    (
        r"unable to place a task|Capacity is unavailable|RESOURCE:|capacity provider",
        "there is no capacity for another task",
        "wait, choose other zones or sizes, or add instances",
    ),
    (
        r"failed with these codes: \[\S+\]|ResponseCodeMismatch",
        "the health check is answered, but with an error",
        "look at the log, and at the path and matcher of the target group's health check",
    ),
    (
        r"Request timed out|Target\.Timeout|Connection.*refused|FailedHealthChecks|failed ELB health checks",
        "the port is not answered",
        "listen on containerPort on all addresses; let the load balancer's security group in; raise the grace period",
    ),
    (
        r"failed container health checks",
        "the container's own health check fails",
        "run its command in the container and read what it says",
    ),
)


def first_cause(tasks: Sequence[Shape], targets: Sequence[Shape], events: Sequence[Shape]) -> Cause | None:
    """The first thing that went wrong: by tasks that stopped, the earliest first, then targets, then events.

    The arguments are structures of DescribeTasks, DescribeTargetHealth and the `events` of DescribeServices.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
    """
    stopped = [
        each for each in tasks if each.get("stoppedReason") and each.get("stopCode") != "ServiceSchedulerInitiated"
    ]
    stopped += [each for each in tasks if each.get("stoppedReason") and each not in stopped]
    sick = [
        f"{health.get('Reason', '')} {health.get('Description', '')}"
        for each in targets
        if (health := each.get("TargetHealth", {})).get("State") == "unhealthy"
    ]
    for text in [*map(_task_text, stopped), *sick]:
        if found := _known(text):
            return found
    for task in stopped:
        for container in task.get("containers", ()):
            code = container.get("exitCode")
            if code is not None and task.get("stopCode") != "ServiceSchedulerInitiated":
                return Cause(
                    f"container {container['name']} exited with code {code}{_code_meaning(code)}",
                    "read its log; start the image with docker run",
                    task["stoppedReason"],
                )
    for event in events:
        if "steady state" not in event["message"] and (found := _known(event["message"])):
            return found
    return Cause("a task stopped", "read ECS's words", _task_text(stopped[0])) if stopped else None


def _code_meaning(code: int) -> str:
    meanings = {
        126: "its command cannot be run",
        127: "its command is not in the image",
        137: "killed, or out of memory",
    }
    return f" ({meanings[code]})" if code in meanings else ""


def _task_text(task: Shape) -> str:
    reasons = [str(each["reason"]) for each in task.get("containers", ()) if each.get("reason")]
    return "; ".join([str(task["stoppedReason"]), *reasons])


def _known(text: str) -> Cause | None:
    for pattern, what, change in _CAUSES:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return Cause(what, change, text.strip())
    return None


def told(cause: Cause | None, api: Api, task: Shape | None) -> list[str]:
    """The cause, what to change, AWS's words, and the end of the log of a task that it stopped."""
    lines = []
    if cause:
        lines += [f"cause: {cause.what}", f"change: {cause.change}", f"AWS says: {printable(cause.evidence)}"]
    if task:
        try:
            lines += [f"log: {line}" for line in log_lines(api, task)]
        except FAILURES:
            lines.append("log: none was written")
    return lines


def log_lines(api: Api, task: Shape) -> list[str]:
    """The last lines of the task's log, each of `FAILURES` raised; in CI, whose logs others read, where to read it.

    https://docs.github.com/en/actions/reference/workflows-and-actions/variables: CI is always true there, as elsewhere.
    """
    if os.environ.get("CI", "").lower() in ("", "0", "false") or os.environ.get(SHOW_LOG, "").lower() == "true":
        return [printable(line) for line in api.log_lines(task)]
    return [f"not shown in CI, whose log others may read; it is in CloudWatch Logs, or set {SHOW_LOG}=true"]
