"""RTP timestamps on our wall clock."""

from __future__ import annotations

import pytest

from gateway.protocol.rtcp import ntp_from_unix
from gateway.sfu.media_clock import CLOCK_STEP, MediaClock, PublisherClock, signed_difference

WALL = 1_790_000_000.0
THEIRS = WALL - 86_400 * 400  # a publisher whose clock is over a year behind


def clocks() -> tuple[MediaClock, MediaClock]:
    publisher = PublisherClock()
    return MediaClock(90_000, publisher), MediaClock(48_000, publisher)


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [(5, 3, 2), (3, 5, -2), (2, 2**32 - 1, 3), (2**32 - 1, 2, -3), (2**31, 0, -(2**31))],
)
def test_differences_on_the_circle(a: int, b: int, difference: int) -> None:
    assert signed_difference(a, b) == difference


def test_before_any_packet_nothing_is_known() -> None:
    video, audio = clocks()
    assert video.timestamp_at(WALL) is None
    assert video.wall_at(5) is None
    assert video.seconds_between(audio, 0, 0) is None


def test_until_the_first_report_the_first_arrival_stands_in() -> None:
    video, _ = clocks()
    video.arrived(2**32 - 90_000, WALL)
    video.arrived(77, WALL + 50)
    assert video.timestamp_at(WALL + 2) == 90_000
    assert video.wall_at(45_000) == pytest.approx(WALL + 1.5)
    assert not video.reported


def test_reports_keep_the_tracks_of_a_publisher_together() -> None:
    video, audio = clocks()
    # Both were sampled at the same instant of the publisher; the reports arrive 300 ms apart.
    video.on_sender_report(ntp_from_unix(THEIRS), 1_000_000, WALL)
    audio.on_sender_report(ntp_from_unix(THEIRS), 5_000, WALL + 0.3)
    assert video.wall_at(1_000_000) == pytest.approx(audio.wall_at(5_000), abs=1e-6)
    assert video.timestamp_at(WALL + 1) == 1_090_000
    assert audio.timestamp_at(WALL + 1) == 53_000
    assert video.seconds_between(audio, 5_000, 1_090_000) == pytest.approx(1.0, abs=1e-6)


def test_a_sender_without_a_wall_clock_reports_nothing() -> None:
    video, _ = clocks()
    video.arrived(0, WALL)
    video.on_sender_report(0, 5_000_000, WALL + 1)
    assert not video.reported
    assert video.timestamp_at(WALL + 1) == 90_000


def test_a_clock_that_is_set_moves_both_tracks_and_not_the_media() -> None:
    video, audio = clocks()
    video.on_sender_report(ntp_from_unix(THEIRS), 0, WALL)
    audio.on_sender_report(ntp_from_unix(THEIRS), 0, WALL)
    step = 3_600.0
    video.on_sender_report(ntp_from_unix(THEIRS + 1 + step), 90_000, WALL + 1.02)
    audio.on_sender_report(ntp_from_unix(THEIRS + 1 + step), 48_000, WALL + 1.04)
    assert video.wall_at(90_000) == pytest.approx(WALL + 1, abs=0.05)
    assert video.wall_at(90_000) == pytest.approx(audio.wall_at(48_000), abs=1e-6)


def test_a_report_that_was_long_on_its_way_moves_nothing() -> None:
    video, _ = clocks()
    video.on_sender_report(ntp_from_unix(THEIRS), 0, WALL)
    video.on_sender_report(ntp_from_unix(THEIRS + 1), 90_000, WALL + 1 + CLOCK_STEP * 0.9)
    assert video.wall_at(90_000) == pytest.approx(WALL + 1, abs=1e-6)


def test_on_one_clock_no_report_is_needed() -> None:
    video, audio = clocks()
    video.arrived(0, WALL)
    audio.arrived(0, WALL)
    assert video.seconds_between(video, 2**32 - 45_000, 45_000) == 1.0
    assert video.seconds_between(audio, 0, 0) is None
