"""The stacks that GitHub deploys, as their stack files describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bootstrap.permissions import Environment
from components.roles import STACK, STACK_MEANT
from settings import effective

ROOT = Path(__file__).resolve().parent.parent

_NAMED = ("image.repositoryName", "domain.name", "domain.hostedZoneId", "firewall")
"""Keys of a stack file that become part of what its roles may do."""


class EnvironmentsError(Exception):
    """What is wrong with the environments, each in a line."""


def describe(stack: str, *, account: str, region: str, partition: str = "aws", root: Path = ROOT) -> Environment:
    """The environment of a stack, by its file and the defaults of the project."""
    project, values = _read(stack, root)
    firewall = str(values["firewall"])
    return Environment(
        project=project,
        stack=stack,
        account=account,
        region=region,
        partition=partition,
        repository_name=str(values["image.repositoryName"]),
        domain_name=str(values["domain.name"]),
        hosted_zone_id=str(values["domain.hostedZoneId"]),
        web_acl_arn=firewall if firewall.startswith("arn:") else "",
        has_endpoints=bool(values["network.vpcEndpoints"]),
    )


def load(
    stacks: Sequence[str], *, account: str, region: str, partition: str = "aws", root: Path = ROOT
) -> list[Environment]:
    """The environments. Raises `EnvironmentsError` that lists every problem."""
    problems = []
    if not stacks or len(set(stacks)) != len(stacks):
        problems.append(f"environments: got {list(stacks)}, expected stacks, each once; name one at least")
    for stack in dict.fromkeys(stacks):
        file = root / f"Pulumi.{stack}.yaml"
        if not re.fullmatch(STACK, stack) or not file.exists():
            problems.append(
                f"environments: got {stack!r}, expected a stack with a file, named by {STACK_MEANT}; "
                f"write {file.name}, or choose another"
            )
        else:
            problems += _problems(file.name, _read(stack, root)[1], region)
    if problems:
        raise EnvironmentsError("\n".join(problems))
    return [describe(stack, account=account, region=region, partition=partition, root=root) for stack in stacks]


def _problems(file: str, values: Mapping[str, Any], region: str) -> list[str]:
    expected = {
        "deployedBy": ("github", "set it, so that the stack takes the roles that are made here"),
        "aws:region": (region, "deploy where the state is, or run make bootstrap with AWS_REGION set to that region"),
    }
    wrong = [
        f"{file}, {key}: got {values.get(key)!r}, expected {wanted!r}; {fix}"
        for key, (wanted, fix) in expected.items()
        if values.get(key) != wanted
    ]
    return wrong + [
        f"{file}, {key}: got an encrypted value, expected a plain one; the roles are for what it names"
        for key in _NAMED
        if not isinstance(values[key], str)
    ]


def _read(stack: str, root: Path) -> tuple[str, dict[str, Any]]:
    declared = yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8"))
    project: str = declared["name"]
    given = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    return project, effective(project, given)
