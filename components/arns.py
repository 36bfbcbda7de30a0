"""Regions, partitions and ARNs: what AWS has, so that a text that only looks like one is refused."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from botocore.session import get_session

from components.checks import Check, Names, as_is

ACCOUNT = "[0-9]{12}"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

_LONGEST = 2048
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"""
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)?-(north|south|east|west|central|(north|south)(east|west))-[1-9]")
_ARN = re.compile(r"arn:(?P<partition>[a-z-]+):(?P<service>[a-z0-9]+):(?P<region>[a-z0-9-]*):(?P<rest>[!-~]+)")


@lru_cache(maxsize=1)
def _partitions() -> Mapping[str, Mapping[str, Any]]:
    found = get_session().get_component("data_loader").load_data("partitions")["partitions"]
    return {each["id"]: each for each in found}


def partition_of(region: str) -> str | None:
    """The partition that has the region, or whose regions are called like it; None where none is."""
    if not _REGION.fullmatch(region):
        return None
    return next(
        (name for name, told in _partitions().items() if region in told["regions"]),
        next((name for name, told in _partitions().items() if re.fullmatch(told["regionRegex"], region)), None),
    )


def is_listed(region: str) -> bool:
    """Whether botocore, of the version that is installed, knows the region."""
    return any(region in told["regions"] for told in _partitions().values())


def arn(service: str, resource: str, expected: str, *, fix: str, has_region: bool = True) -> Check:
    """An ARN of `service`: a partition that there is, a region of that partition, and what matches `resource`.

    `resource` is a pattern over ASCII for what follows the region: account and resource.
    """
    is_resource = re.compile(resource)

    def accepts(value: object) -> bool:
        if not isinstance(value, str) or len(value) > _LONGEST or (parts := _ARN.fullmatch(value)) is None:
            return False
        partition, region = parts["partition"], parts["region"]
        is_there = partition_of(region) == partition if has_region else partition in _partitions() and not region
        return parts["service"] == service and is_there and is_resource.fullmatch(parts["rest"]) is not None

    return Check(expected, fix, accepts)


def any_of(expected: str, fix: str, *accepted: Check | str) -> Check:
    """One of the words, or what one of the checks accepts."""

    def accepts(value: object) -> bool:
        return any(value == each if isinstance(each, str) else each.accepts(value) for each in accepted)

    return Check(expected, fix, accepts)


REGION = Check(
    "the name of an AWS region",
    "set it in the stack file, for instance aws:region: ap-northeast-1",
    lambda value: isinstance(value, str) and partition_of(value) is not None,
)


def place_problem(
    value: str | None, region: str, called: Names = as_is, *, why: str, whole_partition: bool = False
) -> str | None:
    """Why an ARN is of the wrong region, or with `whole_partition` of the wrong partition; None where it is not."""
    if value is None or not value.startswith("arn:"):
        return None
    argument, region_argument = called("value"), called("region")
    _, partition, _, where, _ = value.split(":", 4)
    ours = partition_of(region)
    if partition != ours:
        return (
            f"{argument}: got one of partition {partition} with {region_argument} {region}, expected one of {ours}; "
            f"{why}"
        )
    if whole_partition or where == region:
        return None
    return f"{argument}: got one of region {where} with {region_argument} {region}, expected one of {region}; {why}"
