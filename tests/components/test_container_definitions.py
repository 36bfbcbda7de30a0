"""One text for one meaning: what ECS would answer, whatever way the definitions were written."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.container_definitions import container_definitions

NAMES = st.text("abcdefghijklmnop-_0123456789", min_size=1, max_size=12)
PORTS = st.integers(1, 65535)


def pairs(key: str) -> st.SearchStrategy[list[dict[str, str]]]:
    return st.lists(st.fixed_dictionaries({key: NAMES, "value": st.text()}), unique_by=lambda pair: pair[key])


PORT_MAPPINGS = st.lists(
    st.fixed_dictionaries(
        {"containerPort": PORTS}, optional={"protocol": st.sampled_from(["tcp", "udp"]), "name": NAMES}
    ),
    unique_by=lambda mapping: mapping["containerPort"],
)
DEFINITIONS = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES, "image": NAMES},
        optional={
            "cpu": st.integers(0, 4096),
            "essential": st.booleans(),
            "environment": pairs("name"),
            "systemControls": pairs("namespace"),
            "portMappings": PORT_MAPPINGS,
            "command": st.lists(st.text()),
            "dependsOn": st.lists(st.fixed_dictionaries({"containerName": NAMES, "condition": st.just("START")})),
            "stopTimeout": st.none() | st.integers(2, 120),
            "linuxParameters": st.fixed_dictionaries({"initProcessEnabled": st.none() | st.booleans()}),
        },
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda definition: definition["name"],
)


def read(text: str) -> list[dict[str, Any]]:
    containers: list[dict[str, Any]] = json.loads(text)
    return containers


def test_what_ecs_would_fill_in_is_spelled_out() -> None:
    assert read(container_definitions([{"name": "web", "image": "i", "portMappings": [{"containerPort": 80}]}])) == [
        {
            "name": "web",
            "image": "i",
            "cpu": 0,
            "essential": True,
            "environment": [],
            "mountPoints": [],
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
            "systemControls": [],
            "volumesFrom": [],
        }
    ]


def test_what_is_given_stands() -> None:
    given_ = {"name": "web", "image": "i", "cpu": 10, "essential": False, "portMappings": [{"containerPort": 53}]}
    given_["portMappings"] = [{"containerPort": 53, "protocol": "udp", "hostPort": 53}]
    (container,) = read(container_definitions([given_]))
    assert given_.items() <= container.items()


def test_the_order_of_a_command_is_kept() -> None:
    (container,) = read(container_definitions([{"name": "web", "command": ["z", "a"]}]))
    assert container["command"] == ["z", "a"]


@given(DEFINITIONS, st.data())
def test_order_that_means_nothing_makes_no_difference(definitions: list[dict[str, Any]], data: st.DataObject) -> None:
    def shuffled(definition: dict[str, Any]) -> dict[str, Any]:
        lists = {key: definition[key] for key in ("environment", "systemControls", "portMappings") if key in definition}
        reordered = {key: data.draw(st.permutations(items)) for key, items in lists.items()}
        return dict(data.draw(st.permutations(list((definition | reordered).items()))))

    other = [shuffled(definition) for definition in data.draw(st.permutations(definitions))]
    assert container_definitions(other) == container_definitions(definitions)


@given(DEFINITIONS)
def test_the_canonical_text_is_canonical(definitions: list[dict[str, Any]]) -> None:
    once = container_definitions(definitions)
    assert container_definitions(read(once)) == once


@given(DEFINITIONS)
def test_nothing_but_nulls_is_lost(definitions: list[dict[str, Any]]) -> None:
    by_name = {container["name"]: container for container in read(container_definitions(definitions))}
    assert by_name.keys() == {definition["name"] for definition in definitions}
    for definition in definitions:
        container = by_name[definition["name"]]
        assert container.keys() >= {key for key, value in definition.items() if value is not None}
        for key in ("image", "cpu", "essential", "command", "dependsOn"):
            assert key not in definition or container[key] == definition[key]
        for key in ("environment", "systemControls", "portMappings"):
            kept = [{name: item[name] for name in item} for item in definition.get(key, [])]
            assert all(any(item.items() <= other.items() for other in container[key]) for item in kept)
            assert len(container[key]) == len(kept)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_stands_in_it_as_the_engine_would_look_for_it(value: str) -> None:
    text = container_definitions([{"name": "web", "environment": [{"name": "A", "value": value}]}])
    assert json.loads(text)[0]["environment"] == [{"name": "A", "value": value}]
    assert not set("<>&\u2028\u2029") & set(text)
    assert text.isascii() == value.isascii() or set(value) <= {*map(chr, range(128)), "\u2028", "\u2029"}


@given(DEFINITIONS)
def test_there_are_no_nulls(definitions: list[dict[str, Any]]) -> None:
    assert None not in _values(read(container_definitions(definitions)))


def _values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _values(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _values(item)]
    return [value]
