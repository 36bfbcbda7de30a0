"""The architecture picture: what of a plan is drawn. How the stacks look: `docs/pictures`, held by `test_preview`."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from ecs_policy.sentinels import UNKNOWN
from picture.architecture import Path as Allowed
from picture.architecture import draw, paths
from picture.graph import Graph

SVG = "{http://www.w3.org/2000/svg}"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
SUBNET = "aws:ec2/subnet:Subnet"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
SERVICE = "aws:ecs/service:Service"


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:dev::shop::{kind}::{name}"


Given = tuple[str, str, dict[str, Any], dict[str, list[str]]]


def plan(*resources: Given) -> dict[str, Any]:
    """A plan that creates resources: type, name, inputs, and the URNs that properties come from."""
    planned = {
        urn(kind, name): {
            "goal": {"type": kind, "custom": True, "inputDiff": {"adds": inputs}, "propertyDependencies": uses},
            "steps": ["create"],
            "state": {},
        }
        for kind, name, inputs, uses in resources
    }
    stack = {"goal": {"type": "pulumi:pulumi:Stack", "custom": False}}
    return {
        "config": {"aws:region": "eu-west-1"},
        "resourcePlans": {urn("pulumi:pulumi:Stack", "shop-dev"): stack, **planned},
    }


def rule(kind: str, name: str, own: str, other: str, port: int) -> Given:
    """A rule of the group `own` for the group or addresses `other`."""
    uses = {"securityGroupId": [urn(GROUP, own)]}
    inputs: dict[str, Any] = {"ipProtocol": "tcp", "fromPort": port, "toPort": port, "securityGroupId": UNKNOWN}
    if "/" in other:
        inputs["cidrIpv4"] = other
    else:
        uses["referencedSecurityGroupId"] = [urn(GROUP, other)]
    return (kind, name, inputs, uses)


def subnet(name: str, zone: str) -> Given:
    return (SUBNET, name, {"availabilityZone": zone, "cidrBlock": "10.0.0.0/24"}, {})


FRONT: Given = (GROUP, "front", {}, {})
BACK: Given = (GROUP, "back", {}, {})
SMALL: tuple[Given, ...] = (
    subnet("a", "eu-west-1a"),
    FRONT,
    BACK,
    (BALANCER, "balancer", {}, {"subnets": [urn(SUBNET, "a")], "securityGroups": [urn(GROUP, "front")]}),
    (SERVICE, "service", {"desiredCount": 2}, {"networkConfiguration": [urn(SUBNET, "a"), urn(GROUP, "back")]}),
)


def words(picture: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_a_path_is_what_both_sides_allow() -> None:
    graph = Graph(plan(FRONT, BACK, rule(EGRESS, "out", "front", "back", 80), rule(INGRESS, "in", "back", "front", 80)))
    assert paths(graph) == [Allowed(urn(GROUP, "front"), urn(GROUP, "back"), ("tcp 80",), whole=True)]


def test_a_path_that_one_side_allows_is_drawn_as_none() -> None:
    picture = draw(Graph(plan(*SMALL, rule(EGRESS, "out", "front", "back", 80))))
    assert "tcp 80 (one side only)" in words(picture)
    assert 'class="path blocked"' in picture


def test_ports_of_the_same_ends_are_one_path() -> None:
    opened = [rule(INGRESS, f"in-{port}", "front", "0.0.0.0/0", port) for port in (443, 80)]
    assert [path.ports for path in paths(Graph(plan(FRONT, *opened)))] == [("tcp 80", "tcp 443")]
    assert "tcp 80, 443" in words(draw(Graph(plan(*SMALL, *opened))))


def test_every_resource_is_drawn_or_counted() -> None:
    unknown: Given = ("aws:new/thing:Thing", "thing", {}, {})
    said = words(draw(Graph(plan(*SMALL, unknown, ("aws:new/thing:Thing", "other", {}, {})))))
    assert "2 more resources, not drawn: 2 Thing." in said


def test_a_resource_in_subnets_that_the_plan_does_not_have_is_counted() -> None:
    outside: Given = (BALANCER, "elsewhere", {"subnets": ["subnet-123"]}, {})
    assert "1 more resources, not drawn: LoadBalancer." in words(draw(Graph(plan(outside))))


def test_what_a_subnet_is_comes_from_its_routes() -> None:
    table, gateway = "aws:ec2/routeTable:RouteTable", "aws:ec2/internetGateway:InternetGateway"
    routed: tuple[Given, ...] = (
        (gateway, "gateway", {}, {}),
        (table, "table", {}, {}),
        (
            "aws:ec2/route:Route",
            "route",
            {},
            {"routeTableId": [urn(table, "table")], "gatewayId": [urn(gateway, "gateway")]},
        ),
        (
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            "association",
            {},
            {"routeTableId": [urn(table, "table")], "subnetId": [urn(SUBNET, "a")]},
        ),
    )
    assert "no way out" in words(draw(Graph(plan(subnet("a", "eu-west-1a")))))
    assert "public" in words(draw(Graph(plan(subnet("a", "eu-west-1a"), *routed))))


def test_a_security_group_that_nothing_uses_is_named() -> None:
    assert "Security group lonely: nothing in the graph uses it." in words(
        draw(Graph(plan(*SMALL, (GROUP, "lonely", {}, {}))))
    )


def test_tasks_without_a_way_to_what_they_may_open_are_named() -> None:
    said = words(draw(Graph(plan(*SMALL, rule(EGRESS, "out", "back", "0.0.0.0/0", 443)))))
    assert "ECS service: 2 tasks may open tcp 443, but no route leads there." in said


def test_nothing_lies_outside_of_the_picture_whatever_the_number_of_zones() -> None:
    zones = [subnet(zone, f"eu-west-1{zone}") for zone in "abcdef"]
    picture = ElementTree.fromstring(draw(Graph(plan(*zones))))
    width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
    for element in picture.iter("{http://www.w3.org/2000/svg}rect"):
        assert 0 <= float(element.attrib["x"]) <= float(element.attrib["x"]) + float(element.attrib["width"]) <= width
        assert 0 <= float(element.attrib["y"]) <= float(element.attrib["y"]) + float(element.attrib["height"]) <= height


def test_names_that_the_engine_generates_are_not_drawn() -> None:
    generated: Given = (
        "aws:cloudwatch/dashboard:Dashboard",
        "board",
        {"dashboardName": "b-1a2b3c", "__defaults": ["dashboardName"]},
        {},
    )
    assert "board" in words(draw(Graph(plan(generated))))


def test_text_of_the_stack_stays_text() -> None:
    hostile: Given = ("aws:cloudwatch/dashboard:Dashboard", "board", {"dashboardName": "<script>&"}, {})
    assert "<script>&" in words(draw(Graph(plan(hostile))))


@given(st.text(), st.text())
def test_no_text_of_a_plan_becomes_an_element_or_an_attribute(name: str, stack: str) -> None:
    drawn = ElementTree.fromstring(draw(Graph(_named(plan(*SMALL), name, stack))))
    attributes = {attribute for element in drawn.iter() for attribute in element.attrib}
    assert (
        attributes
        == {
            *(
                "viewBox",
                "width",
                "height",
                "role",
                "aria-label",
                "class",
                "x",
                "y",
                "rx",
                "points",
                "x1",
                "y1",
                "x2",
                "y2",
            )
        }
        & attributes
    )
    assert not {element.tag for element in drawn.iter()} & {f"{SVG}script", f"{SVG}a", f"{SVG}image"}


def _named(plan: dict[str, Any], name: str, stack: str) -> dict[str, Any]:
    """The plan of another stack, each of its resources with another name."""
    text = json.dumps(plan).replace("urn:pulumi:dev::", f"urn:pulumi:{json.dumps(stack)[1:-1]}::")
    changed: dict[str, Any] = json.loads(text)
    for planned in changed["resourcePlans"].values():
        for key, value in planned["goal"].get("inputDiff", {}).get("adds", {}).items():
            if isinstance(value, str) and value != UNKNOWN:
                planned["goal"]["inputDiff"]["adds"][key] = name
    return changed


def test_a_stack_whose_name_would_be_an_attribute_stays_text() -> None:
    drawn = draw(Graph(_named(plan(*SMALL), "n", 'x" onload="alert(1)')))
    assert "onload" not in ElementTree.fromstring(drawn).attrib
    assert 'stack x" onload="alert(1)' in ElementTree.fromstring(drawn).attrib["aria-label"]
