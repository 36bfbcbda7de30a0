"""What deploying stands on: a state that is closed and kept, and two roles that only GitHub's jobs can take."""

from __future__ import annotations

import json
import runpy
from fnmatch import fnmatch
from typing import Any

import pulumi
import pytest

from bootstrap import permissions
from ecs_policy.rules.roles import no_star
from tests.mocks import ACCOUNT, PROJECT, REGION, ROOT, Run, run, run_main
from tests.policy.stacks import evaluate

EVERYTHING: dict[str, Any] = {
    "executeCommand": True,
    "secrets": {"TOKEN": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:token-1a2b3c"},
}
"""Settings with which roles need the most."""
each_program = pytest.mark.parametrize(
    ("stack", "settings"),
    [("dev", {}), ("dev", {"deploymentStrategy": "BLUE_GREEN"}), ("dev-ec2", {}), ("internal", {}), ("prod", {})],
)
OLD, IMMUTABLE = "octo-org/app", "octo-org@123/app@456"


def _run(repository: str = OLD, *, preview: bool = False) -> Run:
    return run(
        lambda: runpy.run_path(str(ROOT / "bootstrap" / "__main__.py")),
        config={f"{PROJECT}:repository": repository},
        preview=preview,
    )


def _actions(policy: dict[str, Any], effect: str = "Allow") -> set[str]:
    found = [statement["Action"] for statement in policy["Statement"] if statement["Effect"] == effect]
    return {action for actions in found for action in ([actions] if isinstance(actions, str) else actions)}


def test_everything_that_is_made() -> None:
    assert _run().names - {("pulumi:pulumi:Stack", f"{PROJECT}-test")} == {
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "github"),
        ("aws:iam/policy:Policy", "boundary"),
        ("aws:iam/role:Role", "deploy"),
        ("aws:iam/role:Role", "preview"),
        ("aws:iam/rolePolicy:RolePolicy", "deploy"),
        ("aws:iam/rolePolicy:RolePolicy", "preview"),
        ("aws:kms/alias:Alias", "state"),
        ("aws:kms/key:Key", "state"),
        ("aws:s3/bucket:Bucket", "state"),
        ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "state"),
        ("aws:s3/bucketPolicy:BucketPolicy", "state"),
        ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "state"),
        ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "state"),
        ("aws:s3/bucketVersioning:BucketVersioning", "state"),
    }


def test_it_can_be_previewed_before_anything_exists() -> None:
    assert _run(preview=True).names == _run().names


def test_the_state_is_versioned_encrypted_closed_and_protected() -> None:
    made = _run()
    versioning = made.get("aws:s3/bucketVersioning:BucketVersioning").inputs["versioningConfiguration"]
    assert versioning == {"status": "Enabled"}
    closed = made.get("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    assert all(closed[f"{verb}Public{what}"] for verb, what in (("block", "Acls"), ("block", "Policy")))
    assert closed["ignorePublicAcls"] and closed["restrictPublicBuckets"]
    assert made.get("aws:kms/key:Key").inputs["enableKeyRotation"] is True
    assert made.get("aws:kms/key:Key").protect and made.get("aws:s3/bucket:Bucket").protect
    (statement,) = json.loads(made.get("aws:s3/bucketPolicy:BucketPolicy").inputs["policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.parametrize("repository", [OLD, IMMUTABLE])
def test_a_role_is_for_exact_subjects_of_the_repository_and_deploying_for_its_main_branch(repository: str) -> None:
    roles = [each for each in _run(repository).resources if each.type == "aws:iam/role:Role"]
    trusted = {role.name: json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Condition"] for role in roles}
    issuer = "token.actions.githubusercontent.com"
    assert trusted == {
        "preview": {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": [f"repo:{repository}:pull_request", f"repo:{repository}:ref:refs/heads/main"],
            }
        },
        "deploy": {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": [f"repo:{repository}:environment:dev", f"repo:{repository}:environment:prod"],
                f"{issuer}:ref": "refs/heads/main",
            }
        },
    }


def test_the_preview_role_changes_nothing_and_reads_no_secret() -> None:
    policy = permissions.preview_policy("arn:aws:s3:::state", "arn:key")
    for action in _actions(policy):
        verb = action.partition(":")[2]
        assert verb.startswith(("Describe", "Get", "List")) or action in ("kms:Decrypt", "kms:Encrypt")
    everywhere = policy["Statement"][0]["Action"]
    assert not {"s3:GetObject", "s3:Get*", "secretsmanager:GetSecretValue", "ssm:GetParameters"} & set(everywhere)
    assert not any(action.startswith(("logs:Get", "logs:Filter", "kms:")) for action in everywhere)
    (denied,) = [each for each in policy["Statement"] if each["Effect"] == "Deny"]
    assert (denied["Action"], denied["Resource"]) == ("kms:Decrypt", "*")
    assert denied["Condition"] == {"StringLike": {"kms:ViaService": "ssm.*.amazonaws.com"}}


def test_the_deploy_role_stays_in_its_region_and_among_its_roles() -> None:
    policy = permissions.deploy_policy("arn:aws:s3:::state", "arn:key", project=PROJECT, account=ACCOUNT, region=REGION)
    wide = [each for each in policy["Statement"] if each["Effect"] == "Allow" and each["Resource"] == "*"]
    assert wide[0]["Condition"] == {"StringEquals": {"aws:RequestedRegion": REGION}}
    assert _actions({"Statement": wide[1:]}) == {"route53:*", "sts:GetCallerIdentity"}
    for statement in policy["Statement"]:
        if any(action.startswith("iam:") for action in _actions({"Statement": [statement]})):
            _, _, kind = statement["Resource"].partition(f"arn:aws:iam::{ACCOUNT}:")
            assert kind.startswith(("role/", "instance-profile/"))
    assert "iam:CreateUser" not in _actions(policy) and "iam:*" not in _actions(policy)


@each_program
def test_the_deploy_role_may_hand_every_role_of_the_program_to_whom_it_is_for(
    stack: str, settings: dict[str, Any]
) -> None:
    policy = permissions.deploy_policy("arn:bucket", "arn:key", project=PROJECT, account=ACCOUNT, region=REGION)
    (passing,) = [each for each in policy["Statement"] if each["Action"] == "iam:PassRole"]
    trusted = {
        statement["Principal"]["Service"]
        for role in run_main(stack, preview=False, **settings).resources
        if role.type == "aws:iam/role:Role"
        for statement in json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    }
    assert "ecs-tasks.amazonaws.com" in trusted
    assert trusted <= set(passing["Condition"]["StringEquals"]["iam:PassedToService"])


@pytest.mark.parametrize("stack", ["dev", "dev-ec2", "internal", "prod"])
def test_the_deploy_role_knows_every_service_of_the_program(stack: str) -> None:
    policy = permissions.deploy_policy("arn:bucket", "arn:key", project=PROJECT, account=ACCOUNT, region=REGION)
    allowed = {action.partition(":")[0] for action in _actions(policy)}
    for made in run_main(stack).resources:
        package, module, _ = made.type.split(":")
        if package == "aws":
            kind, _, name = module.partition("/")
            service = {
                "appautoscaling": "application-autoscaling",
                "cloudwatch": "logs" if name.startswith("log") else "cloudwatch",
                "lb": "elasticloadbalancing",
                "vpc": "ec2",
            }.get(kind, kind)
            assert service in allowed, made.type


def test_the_deploy_role_gives_permissions_only_within_the_boundary() -> None:
    policy = permissions.deploy_policy("arn:bucket", "arn:key", project=PROJECT, account=ACCOUNT, region=REGION)
    giving = {"iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}
    assert giving <= _actions(policy)
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/{PROJECT}-boundary"
    for statement in policy["Statement"]:
        if giving & _actions({"Statement": [statement]}):
            assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    assert not {"iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion"} & _actions(policy)


@each_program
def test_the_boundary_leaves_the_roles_of_the_program_all_that_they_need(stack: str, settings: dict[str, Any]) -> None:
    allowed = _actions(permissions.boundary_policy("arn:key"))
    needed = {
        action
        for made in run_main(stack, preview=False, **EVERYTHING, **settings).resources
        if made.type == "aws:iam/rolePolicy:RolePolicy"
        for action in _actions(json.loads(made.inputs["policy"]))
    }
    assert {"ecr:BatchGetImage", "ssmmessages:OpenDataChannel", "secretsmanager:GetSecretValue"} <= needed
    assert {action for action in needed if not any(fnmatch(action, each) for each in allowed)} == set()


def test_the_boundary_gives_no_way_to_more() -> None:
    allowed = _actions(permissions.boundary_policy("arn:key"))
    assert not {action for action in allowed if action.startswith(("iam:", "sts:", "s3:")) or action == "*"}


def test_every_role_of_a_stack_has_its_boundary() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{PROJECT}-boundary"
    for stack in ("dev", "dev-ec2"):
        roles = [
            each for each in run_main(stack, permissionsBoundaryArn=arn).resources if each.type == "aws:iam/role:Role"
        ]
        assert len(roles) > 1 and {each.inputs.get("permissionsBoundary") for each in roles} == {arn}
    assert not any("permissionsBoundary" in each.inputs for each in run_main("dev").resources)


def test_the_deploy_role_can_neither_open_nor_erase_the_state() -> None:
    policy = permissions.deploy_policy("arn:bucket", "arn:key", project=PROJECT, account=ACCOUNT, region=REGION)
    denied = _actions(policy, "Deny")
    assert {"s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*"} <= denied


def test_what_the_preview_cannot_evaluate_of_the_roles_passes_too() -> None:
    made = _run()
    policies: dict[str, Any] = {
        each.name: {"type": each.type, "properties": {"policy": each.inputs["policy"]}}
        for each in made.resources
        if each.type == "aws:iam/rolePolicy:RolePolicy"
    }
    assert set(policies) == {"preview", "deploy"}
    assert evaluate(no_star, policies) == ([], [])


def test_the_outputs_are_what_the_workflows_are_told() -> None:
    outputs = _run().outputs
    assert outputs["PULUMI_BACKEND_URL"] == f"s3://{PROJECT}-state-{ACCOUNT}?region={REGION}&awssdk=v2"
    assert {"PREVIEW_ROLE_ARN", "DEPLOY_ROLE_ARN", "AWS_REGION", "secretsProvider", "permissionsBoundaryArn"} <= set(
        outputs
    )


def test_a_repository_that_is_none_is_told() -> None:
    with pytest.raises(pulumi.RunError, match="repository: got 'app', expected owner/name or owner@"):
        _run("app")
