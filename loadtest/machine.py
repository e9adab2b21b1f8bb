"""The machine that a load test runs on: figures mean nothing without it."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


def describe() -> dict[str, str]:
    """What a reader of the report wants to know, as text by name."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "processor": _processor(),
        "cores": f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}",
        "memory": f"{memory:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "receive buffers up to": _kernel_value("net/core/rmem_max"),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def _kernel_value(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text(encoding="ascii").strip() + " bytes"
    except OSError:
        return "unknown"


@dataclass(frozen=True, slots=True)
class Cores:
    """Which process runs where; None: wherever the kernel likes."""

    watch: tuple[int | None, ...]
    """One for each process that watches."""
    others: int | None
    """Publishers, decoding viewers, pages and logins."""


def share(available: Sequence[int], server: Sequence[int] | None, workers: int) -> Cores:
    """Place the generator beside a server on the cores `server`, None for one that runs elsewhere.

    A server that may use every core leaves none free: then nothing is pinned.
    """
    free = [core for core in available if server is None or core not in server]
    if not free:
        return Cores((None,) * (workers or 1), None)
    if len(free) == 1:
        return Cores((free[0],) * (workers or 1), free[0])
    watching = free[:-1]
    count = workers or len(watching)
    return Cores(tuple(watching[place % len(watching)] for place in range(count)), free[-1])
