"""Writes docs/deployment-speed.md from the deployment calculator: `python -m docs.generate_deployment_speed`."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from components.container import Container
from components.route import HEALTH_CHECK, RouteArgs
from ecs_policy.deployment_bounds import (
    REACTION_SECONDS,
    SOURCES,
    Deployment,
    DeploymentAlarm,
    Duration,
    bounds,
    format_bounds,
    format_seconds,
)
from tests.mocks import ROOT, run_main
from tests.rollouts import read_by_policies

DOCUMENT = Path(__file__).parent / "deployment-speed.md"


def _default(arguments: type[Any], name: str) -> Any:
    return next(field.default for field in fields(arguments) if field.name == name)


STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))

AWSX = Deployment(desired_count=2)
"""`awsx.ecs.FargateService` behind an `awsx.lb.ApplicationLoadBalancer`: it leaves all of this to AWS's defaults.
https://www.pulumi.com/registry/packages/awsx/api-docs/ecs/fargateservice/"""

CDK = replace(AWSX, minimum_healthy_percent=50, health_check_grace_seconds=60)
"""`ApplicationLoadBalancedFargateService` of aws-cdk-lib.
https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_ecs_patterns.ApplicationLoadBalancedFargateService.html"""

COPILOT = replace(
    AWSX,
    health_check_grace_seconds=60,
    deregistration_delay_seconds=60,
    circuit_breaker=True,
    alarms=(DeploymentAlarm(period_seconds=60, evaluation_periods=2),),
)
"""A `Load Balanced Web Service` of AWS Copilot with its `rollback_alarms`.
https://aws.github.io/copilot-cli/docs/manifest/lb-web-service/"""

HERE = replace(
    AWSX,
    target_health_checks=(HEALTH_CHECK,),
    health_check_grace_seconds=74,
    deregistration_delay_seconds=_default(RouteArgs, "deregistration_delay_seconds"),
    stop_timeout_seconds=_default(Container, "stop_timeout_seconds"),
    circuit_breaker=True,
    alarms=(DeploymentAlarm(period_seconds=60, evaluation_periods=3),) * 3,
)
"""The components of this repository, with their alarms."""

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
    ("slowest alarm that rolls back", lambda deployment: _alarm(deployment)),
]

_EFFECTS: list[tuple[str, Callable[[Deployment], str]]] = [
    ("a good deployment takes at most", lambda deployment: _seconds(bounds(deployment).good)),
    ("tasks that serve all the while, at least", lambda deployment: str(deployment.fewest_tasks)),
    ("an image that exits at once is noticed after", lambda deployment: _seconds(bounds(deployment).exits_noticed)),
    ("an image that never gets healthy after", lambda deployment: _seconds(bounds(deployment).unhealthy_noticed)),
    ("then the old revision is back within", lambda deployment: _back(deployment)),
    ("a revision that an alarm ends, at the last moment", lambda deployment: _seconds(_late(deployment))),
    ("update timeout recommended", lambda deployment: _timeout(deployment)),
]

_STEPS: list[tuple[str, dict[str, Any]]] = [
    ("check targets every 5 s", {"target_health_checks": HERE.target_health_checks}),
    ("release connections sooner", {"deregistration_delay_seconds": HERE.deregistration_delay_seconds}),
    ("kill after 10 s", {"stop_timeout_seconds": 10}),
    ("start in half the time (a smaller or nearer image)", {"task_start_seconds": AWSX.task_start_seconds // 2}),
    ("replace at 50 / 200 percent", {"minimum_healthy_percent": 50}),
    ("roll back by alarms of 3 minutes", {"alarms": HERE.alarms}),
]

_ALARMS: list[tuple[str, tuple[int, int] | None]] = [
    ("no alarm", None),
    ("one minute", (60, 1)),
    ("twice in two minutes: AWS Copilot's", (60, 2)),
    ("**three minutes: errors, latency and unhealthy targets here**", (60, 3)),
    ("five minutes: missing tasks here, which therefore rolls nothing back", (60, 5)),
    ("three times five minutes: an alarm of the CDK, whose period is five minutes by default", (300, 3)),
]
"""How long an alarm takes to judge: its name, seconds of a period, and periods."""


def _check(deployment: Deployment, *names: str) -> str:
    unit = " s" if names[0].endswith("_seconds") else ""
    return ", ".join(f"{getattr(deployment.target_health_checks[0], name)}{unit}" for name in names)


def _alarm(deployment: Deployment) -> str:
    slowest = max(deployment.alarms, key=lambda each: each.period_seconds * each.evaluation_periods, default=None)
    return f"{slowest.evaluation_periods} x {slowest.period_seconds} s" if slowest else "none"


def _late(deployment: Deployment) -> Duration | None:
    result = bounds(deployment)
    if result.good is None or result.late_rollback is None:
        return None
    return Duration(result.good.terms + result.late_rollback.terms)


def _seconds(duration: Duration | None) -> str:
    return format_seconds(duration.seconds) if duration else "never"


def _back(deployment: Deployment) -> str:
    result = bounds(deployment)
    return _seconds(result.rollback) if result.exits_noticed else "-"


def _timeout(deployment: Deployment) -> str:
    seconds = bounds(deployment).recommended_update_timeout_seconds
    return "none is enough" if seconds is None else format_seconds(seconds)


def _comparison() -> str:
    columns = {"awsx": AWSX, "CDK pattern": CDK, "Copilot": COPILOT, "this repository": HERE}
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
        less = base.seconds - good.seconds
        saved = format_seconds(less) if less >= 0 else f"{format_seconds(-less)} more"
        lines.append(f"| {title} | {_seconds(good)} | {saved} |")
    return "\n".join(lines)


def _by_alarm() -> str:
    lines = [
        "| the slowest alarm judges in | ECS watches on for about | here at most | a good deployment takes at most | "
        "the old tasks are back from a bad one within |",
        "|---|---|---|---|---|",
    ]
    for title, given in _ALARMS:
        alarms = () if given is None else (DeploymentAlarm(period_seconds=given[0], evaluation_periods=given[1]),)
        deployment = replace(HERE, alarms=alarms)
        watched = format_seconds(given[0] * given[1]) if given else "0 s"
        late = _late(deployment)
        cells = [
            title,
            watched,
            format_seconds(deployment.alarm_bake_seconds),
            _seconds(bounds(deployment).good),
            _seconds(late) if late else "never by an alarm",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _by_stack() -> str:
    lines = [
        "| stack | a good deployment takes at most | with a failure and the way back | `pulumi up` gives up after |",
        "|---|---|---|---|",
    ]
    for stack in STACKS:
        for deployment in read_by_policies(run_main(stack)).values():
            result = bounds(deployment)
            assert result.minimum_update_timeout_seconds
            bad, least = format_seconds(result.minimum_update_timeout_seconds), _timeout(deployment)
            lines.append(f"| `{stack}` | {_seconds(result.good)} | {bad} | {least} |")
    return "\n".join(lines)


def document() -> str:
    """The whole page."""
    tasks, start = AWSX.desired_count, AWSX.task_start_seconds
    sources = "\n".join(f"- {name}: <{address}>" for name, address in SOURCES.items())
    return f"""\
# How long a deployment takes

Generated by `python -m docs.generate_deployment_speed` with the calculator in `ecs_policy.deployment_bounds`.

Each figure is a worst case that follows from the settings, for a service of {tasks} tasks behind an Application Load
Balancer. Its tasks take {start} s from the decision to start them until they run: an estimate, put in your own. A good
task is healthy before its health checks get it replaced. ECS itself acts some seconds later than the formulas say, and
pauses longer between starts that keep failing: the recommended timeout has a margin of a quarter, and
{REACTION_SECONDS} s for each start and stop that must wait for another.

## The stacks here

{_by_stack()}

The preview says the first two, `pulumi up` waits by the last, and policy SV-23 asks for the second of a program that
has the provider wait: one calculation (`ecs_policy.service_rollout`).

## The defaults of others, and ours

{_comparison()}

*Never* means that ECS starts the bad image again and again until somebody looks: without circuit breaker, all that ends
such a deployment is the patience of the tool that waits for it.

## What each setting is worth

{_one_by_one()}

A deregistration delay must outlast the longest request. A stop timeout must outlast what the application needs to stop
gracefully; one that handles SIGTERM leaves at once, so allowing more costs nothing. With 50 / 200 percent, half of the
tasks carry all the traffic during a deployment, and no deployment whose new tasks start in parallel ends sooner.

## What alarms cost

When alarms can roll a rolling deployment back, ECS does not call it done as soon as its tasks are steady: it goes on
for a *bake time* that it computes from the alarms. AWS does not publish the formula. It says that by default the time
is "less than 5 minutes" ([developer guide]({SOURCES["alarms"]})); its team said that the
alarm with the longest evaluation counts ([copilot-cli #4294](https://github.com/aws/copilot-cli/pull/4294)). The bound
here is that evaluation and one period more, and no less than five minutes: a bound that fails no good deployment.

{_by_alarm()}

Should there be faster alarms of their own for deployments, beside those that call somebody? They would be two or three
more for each service, at the price of an alarm for each metric they read, and a single bad minute would roll back: for
one or two minutes less, and nothing less of what AWS promises. What pays is to let no alarm slower than the others
watch deployments. The one on missing tasks takes five minutes, and sees nothing that the circuit breaker does not see
first: during a rolling deployment the old tasks are counted with the new ones. So it calls somebody and rolls nothing
back.

An alarm that is on when a deployment begins makes ECS ignore all of them for that deployment, so that a fault can be
repaired; one that does not exist, or has no data, never goes off.

## How our figures come about

```
{format_bounds(bounds(HERE))}
```

## Sources

{sources}
"""


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
