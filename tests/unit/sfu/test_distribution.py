"""Who is in which group, and when a viewer may go to another."""

from __future__ import annotations

import itertools

from gateway.protocol.codecs import vp8
from gateway.protocol.rtp import RtpPacket
from gateway.sfu.down_track import DownTrack
from gateway.sfu.sublayer import ALL
from tests.unit.sfu.fakes import Studio, Viewer, video_media
from tests.unit.sfu.temporal import picture

START = 1_000


class Stream:
    """A publisher of three temporal layers: base, highest, middle, highest, and so on."""

    def __init__(self) -> None:
        self.studio = Studio(video_media())
        self.sent = START
        self.send(keyframe=True)
        self.studio.tick()

    def send(self, count: int = 1, *, keyframe: bool = False, sync: bool = True) -> None:
        for _ in range(count):
            place = (self.sent - START) % 4
            temporal = 0 if keyframe else (0, 2, 1, 2)[place]
            tl0 = (self.sent - START) // 4
            number = self.sent + 20_000
            packet = picture(
                self.sent, number, temporal, tl0=tl0, sync=sync and temporal > 0, keyframe=keyframe
            )
            self.studio.send(packet)
            self.sent += 1

    def measure(self) -> None:
        """A second of it, so that its temporal layers are known."""
        layer = self.studio.layer
        layer.meter.roll(self.studio.now)
        self.send(8)
        layer.meter.roll(self.studio.now + 1.0)
        assert len(layer.bitrates) == 3

    def watch(self) -> tuple[Viewer, DownTrack]:
        viewer = Viewer()
        track = viewer.down_track()
        self.studio.video.add_down_track(track, self.studio.now)
        self.sent = START + -(-(self.sent - START) // 4) * 4
        self.send(keyframe=True)
        assert track.layer is not None
        return viewer, track

    @property
    def groups(self) -> list[int]:
        return [len(group) for group in self.studio.layer.out.groups.values()]


def temporal(packets: list[RtpPacket]) -> list[int | None]:
    return [found.temporal_id for p in packets if (found := vp8.parse_descriptor(p.payload)) is not None]


def fresh(viewer: Viewer, stream: Stream) -> list[RtpPacket]:
    """What came for this viewer since the last look."""
    egress = stream.studio.egress
    packets = viewer.received(egress)
    egress.calls = [call for call in egress.calls if call[0] != viewer.address]
    return packets


def test_viewers_who_came_alike_are_one_group() -> None:
    stream = Stream()
    stream.watch()
    stream.watch()
    assert stream.groups == [2]


def test_fewer_frames_from_the_next_frame_on_and_more_at_a_sync_frame() -> None:
    stream = Stream()
    viewer, track = stream.watch()
    other, _ = stream.watch()
    stream.measure()
    for somebody in (viewer, other):
        fresh(somebody, stream)
    track.thin(0)
    stream.send(8)
    assert temporal(fresh(viewer, stream)) == [0, 0]
    assert len(fresh(other, stream)) == 8
    assert stream.groups == [1, 1]
    track.thin(ALL)
    stream.send(4, sync=False)
    assert temporal(fresh(viewer, stream)) == [0], "raised at a frame that needs what the viewer lacks"
    stream.send(12)
    assert set(temporal(fresh(viewer, stream))) == {0, 1, 2}
    assert track.view is not None
    assert track.view.sublayer.top == ALL


def test_a_keyframe_brings_everything_at_once() -> None:
    stream = Stream()
    viewer, track = stream.watch()
    stream.measure()
    track.thin(0)
    stream.send(4)
    track.thin(ALL)
    fresh(viewer, stream)
    stream.send(keyframe=True)
    assert track.view is not None
    assert track.view.sublayer.top == ALL
    assert temporal(fresh(viewer, stream)) == [0]


def test_numbers_of_frames_left_out_leave_no_trace_and_retransmissions_are_the_same_bytes() -> None:
    stream = Stream()
    viewer, track = stream.watch()
    stream.measure()
    track.thin(1)
    stream.send(40)
    got = fresh(viewer, stream)
    assert [b.sequence_number - a.sequence_number for a, b in itertools.pairwise(got)] == [1] * (len(got) - 1)
    pictures = [found.picture_id for p in got if (found := vp8.parse_descriptor(p.payload))]
    assert all(b == (a or 0) + 1 for a, b in itertools.pairwise(pictures) if b is not None)
    track.resend([p.sequence_number for p in got[-10:]], stream.studio.now)
    resent = [packet for packet, _ in viewer.link.rtp]
    assert [packet[-60:] for packet in resent] == [p.payload[-60:] for p in got[-10:]]
    assert [packet[2:4] for packet in resent] == [p.sequence_number.to_bytes(2, "big") for p in got[-10:]]


def test_who_leaves_takes_the_numbering_of_his_sublayer_along() -> None:
    stream = Stream()
    _, track = stream.watch()
    stream.measure()
    track.thin(0)
    stream.send(4)
    assert list(stream.studio.layer.out._thinned) == [0]
    stream.studio.video.remove_down_track(track)
    assert stream.groups == []
    assert stream.studio.layer.out._thinned == {}
    stream.send(4)
