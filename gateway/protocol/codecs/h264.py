"""H.264 in RTP (RFC 6184): where a decodable picture starts, and how large it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.protocol.codecs.bits import BitReader, EndOfBits

_IDR: Final = 5
_SPS: Final = 7
_STAP_A: Final = 24
_FU_A: Final = 28
_TYPE_MASK: Final = 0x1F
_FU_START: Final = 0x80

_LONGEST_SPS: Final = 512
"""Octets of a parameter set that are looked at; real ones have 20 to 100."""

_PROFILES_WITH_CHROMA: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What a sequence parameter set says; `width` and `height` are in pixels after cropping."""

    profile_idc: int
    constraints: int
    """The constraint_set flags: profile-iop of `profile-level-id`."""
    level_idc: int
    width: int
    height: int


def is_keyframe(payload: bytes) -> bool:
    """Whether a parameter set or the first slice of an IDR picture starts in this packet.

    A picture may be announced more than once: by its parameter set, then by its first slice, both
    with one RTP timestamp.
    """
    if len(payload) < 2:
        return False
    kind = payload[0] & _TYPE_MASK
    if kind == _FU_A:
        header = payload[1]
        return header >= _FU_START and _starts_picture(header & _TYPE_MASK, payload, 2)
    if kind == _STAP_A:
        return any(_starts_picture(unit[0] & _TYPE_MASK, unit, 1) for unit in _aggregated(payload))
    return _starts_picture(kind, payload, 1)


def _starts_picture(kind: int, data: bytes, body: int) -> bool:
    if kind == _SPS:
        return True
    # A slice starts with ue(first_mb_in_slice): a leading 1 is macroblock 0.
    return kind == _IDR and len(data) > body and data[body] >= 0x80


def _aggregated(payload: bytes) -> Iterator[bytes]:
    """The NAL units of a STAP-A (RFC 6184 section 5.7.1), up to the first that is cut off."""
    position, end = 1, len(payload)
    while position + 2 < end:
        size = payload[position] << 8 | payload[position + 1]
        position += 2
        if not 0 < size <= end - position:
            return
        yield payload[position : position + size]
        position += size


def resolution(payload: bytes) -> tuple[int, int] | None:
    """Width and height in pixels where the packet holds a whole sequence parameter set."""
    parameters = sequence_parameters(payload)
    return (parameters.width, parameters.height) if parameters else None


def sequence_parameters(payload: bytes) -> SequenceParameters | None:
    """The sequence parameter set in this packet, None without one or with one that makes no sense."""
    if not payload:
        return None
    kind = payload[0] & _TYPE_MASK
    if kind == _STAP_A:
        units = [unit for unit in _aggregated(payload) if unit[0] & _TYPE_MASK == _SPS]
        return _parse_sps(units[0]) if units else None
    return _parse_sps(payload) if kind == _SPS else None


def _parse_sps(unit: bytes) -> SequenceParameters | None:
    # Clause 7.4.1: 00 00 03 stands for 00 00.
    reader = BitReader(unit[1:_LONGEST_SPS].replace(b"\x00\x00\x03", b"\x00\x00"))
    try:
        return _read_sps(reader)
    except EndOfBits:
        return None


def _read_sps(reader: BitReader) -> SequenceParameters | None:
    """Clause 7.3.2.1.1, as far as the cropping rectangle."""
    profile_idc, constraints, level_idc = reader.bits(8), reader.bits(8), reader.bits(8)
    reader.unsigned_golomb()  # seq_parameter_set_id
    chroma_format = _read_chroma(reader) if profile_idc in _PROFILES_WITH_CHROMA else 1
    reader.unsigned_golomb()  # log2_max_frame_num_minus4
    _skip_picture_order(reader)
    reader.unsigned_golomb()  # max_num_ref_frames
    reader.flag()  # gaps_in_frame_num_value_allowed_flag
    width = 16 * (reader.unsigned_golomb() + 1)
    height_units = 16 * (reader.unsigned_golomb() + 1)
    frames_only = reader.flag()
    if not frames_only:
        reader.flag()  # mb_adaptive_frame_field_flag
    reader.flag()  # direct_8x8_inference_flag
    fields = 1 if frames_only else 2
    height = height_units * fields
    if reader.flag():
        left, right, top, bottom = (reader.unsigned_golomb() for _ in range(4))
        # Clause 7.4.2.1.1: cropping counts chroma samples; 1 is 4:2:0, 2 is 4:2:2.
        width -= (left + right) * (2 if chroma_format in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma_format == 1 else 1) * fields
    if not (0 < width <= 16384 and 0 < height <= 16384):
        return None
    return SequenceParameters(profile_idc, constraints, level_idc, width, height)


def _read_chroma(reader: BitReader) -> int:
    """ChromaArrayType, reading on to behind the scaling lists."""
    chroma_format = reader.unsigned_golomb()
    separate = chroma_format == 3 and reader.flag()
    reader.unsigned_golomb()  # bit_depth_luma_minus8
    reader.unsigned_golomb()  # bit_depth_chroma_minus8
    reader.flag()  # qpprime_y_zero_transform_bypass_flag
    if reader.flag():
        for index in range(12 if chroma_format == 3 else 8):
            if reader.flag():
                _skip_scaling_list(reader, 16 if index < 6 else 64)
    return 0 if separate else chroma_format


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    """Clause 7.3.2.1.1.1: a delta of -last ends the list early."""
    last = 8
    for _ in range(size):
        last = (last + reader.signed_golomb()) % 256
        if last == 0:
            return


def _skip_picture_order(reader: BitReader) -> None:
    kind = reader.unsigned_golomb()
    if kind == 0:
        reader.unsigned_golomb()  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        reader.flag()  # delta_pic_order_always_zero_flag
        reader.signed_golomb()  # offset_for_non_ref_pic
        reader.signed_golomb()  # offset_for_top_to_bottom_field
        for _ in range(reader.unsigned_golomb()):
            reader.signed_golomb()  # offset_for_ref_frame
