"""The floor as pages see it and change it: every refusal, and what is told to whom."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.access.grants import Scope
from gateway.api.live_feed import customers_room, staff_room
from gateway.api.talk_feed import TALK_INTERVAL, TICK
from gateway.errors import Forbidden, Malformed, NotFound, TalkMuted, TalkOff, TalkWaiting
from tests.signalling_rig import ORDER, OTHER_ORDER, grant
from tests.unit.api.talk_stage import ADMIN, ANNA, BORIS, TECHNICIAN, WATCHER, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_who_comes_gets_the_whole_floor_and_its_own_id(stage: Stage) -> None:
    studio, anna, boris = stage.enter(TECHNICIAN), stage.enter(ANNA), stage.enter(BORIS)
    await stage.ask(anna, "talk:start")
    await stage.ask(studio, "talk:policy", mode="request")
    await stage.ask(boris, "talk:request")
    assert stage.state(anna) == {
        "mode": "request",
        "speaker": None,
        "speakers": (),
        "queue": ({"viewerId": boris.viewer_id, "name": ""},),
        "granted": (anna.viewer_id,),
        "muted": (),
        "mutedAll": False,
        "you": anna.viewer_id,
    }


async def test_a_change_costs_two_messages_however_many_listen_and_says_no_login_to_customers(
    stage: Stage,
) -> None:
    pages = [stage.enter(grant(Scope.WATCH, Scope.TALK, subject=f"viewer-{n}")) for n in range(150)]
    studio = stage.enter(TECHNICIAN)
    await stage.ask(studio, "talk:policy", mode="request")
    stage.told()
    await stage.ask(pages[7], "talk:request")
    told = {message.room: message.data for message in stage.told()}
    assert told.keys() == {staff_room(ORDER), customers_room(ORDER)}
    assert told[staff_room(ORDER)]["queue"][0]["name"] == "viewer-7"
    assert told[customers_room(ORDER)]["queue"][0]["name"] == ""
    assert "you" not in told[customers_room(ORDER)]


async def test_a_chosen_name_is_for_everybody(stage: Stage) -> None:
    studio, anna = stage.enter(TECHNICIAN), stage.enter(ANNA, name="Anna K.")
    await stage.ask(studio, "talk:policy", mode="request")
    await stage.ask(anna, "talk:request")
    assert {message.data["queue"][0]["name"] for message in stage.told()} == {"Anna K."}


async def test_everybody_sees_who_speaks_and_the_workshop_alone_by_login(stage: Stage) -> None:
    stage.enter(TECHNICIAN)
    anna, boris = stage.enter(ANNA), stage.enter(BORIS, name="Boris K.")
    for page in (anna, boris):
        await stage.ask(page, "talk:start")
    stage.say(anna, boris)
    told = {message.room: message.data for message in stage.told()}
    named = {(anna.viewer_id, "anna"), (boris.viewer_id, "Boris K.")}
    assert {(x["viewerId"], x["name"]) for x in told[staff_room(ORDER)]["speakers"]} == named
    assert told[staff_room(ORDER)]["speaker"] in {anna.viewer_id, boris.viewer_id}
    named = {(anna.viewer_id, ""), (boris.viewer_id, "Boris K.")}
    assert {(x["viewerId"], x["name"]) for x in told[customers_room(ORDER)]["speakers"]} == named
    assert "anna" not in repr(told[customers_room(ORDER)])


async def test_of_a_family_on_one_login_the_page_that_speaks_gives_the_name(stage: Stage) -> None:
    stage.enter(ANNA)
    mother, child = stage.enter(ANNA, name="Mum"), stage.enter(ANNA, name="Eva")

    def named() -> list[str]:
        """By each message to each room."""
        return [x["name"] for message in stage.told() for x in message.data["speakers"]]

    await stage.ask(child, "talk:start")
    stage.say(child)
    assert named() == ["Eva"] * 2
    await stage.ask(child, "talk:stop")
    await stage.ask(mother, "talk:start")
    stage.say(mother)
    assert named() == ["Mum"] * 2
    stage.presence.leave(mother)
    assert stage.state(child)["speakers"][0]["name"] == "Eva", "the first with any name"


async def test_changes_are_coalesced_and_nothing_is_said_twice(stage: Stage) -> None:
    studio = stage.enter(TECHNICIAN)
    stage.told()
    told = 0
    for step in range(100):
        await stage.ask(studio, "talk:policy", mode="request" if step % 2 else "off")
        stage.clock.advance(0.01)
        told += len(stage.feed.due(stage.clock.monotonic())) // 2
    assert 8 <= told <= 1 + 1.0 / TALK_INTERVAL
    stage.told()
    stage.feed.changed(ORDER)
    assert stage.told() == []
    assert stage.feed.next_due() is None


@pytest.mark.parametrize("event", ["talk:request", "talk:start", "talk:stop", "talk:withdraw"])
async def test_who_may_only_watch_may_not_talk(stage: Stage, event: str) -> None:
    for who in (WATCHER, TECHNICIAN):
        with pytest.raises(Forbidden):
            await stage.ask(stage.enter(who), event)


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("talk:grant", {"viewerId": "x"}),
        ("talk:deny", {"viewerId": "x"}),
        ("talk:mute", {"viewerId": "x"}),
        ("talk:mute", {}),
        ("talk:policy", {"mode": "off"}),
    ],
)
async def test_customers_do_not_rule(stage: Stage, event: str, data: dict[str, Any]) -> None:
    before = stage.state(stage.enter(TECHNICIAN))
    for who in (WATCHER, ANNA):
        with pytest.raises(Forbidden):
            await stage.ask(stage.enter(who), event, **data)
    assert {**stage.state(stage.enter(TECHNICIAN))} == before


async def test_nobody_can_be_ruled_who_is_not_there_and_no_mode_be_made_up(stage: Stage) -> None:
    studio, elsewhere = (
        stage.enter(TECHNICIAN),
        stage.enter(grant(Scope.TALK, subject="anna", order_id=OTHER_ORDER), OTHER_ORDER),
    )
    for event in ("talk:grant", "talk:deny", "talk:mute"):
        with pytest.raises(NotFound):
            await stage.ask(studio, event, viewerId=elsewhere.viewer_id)
    for mode in ("loud", None, 5):
        with pytest.raises(Malformed):
            await stage.ask(studio, "talk:policy", mode=mode)


async def test_who_must_wait_is_told_so_and_is_in_the_queue(stage: Stage) -> None:
    studio, anna = stage.enter(ADMIN), stage.enter(ANNA)
    await stage.ask(studio, "talk:policy", mode="request")
    with pytest.raises(TalkWaiting):
        await stage.ask(anna, "talk:start")
    assert not stage.floor.held(anna.viewer_id)
    assert stage.state(studio)["queue"][0]["viewerId"] == anna.viewer_id
    await stage.ask(studio, "talk:grant", viewerId=anna.viewer_id)
    await stage.ask(anna, "talk:start")
    assert stage.floor.may_speak(anna.viewer_id)
    await stage.ask(studio, "talk:deny", viewerId=anna.viewer_id)
    assert stage.state(studio)["granted"] == ()


async def test_off_and_mute_are_refusals_of_their_own(stage: Stage) -> None:
    studio, anna = stage.enter(TECHNICIAN), stage.enter(ANNA)
    await stage.ask(studio, "talk:mute", viewerId=anna.viewer_id)
    with pytest.raises(TalkMuted):
        await stage.ask(anna, "talk:start")
    await stage.ask(studio, "talk:mute", viewerId=anna.viewer_id, muted=False)
    await stage.ask(anna, "talk:start")
    await stage.ask(studio, "talk:policy", mode="off")
    with pytest.raises(TalkOff):
        await stage.ask(anna, "talk:request")
    await stage.ask(studio, "talk:mute")
    assert stage.state(studio)["mutedAll"] is True


async def test_the_technician_may_grant_who_never_asked_and_whom_the_floor_forgot(stage: Stage) -> None:
    studio, anna = stage.enter(TECHNICIAN), stage.enter(ANNA)
    for n in range(250):
        stage.enter(grant(Scope.TALK, subject=f"crowd-{n}"))
    await stage.ask(studio, "talk:grant", viewerId=anna.viewer_id)
    assert stage.state(studio)["granted"] == (anna.viewer_id,)


async def test_a_turn_that_ends_by_itself_is_told(stage: Stage) -> None:
    stage.enter(TECHNICIAN)
    anna = stage.enter(ANNA)
    await stage.ask(anna, "talk:start")
    await stage.ask(anna, "talk:stop")
    stage.told()
    granted = []
    for _ in range(20):
        stage.clock.advance(TICK)
        granted += [m.data["granted"] for m in stage.feed.due(stage.clock.monotonic())]
    assert granted == [(), ()]


async def test_no_other_order_is_told(stage: Stage) -> None:
    stage.enter(grant(Scope.TALK, subject="anna", order_id=OTHER_ORDER), OTHER_ORDER)
    studio = stage.enter(TECHNICIAN)
    stage.told()
    await stage.ask(studio, "talk:policy", mode="off")
    assert {message.room for message in stage.told()} == {staff_room(ORDER), customers_room(ORDER)}
