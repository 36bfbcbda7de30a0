"""EC2's instance types: what each has for tasks. The table is `instance_types.json`, written by `make instance-types`.

A type that is not in it is newer, or was not offered where the table comes from: nothing can be said about it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

CPU_UNITS_OF_A_VCPU = 1024

# ECS counts what the operating system reports: less than what is installed, as the kernel keeps a part for itself. How
# much depends on the AMI. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html
_KERNEL_LEAST_MIB = 128
_KERNEL_SHARE_OF_SMALL = 8
_KERNEL_SMALL_MIB = 640
_KERNEL_SHARE_OF_LARGE = 16


class InstanceType(NamedTuple):
    """What an instance of one type has."""

    vcpus: int
    installed_memory_mib: int
    network_interfaces: int
    """Most that it may have, its own among them."""
    cpu_architecture: str
    """In the words of a task definition: `X86_64` or `ARM64`."""
    gpus: int
    """Of NVIDIA: ECS assigns no others."""

    @property
    def cpu_units(self) -> int:
        return self.vcpus * CPU_UNITS_OF_A_VCPU

    @property
    def surely_free_memory_mib(self) -> int:
        """What is left for tasks on every AMI. Between this and what is installed it depends on the AMI."""
        installed = self.installed_memory_mib
        # An eighth of little memory, a sixteenth of much: the kernel's tables grow with it, the rest of it does not.
        kernel = min(installed // _KERNEL_SHARE_OF_SMALL, max(_KERNEL_SMALL_MIB, installed // _KERNEL_SHARE_OF_LARGE))
        return installed - max(_KERNEL_LEAST_MIB, kernel)


def instance_type(name: str) -> InstanceType | None:
    """The type that AWS calls `name`, as `t3.small`; None when the table does not have it."""
    return _types().get(name)


def instance_type_names() -> list[str]:
    """Every type that the table has."""
    return list(_types())


@cache
def _types() -> dict[str, InstanceType]:
    return {name: InstanceType(*row) for name, row in _table()["types"].items()}


@cache
def _table() -> dict[str, Any]:
    return json.loads(Path(__file__).with_suffix(".json").read_text())  # type: ignore[no-any-return]
