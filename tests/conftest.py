"""All tests: what takes long comes first, so that parallel workers are done together; none fails for being slow."""

from __future__ import annotations

import gc
import os

import hypothesis
import pytest

from components.post_mortem import SHOW_LOG

hypothesis.settings.register_profile("without deadline", deadline=None)
hypothesis.settings.load_profile("without deadline")

# The SDKs are hundreds of thousands of objects; searching them again and again is a third of a mocked run's time.
gc.set_threshold(50_000, 20, 50)

os.environ[SHOW_LOG] = "true"  # the same in CI as everywhere

TAKES_LONG = ("engine", "docker", "emulator", "fuzz")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in TAKES_LONG)}
    items.sort(key=lambda item: item.path not in long)
