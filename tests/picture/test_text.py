"""No text leaves its box, however long the names are that AWS and Pulumi allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picture import architecture, dashboard
from picture.graph import Graph
from picture.svg import text_width, wrapped
from tests.picture.test_architecture import BALANCER, GROUP, INGRESS, SMALL, SUBNET, SVG, plan, rule, subnet, urn

# Wide letters. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html and the like
ALARM = "W" * 255
DASHBOARD = "M" * 255
DOMAIN = ".".join(["m" * 63, "w" * 63, "m" * 63, "w" * 61])
LOG_GROUP = "/ecs/" + "w" * 507
REPOSITORY = "w" * 256
METRIC = "M" * 255
STACK = "W" * 100


def texts(svg: str) -> Iterator[tuple[ElementTree.Element, str, float, float]]:
    for element in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        yield element, element.text or "", float(element.attrib["x"]), float(element.attrib["y"])


def outside(svg: str) -> list[str]:
    """The texts that end right of or below the smallest box that they begin in; those of arrows, of the page."""
    root = ElementTree.fromstring(svg)
    boxes = [
        tuple(float(each.attrib[key]) for key in ("x", "y", "width", "height")) for each in root.iter(f"{SVG}rect")
    ]
    page = boxes[0]
    found = []
    for element, said, x, y in texts(svg):
        style = element.attrib.get("class", "")
        around = [each for each in boxes if each[0] <= x <= each[0] + each[2] and each[1] <= y - 4 <= each[1] + each[3]]
        box = page if style == "says" else min(around, key=lambda each: each[2] * each[3])
        if x + text_width(said, style) > box[0] + box[2] or y > box[1] + box[3]:
            found.append(said)
    return found


def stack_of_long_names(zones: int, ranges: int) -> str:
    endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"
    names = ("m" * 63, "ecr.api", "ecr.dkr", "logs", "ecs-telemetry", "secretsmanager", "ssmmessages")
    inputs: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("aws:cloudwatch/metricAlarm:MetricAlarm", ALARM, {}),
        ("aws:cloudwatch/dashboard:Dashboard", "d", {"dashboardName": DASHBOARD}),
        ("aws:acm/certificate:Certificate", "c", {"domainName": DOMAIN}),
        ("aws:route53/record:Record", "r", {"name": DOMAIN}),
        ("aws:cloudwatch/logGroup:LogGroup", LOG_GROUP, {"retentionInDays": 3653}),
        ("aws:ecr/repository:Repository", "e", {"name": REPOSITORY}),
        ("aws:s3/bucket:Bucket", "w" * 63, {}),
        ("aws:sns/topic:Topic", "W" * 256, {}),
        ("aws:iam/role:Role", "W" * 64, {"description": "W" * 1000}),
        ("aws:appautoscaling/scheduledAction:ScheduledAction", "s", {"schedule": f"cron({'0 ' * 120})"}),
        ("aws:new/thing:Thing" + "W" * 200, "t", {}),
    )
    here = [subnet(f"zone-{index}", f"ap-northeast-1-wl1-nrt-wlz-{index}") for index in range(zones)]
    many = [
        rule(INGRESS, f"in-{index}", "front", f"2001:0db8:ffff:ffff:ffff:ffff:ffff:{index:04x}/128", 65535)
        for index in range(ranges)
    ]
    built = plan(
        *SMALL,
        *here,
        *many,
        *((kind, name, given, {}) for kind, name, given in inputs),
        *(
            (
                endpoint,
                f"endpoint-{index}",
                {"vpcEndpointType": "Interface", "serviceName": f"com.amazonaws.eu-west-1.{name}"},
                {"subnetIds": [urn(SUBNET, "zone-0")], "securityGroupIds": [urn(GROUP, "back")]},
            )
            for index, name in enumerate(names)
        ),
        (endpoint, "gateway", {"vpcEndpointType": "Gateway", "serviceName": "com.amazonaws.eu-west-1." + "m" * 99}, {}),
        (BALANCER, "other", {"loadBalancerType": "w" * 40}, {"subnets": [urn(SUBNET, "zone-0")]}),
    )
    graph = Graph(built)
    graph.stack, graph.project = STACK, STACK
    return architecture.draw(graph)


@pytest.mark.parametrize("zones", [1, 2, 6])
@pytest.mark.parametrize("ranges", [0, 1, 3, 60])
def test_the_longest_names_of_a_stack_stay_in_their_boxes(zones: int, ranges: int) -> None:
    drawn = stack_of_long_names(zones, ranges)
    assert outside(drawn) == []
    width = float(ElementTree.fromstring(drawn).attrib["width"])
    assert all(x <= width for _, _, x, _ in texts(drawn))


def board(count: int, *, height: int = 6) -> str:
    metric = {"title": METRIC, "metrics": [[METRIC, METRIC, {"label": METRIC, "stat": "p99.99"}]] * 3}
    alarms = {"title": ALARM, "alarms": [f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{ALARM}"] * count}
    log = {"title": "w" * 500, "query": f"SOURCE '{LOG_GROUP}' | " + "fields @timestamp, @message | " * 40}
    widgets = [
        {"type": kind, "x": 0, "y": index * 12, "width": width, "height": height, "properties": properties}
        for index, (kind, width, properties) in enumerate(
            (("metric", 6, metric), ("alarm", 24, alarms), ("log", 12, log), ("text", 3, {"title": ALARM}))
        )
    ]
    return dashboard.draw({"widgets": widgets}, f"{DASHBOARD} {DASHBOARD}")


@pytest.mark.parametrize("count", [1, 4, 8])
def test_the_longest_names_of_a_dashboard_stay_in_their_boxes(count: int) -> None:
    assert outside(board(count)) == []


def test_what_is_cut_is_told_as_a_whole() -> None:
    titles = {each.text for each in ElementTree.fromstring(board(4)).iter(f"{SVG}title")}
    assert {ALARM, METRIC, f"{METRIC}, p99.99"} <= titles
    names = {each.text for each in ElementTree.fromstring(stack_of_long_names(2, 60)).iter(f"{SVG}title")}
    assert any(str(each).count("2001:0db8") > 50 for each in names), "addresses that have no box of their own"


def test_a_text_that_fits_is_told_once() -> None:
    assert [said for each, said, *_ in texts(architecture.draw(Graph(plan(*SMALL)))) if len(each)] == []


@pytest.mark.parametrize(
    ("said", "style", "measured"),
    [
        ("order-service-5xx-errors", "", 156.4),
        ("HTTPCode_Target_5XX_Count, Sum", "note", 213.2),
        ("arn:aws:cloudwatch:ap-northeast-1:123456789012:alarm:web", "note", 376.4),
        ("ECS service: 2 to 20 tasks on FARGATE", "title", 284.1),
        ("Application Load Balancer, internet-facing", "title", 310.8),
        ("order-service, stack prod", "head", 227.3),
        ("mmmmWWWW", "", 102.1),
        ("203.0.113.0/24", "title", 110.0),
    ],
)
def test_the_width_of_a_text_is_that_of_a_wide_font_or_a_little_more(said: str, style: str, measured: float) -> None:
    """Measured: with the metrics of DejaVu Sans."""
    assert measured * 0.99 <= text_width(said, style) <= measured * 1.12


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])), st.floats(40, 400))
def test_lines_fit_and_nothing_of_the_text_is_lost(said: str, width: float) -> None:
    lines = wrapped(said, width)
    assert "".join("".join(lines).split()) == "".join(said.split())
    assert all(text_width(line, "note") <= width for line in lines)
