# ruff: noqa: ARG002, N802 - names and arguments are the protocol's
# mypy: disable-error-code="import-untyped"
"""What every local provider has in common: the part of the provider protocol that is the same for all, and serving it.

A provider is a `Provider` subclass (in threads: a call may block) or a servicer of the SDK (in the event loop). Both
listen on a loopback port that the engine attaches to.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from local.providers.values import from_struct, to_struct

MAX_MESSAGE_BYTES = 400 * 1024 * 1024
OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
]
LOOPBACK_ANY_PORT = "127.0.0.1:0"
THREADS = 64  # a service that waits for its deployment holds one


class ProviderError(Exception):
    """Something the user can mend, or that AWS or Docker refused; shown as it is, without a stack trace."""


class InitFailedError(ProviderError):
    """The resource exists, but did not become what was asked for; the engine keeps it in the state as damaged."""

    def __init__(self, reason: str, resource_id: str, properties: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.resource_id = resource_id
        self.properties = properties
        self.inputs = inputs


def internal_error(error: Exception) -> ProviderError:
    """A fault of the provider itself; the stack trace goes to its log."""
    traceback.print_exception(error, file=sys.stderr)
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}:{where.lineno}"
    return ProviderError(f"internal error of the local provider ({place}): {type(error).__name__}: {error}")


Method = TypeVar("Method", bound=Callable[..., Any])


def _abort_with_init_failure(context: grpc.ServicerContext, error: InitFailedError) -> None:
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.resource_id,
            properties=to_struct(error.properties),
            reasons=[error.reason],
            inputs=to_struct(error.inputs),
        )
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=error.reason, details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, error.reason)


def answers_errors(method: Method) -> Method:
    """Turns an exception of a protocol method into the error the engine shows."""

    @functools.wraps(method)
    def answered(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except InitFailedError as error:
            _abort_with_init_failure(context, error)
        except ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # noqa: BLE001 - no client may wait for an answer that never comes
            context.abort(grpc.StatusCode.INTERNAL, str(internal_error(error)))

    return answered  # type: ignore[return-value]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """A provider whose methods may block; subclasses override what they support."""

    version = "0.0.0"

    def __init__(self) -> None:
        self.engine_address = ""
        self._engine: engine_pb2_grpc.EngineStub | None = None
        self._engine_lock = threading.Lock()
        self.cancelled = threading.Event()

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        with self._engine_lock:
            self.engine_address, self._engine = request.address, None
        self.cancelled.clear()
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self.version)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.cancelled.set()
        return empty_pb2.Empty()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        olds, news = from_struct(request.old_inputs), from_struct(request.news)
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def log(self, urn: str, message: str, *, severity: int = engine_pb2.INFO, passing: bool = False) -> None:
        """Shows a line beside the resource in the engine's display; `passing` lines are replaced by the next one."""
        with self._engine_lock:
            if self._engine is None and self.engine_address:
                self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self.engine_address, options=OPTIONS))
            engine = self._engine
        if engine is not None:
            with contextlib.suppress(grpc.RpcError):  # a lost line must not fail a deployment
                engine.Log(
                    engine_pb2.LogRequest(
                        severity=severity,  # type: ignore[arg-type]
                        message=message,
                        urn=urn,
                        ephemeral=passing,
                    ),
                    timeout=5,
                )


@contextlib.contextmanager
def serve_in_threads(provider: Provider) -> Iterator[int]:
    """Serves a blocking provider; gives its port."""
    server = grpc.server(ThreadPoolExecutor(THREADS, thread_name_prefix=type(provider).__name__), options=OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port(LOOPBACK_ANY_PORT)
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None)


@contextlib.asynccontextmanager
async def serve_in_loop(servicer: provider_pb2_grpc.ResourceProviderServicer) -> Any:
    """Serves a provider whose methods are coroutines; gives its port."""
    server = grpc.aio.server(options=OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port(LOOPBACK_ANY_PORT)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(grace=None)
