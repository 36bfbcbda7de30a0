"""The pack as a user runs it: `pulumi policy analyze` on a state file, with the pack's own requirements only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.policy import good_stacks
from tests.policy.engine import analyze
from tests.policy.good_stacks import MISMATCH

pytestmark = pytest.mark.engine


def test_a_violation_fails_the_command_and_names_both_sides(tmp_path: Path) -> None:
    result = analyze(tmp_path, MISMATCH)
    assert result.returncode != 0
    assert "[mandatory]" in result.stdout
    assert "Service 'web' launchType: got \"FARGATE\"" in result.stdout
    assert "TaskDefinition 'app'" in result.stdout


@pytest.mark.parametrize("name", ["FARGATE", "EC2"])
def test_a_good_stack_passes(tmp_path: Path, name: str) -> None:
    result = analyze(tmp_path, getattr(good_stacks, name))
    assert (result.returncode, "ecs-settings" in result.stdout) == (0, False), result.stdout + result.stderr


def test_configuration_reaches_the_rules(tmp_path: Path) -> None:
    configuration = tmp_path / "config.json"
    configuration.write_text(json.dumps({"ecs-settings": {"levels": {"LT-01": "advisory", "images": "disabled"}}}))
    result = analyze(tmp_path, MISMATCH, "--policy-pack-config", str(configuration))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "[advisory]" in result.stdout


def test_what_is_acknowledged_passes_and_what_is_of_nothing_is_told(tmp_path: Path) -> None:
    configuration = tmp_path / "config.json"
    entries = [{"rule": rule, "resource": "Service web", "reason": "A demonstration."} for rule in ("LT-01", "LT-02")]
    configuration.write_text(json.dumps({"ecs-settings": {"acknowledged": entries}}))
    result = analyze(tmp_path, MISMATCH, "--policy-pack-config", str(configuration))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "acknowledged: A demonstration." in result.stdout
    assert "acknowledged[1]: LT-02 on Service web is of no finding of this stack" in result.stdout


def test_a_wrong_acknowledgement_is_refused_without_a_trace(tmp_path: Path) -> None:
    configuration = tmp_path / "config.json"
    configuration.write_text(json.dumps({"ecs-settings": {"acknowledged": [{"rule": "LT-1"}, {"rule": "LT-01"}]}}))
    result = analyze(tmp_path, MISMATCH, "--policy-pack-config", str(configuration))
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert 'ecs-settings acknowledged[0].rule: got "LT-1"' in said
    assert "ecs-settings acknowledged[1].reason: got nothing" in said
    assert "Traceback" not in said
