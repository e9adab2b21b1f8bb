"""What counts towards which time, and what a second of the plot shows."""

from __future__ import annotations

import pytest

from loadtest.measurement import Measurement
from loadtest.messages import Tick
from loadtest.server import Reading, read_metrics


def tick(at: float, **values: float) -> Tick:
    made = Tick(at=at, seconds=1.0, sessions=10)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def test_ticks_that_began_before_or_came_after_are_not_judged() -> None:
    measurement = Measurement(started=100.0)
    measurement.add("viewers 1", "watch", tick(109.5, packets=1, lost=1))
    measurement.begin(110.0, 10, None)
    measurement.add("viewers 1", "watch", tick(110.5, packets=2))  # half of it is of the time before
    measurement.add("viewers 1", "watch", tick(111.5, packets=4))
    window = measurement.end(112.0, None)
    measurement.add("viewers 1", "watch", tick(112.5, packets=8))
    assert window.of("watch").packets == 4
    assert window.of("watch").lost == 0
    assert measurement.whole["watch"].packets == 15


def test_joins_count_from_when_viewers_were_wanted_to_the_end_of_the_judged_time() -> None:
    measurement = Measurement(started=0.0)
    measurement.add("viewers 1", "watch", tick(1.0, opened=5))
    measurement.want()
    measurement.add("viewers 1", "watch", tick(2.0, opened=3))
    measurement.begin(2.0, 10, None)
    measurement.add("viewers 1", "watch", tick(3.0, opened=1))
    window = measurement.end(3.0, None)
    measurement.add("viewers 1", "watch", tick(4.0, opened=1))
    assert window.since_wanted("watch").opened == 4


def test_workers_that_tick_at_other_times_are_summed_by_their_own() -> None:
    measurement = Measurement(started=0.0)
    measurement.begin(10.0, 20, None)
    for second in (11.0, 12.0, 13.0):
        measurement.add("viewers 1", "watch", tick(second, packets=1000))
    for second in (11.9, 12.9):
        measurement.add("viewers 2", "watch", tick(second, packets=500, octets=125_000))
    window = measurement.end(13.0, None)
    assert window.viewers == pytest.approx(20)
    assert window.packets_per_second == pytest.approx(1500)
    assert window.mbit_per_second == pytest.approx(1.0)
    assert window.viewer_minutes == pytest.approx(50 / 60)


def test_a_sample_shows_the_newest_rates_and_what_came_since() -> None:
    measurement = Measurement(started=0.0)
    first = tick(1.0, packets=990, lost=10, missing=20, lag=0.004, cpu=0.3, freezes=1)
    first.latency.add(5.0, 990)
    measurement.add("viewers 1", "watch", first)
    measurement.add("publisher", "publish", tick(1.0, cpu=0.1, lag=0.001))
    sample = measurement.sample(1.2, "measure", Reading(at=50.0, cpu=1.0, resident=100_000_000))
    assert (sample.sessions, sample.packets, sample.freezes, sample.lag) == (10, 990, 1, 4.0)
    assert (sample.lost, sample.missing) == (0.01, 0.02)
    assert sample.latency_p99 == pytest.approx(5, rel=0.06)
    assert sample.generator_cpu == 0.3
    assert (sample.server_cpu, sample.server_mb) == (None, 100.0)
    later = measurement.sample(2.2, "measure", Reading(at=52.0, cpu=2.0, resident=100_000_000))
    assert later.packets == 990  # no new tick: the newest known
    assert (later.lost, later.freezes, later.latency_p99) == (None, 0, None)
    assert later.server_cpu == 0.5


def test_prometheus_text_is_read() -> None:
    text = (
        "# HELP process_cpu_seconds_total x\nprocess_cpu_seconds_total 12.5\n"
        'gateway_drops_total{reason="late"} 3.0\nnonsense\nodd NaNa\n'
    )
    assert read_metrics(text) == {
        "process_cpu_seconds_total": 12.5,
        'gateway_drops_total{reason="late"}': 3.0,
    }
