"""Two checkouts, an emulator of somebody's own and other programs on one machine: each removes its own alone."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors
import pytest

from local import base_image, paths
from local.emulator import FIRST_PORT, IMAGE_LABEL, LAYERS
from tests.local import emulator
from tests.local.checkout import Checkout, Result, copy_checkout, free_port

pytestmark = pytest.mark.docker

START = f"from local import emulator, paths; paths.LOCAL.mkdir(exist_ok=True); emulator.ensure({emulator.REGION!r})"
SECONDS = 30


@dataclass
class Neighbour:
    """A checkout with an emulator, a task on it and an image; without a stack, which would take longer."""

    checkout: Checkout
    base: str

    def start(self) -> Result:
        done = subprocess.run(
            [sys.executable, "-c", START], cwd=self.checkout.path, env=self.checkout.environment,
            capture_output=True, text=True,
        )  # fmt: skip
        return Result(done.returncode, done.stdout + done.stderr)

    @property
    def owner(self) -> str:
        return paths.owner(self.checkout.path / ".local")

    @property
    def image(self) -> str:
        return f"localhost:{self.checkout.emulator.port}/app:1"

    def make_things(self) -> None:
        build(self.base, self.image, {IMAGE_LABEL: self.owner})
        ecs = self.checkout.client("ecs")
        container = {"name": "a", "image": self.base, "command": ["sleep", "600"]}
        ecs.register_task_definition(family="a", containerDefinitions=[container])
        ecs.create_cluster(clusterName="a")
        ecs.run_task(cluster="a", taskDefinition="a")
        deadline = time.monotonic() + SECONDS
        while not self.containers():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def containers(self) -> list[str]:
        return [
            str(each.name)
            for each in docker.from_env().containers.list(filters={"label": "ministack.instance"})
            if each.labels["ministack.instance"].startswith(f"{self.owner}:")
        ]

    def answers(self) -> bool:
        return emulator.answers(self.checkout.emulator.port)


def build(base: str, tag: str, labels: dict[str, str]) -> None:
    content = io.BytesIO(f"FROM {base}\nRUN echo {uuid.uuid4()} > /made\n".encode())
    docker.from_env().images.build(fileobj=content, tag=tag, labels=labels, rm=True)


def image_exists(name: str) -> bool:
    try:
        docker.from_env().images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


@pytest.fixture(scope="module")
def base() -> str:
    return os.environ.get("TEST_BASE_IMAGE") or base_image.ensure("ubuntu:24.04")


@pytest.fixture(scope="module")
def strangers(base: str) -> Iterator[dict[str, str]]:
    """Containers of somebody's own MiniStack, of this version and an older one, and the images of others: by name."""
    client, mark = docker.from_env(), uuid.uuid4().hex[:8]
    labels: dict[str, Any] = {
        f"foreign-{mark}": {"ministack": "rds", "ministack.instance": f"{socket.gethostname()}:{FIRST_PORT}"},
        f"older-{mark}": {"ministack": "rds"},
    }
    for name, label in labels.items():
        client.containers.run(base, ["sleep", "600"], name=name, labels=label, detach=True)
    images = [f"localhost:{FIRST_PORT}/project-{mark}:1.0", f"localhost:{FIRST_PORT}/app-{mark}:1"]
    for image in images:
        build(base, image, {})
    yield dict.fromkeys(labels, "container") | dict.fromkeys(images, "image")
    for name in labels:
        client.containers.get(name).remove(force=True)
    for image in images:
        client.images.remove(image)


def are_there(strangers: dict[str, str]) -> bool:
    running = {str(each.name) for each in docker.from_env().containers.list()}
    return all(name in running if kind == "container" else image_exists(name) for name, kind in strangers.items())


@pytest.fixture(scope="module")
def neighbours(
    tmp_path_factory: pytest.TempPathFactory, base: str, strangers: dict[str, str]
) -> Iterator[tuple[Neighbour, Neighbour]]:
    both = []
    for name in ("one", "two"):
        folder = tmp_path_factory.mktemp(name)
        copy_checkout(folder)
        both.append(Neighbour(Checkout(folder, 0), base))
    try:
        yield both[0], both[1]
    finally:
        for each in both:
            each.checkout.local("down", "--layers")


@pytest.fixture(scope="module")
def started(neighbours: tuple[Neighbour, Neighbour]) -> list[Result]:
    return [each.start().succeeded() for each in neighbours]


def test_each_finds_a_port_and_says_which(neighbours: tuple[Neighbour, Neighbour], started: list[Result]) -> None:
    ports = [each.checkout.emulator.port for each in neighbours]
    assert len(set(ports)) == 2
    for port, said in zip(ports, started, strict=True):
        assert f"MiniStack at http://127.0.0.1:{port} " in said.output
        assert (f"; {FIRST_PORT} is taken" in said.output) == (port != FIRST_PORT)


def test_the_recorded_port_is_the_one_that_counts(
    neighbours: tuple[Neighbour, Neighbour], started: list[Result]
) -> None:
    one, two = neighbours
    elsewhere = Checkout(one.checkout.path, two.checkout.emulator.port)
    said = elsewhere.local("env").succeeded().output
    assert f"export AWS_ENDPOINT_URL=http://127.0.0.1:{one.checkout.emulator.port}\n" in said
    refused = Neighbour(elsewhere, one.base).start()
    assert f"LOCAL_PORT: got {elsewhere.port}, but the emulator of this checkout runs on" in refused.output


def test_the_key_of_one_opens_nothing_of_the_other(
    neighbours: tuple[Neighbour, Neighbour], started: list[Result]
) -> None:
    one, two = (each.checkout.emulator for each in neighbours)
    assert one.key != two.key
    for each in neighbours:
        record = each.checkout.path / ".local" / "emulator.json"
        assert record.stat().st_mode & 0o777 == 0o600


def test_the_key_is_in_no_argument_log_or_other_file(
    neighbours: tuple[Neighbour, Neighbour], started: list[Result]
) -> None:
    one = neighbours[0].checkout
    secret = one.emulator.key.secret_access_key
    one.client("sts").get_caller_identity()
    assert secret not in subprocess.run(["ps", "axeww"], capture_output=True, text=True).stdout
    local = one.path / ".local"
    holding = [file for file in local.rglob("*") if file.is_file() and secret in file.read_text(errors="replace")]
    assert holding == [local / "emulator.json"]


def test_down_removes_what_its_checkout_made_and_nothing_else(
    neighbours: tuple[Neighbour, Neighbour], started: list[Result], strangers: dict[str, str]
) -> None:
    one, two = neighbours
    for each in neighbours:
        each.make_things()
    assert are_there(strangers), "a start removes nothing of others"
    port, image = one.checkout.emulator.port, one.image
    # Whatever LOCAL_PORT says.
    Checkout(one.checkout.path, two.checkout.emulator.port).local("down").succeeded()
    assert (one.containers(), emulator.answers(port), image_exists(image)) == ([], False, False)
    assert image_exists(f"{LAYERS}:{one.owner}"), "the next build is quick"
    assert two.answers()
    assert two.containers()
    assert image_exists(two.image)
    assert "clusterArns" in two.checkout.client("ecs").list_clusters()
    assert are_there(strangers)

    one.checkout.local("down", "--layers").succeeded()
    assert not image_exists(f"{LAYERS}:{one.owner}")
    assert two.answers()
    assert two.containers()
    assert image_exists(two.image)
    assert are_there(strangers)


def test_where_nothing_runs_nothing_is_removed(
    tmp_path: Any, neighbours: tuple[Neighbour, Neighbour], started: list[Result], strangers: dict[str, str]
) -> None:
    copy_checkout(tmp_path)
    for port in (0, FIRST_PORT, neighbours[1].checkout.emulator.port, free_port()):
        Checkout(tmp_path, port).local("down", "--layers").succeeded()
    assert neighbours[1].answers()
    assert are_there(strangers)
