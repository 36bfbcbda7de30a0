"""The AWS emulator: one MiniStack process on loopback, started by `up` and stopped by `down`."""

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
from dataclasses import asdict, dataclass
from pathlib import Path

import docker
import docker.errors

from local import paths
from local.console import UserError, step

HOST = "127.0.0.1"
PORT = int(os.environ.get("LOCAL_PORT", "4566"))
"""The gateway: AWS API, image registry and load balancers share it."""

ENDPOINT = f"http://{HOST}:{PORT}"
REGISTRY = f"localhost:{PORT}"
"""Docker trusts a registry on localhost without TLS."""

START_SECONDS = 60
STOP_SECONDS = 15
CONTAINER_LABEL = "ministack.instance"

_RECORD = paths.LOCAL / "emulator.json"
_LOG = paths.LOCAL / "emulator.log"
_DATA = paths.LOCAL / "emulator"


@dataclass(frozen=True)
class Emulator:
    """One run of the emulator. Its cloud lives as long as the process: another process is another, empty cloud."""

    pid: int
    started_ticks: int
    region: str

    @property
    def identity(self) -> str:
        return f"{self.pid}-{self.started_ticks}"


def running() -> Emulator | None:
    """The emulator that this checkout started, if it is alive."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        recorded = Emulator(**json.loads(_RECORD.read_text()))
        if _started_ticks(recorded.pid) == recorded.started_ticks:
            return recorded
    return None


def _started_ticks(pid: int) -> int:
    """When the process started; 0 where it is gone. With the pid it names a process for good."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return 0 if fields[0] == "Z" else int(fields[19])
    if sys.platform != "linux":
        with contextlib.suppress(OSError):
            os.kill(pid, 0)
            return 1
    return 0


def client_environment() -> dict[str, str]:
    """What sends an AWS client to the emulator; it takes any credentials."""
    return {"AWS_ENDPOINT_URL": ENDPOINT, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def ensure(region: str) -> Emulator:
    """The running emulator, started if there is none. Raises UserError where it cannot run."""
    found = running()
    if found and found.region == region and _answers():
        return found
    with step("AWS emulator") as shown:
        if importlib.util.find_spec("docker") is None:
            raise UserError(
                "emulator: the Python package `docker` is missing, tasks would have no container; run `make setup`"
            )
        if found:
            shown.note("not answering, starting it again")
            stop()
        if _port_is_taken():
            raise UserError(
                f"port {PORT}: taken by another program; stop it (`ss -ltnp 'sport = :{PORT}'` names it), "
                "or choose another port with LOCAL_PORT=4567"
            )
        shown.note("starting")
        started = _start(region)
        shown.note(f"MiniStack at {ENDPOINT} ({region})")
        return started


def _port_is_taken() -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError:
            return True
    return False


def _start(region: str) -> Emulator:
    shutil.rmtree(_DATA, ignore_errors=True)
    _DATA.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
    environment |= {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(PORT),
        "MINISTACK_REGION": region,  # without it a load balancer outside us-east-1 does not answer
        "STATE_DIR": str(_DATA / "state"),
        "S3_DATA_DIR": str(_DATA / "s3"),
        "TMPDIR": str(_DATA),
    }
    with _LOG.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=_DATA,
            start_new_session=True,
        )
    started = Emulator(process.pid, _started_ticks(process.pid), region)
    _RECORD.write_text(json.dumps(asdict(started)))
    deadline = time.monotonic() + START_SECONDS
    while not _answers():
        if process.poll() is not None or time.monotonic() > deadline:
            last = _LOG.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
            stop()
            raise UserError(f"emulator: did not start ({last[0]}); see {_LOG.relative_to(paths.ROOT)}")
        time.sleep(0.1)
    return started


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"{ENDPOINT}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def stop() -> None:
    """Ends the emulator with its containers, its images and its data."""
    found = running()
    if found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _started_ticks(found.pid) and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(found.pid, os.WNOHANG)
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            if _started_ticks(found.pid):
                os.kill(found.pid, signal.SIGKILL)
    _remove_containers()
    _remove_images()
    _RECORD.unlink(missing_ok=True)
    shutil.rmtree(_DATA, ignore_errors=True)


def _remove_containers() -> None:
    """Removes what the emulator left behind: only containers that carry the label of this very gateway."""
    label = f"{CONTAINER_LABEL}={socket.gethostname()}:{PORT}"
    with contextlib.suppress(docker.errors.DockerException):
        for container in docker.from_env().containers.list(all=True, filters={"label": label}):
            with contextlib.suppress(docker.errors.APIError):
                container.remove(force=True, v=True)


def _remove_images() -> None:
    """Removes what was tagged for this very registry. Its layers stay, so that the next build is quick."""
    with contextlib.suppress(docker.errors.DockerException):
        client = docker.from_env()
        for tag in (tag for image in client.images.list() for tag in image.tags):
            if tag.startswith(f"{REGISTRY}/"):
                with contextlib.suppress(docker.errors.APIError):
                    client.images.remove(tag, noprune=True)
