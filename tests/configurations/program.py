"""The whole program on one configuration, fast: nothing is imported twice, no garbage of imports is searched."""

from __future__ import annotations

import contextlib
import functools
import gc
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Any
from unittest import mock

import pulumi
import pulumi_awsx as awsx

from ecs_policy.model import resource as resource_view
from ecs_policy.rule import Enforcement, all_rules
from ecs_policy.stack import Stack
from ecs_policy.values import Problem
from local.providers.awsx import Vpc
from settings import Settings
from tests import mocks
from tests.mocks import ROOT, Run

_CHILDREN = ("subnets", "natGateways", "eips", "routeTables", "routeTableAssociations", "routes")


class _Network(Vpc):
    """awsx's VPC with the children that it makes in AWS."""

    def __init__(self, name: str, *, opts: pulumi.ResourceOptions, **arguments: Any) -> None:
        inputs = {
            "cidrBlock": arguments["cidr_block"],
            "enableDnsHostnames": arguments["enable_dns_hostnames"],
            "natGateways": {"strategy": arguments["nat_gateways"].strategy.value},
            "subnetStrategy": arguments["subnet_strategy"].value,
            "subnetSpecs": [{"type": each.type.value} for each in arguments["subnet_specs"]],
        }
        zones = [f"zone-{letter}" for letter in "abcdef"[: arguments["number_of_availability_zones"]]]
        super().__init__(name, inputs, zones, pulumi.ResourceOptions(parent=opts.parent))
        self._children = [
            *(each for key in _CHILDREN for each in self.outputs[key]),
            *(self.outputs[key] for key in ("vpc", "internetGateway")),
        ]
        self.vpc_id = self._told("vpcId")
        self.public_subnet_ids = self._told("publicSubnetIds")
        self.private_subnet_ids = self._told("privateSubnetIds")
        self.route_tables = pulumi.Output.from_input(list(self.outputs["routeTables"]))

    def _told(self, key: str) -> pulumi.Output[Any]:
        """A component elsewhere answers when all of it is there: who uses an output waits for the whole."""
        done = pulumi.Output.all(*(each.urn for each in self._children))
        return pulumi.Output.all(self.outputs[key], done).apply(lambda known: known[0])

    def _child(
        self, kind: str, name: str, parent: pulumi.Resource, properties: Mapping[str, Any]
    ) -> pulumi.CustomResource:
        # As the component's transform does, which needs an engine.
        own = {"mapPublicIpOnLaunch": False} if kind.startswith("subnet:") else {}
        return super()._child(kind, name, parent, {**properties, **own})


_ADDED: dict[str, Any] = {
    "awsx:ec2:Vpc": lambda _name, _inputs: {},
    "aws:ec2/eip:Eip": lambda name, _inputs: {"allocationId": f"eipalloc-{name}"},
}


@functools.cache
def _code() -> CodeType:
    gc.collect()
    gc.freeze()
    return compile((ROOT / "__main__.py").read_text(), "__main__.py", "exec")


@contextlib.contextmanager
def _without_pauses() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def load(stack: str, texts: Mapping[str, str]) -> Settings:
    """The settings alone."""
    loaded: list[Settings] = []
    mocks.run(lambda: loaded.append(Settings.load()), stack=stack, config=texts)
    return loaded[0]


def run(stack: str, texts: Mapping[str, str], record: Run | None = None, *, preview: bool = False) -> Run:
    """All that the program registers; into `record`, which is there also when the program fails."""
    code, made = _code(), Run() if record is None else record
    region = texts.get("aws:region", mocks.REGION)
    with (
        _without_pauses(),
        mock.patch.object(awsx.ec2, "Vpc", _Network),
        mock.patch.object(mocks, "REGION", region),
        mock.patch.dict(mocks._CALLS, {"aws:index/getRegion:getRegion": {"region": region}}),
        mock.patch.dict(mocks._ADDED, _ADDED),
        mock.patch.dict(mocks._CHILDREN, clear=True),
        mock.patch.object(mocks, "Run", lambda: made),
        mock.patch("pulumi.runtime.resource._get_stack_trace", lambda: None),
        mock.patch("pulumi.runtime.resource._get_source_position", lambda *_: None),
    ):
        return mocks.run(lambda: exec(code, {"__name__": "__main__"}), stack=stack, config=texts, preview=preview)


_RULES = [each for each in all_rules() if each.enforcement is Enforcement.MANDATORY]


def violations(made: Run) -> list[str]:
    """What the mandatory rules of the policy pack say against it, and which of them crash."""
    provider = made.get("pulumi:providers:aws").inputs
    stack = Stack(
        resource_view(
            urn=each.urn,
            type=each.type,
            name=each.name,
            inputs=each.inputs,
            outputs={**each.outputs, "id": f"{each.name}-id"},
            parent=each.parent_urn,
            dependencies=each.dependencies,
            property_dependencies={name: list(urns) for name, urns in each.property_dependencies.items()},
            ignore_changes=list(each.ignore_changes),
            provider=provider if each.type.startswith("aws:") else {},
        )
        for each in made.resources
    )
    found = []
    for rule in _RULES:
        for part in stack.resources.values():
            if isinstance(part, rule.resource_kinds):
                for outcome in rule.run(part, rule.configured(None)):
                    if isinstance(outcome, Problem) or "could not be checked" in str(outcome):
                        found.append(f"{rule.id}: {outcome}")
    return found
