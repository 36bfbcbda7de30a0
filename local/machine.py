"""What this machine is, and apt, its source of missing tools."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.console import Step, UserError

APT_LOCK_SECONDS = 120
FAILURE_LINES = 40


@dataclass(frozen=True)
class Machine:
    system: str
    """`Linux`, `Darwin`, …"""
    is_root: bool
    distribution: str = ""
    """`debian`, `ubuntu`, … (`ID` in os-release); empty outside Linux."""
    codename: str = ""
    """`bookworm`, `noble`, … (`VERSION_CODENAME` in os-release)."""

    @property
    def has_apt(self) -> bool:
        return self.distribution in ("debian", "ubuntu") and has("apt-get")


def here() -> Machine:
    release: dict[str, str] = {}
    if platform.system() == "Linux":
        try:
            release = platform.freedesktop_os_release()
        except OSError:
            release = {}
    return Machine(
        system=platform.system(),
        is_root=os.geteuid() == 0,
        distribution=release.get("ID", ""),
        codename=release.get("VERSION_CODENAME", ""),
    )


def has(command: str) -> bool:
    return shutil.which(command) is not None


class CommandFailedError(Exception):
    def __init__(self, command: Sequence[str], output: Sequence[str]) -> None:
        self.output = list(output)
        """The last lines that the command printed."""
        super().__init__(f"{' '.join(command)}: {self.reason()}")

    def reason(self) -> str:
        """The line that most likely names the cause."""
        errors = [line for line in self.output if line.startswith(("E:", "E ", "error", "Error"))]
        return (errors or self.output or ["no output"])[-1]


def run(command: Sequence[str], *, seen: Callable[[str], None], environment: Mapping[str, str] | None = None) -> None:
    """Runs `command`, hands every line it prints to `seen`, and raises `CommandFailedError` unless it succeeds."""
    last: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
    ) as process:
        assert process.stdout is not None
        try:
            for line in map(str.strip, process.stdout):
                if line:
                    last = [*last, line][-FAILURE_LINES:]
                    seen(line)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise CommandFailedError(command, last)


def apt_install(packages: Sequence[str], shown: Step, *, where_offered: Sequence[str] = ()) -> None:
    """Installs `packages`, and those of `where_offered` that this release has, with nothing that is only recommended.

    The caller has checked `has_apt` and root.
    """

    def seen(line: str) -> None:
        if line.startswith(("Get:", "Unpacking", "Setting up")):
            shown.note(f"apt: {line.split(' (', maxsplit=1)[0]}")

    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    wait_for_others = f"-oDPkg::Lock::Timeout={APT_LOCK_SECONDS}"
    try:
        # One broken third-party source must not keep the others from being used: the install below is what counts.
        run(["apt-get", "update", wait_for_others], seen=seen, environment=quiet)
    except CommandFailedError as failure:
        shown.note(failure.reason())
    packages = [*packages, *(name for name in where_offered if _is_offered(name))]
    try:
        run(
            ["apt-get", "install", "--yes", "--no-install-recommends", wait_for_others, *packages],
            seen=seen,
            environment=quiet,
        )
    except CommandFailedError as failure:
        raise UserError(
            f"apt: {' '.join(packages)} could not be installed ({failure.reason()}); "
            f"make `apt-get install {' '.join(packages)}` work, then run the command again"
        ) from failure


def _is_offered(package: str) -> bool:
    try:
        run(["apt-cache", "show", "--quiet=2", package], seen=lambda _: None)
    except CommandFailedError:
        return False
    return True


def process_started(pid: int) -> int | None:
    """When process `pid` started, in clock ticks since boot, which with the id names it for good; None: not running.
    Where the system does not tell, 1."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        state, started = fields[0], fields[19]
        return None if state in "ZX" else int(started)
    if sys.platform != "linux":
        with contextlib.suppress(OSError):
            os.kill(pid, 0)
            return 1
    return None


def process_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
