from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway.sfu.layer_choice import (
    RISE_MARGIN,
    SAME_SIZE,
    STAY_MARGIN,
    Wish,
    by_quality,
    choose,
    next_better,
)


@dataclass(eq=False)
class Figures:
    """A layer as the choice sees it."""

    rid: str
    width: int
    bitrate: int

    @property
    def height(self) -> int:
        return self.width * 9 // 16


LOW, MIDDLE, HIGH = Figures("l", 320, 150_000), Figures("m", 640, 500_000), Figures("h", 1280, 1_500_000)
ALL = [LOW, MIDDLE, HIGH]
NO_WISH = Wish()


@pytest.mark.parametrize(
    ("sizes", "best"),
    [
        ([(320, 100), (640, 50), (1280, 10)], 2),
        ([(1280, 10), (640, 50), (320, 100)], 0),
        ([(0, 100), (0, 300)], 1),
    ],
    ids=["low to high", "OBS: high to low", "size unknown"],
)
def test_the_largest_picture_is_the_best_whatever_the_order(sizes: list[tuple[int, int]], best: int) -> None:
    layers = [Figures(str(place), *size) for place, size in enumerate(sizes)]
    assert by_quality(layers)[-1] is layers[best]
    assert choose(layers, None, 1e9, NO_WISH, True) is layers[best]


def test_nothing_alive_nothing_chosen() -> None:
    assert choose([], HIGH, 1e9, NO_WISH, True) is None


def test_the_current_layer_keeps_its_place_against_a_little_more_bitrate() -> None:
    current, other = Figures("a", 640, 1_000), Figures("b", 640, round(1_000 * SAME_SIZE) - 1)
    assert choose([current, other], current, 1e9, NO_WISH, True) is current
    other.bitrate += 2
    assert choose([current, other], current, 1e9, NO_WISH, True) is other


@pytest.mark.parametrize(
    ("current", "budget", "expected"),
    [
        (None, 10_000, LOW),
        (None, 500_000 * RISE_MARGIN - 1, LOW),
        (None, 500_000 * RISE_MARGIN, MIDDLE),
        (None, 1_500_000 * RISE_MARGIN, HIGH),
        (LOW, 500_000 * RISE_MARGIN - 1, LOW),
        (MIDDLE, 500_000 * STAY_MARGIN, MIDDLE),
        (MIDDLE, 500_000 * STAY_MARGIN - 1, LOW),
        (HIGH, 1_500_000 * STAY_MARGIN, HIGH),
        (HIGH, 1_500_000 * STAY_MARGIN - 1, MIDDLE),
        (HIGH, 100_000, LOW),
    ],
)
def test_the_budget_decides_with_a_margin_each_way(
    current: Figures | None, budget: float, expected: Figures
) -> None:
    assert choose(ALL, current, budget, NO_WISH, True) is expected


def test_a_rise_waits_for_its_time_and_a_fall_does_not() -> None:
    assert choose(ALL, MIDDLE, 1e9, NO_WISH, False) is MIDDLE
    assert choose(ALL, MIDDLE, 1_000, NO_WISH, False) is LOW
    assert choose(ALL, None, 1e9, NO_WISH, False) is HIGH


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(rid="l"), LOW),
        (Wish(rid="m"), MIDDLE),
        (Wish(rid="gone"), HIGH),
        (Wish(max_height=360), MIDDLE),
        (Wish(max_height=359), LOW),
        (Wish(max_height=1), LOW),
    ],
)
def test_a_wish_is_kept_as_far_as_it_can_be(wish: Wish, expected: Figures) -> None:
    assert choose(ALL, None, 1e9, wish, True) is expected


def test_what_would_be_better() -> None:
    assert next_better(ALL, LOW, NO_WISH) is MIDDLE
    assert next_better(ALL, HIGH, NO_WISH) is None
    assert next_better(ALL, None, NO_WISH) is None
    assert next_better(ALL, MIDDLE, Wish(max_height=400)) is None
    assert next_better(ALL, LOW, Wish(rid="l")) is None
