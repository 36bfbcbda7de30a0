"""A task of the new revision that must end well before the service takes it; what ECS answers is recorded."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pulumi
import pytest

from components import migration as module
from components.migration import MigrationFailedError, migrate, migration_hook, request
from tests.components.test_post_mortem import NEW, OLD
from tests.components.test_verdict import Recorded
from tests.mocks import run

CLUSTER = "arn:aws:ecs:ap-northeast-1:123456789012:cluster/shop"
TASK = "arn:aws:ecs:ap-northeast-1:123456789012:task/shop/0123"
SERVICE: dict[str, Any] = {
    "cluster": CLUSTER,
    "taskDefinition": NEW,
    "launchType": "FARGATE",
    "networkConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": False},
}
ASKED = request(SERVICE, "web", ["migrate", "--all"])
LOGGING = {"logDriver": "awslogs", "options": {"awslogs-group": "shop", "awslogs-stream-prefix": "app"}}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands still: what is expected to take 0 s does, on a busy machine, too."""
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))


def task(status: str, **container: Any) -> dict[str, Any]:
    stopped = {"stoppedReason": "Essential container in task exited", "stopCode": "EssentialContainerExited"}
    return {
        "taskArn": TASK,
        "taskDefinitionArn": NEW,
        "lastStatus": status,
        "containers": [{"name": "web", **container}],
        **(stopped if status == "STOPPED" else {}),
    }


class Aws(Recorded):
    """ECS's answers in the order of the questions."""

    def __init__(self) -> None:
        super().__init__()
        self.ecs = self.stubs["ecs"]
        self.interrupted = threading.Event()

    def nothing_runs(self) -> None:
        found = {"cluster": CLUSTER, "startedBy": "migration-web"}
        self.ecs.add_response("list_tasks", {"taskArns": []}, found)

    def starts(self) -> None:
        self.nothing_runs()
        self.ecs.add_response("run_task", {"tasks": [task("PROVISIONING")], "failures": []}, ASKED)

    def looks(self, found: dict[str, Any]) -> None:
        self.ecs.add_response("describe_tasks", {"tasks": [found]}, {"cluster": CLUSTER, "tasks": [TASK]})

    def logs(self, *lines: str) -> None:
        container = {"name": "web", "logConfiguration": LOGGING}
        self.ecs.add_response("describe_task_definition", {"taskDefinition": {"containerDefinitions": [container]}})
        self.stubs["logs"].add_response(
            "get_log_events",
            {"events": [{"message": line} for line in lines]},
            {"logGroupName": "shop", "logStreamName": "app/web/0123", "limit": 5},
        )

    def run(self, progress: Any = lambda _: None, timeout_minutes: int = 60) -> str:
        done = asyncio.run(migrate(self.api(), ASKED, timeout_minutes, progress, self.interrupted, poll_seconds=0))
        self.ecs.assert_no_pending_responses()
        return done

    def fails(self, **how: Any) -> str:
        with pytest.raises(MigrationFailedError) as failed:
            self.run(**how)
        self.ecs.assert_no_pending_responses()
        return str(failed.value)


class TestRequest:
    def test_it_is_one_task_of_the_new_revision_where_those_of_the_service_run(self) -> None:
        assert ASKED == {
            "cluster": CLUSTER,
            "taskDefinition": NEW,
            "count": 1,
            "startedBy": "migration-web",
            "overrides": {"containerOverrides": [{"name": "web", "command": ["migrate", "--all"]}]},
            "enableECSManagedTags": True,
            "launchType": "FARGATE",
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": ["subnet-1"],
                    "securityGroups": ["sg-1"],
                    "assignPublicIp": "DISABLED",
                }
            },
        }

    def test_it_has_the_capacity_and_the_constraints_of_the_service(self) -> None:
        on_instances = {
            "cluster": CLUSTER,
            "taskDefinition": NEW,
            "capacityProviderStrategies": [{"capacityProvider": "ours", "base": 0.0, "weight": 1.0}],
            "placementConstraints": [{"type": "distinctInstance"}, {"type": "memberOf", "expression": "task:x == y"}],
        }
        asked = request(on_instances, "web", ["migrate"])
        assert asked["capacityProviderStrategy"] == [{"capacityProvider": "ours", "base": 0, "weight": 1}]
        assert asked["placementConstraints"] == on_instances["placementConstraints"]
        assert not {"launchType", "networkConfiguration"} & asked.keys()


def test_a_secret_command_is_what_the_task_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    migrated = mock.AsyncMock(return_value="done")
    monkeypatch.setattr(module, "migrate", migrated)

    def program() -> None:
        hook = migration_hook("web", "web", pulumi.Output.secret(["migrate", "hunter2"]), 60)
        args: Any = SimpleNamespace(new_inputs=SERVICE, old_inputs=None)
        running: Any = hook.callback(args)
        pulumi.export("ran", pulumi.Output.from_input(asyncio.ensure_future(running)))

    run(program)
    assert migrated.call_args.args[1] == request(SERVICE, "web", ["migrate", "hunter2"])


class TestCourse:
    def test_a_task_that_ends_with_0_lets_the_service_go_on(self) -> None:
        aws = Aws()
        aws.starts()
        aws.looks(task("RUNNING"))
        aws.looks(task("STOPPED", exitCode=0))
        assert aws.run() == "migration of web:7 is done (0 s)"

    def test_progress_shows_the_last_line_of_its_log(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "PROGRESS_SECONDS", 0)
        aws = Aws()
        aws.starts()
        aws.looks(task("RUNNING"))
        aws.logs("table 1 of 9", "table 2 of 9")
        aws.looks(task("STOPPED", exitCode=0))
        aws.logs("done")
        lines: list[str] = []
        aws.run(lines.append)
        assert lines[0] == "migration of web:7: RUNNING (0 s): table 2 of 9"

    def test_another_exit_code_fails_with_cause_and_log(self) -> None:
        aws = Aws()
        aws.starts()
        aws.looks(task("STOPPED", exitCode=4))
        aws.logs("no such table: customers")
        assert aws.fails().splitlines() == [
            "migration of web:7 ended with 4; the service was left as it is",
            "  cause: container web exited with code 4",
            "  change: read its log; start the image with docker run",
            "  AWS says: Essential container in task exited",
            "  log: no such table: customers",
        ]

    def test_a_task_that_never_ran_fails_with_why(self) -> None:
        aws = Aws()
        aws.starts()
        aws.looks(
            task("STOPPED")
            | {"stoppedReason": "CannotPullContainerError: web:2: not found", "stopCode": "TaskFailedToStart"}
        )
        aws.ecs.add_client_error("describe_task_definition", "ClientException")
        told = aws.fails()
        assert told.startswith("migration of web:7 could not run; the service was left as it is\n")
        assert "cause: the image is not in the registry" in told

    def test_no_capacity_fails_before_anything_runs(self) -> None:
        aws = Aws()
        aws.nothing_runs()
        failure = {"arn": "arn:instance", "reason": "RESOURCE:MEMORY"}
        aws.ecs.add_response("run_task", {"tasks": [], "failures": [failure]})
        assert aws.fails().splitlines()[:2] == [
            "migration of web:7 was not started",
            "  cause: there is no capacity for another task",
        ]

    def test_one_that_an_interrupted_update_left_running_is_waited_for_not_run_beside(self) -> None:
        aws = Aws()
        aws.ecs.add_response("list_tasks", {"taskArns": [TASK]})
        aws.looks(task("RUNNING"))
        aws.looks(task("STOPPED", exitCode=0))
        assert aws.run() == "migration of web:7 is done (0 s)"

    def test_expired_credentials_leave_it_running_and_say_so(self) -> None:
        aws = Aws()
        aws.starts()
        aws.ecs.add_client_error("describe_tasks", "ExpiredTokenException")
        assert aws.fails() == "migration of web:7: the credentials expired; it goes on, and `pulumi up` waits for it"

    def test_one_that_nobody_waits_for_any_more_goes_on_and_that_is_said(self) -> None:
        aws = Aws()
        aws.starts()
        aws.interrupted.set()
        assert aws.fails().splitlines() == [
            "interrupted, but migration of web:7 goes on, and the next `pulumi up` waits for it",
            f"  change: end it, if it must not: aws ecs stop-task --cluster {CLUSTER} --task {TASK}",
        ]

    def test_one_that_takes_too_long_fails_the_update_and_is_left_to_its_end(self) -> None:
        aws = Aws()
        aws.starts()
        aws.looks(task("RUNNING"))
        assert aws.fails(timeout_minutes=0).splitlines() == [
            "migration of web:7 has not ended in 0 s; the service was left as it is",
            "  it goes on, and the next `pulumi up` waits for it as long again",
            "  change: a longer migration_timeout_minutes; or end it: "
            f"aws ecs stop-task --cluster {CLUSTER} --task {TASK}",
        ]

    def test_one_that_ends_at_the_last_moment_is_done(self) -> None:
        aws = Aws()
        aws.starts()
        aws.looks(task("STOPPED", exitCode=0))
        assert aws.run(timeout_minutes=0) == "migration of web:7 is done (0 s)"

    def test_none_is_started_beside_that_of_another_revision(self) -> None:
        aws = Aws()
        aws.ecs.add_response("list_tasks", {"taskArns": [TASK]})
        aws.looks(task("RUNNING") | {"taskDefinitionArn": OLD})
        assert aws.fails().splitlines() == [
            "migration of web:7 was not started: that of web:6 still runs; the service was left as it is",
            f"  change: wait for its end; or end it: aws ecs stop-task --cluster {CLUSTER} --task {TASK}",
        ]

    def test_one_that_ended_too_long_ago_to_be_known_is_not_waited_for(self) -> None:
        aws = Aws()
        aws.starts()
        nothing = {"tasks": [], "failures": [{"arn": TASK, "reason": "MISSING"}]}
        aws.ecs.add_response("describe_tasks", nothing)
        aws.looks(task("RUNNING"))
        aws.ecs.add_response("describe_tasks", nothing)
        aws.ecs.add_client_error("describe_task_definition", "ClientException")
        told = aws.fails()
        assert told.startswith("migration of web:7 could not run; the service was left as it is\n")
        assert "ECS does not know the task any more" in told

    def test_a_moment_without_answer_is_waited_out(self) -> None:
        aws = Aws()
        aws.starts()
        aws.ecs.add_client_error("describe_tasks", "ThrottlingException")
        aws.looks(task("STOPPED", exitCode=0))
        assert aws.run() == "migration of web:7 is done (0 s)"
