"""What one more viewer costs the live events where few and where many listen already.

    .venv/bin/python -m tools.measure_presence [PAGES …]

Real Socket.IO clients on loopback, all on one order, media that is none. For each number of pages (default
50 and 500), medians over some joins: the time until a page that comes has been told everything, processor
time of the gateway and the client together for one join and all that follows in the next second, and what the
gateway says for it: a message to a room counts once, since it is laid out once.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import AsyncIterator
from unittest.mock import patch

import socketio

from gateway.access.grants import Scope
from gateway.log import configure
from tests.live_page import Page
from tests.signalling_rig import Http, Rig, make_rig, publish, serving, watch

JOINS = 10


class Mouth:
    """Counts what the gateway says."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._emit = socketio.AsyncServer.emit

    async def emit(self, server: socketio.AsyncServer, event: str, *args: object, **kwargs: object) -> None:
        self.said.append(event)
        await self._emit(server, event, *args, **kwargs)


async def enter(http: Http, rig: Rig, subject: str, *scopes: Scope) -> Page:
    """A page that has been told everything."""
    page = Page()
    await page.connect(str(http.make_url("/")), {"token": rig.token(*scopes, subject=subject)})
    await page.hears("markers")
    return page


@contextlib.asynccontextmanager
async def house(pages: int) -> AsyncIterator[tuple[Rig, Http]]:
    """A technician and customers who listen to one order."""
    rig = make_rig(capacity=10_000)
    async with serving(rig) as http:
        await publish(rig)
        crowd = [await enter(http, rig, "technician", Scope.PUBLISH)]
        for number in range(pages):
            crowd.append(await enter(http, rig, f"viewer-{number}", Scope.WATCH, Scope.TALK))
            await asyncio.sleep(0.05)  # handshakes of one address are limited
        await asyncio.sleep(3)
        yield rig, http
        for page in crowd:
            await page.client.disconnect()


async def measure(pages: int) -> str:
    """One row of the table."""
    mouth = Mouth()
    times, costs, counts = [], [], []

    async def emit(server: socketio.AsyncServer, event: str, *args: object, **kwargs: object) -> None:
        await mouth.emit(server, event, *args, **kwargs)

    with patch.object(socketio.AsyncServer, "emit", emit):
        async with house(pages) as (rig, http):
            for number in range(JOINS):
                mouth.said.clear()
                began, used = time.perf_counter(), time.process_time()
                page = await enter(http, rig, f"late-{number}", Scope.WATCH, Scope.TALK)
                times.append(time.perf_counter() - began)
                await watch(rig, subject=f"late-{number}")
                await asyncio.sleep(1.0)
                costs.append(time.process_time() - used)
                counts.append(len(mouth.said))
                await page.client.disconnect()
                await asyncio.sleep(1.2)
    told, cost = statistics.median(times) * 1000, statistics.median(costs) * 1000
    return f"{pages:6d}   {told:8.1f} ms   {cost:8.1f} ms   {statistics.median(counts):6.1f}"


async def main(numbers: list[int]) -> None:
    """Print the table."""
    print(" pages   told after   processor   messages")
    for pages in numbers:
        print(await measure(pages))


if __name__ == "__main__":
    configure("text", "warning")
    asyncio.run(main([int(x) for x in sys.argv[1:]] or [50, 500]))
