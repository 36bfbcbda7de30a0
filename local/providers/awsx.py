"""`awsx:ec2:Vpc` as pulumi-awsx 3.11.0 builds it: the same children, names, parents, tags and address layout.

https://www.pulumi.com/registry/packages/awsx/api-docs/ec2/vpc/

Not here, and refused with a message: IPv6, IPAM, the AutoMerge subnet strategy and the Auto endpoint strategy.
Children are registered by their type token; importing pulumi_aws for them would take seconds.
"""

# ruff: noqa: ARG002, N802 - method names and arguments are the protocol's
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import pulumi
from google.protobuf import empty_pb2
from pulumi.provider.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from local.providers.server import ProviderError

VPC_TYPE = "awsx:ec2:Vpc"
VERSION = "3.11.0"
DEFAULT_CIDR = "10.0.0.0/16"
DEFAULT_ZONES = 3
ANYWHERE = "0.0.0.0/0"
LARGEST_DEFAULT_PREFIX = 16
SMALLEST_ZONE_PREFIX = 26

STRATEGIES = ("Legacy", "Auto", "Exact")
NAT_STRATEGIES = ("None", "Single", "OnePerAz")
NAME_TAG_STRATEGIES = ("Legacy", "AvailabilityZone")
SUBNET_TYPES = ("Public", "Private", "Isolated", "Unused")

_TO_VPC = (
    "enableDnsHostnames",
    "enableDnsSupport",
    "enableNetworkAddressUsageMetrics",
    "instanceTenancy",
    "region",
)
_PLAIN = (
    "availabilityZoneCidrMask",
    "availabilityZoneNames",
    "cidrBlock",
    "natGateways",
    "numberOfAvailabilityZones",
    "subnetNameTagStrategy",
    "subnetSpecs",
    "subnetStrategy",
    "vpcEndpointSpecs",
    "vpcEndpointStrategy",
)
_REFUSED = (
    "assignGeneratedIpv6CidrBlock",
    "ipv4IpamPoolId",
    "ipv4NetmaskLength",
    "ipv6CidrBlock",
    "ipv6CidrBlockNetworkBorderGroup",
    "ipv6IpamPoolId",
    "ipv6NetmaskLength",
)
_ARGUMENTS = (*_TO_VPC, *_PLAIN, "tags")
_NAT = ("strategy", "elasticIpAllocationIds")
_SPEC = ("type", "name", "cidrMask", "size", "cidrBlocks", "tags", "assignIpv6AddressOnCreation")
_ENDPOINT = (
    "serviceName",
    "autoAccept",
    "dnsOptions",
    "ipAddressType",
    "policy",
    "privateDnsEnabled",
    "region",
    "resourceConfigurationArn",
    "routeTableIds",
    "securityGroupIds",
    "serviceNetworkArn",
    "serviceRegion",
    "subnetConfigurations",
    "subnetIds",
    "tags",
    "vpcEndpointType",
)


# --- arguments --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SubnetSpec:
    """One subnet in every zone. `prefix` is its mask's length; None divides the zone evenly."""

    type: str
    name: str | None = None
    prefix: int | None = None
    cidr_blocks: tuple[str, ...] | None = None
    tags: Any = None

    @property
    def label(self) -> str:
        return self.name or self.type.lower()


@dataclass(frozen=True)
class Subnet:
    """One subnet in one zone."""

    type: str
    label: str
    zone_index: int
    block: Block
    tags: Any = None


def _problem(argument: str, value: Any, expected: str, change: str) -> str:
    return f"{argument}: got {json.dumps(value, default=str)}, expected {expected}; {change}"


def _holds_output(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_output, value.values()))
    if isinstance(value, list):
        return any(map(_holds_output, value))
    return isinstance(value, pulumi.Output)


def _named(value: Any, allowed: Sequence[str]) -> str | None:
    """`value` in its documented spelling; awsx compares names without regard to case."""
    return {name.lower(): name for name in allowed}.get(value.lower()) if isinstance(value, str) else None


def _network(value: Any) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(value, strict=False) if isinstance(value, str) and "/" in value else None
    except ValueError:
        return None


def _unknown_keys(value: Mapping[str, Any], allowed: Sequence[str], where: str = "") -> Iterator[str]:
    for key in sorted(set(value) - set(allowed)):
        yield _problem(where + key, value[key], f"one of {', '.join(sorted(allowed))}", "remove it, it does not exist")


def _spec_problems(spec: Any, where: str, zones: int | None, strategy: str) -> Iterator[str]:
    if not isinstance(spec, dict):
        yield _problem(where, spec, "a subnet spec", "give its fields by name")
        return
    yield from _unknown_keys(spec, _SPEC, f"{where}.")
    plain = {key: value for key, value in spec.items() if key != "tags"}
    if _holds_output(plain):
        yield f"{where}: got values that only `up` will know, expected plain values; write them out (all but tags)"
        return
    if _named(spec.get("type"), SUBNET_TYPES) is None:
        yield _problem(f"{where}.type", spec.get("type"), f"one of {', '.join(SUBNET_TYPES)}", "choose one")
    if spec.get("assignIpv6AddressOnCreation"):
        yield _problem(f"{where}.assignIpv6AddressOnCreation", True, "false", "the local awsx provider has no IPv6")
    prefix, size = spec.get("cidrMask"), spec.get("size")
    if prefix is not None and not 1 <= prefix <= 30:
        yield _problem(f"{where}.cidrMask", prefix, "1 to 30", "AWS subnets are /16 to /28")
    if size is not None and (size < 4 or int(size) & (int(size) - 1)):
        yield _problem(f"{where}.size", size, "a power of two from 4", "round it up to the next power of two")
    elif size is not None and prefix is not None and 2 ** (32 - int(prefix)) != size:
        yield _problem(f"{where}.size", size, f"{2 ** (32 - int(prefix))}, the size of a /{int(prefix)}", "remove one")
    blocks = spec.get("cidrBlocks")
    if blocks is None:
        return
    if strategy == "Legacy":
        yield _problem(f"{where}.cidrBlocks", blocks, "nothing with subnetStrategy Legacy", 'use "Auto" or "Exact"')
    if zones is not None and len(blocks) != zones:
        yield _problem(f"{where}.cidrBlocks", blocks, f"{zones} blocks, one a zone", "add or remove blocks")
    for block in blocks:
        network = _network(block)
        if network is None:
            yield _problem(f"{where}.cidrBlocks", block, "an IPv4 range such as 10.0.0.0/24", "correct it")
        elif prefix is not None and network.prefixlen != prefix:
            yield _problem(f"{where}.cidrBlocks", block, f"a /{int(prefix)}, as cidrMask says", "remove cidrMask")
        elif size is not None and network.num_addresses != size:
            yield _problem(f"{where}.cidrBlocks", block, f"{int(size)} addresses, as size says", "remove size")


def problems_of(inputs: Mapping[str, Any]) -> list[str]:
    """Everything wrong with the arguments, as far as they can be judged without knowing the region's zones."""
    found = []
    given = {key: value for key, value in inputs.items() if value is not None}
    for key in _REFUSED:
        value = given.pop(key, None)
        if value not in (None, False):
            found.append(f"{key}: the local awsx provider has neither IPv6 nor IPAM; use the official plugins for it")
    found += _unknown_keys(given, _ARGUMENTS)
    for key in _PLAIN:
        if key not in ("subnetSpecs", "vpcEndpointSpecs", "natGateways") and _holds_output(given.get(key)):
            found.append(f"{key}: got a value that only `up` will know, expected a plain value; write it out")
            given.pop(key)

    names, count = given.get("availabilityZoneNames"), given.get("numberOfAvailabilityZones")
    if names is not None and count is not None:
        found.append("availabilityZoneNames: got it beside numberOfAvailabilityZones, expected one of them; remove one")
    if count is not None and not (isinstance(count, (int, float)) and count >= 1 and count == int(count)):
        found.append(_problem("numberOfAvailabilityZones", count, "a whole number from 1", "correct it"))
    zones = len(names) if names else int(count) if isinstance(count, (int, float)) else DEFAULT_ZONES

    if "cidrBlock" in given and _network(given["cidrBlock"]) is None:
        found.append(_problem("cidrBlock", given["cidrBlock"], "an IPv4 range such as 10.0.0.0/16", "correct it"))
    strategy = given.get("subnetStrategy", "Legacy")
    if strategy not in STRATEGIES:
        found.append(_problem("subnetStrategy", strategy, f"one of {', '.join(STRATEGIES)}", "choose one of them"))
    naming = given.get("subnetNameTagStrategy", "Legacy")
    if naming not in NAME_TAG_STRATEGIES:
        expected = f"one of {', '.join(NAME_TAG_STRATEGIES)}"
        found.append(_problem("subnetNameTagStrategy", naming, expected, "choose one of them"))
    if given.get("vpcEndpointStrategy", "Legacy") != "Legacy":
        change = "list subnets, route tables and security groups in vpcEndpointSpecs"
        found.append(_problem("vpcEndpointStrategy", given["vpcEndpointStrategy"], "Legacy", change))

    specs = given.get("subnetSpecs")
    if isinstance(specs, list):
        if not specs:
            found.append("subnetSpecs: got none, expected at least one; add one or leave subnetSpecs out")
        for index, spec in enumerate(specs):
            found += _spec_problems(spec, f"subnetSpecs[{index}]", zones, strategy)
        explicit = [isinstance(spec, dict) and spec.get("cidrBlocks") is not None for spec in specs]
        if any(explicit) and not all(explicit):
            found.append("subnetSpecs: got cidrBlocks in some, expected them in all or none; add or remove them")
    found += _nat_problems(given.get("natGateways"), specs, zones)
    for index, spec in enumerate(given.get("vpcEndpointSpecs") or []):
        found += _unknown_keys(spec, _ENDPOINT, f"vpcEndpointSpecs[{index}].")
        if not isinstance(spec.get("serviceName"), str):
            found.append(f"vpcEndpointSpecs[{index}].serviceName: got nothing, expected a service name; set it")
    return found


def _nat_problems(nat: Any, specs: Any, zones: int) -> Iterator[str]:
    nat = nat or {}
    yield from _unknown_keys(nat, _NAT, "natGateways.")
    strategy = _named(nat.get("strategy", "OnePerAz"), NAT_STRATEGIES)
    if strategy is None:
        expected = f"one of {', '.join(NAT_STRATEGIES)}"
        yield _problem("natGateways.strategy", nat.get("strategy"), expected, "choose one of them")
        return
    allowed = {"None": (0,), "Single": (0, 1), "OnePerAz": (0, zones)}[strategy]
    addresses = len(nat.get("elasticIpAllocationIds") or [])
    if addresses not in allowed:
        expected = " or ".join(map(str, dict.fromkeys(allowed)))
        yield f"natGateways.elasticIpAllocationIds: got {addresses} of them, expected {expected} with {strategy}; " + (
            "leave them out to have them created"
        )
    types = {_named(spec.get("type"), SUBNET_TYPES) for spec in specs or [] if isinstance(spec, dict)}
    if specs and strategy != "None" and not {"Public", "Private"} <= types:
        yield (
            f'natGateways.strategy: got "{strategy}", expected "None" without both public and private subnets; '
            "set it, or add the missing kind to subnetSpecs"
        )


# --- address layout ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """An IPv4 range as awsx computes with it: the address may lie anywhere in the range."""

    address: int
    prefix: int

    @classmethod
    def of(cls, cidr: str) -> Block:
        address, _, prefix = cidr.partition("/")
        return cls(int(ipaddress.IPv4Address(address)), int(prefix))

    @property
    def size(self) -> int:
        return 1 << (32 - self.prefix)

    @property
    def first(self) -> int:
        return self.address & ~(self.size - 1)

    @property
    def last(self) -> int:
        return self.first + self.size - 1

    @property
    def cidr(self) -> str:
        return f"{ipaddress.IPv4Address(self.address)}/{self.prefix}"

    def part(self, added_bits: int, number: int) -> Block:
        """The `number`th range of `added_bits` longer prefix, counted from this one's address."""
        prefix = self.prefix + added_bits
        if prefix > 32:
            raise ProviderError(
                f"cidrBlock: {self.cidr} has no room for {added_bits} more bits; make the VPC larger or use fewer zones"
            )
        return Block(self.address + number * (1 << (32 - prefix)), prefix)

    def following(self, prefix: int) -> Block:
        """The first range of that prefix that starts after this one ends."""
        size = 1 << (32 - prefix)
        return Block((self.last & ~(size - 1)) + size, prefix)

    def overlaps(self, other: Block) -> bool:
        return self.first <= other.last and other.first <= self.last


def _bits_for(count: int) -> int:
    return max(count - 1, 0).bit_length()


def _auto_layout(
    vpc: Block, specs: Sequence[SubnetSpec] | None, zones: int, zone_prefix: int | None
) -> list[list[tuple[SubnetSpec, Block]]]:
    prefix = zone_prefix or vpc.prefix + _bits_for(zones)
    if specs is None:
        specs = _default_specs(prefix)
    even = prefix + _bits_for(len(specs))
    needed = sum(1 << (32 - min(spec.prefix or even, 32)) for spec in specs)
    if needed > 1 << (32 - prefix):
        raise ProviderError(
            f"subnetSpecs: got subnets of {needed} addresses together, expected at most {1 << (32 - prefix)}, "
            f"the size of a zone (/{prefix}); make the VPC larger, the subnets smaller, or use fewer zones"
        )
    layout = []
    zone = Block(vpc.first, prefix)
    for _ in range(zones):
        blocks: list[tuple[SubnetSpec, Block]] = []
        for spec in specs:
            wanted = spec.prefix or even
            block = blocks[-1][1].following(wanted) if blocks else Block(zone.first, wanted)
            blocks.append((spec, block))
        layout.append(blocks)
        zone = zone.following(prefix)
    return layout


def _default_specs(zone_prefix: int) -> list[SubnetSpec]:
    """Half of a zone private, a quarter public; at most the zone's first /16 is used."""
    if zone_prefix > SMALLEST_ZONE_PREFIX:
        raise ProviderError(
            f"cidrBlock: leaves a /{zone_prefix} a zone, expected at least a /{SMALLEST_ZONE_PREFIX} for the default "
            "subnets; make it larger, use fewer zones, or give subnetSpecs"
        )
    largest = max(zone_prefix, LARGEST_DEFAULT_PREFIX)
    return [SubnetSpec("Private", prefix=largest + 1), SubnetSpec("Public", prefix=largest + 2)]


def _legacy_layout(vpc: Block, specs: Sequence[SubnetSpec] | None, zones: int) -> list[list[tuple[SubnetSpec, Block]]]:
    """Private first, then public, then isolated, whatever order the specs have."""
    zone_bases = [vpc.part(_bits_for(zones), number) for number in range(zones)]
    if specs is None:
        halves = [(base, base.part(1, 0)) for base in zone_bases]
        return [
            [(SubnetSpec("Private"), half), (SubnetSpec("Public"), half.part(0, 1).part(1, 0))] for _, half in halves
        ]
    groups = [
        ([spec for spec in specs if spec.type == kind], smallest_prefix)
        for kind, smallest_prefix in (("Private", 19), ("Public", 20), ("Isolated", 24))
    ]
    added_bits = 0 if len(specs) == 1 else 1
    layout = []
    for base in zone_bases:
        blocks: list[tuple[SubnetSpec, Block]] = []
        previous = Block(base.first - 1, 32)
        start = base
        for group, smallest_prefix in groups:
            for number, spec in enumerate(group):
                prefix = spec.prefix or max(base.prefix + added_bits, smallest_prefix)
                block = start.part(prefix - start.prefix, number)
                if previous.overlaps(block):
                    block = previous.following(prefix)
                blocks.append((spec, block))
                previous = block
            if group:
                start = blocks[-1][1].part(0, 1)
        layout.append(blocks)
    return layout


def _gaps(vpc: Block, blocks: Sequence[tuple[str, Block]]) -> Iterator[str]:
    expected = vpc.first
    for name, block in blocks:
        if block.first != expected:
            yield f"before {name} ({block.cidr})"
        expected = block.last + 1
    if expected != vpc.last + 1:
        yield f"after {blocks[-1][0]} ({blocks[-1][1].cidr})"


def specs_of(inputs: Sequence[Mapping[str, Any]] | None) -> list[SubnetSpec] | None:
    """The specs with type names as documented and a size turned into its prefix; the inputs were checked before."""
    if inputs is None:
        return None
    specs = []
    for spec in inputs:
        prefix, size = spec.get("cidrMask"), spec.get("size")
        if prefix is None and size is not None:
            prefix = 32 - _bits_for(int(size))
        blocks = spec.get("cidrBlocks")
        specs.append(
            SubnetSpec(
                type=_named(spec["type"], SUBNET_TYPES) or "",
                name=spec.get("name"),
                prefix=None if prefix is None else int(prefix),
                cidr_blocks=None if blocks is None else tuple(blocks),
                tags=spec.get("tags"),
            )
        )
    return specs


def lay_out(
    cidr: str,
    zones: int,
    strategy: str = "Legacy",
    specs: Sequence[SubnetSpec] | None = None,
    zone_prefix: int | None = None,
) -> list[Subnet]:
    """Every subnet of the VPC with its range, zone by zone; raises when they overlap or, with Exact, leave a gap."""
    vpc = Block.of(cidr)
    if specs and all(spec.cidr_blocks for spec in specs):
        layout = [[(spec, Block.of((spec.cidr_blocks or ())[zone])) for spec in specs] for zone in range(zones)]
    elif strategy == "Legacy" or (specs is None and strategy == "Exact"):
        layout = _legacy_layout(vpc, specs, zones)
    else:
        layout = _auto_layout(vpc, specs, zones, zone_prefix)
    subnets = [
        Subnet(spec.type, spec.label, zone, block, spec.tags)
        for zone, blocks in enumerate(layout)
        for spec, block in blocks
    ]
    named = [(f"{subnet.label}-{subnet.zone_index + 1}", subnet.block) for subnet in subnets]
    overlapping = [
        f"{name} ({block.cidr})"
        for index, (name, block) in enumerate(named)
        if any(block.overlaps(other) for place, (_, other) in enumerate(named) if place != index)
    ]
    if overlapping:
        raise ProviderError(
            f"subnetSpecs: these subnets overlap: {', '.join(overlapping)}; "
            "make the VPC larger, the subnets smaller, or use fewer zones"
        )
    if strategy == "Exact":
        gaps = list(_gaps(vpc, named))
        if gaps:
            raise ProviderError(
                f"subnetSpecs: subnetStrategy Exact leaves gaps in {cidr}: {', '.join(gaps)}; "
                'fill them with specs of type "Unused", or use subnetStrategy "Auto"'
            )
    return subnets


def layout_output(specs: Sequence[SubnetSpec] | None, strategy: str, subnets: Sequence[Subnet]) -> list[dict[str, Any]]:
    """`subnetLayout`: the specs that give this layout with the Auto strategy."""
    if strategy != "Legacy" and specs is not None:
        resolved = []
        for spec in specs:
            entry: dict[str, Any] = {"type": spec.type}
            if spec.name:
                entry["name"] = spec.name
            if spec.prefix:
                entry |= {"cidrMask": spec.prefix, "size": 1 << (32 - spec.prefix)}
            if spec.cidr_blocks:
                entry["cidrBlocks"] = list(spec.cidr_blocks)
            resolved.append(entry)
        return resolved
    resolved = []
    expected = None
    for subnet in (subnet for subnet in subnets if subnet.zone_index == 0):
        if expected is not None and subnet.block.first > expected:
            gap = ipaddress.summarize_address_range(
                ipaddress.IPv4Address(expected), ipaddress.IPv4Address(subnet.block.first - 1)
            )
            resolved += [{"type": "Unused", "cidrMask": unused.prefixlen} for unused in gap]
        entry = {"type": subnet.type, "cidrMask": subnet.block.prefix}
        if subnet.label != subnet.type.lower():
            entry["name"] = subnet.label
        resolved.append(entry)
        expected = subnet.block.last + 1
    return resolved


def zone_suffix(zone: str) -> str:
    """`ap-northeast-1a` -> `1a`; a name of another form is its own suffix."""
    return re.sub(r"^[a-z]{2}(?:-[a-z]+)+-", "", zone)


# --- the component ----------------------------------------------------------------------------------------------------


def _tags(*layers: Any) -> Any:
    """The layers merged, later ones winning; unknown as long as one of them is."""
    given = [layer for layer in layers if layer is not None]
    if not _holds_output(given):
        return {key: value for layer in given for key, value in layer.items()}
    return pulumi.Output.all(*given).apply(
        lambda known: {key: value for layer in known for key, value in layer.items()}
    )


class Vpc(pulumi.ComponentResource):
    """The component; `inputs` were checked, `zones` are the names of its availability zones."""

    def __init__(
        self, name: str, inputs: Mapping[str, Any], zones: Sequence[str], opts: pulumi.ResourceOptions | None
    ) -> None:
        cidr = inputs.get("cidrBlock") or DEFAULT_CIDR
        strategy = inputs.get("subnetStrategy") or "Legacy"
        specs = specs_of(inputs.get("subnetSpecs"))
        zone_prefix = inputs.get("availabilityZoneCidrMask")
        subnets = lay_out(cidr, len(zones), strategy, specs, None if zone_prefix is None else int(zone_prefix))
        layout = layout_output(specs, strategy, subnets)

        super().__init__(VPC_TYPE, name, None, opts)
        self._name = name
        self._zones = zones
        self._zone_names = inputs.get("subnetNameTagStrategy") == "AvailabilityZone"
        self._own_tags = inputs.get("tags")
        self._shared_tags = _tags({"Name": name}, self._own_tags)
        region = inputs.get("region")
        self._everywhere = {} if region is None else {"region": region}
        nat = inputs.get("natGateways") or {}
        self._nat_strategy = _named(nat.get("strategy", "OnePerAz"), NAT_STRATEGIES)
        self._addresses = nat.get("elasticIpAllocationIds") or []

        self._subnets: dict[str, list[pulumi.CustomResource]] = {"Public": [], "Private": [], "Isolated": []}
        self._all_subnets: list[pulumi.CustomResource] = []
        self._tables: list[pulumi.CustomResource] = []
        self._associations: list[pulumi.CustomResource] = []
        self._routes: list[pulumi.CustomResource] = []
        self._gateways: list[pulumi.CustomResource] = []
        self._eips: list[pulumi.CustomResource] = []

        passed = {key: inputs[key] for key in _TO_VPC if inputs.get(key) is not None}
        self._vpc = pulumi.CustomResource(
            "aws:ec2/vpc:Vpc",
            name,
            {**passed, "cidrBlock": cidr, "tags": self._shared_tags},
            pulumi.ResourceOptions(parent=self),
        )
        self._igw = self._child(
            "internetGateway:InternetGateway", name, self._vpc, {"vpcId": self._vpc.id, "tags": self._shared_tags}
        )
        endpoints = [
            self._child("vpcEndpoint:VpcEndpoint", spec["serviceName"], self._vpc, {**spec, "vpcId": self._vpc.id})
            for spec in inputs.get("vpcEndpointSpecs") or []
        ]
        # A private subnet's route needs the gateway in its zone's public subnet.
        order = {"Public": 0, "Private": 1, "Isolated": 2}
        for subnet in sorted(
            (subnet for subnet in subnets if subnet.type in order), key=lambda s: (s.zone_index, order[s.type])
        ):
            self._add_subnet(subnet)

        self.outputs: dict[str, Any] = {
            "vpcId": self._vpc.id,
            "vpc": self._vpc,
            "subnets": self._all_subnets,
            "internetGateway": self._igw,
            "natGateways": self._gateways,
            "eips": self._eips,
            "routeTables": self._tables,
            "routeTableAssociations": self._associations,
            "routes": self._routes,
            "subnetLayout": layout,
            "vpcEndpoints": endpoints,
        }
        for kind, resources in self._subnets.items():
            self.outputs[f"{kind.lower()}Subnets"] = resources
            self.outputs[f"{kind.lower()}SubnetIds"] = [subnet.id for subnet in resources]
        self.register_outputs(self.outputs)

    def _child(
        self, kind: str, name: str, parent: pulumi.Resource, properties: Mapping[str, Any]
    ) -> pulumi.CustomResource:
        return pulumi.CustomResource(
            f"aws:ec2/{kind}",
            name,
            {**self._everywhere, **properties},
            pulumi.ResourceOptions(parent=parent, depends_on=[parent]),
        )

    def _add_subnet(self, subnet: Subnet) -> None:
        zone = self._zones[subnet.zone_index]
        name = f"{self._name}-{subnet.label}-{subnet.zone_index + 1}"
        name_tag = f"{self._name}-{subnet.label}-{zone_suffix(zone)}" if self._zone_names else name
        described = {"Name": name_tag, "SubnetType": subnet.type}

        resource = self._child(
            "subnet:Subnet",
            name,
            self._vpc,
            {
                "vpcId": self._vpc.id,
                "availabilityZone": zone,
                "cidrBlock": subnet.block.cidr,
                "mapPublicIpOnLaunch": subnet.type == "Public",
                "tags": _tags(self._shared_tags, subnet.tags, described),
            },
        )
        self._all_subnets.append(resource)
        self._subnets[subnet.type].append(resource)
        table = self._child(
            "routeTable:RouteTable",
            name,
            resource,
            {"vpcId": self._vpc.id, "tags": _tags(self._shared_tags, described)},
        )
        self._tables.append(table)
        self._associations.append(
            self._child(
                "routeTableAssociation:RouteTableAssociation",
                name,
                table,
                {"routeTableId": table.id, "subnetId": resource.id},
            )
        )
        if subnet.type == "Public":
            self._add_nat_gateway(subnet.zone_index, resource)
            self._add_route(name, table, {"gatewayId": self._igw.id})
        elif subnet.type == "Private" and self._nat_strategy != "None":
            gateway = self._gateways[0 if self._nat_strategy == "Single" else subnet.zone_index]
            self._add_route(name, table, {"natGatewayId": gateway.id})

    def _add_route(self, name: str, table: pulumi.CustomResource, target: Mapping[str, Any]) -> None:
        properties = {"routeTableId": table.id, "destinationCidrBlock": ANYWHERE, **target}
        self._routes.append(self._child("route:Route", name, table, properties))

    def _add_nat_gateway(self, zone_index: int, subnet: pulumi.CustomResource) -> None:
        wanted = {"None": 0, "Single": 1, "OnePerAz": zone_index + 1}[self._nat_strategy or "None"]
        if len(self._gateways) >= wanted:
            return
        name = f"{self._name}-{zone_index + 1}"
        tags = _tags(self._own_tags, {"Name": name})
        if self._addresses:
            allocation = self._addresses[zone_index]
        else:
            # Named, so that the SDK reads the output back.
            eip = self._child("eip:Eip", name, subnet, {"tags": tags, "allocationId": None})
            self._eips.append(eip)
            allocation = pulumi.get(eip, "allocationId")
        self._gateways.append(
            self._child(
                "natGateway:NatGateway",
                name,
                subnet,
                {"subnetId": subnet.id, "allocationId": allocation, "tags": tags},
            )
        )


async def _zones(inputs: Mapping[str, Any], options: pulumi.ResourceOptions) -> Sequence[str]:
    names: Sequence[str] | None = inputs.get("availabilityZoneNames")
    if names:
        return names
    count = int(inputs.get("numberOfAvailabilityZones") or DEFAULT_ZONES)
    provider = (options.providers or {}).get("aws") if isinstance(options.providers, Mapping) else None
    region = inputs.get("region")
    answer = await pulumi.runtime.invoke_async(
        "aws:index/getAvailabilityZones:getAvailabilityZones",
        {} if region is None else {"region": region},
        pulumi.InvokeOptions(provider=provider),
    )
    offered: Sequence[str] = answer["names"]
    if len(offered) < count:
        raise ProviderError(
            f"numberOfAvailabilityZones: got {count}, expected at most {len(offered)} in this region "
            f"({', '.join(offered)}); use fewer, or name them in availabilityZoneNames"
        )
    return offered[:count]


def _with_whole_numbers(value: Any) -> Any:
    """The wire knows floats only."""
    if isinstance(value, dict):
        return {key: _with_whole_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Components(Provider):
    def __init__(self) -> None:
        super().__init__(VERSION)

    async def construct(  # type: ignore[override]
        self, name: str, resource_type: str, inputs: Mapping[str, Any], options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        if resource_type != VPC_TYPE:
            raise ProviderError(
                f"the local awsx provider has {VPC_TYPE} only, not {resource_type}; use the official plugins"
            )
        inputs = _with_whole_numbers(inputs)
        problems = problems_of(inputs)
        if problems:
            raise ProviderError("\n".join(problems))
        vpc = Vpc(name, inputs, await _zones(inputs, options or pulumi.ResourceOptions()), options)
        return ConstructResult(urn=vpc.urn, state=vpc.outputs)


class AwsxProvider(ProviderServicer):
    """Serves the components; its methods are coroutines, for the SDK's runtime lives in an event loop."""

    def __init__(self) -> None:
        super().__init__(_Components(), [], engine_address="")

    async def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.aio.ServicerContext) -> empty_pb2.Empty:
        self.engine_address = request.address
        return empty_pb2.Empty()

    async def Cancel(self, request: empty_pb2.Empty, context: grpc.aio.ServicerContext) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    async def Construct(
        self, request: provider_pb2.ConstructRequest, context: grpc.aio.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        try:
            return await self._construct(request, context)
        except ProviderError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise

    async def _construct_response(  # type: ignore[override]
        self, result: Awaitable[ConstructResult]
    ) -> provider_pb2.ConstructResponse:
        # The SDK calls `construct` as a plain function; ours must ask the engine for the zones first.
        return await super()._construct_response(await result)
