"""A program of plain pulumi-aws, through the engine: what waits for its image is one line a resource."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import engine, paths, stack
from local.console import Step

PROGRAM = """
import pulumi
import pulumi_aws as aws

repository = aws.ecr.Repository("shop")
aws.ecs.TaskDefinition(
    "shop",
    family="shop",
    container_definitions=pulumi.Output.json_dumps(
        [{"name": "shop", "image": pulumi.Output.concat(repository.repository_url, ":1"), "memory": 128}]
    ),
)
"""


@pytest.mark.engine
def test_what_waits_for_an_image_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "LOCAL", tmp_path)
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: plain\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: ap-northeast-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    providers = stack.Providers(online=False)
    try:
        previewed = stack.LocalStack(
            "dev", engine.ensure(), providers, state=tmp_path / "state", program=stack.Program(folder)
        )
        report = previewed.preview(Step("plain"))
    finally:
        providers.stop()
    assert report.errors == []
    (message,) = [text for _, rule, _, text in report.violations if rule == stack.NOT_EVALUATED]
    title, line = message.splitlines()
    assert title == "What could not be evaluated"
    assert line.startswith("containerDefinitions is not known yet. Not evaluated: ")
    assert "name the image by a tag or digest that is known" in line
    assert 'as its output "documents"' in line
    assert len(line) < 500
