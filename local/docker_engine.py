"""Docker on this machine: the one that is there, else Debian's, installed and started.

Only a daemon that was started here is ever stopped, and only while nobody else's container runs on it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors
import requests
from docker.constants import DEFAULT_TIMEOUT_SECONDS
from docker.context import ContextAPI

from local import lock, paths
from local.console import Step, UserError, step
from local.machine import Machine, apt_install, has, here, process_name, process_started

ANSWER_SECONDS = 5
START_SECONDS = 60
STOP_SECONDS = 30
POLL_SECONDS = 0.1

ALLOW_VARIABLE = "LOCAL_DOCKER_ELSEWHERE"
"""Set to true, it allows a Docker that is not this machine's."""

LOCAL_ADDRESSES = ("unix://", "http+unix://", "npipe://")
INSTALL_REMEDY = (
    "install Docker (https://docs.docker.com/engine/install/), or run as root on Debian or Ubuntu to have it installed"
)


class NotAllowedError(Exception):
    """A Docker daemon listens here, and this user may not talk to it."""


@dataclass(frozen=True)
class Daemon:
    """Where a `dockerd` of ours listens and keeps its files; the defaults are Docker's own."""

    socket: Path = Path("/var/run/docker.sock")
    pid_file: Path = Path("/var/run/docker.pid")
    containerd_pid_file: Path = Path("/var/run/docker/containerd/containerd.pid")
    options: tuple[str, ...] = ()
    keep: Path | None = None
    """Folder of the log and of the record that it is ours; default: `docker` in the machine's cache."""

    @property
    def folder(self) -> Path:
        return self.keep or paths.cache() / "docker"

    @property
    def log(self) -> Path:
        return self.folder / "dockerd.log"

    @property
    def record(self) -> Path:
        return self.folder / "dockerd.json"

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"


def running() -> docker.DockerClient | None:
    """A client of the Docker that answers on this machine, or None. Raises UserError where another machine's is meant.

    Asked in this order: DOCKER_HOST alone where it is set; the current context; the sockets that Docker Desktop,
    colima, Rancher Desktop, OrbStack and rootless Docker use. What was found that way becomes DOCKER_HOST of this
    process, so that everything it starts talks to the same Docker.
    """
    try:
        return _find()
    except NotAllowedError:
        return None


def ensure() -> docker.DockerClient:
    """A client of this machine's Docker, installed and started first where that is needed and possible."""
    return _ensure(here(), Daemon())


def stop_if_ours() -> bool:
    """Stops the daemon that `ensure` started, unless containers run on it; True when it was stopped."""
    return _stop(Daemon())


@contextlib.contextmanager
def kept_running(folder: Path | None = None) -> Iterator[None]:
    """While the block runs no `stop_if_ours` stops the daemon, in any process: the tests run `down` many times."""
    record = Daemon(keep=folder).record
    aside = record.with_suffix(".kept")
    with contextlib.suppress(FileNotFoundError):
        record.rename(aside)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            aside.rename(record)


def _ensure(machine: Machine, daemon: Daemon) -> docker.DockerClient:
    try:
        client = _find()
        if client is None:
            with lock.exclusive(daemon.folder / "lock"):
                # Another command may have started it while this one waited.
                client = _find() or _provide(machine, daemon)
    except NotAllowedError as denied:
        raise UserError(
            f"Docker: {denied} is there, and this user may not use it; "
            "run `sudo usermod -aG docker $USER` and log in again, or run as root"
        ) from None
    return client


def _provide(machine: Machine, daemon: Daemon) -> docker.DockerClient:
    if host := os.environ.get("DOCKER_HOST"):
        raise UserError(f"DOCKER_HOST: got {host}, where no Docker answers; start that Docker, or unset DOCKER_HOST")
    if machine.system != "Linux":
        raise UserError("Docker: not running; start Docker Desktop (or `colima start`), then run the command again")
    installed = has("dockerd")
    if not machine.is_root:
        if installed:
            raise UserError("Docker: installed, not running; run `sudo systemctl start docker`, or run as root")
        raise UserError(f"Docker: not found, and this user is not root; {INSTALL_REMEDY}")
    if not installed and not machine.has_apt:
        raise UserError(f"Docker: not found; {INSTALL_REMEDY}")
    with step("Docker engine") as shown:
        if not installed:
            # Newer releases have the command line client in a package of its own.
            apt_install(["docker.io", "iptables"], shown, where_offered=["docker-cli"])
        if Path("/run/systemd/system").is_dir():
            return _start_service(shown)
        client = start(daemon, shown)
        # The current context, if there is one, names a Docker that does not answer.
        os.environ["DOCKER_HOST"] = daemon.address
        return client


def _find() -> docker.DockerClient | None:
    address = _refuse_other_machines()
    client = answering(None)
    if client and address:
        os.environ["DOCKER_HOST"] = address
    if client or os.environ.get("DOCKER_HOST"):
        return client
    for path in _known_sockets():
        address = f"unix://{path}"
        if client := answering(address):
            os.environ["DOCKER_HOST"] = address
            return client
    return None


def _refuse_other_machines() -> str:
    """The address that DOCKER_HOST or the current context names, empty where neither does. Raises UserError where it is
    no socket of this machine: the image would be built and tasks would run there, in the reach of others."""
    address = os.environ.get("DOCKER_HOST") or _context_address()
    if address.startswith(LOCAL_ADDRESSES) or not address or os.environ.get(ALLOW_VARIABLE) == "true":
        return address
    named = "DOCKER_HOST" if os.environ.get("DOCKER_HOST") else "the current Docker context"
    remedy = "unset it" if named == "DOCKER_HOST" else "run `docker context use default`"
    raise UserError(
        f"Docker: {named} is {address}, expected a socket of this machine (unix://…); {remedy}, "
        f"or set {ALLOW_VARIABLE}=true to build and run there"
    )


def _context_address() -> str:
    try:
        context = ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT"))
    except (docker.errors.DockerException, OSError, ValueError):
        return ""  # the client tells what is wrong with it
    named = context is not None and context.Name != "default"
    return str(context.Host or "") if named else ""


def _known_sockets() -> Iterator[Path]:
    home = Path.home()
    yield Path("/var/run/docker.sock")
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "docker.sock"
    yield home / ".docker/run/docker.sock"
    yield home / ".docker/desktop/docker.sock"
    yield home / ".colima/default/docker.sock"
    yield home / ".config/colima/default/docker.sock"
    yield home / ".rd/docker.sock"
    yield home / ".orbstack/run/docker.sock"


def answering(address: str | None) -> docker.DockerClient | None:
    """A client of the Docker at `address`; None stands for what DOCKER_HOST or the current context say."""
    try:
        if address:
            _knock(address.removeprefix("unix://"))
            client = docker.DockerClient(address, timeout=ANSWER_SECONDS)
        else:
            client = docker.from_env(timeout=ANSWER_SECONDS)
        client.ping()
        # The short patience was for the question above; builds and stops take longer.
        client.api.timeout = DEFAULT_TIMEOUT_SECONDS
        return client
    except (docker.errors.DockerException, requests.RequestException, OSError) as problem:
        if "Permission denied" in str(problem):
            raise NotAllowedError(address or os.environ.get("DOCKER_HOST") or "/var/run/docker.sock") from problem
        return None


def _knock(path: str) -> None:
    """Raises OSError where nobody listens; the Docker client would leave its socket open then."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(ANSWER_SECONDS)
        probe.connect(path)


def _start_service(shown: Step) -> docker.DockerClient:
    """Where systemd runs, Docker is its service: it stays up, as after any installation of Docker."""
    shown.note("systemctl start docker")
    subprocess.run(["systemctl", "start", "docker"], check=False, capture_output=True, timeout=START_SECONDS)  # noqa: S607
    client = _find()
    if client is None:
        raise UserError("Docker: its service does not start; `journalctl -u docker` tells why")
    shown.note("started its service, which stays")
    return client


def start(daemon: Daemon, shown: Step) -> docker.DockerClient:
    """Starts `dockerd` detached from this process and waits until it answers."""
    if client := answering(daemon.address):
        return client
    _clear_stale_pid_files(daemon)
    daemon.folder.mkdir(parents=True, exist_ok=True)
    try:
        client = _launch(daemon, shown, dict(os.environ))
    except DaemonFailedError as failure:
        # Kernels without nftables support still have the older interface.
        if "iptables" not in str(failure) or not has("iptables-legacy"):
            raise UserError(_explanation(daemon, failure)) from failure
        try:
            client = _launch(daemon, shown, _with_legacy_iptables(daemon))
        except DaemonFailedError as again:
            raise UserError(_explanation(daemon, again)) from again
    shown.note("started; `make down` stops it")
    return client


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Daemons that this very process started: whoever starts a process has to collect its end."""


class DaemonFailedError(Exception):
    """The daemon ended or did not answer in time; the text is its last error."""


def _explanation(daemon: Daemon, failure: DaemonFailedError) -> str:
    return f"Docker: dockerd does not start ({failure}); its log is {daemon.log}"


def _launch(daemon: Daemon, shown: Step, environment: dict[str, str]) -> docker.DockerClient:
    shown.note("starting dockerd")
    with daemon.log.open("wb") as log:
        process = subprocess.Popen(
            ["dockerd", "--host", daemon.address, "--pidfile", str(daemon.pid_file), *daemon.options],  # noqa: S607
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    _children[process.pid] = process
    daemon.record.write_text(json.dumps({"pid": process.pid, "started": process_started(process.pid)}))
    deadline = time.monotonic() + START_SECONDS
    try:
        while (client := answering(daemon.address)) is None:
            if process.poll() is not None:
                raise DaemonFailedError(_last_error(daemon.log))
            if time.monotonic() > deadline:
                raise DaemonFailedError(f"no answer within {START_SECONDS} s")
            time.sleep(POLL_SECONDS)
        return client
    except BaseException:
        process.terminate()
        process.wait(STOP_SECONDS)
        del _children[process.pid]
        daemon.record.unlink(missing_ok=True)
        raise


def _last_error(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    failures = [line for line in lines if "level=fatal" in line or line.startswith("failed to start daemon")]
    return (failures or lines or ["it printed nothing"])[-1][-400:]


def _with_legacy_iptables(daemon: Daemon) -> dict[str, str]:
    commands = daemon.folder / "legacy-iptables"
    commands.mkdir(exist_ok=True)
    for name in ("iptables", "ip6tables"):
        link = commands / name
        link.unlink(missing_ok=True)
        link.symlink_to(f"/usr/sbin/{name}-legacy")
    return {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _clear_stale_pid_files(daemon: Daemon) -> None:
    """After a crash or a reboot, the number in a pid file may be another process's: dockerd would refuse to start."""
    for file, owner in ((daemon.pid_file, "dockerd"), (daemon.containerd_pid_file, "containerd")):
        try:
            pid = int(file.read_text())
        except (OSError, ValueError):
            pid = 0
        if process_name(pid) != owner:
            file.unlink(missing_ok=True)


def _our_process(daemon: Daemon) -> int | None:
    """The process id of the daemon that was started here, while it runs."""
    try:
        record = json.loads(daemon.record.read_text())
        pid, started = int(record["pid"]), record["started"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if started is not None and process_started(pid) == started else None


def _running_containers(daemon: Daemon) -> list[str]:
    client = answering(daemon.address)
    if client is None:
        return []
    with contextlib.closing(client):
        return sorted(container.name or "" for container in client.containers.list())


def _stop(daemon: Daemon) -> bool:
    with lock.exclusive(daemon.folder / "lock"):
        pid = _our_process(daemon)
        if pid is None:
            daemon.record.unlink(missing_ok=True)
            return False
        if names := _running_containers(daemon):
            print(f"Docker keeps running: it was started here, and containers run on it ({', '.join(names)})")
            return False
        with step("Docker engine") as shown:
            os.kill(pid, signal.SIGTERM)
            child = _children.pop(pid, None)
            deadline = time.monotonic() + STOP_SECONDS
            while _our_process(daemon) is not None:
                if time.monotonic() > deadline:
                    raise UserError(f"Docker: dockerd (process {pid}) does not stop; its log is {daemon.log}")
                time.sleep(POLL_SECONDS)
            if child:
                child.wait()
            daemon.record.unlink(missing_ok=True)
            shown.note("stopped")
        return True
