# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Elastic Container Registry. Addresses name the emulator's own registry when LOCAL_REGISTRY is set."""

from __future__ import annotations

import json
import os
from typing import Any

from local.providers.aws import schema
from local.providers.aws.resource import (
    Call,
    Resource,
    Values,
    error_code,
    ignoring,
    tag_changes,
    tag_list,
    tag_map,
)
from local.providers.aws.schema import block, blocks, boolean, output, string


def registry_host() -> str | None:
    """The emulator's registry, such as localhost:4566. What the emulator reports would lead to AWS."""
    return os.environ.get("LOCAL_REGISTRY") or None


class Repository(Resource):
    type_name = "aws:ecr/repository:Repository"
    name_limit = 256
    properties = {
        "arn": output(),
        "encryptionConfigurations": blocks(
            {
                "encryptionType": string(default="AES256", allowed=("AES256", "KMS", "KMS_DSSE"), replaces=True),
            },
            ordered=True,
            same=lambda old, new: _encryption(old) == _encryption(new),
            stays=True,
            replaces=True,
        ),
        "forceDelete": boolean(kept=True),
        "imageScanningConfiguration": block({"scanOnPush": boolean(required=True)}),
        "imageTagMutability": string(
            default="MUTABLE",
            allowed=("MUTABLE", "IMMUTABLE"),
        ),
        "name": string(replaces=True),
        "registryId": output(),
        "repositoryUrl": output(),
    }

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "repositoryName": new["name"],
            "imageTagMutability": new["imageTagMutability"],
            "tags": tag_list(new["tagsAll"]),
        }
        if scanning := new.get("imageScanningConfiguration"):
            request["imageScanningConfiguration"] = {"scanOnPush": scanning["scanOnPush"]}
        if encryption := new.get("encryptionConfigurations"):
            request["encryptionConfiguration"] = dict(encryption[0])
        return str(call.client("ecr").create_repository(**request)["repository"]["repositoryName"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        ecr = call.client("ecr")
        try:
            found = ecr.describe_repositories(repositoryNames=[resource_id])["repositories"][0]
        except ecr.exceptions.RepositoryNotFoundException:
            return None
        tags = ecr.list_tags_for_resource(resourceArn=found["repositoryArn"]).get("tags")
        encryption = found.get("encryptionConfiguration")
        host = registry_host()
        return {
            "arn": found["repositoryArn"],
            "encryptionConfigurations": [encryption] if encryption else [],
            "imageScanningConfiguration": found.get("imageScanningConfiguration"),
            "imageTagMutability": found.get("imageTagMutability"),
            "name": found["repositoryName"],
            "registryId": found["registryId"],
            "repositoryUrl": f"{host}/{found['repositoryName']}" if host else found["repositoryUri"],
            "tags": tag_map(tags),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        ecr = call.client("ecr")
        if "imageTagMutability" in changed:
            ecr.put_image_tag_mutability(repositoryName=resource_id, imageTagMutability=new["imageTagMutability"])
        if "imageScanningConfiguration" in changed:
            scan = bool((new.get("imageScanningConfiguration") or {}).get("scanOnPush"))
            ecr.put_image_scanning_configuration(
                repositoryName=resource_id, imageScanningConfiguration={"scanOnPush": scan}
            )
        put, removed = tag_changes(old, new)
        if removed:
            ecr.untag_resource(resourceArn=old["arn"], tagKeys=removed)
        if put:
            ecr.tag_resource(resourceArn=old["arn"], tags=tag_list(put))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        try:
            with ignoring("RepositoryNotFoundException"):
                call.client("ecr").delete_repository(repositoryName=resource_id, force=bool(state.get("forceDelete")))
        except Exception as error:
            if error_code(error) != "RepositoryNotEmptyException":
                raise
            from local.providers.server import ProviderError

            raise ProviderError(
                f"ECR repository {resource_id} is not empty; set forceDelete and run `up` before deleting it"
            ) from error


def _encryption(configurations: Any) -> Any:
    """No configuration means AES256."""
    first = (configurations or [{}])[0] or {}
    return first.get("encryptionType") or "AES256"


class LifecyclePolicy(Resource):
    type_name = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    tagged = False
    deletes_before_replacing = True
    properties = {
        "policy": string(
            required=True,
            replaces=True,
            form=schema.json_object,
            same=lambda old, new: _rules(old) == _rules(new),
        ),
        "registryId": output(),
        "repository": string(required=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        return str(
            call.client("ecr").put_lifecycle_policy(
                repositoryName=new["repository"], lifecyclePolicyText=new["policy"]
            )["repositoryName"]
        )

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        try:
            found = call.client("ecr").get_lifecycle_policy(repositoryName=resource_id)
        except Exception as error:
            if error_code(error) in ("RepositoryNotFoundException", "LifecyclePolicyNotFoundException"):
                return None
            raise
        text, known = found["lifecyclePolicyText"], state.get("policy")
        return {
            "policy": known if known and _rules(known) == _rules(text) else text,
            "registryId": found.get("registryId"),
            "repository": found["repositoryName"],
        }

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("RepositoryNotFoundException", "LifecyclePolicyNotFoundException"):
            call.client("ecr").delete_lifecycle_policy(repositoryName=resource_id)


def _rules(text: Any) -> Any:
    """Rules in the order of their priority, whatever their order in the text."""
    try:
        document = json.loads(text)
        return sorted(document["rules"], key=lambda rule: rule.get("rulePriority", 0))
    except (TypeError, ValueError, KeyError):
        return text
