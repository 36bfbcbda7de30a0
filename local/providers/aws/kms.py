# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Key Management Service: keys and their names. A key is never deleted at once, only scheduled for it."""

from __future__ import annotations

from local.providers.aws import schema
from local.providers.aws.resource import Call, Resource, Values, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import boolean, integer, output, policy, string


class Key(Resource):
    type_name = "aws:kms/key:Key"
    name_property = None
    properties = {
        "arn": output(),
        "deletionWindowInDays": integer(minimum=7, maximum=30, kept=True),
        "description": string(computed=True),
        "enableKeyRotation": boolean(default=False),
        "keyId": output(),
        "policy": policy(computed=True),
    }

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "Description": new.get("description") or "",
            "Tags": tag_list(new["tagsAll"], key="TagKey", value="TagValue"),
        }
        if new.get("policy"):
            request["Policy"] = new["policy"]
        return str(call.client("kms").create_key(**request)["KeyMetadata"]["KeyId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        if new["enableKeyRotation"]:
            call.client("kms").enable_key_rotation(KeyId=resource_id)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        kms = call.client("kms")
        try:
            found = kms.describe_key(KeyId=resource_id)["KeyMetadata"]
        except kms.exceptions.NotFoundException:
            return None
        if found["KeyState"] == "PendingDeletion":
            return None
        rotation = kms.get_key_rotation_status(KeyId=resource_id)
        text, known = kms.get_key_policy(KeyId=resource_id, PolicyName="default")["Policy"], state.get("policy")
        return {
            "arn": found["Arn"],
            "description": found.get("Description"),
            "enableKeyRotation": rotation["KeyRotationEnabled"],
            "keyId": found["KeyId"],
            "policy": known if known and schema.same_policy(known, text) else text,
            "tags": tag_map(kms.list_resource_tags(KeyId=resource_id).get("Tags"), key="TagKey", value="TagValue"),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        kms = call.client("kms")
        if "enableKeyRotation" in changed:
            rotate = kms.enable_key_rotation if new["enableKeyRotation"] else kms.disable_key_rotation
            rotate(KeyId=resource_id)
        if "description" in changed:
            kms.update_key_description(KeyId=resource_id, Description=new.get("description") or "")
        if "policy" in changed:
            kms.put_key_policy(KeyId=resource_id, PolicyName="default", Policy=new["policy"])
        put, removed = tag_changes(old, new)
        if removed:
            kms.untag_resource(KeyId=resource_id, TagKeys=removed)
        if put:
            kms.tag_resource(KeyId=resource_id, Tags=tag_list(put, key="TagKey", value="TagValue"))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        window = (
            {"PendingWindowInDays": int(state["deletionWindowInDays"])} if state.get("deletionWindowInDays") else {}
        )
        with ignoring("NotFoundException", "KMSInvalidStateException"):  # scheduled already
            call.client("kms").schedule_key_deletion(KeyId=resource_id, **window)


class Alias(Resource):
    """A name of a key; the name is its id."""

    type_name = "aws:kms/alias:Alias"
    name_property = None
    tagged = False
    properties = {
        "arn": output(),
        "name": string(required=True, replaces=True, pattern=r"alias/[a-zA-Z0-9/_-]{1,250}"),
        "targetKeyArn": output(),
        "targetKeyId": string(required=True),
    }

    def create(self, call: Call, new: Values) -> str:
        call.client("kms").create_alias(AliasName=new["name"], TargetKeyId=new["targetKeyId"])
        return str(new["name"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        pages = call.client("kms").get_paginator("list_aliases").paginate()
        aliases = (alias for page in pages for alias in page["Aliases"])
        found = next((alias for alias in aliases if alias["AliasName"] == resource_id), None)
        if found is None:
            return None
        key = found["TargetKeyId"]
        known = str(state.get("targetKeyId", ""))
        return {
            "arn": found["AliasArn"],
            "name": resource_id,
            "targetKeyArn": call.arn("kms", f"key/{key}"),
            "targetKeyId": known if known.endswith(f"key/{key}") else key,
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        call.client("kms").update_alias(AliasName=resource_id, TargetKeyId=new["targetKeyId"])

    def recomputed(self, old: Values, new: Values, changed: set[str]) -> set[str]:
        return {"targetKeyArn"} if "targetKeyId" in changed else set()

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("NotFoundException"):
            call.client("kms").delete_alias(AliasName=resource_id)
