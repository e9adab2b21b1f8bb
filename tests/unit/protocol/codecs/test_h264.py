"""H.264: aiortc's packetiser, parameter sets of real profiles, and cut-off packets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiortc.codecs.h264 import H264Encoder

from gateway.protocol.codecs import h264

IDR, DELTA, SPS, PPS, SEI, AUD = (
    b"\x65\x88\x84",
    b"\x41\x9a",
    b"\x67\x42",
    b"\x68\xce",
    b"\x06\x05",
    b"\x09\xf0",
)


def stap_a(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


class BitWriter:
    def __init__(self) -> None:
        self.text = ""

    def bits(self, *fields: tuple[int, int]) -> BitWriter:
        for value, count in fields:
            self.text += format(value, f"0{count}b")
        return self

    def ue(self, *values: int) -> BitWriter:
        for value in values:
            code = format(value + 1, "b")
            self.text += "0" * (len(code) - 1) + code
        return self

    def se(self, *values: int) -> BitWriter:
        return self.ue(*(2 * value - 1 if value > 0 else -2 * value for value in values))

    def unit(self) -> bytes:
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        return b"\x67" + int(text, 2).to_bytes(len(text) // 8, "big")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (IDR, True),
        (b"\x25\x88", True),
        (SPS, True),
        (PPS, False),
        (SEI, False),
        (AUD, False),
        (DELTA, False),
        (b"\x65\x44", False),  # a later slice of an IDR picture
        (b"\x65", False),
        (b"", False),
        (stap_a(SPS, PPS), True),
        (stap_a(AUD, SPS, PPS, IDR), True),
        (stap_a(AUD, IDR), True),
        (stap_a(SEI, DELTA), False),
        (stap_a(b"\x65"), False),
        (b"\x78\x00", False),
        (b"\x78\x00\x00\x67", False),
        (b"\x78\x00\x09\x67", False),
        (b"\x7c\x85\x88", True),  # FU-A of an IDR slice, start
        (b"\x7c\x85\x44", False),  # of a later slice
        (b"\x7c\x05\x88", False),  # middle
        (b"\x7c\x45\x88", False),  # end
        (b"\x7c\x85", False),
        (b"\x7c\x87\x42", True),  # FU-A of a parameter set
        (b"\x7c\x81\x9a", False),
    ],
)
def test_keyframe_starts(payload: bytes, expected: bool) -> None:
    assert h264.is_keyframe(payload) is expected


def test_aiortc_packets(encoded: Callable[[str], list[Any]]) -> None:
    for frame in encoded("H264"):
        payloads = H264Encoder._packetize(H264Encoder._split_bitstream(frame.data))
        found = [h264.is_keyframe(payload) for payload in payloads]
        assert any(found) == frame.is_keyframe
        sizes = {h264.resolution(payload) for payload in payloads} - {None}
        assert sizes == ({(322, 182)} if frame.is_keyframe else set())


def test_parameters_tell_the_true_profile() -> None:
    # Baseline 3.0, 640x480, no cropping.
    unit = BitWriter().bits((66, 8), (0xE0, 8), (30, 8)).ue(0, 0, 0, 0, 1).bits((0, 1)).ue(39, 29)
    unit.bits((1, 1), (1, 1), (0, 1), (0, 1))
    parameters = h264.SequenceParameters(66, 0xE0, 30, 640, 480)
    assert h264.sequence_parameters(unit.unit()) == parameters
    assert h264.sequence_parameters(stap_a(AUD, unit.unit(), PPS)) == parameters
    assert h264.sequence_parameters(IDR) is None
    assert h264.sequence_parameters(stap_a(IDR)) is None
    assert h264.sequence_parameters(b"") is None


@pytest.mark.parametrize(
    ("chroma_format", "separate", "units"),
    [(0, 0, (1, 1)), (1, 0, (2, 2)), (2, 0, (2, 1)), (3, 0, (1, 1)), (3, 1, (1, 1))],
)
def test_cropping_counts_chroma_samples(chroma_format: int, separate: int, units: tuple[int, int]) -> None:
    writer = BitWriter().bits((244, 8), (0, 8), (40, 8)).ue(0, chroma_format)
    if chroma_format == 3:
        writer.bits((separate, 1))
    writer.ue(0, 0).bits((0, 1), (0, 1)).ue(0, 2, 1).bits((0, 1)).ue(119, 67)
    writer.bits((1, 1), (1, 1), (1, 1)).ue(1, 2, 0, 4).bits((0, 1))
    expected = (1920 - 3 * units[0], 1088 - 4 * units[1])
    assert h264.resolution(writer.unit()) == expected


def test_interlaced_high_profile_with_scaling_lists() -> None:
    writer = BitWriter().bits((100, 8), (0, 8), (40, 8)).ue(0, 1, 0, 0).bits((0, 1), (1, 1))
    writer.bits((1, 1)).se(*[0] * 16)  # a whole list of 16
    writer.bits((1, 1)).se(-8)  # a list that ends at once
    writer.bits((0, 4))
    writer.bits((1, 1)).se(*[1] * 64)
    writer.bits((0, 1))
    writer.ue(0, 0, 0, 4).bits((0, 1)).ue(119, 33)  # order count type 0; 34 field macroblock rows
    writer.bits((0, 1), (0, 1), (1, 1), (1, 1)).ue(0, 0, 0, 2).bits((0, 1))
    assert h264.resolution(writer.unit()) == (1920, 1080)


def test_picture_order_count_type_1() -> None:
    writer = BitWriter().bits((77, 8), (0, 8), (30, 8)).ue(0, 0, 1).bits((0, 1)).se(-3, 5).ue(2).se(1, -1)
    writer.ue(1).bits((0, 1)).ue(19, 14).bits((1, 1), (1, 1), (0, 1), (0, 1))
    assert h264.resolution(writer.unit()) == (320, 240)


def test_emulation_prevention_is_undone() -> None:
    writer = BitWriter().bits((66, 8), (0, 8), (0, 8)).ue(0, 0, 0, 0, 1).bits((0, 1)).ue(39, 29)
    writer.bits((1, 1), (1, 1), (0, 1), (0, 1))
    plain = writer.unit()
    assert plain[2:4] == b"\x00\x00"
    assert h264.resolution(plain[:4] + b"\x03" + plain[4:]) == (640, 480)


def test_cropped_away_or_enormous_pictures_have_no_size() -> None:
    head = BitWriter().bits((66, 8), (0, 8), (30, 8)).ue(0, 0, 2, 1).bits((0, 1)).text
    nothing, enormous = BitWriter(), BitWriter()
    nothing.text = enormous.text = head
    nothing.ue(0, 0).bits((1, 1), (1, 1), (1, 1)).ue(8, 0, 0, 0)
    enormous.ue(5000, 0).bits((1, 1), (1, 1), (0, 1))
    assert h264.resolution(nothing.unit()) is None
    assert h264.resolution(enormous.unit()) is None
