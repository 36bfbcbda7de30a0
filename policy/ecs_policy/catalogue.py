"""The rules, in words: what each holds, why, and a stack that fails it beside one that passes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ecs_policy.rule import Level, Rule

LEVELS: Mapping[str, Level] = {each.name.lower(): each for each in Level}


@cache
def examples() -> Mapping[str, Any]:
    """By rule: the stack that fails with what is said of it, the one that passes, AWS's words. Generated."""
    text = files("ecs_policy").joinpath("examples.json").read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def facts(rule: Rule) -> dict[str, Any]:
    """What there is to know of a rule, as plain data."""
    return {
        "id": rule.id,
        "name": rule.policy_name,
        "title": rule.title,
        "why": rule.why,
        "level": rule.level.name.lower(),
        "default": rule.enforcement.value,
        "severity": rule.severity.value,
        "group": rule.group,
        "source": rule.source,
        "frameworks": list(rule.frameworks),
        "stricterThanAws": rule.ours,
        "leftToAws": rule.beyond,
        "options": {name: {**option.schema, "description": option.about} for name, option in rule.options.items()},
    }


def listed(rules: Iterable[Rule]) -> str:
    """A line for each rule."""
    return "\n".join(
        f"{rule.id:7}{rule.level.name.lower():12} {rule.enforcement.value:10}{rule.severity.value:9} {rule.title}"
        for rule in rules
    )


def explained(rule: Rule) -> str:
    """All of a rule."""
    known = facts(rule)
    lines = [rule.policy_name, "", f"{rule.title}. {rule.why}", ""]
    lines += [
        f"level     {known['level']}: {rule.level.value}",
        f"default   {rule.enforcement.value}, severity {rule.severity.value}",
        f"group     {rule.group}",
        f"checked   {'at the end of the preview' if rule.joins else 'before the resource is created'}",
        f"source    {rule.source}",
    ]
    if rule.frameworks:
        lines.append(f"also in   {', '.join(rule.frameworks)}")
    if rule.ours:
        lines.append("stricter than AWS")
    for name, option in rule.options.items():
        lines.append(f"option    {name} (default {json.dumps(option.schema.get('default'))}): {option.about}")
    if rule.beyond:
        lines.append(f"left to AWS: {rule.beyond}")
    shown = examples()[rule.id]
    for quote in shown["quotes"]:
        lines.append(f'AWS says  "{quote["words"]}" ({quote["source"]})')
    fails, passes = shown["fails"], shown["passes"]
    lines += [
        "",
        f"Fails: {fails['title']}",
        "",
        *_indented(fails["stack"]),
        "",
        *_indented(fails["says"].splitlines()),
    ]
    lines += ["", f"Passes: {passes['title']}", "", *_indented(passes["stack"])]
    return "\n".join(lines)


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
