"""Stacks after public bug reports, each begun from a good one: the pack says what AWS would have said.

`public_reports.json` holds the resources as an engine's state has them, in a pool that the cases share, and of each
case what must hold: that a finding of a level is on one of some resources and fits a pattern, or that there is none.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pulumi.runtime import proto

from ecs_policy.pack import SETTINGS
from tests.policy.engine import analyze_state
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


class Told(NamedTuple):
    """One finding, by whichever way it came."""

    policy: str
    mandatory: bool
    on: str
    message: str


def told(resources: list[dict[str, Any]]) -> list[Told]:
    mandatory = proto.EnforcementLevel.MANDATORY
    return [
        Told(each.policyName, each.enforcementLevel == mandatory, each.urn.rpartition("::")[2], each.message)
        for each in findings(resources)
    ]


def told_by_engine(folder: Path, resources: list[dict[str, Any]]) -> list[Told]:
    """The same through `pulumi policy analyze`."""
    manifest = {"time": "2026-11-01T00:00:00Z", "magic": "", "version": "v3.250.0"}
    state = {"version": 3, "deployment": {"manifest": manifest, "resources": resources}}
    done = analyze_state(folder, state, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    said = [each["policyEvent"] for each in events if "policyEvent" in each]
    assert said or done.returncode == 0, done.stdout + done.stderr
    return [
        Told(
            each["policyName"],
            each["enforcementLevel"] == "mandatory",
            each.get("resourceUrn", "").rpartition("::")[2],
            each["message"],
        )
        for each in said
    ]


def judged(case: dict[str, Any], found: list[Told]) -> list[str]:
    """The policies that speak of what the case is about."""
    return sorted({each.policy for each in found if counts(each, case["expect"])})


def counts(finding: Told, expected: dict[str, Any]) -> bool:
    """Whether a finding is one of those that the case is about."""
    level = expected["level"]
    if level == "mandatory":
        fits = finding.mandatory
    else:
        fits = finding.policy not in USUAL.get(finding.on, ()) and (level == "said" or finding.policy != SETTINGS)
    return (
        fits
        and (not expected.get("on") or finding.on in expected["on"])
        and bool(re.search(expected.get("about", ""), finding.message, re.IGNORECASE))
    )


@pytest.mark.parametrize("case", REPORTS["cases"], ids=lambda case: case["id"])
def test_the_pack_says_what_the_reporters_had_to_find_out(case: dict[str, Any]) -> None:
    said = judged(case, told([REPORTS["pool"][index] for index in case["resources"]]))
    assert bool(said) is case["expect"]["speaks"], f"{case['symptom']} ({case['source']}): {said}"


@pytest.mark.engine
@pytest.mark.parametrize("case", REPORTS["cases"], ids=lambda case: case["id"])
def test_the_pack_says_so_through_the_engine(case: dict[str, Any], tmp_path: Path) -> None:
    said = judged(case, told_by_engine(tmp_path, [REPORTS["pool"][index] for index in case["resources"]]))
    assert bool(said) is case["expect"]["speaks"], f"{case['symptom']} ({case['source']}): {said}"


def test_a_fault_is_told_once() -> None:
    """No report of one fault trips mandatory rules about anything else."""
    mandatory = {
        case["id"]: {
            each.policy for each in told([REPORTS["pool"][index] for index in case["resources"]]) if each.mandatory
        }
        for case in REPORTS["cases"]
    }
    assert {name: policies for name, policies in mandatory.items() if len(policies) > 1} == {}
