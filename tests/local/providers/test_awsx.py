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
from hypothesis import assume, given
from hypothesis import strategies as st
from pulumi._types import input_type_py_to_pulumi_names
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2

from local.providers import awsx
from local.providers.awsx import Subnet, SubnetSpec, Vpc, lay_out, layout_output, problems_of, specs_of, zone_suffix
from local.providers.server import ProviderError
from local.providers.values import from_struct, to_struct

PUBLIC, PRIVATE, ISOLATED, UNUSED = (SubnetSpec(kind) for kind in ("Public", "Private", "Isolated", "Unused"))


def ranges(subnets: list[Subnet]) -> dict[str, str]:
    return {f"{subnet.label}-{subnet.zone_index + 1}": subnet.block.cidr for subnet in subnets}


class TestLayout:
    def test_by_default_a_zone_is_half_private_and_a_quarter_public(self) -> None:
        expected = {
            "private-1": "10.0.0.0/19",
            "public-1": "10.0.32.0/20",
            "private-2": "10.0.64.0/19",
            "public-2": "10.0.96.0/20",
            "private-3": "10.0.128.0/19",
            "public-3": "10.0.160.0/20",
        }
        assert ranges(lay_out("10.0.0.0/16", 3, "Legacy")) == expected
        assert ranges(lay_out("10.0.0.0/16", 3, "Auto")) == expected

    def test_auto_divides_a_zone_evenly_in_the_order_of_the_specs(self) -> None:
        assert ranges(lay_out("10.0.0.0/16", 2, "Auto", [PUBLIC, PRIVATE])) == {
            "public-1": "10.0.0.0/18",
            "private-1": "10.0.64.0/18",
            "public-2": "10.0.128.0/18",
            "private-2": "10.0.192.0/18",
        }

    def test_auto_leaves_a_gap_before_a_larger_subnet(self) -> None:
        specs = [SubnetSpec("Public", prefix=24), SubnetSpec("Private", prefix=20)]
        assert ranges(lay_out("10.0.0.0/16", 1, "Auto", specs)) == {
            "public-1": "10.0.0.0/24",
            "private-1": "10.0.16.0/20",
        }

    def test_auto_aligns_zones_to_the_given_prefix(self) -> None:
        assert ranges(lay_out("10.0.0.0/16", 2, "Auto", [PUBLIC], zone_prefix=20)) == {
            "public-1": "10.0.0.0/20",
            "public-2": "10.0.16.0/20",
        }

    def test_legacy_puts_private_before_public_before_isolated_whatever_the_order(self) -> None:
        assert ranges(lay_out("10.0.0.0/16", 2, "Legacy", [ISOLATED, PUBLIC, PRIVATE])) == {
            "private-1": "10.0.0.0/19",
            "public-1": "10.0.32.0/20",
            "isolated-1": "10.0.48.0/24",
            "private-2": "10.0.128.0/19",
            "public-2": "10.0.160.0/20",
            "isolated-2": "10.0.176.0/24",
        }

    def test_legacy_gives_a_single_subnet_of_a_small_vpc_the_whole_zone(self) -> None:
        assert ranges(lay_out("10.0.0.0/24", 2, "Legacy", [PUBLIC])) == {
            "public-1": "10.0.0.0/25",
            "public-2": "10.0.0.128/25",
        }

    def test_explicit_blocks_are_taken_as_they_are(self) -> None:
        specs = [SubnetSpec("Public", name="edge", cidr_blocks=("10.0.7.0/24", "10.0.9.0/24"))]
        assert ranges(lay_out("10.0.0.0/16", 2, "Auto", specs)) == {"edge-1": "10.0.7.0/24", "edge-2": "10.0.9.0/24"}

    def test_exact_accepts_a_layout_that_uses_every_address(self) -> None:
        specs = [SubnetSpec("Public", prefix=18), SubnetSpec("Unused", prefix=18)]
        assert ranges(lay_out("10.0.0.0/16", 2, "Exact", specs))["unused-2"] == "10.0.192.0/18"

    def test_exact_names_the_gaps(self) -> None:
        with pytest.raises(ProviderError) as refused:
            lay_out("10.0.0.0/16", 1, "Exact", [SubnetSpec("Public", prefix=24), SubnetSpec("Private", prefix=20)])
        assert str(refused.value) == (
            "subnetSpecs: subnetStrategy Exact leaves gaps in 10.0.0.0/16: before private-1 (10.0.16.0/20), "
            'after private-1 (10.0.16.0/20); fill them with specs of type "Unused", or use subnetStrategy "Auto"'
        )

    def test_subnets_larger_than_a_zone_are_refused(self) -> None:
        with pytest.raises(ProviderError, match=r"got subnets of 65536 addresses together, expected at most 32768"):
            lay_out("10.0.0.0/16", 2, "Auto", [SubnetSpec("Public", prefix=17), SubnetSpec("Private", prefix=17)])

    def test_overlapping_blocks_are_named(self) -> None:
        specs = [
            SubnetSpec("Public", cidr_blocks=("10.0.0.0/20",)),
            SubnetSpec("Private", cidr_blocks=("10.0.8.0/24",)),
            SubnetSpec("Isolated", cidr_blocks=("10.0.16.0/24",)),
        ]
        with pytest.raises(ProviderError, match=r"these subnets overlap: public-1 .*, private-1 \(10.0.8.0/24\); make"):
            lay_out("10.0.0.0/16", 1, "Auto", specs)

    def test_a_vpc_too_small_for_the_default_subnets_says_so(self) -> None:
        with pytest.raises(ProviderError, match=r"cidrBlock: leaves a /28 a zone, expected at least a /26"):
            lay_out("10.0.0.0/26", 3, "Auto")

    @given(
        prefix=st.integers(16, 22),
        zones=st.integers(1, 6),
        strategy=st.sampled_from(["Legacy", "Auto"]),
        kinds=st.none() | st.lists(st.sampled_from(["Public", "Private", "Isolated"]), min_size=1, max_size=4),
    )
    def test_every_subnet_is_a_range_of_its_own_inside_the_vpc(
        self, prefix: int, zones: int, strategy: str, kinds: list[str] | None
    ) -> None:
        cidr = f"10.32.0.0/{prefix}"
        specs = None if kinds is None else [SubnetSpec(kind) for kind in kinds]
        try:
            subnets = lay_out(cidr, zones, strategy, specs)
        except ProviderError:
            assume(strategy == "Legacy" and kinds is not None and len(kinds) > 2)  # Legacy halves a zone at most once
            return
        networks = [ipaddress.IPv4Network(subnet.block.cidr) for subnet in subnets]
        assert len(networks) == zones * (2 if kinds is None else len(kinds))
        collapsed = sum(network.num_addresses for network in ipaddress.collapse_addresses(networks))
        assert collapsed == sum(network.num_addresses for network in networks)
        if kinds is None or strategy == "Auto":
            assert all(network.subnet_of(ipaddress.IPv4Network(cidr)) for network in networks)

    @given(zones=st.integers(1, 4), prefixes=st.tuples(*[st.none() | st.integers(20, 26)] * 3))
    def test_the_layout_output_of_legacy_gives_the_same_layout_with_auto(
        self, zones: int, prefixes: tuple[int | None, int | None, int | None]
    ) -> None:
        specs = [
            SubnetSpec(kind, prefix=prefix)
            for kind, prefix in zip(("Private", "Public", "Isolated"), prefixes, strict=True)
        ]
        legacy = lay_out("10.0.0.0/16", zones, "Legacy", specs)
        again = specs_of(layout_output(specs, "Legacy", legacy))
        auto = [subnet for subnet in lay_out("10.0.0.0/16", zones, "Auto", again) if subnet.type != "Unused"]
        assert [subnet.block.cidr for subnet in auto] == [subnet.block.cidr for subnet in legacy]


class TestLayoutOutput:
    def test_shows_gaps_as_unused(self) -> None:
        specs = [
            SubnetSpec("Private", prefix=24),
            SubnetSpec("Public", name="edge", prefix=20),
        ]
        assert layout_output(specs, "Legacy", lay_out("10.0.0.0/16", 2, "Legacy", specs)) == [
            {"type": "Private", "cidrMask": 24},
            {"type": "Unused", "cidrMask": 24},
            {"type": "Unused", "cidrMask": 23},
            {"type": "Unused", "cidrMask": 22},
            {"type": "Unused", "cidrMask": 21},
            {"type": "Public", "cidrMask": 20, "name": "edge"},
        ]

    def test_repeats_the_specs_of_the_other_strategies(self) -> None:
        specs = [SubnetSpec("Public", prefix=24), PRIVATE]
        assert layout_output(specs, "Auto", []) == [
            {"type": "Public", "cidrMask": 24, "size": 256},
            {"type": "Private"},
        ]


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
            vpc = Vpc("net", inputs, self.ZONES, None)
            plain = {key: value for key, value in vpc.outputs.items() if key.endswith(("Ids", "Id", "Layout"))}
            return pulumi.Output.all(plain).apply(lambda known: outputs.update(known[0]))

        program()
        return recorder.children, outputs

    def test_with_one_nat_gateway(self) -> None:
        children, outputs = self.built(
            subnetStrategy="Auto",
            subnetSpecs=[{"type": "Public"}, {"type": "Private"}],
            natGateways={"strategy": "Single"},
            enableDnsHostnames=True,
            tags={"team": "web"},
        )
        own, shared = {"team": "web"}, {"Name": "net", "team": "web"}
        public, private = {"SubnetType": "Public"}, {"SubnetType": "Private"}
        assert children[("Vpc", "net")] == {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": shared}
        assert children[("InternetGateway", "net")] == {"vpcId": "Vpc net", "tags": shared}
        assert children[("Subnet", "net-public-2")] == {
            "vpcId": "Vpc net",
            "availabilityZone": "ap-northeast-1c",
            "cidrBlock": "10.0.128.0/18",
            "mapPublicIpOnLaunch": True,
            "tags": {**shared, **public, "Name": "net-public-2"},
        }
        assert children[("Subnet", "net-private-1")]["mapPublicIpOnLaunch"] is False
        assert children[("RouteTable", "net-private-1")] == {
            "vpcId": "Vpc net",
            "tags": {**shared, **private, "Name": "net-private-1"},
        }
        assert children[("RouteTableAssociation", "net-private-1")] == {
            "routeTableId": "RouteTable net-private-1",
            "subnetId": "Subnet net-private-1",
        }
        assert children[("Eip", "net-1")] == {"tags": {**own, "Name": "net-1"}}
        assert children[("NatGateway", "net-1")] == {
            "subnetId": "Subnet net-public-1",
            "allocationId": "allocation of net-1",
            "tags": {**own, "Name": "net-1"},
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

    def test_with_a_nat_gateway_in_every_zone_unless_told_otherwise(self) -> None:
        children, _ = self.built()
        assert [name for kind, name in sorted(children) if kind == "NatGateway"] == ["net-1", "net-2"]
        assert children[("Route", "net-private-2")]["natGatewayId"] == "NatGateway net-2"
        assert children[("NatGateway", "net-2")]["subnetId"] == "Subnet net-public-2"

    def test_without_nat_gateways_private_subnets_have_no_way_out(self) -> None:
        children, _ = self.built(natGateways={"strategy": "None"})
        assert not {kind for kind, _ in children} & {"NatGateway", "Eip"}
        assert ("Route", "net-private-1") not in children
        assert ("RouteTable", "net-private-1") in children

    def test_given_addresses_are_used_instead_of_new_ones(self) -> None:
        children, _ = self.built(natGateways={"strategy": "OnePerAz", "elasticIpAllocationIds": ["eip-a", "eip-b"]})
        assert children[("NatGateway", "net-2")]["allocationId"] == "eip-b"
        assert "Eip" not in {kind for kind, _ in children}

    def test_specs_name_and_tag_their_subnets_and_unused_ones_are_not_made(self) -> None:
        specs = [{"type": "Isolated", "name": "db", "tags": {"tier": "data"}}, {"type": "Unused"}]
        children, outputs = self.built(subnetStrategy="Auto", subnetSpecs=specs, natGateways={"strategy": "None"})
        assert children[("Subnet", "net-db-1")]["tags"] == {
            "Name": "net-db-1",
            "SubnetType": "Isolated",
            "tier": "data",
        }
        assert ("Route", "net-db-1") not in children
        assert [name for kind, name in sorted(children) if kind == "Subnet"] == ["net-db-1", "net-db-2"]
        assert outputs["isolatedSubnetIds"] == ["Subnet net-db-1", "Subnet net-db-2"]

    def test_names_after_zones_change_tags_only(self) -> None:
        children, _ = self.built(subnetNameTagStrategy="AvailabilityZone", natGateways={"strategy": "None"})
        assert children[("Subnet", "net-public-2")]["tags"]["Name"] == "net-public-1c"
        assert children[("RouteTable", "net-public-2")]["tags"]["Name"] == "net-public-1c"

    def test_endpoints_are_named_after_their_service(self) -> None:
        spec = {"serviceName": "com.amazonaws.ap-northeast-1.s3", "vpcEndpointType": "Gateway"}
        children, _ = self.built(vpcEndpointSpecs=[spec], natGateways={"strategy": "None"})
        assert children[("VpcEndpoint", spec["serviceName"])] == {**spec, "vpcId": "Vpc net"}

    def test_a_region_of_its_own_is_everybodys(self) -> None:
        children, _ = self.built(region="us-west-2")
        assert {inputs.get("region") for inputs in children.values()} == {"us-west-2"}


class TestRefusals:
    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            (
                {"cidr": "10.0.0.0/16"},
                'cidr: got "10.0.0.0/16", expected one of ',
            ),
            ({"ipv6IpamPoolId": "ipam-1"}, "ipv6IpamPoolId: the local awsx provider has neither IPv6 nor IPAM; "),
            ({"cidrBlock": "10.0.0.0"}, 'cidrBlock: got "10.0.0.0", expected an IPv4 range such as 10.0.0.0/16; '),
            ({"numberOfAvailabilityZones": 0}, "numberOfAvailabilityZones: got 0, expected a whole number from 1; "),
            (
                {"numberOfAvailabilityZones": 2, "availabilityZoneNames": ["a"]},
                "availabilityZoneNames: got it beside numberOfAvailabilityZones, expected one of them; remove one",
            ),
            ({"subnetStrategy": "AutoMerge"}, 'subnetStrategy: got "AutoMerge", expected one of Legacy, Auto, Exact; '),
            ({"vpcEndpointStrategy": "Auto"}, 'vpcEndpointStrategy: got "Auto", expected Legacy; '),
            (
                {"natGateways": {"strategy": "OnePerAZone"}},
                'natGateways.strategy: got "OnePerAZone", expected one of None, Single, OnePerAz; ',
            ),
            (
                {"natGateways": {"strategy": "Single", "elasticIpAllocationIds": ["a", "b"]}},
                "natGateways.elasticIpAllocationIds: got 2 of them, expected 0 or 1 with Single; ",
            ),
            (
                {"subnetSpecs": [{"type": "Private"}]},
                'natGateways.strategy: got "OnePerAz", expected "None" without both public and private subnets; ',
            ),
            ({"vpcEndpointSpecs": [{}]}, "vpcEndpointSpecs[0].serviceName: got nothing, expected a service name; "),
        ],
    )
    def test_name_the_argument_and_what_to_change(self, inputs: Mapping[str, Any], message: str) -> None:
        found = problems_of(inputs)
        assert len(found) == 1
        assert found[0].startswith(message)

    @pytest.mark.parametrize(
        ("spec", "argument"),
        [
            ({"type": "Publik"}, "type"),
            ({"type": "Public", "cidrMask": 31}, "cidrMask"),
            ({"type": "Public", "size": 100}, "size"),
            ({"type": "Public", "size": 256, "cidrMask": 25}, "size"),
            ({"type": "Public", "cidrBlocks": ["10.0.0.0/24"]}, "cidrBlocks"),
            ({"type": "Public", "cidrBlocks": ["10.0.0.0/24", "10.0.1.0"]}, "cidrBlocks"),
            ({"type": "Public", "cidrBlocks": ["10.0.0.0/24", "10.0.1.0/24"], "cidrMask": 25}, "cidrBlocks"),
            ({"type": "Public", "assignIpv6AddressOnCreation": True}, "assignIpv6AddressOnCreation"),
            ({"type": "Public", "mask": 24}, "mask"),
        ],
    )
    def test_name_the_field_of_the_spec(self, spec: Mapping[str, Any], argument: str) -> None:
        found = problems_of(
            {
                "subnetSpecs": [spec],
                "subnetStrategy": "Auto",
                "numberOfAvailabilityZones": 2,
                "natGateways": {"strategy": "None"},
            }
        )
        assert found
        assert {problem.partition(":")[0] for problem in found} == {f"subnetSpecs[0].{argument}"}

    def test_all_come_at_once(self) -> None:
        assert len(problems_of({"subnetStrategy": "x", "cidrBlock": "y", "natGateways": {"strategy": "z"}})) == 3


@pytest.mark.parametrize(
    ("zone", "suffix"),
    [("ap-northeast-1a", "1a"), ("us-gov-west-1b", "1b"), ("us-west-2-lax-1a", "2-lax-1a"), ("local", "local")],
)
def test_the_suffix_of_a_zone_leaves_out_the_region(zone: str, suffix: str) -> None:
    assert zone_suffix(zone) == suffix


@pytest.mark.filterwarnings("ignore:Waiting for .* Use the DefaultVpc resource:DeprecationWarning")
@pytest.mark.parametrize(
    ("sdk_type", "known"),
    [
        ("VpcArgs", {*awsx._ARGUMENTS, *awsx._REFUSED}),
        ("NatGatewayConfigurationArgs", set(awsx._NAT)),
        ("SubnetSpecArgs", set(awsx._SPEC)),
        ("VpcEndpointSpecArgs", set(awsx._ENDPOINT)),
    ],
)
def test_every_argument_of_the_sdk_is_known(sdk_type: str, known: set[str]) -> None:
    module = importlib.import_module("pulumi_awsx.ec2")
    assert set(input_type_py_to_pulumi_names(getattr(module, sdk_type)).values()) == known
