# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""EC2: networks. Security groups and endpoints have modules of their own."""

from __future__ import annotations

from collections.abc import Mapping
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
from local.providers.aws.schema import boolean, ipv4_network, output, string
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
        "cidrBlock": string(computed=True, replaces=True, form=ipv4_network(16, 28)),
        "defaultNetworkAclId": output(),
        "defaultRouteTableId": output(),
        "defaultSecurityGroupId": output(),
        "dhcpOptionsId": output(),
        "enableDnsHostnames": boolean(computed=True),
        "mainRouteTableId": output(),
        "ownerId": output(),
    }

    def check(self, inputs: Values) -> list[str]:
        return [] if "cidrBlock" in inputs else ["cidrBlock: got nothing, expected an IPv4 range; add it"]

    def create(self, call: Call, new: Values) -> str:
        found = call.client("ec2").create_vpc(
            CidrBlock=new["cidrBlock"], TagSpecifications=tagged_at_creation("vpc", new["tagsAll"])
        )
        return str(found["Vpc"]["VpcId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        call.wait(f"VPC {resource_id}", lambda: self._is_available(call, resource_id), default_seconds=300)
        if new.get("enableDnsHostnames"):
            self._set_host_names(call, resource_id, True)

    def _is_available(self, call: Call, vpc: str) -> bool:
        found = described(call, "describe_vpcs", "Vpcs", VpcIds=[vpc])
        return found is not None and found.get("State") == "available"

    def _set_host_names(self, call: Call, vpc: str, value: bool) -> None:
        call.client("ec2").modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": value})

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
        names = call.client("ec2").describe_vpc_attribute(VpcId=resource_id, Attribute="enableDnsHostnames")
        return {
            "arn": call.arn("ec2", f"vpc/{resource_id}"),
            "cidrBlock": found["CidrBlock"],
            "defaultNetworkAclId": (acl or {}).get("NetworkAclId"),
            "defaultRouteTableId": (main or {}).get("RouteTableId"),
            "defaultSecurityGroupId": (group or {}).get("GroupId"),
            "dhcpOptionsId": found.get("DhcpOptionsId"),
            "enableDnsHostnames": names.get("EnableDnsHostnames", {}).get("Value", False),
            "mainRouteTableId": (main or {}).get("RouteTableId"),
            "ownerId": found.get("OwnerId"),
            "tags": tag_map(found.get("Tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if "enableDnsHostnames" in changed:
            self._set_host_names(call, resource_id, bool(new.get("enableDnsHostnames")))
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        delete_when_unused(call, f"VPC {resource_id}", "delete_vpc", VpcId=resource_id)


class Subnet(Resource):
    type_name = "aws:ec2/subnet:Subnet"
    properties = {
        "arn": output(),
        "availabilityZone": string(computed=True, replaces=True),
        "availabilityZoneId": output(),
        "cidrBlock": string(replaces=True, form=ipv4_network(16, 28)),
        "mapPublicIpOnLaunch": boolean(default=False),
        "ownerId": output(),
        "vpcId": string(required=True, replaces=True),
    }

    def create(self, call: Call, new: Values) -> str:
        names = {"vpcId": "VpcId", "cidrBlock": "CidrBlock", "availabilityZone": "AvailabilityZone"}
        found = call.client("ec2").create_subnet(
            **{api: new[key] for key, api in names.items() if new.get(key)},
            TagSpecifications=tagged_at_creation("subnet", new["tagsAll"]),
        )
        return str(found["Subnet"]["SubnetId"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        if new["mapPublicIpOnLaunch"]:
            self._map_public_addresses(call, resource_id, True)

    def _map_public_addresses(self, call: Call, subnet: str, value: bool) -> None:
        call.client("ec2").modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": value})

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_subnets", "Subnets", SubnetIds=[resource_id])
        if found is None:
            return None
        return {
            "arn": found.get("SubnetArn") or call.arn("ec2", f"subnet/{resource_id}"),
            "availabilityZone": found["AvailabilityZone"],
            "availabilityZoneId": found.get("AvailabilityZoneId"),
            "cidrBlock": found.get("CidrBlock"),
            "mapPublicIpOnLaunch": found.get("MapPublicIpOnLaunch", False),
            "ownerId": found.get("OwnerId"),
            "tags": tag_map(found.get("Tags")),
            "vpcId": found["VpcId"],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if "mapPublicIpOnLaunch" in changed:
            self._map_public_addresses(call, resource_id, new["mapPublicIpOnLaunch"])
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


class RouteTable(Resource):
    type_name = "aws:ec2/routeTable:RouteTable"
    properties = {"arn": output(), "ownerId": output(), "vpcId": string(required=True, replaces=True)}

    def create(self, call: Call, new: Values) -> str:
        found = call.client("ec2").create_route_table(
            VpcId=new["vpcId"], TagSpecifications=tagged_at_creation("route-table", new["tagsAll"])
        )
        return str(found["RouteTable"]["RouteTableId"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = described(call, "describe_route_tables", "RouteTables", RouteTableIds=[resource_id])
        if found is None:
            return None
        return {
            "arn": call.arn("ec2", f"route-table/{resource_id}"),
            "ownerId": found.get("OwnerId"),
            "tags": tag_map(found.get("Tags")),
            "vpcId": found["VpcId"],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        ec2 = call.client("ec2")
        found = described(call, "describe_route_tables", "RouteTables", RouteTableIds=[resource_id])
        for association in (found or {}).get("Associations") or ():
            if not association.get("Main"):
                with ignoring("InvalidAssociationID.NotFound"):
                    ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        delete_when_unused(call, f"route table {resource_id}", "delete_route_table", RouteTableId=resource_id)


ROUTE_TARGETS = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}


class Route(Resource):
    type_name = "aws:ec2/route:Route"
    tagged = False
    one_of = (tuple(ROUTE_TARGETS),)
    properties = {
        "destinationCidrBlock": string(replaces=True, form=ipv4_network()),
        **{key: string() for key in ROUTE_TARGETS},
        "instanceId": output(),
        "instanceOwnerId": output(),
        "networkInterfaceId": output(),
        "origin": output(),
        "routeTableId": string(required=True, replaces=True),
        "state": output(),
    }

    def check(self, inputs: Values) -> list[str]:
        if "destinationCidrBlock" in inputs:
            return []
        return ["destinationCidrBlock: got nothing, expected an IPv4 range; add it"]

    def _request(self, new: Values) -> Values:
        names = {"routeTableId": "RouteTableId", "destinationCidrBlock": "DestinationCidrBlock", **ROUTE_TARGETS}
        return {api: new[key] for key, api in names.items() if new.get(key)}

    def create(self, call: Call, new: Values) -> str:
        call.client("ec2").create_route(**self._request(new))
        return _route_id(new)

    def _find(self, call: Call, state: Values) -> Values | None:
        table = described(call, "describe_route_tables", "RouteTables", RouteTableIds=[state["routeTableId"]])
        for route in (table or {}).get("Routes") or ():
            if route.get("DestinationCidrBlock") == state["destinationCidrBlock"]:
                return dict(route)
        return None

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        call.wait(f"route {_route_id(new)}", lambda: self._find(call, new) is not None, default_seconds=300)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        if not state.get("routeTableId"):  # an import: <route table>_<destination>
            table, _, destination = resource_id.partition("_")
            state = {"routeTableId": table, "destinationCidrBlock": destination}
        found = self._find(call, state)
        if found is None:
            return None
        return {
            "id": _route_id(state),
            "destinationCidrBlock": found["DestinationCidrBlock"],
            **{key: found.get(api) or None for key, api in ROUTE_TARGETS.items()},
            "instanceId": found.get("InstanceId", ""),
            "instanceOwnerId": found.get("InstanceOwnerId", ""),
            "networkInterfaceId": found.get("NetworkInterfaceId", ""),
            "origin": found.get("Origin", "CreateRoute"),
            "routeTableId": state["routeTableId"],
            "state": found.get("State", "active"),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        call.client("ec2").replace_route(**self._request(new))

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"):
            call.client("ec2").delete_route(
                RouteTableId=state["routeTableId"], DestinationCidrBlock=state["destinationCidrBlock"]
            )


def _route_id(route: Values) -> str:
    """The official provider's id: the table and a hash of the destination."""
    import binascii

    return f"r-{route['routeTableId']}{binascii.crc32(route['destinationCidrBlock'].encode())}"


class RouteTableAssociation(Resource):
    type_name = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    tagged = False
    properties = {"routeTableId": string(required=True), "subnetId": string(replaces=True)}

    def check(self, inputs: Values) -> list[str]:
        return [] if "subnetId" in inputs else ["subnetId: got nothing, expected a subnet; add it"]

    def create(self, call: Call, new: Values) -> str:
        found = call.client("ec2").associate_route_table(RouteTableId=new["routeTableId"], SubnetId=new["subnetId"])
        return str(found["AssociationId"])

    def _find(self, call: Call, resource_id: str, state: Values) -> Values | None:
        """By id; or, as moving to another table gives a new id, by what is associated."""
        found = described(call, "describe_route_tables", "RouteTables", RouteTableIds=[state["routeTableId"]])
        for item in (found or {}).get("Associations") or ():
            if item["RouteTableAssociationId"] == resource_id or item.get("SubnetId") == state["subnetId"]:
                return dict(item)
        return None

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, resource_id, state)
        if found is None:
            return None
        return {
            "id": found["RouteTableAssociationId"],
            "routeTableId": found["RouteTableId"],
            "subnetId": found["SubnetId"],
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
    properties = {
        "allocationId": output(),
        "arn": output(),
        "associationId": output(),
        "domain": output(),
        "instance": output(),
        "networkBorderGroup": output(),
        "networkInterface": output(),
        "privateDns": output(),
        "privateIp": output(),
        "ptrRecord": output(),
        "publicDns": output(),
        "publicIp": output(),
        "publicIpv4Pool": output(),
    }

    def create(self, call: Call, new: Values) -> str:
        found = call.client("ec2").allocate_address(
            Domain="vpc", TagSpecifications=tagged_at_creation("elastic-ip", new["tagsAll"])
        )
        return str(found["AllocationId"])

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
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
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
        "networkInterfaceId": output(),
        "privateIp": output(),
        "publicIp": output(),
        "subnetId": string(required=True, replaces=True),
    }

    def check(self, inputs: Values) -> list[str]:
        if inputs.get("allocationId"):
            return []
        return ["allocationId: got nothing, expected the id of an elastic IP; add it"]

    def create(self, call: Call, new: Values) -> str:
        found = call.client("ec2").create_nat_gateway(
            AllocationId=new["allocationId"],
            SubnetId=new["subnetId"],
            TagSpecifications=tagged_at_creation("natgateway", new["tagsAll"]),
        )
        return str(found["NatGateway"]["NatGatewayId"])

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
        first: Values = next(iter(found.get("NatGatewayAddresses") or ()), {})
        allocation = first.get("AllocationId") or state.get("allocationId")
        public = first.get("PublicIp") or self._public_address(call, allocation)
        return {
            "allocationId": allocation,
            "associationId": first.get("AssociationId"),
            "networkInterfaceId": first.get("NetworkInterfaceId"),
            "privateIp": first.get("PrivateIp"),
            "publicIp": public,
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
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("NatGatewayNotFound", "InvalidNatGatewayID.NotFound"):
            call.client("ec2").delete_nat_gateway(NatGatewayId=resource_id)
        call.wait(
            f"NAT gateway {resource_id} to go", lambda: self._find(call, resource_id) is None, default_seconds=1800
        )
