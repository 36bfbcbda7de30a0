# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Elastic Container Service: clusters and their capacity providers; and what all ECS types share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_changes, tag_list, tag_map
from local.providers.aws.schema import block, blocks, integer, output, string, strings
from local.providers.server import ProviderError

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


class Cluster(Resource):
    type_name = "aws:ecs/cluster:Cluster"
    properties = {
        "arn": output(),
        "configuration": block(
            {
                "executeCommandConfiguration": block(
                    {
                        "logConfiguration": block({"cloudWatchLogGroupName": string()}),
                        "logging": string(default="DEFAULT", allowed=("NONE", "DEFAULT", "OVERRIDE")),
                    }
                ),
            },
            forgotten=True,
        ),
        "name": string(replaces=True, pattern=r"[\w-]{1,255}"),
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
            request["configuration"] = configuration
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
        return found[0] if found and found[0]["status"] != "INACTIVE" else None

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = self._find(call, resource_id)
        if found is None:
            return None
        return {
            "id": found["clusterArn"],
            "arn": found["clusterArn"],
            "configuration": found.get("configuration"),
            "name": found["clusterName"],
            "settings": found.get("settings") or [],
            "tags": tags_of(found.get("tags")),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        if changed & {"settings", "configuration"}:
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
