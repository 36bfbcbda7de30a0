# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""EC2 VPC endpoints."""

from __future__ import annotations

from local.providers.aws.ec2 import change_tags, described, tagged_at_creation
from local.providers.aws.resource import Call, Resource, Values, ignoring, tag_map
from local.providers.aws.schema import boolean, output, string, strings
from local.providers.server import ProviderError


class VpcEndpoint(Resource):
    type_name = "aws:ec2/vpcEndpoint:VpcEndpoint"
    properties = {
        "arn": output(),
        "cidrBlocks": output("list"),
        "dnsEntries": output("list"),
        "ipAddressType": output(),
        "networkInterfaceIds": output("set"),
        "ownerId": output(),
        "policy": output(),
        "prefixListId": output(),
        "privateDnsEnabled": boolean(computed=True, forgotten=True),
        "requesterManaged": output("boolean"),
        "routeTableIds": strings(computed=True),
        "securityGroupIds": strings(computed=True, forgotten=True),
        "serviceName": string(required=True, replaces=True),
        "serviceRegion": output(),
        "state": output(),
        "subnetIds": strings(computed=True),
        "vpcEndpointType": string(default="Gateway", replaces=True, allowed=("Gateway", "Interface")),
        "vpcId": string(required=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        names = {
            "privateDnsEnabled": "PrivateDnsEnabled",
            "routeTableIds": "RouteTableIds",
            "securityGroupIds": "SecurityGroupIds",
            "subnetIds": "SubnetIds",
        }
        found = call.client("ec2").create_vpc_endpoint(
            VpcId=new["vpcId"],
            ServiceName=new["serviceName"],
            VpcEndpointType=new["vpcEndpointType"],
            **{api: new[key] for key, api in names.items() if new.get(key)},
            TagSpecifications=tagged_at_creation("vpc-endpoint", new["tagsAll"]),
        )
        return str(found["VpcEndpoint"]["VpcEndpointId"])

    def _find(self, call: Call, resource_id: str) -> Values | None:
        found = described(call, "describe_vpc_endpoints", "VpcEndpoints", VpcEndpointIds=[resource_id])
        return None if found is None or found.get("State", "").lower() == "deleted" else found

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        def is_available() -> bool:
            found = self._find(call, resource_id) or {}
            state = str(found.get("State", "")).lower()
            if state in ("failed", "rejected", "expired"):
                raise ProviderError(
                    f"VPC endpoint {resource_id} is {state}: {found.get('LastError', {}).get('Message', '')}"
                )
            return state in ("available", "pendingacceptance")

        call.wait(f"VPC endpoint {resource_id}", is_available, default_seconds=600)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, resource_id)
        if found is None:
            return None
        prefix_list: Values = {}
        if found.get("VpcEndpointType") == "Gateway":
            prefix_list = (
                described(
                    call,
                    "describe_prefix_lists",
                    "PrefixLists",
                    Filters=[{"Name": "prefix-list-name", "Values": [found["ServiceName"]]}],
                )
                or {}
            )
        return {
            "arn": call.arn("ec2", f"vpc-endpoint/{resource_id}"),
            "cidrBlocks": prefix_list.get("Cidrs"),
            "dnsEntries": [
                {"dnsName": entry.get("DnsName"), "hostedZoneId": entry.get("HostedZoneId")}
                for entry in found.get("DnsEntries") or ()
            ],
            "ipAddressType": found.get("IpAddressType"),
            "networkInterfaceIds": found.get("NetworkInterfaceIds") or [],
            "ownerId": found.get("OwnerId"),
            "policy": found.get("PolicyDocument"),
            "prefixListId": prefix_list.get("PrefixListId"),
            "privateDnsEnabled": found.get("PrivateDnsEnabled"),
            "requesterManaged": found.get("RequesterManaged", False),
            "routeTableIds": found.get("RouteTableIds") or [],
            "securityGroupIds": [group["GroupId"] for group in found.get("Groups") or ()],
            "serviceName": found["ServiceName"],
            "serviceRegion": found.get("ServiceRegion") or call.region,
            "state": found.get("State"),
            "subnetIds": found.get("SubnetIds") or [],
            "tags": tag_map(found.get("Tags")),
            "vpcEndpointType": found.get("VpcEndpointType", "Gateway"),
            "vpcId": found["VpcId"],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        request: Values = {}
        for key in ("routeTableIds", "securityGroupIds", "subnetIds"):
            if key in changed:
                stem = key[0].upper() + key[1:]
                had, wanted = set(old.get(key) or ()), set(new.get(key) or ())
                if wanted - had:
                    request[f"Add{stem}"] = sorted(wanted - had)
                if had - wanted:
                    request[f"Remove{stem}"] = sorted(had - wanted)
        if "privateDnsEnabled" in changed:
            request["PrivateDnsEnabled"] = new["privateDnsEnabled"]
        if request:
            call.client("ec2").modify_vpc_endpoint(VpcEndpointId=resource_id, **request)
            self.settle(call, resource_id, new)
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("InvalidVpcEndpointId.NotFound"):
            failed = call.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[resource_id]).get("Unsuccessful") or []
            for item in failed:
                if "NotFound" not in item["Error"]["Code"]:
                    raise ProviderError(f"VPC endpoint {resource_id}: {item['Error']['Message']}")
        call.wait(
            f"VPC endpoint {resource_id} to go", lambda: self._find(call, resource_id) is None, default_seconds=600
        )
