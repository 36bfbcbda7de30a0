"""One container of a task: what runs, with which settings and secrets, and how ECS knows that it is well."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws

from components.arns import ACCOUNT, arn
from components.checks import Arguments, Check, Contradiction, is_plain, kind, listed, one_of, shown, text, whole
from components.network import Port

ContainerName = Annotated[
    str,
    text(r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, _ or -", fix="choose a name that ECS accepts"),
]
_USER = re.compile(r"([1-9][0-9]{0,9})(?::(0|[1-9][0-9]{0,9}))?")
_GREATEST_ID = 2**31 - 1
"""Container runtimes hold ids in signed numbers of 32 bits.
https://github.com/opencontainers/runc/blob/main/libcontainer/user/user.go"""


def _is_user(value: object) -> bool:
    ids = _USER.fullmatch(value) if isinstance(value, str) else None
    return ids is not None and all(int(each or 0) <= _GREATEST_ID for each in ids.groups())


ContainerUser = Annotated[
    str,
    Check(
        f"a user id other than 0, or <user id>:<group id>, in digits, up to {_GREATEST_ID}",
        "name the user that the image was made for; it must not be root",
        _is_user,
    ),
]
StopTimeoutSeconds = Annotated[
    int, whole(2, 120, fix="choose the seconds that the application needs to finish its requests")
]
ContainerMemoryMib = Annotated[int, whole(6, 122_880, fix="choose the MiB that the application may use at most")]
DependencyCondition = Literal["START", "HEALTHY", "COMPLETE", "SUCCESS"]


@dataclass(frozen=True, kw_only=True)
class SecretsManagerSecret:
    """A secret, or one field of it, read when a task starts: a new value needs new tasks, which the next update starts.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html"""

    arn: pulumi.Input[str]
    """The secret's full ARN, with the six characters that Secrets Manager adds."""

    json_key: str = ""
    """The field, where the secret is a JSON object. Default: the secret as a whole."""

    version_stage: str = ""
    """The staging label of the version to read, as `AWSPREVIOUS`. Default: `AWSCURRENT`."""

    version_id: str = ""
    """Or the id of the version. Default: the one with the staging label."""

    kms_key_arn: pulumi.Input[str] | None = None
    """The key it is encrypted with. Default: AWS's own, which needs no permission."""

    ACTION = "secretsmanager:GetSecretValue"
    ENDPOINT_SERVICE = "secretsmanager"

    @property
    def value_from(self) -> pulumi.Output[str]:
        """How a container definition names it."""
        part = (self.json_key, self.version_stage, self.version_id)
        return pulumi.Output.concat(self.arn, f":{':'.join(part)}" if any(part) else "")

    def version(self, opts: pulumi.InvokeOutputOptions) -> pulumi.Output[str]:
        """Id of the version that a task gets now; the value is not read.
        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html"""
        if self.version_id:
            return pulumi.Output.from_input(self.version_id)
        stage = self.version_stage or "AWSCURRENT"
        found = aws.secretsmanager.get_secret_versions_output(
            secret_id=self.arn, region=_region(self.arn), opts=opts
        ).versions

        def current(versions: Sequence[Any]) -> str:
            return next((str(each.version_id) for each in versions if stage in each.version_stages), "none")

        version: pulumi.Output[str] = found.apply(current)
        return version


@dataclass(frozen=True, kw_only=True)
class SsmParameter:
    """A parameter of SSM, read when a task starts: a new value needs new tasks, which the next update starts.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html"""

    arn: pulumi.Input[str]
    """The parameter's ARN."""

    kms_key_arn: pulumi.Input[str] | None = None
    """The key it is encrypted with. Default: AWS's own, which needs no permission."""

    ACTION = "ssm:GetParameters"
    ENDPOINT_SERVICE = "ssm"

    @property
    def value_from(self) -> pulumi.Output[str]:
        """How a container definition names it."""
        return pulumi.Output.from_input(self.arn)

    def version(self, opts: pulumi.InvokeOutputOptions) -> pulumi.Output[str]:
        """Number of the version that a task gets now; the value is not decrypted.
        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html"""
        found = aws.ssm.get_parameter_output(
            name=self.arn, region=_region(self.arn), with_decryption=False, opts=opts
        ).version
        # The provider takes all that it tells of a parameter for secret; the version is not.
        return pulumi.Output.unsecret(found).apply(str)


def _region(arn: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.from_input(arn).apply(lambda known: known.split(":")[3])


Secret = SecretsManagerSecret | SsmParameter

_SECRET_ARN = arn(
    "secretsmanager",
    rf"{ACCOUNT}:secret:[A-Za-z0-9/_+=.@!-]{{1,512}}-[A-Za-z0-9]{{6}}",
    "the ARN of a secret in Secrets Manager",
    fix="copy the full ARN, with the six characters at its end",
)
"""https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
`!` is in the names of secrets that other services manage, as rds!db-...; no `*`, `?`, `${` or blank: the ARN is a
resource of the execution role's policy, where they would be patterns."""

_PARAMETER_ARN = arn(
    "ssm",
    rf"{ACCOUNT}:parameter(/[A-Za-z0-9_.-]+){{1,15}}",
    "the ARN of a parameter in SSM",
    fix="copy the full ARN",
)
"""https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"""

_PART = re.compile(
    r":(?P<key>[A-Za-z0-9/_+=.@$-]*):((?P<stage>[A-Za-z0-9/_+=.@-]{1,256}):|:(?P<id>[A-Za-z0-9-]{32,64})?)"
)
"""Field, staging label or version of a secret, as they follow its ARN."""


def parse_secret(text: str) -> Secret:
    """The secret or parameter with this ARN; `<arn>:<field>::` is a field of a secret, `<arn>:<field>:<stage>:` and
    `<arn>:<field>::<version id>` are those of one version. Raises ValueError for others."""
    if _PARAMETER_ARN.accepts(text):
        return SsmParameter(arn=text)
    secret, part = ":".join(text.split(":")[:7]), ":".join(["", *text.split(":")[7:]])
    found = _PART.fullmatch(part)
    if not _SECRET_ARN.accepts(secret) or (part and found is None):
        raise ValueError(text)
    if found is None:
        return SecretsManagerSecret(arn=secret)
    return SecretsManagerSecret(
        arn=secret, json_key=found["key"], version_stage=found["stage"] or "", version_id=found["id"] or ""
    )


def _is_secret(text: str) -> bool:
    try:
        return parse_secret(text) is not None
    except ValueError:
        return False


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _variables(expected: str, accepts: Callable[[str], bool], *, fix: str) -> Check:
    """Variables with values that no message shows: one may be a password, wherever it was meant to go."""

    def problems(given: object) -> Iterator[str]:
        if not isinstance(given, dict):
            yield "nothing" if given is None else "no names"
            return
        for name, value in given.items():
            if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
                yield f"the name {shown(name)}"
            elif not isinstance(value, str) or not accepts(value):
                yield f"{kind(value)} for {name}"

    return Check(
        f"names of letters, digits and _, each with {expected}",
        fix,
        lambda value: next(problems(value), None) is None,
        lambda value: listed(list(problems(value))),
        schema={
            "type": "object",
            "propertyNames": {"pattern": f"^{_VARIABLE.pattern}$"},
            "additionalProperties": {"type": "string"},
        },
    )


Environment = Annotated[
    Mapping[str, pulumi.Input[str]],
    _variables("a string", is_plain, fix="quote values that are no strings; none holds a zero byte"),
]
SecretArns = Annotated[
    Mapping[str, str],
    _variables(
        "the ARN of a Secrets Manager secret or SSM parameter",
        _is_secret,
        fix="give full ARNs; a field of a secret is <arn>:<field>::",
    ),
]


HealthCheckCommand = Annotated[
    pulumi.Input[str],
    Check(
        "a shell command",
        "write what the image's shell can run",
        lambda value: isinstance(value, str) and value.strip() != "" and is_plain(value),
    ),
]


@dataclass(frozen=True, kw_only=True)
class ContainerHealthCheck(Arguments):
    """A command in the container that tells whether it is well. An essential container that is not gets its task
    replaced. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html"""

    command: HealthCheckCommand
    """Shell command that ends with 0 when the container is well; the image must have `/bin/sh` and what it calls."""

    interval_seconds: Annotated[int, whole(5, 300, fix="choose the seconds between two checks")] = 30
    """Seconds between two checks, 5 to 300."""

    timeout_seconds: Annotated[int, whole(2, 60, fix="choose the seconds that a check may take")] = 5
    """Seconds after which a check has failed, 2 to 60."""

    retries: Annotated[int, whole(1, 10, fix="choose how many checks in a row must fail")] = 3
    """Failed checks in a row that make the container unhealthy, 1 to 10."""

    start_period_seconds: Annotated[
        int, whole(0, 300, fix="choose more seconds than the application needs to start")
    ] = 30
    """Seconds after the start in which failed checks do not count, 0 to 300."""


@dataclass(frozen=True, kw_only=True)
class RestartPolicy(Arguments):
    """Restarts the container in its place when it ends, instead of replacing the whole task.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-restart-policy.html"""

    ignored_exit_codes: Sequence[int] = ()
    """Exit codes after which the container is not started again."""

    attempt_period_seconds: Annotated[int, whole(60, 1800, fix="choose the seconds it must have run before")] = 300
    """Seconds that the container must have run to be started again, 60 to 1800."""


@dataclass(frozen=True, kw_only=True)
class ContainerChoices(Arguments):
    """The container of the application."""

    port: Port = 80
    """Port on which the application listens."""

    user: ContainerUser = "33:33"
    """User and group id that the application runs as, not root. 33 is www-data, the image's own user."""

    health_check_command: HealthCheckCommand | None = None
    """Shell command in the container that ends with 0 when the application is well. Empty: the load balancer alone
    decides.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html"""

    stop_timeout_seconds: StopTimeoutSeconds = 30
    """Seconds from the stop signal to the kill. More than the application needs to finish its requests."""

    @property
    def health_check(self) -> ContainerHealthCheck | None:
        """How ECS knows that the application is well."""
        return None if self.health_check_command is None else ContainerHealthCheck(command=self.health_check_command)


@dataclass(frozen=True, kw_only=True)
class Container(Arguments):
    """One container. It runs as an unprivileged user, without any Linux capability, on a read-only root file system.

    `/dev/shm` stays writable: memory that every Linux container has. Ports below 1024 are open to the user by a setting
    of the task's network namespace, not by a capability. Images that write anywhere else, start as root or need a
    capability cannot run so.
    """

    name: ContainerName
    """Name, unique in the task."""

    image_uri: pulumi.Input[str]
    """The image, best by digest: `<repository>@sha256:...`, so that every task of a revision runs the same."""

    user: ContainerUser
    """User (and group) id that it runs as, not root. The image must be made for it."""

    repository_arn: pulumi.Input[str] | None = None
    """ARN of the private ECR repository that holds the image: what the execution role may pull. Default: none, the
    image is public."""

    port: Port | None = None
    """TCP port on which it listens. Default: it does not."""

    memory_mib: ContainerMemoryMib | None = None
    """Memory in MiB beyond which it is killed, at least 6: where several containers share a task, so that none takes
    the memory of the others. Default: all that the task has.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"""

    command: Sequence[str] = ()
    """What to run instead of the image's own command."""

    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Environment variables. Everybody who may read task definitions reads them: secrets go to `secrets`."""

    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """Environment variables whose values ECS fetches when a task starts. The execution role may read just these."""

    health_check: ContainerHealthCheck | None = None
    """How ECS knows that it is well. Default: as long as it runs (behind a load balancer: and answers that)."""

    depends_on: Mapping[str, DependencyCondition] = field(default_factory=dict)
    """Other containers of the task to what they must have reached before this one starts: `START`, `HEALTHY`,
    `COMPLETE` (ended) or `SUCCESS` (ended with 0).
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"""

    essential: bool = True
    """Whether the task ends when this container does."""

    restart: RestartPolicy | None = None
    """Whether it is started again in its place when it ends. Default: no."""

    stop_timeout_seconds: StopTimeoutSeconds = ContainerChoices.stop_timeout_seconds
    """Seconds from the stop signal to the kill, 2 to 120. Longer than what it needs to stop gracefully."""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction((), self._dependency_problem),
            Contradiction((), self._environment_problem),
        ]

    def _dependency_problem(self) -> str | None:
        condition = one_of("START", "HEALTHY", "COMPLETE", "SUCCESS", fix="name what the other container must reach")
        found = [condition.problem(f"depends_on[{name!r}]", wanted) for name, wanted in self.depends_on.items()]
        return "\n  - ".join(filter(None, found)) or None

    def _environment_problem(self) -> str | None:
        twice = sorted(self.environment.keys() & self.secrets.keys())
        if not twice:
            return None
        return f"secrets: got {listed(twice)}, expected names that environment does not have; keep each in one of them"


_LONGEST_TASK_DEFINITION = 64 * 1024
_ELSEWHERE = 4 * 1024
"""Bytes of a task definition that are not variables: images, roles, ports, the log."""


def size_problem(
    environment: Mapping[str, object],
    secrets: Mapping[str, str],
    commands: Sequence[str] = (),
    called: str = "environment",
) -> str | None:
    """Why a task definition with all these variables and words is more than ECS registers, in the caller's name of
    `environment`; None when it is not. Values that are not known yet count nothing.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html"""
    known = {name: value if isinstance(value, str) else "" for name, value in environment.items()}
    parts = [
        *({"name": name, "value": value} for name, value in known.items()),
        # Each secret has a label, too, with the version that it had.
        *({"name": name, "valueFrom": value, name: 80 * "-"} for name, value in secrets.items()),
        *commands,
    ]
    size = len(json.dumps(parts))
    if size + _ELSEWHERE <= _LONGEST_TASK_DEFINITION:
        return None
    return (
        f"{called}: got {size} bytes of variables, secrets and commands, expected at most "
        f"{_LONGEST_TASK_DEFINITION - _ELSEWHERE} in a task definition; keep large values in a parameter or a file"
    )


def containers_problem(containers: Sequence[Container]) -> str | None:
    """What is wrong between the containers of one task."""
    return "\n  - ".join(_problems_between(containers)) or None


def _problems_between(containers: Sequence[Container]) -> list[str]:
    by_name = {each.name: each for each in containers}
    found = []
    if len(by_name) < len(containers):
        names = [each.name for each in containers]
        found.append(f"containers: got the names {', '.join(names)}, expected each once; rename one")
    if not any(each.essential for each in containers):
        found.append("containers: got no essential container, expected at least one; set essential of the application")
    ports = [each.port for each in containers if each.port is not None]
    if len(set(ports)) < len(ports):
        shown = ", ".join(map(str, ports))
        found.append(f"containers: got the ports {shown}, expected each once, they share one address; change one")
    for container in containers:
        for name, condition in container.depends_on.items():
            found += _dependency_problems(container.name, name, condition, by_name)
    if not found and _cycle(by_name):
        found.append(
            "containers: got dependencies in a circle, expected one container that can start first; remove one"
        )
    return found


def _dependency_problems(owner: str, name: str, condition: str, by_name: Mapping[str, Container]) -> list[str]:
    where, other = f"depends_on of container {owner!r}", by_name.get(name)
    if other is None or name == owner:
        others = ", ".join(each for each in by_name if each != owner) or "none"
        return [f"{where}: got {name!r}, expected another container of the task ({others}); change the name"]
    if condition == "HEALTHY" and other.health_check is None:
        return [f"{where}: got {name!r} HEALTHY, expected a container with health_check; give it one, or use START"]
    if condition in ("COMPLETE", "SUCCESS") and other.essential:
        return [
            f"{where}: got {name!r} {condition}, expected a container that is not essential, since the task would end "
            "with it; set its essential to False"
        ]
    return []


def _cycle(by_name: Mapping[str, Container]) -> bool:
    started: set[str] = set()
    while ready := [n for n, each in by_name.items() if n not in started and set(each.depends_on) <= started]:
        started.update(ready)
    return len(started) < len(by_name)


_ANY_PORT = {"namespace": "net.ipv4.ip_unprivileged_port_start", "value": "0"}


def definition(
    container: Container,
    *,
    log_options: Mapping[str, Any],
    network_mode: str,
    execute_command: bool,
    lookup: pulumi.InvokeOutputOptions,
) -> dict[str, Any]:
    """The container as ECS's API takes it.

    Labels tell the versions of its secrets, so that a new version is a new revision. `valueFrom` does not name them: a
    task that starts after a rotation needs the new value, whatever its revision.
    """
    linux_parameters: dict[str, Any] = {"capabilities": {"drop": ["ALL"]}}
    if execute_command:
        # Sessions leave processes behind that nobody else would wait for.
        linux_parameters["initProcessEnabled"] = True
    mapping = {"containerPort": container.port, "hostPort": 0 if network_mode == "bridge" else container.port}
    return {
        "name": container.name,
        "image": container.image_uri,
        "essential": container.essential,
        "memory": container.memory_mib,
        "command": list(container.command) or None,
        "environment": [{"name": name, "value": value} for name, value in container.environment.items()],
        "secrets": [{"name": name, "valueFrom": each.value_from} for name, each in container.secrets.items()] or None,
        "dockerLabels": {f"secret-version.{name}": each.version(lookup) for name, each in container.secrets.items()}
        or None,
        "portMappings": [] if container.port is None else [mapping],
        "user": container.user,
        "readonlyRootFilesystem": not execute_command,
        "linuxParameters": linux_parameters,
        "systemControls": [] if container.port is None else [_ANY_PORT],
        "healthCheck": None if container.health_check is None else _health_check(container.health_check),
        "dependsOn": [{"containerName": name, "condition": each} for name, each in sorted(container.depends_on.items())]
        or None,
        "restartPolicy": None if container.restart is None else _restart_policy(container.restart),
        "stopTimeout": container.stop_timeout_seconds,
        "logConfiguration": {"logDriver": "awslogs", "options": log_options},
    }


def _health_check(check: ContainerHealthCheck) -> dict[str, Any]:
    return {
        "command": ["CMD-SHELL", check.command],
        "interval": check.interval_seconds,
        "timeout": check.timeout_seconds,
        "retries": check.retries,
        "startPeriod": check.start_period_seconds,
    }


def _restart_policy(policy: RestartPolicy) -> dict[str, Any]:
    return {
        "enabled": True,
        "ignoredExitCodes": sorted(policy.ignored_exit_codes),
        "restartAttemptPeriod": policy.attempt_period_seconds,
    }
