"""What sends requests to a target group: listeners and their rules, and the load balancers they belong to."""

from __future__ import annotations

from typing import TypeVar

from ecs_policy.model import Listener, ListenerRule, LoadBalancer, TargetGroup
from ecs_policy.stack import Resource
from ecs_policy.values import NotEvaluated, Value, readable

_R = TypeVar("_R", bound=Resource)


def alternate_arn(link: Value) -> Value:
    """Of one entry of a service's `loadBalancers`: the target group that takes turns with its own (blue/green)."""
    return link["advancedConfiguration"]["alternateTargetGroupArn"]


def balancer_of(owner: Listener | ListenerRule) -> LoadBalancer | None:
    """The load balancer of a listener or of a rule of one."""
    listener = owner if isinstance(owner, Listener) else owner["listenerArn"].one(Listener)
    return None if listener is None else listener["loadBalancerArn"].one(LoadBalancer)


def _told_by_arn(place: Value, kind: type[Resource]) -> str:
    """The type of load balancer that an ARN of another stack names; empty where it names none."""
    text = "" if place.unknown else place.text() or ""
    if place.resource.stack.known_as(text, kind):
        return ""
    words = {"/app/": "application", "/net/": "network", "/gwy/": "gateway"}
    return next((told for word, told in words.items() if word in text), "")


def _told_or_found(place: Value, kind: type[_R]) -> str | _R:
    """What `_told_by_arn` tells, else the resource that the reference leads to. Raises where neither is known."""
    told = _told_by_arn(place, kind)
    if told:
        return told
    found = place.one(kind)
    if found is None:
        raise place.not_evaluated("is absent")
    return found


def kind_of_balancer(listener: Listener) -> str:
    """The type of its load balancer, also of one outside the stack: its ARN says it. Raises where that is not known."""
    found = _told_or_found(listener["loadBalancerArn"], LoadBalancer)
    return found if isinstance(found, str) else found.kind


def kind_of_rule(rule: ListenerRule) -> str:
    """The type of the load balancer that a rule belongs to, as `kind_of_balancer`."""
    found = _told_or_found(rule["listenerArn"], Listener)
    return found if isinstance(found, str) else kind_of_balancer(found)


def forwards_to(owner: Listener | ListenerRule) -> tuple[list[TargetGroup], NotEvaluated | None]:
    """The target groups that a listener or rule forwards to, and why there may be others."""
    places = _forwards_by_default(owner) if isinstance(owner, Listener) else _forwards(owner)
    found, doubtful = owner.stack.found_among_all(places, TargetGroup)
    if doubtful:
        return found, places[0].not_evaluated("is not known yet")
    for place in places:
        if owner.stack.lost(place, TargetGroup) is not None:
            return found, place.not_evaluated("is not known yet")
        if not place.unknown and not owner.stack.known_as(place.text() or "", TargetGroup):
            return found, place.not_evaluated("refers to something that is not a resource of this stack")
    return found, None


def target_groups(link: Value) -> tuple[list[TargetGroup], NotEvaluated | None]:
    """Where one entry of a service's `loadBalancers` registers tasks, and why there may be others."""
    arns = [each for each in (link["targetGroupArn"], alternate_arn(link)) if each.given]
    if len(arns) > 1 and len(link.resource["loadBalancers"].items()) == 1:
        found, doubtful = link.resource.stack.found_among_all(arns, TargetGroup)
        if len(found) == len(arns) and not doubtful:
            return found, None  # in a first preview in no order: both are there, and which is which does not matter
    groups, doubt = readable(arns, lambda arn: _one(arn, arns))
    return [each for each in groups if each is not None], doubt


def _one(arn: Value, arns: list[Value]) -> TargetGroup | None:
    if len(arns) > 1 and all(each.unknown for each in arns):
        raise arn.not_evaluated("is not known yet, and which of the target groups it is cannot be told")
    return arn.one(TargetGroup)


def _forwards_by_default(listener: Listener) -> list[Value]:
    return _targets(listener["defaultActions"])


def _forwards(rule: ListenerRule) -> list[Value]:
    return _targets(rule["actions"])


def _targets(actions: Value) -> list[Value]:
    if actions.unknown:
        return [actions]
    found = []
    for action in actions.items():
        found.append(action["targetGroupArn"])
        try:
            groups = action["forward"]["targetGroups"]
            found += [groups] if groups.unknown else [each["arn"] for each in groups.items()]
        except NotEvaluated:
            found.append(action["forward"])
    return [each for each in found if each.given]


def attachments(target_group: TargetGroup) -> list[Listener | ListenerRule]:
    """What attaches the target group to a load balancer. Raises when nothing does for sure, but something may."""
    return target_group.stack.derived(_attachments, target_group)


def _attachments(target_group: TargetGroup) -> list[Listener | ListenerRule]:
    found, doubt = all_attachments(target_group)
    if not found and doubt is not None:
        raise doubt
    return found


def all_attachments(target_group: TargetGroup) -> tuple[list[Listener | ListenerRule], NotEvaluated | None]:
    """What attaches the target group to a load balancer for sure, and why there may be more."""
    stack = target_group.stack
    by_default = stack.relation(Listener, _forwards_by_default, TargetGroup)
    by_rule = stack.relation(ListenerRule, _forwards, TargetGroup)
    found: list[Listener | ListenerRule] = [*by_default.sure(target_group), *by_rule.sure(target_group)]
    return found, by_default.doubt_about(target_group) or by_rule.doubt_about(target_group)


def balancers_of(target_group: TargetGroup) -> list[LoadBalancer]:
    """The load balancers that send requests to the target group."""
    return target_group.stack.derived(_balancers_of, target_group)


def _balancers_of(target_group: TargetGroup) -> list[LoadBalancer]:
    found: dict[str, LoadBalancer] = {}
    for each in attachments(target_group):
        listener = each if isinstance(each, Listener) else each["listenerArn"].one(Listener)
        balancer = listener["loadBalancerArn"].one(LoadBalancer) if listener is not None else None
        if balancer is not None:
            found[balancer.urn] = balancer
    return list(found.values())
