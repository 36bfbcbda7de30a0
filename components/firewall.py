"""The web application firewall in front of the load balancer.

Types of `aws.wafv2` are quoted: loading them takes half a second, and many stacks have no firewall.
"""

from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, text, whole

_ARN = r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:[0-9]{12}:regional/webacl/[\w-]{1,128}/[0-9a-f-]{36}"
WebAclArn = Annotated[
    str,
    text(
        _ARN,
        "the ARN of a regional web ACL of AWS WAF",
        fix="copy the ARN from the web ACL; one made for CloudFront does not fit",
    ),
]
FirewallChoice = Annotated[
    str,
    text(
        f"none|managed|{_ARN}",
        "none, managed, or the ARN of a regional web ACL of AWS WAF",
        fix="choose what stands before the load balancer; a web ACL made for CloudFront does not fit",
    ),
]
RequestLimit = Annotated[
    int, whole(10, 2_000_000_000, fix="choose more requests than one client honestly makes in five minutes")
]

_WINDOW_SECONDS = 300
_MANAGED_RULE_GROUPS = {
    "AWSManagedRulesAmazonIpReputationList": 1,
    "AWSManagedRulesKnownBadInputsRuleSet": 2,
    "AWSManagedRulesCommonRuleSet": 3,
}
"""Cheapest decision first: known bots, known exploits, then the common attacks.
https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""


@dataclass(frozen=True, kw_only=True)
class FirewallArgs(Arguments):
    """Arguments of `Firewall`."""

    load_balancer_arn: pulumi.Input[str]
    """The Application Load Balancer to protect."""

    web_acl_arn: WebAclArn | None = None
    """An existing web ACL of the same region. Default: one of its own, with AWS's managed rules and a rate limit.
    https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-associating-aws-resource.html"""

    requests_per_client: RequestLimit = 2000
    """Requests that one address may make in five minutes, then it is blocked until it slows down; for a web ACL of its
    own. At least 10.
    https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based.html"""


class Firewall(pulumi.ComponentResource):
    """AWS WAF for a load balancer: known bad clients and requests are answered with 403 and never reach a task.

    AWS updates the managed rules. They inspect the first 8 KB of a body and refuse larger ones: an application that
    takes uploads brings a web ACL of its own.
    https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html

    Not done here: logs of the web ACL; samples and counts are in its own metrics.
    """

    TYPE = "h4b:firewall:Firewall"

    def __init__(self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)

        aws.wafv2.WebAclAssociation(
            name,
            resource_arn=args.load_balancer_arn,
            web_acl_arn=args.web_acl_arn if args.web_acl_arn is not None else self._web_acl(name, args).arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def _web_acl(self, name: str, args: FirewallArgs) -> "aws.wafv2.WebAcl":
        return aws.wafv2.WebAcl(
            name,
            scope="REGIONAL",
            description="Managed rules and a rate limit for each client",
            default_action=aws.wafv2.WebAclDefaultActionArgs(allow=aws.wafv2.WebAclDefaultActionAllowArgs()),
            rules=[
                aws.wafv2.WebAclRuleArgs(
                    name="rate",
                    priority=0,
                    action=aws.wafv2.WebAclRuleActionArgs(block=aws.wafv2.WebAclRuleActionBlockArgs()),
                    statement=aws.wafv2.WebAclRuleStatementArgs(
                        rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                            limit=args.requests_per_client,
                            aggregate_key_type="IP",
                            evaluation_window_sec=_WINDOW_SECONDS,
                        )
                    ),
                    visibility_config=_rule_visibility("rate"),
                ),
                *(
                    aws.wafv2.WebAclRuleArgs(
                        name=group,
                        priority=priority,
                        override_action=aws.wafv2.WebAclRuleOverrideActionArgs(
                            none=aws.wafv2.WebAclRuleOverrideActionNoneArgs()
                        ),
                        statement=aws.wafv2.WebAclRuleStatementArgs(
                            managed_rule_group_statement=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs(
                                vendor_name="AWS", name=group
                            )
                        ),
                        visibility_config=_rule_visibility(group),
                    )
                    for group, priority in _MANAGED_RULE_GROUPS.items()
                ),
            ],
            visibility_config=aws.wafv2.WebAclVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _rule_visibility(metric_name: str) -> "aws.wafv2.WebAclRuleVisibilityConfigArgs":
    return aws.wafv2.WebAclRuleVisibilityConfigArgs(
        cloudwatch_metrics_enabled=True, metric_name=metric_name, sampled_requests_enabled=True
    )
