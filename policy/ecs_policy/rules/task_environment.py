"""Environment variables and the files they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ecs_policy.model import Container
from ecs_policy.rule import Level, Option, Problem, Quote, Severity, Value, resource_rule
from ecs_policy.values import NotEvaluated, independently, plain, readable

_MAX_FILES = 10
_FILE = re.compile(r"arn:[a-z-]{1,20}:s3:::.{1,1100}\.env", re.DOTALL)

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|AUTH_DATA|ACCESS_KEY_ID"
    r"|(?:API|ACCESS|ENCRYPTION|MASTER|PRIVATE|SECRET|SIGNING)_?KEY)$|_PWD$"
)
_SECRET_VALUE = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # an AWS access key
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}"  # a token of GitHub
    r"|\bxox[abprs]-[A-Za-z0-9-]{10}"  # a token of Slack
    r"|\b[a-z][a-z0-9+.-]{0,20}://[^/\s:@]{0,100}:[^/\s:@]{1,200}@"  # a URL with a password
)
_ASSIGNED = re.compile(
    r"""(?<![\w$-])(?P<name>--?[A-Za-z][\w.-]{2,60}|[A-Za-z_]\w{2,60})=(?P<value>"[^"]+"|'[^']+'|[^\s"';&|]+)"""
)
_REFERENCE = re.compile(r"[$%<{]|arn:|file:|/")
"""What a word says in place of a secret: a variable, a template, an ARN, a file."""
_INSIDE_A_NAME = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-.]")
_HARMLESS = ("", "false", "true")

_ALLOWED_NAMES = Option(
    schema={"type": "array", "items": {"type": "string"}, "default": []},
    about="Names of variables that look like secrets and are none; `*` stands for any text: `PUBLIC_*`.",
)


@resource_rule(
    "TD-39 no-plaintext-secret",
    on=Container,
    title="No secret is in a plain environment variable or in a command",
    why="Whoever may describe the task definition reads it, in every revision, for ever.",
    level=Level.PRACTICE,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html",
    frameworks=("Security Hub ECS.8", "Control Tower CT.ECS.PR.12"),
    options={"allowedNames": _ALLOWED_NAMES},
)
def no_plaintext_secret(container: Container, options: Mapping[str, Any]) -> Iterator[Problem]:
    allowed = options["allowedNames"]
    checks = [_plain(variable, allowed) for variable in container["environment"].items()]
    for words in (container["command"], container["entryPoint"], container["healthCheck"]["command"]):
        checks.append(_in_words(words, allowed))
    yield from independently(checks)


def _in_words(words: Value, allowed: list[str]) -> Iterator[Problem]:
    """Programs take secrets as `--password=x`, `--password x`, `PASSWORD=x` or in an address."""
    before = ""
    for word in words.items():
        try:
            text = plain(word.text() or "")
        except NotEvaluated:
            before = ""
            continue
        named = [(match["name"], match["value"]) for match in _ASSIGNED.finditer(text)]
        if before and not text.startswith("-"):
            named.append((before, text))
        before = text.lstrip("-") if text.startswith("-") and "=" not in text else ""
        telling = [name for name, value in named if _is_secret(name, value, allowed)]
        if telling or _SECRET_VALUE.search(text):
            told = f"a plain value for {telling[0]}" if telling else "a secret, by its form"
            yield Problem(
                word.resource.urn,
                word.location,
                f"{word.resource.label} {word.location}: got {told}, expected a variable under secrets that the "
                "program reads; keep it in Secrets Manager or Parameter Store, and replace it where it has been seen",
            )


def _is_secret(name: str, value: str, allowed: list[str]) -> bool:
    upper = _INSIDE_A_NAME.sub("_", name.lstrip("-")).upper()
    if any(fnmatchcase(name, each) for each in allowed) or not _SECRET_NAME.search(upper):
        return False
    return value.strip("\"'") not in _HARMLESS and not _REFERENCE.match(value.strip("\"'"))


def _plain(variable: Value, allowed: list[str]) -> Iterator[Problem]:
    name, value = variable["name"].text() or "", variable["value"]
    if any(fnmatchcase(name, each) for each in allowed):
        return
    telling = bool(_SECRET_NAME.search(_INSIDE_A_NAME.sub("_", name).upper()))
    if not (telling and value.unknown):
        content = value.text() or ""
        if content in _HARMLESS or content.startswith("arn:"):
            return
        if not telling and not _SECRET_VALUE.search(content):
            return
    yield Problem(
        variable.resource.urn,
        variable.location,
        f"{variable.resource.label} {variable.location}: got a plain value for {name}, which "
        f"{'by its name' if telling else 'by its form'} is a secret, expected a reference under secrets; keep it in "
        "Secrets Manager or Parameter Store, and replace it where it has been seen",
    )


@resource_rule(
    "TD-43 env-file",
    on=Container,
    title=f"Environment files are at most {_MAX_FILES} .env objects in S3",
    why="ECS reads no other files.",
    beyond="Whether the object is in its bucket.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EnvironmentFile.html",
)
def env_file(container: Container) -> Iterator[Problem]:
    files = container["environmentFiles"]
    count = len(files.items())
    if count > _MAX_FILES:
        yield files.problem(f"at most {_MAX_FILES} files, not {count}", "merge some")
    yield from independently(check for each in files.items() for check in (_type(each), _object(each)))


def _type(file: Value) -> Iterator[Problem]:
    if file["type"].text() != "s3":
        yield file["type"].problem('"s3"', "change type")


def _object(file: Value) -> Iterator[Problem]:
    if not _FILE.fullmatch(file["value"].text() or ""):
        yield file["value"].problem("the ARN of an S3 object whose name ends in .env", "change value")


_SAID_VARIABLE_ONCE = Quote(
    "The secret name must be unique and not shared with any new or existing environment variables set on the container",
    "https://github.com/dagster-io/dagster/issues/11622",
)


@resource_rule(
    "EN-01 variable-once",
    on=Container,
    title="A variable of a container comes from one place: environment, or one entry of secrets",
    why="A secret's name is unique in the container, over secrets and environment.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html",
)
def variable_once(container: Container) -> Iterator[Problem]:
    secrets = container["secrets"].items()
    if not secrets:
        return
    variables, doubt = readable(container["environment"].items(), lambda each: plain(each["name"].text() or ""))
    seen = set(variables)
    for secret in secrets:
        try:
            name = plain(secret["name"].text() or "")
        except NotEvaluated as outcome:
            doubt = doubt or outcome
            continue
        if name and name in seen:
            where = "environment" if name in variables else "secrets"
            yield secret["name"].problem(
                f"a name that is not in {where} already", "remove one of the two", quote=_SAID_VARIABLE_ONCE
            )
        seen.add(name)
    if doubt is not None:
        raise doubt
