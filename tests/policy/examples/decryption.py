import json
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    cluster,
    container,
    missing,
    not_applicable,
    passes,
    resource,
    service,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

KEY_ARN = "arn:aws:kms:ap-northeast-1:123456789012:key/1"
SECRET_ARN = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:password-AbCdEf"
PARAMETER_ARN = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/password"
ROLE_ARN = "arn:aws:iam::123456789012:role/execution"
ROOT = {"Effect": "Allow", "Action": "kms:*", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, on: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


def key(*statements: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {"policy": document(*statements)} if statements else {}
    return {**resource("aws:kms/key:Key", **properties), "outputs": {"arn": KEY_ARN, "id": "1", "keyId": "1"}}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return resource("aws:iam/rolePolicy:RolePolicy", role="${role.name}", policy=document(*statements))


ROLE = {**resource("aws:iam/role:Role", name="execution"), "outputs": {"arn": ROLE_ARN}}
READ_SECRET = allow("secretsmanager:GetSecretValue", SECRET_ARN)
READS = policy(READ_SECRET, allow("ssm:GetParameters", PARAMETER_ARN), allow("s3:GetObject"))
READS_AND_DECRYPTS = policy(READ_SECRET, allow("kms:Decrypt", KEY_ARN))


def secret(**properties: Any) -> dict[str, Any]:
    return {
        **resource("aws:secretsmanager/secret:Secret", name="password", **properties),
        "outputs": {"arn": SECRET_ARN},
    }


def parameter(**properties: Any) -> dict[str, Any]:
    made = resource("aws:ssm/parameter:Parameter", **{"name": "/password", "type": "SecureString", **properties})
    return {**made, "outputs": {"arn": PARAMETER_ARN}}


def fetching(role_policy: dict[str, Any], reference: str = "${secret.arn}", **more: Any) -> Resources:
    return {
        "key": key(),
        "role": ROLE,
        "policy": role_policy,
        **more,
        "app": task_definition(
            container(image="nginx", secrets=[{"name": "PASSWORD", "valueFrom": reference}]),
            executionRoleArn="${role.arn}",
        ),
    }


HERE = "app.executionRoleArn"
UNDER_KEY = secret(kmsKeyId="${key.arn}")
ALIAS = resource("aws:kms/alias:Alias", name="alias/app", targetKeyId="${key.keyId}")
BUCKET = {**resource("aws:s3/bucketV2:BucketV2", bucket="settings"), "outputs": {"arn": "arn:aws:s3:::settings"}}
ENCRYPTED = resource(
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
    bucket="${bucket.bucket}",
    rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "${key.arn}"}}],
)


def with_file(*statements: dict[str, Any]) -> Resources:
    return {
        "key": key(),
        "role": ROLE,
        "policy": policy(*statements),
        "bucket": BUCKET,
        "encrypted": ENCRYPTED,
        "app": task_definition(
            container(image="nginx", environmentFiles=[{"type": "s3", "value": "${bucket.arn}/app.env"}]),
            executionRoleArn="${role.arn}",
        ),
    }


def logs(service_name: str) -> dict[str, Any]:
    return allow("kms:*", Principal={"Service": service_name})


def group(**properties: Any) -> dict[str, Any]:
    return resource("aws:cloudwatch/logGroup:LogGroup", name="/ecs/app", **properties)


def sessions(role_policy: dict[str, Any], **configuration: Any) -> Resources:
    return {
        "key": key(),
        "role": ROLE,
        "policy": role_policy,
        "main": cluster(configuration={"executeCommandConfiguration": configuration}),
        "app": task_definition(taskRoleArn="${role.arn}"),
        "web": service(cluster="${main.arn}", taskDefinition="${app.arn}", enableExecuteCommand=True),
    }


EXAMPLES = {
    "KM-01": [
        violates(
            "a secret under a key of the stack",
            fetching(READS, secret=UNDER_KEY),
            at={HERE},
            says=(
                "TaskDefinition 'app' executionRoleArn: got \"arn:aws:iam::123456789012:role/execution\", "
                "expected a role that may kms:Decrypt with Key 'key', as it needs Secret 'secret', which "
                "containerDefinitions[app].secrets[0].valueFrom names; Role 'role' may not; allow it in "
                "a policy of the role, on the key's arn"
            ),
        ),
        violates("one field of it", fetching(READS, "${secret.arn}:password::", secret=UNDER_KEY), at={HERE}),
        violates(
            "a parameter",
            fetching(READS, "${parameter.arn}", parameter=parameter(keyId="${key.keyId}")),
            at={HERE},
        ),
        violates(
            "by the name of the parameter, and an alias of the key",
            fetching(READS, "/password", alias=ALIAS, parameter=parameter(keyId="${alias.name}")),
            at={HERE},
        ),
        violates(
            "the role may decrypt with another key",
            fetching(policy(allow("kms:Decrypt", KEY_ARN.replace("/1", "/2"))), secret=UNDER_KEY),
            at={HERE},
        ),
        violates(
            "the key's own policy does not leave it to IAM",
            {
                **fetching(READS_AND_DECRYPTS, secret=UNDER_KEY),
                "key": key({**ROOT, "Principal": {"AWS": "arn:aws:iam::123456789012:role/admin"}}),
            },
            at={HERE},
        ),
        violates("a file of variables", with_file(allow("s3:GetObject")), at={HERE}),
        violates(
            "credentials of a registry",
            {
                **fetching(READS, secret=UNDER_KEY),
                "app": task_definition(
                    container(image="nginx", repositoryCredentials={"credentialsParameter": "${secret.arn}"}),
                    executionRoleArn="${role.arn}",
                ),
            },
            at={HERE},
        ),
        passes("the role may decrypt with the key", fetching(READS_AND_DECRYPTS, secret=UNDER_KEY)),
        passes(
            "every key, and a policy of the key that leaves it to IAM",
            {**fetching(policy(allow("kms:*")), secret=UNDER_KEY), "key": key(ROOT)},
        ),
        passes(
            "the key's own policy names the role",
            {
                **fetching(READS, secret=UNDER_KEY),
                "key": key(ROOT, allow("kms:Decrypt", Principal={"AWS": ROLE_ARN})),
            },
        ),
        passes(
            "a grant",
            fetching(
                READS,
                secret=UNDER_KEY,
                grant=resource(
                    "aws:kms/grant:Grant",
                    keyId="${key.keyId}",
                    granteePrincipal="${role.arn}",
                    operations=["Decrypt", "DescribeKey"],
                ),
            ),
        ),
        passes("a secret under AWS's own key", fetching(READS, secret=secret())),
        passes("AWS's own key by its alias", fetching(READS, secret=secret(kmsKeyId="alias/aws/secretsmanager"))),
        passes(
            "a parameter that is no secret",
            fetching(READS, "${parameter.arn}", parameter=parameter(type="String", keyId="${key.keyId}")),
        ),
        passes("a file of variables", with_file(allow("s3:GetObject"), allow("kms:Decrypt", KEY_ARN))),
        missing("no secrets", {"role": ROLE, "app": task_definition(executionRoleArn="${role.arn}")}),
        missing(
            "a secret of another stack",
            fetching(READS, SECRET_ARN),
            not_evaluated={"app.containerDefinitions[app].secrets[0].valueFrom"},
        ),
        unknown(
            "a condition",
            fetching(
                policy(allow("kms:Decrypt", Condition={"StringEquals": {"kms:ViaService": "secretsmanager"}})),
                SECRET_ARN,
                secret={**UNDER_KEY, "properties": {**UNDER_KEY["properties"], "arn": SECRET_ARN}},
            ),
            not_evaluated={"policy.policy.Statement[0].Condition"},
        ),
        unknown(
            "a key of another stack",
            fetching(
                READS,
                SECRET_ARN,
                secret={
                    **secret(kmsKeyId="arn:aws:kms:eu-west-1:1:key/9"),
                    "properties": {"name": "password", "arn": SECRET_ARN, "kmsKeyId": "arn:aws:kms:eu-west-1:1:key/9"},
                },
            ),
            not_evaluated={"secret.kmsKeyId"},
        ),
        unknown(
            "unknown containers",
            {"role": ROLE, "app": task_definition(executionRoleArn="${role.arn}", containerDefinitions=not_known())},
            not_evaluated={"app.containerDefinitions"},
        ),
        not_applicable("no execution role", {"app": task_definition()}),
    ],
    "KM-02": [
        violates(
            "a key with the default policy",
            {"key": key(), "logs": group(kmsKeyId="${key.arn}")},
            at={"logs.kmsKeyId"},
            says=(
                "LogGroup 'logs' kmsKeyId: got \"arn:aws:kms:ap-northeast-1:123456789012:key/1\", expected "
                "a key whose policy lets CloudWatch Logs encrypt and decrypt, which Key 'key' does not; "
                "add a statement for the principal logs.<region>.amazonaws.com to the key's policy"
            ),
        ),
        violates(
            "a policy that leaves it to IAM",
            {"key": key(ROOT), "logs": group(kmsKeyId="${key.arn}")},
            at={"logs.kmsKeyId"},
        ),
        violates(
            "a policy for another service",
            {"key": key(ROOT, logs("sns.amazonaws.com")), "logs": group(kmsKeyId="${key.arn}")},
            at={"logs.kmsKeyId"},
        ),
        passes(
            "a policy for CloudWatch Logs",
            {"key": key(ROOT, logs("logs.ap-northeast-1.amazonaws.com")), "logs": group(kmsKeyId="${key.arn}")},
        ),
        passes(
            "a policy as a resource of its own, for every region",
            {
                "key": key(),
                "keyPolicy": resource(
                    "aws:kms/keyPolicy:KeyPolicy",
                    keyId="${key.keyId}",
                    policy=document(ROOT, logs("logs.amazonaws.com")),
                ),
                "logs": group(kmsKeyId="${key.arn}"),
            },
        ),
        unknown("a key of another stack", {"logs": group(kmsKeyId=KEY_ARN)}, not_evaluated={"logs.kmsKeyId"}),
        missing("no key", {"logs": group()}),
        unknown(
            "an unknown policy",
            {"key": resource("aws:kms/key:Key", policy=not_known()), "logs": group(kmsKeyId="${key.arn}")},
            not_evaluated={"key.policy"},
        ),
        not_applicable("no log group", {"key": key()}),
    ],
    "KM-03": [
        violates(
            "the task role may not",
            sessions(READS, kmsKeyId="${key.arn}"),
            at={"app.taskRoleArn"},
            says=(
                "TaskDefinition 'app' taskRoleArn: got \"arn:aws:iam::123456789012:role/execution\", "
                "expected a role that may kms:Decrypt with Key 'key', as it needs sessions of ECS Exec "
                "in Service 'web'; Role 'role' may not; allow it in a policy of the role, on the key's "
                "arn"
            ),
        ),
        violates(
            "the key's id in place of its ARN",
            sessions(policy(allow("kms:Encrypt", KEY_ARN)), kmsKeyId="${key.keyId}"),
            at={"app.taskRoleArn"},
        ),
        violates(
            "in a first preview",
            sessions(READS, kmsKeyId="${key.arn}"),
            at={"app.taskRoleArn"},
            preview=True,
        ),
        passes("the task role may decrypt", sessions(READS_AND_DECRYPTS, kmsKeyId="${key.arn}")),
        passes("sessions without a key", sessions(READS, logging="DEFAULT")),
        passes(
            "ECS Exec is off",
            {
                **sessions(READS, kmsKeyId="${key.arn}"),
                "web": service(cluster="${main.arn}", taskDefinition="${app.arn}"),
            },
        ),
        missing("no configuration", {**sessions(READS), "main": cluster()}),
        unknown(
            "a key of another stack",
            sessions(READS, kmsKeyId="arn:aws:kms:eu-west-1:1:key/9"),
            not_evaluated={"main.configuration.executeCommandConfiguration.kmsKeyId"},
        ),
        not_applicable(
            "no service",
            {"main": cluster(configuration={"executeCommandConfiguration": {"kmsKeyId": KEY_ARN}})},
        ),
    ],
}

G = good_stacks.FARGATE
HIDDEN: Resources = {
    **good_stacks.waiting(G, "app", "settings"),
    "key": key(ROOT, logs("logs.ap-northeast-1.amazonaws.com")),
    "secret": UNDER_KEY,
    "settings": {
        **READS_AND_DECRYPTS,
        "properties": {**READS_AND_DECRYPTS["properties"], "role": "${executionRole.name}"},
    },
}
HIDDEN["app"]["properties"]["containerDefinitions"][0]["secrets"] = [{"name": "PASSWORD", "valueFrom": SECRET_ARN}]
HIDDEN["app"]["options"]["dependsOn"].append("${secret}")
"""The good stack for Fargate with a secret under a key: good, too."""

MUTANTS = {
    "KM-01": [mutant("may not decrypt", HIDDEN, "settings", policy=document(READ_SECRET))],
    "KM-02": [mutant("the default policy", {**G, "key": key()}, "logs", kmsKeyId="${key.arn}")],
    "KM-03": [
        mutant(
            "may not decrypt",
            {
                **mutant("", HIDDEN, "web", enableExecuteCommand=True).resources,
                "channels": resource(
                    "aws:iam/rolePolicy:RolePolicy", role="${taskRole.name}", policy=document(allow("ssmmessages:*"))
                ),
                "app": mutant(
                    "",
                    HIDDEN,
                    "app",
                    container={
                        "readonlyRootFilesystem": True,
                        "mountPoints": [
                            {"sourceVolume": "agent", "containerPath": each}
                            for each in ("/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm")
                        ],
                    },
                    volumes=[{"name": "agent"}],
                ).resources["app"],
            },
            "main",
            configuration={
                "executeCommandConfiguration": {
                    "kmsKeyId": "${key.arn}",
                    "logging": "OVERRIDE",
                    "logConfiguration": {"cloudWatchLogGroupName": "/ecs/exec", "cloudWatchEncryptionEnabled": True},
                }
            },
        )
    ],
}
