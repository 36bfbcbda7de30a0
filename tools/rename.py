"""`make rename NAME=shop`: this checkout becomes a project of another name, in resources, images, tests and pages."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from settings import project_name_problem

ROOT = Path(__file__).resolve().parent.parent
PROJECT, PREFIX = "h4b-helloworld", "h4b"
"""The name that the repository comes with, and what its component types, images and caches begin with."""

OWN_FILES = ("tools/rename.py", "tests/test_rename.py")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make rename", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="the new name of the Pulumi project")
    name = parser.parse_args(arguments).name
    current = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    if name == current:
        print(f"The project is called {name} already.")
        return 0
    problems = list(_problems(name, current))
    if problems:
        print("\n".join(f"error: {problem}" for problem in problems), file=sys.stderr)
        return 1
    changed = rename(name, ROOT)
    for command in (["ruff", "check", "--quiet", "--fix-only", "."], ["ruff", "format", "--quiet", "."]):
        subprocess.run([Path(sys.executable).parent / command[0], *command[1:]], cwd=ROOT, check=True)
    print(f"{changed} files now say {name}. Next:")
    print("  make docs        generates the generated documents again")
    for file in sorted(ROOT.glob("Pulumi.*.yaml")):
        print(f"  make picture STACK={file.name.split('.')[1]}")
    print("  make check       then commit; `git diff` shows every line")
    return 0


def _problems(name: str, current: str) -> Iterator[str]:
    if problem := project_name_problem(name):
        yield f"NAME: {problem}"
    if current != PROJECT:
        yield (
            f"Pulumi.yaml: got the name {current}, expected {PROJECT}; this checkout was renamed before, and its name "
            "may be a word of other texts: rename a fresh clone"
        )
    if _git("status", "--porcelain", root=ROOT):
        yield "git: got uncommitted changes, expected none; commit them, so that `git diff` shows the rename alone"
    if (ROOT / ".local" / "emulator.json").exists():
        yield f"the local stack of {current} is running; run `make down` first"


def rename(name: str, root: Path) -> int:
    """Writes the new name into every tracked text below `root`; returns how many files changed."""
    changed = 0
    for file in _git("ls-files", "-z", root=root).split("\0"):
        path = root / file
        if not file or file in OWN_FILES or not path.is_file():
            continue
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
        renamed = re.sub(rf"(?<![A-Za-z0-9]){PREFIX}(?![A-Za-z0-9])", name, text.replace(PROJECT, name))
        if renamed != text:
            path.write_bytes(renamed.encode())
            changed += 1
    return changed


def _git(*words: str, root: Path) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout  # noqa: S607


if __name__ == "__main__":
    raise SystemExit(main())
