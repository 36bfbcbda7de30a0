"""How other services find a service: Service Connect and Cloud Map."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.model import DiscoveryService, Service, TaskDefinition
from ecs_policy.ports import ports_of
from ecs_policy.rule import Level, Problem, Quote, Value, stack_rule
from ecs_policy.values import NotEvaluated, independently, quoted

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_APP_PROTOCOLS = ("grpc", "http", "http2")


@stack_rule(
    "SV-19 service-connect",
    on=Service,
    title="Service Connect names ports that the task definition names, each under one alias",
    why="Service Connect finds a port by the name of its mapping; a port without a name cannot be offered.",
    level=Level.REJECTED,
    source=f"{_API}/API_ServiceConnectService.html",
)
def service_connect(service: Service) -> Iterator[Problem]:
    configuration = service["serviceConnectConfiguration"]
    offered = configuration["services"].items()
    if not offered or configuration["enabled"].flag() is False:
        return
    yield from independently((*(_one_alias(each) for each in offered), _named_ports(service, offered)))


def _one_alias(offered: Value) -> Iterator[Problem]:
    aliases = offered["clientAlias"]
    aliases.require_known()
    count = len(aliases.items()) if isinstance(aliases.raw, list) else 1
    if count > 1:
        yield aliases.problem(f"at most one, not {count}", "keep one alias for each port")


def _named_ports(service: Service, offered: list[Value]) -> Iterator[Problem]:
    task_definition = service.task_definition
    if task_definition is None:
        return
    named: dict[str, Value] = {}
    doubt = None
    for container in task_definition.containers:
        try:
            for mapping in container["portMappings"].items():
                name = mapping["name"].text()
                if name:
                    named[name] = mapping
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    yield from independently(_named(task_definition, each["portName"], named, doubt) for each in offered)


def _named(
    task_definition: TaskDefinition, wanted: Value, named: dict[str, Value], doubt: NotEvaluated | None
) -> Iterator[Problem]:
    mapping = named.get(wanted.text() or "")
    if mapping is None:
        if doubt is not None:
            raise doubt
        yield wanted.problem(
            f"the name of a port mapping of {task_definition.label}, which has {quoted(named)}",
            "change portName, or name the port mapping so",
        )
    elif mapping["appProtocol"].text() not in (None, *_APP_PROTOCOLS):
        yield mapping["appProtocol"].problem(
            f"one of {quoted(_APP_PROTOCOLS)}, or nothing for TCP", "change appProtocol"
        )


_SAID_SERVICE_REGISTRY = Quote(
    "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' must "
    "be specified from the task definition.",
    "https://github.com/aws/aws-cdk/issues/29245",
)


@stack_rule(
    "SV-20 service-registry",
    on=Service,
    title="A Cloud Map registration names the container and port that its DNS records and network mode take",
    why="An SRV record holds a port, an A record does not; tasks in the instance's network are known by a container.",
    level=Level.REJECTED,
    source=f"{_API}/API_ServiceRegistry.html",
)
def service_registry(service: Service) -> Iterator[Problem]:
    registry = service["serviceRegistries"]
    if not registry.given:
        return
    yield from independently((_one_way_to_say_it(registry), _fits_tasks(service, registry)))


def _one_way_to_say_it(registry: Value) -> Iterator[Problem]:
    name, port = registry["containerName"], registry["containerPort"]
    if registry["port"].given and (name.given or port.given):
        yield registry["port"].problem("nothing beside containerName and containerPort", "remove port")
    elif name.given != port.given:
        absent = port if name.given else name
        yield absent.problem("a value: containerName and containerPort go together", "set both or neither")


def _fits_tasks(service: Service, registry: Value) -> Iterator[Problem]:
    task_definition = service.task_definition
    if task_definition is None:
        return
    name, port = registry["containerName"], registry["containerPort"]
    if task_definition.network_mode in ("bridge", "host", "default"):
        if not name.given and not port.given:
            yield name.problem(
                f"a container, since {task_definition.label} has the network mode {task_definition.network_mode}",
                "set containerName and containerPort",
                quote=_SAID_SERVICE_REGISTRY,
            )
    elif registry["port"].given or (name.given and port.given):
        yield from _needs_no_port(registry)
    else:
        yield from _needs_port(registry)
    if name.given:
        yield from _exists(task_definition, name, port)


def _record_types(registry: Value) -> list[str]:
    """The DNS records of the registry; A when Cloud Map has none: it is asked by its API."""
    found = registry["registryArn"].one(DiscoveryService)
    records = found["dnsConfig"]["dnsRecords"].items() if found is not None else []
    return [record["type"].text() or "" for record in records] or ["A"]


def _needs_no_port(registry: Value) -> Iterator[Problem]:
    if "SRV" not in _record_types(registry):
        place = registry["port"] if registry["port"].given else registry["containerPort"]
        yield place.problem("nothing, since the registry has no SRV record", f"remove {place.location}")


def _needs_port(registry: Value) -> Iterator[Problem]:
    if "SRV" in _record_types(registry):
        yield registry["port"].problem("a port, since the registry has an SRV record", "set port")


def _exists(task_definition: TaskDefinition, name: Value, port: Value) -> Iterator[Problem]:
    container = task_definition.container_named(name)
    if container is None:
        yield name.problem(f"a container of {task_definition.label}", "change containerName, or name the container so")
    elif port.given and not any(port.number() in ports_of(each) for each in container["portMappings"].items()):
        yield port.problem(f"a port of container '{container.name}'", "change containerPort, or add the port mapping")
