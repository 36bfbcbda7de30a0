# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""EventBridge: rules of the default bus, and where they send events."""

from __future__ import annotations

from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import block, mapping, output, same_json, string


class EventRule(Resource):
    type_name = "aws:cloudwatch/eventRule:EventRule"
    name_limit = 64
    properties = {
        "arn": output(),
        "description": string(),
        "eventPattern": string(required=True, same=same_json),
        "name": string(computed=True, replaces=True, pattern=r"[\w.-]{1,64}"),
    }

    def create(self, call: Call, new: Values) -> str:
        self._put(call, new, Tags=tag_list(new["tagsAll"]))
        return str(new["name"])

    def _put(self, call: Call, new: Values, **more: object) -> None:
        call.client("events").put_rule(
            Name=new["name"], EventPattern=new["eventPattern"], Description=new.get("description") or "", **more
        )

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        events = call.client("events")
        try:
            found = events.describe_rule(Name=resource_id)
        except events.exceptions.ResourceNotFoundException:
            return None
        known, text = state.get("eventPattern"), found.get("EventPattern")
        return {
            "arn": found["Arn"],
            "description": found.get("Description") or None,
            "eventPattern": known if same_json(known, text) else text,
            "name": found["Name"],
            "tags": tag_map(events.list_tags_for_resource(ResourceARN=found["Arn"]).get("Tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self._put(call, new)
        events, arn = call.client("events"), call.arn("events", f"rule/{resource_id}")
        put, removed = tag_changes(old, new)
        if removed:
            events.untag_resource(ResourceARN=arn, TagKeys=removed)
        if put:
            events.tag_resource(ResourceARN=arn, Tags=tag_list(put))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ResourceNotFoundException"):
            call.client("events").delete_rule(Name=resource_id)


class EventTarget(Resource):
    type_name = "aws:cloudwatch/eventTarget:EventTarget"
    name_property = "targetId"
    tagged = False
    properties = {
        "arn": string(required=True),
        "inputTransformer": block({"inputPaths": mapping(), "inputTemplate": string(required=True)}),
        "rule": string(required=True, replaces=True),
        "targetId": string(computed=True, replaces=True, pattern=r"[\w.-]{1,64}"),
    }

    def create(self, call: Call, new: Values) -> str:
        target: Values = {"Id": new["targetId"], "Arn": new["arn"]}
        if transformer := new.get("inputTransformer"):
            target["InputTransformer"] = {
                "InputPathsMap": transformer.get("inputPaths") or {},
                "InputTemplate": transformer["inputTemplate"],
            }
        call.client("events").put_targets(Rule=new["rule"], Targets=[target])
        return f"{new['rule']}-{new['targetId']}"

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        try:
            targets = call.client("events").list_targets_by_rule(Rule=state["rule"])["Targets"]
        except Exception as error:
            if error_code(error) == "ResourceNotFoundException":
                return None
            raise
        found = next((each for each in targets if each["Id"] == state["targetId"]), None)
        if found is None:
            return None
        transformer = found.get("InputTransformer")
        return {
            "arn": found["Arn"],
            "inputTransformer": transformer
            and {"inputPaths": transformer.get("InputPathsMap"), "inputTemplate": transformer["InputTemplate"]},
            "rule": state["rule"],
            "targetId": found["Id"],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self.create(call, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ResourceNotFoundException"):
            call.client("events").remove_targets(Rule=state["rule"], Ids=[state["targetId"]])
