"""The local random provider, asked as the engine asks it."""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

from typing import Any

import pulumi_random
import pytest
from pulumi._types import input_type_py_to_pulumi_names
from pulumi.runtime.proto import provider_pb2

from local.providers.random import INPUTS, RandomProvider
from local.providers.values import Secret, from_struct, to_struct
from tests.local.providers.test_docker import Context

URN = "urn:pulumi:dev::shop::random:index/randomPassword:RandomPassword::test"


def check(inputs: dict[str, Any], urn: str = URN) -> tuple[dict[str, Any], list[str]]:
    response = RandomProvider().Check(provider_pb2.CheckRequest(urn=urn, news=to_struct(inputs)), Context())
    return from_struct(response.inputs), [failure.reason for failure in response.failures]


def create(inputs: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
    checked, problems = check(inputs)
    assert problems == []
    request = provider_pb2.CreateRequest(urn=URN, properties=to_struct(checked), preview=preview)
    return from_struct(RandomProvider().Create(request, Context()).properties)


def test_each_password_is_another_and_of_the_characters_that_were_asked_for() -> None:
    made = [create({"length": 40, "upper": False, "special": False})["result"].value for _ in range(5)]
    assert len(set(made)) == 5
    assert all(len(each) == 40 and each.isalnum() and each == each.lower() for each in made)


def test_it_is_a_secret_that_a_preview_does_not_know() -> None:
    assert isinstance(create({"length": 8})["result"], Secret)
    assert "result" in create({"length": 8}, preview=True)
    assert not isinstance(getattr(create({"length": 8}, preview=True)["result"], "value", None), str)


def test_it_stays_until_something_else_is_asked_for() -> None:
    def diff(new: dict[str, Any]) -> list[str]:
        request = provider_pb2.DiffRequest(
            urn=URN, old_inputs=to_struct(check({"length": 8})[0]), news=to_struct(check(new)[0])
        )
        return list(RandomProvider().Diff(request, Context()).replaces)

    assert diff({"length": 8, "upper": True}) == []
    assert diff({"length": 9, "special": False}) == ["length", "special"]


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({}, "length: got None, expected a whole number above 0; choose how many characters"),
        ({"length": 8, "upper": "no"}, "upper: got 'no', expected true or false; choose one of the two"),
        (
            {"length": 8, "minLower": 2},
            "minLower: got a property that only the official plugin knows, expected one of length, special, "
            "upper; remove it, or deploy to AWS",
        ),
    ],
)
def test_what_it_cannot_do_is_refused(inputs: dict[str, Any], problem: str) -> None:
    assert check(inputs)[1] == [problem]


def test_every_argument_is_one_of_the_sdk() -> None:
    assert set(INPUTS) <= set(input_type_py_to_pulumi_names(pulumi_random.RandomPasswordArgs).values())
