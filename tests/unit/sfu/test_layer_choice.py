"""Which layer a viewer gets, from figures alone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway.sfu.layer_choice import (
    RISE_MARGIN,
    SAME_SIZE,
    STAY_MARGIN,
    Rung,
    Wish,
    by_quality,
    choose,
    next_better,
)
from gateway.sfu.sublayer import ALL


@dataclass(eq=False)
class Figures:
    """A layer as the choice sees it; `thin` are the bitrates of its lower temporal layers."""

    rid: str
    width: int
    bitrate: int
    thin: tuple[int, ...] = ()

    @property
    def height(self) -> int:
        return self.width * 9 // 16

    @property
    def bitrates(self) -> tuple[int, ...]:
        return (*self.thin, self.bitrate)


LOW, MIDDLE, HIGH = Figures("l", 320, 150_000), Figures("m", 640, 500_000), Figures("h", 1280, 1_500_000)
LAYERS = [LOW, MIDDLE, HIGH]
NO_WISH = Wish()


def chosen(
    layers: list[Figures], current: Figures | None, budget: float, wish: Wish = NO_WISH, may_rise: bool = True
) -> Figures | None:
    """The layer chosen where none has temporal layers."""
    rung = choose(layers, Rung(current) if current else None, budget, wish, may_rise)
    return rung.layer if rung else None


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
    assert chosen(layers, None, 1e9, NO_WISH, True) is layers[best]


def test_nothing_alive_nothing_chosen() -> None:
    assert chosen([], HIGH, 1e9, NO_WISH, True) is None


def test_the_current_layer_keeps_its_place_against_a_little_more_bitrate() -> None:
    current, other = Figures("a", 640, 1_000), Figures("b", 640, round(1_000 * SAME_SIZE) - 1)
    assert chosen([current, other], current, 1e9, NO_WISH, True) is current
    other.bitrate += 2
    assert chosen([current, other], current, 1e9, NO_WISH, True) is other


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
    assert chosen(LAYERS, current, budget, NO_WISH, True) is expected


def test_a_rise_waits_for_its_time_and_a_fall_does_not() -> None:
    assert chosen(LAYERS, MIDDLE, 1e9, NO_WISH, False) is MIDDLE
    assert chosen(LAYERS, MIDDLE, 1_000, NO_WISH, False) is LOW
    assert chosen(LAYERS, None, 1e9, NO_WISH, False) is HIGH


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
    assert chosen(LAYERS, None, 1e9, wish, True) is expected


def test_what_would_be_better() -> None:
    assert next_better(LAYERS, Rung(LOW), NO_WISH) == Rung(MIDDLE)
    assert next_better(LAYERS, Rung(HIGH), NO_WISH) is None
    assert next_better(LAYERS, None, NO_WISH) is None
    assert next_better(LAYERS, Rung(MIDDLE), Wish(max_height=400)) is None
    assert next_better(LAYERS, Rung(LOW), Wish(rid="l")) is None
    assert next_better(LAYERS, Rung(LOW), Wish(rid="m")) == Rung(MIDDLE)


def test_a_layer_asked_for_is_the_best_that_may_be_but_no_order_to_freeze() -> None:
    assert chosen(LAYERS, None, 500_000 * RISE_MARGIN, Wish(rid="h")) is MIDDLE
    assert chosen(LAYERS, HIGH, 200_000, Wish(rid="m")) is LOW


THIN = [
    Figures("l", 320, 150_000, (60_000, 90_000)),
    Figures("m", 640, 500_000, (200_000, 300_000)),
    Figures("h", 1280, 1_500_000, (600_000, 900_000)),
]
low, middle, high = THIN


@pytest.mark.parametrize(
    ("current", "budget", "expected"),
    [
        (Rung(high), 1_500_000 * STAY_MARGIN - 1, Rung(high, 1)),
        (Rung(high), 900_000 * STAY_MARGIN - 1, Rung(high, 0)),
        (Rung(high), 600_000 * STAY_MARGIN - 1, Rung(middle)),
        (Rung(high, 0), 900_000 * RISE_MARGIN - 1, Rung(high, 0)),
        (Rung(high, 0), 900_000 * RISE_MARGIN, Rung(high, 1)),
        (Rung(high, 0), 1_500_000 * RISE_MARGIN, Rung(high)),
        (Rung(middle), 900_000 * RISE_MARGIN, Rung(middle)),
        (Rung(middle), 1_500_000 * RISE_MARGIN, Rung(high)),
        (Rung(low), 10_000, Rung(low, 0)),
        (None, 500_000 * RISE_MARGIN, Rung(middle)),
        (None, 10_000, Rung(low, 0)),
    ],
)
def test_frames_go_before_pixels_and_a_larger_picture_comes_whole(
    current: Rung[Figures] | None, budget: float, expected: Rung[Figures]
) -> None:
    assert choose(THIN, current, budget, NO_WISH, True) == expected


def test_more_frames_are_a_rise_and_fewer_are_none() -> None:
    assert choose(THIN, Rung(high, 0), 1e9, NO_WISH, False) == Rung(high, 0)
    assert choose(THIN, Rung(high), 900_000, NO_WISH, False) == Rung(high, 1)
    assert next_better(THIN, Rung(high, 0), NO_WISH) == Rung(high, 1)
    assert next_better(THIN, Rung(middle), NO_WISH) == Rung(high)


def test_the_bitrate_of_a_rung_follows_the_temporal_layers_there_are() -> None:
    assert [Rung(high, top).bitrate for top in (0, 1, 2, ALL)] == [600_000, 900_000, 1_500_000, 1_500_000]
    assert Rung(LOW, 0).bitrate == LOW.bitrate
