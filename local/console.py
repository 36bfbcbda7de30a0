"""What a person sees while the local stack works: steps with elapsed time, and one-line errors with a remedy."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

REFRESH_SECONDS_TTY = 0.2
REFRESH_SECONDS_PIPED = 15.0
CLEAR_LINE = "\r\x1b[2K"


class UserError(Exception):
    """A condition its reader can mend; the text is one line: what is wrong, then the remedy."""


_for_scripts = False


def leave_stdout_to_scripts() -> None:
    """From now on people read standard error: standard output is for JSON."""
    global _for_scripts
    _for_scripts = True


def _stream() -> TextIO:
    return sys.stderr if _for_scripts else sys.stdout


def is_terminal() -> bool:
    return _stream().isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if is_terminal() and "NO_COLOR" not in os.environ else text


_running: list[Step] = []
_showing = False
"""Whether a thread shows them."""
_printing = threading.RLock()


def say(text: str = "") -> None:
    """Prints a line of its own, above the live line of the steps that are running."""
    with _printing:
        print(f"{CLEAR_LINE if is_terminal() and _running else ''}{text}", flush=True, file=_stream())


class Step:
    """One running step; `note` says what it is doing now."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self.failed = False
        """Whether it failed without an exception."""
        self.started = time.monotonic()
        self.next_line_seconds = REFRESH_SECONDS_PIPED

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self.started

    def note(self, detail: str) -> None:
        self.detail = detail.strip()

    def __str__(self) -> str:
        return f"{self.title} ({self.elapsed_seconds:.0f} s)" + (f": {self.detail}" if self.detail else "")


def _show_running_steps() -> None:
    global _showing
    while True:
        time.sleep(REFRESH_SECONDS_TTY)
        with _printing:
            _showing = bool(_running)
            if not _showing:
                return
            if is_terminal():
                line = "… " + "  ·  ".join(map(str, _running))
                shortened = line[: shutil.get_terminal_size().columns - 1]
                print(CLEAR_LINE + shortened, end="", flush=True, file=_stream())
                continue
            for current in _running:
                if current.elapsed_seconds >= current.next_line_seconds:
                    current.next_line_seconds += REFRESH_SECONDS_PIPED
                    say(f"  … {current}")


@contextlib.contextmanager
def step(title: str) -> Iterator[Step]:
    """Shows `title` with elapsed time while the block runs; its last note becomes the result shown beside it."""
    global _showing
    current = Step(title)
    with _printing:
        _running.append(current)
        if not _showing:
            _showing = True
            threading.Thread(target=_show_running_steps, daemon=True).start()
    try:
        yield current
    except BaseException:
        _finish(current, paint("✗", "31"), f"{title}: failed")
        raise
    mark = paint("✗", "31") if current.failed else paint("✓", "32")
    _finish(current, mark, title + (f": {current.detail}" if current.detail else ""))


def _finish(current: Step, mark: str, text: str) -> None:
    with _printing:
        took = f" [{current.elapsed_seconds:.1f} s]" if current.elapsed_seconds >= 1 else ""
        say(f"{mark} {text}{took}")
        _running.remove(current)
