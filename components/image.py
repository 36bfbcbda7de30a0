"""The application's image, built from its folder and kept in a private ECR repository."""

import hashlib
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker
from docker.utils.build import exclude_paths

from components.checks import Arguments, Check, one_of, text, whole
from ecs_policy.ecr_lifecycle import OTHER_PUSHES, parse_policy, tolerated_pushes
from ecs_policy.image_reference import REPOSITORY

CpuArchitecture = Annotated[
    Literal["X86_64", "ARM64"], one_of("X86_64", "ARM64", fix="choose the processor that the image is built for")
]
_HOST = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = rf"({_HOST}(\.{_HOST})*|\[[0-9A-Fa-f:]+\])(:[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?P<name>({_REGISTRY}/)?{REPOSITORY})(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    r"(@(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}))?"
)
"""https://pkg.go.dev/github.com/distribution/reference"""
_LONGEST_NAME = 255


def _is_reference(value: object) -> bool:
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) and len(value) < 600 else None
    # Sixty-four hexadecimal digits alone are an id of this machine, not a name.
    return match is not None and len(match["name"]) <= _LONGEST_NAME and not re.fullmatch("[0-9a-f]{64}", match[0])


ImageBase = Annotated[
    str,
    Check(
        "an image reference, such as ubuntu:24.04, with or without @sha256: and 64 hexadecimal digits",
        "name an image with apt-get; `make newest-base` adds the digest",
        _is_reference,
    ),
]

RepositoryName = Annotated[
    str,
    text(
        rf"(?=.{{2,200}}$){REPOSITORY}",
        "2 to 200 lower-case letters and digits, separated by single . _ - or /",
        fix="choose a name that ECR accepts",
    ),
]
"""ECR takes 256, but Docker 255 with the registry's name before it.
https://pkg.go.dev/github.com/distribution/reference"""

ImageVersion = Annotated[
    str,
    text(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}",
        "1 to 100 letters, digits, _ . or -, not starting with . or -",
        fix="choose a version that can be part of an image tag",
    ),
]
BuildContext = Annotated[
    Path,
    Check(
        "a folder with a Dockerfile",
        "correct the path",
        lambda value: isinstance(value, Path) and (value / "Dockerfile").is_file(),
    ),
]

PLATFORMS: Mapping[str, str] = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
"""ECS's name of a processor architecture to Docker's name of the platform."""

_UNTAGGED_DAYS = 14

ROLLBACK_RELEASES = 10
"""Releases before the running one whose images stay, through `OTHER_PUSHES` images that never came to serve."""


def lifecycle_policy(keep_images: int) -> str:
    """The repository's lifecycle policy as ECR's JSON.

    Every image that was ever deployed has a tag of its own, so only the count of tagged images can expire one. Untagged
    leftovers of broken pushes are found by age alone, long after any push of theirs can still be under way.
    """
    return json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "description": f"Untagged leftovers go after {_UNTAGGED_DAYS} days",
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": _UNTAGGED_DAYS,
                    },
                    "action": {"type": "expire"},
                },
                {
                    "rulePriority": 2,
                    "description": f"The newest {keep_images} images stay",
                    "selection": {
                        "tagStatus": "tagged",
                        "tagPatternList": ["*"],
                        "countType": "imageCountMoreThan",
                        "countNumber": keep_images,
                    },
                    "action": {"type": "expire"},
                },
            ]
        }
    )


def _keeps_rollback_images(keep_images: int) -> bool:
    tolerated = tolerated_pushes(
        parse_policy(lifecycle_policy(keep_images)), ROLLBACK_RELEASES, tags_are_immutable=True
    )
    return tolerated is None or tolerated >= OTHER_PUSHES


_FEWEST_IMAGES = next(filter(_keeps_rollback_images, itertools.count(1)))

KeepImages = Annotated[
    int,
    whole(
        _FEWEST_IMAGES,
        1000,
        fix=f"fewer could take an image that runs or one of the {ROLLBACK_RELEASES} releases to roll back to",
    ),
]


@dataclass(frozen=True, kw_only=True)
class ImageChoices(Arguments):
    """The image and its repository."""

    version: ImageVersion = "0.0.1"
    """Release version, the readable first part of the image tag. A new one rebuilds, on the newest base image where the
    base has no digest. Set a new one, too, to go back to files that were pushed before under the same version: ECR
    refuses to push a tag twice."""

    base: ImageBase = "ubuntu:24.04"
    """Base image of the Dockerfile, Debian or Ubuntu. A tag is whatever its registry has on the day of the build; with
    a digest behind it, which `make newest-base` writes, it is the same for everybody until the next one."""

    repository_name: RepositoryName = "ecr-h4b-helloworld"
    """Name of the ECR repository. Stacks in the same account and region need different names.
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html"""


@dataclass(frozen=True, kw_only=True)
class AppImageArgs(Arguments):
    """Arguments of `AppImage`."""

    repository_name: RepositoryName
    """Name of the ECR repository, unique in the account and region.
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html"""

    version: ImageVersion
    """Release version: the readable first part of the tag. A new version builds and pushes again even if no file
    changed, which is how a newer base image is taken in that is named by its tag alone."""

    context: BuildContext
    """The build context: a folder with a `Dockerfile`, absolute or relative to the project. Its `.dockerignore` is
    honoured."""

    cpu_architecture: CpuArchitecture
    """Processor that the image is built for: `X86_64` or `ARM64`. Give the task definition the same."""

    build_args: Mapping[str, str] = field(default_factory=dict)
    """Values of the Dockerfile's `ARG`s. They end up in the image's history: never put a secret here."""

    keep_images: KeepImages = 100
    """Number of tagged images kept, newest first, 31 to 1000; older ones expire. Every release and every failed attempt
    at one pushes a single image: 31 keep the running one and 10 to roll back to through 20 failed attempts.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html"""

    deletion_protection: bool = True
    """Whether the repository refuses to be deleted, by Pulumi and by ECR while it holds images. False: it goes with
    its images."""


class AppImage(pulumi.ComponentResource):
    """A private ECR repository and the image built from a folder, pushed under a tag that is unique for its content.

    Tags are immutable; images are scanned on push and encrypted with the account's own KMS key for ECR. The only place
    that knows how images are built: by the Docker provider, on the Docker engine of the machine that runs Pulumi.

    Not done here: copies in other regions, signing, and images for several platforms under one tag.
    """

    TYPE = "h4b:image:AppImage"

    repository_url: pulumi.Output[str]
    """`<registry>/<name>`, what to push to and pull from."""

    repository_arn: pulumi.Output[str]
    """What a role must be allowed to pull."""

    image_uri: pulumi.Output[str]
    """`<registry>/<name>@sha256:...`, the image that was pushed, whatever happens to tags. Unknown until then."""

    tag: str
    """`<version>-<12 hex digits of the content hash>`."""

    def __init__(self, name: str, args: AppImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        platform = PLATFORMS[args.cpu_architecture]

        repository = aws.ecr.Repository(
            name,
            name=args.repository_name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS")],
            force_delete=not args.deletion_protection,
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
        )
        aws.ecr.LifecyclePolicy(
            name,
            repository=repository.name,
            policy=lifecycle_policy(args.keep_images),
            opts=pulumi.ResourceOptions(parent=self),
        )

        credentials = aws.ecr.get_authorization_token_output(
            registry_id=repository.registry_id, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        self.tag = f"{args.version}-{content_hash(args.context, args.build_args, platform)[:12]}"
        image = docker.Image(
            name,
            image_name=pulumi.Output.concat(repository.repository_url, ":", self.tag),
            build=docker.DockerBuildArgs(
                context=args.context.as_posix(),
                dockerfile=(args.context / "Dockerfile").as_posix(),
                platform=platform,
                args=dict(args.build_args),
            ),
            registry=docker.RegistryArgs(
                server=repository.repository_url.apply(lambda url: url.split("/")[0]),
                username=credentials.user_name,
                password=pulumi.Output.secret(credentials.password),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.repository_url = repository.repository_url
        self.repository_arn = repository.arn
        # The password makes the provider's answer secret; the digest is none.
        self.image_uri = pulumi.Output.unsecret(image.repo_digest)
        self.register_outputs(
            {
                "repositoryUrl": self.repository_url,
                "repositoryArn": self.repository_arn,
                "imageUri": self.image_uri,
                "tag": self.tag,
            }
        )


def content_hash(context: Path, build_args: Mapping[str, str], platform: str) -> str:
    """SHA-256 over everything a build depends on: the files docker would send, their modes, arguments and platform.

    Modes count because `COPY` keeps them: whatever makes Docker build another image must make another tag.
    """
    ignore_file = context / ".dockerignore"
    lines = ignore_file.read_text(encoding="utf-8").splitlines() if ignore_file.is_file() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    digest = hashlib.sha256()

    def add(*parts: bytes) -> None:
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)

    add(json.dumps([sorted(build_args.items()), platform]).encode())
    for relative in sorted(Path(path).as_posix() for path in exclude_paths(str(context), patterns)):
        path = context / relative
        if path.is_symlink():
            add(b"link", relative.encode(), path.readlink().as_posix().encode())
        elif path.is_file():
            add(b"file", relative.encode(), oct(path.stat().st_mode & 0o7777).encode(), path.read_bytes())
        else:
            add(b"folder", relative.encode(), oct(path.stat().st_mode & 0o7777).encode())
    return digest.hexdigest()
