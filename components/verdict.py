"""Whether a deployment really serves, and if not, why: `pulumi up` never says success of one that was rolled back.

`decide` is pure, over what ECS answers. A `Watch` looks at one deployment, `judge` does so until there is a verdict; a
resource hook runs it after the service was created or updated, and its error fails the update.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

import pulumi

from components import interrupt, service_deployment
from components.deployment_time import Expectation, expectation
from components.ecs_api import FAILURES, Api, Shape, lasting_trouble, revision
from components.post_mortem import first_cause, told
from components.printable import printable
from ecs_policy.deployment_bounds import format_seconds
from ecs_policy.service_rollout import alarm_names

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
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """An outcome in plain words."""

    outcome: Outcome
    text: str


class DeploymentFailedError(Exception):
    """The update must not count as done."""


@dataclass(frozen=True)
class Before:
    """What earlier looks at the same deployment saw."""

    deployment_id: str | None = None
    was_going_on: bool = False
    """Whether ECS worked on it: then ECS's own word that it is done is the end of it, whatever scaling, a lost task or
    a clean-up that ECS defers have done to the number of tasks since."""


def decide(service: Shape, wanted: str, before: Before = Before(), record: Shape | None = None) -> Verdict:
    """What the answers say of the deployment of task definition `wanted`.

    `service` is one of DescribeServices, `record` the deployment's one of DescribeServiceDeployments, where there is
    any.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
    """
    if service.get("status", "ACTIVE") != "ACTIVE":
        return Verdict(Outcome.FAILED, f"the service was deleted meanwhile (it is {service['status']})")
    deployments: Sequence[Shape] = service.get("deployments") or ()
    primary = next((each for each in deployments if each["status"] == "PRIMARY"), None)
    if primary is None:
        return Verdict(Outcome.WAITING, "no deployment yet")
    ours = _ours(deployments, wanted, before.deployment_id)
    now = revision(primary["taskDefinition"])
    if recorded := _recorded(record, wanted, ours, primary):
        return recorded
    if ours is not None and ours.get("rolloutState") == "FAILED":
        why = ours.get("rolloutStateReason") or "ECS gave it up"
        if ours is primary or primary["taskDefinition"] == wanted:
            return Verdict(Outcome.FAILED, f"{revision(wanted)} failed and nothing was rolled back: {why}")
        if _settled(service, primary, before, record):
            return Verdict(Outcome.ROLLED_BACK, f"{revision(wanted)} failed, rolled back to {now}: {why}")
        return Verdict(Outcome.WAITING, f"rolling back to {now} ({why}): {_counts(service, primary)}")
    if ours is not primary:
        return Verdict(
            Outcome.SUPERSEDED,
            f"another deployment took over from {revision(wanted)}: {now} is the one that ECS works on now",
        )
    if _settled(service, primary, before, record):
        return Verdict(Outcome.SERVING, f"serving {now}: {_serving(service, primary)}")
    failed = service_deployment.failed_tasks(record)
    return Verdict(Outcome.WAITING, f"{now}: {_counts(service, primary, failed)}")


def _ours(deployments: Sequence[Shape], wanted: str, deployment_id: str | None) -> Shape | None:
    if deployment_id is not None:
        return next((each for each in deployments if each["id"] == deployment_id), None)
    fitting = [each for each in deployments if each["taskDefinition"] == wanted]
    # An earlier attempt at the same revision may still be listed.
    return next((each for each in fitting if each["status"] == "PRIMARY"), fitting[0] if fitting else None)


def _recorded(record: Shape | None, wanted: str, ours: Shape | None, primary: Shape) -> Verdict | None:
    """What the record of the deployment tells of an end other than success."""
    status, name, now = (record or {}).get("status", ""), revision(wanted), revision(primary["taskDefinition"])
    why = service_deployment.reason(record)
    if status == "STOPPED":
        # So ends one that failed without a rollback, one that somebody stopped, and one that a newer one takes over.
        if service_deployment.circuit_breaker_ended(record) or service_deployment.triggered_alarms(record):
            return Verdict(Outcome.FAILED, f"{name} failed and nothing was rolled back: {why}")
        if ours is not primary and primary["createdAt"] > (record or {}).get("createdAt", primary["createdAt"]):
            return Verdict(
                Outcome.SUPERSEDED,
                f"another deployment took over from {name}: {now} is the one that ECS works on now",
            )
        return Verdict(Outcome.STOPPED, f"the deployment was stopped by hand, {now} is what ECS keeps: {why}")
    if status == "ROLLBACK_SUCCESSFUL":
        return Verdict(Outcome.ROLLED_BACK, f"{name} failed, rolled back to {now}: {why}")
    if status == "ROLLBACK_FAILED":
        return Verdict(Outcome.FAILED, f"{name} failed and so did its rollback: {why}")
    if status in ("STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"):
        return Verdict(Outcome.WAITING, f"{name}: {status.lower().replace('_', ' ')}: {why}")
    return None


def _settled(service: Shape, primary: Shape, before: Before, record: Shape | None) -> bool:
    """Whether the primary deployment is done: by ECS's word, where ECS worked on it, else by the tasks."""
    succeeded = (record or {}).get("status") == "SUCCESSFUL"
    if before.was_going_on and succeeded:
        return True
    if primary.get("rolloutState") not in (None, "COMPLETED"):
        return False
    if before.was_going_on and _ends_early(service):
        return True
    return _is_steady(service, primary)


def _is_steady(service: Shape, primary: Shape) -> bool:
    """Whether the primary deployment runs all that is wanted, alone."""
    others = sum(each["runningCount"] for each in service["deployments"] if each is not primary)
    return primary["runningCount"] == service["desiredCount"] and not primary.get("pendingCount") and others == 0


def _ends_early(service: Shape) -> bool:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/early-success-criteria.html"""
    criteria = (service.get("deploymentConfiguration") or {}).get("earlySuccessCriteria") or {}
    return bool(criteria.get("enable"))


def _serving(service: Shape, primary: Shape) -> str:
    if _is_steady(service, primary):
        return f"{primary['runningCount']} tasks"
    return f"{_counts(service, primary)}; ECS goes on with these"


def _counts(service: Shape, primary: Shape, failed: tuple[int, int] | None = None) -> str:
    others = sum(each["runningCount"] for each in service["deployments"] if each is not primary)
    parts = [f"{primary['runningCount']} of {service['desiredCount']} tasks running"]
    parts.append(f"{primary.get('pendingCount', 0)} pending")
    if failed and failed[0]:
        parts.append(f"{failed[0]} failed of {failed[1]} that end it")
    elif primary.get("failedTasks"):
        parts.append(f"{primary['failedTasks']} failed")
    return f"{', '.join(parts)}, {others} of other revisions left"


class Watch:
    """Looks at the deployment of one revision."""

    def __init__(
        self,
        api: Api,
        wanted: str,
        expect: Callable[[Shape], Expectation],
        *,
        stack: str = "",
        rolls_back: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        """`expect` is asked with the service as ECS describes it, again when more tasks are wanted of it meanwhile.

        `rolls_back` is whether who interrupts the wait rolls the deployment back."""
        self._api, self._wanted, self._expect = api, wanted, expect
        self._stack, self._rolls_back = stack, rolls_back
        self._clock, self._now = clock, now
        self._began = self._expected_from = clock()
        self._expected: Expectation | None = None
        self._desired_count = 0
        self._before = Before()
        self._baking_since: datetime | None = None
        self._deployment: Shape | None = None
        self.service: Shape = {}
        self.record: Shape | None = None
        """The latest answers."""

    @property
    def elapsed_seconds(self) -> int:
        return int(self._clock() - self._began)

    @property
    def limit_seconds(self) -> int | None:
        """Of `elapsed_seconds`; None before AWS answered."""
        if self._expected is None:
            return None
        return int(self._expected_from - self._began) + self._expected.limit_seconds

    def look(self) -> Verdict:
        """The verdict as of now; UNKNOWN when AWS will not tell, or when the deployment takes longer than it can."""
        try:
            verdict = self._ask()
        except FAILURES as failure:
            if trouble := lasting_trouble(failure):
                return Verdict(Outcome.UNKNOWN, f"{trouble}; ECS goes on: `pulumi up` tells later what became of it")
            verdict = Verdict(Outcome.WAITING, f"AWS does not answer just now ({failure})")
        if verdict.outcome is not Outcome.WAITING:
            return verdict
        if self.limit_seconds is None:
            return replace(verdict, outcome=Outcome.UNKNOWN) if self.elapsed_seconds > _UNANSWERED_SECONDS else verdict
        if self.elapsed_seconds > self.limit_seconds:
            return Verdict(
                Outcome.UNKNOWN,
                f"still in progress after {format_seconds(self.limit_seconds)}, the longest that its settings allow; "
                f"ECS continues ({verdict.text}); where tasks start more slowly, raise task_start_seconds",
            )
        return verdict

    def _ask(self) -> Verdict:
        service = self._api.service()
        if self._expected is None or service.get("desiredCount", 0) > self._desired_count:
            expected = self._expect(service)
            if self._expected is not None:  # what the alarms were at the start is what counts
                expected = replace(expected, alarms=self._expected.alarms)
            self._expected, self._expected_from = expected, self._clock()
            self._desired_count = service.get("desiredCount", 0)
        found = _ours(service.get("deployments") or (), self._wanted, self._before.deployment_id)
        self._deployment = found or self._deployment
        self.service, self.record = service, self._api.record(self._deployment)
        if self._deployment is not None:
            going_on = self._deployment.get("rolloutState") == "IN_PROGRESS"
            going_on = going_on or service_deployment.is_going_on(self.record)
            self._before = Before(str(self._deployment["id"]), self._before.was_going_on or going_on)
        verdict = decide(service, self._wanted, self._before, self.record)
        if verdict.outcome is Outcome.WAITING:
            return replace(verdict, text="; ".join([verdict.text, *self._outlook()]))
        if verdict.outcome is Outcome.SERVING:
            return replace(verdict, text="; ".join([verdict.text, *self._unwatched()]))
        return verdict

    def targets(self) -> str:
        """`; targets: 2 healthy, 1 initial, 1 draining`."""
        try:
            states = Counter(str(each["TargetHealth"]["State"]) for each in self._api.targets(self.service))
        except FAILURES:
            return ""
        shown = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        return f"; targets: {shown}" if shown else ""

    def advice(self) -> str | None:
        """What Ctrl-C does; None while there is nothing that could be rolled back."""
        if self.record is None or service_deployment.is_rolled_back(self.record):
            return None
        if self._rolls_back:
            return "Ctrl-C rolls the deployment back"
        return f"Ctrl-C ends the wait only: ECS goes on, and `make abort STACK={self._stack}` rolls back"

    def leave(self, verdict: Verdict) -> str:
        """What goes on in ECS without the wait, and how to stop it; it is sent back where that is wanted."""
        going_on = f"interrupted, but ECS goes on: {verdict.text}"
        later = "`pulumi up` waits for it again"
        if self.record is None:
            return f"{going_on}; {later}"
        name = str(self.record["serviceDeploymentArn"]).rpartition("/")[2]
        if service_deployment.is_rolled_back(self.record):
            return f"interrupted, and ECS stops or rolls back deployment {name} already: {verdict.text}; {later}"
        by_hand = f"`make abort STACK={self._stack}` rolls back deployment {name}, {later}"
        if not self._rolls_back:
            return f"{going_on}; {by_hand}"
        try:
            service_deployment.roll_back(self._api.ecs, self.record)
        except FAILURES as failure:
            return f"{going_on}; it could not be stopped ({failure}): {by_hand}"
        return f"interrupted, and so ECS rolls back deployment {name}: {verdict.text}"

    def _outlook(self) -> list[str]:
        """What the deployment waits for, beside tasks, and until when."""
        if (pause := service_deployment.pause(self.record)) is not None:
            where, since, until, action = pause
            times = [f"since {_clock_time(since)}"] if since else []
            times += [f"until {_clock_time(until)}, when ECS would {_ACTIONS[action]}"] if until else []
            return [
                f"waits for approval at {where} {', '.join(times)}: `make approve STACK={self._stack}` or "
                f"`make abort STACK={self._stack}`"
            ]
        stage = service_deployment.stage(self.record)
        lines = [f"stage {stage}"] if stage else []
        if self._is_baking(stage):
            self._baking_since = self._baking_since or self._now()
            assert self._expected is not None
            end = self._baking_since + timedelta(seconds=self._expected.bake_seconds)
            watched = "ECS watches the alarms" if alarm_names(self.service) else "ECS keeps the old tasks"
            lines.append(f"{watched} until about {_clock_time(end)}")
        return [*lines, *self._unwatched()]

    def _is_baking(self, stage: str | None) -> bool:
        """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html"""
        if self._expected is None or not self._expected.bake_seconds:
            return False
        if stage == "BAKE_TIME":
            return True
        settings = self.service.get("deploymentConfiguration") or {}
        if (settings.get("strategy") or "ROLLING") != "ROLLING" or self._deployment is None:
            return False
        return self._deployment.get("status") == "PRIMARY" and _is_steady(self.service, self._deployment)

    def _unwatched(self) -> list[str]:
        """Alarms on which the deployment cannot count."""
        alarms = {each["AlarmName"]: each for each in self._expected.alarms} if self._expected else {}
        watched = [alarms.get(name, {}) for name in alarm_names(self.service)]
        sounding = [each["AlarmName"] for each in watched if each.get("StateValue") == "ALARM"]
        missing = [each["AlarmName"] for each in watched if each and "StateValue" not in each]
        lines = []
        if sounding:
            names = ", ".join(sounding)
            lines.append(f"ECS ignores the alarms this time, as {names} was on when the deployment began")
        if missing:
            lines.append(f"nothing rolls back for {', '.join(missing)}, which does not exist")
        return lines


_ACTIONS = {"ROLLBACK": "roll back", "CONTINUE": "go on"}


def _clock_time(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"


async def judge(
    watch: Watch,
    progress: Callable[[str], None],
    interrupted: threading.Event,
    *,
    notice: Callable[[str], None] = lambda _: None,
    poll_seconds: float = POLL_SECONDS,
) -> Verdict:
    """Looks until there is a verdict, or somebody interrupts it. `notice` is told what is to stay on the screen."""
    told_at, advised = 0.0, False
    while True:
        verdict = await asyncio.to_thread(watch.look)
        if verdict.outcome is not Outcome.WAITING:
            return verdict
        if interrupted.is_set():
            return replace(verdict, outcome=Outcome.INTERRUPTED)
        if not advised and (advice := watch.advice()):
            advised = True
            notice(advice)
        if watch.elapsed_seconds - told_at >= PROGRESS_SECONDS:
            told_at = watch.elapsed_seconds
            targets = await asyncio.to_thread(watch.targets)
            most = "" if watch.limit_seconds is None else f" of at most {format_seconds(watch.limit_seconds)}"
            progress(f"{verdict.text}{targets} ({format_seconds(watch.elapsed_seconds)}{most})")
        await asyncio.to_thread(interrupted.wait, poll_seconds)


def post_mortem(api: Api, wanted: str, verdict: Verdict, record: Shape | None = None) -> str:
    """The verdict with its first cause, the log of the task, what else AWS said, and what to change."""
    try:
        service = api.service()
        tasks = api.stopped_tasks(wanted)
        events: Sequence[Shape] = service.get("events") or ()
        cause = service_deployment.cause(record, api.alarms_named) or first_cause(tasks, api.targets(service), events)
        lines = [verdict.text, *told(cause, api, tasks[0] if tasks else None)]
        lines += [f"event: {printable(event['message'])}" for event in events[:3]]
    except FAILURES as failure:
        lines = [verdict.text, f"cause: AWS does not tell ({failure})"]
    return "\n  ".join(lines)


class Follower:
    """Follows the deployments of one `aws.ecs.Service`."""

    def __init__(self, name: str, task_start_seconds: int, *, rollback_on_interrupt: bool = False) -> None:
        self._task_start_seconds, self._rollback_on_interrupt = task_start_seconds, rollback_on_interrupt
        self._followed = False
        self.hook = pulumi.ResourceHook(f"{name}-verdict", self._follow)
        """For `after_create` and `after_update`."""

    async def _follow(self, args: pulumi.ResourceHookArgs) -> None:
        self._followed = True
        now = args.new_outputs or {}
        problem = await self._problem(Api(args.id, str(now["cluster"])), str(now["taskDefinition"]))
        if problem:
            raise DeploymentFailedError(problem)

    async def confirm(self, service_arn: str, cluster: str, wanted: str) -> bool:
        """Whether ECS keeps the revision that the state tells of; raises when it does not, False when it cannot be
        asked.

        The state has the new revision as soon as ECS took the order, also when the deployment failed then, or nobody
        waited for its end: without this, the same `pulumi up` again would find nothing to do and call that success.
        """
        if self._followed:
            return True
        api = Api(service_arn, cluster)
        try:
            service = await asyncio.to_thread(api.service)
            verdict = decide(service, wanted)
            goes_on = verdict.outcome is Outcome.WAITING and await asyncio.to_thread(_is_under_way, api, service)
        except FAILURES as failure:
            reason = lasting_trouble(failure) or str(failure)
            pulumi.log.warn(f"what the service runs could not be confirmed: {reason}")
            return False
        if goes_on:
            if problem := await self._problem(api, wanted):
                raise pulumi.RunError(problem)
        elif verdict.outcome not in (Outcome.SERVING, Outcome.WAITING):
            raise pulumi.RunError(f"{verdict.text}; repair it, or run `pulumi refresh` and `pulumi up` to try it again")
        return True

    async def _problem(self, api: Api, wanted: str) -> str | None:
        """Why the deployment is no success, once that is decided; None where it is one."""
        watch = Watch(
            api,
            wanted,
            lambda service: expectation(
                service,
                api.containers(wanted),
                api.target_groups(service),
                api.alarms(service),
                self._task_start_seconds,
            ),
            stack=pulumi.get_stack(),
            rolls_back=self._rollback_on_interrupt,
        )
        with interrupt.awaited() as interrupted:
            verdict = await judge(
                watch, lambda text: pulumi.log.info(text, ephemeral=True), interrupted, notice=pulumi.log.info
            )
            if verdict.outcome is Outcome.INTERRUPTED:
                return await asyncio.to_thread(watch.leave, verdict)
        if verdict.outcome is Outcome.SERVING:
            pulumi.log.info(verdict.text)
            return None
        if verdict.outcome is Outcome.UNKNOWN:
            return verdict.text
        return await asyncio.to_thread(post_mortem, api, wanted, verdict, watch.record)


def _is_under_way(api: Api, service: Shape) -> bool:
    """Whether ECS works on a deployment, and does not only replace a task. Shifts of traffic have no rollout state."""
    deployments: Sequence[Shape] = service.get("deployments") or ()
    primary = next((each for each in deployments if each["status"] == "PRIMARY"), {})
    if (state := primary.get("rolloutState")) is None and primary:
        return service_deployment.is_going_on(api.record(primary))
    return bool(state == "IN_PROGRESS")
