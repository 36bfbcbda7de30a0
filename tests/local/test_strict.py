"""Every stack and example passes a preview with the policies in their strict profile, but for what is acknowledged."""

from __future__ import annotations

import fnmatch
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate_advisories import DOCUMENT, FILES, document, entries
from tests.local.checkout import ROOT
from tests.policy.coverage import explained, without_names

ADVISORIES = DOCUMENT.read_text(encoding="utf-8")
STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))
EXAMPLES = sorted(f"examples/{file.parent.name}" for file in ROOT.glob("examples/*/__main__.py"))
VARIANTS: dict[str, tuple[str, dict[str, Any], list[dict[str, str]]]] = {
    "dev that shifts traffic in steps": ("dev", {"deployment.strategy": "LINEAR", "task.ephemeralStorageGib": 50}, []),
    "internal on instances, with sessions": (
        "internal",
        {
            "service.launchType": "EC2",
            "task.cpuArchitecture": "ARM64",
            "instances.instanceType": "t4g.small",
            "placement.strategies": ["random"],
            "placement.constraints": ["distinctInstance"],
            "deployment.strategy": "ROLLING",
            "deployment.approval": None,
            "service.executeCommand": True,
            "container.healthCheckCommand": "test -e /dev/shm",
            "secrets": {"LEVEL": "arn:aws:ssm:ap-northeast-1:123456789012:parameter/level"},
        },
        [
            {"rule": "CL-02", "resource": "Cluster h4b-helloworld", "reason": "As dev-ec2."},
            {"rule": "TD-36", "resource": "TaskDefinition h4b-helloworld", "reason": "As dev-ec2."},
        ],
    ),
}
"""What no stack file says: a stack, what differs, and what is acknowledged beside what that stack does."""

NAMES = [*STACKS, *EXAMPLES, *VARIANTS]


@pytest.fixture(scope="module")
def previews(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All previews, in two processes at a time."""
    folder = tmp_path_factory.mktemp("previews")

    def wanted(name: str) -> dict[str, Any]:
        of, config, acknowledged = VARIANTS.get(name, (name, {}, []))
        return {"of": of, "config": config, "acknowledged": acknowledged}

    def start(index: int) -> subprocess.Popen[str]:
        half = json.dumps({name: wanted(name) for name in NAMES[index::2]})
        command = [sys.executable, "-m", "tests.local.previews", str(folder / str(index)), half]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    came: dict[str, dict[str, Any]] = {}
    for process in [start(0), start(1)]:
        answer, complaint = process.communicate(timeout=300)
        assert process.returncode == 0, complaint
        came |= json.loads(answer)
    return came


@pytest.mark.engine
@pytest.mark.parametrize("name", NAMES)
def test_a_preview_passes_every_rule_but_for_what_is_acknowledged(
    previews: dict[str, dict[str, Any]], name: str
) -> None:
    assert previews[name]["errors"] == []
    assert previews[name]["services"] != []
    assert previews[name]["advisory"] == [], "among it acknowledgements that are over or of nothing"


@pytest.mark.parametrize("file", FILES)
def test_an_acknowledgement_is_of_stacks_that_exist(file: str) -> None:
    stacks = [_stack(path) for path in (ROOT / file).parent.glob("**/Pulumi.*.yaml")]
    named = [pattern for entry in entries(file) for pattern in entry.get("stacks", ())]
    assert [pattern for pattern in named if not fnmatch.filter(stacks, pattern)] == []


def _stack(file: Path) -> str:
    """`<project>/<stack>` of a stack file."""
    project = yaml.safe_load(file.with_name("Pulumi.yaml").read_text())["name"]
    return f"{project}/{file.name.split('.')[1]}"


def test_the_page_says_what_is_acknowledged() -> None:
    assert document() == ADVISORIES, "run `python -m docs.generate_advisories`"


@pytest.mark.engine
@pytest.mark.parametrize("name", STACKS)
def test_a_stack_looks_like_its_picture(previews: dict[str, dict[str, Any]], name: str) -> None:
    kept = ROOT / "docs" / "pictures" / f"{name}.svg"
    assert previews[name]["picture"] == kept.read_text(), f"run `make picture STACK={name}`"


@pytest.mark.engine
def test_what_a_first_preview_cannot_evaluate_is_explained(previews: dict[str, dict[str, Any]]) -> None:
    unevaluated = {
        (rule, without_names(reason))
        for came in previews.values()
        for reason, rules in came["unevaluated"]
        for rule in rules.split(", ")
    }
    assert unevaluated == explained()
