"""A bucket that only load balancers can write to, and nobody reads by accident."""

import json
from typing import Any

import pulumi
import pytest

from components.access_logs import AccessLogs, AccessLogsArgs
from components.checks import ArgumentError
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run

ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
BUCKET = "shop-access-logs-1a2b3c4"


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        pulumi.export("bucket", AccessLogs("shop", AccessLogsArgs(**changes)).bucket)

    return run(program, preview=preview)


def test_it_makes_a_bucket_and_everything_that_closes_it() -> None:
    made = build()
    assert made.names == {
        ("h4b:access_logs:AccessLogs", "shop"),
        ("aws:s3/bucket:Bucket", "shop-access-logs"),
        ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "shop"),
        ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "shop"),
        (ENCRYPTION, "shop"),
        (LIFECYCLE, "shop"),
        ("aws:s3/bucketPolicy:BucketPolicy", "shop"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:access_logs:AccessLogs shop"}


def test_the_public_is_shut_out_whatever_a_policy_says() -> None:
    assert build().get("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs == {
        "bucket": BUCKET,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    assert build().get("aws:s3/bucketOwnershipControls:BucketOwnershipControls").inputs == {
        "bucket": BUCKET,
        "rule": {"objectOwnership": "BucketOwnerEnforced"},
    }


def test_logs_are_encrypted_as_load_balancers_can_and_expire() -> None:
    made = build(retention_days=30)
    assert made.get(ENCRYPTION).inputs["rules"] == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
    assert made.get(LIFECYCLE).inputs["rules"] == [
        {
            "id": "expire",
            "status": "Enabled",
            "filter": {"prefix": "AWSLogs/"},
            "expiration": {"days": 30},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
        }
    ]


def test_only_load_balancers_of_this_account_and_region_write_and_only_tls_is_spoken() -> None:
    policy = build().get("aws:s3/bucketPolicy:BucketPolicy")
    assert json.loads(policy.inputs["policy"])["Statement"] == [
        {
            "Sid": "Delivery",
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/AWSLogs/{ACCOUNT}/*",
            "Condition": {
                "ArnLike": {"aws:SourceArn": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/*"}
            },
        },
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]


@pytest.mark.parametrize("protection", [True, False])
def test_a_protected_bucket_stays_while_it_holds_logs(protection: bool) -> None:
    assert build(deletion_protection=protection).get("aws:s3/bucket:Bucket").inputs["forceDestroy"] is not protection


def test_the_name_comes_with_the_permission_to_write() -> None:
    def program() -> None:
        bucket = AccessLogs("shop", AccessLogsArgs()).bucket
        pulumi.CustomResource("test:index:User", "user", {"bucket": bucket})

    made = run(program)
    assert "aws:s3/bucketPolicy:BucketPolicy shop" in made.get("test:index:User").depends_on
    assert made.component_outputs == {"h4b:access_logs:AccessLogs shop": {"bucket"}}
    assert build().outputs == {"bucket": BUCKET}


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.outputs == {"bucket": UNKNOWN}


def test_a_wrong_retention_is_refused() -> None:
    with pytest.raises(ArgumentError) as refused:
        AccessLogsArgs(retention_days=0)
    assert str(refused.value) == (
        "AccessLogsArgs cannot be used:\n"
        "  - retention_days: got 0, expected a whole number from 1 to 3650; choose how many days back you want to look"
    )
