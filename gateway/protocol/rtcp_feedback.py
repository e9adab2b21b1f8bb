"""RTCP feedback messages but transport-wide congestion control: NACK, PLI, FIR and REMB."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final

from gateway.protocol.rtcp_wire import (
    PAYLOAD_FEEDBACK_TYPE,
    SSRC_PAIR,
    TRANSPORT_FEEDBACK_TYPE,
    RtcpError,
    pack_packet,
    read_ssrc_pair,
)

_NACK_ENTRY: Final = Struct("!HH")
_FIR_ENTRY: Final = Struct("!IB3x")
_BITS_OF_BLP: Final = 16
_REMB_NAME: Final = b"REMB"
_REMB_FIXED_SIZE: Final = 16
_REMB_MANTISSA_BITS: Final = 18
_REMB_MAX_EXPONENT: Final = 63


@dataclass(frozen=True, slots=True)
class Nack:
    """Generic NACK: sequence numbers that did not arrive, in the order given (RFC 4585 6.2.1)."""

    FORMAT: ClassVar[int] = 1

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]

    def encode(self) -> bytes:
        """The packet. Numbers up to 16 after one another share an entry, also over a wrap."""
        body = SSRC_PAIR.pack(self.sender_ssrc, self.media_ssrc)
        body += b"".join(_NACK_ENTRY.pack(pid, blp) for pid, blp in _nack_entries(self.lost))
        return pack_packet(self.FORMAT, TRANSPORT_FEEDBACK_TYPE, body)

    @classmethod
    def parse(cls, body: bytes) -> Nack:
        """Read the part behind the RTCP header; RtcpError when it is cut off."""
        sender_ssrc, media_ssrc = read_ssrc_pair(body)
        rest = body[SSRC_PAIR.size :]
        if len(rest) % _NACK_ENTRY.size:
            raise RtcpError("a NACK is cut off")
        lost: list[int] = []
        for pid, blp in _NACK_ENTRY.iter_unpack(rest):
            lost.append(pid)
            while blp:
                lowest = blp & -blp
                lost.append((pid + lowest.bit_length()) & 0xFFFF)
                blp ^= lowest
        return cls(sender_ssrc, media_ssrc, tuple(lost))


def _nack_entries(lost: Iterable[int]) -> list[tuple[int, int]]:
    """Packet id and bitmask of following lost packets."""
    entries: list[tuple[int, int]] = []
    pid, blp = -1, 0
    for number in lost:
        distance = (number - pid) & 0xFFFF
        if pid >= 0 and distance <= _BITS_OF_BLP:
            blp |= 1 << distance >> 1  # a repeated number (distance 0) sets nothing
            continue
        if pid >= 0:
            entries.append((pid, blp))
        pid, blp = number, 0
    if pid >= 0:
        entries.append((pid, blp))
    return entries


@dataclass(frozen=True, slots=True)
class PictureLossIndication:
    """A decoder asks for a keyframe (RFC 4585 6.3.1)."""

    FORMAT: ClassVar[int] = 1

    sender_ssrc: int
    media_ssrc: int

    def encode(self) -> bytes:
        """The packet."""
        return pack_packet(
            self.FORMAT, PAYLOAD_FEEDBACK_TYPE, SSRC_PAIR.pack(self.sender_ssrc, self.media_ssrc)
        )

    @classmethod
    def parse(cls, body: bytes) -> PictureLossIndication:
        """Read the part behind the RTCP header; RtcpError when it is cut off."""
        return cls(*read_ssrc_pair(body))


@dataclass(frozen=True, slots=True)
class FullIntraRequest:
    """A keyframe is demanded of each (ssrc, 8-bit command number) in `entries` (RFC 5104 4.3.1)."""

    FORMAT: ClassVar[int] = 4

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]

    def encode(self) -> bytes:
        """The packet."""
        body = SSRC_PAIR.pack(self.sender_ssrc, 0)
        body += b"".join(_FIR_ENTRY.pack(ssrc, number) for ssrc, number in self.entries)
        return pack_packet(self.FORMAT, PAYLOAD_FEEDBACK_TYPE, body)

    @classmethod
    def parse(cls, body: bytes) -> FullIntraRequest:
        """Read the part behind the RTCP header; RtcpError when it is cut off."""
        sender_ssrc, _ = read_ssrc_pair(body)
        rest = body[SSRC_PAIR.size :]
        if len(rest) % _FIR_ENTRY.size:
            raise RtcpError("a full intra request is cut off")
        return cls(sender_ssrc, tuple((ssrc, number) for ssrc, number in _FIR_ENTRY.iter_unpack(rest)))


@dataclass(frozen=True, slots=True)
class Remb:
    """Receiver estimated maximum bitrate in bit/s, over all of `ssrcs` (draft-alvestrand-rmcat-remb-03)."""

    FORMAT: ClassVar[int] = 15

    sender_ssrc: int
    bitrate: int
    ssrcs: tuple[int, ...]

    def encode(self) -> bytes:
        """The packet. The bitrate is rounded down to 18 significant bits."""
        exponent = max(0, self.bitrate.bit_length() - _REMB_MANTISSA_BITS)
        if exponent > _REMB_MAX_EXPONENT or len(self.ssrcs) > 255:
            raise RtcpError("the REMB cannot be written")
        packed = len(self.ssrcs) << 24 | exponent << _REMB_MANTISSA_BITS | self.bitrate >> exponent
        body = SSRC_PAIR.pack(self.sender_ssrc, 0) + _REMB_NAME + packed.to_bytes(4, "big")
        body += b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs)
        return pack_packet(self.FORMAT, PAYLOAD_FEEDBACK_TYPE, body)

    @classmethod
    def parse(cls, body: bytes) -> Remb | None:
        """Read the part behind the RTCP header; RtcpError when it is cut off.

        None for another application layer feedback, which shares the format number.
        """
        sender_ssrc, _ = read_ssrc_pair(body)
        if body[8:12] != _REMB_NAME:
            return None
        if len(body) < _REMB_FIXED_SIZE or len(body) < _REMB_FIXED_SIZE + 4 * body[12]:
            raise RtcpError("a REMB is cut off")
        packed = int.from_bytes(body[12:16], "big")
        mantissa = packed & ((1 << _REMB_MANTISSA_BITS) - 1)
        bitrate = mantissa << (packed >> _REMB_MANTISSA_BITS & _REMB_MAX_EXPONENT)
        end = _REMB_FIXED_SIZE + 4 * body[12]
        ssrcs = (int.from_bytes(body[at : at + 4], "big") for at in range(_REMB_FIXED_SIZE, end, 4))
        return cls(sender_ssrc, bitrate, tuple(ssrcs))
