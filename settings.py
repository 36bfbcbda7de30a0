"""The only reader of stack configuration: typed, checked as a whole before anything is created.

What a person decides stands in groups. Each group, with its defaults and checks, belongs to the component that uses it;
here they come together. `h4b-helloworld:scaling` with `maxCount` in a stack file is `Settings.scaling.max_count`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import pulumi

from components.alarms import AlarmChoices
from components.arns import REGION, is_listed, partition_of, place_problem
from components.autoscaling import ScalingChoices, count_problem, most_tasks, sleep_problem
from components.capacity import InstanceChoices, architecture_of, instance_type_problem, is_measured, room_problem
from components.certificate import DomainChoices
from components.checks import (
    Contradiction,
    Names,
    listed,
    one_of,
    refuse,
    shown,
)
from components.cluster import ClusterArgs, ContainerInsights
from components.container import (
    ContainerChoices,
    ContainerHealthCheck,
    Environment,
    Secret,
    SecretArns,
    parse_secret,
    size_problem,
)
from components.deployment import Deployment
from components.firewall import FirewallChoice
from components.image import ImageChoices
from components.load_balancer import HTTP_PORT, HTTPS_PORT, LoadBalancerChoices
from components.migration import MigrationChoices, overrides_problem
from components.network import (
    INSTANCE_ENDPOINT_SERVICES,
    SESSION_ENDPOINT_SERVICES,
    TASK_ENDPOINT_SERVICES,
    NetworkChoices,
    rules_problem,
)
from components.permissions_boundary import PermissionsBoundaryArn, bounded
from components.placement import PlacementChoices, placement_problem, type_problem
from components.roles import STACK, STACK_MEANT, taken_from_bootstrap
from components.route import TargetGroupChoices, TargetType
from components.service import (
    CapacityShare,
    FargateChoices,
    ServiceChoices,
    default_grace_seconds,
    grace_problem,
)
from components.task_definition import TaskChoices, fargate_size_problem, network_mode_problem, secrets_problem
from ecs_policy.values import plain
from reading import Key, Reading, configuration_of_the_stack, encrypted_paths, key_of, keys_in, secure_paths, text_of

Region = Annotated[str, REGION]
DeployedBy = Annotated[
    Literal["administrator", "github"], one_of("administrator", "github", fix="choose who deploys the stack")
]

_LONGEST_BUCKET_NAME = 63 - len("-access-logs-1a2b3c4")
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
_PROJECT = re.compile(r"[a-z][a-z0-9-]{0,12}[a-z0-9]")
"""The longest name made of it that AWS bounds is a target group's: 32 characters with what is added."""
_STACK = re.compile(r"[A-Za-z0-9_-]{1,100}")
_RESERVED = ("aws", "ecs", "fargate", "internal-")
"""How names of capacity providers and of load balancers may not begin.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCapacityProvider.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html"""
_NONE_FROM_ELSEWHERE = "a load balancer takes none from elsewhere"


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(NetworkChoices):
    """The VPC: its addresses, its zones, and the way out."""

    vpc_endpoints: bool = False
    """Whether the AWS services that the stack uses have endpoints in the VPC, in every zone: ECR and CloudWatch Logs,
    with secrets Secrets Manager or SSM, with EC2 those of the ECS agent, with ECS Exec that of the sessions. Without
    NAT gateways the tasks reach these, S3, and nothing else at all. What is cheaper: docs/network-costs.md."""

    def contradictions(self) -> list[Contradiction]:
        return [*super().contradictions(), Contradiction(("nat_gateways", "vpc_endpoints"), self._way_out_problem)]

    def _way_out_problem(self) -> str | None:
        if self.nat_gateways != "none" or self.vpc_endpoints:
            return None
        nat_gateways, vpc_endpoints = self.called("nat_gateways"), self.called("vpc_endpoints")
        return (
            f"{nat_gateways}: got 'none' with {vpc_endpoints} false, expected a way to ECR and CloudWatch Logs, "
            f"without which no task starts; set {vpc_endpoints} to true, or {nat_gateways} to single"
        )


@dataclass(frozen=True, kw_only=True)
class AlarmSettings(AlarmChoices):
    """CloudWatch alarms, and who is told."""

    enabled: bool = True
    """Whether there are alarms on errors, latency, unhealthy targets and missing tasks; a deployment that sets one off
    is rolled back."""

    def contradictions(self) -> list[Contradiction]:
        return [*super().contradictions(), Contradiction(("email", "enabled"), self._email_problem)]

    def _email_problem(self) -> str | None:
        if self.email is None or self.enabled:
            return None
        email, enabled = self.called("email"), self.called("enabled")
        return (
            f"{email}: got {shown(self.email)} with {enabled} false, expected nobody while alarms are disabled; "
            f"remove {email}, or set {enabled} to true"
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one stack.

    Where a field may be None, the key's empty value (`""`, `0`) says so. Where a field takes Outputs, the key may be
    secret; of an object with one secret in it, which is all that Pulumi tells a program, every such value is.
    """

    region: Region
    """The AWS region."""

    image: ImageChoices
    network: NetworkSettings
    load_balancer: LoadBalancerChoices
    domain: DomainChoices

    firewall: FirewallChoice = "managed"
    """AWS WAF web ACL of the load balancer. `managed`: one with AWS's managed rules and a limit for each client, which
    logs what it blocks. An ARN: a web ACL of yours, of this region. `none`: everything gets through."""

    container_insights: ContainerInsights = ClusterArgs.container_insights
    """Container Insights of the cluster: `enhanced` (per container), `enabled` (per service and task) or `disabled`.
    Billed per metric."""

    service: ServiceChoices
    fargate: FargateChoices
    instances: InstanceChoices
    placement: PlacementChoices
    task: TaskChoices
    container: ContainerChoices

    environment: Environment = field(default_factory=dict)
    """Environment variables of the application. Everybody who may read task definitions reads them, also those that
    were set with --secret, which keeps them out of state, plan, logs and reports only."""

    secrets: SecretArns = field(default_factory=dict)
    """Environment variables that ECS fetches when a task starts, each with the ARN of a Secrets Manager secret (a field
    of it is `<arn>:<field>::`) or of an SSM parameter. The tasks' execution role may read just these."""

    target_group: TargetGroupChoices
    deployment: Deployment
    migration: MigrationChoices
    scaling: ScalingChoices
    alarms: AlarmSettings

    dashboard: bool = True
    """Whether there is a CloudWatch dashboard."""

    permissions_boundary_arn: PermissionsBoundaryArn | None = None
    """IAM policy that no role that the stack makes can exceed. Empty: none. With deployedBy github the roles have a
    boundary of their own."""

    deployed_by: DeployedBy = "administrator"
    """Who deploys the stack. `administrator` may make IAM roles. `github` deploys with the role that `make bootstrap`
    made for the stack: it takes the IAM roles that were made then, and leaves the VPC's default security group, which
    nothing uses, as AWS makes it."""

    deletion_protection: bool = True
    """Whether load balancer, repository and access logs refuse to be deleted. Set false and run `pulumi up` before
    `pulumi destroy`."""

    @classmethod
    def load(cls) -> "Settings":
        """The settings of the current stack. Raises `ArgumentError` that lists every problem."""
        project, stack = pulumi.get_project(), pulumi.get_stack()
        reading = Reading(cls, project, *configuration_of_the_stack(), encrypted_paths(stack))
        refuse(f"The configuration in Pulumi.{stack}.yaml", _found(reading, project, stack), ())
        settings: Settings = reading.settings(with_outputs=True)
        for told in settings._unchecked():
            pulumi.log.warn(told)
        return settings

    def _unchecked(self) -> Iterator[str]:
        """What may well be right, and is newer than what is known here."""
        if not is_listed(self.region):
            yield f"aws:region: {self.region} is not known to this version of boto3; it is taken as it is"
        type_ = self.instances.instance_type
        if self.service.is_on_instances and not is_measured(type_):
            yield f"instances.instanceType: what {type_} has is not known here; not checked: whether tasks fit on it"

    @property
    def name(self) -> str:
        """Name of the components, and so the beginning of the names that AWS shows."""
        return pulumi.get_project()

    @property
    def family(self) -> str:
        """What is of this stack alone: family of the task definition, so that revisions count its deployments, and name
        of the cluster, by which permissions know what runs in it."""
        return f"{pulumi.get_project()}-{pulumi.get_stack()}"

    @property
    def transformations(self) -> list[pulumi.ResourceTransformation]:
        """Where the IAM roles of all components come from, or what bounds them."""
        if self.deployed_by == "github":
            return taken_from_bootstrap(pulumi.get_project(), pulumi.get_stack())
        return [*bounded(self.permissions_boundary_arn)]

    @property
    def empties_default_group(self) -> bool:
        """Whether the VPC's default security group is emptied: AWS makes it without tags, by which the role that GitHub
        deploys with knows what is its own."""
        return self.deployed_by == "administrator"

    @property
    def bucket_name(self) -> str:
        """How names of the stack's buckets begin: its family in S3's letters, with room for what is added."""
        return re.sub(r"[^a-z0-9-]", "-", self.family.lower())[:_LONGEST_BUCKET_NAME]

    @property
    def listener_ports(self) -> tuple[int, ...]:
        """The ports on which the load balancer listens."""
        return (HTTP_PORT, HTTPS_PORT) if self.domain.is_encrypted else (HTTP_PORT,)

    @property
    def has_firewall(self) -> bool:
        """Whether a web ACL stands before the load balancer."""
        return self.firewall != "none"

    @property
    def web_acl_arn(self) -> str | None:
        """The web ACL that is already there."""
        return self.firewall if self.firewall.startswith("arn:") else None

    @property
    def endpoint_services(self) -> tuple[str, ...]:
        """The AWS services with an endpoint in the VPC: those that the other settings use."""
        if not self.network.vpc_endpoints:
            return ()
        return (
            *TASK_ENDPOINT_SERVICES,
            *(INSTANCE_ENDPOINT_SERVICES if self.service.is_on_instances else ()),
            *(SESSION_ENDPOINT_SERVICES if self.service.execute_command else ()),
            *sorted({each.ENDPOINT_SERVICE for each in self.container_secrets.values()}),
        )

    @property
    def tags(self) -> dict[str, str]:
        """Tags of everything that can have tags."""
        return {"project": pulumi.get_project(), "stack": pulumi.get_stack(), "managed-by": "pulumi"}

    @property
    def image_context(self) -> Path:
        """The application's folder."""
        return Path("app_image")

    @property
    def build_args(self) -> dict[str, str]:
        """What the Dockerfile is told."""
        return {"BASE_IMAGE": self.image.base}

    @property
    def target_type(self) -> TargetType:
        """What the load balancer sends requests to: tasks, or ports of instances."""
        return "ip" if self.task.has_own_address else "instance"

    @property
    def is_scaled(self) -> bool:
        """Whether something else than a deployment decides how many tasks run."""
        return self.scaling.max_count is not None

    def capacity(self, ec2_capacity_provider_name: pulumi.Input[str] | None) -> list[CapacityShare]:
        """How the tasks are divided among capacity providers; empty where all of them are on ordinary Fargate."""
        if ec2_capacity_provider_name is not None:
            return [CapacityShare(provider=ec2_capacity_provider_name)]
        return self.fargate.shares

    @property
    def container_secrets(self) -> dict[str, Secret]:
        """Environment variables that ECS fetches."""
        return {name: parse_secret(arn) for name, arn in self.secrets.items()}

    @property
    def execute_command_log_days(self) -> int | None:
        """How long sessions are kept: as long as the log."""
        return self.task.log_retention_days if self.service.execute_command else None

    def contradictions(self, project: str, stack: str) -> list[Contradiction]:
        """What may be wrong between settings of several groups, or between a setting and the stack."""
        ec2, fargate = ("service.launch_type", "EC2"), ("service.launch_type", "FARGATE")
        return [
            self._between(_secret_partition_problem, secrets="secrets", region="region"),
            self._between(
                _secret_region_problem, secrets="secrets", nat_gateways="network.nat_gateways", region="region"
            ),
            *(
                self._between(place_problem, value=path, region="region", why=_NONE_FROM_ELSEWHERE)
                for path in ("domain.certificate_arn", "firewall")
            ),
            self._between(
                place_problem,
                value="permissions_boundary_arn",
                region="region",
                why="IAM takes no policy of another",
                whole_partition=True,
            ),
            self._between(_boundary_problem, arn="permissions_boundary_arn", deployed_by="deployed_by"),
            Contradiction(("deployed_by",), lambda: _stack_of_github_problem(self.deployed_by, stack)),
            Contradiction(
                ("load_balancer.allowed_ingress_cidrs", "domain"),
                lambda: rules_problem(
                    self.load_balancer.allowed_ingress_cidrs, self.listener_ports, self.load_balancer.called
                ),
            ),
            self._between(fargate_size_problem, fargate, cpu_units="task.cpu_units", memory_mib="task.memory_mib"),
            self._between(count_problem, min_count="service.desired_count", max_count="scaling.max_count"),
            self._between(_sleep_problem, min_count="service.desired_count", scaling="scaling"),
            self._between(_insights_problem, insights="container_insights", alarms="alarms.enabled"),
            self._between(
                _network_mode_problem, requires_compatibilities="service.launch_type", network_mode="task.network_mode"
            ),
            self._between(
                _placement_problem,
                launch_type="service.launch_type",
                placement_strategies="placement.strategies",
                placement_constraints="placement.constraints",
            ),
            self._between(
                _type_problem,
                ec2,
                placement_constraints="placement.constraints",
                instance_type="instances.instance_type",
                cpu_architecture="task.cpu_architecture",
            ),
            Contradiction(
                (
                    "service.health_check_grace_period_seconds",
                    "service.task_start_seconds",
                    "container.health_check_command",
                ),
                self._grace_problem,
            ),
            self._between(
                instance_type_problem,
                ec2,
                instance_type="instances.instance_type",
                cpu_architecture="task.cpu_architecture",
            ),
            Contradiction(
                ("service", "instances", "task", "placement", "scaling", "deployment.strategy"), self._room_problem
            ),
            self._between(_spot_problem, ec2, spot_percent="fargate.spot_percent", launch_type="service.launch_type"),
            self._between(
                _storage_problem, ec2, storage_gib="task.ephemeral_storage_gib", launch_type="service.launch_type"
            ),
            self._between(_environment_problem, environment="environment", secrets="secrets"),
            Contradiction(
                ("environment", "secrets", "container.health_check_command"),
                lambda: size_problem(self.environment, self.secrets, self._words),
            ),
            Contradiction(
                ("secrets",),
                lambda: secrets_problem([":".join(arn.split(":")[:7]) for arn in self.secrets.values()]),
            ),
            Contradiction(("migration.command",), lambda: self._migration_problem(project)),
            self._between(
                _requests_problem,
                requests="scaling.requests_per_target",
                max_count="scaling.max_count",
                strategy="deployment.strategy",
            ),
        ]

    def _between(
        self, problem: Callable[..., str | None], only: tuple[str, str] | None = None, /, **of: Any
    ) -> Contradiction:
        """What `problem` has against the values at these paths, which its messages call by them; with `only`, where
        the setting at that path has that value."""
        at = {name: path for name, path in of.items() if name not in ("why", "whole_partition")}
        others = {name: each for name, each in of.items() if name not in at}

        def ask() -> str | None:
            if only and self._at(only[0]) != only[1]:
                return None
            return problem(
                **{name: self._at(path) for name, path in at.items()},
                **others,
                called=lambda name: key_of(at[name]) if name in at else name,
            )

        return Contradiction((*at.values(), *((only[0],) if only else ())), ask)

    def _at(self, path: str) -> Any:
        value: Any = self
        for name in path.split("."):
            value = getattr(value, name)
        return value

    def _grace_problem(self) -> str | None:
        seconds = self.service.health_check_grace_period_seconds
        start = ContainerHealthCheck.start_period_seconds if self.container.health_check_command else 0
        return grace_problem(
            default_grace_seconds(self.service.task_start_seconds) if seconds is None else seconds,
            start,
            self.service.called("health_check_grace_period_seconds"),
        )

    def _room_problem(self) -> str | None:
        instances, task = self.instances, self.task
        if not self.service.is_on_instances or architecture_of(instances.instance_type) != task.cpu_architecture:
            return None
        if instances.max_size < max(1, instances.min_size):
            return None
        most, max_count = self.service.desired_count, self.scaling.max_count
        if max_count is not None:
            most = most_tasks(max(most, max_count), self.scaling.schedule)
        groups = {"instance_type": "instances", "max_size": "instances"}
        return room_problem(
            instances.instance_type,
            instances.max_size,
            task.cpu_units,
            task.memory_mib,
            tasks=most,
            surplus=most if self.deployment.shifts_traffic else 1,
            own_addresses=task.has_own_address,
            apart="distinctInstance" in self.placement.constraints,
            called=lambda name: key_of(f"{groups.get(name, 'task')}.{name}"),
        )

    @property
    def _words(self) -> list[str]:
        command: Any = self.container.health_check_command
        return [plain(command)] if command else []

    def _migration_problem(self, project: str) -> str | None:
        command: Any = self.migration.command
        return None if command is None else overrides_problem(project, command, self.migration.called("command"))


def project_name_problem(name: str) -> str | None:
    """Why a project cannot have this name; None where it can."""
    if _PROJECT.fullmatch(name) and not name.startswith(_RESERVED):
        return None
    return (
        f"got {shown(name)}, expected 2 to 14 lower-case letters, digits and -, starting with a letter and not with "
        f"{', '.join(_RESERVED)}, since load balancers and buckets are named after it; change it"
    )


def _names(project: str, stack: str) -> dict[str, str]:
    """What is wrong with the names of project and stack, of which those of the resources are made."""
    problems = {}
    if problem := project_name_problem(project):
        problems["project"] = f"name: {problem}"
    elif not _STACK.fullmatch(stack):
        problems["stack"] = (
            f"stack: got {shown(stack)}, expected 1 to 100 letters, digits, _ or -, since the task definition is named "
            "after it; choose another with `pulumi stack rename`"
        )
    return problems


def _boundary_problem(arn: str | None, deployed_by: str, called: Names) -> str | None:
    if arn is None or deployed_by != "github":
        return None
    return (
        f"{called('arn')}: got {arn!r} with {called('deployed_by')} github, expected nothing; remove it, "
        "the roles that make bootstrap made have a boundary"
    )


def _stack_of_github_problem(deployed_by: str, stack: str) -> str | None:
    if deployed_by != "github" or re.fullmatch(STACK, stack):
        return None
    return (
        f"deployedBy: got github for stack {stack!r}, expected a stack named by {STACK_MEANT}; "
        "choose another name, or deploy it as administrator"
    )


def _secret_partition_problem(secrets: Mapping[str, str], region: str, called: Names) -> str | None:
    ours = partition_of(region)
    abroad = sorted(name for name, arn in secrets.items() if arn.split(":")[1] != ours)
    if not abroad:
        return None
    return (
        f"{called('secrets')}: got {listed(abroad)} of another partition with {called('region')} {region}, expected "
        f"secrets of {ours}, since no role reaches into another; keep them there"
    )


def _secret_region_problem(secrets: Mapping[str, str], nat_gateways: str, region: str, called: Names) -> str | None:
    abroad = sorted(name for name, arn in secrets.items() if arn.split(":")[3] != region)
    if nat_gateways != "none" or not abroad:
        return None
    return (
        f"{called('secrets')}: got {listed(abroad)} of another region with {called('nat_gateways')} none, expected "
        f"secrets of {region}, since VPC endpoints lead nowhere else; replicate them to {region}, or give the VPC a "
        "NAT gateway"
    )


def _sleep_problem(min_count: int, scaling: ScalingChoices, called: Names) -> str | None:
    if scaling.max_count is None:
        return None
    names = {"schedule": scaling.called("schedule"), "min_count": called("min_count")}
    return sleep_problem(min_count, scaling.schedule, names.__getitem__)


def _insights_problem(insights: str, alarms: bool, called: Names) -> str | None:
    if not alarms or insights != "disabled":
        return None
    return (
        f"{called('insights')}: got 'disabled' with {called('alarms')} true, expected enhanced or enabled, which count "
        f"running tasks; change {called('insights')} or set {called('alarms')} to false"
    )


def _network_mode_problem(requires_compatibilities: str, network_mode: str, called: Names) -> str | None:
    return network_mode_problem([requires_compatibilities], network_mode, called)


def _placement_problem(
    launch_type: str, placement_strategies: Sequence[str], placement_constraints: Sequence[str], called: Names
) -> str | None:
    placement = PlacementChoices(strategies=placement_strategies, constraints=placement_constraints)
    return placement_problem(launch_type, placement.parsed_strategies, placement.parsed_constraints, called)


def _type_problem(
    placement_constraints: Sequence[str], instance_type: str, cpu_architecture: str, called: Names
) -> str | None:
    constraints = PlacementChoices(constraints=placement_constraints).parsed_constraints
    return type_problem(constraints, instance_type, cpu_architecture, called)


def _spot_problem(spot_percent: int, launch_type: str, called: Names) -> str | None:
    if not spot_percent:
        return None
    return (
        f"{called('spot_percent')}: got {spot_percent} with {called('launch_type')} {launch_type}, expected 0; "
        "remove it, or run the service on FARGATE"
    )


def _storage_problem(storage_gib: int | None, launch_type: str, called: Names) -> str | None:
    if storage_gib is None:
        return None
    return (
        f"{called('storage_gib')}: got {storage_gib} with {called('launch_type')} {launch_type}, expected 0; "
        "remove it, on EC2 the disk is the instance's"
    )


def _requests_problem(requests: int | None, max_count: int | None, strategy: str, called: Names) -> str | None:
    if requests is None or max_count is None or strategy == "ROLLING":
        return None
    return (
        f"{called('requests')}: got {requests} with {called('strategy')} {strategy}, expected 0, since requests are "
        "counted by target group and the tasks change theirs; scale by something else, or set "
        f"{called('strategy')} to ROLLING"
    )


def _environment_problem(environment: Mapping[str, str], secrets: Mapping[str, str], called: Names) -> str | None:
    twice = sorted(environment.keys() & secrets.keys())
    if not twice:
        return None
    return (
        f"{called('secrets')}: got {listed(twice)}, expected names that {called('environment')} does not have; "
        "keep each in one"
    )


@cache
def keys() -> Mapping[str, Key]:
    """Every setting by its path, in order."""
    return {key.path: key for key in keys_in(Settings)}


def _found(reading: Reading, project: str, stack: str) -> dict[str, str | None]:
    return reading.found(lambda settings: settings.contradictions(project, stack)) | _names(project, stack)


def effective(project: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """What a stack file's `config` means, unchecked: every setting by its path, with the default where there is one."""
    values: dict[str, Any] = {}
    for path, key in keys().items():
        value: Any = configuration
        steps = path.split(".") if ":" in path else f"{project}:{path}".split(".")
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        default = None if key.default is MISSING else key.default
        values[path] = default if value is None else value
    return values


def problems(project: str, stack: str, configuration: Mapping[str, Any]) -> list[str]:
    """What is wrong with a stack file's `config`, before any engine runs."""
    prefix = f"{project}:"
    texts = {str(key).removeprefix(prefix): text_of(value) for key, value in configuration.items()}
    encrypted = {path.removeprefix(prefix) for path in secure_paths(configuration)}
    secret = {key for key in texts if any(path == key or path.startswith((f"{key}.", f"{key}[")) for path in encrypted)}
    reading = Reading(Settings, project, texts, secret, encrypted, has_ciphertexts=True)
    return [problem for problem in _found(reading, project, stack).values() if problem]
