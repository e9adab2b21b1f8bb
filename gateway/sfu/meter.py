"""Bit and frame rate of a layer, in all and up to each temporal layer, measured over about a second."""

from __future__ import annotations

from itertools import accumulate

WINDOW = 1.0
"""Seconds a measurement spans."""
_LAYERS = 8
"""Temporal layers that there can be (3 bits on the wire)."""


class Meter:
    """Counts what comes in; `roll` turns the counts of a window into rates."""

    __slots__ = ("_frames", "_last_timestamp", "_octets", "_since", "bitrates", "frame_rates")

    def __init__(self) -> None:
        self.bitrates: tuple[int, ...] = (0,)
        """Bits per second of payload up to and with each temporal layer seen, the base first."""
        self.frame_rates: tuple[float, ...] = (0.0,)
        self._octets = [0] * _LAYERS
        self._frames = [0] * _LAYERS
        self._last_timestamp = -1
        self._since: float | None = None

    @property
    def bitrate(self) -> int:
        """Bits per second of payload, all temporal layers; 0 before the first window is over."""
        return self.bitrates[-1]

    @property
    def fps(self) -> float:
        """Frames per second, all temporal layers."""
        return self.frame_rates[-1]

    def add(self, octets: int, timestamp: int, temporal: int = 0) -> None:
        """Count one packet; packets of one frame share a timestamp."""
        self._octets[temporal] += octets
        if timestamp != self._last_timestamp:
            self._last_timestamp = timestamp
            self._frames[temporal] += 1

    def roll(self, now: float) -> bool:
        """Start a new window when the current one is over; True when the rates were renewed."""
        if self._since is None:
            self._since = now
            return False
        elapsed = now - self._since
        if elapsed < WINDOW:
            return False
        layers = max((n + 1 for n, frames in enumerate(self._frames) if frames), default=1)
        self.bitrates = tuple(round(x * 8 / elapsed) for x in accumulate(self._octets[:layers]))
        self.frame_rates = tuple(round(x / elapsed, 1) for x in accumulate(self._frames[:layers]))
        self._octets = [0] * _LAYERS
        self._frames = [0] * _LAYERS
        self._since = now
        return True
