"""Whether a task can start and be reached: the way to its image, and the way from its load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.image_reference import parse_image
from ecs_policy.load_balancing import balancers_of, target_groups
from ecs_policy.model import LoadBalancer, Repository, SecurityGroup, Service, Subnet, TargetGroup, TaskDefinition
from ecs_policy.network import WayOut, endpoints, lets_anybody, lets_out, network, way_out
from ecs_policy.ports import host_ports
from ecs_policy.reach import Side, addresses_of, cidrs_of, groups_of, labels, opens, sides
from ecs_policy.rule import Level, Problem, Quote, Severity, stack_rule
from ecs_policy.values import NotEvaluated, Value, independently, quoted, readable

_HTTPS = 443
_PULLING = frozenset({"ecr.api", "ecr.dkr", "s3"})
_PUBLIC_REGISTRIES = ("docker.io", "public.ecr.aws", "quay.io", "ghcr.io", "gcr.io", "registry.k8s.io")


_SAID_EGRESS_PATH = Quote(
    "CannotPullContainerError",
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
)


@stack_rule(
    "SV-04 egress-path",
    on=Service,
    title="A Fargate task has a way to its image and its log",
    why="A task pulls its image over its own network interface. Without a NAT gateway, a public address with an "
    "internet gateway, or endpoints for ECR, S3 and CloudWatch Logs it is started and stopped for ever.",
    beyond="Network ACLs, firewalls and peers on the way are not followed.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
)
def egress_path(service: Service) -> Iterator[Problem]:
    if "FARGATE" not in service.launch_types or not service["networkConfiguration"].given:
        return
    yield from independently((_routes(service), _firewall(service)))


def _routes(service: Service) -> Iterator[Problem]:
    configuration = service["networkConfiguration"]
    yield from ways_out(configuration["subnets"], configuration["assignPublicIp"], service.task_definition)


def ways_out(subnets: Value, assign_public_ip: Value, task_definition: TaskDefinition | None) -> Iterator[Problem]:
    """A problem where Fargate tasks have no way to their image, their log and their secrets from one of the subnets."""
    without: list[Subnet] = []
    missing: set[str] = set()
    doubt = None
    candidates, sure = subnets.resource.stack.possibly(subnets, Subnet)
    for subnet in candidates:
        try:
            lacks = _lacks(subnet, assign_public_ip, task_definition)
        except NotEvaluated as outcome:
            doubt = doubt or outcome
            continue
        if lacks:
            without.append(subnet)
            missing |= lacks
    if without and not sure and len(without) < len(candidates):
        raise subnets.not_evaluated("is not known yet, and of the subnets it may name some have no way out")
    if without:
        yield subnets.problem(
            f"subnets with a way out: {', '.join(each.label for each in without)} "
            f"{'has' if len(without) == 1 else 'have'} no route to a NAT gateway"
            f"{'' if is_on(assign_public_ip) else ', tasks get no public address'}, and the VPC has no "
            f"endpoints for {quoted(sorted(missing))}",
            "choose subnets behind a NAT gateway, or add the endpoints",
            quote=_SAID_EGRESS_PATH,
        )
    elif doubt is not None:
        raise doubt


def is_on(assign_public_ip: Value) -> bool:
    """Whether tasks get public addresses, in Pulumi's words or in those of the API."""
    return assign_public_ip.raw == "ENABLED" or (assign_public_ip.raw != "DISABLED" and bool(assign_public_ip.flag()))


def _lacks(subnet: Subnet, assign_public_ip: Value, task_definition: TaskDefinition | None) -> set[str]:
    """The AWS services that tasks in the subnet need and cannot reach."""
    outside = None
    try:
        way = way_out(subnet)
    except NotEvaluated as outcome:
        outside, way = outcome, WayOut.NONE
    if way is WayOut.NAT:
        return set()
    if way is WayOut.INTERNET and is_on(assign_public_ip):
        return set()
    reached = endpoints(subnet)
    missing: set[str] = set(_PULLING - reached.sure)
    if not missing:
        missing = _needed_beyond(task_definition) - reached.sure
    unclear = outside or reached.doubt
    if missing and unclear is not None:
        raise unclear
    if missing and missing <= reached.possible:
        raise subnet["vpcId"].not_evaluated(f"has endpoints for {quoted(sorted(missing))}, maybe not for this subnet")
    missing -= reached.possible
    if missing:
        _refuse_to_judge_private_registries(task_definition)
    return missing


def _needed_beyond(task_definition: TaskDefinition | None) -> set[str]:
    needed = set()
    for container in task_definition.containers if task_definition is not None else ():
        if container["logConfiguration"]["logDriver"].text() == "awslogs":
            needed.add("logs")
        for secret in (*container["secrets"].items(), *container["logConfiguration"]["secretOptions"].items()):
            needed.add("secretsmanager" if ":secretsmanager:" in (secret["valueFrom"].text() or "") else "ssm")
    return needed


def _refuse_to_judge_private_registries(task_definition: TaskDefinition | None) -> None:
    """A registry of one's own may be inside the VPC."""
    if task_definition is None:
        return
    try:
        images = [(container["image"], container["image"].text() or "") for container in task_definition.containers]
    except NotEvaluated:
        if task_definition.stack.waits_for(task_definition, task_definition.stack.all(Repository)):
            return  # of this stack, as far as can be told: in ECR
        raise
    for image, text in images:
        reference = parse_image(text)
        if reference is None or reference.ecr_region or reference.name == reference.repository:
            continue
        if not reference.name.startswith(_PUBLIC_REGISTRIES):
            raise image.not_evaluated("is in a registry that may be inside the VPC")


def _firewall(service: Service) -> Iterator[Problem]:
    value = service["networkConfiguration"]["securityGroups"]
    groups = value.many(SecurityGroup)
    if groups and not lets_out(groups, _HTTPS):
        yield value.problem(
            f"a group that lets TCP out on port {_HTTPS}, by which images and logs travel; none of "
            f"{', '.join(each.label for each in groups)} does",
            f"add an egress rule for port {_HTTPS}",
        )


@stack_rule(
    "LB-13 alb-to-task-sg",
    on=Service,
    each="loadBalancers",
    title="The load balancer reaches the tasks: what it lets out is what they let in",
    why="AWS accepts any security groups. When they do not meet on the port of the container, or of the instance that "
    "publishes it, every health check fails, and ECS replaces one good task after the other. A Network Load Balancer "
    "without security groups checks from its subnets; where it keeps the address of the client, as with instances and "
    "UDP, tasks must let clients in, too.",
    beyond="Network ACLs, and a range of dynamic host ports that an instance sets for itself.",
    level=Level.FAILS,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html",
)
def alb_to_task_sg(link: Value) -> Iterator[Problem]:
    service = link.resource
    assert isinstance(service, Service)
    task_definition = service.task_definition
    if task_definition is None or task_definition.network_mode == "none":
        return
    groups, doubt = target_groups(link)
    ways = {
        (balancer.urn, ports, None if _has_groups(balancer) else group.urn): (balancer, ports, group)
        for group in groups
        for balancer in balancers_of(group)
        for ports in _ports(link, task_definition, group)
    }
    hosts = sides(service, task_definition) if ways else []
    yield from independently(
        _reaches(side, balancer, ports, group) for side in hosts for balancer, ports, group in ways.values()
    )
    if doubt is not None:
        raise doubt


def _reaches(
    side: Side, balancer: LoadBalancer, ports: tuple[int, int], target_group: TargetGroup
) -> Iterator[Problem]:
    kind = balancer.kind
    if kind == "gateway":
        raise balancer["loadBalancerType"].not_evaluated("is gateway: the way to the tasks is not followed")
    if kind == "network" and not _has_groups(balancer):
        yield from _from_subnets(side, balancer, ports, target_group)
    else:
        yield from _meet(side, balancer, ports)


def _has_groups(balancer: LoadBalancer) -> bool:
    groups = balancer["securityGroups"]
    return groups.unknown or groups.filled


def _from_subnets(
    side: Side, balancer: LoadBalancer, ports: tuple[int, int], target_group: TargetGroup
) -> Iterator[Problem]:
    """A network load balancer without security groups: it checks from its own addresses, and may keep the client's."""
    hosts = groups_of(side.groups)
    mappings = balancer["subnetMappings"]
    addresses = addresses_of(balancer["subnets"])
    if mappings.given:
        addresses = cidrs_of([each["subnetId"] for each in mappings.items()])
    yield from opens(side.groups, hosts, "ingress", ports, [], addresses, f"{balancer.label}, from its subnets")
    if not _keeps_clients(target_group):
        return
    transport = "udp" if "UDP" in (target_group["protocol"].text() or "").upper() else "tcp"
    # Clients of an internal one may be in its subnets, those of the internet are not.
    internal = balancer["internal"].flag()
    known = [] if internal else [each for each in readable(addresses, network)[0] if each is not None]
    for port in dict.fromkeys(ports):
        if not lets_anybody(hosts, port, transport, known):
            yield side.groups.problem(
                f"a group that lets clients in by {transport.upper()} on port {port}: {target_group.label} keeps their "
                f"addresses; {labels(hosts)} does not",
                "add an ingress rule for the networks of the clients, or set preserveClientIp to false",
            )
            return


def _keeps_clients(target_group: TargetGroup) -> bool:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html"""
    if "UDP" in (target_group["protocol"].text() or "").upper():
        return True
    kept = target_group["preserveClientIp"].flag()
    return kept if kept is not None else (target_group["targetType"].text() or "instance") == "instance"


def _ports(link: Value, task_definition: TaskDefinition, target_group: TargetGroup) -> Iterator[tuple[int, int]]:
    """The ports that requests and health checks go to, each first and last."""
    port, of_check = link["containerPort"].number(), target_group["healthCheck"]["port"]
    if port is not None and task_definition.network_mode in ("bridge", "default"):
        container = task_definition.container_named(link["containerName"])
        if container is not None:
            yield from host_ports(container, port)
    elif port is not None:
        yield int(port), int(port)
    if of_check.text() not in (None, "traffic-port"):
        checked = of_check.number()
        if checked is not None:
            yield int(checked), int(checked)


def _meet(side: Side, balancer: LoadBalancer, ports: tuple[int, int]) -> Iterator[Problem]:
    of_balancer = balancer["securityGroups"]
    hosts, balancers = groups_of(side.groups), groups_of(of_balancer)
    yield from independently(
        (
            opens(side.groups, hosts, "ingress", ports, balancers, addresses_of(balancer["subnets"]), balancer.label),
            opens(of_balancer, balancers, "egress", ports, hosts, addresses_of(side.subnets), side.who),
        )
    )
