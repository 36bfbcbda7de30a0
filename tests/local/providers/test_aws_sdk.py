"""The descriptions against the pulumi_aws SDK: no property is invented, and what is left out is written down here."""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from pulumi._types import input_type_py_to_pulumi_names

from local.providers.aws.functions import FUNCTIONS
from local.providers.aws.registry import resources
from local.providers.aws.schema import Property

# What the official provider takes and the local one does not: a program that uses it gets a clear error.
LEFT_OUT = {
    "aws:acm/certificate:Certificate": {
        "certificateAuthorityArn",
        "certificateBody",
        "certificateChain",
        "earlyRenewalDuration",
        "options",
        "privateKey",
        "privateKeyWo",
        "privateKeyWoVersion",
        "validationOptions",
    },
    "aws:appautoscaling/policy:Policy": {"predictiveScalingPolicyConfiguration", "stepScalingPolicyConfiguration"},
    "aws:appautoscaling/scheduledAction:ScheduledAction": {"endTime", "startTime"},
    "aws:cloudwatch/eventRule:EventRule": {
        "eventBusName",
        "forceDestroy",
        "isEnabled",
        "namePrefix",
        "roleArn",
        "scheduleExpression",
        "state",
    },
    "aws:cloudwatch/eventTarget:EventTarget": {
        "appsyncTarget",
        "batchTarget",
        "deadLetterConfig",
        "ecsTarget",
        "eventBusName",
        "forceDestroy",
        "httpTarget",
        "input",
        "inputPath",
        "kinesisTarget",
        "redshiftTarget",
        "retryPolicy",
        "roleArn",
        "runCommandTargets",
        "sagemakerPipelineTarget",
        "sqsTarget",
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": {
        "evaluationCriteria",
        "evaluationInterval",
        "evaluationWindow",
        "warmUpConfiguration",
    },
    "aws:autoscaling/group:Group": {
        "availabilityZoneDistribution",
        "availabilityZones",
        "capacityRebalance",
        "capacityReservationSpecification",
        "context",
        "defaultCooldown",
        "defaultInstanceWarmup",
        "desiredCapacityType",
        "enabledMetrics",
        "forceDelete",
        "forceDeleteWarmPool",
        "healthCheckGracePeriod",
        "healthCheckType",
        "ignoreFailedScalingActivities",
        "initialLifecycleHooks",
        "instanceLifecyclePolicy",
        "instanceMaintenancePolicy",
        "launchConfiguration",
        "loadBalancers",
        "maxInstanceLifetime",
        "metricsGranularity",
        "minElbCapacity",
        "mixedInstancesPolicy",
        "placementGroup",
        "serviceLinkedRoleArn",
        "suspendedProcesses",
        "targetGroupArns",
        "terminationPolicies",
        "trafficSources",
        "waitForCapacityTimeout",
        "waitForElbCapacity",
        "warmPool",
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {
        "capacityReservationSpecification",
        "cpuOptions",
        "creditSpecification",
        "disableApiStop",
        "disableApiTermination",
        "ebsOptimized",
        "enclaveOptions",
        "hibernationOptions",
        "instanceInitiatedShutdownBehavior",
        "instanceMarketOptions",
        "instanceRequirements",
        "kernelId",
        "keyName",
        "licenseSpecifications",
        "maintenanceOptions",
        "monitoring",
        "networkInterfaces",
        "networkPerformanceOptions",
        "placement",
        "privateDnsNameOptions",
        "ramDiskId",
        "secondaryInterfaces",
        "securityGroupNames",
    },
    "aws:ecs/capacityProvider:CapacityProvider": {
        "cluster",
        "managedInstancesProvider",
    },
    "aws:ec2/eip:Eip": {"customerOwnedIpv4Pool", "ipamPoolId"},
    "aws:ec2/flowLog:FlowLog": {
        "deliverCrossAccountRole",
        "destinationOptions",
        "regionalNatGatewayId",
        "tagFieldSpecifications",
        "transitGatewayAttachmentId",
        "transitGatewayId",
    },
    "aws:ec2/natGateway:NatGateway": {"availabilityMode", "availabilityZoneAddresses", "vpcId"},
    "aws:ec2/route:Route": {"odbNetworkArn"},
    "aws:ec2/subnet:Subnet": {
        "customerOwnedIpv4Pool",
        "enableLniAtDeviceIndex",
        "ipv4IpamPoolId",
        "ipv4NetmaskLength",
        "ipv6IpamPoolId",
        "ipv6NetmaskLength",
        "mapCustomerOwnedIpOnLaunch",
        "outpostArn",
    },
    "aws:ec2/vpc:Vpc": {
        "ipv4IpamPoolId",
        "ipv4NetmaskLength",
        "ipv6CidrBlock",
        "ipv6CidrBlockNetworkBorderGroup",
        "ipv6IpamPoolId",
        "ipv6NetmaskLength",
    },
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": {"resourceArn"},
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"resourceConfigurationArn", "serviceNetworkArn"},
    "aws:ecs/service:Service": {"serviceConnectConfiguration", "volumeConfiguration", "vpcLatticeConfigurations"},
    "aws:iam/policy:Policy": {"delayAfterPolicyCreationInMs"},
    "aws:lb/listener:Listener": {
        "routingHttpRequestXAmznMtlsClientcertHeaderName",
        "routingHttpRequestXAmznMtlsClientcertIssuerHeaderName",
        "routingHttpRequestXAmznMtlsClientcertLeafHeaderName",
        "routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName",
        "routingHttpRequestXAmznMtlsClientcertSubjectHeaderName",
        "routingHttpRequestXAmznMtlsClientcertValidityHeaderName",
    },
    "aws:lb/listenerRule:ListenerRule": {"transforms"},
    "aws:lb/loadBalancer:LoadBalancer": {
        "customerOwnedIpv4Pool",
        "enablePrefixForIpv6SourceNat",
        "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
        "healthCheckLogs",
        "ipamPools",
        "minimumLoadBalancerCapacity",
        "secondaryIpsAutoAssignedPerSubnet",
    },
    "aws:lb/targetGroup:TargetGroup": {
        "targetControlPort",
        "targetFailovers",
        "targetGroupHealth",
        "targetHealthStates",
    },
    "aws:route53/record:Record": {
        "cidrRoutingPolicy",
        "failoverRoutingPolicies",
        "geolocationRoutingPolicies",
        "geoproximityRoutingPolicy",
        "healthCheckId",
        "latencyRoutingPolicies",
        "multivalueAnswerRoutingPolicy",
        "setIdentifier",
        "weightedRoutingPolicies",
    },
    "aws:s3/bucket:Bucket": {
        "accelerationStatus",
        "acl",
        "bucketNamespace",
        "corsRules",
        "grants",
        "lifecycleRules",
        "logging",
        "objectLockConfiguration",
        "policy",
        "replicationConfiguration",
        "requestPayer",
        "serverSideEncryptionConfiguration",
        "versioning",
        "website",
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
        "expectedBucketOwner",
        "timeouts",
        "transitionDefaultMinimumObjectSize",
    },
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {"skipDestroy"},
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {"expectedBucketOwner"},
    "aws:sns/topic:Topic": {
        "applicationFailureFeedbackRoleArn",
        "applicationSuccessFeedbackRoleArn",
        "applicationSuccessFeedbackSampleRate",
        "archivePolicy",
        "contentBasedDeduplication",
        "deliveryPolicy",
        "fifoThroughputScope",
        "fifoTopic",
        "firehoseFailureFeedbackRoleArn",
        "firehoseSuccessFeedbackRoleArn",
        "firehoseSuccessFeedbackSampleRate",
        "httpFailureFeedbackRoleArn",
        "httpSuccessFeedbackRoleArn",
        "httpSuccessFeedbackSampleRate",
        "lambdaFailureFeedbackRoleArn",
        "lambdaSuccessFeedbackRoleArn",
        "lambdaSuccessFeedbackSampleRate",
        "maximumMessageSize",
        "signatureVersion",
        "sqsFailureFeedbackRoleArn",
        "sqsSuccessFeedbackRoleArn",
        "sqsSuccessFeedbackSampleRate",
        "tracingConfig",
    },
    "aws:sns/topicSubscription:TopicSubscription": {
        "confirmationTimeoutInMinutes",
        "deliveryPolicy",
        "endpointAutoConfirms",
        "filterPolicy",
        "filterPolicyScope",
        "redrivePolicy",
        "replayPolicy",
        "subscriptionRoleArn",
    },
    "aws:wafv2/webAcl:WebAcl": {
        "associationConfig",
        "captchaConfig",
        "challengeConfig",
        "customResponseBodies",
        "monetizationConfig",
        "ruleJson",
        "tokenDomains",
    },
}

REQUIRED_AS_ALTERNATIVES_ARE_LEFT_OUT = {
    "aws:acm/certificate:Certificate": {"domainName", "validationMethod"},
    "aws:appautoscaling/policy:Policy": {"targetTrackingScalingPolicyConfiguration"},
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": {"policyName"},
    "aws:cloudwatch/eventRule:EventRule": {"eventPattern"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"comparisonOperator", "evaluationPeriods"},
    "aws:ecs/capacityProvider:CapacityProvider": {"autoScalingGroupProvider"},
    "aws:ec2/natGateway:NatGateway": {"subnetId"},
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"serviceName"},
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {"rules"},
}


@cache
def sdk_member(module: str, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of classes that are not asked for
        return getattr(importlib.import_module(module), name)  # modules load when a member is asked for


def sdk_class(type_name: str) -> type:
    _, module, name = type_name.split(":")
    found: type = sdk_member(f"pulumi_aws.{module.split('/')[0]}", name)
    return found


def sdk_arguments(type_name: str) -> Any:
    cls = sdk_class(type_name)
    module = inspect.getmodule(cls)
    # Where a nested type has taken the name, the SDK calls the arguments of the resource differently.
    return getattr(module, f"{cls.__name__}InitArgs", None) or getattr(module, f"{cls.__name__}Args")


def sdk_inputs(type_name: str) -> set[str]:
    arguments = sdk_arguments(type_name)
    return set(input_type_py_to_pulumi_names(arguments).values())


def sdk_outputs(type_name: str) -> set[str]:
    return {
        getattr(member.fget, "_pulumi_name", name)
        for name, member in inspect.getmembers(sdk_class(type_name), lambda member: isinstance(member, property))
    }


def described(type_name: str) -> Mapping[str, Property]:
    return resources()[type_name].all_properties


@pytest.mark.parametrize("type_name", sorted(resources()))
class TestTypes:
    def test_every_input_exists_and_the_left_out_ones_are_known(self, type_name: str) -> None:
        inputs = {name for name, prop in described(type_name).items() if prop.is_input}
        offered = sdk_inputs(type_name)
        assert inputs - offered == ({"tagsAll"} if "tagsAll" in inputs else set())
        assert offered - inputs == LEFT_OUT.get(type_name, set())

    def test_every_output_exists(self, type_name: str) -> None:
        assert set(described(type_name)) <= sdk_outputs(type_name)

    def test_required_properties_are_those_of_the_sdk(self, type_name: str) -> None:
        arguments = sdk_arguments(type_name)
        names = input_type_py_to_pulumi_names(arguments)
        parameters = list(inspect.signature(arguments.__init__).parameters.values())[1:]
        required = {names[parameter.name] for parameter in parameters if parameter.default is inspect.Parameter.empty}
        ours = {name for name, prop in described(type_name).items() if prop.required}
        assert ours == required | REQUIRED_AS_ALTERNATIVES_ARE_LEFT_OUT.get(type_name, set())

    def test_nested_properties_exist(self, type_name: str) -> None:
        cls = sdk_class(type_name)
        arguments = sdk_arguments(type_name)
        nested = importlib.import_module(f"{inspect.getmodule(cls).__name__.rsplit('.', 1)[0]}._inputs")  # type: ignore[union-attr]
        for name, prop in described(type_name).items():
            if prop.is_input and fields_of(prop):
                assert_nested(nested, annotation_of(arguments, name), fields_of(prop), f"{type_name} {name}")


def fields_of(prop: Property) -> Mapping[str, Property]:
    return prop.fields or (prop.element.fields if prop.element else {})


def annotation_of(arguments: type, name: str) -> str:
    python_names = {pulumi: python for python, pulumi in input_type_py_to_pulumi_names(arguments).items()}
    return str(inspect.signature(arguments.__init__).parameters[python_names[name]].annotation)  # type: ignore[misc]


def assert_nested(module: Any, annotation: str, fields: Mapping[str, Property], path: str) -> None:
    found = re.search(r"(\w+Args)\b(?!Dict)", annotation)
    assert found, f"{path}: {annotation}"
    arguments = getattr(module, found.group(1))
    assert set(fields) <= set(input_type_py_to_pulumi_names(arguments).values()), path
    for name, prop in fields.items():
        if fields_of(prop):
            assert_nested(module, annotation_of(arguments, name), fields_of(prop), f"{path}.{name}")


@pytest.mark.parametrize("token", sorted(FUNCTIONS))
def test_functions_take_what_the_sdk_gives(token: str) -> None:
    _, module, name = token.split(":")
    place = "pulumi_aws" if module.startswith("index/") else f"pulumi_aws.{module.split('/')[0]}"
    function = sdk_member(place, re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower())
    offered = set(inspect.signature(function).parameters) - {"opts"}
    snake = {re.sub(r"([A-Z])", r"_\1", key).lower() for key in FUNCTIONS[token][0]}
    assert snake == offered
