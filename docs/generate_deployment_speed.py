"""Writes docs/deployment-speed.md from the deployment calculator: `python -m docs.generate_deployment_speed`."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from components.container import Container
from components.route import RouteArgs
from components.service import ServiceArgs
from ecs_policy.deployment_bounds import (
    SOURCES,
    Deployment,
    Duration,
    TargetHealthCheck,
    bounds,
    format_bounds,
    format_seconds,
)

DOCUMENT = Path(__file__).parent / "deployment-speed.md"


def _default(arguments: type[Any], name: str) -> Any:
    return next(field.default for field in fields(arguments) if field.name == name)


AWSX = Deployment(desired_count=2)
"""`awsx.ecs.FargateService` behind an `awsx.lb.ApplicationLoadBalancer`: it leaves all of this to AWS's defaults.
https://www.pulumi.com/registry/packages/awsx/api-docs/ecs/fargateservice/"""

CDK = replace(AWSX, minimum_healthy_percent=50, health_check_grace_seconds=60)
"""`ApplicationLoadBalancedFargateService` of aws-cdk-lib.
https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_ecs_patterns.ApplicationLoadBalancedFargateService.html"""

HERE = replace(
    AWSX,
    target_health_check=TargetHealthCheck(
        interval_seconds=5, timeout_seconds=4, healthy_threshold=2, unhealthy_threshold=3
    ),
    health_check_grace_seconds=_default(ServiceArgs, "health_check_grace_period_seconds"),
    deregistration_delay_seconds=_default(RouteArgs, "deregistration_delay_seconds"),
    stop_timeout_seconds=_default(Container, "stop_timeout_seconds"),
    circuit_breaker=True,
)
"""The components of this repository."""

_SETTINGS: list[tuple[str, Callable[[Deployment], str]]] = [
    (
        "minimum / maximum percent",
        lambda deployment: f"{deployment.minimum_healthy_percent} / {deployment.maximum_percent}",
    ),
    ("target check: interval, timeout", lambda deployment: _check(deployment, "interval_seconds", "timeout_seconds")),
    (
        "target check: healthy, unhealthy threshold",
        lambda deployment: _check(deployment, "healthy_threshold", "unhealthy_threshold"),
    ),
    ("health check grace period", lambda deployment: f"{deployment.health_check_grace_seconds} s"),
    ("deregistration delay", lambda deployment: f"{deployment.deregistration_delay_seconds} s"),
    ("stop timeout", lambda deployment: f"{deployment.stop_timeout_seconds} s"),
    ("circuit breaker with rollback", lambda deployment: "on" if deployment.circuit_breaker else "off"),
]

_EFFECTS: list[tuple[str, Callable[[Deployment], str]]] = [
    ("a good deployment takes at most", lambda deployment: _seconds(bounds(deployment).good)),
    ("tasks that serve all the while, at least", lambda deployment: str(deployment.fewest_tasks)),
    ("an image that exits at once is noticed after", lambda deployment: _seconds(bounds(deployment).exits_noticed)),
    ("an image that never gets healthy after", lambda deployment: _seconds(bounds(deployment).unhealthy_noticed)),
    ("then the old revision is back within", lambda deployment: _back(deployment)),
    ("update timeout recommended", lambda deployment: _timeout(deployment)),
]

_STEPS: list[tuple[str, dict[str, Any]]] = [
    ("check targets every 5 s", {"target_health_check": HERE.target_health_check}),
    ("release connections sooner", {"deregistration_delay_seconds": HERE.deregistration_delay_seconds}),
    ("kill after 10 s", {"stop_timeout_seconds": 10}),
    ("start in half the time (a smaller or nearer image)", {"task_start_seconds": AWSX.task_start_seconds // 2}),
    ("replace at 50 / 200 percent", {"minimum_healthy_percent": 50}),
]


def _check(deployment: Deployment, *names: str) -> str:
    unit = " s" if names[0].endswith("_seconds") else ""
    return ", ".join(f"{getattr(deployment.target_health_check, name)}{unit}" for name in names)


def _seconds(duration: Duration | None) -> str:
    return format_seconds(duration.seconds) if duration else "never"


def _back(deployment: Deployment) -> str:
    result = bounds(deployment)
    return _seconds(result.rollback) if result.exits_noticed else "-"


def _timeout(deployment: Deployment) -> str:
    seconds = bounds(deployment).recommended_update_timeout_seconds
    return "none is enough" if seconds is None else format_seconds(seconds)


def _comparison() -> str:
    columns = {"awsx": AWSX, "CDK pattern": CDK, "this repository": HERE}
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for title, show in [*_SETTINGS, *_EFFECTS]:
        bold = "**" if (title, show) in _EFFECTS else ""
        cells = (f"{bold}{show(deployment)}{bold}" for deployment in columns.values())
        lines.append(f"| {bold}{title}{bold} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _one_by_one() -> str:
    base = bounds(AWSX).good
    assert base
    lines = ["| from AWS's defaults, only | a good deployment takes at most | less |", "|---|---|---|"]
    lines.append(f"| (nothing) | {_seconds(base)} | |")
    for title, change in _STEPS:
        good = bounds(replace(AWSX, **change)).good
        assert good
        lines.append(f"| {title} | {_seconds(good)} | {format_seconds(base.seconds - good.seconds)} |")
    return "\n".join(lines)


def document() -> str:
    """The whole page."""
    tasks, start, answer = AWSX.desired_count, AWSX.task_start_seconds, AWSX.application_start_seconds
    sources = "\n".join(f"- {name}: <{address}>" for name, address in SOURCES.items())
    return f"""\
# How long a deployment takes

Generated by `python -m docs.generate_deployment_speed` with the calculator in `ecs_policy.deployment_bounds`.

Each figure is a worst case that follows from the settings, for a service of {tasks} tasks behind an Application Load
Balancer. Its tasks take {start} s from the decision to start them until they run; its application answers {answer} s
later. Both are estimates; put in your own. ECS itself acts some seconds later, and pauses longer between starts that
keep failing: the recommended timeout has a margin of a quarter.

## The defaults of others, and ours

{_comparison()}

*Never* means that ECS starts the bad image again and again until somebody looks: without circuit breaker, all that ends
such a deployment is the patience of the tool that waits for it.

## What each setting is worth

{_one_by_one()}

A deregistration delay must outlast the longest request. A stop timeout must outlast what the application needs to stop
gracefully; one that handles SIGTERM leaves at once, so allowing more costs nothing. With 50 / 200 percent, half of the
tasks carry all the traffic during a deployment, and no deployment whose new tasks start in parallel ends sooner.

## How our figures come about

```
{format_bounds(bounds(HERE))}
```

## Sources

{sources}
"""


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
