"""The task definition: which containers run together, with how much CPU and memory, and where their log goes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws

from components import legality
from components.checks import Arguments, Contradiction, Names, as_is, each, one_of, text, whole
from components.container import (
    Container,
    SecretsManagerSecret,
    SsmParameter,
    containers_problem,
    definition,
    size_problem,
)
from components.container_definitions import canonical, container_definitions
from components.documents import Documents
from components.image import CpuArchitecture
from components.log_retention import LogRetentionDays
from components.roles import role
from ecs_policy.fargate import EPHEMERAL_STORAGE_GIB, task_size_problem
from ecs_policy.rules.task_network import fargate_awsvpc

_LONGEST_ROLE_POLICY = 10_240
_OTHER_STATEMENTS = 1_280
"""Characters of the execution role's policy that name no secret: repository, log group, actions."""

Family = Annotated[
    str,
    text(r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, _ or -", fix="choose a name that ECS accepts"),
]
TaskCpuUnits = Annotated[
    int, whole(128, 196_608, fix="choose the CPU that a task needs; Fargate offers certain sizes only")
]
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html"""

TaskMemoryMib = Annotated[
    int, whole(6, 33_554_432, fix="choose the memory that a task needs; Fargate offers certain sizes only")
]
"""6 MiB are the least that Docker takes on newer engines, 32 TiB the most that an instance has."""

RequiresCompatibilities = Annotated[
    Sequence[str], each(one_of("FARGATE", "EC2", fix="name the launch types on which the task is to run"))
]

NetworkMode = Annotated[
    Literal["awsvpc", "bridge"],
    one_of("awsvpc", "bridge", fix="choose how tasks are on the network; Fargate has awsvpc"),
]
EphemeralStorageGib = Annotated[
    int, whole(*EPHEMERAL_STORAGE_GIB, fix="choose a size, or leave it out for the 20 GiB that every task has")
]


@dataclass(frozen=True, kw_only=True)
class TaskChoices(Arguments):
    """The task: CPU, memory, processor, network mode, disk and log."""

    cpu_units: TaskCpuUnits = 256
    """CPU of a task, 1024 units are one vCPU. With FARGATE one of its sizes.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html"""

    memory_mib: TaskMemoryMib = 512
    """Memory of a task in MiB. With FARGATE one of the sizes that go with the CPU."""

    cpu_architecture: CpuArchitecture = "X86_64"
    """Processor that the image is built for and tasks run on."""

    network_mode: NetworkMode = "awsvpc"
    """`awsvpc`: each task has an address and a security group of its own, as on Fargate always. `bridge`, for EC2 only:
    tasks share the instance's address, on ports that Docker chooses; more of them fit on an instance.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking.html"""

    ephemeral_storage_gib: EphemeralStorageGib | None = None
    """With FARGATE, disk of a task in GiB. 0 is the 20 GiB that every task has, which are free.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html"""

    log_retention_days: LogRetentionDays = 365
    """Days that CloudWatch Logs keeps the application's log, and what the managed firewall stopped.
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

    @property
    def has_own_address(self) -> bool:
        """Whether each task has an address of its own."""
        return self.network_mode == "awsvpc"


@dataclass(frozen=True, kw_only=True)
class TaskDefinitionArgs(TaskChoices):
    """Arguments of `TaskDefinition`."""

    family: Family
    """Name that all revisions share, unique in the account and region."""

    containers: Sequence[Container]
    """What runs together on one host. At least one is essential."""

    requires_compatibilities: RequiresCompatibilities = ("FARGATE",)
    """Launch types on which the task must be able to run, `FARGATE` and `EC2`. The service's must be among them.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html"""

    execute_command_log_group_arn: pulumi.Input[str] | None = None
    """Log group in which the cluster records the sessions of ECS Exec, if there shall be any: the task role may then
    open them. Their agent writes to the root file system, so it is no longer read-only. Default: no ECS Exec.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(("requires_compatibilities", "cpu_units", "memory_mib"), self._size_problem),
            Contradiction((), lambda: containers_problem(self.containers)),
            Contradiction((), self._total_problem),
            Contradiction(
                ("requires_compatibilities", "network_mode"),
                lambda: network_mode_problem(self.requires_compatibilities, self.network_mode),
            ),
            Contradiction(("requires_compatibilities", "ephemeral_storage_gib"), self._storage_problem),
        ]

    def _size_problem(self) -> str | None:
        fits = "FARGATE" not in self.requires_compatibilities
        return None if fits else fargate_size_problem(self.cpu_units, self.memory_mib)

    def _total_problem(self) -> str | None:
        named = [(f"{each.name}.{name}", each) for each in self.containers for name in each.environment]
        variables = {name: owner.environment[name.partition(".")[2]] for name, owner in named}
        arns = {
            f"{each.name}.{name}": secret.arn if isinstance(secret.arn, str) else ""
            for each in self.containers
            for name, secret in each.secrets.items()
        }
        words = [
            *(word for each in self.containers for word in each.command),
            *(each.health_check.command for each in self.containers if each.health_check),
        ]
        known = [word for word in words if isinstance(word, str)]
        found = [size_problem(variables, arns, known, "containers"), secrets_problem(list(arns.values()), "containers")]
        return "\n  - ".join(filter(None, found)) or None

    def _storage_problem(self) -> str | None:
        if self.ephemeral_storage_gib is None or "EC2" not in self.requires_compatibilities:
            return None
        return (
            f"ephemeral_storage_gib: got {self.ephemeral_storage_gib} with EC2 in requires_compatibilities, expected "
            "nothing; remove it, on EC2 the disk is the instance's"
        )


class TaskDefinition(pulumi.ComponentResource):
    """A task definition with its log group and its two roles.

    The execution role may pull these images, read these secrets and write this log group, nothing else; the task role,
    which the application holds, may do nothing (with ECS Exec: open its sessions).

    Each change is a new revision. Old revisions stay registered, which costs nothing, because a rollback needs one;
    `pulumi destroy` leaves them behind, too.

    Not done here: volumes, a log router, permissions of the application's own.
    """

    TYPE = "h4b:task_definition:TaskDefinition"

    arn: pulumi.Output[str]
    """With the revision, so that a service pins it."""

    log_group_name: pulumi.Output[str]
    task_role_name: pulumi.Output[str]
    """What to attach the application's permissions to."""

    def __init__(self, name: str, args: TaskDefinitionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        execute_command = args.execute_command_log_group_arn is not None
        documents = Documents()

        log_group = aws.cloudwatch.LogGroup(name, retention_in_days=args.log_retention_days, opts=child)
        execution_role = role(name, "execution", self)
        task_role = role(name, "task", self)
        policies = [
            aws.iam.RolePolicy(
                f"{name}-execution",
                role=execution_role.name,
                policy=documents.role_policy(f"{name}-execution", _execution_policy(args.containers, log_group.arn)),
                opts=child,
            )
        ]
        if args.execute_command_log_group_arn is not None:
            policies.append(
                aws.iam.RolePolicy(
                    f"{name}-task",
                    role=task_role.name,
                    policy=documents.role_policy(
                        f"{name}-task", _execute_command_policy(args.execute_command_log_group_arn)
                    ),
                    opts=child,
                )
            )

        log_options = {
            "awslogs-group": log_group.name,
            "awslogs-region": log_group.region,
            "awslogs-stream-prefix": args.family,
            # A slow log must not make the application wait.
            "mode": "non-blocking",
            "max-buffer-size": "25m",
        }
        definitions = [
            definition(
                each,
                log_options=log_options,
                network_mode=args.network_mode,
                execute_command=execute_command,
                lookup=pulumi.InvokeOutputOptions(parent=self),
            )
            for each in args.containers
        ]
        documents.say(f"aws:ecs/taskDefinition:TaskDefinition::{name}", "containerDefinitions", canonical(definitions))
        task_definition = aws.ecs.TaskDefinition(
            name,
            family=args.family,
            requires_compatibilities=list(args.requires_compatibilities),
            network_mode=args.network_mode,
            cpu=str(args.cpu_units),
            memory=str(args.memory_mib),
            runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
                operating_system_family="LINUX", cpu_architecture=args.cpu_architecture
            ),
            ephemeral_storage=None
            if args.ephemeral_storage_gib is None
            else aws.ecs.TaskDefinitionEphemeralStorageArgs(size_in_gib=args.ephemeral_storage_gib),
            execution_role_arn=execution_role.arn,
            task_role_arn=task_role.arn,
            container_definitions=pulumi.Output.from_input(definitions).apply(container_definitions),
            skip_destroy=True,
            # A role without its policy would make the first tasks fail.
            opts=pulumi.ResourceOptions(parent=self, depends_on=policies),
        )

        self.arn = task_definition.arn
        self.log_group_name = log_group.name
        self.task_role_name = task_role.name
        self.register_outputs(
            {
                "arn": self.arn,
                "logGroupName": self.log_group_name,
                "taskRoleName": self.task_role_name,
                **documents.outputs,
            }
        )


def secrets_problem(arns: Sequence[str], called: str = "secrets") -> str | None:
    """Why the execution role's policy cannot name so many secrets, in the caller's name of the argument.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    distinct = set(arns)
    length = sum(len(each) + len('"",') for each in distinct)
    if length <= _LONGEST_ROLE_POLICY - _OTHER_STATEMENTS:
        return None
    return (
        f"{called}: got {len(distinct)} ARNs of {length} characters together, expected at most "
        f"{_LONGEST_ROLE_POLICY - _OTHER_STATEMENTS} in the execution role's policy; keep several values as fields of "
        "one secret"
    )


def fargate_size_problem(cpu_units: int, memory_mib: int, called: Names = as_is) -> str | None:
    """Why Fargate does not offer this task size, in the caller's names of the two arguments; None when it does."""
    problem = task_size_problem(cpu_units, memory_mib)
    if problem is None:
        return None
    names = {"cpu": called("cpu_units"), "memory": called("memory_mib")}
    # In one pass: one name may be in the other.
    return re.sub("cpu|memory", lambda found: names[found[0]], problem).replace("\n", "\n  - ")


def network_mode_problem(
    requires_compatibilities: Sequence[str], network_mode: str, called: Names = as_is
) -> str | None:
    """What Fargate has against the network mode, in the words of the policy pack; None when it has nothing."""
    inputs = {"requiresCompatibilities": list(requires_compatibilities), "networkMode": network_mode}
    names = {
        "networkMode": called("network_mode"),
        "requiresCompatibilities": called("requires_compatibilities"),
    }
    return legality.problem(legality.TASK_DEFINITION, inputs, (fargate_awsvpc,), names)


def _execution_policy(containers: Sequence[Container], log_group_arn: pulumi.Input[str]) -> Mapping[str, Any]:
    statements: list[dict[str, Any]] = []
    repositories = [each.repository_arn for each in containers if each.repository_arn is not None]
    if repositories:
        statements += [
            {
                "Sid": "LogIn",
                "Effect": "Allow",
                "Action": "ecr:GetAuthorizationToken",
                # The action knows no resource.
                "Resource": "*",
            },
            {
                "Sid": "Pull",
                "Effect": "Allow",
                "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                "Resource": _one_or_all(repositories),
            },
        ]
    statements.append(
        {
            "Sid": "Log",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": pulumi.Output.concat(log_group_arn, ":*"),
        }
    )
    secrets = [secret for each in containers for secret in each.secrets.values()]
    for kind, sid in ((SecretsManagerSecret, "ReadSecrets"), (SsmParameter, "ReadParameters")):
        arns = [secret.arn for secret in secrets if isinstance(secret, kind)]
        if arns:
            statements.append({"Sid": sid, "Effect": "Allow", "Action": kind.ACTION, "Resource": _one_or_all(arns)})
    keys = [secret.kms_key_arn for secret in secrets if secret.kms_key_arn is not None]
    if keys:
        statements.append({"Sid": "Decrypt", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": _one_or_all(keys)})
    return {"Version": "2012-10-17", "Statement": statements}


def _one_or_all(arns: Sequence[pulumi.Input[str]]) -> pulumi.Output[Any]:
    """One ARN alone, several as a list, each once."""

    def told(known: Sequence[str]) -> str | list[str]:
        distinct = sorted(set(known))
        return distinct[0] if len(distinct) == 1 else distinct

    return pulumi.Output.all(*arns).apply(told)


def _execute_command_policy(log_group_arn: pulumi.Input[str]) -> Mapping[str, Any]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html#ecs-exec-required-iam-permissions"""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OpenSessions",
                "Effect": "Allow",
                "Action": [
                    "ssmmessages:CreateControlChannel",
                    "ssmmessages:CreateDataChannel",
                    "ssmmessages:OpenControlChannel",
                    "ssmmessages:OpenDataChannel",
                ],
                # The actions know no resource.
                "Resource": "*",
            },
            {"Sid": "FindTheRecord", "Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
            {
                "Sid": "RecordSessions",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                "Resource": pulumi.Output.concat(log_group_arn, ":*"),
            },
        ],
    }
