"""What the benchmarks send is what the gateway takes it for, and tells where it belongs and when it left."""

from __future__ import annotations

import time

import pytest

from gateway.client.packetize import packetize_vp8
from gateway.protocol.codecs import keyframe_detector, resolution
from loadtest.bench.media import FPS, SIMULCAST, SOUND, Encoding, _stamped, one_stream, read_stamp


@pytest.mark.parametrize("encoding", [*SIMULCAST, *one_stream(2_000_000)])
def test_a_stamped_keyframe_still_tells_its_size(encoding: Encoding) -> None:
    frame = encoding.key_header.ljust(encoding.bytes_a_frame, b"\0")
    assert len(frame) * 8 * FPS == encoding.bitrate
    first, *others = [_stamped(payload, 3) for payload in packetize_vp8(frame, 1)]
    assert resolution("VP8", first) == (encoding.width, encoding.height)
    is_keyframe = keyframe_detector("VP8")
    assert is_keyframe(first)
    assert not any(is_keyframe(payload) for payload in others)


@pytest.mark.parametrize("place", [SOUND, 3])
def test_a_stamp_replaces_the_end_of_a_payload(place: int) -> None:
    before = time.time()
    payload = _stamped(bytes(160), place)
    told, at = read_stamp(payload)
    assert (len(payload), told) == (160, place)
    assert before <= at <= time.time()
