"""A task that can do what it must and nothing else."""

import json
from typing import Any

import pulumi
import pytest

from components.checks import ArgumentError
from components.container import Container, SecretsManagerSecret, SsmParameter
from components.task_definition import TaskDefinition, TaskDefinitionArgs
from tests.mocks import ACCOUNT, DIGEST, REGION, UNKNOWN, Run, run, unknown

IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop@{DIGEST}"
REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"


def main(**changes: Any) -> Container:
    values: dict[str, Any] = {
        "name": "web",
        "image_uri": IMAGE,
        "repository_arn": REPOSITORY,
        "port": 80,
        "user": "33:33",
    }
    return Container(**values | changes)


def args(**changes: Any) -> TaskDefinitionArgs:
    values: dict[str, Any] = {
        "family": "shop-prod",
        "containers": [main()],
        "cpu_units": 512,
        "memory_mib": 1024,
        "cpu_architecture": "ARM64",
    }
    return TaskDefinitionArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        upstream = {"containers": [main(image_uri=unknown(), repository_arn=unknown())]} if preview else {}
        task_definition = TaskDefinition("shop", args(**upstream | changes))
        pulumi.export("arn", task_definition.arn)
        pulumi.export("log_group_name", task_definition.log_group_name)
        pulumi.export("task_role_name", task_definition.task_role_name)

    return run(program, preview=preview)


def allowed(made: Run, name: str) -> list[tuple[str, Any]]:
    """Every action that a role's policy allows, with its resource."""
    statements = json.loads(made.get("aws:iam/rolePolicy:RolePolicy", name).inputs["policy"])["Statement"]
    return [
        (action, statement["Resource"])
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if statement["Effect"] == "Allow"
    ]


def container(made: Run) -> dict[str, Any]:
    (only,) = json.loads(made.get(TASK_DEFINITION).inputs["containerDefinitions"])
    return dict(only)


def test_it_makes_a_task_definition_two_roles_a_policy_and_a_log_group() -> None:
    made = build()
    assert made.names == {
        ("h4b:task_definition:TaskDefinition", "shop"),
        (TASK_DEFINITION, "shop"),
        ("aws:iam/role:Role", "shop-execution"),
        ("aws:iam/rolePolicy:RolePolicy", "shop-execution"),
        ("aws:iam/role:Role", "shop-task"),
        ("aws:cloudwatch/logGroup:LogGroup", "shop"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:task_definition:TaskDefinition shop"}


def test_the_task_runs_on_fargate_with_an_address_of_its_own() -> None:
    inputs = dict(build().get(TASK_DEFINITION).inputs)
    del inputs["containerDefinitions"]
    assert inputs == {
        "family": "shop-prod",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "512",
        "memory": "1024",
        "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"},
        "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/shop-execution-1a2b3c4",
        "taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/shop-task-1a2b3c4",
        "skipDestroy": True,
    }


def test_the_container_is_unprivileged_and_cannot_write_to_its_file_system() -> None:
    assert container(build()) == {
        "name": "web",
        "image": IMAGE,
        "essential": True,
        "cpu": 0,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
        "user": "33:33",
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
        "systemControls": [{"namespace": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        "stopTimeout": 30,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "shop-1a2b3c4",
                "awslogs-region": REGION,
                "awslogs-stream-prefix": "shop-prod",
                "mode": "non-blocking",
                "max-buffer-size": "25m",
            },
        },
    }


def test_the_log_is_kept_a_year_unless_told_otherwise() -> None:
    assert build().get("aws:cloudwatch/logGroup:LogGroup").inputs == {"retentionInDays": 365}
    assert build(log_retention_days=7).get("aws:cloudwatch/logGroup:LogGroup").inputs == {"retentionInDays": 7}


def test_the_execution_role_may_pull_this_repository_and_write_this_log() -> None:
    policy = build().get("aws:iam/rolePolicy:RolePolicy")
    assert policy.inputs["role"] == "shop-execution-1a2b3c4"
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:shop-1a2b3c4:*"
    assert allowed(build(), "shop-execution") == [
        ("ecr:GetAuthorizationToken", "*"),
        ("ecr:BatchCheckLayerAvailability", REPOSITORY),
        ("ecr:BatchGetImage", REPOSITORY),
        ("ecr:GetDownloadUrlForLayer", REPOSITORY),
        ("logs:CreateLogStream", log),
        ("logs:PutLogEvents", log),
    ]


SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdEf"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/shop/key"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"


def test_the_execution_role_may_read_just_the_secrets_that_are_used() -> None:
    secrets = {
        "DB_USER": SecretsManagerSecret(arn=SECRET, json_key="user"),
        "DB_PASSWORD": SecretsManagerSecret(arn=SECRET, json_key="password"),
        "API_KEY": SsmParameter(arn=PARAMETER, kms_key_arn=KEY),
    }
    made = build(containers=[main(secrets=secrets)])
    assert [each for each in allowed(made, "shop-execution") if each[0].split(":")[0] not in ("ecr", "logs")] == [
        ("secretsmanager:GetSecretValue", SECRET),
        ("ssm:GetParameters", PARAMETER),
        ("kms:Decrypt", KEY),
    ]
    assert container(made)["secrets"] == [
        {"name": "API_KEY", "valueFrom": PARAMETER},
        {"name": "DB_PASSWORD", "valueFrom": f"{SECRET}:password::"},
        {"name": "DB_USER", "valueFrom": f"{SECRET}:user::"},
    ]


def test_a_new_version_of_a_secret_is_a_new_revision_and_the_value_is_never_read() -> None:
    secrets = {"DB_PASSWORD": SecretsManagerSecret(arn=SECRET), "API_KEY": SsmParameter(arn=PARAMETER)}
    made = build(containers=[main(secrets=secrets)])
    assert container(made)["dockerLabels"] == {
        "secret-version.API_KEY": "3",
        "secret-version.DB_PASSWORD": "awscurrent-id",
    }
    assert [call[:2] for call in made.calls if "index" not in call[0]] == [
        ("aws:secretsmanager/getSecretVersions:getSecretVersions", {"secretId": SECRET, "region": REGION}),
        ("aws:ssm/getParameter:getParameter", {"name": PARAMETER, "region": REGION, "withDecryption": False}),
    ]


def test_without_secrets_there_is_no_label() -> None:
    assert "dockerLabels" not in container(build())


def test_a_public_image_needs_no_permission_to_pull() -> None:
    made = build(containers=[main(repository_arn=None)])
    assert {action for action, _ in allowed(made, "shop-execution")} == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_each_repository_may_be_pulled_once() -> None:
    containers = [
        main(),
        main(name="again", port=None),
        main(name="other", port=None, repository_arn=f"{REPOSITORY}-other"),
    ]
    pulled = dict(allowed(build(containers=containers), "shop-execution"))["ecr:BatchGetImage"]
    assert pulled == [REPOSITORY, f"{REPOSITORY}-other"]


def test_ecs_exec_records_its_sessions_and_needs_a_writable_file_system() -> None:
    sessions = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:sessions"
    made = build(execute_command_log_group_arn=sessions)
    assert allowed(made, "shop-task") == [
        ("ssmmessages:CreateControlChannel", "*"),
        ("ssmmessages:CreateDataChannel", "*"),
        ("ssmmessages:OpenControlChannel", "*"),
        ("ssmmessages:OpenDataChannel", "*"),
        ("logs:DescribeLogGroups", "*"),
        ("logs:CreateLogStream", f"{sessions}:*"),
        ("logs:DescribeLogStreams", f"{sessions}:*"),
        ("logs:PutLogEvents", f"{sessions}:*"),
    ]
    assert container(made)["readonlyRootFilesystem"] is False
    assert container(made)["linuxParameters"]["initProcessEnabled"] is True
    assert {"aws:iam/rolePolicy:RolePolicy shop-execution", "aws:iam/rolePolicy:RolePolicy shop-task"} <= made.get(
        TASK_DEFINITION
    ).depends_on


def test_the_application_may_do_nothing_by_itself() -> None:
    assert [each.name for each in build().resources if each.type == "aws:iam/rolePolicy:RolePolicy"] == [
        "shop-execution"
    ]


def test_a_task_can_have_a_larger_disk() -> None:
    assert "ephemeralStorage" not in build().get(TASK_DEFINITION).inputs
    assert build(ephemeral_storage_gib=100).get(TASK_DEFINITION).inputs["ephemeralStorage"] == {"sizeInGib": 100}


def test_in_network_mode_bridge_docker_chooses_the_port() -> None:
    made = build(requires_compatibilities=["EC2"], network_mode="bridge")
    assert made.get(TASK_DEFINITION).inputs["networkMode"] == "bridge"
    assert container(made)["portMappings"] == [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}]


def test_no_task_starts_before_its_role_may_pull() -> None:
    assert "aws:iam/rolePolicy:RolePolicy shop-execution" in build().get(TASK_DEFINITION).depends_on


def test_outputs() -> None:
    made = build()
    assert made.outputs == {
        "arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/shop-prod:7",
        "log_group_name": "shop-1a2b3c4",
        "task_role_name": "shop-task-1a2b3c4",
    }
    assert made.component_outputs == {
        "h4b:task_definition:TaskDefinition shop": {"arn", "logGroupName", "taskRoleName", "documents"}
    }


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.outputs == {"arn": UNKNOWN, "log_group_name": UNKNOWN, "task_role_name": UNKNOWN}
    task_definition = made.get(TASK_DEFINITION).inputs
    assert task_definition["containerDefinitions"] == UNKNOWN
    assert (task_definition["cpu"], task_definition["memory"]) == ("512", "1024")


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(
            family="my shop",
            requires_compatibilities=["FARGATE", "LAMBDA"],
            network_mode="host",
            ephemeral_storage_gib=20,
            log_retention_days=10,
        )
    assert str(refused.value) == (
        "TaskDefinitionArgs cannot be used:\n"
        "  - network_mode: got 'host', expected one of awsvpc, bridge; "
        "choose how tasks are on the network; Fargate has awsvpc\n"
        "  - ephemeral_storage_gib: got 20, expected a whole number from 21 to 200; "
        "choose a size, or leave it out for the 20 GiB that every task has\n"
        "  - log_retention_days: got 10, expected one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, "
        "731, 1096, 1827, 2192, 2557, 2922, 3288, 3653; choose a number of days that CloudWatch Logs knows\n"
        "  - family: got 'my shop', expected 1 to 255 letters, digits, _ or -; choose a name that ECS accepts\n"
        "  - requires_compatibilities: got ['FARGATE', 'LAMBDA'], expected a list, not empty and without repetition, "
        "of: one of FARGATE, EC2; name the launch types on which the task is to run"
    )


def test_what_only_the_other_launch_type_has_is_refused() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(network_mode="bridge")
    assert str(refused.value) == (
        "TaskDefinitionArgs cannot be used:\n"
        '  - network_mode: got "bridge", expected "awsvpc" with FARGATE in requires_compatibilities; '
        'set network_mode to "awsvpc"'
    )
    with pytest.raises(ArgumentError, match="ephemeral_storage_gib: got 50 with EC2 in requires_compatibilities"):
        args(requires_compatibilities=["EC2"], ephemeral_storage_gib=50)


def test_a_size_that_fargate_does_not_offer_is_refused() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(cpu_units=256, memory_mib=4096)
    assert str(refused.value) == (
        "TaskDefinitionArgs cannot be used:\n"
        "  - memory_mib: got 4096, expected 512, 1024 or 2048 MiB with cpu_units 256; "
        "change memory_mib, or use cpu_units 512 or 1024 or 2048"
    )


@pytest.mark.parametrize("launch_types", [["FARGATE"], ["EC2", "FARGATE"]])
def test_fargates_sizes_count_wherever_fargate_is_listed(launch_types: list[str]) -> None:
    with pytest.raises(ArgumentError):
        args(cpu_units=300, memory_mib=700, requires_compatibilities=launch_types)


def test_ec2_takes_any_size() -> None:
    made = build(cpu_units=300, memory_mib=700, requires_compatibilities=["EC2"])
    inputs = made.get(TASK_DEFINITION).inputs
    assert (inputs["cpu"], inputs["memory"], inputs["requiresCompatibilities"]) == ("300", "700", ["EC2"])
