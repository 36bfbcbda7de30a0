"""IAM roles of tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ecs_policy.image_reference import parse_image
from ecs_policy.model import Container, Role, TaskDefinition
from ecs_policy.rule import Level, Problem, Severity, resource_rule, stack_rule
from ecs_policy.values import NotEvaluated

_EXECUTION_ROLE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"


@resource_rule(
    "TD-32 exec-role-fargate",
    on=TaskDefinition,
    title="A Fargate task that pulls from ECR or logs to CloudWatch has an execution role",
    why="On Fargate the agent has no instance role to fall back on.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=_EXECUTION_ROLE,
    aws_error="Fargate requires task definition to have execution role ARN to support ECR images.",
    aws_error_source="https://github.com/hashicorp/terraform-provider-aws/issues/3051",
)
def exec_role_fargate(task_definition: TaskDefinition) -> Iterator[Problem]:
    if not task_definition["executionRoleArn"].given and task_definition.for_fargate:
        yield from _needs_role(task_definition, _fargate_need)


def _fargate_need(container: Container) -> str:
    if container["logConfiguration"]["logDriver"].text() == "awslogs":
        return "logs by awslogs"
    image = parse_image(container["image"].text() or "")
    return "pulls from ECR" if image is not None and image.ecr_region else ""


@resource_rule(
    "TD-33 exec-role-secrets",
    on=TaskDefinition,
    title="A task that is given secrets has an execution role",
    why="The agent fetches secrets and registry credentials with the execution role, on every launch type.",
    level=Level.REJECTED,
    source=_EXECUTION_ROLE,
    aws_error="When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
    aws_error_source="https://github.com/hashicorp/terraform-provider-aws/issues/6503",
)
def exec_role_secrets(task_definition: TaskDefinition) -> Iterator[Problem]:
    if not task_definition["executionRoleArn"].given:
        yield from _needs_role(task_definition, _secrets_need)


def _secrets_need(container: Container) -> str:
    if container["secrets"].items() or container["logConfiguration"]["secretOptions"].items():
        return "is given secrets"
    return "has repositoryCredentials" if container["repositoryCredentials"].given else ""


def _needs_role(task_definition: TaskDefinition, need: Callable[[Container], str]) -> Iterator[Problem]:
    doubt = None
    for container in task_definition.containers:
        try:
            reason = need(container)
        except NotEvaluated as outcome:
            doubt = outcome
            continue
        if reason:
            yield task_definition["executionRoleArn"].problem(
                f"a role, since container '{container.name}' {reason}", "set executionRoleArn"
            )
            return
    if doubt is not None:
        raise doubt


@stack_rule(
    "TD-34 roles-differ",
    on=TaskDefinition,
    title="The application does not hold the execution role",
    why="The execution role reads every secret of the task and pulls its images; the application needs neither.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html",
    frameworks=("Checkov CKV_AWS_249",),
)
def roles_differ(task_definition: TaskDefinition) -> Iterator[Problem]:
    task, execution = task_definition["taskRoleArn"], task_definition["executionRoleArn"]
    if not task.given or not execution.given:
        return
    if task.unknown or execution.unknown:
        same = task.one(Role) is execution.one(Role)
    else:
        same = task.text() == execution.text()
    if same:
        yield task.problem("another role than executionRoleArn", "give the application a role of its own, or none")
