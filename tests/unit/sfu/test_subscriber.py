"""A viewer's session: what it plays, asks, is told, and leaves behind."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest

from gateway.protocol import extensions
from gateway.protocol.description import NegotiatedMedia
from gateway.protocol.rtcp import (
    Bye,
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    ReceptionReport,
    SenderReport,
    SourceDescription,
    ntp_from_unix,
    ntp_middle32,
)
from gateway.sfu.estimation import SendSideEstimator
from gateway.sfu.layer_choice import RISE_MARGIN
from gateway.sfu.subscriber import AUDIO_RATE, FIRST_REPORT, MAX_NACKS, REPORT_INTERVAL, Subscriber
from tests.unit.sfu.fakes import (
    RID_ID,
    TWCC_ID,
    VP8,
    Studio,
    Viewer,
    audio_media,
    marks,
    opus,
    session,
    video_media,
    vp8,
)

WALL = 1_790_000_000.0


def connected(viewer: Viewer, *media: NegotiatedMedia) -> Subscriber:
    subscriber = viewer.subscriber(*media)
    subscriber.connect(viewer.link, viewer.outbound, viewer.address, 100.0)
    return subscriber


def playing(*media: NegotiatedMedia) -> tuple[Studio, Viewer, Subscriber]:
    studio, viewer = Studio(), Viewer()
    subscriber = connected(viewer, *media)
    studio.send(vp8(1, keyframe=True), opus(1))
    studio.tick()
    subscriber.play(studio.publisher, studio.now)
    studio.send(vp8(2, keyframe=True), opus(2))
    return studio, viewer, subscriber


def test_it_waits_until_it_is_connected() -> None:
    studio, viewer = Studio(), Viewer()
    subscriber = viewer.subscriber()
    subscriber.play(studio.publisher, studio.now)
    assert (subscriber.connected, subscriber.next_timer()) == (False, None)
    subscriber.on_timer(100.0, WALL)
    subscriber.connect(viewer.link, viewer.outbound, viewer.address, 100.0)
    assert subscriber.next_timer() == 100.0 + FIRST_REPORT
    studio.send(vp8(1, keyframe=True), opus(1))
    studio.tick()
    studio.send(vp8(2, keyframe=True), opus(2))
    assert {packet.ssrc for packet in viewer.received(studio.egress)} == {0x1000, 0x1001}


def test_only_accepted_and_announced_lines_get_a_down_track() -> None:
    viewer = Viewer()
    negotiated = session(video_media(), audio_media(rejected=True), audio_media(mid="x"))
    senders = {"v": viewer.subscriber()._senders["v"]}
    subscriber = Subscriber(negotiated, senders, viewer.drops)
    subscriber.connect(viewer.link, viewer.outbound, viewer.address, 0.0)
    assert [track.media.mid for track in subscriber.down_tracks] == ["v"]


def test_a_publisher_without_sound_and_its_successor_with_sound() -> None:
    viewer = Viewer()
    subscriber = connected(viewer)
    silent, complete = Studio(video_media()), Studio()
    subscriber.play(silent.publisher, silent.now)
    silent.send(vp8(1, keyframe=True))
    silent.tick()
    silent.send(vp8(2, keyframe=True))
    assert len(viewer.received(silent.egress)) == 1
    subscriber.play(complete.publisher, complete.now)
    complete.send(vp8(1, keyframe=True), opus(1))
    complete.tick()
    complete.send(vp8(2, keyframe=True), opus(2))
    assert {packet.ssrc for packet in viewer.received(complete.egress)} == {0x1000, 0x1001}
    silent.send(vp8(3))
    assert silent.egress.calls == []


def test_while_out_of_reach_nothing_is_sent_and_the_publisher_may_change() -> None:
    studio, viewer, subscriber = playing()
    before = viewer.received(studio.egress)
    subscriber.pause()
    assert (subscriber.connected, subscriber.next_timer()) == (False, None)
    studio.send(vp8(3))
    other = Studio()
    subscriber.play(other.publisher, other.now)
    other.send(vp8(1, keyframe=True))
    other.tick()
    subscriber.resume(studio.now)
    other.send(vp8(2, keyframe=True))
    studio.send(vp8(4, keyframe=True))
    assert studio.egress.calls == []
    (after,) = viewer.received(other.egress)
    video = [packet for packet in before if packet.ssrc == after.ssrc]
    assert after.sequence_number == video[-1].sequence_number + 1


def test_it_moves_to_another_address() -> None:
    studio, viewer, subscriber = playing()
    viewer.received(studio.egress)
    viewer.address = ("198.51.100.9", 9)
    subscriber.move(viewer.address)
    studio.send(vp8(3))
    assert marks(viewer.received(studio.egress)) == [3]


def test_nacks_are_answered_and_limited() -> None:
    studio, viewer, subscriber = playing()
    for sequence in range(3, 403):
        studio.send(vp8(sequence))
    got = [p.sequence_number for p in viewer.received(studio.egress) if p.ssrc == 0x1000]
    subscriber.on_rtcp(Nack(1, 0x1000, tuple(got)).encode(), studio.now, WALL)
    assert len(viewer.link.rtp) == MAX_NACKS
    subscriber.on_rtcp(Nack(1, 0xBAD, (1, 2)).encode(), studio.now, WALL)
    assert viewer.drops["rtcp_unknown_ssrc"] == 1


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (PictureLossIndication(1, 0x1000), True),
        (FullIntraRequest(1, ((0x1000, 1), (0xBAD, 1))), True),
        (PictureLossIndication(1, 0x1001), False),
        (PictureLossIndication(1, 0xBAD), False),
    ],
    ids=["PLI", "FIR", "for sound", "for nobody"],
)
def test_keyframe_requests_reach_the_layer(request_: PictureLossIndication, wanted: bool) -> None:
    studio, viewer, subscriber = playing()
    subscriber.on_rtcp(request_.encode(), studio.now, WALL)
    assert studio.layer.keyframes.wanted is wanted
    assert not next(iter(studio.audio.layers.values())).keyframes.wanted
    assert viewer.drops["rtcp_unknown_ssrc"] == (0xBAD in (getattr(request_, "media_ssrc", 0xBAD),))


def test_a_request_before_anything_plays_is_no_error() -> None:
    viewer = Viewer()
    subscriber = connected(viewer)
    subscriber.on_rtcp(PictureLossIndication(1, 0x1000).encode(), 0.0, WALL)
    assert viewer.drops == {}


def test_reports_of_the_viewer_tell_loss_and_round_trip() -> None:
    _studio, _viewer, subscriber = playing()
    (video, _audio) = subscriber.down_tracks
    sent = ntp_middle32(ntp_from_unix(WALL - 0.3))
    report = ReceptionReport(0x1000, 64, 9, 1, 0, sent, round(0.2 * 65_536))
    subscriber.on_rtcp(ReceiverReport(1, (report, replace(report, ssrc=0xBAD))).encode(), 0.0, WALL)
    assert video.fraction_lost == 0.25
    assert video.rtt == pytest.approx(0.1, abs=0.001)
    again = replace(report, fraction_lost=0, last_sr=0, delay_since_last_sr=0)
    subscriber.on_rtcp(SenderReport(1, 1, 0, 0, 0, (again,)).encode(), 0.0, WALL)
    assert video.fraction_lost == 0.0
    assert video.rtt == pytest.approx(0.1, abs=0.001)


def test_what_cannot_be_read_or_is_not_for_us_is_passed_over() -> None:
    _studio, viewer, subscriber = playing()
    subscriber.on_rtcp(b"\x80\xc8\xff\xff", 0.0, WALL)
    subscriber.on_rtcp(Bye((1,), "").encode(), 0.0, WALL)
    assert viewer.drops == {"rtcp_malformed": 1}


def test_sender_reports_follow_media_and_name_their_source() -> None:
    viewer, studio = Viewer(), Studio()
    subscriber = connected(viewer)
    subscriber.on_timer(100.05, WALL)
    subscriber.on_timer(100.1, WALL)
    assert viewer.link.compounds == []
    assert subscriber.next_timer() == pytest.approx(100.2), "soon, since media may begin any moment"
    studio.send(vp8(1, keyframe=True), opus(1))
    studio.tick()
    subscriber.play(studio.publisher, studio.now)
    studio.send(vp8(2, keyframe=True), opus(2))
    subscriber.on_timer(100.2, WALL + 0.2)
    assert [report.ssrc for report in viewer.link.rtcp(SenderReport)] == [0x1000, 0x1001]
    (source,) = viewer.link.rtcp(SourceDescription)
    assert source.chunks == {0x1000: "cname", 0x1001: "cname"}
    assert subscriber.next_timer() == pytest.approx(100.2 + REPORT_INTERVAL)


def simulcast(studio: Studio, number: int) -> None:
    """A small and a large picture."""
    for ssrc, rid in enumerate(("l", "h"), 1):
        tags = {RID_ID: rid.encode()}
        studio.send(vp8(number, keyframe=True, ssrc=ssrc, width=320 * ssrc, size=500 * ssrc, tags=tags))


def test_a_better_layer_is_probed_for_on_top_of_what_the_other_pictures_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer, probed = Viewer(), list[float]()
    monkeypatch.setattr(SendSideEstimator, "probe", lambda _, now, wanted: probed.append(wanted))
    answering = replace(VP8, feedback=VP8.feedback | {"transport-cc"})
    lines = [
        video_media((answering,), mid=mid, extensions={extensions.TRANSPORT_CC: TWCC_ID})
        for mid in ("v", "s")
    ]
    subscriber = connected(viewer, *lines)
    source = video_media(rids=("l", "h"), extensions={extensions.RID: RID_ID})
    studios = {media.mid: Studio(source) for media in lines}
    monkeypatch.setattr(subscriber._transport.estimator, "estimate", 300_000.0)
    for number in range(1, 80):
        for mid, studio in studios.items():
            simulcast(studio, number)
            studio.tick()
            subscriber.show(mid, studio.video, studio.now)
        probed.clear()
        subscriber.prefer(None, None, studios["v"].now)
    main, further = subscriber.down_tracks
    assert main.layer is not None
    assert further.layer is not None
    assert (main.layer.rid, further.layer.rid) == ("l", "l")
    better = studios["v"].video.live_layers[1]
    assert better.bitrates[-1] > 0
    expected = better.bitrates[-1] * RISE_MARGIN + further.layer.bitrates[-1] + AUDIO_RATE
    assert probed == [expected, expected]


def test_it_says_goodbye_when_it_leaves() -> None:
    studio, viewer, subscriber = playing()
    viewer.received(studio.egress)
    subscriber.leave()
    (bye,) = viewer.link.rtcp(Bye)
    assert bye.ssrcs == (0x1000, 0x1001)
    assert subscriber.down_tracks == [], "each knows the link, which knows the session"
    studio.send(vp8(3, keyframe=True), opus(3))
    assert studio.egress.calls == []
    assert (subscriber.connected, studio.video.down_tracks, studio.audio.down_tracks) == (False, [], [])
    subscriber.leave()
    assert len(viewer.link.rtcp(Bye)) == 1


@pytest.mark.parametrize("paused", [True, False])
def test_one_who_never_connected_or_is_away_leaves_silently(paused: bool) -> None:
    studio, viewer, subscriber = playing()
    if paused:
        subscriber.pause()
    else:
        viewer = Viewer()
        subscriber = viewer.subscriber()
        subscriber.play(studio.publisher, studio.now)
    subscriber.leave()
    assert viewer.link.rtcp(Bye) == []


def test_nothing_of_a_viewer_stays_once_it_left() -> None:
    studio, viewer, subscriber = playing()
    waiting = Viewer()
    other = connected(waiting)
    other.play(studio.publisher, studio.now)
    gone = [weakref.ref(x) for x in (subscriber, other)]
    gc.disable()
    try:
        for each in (subscriber, other):
            each.leave()
        del subscriber, other, each
        assert [reference() for reference in gone] == [None, None], "kept alive by a cycle"
    finally:
        gc.enable()
    assert viewer.link.rtcp(Bye)
    assert studio.layer.waiting == []
