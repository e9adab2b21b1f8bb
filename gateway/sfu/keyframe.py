"""Keyframe requests towards a publisher: many viewers ask, the encoder hears one voice."""

from __future__ import annotations

INTERVAL = 1.0
"""Seconds between two requests for one ssrc: encoders answer each with a frame ten times the usual size."""


class KeyframeRequester:
    """Aggregates and limits requests for one layer.

    A request inside the interval is not lost: it stays wanted and is sent when the interval is over,
    unless a keyframe came by itself meanwhile. It is repeated until a keyframe arrives, as the
    request or the frame may be lost on the way.
    """

    __slots__ = ("_interval", "_last", "obeyed", "sent", "wanted")

    def __init__(self, interval: float = INTERVAL) -> None:
        self._interval = interval
        self._last = float("-inf")
        self.wanted = False
        self.sent = 0
        self.obeyed = True
        """Whether the publisher answers requests; OBS and FFmpeg do not."""

    def want(self) -> None:
        """Somebody needs a keyframe."""
        self.wanted = True

    def arrived(self, now: float) -> None:
        """A keyframe began to arrive."""
        if self.wanted and now - self._last < self._interval:
            self.obeyed = True

    def satisfied(self) -> None:
        """Nobody needs one any more."""
        self.wanted = False

    def poll(self, now: float) -> bool:
        """True when a request should be sent now; it is then counted as sent."""
        if not self.wanted or now - self._last < self._interval:
            return False
        self._last = now
        self.sent += 1
        return True
