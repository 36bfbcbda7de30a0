"""An emulator, what Terraform says of every scenario, and the local provider beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from local.emulator import Emulator
from tests.local import emulator
from tests.local.parity import terraform, world
from tests.local.parity.local_side import LocalSide

_missing = pytest.StashKey[str]()


@dataclass(frozen=True)
class Oracle:
    attributes: Mapping[str, Mapping[str, Any]]
    """What Terraform recorded, by address."""
    planned: Mapping[tuple[str, str], terraform.Planned]
    refused: Mapping[tuple[str, str], str]
    schemas: terraform.Schema


@pytest.fixture(scope="session")
def terraform_is_here(request: pytest.FixtureRequest) -> None:
    try:
        terraform.find()
    except terraform.NotFoundError as missing:
        request.config.stash[_missing] = str(missing)
        pytest.skip(f"parity with Terraform's AWS provider was not tested: {missing}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _missing in config.stash:
        terminalreporter.write_line(f"parity with Terraform's AWS provider was not tested: {config.stash[_missing]}")


@pytest.fixture(scope="session")
def emulated(terraform_is_here: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of its own, without anything in it."""
    with emulator.running(tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture(scope="session")
def oracle(emulated: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    workspace = terraform.Workspace(tmp_path_factory.mktemp("terraform"), emulated, world.make(emulated))
    attributes = workspace.apply_all()
    return Oracle(attributes, workspace.plan_changes(), workspace.refused(attributes), workspace.schemas)


@pytest.fixture(scope="session")
def local_side(emulated: Emulator, oracle: Oracle) -> Iterator[LocalSide]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LOCAL_REGISTRY", raising=False)
        yield LocalSide(emulated, oracle.attributes)
