"""What IAM documents say: who may take on a role, and what the role may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from ecs_policy.model import Policy, PolicyAttachment, Role, RolePolicy, RolePolicyAttachment
from ecs_policy.stack import Relation, Resource
from ecs_policy.values import NotEvaluated, Value

_AWS_MANAGED = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/(.+)")
EXECUTION_POLICY = "service-role/AmazonECSTaskExecutionRolePolicy"
_PULL = (
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
)
_INSTANCE = (
    "CreateCluster",
    "DeregisterContainerInstance",
    "DiscoverPollEndpoint",
    "Poll",
    "RegisterContainerInstance",
    "StartTelemetrySession",
    "Submit*",
    "TagResource",
    "UpdateContainerInstancesState",
)
MANAGED_POLICIES = {
    EXECUTION_POLICY: (*_PULL, "logs:CreateLogStream", "logs:PutLogEvents"),
    "AmazonEC2ContainerRegistryReadOnly": _PULL,
    "service-role/AmazonEC2ContainerServiceforEC2Role": (
        *(f"ecs:{each}" for each in _INSTANCE),
        "ec2:DescribeTags",
        *_PULL,
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ),
    "AmazonECSInfrastructureRolePolicyForLoadBalancers": tuple(
        f"elasticloadbalancing:{each}"
        for each in (
            "DescribeListeners",
            "DescribeRules",
            "DescribeTargetGroups",
            "DescribeTargetHealth",
            "RegisterTargets",
            "DeregisterTargets",
            "ModifyRule",
            "ModifyListener",
        )
    ),
    "AmazonECSInfrastructureRolePolicyForManagedInstances": (
        "ec2:CreateFleet",
        "ec2:CreateLaunchTemplate",
        "ec2:RunInstances",
    ),
    "AmazonECSInstanceRolePolicyForManagedInstances": tuple(
        f"ecs:{each}" for each in _INSTANCE if each != "CreateCluster"
    ),
    "AdministratorAccess": ("*",),
}
"""AWS's own policies, as far as they matter here, with the actions they allow on every resource.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html"""


def listed(value: Value) -> list[Value]:
    """IAM writes one thing without a list around it."""
    if isinstance(value.raw, list) or value.unknown:
        return value.items()
    return [value] if value.given else []


def statements(document: Value) -> list[Value]:
    """The statements of a policy document, given as JSON text or parsed."""
    return listed(document.parsed()["Statement"])


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL | re.IGNORECASE)


def matches(pattern: str, text: str) -> bool:
    """Whether an IAM pattern with `*` and `?` fits a text."""
    return _pattern(pattern).fullmatch(text) is not None


_matches_action = lru_cache(maxsize=4096)(matches)
"""The same few actions are asked of every role; ARNs are others each time."""


def covers(pattern: str, arn: str) -> bool:
    """Whether a resource pattern fits an ARN of which parts may be `*`: not known, or of no matter."""
    if pattern in ("*", arn):
        return True
    ours, theirs = arn.split(":", 5), pattern.split(":", 5)
    if len(ours) != len(theirs):
        return matches(pattern, arn)
    return all(mine == "*" or matches(other, mine) for mine, other in zip(ours, theirs, strict=True))


def trusted_services(role: Role) -> tuple[set[str], list[Value]]:
    """The service principals that may assume the role, and the other principals, as they are written."""
    return role.stack.derived(_trusted_services, role)


def _trusted_services(role: Role) -> tuple[set[str], list[Value]]:
    services: set[str] = set()
    others: list[Value] = []
    for statement in statements(role["assumeRolePolicy"]):
        if statement["Effect"].text() != "Allow" or not _about_assuming(statement):
            continue
        principal = statement["Principal"]
        if not isinstance(principal.raw, dict):
            others.extend(listed(principal))
            continue
        for kind in principal.keys():  # noqa: SIM118 a cursor, not a dict
            for each in listed(principal[kind]):
                if kind == "Service":
                    services.add(each.text() or "")
                else:
                    others.append(each)
    return services, others


def _about_assuming(statement: Value) -> bool:
    return any(_matches_action(each.text() or "", "sts:AssumeRole") for each in listed(statement["Action"]))


class Grant(NamedTuple):
    """A permission that something needs."""

    action: str
    arn: str
    """The resource it is needed for; parts may be `*`."""
    why: str


class Policies(NamedTuple):
    statements: list[Value]
    everywhere: list[str]
    """Patterns of actions that managed policies of AWS allow on every resource."""
    doubt: NotEvaluated | None
    """Why there may be more."""
    denial: NotEvaluated | None
    """Why there may be more that denies."""


def policies(role: Role) -> Policies:
    """All that the stack says a role may do."""
    return role.stack.derived(_policies, role)


def policy_resources(role: Role) -> list[Resource]:
    """What gives the role its permissions, as resources of their own."""
    return [found for each in _references(role) for found in each.sure(role)]


def policy_doubts(role: Role) -> Iterator[NotEvaluated]:
    """Why there may be more of them, each at its place."""
    for each in _references(role):
        yield from each.doubts_about(role)


def _references(role: Role) -> list[Relation[Any]]:
    stack = role.stack
    return [
        stack.relation(RolePolicy, "role", Role),
        stack.relation(RolePolicyAttachment, "role", Role),
        stack.relation(PolicyAttachment, "roles", Role),
    ]


def _policies(role: Role) -> Policies:
    found: list[Value] = []
    everywhere: list[str] = []
    doubts = list(policy_doubts(role))
    doubt = next(iter(doubts), None)
    denial = next((each for each in doubts if _may_deny(role.stack.resources[each.at.urn])), None)
    for read in _documents(role, policy_resources(role)):
        try:
            if read.path[0] in ("policyArn", "managedPolicyArns"):
                known = _AWS_MANAGED.fullmatch("" if read.unknown else read.text() or "")
                if known is None:
                    policy = read.one(Policy)
                    found += statements(policy["policy"]) if policy is not None else []
                elif known[1] in MANAGED_POLICIES:
                    everywhere += MANAGED_POLICIES[known[1]]
                else:
                    doubt = doubt or read.not_evaluated("is a policy of AWS whose content this pack does not know")
            else:
                found += statements(read)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
            denial = denial or (outcome if read.unknown else None)
    return Policies(found, everywhere, doubt, denial)


def _may_deny(owner: Resource) -> bool:
    """Whether a policy, or what attaches one, may hold a statement that denies. AWS's own are not looked into."""
    try:
        document = owner["policy"]
        if not isinstance(owner, RolePolicy):
            arn = owner["policyArn"]
            policy = None if not arn.unknown and _AWS_MANAGED.fullmatch(arn.text() or "") else arn.one(Policy)
            if policy is None:
                return False
            document = policy["policy"]
        return any(each["Effect"].text() != "Allow" for each in statements(document))
    except NotEvaluated:
        return True


def _documents(role: Role, written: list[Resource]) -> Iterator[Value]:
    yield from (each["policy" if isinstance(each, RolePolicy) else "policyArn"] for each in written)
    for key, field in (("inlinePolicies", "policy"), ("managedPolicyArns", "")):
        value = role[key]
        if value.unknown:
            yield value
        elif isinstance(value.raw, list):
            yield from (each[field] if field else each for each in value.items())


def grants(role: Role, wanted: Grant) -> bool:
    """Whether the role may do it. Raises when that cannot be told."""
    known = policies(role)
    allowed = any(_matches_action(pattern, wanted.action) for pattern in known.everywhere)
    doubt, denial = known.doubt, known.denial
    for statement in known.statements:
        try:
            if not _applies(statement, wanted):
                continue
            effect = statement["Effect"].text()
            if statement["Condition"].filled:
                doubt = doubt or statement["Condition"].not_evaluated("holds under a condition")
            elif effect == "Deny":
                return False
            elif effect == "Allow":
                allowed = True
        except NotEvaluated as outcome:
            doubt = doubt or outcome
            denial = denial or (outcome if statement["Effect"].raw != "Allow" else None)
    doubt = denial if allowed else doubt
    if doubt is not None:
        raise doubt
    return allowed


def _applies(statement: Value, wanted: Grant) -> bool:
    exceptions = statement["NotAction"]
    if exceptions.given:
        named = not any(_matches_action(each.text() or "", wanted.action) for each in listed(exceptions))
    else:
        named = any(_matches_action(each.text() or "", wanted.action) for each in listed(statement["Action"]))
    if not named:
        return False
    if statement["NotResource"].given:
        raise statement["NotResource"].not_evaluated("is not looked into")
    doubt = None
    for each in listed(statement["Resource"]):
        try:
            if covers(each.text() or "", wanted.arn):
                return True
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if doubt is not None:
        raise doubt
    return False
