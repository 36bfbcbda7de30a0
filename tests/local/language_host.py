"""A `pulumi-language-python` for tests: with it the engine's own command line runs programs and policy packs.

Official installations bring theirs, no package registry has it. This one runs the program in its own process, with the
Python that started it; a policy pack runs in the virtual environment that its PulumiPolicy.yaml names.
"""

# ruff: noqa: N802 - method names are the protocol's

from __future__ import annotations

import os
import runpy
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc


def install(folder: Path) -> None:
    """Puts the launcher into the folder, which is then to be on PATH."""
    launcher = folder / "pulumi-language-python"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(__file__)} "$@"\n')
    launcher.chmod(0o755)


class LanguageHost(LanguageServer):
    """The server of the SDK's inline programs, for a program that is a folder."""

    def __init__(self, engine_address: str) -> None:
        super().__init__(self._run_program)
        self._engine_address = engine_address

    def _run_program(self) -> None:
        runpy.run_path(f"{sys.path[0]}/__main__.py", run_name="__main__")

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        sys.path[0] = request.info.program_directory
        request.args[:] = [self._engine_address]  # where an inline program gets it
        ran: language_pb2.RunResponse = super().Run(request, context)  # type: ignore[no-untyped-call]
        return ran

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        folder = request.info.program_directory
        python = Path(folder, str(request.info.options["virtualenv"]), "bin", "python")
        with subprocess.Popen(
            [python, "-u", "-m", "pulumi.policy", *request.args, folder],
            cwd=request.pwd,
            env=dict(variable.split("=", 1) for variable in request.env) or None,
            stdout=subprocess.PIPE,
        ) as pack:
            context.add_callback(pack.terminate)
            assert pack.stdout
            for line in pack.stdout:
                yield language_pb2.RunPluginResponse(stdout=line)
        yield language_pb2.RunPluginResponse(exitcode=pack.returncode)


def main() -> None:
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))  # the engine is done
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", -1)])
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(sys.argv[-1]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    os._exit(1)  # the engine is gone


if __name__ == "__main__":
    main()
