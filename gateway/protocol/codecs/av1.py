"""AV1 in RTP (AV1 RTP specification 1.0): the aggregation header and the start of keyframes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.protocol.codecs.bits import BitReader, EndOfBits

_CONTINUES: Final = 0x80  # Z: the first element continues one of the packet before
_NEW_SEQUENCE: Final = 0x08  # N
_SEQUENCE_HEADER: Final = 1
_HAS_EXTENSION: Final = 0x04
_HAS_SIZE: Final = 0x02

_LONGEST_SEQUENCE_HEADER: Final = 256
"""Octets of a sequence header that are looked at; real ones have 10 to 20."""


def is_keyframe(payload: bytes) -> bool:
    """Whether a coded video sequence starts in this packet, by the N bit or a sequence header."""
    if len(payload) < 2 or payload[0] & _CONTINUES:
        return False
    return payload[0] & _NEW_SEQUENCE != 0 or any(_is_sequence_header(unit) for unit in _elements(payload))


def resolution(payload: bytes) -> tuple[int, int] | None:
    """The largest width and height in pixels of the sequence, where its header is in this packet."""
    for unit in _elements(payload):
        if _is_sequence_header(unit):
            try:
                return _read_sequence_header(BitReader(_body(unit)[:_LONGEST_SEQUENCE_HEADER]))
            except EndOfBits:
                return None
    return None


def _elements(payload: bytes) -> Iterator[bytes]:
    """The OBUs that start in this packet (section 4.4), up to the first that is cut off."""
    if not payload:
        return
    count = payload[0] >> 4 & 3
    position, end = 1, len(payload)
    index = 0
    while position < end:
        index += 1
        if index == count:
            size = end - position  # the last of a counted list has no length
        else:
            size, position = _leb128(payload, position)
            if size > end - position:
                return
        if size and (index > 1 or not payload[0] & _CONTINUES):
            yield payload[position : position + size]
        position += size


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits an octet and the offset behind it; far too large when cut off."""
    value = 0
    for shift in range(0, 56, 7):
        if position >= len(data):
            break
        octet = data[position]
        position += 1
        value |= (octet & 0x7F) << shift
        if octet < 0x80:
            return value, position
    return 1 << 62, position


def _is_sequence_header(unit: bytes) -> bool:
    return unit[0] >> 3 & 15 == _SEQUENCE_HEADER


def _body(unit: bytes) -> bytes:
    """An OBU without its header (AV1 section 5.3)."""
    position = 2 if unit[0] & _HAS_EXTENSION else 1
    if unit[0] & _HAS_SIZE:
        _, position = _leb128(unit, position)
    return unit[position:]


def _read_sequence_header(reader: BitReader) -> tuple[int, int]:
    """AV1 section 5.5.1, as far as the frame size."""
    reader.bits(3 + 1)  # seq_profile, still_picture
    if reader.flag():  # reduced_still_picture_header
        reader.bits(5)  # seq_level_idx
    else:
        _skip_operating_points(reader)
    width_bits, height_bits = reader.bits(4) + 1, reader.bits(4) + 1
    return reader.bits(width_bits) + 1, reader.bits(height_bits) + 1


def _skip_operating_points(reader: BitReader) -> None:
    decoder_model = False
    delay_bits = 0
    if reader.flag():  # timing_info_present_flag
        reader.bits(32 + 32)  # num_units_in_display_tick, time_scale
        if reader.flag():  # equal_picture_interval
            reader.unsigned_golomb()  # num_ticks_per_picture_minus_1
        decoder_model = reader.flag()
        if decoder_model:
            delay_bits = reader.bits(5) + 1
            reader.bits(32 + 5 + 5)  # num_units_in_decoding_tick and two lengths
    initial_delay = reader.flag()
    for _ in range(reader.bits(5) + 1):
        reader.bits(12)  # operating_point_idc
        if reader.bits(5) > 7:  # seq_level_idx
            reader.flag()  # seq_tier
        if decoder_model and reader.flag():
            reader.bits(2 * delay_bits + 1)  # two delays, low_delay_mode_flag
        if initial_delay and reader.flag():
            reader.bits(4)  # initial_display_delay_minus_1
