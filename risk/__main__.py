"""`python -m risk EVENTS`: the report over the event log of a preview (`pulumi preview --event-log EVENTS`)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pulumi.automation.events import EngineEvent

from risk import render
from risk.options import add_fail_on, add_prices
from risk.report import assess

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a file may raise that is not what it should be."""


def main(arguments: list[str] | None = None) -> int:
    """0: may be deployed. 1: refused, or an effect of `--fail-on`. 2: events or plan cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m risk", description=__doc__)
    parser.add_argument("events", type=Path, help="the preview's events, one JSON object a line")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the report for a pull request")
    parser.add_argument("--title", default="Deploy risk", help="heading of the Markdown (default: Deploy risk)")
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="also judge the resources by this policy pack; the plan that the preview saved tells what comes from what",
    )
    parser.add_argument("--all", action="store_true", help="a line for each finding, also where many are alike")
    add_fail_on(parser)
    add_prices(parser)
    chosen = parser.parse_args(arguments)
    try:
        lines = chosen.events.read_text().splitlines()
        events = [EngineEvent.from_json(json.loads(line)) for line in lines if line.strip()]
    except _UNREADABLE as problem:
        print(f"EVENTS: got {chosen.events}, expected the event log of a preview; {problem!r}", file=sys.stderr)
        return 2
    try:
        plan = None
        if chosen.plan is not None:
            plan = dict(json.loads(chosen.plan.read_text())) if chosen.plan.exists() else {}
    except _UNREADABLE as problem:
        print(f"PLAN: got {chosen.plan}, expected the plan that the preview saved; {problem!r}", file=sys.stderr)
        return 2
    report = assess(events, chosen.prices, plan)
    print(render.text(report, chosen.fail_on, every=chosen.all))
    if chosen.markdown:
        chosen.markdown.write_text(render.markdown(report, chosen.title, chosen.fail_on))
    return 1 if report.failing(chosen.fail_on) else 0


if __name__ == "__main__":
    raise SystemExit(main())
