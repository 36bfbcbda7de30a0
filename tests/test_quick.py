"""`make quick` runs the tests that name what changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quick import ROOT, affected_by


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("components/alarms.py", "components/test_alarms.py"),
        ("policy/ecs_policy/fargate.py", "policy/test_fargate.py"),
        ("settings.py", "test_settings.py"),
        ("local/guard.py", "local/test_guard.py"),
        ("Makefile", "test_documentation.py"),
        ("tests/policy/test_fargate.py", "policy/test_fargate.py"),
    ],
)
def test_a_changed_file_is_tested_by_what_names_it(changed: str, expected: str) -> None:
    assert ROOT / "tests" / expected in affected_by([Path(changed)])


def test_what_nobody_names_has_no_tests() -> None:
    assert affected_by([Path("docs", "x" * 9)]) == []
