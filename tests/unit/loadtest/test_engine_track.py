"""What a lean viewer makes of a stream's packet headers: gaps, pictures, freezes, reports. Virtual time."""

from __future__ import annotations

import struct

import pytest

from gateway.client.offer import OPUS, VP8
from loadtest.engine.meter import Meter
from loadtest.engine.track import ASK_AGAIN, MARKER, PATIENCE, REORDERING, Track

FRAME = 0.04
KEY = b"\x10\x00\x00\x00\x9d\x01\x2a" + bytes(8)
"""A VP8 payload: descriptor with the S bit, then a keyframe's tag."""
DELTA = b"\x10\x01\x00\x00" + bytes(8)


class Stream:
    """Feeds a track frames of two packets each, 25 a second, from Unix time 1000 on."""

    def __init__(self, *, nack: bool = True, first: int = 65_530) -> None:
        self.meter = Meter(999.0)
        self.track = Track(1, VP8, 999.5, self.meter, nack=nack)
        self.first = first

    def packet(self, number: int, *, late: float = 0.0, key: bool = False, repaired: bool = False) -> bool:
        frame, half = divmod(number, 2)
        word = 0x90000000 | 96 << 16 | self.first + number & 0xFFFF | (MARKER if half else 0)
        at = 1_000 + frame * FRAME + late
        payload = KEY if key and not half else DELTA
        return self.track.take(word, frame * 3_600 & 0xFFFFFFFF, payload, at, repaired=repaired)

    def frames(self, *numbers: int, key: bool = False) -> None:
        for number in numbers:
            self.packet(2 * number, key=key)
            self.packet(2 * number + 1)


def test_the_join_lasts_until_the_first_keyframe_is_whole() -> None:
    stream = Stream()
    stream.frames(0)
    assert not stream.meter.join
    stream.packet(2, key=True)
    assert stream.track.waiting
    stream.packet(3)
    assert not stream.track.waiting
    assert stream.track.steady
    tick = stream.meter.take(1_001.0, 1, 0)
    assert tick.join.count == 1
    assert tick.join.highest == pytest.approx(1_000 * (0.5 + FRAME), rel=0.05)
    assert tick.gap.count == 0


def test_numbers_go_on_over_a_wrap() -> None:
    stream = Stream()
    stream.frames(0, key=True)
    stream.frames(1, 2, 3, 4)
    assert stream.meter.missing == 0
    assert stream.meter.packets == 10
    assert stream.track.expected == 0x90000000 | 96 << 16 | 4


def test_a_gap_holds_pictures_back_until_it_is_repaired() -> None:
    stream = Stream()
    stream.frames(0, key=True)
    stream.packet(3)
    stream.frames(2)
    assert not stream.track.steady
    assert stream.track.frames == 0
    assert stream.track.ask(1_000.1) == ([stream.first + 2 & 0xFFFF], False)
    assert stream.track.ask(1_000.1 + ASK_AGAIN / 2) == ([], False)
    assert stream.track.ask(1_000.1 + ASK_AGAIN) == ([stream.first + 2 & 0xFFFF], False)
    assert stream.packet(2, late=0.15, repaired=True)
    assert not stream.packet(2, late=0.16, repaired=True)
    assert stream.track.steady
    assert stream.track.frames == 2
    assert (stream.meter.missing, stream.meter.lost, stream.meter.packets) == (1, 0, 5)


def test_what_never_comes_is_lost_and_the_picture_stands_until_a_keyframe() -> None:
    stream = Stream()
    stream.frames(0, key=True)
    stream.packet(3)
    assert stream.track.ask(1_000.04 + PATIENCE + 0.01) == ([], True)
    assert stream.meter.lost == 1
    stream.frames(2, 3, 26)
    assert stream.track.frames == 0
    stream.frames(27, key=True)
    assert stream.track.steady
    assert stream.track.frames == 1
    assert stream.meter.freezes == 1
    assert stream.meter.freeze_seconds == pytest.approx(27 * FRAME)


def test_gaps_before_a_keyframe_hold_nothing_back() -> None:
    stream = Stream()
    stream.frames(0, key=True)
    stream.packet(3)
    stream.packet(6)
    stream.track.ask(1_000.04 + PATIENCE + 0.01)  # gives up packet 2, not yet 4 and 5
    assert set(stream.track.missing) == {0x10000 + stream.first + 4, 0x10000 + stream.first + 5}
    stream.frames(4, key=True)
    assert not stream.track.missing
    assert not stream.track.waiting
    assert stream.meter.lost == 4


def test_without_nack_nothing_is_asked_for() -> None:
    stream = Stream(nack=False)
    stream.frames(0, key=True)
    stream.packet(3)
    assert stream.track.ask(1_000.1) == ([], False)
    assert stream.track.ask(1_000.04 + REORDERING + 0.01) == ([], True)


def test_sound_that_is_lost_needs_no_keyframe() -> None:
    meter = Meter(0.0)
    track = Track(1, OPUS, 0.0, meter, nack=True)
    for number in (1, 2, 4):
        track.take(0x80000000 | 111 << 16 | number, number * 960, None, number * 0.02)
    assert track.ask(10.0) == ([], False)
    assert track.steady
    assert (meter.missing, meter.lost) == (1, 1)


def test_a_standing_picture_is_one_freeze_however_often_it_is_looked_at() -> None:
    stream = Stream()
    stream.frames(0, key=True)
    stream.frames(1)
    for now in (1_001.0, 1_002.0, 1_003.0):
        stream.track.look(now)
    assert stream.meter.freezes == 1
    assert stream.meter.freeze_seconds == pytest.approx(3 - FRAME)
    stream.track.shown(1_004.0)
    assert stream.meter.freezes == 1
    assert stream.meter.freeze_seconds == pytest.approx(4 - FRAME)


def test_a_slow_picture_is_no_freeze() -> None:
    stream = Stream()
    stream.frames(0, key=True)
    stream.track.look(1_000.0)
    for second in (1, 2, 3):
        for quarter in range(4):
            stream.track.shown(999.0 + second + quarter * 0.25)
        stream.track.look(1_000.0 + second)
    assert stream.track.limit == pytest.approx(0.75)
    stream.track.shown(1_003.4)  # 0.65 s after the last, where a quarter is usual
    assert stream.meter.freezes == 0


def test_the_report_tells_what_was_lost_since_the_last() -> None:
    stream = Stream()
    stream.frames(0, key=True)
    stream.track.report(1_000.5)
    stream.packet(3)
    stream.packet(2, repaired=True)  # by RTX, which has a stream of its own: lost all the same
    stream.track.report_ntp, stream.track.report_at = 0xABCD, 1_001.0
    ssrc, loss, highest, _, last, delay = struct.unpack("!IIIIII", stream.track.report(1_001.5))
    assert (ssrc, loss >> 24, loss & 0xFFFFFF) == (1, 128, 1)
    assert highest == stream.first + 3
    assert (last, delay) == (0xABCD, 32_768)


def test_jitter_compares_two_packets_in_a_row() -> None:
    stream = Stream()
    stream.track.note_jitter(0, 1_000.0)
    assert stream.track.jitter == 0
    stream.track.note_jitter(3_600, 1_000.05)
    assert stream.track.jitter == pytest.approx(900 / 16)
    stream.track.note_jitter(900_000, 1_010.5)  # begins a new pair
    assert stream.track.jitter == pytest.approx(900 / 16)
