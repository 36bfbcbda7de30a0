"""The public load balancer: the only door from the internet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws

from components.checks import Arguments, text, whole
from components.network import Port

HealthCheckPath = Annotated[
    str, text(r"/[!-~]{0,1023}", "a path that starts with / and has no space", fix="name a page that answers 200")
]
DeregistrationDelaySeconds = Annotated[
    int, whole(0, 3600, fix="choose at least the seconds that the longest request may take")
]

_HTTP_PORT = 80


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs(Arguments):
    """Arguments of `LoadBalancer`."""

    vpc_id: pulumi.Input[str]
    """The VPC of subnets and targets."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Public subnets in at least two availability zones."""

    security_group_id: pulumi.Input[str]
    """Security group that lets clients in to `listener_port` and requests out to `container_port`."""

    listener_port: Port
    """TCP port that clients connect to, plain HTTP."""

    container_port: Port
    """TCP port that targets answer on. ECS registers each task with its own port; this is for targets without one."""

    health_check_path: HealthCheckPath = "/"
    """Page that answers 200 when a target can serve.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html"""

    deregistration_delay_seconds: DeregistrationDelaySeconds = 5
    """Seconds that a leaving target may go on with requests it has, 0 to 3600. Each batch of a deployment waits this
    long, so AWS recommends 5 (its default is 300) where requests take under a second. Not less than the longest one.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html"""

    deletion_protection: bool = True
    """Whether the load balancer, whose DNS name clients know, refuses to be deleted, by Pulumi and by AWS."""


class LoadBalancer(pulumi.ComponentResource):
    """An internet-facing Application Load Balancer with one HTTP listener and one target group for tasks.

    A target is checked every 5 seconds (AWS's default is 30): a new task gets traffic after its first good answer, and
    the wait for that is what a deployment feels. Two good answers bring a sick target back, three bad ones (15 s) take
    it out: one slow answer does not.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-healthcheck.html

    Requests with malformed headers are dropped, and ambiguous ones get a connection of their own (desync mitigation).

    Not done here: TLS, access logs, WAF, IPv6.
    """

    TYPE = "h4b:load_balancer:LoadBalancer"

    dns_name: pulumi.Output[str]
    """Public name given by AWS."""

    url: pulumi.Output[str]
    """Where clients go."""

    target_group_arn: pulumi.Output[str]
    """Where a service registers its tasks."""

    listener: aws.lb.Listener
    """Attaches the target group to the load balancer: a service that uses the one must wait for the other."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.TYPE, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        load_balancer = aws.lb.LoadBalancer(
            name,
            load_balancer_type="application",
            internal=False,
            subnets=args.subnet_ids,
            security_groups=[args.security_group_id],
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            enable_deletion_protection=args.deletion_protection,
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
        )
        target_group = aws.lb.TargetGroup(
            name,
            # Each task has an address of its own (awsvpc).
            target_type="ip",
            vpc_id=args.vpc_id,
            protocol="HTTP",
            port=args.container_port,
            deregistration_delay=args.deregistration_delay_seconds,
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                protocol="HTTP",
                port="traffic-port",
                path=args.health_check_path,
                matcher="200",
                interval=5,
                timeout=4,
                healthy_threshold=2,
                unhealthy_threshold=3,
            ),
            opts=child,
        )
        self.listener = aws.lb.Listener(
            name,
            load_balancer_arn=load_balancer.arn,
            protocol="HTTP",
            port=args.listener_port,
            default_actions=[aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=target_group.arn)],
            opts=child,
        )

        port = "" if args.listener_port == _HTTP_PORT else f":{args.listener_port}"
        self.dns_name = load_balancer.dns_name
        self.url = pulumi.Output.concat("http://", load_balancer.dns_name, port)
        self.target_group_arn = target_group.arn
        self.register_outputs({"dnsName": self.dns_name, "url": self.url, "targetGroupArn": self.target_group_arn})
