"""Ctrl-C while a deployment is waited for: the real engine, and an ECS whose deployment never ends by itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from local import paths, stack
from tests.local import language_host
from tests.local.checkout import ROOT, Result

pytestmark = pytest.mark.engine

ACCOUNT = "arn:aws:ecs:eu-central-1:123456789012"
SERVICE = f"{ACCOUNT}:service/shop/web"
RECORD = f"{ACCOUNT}:service-deployment/shop/web/ajdLIkkwsNCI1vuVsPvU8"
REVISION = f"{ACCOUNT}:task-definition/shop-prod:8"
PROGRAM = f"""
import pulumi
import pulumi_random

from components.verdict import Follower

follower = Follower("web", 60, rollback_on_interrupt=pulumi.Config().require_bool("rollbackOnInterrupt"))


async def deployed(args):
    outputs = {{"cluster": "shop", "taskDefinition": "{REVISION}"}}
    service = pulumi.ResourceHookArgs(urn=args.urn, id="{SERVICE}", name="web", type="t", new_outputs=outputs)
    await follower.hook.callback(service)


after = pulumi.ResourceHook("deployed", deployed)
made = pulumi_random.RandomPassword(
    "web", length=9, opts=pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(after_create=[after]))
)
if not pulumi.runtime.is_dry_run():
    pulumi.export("confirmed", made.id.apply(lambda _: follower.confirm("{SERVICE}", "shop", "{REVISION}")))
"""


@dataclass
class Ecs:
    """An endpoint that answers as ECS does in a rolling deployment."""

    state: str = "IN_PROGRESS"
    asked: list[str] = field(default_factory=list)
    stopped: list[Any] = field(default_factory=list)

    def answer(self, action: str, request: Any) -> Any:
        self.asked.append(action)
        began = 1796000000
        if action == "DescribeServices":
            deployment = {
                "id": "ecs-svc/4980306466373577095", "status": "PRIMARY", "taskDefinition": REVISION,
                "runningCount": 1 if self.state == "IN_PROGRESS" else 2, "pendingCount": 0, "desiredCount": 2,
                "rolloutState": self.state, "createdAt": began,
            }  # fmt: skip
            return {"services": [{"status": "ACTIVE", "desiredCount": 2, "deployments": [deployment]}]}
        if action == "ListServiceDeployments":
            return {"serviceDeployments": [{"serviceDeploymentArn": RECORD, "createdAt": began}]}
        if action == "DescribeServiceDeployments":
            status = {"IN_PROGRESS": "IN_PROGRESS", "COMPLETED": "SUCCESSFUL"}[self.state]
            return {"serviceDeployments": [{"serviceDeploymentArn": RECORD, "status": status, "createdAt": began}]}
        if action == "DescribeTaskDefinition":
            return {"taskDefinition": {"containerDefinitions": [{"name": "web", "essential": True}]}}
        if action == "StopServiceDeployment":
            self.stopped.append(request)
            return {"serviceDeploymentArn": RECORD}
        raise NotImplementedError(action)

    def serve(self) -> HTTPServer:
        ecs = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                action = self.headers["X-Amz-Target"].rpartition(".")[2]
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(ecs.answer(action, request)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


@dataclass
class Desk:
    """A project whose `pulumi up` waits for the deployment of `ecs`."""

    folder: Path
    environment: dict[str, str]
    ecs: Ecs

    def run(self, *words: str) -> Result:
        done = subprocess.run(
            ["pulumi", *words], cwd=self.folder, env=self.environment, text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return Result(done.returncode, done.stdout)

    def up(self, *, ctrl_c: bool) -> Result:
        """With Ctrl-C as a terminal sends it, to all of the foreground: once the wait told what that does."""
        before = len(self.ecs.asked)
        with subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--stack", "prod", "--color", "never"],
            cwd=self.folder, env=self.environment, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as running:  # fmt: skip
            if ctrl_c:
                deadline = time.monotonic() + 60
                while self.ecs.asked[before:].count("DescribeServiceDeployments") < 2:
                    assert time.monotonic() < deadline and running.poll() is None
                    time.sleep(0.1)
                os.killpg(running.pid, signal.SIGINT)
            shown, _ = running.communicate(timeout=60)
        return Result(running.returncode, shown)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name in ("bin", "local", "backend", "program"):
        (tmp_path / name).mkdir()
    program = tmp_path / "program"
    (program / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (program / "__main__.py").write_text(PROGRAM)
    language_host.install(tmp_path / "bin")
    engine = shutil.which(os.environ.get("PULUMI_BIN", "pulumi"))
    assert engine
    (tmp_path / "bin" / "pulumi").symlink_to(engine)
    monkeypatch.setattr(paths, "LOCAL", tmp_path / "local")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    ecs = Ecs()
    server = ecs.serve()
    providers = stack.Providers(online=False)
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "passphrase",
        "PULUMI_DEBUG_PROVIDERS": providers.addresses,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": str(ROOT),
    }
    made = Desk(program, environment, ecs)
    try:
        made.run("stack", "init", "prod").succeeded()
        yield made
    finally:
        providers.stop()
        server.shutdown()
        server.server_close()


def test_who_interrupts_reads_what_goes_on_and_how_to_stop_it(desk: Desk) -> None:
    desk.run("config", "set", "rollbackOnInterrupt", "false", "--stack", "prod").succeeded()
    shown = desk.up(ctrl_c=True).failed().output
    assert "Ctrl-C ends the wait only: ECS goes on, and `make abort STACK=prod` rolls back" in shown
    assert (
        "interrupted, but ECS goes on: shop-prod:8: 1 of 2 tasks running, 0 pending, 0 of other revisions left; "
        "`make abort STACK=prod` rolls back deployment ajdLIkkwsNCI1vuVsPvU8, `pulumi up` waits for it again"
    ) in shown
    assert desk.ecs.stopped == []

    # Nothing is changed then, but no success either until the deployment is one.
    assert "Ctrl-C ends the wait only" in desk.up(ctrl_c=True).failed().output
    desk.ecs.state = "COMPLETED"
    assert "confirmed" in desk.up(ctrl_c=False).succeeded().output


def test_with_the_setting_who_interrupts_rolls_back(desk: Desk) -> None:
    desk.run("config", "set", "rollbackOnInterrupt", "true", "--stack", "prod").succeeded()
    shown = desk.up(ctrl_c=True).failed().output
    assert "Ctrl-C rolls the deployment back" in shown
    assert "interrupted, and so ECS rolls back deployment ajdLIkkwsNCI1vuVsPvU8: shop-prod:8: 1 of 2 tasks" in shown
    assert desk.ecs.stopped == [{"serviceDeploymentArn": RECORD, "stopType": "ROLLBACK"}]
