"""Where container images come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ecs_policy.image_reference import ImageReference, parse_image
from ecs_policy.model import Container, Repository
from ecs_policy.rule import Enforcement, Level, Option, Problem, Value, stack_rule
from ecs_policy.values import NotEvaluated, quoted

_IMAGE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
_TAG_MUTABILITY = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html"
_ALLOWED = Option(
    schema={"type": "array", "items": {"type": "string"}, "default": []},
    about="Further image names to accept, without tag; `*` stands for any text: `public.ecr.aws/aws-observability/*`.",
)


@stack_rule(
    "ER-06 image-source",
    on=Container,
    title="Images come from a private repository of the stack",
    why="An image from elsewhere can change or vanish without a deployment, and nobody here has scanned it.",
    beyond="Whether the image was pushed: a digest in a repository that no image of the stack fills is taken as it is.",
    level=Level.PRACTICE,
    enforcement=Enforcement.MANDATORY,
    source=_IMAGE,
    ours=True,
    options={"allowedRegistries": _ALLOWED},
)
def image_source(container: Container, options: Mapping[str, Any]) -> Iterator[Problem]:
    image = container["image"]
    reference = _reference(image)
    if reference is None or any(fnmatchcase(reference.name, each) for each in options["allowedRegistries"]):
        return
    if _repository(container, reference) is None:
        urls = [url.text() or "" for each in container.resource.stack.all(Repository) if (url := _url(each)).given]
        yield image.problem(
            f"an image of a private repository of this stack ({quoted(urls)})",
            "push it there, or add its name to allowedRegistries of this rule",
        )


@stack_rule(
    "ER-07 no-latest",
    on=Container,
    title="Images are named by digest or by a tag that cannot move",
    why="A tag that can move makes a rollback or a new task run something that nobody deployed.",
    level=Level.PRACTICE,
    enforcement=Enforcement.MANDATORY,
    source=_TAG_MUTABILITY,
    ours=True,
)
def no_latest(container: Container) -> Iterator[Problem]:
    image = container["image"]
    reference = _reference(image)
    if reference is None or reference.digest is not None:
        return
    if reference.tag in (None, "latest"):
        yield image.problem("a digest or a tag other than latest", "deploy the image's digest")
        return
    repository = _repository(container, reference)
    if repository is None:
        raise image.not_evaluated("has a tag in a repository outside this stack, which may be mutable")
    if not _immutable(repository, reference.tag or ""):
        yield image.problem(
            f"a digest, since tags of {repository.label} can be moved",
            "deploy the image's digest, or set the repository's imageTagMutability to \"IMMUTABLE\"",
        )


def _immutable(repository: Repository, tag: str) -> bool:
    mutability = repository["imageTagMutability"].text() or "MUTABLE"
    immutable = mutability.startswith("IMMUTABLE")
    if mutability.endswith("_WITH_EXCLUSION"):
        filters = [each["filter"].text() or "" for each in repository["imageTagMutabilityExclusionFilters"].items()]
        return immutable != any(fnmatchcase(tag, each) for each in filters)
    return immutable


def _reference(image: Value) -> ImageReference | None:
    text = image.text()
    if text is None:
        return None
    reference = parse_image(text)
    if reference is None:
        raise image.not_evaluated("is not an image reference")
    return reference


def _repository(container: Container, reference: ImageReference) -> Repository | None:
    """The stack's repository that the image is in. Raises when one that is not known yet may be it."""
    doubt = None
    for each in container.resource.stack.all(Repository):
        url = _url(each)
        if not url.unknown and url.given:
            if url.text() == reference.name:
                return each
            continue
        try:
            name = each["name"].text()
        except NotEvaluated as outcome:
            doubt = outcome
            continue
        if name is None:
            doubt = url.not_evaluated("is not known yet")
        elif reference.ecr_region and name == reference.repository:
            return each
    if doubt is not None:
        raise doubt
    return None


def _url(repository: Repository) -> Value:
    return repository.computed("repositoryUrl")
