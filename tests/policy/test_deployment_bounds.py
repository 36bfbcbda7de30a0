"""How long deployments take, what notices a bad one, and which settings let none end."""

from __future__ import annotations

import heapq
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecs_policy.deployment_bounds import (
    SOURCES,
    Batch,
    ContainerHealthCheck,
    Deployment,
    DeploymentAlarm,
    DeploymentError,
    Duration,
    TargetHealthCheck,
    bounds,
    format_bounds,
    format_seconds,
)

FAST = Deployment(
    desired_count=2,
    target_health_checks=(
        TargetHealthCheck(interval_seconds=5, timeout_seconds=4, healthy_threshold=2, unhealthy_threshold=3),
    ),
    deregistration_delay_seconds=5,
    health_check_grace_seconds=30,
    application_start_seconds=10,
    circuit_breaker=True,
)


def test_the_bounds_are_told_with_their_terms() -> None:
    assert format_bounds(bounds(FAST)) == (
        "a good deployment takes at most: 1 min 54 s\n"
        "  1 min 19 s  start new tasks until they are healthy "
        "(task start 60 s + application start 10 s + 1 passed target check x 5 s + answer 4 s)\n"
        "  35 s  stop old tasks (deregistration delay 5 s + stop timeout 30 s)\n"
        "tasks that exit at once are noticed after at most: 2 min\n"
        "  2 x 1 min  start tasks, each of which exits at once (task start 60 s; 3 failures, 2 at once)\n"
        "tasks that never get healthy are noticed after at most: 3 min 35 s\n"
        "  2 x 1 min 30 s  start tasks, each of which fails its health checks "
        "(task start 60 s + 30 s until health checks or grace period decide; 3 failures, 2 at once)\n"
        "  35 s  stop the failed tasks before the next try (deregistration delay 5 s + stop timeout 30 s)\n"
        "and the old revision is back within: 35 s\n"
        "  35 s  stop the tasks of the new revision (deregistration delay 5 s + stop timeout 30 s)\n"
        "update timeout: at least 4 min 10 s, recommended 7 min"
    )


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "batches"),
    [
        (4, 100, 200, [(4, 0), (0, 4)]),
        (4, 50, 200, [(4, 2), (0, 2)]),
        (4, 50, 100, [(0, 2), (2, 0), (0, 2), (2, 0)]),
        (4, 100, 125, [(1, 0), (0, 1)] * 4),
        (1, 0, 100, [(0, 1), (1, 0)]),
        (3, 100, 150, [(1, 0), (0, 1)] * 3),
    ],
)
def test_batches_follow_from_the_percentages(
    desired: int, minimum: int, maximum: int, batches: list[tuple[int, int]]
) -> None:
    result = bounds(Deployment(desired_count=desired, minimum_healthy_percent=minimum, maximum_percent=maximum))
    assert result.batches == tuple(Batch(*batch) for batch in batches)


@pytest.mark.parametrize(("desired", "threshold"), [(1, 3), (5, 3), (6, 3), (7, 4), (25, 13), (400, 200), (800, 200)])
def test_the_circuit_breaker_counts_to_half_the_tasks_but_3_to_200(desired: int, threshold: int) -> None:
    assert Deployment(desired_count=desired).failure_threshold == threshold


def test_without_circuit_breaker_nothing_ends_a_bad_deployment() -> None:
    result = bounds(replace(FAST, circuit_breaker=False))
    assert result.exits_noticed is None
    assert result.unhealthy_noticed is None
    assert "tasks that exit at once are noticed after at most: never" in format_bounds(result)


def test_without_any_health_check_nobody_notices_a_task_that_runs_and_does_nothing() -> None:
    result = bounds(replace(FAST, target_health_checks=()))
    assert result.unhealthy_noticed is None
    assert result.exits_noticed is not None
    assert result.good is not None
    assert result.good.seconds == 60 + 40 + 30


def test_a_new_target_needs_one_passed_check_but_an_unhealthy_one_its_threshold() -> None:
    patient = replace(FAST, application_start_seconds=10)
    assert bounds(patient).good is not None
    slow = bounds(replace(FAST, application_start_seconds=11, health_check_grace_seconds=25))
    assert slow.good is not None
    assert "2 passed target checks x 5 s" in format_bounds(slow)


def test_a_grace_period_shorter_than_the_start_of_the_application_is_a_kill_loop() -> None:
    result = bounds(replace(FAST, application_start_seconds=60, health_check_grace_seconds=73))
    assert result.kill_loop == (
        "health_check_grace_seconds: got 73, expected at least 74: the application takes 60 s to start, fails its "
        "health checks until then, and ECS replaces it before it is healthy; raise the grace period, or check more "
        "patiently"
    )
    assert result.good is None
    assert result.recommended_update_timeout_seconds is None
    assert bounds(replace(FAST, application_start_seconds=60, health_check_grace_seconds=74)).kill_loop is None


def test_a_container_health_check_can_be_the_slowest() -> None:
    result = bounds(replace(FAST, container_health_checks=(ContainerHealthCheck(start_period_seconds=20),)))
    assert result.good is not None
    assert result.good.seconds == 60 + (10 + 30 + 5) + 35
    assert result.unhealthy_noticed is not None
    assert result.unhealthy_noticed.seconds == 2 * (60 + 20 + 3 * 30 + 5) + 35


@pytest.mark.parametrize(
    ("changes", "minutes"),
    [
        ({"strategy": "BLUE_GREEN", "bake_minutes": 5}, 5),
        ({"strategy": "CANARY", "bake_minutes": 5}, 10 + 5),
        ({"strategy": "LINEAR", "linear_step_percent": 30.0, "linear_step_bake_minutes": 7}, 3 * 7),
        ({"strategy": "LINEAR", "linear_step_percent": 100.0}, 0),
        ({"strategy": "BLUE_GREEN", "hook_minutes": 60}, 60),
    ],
)
def test_shifting_traffic_takes_its_bake_times(changes: dict[str, object], minutes: int) -> None:
    result = bounds(replace(FAST, **changes))  # type: ignore[arg-type]
    assert result.good is not None
    assert result.good.seconds == 79 + 60 * minutes + 35
    back = result.rollback.seconds if "hook_minutes" in changes else 0  # when nobody agrees
    assert result.minimum_update_timeout_seconds == result.good.seconds + back
    assert result.exits_noticed is not None
    assert format_seconds(result.exits_noticed.seconds) == "24 h"


@pytest.mark.parametrize(
    ("deployment", "deadlock"),
    [
        (
            Deployment(desired_count=1, maximum_percent=100),
            "desired_count: 1, maximum_percent: 100 (at most 1 task), minimum_healthy_percent: 100 "
            "(at least 1 healthy): no new task may start and no old one may stop; "
            "raise maximum_percent to at least 200 with room for 2 tasks, "
            "or lower minimum_healthy_percent to at most 0",
        ),
        (
            Deployment(desired_count=3, minimum_healthy_percent=67, maximum_percent=133),
            "desired_count: 3, maximum_percent: 133 (at most 3 tasks), minimum_healthy_percent: 67 "
            "(at least 3 healthy): no new task may start and no old one may stop; "
            "raise maximum_percent to at least 134 with room for 4 tasks, "
            "or lower minimum_healthy_percent to at most 66",
        ),
        (
            Deployment(desired_count=2, task_capacity=2),
            "desired_count: 2, maximum_percent: 200 (at most 2 tasks), minimum_healthy_percent: 100 (at least 2 "
            "healthy), task_capacity: 2: no new task may start and no old one may stop; raise maximum_percent to at "
            "least 150 with room for 3 tasks, or lower minimum_healthy_percent to at most 50",
        ),
        (
            Deployment(desired_count=2, minimum_healthy_percent=0, maximum_percent=50),
            "desired_count: 2, maximum_percent: 50 (at most 1 task), minimum_healthy_percent: 0 "
            "(at least 0 healthy): the new revision can never have 2 tasks; raise maximum_percent or the capacity",
        ),
        (
            Deployment(desired_count=2, strategy="CANARY", task_capacity=3),
            "task_capacity: got 3, but a CANARY deployment runs both revisions at once and needs room for 4 tasks; "
            "add capacity or use a rolling deployment",
        ),
    ],
)
def test_settings_with_which_no_deployment_can_end_are_named(deployment: Deployment, deadlock: str) -> None:
    result = bounds(deployment)
    assert result.deadlock == deadlock
    assert result.good is None
    assert result.minimum_update_timeout_seconds is None
    assert format_bounds(result).startswith(f"cannot end: {deadlock}")


def test_impossible_settings_are_refused_all_at_once() -> None:
    with pytest.raises(DeploymentError) as caught:
        Deployment(
            desired_count=0,
            stop_timeout_seconds=-1,
            task_capacity=-1,
            strategy="BIG_BANG",  # type: ignore[arg-type]
            target_health_checks=(TargetHealthCheck(interval_seconds=0, timeout_seconds=-1),),
        )
    assert caught.value.problems == (
        "desired_count: got 0, expected a number from 1 to 10000",
        "stop_timeout_seconds: got -1, expected a number from 0 to 86400",
        "target_health_check.timeout_seconds: got -1, expected 0 or more",
        "target_health_check.interval_seconds: got 0, expected at least 1",
        "strategy: got 'BIG_BANG', expected ROLLING, BLUE_GREEN, LINEAR or CANARY",
        "task_capacity: got -1, expected 0 or more, or None",
    )


WATCHED = replace(FAST, alarms=(DeploymentAlarm(period_seconds=60, evaluation_periods=3),))


def test_a_rolling_deployment_goes_on_while_ecs_watches_its_alarms() -> None:
    plain, watched = bounds(FAST), bounds(WATCHED)
    assert plain.good and watched.good and watched.late_rollback
    assert watched.good.seconds == plain.good.seconds + 300
    assert watched.good.terms[-1].name == "watch the alarms"
    assert watched.minimum_update_timeout_seconds == (
        watched.good.seconds + watched.late_rollback.seconds + 300  # and those of the rollback
    )
    assert plain.late_rollback is None


@pytest.mark.parametrize(
    ("alarms", "seconds"),
    [
        ([(60, 1)], 300),
        ([(60, 4)], 300),
        ([(60, 5)], 360),
        ([(60, 5), (300, 3), (60, 1)], 1200),
        ([(10, 100)], 1010),
        ([], 0),
    ],
)
def test_the_longest_evaluation_and_a_period_more_are_watched_but_five_minutes_at_least(
    alarms: list[tuple[int, int]], seconds: int
) -> None:
    given = tuple(DeploymentAlarm(period_seconds=period, evaluation_periods=periods) for period, periods in alarms)
    assert replace(FAST, alarms=given).alarm_bake_seconds == seconds


def test_a_bake_time_that_somebody_set_for_a_rolling_deployment_counts_when_it_is_longer() -> None:
    result = bounds(replace(WATCHED, bake_minutes=10))
    assert result.good and result.good.terms[-1].seconds == 600
    result = bounds(replace(WATCHED, bake_minutes=1))
    assert result.good and result.good.terms[-1].seconds == 300


def test_with_traffic_shifted_the_bake_time_is_the_one_that_is_set() -> None:
    shifted = replace(FAST, strategy="BLUE_GREEN", bake_minutes=7)
    plain, watched = bounds(shifted).good, bounds(replace(shifted, alarms=WATCHED.alarms)).good
    assert plain == watched


def test_an_alarm_at_the_last_moment_finds_the_old_tasks_gone() -> None:
    result = bounds(WATCHED)
    assert result.late_rollback
    assert [term.name for term in result.late_rollback.terms] == [
        "start the old tasks again",
        "stop the tasks of the new revision",
    ]
    shifted = bounds(replace(WATCHED, strategy="BLUE_GREEN"))
    assert shifted.late_rollback == shifted.rollback


def test_a_good_task_is_healthy_before_its_checks_get_it_replaced() -> None:
    whenever = replace(FAST, application_start_seconds=None)
    result = bounds(whenever)
    assert result.good and result.kill_loop is None
    assert result.good.terms[0].seconds == 60 + 30  # the grace period, longer than 3 checks of 5 s
    hasty = bounds(replace(whenever, health_check_grace_seconds=0))
    assert hasty.good and hasty.good.terms[0].seconds == 60 + 3 * 5 + 4


def test_the_slowest_of_several_checks_counts() -> None:
    slow = TargetHealthCheck(interval_seconds=60, timeout_seconds=10)
    both = replace(FAST, target_health_checks=(*FAST.target_health_checks, slow))
    assert bounds(both).good == bounds(replace(FAST, target_health_checks=(slow,))).good


@pytest.mark.parametrize(
    ("kind", "value", "desired", "threshold"),
    [
        ("BOUNDED_PERCENT", 50, 25, 13),
        ("BOUNDED_PERCENT", 10, 25, 3),
        ("UNBOUNDED_PERCENT", 50, 800, 400),
        ("UNBOUNDED_PERCENT", 50, 1, 1),
        ("COUNT", 5, 800, 5),
    ],
)
def test_the_threshold_can_be_chosen(kind: str, value: int, desired: int, threshold: int) -> None:
    deployment = Deployment(desired_count=desired, threshold_type=kind, threshold_value=value)  # type: ignore[arg-type]
    assert deployment.failure_threshold == threshold


def test_a_network_load_balancer_delays_each_shift_of_traffic() -> None:
    shifted = replace(FAST, strategy="LINEAR", linear_step_percent=50.0)
    plain, delayed = bounds(shifted).good, bounds(replace(shifted, network_load_balancer=True)).good
    assert plain and delayed
    assert delayed.seconds - plain.seconds == (1 + 2) * 600  # that of the tests, and two of clients
    rolling = replace(FAST, network_load_balancer=True)
    assert bounds(rolling).good == bounds(FAST).good


def test_a_task_that_spot_takes_back_is_started_again() -> None:
    plain, interrupted = bounds(FAST).good, bounds(replace(FAST, interruptible=True)).good
    assert plain and interrupted
    assert interrupted.seconds - plain.seconds == 79


def test_the_margin_of_the_timeout_grows_with_the_steps_that_ecs_takes() -> None:
    step_by_step = bounds(replace(FAST, desired_count=20, maximum_percent=105))
    assert step_by_step.minimum_update_timeout_seconds and step_by_step.recommended_update_timeout_seconds
    margin = step_by_step.recommended_update_timeout_seconds - step_by_step.minimum_update_timeout_seconds * 1.25
    assert margin >= 15 * 2 * 10


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (60, "1 min"), (3725, "1 h 2 min 5 s")])
def test_seconds_are_told_in_units(seconds: int, text: str) -> None:
    assert format_seconds(seconds) == text


_PERCENTS = {"minimum_healthy_percent": st.integers(0, 120), "maximum_percent": st.integers(50, 250)}
_ROLLING = st.builds(
    Deployment,
    desired_count=st.integers(1, 6),
    task_capacity=st.none() | st.integers(0, 12),
    **_PERCENTS,
)


def _ends_reached_by_any_scheduler(deployment: Deployment) -> set[tuple[int, int, int, int]]:
    """Where a scheduler that obeys the two limits, and is otherwise free, can come to a halt.

    A state is (old tasks, old tasks stopping, new tasks starting, new tasks healthy).
    """
    desired, most, fewest = deployment.desired_count, deployment.most_tasks, deployment.fewest_tasks
    ends, seen, todo = set(), set(), [(desired, 0, 0, 0)]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        old, stopping, starting, healthy = state
        after = []
        if sum(state) < most and starting + healthy < desired:
            after.append((old, stopping, starting + 1, healthy))
        if old and old + healthy - 1 >= fewest:
            after.append((old - 1, stopping + 1, starting, healthy))
        if stopping:
            after.append((old, stopping - 1, starting, healthy))
        if starting:
            after.append((old, stopping, starting - 1, healthy + 1))
        todo += after
        if not after:
            ends.add(state)
    return ends


@given(_ROLLING)
def test_a_deadlock_is_named_if_and_only_if_no_scheduler_can_end_the_deployment(deployment: Deployment) -> None:
    ends = _ends_reached_by_any_scheduler(deployment)
    done = (0, 0, 0, deployment.desired_count)
    assert ends == {done} if bounds(deployment).deadlock is None else done not in ends


@given(_ROLLING, st.data())
def test_no_scheduler_takes_longer_than_the_bound(deployment: Deployment, data: st.DataObject) -> None:
    result = bounds(deployment)
    assume(result.good)
    assert result.good
    start_limit, stop_limit = 60 + 10 + 30 + 5, 300 + 30
    waits = st.sampled_from([1, 1, 0.5, 0])
    old, stopping, starting, healthy, now = deployment.desired_count, 0, 0, 0, 0.0
    events: list[tuple[float, str]] = []
    while (old, stopping, starting, healthy) != (0, 0, 0, deployment.desired_count):
        while old + stopping + starting + healthy < deployment.most_tasks and (
            starting + healthy < deployment.desired_count
        ):
            starting += 1
            heapq.heappush(events, (now + data.draw(waits) * start_limit, "healthy"))
        while old and old + healthy - 1 >= deployment.fewest_tasks:
            old, stopping = old - 1, stopping + 1
            heapq.heappush(events, (now + data.draw(waits) * stop_limit, "gone"))
        now, event = heapq.heappop(events)
        if event == "gone":
            stopping -= 1
        else:
            starting, healthy = starting - 1, healthy + 1
    assert now <= result.good.seconds


_DEPLOYMENTS = st.builds(
    Deployment,
    desired_count=st.integers(1, 20),
    strategy=st.sampled_from(["ROLLING", "ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]),
    target_health_checks=st.just(())
    | st.tuples(
        st.builds(
            TargetHealthCheck,
            interval_seconds=st.integers(5, 60),
            timeout_seconds=st.integers(2, 5),
            healthy_threshold=st.integers(2, 10),
            unhealthy_threshold=st.integers(2, 10),
        )
    ),
    container_health_checks=st.just(()) | st.tuples(st.builds(ContainerHealthCheck, retries=st.integers(1, 10))),
    health_check_grace_seconds=st.integers(0, 600),
    task_start_seconds=st.integers(0, 300),
    application_start_seconds=st.none() | st.integers(0, 120),
    deregistration_delay_seconds=st.integers(0, 600),
    stop_timeout_seconds=st.integers(0, 120),
    bake_minutes=st.integers(0, 60),
    alarms=st.just(())
    | st.tuples(
        st.builds(
            DeploymentAlarm, period_seconds=st.sampled_from([10, 60, 300, 3600]), evaluation_periods=st.integers(1, 9)
        )
    ),
    network_load_balancer=st.booleans(),
    interruptible=st.booleans(),
    circuit_breaker=st.booleans(),
    **_PERCENTS,
)


def _no_shorter(before: Duration | None, after: Duration | None) -> bool:
    """None is for ever."""
    return after is None or (before is not None and before.seconds <= after.seconds)


@given(
    _DEPLOYMENTS,
    st.sampled_from(
        [
            "task_start_seconds",
            "application_start_seconds",
            "deregistration_delay_seconds",
            "stop_timeout_seconds",
            "bake_minutes",
            "canary_bake_minutes",
            "linear_step_bake_minutes",
            "hook_minutes",
        ]
    ),
    st.integers(1, 100),
)
def test_whatever_takes_longer_makes_no_bound_shorter(deployment: Deployment, name: str, more: int) -> None:
    assume(getattr(deployment, name) is not None)
    before = bounds(deployment)
    after = bounds(replace(deployment, **{name: getattr(deployment, name) + more}))
    for one, other in [
        (before.good, after.good),
        (before.exits_noticed, after.exits_noticed),
        (before.unhealthy_noticed, after.unhealthy_noticed),
        (before.rollback, after.rollback),
    ]:
        assert _no_shorter(one, other)
    least = before.minimum_update_timeout_seconds, after.minimum_update_timeout_seconds
    assert least[1] is None or (least[0] is not None and least[0] <= least[1])


@given(_DEPLOYMENTS, st.integers(1, 300))
def test_a_longer_grace_period_notices_later_but_never_hinders_a_good_deployment(
    deployment: Deployment, more: int
) -> None:
    deployment = replace(deployment, application_start_seconds=deployment.application_start_seconds or 0)
    before = bounds(deployment)
    after = bounds(replace(deployment, health_check_grace_seconds=deployment.health_check_grace_seconds + more))
    assert _no_shorter(after.good, before.good)
    assert _no_shorter(
        before.unhealthy_noticed,
        after.unhealthy_noticed,
    )


@given(_DEPLOYMENTS, st.sampled_from(["interval_seconds", "timeout_seconds", "healthy_threshold"]), st.integers(1, 9))
def test_a_slower_health_check_makes_no_start_shorter(deployment: Deployment, name: str, more: int) -> None:
    # While the application starts, a longer interval means fewer failed checks, so that one passed check may do again.
    check = next(iter(deployment.target_health_checks), TargetHealthCheck())
    deployment = replace(deployment, application_start_seconds=0, target_health_checks=(check,))
    slower = replace(deployment, target_health_checks=(replace(check, **{name: getattr(check, name) + more}),))
    before, after = bounds(deployment).good, bounds(slower).good
    assert _no_shorter(before, after)


@given(_DEPLOYMENTS, st.integers(1, 100))
def test_more_room_or_fewer_needed_tasks_make_no_good_deployment_longer(deployment: Deployment, more: int) -> None:
    before = bounds(deployment).good
    for better in (
        replace(deployment, maximum_percent=deployment.maximum_percent + more),
        replace(deployment, minimum_healthy_percent=max(0, deployment.minimum_healthy_percent - more)),
    ):
        after = bounds(better).good
        assert _no_shorter(after, before)


@given(_DEPLOYMENTS)
def test_every_figure_is_the_sum_of_its_terms_and_every_term_has_a_source(deployment: Deployment) -> None:
    result = bounds(deployment)
    for duration in (
        result.good,
        result.exits_noticed,
        result.unhealthy_noticed,
        result.rollback,
        result.late_rollback,
    ):
        if duration:
            assert duration.seconds == sum(term.times * term.seconds_each for term in duration.terms)
            assert {term.source for term in duration.terms} <= set(SOURCES)
    least, recommended = result.minimum_update_timeout_seconds, result.recommended_update_timeout_seconds
    assert (least is None) == (result.good is None)
    if least is not None and recommended is not None:
        assert recommended % 60 == 0
        assert recommended >= least * 1.25
