"""Frames to payloads and back."""

from __future__ import annotations

import pytest
from aiortc.codecs import h264_depayload, vp8_depayload
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.packetize import packetize_h264, packetize_vp8, split_annex_b

SPS, PPS, SEI = b"\x67\x42\xc0\x1f\xda", b"\x68\xce\x3c\x80", b"\x06\x05\x01\x02\x80"
START = b"\x00\x00\x00\x01"


def annex_b(*units: bytes) -> bytes:
    return b"".join(START + unit for unit in units)


# No two zero bytes in a row: an encoder escapes them (emulation prevention), and none at the end.
units = st.builds(
    lambda kind, size: bytes((0x60 | kind,)) + bytes(1 + index % 255 for index in range(size)),
    st.sampled_from([1, 5, 6, 7, 8]),
    st.integers(1, 4_000),
)


def test_parameter_sets_travel_with_each_other_and_slices_alone() -> None:
    idr = b"\x65" + b"\x11" * 500
    payloads = packetize_h264(annex_b(SPS, PPS, SEI, idr))
    assert [payload[0] & 0x1F for payload in payloads] == [24, 5]
    assert h264_depayload(payloads[0]) == annex_b(SPS, PPS, SEI)


def test_a_large_slice_becomes_fragments_of_one_size() -> None:
    idr = b"\x65" + b"\x11" * 5_000
    payloads = packetize_h264(annex_b(idr), 1_200)
    assert {len(payload) for payload in payloads[:-1]} == {1_200}
    assert [payload[1] & 0xC0 for payload in payloads] == [0x80, 0, 0, 0, 0x40]
    assert {payload[0] & 0x1F for payload in payloads} == {28}


@given(st.lists(units, min_size=1, max_size=8), st.integers(100, 1_400))
def test_h264_comes_back_as_it_was(sent: list[bytes], limit: int) -> None:
    payloads = packetize_h264(annex_b(*sent), limit)
    assert max(map(len, payloads)) <= limit
    assert b"".join(map(h264_depayload, payloads)) == annex_b(*sent)


@pytest.mark.parametrize("stream", [b"", b"\x00\x00\x01", b"no start code", b"\x00\x00\x01\x00\x00\x01"])
def test_a_stream_without_units_gives_nothing(stream: bytes) -> None:
    assert list(split_annex_b(stream)) == []
    assert packetize_h264(stream) == []


@given(st.binary(min_size=1, max_size=5_000), st.integers(0, 2**16), st.integers(100, 1_400))
def test_vp8_comes_back_as_it_was(frame: bytes, picture_id: int, limit: int) -> None:
    payloads = packetize_vp8(frame, picture_id, limit)
    assert max(map(len, payloads)) <= limit
    assert [payload[0] & 0x10 for payload in payloads] == [0x10] + [0] * (len(payloads) - 1)
    assert {int.from_bytes(payload[2:4], "big") & 0x7FFF for payload in payloads} == {picture_id & 0x7FFF}
    assert b"".join(map(vp8_depayload, payloads)) == frame
