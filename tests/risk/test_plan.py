"""A saved plan leaves open what only the update can know, and secrets. That an update follows it: tests/local."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecs_policy.sentinels import UNKNOWN
from risk.plan import main

NETWORK = "urn:pulumi:dev::shop::awsx:ec2:Vpc::network"
SIGNATURE = "4dabf18193072939515e22adb298388d"


def _plan(outputs: dict[str, Any], inputs: dict[str, Any] | None = None) -> dict[str, Any]:
    goal = {"custom": False, "inputDiff": inputs or {}, "outputDiff": outputs}
    return {"resourcePlans": {NETWORK: {"goal": goal, "steps": ["create"]}, f"{NETWORK}-old": {"steps": ["delete"]}}}


def _vpc(identity: str) -> dict[str, Any]:
    """A resource among outputs, as the engine writes it."""
    return {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "id": identity, "urn": "urn:pulumi:dev::shop::vpc::vpc"}


@pytest.mark.parametrize(
    ("outputs", "left_open"),
    [
        ({"adds": {"vpc": _vpc("")}}, {"adds": {"vpc": UNKNOWN}}),
        ({"updates": {"all": [_vpc("vpc-1"), _vpc("")]}}, {"updates": {"all": [_vpc("vpc-1"), UNKNOWN]}}),
    ],
)
def test_a_resource_among_outputs_that_has_no_id_yet_is_left_open(
    tmp_path: Path, outputs: dict[str, Any], left_open: dict[str, Any]
) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(_plan(outputs)))
    assert main([str(file)]) == 0
    assert json.loads(file.read_text()) == _plan(left_open)


def test_no_secret_is_left_in_a_plan_not_even_encrypted(tmp_path: Path) -> None:
    secret = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    plan = _plan({}, inputs={"adds": {"endpoint": secret}, "updates": {"list": [1, secret]}})
    plan["resourcePlans"][NETWORK]["state"] = {"endpoint": secret}
    plan["config"] = {
        "a": {"secure": "v1:abc"},
        "b": {"c": [{"secure": "v1:abc"}]},
        "d": {"e": ["f"]},
        "aws:region": "x",
    }
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    assert main([str(file)]) == 0
    expected = _plan({}, inputs={"adds": {"endpoint": UNKNOWN}, "updates": {"list": [1, UNKNOWN]}})
    expected["resourcePlans"][NETWORK]["state"] = {"endpoint": UNKNOWN}
    assert json.loads(file.read_text()) == expected | {"config": {"d": {"e": ["f"]}, "aws:region": "x"}}


@pytest.mark.parametrize(
    "plan",
    [
        _plan({}),
        _plan({"adds": {"vpc": _vpc("vpc-1"), "id": "", "secret": {SIGNATURE: "other"}}}),
        _plan({}, inputs={"adds": {"vpc": _vpc("")}}),
    ],
)
def test_everything_else_binds_as_it_was_reviewed(tmp_path: Path, plan: dict[str, Any]) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    assert main([str(file)]) == 0
    assert json.loads(file.read_text()) == plan


@pytest.mark.parametrize("text", [None, "no json", "{}"])
def test_what_is_no_plan_is_named(tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.json"
    if text is not None:
        file.write_text(text)
    assert main([str(file)]) == 2
    assert f"PLAN: got {file}, expected a plan" in capsys.readouterr().err
