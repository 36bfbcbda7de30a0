"""The image alone on this machine: `python -m local.image build|run|shell|stop`."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests
from docker.models.containers import Container
from docker.models.images import Image

from local import base_image, docker_engine, paths
from local.console import UserError, paint, say, step
from local.machine import has

if TYPE_CHECKING:
    from components.image import ImageChoices

CONTEXT = paths.ROOT / "app_image"
REPOSITORY = "h4b-helloworld"
CONTAINER = "h4b-local-run"
LABEL = "h4b.made-by"
KEPT = "image.tar"
PORT = 8080
ANSWER_SECONDS = 15
STOP_SECONDS = 30
"""As long as ECS waits by default."""
FAILED_STEP_LINES = 20


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.image", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for command in (build, run, shell, stop):
        commands.add_parser(command.__name__).set_defaults(command=command)
    commands.choices["build"].add_argument(
        "--cache", type=Path, metavar="FOLDER", help="start from the image that is kept here, and keep the new one"
    )
    given = vars(parser.parse_args(arguments))
    try:
        return int(given.pop("command")(**given))
    except UserError as problem:
        print(f"{paint('error', '31')}: {problem}", file=sys.stderr)
        return 1
    except (docker.errors.DockerException, requests.RequestException) as problem:
        print(f"{paint('error', '31')}: Docker stopped answering ({problem}); run this again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to continue", file=sys.stderr)
        return 130


def tag() -> str:
    """`h4b-helloworld:<image.version's default>`."""
    return f"{REPOSITORY}:{_defaults().version}"


def _defaults() -> type[ImageChoices]:
    from components.image import ImageChoices  # all of AWS's SDK, which takes a moment

    return ImageChoices


def build(cache: Path | None = None) -> int:
    with contextlib.closing(docker_engine.ensure()) as client:
        known = _load(client, cache) if cache else []
        image = _build(client, known)
        if cache and image.id not in known:
            _keep(image, cache)
    return 0


def _load(client: docker.DockerClient, cache: Path) -> list[str]:
    """The image that an earlier build kept. It only saves time, so one that cannot be read is left aside."""
    kept = cache / KEPT
    if not kept.exists():
        return []
    with step(f"Load {kept}") as shown:
        try:
            with kept.open("rb") as archive:
                return [str(image.id) for image in client.images.load(archive)]
        except (OSError, docker.errors.DockerException) as problem:
            shown.note(f"built without it, as it cannot be loaded ({problem})")
            return []


def _keep(image: Image, cache: Path) -> None:
    kept = cache / KEPT
    with step(f"Keep {kept}"):
        try:
            cache.mkdir(parents=True, exist_ok=True)
            half = kept.with_suffix(".half")
            with half.open("wb") as archive:
                archive.writelines(image.save())
            half.replace(kept)
        except OSError as problem:
            raise UserError(
                f"cache: got {cache}, expected a folder to write to ({problem}); choose another"
            ) from problem


def _build(client: docker.DockerClient, known: list[str] | None = None) -> Image:
    base = base_image.ensure(_defaults().base)
    with step(f"Build {tag()}") as shown:
        printed: list[str] = []
        try:
            for event in client.api.build(
                path=str(CONTEXT), tag=tag(), buildargs={"BASE_IMAGE": base}, cache_from=known, rm=True, forcerm=True,
                decode=True, timeout=None,
            ):  # fmt: skip
                _fail_on_error(event, printed)
                if line := str(event.get("stream", "")).strip():
                    printed.append(line)
                    if not line.startswith("--->"):
                        shown.note(line.splitlines()[0][:100])
        except docker.errors.APIError as problem:
            raise UserError(f"image: Docker refuses to build app_image/ ({problem.explanation})") from problem
        image = client.images.get(tag())
        shown.note(f"{image.attrs['Size'] / 1e6:.0f} MB")
        return image


def _fail_on_error(event: dict[str, Any], printed: list[str]) -> None:
    if "error" in event:
        for line in printed[-FAILED_STEP_LINES:]:
            say(f"  {line}")
        raise UserError(f"image: {str(event['error']).strip()}; the lines above tell why, correct app_image/")


def run() -> int:
    with contextlib.closing(docker_engine.ensure()) as client:
        _build(client)
        with step(f"Run {CONTAINER}") as shown:
            container = _existing(client)
            if container and (container.status != "running" or container.image != client.images.get(tag())):
                container.remove(force=True)
                container = None
            if container:
                shown.note("already runs")
            else:
                container = _start(client)
            answer = _answer(container)
    say()
    say(f"  http://localhost:{PORT} answers: {answer}")
    say("  next: `make image-shell`, `make image-stop`")
    return 0


def _start(client: docker.DockerClient) -> Container:
    container = client.containers.create(
        tag(),
        name=CONTAINER,
        labels={LABEL: "make image-run"},
        ports={"80/tcp": ("127.0.0.1", PORT)},
        # As hard as the task definition on ECS makes it.
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
    )
    try:
        container.start()
    except docker.errors.APIError as problem:
        container.remove(force=True)
        reason = str(problem.explanation)
        if "already allocated" in reason or "address already in use" in reason or "ports are not available" in reason:
            raise UserError(
                f"port {PORT}: another program uses it; stop that program, then run this again"
            ) from problem
        raise UserError(f"{CONTAINER}: does not start ({reason}); see `docker info`") from problem
    return container


def _answer(container: Container) -> str:
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}", timeout=ANSWER_SECONDS) as response:
                return str(response.read().decode(errors="replace").strip())
        except (urllib.error.URLError, OSError) as problem:
            container.reload()
            if container.status != "running" or time.monotonic() > deadline:
                for line in container.logs(tail=FAILED_STEP_LINES).decode(errors="replace").splitlines():
                    say(f"  {line}")
                raise UserError(
                    f"{CONTAINER}: no answer on port {PORT} ({problem}); its log is above, correct app_image/"
                ) from problem
            time.sleep(0.1)


def _existing(client: docker.DockerClient) -> Container | None:
    try:
        container = client.containers.get(CONTAINER)
    except docker.errors.NotFound:
        return None
    if LABEL not in container.labels:
        raise UserError(f"{CONTAINER}: a container of this name was not made here; `docker rm -f {CONTAINER}` first")
    return container


def shell() -> int:
    with _running_docker() as client:
        container = _existing(client) if client else None
        if container is None or container.status != "running":
            raise UserError(f"{CONTAINER}: not running; run `make image-run`")
    if not has("docker"):
        raise UserError("docker: the command line client is not found; install it")
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    return subprocess.run(["docker", "exec", "-i", *terminal, CONTAINER, "bash"], check=False).returncode  # noqa: S607


def stop() -> int:
    with _running_docker() as client:
        container = _existing(client) if client else None
        if container is None:
            say(f"{CONTAINER} is not there")
            return 0
        with step(f"Stop {CONTAINER}"):
            container.stop(timeout=STOP_SECONDS)
            container.remove(force=True)
    return 0


@contextlib.contextmanager
def _running_docker() -> Iterator[docker.DockerClient | None]:
    client = docker_engine.running()
    try:
        yield client
    finally:
        if client:
            client.close()


if __name__ == "__main__":
    raise SystemExit(main())
