"""How fast octets arrive, and whether they arrive as fast as they were sent."""

from __future__ import annotations

from collections import deque
from typing import Final

from gateway.sfu.estimation.history import Reception

WINDOW: Final = 0.4
"""Seconds of arrivals measured over: ten frames at 25 a second, so that one more or less weighs little."""
MAX_PAUSE: Final = 2.0
"""Seconds between messages after which what came before says nothing about now."""


class DeliveryRate:
    """Rates over the feedback of the last `WINDOW` seconds, by the viewer's clock."""

    __slots__ = (
        "_acked",
        "_arriving",
        "_newest",
        "_sending",
        "_sent",
        "_spans",
        "latest",
        "rate",
        "sent_rate",
        "stretch",
    )

    def __init__(self) -> None:
        # One a message: seconds of arriving and of sending since the one before, octets acked and sent.
        self._spans: deque[tuple[float, float, int, int]] = deque()
        self._newest: tuple[float, float] | None = None
        self._clear()
        self.rate: float | None = None
        """Bits per second acknowledged; None before the window was full once."""
        self.latest = 0.0
        """Bits per second acknowledged by the newest message alone: a burst shows what the link can do."""
        self.sent_rate = 0.0
        """Bits per second at which the same packets, and those lost among them, were sent."""
        self.stretch = 1.0
        """How much longer their arriving took than their sending: over 1 a queue grows."""

    def _clear(self) -> None:
        self._spans.clear()
        self._arriving = self._sending = 0.0
        self._acked = self._sent = 0

    def add(self, reception: Reception) -> None:
        """Take what a feedback message with groups told."""
        previous, self._newest = self._newest, reception.groups[-1]
        if previous is None or reception.gap:
            return  # nobody knows what arrived since the one before
        sending, arriving = self._newest[0] - previous[0], self._newest[1] - previous[1]
        if not 0 < arriving < MAX_PAUSE or sending <= 0:
            self._clear()
            return
        self.latest = 8 * reception.acked / arriving
        spans = self._spans
        spans.append((arriving, sending, reception.acked, reception.sent))
        self._arriving += arriving
        self._sending += sending
        self._acked += reception.acked
        self._sent += reception.sent
        while self._arriving - spans[0][0] >= WINDOW:
            arriving, sending, acked, sent = spans.popleft()
            self._arriving -= arriving
            self._sending -= sending
            self._acked -= acked
            self._sent -= sent
        if self._arriving >= WINDOW:
            self.rate = 8 * self._acked / self._arriving
            self.sent_rate = 8 * self._sent / self._sending
            self.stretch = self._arriving / self._sending
