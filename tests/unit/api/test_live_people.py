"""Technicians and customers on namespace `/live`, with real Socket.IO clients on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as Refused

from gateway.access.grants import Scope
from gateway.api.quality_feed import QualityFeed
from gateway.api.talk_feed import TalkFeed
from gateway.errors import Unavailable
from tests.live_page import Page
from tests.signalling_rig import (
    ORDER,
    PLAY_OFFER,
    PUBLISH_OFFER,
    SDP,
    Http,
    Rig,
    make_rig,
    publish,
    serving,
    watch,
)
from tests.waiting import eventually

CUSTOMER = (Scope.WATCH, Scope.TALK)
STUDIO: dict[str, Any] = {"scopes": (Scope.PUBLISH,), "subject": "technician"}
CHIEF: dict[str, Any] = {"scopes": (Scope.ADMIN,), "subject": "chief"}


@pytest.fixture
def rig() -> Rig:
    return make_rig()


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        yield client


@pytest.fixture
async def pages() -> AsyncIterator[list[Page]]:
    made: list[Page] = []
    yield made
    for page in made:
        await page.client.disconnect()


class House:
    """Lets pages in."""

    def __init__(self, http: Http, rig: Rig, pages: list[Page]) -> None:
        self.http, self.rig, self.pages = http, rig, pages

    async def enter(
        self, subject: str = "anna", scopes: tuple[Scope, ...] = CUSTOMER, name: str | None = None
    ) -> Page:
        page = Page()
        self.pages.append(page)
        auth = {"token": self.rig.token(*scopes, subject=subject), "orderId": ORDER}
        await page.connect(str(self.http.make_url("/")), auth if name is None else {**auth, "name": name})
        await page.hears("markers")
        return page


@pytest.fixture
def house(http: Http, rig: Rig, pages: list[Page]) -> House:
    return House(http, rig, pages)


def you(page: Page) -> str:
    return str(page.all("talk:state")[0]["you"])


async def test_a_page_opens_its_sessions_over_the_connection(house: House, rig: Rig) -> None:
    studio, anna = await house.enter(**STUDIO), await house.enter()
    offer = {"sdp": PUBLISH_OFFER, "kind": "whip"}
    assert (await anna.ask("session:offer", offer))["code"] == "forbidden"
    published = await studio.ask("session:offer", offer)
    assert published["sdp"].startswith("v=0")
    assert rig.sessions.get(published["sessionId"]).etag == published["etag"]
    played = await anna.ask("session:offer", {"sdp": PLAY_OFFER, "kind": "whep", "camera": "main"})
    assert rig.sessions.get(played["sessionId"]).subject == "anna"
    assert played["iceServers"] == [{"urls": ["stun:stun.example.com:3478"]}]
    found = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0"}
    candidate = {"sessionId": played["sessionId"], "candidate": found}
    assert await anna.ask("session:candidate", candidate) == {"ok": True}
    assert (await studio.ask("session:candidate", candidate))["code"] == "forbidden"
    selection = {"sessionId": played["sessionId"], "camera": "main"}
    assert await anna.ask("camera:select", selection) == {"ok": True}
    assert rig.plane.open_sessions[played["sessionId"]].cameras == [("main", None)]
    assert (await anna.ask("camera:select", {**selection, "camera": "none"}))["code"] == "not_live"
    assert (await anna.ask("camera:select", {**selection, "mid": "77"}))["code"] == "unacceptable"


async def test_who_opens_sessions_without_end_is_slowed(house: House) -> None:
    anna = await house.enter()
    offer = {"sdp": PLAY_OFFER, "kind": "whep"}
    codes = [(await anna.ask("session:offer", offer))["code"] for _ in range(15)]
    assert codes[:10] == ["not_live"] * 10
    assert codes[-1] == "rate_limited"


async def test_the_floor_survives_a_reconnection(house: House) -> None:
    studio, anna = await house.enter(**STUDIO), await house.enter()
    assert await studio.ask("talk:policy", {"mode": "request"}) == {"ok": True}
    assert (await anna.ask("talk:start", {}))["code"] == "talk_waiting"
    await anna.client.disconnect()
    again = await house.enter()
    state = again.all("talk:state")[0]
    assert (state["mode"], state["queue"], state["you"]) == (
        "request",
        [{"viewerId": you(anna), "name": ""}],
        you(anna),
    )
    await studio.ask("talk:grant", {"viewerId": you(anna)})
    await again.hears_that("talk:state", lambda told: told["granted"] == [you(anna)])
    assert await again.ask("talk:start", {}) == {"ok": True}
    assert house.rig.plane.rooms.room(ORDER).talk.floor.may_speak(you(anna))
    await again.client.disconnect()

    async def silent() -> bool:
        return not house.rig.plane.rooms.room(ORDER).talk.floor.may_speak(you(anna))

    assert await eventually(silent, every=0.005)


async def test_chat_is_for_those_who_may_talk_and_all_read_it(house: House) -> None:
    studio, anna = await house.enter(**STUDIO), await house.enter()
    watcher = await house.enter("watcher", (Scope.WATCH,))
    assert (await watcher.ask("chat:send", {"text": "Hi"}))["code"] == "forbidden"
    answer = await anna.ask("chat:send", {"text": "  Is it the battery?  "})
    message = await watcher.hears("chat:message")
    assert message["text"] == "Is it the battery?"
    assert message["from"] == {"viewerId": you(anna), "name": "", "role": "customer"}
    assert answer == {"ok": True, **message}
    await studio.ask("chat:send", {"text": "Yes"})
    told = await anna.hears("chat:message", 2)
    assert told["from"] == {"viewerId": you(studio), "name": "technician", "role": "technician"}
    late = await house.enter("boris", name="Boris\n the  second")
    assert [x["text"] for x in (await late.hears("chat:history"))["messages"]] == [
        "Is it the battery?",
        "Yes",
    ]
    await late.ask("chat:send", {"text": "Me too"})
    assert (await anna.hears("chat:message", 3))["from"]["name"] == "Boris the second"
    assert (await anna.ask("chat:send", {"text": "x" * 1_001}))["code"] == "malformed"
    assert (await anna.ask("chat:send", {"text": " \u202e "}))["code"] == "malformed"


async def test_who_writes_too_much_is_slowed(house: House) -> None:
    anna, second = await house.enter(), await house.enter()
    codes = [
        (await page.ask("chat:send", {"text": "x"})).get("code") for page in (anna, second) for _ in range(7)
    ]
    assert codes[:10] == [None] * 10
    assert "rate_limited" in codes[10:]


async def test_markers_are_the_technicians(house: House) -> None:
    studio, anna = await house.enter(**STUDIO), await house.enter()
    assert (await anna.ask("marker:add", {"label": "x"}))["code"] == "forbidden"
    answer = await studio.ask("marker:add", {"label": "battery removed"})
    marker = await anna.hears("marker")
    assert answer == {"ok": True, **marker}
    assert (marker["label"], marker["by"]) == ("battery removed", "technician")
    assert abs(marker["at"] / 1000 - house.rig.services.clock.time()) < 10
    assert (await (await house.enter("boris")).hears("markers"))["markers"] == [marker]


async def test_a_database_that_cannot_tell_does_not_keep_anybody_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise Unavailable("no database")

    monkeypatch.setattr(house.rig.services.conversations, "history", gone)
    page = Page()
    house.pages.append(page)
    await page.connect(str(house.http.make_url("/")), {"token": house.rig.token(*CUSTOMER)})
    await page.hears("talk:state")
    assert "chat:history" not in {event for event, _ in page.heard}


async def test_only_the_workshop_hears_who_watches(house: House, rig: Rig) -> None:
    await publish(rig)
    studio, anna = await house.enter(**STUDIO), await house.enter()
    waiting = await studio.hears_that("people", lambda told: told["total"] == 1)
    assert waiting["viewers"][0]["camera"] is None
    session = await watch(rig)
    told = await studio.hears_that("people", lambda told: told["viewers"][0]["camera"])
    assert told["viewers"] == [
        {
            "viewerId": you(anna),
            "name": "anna",
            "since": told["viewers"][0]["since"],
            "camera": "main",
            "layer": {"rid": "f", "width": 1280, "height": 720, "fps": 30.0, "bitrate": 1_700_000},
            "rtt": 0.03,
            "loss": 0.0,
            "glassToGlass": None,
            "freezes": None,
            "talk": "none",
        }
    ]
    rig.sessions.close(session.session_id)
    await anna.client.disconnect()
    await studio.hears_that("people", lambda told: told["total"] == 0)
    assert not anna.all("people")


async def test_who_is_kicked_is_told_and_stays_out(house: House, rig: Rig, http: Http) -> None:
    await publish(rig)
    studio, anna, second = await house.enter(**STUDIO), await house.enter(), await house.enter()
    boris = await house.enter("boris")
    session = await watch(rig)
    assert await studio.ask("viewer:kick", {"viewerId": you(anna)}) == {"ok": True}
    assert session.session_id not in rig.plane.open_sessions
    for page in (anna, second):
        await page.hung_up()
        assert page.all("session:closed") == [
            {"sessionId": session.session_id, "reason": "kicked"},
            {"sessionId": "", "reason": "kicked"},
        ]
    with pytest.raises(Refused):
        await house.enter()
    assert house.pages[-1].refusal["data"] == {"code": "kicked"}
    headers = {**SDP, **rig.bearer(*CUSTOMER, subject="anna"), "Accept-Language": "cs"}
    async with http.post(f"/whep/{ORDER}", data=PLAY_OFFER, headers=headers) as answer:
        problem = await answer.json()
        assert (answer.status, problem["code"]) == (403, "kicked")
        assert problem["error"].startswith("Technik vás")
    assert boris.connected
    assert studio.connected


async def test_until_a_kicked_page_is_gone_it_may_do_nothing(house: House, rig: Rig) -> None:
    studio, anna = await house.enter(**STUDIO), await house.enter()
    answers = await asyncio.gather(
        studio.ask("viewer:kick", {"viewerId": you(anna)}), _next(anna, "chat:send", {"text": "x"})
    )
    assert answers[1]["code"] == "kicked"


async def _next(page: Page, event: str, data: Any) -> Any:
    await asyncio.sleep(0.02)
    return await page.ask(event, data)


async def test_who_may_kick_whom(house: House) -> None:
    studio, chief, anna = await house.enter(**STUDIO), await house.enter(**CHIEF), await house.enter()
    second = await house.enter("second", (Scope.PUBLISH,))

    async def kick(by: Page, whom: str) -> Any:
        return (await by.ask("viewer:kick", {"viewerId": whom})).get("code")

    assert await kick(anna, you(studio)) == "forbidden"
    assert await kick(studio, you(second)) == "forbidden"
    assert await kick(studio, you(chief)) == "forbidden"
    assert await kick(studio, you(studio)) == "unacceptable"
    assert await kick(studio, "nobody") == "not_found"
    assert await kick(chief, you(second)) is None
    await second.hung_up()
    assert studio.connected
    assert chief.connected


@pytest.mark.parametrize("event", ["clock:read", "disconnect", "connect", "no such event"])
async def test_a_client_that_floods_is_told_and_then_hung_up_on(house: House, event: str) -> None:
    anna, boris = await house.enter(), await house.enter("boris")
    for _ in range(200):
        await anna.client.emit(event, {}, namespace="/live")
    assert await anna.hears("session:closed") == {"sessionId": "", "reason": "rate_limited"}
    await anna.hung_up()
    assert (await boris.ask("clock:read", {}))["ok"] is True
    assert await house.enter()


async def test_a_step_that_fails_silences_nobody(
    house: House, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    studio, anna = await house.enter(**STUDIO), await house.enter()
    monkeypatch.setattr(QualityFeed, "due", broken)
    await studio.ask("talk:policy", {"mode": "off"})
    await anna.hears_that("talk:state", lambda told: told["mode"] == "off")
    monkeypatch.setattr(TalkFeed, "due", broken)
    await publish(rig)
    await anna.hears_that("stream:state", lambda told: told["cameras"])
    assert rig.services.drops["live_step_failed"] > 0
