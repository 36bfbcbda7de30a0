"""An emulator for tests that need AWS's side only: on a port of its own, empty, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.local.checkout import free_port

REGION = "ap-northeast-1"
START_SECONDS = 60


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """Its address, once it answers; its output lies in `folder`."""
    port = free_port()
    address = f"http://localhost:{port}"
    log = folder / "emulator.log"
    environment = os.environ | {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_REGION": REGION}
    program = Path(sys.executable).with_name("ministack")
    with (
        log.open("wb") as output,
        subprocess.Popen([str(program)], env=environment, cwd=folder, stdout=output, stderr=output) as emulator,
    ):
        try:
            _wait(address, emulator, log)
            yield address
        finally:
            emulator.terminate()


def _wait(address: str, emulator: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/_ministack/health", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline or emulator.poll() is not None:
                raise AssertionError(f"the emulator did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.2)
