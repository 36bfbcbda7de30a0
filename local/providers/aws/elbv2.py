# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Elastic Load Balancing: load balancers, target groups, listeners and their rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local.providers.aws import schema
from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import Property, block, blocks, boolean, integer, mapping, output, string, strings
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


def attribute_value(prop: Property, text: str) -> Any:
    return schema._scalar(prop.kind, text)


def attributes_map(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {item["Key"]: item.get("Value", "") for item in found}


def with_attributes(properties: Mapping[str, Property], names: Mapping[str, str], found: Mapping[str, str]) -> Values:
    """Attributes under their property names; one the API does not report has its default."""
    values: Values = {}
    for key, name in names.items():
        if found.get(name, "") != "":
            values[key] = attribute_value(properties[key], found[name])
        elif properties[key].default is not None:
            values[key] = properties[key].default
    return values


# --- load balancers ---------------------------------------------------------------------------------------------------

COMMON_ATTRIBUTES = {"enableDeletionProtection": "deletion_protection.enabled"}
APPLICATION_ATTRIBUTES = {
    "clientKeepAlive": "client_keep_alive.seconds",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableTlsVersionAndCipherSuiteHeaders": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "enableWafFailOpen": "waf.fail_open.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}
NETWORK_ATTRIBUTES = {
    "dnsRecordClientRoutingPolicy": "dns_record.client_routing_policy",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
}
LOG_FIELDS = {
    "bucket": string(required=True),
    "enabled": boolean(default=False),
    "prefix": string(),
}
LOG_BLOCKS = {"accessLogs": "access_logs.s3", "connectionLogs": "connection_logs.s3"}


def load_balancer_attributes(kind: str) -> dict[str, str]:
    return {**COMMON_ATTRIBUTES, **(APPLICATION_ATTRIBUTES if kind == "application" else NETWORK_ATTRIBUTES)}


class LoadBalancer(Resource):
    type_name = "aws:lb/loadBalancer:LoadBalancer"
    name_limit = 32
    exclusive = (("name", "namePrefix"), ("subnets", "subnetMappings"))
    properties = {
        "accessLogs": block(LOG_FIELDS),
        "arn": output(),
        "arnSuffix": output(),
        "clientKeepAlive": integer(default=3600, minimum=60, maximum=604800),
        "connectionLogs": block(LOG_FIELDS),
        "desyncMitigationMode": string(default="defensive", allowed=("monitor", "defensive", "strictest")),
        "dnsName": output(),
        "dnsRecordClientRoutingPolicy": string(
            default="any_availability_zone",
            allowed=("any_availability_zone", "availability_zone_affinity", "partial_availability_zone_affinity"),
        ),
        "dropInvalidHeaderFields": boolean(default=False),
        "enableCrossZoneLoadBalancing": boolean(default=False),
        "enableDeletionProtection": boolean(default=False),
        "enableHttp2": boolean(default=True),
        "enableTlsVersionAndCipherSuiteHeaders": boolean(default=False),
        "enableWafFailOpen": boolean(default=False),
        "enableXffClientPort": boolean(default=False),
        "enableZonalShift": boolean(default=False),
        "idleTimeout": integer(default=60, minimum=1, maximum=4000),
        "internal": boolean(computed=True, replaces=True),
        "ipAddressType": string(computed=True, allowed=("ipv4", "dualstack", "dualstack-without-public-ipv4")),
        "loadBalancerType": string(default="application", replaces=True, allowed=("application", "network", "gateway")),
        "name": string(
            computed=True, replaces=True, pattern=r"(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
        ),
        "namePrefix": string(computed=True, replaces=True),
        "preserveHostHeader": boolean(default=False),
        "securityGroups": strings(computed=True),
        "subnetMappings": blocks(
            {
                "allocationId": string(replaces=True),
                "ipv6Address": string(replaces=True),
                "privateIpv4Address": string(replaces=True),
                "subnetId": string(required=True),
            },
            computed=True,
        ),
        "subnets": strings(computed=True),
        "vpcId": output(),
        "xffHeaderProcessingMode": string(default="append", allowed=("append", "preserve", "remove")),
        "zoneId": output(),
    }

    def check(self, inputs: Values) -> list[str]:
        if not inputs.get("subnets") and not inputs.get("subnetMappings"):
            return ["subnets: got nothing, expected the subnets of the load balancer; add them, or subnetMappings"]
        return []

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "Name": new.get("name") or schema.prefixed_name(new["namePrefix"])[: self.name_limit],
            "Type": new["loadBalancerType"],
            "Scheme": "internal" if new.get("internal") else "internet-facing",
        }
        if new["tagsAll"]:
            request["Tags"] = tag_list(new["tagsAll"])
        for key, api in {
            "securityGroups": "SecurityGroups",
            "subnets": "Subnets",
            "ipAddressType": "IpAddressType",
        }.items():
            if new.get(key):
                request[api] = new[key]
        if new.get("subnetMappings"):
            request["SubnetMappings"] = _subnet_mappings(new["subnetMappings"])
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
        attributes = load_balancer_attributes(new["loadBalancerType"])
        self._set_attributes(call, resource_id, new, {*attributes, *LOG_BLOCKS}, {})

    def _set_attributes(self, call: Call, arn: str, new: Values, keys: set[str], old: Values) -> None:
        names = load_balancer_attributes(new["loadBalancerType"])
        pairs = [(names[key], attribute_text(new[key])) for key in sorted(keys & set(names)) if key in new]
        for key in sorted(keys & set(LOG_BLOCKS)):
            logs = new.get(key)
            if logs:
                pairs.append((f"{LOG_BLOCKS[key]}.enabled", attribute_text(logs["enabled"])))
                if logs["enabled"]:
                    pairs.append((f"{LOG_BLOCKS[key]}.bucket", logs["bucket"]))
                    pairs.append((f"{LOG_BLOCKS[key]}.prefix", logs.get("prefix", "")))
            elif old.get(key):
                pairs.append((f"{LOG_BLOCKS[key]}.enabled", "false"))
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
        kind = found["Type"]
        zones = found.get("AvailabilityZones") or []
        logs: Values = {}
        for key, name in LOG_BLOCKS.items():
            enabled = attributes.get(f"{name}.enabled") == "true"
            if enabled or state.get(key):
                known = state.get(key) or {}
                logs[key] = {
                    "bucket": attributes.get(f"{name}.bucket") or known.get("bucket"),
                    "enabled": enabled,
                    "prefix": attributes.get(f"{name}.prefix") or None,
                }
        others = {
            key: prop.default
            for key, prop in self.properties.items()
            if prop.default is not None and key not in load_balancer_attributes(kind) and key != "loadBalancerType"
        }
        return {
            **others,
            **with_attributes(self.properties, load_balancer_attributes(kind), attributes),
            **logs,
            "arn": resource_id,
            "arnSuffix": resource_id.split(":loadbalancer/", 1)[-1],
            "dnsName": found["DNSName"],
            "internal": found.get("Scheme") == "internal",
            "ipAddressType": found.get("IpAddressType"),
            "loadBalancerType": kind,
            "name": found["LoadBalancerName"],
            "namePrefix": state.get("namePrefix"),
            "securityGroups": found.get("SecurityGroups") or [],
            "subnetMappings": [_mapping_of(zone) for zone in zones],
            "subnets": [zone["SubnetId"] for zone in zones],
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
        elif "subnetMappings" in changed:
            elb.set_subnets(LoadBalancerArn=resource_id, SubnetMappings=_subnet_mappings(new["subnetMappings"]))
        if "ipAddressType" in changed:
            elb.set_ip_address_type(LoadBalancerArn=resource_id, IpAddressType=new["ipAddressType"])
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


def _subnet_mappings(given: Sequence[Values]) -> list[Values]:
    names = {
        "subnetId": "SubnetId",
        "allocationId": "AllocationId",
        "privateIpv4Address": "PrivateIPv4Address",
        "ipv6Address": "IPv6Address",
    }
    return [{api: item[key] for key, api in names.items() if item.get(key)} for item in given]


def _mapping_of(zone: Values) -> Values:
    address = (zone.get("LoadBalancerAddresses") or [{}])[0]
    return {
        "allocationId": address.get("AllocationId"),
        "ipv6Address": address.get("IPv6Address"),
        "privateIpv4Address": address.get("PrivateIPv4Address"),
        "subnetId": zone["SubnetId"],
    }


# --- target groups ----------------------------------------------------------------------------------------------------

TARGET_GROUP_ATTRIBUTES = {
    "connectionTermination": "deregistration_delay.connection_termination.enabled",
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "lambdaMultiValueHeadersEnabled": "lambda.multi_value_headers.enabled",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "preserveClientIp": "preserve_client_ip.enabled",
    "proxyProtocolV2": "proxy_protocol_v2.enabled",
    "slowStart": "slow_start.duration_seconds",
}
NETWORK_PROTOCOLS = ("TCP", "UDP", "TCP_UDP", "TLS")
NOT_OF_HTTP = {"connectionTermination", "preserveClientIp", "proxyProtocolV2", "lambdaMultiValueHeadersEnabled"}
ONLY_OF_HTTP = {"loadBalancingAlgorithmType", "loadBalancingAnomalyMitigation", "slowStart"}
HEALTH_CHECK = {
    "enabled": boolean(default=True),
    "healthyThreshold": integer(default=3, minimum=2, maximum=10),
    "interval": integer(default=30, minimum=5, maximum=300),
    "matcher": string(computed=True),
    "path": string(computed=True),
    "port": string(default="traffic-port"),
    "protocol": string(default="HTTP", allowed=("HTTP", "HTTPS", "TCP")),
    "timeout": integer(computed=True, minimum=2, maximum=120),
    "unhealthyThreshold": integer(default=3, minimum=2, maximum=10),
}


class TargetGroup(Resource):
    type_name = "aws:lb/targetGroup:TargetGroup"
    name_limit = 32
    exclusive = (("name", "namePrefix"),)
    properties = {
        "arn": output(),
        "arnSuffix": output(),
        "connectionTermination": boolean(computed=True),
        "deregistrationDelay": integer(default=300, minimum=0, maximum=3600),
        "healthCheck": block(HEALTH_CHECK, computed=True),
        "ipAddressType": string(computed=True, replaces=True, allowed=("ipv4", "ipv6")),
        "lambdaMultiValueHeadersEnabled": boolean(default=False),
        "loadBalancerArns": output("set"),
        "loadBalancingAlgorithmType": string(
            computed=True, allowed=("round_robin", "least_outstanding_requests", "weighted_random")
        ),
        "loadBalancingAnomalyMitigation": string(computed=True, allowed=("on", "off")),
        "loadBalancingCrossZoneEnabled": string(
            computed=True, allowed=("true", "false", "use_load_balancer_configuration")
        ),
        "name": string(computed=True, replaces=True, pattern=r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"),
        "namePrefix": string(computed=True, replaces=True),
        "port": integer(replaces=True, minimum=1, maximum=65535),
        "preserveClientIp": string(computed=True),
        "protocol": string(
            replaces=True, allowed=("HTTP", "HTTPS", "GENEVE", *NETWORK_PROTOCOLS), same=lambda a, b: a == b
        ),
        "protocolVersion": string(computed=True, replaces=True, allowed=("HTTP1", "HTTP2", "GRPC")),
        "proxyProtocolV2": boolean(default=False),
        "slowStart": integer(
            default=0, form=lambda value: None if value == 0 or 30 <= value <= 900 else "0 or 30 to 900"
        ),
        "stickiness": block(
            {
                "cookieDuration": integer(default=86400, minimum=0, maximum=604800),
                "cookieName": string(),
                "enabled": boolean(default=True),
                "type": string(
                    required=True,
                    allowed=(
                        "lb_cookie",
                        "app_cookie",
                        "source_ip",
                        "source_ip_dest_ip",
                        "source_ip_dest_ip_proto",
                    ),
                ),
            },
            computed=True,
        ),
        "targetType": string(default="instance", replaces=True, allowed=("instance", "ip", "lambda", "alb")),
        "vpcId": string(replaces=True),
    }

    def check(self, inputs: Values) -> list[str]:
        problems = []
        if inputs["targetType"] != "lambda":
            for key in ("port", "protocol", "vpcId"):
                if key not in inputs:
                    problems.append(f"{key}: got nothing, expected a value, as targetType is not lambda; add it")
        health = inputs.get("healthCheck")
        if isinstance(health, dict) and health.get("protocol") == "TCP":
            for key in ("matcher", "path"):
                if health.get(key):
                    problems.append(f"healthCheck.{key}: got a value, expected nothing for TCP; remove it")
        interval, timeout = (health or {}).get("interval"), (health or {}).get("timeout")
        if isinstance(interval, int) and isinstance(timeout, int) and timeout >= interval:
            problems.append(
                f"healthCheck.timeout: got {timeout}, expected less than the interval of {interval} s; change one"
            )
        return problems

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "Name": new.get("name") or schema.prefixed_name(new["namePrefix"])[: self.name_limit],
            "TargetType": new["targetType"],
        }
        if new["tagsAll"]:
            request["Tags"] = tag_list(new["tagsAll"])
        names = {
            "port": "Port",
            "protocol": "Protocol",
            "protocolVersion": "ProtocolVersion",
            "vpcId": "VpcId",
            "ipAddressType": "IpAddressType",
        }
        request.update({api: new[key] for key, api in names.items() if new.get(key)})
        request.update(_health_request(new.get("healthCheck") or {}))
        created = call.client("elbv2").create_target_group(**request)["TargetGroups"][0]
        return str(created["TargetGroupArn"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        self._set_attributes(call, resource_id, new, {*TARGET_GROUP_ATTRIBUTES, "stickiness"})

    def _attributes(self, values: Values) -> dict[str, str]:
        if values["targetType"] == "lambda":
            names = {"lambdaMultiValueHeadersEnabled"}
        elif values.get("protocol") in NETWORK_PROTOCOLS:
            names = set(TARGET_GROUP_ATTRIBUTES) - ONLY_OF_HTTP - {"lambdaMultiValueHeadersEnabled"}
        else:
            names = set(TARGET_GROUP_ATTRIBUTES) - NOT_OF_HTTP
        return {key: TARGET_GROUP_ATTRIBUTES[key] for key in sorted(names)}

    def _set_attributes(self, call: Call, arn: str, new: Values, keys: set[str]) -> None:
        pairs = [
            (name, attribute_text(new[key]))
            for key, name in self._attributes(new).items()
            if key in keys and new.get(key) is not None
        ]
        if "stickiness" in keys and (sticky := new.get("stickiness")):
            pairs += [("stickiness.enabled", attribute_text(sticky["enabled"])), ("stickiness.type", sticky["type"])]
            if sticky["type"] == "lb_cookie":
                pairs.append(("stickiness.lb_cookie.duration_seconds", str(sticky["cookieDuration"])))
            elif sticky["type"] == "app_cookie":
                pairs.append(("stickiness.app_cookie.duration_seconds", str(sticky["cookieDuration"])))
                pairs.append(("stickiness.app_cookie.cookie_name", sticky.get("cookieName", "")))
        if pairs:
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
        values: Values = {
            "arn": resource_id,
            "arnSuffix": resource_id.rsplit(":", 1)[-1],
            "healthCheck": _health_of(found),
            "ipAddressType": found.get("IpAddressType") or "ipv4",
            "loadBalancerArns": found.get("LoadBalancerArns") or [],
            "name": found["TargetGroupName"],
            "namePrefix": state.get("namePrefix"),
            "port": found.get("Port"),
            "protocol": found.get("Protocol"),
            "protocolVersion": found.get("ProtocolVersion"),
            "stickiness": _stickiness_of(attributes),
            "tags": tags_of(call, resource_id),
            "targetType": found.get("TargetType", "instance"),
            "vpcId": found.get("VpcId"),
        }
        others = {
            key: self.properties[key].default
            for key in TARGET_GROUP_ATTRIBUTES
            if self.properties[key].default is not None
        }
        # What the emulator does not report reads as it was set.
        known = {key: state[key] for key in self._attributes(values) if state.get(key) is not None}
        reported = with_attributes(
            self.properties,
            {key: name for key, name in self._attributes(values).items() if name in attributes},
            attributes,
        )
        return {**others, **known, **reported, **values}

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


def _health_request(health: Values) -> Values:
    names = {
        "enabled": "HealthCheckEnabled",
        "healthyThreshold": "HealthyThresholdCount",
        "interval": "HealthCheckIntervalSeconds",
        "path": "HealthCheckPath",
        "port": "HealthCheckPort",
        "protocol": "HealthCheckProtocol",
        "timeout": "HealthCheckTimeoutSeconds",
        "unhealthyThreshold": "UnhealthyThresholdCount",
    }
    request = {api: health[key] for key, api in names.items() if health.get(key) is not None}
    if health.get("protocol") == "TCP":
        request.pop("HealthCheckPath", None)
    elif health.get("matcher"):
        request["Matcher"] = {"HttpCode": health["matcher"]}
    return request


def _health_of(found: Values) -> Values:
    matcher = found.get("Matcher") or {}
    return {
        "enabled": found.get("HealthCheckEnabled", True),
        "healthyThreshold": found.get("HealthyThresholdCount"),
        "interval": found.get("HealthCheckIntervalSeconds"),
        "matcher": matcher.get("HttpCode") or matcher.get("GrpcCode"),
        "path": found.get("HealthCheckPath"),
        "port": found.get("HealthCheckPort"),
        "protocol": found.get("HealthCheckProtocol"),
        "timeout": found.get("HealthCheckTimeoutSeconds"),
        "unhealthyThreshold": found.get("UnhealthyThresholdCount"),
    }


def _stickiness_of(attributes: Mapping[str, str]) -> Values | None:
    kind = attributes.get("stickiness.type")
    if not kind:
        return None
    seconds = attributes.get(f"stickiness.{kind}.duration_seconds")
    return {
        "cookieDuration": int(seconds) if seconds else 86400,
        "cookieName": attributes.get("stickiness.app_cookie.cookie_name") or None,
        "enabled": attributes.get("stickiness.enabled") == "true",
        "type": kind,
    }


# --- actions and conditions -------------------------------------------------------------------------------------------

AUTHENTICATION = {
    "authenticationRequestExtraParams": mapping(),
    "onUnauthenticatedRequest": string(computed=True),
    "scope": string(computed=True),
    "sessionCookieName": string(computed=True),
    "sessionTimeout": integer(computed=True),
}
ACTION = {
    "authenticateCognito": block(
        {
            **AUTHENTICATION,
            "userPoolArn": string(required=True),
            "userPoolClientId": string(required=True),
            "userPoolDomain": string(required=True),
        }
    ),
    "authenticateOidc": block(
        {
            **AUTHENTICATION,
            "authorizationEndpoint": string(required=True),
            "clientId": string(required=True),
            "clientSecret": string(required=True, sensitive=True),
            "issuer": string(required=True),
            "tokenEndpoint": string(required=True),
            "userInfoEndpoint": string(required=True),
        }
    ),
    "fixedResponse": block(
        {
            "contentType": string(required=True),
            "messageBody": string(),
            "statusCode": string(computed=True),
        }
    ),
    "forward": block(
        {
            "stickiness": block({"duration": integer(required=True), "enabled": boolean(default=False)}),
            "targetGroups": blocks(
                {"arn": string(required=True), "weight": integer(default=1, minimum=0, maximum=999)}, required=True
            ),
        }
    ),
    "order": integer(computed=True, minimum=1, maximum=50000),
    "redirect": block(
        {
            "host": string(default="#{host}"),
            "path": string(default="/#{path}"),
            "port": string(default="#{port}"),
            "protocol": string(default="#{protocol}", allowed=("#{protocol}", "HTTP", "HTTPS")),
            "query": string(default="#{query}"),
            "statusCode": string(required=True, allowed=("HTTP_301", "HTTP_302")),
        }
    ),
    "targetGroupArn": string(),
    "type": string(
        required=True,
        allowed=("authenticate-cognito", "authenticate-oidc", "fixed-response", "forward", "redirect"),
    ),
}
ACTION_BLOCKS = {
    "authenticate-cognito": ("authenticateCognito", "AuthenticateCognitoConfig"),
    "authenticate-oidc": ("authenticateOidc", "AuthenticateOidcConfig"),
    "fixed-response": ("fixedResponse", "FixedResponseConfig"),
    "redirect": ("redirect", "RedirectConfig"),
}


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]


def action_problems(actions: Any, path: str) -> list[str]:
    problems = []
    for index, action in enumerate(actions if isinstance(actions, list) else ()):
        if not isinstance(action, dict) or not isinstance(action.get("type"), str):
            continue
        kind, place = action["type"], f"{path}[{index}]"
        wanted = ("targetGroupArn", "forward") if kind == "forward" else (ACTION_BLOCKS[kind][0],)
        if not any(key in action for key in wanted):
            problems.append(f"{place}.{wanted[0]}: got nothing, expected a value for type {kind}; add it")
        for key in (
            "authenticateCognito",
            "authenticateOidc",
            "fixedResponse",
            "forward",
            "redirect",
            "targetGroupArn",
        ):
            if key in action and key not in wanted:
                problems.append(f"{place}.{key}: got a value, expected nothing for type {kind}; remove it")
    return problems


def actions_request(actions: Sequence[Values]) -> list[Values]:
    requests = []
    for index, action in enumerate(actions):
        request: Values = {"Type": action["type"], "Order": action.get("order") or index + 1}
        if action["type"] == "forward":
            if forward := action.get("forward"):
                config: Values = {
                    "TargetGroups": [
                        {"TargetGroupArn": group["arn"], "Weight": group.get("weight", 1)}
                        for group in forward["targetGroups"]
                    ]
                }
                if sticky := forward.get("stickiness"):
                    config["TargetGroupStickinessConfig"] = {
                        "Enabled": sticky.get("enabled", False),
                        "DurationSeconds": sticky["duration"],
                    }
                request["ForwardConfig"] = config
                # The emulator knows one target group an action: the one that gets the most.
                request["TargetGroupArn"] = _heaviest(forward)
            else:
                request["TargetGroupArn"] = action["targetGroupArn"]
        else:
            key, api = ACTION_BLOCKS[action["type"]]
            request[api] = {_pascal(name): value for name, value in action[key].items() if value not in (None, "")}
        requests.append(request)
    return requests


def _heaviest(forward: Values) -> str:
    groups = forward["targetGroups"]
    return str(max(groups, key=lambda group: group.get("weight", 1))["arn"])


def _known_forward(known: Any, index: int) -> Values | None:
    return known[index].get("forward") if isinstance(known, list) and index < len(known) else None


def _actions_of(found: Sequence[Values], known: Any) -> list[Values]:
    actions = []
    for index, item in enumerate(sorted(found, key=lambda action: action.get("Order", 0))):
        action: Values = {"type": item["Type"], "order": item.get("Order") or index + 1}
        if item["Type"] == "forward":
            groups = (item.get("ForwardConfig") or {}).get("TargetGroups") or []
            forward = _known_forward(known, index)
            if not groups and forward and _heaviest(forward) == item.get("TargetGroupArn"):
                action["forward"] = forward  # which the emulator has forgotten
            elif item.get("TargetGroupArn") and len(groups) <= 1:
                action["targetGroupArn"] = item["TargetGroupArn"]
            else:
                action["forward"] = {
                    "targetGroups": [
                        {"arn": group["TargetGroupArn"], "weight": group.get("Weight", 1)} for group in groups
                    ]
                }
                sticky = item["ForwardConfig"].get("TargetGroupStickinessConfig") or {}
                if sticky.get("DurationSeconds"):
                    action["forward"]["stickiness"] = {
                        "enabled": sticky.get("Enabled", False),
                        "duration": sticky["DurationSeconds"],
                    }
        else:
            key, api = ACTION_BLOCKS[item["Type"]]
            action[key] = {_camel(name): value for name, value in (item.get(api) or {}).items()}
            if key == "authenticateOidc":  # AWS never returns it
                earlier = [
                    a.get(key, {}).get("clientSecret") for a in known or () if isinstance(a, dict) and a.get(key)
                ]
                action[key].setdefault("clientSecret", next(iter(earlier), None))
        actions.append(action)
    return actions


def _canonical_action(action: Values, index: int) -> Any:
    """What an action does, whichever of its spellings is used."""
    meaning: Values = {"type": action["type"], "order": action.get("order") or index + 1}
    if action["type"] == "forward":
        forward = action.get("forward") or {}
        groups = forward.get("targetGroups") or [{"arn": action.get("targetGroupArn")}]
        weights = {group["arn"]: group.get("weight", 1) for group in groups}
        if len(weights) == 1:  # the weight of a single group means nothing
            weights = dict.fromkeys(weights, 1)
        meaning["groups"] = sorted(weights.items(), key=str)
        sticky = forward.get("stickiness") or {}
        meaning["sticky"] = sticky.get("duration") if sticky.get("enabled") else None
    else:
        key, _ = ACTION_BLOCKS[action["type"]]
        given = action.get(key) or {}
        defaults = {name: prop.default for name, prop in ACTION[key].fields.items() if prop.default is not None}
        meaning[key] = {name: str(value) for name, value in {**defaults, **given}.items() if value not in (None, "")}
    return meaning


def _same_meaning(olds: Any, news: Any) -> bool:
    if len(olds or ()) != len(news or ()):
        return False
    for index, (old, new) in enumerate(zip(olds, news, strict=True)):
        a, b = _canonical_action(old, index), _canonical_action(new, index)
        for key in ("authenticateCognito", "authenticateOidc", "fixedResponse"):
            if key in b and key in a:  # what the program leaves to AWS is no difference
                a[key] = {name: value for name, value in a[key].items() if name in b[key]}
        if a != b:
            return False
    return True


def actions_property() -> Property:
    return blocks(ACTION, ordered=True, required=True, same=_same_meaning)


def read_actions(found: Sequence[Values], known: Any) -> list[Values]:
    actions = schema.without_empty(_actions_of(found, known))
    if known and _same_meaning(actions, known):
        return [{**action, "order": action.get("order") or index + 1} for index, action in enumerate(known)]
    return list(actions)


CONDITION = {
    "hostHeader": block({"values": strings(required=True)}),
    "httpHeader": block({"httpHeaderName": string(required=True), "values": strings(required=True)}),
    "httpRequestMethod": block({"values": strings(required=True)}),
    "pathPattern": block({"values": strings(required=True)}),
    "queryStrings": blocks({"key": string(), "value": string(required=True)}),
    "sourceIp": block({"values": strings(required=True)}),
}
CONDITION_FIELDS = {
    "hostHeader": ("host-header", "HostHeaderConfig"),
    "httpRequestMethod": ("http-request-method", "HttpRequestMethodConfig"),
    "pathPattern": ("path-pattern", "PathPatternConfig"),
    "sourceIp": ("source-ip", "SourceIpConfig"),
}


def conditions_request(conditions: Sequence[Values]) -> list[Values]:
    requests: list[Values] = []
    for condition in conditions:
        for key, (name, config) in CONDITION_FIELDS.items():
            if condition.get(key):
                requests.append({"Field": name, config: {"Values": condition[key]["values"]}})
        if header := condition.get("httpHeader"):
            named = {"HttpHeaderName": header["httpHeaderName"], "Values": header["values"]}
            requests.append({"Field": "http-header", "HttpHeaderConfig": named})
        if queries := condition.get("queryStrings"):
            values = [{_pascal(key): value for key, value in query.items() if value} for query in queries]
            requests.append({"Field": "query-string", "QueryStringConfig": {"Values": values}})
    return requests


def read_conditions(found: Sequence[Values]) -> list[Values]:
    conditions: list[Values] = []
    fields = {name: (key, config) for key, (name, config) in CONDITION_FIELDS.items()}
    for item in found:
        if item["Field"] in fields:
            key, config = fields[item["Field"]]
            conditions.append({key: {"values": (item.get(config) or {}).get("Values") or item.get("Values") or []}})
        elif item["Field"] == "http-header":
            header = item["HttpHeaderConfig"]
            conditions.append({"httpHeader": {"httpHeaderName": header["HttpHeaderName"], "values": header["Values"]}})
        elif item["Field"] == "query-string":
            queries = item["QueryStringConfig"]["Values"]
            conditions.append(
                {"queryStrings": [{_camel(key): value for key, value in query.items()} for query in queries]}
            )
    return conditions


# --- listeners --------------------------------------------------------------------------------------------------------


def _header(kind: str, name: str) -> str:
    return (
        f"routing.http.response.{name}.header_value"
        if kind == "response"
        else f"routing.http.request.{name}.header_name"
    )


LISTENER_ATTRIBUTES = {
    "routingHttpRequestXAmznTlsCipherSuiteHeaderName": _header("request", "x_amzn_tls_cipher_suite"),
    "routingHttpRequestXAmznTlsVersionHeaderName": _header("request", "x_amzn_tls_version"),
    "routingHttpResponseAccessControlAllowCredentialsHeaderValue": _header(
        "response", "access_control_allow_credentials"
    ),
    "routingHttpResponseAccessControlAllowHeadersHeaderValue": _header("response", "access_control_allow_headers"),
    "routingHttpResponseAccessControlAllowMethodsHeaderValue": _header("response", "access_control_allow_methods"),
    "routingHttpResponseAccessControlAllowOriginHeaderValue": _header("response", "access_control_allow_origin"),
    "routingHttpResponseAccessControlExposeHeadersHeaderValue": _header("response", "access_control_expose_headers"),
    "routingHttpResponseAccessControlMaxAgeHeaderValue": _header("response", "access_control_max_age"),
    "routingHttpResponseContentSecurityPolicyHeaderValue": _header("response", "content_security_policy"),
    "routingHttpResponseServerEnabled": "routing.http.response.server.enabled",
    "routingHttpResponseStrictTransportSecurityHeaderValue": _header("response", "strict_transport_security"),
    "routingHttpResponseXContentTypeOptionsHeaderValue": _header("response", "x_content_type_options"),
    "routingHttpResponseXFrameOptionsHeaderValue": _header("response", "x_frame_options"),
    "tcpIdleTimeoutSeconds": "tcp.idle_timeout.seconds",
}


class Listener(Resource):
    type_name = "aws:lb/listener:Listener"
    properties = {
        "alpnPolicy": string(),
        "arn": output(),
        "certificateArn": string(),
        "defaultActions": actions_property(),
        "loadBalancerArn": string(required=True, replaces=True),
        "mutualAuthentication": block(
            {
                "advertiseTrustStoreCaNames": string(computed=True),
                "ignoreClientCertificateExpiry": boolean(default=False),
                "mode": string(required=True, allowed=("off", "verify", "passthrough")),
                "trustStoreArn": string(),
            },
            computed=True,
        ),
        "port": integer(minimum=1, maximum=65535),
        "protocol": string(computed=True, allowed=("HTTP", "HTTPS", *NETWORK_PROTOCOLS, "GENEVE")),
        "sslPolicy": string(computed=True),
        **{
            key: Property(
                kind="boolean" if key.endswith("Enabled") else "integer" if key.endswith("Seconds") else "string",
                computed=True,
            )
            for key in LISTENER_ATTRIBUTES
        },
    }

    def check(self, inputs: Values) -> list[str]:
        problems = action_problems(inputs.get("defaultActions"), "defaultActions")
        secure = inputs.get("protocol") in ("HTTPS", "TLS")
        if secure and "certificateArn" not in inputs:
            problems.append(
                f"certificateArn: got nothing, expected an ACM certificate, as protocol is {inputs['protocol']}; add it"
            )
        if not secure and isinstance(inputs.get("protocol"), str) and "sslPolicy" in inputs:
            problems.append(f"sslPolicy: got a value, expected nothing, as protocol is {inputs['protocol']}; remove it")
        return problems

    def _request(self, new: Values) -> Values:
        request: Values = {"DefaultActions": actions_request(new["defaultActions"])}
        for key, api in {"port": "Port", "protocol": "Protocol", "sslPolicy": "SslPolicy"}.items():
            if new.get(key):
                request[api] = new[key]
        if new.get("certificateArn"):
            request["Certificates"] = [{"CertificateArn": new["certificateArn"]}]
        if new.get("alpnPolicy"):
            request["AlpnPolicy"] = [new["alpnPolicy"]]
        if mutual := new.get("mutualAuthentication"):
            request["MutualAuthentication"] = {
                _pascal(key): value for key, value in mutual.items() if value is not None
            }
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
        attributes = [
            {"Key": name, "Value": attribute_text(new[key])}
            for key, name in LISTENER_ATTRIBUTES.items()
            if key in keys and new.get(key) is not None
        ]
        if attributes:
            call.client("elbv2").modify_listener_attributes(ListenerArn=arn, Attributes=attributes)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = found_one(call, "describe_listeners", "Listeners", ListenerArns=[resource_id])
        if found is None:
            return None
        attributes = attributes_map(
            call.client("elbv2").describe_listener_attributes(ListenerArn=resource_id)["Attributes"]
        )
        mutual = found.get("MutualAuthentication")
        return {
            **with_attributes(self.properties, LISTENER_ATTRIBUTES, attributes),
            "alpnPolicy": next(iter(found.get("AlpnPolicy") or ()), None),
            "arn": resource_id,
            "certificateArn": next(
                (item["CertificateArn"] for item in found.get("Certificates") or () if item.get("CertificateArn")), None
            ),
            "defaultActions": read_actions(found["DefaultActions"], state.get("defaultActions")),
            "loadBalancerArn": found["LoadBalancerArn"],
            "mutualAuthentication": {_camel(key): value for key, value in mutual.items()} if mutual else None,
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
        "actions": actions_property(),
        "arn": output(),
        "conditions": blocks(CONDITION, required=True),
        "listenerArn": string(required=True, replaces=True),
        "priority": integer(computed=True, minimum=1, maximum=50000),
    }

    def check(self, inputs: Values) -> list[str]:
        problems = action_problems(inputs.get("actions"), "actions")
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
            "Actions": actions_request(new["actions"]),
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
            "actions": read_actions(found["Actions"], state.get("actions")),
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
            request["Actions"] = actions_request(new["actions"])
        if "conditions" in changed:
            request["Conditions"] = conditions_request(new["conditions"])
        if request:
            elb.modify_rule(RuleArn=resource_id, **request)
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("RuleNotFound"):
            call.client("elbv2").delete_rule(RuleArn=resource_id)
