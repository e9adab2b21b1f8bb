"""Seven-segment text for the synthetic picture, as rows of luma bytes."""

from __future__ import annotations

BAND_HEIGHTS = (1, 3, 1, 3, 1)
"""Heights, in units, of the bands a line of text consists of: every row within a band is the same."""
HEIGHT = sum(BAND_HEIGHTS)

_LIT, _DARK = b"\xeb", b"\x18"
_SEGMENTS = {
    "0": "abcdef",
    "1": "bc",
    "2": "abdeg",
    "3": "abcdg",
    "4": "bcfg",
    "5": "acdfg",
    "6": "acdefg",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
}
# For each band: the segments that light its left column, its middle and its right column.
_BANDS = (("af", "a", "ab"), ("f", "", "b"), ("efg", "g", "bcg"), ("e", "", "c"), ("de", "d", "cd"))
_DOTTED_BANDS = {":": (1, 3), ".": (4,)}


def text_width(text: str) -> int:
    """The width of `text` in units: digits take five and a gap, colon and point one and two gaps."""
    return sum(6 if character in _SEGMENTS else 3 for character in text)


def text_rows(text: str, unit: int) -> tuple[bytes, ...]:
    """One row of luma for each band of `text` (digits, colon, point), `unit` pixels a unit.

    Raises KeyError for any other character.
    """
    return tuple(
        b"".join(_cell_row(character, band, unit) for character in text) for band in range(len(_BANDS))
    )


def _cell_row(character: str, band: int, unit: int) -> bytes:
    if character in _DOTTED_BANDS:
        lit = band in _DOTTED_BANDS[character]
        return (_LIT if lit else _DARK) * unit + _DARK * (2 * unit)
    segments = _SEGMENTS[character]
    left, middle, right = (any(name in segments for name in names) for names in _BANDS[band])
    return (
        (_LIT if left else _DARK) * unit
        + (_LIT if middle else _DARK) * (3 * unit)
        + (_LIT if right else _DARK) * unit
        + _DARK * unit
    )
