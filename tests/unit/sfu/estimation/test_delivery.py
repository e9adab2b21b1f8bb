from __future__ import annotations

from math import inf

import pytest

from gateway.sfu.estimation.delivery import DeliveryRate
from gateway.sfu.estimation.history import Reception


def reception(sent_at: float, arrival: float, sent: int, acked: int, *, gap: bool = False) -> Reception:
    message = Reception()
    message.groups = [(sent_at, arrival, acked)]
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


@pytest.mark.parametrize(("sent_at", "arrival"), [(2.0, 90.0), (2.0, 3.0)])
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


def test_octets_of_messages_without_a_whole_burst_count_with_the_next() -> None:
    delivery = DeliveryRate()
    for n in range(20):
        part = Reception()
        part.acked, part.sent = 400, 500
        delivery.add(part)
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 500, 400))
    assert delivery.rate == pytest.approx(64_000)
    assert delivery.sent_rate == pytest.approx(80_000)


def test_runs_sent_at_one_instant_empty_no_window() -> None:
    delivery = DeliveryRate()
    for n in range(20):
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 500, 500))
        delivery.add(reception(n * 0.1, 5.01 + n * 0.1, 500, 500))
    assert delivery.rate == pytest.approx(80_000, rel=0.1)


def test_a_group_that_was_overtaken_counts_with_the_next() -> None:
    delivery = DeliveryRate()
    for n in range(20):
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 500, 500))
        delivery.add(reception(n * 0.1 + 0.01, 4.99 + n * 0.1, 500, 500))
    assert delivery.rate == pytest.approx(80_000)


def test_the_newest_rate_is_that_since_the_message_before() -> None:
    delivery = DeliveryRate()
    for n in range(20):
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 1000, 1000))
    delivery.add(reception(2.0, 7.1, 1000, 200))
    assert delivery.newest == pytest.approx(8_000)
    delivery.add(reception(2.001, 7.101, 100, 100))
    assert delivery.newest == inf, "a millisecond tells no rate"


def test_lost_feedback_before_half_a_burst_is_a_gap_too() -> None:
    delivery = DeliveryRate()
    for n in range(20):
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 1000, 1000))
    part = Reception()
    part.acked = part.sent = 500
    part.gap = True
    delivery.add(part)
    delivery.add(reception(2.5, 7.5, 500, 500))
    for n in range(26, 30):
        delivery.add(reception(n * 0.1, 5 + n * 0.1, 1000, 1000))
    assert delivery.rate == pytest.approx(80_000)
