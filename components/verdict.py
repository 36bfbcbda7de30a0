"""Whether a deployment really serves, and if not, why: `pulumi up` never says success of one that was rolled back.

`decide` is pure, over what ECS answers. `judge` asks until there is a verdict; a resource hook runs it after the
service was created or updated, and its error fails the update.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import pulumi

from components.deployment_time import patience_seconds
from components.ecs_api import FAILURES, Api, Shape, lasting_trouble, revision
from components.post_mortem import first_cause, told
from components.printable import printable
from ecs_policy.deployment_bounds import format_seconds

POLL_SECONDS = 2.0
PROGRESS_SECONDS = 10.0
_UNANSWERED_SECONDS = 300
"""How long AWS may not answer at all."""


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


async def judge(
    api: Api,
    wanted: str,
    patience: Callable[[Shape], int],
    progress: Callable[[str], None],
    *,
    poll_seconds: float = POLL_SECONDS,
) -> Verdict:
    """The verdict on the deployment of `wanted`; UNKNOWN when AWS will not tell, or when `patience` is at its end.

    `patience` is asked once, with the service as ECS describes it, for the seconds that its deployment may take.
    """
    began = told_at = time.monotonic()
    limit: int | None = None
    deployment: Shape | None = None
    while True:
        try:
            service = await asyncio.to_thread(api.service)
            if limit is None:
                limit = await asyncio.to_thread(patience, service)
            deployment = _ours(service.get("deployments") or (), wanted, _id(deployment)) or deployment
            record = await asyncio.to_thread(api.record, deployment)
        except FAILURES as failure:
            if trouble := lasting_trouble(failure):
                return Verdict(Outcome.UNKNOWN, f"{trouble}; ECS goes on: `pulumi up` tells later what became of it")
            verdict = Verdict(Outcome.WAITING, f"AWS does not answer just now ({failure})")
        else:
            verdict = decide(service, wanted, _id(deployment), record)
            if verdict.outcome is not Outcome.WAITING:
                return verdict
        elapsed = time.monotonic() - began
        if limit is None and elapsed > _UNANSWERED_SECONDS:
            return Verdict(Outcome.UNKNOWN, verdict.text)
        if limit is not None and elapsed > limit:
            return Verdict(
                Outcome.UNKNOWN,
                f"not decided after {format_seconds(limit)}, longer than its settings need; ECS goes on "
                f"({verdict.text}); where tasks start more slowly, raise task_start_seconds",
            )
        if time.monotonic() - told_at >= PROGRESS_SECONDS:
            told_at = time.monotonic()
            targets = await asyncio.to_thread(_targets, api, service) if deployment else ""
            most = f" of at most {format_seconds(limit)}" if limit is not None else ""
            progress(f"{verdict.text}{targets} ({format_seconds(int(elapsed))}{most})")
        await asyncio.sleep(poll_seconds)


def _id(deployment: Shape | None) -> str | None:
    return None if deployment is None else str(deployment["id"])


def _targets(api: Api, service: Shape) -> str:
    """`; targets: 2 healthy, 1 initial, 1 draining`."""
    try:
        states = Counter(str(each["TargetHealth"]["State"]) for each in api.targets(service))
    except FAILURES:
        return ""
    return f"; targets: {', '.join(f'{count} {state}' for state, count in sorted(states.items()))}" if states else ""


def post_mortem(api: Api, wanted: str, verdict: Verdict) -> str:
    """The verdict with its first cause, the log of the task, what else AWS said, and what to change."""
    try:
        service = api.service()
        tasks = api.stopped_tasks(wanted)
        events: Sequence[Shape] = service.get("events") or ()
        cause = first_cause(tasks, api.targets(service), events)
        lines = [verdict.text, *told(cause, api, tasks[0] if tasks else None)]
        lines += [f"event: {printable(event['message'])}" for event in events[:3]]
    except FAILURES as failure:
        lines = [verdict.text, f"cause: AWS does not tell ({failure})"]
    return "\n  ".join(lines)


async def confirm(service_arn: str, cluster: str, wanted: str) -> bool:
    """Whether ECS keeps the revision that the state tells of; raises when it does not, False when it cannot be asked.

    The state has the new revision as soon as ECS took the order, also when the deployment failed then: without this,
    the same `pulumi up` again would find nothing to do and call that success.
    """
    try:
        service = await asyncio.to_thread(lambda: Api(service_arn, cluster).service())
    except FAILURES as failure:
        reason = lasting_trouble(failure) or str(failure)
        pulumi.log.warn(f"what the service runs could not be confirmed: {reason}")
        return False
    verdict = decide(service, wanted, None)
    if verdict.outcome not in (Outcome.SERVING, Outcome.WAITING):
        raise pulumi.RunError(f"{verdict.text}; repair it, or run `pulumi refresh` and `pulumi up` to try it again")
    return True


class Follower:
    """Follows the deployments of one `aws.ecs.Service`."""

    def __init__(self, name: str, task_start_seconds: int) -> None:
        self._task_start_seconds = task_start_seconds
        self._followed = False
        self.hook = pulumi.ResourceHook(f"{name}-verdict", self._follow)
        """For `after_create` and `after_update`."""

    async def confirm(self, service_arn: str, cluster: str, wanted: str) -> bool:
        """As `confirm`, where no hook has just told."""
        return self._followed or await confirm(service_arn, cluster, wanted)

    async def _follow(self, args: pulumi.ResourceHookArgs) -> None:
        self._followed = True
        now = args.new_outputs or {}
        api = Api(args.id, str(now["cluster"]))
        wanted = str(now["taskDefinition"])
        verdict = await judge(
            api,
            wanted,
            lambda service: patience_seconds(
                service, api.containers(wanted), api.target_groups(service), self._task_start_seconds
            ),
            lambda text: pulumi.log.info(text, ephemeral=True),
        )
        if verdict.outcome is Outcome.SERVING:
            pulumi.log.info(verdict.text)
            return
        if verdict.outcome is Outcome.UNKNOWN:
            raise DeploymentFailedError(verdict.text)
        raise DeploymentFailedError(await asyncio.to_thread(post_mortem, api, wanted, verdict))
