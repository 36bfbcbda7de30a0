"""`make image-run`, `image-shell`, `image-stop` as a person uses them."""

from __future__ import annotations

import contextlib
import os
import socket
import tarfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import docker.errors
import pytest

from local import base_image, image
from tests.image.conftest import free_port

pytestmark = pytest.mark.docker


@pytest.fixture
def built(request: pytest.FixtureRequest) -> str:
    """The fixture `image`, whose name the module under test has taken here."""
    return str(request.getfixturevalue("image"))


@pytest.fixture(autouse=True)
def own_names(client: docker.DockerClient, built: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Names and a port of this test's own: the machine may run the real ones."""
    if base := os.environ.get("TEST_BASE_IMAGE"):
        monkeypatch.setattr(base_image, "ensure", lambda _: base)
    monkeypatch.setattr(image, "CONTAINER", f"h4b-test-run-{os.getpid()}")
    monkeypatch.setattr(image, "REPOSITORY", f"h4b-test-image-{os.getpid()}")
    monkeypatch.setattr(image, "PORT", free_port())
    yield
    for container in client.containers.list(all=True, filters={"name": image.CONTAINER}):
        container.remove(force=True)
    with contextlib.suppress(docker.errors.ImageNotFound):
        client.images.remove(image.tag())


def containers(client: docker.DockerClient) -> list[str]:
    return [str(found.id) for found in client.containers.list(all=True, filters={"name": image.CONTAINER})]


def test_runs_answers_on_loopback_only_and_stops(
    client: docker.DockerClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert image.main(["run"]) == 0
    assert f"http://localhost:{image.PORT} answers: Hello World!" in capsys.readouterr().out
    with urllib.request.urlopen(f"http://localhost:{image.PORT}") as response:
        assert response.read() == b"Hello World!\n"
    published = client.containers.get(image.CONTAINER).ports["80/tcp"]
    assert published
    assert {binding["HostIp"] for binding in published} == {"127.0.0.1"}

    assert image.main(["stop"]) == 0
    assert containers(client) == []


def test_a_second_run_keeps_the_container_and_a_second_stop_is_no_error(
    client: docker.DockerClient, capsys: pytest.CaptureFixture[str]
) -> None:
    image.main(["run"])
    first = containers(client)
    assert image.main(["run"]) == 0
    assert containers(client) == first
    assert f"Run {image.CONTAINER}: already runs" in capsys.readouterr().out
    image.main(["stop"])
    assert image.main(["stop"]) == 0
    assert f"{image.CONTAINER} is not there" in capsys.readouterr().out


def test_a_stopped_container_is_replaced(client: docker.DockerClient) -> None:
    image.main(["run"])
    client.containers.get(image.CONTAINER).kill()
    assert image.main(["run"]) == 0
    assert client.containers.get(image.CONTAINER).status == "running"


def test_shell_opens_bash_in_the_container(client: docker.DockerClient) -> None:
    image.main(["run"])
    read, write = os.pipe()
    os.write(write, b"exit 7\n")
    os.close(write)
    before = os.dup(0)
    os.dup2(read, 0)
    try:
        assert image.main(["shell"]) == 7
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(read)


def test_shell_without_container_tells_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert image.main(["shell"]) == 1
    assert capsys.readouterr().err == f"error: {image.CONTAINER}: not running; run `make image-run`\n"


def test_a_taken_port_is_told_and_leaves_no_container(
    client: docker.DockerClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", image.PORT))
        other.listen()
        assert image.main(["run"]) == 1
    assert capsys.readouterr().err == (
        f"error: port {image.PORT}: another program uses it; stop that program, then run this again\n"
    )
    assert containers(client) == []


def test_a_container_of_that_name_made_by_hand_is_not_touched(
    client: docker.DockerClient, built: str, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand = client.containers.create(built, name=image.CONTAINER)
    assert image.main(["run"]) == 1
    assert image.main(["stop"]) == 1
    assert "was not made here" in capsys.readouterr().err
    assert containers(client) == [by_hand.id]


@pytest.fixture
def app(client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose image no Docker has yet; the step before its page gives another layer each time it is run."""
    folder = tmp_path / "app"
    folder.mkdir()
    label = f"h4b.test={tmp_path}"
    (folder / "Dockerfile").write_text(
        f"ARG BASE_IMAGE\nFROM ${{BASE_IMAGE}}\nLABEL {label}\nRUN date +%N > /once\nCOPY page /\n"
    )
    (folder / "page").write_text("first")
    monkeypatch.setattr(image, "CONTEXT", folder)
    yield folder
    for left in client.images.list(filters={"label": label}):
        client.images.remove(str(left.id), force=True)


@pytest.fixture
def build(client: docker.DockerClient, app: Path, tmp_path: Path) -> Callable[[], list[str]]:
    """`make image CACHE=…` on a machine whose Docker is empty: the layers of what it gives."""

    def built() -> list[str]:
        with contextlib.suppress(docker.errors.ImageNotFound):
            client.images.remove(image.tag())
        assert image.main(["build", "--cache", str(tmp_path / "cache")]) == 0
        return list(client.images.get(image.tag()).attrs["RootFS"]["Layers"])

    return built


def test_an_empty_docker_builds_only_what_changed_since_the_cache(
    build: Callable[[], list[str]], app: Path, tmp_path: Path
) -> None:
    *before, first_page = build()
    kept = tmp_path / "cache" / image.KEPT
    written = kept.stat().st_mtime_ns
    assert build() == [*before, first_page]
    assert kept.stat().st_mtime_ns == written

    (app / "page").write_text("second")
    *same, second_page = build()
    assert same == before and second_page != first_page
    assert kept.stat().st_mtime_ns > written
    assert [file.name for file in kept.parent.iterdir()] == [image.KEPT]


def test_a_cache_that_cannot_be_read_is_said_and_replaced(
    build: Callable[[], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "cache" / image.KEPT
    kept.parent.mkdir()
    kept.write_text("half a download")
    build()
    assert "built without it, as it cannot be loaded" in capsys.readouterr().out
    assert tarfile.is_tarfile(kept)


def test_a_cache_that_cannot_be_written_is_told(app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert image.main(["build", "--cache", str(tmp_path / "file")]) == 1
    assert f"cache: got {tmp_path}/file, expected a folder to write to" in capsys.readouterr().err
