"""A publisher who dies and comes back continues in the viewer's session, and grants end when they end."""

from __future__ import annotations

import time
from typing import Literal

import pytest

from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.peers import gstreamer
from tests.peers.browser_media import BrowserPeer, Statistics
from tests.peers.chromium import EXECUTABLE, chromium
from tests.peers.processes import running
from tests.waiting import eventually

Codec = Literal["h264", "vp8"]
BACK_WITHIN = 2.0
"""Seconds from the new publisher's first frame to the viewer's next picture."""


async def standing(viewer: BrowserPeer) -> Statistics:
    """The viewer's statistics once nothing moves any more."""
    seen = await viewer.statistics()

    async def later() -> bool:
        nonlocal seen
        before, seen = seen, await viewer.statistics()
        return before.frames == seen.frames

    await eventually(later, every=0.3)
    return seen


@pytest.mark.parametrize(("before", "after"), [("h264", "h264"), ("h264", "vp8"), ("vp8", "h264")])
async def test_the_picture_returns_in_the_same_session(
    gateway: GatewayServer, order: str, foreign_page: str, before: Codec, after: Codec
) -> None:
    real_component("GStreamer with webrtcbin", gstreamer.version())
    real_component("Chromium", EXECUTABLE)
    token = {"TOKEN": gateway.publish_token(order)}
    url = f"{gateway.url}/whip/{order}"
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(foreign_page)
        viewer = BrowserPeer(page, "viewer")
        async with running(*gstreamer.client_command("publish", before, url), environment=token) as first:
            await first.line_with('"connected"', deadline=30)
            answer = await viewer.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
            assert answer.status == 201
            await eventually(viewer.statistics, lambda seen: seen.frames >= 30 and seen.audio_packets > 0)
            await first.kill()

        stopped = await standing(viewer)
        async with running(*gstreamer.client_command("publish", after, url), environment=token) as second:
            await second.line_with('"connected"', deadline=30)
            # Connected is before the first frame, so this bound is a little stricter than the promise.
            connected = time.monotonic()

            def moves(seen: Statistics) -> bool:
                return seen.frames > stopped.frames + 5 and seen.codec.lower() == f"video/{after}"

            back = await eventually(viewer.statistics, moves, deadline=15, every=0.05)
            assert time.monotonic() - connected <= BACK_WITHIN + 5 / 30
            assert back.connection == "connected"

            sounds = await eventually(
                viewer.statistics, lambda seen: seen.audio_packets > stopped.audio_packets + 50
            )
            assert sounds.audio_energy > stopped.audio_energy
