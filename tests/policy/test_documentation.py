"""The catalogue says what the rules say."""

from __future__ import annotations

import pytest

from docs.generate_policies import CARRIED, TARGET, render, render_carried
from docs.yardsticks import OPERATION_REVIEW, SECURITY_HUB, YARDSTICKS, Check
from ecs_policy.rule import Level, all_rules, rule_named
from ecs_policy.values import Problem
from tests.policy.example import all_examples
from tests.policy.stacks import evaluate


def test_the_catalogue_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run: python -m docs.generate_policies"


def test_the_examples_that_the_pack_carries_are_up_to_date() -> None:
    assert CARRIED.read_text(encoding="utf-8") == render_carried(), "run: python -m docs.generate_policies"


def test_a_practice_is_that_of_a_public_framework_or_says_that_it_is_ours() -> None:
    assert {
        rule.id for rule in all_rules() if rule.level is Level.PRACTICE and not (rule.frameworks or rule.ours)
    } == set()


@pytest.mark.parametrize("check", [check for each in YARDSTICKS for check in each.checks], ids=lambda check: check.id)
def test_a_check_of_aws_has_a_rule_or_says_why_not(check: Check) -> None:
    assert [rule_named(number).id for number in check.rules] == list(check.rules)
    assert check.rules or check.remark


def test_rules_and_security_hubs_list_name_each_other() -> None:
    named = {
        (framework.removeprefix("Security Hub "), rule.id)
        for rule in all_rules()
        for framework in rule.frameworks
        if framework.startswith("Security Hub ECS.")
    }
    assert named == {(check.id, rule) for check in SECURITY_HUB.checks for rule in check.rules}


def test_the_operation_review_is_listed_whole() -> None:
    pillars = {"REL": 14, "OBS": 9, "SEC": 20, "OPS": 9, "PERF": 11, "ADD": 7}
    assert [check.id for check in OPERATION_REVIEW.checks] == [
        f"{pillar}{number}" for pillar, count in pillars.items() for number in range(1, count + 1)
    ]


QUOTED = {
    ("AS-01", "scalableTargetAction"): "At least one of minimum capacity and maximum capacity should be provided",
    ("DC-01", "networkConfiguration"): "NetworkConfiguration must be null.",
    ("DC-01", "taskDefinition"): "TaskDefinition must be blank",
    ("LO-01", "awslogs-create-group"): "Log driver awslogs option 'awslogs-create-group' should only be set to 'true', "
    "else omit option.",
    ("LS-01", "port"): "A listener already exists on this port for this load balancer",
    ("LS-02", "conditions"): "A rule can only have '5' condition values",
    ("OR-06", "bucket"): "Please check S3bucket permission",
    ("TS-02", "advancedConfiguration"): "advancedConfiguration field is required for all loadBalancers when using a "
    "non-ROLLING deployment strategy",
    ("TS-02", "productionListenerRule"): "has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB.",
    ("TS-02", "testListenerRule"): "cannot be used as both production and test listener rules",
    ("IM-02", "assumeRolePolicy"): "ECS was unable to assume the role",
    ("IM-03", "executionRoleArn"): "ResourceInitializationError: unable to pull secrets or registry auth",
    ("LB-01", "subnets"): "At least two subnets in two different Availability Zones must be specified",
    ("LB-04", "interval"): "Health check interval must be greater than the timeout.",
    ("LB-04", "timeout"): "Health check interval must be greater than the timeout.",
    ("LB-05", "certificateArn"): "A certificate must be specified for HTTPS listeners",
    ("LB-05", "sslPolicy"): "An SSL policy cannot be specifed for HTTP listeners",
    ("LS-06", "type"): "Stickiness type 'lb_cookie' is not supported for target groups with the TCP protocol",
    ("LG-03", "awslogs-group"): "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log "
    "group does not exist",
    ("LT-01", "capacityProvider"): "Task definition does not support launch_type FARGATE.",
    ("LT-01", "launchType"): "Task definition does not support launch_type FARGATE.",
    ("LT-06", "capacityProviderStrategies"): "A capacity provider strategy cannot contain a mix of capacity providers "
    "using Auto Scaling groups and Fargate providers. Specify one or the other and try again.",
    ("LT-06", "defaultCapacityProviderStrategies"): "A capacity provider strategy cannot contain a mix of capacity "
    "providers using Auto Scaling groups and Fargate providers. Specify one or the other and try again.",
    ("LT-08", "launchType"): "was unable to place a task because no container instance met all of its requirements.",
    ("LT-08", "userData"): "was unable to place a task because no container instance met all of its requirements.",
    ("LT-10", "name"): "The specified capacity provider name is invalid. Up to 255 characters are allowed, including "
    "letters (upper and lowercase), numbers, underscores, and hyphens. The name cannot be prefixed with "
    '"aws", "ecs", or "fargate". Specify a valid name and try again.',
    ("LT-11", "protectFromScaleIn"): "The managed termination protection setting for the capacity provider is "
    "invalid. To enable managed termination protection for a capacity provider, the Auto Scaling group must have "
    "instance protection from scale in enabled.",
    ("NW-07", "cidrBlock"): "conflicts with another subnet",
    ("PL-01", "placementConstraints"): "Placement constraints are not supported with FARGATE launch type.",
    ("PL-10", "type"): "constraint.type 'distinctInstance' is not supported.",
    ("SH-01", "image"): "Container.image should not be null or empty.",
    ("SH-02", "containerDefinitions"): "Max allowed length is '65536' bytes.",
    ("SH-03", "family"): "Family contains invalid characters",
    ("SV-01", "networkConfiguration"): "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ("SV-03b", "assignPublicIp"): "Assign public IP is not supported for this launch type.",
    ("SV-04", "subnets"): "CannotPullContainerError",
    ("SV-05", "containerPort"): "The container app did not have a container port 80 defined.",
    ("SV-06", "targetType"): "has target type instance, which is incompatible with the awsvpc network mode specified "
    "in the task definition.",
    ("SV-07", "loadBalancers"): "does not have an associated load balancer.",
    ("SV-11", "healthCheckGracePeriodSeconds"): "Health check grace period is only valid for services configured to "
    "use load balancers",
    ("SV-12", "iamRole"): "You cannot specify an IAM role for services that require a service linked role.",
    ("SV-16", "platformVersion"): "The platform version must be null when specifying an EC2 launch type.",
    ("SV-20", "containerName"): "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and "
    "'containerPort' must be specified from the task definition.",
    ("SV-21", "taskRoleArn"): "The service couldn't be updated because a valid taskRoleArn is not being used. Specify "
    "a valid task role in your task definition and try again.",
    ("TD-01", "memory"): "No Fargate configuration exists for given values.",
    ("TD-02", "cpu"): "Invalid 'cpu' setting for task.",
    ("TD-06", "hostPort"): "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    ("TD-08", "links"): "Links are not supported when networkMode=awsvpc.",
    ("TD-09", "hostname"): "hostname is not supported on container when networkMode=awsvpc.",
    ("TD-10", "ipcMode"): "Tasks using the Fargate launch type do not support ipcMode.",
    ("TD-12", "hostPath"): "Fargate compatible task definitions do not support sourcePath",
    ("TD-13", "pidMode"): "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for "
    "pidMode is 'task'.",
    ("TD-20", "memory"): "At least one of 'memory' or 'memoryReservation' must be specified.",
    ("TD-22", "cpu"): "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    ("TD-23", "memory"): "is greater than for the task.",
    ("TD-24", "containerName"): "because it does not exist",
    ("TD-25", "condition"): "A dependency container with SUCCESS or COMPLETE condition cannot be an essential "
    "container",
    ("TD-29", "awslogs-group"): "Log driver awslogs requires options: awslogs-region, awslogs-group",
    ("TD-29", "awslogs-region"): "Log driver awslogs requires options: awslogs-region, awslogs-group",
    ("TD-30", "firelensConfiguration"): "When a firelensConfiguration object is specified, at least one container has "
    "to be configured with the awsfirelens log driver.",
    ("TD-31", "sourceVolume"): "Unknown volume",
    ("TD-32", "executionRoleArn"): "Fargate requires task definition to have execution role ARN to support ECR images.",
    ("TD-33", "executionRoleArn"): "When you are specifying container secrets, you must also specify a value for "
    "'executionRoleArn'.",
    ("DC-01", "loadBalancers"): "LoadBalancers must be empty or null.",
    (
        "DC-02",
        "taskDefinition",
    ): "Unable to update task definition on services with a CODE_DEPLOY deployment controller.",
    (
        "EN-01",
        "name",
    ): "The secret name must be unique and not shared with any new or existing environment "
    "variables set on the container",
    ("KM-02", "kmsKeyId"): "The specified KMS key does not exist or is not allowed to be used with",
    ("LS-01", "priority"): "PriorityInUse",
    ("LS-04", "protocol"): "Listener protocol 'TCP' must be one of 'HTTP, HTTPS'",
    (
        "LS-05",
        "defaultActions",
    ): "Listener protocol 'HTTP' is not supported with a target group with the protocol-version 'HTTP2'",
    ("OR-02", "certificateArn"): "UnsupportedCertificate",
    ("OR-03", "subnetMappings"): "has no internet gateway",
    ("OR-03", "subnets"): "has no internet gateway",
    ("RT-02", "Subnets"): "CannotPullContainerError",
    ("RT-02", "subnets"): "CannotPullContainerError",
}
"""What AWS says, by the one fault to which it said so: the rule, and the property that the fault is in."""


def _problems() -> list[tuple[str, Problem]]:
    return [
        (number, problem)
        for number, examples in all_examples().items()
        for each in examples
        for problem in evaluate(rule_named(number), each.resources, preview=each.preview, options=each.options)[0]
    ]


def test_what_aws_says_stands_beside_the_fault_to_which_it_said_so_and_nowhere_else() -> None:
    quoted = {(number, each.location.rpartition(".")[2], each.quote) for number, each in _problems() if each.quote}
    assert {(number, place, quote.words) for number, place, quote in quoted} == {
        ("LB-05", "certificateArn", "A certificate cannot be specified for HTTP listeners"),
        ("OR-04", "resourceId", "ECS service doesn't exist"),
        ("OR-04", "resourceId", "No scalable target registered for service namespace: ecs"),
        ("SH-02", "containerDefinitions", "Too many containers."),
        (
            "TS-02",
            "productionListenerRule",
            "testListenerRule is required when productionListenerRule is not associated with both targetGroup and "
            "alternateTargetGroup",
        ),
        *((*place, words) for place, words in QUOTED.items()),
    }
    assert [quote for _, _, quote in quoted if not quote.source.startswith("https://")] == []


def test_nothing_says_both_that_aws_refuses_and_that_it_may_accept() -> None:
    assert [each for number, each in _problems() if each.quote and (each.ours or rule_named(number).ours)] == []
