"""What AWS's pages say where the models are silent, and the models' patterns in words.

Keys are structures and members as AWS's reference has them: the page of `ContainerDefinition.image` is
API_ContainerDefinition.html of the same service, that of a request the page of its operation.
"""

from __future__ import annotations

from typing import Any

_NAME = r"[A-Za-z0-9_-]{1,255}"
_PORT = {"min": 1, "max": 65535}
_PERCENT = {"min": 0, "max": 100}

FORMS = {
    _NAME: "1 to 255 letters, digits, _ or -",
    r"[a-z0-9_-]{1,64}": "1 to 64 lower-case letters, digits, _ or -",
    r"[A-Za-z0-9_:./#-]{1,255}(?:@\S+)?": "an image: at most 255 letters, digits, - _ : . / or # before its digest",
    r"[0-9]{1,5}-[0-9]{1,5}": 'a range of ports, as "80-90"',
    r"[0-9A-Fa-f:.]{2,45}": "an IP address",
    r"[\x20-\x7e]+": "printable characters of ASCII",
    r"(?! )[^\x00-\x1f\x7f-\x9f:/|]+(?<! )": "no :, / or |, and no space at either end",
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*": "a name of a repository",
    r"[0-9a-zA-Z._*-]{1,128}": "1 to 128 letters, digits, ., _, * or -",
    r"[a-zA-Z0-9.*-]+": "letters, digits, ., * or -",
    r"[\w\s.:/=+@-]*": "letters, digits, spaces and _ . : / = + - @",
    r"HTTPS?|#\{protocol\}": '"HTTP", "HTTPS" or "#{protocol}"',
    r"[245][0-9][0-9]": "a status from 200 to 299 or 400 to 599",
    r"ipv4pool-coip-[a-zA-Z0-9]+": "the id of an address pool, ipv4pool-coip-...",
    r"ipam-pool-[a-zA-Z0-9]+": "the id of an IPAM pool, ipam-pool-...",
}
"""Every form that is checked, in words. Python matches them as a whole."""

PATTERNS = {
    r"\p{Print}+": r"[\x20-\x7e]+",
    r"(?!((^[ ]+.*)|(.*([\u0000-\u001f]|[\u007f-\u009f]|[:/|])+.*)|(.*[ ]+$))).+": (
        r"(?! )[^\x00-\x1f\x7f-\x9f:/|]+(?<! )"
    ),
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*": "",
    r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*": (
        r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
    ),
    r"^[0-9a-zA-Z._*-]{1,128}$": r"[0-9a-zA-Z._*-]{1,128}",
    r"[a-zA-Z0-9\.\*\-]+": r"[a-zA-Z0-9.*-]+",
    r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)": r"[\w\s.:/=+@-]*",
    r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$": r"[\w\s.:/=+@-]*",
    r"^(HTTPS?|#\{protocol\})$": r"HTTPS?|#\{protocol\}",
    r"^(2|4|5)\d\d$": r"[245][0-9][0-9]",
    r"^(ipv4pool-coip-)[a-zA-Z0-9]+$": r"ipv4pool-coip-[a-zA-Z0-9]+",
    r"^(ipam-pool-)[a-zA-Z0-9]+$": r"ipam-pool-[a-zA-Z0-9]+",
    r"[0-9]{12}": "",
}
"""A model's pattern as Python writes it; empty where nothing that can be written in a program fails it."""

LIMITS: dict[str, dict[str, Any]] = {
    # Amazon ECS
    "AwsVpcConfiguration.securityGroups": {"max": 5},
    "AwsVpcConfiguration.subnets": {"max": 16},
    "CanaryConfiguration.canaryBakeTimeInMinutes": {"min": 0, "max": 1440},
    "CanaryConfiguration.canaryPercent": {"min": 0.1, "max": 100},
    "ClusterServiceConnectDefaultsRequest.namespace": {"max": 1024},
    "ContainerDefinition.cpu": {"min": 0},
    "ContainerDefinition.credentialSpecs": {"max": 1},
    "ContainerDefinition.environmentFiles": {"max": 10},
    "ContainerDefinition.image": {"required": True, "pattern": r"[A-Za-z0-9_:./#-]{1,255}(?:@\S+)?"},
    "ContainerDefinition.memory": {"min": 6},
    "ContainerDefinition.memoryReservation": {"min": 6},
    "ContainerDefinition.name": {"required": True, "pattern": _NAME},
    "ContainerDefinition.startTimeout": {"min": 0},
    "ContainerDefinition.stopTimeout": {"min": 0},
    "ContainerRestartPolicy.ignoredExitCodes": {"max": 50},
    "ContainerRestartPolicy.restartAttemptPeriod": {"min": 60, "max": 1800},
    "CreateCapacityProviderRequest.name": {"pattern": _NAME},
    "CreateClusterRequest.clusterName": {"pattern": _NAME},
    "CreateServiceRequest.capacityProviderStrategy": {"max": 20},
    "CreateServiceRequest.desiredCount": {"min": 0},
    "CreateServiceRequest.healthCheckGracePeriodSeconds": {"min": 0, "max": 2_147_483_647},
    "CreateServiceRequest.placementConstraints": {"max": 10},
    "CreateServiceRequest.placementStrategy": {"max": 5},
    "CreateServiceRequest.serviceName": {"pattern": _NAME},
    "DeploymentConfiguration.bakeTimeInMinutes": {"min": 0, "max": 1440},
    "DeploymentConfiguration.maximumPercent": {"min": 0},
    "DeploymentConfiguration.minimumHealthyPercent": {"min": 0},
    "EFSVolumeConfiguration.transitEncryptionPort": _PORT,
    "EphemeralStorage.sizeInGiB": {"min": 21, "max": 200},
    "HealthCheck.interval": {"min": 5, "max": 300},
    "HealthCheck.retries": {"min": 1, "max": 10},
    "HealthCheck.startPeriod": {"min": 0, "max": 300},
    "HealthCheck.timeout": {"min": 2, "max": 60},
    "HostEntry.ipAddress": {"pattern": r"[0-9A-Fa-f:.]{2,45}"},
    "InfrastructureOptimization.scaleInAfter": {"min": -1, "max": 3600},
    "LinearConfiguration.stepBakeTimeInMinutes": {"min": 0, "max": 1440},
    "LinearConfiguration.stepPercent": {"min": 3, "max": 100},
    "LinuxParameters.maxSwap": {"min": 0},
    "LinuxParameters.sharedMemorySize": {"min": 0},
    "LinuxParameters.swappiness": _PERCENT,
    "PlacementConstraint.expression": {"max": 2000},
    "PlacementStrategy.type": {"required": True},
    "PortMapping.containerPort": _PORT,
    "PortMapping.containerPortRange": {"pattern": r"[0-9]{1,5}-[0-9]{1,5}"},
    "PortMapping.hostPort": {"min": 0, "max": 65535},
    "PortMapping.name": {"pattern": r"[a-z0-9_-]{1,64}"},
    "PutClusterCapacityProvidersRequest.defaultCapacityProviderStrategy": {"max": 20},
    "RegisterTaskDefinitionRequest.containerDefinitions": {
        "min": 1,
        "max": 10,
        "page": "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html",
    },
    "RegisterTaskDefinitionRequest.family": {"pattern": _NAME},
    "RegisterTaskDefinitionRequest.placementConstraints": {"max": 10},
    "S3FilesVolumeConfiguration.transitEncryptionPort": _PORT,
    "ServiceConnectClientAlias.dnsName": {"max": 127},
    "ServiceConnectService.discoveryName": {"max": 64},
    "ServiceManagedEBSVolumeConfiguration.sizeInGiB": {"min": 1},
    "ServiceManagedEBSVolumeConfiguration.throughput": {
        "max": 2000,  # ECS's page says 1,000, and that it is handed on to CreateVolume, which takes 2,000
        "page": "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html",
    },
    "Tmpfs.size": {"min": 0},
    "Volume.name": {"pattern": _NAME},
    # Elastic Load Balancing
    "CreateListenerInput.AlpnPolicy": {
        "enum": ["HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"],
    },
    "CreateLoadBalancerInput.Name": {"max": 32},
    "CreateTargetGroupInput.Name": {"max": 32},
    "CreateTargetGroupInput.ProtocolVersion": {"enum": ["GRPC", "HTTP1", "HTTP2"]},
    "FixedResponseActionConfig.ContentType": {
        "enum": ["text/plain", "text/css", "text/html", "application/javascript", "application/json"],
    },
    "ForwardActionConfig.TargetGroups": {"max": 5},
    "MutualAuthenticationAttributes.Mode": {"enum": ["off", "passthrough", "verify"]},
    "TargetGroupStickinessConfig.DurationSeconds": {"min": 1, "max": 604_800},
    "TargetGroupTuple.Weight": {"min": 0, "max": 999},
    # Application Auto Scaling
    "RegisterScalableTargetRequest.MaxCapacity": {"required": True},
    "RegisterScalableTargetRequest.MinCapacity": {"required": True},
}
"""Length of texts, count of lists, range of numbers: `min` and `max`; `required`, `enum`, `pattern`; another `page`."""

CLOSED = (
    "AdjustmentType",
    "ApplicationProtocol",
    "AssignPublicIp",
    "DeviceCgroupPermission",
    "EFSAuthorizationConfigIAM",
    "EFSTransitEncryption",
    "EnvironmentFileType",
    "ExecuteCommandLogging",
    "IpcMode",
    "MetricAggregationType",
    "PidMode",
    "PlacementStrategyType",
    "PropagateTags",
    "RedirectActionStatusCodeEnum",
    "SchedulingStrategy",
    "Scope",
    "TransportProtocol",
    "UlimitName",
)
"""Enumerations to which AWS has added nothing for years: any other word is a mistake, not one of tomorrow."""

_LOAD_BALANCER = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html"
_TARGET_GROUP = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html"
_LISTENER = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html"

ATTRIBUTES: dict[str, dict[str, dict[str, Any]]] = {
    "CreateListener": {"tcpIdleTimeoutSeconds": {"k": "n", "min": 60, "max": 6000, "page": _LISTENER}},
    "CreateLoadBalancer": {
        "clientKeepAlive": {"k": "n", "min": 60, "max": 604_800, "page": _LOAD_BALANCER},
        "desyncMitigationMode": {"k": "s", "enum": ["monitor", "defensive", "strictest"], "page": _LOAD_BALANCER},
        "idleTimeout": {"k": "n", "min": 1, "max": 4000, "page": _LOAD_BALANCER},
        "xffHeaderProcessingMode": {"k": "s", "enum": ["append", "preserve", "remove"], "page": _LOAD_BALANCER},
    },
    "CreateTargetGroup": {
        "deregistrationDelay": {"k": "n", "min": 0, "max": 3600, "page": _TARGET_GROUP},
        "loadBalancingAlgorithmType": {
            "k": "s",
            "enum": ["round_robin", "least_outstanding_requests", "weighted_random"],
            "page": _TARGET_GROUP,
        },
        "loadBalancingAnomalyMitigation": {"k": "s", "enum": ["on", "off"], "page": _TARGET_GROUP},
        "slowStart": {"k": "n", "min": 0, "max": 900, "page": _TARGET_GROUP},
    },
}
"""Properties of the provider that become attributes: no model has their range, the reference has."""

TAGS = {
    "k": "m",
    "max": 50,
    "key": {"k": "s", "min": 1, "max": 128, "pattern": r"[\w\s.:/=+@-]*"},
    "e": {"k": "s", "max": 256, "pattern": r"[\w\s.:/=+@-]*"},
}
"""Tags, which the provider takes as a map. The services' models say the same of keys and values."""
