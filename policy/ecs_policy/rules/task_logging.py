"""Where containers log to."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.fargate import LOG_DRIVERS
from ecs_policy.model import Container
from ecs_policy.rule import Level, Problem, resource_rule
from ecs_policy.values import quoted

_LOG_CONFIGURATION = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html"
_EC2_LOG_DRIVERS = tuple(sorted({*LOG_DRIVERS, "fluentd", "gelf", "journald", "json-file", "syslog"}))
_AWSLOGS_OPTIONS = (
    "awslogs-create-group",
    "awslogs-datetime-format",
    "awslogs-group",
    "awslogs-multiline-pattern",
    "awslogs-region",
    "awslogs-stream-prefix",
    "max-buffer-size",
    "mode",
)


@resource_rule(
    "TD-28 fargate-log-driver",
    on=Container,
    title="A container logs by a driver that its launch type has",
    why="Fargate has three log drivers, the ECS agent on EC2 eight.",
    level=Level.REJECTED,
    source=_LOG_CONFIGURATION,
)
def fargate_log_driver(container: Container) -> Iterator[Problem]:
    driver = container["logConfiguration"]["logDriver"]
    if not container["logConfiguration"].given or driver.text() in LOG_DRIVERS:
        return
    fargate = container.task_definition.for_fargate
    allowed = LOG_DRIVERS if fargate else _EC2_LOG_DRIVERS
    if driver.text() not in allowed:
        yield driver.problem(f"one of {quoted(allowed)} on {'Fargate' if fargate else 'EC2'}", "change logDriver")


@resource_rule(
    "TD-29 awslogs-options",
    on=Container,
    title="The awslogs driver has the options that it needs, and no unknown ones",
    why="Group and region are required, on Fargate the stream prefix too; a misspelt option is refused.",
    level=Level.REJECTED,
    source=_LOG_CONFIGURATION,
    aws_error="Log driver awslogs requires options: awslogs-region, awslogs-group",
)
def awslogs_options(container: Container) -> Iterator[Problem]:
    if container["logConfiguration"]["logDriver"].text() != "awslogs":
        return
    options = container["logConfiguration"]["options"]
    for name in options.keys():  # noqa: SIM118 a cursor, not a dict
        if name not in _AWSLOGS_OPTIONS:
            yield options[name].problem(
                f"one of the options {quoted(_AWSLOGS_OPTIONS)}", "correct or remove the option"
            )
    for name in ("awslogs-group", "awslogs-region"):
        if not options[name].given:
            yield options[name].problem("a value with the awslogs driver", f"set {name}")
    prefix = options["awslogs-stream-prefix"]
    if not prefix.given and container.task_definition.for_fargate:
        yield prefix.problem("a value with the awslogs driver on Fargate", "set awslogs-stream-prefix")
