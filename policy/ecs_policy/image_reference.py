"""Container image references, as a task definition writes them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

REPOSITORY = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
"""A repository's name, which Docker and ECR take alike; ECR of 2 to 256 characters.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html"""

_REFERENCE = re.compile(
    r"(?P<name>(?:(?P<registry>[A-Za-z0-9.-]+(?::[0-9]+)?)/)?(?P<repository>[a-z0-9._-]+(?:/[a-z0-9._-]+)*))"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_PRIVATE_ECR = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)"
)
_LONGEST = 1024


class ImageReference(NamedTuple):
    """`registry/repository:tag@digest`."""

    name: str
    """All but tag and digest, as written."""
    repository: str
    """The name without the registry."""
    tag: str | None
    digest: str | None
    ecr_region: str | None
    """The region when the registry is a private one of Amazon ECR."""
    ecr_account: str | None
    """And whose it is."""


@lru_cache(maxsize=1024)
def parse_image(text: str) -> ImageReference | None:
    """The parts of a reference; None when it is none.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html (image)
    """
    match = _REFERENCE.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    registry, repository = match["registry"], match["repository"]
    if registry and not any(mark in registry for mark in ".:") and registry != "localhost":
        registry, repository = None, f"{registry}/{repository}"  # an organisation on Docker Hub
    ecr = _PRIVATE_ECR.fullmatch(registry) if registry else None
    region, account = (ecr["region"], ecr["account"]) if ecr else (None, None)
    return ImageReference(match["name"], repository, match["tag"], match["digest"], region, account)
