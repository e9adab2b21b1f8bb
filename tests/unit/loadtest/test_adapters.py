"""Adapters against servers that answer as theirs do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from gateway.client.errors import ClientError, Refused
from loadtest import adapters
from loadtest.messages import Endpoint


@asynccontextmanager
async def serving(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[tuple[str, list[str], aiohttp.ClientSession]]:
    """A server that answers everything so; its URL, what it was asked, and a client."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.raw_path} {request.headers.get('Authorization', '-')}")
        return await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked, http
    finally:
        await runner.cleanup()


async def created(request: web.Request) -> web.Response:
    location = {"Location": "../resource?token=abc"}
    return web.Response(status=201 if request.method == "POST" else 200, text="v=0", headers=location)


async def test_a_session_is_opened_and_closed_once() -> None:
    async with serving(created) as (url, asked, http):
        endpoint = adapters.find("whip").endpoint(url + "/", "an order", "main", "secret-p", "secret-w")
        for kind in ("publish", "watch", "talk"):
            answer, close = await adapters.open(kind, endpoint, "offer", http)  # type: ignore[arg-type]
            assert answer == "v=0"
            await close()
            await close()
    assert asked == [
        "POST /whip/an%20order/main Bearer secret-p",
        "DELETE /whip/resource?token=abc Bearer secret-p",
        "POST /whep/an%20order/main Bearer secret-w",
        "DELETE /whep/resource?token=abc Bearer secret-w",
        "POST /whip/an%20order/talk Bearer secret-w",
        "DELETE /whip/resource?token=abc Bearer secret-w",
    ]


@pytest.mark.parametrize(
    ("name", "whip", "whep", "talk"),
    [
        ("whip", "/whip/o/main", "/whep/o/main", "/whip/o/talk"),
        (
            "srs",
            "/rtc/v1/whip/?app=live&stream=o-main&secret=p%26",
            "/rtc/v1/whep/?app=live&stream=o-main&token=w",
            "",
        ),
        ("mediamtx", "/o/main/whip", "/o/main/whep", ""),
        ("livekit", "/whip/v1", "", ""),
    ],
)
def test_paths_of_servers(name: str, whip: str, whep: str, talk: str) -> None:
    endpoint = adapters.find(name).endpoint("http://x", "o", "main", "p&", "w")
    full = (f"http://x{path}" if path else "" for path in (whip, whep, talk))
    assert (endpoint.whip, endpoint.whep, endpoint.talk) == tuple(full)
    assert endpoint.adapter == name


async def test_a_server_whose_tokens_are_in_the_query_gets_no_header() -> None:
    async with serving(created) as (url, asked, http):
        endpoint = adapters.find("srs").endpoint(url, "o", "main", "p", "w")
        await adapters.open("watch", endpoint, "offer", http)
    assert asked == ["POST /rtc/v1/whep/?app=live&stream=o-main&token=w -"]


async def test_a_refusal_has_its_status_and_no_token() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=503, text="draining " * 1000)

    async with serving(refuse) as (url, _, http):
        endpoint = adapters.find("whip").endpoint(url, "o", "main", "secret-p", "secret-w")
        with pytest.raises(Refused) as caught:
            await adapters.open("watch", endpoint, "offer", http)
    assert caught.value.status == 503
    assert "draining" in str(caught.value)
    assert len(str(caught.value)) < 300
    assert "secret" not in repr(endpoint)


async def test_what_cannot_be_used_is_an_error_with_a_name() -> None:
    async def nowhere(_: web.Request) -> web.Response:
        return web.Response(status=201, text="v=0")

    async with serving(nowhere) as (url, _, http):
        endpoint = adapters.find("whip").endpoint(url, "o", "main", "p", "w")
        with pytest.raises(ClientError, match="no Location"):
            await adapters.open("watch", endpoint, "offer", http)
        no_whep = adapters.find("livekit").endpoint(url, "o", "main", "p", "w")
        with pytest.raises(ClientError, match="'livekit' has nothing to watch"):
            await adapters.open("watch", no_whep, "offer", http)
    async with aiohttp.ClientSession() as http:
        with pytest.raises(ClientError, match="no answer from the server"):
            await adapters.open(
                "watch", Endpoint("http://127.0.0.1:1", "http://127.0.0.1:1", "", ""), "", http
            )
    with pytest.raises(ClientError, match="no adapter 'janos'"):
        adapters.find("janos")


async def test_a_server_that_is_gone_is_closed_all_the_same() -> None:
    async with aiohttp.ClientSession() as http:
        async with serving(created) as (url, _, _):
            endpoint = adapters.find("whip").endpoint(url, "o", "main", "p", "w")
            _, close = await adapters.open("watch", endpoint, "offer", http)
        await close()
