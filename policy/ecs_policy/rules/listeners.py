"""Listeners, their rules and their target groups: each by itself, beside its neighbours, and together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ecs_policy.load_balancing import all_attachments, balancer_of, forwards_to, kind_of_balancer, kind_of_rule
from ecs_policy.model import Listener, ListenerRule, LoadBalancer, TargetGroup
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.stack import Resource
from ecs_policy.values import NotEvaluated, independently, quoted, readable

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_ALB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"
_NLB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/network"
_QUOTAS = f"{_ALB}/load-balancer-limits.html"

_SAID_PORT = Quote(
    "A listener already exists on this port for this load balancer",
    "https://github.com/hashicorp/terraform/issues/26407",
)
_SAID_VALUES = Quote("A rule can only have '5' condition values", "https://github.com/aws/aws-cdk/issues/10065")
_SAID_PRIORITY = Quote("PriorityInUse", "https://github.com/hashicorp/terraform/issues/24239")
_SAID_TCP = Quote("Listener protocol 'TCP' must be one of 'HTTP, HTTPS'", "https://github.com/alphagov/gsp/issues/351")
_SAID_STICKY = Quote(
    "Stickiness type 'lb_cookie' is not supported for target groups with the TCP protocol",
    "https://github.com/hashicorp/boundary-reference-architecture/issues/14",
)
_SAID_HTTP2 = Quote(
    "Listener protocol 'HTTP' is not supported with a target group with the protocol-version 'HTTP2'",
    "https://github.com/aws/copilot-cli/issues/4551",
)

LISTENS_ON = {
    "application": ("HTTP", "HTTPS"),
    "gateway": ("",),
    "network": ("QUIC", "TCP", "TCP_QUIC", "TCP_UDP", "TLS", "UDP"),
}
"""The protocols that listeners of each type of load balancer have."""

FORWARDS_TO = {
    "": ("GENEVE",),
    "HTTP": ("HTTP", "HTTPS"),
    "HTTPS": ("HTTP", "HTTPS"),
    "QUIC": ("QUIC", "TCP_QUIC"),
    "TCP": ("TCP", "TCP_QUIC", "TCP_UDP"),
    "TCP_QUIC": ("TCP_QUIC",),
    "TCP_UDP": ("TCP_UDP",),
    "TLS": ("TCP", "TLS"),
    "UDP": ("TCP_UDP", "UDP"),
}
"""The protocols of target groups that each protocol of a listener forwards to.
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html"""

_OF_HTTPS_ONLY = ("GRPC", "HTTP2")
_GENEVE_PORT = 6081
_MOST_VALUES = 5
_MOST_WILDCARDS = 6
_MOST_GROUPS = 5
_MOST_CHARACTERS = 128
_METHOD = re.compile("[A-Z_-]{1,40}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}")
_ONCE = ("hostHeader", "httpRequestMethod", "pathPattern", "sourceIp")
_LAST = ("fixed-response", "forward", "redirect")
_AUTHENTICATES = ("authenticate-cognito", "authenticate-oidc", "jwt-validation")
_TELLS = {
    "authenticate-cognito": "authenticateCognito",
    "authenticate-oidc": "authenticateOidc",
    "fixed-response": "fixedResponse",
    "redirect": "redirect",
}
"""Where each type of action says what it does; `forward` has two ways."""
_STICKS_BY = {
    "GENEVE": ("source_ip_dest_ip", "source_ip_dest_ip_proto"),
    "HTTP": ("app_cookie", "lb_cookie"),
    "HTTPS": ("app_cookie", "lb_cookie"),
    "TCP": ("source_ip",),
    "TCP_UDP": ("source_ip",),
    "UDP": ("source_ip",),
}
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html"""
_UNCHANGED = {"host": "#{host}", "path": "/#{path}", "port": "#{port}", "protocol": "#{protocol}"}


def _ports(balancer: LoadBalancer) -> tuple[dict[float, list[Resource]], NotEvaluated | None]:
    return _by_number(balancer.stack.relation(Listener, "loadBalancerArn", LoadBalancer).sure(balancer), "port")


def _priorities(listener: Listener) -> tuple[dict[float, list[Resource]], NotEvaluated | None]:
    return _by_number(listener.stack.relation(ListenerRule, "listenerArn", Listener).sure(listener), "priority")


def _by_number(resources: Sequence[Resource], key: str) -> tuple[dict[float, list[Resource]], NotEvaluated | None]:
    found: dict[float, list[Resource]] = {}
    doubt = None
    for each in resources:
        try:
            number = each[key].number()
        except NotEvaluated as outcome:
            doubt = doubt or outcome
        else:
            if number is not None:
                found.setdefault(number, []).append(each)
    return found, doubt


def _neighbours(owner: Listener | ListenerRule) -> tuple[dict[float, list[Resource]], NotEvaluated | None]:
    """What the same load balancer or listener has, by port or priority."""
    stack = owner.stack
    if isinstance(owner, Listener):
        place = owner["loadBalancerArn"]
        balancer = (
            place.one(LoadBalancer) if place.unknown or stack.known_as(place.text() or "", LoadBalancer) else None
        )
        if balancer is not None:
            return stack.derived(_ports, balancer)
        return _by_number([each for each in stack.all(Listener) if each["loadBalancerArn"].raw == place.raw], "port")
    place = owner["listenerArn"]
    listener = place.one(Listener) if place.unknown or stack.known_as(place.text() or "", Listener) else None
    if listener is not None:
        return stack.derived(_priorities, listener)
    return _by_number([each for each in stack.all(ListenerRule) if each["listenerArn"].raw == place.raw], "priority")


@stack_rule(
    "LS-01 once",
    on=(Listener, ListenerRule),
    title="A port of a load balancer has one listener, and a priority of a listener one rule",
    why="ELB refuses the second. TCP and UDP on one port take one listener, of TCP_UDP.",
    level=Level.REJECTED,
    source=f"{_API}/API_CreateListener.html",
)
def once(owner: Listener | ListenerRule) -> Iterator[Problem]:
    parent, key = ("loadBalancerArn", "port") if isinstance(owner, Listener) else ("listenerArn", "priority")
    number = owner[key].number()
    if number is None or not owner[parent].given:
        return
    neighbours, doubt = _neighbours(owner)
    first = min(neighbours.get(number, [owner]), key=lambda each: each.urn)  # so that one of a pair is told
    if first is not owner:
        yield owner[key].problem(
            f"another {key} than that of {first.label}",
            f"change {key} of one of the two",
            quote=_SAID_PRIORITY if key == "priority" else _SAID_PORT,
        )
    elif doubt is not None:
        raise doubt


@resource_rule(
    "LS-02 conditions",
    on=ListenerRule,
    title="A listener rule has conditions within ELB's limits, each kind as often as it may be",
    why=f"A rule has {_MOST_VALUES} values at most in all its conditions together, and one condition each of host, "
    "path, method and source.",
    level=Level.REJECTED,
    source=_QUOTAS,
)
def conditions(rule: ListenerRule) -> Iterator[Problem]:
    place = rule["conditions"]
    entries = place.items()
    if place.given and not entries:
        yield place.problem("one condition or more", "add a condition, or use the listener's default action")
        return
    values = [value for each in entries for value in _values(each)]
    if len(values) > _MOST_VALUES:
        yield place.problem(
            f"at most {_MOST_VALUES} values in all conditions, not {len(values)}",
            "divide it into rules of their own priorities",
            quote=_SAID_VALUES,
        )
    patterns = [each for each in values if "regexValues" not in each.path]  # in those * and ? are no wildcards
    texts, doubt = readable(patterns, lambda each: each.text() or "")
    wildcards = sum(text.count("*") + text.count("?") for text in texts)
    if wildcards > _MOST_WILDCARDS:
        yield place.problem(f"at most {_MOST_WILDCARDS} wildcards, not {wildcards}", "divide it into several rules")
    for name in _ONCE:
        named = [each[name] for each in entries if each[name].given]
        if len(named) > 1:
            yield named[1].problem("one condition of a kind", "put the values into the first")
    yield from independently([*(_fits(value) for value in values), *(_header(each["httpHeader"]) for each in entries)])
    if doubt is not None:
        raise doubt


def _fits(value: Value) -> Iterator[Problem]:
    text = value.text() if not value.unknown else None
    if text is None:
        return
    if "httpRequestMethod" in value.path:
        if not _METHOD.fullmatch(text):
            yield value.problem("a method in capital letters, 40 at most", "correct it")
    elif "sourceIp" in value.path:
        if "/" not in text:
            yield value.problem("a range of addresses, as 10.0.0.0/16", "add the length of its prefix")
    elif not 0 < len(text) <= _MOST_CHARACTERS:
        yield value.problem(f"1 to {_MOST_CHARACTERS} characters, not {len(text)}", "shorten it")


def _header(header: Value) -> Iterator[Problem]:
    name = header["httpHeaderName"]
    if header.given and not _HEADER.fullmatch(name.text() or ""):
        yield name.problem("the name of a header, at most 40 characters", "set httpHeaderName")


def _values(condition: Value) -> Iterator[Value]:
    for name in ("hostHeader", "httpHeader", "httpRequestMethod", "pathPattern", "sourceIp"):
        yield from condition[name]["values"].items()
        yield from condition[name]["regexValues"].items()
    for each in condition["queryStrings"].items():
        yield each["value"]


@stack_rule(
    "LS-03 actions",
    on=(Listener, ListenerRule),
    title="A listener or rule ends in one action, changes what it redirects, and authenticates over HTTPS only",
    why="One of forward, redirect and fixed-response comes last, once. A redirect to the same place is a circle.",
    level=Level.REJECTED,
    source=f"{_API}/API_RedirectActionConfig.html",
)
def actions(owner: Listener | ListenerRule) -> Iterator[Problem]:
    place = owner["defaultActions" if isinstance(owner, Listener) else "actions"]
    entries = place.items()
    yield from independently(
        (
            _one_at_the_end(place, entries),
            *(_redirects(each["redirect"]) for each in entries),
            *(_told(each) for each in entries),
            _over_https(owner, entries),
        )
    )
    for each in entries:
        groups = each["forward"]["targetGroups"]
        if len(groups.items()) > _MOST_GROUPS:
            yield groups.problem(f"at most {_MOST_GROUPS} target groups", "remove some")


def _one_at_the_end(place: Value, entries: list[Value]) -> Iterator[Problem]:
    if not entries:
        return
    kinds = [each["type"].text() or "" for each in entries]
    last = [kind for kind in kinds if kind in _LAST]
    if len(last) != 1:
        yield place.problem(
            f"exactly one of {quoted(_LAST)}, not {quoted(last)}", "keep one, and make rules of their own of the others"
        )
        return
    orders = [each["order"].number() for each in entries]
    if None not in orders and orders[kinds.index(last[0])] != max(order or 0 for order in orders):
        yield place.problem(f"{last[0]} as the last action", "give it the highest order")


def _told(action: Value) -> Iterator[Problem]:
    kind = action["type"].text() or ""
    if kind == "forward":
        if not any(action[name].given for name in ("targetGroupArn", "forward")):
            yield action["targetGroupArn"].problem("a target group with forward", "set targetGroupArn or forward")
    elif kind in _TELLS and not action[_TELLS[kind]].given:
        yield action[_TELLS[kind]].problem(f"what to do with {kind}", f"set {_TELLS[kind]}")


def _redirects(redirect: Value) -> Iterator[Problem]:
    if redirect.given and all(_stays(redirect[name], word) for name, word in _UNCHANGED.items()):
        yield redirect.problem("another protocol, host, port or path than that of the request", "change one of them")


def _stays(part: Value, word: str) -> bool:
    return part.text() in (None, word)


def _over_https(owner: Listener | ListenerRule, entries: list[Value]) -> Iterator[Problem]:
    for each in entries:
        if each["type"].text() in _AUTHENTICATES:
            listener = owner if isinstance(owner, Listener) else owner["listenerArn"].one(Listener)
            if listener is not None and listener.protocol != "HTTPS":
                yield each["type"].problem(f"a listener of HTTPS, unlike {listener.label}", "use a listener of HTTPS")


@stack_rule(
    "LS-04 listener-of-its-balancer",
    on=(Listener, ListenerRule),
    title="A listener has a protocol and actions of its type of load balancer, and rules with applications only",
    why="Application Load Balancers listen on HTTP and HTTPS, Network Load Balancers on TCP, TLS, UDP and QUIC. The "
    "latter only forward, and have no rules.",
    level=Level.REJECTED,
    source=f"{_API}/API_CreateListener.html",
)
def listener_of_its_balancer(owner: Listener | ListenerRule) -> Iterator[Problem]:
    if isinstance(owner, Listener):
        kind = kind_of_balancer(owner)
        yield from independently((_speaks(owner, kind), _only_forwards(owner, kind)))
    elif (kind := kind_of_rule(owner)) != "application":
        yield owner["listenerArn"].problem(
            f"a listener of an Application Load Balancer, not of one of type {kind}", "make a listener for each group"
        )


def _only_forwards(listener: Listener, kind: str) -> Iterator[Problem]:
    for each in listener["defaultActions"].items() if kind != "application" else ():
        action = each["type"]
        if action.text() not in (None, "forward"):
            yield action.problem(f'"forward" with a load balancer of type {kind}', "forward to a target group")


def _speaks(listener: Listener, kind: str) -> Iterator[Problem]:
    place = listener["protocol"]
    protocol = (place.text() or "").upper()
    allowed = LISTENS_ON.get(kind)
    if allowed is None or protocol in allowed or (not protocol and kind == "application"):
        return
    if kind == "gateway":
        yield place.problem("nothing with a Gateway Load Balancer", "remove protocol")
    else:
        yield place.problem(
            f"one of {quoted(allowed)}, as the load balancer is of type {kind}",
            "change protocol, or loadBalancerType of the load balancer",
            quote=_SAID_TCP if (kind, protocol) == ("application", "TCP") else None,
        )


@stack_rule(
    "LS-05 group-of-its-listener",
    on=(Listener, ListenerRule),
    title="A listener forwards to target groups of protocols that go together with its own",
    why="What a listener takes from clients it hands on in one of a few ways. HTTP/2 and gRPC to targets need HTTPS.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=f"{_ALB}/load-balancer-target-groups.html",
)
def group_of_its_listener(owner: Listener | ListenerRule) -> Iterator[Problem]:
    groups, doubt = forwards_to(owner)
    place = owner["defaultActions" if isinstance(owner, Listener) else "actions"]
    if groups:
        listener = owner if isinstance(owner, Listener) else owner["listenerArn"].one(Listener)
        if listener is not None:
            protocol = listener.protocol or ""
            checks = [_goes_together(place, listener, protocol, each) for each in groups]
            yield from independently(checks)
    if doubt is not None:
        raise doubt


def _goes_together(place: Value, listener: Listener, protocol: str, group: TargetGroup) -> Iterator[Problem]:
    allowed = FORWARDS_TO.get(protocol)
    if allowed is None:
        return  # LS-04
    kind = group.target_type
    told = f"{listener.label} of {protocol or 'no protocol'}"
    if kind == "lambda":
        if protocol not in ("HTTP", "HTTPS"):
            yield place.problem(
                f"no target group of Lambda functions behind {told}", "use an Application Load Balancer"
            )
        return
    if kind == "alb" and protocol not in ("TCP", "TLS"):
        yield place.problem(f"no target group of type alb behind {told}", "use a listener of TCP")
        return
    theirs = group.protocol or ""
    if theirs and theirs not in allowed:
        yield Problem(
            place.resource.urn,
            place.location,
            f"{place.resource.label} {place.location}: got {group.label} of {theirs} behind {told}, expected a target "
            f"group of {quoted(allowed)}; change protocol of one of the two",
            source="" if protocol in ("HTTP", "HTTPS", "") else f"{_NLB}/load-balancer-target-groups.html",
        )
        return
    version = group.protocol_version
    if version in _OF_HTTPS_ONLY and protocol == "HTTP":
        yield Problem(
            place.resource.urn,
            place.location,
            f"{place.resource.label} {place.location}: got {group.label} of protocolVersion {version} behind {told}, "
            "expected a listener of HTTPS; listen on HTTPS, or use HTTP1",
            quote=_SAID_HTTP2 if version == "HTTP2" else None,
        )


@resource_rule(
    "LS-06 group-by-itself",
    on=TargetGroup,
    title="Protocol, port, health check and stickiness of a target group go together",
    why="HTTP is checked by HTTP; GENEVE, of Gateway Load Balancers, has one port. Cookies stick with HTTP only.",
    level=Level.REJECTED,
    source=f"{_API}/API_CreateTargetGroup.html",
)
def group_by_itself(group: TargetGroup) -> Iterator[Problem]:
    protocol = group.protocol
    if protocol is None:
        return
    port, check = group["port"], group["healthCheck"]["protocol"]
    of_http = protocol in ("HTTP", "HTTPS")
    if protocol == "GENEVE" and port.number() != _GENEVE_PORT:
        yield port.problem(f"{_GENEVE_PORT} with protocol GENEVE", "change port")
    allowed = ("HTTP", "HTTPS") if of_http else ("HTTP", "HTTPS", "TCP")
    if check.given and (check.text() or "").upper() not in allowed:
        yield check.problem(f"one of {quoted(allowed)} with protocol {protocol}", "change healthCheck.protocol")
    yield from _sticks(group["stickiness"], protocol)


def _sticks(stickiness: Value, protocol: str) -> Iterator[Problem]:
    kind = stickiness["type"]
    known = {each for kinds in _STICKS_BY.values() for each in kinds}
    allowed = _STICKS_BY.get(protocol, ())
    # Of one that is off the provider sends no type.
    if stickiness["enabled"].flag() is False or not allowed or kind.text() not in known - set(allowed):
        return
    quote = _SAID_STICKY if (kind.text(), protocol) == ("lb_cookie", "TCP") else None
    yield kind.problem(f"one of {quoted(allowed)} with protocol {protocol}", "change stickiness.type", quote=quote)


@stack_rule(
    "LS-07 group-of-one-balancer",
    on=TargetGroup,
    title="A target group is of one load balancer",
    why="ELB refuses the listener or rule that would give it a second one.",
    level=Level.REJECTED,
    source=_QUOTAS,
)
def group_of_one_balancer(group: TargetGroup) -> Iterator[Problem]:
    balancers: dict[str, LoadBalancer] = {}
    attached, doubt = all_attachments(group)
    for each in attached:
        try:
            balancer = balancer_of(each)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
        else:
            if balancer is not None:
                balancers[balancer.urn] = balancer
    if len(balancers) > 1:
        yield Problem(
            group.urn,
            "",
            f"{group.label}: got listeners of {' and '.join(each.label for each in balancers.values())}, expected "
            "those of one load balancer; make a target group for each, and name both in the service",
        )
    elif doubt is not None:
        raise doubt
