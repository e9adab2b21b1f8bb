"""A viewer goes to another camera inside the running session, before Chromium's eyes."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.frame import PictureType

from gateway.access.grants import Grant, Scope
from gateway.access.records import NewOrder
from gateway.api import Services
from gateway.app import Gateway
from gateway.client.packetize import packetize_h264
from gateway.config import Settings
from gateway.demo.encoders import SoundEncoder
from gateway.signalling.revocation import RevocationWatcher
from gateway.signalling.sessions import SessionRegistry
from gateway.transport.media_plane import UdpMediaPlane
from tests.browser.recorded_camera import FPS, Recording, recorded_camera
from tests.components import real_component
from tests.gateway_server import free_port, media_settings
from tests.peers.browser_player import Diary, Player, play
from tests.peers.chromium import EXECUTABLE, chromium
from tests.waiting import eventually

WIDTH, HEIGHT = 640, 360
BLUE, RED = (41, 240, 110), (81, 90, 240)
"""Y, Cb, Cr; the one has no red in it, the other nothing else, which is the bit that the player reads."""
GROUP = 2.0
"""Seconds between the keyframes of a camera that gives none for the asking."""
FIRST_PICTURE = 0.5
"""Seconds within which the other camera must be seen..."""
CAUGHT_UP = 1.0
"""...and where up to a whole group is decoded first, which a busy machine does slowly."""


class House(Gateway):
    """A gateway inside this process, so that a test can choose cameras as the pages' events do."""

    services: Services

    def _compose(
        self, media: UdpMediaPlane, sessions: SessionRegistry, revocation: RevocationWatcher
    ) -> Services:
        self.services = super()._compose(media, sessions, revocation)
        return self.services

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.http_port}"

    def token(self, order_id: str, scope: Scope) -> str:
        return self.access.tokens.issue(subject=scope.value, scopes=[scope], ttl=900, order_id=order_id).token

    def grant(self, order_id: str) -> Grant:
        """What the viewer's token allows."""
        return self.access.tokens.verify(self.token(order_id, Scope.WATCH))


@pytest.fixture
async def house(tmp_path: Path, foreign_page: str) -> AsyncIterator[House]:
    real_component("Chromium", EXECUTABLE)
    settings = {
        **media_settings(),
        "http_port": free_port(socket.SOCK_STREAM),
        "media_port": free_port(socket.SOCK_DGRAM),
        "data_dir": tmp_path,
        "allowed_origins": foreign_page,
    }
    gateway = House(Settings.model_validate(settings))
    await gateway.start()
    yield gateway
    await gateway.stop()


def coloured(colour: tuple[int, int, int]) -> Recording:
    """A group of pictures of one colour, and a second of sound."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.framerate, context.bit_rate = Fraction(FPS), 300_000
    context.gop_size, context.max_b_frames, context.thread_count = round(GROUP * FPS), 0, 1
    context.profile = "Baseline"
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0"}
    pictures = []
    for number in range(round(GROUP * FPS)):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane, value in zip(frame.planes, colour, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.pict_type = number, PictureType.NONE
        pictures.append(packetize_h264(b"".join(bytes(packet) for packet in context.encode(frame))))
    sound = SoundEncoder(32_000)
    return Recording({"h": [pictures]}, [sound.encode(block) for block in range(50)])


async def other_seen(player: Player, since: float, red: int) -> tuple[float, Diary] | None:
    """When the first picture of a colour came to the screen after an instant."""
    diary = await player.diary()
    at = next((at for at, seen in diary.shown if at > since and seen == red), None)
    return (at, diary) if at is not None else None


@pytest.mark.parametrize("obeys", [True, False], ids=["keyframes-on-demand", "keyframes-every-2-s"])
async def test_the_other_camera_is_seen_within_half_a_second(
    house: House, foreign_page: str, obeys: bool
) -> None:
    order = (await house.access.orders.create(NewOrder(title="Phone"))).id
    publish = house.token(order, Scope.PUBLISH)
    url = f"{house.url}/whip/{order}"
    async with (
        recorded_camera(coloured(BLUE), url, publish, obeys=obeys),
        recorded_camera(coloured(RED), f"{url}/microscope", publish, obeys=obeys),
        chromium() as browser,
    ):
        page = await browser.new_page()
        await page.goto(foreign_page)
        watch = house.token(order, Scope.WATCH)
        player = await play(page, f"{house.url}/whep/{order}", watch, number_bits=1)
        await eventually(lambda: other_seen(player, 0.0, 0), deadline=20)
        await asyncio.sleep(2.0)
        (session,) = [
            x for x in house.services.sessions.sessions() if x.camera == "main" and x.kind == "whep"
        ]
        began, took = time.time(), []
        for turn in range(6):
            camera, red = ("microscope", 1) if turn % 2 == 0 else ("main", 0)
            asked = time.time()
            house.services.resource.select_camera(session.session_id, house.grant(order), camera)
            seen = await eventually(
                lambda asked=asked, red=red: other_seen(player, asked, red), deadline=5, every=0.05
            )
            assert seen is not None
            took.append(round(1000 * (seen[0] - asked)))
            await asyncio.sleep(0.7)
            last = (await player.diary()).shown[-1]
            assert last[1] == red, "no going back"
            assert session in house.services.sessions.sessions(), "the same session"
        diary = await player.diary()
    print(f"\nms to the other camera: {took}; {diary.story()}")
    assert max(took) <= 1000 * (FIRST_PICTURE if obeys else CAUGHT_UP), took
    assert diary.connection == "connected"
    assert diary.longest_stall(began) <= FIRST_PICTURE, diary.story()
