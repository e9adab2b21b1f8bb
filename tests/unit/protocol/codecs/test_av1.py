"""AV1's aggregation header and sequence headers of every shape."""

from __future__ import annotations

import pytest

from gateway.protocol.codecs import av1

FRAME = b"\x30\x14\x00"
DELIMITER = b"\x10"


def obu(text: str, header: bytes = b"\x08") -> bytes:
    """A sequence header of these bits."""
    text = text.replace(" ", "")
    text += "0" * (-len(text) % 8)
    return header + int(text, 2).to_bytes(len(text) // 8, "big")


SIZE = "1001 1000" + format(639, "010b") + format(359, "09b")
PLAIN = obu("000 0 0 0 0 00000 000000000000 00100" + SIZE)


def element(unit: bytes) -> bytes:
    return bytes((len(unit),)) + unit


@pytest.mark.parametrize(
    ("payload", "keyframe", "size"),
    [
        (b"\x18" + PLAIN, True, (640, 360)),  # one element, N
        (b"\x10" + PLAIN, True, (640, 360)),  # one element, N forgotten
        (b"\x28" + element(PLAIN) + FRAME, True, (640, 360)),
        (b"\x30" + element(DELIMITER) + element(PLAIN) + FRAME, True, (640, 360)),
        (b"\x08" + element(PLAIN) + element(FRAME), True, (640, 360)),
        (b"\x08" + element(b"") + element(PLAIN), True, (640, 360)),
        (b"\x18" + FRAME, True, None),
        (b"\x10" + FRAME, False, None),
        (b"\x00" + element(FRAME), False, None),
        (b"\x90" + PLAIN, False, None),  # its first element is a rest
        (b"\x88" + element(PLAIN) + element(FRAME), False, None),
        (b"\x00\x20" + PLAIN, False, None),  # shorter than it says
        (b"\x00\x80", False, None),
        (b"\x00" + b"\xff" * 12, False, None),
        (b"\x08", False, None),
        (b"", False, None),
    ],
)
def test_keyframe_and_size(payload: bytes, keyframe: bool, size: tuple[int, int] | None) -> None:
    assert av1.is_keyframe(payload) is keyframe
    assert av1.resolution(payload) == size


def test_long_lengths_take_several_octets() -> None:
    padding = b"\x78" + bytes(199)
    assert av1.resolution(b"\x00" + b"\xc8\x01" + padding + element(PLAIN)) == (640, 360)


@pytest.mark.parametrize(
    "unit",
    [
        obu("000 1 1 00100" + SIZE),  # still picture
        # timing without a decoder model, equal intervals
        obu("000 0 0 1" + "0" * 64 + "1 010 0 0 00000 000000000000 00100" + SIZE),
        # timing and decoder model (delays of 10 bits), two operating points, one with a tier
        obu(
            "000 0 0 1" + "0" * 64 + "0 1 01001" + "0" * 32 + "00000 00000 1 00001"
            "000000000001 01000 1 1" + "0" * 21 + "1 0111"
            "000000000011 00111 0 0" + SIZE
        ),
        PLAIN[:1].replace(b"\x08", b"\x0c") + b"\x00" + PLAIN[1:],  # with an extension
        b"\x0a" + bytes((len(PLAIN) - 1,)) + PLAIN[1:],  # with its size
    ],
)
def test_sequence_headers(unit: bytes) -> None:
    assert av1.resolution(b"\x18" + unit) == (640, 360)
    for size in range(1, 6):
        assert av1.resolution(b"\x18" + unit[:size]) is None
