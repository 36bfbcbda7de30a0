"""Each example as a program of its own, with the components alone."""

import re
import runpy
import sys
from collections.abc import Iterator

import pytest
import yaml

from tests.mocks import PROJECT, ROOT, UNKNOWN, Run, run

EXAMPLES = ROOT / "examples"
NAMES = ["blue_green", "ec2_placement", "existing_vpc", "internal_service", "two_services", "worker"]
CONFIG = {
    "vpcId": "vpc-1",
    "publicSubnetIds": '["subnet-1","subnet-2"]',
    "privateSubnetIds": '["subnet-3","subnet-4"]',
    "secretArn": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:db-AbCdEf",
}
SERVICE = "aws:ecs/service:Service"


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def import_path() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before


def example(name: str, *, preview: bool = False) -> Run:
    config = {f"{PROJECT}:{key}": CONFIG[key] for key in declared(name)}
    return run(lambda: runpy.run_path(str(EXAMPLES / name / "__main__.py")), config=config, preview=preview)


def declared(name: str) -> dict[str, object]:
    project = yaml.safe_load((EXAMPLES / name / "Pulumi.yaml").read_text())
    return dict(project.get("config", {}))


def test_there_is_a_test_for_every_example() -> None:
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/__main__.py")) == NAMES
    assert re.findall(r"\]\((\w+)/__main__.py\)", (EXAMPLES / "README.md").read_text()) != []
    assert sorted(re.findall(r"\((\w+)/__main__", (EXAMPLES / "README.md").read_text())) == NAMES


def test_it_runs_and_a_preview_shows_the_same(name: str) -> None:
    made = example(name)
    preview = example(name, preview=True)
    assert any(each.type == SERVICE for each in made.resources)
    assert preview.names == made.names
    assert set(preview.outputs.values()) <= {UNKNOWN}


def test_it_needs_the_components_only(name: str) -> None:
    text = (EXAMPLES / name / "__main__.py").read_text()
    imported = set(re.findall(r"^(?:from|import) ([a-z_]+)", text, re.MULTILINE))
    assert imported <= {"sys", "pathlib", "pulumi", "pulumi_aws", "components"}


def test_two_services_are_told_apart_by_path() -> None:
    rules = [each.inputs for each in example("two_services").resources if each.type.endswith(":ListenerRule")]
    by_rank = sorted(rules, key=lambda rule: float(rule["priority"]))
    assert [rule["conditions"][0]["pathPattern"]["values"] for rule in by_rank] == [["/api", "/api/*"], ["/*"]]


def test_the_worker_has_no_load_balancer() -> None:
    made = example("worker")
    assert not [each for each in made.resources if each.type.startswith("aws:lb/")]
    assert "loadBalancers" not in made.get(SERVICE).inputs


def test_the_internal_service_has_no_public_address() -> None:
    assert example("internal_service").get("aws:lb/loadBalancer:LoadBalancer").inputs["internal"] is True


def test_tasks_on_instances_have_room_to_be_replaced() -> None:
    made = example("ec2_placement")
    service, group = made.get(SERVICE).inputs, made.get("aws:autoscaling/group:Group").inputs
    assert {"type": "distinctInstance"} in service["placementConstraints"]
    assert group["maxSize"] >= 2 * service["desiredCount"]


def test_blue_green_waits_for_agreement() -> None:
    service = example("blue_green").get(SERVICE)
    (hook,) = service.inputs["deploymentConfiguration"]["lifecycleHooks"]
    assert (hook["targetType"], hook["timeoutConfiguration"]["action"]) == ("PAUSE", "ROLLBACK")
