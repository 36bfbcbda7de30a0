from typing import Any

from tests.policy import good_stacks
from tests.policy.example import missing, not_applicable, passes, resource, target_group, unknown, violates
from tests.policy.good_stacks import mutant
from tests.policy.stacks import Resources
from tests.policy.stacks import unknown as not_known


def balancer(kind: str = "aws:lb/loadBalancer:LoadBalancer", **properties: Any) -> Resources:
    return {"alb": resource(kind, **properties)}


def subnet(zone: object) -> dict[str, Any]:
    return resource("aws:ec2/subnet:Subnet", availabilityZone=zone)


def listener(**properties: Any) -> Resources:
    return {"listener": resource("aws:lb/listener:Listener", **properties)}


def listener_rule(**properties: Any) -> dict[str, Any]:
    return resource("aws:lb/listenerRule:ListenerRule", **properties)


def group(**properties: Any) -> Resources:
    return {"group": target_group(**properties)}


def checked(**check: Any) -> Resources:
    return group(protocol="HTTP", healthCheck=check)


A, C = subnet("ap-northeast-1a"), subnet("ap-northeast-1c")
IN_TWO = {**balancer(subnets=["${a.id}", "${c.id}"]), "a": A, "c": C}
NLB = balancer(loadBalancerType="network")
NO_LOAD_BALANCER = {"a": A}
COMPLETE = {"vpcId": "vpc-1", "port": 80, "protocol": "HTTP"}
FORWARD = [{"type": "forward", "targetGroupArn": "arn"}]
ELB = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/"
TO_HTTPS = [{"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}]
RULE = listener_rule(listenerArn="${listener.arn}", actions=FORWARD)
LOGS = {"bucket": "logs", "enabled": True}


def acl(arn: str) -> dict[str, Any]:
    return resource("aws:wafv2/webAclAssociation:WebAclAssociation", resourceArn=arn, webAclArn="arn:aws:wafv2:x")


EXAMPLES = {
    "LB-01": [
        violates(
            "one subnet",
            {**balancer(subnets=["${a.id}"]), "a": A},
            at={"alb.subnets"},
            says=(
                "LoadBalancer 'alb' subnets: got [\"subnet-a\"], expected two subnets or more, not 1; add a subnet of "
                "another zone"
            ),
        ),
        violates("two subnets of one zone", {**IN_TWO, "c": A}, at={"alb.subnets"}, preview=True),
        violates(
            "by mappings",
            {**IN_TWO, **balancer(subnetMappings=[{"subnetId": "${a.id}"}, {"subnetId": "${b.id}"}]), "b": A},
            at={"alb.subnetMappings"},
        ),
        passes("two zones", IN_TWO),
        passes(
            "two zones, by an old name of the type",
            {**IN_TWO, **balancer("aws:alb/loadBalancer:LoadBalancer", subnets=["${a.id}", "${c.id}"])},
            preview=True,
        ),
        missing("no subnets", balancer(), at={"alb.subnets"}),
        unknown("an unknown zone", {**IN_TWO, "c": subnet(not_known())}, not_evaluated={"c.availabilityZone"}),
        unknown(
            "subnets of another stack",
            balancer(subnets=[not_known(), not_known()]),
            not_evaluated={"alb.subnets[0]"},
        ),
        not_applicable("a load balancer for connections", NLB),
    ],
    "LB-02": [
        violates(
            "too long",
            balancer(name="a" * 33),
            at={"alb.name"},
            says=(
                f"LoadBalancer 'alb' name: got \"{'a' * 33}\", expected 1 to 32 letters, digits or -, with no - at "
                "either end; choose another name"
            ),
        ),
        violates("an underscore", group(name="my_group"), at={"group.name"}),
        violates("a hyphen at the end", group(name="web-"), at={"group.name"}),
        violates("AWS's own beginning", balancer(name="internal-web"), at={"alb.name"}),
        passes("a name", balancer(name="web-1")),
        missing("no name: Pulumi makes one", balancer()),
        unknown("unknown", balancer(name=not_known()), not_evaluated={"alb.name"}),
        not_applicable("no load balancer", NO_LOAD_BALANCER),
    ],
    "LB-03": [
        violates(
            "no VPC",
            group(targetType="ip", port=80, protocol="HTTP"),
            at={"group.vpcId"},
            says="TargetGroup 'group' vpcId: got nothing, expected a value with targetType ip; set vpcId",
        ),
        violates(
            "no health checks", group(**COMPLETE, healthCheck={"enabled": False}), at={"group.healthCheck.enabled"}
        ),
        passes("complete", group(**COMPLETE)),
        missing("nothing", group(), at={"group.vpcId", "group.port", "group.protocol"}),
        unknown(
            "an unknown VPC, and no port",
            group(vpcId=not_known(), protocol="HTTP"),
            at={"group.port"},
            not_evaluated=(),
        ),
        not_applicable("Lambda", group(targetType="lambda")),
    ],
    "LB-04": [
        violates(
            "a timeout as long as the interval",
            checked(interval=5, timeout=5),
            at={"group.healthCheck.timeout"},
            says=(
                "TargetGroup 'group' healthCheck.timeout: got 5, expected less than the interval, which is 5; lower "
                "the timeout"
            ),
        ),
        violates("a timeout as long as the provider's interval", checked(timeout=30), at={"group.healthCheck.timeout"}),
        violates("an interval below AWS's timeout", checked(interval=5), at={"group.healthCheck.interval"}),
        violates(
            "an interval below AWS's timeout for TLS",
            group(protocol="TLS", healthCheck={"interval": 9}),
            at={"group.healthCheck.interval"},
        ),
        violates(
            "a timeout above the interval behind a network load balancer",
            group(protocol="TCP", healthCheck={"interval": 10, "timeout": 11}),
            at={"group.healthCheck.timeout"},
        ),
        passes("as long as AWS's timeout for TCP", group(protocol="TCP", healthCheck={"interval": 10})),
        passes(
            "a timeout as long as the interval, for TCP",
            group(protocol="TCP", healthCheck={"interval": 5, "timeout": 5}),
        ),
        passes(
            "TCP that is checked by HTTP, whose timeout is shorter",
            group(protocol="TCP", healthCheck={"protocol": "HTTP", "interval": 6}),
        ),
        passes("an interval above AWS's timeout", checked(interval=7)),
        passes("an interval alone, of UDP", group(protocol="UDP", healthCheck={"interval": 10})),
        violates("an error as health", checked(matcher="200-503"), at={"group.healthCheck.matcher"}),
        violates("no codes", checked(matcher="OK"), at={"group.healthCheck.matcher"}),
        violates(
            "HTTP codes for gRPC",
            group(protocol="HTTP", protocolVersion="GRPC", healthCheck={"matcher": "200"}),
            at={"group.healthCheck.matcher"},
        ),
        violates(
            "an error as health of a gateway's target",
            group(protocol="GENEVE", healthCheck={"matcher": "200-499"}),
            at={"group.healthCheck.matcher"},
        ),
        violates(
            "no code of a function",
            group(targetType="lambda", healthCheck={"matcher": "1"}),
            at={"group.healthCheck.matcher"},
        ),
        passes("gRPC in lower case", group(protocol="HTTP", protocolVersion="grpc", healthCheck={"matcher": "0-99"})),
        passes(
            "codes behind a network load balancer",
            group(protocol="TCP", healthCheck={"protocol": "HTTP", "matcher": "200-599"}),
        ),
        passes(
            "within", checked(interval=5, timeout=4, healthyThreshold=2, unhealthyThreshold=10, matcher="200,301-302")
        ),
        missing("AWS's defaults", group()),
        unknown(
            "an unknown interval silences nothing else",
            checked(interval=not_known(), matcher="OK"),
            at={"group.healthCheck.matcher"},
            not_evaluated={"group.healthCheck.interval"},
        ),
        not_applicable("no target group", NO_LOAD_BALANCER),
    ],
    "LB-05": [
        violates(
            "no certificate",
            listener(protocol="HTTPS"),
            at={"listener.certificateArn"},
            says=(
                "Listener 'listener' certificateArn: got nothing, expected the ARN of a certificate; set certificateArn"
            ),
        ),
        violates("in lower case", listener(protocol="https"), at={"listener.certificateArn"}),
        violates("none for TLS", listener(protocol="TLS"), at={"listener.certificateArn"}),
        violates(
            "one for HTTP",
            listener(protocol="HTTP", certificateArn="arn:aws:acm:x"),
            at={"listener.certificateArn"},
        ),
        violates(
            "a security policy for HTTP, which nothing means",
            listener(port=80, sslPolicy="ELBSecurityPolicy-2016-08"),
            at={"listener.sslPolicy"},
        ),
        violates(
            "both for TCP",
            listener(protocol="tcp", certificateArn="arn:aws:acm:x", sslPolicy="ELBSecurityPolicy-2016-08"),
            at={"listener.certificateArn", "listener.sslPolicy"},
        ),
        passes("a certificate", listener(protocol="HTTPS", certificateArn="arn:aws:acm:x")),
        missing("no protocol", listener()),
        unknown("an unknown protocol", listener(protocol=not_known()), not_evaluated={"listener.protocol"}),
        passes("HTTP without", listener(protocol="HTTP", sslPolicy="")),
        not_applicable("a target group", group()),
    ],
    "LB-06": [
        violates(
            "plain HTTP",
            listener(protocol="HTTP", defaultActions=[{"type": "forward", "targetGroupArn": "arn"}]),
            at={"listener.protocol"},
            says=(
                'Listener \'listener\' protocol: got "HTTP", expected "HTTPS", or only a redirect to HTTPS; listen on '
                "HTTPS, and redirect HTTP to it"
            ),
        ),
        violates(
            "a redirect to HTTP",
            listener(protocol="HTTP", defaultActions=[{"type": "redirect", "redirect": {"host": "www"}}]),
            at={"listener.protocol"},
        ),
        violates("in lower case", listener(protocol="http", defaultActions=FORWARD), at={"listener.protocol"}),
        violates(
            "a redirect and a page",
            listener(protocol="HTTP", defaultActions=[*TO_HTTPS, {"type": "fixed-response"}]),
            at={"listener.protocol"},
        ),
        passes("a redirect", listener(protocol="HTTP", defaultActions=TO_HTTPS)),
        passes("a redirect, without protocol", listener(port=80, defaultActions=TO_HTTPS)),
        missing("no protocol: HTTP", listener(port=80, defaultActions=FORWARD), at={"listener.protocol"}),
        missing(
            "no protocol, and no port, but an application load balancer: HTTP",
            listener(loadBalancerArn=ELB + "app/a/1", defaultActions=FORWARD),
            at={"listener.protocol"},
        ),
        missing("no protocol at a gateway", listener(loadBalancerArn=ELB + "gwy/a/1", defaultActions=FORWARD)),
        missing("no actions", listener(protocol="HTTP"), at={"listener.protocol"}),
        unknown(
            "unknown actions",
            listener(protocol="HTTP", defaultActions=not_known()),
            not_evaluated={"listener.defaultActions"},
        ),
        not_applicable("HTTPS", listener(protocol="HTTPS")),
    ],
    "LB-06b": [
        violates(
            "a page beside the redirect",
            {**listener(protocol="HTTP", defaultActions=TO_HTTPS), "rule": RULE},
            at={"rule.actions"},
            says=(
                'ListenerRule \'rule\' actions: got [an object with "type", "targetGroupArn"], expected only a '
                "redirect to HTTPS, as Listener 'listener' on plain HTTP has by default; put the rule on a listener "
                "for HTTPS"
            ),
            preview=True,
        ),
        passes(
            "another redirect",
            {
                **listener(protocol="HTTP", defaultActions=TO_HTTPS),
                "rule": listener_rule(listenerArn="${listener.arn}", actions=TO_HTTPS),
            },
        ),
        missing(
            "no actions",
            {**listener(port=80, defaultActions=TO_HTTPS), "rule": listener_rule(listenerArn="${listener.arn}")},
            at={"rule.actions"},
        ),
        unknown(
            "a listener of somebody else",
            {"rule": listener_rule(listenerArn=not_known(), actions=FORWARD)},
            not_evaluated={"rule.listenerArn"},
        ),
        not_applicable("a listener for HTTPS", {**listener(protocol="HTTPS"), "rule": RULE}),
        not_applicable(
            "a listener that serves plain HTTP by itself, which LB-06 reports",
            {**listener(protocol="HTTP", defaultActions=FORWARD), "rule": RULE},
        ),
    ],
    "LB-07": [
        violates(
            "TLS 1.0",
            listener(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-2016-08"),
            at={"listener.sslPolicy"},
            options={"allowedPolicies": ["ELBSecurityPolicy-TLS13-1-2-2021-06"]},
            says=(
                "Listener 'listener' sslPolicy: got \"ELBSecurityPolicy-2016-08\", expected one of "
                '"ELBSecurityPolicy-TLS13-1-2-2021-06"; set sslPolicy to "ELBSecurityPolicy-TLS13-1-2-2021-06"'
            ),
        ),
        violates(
            "old ciphers",
            listener(protocol="TLS", sslPolicy="ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06"),
            at={"listener.sslPolicy"},
        ),
        violates("in lower case", listener(protocol="https"), at={"listener.sslPolicy"}),
        passes("TLS 1.3", listener(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-3-2021-06")),
        missing("none: one of 2016", listener(protocol="HTTPS"), at={"listener.sslPolicy"}),
        unknown("unknown", listener(protocol="HTTPS", sslPolicy=not_known()), not_evaluated={"listener.sslPolicy"}),
        not_applicable("HTTP", listener(protocol="HTTP")),
    ],
    "LB-08": [
        violates(
            "kept",
            balancer(dropInvalidHeaderFields=False),
            at={"alb.dropInvalidHeaderFields"},
            says=(
                "LoadBalancer 'alb' dropInvalidHeaderFields: got false, expected true; set dropInvalidHeaderFields to "
                "true"
            ),
        ),
        passes("dropped", balancer(dropInvalidHeaderFields=True)),
        missing("not said: kept", balancer(), at={"alb.dropInvalidHeaderFields"}),
        unknown(
            "unknown", balancer(dropInvalidHeaderFields=not_known()), not_evaluated={"alb.dropInvalidHeaderFields"}
        ),
        not_applicable("a load balancer for connections", NLB),
    ],
    "LB-09": [
        violates(
            "off",
            balancer(accessLogs={**LOGS, "enabled": False}),
            at={"alb.accessLogs.enabled"},
            says="LoadBalancer 'alb' accessLogs.enabled: got false, expected true; set accessLogs.enabled to true",
        ),
        passes("on", balancer(accessLogs=LOGS)),
        missing("none", balancer(), at={"alb.accessLogs.bucket"}),
        unknown(
            "unknown", balancer(accessLogs={**LOGS, "enabled": not_known()}), not_evaluated={"alb.accessLogs.enabled"}
        ),
        not_applicable("a gateway", balancer(loadBalancerType="gateway")),
    ],
    "LB-10": [
        violates(
            "off",
            balancer(enableDeletionProtection=False),
            at={"alb.enableDeletionProtection"},
            says=(
                "LoadBalancer 'alb' enableDeletionProtection: got false, expected true; set enableDeletionProtection "
                "to true"
            ),
        ),
        passes("on", balancer(enableDeletionProtection=True)),
        missing("not said: off", balancer(), at={"alb.enableDeletionProtection"}),
        unknown(
            "unknown", balancer(enableDeletionProtection=not_known()), not_evaluated={"alb.enableDeletionProtection"}
        ),
        not_applicable("no load balancer", NO_LOAD_BALANCER),
    ],
    "LB-11": [
        violates(
            "only watched",
            balancer(desyncMitigationMode="monitor"),
            at={"alb.desyncMitigationMode"},
            says=(
                'LoadBalancer \'alb\' desyncMitigationMode: got "monitor", expected "defensive" (the default) or '
                '"strictest"; change desyncMitigationMode'
            ),
        ),
        passes("strictest", balancer(desyncMitigationMode="strictest")),
        missing("not said: defensive", balancer()),
        unknown("unknown", balancer(desyncMitigationMode=not_known()), not_evaluated={"alb.desyncMitigationMode"}),
        not_applicable("a load balancer for connections", NLB),
    ],
    "LB-12": [
        violates(
            "no firewall",
            balancer(),
            at={"alb."},
            says=(
                "LoadBalancer 'alb': got no WebAclAssociation, expected one, since it is on the internet; associate a "
                "web ACL with its ARN"
            ),
        ),
        violates("another's", {**balancer(), "other": balancer()["alb"], "acl": acl("${other.arn}")}, at={"alb."}),
        passes("a firewall, in a first preview", {**balancer(), "acl": acl("${alb.arn}")}, preview=True),
        missing("whether it is internal: no", {**balancer(), "acl": acl("${alb.arn}")}),
        unknown(
            "a firewall for one of two load balancers",
            {**balancer(), "other": balancer()["alb"], "acl": acl("${alb.arn}${other.arn}")},
            not_evaluated={"acl.resourceArn"},
        ),
        not_applicable("internal", balancer(internal=True)),
    ],
}

MUTANTS = {
    "LB-01": [mutant("one zone", good_stacks.FARGATE, "publicC", availabilityZone="ap-northeast-1a")],
    "LB-02": [mutant("an underscore", good_stacks.FARGATE, "alb", name="the_web")],
    "LB-03": [mutant("no port", good_stacks.FARGATE, "group", port=None)],
    "LB-04": [
        mutant(
            "a long timeout",
            good_stacks.FARGATE,
            "group",
            healthCheck={**good_stacks.FARGATE["group"]["properties"]["healthCheck"], "timeout": 10},
        )
    ],
    "LB-05": [mutant("no certificate", good_stacks.FARGATE, "listener", certificateArn=None)],
}
