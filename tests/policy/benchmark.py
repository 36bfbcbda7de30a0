"""How fast the pack is, on generated stacks of about seven resources a service.

python -m tests.policy.benchmark [SERVICES ...]             in process: the servicer alone, without engine and start-up
python -m tests.policy.benchmark --engine [SERVICES ...]    `pulumi policy analyze --file`; the engine is PULUMI_BIN
python -m tests.policy.benchmark --engine --empty ...       the same with a pack that has one policy and does nothing
python -m tests.policy.benchmark --profile [SERVICES]       what the time in process goes into
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import pickle
import pstats
import resource as usage
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel

from ecs_policy.pack import Analyzer, policies, tune_collector
from tests.policy import good_stacks
from tests.policy.engine import POLICY, analyze
from tests.policy.stacks import Resources, requests

SIZES = [100, 1000, 5000]
LEAST_RESOURCES_PER_SECOND = 5000
"""In process, at every size; by processor time, so that what else runs on the machine does not count."""
MOST_MEGABYTES = 500
"""Of the process in which the pack runs, at every size."""

_LEAST_MEASURED = 10_000
"""Resources: fewer of them take too little time to be told from what else the machine does."""

_OF_A_SERVICE = ("app", "web", "group", "listener", "logs", "executionRole", "executionRolePolicy")

_EMPTY_PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

PolicyPack("empty", [ResourceValidationPolicy("nothing", "nothing", lambda args, report: None)])
"""


def generated(services: int) -> Resources:
    """The good Fargate stack with its service many times, each under names of its own."""
    made: dict[str, Any] = dict(good_stacks.FARGATE)
    for index in range(services):
        for name in _OF_A_SERVICE:
            copied = made[f"{name}-{index}"] = _renamed(made[name], index)
            for key in {"name", "family"} & copied["properties"].keys():
                copied["properties"][key] += f"-{index}"
        made[f"listener-{index}"] = _way(index)
    return made


def _way(index: int) -> dict[str, Any]:
    """Services share the port of one listener: each has a rule of its own there."""
    return {
        "type": "aws:lb/listenerRule:ListenerRule",
        "properties": {
            "listenerArn": "${listener.arn}",
            "priority": index + 1,
            "conditions": [{"pathPattern": {"values": [f"/{index}/*"]}}],
            "actions": [{"type": "forward", "targetGroupArn": f"${{group-{index}.arn}}"}],
        },
    }


def _renamed(written: Any, index: int) -> Any:
    if isinstance(written, dict):
        return {key: _renamed(each, index) for key, each in written.items()}
    if isinstance(written, list):
        return [_renamed(each, index) for each in written]
    if isinstance(written, str):
        for name in _OF_A_SERVICE:
            written = written.replace(f"${{{name}.", f"${{{name}-{index}.").replace(
                f"${{{name}}}", f"${{{name}-{index}}}"
            )
    return written


def _count(services: int) -> int:
    return len(good_stacks.FARGATE) + services * len(_OF_A_SERVICE)


def _write(services: int, path: Path) -> None:
    analyze_messages, stack = requests(generated(services))
    with path.open("wb") as file:
        for message in (*analyze_messages, stack):
            pickle.dump(message.SerializeToString(), file)


def _read(path: Path, count: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        for _ in range(count):
            yield pickle.load(file)


def _measure(services: int, path: Path, profile: cProfile.Profile | None = None) -> bool:
    """In a process of its own, so that the peak is the pack's. Small stacks several times: the best run counts."""
    count = _count(services)
    tune_collector()
    if profile is not None:
        profile.enable()
    alone, joined, found = min(_run(count, path) for _ in range(max(1, _LEAST_MEASURED // count)))
    if profile is not None:
        profile.disable()
    peak = usage.getrusage(usage.RUSAGE_SELF).ru_maxrss / 1024
    rate = count / (alone + joined)
    _row(services, count, f"{alone:.2f}", f"{joined:.2f}", f"{rate:.0f}", f"{peak:.0f}", found)
    return rate >= LEAST_RESOURCES_PER_SECOND and peak <= MOST_MEGABYTES and not found


def _run(count: int, path: Path) -> tuple[float, float, int]:
    """Seconds of CPU for the resources each alone and for all joined, and how much was said about them."""
    analyzer = Analyzer("ecs", "0.1.0", policies(), EnforcementLevel.MANDATORY)
    found, messages = 0, _read(path, count + 1)
    start = time.process_time()
    for _ in range(count):
        message = proto.AnalyzeRequest.FromString(next(messages))
        analyzer.Remediate(message, None)
        found += len(analyzer.Analyze(message, None).diagnostics)
    between = time.process_time()
    found += len(analyzer.AnalyzeStack(proto.AnalyzeStackRequest.FromString(next(messages)), None).diagnostics)
    return between - start, time.process_time() - between, found


def _head(*names: str) -> None:
    _row(*names)
    _row(*("---" for _ in names))


def _row(*cells: object) -> None:
    """Of a table as policy/PERFORMANCE.md has it."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def _measure_or_fail(services: int, path: Path) -> None:
    sys.exit(0 if _measure(services, path) else 1)


def in_process(sizes: list[int]) -> bool:
    """Whether every size was within the bounds."""
    _head("services", "resources", "each alone, s", "joined, s", "resources/s", "peak MB", "diagnostics")
    spawn = multiprocessing.get_context("spawn")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for services in sizes:
            path = Path(folder) / str(services)
            for step in (_write, _measure_or_fail):
                process = spawn.Process(target=step, args=(services, path))
                process.start()
                process.join()
                good = good and process.exitcode == 0
    if not good:
        print(
            f"expected at least {LEAST_RESOURCES_PER_SECOND} resources/s, at most {MOST_MEGABYTES} MB, no diagnostics"
        )
    return good


def through_the_engine(sizes: list[int], *, empty: bool) -> bool:
    """Whether every run succeeded."""
    _head("services", "resources", "seconds", "resources/s", "peak MB of the pack")
    for services in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder, pack, count = Path(name), POLICY, _count(services)
            if empty:
                pack = folder / "empty"
                pack.mkdir()
                (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
                (pack / "__main__.py").write_text(_EMPTY_PACK)
            resources = generated(services)
            with _Peak(folder / "pid") as peak:
                start = time.perf_counter()
                result = analyze(folder, resources, pack=pack, timeout_seconds=60 + count // 50)
                seconds = time.perf_counter() - start
            _row(services, count, f"{seconds:.1f}", f"{count / seconds:.0f}", f"{peak.megabytes:.0f}")
            if result.returncode:
                print(result.stdout + result.stderr)
                return False
    return True


class _Peak:
    """Reads the greatest resident memory of a process that writes its id to a file."""

    def __init__(self, pid: Path) -> None:
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.megabytes = 0.0

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            try:
                status = Path("/proc", self._pid.read_text().strip(), "status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    self.megabytes = max(self.megabytes, int(line.split()[1]) / 1024)


def profiled(services: int) -> None:
    """Prints the functions that take most time themselves."""
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messages"
        _write(services, path)
        _measure(services, path, profile)
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(25)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, metavar="SERVICES")
    parser.add_argument("--engine", action="store_true")
    parser.add_argument("--empty", action="store_true")
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    if chosen.profile:
        profiled(chosen.sizes[0])
        return 0
    good = through_the_engine(chosen.sizes, empty=chosen.empty) if chosen.engine else in_process(chosen.sizes)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
