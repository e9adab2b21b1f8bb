"""Chromium publishes and watches through plain WHIP and WHEP, from a page of another origin."""

from __future__ import annotations

import pytest

from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.peers.browser_media import BrowserPeer, Statistics
from tests.peers.chromium import EXECUTABLE, chromium
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _chromium() -> None:
    real_component("Chromium", EXECUTABLE)


@pytest.mark.parametrize("simulcast", [False, True], ids=["single", "simulcast"])
@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_chromium_publishes_and_watches(
    gateway: GatewayServer, order: str, foreign_page: str, codec: str, simulcast: bool
) -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(foreign_page)
        technician, customer = BrowserPeer(page, "technician"), BrowserPeer(page, "customer")

        published = await technician.publish(
            f"{gateway.url}/whip/{order}", gateway.publish_token(order), codec=codec, simulcast=simulcast
        )
        assert published.status == 201
        assert published.location
        assert published.location.startswith("/sessions/")
        # All the way up: the publisher's estimate needs our feedback.
        await eventually(technician.statistics, all_layers_flow if simulcast else full_bitrate, deadline=30)

        watched = await customer.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
        assert watched.status == 201

        def good_picture(seen: Statistics) -> bool:
            # Of a simulcast the best layer at once; a single encoding grows by libwebrtc's own slow rules.
            return seen.width >= (1280 if simulcast else 320) and seen.frames >= 30

        await eventually(customer.statistics, good_picture, deadline=45)
        first = await eventually(customer.statistics, lambda seen: seen.audio_energy > 0, deadline=20)
        assert first.codec.lower() == f"video/{codec}"

        # It keeps on moving, and the beeps of the fake microphone keep on coming.
        await eventually(
            customer.statistics,
            lambda seen: seen.frames >= first.frames + 60 and seen.audio_energy > first.audio_energy,
            deadline=20,
        )


def all_layers_flow(seen: Statistics) -> bool:
    return {layer.rid for layer in seen.sent if layer.frames > 10} == {"q", "h", "f"}


def full_bitrate(seen: Statistics) -> bool:
    return sum(layer.target for layer in seen.sent) >= 1_400_000


async def test_watching_before_anybody_publishes_can_be_retried(
    gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(foreign_page)
        answer = await BrowserPeer(page, "customer").watch(
            f"{gateway.url}/whep/{order}", gateway.watch_token(order), patience=0
        )
        assert answer.status == 409
        assert answer.retry_after is not None


async def test_the_same_technician_takes_over_in_another_window(
    gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(foreign_page)
        before, after = BrowserPeer(page, "before"), BrowserPeer(page, "after")
        customer = BrowserPeer(page, "customer")
        url, token = f"{gateway.url}/whip/{order}", gateway.publish_token(order)

        assert (await before.publish(url, token, codec="vp8")).status == 201
        await eventually(before.statistics, lambda seen: seen.connection == "connected")
        assert (await customer.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))).status == 201
        await eventually(customer.statistics, lambda seen: seen.frames >= 30)

        assert (await after.publish(url, token, codec="h264")).status == 201
        seen = await eventually(
            customer.statistics, lambda seen: seen.codec.lower() == "video/h264", deadline=20
        )
        moved = await eventually(customer.statistics, lambda now: now.frames >= seen.frames + 30)
        assert moved.connection == "connected"
        await eventually(before.statistics, lambda seen: seen.connection != "connected", deadline=10)
