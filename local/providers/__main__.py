"""Serves the four providers until stdin closes or SIGTERM comes, so that nothing outlives whoever started it.

Prints one line of JSON with the ports once all of them listen: `{"aws": 1, "awsx": 2, "docker": 3, "random": 4}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading

from local.providers import server
from local.providers.aws.provider import AwsProvider


def _exit_when_stdin_closes() -> None:
    with contextlib.suppress(OSError, ValueError):
        while sys.stdin.buffer.read(4096):
            pass
    os._exit(0)  # grpc's threads and a blocked AWS call would hold the process


async def main() -> None:
    from local.providers.awsx import AwsxProvider
    from local.providers.docker import DockerProvider
    from local.providers.random import RandomProvider

    with (
        server.serve_in_threads(AwsProvider()) as aws,
        server.serve_in_threads(DockerProvider()) as docker,
        server.serve_in_threads(RandomProvider()) as random,
    ):
        async with server.serve_in_loop(AwsxProvider()) as awsx:
            print(json.dumps({"aws": aws, "awsx": awsx, "docker": docker, "random": random}), flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    threading.Thread(target=_exit_when_stdin_closes, daemon=True).start()
    asyncio.run(main())
