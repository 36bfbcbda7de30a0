"""Who may take a role of the program, and that the program takes the roles that are there where it is told so."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import roles
from components.roles import role, taken_from_bootstrap
from tests.mocks import ACCOUNT, REGION, Run, run

ROLE, PROFILE = "aws:iam/role:Role", "aws:iam/instanceProfile:InstanceProfile"


class Shop(pulumi.ComponentResource):
    def __init__(self, purposes: tuple[str, ...], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:shop:Shop", "shop", None, opts)
        for purpose in purposes:
            made = role("shop", purpose, self)
            parent = pulumi.ResourceOptions(parent=self)
            aws.iam.RolePolicy(f"shop-{purpose}", role=made.name, policy=made.arn, opts=parent)
        aws.iam.InstanceProfile("shop-instance", role="agent", opts=pulumi.ResourceOptions(parent=self))


def build(maker: str, *purposes: str, preview: bool = False) -> Run:
    opts = pulumi.ResourceOptions(
        transformations=taken_from_bootstrap("shop", "prod") if maker == "bootstrap" else None
    )
    return run(lambda: Shop(purposes or tuple(roles.PURPOSES), opts), preview=preview)


def condition(purpose: str) -> dict[str, Any]:
    made = build("stack", purpose).get(ROLE)
    (statement,) = json.loads(made.inputs["assumeRolePolicy"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole")
    assert statement["Principal"] == {"Service": roles.PURPOSES[purpose].service}
    return dict(statement.get("Condition", {}))


@pytest.mark.parametrize("purpose", ["execution", "task"])
def test_ecs_takes_a_role_for_tasks_of_this_account_and_region_alone(purpose: str) -> None:
    assert condition(purpose) == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"},
    }


def test_what_shifts_traffic_is_not_for_others_where_ecs_tells_for_whom_it_is() -> None:
    assert condition("shift") == {
        "StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT},
        "ArnLikeIfExists": {"aws:SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"},
    }


def test_flow_logs_of_this_account_and_region_alone_take_their_role() -> None:
    assert condition("flow") == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-flow-log/*"},
    }


@pytest.mark.parametrize("preview", [True, False])
def test_roles_that_bootstrap_made_are_read_and_none_is_made(preview: bool) -> None:
    made = build("bootstrap", preview=preview)
    assert made.reads == {
        *((ROLE, f"shop-prod-{purpose}") for purpose in roles.PURPOSES),
        (PROFILE, "shop-prod-instance"),
    }
    assert not {kind for kind, _ in made.names} & {ROLE, PROFILE}


def test_what_hangs_on_a_role_is_told_its_name_and_arn_even_in_a_preview() -> None:
    policy = build("bootstrap", "task", preview=True).get("aws:iam/rolePolicy:RolePolicy").inputs
    assert policy["role"] == "shop-prod-task"
    assert policy["policy"].startswith(f"arn:aws:iam::{ACCOUNT}:role/shop-prod-task")


def test_a_role_that_bootstrap_does_not_make_is_refused() -> None:
    def program() -> None:
        opts = pulumi.ResourceOptions(transformations=taken_from_bootstrap("shop", "prod"))
        aws.iam.Role("shop-clerk", assume_role_policy="{}", opts=opts)

    with pytest.raises(pulumi.RunError, match=r"deployedBy: got github with a role 'shop-clerk', expected one for "):
        run(program)
