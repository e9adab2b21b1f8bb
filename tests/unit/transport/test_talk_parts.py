"""A microphone that comes in and an ear that listens, as parts of any session."""

from __future__ import annotations

import itertools

import pytest

from gateway.errors import TalkFull
from gateway.protocol import extensions
from gateway.protocol.rtcp import Bye
from gateway.sfu.layer import SILENCE
from gateway.sfu.talk.allowance import OVER_BITRATE, OVER_PACKET_RATE
from gateway.sfu.talk.floor import Floor
from gateway.sfu.talk.loudness import RELEASE
from gateway.transport.talk_parts import IDLE_TICK, TALK_TICK
from tests.unit.sfu.fakes import LEVEL_ID, MID_ID, opus, vp8
from tests.unit.transport.talk_rig import TalkRig

VOICE = bytes([0x80 | 20])


def test_the_very_first_packet_of_a_microphone_is_heard() -> None:
    rig = TalkRig()
    listener = rig.listening()
    talker = rig.talking("anna", standing=True)
    assert rig.heard(listener) == 0
    rig.speak(talker, 1)
    assert rig.heard(listener) == 1
    rig.speak(talker, 2)
    assert rig.heard(listener) == 1


def test_the_first_packet_after_a_pause_is_heard_and_its_level_known() -> None:
    rig = TalkRig()
    listener = rig.listening()
    talker = rig.talking("anna", standing=True)
    (track,) = talker.publisher.tracks.values()
    rig.speak(talker, 1, level=VOICE)
    rig.clock.advance(SILENCE + RELEASE)
    assert talker.tick(rig.now) == IDLE_TICK
    assert track.audio_level is None
    rig.heard(listener)
    rig.speak(talker, 2, level=VOICE)
    assert (rig.heard(listener), track.audio_level) == (1, VOICE[0])


def test_it_is_looked_after_more_often_while_it_talks() -> None:
    rig = TalkRig()
    talker = rig.talking("anna", standing=True)
    assert talker.tick(rig.now) == IDLE_TICK
    rig.speak(talker, 1)
    assert talker.tick(rig.now) == TALK_TICK


def test_what_is_no_sound_of_its_line_is_dropped_counted_and_no_voice() -> None:
    rig = TalkRig()
    listener = rig.listening()
    talker = rig.talking("anna", standing=True)
    for packet in (vp8(1), opus(2, payload_type=96, tags={MID_ID: b"a"}), b"\x80", vp8(3, keyframe=True)):
        talker.on_rtp(packet, rig.now)
        rig.rooms.flush(rig.now)
    assert rig.drops == {"rtp_unknown_ssrc": 2, "rtp_unknown_payload_type": 1, "rtp_malformed": 1}
    assert (rig.heard(listener), rig.channel.state(rig.now).speakers) == (0, ())


@pytest.mark.parametrize(
    ("padding", "copies", "counter"), [(1_200, 2, OVER_BITRATE), (0, 200, OVER_PACKET_RATE)]
)
def test_who_floods_is_cut_down_and_disturbs_nobody(padding: int, copies: int, counter: str) -> None:
    rig = TalkRig()
    ears = rig.listening(3)
    flooding, speaking = rig.talking("anna", standing=True), rig.talking("boris", standing=True)
    flood, said = itertools.count(1), 0
    for number in range(100):
        for _ in range(copies):
            packet = opus(next(flood), tags={LEVEL_ID: VOICE}) + bytes(padding)
            flooding.on_rtp(packet, rig.now)
        rig.speak(speaking, number, level=VOICE)
        said += [packet.ssrc for packet in ears.viewer.received(rig.egress)].count(0x1001)
        rig.clock.advance(0.02)
    assert set(rig.drops) == {counter}
    assert rig.drops[counter] > 0.5 * 100 * copies
    assert said == 100, "the second line is the other's"


def test_a_talker_that_finds_no_room_leaves_nothing_behind() -> None:
    rig = TalkRig()
    rig.channel.floor = Floor(talkers=0)
    with pytest.raises(TalkFull):
        rig.talking("anna", standing=True)
    assert rig.channel.idle
    rig.rooms.tidy("order")
    assert rig.rooms.get("order") is None


def test_reports_of_the_sender_reach_the_publisher() -> None:
    rig = TalkRig()
    talker = rig.talking("anna", standing=True)
    rig.speak(talker, 1)
    (track,) = talker.publisher.tracks.values()
    (layer,) = track.layers.values()
    assert layer.alive(rig.now)
    talker.on_rtcp(Bye((layer.ssrc,)).encode(), rig.now)
    assert not layer.alive(rig.now)


def test_the_end_of_a_microphone() -> None:
    rig = TalkRig()
    listener = rig.listening()
    talker = rig.talking("anna", standing=True)
    rig.speak(talker, 1)
    talker.end(rig.now)
    rig.heard(listener)
    rig.speak(talker, 2)
    assert rig.heard(listener) == 0
    assert rig.channel.state(rig.now).speakers == ()


def test_a_listener_notices_silence_that_no_packet_tells_of() -> None:
    rig = TalkRig()
    listener = rig.listening()
    talker = rig.talking("anna", standing=True)
    for sequence in range(1, 6):
        rig.speak(talker, sequence, level=VOICE)
        rig.clock.advance(0.02)
    assert rig.talk_changes[-1:] == ["order"]
    assert rig.channel.state(rig.now).speakers == ("anna",)
    rig.talk_changes.clear()
    rig.clock.advance(RELEASE)
    listener.part.tick(rig.now, rig.clock.time())
    assert rig.talk_changes == ["order"]


def test_a_listener_who_leaves_says_goodbye_and_hears_nothing_more() -> None:
    rig = TalkRig()
    listener = rig.listening()
    talker = rig.talking("anna", standing=True)
    rig.speak(talker, 1)
    assert rig.heard(listener) == 1
    listener.part.end()
    rig.speak(talker, 2)
    assert (rig.heard(listener), len(listener.viewer.link.rtcp(Bye))) == (0, 1)
    talker.end(rig.now)
    assert rig.channel.idle


def test_levels_are_read_from_the_negotiated_extension() -> None:
    rig = TalkRig()
    talker = rig.talking("anna", standing=True)
    rig.speak(talker, 1, level=VOICE)
    (track,) = talker.publisher.tracks.values()
    assert track.media.extensions[extensions.AUDIO_LEVEL] == LEVEL_ID
    assert track.audio_level == VOICE[0]
