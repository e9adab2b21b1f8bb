"""Clients whose address changes under them: media goes on in the same session, without any signalling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aioice import ice

from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.interop.nat import Nat, nat
from tests.peers import ffmpeg
from tests.peers.aiortc_peer import peer
from tests.peers.browser_media import BrowserPeer
from tests.peers.chromium import EXECUTABLE, chromium
from tests.peers.processes import running
from tests.waiting import eventually

FLOWING = 30
"""Frames that no buffer still had: the way they came on is gone."""
BACK_WITHIN = 15.0
"""Seconds: the peer's next consent check, at most six seconds away, then a keyframe."""


async def survives(between: Nat, frames: Callable[[], Awaitable[int]]) -> None:
    """See the picture move, change the client's address, and see it move again."""
    await eventually(frames, lambda seen: seen >= FLOWING, deadline=30)
    before, offers = between.mappings, between.offers
    for _ in range(2):
        between.rebind()
        standing = await frames()
        await eventually(frames, lambda seen, since=standing: seen >= since + FLOWING, deadline=BACK_WITHIN)
    assert between.mappings
    assert not set(between.mappings) & set(before)
    assert between.offers == offers, "in the same session"


def urls(gateway: GatewayServer, between: Nat, role: str) -> tuple[str, str]:
    """Where the publisher and the viewer find the gateway; the one of this role goes through the NAT."""
    return (between.url, gateway.url) if role == "publisher" else (gateway.url, between.url)


@pytest.mark.parametrize("role", ["publisher", "viewer"])
async def test_aiortc_moves(
    gateway: GatewayServer, order: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice, "CONSENT_INTERVAL", 1)  # instead of 5: the test waits for the next check
    async with nat(gateway) as between, peer() as publisher, peer() as viewer:
        whip, whep = urls(gateway, between, role)
        await publisher.publish(f"{whip}/whip/{order}", gateway.publish_token(order))
        await viewer.watch(f"{whep}/whep/{order}", gateway.watch_token(order))

        async def frames() -> int:
            return viewer.frames

        await survives(between, frames)


@pytest.mark.parametrize("role", ["publisher", "viewer"])
async def test_chromium_moves(gateway: GatewayServer, order: str, foreign_page: str, role: str) -> None:
    real_component("Chromium", EXECUTABLE)
    async with nat(gateway) as between, chromium() as browser:
        page = await browser.new_page()
        await page.goto(foreign_page)
        technician, customer = BrowserPeer(page, "technician"), BrowserPeer(page, "customer")
        whip, whep = urls(gateway, between, role)
        token = gateway.publish_token(order)
        published = await technician.publish(f"{whip}/whip/{order}", token, codec="vp8")
        watched = await customer.watch(f"{whep}/whep/{order}", gateway.watch_token(order))
        assert (published.status, watched.status) == (201, 201)

        async def frames() -> int:
            return (await customer.statistics()).frames

        await survives(between, frames)
        for browser_peer in (technician, customer):
            assert (await browser_peer.statistics()).connection == "connected"


async def test_ffmpeg_moves(gateway: GatewayServer, order: str) -> None:
    real_component("FFmpeg with whip", ffmpeg.executable())
    async with nat(gateway) as between, peer() as viewer:
        command = ffmpeg.publish_command(f"{between.url}/whip/{order}", token=gateway.publish_token(order))
        async with running(*command) as publisher:

            async def frames() -> int:
                assert publisher.child.returncode is None, publisher.output
                return viewer.frames

            await viewer.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
            await survives(between, frames)
