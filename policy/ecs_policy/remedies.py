"""What the pack can repair by itself before a resource is created: one property each, nothing that is replaced for it.

Off until the level of the rule is `remediate`. A remedy changes what is absent or off, never another choice of the
program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_policy.log_retention import RETENTION_DAYS
from ecs_policy.model import LoadBalancer, LogGroup, Repository
from ecs_policy.stack import Resource

Changes = Mapping[str, Any]
"""Inputs by name, to be set in place of what the program gave."""


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """The repair that belongs to one rule."""

    on: type[Resource]
    about: str
    """What it does, for the documentation: `sets ... to ...`."""
    changes: Callable[[Any, Mapping[str, Any]], Changes]
    """The changes that the resource needs, with the rule's options; none when it is good. Raises as a rule does."""


_KEEP_DAYS = 365


def _retention(log_group: LogGroup, options: Mapping[str, Any]) -> Changes:
    if log_group["logGroupClass"].text() == "DELIVERY":  # AWS keeps these for two days, whatever one asks
        return {}
    if log_group["retentionInDays"].number():
        return {}
    long_enough = [days for days in RETENTION_DAYS if days >= max(_KEEP_DAYS, options["leastDays"])]
    return {"retentionInDays": long_enough[0]} if long_enough else {}


def _drop_headers(load_balancer: LoadBalancer, _options: Mapping[str, Any]) -> Changes:
    if load_balancer.kind != "application":
        return {}
    return {} if load_balancer["dropInvalidHeaderFields"].flag() else {"dropInvalidHeaderFields": True}


def _scan(repository: Repository, _options: Mapping[str, Any]) -> Changes:
    scanning = repository["imageScanningConfiguration"]
    return {} if scanning["scanOnPush"].flag() else {"imageScanningConfiguration": {"scanOnPush": True}}


REMEDIES: Mapping[str, Remedy] = {
    "ER-02": Remedy(on=Repository, about="sets imageScanningConfiguration.scanOnPush to true", changes=_scan),
    "LB-08": Remedy(
        on=LoadBalancer,
        about="sets dropInvalidHeaderFields of an application load balancer to true",
        changes=_drop_headers,
    ),
    "LG-01": Remedy(
        on=LogGroup,
        about=f"sets retentionInDays to {_KEEP_DAYS}, or to what leastDays asks for beyond, where there is none",
        changes=_retention,
    ),
}
"""By the id of the rule."""
