"""Where this pack and cfn-lint judge the same stack differently, and which AWS page decides.

cfn-lint reads CloudFormation templates; nobody of this project wrote it, which makes it the oracle of these rules.
`test_cfn_lint.py` generates stacks and fails on a difference that is not in `DIFFERENCES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.policy.example import resource, service, target_group, task_definition
from tests.policy.stacks import Resources

ASPECTS: Mapping[str, tuple[str, ...]] = {
    "essential container": ("TD-18", "E3042"),
    "scheduling strategy": ("PL-13", "E3044"),
    "awslogs options": ("TD-29", "E3046"),
    "task size": ("TD-01", "E3047", "E3048"),
    "network mode": ("TD-03", "E3048"),
    "log driver": ("TD-28", "E3048", "E3713"),
    "placement constraints": ("PL-02", "E3048"),
    "health check of a dynamic port": ("SV-09", "E3049"),
    "network configuration": ("SV-01", "E3052"),
    "host port": ("TD-06", "E3053"),
    "launch type": ("LT-01", "E3054"),
}
"""What both judge: our rule, and cfn-lint's."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A service, its task definition and its target group, in Pulumi's words. Containers are plain data."""

    task: Mapping[str, Any]
    service: Mapping[str, Any]
    group: Mapping[str, Any]

    def resources(self) -> Resources:
        """The case as a stack of ours."""
        written = {"taskDefinition": "${task.arn}", **self.service}
        if written.pop("behindLoadBalancer", True):
            written["loadBalancers"] = [{"targetGroupArn": "${group.arn}", "containerName": "app", "containerPort": 80}]
        return {
            "group": target_group(**self.group),
            "task": task_definition(**self.task),
            "web": service(cluster="other", **written),
            "listener": resource(
                "aws:lb/listener:Listener", defaultActions=[{"type": "forward", "targetGroupArn": "${group.arn}"}]
            ),
        }

    def template(self) -> dict[str, Any]:
        """The case as a CloudFormation template."""
        written = dict(self.service)
        if written.pop("behindLoadBalancer", True):
            written["loadBalancers"] = [
                {"targetGroupArn": {"Ref": "Group"}, "containerName": "app", "containerPort": 80}
            ]
        if "networkConfiguration" in written:
            written["networkConfiguration"] = {"awsvpcConfiguration": written["networkConfiguration"]}
        if "capacityProviderStrategies" in written:
            written["capacityProviderStrategy"] = written.pop("capacityProviderStrategies")
        group = {key: value for key, value in self.group.items() if key != "healthCheck"}
        if "port" in self.group.get("healthCheck", {}):
            group["healthCheckPort"] = self.group["healthCheck"]["port"]
        properties = {
            "Task": ("AWS::ECS::TaskDefinition", self.task),
            "Web": ("AWS::ECS::Service", {**written, "taskDefinition": {"Ref": "Task"}}),
            "Group": ("AWS::ElasticLoadBalancingV2::TargetGroup", group),
        }
        return {
            "Resources": {
                name: {"Type": kind, "Properties": _pascal(each)} for name, (kind, each) in properties.items()
            }
        }


def _pascal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key[0].upper() + key[1:]: each if key == "options" else _pascal(each) for key, each in value.items()}
    return [_pascal(each) for each in value] if isinstance(value, list) else value


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A kind of stack of which one side says more."""

    aspect: str
    stricter: str
    """`ours` or `cfn-lint`."""
    when: Callable[[Case], bool]
    what: str
    reason: str
    source: str
    """The AWS page that decides."""
    example: Case


def container(**fields: Any) -> dict[str, Any]:
    """A container that neither side has anything to say about."""
    return {"name": "app", "image": "httpd:2.4", "memory": 128, "portMappings": [{"containerPort": 80}], **fields}


def case(
    *containers: Mapping[str, Any],
    task: Mapping[str, Any] | None = None,
    service: Mapping[str, Any] | None = None,
    group: Mapping[str, Any] | None = None,
) -> Case:
    """A good Fargate case with these differences; None removes a property."""
    good_task = {
        "family": "app",
        "cpu": "256",
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": list(containers) or [container()],
    }
    good_service = {"launchType": "FARGATE", "networkConfiguration": {"subnets": ["subnet-1"]}}
    good_group = {"targetType": "ip", "healthCheck": {"port": "traffic-port"}}
    return Case(
        task=_without_none({**good_task, **(task or {})}),
        service=_without_none({**good_service, **(service or {})}),
        group=_without_none({**good_group, **(group or {})}),
    )


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _fargate(each: Case) -> bool:
    return "FARGATE" in each.task.get("requiresCompatibilities", ())


def _awsvpc(each: Case) -> bool:
    return each.task.get("networkMode") == "awsvpc"


def _translated(each: Case) -> bool:
    return each.task.get("networkMode", "bridge") == "bridge" and not _fargate(each)


def _windows(each: Case) -> bool:
    return str(each.task.get("runtimePlatform", {}).get("operatingSystemFamily", "")).startswith("WINDOWS")


_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"
_AWSLOGS = {"awslogs-group": "/ecs/app", "awslogs-region": "us-east-1"}

DIFFERENCES = (
    Difference(
        aspect="awslogs options",
        stricter="ours",
        when=_fargate,
        what="awslogs on Fargate without awslogs-stream-prefix",
        reason="Fargate requires the prefix; cfn-lint knows group and region only.",
        source=f"{_API}API_LogConfiguration.html",
        example=case(container(logConfiguration={"logDriver": "awslogs", "options": _AWSLOGS})),
    ),
    Difference(
        aspect="host port",
        stricter="ours",
        when=lambda each: not _awsvpc(each) and (_fargate(each) or each.task.get("networkMode") == "host"),
        what="another host port in the network mode host, or on Fargate without networkMode",
        reason="The page asks the same of host as of awsvpc, and Fargate has no other mode than awsvpc.",
        source=f"{_API}API_PortMapping.html",
        example=case(
            container(portMappings=[{"containerPort": 80, "hostPort": 8080}]),
            task={"networkMode": "host", "requiresCompatibilities": ["EC2"]},
            service={"launchType": "EC2", "networkConfiguration": None},
        ),
    ),
    Difference(
        aspect="launch type",
        stricter="ours",
        when=lambda each: each.service.get("launchType") != "FARGATE",
        what="a service on EC2 or EXTERNAL whose task definition does not declare it",
        reason="A service can run on the compatibilities of its task definition only; cfn-lint looks at FARGATE alone.",
        source=f"{_API}API_TaskDefinition.html",
        example=case(service={"launchType": "EC2"}),
    ),
    Difference(
        aspect="launch type",
        stricter="ours",
        when=lambda each: each.service.get("launchType") == "FARGATE" and _awsvpc(each),
        what="a FARGATE service whose awsvpc task definition does not declare FARGATE",
        reason="AWS may find such a task definition compatible by itself. We ask for it to be stated, and say so.",
        source=f"{_API}API_TaskDefinition.html",
        example=case(task={"requiresCompatibilities": ["EC2"]}),
    ),
    Difference(
        aspect="network configuration",
        stricter="ours",
        when=lambda each: "networkConfiguration" in each.service and not _awsvpc(each),
        what="a network configuration in a network mode other than awsvpc",
        reason="The parameter is not supported for the other network modes; cfn-lint checks that it is there, not that "
        "it is not.",
        source=f"{_API}API_CreateService.html",
        example=case(task={"networkMode": "bridge", "requiresCompatibilities": ["EC2"]}, service={"launchType": "EC2"}),
    ),
    Difference(
        aspect="network configuration",
        stricter="ours",
        when=lambda each: "networkConfiguration" not in each.service and _fargate(each) and not _awsvpc(each),
        what="no network configuration on Fargate, with a network mode that Fargate does not have",
        reason="A Fargate task uses awsvpc. The wrong networkMode is reported by itself, by both.",
        source=f"{_API}API_CreateService.html",
        example=case(task={"networkMode": None}, service={"networkConfiguration": None}),
    ),
    Difference(
        aspect="task size",
        stricter="ours",
        when=lambda each: _windows(each) and _fargate(each),
        what="a size that Fargate has for Linux only, with a Windows operating system family",
        reason="The table of sizes has a column of operating systems: Windows has 1, 2 and 4 vCPU.",
        source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html",
        example=case(task={"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}),
    ),
    Difference(
        aspect="task size",
        stricter="cfn-lint",
        when=lambda each: str(each.task.get("cpu")).startswith("0."),
        what="vCPU written with a leading zero",
        reason="It is the same number as .25 vCPU, of which the page gives the units.",
        source=f"{_API}API_RegisterTaskDefinition.html",
        example=case(task={"cpu": "0.25 vCPU"}),
    ),
    Difference(
        aspect="log driver",
        stricter="cfn-lint",
        when=lambda each: each.service.get("launchType") == "FARGATE" and not _fargate(each),
        what="a log driver of EC2 in a task definition for EC2 that a FARGATE service uses",
        reason="Driver and task definition fit each other. The launch type does not, and LT-01 reports it.",
        source=f"{_API}API_LogConfiguration.html",
        example=case(container(logConfiguration={"logDriver": "syslog"}), task={"requiresCompatibilities": ["EC2"]}),
    ),
    Difference(
        aspect="health check of a dynamic port",
        stricter="cfn-lint",
        when=lambda each: "port" not in each.group.get("healthCheck", {}),
        what="a dynamic host port behind a target group without a health check port",
        reason="The default is traffic-port, which is what both ask for.",
        source="https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html",
        example=case(
            container(portMappings=[{"containerPort": 80, "hostPort": 0}]),
            task={"networkMode": "bridge", "requiresCompatibilities": ["EC2"]},
            service={"launchType": "EC2", "networkConfiguration": None},
            group={"targetType": "instance", "healthCheck": None},
        ),
    ),
    Difference(
        aspect="health check of a dynamic port",
        stricter="ours",
        when=lambda each: _translated(each) and "port" in each.group.get("healthCheck", {}),
        what="a health check port with a port mapping that has no hostPort",
        reason="In the network mode bridge a hostPort left out is as dynamic as 0; cfn-lint looks for the 0.",
        source=f"{_API}API_PortMapping.html",
        example=case(
            task={"networkMode": "bridge", "requiresCompatibilities": ["EC2"]},
            service={"launchType": "EC2", "networkConfiguration": None},
            group={"targetType": "instance", "healthCheck": {"port": "8080"}},
        ),
    ),
    Difference(
        aspect="health check of a dynamic port",
        stricter="cfn-lint",
        when=lambda each: not _translated(each),
        what="hostPort 0 in a network mode that translates no ports",
        reason="Only bridge has dynamic ports. TD-06 reports the 0 in awsvpc and host, TD-05 the port in none.",
        source=f"{_API}API_PortMapping.html",
        example=case(
            container(portMappings=[{"containerPort": 80, "hostPort": 0}]), group={"healthCheck": {"port": "8080"}}
        ),
    ),
)
