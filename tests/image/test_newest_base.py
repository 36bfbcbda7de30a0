"""The base image is pinned to what its tag is today, wherever it is named."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import docker
import docker.errors
import pytest

import environment
from components.image import ImageChoices
from local import newest_base, paths
from local.console import UserError
from tests.image import registry
from tests.image.machines import FakeDocker, api_error

UBUNTU, DEBIAN = "ubuntu:24.04", "debian:bookworm-slim"
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
DEFAULT = f"""@dataclass
class ImageChoices(Arguments):
    version: ImageVersion = "0.0.1"
    base: ImageBase = "{UBUNTU}"
    \"\"\"Base image.\"\"\"
"""
STACK = f"""# Ours.
config:
  aws:region: ap-northeast-1
  shop:image:
    version: 2
    # Smaller.
    base: {DEBIAN}@{OLD}
  shop:service:
    desiredCount: 2
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "image.py").write_text(DEFAULT)
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: ap-northeast-1\n")
    return tmp_path


def renew(fake: FakeDocker, program: Path) -> None:
    newest_base.renew(cast(docker.DockerClient, fake), program)


def texts(program: Path) -> dict[str, str]:
    files = [*sorted(program.glob("Pulumi*.yaml")), program / "components" / "image.py"]
    return {file.name: file.read_text() for file in files}


def test_default_and_stacks_get_the_newest_digest_and_nothing_else_changes(
    program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(program)
    fake = FakeDocker()
    fake.digests = {UBUNTU: NEW, DEBIAN: NEW}
    renew(fake, program)
    assert texts(program) == before | {
        "image.py": DEFAULT.replace(UBUNTU, f"{UBUNTU}@{NEW}"),
        "Pulumi.prod.yaml": STACK.replace(OLD, NEW),
    }
    assert fake.asked == [DEBIAN, UBUNTU], "the registry is asked for the tag, not for the digest that is known"
    shown = capsys.readouterr().out
    assert f"    was  {DEBIAN}@{OLD}\n    is   {DEBIAN}@{NEW}\n" in shown
    assert f"    was  {UBUNTU}\n    is   {UBUNTU}@{NEW}\n" in shown


def test_the_newest_one_stays(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = FakeDocker()
    fake.digests = {UBUNTU: NEW, DEBIAN: OLD}
    renew(fake, program)
    renewed = texts(program)
    capsys.readouterr()
    renew(fake, program)
    assert texts(program) == renewed
    assert "    is " not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (
            api_error(500, "Get https://registry-1.docker.io/v2/: dial tcp: no such host"),
            f"base image: the registry of {DEBIAN} gives no answer (no such host); connect to it, or log in to it with "
            "`docker login`, and run this again. Nothing was changed",
        ),
        (
            api_error(404, "manifest unknown"),
            f"base image: got {DEBIAN}, which its registry does not offer (manifest unknown); "
            "correct the name, or `docker login`",
        ),
    ],
)
def test_without_an_answer_nothing_changes(program: Path, failure: Exception, told: str) -> None:
    before = texts(program)
    with pytest.raises(UserError) as refused:
        renew(FakeDocker(registry=failure), program)
    assert str(refused.value) == told
    assert texts(program) == before


def test_every_base_image_of_this_repository_is_found(tmp_path: Path) -> None:
    for file in paths.ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path)
    (tmp_path / "components").mkdir()
    shutil.copy(paths.ROOT / "components" / "image.py", tmp_path / "components")
    (tmp_path / "Pulumi.other.yaml").write_text(environment.stack_file("other", "dev", paths.ROOT))
    other = (tmp_path / "Pulumi.other.yaml").read_text()
    group = "  h4b-helloworld:image:\n"
    assert group in other
    (tmp_path / "Pulumi.other.yaml").write_text(other.replace(group, f"{group}    base: {DEBIAN}\n"))
    assert [(place.file.name, place.configured) for place in newest_base.places(tmp_path)] == [
        ("image.py", ImageChoices.base),
        ("Pulumi.other.yaml", DEBIAN),
    ]


@pytest.mark.parametrize("written", ['"debian:bookworm-slim"', "'debian:bookworm-slim'", "debian:bookworm-slim # LTS"])
def test_quotes_and_comments_stay(program: Path, written: str) -> None:
    (program / "Pulumi.prod.yaml").write_text(STACK.replace(f"{DEBIAN}@{OLD}", written))
    fake = FakeDocker()
    fake.digests = {UBUNTU: NEW, DEBIAN: NEW}
    renew(fake, program)
    assert f"base: {written.replace(DEBIAN, f'{DEBIAN}@{NEW}')}\n" in (program / "Pulumi.prod.yaml").read_text()


def test_another_form_is_refused_before_anything_changes(program: Path) -> None:
    (program / "Pulumi.prod.yaml").write_text("config: {shop:image: {base: debian}}\n")
    before = texts(program)
    with pytest.raises(UserError) as refused:
        renew(FakeDocker(), program)
    assert str(refused.value) == (
        "Pulumi.prod.yaml: got image.base in a form that cannot be renewed, expected it on a line of its own; "
        "write it as the other settings are"
    )
    assert texts(program) == before


@pytest.fixture
def engine() -> Iterator[tuple[docker.DockerClient, list[str]]]:
    """Docker's own client on an engine that knows registries alone, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = {"ApiVersion": "1.47", "MinAPIVersion": "1.24"}
            if "/distribution/" in self.path:
                answer = {"Descriptor": {"digest": NEW, "size": 500}, "Platforms": []}  # type: ignore[dict-item]
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = docker.DockerClient(base_url=f"tcp://127.0.0.1:{server.server_port}")
    yield client, asked
    client.close()
    server.shutdown()
    server.server_close()


def test_dockers_own_client_asks_for_the_tag(program: Path, engine: tuple[docker.DockerClient, list[str]]) -> None:
    client, asked = engine
    newest_base.renew(client, program)
    assert f'base: ImageBase = "{UBUNTU}@{NEW}"\n' in (program / "components" / "image.py").read_text()
    assert [path.partition("/distribution/")[2] for path in asked if "/distribution/" in path] == [
        f"{DEBIAN}/json",
        f"{UBUNTU}/json",
    ]


@pytest.mark.docker
def test_docker_asks_the_registry_of_the_image(program: Path, client: docker.DockerClient) -> None:
    with registry.running() as there:
        (program / "components" / "image.py").write_text(DEFAULT.replace(UBUNTU, there.image))
        (program / "Pulumi.prod.yaml").unlink()
        for release in ("first", "second"):
            there.release(release)
            newest_base.renew(client, program)
            written = (program / "components" / "image.py").read_text()
            assert f'base: ImageBase = "{there.image}@{there.digest}"\n' in written
