"""What the engine would tell the pack of the main program in a preview, by `tests.mocks`, without engine: in a second.

Close to the engine's, not the same: providers add fewer defaults here. `tests.policy.coverage` asks the engine.
"""

# ruff: noqa: N802 the protocol's names
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest import mock

import pulumi
from google.protobuf.struct_pb2 import Struct
from pulumi.output import Unknown
from pulumi.runtime import mocks as sdk
from pulumi.runtime import proto

from tests import mocks
from tests.configurations import program
from tests.policy.stacks import UNKNOWN

_IMAGE = "docker:index/image:Image"
_TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"


class _Answers(mocks._Aws):
    """A preview's: unknown is what AWS has not given yet."""

    def __init__(self, *, first: bool) -> None:
        super().__init__(preview=False)
        self._first = first

    def new_resource(self, args: sdk.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        args.inputs = _texts(args.inputs)
        known, outputs = super().new_resource(args)
        if not args.custom and not args.typ.startswith("awsx:"):
            return known, outputs
        new = self._first or args.typ == _IMAGE or (args.typ == _TASK_DEFINITION and UNKNOWN in str(args.inputs))
        if not new or args.resource_id:
            return known, {**outputs, "id": outputs.get("arn", known)}
        computed = {key: UNKNOWN for key in outputs if key not in args.inputs and key not in ("name", "region")}
        return None if self._first else known, {**outputs, **computed, "id": UNKNOWN if self._first else known}


def _texts(value: Any) -> Any:
    """With the engine's word in place of what is unknown."""
    if isinstance(value, dict):
        return {key: _texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return UNKNOWN if isinstance(value, Unknown) else value


class _Monitor(mocks._Monitor):
    """Notes what the engine would send to the pack."""

    def __init__(self, answers: sdk.Mocks, record: mocks.Run, region: str) -> None:
        super().__init__(answers, record)
        self._region = region
        self.analyze: list[Any] = []
        self.stack = proto.AnalyzeStackRequest()
        self._of: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        alone = proto.AnalyzeRequest(type=request.type, urn=response.urn, name=request.name, properties=request.object)
        whole = self._of[response.urn] = self.stack.resources.add(
            type=request.type, urn=response.urn, name=request.name, parent=request.parent
        )
        if request.custom:
            whole.properties.CopyFrom(response.object)
        whole.dependencies.extend(request.dependencies)
        for key, found in request.propertyDependencies.items():
            # An output of a component names what it comes from, and always the component itself.
            components = {
                made
                for made, each in list(self._of.items())
                if each.type == "awsx:ec2:Vpc" and any("awsx:ec2:Vpc$" in urn for urn in found.urns)
            }
            whole.propertyDependencies[key].urns.extend([*found.urns, *components])
            whole.dependencies.extend(components)
        for each in (alone, whole):
            each.options.parent = request.parent
            each.options.ignoreChanges.extend(request.ignoreChanges)
            if request.custom:
                each.provider.type = "pulumi:providers:aws"
                each.provider.properties.update({"region": self._region})
        self.analyze.append(alone)
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if request.urn in self._of:
            told: Struct = self._of[request.urn].properties
            told.MergeFrom(request.outputs)
        return super().RegisterResourceOutputs(request)


def messages(stack: str, *, first: bool, config: Mapping[str, str] | None = None) -> list[Any]:
    """One Analyze for each resource and AnalyzeStack: of a first preview, or of one with a changed page."""
    made: list[_Monitor] = []

    def monitor(answers: sdk.Mocks, record: mocks.Run) -> _Monitor:
        made.append(_Monitor(answers, record, texts.get("aws:region", mocks.REGION)))
        return made[-1]

    texts = {**mocks.stack_config(stack), **(config or {})}
    with (
        mocks.answering(lambda _preview: _Answers(first=first)),
        mock.patch.object(mocks, "_Monitor", monitor),
        mock.patch.object(program._Network, "_told", lambda self, key: pulumi.Output.from_input(self.outputs[key])),
    ):
        program.run(stack, texts, preview=True)
    return [*made[0].analyze, made[0].stack]
