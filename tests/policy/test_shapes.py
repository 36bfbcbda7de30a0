"""The table of shapes is what the botocore of the lock says, in the names of the installed pulumi-aws."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs.generate_policy_coverage import TARGET, render
from docs.generate_shapes import TABLE, render_table
from ecs_policy.rule import rule_named
from ecs_policy.shapes import FORM, LIMIT, REQUIRED, WORD, Shape, canonical, near, shape_of, walk
from shapes import names
from shapes.build import Builder, parameters
from shapes.held import HELD
from shapes.reference import LIMITS
from tests.policy.stacks import UNKNOWN, secret

_parameters = cache(lambda: list(parameters()))

TASK = "aws:ecs/taskDefinition:TaskDefinition"
ECS = botocore.session.get_session().get_service_model("ecs")
SERVICES = {name: botocore.session.get_session().get_service_model(name) for name, _ in names.OPERATIONS.values()}


def test_the_table_is_that_of_the_botocore_in_the_lock() -> None:
    assert TABLE.read_text(encoding="utf-8") == render_table(), "run: make docs"


def test_the_coverage_page_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run: make docs"


def test_a_parameter_that_botocore_gains_must_be_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    del_one = {**names.NOT_OFFERED, "CreateService": {"clientToken": "the provider sends it"}}
    monkeypatch.setattr("shapes.build.NOT_OFFERED", del_one)
    with pytest.raises(ValueError, match=r"CreateService: no property stands for .*; say why in shapes/names.py"):
        Builder("aws:ecs/service:Service")


def test_a_property_that_the_provider_gains_must_be_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shapes.build.OF_THE_PROVIDER", {**names.OF_THE_PROVIDER, "CreateService": ()})
    with pytest.raises(ValueError, match=r"CreateService: .* is no parameter; say in shapes/names.py what it is"):
        Builder("aws:ecs/service:Service")


def test_nothing_is_explained_that_is_not_there() -> None:
    found = _parameters()
    properties = {(each.operation, each.property) for each in found}
    renamed = {(operation, path) for operation, paths in names.RENAMED.items() for path in paths}
    held = {(operation, path) for operation, paths in HELD.items() for path in paths}
    assert (renamed | held) - properties == set()
    assert all(rule_named(each) for paths in HELD.values() for rules, _ in paths.values() for each in rules.split(", "))
    offered = {(each.operation, each.member.lower()) for each in found if not each.property}
    assert {(op, path.lower()) for op, paths in names.NOT_OFFERED.items() for path in paths} == offered
    shapes = {name for service in SERVICES.values() for name in service.shape_names}
    assert {key for key in LIMITS if key.partition(".")[0] not in shapes} == set()


# Against botocore's own validator, on generated input

CONTAINER = ECS.shape_for("ContainerDefinition")


def _definition(made: Shape | None) -> Shape:
    element = made.fields["containerDefinitions"].element if made is not None else None
    assert element is not None
    return element


@cache
def _all_of_it() -> Shape:
    """The shape of a container with what other rules hold, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shapes.build.HELD", {operation: {} for operation in HELD})
        return _definition(Shape(Builder(TASK).table))


DEFINITION = _definition(shape_of(TASK))


def _model(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """What fits a model, and now and then what does not."""
    if shape.type_name == "structure":
        members = {name: _model(each, depth + 1) for name, each in shape.members.items()}
        required = {name: members.pop(name) for name in shape.required_members}
        right: st.SearchStrategy[Any] = st.fixed_dictionaries(required, optional=members)
        right |= st.fixed_dictionaries({}, optional={**required, **members})
    elif shape.type_name == "list":
        right = st.lists(_model(shape.member, depth + 1), max_size=2)
    elif shape.type_name == "map":
        right = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2)
    elif shape.type_name == "boolean":
        right = st.booleans()
    elif shape.type_name in ("integer", "long"):
        right = st.integers(-1, 100)
    else:
        right = st.sampled_from(shape.enum) if getattr(shape, "enum", None) else st.text(min_size=1, max_size=3)
    # Python takes True for a number, and so does botocore; the provider does not.
    flags = [] if shape.type_name in ("integer", "long") else [True]
    wrong: st.SearchStrategy[Any] = st.sampled_from([None, 1, "1", *flags, [], {}, 0.5])
    return right if depth == 0 else st.integers(0, 30).flatmap(lambda chance: wrong if chance == 0 else right)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(_model(CONTAINER))
def test_types_and_required_members_are_judged_as_botocore_judges_them(container: dict[str, Any]) -> None:
    theirs = ParamValidator().validate(_as_sent(container), CONTAINER).generate_report()
    ours = [
        each
        for each in walk(_all_of_it(), container, strict=True)
        if (each.kind == REQUIRED and each.path not in (("name",), ("image",)))  # the reference's, not the model's
        or (each.kind == FORM and each.expected in TYPES)
    ]
    assert bool(ours) is bool(theirs), (ours, theirs)


TYPES = {"a string", "a whole number", "true or false", "a list", "an object"}


def _as_sent(value: Any) -> Any:
    """Without nulls, which the provider leaves out."""
    if isinstance(value, dict):
        return {key: _as_sent(each) for key, each in value.items() if each is not None}
    return [_as_sent(each) for each in value if each is not None] if isinstance(value, list) else value


VALUES: dict[str, list[Any]] = {
    "boolean": [True],
    "integer": [-(2**40), -1, 0, 1, 5, 10**6],
    "list": [[]],
    "long": [-1, 0, 1, 5, 10**6],
    "string": ["", "x", "x" * 40, "x" * 300, "x" * 70_000],
}


@pytest.mark.parametrize(("token", "service", "operation"), [(t, *each) for t, each in names.OPERATIONS.items()])
def test_what_botocore_refuses_of_a_parameter_the_table_refuses(token: str, service: str, operation: str) -> None:
    """In each call, with values about and beyond the limits, but for references and what other rules hold."""
    shape, model = shape_of(token), SERVICES[service].operation_model(operation).input_shape
    asked = [each for each in _parameters() if each.operation == operation and each.property]
    assert shape is not None
    assert asked
    taken = []
    for each in asked:
        of_model, held = _of_model(model, each.member), HELD.get(operation, {}).get(each.property, ("", ""))
        for value in VALUES.get(of_model.type_name, ()):
            refused = ParamValidator().validate(value, of_model).has_errors()
            ours = _of_table(shape, each.property)
            if refused and not held[1] and each.note != "a reference" and not (ours and walk(ours, value, strict=True)):
                taken.append(each.member)
    assert set(taken) <= {"repositoryName"}  # in PutLifecyclePolicy a reference


def _of_model(shape: Any, path: str) -> Any:
    for name in path.split("."):
        while shape.type_name == "list":
            shape = shape.member
        shape = shape.members[name]
    return shape


def _of_table(shape: Shape, path: str) -> Shape | None:
    """None where the table asks nothing."""
    found: Shape | None = shape
    for name in path.split("."):
        while found is not None and found.element is not None:
            found = found.element
        found = None if found is None else found.fields.get(name)
    return found


@pytest.mark.parametrize(("token", "service", "operation"), [(t, *each) for t, each in names.OPERATIONS.items()])
def test_every_range_and_word_of_the_models_is_in_the_table_or_held(token: str, service: str, operation: str) -> None:
    found = {each.member: each for each in _parameters() if each.operation == operation}
    left = []

    def ask(shape: Any, at: str) -> None:
        for name, member in shape.members.items():
            path = f"{at}{name}"
            told = found.get(path)
            if told is not None and told.property and "ags" not in path and not told.note:
                held = HELD.get(operation, {}).get(told.property, ("", ""))[1].split()
                inner = member.member if member.type_name == "list" else member
                wanted = {"enum"} & inner.metadata.keys()
                wanted |= {"max"} & member.metadata.keys()
                has = {each.partition(" ")[0] for each in told.constraints} | set(held)
                if wanted - has and inner.type_name != "structure" and name != "assignPublicIp" and path != "Scheme":
                    left.append(path)
            inner = member.member if member.type_name == "list" else member
            if inner.type_name == "structure":
                ask(inner, f"{path}.")

    ask(SERVICES[service].operation_model(operation).input_shape, "")
    assert left == []


# How it is read


def test_keys_are_read_in_any_case_but_those_of_maps() -> None:
    raw = {"NAME": "a", "Environment": [{"Name": "X", "VALUE": "1"}], "dockerLabels": {"Name": "kept"}, "name": "b"}
    assert canonical(DEFINITION, raw) == {
        "name": "b",
        "environment": [{"name": "X", "value": "1"}],
        "dockerLabels": {"Name": "kept"},
    }


def test_what_is_unknown_or_secret_is_neither_passed_nor_taken_for_a_value() -> None:
    mapping = {"containerPort": UNKNOWN, "protocol": secret("TCP"), "hostPort": secret(UNKNOWN)}
    found = walk(DEFINITION, {"image": "a", "portMappings": [mapping]})
    assert {(each.kind, each.path[-1], bool(each.expected)) for each in found} == {
        (LIMIT, "containerPort", False),
        (WORD, "protocol", True),
        (LIMIT, "hostPort", False),
    }


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("TCP", ("tcp", "udp"), True),
        ("nonblocking", ("non-blocking", "blocking"), True),
        ("nofiles", ("nofile",), True),
        ("nofiel", ("nofile",), True),
        ("sctp", ("tcp", "udp"), False),
        ("WINDOWS_SERVER_2028_CORE", ("WINDOWS_SERVER_2022_CORE",), False),
        ("http3", ("http", "http2"), False),
    ],
)
def test_a_word_is_misspelt_only_where_no_new_word_would_look_like_it(
    word: str, known: tuple[str, ...], expected: bool
) -> None:
    assert near(word, known) is expected


def test_a_number_that_is_none_is_outside_of_every_range() -> None:
    shape = Shape({"k": "n", "min": 0, "max": 1})
    assert [each.kind for each in walk(shape, float("nan"))] == [LIMIT]
