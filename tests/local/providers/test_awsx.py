"""The local `awsx:ec2:Vpc`: its address layout, its children, and what it refuses."""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import asyncio
import importlib
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi._types import input_type_py_to_pulumi_names
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2

from local.providers import awsx
from local.providers.awsx import Vpc, lay_out
from local.providers.server import ProviderError
from local.providers.values import from_struct, to_struct

KINDS = ("Public", "Private")
GIVEN: Mapping[str, Any] = {
    "cidrBlock": "10.0.0.0/16",
    "enableDnsHostnames": True,
    "natGateways": {"strategy": "OnePerAz"},
    "numberOfAvailabilityZones": 2,
    "subnetSpecs": [{"type": kind} for kind in KINDS],
    "subnetStrategy": "Auto",
}


def test_a_zone_is_divided_evenly_in_the_order_of_the_specs() -> None:
    assert [(each.type, each.zone_index, each.cidr) for each in lay_out("10.0.0.0/16", 3, KINDS)] == [
        ("Public", 0, "10.0.0.0/19"),
        ("Private", 0, "10.0.32.0/19"),
        ("Public", 1, "10.0.64.0/19"),
        ("Private", 1, "10.0.96.0/19"),
        ("Public", 2, "10.0.128.0/19"),
        ("Private", 2, "10.0.160.0/19"),
    ]


@given(prefix=st.integers(16, 28), zones=st.integers(1, 6))
def test_every_subnet_is_a_range_of_its_own_inside_the_vpc(prefix: int, zones: int) -> None:
    cidr = f"10.32.0.0/{prefix}"
    networks = [ipaddress.IPv4Network(subnet.cidr) for subnet in lay_out(cidr, zones, KINDS)]
    assert len(networks) == zones * len(KINDS)
    collapsed = sum(network.num_addresses for network in ipaddress.collapse_addresses(networks))
    assert collapsed == sum(network.num_addresses for network in networks)
    assert all(network.subnet_of(ipaddress.IPv4Network(cidr)) for network in networks)


class Recorder(MockMonitor):
    """Keeps what is registered; the SDK's own recorder leaves event loops open."""

    def __init__(self) -> None:
        super().__init__(mocks=None)  # type: ignore[arg-type]
        self.children: dict[tuple[str, str], dict[str, Any]] = {}

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:  # noqa: N802
        kind, inputs = request.type.rpartition(":")[2], from_struct(request.object)
        if request.custom:
            self.children[(kind, request.name)] = inputs
        outputs = {**inputs, "allocationId": f"allocation of {request.name}"} if kind == "Eip" else inputs
        return resource_pb2.RegisterResourceResponse(
            urn=self.make_urn(request.parent, request.type, request.name),
            id=f"{kind} {request.name}",
            object=to_struct(outputs),
        )


@pytest.fixture
def event_loop_of_its_own() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)


@pytest.mark.usefixtures("event_loop_of_its_own")
class TestChildren:
    ZONES = ("ap-northeast-1a", "ap-northeast-1c")

    def built(self, **inputs: Any) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[str, Any]]:
        """The children of a VPC named `net`, and its outputs once they are known."""
        recorder = Recorder()
        pulumi.runtime.set_mocks(None, monitor=recorder)  # type: ignore[arg-type]
        outputs: dict[str, Any] = {}

        @pulumi.runtime.test  # type: ignore[untyped-decorator, unused-ignore]
        def program() -> pulumi.Output[Any]:
            vpc = Vpc("net", {**GIVEN, **inputs}, self.ZONES, None)
            plain = {key: value for key, value in vpc.outputs.items() if key.endswith(("Ids", "Id", "Layout"))}
            return pulumi.Output.all(plain).apply(lambda known: outputs.update(known[0]))

        program()
        return recorder.children, outputs

    def test_with_one_nat_gateway(self) -> None:
        children, outputs = self.built(natGateways={"strategy": "Single"})
        shared = {"Name": "net"}
        public, private = {"SubnetType": "Public"}, {"SubnetType": "Private"}
        assert children[("Vpc", "net")] == {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": shared}
        assert children[("InternetGateway", "net")] == {"vpcId": "Vpc net", "tags": shared}
        assert children[("Subnet", "net-public-2")] == {
            "vpcId": "Vpc net",
            "availabilityZone": "ap-northeast-1c",
            "cidrBlock": "10.0.128.0/18",
            "mapPublicIpOnLaunch": True,
            "tags": {**public, "Name": "net-public-2"},
        }
        assert children[("Subnet", "net-private-1")]["mapPublicIpOnLaunch"] is False
        assert children[("RouteTable", "net-private-1")] == {
            "vpcId": "Vpc net",
            "tags": {**private, "Name": "net-private-1"},
        }
        assert children[("RouteTableAssociation", "net-private-1")] == {
            "routeTableId": "RouteTable net-private-1",
            "subnetId": "Subnet net-private-1",
        }
        assert children[("Eip", "net-1")] == {"tags": {"Name": "net-1"}}
        assert children[("NatGateway", "net-1")] == {
            "subnetId": "Subnet net-public-1",
            "allocationId": "allocation of net-1",
            "tags": {"Name": "net-1"},
        }
        assert children[("Route", "net-public-2")] == {
            "routeTableId": "RouteTable net-public-2",
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": "InternetGateway net",
        }
        assert children[("Route", "net-private-2")] == {
            "routeTableId": "RouteTable net-private-2",
            "destinationCidrBlock": "0.0.0.0/0",
            "natGatewayId": "NatGateway net-1",
        }
        per_subnet = {"Subnet", "RouteTable", "RouteTableAssociation", "Route"}
        expected = {
            (kind, f"net-{place}-{zone}") for kind in per_subnet for place in ("public", "private") for zone in (1, 2)
        }
        expected |= {("Vpc", "net"), ("InternetGateway", "net"), ("Eip", "net-1"), ("NatGateway", "net-1")}
        assert set(children) == expected
        assert outputs["vpcId"] == "Vpc net"
        assert outputs["publicSubnetIds"] == ["Subnet net-public-1", "Subnet net-public-2"]
        assert outputs["privateSubnetIds"] == ["Subnet net-private-1", "Subnet net-private-2"]
        assert outputs["isolatedSubnetIds"] == []

    def test_with_a_nat_gateway_in_every_zone(self) -> None:
        children, _ = self.built()
        assert [name for kind, name in sorted(children) if kind == "NatGateway"] == ["net-1", "net-2"]
        assert children[("Route", "net-private-2")]["natGatewayId"] == "NatGateway net-2"
        assert children[("NatGateway", "net-2")]["subnetId"] == "Subnet net-public-2"

    def test_without_nat_gateways_private_subnets_have_no_way_out(self) -> None:
        children, _ = self.built(natGateways={"strategy": "None"})
        assert not {kind for kind, _ in children} & {"NatGateway", "Eip"}
        assert ("Route", "net-private-1") not in children
        assert ("RouteTable", "net-private-1") in children


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"tags": {"team": "web"}}, 'tags: got {"team": "web"}, expected one of cidrBlock, '),
        ({"subnetStrategy": "Exact"}, 'subnetStrategy: got "Exact", expected one of Auto; '),
        ({"subnetSpecs": [{"type": "Isolated"}]}, 'subnetSpecs[0].type: got "Isolated", expected one of Public, Priva'),
        ({"numberOfAvailabilityZones": 0}, "numberOfAvailabilityZones: got 0, expected at least 1 and at most 6; "),
        ({"natGateways": {"strategy": "All"}}, 'natGateways.strategy: got "All", expected one of None, Single, OneP'),
        ({"cidrBlock": "10.0.0.0"}, 'cidrBlock: got "10.0.0.0", expected the first address of an IPv4 range and '),
    ],
)
def test_what_is_not_known_here_is_refused_by_name(inputs: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ProviderError) as refused:
        awsx.checked({**GIVEN, **inputs})
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_all_problems_come_at_once() -> None:
    with pytest.raises(ProviderError) as refused:
        awsx.checked({**GIVEN, "subnetStrategy": "x", "cidrBlock": "y", "natGateways": {"strategy": "z"}})
    assert str(refused.value).count("\n") == 2


@pytest.mark.filterwarnings("ignore:Waiting for .* Use the DefaultVpc resource:DeprecationWarning")
def test_every_argument_is_one_of_the_sdk() -> None:
    ec2 = importlib.import_module("pulumi_awsx.ec2")
    assert set(awsx.ARGUMENTS) <= set(input_type_py_to_pulumi_names(ec2.VpcArgs).values())
