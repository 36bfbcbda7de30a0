"""Log groups, and whether containers find theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ecs_policy.log_retention import RETENTION_DAYS
from ecs_policy.model import Container, LogGroup
from ecs_policy.rule import Level, Option, Problem, Quote, Severity, resource_rule, stack_rule
from ecs_policy.values import quoted, readable

_PUT_RETENTION = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"


@resource_rule(
    "LG-01 retention",
    on=LogGroup,
    title="A log group keeps its lines for a stated time, and long enough",
    why="Without a retention CloudWatch keeps, and bills, everything for ever.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_PUT_RETENTION,
    frameworks=("Security Hub CloudWatch.16",),
    options={
        "leastDays": Option(
            schema={"type": "integer", "minimum": 1, "default": 1},
            about="Days that lines must be kept at least. Security Hub asks for 365.",
        )
    },
)
def retention(group: LogGroup, options: Mapping[str, Any]) -> Iterator[Problem]:
    if _of_delivery(group):
        return
    days, least = group["retentionInDays"], int(options["leastDays"])
    number = days.number() or 0
    if number < least:
        yield days.problem(f"{least} days or more", "set retentionInDays")


def _of_delivery(group: LogGroup) -> bool:
    """Whether it only hands logs on: AWS keeps those for two days, whatever one asks."""
    return group["logGroupClass"].text() == "DELIVERY"


@resource_rule(
    "LG-01b retention-days",
    on=LogGroup,
    title="A log group's retention is one that CloudWatch Logs knows",
    why="PutRetentionPolicy takes these numbers of days and no others.",
    level=Level.REJECTED,
    source=_PUT_RETENTION,
)
def retention_days(group: LogGroup) -> Iterator[Problem]:
    days = group["retentionInDays"]
    number = days.number()
    if number and number not in RETENTION_DAYS and not _of_delivery(group):
        allowed = ", ".join(map(str, RETENTION_DAYS))
        yield days.problem(f"one of {allowed}, or 0 for ever", "choose the next one that is enough")


@resource_rule(
    "LG-02 kms",
    on=LogGroup,
    title="A log group is encrypted with a key of the account",
    why="CloudWatch encrypts with a key of its own; only with yours can you say, and see, who reads.",
    level=Level.PRACTICE,
    severity=Severity.LOW,
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
    frameworks=("Checkov CKV_AWS_158",),
)
def kms(group: LogGroup) -> Iterator[Problem]:
    if not group["kmsKeyId"].given:
        yield group["kmsKeyId"].problem("the ARN of a KMS key", "set kmsKeyId")


_SAID_GROUP_EXISTS = Quote(
    "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist",
    "https://github.com/cn-terraform/terraform-aws-nexus/issues/35",
)


@stack_rule(
    "LG-03 group-exists",
    on=Container,
    title="The log group that a container writes to exists, in the region that it names",
    why="awslogs does not make it: the task stops before its first line. Nor does anything clean up or expire a group "
    "that is in no stack.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html",
    options={
        "existing": Option(
            schema={"type": "array", "items": {"type": "string"}, "default": []},
            about="Names of log groups that exist outside of the stack; `*` stands for any text: `/shared/*`.",
        )
    },
)
def group_exists(container: Container, options: Mapping[str, Any]) -> Iterator[Problem]:
    log = container["logConfiguration"]
    if log["logDriver"].text() != "awslogs" or log["options"]["awslogs-create-group"].flag():
        return
    name, region = log["options"]["awslogs-group"], log["options"]["awslogs-region"]
    wanted = name.text()
    if wanted is None or any(fnmatchcase(wanted, each) for each in options["existing"]):
        return
    groups = container.resource.stack.known_as(wanted, LogGroup)
    if not groups:
        names, doubt = readable(container.resource.stack.all(LogGroup), _name)
        if doubt is not None:
            raise doubt
        yield name.problem(
            f"a log group of this stack, which has {quoted(names)}",
            "create it, set awslogs-create-group to true, or add it to existing of this rule",
            quote=_SAID_GROUP_EXISTS,
        )
        return
    regions = [each.region() for each in groups]
    if region.text() is not None and all(each.given and each.text() != region.text() for each in regions):
        yield region.problem(f"{regions[0].shown()}, the region of {groups[0].label}", "change awslogs-region")


def _name(group: LogGroup) -> str:
    name = group["name"] if group["name"].given else group.computed("name")
    text = name.text()
    if text is None:
        raise name.not_evaluated("is not known yet")
    return text
