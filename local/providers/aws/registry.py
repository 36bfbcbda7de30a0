"""All types the local AWS provider knows, by token. A new service is a new module in this list."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from local.providers.aws import (
    acm,
    applicationautoscaling,
    cloudwatch,
    ec2,
    ecr,
    ecs,
    ecs_service,
    ecs_task_definition,
    elbv2,
    events,
    flow_logs,
    iam,
    instances,
    kms,
    logs,
    route53,
    s3,
    security_groups,
    sns,
    vpc_endpoints,
    wafv2,
)
from local.providers.aws.resource import Resource

MODULES = (
    *(acm, applicationautoscaling, cloudwatch, ec2, ecr, ecs, ecs_service, ecs_task_definition, elbv2),
    *(events, flow_logs, iam, instances, kms, logs, route53, s3, security_groups, sns, vpc_endpoints, wafv2),
)


@cache
def resources() -> Mapping[str, Resource]:
    """One description for each type token."""
    found = {}
    for module in MODULES:
        for member in vars(module).values():
            if isinstance(member, type) and issubclass(member, Resource) and "type_name" in vars(member):
                found[member.type_name] = member()
    return found
