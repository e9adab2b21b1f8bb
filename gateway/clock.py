"""The only place that reads time. Everything else is handed `now` or a `Clock`."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two time scales: one that never steps, one that people read."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's clocks."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)


class ManualClock:
    """A clock that stands still until it is advanced: virtual time for tests and simulations."""

    def __init__(self, monotonic: float = 1_000.0, epoch: float = 1_790_000_000.0) -> None:
        self._monotonic = monotonic
        self._epoch = epoch

    def monotonic(self) -> float:
        return self._monotonic

    def time(self) -> float:
        return self._epoch

    def advance(self, seconds: float) -> None:
        """Move both time scales forward by `seconds`."""
        self._monotonic += seconds
        self._epoch += seconds
