from __future__ import annotations

import pytest

from gateway.sfu.meter import WINDOW, Meter


def test_rates_over_a_window() -> None:
    meter = Meter()
    assert not meter.roll(10.0)
    for frame in range(25):
        for _ in range(4):
            meter.add(1_000, frame * 3_600)
    assert not meter.roll(10.0 + WINDOW - 0.01)
    assert (meter.bitrate, meter.fps) == (0, 0.0)
    assert meter.roll(11.25)
    assert meter.bitrate == pytest.approx(25 * 4 * 8_000 / 1.25)
    assert meter.fps == 20.0


def test_silence_brings_the_rates_to_zero() -> None:
    meter = Meter()
    meter.roll(0.0)
    meter.add(1_000, 1)
    assert meter.roll(1.0)
    assert meter.bitrate == 8_000
    assert meter.roll(2.0)
    assert (meter.bitrate, meter.fps) == (0, 0.0)
