"""What ECS, Elastic Load Balancing and CloudWatch are asked while a deployment runs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

import boto3
import botocore.exceptions

from ecs_policy.service_rollout import alarm_names, target_group_arns

LOG_LINES = 5
_SAME_TIME = timedelta(seconds=5)
_NO_RECORDS = ("AccessDeniedException", "UnsupportedFeatureException")
_MOST_ALARMS = 100
"""What DescribeAlarms takes at once."""

Shape = Mapping[str, Any]
"""A structure as boto3 returns it."""

FAILURES = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
"""Every way in which AWS can leave a question unanswered."""

_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException")
_PASSING = ("RequestLimitExceeded", "ServerException", "ServiceUnavailable", "Throttling", "ThrottlingException")
_CREDENTIALS = (
    botocore.exceptions.CredentialRetrievalError,
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.PartialCredentialsError,
    botocore.exceptions.ProfileNotFound,
    botocore.exceptions.SSOError,
    botocore.exceptions.TokenRetrievalError,
)


def revision(arn: object) -> str:
    """`web:7` of a task definition's ARN."""
    return str(arn or "no revision").rpartition("/")[2]


def lasting_trouble(failure: Exception) -> str | None:
    """Why AWS will not answer the next question either, in plain words; None where it may well."""
    if isinstance(failure, botocore.exceptions.HTTPClientError):
        return None
    if isinstance(failure, _CREDENTIALS):
        return f"there are no AWS credentials to ask with ({failure})"
    if isinstance(failure, botocore.exceptions.ClientError):
        code = _code(failure)
        if code in _EXPIRED:
            return "the credentials expired"
        if code in _PASSING or failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400) >= 500:
            return None
    return f"AWS does not answer ({failure}); these calls use the environment's credentials, not an explicit provider's"


def _code(error: botocore.exceptions.ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


class Api:
    """The questions about one service. The region is the service's own, the credentials are the environment's.

    Each raises one of `FAILURES` where AWS does not answer.
    """

    def __init__(self, service_arn: str, cluster: str, *, client: Callable[..., Any] = boto3.client) -> None:
        self._service, self._cluster, self._client = service_arn, cluster, client
        self._region = service_arn.split(":")[3]
        self._records: dict[str, str] = {}

    @cached_property
    def ecs(self) -> Any:
        return self._client("ecs", region_name=self._region)

    @cached_property
    def _elbv2(self) -> Any:
        return self._client("elbv2", region_name=self._region)

    @cached_property
    def _cloudwatch(self) -> Any:
        return self._client("cloudwatch", region_name=self._region)

    @cached_property
    def _logs(self) -> Any:
        return self._client("logs", region_name=self._region)

    def service(self) -> Shape:
        found = self.ecs.describe_services(cluster=self._cluster, services=[self._service])["services"]
        return found[0] if found else {"status": "INACTIVE"}

    def record(self, deployment: Shape | None) -> Shape | None:
        """The service deployment that belongs to a deployment of the service; None where there is none, as in its first
        moments, or it may not be read.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html"""
        if deployment is None:
            return None
        try:
            arn = self._records.get(deployment["id"]) or self._record_arn(deployment)
            if arn is None:
                return None
            self._records[deployment["id"]] = arn
            found = self.ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
        except botocore.exceptions.ClientError as error:
            if _code(error) in _NO_RECORDS:
                return None
            raise
        return found[0] if found else None

    def _record_arn(self, deployment: Shape) -> str | None:
        began, number = deployment.get("createdAt"), str(deployment["id"]).rpartition("/")[2]
        if began is None:
            return None
        listed = self.ecs.list_service_deployments(
            cluster=self._cluster, service=self._service, createdAt={"after": began - _SAME_TIME}
        )
        briefs = listed.get("serviceDeployments", ())
        # A service revision has the number of its deployment, as the AWS provider of Terraform knows, too.
        same = [each for each in briefs if str(each.get("targetServiceRevisionArn", "")).rpartition("/")[2] == number]
        near = [each for each in briefs if abs(each["createdAt"] - began) <= _SAME_TIME]
        found = same or sorted(near, key=lambda each: abs(each["createdAt"] - began))
        return str(found[0]["serviceDeploymentArn"]) if found else None

    def stopped_tasks(self, task_definition: str) -> list[Shape]:
        """The service's tasks of that revision that stopped, the first to stop first. ECS keeps them for an hour."""
        name = self._service.rpartition("/")[2]
        arns = self.ecs.list_tasks(cluster=self._cluster, serviceName=name, desiredStatus="STOPPED")["taskArns"]
        found = self.ecs.describe_tasks(cluster=self._cluster, tasks=arns[:100])["tasks"] if arns else []
        ours = [each for each in found if each.get("taskDefinitionArn") == task_definition]
        return sorted(ours, key=lambda each: each["stoppedAt"].timestamp() if each.get("stoppedAt") else 0.0)

    def targets(self, service: Shape) -> list[Shape]:
        """The health of each target of the service."""
        return [
            health
            for arn in target_group_arns(service)
            for health in self._elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        ]

    def target_groups(self, service: Shape) -> list[Shape]:
        """The service's target groups, each with its `Attributes`."""
        arns = target_group_arns(service)
        groups = self._elbv2.describe_target_groups(TargetGroupArns=arns)["TargetGroups"] if arns else []
        return [
            {
                **group,
                "Attributes": self._elbv2.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])[
                    "Attributes"
                ],
            }
            for group in groups
        ]

    def alarms(self, service: Shape) -> list[Shape]:
        """The alarms that end the service's deployments, and those that composite ones among them are made of. One that
        does not exist has only its `AlarmName`."""
        return self.alarms_named(alarm_names(service))

    def alarms_named(self, names: Sequence[str]) -> list[Shape]:
        """Alarms by their names, as `alarms` gives them."""
        found: dict[str, Shape] = {}
        waiting = list(names)
        while waiting:
            asked, waiting = waiting[:_MOST_ALARMS], waiting[_MOST_ALARMS:]
            answer = self._cloudwatch.describe_alarms(AlarmNames=asked, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
            found.update({name: {"AlarmName": name} for name in asked})
            for alarm in (*answer["MetricAlarms"], *answer["CompositeAlarms"]):
                found[alarm["AlarmName"]] = alarm
            for composite in answer["CompositeAlarms"]:
                parts = self._cloudwatch.describe_alarms(ChildrenOfAlarmName=composite["AlarmName"])
                children = [each["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for each in parts[kind]]
                waiting += [name for name in children if name not in found and name not in waiting]
        return list(found.values())

    def containers(self, task_definition: str) -> Sequence[Shape]:
        """The container definitions of a revision."""
        answer = self.ecs.describe_task_definition(taskDefinition=task_definition)
        return list(answer["taskDefinition"]["containerDefinitions"])

    def log_lines(self, task: Shape) -> list[str]:
        """The last lines of the task's containers, where they log to CloudWatch."""
        task_id = task["taskArn"].rpartition("/")[2]
        lines: list[str] = []
        for container in self.containers(task["taskDefinitionArn"]):
            options = (container.get("logConfiguration") or {}).get("options") or {}
            if "awslogs-group" in options and "awslogs-stream-prefix" in options:
                stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{task_id}"
                answer = self._logs.get_log_events(
                    logGroupName=options["awslogs-group"], logStreamName=stream, limit=LOG_LINES
                )
                lines += [event["message"].rstrip() for event in answer["events"]]
        return lines[-LOG_LINES:]
