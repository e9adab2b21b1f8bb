"""A viewer sees other cameras inside the running session, in Chromium: large, small, beside each other."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.frame import PictureType
from playwright.async_api import Page, expect

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
from tests.gateway_server import ROOT, free_port, media_settings
from tests.peers.browser_player import Diary, Player, play
from tests.peers.chromium import EXECUTABLE, chromium
from tests.waiting import eventually

WIDTH, HEIGHT = 640, 360
BLUE, RED = (41, 240, 110), (81, 90, 240)
"""Y, Cb, Cr; the one has no red in it, the other nothing else, which is the bit that the player reads."""
STANDSTILL = 0.5
"""Seconds between two pictures that are no freeze; a busy machine takes some of them."""
SMALL = 90
"""Height of the layer that is good for a thumbnail."""
GROUP = 2.0
"""Seconds between the keyframes of a camera that gives none for the asking."""
FIRST_PICTURE = 0.5
"""Seconds within which the other camera must be seen..."""
CAUGHT_UP = 1.0
"""...and where up to a whole group is decoded first, which a busy machine does slowly."""


SEEN = """video => {
  if (!video.videoWidth) return null;
  const canvas = new OffscreenCanvas(1, 1), context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 1, 1);
  return [context.getImageData(0, 0, 1, 1).data[0] > 127, video.videoHeight];
}"""
"""Whether a picture is red, and its height."""
WATCH = """video => {
  const shown = window.shown = [];
  const show = () => { shown.push(performance.now() / 1000); video.requestVideoFrameCallback(show); };
  video.requestVideoFrameCallback(show);
}"""
LONGEST_GAP = "() => Math.max(...window.shown.slice(1).map((at, place) => at - window.shown[place]))"
"""Seconds between two pictures on the main one, at worst."""


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


def coloured(colour: tuple[int, int, int], *sizes: int) -> Recording:
    """A group of pictures of one colour in each of the heights, if any, and a second of sound."""
    sound = SoundEncoder(32_000)
    layers = {f"h{height}": [_pictures(colour, height)] for height in sizes or (HEIGHT,)}
    return Recording(layers, [sound.encode(block) for block in range(50)])


def _pictures(colour: tuple[int, int, int], height: int) -> list[list[bytes]]:
    width = height * WIDTH // HEIGHT
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.bit_rate = Fraction(FPS), 300_000
    context.gop_size, context.max_b_frames, context.thread_count = round(GROUP * FPS), 0, 1
    context.profile = "Baseline"
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0"}
    pictures = []
    for number in range(round(GROUP * FPS)):
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane, value in zip(frame.planes, colour, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.pict_type = number, PictureType.NONE
        pictures.append(packetize_h264(b"".join(bytes(packet) for packet in context.encode(frame))))
    return pictures


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


async def sees(page: Page, selector: str, red: bool, height: int | None = None) -> None:
    """Wait until a video shows this colour, in this height if one is given."""
    video = page.locator(selector)
    await eventually(
        lambda: video.evaluate(SEEN),
        lambda seen: seen is not None and seen[0] is red and height in (None, seen[1]),
        deadline=20,
    )


async def test_cameras_that_go_live_meanwhile_show_beside_the_main_one_without_another_session(
    house: House,
) -> None:
    real_component("built pages", (ROOT / "gateway" / "pages" / "live-stream.html").exists())
    order = (await house.access.orders.create(NewOrder(title="Phone"))).id
    publish = house.token(order, Scope.PUBLISH)
    url = f"{house.url}/whip/{order}"
    microscope = f"{url}/microscope"
    red = coloured(RED, SMALL, HEIGHT)
    async with recorded_camera(coloured(BLUE), url, publish), chromium() as browser:
        page = await browser.new_page(viewport={"width": 1000, "height": 700})
        await page.goto(f"{house.url}/live-stream?lang=en#token={house.token(order, Scope.WATCH)}")
        main = page.locator("viewer-page .main > video")
        await page.wait_for_function("() => window.__repairLive?.state === 'playing'")
        await sees(page, "viewer-page .main > video", False)
        session = await page.evaluate("() => window.__repairLive.sessionUrl")
        await main.evaluate(WATCH)
        async with recorded_camera(red, microscope, publish):
            await sees(page, "[data-camera=microscope] video", True, SMALL)
            await sees(page, "[data-camera=main] video", False)
            async with AsyncExitStack() as more:
                for name in ("a", "b", "c"):
                    await more.enter_async_context(recorded_camera(coloured(BLUE), f"{url}/{name}", publish))
                await expect(page.locator("[data-camera]")).to_have_count(5)
                await expect(page.locator("camera-strip video")).to_have_count(4)
                await expect(page.locator("camera-strip .plain")).to_have_text("c")
            await expect(page.locator("[data-camera]")).to_have_count(2)
            await page.focus("[data-pin=microscope]")
            await page.keyboard.press("Enter")
            await sees(page, "pinned-camera video", True, HEIGHT)
            await sees(page, "viewer-page .main > video", False)
            await expect(page.locator("pinned-camera #unpin")).to_be_focused()
        await expect(page.locator("pinned-camera .notice")).to_have_text(
            "Microscope is away. The picture comes back here by itself."
        )
        async with recorded_camera(red, microscope, publish):
            await expect(page.locator("pinned-camera .notice")).to_have_count(0)
            await sees(page, "pinned-camera video", True, HEIGHT)
            gap = await page.evaluate(LONGEST_GAP)
            await page.click("pinned-camera #swap")
            await sees(page, "viewer-page .main > video", True)
            await sees(page, "pinned-camera video", False)
            await page.focus("pinned-camera #unpin")
            await page.keyboard.press("Enter")
            await expect(page.locator("pinned-camera")).to_have_count(0)
            await sees(page, "[data-camera=main] video", False)
            await expect(page.locator("[data-pin=main]")).to_be_focused()
        assert await page.evaluate("() => window.__repairLive.sessionUrl") == session
    print(f"\nlongest gap of the main picture while others came and went: {gap:.2f} s")
    assert gap < STANDSTILL
