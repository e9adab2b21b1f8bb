"""A publisher and one viewer of it, as several tests begin."""

from __future__ import annotations

from dataclasses import replace

from gateway.sfu.down_track import DownTrack
from tests.unit.sfu.fakes import GCM, VP8, Studio, Viewer, video_media, vp8

PLAIN = video_media([replace(VP8, rtx_payload_type=None)])


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
