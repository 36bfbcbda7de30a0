"""A service that keeps its tasks running and never replaces them at the cost of an answer."""

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.checks import ArgumentError
from components.service import Service, ServiceArgs
from tests.mocks import UNKNOWN, Run, run, unknown

SERVICE = "aws:ecs/service:Service"


class Anything(pulumi.ComponentResource):
    """Stands for a listener where none is registered."""

    def __init__(self) -> None:
        super().__init__("test:index:Anything", "anything")


def args(**changes: Any) -> ServiceArgs:
    values: dict[str, Any] = {
        "cluster_arn": "arn:cluster",
        "task_definition_arn": "arn:task-definition:7",
        "container_name": "web",
        "container_port": 8080,
        "subnet_ids": ["subnet-1", "subnet-2"],
        "security_group_id": "sg-1",
        "target_group_arn": "arn:target-group",
    }
    return ServiceArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        listener = aws.lb.Listener("door", load_balancer_arn="arn:load-balancer", default_actions=[])
        names = ("cluster_arn", "task_definition_arn", "subnet_ids", "security_group_id", "target_group_arn")
        upstream = {name: unknown() for name in names} if preview else {}
        service = Service("shop", args(listener=listener, **upstream | changes))
        pulumi.export("name", service.name)

    return run(program, preview=preview)


def test_it_makes_one_service() -> None:
    made = build()
    assert made.names - {("aws:lb/listener:Listener", "door")} == {("h4b:service:Service", "shop"), (SERVICE, "shop")}
    assert made.get(SERVICE).parent == "h4b:service:Service shop"


def test_two_private_tasks_on_fargate_roll_over_without_interruption() -> None:
    assert build().get(SERVICE).inputs == {
        "cluster": "arn:cluster",
        "taskDefinition": "arn:task-definition:7",
        "desiredCount": 2,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "networkConfiguration": {
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroups": ["sg-1"],
            "assignPublicIp": False,
        },
        "loadBalancers": [{"targetGroupArn": "arn:target-group", "containerName": "web", "containerPort": 8080}],
        "healthCheckGracePeriodSeconds": 30,
        "deploymentController": {"type": "ECS"},
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "deploymentMinimumHealthyPercent": 100,
        "deploymentMaximumPercent": 200,
        "availabilityZoneRebalancing": "ENABLED",
        "enableEcsManagedTags": True,
        "propagateTags": "SERVICE",
        "waitForSteadyState": True,
    }


def test_it_waits_for_the_listener() -> None:
    assert "aws:lb/listener:Listener door" in build().get(SERVICE).depends_on


def test_changes_made_by_hand_are_repaired() -> None:
    assert build().get(SERVICE).ignore_changes == ()


def test_a_deployment_leaves_the_count_that_scaling_has_set() -> None:
    service = build(is_scaled=True, desired_count=3).get(SERVICE)
    assert service.ignore_changes == ("desiredCount",)
    assert service.inputs["desiredCount"] == 3


def test_an_alarm_during_a_deployment_rolls_it_back() -> None:
    assert build(alarm_names=["errors", "latency"]).get(SERVICE).inputs["alarms"] == {
        "alarmNames": ["errors", "latency"],
        "enable": True,
        "rollback": True,
    }


def test_only_fargate_has_a_platform_version() -> None:
    inputs = build(launch_type="EC2").get(SERVICE).inputs
    assert inputs["launchType"] == "EC2"
    assert "platformVersion" not in inputs


def test_count_grace_and_waiting_can_be_chosen() -> None:
    inputs = (
        build(desired_count=0, health_check_grace_period_seconds=120, wait_for_steady_state=False).get(SERVICE).inputs
    )
    assert inputs["desiredCount"] == 0
    assert inputs["healthCheckGracePeriodSeconds"] == 120
    assert inputs["waitForSteadyState"] is False


def test_outputs() -> None:
    made = build()
    assert made.outputs == {"name": "shop-1a2b3c4"}
    assert made.component_outputs == {"h4b:service:Service shop": {"name"}}


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.outputs == {"name": UNKNOWN}
    service = made.get(SERVICE).inputs
    assert service["taskDefinition"] == UNKNOWN
    assert service["launchType"] == "FARGATE"


def test_wrong_arguments_are_refused_together() -> None:
    def program() -> None:
        args(listener=Anything(), container_name="my web", desired_count=-1, launch_type="LAMBDA")

    with pytest.raises(ArgumentError) as refused:
        run(program)
    assert str(refused.value) == (
        "ServiceArgs cannot be used:\n"
        "  - container_name: got 'my web', expected 1 to 255 letters, digits, _ or -; choose a name that ECS accepts\n"
        "  - desired_count: got -1, expected a whole number from 0 to 5000; "
        "choose how many tasks are to run; two or more survive the loss of one\n"
        "  - launch_type: got 'LAMBDA', expected one of FARGATE, EC2; choose one that the task definition requires"
    )
