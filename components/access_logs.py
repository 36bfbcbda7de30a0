"""Where load balancers leave a line for each request."""

from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, whole

AccessLogRetentionDays = Annotated[int, whole(1, 3650, fix="choose how many days back you want to look")]

_BROKEN_UPLOAD_DAYS = 1


@dataclass(frozen=True, kw_only=True)
class AccessLogsArgs(Arguments):
    """Arguments of `AccessLogs`."""

    retention_days: AccessLogRetentionDays = 90
    """Days after which a log file expires, 1 to 3650."""

    deletion_protection: bool = True
    """Whether the bucket stays while it holds logs. False: it goes with them."""


class AccessLogs(pulumi.ComponentResource):
    """A private S3 bucket into which the load balancers of this account and region, and nobody else, can write.

    Encrypted with S3's own keys, the only kind that load balancers can use; closed to the public whatever a policy or
    an ACL says; reached over TLS only; files expire.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html

    Not done here: versions and object locks, for logs that nobody but AWS can write, and logs of the bucket itself.
    """

    TYPE = "h4b:access_logs:AccessLogs"

    bucket: pulumi.Output[str]
    """Name of the bucket, known once load balancers may write to it: they try when they are told of it."""

    def __init__(self, name: str, args: AccessLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        bucket = aws.s3.Bucket(f"{name}-access-logs", force_destroy=not args.deletion_protection, opts=child)
        closed = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        owned = aws.s3.BucketOwnershipControls(
            name,
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child,
        )
        encrypted = aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="AES256"
                    )
                )
            ],
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="expire",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="AWSLogs/"),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=args.retention_days),
                    abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=_BROKEN_UPLOAD_DAYS
                    ),
                )
            ],
            opts=child,
        )
        policy = aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=_policy(self, bucket.arn),
            # S3 refuses two changes of a bucket at once.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed, owned, encrypted]),
        )

        self.bucket = policy.bucket
        self.register_outputs({"bucket": self.bucket})


def _policy(parent: pulumi.Resource, bucket_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    own = pulumi.InvokeOutputOptions(parent=parent)
    account = aws.get_caller_identity_output(opts=own).account_id
    region = aws.get_region_output(opts=own).region
    partition = aws.get_partition_output(opts=own).partition
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Delivery",
                    "Effect": "Allow",
                    "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": pulumi.Output.concat(bucket_arn, "/AWSLogs/", account, "/*"),
                    # Not for the load balancers of others.
                    "Condition": {
                        "ArnLike": {
                            "aws:SourceArn": pulumi.Output.concat(
                                "arn:", partition, ":elasticloadbalancing:", region, ":", account, ":loadbalancer/*"
                            )
                        }
                    },
                },
                {
                    "Sid": "OnlyTls",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        }
    )
