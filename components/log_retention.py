"""How long CloudWatch Logs can be told to keep a log."""

from typing import Annotated

from components.checks import one_of
from ecs_policy.log_retention import RETENTION_DAYS

LogRetentionDays = Annotated[
    int,
    one_of(
        *RETENTION_DAYS,
        fix="choose a number of days that CloudWatch Logs knows",
    ),
]
