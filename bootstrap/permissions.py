"""Who may take a role from GitHub, and what the role may do. Plain data, so that it can be read and tested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

Statement: TypeAlias = dict[str, Any]

ISSUER = "token.actions.githubusercontent.com"
"""https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws"""

_READ = (
    "acm:Describe*",
    "acm:List*",
    "application-autoscaling:Describe*",
    "application-autoscaling:List*",
    "autoscaling:Describe*",
    "cloudwatch:Describe*",
    "cloudwatch:GetDashboard",
    "cloudwatch:List*",
    "ec2:Describe*",
    "ec2:GetSecurityGroupsForVpc",
    "ecr:Describe*",
    "ecr:GetAuthorizationToken",
    "ecr:GetLifecyclePolicy",
    "ecr:GetRepositoryPolicy",
    "ecr:List*",
    "ecs:Describe*",
    "ecs:List*",
    "elasticloadbalancing:Describe*",
    "events:Describe*",
    "events:List*",
    "iam:GetInstanceProfile",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
    "logs:Describe*",
    "logs:List*",
    "route53:Get*",
    "route53:List*",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:ListAllMyBuckets",
    "secretsmanager:ListSecretVersionIds",
    "sns:Get*",
    "sns:List*",
    "ssm:GetParameter",
    "sts:GetCallerIdentity",
    "wafv2:Get*",
    "wafv2:List*",
)
"""What a preview with refresh looks at. No object, secret value, image layer or log event is among it: `_NO_VALUES`
denies to decrypt what `ssm:GetParameter` gives of a SecureString beside its version."""

_NO_VALUES: Statement = {
    "Effect": "Deny",
    "Action": "kms:Decrypt",
    "Resource": "*",
    "Condition": {"StringLike": {"kms:ViaService": "ssm.*.amazonaws.com"}},
}
"""https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service"""

_DEPLOY = (
    "acm:*",
    "application-autoscaling:*",
    "autoscaling:*",
    "cloudwatch:*",
    "ec2:*",
    "ecr:*",
    "ecs:*",
    "elasticloadbalancing:*",
    "events:*",
    "logs:*",
    "s3:*",
    "secretsmanager:ListSecretVersionIds",
    "sns:*",
    "ssm:GetParameter",
    "wafv2:*",
)
"""Services that the program manages in its region."""

_GLOBAL = ("route53:*", "sts:GetCallerIdentity")
"""Services without a region."""

_ROLES = (
    "iam:DeleteRole",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
)

_BOUNDED = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
"""What gives a role permissions: only with the boundary, which then stays.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate"""

_RUNNING = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "ecs:DeregisterContainerInstance",
    "ecs:DiscoverPollEndpoint",
    "ecs:Poll",
    "ecs:PutSystemLogEvents",
    "ecs:RegisterContainerInstance",
    "ecs:StartTelemetrySession",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
    "ecs:TagResource",
    "ecs:UpdateContainerInstancesState",
    "elasticloadbalancing:DeregisterTargets",
    "elasticloadbalancing:Describe*",
    "elasticloadbalancing:ModifyListener",
    "elasticloadbalancing:ModifyRule",
    "elasticloadbalancing:RegisterTargets",
    "kms:Decrypt",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameters",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""The most that roles of the program may do. What your application calls belongs here too, as `dynamodb:GetItem`."""

_INSTANCE_PROFILES = (
    "iam:AddRoleToInstanceProfile",
    "iam:CreateInstanceProfile",
    "iam:DeleteInstanceProfile",
    "iam:GetInstanceProfile",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:TagInstanceProfile",
    "iam:UntagInstanceProfile",
)

_TRUSTED = ("ec2.amazonaws.com", "ecs.amazonaws.com", "ecs-tasks.amazonaws.com", "vpc-flow-logs.amazonaws.com")
"""AWS services that the program's roles are for, and that they may be handed to."""

_UNSAFE = (
    "s3:DeleteBucket*",
    "s3:DeleteObjectVersion",
    "s3:PutBucket*",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
)
"""What opens the state to others or erases its history."""

_SERVICE_ROLES = (
    "autoscaling.amazonaws.com",
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "wafv2.amazonaws.com",
)
"""AWS services whose own role their first use in an account creates."""


def preview_subjects(repository: str) -> list[str]:
    """Pull requests of the repository itself, and its main branch: for plans and the drift check."""
    return [f"repo:{repository}:pull_request", f"repo:{repository}:ref:refs/heads/main"]


def deploy_subjects(repository: str, environments: Sequence[str] = ("dev", "prod")) -> list[str]:
    """Jobs bound to one of the environments, which is where GitHub asks for approval."""
    return [f"repo:{repository}:environment:{environment}" for environment in environments]


def trust(provider_arn: str, subjects: Sequence[str], **claims: str) -> Statement:
    """Trust policy: only tokens for AWS with exactly one of the subjects, and with these claims.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
    """
    required = {"aud": "sts.amazonaws.com", "sub": list(subjects), **claims}
    return _policy(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider_arn},
            "Condition": {"StringEquals": {f"{ISSUER}:{claim}": value for claim, value in required.items()}},
        }
    )


def preview_policy(bucket_arn: str, key_arn: str) -> Statement:
    """Reads the state, and what AWS says of the resources; changes nothing."""
    return _policy(
        {"Effect": "Allow", "Action": list(_READ), "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": bucket_arn},
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"{bucket_arn}/*"},
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": key_arn},
        _NO_VALUES,
    )


def boundary_arn(project: str, account: str) -> str:
    """The boundary of the program's roles."""
    return f"arn:aws:iam::{account}:policy/{project}-boundary"


def boundary_policy(key_arn: str) -> Statement:
    """What no role of the program can exceed, whatever a deployment writes into its policies."""
    return _policy(
        {"Effect": "Allow", "Action": list(_RUNNING), "Resource": "*"},
        {"Effect": "Deny", "Action": "kms:*", "Resource": key_arn},
    )


def deploy_policy(bucket_arn: str, key_arn: str, *, project: str, account: str, region: str) -> Statement:
    """Manages the program's resources in one region, and roles with its name and its boundary."""
    roles = f"arn:aws:iam::{account}:role/{project}-*"
    return _policy(
        {
            "Effect": "Allow",
            "Action": list(_DEPLOY),
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": region}},
        },
        {"Effect": "Allow", "Action": list(_GLOBAL), "Resource": "*"},
        {"Effect": "Allow", "Action": list(_ROLES), "Resource": roles},
        {
            "Effect": "Allow",
            "Action": list(_BOUNDED),
            "Resource": roles,
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary_arn(project, account)}},
        },
        {
            "Effect": "Allow",
            "Action": list(_INSTANCE_PROFILES),
            "Resource": f"arn:aws:iam::{account}:instance-profile/{project}-*",
        },
        # Of the image that instances start from: a launch template names it by parameter.
        # https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html
        {
            "Effect": "Allow",
            "Action": "ssm:GetParameters",
            "Resource": f"arn:aws:ssm:{region}::parameter/aws/service/ecs/*",
        },
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": roles,
            "Condition": {"StringEquals": {"iam:PassedToService": list(_TRUSTED)}},
        },
        {
            "Effect": "Allow",
            "Action": "iam:CreateServiceLinkedRole",
            "Resource": f"arn:aws:iam::{account}:role/aws-service-role/*",
            "Condition": {"StringEquals": {"iam:AWSServiceName": list(_SERVICE_ROLES)}},
        },
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], "Resource": key_arn},
        _NO_VALUES,
        {
            "Effect": "Deny",
            "Action": list(_UNSAFE),
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
        },
    )


def bucket_policy(bucket_arn: str) -> Statement:
    """Nobody without TLS."""
    return _policy(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def _policy(*statements: Statement) -> Statement:
    return {"Version": "2012-10-17", "Statement": list(statements)}
