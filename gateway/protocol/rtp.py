"""RTP packets and their header extensions (RFC 3550 section 5, RFC 8285), read and written.

`parse_rtp` runs once for every packet that comes in, so it builds one flat object and looks at
extensions only where a packet has some.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from types import MappingProxyType
from typing import Final

from gateway.errors import Malformed

FIXED_HEADER_SIZE: Final = 12
"""Octets of an RTP header without contributing sources and extensions."""

EMPTY: Final[Mapping[int, bytes]] = MappingProxyType({})
"""The extensions of a packet that has none."""

_VERSION: Final = 0x80
_PADDING_BIT: Final = 0x20
_EXTENSION_BIT: Final = 0x10
_ONE_BYTE_PROFILE: Final = 0xBEDE
_TWO_BYTE_PROFILE: Final = 0x1000
_ONE_BYTE_STOP: Final = 15

_FIXED_HEADER: Final = Struct("!BBHII")
_EXTENSION_HEADER: Final = Struct("!HH")
_read_fixed_header = _FIXED_HEADER.unpack_from
_read_extension_header = _EXTENSION_HEADER.unpack_from


class RtpError(Malformed):
    """The bytes are no RTP packet, or an extension cannot be put into one."""


class RtpPacket:
    """An RTP packet as it was received; made by `parse_rtp`.

    `timestamp` is in units of the codec's clock rate. `extensions` maps an extension's id to its
    raw value, `payload` is without the `padding_size` octets of padding that followed it.
    `header_size` is the offset of the payload in `data`.
    """

    __slots__ = (
        "data",
        "extensions",
        "header_size",
        "marker",
        "padding_size",
        "payload",
        "payload_type",
        "sequence_number",
        "ssrc",
        "timestamp",
    )

    data: bytes
    payload_type: int
    marker: bool
    sequence_number: int
    timestamp: int
    ssrc: int
    extensions: Mapping[int, bytes]
    header_size: int
    payload: bytes
    padding_size: int

    def __repr__(self) -> str:
        return (
            f"RtpPacket(payload_type={self.payload_type}, marker={self.marker}, "
            f"sequence_number={self.sequence_number}, timestamp={self.timestamp}, ssrc={self.ssrc}, "
            f"payload={len(self.payload)} bytes)"
        )


_new_packet = RtpPacket.__new__


def parse_rtp(data: bytes) -> RtpPacket:
    """Read one RTP packet; RtpError on anything that is none. `data` is kept, not copied."""
    size = len(data)
    if size < FIXED_HEADER_SIZE:
        raise RtpError("an RTP packet has at least 12 bytes")
    # Past __init__: this saves a call per packet.
    packet = _new_packet(RtpPacket)
    packet.data = data
    first, second, packet.sequence_number, packet.timestamp, packet.ssrc = _read_fixed_header(data)
    packet.payload_type = second & 0x7F
    packet.marker = second > 0x7F
    packet.extensions = EMPTY
    packet.padding_size = 0
    if first == _VERSION:
        packet.header_size = FIXED_HEADER_SIZE
        packet.payload = data[FIXED_HEADER_SIZE:]
        return packet
    if first & 0xC0 != _VERSION:
        raise RtpError("the RTP version is not 2")
    offset = FIXED_HEADER_SIZE + 4 * (first & 0x0F)
    if first & _EXTENSION_BIT:
        start = offset + 4
        if size < start:
            raise RtpError("the RTP extension header is cut off")
        profile, words = _read_extension_header(data, offset)
        offset = start + 4 * words
        if size < offset:
            raise RtpError("the RTP extensions are cut off")
        packet.extensions = _parse_extensions(profile, data, start, offset)
    elif size < offset:
        raise RtpError("the contributing sources are cut off")
    if first & _PADDING_BIT:
        padding = data[-1]
        if padding == 0 or size - padding < offset:
            raise RtpError("the RTP padding does not fit into the packet")
        packet.padding_size = padding
        size -= padding
    packet.header_size = offset
    packet.payload = data[offset:size]
    return packet


def _parse_extensions(profile: int, data: bytes, position: int, end: int) -> Mapping[int, bytes]:
    if profile == _ONE_BYTE_PROFILE:
        return _parse_one_byte(data, position, end)
    if profile & 0xFFF0 == _TWO_BYTE_PROFILE:
        return _parse_two_byte(data, position, end)
    return EMPTY  # a profile's own extension: legal, and nothing to us (RFC 3550 section 5.3.1)


def _parse_one_byte(data: bytes, position: int, end: int) -> dict[int, bytes]:
    values: dict[int, bytes] = {}
    while position < end:
        head = data[position]
        position += 1
        if head == 0:
            continue
        identifier = head >> 4
        if identifier == _ONE_BYTE_STOP or identifier == 0:
            break  # RFC 8285 section 4.2: reserved, ends the list
        following = position + (head & 0x0F) + 1
        if following > end:
            raise RtpError("an RTP extension runs over the end of its block")
        values[identifier] = data[position:following]
        position = following
    return values


def _parse_two_byte(data: bytes, position: int, end: int) -> dict[int, bytes]:
    values: dict[int, bytes] = {}
    while position < end:
        identifier = data[position]
        position += 1
        if identifier == 0:
            continue
        if position == end:
            raise RtpError("an RTP extension lacks its length")
        following = position + 1 + data[position]
        if following > end:
            raise RtpError("an RTP extension runs over the end of its block")
        values[identifier] = data[position + 1 : following]
        position = following
    return values


def encode_extensions(values: Mapping[int, bytes], two_byte: bool = False) -> bytes:
    """The whole extension block: profile, length and elements, padded to 32 bits; b"" for none.

    The one-byte form (RFC 8285 section 4.2) is used unless `two_byte` asks for the other, or an id
    over 14 or a value that is empty or over 16 bytes needs it. RtpError where neither can carry it.
    """
    if not values:
        return b""
    elements = bytearray()
    if two_byte or any(key > 14 or not 1 <= len(value) <= 16 for key, value in values.items()):
        profile = _TWO_BYTE_PROFILE
        for key, value in values.items():
            if not 1 <= key <= 255 or len(value) > 255:
                raise RtpError(f"RTP extension {key} with {len(value)} bytes cannot be written")
            elements += bytes((key, len(value)))
            elements += value
    else:
        profile = _ONE_BYTE_PROFILE
        for key, value in values.items():
            if key < 1:
                raise RtpError(f"RTP extension {key} cannot be written")
            elements.append(key << 4 | len(value) - 1)
            elements += value
    elements += bytes(-len(elements) % 4)
    return _EXTENSION_HEADER.pack(profile, len(elements) // 4) + elements


def write_rtp(
    *,
    payload_type: int,
    marker: bool,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    extensions: bytes = b"",
    padding: int = 0,
) -> bytes:
    """One RTP packet without contributing sources.

    `extensions` is what `encode_extensions` made; `padding` octets (at most 255, the count itself
    included) are added behind the payload. RtpError for a padding that cannot be written.
    """
    first = _VERSION
    if extensions:
        first |= _EXTENSION_BIT
    tail = b""
    if padding:
        if not 1 <= padding <= 255:
            raise RtpError(f"{padding} octets of padding cannot be written")
        first |= _PADDING_BIT
        tail = bytes(padding - 1) + bytes((padding,))
    second = payload_type | 0x80 if marker else payload_type
    return _FIXED_HEADER.pack(first, second, sequence_number, timestamp, ssrc) + extensions + payload + tail
