"""ECS as its documentation tells it, on a clock of its own: the life of one deployment, as answers of the AWS API.

Every answer is checked against botocore's model of its operation. Where AWS gives a limit, a duration is drawn up to
it; `worst` takes the limit. Pages, by what they decide:

- percentages, order of starts and stops: developer guide, deployment-type-ecs
- failed tasks and their threshold, rollback to the last COMPLETED deployment: deployment-circuit-breaker
- alarms, bake time after the old tasks are gone, alarms on at the start: deployment-alarm-failure
- success before all is done, clean-up before or after it: early-success-criteria
- stages, what a hook may delay, 24 hours for a stage: blue-green-deployment-how-it-works
- pauses, one for each shift, what happens at their end: pause-lifecycle-hooks
- states of a service deployment, and who moves it: service-deployment, stop-service-deployment
- no scale-in during a deployment: service-autoscaling-targettracking
- two minutes' notice on Fargate Spot: fargate-capacity-providers
- pauses of up to 27 minutes between starts that keep failing: service-throttle-logic
- rebalancing of zones when the service is steady: service-rebalancing
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError

EPOCH = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
ARN = "arn:aws:ecs:ap-northeast-1:123456789012:{}/shop/web"
DEFINITION = "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/web:{}"
OLD, NEW, NEWER = 6, 7, 8
BLUE, GREEN = (f"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/{name}/1" for name in "bg")
FAULTS = ("none", "exits", "unhealthy", "image", "capacity", "alarm", "refused", "unanswered", "stopped", "superseded")
_STEPS = {"BLUE_GREEN": [100.0], "CANARY": [10.0, 100.0]}


@dataclass
class Scenario:
    """A service, what is wrong with its new revision, and what else happens."""

    strategy: str = "ROLLING"
    desired: int = 2
    minimum_percent: int = 100
    maximum_percent: int = 200
    checks: tuple[tuple[int, int, int], ...] = ((5, 4, 3),)
    """Interval, timeout and unhealthy threshold of the first and of the alternate target group."""
    grace: int = 30
    drain: int = 5
    stop: int = 30
    task_start: int = 60
    alarms: tuple[tuple[int, int], ...] = ()
    """Period and evaluation periods."""
    sounding: bool = False
    """Whether an alarm is on when the deployment begins."""
    breaker: bool = True
    rollback: bool = True
    bake_minutes: int = 0
    step_minutes: int = 5
    step_percent: float = 50.0
    pause: str = ""
    pause_minutes: int = 10
    pause_action: str = "ROLLBACK"
    early_percent: int = 0
    deferred: bool = False
    spot: bool = False
    scaled_to: int = 0
    sidecar: bool = False
    """Whether a container that is not essential has a health check much slower than the essential ones'."""
    fault: str = "none"
    first: bool = False
    """Whether there is no revision to roll back to."""
    old_is_gone: bool = False
    """Whether the old revision cannot start either, so that a rollback fails."""
    throttled: float = 0.0
    """Share of the questions that AWS does not answer."""
    expires: float | None = None
    """Second at which the credentials expire."""


def random_scenario(rng: random.Random) -> Scenario:
    strategy = rng.choice(["ROLLING", "ROLLING", "ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"])
    shifts = strategy != "ROLLING"
    fault = rng.choice(["none", "none", "none", *FAULTS])
    alarms = tuple((rng.choice([10, 60, 60, 300]), rng.randint(1, 5)) for _ in range(rng.choice([0, 1, 3])))
    pause = rng.choice(["", "", "POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT" if shifts else "PRE_SCALE_UP"])
    if fault in ("refused", "unanswered"):
        pause = pause or "POST_SCALE_UP"
    if fault == "alarm":
        alarms = alarms or ((60, 3),)
    check = (rng.choice([5, 10, 30]), rng.randint(2, 4), rng.randint(2, 4))
    other = (rng.choice([5, 60]), rng.randint(2, 4), rng.randint(2, 4)) if shifts else check
    early = rng.choice([0, 0, 50, 100]) if not shifts else 0
    desired = rng.randint(1, 8)
    return Scenario(
        strategy=strategy,
        desired=desired,
        minimum_percent=rng.choice([0, 50, 100]) if not early else 0,
        maximum_percent=rng.choice([150, 200]) if desired > 1 else 200,  # else no task could start
        checks=(check, other) if shifts else (check,),
        grace=rng.choice([0, 30, 120]),
        drain=rng.choice([0, 5, 60]),
        stop=rng.choice([2, 30, 120]),
        task_start=rng.choice([1, 20, 60, 300]),
        alarms=alarms,
        sounding=bool(alarms) and fault == "none" and rng.random() < 0.1,
        breaker=rng.random() < 0.9,
        rollback=rng.random() < 0.9,
        bake_minutes=rng.choice([0, 5, 30]) if shifts else 0,
        step_minutes=rng.choice([0, 5]),
        step_percent=rng.choice([25.0, 50.0]),
        pause=pause,
        pause_minutes=rng.choice([1, 60]),
        pause_action="ROLLBACK" if fault == "unanswered" else rng.choice(["ROLLBACK", "CONTINUE"]),
        early_percent=early,
        deferred=rng.random() < 0.5,
        spot=rng.random() < 0.2,
        scaled_to=rng.randint(9, 12) if rng.random() < 0.1 else 0,
        sidecar=rng.random() < 0.2,
        fault=fault,
        first=rng.random() < 0.05,
        old_is_gone=rng.random() < 0.1,
        throttled=rng.choice([0, 0, 0, 0.2]),
        expires=rng.uniform(0, 900) if rng.random() < 0.05 else None,
    )


@dataclass(eq=False)
class _Task:
    revision: int
    status: str = "PENDING"
    healthy: bool = False


@dataclass
class Ecs:
    """One deployment. `advance` plays it on; as a client of boto3 it answers as of then."""

    scenario: Scenario
    seed: int = 0
    worst: bool = False
    now: float = 0.0
    outcome: str = ""
    """The end of the service deployment: SUCCESSFUL, STOPPED, ROLLBACK_SUCCESSFUL or ROLLBACK_FAILED."""
    ended: float = math.inf
    _tasks: list[_Task] = field(default_factory=list)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        plan = self.scenario
        self.rng = random.Random(self.seed)
        self.desired = plan.desired
        self.target = NEW
        self.status = "PENDING"
        self.stage: str | None = None
        self.reason: str | None = None
        self.failed = 0
        self.triggered: list[str] = []
        self.ended_by_breaker = False
        self.hooks: list[dict[str, Any]] = []
        self.pauses = 0
        self.baking = self.succeeded = self.cleaning = self.shifted = self.watched = False
        self.newer_at: float | None = None
        if not plan.first:
            self._tasks = [_Task(OLD, "RUNNING", True) for _ in range(self.desired)]
        self._after(0, 0 if self.worst else 5, self._begin)
        if plan.fault == "stopped":
            self._after(0, 200, self._stop_by_hand)
        if plan.fault == "superseded":
            self._after(0, 200, self._supersede)
        if plan.scaled_to:
            self._after(0, 300, self._scale)
        if plan.spot and not self.worst:
            self._after(0, 200, self._interrupt)

    # The clock

    def _after(self, least: float, most: float, what: Callable[[], None]) -> None:
        wait = most if self.worst else self.rng.uniform(least, most)
        self._number += 1
        heapq.heappush(self._events, (self.now + wait, self._number, what))

    def _react(self) -> None:
        """ECS looks again some seconds after something happened; how many, AWS does not say."""
        self._after(0, 0 if self.worst else 12, self._schedule)

    @property
    def next_event(self) -> float:
        return self._events[0][0] if self._events else math.inf

    def advance(self, to: float) -> None:
        while self._events and self._events[0][0] <= to:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = to

    # Life

    def _begin(self) -> None:
        if self.status != "PENDING":
            return
        self.status = "IN_PROGRESS"
        if self.scenario.strategy == "ROLLING":
            self._at_stage("PRE_SCALE_UP", self._schedule)
        else:
            self._at_stage("PRE_SCALE_UP", self._scale_up)

    def _at_stage(self, stage: str, then: Callable[[], None]) -> None:
        """A lifecycle stage, with its pause if it has one."""
        self.stage = stage
        plan = self.scenario
        if plan.pause != stage or self._over():
            then()
            return
        self.stage_paused = stage
        until = self.now + 60 * plan.pause_minutes
        hook = {
            "hookId": f"ecs-pause-{self.pauses}",
            "targetType": "PAUSE",
            "status": "AWAITING_ACTION",
            "expiresAt": EPOCH + timedelta(seconds=until),
            "timeoutAction": plan.pause_action,
        }
        self.pauses += 1
        self.hooks = [hook]

        def answered() -> None:
            if hook["status"] != "AWAITING_ACTION" or self._over():
                return
            if plan.fault == "refused":
                hook["status"] = "FAILED"
                self._fail("the hook was rolled back")
            elif plan.fault == "unanswered" or (self.now >= until - 1e-6 and plan.pause_action == "ROLLBACK"):
                hook["status"] = "TIMED_OUT"
                self._fail("the hook timed out")
            else:
                hook["status"] = "SUCCEEDED"
                then()

        limit = 60.0 * plan.pause_minutes
        if plan.fault == "unanswered":
            self._after(limit, limit, answered)
        elif plan.pause_action == "ROLLBACK":
            self._after(0, limit - 1, answered)
        else:
            self._after(0, limit, answered)

    def _over(self) -> bool:
        return bool(self.outcome) or self.target != NEW or self.status not in ("PENDING", "IN_PROGRESS")

    @property
    def _most(self) -> int:
        percent = self.scenario.maximum_percent if self.scenario.strategy == "ROLLING" else 200
        return self.desired * percent // 100

    @property
    def _fewest(self) -> int:
        return -(-self.desired * self.scenario.minimum_percent // 100)

    def _alive(self, revision: int | None = None) -> list[_Task]:
        return [
            each
            for each in self._tasks
            if each.status in ("PENDING", "RUNNING") and (revision is None or each.revision == revision)
        ]

    def _schedule(self) -> None:
        """Starts what the maximum leaves room for, stops what the minimum can do without."""
        if self.scenario.strategy != "ROLLING" and self.target == NEW and not self.succeeded:
            if self.stage == "SCALE_UP":
                self._scaled_up()
            if self.stage == "CLEAN_UP":
                self._cleaned()
            return
        if self.outcome == "STOPPED" or (self.stage == "PRE_SCALE_UP" and self._paused()):
            return
        target = self.target
        ours, others = self._alive(target), [each for each in self._alive() if each.revision != target]
        total = sum(each.status != "STOPPED" for each in self._tasks)
        room = self._most if self.scenario.strategy == "ROLLING" else 2 * self.desired
        for _ in range(max(0, min(room - total, self.desired - len(ours)))):
            if target == NEW and self.scenario.fault == "capacity":
                break
            self._start(target)
        if not self._early_waits():
            healthy = sum(each.healthy for each in self._alive())
            for each in others:
                sick = not each.healthy
                if sick or healthy - 1 >= (self._fewest if self.scenario.strategy == "ROLLING" else 0):
                    healthy -= not sick
                    self._end(each)
        surplus = len(self._alive(target)) - self.desired
        for each in self._alive(target)[: max(0, surplus)]:
            self._end(each)
        self._look_whether_it_is_steady()

    def _paused(self) -> bool:
        return any(each["status"] == "AWAITING_ACTION" for each in self.hooks)

    def _early_waits(self) -> bool:
        """With early success criteria, the old tasks go when enough new ones are healthy and the bake time is over."""
        plan = self.scenario
        if not plan.early_percent or plan.strategy != "ROLLING" or self.target != NEW or self.cleaning:
            return False
        return len(self._tasks) < self._most or len(self._alive(NEW)) >= self.desired

    def _start(self, revision: int) -> None:
        task = _Task(revision)
        self._tasks.append(task)
        self._after(0.3 * self.scenario.task_start, self.scenario.task_start, lambda: self._started(task))

    def _started(self, task: _Task) -> None:
        if task.status != "PENDING":
            return
        fault = self.scenario.fault if task.revision == NEW else ("image" if self._cannot_return() else "none")
        if fault == "image":
            self._drop(task)
            self._count(task)
            return
        task.status = "RUNNING"
        if task.revision == NEW and self.scenario.alarms and not self.watched:
            self.watched = True
            if self.scenario.fault == "alarm" and not self.worst:
                self._after(0, 400, self._alarm)
        if fault == "exits":
            self._after(0, 0, lambda: self._exited(task))
        elif fault == "unhealthy":
            self._after(self._sick(), self._sick(), lambda: self._sickened(task))
        else:
            self._after(0, self._sick(), lambda: self._well(task))

    def _cannot_return(self) -> bool:
        return self.scenario.old_is_gone and self.target == OLD

    def _sick(self) -> float:
        """Seconds from RUNNING in which a task is healthy, or replaced."""
        checks = self.scenario.checks
        checks = checks[1:] if len(checks) > 1 else checks  # the new tasks are in the alternate group
        return max(self.scenario.grace, *(interval * unhealthy + timeout for interval, timeout, unhealthy in checks))

    def _well(self, task: _Task) -> None:
        if task.status == "RUNNING":
            task.healthy = True
            if task.revision == NEW:
                self.failed = 0
            self._react()

    def _exited(self, task: _Task) -> None:
        if task.status == "RUNNING":
            self._drop(task)
            self._count(task)

    def _sickened(self, task: _Task) -> None:
        if task.status == "RUNNING":
            self._end(task)
            self._count(task)

    def _end(self, task: _Task) -> None:
        if task.status not in ("PENDING", "RUNNING"):
            return
        task.status, task.healthy = "STOPPING", False
        limit = self.scenario.drain + self.scenario.stop
        self._after(0, limit, lambda: self._gone(task))

    def _drop(self, task: _Task) -> None:
        task.status, task.healthy = "STOPPED", False
        if task in self._tasks:
            self._tasks.remove(task)

    def _gone(self, task: _Task) -> None:
        self._drop(task)
        self._react()

    def _count(self, task: _Task) -> None:
        """A failed task, for the circuit breaker; tasks that keep failing are started again ever later."""
        if self.failed > self.threshold:
            wait = min(27 * 60, 2 ** min(self.failed, 12))
            self._after(wait, wait, self._schedule)
        else:
            self._react()
        if task.revision == OLD and self.target == OLD:
            self._after(0, 60, lambda: self._finish("ROLLBACK_FAILED"))
        if task.revision != NEW or self.target != NEW or self.outcome:
            return
        self.failed += 1
        rolling = self.scenario.strategy == "ROLLING"
        if rolling and self.scenario.breaker and self.status == "IN_PROGRESS" and self.failed >= self.threshold:
            self.ended_by_breaker = True
            self._fail("ECS deployment circuit breaker: tasks failed to start.")

    @property
    def threshold(self) -> int:
        return min(max(3, -(-self.desired // 2)), 200)

    def _look_whether_it_is_steady(self) -> None:
        plan = self.scenario
        if self.outcome or self.status not in ("IN_PROGRESS", "ROLLBACK_IN_PROGRESS"):
            return
        healthy = sum(each.healthy for each in self._alive(self.target))
        others = [each for each in self._tasks if each.status != "STOPPED" and each.revision != self.target]
        if self.target == NEW and plan.early_percent and plan.strategy == "ROLLING":
            enough = max(1, -(-self.desired * plan.early_percent // 100))
            if healthy >= enough and not self.baking:
                self.baking = True
                self._after(0, self._bake(), self._early_success)
            elif self.cleaning and not others:
                self._finish("SUCCESSFUL")
            return
        if healthy < self.desired or others or self.baking:
            return
        if self.target == NEW and plan.strategy == "ROLLING":
            self.baking = True
            self._at_stage("POST_SCALE_UP", lambda: self._bake_alarms("SUCCESSFUL"))
        elif self.target == OLD:
            self.baking = True
            self._bake_alarms("ROLLBACK_SUCCESSFUL")

    def _bake(self) -> float:
        """The bake time that ECS computes from the alarms: AWS says no more than that."""
        if not self.scenario.alarms or self.scenario.sounding or (self.target == OLD and self.triggered):
            return 0
        return max(300, *(period * periods for period, periods in self.scenario.alarms))

    def _bake_alarms(self, outcome: str) -> None:
        wait = self._bake()
        if self.worst and self.scenario.fault == "alarm" and self.target == NEW:
            self._after(0, wait, self._alarm)
        else:
            self._after(0, wait, lambda: self._baked(outcome))

    def _baked(self, outcome: str) -> None:
        expected = "IN_PROGRESS" if outcome == "SUCCESSFUL" else "ROLLBACK_IN_PROGRESS"
        if self.status == expected:
            self._finish(outcome)

    def _early_success(self) -> None:
        if self._over():
            return
        self.cleaning = True
        if self.scenario.deferred:
            self._finish("SUCCESSFUL")
        self._react()

    def _finish(self, outcome: str) -> None:
        if self.outcome:
            return
        self.outcome = self.status = outcome
        self.succeeded = outcome == "SUCCESSFUL"
        self.cleaning = True
        self.ended = self.now
        if self.succeeded and not self.worst and self.rng.random() < 0.3:
            self._start(self.target)  # zones are rebalanced, or more tasks are wanted
        self._react()

    # Traffic that shifts

    def _scale_up(self) -> None:
        self.stage = "SCALE_UP"
        if self.scenario.fault == "capacity":
            return
        self._scaled_up()

    def _scaled_up(self) -> None:
        if self._over():
            return
        alive = self._alive(NEW)
        for _ in range(self.desired - len(alive)):
            self._start(NEW)
        if sum(each.healthy for each in alive) >= self.desired:
            self._at_stage("POST_SCALE_UP", self._test_shift)

    def _test_shift(self) -> None:
        self.stage = "TEST_TRAFFIC_SHIFT"
        self._at_stage("POST_TEST_TRAFFIC_SHIFT", lambda: self._shift(0))

    def _shift(self, step: int) -> None:
        steps = _STEPS.get(self.scenario.strategy) or [self.scenario.step_percent] * math.ceil(
            100 / self.scenario.step_percent
        )

        def shifted() -> None:
            if self._over():
                return
            self.stage = "PRODUCTION_TRAFFIC_SHIFT"
            last = step == len(steps) - 1
            wait = 0 if last else 60 * self.scenario.step_minutes
            self._after(
                wait,
                wait,
                (lambda: self._at_stage("POST_PRODUCTION_TRAFFIC_SHIFT", self._bake_time))
                if last
                else (lambda: self._shift(step + 1)),
            )

        if not self._over():
            self._at_stage("PRE_PRODUCTION_TRAFFIC_SHIFT", shifted)

    def _bake_time(self) -> None:
        if self._over():
            return
        self.stage = "BAKE_TIME"
        wait = 60 * self.scenario.bake_minutes
        if self.worst and self.scenario.fault == "alarm":
            self._after(wait, wait, self._alarm)
        else:
            self._after(wait, wait, self._clean_up)

    def _clean_up(self) -> None:
        if self._over():
            return
        self.stage = "CLEAN_UP"
        for each in self._alive(OLD):
            self._end(each)
        self._cleaned()

    def _cleaned(self) -> None:
        if self._over():
            return
        if all(each.status == "STOPPED" or each.revision == NEW for each in self._tasks):
            self._finish("SUCCESSFUL")

    # What goes wrong

    def _alarm(self) -> None:
        if self._over() or self.scenario.sounding:
            return
        self.triggered = ["alarm-0"]
        self._fail("Alarm alarm-0 went off.")

    def _fail(self, reason: str) -> None:
        self.reason = reason
        asked = bool(self.triggered) or self.ended_by_breaker
        if asked and not self.scenario.rollback:
            self._finish("STOPPED")
            return
        if self.scenario.first:
            self._finish("STOPPED")
            return
        self._roll_back()

    def _roll_back(self) -> None:
        self.status, self.target, self.baking, self.stage = "ROLLBACK_IN_PROGRESS", OLD, False, None
        self._react()

    def _stop_by_hand(self) -> None:
        if self._over():
            return
        self.status, self.reason = "ROLLBACK_REQUESTED", "stopped by a user"
        self._after(0, 10, lambda: self._finish("STOPPED") if self.scenario.first else self._roll_back())

    def _supersede(self) -> None:
        if self._over():
            return
        self.newer_at, self.status = self.now, "STOP_REQUESTED"
        self._after(0, 20, lambda: self._finish("STOPPED"))

    def _scale(self) -> None:
        """Scale-in is off during a deployment, scale-out is not."""
        if self.scenario.strategy == "ROLLING" and not self.outcome:
            self.desired = self.scenario.scaled_to
            self._react()

    def _interrupt(self) -> None:
        running = [each for each in self._alive(NEW) if each.status == "RUNNING"]
        if running and not self.outcome:
            lost = self.rng.choice(running)
            self._drop(lost)
            self._react()

    # Answers

    def __call__(self, name: str, region_name: str) -> Ecs:
        return self

    def _answer(self, service: str, operation: str, answer: dict[str, Any]) -> dict[str, Any]:
        if self.scenario.expires is not None and self.now >= self.scenario.expires:
            raise ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "expired"}}, operation)
        if self.scenario.throttled and self.rng.random() < self.scenario.throttled:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation)
        problem = output_validator(service, operation)(answer)
        assert not problem, f"{operation}: {problem}"
        return answer

    def _configuration(self) -> dict[str, Any]:
        plan = self.scenario
        found: dict[str, Any] = {
            "strategy": plan.strategy,
            "minimumHealthyPercent": plan.minimum_percent,
            "maximumPercent": plan.maximum_percent,
            "bakeTimeInMinutes": plan.bake_minutes,
            "deploymentCircuitBreaker": {"enable": plan.breaker, "rollback": plan.rollback},
            "alarms": {
                "alarmNames": [f"alarm-{index}" for index, _ in enumerate(plan.alarms)],
                "enable": bool(plan.alarms),
                "rollback": plan.rollback,
            },
        }
        if plan.strategy == "LINEAR":
            found["linearConfiguration"] = {
                "stepPercent": plan.step_percent,
                "stepBakeTimeInMinutes": plan.step_minutes,
            }
        if plan.strategy == "CANARY":
            found["canaryConfiguration"] = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": plan.step_minutes}
        if plan.pause:
            found["lifecycleHooks"] = [
                {
                    "targetType": "PAUSE",
                    "lifecycleStages": [plan.pause],
                    "timeoutConfiguration": {"timeoutInMinutes": plan.pause_minutes, "action": plan.pause_action},
                }
            ]
        if plan.early_percent:
            found["earlySuccessCriteria"] = {
                "enable": True,
                "healthyPercent": plan.early_percent,
                "sourceServiceRevisionCleanup": "DEFERRED" if plan.deferred else "BLOCKING",
            }
        return found

    def _deployment(self, revision: int, status: str, rollout: str, created: float) -> dict[str, Any]:
        counts = [each.status for each in self._tasks if each.revision == revision]
        return {
            "id": f"ecs-svc/{revision}",
            "status": status,
            "taskDefinition": DEFINITION.format(revision),
            "desiredCount": self.desired,
            "runningCount": counts.count("RUNNING") + counts.count("STOPPING"),
            "pendingCount": counts.count("PENDING"),
            "failedTasks": self.failed if revision == NEW else 0,
            "rolloutState": rollout,
            "rolloutStateReason": self.reason or "",
            "createdAt": EPOCH + timedelta(seconds=created),
        }

    def _deployments(self) -> list[dict[str, Any]]:
        if self.newer_at is not None:
            newer = self._deployment(NEWER, "PRIMARY", "IN_PROGRESS", self.newer_at)
            return [newer, self._deployment(NEW, "ACTIVE", "IN_PROGRESS", 0)]
        if self.target == OLD:
            settled = "COMPLETED" if self.outcome == "ROLLBACK_SUCCESSFUL" else "IN_PROGRESS"
            primary = self._deployment(OLD, "PRIMARY", settled, -3600)
            failed = self._deployment(NEW, "ACTIVE", "FAILED", 0)
            return [primary] if self.outcome and not self._alive(NEW) else [primary, failed]
        rollout = {"SUCCESSFUL": "COMPLETED", "STOPPED": "FAILED"}.get(self.outcome, "IN_PROGRESS")
        found = [self._deployment(NEW, "PRIMARY", rollout, 0)]
        if not self.scenario.first and (not self.outcome or self._alive(OLD)):
            found.append(self._deployment(OLD, "ACTIVE", "COMPLETED", -3600))
        return found

    def describe_services(self, **_: Any) -> dict[str, Any]:
        group: dict[str, Any] = {"targetGroupArn": BLUE, "containerName": "web", "containerPort": 80}
        if len(self.scenario.checks) > 1:
            group["advancedConfiguration"] = {"alternateTargetGroupArn": GREEN}
        spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}] if self.scenario.spot else []
        service = {
            "serviceArn": ARN.format("service"),
            "status": "ACTIVE",
            "desiredCount": self.desired,
            "runningCount": sum(each.status in ("RUNNING", "STOPPING") for each in self._tasks),
            "taskDefinition": DEFINITION.format(self.target),
            "healthCheckGracePeriodSeconds": self.scenario.grace,
            "deploymentConfiguration": self._configuration(),
            "deployments": self._deployments(),
            "loadBalancers": [group],
            "capacityProviderStrategy": spot,
            "events": [],
        }
        return self._answer("ecs", "DescribeServices", {"services": [service], "failures": []})

    def list_service_deployments(self, **_: Any) -> dict[str, Any]:
        briefs = [self._brief(NEW, self.status, 1)]
        if self.newer_at is not None:
            briefs.insert(0, self._brief(NEWER, "IN_PROGRESS", self.newer_at))
        return self._answer("ecs", "ListServiceDeployments", {"serviceDeployments": briefs if self.now > 3 else []})

    def _brief(self, revision: int, status: str, created: float) -> dict[str, Any]:
        return {
            "serviceDeploymentArn": f"{ARN.format('service-deployment')}/{revision}",
            "targetServiceRevisionArn": f"{ARN.format('service-revision')}/{revision}",
            "createdAt": EPOCH + timedelta(seconds=created),
            "status": status,
        }

    def describe_service_deployments(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:  # noqa: N803
        assert serviceDeploymentArns == [f"{ARN.format('service-deployment')}/{NEW}"], "another deployment's record"
        rolling = self.scenario.strategy == "ROLLING"
        stages = not rolling or self._paused()
        record = {
            **self._brief(NEW, self.status, 1),
            "targetServiceRevision": {"arn": f"{ARN.format('service-revision')}/{NEW}"},
            "statusReason": self.reason,
            "lifecycleStage": self.stage if stages else None,
            "lifecycleHookDetails": self.hooks,
            "deploymentConfiguration": self._configuration(),
            "deploymentCircuitBreaker": {
                "status": ("TRIGGERED" if self.ended_by_breaker else "MONITORING")
                if rolling and self.scenario.breaker
                else "DISABLED",
                "failureCount": self.failed,
                "threshold": self.threshold,
            },
            "alarms": {
                "status": "TRIGGERED" if self.triggered else "MONITORING",
                "triggeredAlarmNames": self.triggered,
            },
        }
        del record["targetServiceRevisionArn"]
        present = {key: value for key, value in record.items() if value is not None}
        return self._answer("ecs", "DescribeServiceDeployments", {"serviceDeployments": [present]})

    def describe_task_definition(self, taskDefinition: str) -> dict[str, Any]:  # noqa: N803
        containers: list[dict[str, Any]] = [{"name": "web", "essential": True, "stopTimeout": self.scenario.stop}]
        if self.scenario.sidecar:
            slow = {"command": ["CMD", "true"], "interval": 300, "timeout": 60, "retries": 10, "startPeriod": 300}
            containers.append({"name": "slow", "essential": False, "stopTimeout": 2, "healthCheck": slow})
        definition = {"taskDefinitionArn": taskDefinition, "containerDefinitions": containers}
        return self._answer("ecs", "DescribeTaskDefinition", {"taskDefinition": definition})

    def describe_target_groups(self, TargetGroupArns: list[str]) -> dict[str, Any]:  # noqa: N803
        groups = []
        for arn, (interval, timeout, unhealthy) in zip((BLUE, GREEN), self.scenario.checks, strict=False):
            if arn in TargetGroupArns:
                groups.append(
                    {
                        "TargetGroupArn": arn,
                        "Protocol": "HTTP",
                        "HealthCheckIntervalSeconds": interval,
                        "HealthCheckTimeoutSeconds": timeout,
                        "HealthyThresholdCount": 2,
                        "UnhealthyThresholdCount": unhealthy,
                    }
                )
        return self._answer("elbv2", "DescribeTargetGroups", {"TargetGroups": groups})

    def describe_target_group_attributes(self, **_: Any) -> dict[str, Any]:
        attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": str(self.scenario.drain)}]
        return self._answer("elbv2", "DescribeTargetGroupAttributes", {"Attributes": attributes})

    def describe_target_health(self, TargetGroupArn: str) -> dict[str, Any]:  # noqa: N803
        """The tasks of the new revision are in the alternate group, where there is one."""
        shifting = len(self.scenario.checks) > 1
        revision = NEW if TargetGroupArn == GREEN or not shifting else OLD
        sick = self.scenario.fault == "unhealthy" and revision == NEW
        states = []
        for task in self._tasks:
            if task.revision == revision and task.status in ("RUNNING", "STOPPING"):
                states.append(
                    {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"}
                    if sick
                    else {"State": "healthy" if task.healthy else "initial"}
                )
        answer = {"TargetHealthDescriptions": [{"Target": {"Id": "10.0.0.1"}, "TargetHealth": each} for each in states]}
        return self._answer("elbv2", "DescribeTargetHealth", answer)

    def describe_alarms(self, AlarmNames: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        alarms = []
        for index, (period, periods) in enumerate(self.scenario.alarms):
            if f"alarm-{index}" in AlarmNames:
                state = "ALARM" if index == 0 and (self.scenario.sounding or self.triggered) else "OK"
                alarms.append(
                    {
                        "AlarmName": f"alarm-{index}",
                        "Period": period,
                        "EvaluationPeriods": periods,
                        "StateValue": state,
                        "StateReason": f"alarm-{index} is {state}",
                    }
                )
        return self._answer("cloudwatch", "DescribeAlarms", {"MetricAlarms": alarms, "CompositeAlarms": []})

    def list_tasks(self, **_: Any) -> dict[str, Any]:
        return self._answer("ecs", "ListTasks", {"taskArns": []})

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        return self._answer("ecs", "DescribeTasks", {"tasks": []})


# botocore's models, made into functions: its own validator takes longer than all the rest.

Check = Callable[[Any], str]


@cache
def output_validator(service: str, operation: str) -> Check:
    """What is wrong with an answer of an operation, by botocore's model of it; empty when nothing is."""
    model = botocore.session.get_session().get_service_model(service)
    return _check(model.operation_model(operation).output_shape, {})


def _check(shape: Any, known: dict[str, Check]) -> Check:
    if shape.name in known:
        return lambda value: known[shape.name](value)
    kind = shape.type_name
    if kind == "structure":
        members: dict[str, Check] = {}
        known[shape.name] = found = _structure(members)
        members.update({name: _check(each, known) for name, each in shape.members.items()})
        return found
    if kind == "list":
        element = _check(shape.member, known)
        return lambda value: (
            next(filter(None, map(element, value)), "") if isinstance(value, list) else f"{value!r} is no list"
        )
    types: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "long": (int,),
        "boolean": (bool,),
        "double": (float,),
        "float": (float,),
        "timestamp": (datetime,),
        "map": (dict,),
    }
    allowed, enum = types[kind], frozenset(getattr(shape, "enum", ()) or ())
    if "POST_TEST_TRAFFIC_SHIFT" in enum:
        enum |= {"PRE_PRODUCTION_TRAFFIC_SHIFT"}  # documented as a stage with pauses; botocore has it for hooks only

    def scalar(value: Any) -> str:
        if not isinstance(value, allowed) or (kind == "integer" and isinstance(value, bool)):
            return f"{value!r} is no {kind}"
        return f"{value!r} is none of {sorted(enum)}" if enum and value not in enum else ""

    return scalar


def _structure(members: dict[str, Check]) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, dict):
            return f"{value!r} is no structure"
        for name, each in value.items():
            if name not in members:
                return f"{name} is not a member"
            if problem := members[name](each):
                return f"{name}: {problem}"
        return ""

    return check
