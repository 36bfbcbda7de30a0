"""What a caller reads who gives a value that is not allowed."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.checks import ArgumentError, Arguments, Check, Contradiction, cidr, each, one_of, refuse, text, whole

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@dataclass(frozen=True, kw_only=True)
class OvenArgs(Arguments):
    trays: Annotated[int, whole(1, 4, fix="buy a larger oven")] = 1
    heat: Annotated[str, one_of("top", "bottom", fix="turn the knob")] = "top"
    timer: Annotated[int, whole(1, 60, fix="bake longer")] = 1
    name: str = "anything goes"

    def contradictions(self) -> list[Contradiction]:
        def problem() -> str | None:
            wrong = self.trays == 4 and self.heat == "top"
            return "heat: got 'top', expected bottom with 4 trays; turn the knob" if wrong else None

        return [Contradiction(("trays", "heat"), problem)]


def test_one_message_lists_every_problem() -> None:
    with pytest.raises(ArgumentError) as refused:
        OvenArgs(trays=5, heat="left")
    assert str(refused.value) == (
        "OvenArgs cannot be used:\n"
        "  - trays: got 5, expected a whole number from 1 to 4; buy a larger oven\n"
        "  - heat: got 'left', expected one of top, bottom; turn the knob"
    )


def test_contradictions_are_told_between_values_that_are_right() -> None:
    with pytest.raises(ArgumentError) as refused:
        OvenArgs(trays=4, timer=0)
    assert str(refused.value) == (
        "OvenArgs cannot be used:\n"
        "  - timer: got 0, expected a whole number from 1 to 60; bake longer\n"
        "  - heat: got 'top', expected bottom with 4 trays; turn the knob"
    )


def test_right_values_are_taken() -> None:
    assert OvenArgs(trays=2, heat="bottom").trays == 2


def test_pulumi_prints_the_text_without_a_stack_trace() -> None:
    assert issubclass(ArgumentError, pulumi.RunError)


def test_no_problem_is_no_error() -> None:
    refuse("this", {"x": None}, [Contradiction(("x",), lambda: None)])


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        (whole(1, 4, fix="f"), None, "x: got nothing, expected a whole number from 1 to 4; f"),
        (whole(1, 4, fix="f"), "2", "x: got '2', expected a whole number from 1 to 4; f"),
        (
            whole(1, 4, fix="f"),
            [{"PASSWORD": "hunter2"}, "a"],
            "x: got [an object with PASSWORD, 'a'], expected a whole number from 1 to 4; f",
        ),
        (whole(1, 4, fix="f"), True, "x: got True, expected a whole number from 1 to 4; f"),
        (one_of(1, 3, fix="f"), 2, "x: got 2, expected one of 1, 3; f"),
        (one_of(1, 3, fix="f"), True, "x: got True, expected one of 1, 3; f"),
        (text("[a-z]+", "small letters", fix="f"), "a\n", r"x: got 'a\n', expected small letters; f"),
        (text("[a-z]+", "small letters", fix="f"), "A" * 99, "x: got '" + "A" * 56 + "..., expected small letters; f"),
        (
            cidr(16, 28, fix="f"),
            "10.0.0.1/16",
            "x: got '10.0.0.1/16', expected an IPv4 network with a prefix from /16 to /28 and no host bits; f",
        ),
        (
            each(one_of("a", "b", fix="f")),
            ("a", "a"),
            "x: got ['a', 'a'], expected a list, not empty and without repetition, of: one of a, b; f",
        ),
    ],
)
def test_messages(check: Check, value: object, expected: str) -> None:
    assert check.problem("x", value) == expected


@pytest.mark.parametrize("value", ["10.0.0.0", "10.0.0.0/15", "10.0.0.0/29", "10.0.0.0/16/16", "::/16", "", 7])
def test_what_is_no_network(value: object) -> None:
    assert cidr(16, 28, fix="f").problem("x", value)


@pytest.mark.parametrize("value", [(), [], "aa", {"a"}, ["a", "c"], [["a"]], None])
def test_what_is_no_list_of_allowed_values(value: object) -> None:
    assert each(one_of("a", "b", fix="f")).problem("x", value)


@given(st.integers(0, 32), st.integers(0, 2**32 - 1))
def test_exactly_the_networks_with_an_allowed_prefix_are_taken(prefix: int, address: int) -> None:
    network = str(IPv4Network((address, prefix), strict=False))
    assert (cidr(16, 28, fix="f").problem("x", network) is None) == (16 <= prefix <= 28)


@pytest.mark.parametrize(
    "check",
    [
        whole(1, 4, fix="f"),
        one_of("a", 1, fix="f"),
        text("a+", "a", fix="f"),
        cidr(0, 32, fix="f"),
        each(whole(1, 4, fix="f")),
    ],
    ids=["whole", "one_of", "text", "cidr", "each"],
)
@given(value=ANYTHING)
def test_any_value_gets_an_answer(check: Check, value: object) -> None:
    problem = check.problem("x", value)
    assert problem is None or problem.startswith("x: got ")


@given(st.integers())
def test_whole_takes_its_bounds_and_what_is_between(value: int) -> None:
    accepts: Callable[[object], bool] = whole(-5, 5, fix="f").accepts
    assert accepts(value) == (-5 <= value <= 5)
