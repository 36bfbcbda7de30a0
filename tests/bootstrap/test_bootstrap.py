"""What deploying stands on: states that are closed and kept, and roles that only GitHub's jobs can take."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest

from bootstrap import environments, permissions
from components import roles
from ecs_policy.rules.roles import no_star
from tests.mocks import ACCOUNT, PROJECT, REGION, ROOT, SECRET, Run, run
from tests.policy.stacks import evaluate

OLD, IMMUTABLE = "octo-org/app", "octo-org@123/app@456"
ISSUER = "token.actions.githubusercontent.com"


def _run(repository: str = OLD, *, preview: bool = False, **config: str) -> Run:
    given = {"repository": repository, "repositoryId": "456", **config}
    return run(
        lambda: runpy.run_path(str(ROOT / "bootstrap" / "__main__.py")),
        config={f"{PROJECT}:{key}": value for key, value in given.items()},
        preview=preview,
    )


def _documents(made: Run) -> dict[str, dict[str, Any]]:
    """Every policy document: type and name to what it says."""
    keys = ("assumeRolePolicy", "policy", "policyDocument")
    return {
        f"{each.type.rpartition(':')[2]} {each.name} {key}": json.loads(each.inputs[key])
        for each in made.resources
        for key in keys
        if key in each.inputs
    }


def _of_environment(stack: str) -> set[tuple[str, str]]:
    named = {
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": [f"{stack}-firewall"],
        "aws:iam/instanceProfile:InstanceProfile": [f"{PROJECT}-{stack}-instance"],
        "aws:iam/policy:Policy": [f"{stack}-{what}" for what in ("boundary", "change", "make")],
        "aws:iam/role:Role": [
            *(f"{stack}-{job}" for job in ("deploy", "preview")),
            *(f"{PROJECT}-{stack}-{purpose}" for purpose in ("execution", "task", "shift", "flow", "instance")),
        ],
        "aws:iam/rolePolicy:RolePolicy": [f"{stack}-{job}" for job in ("deploy", "preview")],
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": [f"{stack}-{what}" for what in ("change", "make")],
        "aws:kms/alias:Alias": [f"state-{stack}"],
        "aws:kms/key:Key": [f"state-{stack}"],
    }
    return {(kind, name) for kind, names in named.items() for name in names}


def test_everything_that_is_made() -> None:
    assert _run().names - {("pulumi:pulumi:Stack", f"{PROJECT}-test")} == {
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "github"),
        ("aws:s3/bucket:Bucket", "state"),
        ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "state"),
        ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "state"),
        ("aws:s3/bucketPolicy:BucketPolicy", "state"),
        ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "state"),
        ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "state"),
        ("aws:s3/bucketVersioning:BucketVersioning", "state"),
        *_of_environment("dev"),
        *_of_environment("prod"),
    }


def test_it_can_be_previewed_before_anything_exists() -> None:
    assert _run(preview=True).names == _run().names


def test_the_environments_are_configuration() -> None:
    made = _run(environments='["prod"]', pullRequestEnvironment="")
    assert {("aws:iam/role:Role", "prod-deploy")} <= made.names
    assert not any(name.startswith(("dev-", "state-dev")) for _, name in made.names)
    assert set(made.outputs) == {"prod", "pullRequestEnvironment"}


def test_a_provider_that_the_account_has_is_used_and_not_made() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
    made = _run(identityProviderArn=arn)
    assert not any("openIdConnectProvider" in kind for kind, _ in made.names)
    trust = json.loads(made.get("aws:iam/role:Role", "dev-deploy").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"Federated": arn}


def test_its_state_holds_no_secret_since_nothing_encrypts_it() -> None:
    made = _run()
    assert SECRET not in json.dumps([[dict(each.inputs) for each in made.resources], made.outputs], default=str)


def test_what_others_stand_on_is_protected() -> None:
    protected = {(each.type.rpartition(":")[2], each.name) for each in _run().resources if each.protect}
    assert protected == {
        ("Bucket", "state"),
        ("Key", "state-dev"),
        ("Key", "state-prod"),
        ("OpenIdConnectProvider", "github"),
    }


def test_the_state_is_versioned_encrypted_and_closed() -> None:
    made = _run()
    versioning = made.get("aws:s3/bucketVersioning:BucketVersioning").inputs["versioningConfiguration"]
    assert versioning == {"status": "Enabled"}
    closed = made.get("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    assert all(closed[f"{verb}Public{what}"] for verb, what in (("block", "Acls"), ("block", "Policy")))
    assert closed["ignorePublicAcls"] and closed["restrictPublicBuckets"]
    assert all(each.inputs["enableKeyRotation"] for each in made.resources if each.type == "aws:kms/key:Key")
    (rule,) = made.get("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 365}


CLAIMS = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:repository_id": "456"}
FROM_MAIN = {**CLAIMS, f"{ISSUER}:ref": "refs/heads/main"}


@pytest.mark.parametrize("repository", [OLD, IMMUTABLE])
def test_a_role_is_for_one_environment_from_main_and_one_more_for_pull_requests(repository: str) -> None:
    made = _run(repository)
    trusted = {
        name: [each["Condition"]["StringEquals"] for each in statements]
        for stack in ("dev", "prod")
        for name in (f"{stack}-deploy", f"{stack}-preview")
        if (statements := json.loads(made.get("aws:iam/role:Role", name).inputs["assumeRolePolicy"])["Statement"])
    }
    environment = f"{ISSUER}:sub", f"repo:{repository}:environment:"
    assert trusted == {
        "dev-deploy": [{**FROM_MAIN, environment[0]: [f"{environment[1]}dev"]}],
        "prod-deploy": [{**FROM_MAIN, environment[0]: [f"{environment[1]}prod"]}],
        "dev-preview": [
            {**FROM_MAIN, environment[0]: [f"{environment[1]}dev-plan"]},
            {**CLAIMS, environment[0]: [f"repo:{repository}:pull_request"]},
        ],
        "prod-preview": [{**FROM_MAIN, environment[0]: [f"{environment[1]}prod-plan"]}],
    }


def test_every_role_of_a_stack_is_bounded_and_lies_in_its_path() -> None:
    made = _run()
    for stack in ("dev", "prod"):
        boundary = made.get("aws:iam/policy:Policy", f"{stack}-boundary")
        for purpose in roles.PURPOSES:
            role = made.get("aws:iam/role:Role", f"{PROJECT}-{stack}-{purpose}").inputs
            assert (role["name"], role["path"]) == (f"{PROJECT}-{stack}-{purpose}", f"/{PROJECT}/{stack}/")
            assert (
                role["permissionsBoundary"]
                == f"arn:aws:iam::{ACCOUNT}:policy/{PROJECT}/{stack}/{PROJECT}-{stack}-boundary"
            )
            assert json.loads(role["assumeRolePolicy"]) == roles.trust(purpose, "aws", REGION, ACCOUNT)
        assert boundary.inputs["path"] == f"/{PROJECT}/{stack}/"


def test_no_document_is_larger_than_aws_takes() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html and the pages of the services."""
    limits = {"Role": 2048, "RolePolicy": 10_240, "Policy": 6_144, "BucketPolicy": 20_480, "Key": 32_768}
    limits["LogResourcePolicy"] = 5_120
    sizes = {
        name: len("".join(json.dumps(document, separators=(",", ":")).split()))
        for name, document in _documents(_run(IMMUTABLE)).items()
    }
    assert sizes
    # Longer names of projects, stacks and zones must find room, too.
    assert {name: size for name, size in sizes.items() if size > 0.9 * limits[name.split()[0]]} == {}


def test_every_policy_is_written_without_blanks_and_what_a_preview_cannot_evaluate_passes_too() -> None:
    made = _run()
    policies: dict[str, Any] = {
        each.name: {"type": each.type, "properties": {"policy": each.inputs["policy"]}}
        for each in made.resources
        if each.type == "aws:iam/rolePolicy:RolePolicy"
    }
    assert {"dev-preview", "dev-deploy"} <= set(policies)
    assert not any(" " in each["properties"]["policy"] for each in policies.values())
    assert evaluate(no_star, policies) == ([], [])


def test_the_outputs_are_what_github_and_the_stacks_are_told() -> None:
    outputs = _run().outputs
    assert outputs["pullRequestEnvironment"] == "dev"
    bucket = f"s3://{PROJECT}-state-{ACCOUNT}"
    for stack in ("dev", "prod"):
        told = outputs[stack]
        assert told["PULUMI_BACKEND_URL"].startswith(
            f"{bucket}/{stack}?region={REGION}&awssdk=v2&ssetype=aws%3Akms&kmskeyid="
        )
        assert told["secretsProvider"] == f"awskms://alias/{PROJECT}-{stack}-state?region={REGION}"
        assert told["DEPLOY_ROLE_ARN"] != told["PREVIEW_ROLE_ARN"]
        assert told["AWS_REGION"] == REGION


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(pulumi.RunError) as refused:
        _run("app", repositoryId="x", environments='["local", "Nowhere"]', pullRequestEnvironment="prod")
    assert str(refused.value).splitlines() == [
        "repository: got 'app', expected owner/name or owner@<owner id>/name@<repository id>; "
        "run make bootstrap REPOSITORY=owner/name",
        "repositoryId: got 'x', expected digits; copy the `id` of https://api.github.com/repos/owner/name",
        "pullRequestEnvironment: got 'prod', expected one of local, Nowhere or nothing; "
        "name the environment that pull requests may read",
        "Pulumi.local.yaml, deployedBy: got 'administrator', expected 'github'; "
        "set it, so that the stack takes the roles that are made here",
        "environments: got 'Nowhere', expected a stack with a file, named by 1 to 20 lower-case letters, digits and -; "
        "write Pulumi.Nowhere.yaml, or choose another",
    ]


def test_a_stack_of_another_region_or_with_encrypted_names_is_refused(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    stack = (
        f"config:\n  aws:region: eu-west-1\n  {PROJECT}:deployedBy: github\n"
        f"  {PROJECT}:domain: {{ name: {{ secure: v1 }} }}\n"
    )
    (tmp_path / "Pulumi.new.yaml").write_text(stack)
    with pytest.raises(environments.EnvironmentsError) as refused:
        environments.load(["new"], account=ACCOUNT, region=REGION, root=tmp_path)
    assert str(refused.value).splitlines() == [
        f"Pulumi.new.yaml, aws:region: got 'eu-west-1', expected '{REGION}'; "
        "deploy where the state is, or run make bootstrap with AWS_REGION set to that region",
        "Pulumi.new.yaml, domain.name: got an encrypted value, expected a plain one; the roles are for what it names",
    ]


def test_the_roles_follow_the_stack_file() -> None:
    prod, dev = (environments.describe(each, account=ACCOUNT, region=REGION) for each in ("prod", "dev"))
    assert (prod.domain_name, prod.hosted_zone_id) == ("www.example.com", "Z0123456789EXAMPLE")
    assert (prod.repository_name, dev.repository_name) == ("ecr-h4b-helloworld-prod", "ecr-h4b-helloworld")
    assert "route53" not in json.dumps(permissions.deploy_managed_policies(dev))
