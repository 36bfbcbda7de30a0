"""Local providers that make nothing and answer as AWS would: a stack after its first update, without AWS and Docker.

`python -m tests.local.pretended` serves them as `python -m local.providers` does. What a preview leaves unknown they
make up, as `tests.mocks` does for a program without an engine. `PRETENDED_PAGE` stands for what is in an image.
"""

# ruff: noqa: N802 the protocol's names
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
from pulumi.runtime.proto import provider_pb2

from local import paths
from local.providers import __main__ as served
from local.providers.aws import provider as aws
from local.providers.aws.schema import Property
from local.providers.docker import DockerProvider
from local.providers.server import answers_errors
from local.providers.values import from_struct, has_unknown, reveal, to_struct
from local.stack import Providers
from tests import mocks

PAGE = "PRETENDED_PAGE"
_BY_NAME = {"Role", "InstanceProfile", "LogGroup", "MetricAlarm", "Repository", "Bucket"}
"""Types whose id is their name."""
_PREFIXES = {
    "Vpc": "vpc",
    "Subnet": "subnet",
    "InternetGateway": "igw",
    "NatGateway": "nat",
    "RouteTable": "rtb",
    "SecurityGroup": "sg",
    "SecurityGroupEgressRule": "sgr",
    "SecurityGroupIngressRule": "sgr",
    "Eip": "eipalloc",
    "VpcEndpoint": "vpce",
    "LaunchTemplate": "lt",
}


class PretendedAws(aws.AwsProvider):
    @answers_errors
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        if request.preview:
            return super().Create(request, context)
        token, name, resource = self._resource(request.urn)
        inputs = from_struct(request.properties)
        state = _made(token, name, aws._previewed_creation(resource, inputs), resource.all_properties)
        return provider_pb2.CreateResponse(id=str(reveal(state["id"])), properties=to_struct(state))


class PretendedDocker(DockerProvider):
    @answers_errors
    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        response = super().Check(request, context)
        inputs = from_struct(response.inputs)
        if "build" in inputs:
            inputs["build"]["contextDigest"] = hashlib.sha256(os.environ[PAGE].encode()).hexdigest()
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=response.failures)

    def _produce(self, urn: str, inputs: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
        outputs = super()._produce(urn, {**inputs, "buildOnPreview": False}, preview=True)
        if not preview:
            outputs["repoDigest"] = f"{inputs['imageName'].rpartition(':')[0]}@{mocks.DIGEST}"
        return outputs


def _made(token: str, name: str, previewed: dict[str, Any], properties: Mapping[str, Property]) -> dict[str, Any]:
    """The state with something in place of each unknown value."""
    known = {key: value for key, value in reveal(previewed).items() if not has_unknown(value)}
    physical = known.get("name") or known.get("bucket") or name
    made_up = {
        key: value.replace(f"{name}-1a2b3c4", physical) if isinstance(value, str) else value
        for key, value in (mocks._ADDED[token](name, known) if token in mocks._ADDED else {}).items()
    }
    kind = token.rpartition(":")[2]
    unique = hashlib.sha256(f"{token} {name}".encode()).hexdigest()[:17]
    if "arn" in properties:
        made_up.setdefault(
            "arn", mocks._arn(token.split(":")[1].split("/", maxsplit=1)[0], f"{kind.lower()}/{physical}")
        )
    if kind in _BY_NAME:
        made_up["id"] = physical
    elif kind in _PREFIXES:
        made_up["id"] = f"{_PREFIXES[kind]}-{unique}"
    else:
        made_up["id"] = made_up.get("arn", f"{kind.lower()}-{unique}")
    if kind == "TaskDefinition":
        made_up |= {"id": known["family"], "revision": 7, "arnWithoutRevision": made_up["arn"].rpartition(":")[0]}
    if kind == "Eip":
        made_up["allocationId"] = made_up["id"]

    def filled(key: str, value: Any) -> Any:
        if not has_unknown(value):
            return value
        if key in made_up:
            return made_up[key]
        kinds: dict[str, Any] = {
            "integer": 1,
            "number": 1,
            "boolean": False,
            "list": [],
            "set": [],
            "map": {},
            "object": {},
        }
        return kinds.get(properties[key].kind, f"{key}-{unique}") if key in properties else f"{key}-{unique}"

    return {key: filled(key, value) for key, value in previewed.items()}


class PretendedProviders(Providers):
    """The process that serves them."""

    def __init__(self, page: str) -> None:
        self.online = False
        with (paths.LOCAL / "providers.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**_without_aws(), "LOCAL_PROGRAM_DIR": str(paths.ROOT), PAGE: page},
                cwd=Path(__file__).parents[2],
                text=True,
                start_new_session=True,
            )


def _without_aws() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    threading.Thread(target=served._exit_when_stdin_closes, daemon=True).start()
    with (
        mock.patch.object(served, "AwsProvider", PretendedAws),
        mock.patch("local.providers.docker.DockerProvider", PretendedDocker),
    ):
        asyncio.run(served.main())


if __name__ == "__main__":
    main()
