"""The way of a client's request to the load balancer: what AWS's page on clients that cannot connect lists; ACLs."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.load_balancing import kind_of_balancer
from ecs_policy.model import (
    Listener,
    LoadBalancer,
    NetworkAcl,
    NetworkAclAssociation,
    NetworkAclRule,
    Service,
    Subnet,
    Vpc,
)
from ecs_policy.network import WHOLE_INTERNET, WayOut, lets_anybody, way_out
from ecs_policy.reach import groups_of, labels, sides
from ecs_policy.rule import Level, Problem, Severity, Value, stack_rule
from ecs_policy.stack import Resource
from ecs_policy.values import NotEvaluated, independently, quoted

_TROUBLE = (
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html"
    "#client-cannot-connect"
)
_EPHEMERAL = 49152
"""A port of clients that every range of ephemeral ports has. AWS's page names 1024 to 65535."""
_HTTPS, _NFS = 443, 2049
_UDP = ("QUIC", "UDP")
_NUMBERS = {"tcp": ("tcp", "6", "-1", "all"), "udp": ("udp", "17", "-1", "all")}


def _transport(listener: Listener) -> str:
    return "udp" if listener.protocol in _UDP else "tcp"


@stack_rule(
    "CP-01 clients-let-in",
    on=Listener,
    title="The load balancer's security groups let clients in on the port of its listener",
    why="Targets are healthy and deployments succeed all the same, as health checks go another way: clients time out.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=_TROUBLE,
)
def clients_let_in(listener: Listener) -> Iterator[Problem]:
    if kind_of_balancer(listener) == "gateway":
        return
    place, port = listener["loadBalancerArn"], listener["port"].number()
    balancer = place.one(LoadBalancer)
    if balancer is None or port is None:
        return
    groups = balancer["securityGroups"]
    if balancer.kind == "network" and not groups.unknown and not groups.filled:
        return  # a network load balancer without groups lets everybody in
    if balancer["enforceSecurityGroupInboundRulesOnPrivateLinkTraffic"].text() == "off":
        return  # clients come by PrivateLink, whom no rule keeps out
    found = groups_of(groups)
    if not lets_anybody(found, int(port), _transport(listener)):
        yield listener["port"].problem(
            f"a port on which a security group of {balancer.label} lets clients in, which {labels(found)} does not",
            "add an ingress rule for this port and the networks of the clients",
        )


@stack_rule(
    "CP-02 public-subnets",
    on=LoadBalancer,
    title="A load balancer on the internet is in subnets that the internet reaches",
    why="Its addresses are public, but what has no route to an internet gateway answers nobody.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source=_TROUBLE,
)
def public_subnets(balancer: LoadBalancer) -> Iterator[Problem]:
    if balancer.kind == "gateway" or balancer["internal"].flag():
        return
    place, subnets, sure = _subnets(balancer)
    private: list[Subnet] = []
    doubt = None
    for subnet in subnets:
        try:
            if way_out(subnet) is not WayOut.INTERNET:
                private.append(subnet)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if private:
        if not sure:
            place.require_known()
        yield place.problem(
            f"subnets with a route to an internet gateway, unlike {quoted(each.name for each in private)}",
            "choose public subnets, or set internal to true",
        )
    elif doubt is not None:
        raise doubt


def _subnets(balancer: LoadBalancer) -> tuple[Value, list[Subnet], bool]:
    mappings = balancer["subnetMappings"]
    if mappings.given:
        found = [each["subnetId"].one(Subnet) for each in mappings.items()]
        return mappings, [each for each in found if each is not None], True
    place = balancer["subnets"]
    return place, *balancer.stack.possibly(place, Subnet)


@stack_rule(
    "CP-03 clients-pass-acl",
    on=Listener,
    title="Network ACLs of the load balancer's subnets let requests in and answers out",
    why="A network ACL keeps no state: requests come in on the listener's port, answers go out on one of the client.",
    level=Level.FAILS,
    source=_TROUBLE,
)
def clients_pass_acl(listener: Listener) -> Iterator[Problem]:
    stack, port = listener.stack, listener["port"].number()
    if not stack.all(NetworkAcl) or port is None or kind_of_balancer(listener) == "gateway":
        return
    balancer = listener["loadBalancerArn"].one(LoadBalancer)
    if balancer is None:
        return
    _, subnets, sure = _subnets(balancer)
    transport = _transport(listener)
    for subnet in subnets if sure else ():
        acl = _acl(subnet)
        if acl is None:
            continue
        for direction, number in (("ingress", int(port)), ("egress", _EPHEMERAL)):
            if not _passes(acl, direction, number, transport):
                way = (
                    f"lets requests in on port {number}"
                    if direction == "ingress"
                    else "lets answers out, 1024 to 65535"
                )
                yield listener["port"].problem(
                    f"a network ACL of {subnet.label} that {way}, which {acl.label} does not",
                    f"add an {direction} rule for {'that port' if direction == 'ingress' else 'ports 1024 to 65535'}",
                )


@stack_rule(
    "CP-04 tasks-pass-acl",
    on=Service,
    title="Network ACLs of the tasks' subnets let through what the tasks need, and the answers",
    why="A network ACL keeps no state. Images, logs and ECS itself are reached over HTTPS, files over NFS; the load "
    "balancer sends to the port of the container.",
    beyond="Ways of the application itself, and which networks an ACL names: that anybody passes is enough.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html",
)
def tasks_pass_acl(service: Service) -> Iterator[Problem]:
    stack = service.stack
    task_definition = service.task_definition if stack.all(NetworkAcl) else None
    if task_definition is None or "EXTERNAL" in service.launch_types:
        return
    needs = [("egress", _HTTPS, f"lets requests out on port {_HTTPS}"), ("ingress", _EPHEMERAL, "lets answers in")]
    if any(each["efsVolumeConfiguration"].given for each in task_definition["volumes"].items()):
        needs.append(("egress", _NFS, f"lets NFS out on port {_NFS}"))
    ports = []
    if task_definition.network_mode == "awsvpc":
        ports = [port for each in service["loadBalancers"].items() if (port := each["containerPort"].number())]
    if ports:
        needs += [("ingress", int(port), f"lets the load balancer in on port {int(port)}") for port in ports]
        needs.append(("egress", _EPHEMERAL, "lets answers out"))
    for side in sides(service, task_definition):
        subnets, sure = stack.possibly(side.subnets, Subnet)
        for subnet in subnets if sure else ():
            acl = _acl(subnet)
            if acl is not None:
                yield from independently(_lets(side.subnets, subnet, acl, *need) for need in needs)


def _lets(place: Value, subnet: Subnet, acl: NetworkAcl, direction: str, port: int, what: str) -> Iterator[Problem]:
    if not _passes(acl, direction, port, "tcp"):
        yield place.problem(
            f"a network ACL of {subnet.label} that {what}, which {acl.label} does not",
            f"add an {direction} rule for {'ports 1024 to 65535' if port == _EPHEMERAL else 'that port'}",
        )


def _acl(subnet: Subnet) -> NetworkAcl | None:
    """The network ACL in force, if the stack says what it holds; AWS's own default one lets everything through."""
    stack = subnet.stack
    associated = stack.relation(NetworkAclAssociation, "subnetId", Subnet).of(subnet)
    if associated:
        return associated[-1]["networkAclId"].one(NetworkAcl)
    named = stack.relation(NetworkAcl, "subnetIds", Subnet).of(subnet)
    if named:
        return named[-1]
    place = subnet["vpcId"]
    if not place.unknown and not stack.known_as(place.text() or "", Vpc):
        return None
    vpc = place.one(Vpc)
    adopted = [] if vpc is None else stack.relation(NetworkAcl, "defaultNetworkAclId", Vpc).of(vpc)
    return adopted[0] if adopted else None


def _passes(acl: NetworkAcl, direction: str, port: int, transport: str) -> bool:
    """Whether anybody passes: the first rule that fits decides, and one that denies a part does not deny all."""
    rules = acl.stack.relation(NetworkAclRule, "networkAclId", NetworkAcl)
    entries: list[tuple[float, bool, Value | Resource]] = []
    for written in acl[direction].items():
        entries.append((written["ruleNo"].number() or 0, written["action"].text() == "allow", written))
    for rule in rules.sure(acl):
        if bool(rule["egress"].flag()) is (direction == "egress"):
            entries.append((rule["ruleNumber"].number() or 0, rule["ruleAction"].text() == "allow", rule))
    for _, allows, entry in sorted(entries, key=lambda each: each[0]):
        if not _fits(entry, port, transport):
            continue
        if allows:
            return True
        if entry["cidrBlock"].text() in WHOLE_INTERNET or entry["ipv6CidrBlock"].text() in WHOLE_INTERNET:
            break
    doubt = rules.doubt_about(acl)
    if doubt is not None:
        raise doubt
    return False


def _fits(entry: Value | Resource, port: int, transport: str) -> bool:
    protocol = (entry["protocol"].text() or "-1").lower()
    if protocol not in _NUMBERS[transport]:
        return False
    if protocol in ("-1", "all"):
        return True
    first, last = entry["fromPort"].number() or 0, entry["toPort"].number() or 0
    return first <= port <= last
