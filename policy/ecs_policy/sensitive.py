"""What a container takes from Secrets Manager, Parameter Store and S3, and where that is in the stack."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import Container, Parameter, Secret
from ecs_policy.values import Value

_PARTS_OF_A_SECRET = 7
"""arn:aws:secretsmanager:region:account:secret:name, before `:key:stage:version`."""


def references(container: Container) -> Iterator[Value]:
    """Every place of a container that names a secret or a parameter."""
    for each in (*container["secrets"].items(), *container["logConfiguration"]["secretOptions"].items()):
        yield each["valueFrom"]
    if container["repositoryCredentials"].given:
        yield container["repositoryCredentials"]["credentialsParameter"]


def secret_arn(text: str) -> str:
    """The ARN of a secret without the field, stage and version that may follow."""
    return ":".join(text.split(":")[:_PARTS_OF_A_SECRET])


def source_of(reference: Value) -> Secret | Parameter | None:
    """What a reference names, if it is of this stack. Raises while that is not known."""
    text = reference.text() or ""
    stack = reference.resource.stack
    if ":secretsmanager:" in text:
        found: list[Secret] | list[Parameter] = stack.known_as(secret_arn(text), Secret)
    else:
        found = stack.known_as(text, Parameter)
    if not found and text:
        stack.require_named(Secret if ":secretsmanager:" in text else Parameter)
    return found[0] if len(found) == 1 else None
