"""A public load balancer with a listener and a target group made for tasks."""

from typing import Any

import pulumi
import pytest

from components.checks import ArgumentError
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run, unknown

ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"


def args(**changes: Any) -> LoadBalancerArgs:
    values: dict[str, Any] = {
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "security_group_id": "sg-1",
        "listener_port": 80,
        "container_port": 8080,
    }
    return LoadBalancerArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        upstream = {"vpc_id": unknown(), "subnet_ids": unknown(), "security_group_id": unknown()} if preview else {}
        load_balancer = LoadBalancer("shop", args(**upstream | changes))
        pulumi.export("dns_name", load_balancer.dns_name)
        pulumi.export("url", load_balancer.url)
        pulumi.export("target_group_arn", load_balancer.target_group_arn)

    return run(program, preview=preview)


def test_it_makes_a_load_balancer_a_listener_and_a_target_group() -> None:
    made = build()
    assert made.names == {
        ("h4b:load_balancer:LoadBalancer", "shop"),
        ("aws:lb/loadBalancer:LoadBalancer", "shop"),
        ("aws:lb/targetGroup:TargetGroup", "shop"),
        ("aws:lb/listener:Listener", "shop"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:load_balancer:LoadBalancer shop"}


def test_it_faces_the_internet_and_drops_malformed_requests() -> None:
    load_balancer = build().get("aws:lb/loadBalancer:LoadBalancer")
    assert load_balancer.inputs == {
        "loadBalancerType": "application",
        "internal": False,
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "dropInvalidHeaderFields": True,
        "desyncMitigationMode": "defensive",
        "enableDeletionProtection": True,
    }


@pytest.mark.parametrize("protection", [True, False])
def test_aws_and_pulumi_protect_it_alike(protection: bool) -> None:
    load_balancer = build(deletion_protection=protection).get("aws:lb/loadBalancer:LoadBalancer")
    assert load_balancer.inputs["enableDeletionProtection"] is protection
    assert load_balancer.protect is protection


def test_targets_are_checked_often_and_let_go_fast() -> None:
    assert build().get("aws:lb/targetGroup:TargetGroup").inputs == {
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
    group = build(health_check_path="/up?full=1", deregistration_delay_seconds=60).get("aws:lb/targetGroup:TargetGroup")
    assert group.inputs["healthCheck"]["path"] == "/up?full=1"
    assert group.inputs["deregistrationDelay"] == 60


def test_the_listener_forwards_everything_to_the_targets() -> None:
    assert build().get("aws:lb/listener:Listener").inputs == {
        "loadBalancerArn": f"{ARN}:loadbalancer/app/shop/1",
        "protocol": "HTTP",
        "port": 80,
        "defaultActions": [{"type": "forward", "targetGroupArn": f"{ARN}:targetgroup/shop/1"}],
    }


def test_outputs() -> None:
    made = build()
    assert made.outputs == {
        "dns_name": f"shop-1.{REGION}.elb.amazonaws.com",
        "url": f"http://shop-1.{REGION}.elb.amazonaws.com",
        "target_group_arn": f"{ARN}:targetgroup/shop/1",
    }
    assert made.component_outputs == {"h4b:load_balancer:LoadBalancer shop": {"dnsName", "url", "targetGroupArn"}}


def test_the_url_names_a_port_that_is_not_the_usual_one() -> None:
    assert build(listener_port=8000).outputs["url"] == f"http://shop-1.{REGION}.elb.amazonaws.com:8000"


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert set(made.outputs.values()) == {UNKNOWN}
    assert made.get("aws:lb/targetGroup:TargetGroup").inputs["port"] == 8080


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(container_port=70000, health_check_path="up", deregistration_delay_seconds=-1)
    assert str(refused.value) == (
        "LoadBalancerArgs cannot be used:\n"
        "  - container_port: got 70000, expected a whole number from 1 to 65535; choose a TCP port\n"
        "  - health_check_path: got 'up', expected a path that starts with / and has no space; "
        "name a page that answers 200\n"
        "  - deregistration_delay_seconds: got -1, expected a whole number from 0 to 3600; "
        "choose at least the seconds that the longest request may take"
    )
