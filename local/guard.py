"""Stands before the emulator, which trusts everybody, and lets pass only what belongs to this machine's own stack.

An ASGI application. Every request goes to one of three places, told apart by its Host and path alone:

- `application`, at `<load balancer>.alb.localhost:<port>`: for this machine's programs, and its browsers.
- `registry`, below `/v2/`: for whoever has the password that GetAuthorizationToken gives.
- `api`, all else: calls of the services that the program uses, signed with the key of this run.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from local import task_limits
from local.key import REGISTRY_USER, Key

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH_PATH: Final = "/_ministack/health"
CLOCK_SKEW: Final = datetime.timedelta(minutes=15)
"""As AWS allows: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html#RESTAuthenticationTimeStamp"""

RPC_SERVICES: Final[Mapping[str, str]] = {
    "acm": "CertificateManager",
    "autoscaling": "",
    "ec2": "",
    "ecr": "AmazonEC2ContainerRegistry_V20150921",
    "ecs": "AmazonEC2ContainerServiceV20141113",
    "elasticloadbalancing": "",
    "iam": "",
    "kms": "TrentService",
    "logs": "Logs_20140328",
    "monitoring": "GraniteServiceVersion20100801",
    "secretsmanager": "secretsmanager",
    "sns": "",
    "ssm": "AmazonSSM",
    "sts": "",
    "wafv2": "AWSWAF_20190729",
}
"""By the name that a request is signed for: the prefix of its X-Amz-Target, or nothing for the Query protocol."""

REST_SERVICES: Final[Mapping[str, re.Pattern[str]]] = {
    "route53": re.compile(r"/2013-04-01/.*", re.DOTALL),
    # The names left out are no buckets to the emulator but other services.
    "s3": re.compile(
        r"/(?:(?!(?:iceberg|login|logout|oauth2|saml2|v20180820)(?:/|$))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/.*)?)?",
        re.DOTALL,
    ),
}
"""By the name that a request is signed for: the paths of the service."""

REFUSED_OPERATIONS: Final = {"ec2": {"RegisterImage"}, "ssm": {"SendCommand"}}
"""What the emulator runs code by beside tasks: an EC2 image that is a container's, a command in such an instance."""

_LOAD_BALANCER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\.alb\.localhost")
_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY_PATH = re.compile(
    rf"/v2/(?:{_NAME}(?:/{_NAME})*/(?:manifests/[\w.:-]+|blobs/[\w.:/-]+|tags/list))?", re.ASCII
)
"""https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints"""

_RAW_PATH = re.compile(rb"/[!\"$->@-~]*")
_CBOR_PATH = re.compile(r"/service/GraniteServiceVersion20100801/operation/(\w+)")
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(\w+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, *"
    r"SignedHeaders=([a-z0-9;_.-]+), *Signature=([0-9a-f]{64})",
    re.ASCII,
)
_ONCE = {"authorization", "content-length", "content-type", "host", "origin", "smithy-protocol", "transfer-encoding"}
_OWN_SITE = ("", "none", "same-origin")


class RefusedError(Exception):
    """The answer to a request that may not pass."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.headers = {"content-type": "text/plain; charset=utf-8", **headers}
        self.body = f"{text}\n".encode()


@dataclass(frozen=True)
class Request:
    """What the guard looks at."""

    method: str
    path: str
    raw_path: str
    query: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, scope: Scope) -> Request:
        """Raises RefusedError where a request could be read in two ways."""
        if scope["http_version"] not in ("1.0", "1.1"):
            raise RefusedError(505, "HTTP version: got another one, expected HTTP/1.1")
        if not _RAW_PATH.fullmatch(scope["raw_path"]):
            raise RefusedError(400, "request target: expected a path that begins with /")
        headers: dict[str, str] = {}
        for name, value in (
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]
        ):
            if name in headers and (name in _ONCE or name.startswith(("sec-fetch-", "x-amz-"))):
                raise RefusedError(400, f"{name}: got it twice, expected one")
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        return cls(
            scope["method"], scope["path"], scope["raw_path"].decode("ascii"),
            scope["query_string"].decode("latin-1"), headers,
        )  # fmt: skip

    def header(self, name: str) -> str:
        return self.headers.get(name, "").strip()


@dataclass(frozen=True)
class _Signature:
    """The Authorization header of Signature Version 4.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
    """

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def of(cls, request: Request) -> _Signature | None:
        found = _AUTHORIZATION.fullmatch(request.header("authorization"))
        if not found:
            return None
        access_key_id, date, region, service, headers, signature = found.groups()
        return cls(access_key_id, date, region, service, tuple(headers.split(";")), signature)

    def is_by(self, key: Key, request: Request, body: bytes) -> bool:
        """Whether `key` signed what arrived. All that names the operation has to be signed."""
        needed = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
        if not needed.issubset(self.signed_headers) or not set(self.signed_headers).issubset(request.headers):
            return False
        if not self._covers(body, request.header("x-amz-content-sha256")):
            return False
        signer = _Signer(self, key)
        again = AWSRequest(request.method, f"http://localhost{request.raw_path}?{request.query}", data=body)
        for name, value in request.headers.items():
            again.headers[name] = value
        again.context["timestamp"] = request.header("x-amz-date")
        expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
        return hmac.compare_digest(expected, self.signature)

    def _covers(self, body: bytes, digest: str) -> bool:
        if self.service == "s3" and digest.startswith(("UNSIGNED-PAYLOAD", "STREAMING-")):
            return True
        return digest in ("", hashlib.sha256(body).hexdigest())


class _Signer(SigV4Auth):
    """Botocore's own, signing what a client says that it signed."""

    def __init__(self, signature: _Signature, key: Key) -> None:
        credentials = Credentials(key.access_key_id, key.secret_access_key)
        super().__init__(credentials, signature.service, signature.region)
        self._signed, self._is_s3 = signature.signed_headers, signature.service == "s3"

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        headers = HTTPHeaders()
        for name in self._signed:
            headers[name] = request.headers[name]
        return headers

    def _normalize_url_path(self, path: str) -> str:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request
        return path if self._is_s3 else str(super()._normalize_url_path(path))  # type: ignore[misc]


class Guard:
    """The ASGI application that a server runs in place of the emulator's."""

    def __init__(
        self,
        port: int,
        key: Key,
        *,
        api: Application,
        registry: Application,
        application: Application,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.timezone.utc),
    ) -> None:
        self._port, self._key, self._now = port, key, now
        self._api, self._registry, self._application = api, registry, application
        login = f"{REGISTRY_USER}:{key.registry_password}".encode()
        self._registry_login = f"Basic {base64.b64encode(login).decode()}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._api(scope, receive, send)
        elif scope["type"] == "http":
            try:
                await self._pass_on(scope, receive, send)
            except RefusedError as refused:
                await _answer(send, refused.status, refused.headers, refused.body)
        else:  # nothing that is served here speaks WebSocket
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request.of(scope)
        host = self._own_name(request)
        is_application = _LOAD_BALANCER.fullmatch(host) is not None
        self._refuse_other_sites(request, host, navigable=is_application)
        scope = {**scope, "headers": [(b"host", f"{host}:{self._port}".encode()), *_without(scope, b"host")]}
        if is_application:
            await self._application(scope, receive, send)
        elif request.path == HEALTH_PATH and request.method in ("GET", "HEAD"):
            await _answer(send, 200, {"content-type": "text/plain"}, b"ok\n")
        elif request.path.startswith("/v2/"):
            self._refuse_strangers_to_the_registry(request)
            await self._registry({**scope, "headers": _without(scope, b"authorization")}, receive, send)
        else:
            body = await self._called(request, receive)
            await self._api(scope, _replayed(body, receive), _closed_to_other_sites(send))

    def _own_name(self, request: Request) -> str:
        """The Host without its port, in lower case. Another name would be one that somebody pointed to this machine."""
        host, _, port = request.header("host").lower().rpartition(":")
        if port == str(self._port) and (host in ("127.0.0.1", "localhost") or _LOAD_BALANCER.fullmatch(host)):
            return host
        raise RefusedError(
            421,
            "Host: got another name, expected "
            f"127.0.0.1:{self._port}, localhost:{self._port} or <load balancer>.alb.localhost:{self._port}",
        )

    def _refuse_other_sites(self, request: Request, host: str, *, navigable: bool) -> None:
        """What a browser says of the page that asks: https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site"""
        origin = request.headers.get("origin")
        if origin is not None and origin != f"http://{host}:{self._port}":
            raise RefusedError(403, "Origin: got another site's; pages of other sites may not ask here")
        follows_a_link = (
            navigable
            and request.method in ("GET", "HEAD")
            and (request.header("sec-fetch-mode"), request.header("sec-fetch-dest")) == ("navigate", "document")
        )
        if request.header("sec-fetch-site") not in _OWN_SITE and not follows_a_link:
            raise RefusedError(403, "Sec-Fetch-Site: got another site's; pages of other sites may not ask here")

    def _refuse_strangers_to_the_registry(self, request: Request) -> None:
        if not hmac.compare_digest(request.header("authorization").encode(), self._registry_login.encode()):
            raise RefusedError(
                401,
                "registry: log in with the password of ECR's GetAuthorizationToken",
                **{
                    "www-authenticate": 'Basic realm="the emulated ECR"',
                    "docker-distribution-api-version": "registry/2.0",
                },
            )
        if not _REGISTRY_PATH.fullmatch(request.path):
            raise RefusedError(404, "registry: there is no such endpoint")

    async def _called(self, request: Request, receive: Receive) -> bytes:
        """The body of a call of the AWS API that may pass."""
        signature = _Signature.of(request)
        if not signature:
            raise _as_service(
                request, "", "MissingAuthenticationToken",
                "expected a request signed in its Authorization header; `python -m local env` prints the key",
            )  # fmt: skip
        if not hmac.compare_digest(signature.access_key_id.encode(), self._key.access_key_id.encode()):
            raise _as_service(
                request, signature.service, "InvalidClientTokenId",
                "the access key is not that of the running emulator; `python -m local env` prints it",
            )  # fmt: skip
        body = await whole(receive)
        if not self._is_now(signature, request) or not signature.is_by(self._key, request, body):
            raise _as_service(
                request,
                signature.service,
                "SignatureDoesNotMatch",
                "the signature is not that of the request as it came",
            )
        operation = _operation(signature.service, request, body)
        if operation in REFUSED_OPERATIONS.get(signature.service, ()):
            raise _as_service(request, signature.service, "OperationNotServed", f"{operation} is not served here")
        if signature.service == "ecs" and (problems := task_limits.problems(operation, body)):
            raise _as_service(request, "ecs", "ClientException", "; ".join(problems), status=400)
        return body

    def _is_now(self, signature: _Signature, request: Request) -> bool:
        stamp = request.header("x-amz-date")
        try:
            signed = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            return False
        return stamp.startswith(signature.date) and abs(self._now() - signed) <= CLOCK_SKEW


def _operation(service: str, request: Request, body: bytes) -> str:
    """The operation of an RPC service, empty for REST. Raises RefusedError where the emulator could see another one."""

    def refused(code: str, text: str) -> RefusedError:
        return _as_service(request, service, code, text)

    if service in REST_SERVICES:
        if not REST_SERVICES[service].fullmatch(request.path) or "x-amz-target" in request.headers:
            raise refused("AccessDenied", f"{service}: got another service's path or X-Amz-Target")
        return ""
    if service not in RPC_SERVICES:
        served = ", ".join(sorted({*RPC_SERVICES, *REST_SERVICES}))
        raise refused("ServiceNotServed", f"{service} is not served here, only {served}")
    for name in ("content-encoding", "x-amz-decoded-content-length", "x-amz-trailer"):
        if name in request.headers:
            raise refused("AccessDenied", f"{name}: expected the body as it is")
    if request.method != "POST" or request.query:
        raise refused("AccessDenied", f"{service}: expected a POST without a query string")
    prefix, target = RPC_SERVICES[service], request.header("x-amz-target")
    if service == "monitoring" and not target and (found := _CBOR_PATH.fullmatch(request.path)):
        return found.group(1)
    if request.path != "/":
        raise refused("AccessDenied", f"{service}: expected the path /")
    if target or (prefix and service != "monitoring"):
        named, _, operation = target.partition(".")
        if not prefix or named != prefix or not operation.isalnum():
            raise refused("AccessDenied", f"X-Amz-Target: expected one of {service}")
        return operation
    actions = parse_qs(body.decode("latin-1"), keep_blank_values=True).get("Action", [])
    if len(actions) != 1 or not actions[0].isalnum():
        raise refused("AccessDenied", f"{service}: expected one Action")
    return actions[0]


def _as_service(request: Request, service: str, code: str, text: str, status: int = 403) -> RefusedError:
    """An error in the form of the service that was called, so that AWS's clients show it."""
    if request.header("smithy-protocol") == "rpc-v2-cbor":
        refused = RefusedError(status, text, **{"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"})
        refused.body = b"\xa2" + b"".join(map(_cbor_text, ("__type", code, "message", text)))
        return refused
    if "x-amz-target" in request.headers:
        refused = RefusedError(status, text, **{"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": code})
        refused.body = json.dumps({"__type": code, "message": text}).encode()
        return refused
    error = f"<Error><Code>{escape(code)}</Code><Message>{escape(text)}</Message></Error>"
    if service == "ec2":
        error = f"<Response><Errors>{error}</Errors></Response>"
    elif service != "s3":
        error = f"<ErrorResponse>{error}</ErrorResponse>"
    refused = RefusedError(status, text, **{"content-type": "text/xml"})
    refused.body = error.encode()
    return refused


def _cbor_text(text: str) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc8949#section-3.1: a text string whose length is in two bytes."""
    encoded = text.encode()
    return b"\x79" + len(encoded).to_bytes(2, "big") + encoded


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    complete = {**headers, "content-length": str(len(body)), "x-content-type-options": "nosniff"}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in complete.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _without(scope: Scope, name: bytes) -> list[tuple[bytes, bytes]]:
    return [(each, value) for each, value in scope["headers"] if each.lower() != name]


async def whole(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RefusedError(400, "body: it ended too early")
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _closed_to_other_sites(send: Send) -> Send:
    """The emulator opens each answer to all pages; nothing here is for pages."""

    async def closed(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [each for each in message["headers"] if not each[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return closed
