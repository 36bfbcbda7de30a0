"""Containers as ECS gets them, and what cannot be between the containers of one task."""

from typing import Any

import pulumi
import pytest

from components.checks import ArgumentError
from components.container import (
    Container,
    ContainerHealthCheck,
    RestartPolicy,
    SecretsManagerSecret,
    SsmParameter,
    containers_problem,
    definition,
    parse_secret,
)

SECRET = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:db-AbCdEf"
PARAMETER = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/shop/key"


def container(**changes: Any) -> Container:
    values: dict[str, Any] = {"name": "web", "image_uri": "image@sha256:0", "user": "33"}
    return Container(**values | changes)


def told(**changes: Any) -> dict[str, Any]:
    """What ECS is told about a container."""
    return definition(
        container(**changes),
        log_options={},
        network_mode="awsvpc",
        execute_command=False,
        lookup=pulumi.InvokeOutputOptions(),
    )


def test_environment_and_command() -> None:
    said = told(environment={"LEVEL": "info"}, command=["serve", "--fast"])
    assert said["environment"] == [{"name": "LEVEL", "value": "info"}]
    assert said["command"] == ["serve", "--fast"]


def test_a_health_check_is_a_shell_command() -> None:
    assert told(health_check=ContainerHealthCheck(command="test -f /dev/shm/up", retries=5))["healthCheck"] == {
        "command": ["CMD-SHELL", "test -f /dev/shm/up"],
        "interval": 30,
        "timeout": 5,
        "retries": 5,
        "startPeriod": 30,
    }


def test_a_container_can_be_started_again_in_its_place() -> None:
    assert told(restart=RestartPolicy(ignored_exit_codes=[2, 0]))["restartPolicy"] == {
        "enabled": True,
        "ignoredExitCodes": [0, 2],
        "restartAttemptPeriod": 300,
    }


def test_a_container_can_be_kept_from_the_memory_of_its_neighbours() -> None:
    assert (told(memory_mib=256)["memory"], told()["memory"]) == (256, None)
    with pytest.raises(ArgumentError, match="memory_mib: got 5, expected a whole number from 6 to 122880"):
        container(memory_mib=5)


def test_a_sidecar_can_be_waited_for() -> None:
    assert told(depends_on={"proxy": "HEALTHY", "migrate": "SUCCESS"})["dependsOn"] == [
        {"containerName": "migrate", "condition": "SUCCESS"},
        {"containerName": "proxy", "condition": "HEALTHY"},
    ]


def test_a_container_without_port_needs_no_setting_for_ports() -> None:
    assert (told()["portMappings"], told()["systemControls"]) == ([], [])


VERSION = "01234567-89ab-cdef-0123-456789abcdef"
PREVIOUS = SecretsManagerSecret(arn=SECRET, json_key="password", version_stage="AWSPREVIOUS")


@pytest.mark.parametrize(
    ("arn", "secret"),
    [
        (SECRET, SecretsManagerSecret(arn=SECRET)),
        (f"{SECRET}:password::", SecretsManagerSecret(arn=SECRET, json_key="password")),
        (f"{SECRET}:password:AWSPREVIOUS:", PREVIOUS),
        (f"{SECRET}:::{VERSION}", SecretsManagerSecret(arn=SECRET, version_id=VERSION)),
        (f"{SECRET}:::", SecretsManagerSecret(arn=SECRET)),
        (PARAMETER, SsmParameter(arn=PARAMETER)),
    ],
)
def test_secrets_by_their_arn(arn: str, secret: object) -> None:
    assert parse_secret(arn) == secret


@pytest.mark.parametrize("arn", ["hunter2", SECRET[:-7], f"{SECRET}:password", f"{SECRET}:a:AWSCURRENT:{VERSION}"])
def test_no_secret(arn: str) -> None:
    with pytest.raises(ValueError, match=arn):
        parse_secret(arn)


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        container(
            name="my web",
            user="root",
            port=0,
            stop_timeout_seconds=1,
            depends_on={"proxy": "READY"},
            environment={"TOKEN": "x"},
            secrets={"TOKEN": SsmParameter(arn=PARAMETER)},
        )
    assert str(refused.value) == (
        "Container cannot be used:\n"
        "  - name: got 'my web', expected 1 to 255 letters, digits, _ or -; choose a name that ECS accepts\n"
        "  - user: got 'root', expected a user id other than 0, or <user id>:<group id>, in digits, up to 2147483647; "
        "name the user that the image was made for; it must not be root\n"
        "  - port: got 0, expected a whole number from 1 to 65535; choose a TCP port\n"
        "  - stop_timeout_seconds: got 1, expected a whole number from 2 to 120; "
        "choose the seconds that the application needs to finish its requests\n"
        "  - depends_on['proxy']: got 'READY', expected one of START, HEALTHY, COMPLETE, SUCCESS; "
        "name what the other container must reach\n"
        "  - secrets: got TOKEN, expected names that environment does not have; keep each in one of them"
    )


def test_checks_and_restarts_have_aws_limits() -> None:
    with pytest.raises(ArgumentError) as refused:
        ContainerHealthCheck(command="true", interval_seconds=4, timeout_seconds=1, retries=0, start_period_seconds=301)
    assert str(refused.value).count("\n") == 4
    with pytest.raises(ArgumentError, match="attempt_period_seconds: got 59, expected a whole number from 60 to 1800"):
        RestartPolicy(attempt_period_seconds=59)


CHECK = ContainerHealthCheck(command="true")


@pytest.mark.parametrize(
    ("containers", "problem"),
    [
        ([container(), container(name="log", essential=False)], None),
        ([container(depends_on={"proxy": "HEALTHY"}), container(name="proxy", health_check=CHECK)], None),
        ([], "containers: got no essential container, expected at least one; set essential of the application"),
        (
            [container(), container()],
            "containers: got the names web, web, expected each once; rename one",
        ),
        (
            [container(port=80), container(name="proxy", port=80)],
            "containers: got the ports 80, 80, expected each once, they share one address; change one",
        ),
        (
            [container(depends_on={"log": "START"}), container(name="proxy")],
            "depends_on of container 'web': got 'log', expected another container of the task (proxy); change the name",
        ),
        (
            [container(depends_on={"web": "START"})],
            "depends_on of container 'web': got 'web', expected another container of the task (none); change the name",
        ),
        (
            [container(depends_on={"proxy": "HEALTHY"}), container(name="proxy")],
            "depends_on of container 'web': got 'proxy' HEALTHY, expected a container with health_check; "
            "give it one, or use START",
        ),
        (
            [container(depends_on={"migrate": "SUCCESS"}), container(name="migrate")],
            "depends_on of container 'web': got 'migrate' SUCCESS, expected a container that is not essential, "
            "since the task would end with it; set its essential to False",
        ),
        (
            [container(depends_on={"proxy": "START"}), container(name="proxy", depends_on={"web": "START"})],
            "containers: got dependencies in a circle, expected one container that can start first; remove one",
        ),
    ],
)
def test_containers_of_one_task(containers: list[Container], problem: str | None) -> None:
    assert containers_problem(containers) == problem
