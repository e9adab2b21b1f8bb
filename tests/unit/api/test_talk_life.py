"""Who leaves the floor when, whose button is held, and how long what was ruled holds."""

from __future__ import annotations

import pytest

from gateway.api.talk_feed import KEPT, TICK
from gateway.sfu.talk.floor import GRACE
from tests.signalling_rig import ORDER, publish, watch
from tests.unit.api.talk_stage import ANNA, TECHNICIAN, Stage
from tests.unit.sfu.fakes import Viewer


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_a_held_button_goes_with_its_page_and_the_turn_waits_for_the_next(stage: Stage) -> None:
    stage.enter(TECHNICIAN)
    anna, second = stage.enter(ANNA), stage.enter(ANNA)
    floor = stage.floor
    await stage.ask(anna, "talk:start")
    stage.leave(second)
    assert floor.may_speak(anna.viewer_id)
    stage.leave(anna)
    assert not floor.may_speak(anna.viewer_id)
    stage.clock.advance(GRACE / 2)
    back = stage.enter(ANNA)
    assert stage.state(back)["granted"] == (anna.viewer_id,)
    stage.leave(back)
    for _ in range(int(GRACE) + 2):
        stage.clock.advance(TICK)
        stage.feed.due(stage.clock.monotonic())
    assert floor.state().granted == ()


async def test_the_button_is_let_go_by_the_page_that_held_it(stage: Stage) -> None:
    anna, second = stage.enter(ANNA), stage.enter(ANNA)
    await stage.ask(anna, "talk:start")
    stage.leave(anna)
    assert not stage.floor.may_speak(second.viewer_id)
    assert stage.floor.state().granted == (second.viewer_id,)


async def test_each_page_of_a_login_has_a_button_of_its_own(stage: Stage) -> None:
    kitchen, garden = stage.enter(ANNA), stage.enter(ANNA)
    await stage.ask(kitchen, "talk:start")
    await stage.ask(garden, "talk:start")
    await stage.ask(kitchen, "talk:stop")
    assert stage.floor.may_speak(garden.viewer_id)
    await stage.ask(kitchen, "talk:start")
    stage.leave(kitchen)
    assert stage.floor.may_speak(garden.viewer_id)
    await stage.ask(garden, "talk:stop")
    assert not stage.floor.may_speak(garden.viewer_id)


async def test_a_lost_connection_that_is_noticed_late_lets_no_newer_button_go(stage: Stage) -> None:
    lost = stage.enter(ANNA)
    await stage.ask(lost, "talk:start")
    again = stage.enter(ANNA)
    await stage.ask(again, "talk:start")
    stage.leave(lost)
    assert stage.floor.may_speak(again.viewer_id)


@pytest.mark.parametrize("event", ["talk:mute", "talk:deny"])
async def test_what_the_technician_says_lets_every_button_of_the_person_go(stage: Stage, event: str) -> None:
    studio, kitchen, garden = stage.enter(TECHNICIAN), stage.enter(ANNA), stage.enter(ANNA)
    for page in (kitchen, garden):
        await stage.ask(page, "talk:start")
    await stage.ask(studio, event, viewerId=kitchen.viewer_id)
    assert not stage.floor.may_speak(kitchen.viewer_id)
    await stage.ask(studio, "talk:mute", viewerId=kitchen.viewer_id, muted=False)
    await stage.ask(kitchen, "talk:start")
    assert stage.floor.held(kitchen.viewer_id) == {kitchen.sid}, "the other must be pressed again"


async def test_who_still_has_a_session_has_not_left(stage: Stage) -> None:
    await publish(stage.rig)
    stage.enter(TECHNICIAN)
    anna, session = stage.enter(ANNA), await watch(stage.rig)
    floor = stage.floor
    await stage.ask(anna, "talk:request")
    stage.leave(anna)
    stage.clock.advance(2 * GRACE)
    stage.feed.due(stage.clock.monotonic())
    assert floor.state().granted == (anna.viewer_id,)
    again = stage.enter(ANNA)
    floor.leave(anna.viewer_id, stage.clock.monotonic())  # as the media side does when the session ends
    stage.rig.sessions.close(session.session_id)
    await session.media.closed
    stage.feed.session_closed(session)
    stage.clock.advance(2 * GRACE)
    floor.tick(stage.clock.monotonic())
    floor.grant(again.viewer_id, stage.clock.monotonic())  # still known: its page is open
    await stage.rig.sessions.stop()


async def test_what_was_ruled_holds_while_a_page_is_open_or_a_session_lives(stage: Stage) -> None:
    studio, anna = stage.enter(TECHNICIAN), stage.enter(ANNA)
    await stage.ask(studio, "talk:policy", mode="request")
    await stage.ask(studio, "talk:mute", viewerId=anna.viewer_id)
    stage.wait(KEPT)
    stage.rig.plane.rooms.tidy(ORDER)  # as when the last session of the order ends
    assert stage.ruled(anna) == ("request", (anna.viewer_id,))
    camera = stage.rig.plane.rooms.enter(ORDER, "main")
    viewer = Viewer().subscriber()
    camera.subscribe(viewer, stage.clock.monotonic())
    stage.leave(studio)
    stage.leave(anna)
    stage.wait(10 * KEPT)
    anna = stage.enter(ANNA)
    assert stage.ruled(anna) == ("request", (anna.viewer_id,))
    camera.unsubscribe(viewer)
    stage.rig.plane.rooms.tidy(ORDER)
    assert stage.ruled(anna) == ("request", (anna.viewer_id,))


@pytest.mark.parametrize("away", [2.0, KEPT - TICK])
async def test_a_technician_who_reconnects_finds_the_floor_as_it_was(stage: Stage, away: float) -> None:
    for _ in range(3):
        studio = stage.enter(TECHNICIAN)
        await stage.ask(studio, "talk:policy", mode="request")
        await stage.ask(studio, "talk:mute")
        stage.leave(studio)
        stage.rig.plane.rooms.tidy(ORDER)
        stage.wait(away)
    studio = stage.enter(TECHNICIAN)
    assert (stage.state(studio)["mode"], stage.state(studio)["mutedAll"]) == ("request", True)


async def test_when_nobody_is_left_the_floor_is_forgotten(stage: Stage) -> None:
    studio, second = stage.enter(TECHNICIAN), stage.enter(TECHNICIAN)
    await stage.ask(studio, "talk:policy", mode="request")
    stage.leave(studio)
    stage.wait(2 * KEPT)
    assert stage.state(second)["mode"] == "request"
    stage.leave(second)
    stage.wait(KEPT + TICK)
    assert stage.rig.plane.rooms.get(ORDER) is None
    assert stage.state(stage.enter(TECHNICIAN))["mode"] == "open"
