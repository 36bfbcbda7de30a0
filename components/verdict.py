"""Whether a deployment really serves, and if not, why: `pulumi up` never says success of one that was rolled back.

`decide` and `first_cause` are pure, over what ECS and Elastic Load Balancing answer. `judge` asks them until there is a
verdict; a resource hook runs it after the service was created or updated, and its error fails the update.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import boto3
import botocore.exceptions
import pulumi

POLL_SECONDS = 2.0
PROGRESS_SECONDS = 10.0
LOG_LINES = 5
_STALE_SECONDS = 5

Shape = Mapping[str, Any]
"""A structure as boto3 returns it."""


class Outcome(Enum):
    """What became of a deployment."""

    WAITING = "waiting"
    SERVING = "serving"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """An outcome in plain words."""

    outcome: Outcome
    text: str


class DeploymentFailedError(Exception):
    """The update must not count as done."""


def revision(arn: object) -> str:
    """`web:7` of a task definition's ARN."""
    return str(arn or "no revision").rpartition("/")[2]


def decide(service: Shape, wanted: str, deployment_id: str | None, record: Shape | None = None) -> Verdict:
    """What the answers say of the deployment of task definition `wanted`.

    `service` is one of DescribeServices, `record` the deployment's one of DescribeServiceDeployments, where there is
    any. `deployment_id` is the id by which an earlier look found the deployment; None at the first.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
    """
    if service.get("status", "ACTIVE") != "ACTIVE":
        return Verdict(Outcome.FAILED, f"the service was deleted meanwhile (it is {service['status']})")
    deployments: Sequence[Shape] = service.get("deployments") or ()
    primary = next((each for each in deployments if each["status"] == "PRIMARY"), None)
    if primary is None:
        return Verdict(Outcome.WAITING, "no deployment yet")
    ours = _ours(deployments, wanted, deployment_id)
    now = revision(primary["taskDefinition"])
    if recorded := _recorded(record, now):
        return recorded
    if ours is not None and ours.get("rolloutState") == "FAILED":
        why = ours.get("rolloutStateReason") or "ECS gave it up"
        if ours is primary or primary["taskDefinition"] == wanted:
            return Verdict(Outcome.FAILED, f"{revision(wanted)} failed and nothing was rolled back: {why}")
        if _settled(service, primary):
            return Verdict(Outcome.ROLLED_BACK, f"{revision(wanted)} failed, rolled back to {now}: {why}")
        return Verdict(Outcome.WAITING, f"rolling back to {now}: {_counts(service, primary)}")
    if ours is not primary:
        return Verdict(
            Outcome.SUPERSEDED,
            f"another deployment took over from {revision(wanted)}: {now} is the one that ECS works on now",
        )
    if _settled(service, primary):
        return Verdict(Outcome.SERVING, f"serving {now}: {primary['runningCount']} tasks")
    return Verdict(Outcome.WAITING, f"{now}: {_counts(service, primary)}")


def _ours(deployments: Sequence[Shape], wanted: str, deployment_id: str | None) -> Shape | None:
    if deployment_id is not None:
        return next((each for each in deployments if each["id"] == deployment_id), None)
    fitting = [each for each in deployments if each["taskDefinition"] == wanted]
    # An earlier attempt at the same revision may still be listed.
    return next((each for each in fitting if each["status"] == "PRIMARY"), fitting[0] if fitting else None)


def _recorded(record: Shape | None, now: str) -> Verdict | None:
    """What only the record of the deployment tells: that it was stopped, and how its rollback went."""
    status = (record or {}).get("status", "")
    why = (record or {}).get("statusReason") or "ECS gives no reason"
    if status == "STOPPED":
        return Verdict(Outcome.STOPPED, f"the deployment was stopped by hand, {now} is what ECS keeps: {why}")
    if status == "ROLLBACK_SUCCESSFUL":
        return Verdict(Outcome.ROLLED_BACK, f"the deployment failed, rolled back to {now}: {why}")
    if status == "ROLLBACK_FAILED":
        return Verdict(Outcome.FAILED, f"the deployment failed and so did its rollback: {why}")
    if status in ("STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"):
        return Verdict(Outcome.WAITING, f"{status.lower().replace('_', ' ')}: {why}")
    return None


def _settled(service: Shape, primary: Shape) -> bool:
    """Whether the primary deployment runs all that is wanted, alone."""
    others = sum(each["runningCount"] for each in service["deployments"] if each is not primary)
    return (
        primary.get("rolloutState") in (None, "COMPLETED")
        and primary["runningCount"] == service["desiredCount"]
        and not primary.get("pendingCount")
        and others == 0
    )


def _counts(service: Shape, primary: Shape) -> str:
    others = sum(each["runningCount"] for each in service["deployments"] if each is not primary)
    failed = f", {primary['failedTasks']} failed" if primary.get("failedTasks") else ""
    return (
        f"{primary['runningCount']} of {service['desiredCount']} tasks running, {primary.get('pendingCount', 0)} "
        f"pending{failed}, {others} of other revisions left"
    )


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


class Api:
    """What the verdict asks of AWS. The region is the service's own."""

    def __init__(self, service_arn: str, cluster: str, *, client: Callable[..., Any] = boto3.client) -> None:
        region = service_arn.split(":")[3]
        self._service, self._cluster = service_arn, cluster
        self._ecs = client("ecs", region_name=region)
        self._elbv2 = client("elbv2", region_name=region)
        self._logs = client("logs", region_name=region)

    def service(self) -> Shape:
        found = self._ecs.describe_services(cluster=self._cluster, services=[self._service])["services"]
        return found[0] if found else {"status": "INACTIVE"}

    def record(self, deployment: Shape | None) -> Shape | None:
        """The deployment's record; None where there is none, as for the first minutes, or may not be read."""
        began = (deployment or {}).get("createdAt")
        if began is None:
            return None
        try:
            listed = self._ecs.list_service_deployments(cluster=self._cluster, service=self._service)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("AccessDeniedException", "UnsupportedFeatureException"):
                return None
            raise
        near = [
            each
            for each in listed.get("serviceDeployments", ())
            if abs((each["createdAt"] - began).total_seconds()) <= _STALE_SECONDS
        ]
        return near[0] if near else None

    def tasks(self, task_definition: str) -> list[Shape]:
        """Tasks of that task definition that stopped, the first to stop first. ECS keeps them for an hour."""
        arns = self._ecs.list_tasks(cluster=self._cluster, serviceName=self._name, desiredStatus="STOPPED")["taskArns"]
        found = self._ecs.describe_tasks(cluster=self._cluster, tasks=arns[:100])["tasks"] if arns else []
        ours = [each for each in found if each.get("taskDefinitionArn") == task_definition]
        return sorted(ours, key=lambda each: each["stoppedAt"].timestamp() if each.get("stoppedAt") else 0.0)

    @property
    def _name(self) -> str:
        return self._service.rpartition("/")[2]

    def targets(self, service: Shape) -> list[Shape]:
        return [
            health
            for each in service.get("loadBalancers", ())
            if each.get("targetGroupArn")
            for health in self._elbv2.describe_target_health(TargetGroupArn=each["targetGroupArn"])[
                "TargetHealthDescriptions"
            ]
        ]

    def log_lines(self, task: Shape) -> list[str]:
        """The last lines of the task's containers, where they log to CloudWatch."""
        definition = self._ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
        task_id = task["taskArn"].rpartition("/")[2]
        lines: list[str] = []
        for container in definition["containerDefinitions"]:
            options = (container.get("logConfiguration") or {}).get("options") or {}
            if "awslogs-group" in options and "awslogs-stream-prefix" in options:
                stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{task_id}"
                answer = self._logs.get_log_events(
                    logGroupName=options["awslogs-group"], logStreamName=stream, limit=LOG_LINES
                )
                lines += [event["message"].rstrip() for event in answer["events"]]
        return lines[-LOG_LINES:]


_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException")


async def judge(
    api: Api, wanted: str, bound_seconds: float, progress: Callable[[str], None], *, poll_seconds: float = POLL_SECONDS
) -> Verdict:
    """The verdict on the deployment of `wanted`; UNKNOWN after `bound_seconds`, or when the credentials expired."""
    began = told = time.monotonic()
    deployment_id: str | None = None
    deployment: Shape | None = None
    while True:
        try:
            service = await asyncio.to_thread(api.service)
            ours = _ours(service.get("deployments") or (), wanted, deployment_id)
            deployment = ours or deployment
            deployment_id = deployment["id"] if deployment else None
            record = await asyncio.to_thread(api.record, deployment)
        except botocore.exceptions.NoCredentialsError:
            return Verdict(Outcome.UNKNOWN, "there are no AWS credentials to follow the deployment with; it goes on")
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in _EXPIRED:
                raise
            return Verdict(
                Outcome.UNKNOWN,
                "the credentials expired while ECS was deploying; it goes on: log in again and run `pulumi refresh`",
            )
        verdict = decide(service, wanted, deployment_id, record)
        if verdict.outcome is not Outcome.WAITING:
            return verdict
        elapsed = time.monotonic() - began
        if elapsed > bound_seconds:
            return Verdict(
                Outcome.UNKNOWN,
                f"not decided after {bound_seconds:.0f} s, longer than its settings need; ECS goes on ({verdict.text})",
            )
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            progress(f"{verdict.text} ({elapsed:.0f} of at most {bound_seconds:.0f} s)")
        await asyncio.sleep(poll_seconds)


def post_mortem(api: Api, wanted: str, verdict: Verdict) -> str:
    """The verdict with its first cause, the log of the task, what else AWS said, and what to change."""
    service = api.service()
    tasks = api.tasks(wanted)
    cause = first_cause(tasks, api.targets(service), service.get("events") or ())
    lines = [verdict.text]
    if cause:
        lines += [f"cause: {cause.what}", f"change: {cause.change}", f"AWS says: {cause.evidence}"]
    if tasks:
        try:
            lines += [f"log: {line}" for line in api.log_lines(tasks[0])]
        except botocore.exceptions.ClientError:
            lines.append("log: none was written")
    lines += [f"event: {event['message']}" for event in (service.get("events") or ())[:3]]
    return "\n  ".join(lines)


async def confirm(service_arn: str, cluster: str, wanted: str) -> bool:
    """Whether ECS keeps the revision that the state tells of; raises when it does not, False when it cannot be asked.

    The state has the new revision as soon as ECS took the order, also when the deployment failed then: without this,
    the same `pulumi up` again would find nothing to do and call that success.
    """
    try:
        service = await asyncio.to_thread(lambda: Api(service_arn, cluster).service())
    except (botocore.exceptions.NoCredentialsError, botocore.exceptions.ClientError) as error:
        pulumi.log.warn(f"what the service runs could not be confirmed: {error}")
        return False
    verdict = decide(service, wanted, None)
    if verdict.outcome not in (Outcome.SERVING, Outcome.WAITING):
        raise pulumi.RunError(f"{verdict.text}; repair it, or run `pulumi refresh` and `pulumi up` to try it again")
    return True


def verdict_hook(name: str, bound_seconds: float) -> pulumi.ResourceHook:
    """The hook for `after_create` and `after_update` of an `aws.ecs.Service`."""

    async def follow(args: pulumi.ResourceHookArgs) -> None:
        now = args.new_outputs or {}
        api = Api(args.id, str(now["cluster"]))
        wanted = str(now["taskDefinition"])
        verdict = await judge(api, wanted, bound_seconds, lambda text: pulumi.log.info(text, ephemeral=True))
        if verdict.outcome is Outcome.SERVING:
            pulumi.log.info(verdict.text)
            return
        if verdict.outcome is Outcome.UNKNOWN:
            raise DeploymentFailedError(verdict.text)
        raise DeploymentFailedError(await asyncio.to_thread(post_mortem, api, wanted, verdict))

    return pulumi.ResourceHook(f"{name}-verdict", follow)
