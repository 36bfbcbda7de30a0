"""The way from a listener to tasks, with one target group or with two that take turns."""

import json
from typing import Any

import pulumi
import pytest

from components.checks import ArgumentError
from components.route import Route, RouteArgs
from tests.mocks import ACCOUNT, REGION, SECRET, UNKNOWN, Run, run, unknown

ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
GROUP, RULE = "aws:lb/targetGroup:TargetGroup", "aws:lb/listenerRule:ListenerRule"
PASSWORD = "random:index/randomPassword:RandomPassword"


def args(**changes: Any) -> RouteArgs:
    values: dict[str, Any] = {"vpc_id": "vpc-1", "listener_arn": "arn:listener", "target_port": 8080}
    return RouteArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        upstream = {"vpc_id": unknown(), "listener_arn": unknown()} if preview else {}
        route = Route("shop", args(**upstream | changes))
        pulumi.export("target_group_arn", route.target_group_arn)
        pulumi.export("target_group_arn_suffixes", route.target_group_arn_suffixes)
        pulumi.export("test_header", route.test_header)
        shift = route.traffic_shift
        names = ("alternate_target_group_arn", "production_rule_arn", "test_rule_arn", "role_arn")
        pulumi.export("traffic_shift", shift and {name: getattr(shift, name) for name in names})

    return run(program, preview=preview)


def test_it_makes_a_target_group_and_a_rule() -> None:
    made = build()
    assert made.names == {("h4b:route:Route", "shop"), (GROUP, "shop"), (RULE, "shop")}
    assert {each.parent for each in made.resources} == {"", "h4b:route:Route shop"}


def test_targets_are_checked_often_and_let_go_fast() -> None:
    assert build().get(GROUP).inputs == {
        "targetType": "ip",
        "vpcId": "vpc-1",
        "protocol": "HTTP",
        "port": 8080,
        "deregistrationDelay": 5,
        "healthCheck": {
            "protocol": "HTTP",
            "port": "traffic-port",
            "path": "/",
            "matcher": "200",
            "interval": 5,
            "timeout": 4,
            "healthyThreshold": 2,
            "unhealthyThreshold": 3,
        },
    }


def test_what_the_application_decides_can_be_chosen() -> None:
    group = build(health_check_path="/up?full=1", deregistration_delay_seconds=60, target_type="instance").get(GROUP)
    assert group.inputs["healthCheck"]["path"] == "/up?full=1"
    assert group.inputs["deregistrationDelay"] == 60
    assert group.inputs["targetType"] == "instance"


def test_everything_goes_to_the_targets() -> None:
    rule = build().get(RULE)
    assert rule.inputs == {
        "listenerArn": "arn:listener",
        "priority": 2,
        "conditions": [{"pathPattern": {"values": ["/*"]}}],
        "actions": [{"type": "forward", "targetGroupArn": f"{ARN}:targetgroup/shop/1"}],
    }
    assert rule.ignore_changes == ()


def test_services_share_a_listener_by_path_and_rank() -> None:
    rule = build(path_patterns=["/api", "/api/*"], priority=7).get(RULE).inputs
    assert rule["conditions"] == [{"pathPattern": {"values": ["/api", "/api/*"]}}]
    assert rule["priority"] == 14


def test_shifting_traffic_takes_two_target_groups_a_test_rule_its_secret_and_a_role() -> None:
    assert build(shifts_traffic=True).names - build().names == {
        (PASSWORD, "shop-test"),
        (GROUP, "shop-alternate"),
        (RULE, "shop-test"),
        ("aws:iam/role:Role", "shop-shift"),
        ("aws:iam/rolePolicy:RolePolicy", "shop-shift"),
    }


def test_the_two_target_groups_are_alike() -> None:
    made = build(shifts_traffic=True)
    assert made.get(GROUP, "shop").inputs == made.get(GROUP, "shop-alternate").inputs


def test_test_requests_are_told_by_a_secret_in_a_header_and_come_first() -> None:
    made = build(shifts_traffic=True, priority=3)
    production, test = made.get(RULE, "shop").inputs, made.get(RULE, "shop-test").inputs
    assert (test["priority"], production["priority"]) == (5, 6)
    assert production["conditions"] == [{"pathPattern": {"values": ["/*"]}}]
    assert test["conditions"] == [
        {"pathPattern": {"values": ["/*"]}},
        {"httpHeader": {"httpHeaderName": "X-Deployment", "values": [SECRET]}},
    ]
    assert made.outputs["test_header"] == SECRET


def test_nobody_guesses_the_secret_of_test_requests() -> None:
    made = build(shifts_traffic=True).get(PASSWORD).inputs
    # Load balancers compare headers without regard to case, and take * and ? for any text.
    assert made == {"length": 32, "upper": False, "special": False}
    assert 36 ** made["length"] > 2**128


@pytest.mark.parametrize("name", ["shop", "shop-test"])
def test_weights_that_ecs_shifts_are_no_drift(name: str) -> None:
    rule = build(shifts_traffic=True).get(RULE, name)
    (action,) = rule.inputs["actions"]
    assert action["forward"]["targetGroups"] == [
        {"arn": f"{ARN}:targetgroup/shop/1", "weight": 100},
        {"arn": f"{ARN}:targetgroup/shop-alternate/1", "weight": 0},
    ]
    assert rule.ignore_changes == ("actions",)


def test_ecs_may_shift_between_these_target_groups_by_these_rules_only() -> None:
    made = build(shifts_traffic=True)
    policy = json.loads(made.get("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    changing = {
        each["Sid"]: (each["Action"], each["Resource"]) for each in policy["Statement"] if each["Sid"] != "Read"
    }
    assert changing == {
        "RegisterTasks": (
            ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
            [f"{ARN}:targetgroup/shop/1", f"{ARN}:targetgroup/shop-alternate/1"],
        ),
        "ShiftTraffic": (
            "elasticloadbalancing:ModifyRule",
            [f"{ARN}:listener-rule/app/shop/1/2/3", f"{ARN}:listener-rule/app/shop-test/1/2/3"],
        ),
    }


def test_outputs() -> None:
    made = build(shifts_traffic=True)
    assert made.outputs == {
        "test_header": SECRET,
        "target_group_arn": f"{ARN}:targetgroup/shop/1",
        "target_group_arn_suffixes": ["targetgroup/shop/1", "targetgroup/shop-alternate/1"],
        "traffic_shift": {
            "alternate_target_group_arn": f"{ARN}:targetgroup/shop-alternate/1",
            "production_rule_arn": f"{ARN}:listener-rule/app/shop/1/2/3",
            "test_rule_arn": f"{ARN}:listener-rule/app/shop-test/1/2/3",
            "role_arn": f"arn:aws:iam::{ACCOUNT}:role/shop-shift-1a2b3c4",
        },
    }
    assert made.component_outputs == {"h4b:route:Route shop": {"targetGroupArn", "targetGroupArnSuffixes", "documents"}}
    rolling = build().outputs
    assert rolling["test_header"] is None
    assert (rolling["traffic_shift"], rolling["target_group_arn_suffixes"]) == (None, ["targetgroup/shop/1"])


@pytest.mark.parametrize("shifts_traffic", [True, False])
def test_a_preview_shows_every_resource_before_anything_is_known(shifts_traffic: bool) -> None:
    made = build(preview=True, shifts_traffic=shifts_traffic)
    assert made.names == build(shifts_traffic=shifts_traffic).names
    assert made.outputs["target_group_arn"] == UNKNOWN
    assert made.get(GROUP, "shop").inputs["port"] == 8080


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(
            target_port=70000,
            target_type="lambda",
            path_patterns=["api"],
            priority=0,
            health_check_path="up",
            deregistration_delay_seconds=-1,
        )
    assert str(refused.value) == (
        "RouteArgs cannot be used:\n"
        "  - health_check_path: got 'up', expected a path that starts with / and has no space; "
        "name a page that answers 200\n"
        "  - deregistration_delay_seconds: got -1, expected a whole number from 0 to 3600; "
        "choose at least the seconds that the longest request may take\n"
        "  - target_port: got 70000, expected a whole number from 1 to 65535; choose a TCP port\n"
        "  - target_type: got 'lambda', expected one of ip, instance; choose what is registered\n"
        "  - path_patterns: got ['api'], expected a list, not empty and without repetition, of: "
        "a path of 1 to 128 characters with * and ?; correct it\n"
        "  - priority: got 0, expected a whole number from 1 to 25000; "
        "choose a number that no other route of the listener has"
    )
