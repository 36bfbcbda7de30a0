"""Repositories of images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from ecs_policy.iam import listed, statements
from ecs_policy.image_reference import REPOSITORY
from ecs_policy.model import RegistryScanning, Repository, RepositoryPolicy
from ecs_policy.network import network, of_the_internet
from ecs_policy.rule import Level, Problem, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import NotEvaluated, independently

_ECR = "https://docs.aws.amazon.com/AmazonECR/latest"
_CREATE = f"{_ECR}/APIReference/API_CreateRepository.html"
_NAME = re.compile(REPOSITORY)
_MOST_FILTERS = 5


@resource_rule(
    "ER-01 immutable",
    on=Repository,
    title="Tags of a repository cannot be moved",
    why="With movable tags nobody can say which image ran yesterday.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=f"{_ECR}/userguide/image-tag-mutability.html",
    frameworks=("Security Hub ECR.2",),
)
def immutable(repository: Repository) -> Iterator[Problem]:
    value = repository["imageTagMutability"]
    mutability = value.text()
    if mutability not in ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"):
        yield value.problem('"IMMUTABLE" or "IMMUTABLE_WITH_EXCLUSION"', 'set imageTagMutability to "IMMUTABLE"')
    elif mutability == "IMMUTABLE_WITH_EXCLUSION":
        filters = repository["imageTagMutabilityExclusionFilters"]
        count = len(filters.items())
        if not 1 <= count <= _MOST_FILTERS:
            yield filters.problem(
                f"1 to {_MOST_FILTERS} filters with IMMUTABLE_WITH_EXCLUSION, not {count}", "change the filters"
            )


@stack_rule(
    "ER-02 scan",
    on=Repository,
    title="Images are scanned when they are pushed",
    why="A known hole in a base image is found by nobody else.",
    level=Level.PRACTICE,
    source=f"{_ECR}/userguide/image-scanning.html",
    frameworks=("Security Hub ECR.1",),
)
def scan(repository: Repository) -> Iterator[Problem]:
    value = repository["imageScanningConfiguration"]["scanOnPush"]
    if not value.unknown and value.flag():
        return
    for registry in repository.stack.all(RegistryScanning):
        for rule in registry["rules"].items():
            filters = [each["filter"].text() or "" for each in rule["repositoryFilters"].items()]
            if rule["scanFrequency"].text() in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN") and any(
                fnmatchcase(repository["name"].text() or "", each if "*" in each else f"*{each}*") for each in filters
            ):
                return
    if value.flag() is not True:
        yield value.problem("true, or a scanning rule of the registry", "set scanOnPush to true")


@resource_rule(
    "ER-03 kms",
    on=Repository,
    title="A repository is encrypted by KMS",
    why="Who may use the key, and who did, can then be controlled and seen.",
    level=Level.PRACTICE,
    severity=Severity.LOW,
    source=f"{_ECR}/userguide/encryption-at-rest.html",
    frameworks=("Security Hub ECR.5",),
)
def kms(repository: Repository) -> Iterator[Problem]:
    configurations = repository["encryptionConfigurations"]
    for configuration in configurations.items():
        kind = configuration["encryptionType"]
        if kind.text() not in ("KMS", "KMS_DSSE"):
            yield kind.problem('"KMS" or "KMS_DSSE"', "change encryptionType: the repository will be replaced")
        return
    yield configurations.problem('one with encryptionType "KMS"', "set it: the repository will be replaced")


@resource_rule(
    "ER-04 no-public-policy",
    on=RepositoryPolicy,
    title="A private repository is not open to everybody",
    why="Principal `*` is every AWS account there is.",
    level=Level.PRACTICE,
    severity=Severity.CRITICAL,
    source=f"{_ECR}/userguide/repository-policies.html",
    frameworks=("Checkov CKV_AWS_32",),
)
def no_public_policy(policy: RepositoryPolicy) -> Iterator[Problem]:
    document = policy["policy"]
    if document.given:
        yield from independently(_not_public(document, statement) for statement in statements(document))


def _not_public(document: Value, statement: Value) -> Iterator[Problem]:
    if statement["Effect"].text() != "Allow":
        return
    but, principal = statement["NotPrincipal"], statement["Principal"]
    everybody = listed(principal["AWS"] if isinstance(principal.raw, dict) else principal)
    if not but.given and not any(each.text() == "*" for each in everybody):
        return
    restricted, doubt = _restricts(statement["Condition"])
    if restricted:
        return
    if doubt is not None:
        raise doubt
    got = "everybody but some (NotPrincipal)" if but.given else 'the principal "*"'
    how = "with a condition that keeps nobody out" if statement["Condition"].filled else "without a condition"
    yield Problem(
        document.resource.urn,
        document.location,
        f"{document.resource.label} {document.location}: got {got} {how}, expected the accounts or roles that need it; "
        "name them",
    )


_WHO_OR_WHERE = {
    "aws:principalaccount": re.compile(r"\d{12}"),
    "aws:principalarn": re.compile(r"arn:[^*?]*:\d{12}:.+"),
    "aws:principalorgid": re.compile(r"o-[a-z0-9].*"),
    "aws:principalorgpaths": re.compile(r"o-[a-z0-9].*"),
    "aws:sourceaccount": re.compile(r"\d{12}"),
    "aws:sourcearn": re.compile(r"arn:[^*?]*:\d{12}:.+"),
    "aws:sourceorgid": re.compile(r"o-[a-z0-9].*"),
    "aws:sourcevpc": re.compile(r"vpc-.+"),
    "aws:sourcevpce": re.compile(r"vpce-.+"),
}
"""Condition keys that say who asks, or from where, and what a value of one looks like that is not anybody."""
_POSITIVE = {"arnequals", "arnlike", "stringequals", "stringequalsignorecase", "stringlike"}
_OF_NOBODY = {"aws:securetransport", "aws:requestedregion", "aws:currenttime", "aws:epochtime"}
"""Keys that say how, where to or when, never who."""


def _restricts(condition: Value) -> tuple[bool, NotEvaluated | None]:
    """Whether a condition keeps strangers out, or else why that cannot be told."""
    doubt = None
    for operator in condition.keys():  # noqa: SIM118 a cursor, not a dict
        for key in condition[operator].keys():  # noqa: SIM118
            try:
                if _keeps_out(operator.lower(), key.lower(), listed(condition[operator][key])):
                    return True, None
            except NotEvaluated as outcome:
                doubt = doubt or outcome
    return False, doubt


def _keeps_out(operator: str, key: str, values: list[Value]) -> bool:
    """Of one line of a condition. A key that is absent fulfils ForAllValues and IfExists."""
    if operator.startswith("forallvalues:") or operator.endswith("ifexists") or key in _OF_NOBODY:
        return False
    operator = operator.removeprefix("foranyvalue:")
    if operator == "ipaddress" and key in ("aws:sourceip", "aws:vpcsourceip"):
        ranges = [network(each) for each in values]
        return all(each is not None and not of_the_internet(each) for each in ranges)
    known = _WHO_OR_WHERE.get(key)
    if known is None or operator not in _POSITIVE:
        if not values:
            return False
        raise values[0].not_evaluated("is a condition that this pack cannot judge")
    return all(known.fullmatch(each.text() or "") for each in values)


@resource_rule(
    "ER-08 repo-name",
    on=Repository,
    title="A repository's name is one that ECR takes",
    why="CreateRepository refuses others.",
    level=Level.REJECTED,
    source=_CREATE,
)
def repo_name(repository: Repository) -> Iterator[Problem]:
    name = repository["name"]
    text = name.text()
    if text is not None and not (2 <= len(text) <= 256 and _NAME.fullmatch(text)):
        yield name.problem(
            "2 to 256 lower-case letters and digits, separated by single . _ - or /", "choose another name"
        )
