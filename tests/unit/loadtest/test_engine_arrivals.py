"""Bursts in, transport-wide feedback out, read back by the gateway's own parser."""

from __future__ import annotations

from gateway.protocol.rtcp import TransportFeedback, parse_rtcp
from gateway.protocol.transport_feedback import TICKS_PER_REFERENCE, TICKS_PER_SECOND
from loadtest.engine.arrivals import MAX_PACKETS, Arrivals

SSRC = 77


def told(arrivals: Arrivals) -> dict[int, float | None]:
    """When which packet arrived (Unix time modulo the message's), as a receiver of the feedback has it."""
    found: dict[int, float | None] = {}
    for data in arrivals.take(SSRC):
        assert len(data) <= 1_200
        (message,) = parse_rtcp(data)
        assert isinstance(message, TransportFeedback)
        assert message.media_ssrc == SSRC
        for place, ticks in enumerate(message.arrivals):
            at = None
            if ticks is not None:
                at = (message.reference_time * TICKS_PER_REFERENCE + ticks) / TICKS_PER_SECOND
            found[message.base_sequence + place & 0xFFFF] = at
    return found


def fed(*bursts: tuple[int, int, float]) -> Arrivals:
    arrivals = Arrivals()
    arrivals.bursts.extend(bursts)
    return arrivals


def test_all_that_arrived_in_order_over_a_wrap() -> None:
    found = told(fed((65_534, 3, 100.0), (1, 2, 100.03125)))
    assert found == {65_534: 100.0, 65_535: 100.0, 0: 100.0, 1: 100.03125, 2: 100.03125}


def test_a_loss_in_between_is_told() -> None:
    found = told(fed((10, 2, 100.0), (13, 1, 100.0)))
    assert found == {10: 100.0, 11: 100.0, 12: None, 13: 100.0}


def test_a_loss_between_two_messages_is_told() -> None:
    arrivals = fed((10, 2, 100.0))
    told(arrivals)
    arrivals.bursts.append((14, 1, 100.25))
    assert told(arrivals) == {12: None, 13: None, 14: 100.25}
    arrivals.bursts.append((15, 1, 100.5))
    assert told(arrivals) == {15: 100.5}


def test_what_comes_late_is_told_afterwards_and_calls_nothing_lost() -> None:
    arrivals = fed((10, 1, 100.0), (12, 2, 100.0))
    told(arrivals)
    arrivals.bursts.append((11, 1, 100.25))
    assert told(arrivals) == {11: 100.25}
    arrivals.bursts.append((14, 1, 100.5))
    assert told(arrivals) == {14: 100.5}


def test_a_pause_longer_than_a_small_delta() -> None:
    assert told(fed((10, 1, 100.0), (11, 1, 100.5))) == {10: 100.0, 11: 100.5}


def test_many_packets_take_several_messages() -> None:
    arrivals = fed(*((number, 50, 100.0 + number / 50_000) for number in range(0, 2_000, 50)))
    assert set(told(arrivals)) == set(range(2_000))
    arrivals = fed((0, 3 * MAX_PACKETS // 4, 100.0), (3 * MAX_PACKETS // 4, 10, 101.0))
    assert len(told(arrivals)) == 3 * MAX_PACKETS // 4 + 10


def test_messages_are_counted() -> None:
    arrivals = fed((0, 1, 100.0))
    numbers = []
    for number in range(3):
        for data in arrivals.take(SSRC):
            (message,) = parse_rtcp(data)
            assert isinstance(message, TransportFeedback)
            numbers.append(message.feedback_count)
        arrivals.bursts.append((number + 1, 1, 100.0))
    assert numbers == [0, 1, 2]
    assert fed().take(SSRC) == []
