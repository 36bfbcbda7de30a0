"""One emulator for the tests of the AWS provider; each makes its own resources in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.emulator import Emulator
from tests.local import emulator
from tests.local.providers.aws_engine import Engine, engine


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator.running(tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture(scope="session")
def aws(emulated: Emulator) -> Iterator[Engine]:
    with engine(emulated) as attached:
        yield attached


@pytest.fixture
def offline() -> Iterator[Engine]:
    with engine(None) as attached:
        yield attached
