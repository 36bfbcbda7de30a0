"""What the guard before the emulator lets pass. Clients are botocore's own; the emulator is stood in for."""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import botocore.session
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local import gateway, guard
from local.guard import Application, Guard, Message, Receive, Scope, Send
from local.key import Key

PORT = 4566
OWN = f"127.0.0.1:{PORT}"
BALANCER = f"shop-1a2b3c4.alb.localhost:{PORT}"
EVIL = "https://evil.example"
OWN_NAMES = (OWN, f"localhost:{PORT}", BALANCER)
AMZ_JSON = {"content-type": "application/x-amz-json-1.1"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class World:
    """A guard, with stand-ins that remember what reached them and answer as the emulator does: open to every page."""

    key: Key = field(default_factory=Key.new)
    reached: list[tuple[str, Scope, bytes]] = field(default_factory=list)
    now: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.timezone.utc))

    @property
    def guard(self) -> Guard:
        places = {name: self._place(name) for name in ("api", "registry", "application")}
        return Guard(PORT, self.key, now=lambda: self.now, **places)

    def _place(self, name: str) -> Application:
        async def place(scope: Scope, receive: Receive, send: Send) -> None:
            self.reached.append((name, scope, await guard.whole(receive)))
            given = dict(scope["headers"])
            body = b"{}" if b"x-amz-target" in given else b"\xa0" if b"smithy-protocol" in given else b"<Nothing/>"
            headers = [(b"Access-Control-Allow-Origin", b"*"), (b"smithy-protocol", b"rpc-v2-cbor")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return place

    @property
    def places(self) -> list[str]:
        return [name for name, *_ in self.reached]

    def ask(
        self,
        method: str = "GET",
        target: str = "/",
        host: str = OWN,
        headers: Mapping[str, str] | list[tuple[str, str]] = (),  # type: ignore[assignment]
        body: bytes = b"",
        version: str = "1.1",
    ) -> Answer:
        """As a server of HTTP hands a request on."""
        path, _, query = target.partition("?")
        given = [("host", host)] if host else []
        given += headers.items() if isinstance(headers, Mapping) else headers
        scope = {
            "type": "http", "http_version": version, "method": method, "path": unquote(path),
            "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in given],
        }  # fmt: skip
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(self.guard(scope, receive, send))
        started = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], started, b"".join(each.get("body", b"") for each in sent[1:]))

    def client(self, service: str, key: Key | None = None, **changed: Any) -> Any:
        """A client of AWS whose requests, once signed and then `changed`, go to the guard."""
        key = key or self.key
        client = boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=f"http://{OWN}",
            region_name="ap-northeast-1",
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )

        def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            return self._handed_on(request, **changed)

        client.meta.events.register("before-send", send)
        return client

    def _handed_on(self, request: AWSPreparedRequest, **changed: Any) -> AWSResponse:
        url = urlsplit(request.url)
        headers = {name: _text(value) for name, value in request.headers.items()} | changed.get("headers", {})
        body = request.body or b""
        given: dict[str, Any] = {
            "method": request.method,
            "target": f"{url.path or '/'}{f'?{url.query}' if url.query else ''}",
            "host": url.netloc,
            "body": bytes(body)
            if isinstance(body, bytes | bytearray)
            else body.encode()
            if isinstance(body, str)
            else body.read(),
        }
        answer = self.ask(**given | changed | {"headers": headers})
        return AWSResponse(request.url, answer.status, HTTPHeaders.from_dict(answer.headers), _Raw(answer.body))

    def call(
        self,
        service: str,
        headers: Mapping[str, str] = {},
        body: bytes = b"",
        method: str = "POST",
        target: str = "/",
    ) -> Answer:
        """A request that no client of AWS would make, and that the key has signed all the same."""
        request = AWSRequest(method, f"http://{OWN}{target}", {"Host": OWN, **headers}, body)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(Credentials(self.key.access_key_id, self.key.secret_access_key), service, "us-east-1").add_auth(request)
        given = [(name, _text(value)) for name, value in request.headers.items() if name != "Host"]
        return self.ask(method, target, headers=given, body=body)

    def signed(self, service: str = "ecs", operation: str = "list_clusters", **parameters: Any) -> AWSPreparedRequest:
        """A request as AWS's client would send it."""
        client = self.client(service)

        def stop(request: AWSPreparedRequest, **_: Any) -> None:
            raise StoppedError(request)

        client.meta.events.register_first("before-send", stop)
        with pytest.raises(StoppedError) as stopped:
            getattr(client, operation)(**parameters)
        return stopped.value.request


class StoppedError(Exception):
    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__()
        self.request = request


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._content

    def read(self, *_: Any) -> bytes:
        return self._content


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@pytest.fixture
def world() -> World:
    return World()


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", f"127.0.0.2:{PORT}", f"0.0.0.0:{PORT}",
        f"[::1]:{PORT}", f"localhost.:{PORT}", f"localhost.evil.example:{PORT}", f"xlocalhost:{PORT}",
        f"2130706433:{PORT}", f"a.b.alb.localhost:{PORT}", f"shop.alb.localhost.:{PORT}",
        f"shop.alb.localhost.evil.example:{PORT}",
        f"lambda.us-east-1.localhost:{PORT}", f"bucket.s3.localhost:{PORT}", f"sqs.us-east-1.amazonaws.com:{PORT}",
        f"abcdef12.execute-api.localhost:{PORT}", f"evil.example@{OWN}", f"{OWN},evil.example", f"{OWN}/", f" :{PORT}",
    ],
)  # fmt: skip
def test_a_name_that_somebody_else_points_here_is_refused(world: World, host: str) -> None:
    for target in ("/", guard.HEALTH_PATH, "/v2/", "/_ministack/reset"):
        assert world.ask(target=target, host=host).status == 421
    assert world.places == []


def test_its_own_names_pass_in_any_case(world: World) -> None:
    for host in (OWN, f"LocalHost:{PORT}"):
        assert world.ask(target=guard.HEALTH_PATH, host=host).status == 200
    assert world.ask(host=BALANCER.upper()).status == 200
    ((place, scope, _),) = world.reached
    assert (place, scope["headers"]) == ("application", [(b"host", BALANCER.encode())])


@pytest.mark.parametrize(
    "headers",
    [
        [("host", "evil.example")],
        [("host", OWN)],
        [("origin", EVIL), ("origin", f"http://{OWN}")],
        [("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
        [("authorization", "a"), ("authorization", "b")],
        [("content-length", "1"), ("content-length", "2")],
        [("transfer-encoding", "chunked"), ("transfer-encoding", "identity")],
        [("x-amz-target", "a.B"), ("x-amz-target", "c.D")],
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused(world: World, headers: list[tuple[str, str]]) -> None:
    for host in OWN_NAMES:
        assert world.ask(host=host, headers=headers).status == 400
    assert world.places == []


@pytest.mark.parametrize(
    "target", [f"http://{OWN}/", "http://evil.example/", "*", "", "evil.example:443", "/#/", "/\\x"]
)
def test_only_a_path_is_a_target(world: World, target: str) -> None:
    expected = 200 if target == "/\\x" else 400  # a backslash is a character like others, of a path that begins well
    assert world.ask(host=BALANCER, target=target).status == expected


def test_another_version_of_http_is_refused(world: World) -> None:
    assert world.ask(target=guard.HEALTH_PATH, version="2").status == 505


def test_a_websocket_is_refused(world: World) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": [(b"host", BALANCER.encode())]}
    asyncio.run(world.guard(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert world.places == []


# --- pages of other sites ---------------------------------------------------------------------------------------------

CROSS_SITE: dict[str, dict[str, str]] = {
    "a simple request": {"origin": EVIL, "content-type": "text/plain"},
    "a form": {
        "origin": EVIL,
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    },
    "a page of an opaque origin": {"origin": "null"},
    "a fetch without cors": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty"},
    "an image": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    "a frame": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    "an image on another port of this machine": {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    "another port of this machine": {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"},
    "the application's page": {"origin": "http://other.alb.localhost:4566", "sec-fetch-site": "same-site"},
    "another scheme": {"origin": f"https://{OWN}"},
    "a site whose name begins alike": {"origin": f"http://{OWN}.evil.example"},
}


@pytest.mark.parametrize("headers", CROSS_SITE.values(), ids=CROSS_SITE)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_a_page_of_another_site_gets_nothing(world: World, method: str, headers: dict[str, str]) -> None:
    for host, target in [*((host, "/") for host in OWN_NAMES), (OWN, guard.HEALTH_PATH), (OWN, "/v2/")]:
        answer = world.ask(method, target, host, headers | _registry_login(world))
        assert answer.status == 403
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert world.places == []


def test_a_preflight_of_another_site_opens_nothing(world: World) -> None:
    asked = {
        "origin": EVIL, "access-control-request-method": "POST", "access-control-request-headers": "x-amz-target",
        "access-control-request-private-network": "true",
    }  # fmt: skip
    for host in OWN_NAMES:
        answer = world.ask("OPTIONS", "/", host, asked)
        assert answer.status == 403
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_even_a_signed_call_of_a_page_is_refused(world: World) -> None:
    with pytest.raises(ClientError):
        world.client("ecs", headers={"Origin": EVIL}).list_clusters()
    with pytest.raises(ClientError):
        world.client("ecs", headers={"Sec-Fetch-Site": "cross-site"}).list_clusters()
    assert world.places == []


def test_an_answer_of_the_api_is_open_to_no_page(world: World) -> None:
    answered = world.client("ecs").list_clusters()["ResponseMetadata"]["HTTPHeaders"]
    assert "access-control-allow-origin" not in answered


# --- the application --------------------------------------------------------------------------------------------------

NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("POST", {"content-type": "application/json"}),
        ("GET", NAVIGATION | {"sec-fetch-site": "none"}),
        ("GET", NAVIGATION | {"sec-fetch-site": "cross-site"}),
        ("GET", NAVIGATION | {"sec-fetch-site": "same-site"}),
        ("POST", {"origin": f"http://{BALANCER}", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}),
        ("GET", {"sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}),
        ("OPTIONS", {"origin": f"http://{BALANCER}"}),
    ],
)
def test_programs_and_browsers_reach_the_application(world: World, method: str, headers: dict[str, str]) -> None:
    answer = world.ask(method, "/health?a=b", BALANCER, headers, b"body")
    assert (answer.status, world.places) == (200, ["application"])
    assert answer.headers["access-control-allow-origin"] == "*", "what the application says of itself stays"


@pytest.mark.parametrize("target", [guard.HEALTH_PATH, "/v2/", "/"])
def test_a_link_of_another_site_leads_to_the_application_only(world: World, target: str) -> None:
    headers = NAVIGATION | {"sec-fetch-site": "cross-site"} | _registry_login(world)
    answer = world.ask("GET", target, headers=headers)
    assert (answer.status, answer.body[:14]) == (403, b"Sec-Fetch-Site")


def test_a_form_of_another_site_cannot_post_by_navigating(world: World) -> None:
    assert world.ask("POST", "/", BALANCER, NAVIGATION | {"sec-fetch-site": "cross-site"}).status == 403


@pytest.mark.parametrize(
    "target",
    ["/", "/_ministack/reset", "/_ministack/health", "/v2/", "/_alb/other/", "/2015-03-31/functions", "/health"],
)
def test_at_a_balancers_name_nothing_but_the_application_is_reached(world: World, target: str) -> None:
    signed = world.signed()
    headers = {name: _text(value) for name, value in signed.headers.items()}
    world.ask("POST", target, BALANCER, headers | {"X-Amz-Target": "CodeBuild_20161006.StartBuild"}, b"{}")
    world.ask("GET", f"{target}?Action=RunInstances&X-Amz-Credential=a/b/c/lambda/aws4_request", BALANCER)
    assert world.places == ["application", "application"]


# --- the registry -----------------------------------------------------------------------------------------------------


def _registry_login(world: World, password: str | None = None) -> dict[str, str]:
    login = f"AWS:{world.key.registry_password if password is None else password}"
    return {"authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


DIGEST = "sha256:" + "0" * 64
ENDPOINTS = [
    "/v2/", "/v2/shop/manifests/1.0", f"/v2/team/shop-api/manifests/{DIGEST}", f"/v2/shop/blobs/{DIGEST}",
    "/v2/shop/blobs/uploads/", "/v2/shop/blobs/uploads/5f0e-1", "/v2/shop/tags/list",
]  # fmt: skip


@pytest.mark.parametrize("target", ENDPOINTS)
def test_the_registry_is_for_whoever_has_its_password(world: World, target: str) -> None:
    assert world.ask("PUT", f"{target}?digest={DIGEST}", f"localhost:{PORT}", _registry_login(world)).status == 200
    ((place, scope, _),) = world.reached
    assert place == "registry"
    assert not [name for name, _ in scope["headers"] if name == b"authorization"]


@pytest.mark.parametrize("target", [*ENDPOINTS, "/v2/_catalog", "/v2/email/identities", "/v2/apis"])
def test_without_the_password_the_registry_tells_nothing(world: World, target: str) -> None:
    logins: list[dict[str, str]] = [
        {}, _registry_login(world, ""), _registry_login(world, "ministack-auth-token"),
        _registry_login(World(), World().key.registry_password), {"authorization": "Bearer x"},
        {"authorization": str(world.signed().headers["Authorization"])},
    ]  # fmt: skip
    for login in logins:
        answer = world.ask("GET", target, f"localhost:{PORT}", login)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
    assert world.places == []


@pytest.mark.parametrize(
    "target", ["/v2/_catalog", "/v2/email/identities", "/v2/apis", "/v2/shop/../apis/x", "/v2/Shop/tags/list"]
)
def test_the_registrys_password_opens_nothing_else(world: World, target: str) -> None:
    assert world.ask("POST", target, headers=_registry_login(world)).status == 404
    assert world.ask("POST", "/", headers=_registry_login(world)).status == 403
    assert world.places == []


# --- the key ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("ecs", "list_clusters", {}),
        ("ec2", "describe_vpcs", {}),
        ("iam", "create_role", {"RoleName": "a", "AssumeRolePolicyDocument": "{}", "Description": "ü & = +"}),
        ("cloudwatch", "describe_alarms", {}),
        ("route53", "list_hosted_zones_by_name", {"DNSName": "example.com", "MaxItems": "1"}),
        ("s3", "put_object", {"Bucket": "bucket", "Key": "a b/ü+(1)/.pulumi", "Body": b"content"}),
        ("s3", "list_objects_v2", {"Bucket": "bucket", "Prefix": "a/b c"}),
        ("sns", "publish", {"TopicArn": "arn", "Message": "x" * 5000}),
        ("logs", "filter_log_events", {"logGroupName": "/a/b"}),
    ],
)
def test_what_the_key_signed_passes_as_it_came(
    world: World, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    signed = world.signed(service, operation, **parameters)
    world._handed_on(signed)
    ((place, scope, body),) = world.reached
    assert (place, scope["method"]) == ("api", signed.method)
    assert body == (signed.body if isinstance(signed.body, bytes) else body)


@pytest.mark.parametrize("service", ["ecs", "ec2", "iam", "cloudwatch", "s3", "route53"])
def test_another_key_gets_the_error_that_its_client_shows(world: World, service: str) -> None:
    operation = {"ecs": "list_clusters", "ec2": "describe_vpcs", "iam": "list_roles", "cloudwatch": "describe_alarms",
                 "s3": "list_buckets", "route53": "list_hosted_zones"}[service]  # fmt: skip
    earlier = Key.new()
    guessed = Key(world.key.access_key_id, "guessed")
    for key, code in [(earlier, "InvalidClientTokenId"), (Key("test", "test"), "InvalidClientTokenId"),
                      (guessed, "SignatureDoesNotMatch")]:  # fmt: skip
        with pytest.raises(ClientError) as refused:
            getattr(world.client(service, key), operation)()
        assert refused.value.response["Error"]["Code"] == code
        assert "key" in str(refused.value) or "signature" in str(refused.value)
    assert world.places == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Basic dGVzdDp0ZXN0"},
        {"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ecs/aws4_request"},
        {"authorization": "AWS test:c2lnbmF0dXJl"},
    ],
)
@pytest.mark.parametrize(
    "target", ["/", "/bucket/key", "/2015-03-31/functions", "/_ministack/reset", "/_ministack/config"]
)
def test_without_a_signature_nothing_passes(world: World, target: str, headers: dict[str, str]) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
        assert world.ask(method, target, headers=headers, body=b"{}").status == 403
    assert world.places == []


def test_a_signature_in_the_query_is_refused(world: World) -> None:
    url = urlsplit(world.client("s3").generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "key"}))
    assert world.ask("GET", f"{url.path}?{url.query}").status == 403
    assert world.places == []


@pytest.mark.parametrize(
    "changed",
    [
        {"body": b'{"cluster": "other"}'},
        {"method": "PUT"},
        {"target": "/bucket"},
        {"target": "/?a=b"},
        {"host": f"localhost:{PORT}"},
        {"headers": {"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.RunTask"}},
        {"headers": {"X-Amz-Date": "20200101T000000Z"}},
        {"headers": {"X-Amz-Security-Token": "added"}},
    ],
    ids=str,
)
def test_what_is_changed_after_it_was_signed_is_refused(world: World, changed: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        world.client("ecs", **changed).list_clusters()
    assert world.places == []


def test_a_body_is_what_its_signed_digest_says(world: World) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        world.client("s3", body=b"another").put_object(Bucket="bucket", Key="key", Body=b"content")
    for digest in ("0" * 64, "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"):
        headers = {"X-Amz-Target": f"{guard.RPC_SERVICES['ecs']}.ListClusters", "X-Amz-Content-SHA256": digest}
        assert world.call("ecs", headers, b"{}").status == 403
    assert world.places == []


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_request_of_another_time_is_refused(world: World, minutes: int) -> None:
    signed = world.signed()
    world.now += datetime.timedelta(minutes=minutes)
    assert world._handed_on(signed).status_code == 403
    world.now -= datetime.timedelta(minutes=minutes + (1 if minutes < 0 else -1) * 2)
    assert world._handed_on(signed).status_code == 200


# --- services ---------------------------------------------------------------------------------------------------------

RUNS_CODE: dict[str, tuple[str, dict[str, Any]]] = {
    "lambda": ("list_functions", {}),
    "codebuild": ("start_build", {"projectName": "a"}),
    "cloudformation": ("create_stack", {"StackName": "a", "TemplateBody": "{}"}),
    "stepfunctions": ("list_state_machines", {}),
    "events": ("put_targets", {"Rule": "a", "Targets": [{"Id": "1", "Arn": "arn"}]}),
    "scheduler": ("list_schedules", {}),
    "batch": ("submit_job", {"jobName": "a", "jobQueue": "b", "jobDefinition": "c"}),
    "glue": ("start_job_run", {"JobName": "a"}),
    "apigateway": ("get_rest_apis", {}),
    "rds": ("describe_db_instances", {}),
    "eks": ("list_clusters", {}),
    "sqs": ("list_queues", {}),
    "cloudcontrol": ("create_resource", {"TypeName": "AWS::Lambda::Function", "DesiredState": "{}"}),
}


@pytest.mark.parametrize("service", RUNS_CODE)
def test_a_service_that_the_program_does_not_use_is_refused_with_the_key_too(world: World, service: str) -> None:
    operation, parameters = RUNS_CODE[service]
    with pytest.raises(ClientError, match="ServiceNotServed"):
        getattr(world.client(service), operation)(**parameters)
    assert world.places == []


@pytest.mark.parametrize(
    "target",
    [
        "CodeBuild_20161006.StartBuild",
        "AWSStepFunctions.StartExecution",
        "AmazonEC2ContainerServiceV20141113",
        "AmazonEC2ContainerServiceV20141113.Run.Task",
        "AmazonEC2ContainerServiceV20141113x.RunTask",
    ],
)
@pytest.mark.parametrize("service", ["ecs", "ec2", "iam", "monitoring", "s3", "route53"])
def test_a_call_cannot_be_signed_for_one_service_and_meant_for_another(world: World, service: str, target: str) -> None:
    path = "/2013-04-01/hostedzone" if service == "route53" else "/"
    answer = world.call(service, {"X-Amz-Target": target}, b"{}", target=path)
    assert (answer.status, world.places) == (403, [])
    assert b"AccessDenied" in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset", "/_ministack/config", "/_aws/execute-api/a", "/_alb/shop/", "/iceberg/v1/config", "/login",
        "/oauth2/token", "/Execute", "/v20180820/accesspoint/a", "/%5fministack/reset", "/WriteGetObjectResponse",
    ],
)  # fmt: skip
@pytest.mark.parametrize("service", ["ecs", "ec2", "monitoring", "s3", "route53"])
def test_no_call_reaches_what_is_no_service(world: World, service: str, path: str) -> None:
    for method in ("GET", "POST", "PUT"):
        target = {"X-Amz-Target": f"{guard.RPC_SERVICES[service]}.ListClusters"} if service == "ecs" else {}
        assert world.call(service, target, b"", method, path).status == 403
    assert world.places == []


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("ec2", "register_image", {"Name": "image", "ImageLocation": "ubuntu:24.04"}),
        ("ssm", "send_command", {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-1"]}),
    ],
)
def test_an_operation_that_runs_code_is_refused(
    world: World, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="OperationNotServed"):
        getattr(world.client(service), operation)(**parameters)
    assert world.places == []


@pytest.mark.parametrize("body", [b"Action=DescribeVpcs&Action=RegisterImage", b"Version=1", b"Action=", b"Action=a.b"])
def test_an_action_that_is_not_one_is_refused(world: World, body: bytes) -> None:
    answer = world.call("ec2", {"Content-Type": "application/x-www-form-urlencoded"}, body)
    assert b"expected one Action" in answer.body
    assert world.call("ec2", {}, b"Action=DescribeVpcs", target="/?Action=RegisterImage").status == 403
    assert world.places == []


@pytest.mark.parametrize("header", ["Content-Encoding", "X-Amz-Decoded-Content-Length", "X-Amz-Trailer"])
def test_a_body_that_the_emulator_would_read_otherwise_is_refused(world: World, header: str) -> None:
    answer = world.call("ecs", {"X-Amz-Target": f"{guard.RPC_SERVICES['ecs']}.ListClusters", header: "gzip"}, b"{}")
    assert b"expected the body as it is" in answer.body
    assert world.places == []


def test_the_services_are_named_as_aws_names_them() -> None:
    session, client_names = (
        botocore.session.get_session(),
        {"elasticloadbalancing": "elbv2", "monitoring": "cloudwatch"},
    )
    models = {
        name: session.get_service_model(client_names.get(name, name))
        for name in (*guard.RPC_SERVICES, *guard.REST_SERVICES)
    }
    for name, prefix in guard.RPC_SERVICES.items():
        assert (name, prefix) == (models[name].signing_name, models[name].metadata.get("targetPrefix", ""))
    for name, model in models.items():
        assert (name in guard.REST_SERVICES) == model.metadata["protocol"].startswith("rest-")
    for service, operations in guard.REFUSED_OPERATIONS.items():
        assert operations.issubset(models[service].operation_names)


# --- tasks ------------------------------------------------------------------------------------------------------------

CONTAINER: dict[str, Any] = {"name": "web", "image": "shop", "essential": True}
WAYS_OUT: dict[str, dict[str, Any]] = {
    "networkMode": {"networkMode": "host"},
    "pidMode": {"pidMode": "host"},
    "ipcMode": {"ipcMode": "host"},
    "volumes[0].host.sourcePath": {"volumes": [{"name": "root", "host": {"sourcePath": "/"}}]},
    "volumes[1].host.sourcePath": {
        "volumes": [{"name": "own"}, {"name": "docker", "host": {"sourcePath": "/var/run/docker.sock"}}]
    },
    "volumes[0].dockerVolumeConfiguration": {
        "volumes": [
            {"name": "a", "dockerVolumeConfiguration": {"driverOpts": {"type": "none", "o": "bind", "device": "/"}}}
        ]
    },
    "containerDefinitions[0].privileged": {"containerDefinitions": [CONTAINER | {"privileged": True}]},
    "containerDefinitions[1].privileged": {"containerDefinitions": [CONTAINER, CONTAINER | {"privileged": True}]},
    "containerDefinitions[0].linuxParameters.devices": {
        "containerDefinitions": [CONTAINER | {"linuxParameters": {"devices": [{"hostPath": "/dev/sda"}]}}]
    },
    "containerDefinitions[0].linuxParameters.capabilities.add": {
        "containerDefinitions": [CONTAINER | {"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}]
    },
}


@pytest.mark.parametrize("where", WAYS_OUT)
def test_a_task_that_would_leave_its_container_is_refused(world: World, where: str) -> None:
    definition = {"family": "shop", "containerDefinitions": [CONTAINER], **WAYS_OUT[where]}
    with pytest.raises(ClientError) as refused:
        world.client("ecs").register_task_definition(**definition)
    assert refused.value.response["Error"]["Code"] == "ClientException"
    assert f"{where}: got " in refused.value.response["Error"]["Message"]
    assert world.places == []


def test_all_ways_out_are_named_at_once(world: World) -> None:
    definition: dict[str, Any] = {"family": "shop", "containerDefinitions": [CONTAINER | {"privileged": True}]}
    with pytest.raises(ClientError, match=r"networkMode: got .*; containerDefinitions\[0\]\.privileged: got true"):
        world.client("ecs").register_task_definition(networkMode="host", **definition)


ORDINARY: list[dict[str, Any]] = [
    {"networkMode": "awsvpc", "pidMode": "task", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"},
    {"networkMode": "bridge", "ipcMode": "task"},
    {"volumes": [{"name": "scratch"}, {"name": "empty", "host": {}}]},
    {"volumes": [{"name": "shared", "efsVolumeConfiguration": {"fileSystemId": "fs-12345678"}}]},
    {"volumes": [{"name": "kept", "dockerVolumeConfiguration": {"scope": "task", "driver": "local"}}]},
    {"containerDefinitions": [CONTAINER | {"privileged": False, "readonlyRootFilesystem": True, "user": "1000"}]},
    {
        "containerDefinitions": [
            CONTAINER | {"linuxParameters": {"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True}}
        ]
    },
]


@pytest.mark.parametrize("definition", ORDINARY, ids=str)
def test_an_ordinary_task_passes(world: World, definition: dict[str, Any]) -> None:
    world.client("ecs").register_task_definition(
        **{"family": "shop", "containerDefinitions": [CONTAINER], **definition}
    )
    assert world.places == ["api"]


UNMODELLED: dict[str, list[Any]] = {
    "RegisterTaskDefinition": [
        {"family": "a", "containerDefinitions": [CONTAINER | {"Privileged": True}]},
        {"family": "a", "containerDefinitions": [CONTAINER | {"privileged": "true"}]},
        {"family": "a", "containerDefinitions": [CONTAINER], "volumes": [{"Name": "a", "Host": {"SourcePath": "/"}}]},
        {"family": "a", "containerDefinitions": [CONTAINER], "volumes": [{"name": "a", "host": {"SourcePath": "/"}}]},
        {"family": "a", "containerDefinitions": [CONTAINER | {"LinuxParameters": {"Capabilities": {"Add": ["ALL"]}}}]},
    ],
    "RunTask": [
        {"taskDefinition": "a", "overrides": {"containerOverrides": [{"name": "web", "privileged": True}]}},
        {"taskDefinition": "a", "overrides": {"volumes": [{"name": "a", "host": {"sourcePath": "/"}}]}},
        {"taskDefinition": "a", "_deploymentId": "ecs-svc/1"},
        [],
    ],
    "NoSuchOperation": [{}],
}


@pytest.mark.parametrize(
    ("operation", "body"), [(name, each) for name, bodies in UNMODELLED.items() for each in bodies]
)
def test_what_aws_does_not_know_is_refused(world: World, operation: str, body: Any) -> None:
    target = {"X-Amz-Target": f"{guard.RPC_SERVICES['ecs']}.{operation}"}
    answer = world.call("ecs", target, json.dumps(body).encode())
    assert (answer.status, world.places) == (400, [])
    assert b"ClientException" in answer.body


@pytest.mark.parametrize(
    "way_out",
    [
        {"privileged": True},
        {"volumes": ["/:/host:rw"]},
        {"cap_add": ["SYS_ADMIN"]},
        {"pid_mode": "host"},
        {"network_mode": "host"},
    ],
    ids=str,
)
def test_docker_is_asked_for_nothing_that_the_guard_would_have_missed(way_out: dict[str, Any]) -> None:
    ordinary = {"privileged": False, "ports": {"80/tcp": 8080}, "network": None}
    assert gateway._contained(lambda: dict(ordinary))() == ordinary | {"ports": {"80/tcp": ("127.0.0.1", 8080)}}
    with pytest.raises(PermissionError, match=f"leave its container by {next(iter(way_out))}"):
        gateway._contained(lambda: ordinary | way_out)()


# --- the key itself ---------------------------------------------------------------------------------------------------


def test_each_start_has_another_key() -> None:
    keys = {Key.new() for _ in range(50)}
    assert len({key.access_key_id for key in keys}) == len({key.registry_password for key in keys}) == 50
    assert not [key for key in keys if key.secret_access_key in repr(key)]
    assert not [key for key in keys if key.secret_access_key in key.registry_password]
