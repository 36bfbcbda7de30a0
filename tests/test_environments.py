"""docs/environments.md: what differs between the stack files."""

import pytest
import yaml

from tests.mocks import ROOT  # silences what the SDKs warn about when the settings touch them

# isort: split
from docs.generate_environments import DOCUMENT, document, purpose, stacks, values


def test_the_page_is_what_the_stack_files_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `python -m docs.generate_environments`"


def test_every_stack_file_says_what_it_is_for() -> None:
    assert {file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml")} == set(stacks())
    assert all(purpose(stack) for stack in stacks())


def test_every_key_of_a_stack_file_is_in_the_table_in_bold() -> None:
    rows = {line.split("|")[1].strip(" `"): line for line in document().splitlines() if line.startswith("| `")}
    for stack in stacks():
        for key in values(stack):
            assert rows[key].count("**") >= 2


@pytest.mark.parametrize(
    "key", ["deletionProtection", "natGateways", "logRetentionDays", "domainName", "scalingSchedule"]
)
def test_dev_and_prod_differ_in_what_protects_and_what_costs(key: str) -> None:
    defaults = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    dev, prod = (values(stack).get(key, defaults[key]["default"]) for stack in ("dev", "prod"))
    assert dev != prod
