"""A report of `ecs-policy check`, as text, JSON, SARIF, JUnit or annotations of GitHub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from ecs_policy import __version__
from ecs_policy.catalogue import examples
from ecs_policy.check import Finding, Open, Report
from ecs_policy.pack import sendable, violation_text
from ecs_policy.rule import Rule

_BOLD, _RED, _YELLOW, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
_SCORES = {"low": "3.0", "medium": "5.0", "high": "8.0", "critical": "9.5"}
"""How GitHub sorts: https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning"""


class Source:
    """The file that was checked: findings are shown at the resource's line in it."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def line(self, urn: str) -> int:
        """Where the resource begins; 1 where it is not found as it is written."""
        written = json.dumps(urn)
        at = self.text.find(f'"urn": {written}')
        at = self.text.find(written) if at < 0 else at
        return 1 + self.text.count("\n", 0, max(at, 0))


def as_text(report: Report, source: Source, colour: bool) -> str:
    """For a reader: each rule once, with its resources, gravest first."""

    def paint(text: str, *codes: str) -> str:
        return f"{''.join(codes)}{text}{_PLAIN}" if colour else text

    lines = []
    by_rule: dict[tuple[str, bool], list[Finding]] = {}
    for each in report.findings:
        by_rule.setdefault((each.rule.id, each.mandatory), []).append(each)
    for (_, mandatory), found in by_rule.items():
        rule = found[0].rule
        level = paint("[mandatory]", _BOLD, _RED) if mandatory else paint("[advisory]", _YELLOW)
        lines.append(f"{level} {paint(rule.policy_name, _BOLD)}  severity {rule.severity.value}: {rule.title}")
        for each in found:
            told = [each.acknowledged] if each.acknowledged else []
            lines += [f"  {line}" for text in [*told, violation_text(rule, each.problem)] for line in text.splitlines()]
        lines.append("")
    if report.not_evaluated:
        lines.append(paint("Not evaluated", _BOLD))
        lines += [f"  {'[mandatory] ' if each.mandatory else ''}{_open_text(each)}" for each in report.not_evaluated]
        lines.append("")
    lines += [f"{'[mandatory]' if mandatory else '[advisory]'} {note}" for note, mandatory in report.notes]
    return "\n".join([*(sendable(line) if not colour else line for line in lines), _summary(report, source)])


def _summary(report: Report, source: Source) -> str:
    mandatory = sum(each.mandatory for each in report.findings)
    return (
        f"{source.name}: {report.resources} resources; {mandatory} mandatory and {len(report.findings) - mandatory} "
        f"advisory violations; {len(report.not_evaluated)} not evaluated; {len(report.passed)} rules passed"
    )


def _open_text(opened: Open) -> str:
    where = f"{label(opened.at.urn)} {opened.at.location}".rstrip()
    told = f" ({opened.acknowledged})" if opened.acknowledged else ""
    return f"{where} {opened.at.reason}: {', '.join(rule.id for rule in opened.rules)}{told}"


def label(urn: str) -> str:
    """How messages call a resource: `Service 'web'`."""
    kind, _, name = urn.partition("::")[2].partition("::")[2].partition("::")
    return f"{kind.rpartition(':')[2]} '{name}'"


def as_json(report: Report, source: Source) -> str:
    """For programs."""
    content = {
        "file": source.name,
        "version": __version__,
        "resources": report.resources,
        "violations": [
            {
                "rule": each.rule.id,
                "name": each.rule.policy_name,
                "level": _level(each.mandatory),
                "severity": each.rule.severity.value,
                "urn": each.problem.urn,
                "property": each.problem.location,
                "message": each.problem.message,
                "awsSays": each.problem.quote.words if each.problem.quote else "",
                "source": each.problem.source or each.rule.source,
                "acknowledged": each.acknowledged,
                "line": source.line(each.problem.urn),
            }
            for each in report.findings
        ],
        "notEvaluated": [
            {
                "rules": [rule.id for rule in each.rules],
                "level": _level(each.mandatory),
                "urn": each.at.urn,
                "property": each.at.location,
                "reason": each.at.reason,
                "acknowledged": each.acknowledged,
            }
            for each in report.not_evaluated
        ],
        "notes": [{"level": _level(mandatory), "message": note} for note, mandatory in report.notes],
        "passed": [rule.id for rule in report.passed],
    }
    return json.dumps(content, indent=2)


def _level(mandatory: bool) -> str:
    return "mandatory" if mandatory else "advisory"


def as_sarif(report: Report, source: Source) -> str:
    """SARIF 2.1.0, for code scanning."""
    rules = list({each.rule.id: each.rule for each in report.findings}.values())
    index = {rule.id: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "ecs-policy",
                "semanticVersion": __version__,
                "rules": [_sarif_rule(rule) for rule in rules],
            }
        },
        "results": [_sarif_result(each, index, source) for each in report.findings],
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "error" if mandatory else "note", "message": {"text": sendable(text)}}
                    for text, mandatory in [
                        *((f"Not evaluated: {_open_text(each)}", each.mandatory) for each in report.not_evaluated),
                        *report.notes,
                    ]
                ],
            }
        ],
    }
    return json.dumps(
        {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}, indent=2
    )


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    shown = examples()[rule.id]
    passes = "\n".join(shown["passes"]["stack"])
    return {
        "id": rule.policy_name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "helpUri": rule.source,
        "help": {
            "text": f"{rule.why}\n\nPasses: {shown['passes']['title']}\n\n{passes}",
            "markdown": f"{rule.why}\n\nPasses: {shown['passes']['title']}\n\n```yaml\n{passes}\n```",
        },
        "defaultConfiguration": {"level": "error" if rule.enforcement.value == "mandatory" else "warning"},
        "properties": {"tags": [rule.group], "security-severity": _SCORES[rule.severity.value]},
    }


def _sarif_result(finding: Finding, index: Mapping[str, int], source: Source) -> dict[str, Any]:
    problem = finding.problem
    identity = f"{finding.rule.id} {problem.urn} {problem.location}".encode()
    result: dict[str, Any] = {
        "ruleId": finding.rule.policy_name,
        "ruleIndex": index[finding.rule.id],
        "level": "error" if finding.mandatory else "warning",
        "message": {"text": sendable(violation_text(finding.rule, problem))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(source.name)},
                    "region": {"startLine": source.line(problem.urn)},
                },
                "logicalLocations": [{"fullyQualifiedName": problem.urn, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"finding/v1": hashlib.sha256(identity).hexdigest()},
    }
    if finding.acknowledged:
        result["suppressions"] = [{"kind": "external", "justification": finding.acknowledged}]
    return result


def _uri(name: str) -> str:
    return quote(name.replace("\\", "/"))


def as_junit(report: Report, source: Source) -> str:
    """JUnit XML: a case for each rule, which fails where it is mandatory, and is skipped where it was not evaluated."""
    findings: dict[str, list[Finding]] = {}
    for each in report.findings:
        findings.setdefault(each.rule.id, []).append(each)
    opened: dict[str, list[Open]] = {}
    for open_ in report.not_evaluated:
        for rule in open_.rules:
            opened.setdefault(rule.id, []).append(open_)
    rules = {
        **{each.rule.id: each.rule for each in report.findings},
        **{rule.id: rule for each in report.not_evaluated for rule in each.rules},
        **{rule.id: rule for rule in report.passed},
    }
    suite = ElementTree.Element("testsuite", name="ecs-policy", time="0")
    counts = {"failures": 0, "skipped": 0}
    for number in sorted(rules):
        rule = rules[number]
        case = ElementTree.SubElement(
            suite, "testcase", name=rule.policy_name, classname=f"ecs_policy.{rule.group}", time="0"
        )
        failures = [each for each in findings.get(number, ()) if each.mandatory]
        stopped = [each for each in opened.get(number, ()) if each.mandatory]
        advice = [each for each in findings.get(number, ()) if not each.mandatory]
        if failures or stopped:
            counts["failures"] += 1
            texts = [*(violation_text(rule, each.problem) for each in failures), *map(_open_text, stopped)]
            _element(case, "failure", "\n".join(texts), message=rule.title, type=rule.severity.value)
        elif opened.get(number) and not advice:
            counts["skipped"] += 1
            ElementTree.SubElement(case, "skipped", message=sendable("; ".join(map(_open_text, opened[number]))))
        if advice:
            _element(case, "system-out", "\n".join(violation_text(rule, each.problem) for each in advice))
    for note, mandatory in report.notes:
        case = ElementTree.SubElement(suite, "testcase", name="configuration", classname="ecs_policy", time="0")
        counts["failures"] += mandatory
        _element(case, "failure" if mandatory else "system-out", note)
    totals = {"tests": str(len(suite)), "errors": "0", **{key: str(count) for key, count in counts.items()}}
    suite.attrib.update(totals)
    root = ElementTree.Element("testsuites", {"name": source.name, "time": "0", **totals})
    del root.attrib["skipped"]  # which this element has not
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _element(parent: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, tag, attributes).text = sendable(text)


def as_github(report: Report, source: Source) -> str:
    """Commands by which GitHub's runner annotates a change."""
    lines = [
        _annotation(
            "error" if each.mandatory else "notice" if each.acknowledged else "warning",
            "\n".join(filter(None, (each.acknowledged, violation_text(each.rule, each.problem)))),
            file=source.name,
            line=str(source.line(each.problem.urn)),
            title=each.rule.policy_name,
        )
        for each in report.findings
    ]
    lines += [
        _annotation(
            "error" if each.mandatory else "notice",
            _open_text(each),
            file=source.name,
            line=str(source.line(each.at.urn)),
            title="Not evaluated",
        )
        for each in report.not_evaluated
    ]
    lines += [
        _annotation("error" if mandatory else "notice", note, title="ecs-policy") for note, mandatory in report.notes
    ]
    return "\n".join([*lines, _escaped(_summary(report, source))])


def _annotation(command: str, message: str, **properties: str) -> str:
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{command} {written}::{_escaped(message)}"


def _escaped(text: str) -> str:
    """https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts"""
    return sendable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: Mapping[str, Callable[[Report, Source], str]] = {
    "json": as_json,
    "sarif": as_sarif,
    "junit": as_junit,
    "github": as_github,
}
"""All but text, which depends on the terminal."""
