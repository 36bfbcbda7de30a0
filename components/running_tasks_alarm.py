"""What tells that a service cannot keep its tasks running."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.checks import Arguments

_PERIOD_SECONDS = 60
_PATIENCE_MINUTES = 5


@dataclass(frozen=True, kw_only=True)
class RunningTasksAlarmArgs(Arguments):
    """Arguments of `RunningTasksAlarm`."""

    cluster_name: pulumi.Input[str]
    """The cluster; it must have Container Insights on, the only source of these counts.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html"""

    service_name: pulumi.Input[str]

    topic_arn: pulumi.Input[str]
    """SNS topic that is told when the alarm goes off and when it is over."""


class RunningTasksAlarm(pulumi.ComponentResource):
    """A CloudWatch alarm that goes off when fewer tasks run than are wanted, five minutes long.

    So long because a deployment, a scaling step or a lost zone is allowed its time. Nothing wanted, nothing missing: a
    service that sleeps gives no alarm. It calls somebody and ends no deployment: the circuit breaker sees tasks that do
    not come, and ECS would go on with every good deployment for as long as this alarm takes to judge
    (docs/deployment-speed.md).
    """

    TYPE = "h4b:running_tasks_alarm:RunningTasksAlarm"

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: RunningTasksAlarmArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)

        alarm = aws.cloudwatch.MetricAlarm(
            f"{name}-running-tasks",
            alarm_description="Fewer tasks run than are wanted",
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            evaluation_periods=_PATIENCE_MINUTES,
            treat_missing_data="notBreaching",
            metric_queries=[
                aws.cloudwatch.MetricAlarmMetricQueryArgs(
                    id="missing", label="Missing tasks", return_data=True, expression="desired - FILL(running, 0)"
                ),
                _average("desired", "DesiredTaskCount", args),
                _average("running", "RunningTaskCount", args),
            ],
            alarm_actions=[args.topic_arn],
            ok_actions=[args.topic_arn],
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.arn = alarm.arn
        self.register_outputs({"arn": self.arn})


def _average(query_id: str, metric: str, args: RunningTasksAlarmArgs) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=query_id,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace="ECS/ContainerInsights",
            metric_name=metric,
            stat="Average",
            period=_PERIOD_SECONDS,
            dimensions={"ClusterName": args.cluster_name, "ServiceName": args.service_name},
        ),
    )
