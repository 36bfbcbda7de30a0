"""Repositories of images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ecs_policy.ecr_lifecycle import LifecyclePolicyError, UndecidedError, can_expire, parse_policy
from ecs_policy.iam import listed, statements
from ecs_policy.model import LifecyclePolicy, RegistryScanning, Repository, RepositoryPolicy, Resource
from ecs_policy.rule import Level, Option, Problem, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import independently, quoted

_ECR = "https://docs.aws.amazon.com/AmazonECR/latest"
_CREATE = f"{_ECR}/APIReference/API_CreateRepository.html"
_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
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
)
def no_public_policy(policy: RepositoryPolicy) -> Iterator[Problem]:
    document = policy["policy"]
    if document.given:
        yield from independently(_not_public(document, statement) for statement in statements(document))


def _not_public(document: Value, statement: Value) -> Iterator[Problem]:
    if statement["Effect"].text() != "Allow" or statement["Condition"].filled:
        return
    principal = statement["Principal"]
    everybody = listed(principal["AWS"] if isinstance(principal.raw, dict) else principal)
    if any(each.text() == "*" for each in everybody):
        yield _problem(
            document, 'the principal "*" without a condition, expected the accounts or roles that need it; name them'
        )


def _repository(policy: Resource) -> list[Value]:
    return [policy["repository"]]


@stack_rule(
    "ER-05 lifecycle",
    on=Repository,
    title="Old images expire, and none that runs or may run again",
    why="Without a lifecycle policy a repository only grows; with a careless one a deployment or rollback finds its "
    "image gone.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=f"{_ECR}/userguide/LifecyclePolicies.html",
    frameworks=("Security Hub ECR.3",),
    options={
        "releasesKept": Option(
            schema={"type": "integer", "minimum": 0, "default": 3},
            about="Releases before the running one to which a rollback must be possible.",
        )
    },
)
def lifecycle(repository: Repository, options: Mapping[str, Any]) -> Iterator[Problem]:
    policies = repository.stack.relation(LifecyclePolicy, _repository, Repository).of(repository)
    if not policies:
        yield Problem(
            repository.urn,
            "",
            f"{repository.label}: got no LifecyclePolicy, expected one; let untagged and very old images expire",
        )
    fixed = (repository["imageTagMutability"].text() or "MUTABLE") == "IMMUTABLE" if policies else True
    for policy in policies:
        yield from _keeps(policy["policy"], int(options["releasesKept"]), fixed)


def _keeps(document: Value, releases_kept: int, tags_are_immutable: bool) -> Iterator[Problem]:
    text = document.text()
    if text is None:
        return
    try:
        lost = can_expire(parse_policy(text), releases_kept, tags_are_immutable=tags_are_immutable)
    except LifecyclePolicyError as error:
        problems = "" if document.secret else f": {quoted(error.problems)}"
        yield _problem(document, "a policy that ECR refuses, expected a valid one; correct it" + problems)
    except UndecidedError:
        raise document.not_evaluated("has tag patterns too entangled to decide") from None
    else:
        if lost is not None:
            history = "" if document.secret else f"\n{lost}"
            yield _problem(
                document,
                f"rules that can take an image still needed, expected the running image and {releases_kept} releases "
                f"before it to stay; keep more, or longer{history}",
            )


def _problem(document: Value, what: str) -> Problem:
    resource = document.resource
    return Problem(resource.urn, document.location, f"{resource.label} {document.location}: got {what}")


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
