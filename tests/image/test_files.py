"""What goes into the image, without building it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docker.utils import exclude_paths

from local import image, paths

APP = paths.ROOT / "app_image"
BIN = Path(sys.executable).parent


def test_dockerfile_is_lint_clean() -> None:
    answer = subprocess.run([BIN / "hadolint", APP / "Dockerfile"], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


def test_start_script_is_lint_clean() -> None:
    answer = subprocess.run([BIN / "shellcheck", APP / "run_apache.sh"], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


def test_the_base_image_is_a_supported_lts_and_can_be_replaced() -> None:
    assert (APP / "Dockerfile").read_text().splitlines()[:2] == ["ARG BASE_IMAGE=ubuntu:24.04", "FROM ${BASE_IMAGE}"]


@pytest.mark.parametrize(
    "newer_than_the_classic_builder", ["--mount", "--chmod", "<<EOF", "# syntax", "--link", "COPY --exclude"]
)
def test_dockerfile_needs_no_buildkit(newer_than_the_classic_builder: str) -> None:
    assert newer_than_the_classic_builder not in (APP / "Dockerfile").read_text()


def test_the_page_is_the_seeds() -> None:
    assert (APP / "html/index.html").read_text() == "Hello World!\n"


def test_the_script_does_what_the_seeds_does_in_that_order() -> None:
    lines = [line for line in (APP / "run_apache.sh").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == [
        "set -e",
        ". /etc/apache2/envvars",
        "mkdir -p /var/run/apache2 /var/lock/apache2",
        "exec /usr/sbin/apache2 -D FOREGROUND",
    ]
    assert (APP / "run_apache.sh").stat().st_mode & 0o111


def test_only_what_the_dockerfile_copies_reaches_the_builder(tmp_path: Path) -> None:
    shutil.copytree(APP, tmp_path, dirs_exist_ok=True)
    (tmp_path / ".env").write_text("PASSWORD=x\n")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/todo.txt").write_text("x\n")
    patterns = [line for line in (APP / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    sent = {name for name in exclude_paths(str(tmp_path), patterns) if (tmp_path / name).is_file()}
    # Docker always sends the first two; the Dockerfile copies neither.
    assert sent - {".dockerignore", "Dockerfile"} == {"html/index.html", "run_apache.sh", "site.conf"}


def test_the_image_is_named_and_versioned_as_the_seed_does() -> None:
    assert image.tag() == "h4b-helloworld:0.0.1"
