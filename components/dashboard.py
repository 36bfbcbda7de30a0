"""The dashboard to hang on a wall: what clients see on top, what tasks feel below it, what they say at the bottom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, text

DashboardName = Annotated[
    str,
    text(r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, _ or -", fix="choose a name that CloudWatch accepts"),
]

_BALANCER = "AWS/ApplicationELB"
_ECS = "AWS/ECS"
_INSIGHTS = "ECS/ContainerInsights"
_PERIOD_SECONDS = 60
_COLUMNS = 24
_HEIGHT = 6
_LOG_QUERY = (
    'fields @timestamp, @message | filter @message like /(?i)error|" 5[0-9][0-9] / | sort @timestamp desc | limit 50'
)


@dataclass(frozen=True, kw_only=True)
class DashboardArgs(Arguments):
    """Arguments of `Dashboard`."""

    dashboard_name: DashboardName
    """Name, unique in the account."""

    load_balancer_arn_suffix: pulumi.Input[str]
    target_group_arn_suffixes: Sequence[pulumi.Input[str]]
    """The target groups of the service: one, or the two between which its deployments shift traffic."""

    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]
    log_group_name: pulumi.Input[str]

    alarm_arns: Sequence[pulumi.Input[str]] = ()
    """Alarms whose state stands at the top. Default: none."""


class Dashboard(pulumi.ComponentResource):
    """A CloudWatch dashboard of one service behind a load balancer.

    Requests, latency percentiles, errors and healthy targets from the load balancer; CPU and memory from ECS; running
    tasks and deployments from Container Insights (empty without it); the latest errors from the log.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """

    TYPE = "h4b:dashboard:Dashboard"

    url: pulumi.Output[str]
    """Where the dashboard is in AWS's console."""

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)

        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        dashboard = aws.cloudwatch.Dashboard(
            name,
            dashboard_name=args.dashboard_name,
            dashboard_body=pulumi.Output.json_dumps({"widgets": _widgets(args, region)}, sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.url = pulumi.Output.concat(
            *("https://", region, ".console.aws.amazon.com/cloudwatch/home?region=", region),
            *("#dashboards/dashboard/", dashboard.dashboard_name),
        )
        self.register_outputs({"url": self.url})


def _widgets(args: DashboardArgs, region: pulumi.Output[str]) -> list[dict[str, Any]]:
    balancer = ("LoadBalancer", args.load_balancer_arn_suffix)
    groups = [
        (("TargetGroup", suffix, *balancer), role)
        for suffix, role in zip(args.target_group_arn_suffixes, ("", ", alternate"), strict=False)
    ]
    service = ("ClusterName", args.cluster_name, "ServiceName", args.service_name)
    rows: list[list[dict[str, Any]]] = [
        [_graph(title, region, lines, unit) for title, unit, lines in row]
        for row in (
            (
                ("Requests", "per minute", [_line(_BALANCER, "RequestCount", balancer, "Sum", "Requests")]),
                (
                    "Latency",
                    "seconds",
                    [_line(_BALANCER, "TargetResponseTime", balancer, p, p) for p in ("p50", "p90", "p99")],
                ),
                (
                    "Errors",
                    "per minute",
                    [
                        _line(_BALANCER, "HTTPCode_Target_5XX_Count", balancer, "Sum", "5xx of tasks"),
                        _line(_BALANCER, "HTTPCode_ELB_5XX_Count", balancer, "Sum", "5xx of the load balancer"),
                        _line(_BALANCER, "HTTPCode_Target_4XX_Count", balancer, "Sum", "4xx"),
                    ],
                ),
                (
                    "Targets",
                    "count",
                    [
                        _line(_BALANCER, metric, targets, statistic, f"{label}{role}")
                        for targets, role in groups
                        for metric, statistic, label in (
                            ("HealthyHostCount", "Minimum", "Healthy"),
                            ("UnHealthyHostCount", "Maximum", "Unhealthy"),
                        )
                    ],
                ),
            ),
            (
                ("CPU", "percent", _load("CPUUtilization", service)),
                ("Memory", "percent", _load("MemoryUtilization", service)),
                (
                    "Tasks",
                    "count",
                    [
                        _line(_INSIGHTS, "RunningTaskCount", service, "Average", "Running"),
                        _line(_INSIGHTS, "DesiredTaskCount", service, "Average", "Wanted"),
                        _line(_INSIGHTS, "PendingTaskCount", service, "Average", "Starting"),
                    ],
                ),
                (
                    "Deployments (more than one: a deployment is under way)",
                    "count",
                    [_line(_INSIGHTS, "DeploymentCount", service, "Maximum", "Deployments")],
                ),
            ),
        )
    ]
    if args.alarm_arns:
        rows.insert(0, [{"type": "alarm", "properties": {"title": "Alarms", "alarms": list(args.alarm_arns)}}])
    log = {"title": "Errors in the log", "region": region, "view": "table"}
    query = pulumi.Output.concat("SOURCE '", args.log_group_name, "' | ", _LOG_QUERY)
    rows.append([{"type": "log", "properties": {**log, "query": query}}])
    return [
        {
            **widget,
            "x": column * _COLUMNS // len(row),
            "y": index * _HEIGHT,
            "width": _COLUMNS // len(row),
            "height": _HEIGHT,
        }
        for index, row in enumerate(rows)
        for column, widget in enumerate(row)
    ]


def _graph(title: str, region: pulumi.Output[str], lines: list[list[Any]], unit: str) -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "period": _PERIOD_SECONDS,
            "yAxis": {"left": {"min": 0, "label": unit, "showUnits": False}},
            "metrics": lines,
        },
    }


def _line(namespace: str, metric: str, dimensions: Sequence[Any], statistic: str, label: str) -> list[Any]:
    return [namespace, metric, *dimensions, {"stat": statistic, "label": label}]


def _load(metric: str, dimensions: Sequence[Any]) -> list[list[Any]]:
    return [_line(_ECS, metric, dimensions, statistic, statistic) for statistic in ("Average", "Maximum")]
