import json

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
from tests.policy.stacks import UNKNOWN, Resources, secret
from tests.policy.stacks import unknown as not_known

HERE = "app.containerDefinitions[app]"
UNKNOWN_CONTAINERS: Resources = {"app": task_definition(containerDefinitions=not_known())}
FILE = {"type": "s3", "value": "arn:aws:s3:::settings/app.env"}


def variables(**values: object) -> Resources:
    return {"app": task_definition(container(environment=[{"name": k, "value": v} for k, v in values.items()]))}


def files(*given: object) -> Resources:
    return {"app": task_definition(container(environmentFiles=list(given)))}


EXAMPLES = {
    "TD-39": [
        violates(
            "a password",
            variables(STAGE="prod", DB_PASSWORD="hunter2"),
            at={f"{HERE}.environment[1]"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].environment[1]: got a plain value for DB_PASSWORD, "
                "which by its name is a secret, expected a reference under secrets; keep it in Secrets Manager or "
                "Parameter Store, and replace it where it has been seen"
            ),
        ),
        violates(
            "other spellings",
            variables(
                apiKey="x", **{"github.token": "x"}, AWS_SECRET_ACCESS_KEY="x", DB_PWD="x", ECS_ENGINE_AUTH_DATA="x"
            ),
            at={f"{HERE}.environment[{index}]" for index in range(5)},
        ),
        violates(
            "values that tell",
            variables(
                A="AKIA" + "A" * 16,
                B="-----BEGIN RSA PRIVATE KEY-----\nMII",
                C="postgres://app:hunter2@db:5432/shop",
                D="ghp_" + "a" * 36,
            ),
            at={f"{HERE}.environment[{index}]" for index in range(4)},
            says="",
        ),
        violates(
            "a Pulumi secret, which is plain text in the task definition all the same",
            {
                "app": task_definition(
                    containerDefinitions=secret(json.dumps([container(environment=[{"name": "TOKEN", "value": "x"}])]))
                )
            },
            at={f"{HERE}.environment[0]"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].environment[0]: got a plain value for TOKEN, "
                "which by its name is a secret, expected a reference under secrets; keep it in Secrets Manager or "
                "Parameter Store, and replace it where it has been seen"
            ),
        ),
        passes(
            "names of secrets, switches and ordinary values",
            variables(
                DB_PASSWORD_FILE="/run/secrets/db",
                DB_SECRET="arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:db",
                USE_TOKEN="true",
                API_KEY="",
                URL="https://example.com/a:b@c",
                KEYBOARD="qwerty",
            ),
        ),
        passes(
            "under secrets",
            {"app": task_definition(container(secrets=[{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:x"}]))},
        ),
        passes(
            "a name that the configuration allows", variables(PUBLIC_TOKEN="x"), options={"allowedNames": ["PUBLIC_*"]}
        ),
        missing("no value", {"app": task_definition(container(environment=[{"name": "PASSWORD"}]))}),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "a telling name has a verdict whatever the value is",
            {
                "app": task_definition(
                    containerDefinitions=json.dumps(
                        [
                            container(
                                environment=[
                                    {"name": "STAGE", "value": UNKNOWN},
                                    {"name": "PASSWORD", "value": UNKNOWN},
                                ]
                            )
                        ]
                    )
                )
            },
            at={f"{HERE}.environment[1]"},
            not_evaluated={f"{HERE}.environment[0].value"},
        ),
        not_applicable("no environment", {"app": task_definition()}),
    ],
    "TD-43": [
        violates(
            "no .env file",
            files({**FILE, "value": "arn:aws:s3:::settings/app.txt"}),
            at={f"{HERE}.environmentFiles[0].value"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].environmentFiles[0].value: got "
                '"arn:aws:s3:::settings/app.txt", expected the ARN of an S3 object whose name ends in .env; '
                "change value"
            ),
        ),
        violates(
            "a URL, of another type",
            files({"type": "http", "value": "https://example.com/app.env"}),
            at={f"{HERE}.environmentFiles[0].type", f"{HERE}.environmentFiles[0].value"},
        ),
        violates("eleven", files(*[FILE] * 11), at={f"{HERE}.environmentFiles"}),
        passes("ten", files(*[FILE] * 10)),
        passes("in China", files({**FILE, "value": "arn:aws-cn:s3:::settings/a/b.env"})),
        missing(
            "neither type nor value",
            files({}),
            at={f"{HERE}.environmentFiles[0].type", f"{HERE}.environmentFiles[0].value"},
        ),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        unknown(
            "an unknown file hides no wrong type",
            {
                "app": task_definition(
                    containerDefinitions=json.dumps([container(environmentFiles=[{"type": "ssm", "value": UNKNOWN}])])
                )
            },
            at={f"{HERE}.environmentFiles[0].type"},
            not_evaluated={f"{HERE}.environmentFiles[0].value"},
        ),
        not_applicable("no files", {"app": task_definition()}),
    ],
}

MAY_READ_SETTINGS = resource(
    "aws:iam/rolePolicy:RolePolicy",
    role="${executionRole.name}",
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::settings/*"}],
        }
    ),
)

MUTANTS = {
    "TD-39": [
        mutant(
            "a password",
            good_stacks.FARGATE,
            "app",
            container={"environment": [{"name": "PASSWORD", "value": "hunter2"}]},
        )
    ],
    "TD-43": [
        mutant(
            "no .env",
            {**good_stacks.FARGATE, "settings": MAY_READ_SETTINGS},
            "app",
            container={"environmentFiles": [{**FILE, "value": "arn:aws:s3:::settings/app.txt"}]},
        )
    ],
}
