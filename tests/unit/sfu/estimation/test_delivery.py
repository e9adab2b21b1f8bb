from __future__ import annotations

import pytest

from gateway.sfu.estimation.delivery import DeliveryRate
from gateway.sfu.estimation.history import Reception


def reception(sent_at: float, arrival: float, sent: int, acked: int, *, gap: bool = False) -> Reception:
    message = Reception()
    message.groups = [(sent_at, arrival)]
    message.sent, message.acked, message.gap = sent, acked, gap
    return message


def test_nothing_is_known_before_the_window_is_full() -> None:
    delivery = DeliveryRate()
    for n in range(4):
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 1000, 1000))
    assert delivery.rate is None
    delivery.add(reception(0.4, 5.4, 1000, 1000))
    assert delivery.rate == pytest.approx(80_000)
    assert delivery.stretch == pytest.approx(1)


def test_the_rates_are_those_of_the_window() -> None:
    delivery = DeliveryRate()
    for n in range(20):
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 1000, 1000))
    for n in range(20, 25):
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 4000, 2000))
    assert delivery.rate == pytest.approx(160_000)
    assert delivery.sent_rate == pytest.approx(320_000)


def test_a_growing_queue_stretches() -> None:
    delivery = DeliveryRate()
    for n in range(20):
        delivery.add(reception(n * 0.1, 5 + n * 0.2, 1000, 1000))
    assert delivery.stretch == pytest.approx(2)
    assert delivery.rate == pytest.approx(40_000)
    assert delivery.sent_rate == pytest.approx(80_000)


def test_what_lost_feedback_leaves_unknown_is_left_out() -> None:
    delivery = DeliveryRate()
    for n in range(60):
        if n % 3:
            delivery.add(reception(n * 0.1, 5 + n * 0.1, 1000, 1000, gap=n % 3 == 1))
    assert delivery.rate == pytest.approx(80_000)


@pytest.mark.parametrize(("sent_at", "arrival"), [(2.0, 90.0), (2.0, 3.0), (0.5, 7.0)])
def test_after_a_pause_or_a_jump_the_window_fills_anew(sent_at: float, arrival: float) -> None:
    delivery = DeliveryRate()
    for n in range(20):
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 1000, 1000))
    delivery.add(reception(sent_at, arrival, 1000, 1000))
    for n in range(1, 4):
        delivery.add(reception(sent_at + n * 0.1, arrival + n * 0.1, 2000, 2000))
    assert delivery.rate == pytest.approx(80_000)
    delivery.add(reception(sent_at + 0.405, arrival + 0.405, 2100, 2100))
    assert delivery.rate == pytest.approx(160_000, rel=0.01)
