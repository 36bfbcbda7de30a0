# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Elastic Container Service: task definitions."""

from __future__ import annotations

import json
from typing import Any

from local.providers.aws.ecs import change_tags, tags_of, tags_request
from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring
from local.providers.aws.schema import (
    Change,
    block,
    boolean,
    integer,
    output,
    replacing,
    string,
    strings,
)

COMPATIBILITIES = ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")
NAMED_LISTS = ("environment", "secrets", "ulimits", "systemControls", "mountPoints", "volumesFrom", "portMappings")


def canonical_containers(text: Any, *, awsvpc: bool = False) -> Any:
    """Container definitions as ECS understands them: without defaults and empty members, order only where it counts."""
    try:
        containers = json.loads(text)
    except (TypeError, ValueError):
        return text
    if not isinstance(containers, list) or not all(isinstance(item, dict) for item in containers):
        return containers
    try:
        normal = [_canonical_container(item, awsvpc) for item in containers]
    except (AttributeError, TypeError):  # ECS will refuse it; the check says what is wrong
        return containers
    return sorted(normal, key=lambda item: str(item.get("name")))


def _canonical_container(container: Values, awsvpc: bool) -> Values:
    normal = {key[0].lower() + key[1:]: value for key, value in container.items() if value not in (None, [], {}, "")}
    if normal.get("cpu") == 0:
        normal.pop("cpu")
    if normal.get("essential") is True:
        normal.pop("essential")
    ports = []
    for port in normal.get("portMappings") or ():
        kept = {key: value for key, value in port.items() if value not in (None, "", 0)}
        if kept.get("protocol") == "tcp":
            kept.pop("protocol")
        if awsvpc and kept.get("hostPort") == kept.get("containerPort"):
            kept.pop("hostPort", None)
        ports.append(kept)
    if ports:
        normal["portMappings"] = ports
    if health := normal.get("healthCheck"):
        filled = {"interval": 30, "timeout": 5, "retries": 3, **health}
        normal["healthCheck"] = {key: value for key, value in filled.items() if value not in (None, 0)}
    for key in NAMED_LISTS:
        if key in normal:
            normal[key] = sorted(normal[key], key=lambda item: json.dumps(item, sort_keys=True))
    return normal


class TaskDefinition(Resource):
    type_name = "aws:ecs/taskDefinition:TaskDefinition"
    name_property = None
    properties = {
        "arn": output(),
        "arnWithoutRevision": output(),
        "revision": output("integer"),
        "skipDestroy": boolean(default=False, kept=True),
        **replacing(
            {
                "containerDefinitions": string(
                    required=True, same=lambda a, b: canonical_containers(a) == canonical_containers(b)
                ),
                "cpu": string(),
                "ephemeralStorage": block({"sizeInGib": integer(required=True, minimum=21, maximum=200)}),
                "executionRoleArn": string(),
                "family": string(required=True, pattern=r"[\w-]{1,255}"),
                "memory": string(),
                "networkMode": string(computed=True, allowed=("none", "bridge", "awsvpc", "host")),
                "requiresCompatibilities": strings(),
                "runtimePlatform": block({"cpuArchitecture": string(), "operatingSystemFamily": string()}),
                "taskRoleArn": string(),
            }
        ),
    }

    def check(self, inputs: Values) -> list[str]:
        from local.providers.values import UNKNOWN, reveal

        text = reveal(inputs["containerDefinitions"])
        if text is UNKNOWN:
            return []
        try:
            containers = json.loads(text)
        except ValueError as error:
            return [f"containerDefinitions: got text that is no JSON ({error}), expected a JSON list; correct it"]
        if not isinstance(containers, list) or not containers:
            return ["containerDefinitions: got no list of containers, expected one at least; correct it"]
        problems = []
        for index, container in enumerate(containers):
            for key in ("name", "image"):
                if not isinstance(container, dict) or not container.get(key):
                    problems.append(f"containerDefinitions[{index}].{key}: got nothing, expected text; add it")
        compatibilities = inputs.get("requiresCompatibilities")
        for item in compatibilities if isinstance(compatibilities, list) else ():
            if isinstance(item, str) and item not in COMPATIBILITIES:
                problems.append(
                    f"requiresCompatibilities: got {item}, expected one of {', '.join(COMPATIBILITIES)}; change it"
                )
        return problems

    def adjust_differences(self, old: Values, new: Values, changes: dict[str, Change]) -> dict[str, Change]:
        # With awsvpc a host port that equals the container port says nothing.
        if "containerDefinitions" in changes and new.get("networkMode") == old.get("networkMode") == "awsvpc":
            olds, news = (canonical_containers(part.get("containerDefinitions"), awsvpc=True) for part in (old, new))
            if olds == news:
                return {path: change for path, change in changes.items() if path != "containerDefinitions"}
        return changes

    def create(self, call: Call, new: Values) -> str:
        names = (
            "cpu", "executionRoleArn", "family", "memory", "networkMode", "requiresCompatibilities", "runtimePlatform",
            "taskRoleArn",
        )  # fmt: skip
        request: Values = {key: new[key] for key in names if new.get(key) not in (None, "", [], {})}
        request["containerDefinitions"] = _containers_request(new["containerDefinitions"])
        if storage := new.get("ephemeralStorage"):
            request["ephemeralStorage"] = {"sizeInGiB": storage["sizeInGib"]}
        if new["tagsAll"]:
            request["tags"] = tags_request(new["tagsAll"])
        registered = call.client("ecs").register_task_definition(**request)["taskDefinition"]
        # The state needs the revision, while the official id is the family.
        new["arn"] = registered["taskDefinitionArn"]
        return str(registered["family"])

    def _find(self, call: Call, reference: str) -> Values | None:
        try:
            found = call.client("ecs").describe_task_definition(taskDefinition=reference, include=["TAGS"])
        except Exception as error:
            if error_code(error) == "ClientException":
                return None
            raise
        if found["taskDefinition"].get("status") in ("INACTIVE", "DELETE_IN_PROGRESS"):
            return None
        return dict(found)

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        answer = self._find(call, state.get("arn") or resource_id)
        if answer is None:
            return None
        found = answer["taskDefinition"]
        text, known = json.dumps(found["containerDefinitions"], sort_keys=True), state.get("containerDefinitions")
        awsvpc = found.get("networkMode") == "awsvpc"
        spelled = known and canonical_containers(known, awsvpc=awsvpc) == canonical_containers(text, awsvpc=awsvpc)
        storage = found.get("ephemeralStorage")
        return {
            "id": found["family"],
            "arn": found["taskDefinitionArn"],
            "arnWithoutRevision": found["taskDefinitionArn"].rsplit(":", 1)[0],
            "containerDefinitions": known if spelled else text,
            "cpu": found.get("cpu") or None,
            "ephemeralStorage": {"sizeInGib": storage["sizeInGiB"]} if storage else None,
            "executionRoleArn": found.get("executionRoleArn") or None,
            "family": found["family"],
            "memory": found.get("memory") or None,
            "networkMode": found.get("networkMode"),
            "requiresCompatibilities": found.get("requiresCompatibilities") or [],
            "revision": found["revision"],
            "runtimePlatform": found.get("runtimePlatform") or None,
            "tags": tags_of(answer.get("tags")),
            "taskRoleArn": found.get("taskRoleArn") or None,
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        change_tags(call, old["arn"], old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        if state.get("skipDestroy"):
            return
        with ignoring("ClientException"):
            call.client("ecs").deregister_task_definition(taskDefinition=state.get("arn") or resource_id)


def _containers_request(text: str) -> list[Values]:
    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key[0].lower() + key[1:]: clean(item) for key, item in value.items() if item is not None}
        if isinstance(value, list):
            return [clean(item) for item in value]
        return value

    containers: list[Values] = []
    for container in json.loads(text):
        cleaned = clean({key: value for key, value in container.items() if key not in FREE_KEYS})
        cleaned.update({key: container[key] for key in FREE_KEYS if container.get(key) is not None})
        if log := cleaned.get("logConfiguration"):
            log["options"] = (container["logConfiguration"].get("options") or {}).copy()
        containers.append(cleaned)
    return containers


FREE_KEYS = ("dockerLabels",)  # maps whose keys are the user's own
