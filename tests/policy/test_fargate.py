"""Fargate sizes as AWS documents them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_policy.fargate import TASK_SIZES, parse_cpu, parse_memory, task_size_problem

PAIRS = [(cpu, memory) for cpu, memories in TASK_SIZES.items() for memory in memories]


@pytest.mark.parametrize(
    ("value", "units"),
    [(256, 256), ("256", 256), (256.0, 256), ("1 vCPU", 1024), (".5 vcpu", 512), ("0.25 vCPU", 256), ("16VCPU", 16384)],
)
def test_cpu_in_every_spelling(value: object, units: int) -> None:
    assert parse_cpu(value) == units


@pytest.mark.parametrize(("value", "mib"), [(512, 512), ("512", 512), ("2GB", 2048), ("1 GB", 1024), ("0.5 gb", 512)])
def test_memory_in_every_spelling(value: object, mib: int) -> None:
    assert parse_memory(value) == mib


@pytest.mark.parametrize(
    "value", [True, None, 0, -256, 0.5, "", "vCPU", "1vCPUs", ".3 vCPU", "²", "2 GiB", [], "9" * 99]
)
def test_what_is_no_size(value: object) -> None:
    assert parse_cpu(value) is None
    assert parse_memory(value) is None


def test_there_are_77_sizes_with_edges_that_are_easily_mistaken() -> None:
    assert len(PAIRS) == 77
    assert (max(TASK_SIZES[4096]), max(TASK_SIZES[16384])) == (30 * 1024, 120 * 1024)
    assert TASK_SIZES[32768] == (60 * 1024, 120 * 1024, 244 * 1024)


@pytest.mark.parametrize(("cpu", "memory"), PAIRS)
def test_every_size_is_accepted_in_both_spellings(cpu: int, memory: int) -> None:
    assert task_size_problem(cpu, memory) is None
    assert task_size_problem(f"{cpu / 1024:g} vCPU", f"{memory / 1024:g} GB") is None


@given(st.integers(0, 40_000), st.integers(0, 260_000))
def test_every_other_size_is_refused(cpu: int, memory: int) -> None:
    assert (task_size_problem(cpu, memory) is None) == ((cpu, memory) in PAIRS)


@given(
    st.one_of(st.none(), st.text(), st.floats(), st.lists(st.integers())), st.one_of(st.none(), st.text(), st.floats())
)
def test_anything_can_be_asked(cpu: object, memory: object) -> None:
    task_size_problem(cpu, memory)


def test_windows_needs_a_whole_vcpu() -> None:
    assert task_size_problem(256, 512, windows=True) == (
        "cpu: got 256, expected one of 1024 (1 vCPU), 2048 (2 vCPU), 4096 (4 vCPU); choose a task size that "
        "Fargate offers\n"
        "memory: got 512, expected 2048 to 30720 MiB according to cpu; choose a task size that Fargate offers"
    )


def test_the_message_offers_both_ways_out() -> None:
    assert task_size_problem("256", "4096") == (
        "memory: got '4096', expected 512, 1024 or 2048 MiB with cpu 256; change memory, or use cpu 512 or 1024 or 2048"
    )
