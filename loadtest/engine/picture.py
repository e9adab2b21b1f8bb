"""The picture that is published: a number as a bar code, above and, inverted, below; noise that costs bits.

Whoever decodes it reads which frame of which layer it is, and sees by the two codes whether it is whole.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

BITS: Final = 20
_CHECK_BITS: Final = 6
_FRAME_BITS: Final = 11
MAX_FRAMES: Final = 1 << _FRAME_BITS
MAX_LAYERS: Final = 1 << BITS - _CHECK_BITS - _FRAME_BITS
_PRIME: Final = 61
_BANDS: Final = 10
"""The picture's height in heights of a code."""
_LIT, _DARK = b"\xeb", b"\x10"
_THRESHOLD: Final = 128
_NOISE: Final = bytes(88 + (value & 0x3F) for value in range(256))
_NOISY_ROWS: Final = 3
"""A third of the rows between the codes is noise, new in each frame."""
_STEP: Final = 6
"""Pixels that the block moves between two frames."""


def code_of(layer: int, frame: int) -> int:
    """The number in a picture."""
    value = layer << _FRAME_BITS | frame
    return value << _CHECK_BITS | value % _PRIME


def read_code(code: int) -> tuple[int, int] | None:
    """Layer and frame; None where the check digits are wrong."""
    value = code >> _CHECK_BITS
    if value % _PRIME != code & (1 << _CHECK_BITS) - 1:
        return None
    return value >> _FRAME_BITS, value & MAX_FRAMES - 1


class Painter:
    """Draws the frames of one layer, 4:2:0, planes without gaps between rows; sizes are even."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._band = height // _BANDS
        self._random = random.Random(1)
        self._ramp = bytes(48 + 128 * x // width for x in range(width))
        self._grey = bytes((128,)) * (width // 2 * (height // 2))

    def draw(self, planes: Sequence[memoryview], code: int, frame: int) -> None:
        """Paint one frame into writable Y, U and V planes."""
        width, band = self._width, self._band
        top = _code_row(code, width)
        bottom = _code_row(~code, width)
        middle = self._height - 2 * band
        noisy = middle // _NOISY_ROWS
        rows = [top * band, self._ramp * (middle - noisy), self._noise(width * noisy), bottom * band]
        luma = b"".join(rows)
        planes[0][: len(luma)] = luma
        block = self._band
        left = _STEP * frame % (width - block)
        for row in range(2 * band, 3 * band):
            start = row * width + left
            planes[0][start : start + block] = _LIT * block
        for plane in planes[1:]:
            plane[: len(self._grey)] = self._grey

    def _noise(self, size: int) -> bytes:
        return self._random.randbytes(size).translate(_NOISE)


def _code_row(code: int, width: int) -> bytes:
    cell = width // BITS
    row = b"".join((_LIT if code >> BITS - 1 - place & 1 else _DARK) * cell for place in range(BITS))
    return row.ljust(width, _DARK)


def read_picture(luma: bytes | memoryview, stride: int, width: int, height: int) -> tuple[int, int] | None:
    """Layer and frame number in a decoded picture's luma; None when it is not as it was drawn."""
    cell, band = width // BITS, height // _BANDS
    above, below = band // 2, height - band + band // 2
    codes = []
    for row in (above, below):
        code = 0
        for place in range(BITS):
            start = row * stride + place * cell + cell // 4
            part = bytes(luma[start : start + cell // 2])
            code = code << 1 | (sum(part) > _THRESHOLD * len(part))
        codes.append(code)
    if codes[0] ^ codes[1] != (1 << BITS) - 1:
        return None
    return read_code(codes[0])
