"""The only reader of stack configuration: typed, checked as a whole before anything is created.

Meaning and default of each key are in `Pulumi.yaml`; what a key may hold is in the component that uses it.
"""

import difflib
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, get_config_secret_keys_env, is_config_secret

from components.access_logs import AccessLogRetentionDays
from components.alarms import EmailAddress, ErrorPercent, LatencyMilliseconds
from components.arns import REGION, is_listed, partition_of, place_problem
from components.autoscaling import (
    MaxTaskCount,
    RequestsPerTarget,
    Schedule,
    TargetPercent,
    Timezone,
    cause_problem,
    count_problem,
    most_tasks,
    sleep_problem,
)
from components.capacity import (
    InstanceCount,
    InstanceType,
    architecture_of,
    instance_count_problem,
    instance_type_problem,
    is_measured,
    room_problem,
)
from components.certificate import CertificateArn, DomainName, name_length_problem
from components.checks import (
    Check,
    Contradiction,
    check_of,
    is_optional,
    listed,
    one_of,
    refuse,
    required,
    shown,
    takes_outputs,
    text,
    whole,
)
from components.cluster import ContainerInsights
from components.container import (
    ContainerHealthCheck,
    ContainerUser,
    Environment,
    HealthCheckCommand,
    Secret,
    SecretArns,
    StopTimeoutSeconds,
    parse_secret,
    size_problem,
)
from components.deployment import (
    Approval,
    ApprovalStage,
    ApprovalTimeoutMinutes,
    BakeMinutes,
    Deployment,
    StepMinutes,
    StepPercent,
    Strategy,
    approval_problem,
    step_percent_problem,
)
from components.firewall import FirewallChoice
from components.image import CpuArchitecture, ImageBase, ImageVersion, KeepImages, RepositoryName
from components.load_balancer import HTTPS_PORT, alias_problem, port_problem
from components.log_retention import LogRetentionDays
from components.migration import Command, TimeoutMinutes, overrides_problem
from components.network import (
    INSTANCE_ENDPOINT_SERVICES,
    SESSION_ENDPOINT_SERVICES,
    TASK_ENDPOINT_SERVICES,
    AvailabilityZoneCount,
    IngressCidrs,
    NatGateways,
    Port,
    VpcCidr,
    rules_problem,
    vpc_size_problem,
)
from components.permissions_boundary import PermissionsBoundaryArn, bounded
from components.placement import (
    Constraint,
    ConstraintTexts,
    StrategyTexts,
    parse_constraint,
    parse_strategy,
    placement_problem,
    type_problem,
)
from components.placement import Strategy as PlacementStrategy
from components.roles import STACK, STACK_MEANT, taken_from_bootstrap
from components.route import DeregistrationDelaySeconds, HealthCheckPath, TargetType
from components.service import (
    CapacityShare,
    DesiredCount,
    HealthCheckGracePeriodSeconds,
    LaunchType,
    TaskStartSeconds,
    default_grace_seconds,
    grace_problem,
)
from components.task_definition import (
    EphemeralStorageGib,
    NetworkMode,
    TaskCpuUnits,
    TaskMemoryMib,
    fargate_size_problem,
    network_mode_problem,
    secrets_problem,
)
from ecs_policy.values import Hidden, plain

_PRIVATE_NETWORKS = [ipaddress.IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
"""https://datatracker.ietf.org/doc/html/rfc1918"""

Region = Annotated[str, REGION]
HostedZoneId = Annotated[
    str, text(r"Z[A-Z0-9]{1,31}", "the id of a Route 53 hosted zone", fix="copy the id from Route 53, it starts with Z")
]
LoadBalancerScheme = Annotated[
    Literal["internet-facing", "internal"],
    one_of("internet-facing", "internal", fix="choose who can reach the load balancer"),
]
Weight = Annotated[int, whole(0, 1000, fix="choose the part of the tasks relative to the other weight")]
Base = Annotated[int, whole(0, 100_000, fix="choose how many tasks come before the weights")]

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
"""One notation, in the digits that everybody reads."""
_LONGEST_KEY = 100
_LONGEST_BUCKET_NAME = 63 - len("-access-logs-1a2b3c4")
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
_PROJECT = re.compile(r"[a-z][a-z0-9-]{0,12}[a-z0-9]")
"""The longest name made of it that AWS bounds is a target group's: 32 characters with what is added."""
_STACK = re.compile(r"[A-Za-z0-9_-]{1,100}")
_RESERVED = ("aws", "ecs", "fargate", "internal-")
"""How names of capacity providers and of load balancers may not begin.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCapacityProvider.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html"""
DeployedBy = Annotated[
    Literal["administrator", "github"], one_of("administrator", "github", fix="choose who deploys the stack")
]

ForcedDeployment = Annotated[
    str, text(r"[ -~]{1,200}", "1 to 200 printable characters", fix="write a date or a reason, such as 2026-11-28")
]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one stack. Field `desired_count` is key `desiredCount`, and so on.

    Where a field may be None, the key's empty value (`""`, `0`) says so. Where a field takes Outputs, the key may be
    secret; of an object with one secret in it, which is all that Pulumi tells a program, every value is.
    """

    region: Region
    image_version: ImageVersion
    image_base: ImageBase
    repository_name: RepositoryName
    keep_images: KeepImages
    vpc_cidr: VpcCidr
    availability_zone_count: AvailabilityZoneCount
    nat_gateways: NatGateways
    vpc_endpoints: bool
    flow_log_retention_days: LogRetentionDays | None
    allowed_ingress_cidrs: IngressCidrs
    container_insights: ContainerInsights
    launch_type: LaunchType
    fargate_spot_weight: Weight
    fargate_on_demand_weight: Weight
    fargate_on_demand_base: Base
    instance_type: InstanceType
    min_instances: InstanceCount
    max_instances: InstanceCount
    load_balancer_scheme: LoadBalancerScheme
    listener_port: Port
    certificate_arn: CertificateArn | None
    domain_name: DomainName | None
    hosted_zone_id: HostedZoneId | None
    firewall: FirewallChoice
    access_log_retention_days: AccessLogRetentionDays | None
    health_check_path: HealthCheckPath
    deregistration_delay_seconds: DeregistrationDelaySeconds
    cpu_architecture: CpuArchitecture
    task_cpu_units: TaskCpuUnits
    task_memory_mib: TaskMemoryMib
    container_port: Port
    container_user: ContainerUser
    network_mode: NetworkMode
    environment: Environment
    secrets: SecretArns
    health_check_command: HealthCheckCommand | None
    stop_timeout_seconds: StopTimeoutSeconds
    ephemeral_storage_gib: EphemeralStorageGib | None
    execute_command: bool
    log_retention_days: LogRetentionDays
    desired_count: DesiredCount
    placement_strategies: StrategyTexts
    placement_constraints: ConstraintTexts
    task_start_seconds: TaskStartSeconds
    rollback_on_interrupt: bool
    force_new_deployment: ForcedDeployment | None
    health_check_grace_period_seconds: HealthCheckGracePeriodSeconds | None
    migration_command: Command | None
    migration_timeout_minutes: TimeoutMinutes
    deployment_strategy: Strategy
    deployment_step_percent: StepPercent
    deployment_step_minutes: StepMinutes
    deployment_bake_minutes: BakeMinutes
    approval_stage: ApprovalStage | None
    approval_timeout_minutes: ApprovalTimeoutMinutes
    max_count: MaxTaskCount | None
    scaling_cpu_percent: TargetPercent | None
    scaling_memory_percent: TargetPercent | None
    scaling_requests_per_target: RequestsPerTarget | None
    scaling_schedule: Schedule
    scaling_timezone: Timezone
    alarms: bool
    alarm_error_percent: ErrorPercent
    alarm_latency_milliseconds: LatencyMilliseconds
    alarm_email: EmailAddress | None
    dashboard: bool
    permissions_boundary_arn: PermissionsBoundaryArn | None
    deployed_by: DeployedBy
    deletion_protection: bool

    @classmethod
    def load(cls) -> "Settings":
        """The settings of the current stack. Raises `ArgumentError` that lists every problem."""
        configuration, secret = _configuration()
        values: dict[str, Any] = {}
        problems: dict[str, str | None] = {}
        for name, (key, annotation) in _keys().items():
            read = _read_secret if key in secret else _read
            values[name], problems[key] = read(key, annotation, configuration.get(key))
        problems |= _unknown_keys(configuration)
        problems |= _names()
        refuse(f"The configuration in Pulumi.{pulumi.get_stack()}.yaml", problems, _contradictions(values))
        settings = cls(**{name: _as_output(value) for name, value in values.items()})
        for told in settings._unchecked():
            pulumi.log.warn(told)
        return settings

    def _unchecked(self) -> Iterator[str]:
        """What may well be right, and is newer than what is known here."""
        if not is_listed(self.region):
            yield f"aws:region: {self.region} is not known to this version of boto3; it is taken as it is"
        if self.on_instances and not is_measured(self.instance_type):
            yield f"instanceType: what {self.instance_type} has is not known here; not checked: whether tasks fit on it"

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
    def is_internal(self) -> bool:
        """Whether the load balancer is for the VPC alone."""
        return self.load_balancer_scheme == "internal"

    @property
    def listener_ports(self) -> tuple[int, ...]:
        """The ports on which the load balancer listens."""
        is_encrypted = self.certificate_arn is not None or self.domain_name is not None
        return (self.listener_port, HTTPS_PORT) if is_encrypted else (self.listener_port,)

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
        if not self.vpc_endpoints:
            return ()
        return (
            *TASK_ENDPOINT_SERVICES,
            *(INSTANCE_ENDPOINT_SERVICES if self.on_instances else ()),
            *(SESSION_ENDPOINT_SERVICES if self.execute_command else ()),
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
        return {"BASE_IMAGE": self.image_base}

    @property
    def on_instances(self) -> bool:
        """Whether the cluster has instances."""
        return self.launch_type == "EC2"

    @property
    def own_addresses(self) -> bool:
        """Whether each task has an address of its own."""
        return self.network_mode == "awsvpc"

    @property
    def target_type(self) -> TargetType:
        """What the load balancer sends requests to: tasks, or ports of instances."""
        return "ip" if self.own_addresses else "instance"

    @property
    def is_scaled(self) -> bool:
        """Whether something else than a deployment decides how many tasks run."""
        return self.max_count is not None

    def capacity(self, ec2_capacity_provider_name: pulumi.Input[str] | None) -> list[CapacityShare]:
        """How the tasks are divided among capacity providers; empty where all of them are on ordinary Fargate."""
        if ec2_capacity_provider_name is not None:
            return [CapacityShare(provider=ec2_capacity_provider_name)]
        if not self.fargate_spot_weight:
            return []
        return [
            CapacityShare(provider="FARGATE", base=self.fargate_on_demand_base, weight=self.fargate_on_demand_weight),
            CapacityShare(provider="FARGATE_SPOT", weight=self.fargate_spot_weight),
        ]

    @property
    def strategies(self) -> list[PlacementStrategy]:
        """Which instance a task gets."""
        return [parse_strategy(each) for each in self.placement_strategies]

    @property
    def constraints(self) -> list[Constraint]:
        """Which instances a task may get."""
        return [parse_constraint(each) for each in self.placement_constraints]

    @property
    def container_secrets(self) -> dict[str, Secret]:
        """Environment variables that ECS fetches."""
        return {name: parse_secret(arn) for name, arn in self.secrets.items()}

    @property
    def container_health_check(self) -> ContainerHealthCheck | None:
        """How ECS knows that the application is well."""
        return None if self.health_check_command is None else ContainerHealthCheck(command=self.health_check_command)

    @property
    def execute_command_log_days(self) -> int | None:
        """How long sessions are kept: as long as the log."""
        return self.log_retention_days if self.execute_command else None

    @property
    def deployment(self) -> Deployment:
        """How a new revision takes over."""
        approval = None
        if self.approval_stage is not None:
            approval = Approval(stage=self.approval_stage, timeout_minutes=self.approval_timeout_minutes)
        return Deployment(
            strategy=self.deployment_strategy,
            step_percent=self.deployment_step_percent,
            step_minutes=self.deployment_step_minutes,
            bake_minutes=self.deployment_bake_minutes,
            approval=approval,
        )


def _keys() -> dict[str, tuple[str, object]]:
    """Field name to configuration key and type."""
    return {field.name: (key_of(field.name), field.type) for field in fields(Settings)}


def key_of(field_name: str) -> str:
    """The configuration key of a field of `Settings`."""
    if field_name == "region":
        return "aws:region"
    first, *rest = field_name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _configuration() -> tuple[dict[str, str], set[str]]:
    """All configuration of the stack, and which keys hold a secret; the project's keys without their prefix."""
    prefix = f"{pulumi.get_project()}:"
    everything = {**get_config_env(), **CONFIG.get()}
    secret = {name for name in everything if is_config_secret(name)} | set(get_config_secret_keys_env())
    return (
        {name.removeprefix(prefix): value for name, value in everything.items()},
        {name.removeprefix(prefix) for name in secret},
    )


def _read(key: str, annotation: object, given: str | None) -> tuple[Any, str | None]:
    """The value of a key, or what is wrong with it."""
    check = check_of(annotation)
    base = getattr(required(annotation), "__origin__", annotation) if check else annotation
    if base is bool:
        check = Check("true or false", "choose one of the two", lambda value: isinstance(value, bool))
    assert check is not None, f"{key} has no check"
    try:
        value = _parsed(base, given)
    except (ValueError, RecursionError):
        value = given
    if is_optional(annotation) and (value == () or value == (0 if base is int else "")):
        return None, None
    return value, check.refusal(key, _shown(check, value)) if check.problem(key, value) else None


def _shown(check: Check, value: Any) -> str:
    """The value for a message; of an object where none belongs, which `config set --path` makes, only the names."""
    try:
        decoded = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        decoded = None
    return shown(decoded) if isinstance(decoded, (dict, list)) else check.shown(value)


def _read_secret(key: str, annotation: object, given: str | None) -> tuple[Any, str | None]:
    """The value of a secret key, which prints as `[secret]`, or what is wrong with it, which does not show it."""
    check = check_of(annotation)
    if check is None or not takes_outputs(annotation):
        return None, (
            f"{key}: got a secret, expected a value that may be seen, as names, plans and logs show it; "
            "set it again with --plaintext"
        )
    value, problem = _read(key, annotation, given)
    return _hidden(value), problem and check.refusal(key, "a secret that is something else")


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return Hidden(value)
    if isinstance(value, Mapping):
        return {name: _hidden(each) for name, each in value.items()}
    return tuple(map(_hidden, value)) if isinstance(value, tuple) else value


def _as_output(value: Any) -> Any:
    """The value for a resource: what is hidden stays secret there."""
    if isinstance(value, Hidden):
        return pulumi.Output.secret(plain(value))
    if isinstance(value, Mapping):
        return {name: _as_output(each) for name, each in value.items()}
    if isinstance(value, tuple) and any(isinstance(each, Hidden) for each in value):
        return pulumi.Output.secret([plain(each) for each in value])
    return value


def _parsed(base: object, given: str | None) -> object:
    if given is None:
        return None
    if takes_outputs(base) and get_origin(base) is not Mapping:
        base = get_args(base)[0]  # of `pulumi.Input[T]` the T
    if base is bool:
        return {"true": True, "false": False}.get(given, given)
    if base is int:
        return int(given) if _INTEGER.fullmatch(given) else given
    if get_origin(base) is Mapping:
        return json.loads(given)
    if get_origin(base) is Sequence:
        items = json.loads(given)
        return tuple(items) if isinstance(items, list) else items
    return given


def _unknown_keys(configuration: Iterable[str]) -> dict[str, str]:
    known = [key for key, _ in _keys().values()]
    problems = {}
    for key in sorted(set(configuration) - set(known)):
        if key.startswith("aws:"):
            problems[key] = (
                f"{key}: got a setting of Pulumi's default provider, expected aws:region alone: the program makes "
                "its own; remove it, credentials come from the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID)"
            )
            continue
        if ":" in key:
            continue  # configuration of other providers and of Pulumi itself
        alike = difflib.get_close_matches(key, known, n=1) if len(key) <= _LONGEST_KEY else []
        fix = f"did you mean {alike[0]}?" if alike else "remove it"
        # The value is not shown: it may be a secret.
        problems[key] = f"{listed([key])}: got an unknown key, expected one of those in Pulumi.yaml; {fix}"
    return problems


def _names() -> dict[str, str]:
    """What is wrong with the names of project and stack, of which those of the resources are made."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    problems = {}
    if not _PROJECT.fullmatch(project) or project.startswith(_RESERVED):
        problems["project"] = (
            f"name: got {shown(project)} in Pulumi.yaml, expected 2 to 14 lower-case letters, digits and -, starting "
            f"with a letter and not with {', '.join(_RESERVED)}, since load balancers and buckets are named after it; "
            "change it"
        )
    elif not _STACK.fullmatch(stack):
        problems["stack"] = (
            f"stack: got {shown(stack)}, expected 1 to 100 letters, digits, _ or -, since the task definition is named "
            "after it; choose another with `pulumi stack rename`"
        )
    return problems


def _contradictions(values: Mapping[str, Any]) -> list[Contradiction]:
    def between(problem: Callable[..., str | None], *names: str) -> Contradiction:
        keys = tuple(map(key_of, names))
        return Contradiction(keys, lambda: problem(*(values[name] for name in names), *keys))

    return [
        between(vpc_size_problem, "vpc_cidr", "availability_zone_count"),
        between(_way_out_problem, "nat_gateways", "vpc_endpoints"),
        between(_clients_problem, "allowed_ingress_cidrs", "load_balancer_scheme"),
        between(_secret_partition_problem, "secrets", "region"),
        between(_secret_region_problem, "secrets", "nat_gateways", "region"),
        between(_certificate_port_problem, "listener_port", "certificate_arn", "domain_name"),
        between(_certificate_problem, "domain_name", "certificate_arn", "hosted_zone_id"),
        between(_name_length_problem, "domain_name", "certificate_arn"),
        between(_alias_problem, "domain_name", "hosted_zone_id"),
        between(_certificate_place_problem, "certificate_arn", "region"),
        between(_firewall_place_problem, "firewall", "region"),
        between(_boundary_place_problem, "permissions_boundary_arn", "region"),
        between(_boundary_problem, "permissions_boundary_arn", "deployed_by"),
        between(_stack_of_github_problem, "deployed_by"),
        between(_rules_problem, "allowed_ingress_cidrs", "listener_port", "certificate_arn", "domain_name"),
        between(_fargate_size_problem, "launch_type", "task_cpu_units", "task_memory_mib"),
        between(_count_problem, "desired_count", "max_count"),
        between(_sleep_problem, "desired_count", "max_count", "scaling_schedule"),
        between(_schedule_problem, "scaling_schedule", "max_count"),
        between(
            _cause_problem,
            *("scaling_cpu_percent", "scaling_memory_percent", "scaling_requests_per_target", "scaling_schedule"),
            "max_count",
        ),
        between(_insights_problem, "container_insights", "alarms"),
        between(_email_problem, "alarm_email", "alarms"),
        between(_network_mode_problem, "launch_type", "network_mode"),
        between(_placement_problem, "launch_type", "placement_strategies", "placement_constraints"),
        between(_type_constraint_problem, "launch_type", "placement_constraints", "instance_type", "cpu_architecture"),
        between(_grace_problem, "health_check_grace_period_seconds", "health_check_command", "task_start_seconds"),
        between(_instance_type_problem, "launch_type", "instance_type", "cpu_architecture"),
        between(_instance_count_problem, "launch_type", "min_instances", "max_instances"),
        between(
            _room_problem,
            *("launch_type", "instance_type", "cpu_architecture", "min_instances", "max_instances", "task_cpu_units"),
            *("task_memory_mib", "network_mode", "placement_constraints", "desired_count", "max_count"),
            *("scaling_schedule", "deployment_strategy"),
        ),
        between(_spot_problem, "launch_type", "fargate_spot_weight", "fargate_on_demand_weight"),
        between(_storage_problem, "launch_type", "ephemeral_storage_gib"),
        between(step_percent_problem, "deployment_strategy", "deployment_step_percent"),
        between(approval_problem, "deployment_strategy", "approval_stage"),
        between(_environment_problem, "environment", "secrets"),
        between(_definition_problem, "environment", "secrets", "health_check_command"),
        between(_secrets_problem, "secrets"),
        between(_migration_problem, "migration_command"),
        between(_requests_problem, "scaling_requests_per_target", "max_count", "deployment_strategy"),
    ]


def _certificate_port_problem(
    listener_port: int, certificate_arn: str | None, domain_name: str | None, key: str, *_: str
) -> str | None:
    return port_problem(listener_port, certificate_arn is not None or domain_name is not None, key)


def _certificate_problem(
    domain_name: str | None,
    certificate_arn: str | None,
    hosted_zone_id: str | None,
    domain_name_key: str,
    certificate_arn_key: str,
    hosted_zone_id_key: str,
) -> str | None:
    if domain_name is None or certificate_arn is not None or hosted_zone_id is not None:
        return None
    return (
        f"{domain_name_key}: got {domain_name!r} without {certificate_arn_key} and {hosted_zone_id_key}, "
        f"expected one of the two; set {hosted_zone_id_key} to have a certificate issued, or {certificate_arn_key}"
    )


def _alias_problem(domain_name: str | None, hosted_zone_id: str | None, *keys: str) -> str | None:
    return alias_problem(domain_name, hosted_zone_id is not None, *keys)


def _name_length_problem(domain_name: str | None, certificate_arn: str | None, key: str, _: str) -> str | None:
    return None if domain_name is None or certificate_arn is not None else name_length_problem(domain_name, key)


_NONE_FROM_ELSEWHERE = "a load balancer takes none from elsewhere"


def _certificate_place_problem(arn: str | None, region: str, key: str, region_key: str) -> str | None:
    return None if arn is None else place_problem(key, arn, region, region_key, why=_NONE_FROM_ELSEWHERE)


def _firewall_place_problem(firewall: str, region: str, key: str, region_key: str) -> str | None:
    is_arn = firewall.startswith("arn:")
    return place_problem(key, firewall, region, region_key, why=_NONE_FROM_ELSEWHERE) if is_arn else None


def _boundary_place_problem(arn: str | None, region: str, key: str, region_key: str) -> str | None:
    if arn is None:
        return None
    return place_problem(key, arn, region, region_key, why="IAM takes no policy of another", whole_partition=True)


def _boundary_problem(arn: str | None, deployed_by: str, key: str, deployed_by_key: str) -> str | None:
    if arn is None or deployed_by != "github":
        return None
    return (
        f"{key}: got {arn!r} with {deployed_by_key} github, expected nothing; remove it, "
        "the roles that make bootstrap made have a boundary"
    )


def _stack_of_github_problem(deployed_by: str, key: str) -> str | None:
    if deployed_by != "github" or re.fullmatch(STACK, pulumi.get_stack()):
        return None
    return (
        f"{key}: got github for stack {pulumi.get_stack()!r}, expected a stack named by {STACK_MEANT}; "
        "choose another name, or deploy it as administrator"
    )


def _rules_problem(
    cidrs: Sequence[str], listener_port: int, certificate_arn: str | None, domain_name: str | None, key: str, *_: str
) -> str | None:
    is_encrypted = certificate_arn is not None or domain_name is not None
    return rules_problem(cidrs, (listener_port, HTTPS_PORT) if is_encrypted else (listener_port,), key)


def _fargate_size_problem(launch_type: str, cpu_units: int, memory_mib: int, _: str, *keys: str) -> str | None:
    return fargate_size_problem(cpu_units, memory_mib, *keys) if launch_type == "FARGATE" else None


def _definition_problem(
    environment: Mapping[str, str], secrets: Mapping[str, str], health_check: str | None, key: str, *_: str
) -> str | None:
    return size_problem(environment, secrets, [health_check or ""], key)


def _secrets_problem(secrets: Mapping[str, str], key: str) -> str | None:
    return secrets_problem([":".join(arn.split(":")[:7]) for arn in secrets.values()], key)


def _migration_problem(command: Sequence[str] | None, key: str) -> str | None:
    return None if command is None else overrides_problem(pulumi.get_project(), command, key)


def _way_out_problem(
    nat_gateways: str, vpc_endpoints: bool, nat_gateways_key: str, vpc_endpoints_key: str
) -> str | None:
    if nat_gateways != "none" or vpc_endpoints:
        return None
    return (
        f"{nat_gateways_key}: got 'none' with {vpc_endpoints_key} false, expected a way to ECR and CloudWatch Logs, "
        f"without which no task starts; set {vpc_endpoints_key} to true, or {nat_gateways_key} to single"
    )


def _clients_problem(cidrs: Sequence[str], scheme: str, cidrs_key: str, scheme_key: str) -> str | None:
    def is_private(cidr: str) -> bool:
        return any(ipaddress.IPv4Network(cidr).subnet_of(private) for private in _PRIVATE_NETWORKS)

    if scheme == "internal" or not all(map(is_private, cidrs)):
        return None
    return (
        f"{cidrs_key}: got {listed(cidrs)} with {scheme_key} internet-facing, expected public addresses, since "
        f"nobody comes from a private one over the internet; set {scheme_key} to internal, or name the clients' public "
        "networks"
    )


def _secret_partition_problem(secrets: Mapping[str, str], region: str, secrets_key: str, region_key: str) -> str | None:
    ours = partition_of(region)
    abroad = sorted(name for name, arn in secrets.items() if arn.split(":")[1] != ours)
    if not abroad:
        return None
    return (
        f"{secrets_key}: got {listed(abroad)} of another partition with {region_key} {region}, expected secrets of "
        f"{ours}, since no role reaches into another; keep them there"
    )


def _secret_region_problem(
    secrets: Mapping[str, str], nat_gateways: str, region: str, secrets_key: str, nat_gateways_key: str, _: str
) -> str | None:
    abroad = sorted(name for name, arn in secrets.items() if arn.split(":")[3] != region)
    if nat_gateways != "none" or not abroad:
        return None
    return (
        f"{secrets_key}: got {listed(abroad)} of another region with {nat_gateways_key} none, expected secrets of "
        f"{region}, since VPC endpoints lead nowhere else; replicate them to {region}, or give the VPC a NAT gateway"
    )


def _count_problem(desired_count: int, max_count: int | None, *keys: str) -> str | None:
    return None if max_count is None else count_problem(desired_count, max_count, *keys)


def _sleep_problem(desired_count: int, max_count: int | None, schedule: Sequence[str], *keys: str) -> str | None:
    return None if max_count is None else sleep_problem(desired_count, schedule, keys[0], keys[2])


def _schedule_problem(
    schedule: Sequence[str], max_count: int | None, schedule_key: str, max_count_key: str
) -> str | None:
    if not schedule or max_count is not None:
        return None
    return (
        f"{schedule_key}: got a schedule without {max_count_key}, expected none while nothing scales; "
        f"set {max_count_key} or remove {schedule_key}"
    )


def _cause_problem(
    cpu_percent: int | None,
    memory_percent: int | None,
    requests_per_target: int | None,
    schedule: Sequence[str],
    max_count: int | None,
    *keys: str,
) -> str | None:
    if max_count is None:
        return None
    return cause_problem(cpu_percent, memory_percent, requests_per_target, schedule, *keys[:-1])


def _insights_problem(insights: str, alarms: bool, insights_key: str, alarms_key: str) -> str | None:
    if not alarms or insights != "disabled":
        return None
    return (
        f"{insights_key}: got 'disabled' with {alarms_key} true, expected enhanced or enabled, which count running "
        f"tasks; change {insights_key} or set {alarms_key} to false"
    )


def _email_problem(email: str | None, alarms: bool, email_key: str, alarms_key: str) -> str | None:
    if email is None or alarms:
        return None
    return (
        f"{email_key}: got {shown(email)} with {alarms_key} false, expected nobody while there is nothing to tell; "
        f"remove {email_key}, or set {alarms_key} to true"
    )


def _network_mode_problem(launch_type: str, network_mode: str, _launch_type_key: str, key: str) -> str | None:
    problem = network_mode_problem([launch_type], network_mode, key)
    return problem and problem.replace("requires_compatibilities", _launch_type_key)


def _placement_problem(
    launch_type: str, strategies: Sequence[str], constraints: Sequence[str], _: str, *keys: str
) -> str | None:
    return placement_problem(
        launch_type,
        [parse_strategy(each) for each in strategies],
        [parse_constraint(each) for each in constraints],
        *keys,
    )


def _type_constraint_problem(
    launch_type: str, constraints: Sequence[str], instance_type: str, cpu_architecture: str, _: str, *keys: str
) -> str | None:
    if launch_type != "EC2":
        return None
    return type_problem([parse_constraint(each) for each in constraints], instance_type, cpu_architecture, *keys[:2])


def _grace_problem(
    seconds: int | None, health_check: str | None, task_start_seconds: int, key: str, *_: str
) -> str | None:
    start = ContainerHealthCheck.start_period_seconds if health_check else 0
    return grace_problem(default_grace_seconds(task_start_seconds) if seconds is None else seconds, start, key)


def _instance_type_problem(
    launch_type: str, instance_type: str, cpu_architecture: str, _: str, *keys: str
) -> str | None:
    return instance_type_problem(instance_type, cpu_architecture, *keys) if launch_type == "EC2" else None


def _instance_count_problem(launch_type: str, min_instances: int, max_instances: int, _: str, *keys: str) -> str | None:
    return instance_count_problem(min_instances, max_instances, *keys) if launch_type == "EC2" else None


def _room_problem(
    launch_type: str,
    instance_type: str,
    cpu_architecture: str,
    min_instances: int,
    max_instances: int,
    cpu_units: int,
    memory_mib: int,
    network_mode: str,
    constraints: Sequence[str],
    desired_count: int,
    max_count: int | None,
    schedule: Sequence[str],
    strategy: str,
    *keys: str,
) -> str | None:
    if launch_type != "EC2" or architecture_of(instance_type) != cpu_architecture or max_instances < min_instances:
        return None
    most = desired_count if max_count is None else most_tasks(max(desired_count, max_count), schedule)
    return room_problem(
        instance_type,
        max_instances,
        cpu_units,
        memory_mib,
        tasks=most,
        surplus=1 if strategy == "ROLLING" else most,
        own_addresses=network_mode == "awsvpc",
        apart="distinctInstance" in constraints,
        arguments=dict(
            zip(("instance_type", "max_instances", "cpu_units", "memory_mib"), (keys[1], *keys[4:7]), strict=True)
        ),
    )


def _spot_problem(launch_type: str, spot: int, on_demand: int, launch_type_key: str, *keys: str) -> str | None:
    spot_key, on_demand_key = keys
    if launch_type == "EC2" and spot:
        return (
            f"{spot_key}: got {spot} with {launch_type_key} EC2, expected 0; remove it, or run the service on FARGATE"
        )
    if launch_type == "FARGATE" and not spot and not on_demand:
        return f"{on_demand_key}: got 0 with {spot_key} 0, expected one above 0; choose where the tasks are to run"
    return None


def _storage_problem(launch_type: str, storage_gib: int | None, launch_type_key: str, key: str) -> str | None:
    if launch_type != "EC2" or storage_gib is None:
        return None
    return (
        f"{key}: got {storage_gib} with {launch_type_key} EC2, expected 0; remove it, on EC2 the disk is the instance's"
    )


def _requests_problem(
    requests: int | None, max_count: int | None, strategy: str, requests_key: str, _: str, strategy_key: str
) -> str | None:
    if requests is None or max_count is None or strategy == "ROLLING":
        return None
    return (
        f"{requests_key}: got {requests} with {strategy_key} {strategy}, expected 0, since requests are counted "
        f"by target group and the tasks change theirs; scale by something else, or set {strategy_key} to ROLLING"
    )


def _environment_problem(
    environment: Mapping[str, str], secrets: Mapping[str, str], environment_key: str, secrets_key: str
) -> str | None:
    twice = sorted(environment.keys() & secrets.keys())
    if not twice:
        return None
    return f"{secrets_key}: got {listed(twice)}, expected names that {environment_key} does not have; keep each in one"
