"""Who may take a role from GitHub, and what the roles may do. Plain data, so that it can be read, tested and attacked.

What is the stack's own has its tags `project` and `stack`, which the provider gives to everything. Whatever exists is
touched by these tags, whatever is new must get them. Where an action knows no tag it is bound to a name; where it knows
neither, that is said beside it. Which action knows what: the service authorization reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from components.roles import PURPOSES, path

Document: TypeAlias = dict[str, Any]
Statement: TypeAlias = dict[str, Any]

ISSUER = "token.actions.githubusercontent.com"
"""https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws"""


@dataclass(frozen=True)
class Environment:
    """One stack that GitHub deploys, and what its stack file says of resources with names."""

    project: str
    stack: str
    account: str
    region: str
    partition: str = "aws"
    repository_name: str = ""
    """Its ECR repository."""

    domain_name: str = ""
    hosted_zone_id: str = ""
    """With `domain_name`: the Route 53 zone in which it becomes a record."""

    web_acl_arn: str = ""
    """A web ACL that is not the stack's own."""

    has_endpoints: bool = False
    """Whether AWS services have endpoints in its VPC."""

    @property
    def tags(self) -> dict[str, str]:
        """Tags of everything that belongs to the stack."""
        return {"project": self.project, "stack": self.stack}

    @property
    def family(self) -> str:
        """Name of the cluster, the task definitions, the dashboard, and the beginning of bucket names."""
        return f"{self.project}-{self.stack}"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def iam(self, resource: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:{resource}"

    @property
    def boundary_arn(self) -> str:
        """The most that roles of the stack may do."""
        return self.iam(f"policy{path(self.project, self.stack)}{self.family}-boundary")

    def role_name(self, job: str) -> str:
        """Name of the role for GitHub's `job`, deploy or preview."""
        return f"github-{self.family}-{job}"

    @property
    def roles(self) -> str:
        """ARNs of the stack's IAM roles."""
        return self.iam(f"role{path(self.project, self.stack)}*")


@dataclass(frozen=True)
class State:
    """Where the states are, and with which key those of one stack are encrypted."""

    bucket_arn: str
    key_arn: str


# --- what a preview looks at

_LOOK = (
    "acm:DescribeCertificate",
    "acm:ListTagsForCertificate",
    "application-autoscaling:Describe*",
    "application-autoscaling:ListTagsForResource",
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeInstanceRefreshes",
    "autoscaling:DescribeLoadBalancerTargetGroups",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeWarmPool",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListTagsForResource",
    "ec2:DescribeAddresses*",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeLaunchTemplate*",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribePrefixLists",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroup*",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpc*",
    "ec2:GetSecurityGroupsForVpc",
    "ecr:DescribeRepositories",
    "ecr:GetAuthorizationToken",
    "ecr:GetLifecyclePolicy",
    "ecr:ListTagsForResource",
    "ecs:Describe*",
    "ecs:ListServiceDeployments",
    "ecs:ListTagsForResource",
    "ecs:ListTasks",
    "elasticloadbalancing:Describe*",
    "elasticloadbalancing:GetLoadBalancerWebACL",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:ListTagsForResource",
    "route53:GetChange",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListTagsForResource",
    "wafv2:GetLoggingConfiguration",
    "wafv2:GetWebACL",
    "wafv2:GetWebACLForResource",
    "wafv2:ListTagsForResource",
)
"""On everybody's: a read that asks for tags is refused, not answered with nothing, when the resource is gone, so that
drift would be an error. `ecs:DescribeTaskDefinition` and `ec2:DescribeLaunchTemplateVersions` know neither resource nor
tag: they show environment variables and user data of everybody, which is why no secret belongs there."""

_LOOK_AT_BUCKET = (
    "s3:GetAccelerateConfiguration",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ListTagsForResource",
)

_LOOK_AT_ROLES = (
    "iam:GetInstanceProfile",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
)

_LOOK_AT_SECRETS = ("secretsmanager:ListSecretVersionIds", "ssm:GetParameter")
"""Versions. What `ssm:GetParameter` gives of a SecureString beside its version, `_NO_VALUES` denies to decrypt."""

# --- what a deployment changes

_MAKE = (
    "acm:AddTagsToCertificate",
    "acm:RequestCertificate",
    "application-autoscaling:RegisterScalableTarget",
    "application-autoscaling:TagResource",
    "autoscaling:CreateAutoScalingGroup",
    "ec2:AllocateAddress",
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateFlowLogs",
    "ec2:CreateInternetGateway",
    "ec2:CreateLaunchTemplate",
    "ec2:CreateNatGateway",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateVpc",
    "ec2:CreateVpcEndpoint",
    "ec2:RunInstances",
    "ecs:CreateCapacityProvider",
    "elasticloadbalancing:CreateLoadBalancer",
    "elasticloadbalancing:CreateTargetGroup",
)
"""New, with the stack's tags in the request. `acm:AddTagsToCertificate` and `application-autoscaling:TagResource`
belong to the making, but tag what is there, too. Certificates and scalable targets have no name to tell them by: those
of others without a tag `project` can be taken. Then a certificate can be deleted where nothing uses it; scaling needs
`ecs:UpdateService` beside it, which is for the stack's own.
https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html"""

_MAKE_NAMED = (
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:TagResource",
    "ecr:CreateRepository",
    "ecr:TagResource",
    "ecs:CreateCluster",
    "ecs:RegisterTaskDefinition",
    "events:PutRule",
    "events:TagResource",
    "logs:CreateLogGroup",
    "logs:TagResource",
    "sns:CreateTopic",
    "sns:TagResource",
    "wafv2:CreateWebACL",
    "wafv2:TagResource",
)
"""New, with the stack's tags in the request and a name of the project, since tagging what is there looks the same."""

_CHANGE = (
    "acm:DeleteCertificate",
    "application-autoscaling:DeleteScalingPolicy",
    "application-autoscaling:DeleteScheduledAction",
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:PutScheduledAction",
    "application-autoscaling:RegisterScalableTarget",
    "autoscaling:CancelInstanceRefresh",
    "autoscaling:DeleteAutoScalingGroup",
    "autoscaling:SetInstanceProtection",
    "autoscaling:StartInstanceRefresh",
    "autoscaling:UpdateAutoScalingGroup",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:PutMetricAlarm",
    "ec2:AssociateRouteTable",
    "ec2:AttachInternetGateway",
    "ec2:AuthorizeSecurityGroup*",
    "ec2:CreateFlowLogs",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:CreateNatGateway",
    "ec2:CreateRoute",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateVpcEndpoint",
    "ec2:DeleteFlowLogs",
    "ec2:DeleteInternetGateway",
    "ec2:DeleteLaunchTemplate",
    "ec2:DeleteNatGateway",
    "ec2:DeleteRoute",
    "ec2:DeleteRouteTable",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteSubnet",
    "ec2:DeleteVpc",
    "ec2:DeleteVpcEndpoints",
    "ec2:DetachInternetGateway",
    "ec2:Disassociate*",
    "ec2:ModifyLaunchTemplate",
    "ec2:ModifySecurityGroupRules",
    "ec2:ModifySubnetAttribute",
    "ec2:ModifyVpcAttribute",
    "ec2:ModifyVpcEndpoint",
    "ec2:ReleaseAddress",
    "ec2:ReplaceRoute*",
    "ec2:RevokeSecurityGroup*",
    "ec2:RunInstances",
    "ec2:UpdateSecurityGroupRuleDescriptions*",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchDeleteImage",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DeleteLifecyclePolicy",
    "ecr:DeleteRepository",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:ListImages",
    "ecr:PutImage*",
    "ecr:PutLifecyclePolicy",
    "ecr:UploadLayerPart",
    "ecs:DeleteCapacityProvider",
    "ecs:DeleteCluster",
    "ecs:DeleteService",
    "ecs:PutClusterCapacityProviders",
    "ecs:UpdateCapacityProvider",
    "ecs:UpdateCluster*",
    "elasticloadbalancing:CreateListener",
    "elasticloadbalancing:CreateRule",
    "elasticloadbalancing:*WebACLAssociation",
    "elasticloadbalancing:Delete*",
    "elasticloadbalancing:ModifyListener*",
    "elasticloadbalancing:ModifyLoadBalancerAttributes",
    "elasticloadbalancing:ModifyRule",
    "elasticloadbalancing:ModifyTargetGroup*",
    "elasticloadbalancing:SetIpAddressType",
    "elasticloadbalancing:SetRulePriorities",
    "elasticloadbalancing:SetSecurityGroups",
    "elasticloadbalancing:SetSubnets",
    "events:DeleteRule",
    "events:PutRule",
    "events:RemoveTargets",
    "logs:DeleteLogGroup",
    "logs:DeleteRetentionPolicy",
    "logs:GetLogEvents",
    "logs:PutRetentionPolicy",
    "sns:DeleteTopic",
    "sns:ListSubscriptionsByTopic",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "wafv2:*LoggingConfiguration",
    "wafv2:AssociateWebACL",
    "wafv2:DeleteWebACL",
    "wafv2:DisassociateWebACL",
    "wafv2:UpdateWebACL",
)
"""What has the stack's tags."""

_TAG = (
    "acm:AddTagsToCertificate",
    "acm:RemoveTagsFromCertificate",
    "application-autoscaling:TagResource",
    "application-autoscaling:UntagResource",
    "autoscaling:CreateOrUpdateTags",
    "autoscaling:DeleteTags",
    "cloudwatch:TagResource",
    "cloudwatch:UntagResource",
    "ec2:CreateTags",
    "ec2:DeleteTags",
    "ecr:TagResource",
    "ecr:UntagResource",
    "ecs:TagResource",
    "ecs:UntagResource",
    "elasticloadbalancing:AddTags",
    "elasticloadbalancing:RemoveTags",
    "events:TagResource",
    "events:UntagResource",
    "logs:TagResource",
    "logs:UntagResource",
    "sns:TagResource",
    "sns:UntagResource",
    "wafv2:TagResource",
    "wafv2:UntagResource",
)

_TAG_WHILE_MAKING = {
    "ec2:CreateTags": "ec2:CreateAction",
    "ecs:TagResource": "ecs:CreateAction",
    "elasticloadbalancing:AddTags": "elasticloadbalancing:CreateAction",
}
"""Tagging that says whether it belongs to the making of a resource, and how: else it could tag what is there.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html"""

_ANYWHERE = (
    "elasticloadbalancing:SetWebAcl",
    "logs:*LogDelivery",
    "sns:Unsubscribe",
)
"""Knows neither resource nor tag. The web ACL is bound by `wafv2:AssociateWebACL` and `CreateWebACLAssociation`, a log
delivery by the service whose log it is, and a subscription by its ARN, which only those of the stack's topics tell."""

_BUCKET = (
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:ListBucketVersions",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)

_SERVICE_ROLES = (
    "autoscaling.amazonaws.com",
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "wafv2.amazonaws.com",
)
"""AWS services whose own role their first use in an account creates."""

_STATE = ("s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject")
"""All that Pulumi's backend calls.
https://www.pulumi.com/docs/iac/concepts/state-and-backends/#aws-s3"""

_NO_VALUES: Statement = {
    "Sid": "NoValues",
    "Effect": "Deny",
    "Action": "kms:Decrypt",
    "Resource": "*",
    "Condition": {"StringLike": {"kms:ViaService": "ssm.*.amazonaws.com"}},
}
"""AWS's own key lets everybody in the account decrypt parameters.
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service"""


def trust(provider_arn: str, subjects: Sequence[str], repository_id: str, **claims: str) -> Document:
    """Trust policy: only tokens for AWS, of this repository, with exactly one of the subjects, and with these claims.

    A repository's name can be taken over when it is renamed or deleted, its id cannot.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
    """
    required = {"aud": "sts.amazonaws.com", "sub": list(subjects), "repository_id": repository_id, **claims}
    return _policy(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider_arn},
            "Condition": {"StringEquals": {f"{ISSUER}:{claim}": value for claim, value in required.items()}},
        }
    )


def deploy_trust(provider_arn: str, repository: str, repository_id: str, stack: str) -> Document:
    """Jobs of `main` bound to the environment, which is where GitHub asks for approval. A branch may name any
    environment in a workflow of its own; only what was merged deploys."""
    subjects = [f"repo:{repository}:environment:{stack}"]
    return trust(provider_arn, subjects, repository_id, ref="refs/heads/main")


def preview_trusts(
    provider_arn: str, repository: str, repository_id: str, stack: str, *, pull_requests: bool
) -> Document:
    """Jobs of `main` bound to the environment `<stack>-plan`; with `pull_requests` those of the repository, too."""
    from_main = trust(
        provider_arn, [f"repo:{repository}:environment:{stack}-plan"], repository_id, ref="refs/heads/main"
    )
    if not pull_requests:
        return from_main
    requested = trust(provider_arn, [f"repo:{repository}:pull_request"], repository_id)
    return _policy(*from_main["Statement"], *requested["Statement"])


def preview_policy(stack: Environment, state: State) -> Document:
    """Reads the stack's state, and what AWS says of its resources; changes nothing."""
    return _policy(
        *_looking(stack),
        _listing(stack, state),
        {
            "Sid": "State",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": f"{state.bucket_arn}/{stack.stack}/*",
        },
        {"Sid": "Key", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": state.key_arn},
        _NO_VALUES,
        _in_region(stack),
    )


def deploy_policy(stack: Environment, state: State) -> Document:
    """What a deployment may look at, and what it may do by name. It goes with `deploy_managed_policies`."""
    return _policy(
        *_looking(stack),
        *_running(stack),
        *_by_name(stack),
        *_roles(stack),
        *_records(stack),
        _listing(stack, state),
        {
            "Sid": "State",
            "Effect": "Allow",
            "Action": [each for each in _STATE if each != "s3:ListBucket"],
            "Resource": f"{state.bucket_arn}/{stack.stack}/*",
        },
        {
            "Sid": "Key",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            "Resource": state.key_arn,
        },
        _NO_VALUES,
        _in_region(stack),
        _not_others(stack),
        # An action that only writes tags must not write them over those of another project.
        {
            "Sid": "NotForeign",
            "Effect": "Deny",
            "Action": list(_TAG),
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:ResourceTag/project": stack.project},
                "Null": {"aws:ResourceTag/project": "false"},
            },
        },
    )


def deploy_managed_policies(stack: Environment) -> dict[str, Document]:
    """What a deployment may do by tags, by what it does: it all has no room in the role's own policy.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return {
        "make": _policy(*_making(stack)),
        "change": _policy(
            {"Sid": "Change", "Effect": "Allow", "Action": list(_CHANGE), "Resource": "*", "Condition": _own(stack)},
            {
                "Sid": "Tag",
                "Effect": "Allow",
                "Action": list(_TAG),
                "Resource": "*",
                "Condition": {**_own(stack), "StringEqualsIfExists": _requested(stack)},
            },
            {"Sid": "Anywhere", "Effect": "Allow", "Action": list(_ANYWHERE), "Resource": "*"},
            # A rule tells the project's topics alone.
            {
                "Sid": "Tell",
                "Effect": "Allow",
                "Action": "events:PutTargets",
                "Resource": "*",
                "Condition": {
                    **_own(stack),
                    "ForAllValues:ArnLike": {"events:TargetArn": stack.arn("sns", f"{stack.project}-*")},
                    "Null": {"events:TargetArn": "false"},
                },
            },
        ),
    }


def boundary_policy(stack: Environment) -> Document:
    """What no role of the stack can exceed, whatever a deployment writes into its policies.

    What your application calls of AWS belongs here, too, bound to the stack as the rest: `dynamodb:GetItem` with
    `_own(stack)`, for instance.
    """
    names = [stack.arn("ecs", f"cluster/{stack.family}"), stack.arn("ecs", f"container-instance/{stack.family}/*")]
    services = [f"{service}.{stack.region}.amazonaws.com" for service in ("secretsmanager", "ssm")]
    return _policy(
        {
            "Sid": "Anywhere",
            "Effect": "Allow",
            "Action": [
                "ecr:GetAuthorizationToken",
                "ecs:DiscoverPollEndpoint",
                "elasticloadbalancing:Describe*",
                "logs:DescribeLogGroups",
                "ssmmessages:*Channel",
            ],
            "Resource": "*",
        },
        {
            "Sid": "Own",
            "Effect": "Allow",
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
                "elasticloadbalancing:DeregisterTargets",
                "elasticloadbalancing:ModifyRule",
                "elasticloadbalancing:RegisterTargets",
                "secretsmanager:GetSecretValue",
                "ssm:GetParameters",
            ],
            "Resource": "*",
            "Condition": _own(stack),
        },
        {
            "Sid": "Log",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": stack.arn("logs", f"log-group:{stack.project}-*"),
        },
        {
            "Sid": "Agent",
            "Effect": "Allow",
            "Action": [
                "ecs:DeregisterContainerInstance",
                "ecs:Poll",
                "ecs:PutSystemLogEvents",
                "ecs:RegisterContainerInstance",
                "ecs:StartTelemetrySession",
                "ecs:Submit*",
                "ecs:UpdateContainerInstancesState",
            ],
            "Resource": names,
        },
        # Keys of one's own for secrets have the stack's tags; AWS's own key is everybody's, the secret itself is not.
        {
            "Sid": "OwnKeys",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": services, **_own(stack)["StringEquals"]}},
        },
        {
            "Sid": "AwsKeys",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {
                "StringEquals": {"kms:ViaService": services},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/aws/secretsmanager", "alias/aws/ssm"]},
            },
        },
        _in_region(stack),
        _not_others(stack),
    )


def delivery_policy(stack: Environment) -> Document:
    """Lets AWS write the log of the stack's web ACL. Whoever may write such policies may write all of the account's.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
    """
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": stack.arn("logs", f"log-group:aws-waf-logs-{stack.project}-*:log-stream:*"),
            "Condition": {
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {"aws:SourceArn": stack.arn("logs", "*")},
            },
        }
    )


def bucket_policy(states: Sequence[tuple[Environment, State]]) -> Document:
    """The second door of the states: closed to whoever has no TLS or is of another account; to the roles of GitHub and
    of the stacks for all that Pulumi does not need; to each for what is another's; to what another key encrypts."""
    bucket_arn = states[0][1].bucket_arn
    some = states[0][0]
    everything = [bucket_arn, f"{bucket_arn}/*"]
    ours = [some.iam(f"role/github-{some.project}-*"), some.iam(f"role/{some.project}/*")]
    return _policy(
        _closed("Tls", everything, {"Bool": {"aws:SecureTransport": "false"}}),
        _closed("Account", everything, {"StringNotEquals": {"aws:PrincipalAccount": some.account}}),
        {
            "Sid": "Backend",
            "Effect": "Deny",
            "Principal": "*",
            "NotAction": list(_STATE),
            "Resource": everything,
            "Condition": {"ArnLike": {"aws:PrincipalArn": ours}},
        },
        *(
            _closed(
                f"State{index}",
                [f"{bucket_arn}/{stack.stack}/*"],
                {
                    "ArnLike": {"aws:PrincipalArn": ours},
                    "ArnNotLike": {"aws:PrincipalArn": stack.iam(f"role/{stack.role_name('*')}")},
                },
            )
            for index, (stack, _) in enumerate(states)
        ),
        *(
            _closed(
                f"Key{index}",
                [f"{bucket_arn}/{stack.stack}/*"],
                {"StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": state.key_arn}},
                "s3:PutObject",
            )
            for index, (stack, state) in enumerate(states)
        ),
    )


def key_policy(stack: Environment) -> Document:
    """Who may use the key of a stack's state where IAM lets him, too: everybody in the account but the roles of GitHub
    and of the stacks; of those only the ones that GitHub has for this stack, and they only to encrypt and decrypt.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    ours = [stack.iam(f"role/github-{stack.project}-*"), stack.iam(f"role/{stack.project}/*")]
    own = stack.iam(f"role/{stack.role_name('*')}")
    account: Statement = {"Effect": "Allow", "Principal": {"AWS": stack.iam("root")}, "Resource": "*"}
    return _policy(
        {
            **account,
            "Sid": "Administrators",
            "Action": "kms:*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": ours}},
        },
        {
            **account,
            "Sid": "Jobs",
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
            "Condition": {"ArnLike": {"aws:PrincipalArn": own}},
        },
    )


# --- parts


def _own(stack: Environment) -> dict[str, dict[str, str]]:
    return {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in stack.tags.items()}}


def _requested(stack: Environment) -> dict[str, str]:
    return {f"aws:RequestTag/{key}": value for key, value in stack.tags.items()}


def _looking(stack: Environment) -> list[Statement]:
    return [
        {"Sid": "Look", "Effect": "Allow", "Action": list(_LOOK), "Resource": "*"},
        {
            "Sid": "LookAtBucket",
            "Effect": "Allow",
            "Action": list(_LOOK_AT_BUCKET),
            "Resource": f"arn:{stack.partition}:s3:::{stack.family}-access-logs-*",
        },
        {
            "Sid": "LookAtDashboard",
            "Effect": "Allow",
            "Action": "cloudwatch:GetDashboard",
            "Resource": _dashboard(stack),
        },
        {
            "Sid": "LookAtRoles",
            "Effect": "Allow",
            "Action": list(_LOOK_AT_ROLES),
            "Resource": [stack.roles, stack.iam(f"instance-profile{path(stack.project, stack.stack)}*")],
        },
        {
            "Sid": "LookAtSecrets",
            "Effect": "Allow",
            "Action": list(_LOOK_AT_SECRETS),
            "Resource": "*",
            "Condition": _own(stack),
        },
        *(
            [
                {
                    "Sid": "LookAtZone",
                    "Effect": "Allow",
                    "Action": ["route53:GetHostedZone", "route53:ListResourceRecordSets"],
                    "Resource": f"arn:{stack.partition}:route53:::hostedzone/{stack.hosted_zone_id}",
                }
            ]
            if stack.hosted_zone_id
            else []
        ),
    ]


def _making(stack: Environment) -> list[Statement]:
    new = {"StringEquals": _requested(stack)}
    domain = {"acm:DomainNames": stack.domain_name} if stack.domain_name else {}
    return [
        {
            "Sid": "Make",
            "Effect": "Allow",
            "Action": [each for each in _MAKE if each != "acm:RequestCertificate"],
            "Resource": "*",
            "Condition": new,
        },
        *(
            [
                {
                    "Sid": "MakeCertificate",
                    "Effect": "Allow",
                    "Action": "acm:RequestCertificate",
                    "Resource": "*",
                    "Condition": {**new, "ForAllValues:StringEquals": domain, "Null": dict.fromkeys(domain, "false")},
                }
            ]
            if domain
            else []
        ),
        {
            "Sid": "MakeNamed",
            "Effect": "Allow",
            "Action": list(_MAKE_NAMED),
            "Resource": [
                stack.arn("cloudwatch", f"alarm:{stack.project}-*"),
                stack.arn("ecr", f"repository/{stack.repository_name}"),
                stack.arn("ecs", f"cluster/{stack.family}"),
                stack.arn("ecs", f"task-definition/{stack.family}:*"),
                stack.arn("events", f"rule/{stack.project}-*"),
                stack.arn("logs", f"log-group:{stack.project}-*"),
                stack.arn("logs", f"log-group:aws-waf-logs-{stack.project}-*"),
                stack.arn("sns", f"{stack.project}-*"),
                stack.arn("wafv2", f"regional/webacl/{stack.project}-*"),
            ],
            "Condition": new,
        },
        *(
            {
                "Sid": f"TagNew{index}",
                "Effect": "Allow",
                "Action": action,
                "Resource": "*",
                "Condition": {**new, "Null": {key: "false"}},
            }
            for index, (action, key) in enumerate(_TAG_WHILE_MAKING.items())
        ),
        # An instance's network interface gets no tags; AWS's rules and images are nobody's.
        {
            "Sid": "Instances",
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "Resource": [
                stack.arn("ec2", "network-interface/*"),
                *(f"arn:{stack.partition}:ec2:{stack.region}::{kind}/*" for kind in ("image", "snapshot")),
            ],
        },
        {
            "Sid": "ManagedRules",
            "Effect": "Allow",
            "Action": ["wafv2:CreateWebACL", "wafv2:UpdateWebACL"],
            "Resource": stack.arn("wafv2", "regional/managedruleset/*"),
        },
    ]


def _running(stack: Environment) -> list[Statement]:
    """Tasks run in the stack's cluster alone, from its task definitions alone: another's has another's role."""
    cluster = {"ArnEquals": {"ecs:cluster": stack.arn("ecs", f"cluster/{stack.family}")}}
    revisions = stack.arn("ecs", f"task-definition/{stack.family}:*")
    return [
        {
            "Sid": "RunTask",
            "Effect": "Allow",
            "Action": "ecs:RunTask",
            "Resource": revisions,
            "Condition": cluster,
        },
        {
            "Sid": "CreateService",
            "Effect": "Allow",
            "Action": "ecs:CreateService",
            "Resource": stack.arn("ecs", f"service/{stack.family}/*"),
            "Condition": {"StringEquals": _requested(stack), "ArnLike": {"ecs:task-definition": revisions}},
        },
        {
            "Sid": "UpdateService",
            "Effect": "Allow",
            "Action": "ecs:UpdateService",
            "Resource": "*",
            "Condition": {**_own(stack), "ArnLikeIfExists": {"ecs:task-definition": revisions}},
        },
        {
            "Sid": "ServiceDeployment",
            "Effect": "Allow",
            "Action": ["ecs:ContinueServiceDeployment", "ecs:StopServiceDeployment"],
            "Resource": [stack.arn("ecs", f"{kind}/{stack.family}/*") for kind in ("service", "service-deployment")],
        },
    ]


def _by_name(stack: Environment) -> list[Statement]:
    bucket = f"arn:{stack.partition}:s3:::{stack.family}-access-logs-*"
    public = f"arn:{stack.partition}:ssm:{stack.region}::parameter/aws/service/ecs/*"
    named: list[Statement] = [
        {"Sid": "Bucket", "Effect": "Allow", "Action": list(_BUCKET), "Resource": bucket},
        {
            "Sid": "BucketObjects",
            "Effect": "Allow",
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Resource": f"{bucket}/*",
        },
        # Dashboards have no tags.
        {
            "Sid": "Dashboard",
            "Effect": "Allow",
            "Action": ["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"],
            "Resource": _dashboard(stack),
        },
        # Application Auto Scaling makes these alarms for whoever makes a policy, and gives them no tags.
        # https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html
        {
            "Sid": "ScalingAlarms",
            "Effect": "Allow",
            "Action": ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
            "Resource": stack.arn("cloudwatch", f"alarm:TargetTracking-service/{stack.family}/*"),
        },
        # Associating a web ACL asks for the load balancer by its ARN, without tags.
        {
            "Sid": "Protect",
            "Effect": "Allow",
            "Action": ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"],
            "Resource": [
                stack.arn("elasticloadbalancing", f"loadbalancer/app/{stack.project}-*"),
                *([stack.web_acl_arn] if stack.web_acl_arn else []),
            ],
        },
        # Of the image that instances start from: a launch template names it by a public parameter.
        # https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html
        {"Sid": "PublicParameters", "Effect": "Allow", "Action": "ssm:GetParameters", "Resource": public},
        # Deleting a repository ends ECR's use of AWS's key.
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
        {
            "Sid": "RepositoryKey",
            "Effect": "Allow",
            "Action": "kms:RetireGrant",
            "Resource": "*",
            "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aws/ecr"}},
        },
    ]
    if stack.has_endpoints:
        # An endpoint answers by its service's name: the VPC joins a zone, which is AWS's and has no name before. The
        # action knows no VPC but by its id, so that private zones of others could be joined, too.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        zones = f"arn:{stack.partition}:route53:::hostedzone/*"
        joining = "route53:AssociateVPCWithHostedZone"
        named.append({"Sid": "EndpointNames", "Effect": "Allow", "Action": joining, "Resource": zones})
    return named


def _roles(stack: Environment) -> list[Statement]:
    """The roles are there. A deployment writes their permissions, within the boundary, and hands them to those for whom
    they are; it makes none and changes nobody's trust."""
    return [
        {
            "Sid": "Permissions",
            "Effect": "Allow",
            "Action": ["iam:DeleteRolePolicy", "iam:PutRolePolicy"],
            "Resource": stack.roles,
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": stack.boundary_arn}},
        },
        {
            "Sid": "Pass",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": stack.roles,
            "Condition": {
                "StringEquals": {"iam:PassedToService": sorted({each.service for each in PURPOSES.values()})}
            },
        },
        {
            "Sid": "ServiceRoles",
            "Effect": "Allow",
            "Action": "iam:CreateServiceLinkedRole",
            "Resource": stack.iam("role/aws-service-role/*"),
            "Condition": {"StringEquals": {"iam:AWSServiceName": list(_SERVICE_ROLES)}},
        },
    ]


def _records(stack: Environment) -> list[Statement]:
    """The stack's name, and the one beside it by which ACM sees whose it is."""
    if not (stack.domain_name and stack.hosted_zone_id):
        return []
    key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    return [
        {
            "Sid": "Records",
            "Effect": "Allow",
            "Action": "route53:ChangeResourceRecordSets",
            "Resource": f"arn:{stack.partition}:route53:::hostedzone/{stack.hosted_zone_id}",
            "Condition": {
                "ForAllValues:StringLike": {key: [stack.domain_name, f"_*.{stack.domain_name}"]},
                "Null": {key: "false"},
            },
        }
    ]


def _listing(stack: Environment, state: State) -> Statement:
    return {
        "Sid": "States",
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": state.bucket_arn,
        "Condition": {"StringLike": {"s3:prefix": f"{stack.stack}/*"}},
    }


def _in_region(stack: Environment) -> Statement:
    """IAM and Route 53 are global, their endpoint is in another region."""
    return {
        "Sid": "Region",
        "Effect": "Deny",
        "NotAction": ["iam:*", "route53:*"],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": stack.region}},
    }


def _not_others(stack: Environment) -> Statement:
    """Names of log groups, alarms, topics and web ACLs begin with the project alone: tags tell whose they are."""
    return {
        "Sid": "NotOthers",
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:ResourceTag/project": stack.project},
            "StringNotEquals": {"aws:ResourceTag/stack": stack.stack},
        },
    }


def _dashboard(stack: Environment) -> str:
    return f"arn:{stack.partition}:cloudwatch::{stack.account}:dashboard/{stack.family}"


def _closed(sid: str, resource: str | list[str], condition: dict[str, Any], action: str = "s3:*") -> Statement:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }


def _policy(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}
