"""RTP timestamps on the gateway's wall clock, as told by a publisher's sender reports."""

from __future__ import annotations

from gateway.protocol.rtcp import unix_from_ntp
from gateway.protocol.rtp import RtpPacket

CLOCK_STEP = 2.0
"""Seconds by which a sender report may seem early or late; more means that the publisher's clock was set."""

_CAPTURE_TIME_SIZES = (8, 16)
_MASK32 = 0xFFFFFFFF
_MASK64 = 0xFFFFFFFF_FFFFFFFF


def signed_difference(a: int, b: int) -> int:
    """`a - b` on the 32-bit circle, between -2**31 and 2**31 - 1."""
    return ((a - b + 0x80000000) & _MASK32) - 0x80000000


class PublisherClock:
    """The difference between a publisher's wall clock and ours, fixed by its first sender report.

    It is one for all tracks of the publisher: their relation, which is what lip sync needs, stays
    exact however wrong the publisher's clock is. It is fixed anew when that clock was set.
    """

    __slots__ = ("_offset",)

    def __init__(self) -> None:
        self._offset: float | None = None

    def to_local(self, ntp: int, wall: float) -> float:
        """The instant of a sender report in our Unix seconds; `wall` is when it arrived."""
        theirs = unix_from_ntp(ntp)
        if self._offset is None or abs(theirs + self._offset - wall) > CLOCK_STEP:
            self._offset = wall - theirs
        return theirs + self._offset

    def translate(self, ntp: int) -> int | None:
        """An instant of the publisher's on our clock, as 64-bit NTP times; None before its first report."""
        return None if self._offset is None else ntp + round(self._offset * (1 << 32)) & _MASK64


class MediaClock:
    """One layer's timestamps against wall-clock time.

    Until the first sender report the arrival of the first packet stands in for it.
    """

    __slots__ = ("_publisher", "_reference", "rate", "reported")

    def __init__(self, rate: int, publisher: PublisherClock) -> None:
        self.rate = rate
        self.reported = False
        self._publisher = publisher
        self._reference: tuple[float, int] | None = None

    def arrived(self, timestamp: int, wall: float) -> None:
        """Tell the first packet's arrival in Unix seconds; later calls change nothing."""
        if self._reference is None:
            self._reference = (wall, timestamp)

    def on_sender_report(self, ntp: int, timestamp: int, wall: float) -> None:
        """Take a sender report that arrived at `wall`."""
        if ntp == 0:  # RFC 3550 section 6.4.1: a sender without a wall clock
            return
        self._reference = (self._publisher.to_local(ntp, wall), timestamp)
        self.reported = True

    def localize_capture_time(self, packet: RtpPacket, identifier: int) -> None:
        """Put the packet's absolute capture time on our clock, on which the viewers' sender reports are.

        It is the capture system's time and, in the long form, that clock's distance from the sender's.
        Taken out until the sender's first report, as it would mislead.
        """
        told = dict(packet.extensions)
        value = told.pop(identifier)
        if len(value) in _CAPTURE_TIME_SIZES:
            captured = int.from_bytes(value[:8], "big")
            distance = int.from_bytes(value[8:], "big", signed=True)
            local = self._publisher.translate(captured - distance)
            if local is not None:
                told[identifier] = local.to_bytes(8, "big")
        packet.extensions = told

    def timestamp_at(self, wall: float) -> int | None:
        """The timestamp of media captured at `wall`; None before any packet."""
        if self._reference is None:
            return None
        at, timestamp = self._reference
        return timestamp + round((wall - at) * self.rate) & _MASK32

    def wall_at(self, timestamp: int) -> float | None:
        """When media with this timestamp was captured, in our Unix seconds; None before any packet."""
        if self._reference is None:
            return None
        at, reference = self._reference
        return at + signed_difference(timestamp, reference) / self.rate

    def seconds_between(self, other: MediaClock, earlier: int, later: int) -> float | None:
        """Capture time from `earlier` (on `other`'s scale) to `later`; None unless both are reported."""
        if self is other:
            return signed_difference(later, earlier) / self.rate
        if not (self.reported and other.reported):
            return None
        start, end = other.wall_at(earlier), self.wall_at(later)
        return None if start is None or end is None else end - start
