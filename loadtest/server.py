"""How busy the server under test is: by its process on this machine, or by what it says at /metrics."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiohttp

_SCRAPE_EVERY = 5.0
"""Seconds between two looks at /metrics, which cost the server some time."""
_TIMEOUT = aiohttp.ClientTimeout(total=3)
_KEPT = ("gateway_drops_total", "gateway_segments_per_send", "gateway_tasks", "gateway_sessions")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a server had used up to a moment."""

    at: float
    """Monotonic seconds."""
    cpu: float
    """CPU seconds of all threads."""
    resident: int
    """Bytes."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    busy: float | None = None
    """CPU seconds of everything on this machine, when the server is on it."""


class Probe(Protocol):
    """Looks at a server."""

    async def read(self, *, fresh: bool = False) -> Reading | None:
        """The newest figures, None while there are none; `fresh` ones are of this moment."""
        ...


class NoProbe:
    """For a server of which nothing can be known."""

    async def read(self, *, fresh: bool = False) -> Reading | None:
        """None."""
        return None


class ProcessProbe:
    """A process on this machine."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    async def read(self, *, fresh: bool = False) -> Reading | None:
        """None once the process is gone."""
        now = asyncio.get_running_loop().time()
        try:
            used, resident = cpu_seconds(self.pid), resident_bytes(self.pid)
            return Reading(now, used, resident, busy=busy_seconds())
        except (OSError, ValueError, IndexError):
            return None


class MetricsProbe:
    """A server that tells Prometheus about its process."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url.rstrip("/") + "/metrics"
        self._http = http
        self._last: Reading | None = None

    async def read(self, *, fresh: bool = False) -> Reading | None:
        """None where there is no such page. Asks every five seconds unless it must be fresh."""
        now = asyncio.get_running_loop().time()
        if fresh or self._last is None or now - self._last.at >= _SCRAPE_EVERY:
            self._last = await self._scrape() or self._last
        return self._last

    async def _scrape(self) -> Reading | None:
        try:
            async with self._http.get(self._url, timeout=_TIMEOUT) as response:
                text = await response.text() if response.status == 200 else ""
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
            return None
        found = read_metrics(text)
        if "process_cpu_seconds_total" not in found:
            return None
        return Reading(
            asyncio.get_running_loop().time(),
            found["process_cpu_seconds_total"],
            int(found.get("process_resident_memory_bytes", 0)),
            {name: value for name, value in found.items() if name.startswith(_KEPT)},
        )


def read_metrics(text: str) -> dict[str, float]:
    """Samples of the Prometheus text format by name and labels, as they are written."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name and not name.startswith("#"):
            try:
                found[name] = float(value)
            except ValueError:
                continue
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far. Raises OSError when it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process. Raises OSError when it is gone."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def busy_seconds() -> float:
    """Processor time that everything on this machine has used so far, the kernel included."""
    fields = [
        int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    ]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
