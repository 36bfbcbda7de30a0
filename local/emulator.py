"""The AWS emulator: one MiniStack behind a guard, on loopback, started by `up` and stopped by `down`."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker.errors

from local import docker_engine, lock, paths
from local.console import UserError, step
from local.key import Key
from local.machine import process_started

HOST = "127.0.0.1"
FIRST_PORT = 4566
"""The gateway: AWS API, image registry and load balancers share it. Where it is taken, the next free one."""

PORTS_TRIED = 34
START_SECONDS = 60
STOP_SECONDS = 15
CONTAINER_LABEL = "ministack.instance"
"""On every container: `<owner>:<port>`."""

IMAGE_LABEL = "h4b.checkout"
"""On every image that is built here: the owner."""

LAYERS = "h4b-layers"
"""Name of the image whose layers are kept for the next build; its tag is the owner."""

_PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "USER", "XDG_RUNTIME_DIR")
"""Of the environment, beside Docker's: MiniStack reads some eighty variables, and half of them open it."""

_RECORD = paths.LOCAL / "emulator.json"
_LOG = paths.LOCAL / "emulator.log"
_DATA = paths.LOCAL / "emulator"


@dataclass(frozen=True)
class Emulator:
    """One run of the emulator. Its cloud lives as long as the process: another process is another, empty cloud."""

    pid: int
    started_ticks: int
    region: str
    port: int
    key: Key

    @property
    def identity(self) -> str:
        return f"{self.pid}-{self.started_ticks}"

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def registry(self) -> str:
        """Docker trusts a registry on localhost without TLS."""
        return f"localhost:{self.port}"

    def client_environment(self) -> dict[str, str]:
        """What sends an AWS client to the emulator, with its key."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.key.secret_access_key,
        }

    def claim(self, environment: MutableMapping[str, str]) -> None:
        """Sends the AWS clients of `environment` here. Credentials of an account must not travel to the emulator."""
        for name in [name for name in environment if name.startswith("AWS_")]:
            del environment[name]
        environment.update(self.client_environment())

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator."""
        import boto3

        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.key.access_key_id,
            aws_secret_access_key=self.key.secret_access_key,
        )

    def write(self, record: Path) -> None:
        content = {"pid": self.pid, "started_ticks": self.started_ticks, "region": self.region, "port": self.port}
        paths.write_private(record, json.dumps(content | vars(self.key)))

    @classmethod
    def read(cls, record: Path) -> Emulator | None:
        """What `write` wrote; None where there is no such file, or an earlier version wrote it."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(record.read_text())
            key = Key(found["access_key_id"], found["secret_access_key"])
            return cls(found["pid"], found["started_ticks"], found["region"], found["port"], key)
        return None


def running() -> Emulator | None:
    """The emulator that this checkout started, if it is alive."""
    recorded = Emulator.read(_RECORD)
    if recorded and process_started(recorded.pid) == recorded.started_ticks:
        return recorded
    return None


def needed() -> Emulator:
    """The running emulator. Raises UserError where there is none."""
    if found := running():
        return found
    raise UserError("the local stack is not running; run `make up`")


def ensure(region: str) -> Emulator:
    """The running emulator, started if there is none. Raises UserError where it cannot run."""
    wanted = _wanted_port()
    found = running()
    if found and wanted not in (None, found.port):
        raise UserError(
            f"LOCAL_PORT: got {wanted}, but the emulator of this checkout runs on {found.port}; "
            "leave LOCAL_PORT out, or run `make down` first"
        )
    if found and found.region == region and _answers(found.port):
        return found
    with step("AWS emulator") as shown:
        if importlib.util.find_spec("docker") is None:
            raise UserError(
                "emulator: the Python package `docker` is missing, tasks would have no container; run `make setup`"
            )
        if _RECORD.exists():
            shown.note("not answering, starting it again")
            stop()
        # Two checkouts may start at the same time.
        with lock.exclusive(paths.cache() / "port.lock"):
            port = _free_port(wanted)
            shown.note("starting")
            started = _start(port, region)
        instead = f"; {FIRST_PORT} is taken" if wanted is None and port != FIRST_PORT else ""
        shown.note(f"MiniStack at {started.endpoint} ({region}){instead}")
        return started


def _wanted_port() -> int | None:
    given = os.environ.get("LOCAL_PORT", "")
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 65535:
        raise UserError(f"LOCAL_PORT: got {given}, expected a port from 1 to 65535; choose a free one or leave it out")
    return int(given)


def _free_port(wanted: int | None) -> int:
    tried = [wanted] if wanted else list(range(FIRST_PORT, FIRST_PORT + PORTS_TRIED))
    for port in tried:
        if not _is_taken(port):
            return port
    raise UserError(
        f"port {tried[0]}{f' to {tried[-1]}' * (len(tried) > 1)}: taken by another program; stop it "
        f"(`ss -ltnp 'sport = :{tried[0]}'` names it), or choose another port with LOCAL_PORT=5566"
    )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _start(port: int, region: str) -> Emulator:
    process, started = launch(_DATA, _LOG, port, region)
    started.write(_RECORD)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            last = _LOG.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
            stop()
            raise UserError(f"emulator: did not start ({last[0]}); see {_LOG.relative_to(paths.ROOT)}")
        time.sleep(0.1)
    return started


def launch(data: Path, log: Path, port: int, region: str) -> tuple[subprocess.Popen[bytes], Emulator]:
    """Starts a process with an empty cloud and a new key. It answers soon after."""
    from local import gateway

    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, mode=0o700)
    key = Key.new()
    passed_on = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("DOCKER_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.gateway"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=passed_on
            | gateway.environment(port, region, paths.owner(), str(data))
            | {"PYTHONPATH": str(paths.ROOT)},
            cwd=data,
            start_new_session=True,
        )
    assert process.stdin
    with process.stdin as told:
        told.write(json.dumps({"port": port, **vars(key)}).encode() + b"\n")
    return process, Emulator(process.pid, process_started(process.pid) or 0, region, port, key)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def stop(*, layers: bool = False) -> None:
    """Ends the emulator of this checkout with its containers, its images and its data; nobody else's.

    With `layers` nothing stays of its builds either.
    """
    pid, ticks = _recorded_process()
    if pid and process_started(pid) == ticks:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while process_started(pid) and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            if process_started(pid):
                os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(docker.errors.DockerException):
        if client := docker_engine.running():
            _remove_containers(client)
            _remove_images(client, layers=layers)
    _RECORD.unlink(missing_ok=True)
    shutil.rmtree(_DATA, ignore_errors=True)


def _recorded_process() -> tuple[int, int]:
    """Pid and start of the recorded process, also where an earlier version wrote the record; zeros without one."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(_RECORD.read_text())
        return int(found["pid"]), int(found["started_ticks"])
    return 0, 0


def _remove_containers(client: docker.DockerClient) -> None:
    """What the emulator left behind, on whichever port it ran."""
    for container in client.containers.list(all=True, filters={"label": CONTAINER_LABEL}):
        if container.labels[CONTAINER_LABEL].startswith(f"{paths.owner()}:"):
            with contextlib.suppress(docker.errors.APIError):
                container.remove(force=True, v=True)


def _remove_images(client: docker.DockerClient, *, layers: bool) -> None:
    """What was built here. Without `layers` the newest one stays under another name: the next build is quick then."""
    images = client.images.list(filters={"label": f"{IMAGE_LABEL}={paths.owner()}"})
    images.sort(key=lambda image: str(image.attrs["Created"]), reverse=True)
    if images and not layers:
        images[0].tag(LAYERS, paths.owner())
    for image in images:
        image.reload()
        for name in [*image.tags, *(image.attrs.get("RepoDigests") or [])]:
            if layers or name != f"{LAYERS}:{paths.owner()}":
                with contextlib.suppress(docker.errors.APIError):
                    client.images.remove(name)
