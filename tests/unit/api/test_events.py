"""Namespace `/live` with real Socket.IO clients on loopback."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as Refused

from gateway.access.grants import Scope
from gateway.api.quality_feed import QualityFeed
from gateway.config import Settings
from gateway.signalling.messages import OfferRequest
from tests.live_page import Page
from tests.signalling_rig import (
    ORDER,
    OTHER_ORDER,
    PLAY_OFFER,
    PUBLISH_OFFER,
    Http,
    Rig,
    grant,
    make_rig,
    serving,
)
from tests.waiting import eventually

SNAPSHOT = ("stream:state", "viewers", "talk:state", "chat:history", "markers")
"""What everybody is told on connection."""


@pytest.fixture
def rig() -> Rig:
    return make_rig()


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        rig.services.revocation.start()
        yield client
        await rig.services.revocation.stop()


@pytest.fixture
async def pages() -> AsyncIterator[list[Page]]:
    made: list[Page] = []
    yield made
    for page in made:
        await page.client.disconnect()


def root(http: Http) -> str:
    return str(http.make_url("/"))


async def enter(http: Http, rig: Rig, pages: list[Page], **claims: Any) -> Page:
    page = Page()
    pages.append(page)
    claims.setdefault("subject", "anna")
    scopes = claims.pop("scopes", (Scope.WATCH,))
    await page.connect(root(http), {"token": rig.token(*scopes, **claims)})
    return page


async def go_live(rig: Rig) -> str:
    staff = grant(Scope.PUBLISH, subject="technician")
    request = OfferRequest(grant=staff, order_id=ORDER, sdp=PUBLISH_OFFER)
    return (await rig.services.whip.publish(request)).session_id


async def watch(rig: Rig) -> str:
    viewer = grant(Scope.WATCH, subject="anna")
    request = OfferRequest(grant=viewer, order_id=ORDER, sdp=PLAY_OFFER)
    return (await rig.services.whep.play(request)).session_id


async def test_the_whole_state_comes_with_the_connection(http: Http, rig: Rig, pages: list[Page]) -> None:
    await go_live(rig)
    page = await enter(http, rig, pages)
    camera = {"name": "main", "live": True, "since": 1_790_000_000.0, "codec": "VP8", "layers": []}
    assert await page.hears("stream:state") == {"orderId": ORDER, "cameras": [camera]}
    assert await page.hears("viewers") == {"count": 0}


async def test_a_waiting_page_hears_when_the_camera_goes_live(
    http: Http, rig: Rig, pages: list[Page]
) -> None:
    page = await enter(http, rig, pages)
    assert (await page.hears("stream:state"))["cameras"] == []
    await go_live(rig)
    assert (await page.hears("stream:state", 2))["cameras"][0]["live"] is True


async def test_viewers_are_counted(http: Http, rig: Rig, pages: list[Page]) -> None:
    await go_live(rig)
    page = await enter(http, rig, pages)
    await page.hears("viewers")
    await watch(rig)
    assert await page.hears("viewers", 2) == {"count": 1}


async def test_nobody_hears_another_order(http: Http, rig: Rig, pages: list[Page]) -> None:
    ours = await enter(http, rig, pages)
    theirs = await enter(http, rig, pages, order_id=OTHER_ORDER)
    studio = await enter(http, rig, pages, subject="technician", scopes=(Scope.PUBLISH,))
    await theirs.hears("markers")
    await theirs.ask("watch", {})
    session_id = await go_live(rig)
    await ours.hears("stream:state", 2)
    rig.sessions.close(session_id)
    await ours.hears("stream:state", 3)
    for event, data in (
        ("talk:policy", {"mode": "off"}),
        ("chat:send", {"text": "x"}),
        ("marker:add", {"label": "x"}),
    ):
        assert (await studio.ask(event, data))["ok"] is True
    await ours.hears_that("talk:state", lambda state: state["mode"] == "off")
    await ours.hears("chat:message")
    await ours.hears("marker")
    await theirs.ask("clock:read", {})
    assert Counter(name for name, _ in theirs.heard) == dict.fromkeys(SNAPSHOT, 2)


@pytest.mark.parametrize("auth", [None, {}, {"token": 7}, {"token": "nonsense"}, "token"])
async def test_without_a_valid_token_the_connection_is_refused(
    http: Http, pages: list[Page], auth: object
) -> None:
    page = Page()
    pages.append(page)
    with pytest.raises(Refused):
        await page.connect(root(http), auth, **{"Accept-Language": "cs"})
    assert page.refusal["data"] == {"code": "invalid_token"}
    assert page.refusal["message"].startswith("Přihlaste")


async def test_a_token_is_for_its_own_order_and_an_administrator_names_one(
    http: Http, rig: Rig, pages: list[Page]
) -> None:
    page, admin = Page(), Page()
    pages += [page, admin]
    with pytest.raises(Refused):
        await page.connect(root(http), {"token": rig.token(Scope.WATCH), "orderId": OTHER_ORDER})
    assert page.refusal["data"] == {"code": "forbidden"}
    await admin.connect(root(http), {"token": rig.token(Scope.ADMIN, order_id=None), "orderId": ORDER})
    assert (await admin.hears("stream:state"))["orderId"] == ORDER


async def test_a_revoked_access_may_not_listen(http: Http, rig: Rig, pages: list[Page]) -> None:
    rig.ledger.gone.add("access-1")
    with pytest.raises(Refused):
        await enter(http, rig, pages, stream_id="access-1")


async def test_one_hears_of_the_end_of_ones_own_sessions_only(
    http: Http, rig: Rig, pages: list[Page]
) -> None:
    await go_live(rig)
    anna, boris = await enter(http, rig, pages), await enter(http, rig, pages, subject="boris")
    session_id = await watch(rig)
    rig.plane.open_sessions[session_id].closed.set_result("ice_timeout")
    assert await anna.hears("session:closed") == {"sessionId": session_id, "reason": "ice_timeout"}
    assert await boris.ask("watch", {}) == {"ok": True}
    assert "session:closed" not in [name for name, _ in boris.heard]


async def test_watch_gives_the_whole_state_again(http: Http, rig: Rig, pages: list[Page]) -> None:
    page = await enter(http, rig, pages)
    assert await page.ask("watch", {}) == {"ok": True}
    assert await page.ask("watch", {"camera": "main"}) == {"ok": True}
    await page.hears("stream:state", 3)


async def test_closing_ones_session_ends_it(http: Http, rig: Rig, pages: list[Page]) -> None:
    await go_live(rig)
    session_id = await watch(rig)
    page = await enter(http, rig, pages)
    assert await page.ask("session:close", {"sessionId": session_id}) == {"ok": True}
    assert await page.hears("session:closed") == {"sessionId": session_id, "reason": "deleted"}
    assert (await http.get(f"/sessions/{session_id}")).status == 404
    assert (await page.ask("session:close", {"sessionId": session_id}))["code"] == "not_found"


async def test_a_viewer_chooses_what_its_session_plays(http: Http, rig: Rig, pages: list[Page]) -> None:
    published = await go_live(rig)
    session_id = await watch(rig)
    page = await enter(http, rig, pages)
    assert await page.ask("layer:select", {"sessionId": session_id, "rid": "m"}) == {"ok": True}
    small = {"sessionId": session_id, "rid": "auto", "maxHeight": 360}
    assert await page.ask("layer:select", small) == {"ok": True}
    assert rig.plane.open_sessions[session_id].wishes == [("m", None), (None, 360)]
    assert (await page.ask("layer:select", {"sessionId": published}))["code"] == "forbidden"


async def test_who_publishes_has_no_layer_to_choose(http: Http, rig: Rig, pages: list[Page]) -> None:
    published = await go_live(rig)
    page = await enter(http, rig, pages, subject="technician")
    assert (await page.ask("layer:select", {"sessionId": published}))["code"] == "unacceptable"


async def test_a_viewers_pages_hear_what_its_session_plays(http: Http, rig: Rig, pages: list[Page]) -> None:
    await go_live(rig)
    anna, boris = await enter(http, rig, pages), await enter(http, rig, pages, subject="boris")
    session_id = await watch(rig)
    assert await anna.ask("layer:select", {"sessionId": session_id, "rid": "h"}) == {"ok": True}
    told = await anna.hears("layer:state")
    assert (told["sessionId"], told["rid"], told["wanted"]) == (session_id, "h", "h")
    second = await enter(http, rig, pages)
    assert (await second.hears("layer:state"))["rid"] == "h"
    assert await second.ask("watch", {}) == {"ok": True}
    await second.hears("layer:state", 2)
    assert await boris.ask("watch", {}) == {"ok": True}
    assert "layer:state" not in [name for name, _ in boris.heard]


async def test_nothing_is_said_to_pages_that_have_left(
    http: Http, rig: Rig, pages: list[Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[tuple[str, str]] = []
    leave = QualityFeed.leave
    monkeypatch.setattr(QualityFeed, "leave", lambda feed, *who: left.append(who) or leave(feed, *who))
    page = await enter(http, rig, pages)
    await page.client.disconnect()

    async def seen() -> list[tuple[str, str]]:
        return left

    assert await eventually(seen, every=0.005) == [(ORDER, "anna")]


async def test_a_technician_hears_what_arrives(http: Http, rig: Rig, pages: list[Page]) -> None:
    published = await go_live(rig)
    studio, anna = await enter(http, rig, pages, subject="technician"), await enter(http, rig, pages)
    told = await studio.hears("uplink:state", 2)
    assert (told["sessionId"], told["bitrate"]) == (published, 1_200_000)
    assert [layer["rid"] for layer in told["layers"]] == ["l", "h", "f"]
    assert "uplink:state" not in [name for name, _ in anna.heard]


async def test_a_player_tells_how_it_plays(http: Http, rig: Rig, pages: list[Page]) -> None:
    await go_live(rig)
    session_id = await watch(rig)
    anna, boris = await enter(http, rig, pages), await enter(http, rig, pages, subject="boris")
    report = {"sessionId": session_id, "glassToGlass": 0.25, "firstFrame": 0.5, "freezes": 0}
    assert await anna.ask("playback:report", report) == {"ok": True}
    assert (await boris.ask("playback:report", report))["code"] == "forbidden"
    assert rig.glass_to_glass == [0.25]


async def test_a_page_may_read_the_gateways_clock(http: Http, rig: Rig, pages: list[Page]) -> None:
    page = await enter(http, rig, pages)
    before = rig.services.clock.time() * 1000
    answer = await page.ask("clock:read", {})
    assert answer["ok"] is True
    assert before <= answer["now"] <= rig.services.clock.time() * 1000


async def test_a_flood_of_reports_is_slowed(http: Http, rig: Rig, pages: list[Page]) -> None:
    await go_live(rig)
    report = {"sessionId": await watch(rig), "glassToGlass": 9.9}
    page = await enter(http, rig, pages)
    answers = await asyncio.gather(*(page.ask("playback:report", report) for _ in range(120)))
    assert "rate_limited" in {answer.get("code") for answer in answers}
    assert len(rig.glass_to_glass) == answers.count({"ok": True}) < 120


async def test_anothers_session_cannot_be_closed(http: Http, rig: Rig, pages: list[Page]) -> None:
    session_id = await go_live(rig)
    page = await enter(http, rig, pages)
    answer = await page.ask("session:close", {"sessionId": session_id})
    assert answer["code"] == "forbidden"
    assert answer["error"]
    assert rig.sessions.get(session_id)


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("session:close", {}, "malformed"),
        ("session:close", {"sessionId": 5}, "malformed"),
        ("session:close", ["x"], "malformed"),
        ("session:close", "x", "malformed"),
        ("watch", {"camera": 5}, "malformed"),
        ("layer:select", {}, "malformed"),
        ("layer:select", {"sessionId": "x"}, "not_found"),
        ("layer:select", {"sessionId": "x", "rid": 1}, "malformed"),
        ("layer:select", {"sessionId": "x", "rid": "r" * 65}, "malformed"),
        ("layer:select", {"sessionId": "x", "maxHeight": 0}, "malformed"),
        ("layer:select", {"sessionId": "x", "maxHeight": True}, "malformed"),
        ("layer:select", {"sessionId": "x", "maxHeight": 1e9}, "malformed"),
        ("playback:report", {}, "malformed"),
        ("playback:report", {"sessionId": "x", "frozen": float("nan")}, "malformed"),
        ("playback:report", {"sessionId": "x"}, "not_found"),
        ("clock:read", "x", "malformed"),
        ("no:such", {}, "not_found"),
    ],
)
async def test_bad_messages_are_acknowledged_with_an_error(
    http: Http, rig: Rig, pages: list[Page], event: str, data: Any, code: str
) -> None:
    page = await enter(http, rig, pages)
    answer = await page.ask(event, data)
    assert answer["error"]
    assert answer["code"] == code
    assert await page.ask("watch", {}) == {"ok": True}


async def test_a_client_that_talks_too_much_is_slowed(http: Http, rig: Rig, pages: list[Page]) -> None:
    page = await enter(http, rig, pages)
    answers = await asyncio.gather(*(page.ask("clock:read", {}) for _ in range(120)))
    assert 40 <= sum(answer.get("ok", False) for answer in answers) < 120
    assert {answer.get("code") for answer in answers} == {None, "rate_limited"}


async def test_the_whole_state_is_not_told_without_end(http: Http, rig: Rig, pages: list[Page]) -> None:
    page = await enter(http, rig, pages)
    answers = [await page.ask("watch", {}) for _ in range(15)]
    assert answers[:10] == [{"ok": True}] * 10
    assert answers[-1]["code"] == "rate_limited"
    assert (await page.ask("clock:read", {}))["ok"] is True


async def test_a_message_over_the_cap_ends_the_connection(http: Http, rig: Rig, pages: list[Page]) -> None:
    page = await enter(http, rig, pages)
    await page.client.emit("watch", {"camera": "x" * 100_000}, namespace="/live")
    await page.hung_up()


async def test_only_an_offer_may_be_large(http: Http, rig: Rig, pages: list[Page]) -> None:
    page = await enter(http, rig, pages)
    assert (await page.ask("watch", {"unknown": "x" * 20_000}))["code"] == "too_large"
    offer = {"sdp": "v=0\r\n" + "a=x\r\n" * 10_000, "kind": "whep"}
    assert (await page.ask("session:offer", offer))["code"] == "not_live"
    assert (await page.ask("session:offer", {**offer, "sdp": "x" * 65_537}))["code"] == "malformed"


async def test_an_ended_token_ends_the_connection(http: Http, rig: Rig, pages: list[Page]) -> None:
    page = await enter(http, rig, pages, ttl=2)
    assert await page.hears("session:closed") == {"sessionId": "", "reason": "expired"}
    await page.hung_up()


async def test_a_revoked_access_ends_the_connection_of_a_waiting_page(
    http: Http, rig: Rig, pages: list[Page]
) -> None:
    page = await enter(http, rig, pages, stream_id="access-1")
    other = await enter(http, rig, pages, stream_id="access-2")
    rig.ledger.gone.add("access-1")
    assert await page.hears("session:closed") == {"sessionId": "", "reason": "revoked"}
    await page.hung_up()
    assert other.connected


async def test_a_renewed_token_keeps_the_connection(http: Http, rig: Rig, pages: list[Page]) -> None:
    page = await enter(http, rig, pages, ttl=2, stream_id="access-1")
    until = rig.services.clock.time() + 900
    rig.sessions.renew(subject="anna", stream_id="access-1", expires_at=until)
    control = await enter(http, rig, pages, ttl=2, stream_id="access-2", subject="boris")
    await control.hears("session:closed")
    assert page.connected


async def test_draining_is_told(http: Http, rig: Rig, pages: list[Page]) -> None:
    page = await enter(http, rig, pages)
    rig.sessions.drain()
    assert (await page.hears("server:draining"))["retryAfter"] > 0


async def test_who_comes_while_it_drains_is_told_too(http: Http, rig: Rig, pages: list[Page]) -> None:
    rig.sessions.drain()
    page = await enter(http, rig, pages)
    assert (await page.hears("server:draining"))["retryAfter"] > 0
    assert len(page.all("markers")) == 1, "after the whole state"


async def test_a_foreign_origin_may_not_connect() -> None:
    rig = make_rig(settings=Settings(allowed_origins=("https://shop.example.com",)))
    async with serving(rig) as http:
        query = "/socket.io/?EIO=4&transport=polling"
        assert (await http.get(query, headers={"Origin": "https://evil.example.com"})).status == 400
        assert (await http.get(query, headers={"Origin": "http://["})).status == 400
        assert (await http.get(query)).status == 200
        own = {"Origin": "http://gateway.example:8080", "Host": "gateway.example:8080"}
        assert (await http.get(query, headers=own)).status == 200
        allowed = await http.get(query, headers={"Origin": "https://shop.example.com"})
        assert allowed.status == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
