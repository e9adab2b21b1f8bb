"""The media that is published: exact in rate, decodable, and readable by its codes."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from loadtest.engine import clip, film
from loadtest.engine.checkers import PictureCheck
from loadtest.engine.meter import Meter
from loadtest.engine.picture import BITS, MAX_FRAMES, MAX_LAYERS, Painter, code_of, read_code, read_picture
from loadtest.engine.sent import SentTimes
from loadtest.engine.stamp import SIZE, write_stamp
from loadtest.messages import Layer

LAYER = Layer("m", 300, 320, 180)
GROUP, LENGTH = 25, 50


@pytest.mark.parametrize(("codec", "decoder"), [("h264", "h264"), ("vp8", "vp8")])
def test_a_loop_has_its_bitrate_and_shows_its_frames(codec: str, decoder: str) -> None:
    assert codec in ("h264", "vp8")
    frames = film.shoot(codec, LAYER, 3, GROUP, LENGTH)  # type: ignore[arg-type]
    rate = sum(len(frame) + SIZE for frame in frames) * 8 / (LENGTH / LAYER.fps) / 1_000
    assert rate == pytest.approx(LAYER.kbit, rel=0.05)
    context = av.CodecContext.create(decoder, "r")
    seen = []
    for frame in frames:
        for picture in context.decode(av.Packet(frame + write_stamp(1_790_000_000.0))):
            plane = picture.planes[0]
            seen.append(read_picture(memoryview(plane), plane.line_size, picture.width, picture.height))
    assert seen == [(3, place) for place in range(LENGTH)]
    late = av.CodecContext.create(decoder, "r")  # who joins at the second keyframe
    assert late.decode(av.Packet(frames[GROUP]))


def test_sound_decodes_with_its_padding() -> None:
    context = av.CodecContext.create("opus", "r")
    context.sample_rate = film.SAMPLE_RATE
    context.layout = "stereo"
    frames = clip.sound().frames
    assert len(frames) == round(1 / clip.SOUND_BLOCK)
    samples = 0
    loudest = 0
    for (payload,) in frames:
        for block in context.decode(av.Packet(payload[:-SIZE] + write_stamp(1_790_000_000.0))):
            samples += block.samples
            loudest = max(loudest, *bytes(block.planes[0]))
    assert samples >= film.SAMPLE_RATE - 2 * film.SAMPLE_RATE * clip.SOUND_BLOCK
    assert loudest


def test_a_clip_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(clip, "LOOP_SECONDS", 1.0)
    calls = []
    shoot = film.shoot
    monkeypatch.setattr(film, "shoot", lambda *given: calls.append(given) or shoot(*given))
    made = clip.video("h264", LAYER, 0, 0.5)
    again = clip.video("h264", LAYER, 0, 0.5)
    assert made == again
    assert len(calls) == 1
    assert made.keyframes == (0, 12)
    assert len(made.frames) == 24
    clip.video("h264", LAYER, 1, 0.5)
    assert len(calls) == 2


def test_codes_have_check_digits() -> None:
    for layer, frame in ((0, 0), (MAX_LAYERS - 1, MAX_FRAMES - 1), (2, 250)):
        code = code_of(layer, frame)
        assert code < 1 << BITS
        assert read_code(code) == (layer, frame)
        for bit in range(BITS):
            assert read_code(code ^ 1 << bit) != (layer, frame)


def test_a_damaged_picture_is_not_read() -> None:
    width, height = 320, 180
    planes = [memoryview(bytearray(size)) for size in (width * height, 160 * 90, 160 * 90)]
    Painter(width, height).draw(planes, code_of(1, 7), 7)
    assert read_picture(planes[0], width, width, height) == (1, 7)
    band = height // 10
    planes[0][(height - band) * width :] = bytes(band * width)
    assert read_picture(planes[0], width, width, height) is None


def test_a_checker_tells_right_standing_and_damaged_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sent, meter = SentTimes("http://host/whip/a"), Meter(0.0)
    checker = PictureCheck(sent, meter)
    for place in (7, 8, 8):  # a server may show one picture twice
        sent.note(1, place, 1_000.0)
        checker.see(drawn(place), 1_000.1)
    assert (meter.pictures, meter.wrong_pictures) == (3, 0)
    checker.see(drawn(8), 1_000.2)
    assert (meter.pictures, meter.wrong_pictures) == (3, 1)
    checker.see(drawn(9, damaged=True), 1_000.3)
    assert (meter.pictures, meter.wrong_pictures) == (3, 2)
    glass = meter.take(1_001.0, 1, 0).glass
    assert glass.count == 3
    assert glass.highest == pytest.approx(100, rel=0.01)


def drawn(place: int, *, damaged: bool = False) -> av.VideoFrame:
    frame = av.VideoFrame(320, 180, "yuv420p")
    Painter(320, 180).draw([memoryview(plane) for plane in frame.planes], code_of(1, place), place)
    if damaged:
        plane = frame.planes[0]
        memoryview(plane)[: 18 * plane.line_size] = bytes(18 * plane.line_size)
    return frame
