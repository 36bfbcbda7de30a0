# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""S3 buckets and what is set on them, each setting a resource of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.providers.aws import schema
from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_list, tag_map
from local.providers.aws.schema import block, blocks, boolean, integer, output, policy, string

MOST_KEYS_AT_ONCE = 1000


def _answer(question: Callable[[], Any]) -> Any:
    """S3's answer, or None when the bucket or the setting is not there."""
    try:
        return question()
    except Exception as error:
        if error_code(error).startswith("NoSuch") or error_code(error).endswith(("NotFoundError", "404", "NotFound")):
            return None
        raise


class Bucket(Resource):
    type_name = "aws:s3/bucket:Bucket"
    name_property = "bucket"
    name_limit = 63
    properties = {
        "arn": output(),
        "bucket": string(computed=True, replaces=True, pattern=r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
        "bucketDomainName": output(),
        "bucketRegion": output(),
        "bucketRegionalDomainName": output(),
        "forceDestroy": boolean(default=False, kept=True),
    }

    def create(self, call: Call, new: Values) -> str:
        name = new["bucket"]
        request: Values = {"Bucket": name}
        if call.region != "us-east-1":
            request["CreateBucketConfiguration"] = {"LocationConstraint": call.region}
        call.client("s3").create_bucket(**request)
        return str(name)

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        self._tag(call, resource_id, new)

    def _tag(self, call: Call, bucket: str, new: Values) -> None:
        if new["tagsAll"]:
            call.client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_list(new["tagsAll"])})
        else:
            call.client("s3").delete_bucket_tagging(Bucket=bucket)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        s3 = call.client("s3")
        if _answer(lambda: s3.head_bucket(Bucket=resource_id)) is None:
            return None
        tags = _answer(lambda: s3.get_bucket_tagging(Bucket=resource_id)["TagSet"])
        return {
            "arn": f"arn:{call.partition}:s3:::{resource_id}",
            "bucket": resource_id,
            "bucketDomainName": f"{resource_id}.s3.amazonaws.com",
            "bucketRegion": call.region,
            "bucketRegionalDomainName": f"{resource_id}.s3.{call.region}.amazonaws.com",
            "tags": tag_map(tags),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed & {"tags", "tagsAll"}:
            self._tag(call, resource_id, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("NoSuchBucket"):
            if state.get("forceDestroy"):
                self._empty(call, resource_id)
            call.client("s3").delete_bucket(Bucket=resource_id)

    def _empty(self, call: Call, bucket: str) -> None:
        s3 = call.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            keys = [
                {"Key": item["Key"], "VersionId": item["VersionId"]}
                for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            ]
            for start in range(0, len(keys), MOST_KEYS_AT_ONCE):
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys[start : start + MOST_KEYS_AT_ONCE]})


class _Setting(Resource):
    """Something that a bucket has once; it has the bucket's name for its id."""

    name_property = None
    tagged = False
    put: str
    get: str
    remove: str

    def request(self, new: Values) -> Values:
        raise NotImplementedError

    def answer(self, found: Values, state: Values) -> Values | None:
        raise NotImplementedError

    def create(self, call: Call, new: Values) -> str:
        getattr(call.client("s3"), self.put)(Bucket=new["bucket"], **self.request(new))
        return str(new["bucket"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = _answer(lambda: getattr(call.client("s3"), self.get)(Bucket=resource_id))
        values = None if found is None else self.answer(found, state)
        return None if values is None else {"bucket": resource_id, **values}

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self.create(call, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("NoSuchBucket"):
            getattr(call.client("s3"), self.remove)(Bucket=resource_id)


BLOCKS = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


class BucketPublicAccessBlock(_Setting):
    type_name = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    put, get, remove = "put_public_access_block", "get_public_access_block", "delete_public_access_block"
    properties = {
        "bucket": string(required=True, replaces=True),
        **{name: boolean(default=False) for name in BLOCKS},
    }

    def request(self, new: Values) -> Values:
        return {"PublicAccessBlockConfiguration": {api: new[name] for name, api in BLOCKS.items()}}

    def answer(self, found: Values, state: Values) -> Values:
        return {name: found["PublicAccessBlockConfiguration"].get(api, False) for name, api in BLOCKS.items()}


class BucketOwnershipControls(_Setting):
    type_name = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    put, get = "put_bucket_ownership_controls", "get_bucket_ownership_controls"
    remove = "delete_bucket_ownership_controls"
    properties = {
        "bucket": string(required=True, replaces=True),
        "rule": block(
            {
                "objectOwnership": string(
                    required=True, allowed=("BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced")
                )
            },
            required=True,
        ),
    }

    def request(self, new: Values) -> Values:
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": new["rule"]["objectOwnership"]}]}}

    def answer(self, found: Values, state: Values) -> Values:
        return {"rule": {"objectOwnership": found["OwnershipControls"]["Rules"][0]["ObjectOwnership"]}}


class BucketServerSideEncryptionConfiguration(_Setting):
    type_name = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    put, get, remove = "put_bucket_encryption", "get_bucket_encryption", "delete_bucket_encryption"
    properties = {
        "bucket": string(required=True, replaces=True),
        "rules": blocks(
            {
                "applyServerSideEncryptionByDefault": block(
                    {
                        "sseAlgorithm": string(required=True, allowed=("AES256", "aws:kms", "aws:kms:dsse")),
                    }
                ),
                "bucketKeyEnabled": boolean(),
            },
            required=True,
        ),
    }

    def request(self, new: Values) -> Values:
        rules = []
        for rule in new["rules"]:
            wanted: Values = {}
            if default := rule.get("applyServerSideEncryptionByDefault"):
                wanted["ApplyServerSideEncryptionByDefault"] = {"SSEAlgorithm": default["sseAlgorithm"]}
            if rule.get("bucketKeyEnabled") is not None:
                wanted["BucketKeyEnabled"] = rule["bucketKeyEnabled"]
            rules.append(wanted)
        return {"ServerSideEncryptionConfiguration": {"Rules": rules}}

    def answer(self, found: Values, state: Values) -> Values:
        rules = []
        for rule in found["ServerSideEncryptionConfiguration"]["Rules"]:
            default = rule.get("ApplyServerSideEncryptionByDefault") or {}
            rules.append(
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": default.get("SSEAlgorithm"),
                    },
                    "bucketKeyEnabled": rule.get("BucketKeyEnabled"),
                }
            )
        return {"rules": rules}


class BucketLifecycleConfiguration(_Setting):
    type_name = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    put, get = "put_bucket_lifecycle_configuration", "get_bucket_lifecycle_configuration"
    remove = "delete_bucket_lifecycle"
    properties = {
        "bucket": string(required=True, replaces=True),
        "rules": blocks(
            {
                "abortIncompleteMultipartUpload": block({"daysAfterInitiation": integer(minimum=1)}),
                "expiration": block({"days": integer(minimum=1)}),
                "filter": block({"prefix": string()}),
                "id": string(required=True),
                "noncurrentVersionExpiration": block({"noncurrentDays": integer(required=True, minimum=1)}),
                "status": string(required=True, allowed=("Enabled", "Disabled")),
            },
            ordered=True,
            required=True,
        ),
    }

    def request(self, new: Values) -> Values:
        rules = []
        for rule in new["rules"]:
            wanted: Values = {
                "ID": rule["id"],
                "Status": rule["status"],
                "Filter": {"Prefix": (rule.get("filter") or {}).get("prefix", "")},
            }
            if expiration := rule.get("expiration"):
                wanted["Expiration"] = {"Days": expiration["days"]}
            if noncurrent := rule.get("noncurrentVersionExpiration"):
                wanted["NoncurrentVersionExpiration"] = {"NoncurrentDays": noncurrent["noncurrentDays"]}
            if abort := rule.get("abortIncompleteMultipartUpload"):
                wanted["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": abort["daysAfterInitiation"]}
            rules.append(wanted)
        return {"LifecycleConfiguration": {"Rules": rules}}

    def answer(self, found: Values, state: Values) -> Values:
        rules = []
        for rule in found["Rules"]:
            expiration, noncurrent = rule.get("Expiration"), rule.get("NoncurrentVersionExpiration")
            abort = rule.get("AbortIncompleteMultipartUpload")
            rules.append(
                {
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": abort["DaysAfterInitiation"]}
                    if abort
                    else None,
                    "expiration": {"days": expiration["Days"]} if expiration and expiration.get("Days") else None,
                    "filter": {"prefix": (rule.get("Filter") or {}).get("Prefix", rule.get("Prefix", ""))},
                    "id": rule["ID"],
                    "noncurrentVersionExpiration": {"noncurrentDays": noncurrent["NoncurrentDays"]}
                    if noncurrent
                    else None,
                    "status": rule["Status"],
                }
            )
        return {"rules": rules}


class BucketPolicy(_Setting):
    type_name = "aws:s3/bucketPolicy:BucketPolicy"
    put, get, remove = "put_bucket_policy", "get_bucket_policy", "delete_bucket_policy"
    properties = {"bucket": string(required=True, replaces=True), "policy": policy(required=True)}

    def request(self, new: Values) -> Values:
        return {"Policy": new["policy"]}

    def answer(self, found: Values, state: Values) -> Values:
        known = state.get("policy")
        return {"policy": known if known and schema.same_policy(known, found["Policy"]) else found["Policy"]}


class BucketVersioning(_Setting):
    """A bucket that has had versions keeps them: without this setting they are suspended."""

    type_name = "aws:s3/bucketVersioning:BucketVersioning"
    put, get = "put_bucket_versioning", "get_bucket_versioning"
    properties = {
        "bucket": string(required=True, replaces=True),
        "versioningConfiguration": block(
            {"status": string(required=True, allowed=("Enabled", "Suspended", "Disabled"))},
            required=True,
        ),
    }

    def request(self, new: Values) -> Values:
        return {"VersioningConfiguration": {"Status": new["versioningConfiguration"]["status"]}}

    def create(self, call: Call, new: Values) -> str:
        if new["versioningConfiguration"]["status"] == "Disabled":  # what a bucket is before it is ever enabled
            return str(new["bucket"])
        return super().create(call, new)

    def answer(self, found: Values, state: Values) -> Values:
        return {"versioningConfiguration": {"status": found.get("Status", "Disabled")}}

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        if (state.get("versioningConfiguration") or {}).get("status") == "Enabled":
            with ignoring("NoSuchBucket"):
                suspended = {"Status": "Suspended"}
                call.client("s3").put_bucket_versioning(Bucket=resource_id, VersioningConfiguration=suspended)
