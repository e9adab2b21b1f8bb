"""Transport-wide feedback of a lean viewer: bursts in, as few bytes of RTCP as there can be out.

draft-holmer-rmcat-transport-wide-cc-extensions-01. A burst is a run of packets with consecutive numbers that
one read brought, so that they share an arrival time. Where all arrived in order the message is one run of
small deltas; the rest is written by `gateway.protocol.transport_feedback`.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from gateway.protocol.rtcp import TransportFeedback
from gateway.protocol.rtcp_wire import TRANSPORT_FEEDBACK_TYPE
from gateway.protocol.transport_feedback import MAX_DELTA, MIN_DELTA, TICKS_PER_REFERENCE, TICKS_PER_SECOND

MAX_PACKETS: Final = 400
"""Packets in one message: under 1,200 octets whatever their deltas."""
MAX_GAP: Final = 1 << 12
"""Missing numbers that are told as lost; after a longer gap the numbers begin anew."""

_MESSAGE: Final = Struct("!BBHIIHHIH")
"""Header, both ssrcs, base and count, reference time and feedback count, one chunk."""
_FIXED_OCTETS: Final = _MESSAGE.size
_RUN_OF_SMALL: Final = 1 << 13
_SMALL: Final = tuple(bytes((delta,)) for delta in range(256))
_ZEROS: Final = tuple(bytes(count) for count in range(MAX_PACKETS + 1))
_PADDING: Final = tuple(bytes(count - 1) + bytes((count,)) if count else b"" for count in range(4))
_SENDER: Final = 1


class Arrivals:
    """Numbers and times since the last feedback; `bursts` holds (first number, count, Unix time)."""

    __slots__ = ("_count", "_next", "bursts")

    def __init__(self) -> None:
        self.bursts: list[tuple[int, int, float]] = []
        self._next: int | None = None
        self._count = 0

    def take(self, media_ssrc: int) -> list[bytes]:
        """The RTCP packets about all bursts so far, none when there was nothing."""
        bursts, self.bursts = self.bursts, []
        messages = []
        while bursts:
            part, bursts = _cut(bursts)
            messages.append(self._plain(part, media_ssrc) or self._any(part, media_ssrc))
            self._count = self._count + 1 & 0xFF
        return messages

    def _plain(self, bursts: list[tuple[int, int, float]], media_ssrc: int) -> bytes | None:
        """The message when nothing is missing, late or far apart."""
        base = bursts[0][0]
        if self._next is not None and base != self._next:
            return None
        reference = int(bursts[0][2] * TICKS_PER_SECOND) // TICKS_PER_REFERENCE
        previous = reference * TICKS_PER_REFERENCE
        expected, packets, deltas = base, 0, []
        for number, count, at in bursts:
            ticks = int(at * TICKS_PER_SECOND)
            if number != expected or not 0 <= ticks - previous <= 255:
                return None
            deltas.append(_SMALL[ticks - previous])
            deltas.append(_ZEROS[count - 1])
            previous = ticks
            packets += count
            expected = number + count & 0xFFFF
        self._next = expected
        size = _FIXED_OCTETS + packets
        padding = -size % 4
        head = _MESSAGE.pack(
            0xAF if padding else 0x8F,
            TRANSPORT_FEEDBACK_TYPE,
            (size + padding) // 4 - 1,
            _SENDER,
            media_ssrc,
            base,
            packets,
            (reference & 0xFFFFFF) << 8 | self._count,
            _RUN_OF_SMALL | packets,
        )
        return head + b"".join(deltas) + _PADDING[padding]

    def _any(self, bursts: list[tuple[int, int, float]], media_ssrc: int) -> bytes:
        """The message with losses, in the order of the numbers."""
        first = bursts[0][0]
        arrived: dict[int, int] = {}
        for number, count, at in bursts:
            ahead = (number - first + 0x8000 & 0xFFFF) - 0x8000
            for place in range(ahead, ahead + count):
                arrived.setdefault(place, int(at * TICKS_PER_SECOND))
        lowest, highest = min(arrived), max(arrived)
        if self._next is not None:
            gap = (first + lowest - self._next + 0x8000 & 0xFFFF) - 0x8000
            lowest -= gap if 0 < gap <= MAX_GAP else 0
        reference = min(arrived.values()) // TICKS_PER_REFERENCE
        times: list[int | None] = []
        previous = 0
        for place in range(lowest, min(highest + 1, lowest + 2 * MAX_GAP)):
            ticks = arrived.get(place)
            if ticks is not None:
                previous += min(MAX_DELTA, max(MIN_DELTA, ticks - reference * TICKS_PER_REFERENCE - previous))
            times.append(None if ticks is None else previous)
        following = first + highest + 1 & 0xFFFF
        if self._next is None or 0 < (following - self._next & 0xFFFF) < 0x8000:
            self._next = following
        base, reference = first + lowest & 0xFFFF, reference & 0xFFFFFF
        return TransportFeedback(_SENDER, media_ssrc, base, reference, self._count, tuple(times)).encode()


def _cut(
    bursts: list[tuple[int, int, float]],
) -> tuple[list[tuple[int, int, float]], list[tuple[int, int, float]]]:
    """As many bursts as one message takes, at least one, and the rest."""
    packets = 0
    for place, (_, count, _) in enumerate(bursts):
        packets += count
        if packets > MAX_PACKETS and place:
            return bursts[:place], bursts[place:]
    return bursts, []
