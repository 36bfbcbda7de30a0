# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""EC2 security groups and their rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from local.providers.aws import schema
from local.providers.aws.ec2 import change_tags, delete_when_unused, described, tagged_at_creation
from local.providers.aws.resource import Call, Resource, Values, ignoring, tag_map
from local.providers.aws.schema import Change, Property, blocks, boolean, integer, output, string, strings
from local.providers.server import ProviderError

PROTOCOL_NAMES = {"-1": "-1", "all": "-1", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
EVERY_ADDRESS = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}


def protocol(value: Any) -> str:
    text = str(value).lower()
    return PROTOCOL_NAMES.get(text, text)


def same_protocol(old: Any, new: Any) -> bool:
    return protocol(old) == protocol(new)


def _description(text: str) -> str | None:
    return None if len(text) <= 255 else "at most 255 characters"


def inline_rules() -> Property:
    return blocks(
        {
            "cidrBlocks": strings(ordered=True),
            "description": string(),
            "fromPort": integer(required=True),
            "ipv6CidrBlocks": strings(ordered=True),
            "prefixListIds": strings(ordered=True),
            "protocol": string(required=True, same=same_protocol),
            "securityGroups": strings(),
            "self": boolean(default=False),
            "toPort": integer(required=True),
        },
        computed=True,
        same=lambda old, new: _sources(old) == _sources(new),
    )


def _sources(rules: Any) -> set[tuple[Any, ...]]:
    """Each rule as its single sources, which is how EC2 keeps them: grouping and order mean nothing."""
    found: set[tuple[Any, ...]] = set()
    for rule in rules or ():
        every = protocol(rule["protocol"]) == "-1"
        head = (
            protocol(rule["protocol"]),
            None if every else rule.get("fromPort"),
            None if every else rule.get("toPort"),
            rule.get("description") or "",
        )
        for key in ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups"):
            found.update((*head, key, source) for source in rule.get(key) or ())
        if rule.get("self"):
            found.add((*head, "self", True))
    return found


def _permission(rule: Values, group: str) -> Values:
    every = protocol(rule["protocol"]) == "-1"
    permission: Values = {"IpProtocol": protocol(rule["protocol"])}
    if not every:
        permission.update(FromPort=rule["fromPort"], ToPort=rule["toPort"])
    described_by = {"Description": rule["description"]} if rule.get("description") else {}
    kinds = {
        "IpRanges": [{"CidrIp": source, **described_by} for source in rule.get("cidrBlocks") or ()],
        "Ipv6Ranges": [{"CidrIpv6": source, **described_by} for source in rule.get("ipv6CidrBlocks") or ()],
        "PrefixListIds": [{"PrefixListId": source, **described_by} for source in rule.get("prefixListIds") or ()],
        "UserIdGroupPairs": [
            {"GroupId": source, **described_by}
            for source in [*(rule.get("securityGroups") or ()), *([group] if rule.get("self") else ())]
        ],
    }
    permission.update({key: sources for key, sources in kinds.items() if sources})
    return permission


def _rules(permissions: Iterable[Values], group: str) -> list[Values]:
    """EC2's permissions as inline rules, one for each description."""
    rules: dict[tuple[Any, ...], Values] = {}
    for permission in permissions:
        every = permission["IpProtocol"] == "-1"
        ports = (0, 0) if every else (permission.get("FromPort", 0), permission.get("ToPort", 0))

        def rule(text: str, permission: Values = permission, ports: tuple[int, int] = ports) -> Values:
            key = (permission["IpProtocol"], ports, text)
            return rules.setdefault(
                key,
                {
                    "protocol": permission["IpProtocol"],
                    "fromPort": ports[0],
                    "toPort": ports[1],
                    "self": False,
                    **({"description": text} if text else {}),
                },
            )

        for kind, source_key, key in (
            ("IpRanges", "CidrIp", "cidrBlocks"),
            ("Ipv6Ranges", "CidrIpv6", "ipv6CidrBlocks"),
            ("PrefixListIds", "PrefixListId", "prefixListIds"),
        ):
            for source in permission.get(kind) or ():
                rule(source.get("Description", "")).setdefault(key, []).append(source[source_key])
        for pair in permission.get("UserIdGroupPairs") or ():
            entry = rule(pair.get("Description", ""))
            if pair["GroupId"] == group:
                entry["self"] = True
            else:
                entry.setdefault("securityGroups", []).append(pair["GroupId"])
    return list(rules.values())


def _like_known(known: Any, found: list[Values]) -> list[Values]:
    """The grouping of the program while it says the same as EC2."""
    return known if known and _sources(known) == _sources(found) else found


def set_rules(call: Call, group: str, direction: str, olds: list[Values], news: list[Values]) -> None:
    """Revokes what is not wanted any more, then authorizes what is missing."""
    ec2 = call.client("ec2")
    had, wanted = _sources(olds), _sources(news)
    revoked = [_permission(_single(source), group) for source in sorted(had - wanted, key=str)]
    added = [_permission(_single(source), group) for source in sorted(wanted - had, key=str)]
    if revoked:
        with ignoring("InvalidPermission.NotFound"):
            getattr(ec2, f"revoke_security_group_{direction}")(GroupId=group, IpPermissions=revoked)
    if added:
        with ignoring("InvalidPermission.Duplicate"):
            getattr(ec2, f"authorize_security_group_{direction}")(GroupId=group, IpPermissions=added)


def _single(source: tuple[Any, ...]) -> Values:
    name, first, last, text, key, value = source
    return {
        "protocol": name,
        "fromPort": first,
        "toPort": last,
        "description": text,
        key: value if key == "self" else [value],
    }


class SecurityGroup(Resource):
    type_name = "aws:ec2/securityGroup:SecurityGroup"
    exclusive: ClassVar[Sequence[tuple[str, ...]]] = (("name", "namePrefix"),)
    properties = {
        "arn": output(),
        "description": string(default="Managed by Pulumi", replaces=True, form=_description),
        "egress": inline_rules(),
        "ingress": inline_rules(),
        "name": string(computed=True, replaces=True),
        "namePrefix": string(computed=True, replaces=True),
        "ownerId": output(),
        "revokeRulesOnDelete": boolean(default=False, kept=True),
        "vpcId": string(computed=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "GroupName": new.get("name") or schema.prefixed_name(new["namePrefix"]),
            "Description": new["description"],
            "TagSpecifications": tagged_at_creation("security-group", new["tagsAll"]),
        }
        if new.get("vpcId"):
            request["VpcId"] = new["vpcId"]
        return str(call.client("ec2").create_security_group(**request)["GroupId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        # EC2 lets everything out of a new group; the official provider takes that away.
        found = described(call, "describe_security_groups", "SecurityGroups", GroupIds=[resource_id]) or {}
        set_rules(
            call,
            resource_id,
            "egress",
            _rules(found.get("IpPermissionsEgress") or (), resource_id),
            new.get("egress") or [],
        )
        set_rules(call, resource_id, "ingress", [], new.get("ingress") or [])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_security_groups", "SecurityGroups", GroupIds=[resource_id])
        if found is None:
            return None
        return {
            "arn": found.get("SecurityGroupArn") or call.arn("ec2", f"security-group/{resource_id}"),
            "description": found["Description"],
            "egress": _like_known(state.get("egress"), _rules(found.get("IpPermissionsEgress") or (), resource_id)),
            "ingress": _like_known(state.get("ingress"), _rules(found.get("IpPermissions") or (), resource_id)),
            "name": found["GroupName"],
            "namePrefix": state.get("namePrefix"),
            "ownerId": found.get("OwnerId"),
            "tags": tag_map(found.get("Tags")),
            "vpcId": found.get("VpcId"),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        for direction in ("ingress", "egress"):
            if direction in changed:
                set_rules(call, resource_id, direction, old.get(direction) or [], new.get(direction) or [])
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        if state.get("revokeRulesOnDelete"):
            found = self.read(call, resource_id, {}) or {}
            for direction in ("ingress", "egress"):
                set_rules(call, resource_id, direction, found.get(direction) or [], [])
        delete_when_unused(call, f"security group {resource_id}", "delete_security_group", GroupId=resource_id)


class DefaultSecurityGroup(SecurityGroup):
    """The group every VPC has: adopted and brought to exactly the given rules; deletion only forgets it."""

    type_name = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    name_property = None
    exclusive = ()
    properties = {
        "arn": output(),
        "description": output(),
        "egress": inline_rules(),
        "ingress": inline_rules(),
        "name": output(),
        "namePrefix": output(),
        "ownerId": output(),
        "revokeRulesOnDelete": boolean(default=False, kept=True),
        "vpcId": string(computed=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        vpc = new.get("vpcId")
        if not vpc:
            default = described(call, "describe_vpcs", "Vpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])
            if default is None:
                raise ProviderError("vpcId: got nothing, expected a VPC, as there is no default one; set it")
            vpc = default["VpcId"]
        filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        found = described(call, "describe_security_groups", "SecurityGroups", Filters=filters)
        if found is None:
            raise ProviderError(f"vpcId: got {vpc}, expected a VPC with a default security group; check it")
        return str(found["GroupId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        found = self.read(call, resource_id, {}) or {}
        for direction in ("ingress", "egress"):
            set_rules(call, resource_id, direction, found.get(direction) or [], new.get(direction) or [])
        change_tags(call, resource_id, {"tagsAll": found.get("tags")}, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        """AWS does not allow it; the group goes with its VPC."""


class _SeparateRule(Resource):
    direction: ClassVar[str]
    name_property = None
    one_of = (("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"),)
    properties: ClassVar[dict[str, Property]] = {
        "arn": output(),
        "cidrIpv4": string(form=schema.ipv4_network()),
        "cidrIpv6": string(),
        "description": string(),
        "fromPort": integer(minimum=-1, maximum=65535),
        "ipProtocol": string(required=True, same=same_protocol),
        "prefixListId": string(),
        "referencedSecurityGroupId": string(),
        "securityGroupId": string(required=True, replaces=True),
        "securityGroupRuleId": output(),
        "toPort": integer(minimum=-1, maximum=65535),
    }

    def adjust_differences(self, old: Values, new: Values, changes: dict[str, Change]) -> dict[str, Change]:
        """Another address is an update, another kind of source or destination a new rule."""
        (kinds,) = self.one_of
        return {
            path: replace(change, replaces=True) if path in kinds and change.action != "update" else change
            for path, change in changes.items()
        }

    def check(self, inputs: Values) -> list[str]:
        every = protocol(inputs["ipProtocol"]) == "-1"
        problems = []
        for key in ("fromPort", "toPort"):
            if every and key in inputs and inputs[key] != -1:
                problems.append(
                    f"{key}: got {schema.shown(inputs[key])}, expected nothing, "
                    "as ipProtocol -1 means every port; remove it"
                )
            if not every and key not in inputs:
                problems.append(f"{key}: got nothing, expected a port, as ipProtocol is not -1; add it")
        return problems

    def _permission(self, new: Values) -> Values:
        text = {"Description": new["description"]} if new.get("description") else {}
        permission: Values = {"IpProtocol": protocol(new["ipProtocol"])}
        if permission["IpProtocol"] != "-1":
            permission.update(FromPort=new["fromPort"], ToPort=new["toPort"])
        if new.get("cidrIpv4"):
            permission["IpRanges"] = [{"CidrIp": new["cidrIpv4"], **text}]
        if new.get("cidrIpv6"):
            permission["Ipv6Ranges"] = [{"CidrIpv6": new["cidrIpv6"], **text}]
        if new.get("prefixListId"):
            permission["PrefixListIds"] = [{"PrefixListId": new["prefixListId"], **text}]
        if new.get("referencedSecurityGroupId"):
            permission["UserIdGroupPairs"] = [{"GroupId": new["referencedSecurityGroupId"].rsplit("/", 1)[-1], **text}]
        return permission

    def create(self, call: Call, new: Values) -> str:
        found = getattr(call.client("ec2"), f"authorize_security_group_{self.direction}")(
            GroupId=new["securityGroupId"],
            IpPermissions=[self._permission(new)],
            TagSpecifications=tagged_at_creation("security-group-rule", new["tagsAll"]),
        )
        return str(found["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(
            call, "describe_security_group_rules", "SecurityGroupRules", SecurityGroupRuleIds=[resource_id]
        )
        if found is None or found.get("IsEgress", False) != (self.direction == "egress"):
            return None
        every = found["IpProtocol"] == "-1"
        known = state.get("ipProtocol")
        return {
            "arn": found.get("SecurityGroupRuleArn") or call.arn("ec2", f"security-group-rule/{resource_id}"),
            "cidrIpv4": found.get("CidrIpv4") or None,
            "cidrIpv6": found.get("CidrIpv6") or None,
            "description": found.get("Description") or None,
            "fromPort": state.get("fromPort") if every else found.get("FromPort"),
            "ipProtocol": known if known and same_protocol(known, found["IpProtocol"]) else found["IpProtocol"],
            "prefixListId": found.get("PrefixListId") or None,
            "referencedSecurityGroupId": (found.get("ReferencedGroupInfo") or {}).get("GroupId"),
            "securityGroupId": found["GroupId"],
            "securityGroupRuleId": resource_id,
            "tags": tag_map(found.get("Tags")),
            "toPort": state.get("toPort") if every else found.get("ToPort"),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed - {"tags", "tagsAll"}:
            request: Values = {"IpProtocol": protocol(new["ipProtocol"])}
            if request["IpProtocol"] != "-1":
                request.update(FromPort=new["fromPort"], ToPort=new["toPort"])
            names = {
                "cidrIpv4": "CidrIpv4",
                "cidrIpv6": "CidrIpv6",
                "description": "Description",
                "prefixListId": "PrefixListId",
                "referencedSecurityGroupId": "ReferencedGroupId",
            }
            request.update({api: new[key] for key, api in names.items() if new.get(key)})
            call.client("ec2").modify_security_group_rules(
                GroupId=old["securityGroupId"],
                SecurityGroupRules=[{"SecurityGroupRuleId": resource_id, "SecurityGroupRule": request}],
            )
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound", "InvalidPermission.NotFound"):
            getattr(call.client("ec2"), f"revoke_security_group_{self.direction}")(
                GroupId=state["securityGroupId"], SecurityGroupRuleIds=[resource_id]
            )


class IngressRule(_SeparateRule):
    type_name = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    direction = "ingress"


class EgressRule(_SeparateRule):
    type_name = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    direction = "egress"
