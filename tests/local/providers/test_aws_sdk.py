"""The descriptions against the pulumi_aws SDK: no property is invented."""

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

REQUIRED_AS_ALTERNATIVES_ARE_LEFT_OUT = {
    "aws:acm/certificate:Certificate": {"domainName", "validationMethod"},
    "aws:appautoscaling/policy:Policy": {"targetTrackingScalingPolicyConfiguration"},
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": {"policyName"},
    "aws:cloudwatch/eventRule:EventRule": {"eventPattern"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"comparisonOperator", "evaluationPeriods"},
    "aws:ecs/capacityProvider:CapacityProvider": {"autoScalingGroupProvider"},
    "aws:ec2/natGateway:NatGateway": {"subnetId"},
    "aws:kms/alias:Alias": {"name"},
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
    def test_every_input_exists(self, type_name: str) -> None:
        inputs = {name for name, prop in described(type_name).items() if prop.is_input}
        assert inputs - sdk_inputs(type_name) == ({"tagsAll"} if "tagsAll" in inputs else set())

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
    assert snake <= offered
