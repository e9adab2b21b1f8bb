"""Whether one-way delay rises: the trendline filter over packet groups.

The network's queue is the difference between when groups were sent and when they arrived; its slope
tells of congestion before anything is lost. The two clocks need not agree: only changes count.
What our own bursts explain is taken off first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from operator import mul
from typing import Final

from gateway.sfu.estimation.bursts import OwnBursts
from gateway.sfu.estimation.history import Group

WINDOW: Final = 20
"""Groups the line is fitted to."""
FOLLOW: Final = 0.1
"""Weight of a new delay in the smoothed one."""
GAIN: Final = 4.0
FULL_WEIGHT: Final = 60
"""Groups after which a slope counts fully: the first few prove little."""
MAX_PAUSE: Final = 1.0
"""Seconds without a group after which the line begins anew."""
MAX_JUMP: Final = 5.0
"""Seconds by which delay cannot change: a clock was set."""
MAX_AGE: Final = 10_000.0
"""Seconds after which the line begins anew, before its sums lose precision."""
MIN_SPREAD: Final = 1e-6
"""Groups that arrived all at once, in seconds squared, have no slope."""
BASE_WINDOW: Final = 10.0
"""Seconds for which a lowest delay counts as that of the empty network, at least (twice that at most)."""


class Trendline:
    """Fits a line through the smoothed delays of the last groups.

    `wait` is the smoothed delay in seconds over the lowest of the last ten to twenty seconds; `queue` is the
    same without what our own bursts explain, and `newest` is that for the last group alone.
    """

    __slots__ = (
        "_arrivals",
        "_base",
        "_base_since",
        "_bursts",
        "_count",
        "_delays",
        "_origin",
        "_previous_base",
        "_smoothed",
        "_waiting",
        "newest",
        "queue",
        "wait",
    )

    def __init__(self) -> None:
        # Both relative to the first group, so that sums of squares keep their precision.
        self._arrivals: deque[float] = deque(maxlen=WINDOW)
        self._delays: deque[float] = deque(maxlen=WINDOW)
        self._origin: tuple[float, float] | None = None
        self._begin()

    def _begin(self) -> None:
        self._arrivals.clear()
        self._delays.clear()
        self._count = 0
        self._smoothed = self._waiting = self._base = self._previous_base = self._base_since = 0.0
        self.queue = self.wait = self.newest = 0.0
        self._bursts = OwnBursts()

    def add(self, groups: Sequence[Group], rate: float) -> None:
        """Take groups in order; `rate` is what the link is thought to carry, in bits per second."""
        if self._origin is None:
            self._origin = groups[0][:2]
        origin_sent, origin = self._origin
        offset = origin - origin_sent
        arrivals, delays = self._arrivals, self._delays
        smoothed, waiting, base = self._smoothed, self._waiting, self._base
        for sent, arrival, own in self._bursts.explain(groups, rate):
            delay = arrival - sent - offset
            since = arrival - origin
            if not -MAX_JUMP < delay - smoothed < MAX_JUMP or since > MAX_AGE:
                self._origin = (sent, arrival)
                self._begin()
                return
            if arrivals and since - arrivals[-1] > MAX_PAUSE:
                arrivals.clear()
                delays.clear()
                smoothed = waiting = delay
            if delay < base:
                base = delay
            waiting += FOLLOW * (delay - waiting)
            lowest = base if base < self._previous_base else self._previous_base
            delay = delay - own if delay - own > lowest else lowest
            smoothed += FOLLOW * (delay - smoothed)
            arrivals.append(since)
            delays.append(smoothed)
        self._count += len(groups)
        self._smoothed, self._waiting, self._base = smoothed, waiting, base
        self.queue, self.wait, self.newest = smoothed - lowest, waiting - lowest, delay - lowest
        if since - self._base_since > BASE_WINDOW:
            self._previous_base, self._base = base, smoothed
            self._base_since = since
            self._bursts.renew()

    def trend(self) -> float:
        """The slope of the line in milliseconds, as the detector's threshold is; 0 while the window fills."""
        xs, ys = self._arrivals, self._delays
        if len(xs) < WINDOW:
            return 0.0
        mean = sum(xs) / WINDOW
        spread = sum(map(mul, xs, xs)) - mean * mean * WINDOW
        if spread < MIN_SPREAD:
            return 0.0
        slope: float = (sum(map(mul, xs, ys)) - mean * sum(ys)) / spread
        weight = self._count if self._count < FULL_WEIGHT else FULL_WEIGHT
        return slope * weight * GAIN
