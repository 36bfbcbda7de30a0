"""What AWS Fargate offers: task sizes and platform limits, as plain tables and functions.

Sources:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

_GIB = 1024

TASK_SIZES: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {
        256: (512, 1 * _GIB, 2 * _GIB),
        512: tuple(range(1 * _GIB, 4 * _GIB + 1, _GIB)),
        1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
        2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
        4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
        8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
        16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
        32768: (60 * _GIB, 120 * _GIB, 244 * _GIB),
    }
)
"""Task CPU (units, 1024 = 1 vCPU) to the task memory sizes (MiB) that AWS accepts with it."""

WINDOWS_CPUS = (1024, 2048, 4096)
"""Task CPU sizes (units) for Windows containers."""

EPHEMERAL_STORAGE_GIB = (21, 200)
"""Least and greatest `ephemeralStorage.sizeInGib` (without it: 20 GiB). Linux, platform version 1.4.0 or later."""

CONTAINER_TIMEOUT_SECONDS = (2, 120)
"""Least and greatest `startTimeout` and `stopTimeout` of a container."""

LOG_DRIVERS = ("awsfirelens", "awslogs", "splunk")
"""Values of `logConfiguration.logDriver`."""

ADDABLE_CAPABILITIES = ("SYS_PTRACE",)
"""Values of `linuxParameters.capabilities.add`."""

_PLATFORM_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})")
_INTEGER = re.compile(r"[0-9]{1,9}")
_VCPU = re.compile(r"([0-9]{1,6}|[0-9]{0,6}\.[0-9]{1,6})\s*vcpu", re.IGNORECASE | re.ASCII)
_GIGABYTES = re.compile(r"([0-9]{1,6}|[0-9]{0,6}\.[0-9]{1,6})\s*gb", re.IGNORECASE | re.ASCII)


def parse_platform_version(text: str | None) -> tuple[int, int, int] | None:
    """The numbers of a platform version as `1.4.0`; None for `LATEST`, for nothing, and for what is no version."""
    match = _PLATFORM_VERSION.fullmatch(text or "")
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def parse_cpu(value: object) -> int | None:
    """CPU units of a task's `cpu` in any spelling AWS takes (`256`, `"256"`, `".25 vCPU"`); None for any other."""
    return _parse(value, _VCPU)


def parse_memory(value: object) -> int | None:
    """MiB of a task's `memory` in any spelling AWS takes (`512`, `"512"`, `"0.5 GB"`); None for any other."""
    return _parse(value, _GIGABYTES)


def _parse(value: object, with_unit: re.Pattern[str]) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value > 0 else None
    if isinstance(value, float):
        return int(value) if value > 0 and value.is_integer() else None
    if not isinstance(value, str):
        return None
    if _INTEGER.fullmatch(value):
        return int(value) or None
    match = with_unit.fullmatch(value)
    if match is None:
        return None
    amount = Decimal(match[1]) * 1024
    return int(amount) or None if amount == amount.to_integral_value() else None


def task_size_problem(cpu: object, memory: object, *, windows: bool = False) -> str | None:
    """Why Fargate refuses a task of this `cpu` and `memory`, with what to change; None when it accepts the pair.

    `None` for either stands for "not given". Two faults give two lines.
    """
    sizes = {units: TASK_SIZES[units] for units in (WINDOWS_CPUS if windows else TASK_SIZES)}
    units, mib = parse_cpu(cpu), parse_memory(memory)
    problems = []
    if units not in sizes:
        allowed = ", ".join(f"{each} ({_vcpu(each)})" for each in sizes)
        problems.append(f"cpu: got {_shown(cpu)}, expected one of {allowed}; choose a task size that Fargate offers")
    if units in sizes and mib not in sizes[units]:
        problem = f"memory: got {_shown(memory)}, expected {_memories(sizes[units])} with cpu {units}; change memory"
        fitting = [str(each) for each, memories in sizes.items() if mib in memories]
        problems.append(f"{problem}, or use cpu {' or '.join(fitting)}" if fitting else problem)
    if units not in sizes and not any(mib in memories for memories in sizes.values()):
        least, greatest = min(map(min, sizes.values())), max(map(max, sizes.values()))
        problems.append(
            f"memory: got {_shown(memory)}, expected {least} to {greatest} MiB according to cpu; "
            "choose a task size that Fargate offers"
        )
    return "\n".join(problems) or None


def _vcpu(units: int) -> str:
    return f"{units / 1024:g} vCPU"


def _memories(memories: tuple[int, ...]) -> str:
    if len(memories) <= 3:
        return f"{', '.join(map(str, memories[:-1]))} or {memories[-1]} MiB"
    return f"{memories[0]} to {memories[-1]} MiB in steps of {memories[1] - memories[0]}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
