"""The certificate of a domain name, issued by AWS and proven through DNS."""

from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components.arns import ACCOUNT, UUID, arn
from components.checks import Arguments, Contradiction, shown, text

DomainName = Annotated[
    str,
    text(
        r"(?=[^\n]{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]",
        "a domain name of at most 253 lower-case letters, digits, - and .",
        fix="write the full name without protocol, for instance www.example.com",
    ),
]
"""https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html"""

CertificateArn = Annotated[
    str,
    arn(
        "acm",
        rf"{ACCOUNT}:certificate/{UUID}",
        "the ARN of a certificate in ACM",
        fix="copy the ARN from ACM, or have one issued for a name in Route 53",
    ),
]

_LONGEST_FIRST_NAME = 64
"""ACM takes no longer name as a certificate's first, which is its common name.
https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html"""

_RECORD_TTL_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class CertificateArgs(Arguments):
    """Arguments of `Certificate`."""

    domain_name: DomainName
    """The name that clients use, lower case, at most 64 characters."""

    hosted_zone_id: pulumi.Input[str]
    """The public Route 53 hosted zone that answers for the name: ACM looks there for the proof.
    https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html"""

    def contradictions(self) -> list[Contradiction]:
        return [Contradiction(("domain_name",), lambda: name_length_problem(self.domain_name))]


class Certificate(pulumi.ComponentResource):
    """A public certificate from ACM, free and renewed by AWS for as long as the validation record stands.

    Not done here: further names, wildcards, private authorities.
    """

    TYPE = "h4b:certificate:Certificate"

    arn: pulumi.Output[str]
    """Known once the certificate is issued, so that no listener waits for it in vain."""

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        certificate = aws.acm.Certificate(name, domain_name=args.domain_name, validation_method="DNS", opts=child)
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-validation",
            zone_id=args.hosted_zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=_RECORD_TTL_SECONDS,
            # Every certificate of the account for this name has the same record: there may be one already.
            allow_overwrite=True,
            opts=child,
        )
        validation = aws.acm.CertificateValidation(
            name, certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn], opts=child
        )

        self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})


def name_length_problem(domain_name: str, domain_name_argument: str = "domain_name") -> str | None:
    """Why ACM issues no certificate for the name, in the caller's name of the argument; None when it does."""
    if len(domain_name) <= _LONGEST_FIRST_NAME:
        return None
    return (
        f"{domain_name_argument}: got {shown(domain_name)} of {len(domain_name)} characters, expected at most "
        f"{_LONGEST_FIRST_NAME} where ACM issues the certificate; choose a shorter name, or bring a certificate"
    )
