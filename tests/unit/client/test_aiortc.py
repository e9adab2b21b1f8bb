"""The client against aiortc: a full ICE agent and another DTLS and SRTP stack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from gateway.client.offer import VP8
from gateway.client.packetize import packetize_vp8
from gateway.client.player import Player, PlayRequest
from gateway.client.publisher import Publisher, PublishRequest


class AiortcServer:
    """Answers every offer with a fresh RTCPeerConnection, which sends its tracks if it is asked to."""

    def __init__(self, *, sends: bool) -> None:
        self.peer = RTCPeerConnection()
        self._sends = sends
        app = web.Application()
        app.router.add_post("/", self._post)
        app.router.add_delete("/session", self._delete)
        self._server = TestServer(app)

    async def __aenter__(self) -> AiortcServer:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.peer.close()
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("/"))

    async def _post(self, request: web.Request) -> web.Response:
        offer = RTCSessionDescription(await request.text(), "offer")
        await self.peer.setRemoteDescription(offer)
        if self._sends:
            self.peer.addTrack(AudioStreamTrack())
            self.peer.addTrack(VideoStreamTrack())
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        answer = self.peer.localDescription.sdp
        return web.Response(status=201, text=answer, headers={"Location": "/session"})

    async def _delete(self, _request: web.Request) -> web.Response:
        return web.Response()


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_player_counts_what_aiortc_sends(http: aiohttp.ClientSession) -> None:
    async with AiortcServer(sends=True) as server:
        enough = asyncio.Event()

        def on_rtp(_packet: object, _arrived: float) -> None:
            if len(player.streams) == 2 and min(stream.packets for stream in player.streams.values()) > 5:
                enough.set()

        player = Player(PlayRequest(server.url, "token"), http, on_rtp)
        await player.open()
        async with asyncio.timeout(20):
            await enough.wait()
        assert {stream.clock_rate for stream in player.streams.values()} == {48_000, 90_000}
        assert {stream.lost for stream in player.streams.values()} == {0}
        await player.close()


async def test_aiortc_receives_what_the_publisher_sends(http: aiohttp.ClientSession) -> None:
    async with AiortcServer(sends=False) as server:
        publisher = Publisher(PublishRequest(server.url, "token", video=VP8), http, lambda _: None)
        await publisher.open()
        for number in range(10):
            publisher.send_video(None, packetize_vp8(bytes(2_000), number), 1_790_000_000.0 + number / 25)
            publisher.send_audio(b"\xf8\xff\xfe", 1_790_000_000.0 + number / 50)
        received: dict[str, int] = {}
        for _ in range(200):
            report = await server.peer.getStats()
            streams = [stats for stats in report.values() if stats.type == "inbound-rtp"]
            received = {stats.kind: stats.packetsReceived for stats in streams}
            if received == {"audio": 10, "video": 20}:
                break
            await asyncio.sleep(0.05)
        assert received == {"audio": 10, "video": 20}
        await publisher.close()
