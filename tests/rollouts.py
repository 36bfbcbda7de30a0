"""The services of a run of a program, as the policies, the risk report and the components each come to know them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from components.ecs_api import Api
from ecs_policy.deployment_bounds import Deployment
from ecs_policy.model import Service, resource
from ecs_policy.service_rollout import TASK_START_SECONDS, deployment_of, deployment_of_resource
from ecs_policy.stack import Stack
from risk.preview import Change, Preview
from risk.rollout import previewed_deployment
from tests.mocks import REGION, Resource, Run, outputs_of

SERVICE = "aws:ecs/service:Service"


def seen_by_policies(made: Run, **changes: Any) -> Stack:
    """The stack as the policies see it, with some inputs of its services changed."""
    urns = {f"{each.type} {each.name}": each.urn for each in made.resources}
    return Stack(
        resource(
            type=each.type,
            urn=each.urn,
            name=each.name,
            inputs={**each.inputs, **changes} if each.type == SERVICE else each.inputs,
            outputs=None if each.type.startswith("h4b:") else outputs_of(each),
            parent=urns.get(each.parent, ""),
        )
        for each in made.resources
    )


def previewed(made: Run) -> Preview:
    """The preview of an update that changes every resource."""
    resources = [each for each in made.resources if not each.type.startswith("h4b:")]
    return Preview(
        changes=tuple(
            Change(each.urn, each.type, "update", id=outputs_of(each)["id"], after=each.inputs) for each in resources
        ),
        components={
            each.urn.replace("pulumi:pulumi:Stack$", ""): each.inputs  # the engine leaves the stack out of URNs
            for each in made.resources
            if each.type.startswith("h4b:") and each.inputs
        },
        remarks=(),
        errors=(),
        complete=True,
    )


def read_by_policies(made: Run) -> dict[str, Deployment]:
    """Name of each service to its deployment."""
    return {each.name: deployment_of_resource(each) for each in seen_by_policies(made).all(Service)}


def read_by_the_risk_report(made: Run) -> dict[str, Deployment]:
    """Name of each service to its deployment."""
    found, preview = {}, previewed(made)
    for change in preview.of_type(SERVICE):
        deployment, _ = previewed_deployment(change, preview)
        assert deployment is not None
        found[change.name] = deployment
    return found


def read_by_the_verdict(made: Run) -> dict[str, Deployment]:
    """Name of each service to its deployment, as AWS would answer for it."""
    found = {}
    for each in made.resources:
        if each.type != SERVICE:
            continue
        api = Api(f"arn:aws:ecs:{REGION}:123456789012:service/shop/{each.name}", "shop", client=AwsAnswers(made, each))
        service = api.service()
        component = next((one for one in made.resources if f"{one.type} {one.name}" == each.parent), None)
        found[each.name] = deployment_of(
            service,
            containers=api.containers(service["taskDefinition"]),
            target_groups=api.target_groups(service),
            alarms=api.alarms(service),
            task_start_seconds=int((component.inputs if component else {}).get("taskStartSeconds", TASK_START_SECONDS)),
        )
    return found


class AwsAnswers:
    """Clients of boto3 that answer about one service of a run, in the API's own words."""

    def __init__(self, made: Run, service: Resource) -> None:
        self._made, self._service = made, service

    def __call__(self, name: str, region_name: str) -> AwsAnswers:
        return self

    def describe_services(self, **_: Any) -> dict[str, Any]:
        inputs = self._service.inputs
        settings = inputs.get("deploymentConfiguration", {})
        described: dict[str, Any] = {
            "minimumHealthyPercent": int(inputs.get("deploymentMinimumHealthyPercent", 100)),
            "maximumPercent": int(inputs.get("deploymentMaximumPercent", 200)),
            "strategy": settings.get("strategy", "ROLLING"),
            "bakeTimeInMinutes": int(settings.get("bakeTimeInMinutes", 0)),
            "deploymentCircuitBreaker": inputs.get("deploymentCircuitBreaker", {"enable": False, "rollback": False}),
            "alarms": inputs.get("alarms", {"alarmNames": [], "enable": False, "rollback": False}),
            "lifecycleHooks": [_hook(each) for each in settings.get("lifecycleHooks", ())],
        }
        if linear := settings.get("linearConfiguration"):
            described["linearConfiguration"] = {
                "stepPercent": float(linear["stepPercent"]),
                "stepBakeTimeInMinutes": int(linear["stepBakeTimeInMinutes"]),
            }
        if canary := settings.get("canaryConfiguration"):
            described["canaryConfiguration"] = {
                "canaryPercent": float(canary["canaryPercent"]),
                "canaryBakeTimeInMinutes": int(canary["canaryBakeTimeInMinutes"]),
            }
        service = {
            "status": "ACTIVE",
            "desiredCount": int(inputs["desiredCount"]),
            "taskDefinition": inputs["taskDefinition"],
            "deploymentConfiguration": described,
            "healthCheckGracePeriodSeconds": int(inputs.get("healthCheckGracePeriodSeconds", 0)),
            "capacityProviderStrategy": inputs.get("capacityProviderStrategies", []),
            "loadBalancers": inputs.get("loadBalancers", []),
            "deployments": [],
            "createdAt": datetime(2026, 5, 4, tzinfo=timezone.utc),
        }
        return {"services": [service]}

    def describe_task_definition(self, taskDefinition: str) -> dict[str, Any]:  # noqa: N803
        found = self._one("aws:ecs/taskDefinition:TaskDefinition", taskDefinition)
        return {"taskDefinition": {"containerDefinitions": json.loads(found["containerDefinitions"])}}

    def describe_target_groups(self, TargetGroupArns: list[str]) -> dict[str, Any]:  # noqa: N803
        return {"TargetGroups": [_group(self._one("aws:lb/targetGroup:TargetGroup", each)) for each in TargetGroupArns]}

    def describe_target_group_attributes(self, TargetGroupArn: str) -> dict[str, Any]:  # noqa: N803
        delay = self._one("aws:lb/targetGroup:TargetGroup", TargetGroupArn).get("deregistrationDelay", 300)
        return {"Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": str(int(delay))}]}

    def describe_alarms(self, AlarmNames: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        found = [self._one("aws:cloudwatch/metricAlarm:MetricAlarm", each, "name") for each in AlarmNames]
        return {"MetricAlarms": [_alarm(each) for each in found], "CompositeAlarms": []}

    def _one(self, kind: str, known_as: str, key: str = "arn") -> Mapping[str, Any]:
        found = [outputs_of(each) for each in self._made.resources if each.type == kind]
        return next(each for each in found if each[key] == known_as)


def _hook(hook: Mapping[str, Any]) -> dict[str, Any]:
    described = {key: hook[key] for key in ("targetType", "lifecycleStages") if key in hook}
    if timeout := hook.get("timeoutConfiguration"):
        described["timeoutConfiguration"] = {**timeout, "timeoutInMinutes": int(timeout["timeoutInMinutes"])}
    return described


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    check = group.get("healthCheck", {})
    return {
        "TargetGroupArn": group["arn"],
        "Protocol": group.get("protocol", "HTTP"),
        "HealthCheckIntervalSeconds": int(check.get("interval", 30)),
        "HealthCheckTimeoutSeconds": int(check.get("timeout", 5)),
        "HealthyThresholdCount": int(check.get("healthyThreshold", 5)),
        "UnhealthyThresholdCount": int(check.get("unhealthyThreshold", 2)),
    }


def _alarm(alarm: Mapping[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"AlarmName": alarm["name"], "EvaluationPeriods": int(alarm["evaluationPeriods"])}
    if "period" in alarm:
        described["Period"] = int(alarm["period"])
    for query in alarm.get("metricQueries", ()):
        metric = {"MetricStat": {"Period": int(query["metric"]["period"])}} if "metric" in query else {}
        described.setdefault("Metrics", []).append({"Id": query["id"], **metric})
    return described
