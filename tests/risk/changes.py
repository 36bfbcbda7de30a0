"""The changes whose previews are recorded: what a team does to this program, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tests.local.checkout import LAUNCH_TYPE_MISMATCH

Edit: TypeAlias = tuple[str, str, str]
"""File, what it holds, what it shall hold instead."""


@dataclass(frozen=True)
class Change:
    name: str
    edits: tuple[Edit, ...]

    @property
    def file(self) -> str:
        return f"{self.name.replace(' ', '-')}.jsonl"


def _configured(path: str, value: object) -> Edit:
    group, key = path.split(".")
    above = f"  h4b-helloworld:{group}:\n"
    if group in ("alarms", "loadBalancer", "network", "task"):  # what Pulumi.local.yaml has
        return "Pulumi.local.yaml", above, f"{above}    {key}: {value}\n"
    return "Pulumi.local.yaml", "config:\n", f"config:\n{above}    {key}: {value}\n"


def _without(file: str, text: str) -> Edit:
    return file, text, ""


def _change(name: str, *edits: Edit) -> Change:
    return Change(name, edits)


CHANGES = {
    change.name: change
    for change in (
        _change("first deployment"),
        _change("nothing"),
        _change("new page", ("app_image/html/index.html", "Hello World!", "Hello again!")),
        _change(
            "migration",
            ("app_image/html/index.html", "Hello World!", "Hello again!"),
            _configured("migration.command", "[php, artisan, migrate, --force]"),
        ),
        _change("bigger tasks", _configured("task.cpuUnits", 512), _configured("task.memoryMib", 1024)),
        _change("fewer tasks", _configured("service.desiredCount", 1)),
        _change("forced", _configured("service.forceNewDeployment", "new secrets")),
        _change("other health check", _configured("targetGroup.healthCheckPath", "/healthy")),
        _change("shorter draining", _configured("targetGroup.deregistrationDelaySeconds", 0)),
        _change("other container port", _configured("container.port", 8080)),
        _change("other listener port", ("components/load_balancer.py", "HTTP_PORT = 80\n", "HTTP_PORT = 8080\n")),
        _change("fewer clients", ("Pulumi.local.yaml", "127.0.0.1/32", "127.0.0.2/32")),
        _change("other network", _configured("network.vpcCidr", "10.1.0.0/16")),
        _change("nat gateway", ("Pulumi.local.yaml", "natGateways: single", "natGateways: one-per-zone")),
        _change("other repository", _configured("image.repositoryName", "ecr-h4b-other")),
        _change("fewer images", ("components/image.py", "KeepImages = 100", "KeepImages = 40")),
        _change("longer log", ("Pulumi.local.yaml", "logRetentionDays: 1", "logRetentionDays: 30")),
        _change(
            "container insights", ("Pulumi.local.yaml", "containerInsights: disabled", "containerInsights: enabled")
        ),
        _change("protection", ("Pulumi.local.yaml", "deletionProtection: false", "deletionProtection: true")),
        _change("other processor", _configured("task.cpuArchitecture", "ARM64")),
        _change("other names", ("__main__.py", "name = settings.name", "name = settings.name + 's'")),
        _change("wrong launch type", ("__main__.py", *LAUNCH_TYPE_MISMATCH)),
        _change(
            "slow rollout",
            ("components/service.py", "deployment_maximum_percent=200", "deployment_maximum_percent=100"),
        ),
        _change(
            "stop before start",
            ("components/service.py", "deployment_minimum_healthy_percent=100", "deployment_minimum_healthy_percent=0"),
        ),
    )
}
"""By name."""
