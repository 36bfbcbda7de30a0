"""A Docker daemon beside the machine's own, to be restarted without anybody else's containers ending. Needs root."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from local import base_image, docker_engine
from local.stack import effective_configuration

START_SECONDS = 60
BRIDGE = "h4b-chaos"
ADDRESS, NETWORK = "172.31.251.1/24", "172.31.251.0/24"

_RULES = (
    ("filter", "FORWARD", "-i", BRIDGE, "-j", "ACCEPT"),
    ("filter", "FORWARD", "-o", BRIDGE, "-j", "ACCEPT"),
    ("nat", "POSTROUTING", "-s", NETWORK, "!", "-o", BRIDGE, "-j", "MASQUERADE"),
)
"""What this daemon is not allowed to set by itself: it would clear away those of the other one."""


def missing() -> str:
    """What this machine lacks for it; empty where it lacks nothing."""
    if os.geteuid() != 0:
        return "root"
    found = (subprocess.run(["which", name], capture_output=True).returncode for name in ("dockerd", "iptables", "ip"))
    return "" if not any(found) else "dockerd, iptables and ip"


@dataclass
class OwnDocker:
    """A daemon with files, network and socket of its own."""

    folder: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> None:
        with (self.folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    *("--host", self.address),
                    *("--data-root", f"{self.folder}/data"),
                    *("--exec-root", f"{self.folder}/exec"),
                    *("--pidfile", f"{self.folder}/docker.pid"),
                    *("--bridge", BRIDGE),
                    "--iptables=false",
                    "--ip6tables=false",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            log_end = (self.folder / "dockerd.log").read_text()[-1000:]
            assert self._process.poll() is None and time.monotonic() < deadline, f"dockerd did not start:\n{log_end}"
            time.sleep(0.1)

    def _answers(self) -> bool:
        client = docker_engine.answering(self.address)
        if client:
            client.close()
        return client is not None

    def stop(self) -> None:
        """Ends it, and with it every container."""
        if self._process:
            self._process.terminate()
            self._process.wait(60)

    def copy(self, image: str) -> None:
        """Has an image of the machine's Docker here, too."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "--host", self.address, "load", "--quiet"], stdin=saved.stdout, check=True)


@contextlib.contextmanager
def own_docker() -> Iterator[OwnDocker]:
    """The daemon, running, with the base image of stack local; gone afterwards with all that it had."""
    with TemporaryDirectory(prefix="docker-") as folder:  # short: the path of a socket has room for 107 bytes
        daemon = OwnDocker(Path(folder))
        _run("ip", "link", "add", BRIDGE, "type", "bridge")
        try:
            _run("ip", "address", "add", ADDRESS, "dev", BRIDGE)
            _run("ip", "link", "set", BRIDGE, "up")
            for table, chain, *rule in _RULES:
                _run("iptables", "--wait", "-t", table, "-I", chain, *rule)
            daemon.start()
            daemon.copy(base_image.ensure(effective_configuration("local")["image.base"]))
            yield daemon
        finally:
            daemon.stop()
            for table, chain, *rule in _RULES:
                subprocess.run(["iptables", "--wait", "-t", table, "-D", chain, *rule], capture_output=True)
            _run("ip", "link", "delete", BRIDGE)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
