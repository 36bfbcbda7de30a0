"""A new environment in one command: its stack file says what every key means, and is like the one it comes from."""

from __future__ import annotations

import shutil
from dataclasses import MISSING
from pathlib import Path
from typing import Any

import pytest
import yaml

import environment
from settings import effective, keys
from tests.mocks import merged

ARN = "arn:aws:"
ITS_OWN = (
    "domain.name",
    "domain.hostedZoneId",
    "domain.certificateArn",
    "permissionsBoundaryArn",
    "alarms.email",
    "secrets",
)

ROOT = Path(environment.__file__).parent
STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for file in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("source", STACKS)
def test_a_new_environment_is_like_its_source_with_a_repository_of_its_own(here: Path, source: str) -> None:
    assert environment.main(["brand-new", source]) == 0
    before = yaml.safe_load((here / f"Pulumi.{source}.yaml").read_text())["config"]
    after = yaml.safe_load((here / "Pulumi.brand-new.yaml").read_text())["config"]
    assert after["h4b-helloworld:image"].pop("repositoryName").endswith("-brand-new")
    defaults = {path: key.default for path, key in keys().items()}
    before, after = (effective("h4b-helloworld", each) for each in (before, after))
    own = {*ITS_OWN, "image.repositoryName", *(path for path, value in before.items() if "arn:aws" in str(value))}
    assert {path: value for path, value in after.items() if path not in own} == {
        path: value for path, value in before.items() if path not in own
    }
    assert {path for path in own if after[path] != defaults[path]} == set()


def test_every_key_is_there_set_or_as_a_comment(here: Path) -> None:
    source = "config:\n  h4b-helloworld:scaling:\n    # The load by day is a few colleagues.\n    maxCount: 4\n"
    (here / "Pulumi.dev.yaml").write_text(source)
    environment.main(["brand-new", "dev"])
    written = (here / "Pulumi.brand-new.yaml").read_text()
    config = yaml.safe_load(written)["config"]
    for path, key in keys().items():
        is_set = effective("h4b-helloworld", config)[path] not in (key.default, None)
        assert is_set or f"  # {path}: " in written or key.default is MISSING or ":" in path
    assert (
        "  h4b-helloworld:scaling:\n"
        "    # Maximum number of tasks when autoscaling; 0 disables autoscaling.\n"
        "    # As dev: The load by day is a few colleagues.\n"
        "    maxCount: 4\n"
    ) in written


def test_nothing_in_a_new_environment_lacks_a_reason(here: Path) -> None:
    for source in STACKS:
        environment.main([f"like-{source}", source])
        assert all(said for said, _ in environment.reasons(f"like-{source}", here))


def like(here: Path, config: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What an environment like one with `config` sets, but for its repository, and its file."""
    named = merged({}, config)
    (here / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": named}, sort_keys=False))
    (here / "Pulumi.brand-new.yaml").unlink(missing_ok=True)
    assert environment.main(["brand-new", "dev"]) == 0
    written = (here / "Pulumi.brand-new.yaml").read_text()
    after = yaml.safe_load(written)["config"]
    after["h4b-helloworld:image"].pop("repositoryName")
    if not after["h4b-helloworld:image"]:
        after.pop("h4b-helloworld:image")
    return after, written


@pytest.mark.parametrize(
    ("path", "config", "kept"),
    [
        ("container.user", {"container.user": {"secure": "v1:abc"}}, {}),
        ("environment.TOKEN", {"environment": {"TOKEN": {"secure": "v1:abc"}, "LEVEL": "info"}},
         {"environment": {"LEVEL": "info"}}),
        ("environment.TOKEN", {"environment": {"TOKEN": {"secure": "v1:abc"}}}, {}),
        ("migration.command[1]", {"migration.command": ["sh", {"secure": "v1:abc"}, "x"], "scaling.schedule": []},
         {"migration.command": ["sh", "x"], "scaling.schedule": []}),
    ],
)  # fmt: skip
def test_a_secret_of_the_source_is_not_copied(
    here: Path, path: str, config: dict[str, Any], kept: dict[str, Any]
) -> None:
    after, written = like(here, config)
    assert "v1:abc" not in written
    assert f"  # pulumi config set --secret --stack brand-new --path 'h4b-helloworld:{path}'" in written
    assert after == merged({}, kept)


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        ({"domain.name": "shop.example.com", "domain.hostedZoneId": "Z0123456789EXAMPLE"}, {}),
        ({"alarms.email": "on-call@example.com"}, {}),
        ({"domain.certificateArn": f"{ARN}acm:ap-northeast-1:123456789012:certificate/x"}, {}),
        ({"permissionsBoundaryArn": f"{ARN}iam::123456789012:policy/boundary"}, {}),
        ({"secrets": {"PASSWORD": f"{ARN}secretsmanager:ap-northeast-1:123456789012:secret:prod-AbCdEf"}}, {}),
        ({"secrets": {"LEVEL": "/prod/level"}}, {}),
        ({"firewall": f"{ARN}wafv2:ap-northeast-1:123456789012:regional/webacl/x/1"}, {}),
        ({"firewall": "none"}, {"firewall": "none"}),
        ({"firewall": "arn:aws-cn:wafv2:cn-north-1:123456789012:regional/webacl/x/1"}, {}),
        (
            {"environment": {"QUEUE_ARN": f"{ARN}sqs:ap-northeast-1:123456789012:prod", "LEARN": "barn:yard"}},
            {"environment": {"LEARN": "barn:yard"}},
        ),
        (
            {"service.desiredCount": 3, "alarms.enabled": False, "scaling.schedule": []},
            {"service.desiredCount": 3, "alarms.enabled": False, "scaling.schedule": []},
        ),
    ],
    ids=str,
)
def test_what_is_one_environments_alone_is_left_as_a_comment(
    here: Path, config: dict[str, Any], kept: dict[str, Any]
) -> None:
    after, written = like(here, config)
    assert after == merged({}, kept)
    section = written.partition("What is dev's alone: set what brand-new has of its own.")[2]
    assert bool(section) == (kept != config)
    for key in set(config) - set(kept):
        assert f"  # h4b-helloworld:{key}: " in section or f"  # h4b-helloworld:{key}." in section


def test_every_problem_is_told_at_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert environment.main(["Staging!", "nowhere"]) == 1
    told = capsys.readouterr().err
    assert "error: NAME: got 'Staging!', expected 1 to 20 lower-case letters, digits and -; choose another name" in told
    assert "error: FROM: got 'nowhere', expected one of dev, " in told


def test_an_environment_that_exists_is_left_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (here / "Pulumi.dev.yaml").read_text()
    assert environment.main(["dev", "prod"]) == 1
    assert "Pulumi.dev.yaml exists" in capsys.readouterr().err
    assert (here / "Pulumi.dev.yaml").read_text() == before
