"""What a change costs every month whatever the traffic, by the formulas here and the prices of the user.

Without prices nothing is said. What traffic makes (gigabytes, requests, load balancer capacity units, metrics of
Container Insights) is no fixed cost and not in it; docs/network-costs.md has the formulas for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecs_policy.sentinels import UNKNOWN
from risk.preview import Change, Preview, section

HOURS = 730
"""In a month, as AWS reckons."""

PRICES = {
    "NAT hour": "a NAT gateway",
    "IPv4 hour": "a public IPv4 address",
    "ALB hour": "an application load balancer",
    "endpoint hour": "an interface endpoint, in one zone",
    "Fargate vCPU hour": "a vCPU on Fargate",
    "Fargate GB hour": "a gigabyte of memory on Fargate",
    "Fargate ARM vCPU hour": "a vCPU on Fargate with ARM64",
    "Fargate ARM GB hour": "a gigabyte of memory on Fargate with ARM64",
    "web ACL month": "a web ACL of AWS WAF",
    "rule month": "a rule in a web ACL",
    "KMS key month": "a key in KMS",
    "alarm month": "an alarm on one metric",
    "dashboard month": "a dashboard",
}
"""Name to what it is the price of."""


class PricesError(ValueError):
    """The file of prices cannot be used."""


class _UnknownError(Exception):
    """What a formula needs cannot be read from the preview, or has no price."""


@dataclass(frozen=True)
class Prices:
    currency: str
    of: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        if name not in self.of:
            raise _UnknownError(f"there is no price {name!r}")
        return self.of[name]


def read_prices(file: Path) -> Prices:
    """Prices from a YAML file: `currency`, and a number for each name of `PRICES`. Raises PricesError."""
    import yaml

    try:
        found = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as problem:
        raise PricesError(f"PRICES: got {file}, expected a YAML file; {problem}") from problem
    if not isinstance(found, dict):
        raise PricesError(f"PRICES: got {file} without names, expected lines as `NAT hour: 0.045`; write them")
    problems = [
        f"PRICES: got {name!r}, expected currency or one of {', '.join(PRICES)}; rename it"
        for name in found
        if name not in PRICES and name != "currency"
    ]
    problems += [
        f"PRICES: {name}: got {price!r}, expected a number that is not negative; correct it"
        for name, price in found.items()
        if name != "currency" and (isinstance(price, bool) or not isinstance(price, int | float) or price < 0)
    ]
    if problems:
        raise PricesError("\n".join(problems))
    return Prices(str(found.pop("currency", "USD")), {str(name): float(price) for name, price in found.items()})


@dataclass(frozen=True)
class Cost:
    """What one resource costs a month more (or less) than before."""

    urn: str
    difference: float
    formula: str
    unknown: str = ""
    """Why it cannot be told; the difference is 0 then."""


def differences(preview: Preview, prices: Prices) -> Iterator[Cost]:
    """Every resource whose monthly fixed cost changes, or may."""
    for change in preview.changes:
        if change.type not in _FORMULAS:
            if change.action in ("create", "delete") and not change.type.startswith(_FREE):
                yield Cost(change.urn, 0, "", f"there is no formula for a {change.type}")
            continue
        formula = _FORMULAS[change.type]
        try:
            was, now = 0.0, 0.0
            said = ""
            if change.action != "create":
                was, said = formula(_before(change), _task(preview, _before), prices)
            if change.action != "delete":
                now, said = formula(change.after, _task(preview, _after), prices)
        except _UnknownError as unknown:
            if change.action != "same":
                yield Cost(change.urn, 0, "", str(unknown))
            continue
        if abs(now - was) >= 0.005:
            yield Cost(change.urn, now - was, said)


def _before(change: Change) -> Mapping[str, Any]:
    return change.after if change.action == "same" else change.before


def _after(change: Change) -> Mapping[str, Any]:
    return change.after


_Inputs = Mapping[str, Any]
_Formula = Callable[[_Inputs, _Inputs | None, Prices], tuple[float, str]]


def _task(preview: Preview, inputs: Callable[[Change], _Inputs]) -> _Inputs | None:
    """The one task definition there is; None where there are more, or none."""
    found = [inputs(change) for change in preview.of_type("aws:ecs/taskDefinition:TaskDefinition")]
    found = [each for each in found if each]
    return found[0] if len(found) == 1 else None


def _number(inputs: _Inputs, key: str, default: float | None = None) -> float:
    value = inputs.get(key, default)
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return float(value)
    if not isinstance(value, int | float):
        raise _UnknownError(f"{key} is not known yet")
    return float(value)


def _zones(inputs: _Inputs, key: str) -> int:
    value = inputs.get(key)
    if value == UNKNOWN or not isinstance(value, list):
        raise _UnknownError(f"{key} is not known yet")
    return len(value)


def _nat(_inputs: _Inputs, _task: _Inputs | None, prices: Prices) -> tuple[float, str]:
    return HOURS * prices["NAT hour"], f"{HOURS} * NAT hour"


def _address(_inputs: _Inputs, _task: _Inputs | None, prices: Prices) -> tuple[float, str]:
    return HOURS * prices["IPv4 hour"], f"{HOURS} * IPv4 hour"


def _balancer(inputs: _Inputs, _task: _Inputs | None, prices: Prices) -> tuple[float, str]:
    if inputs.get("loadBalancerType", "application") != "application":
        raise _UnknownError("there is a formula for application load balancers only")
    if inputs.get("internal"):
        return HOURS * prices["ALB hour"], f"{HOURS} * ALB hour"
    zones = _zones(inputs, "subnets")
    cost = HOURS * (prices["ALB hour"] + zones * prices["IPv4 hour"])
    return cost, f"{HOURS} * (ALB hour + {zones} * IPv4 hour)"


def _endpoint(inputs: _Inputs, _task: _Inputs | None, prices: Prices) -> tuple[float, str]:
    if inputs.get("vpcEndpointType", "Gateway") == "Gateway":
        return 0, "free"
    zones = _zones(inputs, "subnetIds")
    return zones * HOURS * prices["endpoint hour"], f"{zones} * {HOURS} * endpoint hour"


def _service(inputs: _Inputs, task: _Inputs | None, prices: Prices) -> tuple[float, str]:
    providers = [each.get("capacityProvider") for each in inputs.get("capacityProviderStrategies") or ()]
    if inputs.get("launchType") != "FARGATE" and not any(str(each).startswith("FARGATE") for each in providers):
        return 0, "its instances are paid for"
    if task is None:
        raise _UnknownError("which task definition it runs is not known")
    count = _number(inputs, "desiredCount", 1)
    cpu, memory = _number(task, "cpu") / 1024, _number(task, "memory") / 1024
    arm = "ARM " if section(task, "runtimePlatform").get("cpuArchitecture") == "ARM64" else ""
    hour = cpu * prices[f"Fargate {arm}vCPU hour"] + memory * prices[f"Fargate {arm}GB hour"]
    said = f"{count:g} * {HOURS} * ({cpu:g} * Fargate {arm}vCPU hour + {memory:g} * Fargate {arm}GB hour)"
    return count * HOURS * hour, said + (", Spot as ordinary capacity" if "FARGATE_SPOT" in providers else "")


def _instances(inputs: _Inputs, _task: _Inputs | None, _prices: Prices) -> tuple[float, str]:
    """At the least number; a group without one costs by use."""
    count = _number(inputs, "minSize", 0)
    if not count:
        return 0, "no instance has to run"
    raise _UnknownError(f"{count:g} instances or more run, and of which type a launch template says")


def _web_acl(inputs: _Inputs, _task: _Inputs | None, prices: Prices) -> tuple[float, str]:
    rules = len(inputs.get("rules") or ())
    return prices["web ACL month"] + rules * prices["rule month"], f"web ACL month + {rules} * rule month"


def _flat(name: str) -> _Formula:
    return lambda _inputs, _task, prices: (prices[name], name)


def _alarm(inputs: _Inputs, _task: _Inputs | None, prices: Prices) -> tuple[float, str]:
    queries = inputs.get("metricQueries")
    metrics = sum(1 for each in queries if "metric" in each) if isinstance(queries, list) and queries else 1
    return metrics * prices["alarm month"], f"{metrics} * alarm month"


_FORMULAS: Mapping[str, _Formula] = {
    "aws:autoscaling/group:Group": _instances,
    "aws:cloudwatch/dashboard:Dashboard": _flat("dashboard month"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:ec2/eip:Eip": _address,
    "aws:ec2/natGateway:NatGateway": _nat,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ecs/service:Service": _service,
    "aws:kms/key:Key": _flat("KMS key month"),
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:wafv2/webAcl:WebAcl": _web_acl,
}

_FREE = (
    *("aws:acm/", "aws:appautoscaling/", "aws:cloudwatch/event", "aws:cloudwatch/log", "aws:ecr/", "aws:iam/"),
    *("aws:ec2/defaultSecurityGroup", "aws:ec2/flowLog", "aws:ec2/internetGateway", "aws:ec2/launchTemplate"),
    *("aws:ec2/route", "aws:ec2/securityGroup", "aws:ec2/subnet", "aws:ec2/vpc:", "aws:ecs/capacityProvider"),
    *("aws:ecs/cluster", "aws:ecs/taskDefinition", "aws:kms/alias", "aws:lb/listener", "aws:lb/targetGroup"),
    *(
        "aws:route53/record",
        "aws:s3/",
        "aws:sns/",
        "aws:vpc/",
        "aws:wafv2/webAclAssociation",
        "aws:wafv2/webAclLogging",
        "docker:",
    ),
    "random:",
)
"""How the names of types begin that cost nothing, or by use only."""
