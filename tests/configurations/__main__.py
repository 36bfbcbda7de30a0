"""`make fuzz`: thousands of configurations, two at a time; tells how many were taken, and every kind of fault once."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from hypothesis import HealthCheck, Phase, given, seed, settings

from local.console import step
from tests.configurations.generator import Configuration, configurations
from tests.configurations.properties import faults, is_accepted

_CHUNK = 250


def _drawn(start: int) -> tuple[Counter[str], dict[str, str]]:
    counted: Counter[str] = Counter()
    shown: dict[str, str] = {}

    @seed(start)
    @settings(
        max_examples=_CHUNK,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(configurations())
    def look(drawn: Configuration) -> None:
        taken = "taken" if is_accepted(drawn) else "refused"
        counted[f"{drawn.kind} {taken}"] += 1
        for fault in faults(drawn, same=len(drawn.values) % 8 == 0):
            kind = re.sub(r"[0-9a-f]{8,}|[0-9]+", "#", fault)[:80]
            counted[f"fault: {kind}"] += 1
            odd = {key: drawn.values.get(key) for key in sorted(drawn.changed)}
            shown.setdefault(kind, f"{fault[:300]}\n    {drawn.stack[:40]} {str(odd)[:600]}")

    look()
    return counted, shown


def main() -> int:
    count, start = int(sys.argv[1]), int(sys.argv[2])
    counted: Counter[str] = Counter()
    shown: dict[str, str] = {}
    seeds = range(start, start + -(-count // _CHUNK))
    workers = ProcessPoolExecutor(os.cpu_count(), initializer=gc.set_threshold, initargs=(50_000, 20, 50))
    with step(f"{len(seeds) * _CHUNK} configurations from seed {start}") as progress, workers as pool:
        for done, (found, examples) in enumerate(pool.map(_drawn, seeds), start=1):
            counted += found
            shown = {**examples, **shown}
            progress.note(f"{done * _CHUNK} drawn, {len(shown)} kinds of fault")
    for what, times in sorted(counted.items()):
        print(f"{times:7} {what}")
    for example in shown.values():
        print(f"- {example}")
    return 1 if shown else 0


if __name__ == "__main__":
    raise SystemExit(main())
