"""Pins the base image of the Dockerfile to what its tag is today: `python -m local.newest_base`.

A tag such as ubuntu:24.04 is moved whenever the image is mended, so that the same files give another image from one day
to the next. The digest says which one. It stands where `image.base` stands: as default in components/image.py, and in
the stack files that have one of their own. A new digest makes a new tag, and so a new image and a new revision.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import requests
import yaml

from local import base_image, docker_engine, paths
from local.console import UserError, paint, say, step

_VALUE = r"(?P<quote>[\"']?)(?P<value>[^\s\"'#]+)(?P=quote)(?: +#.*)?$"
_DEFAULT = re.compile(rf"^    base: ImageBase = {_VALUE}", re.MULTILINE)
_OF_A_STACK = re.compile(rf"^  [\w-]+:image:\n(?:    .*\n)*?    base: {_VALUE}", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """Where a base image is named."""

    file: Path
    start: int
    end: int
    configured: str

    @property
    def tagged(self) -> str:
        """What the registry is asked for: the reference without its digest."""
        return self.configured.partition("@")[0]


def main() -> int:
    try:
        with contextlib.closing(docker_engine.ensure()) as client:
            renew(client, paths.ROOT)
    except UserError as problem:
        print(f"{paint('error', '31')}: {problem}", file=sys.stderr)
        return 1
    except (docker.errors.DockerException, requests.RequestException) as problem:
        print(f"{paint('error', '31')}: Docker stopped answering ({problem}); run this again", file=sys.stderr)
        return 1
    return 0


def renew(client: docker.DockerClient, root: Path) -> None:
    """Writes the newest digests. Where one cannot be had, raises UserError and writes nothing."""
    found = list(places(root))
    newest = {}
    with step("Base image") as shown:
        for tagged in sorted({place.tagged for place in found}):
            shown.note(f"asking the registry for {tagged}")
            newest[tagged] = f"{tagged}@{_digest(client, tagged)}"
        changed = [place for place in found if newest[place.tagged] != place.configured]
        shown.note(f"{len(changed)} of {len(found)} changed")
    for place in changed:
        text = place.file.read_text(encoding="utf-8")
        place.file.write_text(text[: place.start] + newest[place.tagged] + text[place.end :], encoding="utf-8")
    for place in found:
        say(f"  {place.file.name}: image.base")
        say(f"    was  {place.configured}")
        say(f"    is   {newest[place.tagged]}" if place in changed else "    the newest")
    if changed:
        say("  next: `make docs`, then `make up` or `make preview`, and commit it")


def places(root: Path) -> Iterator[Place]:
    """The default, then every stack that has a base image of its own."""
    yield from _places(root / "components" / "image.py", _DEFAULT, is_there=True)
    name = yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    for file in sorted(root.glob("Pulumi.*.yaml")):
        image = ((yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("config") or {}).get(f"{name}:image")
        yield from _places(file, _OF_A_STACK, is_there=isinstance(image, dict) and "base" in image)


def _places(file: Path, pattern: re.Pattern[str], *, is_there: bool) -> Iterator[Place]:
    match = pattern.search(file.read_text(encoding="utf-8"))
    if match is not None:
        yield Place(file, *match.span("value"), match["value"])
    elif is_there:
        raise UserError(
            f"{file.name}: got image.base in a form that cannot be renewed, expected it on a line of its own; "
            "write it as the other settings are"
        )


def _digest(client: docker.DockerClient, tagged: str) -> str:
    digest, obstacle = base_image.ask_registry(client, tagged)
    if digest is None:
        raise UserError(
            f"base image: the registry of {tagged} gives no answer ({obstacle}); connect to it, or log in to it with "
            "`docker login`, and run this again. Nothing was changed"
        )
    return digest


if __name__ == "__main__":
    raise SystemExit(main())
