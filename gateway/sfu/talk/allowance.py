"""How much a customer's microphone may send, so that none of them is a burden to everybody else. Pure."""

from __future__ import annotations

from typing import Final

BITRATE: Final = 256_000
"""Bits per second, RTP headers included. Browsers speak at 32 000, music in stereo asks for 96 000, some
plain clients send 160 000 unasked."""
PACKET_RATE: Final = 120
"""Packets per second. The shortest that senders use bear 10 ms, and clocks differ."""
WINDOW: Final = 1.0
"""Seconds over which both are averaged: what was held up on the way may come at once."""

OVER_BITRATE: Final = "talk_over_bitrate"
OVER_PACKET_RATE: Final = "talk_over_packet_rate"
"""Counters of what is dropped."""


class Allowance:
    """One microphone's. Times are monotonic seconds."""

    __slots__ = ("_octets", "_packets", "_since")

    def __init__(self) -> None:
        self._octets = BITRATE / 8 * WINDOW
        self._packets = PACKET_RATE * WINDOW
        self._since: float | None = None

    def refuse(self, octets: int, now: float) -> str | None:
        """Why a packet of this size may not come in now: the name of a counter; None when it may."""
        elapsed = 0.0 if self._since is None else now - self._since
        self._since = now
        self._octets = min(BITRATE / 8 * WINDOW, self._octets + elapsed * BITRATE / 8)
        self._packets = min(PACKET_RATE * WINDOW, self._packets + elapsed * PACKET_RATE)
        if self._packets < 1:
            return OVER_PACKET_RATE
        if self._octets < octets:
            return OVER_BITRATE
        self._packets -= 1
        self._octets -= octets
        return None
