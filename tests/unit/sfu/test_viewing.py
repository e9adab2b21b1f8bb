"""Which camera is on which line: chosen, fallen back to, in the strip, pinned."""

from __future__ import annotations

import pytest

from gateway.protocol.description import MediaKind, NegotiatedMedia
from gateway.sfu.layer_choice import Wish
from gateway.sfu.room import Room
from gateway.sfu.state import LineState
from gateway.sfu.viewing import FALL_BACK, THUMBNAIL_HEIGHT, Viewing
from tests.unit.sfu.fakes import Studio, Viewer, audio_media, marks, opus, video_media, vp8

MAIN = (video_media(mid="v"), audio_media("a"))
STRIP = (video_media(mid="v"), audio_media("a"), video_media(mid="s1"), video_media(mid="s2"))
SMALL = Wish(None, THUMBNAIL_HEIGHT)


class House:
    """A room whose cameras each have an encoder, and one viewer."""

    def __init__(self, *names: str) -> None:
        self.now = 100.0
        self.room = Room("order", lambda: None)
        self.studios: dict[str, Studio] = {}
        self.viewer = Viewer()
        self._sequence = 0
        for name in names:
            self.begin(name)

    def begin(self, name: str) -> None:
        """A technician begins; its camera is live."""
        studio = self.studios[name] = Studio()
        self.room.camera(name).publish(studio.publisher, self.now)
        self.room.camera(name).since = 1.0
        studio.send(vp8(1, keyframe=True), opus(1))
        studio.tick()

    def end(self, name: str) -> None:
        """It ends, and what is empty is forgotten as `Rooms.tidy` does."""
        studio = self.studios.pop(name)
        self.room.camera(name).unpublish(studio.publisher, self.now)
        studio.publisher.end()
        self.tidy()

    def tidy(self) -> None:
        for camera in [c for c in self.room.cameras.values() if c.empty]:
            del self.room.cameras[camera.name]

    def watch(self, camera: str, *media: NegotiatedMedia, only: bool = False) -> Viewing:
        subscriber = self.viewer.subscriber(*(media or MAIN))
        subscriber.connect(self.viewer.link, self.viewer.outbound, self.viewer.address, self.now)
        return Viewing(self.room, camera, subscriber, self.now, only=only)

    def shown(self) -> dict[str, set[str]]:
        """A keyframe from every camera: on which lines each came."""
        self._sequence += 10
        lines: dict[str, set[str]] = {}
        mids = {0x1000 + place: media.mid for place, media in enumerate(STRIP)}
        for name, studio in self.studios.items():
            studio.send(vp8(self._sequence, keyframe=True))
            lines[name] = {mids[packet.ssrc] for packet in self.viewer.received(studio.egress)}
        return lines


def wishes(viewing: Viewing) -> dict[str, Wish]:
    """What is asked for on each video line."""
    return {x.media.mid: x.wish for x in viewing.subscriber.down_tracks if x.kind is MediaKind.VIDEO}


def test_a_viewer_sees_the_camera_it_asked_for_and_no_other() -> None:
    house = House("main", "microscope")
    viewing = house.watch("microscope")
    assert house.shown() == {"main": set(), "microscope": {"v"}}
    assert (viewing.wanted, viewing.camera.name, viewing.lines) == ("microscope", "microscope", {})


def test_another_camera_comes_with_its_next_keyframe_and_the_former_goes_on_until_then() -> None:
    house = House("main", "microscope")
    viewing = house.watch("main")
    house.shown()
    house.studios["main"].send(opus(2))
    house.viewer.received(house.studios["main"].egress)
    viewing.select("microscope", house.now)
    house.studios["main"].send(vp8(11), opus(3))
    assert {packet.ssrc for packet in house.viewer.received(house.studios["main"].egress)} == {0x1000, 0x1001}
    house.studios["microscope"].send(vp8(11, keyframe=True), opus(2))
    (first, sound) = house.viewer.received(house.studios["microscope"].egress)
    assert (marks([first]), sound.ssrc) == ([11], 0x1001)
    assert house.shown() == {"main": set(), "microscope": {"v"}}
    assert house.room.camera("main").subscribers == []
    assert house.room.camera("microscope").subscribers == [viewing.subscriber]


def test_choosing_what_is_shown_already_changes_nothing() -> None:
    house = House("main")
    viewing = house.watch("main")
    house.shown()
    viewing.select("main", house.now)
    house.studios["main"].send(vp8(50))
    assert len(house.viewer.received(house.studios["main"].egress)) == 1


def test_a_camera_that_is_gone_too_long_is_replaced_by_the_first_live_one_until_it_is_back() -> None:
    house = House("main", "b", "a")
    viewing = house.watch("main")
    house.end("main")
    house.now += FALL_BACK
    assert not viewing.tick(house.now)
    assert viewing.state(house.now).camera == "main"
    house.now += 0.01
    assert viewing.tick(house.now)
    assert (viewing.wanted, viewing.camera.name) == ("main", "a")
    assert (viewing.state(house.now).camera, viewing.state(house.now).wanted_camera) == ("a", "main")
    house.tidy()
    assert "main" not in house.room.cameras
    assert house.shown() == {"b": set(), "a": {"v"}}
    assert not viewing.tick(house.now)
    house.begin("main")
    house.room.camera("main").since = None
    assert not viewing.tick(house.now), "nothing flows yet"
    house.room.camera("main").since = 2.0
    assert viewing.tick(house.now)
    assert house.shown()["main"] == {"v"}
    assert house.shown() == {"main": {"v"}, "b": set(), "a": set()}


def test_a_restart_within_the_patience_changes_nothing() -> None:
    house = House("main", "a")
    viewing = house.watch("main")
    house.end("main")
    house.now += FALL_BACK
    house.begin("main")
    house.now += FALL_BACK * 2
    assert not viewing.tick(house.now)
    assert house.shown() == {"main": {"v"}, "a": set()}


def test_with_nobody_live_it_stays_and_takes_whoever_comes_first() -> None:
    house = House("main")
    viewing = house.watch("main")
    house.end("main")
    house.now += FALL_BACK * 10
    assert not viewing.tick(house.now)
    assert viewing.camera.name == "main"
    house.begin("spare")
    assert viewing.tick(house.now)
    assert viewing.camera.name == "spare"
    house.end("spare")
    house.begin("third")
    house.now += FALL_BACK + 0.01
    assert viewing.tick(house.now)
    assert (viewing.camera.name, viewing.wanted) == ("third", "main")


def test_a_choice_made_during_a_fall_back_is_the_new_wish() -> None:
    house = House("main", "a", "b")
    viewing = house.watch("main")
    house.end("main")
    house.now += FALL_BACK + 0.01
    viewing.tick(house.now)
    viewing.select("b", house.now)
    house.begin("main")
    assert not viewing.tick(house.now)
    assert (viewing.wanted, viewing.camera.name) == ("b", "b")


def test_further_lines_show_the_other_live_cameras_by_name_as_thumbnails() -> None:
    house = House("microscope", "desk", "main", "other")
    viewing = house.watch("main", *STRIP)
    assert viewing.lines == {"s1": "desk", "s2": "microscope"}
    assert house.shown() == {"microscope": {"s2"}, "desk": {"s1"}, "main": {"v"}, "other": set()}
    assert wishes(viewing) == {"v": Wish(), "s1": SMALL, "s2": SMALL}
    assert viewing.state(house.now).lines == (LineState("s1", "desk"), LineState("s2", "microscope"))


def test_thumbnails_follow_the_cameras_that_come_and_go_and_one_that_stays_keeps_its_line() -> None:
    house = House("main")
    viewing = house.watch("main", *STRIP)
    assert viewing.lines == {"s1": None, "s2": None}
    assert not viewing.tick(house.now)
    house.begin("microscope")
    assert viewing.tick(house.now)
    house.begin("desk")
    assert viewing.tick(house.now)
    assert viewing.lines == {"s1": "microscope", "s2": "desk"}
    assert house.shown() == {"main": {"v"}, "microscope": {"s1"}, "desk": {"s2"}}
    house.end("microscope")
    assert viewing.tick(house.now)
    assert viewing.lines == {"s1": None, "s2": "desk"}
    assert house.shown() == {"main": {"v"}, "desk": {"s2"}}


def test_the_camera_that_leaves_the_main_line_takes_the_thumbnail_of_the_one_that_comes() -> None:
    house = House("a", "b", "c")
    viewing = house.watch("a", *STRIP)
    house.shown()
    viewing.select("b", house.now)
    assert viewing.lines == {"s1": "a", "s2": "c"}
    house.shown()
    assert house.shown() == {"a": {"s1"}, "b": {"v"}, "c": {"s2"}}


@pytest.mark.parametrize("mid", ["s1", "s2"])
def test_a_pinned_camera_keeps_its_line_at_full_size_and_is_shown_once(mid: str) -> None:
    house = House("a", "b", "c")
    viewing = house.watch("a", *STRIP)
    viewing.select("c", house.now, mid)
    other = "s2" if mid == "s1" else "s1"
    assert viewing.lines == {mid: "c", other: "b"}
    assert (viewing.wanted, viewing.camera.name) == ("a", "a")
    assert wishes(viewing) == {"v": Wish(), mid: Wish(), other: SMALL}
    house.end("c")
    assert viewing.tick(house.now)
    assert viewing.lines == {mid: None, other: "b"}
    assert LineState(mid, None, "c") in viewing.state(house.now).lines
    house.begin("c")
    assert viewing.tick(house.now)
    assert viewing.lines == {mid: "c", other: "b"}
    assert LineState(mid, "c", "c") in viewing.state(house.now).lines
    house.shown()
    assert house.shown() == {"a": {"v"}, "b": {other}, "c": {mid}}


def test_a_pin_that_is_taken_off_leaves_a_thumbnail() -> None:
    house = House("a", "b", "c")
    viewing = house.watch("a", *STRIP)
    viewing.select("b", house.now, "s1")
    viewing.select("c", house.now, "s1")
    assert viewing.lines == {"s1": "c", "s2": "b"}
    viewing.select("c", house.now, "s2")
    assert viewing.lines == {"s1": "b", "s2": "c"}
    assert wishes(viewing) == {"v": Wish(), "s1": SMALL, "s2": Wish()}
    viewing.select(None, house.now, "s2")
    viewing.select(None, house.now, "s1")
    assert wishes(viewing) == {"v": Wish(), "s1": SMALL, "s2": SMALL}
    assert viewing.state(house.now).lines == (LineState("s1", "b"), LineState("s2", "c"))


def test_a_camera_that_is_away_is_replaced_by_a_pinned_one_last() -> None:
    house = House("main", "a", "b")
    viewing = house.watch("main", *STRIP)
    viewing.select("a", house.now, "s1")
    house.end("main")
    house.now += FALL_BACK + 0.01
    assert viewing.tick(house.now)
    assert (viewing.camera.name, viewing.lines) == ("b", {"s1": "a", "s2": None})
    house.end("b")
    house.now += FALL_BACK + 0.01
    assert viewing.tick(house.now)
    assert (viewing.camera.name, viewing.lines) == ("a", {"s1": "a", "s2": None})


def test_who_may_watch_one_camera_alone_is_shown_no_other() -> None:
    house = House("main", "workshop")
    viewing = house.watch("main", *STRIP, only=True)
    assert viewing.lines == {"s1": None, "s2": None}
    house.end("main")
    house.now += FALL_BACK + 0.01
    viewing.tick(house.now)
    assert (viewing.camera.name, viewing.lines) == ("main", {"s1": None, "s2": None})
    assert house.shown() == {"workshop": set()}
    house.begin("main")
    viewing.tick(house.now)
    assert house.shown() == {"workshop": set(), "main": {"v"}}


def test_the_main_line_may_be_named_like_any_other() -> None:
    house = House("a", "b")
    viewing = house.watch("a", *STRIP)
    viewing.select("b", house.now, "v")
    assert (viewing.wanted, viewing.camera.name) == ("b", "b")
    assert viewing.lines == {"s1": "a", "s2": None}


def test_who_leaves_is_with_no_camera_any_more() -> None:
    house = House("a", "b")
    viewing = house.watch("a", *STRIP)
    house.shown()
    viewing.leave()
    assert house.shown() == {"a": set(), "b": set()}
    assert all(not camera.subscribers for camera in house.room.cameras.values())
    assert all(not studio.video.down_tracks for studio in house.studios.values())
