"""Who runs on which core."""

from __future__ import annotations

import os

import pytest

from loadtest.machine import Cores, describe, share
from loadtest.server import busy_seconds, cpu_seconds, resident_bytes


@pytest.mark.parametrize(
    ("available", "server", "workers", "expected"),
    [
        ([0, 1], [0], 0, Cores((1,), 1)),
        ([0, 1, 2, 3], [0], 0, Cores((1, 2), 3)),
        ([0, 1, 2, 3], [0], 3, Cores((1, 2, 1), 3)),
        ([0, 1], None, 0, Cores((0,), 1)),
        ([0, 1], [0, 1], 0, Cores((None,), None)),
        ([0], [0], 2, Cores((None, None), None)),
        ([0, 1], [0], 2, Cores((1, 1), 1)),
    ],
)
def test_the_generator_takes_what_the_server_leaves(
    available: list[int], server: list[int] | None, workers: int, expected: Cores
) -> None:
    assert share(available, server, workers) == expected


def test_processes_are_measured() -> None:
    before = cpu_seconds(os.getpid()), busy_seconds()
    while cpu_seconds(os.getpid()) - before[0] < 0.05:
        sum(range(10_000))
    assert busy_seconds() - before[1] >= 0.04
    assert resident_bytes(os.getpid()) > 1_000_000


def test_the_machine_is_described() -> None:
    assert all(describe().values())
