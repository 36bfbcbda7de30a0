"""What a cluster measures and what it records, and shells in its containers."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.iam import Grant, grants
from ecs_policy.model import Cluster, Container, Role, Service, TaskDefinition
from ecs_policy.rule import Enforcement, Level, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import independently

_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_EXECUTE_COMMAND = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommandConfiguration.html"
_CHANNELS = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")


@resource_rule(
    "CL-01 insights",
    on=Cluster,
    title="A cluster has Container Insights",
    why="Without it CloudWatch knows the CPU and memory of services, and nothing of tasks that fail.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/ContainerInsights.html",
    frameworks=("Security Hub ECS.12",),
)
def insights(cluster: Cluster) -> Iterator[Problem]:
    settings = cluster["settings"]
    for setting in settings.items():
        if setting["name"].text() == "containerInsights":
            if setting["value"].text() not in ("enabled", "enhanced"):
                yield setting["value"].problem('"enhanced" or "enabled"', "change the setting containerInsights")
            return
    yield settings.problem("the setting containerInsights", 'add it, with the value "enhanced" or "enabled"')


@stack_rule(
    "CL-02 exec-logging",
    on=Cluster,
    title="What is typed in a container's shell is recorded and encrypted",
    why="ECS Exec is a way into production: without a record nobody knows what was done there.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_EXECUTE_COMMAND,
    frameworks=("Checkov CKV_AWS_223", "Checkov CKV_AWS_224"),
)
def exec_logging(cluster: Cluster) -> Iterator[Problem]:
    configuration = cluster["configuration"]["executeCommandConfiguration"]
    if not configuration.given and not any(
        service["enableExecuteCommand"].flag()
        for service in cluster.stack.relation(Service, "cluster", Cluster).of(cluster)
    ):
        return
    yield from independently((_recorded(configuration), _encrypted(configuration)))


def _recorded(configuration: Value) -> Iterator[Problem]:
    logging = configuration["logging"]
    if logging.text() != "OVERRIDE":
        yield logging.problem('"OVERRIDE"', "set logging and logConfiguration, with a log group or bucket for sessions")


def _encrypted(configuration: Value) -> Iterator[Problem]:
    if not configuration["kmsKeyId"].given:
        yield configuration["kmsKeyId"].problem("a KMS key for the session", "set kmsKeyId")
    for target, flag in (
        ("cloudWatchLogGroupName", "cloudWatchEncryptionEnabled"),
        ("s3BucketName", "s3BucketEncryptionEnabled"),
    ):
        log = configuration["logConfiguration"]
        if log[target].given and log[flag].flag() is not True:
            yield log[flag].problem("true", f"encrypt where sessions are recorded, and set {flag} to true")


@resource_rule(
    "CL-02b exec-logging-target",
    on=Cluster,
    title="A cluster that records shell sessions elsewhere says where",
    why="OVERRIDE replaces the container's own log by the one stated, and needs one.",
    level=Level.REJECTED,
    source=_EXECUTE_COMMAND,
)
def exec_logging_target(cluster: Cluster) -> Iterator[Problem]:
    configuration = cluster["configuration"]["executeCommandConfiguration"]
    logging, target = configuration["logging"], configuration["logConfiguration"]
    if logging.text() == "OVERRIDE" and not any(
        target[name].filled for name in ("s3BucketName", "cloudWatchLogGroupName")
    ):
        yield target.problem("a log group or bucket with OVERRIDE", "set logConfiguration, or change logging")
    elif target.given and logging.given and logging.text() != "OVERRIDE":
        yield logging.problem('"OVERRIDE" with logConfiguration', "change logging, or remove logConfiguration")


_SAID_EXEC_COMMAND = Quote(
    "The service couldn't be updated because a valid taskRoleArn is not being used. Specify a valid task "
    "role in your task definition and try again.",
    "https://github.com/aws/aws-cli/issues/6242",
)


@stack_rule(
    "SV-21 exec-command",
    on=Service,
    title="Where ECS Exec is on, tasks can open its channel",
    why="The agent in the container talks to Systems Manager with the task role.",
    level=Level.FAILS,
    source=f"{_GUIDE}/ecs-exec.html",
)
def exec_command(service: Service) -> Iterator[Problem]:
    enabled = service["enableExecuteCommand"]
    task_definition = service.task_definition if enabled.flag() else None
    if task_definition is None:
        return
    yield from _may_talk(service, task_definition)


def _may_talk(service: Service, task_definition: TaskDefinition) -> Iterator[Problem]:
    reference = task_definition["taskRoleArn"]
    role = reference.one(Role)
    if role is None:
        yield reference.problem(
            f"a role, since {service.label} has ECS Exec", "set taskRoleArn", quote=_SAID_EXEC_COMMAND
        )
        return
    missing = [each for each in _CHANNELS if not grants(role, Grant(f"ssmmessages:{each}", "*", "ECS Exec"))]
    if missing:
        yield Problem(
            task_definition.urn,
            reference.location,
            f"{task_definition.label} {reference.location}: got {role.label}, expected a role that may "
            f"{', '.join(f'ssmmessages:{each}' for each in missing)}, since {service.label} has ECS Exec; allow it in "
            "a policy of the role",
        )


_WRITES = ("/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm")
"""Folders that the agent of ECS Exec writes to: with volumes there it has been seen to work on a read-only root.
https://github.com/aws/containers-roadmap/issues/1359"""


@stack_rule(
    "SV-21b exec-writable",
    on=Service,
    title="Where ECS Exec is on, its agent can write",
    why="AWS's page says that the agent needs a writable root file system. Volumes where it writes do, too.",
    level=Level.UNSUPPORTED,
    enforcement=Enforcement.ADVISORY,
    source=f"{_GUIDE}/ecs-exec.html",
)
def exec_writable(service: Service) -> Iterator[Problem]:
    task_definition = service.task_definition if service["enableExecuteCommand"].flag() else None
    if task_definition is not None:
        yield from independently(_can_write(service, each) for each in task_definition.containers)


def _can_write(service: Service, container: Container) -> Iterator[Problem]:
    read_only = container["readonlyRootFilesystem"]
    if not read_only.flag():
        return
    mounted = {each["containerPath"].text() for each in container["mountPoints"].items() if not each["readOnly"].flag()}
    if not mounted.issuperset(_WRITES):
        yield read_only.problem(
            f"false, since {service.label} has ECS Exec",
            f"set it to false, mount volumes on {', '.join(_WRITES)}, or set enableExecuteCommand to false",
        )
