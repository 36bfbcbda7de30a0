"""Where container images come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ecs_policy.image_reference import ImageReference, parse_image
from ecs_policy.model import Container, DockerImage, Repository, TaskDefinition
from ecs_policy.repositories import immutable, repository_of
from ecs_policy.rule import Level, Option, Problem, Severity, Value, stack_rule
from ecs_policy.values import independently, quoted

_IMAGE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
_TAG_MUTABILITY = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html"
_ALLOWED = Option(
    schema={"type": "array", "items": {"type": "string"}, "default": []},
    about="Further image names to accept, without tag; `*` stands for any text: `public.ecr.aws/aws-observability/*`.",
)


@stack_rule(
    "ER-06 image-source",
    on=Container,
    title="Images come from a private repository of the stack, or of its account",
    why="An image from elsewhere can change or vanish without a deployment, and nobody here has scanned it.",
    beyond="Whether the image was pushed: a digest in a repository that no image of the stack fills is taken as it is.",
    level=Level.PRACTICE,
    source=_IMAGE,
    ours=True,
    options={"allowedRegistries": _ALLOWED},
)
def image_source(container: Container, options: Mapping[str, Any]) -> Iterator[Problem]:
    image = container["image"]
    allowed = options["allowedRegistries"]
    yield from independently(_source(image, each, allowed) for each in container.image_names)


def _source(image: Value, name: Value, allowed: list[str]) -> Iterator[Problem]:
    if name is not image and name.unknown:
        name.one(Repository)
        return
    reference = _reference(name)
    if reference is None or any(fnmatchcase(reference.name, each) for each in allowed):
        return
    stack, account = name.resource.stack, reference.ecr_account
    if repository_of(stack, reference) is not None or account in stack.accounts:
        return
    if account is not None and not stack.accounts:
        raise image.not_evaluated(f"is in a private registry of account {account}, which may be this stack's or not")
    urls = [url.text() or "" for each in stack.all(Repository) if (url := _url(each)).given and not url.unknown]
    yield image.problem(
        f"an image of a private repository of this stack ({quoted(urls)}) or of its account",
        "push it there, or add its name to allowedRegistries of this rule",
    )


@stack_rule(
    "ER-07 no-latest",
    on=Container,
    title="Images are named by digest or by a tag that cannot move",
    why="A tag that can move makes a rollback or a new task run something that nobody deployed.",
    level=Level.PRACTICE,
    source=_TAG_MUTABILITY,
    ours=True,
)
def no_latest(container: Container) -> Iterator[Problem]:
    image = container["image"]
    built = container.built_image if image.unknown else None
    if built is not None and built.tells_a_digest:
        return
    reference = _reference(image)
    if reference is None or reference.digest is not None:
        return
    if reference.tag in (None, "latest"):
        yield image.problem("a digest or a tag other than latest", "deploy the image's digest")
        return
    repository = repository_of(container.resource.stack, reference)
    if repository is None:
        raise image.not_evaluated("has a tag in a repository outside this stack, which may be mutable")
    if not immutable(repository, reference.tag or ""):
        yield image.problem(
            f"a digest, since tags of {repository.label} can be moved",
            "deploy the image's digest, or set the repository's imageTagMutability to \"IMMUTABLE\"",
        )


def _reference(image: Value) -> ImageReference | None:
    text = image.text()
    if text is None:
        return None
    reference = parse_image(text)
    if reference is None:
        raise image.not_evaluated("is not an image reference")
    return reference


def _url(repository: Repository) -> Value:
    return repository.computed("repositoryUrl")


@stack_rule(
    "ER-11 image-pushed",
    on=TaskDefinition,
    title="An image that the stack builds and runs is pushed",
    why="What stays on the machine that built it is nowhere for ECS: each task ends in CannotPullContainerError.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
)
def image_pushed(task_definition: TaskDefinition) -> Iterator[Problem]:
    definitions = task_definition["containerDefinitions"]
    if not task_definition.stack.all(DockerImage):
        return
    if definitions.unknown:
        image = definitions.one(DockerImage)
        yield from _pushed(image)
        return
    yield from independently(_container_image(each) for each in task_definition.containers)


def _container_image(container: Container) -> Iterator[Problem]:
    yield from _pushed(container.built_image)


def _pushed(image: DockerImage | None) -> Iterator[Problem]:
    if image is None:
        return
    if not image.type.startswith("docker-build:"):
        if image["skipPush"].flag():
            yield image["skipPush"].problem("false, since a task runs the image", "remove skipPush")
        return
    push = image["push"]
    if push.flag() or any(_goes_out(each) for each in image["exports"].items()):
        return
    yield push.problem("true, since a task runs the image", "set push to true, or add an export to a registry")


def _goes_out(export: Value) -> bool:
    return export["registry"].given or bool(export["image"]["push"].flag()) or export["raw"].given
