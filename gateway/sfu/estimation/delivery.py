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

    __slots__ = ("_acked", "_marks", "_sent", "rate", "sent_rate", "stretch")

    def __init__(self) -> None:
        # One mark a message: arrival and sending time of its newest group, octets acked and sent with it.
        self._marks: deque[tuple[float, float, int, int]] = deque()
        self._acked = self._sent = 0
        self.rate: float | None = None
        """Bits per second acknowledged; None before the window was full once."""
        self.sent_rate = 0.0
        """Bits per second at which the same packets, and those lost among them, were sent."""
        self.stretch = 1.0
        """How much longer their arriving took than their sending: over 1 a queue grows."""

    def add(self, reception: Reception) -> None:
        """Take what a feedback message with groups told."""
        sent_at, arrival = reception.groups[-1]
        marks = self._marks
        if marks and (reception.gap or not 0 < arrival - marks[-1][0] < MAX_PAUSE or sent_at <= marks[-1][1]):
            marks.clear()
            self._acked = self._sent = 0
        marks.append((arrival, sent_at, reception.acked, reception.sent))
        if len(marks) > 1:  # the first mark only says where the window begins
            self._acked += reception.acked
            self._sent += reception.sent
        while len(marks) > 2 and arrival - marks[1][0] >= WINDOW:
            marks.popleft()
            self._acked -= marks[0][2]
            self._sent -= marks[0][3]
        arriving = arrival - marks[0][0]
        if arriving < WINDOW:
            return
        sending = sent_at - marks[0][1]
        self.rate = 8 * self._acked / arriving
        self.sent_rate = 8 * self._sent / sending
        self.stretch = arriving / sending
