# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Elastic Container Service: clusters, task definitions and services."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import (
    Change,
    Property,
    block,
    blocks,
    boolean,
    integer,
    mapping,
    output,
    replacing,
    string,
    strings,
)
from local.providers.server import ProviderError

SERVICE_SECONDS = 20 * 60
CAPACITY_STRATEGY = {
    "base": integer(minimum=0, maximum=100000),
    "capacityProvider": string(required=True),
    "weight": integer(minimum=0, maximum=1000),
}


def tags_of(found: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    return tag_map(found, key="key", value="value")


def tags_request(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return tag_list(tags, key="key", value="value")


def change_tags(call: Call, arn: str, old: Values, new: Values) -> None:
    put, removed = tag_changes(old, new)
    if removed:
        call.client("ecs").untag_resource(resourceArn=arn, tagKeys=removed)
    if put:
        call.client("ecs").tag_resource(resourceArn=arn, tags=tags_request(put))


def same_strategy(old: Any, new: Any) -> bool:
    """Base and weight that are not given are zero."""

    def normal(items: Any) -> set[tuple[Any, ...]]:
        return {(item["capacityProvider"], item.get("base") or 0, item.get("weight") or 0) for item in items or ()}

    return normal(old) == normal(new)


def strategy_request(items: Sequence[Values] | None) -> list[Values]:
    return [
        {"capacityProvider": item["capacityProvider"], "weight": item.get("weight", 0), "base": item.get("base", 0)}
        for item in items or ()
    ]


# --- clusters ---------------------------------------------------------------------------------------------------------


class Cluster(Resource):
    type_name = "aws:ecs/cluster:Cluster"
    properties = {
        "arn": output(),
        "configuration": block(
            {
                "executeCommandConfiguration": block(
                    {
                        "kmsKeyId": string(),
                        "logConfiguration": block(
                            {
                                "cloudWatchEncryptionEnabled": boolean(),
                                "cloudWatchLogGroupName": string(),
                                "s3BucketEncryptionEnabled": boolean(),
                                "s3BucketName": string(),
                                "s3KeyPrefix": string(),
                            }
                        ),
                        "logging": string(default="DEFAULT", allowed=("NONE", "DEFAULT", "OVERRIDE")),
                    }
                ),
                "managedStorageConfiguration": block(
                    {"fargateEphemeralStorageKmsKeyId": string(), "kmsKeyId": string()}
                ),
            },
            forgotten=True,
        ),
        "name": string(replaces=True, pattern=r"[\w-]{1,255}"),
        "serviceConnectDefaults": block({"namespace": string(required=True)}, forgotten=True),
        "settings": blocks(
            {
                "name": string(required=True, allowed=("containerInsights",)),
                "value": string(required=True, allowed=("enabled", "disabled", "enhanced")),
            },
            computed=True,
        ),
    }

    def _request(self, new: Values) -> Values:
        request: Values = {}
        if new.get("settings"):
            request["settings"] = new["settings"]
        if configuration := new.get("configuration"):
            request["configuration"] = _cluster_configuration(configuration)
        if defaults := new.get("serviceConnectDefaults"):
            request["serviceConnectDefaults"] = defaults
        return request

    def create(self, call: Call, new: Values) -> str:
        created = call.client("ecs").create_cluster(
            clusterName=new["name"], tags=tags_request(new["tagsAll"]), **self._request(new)
        )
        return str(created["cluster"]["clusterArn"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        def is_active() -> bool:
            found = self._find(call, resource_id)
            return found is not None and found["status"] == "ACTIVE"

        call.wait(f"cluster {new['name']}", is_active, default_seconds=600)

    def _find(self, call: Call, cluster: str) -> Values | None:
        found = call.client("ecs").describe_clusters(
            clusters=[cluster], include=["TAGS", "CONFIGURATIONS", "SETTINGS"]
        )["clusters"]
        return found[0] if found and found[0]["status"] not in ("INACTIVE",) else None

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, resource_id)
        if found is None:
            return None
        configuration = found.get("configuration")
        return {
            "id": found["clusterArn"],
            "arn": found["clusterArn"],
            "configuration": _read_configuration(configuration) if configuration else None,
            "name": found["clusterName"],
            "serviceConnectDefaults": found.get("serviceConnectDefaults"),
            "settings": found.get("settings") or [],
            "tags": tags_of(found.get("tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed & {"settings", "configuration", "serviceConnectDefaults"}:
            call.client("ecs").update_cluster(cluster=resource_id, **self._request(new))
            self.settle(call, resource_id, {**old, **new})
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        busy = (
            "ClusterContainsContainerInstancesException",
            "ClusterContainsServicesException",
            "ClusterContainsTasksException",
            "ClusterContainsCapacityProviderException",
            "UpdateInProgressException",
        )

        def is_deleted() -> bool:
            try:
                call.client("ecs").delete_cluster(cluster=resource_id)
            except Exception as error:
                if error_code(error) == "ClusterNotFoundException":
                    return True
                if error_code(error) in busy:
                    return False
                raise
            return self._find(call, resource_id) is None

        call.wait(f"cluster {state.get('name')} to be empty", is_deleted, default_seconds=600)


CONFIGURATION_NAMES = {
    "s3BucketEncryptionEnabled": "s3EncryptionEnabled",
}


def _cluster_configuration(given: Values) -> Values:
    request: Values = {}
    if execute := given.get("executeCommandConfiguration"):
        logs = {
            CONFIGURATION_NAMES.get(key, key): value for key, value in (execute.get("logConfiguration") or {}).items()
        }
        request["executeCommandConfiguration"] = {
            key: value for key, value in {**execute, "logConfiguration": logs or None}.items() if value is not None
        }
    if storage := given.get("managedStorageConfiguration"):
        request["managedStorageConfiguration"] = storage
    return request


def _read_configuration(found: Values) -> Values:
    names = {api: key for key, api in CONFIGURATION_NAMES.items()}
    execute = dict(found.get("executeCommandConfiguration") or {})
    if execute.get("logConfiguration"):
        execute["logConfiguration"] = {names.get(key, key): value for key, value in execute["logConfiguration"].items()}
    return {
        "executeCommandConfiguration": execute or None,
        "managedStorageConfiguration": found.get("managedStorageConfiguration") or None,
    }


class ClusterCapacityProviders(Resource):
    type_name = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
    tagged = False
    properties = {
        "capacityProviders": strings(),
        "clusterName": string(required=True, replaces=True),
        "defaultCapacityProviderStrategies": blocks(CAPACITY_STRATEGY, same=same_strategy),
    }

    def check(self, inputs: Values) -> list[str]:
        providers, strategies = inputs.get("capacityProviders"), inputs.get("defaultCapacityProviderStrategies")
        if not isinstance(providers, list) or not isinstance(strategies, list):
            return []
        texts = [name for name in providers if isinstance(name, str)]
        if len(texts) != len(providers):
            return []
        return [
            f"defaultCapacityProviderStrategies[{index}].capacityProvider: got {item['capacityProvider']}, "
            f"expected one of {', '.join(texts)}; add it to capacityProviders"
            for index, item in enumerate(strategies)
            if isinstance(item, dict)
            and isinstance(item.get("capacityProvider"), str)
            and item["capacityProvider"] not in texts
        ]

    def _put(self, call: Call, cluster: str, new: Values) -> None:
        def is_put() -> bool:
            try:
                call.client("ecs").put_cluster_capacity_providers(
                    cluster=cluster,
                    capacityProviders=new.get("capacityProviders") or [],
                    defaultCapacityProviderStrategy=strategy_request(new.get("defaultCapacityProviderStrategies")),
                )
            except Exception as error:
                if error_code(error) in ("ResourceInUseException", "UpdateInProgressException"):
                    return False
                raise
            return True

        call.wait(f"cluster {cluster} to take another change", is_put, default_seconds=600)

        def is_settled() -> bool:
            found = call.client("ecs").describe_clusters(clusters=[cluster], include=["ATTACHMENTS"])["clusters"]
            status = found[0].get("attachmentsStatus") if found else None
            if status == "UPDATE_FAILED":
                raise ProviderError(f"cluster {cluster}: attaching the capacity providers failed; look at its events")
            return status != "UPDATE_IN_PROGRESS"

        call.wait(f"the capacity providers of cluster {cluster}", is_settled, default_seconds=600)

    def create(self, call: Call, new: Values) -> str:
        self._put(call, new["clusterName"], new)
        return str(new["clusterName"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = call.client("ecs").describe_clusters(clusters=[resource_id])["clusters"]
        if not found or found[0]["status"] == "INACTIVE":
            return None
        return {
            "capacityProviders": found[0].get("capacityProviders") or [],
            "clusterName": found[0]["clusterName"],
            "defaultCapacityProviderStrategies": found[0].get("defaultCapacityProviderStrategy") or [],
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self._put(call, resource_id, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ClusterNotFoundException"):
            self._put(call, resource_id, {})


# --- task definitions -------------------------------------------------------------------------------------------------

VOLUME = {
    "configureAtLaunch": boolean(computed=True),
    "dockerVolumeConfiguration": block(
        {
            "autoprovision": boolean(default=False),
            "driver": string(),
            "driverOpts": mapping(),
            "labels": mapping(),
            "scope": string(computed=True, allowed=("task", "shared")),
        }
    ),
    "efsVolumeConfiguration": block(
        {
            "authorizationConfig": block({"accessPointId": string(), "iam": string(allowed=("ENABLED", "DISABLED"))}),
            "fileSystemId": string(required=True),
            "rootDirectory": string(default="/"),
            "transitEncryption": string(allowed=("ENABLED", "DISABLED")),
            "transitEncryptionPort": integer(minimum=0, maximum=65535),
        }
    ),
    "hostPath": string(),
    "name": string(required=True),
}
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
        "trackLatest": boolean(default=False, kept=True),
        **replacing(
            {
                "containerDefinitions": string(
                    required=True, same=lambda a, b: canonical_containers(a) == canonical_containers(b)
                ),
                "cpu": string(),
                "enableFaultInjection": boolean(computed=True),
                "ephemeralStorage": block({"sizeInGib": integer(required=True, minimum=21, maximum=200)}),
                "executionRoleArn": string(),
                "family": string(required=True, pattern=r"[\w-]{1,255}"),
                "ipcMode": string(allowed=("host", "none", "task")),
                "memory": string(),
                "networkMode": string(computed=True, allowed=("none", "bridge", "awsvpc", "host")),
                "pidMode": string(allowed=("host", "task")),
                "placementConstraints": blocks(
                    {"expression": string(), "type": string(required=True, allowed=("memberOf",))}
                ),
                "proxyConfiguration": block(
                    {
                        "containerName": string(required=True),
                        "properties": mapping(),
                        "type": string(default="APPMESH", allowed=("APPMESH",)),
                    }
                ),
                "requiresCompatibilities": strings(),
                "runtimePlatform": block({"cpuArchitecture": string(), "operatingSystemFamily": string()}),
                "taskRoleArn": string(),
                "volumes": blocks(VOLUME),
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
            "cpu", "enableFaultInjection", "executionRoleArn", "family", "ipcMode", "memory", "networkMode",
            "pidMode", "placementConstraints", "requiresCompatibilities", "runtimePlatform", "taskRoleArn",
        )  # fmt: skip
        request: Values = {key: new[key] for key in names if new.get(key) not in (None, "", [], {})}
        request["containerDefinitions"] = _containers_request(new["containerDefinitions"])
        if storage := new.get("ephemeralStorage"):
            request["ephemeralStorage"] = {"sizeInGiB": storage["sizeInGib"]}
        if proxy := new.get("proxyConfiguration"):
            request["proxyConfiguration"] = {
                "containerName": proxy["containerName"],
                "type": proxy["type"],
                "properties": [{"name": key, "value": value} for key, value in (proxy.get("properties") or {}).items()],
            }
        if new.get("volumes"):
            request["volumes"] = [_volume_request(volume) for volume in new["volumes"]]
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
        reference = resource_id if state.get("trackLatest") else state.get("arn") or resource_id
        answer = self._find(call, reference)
        if answer is None:
            return None
        found = answer["taskDefinition"]
        text, known = json.dumps(found["containerDefinitions"], sort_keys=True), state.get("containerDefinitions")
        awsvpc = found.get("networkMode") == "awsvpc"
        spelled = known and canonical_containers(known, awsvpc=awsvpc) == canonical_containers(text, awsvpc=awsvpc)
        storage, proxy, platform = (
            found.get(key) for key in ("ephemeralStorage", "proxyConfiguration", "runtimePlatform")
        )
        return {
            "id": found["family"],
            "arn": found["taskDefinitionArn"],
            "arnWithoutRevision": found["taskDefinitionArn"].rsplit(":", 1)[0],
            "containerDefinitions": known if spelled else text,
            "cpu": found.get("cpu") or None,
            "enableFaultInjection": found.get("enableFaultInjection", state.get("enableFaultInjection") or False),
            "ephemeralStorage": {"sizeInGib": storage["sizeInGiB"]} if storage else None,
            "executionRoleArn": found.get("executionRoleArn") or None,
            "family": found["family"],
            "ipcMode": found.get("ipcMode") or None,
            "memory": found.get("memory") or None,
            "networkMode": found.get("networkMode"),
            "pidMode": found.get("pidMode") or None,
            "placementConstraints": found.get("placementConstraints") or [],
            "proxyConfiguration": {
                "containerName": proxy["containerName"],
                "type": proxy.get("type", "APPMESH"),
                "properties": {item["name"]: item["value"] for item in proxy.get("properties") or ()},
            }
            if proxy
            else None,
            "requiresCompatibilities": found.get("requiresCompatibilities") or [],
            "revision": found["revision"],
            "runtimePlatform": platform or None,
            "tags": tags_of(answer.get("tags")),
            "taskRoleArn": found.get("taskRoleArn") or None,
            "volumes": [_volume_of(volume) for volume in found.get("volumes") or ()],
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


def _volume_request(volume: Values) -> Values:
    request: Values = {"name": volume["name"]}
    if volume.get("hostPath"):
        request["host"] = {"sourcePath": volume["hostPath"]}
    if volume.get("configureAtLaunch"):
        request["configuredAtLaunch"] = True
    if docker := volume.get("dockerVolumeConfiguration"):
        request["dockerVolumeConfiguration"] = {key: value for key, value in docker.items() if value not in (None, {})}
    if efs := volume.get("efsVolumeConfiguration"):
        request["efsVolumeConfiguration"] = {key: value for key, value in efs.items() if value not in (None, "")}
    return request


def _volume_of(found: Values) -> Values:
    return {
        "configureAtLaunch": found.get("configuredAtLaunch", False),
        "dockerVolumeConfiguration": found.get("dockerVolumeConfiguration"),
        "efsVolumeConfiguration": found.get("efsVolumeConfiguration"),
        "hostPath": (found.get("host") or {}).get("sourcePath"),
        "name": found["name"],
    }


# --- services ---------------------------------------------------------------------------------------------------------

LOAD_BALANCER = {
    "advancedConfiguration": block(
        {
            "alternateTargetGroupArn": string(required=True),
            "productionListenerRule": string(required=True),
            "roleArn": string(required=True),
            "testListenerRule": string(),
        }
    ),
    "containerName": string(required=True),
    "containerPort": integer(required=True, minimum=0, maximum=65536),
    "elbName": string(),
    "targetGroupArn": string(),
}
DEPLOYMENT_CONFIGURATION = {
    "bakeTimeInMinutes": string(computed=True),
    "canaryConfiguration": block({"canaryBakeTimeInMinutes": string(), "canaryPercent": Property(kind="number")}),
    "lifecycleHooks": blocks(
        {
            "hookDetails": string(),
            "hookTargetArn": string(),
            "lifecycleStages": strings(required=True, ordered=True),
            "roleArn": string(),
        }
    ),
    "linearConfiguration": block({"stepBakeTimeInMinutes": string(), "stepPercent": Property(kind="number")}),
    "strategy": string(computed=True, allowed=("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")),
}


def arn_tail(reference: Any) -> str:
    """The part of an ARN behind the last slash, which is also how ECS takes a short name."""
    return str(reference or "").rsplit("/", 1)[-1]


def same_reference(old: Any, new: Any) -> bool:
    return old == new or ("/" in str(old) and arn_tail(old) == new) or ("/" in str(new) and arn_tail(new) == old)


def same_task_definition(old: Any, new: Any) -> bool:
    """A family without revision means its latest, so any revision of it will do."""
    olds, news = arn_tail(old), arn_tail(new)
    return olds == news or (":" not in news and olds.split(":", 1)[0] == news)


class Service(Resource):
    type_name = "aws:ecs/service:Service"
    exclusive = (("launchType", "capacityProviderStrategies"),)
    properties = {
        "alarms": block(
            {
                "alarmNames": strings(required=True),
                "enable": boolean(required=True),
                "rollback": boolean(required=True),
            },
            forgotten=True,
        ),
        "arn": output(),
        "availabilityZoneRebalancing": string(computed=True, allowed=("ENABLED", "DISABLED")),
        "capacityProviderStrategies": blocks(CAPACITY_STRATEGY, same=same_strategy),
        "cluster": string(computed=True, replaces=True, same=same_reference),
        "deploymentCircuitBreaker": block({"enable": boolean(required=True), "rollback": boolean(required=True)}),
        "deploymentConfiguration": block(DEPLOYMENT_CONFIGURATION, computed=True, forgotten=True),
        "deploymentController": block(
            {"type": string(default="ECS", allowed=("ECS", "CODE_DEPLOY", "EXTERNAL"))}, computed=True
        ),
        "deploymentMaximumPercent": integer(default=200, minimum=0),
        "deploymentMinimumHealthyPercent": integer(default=100, minimum=0),
        "desiredCount": integer(minimum=0),
        "enableEcsManagedTags": boolean(default=False, kept=True),
        "enableExecuteCommand": boolean(),
        "forceDelete": boolean(kept=True),
        "forceNewDeployment": boolean(kept=True),
        "healthCheckGracePeriodSeconds": integer(minimum=0),
        "iamRole": string(computed=True, replaces=True),
        "launchType": string(computed=True, replaces=True, allowed=("EC2", "FARGATE", "EXTERNAL")),
        "loadBalancers": blocks(LOAD_BALANCER),
        "name": string(replaces=True, pattern=r"[\w-]{1,255}"),
        "networkConfiguration": block(
            {
                "assignPublicIp": boolean(default=False),
                "securityGroups": strings(),
                "subnets": strings(required=True),
            }
        ),
        "orderedPlacementStrategies": blocks(
            {"field": string(), "type": string(required=True, allowed=("binpack", "random", "spread"))},
            ordered=True,
            forgotten=True,
            same=lambda old, new: _placement(old) == _placement(new),
        ),
        "placementConstraints": blocks(
            {"expression": string(), "type": string(required=True, allowed=("distinctInstance", "memberOf"))},
            forgotten=True,
        ),
        "platformVersion": string(computed=True),
        "propagateTags": string(kept=True, allowed=("NONE", "SERVICE", "TASK_DEFINITION")),
        "schedulingStrategy": string(default="REPLICA", replaces=True, allowed=("REPLICA", "DAEMON")),
        "serviceRegistries": block(
            {
                "containerName": string(),
                "containerPort": integer(),
                "port": integer(),
                "registryArn": string(required=True),
            }
        ),
        "sigintRollback": boolean(default=False, kept=True),
        "taskDefinition": string(same=same_task_definition),
        "triggers": mapping(computed=True, kept=True),
        "waitForSteadyState": boolean(default=False, kept=True),
    }
    restarting = {"triggers", "forceNewDeployment"}

    def check(self, inputs: Values) -> list[str]:
        problems = []
        for index, placement in enumerate(_known_list(inputs.get("orderedPlacementStrategies"))):
            place = f"orderedPlacementStrategies[{index}]"
            if placement.get("type") in ("binpack", "spread") and not placement.get("field"):
                problems.append(f"{place}.field: got nothing, expected a field for {placement['type']}; add it")
            if placement.get("type") == "random" and placement.get("field"):
                problems.append(f"{place}.field: got {placement['field']}, expected nothing for random; remove it")
        for index, constraint in enumerate(_known_list(inputs.get("placementConstraints"))):
            if constraint.get("type") == "memberOf" and not constraint.get("expression"):
                place = f"placementConstraints[{index}]"
                problems.append(f"{place}.expression: got nothing, expected an expression for memberOf; add it")
        for index, balancer in enumerate(_known_list(inputs.get("loadBalancers"))):
            if not balancer.get("targetGroupArn") and not balancer.get("elbName"):
                problems.append(
                    f"loadBalancers[{index}].targetGroupArn: got nothing, expected the ARN of a target group; add it"
                )
        return problems

    def adjust_differences(self, old: Values, new: Values, changes: dict[str, Change]) -> dict[str, Change]:
        adjusted = dict(changes)
        if new.get("schedulingStrategy") == "DAEMON":
            adjusted.pop("desiredCount", None)
        if (new.get("propagateTags") or "NONE") == (old.get("propagateTags") or "NONE"):
            adjusted.pop("propagateTags", None)
        for path, change in changes.items():
            if path.startswith("capacityProviderStrategies"):
                both = bool(old.get("capacityProviderStrategies")) and bool(new.get("capacityProviderStrategies"))
                in_place = both and bool(new.get("forceNewDeployment"))
                adjusted[path] = replace(change, replaces=not in_place)
        return adjusted

    # --- requests

    def _request(self, new: Values) -> Values:
        """What creation and update have in common."""
        request: Values = {
            "deploymentConfiguration": self._deployment(new),
            "enableECSManagedTags": bool(new.get("enableEcsManagedTags")),
            "enableExecuteCommand": bool(new.get("enableExecuteCommand")),
            "loadBalancers": [
                {key: value for key, value in _renamed(item, {"elbName": "loadBalancerName"}).items() if value}
                for item in new.get("loadBalancers") or ()
            ],
            "placementConstraints": [
                {key: value for key, value in item.items() if value} for item in new.get("placementConstraints") or ()
            ],
            "placementStrategy": [
                {key: value for key, value in item.items() if value}
                for item in new.get("orderedPlacementStrategies") or ()
            ],
            "propagateTags": new.get("propagateTags") or "NONE",
            "serviceRegistries": [
                {key: value for key, value in item.items() if value}
                for item in ([new["serviceRegistries"]] if new.get("serviceRegistries") else [])
            ],
        }
        if new.get("schedulingStrategy") != "DAEMON":
            request["desiredCount"] = new.get("desiredCount") or 0
        if new.get("availabilityZoneRebalancing"):
            request["availabilityZoneRebalancing"] = new["availabilityZoneRebalancing"]
        if new.get("healthCheckGracePeriodSeconds") is not None and request["loadBalancers"]:
            request["healthCheckGracePeriodSeconds"] = new["healthCheckGracePeriodSeconds"]
        if network := new.get("networkConfiguration"):
            request["networkConfiguration"] = {
                "awsvpcConfiguration": {
                    "subnets": network["subnets"],
                    "securityGroups": network.get("securityGroups") or [],
                    "assignPublicIp": "ENABLED" if network.get("assignPublicIp") else "DISABLED",
                }
            }
        if new.get("capacityProviderStrategies"):
            request["capacityProviderStrategy"] = strategy_request(new["capacityProviderStrategies"])
        for key in ("platformVersion", "taskDefinition"):
            if new.get(key):
                request[key] = new[key]
        return request

    def _deployment(self, new: Values) -> Values:
        request: Values = {
            "maximumPercent": new.get("deploymentMaximumPercent", 200),
            "minimumHealthyPercent": new.get("deploymentMinimumHealthyPercent", 100),
        }
        if new.get("schedulingStrategy") == "DAEMON":
            request["maximumPercent"] = 100
        if breaker := new.get("deploymentCircuitBreaker"):
            request["deploymentCircuitBreaker"] = breaker
        if alarms := new.get("alarms"):
            request["alarms"] = alarms
        given = new.get("deploymentConfiguration") or {}
        for key in ("canaryConfiguration", "linearConfiguration"):
            if given.get(key):
                request[key] = {
                    name: int(value) if name.endswith("Minutes") else float(value)
                    for name, value in given[key].items()
                    if value is not None
                }
        if given.get("strategy"):
            request["strategy"] = given["strategy"]
        if given.get("bakeTimeInMinutes"):
            request["bakeTimeInMinutes"] = int(given["bakeTimeInMinutes"])
        if given.get("lifecycleHooks"):
            request["lifecycleHooks"] = [
                {**hook, **({"hookDetails": json.loads(hook["hookDetails"])} if hook.get("hookDetails") else {})}
                for hook in given["lifecycleHooks"]
            ]
        return request

    def create(self, call: Call, new: Values) -> str:
        request = self._request(new)
        request["serviceName"] = new["name"]
        request["schedulingStrategy"] = new["schedulingStrategy"]
        if controller := new.get("deploymentController"):
            request["deploymentController"] = controller
        for key, api in {"cluster": "cluster", "launchType": "launchType", "iamRole": "role"}.items():
            if new.get(key):
                request[api] = new[key]
        if new["tagsAll"]:
            request["tags"] = tags_request(new["tagsAll"])
        return str(call.client("ecs").create_service(**request)["service"]["serviceArn"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        def is_active() -> bool:
            found = self._find(call, resource_id, new.get("cluster"))
            return found is not None and found["status"] == "ACTIVE"

        call.wait(f"service {new['name']}", is_active, default_seconds=SERVICE_SECONDS)
        if new.get("waitForSteadyState"):
            self._wait_for_steady_state(call, resource_id, new.get("cluster"))

    # --- reading

    def _find(self, call: Call, service: str, cluster: Any) -> Values | None:
        request: Values = {"services": [service], "include": ["TAGS"]}
        if cluster or service.count("/") == 2:
            request["cluster"] = cluster or service.split("/")[-2]
        try:
            found = call.client("ecs").describe_services(**request)["services"]
        except Exception as error:
            if error_code(error) == "ClusterNotFoundException":
                return None
            raise
        return found[0] if found else None

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        cluster = state.get("cluster")
        if not resource_id.startswith("arn:") and "/" in resource_id:  # an import: <cluster>/<service>
            cluster, _, resource_id = resource_id.partition("/")
        found = self._find(call, resource_id, cluster)
        if found is None or found["status"] == "INACTIVE":
            return None
        deployment = found.get("deploymentConfiguration") or {}
        network = (found.get("networkConfiguration") or {}).get("awsvpcConfiguration")
        known_cluster, known_definition = state.get("cluster"), state.get("taskDefinition")
        definition = found.get("taskDefinition")
        breaker = deployment.get("deploymentCircuitBreaker")
        if not state.get("deploymentCircuitBreaker") and breaker == {"enable": False, "rollback": False}:
            breaker = None  # the official provider reads "off" as absent unless it was given

        registries = found.get("serviceRegistries") or []
        return {
            "id": found["serviceArn"],
            "alarms": deployment.get("alarms"),
            "arn": found["serviceArn"],
            "availabilityZoneRebalancing": found.get("availabilityZoneRebalancing")
            or state.get("availabilityZoneRebalancing", "DISABLED"),
            "capacityProviderStrategies": found.get("capacityProviderStrategy") or [],
            "cluster": known_cluster if same_reference(known_cluster, found["clusterArn"]) else found["clusterArn"],
            "deploymentCircuitBreaker": breaker,
            "deploymentController": found.get("deploymentController"),
            "deploymentMaximumPercent": deployment.get("maximumPercent"),
            "deploymentMinimumHealthyPercent": deployment.get("minimumHealthyPercent"),
            "desiredCount": found.get("desiredCount"),
            "enableExecuteCommand": found.get("enableExecuteCommand", False),
            "healthCheckGracePeriodSeconds": found.get("healthCheckGracePeriodSeconds"),
            "iamRole": found.get("roleArn") or None,
            "launchType": found.get("launchType"),
            "loadBalancers": [
                _renamed(item, {"loadBalancerName": "elbName"}) for item in found.get("loadBalancers") or ()
            ],
            "name": found["serviceName"],
            "networkConfiguration": {
                "assignPublicIp": network.get("assignPublicIp") == "ENABLED",
                "securityGroups": network.get("securityGroups") or [],
                "subnets": network.get("subnets") or [],
            }
            if network
            else None,
            "orderedPlacementStrategies": found.get("placementStrategy"),
            "placementConstraints": found.get("placementConstraints"),
            "platformVersion": found.get("platformVersion") or None,
            "schedulingStrategy": found.get("schedulingStrategy", "REPLICA"),
            "serviceRegistries": registries[0] if registries else None,
            "tags": tags_of(found.get("tags")),
            "taskDefinition": known_definition
            if known_definition and same_task_definition(definition, known_definition)
            else definition,
        }

    # --- changing

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed - {"tags", "tagsAll", "waitForSteadyState", "forceDelete", "sigintRollback"}:
            request = self._request(new)
            if new.get("forceNewDeployment") or "triggers" in changed:
                request["forceNewDeployment"] = True
            if "capacityProviderStrategies" not in changed:
                request.pop("capacityProviderStrategy", None)
            call.client("ecs").update_service(service=resource_id, cluster=old["cluster"], **request)
            if new.get("waitForSteadyState"):
                self._wait_for_steady_state(call, resource_id, old["cluster"])
        change_tags(call, resource_id, old, new)

    def _wait_for_steady_state(self, call: Call, service: str, cluster: Any) -> None:
        """Until the deployment that is primary now runs all its tasks alone; fails when ECS gives it up.

        The emulator has no service deployments to list, so this follows the service's own.
        """
        first = self._find(call, service, cluster) or {}
        target: Values = next((item for item in first.get("deployments", ()) if item["status"] == "PRIMARY"), {})
        progress = {"text": ""}

        def is_steady() -> bool:
            found = self._find(call, service, cluster)
            if found is None or found["status"] == "INACTIVE":
                raise ProviderError(f"service {arn_tail(service)} was deleted while it was being deployed")
            deployments = found.get("deployments") or []
            current = next((item for item in deployments if item["id"] == target.get("id")), None)
            primary: Values = next((item for item in deployments if item["status"] == "PRIMARY"), {})
            if current is not None and current.get("rolloutState") == "FAILED":
                raise ProviderError(self._post_mortem(call, found, current, primary))
            if current is None or current["id"] != primary.get("id"):
                raise ProviderError(
                    f"service {found['serviceName']}: another deployment took over "
                    f"({arn_tail(primary.get('taskDefinition'))}); look at it, and run the command again"
                )
            others = sum(item["runningCount"] for item in deployments if item["id"] != current["id"])
            progress["text"] = (
                f"{arn_tail(current['taskDefinition'])}: "
                f"{current['runningCount']} of {found['desiredCount']} tasks running, "
                f"{current.get('failedTasks', 0)} failed, {others} of older deployments left"
            )
            return (
                current.get("rolloutState") in (None, "COMPLETED")
                and current["runningCount"] == found["desiredCount"]
                and others == 0
            )

        call.wait(_Progress(progress, arn_tail(service)), is_steady, default_seconds=SERVICE_SECONDS)  # type: ignore[arg-type]

    def _post_mortem(self, call: Call, service: Values, failed: Values, primary: Values) -> str:
        reasons = [failed.get("rolloutStateReason") or "ECS gave the deployment up"]
        ecs = call.client("ecs")
        stopped = ecs.list_tasks(
            cluster=service["clusterArn"], serviceName=service["serviceName"], desiredStatus="STOPPED"
        )["taskArns"]
        if stopped:
            for task in ecs.describe_tasks(cluster=service["clusterArn"], tasks=stopped[:10])["tasks"]:
                if task.get("taskDefinitionArn") == failed["taskDefinition"] and task.get("stoppedReason"):
                    containers = [
                        f"{item['name']}: {item.get('reason') or 'exit code ' + str(item.get('exitCode'))}"
                        for item in task.get("containers", ())
                        if item.get("reason") or item.get("exitCode") is not None
                    ]
                    reasons.append("; ".join([task["stoppedReason"], *containers]))
                    break
        now = arn_tail(primary.get("taskDefinition"))
        outcome = f"rolled back to {now}" if primary and primary["id"] != failed["id"] else "it was not rolled back"
        what = f"service {service['serviceName']}: {arn_tail(failed['taskDefinition'])} failed"
        return f"{what}, {outcome}: {': '.join(reasons)}"

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        ecs = call.client("ecs")
        cluster = state.get("cluster")
        found = self._find(call, resource_id, cluster)
        if found is None or found["status"] == "INACTIVE":
            return
        force = bool(state.get("forceDelete"))
        if found["status"] == "ACTIVE" and found.get("schedulingStrategy") != "DAEMON" and not force:
            ecs.update_service(service=resource_id, cluster=cluster, desiredCount=0)

        def is_deleted() -> bool:
            try:
                ecs.delete_service(service=resource_id, cluster=cluster, force=force)
            except Exception as error:
                code = error_code(error)
                if code in ("ServiceNotFoundException", "ServiceNotActiveException", "ClusterNotFoundException"):
                    return True
                if code == "InvalidParameterException":  # still scaled above zero, or with deployments
                    return False
                raise
            return True

        call.wait(f"service {state.get('name')} to stop its tasks", is_deleted, default_seconds=SERVICE_SECONDS)

        def is_gone() -> bool:
            now = self._find(call, resource_id, cluster)
            return now is None or now["status"] == "INACTIVE"

        call.wait(f"service {state.get('name')} to drain", is_gone, default_seconds=SERVICE_SECONDS)


class _Progress:
    """What a wait for a service shows: the counts of its last look."""

    def __init__(self, progress: Mapping[str, str], service: str) -> None:
        self._progress = progress
        self._service = service

    def __str__(self) -> str:
        return f"service {self._service} ({self._progress['text']})"


def _placement(strategies: Any) -> list[tuple[str, str]]:
    """`host` is another word for `instanceId`, and random has no field."""
    result = []
    for item in strategies or ():
        field = str(item.get("field") or "")
        result.append((item["type"], "instanceId" if field == "host" else field))
    return result


def _known_list(value: Any) -> list[Values]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _renamed(values: Values, names: Mapping[str, str]) -> Values:
    return {names.get(key, key): value for key, value in values.items()}
