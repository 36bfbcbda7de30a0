"""A cluster that runs on Fargate unless a service says otherwise."""

from typing import Any

import pulumi
import pytest

from components.capacity import InstancesArgs
from components.checks import ArgumentError
from components.cluster import Cluster, ClusterArgs
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        cluster = Cluster("shop", ClusterArgs(**changes))
        pulumi.export("arn", cluster.arn)
        pulumi.export("name", cluster.name)
        pulumi.export("ec2", cluster.ec2_capacity_provider_name)
        pulumi.export("sessions", cluster.execute_command_log_group_arn)

    return run(program, preview=preview)


def test_it_makes_a_cluster_and_its_capacity_providers() -> None:
    made = build()
    assert made.names == {
        ("h4b:cluster:Cluster", "shop"),
        ("aws:ecs/cluster:Cluster", "shop"),
        ("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", "shop"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:cluster:Cluster shop"}


def test_it_is_measured_down_to_each_container() -> None:
    cluster = build().get("aws:ecs/cluster:Cluster")
    assert cluster.inputs == {"settings": [{"name": "containerInsights", "value": "enhanced"}]}


@pytest.mark.parametrize("level", ["enhanced", "enabled", "disabled"])
def test_the_measuring_can_be_chosen(level: str) -> None:
    cluster = build(container_insights=level).get("aws:ecs/cluster:Cluster")
    assert cluster.inputs["settings"] == [{"name": "containerInsights", "value": level}]


def test_it_offers_fargate_and_spot_and_takes_fargate_by_default() -> None:
    providers = build().get("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders")
    assert providers.inputs == {
        "clusterName": "shop-1a2b3c4",
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "base": 0, "weight": 1}],
    }


INSTANCES = InstancesArgs(
    vpc_id="vpc-1",
    subnet_ids=["subnet-1"],
    instance_type="t3.small",
    cpu_architecture="X86_64",
    max_size=2,
)


def test_instances_join_the_capacity_and_take_nothing_unasked() -> None:
    made = build(instances=INSTANCES)
    providers = made.get("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders").inputs
    assert providers["capacityProviders"] == ["FARGATE", "FARGATE_SPOT", "shop-1a2b3c4"]
    assert providers["defaultCapacityProviderStrategies"] == [{"capacityProvider": "FARGATE", "base": 0, "weight": 1}]
    assert made.get("h4b:capacity:Ec2Capacity").parent == "h4b:cluster:Cluster shop"
    assert made.outputs["ec2"] == "shop-1a2b3c4"


def test_sessions_of_ecs_exec_are_recorded() -> None:
    made = build(execute_command_log_days=30)
    assert made.get("aws:cloudwatch/logGroup:LogGroup", "shop-sessions").inputs == {"retentionInDays": 30}
    assert made.get("aws:ecs/cluster:Cluster").inputs["configuration"] == {
        "executeCommandConfiguration": {
            "logging": "OVERRIDE",
            "logConfiguration": {"cloudWatchLogGroupName": "shop-sessions-1a2b3c4"},
        }
    }
    assert made.outputs["sessions"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:shop-sessions-1a2b3c4"


def test_whoever_uses_the_cluster_waits_for_its_capacity() -> None:
    def program() -> None:
        pulumi.ComponentResource("test:index:User", "user", {"cluster": Cluster("shop", ClusterArgs()).arn})

    waits_for = run(program).get("test:index:User").depends_on
    assert "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders shop" in waits_for


def test_outputs() -> None:
    made = build()
    assert made.outputs == {
        "arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop",
        "name": "shop-1a2b3c4",
        "ec2": None,
        "sessions": None,
    }
    assert made.component_outputs == {"h4b:cluster:Cluster shop": {"arn", "name"}}


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.outputs == {"arn": UNKNOWN, "name": UNKNOWN, "ec2": None, "sessions": None}


def test_a_wrong_level_is_refused() -> None:
    with pytest.raises(ArgumentError) as refused:
        ClusterArgs(container_insights="on")  # type: ignore[arg-type]
    assert str(refused.value) == (
        "ClusterArgs cannot be used:\n"
        "  - container_insights: got 'on', expected one of enhanced, enabled, disabled; "
        "choose how much CloudWatch measures"
    )
