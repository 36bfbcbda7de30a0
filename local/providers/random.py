"""`random:index/randomPassword:RandomPassword` as pulumi-random 4.21.4 documents it.

https://www.pulumi.com/registry/packages/random/api-docs/randompassword/

Not here, and refused with a message: all but its length and which kinds of characters it may hold.
"""

# ruff: noqa: ARG002, N802 - method names and arguments are the protocol's
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from local.providers.server import Provider, ProviderError, answers_errors
from local.providers.values import UNKNOWN, Secret, from_struct, reveal, to_struct

PASSWORD_TYPE = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type
ALWAYS = string.ascii_lowercase + string.digits
KINDS = {
    "special": "!@#$%&*()-_=+[]{}<>:?",
    "upper": string.ascii_uppercase,
}
INPUTS = ("length", *KINDS)


class RandomProvider(Provider):
    version = "4.21.4"

    @answers_errors
    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        kind = request.urn.split("::")[-2].rpartition("$")[2]
        if kind != PASSWORD_TYPE:
            raise ProviderError(
                f"the local random provider has {PASSWORD_TYPE} only, not {kind}; use the official plugins"
            )
        given = {key: value for key, value in from_struct(request.news).items() if value is not None}
        inputs = {**dict.fromkeys(KINDS, True), **given}
        failures = [
            provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in _problems(reveal(inputs)).items()
        ]
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    @answers_errors
    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        old, new = reveal(from_struct(request.old_inputs)), reveal(from_struct(request.news))
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=changed)

    @answers_errors
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        inputs = from_struct(request.properties)
        result: Any = UNKNOWN if request.preview else _password(reveal(inputs))
        return provider_pb2.CreateResponse(
            id="" if request.preview else "none", properties=to_struct({**inputs, "result": Secret(result)})
        )

    @answers_errors
    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    @answers_errors
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        return empty_pb2.Empty()


def _problems(inputs: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for key, value in sorted(inputs.items()):
        if key not in INPUTS:
            found[key] = (
                f"{key}: got a property that only the official plugin knows, expected one of {', '.join(INPUTS)}; "
                "remove it, or deploy to AWS"
            )
        elif key in KINDS and value is not UNKNOWN and not isinstance(value, bool):
            found[key] = f"{key}: got {value!r}, expected true or false; choose one of the two"
    length = inputs.get("length")
    if length is not UNKNOWN and (not isinstance(length, int) or isinstance(length, bool) or length < 1):
        found["length"] = f"length: got {length!r}, expected a whole number above 0; choose how many characters"
    return found


def _password(inputs: Mapping[str, Any]) -> str:
    alphabet = ALWAYS + "".join(characters for kind, characters in KINDS.items() if inputs[kind])
    return "".join(secrets.choice(alphabet) for _ in range(inputs["length"]))
