from __future__ import annotations

import pytest

from gateway.sfu.estimation import bursts
from gateway.sfu.estimation.bursts import OwnBursts
from gateway.sfu.estimation.history import Group

RATE = 1e6
FRAME = 2_500
"""Octets that take 20 ms of every 40 at `RATE`."""


def frames(count: int, octets: int = FRAME, start: float = 0.0) -> list[Group]:
    return [(start + n * 0.04, 9.0, octets) for n in range(count)]


def explained(own: OwnBursts, groups: list[Group], rate: float = RATE) -> list[float]:
    return [seconds for _, _, seconds in own.explain(groups, rate)]


def test_frames_that_are_all_alike_explain_nothing() -> None:
    assert explained(OwnBursts(), frames(50)) == pytest.approx([0.0] * 50)


def test_a_keyframe_explains_what_it_takes_longer_until_it_has_drained() -> None:
    own = OwnBursts()
    own.explain(frames(50), RATE)
    waits = explained(own, frames(1, 6 * FRAME, 2.0) + frames(20, start=2.04))
    assert waits[0] == pytest.approx(0.1)
    drained = 0.04 * bursts.EASING - 0.02
    assert waits[1:4] == pytest.approx([0.1 - n * drained for n in (1, 2, 3)])
    assert waits[-1] == pytest.approx(0.0)


def test_half_the_rate_explains_twice_as_much() -> None:
    own = OwnBursts()
    own.explain(frames(50, FRAME // 2), RATE / 2)
    assert explained(own, frames(1, FRAME // 2 * 6, 2.0), RATE / 2) == pytest.approx([0.1], rel=0.01)


def test_sending_a_little_too_much_for_ever_explains_nothing() -> None:
    own = OwnBursts()
    own.explain(frames(1), RATE)
    assert explained(own, frames(500, round(2.1 * FRAME), 0.04))[-1] < 0.03


def test_there_is_an_end_to_what_is_explained() -> None:
    own = OwnBursts()
    assert max(explained(own, frames(500, 10 * FRAME))) <= bursts.LARGEST


def test_larger_frames_are_the_usual_ones_after_two_renewals() -> None:
    own = OwnBursts()
    own.explain(frames(50), RATE)
    assert explained(own, frames(50, FRAME * 3 // 2, 2.0))[-1] == pytest.approx(0.01)
    for n in range(2):
        own.renew()
        last = explained(own, frames(50, FRAME * 3 // 2, 4.0 + 2 * n))[-1]
    assert last == pytest.approx(0.0)
