"""How long CloudWatch Logs can be told to keep a log."""

from typing import Annotated

from components.checks import one_of

LogRetentionDays = Annotated[
    int,
    one_of(
        *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
        fix="choose a number of days that CloudWatch Logs knows",
    ),
]
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
