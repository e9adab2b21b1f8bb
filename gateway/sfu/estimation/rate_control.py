"""The delay-based rate: additive increase, multiplicative decrease (draft-ietf-rmcat-gcc-02 section 5.5)."""

from __future__ import annotations

from math import inf, sqrt
from typing import Final

from gateway.sfu.estimation.overuse import Usage

DECREASE: Final = 0.85
"""Share of what arrives that over-use leaves, so that the queue drains."""
GENTLE: Final = 0.95
"""The least share of what arrives that is left while the queue grows slowly."""
GROWTH: Final = 0.08
"""Growth a second while the link's capacity is not known."""
HEADROOM: Final = 1.5
EXTRA: Final = 10_000
"""Growth ends at `HEADROOM` times what arrives and these bits per second: more was not proven."""
SMALL_QUEUE: Final = 0.04
"""Seconds of queue up to which there is time for a gentle decrease."""
LARGE_QUEUE: Final = 0.1
"""Seconds of queue that count as our own whosever they are."""
DRAIN: Final = 0.75
"""`DECREASE` while the queue is large."""
STRETCHED: Final = 1.1
"""A stretch over which the packets themselves fill the queue, and not other traffic's."""
MAX_STEP: Final = 0.3
"""Seconds of growth that one update grants at most."""
RESPONSE: Final = 0.1
"""Seconds that feedback adds to the round trip."""
PACKET_BITS: Final = 9_600
"""Near the capacity the rate grows by one packet in two response times, and by `MIN_GROWTH` at least."""
MIN_GROWTH: Final = 4_000
MEMORY: Final = 0.95
"""Weight of the past in the remembered capacity."""


class Capacity:
    """The rate at which over-use was met lately, with three deviations around it.

    `low` and `high` are in bits per second; while nothing is known, everything is below.
    """

    __slots__ = ("_mean", "_variance", "high", "low")

    def __init__(self) -> None:
        self._variance = 0.4  # in kbit/s, relative to the mean
        self.forget()

    def forget(self) -> None:
        """The link is another now."""
        self._mean: float | None = None
        self.low = self.high = inf

    def met(self, bitrate: float) -> None:
        """Over-use at this acknowledged rate."""
        sample = max(1.0, bitrate / 1000)
        mean = sample if self._mean is None else MEMORY * self._mean + (1 - MEMORY) * sample
        error = (mean - sample) ** 2 / mean
        self._mean = mean
        self._variance = min(2.5, max(0.4, MEMORY * self._variance + (1 - MEMORY) * error))
        margin = 3 * sqrt(self._variance * mean)
        self.low, self.high = 1000 * (mean - margin), 1000 * (mean + margin)


class RateControl:
    """The rate that delay allows, in bits per second."""

    __slots__ = ("_capacity", "_decreased", "_updated", "bitrate")

    def __init__(self, bitrate: float) -> None:
        self.bitrate = bitrate
        self._capacity = Capacity()
        self._decreased = -inf
        self._updated: float | None = None

    def update(
        self, usage: Usage, acked: float | None, stretch: float, queue: float, rtt: float, now: float
    ) -> None:
        """Follow one feedback message.

        `acked` is what arrives in bits per second (None while not known), `stretch` how much longer
        that took than sending it, `queue` the delay in seconds that the network adds.
        """
        elapsed = 0.0 if self._updated is None else now - self._updated
        if elapsed > MAX_STEP:
            elapsed = MAX_STEP
        self._updated = now
        if usage is Usage.OVER:
            limited = acked is None or self.bitrate >= HEADROOM * acked
            filled = stretch > STRETCHED or queue > (LARGE_QUEUE if limited else SMALL_QUEUE)
            share = DRAIN if queue > LARGE_QUEUE else DECREASE
            self._decrease(acked, share if filled else None, rtt, now)
        elif usage is Usage.NORMAL and acked is not None:
            self._increase(acked, elapsed, rtt)

    def _increase(self, acked: float, elapsed: float, rtt: float) -> None:
        capacity = self._capacity
        if acked > capacity.high:
            capacity.forget()
        bitrate = self.bitrate
        proven = HEADROOM * acked + EXTRA
        if bitrate >= proven:
            return
        if acked < capacity.low:
            bitrate += bitrate * GROWTH * elapsed
        else:
            bitrate += max(MIN_GROWTH, PACKET_BITS / 2 / (rtt + RESPONSE)) * elapsed
        self.bitrate = bitrate if bitrate < proven else proven

    def _decrease(self, acked: float | None, share: float | None, rtt: float, now: float) -> None:
        """Fall once a response time: the effect of a cut must have shown before the next."""
        if now - self._decreased < min(max(rtt, 0.01), 0.2) + RESPONSE:
            return
        if acked is None:
            target = self.bitrate * DECREASE
        elif share is not None:
            target = acked * share
            self._capacity.met(acked)
        else:
            # What is sent gets through nearly as fast as it is sent: fall, but hardly below it.
            target = max(self.bitrate * DECREASE, acked * GENTLE)
            if self.bitrate < HEADROOM * acked:
                self._capacity.met(acked)
        self.bitrate = min(self.bitrate, target)
        self._decreased = now

    def halve(self, now: float) -> None:
        """Nothing is heard of the viewer."""
        self.bitrate /= 2
        self._decreased = now

    def unproven(self, acked: float) -> None:
        """What was believed beyond that which arrives must be proven anew."""
        self.bitrate = min(self.bitrate, HEADROOM * acked + EXTRA)

    def proven(self, bitrate: float) -> None:
        """A probe got through at this rate."""
        if bitrate > self.bitrate:
            self.bitrate = bitrate
            self._capacity.forget()
