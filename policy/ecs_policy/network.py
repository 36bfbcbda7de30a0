"""Who may talk to whom, and which way out a subnet has: security groups, routes and endpoints joined."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from ecs_policy.model import (
    InternetGateway,
    MainRouteTableAssociation,
    NatGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    SecurityGroupEgressRule,
    SecurityGroupIngressRule,
    SecurityGroupRule,
    Subnet,
    Vpc,
    VpcEndpoint,
    VpcEndpointRouteTableAssociation,
)
from ecs_policy.stack import Resource
from ecs_policy.values import NotEvaluated, Value, plain, readable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

WHOLE_INTERNET = ("0.0.0.0/0", "::/0")
ALL_PROTOCOLS = ("-1", "all")
_PRIVATE_IPV6 = ipaddress.IPv6Network("fc00::/7")
_LONGEST_OF_THE_INTERNET = {4: 7, 6: 15}
"""Prefixes: nobody has a network as large; what is as large is of the internet."""
_NUMBERS = {"tcp": ("tcp", "6"), "udp": ("udp", "17")}
_LAST_PORT = 65535


def network(value: Value) -> Network | None:
    """The address range of a CIDR text; None when absent."""
    text = value.text()
    if text is None:
        return None
    try:
        return _parsed(text)
    except ValueError:
        raise value.not_evaluated("is not an address range") from None


@lru_cache(1024)  # the same few ranges are asked for again and again
def _parsed(text: str) -> Network:
    return ipaddress.ip_network(plain(text), strict=False)


def of_the_internet(found: Network) -> bool:
    """Whether an address range is the internet or a large part of it, as 0.0.0.0/1 is."""
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_PRIVATE_IPV6):
        return False
    return found.prefixlen <= _LONGEST_OF_THE_INTERNET[found.version]


# Security groups


@dataclass(frozen=True)
class Permission:
    """One rule of a security group, whether it is written in the group or as a resource of its own."""

    place: Value
    """Where it is written: the entry of the group, or the rule's description."""
    protocol: Value
    first_port: Value
    last_port: Value
    ranges: tuple[Value, ...]
    """CIDR texts, and lists of them."""
    groups: Value
    prefix_lists: Value
    own: Value
    """Whether it holds for members of the group itself."""
    description: Value

    @property
    def ports(self) -> tuple[int, int] | None:
        """The TCP ports, first and last; None when it is about another protocol."""
        return self.ports_of("tcp")

    def ports_of(self, transport: str) -> tuple[int, int] | None:
        """The ports of `tcp` or `udp`, first and last; None when it is about another protocol."""
        protocol = (self.protocol.text() or "").lower()
        if protocol in ALL_PROTOCOLS:
            return 0, _LAST_PORT
        if protocol not in _NUMBERS[transport]:
            return None
        first, last = self.first_port.number(), self.last_port.number()
        if first is None or last is None:
            raise self.first_port.not_evaluated("is absent: no port is named")
        return int(first), int(last)

    def cidrs(self) -> list[Value]:
        """Each address range by itself."""
        found: list[Value] = []
        for each in self.ranges:
            if each.unknown or not isinstance(each.raw, list):
                found.extend([each] if each.given else [])
            else:
                found.extend(each.items())
        return found


class Permissions(NamedTuple):
    known: list[Permission]
    doubt: NotEvaluated | None
    """Why there may be more."""


def ingress(group: SecurityGroup) -> Permissions:
    """What a security group lets in."""
    return group.stack.derived(_ingress, group)


def egress(group: SecurityGroup) -> Permissions:
    """What a security group lets out. AWS's own open egress rule does not exist: the provider removes it."""
    return group.stack.derived(_egress, group)


def _ingress(group: SecurityGroup) -> Permissions:
    return _permissions(group, "ingress", SecurityGroupIngressRule)


def _egress(group: SecurityGroup) -> Permissions:
    return _permissions(group, "egress", SecurityGroupEgressRule)


def _permissions(group: SecurityGroup, direction: str, kind: type[Resource]) -> Permissions:
    doubt = None
    known: list[Permission] = []
    try:
        known += [_inline(entry) for entry in group[direction].items()]
    except NotEvaluated as outcome:
        doubt = outcome
    separate = group.stack.relation(kind, "securityGroupId", SecurityGroup)
    either = group.stack.relation(SecurityGroupRule, "securityGroupId", SecurityGroup)
    known += [_separate(rule) for rule in separate.sure(group)]
    for rule in either.sure(group):
        try:
            if rule["type"].text() == direction:
                known.append(_of_either_direction(rule))
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    return Permissions(known, doubt or separate.doubt_about(group) or either.doubt_about(group))


def written_in(owner: Resource, direction: str) -> list[Permission]:
    """The permissions that a resource itself holds: a group its inline rules, a rule the one that it is."""
    if isinstance(owner, SecurityGroup):
        return [_inline(entry) for entry in owner[direction].items()]
    if isinstance(owner, SecurityGroupRule):
        return [_of_either_direction(owner)] if owner["type"].text() == direction else []
    return [_separate(owner)]


def _inline(entry: Value) -> Permission:
    return Permission(
        place=entry,
        protocol=entry["protocol"],
        first_port=entry["fromPort"],
        last_port=entry["toPort"],
        ranges=(entry["cidrBlocks"], entry["ipv6CidrBlocks"]),
        groups=entry["securityGroups"],
        prefix_lists=entry["prefixListIds"],
        own=entry["self"],
        description=entry["description"],
    )


def _separate(rule: Resource) -> Permission:
    return Permission(
        place=rule["ipProtocol"],
        protocol=rule["ipProtocol"],
        first_port=rule["fromPort"],
        last_port=rule["toPort"],
        ranges=(rule["cidrIpv4"], rule["cidrIpv6"]),
        groups=rule["referencedSecurityGroupId"],
        prefix_lists=rule["prefixListId"],
        own=rule["self"],
        description=rule["description"],
    )


def _of_either_direction(rule: Resource) -> Permission:
    return Permission(
        place=rule["protocol"],
        protocol=rule["protocol"],
        first_port=rule["fromPort"],
        last_port=rule["toPort"],
        ranges=(rule["cidrBlocks"], rule["ipv6CidrBlocks"]),
        groups=rule["sourceSecurityGroupId"],
        prefix_lists=rule["prefixListIds"],
        own=rule["self"],
        description=rule["description"],
    )


def permits(
    groups: Sequence[SecurityGroup],
    direction: str,
    port: int,
    peers: Sequence[SecurityGroup],
    addresses: Sequence[Value],
) -> bool:
    """Whether any of the groups lets TCP on `port` in from (or out to) a peer. Raises when that cannot be told.

    The peer is a member of `peers` with an address in one of `addresses`, which are CIDR texts.
    """
    doubt = None
    allowed: list[Network] = []
    for group in groups:
        known, missing = ingress(group) if direction == "ingress" else egress(group)
        doubt = doubt or missing
        for permission in known:
            try:
                if _permits(permission, group, port, peers, addresses, allowed):
                    return True
            except NotEvaluated as outcome:
                doubt = doubt or outcome
    try:
        if allowed and _all_within(addresses, allowed):
            return True
    except NotEvaluated as outcome:
        doubt = doubt or outcome
    if doubt is not None:
        raise doubt
    return False


def _permits(
    permission: Permission,
    group: SecurityGroup,
    port: int,
    peers: Sequence[SecurityGroup],
    addresses: Sequence[Value],
    allowed: list[Network],
) -> bool:
    """Whether one permission does by itself. Its address ranges are added to those `allowed` by others."""
    ports = permission.ports
    if ports is None or not ports[0] <= port <= ports[1]:
        return False
    sure, doubtful = group.stack.found_among(permission.groups, SecurityGroup)
    if any(each in sure for each in peers) or (permission.own.flag() and group in peers):
        return True
    ranges, doubt = readable(permission.cidrs(), network)
    known = [each for each in ranges if each is not None]
    if any(each.prefixlen == 0 for each in known):
        return True
    if known and not addresses:
        raise permission.place.not_evaluated("names address ranges, and the addresses of the other side are not known")
    allowed += known
    if doubt is not None:
        raise doubt
    if any(each in doubtful for each in peers) or (
        peers and group.stack.lost(permission.groups, SecurityGroup) is not None
    ):
        raise permission.groups.not_evaluated("is not known yet")
    if permission.prefix_lists.given:
        raise permission.prefix_lists.not_evaluated("names a prefix list, whose addresses are not known")
    return False


def _all_within(addresses: Sequence[Value], allowed: Sequence[Network]) -> bool:
    """Whether the ranges together hold each of the addresses, which are CIDR texts."""
    wanted = [each for each in (network(address) for address in addresses) if each is not None]
    v4 = [each for each in allowed if isinstance(each, ipaddress.IPv4Network)]
    v6 = [each for each in allowed if isinstance(each, ipaddress.IPv6Network)]
    together: list[Network] = [*ipaddress.collapse_addresses(v4), *ipaddress.collapse_addresses(v6)]
    return bool(wanted) and all(within(each, together) for each in wanted)


def within(inner: Network, ranges: Sequence[Network]) -> bool:
    """Whether one of the ranges holds all of it."""
    return any(
        inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
        for outer in ranges
    )


def lets_anybody(groups: Sequence[SecurityGroup], port: int, transport: str, but: Sequence[Network] = ()) -> bool:
    """Whether any of the groups lets somebody in on a port: an address range, other than those in `but`, or a group.

    Raises when that cannot be told.
    """
    doubt = None
    for group in groups:
        known, missing = ingress(group)
        doubt = doubt or missing
        for permission in known:
            try:
                ports = permission.ports_of(transport)
                if ports is None or not ports[0] <= port <= ports[1]:
                    continue
                if permission.groups.given and permission.groups.raw != []:
                    return True
                if (permission.prefix_lists.given and permission.prefix_lists.raw != []) or permission.own.flag():
                    return True
                ranges, unclear = readable(permission.cidrs(), network)
                if any(each is not None and not within(each, but) for each in ranges):
                    return True
                doubt = doubt or unclear
            except NotEvaluated as outcome:
                doubt = doubt or outcome
    if doubt is not None:
        raise doubt
    return False


def lets_out(groups: Sequence[SecurityGroup], port: int) -> bool:
    """Whether any of the groups lets TCP on `port` out to anywhere."""
    doubt = None
    for group in groups:
        known, missing = egress(group)
        doubt = doubt or missing
        for permission in known:
            try:
                ports = permission.ports
            except NotEvaluated as outcome:
                doubt = doubt or outcome
            else:
                if ports is not None and ports[0] <= port <= ports[1]:
                    return True
    if doubt is not None:
        raise doubt
    return False


# Routes


class WayOut(Enum):
    """Where a subnet's traffic to the internet goes."""

    NAT = "a NAT gateway"
    INTERNET = "an internet gateway"
    NONE = "nowhere"


_ELSEWHERE = (
    "carrierGatewayId",
    "coreNetworkArn",
    "localGatewayId",
    "networkInterfaceId",
    "odbNetworkArn",
    "transitGatewayId",
    "vpcEndpointId",
    "vpcPeeringConnectionId",
)


def way_out(subnet: Subnet) -> WayOut:
    """By its route table. Raises where the traffic goes on outside of what the stack shows."""
    return subnet.stack.derived(_way_out, subnet)


def route_table(subnet: Subnet) -> RouteTable | None:
    """The route table in force; None for a VPC's main table when the stack leaves it as AWS made it."""
    associations = subnet.stack.relation(RouteTableAssociation, "subnetId", Subnet).of(subnet)
    if len(associations) > 1:
        raise associations[1]["subnetId"].not_evaluated("associates a second route table with the subnet")
    if associations:
        return associations[0]["routeTableId"].one(RouteTable)
    vpc = subnet["vpcId"].one(Vpc)
    if vpc is None or vpc.type.startswith("aws:ec2/defaultVpc"):
        raise subnet["vpcId"].not_evaluated("is the account's default VPC, whose main route table is not in this stack")
    mains = subnet.stack.relation(MainRouteTableAssociation, "vpcId", Vpc).of(vpc)
    if mains:
        return mains[-1]["routeTableId"].one(RouteTable)
    adopted = subnet.stack.relation(RouteTable, "defaultRouteTableId", Vpc).of(vpc)
    return adopted[0] if adopted else None


def default_routes(subnet: Subnet) -> list[Resource]:
    """The routes and associations, as resources of their own, that make the subnet's way out."""
    associations = subnet.stack.relation(RouteTableAssociation, "subnetId", Subnet).sure(subnet)
    tables = [table for each in associations if (table := each["routeTableId"].one(RouteTable)) is not None]
    routes = [
        route for table in tables for route in subnet.stack.relation(Route, "routeTableId", RouteTable).sure(table)
    ]
    return [*associations, *(each for each in routes if each["destinationCidrBlock"].raw == WHOLE_INTERNET[0])]


def _way_out(subnet: Subnet) -> WayOut:
    table = route_table(subnet)
    if table is None:
        vpc = subnet["vpcId"].one(Vpc)
        routes = subnet.stack.relation(Route, "routeTableId", Vpc)
        entries: list[Resource | Value] = [] if vpc is None else list(routes.sure(vpc))
        doubt = None if vpc is None else routes.doubt_about(vpc)
    else:
        routes = subnet.stack.relation(Route, "routeTableId", RouteTable)
        entries, doubt = [*routes.sure(table), *table["routes"].items()], routes.doubt_about(table)
    for entry in entries:
        inline = isinstance(entry, Value)
        destination = entry["cidrBlock" if inline else "destinationCidrBlock"]
        v6 = entry["ipv6CidrBlock" if inline else "destinationIpv6CidrBlock"]
        try:
            if destination.text() == "0.0.0.0/0":
                return _target(entry, destination)
            if v6.text() == "::/0" and (subnet["ipv6CidrBlock"].given or subnet["ipv6Native"].flag()):
                doubt = doubt or v6.not_evaluated("is a way out by IPv6 only: what it reaches is not looked into")
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if doubt is not None:
        raise doubt
    return WayOut.NONE


def _target(entry: Resource | Value, destination: Value) -> WayOut:
    nat, gateway = entry["natGatewayId"], entry["gatewayId"]
    if nat.given:
        return _through(nat)
    if gateway.given:
        known = "" if gateway.unknown else gateway.text() or ""
        if known.startswith("igw-") or gateway.one(InternetGateway) is not None:
            return WayOut.INTERNET
    for key in _ELSEWHERE:
        if entry[key].given:
            raise entry[key].not_evaluated("leads to a network outside of this stack")
    raise destination.not_evaluated("has a target that this pack does not know")


def _through(nat: Value) -> WayOut:
    try:
        gateway = nat.one(NatGateway)
    except NotEvaluated:
        if not nat.unknown and (nat.text() or "").startswith("nat-"):
            return WayOut.NAT  # of another stack
        raise
    if gateway is None:
        return WayOut.NONE
    if gateway["connectivityType"].text() == "private":
        raise gateway["connectivityType"].not_evaluated("is private: it leads to other networks only")
    subnet = gateway["subnetId"]
    home = subnet.one(Subnet) if subnet.given else None
    if home is not None and _beyond(home) is WayOut.NONE:
        return WayOut.NONE
    return WayOut.NAT


def _beyond(home: Subnet) -> WayOut:
    """The way out of a NAT gateway's own subnet. One that leads through NAT again is none, and may be a circle."""
    table = route_table(home)
    routes = [] if table is None else home.stack.relation(Route, "routeTableId", RouteTable).sure(table)
    entries: list[Resource | Value] = [] if table is None else [*routes, *table["routes"].items()]
    for entry in entries:
        destination = entry["cidrBlock" if isinstance(entry, Value) else "destinationCidrBlock"]
        if destination.text() == "0.0.0.0/0" and entry["natGatewayId"].given:
            return WayOut.NONE
    return way_out(home)


class Endpoints(NamedTuple):
    """The AWS services that a subnet reaches by endpoints of its VPC, as `ecr.api` and `s3`."""

    sure: set[str]
    possible: set[str]
    """Beside them, those of which it cannot be told whether the subnet reaches them."""
    doubt: NotEvaluated | None
    """Why there may be others still."""


def endpoints(subnet: Subnet) -> Endpoints:
    """What the subnet reaches without leaving AWS's network."""
    found = Endpoints(set(), set(), None)
    vpc = subnet["vpcId"].one(Vpc)
    if vpc is None:
        return found
    relation = subnet.stack.relation(VpcEndpoint, "vpcId", Vpc)
    doubt = relation.doubt_about(vpc)
    for endpoint in relation.sure(vpc):
        try:
            service = service_of(endpoint)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
            continue
        try:
            if _serves(endpoint, subnet):
                found.sure.add(service)
        except NotEvaluated:
            found.possible.add(service)
    return found._replace(doubt=doubt)


def service_of(endpoint: VpcEndpoint) -> str:
    """`ecr.api` of `com.amazonaws.ap-northeast-1.ecr.api`."""
    parts = (endpoint["serviceName"].text() or "").split(".")
    regional = next((index for index, part in enumerate(parts) if part.count("-") >= 2), len(parts))
    return ".".join(parts[regional + 1 :])


def _serves(endpoint: VpcEndpoint, subnet: Subnet) -> bool:
    if (endpoint["vpcEndpointType"].text() or "Gateway") == "Interface":
        return endpoint["privateDnsEnabled"].flag() is True
    table = route_table(subnet)
    if table is None:
        return False
    sure, doubtful = subnet.stack.found_among(endpoint["routeTableIds"], RouteTable)
    if table in sure or any(each is table for each in _associated(endpoint)):
        return True
    if table in doubtful or subnet.stack.lost(endpoint["routeTableIds"], RouteTable) is not None:
        raise endpoint["routeTableIds"].not_evaluated("is not known yet")
    return False


def _associated(endpoint: VpcEndpoint) -> Iterator[RouteTable | None]:
    for association in endpoint.stack.relation(VpcEndpointRouteTableAssociation, "vpcEndpointId", VpcEndpoint).of(
        endpoint
    ):
        yield association["routeTableId"].one(RouteTable)


DEFAULT_VPC = "default"
"""What `vpc_of` says of the account's default VPC, where it is not told which one that is."""


def vpc_of(resource: Resource) -> str:
    """One text for its VPC, however that is named: the URN of the VPC, its literal id, or `DEFAULT_VPC`.

    A security group without `vpcId` is in the default VPC; so is what Pulumi adopts as default.
    """
    return resource.stack.derived(_vpc_of, resource)


def _vpc_of(resource: Resource) -> str:
    vpc = resource["vpcId"]
    if not vpc.given:
        vpc = resource.computed("vpcId")
        if vpc.unknown or not vpc.given or resource.type.startswith("aws:ec2/defaultSubnet"):
            return DEFAULT_VPC
    try:
        found = vpc.one(Vpc)
    except NotEvaluated:
        if vpc.unknown:
            raise
        return vpc.text() or ""
    if found is None:
        return DEFAULT_VPC
    return DEFAULT_VPC if found.type.startswith("aws:ec2/defaultVpc") else found.urn


def apart(one: Resource, other: Resource) -> bool:
    """Whether two resources are in different VPCs. Raises where one may be the default VPC under its id."""
    homes = {vpc_of(one), vpc_of(other)}
    if len(homes) == 1:
        return False
    if DEFAULT_VPC in homes and any(each.startswith("vpc-") for each in homes):
        raise one["vpcId"].not_evaluated("is the default VPC, whose id is not known")
    return True
