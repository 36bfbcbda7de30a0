"""What a task on the emulated ECS may not have: it runs on this machine's Docker, whose root is this machine's."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator


@functools.cache
def _ecs() -> ServiceModel:
    return botocore.session.get_session().get_service_model("ecs")


def problems(operation: str, body: bytes) -> list[str]:
    """Why a call of the ECS API is refused; empty where it is not.

    What AWS's own model does not know is refused too: the emulator also reads names in other spellings, and names of
    its own.
    """
    if operation not in _ecs().operation_names:
        return [f"{operation} is no operation of ECS"]
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return ["the body is not JSON"]
    shape = _ecs().operation_model(operation).input_shape
    assert shape
    unknown = ParamValidator().validate(given, shape).generate_report()
    if unknown:
        return [" ".join(line.split()) for line in unknown.splitlines()]
    return list(_reaching_out(given)) if operation == "RegisterTaskDefinition" else []


def _reaching_out(definition: Mapping[str, Any]) -> Iterator[str]:
    """Each way out of the container that the definition has.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """
    for name, expected in (("networkMode", "awsvpc, bridge or none"), ("pidMode", "task"), ("ipcMode", "task or none")):
        if definition.get(name) == "host":
            yield _refused(name, "host", expected)
    for index, volume in enumerate(definition.get("volumes", [])):
        if path := (volume.get("host") or {}).get("sourcePath"):
            yield _refused(f"volumes[{index}].host.sourcePath", path, "no path of this machine")
        docker = volume.get("dockerVolumeConfiguration") or {}
        if docker.get("driverOpts") or docker.get("driver", "local") != "local":
            yield _refused(f"volumes[{index}].dockerVolumeConfiguration", docker, "the local driver without driverOpts")
    for index, container in enumerate(definition.get("containerDefinitions", [])):
        where = f"containerDefinitions[{index}]"
        linux = container.get("linuxParameters") or {}
        if container.get("privileged"):
            yield _refused(f"{where}.privileged", True, "false")
        if devices := linux.get("devices"):
            yield _refused(f"{where}.linuxParameters.devices", devices, "none")
        if added := (linux.get("capabilities") or {}).get("add"):
            yield _refused(f"{where}.linuxParameters.capabilities.add", added, "none")


def _refused(where: str, value: Any, expected: str) -> str:
    return f"{where}: got {json.dumps(value)}, expected {expected}; no task may leave its container on this machine"
