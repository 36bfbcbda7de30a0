"""What GitHub must know and guard: environments with their variables, their branch and who approves.

Set by the `gh` command where it is there and signed in, else told, step by step. `python -m bootstrap.github guarded
prod` fails where nobody has to approve what the environment deploys.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

APPROVED = "prod"
"""The environment whose deployments somebody has to approve."""

_BRANCH = "main"
_EVERYWHERE = ("AWS_REGION", "PULUMI_BACKEND_URL")

Outputs = Mapping[str, Any]
"""What the bootstrap program exports."""


class GitHubError(Exception):
    """GitHub refused, in its words."""


def variables(outputs: Outputs) -> dict[str, dict[str, str]]:
    """Variables by environment; those of no environment are for pull requests.

    `<stack>` deploys and `<stack>-plan` previews: each has a role of its own, which trusts no other environment.
    """
    requested = outputs["pullRequestEnvironment"]
    found: dict[str, dict[str, str]] = {}
    for stack, known in outputs.items():
        if isinstance(known, Mapping):
            shared = {key: known[key] for key in _EVERYWHERE}
            found[stack] = {**shared, "DEPLOY_ROLE_ARN": known["DEPLOY_ROLE_ARN"]}
            found[f"{stack}-plan"] = {**shared, "PREVIEW_ROLE_ARN": known["PREVIEW_ROLE_ARN"]}
            if stack == requested:
                found[""] = found[f"{stack}-plan"]
    return found


def steps(outputs: Outputs, reviewers: Sequence[str]) -> Iterator[str]:
    """What is to be set by hand, in the words of GitHub's settings."""
    for name, values in sorted(variables(outputs).items()):
        yield f"  Environments > {name}" if name else "  Secrets and variables > Actions > Variables"
        if name:
            yield f"    Deployment branches and tags: Selected branches, {_BRANCH}"
        if name == APPROVED:
            yield f"    Required reviewers: {', '.join(reviewers) or 'at least one'}"
        width = max(map(len, values))
        yield from (f"    {key:{width}}  {value}" for key, value in values.items())


def is_here() -> bool:
    """Whether `gh` is there and signed in."""
    return shutil.which("gh") is not None and _gh("auth", "status", may_fail=True) is not None


def repository_id(repository: str) -> str:
    """The id of a repository."""
    return str(json.loads(_asked(f"repos/{repository}"))["id"])


def set_up(repository: str, outputs: Outputs, reviewers: Sequence[str]) -> Iterator[str]:
    """Sets everything; reviewers that an environment has stay, unless others are named for it.

    https://docs.github.com/en/rest/deployments/environments
    """
    for name, values in sorted(variables(outputs).items()):
        where = ["--env", name] if name else []
        if name:
            environment = f"repos/{repository}/environments/{name}"
            asked = [_reviewer(each) for each in reviewers] if name == APPROVED else []
            document = {
                "reviewers": asked or _reviewers(environment) or None,
                "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
            }
            _gh("api", "--method", "PUT", environment, "--input", "-", "--silent", given=document)
            branches = f"{environment}/deployment-branch-policies"
            known = [each["name"] for each in json.loads(_asked(branches))["branch_policies"]]
            if _BRANCH not in known:
                _gh("api", "--method", "POST", branches, "--input", "-", "--silent", given={"name": _BRANCH})
        for key, value in values.items():
            _gh("variable", "set", key, "--repo", repository, *where, "--body", value)
        yield f"  {name or 'the repository, for pull requests'}: {', '.join(values)}"


def guarded(repository: str, environment: str) -> str | None:
    """Why nobody has to approve what the environment deploys; None where somebody has."""
    path = f"repos/{repository}/environments/{environment}"
    answer = _gh("api", path, may_fail=True)
    if answer is None:
        return f"{environment}: GitHub knows no such environment, or does not tell; run make bootstrap"
    known = json.loads(answer)
    if not _from_rules(known):
        return (
            f"{environment}: got an environment without required reviewers, expected one at least; "
            f"set them in the repository's settings, or run make bootstrap REVIEWERS=name"
        )
    if not known.get("deployment_branch_policy"):
        return f"{environment}: got an environment for every branch, expected {_BRANCH} alone; run make bootstrap"
    return None


def _from_rules(environment: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": each["type"], "id": each["reviewer"]["id"]}
        for rule in environment.get("protection_rules", ())
        if rule["type"] == "required_reviewers"
        for each in rule["reviewers"]
    ]


def _reviewers(environment: str) -> list[dict[str, Any]]:
    answer = _gh("api", environment, may_fail=True)
    return [] if answer is None else _from_rules(json.loads(answer))


def _reviewer(name: str) -> dict[str, Any]:
    organisation, slash, team = name.partition("/")
    if slash:
        return {"type": "Team", "id": json.loads(_asked(f"orgs/{organisation}/teams/{team}"))["id"]}
    return {"type": "User", "id": json.loads(_asked(f"users/{name}"))["id"]}


def _asked(path: str) -> str:
    answer = _gh("api", path)
    assert answer is not None
    return answer


def _gh(*words: str, given: Mapping[str, Any] | None = None, may_fail: bool = False) -> str | None:
    done = subprocess.run(
        ["gh", *words],  # noqa: S607 - the user's own, wherever it is
        input=None if given is None else json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    if may_fail:
        return None
    raise GitHubError(f"gh {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2 or arguments[0] != "guarded":
        print("usage: python -m bootstrap.github guarded <environment>", file=sys.stderr)
        return 2
    problem = guarded(os.environ.get("GITHUB_REPOSITORY", ""), arguments[1])
    if problem:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
