"""How fast the pack is, in process: `python -m tests.policy.benchmark 100 1000 5000`.

The figures are numbers of services, of about seven resources each.
"""

from __future__ import annotations

import multiprocessing
import pickle
import resource as usage
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel

from ecs_policy.pack import Analyzer, policies
from tests.policy import good_stacks
from tests.policy.stacks import Resources, requests

_OF_A_SERVICE = ("app", "web", "group", "listener", "logs", "taskSg", "executionRole")


def generated(services: int) -> Resources:
    """The good Fargate stack with its service many times."""
    made: dict[str, Any] = dict(good_stacks.FARGATE)
    for index in range(services):
        made.update((f"{name}-{index}", _renamed(made[name], index)) for name in _OF_A_SERVICE)
    return made


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


def _write(services: int, path: Path) -> None:
    analyze, stack = requests(generated(services))
    with path.open("wb") as file:
        for message in (*analyze, stack):
            pickle.dump(message.SerializeToString(), file)


def _read(path: Path, count: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        for _ in range(count):
            yield pickle.load(file)


def _measure(services: int, path: Path) -> None:
    """In a process of its own, so that the peak is the pack's."""
    count = len(good_stacks.FARGATE) + services * len(_OF_A_SERVICE)
    analyzer = Analyzer("ecs", "0.1.0", policies(), EnforcementLevel.MANDATORY)
    found, messages = 0, _read(path, count + 1)
    start = time.perf_counter()
    for _ in range(count):
        found += len(analyzer.Analyze(proto.AnalyzeRequest.FromString(next(messages)), None).diagnostics)
    between = time.perf_counter()
    found += len(analyzer.AnalyzeStack(proto.AnalyzeStackRequest.FromString(next(messages)), None).diagnostics)
    end = time.perf_counter()
    peak = usage.getrusage(usage.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{services:>8} {count:>9} {between - start:>9.2f} {end - between:>7.2f} "
        f"{count / (end - start):>11.0f} {peak:>7.0f} {found:>11}",
        flush=True,
    )


def main(sizes: list[int]) -> None:
    print("services resources Analyze s stack s resources/s peak MB diagnostics", flush=True)
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for services in sizes:
            path = Path(folder) / str(services)
            for step in (_write, _measure):
                process = spawn.Process(target=step, args=(services, path))
                process.start()
                process.join()


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [100, 1000, 5000])
