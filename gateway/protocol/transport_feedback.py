"""The transport-wide congestion control feedback message, both ways.

draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1: for each packet of a range of
transport-wide sequence numbers, whether and when it arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from struct import Struct
from typing import ClassVar, Final

from gateway.protocol.rtcp_wire import TRANSPORT_FEEDBACK_TYPE, RtcpError, pack_packet

TICKS_PER_SECOND: Final = 4000
"""Arrival times are in ticks of 250 microseconds."""

TICKS_PER_REFERENCE: Final = 256
"""The reference time is in units of 64 ms."""

MIN_DELTA: Final = -(1 << 15)
MAX_DELTA: Final = (1 << 15) - 1
"""Ticks between two packets that one message can tell."""

MAX_STATUS_COUNT: Final = 1 << 15
"""Packets a message may be about: over half the circle, sequence numbers have no order."""

_FIXED: Final = Struct("!IIHHI")
"""Both ssrcs, base sequence number, status count; reference time and feedback count."""

_NOT_RECEIVED: Final = 0
_SMALL_DELTA: Final = 1
_LARGE_DELTA: Final = 2
_RESERVED: Final = 3
_MAX_RUN: Final = (1 << 13) - 1
_ONE_BIT_SYMBOLS: Final = 14
_TWO_BIT_SYMBOLS: Final = 7
_VECTOR: Final = 0x8000
_TWO_BIT_VECTOR: Final = 0xC000
_ONE_BIT: Final = [bytes([octet >> shift & 1 for shift in range(7, -1, -1)]) for octet in range(256)]
_TWO_BIT: Final = [bytes([octet >> shift & 3 for shift in range(6, -1, -2)]) for octet in range(256)]
"""The symbols in an octet of a vector, by the octet."""


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Arrivals of the packets from `base_sequence` on, one entry a packet.

    `reference_time` is in units of 64 ms, modulo 2**24. An entry of `arrivals` is in ticks of 250
    microseconds after the reference time (may be negative), None for a packet that did not arrive.
    `feedback_count` numbers the messages modulo 256.
    """

    FORMAT: ClassVar[int] = 15

    sender_ssrc: int
    media_ssrc: int
    base_sequence: int
    reference_time: int
    feedback_count: int
    arrivals: tuple[int | None, ...]

    def encode(self) -> bytes:
        """The packet. RtcpError for no or too many packets, or neighbours too far apart in time."""
        if not 1 <= len(self.arrivals) <= MAX_STATUS_COUNT:
            raise RtcpError(f"a transport feedback cannot be about {len(self.arrivals)} packets")
        symbols = bytearray()
        deltas = bytearray()
        previous = 0
        for arrival in self.arrivals:
            if arrival is None:
                symbols.append(_NOT_RECEIVED)
                continue
            delta = arrival - previous
            previous = arrival
            if 0 <= delta <= 255:
                symbols.append(_SMALL_DELTA)
                deltas.append(delta)
            elif MIN_DELTA <= delta <= MAX_DELTA:
                symbols.append(_LARGE_DELTA)
                deltas += delta.to_bytes(2, "big", signed=True)
            else:
                raise RtcpError("packets of one transport feedback are too far apart")
        reference = (self.reference_time & 0xFFFFFF) << 8 | self.feedback_count & 0xFF
        fixed = _FIXED.pack(
            self.sender_ssrc, self.media_ssrc, self.base_sequence, len(self.arrivals), reference
        )
        body = fixed + _encode_chunks(symbols) + deltas
        return pack_packet(self.FORMAT, TRANSPORT_FEEDBACK_TYPE, body, padding=-len(body) % 4)

    @classmethod
    def parse(cls, body: bytes) -> TransportFeedback:
        """Read the part behind the RTCP header; RtcpError when it is cut off or says nonsense."""
        if len(body) < _FIXED.size:
            raise RtcpError("a transport feedback is cut off")
        sender, media, base, count, reference = _FIXED.unpack_from(body)
        if not 1 <= count <= MAX_STATUS_COUNT:
            raise RtcpError(f"a transport feedback about {count} packets")
        symbols, position = _decode_chunks(body, count)
        arrivals = _decode_deltas(body, position, symbols)
        return cls(sender, media, base, reference >> 8, reference & 0xFF, arrivals)


def _encode_chunks(symbols: bytearray) -> bytes:
    """Status chunks (section 3.1.2 to 3.1.4), each the kind that covers most."""
    out = bytearray()
    position, end = 0, len(symbols)
    while position < end:
        run = _run_length(symbols, position)
        window = symbols[position : position + _ONE_BIT_SYMBOLS]
        one_bit = _LARGE_DELTA not in window
        if run == end - position or run >= (_ONE_BIT_SYMBOLS if one_bit else _TWO_BIT_SYMBOLS):
            chunk = symbols[position] << 13 | run
            position += run
        elif one_bit:
            chunk = _VECTOR | _pack_symbols(window, 1, _ONE_BIT_SYMBOLS)
            position += _ONE_BIT_SYMBOLS
        else:
            chunk = _TWO_BIT_VECTOR | _pack_symbols(window[:_TWO_BIT_SYMBOLS], 2, _TWO_BIT_SYMBOLS)
            position += _TWO_BIT_SYMBOLS
        out += chunk.to_bytes(2, "big")
    return bytes(out)


def _run_length(symbols: bytearray, position: int) -> int:
    symbol = symbols[position]
    end = min(len(symbols), position + _MAX_RUN)
    following = position + 1
    while following < end and symbols[following] == symbol:
        following += 1
    return following - position


def _pack_symbols(symbols: Sequence[int], width: int, places: int) -> int:
    packed = 0
    for symbol in symbols:
        packed = packed << width | symbol
    return packed << width * (places - len(symbols))


def _decode_chunks(body: bytes, count: int) -> tuple[bytearray, int]:
    """`count` symbols and the offset of the first delta."""
    symbols = bytearray()
    position = _FIXED.size
    while len(symbols) < count:
        if position + 2 > len(body):
            raise RtcpError("the status chunks of a transport feedback are cut off")
        high, low = body[position], body[position + 1]
        position += 2
        if high < _VECTOR >> 8:
            run = (high << 8 | low) & _MAX_RUN
            symbols += bytes((high >> 5,)) * min(run, count - len(symbols))
        elif high < _TWO_BIT_VECTOR >> 8:
            symbols += _ONE_BIT[high][2:] + _ONE_BIT[low]
        else:
            symbols += _TWO_BIT[high][1:] + _TWO_BIT[low]
    del symbols[count:]
    return symbols, position


def _decode_deltas(body: bytes, position: int, symbols: bytearray) -> tuple[int | None, ...]:
    small, large = symbols.count(_SMALL_DELTA), symbols.count(_LARGE_DELTA)
    end = position + small + 2 * large
    if _RESERVED in symbols:
        raise RtcpError("a transport feedback uses the reserved status")
    if end > len(body):
        raise RtcpError("the deltas of a transport feedback are cut off")
    ticks = accumulate(_mixed_deltas(body, position, symbols) if large else body[position:end])
    if small + large == len(symbols):
        return tuple(ticks)
    return tuple([next(ticks) if symbol else None for symbol in symbols])


def _mixed_deltas(body: bytes, position: int, symbols: bytearray) -> Iterator[int]:
    """Deltas of which some are large: two octets, signed; the small are one, unsigned."""
    for symbol in symbols:
        if symbol == _SMALL_DELTA:
            yield body[position]
            position += 1
        elif symbol == _LARGE_DELTA:
            yield ((body[position] << 8 | body[position + 1]) ^ 0x8000) - 0x8000
            position += 2
