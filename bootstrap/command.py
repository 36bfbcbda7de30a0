"""`make bootstrap`: makes once an AWS account what deploying stands on, and tells GitHub."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions

from bootstrap import github
from bootstrap.permissions import ISSUER

FOLDER = Path(__file__).resolve().parent
STACK = "bootstrap"
_PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"


class UsageError(Exception):
    """What the user must change."""


def main() -> int:
    try:
        run(os.environ)
    except (UsageError, github.GitHubError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except botocore.exceptions.BotoCoreError as problem:
        print(f"error: AWS: {problem}; sign in to the account that is to be deployed to", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    return 0


def run(asked: Any) -> None:
    """`asked` holds REPOSITORY, REPOSITORY_ID, ENVIRONMENTS and REVIEWERS, as `make` was told."""
    repository = asked.get("REPOSITORY", "")
    if not re.fullmatch(r"[\w.-]+(@\d+)?/[\w.-]+(@\d+)?", repository):
        raise UsageError(f"REPOSITORY: got {repository or 'nothing'}, expected owner/name; name the GitHub repository")
    plain = re.sub(r"@\d+", "", repository)
    has_gh = github.is_here()
    repository_id = _repository_id(asked.get("REPOSITORY_ID", ""), repository, plain, has_gh)
    say("1. Its own state is a folder, bootstrap/.state: the bucket for states does not exist yet. It holds no secret.")
    (FOLDER / ".state").mkdir(exist_ok=True)
    pulumi("stack", "select", "--create", STACK)
    say(f"2. Who may take the roles: jobs of {repository}, whose id is {repository_id}.")
    set_config("repository", repository)
    set_config("repositoryId", repository_id)
    for index, stack in enumerate(asked.get("ENVIRONMENTS", "").split()):
        set_config(f"environments[{index}]", stack, "--path")
    set_config("identityProviderArn", identity_provider())
    say(
        "3. Preview, then it asks: for each environment a key, a role that reads, one that deploys, those it deploys\n"
        "   with; a closed and versioned bucket; GitHub as identity provider where the account has it not."
    )
    pulumi("up", "--stack", STACK)
    outputs = json.loads(answer("stack", "output", "--stack", STACK, "--json"))
    reviewers = asked.get("REVIEWERS", "").split()
    if has_gh:
        say(f"4. Environments and variables of {plain}, by gh:")
        for line in github.set_up(plain, outputs, reviewers):
            say(line)
        if problem := github.guarded(plain, github.APPROVED):
            say(f"   not yet: {problem}")
    else:
        say(f"4. gh is not here or not signed in. In the settings of https://github.com/{plain}:")
        for line in github.steps(outputs, reviewers):
            say(line)
    say("5. Once a stack, then commit its file:")
    for stack, known in outputs.items():
        if isinstance(known, dict):
            say(f"  export PULUMI_BACKEND_URL='{known['PULUMI_BACKEND_URL']}'")
            say(f"  pulumi stack init {stack} --secrets-provider='{known['secretsProvider']}'")


def identity_provider() -> str:
    """The ARN of GitHub's identity provider where the account had one before; nothing where this makes it, or did.

    An account has one at most for an issuer, and others may use it: it is neither made again nor ever removed.
    """
    state = json.loads(answer("stack", "export", "--stack", STACK))
    made = (state.get("deployment") or {}).get("resources") or ()
    if any(each["type"] == _PROVIDER for each in made):
        return ""
    found = boto3.client("iam", region_name="us-east-1").list_open_id_connect_providers()
    arns = [each.get("Arn", "") for each in found["OpenIDConnectProviderList"]]
    return next((arn for arn in arns if arn.partition("oidc-provider/")[2] == ISSUER), "")


def _repository_id(given: str, repository: str, plain: str, has_gh: bool) -> str:
    immutable = re.fullmatch(r".+@\d+/.+@(\d+)", repository)
    if immutable:
        given = given or immutable[1]
    if not given and has_gh:
        given = github.repository_id(plain)
    if not re.fullmatch(r"\d+", given):
        raise UsageError(
            f"REPOSITORY_ID: got {given or 'nothing'}, expected digits; "
            f"copy the `id` of https://api.github.com/repos/{plain}, or sign in with gh auth login"
        )
    return given


def set_config(key: str, value: str, *options: str) -> None:
    pulumi("config", "set", *options, key, "--stack", STACK, "--", value)


def pulumi(*words: str) -> None:
    subprocess.run(["pulumi", *words], cwd=FOLDER, env=_environment(), check=True)  # noqa: S607 - the user's own


def answer(*words: str) -> str:
    done = subprocess.run(
        ["pulumi", *words],  # noqa: S607
        cwd=FOLDER,
        env=_environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def _environment() -> dict[str, str]:
    # Without metadata a killed engine leaves no half-written file beside the state.
    state = {"PULUMI_BACKEND_URL": "file://./.state?metadata=skip", "PULUMI_CONFIG_PASSPHRASE": ""}
    return {**os.environ, **state}


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
