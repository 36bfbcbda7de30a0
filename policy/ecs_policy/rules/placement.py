"""Placement strategies and constraints."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecs_policy.cluster_query import QueryError, mentions, parse
from ecs_policy.model import AutoscalingTarget, Service, TaskDefinition
from ecs_policy.rule import Enforcement, Level, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.values import independently, quoted

_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_CREATE_SERVICE = f"{_API}/API_CreateService.html"
_STRATEGY = f"{_API}/API_PlacementStrategy.html"
_CONSTRAINT = f"{_API}/API_PlacementConstraint.html"
_TD_CONSTRAINT = f"{_API}/API_TaskDefinitionPlacementConstraint.html"

_MAX_STRATEGIES = 5
_MAX_CONSTRAINTS = 10
_MAX_EXPRESSION = 2000
_BINPACK_FIELDS = ("cpu", "memory")
_SPREAD_FIELD = re.compile(r"instanceId|host|attribute:[A-Za-z0-9_./\\-]{1,128}")


_SAID_NO_CONSTRAINTS_ON_FARGATE = Quote(
    "Placement constraints are not supported with FARGATE launch type.",
    "https://github.com/GetSimpl/cloudlift/pull/138",
)


@stack_rule(
    "PL-01 no-constraints-on-fargate",
    on=Service,
    title="A Fargate service has no placement constraints",
    why="On Fargate there are no instances to choose from; CreateService refuses constraints.",
    level=Level.REJECTED,
    source=_CREATE_SERVICE,
)
def no_constraints_on_fargate(service: Service) -> Iterator[Problem]:
    yield from _not_on_fargate(service, service["placementConstraints"], _SAID_NO_CONSTRAINTS_ON_FARGATE)


@resource_rule(
    "PL-02 no-td-constraints-on-fargate",
    on=TaskDefinition,
    title="A task definition for Fargate has no placement constraints",
    why="Fargate does not support them, not even when EC2 is declared beside it.",
    level=Level.REJECTED,
    source=_TD_CONSTRAINT,
)
def no_td_constraints_on_fargate(task_definition: TaskDefinition) -> Iterator[Problem]:
    constraints = task_definition["placementConstraints"]
    if constraints.given and task_definition.for_fargate and constraints.items():
        yield constraints.problem(
            "none with FARGATE in requiresCompatibilities", "remove placementConstraints, or FARGATE"
        )


@stack_rule(
    "PL-03 no-strategies-on-fargate",
    on=Service,
    title="A Fargate service has no placement strategies",
    why="Fargate spreads tasks over zones by itself; strategies are for EC2 instances.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement.html",
)
def no_strategies_on_fargate(service: Service) -> Iterator[Problem]:
    yield from _not_on_fargate(service, service["orderedPlacementStrategies"], None)


def _not_on_fargate(service: Service, placement: Value, quote: Quote | None) -> Iterator[Problem]:
    if not placement.given or (not placement.unknown and not placement.items()):
        return
    if "FARGATE" in service.launch_types and placement.items():
        yield placement.problem(
            "none on Fargate", f"remove {placement.location}, or run the service on EC2", quote=quote
        )


@resource_rule(
    "PL-05 binpack-field",
    on=Service,
    each="orderedPlacementStrategies",
    title="binpack packs by cpu or by memory",
    why="binpack needs to know which resource to fill up; it has no default.",
    level=Level.REJECTED,
    source=_STRATEGY,
)
def binpack_field(strategy: Value) -> Iterator[Problem]:
    if strategy["type"].text() == "binpack" and (strategy["field"].text() or "").lower() not in _BINPACK_FIELDS:
        yield strategy["field"].problem(f"one of {quoted(_BINPACK_FIELDS)} with binpack", "change field")


@resource_rule(
    "PL-05b binpack-field-case",
    on=Service,
    each="orderedPlacementStrategies",
    title="binpack's field is in lower case",
    why="AWS takes and shows it in capital letters, too, but documents it in lower case, and pulumi-aws takes no "
    "other: `Binpack type requires the field attribute to be either 'cpu' or 'memory'`.",
    level=Level.UNSUPPORTED,
    severity=Severity.LOW,
    enforcement=Enforcement.ADVISORY,
    source=_STRATEGY,
)
def binpack_field_case(strategy: Value) -> Iterator[Problem]:
    field = strategy["field"]
    text = field.text() if strategy["type"].text() == "binpack" else None
    if text is not None and text not in _BINPACK_FIELDS and text.lower() in _BINPACK_FIELDS:
        yield field.problem(f"one of {quoted(_BINPACK_FIELDS)}, in lower case", f'write "{text.lower()}"')


@resource_rule(
    "PL-06 spread-field",
    on=Service,
    each="orderedPlacementStrategies",
    title="spread spreads over instances or over an attribute",
    why="AWS takes instanceId, host (the same) or an attribute of the instances.",
    level=Level.REJECTED,
    source=_STRATEGY,
)
def spread_field(strategy: Value) -> Iterator[Problem]:
    if strategy["type"].text() == "spread" and not _SPREAD_FIELD.fullmatch(strategy["field"].text() or ""):
        yield strategy["field"].problem(
            '"instanceId", "host" or "attribute:<name>" with spread',
            'change field, for instance to "attribute:ecs.availability-zone"',
        )


@resource_rule(
    "PL-07 random-no-field",
    on=Service,
    each="orderedPlacementStrategies",
    title="random has no field",
    why="AWS does not use it: whoever wrote it expected something else to happen.",
    level=Level.UNSUPPORTED,
    severity=Severity.LOW,
    source=_STRATEGY,
)
def random_no_field(strategy: Value) -> Iterator[Problem]:
    if strategy["type"].text() == "random" and strategy["field"].text():
        yield strategy["field"].problem("none with random", "remove field, or use spread or binpack")


@resource_rule(
    "PL-08 max-5-strategies",
    on=Service,
    title=f"A service has at most {_MAX_STRATEGIES} placement strategies",
    why="CreateService takes no more.",
    level=Level.REJECTED,
    source=_CREATE_SERVICE,
)
def max_strategies(service: Service) -> Iterator[Problem]:
    strategies = service["orderedPlacementStrategies"]
    count = len(strategies.items())
    if count > _MAX_STRATEGIES:
        yield strategies.problem(f"at most {_MAX_STRATEGIES} strategies, not {count}", "remove some")


@stack_rule(
    "PL-09 max-10-constraints",
    on=Service,
    title=f"A service and its task definition have at most {_MAX_CONSTRAINTS} placement constraints together",
    why="The limit holds for a task, which gets the constraints of both.",
    level=Level.REJECTED,
    source=_CREATE_SERVICE,
)
def max_constraints(service: Service) -> Iterator[Problem]:
    constraints = service["placementConstraints"]
    own = len(constraints.items())
    if own > _MAX_CONSTRAINTS:
        yield constraints.problem(f"at most {_MAX_CONSTRAINTS} constraints, not {own}", "remove some")
        return
    if own == 0:
        return
    task_definition = service.task_definition
    theirs = len(task_definition["placementConstraints"].items()) if task_definition is not None else 0
    if task_definition is not None and own + theirs > _MAX_CONSTRAINTS:
        yield constraints.problem(
            f"at most {_MAX_CONSTRAINTS} together with the {theirs} of {task_definition.label}, not {own + theirs}",
            "remove some from either",
        )


_SAID_CONSTRAINT_TYPE = Quote(
    "constraint.type 'distinctInstance' is not supported.",
    "https://github.com/aws-samples/aws-cdk-examples/issues/628",
)


@resource_rule(
    "PL-10 constraint-type",
    on=(Service, TaskDefinition),
    each="placementConstraints",
    title="A placement constraint is of a type that its owner takes",
    why="A service takes distinctInstance and memberOf, a task definition memberOf only.",
    level=Level.REJECTED,
    source=_TD_CONSTRAINT,
)
def constraint_type(constraint: Value) -> Iterator[Problem]:
    allowed = ("memberOf",) if isinstance(constraint.resource, TaskDefinition) else ("distinctInstance", "memberOf")
    found = constraint["type"].text()
    if found not in allowed:
        move = found == "distinctInstance"
        yield constraint["type"].problem(
            f"one of {quoted(allowed)}",
            "move the constraint to the service" if move else "change type",
            quote=_SAID_CONSTRAINT_TYPE if move else None,
        )


@resource_rule(
    "PL-11 distinct-no-expression",
    on=(Service, TaskDefinition),
    each="placementConstraints",
    title="memberOf has a valid expression, distinctInstance has none",
    why="distinctInstance takes no expression; memberOf is nothing without one in the cluster query language.",
    level=Level.REJECTED,
    source=_CONSTRAINT,
)
def constraint_expression(constraint: Value) -> Iterator[Problem]:
    kind, expression = constraint["type"].text(), constraint["expression"]
    if kind == "distinctInstance":
        if expression.text():
            yield expression.problem("none with distinctInstance", "remove expression, or change type to memberOf")
        return
    if kind != "memberOf":
        return
    text = expression.text()
    if not text:
        yield expression.problem("an expression with memberOf", 'say which instances, as "attribute:zone == a"')
    elif len(text) > _MAX_EXPRESSION:
        yield expression.problem(f"at most {_MAX_EXPRESSION} characters, not {len(text)}", "shorten it")
    else:
        try:
            parse(text)
        except QueryError as error:
            where = "" if expression.secret else f": {error}"
            yield expression.problem("the cluster query language", f"correct the expression{where}")


@stack_rule(
    "PL-12 daemon-no-strategy",
    on=Service,
    title="A daemon service has no placement strategies, no desired count and no autoscaling",
    why="DAEMON means one task on every instance; there is nothing to choose and nothing to scale.",
    level=Level.REJECTED,
    source=_CREATE_SERVICE,
)
def daemon_no_strategy(service: Service) -> Iterator[Problem]:
    if service["schedulingStrategy"].text() != "DAEMON":
        return
    yield from independently((_no_choice(service), _not_scaled(service)))


def _not_scaled(service: Service) -> Iterator[Problem]:
    for target in service.stack.relation(AutoscalingTarget, "resourceId", Service).of(service):
        yield target["resourceId"].problem(
            f"a service that is not a daemon, unlike {service.label}", "remove the autoscaling target, or use REPLICA"
        )


def _no_choice(service: Service) -> Iterator[Problem]:
    if service["desiredCount"].given:
        yield service["desiredCount"].problem("none with DAEMON", "remove desiredCount, or use REPLICA")
    strategies = service["orderedPlacementStrategies"]
    if strategies.items():
        yield strategies.problem("none with DAEMON", "remove orderedPlacementStrategies, or use REPLICA")


@stack_rule(
    "PL-13 daemon-not-fargate",
    on=Service,
    title="A daemon service runs on instances, in rolling deployments",
    why="DAEMON means one task on every instance: Fargate has none, and CodeDeploy and external controllers do not "
    "know the strategy.",
    level=Level.REJECTED,
    source=_CREATE_SERVICE,
)
def daemon_not_fargate(service: Service) -> Iterator[Problem]:
    scheduling = service["schedulingStrategy"]
    if scheduling.text() == "DAEMON":
        yield from independently((_no_other_controller(service), _no_fargate(service, scheduling)))


def _no_other_controller(service: Service) -> Iterator[Problem]:
    if service.controller in ("CODE_DEPLOY", "EXTERNAL"):
        yield service["deploymentController"]["type"].problem(
            '"ECS" with DAEMON', "remove deploymentController, or use REPLICA"
        )


def _no_fargate(service: Service, scheduling: Value) -> Iterator[Problem]:
    if "FARGATE" in service.launch_types:
        yield scheduling.problem('"REPLICA" on Fargate', "use REPLICA, or run the service on EC2")


_ZONE = "attribute:ecs.availability-zone"


@resource_rule(
    "PL-15 az-rebalance",
    on=Service,
    title="Zone rebalancing is on only where ECS can move tasks between zones",
    why="Rebalancing starts a task in the emptier zone before it stops one in the fuller. New services have it by "
    "default where it is possible; asked for where it is not, the service is refused.",
    level=Level.REJECTED,
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html",
)
def az_rebalance(service: Service) -> Iterator[Problem]:
    if service["availabilityZoneRebalancing"].text() == "ENABLED":
        obstacles = (_daemon, _external, _no_room, _other_strategy, _classic_balancer, _pinned_to_zones)
        yield from independently(obstacle(service) for obstacle in obstacles)


_OR_DISABLE = 'change it, or set availabilityZoneRebalancing to "DISABLED"'


def _daemon(service: Service) -> Iterator[Problem]:
    if service["schedulingStrategy"].text() == "DAEMON":
        yield service["schedulingStrategy"].problem('"REPLICA" with zone rebalancing', _OR_DISABLE)


def _external(service: Service) -> Iterator[Problem]:
    if service["launchType"].text() == "EXTERNAL":
        yield service["launchType"].problem("EC2 or FARGATE with zone rebalancing", _OR_DISABLE)


def _no_room(service: Service) -> Iterator[Problem]:
    most = service["deploymentMaximumPercent"]
    if most.given and (most.number() or 0) <= 100:
        yield most.problem("more than 100 with zone rebalancing", _OR_DISABLE)


def _other_strategy(service: Service) -> Iterator[Problem]:
    strategies = service["orderedPlacementStrategies"].items()
    if strategies and (strategies[0]["type"].text(), strategies[0]["field"].text()) != ("spread", _ZONE):
        yield strategies[0].problem(f"spread on {_ZONE} as the first strategy with zone rebalancing", _OR_DISABLE)


def _classic_balancer(service: Service) -> Iterator[Problem]:
    for link in service["loadBalancers"].items():
        if link["elbName"].given:
            yield link["elbName"].problem("no Classic Load Balancer with zone rebalancing", _OR_DISABLE)


def _pinned_to_zones(service: Service) -> Iterator[Problem]:
    for constraint in service["placementConstraints"].items():
        expression = constraint["expression"]
        try:
            pinned = _ZONE in mentions(parse(expression.text() or ""))
        except QueryError:
            continue  # PL-11 says so
        if pinned:
            yield expression.problem(f"nothing about {_ZONE} with zone rebalancing", _OR_DISABLE)
