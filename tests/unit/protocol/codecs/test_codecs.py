"""Detection against what real encoders say, and garbage for every codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unacceptable
from gateway.protocol.codecs import av1, h264, keyframe_detector, opus, resolution, vp8, vp9

VIDEO = ["H264", "VP8", "VP9", "AV1"]


@pytest.mark.parametrize("codec", VIDEO)
def test_keyframes_are_what_the_encoder_says(codec: str, encoded: Callable[[str], list[Any]]) -> None:
    starts_keyframe = keyframe_detector(codec)
    frames = encoded(codec)
    assert [frame.is_keyframe for frame in frames].count(True) == 2
    assert any(len(frame.payloads) > 1 for frame in frames)
    for frame in frames:
        found = [starts_keyframe(payload) for payload in frame.payloads]
        assert found[0] == frame.is_keyframe
        if codec != "H264":  # there the parameter sets and the picture may announce it one after another
            assert not any(found[1:])
        elif not frame.is_keyframe:
            assert not any(found)


@pytest.mark.parametrize("codec", VIDEO)
def test_resolution_is_told_by_each_keyframe_only(codec: str, encoded: Callable[[str], list[Any]]) -> None:
    for frame in encoded(codec):
        told = [resolution(codec, payload) for payload in frame.payloads]
        assert told[0] == ((322, 182) if frame.is_keyframe else None)
        assert set(told[1:]) <= {None}


@pytest.mark.parametrize("codec", [*VIDEO, "opus"])
@given(payload=st.binary(max_size=80))
def test_garbage_is_no_error(codec: str, payload: bytes) -> None:
    assert keyframe_detector(codec)(payload) in (True, False)
    size = resolution(codec, payload)
    assert size is None or min(size) > 0


@pytest.mark.parametrize("codec", VIDEO)
def test_every_truncation_and_flipped_bit_is_no_error(
    codec: str, encoded: Callable[[str], list[Any]]
) -> None:
    payload = encoded(codec)[0].payloads[0]
    for size in range(min(60, len(payload))):
        keyframe_detector(codec)(payload[:size])
        resolution(codec, payload[:size])
    for bit in range(8 * min(60, len(payload))):
        flipped = bytearray(payload)
        flipped[bit // 8] ^= 1 << bit % 8
        keyframe_detector(codec)(bytes(flipped))
        resolution(codec, bytes(flipped))


def test_detectors_are_the_codecs_own() -> None:
    assert keyframe_detector("H264") is h264.is_keyframe
    assert keyframe_detector("VP8") is vp8.is_keyframe
    assert keyframe_detector("VP9") is vp9.is_keyframe
    assert keyframe_detector("AV1") is av1.is_keyframe
    assert keyframe_detector("opus") is opus.is_keyframe


def test_every_negotiable_codec_has_a_detector() -> None:
    from gateway.protocol.sdp.policy import CODECS

    for name in CODECS:
        assert keyframe_detector(name)


@pytest.mark.parametrize("name", ["H265", "h264", ""])
def test_unknown_codec(name: str) -> None:
    with pytest.raises(Unacceptable):
        keyframe_detector(name)
    with pytest.raises(Unacceptable):
        resolution(name, b"")


def test_sound_starts_anywhere_and_has_no_size() -> None:
    assert keyframe_detector("opus")(b"\xfc\xff\xfe")
    assert resolution("opus", b"\xfc\xff\xfe") is None
