"""A layer: order, keyframes, late packets, those who join and those who go."""

from __future__ import annotations

import pytest

from gateway.protocol.description import Codec, MediaKind
from gateway.sfu.down_track import DownTrack
from gateway.sfu.layer import SILENCE
from gateway.sfu.nack import MAX_GAP
from tests.unit.sfu.fakes import (
    CM,
    GCM,
    VP9,
    Studio,
    Viewer,
    audio_media,
    marks,
    opus,
    video_media,
    vp8,
)


def playing(studio: Studio, *viewers: Viewer, start: int = 1_000) -> list[DownTrack]:
    """Viewers who see a publisher that is about to send `start` + 1."""
    studio.send(vp8(start, keyframe=True))
    studio.tick()
    tracks = [viewer.down_track() for viewer in viewers]
    for track in tracks:
        track.transport.estimator.estimate = 0.0  # so that a keyframe is awaited
        studio.video.add_down_track(track, studio.now)
    return tracks


def test_a_viewer_joins_at_a_keyframe_that_was_asked_for() -> None:
    studio, viewer = Studio(), Viewer()
    (track,) = playing(studio, viewer)
    studio.tick()
    assert studio.layer.keyframes.sent == 1
    studio.send(vp8(1_001), vp8(1_002))
    assert viewer.received(studio.egress) == []
    assert track.stay is None
    studio.send(vp8(1_003), vp8(1_004, keyframe=True), vp8(1_005))
    assert marks(viewer.received(studio.egress)) == [1_004, 1_005]
    assert track.stay is not None
    assert not studio.layer.keyframes.wanted


def test_sound_needs_no_keyframe() -> None:
    studio, viewer = Studio(audio_media()), Viewer()
    studio.send(opus(1))
    studio.tick()
    studio.audio.add_down_track(viewer.down_track(audio_media()), studio.now)
    studio.send(opus(2), opus(3))
    assert len(viewer.received(studio.egress)) == 2
    (layer,) = studio.audio.layers.values()
    assert layer.keyframes.sent == 0


def test_a_batch_is_forwarded_in_the_publishers_order() -> None:
    studio, viewer = Studio(), Viewer()
    playing(studio, viewer)
    studio.send(vp8(1_001, keyframe=True), vp8(1_004), vp8(1_002), vp8(1_003))
    assert marks(viewer.received(studio.egress)) == [1_001, 1_002, 1_003, 1_004]
    studio.send(vp8(1_007), vp8(1_006))
    studio.send(vp8(1_005))
    assert marks(viewer.received(studio.egress)) == [1_006, 1_007, 1_005]


def test_duplicates_are_dropped_and_counted() -> None:
    studio, viewer = Studio(), Viewer()
    playing(studio, viewer)
    studio.send(vp8(1_001, keyframe=True), vp8(1_001, keyframe=True), vp8(1_000))
    assert marks(viewer.received(studio.egress)) == [1_001]
    assert studio.drops["rtp_duplicate_or_late"] == 2


def test_late_packets_go_only_to_those_who_were_there() -> None:
    studio, early, late = Studio(), Viewer(), Viewer(CM)
    playing(studio, early)
    studio.send(vp8(1_001, keyframe=True), vp8(1_003))
    waiting = late.down_track()
    waiting.transport.estimator.estimate = 0.0
    studio.video.add_down_track(waiting, studio.now)
    studio.send(vp8(1_005, keyframe=True))
    assert marks(early.received(studio.egress)) == [1_001, 1_003, 1_005]
    assert marks(late.received(studio.egress)) == [1_005]
    studio.send(vp8(1_002), vp8(1_004), vp8(1_006))
    assert marks(early.received(studio.egress)) == [1_002, 1_004, 1_006]
    assert marks(late.received(studio.egress)) == [1_006]


@pytest.mark.parametrize("srtp", [GCM, CM])
def test_a_keyframe_overtaken_by_its_own_rest_is_caught_up_with(srtp: int) -> None:
    studio, early, late = Studio(), Viewer(), Viewer(srtp)
    playing(studio, early)
    studio.send(vp8(1_001, keyframe=True))
    track = late.down_track()
    track.transport.estimator.estimate = 0.0
    studio.video.add_down_track(track, studio.now)
    studio.send(vp8(1_003), vp8(1_004))
    assert late.received(studio.egress) == []
    studio.send(vp8(1_002, keyframe=True), vp8(1_005))
    assert marks(late.received(studio.egress)) == [1_002, 1_003, 1_004, 1_005]
    assert marks(early.received(studio.egress)) == [1_001, 1_003, 1_004, 1_002, 1_005]
    assert track.counts() == (4, 400)
    studio.send(vp8(1_006))
    assert marks(late.received(studio.egress)) == [1_006]
    assert track.counts() == (5, 500)


def test_a_viewer_without_the_codec_gets_nothing_and_is_counted() -> None:
    studio, viewer = Studio(), Viewer()
    track = viewer.down_track(video_media([VP9]))
    studio.send(vp8(1, keyframe=True))
    studio.tick()
    studio.video.add_down_track(track, studio.now)
    studio.send(vp8(2, keyframe=True), vp8(3))
    assert studio.egress.calls == []
    assert studio.drops["viewer_lacks_codec"] == 1
    assert track.waiting_for is None
    studio.video.remove_down_track(track)


def test_viewers_are_grouped_by_what_they_negotiated() -> None:
    studio = Studio()
    plain, other, cm = Viewer(), Viewer(), Viewer(CM)
    studio.send(vp8(1, keyframe=True))
    studio.tick()
    theirs = Codec(MediaKind.VIDEO, "VP8", 120, 90_000)
    tracks = [plain.down_track(), other.down_track(video_media([theirs])), cm.down_track()]
    for track in tracks:
        studio.video.add_down_track(track, studio.now)
    studio.send(vp8(2, keyframe=True))
    assert [p.payload_type for v in (plain, other, cm) for p in v.received(studio.egress)] == [96, 120, 96]
    assert len(studio.layer.out.groups) == 3
    for track in tracks:
        studio.video.remove_down_track(track)
    assert studio.layer.out.groups == {}


def test_each_sweep_starts_at_another_viewer() -> None:
    studio, viewers = Studio(), [Viewer() for _ in range(3)]
    playing(studio, *viewers)
    studio.send(vp8(1_001, keyframe=True))
    firsts = set()
    for sequence in range(1_002, 1_008):
        studio.egress.calls.clear()
        studio.send(vp8(sequence))
        firsts.add(studio.egress.calls[0][0])
    assert firsts == {viewer.address for viewer in viewers}


def test_after_a_large_hole_everybody_goes_on_at_a_keyframe() -> None:
    studio, viewer = Studio(), Viewer()
    playing(studio, viewer)
    studio.send(vp8(1_001, keyframe=True), vp8(1_002))
    before = viewer.received(studio.egress)
    far = 1_002 + MAX_GAP + 2
    studio.send(vp8(far), vp8(far + 1))
    assert viewer.received(studio.egress) == []
    assert studio.layer.keyframes.wanted
    studio.send(vp8(far + 2, keyframe=True))
    (after,) = viewer.received(studio.egress)
    assert after.sequence_number == before[-1].sequence_number + 1


def test_a_hole_does_not_cancel_the_wait_for_a_better_layer() -> None:
    studio, viewer = simulcast(), Viewer()
    track = viewer.down_track()
    send_layers(studio, 10, keyframe=True)
    studio.video.add_down_track(track, studio.now)
    low, high = studio.video.layers[1], studio.video.layers[2]
    low.admit_at_keyframe(track)
    studio.send(layer_packet(1, 11, keyframe=True))
    assert track.layer is low
    high.admit_at_keyframe(track)
    studio.send(layer_packet(1, 11 + MAX_GAP + 5))
    assert track.waiting_for is high
    assert high.waiting == [track]


def simulcast() -> Studio:
    return Studio(
        video_media(rids=("l", "h"), extensions={"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id": 2})
    )


def layer_packet(ssrc: int, sequence: int, *, keyframe: bool = False) -> bytes:
    return vp8(sequence, ssrc=ssrc, keyframe=keyframe, width=ssrc * 320, tags={2: b"lh"[ssrc - 1 : ssrc]})


def send_layers(studio: Studio, sequence: int, *, keyframe: bool = False) -> None:
    studio.send(*(layer_packet(ssrc, sequence, keyframe=keyframe) for ssrc in (1, 2)))


def test_a_viewer_who_stops_waiting_asks_for_no_keyframe() -> None:
    studio, viewer = Studio(), Viewer()
    (track,) = playing(studio, viewer)
    assert studio.layer.keyframes.wanted
    studio.video.remove_down_track(track)
    assert not studio.layer.keyframes.wanted
    assert track.waiting_for is None


def test_a_layer_tells_what_it_is() -> None:
    studio = Studio()
    studio.send(vp8(1, keyframe=True, width=1_280))
    studio.tick()
    for frame in range(2, 27):
        studio.send(vp8(frame, size=1_000))
        studio.tick(0.04)
    state = studio.layer.state(studio.now)
    assert (state.rid, state.width, state.height, state.live) == ("", 1_280, 640, True)
    assert state.fps == pytest.approx(25, abs=2)
    assert state.bitrate == pytest.approx(200_000, rel=0.1)
    assert not studio.layer.state(studio.now + SILENCE).live
