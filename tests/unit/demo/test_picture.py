"""The picture, read back from its planes."""

from __future__ import annotations

import pytest

from gateway.demo.digits import text_rows, text_width
from gateway.demo.picture import FLASH_SECONDS, SWEEP_SECONDS, Picture, clock_text

SIZES = [(1280, 720), (640, 360), (320, 180)]
NOON = 1_790_000_000.0


def draw(width: int, height: int, captured: float) -> list[bytes]:
    planes = [bytearray(width * height), bytearray(width * height // 4), bytearray(width * height // 4)]
    Picture(width, height).draw([memoryview(plane) for plane in planes], captured)
    return [bytes(plane) for plane in planes]


def read_clock(luma: bytes, width: int, height: int) -> str:
    """The clock's text, by comparing each cell with every glyph."""
    picture, unit = Picture(width, height), height // 45
    left, top = picture.clock_origin()
    text = ""
    for shape in "00:00:00.000":
        cell = text_width(shape) * unit
        rows = tuple(
            luma[(top + y * unit) * width + left : (top + y * unit) * width + left + cell]
            for y in (0, 1, 4, 5, 8)
        )
        glyphs = "0123456789" if shape == "0" else shape
        text += next(glyph for glyph in glyphs if text_rows(glyph, unit) == rows)
        left += cell
    return text


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("offset", [0.0, 0.04, 0.52, 0.999, 59.96])
def test_the_clock_can_be_read_to_the_millisecond(width: int, height: int, offset: float) -> None:
    luma = draw(width, height, NOON + offset)[0]
    assert read_clock(luma, width, height) == clock_text(NOON + offset)


def test_the_clock_shows_milliseconds() -> None:
    assert clock_text(NOON + 0.04)[8:] == ".040"
    assert clock_text(NOON + 0.9996)[8:] == ".000"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_flash_stands_when_the_second_changes(width: int, height: int) -> None:
    top_row = slice(0, width)
    assert set(draw(width, height, NOON)[0][top_row]) == {0xEB}
    assert set(draw(width, height, NOON + FLASH_SECONDS + 0.01)[0][top_row]) != {0xEB}


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_ball_sweeps_to_both_edges_and_stays_inside(width: int, height: int) -> None:
    seen = set()
    for step in range(41):
        red = draw(width, height, NOON + step * SWEEP_SECONDS / 40)[2]
        columns = {index % (width // 2) for index, value in enumerate(red) if value == 0xD8}
        assert columns
        assert max(columns) - min(columns) < height // 8
        seen |= columns
    assert min(seen) < 4
    assert max(seen) > width // 2 - 5
