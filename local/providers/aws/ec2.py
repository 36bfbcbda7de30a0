# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""EC2: networks. Security groups and endpoints have modules of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.providers.aws.resource import (
    Call,
    GoneError,
    Resource,
    Values,
    error_code,
    ignoring,
    tag_changes,
    tag_list,
    tag_map,
)
from local.providers.aws.schema import blocks, boolean, integer, ipv4_network, output, string, strings
from local.providers.server import ProviderError

DELETION_SECONDS = 20 * 60
IN_USE_PAUSE_SECONDS = 0.5


def tagged_at_creation(kind: str, tags: Mapping[str, str] | None) -> list[Values]:
    return [{"ResourceType": kind, "Tags": tag_list(tags)}] if tags else []


def change_tags(call: Call, resource_id: str, old: Values, new: Values) -> None:
    ec2 = call.client("ec2")
    put, removed = tag_changes(old, new)
    if removed:
        ec2.delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in removed])
    if put:
        ec2.create_tags(Resources=[resource_id], Tags=tag_list(put))


def described(call: Call, operation: str, answer: str, **request: Any) -> Values | None:
    """The one object a describe call finds, or None when EC2 answers with a NotFound error or nothing."""
    try:
        found = getattr(call.client("ec2"), operation)(**request)[answer]
    except Exception as error:
        if "NotFound" in error_code(error) or error_code(error).endswith("Malformed"):
            return None
        raise
    return found[0] if found else None


def delete_when_unused(call: Call, what: str, operation: str, **request: Any) -> None:
    """Deletes; while something still depends on it, tries again, as the dependents may be on their way out."""

    def is_deleted() -> bool:
        try:
            getattr(call.client("ec2"), operation)(**request)
        except Exception as error:
            code = error_code(error)
            if "NotFound" in code:
                return True
            if code in ("DependencyViolation", "InvalidParameterValue") and "InUse" not in code:
                return False
            raise
        return True

    call.wait(
        f"the last use of {what} to end",
        is_deleted,
        default_seconds=DELETION_SECONDS,
        interval_seconds=IN_USE_PAUSE_SECONDS,
    )


class Vpc(Resource):
    type_name = "aws:ec2/vpc:Vpc"
    properties = {
        "arn": output(),
        "assignGeneratedIpv6CidrBlock": boolean(kept=True),
        "cidrBlock": string(computed=True, replaces=True, form=ipv4_network(16, 28)),
        "defaultNetworkAclId": output(),
        "defaultRouteTableId": output(),
        "defaultSecurityGroupId": output(),
        "dhcpOptionsId": output(),
        "enableDnsHostnames": boolean(computed=True),
        "enableDnsSupport": boolean(default=True),
        "enableNetworkAddressUsageMetrics": boolean(computed=True),
        "instanceTenancy": string(default="default", allowed=("default", "dedicated")),
        "ipv6CidrBlock": output(),
        "mainRouteTableId": output(),
        "ownerId": output(),
    }

    def check(self, inputs: Values) -> list[str]:
        return [] if "cidrBlock" in inputs else ["cidrBlock: got nothing, expected an IPv4 range; add it"]

    def adjust_differences(self, old: Values, new: Values, changes: Any) -> Any:
        # Only from dedicated to default can a VPC be changed in place.
        if "instanceTenancy" in changes and new.get("instanceTenancy") == "dedicated":
            changes = {**changes, "instanceTenancy": type(changes["instanceTenancy"])("update", True)}
        return changes

    def create(self, call: Call, new: Values) -> str:
        found = call.client("ec2").create_vpc(
            CidrBlock=new["cidrBlock"],
            InstanceTenancy=new["instanceTenancy"],
            AmazonProvidedIpv6CidrBlock=bool(new.get("assignGeneratedIpv6CidrBlock")),
            TagSpecifications=tagged_at_creation("vpc", new["tagsAll"]),
        )
        return str(found["Vpc"]["VpcId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        call.wait(f"VPC {resource_id}", lambda: self._is_available(call, resource_id), default_seconds=300)
        if new.get("enableDnsHostnames"):
            self._set(call, resource_id, "EnableDnsHostnames", True)
        if not new["enableDnsSupport"]:
            self._set(call, resource_id, "EnableDnsSupport", False)
        if new.get("enableNetworkAddressUsageMetrics"):
            self._set(call, resource_id, "EnableNetworkAddressUsageMetrics", True)

    def _is_available(self, call: Call, vpc: str) -> bool:
        found = described(call, "describe_vpcs", "Vpcs", VpcIds=[vpc])
        return found is not None and found.get("State") == "available"

    def _set(self, call: Call, vpc: str, attribute: str, value: bool) -> None:
        call.client("ec2").modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": value}})

    def _get(self, call: Call, vpc: str, attribute: str) -> bool:
        found = call.client("ec2").describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
        return bool(found.get(attribute[0].upper() + attribute[1:], {}).get("Value", False))

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_vpcs", "Vpcs", VpcIds=[resource_id])
        if found is None:
            return None
        of_vpc = [{"Name": "vpc-id", "Values": [resource_id]}]
        main = described(
            call,
            "describe_route_tables",
            "RouteTables",
            Filters=[*of_vpc, {"Name": "association.main", "Values": ["true"]}],
        )
        group = described(
            call,
            "describe_security_groups",
            "SecurityGroups",
            Filters=[*of_vpc, {"Name": "group-name", "Values": ["default"]}],
        )
        acl = described(
            call, "describe_network_acls", "NetworkAcls", Filters=[*of_vpc, {"Name": "default", "Values": ["true"]}]
        )
        ipv6 = (found.get("Ipv6CidrBlockAssociationSet") or [{}])[0]
        return {
            "arn": call.arn("ec2", f"vpc/{resource_id}"),
            "cidrBlock": found["CidrBlock"],
            "defaultNetworkAclId": (acl or {}).get("NetworkAclId"),
            "defaultRouteTableId": (main or {}).get("RouteTableId"),
            "defaultSecurityGroupId": (group or {}).get("GroupId"),
            "dhcpOptionsId": found.get("DhcpOptionsId"),
            "enableDnsHostnames": self._get(call, resource_id, "enableDnsHostnames"),
            "enableDnsSupport": self._get(call, resource_id, "enableDnsSupport"),
            "enableNetworkAddressUsageMetrics": self._get(call, resource_id, "enableNetworkAddressUsageMetrics"),
            "instanceTenancy": found.get("InstanceTenancy", "default"),
            "ipv6CidrBlock": ipv6.get("Ipv6CidrBlock"),
            "mainRouteTableId": (main or {}).get("RouteTableId"),
            "ownerId": found.get("OwnerId"),
            "tags": tag_map(found.get("Tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if "instanceTenancy" in changed:
            call.client("ec2").modify_vpc_tenancy(VpcId=resource_id, InstanceTenancy="default")
        for key in ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics"):
            if key in changed:
                self._set(call, resource_id, key[0].upper() + key[1:], bool(new.get(key)))
        if "assignGeneratedIpv6CidrBlock" in changed:
            raise ProviderError(
                "assignGeneratedIpv6CidrBlock: got a change, expected none, as the emulator cannot change it; "
                "create another VPC"
            )
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        delete_when_unused(call, f"VPC {resource_id}", "delete_vpc", VpcId=resource_id)


class Subnet(Resource):
    type_name = "aws:ec2/subnet:Subnet"
    exclusive = (("availabilityZone", "availabilityZoneId"),)
    properties = {
        "arn": output(),
        "assignIpv6AddressOnCreation": boolean(default=False),
        "availabilityZone": string(computed=True, replaces=True),
        "availabilityZoneId": string(computed=True, replaces=True),
        "cidrBlock": string(replaces=True, form=ipv4_network(16, 28)),
        "enableDns64": boolean(default=False, kept=True),
        "enableResourceNameDnsAaaaRecordOnLaunch": boolean(default=False, kept=True),
        "enableResourceNameDnsARecordOnLaunch": boolean(default=False, kept=True),
        "ipv6CidrBlock": string(),
        "ipv6CidrBlockAssociationId": output(),
        "ipv6Native": boolean(default=False, replaces=True, kept=True),
        "mapPublicIpOnLaunch": boolean(default=False),
        "ownerId": output(),
        "privateDnsHostnameTypeOnLaunch": string(computed=True, allowed=("ip-name", "resource-name")),
        "vpcId": string(required=True, replaces=True),
    }
    switches = {
        "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
        "enableDns64": "EnableDns64",
        "enableResourceNameDnsAaaaRecordOnLaunch": "EnableResourceNameDnsAAAARecordOnLaunch",
        "enableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecordOnLaunch",
        "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
    }

    def create(self, call: Call, new: Values) -> str:
        names = {
            "vpcId": "VpcId",
            "cidrBlock": "CidrBlock",
            "availabilityZone": "AvailabilityZone",
            "availabilityZoneId": "AvailabilityZoneId",
            "ipv6CidrBlock": "Ipv6CidrBlock",
        }
        found = call.client("ec2").create_subnet(
            **{api: new[key] for key, api in names.items() if new.get(key)},
            TagSpecifications=tagged_at_creation("subnet", new["tagsAll"]),
        )
        return str(found["Subnet"]["SubnetId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        self._switch(call, resource_id, new, {key for key in self.switches if new.get(key)})
        self._host_names(call, resource_id, new)

    def _switch(self, call: Call, subnet: str, new: Values, keys: set[str]) -> None:
        for key in sorted(keys & set(self.switches)):
            call.client("ec2").modify_subnet_attribute(
                SubnetId=subnet, **{self.switches[key]: {"Value": bool(new.get(key))}}
            )

    def _host_names(self, call: Call, subnet: str, new: Values) -> None:
        if kind := new.get("privateDnsHostnameTypeOnLaunch"):
            call.client("ec2").modify_subnet_attribute(SubnetId=subnet, PrivateDnsHostnameTypeOnLaunch=kind)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_subnets", "Subnets", SubnetIds=[resource_id])
        if found is None:
            return None
        ipv6 = (found.get("Ipv6CidrBlockAssociationSet") or [{}])[0]
        naming = found.get("PrivateDnsNameOptionsOnLaunch") or {}
        return {
            "arn": found.get("SubnetArn") or call.arn("ec2", f"subnet/{resource_id}"),
            "assignIpv6AddressOnCreation": found.get("AssignIpv6AddressOnCreation", False),
            "availabilityZone": found["AvailabilityZone"],
            "availabilityZoneId": found.get("AvailabilityZoneId"),
            "cidrBlock": found.get("CidrBlock"),
            "ipv6CidrBlock": ipv6.get("Ipv6CidrBlock"),
            "ipv6CidrBlockAssociationId": ipv6.get("AssociationId"),
            "mapPublicIpOnLaunch": found.get("MapPublicIpOnLaunch", False),
            "ownerId": found.get("OwnerId"),
            "privateDnsHostnameTypeOnLaunch": naming.get("HostnameType")
            or state.get("privateDnsHostnameTypeOnLaunch")
            or "ip-name",
            "tags": tag_map(found.get("Tags")),
            "vpcId": found["VpcId"],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if "ipv6CidrBlock" in changed:
            raise ProviderError(
                "ipv6CidrBlock: got a change, expected none, as the emulator cannot change it; create another subnet"
            )
        self._switch(call, resource_id, new, changed)
        if "privateDnsHostnameTypeOnLaunch" in changed:
            self._host_names(call, resource_id, new)
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        delete_when_unused(call, f"subnet {resource_id}", "delete_subnet", SubnetId=resource_id)


class InternetGateway(Resource):
    type_name = "aws:ec2/internetGateway:InternetGateway"
    properties = {"arn": output(), "ownerId": output(), "vpcId": string(computed=True)}

    def create(self, call: Call, new: Values) -> str:
        found = call.client("ec2").create_internet_gateway(
            TagSpecifications=tagged_at_creation("internet-gateway", new["tagsAll"])
        )
        return str(found["InternetGateway"]["InternetGatewayId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        if new.get("vpcId"):
            call.client("ec2").attach_internet_gateway(InternetGatewayId=resource_id, VpcId=new["vpcId"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_internet_gateways", "InternetGateways", InternetGatewayIds=[resource_id])
        if found is None:
            return None
        return {
            "arn": call.arn("ec2", f"internet-gateway/{resource_id}"),
            "ownerId": found.get("OwnerId"),
            "tags": tag_map(found.get("Tags")),
            "vpcId": next((item["VpcId"] for item in found.get("Attachments") or ()), None),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if "vpcId" in changed:
            self._detach(call, resource_id, old)
            self.settle(call, resource_id, new)
        change_tags(call, resource_id, old, new)

    def _detach(self, call: Call, gateway: str, state: Values) -> None:
        if state.get("vpcId"):
            with ignoring("InvalidInternetGatewayID.NotFound", "Gateway.NotAttached"):
                call.client("ec2").detach_internet_gateway(InternetGatewayId=gateway, VpcId=state["vpcId"])

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        self._detach(call, resource_id, state)
        delete_when_unused(
            call, f"internet gateway {resource_id}", "delete_internet_gateway", InternetGatewayId=resource_id
        )


ROUTE_TARGETS = {
    "carrierGatewayId": "CarrierGatewayId",
    "coreNetworkArn": "CoreNetworkArn",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "gatewayId": "GatewayId",
    "localGatewayId": "LocalGatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}
ROUTE_DESTINATIONS = {
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
INLINE_DESTINATIONS = {
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}


def _route_request(route: Values, destinations: Mapping[str, str]) -> Values:
    names = {**destinations, **ROUTE_TARGETS}
    return {api: route[key] for key, api in names.items() if route.get(key)}


def _route_of(found: Values, destinations: Mapping[str, str]) -> Values:
    route = {key: found.get(api) for key, api in {**destinations, **ROUTE_TARGETS}.items()}
    if str(route.get("gatewayId", "")).startswith("vpce-"):
        route["vpcEndpointId"], route["gatewayId"] = route["gatewayId"], None
    return {key: value for key, value in route.items() if value}


def _is_managed(found: Values) -> bool:
    """Routes that the program makes: not the VPC's own, those of gateway endpoints, or propagated ones."""
    return (
        found.get("Origin", "CreateRoute") == "CreateRoute"
        and found.get("GatewayId") != "local"
        and not str(found.get("GatewayId", "")).startswith("vpce-")
    )


class RouteTable(Resource):
    type_name = "aws:ec2/routeTable:RouteTable"
    properties = {
        "arn": output(),
        "ownerId": output(),
        "propagatingVgws": strings(computed=True),
        "routes": blocks({key: string() for key in {**INLINE_DESTINATIONS, **ROUTE_TARGETS}}, computed=True),
        "vpcId": string(required=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        found = call.client("ec2").create_route_table(
            VpcId=new["vpcId"], TagSpecifications=tagged_at_creation("route-table", new["tagsAll"])
        )
        return str(found["RouteTable"]["RouteTableId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        self._set_routes(call, resource_id, [], new.get("routes") or [])
        for gateway in new.get("propagatingVgws") or ():
            call.client("ec2").enable_vgw_route_propagation(RouteTableId=resource_id, GatewayId=gateway)

    def _set_routes(self, call: Call, table: str, olds: Sequence[Values], news: Sequence[Values]) -> None:
        ec2 = call.client("ec2")

        def destination(route: Values) -> tuple[tuple[str, str], ...]:
            return tuple((api, route[key]) for key, api in INLINE_DESTINATIONS.items() if route.get(key))

        had = {destination(route): route for route in olds}
        wanted = {destination(route): route for route in news}
        for gone in had.keys() - wanted.keys():
            with ignoring("InvalidRoute.NotFound"):
                ec2.delete_route(RouteTableId=table, **dict(gone))
        for key, route in wanted.items():
            request = _route_request(route, INLINE_DESTINATIONS)
            if key not in had:
                ec2.create_route(RouteTableId=table, **request)
            elif _route_request(had[key], INLINE_DESTINATIONS) != request:
                ec2.replace_route(RouteTableId=table, **request)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_route_tables", "RouteTables", RouteTableIds=[resource_id])
        if found is None:
            return None
        return {
            "arn": call.arn("ec2", f"route-table/{resource_id}"),
            "ownerId": found.get("OwnerId"),
            "propagatingVgws": [item["GatewayId"] for item in found.get("PropagatingVgws") or ()],
            "routes": [_route_of(route, INLINE_DESTINATIONS) for route in found["Routes"] if _is_managed(route)],
            "tags": tag_map(found.get("Tags")),
            "vpcId": found["VpcId"],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        ec2 = call.client("ec2")
        if "routes" in changed:
            self._set_routes(call, resource_id, old.get("routes") or [], new.get("routes") or [])
        if "propagatingVgws" in changed:
            had, wanted = (set(part.get("propagatingVgws") or ()) for part in (old, new))
            for gateway in had - wanted:
                ec2.disable_vgw_route_propagation(RouteTableId=resource_id, GatewayId=gateway)
            for gateway in wanted - had:
                ec2.enable_vgw_route_propagation(RouteTableId=resource_id, GatewayId=gateway)
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        ec2 = call.client("ec2")
        found = described(call, "describe_route_tables", "RouteTables", RouteTableIds=[resource_id])
        for association in (found or {}).get("Associations") or ():
            if not association.get("Main"):
                with ignoring("InvalidAssociationID.NotFound"):
                    ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        delete_when_unused(call, f"route table {resource_id}", "delete_route_table", RouteTableId=resource_id)


class Route(Resource):
    type_name = "aws:ec2/route:Route"
    tagged = False
    one_of = (tuple(ROUTE_DESTINATIONS), tuple(ROUTE_TARGETS))
    properties = {
        **{key: string(replaces=True) for key in ROUTE_DESTINATIONS},
        "destinationCidrBlock": string(replaces=True, form=ipv4_network()),
        **{key: string(computed=key == "networkInterfaceId") for key in ROUTE_TARGETS},
        "instanceId": output(),
        "instanceOwnerId": output(),
        "origin": output(),
        "routeTableId": string(required=True, replaces=True),
        "state": output(),
    }

    def create(self, call: Call, new: Values) -> str:
        call.client("ec2").create_route(RouteTableId=new["routeTableId"], **_route_request(new, ROUTE_DESTINATIONS))
        return _route_id(new)

    def _find(self, call: Call, state: Values) -> Values | None:
        table = described(call, "describe_route_tables", "RouteTables", RouteTableIds=[state["routeTableId"]])
        wanted = {api: state[key] for key, api in ROUTE_DESTINATIONS.items() if state.get(key)}
        for route in (table or {}).get("Routes") or ():
            if all(route.get(api) == value for api, value in wanted.items()):
                return dict(route)
        return None

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        call.wait(f"route {_route_id(new)}", lambda: self._find(call, new) is not None, default_seconds=300)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        if not state.get("routeTableId"):  # an import: <route table>_<destination>
            table, _, destination = resource_id.partition("_")
            kind = "destinationPrefixListId" if destination.startswith("pl-") else "destinationCidrBlock"
            kind = "destinationIpv6CidrBlock" if ":" in destination else kind
            state = {"routeTableId": table, kind: destination}
        found = self._find(call, state)
        if found is None:
            return None
        return {
            "id": _route_id(state),
            **_route_of(found, ROUTE_DESTINATIONS),
            "instanceId": found.get("InstanceId", ""),
            "instanceOwnerId": found.get("InstanceOwnerId", ""),
            "origin": found.get("Origin", "CreateRoute"),
            "routeTableId": state["routeTableId"],
            "state": found.get("State", "active"),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        call.client("ec2").replace_route(RouteTableId=new["routeTableId"], **_route_request(new, ROUTE_DESTINATIONS))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        destination = {api: state[key] for key, api in ROUTE_DESTINATIONS.items() if state.get(key)}
        with ignoring("InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"):
            call.client("ec2").delete_route(RouteTableId=state["routeTableId"], **destination)


def _route_id(route: Values) -> str:
    """The official provider's id: the table and a hash of the destination."""
    import binascii

    destination = next(str(route[key]) for key in ROUTE_DESTINATIONS if route.get(key))
    return f"r-{route['routeTableId']}{binascii.crc32(destination.encode())}"


class RouteTableAssociation(Resource):
    type_name = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    tagged = False
    one_of = (("gatewayId", "subnetId"),)
    properties = {
        "gatewayId": string(replaces=True),
        "routeTableId": string(required=True),
        "subnetId": string(replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        ends = {"subnetId": "SubnetId", "gatewayId": "GatewayId"}
        found = call.client("ec2").associate_route_table(
            RouteTableId=new["routeTableId"], **{api: new[key] for key, api in ends.items() if new.get(key)}
        )
        return str(found["AssociationId"])

    def _find(self, call: Call, resource_id: str, state: Values) -> Values | None:
        """By id; or, as moving to another table gives a new id, by what is associated."""
        end = state.get("subnetId") or state.get("gatewayId")
        table = state.get("routeTableId", "")
        if "/" in resource_id:  # an import: <subnet or gateway>/<route table>
            end, _, table = resource_id.partition("/")
        found = described(call, "describe_route_tables", "RouteTables", RouteTableIds=[table])
        for item in (found or {}).get("Associations") or ():
            if item["RouteTableAssociationId"] == resource_id or (
                end and end in (item.get("SubnetId"), item.get("GatewayId"))
            ):
                return dict(item)
        return None

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, resource_id, state)
        if found is None:
            return None
        return {
            "id": found["RouteTableAssociationId"],
            "gatewayId": found.get("GatewayId") or None,
            "routeTableId": found["RouteTableId"],
            "subnetId": found.get("SubnetId") or None,
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        found = self._find(call, resource_id, old)
        if found is None:
            raise GoneError(f"route table association {resource_id} is gone; run `refresh`, then the command again")
        call.client("ec2").replace_route_table_association(
            AssociationId=found["RouteTableAssociationId"], RouteTableId=new["routeTableId"]
        )

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        if found := self._find(call, resource_id, state):
            with ignoring("InvalidAssociationID.NotFound"):
                call.client("ec2").disassociate_route_table(AssociationId=found["RouteTableAssociationId"])


class Eip(Resource):
    type_name = "aws:ec2/eip:Eip"
    exclusive = (("instance", "networkInterface"),)
    properties = {
        "address": string(replaces=True, kept=True),
        "allocationId": output(),
        "arn": output(),
        "associateWithPrivateIp": string(kept=True),
        "associationId": output(),
        "domain": string(computed=True, replaces=True, allowed=("vpc", "standard")),
        "instance": string(computed=True),
        "networkBorderGroup": string(computed=True, replaces=True),
        "networkInterface": string(computed=True),
        "privateDns": output(),
        "privateIp": output(),
        "ptrRecord": output(),
        "publicDns": output(),
        "publicIp": output(),
        "publicIpv4Pool": string(computed=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "Domain": new.get("domain") or "vpc",
            "TagSpecifications": tagged_at_creation("elastic-ip", new["tagsAll"]),
        }
        names = {"address": "Address", "networkBorderGroup": "NetworkBorderGroup", "publicIpv4Pool": "PublicIpv4Pool"}
        request.update({api: new[key] for key, api in names.items() if new.get(key)})
        return str(call.client("ec2").allocate_address(**request)["AllocationId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        ends = {
            "instance": "InstanceId",
            "networkInterface": "NetworkInterfaceId",
            "associateWithPrivateIp": "PrivateIpAddress",
        }
        request = {api: new[key] for key, api in ends.items() if new.get(key)}
        if request:
            call.client("ec2").associate_address(AllocationId=resource_id, AllowReassociation=True, **request)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_addresses", "Addresses", AllocationIds=[resource_id])
        if found is None:
            return None
        public = found["PublicIp"]
        suffix = "compute-1" if call.region == "us-east-1" else f"{call.region}.compute"
        private = found.get("PrivateIpAddress") or ""
        return {
            "allocationId": resource_id,
            "arn": call.arn("ec2", f"elastic-ip/{resource_id}"),
            "associationId": found.get("AssociationId", ""),
            "domain": found.get("Domain", "vpc"),
            "instance": found.get("InstanceId", ""),
            "networkBorderGroup": found.get("NetworkBorderGroup") or call.region,
            "networkInterface": found.get("NetworkInterfaceId", ""),
            "privateDns": f"ip-{private.replace('.', '-')}.{call.region}.compute.internal" if private else None,
            "privateIp": private,
            "ptrRecord": "",
            "publicDns": f"ec2-{public.replace('.', '-')}.{suffix}.amazonaws.com",
            "publicIp": public,
            "publicIpv4Pool": found.get("PublicIpv4Pool") or "amazon",
            "tags": tag_map(found.get("Tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed & {"instance", "networkInterface", "associateWithPrivateIp"}:
            self._disassociate(call, old)
            self.settle(call, resource_id, new)
        change_tags(call, resource_id, old, new)

    def _disassociate(self, call: Call, state: Values) -> None:
        if state.get("associationId"):
            with ignoring("InvalidAssociationID.NotFound"):
                call.client("ec2").disassociate_address(AssociationId=state["associationId"])

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        if state.get("instance") or state.get("networkInterface"):
            self._disassociate(call, state)

        def is_released() -> bool:
            try:
                call.client("ec2").release_address(AllocationId=resource_id)
            except Exception as error:
                code = error_code(error)
                if "NotFound" in code:
                    return True
                if code in ("InvalidIPAddress.InUse", "AuthFailure"):
                    return False
                raise
            return True

        call.wait(f"address {resource_id} to be free", is_released, default_seconds=DELETION_SECONDS)


class NatGateway(Resource):
    type_name = "aws:ec2/natGateway:NatGateway"
    properties = {
        "allocationId": string(replaces=True, forgotten=True),
        "associationId": output(),
        "connectivityType": string(default="public", replaces=True, allowed=("public", "private")),
        "networkInterfaceId": output(),
        "privateIp": string(computed=True, replaces=True),
        "publicIp": output(),
        "secondaryAllocationIds": strings(computed=True),
        "secondaryPrivateIpAddressCount": integer(computed=True, replaces=True),
        "secondaryPrivateIpAddresses": strings(computed=True),
        "subnetId": string(required=True, replaces=True),
    }

    def check(self, inputs: Values) -> list[str]:
        public = inputs["connectivityType"] == "public"
        if public and not inputs.get("allocationId"):
            return ["allocationId: got nothing, expected the id of an elastic IP, as the gateway is public; add it"]
        if not public and inputs.get("allocationId"):
            return ["allocationId: got a value, expected nothing, as the gateway is private; remove it"]
        return []

    def create(self, call: Call, new: Values) -> str:
        request: Values = {
            "ConnectivityType": new["connectivityType"],
            "SubnetId": new["subnetId"],
            "TagSpecifications": tagged_at_creation("natgateway", new["tagsAll"]),
        }
        names = {
            "allocationId": "AllocationId",
            "privateIp": "PrivateIpAddress",
            "secondaryAllocationIds": "SecondaryAllocationIds",
            "secondaryPrivateIpAddresses": "SecondaryPrivateIpAddresses",
            "secondaryPrivateIpAddressCount": "SecondaryPrivateIpAddressCount",
        }
        request.update({api: new[key] for key, api in names.items() if new.get(key)})
        return str(call.client("ec2").create_nat_gateway(**request)["NatGateway"]["NatGatewayId"])

    def _find(self, call: Call, resource_id: str) -> Values | None:
        found = described(call, "describe_nat_gateways", "NatGateways", NatGatewayIds=[resource_id])
        return None if found is None or found.get("State") == "deleted" else found

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        def is_available() -> bool:
            found = self._find(call, resource_id)
            if found is None:
                raise GoneError(f"NAT gateway {resource_id} was deleted while it was being created")
            if found["State"] == "failed":
                raise ProviderError(
                    f"NAT gateway {resource_id}: {found.get('FailureCode')}: {found.get('FailureMessage')}"
                )
            return bool(found["State"] == "available")

        call.wait(f"NAT gateway {resource_id}", is_available, default_seconds=600)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, resource_id)
        if found is None:
            return None
        addresses = found.get("NatGatewayAddresses") or []
        first: Values = next((item for item in addresses if item.get("IsPrimary", True)), {})
        others = [item for item in addresses if item is not first]
        allocation = first.get("AllocationId") or state.get("allocationId")
        public = first.get("PublicIp") or self._public_address(call, allocation)
        return {
            "allocationId": allocation,
            "associationId": first.get("AssociationId"),
            "connectivityType": found.get("ConnectivityType", "public"),
            "networkInterfaceId": first.get("NetworkInterfaceId"),
            "privateIp": first.get("PrivateIp"),
            "publicIp": public,
            "secondaryAllocationIds": [item["AllocationId"] for item in others if item.get("AllocationId")],
            "secondaryPrivateIpAddressCount": len(others),
            "secondaryPrivateIpAddresses": [item["PrivateIp"] for item in others if item.get("PrivateIp")],
            "subnetId": found["SubnetId"],
            "tags": tag_map(found.get("Tags")),
        }

    def _public_address(self, call: Call, allocation: str | None) -> str | None:
        """That of the elastic IP: the emulator does not say which one its gateways have."""
        if not allocation:
            return None
        found = described(call, "describe_addresses", "Addresses", AllocationIds=[allocation])
        return found["PublicIp"] if found else None

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed & {"secondaryAllocationIds", "secondaryPrivateIpAddresses"}:
            raise ProviderError(
                "secondaryAllocationIds: got a change, expected none, as the emulator cannot change it; "
                "create another NAT gateway"
            )
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("NatGatewayNotFound", "InvalidNatGatewayID.NotFound"):
            call.client("ec2").delete_nat_gateway(NatGatewayId=resource_id)
        call.wait(
            f"NAT gateway {resource_id} to go", lambda: self._find(call, resource_id) is None, default_seconds=1800
        )
