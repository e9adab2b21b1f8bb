"""As many viewers as there should be: begun at a steady rate, replaced when they leave or fail."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine
from typing import Any, Final

import aiohttp

from gateway.client.errors import ClientError, Refused
from gateway.client.offer import Offer, play_offer
from gateway.client.session import process_certificate
from gateway.errors import GatewayError
from gateway.protocol.ice import new_ice_credentials
from loadtest.engine.link import Link
from loadtest.engine.meter import Meter
from loadtest.engine.reader import Reader
from loadtest.engine.talker import Talker
from loadtest.engine.viewer import Viewer
from loadtest.messages import Endpoint, WatchJob

AT_ONCE: Final = 32
"""Handshakes under way at a time."""
RETRY: Final = 1.0
"""Seconds until a viewer who failed is replaced."""


class Crowd:
    """The viewers of one worker; `want` may be called at any time."""

    def __init__(self, job: WatchJob, http: aiohttp.ClientSession, meter: Meter) -> None:
        self._job = job
        self._http = http
        self._meter = meter
        self._reader = Reader(meter)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._wanted = 0
        self._places: dict[int, asyncio.Task[None]] = {}
        self._watching: dict[int, Viewer] = {}
        self._drops_before: dict[Viewer, int] = {}
        self._pacer: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def sessions(self) -> int:
        """Viewers who are connected."""
        return len(self._watching)

    @property
    def opening(self) -> int:
        """Viewers who are being connected, or wait for their turn."""
        return max(0, self._wanted - len(self._watching))

    async def start(self) -> None:
        """Begin to do what `want` says."""
        self._pacer = asyncio.create_task(self._pace(), name="ramp")

    def want(self, number: int) -> None:
        """So many viewers at once, from now on."""
        self._wanted = number
        self._changed.set()

    def look(self) -> None:
        """Before a tick: ask the kernel what it dropped."""
        for viewer in self._watching.values():
            drops = viewer.link.kernel_drops()
            self._meter.kernel_drops += drops - self._drops_before.get(viewer, 0)
            self._drops_before[viewer] = drops

    async def close(self) -> None:
        """Everybody leaves."""
        self._wanted = 0
        if self._pacer is not None:
            self._pacer.cancel()
        await self._end(list(self._places.values()))
        self._reader.close()

    async def _pace(self) -> None:
        due = time.monotonic()
        while True:
            await self._end([task for place, task in self._places.items() if place >= self._wanted])
            place = next((place for place in range(self._wanted) if place not in self._places), None)
            if place is None:
                self._changed.clear()
                await self._changed.wait()
                due = time.monotonic()
                continue
            self._places[place] = asyncio.create_task(self._occupy(place), name=f"viewer {place}")
            due = max(due + 1 / self._job.ramp, time.monotonic() - 0.1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _occupy(self, place: int) -> None:
        """One viewer from the request to the end; then the place is free."""
        endpoint = self._job.endpoints[place % len(self._job.endpoints)]
        try:
            await self._watch(place, endpoint)
        except Refused as error:
            self._meter.failed[f"HTTP {error.status}"] += 1
            await asyncio.sleep(RETRY)
        except (GatewayError, OSError) as error:
            self._meter.failed[str(error) or type(error).__name__] += 1
            await asyncio.sleep(RETRY)
        finally:
            self._places.pop(place, None)
            self._changed.set()

    async def _watch(self, place: int, endpoint: Endpoint) -> None:
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def end(reason: str) -> None:
            if not ended.done():
                ended.set_result(reason)

        link = Link(lambda kind, packet: None, end)
        talker = Talker(endpoint, self._http) if place < self._job.talkers else None
        viewer: Viewer | None = None
        try:
            async with self._room:
                viewer = await self._open(link, endpoint, end)
            self._watching[place] = viewer
            if talker is not None:
                await talker.open()
            stay = random.expovariate(1 / self._job.stay) if self._job.stay else None
            async with asyncio.timeout(stay):
                raise ClientError(await ended)
        except TimeoutError:
            pass  # it has seen enough
        finally:
            self._watching.pop(place, None)
            if viewer is not None:
                self._reader.remove(viewer)
                self._drops_before.pop(viewer, None)
            await _shielded(_leave(link, talker))

    async def _open(self, link: Link, endpoint: Endpoint, end: Any) -> Viewer:
        began = time.time()
        offer = play_offer(ice=new_ice_credentials(), fingerprint=process_certificate().fingerprint)
        if self._job.feedback == "none":
            offer = _without_numbers(offer)
        answer = await link.open("watch", endpoint, offer, self._http)
        viewer = Viewer(
            link,
            offer,
            answer,
            self._meter,
            began,
            end,
            nack=self._job.nack,
            loss=self._job.loss,
            feedback=self._job.feedback == "transport-cc",
        )
        self._reader.add(viewer)
        self._meter.opened += 1
        return viewer


async def _leave(link: Link, talker: Talker | None) -> None:
    if talker is not None:
        await talker.close()
    await link.close()


async def _shielded(closing: Coroutine[Any, Any, None]) -> None:
    """Finish even when the one who waits is cancelled."""
    task = asyncio.ensure_future(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _without_numbers(offer: Offer) -> Offer:
    """The offer of a viewer that knows no transport-wide congestion control."""
    lines = [line for line in offer.text.split("\r\n") if "transport-" not in line]
    return Offer(offer.media, offer.ice, "\r\n".join(lines))
