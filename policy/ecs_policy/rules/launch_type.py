"""Launch types and capacity provider strategies."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.capacity import name_of
from ecs_policy.fargate import parse_platform_version
from ecs_policy.model import (
    CapacityProvider,
    Cluster,
    ClusterCapacityProviders,
    Service,
    TaskDefinition,
    default_strategy,
    launch_type_of,
)
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import NotEvaluated, quoted, readable

LAUNCH_TYPES = ("EC2", "EXTERNAL", "FARGATE")
_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_CREATE_SERVICE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html"
_STRATEGY_ITEM = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html"
_MAX_PROVIDERS = 20
_MAX_WEIGHT = 1000
_MAX_BASE = 100_000


_SAID_SERVICE_LAUNCH_TYPE_IN_TD = Quote(
    "Task definition does not support launch_type FARGATE.",
    "https://github.com/aws/aws-cli/issues/3983",
)


@stack_rule(
    "LT-01 service-launch-type-in-td",
    on=Service,
    title="A service runs on a launch type that its task definition declares",
    why="The task definition says for which infrastructure it was validated; CreateService refuses any other.",
    beyond="The compatibilities that AWS itself computes for a task definition are no property that a program sets.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html",
)
def service_launch_type_in_td(service: Service) -> Iterator[Problem]:
    task_definition = service.task_definition
    if task_definition is None:
        return
    compatibilities = task_definition["requiresCompatibilities"]
    # AWS derives compatibilities when the program states none; only EC2 is among them in every case.
    declared = compatibilities.texts() or ["EC2"]
    for launch_type, place in service.launch_types.items():
        if launch_type in (*LAUNCH_TYPES, "MANAGED_INSTANCES") and launch_type not in declared:
            if place.resource is not service:
                told = f"nothing, which by the cluster's default strategy means {launch_type}"
                place = service["launchType"]
            elif place.location != "launchType":
                told = f"{place.shown()}, which means {launch_type}"
            elif not place.given:
                told = f"nothing, which means {launch_type}"
            else:
                told = place.shown()
            # AWS may find it compatible by itself, but never with Fargate what is not on awsvpc.
            sure = launch_type == "FARGATE" and _not_on_awsvpc(task_definition)
            yield Problem(
                service.urn,
                place.location,
                f"{service.label} {place.location}: got {told}, expected one of {quoted(declared)} as "
                f"{task_definition.label} has in requiresCompatibilities; change the service's launch type, "
                f'or add "{launch_type}" to requiresCompatibilities',
                _SAID_SERVICE_LAUNCH_TYPE_IN_TD if sure else None,
                ours=not sure,
            )


def _not_on_awsvpc(task_definition: TaskDefinition) -> bool:
    mode = task_definition["networkMode"]
    return not mode.unknown and mode.text() != "awsvpc"


@resource_rule(
    "LT-02 launch-type-enum",
    on=Service,
    title="A service's launch type is one that CreateService takes",
    why="Any other value is refused. ECS Managed Instances are reached through a capacity provider only.",
    level=Level.REJECTED,
    source=_CREATE_SERVICE,
)
def launch_type_enum(service: Service) -> Iterator[Problem]:
    value = service["launchType"]
    if value.given and value.text() not in LAUNCH_TYPES:
        if value.text() == "MANAGED_INSTANCES":
            change = "leave launchType out and name the managed instances provider in capacityProviderStrategies"
        else:
            change = "use one of these, in capitals"
        yield value.problem(f"one of {quoted(LAUNCH_TYPES)}", change)


@resource_rule(
    "LT-03 launch-type-xor-strategy",
    on=Service,
    title="A service has a launch type or a capacity provider strategy, not both",
    why="CreateService takes one or the other.",
    level=Level.REJECTED,
    source=_CREATE_SERVICE,
)
def launch_type_xor_strategy(service: Service) -> Iterator[Problem]:
    strategy = service["capacityProviderStrategies"]
    if service["launchType"].given and strategy.items():
        yield service["launchType"].problem(
            "nothing beside capacityProviderStrategies", "remove launchType or capacityProviderStrategies"
        )


@stack_rule(
    "LT-04 strategy-in-cluster",
    on=Service,
    each="capacityProviderStrategies",
    title="Every capacity provider of a service's strategy is associated with the cluster",
    why="A provider that the cluster does not have is refused; FARGATE and FARGATE_SPOT need the association too.",
    beyond="Whether a capacity provider is ACTIVE or UPDATING is known to AWS only, when the service is created.",
    level=Level.REJECTED,
    source=_STRATEGY_ITEM,
)
def strategy_in_cluster(item: Value) -> Iterator[Problem]:
    service = item.resource
    assert isinstance(service, Service)
    cluster = service.cluster
    if cluster is None:
        raise service["cluster"].not_evaluated("is absent: the account's default cluster is outside this stack")
    provider = item["capacityProvider"]
    managed = _managed(provider)
    if managed is not None:
        yield from _of_this_cluster(provider, managed, cluster)
        return
    association = cluster.capacity_providers
    associated = [] if association is None else association["capacityProviders"].items()
    wanted = _provider(provider)
    doubt = None
    for each in associated:
        try:
            if wanted == _provider(each):
                return
        except NotEvaluated as outcome:
            doubt = outcome
    if doubt is not None:
        raise doubt
    names = quoted(_provider_name(each) for each in associated)
    yield provider.problem(
        f"a provider of {cluster.label}, which has {names}",
        "add it to capacityProviders of the cluster's ClusterCapacityProviders, or use one that is there",
    )


def _managed(provider: Value) -> CapacityProvider | None:
    """The provider, if it is of this stack and one of ECS Managed Instances."""
    if provider.resource.stack.elsewhere(provider, CapacityProvider):
        return None
    found = provider.one(CapacityProvider)
    return found if found is not None and found.managed else None


def _of_this_cluster(place: Value, provider: CapacityProvider, cluster: Cluster) -> Iterator[Problem]:
    """A managed instances provider belongs to the cluster that it names, and is in no ClusterCapacityProviders."""
    of = provider["cluster"]
    if not of.given:
        return  # MI-01
    if cluster.stack.elsewhere(of, Cluster):
        if of.text() == name_of(cluster):
            return
    elif of.one(Cluster) is cluster:
        return
    yield place.problem(
        f"a provider of {cluster.label}; {provider.label} is of the cluster {of.shown()} since its creation",
        "name this cluster in the provider's cluster, which makes a new one, or use a provider that is of it",
    )


def _provider(value: Value) -> str:
    """One text for a provider, however it is named: the resource's URN, or the literal name."""
    if not value.unknown and value.text() in ("FARGATE", "FARGATE_SPOT"):
        return value.text() or ""
    try:
        found = value.one(CapacityProvider)
    except NotEvaluated:
        if value.unknown:
            raise
        return value.text() or ""
    return found.urn if found is not None else ""


def _provider_name(value: Value) -> str:
    found = None if not value.unknown else value.one(CapacityProvider)
    return found.name if found is not None else value.text() or ""


@resource_rule(
    "LT-05 strategy-weights",
    on=(Service, ClusterCapacityProviders),
    title="The weights and bases of a capacity provider strategy are in range",
    why="A strategy in which every weight is 0 places nothing: every CreateService that uses it fails.",
    level=Level.REJECTED,
    source=_STRATEGY_ITEM,
)
def strategy_weights(owner: Service | ClusterCapacityProviders) -> Iterator[Problem]:
    name = "capacityProviderStrategies" if isinstance(owner, Service) else "defaultCapacityProviderStrategies"
    strategy = owner[name]
    items = strategy.items()
    if len(items) > _MAX_PROVIDERS:
        yield strategy.problem(f"at most {_MAX_PROVIDERS} providers, not {len(items)}", "remove some")
    weights: list[float] = []
    bases: list[float] = []
    doubt = None
    for item in items:
        for key, greatest, numbers in (("weight", _MAX_WEIGHT, weights), ("base", _MAX_BASE, bases)):
            try:
                number = item[key].number() or 0
            except NotEvaluated as outcome:
                doubt = outcome
                continue
            numbers.append(number)
            if not 0 <= number <= greatest or number != int(number):
                yield item[key].problem(f"a whole number from 0 to {greatest}", f"change {key}")
    if sum(base > 0 for base in bases) > 1:
        yield strategy.problem("a base on at most one provider", "keep the base on one and remove the others")
    if items and len(weights) == len(items) and not any(weights):
        yield strategy.problem(
            "a weight above 0 on at least one provider (0 is the default)", "set weight to 1 or more"
        )
    if doubt is not None:
        raise doubt


@stack_rule(
    "LT-09 no-strategy-no-launch-type",
    on=Service,
    title="A service says what it runs on, or its cluster's default strategy does",
    why="With neither, AWS falls back to EC2 without a word; the tasks wait for instances that nobody meant to have.",
    level=Level.FAILS,
    severity=Severity.MEDIUM,
    source=_CREATE_SERVICE,
    ours=True,
)
def no_strategy_no_launch_type(service: Service) -> Iterator[Problem]:
    strategy = service["capacityProviderStrategies"]
    if service["launchType"].given or strategy.unknown or strategy.items():
        return
    if service.controller == "EXTERNAL":
        return
    if not default_strategy(service):
        yield service["launchType"].problem(
            f"one of {quoted(LAUNCH_TYPES)}, or capacityProviderStrategies", "set one of them"
        )


_SAID_NO_MIXED_STRATEGY = Quote(
    "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and "
    "Fargate providers. Specify one or the other and try again.",
    "https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/68",
)


@stack_rule(
    "LT-06 no-mixed-strategy",
    on=(Service, ClusterCapacityProviders),
    title="A capacity provider strategy is on Fargate or on Auto Scaling groups, not on both",
    why="A cluster may have both kinds of provider; one strategy may not.",
    level=Level.REJECTED,
    source=f"{_GUIDE}/asg-capacity-providers.html",
)
def no_mixed_strategy(owner: Service | ClusterCapacityProviders) -> Iterator[Problem]:
    name = "capacityProviderStrategies" if isinstance(owner, Service) else "defaultCapacityProviderStrategies"
    strategy = owner[name]
    kinds: set[str] = set()
    doubt = None
    for item in strategy.items():
        try:
            kinds.add(launch_type_of(item["capacityProvider"]))
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if "FARGATE" in kinds and len(kinds) > 1:
        yield strategy.problem(
            f"providers of one kind, not {' and '.join(sorted(kinds))} together",
            "remove the providers of one kind",
            quote=_SAID_NO_MIXED_STRATEGY,
        )
    elif doubt is not None:
        raise doubt


@stack_rule(
    "LT-07 fargate-spot",
    on=Service,
    title="What runs on Fargate Spot is Linux, on a platform version that has it",
    why="Fargate Spot has no Windows; X86_64 needs platform version 1.3.0, ARM64 1.4.0.",
    level=Level.UNSUPPORTED,
    source=_STRATEGY_ITEM,
)
def fargate_spot(service: Service) -> Iterator[Problem]:
    if service["launchType"].given:
        return
    strategy = service["capacityProviderStrategies"].items() or default_strategy(service)
    providers, doubt = readable(strategy, lambda item: _spot(item["capacityProvider"]))
    spot = [each for each in providers if each is not None]
    task_definition = service.task_definition if spot or doubt is not None else None
    if task_definition is None:
        return
    for problem in _on_spot(service, task_definition, [*spot, service["capacityProviderStrategies"]][0]):
        if not spot and doubt is not None:
            raise doubt
        yield problem


def _spot(provider: Value) -> Value | None:
    if provider.unknown and provider.one(CapacityProvider) is not None:
        return None
    return provider if provider.text() == "FARGATE_SPOT" else None


def _on_spot(service: Service, task_definition: TaskDefinition, spot: Value) -> Iterator[Problem]:
    if task_definition.for_windows:
        yield spot.problem(
            f"a provider for Windows, which {task_definition.label} is for", 'use "FARGATE", or a Linux image'
        )
        return
    platform_version = service["platformVersion"]
    version = parse_platform_version(platform_version.text())
    processor = task_definition["runtimePlatform"]["cpuArchitecture"].text() or "X86_64"
    least = (1, 4, 0) if processor == "ARM64" else (1, 3, 0)
    if version is not None and version < least:
        yield platform_version.problem(
            f"{'.'.join(map(str, least))} or later for {processor} on Fargate Spot", "leave platformVersion out"
        )
