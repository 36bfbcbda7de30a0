# ruff: noqa: ARG002, RUF012 - a description has fixed methods, and its tables are never changed
"""Application Auto Scaling, which the emulator does not have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.providers.aws.resource import Call, Resource, Values, error_code, ignoring, tag_changes
from local.providers.aws.schema import block, integer, number, output, string
from local.providers.server import ProviderError

_WHOSE = {
    "resourceId": string(required=True, replaces=True),
    "scalableDimension": string(required=True, replaces=True),
    "serviceNamespace": string(required=True, replaces=True),
}


def _whose(values: Values) -> Values:
    return {
        "ResourceId": values["resourceId"],
        "ScalableDimension": values["scalableDimension"],
        "ServiceNamespace": values["serviceNamespace"],
    }


@contextmanager
def _making() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if error_code(error) != "ServiceNotServed":
            raise
        raise ProviderError(
            "Application Auto Scaling: expected the service; the emulator does not have it, "
            "make this stack on AWS, or without scaling (maxCount: 0)"
        ) from error


def _one(call: Call, operation: str, answer: str, **request: Any) -> Values | None:
    found = getattr(call.client("application-autoscaling"), operation)(**request)[answer]
    return found[0] if found else None


class Target(Resource):
    type_name = "aws:appautoscaling/target:Target"
    name_property = None
    properties = {
        **_WHOSE,
        "arn": output(),
        "maxCapacity": integer(required=True, minimum=0),
        "minCapacity": integer(required=True, minimum=0),
        "roleArn": output(),
    }

    def create(self, call: Call, new: Values) -> str:
        request = {**_whose(new), "MinCapacity": new["minCapacity"], "MaxCapacity": new["maxCapacity"]}
        if new["tagsAll"]:
            request["Tags"] = new["tagsAll"]
        with _making():
            call.client("application-autoscaling").register_scalable_target(**request)
        return str(new["resourceId"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = _one(
            call,
            "describe_scalable_targets",
            "ScalableTargets",
            ServiceNamespace=state["serviceNamespace"],
            ResourceIds=[resource_id],
            ScalableDimension=state["scalableDimension"],
        )
        if found is None:
            return None
        arn = found.get("ScalableTargetARN")
        tags = call.client("application-autoscaling").list_tags_for_resource(ResourceARN=arn)["Tags"] if arn else {}
        return {
            "arn": arn,
            "maxCapacity": found["MaxCapacity"],
            "minCapacity": found["MinCapacity"],
            "resourceId": resource_id,
            "roleArn": found.get("RoleARN"),
            "scalableDimension": found["ScalableDimension"],
            "serviceNamespace": found["ServiceNamespace"],
            "tags": tags,
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        scaling = call.client("application-autoscaling")
        if changed & {"minCapacity", "maxCapacity"}:
            scaling.register_scalable_target(
                **_whose(new), MinCapacity=new["minCapacity"], MaxCapacity=new["maxCapacity"]
            )
        put, removed = tag_changes(old, new)
        if removed:
            scaling.untag_resource(ResourceARN=old["arn"], TagKeys=removed)
        if put:
            scaling.tag_resource(ResourceARN=old["arn"], Tags=put)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ObjectNotFoundException"):
            call.client("application-autoscaling").deregister_scalable_target(**_whose(state))


class Policy(Resource):
    type_name = "aws:appautoscaling/policy:Policy"
    tagged = False
    properties = {
        **_WHOSE,
        "alarmArns": output("list"),
        "arn": output(),
        "name": string(computed=True, replaces=True),
        "policyType": string(default="StepScaling", allowed=("TargetTrackingScaling",)),
        "targetTrackingScalingPolicyConfiguration": block(
            {
                "predefinedMetricSpecification": block(
                    {"predefinedMetricType": string(required=True), "resourceLabel": string()}, required=True
                ),
                "scaleInCooldown": integer(minimum=0),
                "scaleOutCooldown": integer(minimum=0),
                "targetValue": number(required=True),
            },
            required=True,
        ),
    }

    def create(self, call: Call, new: Values) -> str:
        given = new["targetTrackingScalingPolicyConfiguration"]
        metric = given["predefinedMetricSpecification"]
        wanted: Values = {
            "TargetValue": given["targetValue"],
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric["predefinedMetricType"]}
            | ({"ResourceLabel": metric["resourceLabel"]} if metric.get("resourceLabel") else {}),
        }
        for key, api in {"scaleInCooldown": "ScaleInCooldown", "scaleOutCooldown": "ScaleOutCooldown"}.items():
            if given.get(key) is not None:
                wanted[api] = given[key]
        with _making():
            call.client("application-autoscaling").put_scaling_policy(
                PolicyName=new["name"],
                PolicyType=new["policyType"],
                TargetTrackingScalingPolicyConfiguration=wanted,
                **_whose(new),
            )
        return str(new["name"])

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = _one(call, "describe_scaling_policies", "ScalingPolicies", PolicyNames=[resource_id], **_whose(state))
        if found is None:
            return None
        tracking = found["TargetTrackingScalingPolicyConfiguration"]
        metric = tracking["PredefinedMetricSpecification"]
        return {
            "alarmArns": [alarm["AlarmARN"] for alarm in found.get("Alarms") or ()],
            "arn": found["PolicyARN"],
            "name": resource_id,
            "policyType": found["PolicyType"],
            "resourceId": found["ResourceId"],
            "scalableDimension": found["ScalableDimension"],
            "serviceNamespace": found["ServiceNamespace"],
            "targetTrackingScalingPolicyConfiguration": {
                "disableScaleIn": tracking.get("DisableScaleIn", False),
                "predefinedMetricSpecification": {
                    "predefinedMetricType": metric["PredefinedMetricType"],
                    "resourceLabel": metric.get("ResourceLabel"),
                },
                "scaleInCooldown": tracking.get("ScaleInCooldown"),
                "scaleOutCooldown": tracking.get("ScaleOutCooldown"),
                "targetValue": tracking["TargetValue"],
            },
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self.create(call, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ObjectNotFoundException"):
            call.client("application-autoscaling").delete_scaling_policy(PolicyName=resource_id, **_whose(state))


class ScheduledAction(Resource):
    type_name = "aws:appautoscaling/scheduledAction:ScheduledAction"
    tagged = False
    properties = {
        **_WHOSE,
        "arn": output(),
        "name": string(computed=True, replaces=True),
        "scalableTargetAction": block(
            {"maxCapacity": integer(minimum=0), "minCapacity": integer(minimum=0)}, required=True
        ),
        "schedule": string(required=True, pattern=r"(cron|rate|at)\(.+\)"),
        "timezone": string(default="UTC"),
    }

    def create(self, call: Call, new: Values) -> str:
        limits = new["scalableTargetAction"]
        names = {"minCapacity": "MinCapacity", "maxCapacity": "MaxCapacity"}
        with _making():
            call.client("application-autoscaling").put_scheduled_action(
                ScheduledActionName=new["name"],
                Schedule=new["schedule"],
                Timezone=new["timezone"],
                ScalableTargetAction={api: limits[key] for key, api in names.items() if limits.get(key) is not None},
                **_whose(new),
            )
        return f"{new['name']}-{new['serviceNamespace']}-{new['resourceId']}"

    def read(self, call: Call, resource_id: str, state: Values) -> Values | None:
        found = _one(
            call,
            "describe_scheduled_actions",
            "ScheduledActions",
            ScheduledActionNames=[state["name"]],
            **_whose(state),
        )
        if found is None:
            return None
        limits = found["ScalableTargetAction"]
        return {
            "arn": found["ScheduledActionARN"],
            "name": found["ScheduledActionName"],
            "resourceId": found["ResourceId"],
            "scalableDimension": found["ScalableDimension"],
            "scalableTargetAction": {
                "maxCapacity": limits.get("MaxCapacity"),
                "minCapacity": limits.get("MinCapacity"),
            },
            "schedule": found["Schedule"],
            "serviceNamespace": found["ServiceNamespace"],
            "timezone": found.get("Timezone", "UTC"),
        }

    def update(self, call: Call, resource_id: str, old: Values, new: Values, changed: set[str]) -> None:
        self.create(call, new)

    def delete(self, call: Call, resource_id: str, state: Values) -> None:
        with ignoring("ObjectNotFoundException"):
            call.client("application-autoscaling").delete_scheduled_action(
                ScheduledActionName=state["name"], **_whose(state)
            )
