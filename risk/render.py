"""The report for a terminal and for a comment on a pull request."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from components.printable import printable
from risk.effects import Effect
from risk.report import Finding, Report

_MARKS = {
    Effect.REFUSED: "⛔",
    Effect.LOSES_DATA: "🔴",
    Effect.INTERRUPTS: "🔴",
    Effect.NEVER_ENDS: "🔴",
    Effect.NOT_UNDONE: "🟠",
    Effect.NOT_EVALUATED: "⚪",
    Effect.REPLACED: "🟡",
    Effect.ROLLS: "🔵",
    Effect.WARNED: "🟡",
    Effect.ACKNOWLEDGED: "⚪",
    Effect.COSTS: "🟡",
    Effect.CHANGES: "🟢",
}

_FOLDED = {
    Effect.ACKNOWLEDGED: "findings are acknowledged, each with its reason",
    Effect.CHANGES: "changes without a risk that this report knows",
}

_NAMED = 3
"""Up to so many resources of one summary are named."""


def text(report: Report, fail_on: Collection[Effect] = (), *, every: bool = False) -> str:
    """A line for each finding, and the verdict. Findings of one summary share a line, or with `every` have one each."""
    findings = report.findings if every else _summarised(report.findings)
    width = max((len(found.effect.value) for found in findings), default=0)
    lines = [
        f"{found.effect.value:<{width}}  {printable(': '.join(filter(None, (found.resource, found.text))))}"
        for found in findings
    ]
    return "\n".join([*lines, verdict(report, fail_on)])


def as_json(report: Report, fail_on: Collection[Effect] = ()) -> dict[str, Any]:
    """For scripts: every finding, and whether it may be deployed."""
    return {
        "mayBeDeployed": not report.failing(fail_on),
        "unchanged": report.unchanged,
        "findings": [
            {"effect": found.effect.value, "resource": found.resource, "text": found.text} for found in report.findings
        ],
    }


def _summarised(findings: Iterable[Finding]) -> list[Finding]:
    alike: dict[tuple[Effect, str, str], list[Finding]] = {}
    for found in findings:
        alone = "" if found.summary else f"{found.resource} {found.text}"
        alike.setdefault((found.effect, found.summary, alone), []).append(found)
    return [
        Finding(effect, _several([found.resource for found in group]), summary) if summary else group[0]
        for (effect, summary, _), group in alike.items()
    ]


def _several(resources: Sequence[str]) -> str:
    """`LogGroup web, Vpc web`; of many the number of each type: `2 Subnet, Vpc`."""
    if len(resources) <= _NAMED:
        return ", ".join(resources)
    counts = Counter(resource.partition(" ")[0] for resource in resources)
    return ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in sorted(counts.items()))


def markdown(report: Report, title: str, fail_on: Collection[Effect] = ()) -> str:
    """A heading of letters, digits and ` ./_-`, the verdict, a table; with the harmless folded."""
    grave = [found for found in report.findings if found.effect not in _FOLDED]
    lines = [f"## {re.sub(r'[^A-Za-z0-9 ./_-]', '', title)}", "", verdict(report, fail_on), ""]
    if grave:
        lines += [*_table(grave), ""]
    for effect, summary in _FOLDED.items():
        rest = [found for found in report.findings if found.effect is effect]
        if rest:
            lines += [f"<details><summary>{len(rest)} {summary}</summary>", "", *_table(rest), "", "</details>", ""]
    return "\n".join(lines)


def verdict(report: Report, fail_on: Collection[Effect] = ()) -> str:
    """One sentence: may it be deployed, and what it does."""
    failing = report.failing(fail_on)
    counts = {effect: sum(found.effect is effect for found in report.findings) for effect in Effect}
    told = ", ".join(f"{count} {effect.value}" for effect, count in counts.items() if count)
    if not report.findings:
        return f"Nothing changes, {report.unchanged} resources stay."
    summary = f"{told}; {report.unchanged} resources stay."
    return f"{'Do not deploy' if failing else 'May be deployed'}: {summary}"


def _table(findings: list[Finding]) -> list[str]:
    """The table as HTML: Markdown reads nothing in it up to the next empty line.
    https://github.github.com/gfm/#html-blocks"""
    rows = [
        f"<tr><td>{_MARKS[found.effect]}&nbsp;{found.effect.value}</td>{_cell(found.resource)}{_cell(found.text)}</tr>"
        for found in findings
    ]
    return ["<table>", "<tr><th></th><th>resource</th><th>what</th></tr>", *rows, "</table>"]


def _cell(value: str) -> str:
    """Text as a cell that shows it as it is. In code GitHub makes no links of addresses, issues, people and teams."""
    return f"<td><code>{html.escape(printable(value))}</code></td>" if value else "<td></td>"
