"""The service: keeps tasks running, replaces them without interruption, and registers them with the load balancer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws

from components import legality
from components.checks import Arguments, Contradiction, one_of, text, whole
from components.container import ContainerName
from components.deployment import Deployment, TrafficShift
from components.migration import Command, MigrationChoices, TimeoutMinutes, migration_hook, overrides_problem
from components.network import Port
from components.placement import (
    Constraint,
    Strategy,
    constraint_args,
    leaves_zones_alone,
    placement_problem,
    strategy_args,
)
from components.route import HEALTH_CHECK
from components.verdict import Follower
from ecs_policy.rules.launch_type import strategy_weights

DesiredCount = Annotated[
    int, whole(0, 5000, fix="choose how many tasks are to run; two or more survive the loss of one")
]
LaunchType = Annotated[
    Literal["FARGATE", "EC2"], one_of("FARGATE", "EC2", fix="choose one that the task definition requires")
]
TaskStartSeconds = Annotated[
    int, whole(1, 3600, fix="estimate how long a task takes to start, on instances that must start first, too")
]
HealthCheckGracePeriodSeconds = Annotated[
    int, whole(1, 2_147_483_647, fix="choose more seconds than the application needs to start")
]

ForcedDeployment = Annotated[
    str, text(r"[ -~]{1,200}", "1 to 200 printable characters", fix="write a date or a reason, such as 2026-11-28")
]
SpotPercent = Annotated[int, whole(0, 100, fix="choose how many of a hundred tasks run on Fargate Spot")]
OnDemandBase = Annotated[
    int, whole(0, 100_000, fix="choose how many tasks run on ordinary capacity before any on Spot")
]

_Hook = pulumi.ResourceHook | pulumi.ResourceHookFunction
_LEAST_START_SECONDS = 10
_MOST_START_SECONDS = 120
"""Of the start of a task, what may tell how slow its application is: beyond, it is an instance that starts first."""

_FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


@dataclass(frozen=True, kw_only=True)
class CapacityShare:
    """A capacity provider and its part of the tasks.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html"""

    provider: pulumi.Input[str]
    """`FARGATE`, `FARGATE_SPOT` or the name of a capacity provider of instances. The cluster must have it."""

    base: int = 0
    """Tasks that run there before any weight counts, 0 to 100000; at most one provider has a base."""

    weight: int = 1
    """Part of the other tasks, relative to the weights of the other providers, 0 to 1000."""


@dataclass(frozen=True, kw_only=True)
class FargateChoices(Arguments):
    """With FARGATE, how much of it is Fargate Spot: cheaper, but AWS may take a task back with two minutes' notice.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html"""

    spot_percent: SpotPercent = 0
    """Percentage of the tasks beyond the base that run on Fargate Spot; 0 uses no Spot."""

    on_demand_base: OnDemandBase = 1
    """With Spot, number of tasks that run on ordinary Fargate before the percentage counts."""

    @property
    def shares(self) -> list[CapacityShare]:
        """How the tasks are divided; nothing where all of them are on ordinary Fargate."""
        if not self.spot_percent:
            return []
        both = math.gcd(self.spot_percent, 100 - self.spot_percent)
        on_demand = CapacityShare(
            provider="FARGATE", base=self.on_demand_base, weight=(100 - self.spot_percent) // both
        )
        return [on_demand, CapacityShare(provider="FARGATE_SPOT", weight=self.spot_percent // both)]


@dataclass(frozen=True, kw_only=True)
class ServiceChoices(Arguments):
    """The service: how many tasks, where they run, and how they start."""

    launch_type: LaunchType = "FARGATE"
    """Where tasks run. `FARGATE` on AWS's machines; `EC2` on instances of the cluster.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/launch_types.html"""

    desired_count: DesiredCount = 2
    """Number of tasks to keep running, spread over the availability zones. With autoscaling, the minimum.
    https://docs.aws.amazon.com/general/latest/gr/ecs-service.html"""

    execute_command: bool = False
    """Whether ECS Exec may open recorded sessions in the containers. Their root file system is then writable, as the
    agent of ECS Exec needs it.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"""

    task_start_seconds: TaskStartSeconds = 60
    """Estimate: seconds until a new task runs: image pull and, with EC2, an instance that must start first. Used to
    compute how long a deployment is waited for."""

    health_check_grace_period_seconds: HealthCheckGracePeriodSeconds | None = None
    """Seconds after the start of a task in which failing health checks do not get it replaced: more than the
    application needs until it answers. The longer, the later a deployment whose tasks never get healthy is rolled back.
    0 is the estimated start, though no more than 120, and 14, as what starts slowly also answers late. Without a load
    balancer, nothing.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html"""

    force_new_deployment: ForcedDeployment | None = None
    """Any text, such as a date or a reason. A new one starts new tasks of the same revision, as `aws ecs update-service
    --force-new-deployment` does. While it is set, so does every other change of the service. Empty: only a new revision
    starts new tasks.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-options.html"""

    rollback_on_interrupt: bool = False
    """Whether Ctrl-C, while Pulumi waits for a deployment, rolls the deployment back. Without it ECS goes on, and
    Pulumi says how to stop it.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html"""

    @property
    def is_on_instances(self) -> bool:
        """Whether the cluster has instances."""
        return self.launch_type == "EC2"


@dataclass(frozen=True, kw_only=True)
class ServiceArgs(ServiceChoices):
    """Arguments of `Service`."""

    cluster_arn: pulumi.Input[str]
    """The cluster to run in."""

    task_definition_arn: pulumi.Input[str]
    """The task definition with its revision: without, ECS would take whatever is the latest."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """Private subnets of tasks with awsvpc; they get no public address. Default: none, network mode is bridge."""

    security_group_id: pulumi.Input[str] | None = None
    """Security group of tasks with awsvpc. Default: none, network mode is bridge."""

    container_name: ContainerName | None = None
    """The container of the task definition that gets the requests. Default: none does, there is no load balancer."""

    container_port: Port | None = None
    """The port of that container."""

    target_group_arn: pulumi.Input[str] | None = None
    """Target group in which tasks are registered: of type `ip` with awsvpc, `instance` with bridge."""

    listener: pulumi.Resource | None = None
    """What attaches the target group to a load balancer: ECS refuses a target group without one."""

    is_scaled: bool = False
    """Whether something else changes the number of running tasks. Then `desired_count` is where a new service starts,
    and no deployment sets the count again."""

    alarm_names: Sequence[pulumi.Input[str]] = ()
    """CloudWatch alarms, of any state or not yet there, that end a deployment and roll it back when they go off during
    it.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html"""

    capacity: Sequence[CapacityShare] = ()
    """Capacity providers, all of the launch type, and how the tasks are divided among them: Fargate and Fargate Spot,
    or instances that grow with the tasks. Default: none, tasks run on whatever the cluster has of the launch type.
    A change within, or from none to some, starts a deployment that moves the tasks. Back to none is refused in the
    preview: keep one provider instead, for instance `FARGATE` alone (docs/deployments.md).
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html"""

    placement_strategies: Sequence[Strategy] = ()
    """EC2 only: which instance a task gets, the first strategy first, at most five. Default: zones are balanced.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html"""

    placement_constraints: Sequence[Constraint] = ()
    """EC2 only: which instances a task may get, at most ten. Default: all.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-constraints.html"""

    deployment: Deployment = field(default_factory=Deployment)
    """How a new revision takes over. Default: rolling."""

    traffic_shift: TrafficShift | None = None
    """What a deployment that shifts traffic needs."""

    migration_command: Command | None = None
    """What one task of a new revision runs, and ends with 0, before the service is created or takes that revision: the
    migration of a database, for instance. It runs in `container_name` instead of the image's own command, with its
    environment, secrets, network and capacity. It must bear to run again, and the old revision must bear what it did,
    which no rollback undoes. ECS is asked with the credentials of the environment. Default: nothing runs."""

    migration_timeout_minutes: TimeoutMinutes = MigrationChoices.timeout_minutes
    """Minutes, 1 to 10080, after which a migration that has not ended fails the update. It is not stopped; the next
    update of the same revision waits for it again."""

    wait_for_steady_state: bool = True
    """Whether Pulumi waits until the new tasks run and the old ones are gone, and fails, with the first cause, when ECS
    rolls back. It asks ECS with the credentials of the environment, as the AWS CLI finds them."""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(("container_name", "container_port"), self._load_balancer_problem),
            Contradiction(("launch_type",), self._network_problem),
            Contradiction(("launch_type",), self._capacity_problem),
            Contradiction(
                ("launch_type",),
                lambda: placement_problem(self.launch_type, self.placement_strategies, self.placement_constraints),
            ),
            Contradiction((), self._shift_problem),
            Contradiction(("container_name", "migration_command"), self._migration_problem),
        ]

    def _migration_problem(self) -> str | None:
        if self.migration_command is None:
            return None
        if self.container_name is not None:
            command = self.migration_command
            return overrides_problem(self.container_name, command) if isinstance(command, (list, tuple)) else None
        return "migration_command: got one without container_name, expected nothing; name the container that can run it"

    def _load_balancer_problem(self) -> str | None:
        names = ("container_name", "container_port", "target_group_arn", "listener")
        return _all_or_none({name: getattr(self, name) for name in names}, "with a load balancer")

    def _network_problem(self) -> str | None:
        given = {"subnet_ids": self.subnet_ids, "security_group_id": self.security_group_id}
        if self.launch_type == "FARGATE" and all(value is None for value in given.values()):
            return "subnet_ids: got nothing with launch_type FARGATE, expected subnets; set it, and security_group_id"
        return _all_or_none(given, "with awsvpc")

    def _capacity_problem(self) -> str | None:
        strategy = [{"base": share.base, "weight": share.weight} for share in self.capacity]
        names = {"capacityProviderStrategies": "capacity"}
        wrong = legality.problem(legality.SERVICE, {"capacityProviderStrategies": strategy}, (strategy_weights,), names)
        if wrong:
            return wrong
        on_fargate = self.launch_type == "FARGATE"
        for index, share in enumerate(self.capacity):
            if (share.provider in _FARGATE_PROVIDERS) != on_fargate and (isinstance(share.provider, str) or on_fargate):
                expected = f"one of {', '.join(_FARGATE_PROVIDERS)}" if on_fargate else "a provider of instances"
                got = repr(share.provider) if isinstance(share.provider, str) else "another resource's"
                return (
                    f"capacity[{index}].provider: got {got}, expected {expected} with launch_type {self.launch_type}; "
                    "change launch_type or the provider"
                )
        return None

    def _shift_problem(self) -> str | None:
        if self.traffic_shift is not None and self.target_group_arn is None:
            return (
                "traffic_shift: got one without target_group_arn, expected nothing; remove it, or set target_group_arn"
            )
        if self.deployment.shifts_traffic == (self.traffic_shift is not None):
            return None
        if self.deployment.shifts_traffic:
            return (
                f"traffic_shift: got nothing with deployment strategy {self.deployment.strategy}, expected what ECS "
                "shifts traffic with; take it from a Route with shifts_traffic, or use ROLLING"
            )
        return "traffic_shift: got one with deployment strategy ROLLING, expected nothing; remove it, or shift traffic"


class Service(pulumi.ComponentResource):
    """An ECS service, updated by deployments that interrupt nothing and roll back by themselves.

    A rolling deployment starts the new tasks beside the old ones (100 to 200 percent) and stops the old ones when the
    new ones are healthy: no moment has fewer tasks than wanted. When new tasks keep failing, the circuit breaker ends
    the deployment and returns to the revision before; so does an alarm that goes off.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html

    Tasks are rebalanced among zones wherever the placement leaves the zones to ECS.

    Not done here: service discovery, daemons.
    """

    TYPE = "h4b:service:Service"

    name: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # What has no resource of its own is an input of the component, so that a preview and the policies see it.
        inputs: dict[str, Any] = {"taskStartSeconds": args.task_start_seconds}
        if args.rollback_on_interrupt:
            inputs["rollbackOnInterrupt"] = True
        before = None
        if args.container_name is not None and args.migration_command is not None:
            command, minutes = args.migration_command, args.migration_timeout_minutes
            inputs |= {"migrationCommand": command, "migrationTimeoutMinutes": minutes}
            before = migration_hook(name, args.container_name, command, minutes)
        super().__init__(self.TYPE, name, inputs, opts)
        rebalanced = leaves_zones_alone(args.placement_strategies, args.placement_constraints)

        verdict = None
        if args.wait_for_steady_state:
            verdict = Follower(name, args.task_start_seconds, rollback_on_interrupt=args.rollback_on_interrupt)
        service = aws.ecs.Service(
            name,
            cluster=args.cluster_arn,
            task_definition=args.task_definition_arn,
            desired_count=args.desired_count,
            platform_version="LATEST" if args.launch_type == "FARGATE" else None,
            **_capacity(args),
            ordered_placement_strategies=[strategy_args(each) for each in args.placement_strategies] or None,
            placement_constraints=[constraint_args(each) for each in args.placement_constraints] or None,
            network_configuration=_network_configuration(args),
            load_balancers=_load_balancers(args),
            health_check_grace_period_seconds=_grace_period_seconds(args),
            deployment_controller=aws.ecs.ServiceDeploymentControllerArgs(type="ECS"),
            deployment_configuration=args.deployment.configuration(),
            deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            alarms=aws.ecs.ServiceAlarmsArgs(alarm_names=list(args.alarm_names), enable=True, rollback=True)
            if args.alarm_names
            else None,
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            availability_zone_rebalancing="ENABLED" if rebalanced else "DISABLED",
            enable_execute_command=args.execute_command or None,
            # The provider refuses a change of the mix without it: "force_new_deployment should be true when
            # capacity_provider_strategy is being updated".
            force_new_deployment=bool(args.capacity) or args.force_new_deployment is not None or None,
            triggers=None if args.force_new_deployment is None else {"forceNewDeployment": args.force_new_deployment},
            # Tasks carry the service's tags, so that their cost can be told apart.
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=False,  # the verdict waits instead, and says why where it fails
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[] if args.listener is None else [args.listener],
                ignore_changes=["desiredCount"] if args.is_scaled else None,
                hooks=_hooks(before=before, after=verdict.hook if verdict else None),
            ),
        )

        self.name = service.name
        if verdict and not pulumi.runtime.is_dry_run():
            confirmed: pulumi.Output[bool] = pulumi.Output.all(
                service.id, service.cluster, service.task_definition
            ).apply(lambda known: verdict.confirm(known[0], known[1], known[2]))
            self.name = pulumi.Output.all(service.name, confirmed).apply(lambda known: str(known[0]))
        self.register_outputs({"name": self.name})


def _all_or_none(given: Mapping[str, object], when: str) -> str | None:
    missing = [name for name, value in given.items() if value is None]
    if len(missing) in (0, len(given)):
        return None
    present = ", ".join(name for name in given if name not in missing)
    return f"{', '.join(missing)}: got nothing beside {present}, expected all of them {when}; set all or none"


def _hooks(before: pulumi.ResourceHook | None, after: pulumi.ResourceHook | None) -> pulumi.ResourceHookBinding:
    first: list[_Hook] = [before] if before else []
    last: list[_Hook] = [after] if after else []
    return pulumi.ResourceHookBinding(before_create=first, before_update=first, after_create=last, after_update=last)


def grace_problem(seconds: int, start_period_seconds: int, called: str) -> str | None:
    """Why a task would be replaced before it can be healthy, where the caller calls the seconds so; None when not."""
    start = max(_LEAST_START_SECONDS, start_period_seconds)
    least = start + _recovery_seconds()
    if seconds >= least or start <= HEALTH_CHECK.unhealthy_threshold * HEALTH_CHECK.interval_seconds:
        return None
    return (
        f"{called}: got {seconds}, expected at least {least}, since a target that failed its checks while "
        f"the application started needs {_recovery_seconds()} s to recover; raise it, or how long a task takes to start"
    )


def _recovery_seconds() -> int:
    return HEALTH_CHECK.healthy_threshold * HEALTH_CHECK.interval_seconds + HEALTH_CHECK.timeout_seconds


def _grace_period_seconds(args: ServiceArgs) -> int | None:
    if args.target_group_arn is None:
        return None
    if args.health_check_grace_period_seconds is not None:
        return args.health_check_grace_period_seconds
    return default_grace_seconds(args.task_start_seconds)


def default_grace_seconds(task_start_seconds: int) -> int:
    """The grace period where none is given."""
    return min(max(_LEAST_START_SECONDS, task_start_seconds), _MOST_START_SECONDS) + _recovery_seconds()


def _capacity(args: ServiceArgs) -> dict[str, Any]:
    if not args.capacity:
        return {"launch_type": args.launch_type}
    return {
        "capacity_provider_strategies": [
            aws.ecs.ServiceCapacityProviderStrategyArgs(
                capacity_provider=share.provider, base=share.base, weight=share.weight
            )
            for share in args.capacity
        ],
    }


def _network_configuration(args: ServiceArgs) -> aws.ecs.ServiceNetworkConfigurationArgs | None:
    if args.subnet_ids is None or args.security_group_id is None:
        return None
    return aws.ecs.ServiceNetworkConfigurationArgs(
        subnets=args.subnet_ids, security_groups=[args.security_group_id], assign_public_ip=False
    )


def _load_balancers(args: ServiceArgs) -> list[aws.ecs.ServiceLoadBalancerArgs] | None:
    if args.target_group_arn is None or args.container_name is None or args.container_port is None:
        return None
    shift = args.traffic_shift
    return [
        aws.ecs.ServiceLoadBalancerArgs(
            target_group_arn=args.target_group_arn,
            container_name=args.container_name,
            container_port=args.container_port,
            advanced_configuration=None
            if shift is None
            else aws.ecs.ServiceLoadBalancerAdvancedConfigurationArgs(
                alternate_target_group_arn=shift.alternate_target_group_arn,
                production_listener_rule=shift.production_rule_arn,
                test_listener_rule=shift.test_rule_arn,
                role_arn=shift.role_arn,
            ),
        )
    ]
