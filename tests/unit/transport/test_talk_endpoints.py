"""Return audio by plain WHIP and WHEP: sessions that only talk, and that only listen."""

from __future__ import annotations

import pytest

from gateway.protocol.rtcp import Bye
from gateway.sfu.layer import SILENCE
from gateway.signalling.messages import TALK_CAMERA
from gateway.transport.talk_endpoints import ListeningEndpoint, TalkingEndpoint
from gateway.transport.talk_parts import IDLE_TICK, TALK_TICK, Listening
from tests.unit.sfu.fakes import LEVEL_ID, FakeLink, Viewer, audio_media, opus
from tests.unit.transport.talk_rig import TalkRig

VOICE = bytes([0x80 | 20])


def talking(rig: TalkRig, name: str = "anna") -> TalkingEndpoint:
    return TalkingEndpoint("order", rig.rooms, rig.talking(name, standing=True))


def listening(rig: TalkRig, slots: int = 1) -> tuple[Viewer, ListeningEndpoint]:
    viewer = Viewer()
    subscriber = viewer.subscriber(*[audio_media(str(n)) for n in range(slots)])
    part = Listening(rig.rooms.room("order"), subscriber)
    endpoint = ListeningEndpoint("order", rig.rooms, part, rig.clock, viewer.drops)
    return viewer, endpoint


def connected(rig: TalkRig, slots: int = 1) -> tuple[Viewer, ListeningEndpoint]:
    viewer, endpoint = listening(rig, slots)
    endpoint.connected(viewer.link, viewer.outbound, viewer.address, rig.now)
    return viewer, endpoint


def say(rig: TalkRig, endpoint: TalkingEndpoint, sequence: int) -> None:
    endpoint.on_rtp(opus(sequence, tags={LEVEL_ID: VOICE}), rig.now)
    rig.rooms.flush(rig.now)


def test_a_microphone_is_heard_by_who_came_before_and_after_it() -> None:
    rig = TalkRig()
    early, _ = connected(rig)
    microphone = talking(rig)
    say(rig, microphone, 1)
    late, _ = connected(rig, 3)
    say(rig, microphone, 2)
    assert (len(early.received(rig.egress)), len(late.received(rig.egress))) == (2, 1)


def test_who_waits_for_its_connection_hears_from_then_on() -> None:
    rig = TalkRig()
    viewer, ear = listening(rig)
    microphone = talking(rig)
    say(rig, microphone, 1)
    assert ear.next_timer() is None
    ear.connected(viewer.link, viewer.outbound, viewer.address, rig.now)
    say(rig, microphone, 2)
    assert len(viewer.received(rig.egress)) == 1
    assert ear.next_timer() is not None


def test_a_talker_tells_what_arrives_and_is_looked_after() -> None:
    rig = TalkRig()
    microphone, link = talking(rig), FakeLink()
    microphone.connected(link, Viewer().outbound, ("192.0.2.9", 9), rig.now)
    assert microphone.on_timer(rig.now) == rig.now + IDLE_TICK
    say(rig, microphone, 1)
    assert microphone.on_timer(rig.now) == rig.now + TALK_TICK
    state = microphone.state(rig.now)
    assert (state.camera, state.layers) == (TALK_CAMERA, ())
    rig.clock.advance(2.0)
    microphone.on_timer(rig.now)
    assert link.compounds, "reports"
    microphone.on_rtcp(b"\x80\xc8\xff\xff", rig.now)
    assert rig.drops["rtcp_malformed"] == 1


def test_what_a_listener_sends_is_dropped_and_counted() -> None:
    rig = TalkRig()
    viewer, ear = connected(rig)
    other, _ = connected(rig)
    ear.on_rtp(opus(1), rig.now)
    ear.on_rtcp(b"\x80\xc8\xff\xff", rig.now)
    rig.rooms.flush(rig.now)
    assert viewer.drops == {"rtp_from_viewer": 1, "rtcp_malformed": 1}
    assert other.received(rig.egress) == []


def test_a_listener_out_of_reach_hears_nothing_and_goes_on_at_its_new_address() -> None:
    rig = TalkRig()
    viewer, ear = connected(rig)
    microphone = talking(rig)
    say(rig, microphone, 1)
    (before,) = viewer.received(rig.egress)
    ear.lost()
    say(rig, microphone, 2)
    assert rig.egress.calls == []
    viewer.address = ("198.51.100.7", 7)
    ear.moved(viewer.address)
    ear.found()
    say(rig, microphone, 3)
    (after,) = viewer.received(rig.egress)
    assert after.sequence_number == before.sequence_number + 1


def test_a_listener_is_looked_after_and_tells_its_state() -> None:
    rig = TalkRig()
    viewer, ear = connected(rig)
    microphone = talking(rig)
    say(rig, microphone, 1)
    rig.clock.advance(1.0)
    assert ear.on_timer(rig.now) == rig.now + TALK_TICK
    assert viewer.link.compounds, "sender reports"
    state = ear.state(rig.now)
    assert (state.camera, state.layer, state.lines) == (TALK_CAMERA, None, ())


@pytest.mark.parametrize("first", ["talker", "listener"])
def test_the_room_lives_as_long_as_anybody_talks_or_listens(first: str) -> None:
    rig = TalkRig()
    viewer, ear = connected(rig)
    microphone = talking(rig)
    say(rig, microphone, 1)
    rig.rooms.tidy("order")
    room = rig.rooms.get("order")
    assert room is not None
    ends = [microphone.ended, ear.ended] if first == "talker" else [ear.ended, microphone.ended]
    rig.changes.clear()
    ends[0](rig.now)
    assert rig.rooms.get("order") is room
    ends[1](rig.now)
    assert rig.rooms.get("order") is None
    assert rig.changes == ["order"] * 2
    assert len(viewer.link.rtcp(Bye)) == 1


def test_nobody_speaks_after_the_end_of_a_microphone() -> None:
    rig = TalkRig()
    viewer, ear = connected(rig)
    anna, boris = talking(rig, "anna"), talking(rig, "boris")
    for sequence in range(1, 10):
        say(rig, anna, sequence)
        rig.clock.advance(0.02)
    anna.ended(rig.now)
    viewer.received(rig.egress)
    say(rig, anna, 11)
    assert viewer.received(rig.egress) == []
    say(rig, boris, 1)
    assert len(viewer.received(rig.egress)) == 1
    rig.clock.advance(SILENCE)
    ear.on_timer(rig.now)
    assert rig.channel.state(rig.now).speakers == ()
