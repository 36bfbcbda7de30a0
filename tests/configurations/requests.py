"""What AWS is asked for a resource, held against botocore's models: types, required members, enums, lengths, patterns.

The calls are those of the local providers, which the official provider is compared with (tests/local/parity): nothing
of them comes from the components' checks.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Any

from botocore import xform_name
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.session import get_session
from botocore.validate import ParamValidator

from local.providers.aws import schema
from local.providers.aws.registry import resources
from local.providers.aws.resource import Call
from local.providers.server import ProviderError
from tests.mocks import Resource

_SESSION = get_session()
_NOT_YET_IN_THE_MODELS = ("eusc-de-east-1",)
"""Regions that botocore's endpoints have and its model of S3 does not."""
_NOT_MADE_HERE = ("aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget")
"""The local providers preview them only; nothing of them is a user's text."""
_ARN = "arn:aws:service:ap-northeast-1:123456789012:kind/name/0123456789abcdef/1"


def problems(resource: Resource, region: str) -> list[str]:
    """What AWS's models have against the calls that would make the resource."""
    description = resources().get(resource.type)
    if description is None or resource.type in _NOT_MADE_HERE:
        return []
    recorder = _Recorder()
    inputs = _known(dict(resource.inputs))
    name = description.name_property
    if description.autonamed and name and not inputs.get(name):
        inputs[name] = f"{resource.name}-1a2b3c4"
        if len(inputs[name]) > description.name_limit:
            recorder.found.append(f"name: {inputs[name]} is longer than {description.name_limit}")
    inputs = schema.check_fields(description.all_properties, inputs, "", recorder.found)
    inputs = _known(inputs)
    inputs["tagsAll"] = inputs["tags"] if isinstance(inputs.get("tags"), dict) else {}
    recorder.found += description.check(inputs)
    call = _AnsweredCall(resource.urn, recorder, region, 1.0, Event(), lambda _: None)  # type: ignore[arg-type]
    try:
        made = description.create(call, inputs)
        description.settle(call, made, inputs)
    except (ProviderError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        # The answers are made up, so what follows the first call may not like them.
        if not recorder.asked:
            recorder.found.append(f"no call: {type(error).__name__}: {error}")
    return [f"{resource.type.rpartition(':')[2]} {resource.name}: {each}" for each in recorder.found]


class _AnsweredCall(Call):
    def wait(self, *_: Any, **__: Any) -> None:
        """Nothing is waited for."""


class _Recorder:
    """Stands for `Clients`: validates every request and answers it."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.asked: list[str] = []

    def client(self, service: str, _region: str) -> Any:
        return _Client(self, _model(service))

    def account(self) -> str:
        return "123456789012"


class _Exceptions:
    def __getattr__(self, name: str) -> type[Exception]:
        return LookupError


class _Client:
    exceptions = _Exceptions()

    def __init__(self, recorder: _Recorder, model: ServiceModel) -> None:
        self._recorder, self._model = recorder, model

    def __getattr__(self, method: str) -> Any:
        operation = _operations(self._model.service_name)[method]

        def ask(**given: Any) -> Any:
            self._recorder.asked.append(method)
            if operation.input_shape is not None:
                report = ParamValidator().validate(given, operation.input_shape)
                if report.has_errors():
                    self._recorder.found.append(f"{method}: {report.generate_report()[:300]}")
                found = _wrong(given, operation.input_shape, "")
                self._recorder.found += [f"{method}: {each}" for each in found]
            return _answer(operation.output_shape, 0)

        return ask


@functools.cache
def _model(service: str) -> ServiceModel:
    return _SESSION.get_service_model(service)


@functools.cache
def _operations(service: str) -> Mapping[str, OperationModel]:
    model = _model({"elasticloadbalancing": "elbv2"}.get(service, service))
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def _wrong(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """What the model says and ParamValidator does not look at."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for name, inner in value.items():
            if name in shape.members:  # type: ignore[attr-defined]
                yield from _wrong(inner, shape.members[name], f"{path}.{name}")  # type: ignore[attr-defined]
    elif shape.type_name == "list" and isinstance(value, Sequence):
        yield from _long(value, shape, path)
        for inner in value:
            yield from _wrong(inner, shape.member, f"{path}[]")  # type: ignore[attr-defined]
    elif shape.type_name == "map" and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _wrong(key, shape.key, f"{path}.key")  # type: ignore[attr-defined]
            yield from _wrong(inner, shape.value, f"{path}[{key!r:.40}]")  # type: ignore[attr-defined]
    elif isinstance(value, str):
        yield from _wrong_text(value, shape, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        most, least = shape.metadata.get("max"), shape.metadata.get("min")
        if (most is not None and value > most) or (least is not None and value < least):
            yield f"{path}: {value} is not from {least} to {most}"


def _wrong_text(text: str, shape: Shape, path: str) -> Iterator[str]:
    yield from _long(text, shape, path)
    allowed = shape.metadata.get("enum")
    if allowed and text not in (*allowed, *_NOT_YET_IN_THE_MODELS):
        yield f"{path}: {text!r:.80} is none of {len(allowed)} values"
    pattern = _pattern(shape.metadata.get("pattern"))
    if pattern is not None and not pattern.fullmatch(text):
        yield f"{path}: {text!r:.80} does not match {pattern.pattern:.80}"
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
        yield f"{path}: {text!r:.80} holds what no wire carries"


def _long(value: Any, shape: Shape, path: str) -> Iterator[str]:
    most, least = shape.metadata.get("max"), shape.metadata.get("min")
    if (most is not None and len(value) > most) or (least is not None and len(value) < least):
        yield f"{path}: {len(value)} long, not from {least} to {most}: {value!r:.60}"


@functools.cache
def _pattern(text: str | None) -> re.Pattern[str] | None:
    """The models' patterns are Java's; what Python cannot read is left out."""
    try:
        return re.compile(text, re.ASCII) if text and "\\p{" not in text and "uD800" not in text else None
    except re.error:
        return None


def _answer(shape: Shape | None, depth: int) -> Any:
    if shape is None or depth > 5:
        return {}
    if shape.type_name == "structure":
        return {name: _answer(each, depth + 1) for name, each in shape.members.items()}  # type: ignore[attr-defined]
    if shape.type_name == "list":
        return [_answer(shape.member, depth + 1)]  # type: ignore[attr-defined]
    if shape.type_name == "map":
        return {}
    if shape.type_name == "string":
        return (shape.metadata.get("enum") or [_ARN])[0]
    return {"boolean": True, "integer": 1, "long": 1, "double": 1.0, "float": 1.0}.get(shape.type_name)


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(each) for key, each in value.items() if each is not None and key != schema.DEFAULTS_KEY}
    if isinstance(value, list):
        return [_known(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
