"""A bitrate for publishers that understand REMB only: by loss alone, as RFC 3550 reports show it."""

from __future__ import annotations

START = 1_500_000
"""Bits per second granted before anything was measured."""
CEILING = 20_000_000
FLOOR = 100_000
GROWTH = 1.15
"""Per report without loss: five seconds double the rate."""
LOW_LOSS, HIGH_LOSS = 0.02, 0.10
"""Below the first the rate grows, above the second it falls: the thresholds of Google congestion
control's loss-based half (draft-ietf-rmcat-gcc-02 section 6)."""
HEADROOM = 2.0
"""How far over the measured rate the grant may stand: an idle encoder earns no endless grant."""


class RembEstimator:
    """One update a report."""

    def __init__(self) -> None:
        self._bitrate: float = START

    def update(self, measured: int, loss: float) -> int:
        """The bitrate to announce, given what arrived (bits per second) and the fraction lost (0 to 1)."""
        if loss > HIGH_LOSS:
            self._bitrate *= 1 - 0.5 * loss
        elif loss < LOW_LOSS and self._bitrate < max(START, HEADROOM * measured):
            self._bitrate *= GROWTH
        self._bitrate = min(CEILING, max(FLOOR, self._bitrate))
        return round(self._bitrate)
