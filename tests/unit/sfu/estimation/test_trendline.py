from __future__ import annotations

import random

import pytest

from gateway.sfu.estimation import trendline
from gateway.sfu.estimation.history import Group
from gateway.sfu.estimation.trendline import Trendline

RATE = 1e6


def groups(
    count: int, slope: float, start: float = 0.0, delay: float = 0.0, octets: int = 100
) -> list[Group]:
    """Groups each 13 ms whose delay grows by `slope` seconds a second; the viewer's clock is far ahead."""
    sent = [start + n * 0.013 for n in range(count)]
    return [(at, 1e6 + at + delay + (at - start) * slope, octets) for at in sent]


def test_an_even_delay_has_no_trend() -> None:
    line = Trendline()
    line.add(groups(100, 0.0), RATE)
    assert line.trend() == pytest.approx(0, abs=1e-3)
    assert line.queue == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("slope", [0.1, 0.5, -0.2])
def test_the_trend_is_the_slope_of_the_delay(slope: float) -> None:
    line = Trendline()
    line.add(groups(100, slope), RATE)
    # The line is fitted over arrivals, and smoothing is settled after a hundred groups.
    expected = slope / (1 + slope) * trendline.FULL_WEIGHT * trendline.GAIN
    assert line.trend() == pytest.approx(expected, rel=0.02)


def test_a_few_groups_prove_nothing_and_more_weigh_more() -> None:
    line = Trendline()
    line.add(groups(19, 0.5), RATE)
    assert line.trend() == 0
    line.add(groups(1, 0.5, start=19 * 0.013, delay=19 * 0.013 * 0.5), RATE)
    early = line.trend()
    assert early > 0
    line.add(groups(100, 0.5, start=20 * 0.013, delay=20 * 0.013 * 0.5), RATE)
    assert line.trend() > 2 * early


def test_noise_is_no_trend() -> None:
    rng = random.Random(1)
    line = Trendline()
    line.add([(at, arrival + rng.uniform(0, 0.005), size) for at, arrival, size in groups(200, 0.0)], RATE)
    assert abs(line.trend()) < 6


def test_the_queue_is_what_waits_over_the_least() -> None:
    line = Trendline()
    line.add(groups(100, 0.0), RATE)
    line.add(groups(100, 0.0, start=1.3, delay=0.08), RATE)
    assert line.queue == pytest.approx(0.08, rel=0.01)


def test_a_longer_way_becomes_the_usual_one() -> None:
    line = Trendline()
    line.add(groups(100, 0.0), RATE)
    for second in range(1, 23):
        line.add(groups(76, 0.0, start=1.3 * second, delay=0.08), RATE)
    assert line.queue == pytest.approx(0, abs=1e-3)


def test_after_a_pause_the_line_begins_anew() -> None:
    line = Trendline()
    line.add(groups(100, 0.5), RATE)
    line.add(groups(19, 0.0, start=10, delay=1), RATE)
    assert line.trend() == 0
    assert line.queue > 0.9


@pytest.mark.parametrize("jump", [-1000.0, 6.0, 1e9])
def test_a_clock_that_jumps_is_no_queue(jump: float) -> None:
    line = Trendline()
    line.add(groups(100, 0.0), RATE)
    line.add(groups(1, 0.0, start=1.3, delay=jump), RATE)
    assert line.queue == 0
    line.add(groups(100, 0.0, start=1.4, delay=jump), RATE)
    assert line.queue == pytest.approx(0, abs=1e-6)
    assert line.trend() == pytest.approx(0, abs=1e-3)


def test_the_sums_stay_precise_after_hours() -> None:
    line = Trendline()
    line.add(groups(1, 0.0), RATE)
    for hour in range(1, 5):
        line.add(groups(1, 0.0, start=3600.0 * hour - 1), RATE)
        line.add(groups(150, 0.2, start=3600.0 * hour), RATE)
        assert line.trend() == pytest.approx(0.2 / 1.2 * 240, rel=0.02)


def test_groups_that_arrive_at_one_instant_have_no_slope() -> None:
    line = Trendline()
    line.add([(n / 1000, 5.0, 1) for n in range(40)], RATE)
    assert line.trend() == 0


def test_a_keyframe_of_ours_is_no_queue() -> None:
    line = Trendline()
    line.add(groups(100, 0.0), RATE)
    # 20,000 octets take 160 ms at 1 Mbit/s; they drain while 62 kbit/s follow.
    waiting = [
        (1.3 + n * 0.013, 1e6 + 1.3 + n * 0.013 + 0.16 - n * 0.012, 20_000 if n == 0 else 100)
        for n in range(13)
    ]
    line.add(waiting, RATE)
    assert line.newest < 0.02
    assert line.queue < 0.02
    assert line.wait > 0.04, "but it does wait"
    assert line.trend() < 6


def test_a_queue_that_outlasts_our_burst_is_one() -> None:
    line = Trendline()
    line.add(groups(100, 0.0), RATE)
    line.add(groups(1, 0.0, start=1.3, delay=0.16, octets=20_000), RATE)
    line.add(groups(40, 0.0, start=1.313, delay=0.16), RATE)
    assert line.newest == pytest.approx(0.16, abs=0.01)
    assert line.queue > 0.1
