"""The hands-on retold names only what exists, and says the same in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from settings import keys

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = {"English": ROOT / "docs" / "hands-on.md", "Japanese": ROOT / "docs" / "hands-on.ja.md"}
RULES = (ROOT / "docs" / "policies.md").read_text()

in_each_language = pytest.mark.parametrize("page", LANGUAGES.values(), ids=LANGUAGES)


@in_each_language
def test_every_setting_output_and_rule_exists(page: Path) -> None:
    known = set(keys())
    known |= set(re.findall(r'pulumi.export\("(\w+)"', (ROOT / "__main__.py").read_text()))
    path = r"`([a-z]+[A-Z][A-Za-z]+|[a-z][A-Za-z]+\.[a-z]+[A-Z][A-Za-z]+)`"
    named = set(re.findall(path, page.read_text())) - {"distinctInstance", "memberOf"}
    assert named <= known
    for rule in re.findall(r"\b[A-Z]{2}-[0-9]{2}\b", page.read_text()):
        assert f"[{rule}](#" in RULES, f"{rule} is no rule, or only planned"


def test_both_languages_name_the_same_things() -> None:
    def names(page: Path) -> list[tuple[int, list[str]]]:
        rows = [line for line in page.read_text().splitlines() if line.startswith("|")]
        return [(number, sorted(set(re.findall(r"`([^`]+)`", row)))) for number, row in enumerate(rows)]

    english, japanese = (names(page) for page in LANGUAGES.values())
    assert english == japanese
