from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol.rtcp import TransportFeedback
from gateway.protocol.transport_feedback import TICKS_PER_SECOND
from gateway.protocol.twcc import TransportCcReceiver
from gateway.sfu.estimation import history
from gateway.sfu.estimation.history import Reception, SendHistory, group

START = 65_536 + 100


def feedback(base: int, *arrivals: float | None, reference: int = 0) -> TransportFeedback:
    ticks = tuple([None if a is None else round(a * TICKS_PER_SECOND) for a in arrivals])
    return TransportFeedback(1, 2, base & 0xFFFF, reference, 0, ticks)


def take(sent: SendHistory, base: int, *arrivals: float | None, reference: int = 0) -> Reception:
    reception = sent.acknowledge(feedback(base, *arrivals, reference=reference))
    assert reception is not None
    return reception


@pytest.fixture
def drops() -> Counter[str]:
    return Counter()


@pytest.fixture
def sent(drops: Counter[str]) -> SendHistory:
    return SendHistory(drops)


def test_bursts_become_groups_with_the_arrival_of_their_last_packet(sent: SendHistory) -> None:
    sent.sent(START, 3, 3000, 10.0)
    sent.sent(START + 3, 1, 100, 10.02)
    reception = take(sent, START, 0.010, 0.011, 0.012, 0.030, reference=100)
    assert reception.groups == [(10.0, pytest.approx(6.412), 3000), (10.02, pytest.approx(6.43), 100)]
    assert (reception.packets, reception.lost, reception.sent, reception.acked) == (4, 0, 3100, 3100)
    assert reception.newest_send == 10.02
    assert len(sent) == 0
    assert sent.oldest() is None


def test_lost_packets_are_counted_and_the_burst_ends_with_the_last_that_came(sent: SendHistory) -> None:
    sent.sent(START, 4, 4000, 10.0)
    reception = take(sent, START, 0.010, None, 0.012, None)
    assert reception.groups == [(10.0, pytest.approx(0.012), 2000)]
    assert (reception.packets, reception.lost, reception.sent, reception.acked) == (4, 2, 4000, 2000)


def test_a_burst_of_which_nothing_came_makes_no_group(sent: SendHistory) -> None:
    sent.sent(START, 2, 2000, 10.0)
    sent.sent(START + 2, 1, 1000, 10.1)
    reception = take(sent, START, None, None, 0.1)
    assert reception.groups == [(10.1, pytest.approx(0.1), 1000)]
    assert reception.lost == 2
    assert len(sent) == 0


def test_a_burst_cut_by_a_message_is_grouped_once_its_end_is_told(sent: SendHistory) -> None:
    sent.sent(START, 4, 4000, 10.0)
    first = take(sent, START, 0.010, 0.011)
    assert first.groups == []
    assert (first.packets, first.acked) == (2, 2000)
    assert first.newest_send is None
    assert sent.oldest() == 10.0
    second = take(sent, START + 2, 0.012, 0.013)
    assert second.groups == [(10.0, pytest.approx(0.013), 4000)]
    assert (second.packets, second.acked, second.gap) == (2, 2000, False)


def test_bursts_sent_within_five_milliseconds_are_one_group() -> None:
    samples = [(1.0, 0.1, 1), (1.004, 0.102, 2), (1.006, 0.11, 4), (1.02, 0.12, 8)]
    assert group(samples, 5.0) == [(1.004, 5.102, 3), (1.006, 5.11, 4), (1.02, 5.12, 8)]
    assert group([(1.0, 0.1, 1), (1.004, 0.09, 2)], 0.0) == [(1.004, 0.1, 3)]


def test_what_a_stalled_radio_delivers_at_once_is_one_group() -> None:
    samples = [(1.0, 0.1, 1), (1.02, 0.102, 2), (1.04, 0.104, 4), (1.06, 0.13, 8)]
    assert group(samples, 0.0) == [(1.04, 0.104, 7), (1.06, 0.13, 8)]


def test_the_merging_of_what_a_stall_delivers_has_an_end() -> None:
    samples = [(1.0 + n * 0.02, n * 0.0049, 1) for n in range(60)]
    assert len(group(samples, 0.0)) == 3


def test_sequence_numbers_wrap(sent: SendHistory) -> None:
    base = 2 * 65_536 - 2
    sent.sent(base, 4, 400, 1.0)
    reception = take(sent, base, 0.1, 0.1, 0.1, 0.1)
    assert reception.packets == 4
    sent.sent(base + 4, 1, 100, 1.1)
    assert take(sent, base + 4, 0.2).packets == 1


@pytest.mark.parametrize("reference", [0, 5, (1 << 24) - 1])
def test_the_reference_time_wraps(sent: SendHistory, reference: int) -> None:
    sent.sent(START, 1, 100, 1.0)
    sent.sent(START + 1, 1, 100, 1.128)
    first = take(sent, START, 0.0, reference=reference)
    second = take(sent, START + 1, 0.0, reference=(reference + 2) & 0xFF_FFFF)
    assert second.groups[0][1] - first.groups[0][1] == pytest.approx(0.128)


def test_a_gap_in_the_feedback_is_told_and_nothing_in_it_is_lost(sent: SendHistory) -> None:
    for n in range(6):
        sent.sent(START + n, 1, 100, 1.0 + n / 50)
    assert take(sent, START, 0.0, 0.02).gap  # what was before is not known
    reception = take(sent, START + 4, 0.08, 0.1)
    assert reception.gap
    assert (reception.packets, reception.lost) == (2, 0)
    assert [octets for _, _, octets in reception.groups] == [300, 100], (
        "what was not told of is with the next"
    )
    assert len(sent) == 0


def test_duplicates_tell_nothing(sent: SendHistory, drops: Counter[str]) -> None:
    sent.sent(START, 2, 200, 1.0)
    message = feedback(START, 0.0, 0.01)
    assert sent.acknowledge(message) is not None
    assert sent.acknowledge(message) is None
    assert drops == {"feedback_nothing_new": 1}


def test_overlapping_messages_count_packets_once(sent: SendHistory) -> None:
    sent.sent(START, 4, 400, 1.0)
    assert take(sent, START, 0.0, 0.01).packets == 2
    reception = take(sent, START, 0.0, 0.01, 0.02, 0.03)
    assert (reception.packets, reception.acked) == (2, 200)


def test_a_late_packet_is_lost_no_more(sent: SendHistory) -> None:
    sent.sent(START, 3, 300, 1.0)
    sent.sent(START + 3, 1, 100, 1.1)
    assert take(sent, START, 0.0, None, 0.01).lost == 1
    reception = take(sent, START + 1, 0.1, 0.01, 0.11)
    assert (reception.lost, reception.packets, reception.acked) == (-1, 1, 200)
    sent.sent(START + 4, 1, 100, 1.2)
    assert take(sent, START + 1, 0.1, 0.01, 0.11, 0.12).lost == 0, "it came once"


def test_a_message_about_late_packets_only(sent: SendHistory) -> None:
    sent.sent(START, 3, 300, 1.0)
    take(sent, START, 0.0, None, 0.01)
    reception = take(sent, START + 1, 0.02)
    assert (reception.lost, reception.packets, reception.acked, reception.groups) == (-1, 0, 100, [])


def test_feedback_about_the_future_or_before_any_sending_is_dropped(
    sent: SendHistory, drops: Counter[str]
) -> None:
    assert sent.acknowledge(feedback(0, 0.0)) is None
    sent.sent(START, 1, 100, 1.0)
    assert sent.acknowledge(feedback(START, 0.0, 0.01)) is None
    assert sent.acknowledge(feedback(START + 1, 0.0)) is None
    assert sum(drops.values()) == 3
    assert take(sent, START, 0.0).packets == 1


def test_without_feedback_memory_is_bounded(sent: SendHistory) -> None:
    for n in range(10_000):
        sent.sent(START + n, 1, 100, n / 75)
    assert len(sent) <= history.MAX_AGE * 75 + 2
    for n in range(10_000):
        sent.sent(START + 10_000 + n, 1, 100, 134.0)
    assert len(sent) == history.MAX_BURSTS


def test_the_memory_of_lost_packets_is_bounded(sent: SendHistory) -> None:
    sent.sent(START, 2000, 200_000, 1.0)
    sent.sent(START + 2000, 1, 100, 1.1)
    arrivals = [None] * 2000 + [0.1]
    assert take(sent, START, *arrivals).lost == 2000
    sent.sent(START + 2001, 1, 100, 1.2)
    back = take(sent, START, *[0.2] * 2002)
    assert -history.MAX_MISSING <= back.lost < 0


def test_what_was_sent_lately(sent: SendHistory) -> None:
    for n in range(10):
        sent.sent(START + n, 1, 100, n / 10)
    assert sent.sent_since(0.45) == 500


def test_probe_packets_are_told_with_the_octets_so_far(sent: SendHistory) -> None:
    sent.sent(START, 1, 500, 1.0, 7)
    sent.sent(START + 1, 2, 2000, 1.002)
    sent.sent(START + 3, 1, 500, 1.004, 7)
    reception = take(sent, START, 0.0, 0.01, 0.02, 0.03)
    assert reception.probed == [(7, 1, 1.0, 0.0, 500), (7, 1, 1.004, pytest.approx(0.03), 3000)]
    assert reception.packets == 4


@settings(deadline=None)
@given(st.data())
def test_whatever_is_lost_or_late_every_packet_is_told_of_once(data: st.DataObject) -> None:
    sent = SendHistory(Counter())
    receiver = TransportCcReceiver(1, 2)
    sequence = first = 65_536 + data.draw(st.integers(65_000, 65_535))
    told = lost = acked = came = 0
    for step in range(data.draw(st.integers(1, 30))):
        now = 1.0 + step * 0.02
        packets = data.draw(st.integers(1, 5))
        sent.sent(sequence, packets, 100 * packets, now)
        for number in range(sequence, sequence + packets):
            if number == first or data.draw(st.booleans()):
                receiver.add(number & 0xFFFF, now + data.draw(st.floats(0.01, 0.015)))
                came += 1
        sequence += packets
        if data.draw(st.booleans()):
            while (message := receiver.build(now + 0.02)) is not None:
                reception = sent.acknowledge(TransportFeedback.parse(message[4:]))
                if reception is not None:
                    told, lost, acked = (
                        told + reception.packets,
                        lost + reception.lost,
                        acked + reception.acked,
                    )
    while (message := receiver.build(9.0)) is not None:
        reception = sent.acknowledge(TransportFeedback.parse(message[4:]))
        assert reception is not None
        told, lost, acked = told + reception.packets, lost + reception.lost, acked + reception.acked
    assert told - lost == came
    assert acked == 100 * came


@settings(deadline=None)
@given(
    st.integers(0, 65_535),
    st.integers(0, (1 << 24) - 1),
    st.lists(st.none() | st.integers(-(1 << 25), 1 << 25), min_size=1, max_size=50),
)
def test_nonsense_is_survived(base: int, reference: int, arrivals: list[int | None]) -> None:
    sent = SendHistory(Counter())
    for n in range(100):
        sent.sent(START + 2 * n, 2, 200, n / 50, 1 if n % 7 == 0 else None)
    sent.acknowledge(TransportFeedback(1, 2, base, reference, 0, tuple(arrivals)))
    sent.sent(START + 200, 1, 100, 2.1)
    assert take(sent, START + 200, 0.5).packets == 1
