"""Pins the base image of the Dockerfile to what its tag is today: `python -m local.newest_base`.

A tag such as ubuntu:24.04 is moved whenever the image is mended, so that the same files give another image from one day
to the next. The digest says which one. It stands where `imageBase` stands: as default in Pulumi.yaml, and in the
stack files that have one of their own. A new digest makes a new tag, and so a new image and a new revision.
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
_DEFAULT = re.compile(rf"^  imageBase:\n(?:    .*\n)*?    default: {_VALUE}", re.MULTILINE)
_OF_A_STACK = re.compile(rf"^  [\w-]+:imageBase: {_VALUE}", re.MULTILINE)


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
        say(f"  {place.file.name}: imageBase")
        say(f"    was  {place.configured}")
        say(f"    is   {newest[place.tagged]}" if place in changed else "    the newest")
    if changed:
        say("  next: `make docs`, then `make up` or `make preview`, and commit it")


def places(root: Path) -> Iterator[Place]:
    """The default, then every stack that has a base image of its own."""
    yield from _places(root / "Pulumi.yaml", _DEFAULT, "imageBase")
    name = yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    for file in sorted(root.glob("Pulumi.*.yaml")):
        yield from _places(file, _OF_A_STACK, f"{name}:imageBase")


def _places(file: Path, pattern: re.Pattern[str], key: str) -> Iterator[Place]:
    text = file.read_text(encoding="utf-8")
    match = pattern.search(text)
    if match is not None:
        yield Place(file, *match.span("value"), match["value"])
    elif key in ((yaml.safe_load(text) or {}).get("config") or {}):
        raise UserError(
            f"{file.name}: got {key} in a form that cannot be renewed, expected it on a line of its own; "
            "write it as the other keys are"
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
