from __future__ import annotations

import pytest

from gateway.sfu.layer import SILENCE, Layer
from gateway.sfu.layer_selector import STAY, best_layer
from tests.unit.sfu.fakes import lone_layer

NOW = 50.0


def layer(width: int, bitrate: int, silent_for: float = 0.0) -> Layer:
    made = lone_layer()
    made.width, made.height = width, width // 2
    made.meter.bitrate = bitrate
    made.last_arrival = NOW - silent_for
    return made


@pytest.mark.parametrize(
    ("sizes", "best"),
    [
        ([(320, 100), (640, 50), (1280, 10)], 2),
        ([(1280, 10), (640, 50), (320, 100)], 0),
        ([(0, 100), (0, 300)], 1),
        ([(640, 100), (640, 100)], 0),
    ],
    ids=["low to high", "OBS: high to low", "size unknown", "equal: the first"],
)
def test_the_largest_picture_wins_whatever_the_order(sizes: list[tuple[int, int]], best: int) -> None:
    layers = [layer(*size) for size in sizes]
    assert best_layer(layers, None, NOW) is layers[best]


def test_the_dead_are_not_chosen() -> None:
    small, large = layer(320, 100), layer(1280, 100, silent_for=SILENCE)
    assert best_layer([small, large], large, NOW) is small
    assert best_layer([large], large, NOW) is None
    assert best_layer([], None, NOW) is None


def test_the_current_layer_keeps_its_place_against_a_little_more_bitrate() -> None:
    current, other = layer(640, 1_000), layer(640, round(1_000 * STAY) - 1)
    assert best_layer([current, other], current, NOW) is current
    other.meter.bitrate += 2
    assert best_layer([current, other], current, NOW) is other
