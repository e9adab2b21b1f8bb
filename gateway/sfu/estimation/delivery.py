"""How fast octets arrive, and whether they arrive as fast as they were sent."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Final

from gateway.sfu.estimation.history import Group, Reception

WINDOW: Final = 0.4
"""Seconds of arrivals measured over: ten frames at 25 a second, so that one more or less weighs little."""
SHORTEST: Final = 0.05
"""Seconds of arrivals whose rate means anything."""
MAX_PAUSE: Final = 2.0
"""Seconds between messages after which what came before says nothing about now."""


class DeliveryRate:
    """Rates over the feedback of the last `WINDOW` seconds, by the viewer's clock."""

    __slots__ = (
        "_acked",
        "_acked_untimed",
        "_arriving",
        "_newest",
        "_sending",
        "_sent",
        "_sent_untimed",
        "_spans",
        "newest",
        "rate",
        "sent_rate",
        "stretch",
    )

    def __init__(self) -> None:
        # One a message: seconds of arriving and of sending since the one before, octets acked and sent.
        self._spans: deque[tuple[float, float, int, int]] = deque()
        self._newest: Group | None = None
        self._acked_untimed = self._sent_untimed = 0  # told of without a later group
        self._clear()
        self.rate: float | None = None
        """Bits per second acknowledged; None before the window was full once."""
        self.newest = inf
        """Bits per second acknowledged since the message before; infinite where that is no time."""
        self.sent_rate = 0.0
        """Bits per second at which the same packets, and those lost among them, were sent."""
        self.stretch = 1.0
        """How much longer their arriving took than their sending: over 1 a queue grows."""

    def _clear(self) -> None:
        self._spans.clear()
        self._arriving = self._sending = 0.0
        self._acked = self._sent = 0

    def add(self, reception: Reception) -> None:
        """Take what a feedback message told."""
        if reception.gap:
            self._newest = None  # nobody knows what arrived since the one before
        acked, sent = self._acked_untimed + reception.acked, self._sent_untimed + reception.sent
        self._acked_untimed, self._sent_untimed = acked, sent
        if not reception.groups:
            return
        previous, newest = self._newest, reception.groups[-1]
        if previous is not None:
            sending, arriving = newest[0] - previous[0], newest[1] - previous[1]
            if -MAX_PAUSE < arriving <= 0 or sending < 0:
                return  # overtaken
            if 0 < arriving < MAX_PAUSE:
                self._take(arriving, sending, acked, sent)
            else:
                self._clear()
        self._newest = newest
        self._acked_untimed = self._sent_untimed = 0

    def _take(self, arriving: float, sending: float, acked: int, sent: int) -> None:
        spans = self._spans
        spans.append((arriving, sending, acked, sent))
        self.newest = 8 * acked / arriving if arriving >= SHORTEST else inf
        self._arriving += arriving
        self._sending += sending
        self._acked += acked
        self._sent += sent
        while self._arriving - spans[0][0] >= WINDOW:
            arriving, sending, acked, sent = spans.popleft()
            self._arriving -= arriving
            self._sending -= sending
            self._acked -= acked
            self._sent -= sent
        if self._arriving >= WINDOW and self._sending > 0:
            self.rate = 8 * self._acked / self._arriving
            self.sent_rate = 8 * self._sent / self._sending
            self.stretch = self._arriving / self._sending
