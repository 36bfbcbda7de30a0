"""The picture of the dashboard."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from docs.generate_dashboard import DOCUMENT, document
from picture.dashboard import draw
from tests.mocks import run_main

TEXT = "{http://www.w3.org/2000/svg}text"


def test_the_picture_is_that_of_the_program() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `make docs`"


def test_every_widget_and_metric_of_the_dashboard_is_in_it() -> None:
    said = " ".join(element.text or "" for element in ElementTree.fromstring(document()).iter(TEXT))
    body = json.loads(run_main("prod").get("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"])
    for widget in body["widgets"]:
        assert widget["properties"]["title"].split(" (")[0] in said
        for _, metric, *_ in widget["properties"].get("metrics", ()):
            assert metric in said


def test_what_is_invented_is_called_a_sample() -> None:
    graph = {"type": "metric", "properties": {"title": "CPU", "metrics": [["AWS/ECS", "CPUUtilization"]]}}
    alarm = {
        "type": "alarm",
        "properties": {"title": "Alarms", "alarms": ["arn:aws:cloudwatch:eu-west-1:1:alarm:errors"]},
    }
    place = {"x": 0, "width": 12, "height": 6}
    body = {"widgets": [{**graph, **place, "y": 0}, {**alarm, **place, "y": 6}]}
    said = [element.text or "" for element in ElementTree.fromstring(draw(body, "board")).iter(TEXT)]
    assert sum("sample" in line for line in said) == 3
    assert "OK, sample" in said


def test_a_widget_of_another_kind_is_named_as_such() -> None:
    body = {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 24, "height": 3, "properties": {"markdown": "Hi"}}]}
    assert "a widget that this picture cannot draw" in draw(body, "board")
