"""docs/deployment-speed.md: computed, and computed from what the components really set."""

import pulumi

from tests.mocks import run  # silences what the SDKs warn about when the components touch them

# isort: split
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.route import Route, RouteArgs
from components.service import Service, ServiceArgs
from docs.generate_deployment_speed import DOCUMENT, HERE, document


def test_the_page_is_what_the_calculator_says() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `python -m docs.generate_deployment_speed`"


def test_the_settings_of_the_page_are_those_of_the_components() -> None:
    def program() -> None:
        load_balancer = LoadBalancer(
            "shop",
            LoadBalancerArgs(subnet_ids=["subnet-1", "subnet-2"], security_group_id="sg-1", listener_port=80),
        )
        route = Route("shop", RouteArgs(vpc_id="vpc-1", listener_arn=load_balancer.listener_arn, target_port=8080))
        Service(
            "shop",
            ServiceArgs(
                cluster_arn="arn:aws:ecs:ap-northeast-1:123456789012:cluster/shop",
                task_definition_arn="arn:aws:ecs:ap-northeast-1:123456789012:task-definition/shop:1",
                container_name="web",
                container_port=8080,
                subnet_ids=["subnet-1", "subnet-2"],
                security_group_id="sg-2",
                target_group_arn=route.target_group_arn,
                listener=route.rule,
            ),
        )
        pulumi.export("url", load_balancer.url)

    made = run(program)
    target_group = made.get("aws:lb/targetGroup:TargetGroup").inputs
    service = made.get("aws:ecs/service:Service").inputs
    (check,) = HERE.target_health_checks
    assert target_group["deregistrationDelay"] == HERE.deregistration_delay_seconds
    assert {name: target_group["healthCheck"][name] for name in ("interval", "timeout")} == {
        "interval": check.interval_seconds,
        "timeout": check.timeout_seconds,
    }
    assert target_group["healthCheck"]["healthyThreshold"] == check.healthy_threshold
    assert target_group["healthCheck"]["unhealthyThreshold"] == check.unhealthy_threshold
    assert service["desiredCount"] == HERE.desired_count
    assert service["deploymentMinimumHealthyPercent"] == HERE.minimum_healthy_percent
    assert service["deploymentMaximumPercent"] == HERE.maximum_percent
    assert service["healthCheckGracePeriodSeconds"] == HERE.health_check_grace_seconds
    assert service["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert HERE.circuit_breaker
