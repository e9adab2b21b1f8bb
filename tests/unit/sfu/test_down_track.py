"""One viewer's stream: numbers that go on, retransmissions that repeat, reports that tell the time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.protocol.rtcp import ntp_from_unix, unix_from_ntp
from gateway.protocol.rtp import parse_rtp
from gateway.sfu.down_track import RESEND_AT_ONCE, RESEND_INTERVAL, RESEND_SHARE, TOO_LATE, DownTrack
from gateway.sfu.packet_cache import HORIZON
from tests.unit.sfu.fakes import CM, GCM, VP8, Studio, Viewer, marks, video_media, vp8

PLAIN = video_media([replace(VP8, rtx_payload_type=None)])


SIZE = 1_000


def watched(
    profile: int = GCM, *, rtx_ssrc: int | None = None, start: int = 1_000
) -> tuple[Studio, Viewer, DownTrack]:
    studio, viewer = Studio(), Viewer(profile)
    studio.send(vp8(start - 1, keyframe=True))
    studio.tick()
    track = viewer.down_track(video_media() if rtx_ssrc else PLAIN, rtx_ssrc=rtx_ssrc)
    studio.video.add_down_track(track, studio.now)
    studio.send(vp8(start, keyframe=True, size=1_000))
    return studio, viewer, track


@pytest.mark.parametrize("profile", [GCM, CM])
def test_plain_retransmission_is_the_same_datagram_also_when_padded_and_after_switches(profile: int) -> None:
    studio, viewer, track = watched(profile)
    studio.send(vp8(1_001, size=998), vp8(1_002, size=1_000), vp8(1_003, size=400))
    assert studio.layer.cache.get(65_536 + 1_001).padding == 2  # type: ignore[union-attr]
    studio.now += 0.1
    studio.send(vp8(5, ssrc=0xBEEF, keyframe=True))  # the publisher begins anew under another ssrc
    studio.tick()
    studio.send(vp8(6, ssrc=0xBEEF, keyframe=True), vp8(7, ssrc=0xBEEF))
    sent = {int.from_bytes(d[2:4], "big"): d for d in studio.egress.datagrams(viewer.address)}
    assert len(sent) == 6
    track.resend(list(sent), studio.now)
    assert {int.from_bytes(d[2:4], "big"): d for d in viewer.resent()} == sent
    assert marks(viewer.received(studio.egress)) == [1_000, 1_001, 1_002, 1_003, 6, 7]


def test_a_mended_packet_is_not_resent_before_its_padding_is_fixed() -> None:
    studio, viewer, track = watched()
    studio.send(vp8(1_002, size=1_000))
    lost = track.newest_out() - 1
    studio.publisher.on_rtp(vp8(1_001, size=998), studio.now, studio.wall)
    studio.publisher.on_rtp(vp8(1_003, size=1_000), studio.now, studio.wall)
    track.resend([lost & 0xFFFF], studio.now)
    assert viewer.resent() == []
    studio.flush()
    (first,) = [
        d for d in studio.egress.datagrams(viewer.address) if d[2:4] == (lost & 0xFFFF).to_bytes(2, "big")
    ]
    track.resend([lost & 0xFFFF], studio.now)
    assert viewer.resent() == [first]


def test_rtx_names_the_original_number_and_counts_its_own() -> None:
    studio, viewer, track = watched(rtx_ssrc=0xABC)
    studio.send(vp8(1_001, size=998, marker=True), vp8(1_002, size=1_000))
    got = viewer.received(studio.egress)
    track.resend([packet.sequence_number for packet in got], studio.now)
    again = [parse_rtp(packet) for packet, _ in viewer.link.rtp]
    assert [p.payload for p in again] == [p.sequence_number.to_bytes(2, "big") + p.payload for p in got]
    assert {(p.ssrc, p.payload_type) for p in again} == {(0xABC, 97)}
    assert [(p.marker, p.timestamp) for p in again] == [(p.marker, p.timestamp) for p in got]
    indices = [index for _, index in viewer.link.rtp]
    assert indices == list(range(indices[0], indices[0] + 3))
    assert [p.sequence_number for p in again] == [index & 0xFFFF for index in indices]
    assert track.resent == 3


def test_what_was_never_sent_is_not_resent() -> None:
    studio, viewer, track = watched()
    newest = track.newest_out()
    track.resend([newest + 1 & 0xFFFF, newest - 1 & 0xFFFF, newest + 30_000 & 0xFFFF], studio.now)
    assert viewer.link.rtp == []
    assert viewer.drops["nack_not_cached"] == 3
    fresh = Viewer().down_track()
    fresh.resend([0, 1, 65_535], studio.now)
    assert fresh.drops["nack_not_cached"] == 3


def test_a_packet_is_resent_once_a_round_trip() -> None:
    studio, viewer, track = watched()
    lost = [track.newest_out() & 0xFFFF]
    for wait, resent in ((0.0, 1), (RESEND_INTERVAL / 2, 0), (RESEND_INTERVAL, 1)):
        studio.now += wait
        track.resend(lost, studio.now)
        assert len(viewer.resent()) == resent


def test_a_viewer_who_asks_for_everything_has_a_budget() -> None:
    studio, viewer, track = watched()
    for sequence in range(1_001, 1_601):
        studio.send(vp8(sequence, size=SIZE))
    everything = [number & 0xFFFF for number in range(track.newest_out() - 599, track.newest_out() + 1)]
    track.transport.estimator.estimate = 1.0
    track.resend(everything, studio.now)
    assert len(viewer.resent()) == RESEND_AT_ONCE / SIZE
    assert viewer.drops["nack_over_budget"] == 1


def test_resending_takes_its_share_of_a_full_link_and_no_more() -> None:
    studio, viewer, track = watched()
    track.transport.estimator.estimate = 400_000.0
    octets = 0
    for turn in range(200):
        studio.now += 0.05
        studio.send(*(vp8(1_001 + 100 * turn + more, size=SIZE) for more in range(100)))
        newest = track.newest_out()
        track.resend([number & 0xFFFF for number in range(newest - 99, newest + 1)], studio.now)
        octets += sum(len(packet) for packet in viewer.resent())
    assert octets <= 1.1 * (RESEND_AT_ONCE + 10 * RESEND_SHARE * 400_000 / 8)
    assert octets >= 0.9 * 10 * RESEND_SHARE * 400_000 / 8
    assert len(track._resent) <= 1_200


def test_what_is_too_late_for_any_player_is_not_resent() -> None:
    studio, viewer, track = watched()
    lost = [track.newest_out() & 0xFFFF]
    track.resend(lost, studio.now + TOO_LATE + 0.1)
    assert viewer.resent() == []
    assert viewer.drops["nack_too_late"] == 1


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
    layer, profile = studio.layer, track.stay.source.profile  # type: ignore[union-attr]
    studio.video.remove_down_track(track)
    coming = studio.layer.cache.get(65_536 + 1_000)
    assert coming is not None
    coming.index += 10  # a keyframe still to be forwarded
    track.begin(layer, profile, coming)
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
