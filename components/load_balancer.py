"""The load balancer: the only door to the tasks."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws

from components.access_logs import AccessLogRetentionDays, AccessLogsArgs
from components.certificate import DomainName, alias_problem
from components.checks import Arguments, Contradiction, listed, one_of
from components.network import IngressCidrs, Port

Scheme = Annotated[
    Literal["internet-facing", "internal"],
    one_of("internet-facing", "internal", fix="choose who can reach the load balancer"),
]

_PRIVATE_NETWORKS = [ipaddress.IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
"""https://datatracker.ietf.org/doc/html/rfc1918"""

HTTPS_PORT = 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
"""TLS 1.3 and 1.2 with forward secrecy, and key exchange that a quantum computer cannot undo where the client has it:
the policy that AWS recommends as of November 2026.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html"""

HTTP_PORT = 80
_HSTS = f"max-age={365 * 24 * 60 * 60}"
"""Browsers that were here once use HTTPS for a year whatever a link says.
https://datatracker.ietf.org/doc/html/rfc6797"""


@dataclass(frozen=True, kw_only=True)
class LoadBalancerChoices(Arguments):
    """The load balancer: who may reach it, and how long its log is kept."""

    scheme: Scheme = "internet-facing"
    """Who can reach it: `internet-facing` has public addresses, `internal` private ones only. A change replaces it."""

    allowed_ingress_cidrs: IngressCidrs
    """IPv4 networks that may reach the load balancer; 0.0.0.0/0 is everybody. Without default, so that opening is a
    decision."""

    access_log_retention_days: AccessLogRetentionDays | None = AccessLogsArgs.retention_days
    """Days that the load balancer's log of every request is kept in S3; 0 keeps no log."""

    @property
    def is_internal(self) -> bool:
        """Whether the load balancer is for the VPC alone."""
        return self.scheme == "internal"

    def contradictions(self) -> list[Contradiction]:
        return [Contradiction(("allowed_ingress_cidrs", "scheme"), self._clients_problem)]

    def _clients_problem(self) -> str | None:
        def is_private(cidr: str) -> bool:
            return any(ipaddress.IPv4Network(cidr).subnet_of(private) for private in _PRIVATE_NETWORKS)

        if self.is_internal or not all(map(is_private, self.allowed_ingress_cidrs)):
            return None
        scheme = self.called("scheme")
        return (
            f"{self.called('allowed_ingress_cidrs')}: got {listed(self.allowed_ingress_cidrs)} with {scheme} "
            "internet-facing, expected public addresses, since an internet-facing load balancer never sees private "
            f"source addresses; set {scheme} to internal, or name the clients' public networks"
        )


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs(Arguments):
    """Arguments of `LoadBalancer`."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets in at least two availability zones: public ones, or private ones if `internal`."""

    security_group_id: pulumi.Input[str]
    """Security group that lets clients in to `listener_port` (and 443 with a certificate) and requests out to the
    tasks."""

    listener_port: Port = HTTP_PORT
    """TCP port for plain HTTP. With a certificate it only redirects to HTTPS, on 443."""

    certificate_arn: pulumi.Input[str] | None = None
    """Certificate in ACM, of the same region, for HTTPS. Default: none, plain HTTP.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html"""

    domain_name: DomainName | None = None
    """Name by which clients know the load balancer, the certificate's. Default: the one that AWS gives, which no
    certificate of yours can be for."""

    hosted_zone_id: pulumi.Input[str] | None = None
    """Route 53 hosted zone in which `domain_name` becomes an alias of the load balancer. Default: none, the name is
    pointed to it elsewhere."""

    internal: bool = False
    """Whether only the VPC and what is connected to it reach the load balancer. A change makes a new one."""

    access_log_bucket: pulumi.Input[str] | None = None
    """S3 bucket, open to load balancers' log delivery, that gets a line for each request. Default: none.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html"""

    deletion_protection: bool = True
    """Whether the load balancer, whose DNS name clients know, refuses to be deleted, by Pulumi and by AWS."""

    def contradictions(self) -> list[Contradiction]:
        return [
            Contradiction(
                ("listener_port",), lambda: port_problem(self.listener_port, self.certificate_arn is not None)
            ),
            Contradiction(
                ("domain_name",),
                lambda: alias_problem(
                    self.domain_name,
                    self.hosted_zone_id is not None,
                    lambda name: "domain_name" if name == "name" else name,
                ),
            ),
        ]


class LoadBalancer(pulumi.ComponentResource):
    """An Application Load Balancer, reached by HTTPS if there is a certificate. A `Route` leads from it to a service.

    With a certificate, plain HTTP only redirects (301) to HTTPS, and answers tell browsers to come by HTTPS from then
    on (HSTS, one year, this name only).
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html

    A request that no route takes is answered with 404. Requests with malformed headers are dropped, and ambiguous ones
    get a connection of their own (desync mitigation).

    Not done here: client certificates, several names, IPv6.
    """

    TYPE = "h4b:load_balancer:LoadBalancer"

    dns_name: pulumi.Output[str]
    """Name given by AWS."""

    url: pulumi.Output[str]
    """Where clients go."""

    arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    """How metrics name the load balancer: `app/<name>/<id>`."""

    listener_arn: pulumi.Output[str]
    """Where routes begin: the listener for HTTPS if there is a certificate, else the one for HTTP."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        load_balancer = aws.lb.LoadBalancer(
            name,
            load_balancer_type="application",
            internal=args.internal,
            subnets=args.subnet_ids,
            security_groups=[args.security_group_id],
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            access_logs=aws.lb.LoadBalancerAccessLogsArgs(bucket=args.access_log_bucket, enabled=True)
            if args.access_log_bucket is not None
            else None,
            enable_deletion_protection=args.deletion_protection,
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
        )
        listener = aws.lb.Listener(
            name,
            load_balancer_arn=load_balancer.arn,
            protocol="HTTP",
            port=args.listener_port,
            default_actions=[_not_found() if args.certificate_arn is None else _redirect_to_https()],
            opts=child,
        )
        if args.certificate_arn is not None:
            listener = aws.lb.Listener(
                f"{name}-https",
                load_balancer_arn=load_balancer.arn,
                protocol="HTTPS",
                port=HTTPS_PORT,
                certificate_arn=args.certificate_arn,
                ssl_policy=TLS_POLICY,
                routing_http_response_strict_transport_security_header_value=_HSTS,
                default_actions=[_not_found()],
                opts=child,
            )
        if args.domain_name is not None and args.hosted_zone_id is not None:
            aws.route53.Record(
                name,
                zone_id=args.hosted_zone_id,
                name=args.domain_name,
                type="A",
                aliases=[
                    aws.route53.RecordAliasArgs(
                        name=load_balancer.dns_name,
                        zone_id=load_balancer.zone_id,
                        # There is nowhere else to send clients to while no target is healthy.
                        evaluate_target_health=False,
                    )
                ],
                opts=child,
            )

        self.arn = load_balancer.arn
        self.arn_suffix = load_balancer.arn_suffix
        self.dns_name = load_balancer.dns_name
        self.url = _url(args, load_balancer.dns_name)
        self.listener_arn = listener.arn
        self.register_outputs(
            {
                "arn": self.arn,
                "arnSuffix": self.arn_suffix,
                "dnsName": self.dns_name,
                "url": self.url,
                "listenerArn": self.listener_arn,
            }
        )


def port_problem(listener_port: int, has_certificate: bool) -> str | None:
    """Why plain HTTP cannot have this port; None when it can."""
    if not has_certificate or listener_port != HTTPS_PORT:
        return None
    return (
        f"listener_port: got {HTTPS_PORT} with a certificate, expected a port other than {HTTPS_PORT}, "
        f"where HTTPS is; change it to {HTTP_PORT}, from where clients are redirected to HTTPS"
    )


def _redirect_to_https() -> aws.lb.ListenerDefaultActionArgs:
    return aws.lb.ListenerDefaultActionArgs(
        type="redirect",
        redirect=aws.lb.ListenerDefaultActionRedirectArgs(
            protocol="HTTPS", port=str(HTTPS_PORT), status_code="HTTP_301"
        ),
    )


def _url(args: LoadBalancerArgs, dns_name: pulumi.Output[str]) -> pulumi.Output[str]:
    host = dns_name if args.domain_name is None else pulumi.Output.from_input(args.domain_name)
    if args.certificate_arn is not None:
        return pulumi.Output.concat("https://", host)
    port = "" if args.listener_port == HTTP_PORT else f":{args.listener_port}"
    return pulumi.Output.concat("http://", host, port)


def _not_found() -> aws.lb.ListenerDefaultActionArgs:
    return aws.lb.ListenerDefaultActionArgs(
        type="fixed-response",
        fixed_response=aws.lb.ListenerDefaultActionFixedResponseArgs(
            status_code="404", content_type="text/plain", message_body="Nothing here"
        ),
    )
