"""A copy of the checkout with a local stack of its own, so that no test touches the one a developer has running."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import paths
from local.emulator import CONTAINER_LABEL, Emulator

ROOT = Path(__file__).resolve().parents[2]

LAUNCH_TYPE_MISMATCH = ("requires_compatibilities=[settings.service.launch_type],", 'requires_compatibilities=["EC2"],')
"""An edit of `__main__.py` after which a FARGATE service has a task definition for EC2 only."""


@dataclass
class Checkout:
    """A copy of the repository in which `make` commands are run as a user would."""

    path: Path
    port: int
    """0: what it chooses itself."""
    docker_host: str = ""
    """Address of the Docker that it uses. Empty: the machine's."""

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "local", *words]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        own_docker = {"DOCKER_HOST": self.docker_host} if self.docker_host else {}
        port = {"LOCAL_PORT": str(self.port)} if self.port else {}
        return kept | own_docker | port | {"TERM": "dumb"}

    def local(self, *words: str, timeout_seconds: float = 300) -> Result:
        done = subprocess.run(
            self.command(*words),
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_seconds,
        )
        return Result(done.returncode, done.stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words),
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def emulator(self) -> Emulator:
        started = Emulator.read(self.path / ".local" / "emulator.json")
        assert started, "no emulator is recorded"
        return started

    def client(self, service: str) -> Any:
        """A boto3 client of its emulator."""
        return self.emulator.client(service)

    @property
    def label(self) -> str:
        """What all containers of its emulator carry."""
        return f"{CONTAINER_LABEL}={paths.owner(self.path / '.local')}:{self.port}"

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.path / file
        text = path.read_text()
        assert old in text, f"{file} no longer holds {old!r}"
        path.write_text(text.replace(old, new))


@dataclass
class Result:
    """What a command printed, and its exit code."""

    code: int
    output: str

    def succeeded(self) -> Result:
        assert self.code == 0, self.output
        return self

    def failed(self) -> Result:
        assert self.code != 0, self.output
        assert "Traceback" not in self.output, self.output
        return self


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copy_checkout(to: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    (to / "policy" / ".venv").symlink_to(ROOT / "policy" / ".venv")
