"""A firewall in front of the load balancer."""

import json
from typing import Any

import pulumi
import pytest

from components.checks import ArgumentError
from components.firewall import Firewall, FirewallArgs
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run, unknown

WEB_ACL = "aws:wafv2/webAcl:WebAcl"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
LOG_POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:aws-waf-logs-shop-1a2b3c4"
CAPACITY = {
    # https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-ip-rep.html
    "AWSManagedRulesAmazonIpReputationList": 25,
    # https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    # https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-use-case.html
    "AWSManagedRulesSQLiRuleSet": 200,
    # One address as the only key: https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based.html
    "rate": 2,
}
"""Web ACL capacity units, as AWS publishes them."""
EXISTING = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/company/01234567-89ab-cdef-0123-456789abcdef"


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        load_balancer = unknown() if preview else "arn:load-balancer"
        Firewall("shop", FirewallArgs(load_balancer_arn=load_balancer, **changes))
        pulumi.export("done", True)

    return run(program, preview=preview)


def test_it_makes_a_web_acl_and_puts_it_before_the_load_balancer() -> None:
    made = build()
    assert made.names == {
        ("h4b:firewall:Firewall", "shop"),
        (WEB_ACL, "shop"),
        (ASSOCIATION, "shop"),
        (LOGGING, "shop"),
        (LOG_GROUP, "aws-waf-logs-shop"),
        (LOG_POLICY, "shop"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:firewall:Firewall shop"}
    assert made.get(ASSOCIATION).inputs == {
        "resourceArn": "arn:load-balancer",
        "webAclArn": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/shop-1a2b3c4/1",
    }


def test_the_web_acl_lets_in_whom_no_rule_stops() -> None:
    web_acl = build().get(WEB_ACL).inputs
    assert web_acl["scope"] == "REGIONAL"
    assert web_acl["defaultAction"] == {"allow": {}}
    assert web_acl["visibilityConfig"] == {
        "cloudwatchMetricsEnabled": True,
        "metricName": "shop",
        "sampledRequestsEnabled": True,
    }


def test_who_comes_is_asked_before_how_often_and_that_before_what() -> None:
    rules = build().get(WEB_ACL).inputs["rules"]
    assert [(rule["priority"], rule["name"]) for rule in rules] == [
        (0, "AWSManagedRulesAmazonIpReputationList"),
        (1, "rate"),
        (2, "AWSManagedRulesKnownBadInputsRuleSet"),
        (3, "AWSManagedRulesSQLiRuleSet"),
        (4, "AWSManagedRulesCommonRuleSet"),
    ]


def test_a_client_in_a_hurry_is_stopped() -> None:
    (rate,) = [rule for rule in build(requests_per_client=500).get(WEB_ACL).inputs["rules"] if rule["name"] == "rate"]
    assert rate == {
        "name": "rate",
        "priority": 1,
        "action": {"block": {}},
        "statement": {"rateBasedStatement": {"limit": 500, "aggregateKeyType": "IP", "evaluationWindowSec": 300}},
        "visibilityConfig": {
            "cloudwatchMetricsEnabled": True,
            "metricName": "rate",
            "sampledRequestsEnabled": True,
        },
    }


def test_aws_keeps_the_other_rules_up_to_date() -> None:
    managed = [rule for rule in build().get(WEB_ACL).inputs["rules"] if rule["name"] != "rate"]
    for rule in managed:
        assert rule["statement"] == {"managedRuleGroupStatement": {"vendorName": "AWS", "name": rule["name"]}}
        assert rule["overrideAction"] == {"none": {}}


def test_the_rules_fit_into_what_the_price_of_a_request_includes() -> None:
    # Beyond 1,500 units each request costs more: https://aws.amazon.com/waf/pricing/
    assert sum(CAPACITY[rule["name"]] for rule in build().get(WEB_ACL).inputs["rules"]) == 1127 <= 1500


def test_what_is_stopped_or_counted_is_logged_and_nothing_else() -> None:
    made = build(log_retention_days=30)
    logging = made.get(LOGGING)
    assert logging.inputs == {
        "resourceArn": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/shop-1a2b3c4/1",
        "logDestinationConfigs": [LOG],
        "loggingFilter": {
            "defaultBehavior": "DROP",
            "filters": [
                {
                    "behavior": "KEEP",
                    "requirement": "MEETS_ANY",
                    "conditions": [{"actionCondition": {"action": "BLOCK"}}, {"actionCondition": {"action": "COUNT"}}],
                }
            ],
        },
    }
    assert f"{LOG_POLICY} shop" in logging.depends_on
    assert made.get(LOG_GROUP).inputs == {"retentionInDays": 30}


def test_neither_the_log_nor_the_samples_tell_what_lets_a_client_in() -> None:
    assert build().get(WEB_ACL).inputs["dataProtectionConfig"] == {
        "dataProtections": [
            {
                "action": "SUBSTITUTION",
                "field": {"fieldType": "SINGLE_HEADER", "fieldKeys": ["authorization", "cookie", "x-deployment"]},
            }
        ]
    }


def test_logs_of_this_account_alone_are_delivered() -> None:
    policy = build().get(LOG_POLICY).inputs
    assert policy["policyName"] == "aws-waf-logs-shop-1a2b3c4"
    assert json.loads(policy["policyDocument"])["Statement"] == [
        {
            "Sid": "Delivery",
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{LOG}:*",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:*"},
            },
        }
    ]


def test_an_existing_web_acl_is_only_associated() -> None:
    made = build(web_acl_arn=EXISTING)
    assert made.names == {("h4b:firewall:Firewall", "shop"), (ASSOCIATION, "shop")}
    assert made.get(ASSOCIATION).inputs["webAclArn"] == EXISTING


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.get(ASSOCIATION).inputs == {"resourceArn": UNKNOWN, "webAclArn": UNKNOWN}
    assert made.get(LOGGING).inputs["logDestinationConfigs"] == [UNKNOWN]


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        FirewallArgs(load_balancer_arn="arn", web_acl_arn="company", requests_per_client=1)
    assert str(refused.value) == (
        "FirewallArgs cannot be used:\n"
        "  - web_acl_arn: got 'company', expected the ARN of a regional web ACL of AWS WAF; "
        "copy the ARN from the web ACL; one made for CloudFront does not fit\n"
        "  - requests_per_client: got 1, expected a whole number from 10 to 2000000000; "
        "choose more requests than one client honestly makes in five minutes"
    )
