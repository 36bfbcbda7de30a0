"""`python -m risk.plan PLAN`: leaves open in a saved plan what an update cannot follow or must not print.

A plan holds the outputs of components too. Where one of them is a resource that does not exist yet, as with the first
deployment of a network by awsx, the plan has it without id, the update with one, and the engine calls that a violation
half way through. https://github.com/pulumi/pulumi/issues/13765, https://github.com/pulumi/pulumi/issues/16681

And a plan holds secrets, encrypted. Where an update gets another one than was planned, the engine prints both, in
plain: `MakeError` in https://github.com/pulumi/pulumi/blob/v3.250.0/pkg/resource/deploy/plan.go. Without them a plan
tells nobody a secret, whatever key he has.

Everything else stays as it was reviewed: outputs of components go nowhere but into the state, and of a secret the
reviewer has seen no more than that it is one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ecs_policy.sentinels import REFERENCE, SECRET, SIGNATURE, UNKNOWN


def make_followable(file: Path) -> None:
    """Writes the plan anew, with that left open. Raises OSError, ValueError or KeyError where it is no plan."""
    plan = json.loads(file.read_text())
    if "config" in plan:
        plan["config"] = {key: value for key, value in plan["config"].items() if not _has_ciphertext(value)}
    for planned in plan["resourcePlans"].values():
        goal = planned.get("goal") or {}
        if "outputDiff" in goal:
            goal["outputDiff"] = _left_open(goal["outputDiff"], _is_future_resource)
    plan["resourcePlans"] = _left_open(plan["resourcePlans"], lambda value: value.get(SIGNATURE) == SECRET)
    file.write_text(json.dumps(plan))


def _is_future_resource(value: Mapping[str, Any]) -> bool:
    return value.get(SIGNATURE) == REFERENCE and not value.get("id")


def _left_open(value: Any, matches: Callable[[Mapping[str, Any]], bool]) -> Any:
    if isinstance(value, Mapping):
        return UNKNOWN if matches(value) else {key: _left_open(each, matches) for key, each in value.items()}
    return [_left_open(each, matches) for each in value] if isinstance(value, list) else value


def _has_ciphertext(value: Any) -> bool:
    """Whether a value of the configuration, which the engine does not compare, holds a secret."""
    if isinstance(value, Mapping):
        return "secure" in value or any(map(_has_ciphertext, value.values()))
    return isinstance(value, list) and any(map(_has_ciphertext, value))


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
