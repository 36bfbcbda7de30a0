"""Another implementation of IAM's evaluation beside the tests' own: iam-simulate, which needs Node.

    .venv/bin/python -m tests.bootstrap.second_opinion

asks it about a sample of every operator, scope and kind of policy, and records what it says (`second_opinion.json`,
which `test_evaluator.py` compares with at every `make check`); then about every call and every attack of the roles as
they are, and tells where the two differ.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import paths
from tests.bootstrap.evaluator import Request, allows
from tests.mocks import ACCOUNT, REGION

JUDGE = "@cloud-copilot/iam-simulate@0.1.173"
ANSWERS = Path(__file__).parent / "second_opinion.json"
_PROGRAM = Path(__file__).parent / "judge.mjs"
Document = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A question, and the documents that decide it."""

    name: str
    request: Request
    identity: Sequence[Document]
    boundary: Document | None = None
    resource_policy: Document | None = None

    @property
    def ours(self) -> bool:
        return allows(self.request, self.identity, boundary=self.boundary, resource_policy=self.resource_policy)

    @property
    def asked(self) -> dict[str, Any]:
        context = dict(self.request.context)
        return {
            "principal": context.get("aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/somebody"),
            "action": self.request.action,
            "resource": self.request.resource,
            "account": ACCOUNT,
            "context": context,
            "identity": list(self.identity),
            "boundary": self.boundary,
            "resourcePolicy": self.resource_policy or self._key_policy(),
        }

    def _key_policy(self) -> Document | None:
        """Every key has a policy; that of the account leaves the decision to IAM."""
        if not self.request.action.startswith("kms:"):
            return None
        owner = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        return _document({"Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"})


def judged(cases: Sequence[Case]) -> list[bool | None]:
    """What iam-simulate says of each; None where its reference does not know the resource."""
    folder = paths.cache() / "iam-simulate"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "install", "--silent", "--ignore-scripts", "--prefix", folder, JUDGE], check=True)
    program = folder / _PROGRAM.name
    program.write_text(_PROGRAM.read_text())
    done = subprocess.run(
        ["node", program],
        input="\n".join(json.dumps(each.asked) for each in cases),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


VPC = f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1"
TABLE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:route-table/rtb-1"
BUCKET = "arn:aws:s3:::bucket"
_KEYS: Mapping[str, tuple[str, str, Mapping[str, Sequence[str | list[str]]]]] = {
    # Key, operators' kind, and values that it may have, by name.
    "aws:RequestTag/stack": ("ec2:CreateTags", VPC, {"String": ["dev", "prod", ""]}),
    "aws:ResourceTag/stack": ("ec2:DeleteVpc", VPC, {"String": ["dev", "prod"]}),
    "aws:TagKeys": ("ec2:CreateTags", VPC, {"Set": [["dev"], ["prod"], ["dev", "prod"], ["x", "y"]]}),
    "ec2:Vpc": (
        "ec2:DeleteRouteTable",
        TABLE,
        {"Arn": [VPC, VPC.replace("vpc-1", "vpc-2"), VPC.replace("ec2", "ecs")]},
    ),
    "aws:SecureTransport": ("s3:ListBucket", BUCKET, {"Bool": ["true", "false"]}),
}
_OPERATORS = {
    "String": ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"),
    "Set": tuple(f"{scope}:{name}" for scope in ("ForAllValues", "ForAnyValue") for name in (
        "StringEquals", "StringNotEquals", "StringLike"
    )),
    "Arn": ("ArnEquals", "ArnLike", "ArnNotLike"),
    "Bool": ("Bool",),
}  # fmt: skip
_WANTED: Mapping[str, Sequence[str | list[str]]] = {
    "String": ["dev", ["dev", "prod"], "d*", "?ev"],
    "Set": ["dev", ["dev", "prod"], "d*"],
    "Arn": [VPC, f"arn:aws:ec2:*:{ACCOUNT}:vpc/*", "arn:aws:ec2:*:*:*"],
    "Bool": ["true", "false"],
}


def sample() -> Iterator[Case]:
    """Each operator with each key that is absent, fits or does not; then what statements and documents add."""
    for key, (action, resource, kinds) in _KEYS.items():
        for kind, values in kinds.items():
            operators = [*_OPERATORS[kind], *(f"{each}IfExists" for each in _OPERATORS[kind]), "Null"]
            for operator, found in itertools.product(operators, [None, *values]):
                for wanted in ["true", "false"] if operator == "Null" else _WANTED[kind]:
                    context = {} if found is None else {key: found}
                    statement = _allow(action, resource, {operator: {key: wanted}})
                    yield Case(
                        f"{operator} {key} {json.dumps(wanted)} of {json.dumps(found)}",
                        Request(action, resource, context),
                        [_document(statement)],
                    )
    yield from _statements()
    yield from _together()


def _statements() -> Iterator[Case]:
    def case(name: str, request: Request, *statements: Document) -> Case:
        return Case(name, request, [_document(*statements)])

    tags = {"aws:ResourceTag/stack": "dev"}
    yield case("an ARN for an action without resources", Request("ec2:DescribeVpcs"), _allow("ec2:*", VPC))
    yield case("an action by a pattern", Request("ec2:DeleteVpc", VPC), _allow("ec2:Delete*", "*"))
    yield case("an action in another case", Request("ec2:DeleteVpc", VPC), _allow("EC2:deletevpc", "*"))
    yield case("another action", Request("ec2:DeleteVpc", VPC), _allow("ec2:DeleteSubnet", "*"))
    yield case(
        "a resource by a pattern", Request("ec2:DeleteVpc", VPC), _allow("ec2:*", f"arn:aws:ec2:*:{ACCOUNT}:vpc/vpc-?")
    )
    yield case("another resource", Request("ec2:DeleteVpc", VPC), _allow("ec2:*", TABLE))
    for action in ("iam:GetRole", "ec2:DeleteVpc"):
        arn = VPC if action.startswith("ec2") else f"arn:aws:iam::{ACCOUNT}:role/a/b"
        statement = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}
        yield case(f"{action} but for others", Request(action, arn), statement)
        yield case(f"{action} denied but for others", Request(action, arn), _allow(), {**statement, "Effect": "Deny"})
    both = {"StringEquals": {"aws:ResourceTag/stack": "dev", "aws:ResourceTag/project": "shop"}}
    for project in ("shop", "other"):
        context = {**tags, "aws:ResourceTag/project": project}
        yield case(f"two keys, {project}", Request("ec2:DeleteVpc", VPC, context), _allow("ec2:*", "*", both))
    two = {"StringEquals": {"aws:ResourceTag/stack": "dev"}, "Null": {"aws:ResourceTag/project": "false"}}
    for context in (tags, {**tags, "aws:ResourceTag/project": "shop"}):
        yield case(
            f"two operators, {len(context)} tags", Request("ec2:DeleteVpc", VPC, context), _allow("ec2:*", "*", two)
        )
    yield case("denied and allowed", Request("ec2:DeleteVpc", VPC), _allow(), _deny("ec2:DeleteVpc", "*"))
    yield case("nothing said", Request("ec2:DeleteVpc", VPC))


def _together() -> Iterator[Case]:
    request = Request("s3:ListBucket", BUCKET)
    everybody = {"Principal": "*"}
    documents: dict[str, Document | None] = {
        "nothing": None,
        "allows": _document(_allow()),
        "allows another": _document(_allow("ec2:*", "*")),
        "denies": _document(_allow(), _deny("s3:*", "*")),
    }
    of_resource = {
        name: None if each is None else _document(*({**statement, **everybody} for statement in each["Statement"]))
        for name, each in documents.items()
        if name != "allows"
    }
    for (one, identity), (two, boundary), (three, policy) in itertools.product(
        documents.items(), documents.items(), of_resource.items()
    ):
        yield Case(
            f"identity {one}, boundary {two}, resource {three}",
            request,
            [identity or _document()],
            boundary,
            policy,
        )


def _allow(action: str = "*", resource: str = "*", condition: Document | None = None) -> Document:
    statement: Document = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement if condition is None else {**statement, "Condition": condition}


def _deny(action: str, resource: str, condition: Document | None = None) -> Document:
    return {**_allow(action, resource, condition), "Effect": "Deny"}


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def of_the_roles() -> Iterator[Case]:
    """Every call and every attack, with the documents that decide it."""
    from tests.bootstrap import needs
    from tests.bootstrap.attacks import ATTACKS
    from tests.bootstrap.test_roles import DOCUMENTS, UNBOUNDED

    def case(name: str, who: str, request: Request) -> Case:
        documents = DOCUMENTS[who]
        alone = "boundary" in documents or "resource" in documents
        return Case(
            f"{name}: {who} {request}",
            request,
            [UNBOUNDED] if alone else list(documents.values()),
            documents.get("boundary"),
            documents.get("resource"),
        )

    for stack in needs.SETTINGS:
        for request in needs.of_resources(stack, *needs.OPERATIONS) + needs.of_pulumi(stack, writes=True):
            yield case("needed", f"deploy {stack}", request)
        for request in needs.of_deployment(stack):
            yield case("needed", f"deploy {stack}", request)
        for request in needs.of_resources(stack, "read") + needs.of_pulumi(stack, writes=False):
            yield case("needed", f"preview {stack}", request)
    for attack in ATTACKS:
        for request in attack.requests:
            yield case(attack.name, attack.who, request)


def main() -> int:
    asked = list(sample())
    answers = {each.name: said for each, said in zip(asked, judged(asked), strict=True)}
    ANSWERS.write_text(json.dumps({"judge": JUDGE, "answers": answers}, indent=0, sort_keys=True) + "\n")
    roles = list(of_the_roles())
    said = judged(roles)
    differing = [each for each, theirs in zip(roles, said, strict=True) if theirs is not None and theirs != each.ours]
    print(f"{len(roles)} requests of the roles, {said.count(None)} that {JUDGE} does not know, {len(differing)} differ")
    for each in differing:
        print(f"  {'allowed' if each.ours else 'denied'} here: {each.name}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
