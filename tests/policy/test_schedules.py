"""What Application Auto Scaling takes as a schedule, by AWS's own examples and by what AWS's page rules out."""

import pytest

from ecs_policy.schedules import is_schedule


@pytest.mark.parametrize(
    "schedule",
    [
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
        *("cron(0 10 * * ? *)", "cron(15 12 * * ? *)", "cron(0 18 ? * MON-FRI *)", "cron(0 8 1 * ? *)"),
        *("cron(0/15 * * * ? *)", "cron(0/10 * ? * MON-FRI *)", "cron(0/5 8-17 ? * MON-FRI *)"),
        *("cron(0/30 20-23,0-2 ? * MON-FRI *)", "cron(0 9 ? * 2#1 *)", "cron(15 10 ? * 6L 2019-2022)"),
        *("cron(0 8 L * ? *)", "cron(0 8 3W * ? *)", "cron(0 0 LW JAN,JUL ? *)", "cron(30 6 ? * MON *)"),
        *("cron(*/5 * * * ? *)", "cron(00 08 01 * ? 2030/2)", "cron(0 8 ? * L *)", "cron(0 8 ? * FRI#3 *)"),
        *("rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(7 days)"),
        *("at(2030-01-31T08:00:00)", "at(2028-02-29T23:59:59)"),
    ],
)
def test_what_is_taken(schedule: str) -> None:
    assert is_schedule(schedule)


@pytest.mark.parametrize(
    "schedule",
    [
        *("cron(0 8 * * MON *)", "cron(0 8 * * * *)", "cron(0 8 ? * ? *)", "cron(0 8 1 * MON *)"),
        *("cron(0 8 * * ?)", "cron(0 8 * * ? * *)", "cron(60 8 * * ? *)", "cron(0 24 * * ? *)", "cron(0 8 32 * ? *)"),
        *("cron(0 8 0 * ? *)", "cron(0 8 ? * FUN *)", "cron(0 8 ? * 0 *)", "cron(0 8 ? * MON-FRI/2 *)"),
        *("cron(0 8 ? * 2#6 *)", "cron(0 8 ? 13 MON *)", "cron(0 8 ? * MON 1969)", "cron(0 8 ? * MON 2200)"),
        *(
            "cron(5-1 8 * * ? *)",
            "cron(0/0 8 * * ? *)",
            "cron(0/60 8 * * ? *)",
            "cron(, 8 * * ? *)",
            "cron(1, 8 * * ? *)",
        ),
        *(
            "cron(L 8 * * ? *)",
            "cron(0 8 W * ? *)",
            "cron(0 8 32W * ? *)",
            "cron(0 8 1-5W * ? *)",
            "cron(0 8 ? * #2 *)",
        ),
        *("cron(\u0660 8 * * ? *)", "cron(0  8 * * ? *)", "cron()", "cron", "cron(0 8 * * ? *", "CRON(0 8 * * ? *)"),
        *("rate(0 minutes)", "rate(1 minutes)", "rate(2 minute)", "rate(-1 hours)", "rate(1.5 hours)", "rate(5 weeks)"),
        *("rate(5minutes)", "rate()", "at(2030-13-01T00:00:00)", "at(2030-02-30T00:00:00)", "at(2030-01-01)"),
        *("at(2030-01-01T24:00:00)", "at(2030-01-01T00:00:00Z)", "at(2030-1-1T00:00:00)", "every(1 hour)", ""),
    ],
)
def test_what_is_refused(schedule: str) -> None:
    assert not is_schedule(schedule)
