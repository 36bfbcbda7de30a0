"""`make bench`: how long the local stack takes, beside the floor that plain docker sets in the same run.

Each figure stands beside the command that produced it.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local import base_image, docker_engine, engine
from local.stack import effective_configuration
from tests.local.checkout import Checkout, copy_checkout, free_port

RUNS = 3
SAMPLE_SECONDS = 0.2


@dataclass
class Measured:
    """Wall seconds of each run, and the most memory that all processes of a command held together."""

    what: str
    command: str
    seconds: list[float]
    peak_mib: float

    @property
    def median_seconds(self) -> float:
        return sorted(self.seconds)[len(self.seconds) // 2]


class MemorySampler(threading.Thread):
    """Proportional memory of this process's descendants, sampled until stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_mib = 0.0
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            self.peak_mib = max(self.peak_mib, sum(map(_proportional_mib, _descendants(os.getpid()))))

    def stop(self) -> float:
        self._stopped.set()
        self.join()
        return self.peak_mib


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found, waiting = [], [root]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found


def _proportional_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def measure(
    what: str, command: str, act: Callable[[], object], *, runs: int = RUNS, before: Callable[[], object] | None = None
) -> Measured:
    seconds = []
    sampler = MemorySampler()
    sampler.start()
    for _ in range(runs):
        if before:
            before()
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    measured = Measured(what, command, seconds, sampler.stop())
    print(f"  {what:<44} {measured.median_seconds:7.2f} s  {measured.peak_mib:6.0f} MiB   {command}", flush=True)
    return measured


def shell(command: str) -> str:
    return subprocess.run(["/bin/sh", "-ec", command], check=True, capture_output=True, text=True).stdout


def main() -> int:
    docker_engine.ensure()
    base = base_image.ensure(effective_configuration("local")["image.base"])
    engine.ensure()
    with docker_engine.kept_running(), tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder), free_port())
        copy_checkout(checkout.path)
        try:
            _measure_all(checkout, base)
        finally:
            checkout.local("down", "--layers")
    docker_engine.stop_if_ours()
    return 0


def _measure_all(checkout: Checkout, base: str) -> None:
    page = checkout.path / "app_image" / "html" / "index.html"
    counter = iter(range(1_000_000))

    def edit() -> None:
        page.write_text(f"Hello World! {next(counter)}\n")

    def up() -> None:
        checkout.local("up").succeeded()

    def down() -> None:
        checkout.local("down").succeeded()

    print(f"median of {RUNS} runs; memory is the peak of all processes together; {os.cpu_count()} CPUs")
    print("the local stack")
    cold = measure("up from nothing to the answer", "make down && make up", up, before=down)
    same = measure("up, nothing changed", "make up", up)
    change = measure("changed page to new answer", "edit index.html && make up", up, before=edit)
    measure(
        "preview of dev with policies",
        "make preview STACK=dev",
        lambda: checkout.local("preview", "--stack", "dev").succeeded(),
    )

    with tempfile.TemporaryDirectory() as home:
        make = _on_a_new_machine(Path(home))
        first = measure("up on a new machine, which has Docker", "make up", lambda: make("up"), runs=1)
        make("down")

    print("the floor: plain docker with the same image and registry")
    image = f"localhost:{checkout.port}/floor:1"
    context = checkout.path / "app_image"
    checkout.client("ecr").create_repository(repositoryName="floor")
    os.environ["DOCKER_CONFIG"] = str(checkout.path / "docker")
    subprocess.run(
        ["docker", "login", "--username", "AWS", "--password-stdin", checkout.emulator.registry],
        input=checkout.emulator.key.registry_password, text=True, check=True, capture_output=True,
    )  # fmt: skip
    run = (
        f"docker build -q --build-arg BASE_IMAGE={base} -t {image} {context} && docker push -q {image} && "
        f"docker run -d --name h4b-bench-floor -p 127.0.0.1:0:80 {image} && "
        "until curl -fs http://$(docker port h4b-bench-floor 80); do sleep 0.05; done"
    )
    remove = "docker rm -f h4b-bench-floor >/dev/null 2>&1 || true"

    def prepare() -> None:
        edit()
        shell(remove)

    floor = measure(
        "changed page to new answer",
        "docker build, push, run, curl",
        lambda: shell(run),
        before=prepare,
    )
    shell(remove)

    print("ratios to that floor")
    for measured in (first, cold, same, change):
        print(f"  {measured.what:<44} {measured.median_seconds / floor.median_seconds:7.1f} x")


def _on_a_new_machine(home: Path) -> Callable[[str], object]:
    """`make` in a checkout without virtual environments, with nothing cached: all is fetched, the engine is built."""
    clone = Checkout(home / "clone", free_port())
    copy_checkout(clone.path)
    (clone.path / "policy" / ".venv").unlink()
    environment = {name: value for name, value in clone.environment.items() if not name.startswith(("XDG_", "PULUMI_"))}
    environment["HOME"] = str(home)

    def make(target: str) -> object:
        return subprocess.run(["make", target], cwd=clone.path, env=environment, check=True, capture_output=True)

    return make


if __name__ == "__main__":
    raise SystemExit(main())
