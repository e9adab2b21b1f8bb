from __future__ import annotations

import pytest

from gateway.sfu.remb import CEILING, FLOOR, GROWTH, START, RembEstimator


def test_the_grant_grows_with_what_is_used_up_to_the_ceiling() -> None:
    estimator = RembEstimator()
    grants = [estimator.update(measured=15_000_000, loss=0.0) for _ in range(40)]
    assert grants[0] == round(START * GROWTH)
    assert grants == sorted(grants)
    assert grants[-1] == CEILING


def test_an_idle_encoder_earns_no_endless_grant() -> None:
    estimator = RembEstimator()
    for _ in range(40):
        granted = estimator.update(measured=1_000_000, loss=0.0)
    assert granted <= 2_000_000 * GROWTH


@pytest.mark.parametrize(("loss", "moves"), [(0.01, 1), (0.05, 0), (0.5, -1)])
def test_loss_decides_the_direction(loss: float, moves: int) -> None:
    estimator = RembEstimator()
    granted = estimator.update(measured=5_000_000, loss=loss)
    assert (granted > START) - (granted < START) == moves


def test_it_never_falls_below_the_floor() -> None:
    estimator = RembEstimator()
    for _ in range(50):
        granted = estimator.update(measured=0, loss=1.0)
    assert granted == FLOOR
