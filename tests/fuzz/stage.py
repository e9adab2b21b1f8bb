"""What is attacked: a real gateway with a technician on the air and customers who count what they get."""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from gateway.client.errors import Refused
from gateway.client.offer import OPUS, VP8
from gateway.client.packetize import packetize_vp8
from gateway.client.player import Player, PlayRequest
from gateway.client.publisher import Publisher, PublishRequest
from gateway.protocol.description import Address
from gateway.protocol.rtp import RtpPacket
from tests.gateway_server import GatewayServer
from tests.waiting import eventually

FPS = 25
FRAME = 8_000
_STAMP = struct.Struct("!QQd")
# RFC 6386 section 9.1: frame tag (key, shown), start code, 1280 x 720.
_KEY_HEADER = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 1_280, 720)
_DELTA_HEADER = b"\x11\x00\x00"


@dataclass
class Metrics:
    """One scrape of /metrics."""

    values: dict[str, float]
    drops: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.values[name]


async def scrape(http: aiohttp.ClientSession, url: str) -> Metrics:
    async with http.get(f"{url}/metrics") as response:
        assert response.status == 200
        families = text_string_to_metric_families(await response.text())
    values: dict[str, float] = {}
    drops: dict[str, float] = {}
    for family in families:
        for sample in family.samples:
            if sample.name == "gateway_drops_total":
                drops[sample.labels["reason"]] = sample.value
            elif not sample.labels:
                values[sample.name] = sample.value
    return Metrics(values, drops)


class Camera:
    """A technician: frames of VP8's shape, each packet with its number and the time it left."""

    def __init__(self, url: str, token: str, http: aiohttp.ClientSession) -> None:
        self.publisher = Publisher(
            PublishRequest(url, token, video=VP8, audio=OPUS), http, self._owe_keyframe
        )
        self.sent = 0
        self._keyframe_due = True
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self.publisher.open()
        self._task = asyncio.create_task(self._send())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self.publisher.close()

    def _owe_keyframe(self, _rid: str | None) -> None:
        self._keyframe_due = True

    async def _send(self) -> None:
        begin, number = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, begin + number / FPS - time.monotonic()))
            header = _KEY_HEADER if self._keyframe_due or number % 50 == 0 else _DELTA_HEADER
            self._keyframe_due = False
            payloads = packetize_vp8(header + bytes(FRAME), number)
            captured = time.time()
            for payload in payloads:
                stamp = _STAMP.pack(0xC0FFEE, self.sent, time.monotonic())
                stamped = (payload[: -_STAMP.size] + stamp,)
                self.publisher.send_video(None, stamped, captured, last=payload is payloads[-1])
                self.sent += 1
            self.publisher.send_audio(bytes(80), captured)
            number += 1


class Viewer:
    """A customer: which of the camera's packets came, in which order, and how late."""

    def __init__(self, url: str, token: str, http: aiohttp.ClientSession) -> None:
        self.player = Player(PlayRequest(url, token), http, self._on_rtp)
        self.numbers: list[int] = []
        self.latencies: list[float] = []

    async def open(self) -> None:
        """Come in as soon as the camera is live, and wait for the first picture."""
        await eventually(self._admitted, every=0.02)
        await eventually(self._count, every=0.02)

    async def _admitted(self) -> bool:
        try:
            await self.player.open()
        except Refused as refusal:
            assert refusal.status == 409, refusal
            return False
        return True

    async def _count(self) -> int:
        return len(self.numbers)

    def _on_rtp(self, packet: RtpPacket, arrived: float) -> None:
        if len(packet.payload) < _STAMP.size:
            return
        mark, number, left = _STAMP.unpack_from(packet.payload, len(packet.payload) - _STAMP.size)
        if mark == 0xC0FFEE:
            self.numbers.append(number)
            self.latencies.append(time.monotonic() - left)

    async def complete(self) -> bool:
        """Whether everything from the first packet on has come, once each; mended in time counts."""
        return sorted(self.numbers) == list(range(min(self.numbers), max(self.numbers) + 1))


@dataclass
class Stage:
    """A running stream and the means to look at it and at the gateway."""

    gateway: GatewayServer
    order: str
    name: str
    http: aiohttp.ClientSession
    camera: Camera
    viewers: list[Viewer] = field(default_factory=list)

    @property
    def whep(self) -> str:
        return f"{self.gateway.url}/whep/{self.order}/{self.name}"

    @property
    def whip(self) -> str:
        return f"{self.gateway.url}/whip/{self.order}/{self.name}"

    @property
    def media(self) -> Address:
        """Where the gateway takes media."""
        address = self.camera.publisher.session.connection.address
        assert address is not None
        return address

    async def metrics(self) -> Metrics:
        return await scrape(self.http, self.gateway.url)

    def viewer(self) -> Viewer:
        return Viewer(self.whep, self.gateway.watch_token(self.order), self.http)

    async def check_unharmed(self) -> None:
        """Everybody goes on to get everything."""
        seen = [len(viewer.numbers) for viewer in self.viewers]

        async def all_go_on() -> bool:
            return all(len(v.numbers) > n + 20 for v, n in zip(self.viewers, seen, strict=True))

        await eventually(all_go_on, every=0.02)
        for viewer in self.viewers:
            await eventually(viewer.complete, deadline=3, every=0.02)
        assert not self.camera.publisher.closed.done()


@asynccontextmanager
async def stage(gateway: GatewayServer, order: str, viewers: int = 2) -> AsyncIterator[Stage]:
    """A camera on the air and some who watch it."""
    name = f"camera-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        camera = Camera(f"{gateway.url}/whip/{order}/{name}", gateway.publish_token(order), http)
        stack.push_async_callback(camera.close)
        await camera.open()
        on_air = Stage(gateway, order, name, http, camera)
        for _ in range(viewers):
            viewer = on_air.viewer()
            stack.push_async_callback(viewer.player.close)
            await viewer.open()
            on_air.viewers.append(viewer)
        yield on_air
