import json
from typing import Any

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
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

ECR = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop/app:1"
SECRET = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:db-a1b2c3"
PARAMETER = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/"
EXECUTION_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def trust(*services: str, **principal: Any) -> dict[str, Any]:
    principals = {"Service": list(services), **principal} if services else principal
    statement = {"Effect": "Allow", "Principal": principals, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": statement}
    return resource("aws:iam/role:Role", assumeRolePolicy=json.dumps(document))


TASKS = trust("ecs-tasks.amazonaws.com")
WITH_ROLES = task_definition(executionRoleArn="${role.arn}", taskRoleArn="${role.arn}")


def document(action: object, on: object = "*", effect: str = "Allow", **more: Any) -> str:
    return json.dumps({"Statement": [{"Effect": effect, "Action": action, "Resource": on, **more}]})


def policy(action: object, on: object = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return resource("aws:iam/rolePolicy:RolePolicy", role="${role.name}", policy=document(action, on, effect, **more))


def attached(arn: str) -> dict[str, Any]:
    return resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role="${role.name}", policyArn=arn)


def starting(role: Resources, **fields: Any) -> Resources:
    return {
        "role": TASKS,
        **role,
        "app": task_definition(
            container(**fields), executionRoleArn="${role.arn}", requiresCompatibilities=["FARGATE"]
        ),
    }


SECRETS = [{"name": "DB", "valueFrom": f"{SECRET}:password::"}]

EXAMPLES = {
    "IM-01": [
        violates(
            "everything",
            {"role": TASKS, "all": policy("*")},
            at={"all.policy"},
            says=(
                "RolePolicy 'all' policy: got \"*\" as an allowed action, expected the actions that are needed; "
                "name them"
            ),
        ),
        violates(
            "in a policy, in a list",
            {"all": resource("aws:iam/policy:Policy", policy=document(["s3:GetObject", "*"]))},
            at={"all.policy"},
        ),
        violates(
            "in the role itself",
            {"role": resource("aws:iam/role:Role", inlinePolicies=[{"name": "all", "policy": document("*")}])},
            at={"role.inlinePolicies[0].policy"},
        ),
        violates(
            "AWS's own",
            {"role": TASKS, "all": attached("arn:aws:iam::aws:policy/AdministratorAccess")},
            at={"all.policyArn"},
        ),
        violates(
            "AWS's own, in the role itself",
            {"role": resource("aws:iam/role:Role", managedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])},
            at={"role.managedPolicyArns[0]"},
        ),
        passes("one action", {"role": TASKS, "one": policy("s3:GetObject")}),
        passes("everything denied", {"role": TASKS, "none": policy("*", effect="Deny")}),
        missing("no policy", {"role": TASKS, "empty": resource("aws:iam/policy:Policy")}),
        unknown(
            "an unknown policy",
            {"one": resource("aws:iam/policy:Policy", policy=not_known())},
            not_evaluated={"one.policy"},
        ),
        not_applicable("no policies", {"app": task_definition()}),
    ],
    "IM-02": [
        violates(
            "a role for Lambda",
            {"role": trust("lambda.amazonaws.com"), "app": task_definition(taskRoleArn="${role.arn}")},
            at={"role.assumeRolePolicy"},
            says=(
                "Role 'role' assumeRolePolicy: got no trust in ecs-tasks.amazonaws.com, expected it since the role is "
                "for taskRoleArn of TaskDefinition 'app'; allow that service sts:AssumeRole"
            ),
        ),
        violates(
            "the service's principal instead of the tasks'",
            {"role": trust("ecs.amazonaws.com"), "app": task_definition(executionRoleArn="${role.arn}")},
            at={"role.assumeRolePolicy"},
            preview=True,
        ),
        violates(
            "others beside",
            {"role": trust("ecs-tasks.amazonaws.com", "ec2.amazonaws.com"), "app": WITH_ROLES},
            at={"role.assumeRolePolicy"},
        ),
        violates(
            "everybody beside",
            {"role": trust("ecs-tasks.amazonaws.com", AWS="*"), "app": WITH_ROLES},
            at={"role.assumeRolePolicy"},
        ),
        violates(
            "instances with a role of tasks",
            {"role": TASKS, "profile": resource("aws:iam/instanceProfile:InstanceProfile", role="${role.name}")},
            at={"role.assumeRolePolicy"},
        ),
        passes("tasks", {"role": TASKS, "app": WITH_ROLES}),
        passes(
            "others that the organisation allows",
            {"role": trust("ecs-tasks.amazonaws.com", AWS="arn:aws:iam::123456789012:role/debug"), "app": WITH_ROLES},
            options={"alsoTrusted": ["arn:aws:iam::123456789012:role/*"]},
        ),
        passes(
            "instances",
            {
                "role": trust("ec2.amazonaws.com"),
                "profile": resource("aws:iam/instanceProfile:InstanceProfile", role="${role.name}"),
            },
        ),
        missing(
            "no trust policy",
            {"role": resource("aws:iam/role:Role"), "app": task_definition(taskRoleArn="${role.arn}")},
            at={"role.assumeRolePolicy"},
        ),
        unknown(
            "an unknown trust policy",
            {"role": resource("aws:iam/role:Role", assumeRolePolicy=not_known()), "app": WITH_ROLES},
            not_evaluated={"role.assumeRolePolicy"},
        ),
        unknown(
            "a role of another stack",
            {"app": task_definition(taskRoleArn=not_known())},
            not_evaluated={"app.taskRoleArn"},
        ),
        not_applicable("no roles", {"app": task_definition()}),
    ],
    "IM-03": [
        violates(
            "no policies",
            starting({}, image=ECR),
            at={"app.executionRoleArn"},
            says=(
                "TaskDefinition 'app' executionRoleArn: got Role 'role', expected a role that may "
                "ecr:GetAuthorizationToken, ecr:BatchCheckLayerAvailability, ecr:GetDownloadUrlForLayer, "
                "ecr:BatchGetImage (for the image); allow it in a policy of the role, or attach "
                "AmazonECSTaskExecutionRolePolicy for images and logs"
            ),
        ),
        violates(
            "AWS's policy does not read secrets",
            starting({"aws": attached(EXECUTION_POLICY)}, secrets=SECRETS),
            at={"app.executionRoleArn"},
        ),
        violates(
            "another secret",
            starting({"read": policy("secretsmanager:GetSecretValue", f"{SECRET[:-10]}other-*")}, secrets=SECRETS),
            at={"app.executionRoleArn"},
        ),
        violates(
            "the token for one repository only, which does not exist",
            starting(
                {"pull": policy("ecr:*", "arn:aws:ecr:ap-northeast-1:123456789012:repository/shop/app")}, image=ECR
            ),
            at={"app.executionRoleArn"},
        ),
        violates(
            "a log group to be made, without the permission",
            starting(
                {"aws": attached(EXECUTION_POLICY)},
                logConfiguration={
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/ecs/app", "awslogs-create-group": "true"},
                },
            ),
            at={"app.executionRoleArn"},
        ),
        violates(
            "allowed and denied",
            starting(
                {"read": policy("ssm:*"), "not": policy("ssm:GetParameters", effect="Deny")},
                secrets=[{"name": "A", "valueFrom": "/app/a"}],
            ),
            at={"app.executionRoleArn"},
        ),
        passes("AWS's policy for image and log", starting({"aws": attached(EXECUTION_POLICY)}, image=ECR)),
        passes(
            "a policy for just this log group",
            starting(
                {"write": policy("logs:*", "arn:aws:logs:ap-northeast-1:123456789012:log-group:/ecs/app:*")},
                logConfiguration={
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/ecs/app", "awslogs-region": "ap-northeast-1"},
                },
            ),
        ),
        passes(
            "in the role itself",
            starting(
                {
                    "role": resource(
                        "aws:iam/role:Role",
                        managedPolicyArns=[EXECUTION_POLICY],
                        inlinePolicies=[
                            {"name": "secret", "policy": document("secretsmanager:Get*", f"{SECRET[:-6]}??????")}
                        ],
                    )
                },
                image=ECR,
                secrets=SECRETS,
            ),
        ),
        passes(
            "by a policy of the stack",
            starting(
                {
                    "own": resource("aws:iam/policy:Policy", policy=document(["ssm:GetParameters"])),
                    "attachment": attached("${own.arn}"),
                },
                secrets=[{"name": "A", "valueFrom": "/app/a"}],
            ),
        ),
        passes(
            "all but",
            starting(
                {
                    "role": resource("aws:iam/role:Role", assumeRolePolicy="{}"),
                    "most": resource(
                        "aws:iam/rolePolicy:RolePolicy",
                        role="${role.name}",
                        policy=json.dumps({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}),
                    ),
                },
                image=ECR,
                secrets=SECRETS,
            ),
        ),
        missing("no execution role: TD-32 and TD-33 say so", {"app": task_definition(container(secrets=SECRETS))}),
        unknown(
            "a policy that names what is not known yet",
            starting(
                {
                    "key": resource("aws:kms/key:Key"),
                    "read": resource("aws:iam/rolePolicy:RolePolicy", role="${role.name}", policy="${key.arn}"),
                },
                secrets=SECRETS,
            ),
            not_evaluated={"read.policy"},
        ),
        unknown(
            "under a condition",
            starting(
                {"read": policy("secretsmanager:*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})},
                secrets=SECRETS,
            ),
            not_evaluated={"read.policy.Statement[0].Condition"},
        ),
        unknown(
            "a policy of AWS that this pack does not know",
            starting({"aws": attached("arn:aws:iam::aws:policy/SecretsManagerReadWrite")}, secrets=SECRETS),
            not_evaluated={"aws.policyArn"},
        ),
        not_applicable("nothing to fetch", starting({}, image="httpd:2.4")),
    ],
    "IM-04": [
        violates(
            "all parameters",
            starting({"read": policy("ssm:GetParameters", f"{PARAMETER}*")}),
            at={"read.policy.Statement[0].Resource"},
            says=(
                "RolePolicy 'read' policy.Statement[0].Resource: got "
                '"arn:aws:ssm:ap-northeast-1:123456789012:parameter/*", expected the names of the secrets that '
                "the tasks use, or a part of them as in shop/*, since it is a policy of an execution role; name them"
            ),
        ),
        violates(
            "everything there is",
            starting({"read": policy(["secretsmanager:Get*", "kms:Decrypt"])}),
            at={"read.policy.Statement[0].Resource"},
        ),
        violates(
            "letters, any name, a variable; beside names",
            starting(
                {
                    "read": policy(
                        ["ssm:GetParameter*", "secretsmanager:GetSecretValue"],
                        [
                            f"{PARAMETER}s*",
                            f"{PARAMETER}shop/a",
                            f"{PARAMETER}*/password",
                            f"{SECRET[:-9]}?????-AbCdEf",
                            f"{PARAMETER}shop/${{aws:username}}",
                        ],
                    )
                }
            ),
            at={f"read.policy.Statement[0].Resource[{index}]" for index in (0, 2, 3, 4)},
        ),
        violates(
            "all but",
            starting(
                {
                    "most": resource(
                        "aws:iam/rolePolicy:RolePolicy",
                        role="${role.name}",
                        policy=json.dumps({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}),
                    )
                }
            ),
            at={"most.policy.Statement.Resource"},
        ),
        violates(
            "in the role itself",
            starting(
                {
                    "role": resource(
                        "aws:iam/role:Role",
                        inlinePolicies=[{"name": "read", "policy": document("ssm:*", f"{PARAMETER}*")}],
                    )
                }
            ),
            at={"role.inlinePolicies[0].policy.Statement[0].Resource"},
        ),
        passes("names", starting({"read": policy(["ssm:*", "secretsmanager:*"], [SECRET, f"{PARAMETER}shop/a"])})),
        passes(
            "the characters that Secrets Manager adds",
            starting({"read": policy("secretsmanager:GetSecretValue", f"{SECRET[:-6]}??????")}),
        ),
        passes(
            "what shares a path or the beginning of a name",
            starting(
                {
                    "read": policy(
                        ["ssm:GetParameters", "secretsmanager:GetSecretValue"],
                        [f"{PARAMETER}shop/*", f"{SECRET[:-6]}*", f"{SECRET[:-9]}shop/prod/*"],
                    )
                }
            ),
        ),
        passes(
            "a pattern that the organisation allows",
            starting({"read": policy("ssm:GetParameters", f"{PARAMETER}*")}),
            options={"secretPatterns": [f"{PARAMETER}*"]},
        ),
        passes(
            "patterns of other things",
            starting(
                {
                    "pull": policy(["ecr:GetAuthorizationToken", "logs:PutLogEvents"]),
                    "files": policy(["s3:GetObject", "ssm:GetParameters"], ["arn:aws:s3:::files/*", f"{PARAMETER}a"]),
                    "aws": attached(EXECUTION_POLICY),
                }
            ),
        ),
        passes("a pattern denied", starting({"no": policy("ssm:*", effect="Deny")})),
        passes(
            "a pattern of the application's role",
            {
                "role": TASKS,
                "read": policy("ssm:GetParameters", f"{PARAMETER}*"),
                "app": task_definition(taskRoleArn="${role.arn}"),
            },
        ),
        missing("no execution role", {"app": task_definition()}),
        unknown(
            "a policy that is not known yet",
            starting(
                {"read": resource("aws:iam/rolePolicy:RolePolicy", role="${role.name}", policy=not_known())},
            ),
            not_evaluated={"read.policy"},
        ),
        unknown(
            "a pattern under a condition",
            starting(
                {
                    "read": policy(
                        "secretsmanager:GetSecretValue",
                        Condition={"StringEquals": {"secretsmanager:ResourceTag/app": "shop"}},
                    )
                }
            ),
            not_evaluated={"read.policy.Statement[0].Condition"},
        ),
        not_applicable("no task", {"role": TASKS, "read": policy("ssm:GetParameters")}),
    ],
}

MUTANTS = {
    "IM-02": [
        mutant(
            "Lambda",
            good_stacks.FARGATE,
            "taskRole",
            assumeRolePolicy=trust("lambda.amazonaws.com")["properties"]["assumeRolePolicy"],
        ),
        mutant("tasks", good_stacks.EC2, "instanceRole", assumeRolePolicy=TASKS["properties"]["assumeRolePolicy"]),
    ],
    "IM-03": [
        mutant("the policy is the task role's", good_stacks.FARGATE, "executionRolePolicy", role="${taskRole.name}"),
        mutant("a secret", good_stacks.EC2, "app", container={"secrets": [{"name": "DB", "valueFrom": SECRET}]}),
    ],
    "IM-04": [
        mutant(
            "every secret",
            good_stacks.FARGATE,
            "executionRole",
            inlinePolicies=[{"name": "read", "policy": document("secretsmanager:GetSecretValue")}],
        )
    ],
}
