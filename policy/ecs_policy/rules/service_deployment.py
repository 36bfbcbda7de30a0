"""What a service deploys, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ecs_policy.fargate import parse_platform_version
from ecs_policy.model import AutoscalingTarget, Service, TaskDefinition
from ecs_policy.rule import Enforcement, Level, Option, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import independently, quoted

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_CREATE_SERVICE = f"{_API}/API_CreateService.html"
_CIRCUIT_BREAKER = f"{_API}/API_DeploymentCircuitBreaker.html"
_FIRST_WITH_FEATURES = (1, 4, 0)
_PINNED = re.compile(r".+:[0-9]+", re.DOTALL)


@resource_rule(
    "SV-17 pin-revision",
    on=Service,
    title="A service pins a revision of its task definition",
    why="A bare family means the latest active revision: what runs then depends on who registered last.",
    level=Level.PRACTICE,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html",
    ours=True,
)
def pin_revision(service: Service) -> Iterator[Problem]:
    value = service["taskDefinition"]
    text = value.text()
    if text is not None and not _PINNED.fullmatch(text):
        yield value.problem(
            "a full ARN or family:revision", "use the task definition's arn, not arnWithoutRevision or family"
        )


@resource_rule(
    "SV-14 circuit-breaker-complete",
    on=Service,
    title="A deployment circuit breaker is complete, and on a rolling deployment",
    why="Only the ECS controller has it, and it takes both settings.",
    level=Level.REJECTED,
    source=_CIRCUIT_BREAKER,
)
def circuit_breaker_complete(service: Service) -> Iterator[Problem]:
    breaker = service["deploymentCircuitBreaker"]
    if not breaker.given:
        return
    yield from independently((_complete(breaker), _rolling(service, breaker)))


def _complete(breaker: Value) -> Iterator[Problem]:
    for key in ("enable", "rollback"):
        if not breaker[key].given:
            yield breaker[key].problem("true or false", f"set {key}")


def _rolling(service: Service, breaker: Value) -> Iterator[Problem]:
    if breaker["enable"].flag() and service.controller != "ECS":
        yield service["deploymentController"]["type"].problem(
            '"ECS" with a circuit breaker', "remove deploymentCircuitBreaker or the controller"
        )


@resource_rule(
    "SV-14b circuit-breaker",
    on=Service,
    title="A rolling deployment that keeps failing is ended and rolled back",
    why="Without a circuit breaker ECS starts failing tasks for ever, and the old revision stays half replaced.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html",
    ours=True,
)
def circuit_breaker(service: Service) -> Iterator[Problem]:
    if not service.rolls:
        return
    breaker = service["deploymentCircuitBreaker"]
    for key in ("enable", "rollback"):
        if breaker[key].flag() is not True:
            yield breaker[key].problem("true", f"set deploymentCircuitBreaker.{key} to true")
            return


@stack_rule(
    "SV-15 desired-count",
    on=Service,
    title="A service has tasks enough to lose one",
    why="With one task every failure and every lost zone is an outage; without desiredCount there is none at all.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_CREATE_SERVICE,
    ours=True,
    options={
        "leastTasks": Option(
            schema={"type": "integer", "minimum": 1, "default": 2}, about="Tasks that a service must have at least."
        )
    },
)
def desired_count(service: Service, options: Mapping[str, Any]) -> Iterator[Problem]:
    if service["schedulingStrategy"].text() == "DAEMON":
        return
    least = int(options["leastTasks"])
    targets = service.stack.relation(AutoscalingTarget, "resourceId", Service).of(service)
    for count in [target["minCapacity"] for target in targets] or [service["desiredCount"]]:
        if (count.number() or 0) < least:
            yield count.problem(f"{least} or more", f"set {count.location} to {least} or more")


_SAID_PLATFORM_VERSION = Quote(
    "The platform version must be null when specifying an EC2 launch type.",
    "https://github.com/aws/amazon-ecs-cli/issues/1040",
)


@stack_rule(
    "SV-16 platform-version",
    on=Service,
    title="A platform version is given on Fargate only, and has what the task needs",
    why="Elsewhere CreateService refuses it. Before 1.4.0 there is no EFS, no ephemeral storage, no shared process "
    "namespace, no single key of a secret, no environment file.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-fargate.html",
)
def platform_version(service: Service) -> Iterator[Problem]:
    value = service["platformVersion"]
    text = value.text()
    if text is None:
        return
    version = parse_platform_version(text)
    if version is None and text != "LATEST":
        yield value.problem('"LATEST" or a version as "1.4.0"', "leave platformVersion out")
        return
    launch_types = service.launch_types.keys()
    if launch_types and launch_types <= {"EC2", "EXTERNAL", "MANAGED_INSTANCES"}:
        quote = _SAID_PLATFORM_VERSION if launch_types == {"EC2"} else None
        yield value.problem("nothing, since the service is not on Fargate", "remove platformVersion", quote=quote)
        return
    task_definition = service.task_definition if version is not None and version < _FIRST_WITH_FEATURES else None
    if task_definition is not None and not task_definition.for_windows:
        needs = [name for name, used in _features(task_definition) if used]
        if needs:
            yield value.problem(
                f"1.4.0 or later, since {task_definition.label} has {quoted(needs)}", "leave platformVersion out"
            )


def _features(task_definition: TaskDefinition) -> Iterator[tuple[str, bool]]:
    for key in ("ephemeralStorage", "pidMode"):
        yield key, task_definition[key].given
    volumes = task_definition["volumes"].items()
    yield "efsVolumeConfiguration", any(each["efsVolumeConfiguration"].given for each in volumes)
    for container in task_definition.containers:
        yield "environmentFiles", container["environmentFiles"].given
        references = [secret["valueFrom"].text() or "" for secret in container["secrets"].items()]
        yield (
            "a key of a secret",
            any(":secretsmanager:" in each and each.count(":") > _COLONS_OF_A_SECRET for each in references),
        )


_COLONS_OF_A_SECRET = 6


@stack_rule(
    "SV-16b current-platform-version",
    on=Service,
    title="A Fargate service runs on the current platform version",
    why="Old versions get no new kernel and no new runtime, and are withdrawn.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-fargate.html",
    frameworks=("Security Hub ECS.10",),
)
def current_platform_version(service: Service) -> Iterator[Problem]:
    value = service["platformVersion"]
    version = parse_platform_version(value.text())
    if version is None or version >= _FIRST_WITH_FEATURES:
        return
    task_definition = service.task_definition
    if task_definition is not None and not task_definition.for_windows:
        yield value.problem('"LATEST" or "1.4.0"', "leave platformVersion out")


@resource_rule(
    "SV-18 managed-tags",
    on=Service,
    title="A service with ECS managed tags says whose tags its tasks carry",
    why="AWS's reference asks for propagateTags with managed tags; without it the cost of tasks cannot be told apart.",
    level=Level.UNSUPPORTED,
    severity=Severity.LOW,
    enforcement=Enforcement.ADVISORY,
    source=_CREATE_SERVICE,
)
def managed_tags(service: Service) -> Iterator[Problem]:
    if service["enableEcsManagedTags"].flag() and not service["propagateTags"].given:
        yield service["propagateTags"].problem(
            'one of "SERVICE", "TASK_DEFINITION", "NONE" with enableEcsManagedTags', "set propagateTags"
        )


@stack_rule(
    "SV-22 ignore-desired-vs-autoscaling",
    on=AutoscalingTarget,
    title="Pulumi leaves the number of tasks to autoscaling",
    why="Every deployment sets desiredCount again, and takes away the tasks that autoscaling has added under load.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source="https://www.pulumi.com/docs/iac/concepts/options/ignorechanges/",
    ours=True,
)
def ignore_desired(target: AutoscalingTarget) -> Iterator[Problem]:
    if target["serviceNamespace"].text() != "ecs" or target["scalableDimension"].text() != "ecs:service:DesiredCount":
        return
    service = target["resourceId"].one(Service)
    if service is not None and not {"desiredCount", "*"}.intersection(service.ignore_changes):
        yield service["desiredCount"].problem(
            f"ignoreChanges to hold desiredCount, since {target.label} scales the service",
            'add the resource option ignoreChanges: ["desiredCount"]',
        )
