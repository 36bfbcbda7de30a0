"""docs/environments.md: what differs between the stack files."""

from pathlib import Path

import pytest

from tests.mocks import ROOT  # silences what the SDKs warn about when the settings touch them

# isort: split
from docs.generate_environments import DOCUMENT, document, purpose, stacks, values
from environment import reasons
from settings import keys


def test_the_page_is_what_the_stack_files_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `python -m docs.generate_environments`"


def test_every_stack_file_says_what_it_is_for() -> None:
    assert {file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml")} == set(stacks())
    assert all(purpose(stack) for stack in stacks())


def test_every_key_of_a_stack_file_is_in_the_table_in_bold() -> None:
    table = document().partition("## What differs")[2].partition("## Why")[0]
    rows = {line.split("|")[1].strip(" `"): line for line in table.splitlines() if line.startswith("| `")}
    for stack in stacks():
        for key in values(stack):
            assert rows[key].count("**") >= 2


@pytest.mark.parametrize("stack", stacks())
def test_nothing_differs_without_a_reason(stack: str) -> None:
    assert sorted(key for _, keys in reasons(stack, ROOT) for key in keys) == sorted(values(stack))
    assert [keys for said, keys in reasons(stack, ROOT) if not said] == [], "write the reason above them, as a comment"


@pytest.mark.parametrize("stack", stacks())
def test_a_stack_file_repeats_no_default(stack: str) -> None:
    assert {path for path, value in values(stack).items() if value == keys()[path].default} == set()


def test_a_reason_holds_for_the_keys_below_it_until_the_next(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "Pulumi.new.yaml").write_text(
        "# For trying.\nconfig:\n  shop:dashboard: false\n  # Two lines\n  # of reason.\n"
        "  shop:placement:\n    strategies:\n      - random\n    constraints: []\n  shop:firewall: none\n"
        "  shop:scaling:\n    # Few.\n    maxCount: 4\n    timezone: UTC\n  shop:containerInsights: enabled\n\n"
        "  aws:region: eu-west-1\n"
    )
    assert reasons("new", tmp_path) == [
        ("", ["dashboard"]),
        ("Two lines of reason.", ["placement.strategies", "placement.constraints", "firewall"]),
        ("Few.", ["scaling.maxCount", "scaling.timezone"]),
        ("", ["containerInsights"]),
        ("", ["aws:region"]),
    ]


def test_no_two_stacks_on_aws_share_a_repository() -> None:
    named = [values(stack).get("image.repositoryName", "the default") for stack in stacks() if stack != "local"]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize(
    "key", ["deletionProtection", "network.natGateways", "task.logRetentionDays", "domain.name", "scaling.schedule"]
)
def test_dev_and_prod_differ_in_what_protects_and_what_costs(key: str) -> None:
    dev, prod = (values(stack).get(key, keys()[key].default) for stack in ("dev", "prod"))
    assert dev != prod
