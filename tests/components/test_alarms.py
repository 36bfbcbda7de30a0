"""Alarms on what clients see, and on tasks that are missing."""

import json
from typing import Any

import pulumi
import pytest

from components.alarms import Alarms, AlarmsArgs
from components.checks import ArgumentError
from components.running_tasks_alarm import RunningTasksAlarm, RunningTasksAlarmArgs
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run, unknown

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:shop-alarms-1a2b3c4"
ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm"


def args(**changes: Any) -> AlarmsArgs:
    values: dict[str, Any] = {
        "load_balancer_arn_suffix": "app/shop/1",
        "target_group_arn_suffixes": ["targetgroup/shop/1"],
    }
    return AlarmsArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        upstream = {"load_balancer_arn_suffix": unknown(), "target_group_arn_suffixes": [unknown()]} if preview else {}
        alarms = Alarms("shop", args(**upstream | changes))
        pulumi.export("topic_arn", alarms.topic_arn)
        pulumi.export("names", alarms.names)
        pulumi.export("arns", alarms.arns)

    return run(program, preview=preview)


def test_it_makes_a_topic_and_three_alarms() -> None:
    made = build()
    assert made.names == {
        ("h4b:alarms:Alarms", "shop"),
        ("aws:sns/topic:Topic", "shop-alarms"),
        ("aws:sns/topicPolicy:TopicPolicy", "shop"),
        (ALARM, "shop-errors"),
        (ALARM, "shop-latency"),
        (ALARM, "shop-unhealthy-targets"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:alarms:Alarms shop"}


@pytest.mark.parametrize("name", ["shop-errors", "shop-latency", "shop-unhealthy-targets"])
def test_each_alarm_tells_the_topic_when_it_begins_and_ends_and_is_silent_without_data(name: str) -> None:
    alarm = build().get(ALARM, name).inputs
    assert alarm["alarmActions"] == alarm["okActions"] == [TOPIC]
    assert alarm["treatMissingData"] == "notBreaching"
    assert alarm["evaluationPeriods"] == 3


def test_each_target_group_between_which_traffic_shifts_has_its_alarm() -> None:
    made = build(target_group_arn_suffixes=["targetgroup/shop/1", "targetgroup/shop-alternate/2"])
    watched = {
        each.name: each.inputs["dimensions"]["TargetGroup"]
        for each in made.resources
        if each.type == ALARM and each.inputs.get("metricName") == "UnHealthyHostCount"
    }
    assert watched == {
        "shop-unhealthy-targets": "targetgroup/shop/1",
        "shop-unhealthy-targets-alternate": "targetgroup/shop-alternate/2",
    }
    assert len(made.outputs["names"]) == len(made.outputs["arns"]) == 4


def test_errors_are_those_of_tasks_and_of_the_load_balancer_as_a_share_of_all_requests() -> None:
    alarm = build(error_percent=2).get(ALARM, "shop-errors").inputs
    assert (alarm["threshold"], alarm["comparisonOperator"], alarm["datapointsToAlarm"]) == (
        2,
        "GreaterThanOrEqualToThreshold",
        2,
    )
    share, *counts = alarm["metricQueries"]
    assert share["returnData"] is True
    assert {count["id"]: count["metric"]["metricName"] for count in counts} == {
        "requests": "RequestCount",
        "targets": "HTTPCode_Target_5XX_Count",
        "own": "HTTPCode_ELB_5XX_Count",
    }
    for count in counts:
        assert count["metric"]["stat"] == "Sum"
        assert count["metric"]["dimensions"] == {"LoadBalancer": "app/shop/1"}
    assert all(count["id"] in share["expression"] for count in counts)


def test_latency_is_that_of_the_slowest_of_a_hundred() -> None:
    alarm = build(latency_milliseconds=250).get(ALARM, "shop-latency").inputs
    assert alarm["threshold"] == 0.25
    assert alarm["comparisonOperator"] == "GreaterThanThreshold"
    assert (alarm["namespace"], alarm["metricName"]) == ("AWS/ApplicationELB", "TargetResponseTime")
    assert (alarm["extendedStatistic"], alarm["period"]) == ("p99", 60)
    assert alarm["evaluateLowSampleCountPercentiles"] == "ignore"
    assert alarm["dimensions"] == {"LoadBalancer": "app/shop/1"}


def test_one_unhealthy_target_is_an_alarm() -> None:
    alarm = build().get(ALARM, "shop-unhealthy-targets").inputs
    assert (alarm["threshold"], alarm["comparisonOperator"]) == (0, "GreaterThanThreshold")
    assert (alarm["metricName"], alarm["statistic"]) == ("UnHealthyHostCount", "Maximum")
    assert alarm["dimensions"] == {"LoadBalancer": "app/shop/1", "TargetGroup": "targetgroup/shop/1"}


def test_only_alarms_of_this_account_and_rules_of_this_stack_publish_to_the_topic() -> None:
    policy = build().get("aws:sns/topicPolicy:TopicPolicy").inputs
    assert policy["arn"] == TOPIC
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": TOPIC}
    assert json.loads(policy["policy"])["Statement"] == [
        {
            **publish,
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
        {
            **publish,
            "Principal": {"Service": "events.amazonaws.com"},
            "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/shop-*"}},
        },
    ]


def test_who_wants_mail_gets_it() -> None:
    assert build(email="team@example.com").get("aws:sns/topicSubscription:TopicSubscription").inputs == {
        "topic": TOPIC,
        "protocol": "email",
        "endpoint": "team@example.com",
    }


def test_outputs() -> None:
    made = build()
    names = ["shop-errors-1a2b3c4", "shop-latency-1a2b3c4", "shop-unhealthy-targets-1a2b3c4"]
    assert made.outputs == {"topic_arn": TOPIC, "names": names, "arns": [f"{ARN}:{name}" for name in names]}
    assert made.component_outputs == {"h4b:alarms:Alarms shop": {"topicArn", "names", "arns"}}


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.outputs["topic_arn"] == UNKNOWN


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(error_percent=0, latency_milliseconds=0.5, email="the team")
    assert str(refused.value) == (
        "AlarmsArgs cannot be used:\n"
        "  - error_percent: got 0, expected a whole number from 1 to 100; "
        "choose how many of a hundred requests may fail\n"
        "  - latency_milliseconds: got 0.5, expected a whole number from 1 to 3600000; "
        "choose the milliseconds within which 99 of 100 answers must come\n"
        "  - email: got 'the team', expected an e-mail address; name who is to be told, for instance a team's list"
    )


def build_running(*, preview: bool = False) -> Run:
    def program() -> None:
        upstream: Any = unknown() if preview else "name"
        alarm_args = RunningTasksAlarmArgs(cluster_name=upstream, service_name=upstream, topic_arn=TOPIC)
        pulumi.export("arn", RunningTasksAlarm("shop", alarm_args).arn)

    return run(program, preview=preview)


def test_missing_tasks_are_an_alarm() -> None:
    made = build_running()
    assert made.names == {("h4b:running_tasks_alarm:RunningTasksAlarm", "shop"), (ALARM, "shop-running-tasks")}
    alarm = dict(made.get(ALARM).inputs)
    missing, desired, running = alarm.pop("metricQueries")
    assert alarm == {
        "alarmDescription": "Fewer tasks run than are wanted",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 0,
        "evaluationPeriods": 5,
        "treatMissingData": "notBreaching",
        "alarmActions": [TOPIC],
        "okActions": [TOPIC],
    }
    assert missing["expression"] == "desired - FILL(running, 0)"
    for query, metric in ((desired, "DesiredTaskCount"), (running, "RunningTaskCount")):
        assert query["metric"] == {
            "namespace": "ECS/ContainerInsights",
            "metricName": metric,
            "stat": "Average",
            "period": 60,
            "dimensions": {"ClusterName": "name", "ServiceName": "name"},
        }
    assert made.outputs == {"arn": f"{ARN}:shop-running-tasks-1a2b3c4"}
    assert made.component_outputs == {"h4b:running_tasks_alarm:RunningTasksAlarm shop": {"arn"}}


def test_a_preview_shows_the_alarm_on_missing_tasks_before_anything_is_known() -> None:
    made = build_running(preview=True)
    assert made.names == build_running().names
    assert made.outputs == {"arn": UNKNOWN}
