"""`python -m picture PLAN FILE`: the architecture in a plan saved by `pulumi preview --save-plan`, as SVG."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from picture.architecture import draw
from picture.graph import Graph


def main(arguments: list[str] | None = None) -> int:
    """0: written. 2: the plan cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m picture", description=__doc__)
    parser.add_argument("plan", type=Path, help="the saved plan")
    parser.add_argument("file", type=Path, help="the SVG file to write")
    chosen = parser.parse_args(arguments)
    try:
        graph = Graph(json.loads(chosen.plan.read_text()))
    except (OSError, ValueError, KeyError, StopIteration) as problem:
        print(f"PLAN: got {chosen.plan}, expected a plan of `pulumi preview --save-plan`; {problem!r}", file=sys.stderr)
        return 2
    chosen.file.parent.mkdir(parents=True, exist_ok=True)
    chosen.file.write_text(draw(graph), encoding="utf-8")
    print(f"{chosen.file} is written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
