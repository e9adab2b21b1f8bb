"""VP8's payload descriptor, against aiortc's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiortc.codecs.vpx import Vp8Encoder, VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.codecs import vp8


@given(
    start=st.integers(0, 1),
    partition=st.integers(0, 7),
    picture_id=st.none() | st.integers(0, 32767),
    tl0picidx=st.none() | st.integers(0, 255),
    tid=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    keyidx=st.none() | st.integers(0, 31),
)
def test_descriptor_equals_aiortc(
    start: int,
    partition: int,
    picture_id: int | None,
    tl0picidx: int | None,
    tid: tuple[int, int] | None,
    keyidx: int | None,
) -> None:
    wire = bytes(VpxPayloadDescriptor(start, partition, picture_id, tl0picidx, tid, keyidx))
    descriptor = vp8.parse_descriptor(wire + b"data")
    assert descriptor is not None
    assert descriptor.size == len(wire)
    assert (descriptor.starts_partition, descriptor.partition) == (start == 1, partition)
    assert descriptor.starts_frame == (start == 1 and partition == 0)
    assert descriptor.picture_id == picture_id
    assert descriptor.tl0picidx == tl0picidx
    assert (descriptor.temporal_id, descriptor.layer_sync) == (
        (tid[0], tid[1] == 1) if tid else (None, False)
    )
    assert descriptor.key_index == keyidx
    if picture_id is None:
        assert (descriptor.picture_id_bits, descriptor.picture_id_offset) == (0, 0)
    else:
        at = descriptor.picture_id_offset
        assert descriptor.picture_id_bits == 15
        assert int.from_bytes(wire[at : at + 2], "big") == 0x8000 | picture_id
    if tl0picidx is not None:
        assert wire[descriptor.tl0picidx_offset] == tl0picidx
    for size in range(len(wire)):
        assert vp8.parse_descriptor(wire[:size]) is None


def test_short_picture_id() -> None:
    descriptor = vp8.parse_descriptor(b"\xb0\xc0\x11\x22data")
    assert descriptor is not None
    assert (descriptor.picture_id, descriptor.picture_id_bits, descriptor.picture_id_offset) == (0x11, 7, 2)
    assert (descriptor.tl0picidx, descriptor.tl0picidx_offset) == (0x22, 3)
    assert descriptor.non_reference
    assert descriptor.size == 4


def test_aiortc_packets(encoded: Callable[[str], list[Any]]) -> None:
    for number, frame in enumerate(encoded("VP8")):
        payloads = Vp8Encoder._packetize(frame.data, number)
        assert [vp8.is_keyframe(payload) for payload in payloads] == [
            frame.is_keyframe and index == 0 for index in range(len(payloads))
        ]
        assert vp8.resolution(payloads[0]) == ((322, 182) if frame.is_keyframe else None)


def keyframe(descriptor: bytes, size: bytes = b"\x42\x41\xb6\x80") -> bytes:
    return descriptor + b"\x10\x02\x00\x9d\x01\x2a" + size + b"data"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (keyframe(b"\x10"), True),
        (keyframe(b"\x90\x80\x05"), True),
        (keyframe(b"\x90\x80\x85\x05"), True),
        (keyframe(b"\x00"), False),  # not at the start of a partition
        (keyframe(b"\x11"), False),  # second partition
        (b"\x10\x11\x02\x00", False),  # predicted frame
        (b"\x10", False),
        (b"\x90\x80", False),
        (b"\x90\x80\x05", False),
        (b"", False),
    ],
)
def test_keyframe_starts(payload: bytes, expected: bool) -> None:
    assert vp8.is_keyframe(payload) is expected
    assert vp8.resolution(payload) == ((322, 182) if expected else None)


@pytest.mark.parametrize(
    "payload",
    [
        keyframe(b"\x10")[:9],
        b"\x10\x10\x02\x00abc\x42\x01\xb6\x00",  # no start code
        keyframe(b"\x10", b"\x00\xc0\xb6\x00"),  # no width
    ],
)
def test_keyframe_without_a_readable_size(payload: bytes) -> None:
    assert vp8.is_keyframe(payload)
    assert vp8.resolution(payload) is None
