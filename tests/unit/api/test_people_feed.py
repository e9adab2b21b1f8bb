"""What the workshop is told of who watches, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.access.grants import Grant, Scope
from gateway.api.listener import Listener
from gateway.api.people_feed import MOST_NAMED, PEOPLE_INTERVAL, PeopleFeed
from gateway.api.presence import Presence
from gateway.api.talk_feed import TalkFeed
from gateway.clock import ManualClock
from gateway.sfu.talk.floor import TalkMode
from gateway.signalling.playback import Playback
from tests.signalling_rig import LAYERS, ORDER, grant, make_rig, publish, watch

TECHNICIAN = grant(Scope.PUBLISH, subject="technician")


class Stage:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.rig = make_rig(clock=self.clock, capacity=1_000)
        self.presence = Presence()
        services = self.rig.services
        self.talk = TalkFeed(services.media, services.sessions, self.presence, self.clock)
        self.feed = PeopleFeed(services, self.presence, self.talk)

    def enter(self, who: Grant) -> Listener:
        viewer_id = self.rig.services.viewer_ids.of(ORDER, who.subject)
        now = self.clock.time()
        page = Listener("sid", who, ORDER, "en", who.expires_at, viewer_id=viewer_id, since=now)
        self.presence.join(page)
        self.talk.join(page)
        self.clock.advance(0.001)
        return page

    def customer(self, subject: str) -> Listener:
        return self.enter(grant(Scope.WATCH, Scope.TALK, subject=subject))

    def told(self) -> list[dict[str, Any]]:
        self.clock.advance(PEOPLE_INTERVAL)
        return [message.data for message in self.feed.due(self.clock.monotonic())]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    await stage.rig.sessions.stop()


async def test_without_the_workshop_nobody_is_looked_at(stage: Stage) -> None:
    stage.customer("anna")
    assert stage.told() == []
    assert stage.feed.next_due() is None


async def test_it_is_told_at_most_once_an_interval_and_only_when_it_changed(stage: Stage) -> None:
    stage.enter(TECHNICIAN)
    assert [x["total"] for x in stage.told()] == [0]
    assert stage.told() == []
    stage.customer("anna")
    stage.told()
    stage.customer("boris")
    assert stage.feed.due(stage.clock.monotonic()) == []
    assert [x["total"] for x in stage.told()] == [2]


async def test_noise_of_rates_is_no_news_but_another_layer_is(stage: Stage) -> None:
    await publish(stage.rig)
    media = stage.rig.plane.open_sessions[(await watch(stage.rig)).session_id]
    stage.enter(TECHNICIAN)
    assert stage.told()[0]["viewers"][0]["layer"]["rid"] == "f"
    media.playing = replace(LAYERS[-1], fps=30.2, bitrate=1_702_000)
    assert stage.told() == []
    media.playing = LAYERS[0]
    assert stage.told()[0]["viewers"][0]["layer"]["rid"] == "l"


async def test_a_person_is_one_with_all_pages_and_sessions(stage: Stage) -> None:
    await publish(stage.rig)
    stage.enter(TECHNICIAN)
    anna = stage.customer("anna")
    stage.customer("anna")
    await watch(stage.rig)
    session = await watch(stage.rig)
    stage.rig.services.playback.note(session, Playback(glass_to_glass=0.3, freezes=2))
    (people,) = stage.told()
    assert people["total"] == 1
    (viewer,) = people["viewers"]
    assert (viewer["viewerId"], viewer["since"]) == (anna.viewer_id, anna.since)
    assert (viewer["glassToGlass"], viewer["freezes"]) == (0.3, 2)


async def test_who_plays_without_a_page_is_named_too_and_the_workshop_only_if_it_plays(stage: Stage) -> None:
    await publish(stage.rig)
    stage.enter(TECHNICIAN)
    await watch(stage.rig, subject="vlc")
    (people,) = stage.told()
    assert [x["name"] for x in people["viewers"]] == ["vlc"]


async def test_how_each_stands_on_the_floor(stage: Stage) -> None:
    stage.enter(TECHNICIAN)
    floor = stage.talk.channel(ORDER).floor
    ids = {name: stage.customer(name).viewer_id for name in ("silent", "waits", "turn", "muted")}
    floor.set_mode(TalkMode.REQUEST, 0.0)
    floor.ask(ids["waits"], 0.0)
    floor.grant(ids["turn"], stage.clock.monotonic())
    floor.mute(ids["muted"])
    (people,) = stage.told()
    assert {x["name"]: x["talk"] for x in people["viewers"]} == {
        "silent": "none",
        "waits": "waiting",
        "turn": "granted",
        "muted": "muted",
    }
    assert people["viewers"][-1]["name"] == "silent"


async def test_a_crowd_is_counted_and_those_who_want_to_speak_are_named(stage: Stage) -> None:
    stage.enter(TECHNICIAN)
    pages = [stage.customer(f"viewer-{n}") for n in range(MOST_NAMED + 50)]
    stage.talk.channel(ORDER).floor.ask(pages[-1].viewer_id, stage.clock.monotonic())
    (people,) = stage.told()
    assert people["total"] == MOST_NAMED + 50
    assert len(people["viewers"]) == MOST_NAMED
    assert people["viewers"][0]["name"] == f"viewer-{MOST_NAMED + 49}"
