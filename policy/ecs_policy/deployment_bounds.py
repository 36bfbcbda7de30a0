"""How long a deployment of an ECS service can take, and how long a bad one goes unnoticed.

`bounds` computes, from a service's settings and an estimate of how long its tasks take to start, the worst case of a
good deployment, the time until ECS gives up a bad one, and the settings with which no deployment can end. Every figure
is a list of terms with its formula and AWS's page; `format_bounds` writes them for people.

ECS acts some seconds later than these formulas say, and lengthens the pauses between starts of tasks that keep failing
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html). AWS states no figure for the
former and only the limit of the latter (27 minutes), so neither is in the terms. The recommended timeout has a margin
for them: a quarter, and `REACTION_SECONDS` for each start and each stop that must wait for another.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias

_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
SOURCES: Mapping[str, str] = {
    "first check": f"{_GUIDE}/load-balancer-healthcheck.html",
    "stop": f"{_GUIDE}/load-balancer-connection-draining.html",
    "circuit breaker": f"{_GUIDE}/deployment-circuit-breaker.html",
    "alarms": f"{_GUIDE}/deployment-alarm-failure.html",
    "interruption": f"{_GUIDE}/fargate-capacity-providers.html",
    "Network Load Balancer": f"{_GUIDE}/nlb-resources-for-blue-green.html",
    "traffic shift": "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html",
    "stage": f"{_GUIDE}/blue-green-deployment-how-it-works.html",
}
"""Source of a term to the page of AWS that its formula follows."""

UNCHECKED_TASK_SECONDS = 40
"""Seconds after RUNNING until ECS counts a task that has neither a load balancer nor a container health check."""

STAGE_LIMIT_SECONDS = 24 * 3600
"""Seconds after which ECS fails a stage of a blue/green, linear or canary deployment, which have no circuit breaker."""

ALARM_BAKE_SECONDS = 300
"""Least that a rolling deployment with alarms may go on when its tasks are steady: AWS says of the bake time that it is
computed from the alarms, and that by default it is "less than 5 minutes"."""

NETWORK_LOAD_BALANCER_MINUTES = 10
"""Delay that ECS adds to each shift of traffic behind a Network Load Balancer."""

REACTION_SECONDS = 15
"""Margin for ECS to notice that it can go on, for each start and stop that must wait for another. An estimate."""

Strategy: TypeAlias = Literal["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]
ThresholdType: TypeAlias = Literal["BOUNDED_PERCENT", "UNBOUNDED_PERCENT", "COUNT"]


class DeploymentError(ValueError):
    """Settings that no service can have. `problems` names each argument, its value and what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, kw_only=True)
class TargetHealthCheck:
    """Health check of a target group; the defaults are those of an Application Load Balancer.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html"""

    interval_seconds: int = 30
    """Seconds between two checks, 5 to 300."""
    timeout_seconds: int = 5
    """Seconds without an answer that fail a check, 2 to 120, less than the interval."""
    healthy_threshold: int = 5
    """Passed checks in a row that bring an unhealthy target back, 2 to 10. A new target needs one."""
    unhealthy_threshold: int = 2
    """Failed checks in a row that make a target unhealthy, 2 to 10."""


@dataclass(frozen=True, kw_only=True)
class ContainerHealthCheck:
    """Health check of an essential container; the defaults are those of ECS.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html"""

    interval_seconds: int = 30
    """Seconds between two checks, 5 to 300."""
    timeout_seconds: int = 5
    """Seconds without a result that fail a check, 2 to 60."""
    retries: int = 3
    """Failed checks in a row that make a container unhealthy, 1 to 10."""
    start_period_seconds: int = 0
    """Seconds after the start in which failed checks do not count, 0 to 300."""


@dataclass(frozen=True, kw_only=True)
class DeploymentAlarm:
    """How long a CloudWatch alarm takes to judge.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html"""

    period_seconds: int = 60
    """Seconds of one data point; of metric math, of the metric with the longest."""
    evaluation_periods: int = 1
    """Data points that it looks at."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The settings of a service that decide how long its deployments take; the defaults are those of AWS.

    `service_rollout.deployment_of` reads one from what the AWS API, a preview or a policy knows of a service.
    """

    desired_count: int
    """Tasks, 1 to 10000."""
    minimum_healthy_percent: int = 100
    """Healthy tasks that must remain, in percent of the desired ones, rounded up. Rolling deployments only."""
    maximum_percent: int = 200
    """Tasks that may exist, in percent of the desired ones, rounded down. Rolling deployments only."""
    task_capacity: int | None = None
    """Tasks the cluster has room for at one time, for example one for each instance where host ports are fixed or
    `distinctInstance` is set. None: enough, as on Fargate."""
    strategy: Strategy = "ROLLING"
    target_health_checks: tuple[TargetHealthCheck, ...] = (TargetHealthCheck(),)
    """Of each target group; empty: the service has no load balancer."""
    container_health_checks: tuple[ContainerHealthCheck, ...] = ()
    """Of each essential container that has one."""
    health_check_grace_seconds: int = 0
    """Seconds after its start in which no failing health check gets a task replaced."""
    task_start_seconds: int = 60
    """Estimate: from the decision to start a task until it is RUNNING. Placement, network interface, image pull."""
    application_start_seconds: int | None = None
    """Estimate: from RUNNING until the application answers its health checks. None: as late as they allow, since a
    good task is one that they do not get replaced."""
    deregistration_delay_seconds: int = 300
    """Seconds a leaving target keeps its connections, 0 to 3600; of no effect without a load balancer."""
    stop_timeout_seconds: int = 30
    """Seconds from the stop signal to the kill, 2 to 120 on Fargate; of the slowest container."""
    bake_minutes: int = 0
    """Minutes both revisions run on after all traffic has shifted, 0 to 1440. ROLLING: minutes that the deployment goes
    on when its tasks are steady; 0: what ECS computes from the alarms."""
    alarms: tuple[DeploymentAlarm, ...] = ()
    """Alarms that end a deployment, and roll it back."""
    canary_bake_minutes: int = 10
    """CANARY only: minutes between the first share of the traffic and the rest, 0 to 1440."""
    linear_step_percent: float = 10.0
    """LINEAR only: traffic that shifts in each step, 3 to 100."""
    linear_step_bake_minutes: int = 6
    """LINEAR only: minutes between two steps, 0 to 1440."""
    hook_minutes: int = 0
    """Most minutes that the deployment's lifecycle hooks, pauses for approval among them, take together."""
    network_load_balancer: bool = False
    """Whether the target groups belong to a Network Load Balancer, behind which each shift of traffic takes longer."""
    interruptible: bool = False
    """Whether AWS may take tasks back while they are deployed: Fargate Spot."""
    circuit_breaker: bool = False
    """Whether the deployment circuit breaker is on, with rollback. Rolling deployments only."""
    threshold_type: ThresholdType = "BOUNDED_PERCENT"
    """How the circuit breaker counts: to `threshold_value` percent of the desired tasks, which BOUNDED_PERCENT keeps
    within 3 to 200, or, with COUNT, to `threshold_value`."""
    threshold_value: int = 50

    def __post_init__(self) -> None:
        problems = [
            f"{name}: got {value!r}, expected a number from {low} to {high}"
            for name, (low, high) in _RANGES.items()
            if (value := getattr(self, name)) is not None and not low <= value <= high
        ]
        checks: list[tuple[str, Any]] = [
            *(("target", each) for each in self.target_health_checks),
            *(("container", each) for each in self.container_health_checks),
        ]
        for name, check in checks:
            problems += [
                f"{name}_health_check.{field.name}: got {getattr(check, field.name)!r}, expected 0 or more"
                for field in fields(check)
                if not 0 <= getattr(check, field.name) < math.inf
            ]
            if check.interval_seconds == 0:
                problems.append(f"{name}_health_check.interval_seconds: got 0, expected at least 1")
        for alarm in self.alarms:
            problems += [
                f"alarm.{field.name}: got {getattr(alarm, field.name)!r}, expected a number from 1 to {_WEEK_SECONDS}"
                for field in fields(alarm)
                if not 1 <= getattr(alarm, field.name) <= _WEEK_SECONDS
            ]
        if self.strategy not in ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"):
            problems.append(f"strategy: got {self.strategy!r}, expected ROLLING, BLUE_GREEN, LINEAR or CANARY")
        if self.threshold_type not in ("BOUNDED_PERCENT", "UNBOUNDED_PERCENT", "COUNT"):
            problems.append(
                f"threshold_type: got {self.threshold_type!r}, expected BOUNDED_PERCENT, UNBOUNDED_PERCENT or COUNT"
            )
        if self.task_capacity is not None and self.task_capacity < 0:
            problems.append(f"task_capacity: got {self.task_capacity}, expected 0 or more, or None")
        if problems:
            raise DeploymentError(problems)

    @property
    def most_tasks(self) -> int:
        """Tasks that may exist at one time during a deployment."""
        most = self.desired_count * (self.maximum_percent if self.strategy == "ROLLING" else 200) // 100
        return most if self.task_capacity is None else min(most, self.task_capacity)

    @property
    def fewest_tasks(self) -> int:
        """Healthy tasks that a deployment leaves at any time."""
        percent = self.minimum_healthy_percent if self.strategy == "ROLLING" else 100
        return -(-self.desired_count * percent // 100)

    @property
    def failure_threshold(self) -> int:
        """Failed tasks at which the circuit breaker ends a deployment; by default half the desired count, 3 to 200."""
        if self.threshold_type == "COUNT":
            return max(1, self.threshold_value)
        share = max(1, -(-self.desired_count * self.threshold_value // 100))
        return min(max(3, share), 200) if self.threshold_type == "BOUNDED_PERCENT" else share

    @property
    def alarm_bake_seconds(self) -> int:
        """Most seconds that ECS watches the alarms of a rolling deployment when its tasks are steady.

        AWS does not publish the formula: the developer guide says that the time is computed from the alarms, and that
        it is less than five minutes by default; https://github.com/aws/copilot-cli/pull/4294 tells from the team that
        made it that the alarm with the longest evaluation counts. Taken here: that evaluation and one period more, as
        an alarm that turns bad right after it was evaluated is seen a period later; at least five minutes.
        """
        if not self.alarms:
            return 0
        return max(ALARM_BAKE_SECONDS, *((each.evaluation_periods + 1) * each.period_seconds for each in self.alarms))

    @property
    def traffic_shifts(self) -> int:
        """Steps in which the traffic of clients goes to the new revision; 0 with ROLLING."""
        if self.strategy == "LINEAR":
            return math.ceil(100 / self.linear_step_percent)
        return {"ROLLING": 0, "BLUE_GREEN": 1, "CANARY": 2}[self.strategy]


_WEEK_SECONDS = 7 * 24 * 3600

_RANGES: Mapping[str, tuple[float, float]] = {
    "desired_count": (1, 10_000),
    "minimum_healthy_percent": (0, 100_000),
    "maximum_percent": (0, 100_000),
    "health_check_grace_seconds": (0, 2_147_483_647),
    "task_start_seconds": (0, 86_400),
    "application_start_seconds": (0, 86_400),
    "deregistration_delay_seconds": (0, 3600),
    "stop_timeout_seconds": (0, 86_400),
    "bake_minutes": (0, 1440),
    "canary_bake_minutes": (0, 1440),
    "linear_step_percent": (3, 100),
    "linear_step_bake_minutes": (0, 1440),
    "hook_minutes": (0, 100_000_000),
    "threshold_value": (0, 10_000),
}


@dataclass(frozen=True)
class Batch:
    """Tasks of the new revision that start and of the old one that stop at the same time."""

    started: int
    stopped: int


@dataclass(frozen=True)
class Term:
    """One part of a duration: `times` times `seconds_each`, one after the other."""

    name: str
    times: int
    seconds_each: int
    formula: str
    source: str
    """Key of SOURCES."""
    waits_for_tasks: bool = False
    """Whether tasks start or stop in it, at which ECS has to look before it goes on."""

    @property
    def seconds(self) -> int:
        return self.times * self.seconds_each


@dataclass(frozen=True)
class Duration:
    terms: tuple[Term, ...]

    @property
    def seconds(self) -> int:
        return sum(term.seconds for term in self.terms)


@dataclass(frozen=True)
class Bounds:
    batches: tuple[Batch, ...]
    """In order; as far as it goes where the deployment cannot end."""
    deadlock: str | None
    """Why no deployment can end, whatever the image; None if it can."""
    kill_loop: str | None
    """Why a good but slowly starting task may be killed before it is healthy, again and again; None if it cannot be,
    or where nobody says how long the application takes to start."""
    good: Duration | None
    """A good deployment takes at most this long. None: it may never end (`deadlock` or `kill_loop`)."""
    exits_noticed: Duration | None
    """Tasks that exit at once end the deployment after at most this long. None: ECS starts new ones for ever."""
    unhealthy_noticed: Duration | None
    """Tasks that run but never get healthy end it after at most this long. None: nothing notices."""
    rollback: Duration
    """From there until only the old revision runs, all its tasks healthy."""
    late_rollback: Duration | None
    """The same when an alarm goes off, or nobody agrees, at the last moment: the old tasks may be gone by then.
    None: there are neither alarms nor hooks."""
    minimum_update_timeout_seconds: int | None
    """A tool that waits shorter may give up before ECS is done. None: no time is enough.
    A bad traffic-shifting deployment is not in it: ECS ends that only when its stage reaches 24 hours."""
    recommended_update_timeout_seconds: int | None
    """The minimum and a quarter, `REACTION_SECONDS` for each start and stop, in whole minutes."""


def bounds(deployment: Deployment) -> Bounds:
    """Everything that can be said of the service's deployments before there is one."""
    course = _course(deployment)
    deadlock = course.deadlock
    kill_loop = _kill_loop(deployment)
    good = None if deadlock or kill_loop else _good(deployment, course)
    exits = None if deadlock else _noticed(deployment, 0, "exits at once")
    sick = _sick_after(deployment)
    unhealthy = None if deadlock or sick is None else _noticed(deployment, sick, "fails its health checks")
    rollback = _rollback(deployment)
    late = bool(deployment.alarms or deployment.hook_minutes) and not deadlock
    late_rollback = _late_rollback(deployment, course) if late else None
    paths = [] if good is None else [good.terms]
    # A rolling rollback is a deployment of the old revision, watched by the same alarms.
    watched = tuple(_bake(deployment)) if deployment.strategy == "ROLLING" else ()
    if good is not None and deployment.strategy == "ROLLING":
        paths += [noticed.terms + rollback.terms + watched for noticed in (exits, unhealthy) if noticed]
    if good is not None and late_rollback is not None:
        paths.append(good.terms + late_rollback.terms + watched)
    return Bounds(
        course.batches,
        deadlock,
        kill_loop,
        good,
        exits,
        unhealthy,
        rollback,
        late_rollback,
        max((_seconds(path) for path in paths), default=None),
        max((_recommended(path) for path in paths), default=None),
    )


def _seconds(terms: tuple[Term, ...]) -> int:
    return sum(term.seconds for term in terms)


def _recommended(terms: tuple[Term, ...]) -> int:
    steps = sum(term.times for term in terms if term.waits_for_tasks)
    quarters = 5 * _seconds(terms) + 4 * REACTION_SECONDS * steps  # in whole numbers: some states hold huge ones
    return -(-quarters // 240) * 60


@dataclass(frozen=True)
class _Course:
    """How a deployment goes when every start and every stop takes as long as it can."""

    batches: tuple[Batch, ...]
    starts: int = 0
    """Starts that follow one upon the other on the way to the end; the rest happens beside them."""
    stops: int = 0
    """Stops on that way."""
    deadlock: str | None = None


def _course(deployment: Deployment) -> _Course:
    """At every moment ECS starts what `most_tasks` leaves room for and stops what `fewest_tasks` can do without.

    A task counts from its start until it is gone, and as healthy from its first passed check until it is told to stop.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
    """
    desired, most, fewest = deployment.desired_count, deployment.most_tasks, deployment.fewest_tasks
    if deployment.strategy != "ROLLING":
        if most < 2 * desired:
            problem = (
                f"task_capacity: got {deployment.task_capacity}, but a {deployment.strategy} deployment runs both "
                f"revisions at once and needs room for {2 * desired} tasks; add capacity or use a rolling deployment"
            )
            return _Course((), deadlock=problem)
        return _Course((Batch(desired, 0), Batch(0, desired)), starts=1, stops=1)
    start_seconds, stop_seconds = _start_seconds(deployment)[0], _stop_seconds(deployment)[0]
    old, stopping, starting, healthy = desired, 0, 0, 0
    now, starts, stops = 0, 0, 0
    batches: list[Batch] = []
    # When it ends, the starts and stops one upon the other until then, the tasks that started and that stopped.
    under_way: list[tuple[int, int, int, int, int]] = []
    while old or stopping or healthy < desired:
        start = max(0, min(most - old - stopping - starting - healthy, desired - starting - healthy))
        stop = max(0, min(old, old + healthy - fewest))
        if start or stop:
            batches.append(Batch(start, stop))
            old, stopping, starting = old - stop, stopping + stop, starting + start
        if start:
            heapq.heappush(under_way, (now + start_seconds, starts + 1, stops, start, 0))
        if stop:
            heapq.heappush(under_way, (now + stop_seconds, starts, stops + 1, 0, stop))
        if not under_way:
            return _Course(tuple(batches), deadlock=_deadlock_text(deployment))
        now = under_way[0][0]
        while under_way and under_way[0][0] == now:
            _, starts, stops, started, stopped = heapq.heappop(under_way)
            stopping, starting, healthy = stopping - stopped, starting - started, healthy + started
    return _Course(tuple(batches), starts, stops)


def _deadlock_text(deployment: Deployment) -> str:
    desired, most, fewest = deployment.desired_count, deployment.most_tasks, deployment.fewest_tasks
    limits = (
        f"desired_count: {desired}, maximum_percent: {deployment.maximum_percent} (at most {most} "
        f"task{'s' if most != 1 else ''}), minimum_healthy_percent: {deployment.minimum_healthy_percent} "
        f"(at least {fewest} healthy)"
    )
    if deployment.task_capacity is not None and deployment.task_capacity == most:
        limits += f", task_capacity: {most}"
    if most < desired:
        return f"{limits}: the new revision can never have {desired} tasks; raise maximum_percent or the capacity"
    return (
        f"{limits}: no new task may start and no old one may stop; raise maximum_percent to at least "
        f"{-(-100 * (desired + 1) // desired)} with room for {desired + 1} tasks, or lower minimum_healthy_percent to "
        f"at most {100 * (desired - 1) // desired}"
    )


def _failing_checks(interval: int, seconds: int) -> int:
    """Most checks that can begin within that time after RUNNING; the first one may come at once."""
    return -(-seconds // interval)


def _target_ready(application_start: int, check: TargetHealthCheck) -> tuple[int, bool]:
    """Seconds from RUNNING until the target is healthy at the latest, and whether it may be unhealthy before.

    A new target needs one passed check; the healthy threshold is for one that was unhealthy already.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-healthcheck.html
    """
    failing = _failing_checks(check.interval_seconds, application_start)
    falls_sick = failing > 0 and failing >= check.unhealthy_threshold
    passes = check.healthy_threshold if falls_sick else 1
    return application_start + passes * check.interval_seconds + check.timeout_seconds, falls_sick


def _container_ready(application_start: int, check: ContainerHealthCheck) -> tuple[int, bool]:
    """Seconds from RUNNING until the container is healthy at the latest, and whether it may be unhealthy before.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html"""
    failing = _failing_checks(check.interval_seconds, max(0, application_start - check.start_period_seconds))
    return (
        application_start + check.interval_seconds + check.timeout_seconds,
        failing > 0 and failing >= check.retries,
    )


def _healthy_after(deployment: Deployment) -> tuple[int, str]:
    """Seconds from RUNNING until ECS counts a good task as healthy, and how they come about."""
    if deployment.application_start_seconds is None:
        sick = _sick_after(deployment)
        if sick is not None:
            return sick, f"{sick} s until health checks or grace period decide"
        return UNCHECKED_TASK_SECONDS, f"{UNCHECKED_TASK_SECONDS} s RUNNING, nothing is checked"
    starts = deployment.application_start_seconds
    application = f"application start {starts} s"
    ways = []
    for target in deployment.target_health_checks:
        seconds, falls_sick = _target_ready(starts, target)
        passes = target.healthy_threshold if falls_sick else 1
        ways.append(
            (
                seconds,
                f"{application} + {passes} passed target check{'s' if passes > 1 else ''} x "
                f"{target.interval_seconds} s + answer {target.timeout_seconds} s",
            )
        )
    for container in deployment.container_health_checks:
        seconds, _ = _container_ready(starts, container)
        ways.append(
            (
                seconds,
                f"{application} + container check {container.interval_seconds} s + "
                f"result {container.timeout_seconds} s",
            )
        )
    return max(ways, default=(UNCHECKED_TASK_SECONDS, f"{UNCHECKED_TASK_SECONDS} s RUNNING, nothing is checked"))


def least_grace_seconds(deployment: Deployment) -> int:
    """The grace period with which no health check fails a task while its application is still starting, for
    `application_start_seconds`; 0 where that is not given."""
    starts = deployment.application_start_seconds
    if starts is None:
        return 0
    ready = [
        *(_target_ready(starts, check) for check in deployment.target_health_checks),
        *(_container_ready(starts, check) for check in deployment.container_health_checks),
    ]
    return max((seconds for seconds, falls_sick in ready if falls_sick), default=0)


def _kill_loop(deployment: Deployment) -> str | None:
    grace, least = deployment.health_check_grace_seconds, least_grace_seconds(deployment)
    if least <= grace:
        return None
    return (
        f"health_check_grace_seconds: got {grace}, expected at least {least}: the application takes "
        f"{deployment.application_start_seconds} s to start, fails its health checks until then, and ECS replaces it "
        "before it is healthy; raise the grace period, or check more patiently"
    )


def _start_seconds(deployment: Deployment) -> tuple[int, str]:
    healthy, formula = _healthy_after(deployment)
    return deployment.task_start_seconds + healthy, f"task start {deployment.task_start_seconds} s + {formula}"


def _stop_seconds(deployment: Deployment) -> tuple[int, str]:
    stop = f"stop timeout {deployment.stop_timeout_seconds} s"
    if not deployment.target_health_checks:
        return deployment.stop_timeout_seconds, stop
    return (
        deployment.deregistration_delay_seconds + deployment.stop_timeout_seconds,
        f"deregistration delay {deployment.deregistration_delay_seconds} s + {stop}",
    )


def _starts(name: str, times: int, deployment: Deployment) -> Term:
    seconds, formula = _start_seconds(deployment)
    return _term(name, times, seconds, formula, "first check", waits_for_tasks=True)


def _stops(name: str, times: int, deployment: Deployment) -> Term:
    seconds, formula = _stop_seconds(deployment)
    return _term(name, times, seconds, formula, "stop", waits_for_tasks=True)


def _good(deployment: Deployment, course: _Course) -> Duration:
    terms = [_starts("start new tasks until they are healthy", course.starts, deployment)]
    if deployment.interruptible:
        name = "start again what Fargate Spot takes back meanwhile"
        terms.append(replace(_starts(name, 1, deployment), source="interruption"))
    terms += _shift(deployment)
    stop = _stops("stop old tasks", course.stops, deployment)
    # Rolling: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
    rolls = deployment.strategy == "ROLLING"
    return _duration([*terms, stop, *_bake(deployment)] if rolls else [*terms, *_bake(deployment), stop])


def _bake(deployment: Deployment) -> list[Term]:
    if deployment.strategy != "ROLLING":
        return [_minutes("bake", 1, deployment.bake_minutes, "traffic shift")]
    watched = deployment.alarm_bake_seconds
    if 60 * deployment.bake_minutes > watched:
        return [_minutes("bake", 1, deployment.bake_minutes, "alarms")]
    longest = max(deployment.alarms, key=_evaluation, default=None)
    if longest is None:
        return []
    formula = (
        f"longest alarm ({longest.evaluation_periods} + 1) x {longest.period_seconds} s"
        if _evaluation(longest) >= ALARM_BAKE_SECONDS
        else "AWS: less than 5 minutes"
    )
    return [_term("watch the alarms", 1, watched, formula, "alarms")]


def _evaluation(alarm: DeploymentAlarm) -> int:
    return (alarm.evaluation_periods + 1) * alarm.period_seconds


def _shift(deployment: Deployment) -> list[Term]:
    terms = []
    if deployment.hook_minutes:
        terms.append(_minutes("lifecycle hooks", 1, deployment.hook_minutes, "stage"))
    if deployment.network_load_balancer and deployment.traffic_shifts:
        name, source = "wait for the Network Load Balancer", "Network Load Balancer"
        terms.append(_minutes(name, 1 + deployment.traffic_shifts, NETWORK_LOAD_BALANCER_MINUTES, source))
    if deployment.strategy == "CANARY":
        terms.append(_minutes("serve with a canary", 1, deployment.canary_bake_minutes, "traffic shift"))
    if deployment.strategy == "LINEAR":
        # AWS: no bake time after the step that reaches 100 percent.
        steps = deployment.traffic_shifts - 1
        terms.append(_minutes("shift traffic", steps, deployment.linear_step_bake_minutes, "traffic shift"))
    return terms


def _sick_after(deployment: Deployment) -> int | None:
    """Seconds from RUNNING until a task that never gets healthy is replaced, by its slowest check; None: never."""
    waits = [
        *(
            each.unhealthy_threshold * each.interval_seconds + each.timeout_seconds
            for each in deployment.target_health_checks
        ),
        *(
            each.start_period_seconds + max(1, each.retries) * each.interval_seconds + each.timeout_seconds
            for each in deployment.container_health_checks
        ),
    ]
    return max(deployment.health_check_grace_seconds, *waits) if waits else None


def _noticed(deployment: Deployment, sick_after: int, how: str) -> Duration | None:
    """Time until the circuit breaker has counted enough failed tasks, where each batch is as small as the first."""
    if deployment.strategy != "ROLLING":
        stage = _term("the stage times out", 1, STAGE_LIMIT_SECONDS, "24 hours for each stage", "stage")
        return _duration([stage])
    if not deployment.circuit_breaker:
        return None
    room = deployment.most_tasks - deployment.desired_count
    at_once = min(deployment.desired_count, room if room > 0 else deployment.desired_count - deployment.fewest_tasks)
    failures = deployment.failure_threshold
    tries = -(-failures // at_once)
    formula = f"task start {deployment.task_start_seconds} s"
    terms = []
    if room <= 0:
        terms.append(_stops("stop old tasks to make room", 1, deployment))
    if sick_after:
        formula += f" + {sick_after} s until health checks or grace period decide"
    terms.append(
        _term(
            f"start tasks, each of which {how}",
            tries,
            deployment.task_start_seconds + sick_after,
            f"{formula}; {failures} failures, {at_once} at once",
            "circuit breaker",
            waits_for_tasks=True,
        )
    )
    if sick_after:
        terms.append(_stops("stop the failed tasks before the next try", tries - 1, deployment))
    return _duration(terms)


def _rollback(deployment: Deployment) -> Duration:
    terms = [_stops("stop the tasks of the new revision", 1, deployment)]
    if deployment.fewest_tasks < deployment.desired_count:
        terms.append(_starts("start the old tasks that were stopped", 1, deployment))
    return _duration(terms)


def _late_rollback(deployment: Deployment, course: _Course) -> Duration:
    if deployment.strategy != "ROLLING":  # the old tasks are there until the bake time is over
        return _rollback(deployment)
    return _duration(
        [
            _starts("start the old tasks again", course.starts, deployment),
            _stops("stop the tasks of the new revision", course.stops, deployment),
        ]
    )


def _term(name: str, times: int, seconds: int, formula: str, source: str, *, waits_for_tasks: bool = False) -> Term:
    assert source in SOURCES
    return Term(name, times, seconds, formula, source, waits_for_tasks)


def _minutes(name: str, times: int, minutes: int, source: str) -> Term:
    return _term(name, times, 60 * minutes, f"{minutes} min", source)


def _duration(terms: list[Term]) -> Duration:
    return Duration(tuple(term for term in terms if term.seconds))


def format_seconds(seconds: int) -> str:
    """`45 s`, `2 min 5 s`, `24 h`."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{number} {unit}" for number, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if number]
    return " ".join(parts) or "0 s"


def format_bounds(result: Bounds) -> str:
    """The bounds for people, each with the terms it is made of."""
    lines = [f"cannot end: {result.deadlock}"] if result.deadlock else []
    lines += [f"may never end: {result.kill_loop}"] if result.kill_loop else []
    parts: list[tuple[str, Duration | None, str]] = [
        ("a good deployment takes at most", result.good, "without end"),
        ("tasks that exit at once are noticed after at most", result.exits_noticed, "never"),
        ("tasks that never get healthy are noticed after at most", result.unhealthy_noticed, "never"),
        ("and the old revision is back within", result.rollback, ""),
    ]
    if result.late_rollback is not None and result.late_rollback != result.rollback:
        parts.append(("but after an alarm at the last moment within", result.late_rollback, ""))
    for title, duration, otherwise in parts:
        lines.append(f"{title}: {format_seconds(duration.seconds) if duration else otherwise}")
        for term in duration.terms if duration else ():
            times = f"{term.times} x " if term.times > 1 else ""
            lines.append(f"  {times}{format_seconds(term.seconds_each)}  {term.name} ({term.formula})")
    least, recommended = result.minimum_update_timeout_seconds, result.recommended_update_timeout_seconds
    if least is not None and recommended is not None:
        lines.append(f"update timeout: at least {format_seconds(least)}, recommended {format_seconds(recommended)}")
    return "\n".join(lines)
