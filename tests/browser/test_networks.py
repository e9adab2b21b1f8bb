"""Chromium behind bad networks: which layer it plays, and that its picture does not stand still.

The publisher sends 180p, 360p and 720p with 0.15, 0.6 and 2 Mbit/s; the viewer is a plain WHEP player in a
network namespace whose only way out is 20 ms long each way and as narrow and lossy as the test makes it.
`frameHeight` tells the layer; a stall is time in which the real decoder decoded nothing.
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway.demo.encoders import Layer
from tests.browser.recorded_camera import Recording, record, recorded_camera
from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.peers import network
from tests.peers.browser_player import Diary, Player, play
from tests.peers.chromium import EXECUTABLE, chromium
from tests.peers.network import Conditions, Link, Namespace

LAYERS = (Layer("l", 320, 180, 150_000), Layer("m", 640, 360, 600_000), Layer("h", 1280, 720, 2_000_000))
GOOD, POOR = Conditions(rate=3e6), Conditions(rate=500e3)
FREEZE = 1.0
"""Seconds without a new picture that nobody should see."""
FALL = 2.5
"""Seconds from a link's collapse to the first picture of a layer that it carries."""
RISE = 22.0
"""Seconds after which a link that is good again has the best layer, and has had it for two."""
MOVE = 3.5
"""Seconds without a picture that a new address may cost: Chromium checks a steady path every 2.5 s."""


@pytest.fixture(autouse=True)
def _chromium() -> None:
    real_component("Chromium", EXECUTABLE)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record(LAYERS, group_seconds=2.0)


@pytest.fixture(scope="module")
def gateway(distant_gateway: GatewayServer) -> GatewayServer:
    return distant_gateway


@dataclass(frozen=True)
class Scene:
    """A viewer who plays, and its way to the gateway."""

    gateway: GatewayServer
    namespace: Namespace
    link: Link
    player: Player

    async def until(self, accept: Callable[[Diary], object], *, deadline: float) -> Diary:
        """The diary once `accept` likes it."""
        end = time.monotonic() + deadline
        while not accept(diary := await self.player.diary()):
            assert time.monotonic() < end, f"not within {deadline} s: {self.story(diary)}"
            await asyncio.sleep(0.1)
        return diary

    def story(self, diary: Diary) -> str:
        with urllib.request.urlopen(f"{self.gateway.url}/metrics", timeout=5) as response:
            lines = response.read().decode().splitlines()
        drops = [x.removeprefix("gateway_drops_total") for x in lines if x.startswith("gateway_drops_total")]
        return f"{diary.story()}; drops: {' '.join(drops)}"

    def no_freeze(self, diary: Diary, since: float, most: float = FREEZE) -> None:
        assert diary.longest_stall(since) <= most, self.story(diary)


@asynccontextmanager
async def scene(
    gateway: GatewayServer, order: str, recording: Recording, conditions: Conditions
) -> AsyncIterator[Scene]:
    """A camera on the air and a viewer behind a link who sees it move."""
    camera = recorded_camera(recording, f"{gateway.url}/whip/{order}", gateway.publish_token(order))
    async with camera, network.namespace() as namespace:
        link = await namespace.join("wlan0", conditions)
        async with chromium(namespace=namespace.name) as browser:
            page = await browser.new_page()
            await page.goto(f"{gateway.url}/healthz")
            player = await play(page, f"{gateway.url}/whep/{order}", gateway.watch_token(order))
            found = Scene(gateway, namespace, link, player)
            diary = await found.until(lambda diary: diary.samples and diary.last.frames, deadline=15)
            yield found
            print(found.story(await player.diary()), f"first after {diary.shown[0][0] - player.posted:.2f} s")


@pytest.mark.parametrize(("rate", "height", "settled"), [(3e6, 720, 0.0), (1.2e6, 360, 10.0)])
async def test_the_best_layer_that_fits_is_played(
    gateway: GatewayServer, order: str, recording: Recording, rate: float, height: int, settled: float
) -> None:
    """Where a newcomer is trusted with more than the link has, that may take some seconds to be found out."""
    async with scene(gateway, order, recording, Conditions(rate=rate)) as seen:
        begin = time.time()
        diary = await seen.until(
            lambda diary: diary.last.at > begin + settled + 4 and diary.steady(height, 4.0), deadline=25
        )
        seen.no_freeze(diary, begin + settled)


async def test_a_link_that_gets_narrow_and_wide_again(
    gateway: GatewayServer, order: str, recording: Recording
) -> None:
    async with scene(gateway, order, recording, GOOD) as seen:
        await seen.until(lambda diary: diary.steady(720, 2.0), deadline=20)

        narrow = time.time()
        await seen.link.become(POOR)
        await seen.until(lambda diary: diary.last.height == 180, deadline=FALL)
        poor = await seen.until(lambda diary: diary.last.at > narrow + 6, deadline=10)

        wide = time.time()
        await seen.link.become(GOOD)
        diary = await seen.until(lambda diary: diary.steady(720, 2.0), deadline=RISE)
        seen.no_freeze(diary, wide)
        seen.no_freeze(poor, narrow)


async def test_random_loss_costs_neither_the_layer_nor_the_flow(
    gateway: GatewayServer, order: str, recording: Recording
) -> None:
    async with scene(gateway, order, recording, Conditions(loss=0.05)) as seen:
        begin = time.time()
        diary = await seen.until(lambda diary: diary.last.at > begin + 10, deadline=15)
        assert diary.last.lost > 50, "the link lost nothing"
        assert diary.steady(720, 8.0), seen.story(diary)
        seen.no_freeze(diary, begin)


async def test_a_burst_of_loss_is_over_when_it_is_over(
    gateway: GatewayServer, order: str, recording: Recording
) -> None:
    async with scene(gateway, order, recording, Conditions()) as seen:
        await seen.until(lambda diary: diary.steady(720, 2.0), deadline=20)
        begin = time.time()
        await seen.link.become(Conditions(loss=0.3))
        await asyncio.sleep(1.0)
        await seen.link.become(Conditions())
        over = time.time()
        diary = await seen.until(
            lambda diary: diary.last.at > over + 4 and diary.steady(720, 2.0), deadline=15
        )
        assert diary.last.lost > 20, "the link lost nothing"
        seen.no_freeze(diary, begin)
        seen.no_freeze(diary, over + 1.0, most=0.5)


async def test_from_wifi_to_mobile(gateway: GatewayServer, order: str, recording: Recording) -> None:
    """The picture goes on in the session that there was: the page does not ask for another."""
    async with scene(gateway, order, recording, Conditions()) as seen:
        mobile = await seen.namespace.join("wwan0", Conditions(delay=0.04))
        await seen.until(lambda diary: diary.steady(720, 4.0), deadline=20)
        moved = time.time()
        await seen.link.go_down()
        await mobile.take_default_route()
        diary = await seen.until(
            lambda diary: diary.last.at > moved + 5 and diary.longest_stall(diary.last.at - 1.0) < FREEZE,
            deadline=12,
        )
        seen.no_freeze(diary, moved, most=MOVE)
        assert diary.connection == "connected"
