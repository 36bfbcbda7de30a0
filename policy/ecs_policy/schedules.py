"""When a scheduled action of Application Auto Scaling is due, as AWS reads it: `cron(...)`, `rate(...)` or `at(...)`.

Packages that read this dialect are one person's work each, and read cron alone; one of them judges this in the tests.
"""

import re
import zoneinfo
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

_MONTHS = {name: number for number, name in enumerate(re.findall("...", "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"), 1)}
_DAYS = {name: number for number, name in enumerate(re.findall("...", "SUNMONTUEWEDTHUFRISAT"), 1)}
_ONE, _MANY = ("minute", "hour", "day"), ("minutes", "hours", "days")
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_RATE = re.compile(r"([1-9][0-9]{0,8}) ([a-z]+)")
_YEARS = (1970, 2199)


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The time zones of IANA that this machine knows; empty where it knows none, as without the package `tzdata`."""
    # Not zones of the world: what this machine uses, and what says that nothing was chosen.
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def is_schedule(text: str) -> bool:
    """Whether Application Auto Scaling takes the text as a schedule.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html
    """
    kind, _, rest = text.partition("(")
    inside, end = rest[:-1], rest[-1:]
    readers = {"cron": _is_cron, "rate": _is_rate, "at": _is_at}
    return end == ")" and kind in readers and readers[kind](inside)


def _is_rate(text: str) -> bool:
    match = _RATE.fullmatch(text)
    return match is not None and match[2] in (_ONE if match[1] == "1" else _MANY)


def _is_at(text: str) -> bool:
    try:
        year = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").year if _AT.fullmatch(text) else 0
    except ValueError:
        return False
    return _YEARS[0] <= year <= _YEARS[1]


def _is_cron(text: str) -> bool:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html"""
    fields = text.split(" ")
    if len(fields) != 6:
        return False
    minutes, hours, day_of_month, month, day_of_week, year = fields
    # One of the two days is given, the other is left open.
    return (
        (day_of_month == "?") != (day_of_week == "?")
        and _is_field(minutes, 0, 59)
        and _is_field(hours, 0, 23)
        and (day_of_month == "?" or _is_day_of_month(day_of_month))
        and _is_field(month, 1, 12, _MONTHS)
        and (day_of_week == "?" or _is_day_of_week(day_of_week))
        and _is_field(year, *_YEARS)
    )


def _is_day_of_month(text: str) -> bool:
    if text in ("L", "LW"):
        return True
    return _number(text[:-1], 1, 31) is not None if text.endswith("W") else _is_field(text, 1, 31)


def _is_day_of_week(text: str) -> bool:
    if text == "L" or (text.endswith("L") and _number(text[:-1], 1, 7, _DAYS)):
        return True
    day, mark, which = text.partition("#")
    if mark:
        return _number(day, 1, 7, _DAYS) is not None and _number(which, 1, 5) is not None
    return "/" not in text and _is_field(text, 1, 7, _DAYS)


def _is_field(text: str, low: int, high: int, names: Mapping[str, int] | None = None) -> bool:
    return all(_is_item(item, low, high, names or {}) for item in text.split(","))


def _is_item(text: str, low: int, high: int, names: Mapping[str, int]) -> bool:
    values, mark, step = text.partition("/")
    if mark and _number(step, 1, high) is None:
        return False
    if values == "*":
        return True
    first, mark, last = values.partition("-")
    begin = _number(first, low, high, names)
    end = _number(last, low, high, names) if mark else begin
    return begin is not None and end is not None and begin <= end


def _number(text: str, low: int, high: int, names: Mapping[str, int] | None = None) -> int | None:
    value = (names or {}).get(text)
    if value is None and re.fullmatch("[0-9]{1,4}", text):
        value = int(text)
    return value if value is not None and low <= value <= high else None
