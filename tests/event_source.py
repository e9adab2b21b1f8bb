"""A listener of server-sent events, as EventSource is one: bare URL, no token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp


class EventSource:
    """One connection to an event stream and all that it was told."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.heard: list[tuple[str, Any]] = []
        self.comments = 0
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    def all(self, event: str) -> list[Any]:
        """The data of every `event` so far."""
        return [data for name, data in self.heard if name == event]

    async def hears(self, event: str, count: int = 1) -> Any:
        """The latest data of `event` once it was heard `count` times."""
        async with asyncio.timeout(10):
            while len(self.all(event)) < count:
                assert not self._task.done(), f"the stream ended; heard {self.heard}"
                self._news.clear()
                await asyncio.wait(
                    (self._task, news := asyncio.ensure_future(self._news.wait())),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                news.cancel()
        return self.all(event)[-1]

    async def ended(self) -> None:
        """Return when the server has ended the stream in order."""
        async with asyncio.timeout(10):
            await self._task

    async def close(self) -> None:
        self.response.close()
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def _read(self) -> None:
        """Events end with an empty line; the draft wants one data line an event."""
        event, data = "", ""
        async for raw in self.response.content:
            line = raw.decode().removesuffix("\n")
            if line.startswith(":"):
                self.comments += 1
                self._news.set()
            elif line:
                name, _, value = line.partition(": ")
                assert name in ("event", "data"), line
                if name == "event":
                    event = value
                else:
                    assert not data, "two data lines"
                    data = value
            elif event:
                self.heard.append((event, json.loads(data)))
                event, data = "", ""
                self._news.set()


@asynccontextmanager
async def listening(response: aiohttp.ClientResponse) -> AsyncIterator[EventSource]:
    """Listen to a stream that was answered with 200."""
    assert response.status == 200, await response.text()
    source = EventSource(response)
    try:
        yield source
    finally:
        await source.close()
