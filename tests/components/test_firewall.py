"""A firewall in front of the load balancer."""

from typing import Any

import pulumi
import pytest

from components.checks import ArgumentError
from components.firewall import Firewall, FirewallArgs
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run, unknown

WEB_ACL = "aws:wafv2/webAcl:WebAcl"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
EXISTING = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/company/01234567-89ab-cdef-0123-456789abcdef"


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        load_balancer = unknown() if preview else "arn:load-balancer"
        Firewall("shop", FirewallArgs(load_balancer_arn=load_balancer, **changes))
        pulumi.export("done", True)

    return run(program, preview=preview)


def test_it_makes_a_web_acl_and_puts_it_before_the_load_balancer() -> None:
    made = build()
    assert made.names == {("h4b:firewall:Firewall", "shop"), (WEB_ACL, "shop"), (ASSOCIATION, "shop")}
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


def test_a_client_in_a_hurry_is_stopped_before_any_other_rule_is_asked() -> None:
    rate, *_ = build(requests_per_client=500).get(WEB_ACL).inputs["rules"]
    assert rate == {
        "name": "rate",
        "priority": 0,
        "action": {"block": {}},
        "statement": {"rateBasedStatement": {"limit": 500, "aggregateKeyType": "IP", "evaluationWindowSec": 300}},
        "visibilityConfig": {
            "cloudwatchMetricsEnabled": True,
            "metricName": "rate",
            "sampledRequestsEnabled": True,
        },
    }


def test_aws_keeps_the_other_rules_up_to_date() -> None:
    _, *managed = build().get(WEB_ACL).inputs["rules"]
    groups = [rule["statement"]["managedRuleGroupStatement"] for rule in managed]
    assert [group["name"] for group in groups] == [
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesCommonRuleSet",
    ]
    assert {group["vendorName"] for group in groups} == {"AWS"}
    assert [rule["priority"] for rule in managed] == [1, 2, 3]
    assert all(rule["overrideAction"] == {"none": {}} for rule in managed)


def test_an_existing_web_acl_is_only_associated() -> None:
    made = build(web_acl_arn=EXISTING)
    assert made.names == {("h4b:firewall:Firewall", "shop"), (ASSOCIATION, "shop")}
    assert made.get(ASSOCIATION).inputs["webAclArn"] == EXISTING


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.get(ASSOCIATION).inputs == {"resourceArn": UNKNOWN, "webAclArn": UNKNOWN}


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
