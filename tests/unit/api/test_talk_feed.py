"""The floor as pages see it and change it: every refusal, what is told to whom, and who leaves when."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.access.grants import Grant, Scope
from gateway.api.listener import Listener
from gateway.api.live_feed import Message, customers_room, staff_room
from gateway.api.presence import Presence
from gateway.api.requests import RequestBook
from gateway.api.talk_feed import KEPT, TALK_INTERVAL, TICK, TalkFeed
from gateway.api.talk_requests import TalkRequests
from gateway.clock import ManualClock
from gateway.errors import Forbidden, Malformed, NotFound, TalkMuted, TalkOff, TalkWaiting
from gateway.sfu.talk.floor import GRACE, Floor
from tests.signalling_rig import ORDER, OTHER_ORDER, Rig, grant, make_rig, publish, watch
from tests.unit.sfu.fakes import Viewer
from tests.unit.sfu.talk.house import PTIME, VOICE, Talker

ANNA = grant(Scope.WATCH, Scope.TALK, subject="anna")
BORIS = grant(Scope.WATCH, Scope.TALK, subject="boris")
WATCHER = grant(Scope.WATCH, subject="watcher")
TECHNICIAN = grant(Scope.PUBLISH, subject="technician")
ADMIN = grant(Scope.ADMIN, subject="chief", order_id=None)


@dataclass
class Stage:
    """Pages on a clock that a test turns."""

    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self._sids = itertools.count()
        self.rig: Rig = make_rig(clock=self.clock)
        self.presence = Presence()
        self.feed = TalkFeed(self.rig.plane, self.rig.sessions, self.presence, self.clock)
        self.book = RequestBook([TalkRequests(self.feed, self.clock)])
        self.rig.plane.on_talk_change(self.feed.changed)
        self.rig.sessions.on_closed(lambda session, _: self.feed.session_closed(session))

    def enter(self, who: Grant, order_id: str = ORDER, name: str = "") -> Listener:
        viewer_id = self.rig.services.viewer_ids.of(order_id, who.subject)
        sid = f"page-{next(self._sids)}"
        page = Listener(sid, who, order_id, "en", who.expires_at, viewer_id=viewer_id, chosen_name=name)
        self.presence.join(page)
        self.feed.join(page)
        return page

    def leave(self, page: Listener) -> None:
        self.presence.leave(page)
        self.feed.leave(page)

    async def ask(self, page: Listener, event: str, **data: Any) -> Any:
        return await self.book.answer(event, page, data)

    def told(self) -> list[Message]:
        self.clock.advance(TALK_INTERVAL)
        return self.feed.due(self.clock.monotonic())

    def state(self, page: Listener) -> dict[str, Any]:
        return self.feed.snapshot(page)[0].data

    def ruled(self, page: Listener) -> tuple[str, tuple[str, ...]]:
        state = self.state(page)
        return state["mode"], state["muted"]

    def say(self, *pages: Listener) -> None:
        """Their microphones send a voice for a while."""
        channel = self.rig.plane.rooms.room(ORDER).talk
        talkers = [Talker(page.viewer_id) for page in pages]
        for talker in talkers:
            channel.join(talker.name, talker.studio.publisher, self.clock.monotonic(), standing=False)
        for _ in range(5):
            self.clock.advance(PTIME)
            for talker in talkers:
                talker.take(VOICE, self.clock.monotonic())
                channel.heard(talker.name, talker.studio.publisher, self.clock.monotonic(), first=True)

    @property
    def floor(self) -> Floor:
        return self.rig.plane.rooms.room(ORDER).talk.floor

    def wait(self, seconds: float) -> None:
        """Time goes by and is noticed."""
        for _ in range(round(seconds / TICK)):
            self.clock.advance(TICK)
            self.feed.due(self.clock.monotonic())


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


async def test_no_other_order_is_told(stage: Stage) -> None:
    stage.enter(grant(Scope.TALK, subject="anna", order_id=OTHER_ORDER), OTHER_ORDER)
    studio = stage.enter(TECHNICIAN)
    stage.told()
    await stage.ask(studio, "talk:policy", mode="off")
    assert {message.room for message in stage.told()} == {staff_room(ORDER), customers_room(ORDER)}
