"""Blue/green, linear and canary deployments: what ECS needs to shift the traffic."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_policy.iam import Grant, grants, trusted_services
from ecs_policy.load_balancing import alternate_arn, balancer_of, forwards_to, target_groups
from ecs_policy.model import Listener, ListenerRule, Role, Service, TargetGroup
from ecs_policy.rule import Level, Problem, Quote, Severity, Value, resource_rule, stack_rule
from ecs_policy.stack import names_of
from ecs_policy.values import NotEvaluated, independently

_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_SHIFTS = ("BLUE_GREEN", "CANARY", "LINEAR")
_OWN_SETTINGS = {"canaryConfiguration": "CANARY", "linearConfiguration": "LINEAR"}
_ECS = "ecs.amazonaws.com"
_TROUBLE = f"{_GUIDE}/troubleshooting-blue-green.html"
_SAID_ADVANCED = Quote(
    "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy",
    _TROUBLE,
)
_SAID_ARN = Quote("has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB.", _TROUBLE)
_SAID_BOTH = Quote("cannot be used as both production and test listener rules", _TROUBLE)
_SAID_TEST = Quote(
    "testListenerRule is required when productionListenerRule is not associated with both targetGroup and "
    "alternateTargetGroup",
    _TROUBLE,
)
_ACTIONS = (
    "DescribeListeners",
    "DescribeRules",
    "DescribeTargetGroups",
    "DescribeTargetHealth",
    "RegisterTargets",
    "DeregisterTargets",
)
_TURNS = ("ModifyRule", "ModifyListener")
"""Of an application and of a network load balancer: one of the two is needed."""


def _strategy(service: Service) -> str:
    return service["deploymentConfiguration"]["strategy"].text() or "ROLLING"


@resource_rule(
    "TS-01 shift-settings",
    on=Service,
    title="A strategy that shifts traffic is ECS's own, with its own settings and no other's",
    why="Only the ECS controller has these strategies, and each has settings that the others refuse.",
    level=Level.REJECTED,
    source=f"{_API}/API_DeploymentConfiguration.html",
)
def shift_settings(service: Service) -> Iterator[Problem]:
    configuration, controller = service["deploymentConfiguration"], service["deploymentController"]["type"]
    strategy = _strategy(service)
    if strategy in _SHIFTS and (controller.text() or "ECS") != "ECS":
        yield controller.problem(f'"ECS" with strategy {strategy}', "remove deploymentController")
    for key, of in _OWN_SETTINGS.items():
        if configuration[key].given and strategy != of:
            yield configuration[key].problem(f"nothing with strategy {strategy}", f"remove it, or choose {of}")


@stack_rule(
    "TS-02 shift-ways",
    on=Service,
    each="loadBalancers",
    title="A strategy that shifts traffic has a second target group, the rule or listener to turn, and a role",
    why="ECS starts the new tasks in the other target group and turns the rule of an Application Load Balancer, or the "
    "listener of a Network Load Balancer, from one to the other, with the permissions of that role.",
    level=Level.REJECTED,
    severity=Severity.CRITICAL,
    source=_TROUBLE,
)
def shift_ways(link: Value) -> Iterator[Problem]:
    service = link.resource
    assert isinstance(service, Service)
    if _strategy(service) not in _SHIFTS:
        return
    if link["elbName"].given:
        yield link["elbName"].problem("a target group", "use an Application or Network Load Balancer")
        return
    advanced = link["advancedConfiguration"]
    if not advanced.given:
        yield advanced.problem(
            f"alternateTargetGroupArn, productionListenerRule and roleArn with strategy {_strategy(service)}",
            "set advancedConfiguration",
            quote=_SAID_ADVANCED,
        )
        return
    for key in ("alternateTargetGroupArn", "productionListenerRule", "roleArn"):
        if not advanced[key].given:
            yield advanced[key].problem(f"a value with strategy {_strategy(service)}", f"set {key}")
    yield from independently(
        (
            _another_group(link),
            *(_turned(link, advanced[key]) for key in ("productionListenerRule", "testListenerRule")),
            _another_rule(advanced),
        )
    )


def _another_group(link: Value) -> Iterator[Problem]:
    group, alternate = link["targetGroupArn"], alternate_arn(link)
    if not group.given or not alternate.given:
        return
    if group.unknown or alternate.unknown:
        groups, doubt = target_groups(link)
        if doubt is not None:
            raise doubt
        if len({each.urn for each in groups}) < 2:
            raise alternate.not_evaluated("is not known yet, and may be the same as targetGroupArn")
    elif alternate.text() == group.text():
        yield alternate.problem("another target group than targetGroupArn", "make a second target group")


def _another_rule(advanced: Value) -> Iterator[Problem]:
    production, test = advanced["productionListenerRule"], advanced["testListenerRule"]
    if not production.given or not test.given:
        return
    if production.unknown or test.unknown:
        both = [test.resource.stack.found_among_all([production, test], kind) for kind in (ListenerRule, Listener)]
        if not any(len(found) == 2 and not doubtful for found, doubtful in both):
            raise test.not_evaluated("is not known yet, and may be the same as productionListenerRule")
    elif production.text() == test.text():
        yield test.problem(
            "another one than productionListenerRule",
            "make a rule or listener for tests, or remove it",
            quote=_SAID_BOTH,
        )


def _turned(link: Value, place: Value) -> Iterator[Problem]:
    """A rule of an application load balancer, a listener of a network load balancer, that forwards to the service."""
    if not place.given:
        return
    is_rule, kind, candidates = _named(place)
    if kind == "application" and not is_rule:
        yield place.problem(
            "the ARN of a listener rule, as the load balancer is an application one; this is a listener",
            "make a ListenerRule that forwards to both target groups, and use its arn",
            quote=_SAID_ARN,
        )
    elif kind == "network" and is_rule:
        yield place.problem(
            "the ARN of a listener, as the load balancer is a network one", "use the listener's arn", quote=_SAID_ARN
        )
    elif place.path[-1] == "productionListenerRule":
        problems = [list(_forwards(link, place, each)) for each in candidates]
        if not problems:
            raise place.not_evaluated("refers to something that is not a resource of this stack")
        if all(problems):
            yield from problems[0]
        elif any(problems):
            raise place.not_evaluated(f"is not known yet and may be any of {names_of(candidates)}")


def _named(place: Value) -> tuple[bool, str, list[Listener | ListenerRule]]:
    """Whether a place names a rule, the type of its load balancer, and the resources of this stack that it may be."""
    stack = place.resource.stack
    if not place.unknown:
        text = place.text() or ""
        found: list[Listener | ListenerRule] = [*stack.known_as(text, ListenerRule), *stack.known_as(text, Listener)]
        is_rule = ":listener-rule/" in text or any(isinstance(each, ListenerRule) for each in found)
        kind = "application" if "/app/" in text else "network" if "/net/" in text else ""
        if len(found) == 1:
            kind = _type(found[0])
        return is_rule, kind, found
    rules, listeners = stack.candidates(place, ListenerRule), stack.candidates(place, Listener)
    if rules:
        return True, _type(rules[0]), [*rules]
    if listeners:
        return False, _type(listeners[0]), [*listeners]
    raise place.not_evaluated("is not known yet and comes from no listener or rule of this stack")


def _type(owner: Listener | ListenerRule) -> str:
    balancer = balancer_of(owner)
    return "" if balancer is None else balancer.kind


def _forwards(link: Value, place: Value, owner: Listener | ListenerRule) -> Iterator[Problem]:
    arns = [each for each in (link["targetGroupArn"], alternate_arn(link)) if each.given]
    stack = link.resource.stack
    wanted, doubtful = stack.found_among_all(arns, TargetGroup)
    lost = [each for each in arns if each.unknown or stack.found_among(each, TargetGroup) == ([], [])]
    told = len(wanted) >= len({each.text() for each in arns if not each.unknown}) + sum(each.unknown for each in arns)
    groups, doubt = forwards_to(owner)
    without = [each for each in wanted if each not in groups]
    if not without and told:
        return
    if doubtful or doubt is not None:
        raise doubt or arns[0].not_evaluated(f"is not known yet and may be any of {names_of(doubtful)}")
    if not told:
        raise lost[0].not_evaluated("is not known, and may be a target group to which nothing is forwarded")
    if len(without) < len(wanted):
        if isinstance(owner, ListenerRule) and not link["advancedConfiguration"]["testListenerRule"].given:
            yield place.problem(
                f"a rule that forwards to {without[0].label}, too, without testListenerRule",
                f"let {owner.label} forward to both target groups of the service, or set testListenerRule",
                quote=_SAID_TEST,
            )
        return
    names = " or ".join(each.label for each in wanted)
    yield place.problem(
        f"what forwards to {names}; {owner.label} forwards to neither",
        "let it forward to both target groups of the service",
    )


@stack_rule(
    "TS-03 shift-role",
    on=Service,
    each="loadBalancers",
    title="ECS may take on the role that shifts the traffic, and the role may shift it",
    why="CreateService takes any role. A deployment then stops before its first shift, and is rolled back.",
    level=Level.FAILS,
    source=f"{_GUIDE}/AmazonECSInfrastructureRolePolicyForLoadBalancers.html",
)
def shift_role(link: Value) -> Iterator[Problem]:
    place = link["advancedConfiguration"]["roleArn"]
    role = place.one(Role) if place.given else None
    if role is None:
        return
    if _ECS not in trusted_services(role)[0]:
        yield place.problem(
            f"a role that {_ECS} may assume, which {role.label} does not let it", "allow that service sts:AssumeRole"
        )
        return
    missing, doubt = [], None
    for either in (*((each,) for each in _ACTIONS), _TURNS):
        try:
            if not any(grants(role, _grant(each)) for each in either):
                missing.append(" or ".join(_grant(each).action for each in either))
        except NotEvaluated as outcome:
            doubt = doubt or outcome
    if missing:
        yield place.problem(
            f"a role that may {', '.join(missing)}, which {role.label} may not",
            "attach AmazonECSInfrastructureRolePolicyForLoadBalancers to it",
        )
    elif doubt is not None:
        raise doubt


def _grant(action: str) -> Grant:
    return Grant(f"elasticloadbalancing:{action}", "arn:*:elasticloadbalancing:*:*:*", "traffic shifts")
