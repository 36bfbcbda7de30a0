"""The way from a load balancer's listener to the tasks of one service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.checks import Arguments, each, one_of, text, whole
from components.deployment import TrafficShift
from components.documents import Documents
from components.network import Port
from components.roles import role
from ecs_policy.deployment_bounds import TargetHealthCheck

HealthCheckPath = Annotated[
    str, text(r"/[!-~]{0,1023}", "a path that starts with / and has no space", fix="name a page that answers 200")
]
DeregistrationDelaySeconds = Annotated[
    int, whole(0, 3600, fix="choose at least the seconds that the longest request may take")
]
PathPatterns = Annotated[
    Sequence[str],
    each(text(r"/[A-Za-z0-9_.$/~\"'@:+&*?-]{0,127}", "a path of 1 to 128 characters with * and ?", fix="correct it")),
]
Priority = Annotated[int, whole(1, 25_000, fix="choose a number that no other route of the listener has")]
TargetType = Annotated[Literal["ip", "instance"], one_of("ip", "instance", fix="choose what is registered")]

HEALTH_CHECK = TargetHealthCheck(interval_seconds=5, timeout_seconds=4, healthy_threshold=2, unhealthy_threshold=3)
"""How targets are checked: a new one is in after a second or five, a sick one out after fifteen."""

TEST_HEADER = "X-Deployment"
"""Requests with this header, and the secret in it, reach a new revision before production traffic does."""

_TEST_SECRET_CHARACTERS = 32
"""Of 36, as load balancers compare headers without regard to case: 165 bits, which nobody guesses.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_HttpHeaderConditionConfig.html"""


@dataclass(frozen=True, kw_only=True)
class TargetGroupChoices(Arguments):
    """The target group: when a task can serve, and how it leaves."""

    health_check_path: HealthCheckPath = "/"
    """Page that answers 200 when a task can serve.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html"""

    deregistration_delay_seconds: DeregistrationDelaySeconds = 5
    """Seconds that a leaving task may go on with its requests, not less than the longest request takes. Each batch of a
    deployment waits this long, so AWS recommends 5 (its default is 300) where requests take under a second.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html"""


@dataclass(frozen=True, kw_only=True)
class RouteArgs(TargetGroupChoices):
    """Arguments of `Route`."""

    vpc_id: pulumi.Input[str]
    """The VPC of the tasks."""

    listener_arn: pulumi.Input[str]
    """The load balancer's listener."""

    target_port: Port
    """TCP port that targets answer on. ECS registers each task with its own port; this is for targets without one."""

    target_type: TargetType = "ip"
    """`ip`: tasks with an address of their own (awsvpc). `instance`: tasks on the instance's network (bridge)."""

    path_patterns: PathPatterns = ("/*",)
    """Requests to which paths go here. `/*` is all of them. At most five, as AWS counts conditions.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html"""

    priority: Priority = 1
    """Rank among the routes of the listener, 1 to 25000; the lowest that fits takes the request."""

    shifts_traffic: bool = False
    """Whether deployments shift traffic between two target groups (blue/green, linear, canary)."""


class Route(pulumi.ComponentResource):
    """A target group for tasks and the listener rule that leads there.

    A target is checked every 5 seconds (AWS's default is 30): a new task gets traffic after its first good answer, and
    the wait for that is what a deployment feels. Two good answers bring a sick target back, three bad ones (15 s) take
    it out: one slow answer does not.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-healthcheck.html

    If deployments shift traffic there is a second target group, and a second rule, ahead of the first, for requests
    whose header `X-Deployment` holds a secret: nobody but who can read the stack's secrets reaches a revision that is
    not released. The secret is made once and kept in the state. ECS changes the targets and weights of both rules as it
    goes, so what they do is set once and then ignored: neither `up` nor `refresh` undoes a shift. What they match stays
    Pulumi's.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-implementation.html
    """

    TYPE = "h4b:route:Route"

    target_group_arn: pulumi.Output[str]
    """Where a service registers its tasks."""

    target_group_arn_suffixes: Sequence[pulumi.Output[str]]
    """How metrics name the target group: `targetgroup/<name>/<id>`; both of them where traffic shifts."""

    rule: aws.lb.ListenerRule
    """Attaches the target group to the load balancer: a service that uses the one must wait for the other."""

    traffic_shift: TrafficShift | None
    """What a service that shifts traffic needs; None unless `shifts_traffic`."""

    test_header: pulumi.Output[str] | None
    """Secret: the header that leads to the new revision, `X-Deployment: <secret>`; None unless `shifts_traffic`."""

    def __init__(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        self._documents = Documents()

        target_group = self._target_group(name, args)
        alternate = self._target_group(f"{name}-alternate", args) if args.shifts_traffic else None
        self.rule = self._rule(name, args, 2 * args.priority, [target_group, alternate])
        self.traffic_shift = self.test_header = None
        if alternate is not None:
            secret = random.RandomPassword(
                f"{name}-test",
                length=_TEST_SECRET_CHARACTERS,
                upper=False,
                special=False,
                opts=pulumi.ResourceOptions(parent=self),
            ).result
            self.test_header = pulumi.Output.concat(f"{TEST_HEADER}: ", secret)
            test_rule = self._rule(f"{name}-test", args, 2 * args.priority - 1, [target_group, alternate], secret)
            self.traffic_shift = TrafficShift(
                alternate_target_group_arn=alternate.arn,
                production_rule_arn=self.rule.arn,
                test_rule_arn=test_rule.arn,
                role_arn=self._role(name, [target_group.arn, alternate.arn], [self.rule.arn, test_rule.arn]),
            )

        self.target_group_arn = target_group.arn
        self.target_group_arn_suffixes = [each.arn_suffix for each in (target_group, alternate) if each is not None]
        self.register_outputs(
            {
                "targetGroupArn": self.target_group_arn,
                "targetGroupArnSuffixes": self.target_group_arn_suffixes,
                **self._documents.outputs,
            }
        )

    def _target_group(self, name: str, args: RouteArgs) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            name,
            target_type=args.target_type,
            vpc_id=args.vpc_id,
            protocol="HTTP",
            port=args.target_port,
            deregistration_delay=args.deregistration_delay_seconds,
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                protocol="HTTP",
                port="traffic-port",
                path=args.health_check_path,
                matcher="200",
                interval=HEALTH_CHECK.interval_seconds,
                timeout=HEALTH_CHECK.timeout_seconds,
                healthy_threshold=HEALTH_CHECK.healthy_threshold,
                unhealthy_threshold=HEALTH_CHECK.unhealthy_threshold,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _rule(
        self,
        name: str,
        args: RouteArgs,
        priority: int,
        target_groups: Sequence[aws.lb.TargetGroup | None],
        test_secret: pulumi.Input[str] | None = None,
    ) -> aws.lb.ListenerRule:
        first, second = target_groups
        assert first is not None
        if second is None:
            action = aws.lb.ListenerRuleActionArgs(type="forward", target_group_arn=first.arn)
        else:
            action = aws.lb.ListenerRuleActionArgs(
                type="forward",
                forward=aws.lb.ListenerRuleActionForwardArgs(
                    target_groups=[
                        aws.lb.ListenerRuleActionForwardTargetGroupArgs(arn=each.arn, weight=weight)
                        for each, weight in ((first, 100), (second, 0))
                    ]
                ),
            )
        conditions = [
            aws.lb.ListenerRuleConditionArgs(
                path_pattern=aws.lb.ListenerRuleConditionPathPatternArgs(values=list(args.path_patterns))
            )
        ]
        if test_secret is not None:
            conditions.append(
                aws.lb.ListenerRuleConditionArgs(
                    http_header=aws.lb.ListenerRuleConditionHttpHeaderArgs(
                        http_header_name=TEST_HEADER, values=[test_secret]
                    )
                )
            )
        return aws.lb.ListenerRule(
            name,
            listener_arn=args.listener_arn,
            priority=priority,
            conditions=conditions,
            actions=[action],
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["actions"] if second is not None else None,
                # What `refresh` reads at AWS stays as secret as what was written.
                additional_secret_outputs=["conditions"] if test_secret is not None else None,
            ),
        )

    def _role(
        self, name: str, target_group_arns: Sequence[pulumi.Output[str]], rule_arns: Sequence[pulumi.Output[str]]
    ) -> pulumi.Output[str]:
        shift = role(name, "shift", self)
        policy = aws.iam.RolePolicy(
            f"{name}-shift",
            role=shift.name,
            policy=self._documents.role_policy(f"{name}-shift", _shift_policy(target_group_arns, rule_arns)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Whoever uses the role waits for its policy.
        return pulumi.Output.all(shift.arn, policy.id).apply(lambda known: str(known[0]))


def _shift_policy(
    target_group_arns: Sequence[pulumi.Output[str]], rule_arns: Sequence[pulumi.Output[str]]
) -> Mapping[str, Any]:
    """AWS's own policy for this purpose, for these target groups and rules only.
    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonECSInfrastructureRolePolicyForLoadBalancers.html"""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": [
                    "elasticloadbalancing:DescribeListeners",
                    "elasticloadbalancing:DescribeRules",
                    "elasticloadbalancing:DescribeTargetGroups",
                    "elasticloadbalancing:DescribeTargetHealth",
                ],
                # The actions know no resource.
                "Resource": "*",
            },
            {
                "Sid": "RegisterTasks",
                "Effect": "Allow",
                "Action": ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
                "Resource": list(target_group_arns),
            },
            {
                "Sid": "ShiftTraffic",
                "Effect": "Allow",
                "Action": "elasticloadbalancing:ModifyRule",
                "Resource": list(rule_arns),
            },
        ],
    }
