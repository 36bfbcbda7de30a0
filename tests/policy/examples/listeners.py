from typing import Any

from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, resource, target_group, unknown, violates
from tests.policy.good_stacks import Mutant, mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known

ALB = resource("aws:lb/loadBalancer:LoadBalancer", name="alb")
NLB = resource("aws:lb/loadBalancer:LoadBalancer", name="nlb", loadBalancerType="network")
ELSEWHERE = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/theirs/1"
THEIR_LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/theirs/1/2"


def listener(balancer: str = "${alb.arn}", **properties: Any) -> dict[str, Any]:
    return resource("aws:lb/listener:Listener", loadBalancerArn=balancer, **properties)


def rule(of: str = "${https.arn}", **properties: Any) -> dict[str, Any]:
    return resource("aws:lb/listenerRule:ListenerRule", listenerArn=of, **properties)


def forward(*groups: str) -> list[dict[str, Any]]:
    return [{"type": "forward", "forward": {"targetGroups": [{"arn": f"${{{each}.arn}}"} for each in groups]}}]


HTTPS: Resources = {"alb": ALB, "https": listener(port=443, protocol="HTTPS")}
PATHS = [{"pathPattern": {"values": ["/a", "/b", "/c"]}}]
FORWARDS = [{"type": "forward", "targetGroupArn": "${group.arn}"}]


def together(balancer: dict[str, Any], of: dict[str, Any], group: dict[str, Any]) -> Resources:
    """A listener with these properties that forwards to a target group with those."""
    return {
        "alb": balancer,
        "group": target_group(**{"targetType": "ip", **group}),
        "listener": listener(port=443, **of, defaultActions=FORWARDS),
    }


def acting(*actions: dict[str, Any], protocol: str = "HTTPS") -> Resources:
    return {"alb": ALB, "listener": listener(port=443, protocol=protocol, defaultActions=list(actions))}


FIXED = {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": "404"}}
LOGIN = {"type": "authenticate-oidc", "order": 1, "authenticateOidc": {"issuer": "https://login.example"}}


def redirect(**parts: str) -> dict[str, Any]:
    return {"type": "redirect", "redirect": {"statusCode": "HTTP_301", **parts}}


EXAMPLES = {
    "LS-01": [
        violates(
            "a priority twice",
            {**HTTPS, "a": rule(priority=40), "b": rule(priority=40)},
            at={"b.priority"},
            says=(
                "ListenerRule 'b' priority: got 40, expected another priority than that of ListenerRule "
                "'a'; change priority of one of the two"
            ),
        ),
        violates(
            "in a first preview",
            {**HTTPS, "a": rule(priority=40), "b": rule(priority=40)},
            at={"b.priority"},
            preview=True,
        ),
        violates("a port twice", {**HTTPS, "more": listener(port=443, protocol="HTTP")}, at={"more.port"}),
        violates(
            "a port of a network load balancer for TCP and for UDP",
            {
                "nlb": NLB,
                "tcp": listener("${nlb.arn}", port=53, protocol="TCP"),
                "udp": listener("${nlb.arn}", port=53, protocol="UDP"),
            },
            at={"udp.port"},
        ),
        violates(
            "a priority of a listener of another stack",
            {
                "a": rule(THEIR_LISTENER, priority=1),
                "b": rule(THEIR_LISTENER, priority=1),
                "c": rule(THEIR_LISTENER, priority=2),
            },
            at={"b.priority"},
        ),
        passes("other priorities", {**HTTPS, "a": rule(priority=40), "b": rule(priority=41)}),
        passes(
            "the same priority at another listener",
            {**HTTPS, "http": listener(port=80), "a": rule(priority=40), "b": rule("${http.arn}", priority=40)},
        ),
        passes(
            "the same port at another load balancer",
            {**HTTPS, "nlb": NLB, "tls": listener("${nlb.arn}", port=443, protocol="TLS")},
        ),
        missing("priorities that AWS chooses", {**HTTPS, "a": rule(), "b": rule()}),
        unknown(
            "an unknown priority beside a known one",
            {**HTTPS, "a": rule(priority=not_known()), "b": rule(priority=40)},
            not_evaluated={"a.priority"},
        ),
        not_applicable("no listener", {"alb": ALB}),
    ],
    "LS-02": [
        violates(
            "a path too long",
            {"a": rule(THEIR_LISTENER, conditions=[{"pathPattern": {"values": ["/" + "a" * 128]}}])},
            at={"a.conditions[0].pathPattern.values[0]"},
        ),
        violates(
            "a method in small letters, an address without prefix",
            {
                "a": rule(
                    THEIR_LISTENER,
                    conditions=[{"httpRequestMethod": {"values": ["get"]}}, {"sourceIp": {"values": ["10.0.0.1"]}}],
                )
            },
            at={"a.conditions[0].httpRequestMethod.values[0]", "a.conditions[1].sourceIp.values[0]"},
        ),
        violates(
            "a header without a name",
            {"a": rule(THEIR_LISTENER, conditions=[{"httpHeader": {"values": ["x"]}}])},
            at={"a.conditions[0].httpHeader.httpHeaderName"},
        ),
        passes(
            "128 characters, a method of one's own, IPv6",
            {
                "a": rule(
                    THEIR_LISTENER,
                    conditions=[
                        {"pathPattern": {"values": ["/" + "a" * 127]}},
                        {"httpRequestMethod": {"values": ["M-SEARCH"]}},
                        {"sourceIp": {"values": ["2001:db8::/32"]}},
                        {"httpHeader": {"httpHeaderName": "X_Tenant", "values": ["*"]}},
                    ],
                )
            },
        ),
        violates(
            "six values in one condition",
            {"a": rule(THEIR_LISTENER, conditions=[{"pathPattern": {"values": list("abcdef")}}])},
            at={"a.conditions"},
            says=(
                "ListenerRule 'a' conditions: got [an object with \"pathPattern\"], expected at most 5 "
                "values in all conditions, not 6; divide it into rules of their own priorities"
            ),
        ),
        violates(
            "six values in three",
            {
                "a": rule(
                    THEIR_LISTENER,
                    conditions=[
                        *PATHS,
                        {"hostHeader": {"values": ["a.example", "b.example"]}},
                        {"queryStrings": [{"key": "k", "value": "v"}]},
                    ],
                )
            },
            at={"a.conditions"},
        ),
        violates(
            "two conditions on the path",
            {
                "a": rule(
                    THEIR_LISTENER,
                    conditions=[{"pathPattern": {"values": ["/a"]}}, {"pathPattern": {"values": ["/b"]}}],
                )
            },
            at={"a.conditions[1].pathPattern"},
        ),
        violates("no condition", {"a": rule(THEIR_LISTENER, conditions=[])}, at={"a.conditions"}),
        violates(
            "seven wildcards",
            {"a": rule(THEIR_LISTENER, conditions=[{"pathPattern": {"values": ["/*/*/*", "/a/*/b/*/c/*", "/?"]}}])},
            at={"a.conditions"},
        ),
        passes(
            "five values",
            {"a": rule(THEIR_LISTENER, conditions=[*PATHS, {"hostHeader": {"values": ["a.example", "b.example"]}}])},
        ),
        passes(
            "two conditions on headers",
            {
                "a": rule(
                    THEIR_LISTENER,
                    conditions=[
                        {"httpHeader": {"httpHeaderName": "A", "values": ["1"]}},
                        {"httpHeader": {"httpHeaderName": "B", "values": ["2"]}},
                    ],
                )
            },
        ),
        passes(
            "regular expressions, in which * and ? are no wildcards",
            {"a": rule(THEIR_LISTENER, conditions=[{"pathPattern": {"regexValues": ["^/(a.*)?(b.*)?(c.*)?(d.*)?$"]}}])},
        ),
        passes(
            "two on query strings",
            {"a": rule(THEIR_LISTENER, conditions=[{"queryStrings": [{"value": "a"}, {"value": "b"}]}])},
        ),
        missing("conditions not said", {"a": rule(THEIR_LISTENER)}),
        unknown(
            "unknown conditions", {"a": rule(THEIR_LISTENER, conditions=not_known())}, not_evaluated={"a.conditions"}
        ),
        not_applicable("a listener", HTTPS),
    ],
    "LS-03": [
        violates("forward to nothing", acting({"type": "forward"}), at={"listener.defaultActions[0].targetGroupArn"}),
        violates(
            "an answer without words",
            acting({"type": "fixed-response"}),
            at={"listener.defaultActions[0].fixedResponse"},
        ),
        violates("a redirect to nowhere", acting({"type": "redirect"}), at={"listener.defaultActions[0].redirect"}),
        violates(
            "a redirect to the same place",
            acting(redirect()),
            at={"listener.defaultActions[0].redirect"},
            says=(
                "Listener 'listener' defaultActions[0].redirect: got an object with \"statusCode\", "
                "expected another protocol, host, port or path than that of the request; change one of "
                "them"
            ),
        ),
        violates(
            "the same, written out",
            acting(redirect(protocol="#{protocol}", port="#{port}", host="#{host}", path="/#{path}", query="a=b")),
            at={"listener.defaultActions[0].redirect"},
        ),
        violates("two answers", acting(FIXED, redirect(protocol="HTTPS")), at={"listener.defaultActions"}),
        violates("a login only", acting(LOGIN), at={"listener.defaultActions"}),
        violates(
            "a login over HTTP",
            acting(LOGIN, {**FIXED, "order": 2}, protocol="HTTP"),
            at={"listener.defaultActions[0].type"},
        ),
        violates(
            "a login after the answer",
            acting({**LOGIN, "order": 2}, {**FIXED, "order": 1}),
            at={"listener.defaultActions"},
        ),
        passes("a redirect to HTTPS", acting(redirect(protocol="HTTPS", port="443"), protocol="HTTP")),
        passes("a redirect to another path", acting(redirect(path="/new/#{path}"))),
        passes("a login, then an answer", acting(LOGIN, {**FIXED, "order": 2})),
        passes(
            "two target groups",
            {**HTTPS, "a": target_group(), "b": target_group(), "rule": rule(actions=forward("a", "b"))},
        ),
        missing("no actions", HTTPS),
        unknown("unknown actions", {"a": rule(THEIR_LISTENER, actions=not_known())}, not_evaluated={"a.actions"}),
        not_applicable("a load balancer", {"alb": ALB}),
    ],
    "LS-04": [
        violates(
            "a redirect on a network load balancer",
            {"nlb": NLB, "tcp": listener("${nlb.arn}", port=443, protocol="TCP", defaultActions=[redirect(port="1")])},
            at={"tcp.defaultActions[0].type"},
        ),
        violates(
            "a rule on a network load balancer",
            {"nlb": NLB, "tcp": listener("${nlb.arn}", port=443, protocol="TCP"), "a": rule("${tcp.arn}")},
            at={"a.listenerArn"},
            preview=True,
        ),
        violates(
            "a rule on one of another stack",
            {"a": rule(THEIR_LISTENER.replace("/app/", "/net/"))},
            at={"a.listenerArn"},
        ),
        passes("a rule on an application's, of another stack", {"a": rule(THEIR_LISTENER)}),
        passes(
            "an application's listener with two actions and a rule",
            {**HTTPS, "https": listener(port=443, protocol="HTTPS", defaultActions=[LOGIN, FIXED]), "a": rule()},
        ),
        violates(
            "TCP on an application load balancer",
            {"alb": ALB, "tcp": listener(port=443, protocol="TCP")},
            at={"tcp.protocol"},
            says=(
                'Listener \'tcp\' protocol: got "TCP", expected one of "HTTP", "HTTPS", as the load '
                "balancer is of type application; change protocol, or loadBalancerType of the load "
                "balancer"
            ),
        ),
        violates(
            "HTTPS on a network load balancer",
            {"nlb": NLB, "https": listener("${nlb.arn}", port=443, protocol="HTTPS")},
            at={"https.protocol"},
            preview=True,
        ),
        violates(
            "no protocol on a network load balancer",
            {"nlb": NLB, "any": listener("${nlb.arn}", port=443)},
            at={"any.protocol"},
        ),
        violates(
            "UDP on one of another stack",
            {"udp": listener(ELSEWHERE, port=53, protocol="UDP")},
            at={"udp.protocol"},
        ),
        passes("HTTPS, in any case", {"alb": ALB, "https": listener(port=443, protocol="https")}),
        passes("TLS on a network load balancer", {"nlb": NLB, "tls": listener("${nlb.arn}", port=443, protocol="TLS")}),
        passes("HTTP on one of another stack", {"http": listener(ELSEWHERE, port=80, protocol="HTTP")}),
        missing("no protocol on an application load balancer: HTTP", {"alb": ALB, "http": listener(port=80)}),
        unknown(
            "a load balancer of another stack, not known yet",
            {"tcp": listener(not_known(), port=443, protocol="TCP")},
            not_evaluated={"tcp.loadBalancerArn"},
        ),
        not_applicable("a rule", {**HTTPS, "a": rule()}),
    ],
    "LS-05": [
        violates(
            "HTTP/2 to targets behind HTTP",
            together(ALB, {"protocol": "HTTP"}, {"protocol": "HTTP", "protocolVersion": "HTTP2"}),
            at={"listener.defaultActions"},
            says=(
                "Listener 'listener' defaultActions: got TargetGroup 'group' of protocolVersion HTTP2 "
                "behind Listener 'listener' of HTTP, expected a listener of HTTPS; listen on HTTPS, or "
                "use HTTP1"
            ),
        ),
        violates(
            "gRPC behind a listener that says nothing",
            together(ALB, {}, {"protocol": "HTTP", "protocolVersion": "GRPC"}),
            at={"listener.defaultActions"},
        ),
        violates(
            "a target group of TCP behind HTTPS",
            together(ALB, {"protocol": "HTTPS"}, {"protocol": "TCP"}),
            at={"listener.defaultActions"},
            preview=True,
        ),
        violates(
            "GENEVE behind a rule",
            {**HTTPS, "group": target_group(protocol="GENEVE", port=6081), "rule": rule(actions=FORWARDS)},
            at={"rule.actions"},
        ),
        violates(
            "UDP behind TCP",
            together(NLB, {"protocol": "TCP"}, {"protocol": "UDP"}),
            at={"listener.defaultActions"},
        ),
        violates(
            "TCP behind TCP_UDP",
            together(NLB, {"protocol": "TCP_UDP"}, {"protocol": "TCP"}),
            at={"listener.defaultActions"},
        ),
        passes(
            "HTTP/2 behind HTTPS",
            together(ALB, {"protocol": "HTTPS"}, {"protocol": "HTTP", "protocolVersion": "HTTP2"}),
        ),
        passes("HTTPS to targets behind HTTP, in any case", together(ALB, {"protocol": "http"}, {"protocol": "https"})),
        passes("TCP behind TLS", together(NLB, {"protocol": "TLS"}, {"protocol": "TCP"})),
        passes("TCP_QUIC behind TCP", together(NLB, {"protocol": "TCP"}, {"protocol": "TCP_QUIC"})),
        passes("TCP_UDP behind UDP", together(NLB, {"protocol": "UDP"}, {"protocol": "TCP_UDP"})),
        passes("Lambda behind HTTPS", together(ALB, {"protocol": "HTTPS"}, {"targetType": "lambda"})),
        unknown(
            "a target group of another stack",
            {
                "alb": ALB,
                "listener": listener(port=80, defaultActions=[{"type": "forward", "targetGroupArn": "arn:theirs"}]),
            },
            not_evaluated={"listener.defaultActions[0].targetGroupArn"},
        ),
        missing("no protocol of the target group", together(ALB, {"protocol": "HTTPS"}, {})),
        unknown(
            "an unknown protocol",
            together(ALB, {"protocol": "HTTPS"}, {"protocol": not_known()}),
            not_evaluated={"group.protocol"},
        ),
        not_applicable("a redirect", acting(redirect(protocol="HTTPS"), protocol="HTTP")),
    ],
    "LS-06": [
        violates(
            "cookies for TCP",
            {"group": target_group(protocol="TCP", stickiness={"type": "lb_cookie"})},
            at={"group.stickiness.type"},
        ),
        violates(
            "addresses for HTTP",
            {"group": target_group(protocol="HTTP", stickiness={"type": "source_ip", "enabled": True})},
            at={"group.stickiness.type"},
        ),
        violates(
            "cookies for GENEVE",
            {"group": target_group(protocol="GENEVE", port=6081, stickiness={"type": "app_cookie"})},
            at={"group.stickiness.type"},
        ),
        passes("addresses for UDP", {"group": target_group(protocol="UDP", stickiness={"type": "source_ip"})}),
        passes(
            "cookies for TCP that are off",
            {"group": target_group(protocol="TCP", stickiness={"type": "lb_cookie", "enabled": False})},
        ),
        violates(
            "another port for GENEVE",
            {"group": target_group(protocol="GENEVE", port=80)},
            at={"group.port"},
            says=("TargetGroup 'group' port: got 80, expected 6081 with protocol GENEVE; change port"),
        ),
        violates(
            "HTTP that is checked by TCP",
            {"group": target_group(protocol="HTTP", healthCheck={"protocol": "TCP"})},
            at={"group.healthCheck.protocol"},
        ),
        violates(
            "UDP that is checked by UDP",
            {"group": target_group(protocol="UDP", healthCheck={"protocol": "UDP"})},
            at={"group.healthCheck.protocol"},
        ),
        passes("GENEVE on its port", {"group": target_group(protocol="GENEVE", port=6081)}),
        passes(
            "UDP that is checked by HTTP",
            {"group": target_group(protocol="UDP", healthCheck={"protocol": "HTTP"})},
        ),
        passes(
            "a version of TCP, which the provider drops",
            {"group": target_group(protocol="TCP", protocolVersion="HTTP2")},
        ),
        passes("a version of HTTP", {"group": target_group(protocol="http", protocolVersion="HTTP2")}),
        missing("no protocol", {"group": target_group(targetType="lambda")}),
        unknown("an unknown protocol", {"group": target_group(protocol=not_known())}, not_evaluated={"group.protocol"}),
        not_applicable("a listener", HTTPS),
    ],
    "LS-07": [
        violates(
            "behind two load balancers",
            {
                "alb": ALB,
                "other": ALB,
                "group": target_group(protocol="HTTP"),
                "a": listener(port=80, defaultActions=FORWARDS),
                "b": listener("${other.arn}", port=80, defaultActions=FORWARDS),
            },
            at={"group."},
            says=(
                "TargetGroup 'group': got listeners of LoadBalancer 'alb' and LoadBalancer 'other', "
                "expected those of one load balancer; make a target group for each, and name both in the "
                "service"
            ),
        ),
        violates(
            "behind a rule of another one",
            {
                **HTTPS,
                "other": ALB,
                "group": target_group(protocol="HTTP"),
                "a": listener("${other.arn}", port=80, defaultActions=FORWARDS),
                "b": rule(actions=FORWARDS),
            },
            at={"group."},
            preview=True,
        ),
        violates(
            "behind one by weight, and another",
            {
                **HTTPS,
                "other": ALB,
                "group": target_group(protocol="HTTP"),
                "spare": target_group(protocol="HTTP"),
                "a": listener(port=80, defaultActions=forward("group", "spare")),
                "b": listener("${other.arn}", port=80, defaultActions=FORWARDS),
            },
            at={"group."},
        ),
        passes(
            "behind two listeners of one",
            {
                **HTTPS,
                "group": target_group(protocol="HTTP"),
                "a": listener(port=80, defaultActions=FORWARDS),
                "b": rule(actions=FORWARDS),
            },
        ),
        passes("behind one", together(ALB, {"protocol": "HTTP"}, {"protocol": "HTTP"})),
        missing("behind none", {"group": target_group()}),
        unknown(
            "a load balancer of another stack",
            {"group": target_group(), "a": listener(not_known(), defaultActions=FORWARDS)},
            not_evaluated={"a.loadBalancerArn"},
        ),
        not_applicable("no target group", HTTPS),
    ],
}

G = good_stacks.FARGATE
NARROW = {
    **G,
    "rule": rule("${listener.arn}", priority=1, conditions=PATHS, actions=FORWARDS),
}
BESIDE = {
    **G,
    "nlb": resource(
        "aws:lb/loadBalancer:LoadBalancer",
        loadBalancerType="network",
        internal=True,
        subnets=["${privateA.id}", "${privateC.id}"],
        enableDeletionProtection=True,
        accessLogs={"enabled": True, "bucket": "logs-of-load-balancers"},
    ),
}
TCP = {
    **BESIDE,
    "tcpGroup": target_group(protocol="TCP", port=8080, vpcId="${vpc.id}", targetType="ip"),
    "tcp": listener(
        "${nlb.arn}",
        port=8080,
        protocol="TCP",
        defaultActions=[{"type": "forward", "targetGroupArn": "${tcpGroup.arn}"}],
    ),
}
"""The good stack for Fargate beside a network load balancer: good, too."""

MUTANTS = {
    "LS-01": [mutant("a priority twice", {**NARROW, "zweite": NARROW["rule"]}, "rule", priority=1)],
    "LS-02": [mutant("six values", NARROW, "rule", conditions=[*PATHS, {"hostHeader": {"values": ["a", "b", "c"]}}])],
    "LS-03": [mutant("a circle", NARROW, "rule", actions=[redirect()])],
    "LS-04": [
        mutant(
            "HTTP on a network load balancer",
            {
                **BESIDE,
                "tcp": listener(
                    "${nlb.arn}",
                    port=80,
                    protocol="HTTPS",
                    certificateArn="arn:aws:acm:eu-west-1:1:certificate/1",
                    sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
                    defaultActions=[FIXED],
                ),
            },
            "nlb",
            internal=True,
        )
    ],
    "LS-05": [mutant("UDP behind TCP", TCP, "tcpGroup", protocol="UDP")],
    "LS-06": [
        mutant(
            "TCP checks of HTTP",
            G,
            "group",
            healthCheck={**G["group"]["properties"]["healthCheck"], "protocol": "TCP"},
        )
    ],
    "LS-07": [
        Mutant(
            "behind two",
            {
                **TCP,
                "other": {**BESIDE["nlb"]},
                "two": listener(
                    "${other.arn}",
                    port=9090,
                    protocol="TCP",
                    defaultActions=[{"type": "forward", "targetGroupArn": "${tcpGroup.arn}"}],
                ),
            },
        )
    ],
}
