"""Which Docker is used, when one is installed or started, and when it is stopped again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import docker.errors
import pytest

from local import docker_engine
from local.console import Step, UserError
from local.docker_engine import Daemon
from local.machine import Machine, process_started
from tests.image.machines import DEBIAN_ROOT, DEBIAN_USER, FEDORA_ROOT, MAC

INSTALL = (
    "install Docker (https://docs.docker.com/engine/install/), or run as root on Debian or Ubuntu to have it installed"
)


@dataclass
class World:
    """What answers, what is installed, and what was done about it."""

    answering: dict[str | None, str] = field(default_factory=dict)
    """Address (None: DOCKER_HOST or the current context) -> the Docker there."""
    denied: set[str | None] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)
    installed: list[str] = field(default_factory=list)
    started: list[Daemon] = field(default_factory=list)

    def answer(self, address: str | None) -> Any:
        if address in self.denied:
            raise docker_engine.NotAllowedError("/var/run/docker.sock")
        return self.answering.get(address)

    def install(self, packages: list[str], shown: Step, *, where_offered: list[str]) -> None:
        self.installed += packages
        self.commands.add("dockerd")

    def start(self, daemon: Daemon, shown: Step) -> str:
        self.started.append(daemon)
        return "ours"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    world = World(commands={"apt-get"})
    monkeypatch.setenv("DOCKER_HOST", "")  # set, so that what is tested may change it and the test undoes it
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(docker_engine, "_known_sockets", lambda: iter([]))
    monkeypatch.setattr(docker_engine, "answering", world.answer)
    monkeypatch.setattr(docker_engine, "has", world.commands.__contains__)
    monkeypatch.setattr("local.machine.has", world.commands.__contains__)
    monkeypatch.setattr(docker_engine, "apt_install", world.install)
    monkeypatch.setattr(docker_engine, "start", world.start)
    return world


def ensure(on: Machine, tmp_path: Path) -> Any:
    return docker_engine._ensure(on, Daemon(keep=tmp_path / "keep"))


@pytest.mark.parametrize("on", [DEBIAN_ROOT, DEBIAN_USER, FEDORA_ROOT, MAC])
def test_a_docker_that_answers_is_used_and_nothing_is_installed(world: World, on: Machine, tmp_path: Path) -> None:
    world.answering[None] = "the one that is there"
    assert ensure(on, tmp_path) == "the one that is there"
    assert (world.installed, world.started) == ([], [])


def test_root_on_debian_gets_docker_installed_and_started(world: World, tmp_path: Path) -> None:
    assert ensure(DEBIAN_ROOT, tmp_path) == "ours"
    assert os.environ["DOCKER_HOST"] == "unix:///var/run/docker.sock"
    assert world.installed == ["docker.io", "iptables"]
    assert len(world.started) == 1


@pytest.mark.parametrize("on", [DEBIAN_ROOT, FEDORA_ROOT])
def test_an_installed_docker_is_started_not_installed_again(world: World, on: Machine, tmp_path: Path) -> None:
    world.commands.add("dockerd")
    assert ensure(on, tmp_path) == "ours"
    assert (world.installed, len(world.started)) == ([], 1)


def test_two_commands_at_once_start_one_daemon(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(daemon: Daemon, shown: Step) -> str:
        time.sleep(0.3)
        world.answering[None] = "ours"
        return world.start(daemon, shown)

    monkeypatch.setattr(docker_engine, "start", start)
    with ThreadPoolExecutor() as pool:
        clients = list(pool.map(lambda _: ensure(DEBIAN_ROOT, tmp_path), range(2)))
    assert clients == ["ours", "ours"]
    assert len(world.started) == 1


@pytest.mark.parametrize(
    ("on", "commands", "told"),
    [
        (DEBIAN_USER, set(), f"Docker: not found, and this user is not root; {INSTALL}"),
        (DEBIAN_USER, {"dockerd"}, "Docker: installed, not running; run `sudo systemctl start docker`, or run as root"),
        (FEDORA_ROOT, set(), f"Docker: not found; {INSTALL}"),
        (replace(DEBIAN_ROOT, distribution="raspbian"), set(), f"Docker: not found; {INSTALL}"),
        (
            MAC,
            set(),
            "Docker: not running; start Docker Desktop (or `colima start`), then run the command again",
        ),
    ],
)
def test_where_none_can_be_had_one_line_tells_the_remedy(
    world: World, on: Machine, commands: set[str], told: str, tmp_path: Path
) -> None:
    world.commands |= commands
    with pytest.raises(UserError) as raised:
        ensure(on, tmp_path)
    assert str(raised.value) == told
    assert (world.installed, world.started) == ([], [])


REMOTE = ["tcp://build.example:2376", "ssh://me@server", "tcp://127.0.0.1:2375", "http://10.0.0.1:2375"]


def use_context(home: Path, name: str, host: str) -> None:
    """As `docker context create` and `docker context use` write it."""
    folder = home / ".docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    endpoints = {"docker": {"Host": host, "SkipTLSVerify": False}}
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoints}))
    (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": name}))


@pytest.mark.parametrize("address", REMOTE)
def test_the_docker_of_another_machine_is_refused_unless_told(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    world.answering[None] = "a server's"
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(UserError) as raised:
        ensure(DEBIAN_ROOT, tmp_path)
    assert str(raised.value) == (
        f"Docker: DOCKER_HOST is {address}, expected a socket of this machine (unix://…); unset it, "
        "or set LOCAL_DOCKER_ELSEWHERE=true to build and run there"
    )
    assert (world.installed, world.started) == ([], [])
    monkeypatch.setenv("LOCAL_DOCKER_ELSEWHERE", "true")
    assert ensure(DEBIAN_ROOT, tmp_path) == "a server's"


def test_a_context_is_looked_at_as_docker_host_is(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.answering[None] = "the context's"
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / ".docker"))
    use_context(tmp_path, "server", "ssh://me@server")
    with pytest.raises(UserError, match="Docker: the current Docker context is ssh://me@server, expected a socket"):
        ensure(DEBIAN_ROOT, tmp_path)
    use_context(tmp_path, "desktop", "unix:///desktop.sock")
    assert ensure(DEBIAN_ROOT, tmp_path) == "the context's"
    assert os.environ["DOCKER_HOST"] == "unix:///desktop.sock", "whatever is started from here talks to the same one"


def test_a_docker_host_that_does_not_answer_is_told_and_not_worked_around(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///gone.sock")
    with pytest.raises(UserError) as raised:
        ensure(DEBIAN_ROOT, tmp_path)
    assert str(raised.value) == (
        "DOCKER_HOST: got unix:///gone.sock, where no Docker answers; start that Docker, or unset DOCKER_HOST"
    )
    assert world.started == []


def test_a_docker_that_this_user_may_not_use_is_told(world: World, tmp_path: Path) -> None:
    world.denied.add(None)
    with pytest.raises(UserError) as raised:
        ensure(DEBIAN_USER, tmp_path)
    assert str(raised.value) == (
        "Docker: /var/run/docker.sock is there, and this user may not use it; "
        "run `sudo usermod -aG docker $USER` and log in again, or run as root"
    )


def test_a_docker_behind_a_known_socket_becomes_docker_host_of_all_that_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        monkeypatch.setattr(docker_engine, "_known_sockets", lambda: iter([tmp_path / "absent.sock", path]))
        world.answering[f"unix://{path}"] = "colima"
        assert str(docker_engine.running()) == "colima"
    assert os.environ["DOCKER_HOST"] == f"unix://{path}"


def test_a_daemon_that_nobody_recorded_as_ours_is_never_stopped(tmp_path: Path, capsys: Any) -> None:
    assert docker_engine._stop(Daemon(keep=tmp_path)) is False
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("record", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "started": 1}'])
def test_a_broken_record_means_not_ours(record: str, tmp_path: Path) -> None:
    daemon = Daemon(keep=tmp_path)
    daemon.record.write_text(record)
    assert docker_engine._stop(daemon) is False
    assert not daemon.record.exists()


def test_a_process_that_got_the_number_of_our_daemon_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        daemon = Daemon(keep=tmp_path)
        daemon.record.write_text(json.dumps({"pid": other.pid, "started": (process_started(other.pid) or 0) - 1}))
        assert docker_engine._stop(daemon) is False
        assert other.poll() is None
        other.kill()


def test_our_daemon_stays_while_containers_run_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    containers = [SimpleNamespace(name="database"), SimpleNamespace(name="cache")]
    client = SimpleNamespace(containers=SimpleNamespace(list=lambda: containers), close=lambda: None)
    monkeypatch.setattr(docker_engine, "answering", lambda _: client)
    with subprocess.Popen(["sleep", "60"]) as ours:
        daemon = Daemon(keep=tmp_path)
        daemon.record.write_text(json.dumps({"pid": ours.pid, "started": process_started(ours.pid)}))
        assert docker_engine._stop(daemon) is False
        assert ours.poll() is None
        assert daemon.record.exists(), "the next `make down` must still know that it is ours"
        ours.kill()
    assert "Docker keeps running: it was started here, and containers run on it (cache, database)" in (
        capsys.readouterr().out
    )


CAN_START = os.geteuid() == 0 and all(map(shutil.which, ("dockerd", "unshare")))


@pytest.fixture
def own_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A second dockerd beside the machine's own: its own namespaces keep it off docker0 and leave no mounts."""
    if not CAN_START:
        pytest.skip("starting a Docker daemon needs root, dockerd and unshare")
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "dockerd").write_text(f'#!/bin/sh\nexec unshare --net --mount {shutil.which("dockerd")} "$@"\n')
    (commands / "dockerd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    run = Path(tempfile.mkdtemp())  # short: the path of a socket has room for 107 bytes
    daemon = Daemon(
        socket=run / "docker.sock",
        pid_file=run / "docker.pid",
        containerd_pid_file=run / "exec/containerd/containerd.pid",
        options=("--data-root", str(tmp_path / "data"), "--exec-root", str(run / "exec"), "--storage-driver", "vfs"),
        keep=tmp_path / "keep",
    )
    daemon.containerd_pid_file.parent.mkdir(parents=True)
    yield daemon
    docker_engine._stop(daemon)
    shutil.rmtree(run, ignore_errors=True)


@pytest.mark.docker
def test_starts_a_daemon_once_and_stops_it_again(own_daemon: Daemon) -> None:
    client = docker_engine.start(own_daemon, Step("Docker engine"))
    assert client.ping()
    first = own_daemon.record.read_text()
    docker_engine.start(own_daemon, Step("Docker engine")).close()
    assert own_daemon.record.read_text() == first
    client.close()
    pid = json.loads(first)["pid"]
    assert docker_engine._stop(own_daemon) is True
    assert process_started(pid) is None
    assert docker_engine._stop(own_daemon) is False


@pytest.mark.docker
def test_starts_although_pid_files_name_processes_of_others(own_daemon: Daemon) -> None:
    for stale in (own_daemon.pid_file, own_daemon.containerd_pid_file):
        stale.write_text(str(os.getpid()))
    docker_engine.start(own_daemon, Step("Docker engine")).close()
    assert docker_engine._stop(own_daemon) is True


@pytest.mark.docker
def test_where_the_kernel_has_no_nftables_the_older_iptables_is_used(own_daemon: Daemon, tmp_path: Path) -> None:
    if not shutil.which("iptables-legacy"):
        pytest.skip("this machine has no iptables-legacy")
    command = tmp_path / "bin/dockerd"
    failure = "failed to start daemon: Error initializing network controller: iptables failed: Protocol not supported"
    refuse = f'case "$(command -v iptables)" in {own_daemon.folder}/*) ;; *) echo "{failure}" >&2; exit 1 ;; esac'
    command.write_text(command.read_text().replace("exec", f"{refuse}\nexec", 1))
    docker_engine.start(own_daemon, Step("Docker engine")).close()
    assert docker_engine._stop(own_daemon) is True


@pytest.mark.docker
def test_a_daemon_that_cannot_start_names_the_cause_and_its_log(own_daemon: Daemon) -> None:
    broken = replace(own_daemon, options=(*own_daemon.options[:-1], "no-such-driver"))
    with pytest.raises(UserError) as raised:
        docker_engine.start(broken, Step("Docker engine"))
    assert "driver not supported" in str(raised.value)
    assert str(raised.value).endswith(f"; its log is {broken.log}")
    assert not broken.record.exists()


@pytest.mark.docker
def test_the_machines_own_daemon_is_found_and_not_ours_to_stop(client: docker.DockerClient, tmp_path: Path) -> None:
    assert client.ping()
    assert docker_engine._stop(Daemon(keep=tmp_path)) is False
    assert client.ping()


def test_a_daemon_is_not_taken_for_ours_while_it_is_kept_running(tmp_path: Path) -> None:
    record = tmp_path / "dockerd.json"
    record.write_text("{}")
    with docker_engine.kept_running(tmp_path):
        assert not record.exists()
    assert record.read_text() == "{}"


def test_there_need_be_no_daemon_of_ours_to_keep(tmp_path: Path) -> None:
    with docker_engine.kept_running(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
