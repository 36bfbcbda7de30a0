"""What sends requests to a target group: listeners and their rules, and the load balancers they belong to."""

from __future__ import annotations

from ecs_policy.model import Listener, ListenerRule, LoadBalancer, TargetGroup
from ecs_policy.values import NotEvaluated, Value


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
            found += [each["arn"] for each in action["forward"]["targetGroups"].items()]
        except NotEvaluated:
            found.append(action["forward"])
    return [each for each in found if each.given]


def attachments(target_group: TargetGroup) -> list[Listener | ListenerRule]:
    """What attaches the target group to a load balancer. Raises when nothing does for sure, but something may."""
    stack = target_group.stack
    by_default = stack.relation(Listener, _forwards_by_default, TargetGroup)
    by_rule = stack.relation(ListenerRule, _forwards, TargetGroup)
    found: list[Listener | ListenerRule] = [*by_default.sure(target_group), *by_rule.sure(target_group)]
    doubt = by_default.doubt_about(target_group) or by_rule.doubt_about(target_group)
    if not found and doubt is not None:
        raise doubt
    return found


def balancers_of(target_group: TargetGroup) -> list[LoadBalancer]:
    """The load balancers that send requests to the target group."""
    found: dict[str, LoadBalancer] = {}
    for each in attachments(target_group):
        listener = each if isinstance(each, Listener) else each["listenerArn"].one(Listener)
        balancer = listener["loadBalancerArn"].one(LoadBalancer) if listener is not None else None
        if balancer is not None:
            found[balancer.urn] = balancer
    return list(found.values())
