from __future__ import annotations

import pytest

from gateway.client.rtp_receiver import MAX_TRACKED_GAP, RtpReceiver
from gateway.protocol.rtcp import ntp_from_unix, ntp_middle32


def receive(stream: RtpReceiver, *sequences: int) -> list[int]:
    missing = []
    for number, sequence in enumerate(sequences):
        missing += stream.add(sequence & 0xFFFF, number * 3_000, 100, number / 30)
    return missing


@pytest.mark.parametrize("first", [0, 5, 65_533, 65_535])
def test_a_gap_is_named_once_and_closed_by_the_late_packet(first: int) -> None:
    stream = RtpReceiver(1, 90_000)
    assert receive(stream, first, first + 1, first + 4) == [(first + 2) & 0xFFFF, (first + 3) & 0xFFFF]
    assert (stream.expected, stream.lost) == (5, 2)
    assert receive(stream, first + 3) == []
    assert (stream.lost, stream.reordered, len(stream.missing)) == (1, 1, 1)


def test_a_packet_seen_before_is_repeated_not_reordered() -> None:
    stream = RtpReceiver(1, 90_000)
    receive(stream, 10, 11, 11)
    assert (stream.repeated, stream.reordered, stream.lost) == (1, 0, -1)


def test_what_comes_late_from_before_the_first_moves_the_base() -> None:
    stream = RtpReceiver(1, 90_000)
    receive(stream, 10, 9, 11)
    assert (stream.expected, stream.lost, stream.repeated) == (3, 0, 0)


def test_an_outage_is_not_asked_for() -> None:
    stream = RtpReceiver(1, 90_000)
    assert receive(stream, 10, 10 + MAX_TRACKED_GAP + 2) == []
    assert stream.lost == MAX_TRACKED_GAP + 1


def test_the_report_tells_of_the_interval_and_of_the_whole() -> None:
    stream = RtpReceiver(7, 90_000)
    assert stream.report(0.0) is None
    receive(stream, 65_534, 65_535, 2)  # two of five lost
    stream.sender_report(ntp_from_unix(1_000.0), 10.0)
    first = stream.report(10.5)
    assert first is not None
    assert (first.ssrc, first.fraction_lost, first.cumulative_lost) == (7, 2 * 256 // 5, 2)
    assert first.highest_sequence == 0x2_0002
    assert first.last_sr == ntp_middle32(ntp_from_unix(1_000.0))
    assert first.delay_since_last_sr == 32_768
    receive(stream, 3, 4)
    second = stream.report(11.0)
    assert second is not None
    assert (second.fraction_lost, second.cumulative_lost) == (0, 2)


def test_jitter_is_nothing_on_an_even_stream_and_grows_on_an_uneven_one() -> None:
    even, uneven = RtpReceiver(1, 90_000), RtpReceiver(1, 90_000)
    for number in range(100):
        even.add(number, number * 3_000, 1, number / 30)
        uneven.add(number, number * 3_000, 1, number / 30 + (0.01 if number % 2 else 0.0))
    assert even.jitter == pytest.approx(0, abs=1e-3)
    assert uneven.jitter == pytest.approx(900, rel=0.05)
