"""Where the local stack keeps things: `.local/` in the checkout, and one cache for the whole machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
"""State, logs and the secrets passphrase of this checkout; ignored by git, removed by `make clean`."""


def cache() -> Path:
    """What is built once a machine (the engine): `$XDG_CACHE_HOME/h4b-ecs`, by default `~/.cache/h4b-ecs`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "h4b-ecs"


def owner(local: Path | None = None) -> str:
    """Names a checkout, by default this one, in the labels of what it makes in Docker, which others share."""
    return f"h4b-{hashlib.sha256(str((local or LOCAL).resolve()).encode()).hexdigest()[:12]}"


def write_private(file: Path, text: str) -> None:
    """Writes a file that only its owner may read; it is there whole or not at all."""
    half = file.with_name(f"{file.name}.half")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
    half.replace(file)
