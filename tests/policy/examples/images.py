from collections.abc import Mapping
from typing import Any

from tests.policy import good_stacks
from tests.policy.example import (
    container,
    missing,
    not_applicable,
    passes,
    resource,
    task_definition,
    unknown,
    violates,
)
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

DIGEST = "@sha256:" + "a" * 64
REPOSITORY = resource("aws:ecr/repository:Repository", name="shop/app", imageTagMutability="IMMUTABLE")
MUTABLE = resource("aws:ecr/repository:Repository", name="shop/app")
LOCAL = {**REPOSITORY, "outputs": {"repositoryUrl": "localhost:4566/shop/app"}}
ECR = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop/app"
IMAGE = "app.containerDefinitions[app].image"


def image(name: object, repository: Mapping[str, Any] = REPOSITORY) -> Resources:
    return {"repository": repository, "app": task_definition(container(image=name))}


def excluding(mutability: str) -> Mapping[str, Any]:
    filters = [{"filter": "dev-*", "filterType": "WILDCARD"}]
    return resource(
        "aws:ecr/repository:Repository",
        name="shop/app",
        imageTagMutability=mutability,
        imageTagMutabilityExclusionFilters=filters,
    )


def built(**properties: Any) -> Resources:
    return {**image(f"{ECR}:v1"), "image": resource("docker-build:index:Image", **properties)}


def by_docker(**properties: Any) -> Resources:
    return {**image(f"{ECR}:v1"), "image": resource("docker:index/image:Image", imageName=f"{ECR}:v1", **properties)}


EXAMPLES = {
    "ER-06": [
        violates(
            "an image of Docker Hub",
            image("httpd:2.4"),
            at={IMAGE},
            says="TaskDefinition 'app' containerDefinitions[app].image: got \"httpd:2.4\", expected an image of a "
            f'private repository of this stack ("{ECR}") or of its account; push it there, or add its name to '
            "allowedRegistries of this rule",
        ),
        violates(
            "a private repository of somebody else", image(f"{ECR}:1".replace("123456789012", "9" * 12)), at={IMAGE}
        ),
        passes("an image of the stack's repository", image("${repository.repositoryUrl}" + DIGEST)),
        passes("another repository of the account", image(f"{ECR}2{DIGEST}")),
        passes("one of another region", image(f"{ECR}:1".replace("ap-northeast-1", "eu-west-1"))),
        unknown(
            "whose account this is, is not known yet",
            image(f"{ECR}2:1"),
            not_evaluated={IMAGE},
        ),
        passes("a repository that calls itself otherwise", image("localhost:4566/shop/app" + DIGEST, LOCAL)),
        passes("its name, while its URL is not known yet", image(f"{ECR}{DIGEST}"), preview=True),
        passes(
            "a name that the configuration allows",
            image("public.ecr.aws/aws-observability/collector:v1"),
            options={"allowedRegistries": ["public.ecr.aws/aws-observability/*"]},
        ),
        missing("no image", {"app": task_definition(container())}),
        unknown(
            "the digest makes the whole JSON unknown",
            image("${repository.repositoryUrl}" + DIGEST),
            not_evaluated={"app.containerDefinitions"},
        ),
        unknown(
            "a repository of unknown name and URL may be the one",
            image(f"{ECR}:2.4", resource("aws:ecr/repository:Repository", name=not_known())),
            not_evaluated={"repository.name"},
        ),
        not_applicable("no task definition", {"repository": REPOSITORY}),
    ],
    "ER-11": [
        violates(
            "built, and kept",
            built(tags=[f"{ECR}:v1"]),
            at={"image.push"},
            says="Image 'image' push: got nothing, expected true, since a task runs the image; set push to true, or "
            "add an export to a registry",
        ),
        violates("not pushed, by the other builder", by_docker(skipPush=True), at={"image.skipPush"}),
        passes("pushed", built(tags=[f"{ECR}:v1"], push=True)),
        passes("exported to a registry", built(tags=[f"{ECR}:v1"], exports=[{"registry": {"ociMediaTypes": True}}])),
        passes("by the other builder", by_docker()),
        missing("an image that the stack does not build", image("httpd:2.4")),
        unknown("whether it is pushed", built(tags=[f"{ECR}:v1"], push=not_known()), not_evaluated={"image.push"}),
        not_applicable("no task definition", {"repository": REPOSITORY}),
    ],
    "ER-07": [
        violates(
            "latest",
            image("${repository.repositoryUrl}:latest"),
            at={IMAGE},
            says=(
                f"TaskDefinition 'app' containerDefinitions[app].image: got \"{ECR}:latest\", expected a digest "
                f"or a tag "
                "other than latest; deploy the image's digest"
            ),
        ),
        violates("a tag of a repository whose tags can be moved", image(f"{ECR}:1.0", MUTABLE), at={IMAGE}),
        violates(
            "a tag excluded from immutability",
            image(f"{ECR}:dev-1", excluding("IMMUTABLE_WITH_EXCLUSION")),
            at={IMAGE},
        ),
        passes("a digest", image("httpd" + DIGEST, MUTABLE)),
        passes("a digest beside a tag", image(f"{ECR}:latest{DIGEST}")),
        passes("a tag of an immutable repository", image(f"{ECR}:1.0")),
        passes("a tag excluded from mutability", image(f"{ECR}:dev-1", excluding("MUTABLE_WITH_EXCLUSION"))),
        missing("no tag: latest", image(ECR), at={IMAGE}),
        missing("no image", {"app": task_definition(container())}),
        unknown(
            "the mutability is unknown",
            image(
                f"{ECR}:1.0",
                resource("aws:ecr/repository:Repository", name="shop/app", imageTagMutability=not_known()),
            ),
            not_evaluated={"repository.imageTagMutability"},
        ),
        unknown("a repository of another stack", image("httpd:2.4"), not_evaluated={IMAGE}),
        not_applicable("no task definition", {"repository": REPOSITORY}),
    ],
}

MUTANTS = {
    "ER-11": [mutant("built, and kept", good_stacks.FARGATE, "image", skipPush=True)],
    "ER-06": [mutant("Docker Hub", good_stacks.FARGATE, "app", container={"image": "httpd" + DIGEST})],
    "ER-07": [mutant("latest", good_stacks.FARGATE, "app", container={"image": f"{ECR}:latest"})],
}
