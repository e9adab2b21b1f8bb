"""One viewer's stream: numbers that go on, reports that tell the time."""

from __future__ import annotations

import pytest

from gateway.protocol.rtcp import ntp_from_unix, unix_from_ntp
from gateway.sfu.packet_cache import HORIZON
from tests.unit.sfu.fakes import CM, GCM, Studio, Viewer, vp8
from tests.unit.sfu.watching import watched


def test_timestamps_go_on_by_arrival_over_a_change_of_publisher() -> None:
    studio, viewer, track = watched()
    studio.now += 0.5
    studio.send(vp8(1_001, timestamp=1_000 * 3_000 + 45_000))
    other = Studio()
    other.now = studio.now + 2.0
    other.send(vp8(9, keyframe=True, timestamp=4_000_000_000))
    other.tick()
    studio.video.remove_down_track(track)
    other.video.add_down_track(track, other.now)
    other.send(vp8(10, keyframe=True, timestamp=4_000_003_000))
    old = viewer.received(studio.egress)
    (new,) = viewer.received(other.egress)
    assert new.sequence_number == old[-1].sequence_number + 1
    step = (new.timestamp - old[-1].timestamp) & 0xFFFFFFFF
    assert step == pytest.approx(2.02 * 90_000, abs=2)


def test_a_switch_at_the_same_instant_still_moves_on() -> None:
    studio, viewer, _track = watched()
    studio.send(vp8(5, ssrc=0xBEEF, keyframe=True))
    studio.tick(0.0)
    studio.send(vp8(6, ssrc=0xBEEF, keyframe=True))
    old, new = viewer.received(studio.egress)
    assert (new.timestamp - old.timestamp) & 0xFFFFFFFF == 1


def test_a_return_to_a_layer_that_never_left_the_clock_goes_by_its_timestamps() -> None:
    studio, viewer, track = watched()
    studio.video.remove_down_track(track)
    studio.now += 1.0
    studio.video.add_down_track(track, studio.now)
    # It was captured 0.9 s after the last packet, and came with 0.1 s of delay.
    studio.send(vp8(1_001, keyframe=True, timestamp=1_000 * 3_000 + 81_000))
    old, new = viewer.received(studio.egress)
    assert (new.timestamp - old.timestamp) & 0xFFFFFFFF == 81_000


def test_timestamps_that_contradict_the_clock_are_not_believed() -> None:
    studio, viewer, track = watched()
    studio.video.remove_down_track(track)
    studio.now += 1.0
    studio.video.add_down_track(track, studio.now)
    studio.send(vp8(1_001, keyframe=True, timestamp=77))
    old, new = viewer.received(studio.egress)
    assert (new.timestamp - old.timestamp) & 0xFFFFFFFF == 90_000


def test_a_stay_without_a_packet_leaves_no_trace() -> None:
    studio, viewer, track = watched()
    (first,) = viewer.received(studio.egress)
    layer, view = studio.layer, track.stay.source.view  # type: ignore[union-attr]
    studio.video.remove_down_track(track)
    coming = studio.layer.cache.get(65_536 + 1_000)
    assert coming is not None
    coming.index += 10  # a keyframe still to be forwarded
    track.begin(layer, view, coming)
    track.leave()
    assert track.newest_out() & 0xFFFF == first.sequence_number


def test_sender_reports_count_and_map_the_viewers_timestamps() -> None:
    studio, viewer, track = watched()
    assert Viewer().down_track().sender_report(studio.wall) is None
    studio.send(vp8(1_001), vp8(1_002))
    (first, *_rest) = viewer.received(studio.egress)
    report = track.sender_report(studio.wall + 1.0)
    assert report is not None
    assert unix_from_ntp(report.ntp) == pytest.approx(studio.wall + 1.0, abs=1e-6)
    assert report.ssrc == track.ssrc
    assert (report.packet_count, report.octet_count) == (3, 1_000 + 100 + 100)
    # The layer began at the packet before the viewer's first, 20 ms earlier.
    assert (report.rtp_timestamp - first.timestamp) & 0xFFFFFFFF == 90_000 + 1_800 - 3_000
    assert ntp_from_unix(studio.wall) < report.ntp


def test_counts_survive_switches() -> None:
    studio, viewer, track = watched()
    studio.send(vp8(1_001))
    studio.video.remove_down_track(track)
    assert track.counts() == (2, 1_100)
    studio.send(vp8(1_002))
    assert track.counts() == (2, 1_100)
    studio.video.add_down_track(track, studio.now)
    studio.send(vp8(1_003, keyframe=True))
    assert track.counts() == (3, 1_200)
    assert len(viewer.received(studio.egress)) == 3


def test_no_report_for_a_layer_that_has_no_clock() -> None:
    studio, _viewer, track = watched()
    track.layer.clock._reference = None  # type: ignore[union-attr]
    assert track.sender_report(studio.wall) is None


def test_an_ended_publishers_media_is_let_go_when_it_cannot_be_asked_for() -> None:
    studio, viewer, track = watched()
    lost = [track.newest_out() & 0xFFFF]
    layer = studio.layer
    studio.video.remove_down_track(track)
    track.forget_ended(layer.last_arrival + HORIZON / 2)
    track.resend(lost, studio.now)
    assert len(viewer.resent()) == 1
    track.forget_ended(layer.last_arrival + HORIZON + 0.1)
    track.resend(lost, studio.now + 1)
    assert viewer.resent() == []
    assert viewer.drops["nack_not_cached"] == 1


def test_the_cipher_in_place_is_for_gcm_only() -> None:
    assert Viewer(GCM).down_track().gcm
    cm = Viewer(CM).down_track()
    assert not cm.gcm
    with pytest.raises(AssertionError):
        cm.encrypt(b"", b"", b"", b"")
