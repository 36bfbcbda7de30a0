"""Known, unknown and absent."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_policy.model import resource
from ecs_policy.stack import Resource, Stack
from ecs_policy.values import NotEvaluated, Value
from tests.policy.stacks import UNKNOWN, secret


def value(raw: Any) -> Value:
    return Resource(urn="urn:x::r", type="aws:x:Thing", name="r", inputs={"p": raw})["p"]


@pytest.mark.parametrize(
    "raw", [None, {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": None}]
)
def test_null_is_absent(raw: Any) -> None:
    assert not value(raw).given
    assert (value(raw).text(), value(raw).number(), value(raw).flag(), value(raw).items()) == (None, None, None, [])
    assert value(raw)["field"].text() is None


@pytest.mark.parametrize("raw", [UNKNOWN, secret(UNKNOWN)])
def test_an_unknown_value_is_given_and_gives_no_answer(raw: Any) -> None:
    assert value(raw).given
    for read in (Value.text, Value.number, Value.flag, Value.items, lambda each: each["field"].text()):
        with pytest.raises(NotEvaluated) as raised:
            read(value(raw))
        assert raised.value.at.reason == "is not known yet"


@pytest.mark.parametrize("raw", [f"prefix-{UNKNOWN}", f'{{"a": "{UNKNOWN}"}}'])
def test_a_text_that_contains_an_unknown_is_unknown(raw: str) -> None:
    with pytest.raises(NotEvaluated, match="is not known yet"):
        value(raw).text()


def test_a_document_in_a_text_is_unknown_only_where_it_is() -> None:
    document = value(f'{{"a": "{UNKNOWN}", "b": "known"}}').parsed()
    assert document["b"].text() == "known"
    with pytest.raises(NotEvaluated):
        document["a"].text()


@pytest.mark.parametrize(
    ("raw", "number"), [(2.0, 2), (2.5, 2.5), ("80", 80), ("1e3", 1000), (10**30, 10**30), ("-1", -1)]
)
def test_numbers_arrive_in_many_forms(raw: Any, number: float) -> None:
    assert value(raw).number() == number
    assert isinstance(value(raw).number(), type(number))


@pytest.mark.parametrize("raw", [True, "", "two", "9" * 5000, "²", [], {}, float("nan"), float("inf")])
def test_what_is_no_number_gives_no_answer(raw: Any) -> None:
    with pytest.raises(NotEvaluated, match="expected a number"):
        value(raw).number()


def test_a_place_reads_as_the_user_writes_it() -> None:
    link = value([{"name": "x"}]).items()[0]["name"]
    assert link.location == "p[0].name"
    assert link.problem('"y"', "change it").message == 'Thing \'r\' p[0].name: got "x", expected "y"; change it'


def test_a_secret_compares_but_does_not_print() -> None:
    text = value(secret("hunter2")).text()
    assert text == "hunter2"
    assert f"{text} {text!r} {text!s} {value(secret('hunter2')).shown()}" == "[secret] [secret] [secret] [secret]"
    assert value(secret(["hunter2"])).shown() == "[secret]"


def test_the_value_of_an_environment_variable_is_a_secret() -> None:
    container = value({"environment": [{"name": "A", "value": "hunter2"}]})
    assert container["environment"].items()[0]["value"].shown() == "[secret]"
    assert container["environment"].items()[0]["name"].shown() == '"A"'


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a": 1e', "9" * 5000])
def test_broken_documents_give_no_answer(text: str) -> None:
    with pytest.raises(NotEvaluated, match=r"is not valid JSON|is a number, expected a list"):
        value(text).parsed().items()


def test_a_list_is_shown_short() -> None:
    assert value([1.0, "a", None, UNKNOWN]).shown() == '[1, "a", nothing, a value not known yet]'
    assert len(value(["x" * 500] * 500).shown()) < 1300


def test_a_document_is_a_text_or_an_object() -> None:
    assert value('{"a": 1}').document() == value({"a": 1, "__defaults": []}).document() == '{"a": 1}'
    assert value(None).document() is None
    for unknown_within in (UNKNOWN, {"a": [UNKNOWN]}, {"a": {"4dabf18193072939515e22adb298388d": "x", "value": 1}}):
        with pytest.raises(NotEvaluated):
            value(unknown_within).document()


def test_the_engines_own_keys_are_not_shown() -> None:
    for nested in ({"a": 1, "__defaults": ["b"]}, [{"a": 1, "__defaults": ["b"]}]):
        assert "__defaults" not in value(nested).shown()


def of_groups(given: Any, *groups: str, place: str = "securityGroups") -> str:
    """What is shown of a list that a service is given, whose property depends on these groups and on a subnet."""
    network = {place: given, "subnets": [UNKNOWN]}
    depended = {"subnet": "aws:ec2/subnet:Subnet", **dict.fromkeys(groups, "aws:ec2/securityGroup:SecurityGroup")}
    others = [resource(urn=name, type=kind, name=name, inputs={}, provider={}) for name, kind in depended.items()]
    web = resource(
        urn="web",
        type="aws:ecs/service:Service",
        name="web",
        inputs={"networkConfiguration": network},
        property_dependencies={"networkConfiguration": list(depended)},
        provider={},
    )
    Stack([web, *others])
    return web["networkConfiguration"][place].shown()


def test_an_unknown_value_is_shown_by_what_it_comes_from_where_that_is_certain() -> None:
    assert of_groups([UNKNOWN], "a") == "[a value of SecurityGroup 'a' not known yet]"
    assert of_groups(["sg-1", UNKNOWN], "a") == "[\"sg-1\", a value of SecurityGroup 'a' not known yet]"
    assert of_groups([UNKNOWN], "a", "b") == "[a value not known yet]"
    assert of_groups([UNKNOWN, UNKNOWN], "a") == "[a value not known yet, a value not known yet]"
    assert of_groups([UNKNOWN]) == "[a value not known yet]"
    assert of_groups([UNKNOWN], "a", place="somethingElse") == "[a value not known yet]"
