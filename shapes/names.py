"""The operation behind each resource, and where the provider's names are not the API's."""

from __future__ import annotations

OPERATIONS = {
    "aws:appautoscaling/policy:Policy": ("application-autoscaling", "PutScalingPolicy"),
    "aws:appautoscaling/scheduledAction:ScheduledAction": ("application-autoscaling", "PutScheduledAction"),
    "aws:appautoscaling/target:Target": ("application-autoscaling", "RegisterScalableTarget"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ("ecr", "PutLifecyclePolicy"),
    "aws:ecr/repository:Repository": ("ecr", "CreateRepository"),
    "aws:ecs/capacityProvider:CapacityProvider": ("ecs", "CreateCapacityProvider"),
    "aws:ecs/cluster:Cluster": ("ecs", "CreateCluster"),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": ("ecs", "PutClusterCapacityProviders"),
    "aws:ecs/service:Service": ("ecs", "CreateService"),
    "aws:ecs/taskDefinition:TaskDefinition": ("ecs", "RegisterTaskDefinition"),
    "aws:lb/listener:Listener": ("elbv2", "CreateListener"),
    "aws:lb/listenerRule:ListenerRule": ("elbv2", "CreateRule"),
    "aws:lb/loadBalancer:LoadBalancer": ("elbv2", "CreateLoadBalancer"),
    "aws:lb/targetGroup:TargetGroup": ("elbv2", "CreateTargetGroup"),
}
"""Service and operation of botocore by type token."""

PAGES = {
    "application-autoscaling": "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_",
    "ecr": "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_",
    "ecs": "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_",
    "elbv2": "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_",
}
"""Where a service's API reference is; the name of an operation or structure and `.html` follow."""

RENAMED = {
    "CreateCapacityProvider": {},
    "CreateCluster": {
        "name": "clusterName",
        "configuration.executeCommandConfiguration.logConfiguration.s3BucketEncryptionEnabled": "s3EncryptionEnabled",
    },
    "CreateListener": {
        "certificateArn": "Certificates.CertificateArn",
        "defaultActions.authenticateCognito": "AuthenticateCognitoConfig",
        "defaultActions.authenticateOidc": "AuthenticateOidcConfig",
        "defaultActions.fixedResponse": "FixedResponseConfig",
        "defaultActions.forward": "ForwardConfig",
        "defaultActions.forward.stickiness": "TargetGroupStickinessConfig",
        "defaultActions.forward.stickiness.duration": "DurationSeconds",
        "defaultActions.forward.targetGroups.arn": "TargetGroupArn",
        "defaultActions.jwtValidation": "JwtValidationConfig",
        "defaultActions.redirect": "RedirectConfig",
        "mutualAuthentication.advertiseTrustStoreCaNames": "AdvertiseTrustStoreCaNames",
    },
    "CreateLoadBalancer": {"internal": "Scheme", "loadBalancerType": "Type"},
    "CreateRepository": {"name": "repositoryName"},
    "CreateRule": {
        "actions.authenticateCognito": "AuthenticateCognitoConfig",
        "actions.authenticateOidc": "AuthenticateOidcConfig",
        "actions.fixedResponse": "FixedResponseConfig",
        "actions.forward": "ForwardConfig",
        "actions.forward.stickiness": "TargetGroupStickinessConfig",
        "actions.forward.stickiness.duration": "DurationSeconds",
        "actions.forward.targetGroups.arn": "TargetGroupArn",
        "actions.jwtValidation": "JwtValidationConfig",
        "actions.redirect": "RedirectConfig",
        "conditions.hostHeader": "HostHeaderConfig",
        "conditions.httpHeader": "HttpHeaderConfig",
        "conditions.httpRequestMethod": "HttpRequestMethodConfig",
        "conditions.pathPattern": "PathPatternConfig",
        "conditions.queryStrings": "QueryStringConfig.Values",
        "conditions.sourceIp": "SourceIpConfig",
    },
    "CreateService": {
        "alarms": "deploymentConfiguration.alarms",
        "deploymentCircuitBreaker": "deploymentConfiguration.deploymentCircuitBreaker",
        "deploymentMaximumPercent": "deploymentConfiguration.maximumPercent",
        "deploymentMinimumHealthyPercent": "deploymentConfiguration.minimumHealthyPercent",
        "iamRole": "role",
        "loadBalancers.elbName": "loadBalancerName",
        "name": "serviceName",
        "networkConfiguration.assignPublicIp": "awsvpcConfiguration.assignPublicIp",
        "networkConfiguration.securityGroups": "awsvpcConfiguration.securityGroups",
        "networkConfiguration.subnets": "awsvpcConfiguration.subnets",
        "orderedPlacementStrategies": "placementStrategy",
        "serviceConnectConfiguration.services.tls.issuerCertAuthority": "issuerCertificateAuthority",
        "volumeConfiguration.managedEbsVolume.sizeInGb": "sizeInGiB",
    },
    "CreateTargetGroup": {
        "healthCheck.enabled": "HealthCheckEnabled",
        "healthCheck.healthyThreshold": "HealthyThresholdCount",
        "healthCheck.interval": "HealthCheckIntervalSeconds",
        "healthCheck.matcher": "Matcher.HttpCode",
        "healthCheck.path": "HealthCheckPath",
        "healthCheck.port": "HealthCheckPort",
        "healthCheck.protocol": "HealthCheckProtocol",
        "healthCheck.timeout": "HealthCheckTimeoutSeconds",
        "healthCheck.unhealthyThreshold": "UnhealthyThresholdCount",
    },
    "PutClusterCapacityProviders": {"clusterName": "cluster"},
    "PutLifecyclePolicy": {"policy": "lifecyclePolicyText", "repository": "repositoryName"},
    "PutScalingPolicy": {"name": "PolicyName"},
    "PutScheduledAction": {"name": "ScheduledActionName"},
    "RegisterScalableTarget": {},
    "RegisterTaskDefinition": {
        "volumes.configureAtLaunch": "configuredAtLaunch",
        "volumes.hostPath": "host.sourcePath",
    },
}
"""Members by property, as a path from the structure that holds the property, where plural and case do not tell."""

GROUPS = {("CreateTargetGroup", "healthCheck")}
"""Objects of the provider whose fields are members of what is around them."""

NOT_OFFERED = {
    "CreateCluster": {
        "capacityProviders": "ClusterCapacityProviders has it",
        "defaultCapacityProviderStrategy": "ClusterCapacityProviders has it",
    },
    "CreateCapacityProvider": {
        "managedInstancesProvider.instanceLaunchTemplate.fipsEnabled": "",
        "managedInstancesProvider.instanceLaunchTemplate.instanceMetadataTagsPropagation": "",
    },
    "CreateListener": {
        "Certificates.IsDefault": "",
        "DefaultActions.AuthenticateOidcConfig.UseExistingClientSecret": "",
        "MutualAuthentication.TrustStoreAssociationStatus": "an answer, no request",
    },
    "CreateLoadBalancer": {"SubnetMappings.SourceNatIpv6Prefix": ""},
    "CreateRepository": {"registryId": "the provider's account"},
    "CreateRule": {
        "Actions.AuthenticateOidcConfig.UseExistingClientSecret": "",
        "Conditions.Field": "the provider sends it",
        "Conditions.RegexValues": "the condition's own has them",
        "Conditions.Values": "the condition's own has them",
    },
    "CreateService": {
        "clientToken": "the provider sends it",
        "deploymentConfiguration.earlySuccessCriteria": "",
        "deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask": "",
        "deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration": "",
        "monitoring": "",
        "vpcLatticeConfigurations.advancedConfiguration": "",
    },
    "CreateTargetGroup": {"Matcher.GrpcCode": "healthCheck.matcher, by the protocol version"},
    "PutLifecyclePolicy": {"registryId": "the provider's account"},
    "RegisterTaskDefinition": {"inferenceAccelerators": "AWS has ended the service"},
}
"""Members that pulumi-aws has no property for, and why where there is a reason to tell."""

OF_THE_PROVIDER = {
    "CreateListener": ("routingHttp*", "tcpIdleTimeoutSeconds"),
    "CreateLoadBalancer": (
        "accessLogs",
        "clientKeepAlive",
        "connectionLogs",
        "desyncMitigationMode",
        "dnsRecordClientRoutingPolicy",
        "dropInvalidHeaderFields",
        "enableCrossZoneLoadBalancing",
        "enableDeletionProtection",
        "enableHttp2",
        "enableTlsVersionAndCipherSuiteHeaders",
        "enableWafFailOpen",
        "enableXffClientPort",
        "enableZonalShift",
        "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
        "healthCheckLogs",
        "idleTimeout",
        "minimumLoadBalancerCapacity",
        "namePrefix",
        "preserveHostHeader",
        "secondaryIpsAutoAssignedPerSubnet",
        "subnetMappings.outpostId",
        "xffHeaderProcessingMode",
    ),
    "CreateRepository": ("forceDelete",),
    "CreateService": ("forceDelete", "forceNewDeployment", "sigintRollback", "triggers", "waitForSteadyState"),
    "CreateTargetGroup": (
        "connectionTermination",
        "deregistrationDelay",
        "lambdaMultiValueHeadersEnabled",
        "loadBalancing*",
        "namePrefix",
        "preserveClientIp",
        "proxyProtocolV2",
        "slowStart",
        "stickiness",
        "targetFailovers",
        "targetGroupHealth",
        "targetHealthStates",
    ),
    "RegisterTaskDefinition": ("skipDestroy", "trackLatest"),
}
"""Properties that go to another operation, attributes above all, or that only tell the provider what to do."""

FILLED_IN = {
    "CreateCapacityProvider": ("name",),
    "CreateCluster": (),
    "CreateListener": ("defaultActions.fixedResponse.statusCode",),
    "CreateLoadBalancer": ("name",),
    "CreateRepository": ("name", "encryptionConfigurations.encryptionType"),
    "CreateRule": ("priority", "actions.fixedResponse.statusCode"),
    "CreateService": ("name", "deploymentController.type"),
    "CreateTargetGroup": ("name",),
    "PutClusterCapacityProviders": ("capacityProviders", "defaultCapacityProviderStrategies"),
    "PutScalingPolicy": ("name",),
    "PutScheduledAction": ("name",),
}
"""What the API requires and Pulumi or the provider puts in by itself."""

ANY_CASE = {
    "CreateListener": ("alpnPolicy", "protocol", "defaultActions.type"),
    "CreateRule": ("actions.type",),
    "CreateTargetGroup": ("protocolVersion", "healthCheck.protocol"),
}
"""Words that the provider takes in any case."""

REFERENCES = (
    "*Arn", "*ARN", "*ARNs", "ResourceId", "ResourceLabel",
    "*.subnets", "*.securityGroups", "*RoleArn", "kmsKey*", "*.kmsKey",
    "PutLifecyclePolicyRequest.repositoryName", "PutClusterCapacityProvidersRequest.cluster",
)  # fmt: skip
"""Members that name something else: that has its form from there, and what it must be the joins ask."""
