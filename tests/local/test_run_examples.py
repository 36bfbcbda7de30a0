"""Every example, run on the emulator. Their public images are stood in for by one that tells who answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from local import base_image
from local.emulator import Emulator
from tests.local.checkout import ROOT, free_port
from tests.local.run_examples import REGION

pytestmark = [pytest.mark.engine, pytest.mark.docker]

EXAMPLES = sorted(file.parent.name for file in (ROOT / "examples").glob("*/__main__.py"))
TAG = "h4b-test"
IMAGES = ("public.ecr.aws/nginx/nginx-unprivileged", "public.ecr.aws/docker/library/busybox")
SERVER = r"""
use IO::Socket::INET;
$SIG{TERM} = sub { exit 0 };
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 50, ReuseAddr => 1) or die $!;
while (my $client = $server->accept) {
    while (my $line = <$client>) { last if $line =~ /^\r?\n/ }
    print $client "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n$ENV{HOSTNAME}";
    close $client;
}
"""


@dataclass(frozen=True)
class Cloud:
    """An emulator with what runs on it."""

    folder: Path
    port: int

    def run(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.local.run_examples", str(self.folder), *words]
        environment = os.environ | {"LOCAL_PORT": str(self.port), "TERM": "dumb"}
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def client(self, service: str) -> Any:
        started = Emulator.read(self.folder / "emulator.json")
        assert started
        return started.client(service)

    def answer(self, url: str, path: str = "/") -> str:
        """The family of the task that answers."""
        elb = self.client("elbv2")
        (name,) = [
            found["LoadBalancerName"]
            for found in elb.describe_load_balancers()["LoadBalancers"]
            if found["DNSName"] == url.removeprefix("http://")
        ]
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Host": f"{name}.alb.localhost:{self.port}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answered:
            container = docker.from_env().containers.get(answered.read().decode())
        return str(container.labels["com.amazonaws.ecs.task-definition-family"])


def finished(process: subprocess.Popen[str]) -> str:
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    return printed


def answered(process: subprocess.Popen[str]) -> dict[str, Any]:
    return dict(json.loads(finished(process).splitlines()[-1]))


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    client, folder = docker.from_env(), tmp_path_factory.mktemp("image")
    base = os.environ.get("TEST_BASE_IMAGE") or base_image.ensure("ubuntu:24.04")
    (folder / "server.pl").write_text(SERVER)
    (folder / "Dockerfile").write_text(f'FROM {base}\nCOPY server.pl /\nCMD ["perl", "/server.pl"]\n')
    for name in IMAGES:
        client.images.build(path=str(folder), tag=f"{name}:{TAG}", rm=True)
    yield
    for name in IMAGES:
        client.images.remove(f"{name}:{TAG}", force=True)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, stand_ins: None) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "examples", folder / "examples")
    started = Cloud(folder, free_port())
    try:
        finished(started.run("start"))
        yield started
    finally:
        finished(started.run("stop"))


@pytest.fixture(scope="module")
def outputs(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """What the examples give, all of them up."""
    ec2, examples = cloud.client("ec2"), cloud.folder / "examples"
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    public_1, public_2, private_1, private_2 = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{index}.0/24", AvailabilityZone=REGION + "ac"[index % 2])
        for index in range(4)
    )
    given: dict[str, Any] = {
        "vpcId": vpc,
        "publicSubnetIds": [each["Subnet"]["SubnetId"] for each in (public_1, public_2)],
        "privateSubnetIds": [each["Subnet"]["SubnetId"] for each in (private_1, private_2)],
    }
    secret = cloud.client("secretsmanager").create_secret(Name="db", SecretString='{"password": "hunter2"}')["ARN"]
    configure(examples / "existing_vpc", {f"example-existing-vpc:{key}": value for key, value in given.items()})
    configure(examples / "internal_service", {"example-internal-service:secretArn": secret})
    for program in examples.glob("*/__main__.py"):
        # Tasks run on this machine's processor, which ARM64 is not everywhere.
        here = program.read_text().replace('"ARM64"', '"X86_64"').replace("t4g.", "t3.")
        program.write_text(here.replace(":stable", f":{TAG}"))
    both = [cloud.run("up", *names) for names in (EXAMPLES[::2], EXAMPLES[1::2])]
    came = {name: each for process in both for name, each in answered(process).items()}
    assert {name: each["errors"] for name, each in came.items()} == {name: [] for name in came}
    return {name: each["outputs"] for name, each in came.items()}


def configure(example: Path, config: dict[str, Any]) -> None:
    (example / "Pulumi.dev.yaml").write_text(json.dumps({"config": {"aws:region": REGION, **config}}))


def test_a_path_leads_to_its_service(cloud: Cloud, outputs: dict[str, dict[str, Any]]) -> None:
    url = outputs["two_services"]["url"]
    answering = {path: cloud.answer(url, path) for path in ("/", "/apis", "/api", "/api/orders")}
    site, api = "example-two-services-site", "example-two-services-api"
    assert answering == {"/": site, "/apis": site, "/api": api, "/api/orders": api}


def test_a_service_serves_from_a_vpc_that_is_already_there(cloud: Cloud, outputs: dict[str, dict[str, Any]]) -> None:
    assert cloud.answer(outputs["existing_vpc"]["url"]) == "example-existing-vpc"


def test_the_worker_works_without_load_balancer(cloud: Cloud, outputs: dict[str, dict[str, Any]]) -> None:
    assert len(containers("example-worker")) == 5


def test_tasks_on_instances_serve(cloud: Cloud, outputs: dict[str, dict[str, Any]]) -> None:
    # The emulator starts no instances: their tasks run beside the others.
    assert cloud.answer(outputs["ec2_placement"]["url"]) == "example-ec2-placement"


def test_an_application_gets_its_secret_beside_its_proxy(cloud: Cloud, outputs: dict[str, dict[str, Any]]) -> None:
    # Not asked through the load balancer: here each container has an address of its own, and any may be the task's.
    running = containers("example-internal-service")
    assert sorted(each.labels["com.amazonaws.ecs.container-name"] for each in running) == [
        *("application", "application", "proxy", "proxy")
    ]
    told = [set(each.attrs["Config"]["Env"]) & {"DATABASE_USER=shop", "DATABASE_PASSWORD=hunter2"} for each in running]
    assert sorted(map(len, told)) == [0, 0, 2, 2]


def containers(family: str) -> list[Any]:
    label = f"com.amazonaws.ecs.task-definition-family={family}"
    return list(docker.from_env().containers.list(filters={"label": label}))


def test_traffic_that_ecs_shifted_is_neither_drift_nor_undone(cloud: Cloud, outputs: dict[str, dict[str, Any]]) -> None:
    assert cloud.answer(outputs["blue_green"]["url"]) == "example-blue-green"
    elb = cloud.client("elbv2")
    alternate = _target_group(elb, "web-alternate-")
    (rule,) = [each for each in _rules(elb, outputs["blue_green"]["url"]) if each["Priority"] == "2"]
    # The emulator shifts nothing by itself, and of several target groups in a rule it keeps one.
    elb.modify_rule(RuleArn=rule["RuleArn"], Actions=[{"Type": "forward", "TargetGroupArn": alternate}])
    changes = answered(cloud.run("unchanged", "blue_green"))["blue_green"]
    assert set(changes) == {"same"}
    (rule,) = elb.describe_rules(RuleArns=[rule["RuleArn"]])["Rules"]
    assert rule["Actions"][0]["TargetGroupArn"] == alternate


def _target_group(elb: Any, prefix: str) -> str:
    found = elb.describe_target_groups()["TargetGroups"]
    (arn,) = [each["TargetGroupArn"] for each in found if each["TargetGroupName"].startswith(prefix)]
    return str(arn)


def _rules(elb: Any, url: str) -> list[dict[str, Any]]:
    balancers = elb.describe_load_balancers()["LoadBalancers"]
    (arn,) = [each["LoadBalancerArn"] for each in balancers if each["DNSName"] == url.removeprefix("http://")]
    (listener,) = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    return list(elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"])
