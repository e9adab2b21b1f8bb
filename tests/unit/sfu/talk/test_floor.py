"""Who may speak: each rule of the floor by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.errors import NotFound, TalkMuted, TalkOff, TalkRefused, TalkWaiting
from gateway.sfu.talk.floor import (
    PAUSE,
    UNUSED,
    Floor,
    FloorState,
    TalkMode,
)
from tests.unit.sfu.talk.floors import granted, waiting

OPEN, REQUEST, OFF = TalkMode.OPEN, TalkMode.REQUEST, TalkMode.OFF


def test_modes_are_those_of_the_contract() -> None:
    assert [mode.value for mode in TalkMode] == ["open", "request", "off"]
    assert Floor().state().mode is OPEN


def test_open_lets_whoever_presses_speak_until_it_lets_go() -> None:
    floor = Floor()
    floor.press("a", 0.0)
    floor.press("b", 0.0)
    assert floor.state().pressing == ("a", "b")
    floor.release("a")
    assert not floor.may_speak("a")
    assert floor.may_speak("b")


def test_asking_in_open_mode_begins_the_turn_but_opens_no_microphone() -> None:
    floor = Floor()
    floor.ask("a", 0.0)
    assert floor.state() == FloorState(OPEN, ("a",), (), (), (), False)
    assert not floor.tick(UNUSED - 0.1)
    assert floor.tick(UNUSED)


def test_request_queues_once_and_first_come_first_served() -> None:
    floor = waiting("a", "b", "c")
    floor.ask("a", 1.0)
    with pytest.raises(TalkWaiting):
        floor.press("b", 1.0)
    assert floor.state().queue == ("a", "b", "c")
    floor.withdraw("a")
    floor.ask("a", 2.0)
    assert floor.state().queue == ("b", "c", "a")


def test_pressing_without_a_turn_asks_for_one() -> None:
    floor = Floor(REQUEST)
    with pytest.raises(TalkWaiting) as refused:
        floor.press("a", 0.0)
    assert refused.value.code == "talk_waiting"
    assert floor.state().queue == ("a",)
    assert not floor.may_speak("a")


def test_a_grant_lets_speak_when_the_button_is_pressed() -> None:
    floor = granted()
    assert (floor.state().granted, floor.state().queue) == (("a",), ())
    assert not floor.may_speak("a")
    floor.press("a", 1.0)
    assert floor.may_speak("a")
    floor.ask("a", 2.0)
    assert floor.state().queue == ()


def test_several_may_have_their_turn_at_once() -> None:
    floor = waiting("a", "b")
    for talker in "ba":
        floor.grant(talker, 0.0)
        floor.press(talker, 1.0)
    assert floor.state().granted == floor.state().pressing == ("b", "a")


def test_a_turn_outlasts_the_pause_between_two_sentences() -> None:
    floor = granted()
    floor.press("a", 0.0)
    assert not floor.tick(10 * UNUSED)
    floor.release("a")
    floor.tick(1_000.0)
    assert not floor.tick(1_000.0 + PAUSE - 0.1)
    floor.press("a", 1_000.0 + PAUSE - 0.1)
    floor.release("a")
    floor.tick(2_000.0)
    assert floor.tick(2_000.0 + PAUSE)
    assert floor.state().granted == ()
    with pytest.raises(TalkWaiting):
        floor.press("a", 2_000.0 + PAUSE)


def test_an_unused_turn_ends() -> None:
    floor = granted()
    assert not floor.tick(UNUSED - 0.1)
    assert floor.tick(UNUSED)
    assert floor.state().granted == ()


def test_a_second_grant_begins_the_time_anew_and_disturbs_nobody() -> None:
    floor = granted()
    floor.grant("a", UNUSED - 1)
    assert not floor.tick(UNUSED)
    floor.press("a", UNUSED)
    floor.grant("a", UNUSED)
    assert floor.may_speak("a")
    floor.release("a")
    assert not floor.tick(10 * UNUSED), "the pause begins only now"


def test_the_technician_may_grant_who_never_asked() -> None:
    floor = Floor(REQUEST)
    floor.back("a", 0.0)
    floor.grant("a", 0.0)
    floor.press("a", 1.0)
    assert floor.may_speak("a")


@pytest.mark.parametrize("end", [Floor.deny, Floor.withdraw])
def test_deny_and_withdraw_end_turn_and_request(end: Callable[[Floor, str], None]) -> None:
    floor = granted()
    floor.press("a", 0.0)
    floor.ask("b", 0.0)
    end(floor, "a")
    end(floor, "b")
    assert floor.state() == FloorState(REQUEST, (), (), (), (), False)
    floor.grant("a", 1.0)
    assert not floor.may_speak("a"), "the button must be pressed again"


@pytest.mark.parametrize(
    "act",
    [
        lambda floor: floor.grant("x", 0.0),
        lambda floor: floor.deny("x"),
        lambda floor: floor.mute("x"),
        lambda floor: floor.mute("x", False),
    ],
)
def test_the_technician_cannot_treat_of_nobody(act: Callable[[Floor], None]) -> None:
    floor = granted()
    with pytest.raises(NotFound):
        act(floor)


def test_what_talkers_take_back_never_raises() -> None:
    floor = Floor()
    floor.release("x")
    floor.withdraw("x")
    floor.leave("x", 0.0)
    floor.stand("x", 0.0, standing=False)
    assert floor.version == 0


@pytest.mark.parametrize(
    "act",
    [
        lambda floor: floor.ask("a", 1.0),
        lambda floor: floor.press("a", 1.0),
        lambda floor: floor.grant("a", 1.0),
    ],
)
@pytest.mark.parametrize(
    ("silence", "error"),
    [
        (lambda floor: floor.set_mode(OFF, 1.0), TalkOff),
        (lambda floor: floor.mute("a"), TalkMuted),
        (lambda floor: floor.mute_all(), TalkMuted),
    ],
)
def test_off_and_muted_are_told_apart(
    silence: Callable[[Floor], None], error: type[TalkRefused], act: Callable[[Floor], None]
) -> None:
    floor = Floor()
    floor.back("a", 0.0)
    silence(floor)
    with pytest.raises(error):
        act(floor)
    assert floor.state().granted == floor.state().queue == ()


def test_mute_silences_and_unmute_opens_no_microphone() -> None:
    floor = Floor()
    floor.press("a", 0.0)
    floor.mute("a")
    assert not floor.may_speak("a")
    assert (floor.state().granted, floor.state().pressing, floor.state().muted) == (("a",), (), ("a",))
    floor.mute("a", False)
    assert not floor.may_speak("a")
    floor.press("a", 1.0)
    assert floor.may_speak("a")


def test_mute_takes_the_place_in_the_queue() -> None:
    floor = waiting("a", "b")
    floor.mute("a")
    floor.mute("a", False)
    assert floor.state().queue == ("b",)


def test_a_reload_does_not_lift_a_mute_however_long_it_takes() -> None:
    floor = Floor()
    floor.press("a", 0.0)
    floor.mute("a")
    floor.leave("a", 1.0)
    floor.tick(1_000.0)
    assert floor.state().muted == ("a",)
    floor.back("a", 1_001.0)
    with pytest.raises(TalkMuted):
        floor.press("a", 1_001.0)


def test_mute_all_holds_for_newcomers_and_spares_whom_the_technician_excepts() -> None:
    floor = Floor()
    floor.press("a", 0.0)
    floor.press("b", 0.0)
    floor.mute_all()
    assert floor.state().muted_all
    assert floor.state().pressing == ()
    with pytest.raises(TalkMuted):
        floor.press("new", 0.0)
    floor.mute("b", False)
    floor.press("b", 1.0)
    floor.leave("b", 2.0)
    floor.tick(100.0)
    floor.press("b", 101.0)
    assert floor.state().pressing == ("b",)
    floor.mute_all(False)
    floor.press("new", 102.0)
    assert floor.state().pressing == ("b", "new")


def test_off_silences_everybody_and_empties_the_queue() -> None:
    floor = granted()
    floor.press("a", 0.0)
    floor.ask("b", 0.0)
    floor.set_mode(OFF, 1.0)
    assert floor.state() == FloorState(OFF, (), (), (), (), False)
    floor.set_mode(REQUEST, 2.0)
    assert floor.state() == FloorState(REQUEST, (), (), (), (), False)
    floor.grant("a", 3.0)
    assert not floor.may_speak("a"), "the button must be pressed again"


def test_open_grants_what_was_asked() -> None:
    floor = waiting("a", "b")
    floor.mute("b")
    floor.set_mode(OPEN, 1.0)
    assert (floor.state().granted, floor.state().queue) == (("a",), ())
    assert floor.tick(1.0 + UNUSED)


def test_request_leaves_the_floor_to_who_speaks() -> None:
    floor = Floor()
    floor.press("speaks", 0.0)
    floor.ask("does not", 0.0)
    floor.press("did", 0.0)
    floor.release("did")
    floor.set_mode(REQUEST, 1.0)
    assert floor.state().granted == floor.state().pressing == ("speaks",)
    with pytest.raises(TalkWaiting):
        floor.press("did", 1.0)


def test_the_same_mode_again_changes_nothing() -> None:
    floor = waiting("a")
    version = floor.version
    floor.set_mode(REQUEST, 1.0)
    assert (floor.version, floor.state().queue) == (version, ("a",))
