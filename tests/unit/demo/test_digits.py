from __future__ import annotations

import pytest

from gateway.demo.digits import text_rows, text_width

# The seven segments by hand: for each band (top, upper, middle, lower, bottom) left, middle, right.
EXPECTED = {
    "0": ("###", "#.#", "#.#", "#.#", "###"),
    "1": ("..#", "..#", "..#", "..#", "..#"),
    "2": ("###", "..#", "###", "#..", "###"),
    "3": ("###", "..#", "###", "..#", "###"),
    "4": ("#.#", "#.#", "###", "..#", "..#"),
    "5": ("###", "#..", "###", "..#", "###"),
    "6": ("###", "#..", "###", "#.#", "###"),
    "7": ("###", "..#", "..#", "..#", "..#"),
    "8": ("###", "#.#", "###", "#.#", "###"),
    "9": ("###", "#.#", "###", "..#", "###"),
}


@pytest.mark.parametrize(("digit", "bands"), EXPECTED.items())
def test_each_digit_lights_its_segments(digit: str, bands: tuple[str, ...]) -> None:
    drawn = tuple("".join("#" if row[x] > 128 else "." for x in (0, 2, 4)) for row in text_rows(digit, 1))
    assert drawn == bands


@pytest.mark.parametrize("unit", [1, 4, 16])
def test_rows_are_as_wide_as_announced(unit: int) -> None:
    text = "12:34:56.789"
    assert {len(row) for row in text_rows(text, unit)} == {text_width(text) * unit}


def test_what_has_no_segments_is_refused() -> None:
    with pytest.raises(KeyError):
        text_rows("A", 1)
