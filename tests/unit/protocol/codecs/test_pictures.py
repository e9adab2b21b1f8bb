"""Picture numbers read and shifted, in VP8, VP9 and the dependency descriptor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.codecs import vp8, vp9
from gateway.protocol.codecs.pictures import Picture, picture_numbering
from gateway.protocol.rtp import RtpPacket, encode_extensions, parse_rtp, write_rtp
from tests.unit.protocol.test_dependency_descriptor import keyframe


def rtp(payload: bytes, tags: dict[int, bytes] | None = None) -> RtpPacket:
    return parse_rtp(
        write_rtp(
            payload_type=96,
            marker=False,
            sequence_number=1,
            timestamp=1,
            ssrc=1,
            payload=payload,
            extensions=encode_extensions(tags or {}),
        )
    )


LONG_VP8 = b"\x90\xe0\x92\x34\x56\x60frame"
SHORT_VP8 = b"\x90\xe0\x34\x56\x80frame"
VP9_TWO_LAYERS = b"\xa8\x92\x34\x30\x07frame"


@pytest.mark.parametrize(
    ("codec", "payload", "expected"),
    [
        ("VP8", LONG_VP8, Picture(0x1234, 15, 0x56, 1, 0b10)),
        ("VP8", SHORT_VP8, Picture(0x34, 7, 0x56, 2, 0)),
        ("VP8", b"\x10frame", None),
        ("VP8", b"", None),
        ("VP9", VP9_TWO_LAYERS, Picture(0x1234, 15, 7, 1, 0b11111100)),
        ("VP9", b"\x28\x30\x07frame", None),
    ],
)
def test_what_a_packet_says(codec: str, payload: bytes, expected: Picture | None) -> None:
    numbering = picture_numbering(codec, 0, rtp(payload))
    assert numbering is not None
    assert numbering.read(rtp(payload)) == expected


@given(
    payload=st.sampled_from([("VP8", LONG_VP8), ("VP8", SHORT_VP8), ("VP9", VP9_TWO_LAYERS)]),
    pictures=st.integers(-100_000, 100_000),
    tl0=st.integers(-1_000, 1_000),
)
def test_numbers_move_on_their_circles_and_the_rest_stays(
    payload: tuple[str, bytes], pictures: int, tl0: int
) -> None:
    codec, data = payload
    numbering = picture_numbering(codec, 0, rtp(data))
    assert numbering is not None
    before = numbering.read(rtp(data))
    shifted, _ = numbering.shift(data, {}, pictures, tl0)
    after = numbering.read(rtp(shifted))
    assert before is not None
    assert after is not None
    assert after.number == (before.number + pictures) % (1 << before.bits)
    assert before.tl0 is not None
    assert after.tl0 == (before.tl0 + tl0) % 256
    assert (after.bits, after.temporal, after.enters) == (before.bits, before.temporal, before.enters)
    back, _ = numbering.shift(shifted, {}, -pictures, -tl0)
    assert back == data
    assert len(shifted) == len(data)


def test_payloads_that_bear_no_numbers_stay_as_they_are() -> None:
    for codec, data in (("VP8", b"\x10frame"), ("VP8", b"\x90"), ("VP9", b"\x08frame"), ("VP9", b"")):
        numbering = picture_numbering(codec, 0, rtp(data))
        assert numbering is not None
        assert numbering.shift(data, {}, 5, 5) == (data, {})
    assert vp8.parse_descriptor(b"\x90") is None
    assert vp9.parse_descriptor(b"") is None


def test_the_descriptor_extension_numbers_any_other_codec() -> None:
    assert picture_numbering("H264", 0, rtp(b"frame")) is None
    assert picture_numbering("H264", 9, rtp(b"frame")) is None
    numbering = picture_numbering("AV1", 9, rtp(b"frame", {9: keyframe(1)}))
    assert numbering is not None
    first = numbering.read(rtp(b"frame", {9: keyframe(65_535)}))
    assert first == Picture(65_535, 16, None, 0, 0b110)
    higher = numbering.read(rtp(b"frame", {9: bytes((0x80 | 62, 0, 1))}))
    assert higher == Picture(1, 16, None, 1, 0b100), "the structure is remembered"
    assert numbering.read(rtp(b"frame")) is None
    payload, tags = numbering.shift(b"frame", {9: keyframe(65_535), 1: b"x"}, 3, 0)
    moved = numbering.read(rtp(payload, dict(tags)))
    assert moved is not None
    assert (moved.number, tags[1]) == (2, b"x")
    assert numbering.shift(b"frame", {1: b"x"}, 3, 0) == (b"frame", {1: b"x"})


def test_where_both_bear_numbers_those_in_the_payload_count() -> None:
    tags = {9: keyframe(1)}
    both, minimal = (
        picture_numbering("VP8", 9, rtp(LONG_VP8, tags)),
        picture_numbering("VP8", 9, rtp(b"\x10frame", tags)),
    )
    assert both is not None
    assert minimal is not None
    assert (both.described, minimal.described) == (False, True)


@pytest.mark.parametrize(
    ("before", "after", "follows"),
    [
        ((10, 15, 5), (11, 15, 6), True),
        ((10, 15, 5), (11, 15, 5), False),
        ((10, 15, 5), (10, 15, 6), False),
        ((32_767, 15, 255), (0, 15, 0), True),
        ((0, 15, 0), (16_383, 15, 127), True),
        ((0, 15, 0), (16_384, 15, 1), False),
        ((0, 15, 0), (1, 15, 128), False),
        ((0, 15, None), (1, 15, 0), True),
        ((65_535, 16, None), (0, 16, None), True),
    ],
)
def test_what_follows(
    before: tuple[int, int, int | None], after: tuple[int, int, int | None], follows: bool
) -> None:
    assert Picture(*after, 0, 0).follows(Picture(*before, 0, 0)) is follows
