"""The local docker provider with a real engine and a real registry: what it builds, pushes and finds again."""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import docker
import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from local.emulator import Emulator
from local.providers.docker import DockerProvider
from local.providers.values import from_struct, to_struct
from tests.local import emulator

pytestmark = pytest.mark.docker

URN = "urn:pulumi:local::h4b::docker:index/image:Image::app"


class RefusedError(Exception):
    """What the engine would show the user."""


class Context:
    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise RefusedError(details)


class Listening(DockerProvider):
    """Keeps what the user would see beside the resource."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def log(self, urn: str, message: str, *, severity: int = 0, passing: bool = False) -> None:
        self.said.append(message)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator.running(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture
def repository(registry: Emulator) -> Iterator[str]:
    """An empty repository's name; what was tagged with it on this machine is untagged afterwards."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    registry.client("ecr").create_repository(repositoryName=name)
    full_name = f"{registry.registry}/{name}"
    yield full_name
    client = docker.from_env()
    try:
        for image in client.images.list(name=full_name):
            for tag in image.tags:
                client.images.remove(tag)
    finally:
        client.close()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCAL_PROGRAM_DIR", str(tmp_path))
    monkeypatch.delenv("LOCAL_BASE_IMAGES", raising=False)
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY index.html /\n")
    (folder / "index.html").write_text("Hello World!")
    return folder


def inputs(name: str, registry: Emulator, **more: Any) -> Any:
    login = {"username": "AWS", "password": registry.key.registry_password}
    given = {"imageName": name, "build": {"context": "app"}, "registry": login, **more}
    response = DockerProvider().Check(provider_pb2.CheckRequest(urn=URN, news=to_struct(given)), Context())
    assert not response.failures
    return response.inputs


def create(provider: DockerProvider, properties: Any) -> dict[str, Any]:
    created = provider.Create(provider_pb2.CreateRequest(urn=URN, properties=properties), Context())
    assert created.id == from_struct(properties)["imageName"]
    return from_struct(created.properties)


def pushed_digests(registry: Emulator, repository: str) -> dict[str, str]:
    images = registry.client("ecr").list_images(repositoryName=repository.partition("/")[2])["imageIds"]
    return {image["imageTag"]: image["imageDigest"] for image in images if "imageTag" in image}


def test_the_image_is_in_the_registry_under_the_digest_it_reports(
    registry: Emulator, repository: str, app: Path
) -> None:
    provider = Listening()
    outputs = create(provider, inputs(f"{repository}:1", registry))
    assert outputs["repoDigest"] == f"{repository}@{pushed_digests(registry, repository)['1']}"
    assert "Step 2/2 : COPY index.html /" in provider.said
    assert any(line.startswith("pushed sha256:") for line in provider.said)


def test_an_update_pushes_another_digest(registry: Emulator, repository: str, app: Path) -> None:
    provider = Listening()
    first = create(provider, inputs(f"{repository}:1", registry))
    (app / "index.html").write_text("Hello again!")
    request = provider_pb2.UpdateRequest(urn=URN, id=f"{repository}:1", news=inputs(f"{repository}:2", registry))
    second = from_struct(provider.Update(request, Context()).properties)
    assert first["repoDigest"] != second["repoDigest"]
    assert set(pushed_digests(registry, repository)) == {"1", "2"}


def test_ignored_files_are_not_in_the_image_and_a_dockerfile_may_lie_outside(
    registry: Emulator, repository: str, app: Path
) -> None:
    (app / ".dockerignore").write_text("secret.txt\n")
    (app / "secret.txt").write_text("s3cret")
    (app.parent / "other.Dockerfile").write_text("FROM scratch\nCOPY secret.txt /\n")
    properties = inputs(f"{repository}:1", registry, build={"context": "app", "dockerfile": "other.Dockerfile"})
    with pytest.raises(RefusedError, match=r"^docker build failed at `Step 2/2 : COPY secret.txt /`: COPY failed"):
        create(Listening(), properties)
    (app / ".dockerignore").unlink()
    assert create(Listening(), properties)["dockerfile"] == "../other.Dockerfile"


def test_a_base_image_is_replaced_and_the_replacement_named(
    registry: Emulator, repository: str, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = create(Listening(), inputs(f"{repository}:base", registry))["imageName"]
    monkeypatch.setenv("LOCAL_BASE_IMAGES", f'{{"ubuntu:24.04": "{base}"}}')
    (app / "Dockerfile").write_text("ARG BASE_IMAGE=ubuntu:24.04\nFROM ${BASE_IMAGE}\nCOPY index.html /again\n")
    provider = Listening()
    create(provider, inputs(f"{repository}:1", registry))
    assert f"base image: {base} stands in for ubuntu:24.04 on this machine" in provider.said


def test_a_failing_step_is_named(registry: Emulator, repository: str, app: Path) -> None:
    (app / "Dockerfile").write_text('FROM scratch\nCOPY index.html /\nRUN ["/no-such-program"]\n')
    with pytest.raises(RefusedError, match=r'^docker build failed at `Step 3/3 : RUN \["/no-such-program"\]`: '):
        create(Listening(), inputs(f"{repository}:1", registry))


def test_a_push_the_registry_refuses_is_named(registry: Emulator, app: Path) -> None:
    name = f"{registry.registry}/no-such-repository:1"
    try:
        with pytest.raises(RefusedError, match=rf"^docker push {name}: "):
            create(Listening(), inputs(name, registry))
    finally:
        client = docker.from_env()
        client.images.remove(name)
        client.close()


def test_refresh_finds_the_image_until_the_registry_has_lost_it(registry: Emulator, repository: str, app: Path) -> None:
    provider, properties = Listening(), inputs(f"{repository}:1", registry)
    outputs = create(provider, properties)
    request = provider_pb2.ReadRequest(urn=URN, id=f"{repository}:1", inputs=properties, properties=to_struct(outputs))
    assert provider.Read(request, Context()).id == f"{repository}:1"
    registry.client("ecr").delete_repository(repositoryName=repository.partition("/")[2], force=True)
    assert provider.Read(request, Context()).id == ""


def test_deleting_leaves_the_image_where_it_is(registry: Emulator, repository: str, app: Path) -> None:
    provider = Listening()
    create(provider, inputs(f"{repository}:1", registry))
    provider.Delete(provider_pb2.DeleteRequest(urn=URN, id=f"{repository}:1"), Context())
    assert "1" in pushed_digests(registry, repository)
