"""Firefox publishes and watches VP8: its nomination, its header extension ids, its payload types."""

from __future__ import annotations

import pytest

from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.peers.browser_media import BrowserPeer
from tests.peers.chromium import EXECUTABLE as CHROMIUM
from tests.peers.chromium import chromium
from tests.peers.firefox import EXECUTABLE, firefox
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _firefox() -> None:
    real_component("Firefox", EXECUTABLE)


@pytest.mark.parametrize("simulcast", [False, True], ids=["single", "simulcast"])
async def test_firefox_publishes_and_watches_vp8(
    gateway: GatewayServer, order: str, foreign_page: str, simulcast: bool
) -> None:
    async with firefox() as browser:
        page = await browser.new_page()
        await page.goto(foreign_page)
        technician, customer = BrowserPeer(page, "technician"), BrowserPeer(page, "customer")

        published = await technician.publish(
            f"{gateway.url}/whip/{order}", gateway.publish_token(order), codec="vp8", simulcast=simulcast
        )
        assert published.status == 201
        await eventually(
            technician.statistics, lambda seen: any(s.frames > 10 for s in seen.sent), deadline=30
        )

        watched = await customer.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
        assert watched.status == 201
        first = await eventually(
            customer.statistics, lambda seen: seen.frames >= 30 and seen.audio_energy > 0, deadline=30
        )
        assert first.codec.lower() == "video/vp8"
        await eventually(
            customer.statistics,
            lambda seen: seen.frames >= first.frames + 60 and seen.audio_energy > first.audio_energy,
            deadline=20,
        )


async def test_firefox_watches_what_chromium_publishes(
    gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    real_component("Chromium", CHROMIUM)
    async with chromium() as one, firefox() as other:
        page = await one.new_page()
        await page.goto(foreign_page)
        technician = BrowserPeer(page, "technician")
        published = await technician.publish(
            f"{gateway.url}/whip/{order}", gateway.publish_token(order), codec="vp8", simulcast=True
        )
        assert published.status == 201
        await eventually(technician.statistics, lambda seen: seen.connection == "connected")

        tab = await other.new_page()
        await tab.goto(foreign_page)
        customer = BrowserPeer(tab, "customer")
        watched = await customer.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
        assert watched.status == 201
        await eventually(
            customer.statistics, lambda seen: seen.frames >= 60 and seen.audio_energy > 0, deadline=30
        )
