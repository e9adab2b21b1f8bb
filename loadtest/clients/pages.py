"""Socket.IO clients that listen as pages do."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import socketio
from socketio.exceptions import ConnectionError as Unconnected

from loadtest.clients.serving import Tally
from loadtest.messages import PagesJob

NAMESPACE = "/live"
RAMP = 15.0
"""Connections begun a second: the gateway lets one address make 20."""
_TIMEOUT = 15


class Pages:
    """As many connections as the job wants, opened one after the other and kept."""

    def __init__(self, job: PagesJob) -> None:
        self.tally = Tally()
        self._job = job
        self._clients: list[socketio.AsyncClient] = []
        self._openings: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self._closing = False

    async def run(self) -> None:
        """Connect all, then listen until cancelled."""
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        for _ in range(self._job.clients):
            opening = asyncio.create_task(self._open(self._http))
            self._openings.add(opening)
            opening.add_done_callback(self._openings.discard)
            await asyncio.sleep(1 / RAMP)
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Hang up everywhere."""
        self._closing = True
        for opening in self._openings:
            opening.cancel()
        await asyncio.gather(*self._openings, return_exceptions=True)
        await asyncio.gather(*(client.disconnect() for client in self._clients), return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def _open(self, http: aiohttp.ClientSession) -> None:
        client = socketio.AsyncClient(reconnection=False, http_session=http)
        connected = False

        def heard(*_: object) -> None:
            self.tally.heard()

        def gone(*_: object) -> None:
            nonlocal connected
            if connected:
                connected = False
                self.tally.sessions -= 1
                if not self._closing:
                    self.tally.failed("page: connection lost")

        client.on("*", heard, namespace=NAMESPACE)
        client.on("disconnect", gone, namespace=NAMESPACE)
        began = time.monotonic()
        self.tally.opening += 1
        try:
            await client.connect(
                self._job.url,
                auth={"token": self._job.token},
                namespaces=[NAMESPACE],
                transports=["websocket"],
                wait_timeout=_TIMEOUT,
            )
        except (Unconnected, aiohttp.ClientError, TimeoutError) as error:
            self.tally.failed(f"page: {type(error).__name__}")
            return
        finally:
            self.tally.opening -= 1
        connected = True
        self._clients.append(client)
        self.tally.sessions += 1
        self.tally.opened((time.monotonic() - began) * 1000)
