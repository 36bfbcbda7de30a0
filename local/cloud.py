"""What the emulated cloud holds, read through the AWS API: the answers behind `status`, `logs` and `shell`."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.printable import printable
from local import docker_engine, emulator

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ServiceTypeDef, TaskTypeDef

ANSWER_SECONDS = 60
_NOT_YET = (502, 503, 504)
"""What a load balancer answers while no task does; 500 is the application's own."""

TASK_LABEL_PREFIX = "ministack-ecs-"


def load_balancer_host(dns_name: str) -> str:
    """Where the emulator answers for a load balancer; `*.localhost` is loopback for curl and browsers."""
    running = emulator.needed()
    for found in running.client("elbv2").describe_load_balancers()["LoadBalancers"]:
        if found["DNSName"] == dns_name:
            return f"{found['LoadBalancerName']}.alb.localhost:{running.port}"
    raise LookupError(f"no load balancer answers to {dns_name}")


def get(host: str, path: str = "/", timeout_seconds: float = 5.0) -> tuple[int, str]:
    """Status and body of one request through the load balancer."""
    port = int(host.rpartition(":")[2])
    connection = http.client.HTTPConnection(emulator.HOST, port, timeout=timeout_seconds)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def wait_for_answer(host: str, path: str = "/") -> tuple[int, str]:
    """The application's first answer, or the last one given within ANSWER_SECONDS; status 0 where there was none."""
    deadline = time.monotonic() + ANSWER_SECONDS
    last = (0, "no answer")
    while time.monotonic() < deadline:
        try:
            last = get(host, path)
            if last[0] not in _NOT_YET:
                break
        except OSError as failure:
            last = (0, str(failure))
        time.sleep(0.2)
    return last


@dataclass(frozen=True)
class Service:
    """A service with its tasks, as ECS describes them."""

    described: ServiceTypeDef
    tasks: list[TaskTypeDef]
    targets: dict[str, str]
    """Health by address."""


def service(cluster: str, name: str) -> Service:
    client = emulator.needed().client
    ecs = client("ecs")
    described = ecs.describe_services(cluster=cluster, services=[name])["services"][0]
    tasks: list[TaskTypeDef] = []
    for status in ("RUNNING", "STOPPED"):
        arns = ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus=status)["taskArns"]
        tasks += ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    elbv2 = client("elbv2")
    targets = {
        health["Target"]["Id"]: health["TargetHealth"]["State"]
        for link in described["loadBalancers"]
        for health in elbv2.describe_target_health(TargetGroupArn=link["targetGroupArn"])["TargetHealthDescriptions"]
    }
    return Service(described, tasks, targets)


def address(task: TaskTypeDef) -> str:
    details = (detail for attachment in task.get("attachments", []) for detail in attachment.get("details", []))
    return next((detail["value"] for detail in details if detail.get("name") == "privateIPv4Address"), "")


def container_of(task: TaskTypeDef) -> str:
    """The Docker container that runs the first container of a task."""
    prefix = f"{TASK_LABEL_PREFIX}{task['taskArn'].rpartition('/')[2][:8]}-"
    client = docker_engine.running()
    for found in client.containers.list() if client else ():
        if str(found.name).startswith(prefix):
            return str(found.name)
    return ""


def log_lines(group: str, *, follow: bool) -> Iterator[str]:
    """`stream  message` in order of time; with `follow` it waits for more, for ever."""
    logs = emulator.needed().client("logs")
    seen: set[str] = set()
    while True:
        fresh = [
            event
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
            if event["eventId"] not in seen
        ]
        for event in sorted(fresh, key=lambda event: event["timestamp"]):
            seen.add(event["eventId"])
            yield f"{event['logStreamName'].rpartition('/')[2][:8]}  {printable(event['message'])}"
        if not follow:
            return
        time.sleep(1)
