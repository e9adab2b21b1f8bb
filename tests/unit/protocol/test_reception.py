"""Reception reports of streams with known losses, order and arrival times."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.reception import ReceptionStatistics
from gateway.protocol.rtcp import ReceiverReport, ntp_from_unix, ntp_middle32, parse_rtcp
from gateway.protocol.sequence import SequenceUnwrapper

CLOCK = 90_000


def video(ssrc: int = 7) -> ReceptionStatistics:
    return ReceptionStatistics(ssrc, CLOCK)


def test_before_the_first_packet() -> None:
    report = video().report(10.0)
    assert (report.ssrc, report.fraction_lost, report.cumulative_lost) == (7, 0, 0)
    assert (report.highest_sequence, report.jitter, report.last_sr, report.delay_since_last_sr) == (
        0,
        0,
        0,
        0,
    )
    assert video().lost_packets == 0


@pytest.mark.parametrize("start", [0, 1, 65530, 65535])
def test_losses_and_wraps(start: int) -> None:
    statistics, unwrapper = video(), SequenceUnwrapper()
    for offset in range(20):
        if offset not in (3, 7, 8, 15):
            extended = unwrapper.unwrap((start + offset) % 65536)
            statistics.received(extended, offset * 3000, 10.0 + offset / 30)
    report = statistics.report(11.0)
    assert report.cumulative_lost == statistics.lost_packets == 4
    assert report.fraction_lost == 4 * 256 // 20
    assert report.highest_sequence == start + 19  # wraps are counted from 0
    assert statistics.received_packets == 16


def test_fraction_is_since_the_last_report() -> None:
    statistics = video()
    for number in (0, 1, 2, 3, 5, 6, 7, 9):
        statistics.received(number, 0, 10.0)
    assert statistics.report(10.0).fraction_lost == 2 * 256 // 10
    assert statistics.fraction_lost == 0.2
    for number in range(10, 20):
        statistics.received(number, 0, 10.0)
    report = statistics.report(10.0)
    assert report.fraction_lost == 0
    assert report.cumulative_lost == 2
    assert statistics.report(10.0).fraction_lost == 0


def test_late_packets_reduce_the_loss_and_the_fraction_never_turns_negative() -> None:
    statistics = video()
    for number in (0, 1, 2, 5):
        statistics.received(number, 0, 10.0)
    assert statistics.report(10.0).cumulative_lost == 2
    statistics.received(3, 0, 10.0)
    statistics.received(4, 0, 10.0)
    report = statistics.report(10.0)
    assert (report.cumulative_lost, report.fraction_lost) == (0, 0)


def test_packets_that_arrive_twice_make_the_loss_negative() -> None:
    statistics = video()
    for number in (0, 1, 1, 1):
        statistics.received(number, 0, 10.0)
    assert statistics.report(10.0).cumulative_lost == statistics.lost_packets == -2


def test_packet_sent_before_the_first_to_arrive_is_expected_too() -> None:
    statistics = video()
    for number in (65537, 65535, 65538):
        statistics.received(number, 0, 10.0)
    report = statistics.report(10.0)
    assert report.cumulative_lost == 1
    assert report.highest_sequence == 2


def test_almost_everything_lost_saturates() -> None:
    statistics = video()
    statistics.received(1, 0, 10.0)
    statistics.report(10.0)
    statistics.received(2**24, 0, 10.0)
    report = statistics.report(10.0)
    assert report.fraction_lost == 255
    assert report.cumulative_lost == 0x7FFFFF
    assert parse_rtcp(ReceiverReport(1, (report,)).encode()) == [ReceiverReport(1, (report,))]


def test_all_of_an_interval_lost_keeps_the_last_report_honest() -> None:
    statistics = video()
    for number in range(10):
        statistics.received(number, 0, 10.0)
    statistics.report(10.0)
    assert statistics.report(15.0).fraction_lost == 0  # nothing newer is known to have been sent
    statistics.received(20, 0, 16.0)
    assert statistics.report(16.0).fraction_lost == 10 * 256 // 11


def test_steady_arrivals_have_no_jitter() -> None:
    statistics = video()
    for number in range(100):
        statistics.received(number, number * 3000, 10.0 + number / 30)
    assert statistics.report(20.0).jitter == 0
    assert statistics.jitter == pytest.approx(0.0, abs=1e-9)


def test_jitter_vector() -> None:
    """RFC 3550 A.8 by hand: differences of 0, 900 and 900 units."""
    statistics = video()
    for number, now in enumerate([10.0, 10.02, 10.05, 10.06]):
        statistics.received(number, number * 1800, now)
    expected = 900 / 16
    expected += (900 - expected) / 16
    assert statistics.report(11.0).jitter == int(expected)
    assert statistics.jitter == pytest.approx(expected / CLOCK)


def test_jitter_converges_to_the_mean_difference() -> None:
    statistics = video()
    for number in range(1000):
        statistics.received(number, number * 3000, 10.0 + number / 30 + (number % 2) * 0.004)
    assert statistics.jitter == pytest.approx(0.004, rel=0.01)


def test_pacing_within_a_frame_is_no_jitter() -> None:
    statistics = video()
    for number in range(300):
        frame, part = divmod(number, 10)
        statistics.received(number, frame * 3000, 10.0 + frame / 30 + part * 0.002)
    assert statistics.jitter == pytest.approx(0.0, abs=1e-9)


def test_late_packets_do_not_count_for_jitter() -> None:
    statistics = video()
    for number in (0, 1, 3, 4):
        statistics.received(number, number * 3000, 10.0 + number / 30)
    statistics.received(2, 2 * 3000, 15.0)
    statistics.received(5, 5 * 3000, 10.0 + 5 / 30)
    assert statistics.jitter == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("start", [2**32 - 9000, 2**32 - 1, 0])
def test_wrap_of_the_timestamp_is_no_jitter(start: int, extended: bool) -> None:
    statistics = video()
    for number in range(20):
        timestamp = start + number * 3000
        statistics.received(number, timestamp if extended else timestamp % 2**32, 10.0 + number / 30)
    assert statistics.jitter == pytest.approx(0.0, abs=1e-9)


def test_absurd_timestamps_stay_in_range() -> None:
    statistics = video()
    for number in range(50):
        statistics.received(number, number % 2 * 2**34, 10.0)
    report = statistics.report(10.0)
    assert report.jitter == 0xFFFFFFFF
    assert report.encode()


def test_sender_report_is_quoted_with_its_age() -> None:
    statistics = video()
    ntp = ntp_from_unix(1_790_000_000.25)
    statistics.on_sender_report(ntp, 100.0)
    report = statistics.report(101.5)
    assert report.last_sr == ntp_middle32(ntp)
    assert report.delay_since_last_sr == 98304
    assert report.round_trip_time(ntp_from_unix(1_790_000_000.25 + 1.6)) == pytest.approx(0.1, abs=1e-4)


def test_age_of_a_sender_report_stays_in_range() -> None:
    statistics = video()
    statistics.on_sender_report(1 << 40, 100.0)
    assert statistics.report(99.0).delay_since_last_sr == 0
    assert statistics.report(100.0 + 1e9).delay_since_last_sr == 0xFFFFFFFF


@given(st.integers(0, 65535), st.sets(st.integers(0, 3000), min_size=1, max_size=300), st.randoms())
def test_loss_is_exact_in_any_order(start: int, arrived: set[int], shuffler: random.Random) -> None:
    statistics = video()
    order = sorted(arrived)
    shuffler.shuffle(order)
    for offset in order:
        statistics.received(65536 + start + offset, 0, 10.0)
    expected = max(arrived) - min(arrived) + 1
    report = statistics.report(10.0)
    assert report.cumulative_lost == expected - len(arrived)
    assert report.fraction_lost == min(255, 256 * (expected - len(arrived)) // expected)
    assert parse_rtcp(ReceiverReport(1, (report,)).encode()) == [ReceiverReport(1, (report,))]
