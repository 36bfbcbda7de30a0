"""The secret that leads to an unreleased revision: nothing that is shown or written tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import engine, paths, stack
from local.console import Step
from picture import architecture
from picture.graph import Graph
from risk import render
from risk.report import assess

SECRET_ALONE = """
import pulumi
import pulumi_random as random

route = pulumi.ComponentResource("h4b:route:Route", "web")
options = pulumi.ResourceOptions(parent=route)
random.RandomPassword("web-test", length=32, upper=False, special=False, opts=options)
"""
WHOLE_ROUTE = """
import pulumi
import pulumi_aws as aws
from components.route import Route, RouteArgs

provider = aws.Provider("aws", region="ap-northeast-1")
listener = "listener/app/web/0123456789abcdef/0123456789abcdef"
listener_arn = f"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:{listener}"
args = RouteArgs(vpc_id="vpc-1", listener_arn=listener_arn, target_port=80, shifts_traffic=True)
route = Route("web", args, pulumi.ResourceOptions(providers={"aws": provider}))
pulumi.export("testHeader", route.test_header)
"""


@pytest.fixture
def providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[stack.Providers]:
    found = engine.ensure()
    monkeypatch.setattr(paths, "LOCAL", tmp_path / "local")
    paths.LOCAL.mkdir()
    monkeypatch.chdir(paths.ROOT)
    monkeypatch.setattr(engine, "ensure", lambda: found)
    providers = stack.Providers(online=False)
    yield providers
    providers.stop()


@pytest.mark.engine
def test_it_is_in_no_event_report_picture_plan_or_file(providers: stack.Providers, tmp_path: Path) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    program = stack.Program(folder)
    local = stack.LocalStack("dev", engine.ensure(), providers, state=tmp_path / "state", program=program)

    (folder / "__main__.py").write_text(SECRET_ALONE)
    assert local.up(Step("up")).errors == []
    (password,) = [each for each in resources(local) if each["type"].endswith(":RandomPassword")]
    secret = json.loads(password["outputs"]["result"]["plaintext"])
    assert len(secret) == 32

    (folder / "__main__.py").write_text(WHOLE_ROUTE)
    plan = tmp_path / "plan.json"
    report = local.preview(Step("preview"), plan=plan)
    assert report.errors == []
    (rule,) = [each for each in report.seen if each.resource_pre_event and named(each).endswith("Rule::web-test")]
    assert rule.resource_pre_event is not None
    assert rule.resource_pre_event.metadata.new is not None
    assert "X-Deployment" in str(rule.resource_pre_event.metadata.new.inputs)
    assert "[secret]" in str(rule.resource_pre_event.metadata.new.inputs)

    assessed = assess(iter(report.seen))
    told = [
        *map(repr, report.seen),
        *(message for _, _, _, message in report.violations),
        render.text(assessed),
        render.markdown(assessed, "shop"),
        architecture.draw(Graph(json.loads(plan.read_text()))),
        *(file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file()),
    ]
    assert [text for text in told if secret in text] == []


def resources(local: stack.LocalStack) -> list[dict[str, Any]]:
    """Of the state, secrets in the clear."""
    deployment: Any = local._stack.export_stack().deployment
    return list(deployment["resources"])


def named(event: Any) -> str:
    return str(event.resource_pre_event.metadata.urn)
