"""VP8 in RTP (RFC 7741): the payload descriptor and the start of keyframes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_EXTENDED: Final = 0x80
_NON_REFERENCE: Final = 0x20
_PARTITION_START: Final = 0x10
_PARTITION_MASK: Final = 0x07
_HAS_PICTURE_ID: Final = 0x80
_HAS_TL0PICIDX: Final = 0x40
_HAS_TID: Final = 0x20
_HAS_KEYIDX: Final = 0x10
_START_AND_PARTITION: Final = _PARTITION_START | _PARTITION_MASK
_START_CODE: Final = b"\x9d\x01\x2a"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The VP8 payload descriptor (RFC 7741 section 4.2).

    Offsets count octets from the start of the RTP payload, so that a forwarder can write other
    numbers in place; they are 0 where the field is absent.
    """

    size: int
    """Octets of the descriptor; VP8 data follows."""
    starts_partition: bool
    partition: int
    non_reference: bool
    """Whether the frame can be dropped without harm to others."""
    picture_id: int | None
    picture_id_bits: int
    """7 or 15; 0 without picture id. The 15-bit form has its top bit set on the wire."""
    picture_id_offset: int
    tl0picidx: int | None
    tl0picidx_offset: int
    temporal_id: int | None
    layer_sync: bool
    """Whether the frame depends on the base temporal layer only: a place to switch up."""
    key_index: int | None

    @property
    def starts_frame(self) -> bool:
        """Whether this packet is the first of its frame."""
        return self.starts_partition and self.partition == 0


def parse_descriptor(payload: bytes) -> Descriptor | None:
    """Read the payload descriptor; None when it is cut off."""
    if not payload:
        return None
    first = payload[0]
    flags = 0
    position = 1
    picture_id = tl0picidx = temporal_id = key_index = None
    picture_id_bits = picture_id_offset = tl0picidx_offset = 0
    layer_sync = False
    try:
        if first & _EXTENDED:
            flags = payload[1]
            position = 2
        if flags & _HAS_PICTURE_ID:
            picture_id_offset = position
            picture_id, picture_id_bits = payload[position], 7
            position += 1
            if picture_id & 0x80:
                picture_id, picture_id_bits = (picture_id & 0x7F) << 8 | payload[position], 15
                position += 1
        if flags & _HAS_TL0PICIDX:
            tl0picidx_offset = position
            tl0picidx = payload[position]
            position += 1
        if flags & (_HAS_TID | _HAS_KEYIDX):
            octet = payload[position]
            position += 1
            if flags & _HAS_TID:
                temporal_id = octet >> 6
                layer_sync = octet & 0x20 != 0
            if flags & _HAS_KEYIDX:
                key_index = octet & 0x1F
    except IndexError:
        return None
    return Descriptor(
        size=position,
        starts_partition=first & _PARTITION_START != 0,
        partition=first & _PARTITION_MASK,
        non_reference=first & _NON_REFERENCE != 0,
        picture_id=picture_id,
        picture_id_bits=picture_id_bits,
        picture_id_offset=picture_id_offset,
        tl0picidx=tl0picidx,
        tl0picidx_offset=tl0picidx_offset,
        temporal_id=temporal_id,
        layer_sync=layer_sync,
        key_index=key_index,
    )


def is_keyframe(payload: bytes) -> bool:
    """Whether a keyframe starts in this packet."""
    return _keyframe_header(payload) is not None


def resolution(payload: bytes) -> tuple[int, int] | None:
    """Width and height in pixels where a keyframe starts in this packet."""
    start = _keyframe_header(payload)
    if start is None or payload[start + 3 : start + 6] != _START_CODE or len(payload) < start + 10:
        return None
    # RFC 6386 section 9.1: 14 bits of size, 2 bits of upscaling hint, little endian.
    width = int.from_bytes(payload[start + 6 : start + 8], "little") & 0x3FFF
    height = int.from_bytes(payload[start + 8 : start + 10], "little") & 0x3FFF
    return (width, height) if width and height else None


def _keyframe_header(payload: bytes) -> int | None:
    """Offset of the frame header if a keyframe starts here; most packets leave at the first test."""
    if not payload or payload[0] & _START_AND_PARTITION != _PARTITION_START:
        return None
    if payload[0] & _EXTENDED:
        descriptor = parse_descriptor(payload)
        if descriptor is None:
            return None
        start = descriptor.size
    else:
        start = 1
    # RFC 6386 section 9.1: the lowest bit of a frame is 0 for a keyframe.
    return start if start < len(payload) and not payload[start] & 1 else None
