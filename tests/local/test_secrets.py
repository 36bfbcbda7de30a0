"""Secrets of the configuration, by the engine's command line without an account: `make plan` and what follows it.

What is planted has a marker at its start, in its middle and at its end, of letters and digits alone: every way to write
a text leaves those as they are, but for the ones that write it anew, which are looked for, too.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from pulumi.automation.events import EngineEvent

from ecs_policy.pack import SETTINGS
from ecs_policy.sentinels import UNKNOWN
from local import paths, stack
from picture import architecture
from picture.graph import Graph
from risk.policies import remarks
from risk.preview import Remark, read
from tests.local import language_host
from tests.local.checkout import Result, copy_checkout

pytestmark = pytest.mark.engine

PROJECT = "h4b-helloworld"
BETWEEN = "\"\\\n\t'`<b>&|$(x)%20 é日本\u2028{0}"


def planted(name: str, between: str = BETWEEN) -> str:
    return between.join(f"PLANTED{name}{place}" for place in ("start", "middle", "end"))


SECRETS = {
    "environment.PASSWORD": planted("nested"),
    'environment["TOKEN"]': planted("second", " "),
    "container.healthCheckCommand": planted("health"),
    "migration.command[0]": planted("program", "-"),
    "migration.command[1]": planted("word"),
    "alarms.email": planted("mail", ".") + "@example.com",
}
MARKER = b"PLANTED"


def traces(data: bytes) -> set[str]:
    """How the marker stands in the data."""
    forms = {"as it is": MARKER, "hexadecimal": MARKER.hex().encode(), "UTF-16": MARKER.decode().encode("utf-16-le")}
    for shift in range(3):
        # What of base64 depends on the neighbours is cut off.
        encoded = base64.b64encode(b"\0" * shift + MARKER)
        forms[f"base64 at {shift}"] = encoded[(0, 2, 3)[shift] : -4]
    return {name for name, form in forms.items() if form in data or form.swapcase() in data}


@dataclass
class Desk:
    """A checkout, the engine's command line and a state folder, as somebody has them who deploys; AWS is not there."""

    folder: Path
    environment: dict[str, str]
    shown: dict[str, str] = field(default_factory=dict)
    """Everything that commands printed."""

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    def run(self, *command: str, given: str | None = None) -> Result:
        done = subprocess.run(
            command, cwd=self.checkout, env=self.environment, input=given or "",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        )  # fmt: skip
        self.shown[f"{len(self.shown)} {' '.join(command[:4])}"] = done.stdout
        return Result(done.returncode, done.stdout)

    def make(self, *words: str) -> Result:
        return self.run("make", "--assume-old", ".venv/.ready", *words)

    def configure(self, name: str, key: str, value: str, *, secret: bool = True) -> None:
        words = ["--secret" if secret else "--plaintext", "--path", "--stack", name, f"{PROJECT}:{key}"]
        self.run("pulumi", "config", "set", *words, given=value).succeeded()

    def found(self) -> dict[str, set[str]]:
        """Where markers stand in anything that was written or shown."""
        written = {str(file): file.read_bytes() for file in self.folder.rglob("*") if file.is_file()}
        everything = written | {name: text.encode() for name, text in self.shown.items()}
        return {name: there for name, data in everything.items() if (there := traces(data))}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    for name in ("checkout", "bin", "local", "backend"):
        (folder / name).mkdir()
    copy_checkout(folder / "checkout")
    (folder / "checkout" / ".venv").symlink_to(sys.prefix)
    language_host.install(folder / "bin")
    engine = shutil.which(os.environ.get("PULUMI_BIN", "pulumi"))
    assert engine
    (folder / "bin" / "pulumi").symlink_to(engine)
    before, paths.LOCAL = paths.LOCAL, folder / "local"
    providers = stack.Providers(online=False)
    paths.LOCAL = before
    kept = {name: value for name, value in os.environ.items() if name not in ("GITHUB_ACTIONS", "PYTHONPATH")}
    made = kept | {
        "PULUMI_DEBUG_COMMANDS": "true",
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "passphrase",
        "PULUMI_DEBUG_PROVIDERS": providers.addresses,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    try:
        yield Desk(folder, made)
    finally:
        providers.stop()


@pytest.fixture(scope="module")
def planned(desk: Desk) -> Result:
    """`make plan` of a stack with a secret wherever one can be."""
    desk.run("pulumi", "stack", "init", "dev").succeeded()
    for key, value in SECRETS.items():
        desk.configure("dev", key, value)
    return desk.make("plan", "STACK=dev").succeeded()


def test_a_plan_writes_and_shows_nothing_of_any_secret(desk: Desk, planned: Result) -> None:
    assert "containerDefinitions   : [secret]" in planned.output
    assert "migrationCommand       : [secret]" in planned.output
    drawn = architecture.draw(Graph(json.loads((desk.checkout / ".plan" / "dev" / "plan.json").read_text())))
    (desk.checkout / "dev.svg").write_text(drawn)
    desk.run("pulumi", "stack", "export", "--stack", "dev").succeeded()
    assert desk.found() == {}
    assert "ciphertext" not in (desk.checkout / ".plan" / "dev" / "plan.json").read_text()


def test_the_policies_judge_a_preview_of_elsewhere_as_the_engine_had_them_do_it(desk: Desk, planned: Result) -> None:
    folder = desk.checkout / ".plan" / "dev"
    events = [EngineEvent.from_json(json.loads(line)) for line in (folder / "events.jsonl").read_text().splitlines()]

    def said(given: Iterable[Remark]) -> set[tuple[str, str, str, str]]:
        """What is not evaluated of a resource is one line: each value by itself here."""
        lines = ((each, each.message.splitlines()[1]) for each in given)
        return {
            (each.level, each.policy, each.urn, part)
            for each, line in lines
            for part in (line.split("; ") if each.policy == SETTINGS else [line])
        }

    told = said(read(events).remarks)
    found = said(remarks(events, json.loads((folder / "plan.json").read_text())))
    assert told and told - found == set()
    # The engine hides the secret of a health check in events: only there its command cannot be read.
    hidden = "containerDefinitions[h4b-helloworld].healthCheck.command[1] is not known yet. Not evaluated: HC-01"
    assert [(policy, message) for _, policy, _, message in found - told] == [(SETTINGS, hidden)]


def test_a_plan_is_handed_on_encrypted_and_only_the_approved_one_is_taken(desk: Desk, planned: Result) -> None:
    plan = desk.checkout / ".plan" / "dev" / "plan.json"
    before = plan.read_bytes()
    digest = planned.output.rpartition("Plan: SHA-256 ")[2].strip()
    assert f"Plan: SHA-256 {digest}" in (plan.parent / "report.md").read_text()
    desk.make("seal", "STACK=dev").succeeded()
    assert b"resourcePlans" not in (plan.parent / "sealed.yaml").read_bytes()
    for wrong in ("0" * 64, ""):
        refused = desk.make("unseal", "deploy", "STACK=dev", f"PLAN_SHA256={wrong}").failed()
        assert "this is not the plan that was approved" in refused.output
        assert "Updating" not in refused.output and not plan.exists()
    desk.make("unseal", "STACK=dev", f"PLAN_SHA256={digest}").succeeded()
    assert plan.read_bytes() == before


def test_a_deployment_whose_secrets_are_not_those_of_its_plan_shows_neither(desk: Desk, planned: Result) -> None:
    desk.configure("dev", "migration.command[1]", planted("other"))
    desk.configure("dev", "alarms.email", planted("later", ".") + "@example.com")
    desk.make("deploy", "STACK=dev").failed()  # nothing can be made: there is no AWS
    assert desk.found() == {}


def test_a_refusal_shows_nothing_of_any_secret(desk: Desk) -> None:
    desk.run("pulumi", "stack", "init", "prod").succeeded()
    for key in (
        "domain.name",
        "loadBalancer.allowedIngressCidrs[0]",
        "secrets.KEY",
        "placement.constraints[0]",
        "nowhere",
    ):
        desk.configure("prod", key, planted("refused"))
    desk.configure("prod", "environment.LEVEL", planted("neighbour"))
    desk.configure("prod", "environment.COUNT", "5", secret=False)
    desk.configure("prod", "alarms.email", planted("nomail"))
    refused = desk.make("plan", "STACK=prod").failed()
    print(refused.output)
    assert "- domain.name: got a secret, expected a value that may be seen" in refused.output
    assert "- environment: got a secret that is something else, expected names" in refused.output
    desk.configure("prod", "service.desiredCount", planted("count"))
    refused = desk.make("plan", "STACK=prod").failed()
    assert "- service.desiredCount: got a secret, expected a value that may be seen" in refused.output
    assert desk.found() == {}


def known(value: object, key: str = "") -> object:
    """A planned value as after the update: what it will make known is made up."""
    if isinstance(value, dict):
        return {name: known(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [known(each, key) for each in value]
    if value != UNKNOWN:
        return value
    repository = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app"
    made = {"repositoryUrl": repository, "repoDigest": f"{repository}@sha256:{'0' * 64}"}
    return made.get(key, f"arn:aws:ecs:ap-northeast-1:123456789012:known/{key}")


def as_deployed(plan: dict[str, Any], secret: str) -> list[dict[str, Any]]:
    """The resources of a plan as a state has them, each after what it needs; task definitions hold the secret."""
    container = {"name": PROJECT, "image": "app", "environment": [{"name": "PASSWORD", "value": secret}]}
    text = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "plaintext": json.dumps(json.dumps([container])),
    }
    left: dict[str, dict[str, Any]] = {}
    for urn, planned in plan["resourcePlans"].items():
        goal = planned["goal"]
        holds = {"containerDefinitions": text} if goal["type"] == stack.TASK_DEFINITION else {}
        left[urn] = {key: goal[key] for key in ("type", "custom", "parent") if key in goal} | {
            "urn": urn,
            # A role that is only read is in no plan.
            "dependencies": [each for each in goal.get("dependencies") or () if each in plan["resourcePlans"]],
            "inputs": {**cast(Any, known(goal["inputDiff"].get("adds", {}))), **holds},
            "outputs": {**cast(Any, known(planned.get("state") or {})), **holds},
        }
        if goal["custom"]:
            left[urn]["id"] = "known"
            if "provider" in goal:
                left[urn]["provider"] = f"{goal['provider'].rpartition('::')[0]}::known"
    state: dict[str, dict[str, Any]] = {}
    while left:
        for urn, found in list(left.items()):
            needs = {found.get("parent"), found.get("provider", "").rpartition("::")[0], *found.get("dependencies", [])}
            if not needs & left.keys():
                state[urn] = left.pop(urn)
    return list(state.values())


def test_a_preview_of_what_is_deployed_shows_nothing_of_its_old_secrets(desk: Desk, planned: Result) -> None:
    command = ["pulumi", "preview", "--stack", "dev", "--diff", "--non-interactive", "--color", "never"]
    first = desk.checkout / "first.json"
    desk.run(*command, "--save-plan", str(first)).succeeded()
    content = json.loads(desk.run("pulumi", "stack", "export", "--stack", "dev").output)
    content["deployment"]["resources"] = as_deployed(json.loads(first.read_text()), planted("old"))
    desk.run("pulumi", "stack", "import", "--stack", "dev", given=json.dumps(content)).succeeded()
    desk.configure("dev", "environment.PASSWORD", planted("new"))
    shown = desk.run(
        *command, "--policy-pack", "policy", "--save-plan", "then.json", "--event-log", "then.jsonl"
    ).succeeded()
    assert "~ containerDefinitions: [secret] => [secret]" in shown.output
    assert desk.found() == {}


def test_what_is_no_secret_is_found_where_secrets_are_not(desk: Desk, planned: Result) -> None:
    """Else the search above would find nothing wherever it looked."""
    public = Desk(desk.folder, desk.environment)
    public.configure("dev", "alarms.email", "PLANTED@example.com", secret=False)
    public.run(
        "pulumi", "preview", "--stack", "dev", "--diff", "--save-plan", "plan.json", "--event-log", "events.jsonl"
    ).succeeded()
    found = {Path(name).name for name in public.found()}
    assert {"Pulumi.dev.yaml", "plan.json", "events.jsonl"} <= found
    assert traces("".join(public.shown.values()).encode())
    for shift in range(3):
        assert traces(base64.b64encode(b"x" * shift + b"a PLANTED secret"))
