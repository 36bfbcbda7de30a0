"""The web application firewall in front of the load balancer.

Types of `aws.wafv2` are quoted: loading them takes half a second, and many stacks have no firewall.
"""

from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components.arns import ACCOUNT, UUID, any_of, arn
from components.checks import Arguments, whole
from components.log_retention import LogRetentionDays
from components.route import TEST_HEADER

_WEB_ACL = arn(
    "wafv2",
    rf"{ACCOUNT}:regional/webacl/[A-Za-z0-9_-]{{1,128}}/{UUID}",
    "the ARN of a regional web ACL of AWS WAF",
    fix="copy the ARN from the web ACL; one made for CloudFront does not fit",
)
WebAclArn = Annotated[str, _WEB_ACL]
FirewallChoice = Annotated[
    str,
    any_of(
        "none, managed, or the ARN of a regional web ACL of AWS WAF",
        "choose what stands before the load balancer; a web ACL made for CloudFront does not fit",
        *("none", "managed", _WEB_ACL),
    ),
]
RequestLimit = Annotated[
    int, whole(10, 2_000_000_000, fix="choose more requests than one client honestly makes in five minutes")
]

_WINDOW_SECONDS = 300
_KNOWN_CLIENTS = "AWSManagedRulesAmazonIpReputationList"
_KNOWN_ATTACKS = (
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesCommonRuleSet",
)
"""https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""

_LOG_PREFIX = "aws-waf-logs-"
"""https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html"""

_UNTOLD_HEADERS = ("authorization", "cookie", TEST_HEADER.lower())
"""Whoever reads the log or the samples could do with them what the client can."""


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

    log_retention_days: LogRetentionDays = 365
    """Days that CloudWatch Logs keeps what a web ACL of its own stopped."""


class Firewall(pulumi.ComponentResource):
    """AWS WAF for a load balancer: known bad clients and requests are answered with 403 and never reach a task.

    The cheapest decision comes first: who is known to attack, who asks too often, then what is asked: known exploits,
    SQL, and the common attacks. A known attacker thus never counts as a client. AWS updates the managed rules. They
    inspect the first 8 KB of a body and refuse larger ones: an application that takes uploads brings a web ACL of its
    own.
    https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html

    Which rule stopped or counted whom is logged, except for the values of `authorization`, `cookie` and the header of
    test requests, which the samples leave out as well. Requests that nothing stops are not logged: they are in the load
    balancer's access log, and their headers are nobody's business.
    https://docs.aws.amazon.com/waf/latest/APIReference/API_DataProtectionConfig.html
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
        web_acl = aws.wafv2.WebAcl(
            name,
            scope="REGIONAL",
            description="Managed rules and a rate limit for each client",
            default_action=aws.wafv2.WebAclDefaultActionArgs(allow=aws.wafv2.WebAclDefaultActionAllowArgs()),
            rules=[
                _managed(_KNOWN_CLIENTS, 0),
                aws.wafv2.WebAclRuleArgs(
                    name="rate",
                    priority=1,
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
                *(_managed(group, priority) for priority, group in enumerate(_KNOWN_ATTACKS, start=2)),
            ],
            data_protection_config=aws.wafv2.WebAclDataProtectionConfigArgs(
                data_protections=[
                    aws.wafv2.WebAclDataProtectionConfigDataProtectionArgs(
                        action="SUBSTITUTION",
                        field=aws.wafv2.WebAclDataProtectionConfigDataProtectionFieldArgs(
                            field_type="SINGLE_HEADER", field_keys=list(_UNTOLD_HEADERS)
                        ),
                    )
                ]
            ),
            visibility_config=aws.wafv2.WebAclVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._log(name, web_acl.arn, args.log_retention_days)
        return web_acl

    def _log(self, name: str, web_acl_arn: pulumi.Output[str], retention_days: int) -> None:
        child = pulumi.ResourceOptions(parent=self)
        log_group = aws.cloudwatch.LogGroup(f"{_LOG_PREFIX}{name}", retention_in_days=retention_days, opts=child)
        policy = aws.cloudwatch.LogResourcePolicy(
            name,
            policy_name=log_group.name,
            policy_document=_delivered(self, log_group.arn),
            opts=child,
        )
        aws.wafv2.WebAclLoggingConfiguration(
            name,
            resource_arn=web_acl_arn,
            log_destination_configs=[log_group.arn],
            logging_filter=aws.wafv2.WebAclLoggingConfigurationLoggingFilterArgs(
                default_behavior="DROP",
                filters=[
                    aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterArgs(
                        behavior="KEEP",
                        requirement="MEETS_ANY",
                        conditions=[_action("BLOCK"), _action("COUNT")],
                    )
                ],
            ),
            # Without the permission WAF would write one itself, for the whole account.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )


def _managed(group: str, priority: int) -> "aws.wafv2.WebAclRuleArgs":
    return aws.wafv2.WebAclRuleArgs(
        name=group,
        priority=priority,
        override_action=aws.wafv2.WebAclRuleOverrideActionArgs(none=aws.wafv2.WebAclRuleOverrideActionNoneArgs()),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            managed_rule_group_statement=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs(
                vendor_name="AWS", name=group
            )
        ),
        visibility_config=_rule_visibility(group),
    )


def _action(action: str) -> "aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterConditionArgs":
    return aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterConditionArgs(
        action_condition=aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterConditionActionConditionArgs(
            action=action
        )
    )


def _delivered(parent: pulumi.Resource, log_group_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-CWL.html"""
    own = pulumi.InvokeOutputOptions(parent=parent)
    account = aws.get_caller_identity_output(opts=own).account_id
    region = aws.get_region_output(opts=own).region
    partition = aws.get_partition_output(opts=own).partition
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Delivery",
                    "Effect": "Allow",
                    "Principal": {"Service": "delivery.logs.amazonaws.com"},
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": pulumi.Output.concat(log_group_arn, ":*"),
                    # Not for the logs of others.
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": account},
                        "ArnLike": {
                            "aws:SourceArn": pulumi.Output.concat(
                                "arn:", partition, ":logs:", region, ":", account, ":*"
                            )
                        },
                    },
                }
            ],
        }
    )


def _rule_visibility(metric_name: str) -> "aws.wafv2.WebAclRuleVisibilityConfigArgs":
    return aws.wafv2.WebAclRuleVisibilityConfigArgs(
        cloudwatch_metrics_enabled=True, metric_name=metric_name, sampled_requests_enabled=True
    )
