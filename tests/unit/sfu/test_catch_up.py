from __future__ import annotations

import itertools

import pytest

from gateway.protocol.rtp import parse_rtp
from gateway.sfu.catch_up import FRAME_STEP, LARGEST_STEP
from gateway.sfu.down_track import CATCH_UP, DownTrack
from gateway.sfu.packet_cache import HORIZON
from tests.unit.sfu.fakes import CM, GCM, Studio, Viewer, marks, vp8

FRAMES = 200
SIZE = 1_400


def group_of_pictures(studio: Studio, size: int = SIZE) -> None:
    """A keyframe and what follows it, one packet a frame, 12 ms apart; someone watched it."""
    for number in range(FRAMES):
        studio.send(vp8(1_000 + number, timestamp=9_000 + 1_080 * number, size=size, keyframe=number == 0))
        studio.tick(0.012)


def join(studio: Studio, viewer: Viewer, rate: float) -> DownTrack:
    """A viewer comes to a publisher who does not obey, and the layer gets its turn."""
    studio.layer.keyframes.obeyed = False
    track = viewer.down_track()
    track.transport.estimator.estimate = rate / CATCH_UP
    studio.video.add_down_track(track, studio.now)
    studio.tick()
    studio.flush()
    return track


@pytest.mark.parametrize("srtp", [GCM, CM])
def test_the_rate_paces_what_is_sent_and_the_end_is_the_live_edge(srtp: int) -> None:
    studio, viewer = Studio(), Viewer(srtp)
    group_of_pictures(studio)
    track = join(studio, viewer, rate=4_000_000.0)
    first = marks(viewer.received(studio.egress))
    assert first[0] == 1_000
    assert len(first) == -(-LARGEST_STEP // SIZE)
    seen = list(first)
    turns = 0
    while track.catch_up is not None:
        studio.tick(0.02)
        studio.flush()
        step = marks(viewer.received(studio.egress))
        assert len(step) <= 4_000_000 * 0.02 / 8 / SIZE + 1
        seen += step
        turns += 1
        assert turns < 100
    assert seen == list(range(1_000, 1_000 + FRAMES))
    studio.send(vp8(1_200, timestamp=9_000 + 1_080 * FRAMES))
    assert marks(viewer.received(studio.egress)) == [1_200]
    assert track.counts()[0] == FRAMES + 1


def test_timestamps_grow_by_the_time_of_sending_and_then_by_the_publishers() -> None:
    studio, viewer = Studio(), Viewer()
    group_of_pictures(studio)
    join(studio, viewer, rate=100_000_000.0)
    for _ in range(10):
        studio.tick()
        studio.flush()
    studio.send(vp8(1_200, timestamp=9_000 + 1_080 * FRAMES))
    packets = viewer.received(studio.egress)
    steps = [b.timestamp - a.timestamp & 0xFFFFFFFF for a, b in itertools.pairwise(packets)]
    assert min(steps) >= round(FRAME_STEP * 90_000)
    assert sum(steps[:-1]) < 0.3 * 90_000, "2.4 s of media were shown in the time it took to send them"
    assert steps[-1] == 1_080


def test_a_report_waits_for_the_live_edge() -> None:
    studio, viewer = Studio(), Viewer()
    group_of_pictures(studio)
    track = join(studio, viewer, rate=1_000_000.0)
    assert track.catch_up is not None
    assert track.sender_report(studio.wall) is None
    for _ in range(200):
        studio.tick()
        studio.flush()
    assert track.sender_report(studio.wall) is not None


def test_what_was_caught_up_on_is_resent_as_it_was_sent() -> None:
    studio, viewer = Studio(), Viewer()
    group_of_pictures(studio)
    track = join(studio, viewer, rate=100_000_000.0)
    sent = {d[2:4]: d for d in studio.egress.datagrams(viewer.address)}
    number = next(iter(sent))
    track.resend([int.from_bytes(number, "big")], studio.now)
    assert viewer.resent() == [sent[number]], "one nonce, one text"


def test_frames_are_forgotten_once_nobody_can_ask_for_them() -> None:
    studio, viewer = Studio(), Viewer()
    group_of_pictures(studio)
    track = join(studio, viewer, rate=100_000_000.0)
    number = int.from_bytes(studio.egress.datagrams(viewer.address)[0][2:4], "big")
    for _ in range(10):
        studio.tick()
        studio.flush()
    assert track.catch_up is None
    track.forget_ended(studio.now + HORIZON + 1)
    track.resend([number], studio.now + HORIZON + 1)
    assert viewer.resent() == []
    assert viewer.drops["nack_not_cached"] == 1


def test_a_hole_is_left_for_the_viewer_to_ask_about() -> None:
    studio, viewer = Studio(), Viewer()
    for number in (0, 1, 3, 4):
        studio.send(vp8(1_000 + number, timestamp=9_000 + 1_080 * number, keyframe=number == 0))
        studio.tick(0.012)
    track = join(studio, viewer, rate=100_000_000.0)
    packets = viewer.received(studio.egress)
    assert marks(packets) == [1_000, 1_001, 1_003, 1_004]
    assert packets[2].sequence_number - packets[1].sequence_number & 0xFFFF == 2
    studio.send(vp8(1_002, timestamp=9_000 + 1_080 * 2))
    assert viewer.received(studio.egress) == [], "its frame's timestamp is not known any more"
    track.resend([packets[1].sequence_number + 1 & 0xFFFF], studio.now)
    assert viewer.resent() == []
    studio.send(vp8(1_005, timestamp=9_000 + 1_080 * 5))
    assert marks(viewer.received(studio.egress)) == [1_005]


def test_who_leaves_in_mid_air_goes_on_without_a_jump() -> None:
    studio, viewer = Studio(), Viewer()
    group_of_pictures(studio)
    track = join(studio, viewer, rate=1_000_000.0)
    before = viewer.received(studio.egress)[-1]
    studio.video.remove_down_track(track)
    assert track.catch_up is None
    assert studio.layer.catching_up == []
    studio.video.add_down_track(track, studio.now)
    studio.tick(0.5)
    studio.flush()
    after = viewer.received(studio.egress)[0]
    assert after.sequence_number == before.sequence_number + 1 & 0xFFFF
    assert 0 < (after.timestamp - before.timestamp & 0xFFFFFFFF) <= 0.6 * 90_000


def test_a_keyframe_is_asked_for_when_the_live_edge_stays_out_of_reach() -> None:
    studio, viewer = Studio(), Viewer()
    group_of_pictures(studio)
    track = join(studio, viewer, rate=1_000.0)
    asked = studio.layer.keyframes.sent
    studio.tick(3.5)
    studio.flush()
    assert track.catch_up is not None
    studio.tick()
    assert studio.layer.keyframes.sent == asked + 1
    studio.send(vp8(1_200, timestamp=9_000 + 1_080 * FRAMES, keyframe=True))
    assert track.catch_up is None
    assert parse_rtp(viewer.inbound.unprotect_rtp(studio.egress.datagrams(viewer.address)[-1])).payload
