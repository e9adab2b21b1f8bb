"""Who was sent out of an order, and may not come back for a while."""

from __future__ import annotations

from gateway.clock import Clock
from gateway.errors import Kicked

BAN = 600.0
"""Seconds for which somebody stays out."""
_MOST = 10_000
"""Bans kept at once; the oldest go before their time."""


class Bans:
    """People by order and subject."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, order_id: str, subject: str) -> None:
        """Out, from now on and for `BAN` seconds."""
        now = self._clock.monotonic()
        self._until.pop((order_id, subject), None)
        self._until[order_id, subject] = now + BAN
        while self._until:  # the oldest come first
            oldest = next(iter(self._until))
            if self._until[oldest] > now and len(self._until) <= _MOST:
                return
            del self._until[oldest]

    def check(self, order_id: str, subject: str) -> None:
        """Let pass or raise.

        Raises:
            Kicked: out, and for how long still.
        """
        until = self._until.get((order_id, subject))
        if until is None:
            return
        left = until - self._clock.monotonic()
        if left > 0:
            raise Kicked("sent out of this order by the technician", retry_after=left)
        del self._until[order_id, subject]
