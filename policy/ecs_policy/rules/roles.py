"""The IAM roles that tasks and instances use: who may take them on, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ecs_policy.iam import EXECUTION_POLICY, Grant, grants, listed, matches, policies, statements, trusted_services
from ecs_policy.image_reference import parse_image
from ecs_policy.model import (
    Container,
    InstanceProfile,
    Policy,
    PolicyAttachment,
    Role,
    RolePolicy,
    RolePolicyAttachment,
    TaskDefinition,
)
from ecs_policy.rule import Level, Option, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import NotEvaluated, independently, plain, quoted

_TASKS = "ecs-tasks.amazonaws.com"
_INSTANCES = ("ec2.amazonaws.com", "ec2.amazonaws.com.cn")
_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"


@resource_rule(
    "IM-01 no-star",
    on=(RolePolicy, Policy, Role, RolePolicyAttachment, PolicyAttachment),
    title="No policy allows every action",
    why="Whoever takes over one task then owns the account.",
    level=Level.PRACTICE,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html",
    frameworks=("Security Hub IAM.1", "CIS AWS Foundations v5.0.0 1.15"),
)
def no_star(owner: RolePolicy | Policy | Role | RolePolicyAttachment | PolicyAttachment) -> Iterator[Problem]:
    if isinstance(owner, (RolePolicyAttachment, PolicyAttachment)):
        yield from _not_administrator(owner["policyArn"])
    elif isinstance(owner, Role):
        arns = owner["managedPolicyArns"]
        inline = owner["inlinePolicies"]
        yield from independently(
            [
                *(_not_administrator(each) for each in arns.items()),
                *(_no_star_in(each["policy"]) for each in inline.items()),
            ]
        )
    else:
        yield from _no_star_in(owner["policy"])


def _not_administrator(arn: Value) -> Iterator[Problem]:
    if arn.unknown and arn.resource.stack.candidates(arn, Policy):
        return  # the stack's own, whose text is looked at
    if (arn.text() or "").endswith(":iam::aws:policy/AdministratorAccess"):
        yield arn.problem("a policy that allows what is needed", "write a policy with the actions that are needed")


def _no_star_in(document: Value) -> Iterator[Problem]:
    if document.given:
        yield from independently(_no_star_in_statement(document, each) for each in statements(document))


def _no_star_in_statement(document: Value, statement: Value) -> Iterator[Problem]:
    if statement["Effect"].text() != "Allow":
        return
    for action in listed(statement["Action"]):
        if action.text() in ("*", "*:*"):
            yield Problem(
                document.resource.urn,
                document.location,
                f"{document.resource.label} {document.location}: got {action.shown()} as an allowed action, expected "
                "the actions that are needed; name them",
            )


_SAID_TRUST_ECS_TASKS = Quote(
    "ECS was unable to assume the role",
    "https://github.com/aws-samples/aws-modern-application-workshop/issues/149",
)


@stack_rule(
    "IM-02 trust-ecs-tasks",
    on=(TaskDefinition, InstanceProfile),
    title="Roles of tasks are for ECS tasks and nobody else, roles of instances for EC2",
    why="RegisterTaskDefinition takes any role; a task whose role ECS may not assume is started and stopped for ever.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=f"{_GUIDE}/task-iam-roles.html",
    options={
        "alsoTrusted": Option(
            schema={"type": "array", "items": {"type": "string"}, "default": []},
            about="Principals that roles of tasks may trust beside `ecs-tasks.amazonaws.com`; `*` stands for any text.",
        )
    },
)
def trust_ecs_tasks(owner: TaskDefinition | InstanceProfile, options: Mapping[str, Any]) -> Iterator[Problem]:
    if isinstance(owner, InstanceProfile):
        role = owner["role"].one(Role)
        if role is not None:
            services, _ = trusted_services(role)
            if not services.intersection(_INSTANCES):
                yield _not_trusted(role, _INSTANCES[0], f"the instances of {owner.label}", None)
        return
    also = options["alsoTrusted"]
    yield from independently(_for_tasks(owner[key], also) for key in ("executionRoleArn", "taskRoleArn"))


def _for_tasks(reference: Value, also: list[str]) -> Iterator[Problem]:
    role = reference.one(Role)
    if role is None:
        return
    services, others = trusted_services(role)
    if _TASKS not in services:
        yield _not_trusted(role, _TASKS, f"{reference.location} of {reference.resource.label}", _SAID_TRUST_ECS_TASKS)
        return
    strangers = sorted(services - {_TASKS}) + [each.text() or "" for each in others]
    strangers = [each for each in strangers if not any(matches(pattern, each) for pattern in also)]
    if strangers:
        yield _trust(
            role,
            f"{quoted(strangers)} beside {_TASKS}, expected nobody else to assume a role of tasks; remove them, or "
            "add them to alsoTrusted of this rule",
            ours=True,
        )


def _not_trusted(role: Role, principal: str, user: str, quote: Quote | None) -> Problem:
    return _trust(
        role,
        f"no trust in {principal}, expected it since the role is for {user}; allow that service sts:AssumeRole",
        quote=quote,
    )


def _trust(role: Role, what: str, *, quote: Quote | None = None, ours: bool = False) -> Problem:
    return Problem(role.urn, "assumeRolePolicy", f"{role.label} assumeRolePolicy: got {what}", quote, ours)


_SAID_EXEC_ROLE_PERMS = Quote(
    "ResourceInitializationError: unable to pull secrets or registry auth",
    "https://github.com/aws/copilot-cli/issues/3104",
)


@stack_rule(
    "IM-03 exec-role-perms",
    on=TaskDefinition,
    title="The execution role may do what starting the task takes",
    why="ECS pulls the image, fetches the secrets and opens the log with this role. What it may not do shows minutes "
    "later, as tasks that stop at once.",
    beyond="Service control policies, permission boundaries, policies of keys and secrets, and if secrets exist.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=f"{_GUIDE}/task_execution_IAM_role.html",
)
def exec_role_perms(task_definition: TaskDefinition) -> Iterator[Problem]:
    reference = task_definition["executionRoleArn"]
    role = reference.one(Role)
    if role is None:
        return
    missing: dict[str, str] = {}
    doubt = None
    for container in task_definition.containers:
        for need in (_for_secrets, _for_log, _for_image):
            try:
                missing.update((each.action, each.why) for each in need(container) if not grants(role, each))
            except NotEvaluated as outcome:
                doubt = doubt or outcome
    if missing:
        yield Problem(
            task_definition.urn,
            reference.location,
            f"{task_definition.label} {reference.location}: got {role.label}, expected a role that may "
            f"{', '.join(missing)} (for {' and '.join(dict.fromkeys(missing.values()))}); allow it in a policy of the "
            f"role, or attach {EXECUTION_POLICY.rpartition('/')[2]} for images and logs",
            _SAID_EXEC_ROLE_PERMS if any(not each.startswith(("logs:", "s3:")) for each in missing) else None,
        )
    elif doubt is not None:
        raise doubt


def _for_secrets(container: Container) -> Iterator[Grant]:
    secrets = (*container["secrets"].items(), *container["logConfiguration"]["secretOptions"].items())
    for secret in secrets:
        yield _secret(secret["valueFrom"], "secrets")
    if container["repositoryCredentials"].given:
        yield _secret(container["repositoryCredentials"]["credentialsParameter"], "registry credentials")
    for file in container["environmentFiles"].items():
        yield Grant("s3:GetObject", file["value"].text() or "*", "environment files")


def _for_log(container: Container) -> Iterator[Grant]:
    log = container["logConfiguration"]
    if log["logDriver"].text() != "awslogs":
        return
    group = plain(log["options"]["awslogs-group"].text() or "*")
    region = plain(log["options"]["awslogs-region"].text() or "*")
    arn = f"arn:*:logs:{region}:*:log-group:{group}"
    if log["options"]["awslogs-create-group"].flag():
        yield Grant("logs:CreateLogGroup", arn, "the log group")
    if _by_role_only(container):
        yield Grant("logs:CreateLogStream", f"{arn}:log-stream:any", "the log")
        yield Grant("logs:PutLogEvents", f"{arn}:log-stream:any", "the log")


def _for_image(container: Container) -> Iterator[Grant]:
    for name in container.image_names if _by_role_only(container) else ():
        image = parse_image(name.text() or "")
        if image is None or not image.ecr_region:
            continue
        repository = f"arn:*:ecr:{image.ecr_region}:*:repository/{image.repository}"
        yield Grant("ecr:GetAuthorizationToken", "*", "the image")
        for action in ("BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage"):
            yield Grant(f"ecr:{action}", repository, "the image")


def _by_role_only(container: Container) -> bool:
    """On EC2 the agent can fall back on the instance's role for images and logs."""
    return container.task_definition.for_fargate


def _secret(reference: Value, why: str) -> Grant:
    text = reference.text() or ""
    if ":secretsmanager:" in text:
        # arn:aws:secretsmanager:region:account:secret:name[:key:stage:version]
        return Grant("secretsmanager:GetSecretValue", ":".join(text.split(":")[:7]), why)
    if text.startswith("arn:"):
        return Grant("ssm:GetParameters", text, why)
    return Grant("ssm:GetParameters", f"arn:*:ssm:*:*:parameter/{text.lstrip('/')}", why)


_READ_SECRETS = ("secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath")


@stack_rule(
    "IM-04 exec-role-secrets-by-name",
    on=TaskDefinition,
    title="The execution role reads secrets and parameters by name, or under a name that they share",
    why="Whoever may register a task definition with this role reads all that a pattern fits, in a task of his own: "
    "`parameter/shop/*` is the shop's, `parameter/*` is everybody's.",
    beyond="What a condition leaves of a pattern.",
    level=Level.PRACTICE,
    severity=Severity.HIGH,
    source="https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html",
    ours=True,
    options={
        "secretPatterns": Option(
            schema={"type": "array", "items": {"type": "string"}, "default": []},
            about="Patterns that policies of execution roles may have for secrets and parameters, as they are written.",
        )
    },
)
def exec_role_secrets_by_name(task_definition: TaskDefinition, options: Mapping[str, Any]) -> Iterator[Problem]:
    role = task_definition["executionRoleArn"].one(Role)
    if role is None:
        return
    known = policies(role)
    yield from independently(_by_name(each, options["secretPatterns"]) for each in known.statements)
    if known.doubt is not None:
        raise known.doubt


def _by_name(statement: Value, allowed: list[str]) -> Iterator[Problem]:
    if statement["Effect"].text() != "Allow" or not _reads_secrets(statement):
        return
    if statement["NotResource"].given:
        raise statement["NotResource"].not_evaluated("is not looked into")
    yield from independently(_named(statement, each, allowed) for each in listed(statement["Resource"]))


def _reads_secrets(statement: Value) -> bool:
    exceptions = statement["NotAction"]
    actions = [each.text() or "" for each in listed(exceptions if exceptions.given else statement["Action"])]
    named = [any(matches(pattern, action) for pattern in actions) for action in _READ_SECRETS]
    return not all(named) if exceptions.given else any(named)


def _named(statement: Value, resource: Value, allowed: list[str]) -> Iterator[Problem]:
    text = resource.text() or ""
    parts = text.split(":", 5)
    service, name = (parts[2], parts[5]) if len(parts) == 6 else ("*", text)
    if text in allowed or not any(matches(service, each) for each in ("secretsmanager", "ssm")):
        return
    name = name.removeprefix("secret:").removeprefix("parameter/")
    shared = re.split(r"[*?]|\$\{", name)[0]
    if shared == name or (shared.endswith(("/", "-", "_", ".")) and "${" not in name):
        return
    if statement["Condition"].filled:
        raise statement["Condition"].not_evaluated("holds under a condition")
    yield Problem(
        resource.resource.urn,
        resource.location,
        f"{resource.resource.label} {resource.location}: got {resource.shown()}, expected the names of the secrets "
        "that the tasks use, or a part of them as in shop/*, since it is a policy of an execution role; name them",
    )
