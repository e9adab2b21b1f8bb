"""Over-use detection with an adaptive threshold (draft-ietf-rmcat-gcc-02 section 5.4)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

THRESHOLD: Final = 12.5
"""Where the threshold begins, in milliseconds of trend."""
LOWEST, HIGHEST = 6.0, 600.0
RISE, FALL = 0.0087, 0.039
"""How fast the threshold follows the trend: quickly down, slowly up, per millisecond.

Without that a flow starves beside one that fills the queue and looks at losses only."""
OUTLIER: Final = 15.0
"""A trend this far over the threshold is a spike the threshold does not follow."""
MAX_STEP: Final = 100.0
"""Milliseconds that one adaptation counts at most."""


class Usage(IntEnum):
    """What the trend of the delay says about the link."""

    UNDER = -1
    NORMAL = 0
    OVER = 1


class OveruseDetector:
    """Compares each trend with a threshold that adapts to what is usual on this path."""

    __slots__ = ("_threshold", "_trend", "_updated", "usage")

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self._threshold = THRESHOLD
        self._trend = 0.0
        self._updated: float | None = None

    def update(self, trend: float, now: float) -> Usage:
        """The usage after this trend, one a feedback message."""
        threshold = self._threshold
        if trend > threshold:
            # A trend that falls again says that the queue's growth already slows down.
            if trend >= self._trend:
                self.usage = Usage.OVER
        elif trend < -threshold:
            self.usage = Usage.UNDER
        else:
            self.usage = Usage.NORMAL
        self._trend = trend
        self._adapt(abs(trend), now)
        return self.usage

    def _adapt(self, strength: float, now: float) -> None:
        previous, self._updated = self._updated, now
        threshold = self._threshold
        if previous is None or strength > threshold + OUTLIER:
            return
        step = (now - previous) * 1000
        if step > MAX_STEP:
            step = MAX_STEP
        share = step * (RISE if strength > threshold else FALL)
        threshold += (strength - threshold) * (share if share < 1 else 1)
        if threshold < LOWEST:
            threshold = LOWEST
        elif threshold > HIGHEST:
            threshold = HIGHEST
        self._threshold = threshold
