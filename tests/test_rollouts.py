"""One reading of a service: policies, risk report, verdict and documentation know the same deployment of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs.generate_deployment_speed import DOCUMENT, STACKS
from ecs_policy.deployment_bounds import bounds, format_seconds
from ecs_policy.model import Service
from ecs_policy.rules.update_timeout import update_timeout
from risk.rollout import rollout
from tests.mocks import Resource, Run, outputs_of, run_main
from tests.rollouts import (
    SERVICE,
    previewed,
    read_by_policies,
    read_by_the_risk_report,
    read_by_the_verdict,
    seen_by_policies,
)
from tests.test_examples import NAMES
from tests.test_examples import example as run_example

PROGRAMS = [*STACKS, *NAMES]


def made_by(program: str) -> Run:
    return run_main(program) if program in STACKS else run_example(program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_stack_or_example_has_one_bound_wherever_it_is_asked_for(program: str) -> None:
    made = made_by(program)
    expected = read_by_policies(made)
    assert expected
    assert read_by_the_risk_report(made) == expected
    assert read_by_the_verdict(made) == expected


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_words_of_preview_and_policy_are_of_that_bound(program: str) -> None:
    made = made_by(program)
    for name, deployment in read_by_policies(made).items():
        result = bounds(deployment)
        assert result.good and result.minimum_update_timeout_seconds
        preview = previewed(made)
        (change,) = (each for each in preview.of_type(SERVICE) if each.name == name)
        assert rollout(change, preview).time.startswith(f"at most {format_seconds(result.good.seconds)}")
        least = result.minimum_update_timeout_seconds
        for seconds, refused in ((least, False), (least - 1, True)):
            stack = seen_by_policies(made, waitForSteadyState=True)
            (service,) = (each for each in stack.all(Service) if each.name == name)
            service.timeouts = {"update": seconds}
            problems = list(update_timeout.run(service))
            assert bool(problems) is refused, problems


@pytest.mark.parametrize("stack", STACKS)
def test_the_documentation_tells_it_of_every_stack(stack: str) -> None:
    (deployment,) = read_by_the_verdict(run_main(stack)).values()
    result = bounds(deployment)
    assert result.good and result.minimum_update_timeout_seconds and result.recommended_update_timeout_seconds
    told = re.search(rf"^\| `{stack}` \| (.*) \| (.*) \| (.*) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert told
    assert told.groups() == tuple(
        map(
            format_seconds,
            (
                result.good.seconds,
                result.minimum_update_timeout_seconds,
                result.recommended_update_timeout_seconds,
            ),
        )
    )


def test_the_start_of_tasks_is_seen_by_the_preview() -> None:
    slow = run_main("dev", service__taskStartSeconds=900)
    (deployment,) = read_by_the_risk_report(slow).values()
    assert deployment.task_start_seconds == 900
    assert read_by_the_verdict(slow) == read_by_policies(slow) == read_by_the_risk_report(slow)


# Random services, with whatever makes the readers choose: several groups and alarms, containers that are not essential.

_COUNT = st.integers(1, 9)
_CHECK = st.fixed_dictionaries(
    {},
    optional={
        "interval": st.integers(5, 300),
        "timeout": st.integers(2, 60),
        "healthyThreshold": st.integers(2, 10),
        "unhealthyThreshold": st.integers(2, 10),
    },
)
_GROUP = st.fixed_dictionaries(
    {"healthCheck": _CHECK},
    optional={"deregistrationDelay": st.integers(0, 3600), "protocol": st.sampled_from(["HTTP", "TCP"])},
)
_CONTAINER = st.fixed_dictionaries(
    {},
    optional={
        "essential": st.booleans(),
        "stopTimeout": st.integers(2, 120),
        "healthCheck": st.fixed_dictionaries(
            {"command": st.just(["CMD", "true"])},
            optional={
                "interval": st.integers(5, 300),
                "timeout": st.integers(2, 60),
                "retries": st.integers(1, 10),
                "startPeriod": st.integers(0, 300),
            },
        ),
    },
)
_PERIOD = st.sampled_from([10, 30, 60, 300, 3600])
_ALARM = st.one_of(
    st.fixed_dictionaries({"evaluationPeriods": _COUNT, "period": _PERIOD}),
    st.fixed_dictionaries(
        {
            "evaluationPeriods": _COUNT,
            "metricQueries": st.lists(_PERIOD, min_size=1, max_size=3).map(
                lambda periods: [
                    {"id": "rate", "expression": "m0 / 2"},
                    *({"id": f"m{index}", "metric": {"period": each}} for index, each in enumerate(periods)),
                ]
            ),
        }
    ),
)
_HOOK = st.fixed_dictionaries(
    {
        "targetType": st.just("PAUSE"),
        "lifecycleStages": st.lists(
            st.sampled_from(["PRE_SCALE_UP", "POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"]), min_size=1, max_size=2
        ),
    },
    optional={
        "timeoutConfiguration": st.integers(1, 20_160).map(lambda each: {"timeoutInMinutes": str(each)}),
    },
)
_STRATEGY = st.fixed_dictionaries(
    {"strategy": st.sampled_from(["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"])},
    optional={
        "bakeTimeInMinutes": st.integers(0, 1440).map(str),
        "lifecycleHooks": st.lists(_HOOK, max_size=3),
        "linearConfiguration": st.just({"stepPercent": 25, "stepBakeTimeInMinutes": "7"}),
        "canaryConfiguration": st.just({"canaryPercent": 5, "canaryBakeTimeInMinutes": "9"}),
    },
)
_SERVICE = st.fixed_dictionaries(
    {"desiredCount": st.integers(1, 20)},
    optional={
        "deploymentMinimumHealthyPercent": st.sampled_from([0, 50, 100]),
        "deploymentMaximumPercent": st.sampled_from([100, 150, 200]),
        "healthCheckGracePeriodSeconds": st.integers(0, 600),
        "deploymentConfiguration": _STRATEGY,
        "deploymentCircuitBreaker": st.just({"enable": True, "rollback": True}),
        "capacityProviderStrategies": st.just([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]),
    },
)


def _run(
    service: dict[str, Any],
    containers: list[dict[str, Any]],
    groups: list[dict[str, Any]],
    alarms: list[dict[str, Any]],
    task_start: int | None,
) -> Run:
    """A program that makes such a service; the second group of two is the alternate one."""
    resources: list[Resource] = []

    def add(kind: str, name: str, inputs: dict[str, Any], parent: str = "") -> dict[str, Any]:
        chain = f"{parent.partition(' ')[0]}${kind}" if parent else kind
        made = Resource(
            kind, name, inputs, f"urn:pulumi:s::p::{chain}::{name}", parent, "", False, frozenset(), (), frozenset()
        )
        resources.append(made)
        return outputs_of(made)

    definition = add(
        "aws:ecs/taskDefinition:TaskDefinition",
        "web",
        {"family": "web", "containerDefinitions": json.dumps(containers)},
    )
    arns = [add("aws:lb/targetGroup:TargetGroup", f"g{index}", each)["arn"] for index, each in enumerate(groups)]
    names = [
        add("aws:cloudwatch/metricAlarm:MetricAlarm", f"a{index}", each)["name"] for index, each in enumerate(alarms)
    ]
    inputs = {**service, "taskDefinition": definition["arn"]}
    if arns:
        balancer: dict[str, Any] = {"targetGroupArn": arns[0], "containerName": "web", "containerPort": 80}
        if len(arns) > 1:
            balancer["advancedConfiguration"] = {"alternateTargetGroupArn": arns[1]}
        inputs["loadBalancers"] = [balancer]
    if names:
        inputs["alarms"] = {"alarmNames": names, "enable": True, "rollback": True}
    component = {} if task_start is None else {"taskStartSeconds": task_start}
    add("h4b:service:Service", "web", component)
    add(SERVICE, "web", inputs, "h4b:service:Service web")
    return Run(resources)


@given(
    _SERVICE,
    st.lists(_CONTAINER, min_size=1, max_size=3),
    st.lists(_GROUP, max_size=2),
    st.lists(_ALARM, max_size=3),
    st.none() | st.integers(1, 3600),
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_three_readers_of_a_service_agree(
    service: dict[str, Any],
    containers: list[dict[str, Any]],
    groups: list[dict[str, Any]],
    alarms: list[dict[str, Any]],
    task_start: int | None,
) -> None:
    made = _run(service, containers, groups, alarms, task_start)
    by_policies = read_by_policies(made)
    assert read_by_the_risk_report(made) == by_policies
    assert read_by_the_verdict(made) == by_policies
    assert by_policies["web"].task_start_seconds == (task_start or 60)
    assert len(by_policies["web"].target_health_checks) == len(groups)
    assert len(by_policies["web"].alarms) == len(alarms)
