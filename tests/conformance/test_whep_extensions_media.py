"""WHEP's extensions with media: a simulcast arrives, its layers are told, the one asked for is what comes."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from gateway.client.offer import VP8
from gateway.client.packetize import packetize_vp8
from gateway.client.player import Player, PlayRequest
from gateway.client.publisher import Publisher, PublishRequest
from gateway.protocol.codecs import vp8
from gateway.protocol.rtp import RtpPacket
from tests.event_source import EventSource, listening
from tests.gateway_server import GatewayServer
from tests.waiting import eventually

LAYERS = {"l": (320, 180, 400), "h": (640, 360, 1_600)}
"""Width, height, bytes of a frame."""
FPS = 25


class Camera:
    """Publishes two layers of what looks like VP8 to whoever does not decode it."""

    def __init__(self, gateway: GatewayServer, order: str, http: aiohttp.ClientSession) -> None:
        request = PublishRequest(
            f"{gateway.url}/whip/{order}", gateway.publish_token(order), VP8, None, tuple(LAYERS)
        )
        self.publisher = Publisher(request, http, lambda rid: self._due.add(rid or ""))
        self._due = set(LAYERS)

    async def film(self) -> None:
        """Send until cancelled."""
        number = 0
        while True:
            for rid, (width, height, size) in LAYERS.items():
                keyframe = rid in self._due
                start = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
                frame = (start if keyframe else b"\x01").ljust(size, b"\x55")
                self.publisher.send_video(rid, packetize_vp8(frame, number), time.time())
            self._due.clear()
            number += 1
            await asyncio.sleep(1 / FPS)


@asynccontextmanager
async def broadcast(gateway: GatewayServer, order: str, http: aiohttp.ClientSession) -> AsyncIterator[None]:
    camera = Camera(gateway, order, http)
    await camera.publisher.open()
    filming = asyncio.create_task(camera.film())
    url = f"{gateway.url}/api/live-stream/url?orderId={order}"
    headers = {"Authorization": f"Bearer {gateway.watch_token(order)}"}

    async def live() -> bool:
        async with http.get(url, headers=headers) as response:
            return bool((await response.json())["live"])

    try:
        await eventually(live)
        yield
    finally:
        filming.cancel()
        await asyncio.wait((filming,))
        await camera.publisher.close()


class Screen:
    """What a player shows: the size of the last keyframe."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None

    def take(self, packet: RtpPacket, _: float) -> None:
        size = vp8.resolution(packet.payload)
        if size is not None:
            self.size = size

    async def shows(self, width: int, height: int) -> None:
        async def size() -> tuple[int, int] | None:
            return self.size

        await eventually(size, lambda seen: seen == (width, height), every=0.02)


def watching(gateway: GatewayServer, order: str) -> PlayRequest:
    return PlayRequest(f"{gateway.url}/whep/{order}", gateway.watch_token(order))


async def post(http: aiohttp.ClientSession, url: str, body: Any) -> aiohttp.ClientResponse:
    async with http.post(url, json=body) as response:
        assert response.status in (200, 201), await response.text()
        return response


async def layers(source: EventSource) -> dict[str, Any]:
    """The layers by rid, once both are told to be active."""

    async def active() -> list[dict[str, Any]]:
        (told,) = (await source.hears("layers")).values()
        return [layer for layer in told if layer.get("bitrate")]

    return {
        layer["rid"]: layer for layer in await eventually(active, lambda found: len(found) == len(LAYERS))
    }


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_layer_that_was_asked_for_is_what_comes(
    gateway: GatewayServer, order: str, http: aiohttp.ClientSession
) -> None:
    screen = Screen()
    player = Player(watching(gateway, order), http, screen.take)
    async with broadcast(gateway, order, http):
        await player.open()
        assert player.session.resource is not None
        session = str(player.session.resource.url)
        created = await post(http, f"{session}/events", ["active", "inactive", "layers", "viewercount"])
        stream = await http.get(gateway.url + created.headers["Location"])
        async with listening(stream) as source:
            told = await layers(source)
            for rid, (width, height, size) in LAYERS.items():
                assert (told[rid]["width"], told[rid]["height"]) == (width, height)
                assert told[rid]["bitrate"] == pytest.approx(size * 8 * FPS, rel=0.5)
            assert source.heard[0] == ("active", {})
            assert await source.hears("viewercount") == {"viewercount": 1}

            await post(http, f"{session}/layer", {"mediaId": "1", "rid": "l"})
            await screen.shows(320, 180)
            await post(http, f"{session}/layer", {"mediaId": "1", "encodingId": "h"})
            await screen.shows(640, 360)
            await post(http, f"{session}/layer", {"maxWidth": 400})
            await screen.shows(320, 180)
            async with http.delete(f"{session}/layer") as response:
                assert response.status == 200
            await screen.shows(640, 360)

            await player.close()
            await source.ended()


async def test_a_broadcast_that_ends_and_the_next_one_are_told(
    gateway: GatewayServer, order: str, http: aiohttp.ClientSession
) -> None:
    player = Player(watching(gateway, order), http)
    async with broadcast(gateway, order, http):
        await player.open()
        assert player.session.resource is not None
        source = EventSource(await http.get(f"{player.session.resource.url}/events"))
        await source.hears("active")
    assert await source.hears("inactive") == {}
    async with broadcast(gateway, order, http):
        await source.hears("active", 2)
        await player.close()
        await source.ended()
    await source.close()
