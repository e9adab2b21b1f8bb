"""The loss-based bound (draft-ietf-rmcat-gcc-02 section 6), made to heal.

It stands only after heavy loss and fades when losses end. Unlike the draft's it rises, slowly, under
light loss too: a radio that always loses 5 % must not hold the picture down for ever.
"""

from __future__ import annotations

from math import inf
from typing import Final

HIGH: Final = 0.10
"""A greater fraction lost lowers the bound, by half of that fraction."""
OVERWHELMED: Final = 0.5
"""A greater fraction lost is no radio's doing: the link is far from carrying what is sent."""
LOW: Final = 0.02
HEALING: Final = 0.25
"""Growth a second while less than `LOW` is lost."""
SLOW_HEALING: Final = 0.05
"""Growth a second while less than `HIGH` is lost."""
MIN_PACKETS: Final = 50
"""Packets that make a fraction meaningful."""
MIN_SPAN: Final = 0.2
MAX_SPAN: Final = 1.0
"""Seconds between evaluations: at least, and enough for a trickle of packets."""


class LossBound:
    """An upper bound in bits per second; infinite while losses are no reason for one."""

    __slots__ = ("_cut_at", "_evaluated", "_lost", "_packets", "bitrate", "fraction")

    def __init__(self) -> None:
        self.bitrate = inf
        self.fraction = 0.0
        """Lost of the packets looked at last, 0 to 1."""
        self._lost = self._packets = 0
        self._evaluated: float | None = None
        self._cut_at = -inf

    def count(self, lost: int, packets: int, estimate: float, rtt: float, now: float) -> bool:
        """Take what a feedback message told; `estimate` is what the bound is to hold down.

        True when that lowered the bound.
        """
        self._lost += lost
        self._packets += packets
        if self._evaluated is None:
            self._evaluated = now
        span = now - self._evaluated
        if span < MIN_SPAN or (self._packets < MIN_PACKETS and span < MAX_SPAN) or not self._packets:
            return False
        fraction = min(1.0, max(0, self._lost) / self._packets)
        self._lost = self._packets = 0
        return self.update(fraction, estimate, rtt, now)

    def update(self, fraction: float, estimate: float, rtt: float, now: float) -> bool:
        """Move the bound for a fraction (0 to 1) lost since the last evaluation; True when it was lowered."""
        elapsed = 0.0 if self._evaluated is None else min(1.0, max(0.0, now - self._evaluated))
        self._evaluated = now
        self.fraction = fraction
        if fraction > HIGH:
            # A cut shows in reports a round trip later: the same congestion is not answered twice.
            if now - self._cut_at >= rtt + MIN_SPAN:
                self.bitrate = min(self.bitrate, estimate) * (1 - 0.5 * fraction)
                self._cut_at = now
                return True
        elif self.bitrate < inf:
            self.bitrate *= 1 + (HEALING if fraction < LOW else SLOW_HEALING) * elapsed
        return False
