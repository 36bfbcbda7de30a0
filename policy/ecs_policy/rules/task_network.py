"""Network mode, ports and names of tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from ecs_policy.model import Container, TaskDefinition
from ecs_policy.ports import Ports, ports_of
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, resource_rule
from ecs_policy.values import independently, quoted, readable

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_REGISTER = f"{_API}/API_RegisterTaskDefinition.html"
_CONTAINER = f"{_API}/API_ContainerDefinition.html"
_LAST_PORT = 65_535
_PORT_MAPPING = f"{_API}/API_PortMapping.html"

_LINUX_MODES = ("awsvpc", "bridge", "host", "none")
_WINDOWS_MODES = ("awsvpc", "default")
_ONE_NETWORK = ("awsvpc", "host")
"""Modes in which the containers of a task share one network, without translation of ports."""
_NOT_IN_AWSVPC = ("disableNetworking", "dnsSearchDomains", "dnsServers", "extraHosts", "hostname")


@resource_rule(
    "TD-03 fargate-awsvpc",
    on=TaskDefinition,
    title="A task definition for Fargate uses the network mode awsvpc",
    why="A Fargate task always has a network interface of its own. The default, bridge, is for EC2.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=_REGISTER,
    frameworks=("Control Tower CT.ECS.PR.4",),
)
def fargate_awsvpc(task_definition: TaskDefinition) -> Iterator[Problem]:
    if task_definition.for_fargate and task_definition["networkMode"].text() != "awsvpc":
        yield task_definition["networkMode"].problem(
            '"awsvpc" with FARGATE in requiresCompatibilities', 'set networkMode to "awsvpc"'
        )


@resource_rule(
    "TD-04 network-mode-enum",
    on=TaskDefinition,
    title="A task definition's network mode is one that its operating system has",
    why="Linux has four modes. Windows has awsvpc and Docker's own default.",
    level=Level.REJECTED,
    source=_REGISTER,
)
def network_mode_enum(task_definition: TaskDefinition) -> Iterator[Problem]:
    mode = task_definition["networkMode"]
    if not mode.filled or task_definition.for_fargate:  # Fargate: TD-03
        return
    windows = task_definition.for_windows
    allowed = _WINDOWS_MODES if windows else _LINUX_MODES
    if mode.text() not in allowed:
        yield mode.problem(
            f"one of {quoted(allowed)}{' with Windows containers' if windows else ''}", "change or remove networkMode"
        )


@resource_rule(
    "TD-05 none-no-ports",
    on=Container,
    title="A task without a network has no port mappings",
    why="In network mode none there is nothing that a port could be mapped to.",
    level=Level.REJECTED,
    source=_REGISTER,
)
def none_no_ports(container: Container) -> Iterator[Problem]:
    ports = container["portMappings"]
    if ports.items() and container.task_definition.network_mode == "none":
        yield ports.problem("none in network mode none", "remove portMappings, or change networkMode")


_SAID_HOSTPORT_EQ = Quote(
    "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    "https://github.com/klothoplatform/klotho/issues/892",
)


@resource_rule(
    "TD-06 hostport-eq",
    on=Container,
    title="In the network modes awsvpc and host a port is the same inside and outside",
    why="These modes translate no ports. 0, a free port of the host's choice, is another port, too.",
    level=Level.REJECTED,
    source=_PORT_MAPPING,
)
def hostport_eq(container: Container) -> Iterator[Problem]:
    yield from independently(_host_port(container, mapping) for mapping in container["portMappings"].items())


def _host_port(container: Container, mapping: Value) -> Iterator[Problem]:
    inside, outside = mapping["containerPort"].number(), mapping["hostPort"].number()
    if inside is None or outside in (None, inside):
        return
    mode = container.task_definition.network_mode
    if mode in _ONE_NETWORK:
        yield mapping["hostPort"].problem(
            f"{inside}, the containerPort, in network mode {mode}",
            "remove hostPort",
            quote=_SAID_HOSTPORT_EQ if mode == "awsvpc" else None,
        )


@resource_rule(
    "TD-07 dup-container-port",
    on=TaskDefinition,
    title="A container port is mapped once, and a range of ports begins below its end",
    why="A container may map a port once, be it for tcp or udp. In the modes awsvpc and host the containers of a task "
    "share one network: the first to listen gets the port, and the other fails.",
    level=Level.REJECTED,
    source=_PORT_MAPPING,
)
def dup_container_port(task_definition: TaskDefinition) -> Iterator[Problem]:
    mappings, no_mappings = readable(task_definition.containers, lambda each: each["portMappings"].items())
    ports, no_ports = readable(chain.from_iterable(mappings), ports_of)
    for each in ports:
        if each.place.path[-1] == "containerPortRange" and not 0 < each.first < each.last <= _LAST_PORT:
            yield each.place.problem(f'two ports from 1 to {_LAST_PORT}, the lower first, as "80-90"', "correct it")
    if len(ports) > 1:
        yield from independently([_twice_in_a_container(ports), _twice_in_a_task(task_definition, ports)])
    doubt = no_mappings or no_ports
    if doubt is not None:
        raise doubt


def _twice_in_a_container(ports: Iterable[Ports]) -> Iterator[Problem]:
    of_container: dict[str, list[Ports]] = {}
    for each in ports:
        of_container.setdefault(each.container, []).append(each)
    for each_container in of_container.values():
        for one, other in _overlaps(each_container):
            yield other.place.problem(
                f"a port that the container maps once; {one.place.location} maps it already", "remove one of the two"
            )


def _twice_in_a_task(task_definition: TaskDefinition, ports: list[Ports]) -> Iterator[Problem]:
    found = [
        (one, other)
        for protocol in ("tcp", "udp")
        for one, other in _overlaps([each for each in ports if each.protocol == protocol])
        if one.container != other.container
    ]
    if found and task_definition.network_mode in _ONE_NETWORK:
        for one, other in found:
            yield other.place.problem(
                f"a port that no other container of the task has; {one.place.location} has it",
                "let one of the two listen on another port",
            )


def _overlaps(ports: list[Ports]) -> Iterator[tuple[Ports, Ports]]:
    """Pairs of mappings with a port in common, the one written first in front."""
    order = {id(each): index for index, each in enumerate(ports)}
    widest: Ports | None = None
    for each in sorted((each for each in ports if each.first <= each.last), key=lambda each: each.first):
        if widest is not None and each.first <= widest.last:
            one, other = sorted((widest, each), key=lambda both: order[id(both)])
            yield one, other
        if widest is None or each.last > widest.last:
            widest = each


_SAID_LINKS_BRIDGE_ONLY = Quote(
    "Links are not supported when networkMode=awsvpc.",
    "https://github.com/aws-observability/aws-otel-collector/issues/1359",
)


@resource_rule(
    "TD-08 links-bridge-only",
    on=Container,
    title="Containers are linked in network mode bridge only",
    why="In awsvpc and host mode containers of a task reach each other on localhost; there is nothing to link.",
    level=Level.REJECTED,
    source=_CONTAINER,
)
def links_bridge_only(container: Container) -> Iterator[Problem]:
    links = container["links"]
    if not links.items():
        return
    mode = container.task_definition.network_mode
    if mode != "bridge":
        yield links.problem(
            f"none in network mode {mode}",
            "remove links, and call the other container on localhost",
            quote=_SAID_LINKS_BRIDGE_ONLY if mode == "awsvpc" else None,
        )


_SAID_AWSVPC_NO_HOSTNAME_EXTRAHOSTS = Quote(
    "hostname is not supported on container when networkMode=awsvpc.",
    "https://github.com/labd/ecs-deplojo/issues/26",
)


@resource_rule(
    "TD-09 awsvpc-no-hostname-extrahosts",
    on=Container,
    title="A container in network mode awsvpc leaves names and name servers to the VPC",
    why="The task's network interface brings its own host name, hosts file and resolver.",
    level=Level.REJECTED,
    source=_CONTAINER,
)
def awsvpc_no_hostname(container: Container) -> Iterator[Problem]:
    yield from independently(_not_in_awsvpc(container, each) for each in container.fields(_NOT_IN_AWSVPC))


def _not_in_awsvpc(container: Container, place: Value) -> Iterator[Problem]:
    if place.filled and container.task_definition.network_mode == "awsvpc":
        yield place.problem(
            "nothing in network mode awsvpc",
            f"remove {place.path[-1]}, or change networkMode",
            quote=_SAID_AWSVPC_NO_HOSTNAME_EXTRAHOSTS if place.path[-1] == "hostname" else None,
        )
