"""Load balancers, target groups and listeners by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ecs_policy.model import Listener, ListenerRule, LoadBalancer, Subnet, TargetGroup, WebAclAssociation
from ecs_policy.rule import Level, Option, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import independently, quoted

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_ALB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"
_CREATE_LOAD_BALANCER = f"{_API}/API_CreateLoadBalancer.html"
_CREATE_TARGET_GROUP = f"{_API}/API_CreateTargetGroup.html"
_CREATE_LISTENER = f"{_API}/API_CreateListener.html"
_ATTRIBUTES = f"{_ALB}/edit-load-balancer-attributes.html"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?")
_CODES = re.compile(r"[0-9]{1,3}(?:[,-][0-9]{1,3})*")


_SAID_TWO_AZS = Quote(
    "At least two subnets in two different Availability Zones must be specified",
    "https://github.com/aws-samples/aws-cdk-examples/issues/226",
)


@stack_rule(
    "LB-01 two-azs",
    on=LoadBalancer,
    title="A load balancer for applications is in two availability zones or more, with one subnet in each",
    why="CreateLoadBalancer refuses fewer, and refuses two subnets of one zone.",
    level=Level.REJECTED,
    source=_CREATE_LOAD_BALANCER,
    frameworks=("Security Hub ELB.13",),
)
def two_azs(balancer: LoadBalancer) -> Iterator[Problem]:
    if balancer.kind != "application":
        return
    subnets, mappings = balancer["subnets"], balancer["subnetMappings"]
    place = mappings if mappings.given else subnets
    count = len(place.items())
    if count < 2:
        yield place.problem(f"two subnets or more, not {count}", "add a subnet of another zone", quote=_SAID_TWO_AZS)
        return
    if mappings.given:
        found = [subnet for each in mappings.items() if (subnet := each["subnetId"].one(Subnet)) is not None]
    else:
        found = subnets.many(Subnet)
    zones: dict[str, Subnet] = {}
    for subnet in found:
        key = "availabilityZoneId" if subnet["availabilityZoneId"].given else "availabilityZone"
        zone = subnet[key].text()
        if zone is None:
            raise subnet["availabilityZone"].not_evaluated("is absent: AWS chooses a zone")
        other = zones.setdefault(zone, subnet)
        if other is not subnet:
            yield place.problem(
                f"subnets of different zones; {other.label} and {subnet.label} are both in {zone}",
                "keep one subnet of each zone",
            )


@resource_rule(
    "LB-02 names",
    on=(LoadBalancer, TargetGroup),
    title="Names of load balancers and target groups are ones that AWS takes",
    why="Letters, digits and hyphens, 32 at most; `internal-` is AWS's own.",
    level=Level.REJECTED,
    source=_CREATE_LOAD_BALANCER,
)
def names(owner: LoadBalancer | TargetGroup) -> Iterator[Problem]:
    name = owner["name"]
    text = name.text()
    if text is None:
        return
    if not _NAME.fullmatch(text):
        yield name.problem("1 to 32 letters, digits or -, with no - at either end", "choose another name")
    elif isinstance(owner, LoadBalancer) and text.startswith("internal-"):
        yield name.problem('a name that does not start with "internal-"', "choose another name")


@resource_rule(
    "LB-03 tg-ip-needs-vpc-port",
    on=TargetGroup,
    title="A target group for addresses or instances has a VPC, a port and a protocol, and health checks",
    why="Only a target group for Lambda functions does without.",
    level=Level.REJECTED,
    source=_CREATE_TARGET_GROUP,
)
def tg_ip_needs_vpc_port(target_group: TargetGroup) -> Iterator[Problem]:
    kind = target_group.target_type
    if kind not in ("ip", "instance", "alb"):
        return
    for key in ("vpcId", "port", "protocol"):
        if not target_group[key].given:
            yield target_group[key].problem(f"a value with targetType {kind}", f"set {key}")
    enabled = target_group["healthCheck"]["enabled"]
    if enabled.flag() is False:
        yield enabled.problem(f"true with targetType {kind}", "remove healthCheck.enabled")


_SAID_TG_HEALTH_RANGES = Quote(
    "Health check interval must be greater than the timeout.",
    "https://github.com/terraform-linters/tflint-ruleset-aws/issues/404",
)


@resource_rule(
    "LB-04 tg-health-ranges",
    on=TargetGroup,
    title="A health check ends before the next one, and its codes are of the target group's protocol",
    why="CreateTargetGroup refuses any other.",
    level=Level.REJECTED,
    source=_CREATE_TARGET_GROUP,
)
def tg_health_ranges(target_group: TargetGroup) -> Iterator[Problem]:
    check = target_group["healthCheck"]
    yield from independently(
        (
            _shorter(target_group, check["timeout"], check["interval"]),
            _codes(target_group, check["matcher"]),
        )
    )


_DEFAULT_INTERVAL_SECONDS = 30
"""What the provider sends with any health check that says none."""
_DEFAULT_TIMEOUT_SECONDS = {"HTTP": 6, "HTTPS": 10, "TCP": 10, "GENEVE": 5}
"""What AWS takes; its page names no others.
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html"""
_OF_NETWORK = ("QUIC", "TCP", "TCP_QUIC", "TCP_UDP", "TLS", "UDP")


def _shorter(target_group: TargetGroup, timeout: Value, interval: Value) -> Iterator[Problem]:
    if not timeout.given and not interval.given:
        return
    every = interval.number() if interval.given else _DEFAULT_INTERVAL_SECONDS
    within = timeout.number() if timeout.given else _DEFAULT_TIMEOUT_SECONDS.get(_checked_by(target_group) or "")
    if within is None or every is None or within < every:
        return
    of_network = target_group.protocol in _OF_NETWORK
    if of_network and within == every:
        return  # https://github.com/aws/aws-cdk/issues/16446
    quote = None if of_network else _SAID_TG_HEALTH_RANGES
    if timeout.given:
        assumed = "" if interval.given else " when nothing is said"
        most = "at most" if of_network else "less than"
        yield timeout.problem(f"{most} the interval, which is {every}{assumed}", "lower the timeout", quote=quote)
    else:
        least = "at least" if of_network else "more than"
        yield interval.problem(
            f"{least} the timeout, which for {_checked_by(target_group)} is {within} when nothing is said",
            "set a timeout that is less, or raise the interval",
            quote=quote,
        )


def _checked_by(target_group: TargetGroup) -> str | None:
    """The protocol by which AWS chooses the timeout: behind a Network Load Balancer that of the health check."""
    if target_group.protocol not in _OF_NETWORK:
        return target_group.protocol
    return (target_group["healthCheck"]["protocol"].text() or "TCP").upper()


_CODES_OF = {"HTTP": (200, 499), "HTTPS": (200, 499), "GENEVE": (200, 399)}
_CODES_OF_NETWORK = (200, 599)
_CODES_OF_GRPC = (0, 99)


def _codes(target_group: TargetGroup, matcher: Value) -> Iterator[Problem]:
    text = matcher.text()
    if text is None:
        return
    protocol = "HTTP" if target_group.target_type == "lambda" else target_group.protocol
    if protocol is None:
        return  # LB-03
    grpc = target_group.protocol_version == "GRPC"
    least, greatest = _CODES_OF_GRPC if grpc else _CODES_OF.get(protocol, _CODES_OF_NETWORK)
    codes = [int(code) for code in re.split("[,-]", text)] if _CODES.fullmatch(text) else []
    if not codes or not all(least <= code <= greatest for code in codes):
        example = '"0" or "0-5"' if grpc else '"200" or "200-299"'
        yield matcher.problem(f"codes from {least} to {greatest}, as {example}", "change matcher")


_SAID_NO_CERT = Quote(
    "A certificate cannot be specified for HTTP listeners", "https://github.com/awslabs/fargatecli/issues/104"
)
_SAID_NO_POLICY = Quote(
    "An SSL policy cannot be specifed for HTTP listeners",
    "https://github.com/theopensystemslab/planx-new/pull/1051",
)
_SAID_HTTPS_CERT = Quote(
    "A certificate must be specified for HTTPS listeners",
    "https://github.com/pulumi/pulumi/issues/15712",
)


@resource_rule(
    "LB-05 https-cert",
    on=Listener,
    title="A listener for HTTPS or TLS has a certificate, any other has neither certificate nor security policy",
    why="CreateListener refuses it without, and the others with.",
    level=Level.REJECTED,
    source=_CREATE_LISTENER,
)
def https_cert(listener: Listener) -> Iterator[Problem]:
    certificate, policy, protocol = listener["certificateArn"], listener["sslPolicy"], listener.protocol
    if protocol in ("HTTPS", "TLS"):
        if not certificate.given:
            quote = _SAID_HTTPS_CERT if protocol == "HTTPS" else None
            yield certificate.problem("the ARN of a certificate", "set certificateArn", quote=quote)
    elif protocol is not None:
        for place, said in ((certificate, _SAID_NO_CERT), (policy, _SAID_NO_POLICY)):
            if place.filled:
                yield place.problem(
                    f"nothing with protocol {protocol}",
                    f"remove {place.location}, or change the protocol",
                    quote=said if protocol == "HTTP" else None,
                )


@resource_rule(
    "LB-06 https-or-redirect",
    on=Listener,
    title="A listener for plain HTTP only sends clients to HTTPS",
    why="What goes over HTTP can be read and changed on the way.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=f"{_ALB}/load-balancer-listeners.html",
    frameworks=("Security Hub ELB.1", "Security Hub ELB.18"),
)
def https_or_redirect(listener: Listener) -> Iterator[Problem]:
    if listener.protocol == "HTTP" and not _redirects(listener["defaultActions"]):
        protocol = listener["protocol"]
        told = "" if protocol.given else " (nothing means HTTP)"
        yield protocol.problem(
            f'"HTTPS", or only a redirect to HTTPS{told}', "listen on HTTPS, and redirect HTTP to it"
        )


def _redirects(actions: Value) -> bool:
    """Whether all that the actions do is to send clients to HTTPS."""
    found = actions.items()
    return bool(found) and all(_to_https(action) for action in found)


def _to_https(action: Value) -> bool:
    # Without a protocol a redirect keeps the one of the request.
    return (action["type"].text() or "").lower() == "redirect" and action["redirect"]["protocol"].text() == "HTTPS"


@stack_rule(
    "LB-06b https-or-redirect-rule",
    on=ListenerRule,
    title="A rule of a listener for plain HTTP only sends clients to HTTPS",
    why="A listener whose default is a redirect serves plain HTTP all the same to what its rules forward.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=f"{_ALB}/load-balancer-listeners.html",
    frameworks=("Security Hub ELB.1", "Security Hub ELB.18"),
)
def https_or_redirect_rule(rule: ListenerRule) -> Iterator[Problem]:
    actions = rule["actions"]
    if not actions.unknown and _redirects(actions):
        return
    listener = rule["listenerArn"].one(Listener)
    if listener is None or listener.protocol != "HTTP" or not _redirects(listener["defaultActions"]):
        return  # HTTPS, or LB-06 speaks of the listener itself
    if not _redirects(actions):
        yield actions.problem(
            f"only a redirect to HTTPS, as {listener.label} on plain HTTP has by default",
            "put the rule on a listener for HTTPS",
        )


STRONG_TLS = (
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-*",
    "ELBSecurityPolicy-TLS13-1-2-FIPS-*",
    "ELBSecurityPolicy-TLS13-1-2-PQ-*",
    "ELBSecurityPolicy-TLS13-1-3-*",
    "ELBSecurityPolicy-FS-1-2-Res-*",
)
"""Policies with TLS 1.2 or 1.3 and ciphers with forward secrecy only."""


@resource_rule(
    "LB-07 tls-policy",
    on=Listener,
    title="A listener for HTTPS takes TLS 1.2 or later, with strong ciphers",
    why="Without sslPolicy the API chooses a policy of 2016, with TLS 1.0.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=f"{_ALB}/describe-ssl-policies.html",
    frameworks=("Security Hub ELB.17",),
    options={
        "allowedPolicies": Option(
            schema={"type": "array", "items": {"type": "string"}, "default": list(STRONG_TLS)},
            about="Names of security policies; `*` stands for any text.",
        )
    },
)
def tls_policy(listener: Listener, options: Mapping[str, Any]) -> Iterator[Problem]:
    if listener.protocol not in ("HTTPS", "TLS"):
        return
    policy = listener["sslPolicy"]
    allowed = options["allowedPolicies"]
    if not any(fnmatchcase(policy.text() or "", pattern) for pattern in allowed):
        yield policy.problem(f"one of {quoted(allowed)}", f'set sslPolicy to "{STRONG_TLS[0]}"')


@resource_rule(
    "LB-08 drop-headers",
    on=LoadBalancer,
    title="Load balancers drop invalid HTTP headers",
    why="Server and load balancer may read a malformed header differently, by which requests are smuggled in.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_ATTRIBUTES,
    frameworks=("Security Hub ELB.4",),
)
def drop_headers(balancer: LoadBalancer) -> Iterator[Problem]:
    value = balancer["dropInvalidHeaderFields"]
    if balancer.kind == "application" and value.flag() is not True:
        yield value.problem("true", "set dropInvalidHeaderFields to true")


@resource_rule(
    "LB-09 access-logs",
    on=LoadBalancer,
    title="A load balancer keeps access logs",
    why="They are the only record of who asked for what.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=f"{_ALB}/load-balancer-access-logs.html",
    frameworks=("Security Hub ELB.5",),
)
def access_logs(balancer: LoadBalancer) -> Iterator[Problem]:
    if balancer.kind == "gateway":
        return
    logs = balancer["accessLogs"]
    if not logs["bucket"].given:
        yield logs["bucket"].problem("a bucket for access logs", "set accessLogs")
    elif logs["enabled"].flag() is not True:
        yield logs["enabled"].problem("true", "set accessLogs.enabled to true")


@resource_rule(
    "LB-10 deletion-protection",
    on=LoadBalancer,
    title="A load balancer refuses to be deleted",
    why="Clients know its name, and a new one gets another.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_ATTRIBUTES,
    frameworks=("Security Hub ELB.6",),
)
def deletion_protection(balancer: LoadBalancer) -> Iterator[Problem]:
    value = balancer["enableDeletionProtection"]
    if value.flag() is not True:
        yield value.problem("true", "set enableDeletionProtection to true")


@resource_rule(
    "LB-11 desync",
    on=LoadBalancer,
    title="A load balancer guards against ambiguous requests",
    why="In the mode `monitor` it passes them on: the server may take one request for two.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_ATTRIBUTES,
    frameworks=("Security Hub ELB.12",),
)
def desync(balancer: LoadBalancer) -> Iterator[Problem]:
    mode = balancer["desyncMitigationMode"]
    if balancer.kind == "application" and mode.text() not in (None, "defensive", "strictest"):
        yield mode.problem('"defensive" (the default) or "strictest"', "change desyncMitigationMode")


@stack_rule(
    "LB-12 waf",
    on=LoadBalancer,
    title="A load balancer on the internet has a web firewall",
    why="It stops floods and known attacks before they reach the tasks.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source="https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-associating.html",
    frameworks=("Security Hub ELB.16",),
)
def waf(balancer: LoadBalancer) -> Iterator[Problem]:
    if balancer.kind != "application" or balancer["internal"].flag():
        return
    if not balancer.stack.relation(WebAclAssociation, "resourceArn", LoadBalancer).of(balancer):
        yield Problem(
            balancer.urn,
            "",
            f"{balancer.label}: got no WebAclAssociation, expected one, since it is on the internet; associate a web "
            "ACL with its ARN",
        )
