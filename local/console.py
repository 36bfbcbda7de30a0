"""What a person sees while the local stack works: steps with elapsed time, and one-line errors with a remedy."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

REFRESH_SECONDS_TTY = 0.2
REFRESH_SECONDS_PIPED = 15.0


class UserError(Exception):
    """A condition its reader can mend; the text is one line: what is wrong, then the remedy."""


def colour_wanted() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour_wanted() else text


class Step:
    """One running step; `note` says what it is doing now."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self.started = time.monotonic()
        self._over = threading.Event()
        self._shown = ""
        self._thread = threading.Thread(target=self._show_progress, daemon=True)

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self.started

    def note(self, detail: str) -> None:
        self.detail = detail.strip()

    def _line(self) -> str:
        return f"{self.title} ({self.elapsed_seconds:.0f} s)" + (f": {self.detail}" if self.detail else "")

    def _show_progress(self) -> None:
        tty = colour_wanted()
        while not self._over.wait(REFRESH_SECONDS_TTY if tty else REFRESH_SECONDS_PIPED):
            if tty:
                columns = os.get_terminal_size().columns if sys.stdout.isatty() else 120
                print(f"\r\x1b[2K… {self._line()}"[: columns + 5], end="", flush=True)
            else:
                print(f"  … {self._line()}", flush=True)

    def _finish(self, mark: str, colour: str, text: str) -> None:
        self._over.set()
        self._thread.join()
        clear = "\r\x1b[2K" if colour_wanted() else ""
        print(f"{clear}{paint(mark, colour)} {text}", flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[Step]:
    """Shows `title` with elapsed time while the block runs; the last note becomes the result shown beside it."""
    current = Step(title)
    current._thread.start()
    try:
        yield current
    except BaseException:
        current._finish("✗", "31", f"{title} failed after {current.elapsed_seconds:.1f} s")
        raise
    took = f" [{current.elapsed_seconds:.1f} s]" if current.elapsed_seconds >= 1 else ""
    current._finish("✓", "32", title + (f": {current.detail}" if current.detail else "") + took)
