"""How much of their work the rules get done in a preview, and what they leave open is explained."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.policy.coverage import (
    CHANGED,
    FIRST,
    MOST_NOT_EVALUATED,
    ROOT,
    STACKS,
    Coverage,
    by_the_engine,
    count,
    explained,
)
from tests.policy.mocked import messages


@cache
def in_process(stack: str, preview: str) -> Coverage:
    return count(messages(stack, first=preview == FIRST), ROOT / "policy-config.json")


@pytest.mark.parametrize("preview", [FIRST, CHANGED])
@pytest.mark.parametrize("stack", STACKS)
def test_at_most_a_twentieth_stays_open_and_each_of_it_is_explained(stack: str, preview: str) -> None:
    came = in_process(stack, preview)
    assert came.checks > 250
    assert came.share <= MOST_NOT_EVALUATED, came.left_open
    assert came.reasons - explained() == set()


@pytest.mark.parametrize("stack", STACKS)
def test_what_is_known_later_is_no_violation_then(stack: str) -> None:
    """Those of the first preview are acknowledged (tests/local/test_strict.py)."""
    first, changed = in_process(stack, FIRST), in_process(stack, CHANGED)
    assert changed.violated <= first.violated
    assert changed.reasons <= first.reasons


@pytest.mark.engine
def test_the_engine_leaves_as_much_open_as_the_program_without_it(tmp_path: Path) -> None:
    came = {preview: coverage for _, preview, coverage in by_the_engine(["local"], tmp_path)}
    assert came.keys() == {FIRST, CHANGED}
    for preview, coverage in came.items():
        without = in_process("local", preview)
        assert (coverage.checks, coverage.reasons) == (without.checks, without.reasons)
        assert {rule for rule, _ in coverage.violated} == {rule for rule, _ in without.violated}
