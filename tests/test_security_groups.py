"""Every security group that a program makes stands before something (Security Hub EC2.22).

https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-22
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import test_examples
from tests.mocks import Run, run_main
from tests.test_stacks import STACKS

GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULES = (
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
)
ON_INSTANCES = {
    "service.launchType": "EC2",
    "instances.instanceType": "t3.small",
    "instances.maxSize": 20,
    "fargate.spotPercent": 0,
}


def unattached(made: Run) -> set[str]:
    """Groups that no resource but their own rules names."""
    named = {value for each in made.resources if each.type not in RULES for value in _values(each.inputs)}
    return {each.name for each in made.resources if each.type == GROUP and f"{each.name}-id" not in named}


def _values(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict):
        for value in given.values():
            yield from _values(value)
    elif isinstance(given, list):
        for value in given:
            yield from _values(value)


@pytest.mark.parametrize(
    "ways_out", [{}, {"network.natGateways": "none", "network.vpcEndpoints": True}], ids=["nat", "endpoints"]
)
@pytest.mark.parametrize(
    "tasks",
    [{}, ON_INSTANCES | {"task.networkMode": "bridge"}, ON_INSTANCES | {"task.networkMode": "awsvpc"}],
    ids=["as it is", "bridge", "awsvpc on instances"],
)
@pytest.mark.parametrize("stack", STACKS)
def test_of_a_stack(stack: str, tasks: dict[str, Any], ways_out: dict[str, Any]) -> None:
    made = run_main(stack, **tasks, **ways_out)
    assert {each.type for each in made.resources} >= {GROUP}
    assert unattached(made) == set()


@pytest.mark.parametrize("name", test_examples.NAMES)
def test_of_an_example(name: str) -> None:
    assert unattached(test_examples.example(name)) == set()
