# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""EventBridge, for previews alone: its targets could run code, so the emulator's guard does not serve it."""

from __future__ import annotations

from local.providers.aws.resource import Call, Resource, Values
from local.providers.aws.schema import block, mapping, output, same_json, string
from local.providers.server import ProviderError


class _Previewed(Resource):
    def create(self, call: Call, new: Values) -> str:
        raise ProviderError(
            "EventBridge: expected the service; the emulator does not have it, "
            "make this stack on AWS, or without its notices (alarms.enabled: false)"
        )


class EventRule(_Previewed):
    type_name = "aws:cloudwatch/eventRule:EventRule"
    name_limit = 64
    properties = {
        "arn": output(),
        "description": string(),
        "eventPattern": string(required=True, same=same_json),
        "name": string(computed=True, replaces=True, pattern=r"[\w.-]{1,64}"),
    }


class EventTarget(_Previewed):
    type_name = "aws:cloudwatch/eventTarget:EventTarget"
    name_property = "targetId"
    tagged = False
    properties = {
        "arn": string(required=True),
        "inputTransformer": block({"inputPaths": mapping(), "inputTemplate": string(required=True)}),
        "rule": string(required=True, replaces=True),
        "targetId": string(computed=True, replaces=True, pattern=r"[\w.-]{1,64}"),
    }
