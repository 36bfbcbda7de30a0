# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""CloudWatch Logs."""

from __future__ import annotations

from typing import Any

from ecs_policy.log_retention import RETENTION_DAYS
from local.providers.aws import schema
from local.providers.aws.resource import Call, Resource, Values, ignoring, tag_changes
from local.providers.aws.schema import integer, output, policy, string


class LogGroup(Resource):
    type_name = "aws:cloudwatch/logGroup:LogGroup"
    name_limit = 512
    properties = {
        "arn": output(),
        "name": string(computed=True, replaces=True, pattern=r"[\w./#-]{1,512}"),
        "retentionInDays": integer(default=0, allowed=(0, *RETENTION_DAYS)),
    }

    def create(self, call: Call, new: Values) -> str:
        name = new["name"]
        request: dict[str, Any] = {"logGroupName": name}
        if new["tagsAll"]:
            request["tags"] = new["tagsAll"]
        call.client("logs").create_log_group(**request)
        return str(name)

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        if new["retentionInDays"]:
            call.client("logs").put_retention_policy(logGroupName=resource_id, retentionInDays=new["retentionInDays"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        logs = call.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=resource_id)["logGroups"]
        found = next((group for group in groups if group["logGroupName"] == resource_id), None)
        if found is None:
            return None
        arn = found["arn"].removesuffix(":*")
        return {
            "arn": arn,
            "name": resource_id,
            "retentionInDays": found.get("retentionInDays", 0),
            "tags": logs.list_tags_for_resource(resourceArn=arn).get("tags", {}),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        logs = call.client("logs")
        if "retentionInDays" in changed:
            if new["retentionInDays"]:
                logs.put_retention_policy(logGroupName=resource_id, retentionInDays=new["retentionInDays"])
            else:
                logs.delete_retention_policy(logGroupName=resource_id)
        put, removed = tag_changes(old, new)
        if removed:
            logs.untag_resource(resourceArn=old["arn"], tagKeys=removed)
        if put:
            logs.tag_resource(resourceArn=old["arn"], tags=put)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ResourceNotFoundException"):
            call.client("logs").delete_log_group(logGroupName=resource_id)


class LogResourcePolicy(Resource):
    """Of the account alone; one of a single log group is the official provider's business."""

    type_name = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
    name_property = None
    tagged = False
    properties = {
        "policyDocument": policy(required=True),
        "policyName": string(required=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        self._put(call, new)
        return str(new["policyName"])

    def _put(self, call: Call, new: Values) -> None:
        call.client("logs").put_resource_policy(policyName=new["policyName"], policyDocument=new["policyDocument"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        pages = call.client("logs").get_paginator("describe_resource_policies").paginate()
        found = [each for page in pages for each in page["resourcePolicies"] if each.get("policyName") == resource_id]
        if not found:
            return None
        known, text = state.get("policyDocument"), found[0]["policyDocument"]
        return {
            "policyDocument": known if known and schema.same_policy(known, text) else text,
            "policyName": resource_id,
        }

    def presumed(self, call: Call, resource_id: str) -> Values:
        return {"policyName": resource_id}

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self._put(call, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ResourceNotFoundException"):
            call.client("logs").delete_resource_policy(policyName=resource_id)
