"""A new environment in one command: its stack file says what every key means, and is like the one it comes from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

import environment

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
    assert after.pop("h4b-helloworld:repositoryName").endswith("-brand-new")
    before.pop("h4b-helloworld:repositoryName", None)
    assert after == before


def test_every_key_is_there_set_or_as_a_comment(here: Path) -> None:
    source = "config:\n  # The load by day is a few colleagues.\n  h4b-helloworld:maxCount: 4\n"
    (here / "Pulumi.dev.yaml").write_text(source)
    environment.main(["brand-new", "dev"])
    written = (here / "Pulumi.brand-new.yaml").read_text()
    for key in yaml.safe_load((here / "Pulumi.yaml").read_text())["config"]:
        assert f"h4b-helloworld:{key}: " in written or ":" in key
    assert (
        "  # Number of tasks that the load may make of desiredCount; 0 scales nothing.\n"
        "  # As dev: The load by day is a few colleagues.\n"
        "  h4b-helloworld:maxCount: 4\n"
    ) in written


def test_nothing_in_a_new_environment_lacks_a_reason(here: Path) -> None:
    for source in STACKS:
        environment.main([f"like-{source}", source])
        assert all(said for said, _ in environment.reasons(f"like-{source}", here))


def test_a_secret_of_the_source_is_not_copied(here: Path) -> None:
    (here / "Pulumi.dev.yaml").write_text("config:\n  h4b-helloworld:containerUser:\n    secure: v1:abc\n")
    environment.main(["brand-new", "dev"])
    written = (here / "Pulumi.brand-new.yaml").read_text()
    assert "v1:abc" not in written
    assert "# A secret of dev: pulumi config set --secret --stack brand-new containerUser" in written


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
