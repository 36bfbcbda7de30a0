"""The deployment of a service that is under way: what it is, letting it go on, rolling it back.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/continue-service-deployment.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from components import service_deployment
from components.ecs_api import revision

_UNDER_WAY = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


@dataclass(frozen=True)
class Deployment:
    """A service deployment as DescribeServiceDeployments tells of it, with the revision that it deploys.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
    """

    record: Mapping[str, Any]
    task_definition: str
    """`web:7`."""

    @property
    def arn(self) -> str:
        return str(self.record["serviceDeploymentArn"])

    @property
    def pauses(self) -> Sequence[Mapping[str, Any]]:
        """Its pauses that wait for an answer."""
        return service_deployment.pauses(self.record)

    @property
    def rolls_back(self) -> bool:
        """Whether it is on its way back already."""
        return service_deployment.is_rolled_back(self.record)

    def describe(self, now: datetime) -> str:
        """One line for each thing that matters to who decides."""
        configuration = self.record.get("deploymentConfiguration") or {}
        began = self.record.get("startedAt") or self.record["createdAt"]
        lines = [
            f"deployment  {self.task_definition} by {configuration.get('strategy', 'ROLLING')}, "
            f"{self.record['status'].replace('_', ' ').lower()}, for {_minutes(now - began)} since {_clock(began)}"
        ]
        if stage := self.record.get("lifecycleStage"):
            lines.append(f"stage       {stage}")
        for each in self.pauses:
            until = f"until {_clock(each['expiresAt'])}, then " if each.get("expiresAt") else "; without an answer: "
            lines.append(f"waits       {until}{each.get('timeoutAction', 'ROLLBACK').lower()}")
        return "\n".join(lines)


def under_way(ecs: Any, cluster: str, service: str) -> Deployment | None:
    """The deployment that ECS works on now, newest first; None where there is none."""
    listed = ecs.list_service_deployments(cluster=cluster, service=service, status=list(_UNDER_WAY))
    found = sorted(listed["serviceDeployments"], key=lambda each: each["createdAt"])
    if not found:
        return None
    arn = found[-1]["serviceDeploymentArn"]
    (record,) = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    target = record["targetServiceRevision"]["arn"]
    (described,) = ecs.describe_service_revisions(serviceRevisionArns=[target])["serviceRevisions"]
    return Deployment(record, revision(described["taskDefinition"]))


def approve(ecs: Any, deployment: Deployment) -> None:
    """Answers each of its pauses: the deployment goes on to its next stage, where another pause may wait."""
    for each in deployment.pauses:
        ecs.continue_service_deployment(serviceDeploymentArn=deployment.arn, hookId=each["hookId"], action="CONTINUE")


def abort(ecs: Any, deployment: Deployment) -> None:
    """Sends it back to the revision before."""
    service_deployment.roll_back(ecs, deployment.record)


def _clock(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def _minutes(elapsed: Any) -> str:
    return f"{max(0, int(elapsed.total_seconds())) // 60} min"
