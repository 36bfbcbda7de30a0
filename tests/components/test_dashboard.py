"""A dashboard to hang on a wall."""

import json
from typing import Any

import pulumi
import pytest

from components.checks import ArgumentError
from components.dashboard import Dashboard, DashboardArgs
from tests.mocks import REGION, UNKNOWN, Run, run, unknown

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"


def args(**changes: Any) -> DashboardArgs:
    values: dict[str, Any] = {
        "dashboard_name": "shop-prod",
        "load_balancer_arn_suffix": "app/shop/1",
        "target_group_arn_suffixes": ["targetgroup/shop/1"],
        "cluster_name": "cluster-1",
        "service_name": "service-1",
        "log_group_name": "log-1",
    }
    return DashboardArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        upstream = {"cluster_name": unknown(), "log_group_name": unknown()} if preview else {}
        pulumi.export("url", Dashboard("shop", args(**upstream | changes)).url)

    return run(program, preview=preview)


def widgets(**changes: Any) -> dict[str, dict[str, Any]]:
    body = json.loads(build(**changes).get(DASHBOARD).inputs["dashboardBody"])
    return {widget["properties"]["title"]: widget for widget in body["widgets"]}


def lines(title: str) -> list[tuple[str, str]]:
    """Metric and statistic of each line of a graph."""
    return [(line[1], line[-1]["stat"]) for line in widgets()[title]["properties"]["metrics"]]


def test_it_makes_one_dashboard_of_the_given_name() -> None:
    made = build()
    assert made.names == {("h4b:dashboard:Dashboard", "shop"), (DASHBOARD, "shop")}
    assert made.get(DASHBOARD).parent == "h4b:dashboard:Dashboard shop"
    assert made.get(DASHBOARD).inputs["dashboardName"] == "shop-prod"


def test_it_shows_what_clients_see_what_tasks_feel_and_what_they_say() -> None:
    deployments = "Deployments (more than one: a deployment is under way)"
    assert list(widgets()) == [
        *("Requests", "Latency", "Errors", "Targets"),
        *("CPU", "Memory", "Tasks", deployments),
        "Errors in the log",
    ]
    assert lines("Requests") == [("RequestCount", "Sum")]
    assert lines("Latency") == [("TargetResponseTime", percentile) for percentile in ("p50", "p90", "p99")]
    assert lines("Errors") == [
        ("HTTPCode_Target_5XX_Count", "Sum"),
        ("HTTPCode_ELB_5XX_Count", "Sum"),
        ("HTTPCode_Target_4XX_Count", "Sum"),
    ]
    assert lines("Targets") == [("HealthyHostCount", "Minimum"), ("UnHealthyHostCount", "Maximum")]
    assert lines("CPU") == [("CPUUtilization", "Average"), ("CPUUtilization", "Maximum")]
    assert lines("Memory") == [("MemoryUtilization", "Average"), ("MemoryUtilization", "Maximum")]
    assert [metric for metric, _ in lines("Tasks")] == ["RunningTaskCount", "DesiredTaskCount", "PendingTaskCount"]
    assert lines(deployments) == [("DeploymentCount", "Maximum")]


def test_targets_are_counted_in_both_groups_between_which_traffic_shifts() -> None:
    both = widgets(target_group_arn_suffixes=["targetgroup/shop/1", "targetgroup/shop-alternate/2"])
    shown = [(line[1], line[3], line[-1]["label"]) for line in both["Targets"]["properties"]["metrics"]]
    assert shown == [
        ("HealthyHostCount", "targetgroup/shop/1", "Healthy"),
        ("UnHealthyHostCount", "targetgroup/shop/1", "Unhealthy"),
        ("HealthyHostCount", "targetgroup/shop-alternate/2", "Healthy, alternate"),
        ("UnHealthyHostCount", "targetgroup/shop-alternate/2", "Unhealthy, alternate"),
    ]


@pytest.mark.parametrize(
    ("title", "source"),
    [
        ("Requests", ["AWS/ApplicationELB", "LoadBalancer", "app/shop/1"]),
        ("Targets", ["AWS/ApplicationELB", "TargetGroup", "targetgroup/shop/1", "LoadBalancer", "app/shop/1"]),
        ("CPU", ["AWS/ECS", "ClusterName", "cluster-1", "ServiceName", "service-1"]),
        ("Tasks", ["ECS/ContainerInsights", "ClusterName", "cluster-1", "ServiceName", "service-1"]),
    ],
)
def test_each_graph_asks_for_this_service_alone(title: str, source: list[str]) -> None:
    for namespace, _metric, *dimensions, _options in widgets()[title]["properties"]["metrics"]:
        assert [namespace, *dimensions] == source


def test_the_log_is_searched_for_errors() -> None:
    log = widgets()["Errors in the log"]
    assert log["type"] == "log"
    assert log["properties"]["query"].startswith("SOURCE 'log-1' | fields @timestamp, @message | filter ")


def test_the_states_of_alarms_stand_at_the_top() -> None:
    alarms = widgets(alarm_arns=["arn:errors", "arn:latency"])["Alarms"]
    assert (alarms["type"], alarms["y"]) == ("alarm", 0)
    assert alarms["properties"]["alarms"] == ["arn:errors", "arn:latency"]


def test_widgets_fill_the_rows_and_none_covers_another() -> None:
    covered = [
        (widget["x"] + column, widget["y"] + row)
        for widget in widgets(alarm_arns=["arn"]).values()
        for column in range(widget["width"])
        for row in range(widget["height"])
    ]
    assert len(covered) == len(set(covered))
    assert {column for column, _ in covered} == set(range(24))
    assert len(covered) % 24 == 0


def test_the_url_leads_to_it() -> None:
    made = build()
    assert made.outputs == {
        "url": f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#dashboards/dashboard/shop-prod"
    }
    assert made.component_outputs == {"h4b:dashboard:Dashboard shop": {"url"}}


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.get(DASHBOARD).inputs["dashboardBody"] == UNKNOWN


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(dashboard_name="shop prod")
    assert str(refused.value) == (
        "DashboardArgs cannot be used:\n"
        "  - dashboard_name: got 'shop prod', expected 1 to 255 letters, digits, _ or -; "
        "choose a name that CloudWatch accepts"
    )
