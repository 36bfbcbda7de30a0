"""Stacks after public bug reports, each begun from a good one: the pack says what AWS would have said.

`public_reports.json` holds the resources as an engine's state has them, in a pool that the cases share, and of each
case what must hold: that a finding of a level is on one of some resources and fits a pattern, or that there is none.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import proto

from ecs_policy.pack import SETTINGS
from tests.policy.test_pack import configured

REPORTS = json.loads(Path(__file__).with_name("public_reports.json").read_text(encoding="utf-8"))
USUAL: dict[str, list[str]] = REPORTS["usual"]
"""What the good stack is advised to, too, by resource."""


def findings(resources: list[dict[str, Any]]) -> list[Any]:
    """All that the pack says of a state, as the engine hands it on."""
    analyzer = configured({})
    providers = {each["urn"]: each for each in resources if each["type"].startswith("pulumi:providers:")}
    whole, found = proto.AnalyzeStackRequest(), []
    for each in resources:
        if each["type"].startswith("pulumi:"):
            continue
        name = each["urn"].rpartition("::")[2]
        one = proto.AnalyzeRequest(type=each["type"], urn=each["urn"], name=name)
        one.properties.update(each["inputs"])
        same = whole.resources.add(type=each["type"], urn=each["urn"], name=name, parent=each.get("parent", ""))
        same.properties.update({**each["inputs"], **each["outputs"]})
        same.dependencies.extend(each.get("dependencies", []))
        for key, urns in each.get("propertyDependencies", {}).items():
            same.propertyDependencies[key].urns.extend(urns)
        for message in (one, same):
            message.options.ignoreChanges.extend(each.get("ignoreChanges", []))
            if each.get("provider"):
                provider = providers[each["provider"].rpartition("::")[0]]
                message.provider.type, message.provider.urn, message.provider.name = (
                    provider["type"],
                    provider["urn"],
                    "default",
                )
                message.provider.properties.update(provider["inputs"])
        found += analyzer.Analyze(one, None).diagnostics
    return [*found, *analyzer.AnalyzeStack(whole, None).diagnostics]


def counts(finding: Any, expected: dict[str, Any]) -> bool:
    """Whether a finding is one of those that the case is about."""
    level, on = expected["level"], finding.urn.rpartition("::")[2]
    if level == "mandatory":
        fits = finding.enforcementLevel == proto.EnforcementLevel.MANDATORY
    else:
        fits = finding.policyName not in USUAL.get(on, ()) and (level == "said" or finding.policyName != SETTINGS)
    return (
        fits
        and (not expected.get("on") or on in expected["on"])
        and bool(re.search(expected.get("about", ""), finding.message, re.IGNORECASE))
    )


@pytest.mark.parametrize("case", REPORTS["cases"], ids=lambda case: case["id"])
def test_the_pack_says_what_the_reporters_had_to_find_out(case: dict[str, Any]) -> None:
    found = findings([REPORTS["pool"][index] for index in case["resources"]])
    said = sorted({each.policyName for each in found if counts(each, case["expect"])})
    assert bool(said) is case["expect"]["speaks"], f"{case['symptom']} ({case['source']}): {said}"


def test_a_fault_is_told_once() -> None:
    """No report of one fault trips mandatory rules about anything else."""
    told = {
        case["id"]: {
            each.policyName
            for each in findings([REPORTS["pool"][index] for index in case["resources"]])
            if each.enforcementLevel == proto.EnforcementLevel.MANDATORY
        }
        for case in REPORTS["cases"]
    }
    assert {name: policies for name, policies in told.items() if len(policies) > 1} == {}
