"""The verdict on thousands of deployments that a simulator plays as AWS documents them."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components import verdict as module
from components.deployment_time import expectation
from components.ecs_api import Api
from components.verdict import Outcome, Watch, post_mortem
from ecs_policy import deployment_bounds, service_rollout
from ecs_policy.deployment_bounds import bounds
from ecs_policy.service_rollout import deployment_of
from tests.components.ecs_simulator import (
    ARN,
    DEFINITION,
    FAULTS,
    NEW,
    Ecs,
    Scenario,
    output_validator,
    random_scenario,
)

SPREAD = 10
"""Parts into which the seeds are divided, so that the workers share them."""
DEPLOYMENTS = int(os.environ.get("SIMULATED_DEPLOYMENTS", "1000")) // SPREAD
"""Of each part. `make test` plays 5,000 in all."""


def watched(ecs: Ecs) -> tuple[Watch, Api]:
    api = Api(ARN.format("service"), "shop", client=ecs)
    wanted = DEFINITION.format(NEW)
    watch = Watch(
        api,
        wanted,
        lambda service: expectation(
            service, api.containers(wanted), api.target_groups(service), api.alarms(service), ecs.scenario.task_start
        ),
        stack="prod",
        clock=lambda: ecs.now,
    )
    return watch, api


def follow(ecs: Ecs, rng: random.Random) -> tuple[module.Verdict, Watch]:
    """Looks, now and then, until there is a verdict."""
    watch, _ = watched(ecs)
    while True:
        verdict = watch.look()
        if verdict.outcome is not Outcome.WAITING:
            return verdict, watch
        limit = watch.limit_seconds or 60
        ecs.advance(min(max(limit + 1, ecs.now + 2), ecs.now + rng.choice([2, 10, limit / 30, limit / 15])))


def play(seed: int) -> tuple[Ecs, module.Verdict, Watch]:
    rng = random.Random(seed)
    ecs = Ecs(random_scenario(rng), seed)
    verdict, watch = follow(ecs, rng)
    return ecs, verdict, watch


def faults_of(ecs: Ecs, verdict: module.Verdict, watch: Watch) -> Iterator[str]:
    """What of the verdict is wrong."""
    outcome, expired = verdict.outcome, ecs.scenario.expires is not None and ecs.now >= ecs.scenario.expires
    limit = watch.limit_seconds
    if limit is not None and ecs.now > limit + 5:
        yield f"later than the bound: {ecs.now:.0f} of {limit} s"
    if outcome is Outcome.SERVING and ecs.outcome != "SUCCESSFUL":
        yield f"a bad deployment is reported as good: {ecs.outcome or ecs.status}"
    if ecs.outcome == "SUCCESSFUL" and outcome is not Outcome.SERVING and not expired:
        yield f"a good deployment is reported as failed: {verdict.text}"
    if outcome is Outcome.UNKNOWN and not expired:
        if ecs.scenario.fault == "none":
            yield f"a good deployment is given up: {verdict.text}"
        elif ecs.outcome:
            yield f"ECS had decided: {ecs.outcome}, but {verdict.text}"
    expected = {
        "ROLLBACK_SUCCESSFUL": {Outcome.ROLLED_BACK},
        "ROLLBACK_FAILED": {Outcome.FAILED},
        "STOPPED": {Outcome.FAILED, Outcome.STOPPED, Outcome.SUPERSEDED},
    }
    if ecs.outcome in expected and outcome not in {*expected[ecs.outcome], Outcome.UNKNOWN, Outcome.SUPERSEDED}:
        yield f"{ecs.outcome} is told as {outcome}"


def violations(seeds: range) -> list[str]:
    return [
        f"seed {seed}: {fault} {ecs.scenario}"
        for seed in seeds
        for ecs, verdict, watch in [play(seed)]
        for fault in faults_of(ecs, verdict, watch)
    ]


@pytest.mark.parametrize("part", range(SPREAD))
def test_no_good_deployment_is_reported_as_failed_no_bad_one_as_good_and_none_late(part: int) -> None:
    assert violations(range(part * DEPLOYMENTS, (part + 1) * DEPLOYMENTS)) == []


def test_the_simulated_deployments_end_in_every_way_that_there_is() -> None:
    ends = Counter((play(seed)[0].scenario.fault, play(seed)[1].outcome) for seed in range(300))
    assert {fault for fault, _ in ends} == set(FAULTS)
    assert {outcome for _, outcome in ends} == set(Outcome) - {Outcome.WAITING, Outcome.INTERRUPTED}


def worst_case(scenario: Scenario) -> tuple[float, deployment_bounds.Bounds]:
    """When it ends if everything takes as long as it may and ECS acts at once, and what the calculator says."""
    ecs = Ecs(scenario, worst=True)
    _, api = watched(ecs)
    service = api.service()
    deployment = deployment_of(
        service,
        containers=api.containers(DEFINITION.format(NEW)),
        target_groups=api.target_groups(service),
        alarms=api.alarms(service),
        task_start_seconds=scenario.task_start,
    )
    result = bounds(deployment)
    ecs.advance(10 * (result.minimum_update_timeout_seconds or 0) + 3600)
    return ecs.ended, result


def undisturbed(seed: int) -> Scenario:
    """A good deployment in which nothing but the settings decides how long it takes."""
    plain = {"fault": "none", "spot": False, "scaled_to": 0, "sounding": False, "throttled": 0.0, "expires": None}
    return replace(random_scenario(random.Random(seed)), early_percent=0, first=False, old_is_gone=False, **plain)  # type: ignore[arg-type]


def loose_bounds(seeds: range) -> list[str]:
    found = []
    for seed in seeds:
        scenario = undisturbed(seed)
        # Either target group may be the one that the next shift registers in.
        ends = [worst_case(replace(scenario, checks=checks)) for checks in (scenario.checks, scenario.checks[::-1])]
        ended, good = max(end for end, _ in ends), ends[0][1].good
        assert good
        if not ended <= good.seconds <= 2 * ended:
            found.append(f"seed {seed}: {ended:.0f} s, bound {good.seconds} s, {scenario}")
    return found


def test_the_bound_of_a_good_deployment_is_no_shorter_and_at_most_twice_its_worst_case() -> None:
    assert loose_bounds(range(400)) == []


def test_the_bound_of_a_bad_one_is_no_shorter_and_at_most_twice_that_of_its_worst_fault() -> None:
    for seed in range(200):
        plain = replace(undisturbed(seed), strategy="ROLLING", pause="", bake_minutes=0, breaker=True, rollback=True)
        plain = replace(plain, checks=plain.checks[:1])
        faults = ["none", "exits", "unhealthy", *(["alarm"] if plain.alarms else [])]
        ends = [worst_case(replace(plain, fault=fault)) for fault in faults]
        least = ends[0][1].minimum_update_timeout_seconds
        assert least
        worst = max(ended for ended, _ in ends)
        # AWS does not say whether alarms watch the rollback, too: the bound has room for it, the simulator's does not.
        baked = max([period * (periods + 1) for period, periods in plain.alarms] + [300]) if plain.alarms else 0
        assert worst <= least <= 2 * worst + baked, f"seed {seed}: {worst:.0f} s, bound {least} s, {plain}"


# The properties see it when what they are about is taken out again.


def test_without_the_bake_time_good_deployments_would_be_reported_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment_bounds.Deployment, "alarm_bake_seconds", property(lambda _: 0))
    monkeypatch.setattr(deployment_bounds, "_bake", lambda _: [])
    assert any("a good deployment" in each for each in violations(range(300)))


def test_without_the_alternate_target_group_good_deployments_would_be_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def primary_only(service: Any) -> list[str]:
        return [each["targetGroupArn"] for each in service["loadBalancers"]]

    monkeypatch.setattr("components.ecs_api.target_group_arns", primary_only)
    assert any("a good deployment" in each or "bound" in each for each in [*violations(range(1500)), *loose_or_short()])


def loose_or_short() -> list[str]:
    return loose_bounds(range(100))


def test_without_the_filter_of_essential_containers_the_bound_would_be_loose(monkeypatch: pytest.MonkeyPatch) -> None:
    given = service_rollout._given

    def all_are_essential(shape: Any, key: str, default: Any) -> Any:
        return True if key == "essential" else given(shape, key, default)

    monkeypatch.setattr(service_rollout, "_given", all_are_essential)
    assert loose_bounds(range(400)) != []


def test_failing_checks_of_a_shift_are_told_from_the_alternate_target_group(monkeypatch: pytest.MonkeyPatch) -> None:
    sick = Scenario(strategy="BLUE_GREEN", checks=((5, 4, 3), (5, 4, 3)), fault="unhealthy", task_start=1)

    def cause() -> str:
        ecs = Ecs(sick)
        ecs.advance(20)
        _, api = watched(ecs)
        return post_mortem(api, DEFINITION.format(NEW), module.Verdict(Outcome.FAILED, "failed"))

    assert "cause: the port is not answered" in cause()
    monkeypatch.setattr("components.ecs_api.target_group_arns", lambda _: ["arn:b"])
    assert "cause: the port is not answered" not in cause()


def test_an_answer_that_aws_would_not_give_is_refused_by_the_simulator() -> None:
    check = output_validator("ecs", "DescribeServices")
    assert check({"services": [{"desiredCount": 1, "deployments": [{"rolloutState": "COMPLETED"}]}]}) == ""
    assert "is no integer" in check({"services": [{"desiredCount": "1"}]})
    assert "is not a member" in check({"services": [{"desiredcount": 1}]})
    assert "is none of" in check({"services": [{"deployments": [{"rolloutState": "DONE"}]}]})
