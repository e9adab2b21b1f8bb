"""Sessions that are opened and then left in every possible state: each ends by itself, none stays."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp

from gateway.client.offer import play_offer
from gateway.client.player import Player, PlayRequest
from gateway.client.session import process_certificate
from gateway.protocol.ice import new_ice_credentials
from tests.fuzz.stage import Stage, scrape, stage
from tests.gateway_server import GatewayServer
from tests.signalling_rig import OFFERS, SDP
from tests.waiting import eventually

ENDS_WITHIN = 15.0 + 3.0
"""Seconds that ICE, DTLS and consent each have, and a margin."""


def fall_silent(player: Player) -> None:
    """Nothing leaves this player any more once ICE is done; it does not know."""
    session = player.session
    drain = session._drain

    def halted() -> None:
        if session._connection is None or session._connection.address is None:
            drain()

    session._drain = halted  # type: ignore[method-assign]
    session.send_rtcp = lambda packet: True  # type: ignore[method-assign]


async def post(http: aiohttp.ClientSession, url: str, token: str, offer: str) -> str:
    """Open a session and do nothing with it; its URL."""
    headers = {"Authorization": f"Bearer {token}", **SDP}
    async with http.post(url, data=(OFFERS / f"{offer}.sdp").read_bytes(), headers=headers) as response:
        assert response.status == 201
        return response.headers["Location"]


@contextlib.asynccontextmanager
async def half_open(on_air: Stage) -> AsyncIterator[list[str]]:
    """Ten viewers and a publisher stop after the POST, five viewers after ICE, five while they play."""
    gateway, silent = on_air.gateway, list[Player]()
    token = gateway.watch_token(on_air.order, subject="half")
    async with aiohttp.ClientSession() as http:
        urls = [await post(http, on_air.whep, token, "chromium-156-play") for _ in range(10)]
        publish_token = gateway.publish_token(on_air.order)
        urls.append(await post(http, on_air.whip + "-half", publish_token, "chromium-156-publish-vp8"))
        for place in range(10):
            player = Player(PlayRequest(on_air.whep, token), http)
            silent.append(player)
            if place < 5:
                fall_silent(player)
            else:
                await player.open()
                fall_silent(player)
        tasks = [asyncio.create_task(player.open()) for player in silent[:5]]
        yield urls
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for player in silent:
            player.session.resource = None  # nobody says goodbye for it
            await player.close()


async def test_sessions_that_are_left_end_by_themselves(gateway: GatewayServer, order: str) -> None:
    async with stage(gateway, order) as on_air:
        before = await on_air.metrics()
        async with half_open(on_air) as urls:

            async def opened() -> bool:
                return (await on_air.metrics())["gateway_sessions"] == before["gateway_sessions"] + 21

            await eventually(opened, every=0.02)

            async def gone() -> bool:
                return (await on_air.metrics())["gateway_sessions"] == before["gateway_sessions"]

            await eventually(gone, deadline=ENDS_WITHIN, every=0.25)
            for url in urls:
                async with on_air.http.get(gateway.url + url) as response:
                    assert response.status == 404
        await on_air.check_unharmed()

        async def all_tasks_gone() -> bool:
            return (await on_air.metrics())["gateway_tasks"] <= before["gateway_tasks"]

        await eventually(all_tasks_gone)
        reasons = gateway.log.read_text()
        assert "reason=ice_timeout" in reasons
        assert "reason=dtls_timeout" in reasons
        assert "reason=consent_lost" in reasons


async def test_a_flood_of_offers_meets_the_limit_and_leaves_nothing(
    gateway: GatewayServer, order: str
) -> None:
    token = gateway.watch_token(order)
    headers = {"Authorization": f"Bearer {token}", **SDP}
    offer = play_offer(ice=new_ice_credentials(), fingerprint=process_certificate().fingerprint).text.encode()
    async with stage(gateway, order) as on_air:
        before = await on_air.metrics()
        locations: list[str] = []
        statuses: list[int] = []

        async def ask(http: aiohttp.ClientSession) -> None:
            async with http.post(on_air.whep, data=offer, headers=headers) as response:
                statuses.append(response.status)
                if response.status == 201:
                    locations.append(response.headers["Location"])

        async with aiohttp.ClientSession(gateway.url, connector=aiohttp.TCPConnector(limit=32)) as http:
            await asyncio.gather(*(ask(http) for _ in range(600)))
            assert set(statuses) == {201, 429}
            await on_air.check_unharmed()
            for location in locations:
                async with http.delete(location) as response:
                    assert response.status in {200, 429}
                if response.status == 429:
                    await asyncio.sleep(0.02)
                    async with http.delete(location) as response:
                        assert response.status == 200

        async def back() -> bool:
            now = await scrape(on_air.http, gateway.url)
            return all(now[name] <= before[name] for name in ("gateway_sessions", "gateway_tasks"))

        await eventually(back)
