"""Where containers log to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecs_policy.fargate import LOG_DRIVERS
from ecs_policy.model import Container, TaskDefinition
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, resource_rule
from ecs_policy.values import independently, plain, quoted, readable

_LOG_CONFIGURATION = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html"
_EC2_LOG_DRIVERS = tuple(sorted({*LOG_DRIVERS, "fluentd", "gelf", "journald", "json-file", "syslog"}))
_FIRELENS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_FirelensConfiguration.html"
_ROUTERS = ("fluentbit", "fluentd")
_LOG_MODES = ("blocking", "non-blocking")
_BUFFER_SIZE = re.compile(r"[0-9]+(?:\.[0-9]+)? ?[kmgtp]?i?b?", re.IGNORECASE)  # as Docker reads sizes
_REQUIRED_OPTIONS = {"gelf": ("gelf-address",), "splunk": ("splunk-token", "splunk-url")}
"""What a driver does not start without. https://docs.docker.com/engine/logging/drivers/splunk/, .../gelf/"""
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


_SAID_AWSLOGS_OPTIONS = Quote(
    "Log driver awslogs requires options: awslogs-region, awslogs-group",
    "https://github.com/klothoplatform/klotho/issues/892",
)


@resource_rule(
    "TD-29 awslogs-options",
    on=Container,
    title="The awslogs driver has the options that it needs, and no unknown ones",
    why="Group and region are required, on Fargate the stream prefix too; a misspelt option is refused.",
    level=Level.REJECTED,
    source=_LOG_CONFIGURATION,
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
            yield options[name].problem("a value with the awslogs driver", f"set {name}", quote=_SAID_AWSLOGS_OPTIONS)
    prefix = options["awslogs-stream-prefix"]
    if not prefix.given and container.task_definition.for_fargate:
        yield prefix.problem("a value with the awslogs driver on Fargate", "set awslogs-stream-prefix")


_SAID_FIRELENS_PAIR = Quote(
    "When a firelensConfiguration object is specified, at least one container has to be configured with "
    "the awsfirelens log driver.",
    "https://github.com/pulumi/pulumi/issues/6138",
)


_SAID_ONLY_TRUE = Quote(
    "Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else omit option.",
    "https://github.com/terraform-linters/tflint-ruleset-aws/issues/348",
)


@resource_rule(
    "LO-01 log-option-values",
    on=Container,
    title="A log driver has the options that it requires, with values that it takes",
    why="RegisterTaskDefinition refuses some; others the driver refuses when the container is to start.",
    level=Level.REJECTED,
    source=_LOG_CONFIGURATION,
)
def log_option_values(container: Container) -> Iterator[Problem]:
    log = container["logConfiguration"]
    driver = log["logDriver"].text()
    if driver is None or driver == "awsfirelens":
        return  # options of FireLens are those of its output
    options = log["options"]
    checks = [
        _required(log, driver),
        _mode(options),
        *(_option_once(options, each) for each in log["secretOptions"].items()),
    ]
    if driver == "awslogs":
        checks += [_only_true(options["awslogs-create-group"]), _one_way_to_split(options)]
    yield from independently(checks)


def _required(log: Value, driver: str) -> Iterator[Problem]:
    wanted = _REQUIRED_OPTIONS.get(driver, ())
    secret, doubt = readable(log["secretOptions"].items() if wanted else (), lambda each: each["name"].text())
    for name in wanted:
        if not log["options"][name].given and name not in secret:
            if doubt is not None:
                raise doubt
            yield log["options"][name].problem(f"a value with the {driver} driver", f"set {name}")


def _mode(options: Value) -> Iterator[Problem]:
    mode, size = options["mode"], options["max-buffer-size"]
    if mode.given and mode.text() not in _LOG_MODES:
        yield mode.problem(f"one of {quoted(_LOG_MODES)}", "correct mode")
        return
    if size.given and mode.text() == "blocking":
        yield size.problem('nothing with mode "blocking"', "remove it, or set mode to non-blocking")
    if size.given and not _BUFFER_SIZE.fullmatch(plain(size.text() or "")):
        yield size.problem('a size as "25m"', "change max-buffer-size")


def _option_once(options: Value, secret: Value) -> Iterator[Problem]:
    name = plain(secret["name"].text() or "")
    if name and options[name].given:
        yield secret["name"].problem("a name that is not in options already", "remove one of the two")


def _only_true(create: Value) -> Iterator[Problem]:
    if create.given and create.text() != "true":
        yield create.problem(
            '"true" or nothing', "remove awslogs-create-group, or set it to true", quote=_SAID_ONLY_TRUE
        )


def _one_way_to_split(options: Value) -> Iterator[Problem]:
    if options["awslogs-datetime-format"].given and options["awslogs-multiline-pattern"].given:
        yield options["awslogs-multiline-pattern"].problem(
            "nothing beside awslogs-datetime-format", "keep one of the two"
        )


@resource_rule(
    "TD-30 firelens-pair",
    on=TaskDefinition,
    title="The awsfirelens driver has one log router, and the router something to route",
    why="FireLens is a driver in some containers and a router in another; one without the other is refused.",
    level=Level.REJECTED,
    source=_FIRELENS,
)
def firelens_pair(task_definition: TaskDefinition) -> Iterator[Problem]:
    containers = task_definition.containers
    routers, no_routers = readable(containers, lambda each: each if each["firelensConfiguration"].given else None)
    senders, no_senders = readable(containers, lambda each: each if _sends(each) else None)
    routing = [each["firelensConfiguration"] for each in routers if each is not None]
    sending = [each["logConfiguration"]["logDriver"] for each in senders if each is not None]
    doubt = no_routers or no_senders
    if not routing and no_routers is None:
        for place in sending:
            yield place.problem(
                "a container with firelensConfiguration in the task", "add the log router, or change logDriver"
            )
    if routing and not sending and no_senders is None:
        yield routing[0].problem(
            "a container that logs by awsfirelens",
            'remove firelensConfiguration, or set a logDriver to "awsfirelens"',
            quote=_SAID_FIRELENS_PAIR,
        )
    for place in routing[1:]:
        yield place.problem("one log router in the task", "remove this one or the others")
    yield from independently(check for each in routing for check in (_router(each), _router_file(each)))
    if doubt is not None:
        raise doubt


def _sends(container: Container) -> bool:
    return container["logConfiguration"]["logDriver"].text() == "awsfirelens"


def _router(configuration: Value) -> Iterator[Problem]:
    if configuration["type"].text() not in _ROUTERS:
        yield configuration["type"].problem(f"one of {quoted(_ROUTERS)}", "change type")


def _router_file(configuration: Value) -> Iterator[Problem]:
    place = configuration["options"]["config-file-type"]
    task_definition = configuration.resource
    assert isinstance(task_definition, TaskDefinition)
    if place.given and task_definition.for_fargate and place.text() != "file":
        yield place.problem('"file" on Fargate', "put the configuration into the router's image")


@resource_rule(
    "TD-40 logging-present",
    on=Container,
    title="Every container logs somewhere",
    why="On Fargate the output of a container without a log driver is lost; on EC2 it fills the instance's disk.",
    level=Level.PRACTICE,
    severity=Severity.HIGH,
    source=_LOG_CONFIGURATION,
    frameworks=("Security Hub ECS.9", "Control Tower CT.ECS.PR.5"),
)
def logging_present(container: Container) -> Iterator[Problem]:
    if not container["logConfiguration"].given:
        yield container["logConfiguration"].problem("a log driver", 'set logConfiguration, to "awslogs" for instance')
