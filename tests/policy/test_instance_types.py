"""The table of instance types says what EC2's pages say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecs_policy import instance_types
from ecs_policy.instance_types import InstanceType, instance_type, instance_type_names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html
        ("t3.small", InstanceType(2, 2048, 3, "X86_64", 0)),
        ("m6g.large", InstanceType(2, 8192, 3, "ARM64", 0)),
        # https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html
        ("g4dn.12xlarge", InstanceType(48, 196608, 8, "X86_64", 4)),
    ],
)
def test_a_type_is_what_ec2_says(name: str, expected: InstanceType) -> None:
    assert instance_type(name) == expected


def test_nothing_is_said_about_a_type_that_the_table_does_not_have() -> None:
    assert instance_type("t3.tiny") is None


def test_every_type_has_processors_memory_and_a_network_interface_more_than_its_own() -> None:
    for each in map(instance_type, instance_type_names()):
        assert each is not None
        assert each.vcpus >= 1
        assert 0 < each.surely_free_memory_mib < each.installed_memory_mib
        assert each.network_interfaces >= 2
        assert each.cpu_architecture in ("X86_64", "ARM64")


def test_a_task_gets_less_than_what_is_installed() -> None:
    """AWS's example: an m4.large of 8 GiB registers with 7985 MiB."""
    large = instance_type("m4.large")
    assert large is not None
    assert large.surely_free_memory_mib <= 7985 < large.installed_memory_mib


def test_the_table_tells_where_it_comes_from_and_when() -> None:
    source = json.loads(Path(instance_types.__file__).with_suffix(".json").read_text())["source"]
    assert source.startswith("EC2 DescribeInstanceTypes, as packaged with moto 5.")
    assert "read on 20" in source
