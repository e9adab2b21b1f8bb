"""What a driver's calls mean for the room: cameras go live, viewers count, patience ends."""

from __future__ import annotations

import pytest

from gateway.clock import ManualClock
from gateway.protocol.rtcp import Bye, PictureLossIndication
from gateway.sfu.publisher import TICK
from gateway.sfu.room import Rooms
from gateway.sfu.viewing import Viewing
from gateway.transport.endpoints import WATCH_TICK, PublishingEndpoint, WatchingEndpoint
from tests.unit.sfu.fakes import FakeEgress, Studio, Viewer, marks, vp8

ADDRESS = ("192.0.2.1", 1)
PATIENCE = 60.0


class Rig:
    def __init__(self) -> None:
        self.changes: list[str] = []
        self.egress = FakeEgress()
        self.clock = ManualClock()
        self.rooms = Rooms(self.egress, self.changes.append)
        self.camera = self.rooms.enter("order", "main")

    def publishing(self) -> tuple[Studio, PublishingEndpoint]:
        studio = Studio(connected=False)
        studio.publisher._dirty = self.rooms.mark_dirty
        endpoint = PublishingEndpoint("order", self.camera, self.rooms, studio.publisher, self.clock)
        return studio, endpoint

    def watching(self) -> tuple[Viewer, WatchingEndpoint]:
        viewer = Viewer()
        viewing = Viewing(self.rooms.room("order"), "main", viewer.subscriber(), self.now)
        endpoint = WatchingEndpoint("order", self.rooms, viewing, self.clock, PATIENCE, viewer.drops)
        return viewer, endpoint

    def connected(self) -> tuple[Viewer, WatchingEndpoint]:
        viewer, endpoint = self.watching()
        endpoint.connected(viewer.link, viewer.outbound, viewer.address, self.now)
        return viewer, endpoint

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    def picture(self, endpoint: PublishingEndpoint, sequence: int) -> None:
        for number in (sequence, sequence + 1):
            endpoint.on_rtp(vp8(number, keyframe=True), self.now)
            endpoint.on_timer(self.now)
            self.rooms.flush(self.now)


def test_a_camera_goes_live_with_its_first_packet_not_with_its_session() -> None:
    rig = Rig()
    _studio, endpoint = rig.publishing()
    assert rig.camera.publisher is not None
    assert endpoint.on_timer(rig.now) == rig.now + TICK
    assert not rig.camera.live
    rig.changes.clear()
    endpoint.on_rtp(vp8(1), rig.now)
    endpoint.on_timer(rig.now)
    endpoint.on_timer(rig.now)
    assert rig.camera.since == rig.clock.time()
    assert rig.changes == ["order"]


def test_the_order_is_told_when_pictures_change_in_size_or_fall_silent() -> None:
    rig = Rig()
    _studio, endpoint = rig.publishing()
    rig.picture(endpoint, 1)
    rig.changes.clear()
    for sequence, width in ((3, 640), (4, 1280), (5, 1280)):
        endpoint.on_rtp(vp8(sequence, keyframe=True, width=width), rig.now)
        endpoint.on_timer(rig.now)
    assert rig.changes == ["order"]
    rig.clock.advance(5.0)
    endpoint.on_timer(rig.now)
    endpoint.on_timer(rig.now)
    assert rig.changes == ["order"] * 2


def test_a_publisher_gets_its_feedback_once_connected() -> None:
    rig = Rig()
    studio, endpoint = rig.publishing()
    rig.connected()
    rig.picture(endpoint, 1)
    assert studio.link.compounds == []
    endpoint.connected(studio.link, Viewer().outbound, ADDRESS, rig.now)
    endpoint.on_timer(rig.now)
    assert studio.link.compounds
    endpoint.select_layer("m", 360, None, rig.now)
    assert endpoint.next_timer() is None
    endpoint.moved(ADDRESS)
    endpoint.lost()
    endpoint.found()
    endpoint.on_rtcp(b"\x80\xc8\xff\xff", rig.now)
    assert studio.drops["rtcp_malformed"] == 1


def test_the_zombies_timer_does_not_make_its_successor_live() -> None:
    rig = Rig()
    _old, zombie = rig.publishing()
    rig.picture(zombie, 1)
    rig.publishing()
    zombie.on_timer(rig.now)
    assert not rig.camera.live


def test_the_end_of_everybody_empties_the_house() -> None:
    rig = Rig()
    _studio, publishing = rig.publishing()
    _viewer, watching = rig.connected()
    publishing.ended(rig.now)
    assert rig.camera.gone_at == rig.now
    assert rig.rooms.get("order") is not None
    watching.ended(rig.now)
    assert rig.rooms.get("order") is None


def test_viewers_come_go_and_come_back() -> None:
    rig = Rig()
    _studio, publishing = rig.publishing()
    viewer, watching = rig.connected()
    room = rig.rooms.get("order")
    assert room is not None
    rig.picture(publishing, 1)
    assert marks(viewer.received(rig.egress)) == [1, 2]
    for step, count in ((watching.lost, 0), (watching.found, 1)):
        rig.changes.clear()
        step()
        assert room.viewers() == count
        assert rig.changes == ["order"]
    viewer.address = ("198.51.100.7", 7)
    watching.moved(viewer.address)
    rig.picture(publishing, 3)
    assert marks(viewer.received(rig.egress)) == [3, 4]
    watching.ended(rig.now)
    assert len(viewer.link.rtcp(Bye)) == 1


def test_what_a_viewer_sends() -> None:
    rig = Rig()
    studio, publishing = rig.publishing()
    viewer, watching = rig.connected()
    rig.picture(publishing, 1)
    watching.on_rtp(vp8(1), rig.now)
    watching.on_rtcp(PictureLossIndication(1, 0x1000).encode(), rig.now)
    assert viewer.drops == {"rtp_from_viewer": 1}
    assert studio.layer.keyframes.wanted


@pytest.mark.parametrize("connected", [True, False])
def test_patience_ends_for_the_connected(connected: bool) -> None:
    rig = Rig()
    _studio, publishing = rig.publishing()
    viewer, watching = rig.connected() if connected else rig.watching()
    publishing.ended(rig.now)
    rig.clock.advance(PATIENCE - 1)
    watching.on_timer(rig.now)
    assert viewer.link.closed == []
    rig.clock.advance(2)
    watching.on_timer(rig.now)
    assert viewer.link.closed == (["publisher_gone"] if connected else [])


def test_a_new_publisher_restores_patience() -> None:
    rig = Rig()
    _studio, publishing = rig.publishing()
    viewer, watching = rig.connected()
    publishing.ended(rig.now)
    rig.clock.advance(PATIENCE - 1)
    rig.publishing()
    rig.clock.advance(PATIENCE)
    watching.on_timer(rig.now)
    assert viewer.link.closed == []


def test_the_viewers_timer_is_never_in_the_past_nor_far_away() -> None:
    rig = Rig()
    _viewer, waiting = rig.watching()
    assert waiting.on_timer(rig.now) == rig.now + WATCH_TICK
    _viewer, watching = rig.connected()
    rig.clock.advance(5.0)
    assert rig.now <= watching.on_timer(rig.now) <= rig.now + WATCH_TICK
    watching.lost()
    assert watching.on_timer(rig.now) == rig.now + WATCH_TICK
