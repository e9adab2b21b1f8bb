"""Who publishes where, who watches, and what is tidied up after them."""

from __future__ import annotations

import gc
import weakref

from gateway.sfu.room import Room, Rooms
from gateway.sfu.state import CameraState
from gateway.sfu.subscriber import Subscriber
from tests.unit.sfu.fakes import FakeEgress, Studio, Viewer, marks, opus, video_media, vp8


def rooms() -> tuple[Rooms, list[str]]:
    changed: list[str] = []
    return Rooms(FakeEgress(), changed.append), changed


def watch(place: Rooms, viewer: Viewer) -> Subscriber:
    subscriber = viewer.subscriber()
    subscriber.connect(viewer.link, viewer.outbound, viewer.address, 0.0)
    place.enter("order", "main").subscribe(subscriber, 100.0)
    return subscriber


def speak(studio: Studio, sequence: int) -> None:
    studio.send(vp8(sequence, keyframe=True))
    studio.tick()
    studio.send(vp8(sequence + 1, keyframe=True))


def test_a_publisher_who_comes_back_is_played_by_those_who_stayed() -> None:
    place, _ = rooms()
    viewer = Viewer()
    watch(place, viewer)
    camera = place.enter("order", "main")
    first, second = Studio(), Studio()
    camera.publish(first.publisher, 100.0)
    speak(first, 1)
    assert camera.unpublish(first.publisher, 5.0)
    assert (camera.gone_at, camera.live, camera.empty) == (5.0, False, False)
    camera.publish(second.publisher, 100.0)
    assert camera.gone_at is None
    speak(second, 70)
    assert marks(viewer.received(first.egress)) == [2]
    assert marks(viewer.received(second.egress)) == [71]


def test_a_zombie_that_ends_late_does_not_end_its_successor() -> None:
    place, _ = rooms()
    viewer = Viewer()
    watch(place, viewer)
    camera = place.enter("order", "main")
    zombie, successor = Studio(), Studio()
    camera.publish(zombie.publisher, 100.0)
    speak(zombie, 1)
    camera.publish(successor.publisher, 100.0)
    speak(successor, 1)
    camera.since = 7.0
    assert not camera.unpublish(zombie.publisher, 9.0)
    zombie.publisher.end()
    assert (camera.publisher, camera.live, camera.gone_at) == (successor.publisher, True, None)
    zombie.send(vp8(3))
    successor.send(vp8(3))
    assert marks(viewer.received(zombie.egress)) == [2]
    assert marks(viewer.received(successor.egress)) == [2, 3]


def test_only_viewers_within_reach_count() -> None:
    place, _ = rooms()
    one, other = watch(place, Viewer()), watch(place, Viewer())
    place.enter("order", "second").subscribe(Viewer().subscriber(), 100.0)
    room = place.get("order")
    assert room is not None
    assert room.viewers() == 2
    one.pause()
    assert room.viewers() == 1
    room.camera("main").unsubscribe(other)
    assert room.viewers() == 0


def test_empty_cameras_and_rooms_are_forgotten() -> None:
    place, changed = rooms()
    studio = Studio()
    viewer = watch(place, Viewer())
    camera = place.enter("order", "main")
    assert place.enter("order", "main") is camera
    camera.publish(studio.publisher, 100.0)
    place.tidy("order")
    assert [room.order_id for room in place.all()] == ["order"]
    camera.unsubscribe(viewer)
    place.tidy("order")
    assert place.get("order") is not None
    camera.unpublish(studio.publisher, 1.0)
    place.enter("order", "other").subscribe(Viewer().subscriber(), 100.0)
    place.tidy("order")
    room = place.get("order")
    assert room is not None
    assert list(room.cameras) == ["other"]
    room.cameras["other"].subscribers.clear()
    place.tidy("order")
    place.tidy("order")
    assert place.all() == []
    assert changed == ["order"] * 5


def test_a_room_with_an_attendant_stays_and_is_the_same() -> None:
    place, _ = rooms()
    room = place.attend("order")
    assert place.attend("order") is room
    watcher = watch(place, Viewer())
    room.camera("main").unsubscribe(watcher)
    place.tidy("order")
    place.leave("order")
    assert place.get("order") is room
    watcher = watch(place, Viewer())
    place.leave("order")
    assert place.get("order") is room, "somebody watches"
    room.camera("main").unsubscribe(watcher)
    place.tidy("order")
    assert place.get("order") is None


def test_a_camera_tells_its_state() -> None:
    camera = Room("order", lambda: None).camera("main")
    assert camera.state(0.0) == CameraState("main", False, None, None, ())
    studio = Studio()
    camera.publish(studio.publisher, 100.0)
    assert camera.state(0.0).codec is None
    speak(studio, 1)
    camera.since = 7.0
    state = camera.state(studio.now)
    assert (state.live, state.since, state.codec) == (True, 7.0, "VP8")
    assert [(layer.width, layer.live) for layer in state.layers] == [(640, True)]
    camera.publish(Studio(video_media(), connected=False).publisher, 100.0)
    assert not camera.live


def test_flush_forwards_each_waiting_layer_once() -> None:
    place, _ = rooms()
    egress = FakeEgress()
    place = Rooms(egress, lambda _: None)
    studio, viewer = Studio(), Viewer()
    watch(place, viewer)
    place.enter("order", "main").publish(studio.publisher, 100.0)
    speak(studio, 1)
    studio.publisher.on_rtp(vp8(3), studio.now, studio.wall)
    place.mark_dirty(studio.layer)
    place.mark_dirty(studio.layer)
    place.flush(studio.now)
    place.flush(studio.now)
    assert marks(viewer.received(egress)) == [3]


def test_nothing_of_a_publisher_stays_once_it_ended() -> None:
    place, _ = rooms()
    subscriber = watch(place, Viewer())
    camera = place.enter("order", "main")
    studio = Studio()
    camera.publish(studio.publisher, 100.0)
    studio.send(opus(1))
    speak(studio, 1)
    gone = [weakref.ref(studio.publisher), weakref.ref(studio.layer), weakref.ref(studio.video)]
    camera.unpublish(studio.publisher, studio.now)
    studio.publisher.end()
    gc.disable()
    try:
        subscriber.on_timer(studio.now + 10.0, studio.wall)
        del studio.publisher, studio  # the fake knows its publisher and the other way round
        assert [reference() for reference in gone] == [None] * 3, "kept alive"
    finally:
        gc.enable()
