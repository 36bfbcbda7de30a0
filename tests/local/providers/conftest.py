"""One emulator for the tests of the AWS provider; each makes its own resources in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local import emulator
from tests.local.providers.aws_engine import Engine, engine


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulator.running(tmp_path_factory.mktemp("emulator")) as address:
        yield address


@pytest.fixture(scope="session")
def aws(endpoint: str) -> Iterator[Engine]:
    with engine(endpoint) as attached:
        yield attached


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with engine(None) as attached:
        yield attached
