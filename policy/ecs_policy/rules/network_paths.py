"""Whether a task can start and be reached: the way to its image, and the way from its load balancer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ecs_policy.capacity import host_groups, launch_of, security_groups_of
from ecs_policy.image_reference import parse_image
from ecs_policy.load_balancing import balancers_of, target_groups
from ecs_policy.model import LoadBalancer, Repository, SecurityGroup, Service, Subnet, TargetGroup, TaskDefinition
from ecs_policy.network import WayOut, endpoints, lets_out, permits, way_out
from ecs_policy.ports import host_ports
from ecs_policy.rule import Level, Problem, Quote, Severity, stack_rule
from ecs_policy.values import NotEvaluated, Value, independently, quoted

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
    subnets = configuration["subnets"]
    without: list[Subnet] = []
    missing: set[str] = set()
    doubt = None
    candidates, sure = service.stack.possibly(subnets, Subnet)
    for subnet in candidates:
        try:
            lacks = _lacks(service, subnet)
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
            f"{'' if configuration['assignPublicIp'].flag() else ', tasks get no public address'}, and the VPC has no "
            f"endpoints for {quoted(sorted(missing))}",
            "choose subnets behind a NAT gateway, or add the endpoints",
            quote=_SAID_EGRESS_PATH,
        )
    elif doubt is not None:
        raise doubt


def _lacks(service: Service, subnet: Subnet) -> set[str]:
    """The AWS services that tasks in the subnet need and cannot reach."""
    outside = None
    try:
        way = way_out(subnet)
    except NotEvaluated as outcome:
        outside, way = outcome, WayOut.NONE
    if way is WayOut.NAT:
        return set()
    if way is WayOut.INTERNET and service["networkConfiguration"]["assignPublicIp"].flag():
        return set()
    reached = endpoints(subnet)
    missing: set[str] = set(_PULLING - reached.sure)
    if not missing:
        missing = _needed_beyond(service) - reached.sure
    unclear = outside or reached.doubt
    if missing and unclear is not None:
        raise unclear
    if missing and missing <= reached.possible:
        raise subnet["vpcId"].not_evaluated(f"has endpoints for {quoted(sorted(missing))}, maybe not for this subnet")
    missing -= reached.possible
    if missing:
        _refuse_to_judge_private_registries(service)
    return missing


def _needed_beyond(service: Service) -> set[str]:
    task_definition = service.task_definition
    needed = set()
    for container in task_definition.containers if task_definition is not None else ():
        if container["logConfiguration"]["logDriver"].text() == "awslogs":
            needed.add("logs")
        for secret in (*container["secrets"].items(), *container["logConfiguration"]["secretOptions"].items()):
            needed.add("secretsmanager" if ":secretsmanager:" in (secret["valueFrom"].text() or "") else "ssm")
    return needed


def _refuse_to_judge_private_registries(service: Service) -> None:
    """A registry of one's own may be inside the VPC."""
    task_definition = service.task_definition
    if task_definition is None:
        return
    try:
        images = [(container["image"], container["image"].text() or "") for container in task_definition.containers]
    except NotEvaluated:
        if service.stack.waits_for(task_definition, service.stack.all(Repository)):
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
    title="The load balancer reaches the tasks: its security group lets out what theirs lets in",
    why="AWS accepts any security groups. When they do not meet on the port of the container, or of the instance that "
    "publishes it, every health check fails, and ECS replaces one good task after the other.",
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
        (balancer.urn, ports): (balancer, ports)
        for group in groups
        for balancer in balancers_of(group)
        if balancer.kind == "application"
        for ports in _ports(link, task_definition, group)
    }
    sides = _sides(service, task_definition) if ways else []
    yield from independently(_meet(side, balancer, ports) for side in sides for balancer, ports in ways.values())
    if doubt is not None:
        raise doubt


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


class _Side(NamedTuple):
    """Whom the load balancer talks to."""

    groups: Value
    subnets: Value
    who: str


def _sides(service: Service, task_definition: TaskDefinition) -> list[_Side]:
    """The tasks, or the instances in whose network they are."""
    if task_definition.network_mode == "awsvpc":
        network = service["networkConfiguration"]
        return [_Side(network["securityGroups"], network["subnets"], f"the tasks of {service.label}")]
    hosts = host_groups(service)
    if not hosts:
        raise service["launchType"].not_evaluated("runs on instances that are not in this stack")
    return [
        _Side(security_groups_of(launch_of(each)), each["vpcZoneIdentifiers"], f"the instances of {each.label}")
        for each in hosts
    ]


def _meet(side: _Side, balancer: LoadBalancer, ports: tuple[int, int]) -> Iterator[Problem]:
    of_balancer = balancer["securityGroups"]
    for value in (side.groups, of_balancer):
        if not value.unknown and not value.filled:
            raise value.not_evaluated("is absent: the VPC's default security group applies")
    hosts, balancers = side.groups.many(SecurityGroup), of_balancer.many(SecurityGroup)
    yield from independently(
        (
            _opens(side.groups, hosts, "ingress", ports, balancers, balancer["subnets"], balancer.label),
            _opens(of_balancer, balancers, "egress", ports, hosts, side.subnets, side.who),
        )
    )


def _opens(
    place: Value,
    groups: list[SecurityGroup],
    direction: str,
    ports: tuple[int, int],
    peers: list[SecurityGroup],
    subnets: Value,
    who: str,
) -> Iterator[Problem]:
    addresses = _addresses(subnets)
    first, last = ports
    which = f"port {first}" if first == last else f"every dynamic host port ({first} to {last} at least)"
    way = f"in on {which} from {who}" if direction == "ingress" else f"out on {which} to {who}"
    if not all(permits(groups, direction, port, peers, addresses) for port in dict.fromkeys(ports)):
        yield place.problem(
            f"a group that lets TCP {way} ({_labels(peers)}), which {_labels(groups)} does not",
            f"add an {direction} rule for {'that port' if first == last else 'those ports'} and group",
        )


def _labels(groups: list[SecurityGroup]) -> str:
    return ", ".join(each.label for each in groups)


def _addresses(subnets: Value) -> list[Value]:
    """Where the members are; empty when that cannot be told."""
    try:
        return [each["cidrBlock"] for each in subnets.many(Subnet)]
    except NotEvaluated:
        return []
