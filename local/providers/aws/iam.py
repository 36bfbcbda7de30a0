# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Identity and Access Management. IAM is global: its types have no region."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from local.providers.aws import schema
from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import integer, output, policy, string, strings


def _document(value: Any) -> str:
    """A policy document as IAM returns it: URL-encoded JSON, which botocore may already have parsed."""
    return json.dumps(value) if isinstance(value, dict) else unquote(value)


def _keep_spelling(known: Any, found: str) -> str:
    """The spelling of the program while it says the same as IAM."""
    return str(known) if known and schema.same_policy(known, found) else found


def _date(value: Any) -> str:
    return str(value.strftime("%Y-%m-%dT%H:%M:%SZ")) if hasattr(value, "strftime") else str(value)


class Role(Resource):
    type_name = "aws:iam/role:Role"
    regional = False
    name_limit = 64
    properties = {
        "arn": output(),
        "assumeRolePolicy": policy(required=True),
        "createDate": output(),
        "description": string(),
        "maxSessionDuration": integer(default=3600, minimum=3600, maximum=43200),
        "name": string(computed=True, replaces=True, pattern=r"[\w+=,.@-]{1,64}"),
        "path": string(default="/", replaces=True),
        "permissionsBoundary": string(),
        "uniqueId": output(),
    }

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "RoleName": new["name"],
            "AssumeRolePolicyDocument": new["assumeRolePolicy"],
            "Path": new["path"],
            "MaxSessionDuration": new["maxSessionDuration"],
            "Tags": tag_list(new["tagsAll"]),
        }
        if new.get("description"):
            request["Description"] = new["description"]
        if new.get("permissionsBoundary"):
            request["PermissionsBoundary"] = new["permissionsBoundary"]
        return str(call.client("iam").create_role(**request)["Role"]["RoleName"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        iam = call.client("iam")
        try:
            found = iam.get_role(RoleName=resource_id)["Role"]
        except iam.exceptions.NoSuchEntityException:
            return None
        trust = _document(found["AssumeRolePolicyDocument"])
        return {
            "arn": found["Arn"],
            "assumeRolePolicy": _keep_spelling(state.get("assumeRolePolicy"), trust),
            "createDate": _date(found["CreateDate"]),
            "description": found.get("Description"),
            "maxSessionDuration": found.get("MaxSessionDuration", 3600),
            "name": found["RoleName"],
            "path": found["Path"],
            "permissionsBoundary": (found.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
            "tags": tag_map(iam.list_role_tags(RoleName=resource_id)["Tags"]),
            "uniqueId": found["RoleId"],
        }

    def presumed(self, call: Call, resource_id: str) -> Values:
        return {"arn": call.arn("iam", f"role/{resource_id}", regional=False), "name": resource_id}

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        iam = call.client("iam")
        if "assumeRolePolicy" in changed:
            iam.update_assume_role_policy(RoleName=resource_id, PolicyDocument=new["assumeRolePolicy"])
        if changed & {"description", "maxSessionDuration"}:
            iam.update_role(
                RoleName=resource_id,
                Description=new.get("description", ""),
                MaxSessionDuration=new["maxSessionDuration"],
            )
        if "permissionsBoundary" in changed:
            if new.get("permissionsBoundary"):
                iam.put_role_permissions_boundary(RoleName=resource_id, PermissionsBoundary=new["permissionsBoundary"])
            else:
                iam.delete_role_permissions_boundary(RoleName=resource_id)
        put, removed = tag_changes(old, new)
        if removed:
            iam.untag_role(RoleName=resource_id, TagKeys=removed)
        if put:
            iam.tag_role(RoleName=resource_id, Tags=tag_list(put))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        iam = call.client("iam")
        try:
            for profile in iam.list_instance_profiles_for_role(RoleName=resource_id)["InstanceProfiles"]:
                with ignoring("NoSuchEntity"):
                    iam.remove_role_from_instance_profile(
                        RoleName=resource_id, InstanceProfileName=profile["InstanceProfileName"]
                    )
            iam.delete_role(RoleName=resource_id)
        except Exception as error:
            if error_code(error) not in ("NoSuchEntity", "NoSuchEntityException"):
                raise


class RolePolicy(Resource):
    type_name = "aws:iam/rolePolicy:RolePolicy"
    tagged = regional = False
    name_limit = 255
    properties = {
        "name": string(computed=True, replaces=True),
        "policy": policy(required=True),
        "role": string(required=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        name = new["name"]
        call.client("iam").put_role_policy(RoleName=new["role"], PolicyName=name, PolicyDocument=new["policy"])
        return f"{new['role']}:{name}"

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        role, _, name = resource_id.partition(":")
        try:
            found = call.client("iam").get_role_policy(RoleName=role, PolicyName=name)
        except Exception as error:
            if error_code(error) in ("NoSuchEntity", "NoSuchEntityException"):
                return None
            raise
        return {
            "name": name,
            "policy": _keep_spelling(state.get("policy"), _document(found["PolicyDocument"])),
            "role": role,
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        role, _, name = resource_id.partition(":")
        call.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=new["policy"])

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        role, _, name = resource_id.partition(":")
        with ignoring("NoSuchEntity", "NoSuchEntityException"):
            call.client("iam").delete_role_policy(RoleName=role, PolicyName=name)


class RolePolicyAttachment(Resource):
    type_name = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    tagged = regional = False
    deletes_before_replacing = True
    properties = {
        "policyArn": string(required=True, replaces=True),
        "role": string(required=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        call.client("iam").attach_role_policy(RoleName=new["role"], PolicyArn=new["policyArn"])
        return f"{new['role']}/{new['policyArn']}"

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        role, _, arn = resource_id.partition("/")
        iam = call.client("iam")
        try:
            pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
            attached = {item["PolicyArn"] for page in pages for item in page["AttachedPolicies"]}
        except iam.exceptions.NoSuchEntityException:
            return None
        return {"policyArn": arn, "role": role} if arn in attached else None

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("NoSuchEntity", "NoSuchEntityException"):
            call.client("iam").detach_role_policy(RoleName=state["role"], PolicyArn=state["policyArn"])


class InstanceProfile(Resource):
    type_name = "aws:iam/instanceProfile:InstanceProfile"
    regional = False
    name_limit = 128
    properties = {
        "arn": output(),
        "createDate": output(),
        "name": string(computed=True, replaces=True),
        "path": string(default="/", replaces=True),
        "role": string(),
        "uniqueId": output(),
    }

    def create(self, call: Call, new: Values) -> str:
        name = new["name"]
        call.client("iam").create_instance_profile(
            InstanceProfileName=name, Path=new["path"], Tags=tag_list(new["tagsAll"])
        )
        return str(name)

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        if new.get("role"):
            call.client("iam").add_role_to_instance_profile(InstanceProfileName=resource_id, RoleName=new["role"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        iam = call.client("iam")
        try:
            found = iam.get_instance_profile(InstanceProfileName=resource_id)["InstanceProfile"]
        except iam.exceptions.NoSuchEntityException:
            return None
        return {
            "arn": found["Arn"],
            "createDate": _date(found["CreateDate"]),
            "name": found["InstanceProfileName"],
            "path": found["Path"],
            "role": next((role["RoleName"] for role in found.get("Roles", ())), None),
            "tags": tag_map(found.get("Tags")),
            "uniqueId": found["InstanceProfileId"],
        }

    def presumed(self, call: Call, resource_id: str) -> Values:
        return {"arn": call.arn("iam", f"instance-profile/{resource_id}", regional=False), "name": resource_id}

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        iam = call.client("iam")
        if "role" in changed:
            if old.get("role"):
                with ignoring("NoSuchEntity"):
                    iam.remove_role_from_instance_profile(InstanceProfileName=resource_id, RoleName=old["role"])
            self.settle(call, resource_id, new)
        put, removed = tag_changes(old, new)
        if removed:
            iam.untag_instance_profile(InstanceProfileName=resource_id, TagKeys=removed)
        if put:
            iam.tag_instance_profile(InstanceProfileName=resource_id, Tags=tag_list(put))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        iam = call.client("iam")
        with ignoring("NoSuchEntity", "NoSuchEntityException"):
            if state.get("role"):
                with ignoring("NoSuchEntity", "NoSuchEntityException"):
                    iam.remove_role_from_instance_profile(InstanceProfileName=resource_id, RoleName=state["role"])
            iam.delete_instance_profile(InstanceProfileName=resource_id)


class Policy(Resource):
    """A policy of its own, with versions: an update makes a new one the default and keeps no other."""

    type_name = "aws:iam/policy:Policy"
    regional = False
    name_limit = 128
    properties = {
        "arn": output(),
        "attachmentCount": output("integer"),
        "description": string(replaces=True),
        "name": string(computed=True, replaces=True, pattern=r"[\w+=,.@-]{1,128}"),
        "path": string(default="/", replaces=True),
        "policy": policy(required=True),
        "policyId": output(),
    }

    def create(self, call: Call, new: Values) -> str:
        made = call.client("iam").create_policy(
            PolicyName=new["name"],
            PolicyDocument=new["policy"],
            Path=new["path"],
            Tags=tag_list(new["tagsAll"]),
            **({"Description": new["description"]} if new.get("description") else {}),
        )
        return str(made["Policy"]["Arn"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        iam = call.client("iam")
        try:
            found = iam.get_policy(PolicyArn=resource_id)["Policy"]
        except iam.exceptions.NoSuchEntityException:
            return None
        version = iam.get_policy_version(PolicyArn=resource_id, VersionId=found["DefaultVersionId"])
        return {
            "arn": resource_id,
            "attachmentCount": found.get("AttachmentCount", 0),
            "description": found.get("Description") or state.get("description"),
            "name": found["PolicyName"],
            "path": found["Path"],
            "policy": _keep_spelling(state.get("policy"), _document(version["PolicyVersion"]["Document"])),
            "policyId": found["PolicyId"],
            "tags": tag_map(iam.list_policy_tags(PolicyArn=resource_id).get("Tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        iam = call.client("iam")
        if "policy" in changed:
            iam.create_policy_version(PolicyArn=resource_id, PolicyDocument=new["policy"], SetAsDefault=True)
            self._drop_versions(call, resource_id)
        put, removed = tag_changes(old, new)
        if removed:
            iam.untag_policy(PolicyArn=resource_id, TagKeys=removed)
        if put:
            iam.tag_policy(PolicyArn=resource_id, Tags=tag_list(put))

    def _drop_versions(self, call: Call, arn: str) -> None:
        iam = call.client("iam")
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("NoSuchEntity", "NoSuchEntityException"):
            self._drop_versions(call, resource_id)
            call.client("iam").delete_policy(PolicyArn=resource_id)


class OpenIdConnectProvider(Resource):
    """An issuer of tokens that roles may trust; IAM knows it by its address without `https://`."""

    type_name = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    regional = False
    name_property = None
    properties = {
        "arn": output(),
        "clientIdLists": strings(required=True),
        "thumbprintLists": output("list"),
        "url": string(required=True, replaces=True, pattern=r"https://.+"),
    }

    def create(self, call: Call, new: Values) -> str:
        made = call.client("iam").create_open_id_connect_provider(
            Url=new["url"], ClientIDList=new["clientIdLists"], Tags=tag_list(new["tagsAll"])
        )
        return str(made["OpenIDConnectProviderArn"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        iam = call.client("iam")
        try:
            found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=resource_id)
        except iam.exceptions.NoSuchEntityException:
            return None
        return {
            "arn": resource_id,
            "clientIdLists": found["ClientIDList"],
            "thumbprintLists": found.get("ThumbprintList") or [],
            "url": f"https://{found['Url'].removeprefix('https://')}",
            "tags": tag_map(found.get("Tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        iam = call.client("iam")
        which = {"OpenIDConnectProviderArn": resource_id}
        olds, news = set(old.get("clientIdLists") or ()), set(new["clientIdLists"])
        for client in sorted(news - olds):
            iam.add_client_id_to_open_id_connect_provider(ClientID=client, **which)
        for client in sorted(olds - news):
            iam.remove_client_id_from_open_id_connect_provider(ClientID=client, **which)
        put, removed = tag_changes(old, new)
        if removed:
            iam.untag_open_id_connect_provider(TagKeys=removed, **which)
        if put:
            iam.tag_open_id_connect_provider(Tags=tag_list(put), **which)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("NoSuchEntity", "NoSuchEntityException"):
            call.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=resource_id)
