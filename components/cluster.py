"""The cluster: where services run, and which kinds of capacity they may use."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws

from components.capacity import Ec2Capacity, Ec2CapacityArgs, InstancesArgs
from components.checks import Arguments, one_of, text
from components.log_retention import LogRetentionDays

ContainerInsights = Annotated[
    Literal["enhanced", "enabled", "disabled"],
    one_of("enhanced", "enabled", "disabled", fix="choose how much CloudWatch measures"),
]

ClusterName = Annotated[
    str, text(r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, _ or -", fix="choose a name that ECS accepts")
]


@dataclass(frozen=True, kw_only=True)
class ClusterArgs(Arguments):
    """Arguments of `Cluster`."""

    container_insights: ContainerInsights = "enhanced"
    """What CloudWatch measures: `enhanced` down to each container, `enabled` services and tasks, `disabled` only CPU
    and memory of services. The first two cost by the metric.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/ContainerInsights.html"""

    instances: InstancesArgs | None = None
    """Instances for services with launch type EC2. Default: none, the cluster is for Fargate only."""

    cluster_name: ClusterName | None = None
    """Name, unique in the account and region: by it permissions know the cluster's services, tasks and scaling alarms.
    Default: a generated one.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html"""

    execute_command_log_days: LogRetentionDays | None = None
    """Days that sessions of ECS Exec stay recorded, in a log group of their own. Default: no recording, no service may
    use ECS Exec. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html#ecs-exec-logging"""


class Cluster(pulumi.ComponentResource):
    """An ECS cluster that offers Fargate and Fargate Spot, and instances if told so.

    Whatever names neither a launch type nor capacity providers runs on Fargate, never on Spot by accident.
    """

    TYPE = "h4b:cluster:Cluster"

    arn: pulumi.Output[str]
    """Known when the capacity providers are there: a service may name one of them."""

    name: pulumi.Output[str]
    ec2_capacity_provider_name: pulumi.Output[str] | None
    """What services on the instances name; None without instances."""

    execute_command_log_group_arn: pulumi.Output[str] | None
    """Where sessions are recorded; None where they are not."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        sessions = None
        if args.execute_command_log_days is not None:
            sessions = aws.cloudwatch.LogGroup(
                f"{name}-sessions", retention_in_days=args.execute_command_log_days, opts=child
            )
        cluster = aws.ecs.Cluster(
            name,
            name=args.cluster_name,
            settings=[aws.ecs.ClusterSettingArgs(name="containerInsights", value=args.container_insights)],
            configuration=None if sessions is None else _recorded_in(sessions),
            opts=child,
        )
        providers: list[pulumi.Input[str]] = ["FARGATE", "FARGATE_SPOT"]
        self.ec2_capacity_provider_name = None
        if args.instances is not None:
            capacity = Ec2Capacity(
                name,
                Ec2CapacityArgs(cluster_arn=cluster.arn, cluster_name=cluster.name, instances=args.instances),
                child,
            )
            self.ec2_capacity_provider_name = capacity.capacity_provider_name
            providers.append(capacity.capacity_provider_name)
        association = aws.ecs.ClusterCapacityProviders(
            name,
            cluster_name=cluster.name,
            capacity_providers=providers,
            default_capacity_provider_strategies=[
                aws.ecs.ClusterCapacityProvidersDefaultCapacityProviderStrategyArgs(
                    capacity_provider="FARGATE", base=0, weight=1
                )
            ],
            opts=child,
        )

        self.arn = pulumi.Output.all(cluster.arn, association.id).apply(lambda known: str(known[0]))
        self.name = cluster.name
        self.execute_command_log_group_arn = None if sessions is None else sessions.arn
        self.register_outputs(
            {
                "arn": self.arn,
                "name": self.name,
                "ec2CapacityProviderName": self.ec2_capacity_provider_name,
                "executeCommandLogGroupArn": self.execute_command_log_group_arn,
            }
        )


def _recorded_in(log_group: aws.cloudwatch.LogGroup) -> aws.ecs.ClusterConfigurationArgs:
    return aws.ecs.ClusterConfigurationArgs(
        execute_command_configuration=aws.ecs.ClusterConfigurationExecuteCommandConfigurationArgs(
            logging="OVERRIDE",
            log_configuration=aws.ecs.ClusterConfigurationExecuteCommandConfigurationLogConfigurationArgs(
                cloud_watch_log_group_name=log_group.name
            ),
        )
    )
