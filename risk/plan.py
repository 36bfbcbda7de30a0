"""`python -m risk.plan PLAN`: takes a saved plan away that no update could follow, and says why.

A plan holds the outputs of components too. Where one of them is a resource that does not exist yet, the plan has no id
for it, the update has one, and the engine calls that a violation, half way through: so for the first deployment of a
network by awsx. https://github.com/pulumi/pulumi/issues/13765, https://github.com/pulumi/pulumi/issues/16681
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
"""How the engine marks a value that is a resource.
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go"""

UNPLANNED = "unplanned"
"""The file beside the plan that says why there is none."""


def impossible(plan: Mapping[str, Any]) -> list[str]:
    """Names of the components whose outputs no update can give as the plan has them."""
    found = []
    for urn, planned in plan["resourcePlans"].items():
        difference = planned["goal"].get("outputDiff") or {}
        if any(_without_id([difference.get("adds"), difference.get("updates")])):
            found.append(urn.rpartition("::")[2])
    return sorted(found)


def _without_id(value: Any) -> Iterator[bool]:
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _RESOURCE:
            yield not value.get("id")
        else:
            for each in value.values():
                yield from _without_id(each)
    elif isinstance(value, list):
        for each in value:
            yield from _without_id(each)


def main(arguments: list[str] | None = None) -> int:
    """0: the plan stays, or is gone and its reason is beside it. 2: it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m risk.plan", description=__doc__)
    parser.add_argument("plan", type=Path, help="the file that `pulumi preview --save-plan` wrote")
    file: Path = parser.parse_args(arguments).plan
    try:
        names = impossible(json.loads(file.read_text()))
    except (OSError, ValueError, KeyError) as problem:
        print(f"PLAN: got {file}, expected a plan of `pulumi preview --save-plan`; {problem!r}", file=sys.stderr)
        return 2
    if names:
        reason = (
            f"No plan is kept: it creates what {', '.join(names)} is made of, and no update can follow such a plan "
            "(pulumi/pulumi#13765). `make deploy` goes without one; from the next change on there is one again."
        )
        file.unlink()
        (file.parent / UNPLANNED).write_text(reason + "\n")
        print(reason)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
