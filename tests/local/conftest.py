"""One local stack for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.checkout import Checkout, copy_checkout, free_port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "emulated" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.emulator)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    path = tmp_path_factory.mktemp("checkout")
    copy_checkout(path)
    made = Checkout(path, free_port())
    try:
        yield made
    finally:
        made.local("down", "--layers")
