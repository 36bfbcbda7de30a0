"""`python -m risk.plan PLAN`: leaves open in a saved plan what only the update can know: it can follow it then.

A plan holds the outputs of components too. Where one of them is a resource that does not exist yet, as with the first
deployment of a network by awsx, the plan has it without id, the update with one, and the engine calls that a violation
half way through. https://github.com/pulumi/pulumi/issues/13765, https://github.com/pulumi/pulumi/issues/16681

Everything else stays as it was reviewed: outputs of components go nowhere but into the state.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from risk.preview import UNKNOWN

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
"""How the engine marks a value that is a resource.
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go"""


def make_followable(file: Path) -> None:
    """Writes the plan anew, with that left open. Raises OSError, ValueError or KeyError where it is no plan."""
    plan = json.loads(file.read_text())
    for planned in plan["resourcePlans"].values():
        goal = planned.get("goal") or {}
        if "outputDiff" in goal:
            goal["outputDiff"] = _left_open(goal["outputDiff"])
    file.write_text(json.dumps(plan))


def _left_open(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _RESOURCE and not value.get("id"):
            return UNKNOWN
        return {key: _left_open(each) for key, each in value.items()}
    return [_left_open(each) for each in value] if isinstance(value, list) else value


def main(arguments: list[str] | None = None) -> int:
    """0: an update can follow the plan. 2: it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m risk.plan", description=__doc__)
    parser.add_argument("plan", type=Path, help="the file that `pulumi preview --save-plan` wrote")
    file: Path = parser.parse_args(arguments).plan
    try:
        make_followable(file)
    except (OSError, ValueError, KeyError) as problem:
        print(f"PLAN: got {file}, expected a plan of `pulumi preview --save-plan`; {problem!r}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
