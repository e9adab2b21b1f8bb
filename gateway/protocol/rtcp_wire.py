"""What all RTCP packets share on the wire (RFC 3550 section 6.4.1)."""

from __future__ import annotations

from struct import Struct
from typing import Final

from gateway.errors import Malformed

HEADER: Final = Struct("!BBH")
"""Version, padding bit and count; packet type; length in 32-bit words less one."""

SSRC_PAIR: Final = Struct("!II")
"""The two ssrcs every feedback message starts with: its sender's and the media's (RFC 4585 6.1)."""

TRANSPORT_FEEDBACK_TYPE: Final = 205
PAYLOAD_FEEDBACK_TYPE: Final = 206


class RtcpError(Malformed):
    """The bytes are no RTCP packet, or a value does not fit into one."""


def pack_packet(count: int, packet_type: int, body: bytes, padding: int = 0) -> bytes:
    """One RTCP packet; `count` is the 5-bit count or format, body and padding fill 32-bit words.

    RtcpError when the count or the length does not fit.
    """
    words = (len(body) + padding) // 4
    if count > 31 or words > 0xFFFF:
        raise RtcpError(f"an RTCP packet of type {packet_type} cannot hold this much")
    first = 0x80 | count
    tail = b""
    if padding:
        first |= 0x20
        tail = bytes(padding - 1) + bytes((padding,))
    return HEADER.pack(first, packet_type, words) + body + tail


def read_ssrc_pair(body: bytes) -> tuple[int, int]:
    """The sender's and the media's ssrc of a feedback message; RtcpError when cut off."""
    if len(body) < SSRC_PAIR.size:
        raise RtcpError("an RTCP feedback message is cut off")
    sender_ssrc, media_ssrc = SSRC_PAIR.unpack_from(body)
    return sender_ssrc, media_ssrc
