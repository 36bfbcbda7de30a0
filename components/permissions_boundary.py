"""A permissions boundary for every IAM role that components make, whichever component makes it."""

from collections.abc import Sequence
from typing import Annotated

import pulumi

from components.arns import ACCOUNT, arn

PermissionsBoundaryArn = Annotated[
    str,
    arn(
        "iam",
        rf"({ACCOUNT}|aws):policy/([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{{1,128}}",
        "the ARN of an IAM policy",
        fix="copy the ARN from IAM",
        has_region=False,
    ),
]


def bounded(arn: str | None) -> Sequence[pulumi.ResourceTransformation]:
    """For the `transformations` of components: no role of theirs can do more than the policy `arn` allows.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """

    def add(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != "aws:iam/role:Role":
            return None
        return pulumi.ResourceTransformationResult({**args.props, "permissions_boundary": arn}, args.opts)

    return [add] if arn else []
