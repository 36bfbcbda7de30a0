"""How a revision takes over from the one before."""

from typing import Any

import pytest

from components.checks import ArgumentError
from components.deployment import Approval, Deployment


def told(**arguments: Any) -> dict[str, Any] | None:
    """What ECS is told, without what is left to its defaults."""
    found = Deployment(**arguments).configuration()
    return None if found is None else _plain(found)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if hasattr(value, "__dict__"):
        return {name: _plain(each) for name, each in vars(value).items() if each is not None}
    return value


def test_rolling_is_the_default_and_needs_no_word() -> None:
    assert told() is None
    assert Deployment().shifts_traffic is False


def test_blue_green_shifts_all_traffic_and_waits() -> None:
    assert told(strategy="BLUE_GREEN", bake_minutes=15) == {"strategy": "BLUE_GREEN", "bake_time_in_minutes": "15"}


def test_linear_goes_in_equal_steps() -> None:
    assert told(strategy="LINEAR", step_percent=25, step_minutes=3) == {
        "strategy": "LINEAR",
        "bake_time_in_minutes": "5",
        "linear_configuration": {"step_percent": 25.0, "step_bake_time_in_minutes": "3"},
    }


def test_canary_sends_a_share_first() -> None:
    assert told(strategy="CANARY", step_percent=1, step_minutes=30) == {
        "strategy": "CANARY",
        "bake_time_in_minutes": "5",
        "canary_configuration": {"canary_percent": 1.0, "canary_bake_time_in_minutes": "30"},
    }


def test_a_deployment_can_wait_for_agreement_and_rolls_back_without() -> None:
    approval = Approval(stage="POST_TEST_TRAFFIC_SHIFT", timeout_minutes=90)
    configuration = told(strategy="BLUE_GREEN", approval=approval)
    assert configuration is not None
    assert configuration["lifecycle_hooks"] == [
        {
            "target_type": "PAUSE",
            "lifecycle_stages": ["POST_TEST_TRAFFIC_SHIFT"],
            "timeout_configuration": {"timeout_in_minutes": "90", "action": "ROLLBACK"},
        }
    ]


def test_a_rolling_deployment_can_wait_too() -> None:
    configuration = told(approval=Approval(stage="POST_SCALE_UP"))
    assert configuration is not None
    assert configuration["strategy"] == "ROLLING"
    assert "bake_time_in_minutes" not in configuration


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        Deployment(strategy="ROLLING", step_percent=0, approval=Approval(stage="POST_TEST_TRAFFIC_SHIFT"))
    assert str(refused.value) == (
        "Deployment cannot be used:\n"
        "  - step_percent: got 0, expected a whole number from 1 to 100; "
        "choose the share of the traffic that shifts at a time\n"
        "  - approval.stage: got 'POST_TEST_TRAFFIC_SHIFT' with strategy ROLLING, expected one of PRE_SCALE_UP, "
        "POST_SCALE_UP; choose one of them, or a strategy that shifts traffic"
    )


def test_linear_steps_have_a_least_size() -> None:
    with pytest.raises(ArgumentError, match="step_percent: got 2 with strategy LINEAR, expected a whole number from 3"):
        Deployment(strategy="LINEAR", step_percent=2)
    Deployment(strategy="CANARY", step_percent=2)


def test_an_approval_has_a_stage_and_an_end() -> None:
    with pytest.raises(ArgumentError) as refused:
        Approval(stage="PRODUCTION_TRAFFIC_SHIFT", timeout_minutes=0)
    assert "stage: got 'PRODUCTION_TRAFFIC_SHIFT'" in str(refused.value)
    assert "timeout_minutes: got 0, expected a whole number from 1 to 20160" in str(refused.value)
