"""What ECS answers about tasks that stopped, recorded, and what is made of it: also what only AWS can answer."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from components.post_mortem import SHOW_LOG, first_cause, told

OLD, NEW = (f"arn:aws:ecs:ap-northeast-1:123456789012:task-definition/web:{number}" for number in (6, 7))
NOW = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


def task(
    reason: str, *, code: str = "TaskFailedToStart", container: str = "", exit_code: int | None = None
) -> dict[str, Any]:
    of_container: dict[str, Any] = {"name": "web"}
    if container:
        of_container["reason"] = container
    if exit_code is not None:
        of_container["exitCode"] = exit_code
    return {
        "taskArn": "arn:aws:ecs:ap-northeast-1:123456789012:task/shop/0123",
        "taskDefinitionArn": NEW,
        "stoppedReason": reason,
        "stopCode": code,
        "stoppedAt": NOW,
        "containers": [of_container],
    }


EXITED = "Essential container in task exited"


class TestCause:
    @pytest.mark.parametrize(
        ("stopped", "what"),
        [
            (
                task("CannotPullContainerError: The task can't pull the image. pull image manifest has been retried 7 "
                "time(s): failed to resolve ref shop/web@sha256:0: shop/web@sha256:0: not found"),
                "the image is not in the registry",
            ),
            (
                task("CannotPullContainerError: image Manifest does not contain descriptor matching platform "
                "'linux/amd64'"),
                "the image is for another processor",
            ),
            (
                task(EXITED, code="EssentialContainerExited", exit_code=255, container="exec /x: exec format error"),
                "the image is for another processor",
            ),
            (
                task("ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr "
                "registry auth: Post \"https://api.ecr.ap-northeast-1.amazonaws.com/\": dial tcp: i/o timeout"),
                "there is no route to ECR",
            ),
            (
                task("ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret "
                "from asm: AccessDeniedException: not authorized to perform secretsmanager:GetSecretValue"),
                "a secret cannot be read",
            ),
            (
                task(EXITED, code="EssentialContainerExited", exit_code=137, container="OutOfMemoryError: container "
                "killed due to memory usage"),
                "a container ran out of memory",
            ),
            (
                task("Task failed ELB health checks in (target-group arn:tg) (reason Health checks failed with these "
                "codes: [500])", code="ServiceSchedulerInitiated"),
                "the health check is answered, but with an error",
            ),
            (
                task("Task failed ELB health checks in (target-group arn:tg) (reason Request timed out)",
                code="ServiceSchedulerInitiated"),
                "the port is not answered",
            ),
            (
                task("Task failed container health checks", code="ServiceSchedulerInitiated"),
                "the container's own health check fails",
            ),
            (task(EXITED, code="EssentialContainerExited", exit_code=3), "container web exited with code 3"),
            (
                task(EXITED, code="EssentialContainerExited", exit_code=127),
                "container web exited with code 127 (its command is not in the image)",
            ),
        ],
    )  # fmt: skip
    def test_a_stopped_task_tells(self, stopped: dict[str, Any], what: str) -> None:
        cause = first_cause([stopped], [], [])
        assert cause is not None
        assert cause.what == what
        assert cause.change
        assert cause.evidence.startswith(stopped["stoppedReason"])

    def test_a_sick_target_tells_while_no_task_has_stopped(self) -> None:
        target = {
            "TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"}
        }
        cause = first_cause([], [target], [])
        assert cause and cause.what == "the port is not answered"

    def test_no_capacity_is_only_in_the_events(self) -> None:
        message = "(service web) was unable to place a task. Reason: Capacity is unavailable at this time."
        steady = {"message": "(service web) has reached a steady state."}
        cause = first_cause([], [], [steady, {"message": message}])
        assert cause and (cause.what, cause.evidence) == ("there is no capacity for another task", message)

    def test_tasks_that_scaling_stopped_are_no_cause(self) -> None:
        scaled = task(
            "Scaling activity initiated by (deployment ecs-svc/7)", code="ServiceSchedulerInitiated", exit_code=0
        )
        crashed = task(EXITED, code="EssentialContainerExited", exit_code=1)
        cause = first_cause([scaled, crashed], [], [])
        assert cause and cause.what == "container web exited with code 1"

    def test_nothing_known_is_no_cause(self) -> None:
        assert first_cause([], [], []) is None


class TestLog:
    @pytest.mark.parametrize(
        ("environment", "is_shown"),
        [
            ({}, True),
            ({"CI": ""}, True),
            ({"CI": "false"}, True),
            ({"CI": "true"}, False),
            ({"CI": "1"}, False),
            ({"CI": "true", SHOW_LOG: "true"}, True),
            ({"CI": "true", SHOW_LOG: "false"}, False),
        ],
    )
    def test_what_the_application_wrote_is_not_for_the_log_of_ci_unless_asked_for(
        self, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], is_shown: bool
    ) -> None:
        for name in ("CI", SHOW_LOG):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        api: Any = SimpleNamespace(log_lines=lambda _: ["hunter2", "::error::\x1b[31mred"])
        lines = told(None, api, task(EXITED, code="EssentialContainerExited", exit_code=1))
        if is_shown:
            assert lines == ["log: hunter2", "log: : :error::red"]
        else:
            assert lines == [
                "log: not shown in CI, whose log others may read; it is in CloudWatch Logs, or set "
                "SHOW_APPLICATION_LOG=true"
            ]
