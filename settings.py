"""The only reader of stack configuration: typed, checked as a whole before anything is created.

Meaning and default of each key are in `Pulumi.yaml`; what a key may hold is in the component that uses it.
"""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_origin

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from components.checks import Check, Contradiction, check_of, one_of, refuse, text, whole
from components.cluster import ContainerInsights
from components.image import CpuArchitecture, ImageVersion, KeepImages, RepositoryName
from components.load_balancer import DeregistrationDelaySeconds, HealthCheckPath
from components.network import AvailabilityZoneCount, IngressCidrs, NatGateways, Port, VpcCidr, vpc_size_problem
from components.service import DesiredCount
from components.task_definition import ContainerUser, LogRetentionDays, fargate_size_problem
from ecs_policy.fargate import TASK_SIZES

Region = Annotated[
    str,
    text(
        r"[a-z]{2}(-[a-z]+)+-[0-9]",
        "the name of an AWS region",
        fix="set it in the stack file, for instance aws:region: ap-northeast-1",
    ),
]
ImageBase = Annotated[
    str, text(r"[a-z0-9][!-~]*", "an image reference", fix="name an image with apt-get, for instance ubuntu:24.04")
]
CpuUnits = Annotated[int, one_of(*TASK_SIZES, fix="choose a task size that Fargate offers")]
MemoryMib = Annotated[
    int,
    whole(
        min(map(min, TASK_SIZES.values())),
        max(map(max, TASK_SIZES.values())),
        fix="choose a task size that Fargate offers",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one stack. Field `desired_count` is key `desiredCount`, and so on."""

    region: Region
    image_version: ImageVersion
    image_base: ImageBase
    repository_name: RepositoryName
    keep_images: KeepImages
    vpc_cidr: VpcCidr
    availability_zone_count: AvailabilityZoneCount
    nat_gateways: NatGateways
    allowed_ingress_cidrs: IngressCidrs
    container_insights: ContainerInsights
    listener_port: Port
    health_check_path: HealthCheckPath
    deregistration_delay_seconds: DeregistrationDelaySeconds
    cpu_architecture: CpuArchitecture
    task_cpu_units: CpuUnits
    task_memory_mib: MemoryMib
    container_port: Port
    container_user: ContainerUser
    log_retention_days: LogRetentionDays
    desired_count: DesiredCount
    deletion_protection: bool

    @classmethod
    def load(cls) -> "Settings":
        """The settings of the current stack. Raises `ArgumentError` that lists every problem."""
        configuration = _configuration()
        values: dict[str, Any] = {}
        problems: dict[str, str | None] = {}
        for name, (key, annotation) in _keys().items():
            values[name], problems[key] = _read(key, annotation, configuration.get(key))
        problems |= _unknown_keys(configuration)
        refuse(f"The configuration in Pulumi.{pulumi.get_stack()}.yaml", problems, _contradictions(values))
        return cls(**values)

    @property
    def name(self) -> str:
        """Name of the components, and so the beginning of the names that AWS shows."""
        return pulumi.get_project()

    @property
    def family(self) -> str:
        """Family of the task definition: of this stack alone, so that revisions count its deployments."""
        return f"{pulumi.get_project()}-{pulumi.get_stack()}"

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


def _keys() -> dict[str, tuple[str, object]]:
    """Field name to configuration key and type."""
    return {field.name: (key_of(field.name), field.type) for field in fields(Settings)}


def key_of(field_name: str) -> str:
    """The configuration key of a field of `Settings`."""
    if field_name == "region":
        return "aws:region"
    first, *rest = field_name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _configuration() -> dict[str, str]:
    """All configuration of the stack, the project's keys without their prefix."""
    prefix = f"{pulumi.get_project()}:"
    everything = {**get_config_env(), **CONFIG.get()}
    return {name.removeprefix(prefix): value for name, value in everything.items()}


def _read(key: str, annotation: object, given: str | None) -> tuple[Any, str | None]:
    """The value of a key, or what is wrong with it."""
    check = check_of(annotation)
    base = getattr(annotation, "__origin__", annotation) if check else annotation
    if base is bool:
        check = Check("true or false", "choose one of the two", lambda value: isinstance(value, bool))
    assert check is not None, f"{key} has no check"
    try:
        value = _parsed(base, given)
    except ValueError:
        value = given
    return value, check.problem(key, value)


def _parsed(base: object, given: str | None) -> object:
    if given is None:
        return None
    if base is bool:
        return {"true": True, "false": False}.get(given, given)
    if base is int:
        return int(given)
    if get_origin(base) is Sequence:
        items = json.loads(given)
        return tuple(items) if isinstance(items, list) else items
    return given


def _unknown_keys(configuration: Iterable[str]) -> dict[str, str]:
    known = [key for key, _ in _keys().values()]
    problems = {}
    for key in sorted(set(configuration) - set(known)):
        if ":" in key:
            continue  # configuration of providers and of Pulumi itself
        alike = difflib.get_close_matches(key, known, n=1)
        fix = f"did you mean {alike[0]}?" if alike else "remove it"
        # The value is not shown: it may be a secret.
        problems[key] = f"{key}: got an unknown key, expected one of those in Pulumi.yaml; {fix}"
    return problems


def _contradictions(values: Mapping[str, Any]) -> list[Contradiction]:
    def between(problem: Callable[..., str | None], *names: str) -> Contradiction:
        keys = tuple(map(key_of, names))
        return Contradiction(keys, lambda: problem(*(values[name] for name in names), *keys))

    return [
        between(vpc_size_problem, "vpc_cidr", "availability_zone_count"),
        between(fargate_size_problem, "task_cpu_units", "task_memory_mib"),
    ]
