from __future__ import annotations

import random

import pytest

from gateway.sfu.estimation import trendline
from gateway.sfu.estimation.trendline import Trendline


def groups(count: int, slope: float, start: float = 0.0, delay: float = 0.0) -> list[tuple[float, float]]:
    """Groups each 13 ms whose delay grows by `slope` seconds a second; the viewer's clock is far ahead."""
    sent = [start + n * 0.013 for n in range(count)]
    return [(at, 1e6 + at + delay + (at - start) * slope) for at in sent]


def test_an_even_delay_has_no_trend() -> None:
    line = Trendline()
    line.add(groups(100, 0.0))
    assert line.trend() == pytest.approx(0, abs=1e-3)
    assert line.queue == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("slope", [0.1, 0.5, -0.2])
def test_the_trend_is_the_slope_of_the_delay(slope: float) -> None:
    line = Trendline()
    line.add(groups(100, slope))
    # The line is fitted over arrivals, and smoothing is settled after a hundred groups.
    expected = slope / (1 + slope) * trendline.FULL_WEIGHT * trendline.GAIN
    assert line.trend() == pytest.approx(expected, rel=0.02)


def test_a_few_groups_prove_nothing_and_more_weigh_more() -> None:
    line = Trendline()
    line.add(groups(19, 0.5))
    assert line.trend() == 0
    line.add(groups(1, 0.5, start=19 * 0.013, delay=19 * 0.013 * 0.5))
    early = line.trend()
    assert early > 0
    line.add(groups(100, 0.5, start=20 * 0.013, delay=20 * 0.013 * 0.5))
    assert line.trend() > 2 * early


def test_noise_is_no_trend() -> None:
    rng = random.Random(1)
    line = Trendline()
    line.add([(at, arrival + rng.uniform(0, 0.005)) for at, arrival in groups(200, 0.0)])
    assert abs(line.trend()) < 6


def test_the_queue_is_what_waits_over_the_least() -> None:
    line = Trendline()
    line.add(groups(100, 0.0))
    line.add(groups(100, 0.0, start=1.3, delay=0.08))
    assert line.queue == pytest.approx(0.08, rel=0.01)


def test_a_longer_way_becomes_the_usual_one() -> None:
    line = Trendline()
    line.add(groups(100, 0.0))
    for second in range(1, 23):
        line.add(groups(76, 0.0, start=1.3 * second, delay=0.08))
    assert line.queue == pytest.approx(0, abs=1e-3)


def test_after_a_pause_the_line_begins_anew() -> None:
    line = Trendline()
    line.add(groups(100, 0.5))
    line.add(groups(19, 0.0, start=10, delay=1))
    assert line.trend() == 0
    assert line.queue > 0.9


@pytest.mark.parametrize("jump", [-1000.0, 6.0, 1e9])
def test_a_clock_that_jumps_is_no_queue(jump: float) -> None:
    line = Trendline()
    line.add(groups(100, 0.0))
    line.add(groups(1, 0.0, start=1.3, delay=jump))
    assert line.queue == 0
    line.add(groups(100, 0.0, start=1.4, delay=jump))
    assert line.queue == pytest.approx(0, abs=1e-6)
    assert line.trend() == pytest.approx(0, abs=1e-3)


def test_the_sums_stay_precise_after_hours() -> None:
    line = Trendline()
    line.add(groups(1, 0.0))
    for hour in range(1, 5):
        line.add(groups(1, 0.0, start=3600.0 * hour - 1))
        line.add(groups(150, 0.2, start=3600.0 * hour))
        assert line.trend() == pytest.approx(0.2 / 1.2 * 240, rel=0.02)


def test_groups_that_arrive_at_one_instant_have_no_slope() -> None:
    line = Trendline()
    line.add([(n / 1000, 5.0) for n in range(40)])
    assert line.trend() == 0
