"""A boundary for the roles of components, whoever makes them."""

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.checks import check_of
from components.permissions_boundary import PermissionsBoundaryArn, bounded
from tests.mocks import Run, run

BOUNDARY = "arn:aws:iam::123456789012:policy/shop-boundary"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


class Shop(pulumi.ComponentResource):
    def __init__(self, opts: pulumi.ResourceOptions) -> None:
        super().__init__("test:shop:Shop", "shop", None, opts)
        parent = pulumi.ResourceOptions(parent=self)
        aws.iam.Role("clerk", assume_role_policy=TRUST, opts=parent)
        aws.sns.Topic("news", opts=parent)


def build(arn: str | None) -> Run:
    return run(lambda: Shop(pulumi.ResourceOptions(transformations=[*bounded(arn)])))


def inputs(made: Run, kind: str) -> dict[str, Any]:
    return dict(made.get(kind).inputs)


def test_a_role_in_a_component_has_the_boundary_and_nothing_else_changes() -> None:
    made, plain = build(BOUNDARY), build(None)
    role = "aws:iam/role:Role"
    assert inputs(made, role) == {**inputs(plain, role), "permissionsBoundary": BOUNDARY}
    assert inputs(made, "aws:sns/topic:Topic") == inputs(plain, "aws:sns/topic:Topic")


@pytest.mark.parametrize(
    "arn", [BOUNDARY, "arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws-cn:iam::123456789012:policy/a/b"]
)
def test_arns_of_policies_are_taken(arn: str) -> None:
    check = check_of(PermissionsBoundaryArn)
    assert check and check.problem("boundary", arn) is None


@pytest.mark.parametrize("arn", ["shop-boundary", "arn:aws:iam::123456789012:role/shop"])
def test_anything_else_is_refused_with_what_to_write(arn: str) -> None:
    check = check_of(PermissionsBoundaryArn)
    assert check and check.problem("boundary", arn) == (
        f"boundary: got {arn!r}, expected the ARN of an IAM policy; copy the ARN from IAM"
    )
