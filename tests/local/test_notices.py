"""The notices of deployments on the emulator: from ECS's event over EventBridge and SNS to who subscribed.

The emulator fills in no path with an array index, which AWS does: the service is left out of two messages.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from tests.components.test_deployment_notices import BREAKER, PAUSED, RULE, SERVICE, TARGET, build, deployment_event
from tests.local.checkout import free_port
from tests.local.emulator import REGION, START_SECONDS, answers

SOURCE = "test.ecs"
"""Nobody but AWS may send events with a source that begins with aws."""

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Clients of an emulator that has these three services alone, none of which runs code."""
    port, folder = free_port(), tmp_path_factory.mktemp("notices")
    environment = os.environ | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "SERVICES": "events,sns,sqs",
        "TMPDIR": str(folder),
    }
    with subprocess.Popen([sys.executable, "-m", "ministack"], env=environment, cwd=folder) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not answers(port):
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.1)
            session: Any = boto3.Session("test", "test", region_name=REGION)
            yield lambda service: session.client(service, endpoint_url=f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def inbox(client: Callable[[str], Any]) -> Callable[[], str]:
    """The rules as the component makes them, on a topic with a queue; gives the next message."""
    sns, sqs, events = client("sns"), client("sqs"), client("events")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    for resource in build().resources:
        if resource.type == RULE:
            pattern = json.loads(resource.inputs["eventPattern"]) | {"source": [SOURCE]}
            events.put_rule(Name=resource.name, EventPattern=json.dumps(pattern))
    for resource in build().resources:
        if resource.type == TARGET:
            transformer = resource.inputs["inputTransformer"]
            target = {
                "Id": "topic",
                "Arn": topic,
                "InputTransformer": {
                    "InputPathsMap": transformer["inputPaths"],
                    "InputTemplate": transformer["inputTemplate"],
                },
            }
            events.put_targets(Rule=resource.name, Targets=[target])

    def receive() -> str:
        (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return str(json.loads(message["Body"])["Message"])

    return receive


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (PAUSED, f"{SERVICE} waits for approval at POST_TEST_TRAFFIC_SHIFT until 2026-03-05T16:04:41Z."),
        (
            deployment_event("SERVICE_DEPLOYMENT_FAILED", "ECS deployment circuit breaker: task failed to start."),
            " failed: ECS deployment circuit breaker: task failed to start.",
        ),
        (deployment_event("SERVICE_DEPLOYMENT_IN_PROGRESS", BREAKER), f" is rolled back: {BREAKER}"),
    ],
    ids=["paused", "failed", "rolled back"],
)
def test_what_happens_to_a_deployment_reaches_who_subscribed(
    client: Callable[[str], Any], inbox: Callable[[], str], event: dict[str, Any], said: str
) -> None:
    quiet = deployment_event("SERVICE_DEPLOYMENT_COMPLETED", "ECS deployment ecs-svc/123 completed.")
    entries = [
        {
            "Source": SOURCE,
            "DetailType": each["detail-type"],
            "Detail": json.dumps(each["detail"]),
            "Resources": each["resources"],
        }
        for each in (quiet, event)
    ]
    assert client("events").put_events(Entries=entries)["FailedEntryCount"] == 0
    assert said in inbox()
