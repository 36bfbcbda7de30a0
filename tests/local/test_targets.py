"""The make targets for AWS, as a user and the workflows call them: the engine's command line against the emulator.

In order, on one account: `make bootstrap` makes where the state is kept, `make plan`, `deploy` and `drift` work on it.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.local import language_host
from tests.local.chaos import Cloud, ask
from tests.local.checkout import LAUNCH_TYPE_MISMATCH, Checkout, Result
from tests.local.test_secrets import PROJECT, planted, traces

pytestmark = [pytest.mark.engine, pytest.mark.docker]

ACCOUNT = """
import sys
from local import base_image, emulator, paths, stack

paths.LOCAL.mkdir()
settings = stack.effective_configuration("local")
base = base_image.ensure(settings["image.base"])
emulator.ensure(settings["aws:region"])
providers = stack.Providers(online=True, base_images={settings["image.base"]: base})
print(providers.addresses, flush=True)
sys.stdin.read()
"""
"""The emulator, and the providers that send an engine to it until stdin closes; `down` ends the emulator."""


@dataclass
class Account:
    """An account on the emulator, with a checkout in which `make` works on it."""

    checkout: Checkout
    environment: dict[str, str]
    shown: list[str] = field(default_factory=list)
    """What commands printed."""

    @property
    def cloud(self) -> Cloud:
        return Cloud(self.checkout)

    def make(self, *words: str) -> Result:
        return self.run("make", "--assume-old", ".venv/.ready", *words)

    def run(self, *command: str) -> Result:
        done = subprocess.run(
            command, cwd=self.checkout.path, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        )  # fmt: skip
        self.shown.append(done.stdout)
        return Result(done.returncode, done.stdout)

    def interrupt(self, once: Callable[[], bool], *words: str) -> Result:
        """`make`, with Ctrl-C as a terminal sends it, to all of the foreground."""
        with subprocess.Popen(
            ["make", "--assume-old", ".venv/.ready", *words], cwd=self.checkout.path, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        ) as running:  # fmt: skip
            deadline = time.monotonic() + 120
            while not once() and running.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            os.killpg(running.pid, signal.SIGINT)
            shown, _ = running.communicate(timeout=120)
        return Result(running.returncode, shown)

    def make_on_a_terminal(self, *words: str, question: str, answer: str) -> Result:
        ours, theirs = pty.openpty()
        shown = ""
        with subprocess.Popen(
            ["make", "--assume-old", ".venv/.ready", *words], cwd=self.checkout.path,
            env=self.environment | {"TERM": "screen"}, stdin=theirs, stdout=theirs, stderr=theirs,
        ) as running:  # fmt: skip
            os.close(theirs)
            with contextlib.suppress(OSError):  # which ends what a terminal says
                while said := os.read(ours, 65536).decode(errors="replace"):
                    shown += said
                    if question in shown:
                        os.write(ours, f"{answer}\r".encode())
                        question = "\0"
        os.close(ours)
        return Result(running.returncode, shown)

    @property
    def plan_folder(self) -> Path:
        return self.checkout.path / ".plan" / "local"

    def health_check_path(self, new: str = "") -> str:
        """What AWS has; with `new`, after somebody changed it by hand."""
        elbv2 = self.cloud.client("elbv2")
        (group,) = elbv2.describe_target_groups()["TargetGroups"]
        if new:
            elbv2.modify_target_group(TargetGroupArn=group["TargetGroupArn"], HealthCheckPath=new)
        return new or str(group["HealthCheckPath"])

    def states(self) -> dict[str, object]:
        """When each object of the bucket for states was written."""
        s3 = self.cloud.client("s3")
        (bucket,) = s3.list_buckets()["Buckets"]
        return {each["Key"]: each["LastModified"] for each in s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]}


REPOSITORY = ("REPOSITORY=octo-org/hello", "REPOSITORY_ID=123456789")


@pytest.fixture(scope="module")
def account(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    commands = tmp_path_factory.mktemp("bin")
    language_host.install(commands)
    engine = shutil.which(os.environ.get("PULUMI_BIN", "pulumi"))
    assert engine
    (commands / "pulumi").symlink_to(engine)
    (checkout.path / ".venv").symlink_to(sys.prefix)
    environment = checkout.environment | {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(commands / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    with subprocess.Popen(
        [sys.executable, "-c", ACCOUNT], cwd=checkout.path, env=checkout.environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout
        environment["PULUMI_DEBUG_PROVIDERS"] = next(line.strip() for line in running.stdout if line.startswith("aws:"))
        checkout.emulator.claim(environment)
        yield Account(checkout, environment)


def test_bootstrap_without_somebody_to_agree_makes_nothing(account: Account) -> None:
    refused = account.make("bootstrap", *REPOSITORY).failed()
    assert "--yes or --skip-preview or --preview-only must be passed" in refused.output
    assert account.cloud.client("s3").list_buckets()["Buckets"] == []


@pytest.fixture(scope="module")
def bootstrapped(account: Account) -> Result:
    question = "Do you want to perform this update?"
    return account.make_on_a_terminal("bootstrap", *REPOSITORY, question=question, answer="yes")


@pytest.fixture(scope="module")
def stack(account: Account, bootstrapped: Result) -> Account:
    """The account with a stack, its state and its key where `make bootstrap` said."""
    said = bootstrapped.succeeded().output
    backend, provider = re.findall(r"PULUMI_BACKEND_URL='(\S+/dev\?\S+)'|init dev --secrets-provider='(\S+)'", said)
    account.environment["PULUMI_BACKEND_URL"] = backend[0]
    account.run("pulumi", "stack", "init", "local", "--secrets-provider", provider[1]).succeeded()
    secret = [f"{PROJECT}:environment.PASSWORD", planted("deployed")]
    account.run("pulumi", "config", "set", "--secret", "--path", "--stack", "local", *secret).succeeded()
    return account


def test_bootstrap_previews_asks_and_ends_with_what_github_needs(bootstrapped: Result) -> None:
    assert "45 to create" in bootstrapped.succeeded().output
    named = bootstrapped.output.partition("In the settings of https://github.com/octo-org/hello:")[2]
    for variable in ("AWS_REGION", "PULUMI_BACKEND_URL", "PREVIEW_ROLE_ARN", "DEPLOY_ROLE_ARN", "--secrets-provider"):
        assert variable in named


@pytest.fixture(scope="module")
def first_plan(stack: Account) -> Result:
    return stack.make("plan").succeeded()


def test_a_plan_asks_the_policies_and_ends_with_the_risks(stack: Account, first_plan: Result) -> None:
    assert "Policy Packs run:" in first_plan.output
    assert "LB-06-https-or-redirect" in first_plan.output
    assert re.search(r"^May be deployed: 1 not-undone, .* 0 resources stay\.$", first_plan.output, re.MULTILINE)
    assert (stack.plan_folder / "report.md").read_text().startswith("## Deploy risk of local\n")


@pytest.fixture(scope="module")
def deployed(stack: Account, first_plan: Result) -> Result:
    return stack.make("deploy").succeeded()


def test_the_first_deployment_follows_its_plan_and_ends_when_the_service_serves(
    stack: Account, deployed: Result
) -> None:
    assert "Previewing update" not in deployed.output
    assert ask(stack.checkout.port, stack.cloud.host()) == (200, "Hello World!")


def test_no_drift_is_a_success(stack: Account, deployed: Result) -> None:
    assert "53 unchanged" in stack.make("drift").succeeded().output


def test_a_mandatory_policy_fails_a_plan_and_leaves_none(stack: Account, deployed: Result) -> None:
    stack.checkout.replace("__main__.py", *LAUNCH_TYPE_MISMATCH)
    try:
        refused = stack.make("plan").failed().output
    finally:
        stack.checkout.replace("__main__.py", *reversed(LAUNCH_TYPE_MISMATCH))
    assert "LT-01-service-launch-type-in-td" in refused
    assert "\nDo not deploy: 1 refused" in refused
    assert not (stack.plan_folder / "plan.json").exists()


@pytest.fixture(scope="module")
def drifted(stack: Account, deployed: Result) -> None:
    stack.health_check_path(new="/other")


def test_drift_fails_and_is_shown_and_left_alone(stack: Account, drifted: None) -> None:
    before = stack.states()
    assert 'path: "/" => "/other"' in stack.make("drift").failed().output
    assert stack.states() == before
    assert stack.health_check_path() == "/other"


@pytest.fixture(scope="module")
def planned(stack: Account, drifted: None) -> Result:
    """The plan of a change, made after the drift."""
    stack.checkout.replace("Pulumi.local.yaml", "config:\n", "config:\n  h4b-helloworld:service: { desiredCount: 1 }\n")
    before = stack.states()
    planned = stack.make("plan", "FAIL_ON=interrupts")
    assert stack.states() == before, "the role of pull requests may only read"
    return planned


def test_a_plan_tells_of_drift_too_and_fails_by_a_configured_risk(planned: Result) -> None:
    told = planned.failed().output
    assert re.search(r"interrupts +TargetGroup h4b-helloworld: health check path /other → / applies at once", told)
    assert "Service h4b-helloworld: 2 → 1 tasks" in told
    assert "\nDo not deploy: 1 interrupts" in told


def test_a_deployment_stops_where_the_program_is_not_what_was_planned(stack: Account, planned: Result) -> None:
    page = ("app_image/html/index.html", "Hello World!", "Hello again!")
    before = stack.cloud.service()
    stack.checkout.replace(*page)
    try:
        stopped = stack.make("deploy")
    finally:
        stack.checkout.replace(page[0], page[2], page[1])
    # The engine leaves in the middle of the program, which may say so with a traceback.
    assert stopped.code != 0
    assert "Image::h4b-helloworld violates plan: properties changed" in stopped.output
    after = stack.cloud.service()
    assert (after["taskDefinition"], after["desiredCount"]) == (before["taskDefinition"], 2)


def test_a_deployment_follows_its_plan_and_uses_it_up(stack: Account, planned: Result) -> None:
    assert "Previewing" not in stack.make("deploy").succeeded().output
    assert stack.health_check_path() == "/"
    assert stack.cloud.service()["desiredCount"] == 1
    assert not stack.plan_folder.exists()


def test_ctrl_c_ends_a_deployment_with_what_goes_on_and_the_next_one_waits_for_it(
    stack: Account, deployed: Result
) -> None:
    before = stack.cloud.revision()
    stack.checkout.replace("app_image/html/index.html", "Hello", "Good morning")
    interrupted = stack.interrupt(lambda: stack.cloud.revision() > before, "deploy").failed().output
    assert f"interrupted, but ECS goes on: h4b-helloworld-local:{before + 1}: " in interrupted
    stack.make("deploy").succeeded()
    assert stack.cloud.revision() == before + 1


def test_a_deployment_without_a_plan_previews_first_and_fails_where_it_is_rolled_back(
    stack: Account, deployed: Result
) -> None:
    before = stack.cloud.revision()
    stack.checkout.replace("app_image/run_apache.sh", "set -e\n", "set -e\nexit 1\n")
    failed = stack.make("deploy").failed().output
    assert failed.index("Previewing update") < failed.index("Updating")
    assert f"h4b-helloworld-local:{before + 1} failed, rolled back to h4b-helloworld-local:{before}" in failed
    assert stack.cloud.revision() == before


def test_a_secret_of_the_configuration_is_where_tasks_get_it_and_nowhere_else(stack: Account, deployed: Result) -> None:
    revision = stack.cloud.service()["taskDefinition"]
    answer = stack.cloud.client("ecs").describe_task_definition(taskDefinition=revision)
    (container,) = answer["taskDefinition"]["containerDefinitions"]
    assert {"name": "PASSWORD", "value": planted("deployed")} in container["environment"]

    s3 = stack.cloud.client("s3")
    (bucket,) = s3.list_buckets()["Buckets"]
    written = {
        each["Key"]: s3.get_object(Bucket=bucket["Name"], Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]
    }
    assert any("/stacks/" in key for key in written)
    cloud_itself = stack.checkout.path / ".local" / "emulator"
    for file in stack.checkout.path.rglob("*"):
        if file.is_file() and not file.is_symlink() and cloud_itself not in file.parents:
            written[str(file)] = file.read_bytes()
    written |= {f"shown {at}": text.encode() for at, text in enumerate(stack.shown)}
    assert {name for name, data in written.items() if traces(data)} == set()
