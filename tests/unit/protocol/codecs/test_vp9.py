"""VP9's payload descriptor by hand, in both modes."""

from __future__ import annotations

import pytest

from gateway.protocol.codecs import vp9

KEY = bytes.fromhex("82498342001410 0b50ff")
"""Start of a keyframe of 322x182 as libvpx writes it; the size is in octets 4.5 to 8.5."""

INTER = bytes.fromhex("860040 92")


def inter_profile(profile: int, frame: str, colour: str, size: tuple[int, int] = (640, 360)) -> bytes:
    """An uncompressed header: profile bits, `frame` bits, sync code, colour bits, size."""
    text = "10" + format(profile & 1, "b") + format(profile >> 1, "b") + frame
    text += format(0x498342, "024b") + colour + format(size[0] - 1, "016b") + format(size[1] - 1, "016b")
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def test_descriptor_with_nothing() -> None:
    descriptor = vp9.parse_descriptor(b"\x0c" + KEY)
    assert descriptor is not None
    assert descriptor.size == 1
    assert descriptor.starts_frame
    assert descriptor.ends_frame
    assert not descriptor.inter_predicted
    assert (descriptor.picture_id, descriptor.temporal_id, descriptor.sizes) == (None, None, ())


def test_descriptor_with_layers_in_non_flexible_mode() -> None:
    # I L B, picture id 0x1234, TID 2, U, SID 1, D, TL0PICIDX 77
    descriptor = vp9.parse_descriptor(b"\xa8\x92\x34\x53\x4ddata")
    assert descriptor is not None
    assert (descriptor.picture_id, descriptor.picture_id_bits, descriptor.picture_id_offset) == (
        0x1234,
        15,
        1,
    )
    assert (descriptor.temporal_id, descriptor.spatial_id, descriptor.tl0picidx) == (2, 1, 77)
    assert descriptor.switching_up
    assert descriptor.inter_layer_predicted
    assert not descriptor.flexible
    assert descriptor.size == 5


def test_descriptor_in_flexible_mode() -> None:
    # I P L F E, picture id 0x11, TID 1 SID 0, references 3, 5 and 9 back
    descriptor = vp9.parse_descriptor(b"\xf4\x11\x20\x07\x0b\x12data")
    assert descriptor is not None
    assert (descriptor.picture_id, descriptor.picture_id_bits) == (0x11, 7)
    assert (descriptor.temporal_id, descriptor.spatial_id, descriptor.tl0picidx) == (1, 0, None)
    assert descriptor.flexible
    assert descriptor.inter_predicted
    assert not descriptor.starts_frame
    assert descriptor.size == 6


def test_more_than_three_references_break_the_rules() -> None:
    assert vp9.parse_descriptor(b"\x50\x03\x03\x03\x02data") is None


def test_scalability_structure() -> None:
    # 2 layers with sizes, a group of 2 pictures: one without, one with two references
    structure = b"\x38" + bytes.fromhex("0140 00b4 0280 0168") + b"\x02\x00\x28\x01\x02"
    descriptor = vp9.parse_descriptor(b"\x0a" + structure + KEY)
    assert descriptor is not None
    assert descriptor.sizes == ((320, 180), (640, 360))
    assert descriptor.size == 1 + len(structure)
    assert vp9.is_keyframe(b"\x0a" + structure + KEY)
    assert vp9.resolution(b"\x0a" + structure + KEY) == (640, 360)
    for size in range(1 + len(structure)):
        assert vp9.parse_descriptor((b"\x0a" + structure)[:size]) is None


def test_structure_with_an_empty_size_tells_nothing() -> None:
    payload = b"\x0a\x10" + bytes(4) + KEY
    assert vp9.is_keyframe(payload)
    assert vp9.resolution(payload) is None


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\x08" + KEY, True),
        (b"\x18" + KEY, True),  # flexible mode
        (b"\xb8\x81\x01\x00" + KEY, True),  # flexible mode with picture id and layers
        (b"\xa8\x05\x00\x07" + KEY, True),  # base layer
        (b"\xa8\x05\x03\x07" + KEY, False),  # a higher spatial layer of the keyframe
        (b"\x48" + KEY, False),  # P
        (b"\x04" + KEY, False),  # no B
        (b"\x08" + INTER, False),  # FFmpeg never sets P
        (b"\x08", False),
        (b"\x08\x82", False),
        (b"\x88", False),
        (b"", False),
    ],
)
def test_keyframe_starts(payload: bytes, expected: bool) -> None:
    assert vp9.is_keyframe(payload) is expected
    assert vp9.resolution(payload) == ((322, 182) if expected else None)


@pytest.mark.parametrize(
    ("profile", "colour"),
    [
        (0, "0010"),
        (1, "0010000"),
        (1, "1110"),
        (2, "00010"),
        (3, "10010000"),
        (3, "01110"),
        (0, "111"),
    ],
)
def test_size_behind_every_profiles_colour_configuration(profile: int, colour: str) -> None:
    frame = ("0" if profile == 3 else "") + "0010"
    payload = b"\x08" + inter_profile(profile, frame, colour)
    assert vp9.resolution(payload) == (640, 360)
    assert vp9.is_keyframe(payload[:8])
    assert vp9.resolution(payload[:8]) is None


@pytest.mark.parametrize("frame", ["1010", "0110"])  # shown again; not a keyframe
def test_other_frames_without_references_are_no_keyframes(frame: str) -> None:
    assert not vp9.is_keyframe(b"\x08" + inter_profile(0, frame, "0010"))


def test_wrong_sync_code_or_marker() -> None:
    assert not vp9.is_keyframe(b"\x08" + KEY.replace(b"\x49", b"\x4a"))
    assert not vp9.is_keyframe(b"\x08\x42" + KEY[1:])
