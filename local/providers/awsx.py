"""`awsx:ec2:Vpc` as pulumi-awsx 3.11.0 builds it: the same children, names, parents, tags and address layout.

https://www.pulumi.com/registry/packages/awsx/api-docs/ec2/vpc/

Of its layouts the one that divides zones evenly; another argument is refused with a message.
Children are registered by their type token; importing pulumi_aws for them would take seconds.
"""

# ruff: noqa: ARG002, N802 - method names and arguments are the protocol's
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import ipaddress
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

from local.providers.aws import schema
from local.providers.aws.schema import Property, block, blocks, boolean, integer, ipv4_network, string
from local.providers.server import ProviderError
from local.providers.values import UNKNOWN

VPC_TYPE = "awsx:ec2:Vpc"
VERSION = "3.11.0"
ANYWHERE = "0.0.0.0/0"
ARGUMENTS: Mapping[str, Property] = {
    "cidrBlock": string(required=True, form=ipv4_network(16, 28)),
    "enableDnsHostnames": boolean(),
    "natGateways": block({"strategy": string(required=True, allowed=("None", "Single", "OnePerAz"))}, required=True),
    "numberOfAvailabilityZones": integer(required=True, minimum=1, maximum=6),
    "subnetSpecs": blocks({"type": string(required=True, allowed=("Public", "Private"))}, required=True),
    "subnetStrategy": string(required=True, allowed=("Auto",)),
}


def _holds_output(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_output, value.values()))
    if isinstance(value, list):
        return any(map(_holds_output, value))
    return isinstance(value, pulumi.Output)


def checked(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the types they have; raises with everything that is wrong with them."""
    unknown = sorted(key for key, value in inputs.items() if _holds_output(value))
    problems = [f"{key}: got a value that only `up` will know, expected a plain value; write it out" for key in unknown]
    plain = {key: UNKNOWN if key in unknown else value for key, value in inputs.items()}
    arguments = schema.check_fields(ARGUMENTS, plain, "", problems)
    if problems:
        raise ProviderError("\n".join(problems))
    return arguments


@dataclass(frozen=True)
class Subnet:
    """One subnet in one zone."""

    type: str
    zone_index: int
    cidr: str


def lay_out(cidr: str, zones: int, types: Sequence[str]) -> Iterator[Subnet]:
    """Every zone an equal part of the VPC, and every subnet an equal part of its zone, as far as powers of two go."""

    def parts(network: ipaddress.IPv4Network, count: int) -> list[ipaddress.IPv4Network]:
        return list(network.subnets(prefixlen_diff=(count - 1).bit_length()))[:count]

    for index, zone in enumerate(parts(ipaddress.IPv4Network(cidr), zones)):
        for kind, network in zip(types, parts(zone, len(types)), strict=True):
            yield Subnet(kind, index, str(network))


class Vpc(pulumi.ComponentResource):
    """The component; `inputs` were checked, `zones` are the names of its availability zones."""

    def __init__(
        self, name: str, inputs: Mapping[str, Any], zones: Sequence[str], opts: pulumi.ResourceOptions | None
    ) -> None:
        super().__init__(VPC_TYPE, name, None, opts)
        self._name = name
        self._zones = zones
        self._shared_tags = {"Name": name}
        self._nat_strategy = inputs["natGateways"]["strategy"]

        self._subnets: dict[str, list[pulumi.CustomResource]] = {"Public": [], "Private": [], "Isolated": []}
        self._all_subnets: list[pulumi.CustomResource] = []
        self._tables: list[pulumi.CustomResource] = []
        self._associations: list[pulumi.CustomResource] = []
        self._routes: list[pulumi.CustomResource] = []
        self._gateways: list[pulumi.CustomResource] = []
        self._eips: list[pulumi.CustomResource] = []

        names = inputs.get("enableDnsHostnames")
        self._vpc = pulumi.CustomResource(
            "aws:ec2/vpc:Vpc",
            name,
            {
                **({} if names is None else {"enableDnsHostnames": names}),
                "cidrBlock": inputs["cidrBlock"],
                "tags": self._shared_tags,
            },
            pulumi.ResourceOptions(parent=self),
        )
        self._igw = self._child(
            "internetGateway:InternetGateway", name, self._vpc, {"vpcId": self._vpc.id, "tags": self._shared_tags}
        )
        types = [spec["type"] for spec in inputs["subnetSpecs"]]
        # A private subnet's route needs the gateway in its zone's public subnet.
        for subnet in sorted(
            lay_out(inputs["cidrBlock"], len(zones), types), key=lambda each: (each.zone_index, each.type != "Public")
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
            "subnetLayout": [{"type": kind} for kind in types],
            "vpcEndpoints": [],
        }
        for kind, resources in self._subnets.items():
            self.outputs[f"{kind.lower()}Subnets"] = resources
            self.outputs[f"{kind.lower()}SubnetIds"] = [subnet.id for subnet in resources]
        self.register_outputs(self.outputs)

    def _child(
        self, kind: str, name: str, parent: pulumi.Resource, properties: Mapping[str, Any]
    ) -> pulumi.CustomResource:
        options = pulumi.ResourceOptions(parent=parent, depends_on=[parent])
        return pulumi.CustomResource(f"aws:ec2/{kind}", name, dict(properties), options)

    def _add_subnet(self, subnet: Subnet) -> None:
        name = f"{self._name}-{subnet.type.lower()}-{subnet.zone_index + 1}"
        tags = {"Name": name, "SubnetType": subnet.type}
        resource = self._child(
            "subnet:Subnet",
            name,
            self._vpc,
            {
                "vpcId": self._vpc.id,
                "availabilityZone": self._zones[subnet.zone_index],
                "cidrBlock": subnet.cidr,
                "mapPublicIpOnLaunch": subnet.type == "Public",
                "tags": tags,
            },
        )
        self._all_subnets.append(resource)
        self._subnets[subnet.type].append(resource)
        table = self._child("routeTable:RouteTable", name, resource, {"vpcId": self._vpc.id, "tags": tags})
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
        elif self._nat_strategy != "None":
            gateway = self._gateways[0 if self._nat_strategy == "Single" else subnet.zone_index]
            self._add_route(name, table, {"natGatewayId": gateway.id})

    def _add_route(self, name: str, table: pulumi.CustomResource, target: Mapping[str, Any]) -> None:
        properties = {"routeTableId": table.id, "destinationCidrBlock": ANYWHERE, **target}
        self._routes.append(self._child("route:Route", name, table, properties))

    def _add_nat_gateway(self, zone_index: int, subnet: pulumi.CustomResource) -> None:
        wanted = {"None": 0, "Single": 1, "OnePerAz": zone_index + 1}[self._nat_strategy]
        if len(self._gateways) >= wanted:
            return
        name = f"{self._name}-{zone_index + 1}"
        tags = {"Name": name}
        # Named, so that the SDK reads the output back.
        eip = self._child("eip:Eip", name, subnet, {"tags": tags, "allocationId": None})
        self._eips.append(eip)
        self._gateways.append(
            self._child(
                "natGateway:NatGateway",
                name,
                subnet,
                {"subnetId": subnet.id, "allocationId": pulumi.get(eip, "allocationId"), "tags": tags},
            )
        )


async def _zones(count: int, options: pulumi.ResourceOptions) -> Sequence[str]:
    provider = (options.providers or {}).get("aws") if isinstance(options.providers, Mapping) else None
    answer = await pulumi.runtime.invoke_async(
        "aws:index/getAvailabilityZones:getAvailabilityZones", {}, pulumi.InvokeOptions(provider=provider)
    )
    offered: Sequence[str] = answer["names"]
    if len(offered) < count:
        raise ProviderError(
            f"numberOfAvailabilityZones: got {count}, expected at most {len(offered)} in this region "
            f"({', '.join(offered)}); use fewer"
        )
    return offered[:count]


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
        arguments = checked(inputs)
        zones = await _zones(arguments["numberOfAvailabilityZones"], options or pulumi.ResourceOptions())
        vpc = Vpc(name, arguments, zones, options)
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
