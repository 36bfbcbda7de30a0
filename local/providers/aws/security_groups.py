# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""EC2 security groups and their rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from local.providers.aws import schema
from local.providers.aws.ec2 import change_tags, delete_when_unused, described, tagged_at_creation
from local.providers.aws.resource import Call, Resource, Values, ignoring, tag_map
from local.providers.aws.schema import Change, Property, integer, output, string
from local.providers.server import ProviderError

PROTOCOL_NAMES = {"-1": "-1", "all": "-1", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}


def protocol(value: Any) -> str:
    text = str(value).lower()
    return PROTOCOL_NAMES.get(text, text)


def same_protocol(old: Any, new: Any) -> bool:
    return protocol(old) == protocol(new)


def _description(text: str) -> str | None:
    return None if len(text) <= 255 else "at most 255 characters"


def _close(call: Call, group: str) -> None:
    """Takes away every rule of the group."""
    ec2 = call.client("ec2")
    found = described(call, "describe_security_groups", "SecurityGroups", GroupIds=[group]) or {}
    for key, revoke in (
        ("IpPermissions", ec2.revoke_security_group_ingress),
        ("IpPermissionsEgress", ec2.revoke_security_group_egress),
    ):
        if found.get(key):
            with ignoring("InvalidPermission.NotFound"):
                revoke(GroupId=group, IpPermissions=found[key])


class SecurityGroup(Resource):
    type_name = "aws:ec2/securityGroup:SecurityGroup"
    properties = {
        "arn": output(),
        "description": string(default="Managed by Pulumi", replaces=True, form=_description),
        "name": string(computed=True, replaces=True),
        "ownerId": output(),
        "vpcId": string(computed=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "GroupName": new["name"],
            "Description": new["description"],
            "TagSpecifications": tagged_at_creation("security-group", new["tagsAll"]),
        }
        if new.get("vpcId"):
            request["VpcId"] = new["vpcId"]
        return str(call.client("ec2").create_security_group(**request)["GroupId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        # EC2 lets everything out of a new group; the official provider takes that away.
        _close(call, resource_id)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_security_groups", "SecurityGroups", GroupIds=[resource_id])
        if found is None:
            return None
        return {
            "arn": found.get("SecurityGroupArn") or call.arn("ec2", f"security-group/{resource_id}"),
            "description": found["Description"],
            "name": found["GroupName"],
            "ownerId": found.get("OwnerId"),
            "tags": tag_map(found.get("Tags")),
            "vpcId": found.get("VpcId"),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        delete_when_unused(call, f"security group {resource_id}", "delete_security_group", GroupId=resource_id)


class DefaultSecurityGroup(SecurityGroup):
    """The group every VPC has: adopted, and left without rules; deletion only forgets it."""

    type_name = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    name_property = None
    properties = {
        "arn": output(),
        "description": output(),
        "name": output(),
        "ownerId": output(),
        "vpcId": string(computed=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        filters = [
            {"Name": "vpc-id", "Values": [new.get("vpcId")]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        found = described(call, "describe_security_groups", "SecurityGroups", Filters=filters)
        if found is None:
            raise ProviderError(
                f"vpcId: got {new.get('vpcId')}, expected a VPC with a default security group; check it"
            )
        return str(found["GroupId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        found = self.read(call, resource_id, {}) or {}
        _close(call, resource_id)
        change_tags(call, resource_id, {"tagsAll": found.get("tags")}, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        """AWS does not allow it; the group goes with its VPC."""


class _SeparateRule(Resource):
    direction: ClassVar[str]
    name_property = None
    one_of = (("cidrIpv4", "prefixListId", "referencedSecurityGroupId"),)
    properties: ClassVar[dict[str, Property]] = {
        "arn": output(),
        "cidrIpv4": string(form=schema.ipv4_network()),
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
