# ruff: noqa: ARG002 - what the methods of descriptions may use
"""The description of one resource type: its properties, and the AWS calls of its life."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

from local.providers.aws import schema
from local.providers.aws.schema import Property, mapping, string
from local.providers.server import ProviderError

if TYPE_CHECKING:
    from local.providers.aws.clients import Clients

Values = dict[str, Any]
PROGRESS_SECONDS = 5.0


class GoneError(ProviderError):
    """What a wait waited for does not exist any more."""


@dataclass(frozen=True)
class Call:
    """One request of the engine about one resource, and what the request may use."""

    urn: str
    clients: Clients
    region: str
    timeout_seconds: float
    cancelled: Event
    log: Callable[[str], None]
    """Shows a passing line beside the resource."""

    def client(self, service: str) -> Any:
        return self.clients.client(service, self.region)

    @property
    def account(self) -> str:
        return self.clients.account()

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        return f"arn:{self.partition}:{service}:{self.region if regional else ''}:{self.account}:{resource}"

    def wait(
        self, what: object, is_done: Callable[[], bool], *, default_seconds: float, interval_seconds: float = 0.2
    ) -> None:
        """Calls `is_done` until it is true; says what it waits for, and gives up after the resource's timeout."""
        limit = self.timeout_seconds or default_seconds
        started = said = time.monotonic()
        while not is_done():
            now = time.monotonic()
            if self.cancelled.is_set():
                raise ProviderError(f"stopped waiting for {what}: the update was cancelled")
            if now - started > limit:
                raise ProviderError(f"{what}: not done after {limit:.0f} s; look into it, or raise customTimeouts")
            if now - said >= PROGRESS_SECONDS:
                said = now
                self.log(f"waiting for {what} ({now - started:.0f} s)")
            time.sleep(interval_seconds)


def partition_of(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def error_code(error: Exception) -> str:
    """The AWS error code of a botocore ClientError, else nothing."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


@contextmanager
def ignoring(*codes: str) -> Iterator[None]:
    """Passes over AWS errors whose code is, or ends with, one of these."""
    try:
        yield
    except Exception as error:
        code = error_code(error)
        if not code or not any(code == known or code.endswith(known) for known in codes):
            raise


class Resource:
    """One type. `properties` says what it takes and gives; the methods say which AWS calls make it so.

    `create` makes the resource and returns its id; `settle` does what comes after (attributes, waits): when it fails,
    the resource stays in the state. `read` returns all properties, or None when the resource is gone.
    """

    type_name: ClassVar[str]
    properties: ClassVar[Mapping[str, Property]]
    name_property: ClassVar[str | None] = "name"
    """The property that gets a generated name when neither it nor its prefix is given."""
    name_limit: ClassVar[int] = 255
    tagged: ClassVar[bool] = True
    regional: ClassVar[bool] = True
    deletes_before_replacing: ClassVar[bool] = False
    exclusive: ClassVar[Sequence[tuple[str, ...]]] = ()
    """Groups of properties of which one at most may be given."""
    one_of: ClassVar[Sequence[tuple[str, ...]]] = ()
    """Groups of properties of which exactly one must be given."""

    def __init__(self) -> None:
        properties = dict(self.properties)
        if self.tagged:
            properties["tags"] = mapping()
            properties["tagsAll"] = mapping()
        if self.regional:
            properties["region"] = string(computed=True, replaces=True)
        self.all_properties: Mapping[str, Property] = properties

    @property
    def autonamed(self) -> bool:
        named = self.properties.get(self.name_property or "")
        return named is not None and named.is_input

    def check(self, inputs: Values) -> list[str]:
        """Problems that only this type knows."""
        return []

    def adjust_differences(
        self,
        old: Values,
        new: Values,
        changes: dict[str, schema.Change],
    ) -> dict[str, schema.Change]:
        """The changes as this type means them."""
        return changes

    def create(self, call: Call, new: Values) -> str:
        raise NotImplementedError

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        """What follows creation."""

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        raise NotImplementedError

    def presumed(self, call: Call, resource_id: str) -> Values:
        """What an offline preview takes for granted of a resource that the program only reads."""
        return self.read(call, resource_id, {}) or {}

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        raise NotImplementedError

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        raise NotImplementedError

    def recomputed(self, old: Values, new: Values, changed: set[str]) -> set[str]:
        """Computed properties that an update changes; unknown in its preview."""
        return set()


# --- tags in the three spellings of AWS -------------------------------------------------------------------------------


def tag_list(tags: Mapping[str, str] | None, *, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in sorted((tags or {}).items())]


def tag_map(tags: Sequence[Mapping[str, str]] | None, *, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Tags as a map, without those AWS itself sets."""
    return {tag[key]: tag.get(value, "") for tag in tags or () if not tag[key].startswith("aws:")}


def tag_changes(old: Values, new: Values) -> tuple[dict[str, str], list[str]]:
    """The tags to set and the keys to remove."""
    olds, news = old.get("tagsAll") or {}, new.get("tagsAll") or {}
    return {key: text for key, text in news.items() if olds.get(key) != text}, sorted(set(olds) - set(news))
