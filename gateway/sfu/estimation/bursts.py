"""What our own bursts would wait for on a link of the estimated rate: no congestion, then.

A keyframe is ten frames at once and queues on any link, however free that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from gateway.sfu.estimation.history import Group

EASING: Final = 1.08
"""Times the estimated rate at which bursts are taken to drain: what never drains is congestion."""
LARGEST: Final = 0.25
"""Seconds of delay that bursts explain at most."""


class OwnBursts:
    """A queue that only we fill, over the least it was since the last two calls of `renew`."""

    __slots__ = ("_least", "_previous_least", "_queue", "_sent")

    def __init__(self) -> None:
        self._queue = 0.0
        self._sent = -inf
        self._least = self._previous_least = inf

    def explain(self, groups: Sequence[Group], rate: float) -> list[tuple[float, float, float]]:
        """When each group was sent and arrived, and the seconds that it waited for what we had sent before.

        The link carries `rate` bits per second.
        """
        queue, last, least = self._queue, self._sent, self._least
        explained: list[tuple[float, float, float]] = []
        seconds_per_octet = 8 / rate
        for sent, arrival, octets in groups:
            queue -= EASING * (sent - last)
            if queue < 0.0:
                queue = 0.0
            queue += octets * seconds_per_octet
            if queue > LARGEST:
                queue = LARGEST
            if queue < least:
                least = queue
            last = sent
            usual = least if least < self._previous_least else self._previous_least
            explained.append((sent, arrival, queue - usual))
        self._queue, self._sent, self._least = queue, last, least
        return explained

    def renew(self) -> None:
        """Forget the least queue from before the last call."""
        self._previous_least, self._least = self._least, self._queue
