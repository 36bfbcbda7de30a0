"""The cluster: where services run, and which kinds of capacity they may use."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, one_of

ContainerInsights = Annotated[
    Literal["enhanced", "enabled", "disabled"],
    one_of("enhanced", "enabled", "disabled", fix="choose how much CloudWatch measures"),
]


@dataclass(frozen=True, kw_only=True)
class ClusterArgs(Arguments):
    """Arguments of `Cluster`."""

    container_insights: ContainerInsights = "enhanced"
    """What CloudWatch measures: `enhanced` down to each container, `enabled` services and tasks, `disabled` only CPU
    and memory of services. The first two cost by the metric.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/ContainerInsights.html"""


class Cluster(pulumi.ComponentResource):
    """An ECS cluster that offers Fargate and Fargate Spot.

    Whatever names neither a launch type nor capacity providers runs on Fargate, never on Spot by accident.
    """

    TYPE = "h4b:cluster:Cluster"

    arn: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        cluster = aws.ecs.Cluster(
            name,
            settings=[aws.ecs.ClusterSettingArgs(name="containerInsights", value=args.container_insights)],
            opts=child,
        )
        aws.ecs.ClusterCapacityProviders(
            name,
            cluster_name=cluster.name,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            default_capacity_provider_strategies=[
                aws.ecs.ClusterCapacityProvidersDefaultCapacityProviderStrategyArgs(
                    capacity_provider="FARGATE", base=0, weight=1
                )
            ],
            opts=child,
        )

        self.arn = cluster.arn
        self.name = cluster.name
        self.register_outputs({"arn": self.arn, "name": self.name})
