"""A `pulumi-language-python` for tests: with it the engine's own command line runs programs and policy packs.

Official installations bring theirs, no package registry has it. Like it, this one runs the program in a process of its
own, which gets SIGINT when the engine cancels an update, and is killed five seconds later; but with the Python that
started it. A policy pack runs in the virtual environment that its PulumiPolicy.yaml names.
https://github.com/pulumi/pulumi/pull/22397
"""

# ruff: noqa: N802 - method names are the protocol's

from __future__ import annotations

import contextlib
import os
import runpy
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from google.protobuf import empty_pb2
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc


def install(folder: Path) -> None:
    """Puts the launcher into the folder, which is then to be on PATH."""
    launcher = folder / "pulumi-language-python"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(__file__)} "$@"\n')
    launcher.chmod(0o755)


PATIENCE_SECONDS = 5
PROGRAM = "--program"
"""How this file runs a program instead."""


class LanguageHost(LanguageServer):
    """The server of the SDK's inline programs, for a program that is a folder."""

    def __init__(self, engine_address: str) -> None:
        super().__init__(lambda: None)
        self._engine_address = engine_address
        self._programs: list[subprocess.Popen[bytes]] = []

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        request.args[:] = [self._engine_address]  # where an inline program gets it
        theirs, ours = os.pipe()
        with subprocess.Popen(
            [sys.executable, __file__, PROGRAM, str(ours)], stdin=subprocess.PIPE, pass_fds=[ours]
        ) as program:
            self._programs.append(program)
            os.close(ours)
            assert program.stdin
            program.stdin.write(request.SerializeToString())
            program.stdin.close()
            with open(theirs, "rb") as answer:  # noqa: PTH123 - a descriptor
                said = answer.read()
        if program.returncode:
            return language_pb2.RunResponse(error=f"the program ended with {program.returncode}")
        return language_pb2.RunResponse.FromString(said)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        while self._programs:  # the engine says it once more when it closes
            program = self._programs.pop()
            program.send_signal(signal.SIGINT)
            threading.Timer(PATIENCE_SECONDS, program.kill).start()
        return empty_pb2.Empty()

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


def run_program(answer: int) -> None:
    """Runs the program that standard input asks for."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))  # without a word about where the program was
    request = language_pb2.RunRequest.FromString(sys.stdin.buffer.read())
    sys.path[0] = request.info.program_directory

    def program() -> None:
        runpy.run_path(f"{request.info.program_directory}/__main__.py", run_name="__main__")

    ran = LanguageServer(program).Run(request, None)  # type: ignore[no-untyped-call]
    with contextlib.suppress(BrokenPipeError):  # the engine is gone
        os.write(answer, ran.SerializeToString())


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
    if sys.argv[1:2] == [PROGRAM]:
        run_program(int(sys.argv[2]))
    else:
        main()
