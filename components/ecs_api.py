"""What ECS, Elastic Load Balancing and CloudWatch Logs are asked while a deployment runs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

import boto3
import botocore.exceptions

LOG_LINES = 5
_SAME_TIME = timedelta(seconds=5)

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
        code = failure.response["Error"]["Code"]
        if code in _EXPIRED:
            return "the credentials expired"
        if code in _PASSING or failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400) >= 500:
            return None
    return (
        f"AWS refuses to tell ({failure}); it is asked with the credentials of the environment, not with a provider's"
    )


class Api:
    """The questions about one service. The region is the service's own, the credentials are the environment's.

    Each raises one of `FAILURES` where AWS does not answer.
    """

    def __init__(self, service_arn: str, cluster: str, *, client: Callable[..., Any] = boto3.client) -> None:
        self._service, self._cluster, self._client = service_arn, cluster, client
        self._region = service_arn.split(":")[3]

    @cached_property
    def ecs(self) -> Any:
        return self._client("ecs", region_name=self._region)

    @cached_property
    def _elbv2(self) -> Any:
        return self._client("elbv2", region_name=self._region)

    @cached_property
    def _logs(self) -> Any:
        return self._client("logs", region_name=self._region)

    def service(self) -> Shape:
        found = self.ecs.describe_services(cluster=self._cluster, services=[self._service])["services"]
        return found[0] if found else {"status": "INACTIVE"}

    def record(self, deployment: Shape | None) -> Shape | None:
        """The deployment's record; None where there is none, as for the first minutes, or may not be read."""
        began = (deployment or {}).get("createdAt")
        if began is None:
            return None
        try:
            listed = self.ecs.list_service_deployments(
                cluster=self._cluster,
                service=self._service,
                createdAt={"after": began - _SAME_TIME, "before": began + _SAME_TIME},
            )
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("AccessDeniedException", "UnsupportedFeatureException"):
                return None
            raise
        near = [each for each in listed.get("serviceDeployments", ()) if abs(each["createdAt"] - began) <= _SAME_TIME]
        return near[0] if near else None

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
            for arn in _target_group_arns(service)
            for health in self._elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        ]

    def target_groups(self, service: Shape) -> list[tuple[Shape, Mapping[str, str]]]:
        """The service's target groups, each with its attributes."""
        arns = _target_group_arns(service)
        if not arns:
            return []
        groups = self._elbv2.describe_target_groups(TargetGroupArns=arns)["TargetGroups"]
        found: list[tuple[Shape, Mapping[str, str]]] = []
        for group in groups:
            answer = self._elbv2.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])
            found.append((group, {each["Key"]: each["Value"] for each in answer["Attributes"]}))
        return found

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


def _target_group_arns(service: Shape) -> list[str]:
    return [each["targetGroupArn"] for each in service.get("loadBalancers", ()) if each.get("targetGroupArn")]
