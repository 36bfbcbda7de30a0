"""The process of the emulator, behind its guard: `python -m local.gateway`, with the key on its standard input.

Everything that is MiniStack's and not its public interface is here. Its version is pinned; tests attack each defence.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from hypercorn.asyncio import serve
from hypercorn.config import Config

from local import guard
from local.guard import Guard, Receive, Scope, Send
from local.key import REGISTRY_USER, Key

HOST = "127.0.0.1"
KEEP_ALIVE_SECONDS = 75


def environment(port: int, region: str, owner: str, data: str) -> dict[str, str]:
    """What makes MiniStack serve what the guard lets pass, and nothing beside it."""
    return {
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": region,  # without it a load balancer outside us-east-1 does not answer
        "MINISTACK_HOSTNAME": owner,  # in the label of every container
        "SERVICES": ",".join([*guard.RPC_SERVICES, *guard.REST_SERVICES]),
        "LAMBDA_STRICT": "1",  # no function is ever a process of this machine
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": f"{data}/state",
        "S3_DATA_DIR": f"{data}/s3",
        "TMPDIR": data,
    }


def main() -> None:
    """Serves until SIGTERM. Reads `{"port", "access_key_id", "secret_access_key"}`, which no argument list may show."""
    given = json.loads(sys.stdin.readline())
    port, key = given["port"], Key(given["access_key_id"], given["secret_access_key"])
    _tame(port, key)
    config = Config()
    config.bind = [f"{HOST}:{port}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    guarded = Guard(port, key, api=_api, registry=_registry, application=_application)
    asyncio.run(serve(guarded, config))  # type: ignore[arg-type]


def _tame(port: int, key: Key) -> None:
    from ministack import app
    from ministack.services import ec2, ecr, ecs

    # At its start it would also remove the containers of another, older MiniStack.
    app._stop_docker_containers = functools.partial(_without_arguments, app._stop_docker_containers)
    ec2._get_docker = lambda: None
    ecs._build_run_kwargs = _contained(ecs._build_run_kwargs)
    ecs._get_docker = _logged_in(ecs._get_docker, f"localhost:{port}", key)
    ecr._get_authorization_token = functools.partial(_authorization_token, ecr._get_authorization_token, key)


def _without_arguments(function: Callable[[], Any], *_: Any) -> Any:
    return function()


def _contained(build: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Docker's arguments for a task: published on loopback only, and refused where `task_limits` missed a way out."""

    @functools.wraps(build)
    def contained(*arguments: Any) -> dict[str, Any]:
        built = build(*arguments)
        ways_out = {
            name for name in ("privileged", "volumes", "cap_add", "pid_mode", "network_mode") if built.get(name)
        }
        if ways_out:
            raise PermissionError(f"the task would leave its container by {', '.join(sorted(ways_out))}")
        built["ports"] = {inside: (HOST, outside) for inside, outside in (built["ports"] or {}).items()}
        return built

    return contained


def _logged_in(connect: Callable[[], Any], registry: str, key: Key) -> Callable[[], Any]:
    """ECS pulls from this registry with its password, as AWS's pulls by the execution role."""

    def logged_in() -> Any:
        client = connect()
        if client:
            login = {"username": REGISTRY_USER, "password": key.registry_password, "serveraddress": registry}
            client.api._auth_configs.add_auth(registry, login)
        return client

    return logged_in


def _authorization_token(
    answer: Callable[[Any], tuple[int, dict[str, str], bytes]], key: Key, call: Any
) -> tuple[int, dict[str, str], bytes]:
    status, headers, body = answer(call)
    content = json.loads(body)
    login = f"{REGISTRY_USER}:{key.registry_password}".encode()
    content["authorizationData"][0]["authorizationToken"] = base64.b64encode(login).decode()
    return status, headers, json.dumps(content).encode()


async def _api(scope: Scope, receive: Receive, send: Send) -> None:
    from ministack import app

    await app.app(scope, receive, send)


async def _registry(scope: Scope, receive: Receive, send: Send) -> None:
    from ministack import app

    await _to(app._handle_ecr_registry_request, scope, receive, send)


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    from ministack import app

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]) -> Any:
        raw_query, raw_path = scope["query_string"].decode("latin-1"), scope["raw_path"].decode("ascii")
        return await app._handle_alb_request(
            headers["host"], path, method, headers, body, query, raw_query_string=raw_query, raw_path=raw_path
        )

    await _to(handle, scope, receive, send)


async def _to(handle: Callable[..., Any], scope: Scope, receive: Receive, send: Send) -> None:
    """Asks one part of the emulator, past the router by which it would choose another."""
    from ministack import app
    from ministack.core.responses import get_account_id, request_scope

    headers: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]):
        headers[name] = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{value}" if name in headers else value
    body = await guard.whole(receive)
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    with request_scope(get_account_id(), os.environ["MINISTACK_REGION"]):
        answer = await handle(scope["method"], scope["path"], headers, body, query)
        if answer is None:
            answer = 404, {"Content-Type": "text/plain"}, b"nothing of this name is here\n"
        await app._send_if_handled(send, answer, receive)


if __name__ == "__main__":
    main()
