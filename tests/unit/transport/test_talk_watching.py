"""A viewer's session with a line on which it may talk, and one that sends without having been given one."""

from __future__ import annotations

from gateway.protocol.rtcp import Bye
from gateway.sfu.viewing import FALL_BACK, Viewing
from gateway.transport.endpoints import WATCH_TICK, PublishingEndpoint, WatchingEndpoint
from gateway.transport.talk_parts import TALK_TICK
from tests.unit.sfu.fakes import LEVEL_ID, MID_ID, Viewer, audio_media, opus, vp8
from tests.unit.transport.talk_rig import TalkRig

VOICE = bytes([0x80 | 20])
PATIENCE = 60.0


class Rig(TalkRig):
    """An order with a viewer of its camera `main`, and a technician who listens."""

    def __init__(self, *, talks: bool = True) -> None:
        super().__init__()
        self.told = 0
        self.viewer = Viewer()
        room = self.rooms.room("order")
        viewing = Viewing(room, "main", self.viewer.subscriber(), self.now)
        self.ear = self.listening()
        self.endpoint = WatchingEndpoint(
            "order",
            self.rooms,
            viewing,
            self.clock,
            PATIENCE,
            self.viewer.drops,
            changed=self._tell,
            talking=self.talking("anna", standing=False) if talks else None,
        )
        self.endpoint.connected(self.viewer.link, self.viewer.outbound, self.viewer.address, self.now)

    def _tell(self) -> None:
        self.told += 1

    def press(self) -> None:
        self.channel.floor.press("anna", self.now)
        self.channel.route(self.now)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.endpoint.on_rtp(packet, self.now)
            self.rooms.flush(self.now)

    def camera(self, name: str) -> PublishingEndpoint:
        """Somebody publishes there, and media flows."""
        camera = self.rooms.enter("order", name)
        endpoint = PublishingEndpoint("order", camera, self.rooms, self.publisher(audio_media()), self.clock)
        endpoint.on_rtp(opus(1), self.now)
        endpoint.on_timer(self.now)
        return endpoint


def voice(sequence: int) -> bytes:
    return opus(sequence, tags={LEVEL_ID: VOICE})


def test_its_microphone_is_heard_while_it_has_the_floor() -> None:
    rig = Rig()
    rig.send(voice(1), voice(2))
    assert rig.heard(rig.ear) == 0
    rig.press()
    rig.send(voice(3))
    assert rig.heard(rig.ear) == 1
    assert rig.viewer.drops == {}


def test_the_first_packet_after_the_press_is_heard_if_it_is_the_first_of_all() -> None:
    rig = Rig()
    rig.press()
    rig.send(voice(1))
    assert rig.heard(rig.ear) == 1


def test_what_is_no_sound_of_the_negotiated_line_is_dropped_and_counted() -> None:
    rig = Rig()
    rig.press()
    rig.send(vp8(1, keyframe=True), opus(2, payload_type=96, tags={MID_ID: b"a"}), b"\x80\x6f")
    assert rig.drops == {"rtp_unknown_ssrc": 1, "rtp_unknown_payload_type": 1, "rtp_malformed": 1}
    assert rig.heard(rig.ear) == 0
    assert rig.channel.state(rig.now).speakers == ()


def test_a_viewer_without_a_talk_line_is_never_forwarded_whatever_it_sends() -> None:
    rig = Rig(talks=False)
    rig.channel.floor.press("anna", rig.now)
    rig.channel.route(rig.now)
    rig.send(voice(1), voice(2), vp8(3, keyframe=True))
    assert rig.viewer.drops == {"rtp_from_viewer": 3}
    assert rig.egress.calls == []
    rig.endpoint.on_rtcp(Bye((1,)).encode(), rig.now)


def test_its_timer_serves_the_microphone_while_it_sends() -> None:
    rig = Rig()
    assert rig.endpoint.on_timer(rig.now) <= rig.now + WATCH_TICK
    rig.endpoint.lost()
    assert rig.endpoint.on_timer(rig.now) == rig.now + WATCH_TICK
    rig.send(voice(1))
    assert rig.endpoint.on_timer(rig.now) == rig.now + TALK_TICK


def test_its_end_is_the_end_of_both_directions() -> None:
    rig = Rig()
    rig.press()
    rig.send(voice(1))
    rig.endpoint.ended(rig.now)
    rig.heard(rig.ear)
    rig.send(voice(2))
    assert rig.heard(rig.ear) == 0
    assert rig.channel.state(rig.now).floor.pressing == ()
    assert len(rig.viewer.link.rtcp(Bye)) == 1
    rig.ear.part.end()
    rig.rooms.tidy("order")
    assert rig.rooms.get("order") is None


def test_camera_choices_and_fall_backs_are_told_and_leave_no_empty_camera() -> None:
    rig = Rig()
    rig.camera("microscope")
    rig.endpoint.select_camera("microscope", None, rig.now)
    assert rig.told == 1
    room = rig.rooms.get("order")
    assert room is not None
    assert list(room.cameras) == ["microscope"]
    main = rig.camera("main")
    rig.endpoint.select_camera("main", None, rig.now)
    main.ended(rig.now)
    rig.told = 0
    rig.clock.advance(FALL_BACK)
    rig.endpoint.on_timer(rig.now)
    assert (rig.told, rig.endpoint.state(rig.now).camera) == (0, "main")
    rig.clock.advance(WATCH_TICK)
    rig.endpoint.on_timer(rig.now)
    state = rig.endpoint.state(rig.now)
    assert (rig.told, state.camera, state.wanted_camera) == (1, "microscope", "main")
    assert list(room.cameras) == ["microscope"]


def test_patience_is_with_the_camera_that_is_shown() -> None:
    rig = Rig()
    main, spare = rig.camera("main"), rig.camera("spare")
    main.ended(rig.now)
    rig.clock.advance(PATIENCE + FALL_BACK)
    rig.endpoint.on_timer(rig.now)
    assert rig.viewer.link.closed == []
    spare.ended(rig.now)
    rig.clock.advance(PATIENCE + 1.0)
    rig.endpoint.on_timer(rig.now)
    assert rig.viewer.link.closed == ["publisher_gone"]


def test_a_technician_hears_on_the_connection_that_publishes() -> None:
    rig = TalkRig()
    viewer = Viewer()
    listener = viewer.subscriber(audio_media("talk"))
    camera, publisher = rig.rooms.enter("order", "main"), rig.publisher(audio_media())
    technician = PublishingEndpoint("order", camera, rig.rooms, publisher, rig.clock, listener)
    technician.connected(viewer.link, viewer.outbound, viewer.address, rig.now)
    talker = rig.talking("anna", standing=True)

    def heard(sequence: int) -> int:
        rig.speak(talker, sequence)
        return len(viewer.received(rig.egress))

    assert heard(1) == 1
    technician.lost()
    assert heard(2) == 0
    viewer.address = ("198.51.100.7", 7)
    technician.moved(viewer.address)
    technician.found()
    assert heard(3) == 1
    rig.clock.advance(1.0)
    viewer.link.compounds.clear()
    technician.on_timer(rig.now)
    assert viewer.link.compounds, "sender reports of the talk line"
    technician.ended(rig.now)
    assert heard(4) == 0
    assert rig.rooms.get("order") is not None, "somebody talks"
