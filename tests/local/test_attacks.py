"""Attacks on the running emulator: each works where there is no guard, and comes to nothing where there is one.

The attacker is a page of another site, another user of this machine, or somebody who has the key and wants out of a
container. What an attack achieves is looked for on the machine: a file, a container, something of the cloud lost.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import io
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import docker
import pytest
from botocore.exceptions import ClientError

from local import base_image
from local.emulator import Emulator
from local.key import Key
from tests.local import emulator
from tests.local.checkout import free_port

pytestmark = pytest.mark.docker

REGION = emulator.REGION
SECONDS = 20
UNGUARDED = "from ministack import app; app._stop_docker_containers = lambda *_: None; app.main()"
"""MiniStack as it comes, but that it leaves containers alone which are not its own."""


@dataclass(frozen=True)
class Target:
    """What is attacked: `key` is what the attacker has."""

    port: int
    key: Key
    folder: Path
    """Of the host. What appears in it is the attacker's."""

    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Message, bytes]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body or None, dict(headers or {}), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers, refused.read()

    def client(self, service: str) -> Any:
        return Emulator(0, 0, REGION, self.port, self.key).client(service)

    @property
    def proof(self) -> Path:
        return self.folder / "written"

    def written(self) -> bool:
        """Whether the attacker's file is there, or comes in a while."""
        return _comes_true(self.proof.exists)


def _comes_true(condition: Callable[[], bool], seconds: float = SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator.running(tmp_path_factory.mktemp("guarded")) as started:
        yield started


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port."""
    folder, port, owner = tmp_path_factory.mktemp("unguarded"), free_port(), f"test-{uuid.uuid4().hex[:8]}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_REGION": REGION, "MINISTACK_HOSTNAME": owner,
        "IOT_MTLS_ENABLED": "0", "TMPDIR": str(folder),
    }  # fmt: skip
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([sys.executable, "-c", UNGUARDED], env=environment, cwd=folder, stdout=log, stderr=log) as raw,
    ):
        try:
            assert _comes_true(lambda: emulator.answers(port), 60)
            yield port
        finally:
            raw.terminate()
    for container in docker.from_env().containers.list(
        all=True, filters={"label": f"ministack.instance={owner}:{port}"}
    ):
        container.remove(force=True, v=True)


@pytest.fixture
def open_door(unguarded: int, tmp_path: Path) -> Target:
    return Target(unguarded, Key("test", "test"), tmp_path)


@pytest.fixture
def closed_door(guarded: Emulator, tmp_path: Path) -> Target:
    """What somebody meets who has no key."""
    return Target(guarded.port, Key("test", "test"), tmp_path)


@pytest.fixture
def inside(guarded: Emulator, tmp_path: Path) -> Target:
    """What somebody meets who has the key."""
    return Target(guarded.port, guarded.key, tmp_path)


# --- a page, or another user: code on this machine --------------------------------------------------------------------


def lambda_that_writes(target: Target, headers: Mapping[str, str]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", f"def handler(*_):\n    open({str(target.proof)!r}, 'w').close()\n")
    name = f"f{uuid.uuid4().hex[:8]}"
    function = {
        "FunctionName": name, "Runtime": "python3.12", "Role": "arn:aws:iam::000000000000:role/r",
        "Handler": "index.handler", "Code": {"ZipFile": base64.b64encode(content.getvalue()).decode()},
    }  # fmt: skip
    target.send("POST", "/2015-03-31/functions", json.dumps(function).encode(), headers)
    target.send("POST", f"/2015-03-31/functions/{name}/invocations", b"{}", headers)


PAGES: dict[str, dict[str, str]] = {
    "a page of another site": {"Origin": "https://evil.example", "Content-Type": "text/plain"},
    "a page that no browser speaks of": {"Content-Type": "text/plain"},
    "a page whose name was pointed here": {"Host": "evil.example", "Content-Type": "text/plain"},
    "a page of another port of this machine": {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    "another user with any key": {
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, "
        f"SignedHeaders=host, Signature={'0' * 64}"
    },
}


@pytest.mark.parametrize("headers", PAGES.values(), ids=PAGES)
def test_a_function_writes_a_file(open_door: Target, closed_door: Target, headers: dict[str, str]) -> None:
    lambda_that_writes(closed_door, headers)
    assert not closed_door.proof.exists()
    lambda_that_writes(open_door, headers)
    assert open_door.written()


def test_a_function_writes_no_file_for_whoever_has_the_key(inside: Target) -> None:
    with pytest.raises(ClientError, match="ServiceNotServed"):
        inside.client("lambda").list_functions()


def run_code(target: Target, service: str) -> None:
    """A build, a stack or a state machine that could run something."""
    client = target.client(service)
    name = f"a{uuid.uuid4().hex[:8]}"
    if service == "codebuild":
        client.create_project(
            name=name, source={"type": "NO_SOURCE", "buildspec": "version: 0.2"}, artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "none", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole="arn:aws:iam::000000000000:role/r",
        )  # fmt: skip
        client.start_build(projectName=name)
    elif service == "cloudformation":
        topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
        client.create_stack(StackName=name, TemplateBody=json.dumps(topic))
    elif service == "stepfunctions":
        definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
        role = "arn:aws:iam::000000000000:role/r"
        machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
        client.start_execution(stateMachineArn=machine["stateMachineArn"])
    else:
        client.put_rule(Name=name, ScheduleExpression="rate(1 minute)")
        client.put_targets(
            Rule=name, Targets=[{"Id": "1", "Arn": "arn:aws:lambda:ap-northeast-1:000000000000:function:f"}]
        )


@pytest.mark.parametrize("service", ["codebuild", "cloudformation", "stepfunctions", "events"])
def test_another_service_runs_something(open_door: Target, closed_door: Target, inside: Target, service: str) -> None:
    run_code(open_door, service)
    for target in (closed_door, inside):
        with pytest.raises(ClientError, match=r"InvalidClientTokenId|ServiceNotServed"):
            run_code(target, service)


# --- a page, or another user: the cloud -------------------------------------------------------------------------------


def test_a_page_is_told_that_it_may_ask(open_door: Target, closed_door: Target) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert open_door.send("OPTIONS", "/", headers=headers)[1]["Access-Control-Allow-Origin"] == "*"
    status, told, _ = closed_door.send("OPTIONS", "/", headers=headers)
    assert (status, told.get("Access-Control-Allow-Origin")) == (403, None)


WAYS: dict[str, Callable[[Target], Any]] = {
    "it is reset": lambda target: target.send("POST", "/_ministack/reset"),
    "it is reset at a balancer's name": lambda target: target.send(
        "POST", "/_ministack/reset", headers={"Host": f"a.alb.localhost:{target.port}"}
    ),
    "a bucket is deleted without a key": lambda target: target.send("DELETE", "/precious"),
    "a bucket is deleted at a balancer's name": lambda target: target.send(
        "DELETE", "/precious", headers={"Host": f"a.alb.localhost:{target.port}"}
    ),
    "a bucket is deleted by its own name": lambda target: target.send(
        "DELETE", "/", headers={"Host": f"precious.s3.localhost:{target.port}"}
    ),
    "a bucket is deleted with another key": lambda target: target.client("s3").delete_bucket(Bucket="precious"),
    "a bucket is deleted by a presigned URL": lambda target: target.send("DELETE", presigned(target, target.key)),
}


def presigned(target: Target, key: Key) -> str:
    client = dataclasses.replace(target, key=key).client("s3")
    url = client.generate_presigned_url("delete_bucket", {"Bucket": "precious"})
    return str(url.partition(f":{target.port}")[2])


@pytest.mark.parametrize("attack", WAYS.values(), ids=WAYS)
def test_the_cloud_is_spoilt(
    open_door: Target, closed_door: Target, inside: Target, attack: Callable[[Target], Any]
) -> None:
    for target in (open_door, inside):
        with contextlib.suppress(ClientError):
            target.client("s3").create_bucket(
                Bucket="precious", CreateBucketConfiguration={"LocationConstraint": REGION}
            )
    with contextlib.suppress(ClientError):
        attack(closed_door)
    closed_door.send("DELETE", presigned(closed_door, inside.key))
    attack(open_door)
    assert "precious" not in buckets(open_door)
    assert "precious" in buckets(inside)


def buckets(target: Target) -> list[str]:
    return [each["Name"] for each in target.client("s3").list_buckets()["Buckets"]]


def test_a_key_of_an_earlier_start_opens_nothing(guarded: Emulator, tmp_path: Path) -> None:
    with emulator.running(tmp_path) as earlier:
        assert "clusterArns" in earlier.client("ecs").list_clusters()
    target = Target(guarded.port, earlier.key, tmp_path)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        target.client("ecs").list_clusters()


def test_images_are_read_without_a_password(open_door: Target, closed_door: Target) -> None:
    assert open_door.send("GET", "/v2/_catalog")[0] == 200
    assert closed_door.send("GET", "/v2/_catalog")[0] == 401


# --- somebody who has the key: out of the container -------------------------------------------------------------------


@pytest.fixture(scope="module")
def image() -> str:
    return os.environ.get("TEST_BASE_IMAGE") or base_image.ensure("ubuntu:24.04")


def run_task(target: Target, image: str, **definition: Any) -> str:
    """Its family, which is its cluster's name, too."""
    ecs, family = target.client("ecs"), f"t{uuid.uuid4().hex[:8]}"
    command = ["sh", "-c", "touch /host/written; sleep 60"]
    container = {"name": "a", "image": image, "command": command, **definition.pop("container", {})}
    ecs.register_task_definition(family=family, containerDefinitions=[container], **definition)
    ecs.create_cluster(clusterName=family)
    ecs.run_task(cluster=family, taskDefinition=family)
    return family


def runs_with(target: Target, family: str, fits: Callable[[dict[str, Any]], bool]) -> bool:
    """Whether a container of the task that fits is started in a while, or Docker itself may not give that much."""
    client, ecs = docker.from_env(), target.client("ecs")

    def found() -> bool:
        label = f"com.amazonaws.ecs.task-definition-family={family}"
        (task,) = ecs.describe_tasks(cluster=family, tasks=_tasks(ecs, family))["tasks"]
        return "operation not permitted" in task.get("stoppedReason", "") or any(
            fits(each.attrs["HostConfig"]) for each in client.containers.list(filters={"label": label})
        )

    return _comes_true(found)


def _tasks(ecs: Any, cluster: str) -> list[str]:
    return [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster=cluster, desiredStatus=status)["taskArns"]
    ]


OUT: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = {
    "privileged": ({"container": {"privileged": True}}, lambda host: bool(host["Privileged"])),
    "capabilities": (
        {"container": {"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}},
        lambda host: bool(host["CapAdd"]),
    ),
    "network": ({"networkMode": "host"}, lambda host: host["NetworkMode"] == "host"),
    "processes": ({"pidMode": "host"}, lambda host: host["PidMode"] == "host"),
}


@pytest.mark.parametrize(("definition", "fits"), OUT.values(), ids=OUT)
def test_a_task_has_more_than_a_container(
    open_door: Target, inside: Target, image: str, definition: dict[str, Any], fits: Callable[[dict[str, Any]], bool]
) -> None:
    family = run_task(open_door, image, **json.loads(json.dumps(definition)))
    assert runs_with(open_door, family, fits)
    with pytest.raises(ClientError, match="no task may leave its container"):
        run_task(inside, image, **json.loads(json.dumps(definition)))


def test_a_task_writes_to_this_machine(open_door: Target, inside: Target, image: str) -> None:
    for source in (str(open_door.folder), "/var/run/docker.sock"):
        mounted: dict[str, Any] = {
            "volumes": [{"name": "host", "host": {"sourcePath": source}}],
            "container": {"mountPoints": [{"sourceVolume": "host", "containerPath": "/host"}]},
        }
        with pytest.raises(ClientError, match="no task may leave its container"):
            run_task(inside, image, **json.loads(json.dumps(mounted)))
        assert not inside.proof.exists()
    mounted["volumes"][0]["host"]["sourcePath"] = str(open_door.folder)
    run_task(open_door, image, **mounted)
    assert open_door.written()


def test_overrides_of_a_task_give_it_nothing(inside: Target, image: str) -> None:
    ecs = inside.client("ecs")
    ecs.register_task_definition(family="plain", containerDefinitions=[{"name": "a", "image": image}])
    model = ecs.meta.service_model.operation_model("RunTask").input_shape
    assert set(model.members["overrides"].members["containerOverrides"].member.members) == {
        "name", "command", "environment", "environmentFiles", "cpu", "memory", "memoryReservation",
        "resourceRequirements",
    }, "what AWS lets a caller override is no way out of a container; everything else is refused"  # fmt: skip


def test_a_task_is_published_on_loopback_only(inside: Target, image: str) -> None:
    port = free_port()
    mapping = [{"containerPort": 8080, "hostPort": port}]
    family = run_task(inside, image, networkMode="bridge", container={"portMappings": mapping})

    def on_loopback(host: dict[str, Any]) -> bool:
        return bool(host["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]})

    assert runs_with(inside, family, on_loopback)
