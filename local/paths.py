"""Where the local stack keeps things: `.local/` in the checkout, and one cache for the whole machine."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
"""State, logs and the secrets passphrase of this checkout; ignored by git, removed by `make clean`."""


def cache() -> Path:
    """What is built once a machine (the engine): `$XDG_CACHE_HOME/h4b-ecs`, by default `~/.cache/h4b-ecs`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "h4b-ecs"
