"""The order of the tests: files that take long come first, so that parallel workers are done together."""

from __future__ import annotations

import pytest

TAKES_LONG = ("engine", "docker", "emulator")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in TAKES_LONG)}
    items.sort(key=lambda item: item.path not in long)
