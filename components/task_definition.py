"""The task definition: which image runs, with how much CPU and memory, as whom, and where its log goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, Contradiction, each, one_of, text, whole
from components.container_definitions import container_definitions
from components.image import CpuArchitecture
from components.log_retention import LogRetentionDays
from components.network import Port
from ecs_policy.fargate import task_size_problem

Family = Annotated[
    str,
    text(r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, _ or -", fix="choose a name that ECS accepts"),
]
ContainerUser = Annotated[
    str,
    text(
        r"[1-9][0-9]{0,9}(:[0-9]{1,10})?",
        "a user id other than 0, or <user id>:<group id>, in digits",
        fix="name the user that the image was made for; it must not be root",
    ),
]
StopTimeoutSeconds = Annotated[
    int, whole(2, 120, fix="choose the seconds that the application needs to finish its requests")
]
RequiresCompatibilities = Annotated[
    Sequence[str], each(one_of("FARGATE", "EC2", fix="name the launch types on which the task is to run"))
]


@dataclass(frozen=True, kw_only=True)
class TaskDefinitionArgs(Arguments):
    """Arguments of `TaskDefinition`."""

    family: Family
    """Name that all revisions share, unique in the account and region."""

    container_name: Family
    """Name of the one container."""

    image_uri: pulumi.Input[str]
    """The image, by digest: `<repository>@sha256:...`, so that every task of a revision runs the same."""

    repository_arn: pulumi.Input[str]
    """ARN of the ECR repository that holds the image: what the execution role may pull."""

    cpu_units: int
    """Task CPU, 1024 units = 1 vCPU. With FARGATE one of its sizes.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html"""

    memory_mib: int
    """Task memory in MiB. With FARGATE one of the sizes that go with `cpu_units`."""

    cpu_architecture: CpuArchitecture
    """Processor to run on: `X86_64` or `ARM64`, the one that the image was built for."""

    container_port: Port
    """TCP port on which the application listens."""

    container_user: ContainerUser
    """User (and group) id that the application runs as, not root. The image must be made for it."""

    requires_compatibilities: RequiresCompatibilities = ("FARGATE",)
    """Launch types on which the task must be able to run, `FARGATE` and `EC2`. The service's must be among them.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html"""

    log_retention_days: LogRetentionDays = 365
    """Days that log lines are kept, one of CloudWatch Logs' steps.
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

    stop_timeout_seconds: StopTimeoutSeconds = 30
    """Seconds from the stop signal to the kill, 2 to 120. Longer than what the application needs to stop gracefully."""

    def contradictions(self) -> list[Contradiction]:
        return [Contradiction(("requires_compatibilities",), self._size_problem)]

    def _size_problem(self) -> str | None:
        fits = "FARGATE" not in self.requires_compatibilities
        return None if fits else fargate_size_problem(self.cpu_units, self.memory_mib)


class TaskDefinition(pulumi.ComponentResource):
    """A task definition with one container, its log group and its two roles.

    The execution role may pull this repository and write this log group, nothing else; the task role, which the
    application holds, may do nothing. The container runs as an unprivileged user, without any Linux capability, on a
    read-only root file system (`/dev/shm` stays writable: memory that every Linux container has). Ports below 1024 are
    open to that user by a setting of the task's own network namespace, not by a capability.

    Each change is a new revision. Old revisions stay registered, which costs nothing, because a rollback needs one;
    `pulumi destroy` leaves them behind, too.

    What the hardening rules out: ECS Exec (its agent writes to the root file system), and images that write anywhere
    else, start as root or need a capability.
    """

    TYPE = "h4b:task_definition:TaskDefinition"

    arn: pulumi.Output[str]
    """With the revision, so that a service pins it."""

    container_name: str
    container_port: int
    log_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: TaskDefinitionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        log_group = aws.cloudwatch.LogGroup(name, retention_in_days=args.log_retention_days, opts=child)
        execution_role = aws.iam.Role(
            f"{name}-execution",
            description="ECS itself: pulls the image and writes the log",
            assume_role_policy=_assumed_by_tasks(),
            opts=child,
        )
        execution_policy = aws.iam.RolePolicy(
            f"{name}-execution",
            role=execution_role.name,
            policy=_execution_policy(args.repository_arn, log_group.arn),
            opts=child,
        )
        task_role = aws.iam.Role(
            f"{name}-task",
            description="The application: may do nothing",
            assume_role_policy=_assumed_by_tasks(),
            opts=child,
        )

        containers = pulumi.Output.all(image=args.image_uri, log_group=log_group.name, region=log_group.region).apply(
            lambda known: container_definitions([_container(args, **known)])
        )
        task_definition = aws.ecs.TaskDefinition(
            name,
            family=args.family,
            requires_compatibilities=list(args.requires_compatibilities),
            network_mode="awsvpc",
            cpu=str(args.cpu_units),
            memory=str(args.memory_mib),
            runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
                operating_system_family="LINUX", cpu_architecture=args.cpu_architecture
            ),
            execution_role_arn=execution_role.arn,
            task_role_arn=task_role.arn,
            container_definitions=containers,
            skip_destroy=True,
            # A role without its policy would make the first tasks fail.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[execution_policy]),
        )

        self.arn = task_definition.arn
        self.container_name = args.container_name
        self.container_port = args.container_port
        self.log_group_name = log_group.name
        self.register_outputs(
            {
                "arn": self.arn,
                "containerName": self.container_name,
                "containerPort": self.container_port,
                "logGroupName": self.log_group_name,
            }
        )


def fargate_size_problem(
    cpu_units: int, memory_mib: int, cpu_argument: str = "cpu_units", memory_argument: str = "memory_mib"
) -> str | None:
    """Why Fargate does not offer this task size, in the caller's names of the two arguments; None when it does."""
    problem = task_size_problem(cpu_units, memory_mib)
    if problem is None:
        return None
    return problem.replace("cpu", cpu_argument).replace("memory", memory_argument)


def _container(args: TaskDefinitionArgs, image: str, log_group: str, region: str) -> dict[str, object]:
    return {
        "name": args.container_name,
        "image": image,
        "portMappings": [{"containerPort": args.container_port}],
        "user": args.container_user,
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
        "systemControls": [{"namespace": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        "stopTimeout": args.stop_timeout_seconds,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": args.family,
                # A slow log must not make the application wait.
                "mode": "non-blocking",
                "max-buffer-size": "25m",
            },
        },
    }


def _assumed_by_tasks() -> pulumi.Output[str]:
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    )


def _execution_policy(repository_arn: pulumi.Input[str], log_group_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
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
                    "Resource": repository_arn,
                },
                {
                    "Sid": "Log",
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": pulumi.Output.concat(log_group_arn, ":*"),
                },
            ],
        }
    )
