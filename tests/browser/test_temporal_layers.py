"""What real decoders make of frames left out and of picture numbers carried from layer to layer."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.access.grants import Scope
from gateway.access.records import NewOrder
from gateway.app import Gateway
from gateway.clock import SystemClock
from gateway.config import Settings
from gateway.protocol.description import MediaKind
from gateway.sfu.sublayer import ALL
from gateway.sfu.subscriber import Subscriber
from gateway.transport.media_plane import UdpMediaPlane
from tests.components import real_component
from tests.gateway_server import ROOT, free_port, media_settings
from tests.peers.browser_media import BrowserPeer, Statistics
from tests.peers.chromium import EXECUTABLE, chromium
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _chromium() -> None:
    real_component("Chromium", EXECUTABLE)


class House(Gateway):
    """A gateway inside this process, so that a test can ask for what no client can."""

    plane: UdpMediaPlane

    def _open_media(self) -> UdpMediaPlane:
        self.plane = super()._open_media()
        return self.plane

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.http_port}"

    async def order(self) -> str:
        return (await self.access.orders.create(NewOrder(title="Phone"))).id

    def token(self, order_id: str, scope: Scope) -> str:
        return self.access.tokens.issue(subject=scope.value, scopes=[scope], ttl=900, order_id=order_id).token

    def viewer(self) -> Subscriber:
        """The only one."""
        rooms = self.plane.rooms.all()
        (viewer,) = [s for room in rooms for camera in room.cameras.values() for s in camera.subscribers]
        return viewer

    def prefer(self, rid: str) -> None:
        """Send the viewer to a layer, by hand."""
        self.viewer().prefer(rid, None, SystemClock().monotonic())


@pytest.fixture
async def house(tmp_path: Path, foreign_page: str) -> AsyncIterator[House]:
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


async def frame_rate(peer: BrowserPeer, seconds: float = 3.0) -> float:
    """Frames decoded a second from now on."""
    before, start = (await peer.statistics()).frames, time.monotonic()
    await asyncio.sleep(seconds)
    return ((await peer.statistics()).frames - before) / (time.monotonic() - start)


@pytest.mark.parametrize(
    ("codec", "described"),
    [("vp8", True), ("vp8", False), ("vp9", False), ("av1", True), ("h264", True)],
    ids=["vp8-descriptor", "vp8-payload", "vp9", "av1", "h264"],
)
async def test_chromium_plays_fewer_frames_and_goes_from_layer_to_layer(
    house: House, foreign_page: str, codec: str, described: bool
) -> None:
    order = await house.order()
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(foreign_page)
        technician, customer = BrowserPeer(page, "technician"), BrowserPeer(page, "customer")
        await technician.publish(
            f"{house.url}/whip/{order}",
            house.token(order, Scope.PUBLISH),
            codec=codec,
            simulcast=True,
            mode="L1T3",
            described=described,
        )
        await eventually(technician.statistics, all_layers_flow, deadline=30)
        await customer.watch(f"{house.url}/whep/{order}", house.token(order, Scope.WATCH))
        await eventually(customer.statistics, lambda seen: seen.width >= 1280, deadline=30)
        (video,) = [x for x in house.viewer().down_tracks if x.kind is MediaKind.VIDEO]
        video.rose_at = math.inf  # nothing but this test raises it
        await eventually(lambda: answer(video.layer and len(video.layer.bitrates) == 3), deadline=10)
        assert video.layer is not None
        assert video.layer.out.numbering is not None
        assert video.layer.out.numbering.described is described

        full = await frame_rate(customer)
        freezes = (await customer.statistics()).freezes
        for top, share in ((0, 0.25), (1, 0.5), (ALL, 1.0)):
            video.thin(top)
            await eventually(
                lambda top=top: answer(video.view and video.view.sublayer.top == top), deadline=10
            )
            assert await frame_rate(customer) == pytest.approx(full * share, rel=0.25)

        for rid, width in (("q", 320), ("f", 1280), ("h", 640)):
            house.prefer(rid)
            await eventually(customer.statistics, lambda seen, width=width: seen.width == width, deadline=10)
            assert await frame_rate(customer, 1.0) > full * 0.6
        assert (await customer.statistics()).freezes <= freezes + 1, (
            "fewer frames look like a freeze at first"
        )


_MODES = """async () => {
  const report = [...(await window.__repairStudio.pc.getStats()).values()];
  return report.filter(s => s.type === "outbound-rtp" && s.kind === "video").map(s => s.scalabilityMode);
}"""


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_the_studio_sends_frames_that_can_be_left_out(
    house: House, foreign_page: str, codec: str
) -> None:
    real_component("built pages", (ROOT / "gateway" / "pages" / "studio.html").exists())
    order = await house.order()
    async with chromium() as browser:
        studio = await browser.new_page()
        settings = json.dumps(json.dumps({"codec": codec}))
        await studio.add_init_script(f"localStorage.setItem('studioSettings', {settings})")
        await studio.goto(f"{house.url}/studio#token={house.token(order, Scope.PUBLISH)}")
        await studio.click("#go-live")
        page = await browser.new_page()
        await page.goto(foreign_page)
        customer = BrowserPeer(page, "customer")
        await customer.watch(f"{house.url}/whep/{order}", house.token(order, Scope.WATCH))
        seen = await eventually(customer.statistics, lambda seen: seen.width >= 1280, deadline=45)
        assert seen.codec == f"video/{codec}"
        assert await studio.evaluate(_MODES) == ["L1T3"] * 3

        (video,) = [x for x in house.viewer().down_tracks if x.kind is MediaKind.VIDEO]
        video.rose_at = math.inf  # nothing but this test raises it
        track = video.source
        assert track is not None
        await eventually(
            lambda: answer([len(layer.bitrates) for layer in track.layers.values()]),
            lambda counts: counts == [3, 3, 3],
        )
        full = await frame_rate(customer)
        video.thin(0)
        await eventually(lambda: answer(video.view and video.view.sublayer.top == 0), deadline=10)
        assert await frame_rate(customer) == pytest.approx(full * 0.25, rel=0.3)


async def answer(value: object) -> object:
    """What `eventually` may wait for, of something that needs no waiting."""
    return value


def all_layers_flow(seen: Statistics) -> bool:
    return {layer.rid for layer in seen.sent if layer.frames > 10} == {"q", "h", "f"}
