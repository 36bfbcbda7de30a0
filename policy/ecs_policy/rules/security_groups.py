"""What security groups let in and out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from ecs_policy.capacity import security_groups_of
from ecs_policy.model import (
    LaunchTemplate,
    Listener,
    LoadBalancer,
    SecurityGroup,
    SecurityGroupEgressRule,
    SecurityGroupIngressRule,
    SecurityGroupRule,
    Service,
    Vpc,
)
from ecs_policy.network import (
    Network,
    Permission,
    egress,
    ingress,
    network,
    of_the_internet,
    within,
    written_in,
)
from ecs_policy.rule import Level, Option, Problem, Severity, Value, resource_rule, stack_rule
from ecs_policy.stack import Resource
from ecs_policy.values import NotEvaluated, independently, quoted

_RULES = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"
_NEARLY_EVERY_PORT = 60_000
_LETTERS = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_OF_PULUMI = ("Managed by Pulumi", "Managed by Terraform")


@stack_rule(
    "NW-01 sg-open",
    on=(SecurityGroup, SecurityGroupRule, SecurityGroupIngressRule),
    title="Only a load balancer is open to the whole internet, and only on the ports of its listeners",
    why="Everything else that is open is found by scanners within minutes.",
    level=Level.PRACTICE,
    source=_RULES,
    frameworks=("Security Hub EC2.18", "Security Hub EC2.19", "CIS AWS Foundations v5.0.0 5.3"),
    options={
        "openPorts": Option(
            schema={"type": "array", "items": {"type": "integer"}, "default": []},
            about="TCP ports that may be open to the internet on any security group.",
        ),
        "allowedNetworks": Option(
            schema={"type": "array", "items": {"type": "string"}, "default": []},
            about="Address ranges that rules may let in, as `10.0.0.0/8`. Without any, all but the whole internet.",
        ),
    },
)
def sg_open(
    owner: SecurityGroup | SecurityGroupRule | SecurityGroupIngressRule, options: Mapping[str, Any]
) -> Iterator[Problem]:
    permissions = written_in(owner, "ingress")
    if not permissions:
        return
    ports = {int(port) for port in options["openPorts"]}
    networks = [_network(owner, text) for text in options["allowedNetworks"]]
    yield from independently(_closed(owner, each, ports, networks) for each in permissions)


def _network(owner: Resource, text: object) -> Network:
    try:
        return ip_network(str(text), strict=False)
    except ValueError:
        raise owner["ingress"].not_evaluated(
            f"cannot be compared: allowedNetworks has {text}, no address range"
        ) from None


def _closed(owner: Resource, permission: Permission, allowed: set[int], networks: list[Network]) -> Iterator[Problem]:
    yield from independently(_closed_to(owner, permission, each, allowed, networks) for each in permission.cidrs())


def _closed_to(
    owner: Resource, permission: Permission, cidr: Value, allowed: set[int], networks: list[Network]
) -> Iterator[Problem]:
    found = network(cidr)
    if found is None:
        return
    if not of_the_internet(found):
        if networks and not within(found, networks):
            yield cidr.problem(f"a range within {quoted(networks)}", "narrow it, or name a security group")
        return
    ports = permission.ports
    if ports is not None and ports[0] == ports[1] and ports[0] in allowed:
        return
    group = owner if isinstance(owner, SecurityGroup) else owner["securityGroupId"].one(SecurityGroup)
    listening = _listener_ports(group) if group is not None else set()
    if ports is None or not set(range(ports[0], min(ports[1], ports[0] + len(listening)) + 1)) <= listening:
        what = f"ports {ports[0]} to {ports[1]}" if ports is not None and ports[0] != ports[1] else "this port"
        named = group.label if group is not None else "this group"
        yield cidr.problem(
            f"a narrower range for {'this protocol' if ports is None else what}, on which no load balancer with "
            f"{named} listens",
            "name the networks or the security group of the clients",
        )
        return
    users, doubt = _used_by_tasks(group) if group is not None else ([], None)
    for user in users:
        yield cidr.problem(
            f"nothing of the whole internet: {user.label} has {group.label if group else ''}, too, beside the load "
            "balancer",
            "give the tasks a security group of their own, which lets in that of the load balancer",
        )
    if not users and doubt is not None:
        raise doubt


def _used_by_tasks(group: SecurityGroup) -> tuple[list[Resource], NotEvaluated | None]:
    """What runs with this group, and is no load balancer, and why there may be more."""
    services = group.stack.relation(Service, _of_tasks, SecurityGroup)
    instances = group.stack.relation(LaunchTemplate, _of_instances, SecurityGroup)
    found = [*services.sure(group), *instances.sure(group)]
    return found, services.doubt_about(group) or instances.doubt_about(group)


def _of_tasks(service: Service) -> list[Value]:
    return [service["networkConfiguration"]["securityGroups"]]


def _of_instances(launch: LaunchTemplate) -> list[Value]:
    return [security_groups_of(launch)]


def _listener_ports(group: SecurityGroup) -> set[int]:
    """The ports on which load balancers with this group listen."""
    found = set()
    for balancer in group.stack.relation(LoadBalancer, "securityGroups", SecurityGroup).of(group):
        for listener in group.stack.relation(Listener, "loadBalancerArn", LoadBalancer).of(balancer):
            number = listener["port"].number()
            if number is not None:
                found.add(int(number))
    return found


@resource_rule(
    "NW-02 sg-egress",
    on=(SecurityGroup, SecurityGroupRule, SecurityGroupEgressRule),
    title="Security groups do not allow all egress to everywhere",
    why="A task that somebody else controls then talks to whom they like.",
    level=Level.PRACTICE,
    severity=Severity.MEDIUM,
    source=_RULES,
    frameworks=("Checkov CKV_AWS_382",),
)
def sg_egress(owner: SecurityGroup | SecurityGroupRule | SecurityGroupEgressRule) -> Iterator[Problem]:
    yield from independently(_not_everything(each) for each in written_in(owner, "egress"))


def _not_everything(permission: Permission) -> Iterator[Problem]:
    for cidr in permission.cidrs():
        found = network(cidr)
        if found is not None and of_the_internet(found) and _every_port(permission):
            yield cidr.problem("the ports that are needed (443 for ECR, S3 and CloudWatch Logs)", "name the ports")


def _every_port(permission: Permission) -> bool:
    ranges = [permission.ports_of(each) for each in ("tcp", "udp")]
    return any(each is not None and each[1] - each[0] >= _NEARLY_EVERY_PORT for each in ranges)


@resource_rule(
    "NW-03 sg-description",
    on=(SecurityGroup, SecurityGroupRule, SecurityGroupIngressRule, SecurityGroupEgressRule),
    title="Security groups and their rules say what they are for",
    why="A rule that nobody can explain is one that nobody dares to remove.",
    level=Level.PRACTICE,
    severity=Severity.LOW,
    source=_RULES,
    frameworks=("Checkov CKV_AWS_23",),
)
def sg_description(
    owner: SecurityGroup | SecurityGroupRule | SecurityGroupIngressRule | SecurityGroupEgressRule,
) -> Iterator[Problem]:
    if owner.type.startswith("aws:ec2/defaultSecurityGroup"):
        return
    checks = [_described(owner["description"])]
    if isinstance(owner, SecurityGroup):
        checks += [_each_of(owner[direction], _described) for direction in ("ingress", "egress")]
    yield from independently(checks)


def _each_of(entries: Value, check: Callable[[Value], Iterator[Problem]]) -> Iterator[Problem]:
    yield from independently(check(entry["description"]) for entry in entries.items())


def _described(description: Value) -> Iterator[Problem]:
    if (description.text() or "").strip() in ("", *_OF_PULUMI):
        yield description.problem("what it is for", "write a description")


@resource_rule(
    "NW-10 sg-description-letters",
    on=(SecurityGroup, SecurityGroupRule, SecurityGroupIngressRule, SecurityGroupEgressRule),
    title="Names and descriptions of security groups are of letters that EC2 takes",
    why="Neither apostrophes nor arrows nor letters of other scripts are among them, and 255 are the most.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html",
)
def sg_description_letters(
    owner: SecurityGroup | SecurityGroupRule | SecurityGroupIngressRule | SecurityGroupEgressRule,
) -> Iterator[Problem]:
    checks = [_letters(owner["description"])]
    if isinstance(owner, SecurityGroup):
        checks += [_letters(owner["name"]), _own_name(owner["name"])]
        checks += [_each_of(owner[direction], _letters) for direction in ("ingress", "egress")]
    yield from independently(checks)


def _own_name(name: Value) -> Iterator[Problem]:
    if (name.text() or "").startswith("sg-"):
        yield name.problem("a name that does not begin like the ids of groups, sg-", "choose another name")


def _letters(value: Value) -> Iterator[Problem]:
    text = value.text()
    if text is not None and not _LETTERS.fullmatch(text):
        yield value.problem(
            "at most 255 letters of English, digits, spaces and . _ - : / ( ) # , @ [ ] + = & ; { } ! $ *",
            f"change {value.path[-1]}",
        )


@stack_rule(
    "NW-04 default-sg",
    on=Vpc,
    title="A VPC's default security group lets nothing in or out",
    why="Whatever is made without a group gets this one, and AWS makes it open among its members and outwards.",
    level=Level.PRACTICE,
    source="https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
    frameworks=("Security Hub EC2.2", "CIS AWS Foundations v5.0.0 5.5"),
)
def default_sg(vpc: Vpc) -> Iterator[Problem]:
    groups = vpc.stack.relation(SecurityGroup, "vpcId", Vpc)
    default = [group for group in groups.sure(vpc) if group.type.startswith("aws:ec2/defaultSecurityGroup")]
    doubt = groups.doubt_about(vpc)
    if not default:
        if doubt is not None:
            raise doubt
        yield Problem(
            vpc.urn,
            "",
            f"{vpc.label}: got AWS's default security group, expected it emptied; add a DefaultSecurityGroup with the "
            "VPC's id and without rules",
        )
    for group in default:
        for permissions in (ingress(group), egress(group)):
            for permission in permissions.known:
                yield permission.place.problem("no rule in a default security group", "remove the rule")
            doubt = doubt or permissions.doubt
    if doubt is not None:
        raise doubt
