"""Just enough SVG: boxes, lines of text and arrows, readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from components.printable import printable

_STYLE = """\
text { font-family: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif }
text { font-size: 13px; fill: #1f2328 }
.head { font-size: 16px; font-weight: 600 } .title { font-weight: 600 } .note { font-size: 12px; fill: #59636e }
.page { fill: #ffffff; stroke: #d1d9e0 } .vpc { fill: #f3f7fd; stroke: #4c7fc4 }
.zone { fill: none; stroke: #7d8590; stroke-dasharray: 5 4 }
.public { fill: #dff3e4; stroke: #79b68a } .private { fill: #e3ecfa; stroke: #8aa9d6 }
.box { fill: #ffffff; stroke: #59636e } .guard { fill: #fdeceb; stroke: #cf5a50 }
.run { fill: #fff3df; stroke: #d08a1d } .path { fill: none; stroke: #b3380f; stroke-width: 1.8 }
.blocked { stroke-dasharray: 3 4 } .head-of-path { fill: #b3380f }
.says { font-size: 12px; font-weight: 600; fill: #b3380f }
.way { fill: none; stroke: #59636e; stroke-width: 1.3 } .head-of-way { fill: #59636e }
.grid { stroke: #d1d9e0 } .line0 { stroke: #1f6fd0 } .line1 { stroke: #d0651f } .line2 { stroke: #2f8f4e }
.curve { fill: none; stroke-width: 1.8 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .note { fill: #9198a1 } .page { fill: #0d1117; stroke: #3d444d }
.vpc { fill: #111a27; stroke: #4c7fc4 } .zone { stroke: #656c76 }
.public { fill: #12301d; stroke: #3f7a51 } .private { fill: #14233d; stroke: #466aa0 }
.box { fill: #161b22; stroke: #9198a1 } .guard { fill: #3a1a1a; stroke: #cf5a50 }
.run { fill: #33260f; stroke: #c98a2a } .path { stroke: #ff9a70 } .head-of-path, .says { fill: #ff9a70 }
.way { stroke: #9198a1 } .head-of-way { fill: #9198a1 }
.grid { stroke: #3d444d } .line0 { stroke: #6cb0ff } .line1 { stroke: #ffab70 } .line2 { stroke: #7ee2a0 }
}
"""
_SIZES = {"head": 16.0, "note": 12.0, "says": 12.0}
"""Font size of each style of text that has another than 13."""
_BOLD = ("head", "says", "title")
_WIDTHS = {
    character: width
    for width, characters in {
        0.30: "'IJijl",
        0.36: " ,-./:;\\f|",
        0.42: "!()[]rt",
        0.55: '"*?L_`csz',
        0.70: "ABCKRVXZ",
        0.79: "&DGHNOQU",
        0.84: "#+<=>^w~",
        1.00: "%@MWm",
    }.items()
    for character in characters
}
"""Advance widths of DejaVu Sans, relative to its size: of the fonts that browsers choose here, the widest."""
_OTHER, _FOREIGN, _BOLDER = 0.64, 1.0, 1.11


LINE, PAD = 16, 10
"""Height of a line, and what is free left and right of it in a box."""


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


class Drawing:
    def __init__(self, width: int, title: str) -> None:
        self.width, self._title = width, title
        self._parts: list[str] = []

    def rect(self, rect: Rect, style: str, radius: int = 6) -> None:
        self._parts.append(
            f'<rect class="{style}" x="{rect.x:g}" y="{rect.y:g}" width="{rect.width:g}" height="{rect.height:g}" '
            f'rx="{radius}"/>'
        )

    def text(self, x: float, y: float, said: str, style: str = "", width: float | None = None, whole: str = "") -> None:
        """One line. What is wider than `width` is cut, and all of it, or else `whole`, is told on pointing at it."""
        chosen, said = f' class="{style}"' if style else "", printable(said)
        shown = said if width is None else _cut(said, width, style)
        whole = printable(whole) or (said if shown != said else "")
        title = f"<title>{escape(whole)}</title>" if whole else ""
        self._parts.append(f'<text{chosen} x="{x:g}" y="{y:g}">{escape(shown)}{title}</text>')

    def paragraph(self, x: float, y: float, said: str, width: float, most: int, style: str = "") -> None:
        """The text in lines that fit the width, at most so many; the last one is cut where there are more."""
        lines = wrapped(said, width, style)
        for index, line in enumerate(lines[:most]):
            cut = index == most - 1 and len(lines) > most
            self.text(x, y + LINE * index, f"{line}…" if cut else line, style, width, said if cut else "")

    def box(self, rect: Rect, title: str, lines: Sequence[str] = (), style: str = "box") -> None:
        """A box with a title and lines below it; give it the height of `box_height`."""
        self.rect(rect, style)
        self.text(rect.x + 10, rect.y + 19, title, "title", rect.width - 2 * PAD)
        for index, line in enumerate(lines):
            self.text(rect.x + 10, rect.y + 37 + index * LINE, line, "note", rect.width - 2 * PAD)

    def line(self, points: Sequence[tuple[float, float]], style: str = "path") -> None:
        """An arrow along the points. Style: `path` or `way`, and `blocked` beside it."""
        (x0, y0), (x1, y1) = points[-2], points[-1]
        step = 7
        dx, dy = (0, step if y1 > y0 else -step) if x0 == x1 else (step if x1 > x0 else -step, 0)
        along = " ".join(f"{x:g},{y:g}" for x, y in [*points[:-1], (x1 - dx, y1 - dy)])
        self._parts.append(f'<polyline class="{style}" points="{along}"/>')
        side = (4, 0) if x0 == x1 else (0, 4)
        corners = [(x1, y1), (x1 - dx + side[0], y1 - dy + side[1]), (x1 - dx - side[0], y1 - dy - side[1])]
        head = " ".join(f"{x:g},{y:g}" for x, y in corners)
        self._parts.append(f'<polygon class="head-of-{style.split(maxsplit=1)[0]}" points="{head}"/>')

    def curve(self, points: Sequence[tuple[float, float]], style: str) -> None:
        along = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline class="curve {style}" points="{along}"/>')

    def rule(self, x0: float, y0: float, x1: float, y1: float, style: str) -> None:
        self._parts.append(f'<line class="{style}" x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}"/>')

    def svg(self, height: float) -> str:
        """The whole file."""
        title = printable(self._title)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height:g}" width="{self.width}" '
            f'height="{height:g}" role="img" aria-label={quoteattr(title)}>\n<title>{escape(title)}</title>\n'
            f"<style>\n{_STYLE}</style>\n"
            f'<rect class="page" x="0.5" y="0.5" width="{self.width - 1}" height="{height - 1:g}" rx="10"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def box_height(lines: Sequence[str]) -> float:
    return 30 + LINE * len(lines) + (2 if lines else 0)


def text_width(said: str, style: str = "") -> float:
    """How wide the text is at most, in the style's size and weight."""
    widths = (_WIDTHS.get(each, _OTHER if each.isascii() else _FOREIGN) for each in said)
    return sum(widths) * _SIZES.get(style, 13.0) * (_BOLDER if style in _BOLD else 1.0)


def _cut(said: str, width: float, style: str) -> str:
    if text_width(said, style) <= width:
        return said
    end = len(said)
    while end and text_width(f"{said[:end]}…", style) > width:
        end -= 1
    return f"{said[:end]}…"


def wrapped(said: str, width: float, style: str = "note") -> list[str]:
    """The text in lines that fit a width. A word that is wider breaks behind a sign, or else anywhere."""
    lines = [""]
    for word in said.split():
        rest = word
        if lines[-1] and text_width(f"{lines[-1]} {rest}", style) > width:
            lines.append("")
        while text_width(f"{lines[-1]} {rest}".strip(), style) > width and len(rest) > 1:
            end = len(rest) - 1
            while end > 1 and text_width(rest[:end], style) > width:
                end -= 1
            sign = max(rest.rfind(each, 0, end) for each in "-./_:")
            end = sign + 1 if sign > 0 else end
            lines[-1] = rest[:end]
            rest = rest[end:]
            lines.append("")
        lines[-1] = f"{lines[-1]} {rest}".strip()
    return lines
