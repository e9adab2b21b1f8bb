"""Which stream is which: by mid, rid, signalling or payload type, as real clients send them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.protocol import extensions
from gateway.protocol.description import MediaKind, NegotiatedMedia, SignalledSsrc
from gateway.protocol.rtcp import Bye, ReceiverReport, SenderReport, TransportFeedback, ntp_from_unix
from gateway.sfu.publisher import MAX_LAYERS
from tests.unit.sfu.fakes import (
    MID_ID,
    REPAIRED_ID,
    RID_ID,
    TWCC_ID,
    VP8,
    VP9,
    Studio,
    Viewer,
    audio_media,
    marks,
    opus,
    rtx,
    session,
    video_media,
    vp8,
)

IDS = {
    extensions.MID: MID_ID,
    extensions.RID: RID_ID,
    extensions.REPAIRED_RID: REPAIRED_ID,
    extensions.TRANSPORT_CC: TWCC_ID,
}
RIDS = ("q", "h", "f")


def simulcast(**more: object) -> Studio:
    return Studio(video_media(rids=RIDS, extensions=IDS, **more), audio_media(extensions=IDS))


def rids(studio: Studio) -> dict[int, str]:
    return {ssrc: layer.rid for ssrc, layer in studio.video.layers.items()}


def test_layers_are_bound_by_rid_and_stay_bound_without() -> None:
    studio = simulcast()
    for ssrc, rid in enumerate(RIDS):
        studio.send(vp8(1, ssrc=ssrc, keyframe=True, tags={RID_ID: rid.encode(), MID_ID: b"v"}))
        studio.send(vp8(2, ssrc=ssrc))
    assert rids(studio) == {0: "q", 1: "h", 2: "f"}
    assert studio.drops == {}


def test_a_rid_that_comes_late_binds_then() -> None:
    studio = simulcast()
    studio.send(vp8(1, ssrc=7), vp8(2, ssrc=7, tags={MID_ID: b"v"}))
    assert rids(studio) == {}
    assert studio.drops == {"rtp_unknown_rid": 2}
    studio.send(vp8(3, ssrc=7, tags={RID_ID: b"h"}))
    assert rids(studio) == {7: "h"}


@pytest.mark.parametrize("rid", [b"x", b"\xff", b"0"])
def test_a_rid_that_was_not_offered_is_dropped_with_simulcast(rid: bytes) -> None:
    studio = simulcast()
    studio.send(vp8(1, ssrc=7, tags={RID_ID: rid}))
    assert rids(studio) == {}
    assert studio.drops == {"rtp_unknown_rid": 1}


def test_obs_sends_a_rid_that_it_did_not_offer() -> None:
    studio = Studio(video_media(extensions=IDS))
    studio.send(vp8(1, ssrc=7, keyframe=True, tags={RID_ID: b"0"}))
    assert rids(studio) == {7: ""}
    studio.send(vp8(1, ssrc=8, keyframe=True, tags={RID_ID: b"0"}))
    assert rids(studio) == {8: ""}, "a new ssrc continues the same stream"
    studio.send(vp8(2, ssrc=7))
    assert rids(studio) == {7: ""}


def test_layers_signalled_by_ssrc_are_told_apart_without_rids() -> None:
    signalled = tuple(SignalledSsrc(ssrc) for ssrc in (11, 22, 33))
    studio = Studio(video_media(ssrcs=signalled))
    studio.send(*(vp8(1, ssrc=ssrc, keyframe=True) for ssrc in (33, 11, 22)))
    assert rids(studio) == {33: "2", 11: "0", 22: "1"}
    studio = simulcast(ssrcs=signalled)
    studio.send(vp8(1, ssrc=22))
    assert rids(studio) == {22: "1"}


def test_streams_find_their_track_by_mid_signalling_or_payload_type() -> None:
    other = video_media([replace(VP8, payload_type=111)], mid="w", extensions=IDS)
    sound = audio_media(extensions=IDS, ssrcs=(SignalledSsrc(5),))
    for packet in (
        opus(1, ssrc=6, tags={MID_ID: b"a"}),
        opus(1, ssrc=5),
        opus(1, ssrc=5, tags={MID_ID: b"?"}),
    ):
        studio = Studio(other, sound)
        studio.send(packet)
        assert len(studio.audio.layers) == 1
    studio = Studio(other, sound)
    studio.send(vp8(1, ssrc=6, payload_type=111))
    assert len(studio.video.layers) == 1


def test_what_fits_nothing_is_dropped_with_a_name() -> None:
    studio = Studio()
    studio.send(vp8(1, payload_type=50), b"\x80", vp8(1)[:11])
    assert studio.drops == {"rtp_unknown_ssrc": 1, "rtp_malformed": 2}
    studio.rtcp()
    studio.publisher.on_rtcp(b"\x80\xc8\xff\xff", studio.now, studio.wall)
    assert studio.drops["rtcp_malformed"] >= 1
    studio = Studio(video_media(extensions=IDS))
    studio.send(vp8(1, payload_type=50, tags={MID_ID: b"v"}))
    assert studio.drops == {"rtp_unknown_payload_type": 1}


def test_layers_of_one_line_are_bounded() -> None:
    signalled = tuple(SignalledSsrc(ssrc) for ssrc in range(20))
    studio = Studio(video_media(ssrcs=signalled))
    studio.send(*(vp8(1, ssrc=ssrc) for ssrc in range(20)))
    assert len(studio.video.layers) == MAX_LAYERS
    assert studio.drops == {"rtp_too_many_layers": 20 - MAX_LAYERS}


def test_rejected_lines_make_no_track() -> None:
    studio = Studio(video_media(), audio_media(rejected=True), NegotiatedMedia("d", None, rejected=True))
    assert set(studio.publisher.tracks) == {MediaKind.VIDEO}


@pytest.mark.parametrize("by", ["rid", "signalling"])
def test_a_retransmission_mends_the_layer_it_names(by: str) -> None:
    tags, media = {}, video_media(ssrcs=(SignalledSsrc(7, rtx_ssrc=70),))
    if by == "rid":
        tags, media = {REPAIRED_ID: b"h", MID_ID: b"v"}, video_media(rids=RIDS, extensions=IDS)
    studio, viewer = Studio(media), Viewer()
    first = {RID_ID: b"h"} if by == "rid" else {}
    studio.send(vp8(1, ssrc=7, keyframe=True, tags=first))
    studio.tick()
    studio.video.add_down_track(viewer.down_track(), studio.now)
    studio.send(vp8(2, ssrc=7, keyframe=True), vp8(4, ssrc=7))
    lost = studio.layer.statistics.lost_packets
    studio.send(rtx(vp8(3, ssrc=7), 900, 70, tags=tags), rtx(vp8(3, ssrc=7), 901, 70))
    assert marks(viewer.received(studio.egress)) == [2, 4, 3]
    assert studio.layer.statistics.lost_packets == lost, "reports tell of losses before repair"
    assert studio.drops == {"rtp_duplicate_or_late": 1}


def test_retransmissions_that_repair_nothing() -> None:
    studio = Studio(video_media([VP8, VP9], ssrcs=(SignalledSsrc(7, rtx_ssrc=70),), extensions=IDS))
    studio.send(rtx(vp8(1, ssrc=7), 1, 70))
    assert studio.drops == {"rtx_unknown_ssrc": 1}
    studio.send(vp8(1, ssrc=7, keyframe=True))
    studio.send(rtx(vp8(1), 1, 71, tags={MID_ID: b"a", REPAIRED_ID: b"h"}))
    assert studio.drops == {"rtx_unknown_ssrc": 2}
    probe = bytearray(rtx(vp8(1), 2, 70)[:14])
    studio.send(bytes(probe))
    assert studio.drops == {"rtx_unknown_ssrc": 2}, "a probe is no defect"
    studio.send(rtx(vp8(2, ssrc=7), 3, 70, payload_type=99))
    assert studio.drops["rtx_other_codec"] == 1
    assert len(studio.layer.cache) == 1


def test_a_browser_may_change_its_codec_in_mid_session() -> None:
    studio, viewer = Studio(video_media([VP8, VP9])), Viewer()
    track = viewer.down_track(video_media([VP9, VP8]))
    studio.video.add_down_track(track, studio.now)
    studio.send(vp8(1, keyframe=True))
    studio.tick()
    studio.send(vp8(2, keyframe=True))
    vp9 = {"payload_type": 98}
    studio.send(as_vp9_keyframe(vp8(4, **vp9)), vp8(3))
    studio.tick()
    assert studio.drops == {"rtp_before_codec_change": 1}
    assert studio.video.codec is VP9
    studio.send(as_vp9_keyframe(vp8(5, **vp9)), vp8(6, **vp9))
    got = viewer.received(studio.egress)
    assert [packet.payload_type for packet in got] == [96, 98, 98]
    assert [p.sequence_number - got[0].sequence_number for p in got] == [0, 1, 2]


def as_vp9_keyframe(packet: bytes) -> bytes:
    """Descriptor: start of a frame, not predicted (RFC 9628 section 4.2); then the uncompressed header."""
    return packet[:12] + b"\x08\x82\x49\x83\x42" + packet[17:]


def test_an_unknown_payload_type_on_a_known_stream_changes_nothing() -> None:
    studio = Studio()
    studio.send(vp8(1, keyframe=True))
    layer = studio.layer
    studio.send(vp8(2, payload_type=50))
    assert studio.layer is layer
    assert studio.drops == {"rtp_unknown_payload_type": 1}


def test_bye_ends_a_layer_at_once_and_packets_revive_it() -> None:
    studio = simulcast()
    for ssrc, rid in enumerate(RIDS):
        studio.send(vp8(1, ssrc=ssrc, keyframe=True, width=(ssrc + 1) * 320, tags={RID_ID: rid.encode()}))
    studio.tick()
    assert studio.video.live_layers[-1] is studio.video.layers[2]
    studio.rtcp(Bye((2, 99), ""))
    studio.tick()
    assert studio.video.live_layers[-1] is studio.video.layers[1]
    studio.send(vp8(2, ssrc=2))
    studio.tick()
    assert studio.video.live_layers[-1] is studio.video.layers[2]


def test_sender_reports_reach_the_layers_clock_and_its_reception_reports() -> None:
    studio = Studio()
    report = SenderReport(0x5EED, ntp_from_unix(1_000.0), 500_000, 0, 0, ())
    studio.rtcp(report, replace(report, ssrc=404))
    studio.send(vp8(1, keyframe=True))
    assert not studio.layer.clock.reported
    studio.rtcp(report)
    assert studio.layer.clock.reported
    assert studio.layer.clock.timestamp_at(studio.wall) == 500_000
    studio.tick(2.0)
    (told,) = studio.link.rtcp(ReceiverReport)[-1].reports
    assert told.last_sr != 0
    assert told.delay_since_last_sr == 2 * 65_536


def test_transport_wide_feedback_names_a_stream_the_sender_has() -> None:
    codec = replace(VP8, feedback=frozenset({"transport-cc"}))
    studio = Studio(video_media([codec], extensions=IDS))
    for sequence in range(1, 6):
        studio.send(vp8(sequence, ssrc=77, tags={TWCC_ID: sequence.to_bytes(2, "big")}), vp8(99, ssrc=77))
    studio.tick()
    (feedback,) = studio.link.rtcp(TransportFeedback)
    assert (feedback.media_ssrc, feedback.base_sequence, len(feedback.arrivals)) == (77, 1, 5)


def test_live_means_that_media_came() -> None:
    studio = Studio()
    assert not studio.publisher.live
    assert studio.publisher.codecs()[MediaKind.VIDEO] is VP8
    studio.tick()
    assert not studio.publisher.live
    studio.send(vp8(1))
    assert studio.publisher.live
    studio.publisher.end()
    assert not studio.publisher.live
    studio.publisher.on_timer(studio.now)


def test_without_a_link_nothing_is_sent() -> None:
    studio = Studio(connected=False)
    studio.send(vp8(1), vp8(5))
    studio.tick()
    assert studio.link.compounds == []
    assert session().media == ()
