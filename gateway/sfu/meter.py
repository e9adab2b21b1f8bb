"""Bit and frame rate of a layer, measured over about a second."""

from __future__ import annotations

WINDOW = 1.0
"""Seconds a measurement spans."""


class Meter:
    """Counts what comes in; `roll` turns the counts of a window into rates."""

    __slots__ = ("_last_timestamp", "_octets", "_since", "_timestamps", "bitrate", "fps")

    def __init__(self) -> None:
        self.bitrate = 0
        """Bits per second of payload."""
        self.fps = 0.0
        self._octets = 0
        self._timestamps = 0
        self._last_timestamp = -1
        self._since: float | None = None

    def add(self, octets: int, timestamp: int) -> None:
        """Count one packet; packets of one frame share a timestamp."""
        self._octets += octets
        if timestamp != self._last_timestamp:
            self._last_timestamp = timestamp
            self._timestamps += 1

    def roll(self, now: float) -> bool:
        """Start a new window when the current one is over; True when the rates were renewed."""
        if self._since is None:
            self._since = now
            return False
        elapsed = now - self._since
        if elapsed < WINDOW:
            return False
        self.bitrate = round(self._octets * 8 / elapsed)
        self.fps = round(self._timestamps / elapsed, 1)
        self._octets = self._timestamps = 0
        self._since = now
        return True
