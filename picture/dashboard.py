"""A CloudWatch dashboard as CloudWatch lays it out, from its body. No metric is asked: each curve is a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from picture.svg import LINE, PAD, Drawing, Rect, wrapped

_MARGIN, _TOP, _GAP = 16, 62, 8
_COLUMN, _ROW = 40.66, 33
"""Width and height of a cell of CloudWatch's grid of 24 columns."""
_POINTS = 48
_LEGEND = 29
"""Height of what explains one curve."""
_STYLES = 3


def draw(body: Mapping[str, Any], title: str) -> str:
    """The dashboard as SVG. `body` is the dashboard's JSON, decoded."""
    drawing = Drawing(1000, title)
    drawing.text(_MARGIN, 32, title, "head", drawing.width - 2 * _MARGIN)
    drawing.text(_MARGIN, 50, "Widgets and metrics are those of the dashboard; curves and states are samples.", "note")
    bottom = 0.0
    for widget in body["widgets"]:
        x, y, width, height = (widget[key] for key in ("x", "y", "width", "height"))
        frame = Rect(_MARGIN + x * _COLUMN, _TOP + y * _ROW, width * _COLUMN - _GAP, height * _ROW - _GAP)
        drawing.rect(frame, "box")
        properties = widget["properties"]
        name, inner = str(properties.get("title", "")), frame.width - 2 * PAD
        most = max(1, int((frame.height - 60) / LINE))
        drawing.paragraph(frame.x + PAD, frame.y + 19, name, inner, most, "title")
        below = LINE * min(most, len(wrapped(name, inner, "title")))
        inside = Rect(frame.x + PAD, frame.y + 12 + below, inner, frame.height - 20 - below)
        _WIDGETS.get(widget["type"], _unknown)(drawing, inside, properties)
        bottom = max(bottom, frame.bottom)
    return drawing.svg(bottom + _MARGIN)


def _metric(drawing: Drawing, inside: Rect, properties: Mapping[str, Any]) -> None:
    axis = properties.get("yAxis", {}).get("left", {}).get("label", "")
    drawing.text(inside.x, inside.y + 12, f"{axis}, sample", "note", inside.width)
    metrics = properties["metrics"]
    legend = _LEGEND * len(metrics)
    plot = Rect(inside.x, inside.y + 18, inside.width, inside.height - legend - 22)
    for step in range(3):
        y = plot.y + plot.height * step / 2
        drawing.rule(plot.x, y, plot.right, y, "grid")
    for index, line in enumerate(metrics):
        style = f"line{index % _STYLES}"
        drawing.curve(_sample(plot, index), style)
        y = plot.bottom + 16 + _LEGEND * index
        drawing.rule(inside.x, y - 4, inside.x + 12, y - 4, f"curve {style}")
        options = line[-1] if isinstance(line[-1], Mapping) else {}
        said = ", ".join(filter(None, (str(line[1]), str(options.get("stat", "")))))
        drawing.text(inside.x + 18, y, str(options.get("label", line[1])), "", inside.width - 18)
        drawing.text(inside.x + 18, y + 14, said, "note", inside.width - 18)


def _sample(plot: Rect, index: int) -> list[tuple[float, float]]:
    """A curve that is nobody's: a slow wave and a small quick one, lower with each line."""
    points = []
    for step in range(_POINTS):
        share = step / (_POINTS - 1)
        value = 0.62 - 0.2 * index + 0.16 * math.sin(5 * share + index) + 0.05 * math.sin(31 * share + 2 * index)
        points.append((plot.x + plot.width * share, plot.bottom - plot.height * min(max(value, 0.03), 0.97)))
    return points


def _alarm(drawing: Drawing, inside: Rect, properties: Mapping[str, Any]) -> None:
    alarms = properties["alarms"]
    width = (inside.width - _GAP * (len(alarms) - 1)) / len(alarms)
    for index, arn in enumerate(alarms):
        rect = Rect(inside.x + index * (width + _GAP), inside.y + 4, width, inside.height - 12)
        drawing.rect(rect, "public")
        name = str(arn).rpartition(":")[2]
        drawing.paragraph(rect.x + 8, rect.y + 20, name, width - 16, max(1, int((rect.height - 34) / LINE)))
        drawing.text(rect.x + 8, rect.bottom - 10, "OK, sample", "note", width - 16)


def _log(drawing: Drawing, inside: Rect, properties: Mapping[str, Any]) -> None:
    most = max(1, int((inside.height - 8) / LINE))
    drawing.paragraph(inside.x, inside.y + 16, str(properties.get("query", "")), inside.width, most, "note")


def _unknown(drawing: Drawing, inside: Rect, _properties: Mapping[str, Any]) -> None:
    drawing.paragraph(inside.x, inside.y + 16, "a widget that this picture cannot draw", inside.width, 5, "note")


_WIDGETS = {"metric": _metric, "alarm": _alarm, "log": _log}
