"""A task that can do what it must and nothing else."""

import json
from typing import Any

import pulumi
import pytest

from components.checks import ArgumentError
from components.task_definition import TaskDefinition, TaskDefinitionArgs
from tests.mocks import ACCOUNT, DIGEST, REGION, UNKNOWN, Run, run, unknown

IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop@{DIGEST}"
REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"


def args(**changes: Any) -> TaskDefinitionArgs:
    values: dict[str, Any] = {
        "family": "shop-prod",
        "container_name": "web",
        "image_uri": IMAGE,
        "repository_arn": REPOSITORY,
        "cpu_units": 512,
        "memory_mib": 1024,
        "cpu_architecture": "ARM64",
        "container_port": 80,
        "container_user": "33:33",
    }
    return TaskDefinitionArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        upstream = {"image_uri": unknown(), "repository_arn": unknown()} if preview else {}
        task_definition = TaskDefinition("shop", args(**upstream | changes))
        pulumi.export("arn", task_definition.arn)
        pulumi.export("log_group_name", task_definition.log_group_name)
        pulumi.export("container", [task_definition.container_name, task_definition.container_port])

    return run(program, preview=preview)


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


@pytest.mark.parametrize("name", ["shop-execution", "shop-task"])
def test_only_ecs_tasks_may_take_the_roles(name: str) -> None:
    trust = json.loads(build().get("aws:iam/role:Role", name).inputs["assumeRolePolicy"])
    assert trust["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]


def test_the_execution_role_may_pull_this_repository_and_write_this_log() -> None:
    policy = build().get("aws:iam/rolePolicy:RolePolicy")
    assert policy.inputs["role"] == "shop-execution-1a2b3c4"
    allowed = [
        (action, statement["Resource"])
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if statement["Effect"] == "Allow"
    ]
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:shop-1a2b3c4:*"
    assert allowed == [
        ("ecr:GetAuthorizationToken", "*"),
        ("ecr:BatchCheckLayerAvailability", REPOSITORY),
        ("ecr:BatchGetImage", REPOSITORY),
        ("ecr:GetDownloadUrlForLayer", REPOSITORY),
        ("logs:CreateLogStream", log),
        ("logs:PutLogEvents", log),
    ]


def test_no_task_starts_before_its_role_may_pull() -> None:
    assert "aws:iam/rolePolicy:RolePolicy shop-execution" in build().get(TASK_DEFINITION).depends_on


def test_outputs() -> None:
    made = build()
    assert made.outputs == {
        "arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/shop-prod:7",
        "log_group_name": "shop-1a2b3c4",
        "container": ["web", 80],
    }
    assert made.component_outputs == {
        "h4b:task_definition:TaskDefinition shop": {"arn", "containerName", "containerPort", "logGroupName"}
    }


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.outputs == {"arn": UNKNOWN, "log_group_name": UNKNOWN, "container": ["web", 80]}
    task_definition = made.get(TASK_DEFINITION).inputs
    assert task_definition["containerDefinitions"] == UNKNOWN
    assert (task_definition["cpu"], task_definition["memory"]) == ("512", "1024")


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(
            family="my shop",
            container_user="root",
            requires_compatibilities=["FARGATE", "LAMBDA"],
            log_retention_days=10,
            stop_timeout_seconds=1,
        )
    assert str(refused.value) == (
        "TaskDefinitionArgs cannot be used:\n"
        "  - family: got 'my shop', expected 1 to 255 letters, digits, _ or -; choose a name that ECS accepts\n"
        "  - container_user: got 'root', expected a user id other than 0, or <user id>:<group id>, in digits; "
        "name the user that the image was made for; it must not be root\n"
        "  - requires_compatibilities: got ['FARGATE', 'LAMBDA'], expected a list, not empty and without repetition, "
        "of: one of FARGATE, EC2; name the launch types on which the task is to run\n"
        "  - log_retention_days: got 10, expected one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, "
        "731, 1096, 1827, 2192, 2557, 2922, 3288, 3653; choose a number of days that CloudWatch Logs knows\n"
        "  - stop_timeout_seconds: got 1, expected a whole number from 2 to 120; "
        "choose the seconds that the application needs to finish its requests"
    )


def test_a_size_that_fargate_does_not_offer_is_refused() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(cpu_units=256, memory_mib=4096)
    assert str(refused.value) == (
        "TaskDefinitionArgs cannot be used:\n"
        "  - memory_mib: got 4096, expected 512, 1024 or 2048 MiB with cpu_units 256; "
        "change memory_mib, or cpu_units to 512 or 1024 or 2048"
    )


@pytest.mark.parametrize("launch_types", [["FARGATE"], ["EC2", "FARGATE"]])
def test_fargates_sizes_count_wherever_fargate_is_listed(launch_types: list[str]) -> None:
    with pytest.raises(ArgumentError):
        args(cpu_units=300, memory_mib=700, requires_compatibilities=launch_types)


def test_ec2_takes_any_size() -> None:
    made = build(cpu_units=300, memory_mib=700, requires_compatibilities=["EC2"])
    inputs = made.get(TASK_DEFINITION).inputs
    assert (inputs["cpu"], inputs["memory"], inputs["requiresCompatibilities"]) == ("300", "700", ["EC2"])
