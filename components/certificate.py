"""The certificate of a domain name, issued by AWS and proven through DNS."""

from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components.arns import ACCOUNT, UUID, arn
from components.checks import Arguments, Contradiction, Names, as_is, shown, text

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

HostedZoneId = Annotated[
    str, text(r"Z[A-Z0-9]{1,31}", "the id of a Route 53 hosted zone", fix="copy the id from Route 53, it starts with Z")
]

_LONGEST_FIRST_NAME = 64
"""ACM takes no longer name as a certificate's first, which is its common name.
https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html"""

_RECORD_TTL_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class DomainChoices(Arguments):
    """The domain name of the service and its certificate."""

    name: DomainName | None = None
    """Domain name of the service. Empty: the load balancer's own DNS name is used and HTTPS is not available."""

    hosted_zone_id: HostedZoneId | None = None
    """Public Route 53 hosted zone of the name: the name is pointed to the load balancer there, and proven for the
    certificate. Empty: the name is in other hands, set a certificate."""

    certificate_arn: CertificateArn | None = None
    """Certificate of this region in ACM, for HTTPS. Empty: one is issued if there are a name and a hosted zone, else
    everything is plain HTTP."""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(("name", "certificate_arn", "hosted_zone_id"), self._certificate_problem),
            Contradiction(("name", "certificate_arn"), self._length_problem),
            Contradiction(
                ("name", "hosted_zone_id"),
                lambda: alias_problem(self.name, self.hosted_zone_id is not None, self.called),
            ),
        ]

    @property
    def is_encrypted(self) -> bool:
        """Whether clients come by HTTPS."""
        return self.certificate_arn is not None or self.name is not None

    def _certificate_problem(self) -> str | None:
        if self.name is None or self.certificate_arn is not None or self.hosted_zone_id is not None:
            return None
        zone, certificate = self.called("hosted_zone_id"), self.called("certificate_arn")
        return (
            f"{self.called('name')}: got {self.name!r} without {certificate} and {zone}, "
            f"expected one of the two; set {zone} to have a certificate issued, or {certificate}"
        )

    def _length_problem(self) -> str | None:
        is_issued = self.name is not None and self.certificate_arn is None
        return name_length_problem(self.name or "", self.called("name")) if is_issued else None


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


def alias_problem(name: str | None, has_hosted_zone: bool, called: Names = as_is) -> str | None:
    """Why the hosted zone is of no use, in the caller's names of the two arguments; None when it is."""
    if not has_hosted_zone or name is not None:
        return None
    return (
        f"{called('name')}: got nothing with {called('hosted_zone_id')}, expected a name in that zone; "
        f"set {called('name')} or remove {called('hosted_zone_id')}"
    )


def name_length_problem(domain_name: str, called: str = "domain_name") -> str | None:
    """Why ACM issues no certificate for the name, which the caller calls so; None when it does."""
    if len(domain_name) <= _LONGEST_FIRST_NAME:
        return None
    return (
        f"{called}: got {shown(domain_name)} of {len(domain_name)} characters, expected at most "
        f"{_LONGEST_FIRST_NAME} where ACM issues the certificate; choose a shorter name, or bring a certificate"
    )
