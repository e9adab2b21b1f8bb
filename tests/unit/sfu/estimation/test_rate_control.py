from __future__ import annotations

import pytest

from gateway.sfu.estimation import rate_control
from gateway.sfu.estimation.overuse import Usage
from gateway.sfu.estimation.rate_control import Capacity, RateControl

RTT = 0.05


def follow(control: RateControl, seconds: int, usage: Usage, acked: float | None, start: float = 0.0) -> None:
    """Ten messages a second on a link that keeps up."""
    for n in range(10 * seconds + 1):
        control.update(usage, acked, 1.0, 0.0, RTT, start + n / 10)


def test_it_grows_by_eight_percent_a_second() -> None:
    control = RateControl(1e6)
    follow(control, 3, Usage.NORMAL, 2e6)
    assert control.bitrate == pytest.approx(1e6 * 1.08**3, rel=0.02)


def test_it_does_not_grow_far_above_what_arrives() -> None:
    control = RateControl(1e6)
    follow(control, 60, Usage.NORMAL, 1e6)
    assert control.bitrate == 1.5e6 + rate_control.EXTRA


def test_what_was_proven_stays_when_less_is_sent() -> None:
    control = RateControl(1e6)
    control.proven(3e6)
    follow(control, 60, Usage.NORMAL, 100e3)
    assert control.bitrate == 3e6
    control.proven(2e6)
    assert control.bitrate == 3e6


def test_it_holds_while_the_queue_drains_and_while_nothing_is_known() -> None:
    control = RateControl(1e6)
    follow(control, 5, Usage.UNDER, 2e6)
    follow(control, 5, Usage.NORMAL, None)
    assert control.bitrate == 1e6


def test_a_filled_link_leaves_less_than_arrives() -> None:
    control = RateControl(3e6)
    control.update(Usage.OVER, 500e3, 3.0, 0.05, RTT, 10.0)
    assert control.bitrate == pytest.approx(425e3)


def test_a_large_queue_leaves_still_less() -> None:
    control = RateControl(3e6)
    control.update(Usage.OVER, 500e3, 1.0, 0.2, RTT, 10.0)
    assert control.bitrate == pytest.approx(375e3)


def test_it_falls_once_a_response_time() -> None:
    control = RateControl(3e6)
    for n in range(10):
        control.update(Usage.OVER, 2e6 - n * 1e5, 2.0, 0.05, RTT, n * 0.01)
    assert control.bitrate == pytest.approx(0.85 * 2e6)
    control.update(Usage.OVER, 1e6, 2.0, 0.05, RTT, 0.16)
    assert control.bitrate == pytest.approx(0.85e6)


def test_others_small_queue_takes_nothing_that_gets_through() -> None:
    control = RateControl(2e6)
    for n in range(100):
        control.update(Usage.OVER, 500e3, 1.0, 0.03, RTT, n * 0.2)
    assert control.bitrate >= 0.95 * 500e3


def test_without_an_acknowledged_rate_it_falls_from_what_it_is() -> None:
    control = RateControl(1e6)
    control.update(Usage.OVER, None, 1.0, 0.05, RTT, 1.0)
    assert control.bitrate == pytest.approx(850e3)


def test_it_never_rises_by_overuse() -> None:
    control = RateControl(100e3)
    control.update(Usage.OVER, 5e6, 2.0, 0.05, RTT, 1.0)
    assert control.bitrate == 100e3


def test_near_the_capacity_it_grows_by_packets() -> None:
    control = RateControl(1e6)
    control.update(Usage.OVER, 1e6, 1.2, 0.02, RTT, 0.0)
    fallen = control.bitrate
    follow(control, 1, Usage.NORMAL, 1e6, start=0.1)
    assert control.bitrate - fallen == pytest.approx(4800 / 0.15, rel=0.2)


def test_far_above_the_capacity_the_link_is_another_now() -> None:
    control = RateControl(1e6)
    control.update(Usage.OVER, 1e6, 1.2, 0.02, RTT, 0.0)
    fallen = control.bitrate
    follow(control, 1, Usage.NORMAL, 2e6, start=0.1)
    assert control.bitrate == pytest.approx(fallen * 1.08, rel=0.02)


def test_silence_halves() -> None:
    control = RateControl(1e6)
    control.halve(5.0)
    assert control.bitrate == 500e3


def test_what_is_unproven_is_beyond_half_more_than_arrives() -> None:
    control = RateControl(1e6)
    control.unproven(800e3)
    assert control.bitrate == 1e6
    control.unproven(400e3)
    assert control.bitrate == pytest.approx(610e3)


def test_the_capacity_is_remembered_with_its_spread() -> None:
    capacity = Capacity()
    assert capacity.low > 1e12
    for _ in range(100):
        capacity.met(1e6)
    narrow = capacity.high - capacity.low
    assert capacity.low < 1e6 < capacity.high
    for n in range(100):
        capacity.met(1e6 + (n % 2) * 300e3)
    assert capacity.high - capacity.low > narrow
    capacity.forget()
    assert capacity.low > 1e12
