"""A service that keeps its tasks running and never replaces them at the cost of an answer."""

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.checks import ArgumentError
from components.deployment import Deployment, TrafficShift
from components.placement import Binpack, DistinctInstance, MemberOf, Random, Spread
from components.service import CapacityShare, Service, ServiceArgs
from tests.mocks import UNKNOWN, Run, run, unknown

SERVICE = "aws:ecs/service:Service"
TYPE = "h4b:service:Service"


SHIFT = TrafficShift(
    alternate_target_group_arn="arn:alternate",
    production_rule_arn="arn:production",
    test_rule_arn="arn:test",
    role_arn="arn:role",
)
ALONE: dict[str, Any] = {"container_name": None, "container_port": None, "target_group_arn": None, "listener": None}
BRIDGE: dict[str, Any] = {"subnet_ids": None, "security_group_id": None}


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
        service = Service("shop", args(**{"listener": listener} | upstream | changes))
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
        "healthCheckGracePeriodSeconds": 74,
        "deploymentController": {"type": "ECS"},
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "deploymentMinimumHealthyPercent": 100,
        "deploymentMaximumPercent": 200,
        "availabilityZoneRebalancing": "ENABLED",
        "enableEcsManagedTags": True,
        "propagateTags": "SERVICE",
        "waitForSteadyState": False,
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


def test_spot_takes_its_part_beside_ordinary_capacity() -> None:
    mix = [CapacityShare(provider="FARGATE", base=2, weight=1), CapacityShare(provider="FARGATE_SPOT", weight=3)]
    inputs = build(capacity=mix).get(SERVICE).inputs
    assert inputs["capacityProviderStrategies"] == [
        {"capacityProvider": "FARGATE", "base": 2, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 3},
    ]
    assert "launchType" not in inputs
    assert inputs["platformVersion"] == "LATEST"


def test_a_change_of_the_mix_is_a_deployment_which_the_provider_wants_forced() -> None:
    assert build(capacity=[CapacityShare(provider="FARGATE_SPOT")]).get(SERVICE).inputs["forceNewDeployment"] is True


def test_a_new_text_forces_a_deployment_and_none_does_not() -> None:
    without, forced = build().get(SERVICE).inputs, build(force_new_deployment="2026-11-28").get(SERVICE).inputs
    assert not {"forceNewDeployment", "triggers"} & without.keys()
    assert (forced["forceNewDeployment"], forced["triggers"]) == (True, {"forceNewDeployment": "2026-11-28"})


def test_tasks_are_placed_on_instances_as_told() -> None:
    inputs = (
        build(
            launch_type="EC2",
            capacity=[CapacityShare(provider="instances")],
            placement_strategies=[Spread("attribute:ecs.availability-zone"), Binpack("memory"), Random()],
            placement_constraints=[DistinctInstance(), MemberOf("attribute:ecs.instance-type =~ t3.*")],
        )
        .get(SERVICE)
        .inputs
    )
    assert inputs["capacityProviderStrategies"] == [{"capacityProvider": "instances", "base": 0, "weight": 1}]
    assert inputs["orderedPlacementStrategies"] == [
        {"type": "spread", "field": "attribute:ecs.availability-zone"},
        {"type": "binpack", "field": "memory"},
        {"type": "random"},
    ]
    assert inputs["placementConstraints"] == [
        {"type": "distinctInstance"},
        {"type": "memberOf", "expression": "attribute:ecs.instance-type =~ t3.*"},
    ]


@pytest.mark.parametrize(
    ("placement", "rebalancing"),
    [
        ({}, "ENABLED"),
        ({"placement_strategies": [Spread("attribute:ecs.availability-zone"), Binpack("cpu")]}, "ENABLED"),
        ({"placement_strategies": [Binpack("cpu"), Spread("attribute:ecs.availability-zone")]}, "DISABLED"),
        ({"placement_strategies": [Random()]}, "DISABLED"),
        ({"placement_constraints": [DistinctInstance()]}, "ENABLED"),
        ({"placement_constraints": [MemberOf("attribute:ecs.availability-zone == a")]}, "DISABLED"),
    ],
)
def test_zones_are_rebalanced_wherever_the_placement_leaves_them_alone(
    placement: dict[str, Any], rebalancing: str
) -> None:
    assert build(launch_type="EC2", **placement).get(SERVICE).inputs["availabilityZoneRebalancing"] == rebalancing


def test_tasks_in_network_mode_bridge_are_on_the_instances_network() -> None:
    assert "networkConfiguration" not in build(launch_type="EC2", **BRIDGE).get(SERVICE).inputs


def test_a_worker_has_no_load_balancer_and_no_grace_period() -> None:
    inputs = build(**ALONE).get(SERVICE).inputs
    assert not {"loadBalancers", "healthCheckGracePeriodSeconds"} & inputs.keys()


def test_traffic_shifts_by_two_rules_between_two_target_groups() -> None:
    deployment = Deployment(strategy="CANARY", step_percent=5, step_minutes=10, bake_minutes=15)
    inputs = build(deployment=deployment, traffic_shift=SHIFT).get(SERVICE).inputs
    assert inputs["deploymentConfiguration"] == {
        "strategy": "CANARY",
        "bakeTimeInMinutes": "15",
        "canaryConfiguration": {"canaryPercent": 5, "canaryBakeTimeInMinutes": "10"},
    }
    (balanced,) = inputs["loadBalancers"]
    assert balanced["advancedConfiguration"] == {
        "alternateTargetGroupArn": "arn:alternate",
        "productionListenerRule": "arn:production",
        "testListenerRule": "arn:test",
        "roleArn": "arn:role",
    }


def test_a_deployment_is_followed_to_its_end_unless_asked_not_to() -> None:
    assert build().get(SERVICE).hooks == {"after_create shop-verdict", "after_update shop-verdict"}
    assert build(wait_for_steady_state=False).get(SERVICE).hooks == set()


def test_a_migration_runs_before_the_service_takes_a_revision() -> None:
    hooks = build(migration_command=["migrate", "--all"]).get(SERVICE).hooks
    assert hooks - build().get(SERVICE).hooks == {"before_create shop-migration", "before_update shop-migration"}


def test_a_preview_shows_what_has_no_resource_of_its_own() -> None:
    component = build(preview=True, migration_command=["migrate", "--all"], migration_timeout_minutes=5).get(TYPE)
    assert component.inputs == {
        "taskStartSeconds": 60,
        "migrationCommand": ["migrate", "--all"],
        "migrationTimeoutMinutes": 5,
    }
    assert build(preview=True, task_start_seconds=900).get(TYPE).inputs == {"taskStartSeconds": 900}


@pytest.mark.parametrize(
    ("changes", "grace"),
    [
        ({}, 60 + 14),
        ({"task_start_seconds": 20}, 20 + 14),
        ({"task_start_seconds": 600}, 120 + 14),  # an instance that starts first says nothing of the application
        ({"health_check_grace_period_seconds": 300}, 300),
        ({"target_group_arn": None, "container_name": None, "container_port": None, "listener": None}, None),
    ],
)
def test_the_grace_period_follows_from_the_start_of_tasks_and_the_health_check(
    changes: dict[str, Any], grace: int | None
) -> None:
    assert build(**changes).get(SERVICE).inputs.get("healthCheckGracePeriodSeconds") == grace


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"migration_command": []}, "migration_command: got [], expected a list of words, not empty"),
        ({"migration_command": "migrate"}, "migration_command: got 'migrate', expected a list of words, not empty"),
        (
            {**ALONE, "migration_command": ["migrate"]},
            "migration_command: got one without container_name, expected nothing; name the container that can run it",
        ),
        ({"migration_timeout_minutes": 0}, "migration_timeout_minutes: got 0, expected a whole number from 1 to 10080"),
        ({"task_start_seconds": 0}, "task_start_seconds: got 0, expected a whole number from 1 to 3600"),
    ],
)
def test_a_migration_or_estimate_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        args(**changes)
    assert message in str(refused.value)


def test_ecs_exec_is_off_unless_asked_for() -> None:
    assert "enableExecuteCommand" not in build().get(SERVICE).inputs
    assert build(execute_command=True).get(SERVICE).inputs["enableExecuteCommand"] is True


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
        "  - launch_type: got 'LAMBDA', expected one of FARGATE, EC2; choose one that the task definition requires\n"
        "  - desired_count: got -1, expected a whole number from 0 to 5000; "
        "choose how many tasks are to run; two or more survive the loss of one\n"
        "  - container_name: got 'my web', expected 1 to 255 letters, digits, _ or -; choose a name that ECS accepts"
    )


def refusal(**changes: Any) -> list[str]:
    """The problems that are told about the arguments."""
    told: list[str] = []

    def program() -> None:
        with pytest.raises(ArgumentError) as refused:
            args(**{"listener": Anything()} | changes)
        told.extend(str(refused.value).split("\n  - ")[1:])

    run(program)
    return told


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (
            {
                "placement_strategies": [Binpack("cpu")],
                "placement_constraints": [DistinctInstance()],
            },
            [
                'placement_constraints: got [an object with "type", "expression"], expected none on Fargate; '
                "remove placement_constraints, or run the service on EC2",
                'placement_strategies: got [an object with "type", "field"], expected none on Fargate; '
                "remove placement_strategies, or run the service on EC2",
            ],
        ),
        (
            {"launch_type": "EC2", "placement_strategies": [Binpack("disk"), Spread("zone")]},
            [
                'placement_strategies[0].field: got "disk", expected one of "cpu", "memory" with binpack; change field',
                'placement_strategies[1].field: got "zone", expected "instanceId", "host" or "attribute:<name>" with '
                'spread; change field, for instance to "attribute:ecs.availability-zone"',
            ],
        ),
        (
            {"launch_type": "EC2", "placement_constraints": [MemberOf("zone = a")]},
            [
                'placement_constraints[0].expression: got "zone = a", expected the cluster query language; correct the '
                "expression: at character 1: got `zone`, expected `attribute:<name>` or one of `agentConnected`, "
                "`agentVersion`, `ec2InstanceId`, `registeredAt`, `runningTasksCount`, `task:group`"
            ],
        ),
        (
            {"launch_type": "EC2", "placement_strategies": [Random()] * 6},
            [
                "placement_strategies: got ["
                + ", ".join(['an object with "type", "field"'] * 6)
                + "], expected at most 5 "
                "strategies, not 6; remove some"
            ],
        ),
        (
            {"capacity": [CapacityShare(provider="instances")]},
            [
                "capacity[0].provider: got 'instances', expected one of FARGATE, FARGATE_SPOT with launch_type "
                "FARGATE; change launch_type or the provider"
            ],
        ),
        (
            {"launch_type": "EC2", "capacity": [CapacityShare(provider="FARGATE_SPOT")]},
            [
                "capacity[0].provider: got 'FARGATE_SPOT', expected a provider of instances with launch_type EC2; "
                "change launch_type or the provider"
            ],
        ),
        (
            {"capacity": [CapacityShare(provider="FARGATE", weight=0)]},
            [
                'capacity: got [an object with "base", "weight"], expected a weight above 0 on at least one provider '
                "(0 is the default); set weight to 1 or more"
            ],
        ),
        (
            BRIDGE,
            ["subnet_ids: got nothing with launch_type FARGATE, expected subnets; set it, and security_group_id"],
        ),
        (
            {"launch_type": "EC2", "security_group_id": None},
            ["security_group_id: got nothing beside subnet_ids, expected all of them with awsvpc; set all or none"],
        ),
        (
            {"container_port": None, "listener": None},
            [
                "container_port, listener: got nothing beside container_name, target_group_arn, expected all of them "
                "with a load balancer; set all or none"
            ],
        ),
        (
            {"deployment": Deployment(strategy="BLUE_GREEN")},
            [
                "traffic_shift: got nothing with deployment strategy BLUE_GREEN, expected what ECS shifts traffic "
                "with; take it from a Route with shifts_traffic, or use ROLLING"
            ],
        ),
        (
            {"traffic_shift": SHIFT},
            ["traffic_shift: got one with deployment strategy ROLLING, expected nothing; remove it, or shift traffic"],
        ),
    ],
)
def test_contradictions_are_refused(arguments: dict[str, Any], problems: list[str]) -> None:
    assert refusal(**arguments) == problems


def test_contradictions_are_told_together() -> None:
    assert len(refusal(deployment=Deployment(strategy="LINEAR"), capacity=[CapacityShare(provider="x")], **BRIDGE)) == 3
