"""An emulator for tests that need AWS's side only: on a port of its own, empty, gone afterwards."""

from __future__ import annotations

import contextlib
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from local import emulator
from local.emulator import Emulator
from tests.local.checkout import free_port

REGION = "ap-northeast-1"
START_SECONDS = 60


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Emulator]:
    """The emulator, once it answers; its output lies in `folder`."""
    log = folder / "emulator.log"
    process, started = emulator.launch(folder / "data", log, free_port(), REGION)
    with process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not answers(started.port):
                assert time.monotonic() < deadline and process.poll() is None, log.read_text()[-2000:]
                time.sleep(0.1)
            yield started
        finally:
            process.terminate()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=5):
        return True
    return False
