"""Instances of one's own for a cluster: an auto scaling group that ECS grows and shrinks with the tasks."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
from botocore.session import get_session

from components.checks import Arguments, Check, Contradiction, Names, as_is, whole
from components.documents import Documents
from components.image import CpuArchitecture
from components.roles import role
from components.security_groups import HTTPS, Group, connect, let_out
from ecs_policy.instance_types import instance_type as known_type
from ecs_policy.instance_types import instance_type_names

_TYPE = re.compile(
    r"(?P<family>[a-z]{1,5}[0-9]{1,2}[a-z0-9]*(-[a-z0-9]+)*)"
    r"\.(nano|micro|small|medium|large|([1-9][0-9]*)?xlarge|metal(-[1-9][0-9]*xl)?)"
)
"""https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html"""


def _can_exist(value: object) -> bool:
    """Whether AWS has the type, or may have it since: one of a family that nothing here knows."""
    if not isinstance(value, str):
        return False
    if known_type(value) is not None or value in _named_types():
        return True
    named = _TYPE.fullmatch(value)
    return named is not None and named["family"] not in {each.partition(".")[0] for each in instance_type_names()}


@lru_cache(maxsize=1)
def _named_types() -> frozenset[str]:
    """Types that botocore names; it knows no sizes. Read only where the table does not help, it takes a moment."""
    named: Sequence[str] = get_session().get_service_model("ec2").shape_for("InstanceType").metadata["enum"]
    return frozenset(named)


InstanceType = Annotated[
    str,
    Check(
        "an EC2 instance type",
        "choose one that the region offers, for instance t3.medium or t4g.medium",
        _can_exist,
    ),
]
InstanceCount = Annotated[int, whole(0, 5000, fix="choose how many instances there may be")]

AMI_PARAMETERS: Mapping[str, str] = {
    "X86_64": "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id",
    "ARM64": "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id",
}
"""Processor to the public SSM parameter that holds the newest ECS-optimised AMI.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html"""

DYNAMIC_PORTS = (32768, 60999)
"""Host ports that Docker gives to containers in network mode bridge: Linux's own range, on the ECS-optimised AMI too.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html"""

_ARM = re.compile(r"(a1|[a-z]+[0-9]+g[a-z]*)(-[a-z0-9]+)?\..*|im4gn\..*|is4gen\..*|[a-z0-9]+-gb[0-9]+\..*")
"""Types that the table does not have: Graviton has a `g` right after the generation, Grace Blackwell `-gb`."""


@dataclass(frozen=True, kw_only=True)
class InstanceChoices(Arguments):
    """With EC2, the instances: an auto scaling group that grows and shrinks with the tasks."""

    instance_type: InstanceType = "t3.medium"
    """EC2 instance type. Its processor is that of the tasks.
    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html"""

    min_size: InstanceCount = 0
    """Instances that stay even without tasks. With 0 the first task waits some minutes for one."""

    max_size: InstanceCount = 4
    """Maximum number of instances. A deployment needs room for the new tasks beside the old ones."""

    def contradictions(self) -> list[Contradiction]:
        return [Contradiction(("min_size", "max_size"), self._size_problem)]

    def _size_problem(self) -> str | None:
        least = max(1, self.min_size)
        if self.max_size >= least:
            return None
        return (
            f"{self.called('max_size')}: got {self.max_size} with {self.called('min_size')} {self.min_size}, "
            f"expected at least {least}; change one of the two"
        )


@dataclass(frozen=True, kw_only=True)
class InstancesArgs(InstanceChoices):
    """Which instances a cluster has."""

    vpc_id: pulumi.Input[str]
    """The VPC of the subnets."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Private subnets with a way to ECS, ECR and CloudWatch Logs; instances get no public address."""

    cpu_architecture: CpuArchitecture
    """Processor of the instances: `X86_64` or `ARM64`, the one of the tasks."""

    load_balancer_security_group_id: pulumi.Input[str] | None = None
    """Security group of the load balancer, for tasks in network mode bridge: it gets through to the ports that Docker
    gives them. Default: none, nothing reaches the instances; tasks with awsvpc have a security group of their own."""

    endpoint_security_group_id: pulumi.Input[str] | None = None
    """Security group of the VPC's endpoints, which then lets the instances in. Default: there are none."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of the auto scaling group, its instances and their volumes, which a provider's default tags do not reach."""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(
                ("instance_type", "cpu_architecture"),
                lambda: instance_type_problem(self.instance_type, self.cpu_architecture),
            ),
            *super().contradictions(),
        ]


@dataclass(frozen=True, kw_only=True)
class Ec2CapacityArgs(Arguments):
    """Arguments of `Ec2Capacity`."""

    cluster_arn: pulumi.Input[str]
    """The cluster that the instances join."""

    cluster_name: pulumi.Input[str]
    """Its name, by which the instances find it."""

    instances: InstancesArgs
    """Which instances."""


class Ec2Capacity(pulumi.ComponentResource):
    """A capacity provider: ECS starts instances for tasks that have no room, and stops those that have no task.

    An instance that runs tasks is protected from scale-in, and drained before it goes: its tasks first start elsewhere.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html

    Each instance starts from the newest ECS-optimised AMI. A change of the launch template (not a new AMI) replaces the
    instances one after the other. The metadata service takes sessions only (IMDSv2) and answers no container, so
    that tasks have their own roles and never the instance's. The volume is encrypted. There is no way in: no key, no
    open port, no Session Manager.

    The instance role may register this cluster's instances and report about their tasks. Images and logs are the
    business of the tasks' execution role.

    Not done here: Spot instances, several instance types, GPUs, ENI trunking.
    """

    TYPE = "h4b:capacity:Ec2Capacity"

    capacity_provider_name: pulumi.Output[str]
    """What a service's capacity provider strategy names."""

    def __init__(self, name: str, args: Ec2CapacityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        instances = args.instances
        tags = {"Name": name, **instances.tags}
        documents = Documents()

        agent = role(name, "instance", self)
        role_policy = aws.iam.RolePolicy(
            f"{name}-instance",
            role=agent.name,
            policy=documents.role_policy(f"{name}-instance", _agent_policy(args.cluster_arn)),
            opts=child,
        )
        profile = aws.iam.InstanceProfile(
            f"{name}-instance", role=agent.name, opts=pulumi.ResourceOptions(parent=self, depends_on=[role_policy])
        )
        template = aws.ec2.LaunchTemplate(
            f"{name}-instance",
            description="An instance of the cluster",
            image_id=f"resolve:ssm:{AMI_PARAMETERS[instances.cpu_architecture]}",
            instance_type=instances.instance_type,
            update_default_version=True,
            iam_instance_profile=aws.ec2.LaunchTemplateIamInstanceProfileArgs(arn=profile.arn),
            vpc_security_group_ids=[self._security_group(name, instances)],
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled",
                http_tokens="required",
                # A container on Docker's bridge is one hop further away than the agent.
                http_put_response_hop_limit=1,
            ),
            block_device_mappings=[
                aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/xvda",
                    ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        encrypted="true", volume_type="gp3", volume_size=30, delete_on_termination="true"
                    ),
                )
            ],
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=tags)
                for kind in ("instance", "volume")
            ],
            user_data=pulumi.Output.from_input(args.cluster_name).apply(user_data),
            opts=child,
        )
        group = aws.autoscaling.Group(
            name,
            vpc_zone_identifiers=instances.subnet_ids,
            min_size=instances.min_size,
            max_size=instances.max_size,
            launch_template=aws.autoscaling.GroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            protect_from_scale_in=True,
            instance_refresh=aws.autoscaling.GroupInstanceRefreshArgs(
                strategy="Rolling",
                preferences=aws.autoscaling.GroupInstanceRefreshPreferencesArgs(
                    min_healthy_percentage=100, max_healthy_percentage=200, scale_in_protected_instances="Refresh"
                ),
            ),
            tags=[
                # ECS adds this tag itself; without it here, every update would take it away.
                aws.autoscaling.GroupTagArgs(key="AmazonECSManaged", value="true", propagate_at_launch=True),
                *(
                    aws.autoscaling.GroupTagArgs(key=key, value=value, propagate_at_launch=False)
                    for key, value in sorted(tags.items())
                ),
            ],
            opts=child,
        )
        provider = aws.ecs.CapacityProvider(
            name,
            auto_scaling_group_provider=aws.ecs.CapacityProviderAutoScalingGroupProviderArgs(
                auto_scaling_group_arn=group.arn,
                managed_scaling=aws.ecs.CapacityProviderAutoScalingGroupProviderManagedScalingArgs(
                    status="ENABLED", target_capacity=100
                ),
                managed_draining="ENABLED",
                managed_termination_protection="ENABLED",
            ),
            opts=child,
        )

        self.capacity_provider_name = provider.name
        self.register_outputs({"capacityProviderName": self.capacity_provider_name, **documents.outputs})

    def _security_group(self, name: str, instances: InstancesArgs) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            f"{name}-instances", description="Instances: HTTPS out", vpc_id=instances.vpc_id, opts=child
        )
        own = Group("instances", group.id)
        let_out(name, own, "https", "HTTPS to ECS, ECR, S3 and CloudWatch Logs", self)
        if instances.load_balancer_security_group_id is not None:
            door = Group("load-balancer", instances.load_balancer_security_group_id)
            connect(name, door, own, DYNAMIC_PORTS, "Requests and health checks on ports that Docker gives", self)
        if instances.endpoint_security_group_id is not None:
            endpoints = Group("endpoints", instances.endpoint_security_group_id)
            connect(name, own, endpoints, HTTPS, "HTTPS to AWS services in the VPC", self)
        group_id: pulumi.Output[str] = group.id
        return group_id


def instance_type_problem(instance_type: str, cpu_architecture: str, called: Names = as_is) -> str | None:
    """Why this instance type cannot run tasks for that processor, in the caller's names; None when it can."""
    found = architecture_of(instance_type)
    if found == cpu_architecture:
        return None
    if found is None:
        return (
            f"{called('instance_type')}: got {instance_type!r}, which is a Mac, expected a type on which ECS runs "
            "Linux; choose another type"
        )
    return (
        f"{called('instance_type')}: got {instance_type!r}, which is {found}, expected a type with the "
        f"{cpu_architecture} of {called('cpu_architecture')}; change one of the two"
    )


def architecture_of(name: str) -> str | None:
    """`X86_64` or `ARM64` of an instance type, by its name where the table does not have it; None for a Mac."""
    known = known_type(name)
    if known is not None:
        return known.cpu_architecture
    if name.startswith("mac"):
        return None
    return "ARM64" if _ARM.fullmatch(name) else "X86_64"


def is_measured(name: str) -> bool:
    """Whether it is known what an instance type has."""
    return known_type(name) is not None


def room_problem(
    instance_type: str,
    max_size: int,
    cpu_units: int,
    memory_mib: int,
    *,
    tasks: int,
    surplus: int,
    own_addresses: bool,
    apart: bool,
    called: Names = as_is,
) -> str | None:
    """Why the instances have no room for the service's tasks; None where they have, or where that is not known.

    `tasks` is the most that there can be, `surplus` how many more a deployment starts beside them. With
    `own_addresses` (awsvpc) each task takes a network interface beside the instance's own; the account setting
    awsvpcTrunking, which brings more, is not reckoned with. `apart`: no two tasks share an instance.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html
    """
    limits = {"distinctInstance allows": 1} if apart else {}
    type_ = known_type(instance_type)
    if type_ is not None:
        if cpu_units > type_.cpu_units:
            return (
                f"{called('cpu_units')}: got {cpu_units} with {called('instance_type')} {instance_type}, expected at "
                f"most {type_.cpu_units}, which the type has; choose a larger type or a smaller task"
            )
        if memory_mib > type_.surely_free_memory_mib:
            return (
                f"{called('memory_mib')}: got {memory_mib} with {called('instance_type')} {instance_type}, expected at "
                f"most {type_.surely_free_memory_mib} of its {type_.installed_memory_mib} MiB, the system takes the "
                "rest; choose a larger type or a smaller task"
            )
        limits["CPU allows"] = type_.cpu_units // cpu_units
        limits["memory allows"] = type_.surely_free_memory_mib // memory_mib
        if own_addresses:
            limits["network interfaces allow"] = type_.network_interfaces - 1
    if not limits:
        return None
    cause, on_each = min(limits.items(), key=lambda limit: limit[1])
    needed = -(-(tasks + surplus) // on_each)
    if needed <= max_size:
        return None
    most = called("max_size")
    return (
        f"{most}: got {max_size} with {called('instance_type')} {instance_type}, expected at least {needed}, since "
        f"{cause} {on_each} on each, of {tasks} tasks and {surplus} that a deployment starts beside them; raise "
        f"{most}, or choose a larger type"
    )


def user_data(cluster_name: str) -> str:
    """What an instance does when it starts, in base64: it tells the ECS agent its cluster.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html"""
    lines = [
        "#!/bin/bash",
        "cat >> /etc/ecs/ecs.config <<'END'",
        f"ECS_CLUSTER={cluster_name}",
        "ECS_AWSVPC_BLOCK_IMDS=true",
        "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true",
        "END",
    ]
    return base64.b64encode("".join(f"{line}\n" for line in lines).encode()).decode()


def _agent_policy(cluster_arn: pulumi.Input[str]) -> Mapping[str, Any]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html"""
    its_instances = pulumi.Output.from_input(cluster_arn).apply(
        lambda arn: f"{arn.replace(':cluster/', ':container-instance/')}/*"
    )
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "FindEcs",
                "Effect": "Allow",
                "Action": "ecs:DiscoverPollEndpoint",
                # The action knows no resource.
                "Resource": "*",
            },
            {
                "Sid": "JoinCluster",
                "Effect": "Allow",
                "Action": [
                    "ecs:DeregisterContainerInstance",
                    "ecs:RegisterContainerInstance",
                    "ecs:SubmitAttachmentStateChanges",
                    "ecs:SubmitContainerStateChange",
                    "ecs:SubmitTaskStateChange",
                ],
                "Resource": cluster_arn,
            },
            {
                "Sid": "Report",
                "Effect": "Allow",
                "Action": ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"],
                "Resource": its_instances,
            },
        ],
    }
