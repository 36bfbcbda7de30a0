"""Configurations that nobody wrote: what is taken deploys, what is refused says why. `make fuzz` draws more of them."""

from __future__ import annotations

from collections import Counter

from hypothesis import Phase, given, seed
from hypothesis import settings as examples

from tests.configurations.generator import SCHEMA, Configuration, configurations, every_key_is_drawn
from tests.configurations.properties import hold, is_accepted

IN_CHECK = 60


def test_what_is_taken_deploys_and_what_is_refused_says_why() -> None:
    hold(IN_CHECK, start=0)


def test_every_key_is_drawn_and_most_configurations_are_taken() -> None:
    counted: Counter[bool] = Counter()

    @seed(0)
    @examples(max_examples=200, database=None, deadline=None, phases=(Phase.generate,))
    @given(configurations())
    def count(drawn: Configuration) -> None:
        counted[is_accepted(drawn)] += 1
        assert drawn.kind != "plausible" or is_accepted(drawn)

    count()
    assert counted[True] > counted[False] > 10
    assert every_key_is_drawn() == SCHEMA.keys()
