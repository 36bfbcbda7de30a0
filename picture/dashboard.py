"""A CloudWatch dashboard as CloudWatch lays it out, from its body. No metric is asked: each curve is a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from picture.svg import Drawing, Rect, wrapped

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
    drawing.text(_MARGIN, 32, title, "head")
    drawing.text(_MARGIN, 50, "Widgets and metrics are those of the dashboard; curves and states are samples.", "note")
    bottom = 0.0
    for widget in body["widgets"]:
        x, y, width, height = (widget[key] for key in ("x", "y", "width", "height"))
        frame = Rect(_MARGIN + x * _COLUMN, _TOP + y * _ROW, width * _COLUMN - _GAP, height * _ROW - _GAP)
        drawing.rect(frame, "box")
        properties = widget["properties"]
        lines = wrapped(str(properties.get("title", "")), frame.width - 20, 15)
        for index, line in enumerate(lines):
            drawing.text(frame.x + 10, frame.y + 19 + 16 * index, line, "title")
        inside = Rect(
            frame.x + 10, frame.y + 12 + 16 * len(lines), frame.width - 20, frame.height - 20 - 16 * len(lines)
        )
        _WIDGETS.get(widget["type"], _unknown)(drawing, inside, properties)
        bottom = max(bottom, frame.bottom)
    return drawing.svg(bottom + _MARGIN)


def _metric(drawing: Drawing, inside: Rect, properties: Mapping[str, Any]) -> None:
    axis = properties.get("yAxis", {}).get("left", {}).get("label", "")
    drawing.text(inside.x, inside.y + 12, f"{axis}, sample", "note")
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
        drawing.text(inside.x + 18, y, str(options.get("label", line[1])))
        drawing.text(
            inside.x + 18, y + 14, ", ".join(filter(None, (str(line[1]), str(options.get("stat", ""))))), "note"
        )


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
        for at, part in enumerate(wrapped(str(arn).rpartition(":")[2], width - 16)):
            drawing.text(rect.x + 8, rect.y + 20 + 16 * at, part)
        drawing.text(rect.x + 8, rect.bottom - 10, "OK, sample", "note")


def _log(drawing: Drawing, inside: Rect, properties: Mapping[str, Any]) -> None:
    for index, line in enumerate(wrapped(str(properties.get("query", "")), inside.width)):
        drawing.text(inside.x, inside.y + 16 + 16 * index, line, "note")


def _unknown(drawing: Drawing, inside: Rect, _properties: Mapping[str, Any]) -> None:
    drawing.text(inside.x, inside.y + 16, "a widget that this picture cannot draw", "note")


_WIDGETS = {"metric": _metric, "alarm": _alarm, "log": _log}
