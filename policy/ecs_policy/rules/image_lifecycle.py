"""How long images stay in their repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecs_policy.ecr_lifecycle import (
    OTHER_PUSHES,
    Counterexample,
    LifecyclePolicyError,
    UndecidedError,
    can_expire,
    parse_policy,
)
from ecs_policy.ecr_lifecycle import LifecyclePolicy as Parsed
from ecs_policy.model import LifecyclePolicy, Repository
from ecs_policy.repositories import immutable, released_tags
from ecs_policy.rule import Level, Option, Problem, resource_rule, stack_rule
from ecs_policy.values import NotEvaluated, Unevaluated, Value

_GUIDE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide"
_RELEASES = Option(
    schema={"type": "integer", "minimum": 0, "default": 10},
    about="Releases before the running one that a rollback may go back to.",
)
_OTHERS = Option(
    schema={"type": "integer", "minimum": 0, "default": OTHER_PUSHES},
    about="Pushes beside them that never come to serve: failed and abandoned releases, leftovers.",
)


@stack_rule(
    "ER-05 lifecycle",
    on=Repository,
    title="A repository has a lifecycle policy",
    why="Every release pushes an image, and nobody deletes them by hand: storage is paid for and scanned for ever.",
    level=Level.PRACTICE,
    source=f"{_GUIDE}/LifecyclePolicies.html",
    frameworks=("Security Hub ECR.3",),
)
def lifecycle(repository: Repository) -> Iterator[Problem]:
    if not repository.stack.relation(LifecyclePolicy, "repository", Repository).of(repository):
        message = f"{repository.label}: got no lifecycle policy, expected one; add an aws.ecr.LifecyclePolicy to it"
        yield Problem(repository.urn, "lifecyclePolicy", message)


@resource_rule(
    "ER-09 lifecycle-valid",
    on=LifecyclePolicy,
    title="ECR accepts the lifecycle policy",
    why="The document is checked by nothing before ECR sees it: a wrong one fails half way through the update.",
    level=Level.REJECTED,
    source=f"{_GUIDE}/lifecycle_policy_parameters.html",
)
def lifecycle_valid(lifecycle_policy: LifecyclePolicy) -> Iterator[Problem]:
    policy = lifecycle_policy["policy"]
    text = policy.document()
    if text is None:
        return
    try:
        parse_policy(text)
    except LifecyclePolicyError as error:
        for problem in error.problems:
            said = "got [secret], expected a document that ECR accepts" if policy.secret else problem
            message = f"{lifecycle_policy.label} policy: {said}; correct it"
            yield Problem(lifecycle_policy.urn, policy.location, message)


@resource_rule(
    "ER-12 running-image",
    on=LifecyclePolicy,
    title="No lifecycle rule takes the image that runs, or the one before it, while it has its tag",
    why="ECR does not know what runs. When a rule takes the running image, no task of it ever starts again: the next "
    "crash or scale-out ends in CannotPullContainerError. A deployment that fails goes back to the one before.",
    level=Level.FAILS,
    source=f"{_GUIDE}/LifecyclePolicies.html",
)
def running_image(lifecycle_policy: LifecyclePolicy) -> Iterator[Problem]:
    yield from _can_lose(lifecycle_policy, 1, 0, tags_stay=True)


@stack_rule(
    "ER-10 rollback-image",
    on=LifecyclePolicy,
    title="No lifecycle rule can take an image that a rollback needs",
    why="Once it is gone, a rollback to it ends in CannotPullContainerError. Pushes that never serve count, too.",
    level=Level.PRACTICE,
    source=f"{_GUIDE}/LifecyclePolicies.html",
    ours=True,
    options={"releasesKept": _RELEASES, "otherPushes": _OTHERS},
)
def rollback_image(lifecycle_policy: LifecyclePolicy, options: Mapping[str, Any]) -> Iterator[Problem]:
    if any(_can_lose(lifecycle_policy, 1, 0, tags_stay=True)):
        return  # ER-12
    yield from _can_lose(lifecycle_policy, int(options["releasesKept"]), int(options["otherPushes"]))


def _can_lose(
    lifecycle_policy: LifecyclePolicy, releases: int, others: int, *, tags_stay: bool = False
) -> Iterator[Problem]:
    place = lifecycle_policy["policy"]
    policy = _parsed(place)
    if policy is None:
        return
    try:
        fixed, doubt = tags_stay or _tags_are_immutable(lifecycle_policy), None
    except NotEvaluated as outcome:
        fixed, doubt = True, outcome
    try:
        lost = can_expire(policy, releases, tags_are_immutable=fixed, other_pushes=others)
        undecided = doubt if doubt and not lost and can_expire(policy, releases, other_pushes=others) else None
    except UndecidedError as error:
        raise place.not_evaluated(f"is too entangled to decide: {error}") from None
    if lost is not None:
        yield Problem(lifecycle_policy.urn, place.location, _message(place, lost, releases, others))
    if undecided:
        raise undecided


def _parsed(policy: Value) -> Parsed | None:
    """None where there is nothing, or nothing that ECR accepts, which ER-09 reports."""
    text = policy.document()
    try:
        return None if text is None else parse_policy(text)
    except LifecyclePolicyError:
        return None


def _tags_are_immutable(lifecycle_policy: LifecyclePolicy) -> bool:
    """Whether no release can lose its tag; in a repository with exclusions that depends on the tags of releases."""
    place = lifecycle_policy["repository"]
    repository = place.one(Repository)
    if repository is None:
        raise NotEvaluated(Unevaluated(lifecycle_policy.urn, place.location, "is absent"))
    mutability = repository["imageTagMutability"]
    if not (mutability.text() or "").endswith("_WITH_EXCLUSION"):
        return immutable(repository, "")
    tags, doubt = released_tags(repository)
    if not all(immutable(repository, tag) for tag in tags):
        return False
    if doubt is not None or not tags:
        raise doubt or mutability.not_evaluated("has exclusions, and no tag of a release is known")
    return True


def _message(place: Value, lost: Counterexample, releases: int, others: int) -> str:
    got = "[secret]" if place.secret else str(lost.rule)
    head = (
        f"{place.resource.label} policy: got {got}, expected the running image and {_before(releases)} before it "
        f"to stay{f', through {others} other pushes' if others else ''}; {_change(lost, releases, others)}"
    )
    return head if place.secret else f"{head}\n{lost}"


def _before(releases: int) -> str:
    return "the release" if releases == 1 else f"the {releases} releases"


def _change(lost: Counterexample, releases: int, others: int) -> str:
    if not lost.lost.tags:
        return (
            'set the repository\'s imageTagMutability to "IMMUTABLE", or tag releases as its filters keep them, so '
            "that no release loses its tag"
        )
    if lost.rule.count_type == "imageCountMoreThan":
        return f"raise countNumber to {releases + others + 1} or more"
    return "count images (imageCountMoreThan) instead of days, or leave out tagged images"
