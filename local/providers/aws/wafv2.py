# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""AWS WAF: web ACLs, what they protect and what they log. Of the statements, rate limits and managed rule groups.

The emulator takes web ACLs and asks them nothing, and does not know logs of theirs: the state alone remembers those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.providers.aws import schema
from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import block, blocks, boolean, integer, output, string, strings

BUSY_SECONDS = 300
VISIBILITY = block(
    {
        "cloudwatchMetricsEnabled": boolean(required=True),
        "metricName": string(required=True),
        "sampledRequestsEnabled": boolean(required=True),
    },
    required=True,
)
RULE = {
    "action": block({"block": block({})}),
    "name": string(required=True),
    "overrideAction": block({"none": block({})}),
    "priority": integer(required=True, minimum=0),
    "statement": block(
        {
            "managedRuleGroupStatement": block({"name": string(required=True), "vendorName": string(required=True)}),
            "rateBasedStatement": block(
                {
                    "aggregateKeyType": string(default="IP", allowed=("IP",)),
                    "evaluationWindowSec": integer(default=300, allowed=(60, 120, 300, 600)),
                    "limit": integer(required=True, minimum=10),
                }
            ),
        },
        required=True,
    ),
    "visibilityConfig": VISIBILITY,
}
PROTECTED = ("SINGLE_HEADER", "SINGLE_COOKIE", "SINGLE_QUERY_ARGUMENT", "QUERY_STRING", "BODY")
LOGGED = ("ALLOW", "BLOCK", "COUNT", "CAPTCHA", "CHALLENGE", "EXCLUDED_AS_COUNT")
NO_LOGS = "InvalidAction"
"""What the emulator answers to an operation that it does not know."""
SPELLED = {"cloudwatchMetricsEnabled": "CloudWatchMetricsEnabled"}
READ = {api: key for key, api in SPELLED.items()}


def _api(value: Any) -> Any:
    """Properties as WAF spells them; nothing where nothing is given."""
    if isinstance(value, list):
        return [_api(item) for item in value]
    if isinstance(value, dict):
        return {
            SPELLED.get(key, key[0].upper() + key[1:]): _api(item)
            for key, item in value.items()
            if item is not None and key != schema.DEFAULTS_KEY
        }
    return value


def _properties(value: Any) -> Any:
    if isinstance(value, list):
        return [_properties(item) for item in value]
    if isinstance(value, dict):
        return {READ.get(key, key[0].lower() + key[1:]): _properties(item) for key, item in value.items()}
    return value


class WebAcl(Resource):
    type_name = "aws:wafv2/webAcl:WebAcl"
    name_limit = 128
    properties = {
        "arn": output(),
        "capacity": output("integer"),
        "dataProtectionConfig": block(
            {
                "dataProtections": blocks(
                    {
                        "action": string(required=True, allowed=("SUBSTITUTION", "HASH")),
                        "field": block(
                            {
                                "fieldKeys": strings(),
                                "fieldType": string(required=True, allowed=PROTECTED),
                            },
                            required=True,
                        ),
                    },
                    ordered=True,
                )
            },
            forgotten=True,
        ),
        "defaultAction": block({"allow": block({})}, required=True),
        "description": string(forgotten=True),
        "lockToken": output(),
        "name": string(computed=True, replaces=True, pattern=r"[\w-]{1,128}"),
        "rules": blocks(RULE),
        "scope": string(required=True, replaces=True, allowed=("REGIONAL", "CLOUDFRONT")),
        "visibilityConfig": VISIBILITY,
    }

    def check(self, inputs: Values) -> list[str]:
        problems = []
        for index, rule in enumerate(inputs["rules"] if isinstance(inputs.get("rules"), list) else ()):
            given = [key for key in ("action", "overrideAction") if isinstance(rule, dict) and rule.get(key)]
            if len(given) != 1:
                problems.append(
                    f"rules[{index}]: got {len(given)} of action and overrideAction, expected one: overrideAction for "
                    "a managed rule group, action for any other statement; give the one that fits"
                )
        return problems

    def create(self, call: Call, new: Values) -> str:
        name = new["name"]
        request: Values = {"Name": name, "Scope": new["scope"], **self._definition(new)}
        if new["tagsAll"]:
            request["Tags"] = tag_list(new["tagsAll"])
        return str(call.client("wafv2").create_web_acl(**request)["Summary"]["Id"])

    def _definition(self, new: Values) -> Values:
        definition: Values = {
            "DefaultAction": _api(new["defaultAction"]),
            "Rules": _api(new.get("rules") or []),
            "VisibilityConfig": _api(new["visibilityConfig"]),
        }
        if new.get("description"):
            definition["Description"] = new["description"]
        if new.get("dataProtectionConfig"):
            definition["DataProtectionConfig"] = _api(new["dataProtectionConfig"])
        return definition

    def _find(self, call: Call, resource_id: str, state: Values) -> Values | None:
        waf = call.client("wafv2")
        try:
            found: Values = waf.get_web_acl(Name=state["name"], Scope=state["scope"], Id=resource_id)
        except waf.exceptions.WAFNonexistentItemException:
            return None
        return found

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, resource_id, state)
        if found is None:
            return None
        acl = found["WebACL"]
        tags = call.client("wafv2").list_tags_for_resource(ResourceARN=acl["ARN"])["TagInfoForResource"]
        return {
            "arn": acl["ARN"],
            "capacity": acl.get("Capacity"),
            "dataProtectionConfig": _properties(acl.get("DataProtectionConfig")),
            "defaultAction": _properties(acl["DefaultAction"]),
            "description": acl.get("Description") or None,
            "lockToken": found["LockToken"],
            "name": acl["Name"],
            "rules": _properties(acl.get("Rules") or []),
            "scope": state["scope"],
            "tags": tag_map(tags.get("TagList")),
            "visibilityConfig": _properties(acl["VisibilityConfig"]),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        waf = call.client("wafv2")
        if changed - {"tags", "tagsAll"}:
            found = self._find(call, resource_id, old) or {}
            waf.update_web_acl(
                Name=old["name"],
                Scope=old["scope"],
                Id=resource_id,
                LockToken=found["LockToken"],
                **self._definition(new),
            )
        put, removed = tag_changes(old, new)
        if removed:
            waf.untag_resource(ResourceARN=old["arn"], TagKeys=removed)
        if put:
            waf.tag_resource(ResourceARN=old["arn"], Tags=tag_list(put))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        def delete() -> None:
            found = self._find(call, resource_id, state)
            if found is not None:
                call.client("wafv2").delete_web_acl(
                    Name=state["name"], Scope=state["scope"], Id=resource_id, LockToken=found["LockToken"]
                )

        _when_free(call, f"web ACL {state['name']}", delete, "WAFAssociatedItemException", "WAFOptimisticLockException")


class WebAclAssociation(Resource):
    type_name = "aws:wafv2/webAclAssociation:WebAclAssociation"
    name_property = None
    tagged = False
    properties = {
        "resourceArn": string(required=True, replaces=True),
        "webAclArn": string(required=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        # A load balancer that was just made is not known to WAF at once.
        _when_free(
            call,
            f"the web ACL before {new['resourceArn']}",
            lambda: call.client("wafv2").associate_web_acl(WebACLArn=new["webAclArn"], ResourceArn=new["resourceArn"]),
            "WAFUnavailableEntityException",
        )
        return f"{new['webAclArn']},{new['resourceArn']}"

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        waf = call.client("wafv2")
        try:
            found = waf.get_web_acl_for_resource(ResourceArn=state["resourceArn"]).get("WebACL")
        except waf.exceptions.WAFNonexistentItemException:
            return None
        if not found or found["ARN"] != state["webAclArn"]:
            return None
        return {"resourceArn": state["resourceArn"], "webAclArn": state["webAclArn"]}

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("WAFNonexistentItemException"):
            call.client("wafv2").disassociate_web_acl(ResourceArn=state["resourceArn"])


class WebAclLoggingConfiguration(Resource):
    type_name = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
    name_property = None
    tagged = False
    properties = {
        "logDestinationConfigs": strings(required=True, replaces=True),
        "loggingFilter": block(
            {
                "defaultBehavior": string(required=True, allowed=("KEEP", "DROP")),
                "filters": blocks(
                    {
                        "behavior": string(required=True, allowed=("KEEP", "DROP")),
                        "conditions": blocks(
                            {
                                "actionCondition": block({"action": string(required=True, allowed=LOGGED)}),
                            },
                            required=True,
                        ),
                        "requirement": string(required=True, allowed=("MEETS_ALL", "MEETS_ANY")),
                    },
                    required=True,
                ),
            }
        ),
        "resourceArn": string(required=True, replaces=True),
    }

    def _put(self, call: Call, new: Values) -> None:
        definition = {key: new.get(key) for key in ("loggingFilter", "resourceArn")}
        request = {**_api(definition), "LogDestinationConfigs": new["logDestinationConfigs"]}
        with ignoring(NO_LOGS):
            call.client("wafv2").put_logging_configuration(LoggingConfiguration=request)

    def create(self, call: Call, new: Values) -> str:
        self._put(call, new)
        return str(new["resourceArn"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        waf = call.client("wafv2")
        try:
            found = waf.get_logging_configuration(ResourceArn=resource_id)["LoggingConfiguration"]
        except waf.exceptions.WAFNonexistentItemException:
            return None
        except waf.exceptions.ClientError as error:
            if error_code(error) != NO_LOGS:
                raise
            return {key: state.get(key) for key in self.properties}
        return {
            "logDestinationConfigs": found["LogDestinationConfigs"],
            "loggingFilter": _properties(found.get("LoggingFilter")),
            "resourceArn": found["ResourceArn"],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self._put(call, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("WAFNonexistentItemException", NO_LOGS):
            call.client("wafv2").delete_logging_configuration(ResourceArn=resource_id)


def _when_free(call: Call, what: str, action: Callable[[], Any], *busy: str) -> None:
    """Does it; while WAF says that it is not the moment, again."""

    def is_done() -> bool:
        try:
            action()
        except Exception as error:
            if error_code(error) not in busy:
                raise
            return False
        return True

    call.wait(what, is_done, default_seconds=BUSY_SECONDS, interval_seconds=1)
