"""The synthetic camera's picture: a big clock, a sweeping ball, a flash when the second changes.

Draws into the three planes of an 8-bit 4:2:0 frame with slice copies only: a 720p frame costs a fraction
of a millisecond. The frame's own height stands small in the corner, so that a viewer sees which simulcast
layer plays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.demo.digits import BAND_HEIGHTS, HEIGHT, text_rows, text_width

FLASH_SECONDS = 0.12
"""How long the flash stands after each full second; the sound chimes at the same moment."""
SWEEP_SECONDS = 4.0
_UNITS_HIGH = 45
_WHITE, _BALL_LUMA = b"\xeb", b"\x78"
_BALL_CHROMA = (b"\x48", b"\xd8")


class Picture:
    """Draws frames of one size; `width` and `height` are even, planes are packed without padding."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._unit = max(2, height // _UNITS_HIGH)
        self._backdrop = (_backdrop_luma(width, height), *_backdrop_chroma(width // 2, height // 2))
        self._label = text_rows(str(height), max(1, self._unit // 2))
        self._ball = _disc_half_widths(2 * self._unit)

    def draw(self, planes: Sequence[memoryview], captured: float) -> None:
        """Paint the picture of Unix time `captured` into writable Y, U and V planes."""
        for plane, backdrop in zip(planes, self._backdrop, strict=True):
            plane[:] = backdrop
        luma = planes[0]
        self._draw_clock(luma, captured)
        self._draw_text(luma, self._label, max(1, self._unit // 2), self._unit, self.height - 6 * self._unit)
        self._draw_ball(planes, captured)
        if captured % 1.0 < FLASH_SECONDS:
            luma[: self.width * 2 * self._unit] = _WHITE * (self.width * 2 * self._unit)

    def clock_origin(self) -> tuple[int, int]:
        """Left and top pixel of the clock's text."""
        return (self.width - text_width("00:00:00.000") * self._unit) // 2, 12 * self._unit

    def _draw_clock(self, luma: memoryview, captured: float) -> None:
        left, top = self.clock_origin()
        self._draw_text(luma, text_rows(clock_text(captured), self._unit), self._unit, left, top)

    def _draw_text(self, luma: memoryview, rows: Sequence[bytes], unit: int, left: int, top: int) -> None:
        offset = top * self.width + left
        for row, band_height in zip(rows, BAND_HEIGHTS, strict=True):
            for _ in range(band_height * unit):
                luma[offset : offset + len(row)] = row
                offset += self.width

    def _draw_ball(self, planes: Sequence[memoryview], captured: float) -> None:
        radius = len(self._ball) // 2
        phase = captured % SWEEP_SECONDS / SWEEP_SECONDS
        across = 1 - abs(2 * phase - 1)
        x = radius + round(across * (self.width - 2 * radius))
        y = self.height - (_UNITS_HIGH - 12 - HEIGHT) // 2 * self._unit
        _fill_disc(planes[0], self.width, x, y, self._ball, _BALL_LUMA)
        for plane, colour in zip(planes[1:], _BALL_CHROMA, strict=True):
            _fill_disc(
                plane, self.width // 2, x // 2, y // 2, [half // 2 for half in self._ball[::2]], colour
            )


def clock_text(captured: float) -> str:
    """The local time of day of a Unix time, HH:MM:SS.mmm."""
    milliseconds = round(captured * 1_000)
    local = datetime.fromtimestamp(milliseconds // 1_000, UTC).astimezone()
    return f"{local:%H:%M:%S}.{milliseconds % 1_000:03d}"


def _disc_half_widths(radius: int) -> list[int]:
    return [math.isqrt(radius * radius - (row - radius) ** 2) for row in range(2 * radius)]


def _fill_disc(
    plane: memoryview, stride: int, x: int, y: int, half_widths: Sequence[int], value: bytes
) -> None:
    top = y - len(half_widths) // 2
    for row, half in enumerate(half_widths):
        middle = (top + row) * stride + x
        plane[middle - half : middle + half] = value * (2 * half)


def _backdrop_luma(width: int, height: int) -> bytes:
    """A gentle ramp with a grid; dark behind the clock."""
    unit = max(2, height // _UNITS_HIGH)
    ramp = bytes(48 + 56 * x // width for x in range(width))
    ruled = bytearray(ramp)
    for x in range(0, width, 5 * unit):
        ruled[x] = 150
    rows = [bytes((150,)) * width if y % (5 * unit) == 0 else bytes(ruled) for y in range(height)]
    dark = b"\x18" * width
    rows[11 * unit : (13 + HEIGHT) * unit] = [dark] * ((2 + HEIGHT) * unit)
    return b"".join(rows)


def _backdrop_chroma(width: int, height: int) -> tuple[bytes, bytes]:
    """Colour turns from left to right; neutral behind the clock."""
    unit = max(1, height // _UNITS_HIGH)
    angles = [2 * math.pi * x / width for x in range(width)]
    planes = []
    for shape in (math.cos, math.sin):
        coloured = bytes(128 + round(40 * shape(angle)) for angle in angles)
        rows = [coloured] * height
        rows[11 * unit : (13 + HEIGHT) * unit] = [b"\x80" * width] * ((2 + HEIGHT) * unit)
        planes.append(b"".join(rows))
    return planes[0], planes[1]
