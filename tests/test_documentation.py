"""The pages for people: what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from settings import keys
from tests.mocks import ROOT

PAGES = [
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md"))
    if ".venv" not in path.parts
]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def _anchors(page: Path) -> set[str]:
    """GitHub's anchors of the headings: lower case, no punctuation, hyphens for blanks."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if ":" in link:
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@each_page
def test_every_make_target_exists(page: Path) -> None:
    assert set(re.findall(r"(?:`|^)make ([a-z]+[a-z-]*)", page.read_text(), re.MULTILINE)) <= TARGETS


def test_the_keys_that_the_readme_names_are_settings() -> None:
    named = set(
        re.findall(r"`([a-z]+[A-Z][A-Za-z]+|[a-z][A-Za-z]+\.[a-z][A-Za-z]+)`", (ROOT / "README.md").read_text())
    )
    files = {each for each in named if (ROOT / each).exists()}
    assert named - files <= keys().keys()


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_the_files_that_contributors_are_sent_to_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.py)?|Pulumi\.[\w-]+\.yaml)`", text))
    assert {"components/alarms.py", "policy/ecs_policy/rules/", "Pulumi.prod.yaml"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
