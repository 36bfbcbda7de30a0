"""`make rename`: a copy of this repository, renamed, is a project whose tests and previews pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.mocks import ROOT
from tools import rename

NAME = "shop"
TESTS = ["settings", "stacks", "environment", "environments", "examples", "documentation", "hands_on"]
FOLDERS = ["bootstrap", "components", "picture", "risk"]


def _clone(to: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", ROOT, to], check=True)
    for file in subprocess.check_output(["git", "diff", "--name-only", "HEAD"], cwd=ROOT, text=True).splitlines():
        if (ROOT / file).exists():
            (to / file).write_bytes((ROOT / file).read_bytes())
    return to


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(rename, "ROOT", tmp_path)
    (tmp_path / "Pulumi.yaml").write_text(f"name: {rename.PROJECT}\n")
    for words in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def test_every_text_says_the_new_name_and_nothing_else_changes(here: Path) -> None:
    texts = {
        "a.py": 'TYPE = "h4b:alarms:Alarms"  # h4b-helloworld, ecr-h4b-helloworld-prod\n',
        "go.sum": "h1:Xh4bX+h4bQ=\n",
    }
    for file, text in texts.items():
        (here / file).write_text(text)
    (here / "image.bin").write_bytes(b"\xff h4b")
    subprocess.run(["git", "add", "."], cwd=here, check=True)
    assert rename.rename(NAME, here) == 2
    assert (here / "a.py").read_text() == 'TYPE = "shop:alarms:Alarms"  # shop, ecr-shop-prod\n'
    assert (here / "go.sum").read_text() == texts["go.sum"]
    assert yaml.safe_load((here / "Pulumi.yaml").read_text()) == {"name": NAME}


@pytest.mark.parametrize("name", ["", "Shop", "s", "a-name-too-long-for-it", "internal-shop", "9shop", "shop-"])
def test_a_name_that_no_project_can_have_changes_nothing(
    here: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rename.main([name]) == 1
    assert "NAME: got " in capsys.readouterr().err
    assert (here / "Pulumi.yaml").read_text() == f"name: {rename.PROJECT}\n"


def test_the_same_name_again_changes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "Pulumi.yaml").write_text("name: shop\n")
    assert rename.main(["shop"]) == 0
    assert capsys.readouterr().out == "The project is called shop already.\n"
    assert rename.main(["store"]) == 1
    told = capsys.readouterr().err
    assert "got the name shop, expected h4b-helloworld" in told
    assert "got uncommitted changes" in told


@pytest.mark.engine
def test_a_renamed_copy_passes_its_tests_and_previews(tmp_path: Path) -> None:
    copy = _clone(tmp_path / "copy")
    rename.rename(NAME, copy)
    path = os.pathsep.join([str(Path(os.environ["PULUMI_BIN"]).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join([str(copy), str(copy / "policy")])}

    def run(*words: str) -> None:
        done = subprocess.run([sys.executable, "-m", *words], cwd=copy, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]

    (copy / ".venv").symlink_to(ROOT / ".venv")
    (copy / "policy" / ".venv").symlink_to(ROOT / "policy" / ".venv")
    run("ruff", "check", "--quiet", "--fix-only", ".")
    run("ruff", "format", "--quiet", ".")
    run("docs")
    for stack in ("dev", "prod"):
        run("local", "preview", "--stack", stack, "--picture", f"docs/pictures/{stack}.svg")
    tests = [*(f"tests/test_{name}.py" for name in TESTS), *(f"tests/{folder}" for folder in FOLDERS)]
    run("pytest", "-m", "not engine and not docker and not emulator and not fuzz", "--numprocesses=0", *tests)
