"""Feedback of the receiving side: what is told about every packet, over wraps, losses and pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.rtcp import TransportFeedback, parse_rtcp
from gateway.protocol.transport_feedback import TICKS_PER_SECOND
from gateway.protocol.twcc import MAX_GAP, MAX_RECEIVED, MAX_TRACKED, TransportCcReceiver

STARTS = [0, 1, 32767, 32768, 65530, 65535]


def take(receiver: TransportCcReceiver, now: float) -> list[TransportFeedback]:
    """Everything the receiver has to tell."""
    messages = []
    while (data := receiver.build(now)) is not None:
        assert len(data) < 1200
        [message] = parse_rtcp(data)
        assert isinstance(message, TransportFeedback)
        messages.append(message)
    return messages


def told(messages: list[TransportFeedback]) -> dict[int, float | None]:
    """Arrival in seconds by sequence number, as a sender sees it: received once is received."""
    result: dict[int, float | None] = {}
    for message in messages:
        for offset, arrival in enumerate(message.arrivals):
            number = (message.base_sequence + offset) % 65536
            if arrival is not None:
                result[number] = message.reference_time * 0.064 + arrival / TICKS_PER_SECOND
            else:
                result.setdefault(number, None)
    return result


def test_nothing_to_tell() -> None:
    receiver = TransportCcReceiver(1)
    assert receiver.build(10.0) is None
    receiver.add(5, 10.0)
    assert receiver.build(10.0) is not None
    assert receiver.build(10.0) is None


def test_header_fields() -> None:
    receiver = TransportCcReceiver(0x11111111, 0x22222222)
    for count in range(258):
        receiver.add(count, 10.0)
        [message] = take(receiver, 10.0)
        assert message.sender_ssrc == 0x11111111
        assert message.media_ssrc == 0x22222222
        assert message.feedback_count == count % 256
        assert message.base_sequence == count
    receiver.media_ssrc = 3
    receiver.add(258, 10.0)
    assert take(receiver, 10.0)[0].media_ssrc == 3


@pytest.mark.parametrize("start", STARTS)
def test_losses_within_and_between_messages(start: int) -> None:
    receiver = TransportCcReceiver(1)
    for offset in (0, 1, 3):
        receiver.add((start + offset) % 65536, 10.0 + offset * 0.01)
    [first] = take(receiver, 10.1)
    assert first.base_sequence == start
    assert [arrival is not None for arrival in first.arrivals] == [True, True, False, True]
    receiver.add((start + 6) % 65536, 10.2)
    [second] = take(receiver, 10.2)
    assert second.base_sequence == (start + 4) % 65536
    assert [arrival is not None for arrival in second.arrivals] == [False, False, True]


def test_arrivals_are_exact_to_a_tick() -> None:
    receiver = TransportCcReceiver(1)
    times = [1000.0, 1000.00025, 1000.0101, 1000.1, 1003.5, 1003.4]
    for number, now in enumerate(times):
        receiver.add(number, now)
    assert told(take(receiver, 1004.0)) == pytest.approx(dict(enumerate(times)), abs=0.00026)


def test_first_arrival_of_a_duplicate_counts() -> None:
    receiver = TransportCcReceiver(1)
    receiver.add(7, 10.0)
    receiver.add(7, 10.5)
    [message] = take(receiver, 10.5)
    assert told([message]) == pytest.approx({7: 10.0}, abs=0.00026)
    receiver.add(7, 10.6)
    assert receiver.build(10.6) is None


@pytest.mark.parametrize("start", STARTS)
def test_packet_that_comes_after_its_message_is_told_with_its_neighbours(start: int) -> None:
    receiver = TransportCcReceiver(1)
    for offset in (0, 1, 3, 4):
        receiver.add((start + offset) % 65536, 10.0 + offset * 0.001)
    messages = take(receiver, 10.05)
    receiver.add((start + 2) % 65536, 10.06)
    receiver.add((start + 5) % 65536, 10.07)
    messages += take(receiver, 10.1)
    assert messages[1].base_sequence == (start + 2) % 65536
    assert len(messages[1].arrivals) == 4
    assert None not in messages[1].arrivals
    receiver.add((start + 6) % 65536, 10.11)
    [after] = take(receiver, 10.2)
    assert after.base_sequence == (start + 6) % 65536


def test_packet_too_late_for_the_history_is_not_told() -> None:
    receiver = TransportCcReceiver(1)
    for number in (10, 12, 13):
        receiver.add(number, 10.0)
    take(receiver, 11.0)
    receiver.add(11, 11.0)
    assert receiver.build(11.0) is None
    receiver.add(14, 11.0)
    [message] = take(receiver, 11.0)
    assert message.base_sequence == 14


@pytest.mark.parametrize("pause", [8.3, 60.0, 3600.0])
def test_pause_beyond_a_delta_starts_a_new_message(pause: float) -> None:
    receiver = TransportCcReceiver(1)
    receiver.add(1, 10.0)
    receiver.add(2, 10.0 + pause)
    receiver.add(3, 10.0 + pause)
    messages = take(receiver, 10.0 + pause)
    assert [message.base_sequence for message in messages] == [1, 2]
    assert told(messages) == pytest.approx({1: 10.0, 2: 10.0 + pause, 3: 10.0 + pause}, abs=0.00026)


def test_large_negative_delta_starts_a_new_message() -> None:
    receiver = TransportCcReceiver(1)
    receiver.add(2, 10.0)
    receiver.add(1, 19.0)
    messages = take(receiver, 19.0)
    assert [message.base_sequence for message in messages] == [1, 2]
    assert told(messages) == pytest.approx({1: 19.0, 2: 10.0}, abs=0.00026)


@pytest.mark.parametrize("start", STARTS)
def test_longest_gap_that_is_told(start: int) -> None:
    receiver = TransportCcReceiver(1)
    receiver.add(start, 10.0)
    receiver.add((start + MAX_GAP + 1) % 65536, 10.1)
    [message] = take(receiver, 10.1)
    assert len(message.arrivals) == MAX_GAP + 2


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("between", [False, True])
def test_longer_gap_is_not_told(start: int, between: bool) -> None:
    receiver = TransportCcReceiver(1)
    receiver.add(start, 10.0)
    messages = take(receiver, 10.0) if between else []
    receiver.add((start + MAX_GAP + 2) % 65536, 10.1)
    messages += take(receiver, 10.1)
    assert [len(message.arrivals) for message in messages] == [1, 1]


def test_many_long_gaps_stay_within_half_a_circle_a_message() -> None:
    receiver = TransportCcReceiver(1)
    numbers = [step * 8000 % 65536 for step in range(7)]
    for number in numbers:
        receiver.add(number, 10.0)
    messages = take(receiver, 10.0)
    assert len(messages) == 2
    assert {number for number, arrival in told(messages).items() if arrival is not None} == set(numbers)


def test_sender_that_counts_anew_is_followed() -> None:
    receiver = TransportCcReceiver(1)
    for number in range(30_000, 30_010):
        receiver.add(number, 10.0)
    take(receiver, 10.0)
    for number in range(5):
        receiver.add(number, 10.1)
    [message] = take(receiver, 10.1)
    assert message.base_sequence == 0
    assert len(message.arrivals) == 5
    assert message.feedback_count == 1


def test_burst_is_split_and_complete() -> None:
    receiver = TransportCcReceiver(1)
    for number in range(1000):
        receiver.add((65000 + number) % 65536, 10.0 + number * 0.1)
    messages = take(receiver, 110.0)
    assert len(messages) == -(-1000 // MAX_RECEIVED)
    result = told(messages)
    assert len(result) == 1000
    assert None not in result.values()


def test_memory_is_bounded_when_nobody_takes_the_messages() -> None:
    receiver = TransportCcReceiver(1)
    for number in range(3 * MAX_TRACKED):
        receiver.add(number % 65536, 10.0)
    assert len(receiver._arrivals) == MAX_TRACKED
    result = told(take(receiver, 10.0))
    assert min(result) == 2 * MAX_TRACKED
    assert None not in result.values()


def test_reported_arrivals_are_forgotten_after_half_a_second() -> None:
    receiver = TransportCcReceiver(1)
    for number in range(5000):
        now = 10.0 + number * 0.002
        receiver.add(number, now)
        if number % 50 == 0:
            take(receiver, now)
    assert len(receiver._arrivals) < 400


def test_reference_time_wraps_after_twelve_days() -> None:
    wrap = 2**24 * 0.064
    receiver = TransportCcReceiver(1)
    receiver.add(1, wrap - 0.032)
    receiver.add(2, wrap + 0.032)
    [message] = take(receiver, wrap + 1)
    assert message.reference_time == 2**24 - 1
    assert message.arrivals == (128, 384)
    receiver.add(3, wrap + 0.064)
    assert take(receiver, wrap + 1)[0].reference_time == 1


@given(
    st.sampled_from(STARTS),
    st.lists(st.tuples(st.integers(-30, 60), st.floats(0, 0.05), st.booleans()), min_size=1, max_size=200),
)
def test_sender_learns_exactly_what_arrived(start: int, steps: list[tuple[int, float, bool]]) -> None:
    """Random losses, reordering, duplicates, message times: nothing invented, nothing left out."""
    receiver = TransportCcReceiver(1)
    arrived: dict[int, float] = {}
    messages: list[TransportFeedback] = []
    position, now = 40, 100.0
    for jump, wait, flush in steps:
        position = max(0, position + jump)
        now += min(wait, 0.002)  # all within the history
        arrived.setdefault(position, now)
        receiver.add((start + position) % 65536, now)
        if flush:
            messages += take(receiver, now)
    messages += take(receiver, now)
    truth = {(start + number) % 65536: when for number, when in arrived.items()}
    received = {number: when for number, when in told(messages).items() if when is not None}
    assert received == pytest.approx(truth, abs=0.00026)
    counts = [message.feedback_count for message in messages]
    assert counts == [count % 256 for count in range(len(messages))]


@given(st.lists(st.tuples(st.integers(0, 65535), st.floats(0, 1e6)), max_size=100))
def test_any_input_gives_messages_that_can_be_read(inputs: list[tuple[int, float]]) -> None:
    receiver = TransportCcReceiver(1)
    for number, now in inputs:
        receiver.add(number, now)
        if number % 3 == 0:
            take(receiver, now)
    take(receiver, 1e6)
    assert receiver.build(1e6) is None
