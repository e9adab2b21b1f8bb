"""FFmpeg's whip muxer: `setup:passive`, no candidates, plain STUN, one m-line's BUNDLE quirks."""

from __future__ import annotations

from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.peers import ffmpeg
from tests.peers.aiortc_peer import peer
from tests.peers.processes import running
from tests.waiting import eventually


async def test_ffmpeg_publishes_and_a_viewer_sees_and_hears(gateway: GatewayServer, order: str) -> None:
    real_component("FFmpeg with whip", ffmpeg.executable())
    command = ffmpeg.publish_command(f"{gateway.url}/whip/{order}", token=gateway.publish_token(order))
    async with running(*command) as publisher, peer() as watcher:

        async def received() -> tuple[int, tuple[int, int], float]:
            assert publisher.child.returncode is None, publisher.output
            return watcher.frames, watcher.size, watcher.audio_energy

        await watcher.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
        await eventually(
            received, lambda seen: seen[0] >= 30 and seen[1] == (640, 360) and seen[2] > 1, deadline=30
        )
