"""Machines and Dockers of every kind, none of them this one."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import docker.errors
import requests

from local.machine import Machine

DEBIAN_ROOT = Machine("Linux", is_root=True, distribution="debian", codename="bookworm")
DEBIAN_USER = Machine("Linux", is_root=False, distribution="debian", codename="bookworm")
FEDORA_ROOT = Machine("Linux", is_root=True, distribution="fedora")
MAC = Machine("Darwin", is_root=False)


def api_error(status: int, explanation: str) -> docker.errors.APIError:
    response = requests.Response()
    response.status_code = status
    return docker.errors.APIError("refused", response=response, explanation=explanation)


class FakeDocker:
    """As much of a Docker client as finding a base image takes."""

    def __init__(
        self, *present: str, registry: BaseException | None = None, events: list[dict[str, Any]] | None = None
    ):
        self.names = set(present)
        self.labels: dict[str, str] = {}
        self.asked: list[str] = []
        self.digests: dict[str, str] = {}
        """What the registry has, by name with tag."""
        self.imported: list[str] = []
        self._registry = registry
        self._events = events or []
        self.images = SimpleNamespace(get=self._get, list=self._list)
        self.api = SimpleNamespace(
            timeout=60, inspect_distribution=self._inspect, pull=self._pull, import_image_from_file=self._import
        )

    def _get(self, name: str) -> str:
        if name not in self.names:
            raise docker.errors.ImageNotFound(name)
        return name

    def _list(self, filters: dict[str, str]) -> list[Any]:
        found = [name for name in self.names if self.labels.get(name) == filters["label"]]
        return [SimpleNamespace(tag=lambda repository, tag: self.names.add(f"{repository}:{tag}")) for _ in found]

    def _inspect(self, name: str) -> dict[str, Any]:
        self.asked.append(name)
        if self._registry:
            raise self._registry
        return {"Descriptor": {"digest": self.digests.get(name, f"sha256:{'0' * 64}")}}

    def _pull(self, name: str, **_: Any) -> Iterator[dict[str, Any]]:
        yield from self._events
        self.names.add(name)

    def _import(self, archive: str, repository: str, tag: str, changes: list[str]) -> str:
        name = f"{repository}:{tag}"
        self.imported.append(name)
        self.names.add(name)
        label = next(change for change in changes if change.startswith("LABEL "))
        self.labels[name] = label.removeprefix("LABEL ").replace('"', "")
        return "imported"
