"""A saved plan that no update could follow is taken away, and the reason stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from risk.plan import UNPLANNED, impossible, main

NETWORK = "urn:pulumi:dev::shop::awsx:ec2:Vpc::network"
SIGNATURE = "4dabf18193072939515e22adb298388d"


def _plan(outputs: dict[str, Any]) -> dict[str, Any]:
    return {"resourcePlans": {NETWORK: {"goal": {"custom": False, "outputDiff": outputs}}}}


def _vpc(identity: str) -> dict[str, Any]:
    """A resource among outputs, as the engine writes it."""
    return {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "id": identity, "urn": "urn:pulumi:dev::shop::vpc::vpc"}


@pytest.mark.parametrize("outputs", [{"adds": {"vpc": _vpc("")}}, {"updates": {"subnets": [_vpc("vpc-1"), _vpc("")]}}])
def test_a_plan_with_a_resource_that_has_no_id_yet_cannot_be_followed(outputs: dict[str, Any]) -> None:
    assert impossible(_plan(outputs)) == ["network"]


@pytest.mark.parametrize("outputs", [{}, {"adds": {"vpc": _vpc("vpc-1")}}, {"adds": {"secret": {SIGNATURE: "other"}}}])
def test_any_other_plan_can(outputs: dict[str, Any]) -> None:
    assert impossible(_plan(outputs)) == []


def test_the_plan_goes_and_its_reason_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(_plan({"adds": {"vpc": _vpc("")}})))
    assert main([str(file)]) == 0
    assert not file.exists()
    assert (tmp_path / UNPLANNED).read_text() == capsys.readouterr().out
    assert "No plan is kept: it creates what network is made of" in (tmp_path / UNPLANNED).read_text()


def test_a_plan_that_can_be_followed_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(_plan({})))
    assert main([str(file)]) == 0
    assert file.exists() and not (tmp_path / UNPLANNED).exists() and not capsys.readouterr().out
    assert main([str(tmp_path / "absent.json")]) == 2
    assert "PLAN: got " in capsys.readouterr().err
