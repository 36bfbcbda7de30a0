"""The second of the two thousand configurations of `make test`: a file is one worker's, and they take minutes."""

from __future__ import annotations

import pytest

from tests.configurations.properties import hold


@pytest.mark.fuzz
@pytest.mark.parametrize("start", range(11, 21))
def test_what_is_taken_deploys_and_what_is_refused_says_why(start: int) -> None:
    hold(100, start)
