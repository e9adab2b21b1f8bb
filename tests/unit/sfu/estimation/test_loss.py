from __future__ import annotations

from math import inf

import pytest

from gateway.sfu.estimation.loss import LossBound

RTT = 0.1


def test_light_loss_is_no_reason_for_a_bound() -> None:
    bound = LossBound()
    for n in range(50):
        assert not bound.count(3, 50, 1e6, RTT, n * 0.2)
    assert bound.bitrate == inf
    assert bound.fraction == pytest.approx(0.06)


def test_heavy_loss_lowers_by_half_of_it_once_a_round_trip() -> None:
    bound = LossBound()
    assert bound.update(0.4, 1e6, 0.5, 1.0)
    assert bound.bitrate == pytest.approx(800e3)
    assert not bound.update(0.4, 800e3, 0.5, 1.5)
    assert bound.update(0.4, 800e3, 0.5, 1.8)
    assert bound.bitrate == pytest.approx(640e3)


def test_the_bound_heals_and_slowly_under_light_loss() -> None:
    clean, light = LossBound(), LossBound()
    for bound, fraction in ((clean, 0.0), (light, 0.05)):
        bound.update(0.5, 1e6, RTT, 0.0)
        for n in range(1, 5):
            bound.update(fraction, 750e3, RTT, float(n))
    assert clean.bitrate == pytest.approx(750e3 * 1.25**4)
    assert light.bitrate == pytest.approx(750e3 * 1.05**4)


def test_a_few_packets_are_not_judged_at_once() -> None:
    bound = LossBound()
    bound.count(0, 5, 1e6, RTT, 0.0)
    bound.count(5, 10, 1e6, RTT, 0.5)
    assert bound.fraction == 0
    assert bound.count(5, 5, 1e6, RTT, 1.0)
    assert bound.fraction == pytest.approx(0.5)


def test_an_empty_second_is_not_judged() -> None:
    bound = LossBound()
    bound.count(0, 0, 1e6, RTT, 0.0)
    assert not bound.count(0, 0, 1e6, RTT, 5.0)


def test_packets_that_were_only_late_take_their_loss_back() -> None:
    bound = LossBound()
    bound.count(20, 40, 1e6, RTT, 0.0)
    bound.count(-20, 10, 1e6, RTT, 0.3)
    assert bound.fraction == 0
    bound.count(-9, 50, 1e6, RTT, 0.6)
    assert bound.fraction == 0
