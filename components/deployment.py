"""How a new revision takes over: by replacing tasks, or by shifting traffic between two sets of them."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, Contradiction, one_of, whole

Strategy = Annotated[
    Literal["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"],
    one_of("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY", fix="choose how a new revision takes over"),
]
BakeMinutes = Annotated[int, whole(0, 1440, fix="choose the minutes in which alarms may still end the deployment")]
StepMinutes = Annotated[int, whole(0, 1440, fix="choose the minutes between two shifts of traffic")]
StepPercent = Annotated[int, whole(1, 100, fix="choose the share of the traffic that shifts at a time")]
STAGES = (
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
)
"""Where a deployment can pause, in order."""

ApprovalStage = Annotated[str, one_of(*STAGES, fix="choose before or after which step somebody has to agree")]
ApprovalTimeoutMinutes = Annotated[int, whole(1, 20160, fix="choose how long a deployment may wait, at most 14 days")]

_ROLLING_STAGES = ("PRE_SCALE_UP", "POST_SCALE_UP")
_LEAST_LINEAR_PERCENT = 3


@dataclass(frozen=True, kw_only=True)
class Approval(Arguments):
    """A pause until somebody calls ContinueServiceDeployment; without, the deployment rolls back.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html"""

    stage: ApprovalStage
    """Where a deployment, and Pulumi with it, waits for an approval; how to give it: docs/deployments.md. ROLLING knows
    PRE_SCALE_UP and POST_SCALE_UP only. With POST_TEST_TRAFFIC_SHIFT the new revision answers test requests and no
    others."""

    timeout_minutes: ApprovalTimeoutMinutes = 60
    """Minutes after which a deployment without approval rolls back."""


@dataclass(frozen=True, kw_only=True)
class Deployment(Arguments):
    """How a new revision takes over.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service-options.html"""

    strategy: Strategy = "ROLLING"
    """`ROLLING` replaces task by task; the others start a second set of tasks and shift the traffic to it, `BLUE_GREEN`
    at once, `LINEAR` in equal steps, `CANARY` a first share and then the rest. When to choose which:
    docs/deployments.md."""

    step_percent: StepPercent = 10
    """Share of the traffic that a step of LINEAR shifts, 3 at least, or the first share of CANARY."""

    step_minutes: StepMinutes = 5
    """Minutes between two steps of LINEAR, or until the rest of CANARY follows."""

    bake_minutes: BakeMinutes = 5
    """Minutes that the old tasks stay ready for a rollback once all traffic has shifted. Not with ROLLING."""

    approval: Approval | None = None
    """Where the deployment pauses for an approval. Pulumi waits, too. Default: nowhere."""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(("strategy", "step_percent"), self._step_percent_problem),
            Contradiction(("strategy", "approval"), self._approval_problem),
        ]

    def _step_percent_problem(self) -> str | None:
        if self.strategy != "LINEAR" or self.step_percent >= _LEAST_LINEAR_PERCENT:
            return None
        return (
            f"{self.called('step_percent')}: got {self.step_percent} with {self.called('strategy')} LINEAR, expected a "
            f"whole number from {_LEAST_LINEAR_PERCENT} to 100; choose larger steps"
        )

    def _approval_problem(self) -> str | None:
        stage = None if self.approval is None else self.approval.stage
        if self.strategy != "ROLLING" or stage is None or stage in _ROLLING_STAGES:
            return None
        return (
            f"{self.called('approval.stage')}: got {stage!r} with {self.called('strategy')} ROLLING, expected one of "
            f"{', '.join(_ROLLING_STAGES)}; choose one of them, or a strategy that shifts traffic"
        )

    @property
    def shifts_traffic(self) -> bool:
        """Whether there are two target groups."""
        return self.strategy != "ROLLING"

    def configuration(self) -> aws.ecs.ServiceDeploymentConfigurationArgs | None:
        """What ECS is told; nothing where its default does."""
        if self.strategy == "ROLLING" and self.approval is None:
            return None
        percent, minutes = float(self.step_percent), str(self.step_minutes)
        return aws.ecs.ServiceDeploymentConfigurationArgs(
            strategy=self.strategy,
            bake_time_in_minutes=str(self.bake_minutes) if self.shifts_traffic else None,
            linear_configuration=aws.ecs.ServiceDeploymentConfigurationLinearConfigurationArgs(
                step_percent=percent, step_bake_time_in_minutes=minutes
            )
            if self.strategy == "LINEAR"
            else None,
            canary_configuration=aws.ecs.ServiceDeploymentConfigurationCanaryConfigurationArgs(
                canary_percent=percent, canary_bake_time_in_minutes=minutes
            )
            if self.strategy == "CANARY"
            else None,
            lifecycle_hooks=[_pause(self.approval)] if self.approval else None,
        )


@dataclass(frozen=True, kw_only=True)
class TrafficShift:
    """What ECS shifts traffic with; a `Route` makes one."""

    alternate_target_group_arn: pulumi.Input[str]
    """The second target group: the two take turns."""

    production_rule_arn: pulumi.Input[str]
    """Listener rule whose weights ECS changes."""

    test_rule_arn: pulumi.Input[str]
    """Listener rule that leads test requests to the new revision before anybody else gets there."""

    role_arn: pulumi.Input[str]
    """Role with which ECS does so."""


def _pause(approval: Approval) -> aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs:
    return aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs(
        target_type="PAUSE",
        lifecycle_stages=[approval.stage],
        timeout_configuration=aws.ecs.ServiceDeploymentConfigurationLifecycleHookTimeoutConfigurationArgs(
            timeout_in_minutes=str(approval.timeout_minutes), action="ROLLBACK"
        ),
    )
