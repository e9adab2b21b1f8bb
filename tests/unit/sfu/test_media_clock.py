"""RTP timestamps on our wall clock."""

from __future__ import annotations

import pytest

from gateway.protocol.rtcp import ntp_from_unix, unix_from_ntp
from gateway.protocol.rtp import RtpPacket, parse_rtp
from gateway.sfu.media_clock import CLOCK_STEP, MediaClock, PublisherClock, signed_difference
from tests.unit.sfu.fakes import vp8

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


CAPTURE_ID = 7


def with_capture_time(value: bytes) -> RtpPacket:
    return parse_rtp(vp8(1, tags={CAPTURE_ID: value, 1: b"x"}))


def test_capture_times_are_put_on_our_clock() -> None:
    video, _ = clocks()
    packet = with_capture_time(ntp_from_unix(THEIRS).to_bytes(8, "big"))
    video.localize_capture_time(packet, CAPTURE_ID)
    assert dict(packet.extensions) == {1: b"x"}, "nothing is known of the publisher's clock yet"
    video.on_sender_report(ntp_from_unix(THEIRS), 0, WALL)
    packet = with_capture_time(ntp_from_unix(THEIRS - 0.25).to_bytes(8, "big"))
    video.localize_capture_time(packet, CAPTURE_ID)
    captured = unix_from_ntp(int.from_bytes(packet.extensions[CAPTURE_ID], "big"))
    assert captured == pytest.approx(WALL - 0.25, abs=1e-5)
    assert packet.extensions[1] == b"x"


def test_a_capture_clock_apart_from_the_senders_is_taken_into_account() -> None:
    video, _ = clocks()
    video.on_sender_report(ntp_from_unix(THEIRS), 0, WALL)
    distance = -90 << 32  # the camera's clock is behind the sender's by a minute and a half
    value = ntp_from_unix(THEIRS - 90).to_bytes(8, "big") + distance.to_bytes(8, "big", signed=True)
    packet = with_capture_time(value)
    video.localize_capture_time(packet, CAPTURE_ID)
    assert len(packet.extensions[CAPTURE_ID]) == 8
    captured = unix_from_ntp(int.from_bytes(packet.extensions[CAPTURE_ID], "big"))
    assert captured == pytest.approx(WALL, abs=1e-5)


@pytest.mark.parametrize("size", [0, 1, 7, 9, 15])
def test_what_is_no_capture_time_goes_no_further(size: int) -> None:
    video, _ = clocks()
    video.on_sender_report(ntp_from_unix(THEIRS), 0, WALL)
    packet = with_capture_time(bytes(size))
    video.localize_capture_time(packet, CAPTURE_ID)
    assert CAPTURE_ID not in packet.extensions
