# ruff: noqa: RUF012 - a description has fixed methods, and its tables are never changed
"""Elastic Container Service: services."""

from __future__ import annotations

from typing import Any

from local.providers.aws.ecs import (
    CAPACITY_STRATEGY,
    change_tags,
    same_strategy,
    strategy_request,
    tags_of,
    tags_request,
)
from local.providers.aws.resource import Call, Resource, Values, error_code
from local.providers.aws.schema import (
    Change,
    Property,
    block,
    blocks,
    boolean,
    integer,
    mapping,
    output,
    string,
    strings,
)
from local.providers.server import ProviderError

SERVICE_SECONDS = 20 * 60
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
    "targetGroupArn": string(required=True),
}
DEPLOYMENT_CONFIGURATION = {
    "bakeTimeInMinutes": string(computed=True),
    "canaryConfiguration": block({"canaryBakeTimeInMinutes": string(), "canaryPercent": Property(kind="number")}),
    "lifecycleHooks": blocks(
        {
            "lifecycleStages": strings(required=True, ordered=True),
            "targetType": string(allowed=("PAUSE",)),
            "timeoutConfiguration": block(
                {"action": string(allowed=("ROLLBACK", "CONTINUE")), "timeoutInMinutes": string()}
            ),
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
        "forceNewDeployment": boolean(kept=True),
        "healthCheckGracePeriodSeconds": integer(minimum=0),
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
        "taskDefinition": string(same=same_task_definition),
        "triggers": mapping(computed=True, kept=True),
        # Whether a deployment has succeeded is the program's business, not the provider's.
        "waitForSteadyState": boolean(default=False, kept=True, allowed=(False,)),
    }

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
        return problems

    def adjust_differences(self, old: Values, new: Values, changes: dict[str, Change]) -> dict[str, Change]:
        adjusted = dict(changes)
        if (new.get("propagateTags") or "NONE") == (old.get("propagateTags") or "NONE"):
            adjusted.pop("propagateTags", None)
        if not new.get("forceNewDeployment") or (old.get("triggers") and not new.get("triggers")):
            adjusted = {path: change for path, change in adjusted.items() if not path.startswith("triggers")}
        if any(path.startswith("capacityProviderStrategies") for path in changes) and not new.get("forceNewDeployment"):
            raise ProviderError(
                "force_new_deployment should be true when capacity_provider_strategy is being updated: "
                "got capacityProviderStrategies without forceNewDeployment, expected both; set forceNewDeployment"
            )
        return adjusted

    # --- requests

    def _request(self, new: Values) -> Values:
        """What creation and update have in common."""
        request: Values = {
            "deploymentConfiguration": self._deployment(new),
            "desiredCount": new.get("desiredCount") or 0,
            "enableECSManagedTags": bool(new.get("enableEcsManagedTags")),
            "enableExecuteCommand": bool(new.get("enableExecuteCommand")),
            "loadBalancers": [
                {key: value for key, value in item.items() if value} for item in new.get("loadBalancers") or ()
            ],
            "placementConstraints": [
                {key: value for key, value in item.items() if value} for item in new.get("placementConstraints") or ()
            ],
            "placementStrategy": [
                {key: value for key, value in item.items() if value}
                for item in new.get("orderedPlacementStrategies") or ()
            ],
            "propagateTags": new.get("propagateTags") or "NONE",
        }
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
            request["lifecycleHooks"] = [_hook_request(hook) for hook in given["lifecycleHooks"]]
        return request

    def create(self, call: Call, new: Values) -> str:
        request = self._request(new)
        request["serviceName"] = new["name"]
        if controller := new.get("deploymentController"):
            request["deploymentController"] = controller
        for key in ("cluster", "launchType"):
            if new.get(key):
                request[key] = new[key]
        if new["tagsAll"]:
            request["tags"] = tags_request(new["tagsAll"])
        return str(call.client("ecs").create_service(**request)["service"]["serviceArn"])

    def settle(self, call: Call, resource_id: str, new: Values) -> None:
        def is_active() -> bool:
            found = self._find(call, resource_id, new.get("cluster"))
            return found is not None and found["status"] == "ACTIVE"

        call.wait(f"service {new['name']}", is_active, default_seconds=SERVICE_SECONDS)

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
            "launchType": found.get("launchType"),
            "loadBalancers": found.get("loadBalancers") or [],
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
            "tags": tags_of(found.get("tags")),
            "taskDefinition": known_definition
            if known_definition and same_task_definition(definition, known_definition)
            else definition,
        }

    # --- changing

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed - {"tags", "tagsAll"}:
            request = self._request(new)
            if new.get("forceNewDeployment"):
                request["forceNewDeployment"] = True
            if "capacityProviderStrategies" in changed:
                request["capacityProviderStrategy"] = strategy_request(new.get("capacityProviderStrategies") or [])
            else:
                request.pop("capacityProviderStrategy", None)
            call.client("ecs").update_service(service=resource_id, cluster=old["cluster"], **request)
        change_tags(call, resource_id, old, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        ecs = call.client("ecs")
        cluster = state.get("cluster")
        found = self._find(call, resource_id, cluster)
        if found is None or found["status"] == "INACTIVE":
            return
        if found["status"] == "ACTIVE":
            ecs.update_service(service=resource_id, cluster=cluster, desiredCount=0)

        def is_deleted() -> bool:
            try:
                ecs.delete_service(service=resource_id, cluster=cluster)
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


def _hook_request(hook: Values) -> Values:
    request = {key: value for key, value in hook.items() if value}
    if timeout := request.get("timeoutConfiguration"):
        request["timeoutConfiguration"] = {**timeout, "timeoutInMinutes": int(timeout["timeoutInMinutes"])}
    return request


def _placement(strategies: Any) -> list[tuple[str, str]]:
    """`host` is another word for `instanceId`, and random has no field."""
    result = []
    for item in strategies or ():
        field = str(item.get("field") or "")
        result.append((item["type"], "instanceId" if field == "host" else field))
    return result


def _known_list(value: Any) -> list[Values]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
