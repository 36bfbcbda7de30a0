"""A certificate that proves itself through DNS."""

from typing import Any

import pulumi
import pytest

from components.certificate import Certificate, CertificateArgs
from components.checks import ArgumentError
from tests.mocks import ACCOUNT, REGION, UNKNOWN, Run, run, unknown

RECORD = "aws:route53/record:Record"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"


def build(*, preview: bool = False) -> Run:
    def program() -> None:
        zone = unknown() if preview else "Z1"
        certificate = Certificate("shop", CertificateArgs(domain_name="shop.example.com", hosted_zone_id=zone))
        pulumi.export("arn", certificate.arn)

    return run(program, preview=preview)


def test_it_makes_a_certificate_its_proof_and_the_wait_for_it() -> None:
    made = build()
    assert made.names == {
        ("h4b:certificate:Certificate", "shop"),
        ("aws:acm/certificate:Certificate", "shop"),
        (RECORD, "shop-validation"),
        (VALIDATION, "shop"),
    }
    assert {each.parent for each in made.resources} == {"", "h4b:certificate:Certificate shop"}


def test_the_proof_is_what_acm_asks_for() -> None:
    made = build()
    assert made.get("aws:acm/certificate:Certificate").inputs == {
        "domainName": "shop.example.com",
        "validationMethod": "DNS",
    }
    assert made.get(RECORD).inputs == {
        "zoneId": "Z1",
        "name": "_1a2b.shop.example.com.",
        "type": "CNAME",
        "records": ["_3c4d.acm-validations.aws."],
        "ttl": 300,
        "allowOverwrite": True,
    }


def test_the_arn_is_that_of_an_issued_certificate() -> None:
    made = build()
    arn = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/shop"
    assert made.get(VALIDATION).inputs == {
        "certificateArn": arn,
        "validationRecordFqdns": ["_1a2b.shop.example.com"],
    }
    assert made.outputs == {"arn": arn}
    assert made.component_outputs == {"h4b:certificate:Certificate shop": {"arn"}}


def test_a_preview_shows_every_resource_before_anything_is_known() -> None:
    made = build(preview=True)
    assert made.names == build().names
    assert made.outputs == {"arn": UNKNOWN}


@pytest.mark.parametrize(
    "domain_name",
    ["https://example.com", "example", "Example.com", "-a.example.com", "*.example.com", f"{'a' * 65}.com"],
)
def test_what_is_no_domain_name_is_refused(domain_name: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        CertificateArgs(domain_name=domain_name, hosted_zone_id="Z1")
    assert str(refused.value).endswith(
        "expected a domain name of at most 253 lower-case letters, digits, - and .; "
        "write the full name without protocol, for instance www.example.com"
    )


def test_names_of_every_depth_are_taken() -> None:
    names: list[Any] = ["example.com", "a.b.c.example.co.jp", "xn--eckwd4c7c.xn--zckzah", "1.example.com"]
    assert [CertificateArgs(domain_name=name, hosted_zone_id="Z1").domain_name for name in names] == names
