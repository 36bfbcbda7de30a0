"""What deploying needs before it can be deployed: a place for the state, a key for its secrets, roles for GitHub."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bootstrap import permissions

config = pulumi.Config()
repository = config.require("repository")
project = config.get("project") or "h4b-helloworld"
if not re.fullmatch(r"[\w.-]+(@\d+)?/[\w.-]+(@\d+)?", repository):
    raise pulumi.RunError(
        f"repository: got {repository!r}, expected owner/name or owner@<owner id>/name@<repository id>; "
        "run make bootstrap REPOSITORY=owner/name"
    )

account = aws.get_caller_identity().account_id
region = aws.get_region().region
bucket_name = f"{project}-state-{account}"
bucket_arn = f"arn:aws:s3:::{bucket_name}"
kept = pulumi.ResourceOptions(protect=True)


def document(statement: Any) -> str:
    return json.dumps(statement, sort_keys=True)


key = aws.kms.Key(
    "state",
    description=f"State and secrets of {project}",
    enable_key_rotation=True,
    deletion_window_in_days=30,
    opts=kept,
)
alias = aws.kms.Alias("state", name=f"alias/{project}-state", target_key_id=key.id)

bucket = aws.s3.Bucket("state", bucket=bucket_name, opts=kept)
versioning = aws.s3.BucketVersioning(
    "state",
    bucket=bucket.bucket,
    versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
)
aws.s3.BucketServerSideEncryptionConfiguration(
    "state",
    bucket=bucket.bucket,
    rules=[
        aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=(
                aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                    sse_algorithm="aws:kms", kms_master_key_id=key.arn
                )
            ),
            bucket_key_enabled=True,
        )
    ],
)
closed = aws.s3.BucketPublicAccessBlock(
    "state",
    bucket=bucket.bucket,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)
aws.s3.BucketOwnershipControls(
    "state",
    bucket=bucket.bucket,
    rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
)
aws.s3.BucketPolicy(
    "state",
    bucket=bucket.bucket,
    policy=document(permissions.bucket_policy(bucket_arn)),
    opts=pulumi.ResourceOptions(depends_on=[closed]),
)

github = aws.iam.OpenIdConnectProvider(
    "github", url=f"https://{permissions.ISSUER}", client_id_lists=["sts.amazonaws.com"]
)


def role(name: str, subjects: list[str], policy: pulumi.Input[str], about: str, **claims: str) -> aws.iam.Role:
    made = aws.iam.Role(
        name,
        name=f"github-{project}-{name}",
        description=about,
        max_session_duration=2 * 3600,
        assume_role_policy=github.arn.apply(lambda arn: document(permissions.trust(arn, subjects, **claims))),
    )
    aws.iam.RolePolicy(name, role=made.name, policy=policy)
    return made


aws.iam.Policy(
    "boundary",
    name=permissions.boundary_arn(project, account).rpartition("/")[2],
    description=f"The most that roles of {project} may do",
    policy=key.arn.apply(lambda arn: document(permissions.boundary_policy(arn))),
)
preview = role(
    "preview",
    permissions.preview_subjects(repository),
    key.arn.apply(lambda arn: document(permissions.preview_policy(bucket_arn, arn))),
    "Previews of pull requests and drift checks: reads only",
)
deploy = role(
    "deploy",
    permissions.deploy_subjects(repository),
    key.arn.apply(
        lambda arn: document(
            permissions.deploy_policy(bucket_arn, arn, project=project, account=account, region=region)
        )
    ),
    "Deployments from jobs of main for the environments dev and prod",
    ref="refs/heads/main",  # a branch may name any environment in a workflow of its own; only what was merged deploys
)

pulumi.export("PULUMI_BACKEND_URL", f"s3://{bucket_name}?region={region}&awssdk=v2")
pulumi.export("secretsProvider", f"awskms://alias/{project}-state?region={region}")
pulumi.export("PREVIEW_ROLE_ARN", preview.arn)
pulumi.export("DEPLOY_ROLE_ARN", deploy.arn)
pulumi.export("AWS_REGION", region)
pulumi.export("permissionsBoundaryArn", permissions.boundary_arn(project, account))
