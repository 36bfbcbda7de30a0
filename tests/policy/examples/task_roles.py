from tests.policy import good_stacks
from tests.policy.example import (
    container,
    missing,
    not_applicable,
    passes,
    resource,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import mutant
from tests.policy.stacks import unknown as not_known

FARGATE = {"requiresCompatibilities": ["FARGATE"]}
ECR = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app:1"
AWSLOGS = {"logConfiguration": {"logDriver": "awslogs"}}
SECRET = {"secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:ssm:ap-northeast-1:123456789012:parameter/token"}]}
ROLE = resource("aws:iam/role:Role")

EXAMPLES = {
    "TD-32": [
        violates(
            "an ECR image without a role",
            {"app": task_definition(container(image=ECR), **FARGATE)},
            at={"app.executionRoleArn"},
            says=(
                "TaskDefinition 'app' executionRoleArn: got nothing, expected a role, since container 'app' "
                "pulls from ECR; set executionRoleArn"
            ),
        ),
        violates(
            "on external instances",
            {"app": task_definition(container(image=ECR), requiresCompatibilities=["EXTERNAL"])},
            at={"app.executionRoleArn"},
        ),
        passes(
            "on external instances or EC2, as far as is known",
            {"app": task_definition(container(image=ECR), requiresCompatibilities=["EC2", "EXTERNAL"])},
        ),
        violates(
            "awslogs without a role",
            {"app": task_definition(container(image="nginx", **AWSLOGS), **FARGATE)},
            at={"app.executionRoleArn"},
        ),
        passes(
            "with a role",
            {
                "role": ROLE,
                "app": task_definition(container(image=ECR), executionRoleArn="${role.arn}", **FARGATE),
            },
            preview=True,
        ),
        missing("a public image, no logs", {"app": task_definition(container(image="nginx"), **FARGATE)}),
        unknown(
            "unknown containers",
            {"app": task_definition(containerDefinitions=not_known(), **FARGATE)},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("EC2 has the instance's role", {"app": task_definition(container(image=ECR, **AWSLOGS))}),
    ],
    "TD-33": [
        violates(
            "secrets without a role",
            {"app": task_definition(container(**SECRET), requiresCompatibilities=["EC2"])},
            at={"app.executionRoleArn"},
            says=(
                "TaskDefinition 'app' executionRoleArn: got nothing, expected a role, since container 'app' "
                "is given secrets; set executionRoleArn"
            ),
        ),
        violates(
            "credentials of a registry without a role",
            {"app": task_definition(container(repositoryCredentials={"credentialsParameter": "arn"}))},
            at={"app.executionRoleArn"},
        ),
        violates(
            "secrets of a log driver without a role",
            {
                "app": task_definition(
                    container(logConfiguration={"logDriver": "splunk", "secretOptions": SECRET["secrets"]})
                )
            },
            at={"app.executionRoleArn"},
        ),
        passes(
            "with a role", {"role": ROLE, "app": task_definition(container(**SECRET), executionRoleArn="${role.arn}")}
        ),
        missing("no secrets", {"app": task_definition()}),
        unknown(
            "unknown containers",
            {"app": task_definition(containerDefinitions=not_known())},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("no task definition", {"role": ROLE}),
    ],
    "TD-34": [
        violates(
            "one role for both",
            {
                "role": ROLE,
                "app": task_definition(taskRoleArn="${role.arn}", executionRoleArn="${role.arn}"),
            },
            at={"app.taskRoleArn"},
            says=(
                "TaskDefinition 'app' taskRoleArn: got \"arn:aws:test:ap-northeast-1:123456789012:Role/role\", "
                "expected another role than executionRoleArn; give the application a role of its own, or none"
            ),
        ),
        violates(
            "also in a first preview, when its ARN is unknown",
            {
                "role": ROLE,
                "app": task_definition(taskRoleArn="${role.arn}", executionRoleArn="${role.arn}"),
            },
            at={"app.taskRoleArn"},
            preview=True,
        ),
        violates(
            "a role of another stack for both",
            {"app": task_definition(taskRoleArn="arn:aws:iam::1:role/x", executionRoleArn="arn:aws:iam::1:role/x")},
            at={"app.taskRoleArn"},
        ),
        passes(
            "two roles",
            {
                "role": ROLE,
                "other": ROLE,
                "app": task_definition(taskRoleArn="${role.arn}", executionRoleArn="${other.arn}"),
            },
            preview=True,
        ),
        missing("no task role", {"role": ROLE, "app": task_definition(executionRoleArn="${role.arn}")}),
        unknown(
            "one role comes from another stack",
            {"role": ROLE, "app": task_definition(taskRoleArn=not_known(), executionRoleArn="${role.arn}")},
            not_evaluated={"app.taskRoleArn"},
        ),
        not_applicable("no roles", {"app": task_definition()}),
    ],
}

MUTANTS = {
    "TD-34": [mutant("one role for both", good_stacks.FARGATE, "app", taskRoleArn="${executionRole.arn}")],
    "TD-32": [mutant("no role", good_stacks.FARGATE, "app", executionRoleArn=None)],
    "TD-33": [mutant("no role", good_stacks.EC2, "app", executionRoleArn=None, container=SECRET)],
}
