"""What deploying needs before it can be deployed: a place for the states, keys for their secrets, and all IAM roles."""

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pulumi
import pulumi_aws as aws

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bootstrap import environments, permissions
from bootstrap.permissions import Environment, State
from components import roles

config = pulumi.Config()
repository = config.require("repository")
repository_id = config.require("repositoryId")
stacks = config.get_object("environments") or ["dev", "prod"]
requested = config.get("pullRequestEnvironment")
requested = "dev" if requested is None else requested
problems = []
if not re.fullmatch(r"[\w.-]+(@\d+)?/[\w.-]+(@\d+)?", repository):
    problems.append(
        f"repository: got {repository!r}, expected owner/name or owner@<owner id>/name@<repository id>; "
        "run make bootstrap REPOSITORY=owner/name"
    )
if not re.fullmatch(r"\d+", repository_id):
    problems.append(
        f"repositoryId: got {repository_id!r}, expected digits; copy the `id` of "
        "https://api.github.com/repos/owner/name"
    )
if requested and requested not in stacks:
    problems.append(
        f"pullRequestEnvironment: got {requested!r}, expected one of {', '.join(map(str, stacks))} or nothing; "
        "name the environment that pull requests may read"
    )
account = aws.get_caller_identity().account_id
region = aws.get_region().region
partition = aws.get_partition().partition
deployed: list[Environment] = []
try:
    deployed = environments.load(stacks, account=account, region=region, partition=partition)
except environments.EnvironmentsError as found:
    problems.append(str(found))
if problems:
    raise pulumi.RunError("\n".join(problems))

project = deployed[0].project
bucket_name = f"{project}-state-{account}"
bucket_arn = f"arn:{partition}:s3:::{bucket_name}"
kept = pulumi.ResourceOptions(protect=True)


def document(statement: Any) -> str:
    # Without blanks, as AWS counts.
    return json.dumps(statement, sort_keys=True, separators=(",", ":"))


# --- where the states are ---------------------------------------------------------------------------------------------

keys = {
    each.stack: aws.kms.Key(
        f"state-{each.stack}",
        description=f"State and secrets of {each.family}",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        policy=document(permissions.key_policy(each)),
        tags=each.tags,
        opts=kept,
    )
    for each in deployed
}
for each in deployed:
    aws.kms.Alias(f"state-{each.stack}", name=f"alias/{each.family}-state", target_key_id=keys[each.stack].id)

bucket = aws.s3.Bucket("state", bucket=bucket_name, opts=kept)
versioning = aws.s3.BucketVersioning(
    "state",
    bucket=bucket.bucket,
    versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
)
aws.s3.BucketLifecycleConfiguration(
    "state",
    bucket=bucket.bucket,
    rules=[
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="forget",
            status="Enabled",
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=365
            ),
            abort_incomplete_multipart_upload=(
                aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(days_after_initiation=1)
            ),
        )
    ],
    opts=pulumi.ResourceOptions(depends_on=[versioning]),
)
aws.s3.BucketServerSideEncryptionConfiguration(
    "state",
    bucket=bucket.bucket,
    rules=[
        # Each state names its own key; the bucket's policy refuses any other, and none.
        aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=(
                aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                    sse_algorithm="aws:kms"
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
    policy=pulumi.Output.all(**{stack: key.arn for stack, key in keys.items()}).apply(
        lambda arns: document(
            permissions.bucket_policy([(each, State(bucket_arn, arns[each.stack])) for each in deployed])
        )
    ),
    opts=pulumi.ResourceOptions(depends_on=[closed]),
)

# --- who deploys ------------------------------------------------------------------------------------------------------

provider_arn: pulumi.Output[str]
if had := config.get("identityProviderArn"):
    provider_arn = pulumi.Output.from_input(had)
else:
    provider_arn = aws.iam.OpenIdConnectProvider(
        "github", url=f"https://{permissions.ISSUER}", client_id_lists=["sts.amazonaws.com"], opts=kept
    ).arn


def github_role(
    each: Environment, job: str, about: str, trust: pulumi.Input[str], policy: pulumi.Input[str]
) -> aws.iam.Role:
    made = aws.iam.Role(
        f"{each.stack}-{job}",
        name=each.role_name(job),
        description=about,
        max_session_duration=2 * 3600,
        assume_role_policy=trust,
    )
    aws.iam.RolePolicy(f"{each.stack}-{job}", role=made.name, policy=policy)
    return made


def make(each: Environment) -> dict[str, pulumi.Input[str]]:
    """The roles of an environment, and what GitHub must know of it."""
    state = keys[each.stack].arn.apply(lambda arn: State(bucket_arn, arn))
    preview = github_role(
        each,
        "preview",
        f"Previews and drift checks of {each.stack}: reads only",
        provider_arn.apply(
            lambda arn: document(
                permissions.preview_trusts(
                    arn, repository, repository_id, each.stack, pull_requests=each.stack == requested
                )
            )
        ),
        state.apply(lambda known: document(permissions.preview_policy(each, known))),
    )
    deploy = github_role(
        each,
        "deploy",
        f"Deployments of {each.stack} from main",
        provider_arn.apply(lambda arn: document(permissions.deploy_trust(arn, repository, repository_id, each.stack))),
        state.apply(lambda known: document(permissions.deploy_policy(each, known))),
    )
    for name, statements in permissions.deploy_managed_policies(each).items():
        attached = aws.iam.Policy(
            f"{each.stack}-{name}",
            name=f"{each.family}-{name}",
            path=roles.path(project, each.stack),
            description=f"What deployments of {each.stack} {name}",
            policy=document(statements),
        )
        aws.iam.RolePolicyAttachment(f"{each.stack}-{name}", role=deploy.name, policy_arn=attached.arn)
    boundary = aws.iam.Policy(
        f"{each.stack}-boundary",
        name=each.boundary_arn.rpartition("/")[2],
        path=roles.path(project, each.stack),
        description=f"The most that roles of {each.family} may do",
        policy=document(permissions.boundary_policy(each)),
    )
    for purpose, meant in roles.PURPOSES.items():
        name = roles.physical_name(project, each.stack, purpose)
        made = aws.iam.Role(
            name,
            name=name,
            path=roles.path(project, each.stack),
            description=meant.description,
            assume_role_policy=document(roles.trust(purpose, partition, region, account)),
            permissions_boundary=boundary.arn,
            tags=each.tags,
        )
        if purpose == "instance":
            aws.iam.InstanceProfile(
                name, name=name, path=roles.path(project, each.stack), role=made.name, tags=each.tags
            )
    aws.cloudwatch.LogResourcePolicy(
        f"{each.stack}-{roles.FIREWALL}",
        policy_name=roles.physical_name(project, each.stack, roles.FIREWALL),
        policy_document=document(permissions.delivery_policy(each)),
    )
    key = keys[each.stack].arn.apply(lambda arn: quote(arn, safe=""))
    backend = f"s3://{bucket_name}/{each.stack}?region={region}&awssdk=v2&ssetype=aws%3Akms&kmskeyid="
    return {
        "AWS_REGION": region,
        "PULUMI_BACKEND_URL": pulumi.Output.concat(backend, key),
        "DEPLOY_ROLE_ARN": deploy.arn,
        "PREVIEW_ROLE_ARN": preview.arn,
        "secretsProvider": f"awskms://alias/{each.family}-state?region={region}",
    }


for each in deployed:
    pulumi.export(each.stack, make(each))
pulumi.export("pullRequestEnvironment", requested)
