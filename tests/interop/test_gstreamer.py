"""GStreamer's webrtcbin publishes and plays."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.peers import gstreamer
from tests.peers.aiortc_peer import peer
from tests.peers.processes import Process, running
from tests.waiting import eventually

Codec = Literal["h264", "vp8"]


@pytest.fixture(autouse=True)
def _gstreamer() -> None:
    real_component("GStreamer with webrtcbin", gstreamer.version())


def latest(client: Process, event: str) -> dict[str, object]:
    """The newest report of one kind; empty before the first."""
    reports = [json.loads(line) for line in client.lines if line.startswith("{")]
    return next((report for report in reversed(reports) if report["event"] == event), {})


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_gstreamer_publishes(gateway: GatewayServer, order: str, codec: Codec) -> None:
    command = gstreamer.client_command("publish", codec, f"{gateway.url}/whip/{order}")
    async with (
        running(*command, environment={"TOKEN": gateway.publish_token(order)}) as publisher,
        peer() as watcher,
    ):
        await publisher.line_with('"connected"', deadline=30)
        await watcher.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))

        async def received() -> tuple[int, tuple[int, int], float]:
            assert publisher.child.returncode is None, publisher.output
            return watcher.frames, watcher.size, watcher.audio_energy

        await eventually(
            received, lambda seen: seen[0] >= 30 and seen[1] == (640, 360) and seen[2] > 1, deadline=30
        )


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_gstreamer_plays(gateway: GatewayServer, order: str, codec: Codec) -> None:
    command = gstreamer.client_command("play", codec, f"{gateway.url}/whep/{order}")
    async with peer() as publisher:
        await publisher.publish(
            f"{gateway.url}/whip/{order}", gateway.publish_token(order), codec=codec.upper()
        )
        async with running(*command, environment={"TOKEN": gateway.watch_token(order)}) as player:

            async def decoded() -> tuple[object, object]:
                assert player.child.returncode is None, player.output
                buffers = latest(player, "buffers")
                return buffers.get("video/x-raw", 0), buffers.get("audio/x-raw", 0)

            await eventually(decoded, lambda counts: min(counts) >= 30, deadline=40)
            assert latest(player, "status")["status"] == 201
