"""What tells that clients suffer: alarms on the load balancer, and the topic that spreads the word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, text, whole

ErrorPercent = Annotated[int, whole(1, 100, fix="choose how many of a hundred requests may fail")]
LatencyMilliseconds = Annotated[
    int, whole(1, 3_600_000, fix="choose the milliseconds within which 99 of 100 answers must come")
]
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
"""https://datatracker.ietf.org/doc/html/rfc5322#section-3.2.3; the lengths are those of
https://datatracker.ietf.org/doc/html/rfc5321#section-4.5.3.1"""

EmailAddress = Annotated[
    pulumi.Input[str],
    text(
        r"(?=[^\n]{1,254}\Z)(?=[^@]{1,64}@)"
        rf"{_ATOM}(\.{_ATOM})*@([A-Za-z0-9]([A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]",
        "an e-mail address",
        fix="name who is to be told, for instance a team's list",
    ),
]

_PERIOD_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class AlarmChoices(Arguments):
    """When there is an alarm, and who is told."""

    error_percent: ErrorPercent = 5
    """Percentage of requests answered with 5xx, by a task or by the load balancer, from which on it is an alarm."""

    latency_milliseconds: LatencyMilliseconds = 1000
    """p99 latency in milliseconds that is an alarm."""

    email: EmailAddress | None = None
    """Who gets a mail at each alarm and its end, after confirming a first mail. Empty: nobody, subscribe to the topic
    yourself."""


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs(AlarmChoices):
    """Arguments of `Alarms`."""

    load_balancer_arn_suffix: pulumi.Input[str]
    target_group_arn_suffixes: Sequence[pulumi.Input[str]]
    """The target groups of the service: one, or the two between which its deployments shift traffic."""


class Alarms(pulumi.ComponentResource):
    """CloudWatch alarms on what clients see, and the SNS topic that they report to.

    - errors: the share of 5xx in two of three minutes, also those of the load balancer itself: no healthy task.
    - latency: the 99th percentile, in three minutes. Percentiles of a handful of requests mean nothing and are skipped.
    - unhealthy targets: any, for three minutes, in each target group; a task that ECS replaces in time is none.

    No data is no alarm: an environment that sleeps rests. Made before the service, so that they guard its first
    deployment.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html

    The topic has no key of yours: CloudWatch cannot publish with AWS's own for SNS, and one of yours costs more than
    the secrecy of an alarm's name is worth.
    """

    TYPE = "h4b:alarms:Alarms"

    topic_arn: pulumi.Output[str]
    names: Sequence[pulumi.Output[str]]
    """Names of the alarms: what a service's deployments watch. ECS goes on watching when all tasks are steady, for
    about as long as the slowest of them takes to judge: three minutes (docs/deployment-speed.md)."""

    arns: Sequence[pulumi.Output[str]]

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        topic = aws.sns.Topic(f"{name}-alarms", opts=child)
        policy = aws.sns.TopicPolicy(name, arn=topic.arn, policy=_topic_policy(name, self, topic.arn), opts=child)
        if args.email is not None:
            aws.sns.TopicSubscription(name, topic=topic.arn, protocol="email", endpoint=args.email, opts=child)

        self.topic_arn = policy.arn
        load_balancer = {"LoadBalancer": args.load_balancer_arn_suffix}
        actions = [self.topic_arn]
        errors = aws.cloudwatch.MetricAlarm(
            f"{name}-errors",
            alarm_description=f"{args.error_percent} % of the requests or more are answered with 5xx",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=args.error_percent,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data="notBreaching",
            metric_queries=[
                aws.cloudwatch.MetricAlarmMetricQueryArgs(
                    id="percent",
                    label="5xx in percent",
                    return_data=True,
                    # A request that no task could take is no RequestCount, only an error.
                    expression=(
                        "IF(FILL(requests, 0) + FILL(own, 0) > 0, "
                        "100 * (FILL(targets, 0) + FILL(own, 0)) / (FILL(requests, 0) + FILL(own, 0)), 0)"
                    ),
                ),
                _sum("requests", "RequestCount", load_balancer),
                _sum("targets", "HTTPCode_Target_5XX_Count", load_balancer),
                _sum("own", "HTTPCode_ELB_5XX_Count", load_balancer),
            ],
            alarm_actions=actions,
            ok_actions=actions,
            opts=child,
        )
        latency = aws.cloudwatch.MetricAlarm(
            f"{name}-latency",
            alarm_description=f"One answer in a hundred takes longer than {args.latency_milliseconds} ms",
            comparison_operator="GreaterThanThreshold",
            threshold=args.latency_milliseconds / 1000,
            evaluation_periods=3,
            treat_missing_data="notBreaching",
            evaluate_low_sample_count_percentiles="ignore",
            namespace="AWS/ApplicationELB",
            metric_name="TargetResponseTime",
            extended_statistic="p99",
            period=_PERIOD_SECONDS,
            dimensions=load_balancer,
            alarm_actions=actions,
            ok_actions=actions,
            opts=child,
        )
        unhealthy = [
            aws.cloudwatch.MetricAlarm(
                f"{name}-unhealthy-targets{role}",
                alarm_description="A task does not answer its health check",
                comparison_operator="GreaterThanThreshold",
                threshold=0,
                evaluation_periods=3,
                treat_missing_data="notBreaching",
                namespace="AWS/ApplicationELB",
                metric_name="UnHealthyHostCount",
                statistic="Maximum",
                period=_PERIOD_SECONDS,
                dimensions={**load_balancer, "TargetGroup": target_group},
                alarm_actions=actions,
                ok_actions=actions,
                opts=child,
            )
            for role, target_group in zip(("", "-alternate"), args.target_group_arn_suffixes, strict=False)
        ]

        alarms = (errors, latency, *unhealthy)
        self.names = [alarm.name for alarm in alarms]
        self.arns = [alarm.arn for alarm in alarms]
        self.register_outputs({"topicArn": self.topic_arn, "names": self.names, "arns": self.arns})


def _sum(
    query_id: str, metric: str, dimensions: dict[str, pulumi.Input[str]]
) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=query_id,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace="AWS/ApplicationELB",
            metric_name=metric,
            stat="Sum",
            period=_PERIOD_SECONDS,
            dimensions=dimensions,
        ),
    )


def _topic_policy(name: str, parent: pulumi.Resource, topic_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    account = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=parent)).account_id

    def publish(service: str, condition: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": condition,
        }

    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                # Not for the alarms of others.
                publish("cloudwatch.amazonaws.com", {"StringEquals": {"aws:SourceAccount": account}}),
                # Nor for the rules of others: those of `DeploymentNotices` begin with the stack's name.
                publish("events.amazonaws.com", {"ArnLike": {"aws:SourceArn": _rules(topic_arn, name)}}),
            ],
        }
    )


def _rules(topic_arn: pulumi.Output[str], name: str) -> pulumi.Output[str]:
    def pattern(arn: str) -> str:
        _, partition, _, region, account, _ = arn.split(":", 5)
        return f"arn:{partition}:events:{region}:{account}:rule/{name}-*"

    return topic_arn.apply(pattern)
