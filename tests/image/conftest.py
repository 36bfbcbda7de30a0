from __future__ import annotations

import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from local import base_image, docker_engine, paths

READY_SECONDS = 15


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    client = docker_engine.ensure()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(client: docker.DockerClient) -> Iterator[str]:
    """The name of the image that app_image/ gives."""
    base = os.environ.get("TEST_BASE_IMAGE") or base_image.ensure("ubuntu:24.04")
    name = f"h4b-image-test:{os.getpid()}"
    client.images.build(path=str(paths.ROOT / "app_image"), tag=name, buildargs={"BASE_IMAGE": base}, rm=True)
    yield name
    client.images.remove(name, force=True)


@pytest.fixture
def start(client: docker.DockerClient, image: str) -> Iterator[Callable[..., Container]]:
    """Starts a container with `docker run`'s options and waits until it answers; removed after the test."""
    made: list[Container] = []

    def started(**options: Any) -> Container:
        container = client.containers.run(image, detach=True, ports={"80/tcp": ("127.0.0.1", 0)}, **options)
        made.append(container)
        wait_until_it_answers(container)
        return container

    yield started
    for container in made:
        container.remove(force=True)


def port_of(container: Container) -> int:
    container.reload()
    published = container.ports["80/tcp"]
    assert published
    return int(published[0]["HostPort"])


def wait_until_it_answers(container: Container) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            get(container)
            return
        except (OSError, KeyError, AssertionError):
            container.reload()
            assert container.status == "running", container.logs().decode()
            assert time.monotonic() < deadline, container.logs().decode()
            time.sleep(0.05)


def get(container: Container, path: str = "/") -> tuple[int, dict[str, str], str]:
    """Status, headers and body of the answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port_of(container)}{path}")
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, dict(response.headers), response.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, dict(refused.headers), refused.read().decode()


def run_in(container: Container, *command: str, user: str = "") -> str:
    status, output = container.exec_run(list(command), user=user)
    assert isinstance(output, bytes)
    assert status == 0, output.decode()
    return output.decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
