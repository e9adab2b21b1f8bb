"""WHEP's event and layer extensions over real HTTP, for the players that exist and the draft's text.

The media plane is a fake: what is tested is HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp.http_writer import StreamWriter
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web_runner import BaseRunner

from gateway.access.grants import Scope
from gateway.api import create_app, whep_extensions
from gateway.signalling import viewer_events
from gateway.signalling.viewer_events import EventStream
from tests.event_source import EventSource, listening
from tests.http_checks import check_cors, check_problem
from tests.signalling_rig import (
    LAYERS,
    ORDER,
    PLAY_OFFER,
    PUBLISH_OFFER,
    SDP,
    FakeSession,
    Http,
    Rig,
    make_rig,
)
from tests.waiting import eventually

JSON = {"Content-Type": "application/json"}
EVENTS_URN = "urn:ietf:params:whep:ext:core:server-sent-events"
LAYER_URN = "urn:ietf:params:whep:ext:core:layer"
SUPPORTED = ["active", "inactive", "layers", "reconnect", "viewercount"]


@pytest.fixture
def rig() -> Rig:
    rig = make_rig(turn_secret="turn-secret")
    rig.plane.layers = LAYERS
    return rig


class Server(TestServer):
    """As the gateway serves: aiohttp does not cancel what a lost client has asked for."""

    async def _make_runner(self, **options: Any) -> BaseRunner[Any]:
        return await super()._make_runner(**{**options, "handler_cancellation": False})


@contextlib.asynccontextmanager
async def serving(rig: Rig) -> AsyncIterator[Http]:
    async with TestClient(Server(create_app(rig.services))) as client:
        yield client
        await rig.sessions.stop(deadline=1.0)


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        yield client


async def publish(http: Http, rig: Rig, camera: str = "main") -> str:
    """The path of a publisher's session."""
    headers = {**SDP, **rig.bearer(Scope.PUBLISH, subject="technician")}
    response = await http.post(f"/whip/{ORDER}/{camera}", data=PUBLISH_OFFER.encode(), headers=headers)
    assert response.status == 201, await response.text()
    return response.headers["Location"]


async def play(http: Http, rig: Rig, body: str = PLAY_OFFER, camera: str = "main") -> aiohttp.ClientResponse:
    headers = {**SDP, **rig.bearer(Scope.WATCH, subject="customer")}
    response = await http.post(f"/whep/{ORDER}/{camera}", data=body.encode(), headers=headers)
    assert response.status == 201, await response.text()
    return response


@pytest.fixture
async def publisher(http: Http, rig: Rig) -> str:
    return await publish(http, rig)


@pytest.fixture
async def player(http: Http, rig: Rig, publisher: str) -> str:
    """The path of a player's session; its video is the m-line of index 1."""
    return (await play(http, rig)).headers["Location"]


def playing(rig: Rig) -> FakeSession:
    return rig.plane.opened[-1]


async def subscribe(http: Http, player: str, events: object = SUPPORTED) -> str:
    """The path of a new event stream."""
    response = await http.post(f"{player}/events", data=json.dumps(events), headers=JSON)
    assert response.status == 201, await response.text()
    return response.headers["Location"]


@contextlib.asynccontextmanager
async def events_of(http: Http, player: str, events: object = SUPPORTED) -> AsyncIterator[EventSource]:
    async with listening(await http.get(await subscribe(http, player, events))) as source:
        yield source


async def choose(http: Http, player: str, wish: object, **headers: str) -> aiohttp.ClientResponse:
    return await http.post(f"{player}/layer", data=json.dumps(wish), headers={**JSON, **headers})


# --- discovery ---------------------------------------------------------------------------------


async def test_the_201_announces_both_extensions_after_the_ice_servers(
    http: Http, rig: Rig, publisher: str
) -> None:
    response = await play(http, rig)
    location = response.headers["Location"]
    links = response.headers.getall("Link")
    assert links[-2:] == [
        f'<{location}/events>; rel="{EVENTS_URN}"; events="{",".join(SUPPORTED)}"',
        f'<{location}/layer>; rel="{LAYER_URN}"',
    ]
    assert links[:-2]
    assert all('; rel="ice-server"' in link for link in links[:-2])


async def test_medooze_whep_js_finds_its_urls_in_the_joined_field(
    http: Http, rig: Rig, publisher: str
) -> None:
    response = await play(http, rig)
    joined = ", ".join(response.headers.getall("Link"))  # what fetch() gives a page
    found = {}
    for link in re.split(r",\s+(?=<)", joined):
        url, *parameters = (part.strip() for part in link.split(";"))
        pairs = dict(parameter.split("=", 1) for parameter in parameters)
        found[pairs["rel"].strip('"')] = url.strip("<>"), pairs.get("events", "").strip('"').split(",")
    assert found[EVENTS_URN] == (f"{response.headers['Location']}/events", SUPPORTED)
    assert found[LAYER_URN][0] == f"{response.headers['Location']}/layer"


async def test_neither_options_nor_publishers_hear_of_extensions(
    http: Http, rig: Rig, publisher: str
) -> None:
    response = await http.options(f"/whep/{ORDER}")
    assert not any("urn:ietf" in link for link in response.headers.getall("Link"))
    headers = {**SDP, **rig.bearer(Scope.PUBLISH, subject="technician")}
    response = await http.post(f"/whip/{ORDER}", data=PUBLISH_OFFER.encode(), headers=headers)
    assert response.status == 201
    assert not any("urn:ietf" in link for link in response.headers.getall("Link"))


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/sessions/x/events", "OPTIONS, GET, POST"),
        ("/sessions/x/layer", "OPTIONS, POST, DELETE"),
        ("/sessions/events/x", "OPTIONS, GET, DELETE"),
    ],
)
async def test_preflights_are_answered(http: Http, path: str, allow: str) -> None:
    response = await http.options(path)
    assert response.status == 200
    assert response.headers["Allow"] == allow
    assert ("POST" in allow) is (response.headers.get("Accept-Post") == "application/json")
    check_cors(response.headers)


# --- event streams -----------------------------------------------------------------------------


async def test_a_stream_has_an_unguessable_url_of_its_own(http: Http, player: str) -> None:
    response = await http.post(f"{player}/events", json=SUPPORTED)
    assert response.status == 201
    check_cors(response.headers)
    assert response.headers["Cache-Control"] == "no-store"
    location = response.headers["Location"]
    assert re.fullmatch(r"/sessions/events/[\w-]{32}", location)
    assert player.rpartition("/")[2] not in location
    assert await subscribe(http, player) != location


async def test_the_stream_begins_with_the_whole_state(http: Http, player: str) -> None:
    response = await http.get(await subscribe(http, player))
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["Connection"] == "close"
    check_cors(response.headers)
    async with listening(response) as source:
        await source.hears("viewercount")
        assert source.heard == [
            ("active", {}),
            (
                "layers",
                {
                    "1": [
                        {"rid": "f", "encodingId": "f", "width": 1280, "height": 720, "bitrate": 1_700_000},
                        {"rid": "h", "encodingId": "h", "width": 640, "height": 360, "bitrate": 500_000},
                        {"rid": "l", "encodingId": "l", "width": 320, "height": 180, "bitrate": 150_000},
                    ]
                },
            ),
            ("viewercount", {"viewercount": 1}),
        ]


async def test_only_what_was_asked_for_is_told(http: Http, rig: Rig, player: str) -> None:
    async with events_of(http, player, ["viewercount", "layers"]) as source:
        await source.hears("viewercount")
        assert [name for name, _ in source.heard] == ["layers", "viewercount"]


async def test_without_a_body_everything_is_told(http: Http, player: str) -> None:
    response = await http.post(f"{player}/events")
    assert response.status == 201
    async with listening(await http.get(response.headers["Location"])) as source:
        await source.hears("viewercount")
        assert len(source.heard) == 3


@pytest.mark.parametrize(
    "body",
    [
        '["active", "scte35"]',
        '["viewerCount"]',
        "[7]",
        "[[]]",
        "[null]",
        "[]",
        "{}",
        '"layers"',
        "null",
        "[",
        " ",
        "[" * 9_000,
    ],
)
async def test_an_unsupported_event_is_400_and_opens_nothing(http: Http, player: str, body: str) -> None:
    for _ in range(viewer_events.MAX_STREAMS + 1):
        response = await http.post(f"{player}/events", data=body.encode(), headers=JSON)
        problem = await check_problem(response, 400)
    assert problem["detail"]


async def test_another_type_is_415_and_a_large_body_413(http: Http, player: str) -> None:
    for path in (f"{player}/events", f"{player}/layer"):
        for headers in (SDP, {"Content-Type": "text/plain"}, {}):
            response = await http.post(path, data=b'["active"]', headers=headers)
            await check_problem(response, 415)
            assert response.headers["Accept-Post"] == "application/json"
        await check_problem(await http.post(path, data=b" " * 20_000, headers=JSON), 413)


async def test_a_session_has_a_bounded_number_of_streams(http: Http, player: str) -> None:
    streams = [await subscribe(http, player) for _ in range(viewer_events.MAX_STREAMS)]
    problem = await check_problem(await http.post(f"{player}/events", json=SUPPORTED), 429)
    assert "4 event streams" in problem["detail"]
    assert (await http.delete(streams[0])).status == 200
    await subscribe(http, player)


async def test_deleted_is_404_and_its_reader_is_sent_away(http: Http, player: str) -> None:
    path = await subscribe(http, player)
    async with listening(await http.get(path)) as source:
        await source.hears("viewercount")
        response = await http.delete(path)
        assert response.status == 200
        check_cors(response.headers)
        await source.ended()
    await check_problem(await http.delete(path), 404)
    await check_problem(await http.get(path), 404)


async def test_the_session_takes_its_streams_along(http: Http, player: str) -> None:
    path = await subscribe(http, player)
    async with listening(await http.get(path)) as source:
        await source.hears("viewercount")
        assert (await http.delete(player)).status == 200
        await source.ended()
    await check_problem(await http.get(path), 404)
    await check_problem(await http.get(f"{player}/events"), 404)
    await check_problem(await http.post(f"{player}/events", json=SUPPORTED), 404)
    await check_problem(await choose(http, player, {}), 404)
    await check_problem(await http.delete(f"{player}/layer"), 404)


async def test_a_session_that_ends_while_the_body_arrives_gets_no_stream(http: Http, player: str) -> None:
    begun = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"["
        begun.set()
        await http.delete(player)
        yield b'"active"]'

    await check_problem(await http.post(f"{player}/events", data=body(), headers=JSON), 404)
    assert begun.is_set()


async def test_a_publishers_session_has_no_extensions(http: Http, publisher: str) -> None:
    await check_problem(await http.post(f"{publisher}/events", json=SUPPORTED), 404)
    await check_problem(await http.get(f"{publisher}/events"), 404)
    await check_problem(await choose(http, publisher, {}), 404)
    await check_problem(await http.delete(f"{publisher}/layer"), 404)


# --- changes -----------------------------------------------------------------------------------


async def test_the_end_of_the_broadcast_and_the_next_one_are_told(
    http: Http, rig: Rig, publisher: str, player: str
) -> None:
    async with events_of(http, player) as source:
        await source.hears("active")
        await http.delete(publisher)
        assert await source.hears("inactive") == {}
        assert await source.hears("layers", 2) == {"1": []}
        await publish(http, rig)
        await source.hears("active", 2)
        assert len((await source.hears("layers", 3))["1"]) == 3


async def test_another_camera_is_none_of_its_business(http: Http, rig: Rig, publisher: str) -> None:
    other = await publish(http, rig, "microscope")
    player = (await play(http, rig)).headers["Location"]
    async with events_of(http, player) as source:
        await source.hears("viewercount")
        await http.delete(other)
        await play(http, rig)
        await source.hears("viewercount", 2)  # the order was looked at since
        assert source.all("inactive") == []


async def test_viewers_are_counted_at_most_once_a_second(http: Http, rig: Rig, player: str) -> None:
    async with events_of(http, player) as source:
        assert await source.hears("viewercount") == {"viewercount": 1}
        for _ in range(5):
            await play(http, rig)
        last = await eventually(
            lambda: source.hears("viewercount"), lambda seen: seen == {"viewercount": 6}, every=0.02
        )
        assert last == {"viewercount": 6}
        assert len(source.all("viewercount")) <= 3  # one of the five may be told at once, the rest together


async def test_a_changed_layer_is_told_without_anybody_announcing_it(
    http: Http, rig: Rig, player: str
) -> None:
    async with events_of(http, player, ["layers"]) as source:
        await source.hears("layers")
        rig.plane.layers = (*LAYERS[:2], replace(LAYERS[2], live=False))
        best, *_ = (await source.hears("layers", 2))["1"]
        assert best == {"rid": "f", "encodingId": "f", "width": 1280, "height": 720}  # inactive: no bitrate


async def test_a_bitrate_that_merely_wavers_is_no_news(http: Http, rig: Rig, player: str) -> None:
    async with events_of(http, player) as source:
        await source.hears("viewercount")
        rig.plane.layers = tuple(replace(x, bitrate=x.bitrate * 11 // 10, fps=x.fps - 1) for x in LAYERS)
        await play(http, rig)
        await source.hears("viewercount", 2)
        rig.plane.layers = tuple(replace(x, bitrate=x.bitrate * 2) for x in LAYERS)
        assert (await source.hears("layers", 2))["1"][0]["bitrate"] == 3_400_000


async def test_draining_asks_players_to_reconnect(http: Http, rig: Rig, player: str) -> None:
    async with events_of(http, player) as source:
        await source.hears("viewercount")
        rig.sessions.drain()
        assert (await source.hears("reconnect"))["retryAfter"] > 0
        await source.hears("viewercount")


async def test_a_stop_says_reconnect_and_then_ends_the_stream(http: Http, rig: Rig, player: str) -> None:
    async with events_of(http, player) as source:
        await source.hears("viewercount")
        await rig.sessions.stop(deadline=2.0)
        await source.ended()
        assert [name for name, _ in source.heard][-1] == "reconnect"


# --- connections -------------------------------------------------------------------------------


async def test_silence_is_broken_by_comments(
    http: Http, player: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whep_extensions, "KEEP_ALIVE", 0.05)
    async with events_of(http, player, ["reconnect"]) as source:

        async def comments() -> int:
            return source.comments

        await eventually(comments, lambda count: count >= 3, every=0.02)
        assert source.heard == []


async def test_a_reconnecting_event_source_takes_over_and_hears_the_state_again(
    http: Http, player: str
) -> None:
    path = await subscribe(http, player)
    async with listening(await http.get(path)) as first:
        await first.hears("viewercount")
        async with listening(await http.get(path)) as second:
            await first.ended()
            await second.hears("viewercount")
            assert second.heard == first.heard


def opened(http: Http, path: str) -> EventStream:
    """The server's side of a stream."""
    return http.app[whep_extensions.EVENTS].find(path.rpartition("/")[2])


async def test_a_reader_that_left_is_forgotten_and_the_stream_stays(
    http: Http, rig: Rig, player: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whep_extensions, "KEEP_ALIVE", 0.05)
    path = await subscribe(http, player)
    before = len(asyncio.all_tasks())
    for _ in range(3):
        async with listening(await http.get(path)) as source:
            await source.hears("viewercount")

    async def reader() -> object:
        return opened(http, path).reader

    await eventually(reader, lambda it: it is None, every=0.02)

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    await eventually(tasks, lambda count: count <= before, every=0.02)
    assert not rig.services.drops


async def test_nothing_is_taken_for_a_reader_with_a_backlog(
    http: Http, rig: Rig, player: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drained = asyncio.Event()
    begun = asyncio.Event()
    limits = []

    async def drain(writer: StreamWriter) -> None:
        limits.append(writer.transport.get_write_buffer_limits()[1])
        begun.set()
        await drained.wait()

    path = await subscribe(http, player, ["layers"])
    monkeypatch.setattr(StreamWriter, "drain", drain)
    async with listening(await http.get(path)) as source:
        await begun.wait()
        reader = opened(http, path).reader
        assert reader is not None
        for count in (1, 2):
            rig.plane.layers = LAYERS[:count]
            rig.plane.announce(ORDER)
            async with asyncio.timeout(5):
                await reader.wake.wait()
            reader.wake.clear()
        reader.wake.set()
        drained.set()
        assert len((await source.hears("layers", 2))["1"]) == 2  # the one in between is never told
        assert limits[0] == whep_extensions.BACKLOG


async def test_a_reader_that_takes_nothing_is_dropped(
    http: Http, rig: Rig, player: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whep_extensions, "WRITE_DEADLINE", 0.2)
    rig.plane.layers = tuple(replace(LAYERS[0], rid=f"{number:060}") for number in range(40_000))
    path = await subscribe(http, player)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, (http.host, http.port))
        await loop.sock_sendall(deaf, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

        async def dropped() -> int:
            return rig.services.drops["event_reader_stuck"]

        assert await eventually(dropped, every=0.02) == 1
        assert (await rest_of(deaf)).count(b'"rid"') < 40_000  # what waited in the server was thrown away


async def rest_of(connection: socket.socket) -> bytes:
    """All that comes before the end of a connection, which must come."""
    received = bytearray()
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while data := await asyncio.get_running_loop().sock_recv(connection, 1 << 20):
                received += data
    return bytes(received)


async def test_the_application_ends_though_somebody_listens(rig: Rig) -> None:
    before = len(asyncio.all_tasks())
    async with serving(rig) as http:
        await publish(http, rig)
        player = (await play(http, rig)).headers["Location"]
        async with events_of(http, player) as source:
            await source.hears("viewercount")
            began = asyncio.get_running_loop().time()
            await http.server.close()  # before the sessions end
            assert asyncio.get_running_loop().time() - began < 4.0  # aiohttp waits for an open request
            await source.ended()
    assert len(asyncio.all_tasks()) <= before


# --- players of the early drafts ---------------------------------------------------------------


async def test_broadcast_boxs_player_opens_the_announced_url_itself(
    http: Http, rig: Rig, player: str
) -> None:
    rig.plane.layers = (*LAYERS[:2], replace(LAYERS[2], live=False))
    async with listening(await http.get(f"{player}/events")) as source:
        layers = (await source.hears("layers"))["1"]
        assert [layer["encodingId"] for layer in layers["layers"]] == ["f", "h", "l"]
        assert [layer["id"] for layer in layers["active"]] == ["h", "l"]
        assert [layer["id"] for layer in layers["inactive"]] == ["f"]
        assert layers["active"][0]["bitrate"] == 500_000


async def test_however_often_it_comes_back_it_has_one_stream(http: Http, player: str) -> None:
    for _ in range(viewer_events.MAX_STREAMS + 2):
        response = await http.get(f"{player}/events")
        assert response.status == 200
        response.close()
    for _ in range(viewer_events.MAX_STREAMS - 1):
        await subscribe(http, player)


# --- the choice of a layer ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        ({"mediaId": "1", "rid": "h"}, ("h", None)),
        ({"mediaId": "1", "encodingId": "h"}, ("h", None)),
        ({"encodingId": "l", "spatialLayerId": 0, "temporalLayerId": 0}, ("l", None)),
        ({"mediaId": 1, "rid": "f", "targetBitrate": 9, "unheard": []}, ("f", None)),
        ({"mediaId": "1", "maxHeight": 400}, (None, 400)),
        ({"maxWidth": 640}, (None, 360)),
        ({"maxWidth": 1_000, "maxHeight": 200}, (None, 200)),
        ({"maxWidth": 100}, (None, 1)),
        ({"maxSpatialLayerId": 2, "maxTemporalLayerId": 1}, (None, None)),
        ({"mediaId": "1", "rid": None}, (None, None)),
        ({"mediaId": "1"}, (None, None)),
        ({}, (None, None)),
    ],
)
async def test_a_layer_is_chosen(
    http: Http, rig: Rig, player: str, wish: object, asked: tuple[str | None, int | None]
) -> None:
    response = await choose(http, player, wish)
    assert response.status == 200, await response.text()
    check_cors(response.headers)
    assert playing(rig).wishes == [asked]


async def test_delete_returns_to_the_gateways_choice(http: Http, rig: Rig, player: str) -> None:
    await choose(http, player, {"rid": "l"})
    assert (await http.delete(f"{player}/layer")).status == 200
    assert playing(rig).wishes == [("l", None), (None, None)]


@pytest.mark.parametrize(
    "wish",
    [
        {"rid": "hd"},
        {"encodingId": "2"},
        {"mediaId": "0", "rid": "h"},
        {"mediaId": "2"},
        {"mediaId": "video"},
        {"rid": "h", "spatialLayerId": 1},
        {"temporalLayerId": 2},
    ],
)
async def test_what_is_not_on_offer_is_422(http: Http, rig: Rig, player: str, wish: object) -> None:
    problem = await check_problem(await choose(http, player, wish), 422)
    assert problem["code"] == "unknown_layer"
    assert problem["detail"]
    assert playing(rig).wishes == []


@pytest.mark.parametrize(
    "wish",
    [
        [],
        "l",
        None,
        {"rid": 7},
        {"rid": "x" * 65},
        {"mediaId": {}},
        {"mediaId": True},
        {"maxHeight": 0},
        {"maxHeight": "720"},
        {"maxHeight": True},
        {"maxWidth": 1e9},
        {"maxWidth": -5},
        {"spatialLayerId": -1},
        {"maxTemporalLayerId": "all"},
    ],
)
async def test_nonsense_is_400(http: Http, rig: Rig, player: str, wish: object) -> None:
    await check_problem(await choose(http, player, wish), 400)
    assert playing(rig).wishes == []


async def test_the_m_line_is_named_by_its_index_or_its_mid(http: Http, rig: Rig, publisher: str) -> None:
    body = PLAY_OFFER.replace("a=mid:1\r\n", "a=mid:picture\r\n").replace("BUNDLE 0 1", "BUNDLE 0 picture")
    player = (await play(http, rig, body)).headers["Location"]
    assert (await choose(http, player, {"mediaId": "picture", "rid": "l"})).status == 200
    assert (await choose(http, player, {"mediaId": "1", "rid": "l"})).status == 200
    await check_problem(await choose(http, player, {"mediaId": "0", "rid": "l"}), 422)
    async with events_of(http, player, ["layers"]) as source:
        assert list(await source.hears("layers")) == ["1"]


async def test_while_nobody_publishes_only_rids_are_refused(
    http: Http, rig: Rig, publisher: str, player: str
) -> None:
    viewer = playing(rig)
    await http.delete(publisher)
    response = await choose(http, player, {"rid": "l"})
    assert (await check_problem(response, 409))["code"] == "not_live"
    assert int(response.headers["Retry-After"]) >= 1
    assert (await choose(http, player, {"maxHeight": 400})).status == 200
    assert viewer.wishes == [(None, 400)]


# --- who may -----------------------------------------------------------------------------------


async def test_a_token_that_is_sent_has_to_fit(http: Http, rig: Rig, player: str) -> None:
    stream = await subscribe(http, player)
    owner = rig.bearer(Scope.WATCH, subject="customer")
    for headers, status in (
        (rig.bearer(Scope.WATCH, subject="somebody else"), 403),
        ({"Authorization": "Bearer nonsense"}, 401),
    ):
        await check_problem(await http.post(f"{player}/events", json=["active"], headers=headers), status)
        await check_problem(await http.get(f"{player}/events", headers=headers), status)
        await check_problem(await http.get(stream, headers=headers), status)
        await check_problem(await http.delete(stream, headers=headers), status)
        await check_problem(await choose(http, player, {}, **headers), status)
        await check_problem(await http.delete(f"{player}/layer", headers=headers), status)
    assert (await choose(http, player, {}, **owner)).status == 200
    assert (await http.delete(stream, headers=owner)).status == 200


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_urls_that_nobody_was_given_are_404(http: Http, player: str, method: str) -> None:
    for path in ("/sessions/nobody/events", "/sessions/nobody/layer", "/sessions/events/nobody"):
        response = await http.request(method, path, **({"json": ["active"]} if method == "POST" else {}))
        assert response.status in (404, 405)
    assert (await http.request(method, "/sessions/nobody/events")).status in (404, 405)


async def test_too_many_requests_are_429(http: Http, player: str) -> None:
    async def delete() -> int:
        return (await http.delete(f"{player}/layer")).status

    statuses: list[Any] = [await delete() for _ in range(80)]
    assert 429 in statuses
    response = await choose(http, player, {})
    await check_problem(response, 429)
    assert int(response.headers["Retry-After"]) >= 1
