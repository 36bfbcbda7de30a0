"""Notices of deployments: ECS's events on pauses, failures and rollbacks, sent to an SNS topic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.checks import Arguments


@dataclass(frozen=True, kw_only=True)
class DeploymentNoticesArgs(Arguments):
    """Arguments of `DeploymentNotices`."""

    cluster_arn: pulumi.Input[str]
    """The cluster whose services are watched. Not a service: the rules must be there before its first deployment."""

    topic_arn: pulumi.Input[str]
    """SNS topic that gets the notices. Its policy must let `events.amazonaws.com` publish (`Alarms` does).
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions"""


_DEPLOYMENT = "ECS Deployment State Change"
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html"""

_HOOK = "ECS Hook State Change"
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_hook_state_change_events.html"""


class DeploymentNotices(pulumi.ComponentResource):
    """EventBridge rules that tell a topic when a deployment of the cluster's services

    - pauses and waits for approval, at which stage and until when,
    - gets no answer in time,
    - fails,
    - is rolled back: by the circuit breaker, an alarm or by hand.

    A message is one line of text with the service's ARN and, where ECS gives one, the reason.
    """

    TYPE = "h4b:deployment_notices:DeploymentNotices"

    def __init__(self, name: str, args: DeploymentNoticesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        self._name, self._topic_arn = name, args.topic_arn
        cluster = pulumi.Output.from_input(args.cluster_arn)
        answer = f"`make approve STACK={pulumi.get_stack()}` or `make abort STACK={pulumi.get_stack()}`"
        paths = {"service": "$.detail.serviceArn", "stage": "$.detail.lifecycleStage"}

        self._notice(
            "paused",
            "A deployment waits for approval",
            cluster.apply(lambda arn: _hook("HOOK_AWAITING_ACTION", arn)),
            {**paths, "until": "$.detail.expiresAt"},
            f"<service> waits for approval at <stage> until <until>. Answer with {answer}.",
        )
        self._notice(
            "timed-out",
            "A deployment got no approval in time",
            cluster.apply(lambda arn: _hook("HOOK_TIMED_OUT", arn)),
            paths,
            "<service> got no approval at <stage> in time.",
        )
        self._notice(
            "failed",
            "A deployment failed",
            cluster.apply(lambda arn: _deployment({"eventName": ["SERVICE_DEPLOYMENT_FAILED"]}, arn)),
            {"service": "$.resources[0]", "reason": "$.detail.reason"},
            "The deployment of <service> failed: <reason>",
        )
        # A rollback is a deployment of its own; only its reason tells it from others.
        rollback = {"eventName": ["SERVICE_DEPLOYMENT_IN_PROGRESS"], "reason": [{"wildcard": "*rolling back*"}]}
        self._notice(
            "rolled-back",
            "A deployment is rolled back",
            cluster.apply(lambda arn: _deployment(rollback, arn)),
            {"service": "$.resources[0]", "reason": "$.detail.reason"},
            "<service> is rolled back: <reason>",
        )
        self.register_outputs({})

    def _notice(
        self,
        role: str,
        about: str,
        pattern: pulumi.Output[Mapping[str, Any]],
        paths: Mapping[str, str],
        template: str,
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            f"{self._name}-{role}", description=about, event_pattern=pulumi.Output.json_dumps(pattern), opts=child
        )
        aws.cloudwatch.EventTarget(
            f"{self._name}-{role}",
            rule=rule.name,
            arn=self._topic_arn,
            input_transformer=aws.cloudwatch.EventTargetInputTransformerArgs(
                input_paths=paths, input_template=f'"{template}"'
            ),
            opts=child,
        )


def _hook(event: str, cluster_arn: str) -> Mapping[str, Any]:
    return {
        "source": ["aws.ecs"],
        "detail-type": [_HOOK],
        "detail": {"eventName": [event], "hookType": ["PAUSE"], "clusterArn": [cluster_arn]},
    }


def _deployment(detail: Mapping[str, Any], cluster_arn: str) -> Mapping[str, Any]:
    """These events name no cluster; the service's ARN begins with it."""
    services = cluster_arn.replace(":cluster/", ":service/") + "/"
    return {
        "source": ["aws.ecs"],
        "detail-type": [_DEPLOYMENT],
        "resources": [{"prefix": services}],
        "detail": detail,
    }
