"""What `make up` and its companions promise: real engine, emulator, real containers; in order, on one stack."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import docker
import pytest

from tests.local.checkout import LAUNCH_TYPE_MISMATCH, Checkout, Result

pytestmark = [pytest.mark.engine, pytest.mark.docker]


def containers(checkout: Checkout, **which: Any) -> list[Any]:
    return docker.from_env().containers.list(filters={"label": checkout.label}, **which)


def task_containers(checkout: Checkout) -> list[Any]:
    return [one for one in containers(checkout) if "-awslogs-" not in str(one.name)]


def images(checkout: Checkout) -> set[str]:
    repository = f"localhost:{checkout.port}/ecr-h4b-helloworld"
    return {str(image.id) for image in docker.from_env().images.list(name=repository)}


def only_service(checkout: Checkout) -> tuple[str, dict[str, Any]]:
    ecs = checkout.client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    (name,) = ecs.list_services(cluster=cluster)["serviceArns"]
    return cluster, ecs.describe_services(cluster=cluster, services=[name])["services"][0]


def revision(checkout: Checkout) -> int:
    return int(only_service(checkout)[1]["taskDefinition"].rpartition(":")[2])


def curl(url: str) -> str:
    answered = subprocess.run(["curl", "--silent", "--fail", url], capture_output=True, text=True, check=True)
    return answered.stdout


@pytest.fixture(scope="module")
def first(checkout: Checkout) -> Result:
    return checkout.local("up").succeeded()


def test_up_ends_with_the_answer_of_the_load_balancer(checkout: Checkout, first: Result) -> None:
    assert "Hello World!" in first.output
    (url,) = re.findall(r"http://\S+\.alb\.localhost:\d+/", first.output)
    assert curl(url) == "Hello World!\n"


def test_the_answer_comes_from_two_containers(checkout: Checkout, first: Result) -> None:
    running = task_containers(checkout)
    assert len(running) == 2
    for container in running:
        address = container.attrs["NetworkSettings"]["IPAddress"]
        assert curl(f"http://{address}/") == "Hello World!\n"


def test_everything_listens_on_loopback_only(checkout: Checkout, first: Result) -> None:
    listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
    addresses = {line.split()[3] for line in listening.splitlines() if line.split()[3].endswith(f":{checkout.port}")}
    assert addresses == {f"127.0.0.1:{checkout.port}"}


def test_the_image_is_in_the_emulated_registry_and_the_task_names_its_digest(checkout: Checkout, first: Result) -> None:
    arn = only_service(checkout)[1]["taskDefinition"]
    described = checkout.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    image = described["containerDefinitions"][0]["image"]
    (pushed,) = checkout.client("ecr").describe_images(repositoryName="ecr-h4b-helloworld")["imageDetails"]
    assert image == f"localhost:{checkout.port}/ecr-h4b-helloworld@{pushed['imageDigest']}"
    assert re.fullmatch(r"0\.0\.1-[0-9a-f]{12}", pushed["imageTags"][0])


def test_a_second_up_changes_nothing_and_a_third_at_the_same_time_is_told_to_wait(
    checkout: Checkout, first: Result
) -> None:
    built = images(checkout)
    with checkout.start("up") as running:
        wait_until(lambda: lock_holder(checkout, running.pid))
        refused = checkout.local("up").failed()
        printed, _ = running.communicate(timeout=120)
    assert f"(process {running.pid})" in refused.output
    second = Result(running.returncode, printed).succeeded().output
    assert "nothing changed" in second
    assert "0 changes" in second
    assert "Hello World!" in second
    assert images(checkout) == built  # nothing is built, nothing is pushed
    assert len(built) == 1


def test_tasks_are_pulled_from_the_registry_with_its_password(checkout: Checkout, first: Result) -> None:
    log = (checkout.path / ".local" / "emulator.log").read_text()
    assert "started container" in log
    assert "image pull failed" not in log


def test_the_key_is_in_no_state_plan_or_log(checkout: Checkout, first: Result) -> None:
    key, local = checkout.emulator.key, checkout.path / ".local"
    files = {file: file.read_text(errors="replace") for file in local.rglob("*") if file.is_file()}
    login = base64.b64encode(f"AWS:{key.registry_password}".encode()).decode()
    for secret in (key.secret_access_key, key.registry_password, login):
        assert {file.name for file, text in files.items() if secret in text} <= {"emulator.json"}
        assert secret not in first.output
    assert (local / "emulator.json").stat().st_mode & 0o777 == 0o600


def test_nothing_beside_the_state_can_be_left_half_written(checkout: Checkout, first: Result) -> None:
    assert not list((checkout.path / ".local" / "state").rglob("*.attrs"))


def test_status_names_tasks_health_image_and_address(checkout: Checkout, first: Result) -> None:
    shown = checkout.local("status").succeeded().output
    assert f".alb.localhost:{checkout.port}/" in shown
    assert "ecr-h4b-helloworld@sha256:" in shown
    assert len(re.findall(r"RUNNING .* healthy", shown)) == 2
    assert "2 running, 0 pending, 2 desired" in shown


def test_status_is_json_for_scripts(checkout: Checkout, first: Result) -> None:
    told = json.loads(checkout.local("status", "--json").succeeded().output)
    assert told["service"] == {"name": told["service"]["name"], "running": 2, "pending": 0, "desired": 2}
    assert [(task["status"], task["target"]) for task in told["tasks"]] == [("RUNNING", "healthy")] * 2


def test_logs_show_the_requests(checkout: Checkout, first: Result) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        shown = checkout.local("logs").succeeded().output
        if '"GET / HTTP/1.1" 200' in shown:
            return
        time.sleep(0.5)
    pytest.fail(f"no request in the log:\n{shown}")


def test_shell_runs_a_command_in_a_task(checkout: Checkout, first: Result) -> None:
    shown = checkout.local("shell", "cat", "/var/www/html/index.html").succeeded()
    assert shown.output == "Hello World!\n"


def test_an_edited_page_is_live_with_the_next_revision_and_nothing_else_changes(
    checkout: Checkout, first: Result
) -> None:
    earlier = revision(checkout)
    checkout.replace("app_image/html/index.html", "Hello World!", "Hello again!")
    shown = checkout.local("up").succeeded().output
    assert "Hello again!" in shown
    assert revision(checkout) == earlier + 1
    changed = set(re.findall(r"^  [+~±-] (\S+)", shown, re.MULTILINE))
    assert changed == {"docker:index/image:Image", "aws:ecs/taskDefinition:TaskDefinition", "aws:ecs/service:Service"}


def test_ctrl_c_ends_the_wait_for_a_deployment_with_what_goes_on_and_the_next_up_waits_again(
    checkout: Checkout, first: Result
) -> None:
    earlier = revision(checkout)
    checkout.replace("app_image/html/index.html", "Hello again!", "Hello once more!")
    with checkout.start("up") as running:
        wait_until(lambda: revision(checkout) > earlier or running.poll() is not None, seconds=120)
        os.killpg(running.pid, signal.SIGINT)
        printed, _ = running.communicate(timeout=120)
    shown = Result(running.returncode, printed).failed().output
    assert f"interrupted, but ECS goes on: h4b-helloworld-local:{earlier + 1}: " in shown
    assert "Hello once more!" in checkout.local("up").succeeded().output


def test_a_launch_type_that_the_task_definition_lacks_is_refused_before_anything_changes(
    checkout: Checkout, first: Result
) -> None:
    state = (checkout.path / ".local/state/.pulumi/stacks/h4b-helloworld/local.json").read_text()
    checkout.replace("__main__.py", *LAUNCH_TYPE_MISMATCH)
    try:
        refused = checkout.local("up").failed()
    finally:
        checkout.replace("__main__.py", *reversed(LAUNCH_TYPE_MISMATCH))
    assert "service-launch-type-in-td" in refused.output
    assert "EC2" in refused.output
    assert "FARGATE" in refused.output
    after = json.loads((checkout.path / ".local/state/.pulumi/stacks/h4b-helloworld/local.json").read_text())
    resources = after["checkpoint"]["latest"]["resources"]
    assert [r["urn"] for r in resources] == [r["urn"] for r in json.loads(state)["checkpoint"]["latest"]["resources"]]
    assert only_service(checkout)[1].get("launchType") == "FARGATE"


def test_wrong_settings_are_listed_all_at_once_and_change_nothing(checkout: Checkout, first: Result) -> None:
    edits = (
        ("natGateways: single", "natGateways: two"),
        ("  h4b-helloworld:dashboard: false", "  h4b-helloworld:service: { desiredCount: -1 }"),
    )
    for right, wrong in edits:
        checkout.replace("Pulumi.local.yaml", right, wrong)
    try:
        refused = checkout.local("up").failed()
    finally:
        for right, wrong in edits:
            checkout.replace("Pulumi.local.yaml", wrong, right)
    assert "network.natGateways: got 'two'" in refused.output
    assert "service.desiredCount: got -1" in refused.output
    assert only_service(checkout)[1]["desiredCount"] == 2


def test_drift_is_found_and_repaired_by_refresh(checkout: Checkout, first: Result) -> None:
    cluster, service = only_service(checkout)
    checkout.client("ecs").update_service(cluster=cluster, service=service["serviceName"], desiredCount=1)
    checkout.client("ecs").untag_resource(resourceArn=service["serviceArn"], tagKeys=["managed-by"])
    repaired = checkout.local("up", "--refresh").succeeded()
    assert "desiredCount" in repaired.output
    _, service = only_service(checkout)
    assert service["desiredCount"] == 2
    tags = checkout.client("ecs").list_tags_for_resource(resourceArn=service["serviceArn"])["tags"]
    assert {"key": "managed-by", "value": "pulumi"} in tags


def lock_holder(checkout: Checkout, pid: int) -> bool:
    lock = checkout.path / ".local" / "lock"
    return bool(lock.exists() and lock.read_text().strip() == str(pid))


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def port_answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1).close()
        return True
    return False


def test_down_leaves_nothing(checkout: Checkout, first: Result) -> None:
    checkout.local("down").succeeded()
    assert containers(checkout, all=True) == []
    assert images(checkout) == set()
    assert not port_answers(checkout.port)
    processes = subprocess.run(["pgrep", "-f", str(checkout.path)], capture_output=True, text=True).stdout
    assert processes == ""
    assert checkout.local("status").failed().output == "error: the local stack is not running; run `make up`\n"


def test_a_taken_port_is_named_with_the_remedy(checkout: Checkout) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", checkout.port))
        taken.listen()
        refused = checkout.local("up").failed()
    assert f"port {checkout.port}: taken by another program" in refused.output
    assert "LOCAL_PORT" in refused.output
