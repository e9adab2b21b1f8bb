"""RTCP: reports, descriptions, goodbyes, and the way into compound packets (RFC 3550 section 6).

The feedback messages live in `rtcp_feedback` and `transport_feedback`; they are exported from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final

from gateway.protocol.rtcp_feedback import FullIntraRequest, Nack, PictureLossIndication, Remb
from gateway.protocol.rtcp_wire import (
    HEADER,
    PAYLOAD_FEEDBACK_TYPE,
    TRANSPORT_FEEDBACK_TYPE,
    RtcpError,
    pack_packet,
)
from gateway.protocol.transport_feedback import TransportFeedback

__all__ = [
    "Bye",
    "FullIntraRequest",
    "Nack",
    "PictureLossIndication",
    "ReceiverReport",
    "ReceptionReport",
    "Remb",
    "RtcpError",
    "RtcpPacket",
    "SenderReport",
    "SourceDescription",
    "TransportFeedback",
    "ntp_from_unix",
    "ntp_middle32",
    "parse_rtcp",
    "unix_from_ntp",
]

_NTP_EPOCH: Final = 2_208_988_800
"""Seconds from 1900 to 1970."""

_NTP_ERA: Final = 1 << 32
_REPORT: Final = Struct("!IIIIII")
_SENDER_INFO: Final = Struct("!IQIII")
_CNAME: Final = 1


def ntp_from_unix(seconds: float) -> int:
    """Unix time as a 64-bit NTP timestamp: 32.32 fixed-point seconds since 1900."""
    return round((seconds + _NTP_EPOCH) * _NTP_ERA) & 0xFFFF_FFFF_FFFF_FFFF


def unix_from_ntp(ntp: int) -> float:
    """Unix time of an NTP timestamp, which is taken to lie between 1968 and 2104 (RFC 4330 section 3)."""
    if ntp < 1 << 63:
        ntp += 1 << 64
    return ntp / _NTP_ERA - _NTP_EPOCH


def ntp_middle32(ntp: int) -> int:
    """The middle half of an NTP timestamp, 16.16 seconds, as reports quote it."""
    return ntp >> 16 & 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """How one source is received (RFC 3550 6.4.1).

    `fraction_lost` is in 1/256 since the last report, `cumulative_lost` a signed 24-bit count,
    `highest_sequence` has the count of wraps in its upper half, `jitter` is in units of the clock
    rate, `last_sr` the middle of the last sender report's NTP time, `delay_since_last_sr` in
    1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int

    def encode(self) -> bytes:
        """The report block, which is part of a sender or receiver report."""
        lost = max(-0x80_0000, min(0x7F_FFFF, self.cumulative_lost)) & 0xFF_FFFF
        return _REPORT.pack(
            self.ssrc,
            self.fraction_lost << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        )

    def round_trip_time(self, now_ntp: int) -> float | None:
        """Seconds to the report's sender and back, if it had seen a sender report of ours."""
        if not self.last_sr:
            return None
        elapsed = (ntp_middle32(now_ntp) - self.last_sr - self.delay_since_last_sr) & 0xFFFF_FFFF
        return elapsed / 65536 if elapsed < 1 << 31 else 0.0  # clocks drift: never negative


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What a source has sent, and when its RTP clock was what (RFC 3550 6.4.1)."""

    TYPE: ClassVar[int] = 200

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: tuple[ReceptionReport, ...] = ()

    def encode(self) -> bytes:
        """The packet. RtcpError for more than 31 reports."""
        body = _SENDER_INFO.pack(self.ssrc, self.ntp, self.rtp_timestamp, self.packet_count, self.octet_count)
        body += b"".join(report.encode() for report in self.reports)
        return pack_packet(len(self.reports), self.TYPE, body)

    @classmethod
    def parse(cls, count: int, body: bytes) -> SenderReport:
        """Read the part behind the RTCP header; RtcpError when it is cut off."""
        if len(body) < _SENDER_INFO.size:
            raise RtcpError("a sender report is cut off")
        ssrc, ntp, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
        reports = _parse_reports(count, body, _SENDER_INFO.size)
        return cls(ssrc, ntp, rtp_timestamp, packets, octets, reports)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """Reception reports of somebody who sends nothing (RFC 3550 6.4.2)."""

    TYPE: ClassVar[int] = 201

    ssrc: int
    reports: tuple[ReceptionReport, ...] = ()

    def encode(self) -> bytes:
        """The packet. RtcpError for more than 31 reports."""
        body = self.ssrc.to_bytes(4, "big") + b"".join(report.encode() for report in self.reports)
        return pack_packet(len(self.reports), self.TYPE, body)

    @classmethod
    def parse(cls, count: int, body: bytes) -> ReceiverReport:
        """Read the part behind the RTCP header; RtcpError when it is cut off."""
        if len(body) < 4:
            raise RtcpError("a receiver report is cut off")
        return cls(int.from_bytes(body[:4], "big"), _parse_reports(count, body, 4))


def _parse_reports(count: int, body: bytes, position: int) -> tuple[ReceptionReport, ...]:
    """The report blocks; what follows them is a profile's own extension and is ignored."""
    if len(body) < position + count * _REPORT.size:
        raise RtcpError("a reception report is cut off")
    reports = []
    for at in range(position, position + count * _REPORT.size, _REPORT.size):
        ssrc, loss, highest, jitter, last_sr, delay = _REPORT.unpack_from(body, at)
        lost = loss & 0xFF_FFFF
        if lost >= 0x80_0000:
            lost -= 0x100_0000
        reports.append(ReceptionReport(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay))
    return tuple(reports)


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """The canonical name of each source; "" where a source told other things only (RFC 3550 6.5)."""

    TYPE: ClassVar[int] = 202

    chunks: Mapping[int, str]

    def encode(self) -> bytes:
        """The packet. RtcpError for more than 31 sources or a name over 255 octets of UTF-8."""
        body = bytearray()
        for ssrc, cname in self.chunks.items():
            name = cname.encode()
            if len(name) > 255:
                raise RtcpError("a canonical name is too long")
            body += ssrc.to_bytes(4, "big") + bytes((_CNAME, len(name))) + name
            body += bytes(4 - len(body) % 4)  # at least one zero ends the items
        return pack_packet(len(self.chunks), self.TYPE, bytes(body))

    @classmethod
    def parse(cls, count: int, body: bytes) -> SourceDescription:
        """Read the part behind the RTCP header; RtcpError when it is cut off."""
        chunks: dict[int, str] = {}
        position = 0
        for _ in range(count):
            if position + 4 > len(body):
                raise RtcpError("a source description is cut off")
            ssrc = int.from_bytes(body[position : position + 4], "big")
            chunks[ssrc], position = _parse_items(body, position + 4)
        return cls(chunks)


def _parse_items(body: bytes, position: int) -> tuple[str, int]:
    """The canonical name among a chunk's items, and where the next chunk starts."""
    cname = ""
    end = len(body)
    while position < end and body[position]:
        if position + 2 > end or position + 2 + body[position + 1] > end:
            raise RtcpError("an item of a source description is cut off")
        following = position + 2 + body[position + 1]
        if body[position] == _CNAME:
            cname = body[position + 2 : following].decode(errors="replace")
        position = following
    return cname, (position + 4) & ~3


@dataclass(frozen=True, slots=True)
class Bye:
    """Sources that end, and perhaps why (RFC 3550 6.6)."""

    TYPE: ClassVar[int] = 203

    ssrcs: tuple[int, ...]
    reason: str = ""

    def encode(self) -> bytes:
        """The packet. RtcpError for more than 31 sources or a reason over 255 octets of UTF-8."""
        body = b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs)
        if self.reason:
            reason = self.reason.encode()
            if len(reason) > 255:
                raise RtcpError("the reason of a goodbye is too long")
            body += bytes((len(reason),)) + reason
            body += bytes(-len(body) % 4)
        return pack_packet(len(self.ssrcs), self.TYPE, body)

    @classmethod
    def parse(cls, count: int, body: bytes) -> Bye:
        """Read the part behind the RTCP header; RtcpError when it is cut off."""
        end = 4 * count
        if len(body) < end:
            raise RtcpError("a goodbye is cut off")
        ssrcs = tuple(int.from_bytes(body[at : at + 4], "big") for at in range(0, end, 4))
        reason = b""
        if len(body) > end:
            reason = body[end + 1 : end + 1 + body[end]]
            if len(reason) != body[end]:
                raise RtcpError("the reason of a goodbye is cut off")
        return cls(ssrcs, reason.decode(errors="replace"))


RtcpPacket = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Bye
    | Nack
    | PictureLossIndication
    | FullIntraRequest
    | Remb
    | TransportFeedback
)


def parse_rtcp(data: bytes) -> list[RtcpPacket]:
    """Read a compound packet, or a lone one as RFC 5506 allows; packets of unknown type are skipped.

    RtcpError if any part of it is malformed: then nothing of it is to be believed.
    """
    packets: list[RtcpPacket] = []
    position, end = 0, len(data)
    if not end:
        raise RtcpError("an RTCP packet is empty")
    while position < end:
        if end - position < HEADER.size:
            raise RtcpError("an RTCP header is cut off")
        first, packet_type, words = HEADER.unpack_from(data, position)
        if first & 0xC0 != 0x80:
            raise RtcpError("the RTCP version is not 2")
        start = position + HEADER.size
        position = stop = start + 4 * words
        if stop > end:
            raise RtcpError("an RTCP packet is cut off")
        if first & 0x20:
            padding = data[stop - 1] if words else 0
            if padding == 0 or stop - padding < start:
                raise RtcpError("the RTCP padding does not fit into the packet")
            stop -= padding
        packet = _parse_body(packet_type, first & 0x1F, data[start:stop])
        if packet is not None:
            packets.append(packet)
    return packets


def _parse_body(packet_type: int, count: int, body: bytes) -> RtcpPacket | None:
    if packet_type == SenderReport.TYPE:
        return SenderReport.parse(count, body)
    if packet_type == ReceiverReport.TYPE:
        return ReceiverReport.parse(count, body)
    if packet_type == SourceDescription.TYPE:
        return SourceDescription.parse(count, body)
    if packet_type == Bye.TYPE:
        return Bye.parse(count, body)
    if packet_type == TRANSPORT_FEEDBACK_TYPE:
        return _parse_transport_feedback(count, body)
    if packet_type == PAYLOAD_FEEDBACK_TYPE:
        return _parse_payload_feedback(count, body)
    return None


def _parse_transport_feedback(message: int, body: bytes) -> RtcpPacket | None:
    if message == Nack.FORMAT:
        return Nack.parse(body)
    if message == TransportFeedback.FORMAT:
        return TransportFeedback.parse(body)
    return None


def _parse_payload_feedback(message: int, body: bytes) -> RtcpPacket | None:
    if message == PictureLossIndication.FORMAT:
        return PictureLossIndication.parse(body)
    if message == FullIntraRequest.FORMAT:
        return FullIntraRequest.parse(body)
    if message == Remb.FORMAT:
        return Remb.parse(body)
    return None
