"""Layers of a track and who is sent which."""

from __future__ import annotations

import pytest

from gateway.protocol import extensions
from gateway.sfu.down_track import DownTrack
from gateway.sfu.layer import SILENCE
from gateway.sfu.view import Profile
from tests.unit.sfu.fakes import (
    CM,
    LEVEL_ID,
    VP8,
    VP9,
    Studio,
    Viewer,
    audio_media,
    marks,
    opus,
    video_media,
    vp8,
)

RID = {extensions.RID: 2}
ONE_HOP = {extensions.TRANSPORT_CC: 4, extensions.MID: 1}


def studio_with_layers() -> Studio:
    return Studio(video_media(rids=("l", "h"), extensions=RID))


def layer(rid: str, sequence: int, *, keyframe: bool = False) -> bytes:
    number = "lh".index(rid) + 1
    return vp8(sequence, ssrc=number, keyframe=keyframe, width=320 * number, tags={2: rid.encode()})


def watching(studio: Studio) -> tuple[Viewer, DownTrack]:
    viewer = Viewer()
    track = viewer.down_track()
    studio.video.add_down_track(track, studio.now)
    return viewer, track


def test_before_any_packet_the_negotiated_codec_is_told() -> None:
    studio = Studio(video_media([VP9, VP8]))
    assert studio.video.codec is VP9
    studio.send(vp8(1, keyframe=True))
    assert studio.video.codec is VP9
    studio.tick()
    assert studio.video.codec is VP8


def test_everybody_goes_to_the_best_layer_and_keeps_the_old_until_its_keyframe() -> None:
    studio = studio_with_layers()
    viewer, track = watching(studio)
    studio.send(layer("l", 10, keyframe=True))
    studio.tick()
    studio.send(layer("l", 11, keyframe=True))
    studio.send(layer("h", 500, keyframe=True))
    studio.tick()
    low, high = studio.video.layers[1], studio.video.layers[2]
    assert track.layer is low
    assert track.waiting_for is high
    studio.send(layer("l", 12), layer("h", 501))
    studio.send(layer("h", 502, keyframe=True), layer("l", 13))
    assert track.layer is high
    assert marks(viewer.received(studio.egress)) == [11, 12, 502]


def test_a_dead_layer_is_left_and_its_return_awaited_anew() -> None:
    studio = studio_with_layers()
    viewer, track = watching(studio)
    studio.send(layer("l", 10, keyframe=True), layer("h", 500, keyframe=True))
    studio.tick()
    studio.send(layer("h", 501, keyframe=True))
    low, high = studio.video.layers[1], studio.video.layers[2]
    assert track.layer is high
    studio.now += SILENCE + 0.1
    studio.send(layer("l", 11))
    studio.tick()
    assert (track.layer, track.waiting_for) == (high, low)
    studio.send(layer("h", 502))  # it comes back before the low one has a keyframe
    studio.tick()
    assert (track.layer, track.waiting_for) == (high, None)
    assert low.waiting == []
    assert not low.keyframes.wanted
    assert marks(viewer.received(studio.egress)) == [501, 502]


def test_when_all_are_silent_nobody_moves() -> None:
    studio = studio_with_layers()
    _viewer, track = watching(studio)
    studio.send(layer("h", 500, keyframe=True))
    studio.tick()
    studio.send(layer("h", 501, keyframe=True))
    studio.tick(5.0)
    assert track.layer is studio.video.layers[2]


def test_a_layer_begun_anew_replaces_the_former_of_its_rid() -> None:
    studio = studio_with_layers()
    viewer, track = watching(studio)
    studio.send(layer("l", 10, keyframe=True))
    studio.tick()
    studio.send(layer("l", 11, keyframe=True))
    former = studio.video.layers[1]
    waiting = Viewer().down_track()
    studio.video.add_down_track(waiting, studio.now)
    studio.send(vp8(77, ssrc=9, keyframe=True, tags={2: b"l"}))
    assert list(studio.video.layers) == [9]
    assert (track.layer, waiting.waiting_for, former.out.groups, former.waiting) == (None, None, {}, [])
    studio.tick()
    studio.send(vp8(78, ssrc=9, keyframe=True, tags={2: b"l"}))
    assert marks(viewer.received(studio.egress)) == [11, 78]
    assert waiting.layer is track.layer


def test_the_end_releases_everybody() -> None:
    studio = studio_with_layers()
    viewer, track = watching(studio)
    studio.send(layer("l", 10, keyframe=True))
    studio.tick()
    studio.send(layer("l", 11, keyframe=True))
    studio.video.end()
    studio.send(layer("l", 12))
    assert track.layer is None
    assert marks(viewer.received(studio.egress)) == [11]


@pytest.mark.parametrize(
    ("ours", "theirs", "pairs"),
    [
        ({extensions.AUDIO_LEVEL: LEVEL_ID}, {extensions.AUDIO_LEVEL: 9}, ((LEVEL_ID, 9),)),
        ({extensions.AUDIO_LEVEL: LEVEL_ID}, {}, ()),
        (
            {extensions.TRANSPORT_CC: 4, extensions.MID: 1},
            {extensions.TRANSPORT_CC: 4, extensions.MID: 1},
            (),
        ),
    ],
    ids=["renumbered", "not offered", "of one hop only"],
)
def test_a_profile_is_what_both_sides_negotiated(
    ours: dict[str, int], theirs: dict[str, int], pairs: tuple[tuple[int, int], ...]
) -> None:
    studio = Studio(audio_media(extensions=ours))
    studio.send(opus(1))
    (source,) = studio.audio.layers.values()
    for viewer, gcm in ((Viewer(), True), (Viewer(CM), False)):
        track = viewer.down_track(audio_media(extensions=theirs))
        assert studio.audio.profile_for(track, source) == Profile(111, pairs, gcm)


def test_no_profile_without_a_common_codec() -> None:
    studio = Studio()
    studio.send(vp8(1, keyframe=True))
    assert studio.video.profile_for(Viewer().down_track(video_media([VP9])), studio.layer) is None


def test_a_payload_type_that_was_not_negotiated_makes_no_layer() -> None:
    assert Studio().video.add_layer(5, "", 50) is None


def test_a_layer_whose_size_is_unknown_is_not_the_smallest_and_is_asked_for_its_keyframe() -> None:
    studio = studio_with_layers()
    studio.send(layer("l", 1, keyframe=True), layer("h", 1))
    studio.tick()
    assert [x.rid for x in studio.video.live_layers] == ["l"]
    assert [x.ssrc for x in studio.video.layers.values() if x.keyframes.wanted] == [2]
    studio.send(layer("h", 2, keyframe=True))
    studio.tick()
    assert [x.rid for x in studio.video.live_layers] == ["l", "h"]
    assert not any(x.keyframes.wanted for x in studio.video.layers.values())
