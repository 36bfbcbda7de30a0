"""The IAM roles: what each is for, who may take it, and whether the program makes it or finds it there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

_TAKEN = (
    "aws:iam/role:Role",
    "aws:iam/instanceProfile:InstanceProfile",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
)
_Condition = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Purpose:
    """What a role is for."""

    description: str
    service: str
    """The AWS service that takes the role."""

    condition: Callable[[str, str, str], _Condition] | None = None
    """For whom the service may take it, by partition, region and account: a confused deputy acts for others.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"""


def _for_this_account(source: str, suffix: str = "") -> Callable[[str, str, str], _Condition]:
    return lambda partition, region, account: {
        f"StringEquals{suffix}": {"aws:SourceAccount": account},
        f"ArnLike{suffix}": {
            "aws:SourceArn": f"arn:{partition}:{source.format(region=region, account=account)}",
        },
    }


_ECS = "ecs:{region}:{account}:*"

PURPOSES: Mapping[str, Purpose] = {
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#create_task_iam_policy_and_role
    "execution": Purpose(
        "ECS itself: pulls the images, reads the secrets, writes the log",
        "ecs-tasks.amazonaws.com",
        _for_this_account(_ECS),
    ),
    "task": Purpose("The application", "ecs-tasks.amazonaws.com", _for_this_account(_ECS)),
    # AWS shows this trust without a condition, so that ECS may say nothing of its source: what it says must be right.
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
    "shift": Purpose(
        "ECS itself: shifts traffic between the target groups",
        "ecs.amazonaws.com",
        _for_this_account(_ECS, "IfExists"),
    ),
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    "flow": Purpose(
        "VPC flow logs: write their log group",
        "vpc-flow-logs.amazonaws.com",
        _for_this_account("ec2:{region}:{account}:vpc-flow-log/*"),
    ),
    # EC2 names no source: an instance profile can only be given to instances of its own account.
    "instance": Purpose("ECS agent: registers instances and reports about tasks", "ec2.amazonaws.com"),
}
"""Every role of the program, by the end of its name."""

STACK = r"[a-z][a-z0-9-]{0,19}"
"""Names of stacks for which there can be roles: they become part of names, of which IAM's have 64 characters."""

STACK_MEANT = "1 to 20 lower-case letters, digits and -"

FIREWALL = "firewall"
"""End of the name of the log resource policy by which AWS WAF writes the web ACL's log."""


def trust(purpose: str, partition: str, region: str, account: str) -> dict[str, Any]:
    """The trust policy of the role for `purpose`."""
    meant = PURPOSES[purpose]
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": meant.service},
        "Action": "sts:AssumeRole",
    }
    if meant.condition is not None:
        statement["Condition"] = meant.condition(partition, region, account)
    return {"Version": "2012-10-17", "Statement": [statement]}


def role(name: str, purpose: str, parent: pulumi.Resource) -> aws.iam.Role:
    """The role of a component for `purpose`, one of `PURPOSES`, without permissions."""
    asked = pulumi.InvokeOutputOptions(parent=parent)
    document = pulumi.Output.json_dumps(
        pulumi.Output.all(
            aws.get_partition_output(opts=asked).partition,
            aws.get_region_output(opts=asked).region,
            aws.get_caller_identity_output(opts=asked).account_id,
        ).apply(lambda known: trust(purpose, *known))
    )
    return aws.iam.Role(
        f"{name}-{purpose}",
        description=PURPOSES[purpose].description,
        assume_role_policy=document,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def path(project: str, stack: str) -> str:
    """The IAM path of what `make bootstrap` makes for a stack."""
    return f"/{project}/{stack}/"


def physical_name(project: str, stack: str, purpose: str) -> str:
    """The name of a role that `make bootstrap` makes for a stack, and of the instance profile that holds it."""
    return f"{project}-{stack}-{purpose}"


def taken_from_bootstrap(project: str, stack: str) -> list[pulumi.ResourceTransformation]:
    """For the `transformations` of components: each role, instance profile and log resource policy is the one that
    `make bootstrap` made.

    They are read, never made or changed. So whoever deploys needs no permission to make a role, with which it could
    give an outsider a way in that outlives the deployment, nor one to change log resource policies, of which AWS knows
    only all or none.
    """

    def take(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ not in _TAKEN:
            return None
        purpose = FIREWALL if args.type_ == _TAKEN[2] else args.name.rpartition("-")[2]
        if purpose not in (*PURPOSES, FIREWALL):
            raise pulumi.RunError(
                f"deployedBy: got github with a role {args.name!r}, expected one for {', '.join(PURPOSES)}; "
                "name its purpose in components/roles.py and run make bootstrap"
            )
        read = pulumi.ResourceOptions(id=physical_name(project, stack, purpose))
        return pulumi.ResourceTransformationResult(
            dict.fromkeys(args.props), pulumi.ResourceOptions.merge(args.opts, read)
        )

    return [take]
