"""Who may speak when pages come and go, without any page, and when there are too many."""

from __future__ import annotations

import pytest

from gateway.errors import NotFound, TalkFull
from gateway.sfu.talk.floor import (
    GRACE,
    MAX_TALKERS,
    MAX_WAITING,
    PAUSE,
    UNUSED,
    Floor,
    FloorState,
    TalkMode,
)
from tests.unit.sfu.talk.floors import granted, waiting

OPEN, REQUEST, OFF = TalkMode.OPEN, TalkMode.REQUEST, TalkMode.OFF


def test_who_comes_back_in_time_keeps_its_turn_but_must_press_again() -> None:
    floor = granted()
    floor.press("a", 0.0)
    floor.leave("a", 100.0)
    assert not floor.may_speak("a")
    assert not floor.tick(100.0 + GRACE - 0.1)
    floor.back("a", 100.0 + GRACE - 0.1)
    assert not floor.tick(101.0 + GRACE)
    assert floor.state() == FloorState(REQUEST, ("a",), (), (), (), False)
    floor.press("a", 102.0 + GRACE)
    assert floor.may_speak("a")


def test_who_comes_back_and_says_nothing_loses_its_turn() -> None:
    floor = granted()
    floor.press("a", 0.0)
    floor.leave("a", 1.0)
    floor.back("a", 2.0)
    assert not floor.tick(2.0 + UNUSED - 0.1)
    assert floor.tick(2.0 + UNUSED)


def test_an_unused_turn_does_not_end_while_its_page_reloads() -> None:
    floor = granted()
    floor.leave("a", UNUSED - 1)
    assert not floor.tick(UNUSED + 1)
    floor.back("a", UNUSED + 2)
    assert floor.state().granted == ("a",)


def test_who_comes_back_in_time_keeps_its_place_in_the_queue() -> None:
    floor = waiting("a", "b", "c")
    floor.leave("b", 1.0)
    floor.tick(1.0 + GRACE - 0.1)
    floor.ask("b", 1.0 + GRACE - 0.1)
    assert not floor.tick(100.0)
    assert floor.state().queue == ("a", "b", "c")


@pytest.mark.parametrize("how", ["granted", "queued"])
def test_who_does_not_come_back_is_forgotten(how: str) -> None:
    floor = granted() if how == "granted" else waiting("a")
    floor.leave("a", 1.0)
    floor.leave("a", GRACE)  # says nothing new
    assert floor.tick(1.0 + GRACE)
    assert floor.state() == FloorState(REQUEST, (), (), (), (), False)
    with pytest.raises(NotFound):
        floor.grant("a", 100.0)


def test_who_leaves_without_a_trace_is_forgotten_at_once() -> None:
    floor = Floor()
    floor.back("a", 0.0)
    floor.leave("a", 1.0)
    with pytest.raises(NotFound):
        floor.mute("a")


def test_a_plain_whip_talker_is_heard_without_a_button() -> None:
    floor = Floor()
    floor.stand("a", 0.0)
    assert floor.state().pressing == ("a",)
    assert not floor.tick(10 * UNUSED)
    floor.stand("a", 1_000.0, standing=False)
    assert not floor.may_speak("a")
    floor.tick(1_000.0)
    assert floor.tick(1_000.0 + PAUSE)


def test_a_plain_whip_talker_queues_by_itself_and_keeps_what_it_is_granted() -> None:
    floor = Floor(REQUEST)
    floor.stand("a", 0.0)
    assert floor.state().queue == ("a",)
    floor.grant("a", 1.0)
    assert floor.state().pressing == ("a",)
    assert not floor.tick(10 * UNUSED)
    floor.deny("a")
    assert floor.state() == FloorState(REQUEST, (), (), (), (), False)
    assert not floor.tick(11 * UNUSED)


@pytest.mark.parametrize(("mode", "queue", "pressing"), [(OPEN, (), ("a",)), (REQUEST, ("a",), ())])
def test_a_plain_whip_talker_is_settled_by_mode_and_unmute(
    mode: TalkMode, queue: tuple[str, ...], pressing: tuple[str, ...]
) -> None:
    floor = Floor(OFF)
    floor.stand("a", 0.0)
    assert not floor.may_speak("a")
    floor.set_mode(mode, 1.0)
    assert (floor.state().queue, floor.state().pressing) == (queue, pressing)
    floor.mute("a")
    assert floor.state().queue == floor.state().pressing == ()
    floor.mute("a", False)
    assert (floor.state().queue, floor.state().pressing) == (queue, pressing)


def test_a_plain_whip_talker_that_reconnects_keeps_its_turn() -> None:
    floor = Floor(REQUEST)
    floor.stand("a", 0.0)
    floor.grant("a", 0.0)
    floor.leave("a", 1.0)
    assert not floor.may_speak("a")
    floor.stand("a", 2.0)
    assert floor.may_speak("a")
    assert not floor.tick(10 * UNUSED)


def test_talkers_are_bounded_and_the_idle_make_room() -> None:
    floor = Floor()
    floor.back("idle", 0.0)
    for n in range(MAX_TALKERS):
        floor.press(str(n), 0.0)
    with pytest.raises(NotFound):
        floor.mute("idle")
    for enter in (floor.press, floor.ask, floor.stand):
        with pytest.raises(TalkFull) as refused:
            enter("one too many", 0.0)
        assert refused.value.retry_after == GRACE
    floor.back("one too many", 0.0)
    with pytest.raises(NotFound):
        floor.grant("one too many", 0.0)
    assert len(floor.state().granted) == MAX_TALKERS
    floor.withdraw("7")
    floor.press("one too many", 0.0)
    assert floor.may_speak("one too many")


def test_nobody_is_unmuted_to_make_room() -> None:
    floor = Floor(talkers=1)
    floor.back("a", 0.0)
    floor.mute("a")
    floor.leave("a", 0.0)
    floor.tick(100.0)
    with pytest.raises(TalkFull):
        floor.press("b", 100.0)
    assert floor.state().muted == ("a",)


def test_the_queue_is_bounded() -> None:
    floor = waiting(*map(str, range(MAX_WAITING)))
    with pytest.raises(TalkFull):
        floor.ask("late", 0.0)
    with pytest.raises(TalkFull):
        floor.press("late", 0.0)
    floor.ask("0", 1.0)  # has a place already
    floor.stand("late", 0.0)  # there is nobody to tell; the technician may still grant
    assert len(floor.state().queue) == MAX_WAITING
    floor.grant("late", 1.0)
    assert floor.may_speak("late")


def test_an_open_microphone_that_was_denied_is_not_forgotten_to_make_room() -> None:
    floor = Floor(REQUEST, talkers=1)
    floor.stand("a", 0.0)
    floor.deny("a")
    with pytest.raises(TalkFull):
        floor.ask("b", 1.0)
    floor.grant("a", 2.0)
    assert floor.may_speak("a")
