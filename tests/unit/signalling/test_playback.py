"""What players say of themselves, and how often their layer changed."""

from __future__ import annotations

import pytest

from gateway.errors import Unacceptable
from gateway.signalling.playback import DOWN, UP, Playback
from gateway.signalling.sessions import Session
from tests.signalling_rig import LAYERS, FakeSession, Rig, make_rig, publish, watch
from tests.waiting import eventually

LOW, MIDDLE, HIGH = LAYERS


@pytest.fixture
async def rig() -> Rig:
    rig = make_rig()
    await publish(rig)
    return rig


def media_of(rig: Rig, session: Session) -> FakeSession:
    return rig.plane.open_sessions[session.session_id]


async def test_the_newest_value_of_each_kind_is_kept(rig: Rig) -> None:
    book, session = rig.services.playback, await watch(rig)
    assert book.of(session) == Playback()
    book.note(session, Playback(glass_to_glass=0.4, freezes=0, stalled=True))
    book.note(session, Playback(glass_to_glass=0.3, frozen=1.5, stalled=False))
    assert book.of(session) == Playback(glass_to_glass=0.3, freezes=0, frozen=1.5, stalled=False)
    assert rig.glass_to_glass == [0.4, 0.3]
    await rig.sessions.stop()


async def test_a_session_has_one_first_picture_however_often_it_says_so(rig: Rig) -> None:
    book, session = rig.services.playback, await watch(rig)
    for seconds in (0.0, 0.7, 0.8):
        book.note(session, Playback(first_frame=seconds))
    book.note(await watch(rig), Playback(first_frame=2.0))
    assert rig.first_frame == [0.0, 2.0]
    await rig.sessions.stop()


async def test_who_publishes_plays_nothing(rig: Rig) -> None:
    with pytest.raises(Unacceptable):
        rig.services.playback.note(rig.sessions.publishers()[0], Playback(glass_to_glass=0.1))
    assert rig.glass_to_glass == []
    await rig.sessions.stop()


async def test_players_that_see_nothing_move_are_counted(rig: Rig) -> None:
    book, anna, boris = rig.services.playback, await watch(rig), await watch(rig, subject="boris")
    book.note(anna, Playback(stalled=True))
    book.note(boris, Playback(stalled=True))
    assert book.stalled() == 2
    book.note(boris, Playback(stalled=False))
    assert book.stalled() == 1
    await rig.sessions.stop()


async def test_a_switch_is_counted_by_its_direction(rig: Rig) -> None:
    book, media = rig.services.playback, media_of(rig, await watch(rig))
    for layer in (LOW, HIGH, MIDDLE, LOW):
        media.play(layer)
    assert book.switches == {UP: 1, DOWN: 2}
    await rig.sessions.stop()


async def test_beginning_pausing_and_wishing_are_no_switches(rig: Rig) -> None:
    book, media = rig.services.playback, media_of(rig, await watch(rig))
    for layer in (None, LOW, None, HIGH, HIGH):
        media.play(layer)
    media.select_layer(None, 720)
    rig.plane.layer_changed("a session that has just ended")
    assert book.switches == {UP: 0, DOWN: 0}
    await rig.sessions.stop()


async def test_a_session_takes_its_playback_along(rig: Rig) -> None:
    book, session = rig.services.playback, await watch(rig)
    media_of(rig, session).play(LOW)
    book.note(session, Playback(stalled=True))
    assert len(book) == 1
    rig.sessions.close(session.session_id)

    async def kept() -> int:
        return len(book)

    await eventually(kept, lambda count: count == 0, every=0.005)
    assert book.stalled() == 0
    await rig.sessions.stop()
