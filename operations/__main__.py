"""`make approve STACK=prod` and `make abort STACK=prod`: answer the deployment that is under way.

It asks AWS with the credentials of the environment, as the AWS CLI finds them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import boto3

from components.ecs_api import FAILURES
from operations import deployment


class OperationError(Exception):
    """What is wrong, and what to change, in one line."""


def main(arguments: list[str] | None = None, *, client: Callable[..., Any] = boto3.client) -> int:
    parser = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    parser.add_argument("operation", choices=["approve", "abort"], help="let it go on, or roll it back")
    parser.add_argument("--stack", required=True, help="the stack whose service is deployed")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    chosen = parser.parse_args(arguments)
    try:
        return _answer(chosen.operation, chosen.stack, chosen.yes, client)
    except OperationError as problem:
        print(f"error: {problem}", file=sys.stderr)
    except FAILURES as failure:
        print(f"error: AWS refuses: {failure}; check the credentials of the environment", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nNothing was changed.", file=sys.stderr)
        return 130
    return 1


def _answer(operation: str, stack: str, is_sure: bool, client: Callable[..., Any]) -> int:
    outputs = _outputs(stack)
    region = outputs["taskDefinitionArn"].split(":")[3]
    ecs = client("ecs", region_name=region)
    found = deployment.under_way(ecs, outputs["clusterName"], outputs["serviceName"])
    if found is None:
        raise OperationError(f"{operation}: stack {stack} has no deployment under way; nothing to {operation}")
    print(f"service     {outputs['serviceName']} in {outputs['clusterName']}, {region}")
    print(found.describe(datetime.now(timezone.utc)))
    if found.rolls_back:
        if operation == "approve":
            raise OperationError("approve: the deployment is rolled back already; deploy again")
        print("It is rolled back already: nothing to do.")
        return 0
    if operation == "approve" and not found.pauses:
        raise OperationError("approve: the deployment does not wait for approval; wait, or `make abort` to stop it")
    if not is_sure and not _confirmed(operation, found):
        print("Nothing was changed.")
        return 1
    if operation == "approve":
        deployment.approve(ecs, found)
        print("✓ approved: the deployment goes on, and `pulumi up` with it.")
    else:
        deployment.abort(ecs, found)
        print("✓ aborted: ECS rolls back to the revision before. `pulumi up` fails, and says so.")
    return 0


def _confirmed(operation: str, found: deployment.Deployment) -> bool:
    if not sys.stdin.isatty():
        raise OperationError(f"{operation}: there is no terminal to ask on; run it with YES=1")
    question = "Let it go on" if operation == "approve" else "Roll it back"
    return input(f"{question}: {found.task_definition}? [y/N] ").strip().lower() in ("y", "yes")


def _outputs(stack: str) -> dict[str, str]:
    command = ["pulumi", "stack", "output", "--json", "--stack", stack, "--non-interactive"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise OperationError(
            "pulumi: not found on PATH; install the Pulumi command line (https://www.pulumi.com/docs/install/)"
        ) from None
    if answer.returncode:
        why = answer.stderr.strip().rpartition("error: ")[2].splitlines()[-1:] or ["no reason given"]
        raise OperationError(f"STACK: got {stack}, of which Pulumi has no outputs ({why[0]}); name a deployed stack")
    outputs: dict[str, str] = json.loads(answer.stdout)
    missing = [name for name in ("clusterName", "serviceName", "taskDefinitionArn") if not outputs.get(name)]
    if missing:
        raise OperationError(f"STACK: got {stack}, which has no output {', '.join(missing)}; deploy it first")
    return outputs


if __name__ == "__main__":
    raise SystemExit(main())
