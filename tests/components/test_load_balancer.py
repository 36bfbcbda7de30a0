"""A load balancer from which routes lead to services, and HTTPS where there is a certificate."""

from typing import Any

import pulumi
import pytest

from components.checks import ArgumentError
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run, unknown

OUTPUTS = (*("arn", "arn_suffix", "dns_name", "url", "listener_arn"),)
LISTENER = "aws:lb/listener:Listener"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1"
ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"

NOT_FOUND = [
    {
        "type": "fixed-response",
        "fixedResponse": {"statusCode": "404", "contentType": "text/plain", "messageBody": "Nothing here"},
    }
]


def args(**changes: Any) -> LoadBalancerArgs:
    values: dict[str, Any] = {
        "subnet_ids": ["subnet-1", "subnet-2"],
        "security_group_id": "sg-1",
        "listener_port": 80,
    }
    return LoadBalancerArgs(**values | changes)


def build(*, preview: bool = False, **changes: Any) -> Run:
    def program() -> None:
        upstream = {"subnet_ids": unknown, "security_group_id": unknown} if preview else {}
        given = {key: value() if value is unknown else value for key, value in (upstream | changes).items()}
        load_balancer = LoadBalancer("shop", args(**given))
        for name in OUTPUTS:
            pulumi.export(name, getattr(load_balancer, name))

    return run(program, preview=preview)


def test_it_makes_a_load_balancer_and_a_listener() -> None:
    made = build()
    assert made.names == {
        ("h4b:load_balancer:LoadBalancer", "shop"),
        ("aws:lb/loadBalancer:LoadBalancer", "shop"),
        ("aws:lb/listener:Listener", "shop"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:load_balancer:LoadBalancer shop"}


def test_it_faces_the_internet_and_drops_malformed_requests() -> None:
    load_balancer = build().get("aws:lb/loadBalancer:LoadBalancer")
    assert load_balancer.inputs == {
        "loadBalancerType": "application",
        "internal": False,
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "dropInvalidHeaderFields": True,
        "desyncMitigationMode": "defensive",
        "enableDeletionProtection": True,
    }


@pytest.mark.parametrize("protection", [True, False])
def test_aws_and_pulumi_protect_it_alike(protection: bool) -> None:
    load_balancer = build(deletion_protection=protection).get("aws:lb/loadBalancer:LoadBalancer")
    assert load_balancer.inputs["enableDeletionProtection"] is protection
    assert load_balancer.protect is protection


def test_what_no_route_takes_is_not_found() -> None:
    assert build().get("aws:lb/listener:Listener").inputs == {
        "loadBalancerArn": f"{ARN}:loadbalancer/app/shop/1",
        "protocol": "HTTP",
        "port": 80,
        "defaultActions": NOT_FOUND,
    }


def test_an_internal_one_has_no_public_address() -> None:
    assert build(internal=True).get("aws:lb/loadBalancer:LoadBalancer").inputs["internal"] is True


def test_requests_are_logged_in_the_bucket_that_is_given() -> None:
    load_balancer = build(access_log_bucket="logs").get("aws:lb/loadBalancer:LoadBalancer")
    assert load_balancer.inputs["accessLogs"] == {"bucket": "logs", "enabled": True}


def test_with_a_certificate_http_only_redirects() -> None:
    assert build(certificate_arn=CERTIFICATE).get(LISTENER, "shop").inputs == {
        "loadBalancerArn": f"{ARN}:loadbalancer/app/shop/1",
        "protocol": "HTTP",
        "port": 80,
        "defaultActions": [
            {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}
        ],
    }


def test_https_is_as_strong_as_aws_recommends_and_remembered_by_browsers() -> None:
    assert build(certificate_arn=CERTIFICATE).get(LISTENER, "shop-https").inputs == {
        "loadBalancerArn": f"{ARN}:loadbalancer/app/shop/1",
        "protocol": "HTTPS",
        "port": 443,
        "certificateArn": CERTIFICATE,
        "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        "routingHttpResponseStrictTransportSecurityHeaderValue": "max-age=31536000",
        "defaultActions": NOT_FOUND,
    }


def test_routes_begin_at_the_listener_that_does_not_redirect() -> None:
    assert build().outputs["listener_arn"] == f"{ARN}:listener/app/shop/1/2"
    assert build(certificate_arn=CERTIFICATE).outputs["listener_arn"] == f"{ARN}:listener/app/shop-https/1/2"


def test_the_domain_name_becomes_an_alias_in_its_hosted_zone() -> None:
    made = build(certificate_arn=CERTIFICATE, domain_name="shop.example.com", hosted_zone_id="Z1")
    assert made.get("aws:route53/record:Record").inputs == {
        "zoneId": "Z1",
        "name": "shop.example.com",
        "type": "A",
        "aliases": [
            {
                "name": f"shop-1.{REGION}.elb.amazonaws.com",
                "zoneId": "ZLOADBALANCER",
                "evaluateTargetHealth": False,
            }
        ],
    }


def test_a_name_that_others_manage_makes_no_record() -> None:
    made = build(certificate_arn=CERTIFICATE, domain_name="shop.example.com")
    assert made.names == build(certificate_arn=CERTIFICATE).names
    assert made.outputs["url"] == "https://shop.example.com"


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, f"http://shop-1.{REGION}.elb.amazonaws.com"),
        ({"listener_port": 8000}, f"http://shop-1.{REGION}.elb.amazonaws.com:8000"),
        ({"certificate_arn": CERTIFICATE}, f"https://shop-1.{REGION}.elb.amazonaws.com"),
        ({"certificate_arn": CERTIFICATE, "listener_port": 8000}, f"https://shop-1.{REGION}.elb.amazonaws.com"),
        ({"certificate_arn": CERTIFICATE, "domain_name": "shop.example.com"}, "https://shop.example.com"),
    ],
)
def test_the_url_is_where_clients_go(changes: dict[str, Any], url: str) -> None:
    assert build(**changes).outputs["url"] == url


def test_outputs() -> None:
    made = build()
    assert made.outputs == {
        "arn": f"{ARN}:loadbalancer/app/shop/1",
        "arn_suffix": "app/shop/1",
        "dns_name": f"shop-1.{REGION}.elb.amazonaws.com",
        "url": f"http://shop-1.{REGION}.elb.amazonaws.com",
        "listener_arn": f"{ARN}:listener/app/shop/1/2",
    }
    assert made.component_outputs == {
        "h4b:load_balancer:LoadBalancer shop": {
            *("arn", "arnSuffix", "dnsName", "url"),
            "listenerArn",
        }
    }


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    name = "shop.example.com"
    made = build(preview=True, certificate_arn=unknown, hosted_zone_id=unknown, domain_name=name)
    assert made.names == build(certificate_arn="arn", hosted_zone_id="Z1", domain_name=name).names
    assert made.outputs.pop("url") == "https://shop.example.com"
    assert set(made.outputs.values()) == {UNKNOWN}
    assert made.get(LISTENER, "shop").inputs["port"] == 80


def test_wrong_arguments_are_refused_together() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(listener_port=70000)
    assert str(refused.value) == (
        "LoadBalancerArgs cannot be used:\n"
        "  - listener_port: got 70000, expected a whole number from 1 to 65535; choose a TCP port"
    )


def test_https_needs_its_port_for_itself_and_an_alias_a_name() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(certificate_arn=CERTIFICATE, listener_port=443, hosted_zone_id="Z1")
    assert str(refused.value) == (
        "LoadBalancerArgs cannot be used:\n"
        "  - listener_port: got 443 with a certificate, expected a port other than 443, where HTTPS is; "
        "change it to 80, from where clients are redirected to HTTPS\n"
        "  - domain_name: got nothing with hosted_zone_id, expected a name in that zone; "
        "set domain_name or remove hosted_zone_id"
    )
