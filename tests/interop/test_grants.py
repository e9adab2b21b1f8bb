"""What a grant allows ends when the grant ends, on sessions that are running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.access.grants import Scope
from tests.gateway_server import GatewayServer, gateway_server
from tests.peers.aiortc_peer import Peer, peer
from tests.waiting import eventually

ENDS_WITHIN = 1.0
"""Seconds from the end of a grant to the end of what it allowed."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayServer]:
    """The same on both databases."""
    settings = {}
    if request.param == "postgresql":
        settings["database_url"] = request.getfixturevalue("postgresql_server").new_database()
    with gateway_server(tmp_path_factory.mktemp("gateway"), **settings) as server:
        yield server


async def playing(watcher: Peer) -> bool:
    return watcher.frames >= 15


async def ended(watcher: Peer) -> bool:
    return watcher.connection.connectionState == "closed"


async def customer_token(gateway: GatewayServer, access: dict[str, Any]) -> str:
    """What the login dialog does."""
    credentials = {"login": access["login"], "password": access["password"]}
    async with (
        ClientSession(gateway.url) as http,
        http.post("/api/live-stream/authenticate", json=credentials) as response,
    ):
        assert response.status == 200
        return str((await response.json())["token"])


async def test_revocation_ends_the_live_session(gateway: GatewayServer, order: str) -> None:
    access = await asyncio.to_thread(gateway.command, "access", "create", order)
    other = await asyncio.to_thread(gateway.command, "access", "create", order)
    async with peer() as publisher, peer() as watcher, peer() as neighbour:
        await publisher.publish(f"{gateway.url}/whip/{order}", gateway.publish_token(order))
        await watcher.watch(f"{gateway.url}/whep/{order}", await customer_token(gateway, access))
        await neighbour.watch(f"{gateway.url}/whep/{order}", await customer_token(gateway, other))
        await eventually(lambda: playing(watcher), deadline=30)

        await asyncio.to_thread(gateway.command, "access", "revoke", access["id"])
        await eventually(lambda: ended(watcher), deadline=ENDS_WITHIN, every=0.02)

        async with ClientSession(gateway.url) as http, http.get(watcher.location) as response:
            assert response.status == 404
        seen = neighbour.frames

        async def neighbour_goes_on() -> bool:
            return neighbour.frames > seen + 15

        await eventually(neighbour_goes_on)


async def test_a_session_ends_with_its_token(gateway: GatewayServer, order: str) -> None:
    async with peer() as publisher, peer() as watcher:
        await publisher.publish(f"{gateway.url}/whip/{order}", gateway.publish_token(order))
        token = gateway.token(order, Scope.WATCH, ttl=4)
        expires_at = time.time() + 4
        await watcher.watch(f"{gateway.url}/whep/{order}", token)
        await eventually(lambda: ended(watcher), deadline=expires_at + ENDS_WITHIN - time.time(), every=0.02)
        assert watcher.frames > 0
        # A token's times are whole seconds, rounded down.
        assert time.time() >= expires_at - 1
