"""The service: keeps tasks running, replaces them without interruption, and registers them with the load balancer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, one_of, whole
from components.network import Port
from components.task_definition import Family

DesiredCount = Annotated[
    int, whole(0, 5000, fix="choose how many tasks are to run; two or more survive the loss of one")
]
LaunchType = Annotated[
    Literal["FARGATE", "EC2"], one_of("FARGATE", "EC2", fix="choose one that the task definition requires")
]
HealthCheckGracePeriodSeconds = Annotated[
    int, whole(0, 2_147_483_647, fix="choose more seconds than the application needs to start")
]


@dataclass(frozen=True, kw_only=True)
class ServiceArgs(Arguments):
    """Arguments of `Service`."""

    cluster_arn: pulumi.Input[str]
    """The cluster to run in."""

    task_definition_arn: pulumi.Input[str]
    """The task definition with its revision: without, ECS would take whatever is the latest."""

    container_name: Family
    """The container of the task definition that gets the requests."""

    container_port: Port
    """The port of that container."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Private subnets; tasks get no public address."""

    security_group_id: pulumi.Input[str]
    """Security group of the tasks."""

    target_group_arn: pulumi.Input[str]
    """Target group, of type `ip`, in which tasks are registered."""

    listener: pulumi.Resource
    """What attaches the target group to a load balancer: ECS refuses a target group without one."""

    desired_count: DesiredCount = 2
    """Number of tasks to keep running, 0 to 5000, spread over the availability zones.
    https://docs.aws.amazon.com/general/latest/gr/ecs-service.html"""

    is_scaled: bool = False
    """Whether something else changes the number of running tasks. Then `desired_count` is where a new service starts,
    and no deployment sets the count again."""

    alarm_names: Sequence[pulumi.Input[str]] = ()
    """CloudWatch alarms, of any state or not yet there, that end a deployment and roll it back when they go off during
    it.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html"""

    launch_type: LaunchType = "FARGATE"
    """Where tasks run: `FARGATE`, or `EC2` on instances that belong to the cluster. Must be among the task definition's
    `requires_compatibilities`.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/launch_types.html"""

    health_check_grace_period_seconds: HealthCheckGracePeriodSeconds = 30
    """Seconds after its start during which a failing health check does not get a task replaced."""

    wait_for_steady_state: bool = True
    """Whether Pulumi waits until the new tasks run and the old ones are gone, and fails when ECS rolls back."""


class Service(pulumi.ComponentResource):
    """An ECS service behind a load balancer, updated by rolling deployments that roll back by themselves.

    A deployment starts the new tasks beside the old ones (100 to 200 percent) and stops the old ones when the new ones
    are healthy: no moment has fewer tasks than wanted. When new tasks keep failing, the circuit breaker ends the
    deployment and returns to the revision before; so does an alarm that goes off.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html

    Not done here: service discovery, ECS Exec, services without a load balancer.
    """

    TYPE = "h4b:service:Service"

    name: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)

        service = aws.ecs.Service(
            name,
            cluster=args.cluster_arn,
            task_definition=args.task_definition_arn,
            desired_count=args.desired_count,
            launch_type=args.launch_type,
            platform_version="LATEST" if args.launch_type == "FARGATE" else None,
            network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
                subnets=args.subnet_ids,
                security_groups=[args.security_group_id],
                assign_public_ip=False,
            ),
            load_balancers=[
                aws.ecs.ServiceLoadBalancerArgs(
                    target_group_arn=args.target_group_arn,
                    container_name=args.container_name,
                    container_port=args.container_port,
                )
            ],
            health_check_grace_period_seconds=args.health_check_grace_period_seconds,
            # AWS's default, but only when stated does the provider follow this deployment and fail with ECS's reason.
            deployment_controller=aws.ecs.ServiceDeploymentControllerArgs(type="ECS"),
            deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            alarms=aws.ecs.ServiceAlarmsArgs(alarm_names=list(args.alarm_names), enable=True, rollback=True)
            if args.alarm_names
            else None,
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            availability_zone_rebalancing="ENABLED",
            # Tasks carry the service's tags, so that their cost can be told apart.
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=args.wait_for_steady_state,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[args.listener],
                ignore_changes=["desiredCount"] if args.is_scaled else None,
            ),
        )

        self.name = service.name
        self.register_outputs({"name": self.name})
