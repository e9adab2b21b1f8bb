"""The transport-wide congestion control feedback message, both ways.

draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1: for each packet of a range of
transport-wide sequence numbers, whether and when it arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

_FIXED_SIZE: Final = 16
_NOT_RECEIVED: Final = 0
_SMALL_DELTA: Final = 1
_LARGE_DELTA: Final = 2
_MAX_RUN: Final = (1 << 13) - 1
_ONE_BIT_SYMBOLS: Final = 14
_TWO_BIT_SYMBOLS: Final = 7
_VECTOR: Final = 0x8000
_TWO_BIT_VECTOR: Final = 0xC000


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Arrivals of the packets from `base_sequence` on, one entry a packet.

    `reference_time` is in units of 64 ms, modulo 2**24. An entry of `arrivals` is seconds after
    the reference time (a multiple of 250 microseconds; may be negative), None for a packet that did not
    arrive. `feedback_count` numbers the messages modulo 256.
    """

    FORMAT: ClassVar[int] = 15

    sender_ssrc: int
    media_ssrc: int
    base_sequence: int
    reference_time: int
    feedback_count: int
    arrivals: tuple[float | None, ...]

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
            ticks = round(arrival * TICKS_PER_SECOND)
            delta = ticks - previous
            previous = ticks
            if 0 <= delta <= 255:
                symbols.append(_SMALL_DELTA)
                deltas.append(delta)
            elif MIN_DELTA <= delta <= MAX_DELTA:
                symbols.append(_LARGE_DELTA)
                deltas += delta.to_bytes(2, "big", signed=True)
            else:
                raise RtcpError("packets of one transport feedback are too far apart")
        body = (
            self.sender_ssrc.to_bytes(4, "big")
            + self.media_ssrc.to_bytes(4, "big")
            + self.base_sequence.to_bytes(2, "big")
            + len(self.arrivals).to_bytes(2, "big")
            + (self.reference_time & 0xFFFFFF).to_bytes(3, "big")
            + (self.feedback_count & 0xFF).to_bytes(1, "big")
            + _encode_chunks(symbols)
            + deltas
        )
        return pack_packet(self.FORMAT, TRANSPORT_FEEDBACK_TYPE, body, padding=-len(body) % 4)

    @classmethod
    def parse(cls, body: bytes) -> TransportFeedback:
        """Read the part behind the RTCP header; RtcpError when it is cut off or says nonsense."""
        if len(body) < _FIXED_SIZE:
            raise RtcpError("a transport feedback is cut off")
        count = int.from_bytes(body[10:12], "big")
        if not 1 <= count <= MAX_STATUS_COUNT:
            raise RtcpError(f"a transport feedback about {count} packets")
        symbols, position = _decode_chunks(body, count)
        return cls(
            sender_ssrc=int.from_bytes(body[0:4], "big"),
            media_ssrc=int.from_bytes(body[4:8], "big"),
            base_sequence=int.from_bytes(body[8:10], "big"),
            reference_time=int.from_bytes(body[12:15], "big"),
            feedback_count=body[15],
            arrivals=_decode_deltas(body, position, symbols),
        )


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
    position = _FIXED_SIZE
    while len(symbols) < count:
        if position + 2 > len(body):
            raise RtcpError("the status chunks of a transport feedback are cut off")
        chunk = body[position] << 8 | body[position + 1]
        position += 2
        if chunk < _VECTOR:
            run = min(chunk & _MAX_RUN, count - len(symbols))
            symbols += bytes((chunk >> 13,)) * run
        elif chunk < _TWO_BIT_VECTOR:
            symbols += bytes(chunk >> shift & 1 for shift in range(13, -1, -1))
        else:
            symbols += bytes(chunk >> shift & 3 for shift in range(12, -1, -2))
    del symbols[count:]
    return symbols, position


def _decode_deltas(body: bytes, position: int, symbols: bytearray) -> tuple[float | None, ...]:
    arrivals: list[float | None] = []
    end = len(body)
    ticks = 0
    for symbol in symbols:
        if symbol == _NOT_RECEIVED:
            arrivals.append(None)
            continue
        if symbol > _LARGE_DELTA:
            raise RtcpError("a transport feedback uses the reserved status")
        if position + symbol > end:
            raise RtcpError("the deltas of a transport feedback are cut off")
        # The symbol is also the delta's size: one octet unsigned, two signed.
        ticks += int.from_bytes(body[position : position + symbol], "big", signed=symbol == _LARGE_DELTA)
        position += symbol
        arrivals.append(ticks / TICKS_PER_SECOND)
    return tuple(arrivals)
