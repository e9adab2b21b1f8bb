"""A page that listens to the live events: a real Socket.IO client of namespace `/live`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import socketio


class Page:
    """One connection and all that it was told."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, Any]] = []
        self.refusal: Any = None
        self.client.on("*", self._hear, namespace="/live")
        self.client.on("connect_error", self._refused, namespace="/live")

    async def _hear(self, event: str, data: Any) -> None:
        self.heard.append((event, data))

    async def _refused(self, data: Any) -> None:
        self.refusal = data

    async def connect(self, url: str, auth: object, **headers: str) -> None:
        await self.client.connect(
            url, auth=auth, namespaces=["/live"], transports=["websocket"], headers=headers, wait_timeout=5
        )

    def all(self, event: str) -> list[Any]:
        """The data of every `event` so far."""
        return [data for name, data in self.heard if name == event]

    async def hears(self, event: str, count: int = 1) -> Any:
        """The latest data of `event` once it was heard `count` times."""
        async with asyncio.timeout(5):
            while len(self.all(event)) < count:
                await asyncio.sleep(0.005)
        return self.all(event)[-1]

    async def hears_that(self, event: str, holds: Callable[[Any], object], deadline: float = 15.0) -> Any:
        """The latest data of `event` once `holds` likes it."""
        try:
            async with asyncio.timeout(deadline):
                while not (told := self.all(event)) or not holds(told[-1]):
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"no such {event} within {deadline} s; heard {self.all(event)}") from None
        return told[-1]

    async def ask(self, event: str, data: Any) -> Any:
        """The acknowledgement of an event."""
        return await self.client.call(event, data, namespace="/live", timeout=5)

    async def hung_up(self) -> None:
        """Wait until the gateway has ended the connection."""
        async with asyncio.timeout(5):
            while self.connected:
                await asyncio.sleep(0.005)

    @property
    def connected(self) -> bool:
        return "/live" in self.client.namespaces
