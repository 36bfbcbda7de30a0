"""What the topic is told of deployments, judged on the events that AWS documents."""

import json
from typing import Any

import pulumi
import pytest
from moto.events.models import EventPattern

from components.deployment_notices import DeploymentNotices, DeploymentNoticesArgs
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run, unknown

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop-1a2b3c4"
SERVICE = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop-1a2b3c4/web"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:shop-alarms"


def build(*, preview: bool = False) -> Run:
    def program() -> None:
        cluster: pulumi.Input[str] = unknown() if preview else CLUSTER
        DeploymentNotices("shop", DeploymentNoticesArgs(cluster_arn=cluster, topic_arn=TOPIC))

    return run(program, preview=preview)


def deployment_event(name: str, reason: str, service: str = SERVICE) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html"""
    return {
        "version": "0",
        "id": "ddca6449-b258-46c0-8653-e0e3aEXAMPLE",
        "detail-type": "ECS Deployment State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": "2020-05-23T12:31:14Z",
        "region": REGION,
        "resources": [service],
        "detail": {
            "eventType": "ERROR" if name.endswith("FAILED") else "INFO",
            "eventName": name,
            "deploymentId": "ecs-svc/123",
            "updatedAt": "2020-05-23T11:11:11Z",
            "reason": reason,
        },
    }


def hook_event(name: str, cluster: str = CLUSTER, hook_type: str = "PAUSE") -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_hook_state_change_events.html"""
    deployment = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/shop-1a2b3c4/web/0EYSiB0qap8xf0N76FsbE"
    return {
        "version": "0",
        "id": "3329f79b-3dca-07f8-b1c2-5fe99f0b5e87",
        "detail-type": "ECS Hook State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": "2026-03-05T15:54:41Z",
        "region": REGION,
        "resources": [deployment],
        "detail": {
            "eventType": "INFO",
            "eventName": name,
            "hookId": "ecs-pause-e7tK9G",
            "hookType": hook_type,
            "expiresAt": "2026-03-05T16:04:41Z",
            "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
            "clusterArn": cluster,
            "serviceArn": SERVICE,
            "serviceDeploymentArn": deployment,
            "updatedAt": "2026-03-05T15:54:41.618059641Z",
        },
    }


PAUSED = hook_event("HOOK_AWAITING_ACTION")
BREAKER = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/122."
CASES = [
    (PAUSED, {"paused"}),
    (hook_event("HOOK_TIMED_OUT"), {"timed-out"}),
    (hook_event("HOOK_SUCCEEDED"), set()),
    (hook_event("HOOK_AWAITING_ACTION", cluster=CLUSTER + "-other"), set()),
    (hook_event("HOOK_IN_PROGRESS", hook_type="AWS_LAMBDA"), set()),
    (
        deployment_event("SERVICE_DEPLOYMENT_FAILED", "ECS deployment circuit breaker: task failed to start."),
        {"failed"},
    ),
    (deployment_event("SERVICE_DEPLOYMENT_IN_PROGRESS", BREAKER), {"rolled-back"}),
    (deployment_event("SERVICE_DEPLOYMENT_IN_PROGRESS", "ECS deployment ecs-svc/123 in progress."), set()),
    (deployment_event("SERVICE_DEPLOYMENT_COMPLETED", "ECS deployment ecs-svc/123 completed."), set()),
    (deployment_event("SERVICE_DEPLOYMENT_FAILED", "x", f"{SERVICE.rpartition('/')[0]}5/web"), set()),
]


def matches(pattern: dict[str, Any], event: Any) -> bool:
    return bool(EventPattern(None, pattern).matches_event(event))


@pytest.mark.parametrize(("event", "expected"), CASES, ids=lambda case: str(case)[:60])
def test_each_documented_event_reaches_the_rules_that_it_is_for(event: dict[str, Any], expected: set[str]) -> None:
    made = build()
    rules = {each.name: json.loads(each.inputs["eventPattern"]) for each in made.resources if each.type == RULE}
    assert {name.removeprefix("shop-") for name, pattern in rules.items() if matches(pattern, event)} == expected


def test_the_message_says_what_to_do() -> None:
    target = build().get(TARGET, "shop-paused").inputs
    assert target["arn"] == TOPIC
    transformer = target["inputTransformer"]
    text = json.loads(transformer["inputTemplate"])
    for key, path in transformer["inputPaths"].items():
        value: Any = PAUSED
        for step in path.removeprefix("$.").split("."):
            value = value[step]
        text = text.replace(f"<{key}>", value)
    assert text == (
        f"{SERVICE} waits for approval at POST_TEST_TRAFFIC_SHIFT until 2026-03-05T16:04:41Z. "
        "Answer with `make approve STACK=test` or `make abort STACK=test`."
    )


def test_it_makes_a_rule_and_a_target_for_each_notice_and_needs_no_known_cluster() -> None:
    roles = ("paused", "timed-out", "failed", "rolled-back")
    expected = {(kind, f"shop-{role}") for kind in (RULE, TARGET) for role in roles}
    for made in (build(), build(preview=True)):
        assert made.names == expected | {("h4b:deployment_notices:DeploymentNotices", "shop")}
    assert build(preview=True).get(RULE, "shop-failed").inputs["eventPattern"] == UNKNOWN
