"""Checking, naming and differences by description alone: no emulator, no engine."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.providers.aws import schema
from local.providers.aws.ecs_task_definition import canonical_containers
from local.providers.aws.schema import (
    Property,
    block,
    blocks,
    boolean,
    check_fields,
    differences,
    integer,
    mapping,
    output,
    string,
    strings,
)
from local.providers.values import UNKNOWN, Secret, from_struct, to_struct

THING = {
    "arn": output(),
    "colour": string(default="red", allowed=("red", "blue")),
    "count": integer(minimum=1, maximum=3),
    "kind": string(replaces=True),
    "labels": mapping(),
    "on": boolean(),
    "parts": blocks({"name": string(required=True, replaces=True), "weight": integer(default=1)}, ordered=True),
    "shape": block({"edge": integer(computed=True), "round": boolean()}),
    "size": string(computed=True),
    "zones": strings(),
}


def problems(**inputs: Any) -> list[str]:
    found: list[str] = []
    check_fields(THING, inputs, "", found)
    return found


def checked(**inputs: Any) -> dict[str, Any]:
    found: list[str] = []
    result = check_fields(THING, inputs, "", found)
    assert found == []
    return result


def changed(olds: dict[str, Any], **inputs: Any) -> dict[str, str]:
    changes = differences(THING, olds, checked(**inputs))
    return {path: change.action + ("-replace" if change.replaces else "") for path, change in changes.items()}


class TestChecking:
    def test_all_problems_are_told_at_once_each_with_what_to_change(self) -> None:
        assert problems(colour="green", count=9, arn="x", shape="round", parts=[{"weight": "many"}], extra=True) == [
            'arn: got "x", expected nothing (only AWS sets it); remove it',
            'colour: got "green", expected one of red, blue; choose one of them',
            "count: got 9, expected at least 1 and at most 3; change it",
            "extra: got true, expected one of colour, count, kind, labels, on, parts, shape, size, zones; remove it, "
            "or teach it to the local provider (local/providers)",
            'parts[0].weight: got "many", expected a whole number; change it',
            "parts[0].name: got nothing, expected a string; add it",
            'shape: got "round", expected an object; give its fields: edge, round',
        ]

    def test_a_default_that_is_not_supported_here_is_refused_as_if_it_had_been_given(self) -> None:
        found: list[str] = []
        check_fields({"policyType": string(default="Step", allowed=("Target",))}, {}, "", found)
        assert found == ['policyType: got "Step", expected one of Target; choose one of them']

    def test_defaults_are_filled_in_and_listed_at_every_level(self) -> None:
        assert checked(parts=[{"name": "a"}]) == {
            "colour": "red",
            "parts": [{"name": "a", "weight": 1, "__defaults": ["weight"]}],
            "__defaults": ["colour"],
        }

    @pytest.mark.parametrize(
        ("key", "given", "taken"),
        [
            ("count", "2", 2),
            ("count", 2.0, 2),
            ("kind", 5, "5"),
            ("kind", True, "true"),
            ("on", "true", True),
            ("on", "0", False),
        ],
    )
    def test_scalars_are_taken_in_the_type_of_their_property(self, key: str, given: Any, taken: Any) -> None:
        assert checked(**{key: given})[key] == taken

    def test_unknown_values_pass_every_check(self) -> None:
        assert problems(colour=UNKNOWN, count=UNKNOWN, shape=UNKNOWN, parts=[UNKNOWN], zones=UNKNOWN) == []

    def test_secrets_are_checked_and_never_shown(self) -> None:
        assert problems(count=Secret("hunter2")) == [
            "count: got a secret that does not fit, expected a whole number; change it"
        ]

    @given(
        st.dictionaries(
            st.sampled_from([*THING, "other"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                max_leaves=6,
            ),
        )
    )
    def test_any_input_gives_problems_or_inputs_that_check_again_unchanged(self, inputs: dict[str, Any]) -> None:
        found: list[str] = []
        once = check_fields(THING, inputs, "", found)
        if not found:
            again = check_fields(THING, once, "", found)
            assert found == []
            assert schema.without_defaults(again) == schema.without_defaults(once)


class TestNames:
    def test_a_generated_name_is_the_logical_one_and_seven_hex_digits(self) -> None:
        name = schema.generated_name("web", 32, b"seed")
        assert name is not None
        assert re.fullmatch(r"web-[0-9a-f]{7}", name)

    def test_the_same_seed_gives_the_same_name(self) -> None:
        assert schema.generated_name("web", 32, b"a") == schema.generated_name("web", 32, b"a")
        assert schema.generated_name("web", 32, b"a") != schema.generated_name("web", 32, b"b")

    @given(st.text(min_size=1, max_size=60), st.binary(max_size=32), st.integers(16, 64))
    def test_a_generated_name_is_never_longer_than_allowed(self, logical: str, seed: bytes, limit: int) -> None:
        name = schema.generated_name(logical, limit, seed)
        assert (name is None) == (len(logical) + 8 > limit)
        assert name is None or len(name) <= limit


class TestDifferences:
    STATE: dict[str, Any] = {  # noqa: RUF012
        "arn": "arn:thing",
        "colour": "red",
        "kind": "a",
        "labels": {"team": "web"},
        "parts": [{"name": "x", "weight": 1}],
        "shape": {"edge": 4, "round": False},
        "size": "large",
        "zones": ["a", "b"],
    }

    def inputs(self, **more: Any) -> dict[str, Any]:
        return {
            "kind": "a",
            "labels": {"team": "web"},
            "parts": [{"name": "x"}],
            "shape": {},
            "zones": ["b", "a"],
            **more,
        }

    def test_nothing_changed(self) -> None:
        assert changed(self.STATE, **self.inputs()) == {}

    def test_a_computed_value_that_is_not_given_is_left_alone(self) -> None:
        assert changed({**self.STATE, "size": "small"}, **self.inputs()) == {}

    def test_a_default_comes_back_when_the_value_is_removed(self) -> None:
        assert changed({**self.STATE, "colour": "blue"}, **self.inputs()) == {"colour": "update"}

    def test_a_property_taken_out_of_the_program_is_deleted(self) -> None:
        inputs = self.inputs()
        del inputs["labels"]
        assert changed(self.STATE, **inputs) == {"labels": "delete"}

    def test_paths_lead_to_what_changed(self) -> None:
        assert changed(
            self.STATE,
            **self.inputs(
                kind="b",
                labels={"team": "api", "a.b": "1"},
                parts=[{"name": "x", "weight": 2}, {"name": "y"}],
                shape={"round": True},
                zones=["a"],
            ),
        ) == {
            "kind": "update-replace",
            "labels.team": "update",
            'labels["a.b"]': "add",
            "parts[0].weight": "update",
            "parts[1]": "add-replace",
            "shape.round": "update",
            "zones": "update",
        }

    def test_an_unknown_value_is_a_change_and_replaces_where_a_change_would(self) -> None:
        assert changed(self.STATE, **self.inputs(kind=UNKNOWN, size=UNKNOWN, parts=UNKNOWN, zones=["a", UNKNOWN])) == {
            "kind": "update-replace",
            "size": "update",
            "parts": "update-replace",
            "zones": "update",
        }

    def test_secrets_are_compared_by_value(self) -> None:
        assert changed(self.STATE, **self.inputs(kind=Secret("a"), labels=Secret({"team": "web"}))) == {}

    def test_ignored_paths_hold_for_everything_below_them(self) -> None:
        changes = differences(THING, self.STATE, checked(**self.inputs(labels={"team": "api"}, kind="b")))
        assert set(schema.without_ignored(changes, ["labels"])) == {"kind"}
        assert set(schema.without_ignored(changes, ["labels.team", "kind"])) == set()
        assert schema.without_ignored(changes, ["*"]) == {}

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "colour": st.sampled_from(["red", "blue"]),
                "count": st.integers(1, 3),
                "kind": st.text(),
                "labels": st.dictionaries(st.text(min_size=1), st.text()),
                "on": st.booleans(),
                "parts": st.lists(
                    st.fixed_dictionaries({"name": st.text(min_size=1)}, optional={"weight": st.integers(0, 9)})
                ),
                "shape": st.fixed_dictionaries({}, optional={"edge": st.integers(), "round": st.booleans()}),
                "zones": st.lists(st.text(min_size=1)),
            },
        ),
        st.randoms(),
    )
    def test_a_state_equal_to_the_inputs_shows_no_difference_in_any_order_of_sets(
        self, inputs: Any, random: Any
    ) -> None:
        state = schema.without_defaults(checked(**inputs))
        if "zones" in state:
            random.shuffle(state["zones"])
        assert differences(THING, state, checked(**inputs)) == {}


POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "*"}],
}


@pytest.mark.parametrize(
    "spelling",
    [
        {**POLICY, "Statement": POLICY["Statement"][0]},
        {**POLICY, "Statement": [{"Resource": ["*"], "Action": ["a:C", "a:B"], "Effect": "Allow"}]},
    ],
)
def test_policies_are_compared_by_meaning(spelling: Any) -> None:
    assert schema.same_policy(json.dumps(POLICY), json.dumps(spelling, indent=2))


@pytest.mark.parametrize("change", [{"Action": ["a:B"]}, {"Effect": "Deny"}, {"Resource": "arn:x"}])
def test_a_changed_statement_is_another_policy(change: Any) -> None:
    other = {**POLICY, "Statement": [{**POLICY["Statement"][0], **change}]}
    assert not schema.same_policy(json.dumps(POLICY), json.dumps(other))


class TestContainerDefinitions:
    def same(self, old: Any, new: Any, *, awsvpc: bool = False) -> bool:
        texts = (json.dumps(old), json.dumps(new))
        a, b = (canonical_containers(text, awsvpc=awsvpc) for text in texts)
        return bool(a == b)

    @pytest.mark.parametrize(
        "spelling",
        [
            {"name": "web", "image": "i", "essential": True},
            {"name": "web", "image": "i", "cpu": 0, "environment": [], "mountPoints": [], "volumesFrom": None},
            {"image": "i", "Name": "web"},
        ],
    )
    def test_defaults_and_empty_members_say_nothing(self, spelling: Any) -> None:
        assert self.same([{"name": "web", "image": "i"}], [spelling])

    @pytest.mark.parametrize(
        "change", [{"image": "j"}, {"essential": False}, {"cpu": 1}, {"command": ["x"]}, {"user": "1000"}]
    )
    def test_every_other_member_counts(self, change: Any) -> None:
        assert not self.same([{"name": "web", "image": "i"}], [{"name": "web", "image": "i", **change}])

    def test_the_order_of_a_command_counts_that_of_containers_and_variables_does_not(self) -> None:
        a, b = {"name": "A", "value": "1"}, {"name": "B", "value": "2"}
        web, side = {"name": "web", "image": "i"}, {"name": "side", "image": "i"}
        assert self.same([{**web, "environment": [a, b]}, side], [side, {**web, "environment": [b, a]}])
        assert not self.same([{**web, "command": ["a", "b"]}], [{**web, "command": ["b", "a"]}])

    def test_a_host_port_says_nothing_only_with_awsvpc(self) -> None:
        plain, mapped = (
            {"name": "w", "image": "i", "portMappings": [{"containerPort": 80, **more}]}
            for more in ({}, {"hostPort": 80})
        )
        assert self.same([plain], [mapped], awsvpc=True)
        assert not self.same([plain], [mapped])

    @given(st.text())
    def test_no_text_makes_it_crash(self, text: str) -> None:
        canonical_containers(text)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["name", "portMappings", "healthCheck", "environment", "cpu"]), inner, max_size=3
                )
            ),
            max_leaves=8,
        )
    )
    def test_no_json_makes_it_crash(self, value: Any) -> None:
        canonical_containers(json.dumps(value))


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**50), 2**50)
            | st.text()
            | st.just(UNKNOWN)
            | st.text().map(Secret),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=6,
        ),
    )
)
def test_values_survive_the_wire(values: dict[str, Any]) -> None:
    assert from_struct(to_struct(values)) == values


def test_every_declared_property_is_well_formed() -> None:
    from local.providers.aws.registry import resources

    def walk(prop: Property, path: str) -> None:
        assert (prop.kind in ("list", "set", "map")) == (prop.element is not None), path
        assert prop.kind == "object" or not prop.fields, path
        assert not (prop.required and (prop.default is not None or prop.output or prop.computed)), path
        for name, inner in prop.fields.items():
            walk(inner, f"{path}.{name}")
        if prop.element:
            walk(prop.element, f"{path}[]")

    for type_name, resource in resources().items():
        for name, prop in resource.all_properties.items():
            walk(prop, f"{type_name} {name}")
