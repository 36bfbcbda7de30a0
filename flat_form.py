"""The flat keys that stack files had before their settings stood in groups, and the same in groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

MOVED: Mapping[str, str] = {
    "imageVersion": "image.version",
    "imageBase": "image.base",
    "repositoryName": "image.repositoryName",
    "vpcCidr": "network.vpcCidr",
    "availabilityZoneCount": "network.availabilityZoneCount",
    "natGateways": "network.natGateways",
    "vpcEndpoints": "network.vpcEndpoints",
    "flowLogRetentionDays": "network.flowLogRetentionDays",
    "loadBalancerScheme": "loadBalancer.scheme",
    "allowedIngressCidrs": "loadBalancer.allowedIngressCidrs",
    "accessLogRetentionDays": "loadBalancer.accessLogRetentionDays",
    "domainName": "domain.name",
    "hostedZoneId": "domain.hostedZoneId",
    "certificateArn": "domain.certificateArn",
    "launchType": "service.launchType",
    "desiredCount": "service.desiredCount",
    "executeCommand": "service.executeCommand",
    "taskStartSeconds": "service.taskStartSeconds",
    "healthCheckGracePeriodSeconds": "service.healthCheckGracePeriodSeconds",
    "forceNewDeployment": "service.forceNewDeployment",
    "rollbackOnInterrupt": "service.rollbackOnInterrupt",
    "fargateOnDemandBase": "fargate.onDemandBase",
    "instanceType": "instances.instanceType",
    "minInstances": "instances.minSize",
    "maxInstances": "instances.maxSize",
    "placementStrategies": "placement.strategies",
    "placementConstraints": "placement.constraints",
    "taskCpuUnits": "task.cpuUnits",
    "taskMemoryMib": "task.memoryMib",
    "cpuArchitecture": "task.cpuArchitecture",
    "networkMode": "task.networkMode",
    "ephemeralStorageGib": "task.ephemeralStorageGib",
    "logRetentionDays": "task.logRetentionDays",
    "containerPort": "container.port",
    "containerUser": "container.user",
    "healthCheckCommand": "container.healthCheckCommand",
    "stopTimeoutSeconds": "container.stopTimeoutSeconds",
    "healthCheckPath": "targetGroup.healthCheckPath",
    "deregistrationDelaySeconds": "targetGroup.deregistrationDelaySeconds",
    "deploymentStrategy": "deployment.strategy",
    "deploymentStepPercent": "deployment.stepPercent",
    "deploymentStepMinutes": "deployment.stepMinutes",
    "deploymentBakeMinutes": "deployment.bakeMinutes",
    "approvalStage": "deployment.approval.stage",
    "approvalTimeoutMinutes": "deployment.approval.timeoutMinutes",
    "migrationCommand": "migration.command",
    "migrationTimeoutMinutes": "migration.timeoutMinutes",
    "maxCount": "scaling.maxCount",
    "scalingCpuPercent": "scaling.cpuPercent",
    "scalingMemoryPercent": "scaling.memoryPercent",
    "scalingRequestsPerTarget": "scaling.requestsPerTarget",
    "scalingSchedule": "scaling.schedule",
    "scalingTimezone": "scaling.timezone",
    "alarmErrorPercent": "alarms.errorPercent",
    "alarmLatencyMilliseconds": "alarms.latencyMilliseconds",
    "alarmEmail": "alarms.email",
}
"""Flat key to the path of the same setting."""

_WEIGHTS = ("fargateSpotWeight", "fargateOnDemandWeight")
_GONE = {
    "keepImages": "100 images are kept",
    "listenerPort": "the load balancer listens on 80, and with a certificate on 443",
}


def flat_keys(values: Mapping[str, Any]) -> list[str]:
    """The keys of the flat form."""
    known = {*MOVED, *_WEIGHTS, *_GONE}
    # `alarms` was a switch, and is a group.
    return [key for key in values if key in known or (key == "alarms" and isinstance(values[key], bool))]


def in_groups(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings in groups; what is in groups already stays."""
    grouped: dict[str, Any] = {}
    for key, value in values.items():
        path = "alarms.enabled" if key == "alarms" and isinstance(value, bool) else MOVED.get(key)
        if path is not None:
            _put(grouped, path, value)
        elif key not in (*_WEIGHTS, *_GONE):
            present = grouped.get(key)
            grouped[key] = {**present, **value} if isinstance(present, dict) and isinstance(value, dict) else value
    weights = [values.get(key, default) for key, default in zip(_WEIGHTS, (0, 1), strict=True)]
    if all(isinstance(each, int) for each in weights) and any(key in values for key in _WEIGHTS) and sum(weights):
        _put(grouped, "fargate.spotPercent", round(100 * weights[0] / sum(weights)))
    return grouped


def _put(grouped: dict[str, Any], path: str, value: Any) -> None:
    *groups, key = path.split(".")
    for group in groups:
        grouped = grouped.setdefault(group, {})
    grouped[key] = value


def problem(project: str, values: Mapping[str, Any]) -> str | None:
    """What to write instead of flat keys, ready to be pasted; None where there are none. A value of None is secret."""
    flat = flat_keys(values)
    if not flat:
        return None
    shown = {key: "<secret>" if value is None else value for key, value in values.items()}
    touched = in_groups({key: shown[key] for key in flat})
    blocks = {f"{project}:{key}": value for key, value in in_groups(shown).items() if key in touched}
    text = yaml.safe_dump(blocks, sort_keys=False, allow_unicode=True, width=1000)
    lines = [f"  {line}" for line in text.splitlines()]
    lines += [f"  # {key} is no key any more: {why}" for key, why in _GONE.items() if key in values]
    secret = [
        f"  # pulumi config set --secret --path '{project}:{MOVED.get(key, key)}'"
        for key, value in values.items()
        if value is None
    ]
    return "\n".join(
        [
            f"{', '.join(flat[:5])}{f' and {len(flat) - 5} more' if len(flat) > 5 else ''}: got the flat form of the "
            "keys, expected groups; write these blocks instead, the other keys stay:",
            "",
            *lines,
            *(["  # Instead of <secret>, set it again:", *secret] if secret else []),
        ]
    )
