"""Which packets are asked for again, when, and when they are given up."""

from __future__ import annotations

import pytest

from gateway.sfu.nack import (
    FIRST_RETRY,
    LONGEST_RETRY,
    MAX_GAP,
    PATIENCE,
    PRECEDING,
    RETRY_FACTOR,
    SHORTEST_RETRY,
    Arrival,
    GapTracker,
)

START = 70_000


def tracker(*indices: int) -> GapTracker:
    gaps = GapTracker()
    for index in (START, *indices):
        gaps.received(index, 0.0)
    return gaps


def test_in_order_nothing_is_missing() -> None:
    gaps = GapTracker()
    assert gaps.received(START, 0.0) is Arrival.FIRST
    assert {gaps.received(START + i, 0.0) for i in range(1, 1_000)} == {Arrival.NEW}
    assert gaps.due(1.0) == []
    assert len(gaps) == PRECEDING


def test_nothing_is_due_before_the_first_packet() -> None:
    assert GapTracker().due(1.0) == []


def test_a_gap_is_asked_for_at_once_and_again_until_given_up() -> None:
    gaps = tracker(START + 3)
    asked = []
    now = 0.0
    for _ in range(1_000):
        if lost := gaps.due(now):
            asked.append((round(now, 3), lost))
        now += 0.005
    times = [at for at, _ in asked]
    assert all(lost == [START + 1, START + 2] for _, lost in asked)
    assert times == pytest.approx([0.0, FIRST_RETRY, 3 * FIRST_RETRY, 7 * FIRST_RETRY], abs=0.03)
    assert times[-1] < PATIENCE
    assert gaps.abandoned == 2
    assert gaps.received(START + 1, now) is Arrival.UNEXPECTED


def test_what_comes_late_mends_the_gap_once() -> None:
    gaps = tracker(START + 2)
    assert gaps.received(START + 1, 0.1) is Arrival.MENDED
    assert gaps.received(START + 1, 0.1) is Arrival.UNEXPECTED
    assert gaps.due(0.2) == []


@pytest.mark.parametrize(
    ("took", "retry"),
    [(0.001, SHORTEST_RETRY), (0.1, RETRY_FACTOR * 0.1), (0.3, LONGEST_RETRY)],
)
def test_who_is_far_away_is_not_asked_again_before_an_answer_can_be_here(took: float, retry: float) -> None:
    gaps = GapTracker()
    gaps.received(START, 0.0)
    index, now = START, 0.0
    for _ in range(30):
        now += 1.0
        index += 2
        gaps.received(index, now)
        assert gaps.due(now) == [index - 1]
        gaps.received(index - 1, now + took)
    assert gaps.retry == pytest.approx(retry)
    gaps.received(index + 2, now + 1.0)
    assert gaps.due(now + 1.0) == [index + 1]
    assert gaps.due(now + 1.0 + retry - 0.005) == []
    assert gaps.due(now + 1.0 + retry + 0.005) == [index + 1]


def test_an_answer_to_one_of_several_requests_tells_nothing_of_the_way() -> None:
    gaps = tracker(START + 2)
    assert gaps.due(0.0) == gaps.due(FIRST_RETRY) == [START + 1]
    assert gaps.received(START + 1, FIRST_RETRY + 0.001) is Arrival.MENDED
    assert gaps.retry == FIRST_RETRY


@pytest.mark.parametrize("back", range(1, PRECEDING + 1))
def test_packets_just_before_the_first_are_taken_but_not_asked_for(back: int) -> None:
    gaps = tracker()
    assert gaps.due(9.0) == []
    assert gaps.received(START - back, 0.0) is Arrival.MENDED


def test_packets_long_before_the_first_are_not_taken() -> None:
    assert tracker().received(START - PRECEDING - 1, 0.0) is Arrival.UNEXPECTED


def test_a_hole_too_large_is_not_mended() -> None:
    gaps = tracker()
    widest = START + MAX_GAP - PRECEDING + 1
    assert tracker().received(widest, 0.0) is Arrival.NEW
    assert gaps.received(widest + 1, 0.0) is Arrival.AFTER_HOLE
    assert gaps.due(1.0) == []
    assert gaps.abandoned == MAX_GAP + 1
    assert gaps.received(START + 1, 0.0) is Arrival.UNEXPECTED
    assert gaps.received(widest + 2, 0.0) is Arrival.NEW


def test_many_small_gaps_are_bounded_together() -> None:
    gaps = GapTracker()
    for index in range(START, START + 4 * MAX_GAP, 2):
        gaps.received(index, 0.0)
        assert len(gaps) <= MAX_GAP
