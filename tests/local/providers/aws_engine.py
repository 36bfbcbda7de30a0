"""A small engine: it asks the local AWS provider over gRPC in the order of the real one, and keeps the state."""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from local.emulator import Emulator
from local.providers.aws.provider import AwsProvider
from local.providers.server import serve_in_threads
from local.providers.values import Secret, from_struct, to_struct
from tests.local.emulator import REGION

KIND_NAMES = {value: name.lower() for name, value in provider_pb2.PropertyDiff.Kind.items()}


class RefusedError(Exception):
    """What the engine would show the user."""


@dataclass
class Deployed:
    """One resource in the state."""

    type_name: str
    name: str
    inputs: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        value = self.outputs[key]
        return value.value if isinstance(value, Secret) else value


@dataclass
class Done:
    """What an update did."""

    operation: str
    """same, create, update, replace, or create-before/delete-before replace."""
    paths: dict[str, str] = field(default_factory=dict)
    """Kind of change by property path."""


class Engine:
    def __init__(self, channel: grpc.Channel, **config: Any) -> None:
        self.provider = provider_pb2_grpc.ResourceProviderStub(channel)
        self.seed = 0
        settings = {"region": REGION, **config}
        checked = self.provider.CheckConfig(provider_pb2.CheckRequest(news=to_struct(settings)))
        if checked.failures:
            raise RefusedError("\n".join(failure.reason for failure in checked.failures))
        self._ask("Configure", provider_pb2.ConfigureRequest(args=checked.inputs, acceptSecrets=True))

    def _ask(self, method: str, request: Any) -> Any:
        try:
            return getattr(self.provider, method)(request, timeout=120)
        except grpc.RpcError as error:
            raise RefusedError(error.details()) from error

    @staticmethod
    def _urn(resource: Deployed) -> str:
        return f"urn:pulumi:test::test::{resource.type_name}::{resource.name}"

    def check(self, resource: Deployed, inputs: Mapping[str, Any], **request: Any) -> dict[str, Any]:
        """Checked inputs; refuses with all problems."""
        checked = self._ask(
            "Check",
            provider_pb2.CheckRequest(
                urn=self._urn(resource),
                olds=to_struct(resource.inputs),
                news=to_struct(inputs),
                **{"randomSeed": f"{resource.name}{self.seed}".encode(), **request},
            ),
        )
        if checked.failures:
            raise RefusedError("\n".join(failure.reason for failure in checked.failures))
        return from_struct(checked.inputs)

    def diff(self, resource: Deployed, checked: Mapping[str, Any], ignored: tuple[str, ...] = ()) -> Any:
        return self._ask(
            "Diff",
            provider_pb2.DiffRequest(
                urn=self._urn(resource),
                id=resource.id,
                olds=to_struct(resource.outputs),
                old_inputs=to_struct(resource.inputs),
                news=to_struct(checked),
                ignoreChanges=ignored,
            ),
        )

    def create(self, resource: Deployed, checked: Mapping[str, Any], *, preview: bool = False) -> Deployed:
        request = provider_pb2.CreateRequest(urn=self._urn(resource), properties=to_struct(checked), preview=preview)
        try:
            created = self.provider.Create(request, timeout=120)
        except grpc.RpcError as error:
            half_made = init_failure(error)
            if half_made is not None:
                resource.inputs, resource.id = dict(checked), half_made.id
                resource.outputs = from_struct(half_made.properties)
            raise RefusedError(error.details()) from error
        resource.inputs, resource.id, resource.outputs = dict(checked), created.id, from_struct(created.properties)
        return resource

    def preview(self, type_name: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        resource = Deployed(type_name, name)
        return self.create(resource, self.check(resource, inputs), preview=True).outputs

    def make(self, type_name: str, name: str, /, **inputs: Any) -> Deployed:
        resource = Deployed(type_name, name)
        return self.create(resource, self.check(resource, inputs))

    def up(self, resource: Deployed, **inputs: Any) -> Done:
        """Brings the resource to the inputs as `pulumi up` would."""
        checked = self.check(resource, inputs)
        answer = self.diff(resource, checked)
        paths = {path: KIND_NAMES[change.kind] for path, change in answer.detailedDiff.items()}
        if answer.changes == provider_pb2.DiffResponse.DIFF_NONE:
            resource.inputs = checked
            return Done("same")
        if answer.replaces:
            self.seed += 1
            old = Deployed(resource.type_name, resource.name, resource.inputs, resource.id, resource.outputs)
            if answer.deleteBeforeReplace:
                self.delete(old)
            resource.inputs = {}
            self.create(resource, self.check(resource, inputs))
            if not answer.deleteBeforeReplace:
                self.delete(old)
            return Done("delete-before-replace" if answer.deleteBeforeReplace else "replace", paths)
        updated = self._ask(
            "Update",
            provider_pb2.UpdateRequest(
                urn=self._urn(resource),
                id=resource.id,
                olds=to_struct(resource.outputs),
                old_inputs=to_struct(resource.inputs),
                news=to_struct(checked),
            ),
        )
        resource.inputs, resource.outputs = checked, from_struct(updated.properties)
        return Done("update", paths)

    def previewed_update(self, resource: Deployed, **inputs: Any) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(
            urn=self._urn(resource),
            id=resource.id,
            olds=to_struct(resource.outputs),
            news=to_struct(self.check(resource, inputs)),
            preview=True,
        )
        return from_struct(self._ask("Update", request).properties)

    def refresh(self, resource: Deployed) -> bool:
        """Reads what AWS has; false when the resource is gone."""
        read = self._read(resource, resource.id, resource.outputs, resource.inputs)
        resource.id, resource.outputs, resource.inputs = (
            read.id,
            from_struct(read.properties),
            from_struct(read.inputs),
        )
        return bool(read.id)

    def bring_in(self, type_name: str, name: str, resource_id: str) -> Deployed:
        """`pulumi import`."""
        resource = Deployed(type_name, name)
        read = self._read(resource, resource_id, {}, {})
        return Deployed(type_name, name, from_struct(read.inputs), read.id, from_struct(read.properties))

    def _read(self, resource: Deployed, resource_id: str, outputs: Any, inputs: Any) -> Any:
        request = provider_pb2.ReadRequest(
            urn=self._urn(resource), id=resource_id, properties=to_struct(outputs), inputs=to_struct(inputs)
        )
        return self._ask("Read", request)

    def delete(self, resource: Deployed) -> None:
        request = provider_pb2.DeleteRequest(
            urn=self._urn(resource), id=resource.id, properties=to_struct(resource.outputs)
        )
        self._ask("Delete", request)

    def invoke(self, token: str, **args: Any) -> dict[str, Any]:
        answer = self._ask("Invoke", provider_pb2.InvokeRequest(tok=token, args=to_struct(args)))
        if answer.failures:
            raise RefusedError("\n".join(failure.reason for failure in answer.failures))
        returned: struct_pb2.Struct = getattr(answer, "return")
        return from_struct(returned)


def init_failure(error: grpc.RpcError) -> Any:
    """The half-made resource an error tells of, as the engine reads it."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status()
            status.ParseFromString(value)
            failure = provider_pb2.ErrorResourceInitFailed()
            if status.details and status.details[0].Unpack(failure):
                return failure
    return None


@contextmanager
def engine(emulator: Emulator | None, **config: Any) -> Iterator[Engine]:
    """An engine attached to a provider of its own."""
    environment = emulator.client_environment() if emulator else {}
    with serve_in_threads(AwsProvider(environment)) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Engine(channel, **config)
