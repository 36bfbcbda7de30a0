"""IAM roles of tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ecs_policy.image_reference import parse_image
from ecs_policy.model import Container, Role, TaskDefinition
from ecs_policy.rule import Level, Problem, Quote, Severity, resource_rule, stack_rule
from ecs_policy.values import NotEvaluated

_EXECUTION_ROLE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"
_Need = tuple[str, Quote | None]
"""Why a container needs the role, empty where it does not, and what AWS answers to one without."""


_SAID_EXEC_ROLE_FARGATE = Quote(
    "Fargate requires task definition to have execution role ARN to support ECR images.",
    "https://github.com/hashicorp/terraform-provider-aws/issues/3051",
)


@resource_rule(
    "TD-32 exec-role-fargate",
    on=TaskDefinition,
    title="A task on Fargate or external instances that pulls from ECR or logs to CloudWatch has an execution role",
    why="There the agent has no instance role to fall back on.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=_EXECUTION_ROLE,
)
def exec_role_fargate(task_definition: TaskDefinition) -> Iterator[Problem]:
    if not task_definition["executionRoleArn"].given and (
        task_definition.for_fargate or task_definition.only_for("EXTERNAL")
    ):
        yield from _needs_role(task_definition, _fargate_need)


def _fargate_need(container: Container) -> _Need:
    if container["logConfiguration"]["logDriver"].text() == "awslogs":
        return "logs by awslogs", None
    image = parse_image(container["image"].text() or "")
    said = _SAID_EXEC_ROLE_FARGATE if container.task_definition.for_fargate else None
    return ("pulls from ECR", said) if image is not None and image.ecr_region else ("", None)


_SAID_EXEC_ROLE_SECRETS = Quote(
    "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
    "https://github.com/hashicorp/terraform-provider-aws/issues/6503",
)


@resource_rule(
    "TD-33 exec-role-secrets",
    on=TaskDefinition,
    title="A task that is given secrets has an execution role",
    why="The agent fetches secrets and registry credentials with the execution role, on every launch type.",
    level=Level.REJECTED,
    source=_EXECUTION_ROLE,
)
def exec_role_secrets(task_definition: TaskDefinition) -> Iterator[Problem]:
    if not task_definition["executionRoleArn"].given:
        yield from _needs_role(task_definition, _secrets_need)


def _secrets_need(container: Container) -> _Need:
    if container["secrets"].items():
        return "is given secrets", _SAID_EXEC_ROLE_SECRETS
    if container["logConfiguration"]["secretOptions"].items():
        return "logs with secrets", None
    return "has repositoryCredentials" if container["repositoryCredentials"].given else "", None


def _needs_role(task_definition: TaskDefinition, need: Callable[[Container], _Need]) -> Iterator[Problem]:
    doubt = None
    for container in task_definition.containers:
        try:
            reason, quote = need(container)
        except NotEvaluated as outcome:
            doubt = outcome
            continue
        if reason:
            yield task_definition["executionRoleArn"].problem(
                f"a role, since container '{container.name}' {reason}", "set executionRoleArn", quote=quote
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
