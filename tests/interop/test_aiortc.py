"""aiortc publishes and watches: a complete second implementation of ICE, DTLS, SRTP and RTCP."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession

from tests.gateway_server import GatewayServer
from tests.peers.aiortc_peer import Peer, Refused, peer
from tests.waiting import eventually


async def received(watcher: Peer) -> tuple[int, tuple[int, int], float]:
    return watcher.frames, watcher.size, watcher.audio_energy


def plays(values: tuple[int, tuple[int, int], float]) -> bool:
    frames, size, energy = values
    return frames >= 30 and size == (640, 360) and energy > 1


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_aiortc_publishes_and_watches(gateway: GatewayServer, order: str, codec: str) -> None:
    async with peer() as publisher, peer() as watcher:
        await publisher.publish(f"{gateway.url}/whip/{order}", gateway.publish_token(order), codec=codec)
        await watcher.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
        await eventually(lambda: received(watcher), plays, deadline=30)


async def test_nobody_to_watch_is_a_conflict(gateway: GatewayServer, order: str) -> None:
    async with peer() as watcher:
        with pytest.raises(Refused) as refused:
            await watcher.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order), patience=0)
        assert refused.value.status == 409


async def test_another_subject_cannot_take_the_camera(gateway: GatewayServer, order: str) -> None:
    url = f"{gateway.url}/whip/{order}"
    async with peer() as publisher, peer() as intruder, peer() as watcher:
        await publisher.publish(url, gateway.publish_token(order, subject="anna"))
        with pytest.raises(Refused) as refused:
            await intruder.publish(url, gateway.publish_token(order, subject="boris"))
        assert refused.value.status == 409
        await watcher.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
        await eventually(lambda: received(watcher), plays, deadline=30)


async def test_a_watch_token_publishes_nothing(gateway: GatewayServer, order: str) -> None:
    async with peer() as intruder:
        with pytest.raises(Refused) as refused:
            await intruder.publish(f"{gateway.url}/whip/{order}", gateway.watch_token(order))
        assert refused.value.status == 403


async def test_the_session_ends_when_its_resource_is_deleted(gateway: GatewayServer, order: str) -> None:
    async def gone() -> bool:
        return watcher.connection.connectionState == "closed"

    async with peer() as publisher, peer() as watcher, ClientSession(gateway.url) as http:
        await publisher.publish(f"{gateway.url}/whip/{order}", gateway.publish_token(order))
        await watcher.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
        await eventually(lambda: received(watcher), plays, deadline=30)
        assert watcher.location.startswith("/sessions/")
        async with http.delete(watcher.location) as response:
            assert response.status == 200
        async with http.delete(watcher.location) as response:
            assert response.status == 404
        # The gateway says goodbye with DTLS close_notify.
        await eventually(gone, deadline=5)
