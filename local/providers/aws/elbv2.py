# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Elastic Load Balancing: load balancers, target groups, listeners and their rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local.providers.aws import schema
from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import Property, block, blocks, boolean, integer, output, string, strings
from local.providers.server import ProviderError

# The hosted zone of a load balancer's address is a constant of each region (docs.aws.amazon.com/general/latest/gr/elb).
HOSTED_ZONES = {
    "ap-northeast-1": "Z14GRHDCWA56QT",
    "eu-central-1": "Z215JYRZR1TBD5",
    "eu-west-1": "Z32O12XQLNTSW2",
    "us-east-1": "Z35SXDOTRQ7X7K",
    "us-west-2": "Z1H1FL5HABSF5",
}


def found_one(call: Call, operation: str, answer: str, **request: Any) -> Values | None:
    try:
        found = getattr(call.client("elbv2"), operation)(**request)[answer]
    except Exception as error:
        if error_code(error).endswith("NotFound"):
            return None
        raise
    return found[0] if found else None


def tags_of(call: Call, arn: str) -> dict[str, str]:
    described = call.client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return tag_map(described[0].get("Tags")) if described else {}


def change_tags(call: Call, arn: str, old: Values, new: Values) -> None:
    put, removed = tag_changes(old, new)
    if removed:
        call.client("elbv2").remove_tags(ResourceArns=[arn], TagKeys=removed)
    if put:
        call.client("elbv2").add_tags(ResourceArns=[arn], Tags=tag_list(put))


def attribute_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def attribute_pairs(names: Mapping[str, str], new: Values, keys: set[str]) -> list[tuple[str, str]]:
    return [(name, attribute_text(new[key])) for key, name in names.items() if key in keys and new.get(key) is not None]


def attributes_map(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {item["Key"]: item.get("Value", "") for item in found}


def with_attributes(properties: Mapping[str, Property], names: Mapping[str, str], found: Mapping[str, str]) -> Values:
    """Attributes under their property names; one the API does not report has its default."""
    values: Values = {}
    for key, name in names.items():
        if found.get(name, "") != "":
            values[key] = schema.scalar(properties[key].kind, found[name])
        elif properties[key].default is not None:
            values[key] = properties[key].default
    return values


# --- load balancers ---------------------------------------------------------------------------------------------------

LOAD_BALANCER_ATTRIBUTES = {
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
}
LOGS = "access_logs.s3"


class LoadBalancer(Resource):
    type_name = "aws:lb/loadBalancer:LoadBalancer"
    name_limit = 32
    properties = {
        "accessLogs": block({"bucket": string(required=True), "enabled": boolean(default=False)}),
        "arn": output(),
        "arnSuffix": output(),
        "desyncMitigationMode": string(default="defensive", allowed=("monitor", "defensive", "strictest")),
        "dnsName": output(),
        "dropInvalidHeaderFields": boolean(default=False),
        "enableDeletionProtection": boolean(default=False),
        "internal": boolean(computed=True, replaces=True),
        "loadBalancerType": string(default="application", replaces=True, allowed=("application",)),
        "name": string(
            computed=True, replaces=True, pattern=r"(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
        ),
        "securityGroups": strings(computed=True),
        "subnets": strings(computed=True),
        "vpcId": output(),
        "zoneId": output(),
    }

    def check(self, inputs: Values) -> list[str]:
        if not inputs.get("subnets"):
            return ["subnets: got nothing, expected the subnets of the load balancer; add them"]
        return []

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "Name": new["name"],
            "Type": new["loadBalancerType"],
            "Scheme": "internal" if new.get("internal") else "internet-facing",
            "Subnets": new["subnets"],
        }
        if new["tagsAll"]:
            request["Tags"] = tag_list(new["tagsAll"])
        if new.get("securityGroups"):
            request["SecurityGroups"] = new["securityGroups"]
        created = call.client("elbv2").create_load_balancer(**request)["LoadBalancers"][0]
        return str(created["LoadBalancerArn"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        def is_active() -> bool:
            found = self._find(call, resource_id) or {}
            state = found.get("State", {})
            if state.get("Code") == "failed":
                raise ProviderError(f"load balancer {resource_id} failed: {state.get('Reason', 'no reason given')}")
            return bool(state.get("Code") == "active")

        call.wait(f"load balancer {new.get('name', resource_id)}", is_active, default_seconds=600)
        self._set_attributes(call, resource_id, new, {*LOAD_BALANCER_ATTRIBUTES, "accessLogs"}, {})

    def _set_attributes(self, call: Call, arn: str, new: Values, keys: set[str], old: Values) -> None:
        pairs = attribute_pairs(LOAD_BALANCER_ATTRIBUTES, new, keys)
        if "accessLogs" in keys:
            logs = new.get("accessLogs")
            if logs:
                pairs.append((f"{LOGS}.enabled", attribute_text(logs["enabled"])))
                if logs["enabled"]:
                    pairs.append((f"{LOGS}.bucket", logs["bucket"]))
            elif old.get("accessLogs"):
                pairs.append((f"{LOGS}.enabled", "false"))
        if pairs:
            call.client("elbv2").modify_load_balancer_attributes(
                LoadBalancerArn=arn, Attributes=[{"Key": name, "Value": value} for name, value in pairs]
            )

    def _find(self, call: Call, arn: str) -> Values | None:
        return found_one(call, "describe_load_balancers", "LoadBalancers", LoadBalancerArns=[arn])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, resource_id)
        if found is None:
            return None
        attributes = attributes_map(
            call.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=resource_id)["Attributes"]
        )
        logged, known = attributes.get(f"{LOGS}.enabled") == "true", state.get("accessLogs") or {}
        logs = {"bucket": attributes.get(f"{LOGS}.bucket") or known.get("bucket"), "enabled": logged}
        return {
            **with_attributes(self.properties, LOAD_BALANCER_ATTRIBUTES, attributes),
            "accessLogs": logs if logged or known else None,
            "arn": resource_id,
            "arnSuffix": resource_id.split(":loadbalancer/", 1)[-1],
            "dnsName": found["DNSName"],
            "internal": found.get("Scheme") == "internal",
            "loadBalancerType": found["Type"],
            "name": found["LoadBalancerName"],
            "securityGroups": found.get("SecurityGroups") or [],
            "subnets": [zone["SubnetId"] for zone in found.get("AvailabilityZones") or []],
            "tags": tags_of(call, resource_id),
            "vpcId": found.get("VpcId"),
            "zoneId": found.get("CanonicalHostedZoneId") or HOSTED_ZONES.get(call.region, ""),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        elb = call.client("elbv2")
        self._set_attributes(call, resource_id, new, changed, old)
        if "securityGroups" in changed:
            elb.set_security_groups(LoadBalancerArn=resource_id, SecurityGroups=new.get("securityGroups") or [])
        if "subnets" in changed:
            elb.set_subnets(LoadBalancerArn=resource_id, Subnets=new["subnets"])
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        if state.get("enableDeletionProtection"):
            raise ProviderError(
                f"load balancer {state.get('name')}: deletion protection is on; "
                "set enableDeletionProtection to false and run `up` before deleting it"
            )
        with ignoring("LoadBalancerNotFound"):
            call.client("elbv2").delete_load_balancer(LoadBalancerArn=resource_id)
        call.wait(
            f"load balancer {state.get('name')} to go",
            lambda: self._find(call, resource_id) is None,
            default_seconds=600,
        )


# --- target groups ----------------------------------------------------------------------------------------------------

TARGET_GROUP_ATTRIBUTES = {"deregistrationDelay": "deregistration_delay.timeout_seconds"}
HEALTH_CHECK = {
    "healthyThreshold": integer(default=3, minimum=2, maximum=10),
    "interval": integer(default=30, minimum=5, maximum=300),
    "matcher": string(computed=True),
    "path": string(computed=True),
    "port": string(default="traffic-port"),
    "protocol": string(default="HTTP", allowed=("HTTP", "HTTPS")),
    "timeout": integer(computed=True, minimum=2, maximum=120),
    "unhealthyThreshold": integer(default=3, minimum=2, maximum=10),
}


class TargetGroup(Resource):
    type_name = "aws:lb/targetGroup:TargetGroup"
    name_limit = 32
    properties = {
        "arn": output(),
        "arnSuffix": output(),
        "deregistrationDelay": integer(default=300, minimum=0, maximum=3600),
        "healthCheck": block(HEALTH_CHECK, computed=True),
        "loadBalancerArns": output("set"),
        "name": string(computed=True, replaces=True, pattern=r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"),
        "port": integer(replaces=True, minimum=1, maximum=65535),
        "protocol": string(replaces=True, allowed=("HTTP", "HTTPS"), same=lambda a, b: a == b),
        "targetType": string(default="instance", replaces=True, allowed=("instance", "ip")),
        "vpcId": string(replaces=True),
    }

    def check(self, inputs: Values) -> list[str]:
        problems = [
            f"{key}: got nothing, expected a value; add it"
            for key in ("port", "protocol", "vpcId")
            if key not in inputs
        ]
        health = inputs.get("healthCheck") or {}
        interval, timeout = health.get("interval"), health.get("timeout")
        if isinstance(interval, int) and isinstance(timeout, int) and timeout >= interval:
            problems.append(
                f"healthCheck.timeout: got {timeout}, expected less than the interval of {interval} s; change one"
            )
        return problems

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "Name": new["name"],
            "TargetType": new["targetType"],
            "Port": new["port"],
            "Protocol": new["protocol"],
            "VpcId": new["vpcId"],
            **_health_request(new.get("healthCheck") or {}),
        }
        if new["tagsAll"]:
            request["Tags"] = tag_list(new["tagsAll"])
        created = call.client("elbv2").create_target_group(**request)["TargetGroups"][0]
        return str(created["TargetGroupArn"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        self._set_attributes(call, resource_id, new, set(TARGET_GROUP_ATTRIBUTES))

    def _set_attributes(self, call: Call, arn: str, new: Values, keys: set[str]) -> None:
        if pairs := attribute_pairs(TARGET_GROUP_ATTRIBUTES, new, keys):
            call.client("elbv2").modify_target_group_attributes(
                TargetGroupArn=arn, Attributes=[{"Key": name, "Value": value} for name, value in pairs]
            )

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = found_one(call, "describe_target_groups", "TargetGroups", TargetGroupArns=[resource_id])
        if found is None:
            return None
        attributes = attributes_map(
            call.client("elbv2").describe_target_group_attributes(TargetGroupArn=resource_id)["Attributes"]
        )
        return {
            **with_attributes(self.properties, TARGET_GROUP_ATTRIBUTES, attributes),
            "arn": resource_id,
            "arnSuffix": resource_id.rsplit(":", 1)[-1],
            "healthCheck": _health_of(found),
            "loadBalancerArns": found.get("LoadBalancerArns") or [],
            "name": found["TargetGroupName"],
            "port": found.get("Port"),
            "protocol": found.get("Protocol"),
            "tags": tags_of(call, resource_id),
            "targetType": found.get("TargetType", "instance"),
            "vpcId": found.get("VpcId"),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if "healthCheck" in changed:
            call.client("elbv2").modify_target_group(
                TargetGroupArn=resource_id, **_health_request(new.get("healthCheck") or {})
            )
        self._set_attributes(call, resource_id, new, changed)
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        def is_deleted() -> bool:
            try:
                call.client("elbv2").delete_target_group(TargetGroupArn=resource_id)
            except Exception as error:
                if error_code(error) == "ResourceInUse":
                    return False
                if error_code(error) == "TargetGroupNotFound":
                    return True
                raise
            return True

        call.wait(f"the last use of target group {state.get('name')} to end", is_deleted, default_seconds=120)


HEALTH_CHECK_NAMES = {
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


def _health_request(health: Values) -> Values:
    request = {api: health[key] for key, api in HEALTH_CHECK_NAMES.items() if health.get(key) is not None}
    return {**request, "Matcher": {"HttpCode": health["matcher"]}} if health.get("matcher") else request


def _health_of(found: Values) -> Values:
    values = {key: found.get(api) for key, api in HEALTH_CHECK_NAMES.items()}
    return {**values, "matcher": (found.get("Matcher") or {}).get("HttpCode")}


# --- actions and conditions -------------------------------------------------------------------------------------------

ANSWER = {
    "fixedResponse": block(
        {"contentType": string(required=True), "messageBody": string(), "statusCode": string(computed=True)}
    ),
    "redirect": block(
        {
            "port": string(default="#{port}"),
            "protocol": string(default="#{protocol}", allowed=("#{protocol}", "HTTP", "HTTPS")),
            "statusCode": string(required=True, allowed=("HTTP_301", "HTTP_302")),
        }
    ),
    "type": string(required=True, allowed=("fixed-response", "redirect")),
}
"""What a listener does with a request that no rule takes."""
ANSWERS = {
    "fixed-response": ("fixedResponse", "FixedResponseConfig"),
    "redirect": ("redirect", "RedirectConfig"),
}
FORWARD = {
    "forward": block(
        {
            "targetGroups": blocks(
                {"arn": string(required=True), "weight": integer(default=1, minimum=0, maximum=999)}, required=True
            ),
        }
    ),
    "targetGroupArn": string(),
    "type": string(required=True, allowed=("forward",)),
}
"""What a rule does with a request."""


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def _each(actions: Any) -> list[tuple[int, Values]]:
    return [(index, item) for index, item in enumerate(actions if isinstance(actions, list) else ()) if item]


def answer_problems(actions: Any) -> list[str]:
    problems = []
    for index, action in _each(actions):
        for kind, (key, _) in ANSWERS.items():
            if (key in action) != (kind == action["type"]):
                got, wanted = ("a value", "nothing") if key in action else ("nothing", "a value")
                change = "remove it" if key in action else "add it"
                place = f"defaultActions[{index}].{key}"
                problems.append(f"{place}: got {got}, expected {wanted} for type {action['type']}; {change}")
    return problems


def forward_problems(actions: Any) -> list[str]:
    return [
        f"actions[{index}].targetGroupArn: got nothing, expected a value for type forward; add it, or forward"
        for index, action in _each(actions)
        if not {"forward", "targetGroupArn"} & action.keys()
    ]


def answers_request(actions: Sequence[Values]) -> list[Values]:
    requests = []
    for index, action in enumerate(actions):
        key, api = ANSWERS[action["type"]]
        given = {_pascal(name): value for name, value in action[key].items() if value not in (None, "")}
        requests.append({"Type": action["type"], "Order": index + 1, api: given})
    return requests


def forwards_request(actions: Sequence[Values]) -> list[Values]:
    requests = []
    for index, action in enumerate(actions):
        request: Values = {"Type": "forward", "Order": index + 1}
        if forward := action.get("forward"):
            groups = [
                {"TargetGroupArn": group["arn"], "Weight": group.get("weight", 1)} for group in forward["targetGroups"]
            ]
            request["ForwardConfig"] = {"TargetGroups": groups}
            # The emulator knows one target group an action: the one that gets the most.
            request["TargetGroupArn"] = _heaviest(forward)
        else:
            request["TargetGroupArn"] = action["targetGroupArn"]
        requests.append(request)
    return requests


def _heaviest(forward: Values) -> str:
    groups = forward["targetGroups"]
    return str(max(groups, key=lambda group: group.get("weight", 1))["arn"])


def _in_order(found: Sequence[Values]) -> list[Values]:
    return sorted(found, key=lambda action: action.get("Order", 0))


def read_answers(found: Sequence[Values], known: Any) -> list[Values]:
    actions: list[Values] = []
    for item in _in_order(found):
        action: Values = {"type": item["Type"]}
        if item["Type"] in ANSWERS:
            key, api = ANSWERS[item["Type"]]
            answered = item.get(api) or {}
            action[key] = schema.without_empty({name: answered.get(_pascal(name)) for name in ANSWER[key].fields})
        actions.append(action)
    return list(known) if known and _same_answers(actions, known) else actions


def read_forwards(found: Sequence[Values], known: Any) -> list[Values]:
    actions: list[Values] = []
    for index, item in enumerate(_in_order(found)):
        action: Values = {"type": item["Type"]}
        groups = (item.get("ForwardConfig") or {}).get("TargetGroups") or []
        forward = known[index].get("forward") if isinstance(known, list) and index < len(known) else None
        if not groups and forward and _heaviest(forward) == item.get("TargetGroupArn"):
            action["forward"] = forward  # which the emulator has forgotten
        elif item.get("TargetGroupArn") and len(groups) <= 1:
            action["targetGroupArn"] = item["TargetGroupArn"]
        else:
            action["forward"] = {
                "targetGroups": [{"arn": group["TargetGroupArn"], "weight": group.get("Weight", 1)} for group in groups]
            }
        actions.append(action)
    return list(known) if known and _same_forwards(actions, known) else actions


def _same_answers(olds: Any, news: Any) -> bool:
    def meaning(action: Values) -> Any:
        key, _ = ANSWERS.get(action["type"], ("", ""))
        fields = ANSWER[key].fields if key else {}
        defaults = {name: prop.default for name, prop in fields.items() if prop.default is not None}
        given = {**defaults, **(action.get(key) or {})}
        return action["type"], {name: str(value) for name, value in given.items() if value not in (None, "")}

    def same(old: Values, new: Values) -> bool:
        (kind, a), (wanted, b) = meaning(old), meaning(new)
        # What the program leaves to AWS is no difference.
        return bool(kind == wanted and {name: text for name, text in a.items() if name in b} == b)

    return len(olds or ()) == len(news or ()) and all(map(same, olds or (), news or ()))


def _same_forwards(olds: Any, news: Any) -> bool:
    """Whether both send the same parts to the same target groups, whichever of the two spellings is used."""

    def meaning(action: Values) -> Any:
        groups = (action.get("forward") or {}).get("targetGroups") or [{"arn": action.get("targetGroupArn")}]
        weights = {group["arn"]: group.get("weight", 1) for group in groups}
        # The weight of a single group means nothing.
        return action["type"], weights if len(weights) > 1 else weights.keys()

    return len(olds or ()) == len(news or ()) and all(meaning(a) == meaning(b) for a, b in zip(olds, news, strict=True))


CONDITION = {
    "httpHeader": block({"httpHeaderName": string(required=True), "values": strings(required=True)}),
    "pathPattern": block({"values": strings(required=True)}),
}


def conditions_request(conditions: Sequence[Values]) -> list[Values]:
    requests: list[Values] = []
    for condition in conditions:
        if path := condition.get("pathPattern"):
            requests.append({"Field": "path-pattern", "PathPatternConfig": {"Values": path["values"]}})
        if header := condition.get("httpHeader"):
            named = {"HttpHeaderName": header["httpHeaderName"], "Values": header["values"]}
            requests.append({"Field": "http-header", "HttpHeaderConfig": named})
    return requests


def read_conditions(found: Sequence[Values]) -> list[Values]:
    conditions: list[Values] = []
    for item in found:
        if item["Field"] == "path-pattern":
            values = (item.get("PathPatternConfig") or {}).get("Values") or item.get("Values") or []
            conditions.append({"pathPattern": {"values": values}})
        elif item["Field"] == "http-header":
            header = item["HttpHeaderConfig"]
            conditions.append({"httpHeader": {"httpHeaderName": header["HttpHeaderName"], "values": header["Values"]}})
    return conditions


# --- listeners --------------------------------------------------------------------------------------------------------

LISTENER_ATTRIBUTES = {
    "routingHttpResponseStrictTransportSecurityHeaderValue": (
        "routing.http.response.strict_transport_security.header_value"
    )
}


class Listener(Resource):
    type_name = "aws:lb/listener:Listener"
    properties = {
        "arn": output(),
        "certificateArn": string(),
        "defaultActions": blocks(ANSWER, ordered=True, required=True, same=_same_answers),
        "loadBalancerArn": string(required=True, replaces=True),
        "port": integer(minimum=1, maximum=65535),
        "protocol": string(computed=True, allowed=("HTTP", "HTTPS")),
        "routingHttpResponseStrictTransportSecurityHeaderValue": string(computed=True),
        "sslPolicy": string(computed=True),
    }

    def check(self, inputs: Values) -> list[str]:
        problems = answer_problems(inputs.get("defaultActions"))
        secure = inputs.get("protocol") == "HTTPS"
        if secure and "certificateArn" not in inputs:
            problems.append("certificateArn: got nothing, expected an ACM certificate, as protocol is HTTPS; add it")
        if not secure and isinstance(inputs.get("protocol"), str) and "sslPolicy" in inputs:
            problems.append(f"sslPolicy: got a value, expected nothing, as protocol is {inputs['protocol']}; remove it")
        return problems

    def _request(self, new: Values) -> Values:
        request: Values = {"DefaultActions": answers_request(new["defaultActions"])}
        for key, api in {"port": "Port", "protocol": "Protocol", "sslPolicy": "SslPolicy"}.items():
            if new.get(key):
                request[api] = new[key]
        if new.get("certificateArn"):
            request["Certificates"] = [{"CertificateArn": new["certificateArn"]}]
        return request

    def create(self, call: Call, new: Values) -> str:
        request = self._request({**new, "protocol": new.get("protocol") or "HTTP"})
        if new["tagsAll"]:
            request["Tags"] = tag_list(new["tagsAll"])
        created = call.client("elbv2").create_listener(LoadBalancerArn=new["loadBalancerArn"], **request)
        return str(created["Listeners"][0]["ListenerArn"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        self._set_attributes(call, resource_id, new, set(LISTENER_ATTRIBUTES))

    def _set_attributes(self, call: Call, arn: str, new: Values, keys: set[str]) -> None:
        if pairs := attribute_pairs(LISTENER_ATTRIBUTES, new, keys):
            call.client("elbv2").modify_listener_attributes(
                ListenerArn=arn, Attributes=[{"Key": name, "Value": value} for name, value in pairs]
            )

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = found_one(call, "describe_listeners", "Listeners", ListenerArns=[resource_id])
        if found is None:
            return None
        attributes = attributes_map(
            call.client("elbv2").describe_listener_attributes(ListenerArn=resource_id)["Attributes"]
        )
        return {
            **with_attributes(self.properties, LISTENER_ATTRIBUTES, attributes),
            "arn": resource_id,
            "certificateArn": next(
                (item["CertificateArn"] for item in found.get("Certificates") or () if item.get("CertificateArn")), None
            ),
            "defaultActions": read_answers(found["DefaultActions"], state.get("defaultActions")),
            "loadBalancerArn": found["LoadBalancerArn"],
            "port": found.get("Port"),
            "protocol": found.get("Protocol"),
            "sslPolicy": found.get("SslPolicy", ""),
            "tags": tags_of(call, resource_id),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed - set(LISTENER_ATTRIBUTES) - {"tags", "tagsAll"}:
            call.client("elbv2").modify_listener(ListenerArn=resource_id, **self._request(new))
        self._set_attributes(call, resource_id, new, changed)
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ListenerNotFound"):
            call.client("elbv2").delete_listener(ListenerArn=resource_id)


class ListenerRule(Resource):
    type_name = "aws:lb/listenerRule:ListenerRule"
    properties = {
        "actions": blocks(FORWARD, ordered=True, required=True, same=_same_forwards),
        "arn": output(),
        "conditions": blocks(CONDITION, required=True),
        "listenerArn": string(required=True, replaces=True),
        "priority": integer(computed=True, minimum=1, maximum=50000),
    }

    def check(self, inputs: Values) -> list[str]:
        problems = forward_problems(inputs.get("actions"))
        for index, condition in enumerate(inputs["conditions"] if isinstance(inputs["conditions"], list) else ()):
            given = [key for key in condition if key in CONDITION] if isinstance(condition, dict) else ["?"]
            if len(given) != 1:
                problems.append(
                    f"conditions[{index}]: got {len(given)} kinds of condition, expected exactly one of "
                    f"{', '.join(sorted(CONDITION))}; split it"
                )
        return problems

    def create(self, call: Call, new: Values) -> str:
        elb = call.client("elbv2")
        request: Values = {
            "ListenerArn": new["listenerArn"],
            "Actions": forwards_request(new["actions"]),
            "Conditions": conditions_request(new["conditions"]),
        }
        if new["tagsAll"]:
            request["Tags"] = tag_list(new["tagsAll"])
        if new.get("priority"):
            return str(elb.create_rule(**request, Priority=new["priority"])["Rules"][0]["RuleArn"])
        while True:  # the next free priority; another rule may take it first
            rules = elb.describe_rules(ListenerArn=new["listenerArn"])["Rules"]
            taken = [int(rule["Priority"]) for rule in rules if rule["Priority"] != "default"]
            try:
                return str(elb.create_rule(**request, Priority=max(taken, default=0) + 1)["Rules"][0]["RuleArn"])
            except Exception as error:
                if error_code(error) != "PriorityInUse":
                    raise

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = found_one(call, "describe_rules", "Rules", RuleArns=[resource_id])
        if found is None:
            return None
        rule = resource_id.replace(":listener-rule/", ":listener/", 1)
        return {
            "actions": read_forwards(found["Actions"], state.get("actions")),
            "arn": resource_id,
            "conditions": read_conditions(found["Conditions"]),
            "listenerArn": state.get("listenerArn") or rule.rsplit("/", 1)[0],
            "priority": None if found["Priority"] == "default" else int(found["Priority"]),
            "tags": tags_of(call, resource_id),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        elb = call.client("elbv2")
        if "priority" in changed:
            elb.set_rule_priorities(RulePriorities=[{"RuleArn": resource_id, "Priority": new["priority"]}])
        request: Values = {}
        if "actions" in changed:
            request["Actions"] = forwards_request(new["actions"])
        if "conditions" in changed:
            request["Conditions"] = conditions_request(new["conditions"])
        if request:
            elb.modify_rule(RuleArn=resource_id, **request)
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("RuleNotFound"):
            call.client("elbv2").delete_rule(RuleArn=resource_id)
