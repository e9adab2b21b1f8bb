"""Sends a layer's frames no faster than a multiple of its bitrate, as browsers do.

libwebrtc sends at 2.5 times the target bitrate and up to 40 ms of that at once (its `PacingController`); OBS
and FFmpeg send each frame as it is.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from loadtest.engine.outgoing import Outgoing

AT_ONCE: Final = 0.04
"""Seconds of the paced rate that may leave in one burst."""
STEP: Final = 0.01
"""Seconds between two bursts of a frame that is larger than that."""


class Pacer:
    """One layer's way out; `octets_per_second` is the paced rate."""

    __slots__ = ("_allowance", "_at", "_loop", "_queue", "_rate", "_stream", "_timer")

    def __init__(self, stream: Outgoing, octets_per_second: float, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = stream
        self._rate = octets_per_second
        self._allowance = octets_per_second * AT_ONCE
        self._queue: deque[tuple[deque[bytes], float]] = deque()
        self._loop = loop
        self._at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def send(self, payloads: Sequence[bytes], captured: float) -> None:
        """Send a frame, behind those that still wait."""
        self._queue.append((deque(payloads), captured))
        if self._timer is None:
            self._send_some()

    def close(self) -> None:
        """Send nothing any more."""
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _send_some(self) -> None:
        self._timer = None
        now = self._loop.time()
        most = self._rate * AT_ONCE
        self._allowance = min(most, self._allowance + (now - self._at) * self._rate)
        self._at = now
        while self._queue and self._allowance > 0:
            payloads, captured = self._queue[0]
            part = []
            while payloads and self._allowance > 0:
                part.append(payloads.popleft())
                self._allowance -= len(part[-1])
            self._stream.send(part, captured, time.time(), marker=True, ends=not payloads)
            if not payloads:
                self._queue.popleft()
        if self._queue:
            self._timer = self._loop.call_later(STEP, self._send_some)
