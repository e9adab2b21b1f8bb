"""Several microphones of one person: a family on one login, each with a page, heard one after another."""

from __future__ import annotations

import pytest

from gateway.sfu.layer import SILENCE
from gateway.sfu.talk.channel import MAX_MICROPHONES
from gateway.sfu.talk.floor import TalkMode
from tests.unit.sfu.talk.house import PTIME, SILENT, VOICE, House, Listener, Talker

PACKETS = 10
TURN = PACKETS * PTIME


class Family(House):
    """Two pages of one login, and a technician with one slot."""

    def __init__(self, *, standing: bool = False) -> None:
        super().__init__()
        self.technician: Listener = self.listener()
        self.kitchen = self.talker("anna", standing=standing)
        self.garden = self.talker("anna", standing=standing)

    def turn(self, page: Talker, other: int | None = None) -> list[int]:
        """One of them speaks; how many packets of it and of the other were heard."""
        voices: dict[Talker, int | None] = {page: VOICE}
        if other is not None:
            voices[self.garden if page is self.kitchen else self.kitchen] = other
        self.say(voices, TURN)
        pages = (page, self.garden if page is self.kitchen else self.kitchen)
        return [len(self.technician.packets(x)) for x in pages]


@pytest.mark.parametrize("button", ["one", "each"])
def test_pages_that_speak_one_after_another_are_heard_from_the_first_packet(button: str) -> None:
    family = Family()
    family.press(family.kitchen, button="kitchen")
    if button == "each":
        family.press(family.garden, button="garden")
    for page in (family.kitchen, family.garden, family.kitchen):
        assert family.turn(page) == [PACKETS, 0]
        family.now += SILENCE
    assert family.channel.floor.state().granted == ("anna",)


def test_a_page_that_sends_silence_gives_way_to_one_with_a_voice() -> None:
    family = Family()
    family.press(family.kitchen)
    family.say({family.kitchen: SILENT}, 1.0)
    family.turn(family.garden, SILENT)
    assert family.turn(family.garden, SILENT) == [PACKETS, 0]
    family.say({family.garden: SILENT, family.kitchen: SILENT}, 1.0)
    family.turn(family.kitchen, SILENT)
    assert family.turn(family.kitchen, SILENT) == [PACKETS, 0]


def test_with_several_slots_both_are_heard_at_once_and_it_is_one_speaker() -> None:
    family = Family(standing=True)
    wide = family.listener(3)
    family.say({family.kitchen: VOICE, family.garden: VOICE}, 0.5)
    wide.packets(family.kitchen), wide.packets(family.garden)
    family.say({family.kitchen: VOICE, family.garden: VOICE})
    assert sorted(wide.packets(family.kitchen) + wide.packets(family.garden)) == ["0", "1"]
    assert family.speakers == ("anna",)


def test_the_page_that_leaves_does_not_silence_the_other() -> None:
    family = Family()
    family.press(family.kitchen, button="kitchen")
    assert family.turn(family.kitchen) == [PACKETS, 0]
    family.part(family.garden)
    assert family.turn(family.kitchen) == [PACKETS, 0]
    assert family.speakers == ("anna",)


def test_the_button_of_one_page_does_not_let_the_others_go() -> None:
    family = Family()
    family.press(family.kitchen, button="kitchen")
    family.press(family.garden, button="garden")
    family.release(family.kitchen, button="kitchen")
    assert family.turn(family.garden) == [PACKETS, 0]
    family.release(family.garden, button="garden")
    assert family.turn(family.garden) == [0, 0]


def test_a_microphone_without_a_button_does_not_open_that_of_a_page() -> None:
    family = Family(standing=True)
    page = family.talker("anna")
    family.say({family.kitchen: VOICE, page: VOICE}, TURN)
    assert family.technician.packets(page) == []
    assert len(family.technician.packets(family.kitchen)) == PACKETS
    family.part(family.kitchen)
    family.say({page: VOICE}, 0.2)
    assert family.technician.packets(page) == []
    assert family.turn(family.garden) == [PACKETS, 0]
    family.part(family.garden)
    assert family.channel.floor.state().pressing == ()


@pytest.mark.parametrize("how", ["mute", "deny"])
def test_what_the_technician_says_is_about_the_person(how: str) -> None:
    family = Family()
    family.press(family.kitchen, button="kitchen")
    family.press(family.garden, button="garden")
    assert family.turn(family.garden) == [PACKETS, 0]
    getattr(family.channel.floor, how)("anna")
    family.channel.route(family.now)
    assert family.turn(family.garden, VOICE) == [0, 0]
    assert family.speakers == ()
    family.channel.floor.mute("anna", False)
    family.press(family.garden, button="garden")
    assert family.turn(family.garden) == [PACKETS, 0]


def test_a_grant_is_for_every_page_of_the_person() -> None:
    family = Family(standing=True)
    family.channel.floor.set_mode(TalkMode.REQUEST, family.now)
    family.channel.floor.deny("anna")
    family.channel.route(family.now)
    assert family.turn(family.garden, VOICE) == [0, 0]
    family.channel.floor.grant("anna", family.now)
    assert sum(family.turn(family.garden)) > 0
    family.now += SILENCE
    assert family.turn(family.kitchen) == [PACKETS, 0]


def test_with_the_last_page_the_person_leaves_the_floor() -> None:
    family = Family()
    family.press(family.kitchen)
    family.part(family.garden)
    family.part(family.garden)
    assert family.channel.floor.may_speak("anna")
    family.part(family.kitchen)
    assert not family.channel.floor.may_speak("anna")
    assert family.turn(family.kitchen) == [0, 0]


def test_microphones_are_bounded_and_it_is_the_silent_that_go() -> None:
    family = Family()
    family.press(family.kitchen)
    assert family.turn(family.kitchen) == [PACKETS, 0]
    latest = [family.talker("anna") for _ in range(MAX_MICROPHONES)]
    assert family.turn(family.kitchen) == [PACKETS, 0]
    family.now += SILENCE
    assert family.turn(family.garden) == [0, 0]
    family.say({latest[-1]: VOICE}, TURN)
    assert len(family.technician.packets(latest[-1])) == PACKETS


def test_a_page_that_rests_keeps_nobody_waiting_in_a_single_slot() -> None:
    """Somebody else's first word is whole although the person before holds its button still."""
    family = Family()
    boris = family.talker("boris")
    family.press(family.kitchen)
    assert family.turn(family.kitchen) == [PACKETS, 0]
    family.now += SILENCE
    family.press(boris)
    family.say({boris: VOICE}, TURN)
    assert len(family.technician.packets(boris)) == PACKETS
