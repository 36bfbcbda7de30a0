"""On which instances ECS places the tasks of a service on EC2."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import pulumi_aws as aws

from components import legality
from components.checks import Arguments, Check, Names, as_is, each, shown
from ecs_policy.cluster_query import AVAILABILITY_ZONE, QueryError, evaluate, mentions, parse
from ecs_policy.rules import placement as rules


@dataclass(frozen=True)
class Binpack:
    """Fill the instance that has the least of this left: the fewest instances.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PlacementStrategy.html"""

    field: str
    """`cpu` or `memory`."""

    TYPE = "binpack"


@dataclass(frozen=True)
class Spread:
    """Divide the tasks evenly over the values of something that instances have."""

    field: str
    """`instanceId` (or `host`, the same), or `attribute:<name>`, as `attribute:ecs.availability-zone`."""

    TYPE = "spread"


@dataclass(frozen=True)
class Random:
    """Any instance with room."""

    field: None = None

    TYPE = "random"


Strategy = Binpack | Spread | Random


@dataclass(frozen=True)
class DistinctInstance:
    """No two tasks of the service on one instance."""

    expression: None = None

    TYPE = "distinctInstance"


@dataclass(frozen=True)
class MemberOf:
    """Only instances that an expression of the cluster query language describes.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-query-language.html"""

    expression: str
    """As `attribute:ecs.instance-type =~ t3.*`, at most 2000 characters."""

    TYPE = "memberOf"


Constraint = DistinctInstance | MemberOf


def parse_strategy(text: str) -> Strategy:
    """`binpack memory`, `spread attribute:ecs.availability-zone` or `random`. Raises ValueError for anything else."""
    kind, _, field = text.partition(" ")
    if kind == "random" and not field:
        return Random()
    if kind in ("binpack", "spread") and field:
        return Binpack(field) if kind == "binpack" else Spread(field)
    raise ValueError(text)


def parse_constraint(text: str) -> Constraint:
    """`distinctInstance` or `memberOf <expression>`. Raises ValueError for anything else."""
    kind, _, expression = text.partition(" ")
    if kind == "distinctInstance" and not expression:
        return DistinctInstance()
    if kind == "memberOf" and expression:
        return MemberOf(expression)
    raise ValueError(text)


def _readable(parser: Callable[[str], object]) -> Callable[[object], bool]:
    def accepts(value: object) -> bool:
        try:
            return isinstance(value, str) and parser(value) is not None
        except ValueError:
            return False

    return accepts


StrategyTexts = Annotated[
    Sequence[str],
    each(
        Check(
            "binpack cpu, binpack memory, spread <field> or random",
            "see AWS's page on task placement strategies",
            _readable(parse_strategy),
        ),
        at_least=0,
    ),
]
ConstraintTexts = Annotated[
    Sequence[str],
    each(
        Check(
            "distinctInstance or memberOf <expression>",
            "see AWS's page on task placement constraints",
            _readable(parse_constraint),
        ),
        at_least=0,
    ),
]


@dataclass(frozen=True, kw_only=True)
class PlacementChoices(Arguments):
    """With EC2, on which instances ECS places the tasks."""

    strategies: StrategyTexts = ()
    """Which instance a task gets, the first strategy first. `binpack` fills instances by cpu or memory, `spread`
    divides evenly over `instanceId`, `host` or `attribute:<name>`, `random` takes any. Empty: ECS balances the zones.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html"""

    constraints: ConstraintTexts = ()
    """Which instances a task may get. `distinctInstance` allows no two tasks on one, `memberOf <expression>` only
    instances that an expression of the cluster query language describes.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-constraints.html"""

    @property
    def parsed_strategies(self) -> list[Strategy]:
        """The strategies as `Service` takes them."""
        return [parse_strategy(each) for each in self.strategies]

    @property
    def parsed_constraints(self) -> list[Constraint]:
        """The constraints as `Service` takes them."""
        return [parse_constraint(each) for each in self.constraints]


_RULES = (
    rules.no_constraints_on_fargate,
    rules.no_strategies_on_fargate,
    rules.binpack_field,
    rules.spread_field,
    rules.max_strategies,
    rules.max_constraints,
    rules.constraint_expression,
)


def placement_problem(
    launch_type: str,
    strategies: Sequence[Strategy],
    constraints: Sequence[Constraint],
    called: Names = as_is,
) -> str | None:
    """What ECS has against the placement, in the words of the policy pack and the caller's names of the arguments."""
    inputs = {
        "launchType": launch_type,
        "orderedPlacementStrategies": [{"type": each.TYPE, "field": each.field} for each in strategies],
        "placementConstraints": [{"type": each.TYPE, "expression": each.expression} for each in constraints],
    }
    names = {
        "orderedPlacementStrategies": called("placement_strategies"),
        "placementConstraints": called("placement_constraints"),
    }
    return legality.problem(legality.SERVICE, inputs, _RULES, names)


def type_problem(
    constraints: Sequence[Constraint],
    instance_type: str,
    cpu_architecture: str,
    called: Names = as_is,
) -> str | None:
    """Why no instance of the type may get a task, in the caller's names of the arguments; None when one may."""
    attributes = {
        "attribute:ecs.instance-type": instance_type,
        "attribute:ecs.cpu-architecture": "arm64" if cpu_architecture == "ARM64" else "x86_64",
    }
    for constraint in constraints:
        try:
            excluded = isinstance(constraint, MemberOf) and evaluate(parse(constraint.expression), attributes) is False
        except QueryError:
            continue
        if excluded:
            return (
                f"{called('placement_constraints')}: got {shown(constraint.expression)} with {called('instance_type')} "
                f"{instance_type}, expected an expression that the type fulfils; change one of the two"
            )
    return None


def leaves_zones_alone(strategies: Sequence[Strategy], constraints: Sequence[Constraint]) -> bool:
    """Whether Availability Zone rebalancing can work beside this placement: zones come first, and none is required.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html"""
    return (not strategies or strategies[0] == Spread(AVAILABILITY_ZONE)) and not any(
        AVAILABILITY_ZONE in _mentioned(each.expression) for each in constraints if each.expression
    )


def _mentioned(expression: str) -> frozenset[str]:
    try:
        return mentions(parse(expression))
    except QueryError:
        return frozenset()


def strategy_args(strategy: Strategy) -> aws.ecs.ServiceOrderedPlacementStrategyArgs:
    """The strategy as the provider takes it."""
    return aws.ecs.ServiceOrderedPlacementStrategyArgs(type=strategy.TYPE, field=strategy.field)


def constraint_args(constraint: Constraint) -> aws.ecs.ServicePlacementConstraintArgs:
    """The constraint as the provider takes it."""
    return aws.ecs.ServicePlacementConstraintArgs(type=constraint.TYPE, expression=constraint.expression)
