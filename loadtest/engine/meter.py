"""What a worker counts between two ticks."""

from __future__ import annotations

import resource
from collections import Counter

from loadtest.histogram import Histogram
from loadtest.messages import Tick

FINE = 256
"""Parts of a millisecond in which durations are counted until the tick: an integer is a cheaper key."""


class Meter:
    """Counters that all sessions of a worker share; durations are counted in 1/`FINE` ms."""

    __slots__ = (
        "_cpu",
        "_since",
        "failed",
        "freeze_seconds",
        "freezes",
        "gap",
        "glass",
        "join",
        "kernel_drops",
        "lag",
        "latency",
        "lost",
        "missing",
        "nacks",
        "octets",
        "opened",
        "packets",
        "pictures",
        "wrong_pictures",
    )

    def __init__(self, now: float) -> None:
        self.forget(now)

    def forget(self, now: float) -> None:
        """Begin anew at Unix time `now`."""
        self._since = now
        self._cpu = _cpu_seconds()
        self.failed: Counter[str] = Counter()
        self.packets = self.octets = self.opened = 0
        self.missing = self.lost = self.nacks = 0
        self.freezes = self.pictures = self.wrong_pictures = self.kernel_drops = 0
        self.freeze_seconds = self.lag = 0.0
        self.latency: dict[int, int] = {}
        self.gap: dict[int, int] = {}
        self.join: dict[int, int] = {}
        self.glass: dict[int, int] = {}

    def take(self, now: float, sessions: int, opening: int) -> Tick:
        """The tick up to Unix time `now`; counts begin anew."""
        tick = Tick(
            at=now,
            seconds=now - self._since,
            sessions=sessions,
            opening=opening,
            opened=self.opened,
            failed=dict(self.failed),
            packets=self.packets,
            octets=self.octets,
            missing=self.missing,
            lost=self.lost,
            nacks=self.nacks,
            freezes=self.freezes,
            freeze_seconds=self.freeze_seconds,
            latency=_histogram(self.latency),
            join=_histogram(self.join),
            gap=_histogram(self.gap),
            glass=_histogram(self.glass),
            pictures=self.pictures,
            wrong_pictures=self.wrong_pictures,
            cpu=_cpu_seconds() - self._cpu,
            kernel_drops=self.kernel_drops,
            lag=self.lag,
        )
        self.forget(now)
        return tick


def count(durations: dict[int, int], seconds: float) -> None:
    """Count one duration; what is negative, by clocks read in turn, is none."""
    key = int(seconds * (1_000 * FINE)) if seconds > 0 else 0
    durations[key] = durations.get(key, 0) + 1


def _histogram(durations: dict[int, int]) -> Histogram:
    histogram = Histogram()
    for key, number in durations.items():
        histogram.add((key + 0.5) / FINE, number)
    return histogram


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
