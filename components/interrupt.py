"""Ctrl-C while the program waits.

At the first one the engine cancels the update, yet goes on waiting for a hook. It tells the language host, which sends
the program SIGINT and kills it some seconds later: whoever waits has to end, and to be quick about it.
https://github.com/pulumi/pulumi/pull/22397
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

_told = threading.Event()
_waits = 0
_before: Any = signal.SIG_DFL
"""What SIGINT did before the first of the waits."""


def tell() -> None:
    """Ends the waits of this process: what SIGINT does, where the program runs beside the main thread of another."""
    _told.set()


@contextlib.contextmanager
def awaited() -> Iterator[threading.Event]:
    """What is set when the update is interrupted. SIGINT does nothing else until the last wait ends, and nothing after
    that where it did: the engine sends more as it closes, on which the program would print where it stood."""
    global _waits, _before
    if threading.current_thread() is not threading.main_thread():
        yield _told
        return
    if not _waits:
        _before = signal.signal(signal.SIGINT, lambda *_: tell())
    _waits += 1
    try:
        yield _told
    finally:
        _waits -= 1
        if not _waits and not _told.is_set():
            signal.signal(signal.SIGINT, _before)
