"""`make quick`: format, lint, types, and the tests that name what changed since the main branch."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MARKERS = "not engine and not docker and not emulator and not fuzz"


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def changed() -> list[Path]:
    """Files that differ from where this branch left main, committed or not; on main, from the last commit."""
    base = next((found[0] for name in ("origin/main", "main") if (found := _git("merge-base", name, "HEAD"))), "HEAD")
    names = {*_git("diff", "--name-only", "--no-renames", base), *_git("ls-files", "--others", "--exclude-standard")}
    return sorted(Path(name) for name in names)


def affected_by(changes: list[Path]) -> list[Path]:
    """The test files among them, and those whose text names one: as an import, or by the file's name."""
    named = [pattern for path in changes if (pattern := _naming(path))]
    names = re.compile("|".join(named)) if named else None
    every = sorted((ROOT / "tests").rglob("test_*.py"))
    return [
        test
        for test in every
        if test.relative_to(ROOT) in changes or (names is not None and names.search(test.read_text(encoding="utf-8")))
    ]


def _naming(path: Path) -> str:
    if path.suffix != ".py":
        return rf'["/ ]{re.escape(path.name)}\b'
    parts = [part for part in path.with_suffix("").parts if part not in ("policy", "__init__", "__main__")]
    if not parts or path.name == "conftest.py":
        return ""
    package, module = re.escape(".".join(parts[:-1])), re.escape(parts[-1])
    if not package:
        return rf"^(?:from|import) {module}\b".replace("^", "(?m:^)")
    return rf"\b{package}\.{module}\b|from {package} import [^\n]*\b{module}\b"


def main() -> int:
    changes = changed()
    tests = affected_by(changes)
    shown = ", ".join(str(test.relative_to(ROOT / "tests")) for test in tests[:6])
    more = f" and {len(tests) - 6} more" if len(tests) > 6 else ""
    print(f"{len(changes)} files changed; tests: {shown or 'none names them'}{more}", flush=True)
    steps: list[list[str | Path]] = [
        [BIN / "ruff", "format", "--check", "--quiet", "."],
        [BIN / "ruff", "check", "--quiet", "."],
        [BIN / "mypy", "--no-error-summary"],
    ]
    if tests:
        workers = ["--numprocesses", "auto", "--dist", "loadfile"] if len(tests) > 2 else []
        steps.append([sys.executable, "-m", "pytest", "-m", MARKERS, *workers, *tests])
    results = [subprocess.run(step, cwd=ROOT).returncode for step in steps]
    # 5: every test of these files needs what `make test` has.
    return 1 if set(results) - {0, 5} else 0


if __name__ == "__main__":
    raise SystemExit(main())
