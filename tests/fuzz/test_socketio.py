"""Socket.IO by those who do not speak it, speak too much, or have no token."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

from gateway.access.grants import Scope
from tests.fuzz.stage import scrape, stage
from tests.gateway_server import GatewayServer

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
BODIES = (
    b"", b"4", b"40", b"40/live,", b"40/nope,", b'40/live,{"token":1}', b'40/live,{"token":"x"}',
    b"40/live,[[[[", b'42["x"', b'45999-["x"]', b'451-/live,["watch",{"_placeholder":true,"num":0}]',
    b"9", b"\xff\xfe", b"4" * 15_000, b"4\x1e" * 8_000, b"40/live," + b"[" * 10_000,
    b"43/live,1[]", b"44", b"41/live,",
)  # fmt: skip
MESSAGES = (
    '42/live,["watch",[1,2]]', '421/live,["watch",{}]', '42/live,["nope"]', "42/live,[]", "42/live,{}",
    "42/live,[1]",
    '42/live,["connect"]', '42/live,["disconnect"]',
    '422/live,["session:close",{"sessionId":5}]',
    '451-/live,["watch",{"_placeholder":true,"num":0}]', *['42/live,["watch",{}]'] * 100,
)  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:16].decode(errors="replace"))
async def test_broken_packets_before_a_login(gateway: GatewayServer, body: bytes) -> None:
    async with aiohttp.ClientSession(gateway.url) as http:
        async with http.get(HANDSHAKE) as response:
            assert response.status == 200
            sid = json.loads((await response.read())[1:])["sid"]
        async with http.post(f"{HANDSHAKE}&sid={sid}", data=body) as response:
            assert response.status in {200, 400}
        async with http.post(f"{HANDSHAKE}&sid={sid}", data=bytes(100_000)) as response:
            assert response.status == 413


async def test_a_listener_who_talks_nonsense(gateway: GatewayServer, order: str) -> None:
    async with stage(gateway, order) as on_air:
        before = await on_air.metrics()
        url = f"{gateway.url}/socket.io/?EIO=4&transport=websocket"
        async with on_air.http.ws_connect(url) as socket:
            await socket.send_str("40/live," + json.dumps({"token": gateway.watch_token(order)}))
            for message in MESSAGES:
                await socket.send_str(message)
            await socket.send_bytes(b"\x00\x01")
            await on_air.check_unharmed()
            await socket.send_str("4" + "x" * 100_000)
            async with asyncio.timeout(2):
                async for _ in socket:
                    pass
            assert socket.close_code in {1000, 1006, 1009}
        after = await on_air.metrics()
        assert sum(after.drops.values()) > sum(before.drops.values())


async def test_a_listener_cannot_slip_away_from_his_tokens_end(gateway: GatewayServer, order: str) -> None:
    """Events named like the library's own must not make the gateway forget who listens, and until when."""
    url = f"{gateway.url}/socket.io/?EIO=4&transport=websocket"
    token = gateway.token(order, Scope.WATCH, ttl=3)
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        await socket.send_str("40/live," + json.dumps({"token": token}))
        for event in ("disconnect", "connect"):
            for arguments in ([], ["x"], [{}, {"token": token}], [1, 2, 3, 4]):
                await socket.send_str("42/live," + json.dumps([event, *arguments]))
        heard = []
        async with asyncio.timeout(6):
            while "41/live," not in heard:
                heard.append((await socket.receive()).data)
        assert any("session:closed" in str(text) and "expired" in str(text) for text in heard)
        assert (await scrape(http, gateway.url)).drops["live_reserved_event"] >= 8


async def test_handshakes_without_end_are_refused(gateway: GatewayServer) -> None:
    async with aiohttp.ClientSession(gateway.url) as http:
        before, began = await scrape(http, gateway.url), time.monotonic()
        statuses = []
        for _ in range(400):
            async with http.get(HANDSHAKE) as response:
                statuses.append(response.status)
        assert set(statuses) == {200, 429}
        after = await scrape(http, gateway.url)
        # 200 at once and 20 a second are let in.
        admitted = 200 + 20 * (time.monotonic() - began)
        assert after["gateway_tasks"] - before["gateway_tasks"] < admitted + 20
