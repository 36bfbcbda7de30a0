"""Which repository of the stack an image is in, and whether its tags can move."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from ecs_policy.image_reference import ImageReference, parse_image
from ecs_policy.model import DockerImage, Repository, TaskDefinition
from ecs_policy.stack import Stack
from ecs_policy.values import NotEvaluated, Value


def repository_of(stack: Stack, reference: ImageReference) -> Repository | None:
    """The stack's repository that an image is in. Raises when one that is not known yet may be it."""
    doubt = None
    for each in stack.all(Repository):
        url = each.computed("repositoryUrl")
        if not url.unknown and url.given:
            if url.text() == reference.name:
                return each
            continue
        if not reference.ecr_region:
            continue  # the image is in another registry: the repository, whatever its URL, is in ECR
        try:
            name = each["name"].text()
        except NotEvaluated as outcome:
            doubt = outcome
            continue
        if name is None:
            doubt = url.not_evaluated("is not known yet")
        elif name == reference.repository:
            return each
    if doubt is not None:
        raise doubt
    return None


def immutable(repository: Repository, tag: str) -> bool:
    """Whether a tag of a repository stays with its image; ECR takes MUTABLE when the program says nothing."""
    mutability = repository["imageTagMutability"].text() or "MUTABLE"
    fixed = mutability.startswith("IMMUTABLE")
    if mutability.endswith("_WITH_EXCLUSION"):
        filters = [each["filter"].text() or "" for each in repository["imageTagMutabilityExclusionFilters"].items()]
        return fixed != any(fnmatchcase(tag, each) for each in filters)
    return fixed


def released_tags(repository: Repository) -> tuple[set[str], NotEvaluated | None]:
    """The tags by which images of a repository are built or run in this stack, and why there may be more."""
    found: set[str] = set()
    doubt = None
    for place in _names(repository.stack):
        try:
            reference = parse_image(place.text() or "")
            if reference is not None and repository_of(repository.stack, reference) is repository:
                if reference.tag is not None:
                    found.add(reference.tag)
                elif reference.digest is not None:
                    doubt = doubt or place.not_evaluated("names a digest: which tag it has cannot be told")
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    return found, doubt


def _names(stack: Stack) -> Iterator[Value]:
    for image in stack.all(DockerImage):
        yield image["imageName"]
        tags = image["tags"]
        yield from tags.items() if isinstance(tags.raw, list) else [tags]
    for task_definition in stack.all(TaskDefinition):
        try:
            yield from [container["image"] for container in task_definition.containers]
        except NotEvaluated:
            yield task_definition["containerDefinitions"]
