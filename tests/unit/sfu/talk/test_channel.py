"""Return audio on its way: who is forwarded into which slot, and that nobody else is."""

from __future__ import annotations

import gc
import weakref

import pytest

from gateway.errors import TalkFull
from gateway.sfu.talk.channel import ROUTE_INTERVAL, TalkChannel
from gateway.sfu.talk.floor import Floor, TalkMode
from gateway.sfu.talk.loudness import RELEASE
from tests.unit.sfu.fakes import Viewer, audio_media, video_media
from tests.unit.sfu.talk.house import LOW, SILENT, VOICE, House, Listener, Talker


def test_a_voice_is_heard_from_the_press_to_the_release_and_not_a_packet_longer() -> None:
    house = House()
    anna, technician = house.talker("anna"), house.listener()
    house.say({anna: VOICE}, 0.2)
    assert technician.heard(anna) == {"anna": set()}
    assert house.speakers == ()
    house.press(anna)
    house.say({anna: VOICE})
    assert technician.heard(anna) == {"anna": {"0"}}
    house.say({anna: VOICE}, 0.1)
    assert house.speakers == ("anna",)
    technician.heard(anna)
    house.release(anna)
    house.say({anna: VOICE}, 0.1)
    assert technician.heard(anna) == {"anna": set()}
    assert house.speakers == ()


def test_what_was_said_before_the_press_is_never_sent() -> None:
    house = House()
    anna, technician = house.talker("anna"), house.listener()
    house.say({anna: VOICE}, 1.0)
    house.press(anna)
    house.say({anna: VOICE})
    assert len(technician.viewer.received(anna.studio.egress)) == 1


def test_a_listener_who_comes_later_hears_who_speaks() -> None:
    house = House()
    anna = house.talker("anna", standing=True)
    house.say({anna: VOICE}, 0.2)
    technician = house.listener()
    house.say({anna: VOICE})
    assert technician.heard(anna) == {"anna": {"0"}}
    house.channel.stop_listening(technician.subscriber)
    house.channel.route(house.now)
    house.channel.stop_listening(technician.subscriber)
    assert not house.channel.idle


def test_slots_are_the_audio_lines_and_nothing_else() -> None:
    house = House()
    anna, viewer = house.talker("anna", standing=True), Viewer()
    subscriber = viewer.subscriber(video_media(), audio_media())
    subscriber.connect(viewer.link, viewer.outbound, viewer.address, 0.0)
    house.channel.listen(subscriber, house.now)
    house.say({anna: VOICE}, 0.1)
    assert {packet.ssrc for packet in viewer.received(anna.studio.egress)} == {0x1001}


def test_in_one_slot_the_clearly_louder_takes_over_and_each_listener_has_its_own() -> None:
    house = House()
    one, three = house.listener(1), house.listener(3)
    anna, boris = house.talker("anna", standing=True), house.talker("boris", standing=True)
    house.say({anna: LOW, boris: SILENT}, 1.0)
    assert one.heard(anna, boris) == {"anna": {"0"}, "boris": set()}
    assert three.heard(anna, boris) == {"anna": {"0"}, "boris": {"1"}}
    house.say({anna: LOW, boris: VOICE}, 2.0)
    assert house.speakers == ("anna", "boris")
    one.heard(anna, boris)
    house.say({anna: LOW, boris: VOICE})
    assert one.heard(anna, boris) == {"anna": set(), "boris": {"0"}}


def test_three_slots_hold_three_voices_each_once() -> None:
    house = House()
    technician = house.listener(3)
    names = ["anna", "boris", "clara", "dora"]
    talkers = [house.talker(name, standing=True) for name in names]
    house.say(dict.fromkeys(talkers[:3], VOICE), 0.5)
    heard = technician.heard(*talkers)
    assert sorted(mid for mids in heard.values() for mid in mids) == ["0", "1", "2"]
    assert all(len(heard[name]) == 1 for name in names[:3])
    house.say({talkers[3]: VOICE, **dict.fromkeys(talkers[:2], VOICE), talkers[2]: SILENT}, 1.0)
    technician.heard(*talkers)
    house.say(dict.fromkeys(talkers, VOICE))
    after = technician.heard(*talkers)
    assert (after["clara"], after["dora"]) == (set(), heard["clara"])
    assert [after[name] for name in names[:2]] == [heard[name] for name in names[:2]]


@pytest.mark.parametrize("how", ["release", "mute", "deny"])
def test_who_lost_the_floor_is_silent_though_its_slot_goes_to_one_who_sends_nothing(how: str) -> None:
    """The slot must not play the former talker until the next one's first packet."""
    house = House()
    anna, boris, technician = house.talker("anna"), house.talker("boris"), house.listener()
    house.say({boris: SILENT})
    house.press(anna)
    house.say({anna: VOICE}, 0.2)
    house.press(boris)
    technician.heard(anna)
    getattr(house.channel.floor, how)("anna")
    house.channel.route(house.now)
    house.say({anna: VOICE}, 0.2)
    assert technician.heard(anna) == {"anna": set()}
    house.say({anna: VOICE, boris: VOICE})
    assert technician.heard(anna, boris) == {"anna": set(), "boris": {"0"}}


def test_in_request_mode_nobody_is_heard_before_the_grant() -> None:
    house = House()
    house.channel.floor.set_mode(TalkMode.REQUEST, house.now)
    anna, technician = house.talker("anna", standing=True), house.listener()
    house.say({anna: VOICE}, 0.2)
    assert technician.heard(anna) == {"anna": set()}
    assert house.channel.state(house.now).floor.queue == ("anna",)
    house.channel.floor.grant("anna", house.now)
    house.channel.route(house.now)
    house.say({anna: VOICE})
    assert technician.heard(anna) == {"anna": {"0"}}


def test_who_parts_is_out_of_every_slot_and_off_the_floor() -> None:
    house = House()
    listeners = [house.listener(1), house.listener(3)]
    anna, boris = house.talker("anna", standing=True), house.talker("boris", standing=True)
    house.say({anna: VOICE, boris: LOW}, 0.5)
    house.channel.part("anna", anna.studio.publisher, house.now)
    for listener in listeners:
        listener.heard(anna, boris)
    anna.send(VOICE, house.now)
    house.say({boris: LOW})
    for listener in listeners:
        heard = listener.heard(anna, boris)
        assert (heard["anna"], len(heard["boris"])) == (set(), 1)
    assert house.channel.state(house.now).floor.pressing == ("boris",)
    house.channel.heard("anna", anna.studio.publisher, house.now)
    assert house.speakers == ("boris",)


def test_changes_are_told_once_and_only_if_there_is_something_to_see() -> None:
    house = House()
    house.listener()
    anna = house.talker("anna")
    house.changes = 0
    house.say({anna: VOICE}, 0.5)
    assert house.changes == 0, "it may not speak"
    house.press(anna)
    assert house.changes == 1
    house.say({anna: VOICE}, 1.0)
    assert (house.speakers, house.changes) == (("anna",), 1), "it was a voice before the press"
    house.changes = 0
    house.release(anna)
    assert house.changes == 1
    house.channel.route(house.now)
    house.listener()
    assert house.changes == 1


def test_who_stops_sending_stops_speaking_without_any_packet() -> None:
    house = House()
    house.listener()
    anna = house.talker("anna", standing=True)
    house.say({anna: VOICE}, 0.2)
    house.changes = 0
    house.channel.route_when_due(house.now + RELEASE / 2)
    assert house.changes == 0
    house.now += RELEASE + 0.01
    house.channel.route_when_due(house.now)
    assert (house.speakers, house.changes) == ((), 1)


def test_those_who_send_no_level_are_heard_and_speak() -> None:
    house = House()
    technician, anna = house.listener(), house.talker("anna", standing=True)
    house.say({anna: None}, 0.2)
    assert technician.heard(anna) == {"anna": {"0"}}
    assert house.speakers == ("anna",)


def test_looks_at_the_loudest_are_limited() -> None:
    house = House()
    technician, anna = house.listener(), house.talker("anna")
    house.press(anna)
    house.say({anna: VOICE})
    technician.heard(anna)
    house.channel.floor.release("anna")
    house.channel.route_when_due(house.now + ROUTE_INTERVAL / 2)
    anna.send(VOICE, house.now)
    assert technician.heard(anna) == {"anna": {"0"}}, "not looked at yet"
    house.channel.route_when_due(house.now + ROUTE_INTERVAL * 1.5)
    anna.send(VOICE, house.now)
    assert technician.heard(anna) == {"anna": set()}


def test_it_is_idle_when_nobody_talks_and_nobody_listens() -> None:
    house = House()
    assert house.channel.idle
    anna = house.talker("anna")
    assert not house.channel.idle
    technician = house.listener()
    house.channel.part("anna", anna.studio.publisher, house.now)
    assert not house.channel.idle
    house.channel.stop_listening(technician.subscriber)
    assert house.channel.idle


def test_a_full_floor_takes_nobody_in() -> None:
    house = House()
    house.channel.floor = Floor(talkers=1)
    house.talker("anna", standing=True)
    before = house.channel.state(house.now)
    house.changes = 0
    late = Talker("boris")
    with pytest.raises(TalkFull):
        house.channel.join("boris", late.studio.publisher, house.now, standing=True)
    assert (house.channel.state(house.now), house.changes) == (before, 0)
    house.channel.part("boris", late.studio.publisher, house.now)
    anna_alone = TalkChannel(lambda: None)
    anna_alone.floor = Floor(talkers=0)
    with pytest.raises(TalkFull):
        anna_alone.join("boris", late.studio.publisher, house.now, standing=True)
    assert anna_alone.idle


def test_nothing_of_a_talker_stays_once_it_has_left() -> None:
    house = House()
    technician: Listener = house.listener(2)
    anna = house.talker("anna", standing=True)
    house.say({anna: VOICE}, 0.3)
    studio = anna.studio
    (layer,) = studio.audio.layers.values()
    gone = [weakref.ref(studio.publisher), weakref.ref(layer), weakref.ref(studio.audio)]
    house.channel.part("anna", studio.publisher, house.now)
    studio.publisher.end()
    gc.disable()
    try:
        technician.subscriber.on_timer(house.now + 10.0, 1_790_000_000.0)
        del layer, studio.publisher, studio, anna
        assert [reference() for reference in gone] == [None] * 3, "kept alive"
    finally:
        gc.enable()
