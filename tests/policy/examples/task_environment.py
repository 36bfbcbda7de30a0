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
from tests.policy.good_stacks import mutant, waiting
from tests.policy.stacks import UNKNOWN, Resources, secret
from tests.policy.stacks import unknown as not_known

HERE = "app.containerDefinitions[app]"
UNKNOWN_CONTAINERS: Resources = {"app": task_definition(containerDefinitions=not_known())}
FILE = {"type": "s3", "value": "arn:aws:s3:::settings/app.env"}


def variables(**values: object) -> Resources:
    return {"app": task_definition(container(environment=[{"name": k, "value": v} for k, v in values.items()]))}


def files(*given: object) -> Resources:
    return {"app": task_definition(container(environmentFiles=list(given)))}


def both(environment: dict[str, str], *secrets: str) -> Resources:
    """Variables with values, and names of secrets."""
    return {
        "app": task_definition(
            container(
                environment=[{"name": name, "value": value} for name, value in environment.items()],
                secrets=[{"name": each, "valueFrom": f"/{each}"} for each in secrets],
            )
        )
    }


def starting(*words: str, **fields: object) -> Resources:
    return {"app": task_definition(container(command=list(words), **fields))}


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
        violates("a password in the command", starting("server", "--password=hunter2"), at={f"{HERE}.command[1]"}),
        violates("as a word of its own", starting("mc", "--rcon-password", "hunter2"), at={f"{HERE}.command[2]"}),
        violates(
            "in a line for the shell", starting("sh", "-c", "DB_PASSWORD=hunter2 ./serve"), at={f"{HERE}.command[2]"}
        ),
        violates(
            "in an address, as the entry point has it",
            {"app": task_definition(container(entryPoint=["serve", "postgres://app:hunter2@db/app"]))},
            at={f"{HERE}.entryPoint[1]"},
        ),
        passes(
            "commands that refer to variables",
            starting("sh", "-c", "serve --password=$DB_PASSWORD --token ${TOKEN}", "--password", "$DB_PASSWORD"),
        ),
        passes("a file and a switch", starting("serve", "--password-file=/run/secret", "--secret", "--verbose")),
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
    "EN-01": [
        violates(
            "a variable and a secret",
            both({"PGUSER": "app"}, "PGUSER"),
            at={f"{HERE}.secrets[0].name"},
            says=(
                "TaskDefinition 'app' containerDefinitions[app].secrets[0].name: got \"PGUSER\", expected "
                "a name that is not in environment already; remove one of the two"
            ),
        ),
        violates("two secrets", both({}, "PGUSER", "PGPASSWORD", "PGUSER"), at={f"{HERE}.secrets[2].name"}),
        violates(
            "one of many, and an empty value",
            both({"A": "1", "B": "", "C": "3"}, "D", "B"),
            at={f"{HERE}.secrets[1].name"},
        ),
        violates(
            "a value that is not known yet",
            {
                "app": task_definition(
                    containerDefinitions=json.dumps(
                        [
                            container(
                                environment=[{"name": "PGUSER", "value": UNKNOWN}],
                                secrets=[{"name": "PGUSER", "valueFrom": UNKNOWN}],
                            )
                        ]
                    )
                )
            },
            at={f"{HERE}.secrets[0].name"},
        ),
        passes("other names", both({"PGUSER": "app"}, "PGPASSWORD")),
        passes("names in another case", both({"pguser": "app"}, "PGUSER")),
        passes(
            "the same name in another container",
            {
                "app": task_definition(
                    container(environment=[{"name": "PGUSER", "value": "app"}]),
                    container(name="other", secrets=[{"name": "PGUSER", "valueFrom": "/pg"}]),
                )
            },
        ),
        missing("no secrets", both({"PGUSER": "app"})),
        unknown("unknown containers", UNKNOWN_CONTAINERS, not_evaluated={"app.containerDefinitions"}),
        not_applicable("no container", {"app": task_definition(containerDefinitions="[]")}),
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

PG = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/pg"
MAY_READ_PARAMETERS = resource(
    "aws:iam/rolePolicy:RolePolicy",
    role="${executionRole.name}",
    policy=json.dumps({"Statement": [{"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": PG}]}),
)

MUTANTS = {
    "EN-01": [
        mutant(
            "twice",
            waiting({**good_stacks.FARGATE, "settings": MAY_READ_PARAMETERS}, "app", "settings"),
            "app",
            container={
                "environment": [{"name": "PGUSER", "value": "app"}],
                "secrets": [{"name": "PGUSER", "valueFrom": PG}],
            },
        )
    ],
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
            waiting({**good_stacks.FARGATE, "settings": MAY_READ_SETTINGS}, "app", "settings"),
            "app",
            container={"environmentFiles": [{**FILE, "value": "arn:aws:s3:::settings/app.txt"}]},
        )
    ],
}
