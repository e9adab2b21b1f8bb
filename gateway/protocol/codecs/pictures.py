"""Which picture a packet belongs to, and the numbers that tell a decoder how pictures follow each other.

VP8 and VP9 bear them in the payload descriptor, any codec may in the dependency descriptor. A forwarder that
goes from one encoding to another shifts them, so that they go on where they stood; one that leaves frames of
higher temporal layers out closes the gaps where the codec counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from gateway.protocol import dependency_descriptor as dd
from gateway.protocol.codecs import vp8, vp9
from gateway.protocol.rtp import RtpPacket

Extensions = Mapping[int, bytes]


class Picture(NamedTuple):
    """The numbers of one packet's picture."""

    number: int
    bits: int
    """Width of the number on the wire."""
    tl0: int | None
    """Count of pictures in the base temporal layer, 8 bits; None where the packet has none."""
    temporal: int
    """The temporal layer, 0 for the base."""
    enters: int
    """Bit n: who got the temporal layers below n may get n as well from this picture on."""

    def follows(self, other: Picture) -> bool:
        """Whether these numbers are ahead of `other`'s on their circles, by less than half a turn."""
        half = 1 << self.bits - 1
        if not 0 < (self.number - other.number) % (2 * half) < half:
            return False
        return self.tl0 is None or other.tl0 is None or 0 < (self.tl0 - other.tl0) % 256 < 128


class PictureNumbering(Protocol):
    """Reads and shifts the numbers of one RTP stream."""

    described: bool
    """Whether the dependency descriptor bears them: who has that needs it in every packet."""
    counts_pictures: bool
    """Whether decoders take a missing number for a missing picture: what is left out must be closed up."""

    def read(self, packet: RtpPacket) -> Picture | None:
        """The packet's numbers, None when it has none. Packets should be read in order."""
        ...

    def shift(
        self, payload: bytes, extensions: Extensions, pictures: int, tl0: int
    ) -> tuple[bytes, Extensions]:
        """Payload and header extensions with the numbers moved on by `pictures` and `tl0`."""
        ...


def _shift_payload(payload: bytes, found: vp8.Descriptor | vp9.Descriptor, pictures: int, tl0: int) -> bytes:
    """The payload with picture id and TL0PICIDX moved on, where it has them."""
    shifted = bytearray(payload)
    place = found.picture_id_offset
    if found.picture_id is not None and found.picture_id_bits == 15:
        shifted[place : place + 2] = (found.picture_id + pictures & 0x7FFF | 0x8000).to_bytes(2, "big")
    elif found.picture_id is not None:
        shifted[place] = found.picture_id + pictures & 0x7F
    if found.tl0picidx is not None:
        shifted[found.tl0picidx_offset] = found.tl0picidx + tl0 & 0xFF
    return bytes(shifted)


class _Vp8Numbering:
    described = False
    counts_pictures = True

    def read(self, packet: RtpPacket) -> Picture | None:
        found = vp8.parse_descriptor(packet.payload)
        if found is None or found.picture_id is None:
            return None
        temporal = found.temporal_id or 0
        enters = 1 << temporal if found.layer_sync and temporal else 0
        return Picture(found.picture_id, found.picture_id_bits, found.tl0picidx, temporal, enters)

    def shift(
        self, payload: bytes, extensions: Extensions, pictures: int, tl0: int
    ) -> tuple[bytes, Extensions]:
        found = vp8.parse_descriptor(payload)
        return (_shift_payload(payload, found, pictures, tl0) if found else payload), extensions


class _Vp9Numbering:
    described = False
    counts_pictures = False  # references are told as differences of numbers

    def read(self, packet: RtpPacket) -> Picture | None:
        found = vp9.parse_descriptor(packet.payload)
        if found is None or found.picture_id is None:
            return None
        temporal = found.temporal_id or 0
        # RFC 9628 section 4.2: what follows needs nothing above this layer from before this picture.
        enters = 0xFF << temporal + 1 & 0xFF if found.switching_up else 0
        return Picture(found.picture_id, found.picture_id_bits, found.tl0picidx, temporal, enters)

    def shift(
        self, payload: bytes, extensions: Extensions, pictures: int, tl0: int
    ) -> tuple[bytes, Extensions]:
        found = vp9.parse_descriptor(payload)
        return (_shift_payload(payload, found, pictures, tl0) if found else payload), extensions


class _DescribedNumbering:
    """Frame numbers of the dependency descriptor, whose meaning a keyframe's template structure tells."""

    described = True
    counts_pictures = False  # references are told as differences of numbers

    def __init__(self, extension_id: int) -> None:
        self._id = extension_id
        self._structure: dd.Structure | None = None

    def read(self, packet: RtpPacket) -> Picture | None:
        value = packet.extensions.get(self._id)
        found = dd.parse(value, self._structure) if value is not None else None
        if found is None:
            return None
        self._structure = found.structure or self._structure
        return Picture(found.frame_number, 16, None, found.temporal_id, found.enters)

    def shift(
        self, payload: bytes, extensions: Extensions, pictures: int, tl0: int
    ) -> tuple[bytes, Extensions]:
        value = extensions.get(self._id)
        if value is None:
            return payload, extensions
        return payload, {**extensions, self._id: dd.shift_frame_number(value, pictures)}


_IN_PAYLOAD: Final[dict[str, type[_Vp8Numbering] | type[_Vp9Numbering]]] = {
    "VP8": _Vp8Numbering,
    "VP9": _Vp9Numbering,
}


def picture_numbering(codec: str, descriptor_id: int, packet: RtpPacket) -> PictureNumbering | None:
    """How a stream that begins with this packet numbers its pictures; None where it does not.

    `descriptor_id` is the negotiated id of the dependency descriptor, 0 for none. libwebrtc leaves the
    numbers out of the payload where it sends that; where both have some, the payload's are kept in step.
    """
    in_payload = _IN_PAYLOAD[codec]() if codec in _IN_PAYLOAD else None
    described = descriptor_id in packet.extensions
    if described and (in_payload is None or in_payload.read(packet) is None):
        return _DescribedNumbering(descriptor_id)
    return in_payload
