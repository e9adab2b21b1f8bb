"""VP9 in RTP (RFC 9628): the payload descriptor and the start of keyframes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.protocol.codecs.bits import BitReader, EndOfBits

_HAS_PICTURE_ID: Final = 0x80
_INTER_PREDICTED: Final = 0x40
_HAS_LAYERS: Final = 0x20
_FLEXIBLE: Final = 0x10
_FRAME_START: Final = 0x08
_FRAME_END: Final = 0x04
_HAS_STRUCTURE: Final = 0x02
_MAX_REFERENCES: Final = 3
_SRGB: Final = 7
_SYNC_CODE: Final = 0x498342

_LONGEST_HEADER: Final = 16
"""Octets of a frame's header that reach to behind the frame size."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The VP9 payload descriptor (RFC 9628 section 4.2).

    Offsets count octets from the start of the RTP payload; they are 0 where the field is absent.
    """

    size: int
    """Octets of the descriptor; VP9 data follows."""
    starts_frame: bool
    """Whether a layer frame starts in this packet."""
    ends_frame: bool
    inter_predicted: bool
    """Whether the layer frame needs an earlier picture."""
    flexible: bool
    picture_id: int | None
    picture_id_bits: int
    picture_id_offset: int
    temporal_id: int | None
    spatial_id: int | None
    switching_up: bool
    """Whether later frames of higher temporal layers need nothing from before this one."""
    inter_layer_predicted: bool
    tl0picidx: int | None
    tl0picidx_offset: int
    sizes: tuple[tuple[int, int], ...]
    """Width and height of each spatial layer where the scalability structure tells them."""


def parse_descriptor(payload: bytes) -> Descriptor | None:
    """Read the payload descriptor; None when it is cut off or breaks its own rules."""
    try:
        return _read_descriptor(payload)
    except IndexError:
        return None


def _read_descriptor(payload: bytes) -> Descriptor | None:
    flags = payload[0]
    position = 1
    picture_id = tl0picidx = temporal_id = spatial_id = None
    picture_id_bits = picture_id_offset = tl0picidx_offset = 0
    switching_up = inter_layer = False
    if flags & _HAS_PICTURE_ID:
        picture_id_offset = position
        picture_id, picture_id_bits = payload[position], 7
        position += 1
        if picture_id & 0x80:
            picture_id, picture_id_bits = (picture_id & 0x7F) << 8 | payload[position], 15
            position += 1
    if flags & _HAS_LAYERS:
        octet = payload[position]
        position += 1
        temporal_id, spatial_id = octet >> 5, octet >> 1 & 7
        switching_up, inter_layer = octet & 0x10 != 0, octet & 1 != 0
        if not flags & _FLEXIBLE:
            tl0picidx_offset = position
            tl0picidx = payload[position]
            position += 1
    if flags & _FLEXIBLE and flags & _INTER_PREDICTED:
        references = 1
        while payload[position] & 1:  # another P_DIFF follows
            position += 1
            references += 1
            if references > _MAX_REFERENCES:
                return None
        position += 1
    sizes: tuple[tuple[int, int], ...] = ()
    if flags & _HAS_STRUCTURE:
        sizes, position = _read_structure(payload, position)
    return Descriptor(
        size=position,
        starts_frame=flags & _FRAME_START != 0,
        ends_frame=flags & _FRAME_END != 0,
        inter_predicted=flags & _INTER_PREDICTED != 0,
        flexible=flags & _FLEXIBLE != 0,
        picture_id=picture_id,
        picture_id_bits=picture_id_bits,
        picture_id_offset=picture_id_offset,
        temporal_id=temporal_id,
        spatial_id=spatial_id,
        switching_up=switching_up,
        inter_layer_predicted=inter_layer,
        tl0picidx=tl0picidx,
        tl0picidx_offset=tl0picidx_offset,
        sizes=sizes,
    )


def _read_structure(payload: bytes, position: int) -> tuple[tuple[tuple[int, int], ...], int]:
    """The scalability structure (section 4.2.1): layer sizes, and the offset behind it."""
    octet = payload[position]
    position += 1
    sizes = []
    if octet & 0x10:
        for _ in range((octet >> 5) + 1):
            width = payload[position] << 8 | payload[position + 1]
            height = payload[position + 2] << 8 | payload[position + 3]
            sizes.append((width, height))
            position += 4
    if octet & 0x08:
        pictures = payload[position]
        position += 1
        for _ in range(pictures):
            position += 1 + (payload[position] >> 2 & 3)
    if position > len(payload):
        raise IndexError
    return tuple(sizes), position


def is_keyframe(payload: bytes) -> bool:
    """Whether a keyframe starts in this packet: its lowest spatial layer, in either mode."""
    return _keyframe(payload) is not None


def resolution(payload: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of the highest spatial layer, where a keyframe starts here."""
    found = _keyframe(payload)
    if found is None:
        return None
    descriptor, reader = found
    if descriptor.sizes:
        width, height = max(descriptor.sizes)
        return (width, height) if width and height else None
    try:
        return _read_frame_size(reader)
    except EndOfBits:
        return None


def _keyframe(payload: bytes) -> tuple[Descriptor, BitReader] | None:
    """The descriptor and a reader behind the profile and frame type, if a keyframe starts here."""
    # Most packets leave here: inside a frame, or of a predicted one.
    if not payload or payload[0] & (_FRAME_START | _INTER_PREDICTED) != _FRAME_START:
        return None
    descriptor = parse_descriptor(payload)
    if descriptor is None or descriptor.spatial_id:
        return None
    reader = BitReader(payload[descriptor.size : descriptor.size + _LONGEST_HEADER])
    try:
        is_key = _read_frame_type(reader)
    except EndOfBits:
        return None
    return (descriptor, reader) if is_key else None


def _read_frame_type(reader: BitReader) -> bool:
    """Whether the frame is a keyframe: one without references may also be an intra-only one.

    VP9 bitstream specification section 6.2; reads on to behind the colour configuration's profile
    dependent start.
    """
    if reader.bits(2) != 2:
        return False
    profile = reader.bits(1) | reader.bits(1) << 1
    if profile == 3:
        reader.flag()  # reserved_zero
    if reader.flag() or reader.bits(1):  # show_existing_frame, frame_type
        return False
    reader.bits(2)  # show_frame, error_resilient_mode
    if reader.bits(24) != _SYNC_CODE:
        return False
    if profile >= 2:
        reader.flag()  # ten_or_twelve_bit
    if reader.bits(3) != _SRGB:
        reader.flag()  # color_range
        if profile & 1:
            reader.bits(3)  # subsampling, reserved_zero
    elif profile & 1:
        reader.flag()  # reserved_zero
    return True


def _read_frame_size(reader: BitReader) -> tuple[int, int]:
    width, height = reader.bits(16) + 1, reader.bits(16) + 1
    return width, height
